//! Results of theory that the engine must reproduce, at the points where they were confirmed.
//!
//! Each law runs through the whole engine, from the text of a scenario to its measurements, in 16
//! replications with fixed seeds. An exact law is accepted within 4 standard errors, and the runs
//! must be so long that 4 standard errors lie within the tolerance stated; an approximation is
//! accepted within .002 and 4 standard errors.
//!
//! What is predicted, what was seen and what is accepted stands in `docs/validation.md`; a run that finds
//! something else fails, and `VALIDATION=write cargo test --test laws --test claims` writes it anew.
//!
//! Laws of one key are checked on a trace with one object: it holds so many cycles of store and
//! expiry that the incomplete last one does not matter.

#[path = "support/by_hand.rs"]
mod by_hand;
#[path = "support/ledger.rs"]
mod ledger;
#[path = "support/statistics.rs"]
mod statistics;
mod support;
#[path = "support/theory.rs"]
mod theory;

mod law {
    //! One file per family of laws.

    mod avalanche;
    mod capacity;
    mod controllers;
    mod early_refresh;
    mod fixed_ttl;
    mod freshness;
    mod guards;
    mod inverse;
    mod last_modified;
    mod metastable;
    mod origin_queue;
    mod origin_time;
    mod sliding_ttl;
    mod stale_while_revalidate;
    mod stampede;
    mod sweep;
    mod timestamps;
}

use statistics::Estimate;
use ttlab::metrics::{Measurements, OutcomeKind};

/// One key under one strategy: everything that the laws of one key vary.
struct OneKey<'t> {
    /// Requests a second.
    rate: f64,
    /// Length of each replication in seconds.
    seconds: f64,
    /// Model of origin time, as a scenario writes it.
    latency: &'t str,
    /// Further keys of `[origin]`.
    origin: &'t str,
    /// Rule, refresh and guard, as a scenario writes them.
    strategy: &'t str,
}

const AT_ONCE: &str = "{ model = \"constant\", value = \"0s\" }";

impl OneKey<'_> {
    /// Its replications.
    fn run(&self) -> Vec<Measurements> {
        support::run(&self.text()).remove(0)
    }

    /// The scenario.
    fn text(&self) -> String {
        let Self { rate, seconds, latency, origin, strategy } = self;
        format!(
            "name = \"law\"\nseed = 1\nrepeat = 16\n\
             [workload]\nduration = \"{seconds}s\"\nrate = \"{rate}/s\"\n\
             [[workload.class]]\nname = \"image\"\nobjects = 1\n\
             [origin]\nlatency = {latency}\n{origin}\n\
             [cache]\nreclaim = \"eager\"\nttl_resolution = \"exact\"\n\
             [[strategy]]\nname = \"law\"\n{strategy}\n"
        )
    }
}

/// A figure of each replication, averaged.
fn mean(runs: &[Measurements], figure: impl Fn(&Measurements) -> f64) -> Estimate {
    Estimate::of(runs.iter().map(figure))
}

/// Share of requests with one of these outcomes, in each replication.
fn share(runs: &[Measurements], kinds: &[OutcomeKind]) -> Estimate {
    mean(runs, |run| {
        let outcomes = &run.totals.outcomes;
        kinds.iter().map(|kind| outcomes.of(*kind)).sum::<u64>() as f64 / outcomes.total() as f64
    })
}

/// Fetches per request.
fn fetches(runs: &[Measurements]) -> Estimate {
    mean(runs, |run| run.origin.fetches as f64 / run.totals.outcomes.total() as f64)
}

/// All causes of a miss that a run without invalidation knows.
const MISSES: [OutcomeKind; 3] = {
    use ttlab::metrics::Cause::{Cold, Evicted, Expired};
    [OutcomeKind::Miss(Cold), OutcomeKind::Miss(Expired), OutcomeKind::Miss(Evicted)]
};
