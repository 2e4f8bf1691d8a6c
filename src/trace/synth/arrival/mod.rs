//! When requests arrive.

pub mod deterministic;
pub mod poisson;

use crate::catalog;
use crate::random::Stream;
use crate::units::{Rate, SimDuration, SimTime};

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
    /// The times of all requests, never decreasing and before the end.
    fn times(&self, traffic: Traffic, stream: &mut Stream) -> Vec<SimTime>;
}

catalog! {
    /// All arrival models.
    pub static ARRIVALS: Catalog<dyn ArrivalModel, ()> = "arrival model", tag "model";
    poisson::Poisson,
    deterministic::Deterministic,
}
