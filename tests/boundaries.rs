//! The edges: last instants, nothing at all, everything at once, and what cannot fit.

#[path = "support/traces.rs"]
mod traces;

use std::collections::BTreeMap;
use std::sync::Arc;

use ttlab::cache::Stored;
use ttlab::metrics::Cause::{Cold, Expired};
use ttlab::metrics::OutcomeKind::{self, FreshHit, Miss, StaleHit};
use ttlab::metrics::{Command, Measurements, Observer, Outcome};
use ttlab::random::Seed;
use ttlab::scenario::{Scenario, Source};
use ttlab::trace::synth::generate;
use ttlab::trace::{Event, Happening, ObjectId, Trace};
use ttlab::tune;
use ttlab::units::{SimDuration, SimTime};

const SECOND: u64 = 1_000_000_000;
const AT_ONCE: &str = "[origin]\nlatency = { model = \"constant\", value = \"0s\" }\n";
const TEN_SECONDS: &str = "ttl = { rule = \"fixed\", ttl = \"10s\" }\n";

fn scenario(objects: usize, origin: &str, cache: &str, strategy: &str) -> Scenario {
    let source = traces::source(objects);
    let text = format!(
        "name = \"edge\"\n{source}{origin}[cache]\n{cache}\n[[strategy]]\nname = \"edge\"\n{strategy}\n"
    );
    Scenario::parse(&text, "edge.toml").unwrap_or_else(|error| panic!("{error}"))
}

#[derive(Default)]
struct Kinds(Vec<OutcomeKind>);

impl Observer for Kinds {
    fn observe(&mut self, outcome: &Outcome) {
        self.0.push(outcome.kind);
    }
}

/// The outcomes of the only cell of a scenario over a trace.
fn outcomes(scenario: &Scenario, trace: &Arc<Trace>) -> Vec<OutcomeKind> {
    let plan = tune::grid(scenario)[0];
    let simulation = tune::simulation(scenario, &plan, trace, Seed::new(1)).expect("it can be made");
    simulation.observed_by(Kinds::default(), &()).expect("nobody stops it").1.0
}

/// What the only cell of a scenario measures over a trace.
fn measured(scenario: &Scenario, trace: &Arc<Trace>) -> Measurements {
    let plan = tune::grid(scenario)[0];
    let simulation = tune::simulation(scenario, &plan, trace, Seed::new(1)).expect("it can be made");
    simulation.run(tune::bucket_for(trace.span()), &()).expect("nobody stops it")
}

/// What a holder of a lock sends after its fetch.
#[derive(Default)]
struct Sent(Vec<&'static str>);

impl Observer for Sent {
    fn observe(&mut self, _: &Outcome) {}

    fn stored(&mut self, _: u32, _: SimTime, _: Stored) {
        self.0.push("stored");
    }

    fn sent(&mut self, _: SimTime, command: Command, times: u64) {
        if command == Command::Unlock && times > 0 {
            self.0.push("given back");
        }
    }
}

#[test]
fn a_lock_is_given_back_once_the_value_is_stored() {
    let origin = "[origin]\nlatency = { model = \"constant\", value = \"2s\" }\n";
    for memory in ["payload", "redis"] {
        let cache = format!("memory = \"{memory}\"");
        let scenario = scenario(1, origin, &cache, &format!("{TEN_SECONDS}guard = \"lock\"\n"));
        let trace = traces::trace(&[(0, 0), (20 * SECOND, 0)], &[100], 30 * SECOND);
        let plan = tune::grid(&scenario)[0];
        let simulation = tune::simulation(&scenario, &plan, &trace, Seed::new(1)).expect("it can be made");
        let (_, Sent(sent)) = simulation.observed_by(Sent::default(), &()).expect("nobody stops it");
        assert_eq!(sent, ["stored", "given back", "stored", "given back"], "{memory}");
    }
}

/// The outcome of a second request for an object that was first asked for at zero.
fn second(scenario: &Scenario, at: u64) -> OutcomeKind {
    outcomes(scenario, &traces::trace(&[(0, 0), (at, 0)], &[100], at + 1))[1]
}

#[test]
fn a_value_is_fresh_at_the_last_nanosecond_of_its_ttl_and_gone_at_the_next() {
    for reclaim in ["lazy", "eager"] {
        for resolution in ["exact", "1ms", "1s"] {
            let cache = format!("reclaim = \"{reclaim}\"\nttl_resolution = \"{resolution}\"");
            let scenario = scenario(1, AT_ONCE, &cache, TEN_SECONDS);
            assert_eq!(second(&scenario, 10 * SECOND - 1), FreshHit, "{cache}");
            assert_eq!(second(&scenario, 10 * SECOND), FreshHit, "{cache}");
            assert_eq!(second(&scenario, 10 * SECOND + 1), Miss(Expired), "{cache}");
        }
    }
}

#[test]
fn the_ttl_counts_from_the_end_of_the_fetch() {
    let origin = "[origin]\nlatency = { model = \"constant\", value = \"2s\" }\n";
    let scenario = scenario(1, origin, "", TEN_SECONDS);
    assert_eq!(second(&scenario, 2 * SECOND - 1), Miss(Cold));
    assert_eq!(second(&scenario, 2 * SECOND), FreshHit);
    assert_eq!(second(&scenario, 12 * SECOND), FreshHit);
    assert_eq!(second(&scenario, 12 * SECOND + 1), Miss(Expired));
}

#[test]
fn the_stale_window_begins_one_tick_after_the_ttl_and_ends_with_its_last() {
    let strategy =
        format!("{TEN_SECONDS}refresh = {{ policy = \"stale-while-revalidate\", window = \"5s\" }}");
    let scenario = scenario(1, AT_ONCE, "", &strategy);
    assert_eq!(second(&scenario, 10 * SECOND), FreshHit);
    assert_eq!(second(&scenario, 10 * SECOND + 1), StaleHit);
    assert_eq!(second(&scenario, 15 * SECOND), StaleHit);
    assert_eq!(second(&scenario, 15 * SECOND + 1), Miss(Expired));
}

#[test]
fn a_copy_that_is_marked_as_stale_is_fresh_until_one_tick_before() {
    let strategies = [
        (TEN_SECONDS.to_owned(), Miss(Expired), Miss(Expired)),
        (
            format!("{TEN_SECONDS}refresh = {{ policy = \"stale-while-revalidate\", window = \"2s\" }}"),
            StaleHit,
            Miss(Expired),
        ),
        // The window of a TTL that would have ended sooner is not made longer.
        (
            "ttl = { rule = \"fixed\", ttl = \"5s\" }\nrefresh = { policy = \"stale-while-revalidate\", window = \"1ms\" }"
                .to_owned(),
            StaleHit,
            Miss(Expired),
        ),
    ];
    for reclaim in ["lazy", "eager"] {
        for (strategy, marked, later) in &strategies {
            let scenario = scenario(1, AT_ONCE, &format!("reclaim = \"{reclaim}\""), strategy);
            let asked = |at: u64, before: usize| {
                let requests = [(0, 0), (at, 0)];
                let mark = Event {
                    at: SimTime::from_nanos(4 * SECOND),
                    object: ObjectId::new(0),
                    what: Happening::MarkedStale,
                    before,
                };
                let trace = Arc::into_inner(traces::trace(&requests, &[100], 9 * SECOND))
                    .expect("nobody else has it");
                outcomes(&scenario, &Arc::new(trace.with_events(vec![mark])))[1]
            };
            assert_eq!(asked(4 * SECOND - 1, 2), FreshHit, "{strategy}");
            assert_eq!(asked(4 * SECOND, 2), FreshHit, "the request came before the mark: {strategy}");
            assert_eq!(asked(4 * SECOND, 1), *marked, "{strategy}");
            assert_eq!(asked(7 * SECOND, 1), *later, "{strategy}");
        }
    }
}

#[test]
fn a_sliding_ttl_ends_one_tick_after_its_greatest_age() {
    let strategy = "ttl = { rule = \"sliding\", idle = \"10s\", max_age = \"15s\" }";
    let scenario = scenario(1, AT_ONCE, "", strategy);
    for (last, kind) in [(15 * SECOND, FreshHit), (15 * SECOND + 1, Miss(Expired))] {
        let trace = traces::trace(&[(0, 0), (8 * SECOND, 0), (last, 0)], &[1], last);
        assert_eq!(outcomes(&scenario, &trace)[2], kind);
    }
}

#[test]
fn no_modifier_lengthens_a_ttl_beyond_the_greatest_age_of_its_rule() {
    let price = "miss_cost = 1, price = 1";
    for rule in [
        "rule = \"sliding\", idle = \"10s\"".to_owned(),
        format!("rule = \"break-even\", {price}, min = \"10s\", max = \"10s\""),
        "rule = \"d-ttl\", start = \"10s\", max_ttl = \"10s\"".to_owned(),
        "rule = \"f-ttl\", start = \"10s\", max_ttl = \"10s\", size_target = { objects = 1 }".to_owned(),
        format!("rule = \"elastic\", {price}, start = \"10s\", max = \"10s\""),
    ] {
        for modifier in [
            "modifier = \"jitter\", mode = \"additive\", most = \"9s\"",
            "modifier = \"schedule\", start = \"Mon 00:00\", table = { \"00:00\" = 2 }",
        ] {
            let strategy = format!(
                "ttl = {{ {rule}, max_age = \"10s\", modifiers = [{{ {modifier} }}] }}\nallow_two_controllers = true"
            );
            let scenario = scenario(1, AT_ONCE, "", &strategy);
            assert_eq!(second(&scenario, 10 * SECOND), FreshHit, "{strategy}");
            assert_eq!(second(&scenario, 10 * SECOND + 1), Miss(Expired), "{strategy}");
        }
    }
}

#[test]
fn the_expire_of_a_sweep_moves_the_deadline_of_a_value_that_its_own_fetch_did_not_write() {
    // The first fetch stores at 2 s. The second one, asked for at 1 s, finds that value, or no room for its own.
    let origin = "[origin]\nlatency = { model = \"constant\", value = \"2s\" }\n";
    let first = format!("{origin}[client]\nduplicate_fill = \"keep-first\"\n");
    for (origin, cache) in [(first.as_str(), ""), (origin, "capacity = \"100B\"\neviction = \"noeviction\"")]
    {
        for lean in [false, true] {
            let sweep = format!("sweep = {{ policy = \"zset-sweep\", limit_entries = 10, lean = {lean} }}");
            let scenario = scenario(1, origin, cache, &format!("{TEN_SECONDS}{sweep}"));
            for (last, kind) in [(13 * SECOND, FreshHit), (13 * SECOND + 1, Miss(Expired))] {
                let trace = traces::trace(&[(0, 0), (SECOND, 0), (last, 0)], &[60], last);
                let kinds = outcomes(&scenario, &trace);
                assert_eq!(kinds, [Miss(Cold), Miss(Cold), kind], "{origin}{cache}{sweep}");
            }
        }
    }
}

#[test]
fn an_empty_trace_has_no_outcome_and_no_time() {
    let run = measured(&scenario(1, AT_ONCE, "", TEN_SECONDS), &traces::trace(&[], &[1], 0));
    assert_eq!((run.totals.outcomes.total(), run.origin.fetches, run.scored), (0, 0, SimDuration::ZERO));
    let run = measured(&scenario(1, AT_ONCE, "", TEN_SECONDS), &traces::trace(&[], &[], 5 * SECOND));
    assert_eq!((run.totals.outcomes.total(), run.scored), (0, SimDuration::from_secs(5)));
}

#[test]
fn one_request_is_one_cold_miss_and_stays_in_memory() {
    // Without any time, there is no mean over time; what was held at the end is known all the same.
    for end in [0, 4 * SECOND] {
        let scenario = scenario(1, AT_ONCE, "", TEN_SECONDS);
        let run = measured(&scenario, &traces::trace(&[(0, 0)], &[100], end));
        assert_eq!(run.totals.outcomes.of(Miss(Cold)), 1);
        assert_eq!((run.memory.final_entries, run.memory.final_bytes, run.memory.peak_bytes), (1, 100, 100));
        assert_eq!(run.stampedes.regenerations, 1);
    }
}

#[test]
fn at_one_instant_a_fetch_that_takes_no_time_serves_all_who_come_after_it() {
    let requests = [(SECOND, 0); 50];
    let trace = traces::trace(&requests, &[100], SECOND);
    for guard in ["none", "single-flight"] {
        let strategy = format!("{TEN_SECONDS}guard = \"{guard}\"");
        let run = measured(&scenario(1, AT_ONCE, "", &strategy), &trace);
        assert_eq!((run.totals.outcomes.of(FreshHit), run.origin.fetches), (49, 1), "{guard}");
    }
}

#[test]
fn at_one_instant_a_fetch_that_takes_time_serves_all_or_everyone_fetches() {
    let trace = traces::trace(&[(SECOND, 0); 50], &[100], 5 * SECOND);
    let origin = "[origin]\nlatency = { model = \"constant\", value = \"1s\" }\n";
    for (guard, fetches, delayed, size) in [("none", 50, 0, 50), ("single-flight", 1, 49, 0)] {
        let strategy = format!("{TEN_SECONDS}guard = \"{guard}\"");
        let run = measured(&scenario(1, origin, "", &strategy), &trace);
        assert_eq!((run.origin.fetches, run.totals.outcomes.of(OutcomeKind::DelayedHit)), (fetches, delayed));
        assert_eq!((run.stampedes.max_size, run.stampedes.regenerations), (size, 1), "{guard}");
    }
}

#[test]
fn an_object_larger_than_the_cache_is_served_and_never_stored() {
    let requests = [(0, 0), (1, 1), (2, 1), (3, 0)];
    let trace = traces::trace(&requests, &[60, 101], 10);
    for eviction in ["lru", "fifo", "noeviction"] {
        let cache = format!("capacity = \"100B\"\neviction = \"{eviction}\"");
        let scenario = scenario(2, AT_ONCE, &cache, TEN_SECONDS);
        assert_eq!(outcomes(&scenario, &trace), [Miss(Cold), Miss(Cold), Miss(Cold), FreshHit], "{cache}");
        let run = measured(&scenario, &trace);
        assert_eq!((run.evicted, run.memory.peak_bytes), (0, 60), "{cache}");
        let refused = if eviction == "noeviction" { (2, 0) } else { (0, 2) };
        assert_eq!((run.out_of_memory, run.too_large), refused, "{cache}");
    }
}

#[test]
fn an_object_as_large_as_the_cache_takes_all_of_it() {
    let trace = traces::trace(&[(0, 0), (1, 1), (2, 1)], &[60, 100], 10);
    let run = measured(&scenario(2, AT_ONCE, "capacity = \"100B\"", TEN_SECONDS), &trace);
    assert_eq!((run.totals.outcomes.of(FreshHit), run.evicted, run.memory.final_bytes), (1, 1, 100));
}

#[test]
fn a_cache_without_room_serves_everything_from_the_origin() {
    let trace = traces::trace(&[(0, 0), (1, 0), (2, 0)], &[1], 10);
    for capacity in ["\"0B\"", "{ objects = 0 }"] {
        for eviction in ["lru", "fifo", "noeviction"] {
            let cache = format!("capacity = {capacity}\neviction = \"{eviction}\"");
            let run = measured(&scenario(1, AT_ONCE, &cache, TEN_SECONDS), &trace);
            // To a server 0 bytes are no limit.
            let holds = capacity == "\"0B\"" && eviction == "noeviction";
            let fetches = if holds { 1 } else { 3 };
            assert_eq!(
                (run.totals.outcomes.of(Miss(Cold)), run.origin.fetches),
                (fetches, fetches),
                "{cache}"
            );
            assert_eq!((run.memory.peak_entries, run.evicted), (u64::from(holds), 0), "{cache}");
        }
    }
}

/// A policy with queues divides what entries may take: where Redis itself takes most of a small limit, it holds as many
/// values, and hits as often, as with that many objects alone.
#[test]
fn queues_divide_what_a_server_leaves_for_entries() {
    let hits = |cache: &str| {
        let text = format!(
            "name = \"edge\"\n[workload]\nduration = \"100s\"\nrate = \"1000/s\"\n[[workload.class]]\nname = \"c0\"\nobjects = 20000\n\
             size = {{ model = \"constant\", value = \"1KB\" }}\npopularity = {{ model = \"zipf\", alpha = 0.6 }}\n{AT_ONCE}\
             [cache]\n{cache}\n[[strategy]]\nname = \"edge\"\nttl = \"none\"\n"
        );
        let scenario = Scenario::parse(&text, "edge.toml").unwrap_or_else(|error| panic!("{error}"));
        let Source::Synthetic(workload) = &scenario.source else { panic!("it has a workload") };
        let run = measured(&scenario, &Arc::new(generate(workload, Seed::new(1))));
        (run.totals.outcomes.of(FreshHit) as f64, run.memory.mean_entries)
    };
    for eviction in ["s3-fifo", "arc", "s4lru", "w-tinylfu"] {
        let (redis, entries) =
            hits(&format!("capacity = \"1.1MB\"\neviction = \"{eviction}\"\nmemory = \"redis\""));
        let (alone, _) = hits(&format!("capacity = {{ objects = {entries:.0} }}\neviction = \"{eviction}\""));
        assert!(
            (redis / alone - 1.0).abs() < 0.1,
            "{eviction}: {redis} hits with {entries:.0} entries, {alone} alone"
        );
    }
}

/// What is said of a scenario that cannot be.
fn refusal(workload: &str, strategy: &str) -> String {
    let text = format!("name = \"edge\"\n{workload}\n[[strategy]]\nname = \"edge\"\n{strategy}\n");
    Scenario::parse(&text, "edge.toml").expect_err("it is refused").to_string()
}

#[test]
fn a_ttl_of_zero_is_refused() {
    for ttl in [
        "ttl = { rule = \"fixed\", ttl = \"0s\" }",
        "ttl = { rule = \"class-table\", table = { c0 = \"0s\" } }",
        "ttl = { rule = \"sliding\", idle = \"0s\" }",
    ] {
        let said = refusal(&traces::source(1), ttl);
        assert!(said.contains("1ms") && said.contains("0s"), "{said}");
    }
}

#[test]
fn more_objects_than_have_numbers_are_refused() {
    let objects = u64::from(u32::MAX);
    let workload = format!(
        "[workload]\nduration = \"1s\"\nrate = \"1/s\"\n[[workload.class]]\nname = \"c0\"\nobjects = {objects}"
    );
    assert!(refusal(&workload, TEN_SECONDS).contains("4294967294"), "{}", refusal(&workload, TEN_SECONDS));
}

/// Exact LRU in its plainest form: whether each request hits. `fits` says whether so many bytes and entries do.
fn classic_lru(trace: &Trace, fits: impl Fn(u64, usize) -> bool) -> Vec<bool> {
    let (mut last_use, mut by_use, mut bytes) = (BTreeMap::new(), BTreeMap::new(), 0);
    let one = |(now, id)| {
        let size = u64::from(trace.objects().size(id));
        let before = last_use.remove(&id);
        if let Some(before) = before {
            by_use.remove(&before);
            bytes -= size;
        } else if !fits(size, 1) {
            return false;
        }
        while !fits(bytes + size, by_use.len() + 1) {
            let (_, victim) = by_use.pop_first().expect("one entry alone fits");
            last_use.remove(&victim);
            bytes -= u64::from(trace.objects().size(victim));
        }
        last_use.insert(id, now);
        by_use.insert(now, id);
        bytes += size;
        before.is_some()
    };
    trace.object_ids().iter().copied().enumerate().map(one).collect()
}

#[test]
fn without_latency_and_ttl_the_engine_is_a_classic_lru_hit_for_hit() {
    let of = |capacity: &str| {
        let text = format!(
            "name = \"edge\"\n[workload]\nduration = \"1000s\"\nrate = \"1000/s\"\n[[workload.class]]\nname = \"image\"\n\
             objects = 50_000\nsize = {{ model = \"lognormal\", median = \"10kB\", sigma = 1.5 }}\n\
             {AT_ONCE}[cache]\ncapacity = {capacity}\n[[strategy]]\nname = \"edge\"\nttl = \"none\"\n"
        );
        Scenario::parse(&text, "edge.toml").unwrap_or_else(|error| panic!("{error}"))
    };
    let Source::Synthetic(workload) = of("{ objects = 1 }").source else { panic!("it is synthetic") };
    let trace = Arc::new(generate(&workload, Seed::new(7)));
    // The smallest cache of bytes is one that some of the objects cannot enter at all.
    for (capacity, bytes, entries) in [
        ("{ objects = 1 }", u64::MAX, 1),
        ("{ objects = 5000 }", u64::MAX, 5_000),
        ("\"500kB\"", 500_000, usize::MAX),
        ("\"100MB\"", 100_000_000, usize::MAX),
    ] {
        let engine: Vec<bool> =
            outcomes(&of(capacity), &trace).iter().map(|kind| *kind == FreshHit).collect();
        let classic = classic_lru(&trace, |of_bytes, of_entries| of_bytes <= bytes && of_entries <= entries);
        assert!(engine.len() > 990_000 && engine.contains(&true) && engine.contains(&false));
        let first = engine.iter().zip(&classic).position(|(engine, classic)| engine != classic);
        assert_eq!(first, None, "capacity {capacity}: the first request that differs");
    }
}
