//! The limit: after room was made, what counts against maxmemory is at most maxmemory, or nothing is left that may go
//! and writes are refused.
//!
//! For every policy of the catalog, with either model of memory; while the limit changes, except for those that divide
//! their limit among queues.

use std::sync::Arc;

use proptest::prelude::*;
use ttlab::cache::eviction::EVICTIONS;
use ttlab::cache::redis::{Build, Settings};
use ttlab::cache::{Cache, Capacity, Lookup, Setup, Stored};
use ttlab::trace::{ObjectId, Objects, Trace};
use ttlab::units::{SimDuration, SimTime};

use crate::server::{Design, at, cache_for, entry, objects};

const KEYS: usize = 60;

/// What counts, and up to how much of it there may be.
#[derive(Debug, Clone, Copy)]
enum Unit {
    Objects,
    Bytes,
}

#[derive(Debug, Clone, Copy)]
enum Step {
    /// A pause in milliseconds, and what is asked for then: read, and written if it is missing.
    Request(u64, usize),
    /// The limit becomes this part of its range.
    Limit(f64),
}

/// Bytes of the latency histogram of one kind of command.
const HISTOGRAM: u64 = 24_688;

/// The last one is larger than any limit in bytes of values.
fn sizes() -> impl Strategy<Value = Vec<u32>> {
    let size = prop_oneof![6 => 1..400_u32, 1 => 30_000..60_000_u32];
    prop::collection::vec(size, KEYS - 1).prop_map(|sizes| sizes.into_iter().chain([200_000]).collect())
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let request = (0..300_u64, 0..KEYS, 0..KEYS).prop_map(|(pause, a, b)| Step::Request(pause, a.min(b)));
    prop::collection::vec(prop_oneof![12 => request, 1 => (0.0..1.0).prop_map(Step::Limit)], 1..200)
}

/// From a limit that holds nothing, which for a server is one below its own needs, to one that is hardly felt.
fn limit(design: &Design, unit: Unit, part: f64) -> Capacity {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a part of a small number")]
    let of = |least: u64, most: u64| least + ((most - least) as f64 * part).round() as u64;
    match unit {
        Unit::Objects => Capacity::Objects(of(0, KEYS as u64)),
        Unit::Bytes if design.memory == "redis" => Capacity::Bytes(of(850_000, 1_200_000)),
        Unit::Bytes => Capacity::Bytes(of(0, 120_000)),
    }
}

/// A run of one policy, and what holds at each of its steps.
struct Run<'d> {
    design: &'d Design,
    cache: Cache,
    limit: Capacity,
    refused: u64,
}

impl Run<'_> {
    fn counted(&self) -> u64 {
        match self.limit {
            Capacity::Objects(_) => self.cache.entries(),
            _ => self.cache.bytes(),
        }
    }

    /// Whether the policy finds nobody who may leave.
    fn is_stuck(&self, now: SimTime) -> bool {
        let policy = self.design.policy;
        let mut all = (0..KEYS).filter_map(|number| self.cache.peek(ObjectId::from_index(number), now));
        policy == "noeviction"
            || self.cache.entries() == 0
            || policy.starts_with("volatile") && all.all(|entry| !entry.has_ttl())
    }

    fn keeps_to_its_limit(&self, now: SimTime) -> Result<(), TestCaseError> {
        let (policy, counted, limit) = (self.design.policy, self.counted(), self.limit.limit());
        prop_assert!(counted <= limit || self.is_stuck(now), "{policy}: {counted} of {limit} at {now:?}");
        Ok(())
    }

    /// Bytes of the tables, where they count.
    fn tables(&self) -> u64 {
        match self.limit {
            Capacity::Bytes(_) => self.cache.breakdown().map_or(0, |parts| parts.tables),
            _ => 0,
        }
    }

    /// Bytes of the empty server and of the histograms of the commands that it has run, where they count.
    fn fixed(&self) -> u64 {
        match self.limit {
            Capacity::Bytes(_) => self.cache.breakdown().map_or(0, |parts| parts.fixed),
            _ => 0,
        }
    }

    /// What a write may add beyond what was checked: the check sees the value on its way, but not its entry.
    fn excess(&self, object: ObjectId, has_ttl: bool) -> u64 {
        if self.design.memory != "redis" || matches!(self.limit, Capacity::Objects(_)) {
            return 0;
        }
        let (key, size) = (self.cache.objects().key_len(object), self.cache.objects().size(object).into());
        Build::Distribution.entry(key, size, has_ttl) - Build::Distribution.string(size)
    }

    fn request(&mut self, number: usize, now: SimTime) -> Result<(), TestCaseError> {
        let object = ObjectId::from_index(number);
        let hit = matches!(self.cache.get(object, now), Lookup::Held(_));
        self.keeps_to_its_limit(now)?;
        if hit {
            return Ok(());
        }
        let (above, tables, entries) =
            (self.counted() > self.limit.limit(), self.tables(), self.cache.entries());
        let fixed = self.fixed();
        let entry = entry(self.design, number, now);
        let stored = self.cache.set(object, entry, now);
        let policy = self.design.policy;
        match stored {
            Stored::Yes => {
                // First tables are made, and one that is too full grows, whatever memory says.
                let first = 2 * 8 * 4;
                let growth = self.tables().saturating_sub(tables);
                let growth = if entries as f64 > 1.618 * 4.0 { growth } else { growth.min(first) };
                // The first command of its kind takes its histogram once it has run, which no check sees.
                let histogram = self.fixed() - fixed;
                prop_assert!([0, HISTOGRAM].contains(&histogram), "{policy}: {histogram} bytes more");
                let most = self.limit.limit() + self.excess(object, entry.has_ttl()) + growth + histogram;
                prop_assert!(!above, "{policy}: a full server takes no write");
                prop_assert!(self.counted() <= most, "{policy}: {} of {most}", self.counted());
            }
            Stored::OutOfMemory => {
                self.refused += 1;
                prop_assert!(self.is_stuck(now), "{policy}: a write is refused only if nobody may leave");
            }
            Stored::TooLarge | Stored::NotAdmitted => self.keeps_to_its_limit(now)?,
            Stored::Unreachable => prop_assert!(false, "{policy}: the server is up"),
        }
        Ok(())
    }
}

/// All requests of the steps, for the oracle.
fn trace(objects: &Arc<Objects>, steps: &[Step]) -> Arc<Trace> {
    let (mut now, mut times, mut asked) = (0, Vec::new(), Vec::new());
    for step in steps {
        if let Step::Request(pause, number) = step {
            now += pause;
            times.push(at(now));
            asked.push(ObjectId::from_index(*number));
        }
    }
    Arc::new(Trace::new(times, asked, Objects::clone(objects), SimDuration::ZERO))
}

/// Plays the steps; how many writes were refused for want of memory.
fn play(design: &Design, unit: Unit, steps: &[Step]) -> Result<u64, TestCaseError> {
    let held = objects(design);
    let trace = trace(&held, steps);
    let setup = Setup { objects: KEYS, capacity: design.capacity, trace };
    let policy = EVICTIONS.default_choice(design.policy).make(&setup).expect("it has its defaults");
    if policy.ignores_capacity() {
        return Ok(0);
    }
    let (cache, mut now) = (cache_for(design, &setup, at(60_000)), 0);
    let mut run = Run { design, cache, limit: design.capacity, refused: 0 };
    for step in steps {
        match step {
            Step::Request(pause, number) => {
                now += pause;
                run.request(*number, at(now))?;
            }
            // A policy that divides its limit among queues is never given another.
            Step::Limit(_) if policy.knows_limit() => {}
            Step::Limit(part) => {
                run.limit = limit(design, unit, *part);
                run.cache.set_limit(run.limit, at(now));
                run.keeps_to_its_limit(at(now))?;
            }
        }
    }
    run.cache.check();
    Ok(run.refused)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn after_room_was_made_what_counts_against_maxmemory_is_at_most_maxmemory(
        sizes in sizes(),
        ttls in prop::collection::vec(prop_oneof![1 => Just(0), 2 => 1..5_000_u64], KEYS),
        parts in (any::<bool>(), any::<bool>(), any::<bool>(), 0.0..1.0, any::<u64>()),
        steps in steps(),
    ) {
        let (active, counted, by_objects, part, seed) = parts;
        let unit = if by_objects { Unit::Objects } else { Unit::Bytes };
        for policy in &EVICTIONS.listing().entries {
            let design = Design {
                policy: policy.name,
                reclaim: if active { "active" } else { "lazy" },
                memory: if counted { "redis" } else { "payload" },
                // What leaves in the background, because an eviction takes too long, is not looked at here.
                settings: Settings { tenacity: 100, ..Settings::default() },
                seed,
                sizes: sizes.clone(),
                ttls: ttls.clone(),
                ..Design::default()
            };
            let design = Design { capacity: limit(&design, unit, part), ..design };
            play(&design, unit, &steps)?;
        }
    }
}

/// The key that finds both tables full, at limits from none to ample room for the larger ones: only what there is room for
/// grows, and what one table has taken the other cannot have.
#[test]
fn tables_that_are_full_share_the_room_that_there_is() {
    const FULL: usize = 1_024;
    const LARGER: u64 = 8 * 2 * FULL as u64;
    let design = Design {
        policy: "noeviction",
        reclaim: "lazy",
        memory: "redis",
        sizes: vec![64; FULL + 1],
        ttls: vec![10_000_000; FULL + 1],
        ..Design::default()
    };
    let mut grown = Vec::new();
    for room in (0..3 * LARGER).step_by(4_096) {
        let mut cache = cache_for(&design, &Setup { objects: FULL + 1, ..Setup::nothing() }, at(60_000));
        let set = |cache: &mut Cache, number, now| {
            cache.set(ObjectId::from_index(number), entry(&design, number, at(now)), at(now))
        };
        for number in 0..FULL {
            assert_eq!(set(&mut cache, number, 0), Stored::Yes);
        }
        // Ticks in which the tables move their keys, and a command that wakes the connection up again.
        cache.get(ObjectId::new(0), at(10_000));
        let (before, tables) = (cache.bytes(), cache.breakdown().map_or(0, |parts| parts.tables));
        let arguments = 1_000;
        let limit = before + Build::Distribution.entry(24, 64, true) + arguments + room;
        cache.set_limit(Capacity::Bytes(limit), at(10_000));
        assert_eq!(set(&mut cache, FULL, 10_000), Stored::Yes);
        cache.check();
        assert!(cache.bytes() <= limit, "{} of {limit}, with room for {room}", cache.bytes());
        grown.push((cache.breakdown().map_or(0, |parts| parts.tables) - tables) / LARGER);
    }
    assert_eq!(grown, [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2]);
}

/// The same with a limit that falls below what nobody may leave: refusals are counted, so that the property above does
/// not hold for want of cases.
#[test]
fn where_nobody_may_leave_writes_are_refused() {
    let requests = (0..KEYS - 1).map(|number| Step::Request(1, number));
    let steps: Vec<Step> = requests.clone().take(30).chain([Step::Limit(0.1)]).chain(requests).collect();
    for (policy, ttl, refuses) in [
        ("noeviction", 50_000, true),
        ("volatile-lru", 0, true),
        ("volatile-lru", 50_000, false),
        ("allkeys-lru", 0, false),
        ("gdsf", 0, false),
    ] {
        for memory in ["payload", "redis"] {
            let design = Design {
                policy,
                memory,
                sizes: vec![1_000; KEYS],
                ttls: vec![ttl; KEYS],
                capacity: Capacity::Objects(40),
                ..Design::default()
            };
            let refused = play(&design, Unit::Objects, &steps).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(refused > 0, refuses, "{policy}, {memory}, TTL {ttl}: {refused}");
        }
    }
}
