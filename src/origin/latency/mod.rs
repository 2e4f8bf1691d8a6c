//! How long a fetch takes once a server has taken it up.

pub mod by_megapixels;
pub mod constant;
pub mod exponential;
pub mod lognormal;
pub mod trace;

use super::{Ask, Setup, Version};
use crate::units::SimDuration;

/// A model of origin time.
pub trait LatencyModel: Send {
    /// How long the `nth` fetch (from 0) of `ask.object` takes.
    ///
    /// Depends on the object and `nth` alone, so that two strategies meet the same origin
    /// (common random numbers).
    fn time(&mut self, ask: &Ask, nth: u32, version: Version) -> SimDuration;

    /// Whether it matters which fetch of its object it is.
    fn counts_fetches(&self) -> bool {
        true
    }

    /// Whether a fetch may take any time at all.
    fn takes_time(&self) -> bool {
        true
    }

    /// The median of that time.
    fn median(&self) -> SimDuration;
}

crate::catalog! {
    /// All models of origin time.
    pub static LATENCIES: Catalog<dyn LatencyModel, Setup> = "latency model", tag "model";
    constant::Constant,
    exponential::Exponential,
    lognormal::LogNormal,
    by_megapixels::ByMegapixels,
    trace::Recorded,
}
