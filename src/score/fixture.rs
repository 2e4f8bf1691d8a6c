//! Measurements and cells made by hand, for tests.

use super::cell::{Cell, Replications};
use crate::metrics::{Cause, Measurements, OutcomeKind};
use crate::units::SimDuration;

/// One scored hour without anything in it, changed by `change`.
pub(crate) fn run_with(change: impl FnOnce(&mut Measurements)) -> Measurements {
    let mut run = Measurements::empty();
    run.scored = SimDuration::from_secs(3_600);
    change(&mut run);
    run
}

/// One scored hour with fresh hits and cold misses, each miss a fetch; every object has 100 bytes.
pub(crate) fn run(hits: u64, misses: u64) -> Measurements {
    run_with(|run| {
        (0..hits).for_each(|_| run.totals.outcomes.add(OutcomeKind::FreshHit));
        (0..misses).for_each(|_| run.totals.outcomes.add(OutcomeKind::Miss(Cause::Cold)));
        run.totals.requested_bytes = (hits + misses) * 100;
        run.totals.hit_bytes = hits * 100;
        run.origin.fetches = misses;
        run.latencies.all.record(1_000_000, hits + misses);
    })
}

/// A strategy with a memory of `bytes` and, per replication, so many hits of 1000 requests.
pub(crate) fn cell(strategy: &str, bytes: f64, hits: &[u64]) -> Cell {
    let measured = hits.iter().map(|&hits| {
        let mut run = run(hits, 1_000 - hits);
        run.memory.mean_bytes = bytes;
        run
    });
    Cell {
        strategy: strategy.to_owned(),
        baseline: strategy == "baseline",
        oracle: strategy == "oracle",
        sweep: Vec::new(),
        runs: (0..).zip(measured).collect::<Replications>(),
    }
}
