//! Which figures of a run are judged, and by what tolerance: none that something else than the server or chance has spoiled.

use super::super::Pace;
use super::figures::{BUSIEST, DELAYED, ERRORS, EVICTED, EXPIRED, FETCHES, STALE_ON_ERROR, STAMPEDED};
use crate::scenario::Scenario;
use crate::strategy::{Design, SoftExpiry};
use crate::units::SimDuration;

/// What spoils all figures of a run.
pub(super) const SPOILED: [&str; 2] = [
    "client-limited: the harness could not start requests in time, which says nothing of the server",
    "the server's clock was set during the run, and TTLs follow it",
];

/// What the server's own counters tell.
const BY_COUNTERS: [&str; 2] = [EVICTED, EXPIRED];

/// What depends on how long the origin takes, and on what it answers.
const BY_ORIGIN: [&str; 6] = [DELAYED, STALE_ON_ERROR, ERRORS, FETCHES, BUSIEST, STAMPEDED];

/// Whether a figure is judged.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Rule {
    /// It is, by this tolerance.
    Within(f64),
    /// It is the server's memory, in per cent: judged where the model counts that.
    Memory(f64),
    /// It is not, and why.
    Shown(&'static str),
}

/// How the figures of a scenario are judged.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of the run that figures depend on")]
pub(super) struct Judging {
    /// Whether the memory model counts all of a server's memory.
    pub(super) counts_all: bool,
    /// Whether there is a second key beside every one.
    pub(super) has_pairs: bool,
    /// How long the run goes before it is scored.
    pub(super) warmup: SimDuration,
    /// What spoils all figures.
    pub(super) spoiled: Option<&'static str>,
    /// Whether somebody reset the server's counters.
    pub(super) counters_reset: bool,
    /// Whether the origin was a real one.
    pub(super) real_origin: bool,
    /// From one look at the server to the next, in seconds of the trace.
    pub(super) look_s: f64,
}

impl Judging {
    pub(super) fn of(scenario: &Scenario, design: &Design, pace: &Pace) -> Self {
        let spoiled = [pace.is_client_limited(), pace.clock_stepped];
        Self {
            counts_all: scenario.cache.memory.name() == "redis",
            has_pairs: design.soft_expiry == SoftExpiry::Sidecar,
            warmup: scenario.warmup,
            spoiled: spoiled.into_iter().zip(SPOILED).find(|(spoils, _)| *spoils).map(|(_, why)| why),
            counters_reset: pace.counters_reset,
            real_origin: pace.real_origin,
            look_s: pace.look_s,
        }
    }

    /// The rule for a figure, where nothing has spoiled it and the model has what it is about.
    pub(super) fn applied(&self, what: &str, rule: Rule) -> Rule {
        match rule {
            _ if self.spoiled.is_some() => Rule::Shown(self.spoiled.unwrap_or_default()),
            Rule::Within(_) if self.counters_reset && BY_COUNTERS.contains(&what) => {
                Rule::Shown("somebody reset the server's counters during the run")
            }
            Rule::Within(_) if self.real_origin && BY_ORIGIN.contains(&what) => {
                Rule::Shown("a real origin answered, and the prediction is of the scenario's")
            }
            Rule::Memory(tolerance) if self.counts_all => Rule::Within(tolerance),
            Rule::Memory(_) => {
                Rule::Shown("the memory model counts no server's memory; write memory = \"redis\"")
            }
            rule => rule,
        }
    }
}
