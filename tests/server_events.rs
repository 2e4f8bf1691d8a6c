//! What happens to requests while the cache's server is flushed, restarted or given another limit.

mod support;

use ttlab::cache::Cause;
use ttlab::metrics::{Measurements, OutcomeKind};

/// 50 images asked for 100 times a second for 10 minutes, in buckets of 10 s; whatever happens, happens at 5 minutes.
fn run(cache: &str, strategy: &str) -> Measurements {
    let text = format!(
        "name = \"events\"\nseed = 7\n[time]\nbucket = \"10s\"\n\
         [workload]\nduration = \"10m\"\nrate = \"100/s\"\n\
         [[workload.class]]\nname = \"image\"\nobjects = 50\n\
         popularity = {{ model = \"zipf\", alpha = 0.0 }}\n\
         [origin]\nlatency = {{ model = \"constant\", value = \"0s\" }}\n\
         {cache}\n[[strategy]]\nname = \"s\"\nttl = \"none\"\n{strategy}\n"
    );
    support::run(&text).remove(0).remove(0)
}

/// The bucket that begins at 5 minutes.
const THEN: usize = 30;

fn lost(run: &Measurements) -> Vec<u64> {
    run.series.buckets.iter().map(|bucket| bucket.outcomes.of(OutcomeKind::Miss(Cause::Lost))).collect()
}

#[test]
fn after_a_flush_each_image_is_lost_once() {
    let run = run("[[cache.event]]\nflush = { at = \"5m\" }", "");
    assert_eq!(run.totals.outcomes.of(OutcomeKind::Miss(Cause::Cold)), 50);
    assert_eq!(lost(&run).iter().sum::<u64>(), 50);
    assert_eq!(lost(&run)[..THEN].iter().sum::<u64>(), 0);
    assert_eq!(run.origin.fetches, 100);
    assert_eq!((run.expired, run.evicted, run.memory.final_entries), (0, 0, 50));
}

#[test]
fn while_the_server_is_down_every_request_goes_to_the_origin() {
    for (persistence, afterwards) in [("none", 50), ("rdb", 0), ("aof", 0)] {
        let event = format!(
            "[[cache.event]]\nrestart = {{ at = \"5m\", down = \"10s\", persistence = \"{persistence}\" }}"
        );
        for guard in ["", "guard = \"lock\"", "guard = \"lease\""] {
            let run = run(&event, guard);
            let bucket = &run.series.buckets[THEN];
            let lost = lost(&run);
            assert_eq!(lost[THEN], bucket.outcomes.total(), "{persistence} {guard}: nothing is found");
            assert_eq!(bucket.fetches, bucket.outcomes.total(), "{persistence} {guard}: everybody fetches");
            assert_eq!(lost[THEN + 1..].iter().sum::<u64>(), afterwards, "{persistence} {guard}");
            assert_eq!(run.memory.final_entries, 50);
        }
    }
}

/// What a lock does in a server that is told so, 100 images asked for 200 times a second for a minute, and kept for 10 s.
fn locked(server: &str, lock: &str, latency: &str) -> Measurements {
    let text = format!(
        "name = \"locks\"\nseed = 7\n[time]\nbucket = \"5s\"\n\
         [workload]\nduration = \"60s\"\nrate = \"200/s\"\n\
         [[workload.class]]\nname = \"image\"\nobjects = 100\n\
         popularity = {{ model = \"zipf\", alpha = 0.0 }}\nsize = {{ model = \"constant\", value = \"2KiB\" }}\n\
         [origin]\nlatency = {{ model = \"constant\", value = \"{latency}\" }}\n\
         {server}\n[[strategy]]\nname = \"s\"\nttl = {{ rule = \"fixed\", ttl = \"10s\" }}\n\
         guard = {{ policy = \"lock\", lock_ttl = \"2s\", wait_timeout = \"8s\"{lock} }}\n"
    );
    support::run(&text).remove(0).remove(0)
}

#[test]
fn a_lock_that_is_prolonged_until_the_server_goes_down_ends_by_itself() {
    for persistence in ["rdb", "aof"] {
        // Fetches that take longer than the downtime hold their locks when it begins, and others when it ends.
        for memory in ["redis", "payload"] {
            let server = format!(
                "[cache]\nmemory = \"{memory}\"\n[[cache.event]]\nrestart = {{ at = \"31s\", down = \"4s\", persistence = \"{persistence}\" }}"
            );
            let run = locked(&server, ", extend = true, on_timeout = \"fail\"", "3s");
            let failed: Vec<u64> =
                run.series.buckets.iter().map(|bucket| bucket.outcomes.of(OutcomeKind::Error)).collect();
            assert_eq!(
                failed.iter().sum::<u64>(),
                0,
                "{memory}, {persistence}: nobody waits for a lock in vain: {failed:?}"
            );
        }
    }
}

/// Fetches of an object while another fetch of it was under way.
fn doubled(run: &Measurements) -> u64 {
    run.series.buckets.iter().map(|bucket| bucket.duplicate_fetches).sum()
}

#[test]
fn a_lock_that_was_evicted_or_refused_keeps_nobody_from_fetching() {
    let crowded = |memory, policy| {
        // As a server counts, this leaves room for a few of the values.
        let server = format!("[cache]\ncapacity = \"1MB\"\nmemory = \"{memory}\"\neviction = \"{policy}\"");
        locked(&server, "", "1s")
    };
    for policy in ["allkeys-random", "noeviction"] {
        assert_eq!(doubled(&crowded("payload", policy)), 0, "{policy}: there is room for all");
        let run = crowded("redis", policy);
        assert!(doubled(&run) > 100, "{policy}: {} of {}", doubled(&run), run.origin.fetches);
    }
}

#[test]
fn a_limit_may_change_while_requests_go_on() {
    let run = run(
        "[cache]\ncapacity = { objects = 40 }\n[[cache.event]]\nmaxmemory = { at = \"5m\", capacity = { objects = 10 } }",
        "",
    );
    // Uniform popularity and LRU: the hit ratio is the share of what is held.
    let share = |buckets: std::ops::Range<usize>| {
        let (hits, all) = run.series.buckets[buckets].iter().fold((0, 0), |(hits, all), bucket| {
            (hits + bucket.outcomes.hits(), all + bucket.outcomes.total())
        });
        hits as f64 / all as f64
    };
    assert!((share(1..THEN) - 0.8).abs() < 0.01, "{}", share(1..THEN));
    assert!((share(THEN..60) - 0.2).abs() < 0.01, "{}", share(THEN..60));
    assert_eq!((run.memory.peak_entries, run.memory.final_entries), (40, 10));
}
