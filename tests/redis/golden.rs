//! Totals of `used_memory` measured on a live Redis 7.0.15 of a distribution: 24-byte keys, 64-byte values.

use crate::server::{Design, at, cache, entry};
use ttlab::cache::Stored;
use ttlab::cache::redis::Breakdown;
use ttlab::trace::ObjectId;

/// What entries and tables take after so many keys, one every 100 microseconds, and how often the tables are doubled.
fn filled(keys: usize, size: u32, ttl: u64, rest: u64) -> Breakdown {
    let design = Design {
        policy: "noeviction",
        reclaim: "lazy",
        memory: "redis",
        sizes: vec![size; keys],
        ttls: vec![ttl; keys],
        ..Design::default()
    };
    let end = at(keys as u64 / 10 + rest);
    let mut cache = cache(&design, end);
    for number in 0..keys {
        let now = at(number as u64 / 10);
        assert_eq!(cache.set(ObjectId::from_index(number), entry(&design, number, now), now), Stored::Yes);
    }
    cache.finish(end).breakdown.expect("memory is counted in parts")
}

fn entries_and_tables(parts: &Breakdown) -> u64 {
    parts.total() - parts.clients - parts.fixed
}

#[test]
fn totals_with_tables_are_those_of_a_live_server() {
    let never = 0;
    let day = 86_400_000;
    for (keys, without, with) in [
        (65_536, 11_010_048, 13_631_488),
        (100_000, 17_048_576, 21_297_152),
        (131_072, 22_020_096, 27_262_976),
    ] {
        assert_eq!(entries_and_tables(&filled(keys, 64, never, 10_000)), without, "{keys} keys");
        assert_eq!(entries_and_tables(&filled(keys, 64, day, 10_000)), with, "{keys} keys with a TTL");
    }
    // One key more than buckets: the old tables are still there.
    let pending = filled(65_537, 64, never, 0);
    assert_eq!((entries_and_tables(&pending), pending.tables), (12_058_784, 524_288 + 1_048_576));
    let pending = filled(65_537, 64, day, 0);
    assert_eq!((entries_and_tables(&pending), pending.tables), (15_728_832, 2 * (524_288 + 1_048_576)));
    assert_eq!(entries_and_tables(&filled(1_000_000, 128, day, 60_000)), 288_777_216);
}
