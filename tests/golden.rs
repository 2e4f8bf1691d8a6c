//! Without latency and TTL the engine, and the play without a clock that takes its place there, is a classic trace simulator: hit for hit what libCacheSim counts.
//!
//! The counts were computed once with libCacheSim's Python package (`pip install libcachesim`, 0.3.5)
//! over the same requests, parsed by an independent script: GET with status 200, 206 or 304 on an image
//! path, key without query, size the largest of the object's 200s (else the median of all), stable by
//! time; for each request `cache.get(Request(obj_id, obj_size))` on `LRU(cache_size)` or
//! `FIFO(cache_size)`, with `obj_size = 1` for capacities in objects. It ignores TTLs, so there are none here.

#[path = "support/sample.rs"]
mod sample;

use std::sync::Arc;

use ttlab::random::Seed;
use ttlab::scenario::Scenario;
use ttlab::trace::Trace;
use ttlab::trace::import::{self, Options};
use ttlab::tune;

/// The requests of a sample log, by the defaults.
fn sample(name: &str) -> Option<Arc<Trace>> {
    let path = sample::sample(name)?;
    let import =
        import::open(&path, &Options::default(), Seed::new(1)).unwrap_or_else(|error| panic!("{error}"));
    Some(Arc::new(import.trace))
}

/// Fresh hits at each capacity, without latency and TTL.
fn hits(trace: &Arc<Trace>, eviction: &str, capacities: &str) -> Vec<u64> {
    let text = format!(
        "name = \"golden\"\n[trace]\n[origin]\nlatency = {{ model = \"constant\", value = \"0s\" }}\n\
         [cache]\ncapacity = [{capacities}]\neviction = \"{eviction}\"\nmemory = \"payload\"\nreclaim = \"lazy\"\n\
         [[strategy]]\nname = \"plain\"\nttl = \"none\"\n"
    );
    let scenario = Scenario::parse(&text, "golden.toml").unwrap_or_else(|error| panic!("{error}"));
    let simulation = |plan| {
        let made = tune::simulation(&scenario, &plan, trace, Seed::new(1));
        made.unwrap_or_else(|fault| panic!("{}", fault.what))
    };
    let bucket = tune::bucket_for(trace.span());
    let count = |plan| {
        let without = simulation(plan).run(bucket, &()).expect("nobody stops it");
        let with = simulation(plan).run_by_events(bucket, &()).expect("nobody stops it");
        assert!(without.without_events && !with.without_events);
        let [hits, by_events] = [without, with].map(|run| run.totals.outcomes.hits());
        assert_eq!(hits, by_events);
        hits
    };
    tune::grid(&scenario).into_iter().map(count).collect()
}

const OBJECTS: &str = "{ objects = 10 }, { objects = 50 }, { objects = 100 }, { objects = 300 }";
const BYTES: &str = "\"1000000B\", \"4000000B\", \"16000000B\"";

#[test]
fn the_busy_log_has_the_hits_of_libcachesim() {
    let Some(trace) = sample("nasa-1995-08-01.clf.xz") else { return };
    assert_eq!(hits(&trace, "lru", OBJECTS), [8_302, 15_845, 17_698, 19_965]);
    assert_eq!(hits(&trace, "fifo", OBJECTS), [7_441, 14_517, 16_734, 19_465]);
    assert_eq!(hits(&trace, "lru", BYTES), [15_062, 17_937, 19_971]);
    assert_eq!(hits(&trace, "fifo", BYTES), [13_587, 16_915, 19_385]);
}

#[test]
fn the_sparse_log_has_the_hits_of_libcachesim() {
    let Some(trace) = sample("airisdata-2016-images.combined.xz") else { return };
    assert_eq!(hits(&trace, "lru", OBJECTS), [1_951, 3_800, 5_861, 7_527]);
    assert_eq!(hits(&trace, "fifo", OBJECTS), [1_793, 3_821, 5_704, 7_486]);
    assert_eq!(hits(&trace, "lru", BYTES), [2_562, 4_147, 5_766]);
    assert_eq!(hits(&trace, "fifo", BYTES), [2_458, 3_907, 5_531]);
}
