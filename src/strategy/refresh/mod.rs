//! When a new fetch is wanted although a copy is there.

pub mod on_demand;
pub mod stale_while_revalidate;

use super::Setup;
use crate::units::{SimDuration, SimTime};

/// A copy that the cache still keeps, when it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Copy {
    /// Now.
    pub now: SimTime,
    /// Until when the application takes it for fresh.
    pub fresh_until: SimTime,
}

/// What the application wants to do with a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// Serve it as fresh.
    Serve,
    /// It is past its logical TTL: serve it all the same, and fetch in the background.
    ServeStaleAndRefresh,
}

/// A rule that says when a fetch is wanted.
pub trait RefreshPolicy: Send {
    /// How long the cache keeps a value beyond its logical TTL.
    fn stale_window(&self) -> SimDuration {
        SimDuration::ZERO
    }

    /// What to do with a copy that is there.
    fn on_copy(&mut self, copy: &Copy) -> Wish;
}

crate::catalog! {
    /// All refresh policies.
    pub static REFRESHES: Catalog<dyn RefreshPolicy, Setup> = "refresh policy", tag "policy";
    on_demand::OnDemand,
    stale_while_revalidate::StaleWhileRevalidate,
}
