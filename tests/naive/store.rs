//! The cache: a list of entries, walked through from end to end.

use std::collections::{BTreeMap, BTreeSet};

use super::{Capacity, Cause, Eviction, Reclaim, Totals};

/// What the application stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Value {
    /// When it was written.
    pub(crate) stored_at: u64,
    /// The last instant at which it is fresh.
    pub(crate) fresh_until: u64,
    /// The last instant at which it is there at all.
    pub(crate) live_until: u64,
    /// How often the object had changed when the origin began to serve it.
    pub(crate) version: usize,
}

/// A value in the cache.
struct Entry {
    object: usize,
    /// When there was room made for it.
    came_at: u64,
    value: Value,
}

/// The cache and its accounts.
pub(crate) struct Store<'a> {
    pub(crate) sizes: &'a [u64],
    pub(crate) capacity: Capacity,
    pub(crate) eviction: Eviction,
    pub(crate) reclaim: Reclaim,
    /// Before this instant it cannot be reached.
    pub(crate) down_until: u64,
    /// Whether it has ended and not come back: nobody is there who could bury anything.
    pub(super) away: bool,
    /// Since when TTLs stand still, while it is away and they do.
    pub(super) stopped: Option<u64>,
    /// Keys that cannot be reached before an instant, though the others can.
    pub(super) lost_until: u64,
    pub(super) lost: BTreeSet<usize>,
    /// The first is the next to be evicted.
    entries: Vec<Entry>,
    /// For each object that was in the cache and left it, why it left last.
    why_gone: BTreeMap<usize, Cause>,
    /// Whether stays are counted, because the run has an end.
    counts_stays: bool,
    pub(crate) totals: Totals,
}

impl<'a> Store<'a> {
    pub(crate) fn new(
        sizes: &'a [u64],
        (capacity, eviction, reclaim): (Capacity, Eviction, Reclaim),
        counts_stays: bool,
    ) -> Self {
        let (entries, why_gone, totals) = (Vec::new(), BTreeMap::new(), Totals::default());
        Self {
            sizes,
            capacity,
            eviction,
            reclaim,
            down_until: 0,
            away: false,
            stopped: None,
            lost_until: 0,
            lost: BTreeSet::new(),
            entries,
            why_gone,
            counts_stays,
            totals,
        }
    }

    /// Under eager reclaim, removes what is dead at `now`.
    pub(crate) fn bury(&mut self, now: u64) {
        if self.reclaim == Reclaim::Eager && !self.away {
            while let Some(dead) = self.entries.iter().position(|entry| now > entry.value.live_until) {
                // It left as soon as it was dead, whoever came when.
                self.leave(dead, Cause::Expired, self.entries[dead].value.live_until);
            }
        }
    }

    pub(super) fn leave(&mut self, place: usize, cause: Cause, when: u64) {
        let entry = self.entries.remove(place);
        self.count_stay(&entry, when);
        self.why_gone.insert(entry.object, cause);
        match cause {
            Cause::Evicted => self.totals.evicted += 1,
            Cause::Expired => self.totals.expired += 1,
            Cause::Cold | Cause::Lost | Cause::Invalidated => {}
        }
    }

    fn count_stay(&mut self, entry: &Entry, until: u64) {
        if self.counts_stays {
            let stay = u128::from(until - entry.came_at);
            self.totals.entry_ticks += stay;
            self.totals.byte_ticks += u128::from(self.sizes[entry.object]) * stay;
        }
    }

    /// A read: a dead value is deleted, a live one has been used.
    pub(crate) fn get(&mut self, object: usize, now: u64) -> Result<Value, Cause> {
        match self.place_of(object) {
            None => Err(self.why_gone.get(&object).copied().unwrap_or(Cause::Cold)),
            Some(there) if self.is_away(object, now) => {
                // It is there, but not to be had.
                let live = self.stopped.unwrap_or(now) <= self.entries[there].value.live_until;
                Err(if live { Cause::Lost } else { Cause::Expired })
            }
            Some(dead) if now > self.entries[dead].value.live_until => {
                self.leave(dead, Cause::Expired, now);
                Err(Cause::Expired)
            }
            Some(place) => {
                let value = self.entries[place].value;
                self.used(place);
                Ok(value)
            }
        }
    }

    /// The live value, if there is one; nothing is used.
    pub(crate) fn peek(&self, object: usize, now: u64) -> Option<Value> {
        let there = self.place_of(object).filter(|_| !self.is_away(object, now));
        there.map(|place| self.entries[place].value).filter(|value| now <= value.live_until)
    }

    /// A write; whether it did its work, if it was sent at all.
    pub(crate) fn set(&mut self, object: usize, value: Value) -> Option<bool> {
        let now = value.stored_at;
        if self.is_away(object, now) {
            return None;
        }
        // A server that evicts nothing looks at its memory before it looks for the key, and so counts what is written over.
        if self.eviction == Eviction::Never
            && !self.has_room(self.bytes(), self.entries.len(), self.sizes[object])
        {
            self.totals.out_of_memory += 1;
            return Some(false);
        }
        self.put(object, value)
    }

    /// A new deadline for a value that is there, which needs no room; told as by a write.
    pub(crate) fn confirm(&mut self, object: usize, value: Value) -> Option<bool> {
        if self.is_away(object, value.stored_at) { None } else { self.put(object, value) }
    }

    fn put(&mut self, object: usize, value: Value) -> Option<bool> {
        let now = value.stored_at;
        self.delete_dead(object, now);
        if let Some(place) = self.place_of(object) {
            self.entries[place].value = value;
            self.used(place);
        } else if self.make_room(self.sizes[object], now) {
            self.entries.push(Entry { object, came_at: now, value });
        } else {
            // What is larger than all there is need not be sent to be refused.
            return None;
        }
        self.totals.peak_bytes = self.totals.peak_bytes.max(self.bytes());
        Some(true)
    }

    /// A command that writes deletes a dead value first, which then leaves its place.
    fn delete_dead(&mut self, object: usize, now: u64) {
        if let Some(dead) = self.place_of(object)
            && now > self.entries[dead].value.live_until
        {
            self.leave(dead, Cause::Expired, now);
        }
    }

    /// Moves both deadlines of a value.
    pub(crate) fn expire(&mut self, object: usize, fresh_until: u64, live_until: u64, now: u64) {
        self.delete_dead(object, now);
        if let Some(place) = self.place_of(object) {
            let value = &mut self.entries[place].value;
            (value.fresh_until, value.live_until) = (fresh_until, live_until);
        }
    }

    /// A deletion by the application, for this cause.
    pub(crate) fn unlink(&mut self, object: usize, cause: Cause, now: u64) {
        if let Some(place) = self.place_of(object) {
            let live = now <= self.entries[place].value.live_until;
            self.leave(place, if live { cause } else { Cause::Expired }, now);
        }
    }

    /// Whether a key cannot be reached.
    pub(super) fn is_away(&self, object: usize, now: u64) -> bool {
        now < self.down_until || (now < self.lost_until && self.lost.contains(&object))
    }

    /// The keys of these objects are gone.
    pub(super) fn lose(&mut self, objects: &BTreeSet<usize>, now: u64) {
        while let Some(place) = self.entries.iter().position(|entry| objects.contains(&entry.object)) {
            self.leave(place, Cause::Lost, now);
        }
    }

    /// TTLs that stood still for a while go on; a deadline of the application's own does not move.
    pub(super) fn postpone(&mut self, by: u64) {
        for Entry { value, .. } in &mut self.entries {
            let Value { fresh_until, live_until, .. } = *value;
            if live_until != u64::MAX {
                value.live_until = live_until + by;
                value.fresh_until = if fresh_until == live_until { value.live_until } else { fresh_until };
            }
        }
    }

    /// Evicts until what is there fits a lower limit.
    pub(super) fn shrink(&mut self, now: u64) {
        while !self.keeps_to_limit() {
            self.leave(0, Cause::Evicted, now);
        }
    }

    fn keeps_to_limit(&self) -> bool {
        match self.capacity {
            Capacity::Unbounded => true,
            Capacity::Bytes(0) if self.eviction == Eviction::Never => true,
            Capacity::Bytes(most) => self.bytes() <= most,
            Capacity::Objects(most) => self.entries.len() as u64 <= most,
        }
    }

    /// Whether a command that may take memory is refused, though it brings no value: nothing is evicted, and the limit was
    /// lowered below what is there.
    pub(super) fn refuses(&self) -> bool {
        self.eviction == Eviction::Never && !self.keeps_to_limit()
    }

    /// The dead are not loaded again: they are gone because they expired, and nobody counts them.
    pub(super) fn forget_the_dead(&mut self, now: u64) {
        while let Some(dead) = self.entries.iter().position(|entry| now > entry.value.live_until) {
            let object = self.entries[dead].object;
            self.leave(dead, Cause::Lost, now);
            self.why_gone.insert(object, Cause::Expired);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether one more entry of `size` bytes fits beside so many.
    fn has_room(&self, bytes: u64, entries: usize, size: u64) -> bool {
        match self.capacity {
            Capacity::Unbounded => true,
            // A server takes 0 for no limit.
            Capacity::Bytes(0) if self.eviction == Eviction::Never => true,
            Capacity::Bytes(most) => bytes + size <= most,
            Capacity::Objects(most) => (entries as u64) < most,
        }
    }

    /// Evicts until `size` more bytes and one more entry fit; says whether they do.
    fn make_room(&mut self, size: u64, now: u64) -> bool {
        if !self.has_room(0, 0, size) {
            return false;
        }
        while !self.has_room(self.bytes(), self.entries.len(), size) {
            self.leave(0, Cause::Evicted, now);
        }
        true
    }

    /// Notes that an entry was read or written again.
    fn used(&mut self, place: usize) {
        if self.eviction == Eviction::Lru {
            let entry = self.entries.remove(place);
            self.entries.push(entry);
        }
    }

    fn place_of(&self, object: usize) -> Option<usize> {
        self.entries.iter().position(|entry| entry.object == object)
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.entries.iter().map(|entry| self.sizes[entry.object]).sum()
    }

    /// Closes the accounts.
    pub(crate) fn finish(&mut self, end: Option<u64>) {
        self.bury(end.unwrap_or(0));
        self.totals.resident_entries = self.entries.len();
        self.totals.resident_bytes = self.bytes();
        if let Some(end) = end {
            for entry in std::mem::take(&mut self.entries) {
                self.count_stay(&entry, end);
                self.entries.push(entry);
            }
        }
    }
}
