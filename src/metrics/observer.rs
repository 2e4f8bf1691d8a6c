//! What the engine tells while it runs.

use super::{Outcome, OutcomeKind};
use crate::cache::Stored;
use crate::origin::Fetch;
use crate::strategy::ttl::Trajectory;
use crate::trace::ObjectId;
use crate::units::{SimDuration, SimTime};

/// A fetch that was asked of the origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// Of what.
    pub object: ObjectId,
    /// Size of the object in bytes.
    pub size: u32,
    /// When it starts and ends.
    pub fetch: Fetch,
    /// Whether a usable copy was served meanwhile.
    pub background: bool,
    /// Whether another fetch of the same object was in flight.
    pub overlaps: bool,
    /// Fetches of all objects in flight, with this one.
    pub in_flight: u64,
}

/// A maximal stretch of time with at least one fetch of the same object in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Regeneration {
    /// Which object.
    pub object: ObjectId,
    /// When its first fetch was asked for.
    pub start: SimTime,
    /// When its last fetch was done.
    pub end: SimTime,
    /// Fetches asked for in it.
    pub size: u64,
    /// Most requests that waited at once.
    pub peak_waiters: u64,
    /// Origin time of all its fetches but the one that was done first.
    pub wasted: SimDuration,
    /// The kind of the outcome that started the first fetch.
    pub trigger: OutcomeKind,
}

/// Somebody who watches a run. Told in the order in which things happen, except that an outcome is
/// told at its request's arrival, with a wait that lies ahead.
pub trait Observer {
    /// A request has its outcome.
    fn observe(&mut self, outcome: &Outcome);

    /// A fetch was asked for.
    fn asked(&mut self, _asked: &Asked) {}

    /// The last fetch of a regeneration is done.
    fn regenerated(&mut self, _regeneration: &Regeneration) {}

    /// A value of `size` bytes was written to the cache, or refused.
    fn stored(&mut self, _size: u32, _at: SimTime, _stored: Stored) {}

    /// A read set an entry's TTL anew.
    fn touched(&mut self, _at: SimTime) {}

    /// The run is over, and so the TTLs went.
    fn steered(&mut self, _trajectories: Vec<Trajectory>) {}
}
