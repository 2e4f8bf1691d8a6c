//! The application's own clean-up: what it notes at every access, and what it removes by the clock.

pub mod none;
pub mod zset_sweep;

use super::Setup;
use crate::cache::redis::Build;
use crate::trace::ObjectId;
use crate::units::{SimDuration, SimTime};

/// The cache, as an application can ask it.
pub struct View<'c> {
    /// Now.
    pub now: SimTime,
    /// Bytes in use.
    pub bytes: u64,
    /// Whether a key is there; only the report of ghosts asks.
    pub holds: &'c dyn Fn(ObjectId) -> bool,
    /// How many bytes a key has.
    pub key_len: KeyLen<'c>,
}

/// How many bytes a key has, for whoever counts what its name takes beside the key itself.
pub type KeyLen<'c> = &'c dyn Fn(ObjectId) -> u64;

/// What a sweep finds when it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Found {
    /// Members of the set.
    pub members: u64,
    /// Of these, members whose key is gone.
    pub ghosts: u64,
    /// Entries above the limit.
    pub excess_entries: u64,
    /// Bytes above the limit.
    pub excess_bytes: u64,
    /// Bytes of the set.
    pub set_bytes: u64,
}

/// A command of a sweep about the sorted set of access times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetCommand {
    /// ZREMRANGEBYSCORE: members not accessed for longer than this are removed.
    Purge(SimDuration),
    /// ZCARD, or the used memory.
    Measure,
    /// ZRANGE: so many members from the old end are listed.
    List(usize),
    /// UNLINK: so many of the keys that were listed, in their order, are deleted.
    Unlink(usize),
    /// ZREMRANGEBYRANK: so many members at the old end are removed.
    Remove(usize),
}

/// What a sweep does at an instant.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Step {
    /// Keys to delete.
    pub unlink: Vec<ObjectId>,
    /// Commands sent to the cache, in their order.
    pub commands: Vec<SetCommand>,
    /// What it found, if it begins.
    pub found: Option<Found>,
    /// Whether it is over.
    pub over: bool,
}

/// A rule for what is noted and removed.
pub trait Sweep: Send {
    /// Whether it does anything at all.
    fn is_active(&self) -> bool {
        true
    }

    /// Whether an access that stored the value as well skips the EXPIRE.
    fn is_lean(&self) -> bool {
        true
    }

    /// An object was read or stored, with this TTL from now on.
    fn on_access(&mut self, _object: ObjectId, _now: SimTime, _ttl: SimDuration, _key_len: KeyLen<'_>) {}

    /// Who built the server that keeps what is noted; told before anything is, where memory is counted so.
    fn kept_by(&mut self, _build: Build) {}

    /// Bytes that the server keeps for it now, beside the entries.
    fn bytes(&self) -> u64 {
        0
    }

    /// The cache lost all its keys, the set of access times among them.
    fn forget(&mut self) {}

    /// When it does something next; may be now.
    fn next(&self) -> Option<SimTime> {
        None
    }

    /// Does what is due.
    fn step(&mut self, _view: &View<'_>) -> Step {
        Step::default()
    }
}

crate::catalog! {
    /// All sweeps.
    pub static SWEEPS: Catalog<dyn Sweep, Setup> = "sweep", tag "policy";
    none::NoSweep,
    zset_sweep::ZsetSweep,
}
