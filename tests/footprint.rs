//! What the simulator itself takes of memory for each object that is resident, by a counting allocator.
//!
//! Everything but the requests of the trace and the texts of recorded keys: the slot, what is known of the object,
//! and all that the eviction policy and the model of the server keep.

#[expect(dead_code, reason = "shared with a bench, which asks for peaks")]
#[path = "support/counting.rs"]
mod counting;

use std::fmt::Write;
use std::sync::Arc;

use ttlab::cache::eviction::EVICTIONS;
use ttlab::cache::memory::{KeyBeside, MEMORIES};
use ttlab::cache::reclaim::RECLAIMS;
use ttlab::cache::{Cache, Capacity, Entry, Residency, Setup, Stored};
use ttlab::catalog::Listing;
use ttlab::origin::Version;
use ttlab::scenario::{DEADLINE_BESIDE, Scenario, Source, cache_per_object, key_beside, result_bytes};
use ttlab::trace::synth::generate;
use ttlab::trace::{ClassId, Fact, Keys, ObjectId, Objects, Trace};
use ttlab::tune::{self, Runs};
use ttlab::units::{SimDuration, SimTime, Window};

/// Most bytes for each resident object.
const MOST: f64 = 96.0;

/// Bytes for each of so many objects, all of them resident and settled, with a key of a guard and one of a deadline beside
/// each if `pairs` says so.
fn bytes_per_object(
    policy: &'static str,
    reclaim: &'static str,
    memory: &'static str,
    objects: usize,
    pairs: bool,
) -> f64 {
    let before = counting::in_use();
    let fact = Fact { size: 1_000, class: ClassId::default(), size_is_imputed: false };
    let held = Objects::new(vec![fact; objects], Keys::Numbered, vec!["all".to_owned()]);
    let trace = Arc::new(Trace::new(Vec::new(), Vec::new(), held, SimDuration::ZERO));
    let capacity = Capacity::Bytes(1 << 40);
    let setup = Setup { objects, capacity, trace: Arc::clone(&trace) };
    let made = "every part can be made with its defaults";
    let mut memory = MEMORIES.default_choice(memory).make(&setup).expect(made);
    if pairs {
        KeyBeside::ALL.into_iter().for_each(|which| memory.keep_beside(which));
    }
    let mut cache = Cache::new(
        trace.shared_objects(),
        capacity,
        EVICTIONS.default_choice(policy).make(&setup).expect(made),
        RECLAIMS.default_choice(reclaim).make(&setup).expect(made),
        memory,
        Residency::new(Window { from: SimTime::ZERO, until: SimTime::NEVER }, SimDuration::FOREVER),
    );
    let expires_at = SimTime::from_nanos(1_000_000_000_000_000);
    let entry = Entry { stored_at: SimTime::ZERO, fresh_until: expires_at, expires_at, version: Version(0) };
    let mut now = SimTime::ZERO;
    for number in 0..objects {
        now = SimTime::from_nanos(number as u64 * 100_000);
        let object = ObjectId::from_index(number);
        cache.get(object, now);
        assert_eq!(cache.set_absent(object, expires_at, now).is_some(), pairs);
        assert_eq!(cache.set(object, Entry { stored_at: now, ..entry }, now), Stored::Yes);
    }
    // Ticks, so that no table moves any more.
    now += SimDuration::from_secs(60);
    cache.get(ObjectId::new(0), now);
    assert_eq!(cache.entries(), objects as u64);
    (counting::in_use() - before) as f64 / objects as f64
}

/// Whether a limit on memory counts this many bytes an object, and not many more.
fn is_counted(bytes: f64, policy: &str, reclaim: &str, memory: &str, pairs: bool) -> bool {
    let beside = if pairs { 2 * key_beside(policy, reclaim) + DEADLINE_BESIDE } else { 0 };
    let counted = (cache_per_object(policy, reclaim, memory) + beside) as f64;
    // A table that has just grown is counted for, and most have not.
    let keys = if pairs { 3.0 } else { 1.0 };
    // What does not grow with the objects is a part of a byte for each.
    bytes <= counted + 0.5 && bytes >= counted - 24.0 * keys
}

/// One test, so that nobody else allocates meanwhile.
#[test]
fn a_resident_object_takes_at_most_96_bytes_whatever_the_cache_is_made_of() {
    // Full tables, tables that have just doubled, rows that have just been spread out, and some in between.
    let names = |listing: Listing| listing.entries.into_iter().map(|entry| entry.name);
    for objects in [32_768, 32_769, 36_700, 45_000] {
        let mut table = String::new();
        for policy in names(EVICTIONS.listing()) {
            for reclaim in names(RECLAIMS.listing()) {
                for memory in names(MEMORIES.listing()) {
                    let bytes = bytes_per_object(policy, reclaim, memory, objects, false);
                    writeln!(table, "{objects} objects, {policy}, {reclaim}, {memory}: {bytes:.1} bytes")
                        .expect("a text takes any line");
                    assert!(bytes <= MOST && is_counted(bytes, policy, reclaim, memory, false), "{table}");
                }
                let bytes = bytes_per_object(policy, reclaim, "redis", objects, true);
                writeln!(
                    table,
                    "{objects} objects, {policy}, {reclaim}, with keys beside values: {bytes:.1} bytes"
                )
                .expect("a text takes any line");
                assert!(is_counted(bytes, policy, reclaim, "redis", true), "{table}");
            }
        }
        println!("{table}");
    }
    results_take_no_more_than_a_limit_counts();
}

/// Bytes that a finished run leaves, of a sweep over so many limits of the cache: that of many less that of few.
#[expect(clippy::print_stdout, reason = "a test says what it found")]
fn results_take_no_more_than_a_limit_counts() {
    let scenario = |limits: u32| {
        let limits: Vec<String> = (1..=limits).map(|nth| format!("{{ objects = {} }}", nth * 100)).collect();
        let text = format!(
            "name = \"results\"\n[workload]\nduration = \"1000s\"\nrate = \"200/s\"\n\
             class = [{{ name = \"a\", objects = 9_000, share = 0.5 }}, {{ name = \"b\", objects = 9_000, share = 0.5 }}]\n\
             [origin]\nlatency = {{ model = \"lognormal\", median = \"80ms\", sigma = 0.8 }}\n\
             [cache]\ncapacity = [{}]\n[[strategy]]\nname = \"x\"\nttl = {{ rule = \"fixed\", ttl = \"1m\" }}\n",
            limits.join(", ")
        );
        Scenario::parse(&text, "results.toml").unwrap_or_else(|error| panic!("{error}"))
    };
    let Source::Synthetic(workload) = &scenario(1).source else { panic!("it is synthetic") };
    let trace = Arc::new(generate(workload, tune::replication_seed(1, 0)));
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread can be started");
    let left_by = |limits: u32| {
        let scenario = scenario(limits);
        let runs = Runs::Recorded(Arc::clone(&trace));
        let cells = tune::grid(&scenario);
        let before = counting::in_use();
        let played = pool.install(|| tune::run(&scenario, &cells, &runs, &()));
        let played = played.unwrap_or_else(|fault| panic!("{}", fault.what));
        (played.cells.len(), counting::in_use() - before)
    };
    let (few, many) = (left_by(4), left_by(20));
    let of_run = (many.1 - few.1) / (many.0 - few.0);
    let counted = result_bytes(trace.span(), tune::bucket_for(trace.span()), 2, trace.len() as u64);
    println!("{of_run} bytes of a finished run, counted as {counted}");
    assert!(of_run as u64 <= counted && of_run as u64 >= counted / 4, "{of_run} bytes, counted as {counted}");
}
