//! Second keys: what an application keeps beside each value in a key of its own.
//!
//! To the server each is a key like any other: it stands at a place of its own in both tables, and the sweep of dead keys
//! comes by its value at one time and by it at another. A command of the application is about both, and eviction, which
//! here takes both at once, leaves none behind either: so it is the sweep alone that leaves one without the other, and both
//! of those were dead.

use super::bits::Bits;
use super::footprint::Breakdown;
use super::{Server, Slot, State};
use crate::cache::memory::{Counting, SIDECAR_SUFFIX};
use crate::cache::{Cache, Cause};
use crate::trace::{ObjectId, Objects};
use crate::units::SimTime;

/// Which second keys are there. In the tables they have the numbers behind those of the objects.
#[derive(Debug)]
pub(super) struct SecondKeys {
    objects: usize,
    there: Bits,
}

impl SecondKeys {
    /// None, of so many.
    pub(super) fn of(objects: &Objects) -> Self {
        Self { objects: objects.len(), there: Bits::of(objects.len()) }
    }

    /// Whether the second key of an object is there.
    pub(super) fn is_there(&self, object: ObjectId) -> bool {
        self.there.contains(object)
    }

    fn beside(&self, object: ObjectId) -> ObjectId {
        ObjectId::from_index(self.objects + object.index())
    }

    /// Of which object a key is, and whether it is its second key.
    #[inline]
    pub(super) fn owner(&self, key: ObjectId) -> (ObjectId, bool) {
        match key.index().checked_sub(self.objects) {
            Some(object) => (ObjectId::from_index(object), true),
            None => (key, false),
        }
    }

    /// The second key of an object is stored: its number.
    pub(super) fn comes(&mut self, object: ObjectId) -> ObjectId {
        debug_assert!(!self.there.contains(object), "what is dead is deleted before it is stored anew");
        self.there.insert(object);
        self.beside(object)
    }
}

impl Counting {
    /// What the second key beside a key of this length takes, if there is one; it has a TTL where that has one.
    pub(in crate::cache) fn beside(&self, key: u64, has_ttl: bool) -> u64 {
        let of_second = |value: u32| self.build.entry(beside(key), value.into(), has_ttl);
        self.second_key.map_or(0, of_second)
    }

    /// The parts of [`Self::beside`].
    pub(super) fn parts_beside(&self, key: u64, has_ttl: bool) -> Breakdown {
        let of_second = |value: u32| self.build.parts(beside(key), value.into(), has_ttl);
        self.second_key.map_or(Breakdown::default(), of_second)
    }
}

/// The length of the second key of a key of this length.
fn beside(key: u64) -> u64 {
    key + SIDECAR_SUFFIX.len() as u64
}

impl Server {
    /// Keys of an object.
    #[inline]
    pub(super) fn keys_each(&self) -> usize {
        1 + usize::from(self.second_keys.is_some())
    }

    /// The number of the second key of an object, if that is there.
    #[inline]
    pub(super) fn second(&self, object: ObjectId) -> Option<ObjectId> {
        let second_keys = self.second_keys.as_ref()?;
        second_keys.there.contains(object).then(|| second_keys.beside(object))
    }

    /// Of which object a key is, and whether it is its second key.
    #[inline]
    pub(super) fn owner(&self, key: ObjectId) -> (ObjectId, bool) {
        self.second_keys.as_ref().map_or((key, false), |second_keys| second_keys.owner(key))
    }

    /// The second key of an object leaves, if it is there: whether it was.
    pub(super) fn second_left(&mut self, object: ObjectId, had_ttl: bool) -> bool {
        let second = self.second(object);
        if let Some((second, second_keys)) = second.zip(self.second_keys.as_mut()) {
            second_keys.there.remove(object);
            self.left(second, had_ttl);
        }
        second.is_some()
    }

    /// # Panics
    /// If a second key stands in no table, or one that is not there stands in any.
    pub(super) fn check_second_keys(&self, slots: &[Slot]) {
        let Some(second_keys) = &self.second_keys else { return };
        for (index, slot) in slots.iter().enumerate() {
            let object = ObjectId::from_index(index);
            let (second, there) = (second_keys.beside(object), second_keys.there.contains(object));
            let has_ttl = slot.expires_at != SimTime::NEVER;
            // The sweep alone parts them, and it takes what is dead.
            let is_held = slot.state == State::Held;
            assert!(
                is_held == there || has_ttl,
                "{second:?} is there, or its value, and not both: {there}, {is_held}"
            );
            assert_eq!(self.dict.contains(second, &self.keys), there, "{second:?} among all keys");
            assert_eq!(
                self.expires.contains(second, &self.keys),
                there && has_ttl,
                "{second:?} among the keys with a TTL"
            );
        }
    }
}

impl Cache {
    /// Bytes of the second key of an object while that is there.
    #[inline]
    pub(in crate::cache) fn cost_beside(&self, object: ObjectId) -> u64 {
        let is_there = self.server.as_ref().is_some_and(|server| server.second(object).is_some());
        if is_there { self.whole_beside(object) } else { 0 }
    }

    fn whole_beside(&self, object: ObjectId) -> u64 {
        let has_ttl = self.slots[object.index()].entry().has_ttl();
        let key = self.objects.key_len(object);
        self.memory.counting().map_or(0, |counting| counting.beside(key, has_ttl))
    }

    /// Whether there is a second key beside each value.
    #[inline]
    fn has_pairs(&self) -> bool {
        self.server.as_ref().is_some_and(|server| server.second_keys.is_some())
    }

    /// Bytes of the value that an object has, without those of its second key.
    #[inline]
    pub(in crate::cache) fn cost_alone(&self, object: ObjectId) -> u64 {
        let whole = self.cost(object, &self.slots[object.index()].entry());
        if self.has_pairs() { whole - self.whole_beside(object) } else { whole }
    }

    /// Takes the second key of an object out, if there is one.
    #[inline]
    pub(in crate::cache) fn remove_second(&mut self, object: ObjectId, now: SimTime) {
        if self.server.as_ref().is_some_and(|server| server.second(object).is_some()) {
            self.second_leaves(object, now);
        }
    }

    #[cold]
    fn second_leaves(&mut self, object: ObjectId, now: SimTime) {
        let cost = self.cost_beside(object);
        let entry = self.slots[object.index()].entry();
        self.residency.part_left(&entry, cost, now);
        if let Some(server) = &mut self.server {
            server.second_left(object, entry.has_ttl());
        }
        self.note_overhead(now);
    }

    /// Takes out what the sweep has found dead: one key.
    pub(super) fn sweep_key(&mut self, object: ObjectId, is_second: bool, now: SimTime) {
        if is_second {
            self.remove_second(object, now);
        } else {
            self.remove_value(object, Cause::Expired, now);
        }
    }

    /// Takes out who leaves to make room: a value with its second key, or a second key that the sweep has left alone.
    pub(super) fn evict(&mut self, object: ObjectId, now: SimTime) {
        self.stats.evicted_keys += 1;
        if self.slots[object.index()].state == State::Held {
            self.remove(object, Cause::Evicted, now);
        } else {
            self.remove_second(object, now);
        }
    }

    /// The second keys whose values are gone, which are all dead, go too: the server ends, or is emptied.
    pub(in crate::cache) fn remove_lone_second_keys(&mut self, now: SimTime) {
        for object in self.second_keys_there() {
            if self.slots[object.index()].state != State::Held {
                self.remove_second(object, now);
            }
        }
    }

    /// The objects whose second keys are there.
    pub(in crate::cache) fn second_keys_there(&self) -> Vec<ObjectId> {
        let second_keys = self.server.as_ref().and_then(|server| server.second_keys.as_ref());
        second_keys.map(|second_keys| second_keys.there.iter().collect()).unwrap_or_default()
    }
}
