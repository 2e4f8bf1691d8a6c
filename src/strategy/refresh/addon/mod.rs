//! What can be added to any refresh policy: fetches that only ask whether something changed, and old
//! values that are served when the origin fails.

pub mod conditional;
pub mod stale_if_error;

use crate::strategy::Setup;
use crate::units::{Fraction, SimDuration};

/// What to do with an old value when a fetch fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FailSafe {
    /// How long beyond its TTL a value may be served.
    pub window: SimDuration,
    /// For how long after a failure it is served without asking the origin again.
    pub throttle: SimDuration,
    /// After how long a request that waits for a fetch is served it all the same.
    pub soft_timeout: Option<SimDuration>,
}

/// Something that changes how a refresh policy's fetches are made, or what is done when they fail.
pub trait RefreshAddon: Send {
    /// How long beyond its logical TTL the cache keeps a value for it.
    fn stale_window(&self) -> SimDuration;

    /// The part of a fetch's time that it takes to learn that nothing changed.
    fn validates_at(&self) -> Option<Fraction> {
        None
    }

    /// What to do when a fetch fails.
    fn fail_safe(&self) -> Option<FailSafe> {
        None
    }
}

crate::catalog! {
    /// All add-ons of refresh policies.
    pub static ADDONS: Catalog<dyn RefreshAddon, Setup> = "refresh add-on", tag "addon";
    conditional::Conditional,
    stale_if_error::StaleIfError,
}
