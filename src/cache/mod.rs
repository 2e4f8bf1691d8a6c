//! What is remembered: the Redis-like server between application and origin.
//!
//! One `Slot` per object of the trace; an entry is dead if and only if `now > expires_at`, strictly,
//! as in Redis: at the instant of its expiry it is still served. That boundary is written once, in
//! `Slot::is_live`.

mod bare;
pub mod by_use;
pub mod cluster;
pub mod command;
mod event;
pub mod eviction;
pub mod heap;
pub mod list;
pub mod memory;
pub mod reclaim;
pub mod redis;
mod residency;
pub mod segments;
mod slot;
mod write;

use std::sync::Arc;

pub use bare::Bare;
use command::FarEnds;
pub use event::{Happening, Persistence, Restart, ServerEvent, ShardLoss, TtlClock};
use eviction::EvictionPolicy;
use memory::MemoryModel;
use reclaim::Reclaim;
use redis::{Kind, Look, Needs, Server, Settings};
pub use residency::{Account, Held as HeldBytes, Residency};
pub use slot::Entry;
use slot::{Slot, State};

use crate::random::Seed;
use crate::trace::prefetch::{on_large_pages, prefetch};
use crate::trace::{Keys, ObjectId, Objects, Trace};
use crate::units::{Fraction, SimDuration, SimTime};

/// What the parts of a cache may know of the run when they are made.
#[derive(Debug, Clone)]
pub struct Setup {
    /// How many objects there can be.
    pub objects: usize,
    /// How much the cache may hold; what an entry weighs is measured in the same unit.
    pub capacity: Capacity,
    /// All requests of the run, the coming ones included: for oracles alone.
    pub trace: Arc<Trace>,
}

impl Setup {
    /// A setup without objects, to learn something about a part before there is a trace.
    pub fn nothing() -> Self {
        let objects = Objects::new(Vec::new(), Keys::Numbered, Vec::new());
        let trace = Arc::new(Trace::new(Vec::new(), Vec::new(), objects, SimDuration::ZERO));
        Self { objects: 0, capacity: Capacity::Unbounded, trace }
    }
}

/// Why a lookup found nothing: how the object's last stay in the cache ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub enum Cause {
    /// It had never been held.
    Cold,
    /// Its TTL ran out.
    Expired,
    /// It was evicted to make room, whether or not its TTL had run out by then.
    Evicted,
    /// It was deleted or purged.
    Invalidated,
    /// It was lost to a flush, a restart or the failure of a node.
    Lost,
}

/// How much the cache may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Capacity {
    /// Anything.
    Unbounded,
    /// This many bytes, by the memory model.
    Bytes(u64),
    /// This many entries.
    Objects(u64),
}

impl Capacity {
    /// The limit in its own unit; without one, more than anything weighs.
    pub fn limit(self) -> u64 {
        match self {
            Self::Unbounded => u64::MAX,
            Self::Bytes(limit) | Self::Objects(limit) => limit,
        }
    }

    /// A part of the limit, rounded to the nearest whole unit.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "float to integer casts saturate, and neither factor is negative"
    )]
    pub fn part(self, share: Fraction) -> u64 {
        (self.limit() as f64 * share.as_f64()).round() as u64
    }
}

/// What a lookup found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lookup {
    /// An entry that the cache still keeps.
    Held(Entry),
    /// Nothing.
    Absent(Cause),
}

/// What became of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stored {
    /// It is held.
    Yes,
    /// It is larger than the whole cache.
    TooLarge,
    /// Nothing could be evicted to make room.
    OutOfMemory,
    /// The eviction policy did not want it in the place of what is held; it was not sent.
    NotAdmitted,
    /// The server is down.
    Unreachable,
}

/// The cache of one simulation.
pub struct Cache {
    slots: Vec<Slot>,
    objects: Arc<Objects>,
    capacity: Capacity,
    eviction: Box<dyn EvictionPolicy>,
    reclaim: Box<dyn Reclaim>,
    memory: Box<dyn MemoryModel>,
    residency: Residency,
    stats: Stats,
    /// The server cannot be reached before this instant.
    down_until: SimTime,
    /// Since when TTLs stand still, while the server is down and they do.
    stopped: Option<SimTime>,
    /// A shard that cannot be reached.
    lost: event::Lost,
    /// The later of the two: from here on everything can be reached.
    trouble_until: SimTime,
    /// The inside of a Redis, where a policy or model needs it.
    server: Option<Box<Server>>,
    /// Ends that commands gave and that virtual time does not reach.
    far_ends: FarEnds,
}

/// Counts since the cache was made, by the names that INFO gives them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    /// Reads that found a live entry.
    pub keyspace_hits: u64,
    /// Reads that found none.
    pub keyspace_misses: u64,
    /// Entries removed because their TTL had run out, whoever noticed it.
    pub expired_keys: u64,
    /// Entries removed to make room, dead ones included.
    pub evicted_keys: u64,
}

impl Cache {
    /// An empty cache.
    pub fn new(
        objects: Arc<Objects>,
        capacity: Capacity,
        eviction: Box<dyn EvictionPolicy>,
        reclaim: Box<dyn Reclaim>,
        memory: Box<dyn MemoryModel>,
        residency: Residency,
    ) -> Self {
        let mut slots = on_large_pages(objects.len());
        slots.resize(objects.len(), Slot::EMPTY);
        let capacity = if eviction.ignores_capacity() { Capacity::Unbounded } else { capacity };
        let (down_until, stopped) = (SimTime::ZERO, None);
        let server = None;
        let stats = Stats::default();
        let cache = Self {
            slots,
            objects,
            capacity,
            eviction,
            reclaim,
            memory,
            residency,
            stats,
            down_until,
            stopped,
            lost: event::Lost::default(),
            trouble_until: SimTime::ZERO,
            server,
            far_ends: FarEnds::default(),
        };
        cache.serving(Settings::default(), Seed::new(0))
    }

    /// What its memory model counts beside entries; `None` where it counts nothing.
    pub fn counting(&self) -> Option<memory::Counting> {
        self.memory.counting()
    }

    /// The same, still empty, with other settings of its server and other chance; nothing changes where no
    /// policy or model needs one.
    #[must_use]
    pub fn serving(mut self, settings: Settings, seed: Seed) -> Self {
        let needs = Needs {
            commands: self.eviction.is_of_redis() || self.memory.counting().is_some(),
            sampled: self.eviction.sampled(),
            active: self.reclaim.is_active(),
            counting: self.memory.counting(),
        };
        if !needs.nothing() {
            let server = Box::new(Server::new(needs, settings, seed, &self.objects));
            self.reclaim.cover(server.each_key() * self.slots.len());
            self.server = Some(server);
            self.capacity = self.read_limit(self.capacity);
            self.note_overhead(SimTime::ZERO);
        }
        self
    }

    /// Asks for what is kept about `object`, which will be looked up soon.
    #[inline]
    pub fn prefetch(&self, object: ObjectId) {
        prefetch(&self.slots, object.index());
        self.objects.prefetch(object);
        if let Some(server) = &self.server {
            server.prefetch(object);
        }
        self.eviction.prefetch(object);
    }

    /// Asks for what a lookup of `object` will need beside what was asked for by [`Self::prefetch`] before.
    #[inline]
    pub fn prefetch_more(&self, object: ObjectId) {
        self.eviction.prefetch_more(object);
        if let Some(server) = &self.server {
            let slot = &self.slots[object.index()];
            if slot.state != State::Held || !slot.is_live(server.wake()) {
                // Nothing is there to be found, and so it will be stored.
                server.prefetch_place(object);
            }
        }
    }

    /// Looks an object up, as GET does: a dead entry is deleted and counts as expired, a live one is touched.
    /// Time must not go back between two calls of one cache.
    #[inline]
    pub fn get(&mut self, object: ObjectId, now: SimTime) -> Lookup {
        let slot = &self.slots[object.index()];
        let at_rest =
            self.server.as_ref().is_none_or(|server| server.is_at_rest(now) && self.is_within_limit());
        if !at_rest || slot.state != State::Held || !slot.is_live(now) || now < self.trouble_until {
            return self.look_up(object, now);
        }
        // Most lookups end here: a hit in a cache that has nothing else to do at a lookup.
        let entry = slot.entry();
        self.stats.keyspace_hits += 1;
        self.eviction.on_hit(object);
        if let Some(server) = &mut self.server {
            server.touched(object, now);
        }
        Lookup::Held(entry)
    }

    /// The whole of [`Self::get`].
    fn look_up(&mut self, object: ObjectId, now: SimTime) -> Lookup {
        if self.is_out_of_reach(object, now) {
            return Lookup::Absent(self.unreachable(object, now));
        }
        if self.server.is_some() {
            self.before_command(Kind::Get, object, &[], now);
        }
        self.read(object, now)
    }

    /// Reads a value, for a command that has begun.
    fn read(&mut self, object: ObjectId, now: SimTime) -> Lookup {
        let found = self.read_value(object, now);
        self.dated(found, object, now)
    }

    fn read_value(&mut self, object: ObjectId, now: SimTime) -> Lookup {
        if self.server.is_some() {
            self.step_tables(object, now);
        }
        if let Some(entry) = self.find(object, now) {
            self.stats.keyspace_hits += 1;
            self.eviction.on_hit(object);
            if let Some(server) = &mut self.server {
                server.touched(object, now);
                server.replied(object, entry.version);
            }
            return Lookup::Held(entry);
        }
        self.stats.keyspace_misses += 1;
        self.eviction.on_miss(object);
        match self.slots[object.index()].state {
            State::Absent(cause) => Lookup::Absent(cause),
            State::Held => unreachable!("a dead entry is deleted when it is found"),
        }
    }

    /// A command that changes nothing that is modelled here comes in beside the others, such as the PTTL of a key or the
    /// ZADD of an access: like any command it lets the server make room, needs its connection and, the first of its kind,
    /// a histogram. `more` are the lengths of its words behind the key. Whether it runs: one that takes memory is refused
    /// where there is none.
    pub fn asked(&mut self, kind: Kind, object: ObjectId, more: &[u64], now: SimTime) -> bool {
        if self.server.is_none() || self.is_out_of_reach(object, now) {
            return true;
        }
        self.before_command(kind, object, more, now) == redis::Room::Made || !kind.takes_memory()
    }

    /// The same for a command on the sorted set of access times that the application keeps, such as ZRANGE.
    pub fn asked_of_set(&mut self, kind: Kind, more: &[u64], now: SimTime) {
        if self.server.is_some() && !self.is_down(now) {
            self.before_set_command(kind, more, now);
        }
    }

    /// Reads as TTL and EXISTS do: it counts as a hit or a miss, but touches nothing.
    fn glance(&mut self, object: ObjectId, now: SimTime) -> Option<Entry> {
        self.look_in_tables(object, Look::Up, now);
        let found = self.find(object, now);
        self.stats.keyspace_hits += u64::from(found.is_some());
        self.stats.keyspace_misses += u64::from(found.is_none());
        found
    }

    /// Looks as a command does that writes: no hit and no miss, but a live entry is touched.
    fn look_to_write(&mut self, object: ObjectId, now: SimTime) -> Option<Entry> {
        self.look_in_tables(object, Look::Up, now);
        let found = self.find(object, now);
        if found.is_some() {
            self.eviction.on_write_lookup(object);
            if let Some(server) = &mut self.server {
                server.touched(object, now);
            }
        }
        found
    }

    /// The look at a key of a command that has begun: the live entry; a dead one is deleted and counts as expired.
    #[inline]
    fn find(&mut self, object: ObjectId, now: SimTime) -> Option<Entry> {
        if self.is_out_of_reach(object, now) {
            return None;
        }
        let slot = &self.slots[object.index()];
        if slot.state == State::Held && !slot.is_live(now) {
            if self.is_swept(object) {
                self.settle(object);
                return None;
            }
            // The reclaim model may have given it back already, at the instant of its expiry.
            self.reclaim_due(now);
            if self.slots[object.index()].state == State::Held {
                self.remove_value(object, Cause::Expired, now);
            }
            return None;
        }
        (slot.state == State::Held).then(|| slot.entry())
    }

    /// The live entry of an object, if there is one; nothing is touched.
    pub fn peek(&self, object: ObjectId, now: SimTime) -> Option<Entry> {
        let slot = &self.slots[object.index()];
        (slot.state == State::Held && slot.is_live(now) && !self.is_out_of_reach(object, now))
            .then(|| slot.entry())
    }

    /// The LFU counter of a live entry as it has decayed, as OBJECT FREQ tells it; nothing is touched. `None` where the
    /// policy keeps none.
    pub fn frequency(&self, object: ObjectId, now: SimTime) -> Option<u32> {
        self.peek(object, now)?;
        self.server.as_ref()?.frequency(object, now)
    }

    /// Whether the server cannot be reached at `now`.
    #[inline]
    pub fn is_down(&self, now: SimTime) -> bool {
        now < self.down_until
    }

    /// When the server that is down will be back.
    pub fn back_at(&self) -> SimTime {
        self.down_until
    }

    /// Bytes in use at `now`, those of dead entries included that have not been reclaimed by then.
    pub fn bytes_at(&mut self, now: SimTime) -> u64 {
        self.reclaim_due(now);
        self.bytes()
    }

    /// Bytes in use, those of dead entries included.
    pub fn bytes(&self) -> u64 {
        self.residency.in_use()
    }

    /// The server keeps a sorted set of so many bytes for the application from now on, where its memory is counted.
    pub fn keep_sorted_set(&mut self, bytes: u64, now: SimTime) {
        if let Some(server) = &mut self.server {
            server.keep_sorted_set(bytes);
            self.note_overhead(now);
        }
    }

    /// What is known of the objects that it can hold.
    pub fn objects(&self) -> &Objects {
        &self.objects
    }

    /// Entries held, dead ones included: values, as DBSIZE counts them where nothing lies beside them.
    pub fn entries(&self) -> u64 {
        self.residency.entries()
    }

    /// Where memory goes now, if the model counts as Redis does.
    pub fn breakdown(&self) -> Option<redis::Breakdown> {
        self.server.as_ref().and_then(|server| server.breakdown(&self.slots))
    }

    /// Counts since the cache was made.
    pub fn stats(&self) -> Stats {
        self.stats
    }

    /// Ends the run at `now`: what is still held is accounted for until then.
    pub fn finish(mut self, now: SimTime) -> Account {
        self.reclaim_due(now);
        self.settle_all();
        if cfg!(debug_assertions) {
            self.check();
        }
        for (index, slot) in self.slots.iter().enumerate() {
            if slot.state == State::Held {
                let cost = self.cost(ObjectId::from_index(index), &slot.entry());
                self.residency.still_held(&slot.entry(), cost, now);
            }
        }
        for (_, end, cost) in self.all_beside() {
            self.residency.ended_beside(end, cost, now);
        }
        let breakdown = self.breakdown();
        let rss_ratio = self.memory.counting().map(|counting| counting.rss_ratio);
        Account { breakdown, rss_ratio, ..self.residency.finish() }
    }

    /// Recomputes every counter from scratch.
    ///
    /// # Panics
    /// If the bookkeeping has drifted.
    pub fn check(&self) {
        let held = self.slots.iter().enumerate().filter(|(_, slot)| slot.state == State::Held);
        let (mut entries, mut bytes) = (0, 0);
        for (index, slot) in held.filter(|(index, _)| !self.is_swept(ObjectId::from_index(*index))) {
            entries += 1;
            bytes += self.cost(ObjectId::from_index(index), &slot.entry());
        }
        bytes += self.all_beside().iter().map(|(_, _, cost)| cost).sum::<u64>();
        assert_eq!(self.residency.entries(), entries, "entries held");
        assert_eq!(self.residency.bytes(), bytes, "bytes held");
        if let Some(server) = &self.server {
            server.check(&self.slots);
            assert_eq!(self.residency.in_use(), bytes + server.overhead(), "bytes in use");
            let whole = self.breakdown().map(|parts| parts.total());
            assert!(
                whole.is_none_or(|whole| whole == self.residency.in_use()),
                "the parts make up the whole"
            );
        }
        match self.capacity {
            // A server checks before it writes, and may end above its limit; what it must not evict stays.
            _ if self.runs_commands() => {}
            Capacity::Unbounded => {}
            Capacity::Bytes(limit) => assert!(bytes <= limit, "{bytes} bytes in {limit}"),
            Capacity::Objects(limit) => assert!(entries <= limit, "{entries} entries in {limit}"),
        }
        self.eviction.check(entries + self.unnoticed());
    }

    /// Removes what the reclaim model has given back by `now`; nothing while there is no server to do it.
    fn reclaim_due(&mut self, now: SimTime) {
        if self.is_down(now) {
            return;
        }
        if self.server.is_some() {
            self.serve_clock(now);
        }
        while let Some(object) = self.reclaim.due(now) {
            let Some(slot) = self.slots.get(object.index()) else {
                self.reclaim_beside(object, now);
                continue;
            };
            if slot.state != State::Held {
                continue;
            }
            if slot.is_live(now) {
                self.reclaim.on_armed(object, slot.expires_at);
            } else {
                // Reclaimed at the instant of its expiry, even if nobody looked until now.
                let expires_at = slot.expires_at;
                self.remove(object, Cause::Expired, expires_at);
            }
        }
    }
}
