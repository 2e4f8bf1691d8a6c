//! One strategy at one point of the sweep, and how its replications are summed up.

use std::collections::BTreeMap;

use super::stats::{Estimate, mean};
use crate::metrics::{Measurements, OutcomeKind, Sampled, Tally, Waits};

/// One strategy at one point of the sweep.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// Name of the strategy.
    pub strategy: String,
    /// Whether it is the strategy that the others are compared with.
    pub baseline: bool,
    /// Whether it sees what no real cache could see: a bound, never a contender.
    pub oracle: bool,
    /// The values of the sweep's axes as they are written, such as `64MiB`. Cells with the same
    /// values are compared with each other.
    pub sweep: Vec<String>,
    /// What was measured.
    pub runs: Replications,
}

impl Cell {
    /// The cell as people call it: `jitter at 64MiB`.
    pub fn label(&self) -> String {
        if self.sweep.is_empty() {
            self.strategy.clone()
        } else {
            format!("{} at {}", self.strategy, self.sweep.join(", "))
        }
    }
}

/// What the replications of a cell measured, by number: equal numbers of two cells met the same
/// requests. A replication that failed is missing.
///
/// Counts are summed over replications, rates and ratios averaged, peaks are the greatest.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Replications(BTreeMap<u32, Measurements>);

impl FromIterator<(u32, Measurements)> for Replications {
    fn from_iter<I: IntoIterator<Item = (u32, Measurements)>>(runs: I) -> Self {
        Self(runs.into_iter().collect())
    }
}

impl Replications {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether none finished.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The measurements in the order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = &Measurements> {
        self.0.values()
    }

    /// The measurements with their numbers.
    pub fn numbered(&self) -> impl Iterator<Item = (u32, &Measurements)> {
        self.0.iter().map(|(&number, run)| (number, run))
    }

    /// How many traces were played: samples of one trace count as one.
    pub fn traces(&self) -> f64 {
        self.len() as f64 / self.samples() as f64
    }

    /// How a sample of the keys was played; `None` where all keys were.
    pub fn sampled(&self) -> Option<Sampled> {
        self.iter().find_map(|run| run.sampled)
    }

    /// How many samples were taken of each trace; 1 where all keys were played.
    pub fn samples(&self) -> u64 {
        self.sampled().map_or(1, |sampled| u64::from(sampled.of_one_trace.max(1)))
    }

    /// A count of all replications as one of all traces: samples of one trace each tell its whole count.
    pub fn of_traces(&self, sum: u64) -> u64 {
        let samples = self.samples();
        if samples == 1 { sum } else { (sum + samples / 2) / samples }
    }

    /// A count, summed over replications; over samples of one trace averaged, since each tells of the whole.
    pub fn sum(&self, count: impl Fn(&Measurements) -> u64) -> u64 {
        self.of_traces(self.iter().map(count).sum())
    }

    /// A peak, the greatest of all replications; 0 without replications.
    pub fn max(&self, peak: impl Fn(&Measurements) -> u64) -> u64 {
        self.iter().map(peak).max().unwrap_or(0)
    }

    /// The values of the replications that have one.
    pub fn values(&self, value: impl Fn(&Measurements) -> Option<f64>) -> Vec<f64> {
        self.iter().filter_map(value).collect()
    }

    /// A rate or ratio, averaged over the replications that have it; `None` where none has.
    pub fn mean(&self, value: impl Fn(&Measurements) -> Option<f64>) -> Option<f64> {
        mean(&self.values(value))
    }

    /// The same with its interval.
    pub fn estimate(&self, value: impl Fn(&Measurements) -> Option<f64>) -> Option<Estimate> {
        Estimate::of(&self.values(value))
    }

    /// Outcomes, summed over replications as [`sum`](Self::sum) does.
    pub fn outcomes(&self) -> Tally {
        let mut all = Tally::default();
        self.iter().for_each(|run| all.merge(&run.totals.outcomes));
        all.mapped(|count| self.of_traces(count))
    }

    /// How long the requests of all replications waited; `None` without replications.
    pub fn waits(&self) -> Option<Waits> {
        merged(self.iter().map(|run| &run.latencies.all))
    }

    /// The same for the requests that ended as `kind`; `None` where none did.
    pub fn waits_of(&self, kind: OutcomeKind) -> Option<Waits> {
        merged(self.iter().filter_map(|run| run.latencies.by_kind[kind.index()].as_ref()))
    }

    /// The same for the requests of a class; `None` where there are none.
    pub fn waits_of_class(&self, class: usize) -> Option<Waits> {
        merged(self.iter().filter_map(|run| run.latencies.by_class.get(class)?.as_ref()))
    }
}

/// The difference `this - that` of figures that come in steps of `step`, paired by the number of the replication, over the
/// replications for which both have a value; `None` where there is no such pair.
pub(super) fn paired(this: &BTreeMap<u32, f64>, that: &BTreeMap<u32, f64>, step: f64) -> Option<Estimate> {
    let differences: Vec<f64> =
        this.iter().filter_map(|(number, value)| that.get(number).map(|other| value - other)).collect();
    Estimate::of_differences(&differences, step)
}

fn merged<'m>(mut parts: impl Iterator<Item = &'m Waits>) -> Option<Waits> {
    let mut all = parts.next()?.clone();
    parts.for_each(|more| all.merge(more));
    Some(all)
}

#[cfg(test)]
mod tests {
    use rand_distr::{Distribution, StandardNormal};

    use super::super::fixture::{run, run_with};
    use super::*;
    use crate::metrics::Cause;
    use crate::random::Seed;
    use crate::score::rates;

    #[test]
    fn counts_add_up_ratios_are_averaged_and_peaks_are_the_greatest() {
        let mut small = run(1, 9);
        small.memory.peak_bytes = 70;
        let mut large = run(900, 100);
        large.memory.peak_bytes = 50;
        let runs: Replications = [(0, small), (1, large)].into_iter().collect();
        assert_eq!(runs.outcomes().total(), 1_010);
        assert_eq!(runs.outcomes().of(OutcomeKind::Miss(Cause::Cold)), 109);
        // The mean of 0.1 and 0.9, not 901 / 1010.
        assert!((runs.mean(rates::hit).unwrap() - 0.5).abs() < 1e-12);
        assert_eq!(runs.max(|run| run.memory.peak_bytes), 70);
    }

    #[test]
    fn waits_of_all_replications_lie_in_one_histogram() {
        let one = run_with(|run| run.latencies.all.record(1_000, 1));
        let two = run_with(|run| run.latencies.all.record(60_000_000_000, 1));
        let runs: Replications = [(0, one), (1, two)].into_iter().collect();
        let waits = runs.waits().unwrap();
        assert_eq!(waits.len(), 2);
        assert!(waits.max() >= 60_000_000_000);
        assert_eq!(runs.waits_of(OutcomeKind::Error), None);
    }

    #[test]
    fn without_replications_there_is_nothing() {
        let none = Replications::default();
        assert_eq!((none.mean(rates::hit), none.waits(), none.len()), (None, None, 0));
    }

    #[test]
    fn pairs_are_made_by_number_and_a_missing_replication_has_no_pair() {
        let this = BTreeMap::from([(0, 1.0), (1, 2.0), (2, 9.0)]);
        let that = BTreeMap::from([(1, 1.5), (2, 8.5), (3, 7.0)]);
        let difference = paired(&this, &that, 0.0).unwrap();
        assert!((difference.mean - 0.5).abs() < 1e-12);
        assert_eq!(difference.interval.unwrap().low.to_bits(), 0.5_f64.to_bits());
        assert_eq!(paired(&this, &BTreeMap::new(), 0.0), None);
    }

    #[test]
    fn pairing_sees_what_two_separate_intervals_hide() {
        // Seeds differ by far more than the two cells do.
        let base: BTreeMap<u32, f64> = (0..5).map(|n| (n, f64::from(n))).collect();
        let better: BTreeMap<u32, f64> =
            base.iter().map(|(&n, v)| (n, v + 0.1 + 0.001 * f64::from(n % 2))).collect();
        let difference = paired(&better, &base, 0.0).unwrap();
        assert_eq!(difference.is_indistinguishable_from_zero(), Some(false));
        let alone = |values: &BTreeMap<u32, f64>| {
            Estimate::of(&values.values().copied().collect::<Vec<_>>()).unwrap().interval.unwrap()
        };
        assert!(alone(&base).high > alone(&better).low);
    }
    #[test]
    fn cells_that_do_not_differ_are_told_apart_5_times_in_100() {
        let mut stream = Seed::new(11).of("false alarms").stream();
        let mut noise = || -> f64 { StandardNormal.sample(&mut stream) };
        let trials = 4_000;
        let alarms = (0..trials).filter(|_| {
            // What a seed does to both cells is a hundred times what it does to one of them.
            let (mut this, mut that) = (BTreeMap::new(), BTreeMap::new());
            for number in 0..6 {
                let common = 100.0 * noise();
                this.insert(number, common + noise());
                that.insert(number, common + noise());
            }
            paired(&this, &that, 0.0).unwrap().is_indistinguishable_from_zero() == Some(false)
        });
        let share = alarms.count() as f64 / f64::from(trials);
        // Four standard errors of a share of 0.05 in 4000.
        assert!((share - 0.05).abs() < 0.014, "{share}");
    }
}
