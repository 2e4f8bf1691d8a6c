//! What the sweep deleted and nobody has asked for since: the books of such keys are closed late.
//!
//! The sweep knows from its rows who is dead, and a run without commands (see `Server::runs_commands`) needs nothing
//! else at that instant: how many entries and bytes left, and when. So the slots of the dead, which lie anywhere in
//! memory, are not touched; a bit for each object says that its slot is out of date, until the next lookup comes by
//! or all are settled. What the account of memory adds up is the same in either order.

use super::Server;
use super::bits::Bits;
use super::expiry::Round;
use super::rows::coarse;
use crate::cache::{Cache, Capacity, Cause, State};
use crate::origin::Version;
use crate::trace::ObjectId;
use crate::units::SimTime;

/// A bit for each object that was swept and is not settled.
#[derive(Debug, Default)]
pub(super) struct Swept {
    bits: Bits,
    count: u64,
    /// Those of the present cycle, which are not in the account yet.
    fresh: Vec<ObjectId>,
    /// Places in the rows, while a round looks at them.
    places: Vec<usize>,
}

impl Swept {
    /// Whether the slot of an object is out of date.
    #[inline]
    pub(super) fn contains(&self, object: ObjectId) -> bool {
        self.bits.contains(object)
    }

    /// How many slots are out of date.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    fn add(&mut self, object: ObjectId) {
        debug_assert!(!self.bits.contains(object), "{object:?} is swept once");
        self.bits.insert(object);
        self.count += 1;
        self.fresh.push(object);
    }

    /// Takes a list of places back, for the next round.
    pub(super) fn give_back(&mut self, places: Vec<usize>) {
        self.places = places;
    }

    fn settle(&mut self, object: ObjectId) {
        self.bits.remove(object);
        self.count -= 1;
    }

    fn all(&self) -> Vec<ObjectId> {
        self.bits.iter().collect()
    }
}

impl Server {
    /// A round of the sweep while no keys move: up to `want` keys or `most` buckets from the cursor on.
    pub(super) fn sweep(&mut self, want: usize, most: usize, now: SimTime, round: &mut Round) -> Vec<usize> {
        let mut places = std::mem::take(&mut self.swept.places);
        places.clear();
        if let Some(rows) = self.expires.rows() {
            let passed = rows.sweep(self.expiry.cursor, want, most, coarse(now), &mut places);
            self.expiry.cursor = self.expiry.cursor.wrapping_add(passed.buckets);
            (round.sampled, round.visited) = (passed.keys, passed.buckets);
        }
        places
    }
}

impl Cache {
    /// Deletes those at these places of the rows that are dead; [`Self::note_swept`] must follow.
    pub(super) fn sweep_away(&mut self, mut places: Vec<usize>, now: SimTime, round: &mut Round) {
        let Self { server, slots, objects, .. } = self;
        let Some(server) = server.as_deref_mut() else { return };
        let Some(rows) = server.expires.rows_mut() else { return };
        // Whoever is taken out moves only those behind.
        places.sort_unstable();
        for place in places.iter().rev() {
            let (object, due) = rows.at(*place);
            // Only who is due in this very millisecond must be looked at closely.
            if due < coarse(now) || !slots[object.index()].is_live(now) {
                rows.take_at(*place);
                server.swept.add(object);
                objects.prefetch(object);
                round.expired += 1;
            }
        }
        server.swept.give_back(places);
    }

    /// Tells the account, and a policy that may be asked for victims, of those that a cycle has swept.
    pub(super) fn note_swept(&mut self, now: SimTime) {
        let Some(server) = &mut self.server else { return };
        if server.swept.fresh.is_empty() {
            return;
        }
        let fresh = std::mem::take(&mut server.swept.fresh);
        // Where sizes do not change there is no need to look at the slots.
        let are_resized = self.objects.are_resized();
        let version =
            |object: ObjectId| if are_resized { self.slots[object.index()].version } else { Version(0) };
        let cost = |object: &ObjectId| self.memory.cost(&self.objects, *object, version(*object), true);
        let bytes = fresh.iter().map(cost).sum();
        self.residency.swept(bytes, fresh.len() as u64, now);
        self.stats.expired_keys += fresh.len() as u64;
        if !self.is_unbounded() {
            fresh.iter().for_each(|object| self.eviction.prefetch(*object));
            fresh.iter().for_each(|object| self.eviction.prefetch_more(*object));
            fresh.iter().for_each(|object| self.eviction.on_remove(*object));
        }
        if let Some(server) = &mut self.server {
            server.swept.fresh = fresh;
            server.swept.fresh.clear();
        }
    }

    /// Whether the slot of an object is out of date.
    #[inline]
    pub(in crate::cache) fn is_swept(&self, object: ObjectId) -> bool {
        self.server.as_ref().is_some_and(|server| server.swept.contains(object))
    }

    /// Of how many keys the policy has not been told that they left: it is never asked for a victim.
    pub(in crate::cache) fn unnoticed(&self) -> u64 {
        self.server.as_ref().map_or(0, |server| if self.is_unbounded() { server.swept.count() } else { 0 })
    }

    fn is_unbounded(&self) -> bool {
        self.capacity == Capacity::Unbounded
    }

    /// Closes the book of an object whose slot is out of date.
    pub(in crate::cache) fn settle(&mut self, object: ObjectId) {
        let slot = &mut self.slots[object.index()];
        slot.state = State::Absent(Cause::Expired);
        let entry = slot.entry();
        let cost = self.memory.cost(&self.objects, object, entry.version, true);
        self.residency.settled(&entry, cost);
        if let Some(server) = &mut self.server {
            server.swept.settle(object);
        }
        if self.is_unbounded() {
            self.eviction.on_remove(object);
        }
    }

    /// The same of all of them.
    pub(in crate::cache) fn settle_all(&mut self) {
        let all = self.server.as_ref().map(|server| server.swept.all()).unwrap_or_default();
        for object in all {
            self.settle(object);
        }
    }
}
