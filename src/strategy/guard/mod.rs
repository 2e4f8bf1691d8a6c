//! Who may fetch.

pub mod none;
pub mod single_flight;

use super::Setup;
use crate::units::SimTime;

/// A fetch in flight, as the process that wants another one sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flight {
    /// When it will be done; a waiter learns this only by waiting.
    pub done: SimTime,
}

/// What a process may do that wants a fetch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permit {
    /// Fetch.
    Fetch,
    /// Wait for the fetch in flight and share its value.
    Join,
}

/// A rule that says who may fetch.
pub trait StampedeGuard: Send {
    /// What a process may do whose own latest fetch of the object is `flight`, if one is in flight.
    fn admit(&mut self, flight: Option<&Flight>) -> Permit;
}

crate::catalog! {
    /// All guards.
    pub static GUARDS: Catalog<dyn StampedeGuard, Setup> = "guard", tag "policy";
    none::NoGuard,
    single_flight::SingleFlight,
}
