//! A request that found nothing it could serve, in a simulation and in a live run alike.

use crate::cache::{Cause, Entry};
use crate::trace::ObjectId;
use crate::units::SimTime;

/// A request on its way through the cache.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrival {
    /// Its place in the trace.
    pub(crate) index: usize,
    /// When it came.
    pub(crate) at: SimTime,
    /// What it asks for.
    pub(crate) object: ObjectId,
}

/// A request in one of its attempts to get a value; with what whoever plays it must know of its waits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Waiter<W> {
    /// The request.
    pub(crate) arrival: Arrival,
    /// The process that it reached.
    pub(crate) node: u32,
    /// Why it found nothing usable.
    pub(crate) cause: Cause,
    /// A copy that it found and may serve if need be.
    pub(crate) copy: Option<Entry>,
    /// When its attempt began.
    pub(crate) since: SimTime,
    /// Attempts before this one.
    pub(crate) attempt: u32,
    /// Whether it started the fetch that it waits for.
    pub(crate) leads: bool,
    /// What is kept of its waits.
    pub(crate) wait: W,
}

impl<W: Default> Waiter<W> {
    /// The first one of a request that found this.
    pub(crate) fn first(arrival: Arrival, node: u32, cause: Cause, copy: Option<Entry>) -> Self {
        Self { arrival, node, cause, copy, since: arrival.at, attempt: 0, leads: false, wait: W::default() }
    }
}
