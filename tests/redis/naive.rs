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

use crate::server::{Design, key, play};

/// A chained table: keys of each bucket newest first; while keys move, the old table and the new one.
#[derive(Default)]
struct Table {
    old: Vec<Vec<usize>>,
    new: Option<Vec<Vec<usize>>>,
    at: usize,
}

impl Table {
    fn keys(&self) -> usize {
        self.both().iter().map(|table| table.iter().map(Vec::len).sum::<usize>()).sum()
    }

    fn both(&self) -> Vec<&Vec<Vec<usize>>> {
        std::iter::once(&self.old).chain(&self.new).collect()
    }

    fn holds(&self, key: usize) -> bool {
        self.both().iter().any(|table| table.iter().flatten().any(|other| *other == key))
    }

    /// Moves the next bucket that holds keys, unless ten empty ones come first.
    fn step(&mut self, hashes: &[usize]) {
        let Some(new) = &mut self.new else { return };
        let mut empty = 0;
        while self.at < self.old.len() && self.old[self.at].is_empty() && empty < 10 {
            self.at += 1;
            empty += 1;
        }
        if self.at < self.old.len() && empty < 10 {
            for key in std::mem::take(&mut self.old[self.at]) {
                let bucket = hashes[key] % new.len();
                new[bucket].insert(0, key);
            }
            self.at += 1;
        }
        if self.at == self.old.len() {
            self.old = self.new.take().unwrap_or_default();
            self.at = 0;
        }
    }

    fn resize(&mut self, keys: usize) {
        let size = keys.next_power_of_two().max(4);
        if self.old.is_empty() {
            self.old = vec![Vec::new(); size];
        } else {
            self.new = Some(vec![Vec::new(); size]);
            self.at = 0;
        }
    }

    fn insert(&mut self, key: usize, hashes: &[usize]) {
        self.step(hashes);
        if self.new.is_none() && self.keys() >= self.old.len() {
            self.resize(self.keys() + 1);
        }
        let table = self.new.as_mut().unwrap_or(&mut self.old);
        let bucket = hashes[key] % table.len();
        table[bucket].insert(0, key);
    }

    fn remove(&mut self, key: usize, hashes: &[usize]) {
        self.step(hashes);
        for table in std::iter::once(&mut self.old).chain(&mut self.new) {
            table.iter_mut().for_each(|bucket| bucket.retain(|other| *other != key));
        }
    }

    fn tick(&mut self) {
        let size = self.old.len();
        if self.new.is_none() && size > 4 && self.keys() * 100 / size < 10 {
            self.resize(self.keys());
        }
    }

    fn settle(&mut self, hashes: &[usize]) {
        while self.new.is_some() {
            self.step(hashes);
        }
    }
}

/// The part of a hash that is kept.
fn lower_half(hash: u64) -> usize {
    usize::try_from(hash & 0xffff_ffff).expect("32 bits fit")
}

fn below(random: &mut Stream, bound: usize) -> usize {
    usize::try_from((u128::from(random.next_u64()) * bound as u128) >> 64).expect("below the bound")
}

fn random_key(table: &mut Table, random: &mut Stream, hashes: &[usize]) -> Option<usize> {
    if table.keys() == 0 {
        return None;
    }
    table.step(hashes);
    let buckets: Vec<&Vec<usize>> = table.old[table.at..].iter().chain(table.new.iter().flatten()).collect();
    loop {
        let bucket = buckets[below(random, buckets.len())];
        if !bucket.is_empty() {
            return Some(bucket[below(random, bucket.len())]);
        }
    }
}

fn sample(table: &mut Table, want: usize, random: &mut Stream, hashes: &[usize]) -> Vec<usize> {
    let want = want.min(table.keys());
    if want == 0 {
        return Vec::new();
    }
    (0..want).for_each(|_| table.step(hashes));
    let larger = table.both().iter().map(|table| table.len()).max().unwrap_or(0);
    let mut bucket = below(random, larger);
    let (mut gap, mut seen, mut out) = (0, 0, Vec::new());
    for _ in 0..10 * want {
        for (place, half) in table.both().into_iter().enumerate() {
            let emptied = place == 0 && table.new.is_some() && bucket < table.at;
            let Some(chain) = half.get(bucket).filter(|_| !emptied) else { continue };
            if chain.is_empty() {
                gap += 1;
                if gap >= 5 && gap > want {
                    bucket = below(random, larger);
                    gap = 0;
                }
                continue;
            }
            gap = 0;
            for key in chain {
                if seen < want {
                    out.push(*key);
                } else {
                    let slot = below(random, seen + 1);
                    if slot < want {
                        out[slot] = *key;
                    }
                }
                seen += 1;
            }
            if seen >= want {
                return out;
            }
        }
        bucket = (bucket + 1) % larger;
    }
    out
}

/// What is kept of a key.
#[derive(Clone, Copy)]
struct Kept {
    expires: Option<u64>,
    stamp: u64,
    minute: u64,
    counter: u64,
}

struct Server<'d> {
    design: &'d Design,
    hashes: Vec<usize>,
    kept: BTreeMap<usize, Kept>,
    dict: Table,
    volatile: Table,
    pool: Vec<(u64, usize)>,
    random: Stream,
    clock: u64,
    next_tick: u64,
    evicted: Vec<usize>,
    expired: u64,
}

impl<'d> Server<'d> {
    fn new(design: &'d Design) -> Self {
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
            pool: Vec::new(),
            random: seed.of("sampling").stream(),
            clock: u64::from(design.settings.clock_phase_ms) / 1_000,
            next_tick: 0,
            evicted: Vec::new(),
            expired: 0,
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
            self.dict.tick();
            self.volatile.tick();
            if self.dict.new.is_some() {
                self.dict.settle(&self.hashes);
            } else {
                self.volatile.settle(&self.hashes);
            }
            self.next_tick += 1_000 / u64::from(self.design.settings.hz);
        }
    }

    fn delete(&mut self, key: usize) {
        let kept = self.kept.remove(&key).expect("only what is held is deleted");
        if kept.expires.is_some() {
            self.volatile.remove(key, &self.hashes);
        }
        self.dict.remove(key, &self.hashes);
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
                let score = match policy.rsplit('-').next() {
                    Some("lru") => {
                        let idle = self.lru_clock(now) - kept.stamp;
                        if self.design.settings.lru_clock == LruClock::Seconds { idle * 1_000 } else { idle }
                    }
                    Some("lfu") => 255 - self.decayed(&kept, now),
                    _ => u64::MAX - kept.expires.expect("only keys with a TTL are drawn"),
                };
                // The first place whose score is not lower; worse than all of a full pool is nowhere.
                let place = self.pool.partition_point(|entry| entry.0 < score);
                if self.pool.len() < 16 {
                    self.pool.insert(place, (score, key));
                } else if place > 0 {
                    self.pool.insert(place, (score, key));
                    self.pool.remove(0);
                }
            }
            while let Some((_, key)) = self.pool.pop() {
                let there = if policy.starts_with("volatile") { &self.volatile } else { &self.dict };
                if there.holds(key) {
                    return Some(key);
                }
            }
        }
    }

    fn make_room(&mut self, in_flight: usize, now: u64) -> bool {
        let Capacity::Objects(limit) = self.design.capacity else {
            panic!("the naive server counts objects")
        };
        while (self.kept.len() + in_flight) as u64 > limit {
            let Some(victim) = self.victim(now) else { return false };
            self.delete(victim);
            self.evicted.push(victim);
        }
        true
    }

    /// A read, and a write of what is missing; whether it was a hit.
    fn request(&mut self, key: usize, now: u64) -> bool {
        self.ticks(now);
        self.make_room(0, now);
        self.dict.step(&self.hashes);
        if let Some(kept) = self.kept.get(&key).copied() {
            self.volatile.step(&self.hashes);
            if kept.expires.is_none_or(|end| now <= end) {
                self.touch(key, now);
                return true;
            }
            self.delete(key);
            self.expired += 1;
        }
        if self.make_room(1, now) {
            let ttl = self.design.ttls[key];
            self.dict.insert(key, &self.hashes);
            if ttl > 0 {
                self.volatile.insert(key, &self.hashes);
            }
            let expires = (ttl > 0).then_some(now + ttl);
            let (stamp, minute) = (self.lru_clock(now), self.wall(now) / 60_000);
            self.kept.insert(key, Kept { expires, stamp, minute, counter: 5 });
        }
        false
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
    let hz = prop_oneof![Just(1), Just(10), Just(100)];
    let settings = (hz, 1..20_u32, 0..3_u32, 0..3_u32, any::<bool>(), 0..1_000_u32).prop_map(
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
