//! How many fetches the origin serves at once, who waits, and who is turned away.

pub mod servers;
pub mod unlimited;

use super::{Job, Setup, Ticket};
use crate::units::SimTime;

/// What becomes of a fetch that arrives.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Admission {
    /// A server takes it up at once.
    Start,
    /// It waits for a server, and another one may have to go for it.
    Queue {
        /// Who went.
        displaced: Option<Job>,
    },
    /// There is no room for it.
    Refuse,
}

/// A model of the origin's capacity.
pub trait CapacityModel: Send {
    /// A fetch arrives. Time never goes back.
    fn arrive(&mut self, job: Job) -> Admission;

    /// A server is done with a fetch: the one it takes up next. Who waited in vain is put into `shed`.
    fn release(&mut self, now: SimTime, shed: &mut Vec<Job>) -> Option<Job>;

    /// Takes a fetch out of the queue; false if it does not wait there.
    fn withdraw(&mut self, ticket: Ticket) -> bool;

    /// How many fetches are served at once; `None` if any number.
    fn servers(&self) -> Option<u32>;
}

crate::catalog! {
    /// All models of capacity.
    pub static CAPACITIES: Catalog<dyn CapacityModel, Setup> = "capacity model", tag "model";
    unlimited::Unlimited,
    servers::Servers,
}
