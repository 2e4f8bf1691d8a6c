//! Who answers: the origin, with the time it takes, how much it can do at once, and when its objects change.

pub mod capacity;
pub mod change;
pub mod latency;

use std::sync::Arc;

use capacity::CapacityModel;
use change::Changes;
use latency::LatencyModel;

use crate::random::Seed;
use crate::trace::prefetch::prefetch;
use crate::trace::{ObjectId, Trace};
use crate::units::{SimDuration, SimTime};

/// How often an object has changed at the origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Version(pub u32);

/// What the parts of an origin may know of the run when they are made.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The requests to come; a model may use what the log measured, never who comes next.
    pub trace: Arc<Trace>,
    /// Root of the origin's chance: the same for every strategy of one replication.
    pub seed: Seed,
}

/// A fetch that somebody wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ask {
    /// Of what.
    pub object: ObjectId,
    /// When.
    pub at: SimTime,
    /// Place in the trace of the request that caused it.
    pub request: usize,
}

/// A fetch that the origin accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fetch {
    /// When it was asked for.
    pub asked: SimTime,
    /// When a server took it up.
    pub started: SimTime,
    /// When its value is there.
    pub done: SimTime,
    /// The version that was current when the server took it up.
    pub version: Version,
}

/// The origin of one simulation.
pub struct Origin {
    latency: Box<dyn LatencyModel>,
    capacity: Box<dyn CapacityModel>,
    changes: Changes,
    /// Fetches so far, by object: the n-th fetch of an object takes the same time under every strategy.
    fetches: Vec<u32>,
}

impl Origin {
    /// An origin for `objects` objects.
    pub fn new(
        latency: Box<dyn LatencyModel>,
        capacity: Box<dyn CapacityModel>,
        changes: Changes,
        objects: usize,
    ) -> Self {
        Self { latency, capacity, changes, fetches: vec![0; objects] }
    }

    /// Asks for what is kept about `object`, which may be fetched soon.
    pub fn prefetch(&self, object: ObjectId) {
        prefetch(&self.fetches, object.index());
    }

    /// Takes up a fetch; its end is known at once, because servers work in order of arrival.
    pub fn fetch(&mut self, ask: &Ask) -> Fetch {
        let nth = &mut self.fetches[ask.object.index()];
        let time = self.latency.time(ask, *nth);
        *nth = nth.wrapping_add(1);
        let started = self.capacity.start(ask.at, time);
        let version = self.changes.version(ask.object, started);
        Fetch { asked: ask.at, started, done: started + time, version }
    }

    /// Since when `version` of the object has been out of date at the instant `at`; `None` if it is current.
    pub fn outdated_since(&mut self, object: ObjectId, version: Version, at: SimTime) -> Option<SimTime> {
        self.changes.outdated_since(object, version, at)
    }

    /// Whether any object ever changes.
    pub fn ever_changes(&self) -> bool {
        self.changes.ever()
    }

    /// Median time of a fetch without waiting for a server.
    pub fn median_time(&self) -> SimDuration {
        self.latency.median()
    }

    /// How many fetches the origin serves at once; `None` if any number.
    pub fn servers(&self) -> Option<u32> {
        self.capacity.servers()
    }
}
