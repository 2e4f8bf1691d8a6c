//! A server written down step by step from the specification, with plain vectors: who is evicted must be the same.
//!
//! It shares with the model the hash of a key and the stream of random numbers, which is drawn from
//! in the order that the specification gives, and nothing else.

use std::collections::BTreeMap;

use proptest::prelude::*;
use rand::Rng;
use ttlab::cache::Capacity;
use ttlab::cache::redis::{LruClock, Settings};
use ttlab::random::{Seed, Stream};

use crate::pool::Pool;
use crate::server::{Design, key, play};
use crate::table::{Table, random_key, sample};

/// The part of a hash that is kept.
fn lower_half(hash: u64) -> usize {
    usize::try_from(hash & 0xffff_ffff).expect("32 bits fit")
}

/// What is kept of a key.
#[derive(Clone, Copy)]
pub(crate) struct Kept {
    expires: Option<u64>,
    stamp: u64,
    minute: u64,
    counter: u64,
}

pub(crate) struct Server<'d> {
    design: &'d Design,
    hashes: Vec<usize>,
    pub(crate) kept: BTreeMap<usize, Kept>,
    dict: Table,
    volatile: Table,
    pool: Pool,
    random: Stream,
    clock: u64,
    next_tick: u64,
    pub(crate) evicted: Vec<usize>,
    pub(crate) expired: u64,
    pub(crate) refused: u64,
    /// Of the active expiry: where it goes on, whether it hit its limit, and when a fast cycle may begin.
    cursor: usize,
    hit_limit: bool,
    fast_from: u64,
}

impl<'d> Server<'d> {
    pub(crate) fn new(design: &'d Design) -> Self {
        let seed = Seed::new(design.seed);
        let hash = seed.of("hash").nth(0);
        Self {
            design,
            hashes: (0..design.sizes.len())
                .map(|number| lower_half(hash.hash(key(number).as_bytes())))
                .collect(),
            kept: BTreeMap::new(),
            dict: Table::default(),
            volatile: Table::default(),
            pool: Pool::default(),
            random: seed.of("sampling").stream(),
            clock: u64::from(design.settings.clock_phase_ms) / 1_000,
            next_tick: 0,
            evicted: Vec::new(),
            expired: 0,
            refused: 0,
            cursor: 0,
            hit_limit: false,
            fast_from: 0,
        }
    }

    fn wall(&self, now: u64) -> u64 {
        now + u64::from(self.design.settings.clock_phase_ms)
    }

    fn lru_clock(&self, now: u64) -> u64 {
        match self.design.settings.lru_clock {
            LruClock::Seconds => self.clock,
            LruClock::Milliseconds => self.wall(now),
        }
    }

    fn ticks(&mut self, now: u64) {
        while self.next_tick <= now {
            self.clock = self.wall(self.next_tick) / 1_000;
            if self.design.reclaim == "active" {
                let share = u64::from(25 + 2 * (self.design.settings.effort - 1));
                // Whole microseconds.
                let limit = share * 1_000_000 / u64::from(self.design.settings.hz) / 100;
                self.expire(1_000 * limit, self.next_tick);
            }
            self.dict.tick();
            self.volatile.tick();
            if self.dict.new.is_some() {
                self.dict.settle(&self.hashes);
            } else {
                self.volatile.settle(&self.hashes);
            }
            self.expire_fast(self.next_tick);
            self.next_tick += 1_000 / u64::from(self.design.settings.hz);
        }
        self.expire_fast(now);
    }

    /// The end of a turn of the event loop: of each tick, and of each command.
    fn expire_fast(&mut self, now: u64) {
        // In nanoseconds: a fast cycle may take a millisecond, and begins at most once in twice that.
        let limit = 1_000_000 + 250_000 * u64::from(self.design.settings.effort - 1);
        if self.hit_limit && now * 1_000_000 >= self.fast_from {
            self.fast_from = now * 1_000_000 + 2 * limit;
            self.expire(limit, now);
        }
    }

    /// One cycle of the active expiry, of about so many nanoseconds.
    fn expire(&mut self, limit: u64, now: u64) {
        let settings = self.design.settings;
        let effort = settings.effort as usize - 1;
        let (mut rounds, mut elapsed) = (0, 0);
        self.hit_limit = false;
        loop {
            let (keys, buckets) =
                (self.volatile.keys(), self.volatile.both().iter().map(|table| table.len()).sum::<usize>());
            if keys == 0 || buckets > 4 && keys * 100 / buckets < 1 {
                return;
            }
            rounds += 1;
            let want = keys.min(20 + 5 * effort);
            let (mut sampled, mut expired, mut visited) = (0, 0, 0);
            while sampled < want && visited < 20 * want {
                for half in 0..2 {
                    let tables = self.volatile.both();
                    let Some(table) = tables.get(half).filter(|table| !table.is_empty()) else { continue };
                    visited += 1;
                    let chain = table[self.cursor % table.len()].clone();
                    sampled += chain.len();
                    for key in chain {
                        if self.kept[&key].expires.is_some_and(|end| now > end) {
                            self.delete(key);
                            expired += 1;
                        }
                    }
                }
                self.cursor += 1;
            }
            self.expired += expired as u64;
            elapsed += settings.expire_cost.as_nanos() * expired as u64
                + settings.visit_cost.as_nanos() * visited as u64;
            if rounds % 16 == 0 && elapsed > limit {
                self.hit_limit = true;
                return;
            }
            if sampled > 0 && expired * 100 / sampled <= 10 - effort {
                return;
            }
        }
    }

    fn delete(&mut self, key: usize) {
        let kept = self.kept.remove(&key).expect("only what is held is deleted");
        if kept.expires.is_some() {
            self.volatile.remove(key, &self.hashes);
        } else {
            self.volatile.step(&self.hashes);
        }
        self.dict.remove(key, &self.hashes);
    }

    /// A look at a key: is it there, and if so, when does it end?
    fn look_up(&mut self, key: usize) {
        self.dict.step(&self.hashes);
        if let Some(kept) = self.kept.get(&key) {
            self.volatile.step(&self.hashes);
            if kept.expires.is_some() {
                self.dict.step(&self.hashes);
            }
        }
    }

    fn decayed(&self, kept: &Kept, now: u64) -> u64 {
        let passed = self.wall(now) / 60_000 - kept.minute;
        match u64::from(self.design.settings.lfu_decay_time) {
            0 => kept.counter,
            decay => kept.counter.saturating_sub(passed / decay),
        }
    }

    fn victim(&mut self, now: u64) -> Option<usize> {
        let policy = self.design.policy;
        loop {
            let table = if policy.starts_with("volatile") { &mut self.volatile } else { &mut self.dict };
            if policy.ends_with("random") {
                return random_key(table, &mut self.random, &self.hashes);
            }
            if table.keys() == 0 {
                return None;
            }
            let want = self.design.settings.samples as usize;
            for key in sample(table, want, &mut self.random, &self.hashes) {
                let kept = self.kept[&key];
                // The table of ends does not tell the stamp.
                if matches!(policy, "volatile-lru" | "volatile-lfu") {
                    self.dict.step(&self.hashes);
                }
                let score = match policy.rsplit('-').next() {
                    Some("lru") => {
                        let idle = self.lru_clock(now) - kept.stamp;
                        if self.design.settings.lru_clock == LruClock::Seconds { idle * 1_000 } else { idle }
                    }
                    Some("lfu") => 255 - self.decayed(&kept, now),
                    _ => u64::MAX - kept.expires.expect("only keys with a TTL are drawn"),
                };
                self.pool.offer(score, key);
            }
            let there = if policy.starts_with("volatile") { &mut self.volatile } else { &mut self.dict };
            let hashes = &self.hashes;
            let victim = self.pool.take(|key| {
                there.step(hashes);
                there.holds(key)
            });
            if victim.is_some() {
                return victim;
            }
        }
    }

    /// What counts against the limit: bytes of values, or keys.
    fn counted(&self) -> u64 {
        match self.design.capacity {
            Capacity::Objects(_) => self.kept.len() as u64,
            _ => self.kept.keys().map(|key| u64::from(self.design.sizes[*key])).sum(),
        }
    }

    /// Makes room for so much more; whether there is.
    fn make_room(&mut self, in_flight: u64, now: u64) -> bool {
        let limit = match self.design.capacity {
            Capacity::Objects(limit) | Capacity::Bytes(limit) => limit,
            Capacity::Unbounded => return true,
        };
        while self.counted() + in_flight > limit {
            let victim = if self.design.policy == "noeviction" { None } else { self.victim(now) };
            let Some(victim) = victim else { return false };
            self.delete(victim);
            self.evicted.push(victim);
        }
        true
    }

    /// A read, and a write of what is missing; whether it was a hit.
    pub(crate) fn request(&mut self, key: usize, now: u64) -> bool {
        let hit = self.read(key, now);
        if !hit {
            self.write(key, now);
        }
        hit
    }

    /// A read; whether it was a hit.
    pub(crate) fn read(&mut self, key: usize, now: u64) -> bool {
        self.ticks(now);
        self.make_room(0, now);
        self.look_up(key);
        if let Some(kept) = self.kept.get(&key).copied() {
            if kept.expires.is_none_or(|end| now <= end) {
                self.touch(key, now);
                return true;
            }
            self.delete(key);
            self.expired += 1;
        }
        false
    }

    /// A write, also over what is there.
    pub(crate) fn write(&mut self, key: usize, now: u64) {
        self.ticks(now);
        let in_flight = match self.design.capacity {
            Capacity::Objects(_) => 1,
            _ => u64::from(self.design.sizes[key]),
        };
        if !self.make_room(in_flight, now) {
            self.refused += 1;
            return;
        }
        self.look_up(key);
        if self.kept.get(&key).is_some_and(|kept| kept.expires.is_some_and(|end| now > end)) {
            self.delete(key);
            self.expired += 1;
        }
        let ttl = self.design.ttls[key];
        let expires = (ttl > 0).then_some(now + ttl);
        if self.kept.contains_key(&key) {
            // The old value is touched, and the new one inherits its counter; a key has a TTL always or never.
            self.touch(key, now);
            let kept = self.kept[&key];
            self.kept.insert(key, Kept { expires, ..kept });
            self.dict.step(&self.hashes);
            if ttl > 0 {
                // The old end goes, and the new one stands first in its bucket.
                self.dict.step(&self.hashes);
                self.volatile.remove(key, &self.hashes);
                self.dict.step(&self.hashes);
                self.volatile.insert(key, &self.hashes);
            } else {
                self.drop_end();
            }
        } else {
            self.dict.insert(key, &self.hashes);
            self.drop_end();
            if ttl > 0 {
                self.dict.step(&self.hashes);
                self.volatile.insert(key, &self.hashes);
            }
            let (stamp, minute) = (self.lru_clock(now), self.wall(now) / 60_000);
            self.kept.insert(key, Kept { expires, stamp, minute, counter: 5 });
        }
    }

    /// SET looks for the end of an old value, where there is none.
    fn drop_end(&mut self) {
        self.dict.step(&self.hashes);
        self.volatile.step(&self.hashes);
    }

    fn touch(&mut self, key: usize, now: u64) {
        let mut kept = self.kept[&key];
        kept.stamp = self.lru_clock(now);
        if self.design.policy.ends_with("lfu") {
            kept.counter = self.decayed(&kept, now);
            kept.minute = self.wall(now) / 60_000;
            if kept.counter < 255 {
                let draw = (self.random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
                let above = kept.counter.saturating_sub(5) as f64;
                if draw < 1.0 / (above * f64::from(self.design.settings.lfu_log_factor) + 1.0) {
                    kept.counter += 1;
                }
            }
        }
        self.kept.insert(key, kept);
    }
}

const POLICIES: [&str; 7] = [
    "allkeys-lru",
    "allkeys-lfu",
    "allkeys-random",
    "volatile-lru",
    "volatile-lfu",
    "volatile-random",
    "volatile-ttl",
];

fn design() -> impl Strategy<Value = Design> {
    let hz = prop_oneof![Just(1), Just(10), Just(100), Just(300)];
    let settings = (hz, 1..20_u32, 0..3_u32, 0..3_u32, any::<bool>(), 0..60_000_u32).prop_map(
        |(hz, samples, lfu_decay_time, lfu_log_factor, exact, clock_phase_ms)| Settings {
            hz,
            samples,
            lfu_decay_time,
            lfu_log_factor,
            lru_clock: if exact { LruClock::Milliseconds } else { LruClock::Seconds },
            clock_phase_ms,
            ..Settings::default()
        },
    );
    let ttls = prop::collection::vec(prop_oneof![Just(0), 1..60_000_u64], 80);
    (0..POLICIES.len(), 1..60_u64, settings, any::<u64>(), ttls).prop_map(
        |(policy, held, settings, seed, ttls)| Design {
            policy: POLICIES[policy],
            reclaim: "lazy",
            capacity: Capacity::Objects(held),
            settings,
            seed,
            sizes: vec![1; 80],
            ttls,
            ..Design::default()
        },
    )
}

proptest! {
    #[test]
    fn the_model_hits_evicts_and_expires_as_the_naive_server(
        design in design(),
        steps in prop::collection::vec((0..2_000_u64, 0..80_usize, 0..80_usize), 1..400),
    ) {
        let mut now = 0;
        let requests: Vec<(u64, usize)> = steps
            .into_iter()
            .map(|(pause, one, other)| {
                now += pause;
                // The lower of two numbers: some keys are asked for more often.
                (now, one.min(other))
            })
            .collect();
        let played = play(&design, &requests, 50);
        let mut naive = Server::new(&design);
        let hits: Vec<bool> = requests.iter().map(|(now, key)| naive.request(*key, *now)).collect();
        prop_assert_eq!(played.hits, hits);
        let evicted = naive.evicted.len() as u64;
        prop_assert_eq!(
            (played.account.evicted, played.account.expired, played.account.final_entries),
            (evicted, naive.expired, naive.kept.len() as u64)
        );
    }
}
