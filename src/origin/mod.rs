//! Who answers: the origin, with the time it takes, how much it can do at once, and when its objects change.

pub mod capacity;
pub mod change;
pub mod fault;
pub mod latency;

use std::sync::Arc;

use capacity::{Admission, CapacityModel};
use change::Changes;
use fault::{FaultModel, Service};
use latency::LatencyModel;

use crate::random::Seed;
use crate::trace::prefetch::prefetch;
use crate::trace::{ObjectId, Trace};
use crate::units::{Fraction, SimDuration, SimTime};

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
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ask {
    /// Of what.
    pub object: ObjectId,
    /// When.
    pub at: SimTime,
    /// Place in the trace of the request that caused it.
    pub request: usize,
    /// Until when its client waits; `None` is for ever.
    pub patience: Option<SimTime>,
    /// The version that the application holds and asks to have confirmed, as with `If-None-Match`.
    pub validates: Option<Validation>,
}

/// A conditional fetch: an unchanged version is confirmed instead of sent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Validation {
    /// The version that the application holds.
    pub version: Version,
    /// The part of a fetch's time that a confirmation takes.
    pub cost: Fraction,
}

/// By which the asker knows a fetch again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(pub u64);

/// A fetch that the origin has been asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Job {
    /// The asker's name for it.
    pub ticket: Ticket,
    /// What was asked.
    pub ask: Ask,
    /// How many fetches of the object were asked for before; 0 where no model wants to know.
    pub nth: u32,
}

/// What a fetch brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The value.
    Value,
    /// Word that the version that was asked about is still current.
    Unchanged,
    /// An error.
    Failure,
}

/// A fetch that the origin has taken up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fetch {
    /// When it was asked for.
    pub asked: SimTime,
    /// When a server took it up.
    pub started: SimTime,
    /// When its answer is there.
    pub done: SimTime,
    /// The version that was current when the server took it up.
    pub version: Version,
    /// What it brings.
    pub answer: Answer,
}

/// What the origin says to a fetch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    /// A server has taken it up, and its end is known.
    Started(Fetch),
    /// It waits for a server.
    Queued,
    /// It is refused at once.
    Shed,
}

/// The origin of one simulation.
pub struct Origin {
    latency: Box<dyn LatencyModel>,
    capacity: Box<dyn CapacityModel>,
    faults: Vec<Box<dyn FaultModel>>,
    changes: Changes,
    /// Fetches so far, by object: the n-th fetch of an object takes the same time under every strategy.
    /// Empty where no model asks which one it is.
    fetches: Vec<u32>,
    /// Fetches that were thrown out of the queue, and whose askers do not know it yet.
    shed: Vec<Job>,
}

impl Origin {
    /// An origin for `objects` objects.
    pub fn new(
        latency: Box<dyn LatencyModel>,
        capacity: Box<dyn CapacityModel>,
        faults: Vec<Box<dyn FaultModel>>,
        changes: Changes,
        objects: usize,
    ) -> Self {
        let counts = latency.counts_fetches() || !faults.is_empty();
        let fetches = if counts { vec![0; objects] } else { Vec::new() };
        Self { latency, capacity, faults, changes, fetches, shed: Vec::new() }
    }

    /// Asks for what is kept about `object`, which may be fetched soon.
    #[inline]
    pub fn prefetch(&self, object: ObjectId) {
        prefetch(&self.fetches, object.index());
    }

    /// Whether every fetch is taken up at once and brings a value.
    pub fn always_answers_at_once(&self) -> bool {
        self.capacity.servers().is_none() && self.faults.is_empty()
    }

    /// Whether every fetch has brought its value at the instant at which it is asked for.
    pub fn takes_no_time(&self) -> bool {
        self.always_answers_at_once() && !self.latency.takes_time()
    }

    /// Asks for a fetch where it [is taken up at once](Self::always_answers_at_once).
    pub fn ask_at_once(&mut self, ask: Ask) -> Fetch {
        let nth = self.count(ask.object);
        self.start(&Job { ticket: Ticket(0), ask, nth }, ask.at)
    }

    /// Asks for a fetch. Whoever had to go for it is told by [`Self::next_shed`].
    pub fn ask(&mut self, ask: Ask, ticket: Ticket) -> Reply {
        let job = Job { ticket, ask, nth: self.count(ask.object) };
        match self.capacity.arrive(job) {
            Admission::Start => Reply::Started(self.start(&job, ask.at)),
            Admission::Queue { displaced } => {
                self.shed.extend(displaced);
                Reply::Queued
            }
            Admission::Refuse => Reply::Shed,
        }
    }

    /// Counts a fetch of an object; how many there were before it, where a model wants to know.
    #[inline]
    fn count(&mut self, object: ObjectId) -> u32 {
        let Some(fetches) = self.fetches.get_mut(object.index()) else { return 0 };
        let nth = *fetches;
        *fetches = fetches.wrapping_add(1);
        nth
    }

    /// A fetch that was taken up has ended (or was called off): the one that its server takes up next.
    pub fn release(&mut self, now: SimTime) -> Option<(Ticket, Fetch)> {
        let job = self.capacity.release(now, &mut self.shed)?;
        // Patience that ran out frees a server as of its last instant, just after which this fetch may have
        // been asked for.
        Some((job.ticket, self.start(&job, now.max(job.ask.at))))
    }

    /// Takes a fetch out of the queue; false if it is not there.
    pub fn withdraw(&mut self, ticket: Ticket) -> bool {
        self.capacity.withdraw(ticket)
    }

    /// A fetch that was thrown out of the queue since the last call.
    pub fn next_shed(&mut self) -> Option<Ticket> {
        self.shed.pop().map(|job| job.ticket)
    }

    /// A server takes a fetch up.
    #[inline]
    fn start(&mut self, job: &Job, started: SimTime) -> Fetch {
        let Job { ask, nth, .. } = *job;
        let version = self.changes.version(ask.object, started);
        let time = self.latency.time(&ask, nth, version);
        let mut answer = Answer::Value;
        let mut service = Service { object: ask.object, nth, started, time, fails: false };
        if let Some(known) = ask.validates.filter(|known| known.version == version) {
            service.time = time.scaled(known.cost.as_f64());
            answer = Answer::Unchanged;
        }
        self.faults.iter_mut().for_each(|fault| fault.strike(&mut service));
        if service.fails {
            answer = Answer::Failure;
        }
        Fetch { asked: ask.at, started, done: started + service.time, version, answer }
    }

    /// The version of the object that is current at the instant `at`.
    pub fn version(&mut self, object: ObjectId, at: SimTime) -> Version {
        self.changes.version(object, at)
    }

    /// When the object is uploaded anew after `at`; for the engine alone, which tells the application then.
    pub fn next_upload(&mut self, object: ObjectId, at: SimTime) -> Option<SimTime> {
        self.changes.next(object, at)
    }

    /// Since when `version` of the object has been out of date at the instant `at`; `None` if it is current.
    #[inline]
    pub fn outdated_since(&mut self, object: ObjectId, version: Version, at: SimTime) -> Option<SimTime> {
        self.changes.outdated_since(object, version, at)
    }

    /// When `version` of the object was made, as an answer's Last-Modified tells. The first version
    /// counts as made when the trace began; `None` where nothing ever changes.
    pub fn last_modified(&mut self, object: ObjectId, version: Version) -> Option<SimTime> {
        self.changes.made_at(object, version)
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
