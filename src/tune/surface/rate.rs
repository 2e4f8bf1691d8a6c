//! Which share of the keys the samples of a surface take, where none is asked for.

use std::sync::Arc;

use super::super::exact::exact;
use super::super::replication_seed;
use super::super::sampled::{Extent, LEAST_OBJECTS, SAMPLES};
use super::super::simulation::bytes_beside;
use super::Question;
use crate::cache::Capacity;
use crate::catalog::Fault;
use crate::engine::exact::Detail;
use crate::scenario::Scenario;
use crate::trace::Trace;
use crate::tune::CellPlan;

/// Requests of one sample, as far as the share of the keys decides.
const ENOUGH: f64 = 50_000.0;
/// No share that is chosen is below this.
const LEAST_RATE: f64 = 0.001;
/// The limits of a grid begin at no more than this part of all objects, whatever the share.
const LARGEST_FIRST: f64 = 0.01;

/// The same of all bytes, where large values need more.
const LARGEST_FIRST_BYTES: f64 = 0.1;
/// A limit of so many times what a sample's cache needs leaves it that in a share that pays.
const PAYING: f64 = 1.1 * SAMPLES as f64;

/// The least limit of which samples leave a cache that is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Least {
    /// In objects.
    pub objects: u64,
    /// In bytes, for objects of the average size or the large ones, and what the server has beside them.
    pub bytes: u64,
}

/// Where the limits of a surface should begin whose samples take a share `sample` of the keys, or one that the surface
/// chooses; `None` where all keys are counted or simulated, so that any limit will do.
///
/// # Errors
/// If a part of the scenario cannot be made for this trace.
pub fn least(
    scenario: &Scenario,
    strategy: usize,
    sample: Option<f64>,
    trace: &Arc<Trace>,
) -> Result<Option<Least>, Fault> {
    if !is_sampled(scenario, strategy, 0, trace)? {
        return Ok(None);
    }
    least_of(scenario, sample, trace, &Extent::of(trace))
}

/// Whether nothing exact serves and samples of the keys can stand for the whole.
pub(super) fn is_sampled(
    scenario: &Scenario,
    strategy: usize,
    eviction: usize,
    trace: &Arc<Trace>,
) -> Result<bool, Fault> {
    let plan = CellPlan { strategy, eviction, capacity: Capacity::Unbounded };
    let seed = replication_seed(scenario.seed, 0);
    let is_exact = exact(scenario, &plan, trace, seed, Detail::Bytes)?.is_ok();
    Ok(!is_exact && refuse(scenario, strategy).is_ok())
}

/// The same where samples can be taken, of a trace whose extent is known.
pub(super) fn least_of(
    scenario: &Scenario,
    sample: Option<f64>,
    trace: &Trace,
    extent: &Extent,
) -> Result<Option<Least>, Fault> {
    let objects = trace.objects().len() as f64;
    let all = trace.objects().total_bytes() as f64;
    let (rate, most) = match sample {
        Some(rate) if rate < 1.0 => (rate, (objects, all)),
        None if pays(of_requests(trace, extent)) => {
            // Large values may need more of a small trace: what a share leaves them that still pays.
            let paying = (PAYING * extent.least_bytes()).min(LARGEST_FIRST_BYTES * all);
            (of_requests(trace, extent), (LARGEST_FIRST * objects, paying.max(LARGEST_FIRST * all)))
        }
        _ => return Ok(None),
    };
    // What stays of a whole limit must not be a hair below.
    let first = (LEAST_OBJECTS / rate).min(most.0).ceil() + 1.0;
    let bytes = (extent.least_bytes() / rate).min(most.1).ceil() * (1.0 + 1e-9) + 1.0;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "both are counts")]
    let (objects, bytes) = (first as u64, bytes as u64);
    Ok(Some(Least { objects, bytes: bytes + bytes_beside(scenario, Capacity::Unbounded)? }))
}

/// Of a trace of so many requests, the share that all samples of a surface together hold: those of a share `sample`, or of
/// one that the surface chooses where many keys and large limits leave that to the requests.
pub fn kept(sample: Option<f64>, requests: u64) -> f64 {
    let chosen = || (ENOUGH / requests.max(1) as f64).max(LEAST_RATE);
    let rate = sample.unwrap_or_else(chosen);
    if sample.map_or(pays(rate), |rate| rate < 1.0) { rate * SAMPLES as f64 } else { 0.0 }
}

/// The same where limits and keys are known: large values and few keys of a class ask for larger shares.
///
/// # Errors
/// If a part of the scenario cannot be made for this trace.
pub fn kept_for(scenario: &Scenario, question: &Question, trace: &Trace) -> Result<f64, Fault> {
    if question.sample.is_some() {
        return Ok(kept(question.sample, trace.len() as u64));
    }
    Ok(choose(scenario, question, trace, || Extent::of(trace))?.map_or(0.0, |rate| rate * SAMPLES as f64))
}

/// Refuses samples where they cannot stand for the whole.
pub(super) fn refuse(scenario: &Scenario, strategy: usize) -> Result<(), Fault> {
    scenario.refuse_unsampled(strategy)?;
    let capacity = &scenario.origin.capacity;
    if capacity.name() == "unlimited" {
        return Ok(());
    }
    let what =
        format!("a sample of the keys cannot stand for an origin with a limit (\"{}\")", capacity.name());
    Err(Fault::new(capacity.span(), what).rule("how long fetches queue depends on all of them"))
}

/// A share of the keys that leaves enough of requests, keys and places for each simulation, and far fewer than all; or
/// why there is none.
pub(super) fn choose(
    scenario: &Scenario,
    question: &Question,
    trace: &Trace,
    extent: impl FnOnce() -> Extent,
) -> Result<Result<f64, String>, Fault> {
    if let Err(fault) = refuse(scenario, question.strategy) {
        return Ok(Err(fault.what));
    }
    let extent = extent();
    let rate = of_requests(trace, &extent);
    if !pays(rate) {
        return Ok(Err("the trace is short, or has a class of few images".to_owned()));
    }
    let mut least: f64 = 0.0;
    for capacity in &question.capacities {
        least = least.max(extent.least_rate_of(*capacity, bytes_beside(scenario, *capacity)?));
    }
    if !pays(least) {
        return Ok(Err("the smallest limit has room for too few images to take a share of".to_owned()));
    }
    Ok(Ok(rate.max(least)))
}

/// Whether samples of this share together see less than there is.
fn pays(rate: f64) -> bool {
    rate * (SAMPLES as f64) < 1.0
}

/// The share that leaves enough requests, and enough keys of every class.
fn of_requests(trace: &Trace, extent: &Extent) -> f64 {
    (ENOUGH / trace.len().max(1) as f64).max(extent.least_rate()).max(LEAST_RATE)
}
