//! How long things took, counted by value.

use hdrhistogram::Histogram;

/// Longer times, about 73 years, count as this: the histogram tells no longer ones.
const LONGEST_NS: u64 = 1 << 61;
/// Times that agree in so many significant digits share a place.
const DIGITS: u8 = 3;

/// Times in nanoseconds, counted by value to three significant digits.
///
/// A second histogram sums up by how much the times of each place exceed its least value, so a
/// percentile is the mean of the times at its place: exact where these are equal, such as the time of
/// a constant origin or a timeout, and to three digits elsewhere. The mean and the greatest are exact.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(into = "Kept", from = "Kept")]
pub struct Waits {
    counts: Histogram<u64>,
    excess: Histogram<u64>,
    sum: u128,
    max: u64,
}

impl Default for Waits {
    fn default() -> Self {
        // Both grow with what they are told.
        let empty = || Histogram::new(DIGITS).expect("three digits are legal");
        Self { counts: empty(), excess: empty(), sum: 0, max: 0 }
    }
}

/// What is needed to have the same again: by place, its least value, how many, and by how much they exceed it.
#[derive(serde::Serialize, serde::Deserialize)]
struct Kept {
    places: Vec<(u64, u64, u64)>,
    sum: u128,
    max: u64,
}

impl From<Waits> for Kept {
    fn from(waits: Waits) -> Self {
        let place = |place: hdrhistogram::iterators::IterationValue<u64>| {
            let (least, count) =
                (waits.counts.lowest_equivalent(place.value_iterated_to()), place.count_at_value());
            let excess = if least <= waits.excess.high() { waits.excess.count_at(least) } else { 0 };
            (least, count, excess)
        };
        Self { places: waits.counts.iter_recorded().map(place).collect(), sum: waits.sum, max: waits.max }
    }
}

impl From<Kept> for Waits {
    fn from(kept: Kept) -> Self {
        let mut waits = Self { sum: kept.sum, max: kept.max, ..Self::default() };
        for (least, count, excess) in kept.places {
            waits.counts.record_n(least, count).expect("a histogram that may grow takes every time");
            waits.excess.record_n(least, excess).expect("a histogram that may grow takes every time");
        }
        waits
    }
}

impl Waits {
    /// Counts a time of `nanos` nanoseconds `times` times.
    ///
    /// # Panics
    /// Never on machines of 64 bits, which can address a histogram of any range.
    pub fn record(&mut self, nanos: u64, times: u64) {
        if times == 0 {
            return;
        }
        let nanos = nanos.min(LONGEST_NS);
        let place = self.counts.lowest_equivalent(nanos);
        self.counts.record_n(nanos, times).expect("a histogram that may grow takes every time");
        let excess = (nanos - place).saturating_mul(times);
        self.excess.record_n(place, excess).expect("a histogram that may grow takes every time");
        self.sum += u128::from(nanos) * u128::from(times);
        self.max = self.max.max(nanos);
    }

    /// Adds what another has counted.
    ///
    /// # Panics
    /// As [`record`](Self::record).
    pub fn merge(&mut self, other: &Self) {
        self.counts.add(&other.counts).expect("a histogram that may grow takes every time");
        self.excess.add(&other.excess).expect("a histogram that may grow takes every time");
        self.sum += other.sum;
        self.max = self.max.max(other.max);
    }

    /// The same with `factor` times as many of each, and so many more (or fewer) that waited for nothing. What
    /// rounding takes from one place the next one gets.
    pub(super) fn scaled(&self, factor: f64, none: f64) -> Self {
        let kept = Kept::from(self.clone());
        let unwaited = |place: &(u64, u64, u64)| place.0 == 0;
        let nothing = (!kept.places.iter().any(unwaited)).then_some((0, 0, 0));
        let mut owed = 0.0;
        let places = nothing.into_iter().chain(kept.places).filter_map(|(least, count, excess)| {
            owed += count as f64 * factor + if least == 0 { none } else { 0.0 };
            let whole = owed.round().max(0.0);
            owed -= whole;
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "float to integer casts saturate, and none is negative"
            )]
            let (times, beyond) = (whole as u64, (excess as f64 * whole / (count as f64).max(1.0)) as u64);
            (times > 0).then_some((least, times, beyond))
        });
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "float to integer casts saturate, and none is negative"
        )]
        let sum = (kept.sum as f64 * factor).round() as u128;
        Self::from(Kept { places: places.collect(), sum, max: kept.max })
    }

    /// How many there are.
    pub fn len(&self) -> u64 {
        self.counts.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// Their mean in nanoseconds; 0 where there are none.
    pub fn mean(&self) -> f64 {
        if self.is_empty() { 0.0 } else { self.sum as f64 / self.len() as f64 }
    }

    /// The longest in nanoseconds; 0 where there are none.
    pub fn max(&self) -> u64 {
        self.max
    }

    /// The time in nanoseconds that a share `within` of them stay within; 0 where there are none.
    pub fn quantile(&self, within: f64) -> u64 {
        if self.is_empty() {
            return 0;
        }
        let place = self.counts.lowest_equivalent(self.counts.value_at_quantile(within));
        // Where nothing exceeds, the second histogram need not reach so far.
        let excess = if place <= self.excess.high() { self.excess.count_at(place) } else { 0 };
        place + excess / self.counts.count_at(place).max(1)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn equal_times_are_told_exactly_even_among_others() {
        let mut waits = Waits::default();
        waits.record(0, 900);
        waits.record(120_000_000, 90);
        waits.record(5_000_000_000, 10);
        assert_eq!([0.5, 0.95, 0.999].map(|q| waits.quantile(q)), [0, 120_000_000, 5_000_000_000]);
        assert_eq!((waits.max(), waits.len()), (5_000_000_000, 1_000));
        assert!((waits.mean() - 60_800_000.0).abs() < 1e-6);
    }

    #[test]
    fn nothing_has_no_times() {
        let waits = Waits::default();
        assert!(waits.is_empty());
        assert_eq!((waits.len(), waits.max(), waits.quantile(0.99)), (0, 0, 0));
    }

    proptest! {
        /// Beside a sorted list: to three digits, and the same whether counted at once or put together.
        #[test]
        fn quantiles_are_those_of_the_sorted_times(
            times in prop::collection::vec(prop_oneof![0_u64..3_000, 0..u64::MAX >> 2], 1..200),
            split in 0_usize..200,
            within in 0.0_f64..=1.0,
        ) {
            let of = |part: &[u64]| {
                let mut waits = Waits::default();
                part.iter().for_each(|time| waits.record(*time, 1));
                waits
            };
            let split = split.min(times.len());
            let mut together = of(&times[..split]);
            together.merge(&of(&times[split..]));
            let all = of(&times);
            let mut sorted: Vec<u64> = times.iter().map(|time| (*time).min(LONGEST_NS)).collect();
            sorted.sort_unstable();
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in a short list")]
            let rank = ((within * sorted.len() as f64).ceil() as usize).max(1) - 1;
            let (told, true_one) = (all.quantile(within), sorted[rank]);
            prop_assert!(told.abs_diff(true_one) as f64 <= true_one as f64 / 1_000.0, "{told} for {true_one}");
            prop_assert_eq!(told, together.quantile(within));
            let text = serde_json::to_string(&all).expect("it has a JSON form");
            let again: Waits = serde_json::from_str(&text).expect("it reads back");
            prop_assert_eq!(&again, &all);
            prop_assert_eq!((all.len(), all.max()), (together.len(), together.max()));
            prop_assert_eq!(all.max(), *sorted.last().expect("there is one"));
        }
    }
}
