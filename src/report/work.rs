//! How long the server of a live run itself worked, as charts draw it.

/// Values of stretches of time, of which each is told with its end and the first begins at 0, for each bucket: that of the stretch
/// in which its middle lies.
pub(super) fn by_bucket(
    stretches: impl IntoIterator<Item = (f64, Option<f64>)>,
    bucket_s: f64,
    buckets: usize,
) -> Vec<Option<f64>> {
    let mut stretches = stretches.into_iter().peekable();
    let of_bucket = |bucket: usize| {
        let middle = (bucket as f64 + 0.5) * bucket_s;
        while stretches.next_if(|(until, _)| *until < middle).is_some() {}
        stretches.peek()?.1
    };
    (0..buckets).map(of_bucket).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_has_the_value_of_the_stretch_in_which_its_middle_lies() {
        let stretches = [(2.0, Some(1.0)), (3.4, None), (6.0, Some(3.0))];
        let told = by_bucket(stretches, 1.0, 7);
        assert_eq!(told, [Some(1.0), Some(1.0), None, Some(3.0), Some(3.0), Some(3.0), None]);
        assert_eq!(by_bucket([], 1.0, 2), [None; 2]);
    }
}
