//! What the engine tells while it runs.

use super::{Outcome, OutcomeKind};
use crate::cache::Stored;
use crate::origin::Fetch;
use crate::strategy::ttl::Trajectory;
use crate::trace::{ClassId, ObjectId};
use crate::units::{SimDuration, SimTime};

/// A fetch that was asked of the origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// Of what.
    pub object: ObjectId,
    /// Its class.
    pub class: ClassId,
    /// When.
    pub at: SimTime,
    /// Whether a usable copy was served meanwhile.
    pub background: bool,
    /// Whether another fetch of the same object was in flight.
    pub overlaps: bool,
    /// Fetches of all objects in flight, with this one.
    pub in_flight: u64,
}

/// A fetch that was answered, or called off while a server worked on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Served {
    /// Of what.
    pub object: ObjectId,
    /// Bytes that it brought.
    pub bytes: u32,
    /// When it was asked for, taken up and answered.
    pub fetch: Fetch,
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

/// A command that the application sends to the cache beside one GET per request and one SET per fill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// A further GET of a request that waits.
    Poll,
    /// EXISTS of a key that a job of the refresh policy is about to fetch anew.
    Look,
    /// SET NX PX of a lock or lease.
    Lock,
    /// Compare-and-delete of a lock, and PEXPIRE while it is kept.
    Unlock,
    /// EXPIRE of a key whose access a sweep notes.
    Expire,
    /// SETEX of an error that is to be remembered.
    SetError,
    /// DEL of a key whose value was changed or is no longer wanted.
    Delete,
    /// ZADD of an access time.
    Zadd,
    /// A command of a sweep: ZCARD, ZRANGE, UNLINK, ZREMRANGEBYRANK, ZREMRANGEBYSCORE.
    Sweep,
}

/// What goes wrong or is done about it, told apart from outcomes, which a request has one of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Incident {
    /// The origin refused a fetch, or threw it out of its queue.
    Shed,
    /// An attempt of a request ended for want of patience.
    TimedOut,
    /// A request is tried once more.
    Retried,
    /// A request was answered with an error that the cache remembered.
    NegativeServed,
    /// A process died while it fetched.
    Crashed,
    /// A fetch was called off because nobody waited for it any more.
    Cancelled,
    /// A fetch was not made because the process's breaker was open.
    Broken,
}

/// One run of an application-side sweep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sweep {
    /// When.
    pub at: SimTime,
    /// Members of the set before it.
    pub members: u64,
    /// Of these, members whose key was gone from the cache.
    pub ghosts: u64,
    /// Entries removed from the cache.
    pub removed: u64,
    /// Entries above the limit before it; 0 where the limit is in bytes.
    pub excess_entries: u64,
    /// Bytes above the limit before it; 0 where the limit is in entries.
    pub excess_bytes: u64,
    /// What the set itself takes in the server, in bytes.
    pub set_bytes: u64,
}

/// Somebody who watches a run. Told in the order in which things happen: of the outcome of a
/// request when it is answered, which may be after later requests and after the end of the run.
pub trait Observer {
    /// Whether memory is asked for that coming requests and answers will look up. No observer is told another thing for it;
    /// `benches/engine.rs` turns it off to see what it is worth.
    const ASKS_AHEAD: bool = true;

    /// A request has its outcome.
    fn observe(&mut self, outcome: &Outcome);

    /// A fetch was asked for.
    fn asked(&mut self, _asked: &Asked) {}

    /// A fetch that a server had taken up is over.
    fn served(&mut self, _served: &Served) {}

    /// The last fetch of a regeneration is done.
    fn regenerated(&mut self, _regeneration: &Regeneration) {}

    /// A value of `size` bytes was written to the cache, or refused.
    fn stored(&mut self, _size: u32, _at: SimTime, _stored: Stored) {}

    /// A value of `size` bytes that stays as it is was given another deadline: by a read, by an origin that has no newer
    /// one, or because it is to be taken for stale.
    fn touched(&mut self, _size: u32, _at: SimTime) {}

    /// An old value of `size` bytes was written once more, to last longer.
    fn rewritten(&mut self, _size: u32, _at: SimTime) {}

    /// The application sent a command so many times.
    fn sent(&mut self, _at: SimTime, _command: Command, _times: u64) {}

    /// Something went wrong, or was done about it.
    fn incident(&mut self, _at: SimTime, _incident: Incident) {}

    /// An application-side sweep ran.
    fn swept(&mut self, _sweep: &Sweep) {}

    /// The run is over, and so the TTLs went.
    fn steered(&mut self, _trajectories: Vec<Trajectory>) {}
}
