//! Percentiles of as many numbers as a trace has requests, in memory that does not grow with them.
//!
//! Up to 65,536 different numbers are counted each by itself, and percentiles are exact. Beyond that numbers
//! are counted in buckets a thousandth wide (an HDR histogram with three digits); least, greatest and mean stay exact.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;

use super::quantile::Spread;

/// So many different numbers are counted each by itself.
const MOST_EXACT: usize = 1 << 16;

/// Numbers, counted.
#[derive(Debug)]
pub(super) struct Tallied {
    exact: BTreeMap<u64, u64>,
    coarse: Option<Histogram<u64>>,
    count: u64,
    sum: f64,
    max: u64,
}

impl Tallied {
    pub(super) fn new() -> Self {
        Self { exact: BTreeMap::new(), coarse: None, count: 0, sum: 0.0, max: 0 }
    }

    /// How many numbers there were.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// One more number.
    pub(super) fn record(&mut self, value: u64) {
        self.record_many(value, 1);
    }

    /// The same number `times` times.
    pub(super) fn record_many(&mut self, value: u64, times: u64) {
        self.count += times;
        self.sum += value as f64 * times as f64;
        self.max = self.max.max(value);
        if let Some(coarse) = &mut self.coarse {
            return coarse.saturating_record_n(value, times);
        }
        *self.exact.entry(value).or_default() += times;
        if self.exact.len() > MOST_EXACT {
            self.coarsen();
        }
    }

    fn coarsen(&mut self) {
        let mut coarse = Histogram::new_with_bounds(1, u64::MAX / 2, 3).expect("legal bounds and digits");
        std::mem::take(&mut self.exact)
            .into_iter()
            .for_each(|(value, times)| coarse.saturating_record_n(value, times));
        self.coarse = Some(coarse);
    }

    /// The numbers in ascending order, each with how often it came.
    pub(super) fn sorted(&self) -> Vec<(u64, u64)> {
        let Some(coarse) = &self.coarse else {
            return self.exact.iter().map(|(value, times)| (*value, *times)).collect();
        };
        let recorded = coarse.iter_recorded();
        recorded.map(|step| (step.value_iterated_to().min(self.max), step.count_at_value())).collect()
    }

    /// How the numbers are spread, each times `unit`.
    pub(super) fn spread(&self, unit: f64) -> Spread {
        let mean = (self.count > 0).then(|| self.sum * unit / self.count as f64);
        Spread::of_counted(&self.sorted(), mean, unit)
    }

    /// Points of the distribution, at most about a hundred: a number times `unit`, and the share that is no greater.
    pub(super) fn curve(&self, unit: f64) -> Vec<(f64, f64)> {
        let sorted = self.sorted();
        let mut curve: Vec<(f64, f64)> = Vec::new();
        let mut so_far = 0;
        for (index, (value, times)) in sorted.iter().enumerate() {
            so_far += times;
            let share = so_far as f64 / self.count as f64;
            let is_step = curve.last().is_none_or(|(_, last)| share - last >= 0.01);
            if is_step || index + 1 == sorted.len() {
                curve.push((*value as f64 * unit, share));
            }
        }
        curve
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn counted_numbers_have_the_percentiles_of_the_numbers(values in prop::collection::vec(0_u64..50, 0..200)) {
            let mut tallied = Tallied::new();
            values.iter().for_each(|value| tallied.record(*value));
            let (counted, plain) = (tallied.spread(0.5), Spread::of(values, 0.5));
            let figures = |s: &Spread| [s.p10, s.p25, s.p50, s.p75, s.p90, s.p99, s.max, s.mean];
            for (a, b) in figures(&counted).into_iter().zip(figures(&plain)) {
                prop_assert_eq!(a.is_some(), b.is_some());
                prop_assert!((a.unwrap_or(0.0) - b.unwrap_or(0.0)).abs() < 1e-9, "{:?} {:?}", a, b);
            }
        }
    }

    #[test]
    fn very_many_different_numbers_are_right_to_a_thousandth() {
        let mut tallied = Tallied::new();
        (0..300_000_u64).for_each(|value| tallied.record(value * 1_000));
        let spread = tallied.spread(1.0);
        for (figure, want) in [(spread.p10, 3e7), (spread.p50, 1.5e8), (spread.p99, 2.97e8)] {
            assert!((figure.unwrap() / want - 1.0).abs() < 1e-3, "{figure:?} {want}");
        }
        assert_eq!((spread.max, tallied.count()), (Some(299_999_000.0), 300_000));
        let curve = tallied.curve(1.0);
        assert!(curve.len() < 110 && curve.last().is_some_and(|(_, share)| (share - 1.0).abs() < 1e-12));
    }
}
