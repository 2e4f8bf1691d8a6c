//! What changes entries: writing, new deadlines, deleting, and the room that is made for it.

use super::memory::KeyBeside;
use super::redis::{Ends, Kind, Look};
use super::residency::Residency;
use super::slot::{Slot, State};
use super::{Cache, Capacity, Cause, Entry, Stored};
use crate::origin::Version;
use crate::trace::ObjectId;
use crate::units::SimTime;

/// Digits of a TTL in milliseconds, some tens of seconds: PEXPIRE sends them.
pub(super) const TTL_DIGITS: u64 = 5;

impl Cache {
    /// Deletes an entry, as UNLINK does; whether there was a live one. `cause` is what a later lookup shall find:
    /// evicted where an application makes room by itself, invalidated otherwise.
    pub fn delete(&mut self, object: ObjectId, cause: Cause, now: SimTime) -> bool {
        if self.is_out_of_reach(object, now) {
            return false;
        }
        self.before_command(Kind::Unlink, object, &[], now);
        self.look_in_tables(object, Look::Delete, now);
        self.take(object, cause, now)
    }

    /// Deletes an entry, for a command that has begun.
    pub(super) fn take(&mut self, object: ObjectId, cause: Cause, now: SimTime) -> bool {
        let was_live = self.find(object, now).is_some();
        if was_live {
            self.remove_value(object, cause, now);
        }
        // Both keys are named, and the one may be there without the other.
        self.delete_beside(object, KeyBeside::Deadline, now);
        was_live
    }

    /// Stores a value, as SETEX does, and makes room for it first. A dead entry of the same object is
    /// deleted, a live one overwritten in its place.
    pub fn set(&mut self, object: ObjectId, entry: Entry, now: SimTime) -> Stored {
        if self.is_out_of_reach(object, now) {
            return Stored::Unreachable;
        }
        self.reclaim_due(now);
        if self.runs_commands() {
            return self.set_in_server(object, entry, now);
        }
        self.make_way(object, &entry, now);
        let cost = self.cost(object, &entry);
        if let Some(old) = self.find(object, now) {
            self.overwrite(object, &old, entry, cost, Ends::Replaced, now);
            return Stored::Yes;
        }
        if !self.eviction.admit(object, self.weight(cost)) {
            return Stored::NotAdmitted;
        }
        match self.make_room(cost, 1, now) {
            Stored::Yes => {
                self.fill(object, entry, cost, Ends::Replaced, now);
                Stored::Yes
            }
            refused => refused,
        }
    }

    /// Bytes of an entry.
    #[inline]
    pub(super) fn cost(&self, object: ObjectId, entry: &Entry) -> u64 {
        self.memory.cost(&self.objects, object, entry.version, entry.has_ttl())
    }

    /// A live value of another size goes before the one that replaces it comes: to a textbook policy, which weighs
    /// values once, that is a new one, and it goes also where the new one is then not admitted, because nobody may read it any
    /// more. It leaves with the SET; nobody sends a command for it. Redis overwrites it in its place.
    pub(super) fn make_way(&mut self, object: ObjectId, entry: &Entry, now: SimTime) {
        if !self.objects.are_resized() || self.eviction.is_of_redis() {
            return;
        }
        let size = |version: Version| self.objects.size_of(object, version.0);
        if self.peek(object, now).is_some_and(|old| size(old.version) != size(entry.version)) {
            self.remove(object, Cause::Invalidated, now);
        }
    }

    /// Writes a value for which there is room, over a live or a dead one or where there is none.
    pub(super) fn write(&mut self, object: ObjectId, entry: Entry, ends: Ends, now: SimTime) {
        let cost = self.cost(object, &entry);
        self.look_in_tables(object, Look::Up, now);
        match self.find(object, now) {
            Some(old) => self.overwrite(object, &old, entry, cost, ends, now),
            None => self.fill(object, entry, cost, ends, now),
        }
    }

    /// Writes a value of `cost` bytes over a live one.
    pub(super) fn overwrite(
        &mut self,
        object: ObjectId,
        old: &Entry,
        entry: Entry,
        cost: u64,
        ends: Ends,
        now: SimTime,
    ) {
        self.slots[object.index()] = Slot::holding(entry);
        let before = self.cost(object, old);
        self.residency.overwritten(old, before, cost, now);
        self.eviction.on_overwrite(object);
        if let Some(server) = &mut self.server {
            server.touched(object, now);
        }
        self.rearmed(object, old.has_ttl(), ends, now);
        self.reclaim.on_armed(object, entry.expires_at);
    }

    /// Writes a value of `cost` bytes where there is none.
    pub(super) fn fill(&mut self, object: ObjectId, entry: Entry, cost: u64, ends: Ends, now: SimTime) {
        self.slots[object.index()] = Slot::holding(entry);
        self.residency.stored(cost, now);
        self.eviction.on_fill(object, self.weight(self.cost_of_pair(object, cost, entry.expires_at)));
        if self.server.is_some() {
            let room = self.room_for_tables();
            if let Some(server) = &mut self.server {
                server.stored(object, entry.expires_at, ends, now, room);
                self.note_overhead(now);
            }
        }
        self.reclaim.on_armed(object, entry.expires_at);
    }

    /// The server learns what becomes of the end of a live key, with a TTL before or without, that was written or armed.
    pub(super) fn rearmed(&mut self, object: ObjectId, had_ttl: bool, ends: Ends, now: SimTime) {
        if self.server.is_none() {
            return;
        }
        let expires_at = self.slots[object.index()].expires_at;
        let room = self.room_for_tables();
        if let Some(server) = &mut self.server {
            server.armed(object, had_ttl, ends, expires_at, room);
            self.note_overhead(now);
        }
    }

    /// Moves the deadlines of a live entry, as PEXPIRE does, and PERSIST where it has no end; whether there was one.
    pub fn expire(
        &mut self,
        object: ObjectId,
        fresh_until: SimTime,
        expires_at: SimTime,
        now: SimTime,
    ) -> bool {
        if self.is_out_of_reach(object, now) {
            return false;
        }
        self.before_expire(object, expires_at, now);
        let is_live = self.look_to_write(object, now).is_some();
        if is_live {
            self.arm(object, fresh_until, expires_at, now);
        }
        self.move_deadline(object, fresh_until, expires_at, now);
        is_live
    }

    /// The same for an entry that was stored just now with this very end: only the command comes in.
    pub fn expire_again(&mut self, object: ObjectId, expires_at: SimTime, now: SimTime) {
        if self.runs_commands() && !self.is_out_of_reach(object, now) {
            self.before_expire(object, expires_at, now);
        }
    }

    /// Writes down that the value of a live entry is still the latest, with new deadlines: on a server PEXPIRE does that,
    /// which needs no room for a value. What is not there any more is stored.
    pub fn confirm(&mut self, object: ObjectId, entry: Entry, now: SimTime) -> Stored {
        if self.runs_commands() && !self.is_out_of_reach(object, now) {
            self.before_expire(object, entry.expires_at, now);
            self.look_in_tables(object, Look::Up, now);
            if let Some(old) = self.find(object, now) {
                let cost = self.cost(object, &entry);
                self.overwrite(object, &old, entry, cost, Ends::Moved, now);
                self.move_deadline(object, entry.fresh_until, entry.expires_at, now);
                return Stored::Yes;
            }
        }
        self.set(object, entry, now)
    }

    /// A command comes in that moves an end: PEXPIRE, or PERSIST where there is none.
    fn before_expire(&mut self, object: ObjectId, expires_at: SimTime, now: SimTime) {
        if expires_at == SimTime::NEVER {
            self.before_command(Kind::Persist, object, &[], now);
        } else {
            self.before_command(Kind::PExpire, object, &[TTL_DIGITS], now);
        }
    }

    /// Moves the deadlines of an entry that has been found.
    pub(super) fn arm(&mut self, object: ObjectId, fresh_until: SimTime, expires_at: SimTime, now: SimTime) {
        let slot = &mut self.slots[object.index()];
        let before = slot.entry();
        (slot.fresh_until, slot.expires_at) = (fresh_until, expires_at);
        let after = slot.entry();
        if before.has_ttl() != after.has_ttl() {
            self.residency.recosted(self.cost(object, &before), self.cost(object, &after), now);
        }
        self.rearmed(object, before.has_ttl(), Ends::Moved, now);
        self.reclaim.on_armed(object, expires_at);
    }

    /// Evicts until so many more `entries` of `cost` bytes together fit.
    pub(super) fn make_room(&mut self, cost: u64, entries: u64, now: SimTime) -> Stored {
        let (used, needed, limit) = match self.capacity {
            Capacity::Unbounded => return Stored::Yes,
            Capacity::Bytes(limit) => (Residency::bytes as fn(&Residency) -> u64, cost, limit),
            Capacity::Objects(limit) => (Residency::entries as fn(&Residency) -> u64, entries, limit),
        };
        if needed > limit {
            return Stored::TooLarge;
        }
        while used(&self.residency) > limit - needed {
            match self.eviction.victim() {
                Some(victim) => {
                    self.stats.evicted_keys += 1;
                    self.remove(victim, Cause::Evicted, now);
                    if let Some(next) = self.eviction.likely_victim() {
                        self.prefetch(next);
                    }
                }
                None => return Stored::OutOfMemory,
            }
        }
        Stored::Yes
    }

    /// Takes an entry out, dead or alive, with its deadline where that is a key of its own.
    pub(super) fn remove(&mut self, object: ObjectId, cause: Cause, now: SimTime) {
        self.remove_value(object, cause, now);
        self.remove_beside(object, KeyBeside::Deadline, cause, now);
    }

    /// The same of the value alone: its deadline stays.
    pub(super) fn remove_value(&mut self, object: ObjectId, cause: Cause, now: SimTime) {
        let slot = &mut self.slots[object.index()];
        slot.state = State::Absent(cause);
        let entry = slot.entry();
        let cost = self.cost(object, &entry);
        self.residency.left(&entry, cost, cause, now);
        self.stats.expired_keys += u64::from(cause == Cause::Expired);
        if let Some(server) = &mut self.server {
            server.left(object, entry.has_ttl());
            self.note_overhead(now);
        }
        match cause {
            Cause::Evicted => self.eviction.on_evict(object),
            _ => self.eviction.on_remove(object),
        }
    }

    /// What an entry of `cost` bytes takes of the capacity, in the capacity's own unit.
    pub(super) fn weight(&self, cost: u64) -> u32 {
        match self.capacity {
            Capacity::Objects(_) => 1,
            Capacity::Bytes(_) | Capacity::Unbounded => u32::try_from(cost).unwrap_or(u32::MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::eviction::EVICTIONS;
    use super::super::memory::MEMORIES;
    use super::super::reclaim::RECLAIMS;
    use super::super::redis::Settings;
    use super::super::{Account, Setup};
    use super::*;
    use crate::random::Seed;
    use crate::trace::{ClassId, Fact, Keys, Objects, Resizing};
    use crate::units::{SimDuration, Window};

    const END: SimTime = SimTime::from_nanos(100_000_000_000);

    /// A hundred bytes at first, and as many more with each version as a number says.
    #[derive(Debug)]
    struct Growing(u32);
    impl Resizing for Growing {
        fn size(&self, _: ObjectId, _: ClassId, version: u32) -> Option<u32> {
            Some(100 + self.0 * version)
        }
    }

    /// A cache for two objects that grow so.
    fn cache(eviction: &'static str, memory: &'static str, capacity: Capacity, by: u32) -> Cache {
        let facts = vec![Fact { size: 100, class: ClassId::default(), size_is_imputed: false }; 2];
        let objects = Objects::new(facts, Keys::Numbered, vec!["all".to_owned()]);
        let setup = Setup { objects: 2, capacity, ..Setup::nothing() };
        let made = "every part can be made with its defaults";
        Cache::new(
            Arc::new(objects.with_resizing(Arc::new(Growing(by)))),
            capacity,
            EVICTIONS.default_choice(eviction).make(&setup).expect(made),
            RECLAIMS.default_choice("lazy").make(&setup).expect(made),
            MEMORIES.default_choice(memory).make(&setup).expect(made),
            Residency::new(Window { from: SimTime::ZERO, until: END }, SimDuration::from_secs(10)),
        )
    }

    fn entry(version: u32) -> Entry {
        let never = SimTime::NEVER;
        Entry { stored_at: SimTime::ZERO, fresh_until: never, expires_at: never, version: Version(version) }
    }

    /// What is held of both objects at the end, and the account, where the last write must end so.
    fn overwritten(eviction: &'static str, last: Stored) -> ([Option<u32>; 2], Account) {
        let mut cache = cache(eviction, "payload", Capacity::Bytes(200), 50);
        let [first, other] = [0, 1].map(ObjectId::new);
        for (object, version, stored) in [(first, 0, Stored::Yes), (other, 0, Stored::Yes), (first, 1, last)]
        {
            assert_eq!(cache.set(object, entry(version), SimTime::ZERO), stored);
            cache.check();
        }
        let held = [first, other].map(|object| cache.peek(object, SimTime::ZERO).map(|held| held.version.0));
        (held, cache.finish(END))
    }

    #[test]
    fn a_larger_value_finds_no_room_beside_the_old_one_where_nothing_is_evicted_and_is_weighed_anew_elsewhere()
     {
        let (held, account) = overwritten("noeviction", Stored::OutOfMemory);
        assert_eq!((held, account.evicted), ([Some(0), Some(0)], 0), "a full server refuses to overwrite");
        assert_eq!(account.peak_bytes, 200);
        let (held, account) = overwritten("lru", Stored::Yes);
        assert_eq!((held, account.evicted), ([Some(1), None], 1), "the other one makes room");
        assert_eq!(account.peak_bytes, 200);
    }

    #[test]
    fn a_confirmed_value_needs_no_room_in_a_full_server() {
        let mut cache = cache("noeviction", "payload", Capacity::Bytes(200), 0);
        let [first, other] = [0, 1].map(ObjectId::new);
        for object in [first, other] {
            assert_eq!(cache.set(object, entry(0), SimTime::ZERO), Stored::Yes);
        }
        let later = Entry { stored_at: END, ..entry(0) };
        assert_eq!(cache.set(first, later, END), Stored::OutOfMemory);
        assert_eq!(cache.confirm(first, later, END), Stored::Yes);
        assert_eq!(cache.peek(first, END), Some(later));
        cache.check();
    }

    #[test]
    fn a_reply_is_as_long_as_the_version_that_it_carries() {
        // Both fit the reply buffer, which the cron halves where half is enough.
        let buffers = |version: u32| {
            let cache = cache("allkeys-lru", "redis", Capacity::Unbounded, 10_000);
            let mut cache = cache.serving(Settings::default(), Seed::new(1));
            let object = ObjectId::new(0);
            let at = |secs: u64| SimTime::from_nanos(secs * 1_000_000_000);
            assert_eq!(cache.set(object, entry(version), at(0)), Stored::Yes);
            // A buffer that is full doubles with every reply, until what it needed is forgotten.
            let mut most = 0;
            for secs in 1..30 {
                cache.get(object, at(secs));
                most = most.max(cache.breakdown().expect("the model tells the parts").clients);
            }
            cache.check();
            most
        };
        let (small, large) = (buffers(0), buffers(1));
        assert!(large > small + 10_000, "{small} and {large} bytes of buffers");
    }
}
