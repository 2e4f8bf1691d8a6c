//! Plays requests through the crate's own cache, in front of which an application reads, and writes what is missing.

use std::sync::Arc;

use proptest::prelude::*;
use ttlab::cache::eviction::EVICTIONS;
use ttlab::cache::memory::{KeyBeside, MEMORIES};
use ttlab::cache::reclaim::RECLAIMS;
use ttlab::cache::redis::{SetAbsent, Settings};
use ttlab::cache::{Account, Cache, Capacity, Entry, Lookup, Residency, Setup, Stored};
use ttlab::origin::Version;
use ttlab::random::Seed;
use ttlab::trace::{ClassId, Fact, Keys, ObjectId, Objects};
use ttlab::units::{SimDuration, SimTime, Window};

/// A server and the objects that it may hold.
#[derive(Debug, Clone)]
pub(crate) struct Design {
    pub(crate) policy: &'static str,
    pub(crate) reclaim: &'static str,
    pub(crate) memory: &'static str,
    pub(crate) capacity: Capacity,
    pub(crate) settings: Settings,
    pub(crate) seed: u64,
    /// Sizes of the values.
    pub(crate) sizes: Vec<u32>,
    /// How long each stored value lives in milliseconds; 0: for ever.
    pub(crate) ttls: Vec<u64>,
    /// Whether there is a deadline beside each, in a key of its own.
    pub(crate) pairs: bool,
    /// Whether a guard keeps a key for each.
    pub(crate) guards: bool,
}

impl Default for Design {
    fn default() -> Self {
        Self {
            policy: "allkeys-lru",
            reclaim: "active",
            memory: "payload",
            capacity: Capacity::Unbounded,
            settings: Settings::default(),
            seed: 1,
            sizes: Vec::new(),
            ttls: Vec::new(),
            pairs: false,
            guards: false,
        }
    }
}

impl Design {
    /// Whether its server keeps deadlines in keys of their own.
    pub(crate) fn has_keys_beside(&self) -> bool {
        (self.pairs || self.guards) && self.memory == "redis"
    }
}

/// What became of the requests.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Played {
    pub(crate) hits: Vec<bool>,
    /// Entries stored where there was none.
    pub(crate) stored: u64,
    pub(crate) refused: u64,
    pub(crate) account: Account,
}

/// The policies of Redis.
pub(crate) const POLICIES: [&str; 8] = [
    "noeviction",
    "allkeys-lru",
    "allkeys-lfu",
    "allkeys-random",
    "volatile-lru",
    "volatile-lfu",
    "volatile-random",
    "volatile-ttl",
];

/// A policy, a reclaim and a memory model, with keys beside values or without; nothing else is drawn.
pub(crate) fn drawn() -> impl Strategy<Value = Design> {
    (0..POLICIES.len(), any::<[bool; 4]>()).prop_map(|(policy, [active, counted, pairs, guards])| Design {
        policy: POLICIES[policy],
        reclaim: if active { "active" } else { "lazy" },
        memory: if counted { "redis" } else { "payload" },
        pairs,
        guards,
        ..Design::default()
    })
}

/// The instant so many milliseconds after the beginning.
pub(crate) fn at(millis: u64) -> SimTime {
    SimTime::from_nanos(millis * 1_000_000)
}

/// The objects of a design: keys of 24 bytes.
pub(crate) fn objects(design: &Design) -> Arc<Objects> {
    let fact = |size: &u32| Fact { size: *size, class: ClassId::default(), size_is_imputed: false };
    let mut keys = Keys::recorded();
    (0..design.sizes.len()).for_each(|number| keys.push(&key(number)));
    Arc::new(Objects::new(design.sizes.iter().map(fact).collect(), keys, vec!["all".to_owned()]))
}

/// The key of an object.
pub(crate) fn key(number: usize) -> String {
    format!("image:{number:018}")
}

/// A cache of this design for a run until `end`.
pub(crate) fn cache(design: &Design, end: SimTime) -> Cache {
    let setup = Setup { objects: design.sizes.len(), capacity: design.capacity, ..Setup::nothing() };
    cache_for(design, &setup, end)
}

/// The same for a setup that may tell of coming requests.
pub(crate) fn cache_for(design: &Design, setup: &Setup, end: SimTime) -> Cache {
    let made = "every part can be made with its defaults";
    let window = Window { from: SimTime::ZERO, until: end };
    let mut memory = MEMORIES.default_choice(design.memory).make(setup).expect(made);
    if design.pairs {
        memory.keep_beside(KeyBeside::Deadline);
    }
    if design.guards {
        memory.keep_beside(KeyBeside::Guard);
    }
    Cache::new(
        objects(design),
        design.capacity,
        EVICTIONS.default_choice(design.policy).make(setup).expect(made),
        RECLAIMS.default_choice(design.reclaim).make(setup).expect(made),
        memory,
        Residency::new(window, SimDuration::from_secs(3_600)),
    )
    .serving(design.settings, Seed::new(design.seed))
}

/// The entry that is written at `now`.
pub(crate) fn entry(design: &Design, object: usize, now: SimTime) -> Entry {
    let ttl = design.ttls[object];
    let expires_at = if ttl == 0 { SimTime::NEVER } else { now + SimDuration::from_millis(ttl) };
    Entry { stored_at: now, fresh_until: expires_at, expires_at, version: Version(0) }
}

/// SET NX of the key of a guard, which ends after most of a second; whether it was taken.
pub(crate) fn take(cache: &mut Cache, number: usize, millis: u64) -> bool {
    cache.set_absent(ObjectId::from_index(number), at(millis + 700), at(millis)) == Some(SetAbsent::Taken)
}

/// Of every three objects one leaves its key until it ends, and one prolongs it.
pub(crate) fn give_back(cache: &mut Cache, number: usize, millis: u64, took: bool) {
    let object = ObjectId::from_index(number);
    match number % 3 {
        0 => {}
        1 => assert!(cache.prolong(object, at(millis + 2_000), at(millis)), "the server is there"),
        _ => cache.give_back(object, took, at(millis)),
    }
}

/// Plays requests of (milliseconds, object); the cache checks itself after every `check` of them.
pub(crate) fn play(design: &Design, requests: &[(u64, usize)], check: usize) -> Played {
    let end = at(requests.last().map_or(0, |last| last.0));
    let mut cache = cache(design, end);
    let (mut hits, mut stored, mut refused) = (Vec::new(), 0, 0);
    for (index, (millis, number)) in requests.iter().enumerate() {
        let (now, object) = (at(*millis), ObjectId::from_index(*number));
        let hit = matches!(cache.get(object, now), Lookup::Held(_));
        hits.push(hit);
        if !hit {
            let took = take(&mut cache, *number, *millis);
            match cache.set(object, entry(design, *number, now), now) {
                Stored::Yes => stored += 1,
                Stored::OutOfMemory => refused += 1,
                other => panic!("{other:?} is nothing that a server says"),
            }
            give_back(&mut cache, *number, *millis, took);
        }
        if (index + 1) % check == 0 {
            cache.check();
        }
    }
    Played { hits, stored, refused, account: cache.finish(end) }
}
