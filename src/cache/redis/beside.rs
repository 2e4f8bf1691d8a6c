//! Keys beside values: what an application keeps of an object in a key of its own.
//!
//! To the server each is a key like any other: it stands at a place of its own in both tables, with a stamp and an end of
//! its own, is evicted and expires by itself, and takes memory. Only a policy of trace simulators, which knows objects and
//! no keys, takes a value and its deadline out together.

use super::bits::Bits;
use super::{Ends, Kind, Server, Slot, State};
use crate::cache::command::END;
use crate::cache::memory::{Counting, KeyBeside};
use crate::cache::write::TTL_DIGITS;
use crate::cache::{Cache, Cause, Entry, Lookup, redis::Room};
use crate::trace::{ObjectId, Objects};
use crate::units::{SimDuration, SimTime};

/// Lengths of the words behind the key of SET key deadline PX ttl.
const SETTING: [u64; 3] = [8, 2, 5];
/// And of SET key ticket NX PX ttl, with which a lock is taken.
const TAKING: [u64; 4] = [6, 2, 2, 5];
/// And beside the key of EVALSHA, with which it is given back: the script, one key, the ticket.
const GIVING_BACK: [u64; 3] = [40, 1, 6];

/// What a server answers to SET NX.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetAbsent {
    /// There was no such key; there is now.
    Taken,
    /// There is one.
    There,
    /// It has no room.
    Refused,
}

/// The keys of one kind.
#[derive(Debug)]
struct Kept {
    which: KeyBeside,
    there: Bits,
    /// By object, when its key ends.
    ends: Vec<SimTime>,
    /// By object, until when its deadline says that the value is fresh; empty for keys that say nothing.
    fresh_until: Vec<SimTime>,
}

/// Which keys are there beside those of values. In the tables they have the numbers behind those of the objects, kind
/// after kind.
#[derive(Debug)]
pub(super) struct KeysBeside {
    objects: usize,
    kinds: Vec<Kept>,
}

impl KeysBeside {
    /// None, of the kinds that are counted.
    pub(super) fn of(counting: Option<&Counting>, objects: &Objects) -> Self {
        let count = objects.len();
        let kept = |which: &KeyBeside| counting.is_some_and(|counting| counting.keeps(*which));
        let kinds = KeyBeside::ALL.into_iter().filter(kept).map(|which| Kept {
            which,
            there: Bits::of(count),
            ends: vec![SimTime::NEVER; count],
            fresh_until: vec![SimTime::NEVER; if which == KeyBeside::Deadline { count } else { 0 }],
        });
        Self { objects: count, kinds: kinds.collect() }
    }

    /// Whether keys of this kind are kept.
    #[inline]
    fn keeps(&self, which: KeyBeside) -> bool {
        self.kinds.iter().any(|kept| kept.which == which)
    }

    /// Keys of an object.
    pub(super) fn each(&self) -> usize {
        1 + self.kinds.len()
    }

    /// Of which kind a number is, and of which object; `None` for the key of a value.
    #[inline]
    fn place(&self, key: ObjectId) -> Option<(usize, ObjectId)> {
        let behind = key.index().checked_sub(self.objects)?;
        Some((behind / self.objects, ObjectId::from_index(behind % self.objects)))
    }

    /// Of which object a key is, and which it is beside its value.
    #[inline]
    pub(super) fn whose(&self, key: ObjectId) -> (ObjectId, Option<KeyBeside>) {
        match self.place(key) {
            None => (key, None),
            Some((kind, object)) => (object, Some(self.kinds[kind].which)),
        }
    }

    /// The end of the key with this number, which is not that of a value; `None` where it is not there.
    #[inline]
    pub(super) fn end(&self, key: ObjectId) -> Option<SimTime> {
        let (kind, object) = self.place(key)?;
        let kept = &self.kinds[kind];
        kept.there.contains(object).then(|| kept.ends[object.index()])
    }

    /// The end of a key that is there, that of a value or one beside it.
    #[inline]
    pub(super) fn end_among(&self, key: ObjectId, slots: &[Slot]) -> Option<SimTime> {
        match slots.get(key.index()) {
            Some(slot) => (slot.state == State::Held).then_some(slot.expires_at),
            None => self.end(key),
        }
    }

    /// The number of a key; `None` where none of its kind are kept.
    #[inline]
    fn number(&self, object: ObjectId, which: KeyBeside) -> Option<ObjectId> {
        let kind = self.kinds.iter().position(|kept| kept.which == which)?;
        Some(ObjectId::from_index((1 + kind) * self.objects + object.index()))
    }

    /// A key is there from now on, or ends at another instant.
    pub(super) fn set(&mut self, key: ObjectId, end: SimTime) {
        if let Some((kind, object)) = self.place(key) {
            let kept = &mut self.kinds[kind];
            kept.there.insert(object);
            kept.ends[object.index()] = end;
        }
    }

    /// A key is gone.
    fn remove(&mut self, key: ObjectId) {
        if let Some((kind, object)) = self.place(key) {
            self.kinds[kind].there.remove(object);
        }
    }

    /// The numbers of all that are there.
    pub(super) fn all(&self) -> Vec<ObjectId> {
        let numbers = |(kind, kept): (usize, &Kept)| {
            let first = (1 + kind) * self.objects;
            kept.there
                .iter()
                .map(move |object| ObjectId::from_index(first + object.index()))
                .collect::<Vec<_>>()
        };
        self.kinds.iter().enumerate().flat_map(numbers).collect()
    }
}

impl Server {
    /// Keys of an object, with that of its value.
    pub(in crate::cache) fn each_key(&self) -> usize {
        self.beside.each()
    }

    /// Of which object a key is, and which it is beside its value.
    #[inline]
    pub(super) fn whose(&self, key: ObjectId) -> (ObjectId, Option<KeyBeside>) {
        self.beside.whose(key)
    }

    /// # Panics
    /// If a key beside a value stands in no table, or one that is not there stands in any.
    pub(super) fn check_beside(&self) {
        for kept in &self.beside.kinds {
            for object in (0..self.beside.objects).map(ObjectId::from_index) {
                let Some(key) = self.beside.number(object, kept.which) else { continue };
                let end = self.beside.end(key);
                let what = kept.which;
                assert_eq!(
                    self.dict.contains(key, &self.keys),
                    end.is_some(),
                    "{what:?} of {object:?} among all keys"
                );
                assert_eq!(
                    self.expires.contains(key, &self.keys),
                    end.is_some_and(|end| end != SimTime::NEVER),
                    "{what:?} of {object:?} among the keys with a TTL"
                );
            }
        }
    }
}

impl Cache {
    /// The number and the end of a key that is there.
    #[inline]
    fn beside(&self, object: ObjectId, which: KeyBeside) -> Option<(ObjectId, SimTime)> {
        let beside = &self.server.as_ref()?.beside;
        let key = beside.number(object, which)?;
        Some((key, beside.end(key)?))
    }

    /// Whether keys of this kind are kept.
    #[inline]
    fn keeps(&self, which: KeyBeside) -> bool {
        self.server.as_ref().is_some_and(|server| server.beside.keeps(which))
    }

    /// Whether the keys of a guard are kept.
    pub fn keeps_guards(&self) -> bool {
        self.keeps(KeyBeside::Guard)
    }

    /// Bytes of a key beside a value.
    fn cost_beside(&self, object: ObjectId, which: KeyBeside, end: SimTime) -> u64 {
        let key = self.objects.key_len(object);
        self.memory.counting().map_or(0, |counting| counting.beside(which, key, end != SimTime::NEVER))
    }

    /// Bytes that an entry takes for a policy that knows no keys: of its value, and of the deadline beside it.
    #[inline]
    pub(in crate::cache) fn cost_of_pair(&self, object: ObjectId, cost: u64, end: SimTime) -> u64 {
        cost + if self.keeps(KeyBeside::Deadline) {
            self.cost_beside(object, KeyBeside::Deadline, end)
        } else {
            0
        }
    }

    /// Each key that is there beside a value, as its number, its end and its bytes.
    pub(in crate::cache) fn all_beside(&self) -> Vec<(ObjectId, SimTime, u64)> {
        let Some(server) = &self.server else { return Vec::new() };
        let each = |key: ObjectId| {
            let (end, (object, which)) = (server.beside.end(key)?, server.whose(key));
            Some((key, end, self.cost_beside(object, which?, end)))
        };
        server.beside.all().into_iter().filter_map(each).collect()
    }

    /// A GET of the deadline beside a value, sent with that of the value itself, if there are deadlines: what was found, as
    /// fresh as the deadline says, and nothing where that is gone, for nobody knows whether a value without it is fresh.
    #[inline]
    pub(in crate::cache) fn dated(&mut self, found: Lookup, object: ObjectId, now: SimTime) -> Lookup {
        if !self.keeps(KeyBeside::Deadline) {
            return found;
        }
        let is_there = self.look_beside(object, KeyBeside::Deadline, now);
        match found {
            Lookup::Held(entry) if is_there => Lookup::Held(self.as_fresh_as_told(object, entry)),
            // Both end together, so that the one that is missing was evicted, or refused by a server that was full.
            Lookup::Held(_) => Lookup::Absent(Cause::Evicted),
            Lookup::Absent(_) => found,
        }
    }

    /// An entry that is as fresh as the deadline beside it says: one of them may have been written, and the other refused.
    fn as_fresh_as_told(&self, object: ObjectId, entry: Entry) -> Entry {
        let kinds = self.server.as_ref().map_or(&[][..], |server| &server.beside.kinds);
        let told = kinds.iter().find_map(|kept| kept.fresh_until.get(object.index()));
        Entry { fresh_until: told.copied().unwrap_or(entry.fresh_until), ..entry }
    }

    /// The look of a command at a key beside a value: whether it is there, and then it is touched; a dead one is deleted and
    /// counts as expired.
    fn look_beside(&mut self, object: ObjectId, which: KeyBeside, now: SimTime) -> bool {
        let there = self.beside(object, which);
        if let Some(server) = &mut self.server
            && server.is_moving()
        {
            server.step_lookup(there.is_some(), there.is_some_and(|(_, end)| end != SimTime::NEVER));
            self.note_overhead(now);
        }
        let Some((key, end)) = there else { return false };
        if end < now {
            self.remove_key_beside(key, Cause::Expired, now);
            return false;
        }
        if let Some(server) = &mut self.server {
            server.touched(key, now);
        }
        true
    }

    /// SET of the deadline beside a value, with that of the value, if there are deadlines; whether the server had room.
    pub(in crate::cache) fn set_deadline(
        &mut self,
        object: ObjectId,
        fresh_until: SimTime,
        end: SimTime,
        now: SimTime,
    ) -> Room {
        self.write_deadline(object, fresh_until, end, false, now)
    }

    /// SET XX of it, with the PEXPIRE of its value: where it is gone it stays so.
    pub(in crate::cache) fn move_deadline(
        &mut self,
        object: ObjectId,
        fresh_until: SimTime,
        end: SimTime,
        now: SimTime,
    ) {
        self.write_deadline(object, fresh_until, end, true, now);
    }

    fn write_deadline(
        &mut self,
        object: ObjectId,
        fresh_until: SimTime,
        end: SimTime,
        only_over: bool,
        now: SimTime,
    ) -> Room {
        const WHICH: KeyBeside = KeyBeside::Deadline;
        if !self.keeps(WHICH) {
            return Room::Made;
        }
        if self.check_beside_command(Kind::Set, object, WHICH, &SETTING, now) == Room::None {
            return Room::None;
        }
        let end = end.max(now);
        if self.look_beside(object, WHICH, now) {
            self.arm_beside(object, WHICH, end, Ends::Replaced, now);
        } else if only_over {
            return Room::Made;
        } else {
            self.fill_beside(object, WHICH, end, now);
        }
        let kinds = self.server.as_mut().map_or(&mut [][..], |server| &mut server.beside.kinds);
        if let Some(told) = kinds.iter_mut().find_map(|kept| kept.fresh_until.get_mut(object.index())) {
            *told = fresh_until;
        }
        Room::Made
    }

    /// SET NX of the key with which a guard lets one fetch, until `end`; `None` where no such keys are kept, and only the
    /// command comes in.
    pub fn set_absent(&mut self, object: ObjectId, end: SimTime, now: SimTime) -> Option<SetAbsent> {
        self.server.as_ref()?;
        let room = self.check_beside_command(Kind::Set, object, KeyBeside::Guard, &TAKING, now);
        if !self.keeps(KeyBeside::Guard) {
            return None;
        }
        Some(if room == Room::None {
            SetAbsent::Refused
        } else if self.look_beside(object, KeyBeside::Guard, now) {
            SetAbsent::There
        } else {
            self.fill_beside(object, KeyBeside::Guard, end, now);
            SetAbsent::Taken
        })
    }

    /// EVALSHA, which reads that key and deletes it if it is still that of its holder.
    pub fn give_back(&mut self, object: ObjectId, is_holder: bool, now: SimTime) {
        if self.server.is_none() || self.is_out_of_reach(object, now) {
            return;
        }
        self.check_beside_command(Kind::EvalSha, object, KeyBeside::Guard, &GIVING_BACK, now);
        if !self.keeps(KeyBeside::Guard) {
            return;
        }
        if self.look_beside(object, KeyBeside::Guard, now) && is_holder {
            self.remove_beside(object, KeyBeside::Guard, Cause::Invalidated, now);
        }
    }

    /// PEXPIRE of that key, with which its holder prolongs it, whoever holds it by now; whether the server could be asked.
    pub fn prolong(&mut self, object: ObjectId, end: SimTime, now: SimTime) -> bool {
        if self.is_out_of_reach(object, now) {
            return false;
        }
        self.check_beside_command(Kind::PExpire, object, KeyBeside::Guard, &[TTL_DIGITS], now);
        if self.look_beside(object, KeyBeside::Guard, now) {
            self.arm_beside(object, KeyBeside::Guard, end, Ends::Moved, now);
        }
        true
    }

    /// A command comes in that names a key beside a value.
    fn check_beside_command(
        &mut self,
        kind: Kind,
        object: ObjectId,
        which: KeyBeside,
        more: &[u64],
        now: SimTime,
    ) -> Room {
        let key = which.name_len(self.objects.key_len(object));
        self.serve_clock(now);
        if self.runs_commands() { self.check_command(kind, key, more, now) } else { Room::Made }
    }

    /// Writes a key beside a value that is not there, and for which there is room.
    fn fill_beside(&mut self, object: ObjectId, which: KeyBeside, end: SimTime, now: SimTime) {
        let (cost, room) = (self.cost_beside(object, which, end), self.room_for_tables());
        self.residency.stored_beside(cost, now);
        if let Some(server) = &mut self.server
            && let Some(key) = server.beside.number(object, which)
        {
            server.beside.set(key, end);
            server.stored(key, end, Ends::Replaced, now, room);
            self.reclaim.on_armed(key, end);
        }
        self.note_overhead(now);
    }

    /// A key that is there gets another end, or loses it.
    fn arm_beside(&mut self, object: ObjectId, which: KeyBeside, end: SimTime, ends: Ends, now: SimTime) {
        let Some((key, before)) = self.beside(object, which) else { return };
        let cost = |end| self.cost_beside(object, which, end);
        let (old, new, room) = (cost(before), cost(end), self.room_for_tables());
        self.residency.recosted(old, new, now);
        if let Some(server) = &mut self.server {
            server.beside.set(key, end);
            server.armed(key, before != SimTime::NEVER, ends, end, room);
        }
        self.reclaim.on_armed(key, end);
        self.note_overhead(now);
    }

    /// The TTLs of deadlines stood still for so long, as those of their values did.
    pub(in crate::cache) fn postpone_deadlines(&mut self, by: SimDuration, now: SimTime) {
        if !self.keeps(KeyBeside::Deadline) {
            return;
        }
        for object in (0..self.slots.len()).map(ObjectId::from_index) {
            let there = self.beside(object, KeyBeside::Deadline);
            if let Some((_, end)) = there.filter(|(_, end)| *end != SimTime::NEVER) {
                self.arm_beside(object, KeyBeside::Deadline, (end + by).min(END), Ends::Moved, now);
            }
        }
    }

    /// An application deletes a key beside a value, if it is there; a dead one counts as expired.
    pub(in crate::cache) fn delete_beside(&mut self, object: ObjectId, which: KeyBeside, now: SimTime) {
        let Some((key, end)) = self.beside(object, which) else { return };
        self.remove_key_beside(key, if end < now { Cause::Expired } else { Cause::Invalidated }, now);
    }

    /// The end that was set for the key of this number, which is not that of a value, has come: it leaves if it is over.
    pub(in crate::cache) fn reclaim_beside(&mut self, key: ObjectId, now: SimTime) {
        match self.server.as_ref().and_then(|server| server.beside.end(key)) {
            Some(end) if end < now => self.remove_key_beside(key, Cause::Expired, end),
            Some(end) => self.reclaim.on_armed(key, end),
            None => {}
        }
    }

    /// Whether the end of the key with this number, which is not that of a value, is over.
    pub(super) fn is_dead_beside(&self, key: ObjectId, now: SimTime) -> bool {
        self.server.as_ref().and_then(|server| server.beside.end(key)).is_some_and(|end| end < now)
    }

    /// Takes a key beside a value out, if it is there.
    #[inline]
    pub(in crate::cache) fn remove_beside(
        &mut self,
        object: ObjectId,
        which: KeyBeside,
        cause: Cause,
        now: SimTime,
    ) {
        if let Some((key, _)) = self.beside(object, which) {
            self.remove_key_beside(key, cause, now);
        }
    }

    /// The same by its number.
    pub(in crate::cache) fn remove_key_beside(&mut self, key: ObjectId, cause: Cause, now: SimTime) {
        let Some(server) = &mut self.server else { return };
        let (Some(end), (object, Some(which))) = (server.beside.end(key), server.whose(key)) else { return };
        server.beside.remove(key);
        server.left(key, end != SimTime::NEVER);
        let cost = self.cost_beside(object, which, end);
        self.residency.left_beside(end, cost, cause, now);
        self.stats.expired_keys += u64::from(cause == Cause::Expired);
        self.note_overhead(now);
    }

    /// Takes a key out that the sweep has found dead, or that leaves to make room.
    pub(super) fn remove_key(&mut self, key: ObjectId, cause: Cause, now: SimTime) {
        self.stats.evicted_keys += u64::from(cause == Cause::Evicted);
        let of_redis = self.server.as_ref().is_some_and(|server| server.needs.sampled.is_some());
        if key.index() >= self.slots.len() {
            self.remove_key_beside(key, cause, now);
        } else if cause == Cause::Evicted && !of_redis {
            self.remove(key, cause, now);
        } else {
            self.remove_value(key, cause, now);
        }
    }
}
