//! When requests arrive.

pub mod deterministic;
pub mod diurnal;
pub mod envelope;
pub mod on_off;
pub mod poisson;

use super::{Setup, curve, table};
use crate::catalog;
use crate::random::Seed;
use crate::units::{Rate, SimDuration, SimTime};

/// At most so many arrivals are made in one step.
pub const BLOCK: usize = 4_096;

/// How much traffic there is to place in time.
#[derive(Debug, Clone, Copy)]
pub struct Traffic {
    /// Mean rate of requests, above 0.
    pub rate: Rate,
    /// Requests arrive in `[0, duration)`.
    pub duration: SimDuration,
}

/// A law of arrivals.
pub trait ArrivalModel: std::fmt::Debug + Send + Sync {
    /// The arrivals of one trace; all their chance comes from `seed`.
    fn begin(&self, traffic: Traffic, seed: Seed) -> Box<dyn Arrivals>;

    /// The mean rate that the model has by itself, where the workload states none.
    fn own_rate(&self) -> Option<Rate> {
        None
    }
}

/// The arrivals of one trace, made step by step.
pub trait Arrivals: Send {
    /// Adds the times of the next requests to `times`, at most [`BLOCK`] of them, never decreasing and
    /// before the end. Once it adds none there are no more.
    fn next(&mut self, times: &mut Vec<SimTime>);
}

/// Nobody ever comes.
pub(super) struct Nobody;

impl Arrivals for Nobody {
    fn next(&mut self, _: &mut Vec<SimTime>) {}
}

catalog! {
    /// All arrival models.
    pub static ARRIVALS: Catalog<dyn ArrivalModel, Setup> = "arrival model", tag "model";
    poisson::Poisson,
    deterministic::Deterministic,
    diurnal::Diurnal,
    on_off::OnOff,
    envelope::Envelope,
}

/// All arrivals of a trace, for tests.
#[cfg(test)]
fn all(model: &dyn ArrivalModel, rate: f64, duration: SimDuration, seed: u64) -> Vec<SimTime> {
    let mut arrivals = model.begin(Traffic { rate: Rate::per_second(rate), duration }, Seed::new(seed));
    let mut times = Vec::new();
    loop {
        let before = times.len();
        arrivals.next(&mut times);
        assert!(times.len() <= before + BLOCK);
        if times.len() == before {
            assert!(
                times.is_sorted() && times.last().is_none_or(|last| last.as_nanos() < duration.as_nanos())
            );
            return times;
        }
    }
}
