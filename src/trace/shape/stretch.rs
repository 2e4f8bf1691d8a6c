//! The same requests at another rate: distances in time are divided by a factor.
//!
//! TTLs and origin times stay as they are: the same site with more visitors, as far as these ask for the
//! same images in the same order. (More visitors ask for other images too; that is what a synthetic
//! workload is for.)

/// Time made faster or slower.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stretch {
    /// How many times as many requests come in a second.
    pub rate: f64,
}

impl Stretch {
    /// The new time of a request at `time`, in a trace that begins at `first`; nanoseconds.
    #[expect(clippy::cast_possible_truncation, reason = "a cast to an integer saturates")]
    pub fn time(self, time: i64, first: i64) -> i64 {
        let since = time.saturating_sub(first) as f64 / self.rate;
        first.saturating_add(since.round() as i64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twice_the_rate_is_half_the_distance() {
        assert_eq!(Stretch { rate: 2.0 }.time(1_000, 500), 750);
        assert_eq!(Stretch { rate: 0.5 }.time(1_000, 500), 1_500);
        assert_eq!(Stretch { rate: 3.0 }.time(500, 500), 500);
    }
}
