//! How many fetches the origin serves at once, and who waits.

pub mod servers;
pub mod unlimited;

use super::Setup;
use crate::units::{SimDuration, SimTime};

/// A model of the origin's capacity.
pub trait CapacityModel: Send {
    /// When a fetch that arrives at `at` and needs `time` is taken up. Arrivals never go back in time.
    fn start(&mut self, at: SimTime, time: SimDuration) -> SimTime;

    /// How many fetches are served at once; `None` if any number.
    fn servers(&self) -> Option<u32>;
}

crate::catalog! {
    /// All models of capacity.
    pub static CAPACITIES: Catalog<dyn CapacityModel, Setup> = "capacity model", tag "model";
    unlimited::Unlimited,
    servers::Servers,
}
