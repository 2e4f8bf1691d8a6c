//! What robots asked for, apart from people: the same outcomes once more, so that both can be told.

use std::sync::Arc;

use super::{ClassTotals, Outcome, Tally};
use crate::trace::Robots;
use crate::units::Window;

/// Scored requests of some who ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Portion {
    /// Outcomes by kind.
    pub outcomes: Tally,
    /// Bytes asked for.
    pub requested_bytes: u64,
    /// Bytes served by fresh and stale hits.
    pub hit_bytes: u64,
}

impl Portion {
    /// Adds another run's.
    pub fn merge(&mut self, other: &Self) {
        self.outcomes.merge(&other.outcomes);
        self.requested_bytes += other.requested_bytes;
        self.hit_bytes += other.hit_bytes;
    }

    /// What is left of all requests without these.
    #[must_use]
    pub fn rest_of(&self, all: &ClassTotals) -> Self {
        let own = self.outcomes.counts();
        let mut rest = all.outcomes.counts();
        rest.iter_mut().zip(own).for_each(|(all, own)| *all = all.saturating_sub(own));
        Self {
            outcomes: Tally::from_counts(rest),
            requested_bytes: all.requested_bytes.saturating_sub(self.requested_bytes),
            hit_bytes: all.hit_bytes.saturating_sub(self.hit_bytes),
        }
    }
}

/// Counts what becomes of the marked requests.
#[derive(Debug)]
pub(super) struct RobotRecorder {
    robots: Arc<Robots>,
    window: Window,
    portion: Portion,
}

impl RobotRecorder {
    pub(super) fn new(robots: Arc<Robots>, window: Window) -> Self {
        Self { robots, window, portion: Portion::default() }
    }

    /// A request has its outcome, whoever asked. (A trace with marks is made in memory, and has less than 2^32
    /// requests.)
    pub(super) fn observe(&mut self, outcome: &Outcome) {
        if self.robots.contains(outcome.request as usize) && self.window.contains(outcome.at) {
            let size = u64::from(outcome.size);
            self.portion.outcomes.add(outcome.kind);
            self.portion.requested_bytes += size;
            self.portion.hit_bytes += if outcome.kind.is_hit() { size } else { 0 };
        }
    }

    pub(super) fn finish(self) -> Portion {
        self.portion
    }
}
