//! What holds for every server: section by section what a ledger would say.

use std::collections::BTreeMap;

use proptest::prelude::*;
use ttlab::cache::Capacity;
use ttlab::cache::redis::{LruClock, Settings};

use crate::server::{Design, drawn, play};

fn settings() -> impl Strategy<Value = Settings> {
    (1..=500_u32, 1..=10_u32, 1..=20_u32, 0..=100_u32, any::<bool>(), 0..1_000_u32).prop_map(
        |(hz, effort, samples, tenacity, exact, clock_phase_ms)| Settings {
            hz,
            effort,
            samples,
            tenacity,
            lru_clock: if exact { LruClock::Milliseconds } else { LruClock::Seconds },
            clock_phase_ms,
            ..Settings::default()
        },
    )
}

fn capacity() -> impl Strategy<Value = Capacity> {
    prop_oneof![
        Just(Capacity::Unbounded),
        (0..3_000_u64).prop_map(Capacity::Bytes),
        (950_000..1_100_000_u64).prop_map(Capacity::Bytes),
        (0..20_u64).prop_map(Capacity::Objects),
    ]
}

fn design() -> impl Strategy<Value = Design> {
    let parts = (drawn(), capacity(), settings(), any::<u64>());
    let objects = prop::collection::vec((1..400_u32, prop_oneof![Just(0), 1..3_000_u64]), 40);
    (parts, objects).prop_map(|((design, capacity, settings, seed), objects)| {
        let (sizes, ttls) = objects.into_iter().unzip();
        Design { capacity, settings, seed, sizes, ttls, ..design }
    })
}

fn requests() -> impl Strategy<Value = Vec<(u64, usize)>> {
    prop::collection::vec((0..200_u64, 0..40_usize), 1..250).prop_map(|steps| {
        let mut now = 0;
        steps
            .into_iter()
            .map(|(pause, object)| {
                now += pause;
                (now, object)
            })
            .collect()
    })
}

/// Hits of a server without any limit: a value is there until its TTL is over.
fn logical(design: &Design, requests: &[(u64, usize)]) -> Vec<bool> {
    let mut until: BTreeMap<usize, u64> = BTreeMap::new();
    requests
        .iter()
        .map(|(now, object)| {
            let hit = until.get(object).is_some_and(|until| now <= until);
            if !hit {
                let ttl = design.ttls[*object];
                until.insert(*object, if ttl == 0 { u64::MAX } else { now + ttl });
            }
            hit
        })
        .collect()
}

proptest! {
    #[test]
    fn what_was_stored_is_evicted_or_expired_or_still_there(design in design(), requests in requests()) {
        let played = play(&design, &requests, 1);
        let account = &played.account;
        // What lies beside values comes and goes by itself, and is an entry too.
        if !design.has_keys_beside() {
            prop_assert_eq!(played.stored, account.evicted + account.expired + account.final_entries);
        }
        if matches!(design.capacity, Capacity::Unbounded) {
            prop_assert_eq!((played.refused, account.evicted), (0, 0));
        }
        prop_assert_eq!(play(&design, &requests, 1_000), played, "the same again");
    }

    #[test]
    fn without_a_limit_hits_are_those_of_the_logical_model(design in design(), requests in requests()) {
        let design = Design { capacity: Capacity::Unbounded, ..design };
        prop_assert_eq!(play(&design, &requests, 1_000).hits, logical(&design, &requests));
    }
}

#[test]
fn a_server_without_keys_that_may_go_refuses_what_does_not_fit() {
    let requests: Vec<(u64, usize)> = (0..30).zip(0..30).collect();
    for (policy, ttl, refused) in [
        ("noeviction", 5_000, 20),
        ("volatile-lru", 0, 20),
        ("volatile-ttl", 5_000, 0),
        ("allkeys-lfu", 0, 0),
    ] {
        let design = Design {
            policy,
            capacity: Capacity::Bytes(1_000),
            sizes: vec![100; 30],
            ttls: vec![ttl; 30],
            ..Design::default()
        };
        let played = play(&design, &requests, 1);
        assert_eq!((played.refused, played.account.final_entries), (refused, 10), "{policy}");
    }
}
