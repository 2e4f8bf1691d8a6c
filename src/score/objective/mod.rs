//! The named metrics that weights, gates and expectations of a scenario refer to.

mod list;
mod sampled;
mod unit;

pub use list::METRICS;
pub use unit::{Unit, Written};

use super::cell::Replications;
use super::stats::{Estimate, Interval};
use crate::metrics::{Measurements, Waits};

/// A number that a scenario can weigh, limit or predict.
#[derive(Debug)]
pub struct Metric {
    /// As written in scenarios.
    pub name: &'static str,
    /// Another name for the same, where one is in use.
    pub alias: Option<&'static str>,
    /// What it is, in one sentence.
    pub about: &'static str,
    /// Its unit.
    pub unit: Unit,
    /// Which direction is better; `None` where that is a matter of taste, or where no data can be
    /// good news. Such a metric can be limited and predicted, but not weighed.
    pub better: Option<Better>,
    source: Source,
    /// Where the baseline has less than this, the score takes this for the usual amount.
    pub(super) usual_min: fn(&Measurements) -> f64,
}

/// Which direction is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Better {
    /// The higher; such a metric is a share.
    Higher,
    /// The lower.
    Lower,
}

/// Where the number comes from, and how replications are summed up.
#[derive(Debug, Clone, Copy)]
enum Source {
    /// A rate or ratio of one replication; averaged.
    Mean(fn(&Measurements) -> Option<f64>),
    /// A count of one replication; summed.
    Sum(fn(&Measurements) -> u64),
    /// A peak of one replication; the greatest.
    Max(fn(&Measurements) -> u64),
    /// A number of milliseconds taken from waits; those of all replications are put together.
    Wait(fn(&Waits) -> f64),
}

impl Metric {
    /// The metric that is called `name`.
    pub fn named(name: &str) -> Option<&'static Self> {
        METRICS.iter().find(|metric| metric.name == name || metric.alias == Some(name))
    }

    /// All names in use, aliases included.
    pub fn names() -> impl Iterator<Item = &'static str> {
        METRICS.iter().flat_map(|metric| std::iter::once(metric.name).chain(metric.alias))
    }

    /// The value in one replication; `None` without data, and where a sample of the keys does not tell it.
    pub fn of_run(&self, run: &Measurements) -> Option<f64> {
        if !self.is_told_by(run) {
            return None;
        }
        match self.source {
            Source::Mean(get) => get(run),
            Source::Sum(get) | Source::Max(get) => Some(get(run) as f64),
            Source::Wait(get) => wait(get, &run.latencies.all),
        }
    }

    /// The value over all replications of a cell, as its record has it; `None` without data.
    pub fn of(&self, runs: &Replications) -> Option<f64> {
        if runs.is_empty() || !runs.iter().all(|run| self.is_told_by(run)) {
            return None;
        }
        match self.source {
            Source::Mean(get) => runs.mean(get),
            Source::Sum(get) => Some(runs.sum(get) as f64),
            Source::Max(get) => Some(runs.max(get) as f64),
            Source::Wait(get) => wait(get, &runs.waits()?),
        }
    }
}

impl Metric {
    /// The value over all replications with its 95 % interval; without an interval for peaks, which are one replication's.
    /// `None` without data.
    pub fn estimate(&self, runs: &Replications) -> Option<Estimate> {
        let mean = self.of(runs)?;
        let by_run = Estimate::of(&runs.values(|run| self.of_run(run)))?;
        // A sum is as many means, and a percentile of all waits lies where those of the replications do.
        let scale = match self.source {
            Source::Max(_) => return Some(Estimate { mean, interval: None }),
            Source::Sum(_) => runs.traces(),
            Source::Mean(_) | Source::Wait(_) => 1.0,
        };
        let around = |interval: Interval| {
            let half = (interval.high - interval.low) / 2.0 * scale;
            let interval = Interval { low: mean - half, high: mean + half };
            if self.unit == Unit::Share { interval.of_share() } else { interval }
        };
        Some(Estimate { mean, interval: by_run.interval.map(around) })
    }

    /// Whether more memory should make it better: hits, load on the origin and waits, but not what memory itself holds.
    pub fn is_served_by_memory(&self) -> bool {
        !matches!(self.unit, Unit::Bytes) && !matches!(self.name, "entries" | "peak_entries")
    }
}

impl Metric {
    /// Whether it is a share of requests, or of their bytes, that the cache answers.
    pub fn counts_hits(&self) -> bool {
        matches!(self.name, "fresh_hit" | "hit" | "hit_or_joined" | "byte_hit")
    }

    /// What it is where nothing ever changes at the origin, so that nobody looks at the age of answers: there all answers
    /// are current. `None` for metrics that have nothing to do with that, and without requests.
    pub(super) fn where_nothing_changes(&self, runs: &Replications) -> Option<f64> {
        let unchanging = |run: &Measurements| run.freshness.is_none() && run.totals.outcomes.total() > 0;
        if runs.is_empty() || !runs.iter().all(unchanging) {
            return None;
        }
        match self.name {
            "fresh_share" | "fresh_share_of_hits" => Some(1.0),
            "stale_share" | "mean_age_s" => Some(0.0),
            _ => None,
        }
    }
}

/// Without waits there are no percentiles.
fn wait(get: fn(&Waits) -> f64, waits: &Waits) -> Option<f64> {
    (!waits.is_empty()).then(|| get(waits))
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{cell, run_with};
    use super::*;

    #[test]
    fn every_name_is_used_once_and_finds_its_metric() {
        let mut names: Vec<_> = Metric::names().collect();
        assert!(names.iter().all(|name| Metric::named(name).is_some()));
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        assert_eq!(Metric::named("stampedes_per_hour").unwrap().name, "stampedes");
        assert!(Metric::named("hits").is_none());
    }

    #[test]
    fn what_is_better_when_higher_is_a_share_so_that_it_counts_as_itself() {
        for metric in METRICS.iter().filter(|metric| metric.better == Some(Better::Higher)) {
            assert_eq!(metric.unit, Unit::Share, "{}", metric.name);
        }
    }

    #[test]
    fn counts_are_summed_rates_averaged_and_percentiles_come_from_all_waits() {
        let of = |name: &str, runs: &Replications| Metric::named(name).unwrap().of(runs).unwrap();
        let one = run_with(|run| {
            (run.evicted, run.origin.per_second.peak, run.memory.mean_bytes) = (3, 7, 10.0);
            run.latencies.all.record(2_000_000, 99);
        });
        let two = run_with(|run| {
            (run.evicted, run.origin.per_second.peak, run.memory.mean_bytes) = (4, 5, 20.0);
            run.latencies.all.record(900_000_000, 1);
        });
        let runs: Replications = [(0, one), (1, two)].into_iter().collect();
        assert!((of("evicted", &runs) - 7.0).abs() < 1e-9);
        assert!((of("peak_origin_rate", &runs) - 6.0).abs() < 1e-9, "a rate, so a mean");
        assert!((of("memory", &runs) - 15.0).abs() < 1e-9);
        assert!((of("p99", &runs) - 2.0).abs() < 1e-9, "the slow one is the hundredth of a hundred");
        assert!(of("p999", &runs) > 899.0);
    }

    #[test]
    fn the_interval_of_a_share_does_not_leave_what_a_share_can_be() {
        let runs = &cell("any", 0.0, &[10, 900]).runs;
        let hit = Metric::named("hit").unwrap().estimate(runs).unwrap();
        // Student's interval of two replications would go from far below 0 to far above 1.
        assert_eq!(hit.interval, Some(Interval { low: 0.0, high: 1.0 }));
    }

    #[test]
    fn no_data_is_none() {
        for metric in METRICS {
            assert_eq!(metric.of(&Replications::default()), None, "{}", metric.name);
        }
        let silent: Replications = [(0, Measurements::empty())].into_iter().collect();
        for name in ["hit", "byte_hit", "p99", "fresh_share", "origin_rate", "stampedes"] {
            assert_eq!(Metric::named(name).unwrap().of(&silent), None, "{name}");
        }
        let hit = Metric::named("hit").unwrap().of(&cell("any", 0.0, &[700]).runs);
        assert!((hit.unwrap() - 0.7).abs() < 1e-12);
    }
}
