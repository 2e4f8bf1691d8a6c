//! The inside of a Redis 7.0 server, as far as it changes hit ratio, memory or expiry.
//!
//! Built only for a cache whose eviction policy samples as Redis does, whose dead entries are
//! reclaimed by the active cycle, or whose memory is counted as Redis counts it. Time inside the
//! server is virtual: the cron ticks `hz` times a second from the beginning of the run, and what
//! limits its work is a declared cost of each deletion and visited bucket.

mod beside;
mod bits;
mod clients;
mod cron;
mod dict;
mod drawn;
mod expires;
mod expiry;
mod footprint;
mod foreseen;
mod keys;
mod kind;
mod pool;
mod rank;
mod restart;
mod room;
mod rows;
mod settings;
mod steps;
mod store;
mod swept;
mod table;
mod tallies;

pub use beside::SetAbsent;
pub use footprint::{Breakdown, Build};
pub use kind::{Kind, Kinds};
pub(super) use room::Room;
pub use settings::{LruClock, Settings};
pub(super) use steps::Look;

use std::sync::Arc;

use beside::KeysBeside;
use clients::Clients;
use dict::Dict;
use drawn::Ahead;
use expires::Expires;
use expiry::Expiry;
use keys::Keys;
use pool::Pool;
use swept::Swept;

use super::eviction::sampled::{Rank, Sampled};
use super::memory::Counting;
use super::{Slot, State};
use crate::origin::Version;
use crate::random::{Seed, Stream};
use crate::trace::{ObjectId, Objects};
use crate::units::SimTime;

/// What a cache asks of its server.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Needs {
    /// Commands that run as Redis runs them, checks of memory included.
    pub(super) commands: bool,
    /// Eviction by sampling.
    pub(super) sampled: Option<Sampled>,
    /// The active expiry cycle.
    pub(super) active: bool,
    /// Memory as Redis counts it.
    pub(super) counting: Option<Counting>,
}

impl Needs {
    /// Whether no server is needed at all.
    pub(super) fn nothing(&self) -> bool {
        !self.commands && self.sampled.is_none() && !self.active && self.counting.is_none()
    }
}

/// What a command does to the end of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ends {
    /// SET: that of the old value goes, and that of the new one stands first in its bucket.
    Replaced,
    /// SET with KEEPTTL: it stays what it is, where it stands.
    Kept,
    /// EXPIRE, PERSIST: it changes where it stands, or goes, and the value stays.
    Moved,
}

/// Memory that is counted beside the entries.
#[derive(Debug)]
struct Overhead {
    counting: Counting,
    clients: Clients,
    /// Which kinds of commands were run: the first of each allocates a histogram.
    ran: Kinds,
    /// Bytes of a sorted set that the application keeps.
    sorted_set: u64,
}

impl Counting {
    /// Bytes that are in use whatever is held: the empty server, its connections at work and the histograms of GET
    /// and SET.
    pub fn without_entries(&self) -> u64 {
        self.without_connections() + Clients::at_work(self.clients)
    }

    /// The same while one connection is at work and the others are at rest: no command finds less in use.
    pub fn without_entries_at_rest(&self) -> u64 {
        let others = self.clients.saturating_sub(1);
        self.without_connections() + Clients::at_work(self.clients - others) + Clients::at_rest(others)
    }

    fn without_connections(&self) -> u64 {
        let histograms = if self.latency_tracking { 2 * footprint::HISTOGRAM } else { 0 };
        self.build.startup() + histograms
    }

    /// What the histogram of one kind of command takes.
    pub fn histogram(&self) -> u64 {
        if self.latency_tracking { footprint::HISTOGRAM } else { 0 }
    }

    /// How much more than one that has just been started a server has in use that uses so many bytes beside its
    /// connections.
    pub fn beyond_start(&self, bytes: u64) -> i64 {
        bytes.cast_signed() - self.build.startup().cast_signed()
    }
}

/// The state of a server.
#[derive(Debug)]
pub(super) struct Server {
    settings: Settings,
    seed: Seed,
    needs: Needs,
    objects: Arc<Objects>,
    /// What is kept of each key, by object; made at the first store.
    keys: Keys,
    /// What the application keeps in keys beside values.
    beside: KeysBeside,
    /// All keys; empty where nothing needs them.
    dict: Dict<false>,
    /// The keys with a TTL.
    expires: Expires,
    /// The LRU clock as the cron last read it.
    clock: u32,
    /// When the cron ticks next.
    tick: SimTime,
    /// Nothing is done by the clock before this instant.
    wake: SimTime,
    /// The next samples.
    ahead: Ahead,
    pool: Pool,
    random: Stream,
    expiry: Expiry,
    swept: Swept,
    overhead: Option<Overhead>,
    /// Bytes of the command that is being run.
    in_flight: u64,
    /// Since when an eviction that hit its time limit waits to go on.
    pending: Option<SimTime>,
    /// How often the server has been started.
    starts: u64,
    /// Of this process, for the hashes of its keys.
    hashing: Seed,
    scratch: Vec<ObjectId>,
}

impl Server {
    /// A server that has just been started, with all its connections: its `hz` is the effective one.
    pub(super) fn new(needs: Needs, settings: Settings, seed: Seed, objects: &Arc<Objects>) -> Self {
        let clients = needs.counting.map_or(0, |counting| counting.clients);
        let settings = Settings { hz: settings.effective_hz(clients), ..settings };
        let overhead = needs.counting.map(|counting| Overhead {
            counting,
            clients: Clients::new(counting.build, settings, counting.clients),
            ran: Kinds::default(),
            sorted_set: 0,
        });
        Self {
            settings,
            seed,
            needs,
            objects: Arc::clone(objects),
            keys: Keys::default(),
            beside: KeysBeside::of(needs.counting.as_ref(), objects),
            dict: Dict::new(needs.sampled.is_some_and(|sampled| !sampled.volatile)),
            expires: Expires::new(needs.active || needs.sampled.is_some_and(|sampled| sampled.volatile)),
            clock: rank::lru_clock(&settings, SimTime::ZERO),
            tick: SimTime::from_nanos(settings.cron_phase.as_nanos() % settings.tick().as_nanos()),
            wake: SimTime::ZERO,
            ahead: Ahead::default(),
            pool: Pool::default(),
            random: seed.of("sampling").stream(),
            expiry: Expiry::default(),
            swept: Swept::default(),
            overhead,
            in_flight: 0,
            pending: None,
            starts: 0,
            hashing: seed.of("hash").nth(0),
            scratch: Vec::new(),
        }
    }

    /// Whether commands run as Redis runs them, checks of memory included.
    pub(super) fn runs_commands(&self) -> bool {
        self.needs.commands
    }

    /// Bytes of everything but entries, where memory is counted so.
    pub(super) fn overhead(&self) -> u64 {
        let Some(overhead) = &self.overhead else { return 0 };
        self.fixed() + overhead.clients.bytes() + overhead.sorted_set + self.tables()
    }

    /// Bytes of connections among them.
    pub(super) fn of_clients(&self) -> u64 {
        self.overhead.as_ref().map_or(0, |overhead| overhead.clients.bytes())
    }

    /// A sorted set that the application keeps takes so many bytes from now on.
    pub(super) fn keep_sorted_set(&mut self, bytes: u64) {
        if let Some(overhead) = &mut self.overhead {
            overhead.sorted_set = bytes;
        }
    }

    fn fixed(&self) -> u64 {
        let Some(Overhead { counting, ran, .. }) = &self.overhead else { return 0 };
        let new = ran.count_beyond(self.settings.ran_before);
        let histograms = if counting.latency_tracking { new * footprint::HISTOGRAM } else { 0 };
        (counting.build.startup() + histograms).saturating_add_signed(self.settings.in_use_before)
    }

    fn tables(&self) -> u64 {
        Self::bytes_of(self.dict.buckets()) + Self::bytes_of(self.expires.buckets())
    }

    /// Bytes of the tables where they count, 0 elsewhere.
    fn counted_tables(&self) -> u64 {
        if self.overhead.is_some() { self.tables() } else { 0 }
    }

    /// Bytes of a table and of the one that keys move to.
    fn bytes_of([old, new]: [usize; 2]) -> u64 {
        (8 * (old + new)) as u64
    }

    /// Asks for what is kept about `object`, which will be needed soon.
    #[inline]
    pub(super) fn prefetch(&self, object: ObjectId) {
        self.keys.prefetch(object.index());
    }

    /// Asks for the place that a key will probably get among those with a TTL, if the server knows its hash.
    #[inline]
    pub(super) fn prefetch_place(&self, object: ObjectId) {
        let hash = self.keys.hash(object);
        if hash != 0 {
            self.ask_for_place(hash);
        }
    }

    #[inline]
    fn ask_for_place(&self, hash: u32) {
        if let Some(rows) = self.expires.rows() {
            rows.ask_for(hash);
        }
        if let Some(rows) = self.dict.rows() {
            rows.ask_for(hash);
        }
    }

    /// Until when the clock brings nothing.
    #[inline]
    pub(super) fn wake(&self) -> SimTime {
        self.wake
    }

    /// A key is looked up by a read; `held` says whether it is there.
    #[inline]
    pub(super) fn looked_up(&mut self, object: ObjectId, held: bool, has_ttl: bool) {
        if self.is_moving() {
            self.step_lookup(held, has_ttl);
        }
        if !held {
            // What is not there is probably stored next.
            self.hash(object);
            self.ask_for_place(self.keys.hash(object));
        }
    }

    /// Whether a read now is nothing but a look at a slot, as long as what is held keeps to its limit.
    #[inline]
    pub(super) fn is_at_rest(&self, now: SimTime) -> bool {
        now < self.wake && self.overhead.is_none() && !self.is_moving()
    }

    /// The value of a key was sent.
    #[inline]
    pub(super) fn replied(&mut self, object: ObjectId, version: Version) {
        if let Some(overhead) = &mut self.overhead {
            overhead.clients.replied(self.objects.size_of(object, version.0).into());
        }
    }

    /// A live key was read or written.
    pub(super) fn touched(&mut self, object: ObjectId, now: SimTime) {
        let Some(sampled) = self.needs.sampled else { return };
        match sampled.rank {
            Rank::Lru => self.keys[object.index()].stamp = self.lru_clock(now),
            Rank::Lfu => {
                let stamp = &mut self.keys[object.index()].stamp;
                *stamp = rank::lfu_touched(&self.settings, now, *stamp, &mut self.random);
            }
            Rank::Random | Rank::Ttl => {}
        }
    }

    /// The LFU counter of a key as it has decayed; `None` where no policy keeps one.
    pub(super) fn frequency(&self, object: ObjectId, now: SimTime) -> Option<u32> {
        let has_counters = self.needs.sampled.is_some_and(|sampled| sampled.rank == Rank::Lfu);
        has_counters.then(|| rank::lfu_counter(&self.settings, now, self.keys[object.index()].stamp))
    }

    /// A key was stored where there was none; tables may grow by `room` bytes, less the command's own.
    pub(super) fn stored(
        &mut self,
        object: ObjectId,
        expires_at: SimTime,
        ends: Ends,
        now: SimTime,
        room: u64,
    ) {
        self.stored_key(object, expires_at, ends, room.saturating_sub(self.in_flight));
        match self.needs.sampled.map(|sampled| sampled.rank) {
            Some(Rank::Lru) => self.keys[object.index()].stamp = self.lru_clock(now),
            Some(Rank::Lfu) => self.keys[object.index()].stamp = rank::lfu_fresh(&self.settings, now),
            _ => {}
        }
    }

    /// One key comes; tables may grow by `room` bytes.
    fn stored_key(&mut self, object: ObjectId, expires_at: SimTime, ends: Ends, mut room: u64) {
        self.hash(object);
        if self.runs_commands() {
            let before = self.counted_tables();
            self.dict.insert(object, 0, &mut self.keys, |bytes| bytes <= room);
            self.step_written(false, ends, false);
            if expires_at != SimTime::NEVER {
                self.step_arm();
            }
            // What one table has taken the other cannot have.
            room = room.saturating_add(before).saturating_sub(self.counted_tables());
        }
        if expires_at != SimTime::NEVER {
            self.expires.arm(object, expires_at, false, &mut self.keys, |bytes| bytes <= room);
        }
    }

    /// Sees to it that the hash of a key is known.
    #[inline]
    fn hash(&mut self, object: ObjectId) {
        let drawn = self.needs.sampled.is_some();
        self.keys.know(object, &self.objects, &self.beside, self.hashing, drawn);
    }

    /// A live key was written, or has another end from now on, or none; `had_ttl` says whether it had one before.
    pub(super) fn armed(
        &mut self,
        object: ObjectId,
        had_ttl: bool,
        ends: Ends,
        expires_at: SimTime,
        room: u64,
    ) {
        let room = room.saturating_sub(self.in_flight);
        if ends != Ends::Moved {
            self.step_written(true, ends, had_ttl);
        }
        if ends == Ends::Kept {
            return;
        }
        let is_replaced = ends == Ends::Replaced;
        let goes = had_ttl && (is_replaced || expires_at == SimTime::NEVER);
        if expires_at != SimTime::NEVER || goes && !is_replaced {
            self.step_arm();
        }
        if goes {
            self.expires.remove(object, &mut self.keys);
        }
        if expires_at != SimTime::NEVER {
            let there = had_ttl && !goes;
            self.expires.arm(object, expires_at, there, &mut self.keys, |bytes| bytes <= room);
        }
    }

    /// A key left, which had a TTL or not.
    pub(super) fn left(&mut self, object: ObjectId, had_ttl: bool) {
        if had_ttl {
            self.expires.remove(object, &mut self.keys);
        } else {
            self.expires.step(&mut self.keys);
        }
        if self.runs_commands() {
            self.dict.remove(object, &mut self.keys);
        }
    }

    /// FLUSHALL: the tables are made anew.
    pub(super) fn flushed(&mut self) {
        self.dict.reserve(0);
        self.expires.reserve(0);
        self.expiry.cursor = 0;
    }

    fn lru_clock(&self, now: SimTime) -> u32 {
        match self.settings.lru_clock {
            LruClock::Seconds => self.clock,
            LruClock::Milliseconds => rank::lru_clock(&self.settings, now),
        }
    }

    /// Where memory goes, entries included.
    pub(super) fn breakdown(&self, slots: &[Slot]) -> Option<Breakdown> {
        let Overhead { counting, clients, sorted_set, .. } = self.overhead.as_ref()?;
        let mut sum = Breakdown {
            tables: self.tables(),
            sorted_set: *sorted_set,
            clients: clients.bytes(),
            fixed: self.fixed(),
            ..Breakdown::default()
        };
        for (index, slot) in slots.iter().enumerate() {
            let (object, has_ttl) = (ObjectId::from_index(index), slot.expires_at != SimTime::NEVER);
            if slot.state == State::Held {
                let size = u64::from(self.objects.size_of(object, slot.version.0));
                sum.add(&counting.build.parts(self.objects.key_len(object), size, has_ttl));
            }
        }
        for key in self.beside.all() {
            let (object, which) = self.whose(key);
            let (key_len, has_ttl) =
                (self.objects.key_len(object), self.beside.end(key) != Some(SimTime::NEVER));
            if let Some(which) = which {
                sum.add(&counting.parts_beside(which, key_len, has_ttl));
            }
        }
        Some(sum)
    }

    /// Compares the tables with what is held.
    ///
    /// # Panics
    /// If the bookkeeping has drifted.
    pub(super) fn check(&self, slots: &[Slot]) {
        self.pool.check();
        if self.keys.is_empty() {
            assert!(slots.iter().all(|slot| slot.state != State::Held), "nothing has been stored");
            return;
        }
        self.expires.check(&self.keys);
        self.dict.check(&self.keys);
        for (index, slot) in slots.iter().enumerate() {
            let (object, held) = (ObjectId::from_index(index), slot.state == State::Held);
            let is_swept = self.swept.contains(object);
            let has_ttl = held && slot.expires_at != SimTime::NEVER && !is_swept;
            assert!(held || !is_swept, "{object:?} is settled when it is found");
            assert_eq!(
                self.expires.contains(object, &self.keys),
                has_ttl,
                "{object:?} among the keys with a TTL"
            );
            if self.runs_commands() {
                assert_eq!(self.dict.contains(object, &self.keys), held, "{object:?} among all keys");
            }
        }
        self.check_beside();
        if let Some(overhead) = &self.overhead {
            overhead.clients.check();
        }
    }
}
