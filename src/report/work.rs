//! How long the server of a live run itself worked, as pages tell it.

use super::format;
use crate::live::{Served, Slowest};

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

/// What the server's own work took, in a sentence; `None` where it did not tell.
pub(super) fn sentence(served: &Served) -> Option<String> {
    let both = |get: Option<f64>, set: Option<f64>| {
        let told = [("a GET", get), ("a SET", set)];
        let told =
            told.into_iter().filter_map(|(what, mean)| Some(format!("{} on {what}", format::seconds(mean?))));
        told.collect::<Vec<_>>().join(" and ")
    };
    let all = both(served.get_mean_s, served.set_mean_s);
    if all.is_empty() {
        return None;
    }
    let slowest = served.slowest.map(|Slowest { from_s, until_s, get_mean_s, set_mean_s }| {
        let [from, until] = [from_s, until_s].map(format::duration);
        format!("; at its slowest, from {from} to {until}, {}", both(Some(get_mean_s), set_mean_s))
    });
    Some(format!("The server itself worked {all} on average{}.", slowest.unwrap_or_default()))
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

    #[test]
    fn the_slowest_stretch_is_told_with_when_it_was() {
        let slowest = Slowest { from_s: 0.0, until_s: 61.0, get_mean_s: 4.5e-6, set_mean_s: None };
        let served = Served {
            get_mean_s: Some(2e-6),
            set_mean_s: Some(6.25e-6),
            get_p99_s: Some(9e-6),
            slowest: Some(slowest),
        };
        assert_eq!(
            sentence(&served).unwrap(),
            "The server itself worked 2 µs on a GET and 6.25 µs on a SET on average; at its slowest, from 0 s to 1 min 1 s, 4.5 µs on a \
             GET."
        );
        let nothing = Served { get_mean_s: None, set_mean_s: None, get_p99_s: None, slowest: None };
        assert_eq!(sentence(&nothing), None);
    }
}
