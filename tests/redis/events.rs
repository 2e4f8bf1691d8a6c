//! Flush, restart and a new limit under Redis's own policies: nothing is lost from the books, and what is loaded
//! again is what was kept.

use proptest::prelude::*;
use ttlab::cache::redis::Settings;
use ttlab::cache::{Cache, Capacity, Cause, Lookup, Persistence, Restart, Stored, TtlClock};
use ttlab::trace::ObjectId;
use ttlab::units::SimDuration;

use crate::server::{Design, at, cache, drawn, entry, give_back, take};

const KEYS: usize = 60;

fn design() -> impl Strategy<Value = Design> {
    let objects = prop::collection::vec((1..400_u32, prop_oneof![Just(0), 1..20_000_u64]), KEYS);
    let capacity = prop_oneof![
        Just(Capacity::Unbounded),
        (5..KEYS as u64).prop_map(Capacity::Objects),
        (960_000..1_000_000_u64).prop_map(Capacity::Bytes),
    ];
    (drawn(), capacity, any::<u64>(), objects).prop_map(|(design, capacity, seed, objects)| {
        let (sizes, ttls) = objects.into_iter().unzip();
        Design { capacity, seed, sizes, ttls, ..design }
    })
}

fn persistence() -> impl Strategy<Value = Persistence> {
    prop_oneof![Just(Persistence::None), Just(Persistence::Rdb), Just(Persistence::Aof)]
}

/// Reads, and writes what is missing; how many were stored where there was none.
fn request(cache: &mut Cache, design: &Design, number: usize, now: u64) -> u64 {
    let (object, instant) = (ObjectId::from_index(number), at(now));
    if let Lookup::Held(_) = cache.get(object, instant) {
        return 0;
    }
    let took = take(cache, number, now);
    let stored = cache.set(object, entry(design, number, instant), instant);
    give_back(cache, number, now, took);
    u64::from(stored == Stored::Yes)
}

proptest! {
    #[test]
    fn a_restart_loads_what_was_kept_and_loses_the_rest(
        design in design(),
        requests in prop::collection::vec((0..300_u64, 0..KEYS), 1..120),
        persistence in persistence(),
        paused in any::<bool>(),
        down in 1..15_000_u64,
    ) {
        let (mut now, mut stored) = (0, 0);
        let mut model = cache(&design, at(600_000));
        for (pause, number) in &requests {
            now += pause;
            stored += request(&mut model, &design, *number, now);
        }
        // What the server holds when it ends, and until when.
        model.bytes_at(at(now));
        let held: Vec<_> = (0..KEYS).map(|number| model.peek(ObjectId::from_index(number), at(now))).collect();
        let (before, gone) = (model.entries(), model.stats());
        let ttl = if paused { TtlClock::Paused } else { TtlClock::WallClock };
        let restart = Restart { down: SimDuration::from_millis(down), persistence, ttl };
        model.shut_down(restart, at(now));
        let lost = model.get(ObjectId::new(0), at(now)) == Lookup::Absent(Cause::Lost);
        prop_assert!(lost || held[0].is_none(), "what is held is lost while the server is down");
        now += down;
        model.come_back(restart, at(now));
        model.check();
        if persistence == Persistence::None {
            prop_assert_eq!(model.entries(), 0);
        }
        for (number, held) in held.iter().enumerate() {
            let object = ObjectId::from_index(number);
            let later = SimDuration::from_millis(if paused { down } else { 0 });
            let kept = held.filter(|entry| persistence != Persistence::None && at(now) <= entry.expires_at + later);
            prop_assert_eq!(model.peek(object, at(now)).is_some(), kept.is_some(), "{:?}", object);
        }
        let after = model.entries();
        prop_assert!(after <= before);
        if persistence == Persistence::Aof {
            prop_assert_eq!(after, before, "the log holds dead keys too");
        }
        let mut more = 0;
        for (pause, number) in &requests {
            now += pause;
            more += request(&mut model, &design, *number, now);
            model.check();
        }
        let stats = model.stats();
        let left = stats.evicted_keys - gone.evicted_keys + stats.expired_keys - gone.expired_keys;
        if !design.has_keys_beside() {
            prop_assert_eq!(after + more, left + model.entries(), "what was loaded or stored since");
        }
        prop_assert!(stored + more >= model.entries());
    }

    #[test]
    fn after_a_flush_the_server_is_as_good_as_new(
        design in design(),
        requests in prop::collection::vec((0..300_u64, 0..KEYS), 1..120),
        limit in 960_000..1_000_000_u64,
    ) {
        let mut now = 0;
        let mut model = cache(&design, at(600_000));
        for (pause, number) in &requests {
            now += pause;
            request(&mut model, &design, *number, now);
        }
        let full = model.bytes();
        model.flush(at(now));
        model.check();
        prop_assert_eq!(model.entries(), 0);
        prop_assert!(model.bytes() <= full);
        for number in 0..KEYS {
            prop_assert!(model.peek(ObjectId::from_index(number), at(now)).is_none());
        }
        if design.policy.starts_with("allkeys") {
            model.set_limit(Capacity::Bytes(limit), at(now));
        }
        for (pause, number) in &requests {
            now += pause;
            request(&mut model, &design, *number, now);
            model.check();
        }
    }
}

/// How long a limit that was lowered is exceeded where nobody sends anything, with this tenacity: mean bytes held over
/// the ten seconds after it.
fn mean_after_a_lower_limit(policy: &'static str, tenacity: u32) -> f64 {
    const OBJECTS: usize = 4_000;
    let cost = SimDuration::from_millis(1);
    let settings = Settings { tenacity, expire_cost: cost, ..Settings::default() };
    let design = Design {
        policy,
        reclaim: "lazy",
        settings,
        sizes: vec![100; OBJECTS],
        ttls: vec![3_600_000; OBJECTS],
        ..Design::default()
    };
    let mut model = cache(&Design { capacity: Capacity::Bytes(1_000_000), ..design.clone() }, at(10_000));
    for number in 0..OBJECTS {
        assert_eq!(request(&mut model, &design, number, 0), 1);
    }
    model.set_limit(Capacity::Bytes(200_000), at(0));
    model.check();
    model.finish(at(10_000)).mean_bytes
}

#[test]
fn an_eviction_that_hit_its_time_limit_goes_on_while_nobody_sends_anything() {
    for policy in ["allkeys-lru", "allkeys-lfu", "allkeys-random", "volatile-ttl"] {
        // 2000 keys have to go, one a millisecond: from 400,000 bytes to 200,000 in two seconds, of which the call itself
        // takes 16 off at once.
        let held = mean_after_a_lower_limit(policy, 10);
        let expected = 200_000.0 + (2_000.0 - 16.0) / 2.0 * 100.0 * 1.984 / 10.0;
        assert!((held - expected).abs() < 50.0, "{policy}: {held} instead of {expected}");
        assert!((mean_after_a_lower_limit(policy, 100) - 200_000.0).abs() < 1.0, "{policy}: all in one call");
    }
}

#[test]
fn maxmemory_0_is_no_limit_as_redis_takes_it() {
    for (policy, memory) in [("allkeys-lru", "payload"), ("noeviction", "redis"), ("lru", "redis")] {
        let design = Design {
            policy,
            memory,
            capacity: Capacity::Bytes(0),
            sizes: vec![100; KEYS],
            ttls: vec![0; KEYS],
            ..Design::default()
        };
        let mut model = cache(&design, at(10_000));
        let stored: u64 = (0..KEYS).map(|number| request(&mut model, &design, number, 0)).sum();
        assert_eq!((stored, model.entries()), (KEYS as u64, KEYS as u64), "{policy} {memory}");
        let full = model.bytes_at(at(1_000));
        model.set_limit(Capacity::Bytes(full - 1_000), at(1_000));
        let left = model.entries();
        assert_eq!(left < KEYS as u64, policy != "noeviction", "{policy} {memory}");
        model.set_limit(Capacity::Bytes(0), at(2_000));
        let again: u64 = (0..KEYS).map(|number| request(&mut model, &design, number, 2_000)).sum();
        assert_eq!(
            (again + left, model.entries()),
            (KEYS as u64, KEYS as u64),
            "{policy} {memory}: the limit is lifted"
        );
        model.check();
    }
}
