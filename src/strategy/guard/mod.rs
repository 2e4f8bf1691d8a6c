//! Who may fetch.

pub mod lease;
pub mod lock;
pub mod lock_stale;
mod locks;
pub mod none;
pub mod single_flight;

use super::Setup;
use crate::trace::ObjectId;
use crate::units::{SimDuration, SimTime};

/// A request, or a refresh in the background, that wants a fetch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanting {
    /// Of what.
    pub object: ObjectId,
    /// Now.
    pub now: SimTime,
    /// Its name, by which a lock knows its holder.
    pub ticket: u64,
    /// Whether a fetch of the object by the same process is in flight.
    pub in_flight: bool,
    /// Whether it has a copy that it may serve instead, not older than the guard [serves](StampedeGuard::serves_for).
    pub has_copy: bool,
    /// How long it has waited.
    pub waited: SimDuration,
}

/// What a request may do that wants a fetch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permit {
    /// Fetch.
    Fetch,
    /// Fetch, as the holder of a lock; the guard is told when the fetch is over.
    FetchAsHolder,
    /// Wait for the fetch that the same process has in flight, and share its value.
    Join,
    /// Serve the copy at hand.
    ServeStale,
    /// Look again after a while.
    RetryAfter(SimDuration),
    /// Give up with an error.
    Fail,
}

/// A guard's answer, and what it cost to find out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// What may be done.
    pub permit: Permit,
    /// SET NX commands sent to the cache.
    pub lock_commands: u64,
}

impl Decision {
    /// It took a SET NX to know.
    const fn locking(permit: Permit) -> Self {
        Self { permit, lock_commands: 1 }
    }
}

impl From<Permit> for Decision {
    fn from(permit: Permit) -> Self {
        Self { permit, lock_commands: 0 }
    }
}

/// A holder's fetch is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Released {
    /// Of what.
    pub object: ObjectId,
    /// Now.
    pub now: SimTime,
    /// The holder's name.
    pub ticket: u64,
    /// When it became the holder.
    pub since: SimTime,
    /// Whether its process died: it gives nothing back.
    pub died: bool,
}

/// What becomes of a lock whose holder is done, or dead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GivenBack {
    /// How many commands it cost beside the SET NX.
    pub commands: u64,
    /// Whether it was still its holder's, who deletes it then.
    pub deleted: bool,
}

/// The key that a guard sets in the cache for each object, with SET NX PX.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyInCache {
    /// How long the key lasts.
    pub ttl: SimDuration,
    /// Whether a holder prolongs it while it fetches, each time half of it is over.
    pub extend: bool,
    /// Whether its holder deletes it when the fetch is over.
    pub given_back: bool,
}

impl KeyInCache {
    /// From one prolonging to the next, where its holder does that.
    pub fn prolonged_every(&self) -> Option<SimDuration> {
        self.extend.then(|| SimDuration::from_nanos(self.ttl.as_nanos().div_ceil(2)))
    }
}

/// A rule that says who may fetch.
pub trait StampedeGuard: Send {
    /// How long beyond its logical TTL the cache keeps a value for it.
    fn stale_window(&self) -> SimDuration {
        SimDuration::ZERO
    }

    /// How long beyond its logical TTL it lets a copy be served, whoever has it kept for how long.
    fn serves_for(&self) -> SimDuration {
        self.stale_window()
    }

    /// Whether what it knows lies in the cache, and is out of reach while the server is down.
    fn is_in_cache(&self) -> bool {
        false
    }

    /// The cache lost its keys of some objects, or of all, and the locks among them.
    fn forget(&mut self, _lost: &dyn Fn(ObjectId) -> bool) {}

    /// The cache has no key of an object, which it may have evicted.
    fn missed(&mut self, _object: ObjectId) {}

    /// The application deleted an object, or marked it stale.
    fn purged(&mut self, _object: ObjectId, _now: SimTime) {}

    /// Whether what a fetch brings that was asked for at `asked` may be stored.
    fn lets_store(&self, _object: ObjectId, _asked: SimTime) -> bool {
        true
    }

    /// Whether a request joins the flight of its own process if there is one and fetches otherwise, and
    /// nothing else need be asked.
    fn only_joins(&self) -> bool {
        false
    }

    /// Whether whoever wants a fetch while none of its object is in flight fetches, and nothing is asked, kept or
    /// sent for that.
    fn lets_the_first_fetch(&self) -> bool {
        self.only_joins()
    }

    /// What a request may do.
    fn admit(&mut self, wanting: &Wanting) -> Decision;

    /// The key that it sets in the cache to find out; `None` where it asks nobody.
    fn key_in_cache(&self) -> Option<KeyInCache> {
        None
    }

    /// After how long who waits looks again; `None` where nobody has to.
    fn poll(&self) -> Option<SimDuration> {
        None
    }

    /// What a request may do, once a real cache has said whether it took the key's SET NX. Asked instead of
    /// [`admit`](Self::admit), which keeps the keys itself, where there is such a key and such a cache.
    fn told(&mut self, wanting: &Wanting, _took: bool) -> Decision {
        self.admit(wanting)
    }

    /// A holder's fetch is over: what becomes of its lock.
    fn released(&mut self, _released: &Released) -> GivenBack {
        GivenBack::default()
    }
}

crate::catalog! {
    /// All guards.
    pub static GUARDS: Catalog<dyn StampedeGuard, Setup> = "guard", tag "policy";
    none::NoGuard,
    single_flight::SingleFlight,
    lock::Lock,
    lock_stale::LockStale,
    lease::Lease,
}
