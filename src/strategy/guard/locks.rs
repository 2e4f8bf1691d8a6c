//! Locks in the cache: SET NX PX, compare-and-delete, and PEXPIRE while the holder works.

use std::collections::BTreeMap;

use super::{GivenBack, KeyInCache, Released, Wanting};
use crate::trace::ObjectId;
use crate::units::{SimDuration, SimTime};

/// Locks by object. A lock is gone strictly after its deadline, as every key.
#[derive(Debug)]
pub(super) struct Locks {
    ttl: SimDuration,
    extend: bool,
    held: BTreeMap<ObjectId, (u64, SimTime)>,
}

impl Locks {
    /// Locks that last for `ttl`, or as long as their holder lives if they are extended.
    pub(super) fn new(ttl: SimDuration, extend: bool) -> Self {
        Self { ttl, extend, held: BTreeMap::new() }
    }

    /// Each of them as a key.
    pub(super) fn key(&self) -> KeyInCache {
        KeyInCache { ttl: self.ttl, extend: self.extend, given_back: true }
    }

    /// The lock of an object is gone, if there was one.
    pub(super) fn missed(&mut self, object: ObjectId) {
        self.held.remove(&object);
    }

    /// The locks of these objects are gone.
    pub(super) fn forget(&mut self, lost: &dyn Fn(ObjectId) -> bool) {
        self.held.retain(|object, _| !lost(*object));
    }

    /// SET NX PX: whether the lock is taken now.
    pub(super) fn take(&mut self, wanting: &Wanting) -> bool {
        if self.held.get(&wanting.object).is_some_and(|(_, until)| wanting.now <= *until) {
            return false;
        }
        // One that is prolonged does not end as long as its holder lives.
        let end = if self.extend { SimTime::NEVER } else { wanting.now + self.ttl };
        self.held.insert(wanting.object, (wanting.ticket, end));
        true
    }

    /// The holder is done, or dead.
    pub(super) fn release(&mut self, released: &Released) -> GivenBack {
        let Released { object, now, ticket, since, died } = *released;
        // A living holder extends its lock each time half of it is over.
        let half = self.key().prolonged_every();
        let extended = half.map_or(0, |half| now.since(since).as_nanos() / half.as_nanos());
        let is_holder = self.held.get(&object).is_some_and(|(holder, _)| *holder == ticket);
        if died {
            if let Some(half) = half.filter(|_| is_holder) {
                // It lasts from when it was prolonged last.
                let end = since + SimDuration::from_nanos(extended * half.as_nanos()) + self.ttl;
                self.held.insert(object, (ticket, end));
            }
            return GivenBack { commands: extended, deleted: false };
        }
        if is_holder {
            self.held.remove(&object);
        }
        GivenBack { commands: extended + 1, deleted: is_holder }
    }
}
