//! When a new fetch is wanted although a copy is there.

pub mod addon;
pub mod on_demand;
pub mod race_ttl;
pub mod refresh_ahead;
pub mod stale_while_revalidate;
pub mod timer;
pub mod xfetch;

use super::Setup;
use crate::trace::{ClassId, ObjectId};
use crate::units::{SimDuration, SimTime};

/// A copy that the cache still keeps, when it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Copy {
    /// Of what.
    pub object: ObjectId,
    /// Now.
    pub now: SimTime,
    /// When it was stored.
    pub stored_at: SimTime,
    /// Until when the application takes it for fresh.
    pub fresh_until: SimTime,
}

impl Copy {
    /// Whether it is past its logical TTL.
    pub fn is_stale(&self) -> bool {
        self.now > self.fresh_until
    }
}

/// What the application wants to do with a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// Serve it as it is, fresh or stale.
    Serve,
    /// Serve it as it is, and fetch in the background.
    ServeAndRefresh,
    /// Fetch, and wait for the new value.
    Fetch,
    /// Let the cache keep the copy until this instant for others, fetch, and wait for the new value.
    RewriteAndFetch(SimTime),
}

/// A value that was just stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Filled {
    /// Of what.
    pub object: ObjectId,
    /// Its class.
    pub class: ClassId,
    /// When.
    pub at: SimTime,
    /// Until when it is fresh.
    pub fresh_until: SimTime,
    /// How long the application waited for it; `None` if it was there before, from the beginning of the run or as a copy
    /// that the origin has only confirmed.
    pub took: Option<SimDuration>,
}

/// A rule that says when a fetch is wanted.
pub trait RefreshPolicy: Send {
    /// Until when the cache keeps a value stored (or touched) at `at`, which is fresh until `fresh_until`.
    fn keep_until(&self, _at: SimTime, fresh_until: SimTime) -> SimTime {
        fresh_until
    }

    /// Bytes that it stores with every value.
    fn bytes_beside(&self) -> u32 {
        0
    }

    /// Whether it may want a fetch while a fresh copy is there, or behind a request's back.
    fn fetches_early(&self) -> bool {
        true
    }

    /// What to do with a copy that is there.
    fn on_copy(&mut self, copy: &Copy) -> Wish;

    /// A request that is not asked about by [`on_copy`](Self::on_copy): it found no copy, or one that is served without a
    /// question for a while after a failure.
    fn on_other_read(&mut self, _object: ObjectId) {}

    /// A value was stored.
    fn on_fill(&mut self, _filled: &Filled) {}

    /// A fetch in the background brought nothing, or was refused by guard or breaker while none was in flight.
    fn on_failure(&mut self, _object: ObjectId, _now: SimTime) {}

    /// When a job of its own is due next.
    fn next_job(&self) -> Option<SimTime> {
        None
    }

    /// Most objects, of so many that there are, that its job wants to fetch within any span of this length; of a job that
    /// keeps up.
    fn most_jobs(&self, _objects: usize, _span: SimDuration) -> u64 {
        0
    }

    /// An object that its job wants to fetch now; asked until there is none.
    fn job(&mut self, _now: SimTime) -> Option<ObjectId> {
        None
    }

    /// A fetch that its job wanted is over; `held` says whether the cache has the object now.
    fn job_done(&mut self, _object: ObjectId, _now: SimTime, _held: bool) {}
}

crate::catalog! {
    /// All refresh policies.
    pub static REFRESHES: Catalog<dyn RefreshPolicy, Setup> = "refresh policy", tag "policy";
    on_demand::OnDemand,
    stale_while_revalidate::StaleWhileRevalidate,
    refresh_ahead::RefreshAhead,
    xfetch::Xfetch,
    timer::Timer,
    race_ttl::RaceTtl,
}
