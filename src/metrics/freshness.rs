//! How current the answers were.

use super::{Freshness, Outcome, OutcomeKind, Waits};
use crate::units::SimDuration;

/// Records the age of what was served.
#[derive(Debug)]
pub(super) struct FreshnessRecorder {
    responses: u64,
    current: u64,
    hits: u64,
    current_hits: u64,
    age_sum_ns: u128,
    ages: Waits,
    over_bound: u64,
}

impl FreshnessRecorder {
    pub(super) fn new() -> Self {
        let ages = Waits::default();
        Self { responses: 0, current: 0, hits: 0, current_hits: 0, age_sum_ns: 0, ages, over_bound: 0 }
    }

    /// `is_over_bound` tells whether the answer is older than the scenario allows.
    pub(super) fn observe(&mut self, outcome: &Outcome, is_over_bound: bool) {
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
            self.ages.record(age.as_nanos(), 1);
            self.over_bound += u64::from(is_over_bound);
        }
    }

    pub(super) fn finish(self, bound: Option<SimDuration>) -> Freshness {
        let seen = !self.ages.is_empty();
        Freshness {
            responses: self.responses,
            current: self.current,
            hits: self.hits,
            current_hits: self.current_hits,
            age_sum_s: self.age_sum_ns as f64 / 1e9,
            p95_age: seen.then(|| SimDuration::from_nanos(self.ages.quantile(0.95))),
            max_age: seen.then(|| SimDuration::from_nanos(self.ages.max())),
            bound,
            over_bound: bound.map(|_| self.over_bound),
        }
    }
}
