//! How current the answers were.

use hdrhistogram::Histogram;

use super::latency::waits;
use super::{Freshness, Outcome, OutcomeKind};
use crate::units::SimDuration;

/// Records the age of what was served.
#[derive(Debug)]
pub(super) struct FreshnessRecorder {
    responses: u64,
    current: u64,
    hits: u64,
    current_hits: u64,
    age_sum_ns: u128,
    ages: Histogram<u64>,
}

impl FreshnessRecorder {
    pub(super) fn new() -> Self {
        Self { responses: 0, current: 0, hits: 0, current_hits: 0, age_sum_ns: 0, ages: waits() }
    }

    pub(super) fn observe(&mut self, outcome: &Outcome) {
        if outcome.kind == OutcomeKind::Error {
            return;
        }
        let hit = outcome.kind.is_hit();
        let current = outcome.stale_for.is_none();
        self.responses += 1;
        self.current += u64::from(current);
        self.hits += u64::from(hit);
        self.current_hits += u64::from(hit && current);
        if let Some(age) = outcome.stale_for {
            self.age_sum_ns += u128::from(age.as_nanos());
            self.ages.saturating_record(age.as_nanos());
        }
    }

    pub(super) fn finish(self) -> Freshness {
        let seen = !self.ages.is_empty();
        Freshness {
            responses: self.responses,
            current: self.current,
            hits: self.hits,
            current_hits: self.current_hits,
            age_sum_s: self.age_sum_ns as f64 / 1e9,
            p95_age: seen.then(|| SimDuration::from_nanos(self.ages.value_at_quantile(0.95))),
            max_age: seen.then(|| SimDuration::from_nanos(self.ages.max())),
        }
    }
}
