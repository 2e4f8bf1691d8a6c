//! The short cut past the clock counts what the engine counts, number for number, and a run without a clock measures
//! what one with events measures.

#[path = "exact/recorded.rs"]
mod recorded;
#[path = "support/sample.rs"]
mod sample;

use std::fmt::Write;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::select;
use ttlab::cache::{Capacity, Cause};
use ttlab::engine::exact::surface::{CellCounts, LANES, Passes};
use ttlab::engine::exact::unbounded::ByObject;
use ttlab::engine::exact::{Counts, Detail, Lifetime, Order, Play, Player};
use ttlab::metrics::{Measurements, OutcomeKind};
use ttlab::random::Seed;
use ttlab::scenario::Scenario;
use ttlab::trace::import::{Options, open};
use ttlab::trace::shape::spread::Spread;
use ttlab::trace::{ClassId, Fact, Keys, ObjectId, Objects, Trace, Ttls};
use ttlab::tune;
use ttlab::units::{SimDuration, SimTime, Window};

const TICK: u64 = 1_000_000;

/// A scenario with one strategy at some capacities; its origin takes no time.
fn scenario(ttl: &str, cache: &str, warmup: u64) -> Scenario {
    let mut text = String::from("name = \"exact\"\n");
    let _ =
        writeln!(text, "[time]\nwarmup = \"{warmup}ms\"\n[workload]\nduration = \"1000h\"\nrate = \"1/s\"");
    for class in ["a", "b"] {
        let _ = writeln!(text, "[[workload.class]]\nname = \"{class}\"\nobjects = 1");
    }
    let _ = writeln!(text, "[origin]\nlatency = {{ model = \"constant\", value = \"0s\" }}");
    let _ = writeln!(text, "[cache]\nmemory = \"payload\"\n{cache}");
    let _ = writeln!(text, "[[strategy]]\nname = \"it\"\n{ttl}");
    Scenario::parse(&text, "exact.toml").unwrap_or_else(|error| panic!("{error}"))
}

/// Whether two means are the same but for the order in which they were added up.
fn near(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(1.0)
}

#[track_caller]
fn same(counts: &Counts, engine: &Measurements) {
    let of = |kind| engine.totals.outcomes.of(kind);
    let missed = |cause| of(OutcomeKind::Miss(cause));
    assert_eq!(
        [counts.hits, counts.cold, counts.expired, counts.evicted],
        [of(OutcomeKind::FreshHit), missed(Cause::Cold), missed(Cause::Expired), missed(Cause::Evicted)],
        "hits, and misses that are cold, expired, evicted"
    );
    assert_eq!(counts.requests(), engine.totals.outcomes.total());
    assert_eq!(counts.misses(), engine.origin.fetches);
    assert_eq!([counts.evictions, counts.expirations], [engine.evicted, engine.expired]);
    let memory = &engine.memory;
    assert_eq!(
        [counts.entries.peak, counts.entries.last],
        [memory.peak_entries, memory.final_entries],
        "entries"
    );
    assert!(
        near(counts.entries.mean, memory.mean_entries),
        "{} {}",
        counts.entries.mean,
        memory.mean_entries
    );
    let Some(bytes) = counts.bytes else { return };
    assert_eq!(
        [bytes.requested, bytes.hit, bytes.resident.peak, bytes.resident.last],
        [engine.totals.requested_bytes, engine.totals.hit_bytes, memory.peak_bytes, memory.final_bytes]
    );
    assert_eq!(bytes.requested - bytes.hit, engine.origin.bytes);
    assert!(near(bytes.resident.mean, memory.mean_bytes));
    let dead = memory.expired_resident_mean_bytes;
    assert!(near(bytes.dead_mean, dead), "dead: {} {dead}", bytes.dead_mean);
}

/// Plays every cell of a scenario both ways.
fn compare(scenario: &Scenario, trace: &Arc<Trace>, player: &mut Player) {
    for plan in tune::grid(scenario) {
        let seed = Seed::new(scenario.seed);
        let simulation =
            tune::simulation(scenario, &plan, trace, seed).unwrap_or_else(|fault| panic!("{}", fault.what));
        let engine = simulation.run_by_events(tune::bucket_for(trace.span()), &()).expect("nobody stops it");
        for detail in [Detail::Outcomes, Detail::Bytes] {
            let play = tune::exact(scenario, &plan, trace, seed, detail);
            let play = play.unwrap_or_else(|fault| panic!("{}", fault.what));
            let play = play.unwrap_or_else(|reason| panic!("it needs a clock: {reason}"));
            same(&player.play(play), &engine);
        }
    }
}

/// Requests for some of a dozen objects; many at the same instant.
fn traces() -> impl Strategy<Value = Arc<Trace>> {
    let requests = prop::collection::vec((0_u32..12, select(vec![0, 0, 1, 1, 2, 5, 30])), 0..300);
    let sizes = prop::collection::vec(1_u32..40, 12);
    let ttls = prop::collection::vec((0_u32..12, 0_u64..200, 1_u64..60), 0..20);
    (requests, sizes, ttls, 0_u64..30).prop_map(|(requests, sizes, ttls, silence)| {
        let mut now = 0;
        let mut times = Vec::new();
        for (_, pause) in &requests {
            now += pause * TICK;
            times.push(SimTime::from_nanos(now));
        }
        let ids = requests.iter().map(|(object, _)| ObjectId::new(*object)).collect();
        let facts = sizes.iter().enumerate().map(|(index, size)| Fact {
            size: *size,
            class: ClassId::from_index(index % 2),
            size_is_imputed: false,
        });
        let classes = vec!["a".to_owned(), "b".to_owned()];
        let objects = Objects::new(facts.collect(), Keys::Numbered, classes);
        let span = SimDuration::from_nanos(now + silence * TICK);
        let recorded = ttls.into_iter().map(|(object, at, ttl)| {
            (ObjectId::new(object), SimTime::from_nanos(at * TICK), SimDuration::from_millis(ttl))
        });
        let ttls = Ttls::new(12, recorded.collect());
        Arc::new(Trace::new(times, ids, objects, span).with_ttls(ttls))
    })
}

fn ttls() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("ttl = \"none\"".to_owned()),
        (1_u64..40).prop_map(|ms| format!("ttl = {{ rule = \"fixed\", ttl = \"{ms}ms\" }}")),
        (1_u64..40, 1_u64..40).prop_map(|(a, b)| format!(
            "ttl = {{ rule = \"class-table\", table = {{ a = \"{a}ms\", b = \"{b}ms\" }} }}"
        )),
        (1_u64..30, 0_u64..40).prop_map(|(idle, more)| format!(
            "ttl = {{ rule = \"sliding\", idle = \"{idle}ms\", max_age = \"{}ms\" }}",
            idle + more
        )),
        (1_u64..40).prop_map(|ms| format!("ttl = {{ rule = \"trace\", default = \"{ms}ms\" }}")),
        (2_u64..40).prop_map(|ms| format!(
            "ttl = {{ rule = \"fixed\", ttl = \"{ms}ms\", modifiers = [\"jitter\"] }}\nguard = \"single-flight\""
        )),
    ]
}

fn caches() -> impl Strategy<Value = String> {
    let capacity = prop_oneof![
        Just(String::new()),
        (1_u64..14, 1_u64..14)
            .prop_map(|(a, b)| format!("capacity = [{{ objects = {a} }}, {{ objects = {} }}]", a + b)),
        (1_u64..50, 1_u64..150).prop_map(|(a, b)| format!("capacity = [\"{a}B\", \"{}B\"]", a + b)),
    ];
    let eviction = select(vec!["lru", "fifo"]);
    (capacity, eviction, select(vec!["lazy", "eager"])).prop_map(|(capacity, eviction, reclaim)| {
        format!("eviction = \"{eviction}\"\nreclaim = \"{reclaim}\"\n{capacity}")
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn every_number_is_the_engines(
        trace in traces(), ttl in ttls(), cache in caches(), warmup in select(vec![0, 0, 40]),
        resolution in select(vec!["exact", "1ms"]),
    ) {
        prop_assume!(SimDuration::from_millis(warmup) < trace.span() || warmup == 0);
        let scenario = scenario(&ttl, &format!("ttl_resolution = \"{resolution}\"\n{cache}"), warmup);
        compare(&scenario, &trace, &mut Player::default());
    }
}

/// One cell of exact LRU by a pass of its own.
fn alone(
    trace: &Trace,
    window: Window,
    capacity: Capacity,
    lifetime: Lifetime,
    player: &mut Player,
) -> (CellCounts, f64, Counts) {
    let (order, reclaim, detail) = (Order::Lru, None, Detail::Bytes);
    let counts = player.play(Play { trace, window, order, capacity, lifetime, reclaim, detail });
    let bytes = counts.bytes.expect("they were asked for");
    let live_mean = bytes.resident.mean - bytes.dead_mean;
    (CellCounts { hits: counts.hits, hit_bytes: bytes.hit, live_mean }, bytes.resident.mean, counts)
}

#[track_caller]
fn same_cell(a: &CellCounts, b: &CellCounts) {
    assert_eq!((a.hits, a.hit_bytes), (b.hits, b.hit_bytes));
    assert!(near(a.live_mean, b.live_mean), "live: {} {}", a.live_mean, b.live_mean);
}

/// From the warm-up on.
fn scored(trace: &Trace, warmup: u64) -> Window {
    let from = SimTime::from_nanos(warmup * TICK).min(SimTime::ZERO + trace.span());
    Window { from, until: SimTime::ZERO + trace.span() }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn many_ttls_and_many_sizes_come_out_as_one_by_one(
        trace in traces(), ttls in prop::collection::vec(1_u64..60, 1..=LANES), warmup in select(vec![0, 0, 40]),
        capacity in prop_oneof![
            Just(Capacity::Unbounded), (1_u64..14).prop_map(Capacity::Objects), (1_u64..200).prop_map(Capacity::Bytes),
        ],
        sizes in prop::collection::vec(1_u64..14, 1..9),
    ) {
        let window = scored(&trace, warmup);
        let mut player = Player::default();
        let ttls: Vec<SimDuration> = ttls.into_iter().map(SimDuration::from_millis).collect();
        let mut passes = Passes::default();
        // What a pass leaves behind is nothing to the next one.
        passes.ttls(&trace, window, Capacity::Objects(3), &ttls[..1]);
        let (row, cells) = passes.ttls(&trace, window, capacity, &ttls);
        for (cell, ttl) in cells.iter().zip(&ttls) {
            let (want, resident, counts) = alone(&trace, window, capacity, Lifetime::Fixed(*ttl), &mut player);
            same_cell(cell, &want);
            prop_assert!(near(row.resident_mean, resident));
            let bytes = counts.bytes.expect("they were asked for");
            prop_assert_eq!((row.requests, row.requested), (counts.requests(), bytes.requested));
        }
        let want: Vec<(u64, f64)> = sizes.iter().map(|size| {
            let (cell, resident, _) = alone(&trace, window, Capacity::Objects(*size), Lifetime::Forever, &mut player);
            (cell.hits, resident)
        }).collect();
        let sized = passes.sizes_with_bytes(&trace, window, &sizes);
        prop_assert_eq!(sized.requests, row.requests);
        for (got, want) in sized.cells.iter().zip(&want) {
            prop_assert!(got.0 == want.0 && near(got.1, want.1), "{:?} instead of {:?}", got, want);
        }
        let hits: Vec<u64> = want.iter().map(|(hits, _)| *hits).collect();
        prop_assert_eq!(passes.sizes(&trace, window, &sizes), hits);
    }

    /// With far more objects than a block has requests, caches go on by the block, except where they are tiny.
    #[test]
    fn many_sizes_come_out_as_one_by_one_where_they_go_on_by_the_block(
        asked in prop::collection::vec((0.0_f64..1.0, 2_i32..6), 3_000..6_000), warmup in 0_u64..2_000,
        sizes in prop::collection::vec(1_u64..900, 1..12),
    ) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below a thousand")]
        let requests = asked.iter().map(|(at, power)| (at.powi(*power) * 1_000.0) as u32);
        let objects: Vec<ObjectId> = requests.map(ObjectId::new).collect();
        let times = (0..objects.len() as u64).map(|nth| SimTime::from_nanos(nth * TICK)).collect();
        let span = SimDuration::from_nanos(objects.len() as u64 * TICK);
        let fact = |nth: u32| Fact { size: 1 + nth % 13, class: ClassId::from_index(0), size_is_imputed: false };
        let facts = (0..1_000).map(fact).collect();
        let known = Objects::new(facts, Keys::Numbered, vec!["a".to_owned()]);
        let trace = Trace::new(times, objects, known, span);
        let window = scored(&trace, warmup);
        let mut player = Player::default();
        let want: Vec<(u64, f64)> = sizes.iter().map(|size| {
            let (cell, resident, _) = alone(&trace, window, Capacity::Objects(*size), Lifetime::Forever, &mut player);
            (cell.hits, resident)
        }).collect();
        let mut passes = Passes::default();
        let sized = passes.sizes_with_bytes(&trace, window, &sizes);
        for (got, want) in sized.cells.iter().zip(&want) {
            prop_assert!(got.0 == want.0 && near(got.1, want.1), "{:?} instead of {:?}", got, want);
        }
        let hits: Vec<u64> = want.iter().map(|(hits, _)| *hits).collect();
        prop_assert_eq!(passes.sizes(&trace, window, &sizes), hits);
    }

    #[test]
    fn caches_without_limit_need_no_cache(
        trace in traces(), ttls in prop::collection::vec(1_u64..60, 1..6), warmup in select(vec![0, 0, 40]),
    ) {
        let window = scored(&trace, warmup);
        let mut player = Player::default();
        let ttls: Vec<SimDuration> = ttls.into_iter().map(SimDuration::from_millis).collect();
        let by_object = ByObject::new(&trace, window);
        let sliding = by_object.sliding(&ttls);
        for (ttl, sliding) in ttls.iter().zip(&sliding) {
            let lifetime = Lifetime::Fixed(*ttl);
            let (want, resident, counts) = alone(&trace, window, Capacity::Unbounded, lifetime, &mut player);
            same_cell(&by_object.fixed(*ttl), &want);
            prop_assert!(near(by_object.ever_asked(), resident));
            prop_assert_eq!(by_object.requested().0, counts.requests());
            let text = format!("ttl = {{ rule = \"sliding\", idle = \"{ttl}\", max_age = \"unbounded\" }}");
            let scenario = scenario(&text, "ttl_resolution = \"exact\"", 0);
            let plan = tune::grid(&scenario)[0];
            let play = tune::exact(&scenario, &plan, &trace, Seed::new(1), Detail::Bytes);
            let play = play.unwrap_or_else(|fault| panic!("{}", fault.what)).expect("it needs no clock");
            let (want, ..) = alone(&trace, window, Capacity::Unbounded, play.lifetime, &mut player);
            same_cell(sliding, &want);
        }
    }
}

#[test]
fn both_sample_logs_come_out_as_in_the_engine() {
    let mut player = Player::default();
    for name in ["nasa-1995-08-01.clf.xz", "airisdata-2016-images.combined.xz"] {
        let Some(path) = sample::sample(name) else { return };
        let options = Options { spread: Spread::None, ..Options::default() };
        let import = open(&path, &options, Seed::new(1)).expect("the sample traces can be read");
        let trace = Arc::new(import.trace);
        for (ttl, cache) in [
            ("ttl = \"none\"", "eviction = \"lru\"\ncapacity = [\"1MiB\", \"16MiB\"]"),
            (
                "ttl = { rule = \"fixed\", ttl = \"1h\" }",
                "eviction = [\"lru\", \"fifo\"]\ncapacity = \"8MiB\"",
            ),
            (
                "ttl = { rule = \"fixed\", ttl = \"1d\" }",
                "eviction = \"lru\"\nreclaim = \"eager\"\ncapacity = { objects = 500 }",
            ),
            ("ttl = { rule = \"sliding\", idle = \"1h\", max_age = \"1d\" }", ""),
        ] {
            compare(&scenario(ttl, cache, 3_600_000), &trace, &mut player);
        }
    }
}

#[test]
fn who_needs_a_clock_is_told_why() {
    let trace = Arc::new(Trace::new(
        Vec::new(),
        Vec::new(),
        Objects::new(Vec::new(), Keys::Numbered, Vec::new()),
        SimDuration::ZERO,
    ));
    let reason = |text: &str| {
        let scenario = Scenario::parse(text, "exact.toml").unwrap_or_else(|error| panic!("{error}"));
        let plan = tune::grid(&scenario)[0];
        let play = tune::exact(&scenario, &plan, &trace, Seed::new(1), Detail::Outcomes);
        play.unwrap_or_else(|fault| panic!("{}", fault.what)).err().expect("it needs a clock")
    };
    let head = "name = \"x\"\n[workload]\nduration = \"1m\"\nrate = \"1/s\"\nclass = [{ name = \"a\", objects = 1 }]\n";
    let strategy = "[[strategy]]\nname = \"it\"\n";
    let slow = format!(
        "{head}[origin]\nlatency = {{ model = \"constant\", value = \"1ms\" }}\n{strategy}ttl = \"none\"\n"
    );
    assert_eq!(reason(&slow), "fetches take time (latency \"constant\")");
    let instant = format!("{head}[origin]\nlatency = {{ model = \"constant\", value = \"0s\" }}\n");
    assert_eq!(
        reason(&format!(
            "{instant}[cache]\ncapacity = {{ objects = 3 }}\neviction = \"sieve\"\n{strategy}ttl = \"none\"\n"
        )),
        "eviction \"sieve\" is neither exact LRU nor FIFO"
    );
    assert_eq!(reason(&format!("{instant}{strategy}ttl = \"d-ttl\"\n")), "ttl rule \"d-ttl\" learns");
    assert_eq!(
        reason(&format!("{instant}{strategy}ttl = \"none\"\nguard = \"lock\"\n")),
        "guard \"lock\" has a clock of its own"
    );
}
