//! `ttlab curve`: surfaces against simulations of every cell, and what the command says.

use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ttlab::cache::Capacity;
use ttlab::metrics::OutcomeKind;
use ttlab::record::Record;
use ttlab::report::Titled;
use ttlab::scenario::{Scenario, Source};
use ttlab::trace::Trace;
use ttlab::trace::synth::generate;
use ttlab::tune::{
    self, Beside, CellPlan, Figure, Method, Outlook, Point, Progress, Question, Runs, Surface,
};
use ttlab::units::SimDuration;

const WORKLOAD: &str = r#"
name = "curve"
[workload]
duration = "2h"
rate = "40/s"
class = [{ name = "image", objects = 20_000, popularity = { model = "zipf", alpha = 0.8 } }]
"#;

fn scenario(rest: &str) -> Scenario {
    Scenario::parse(&format!("{WORKLOAD}{rest}"), "curve.toml").unwrap_or_else(|error| panic!("{error}"))
}

fn requests(scenario: &Scenario) -> Arc<Trace> {
    let Source::Synthetic(workload) = &scenario.source else { panic!("it has a [workload]") };
    Arc::new(generate(workload, tune::replication_seed(scenario.seed, 0)))
}

fn minutes(all: &[u64]) -> Vec<SimDuration> {
    all.iter().map(|minutes| SimDuration::from_secs(minutes * 60)).collect()
}

fn surface(scenario: &mut Scenario, question: &Question, trace: &Arc<Trace>) -> Surface {
    let found = tune::surface(scenario, question, trace, &());
    found.unwrap_or_else(|fault| panic!("{}", fault.what)).expect("nobody stops it")
}

/// The hit ratio, origin load, resident and live bytes of each cell by the engine: the columns are the last strategies.
fn by_engine(scenario: &Scenario, surface: &Surface, trace: &Arc<Trace>) -> Vec<[f64; 4]> {
    let columns = surface.ttls.len().max(1);
    let first = scenario.strategies.len() - columns;
    let cells = surface.capacities.iter().flat_map(|capacity| (0..columns).map(move |ttl| (*capacity, ttl)));
    let play = |(capacity, ttl)| {
        let plan = CellPlan { strategy: first + ttl, eviction: 0, capacity };
        let simulation = tune::simulation(scenario, &plan, trace, tune::replication_seed(scenario.seed, 0));
        let simulation = simulation.unwrap_or_else(|fault| panic!("{}", fault.what));
        let seconds = simulation.window.length().as_secs_f64();
        let seen = simulation.run_by_events(tune::bucket_for(trace.span()), &()).expect("nobody stops it");
        [
            seen.totals.outcomes.hits() as f64 / seen.totals.outcomes.total() as f64,
            seen.origin.fetches as f64 / seconds,
            seen.memory.mean_bytes,
            seen.memory.mean_bytes - seen.memory.expired_resident_mean_bytes,
        ]
    };
    cells.map(play).collect()
}

/// The figures of a cell, in the order of [`by_engine`].
fn figures(point: &Point) -> [Figure; 4] {
    [point.hit, point.origin_rate, point.resident_bytes, point.live_bytes]
}

#[test]
fn exact_methods_give_what_the_engine_gives_in_every_cell() {
    let instant = "[origin]\nlatency = { model = \"constant\", value = \"0s\" }\n";
    let limits: Vec<Capacity> = [200, 1_000, 8_000].map(Capacity::Objects).to_vec();
    let fixed = "[[strategy]]\nname = \"it\"\nttl = { rule = \"fixed\", ttl = \"5m\" }\n";
    let sliding =
        "[[strategy]]\nname = \"it\"\nttl = { rule = \"sliding\", idle = \"5m\", max_age = \"1d\" }\n";
    for (method, cache, strategy, capacities) in [
        (Method::Passes, "[cache]\neviction = \"lru\"\n", fixed, limits.clone()),
        (Method::Cells, "[cache]\neviction = \"lru\"\nreclaim = \"eager\"\n", fixed, limits.clone()),
        (Method::Cells, "[cache]\neviction = \"fifo\"\n", fixed, limits.clone()),
        (Method::Cells, "[cache]\neviction = \"lru\"\n", sliding, limits.clone()),
        (
            Method::Sizes,
            "[cache]\neviction = \"lru\"\n",
            "[[strategy]]\nname = \"it\"\nttl = \"none\"\n",
            [limits.as_slice(), &[Capacity::Unbounded, Capacity::Objects(37)]].concat(),
        ),
        (
            Method::Cells,
            "[cache]\neviction = \"lru\"\n",
            "[[strategy]]\nname = \"it\"\nttl = \"none\"\n",
            vec![Capacity::Bytes(20 << 20), Capacity::Bytes(80 << 20)],
        ),
        (Method::Jumps, "", fixed, vec![Capacity::Unbounded]),
        (Method::Gaps, "", sliding, vec![Capacity::Unbounded]),
    ] {
        let mut scenario = scenario(&format!("[time]\nwarmup = \"10m\"\n{instant}{cache}{strategy}"));
        let trace = requests(&scenario);
        let ttls = if strategy.contains("none") { Vec::new() } else { minutes(&[1, 7, 30]) };
        let question = Question { strategy: 0, eviction: 0, capacities, ttls, sample: None };
        let found = surface(&mut scenario, &question, &trace);
        assert_eq!((found.method, &found.because), (method, &None));
        for (point, want) in found.points.iter().zip(by_engine(&scenario, &found, &trace)) {
            for (got, want) in figures(point).into_iter().zip(want) {
                assert_eq!(got.error, None);
                let got = got.value.expect("there are requests");
                assert!((got - want).abs() <= 1e-9 * want.max(1.0), "{method:?}: {got} is not {want}");
            }
        }
    }
}

#[test]
fn samples_of_the_keys_stand_for_all_of_them_within_their_error() {
    let rest = "[origin]\nlatency = { model = \"constant\", value = \"80ms\" }\n[cache]\neviction = \"lru\"\n\
                [[strategy]]\nname = \"it\"\nttl = { rule = \"fixed\", ttl = \"5m\" }\nguard = \"single-flight\"\n";
    let mut scenario = scenario(rest);
    let trace = requests(&scenario);
    let capacities = [500, 2_000, 8_000].map(Capacity::Objects).to_vec();
    let question =
        Question { strategy: 0, eviction: 0, capacities, ttls: minutes(&[2, 10, 60]), sample: Some(0.1) };
    let found = surface(&mut scenario, &question, &trace);
    assert_eq!(found.method, Method::Samples { rate: 0.1, samples: 4 });
    assert_eq!(found.because.as_deref(), Some("fetches take time (latency \"constant\")"));
    let want = by_engine(&scenario, &found, &trace);
    let off: Vec<f64> = found
        .points
        .iter()
        .zip(&want)
        .map(|(point, want)| (point.hit.value.unwrap() - want[0]).abs())
        .collect();
    let mean = off.iter().sum::<f64>() / off.len() as f64;
    assert!(mean <= 0.02, "the mean error is {mean:.4}: {off:?}");
    let told = found.points.iter().zip(&off).filter(|(point, off)| point.hit.error.unwrap() >= **off).count();
    assert!(told >= 7, "{told} of 9 intervals hold the truth: {off:?}");
    // One share of the keys and of the capacity: loads and bytes are those of the whole.
    for (point, want) in found.points.iter().zip(&want) {
        for (got, want) in figures(point).into_iter().zip(want).skip(1) {
            let got = got.value.expect("it is told");
            assert!((got / want - 1.0).abs() < 0.15, "{got} is not about {want}");
        }
    }
    // Every figure has its interval. Those of one figure have their samples in common, so few of nine miss, or most.
    for figure in 1..4 {
        let cells =
            || found.points.iter().zip(&want).map(|(point, want)| (figures(point)[figure], want[figure]));
        assert!(cells().all(|(got, _)| got.error.is_some_and(|error| error > 0.0)), "figure {figure}");
        let told =
            cells().filter(|(got, want)| (got.value.unwrap() - want).abs() <= got.error.unwrap()).count();
        assert!(told >= 6, "{told} of 9 intervals of figure {figure} hold the truth");
    }
    // Everybody is in a sample of all.
    let question = Question { sample: Some(1.0), ttls: minutes(&[2]), ..question };
    let mut scenario = self::scenario(rest);
    let whole = surface(&mut scenario, &question, &trace);
    assert_eq!(whole.method, Method::Engine);
    for (point, want) in whole.points.iter().zip(by_engine(&scenario, &whole, &trace)) {
        assert!((point.hit.value.unwrap() - want[0]).abs() < 1e-12);
        assert!(figures(point).iter().all(|figure| figure.error.is_none()));
    }
}

#[test]
fn an_origin_with_a_limit_is_not_sampled() {
    let rest = "[origin]\nlatency = { model = \"constant\", value = \"80ms\" }\ncapacity = { model = \"servers\", servers = 4 }\n\
                [[strategy]]\nname = \"it\"\nttl = { rule = \"fixed\", ttl = \"5m\" }\n";
    let mut scenario = scenario(rest);
    let trace = requests(&scenario);
    let capacities = vec![Capacity::Unbounded];
    let question = Question { strategy: 0, eviction: 0, capacities, ttls: minutes(&[2]), sample: Some(0.1) };
    let fault = tune::surface(&mut scenario, &question, &trace, &()).expect_err("queues need all of them");
    assert!(fault.what.contains("cannot stand for an origin with a limit (\"servers\")"), "{}", fault.what);
}

#[test]
fn what_looks_at_all_keys_is_not_sampled_but_simulated_whole_where_nobody_asks_for_a_sample() {
    let fixed = "ttl = { rule = \"fixed\", ttl = \"5m\" }";
    let client = |client: &str| format!("{fixed}\nclient = {client}\n");
    for (strategy, says) in [
        (client("{ breaker = {}, timeout = \"50ms\" }"), "the breaker of \"it\""),
        (client("{ retries = 3 }"), "the retry budget of \"it\""),
        ("ttl = { rule = \"d-ttl\", target = 0.5 }\n".to_owned(), "ttl rule \"d-ttl\""),
        (
            "ttl = { rule = \"fixed\", ttl = \"5m\", modifiers = [{ modifier = \"load-adaptive\", servers = 2 }] }\n".to_owned(),
            "ttl modifier \"load-adaptive\"",
        ),
    ] {
        let mut asked = scenario(&format!("[[strategy]]\nname = \"it\"\n{strategy}"));
        let trace = requests(&asked);
        let capacities = vec![Capacity::Objects(4_000)];
        let mut question =
            Question { strategy: 0, eviction: 0, capacities, ttls: Vec::new(), sample: Some(0.1) };
        let fault = tune::surface(&mut asked, &question, &trace, &()).expect_err("a sample cannot tell");
        assert!(fault.what.contains(says), "{says}: {}", fault.what);
        assert!(fault.help.as_deref().is_some_and(|help| help.contains("--sample 1")), "{:?}", fault.help);
        question.sample = None;
        if says.contains("breaker") {
            let found = surface(&mut asked, &question, &trace);
            let because = found.because.as_deref().unwrap_or_default();
            assert_eq!(found.method, Method::Engine);
            assert!(because.contains("no samples were taken") && because.contains(says), "{because}");
        }
    }
    let unlimited = client("{ retries = 3, retry_budget = \"none\" }");
    let asked = scenario(&format!("[[strategy]]\nname = \"it\"\n{unlimited}"));
    assert!(asked.refuse_unsampled(0).is_ok(), "without a budget nothing is shared");
}

#[test]
fn memory_that_a_server_sweeps_at_its_own_pace_is_not_told_by_samples() {
    let mut asked = scenario(&format!("[cache]\nreclaim = \"active\"\n{FIXED}"));
    let trace = requests(&asked);
    let capacities = vec![Capacity::Objects(4_000)];
    let question = Question { strategy: 0, eviction: 0, capacities, ttls: minutes(&[2]), sample: Some(0.02) };
    let found = surface(&mut asked, &question, &trace);
    let point = found.points[0];
    assert_eq!([point.resident_bytes, point.live_bytes], [Figure::default(); 2]);
    assert!(point.hit.value.is_some() && point.origin_rate.error.is_some());
    let titled = Titled { scenario: "s", strategy: "it", eviction: "lru", instant: false, surface: &found };
    let told = titled.summary().join("\n");
    assert!(
        told.contains("Memory is not available from a sample of this cache: dead entries leave"),
        "{told}"
    );
    let csv = String::from_utf8(titled.csv()).expect("it is text");
    assert!(csv.lines().nth(1).is_some_and(|line| line.ends_with(",,,,")), "{csv}");
}

#[test]
fn a_sample_is_as_large_as_the_smallest_limit_needs_or_not_taken() {
    let rest = format!("[origin]\nlatency = {{ model = \"constant\", value = \"80ms\" }}\n{FIXED}");
    let with = |objects: u64| {
        let mut asked = scenario(&rest);
        let trace = requests(&asked);
        let capacities = vec![Capacity::Objects(objects)];
        let question = Question { strategy: 0, eviction: 0, capacities, ttls: minutes(&[2]), sample: None };
        surface(&mut asked, &question, &trace)
    };
    let Method::Samples { rate, .. } = with(50).method else {
        panic!("a share of 50 objects is large enough")
    };
    assert!((rate - 0.2).abs() < 1e-12, "{rate}");
    let few = with(8);
    assert_eq!(few.method, Method::Engine);
    assert!(few.because.as_deref().is_some_and(|why| why.contains("room for too few images")), "{few:?}");
}

/// Many small values, and large ones of which a cache holds few.
const LARGE: &str = "name = \"large\"\n[workload]\nduration = \"2h\"\nrate = \"40/s\"\n\
    class = [{ name = \"image\", objects = 20_000, share = 0.8, size = { model = \"constant\", value = \"10KiB\" } },\n\
             { name = \"video\", objects = 2_000, share = 0.2, size = { model = \"constant\", value = \"6MiB\" } }]\n\
    [origin]\nlatency = { model = \"constant\", value = \"80ms\" }\n\
    [cache]\neviction = \"lru\"\nreclaim = \"lazy\"\nmemory = \"payload\"\n\
    [[strategy]]\nname = \"it\"\nttl = \"none\"\n";

#[test]
fn a_sample_holds_four_large_values_or_is_not_taken() {
    let with = |capacity: u64| {
        let mut asked = Scenario::parse(LARGE, "large.toml").unwrap_or_else(|error| panic!("{error}"));
        let trace = requests(&asked);
        let capacities = vec![Capacity::Bytes(capacity << 20)];
        let question = Question { strategy: 0, eviction: 0, capacities, ttls: Vec::new(), sample: None };
        surface(&mut asked, &question, &trace)
    };
    // The requests ask for a share of 0.17, ten images of the average size for much less.
    let Method::Samples { rate, .. } = with(100).method else {
        panic!("a quarter of 100 MiB holds four videos")
    };
    assert!((rate - 0.24).abs() < 1e-9, "{rate}");
    assert_eq!(with(60).method, Method::Engine, "no share that pays leaves room for four");
}

#[test]
fn the_limits_of_a_grid_leave_samples_a_cache_that_is_one() {
    // A thousandth of 20,000 images in a sample of a sixth would be three.
    let output = ttlab(FIXED, &["--grid", "2x1", "--json"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    assert!(json["method"].as_str().is_some_and(|method| method.contains("4 samples")), "{json}");
    let cells = json["cells"].as_array().expect("there are cells");
    let limits: Vec<f64> = cells.iter().filter_map(|cell| cell["capacity"]["bytes"].as_f64()).collect();
    assert!(
        limits.len() == 2 && limits[0] > limits[1] / 1_000.0 && limits[0] < limits[1] / 50.0,
        "{limits:?}"
    );
    for cell in cells {
        for figure in ["hit_ratio", "origin_per_s", "resident_mean_bytes", "live_mean_bytes"] {
            assert!(
                cell[figure].is_number() && cell[format!("{figure}_error")].is_number(),
                "{figure}: {cell}"
            );
        }
    }
}

#[test]
fn what_is_sorted_by_object_counts_for_all_runs_together() {
    let shared = |cache: &str, ttl: &str| {
        let text = format!("{WORKLOAD}[cache]\n{cache}\n[[strategy]]\nname = \"it\"\nttl = {ttl}\n");
        let scenario = Scenario::parse(&text, "s.toml").unwrap_or_else(|error| panic!("{error}"));
        tune::shared_per_request(&scenario, 0, 0)
    };
    let (fixed, lazy) = ("{ rule = \"fixed\", ttl = \"5m\" }", "reclaim = \"lazy\"");
    // An instant of each request.
    assert_eq!(shared(&format!("eviction = \"infinite\"\n{lazy}"), fixed), 8);
    assert_eq!(shared(&format!("eviction = \"infinite\"\n{lazy}"), "\"none\""), 0);
    assert_eq!(shared(&format!("eviction = \"lru\"\n{lazy}"), fixed), 0);
}

#[test]
fn a_memory_limit_below_what_a_surface_takes_is_refused() {
    let output = ttlab(FIXED, &["--memory-limit", "1MiB"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("288000 requests need at least"), "{said}");
    assert!(
        said.contains("1 MiB are allowed (--memory-limit)") && said.contains("help: allow more, or"),
        "{said}"
    );
}

/// What a run of the scenario finds beside its cells, of its first strategy, and how many requests that simulated.
fn beside(scenario: &mut Scenario, trace: &Arc<Trace>) -> (Option<Beside>, u64) {
    struct Counter(AtomicU64);
    impl Progress for Counter {
        fn advanced(&self, requests: u64) {
            self.0.fetch_add(requests, Ordering::Relaxed);
        }
        fn run_done(&self) {}
        fn stop(&self) -> bool {
            false
        }
    }
    let Source::Synthetic(workload) = &scenario.source else { panic!("it has a [workload]") };
    let (runs, plan) = (Runs::Synthetic(Arc::clone(workload)), tune::grid(scenario)[0]);
    let (written, counter) = (scenario.strategies.len(), Counter(AtomicU64::new(0)));
    let outlook = Outlook::of(scenario, &plan, trace).unwrap_or_else(|fault| panic!("{}", fault.what));
    let found = outlook.map(|outlook| outlook.find(scenario, &runs, trace, &counter));
    assert_eq!(scenario.strategies.len(), written, "the scenario is as it was");
    (found, counter.0.into_inner())
}

/// Fresh hits of the first strategy at a limit, by the engine.
fn fresh_hit(scenario: &Scenario, capacity: Capacity, trace: &Arc<Trace>) -> f64 {
    let plan = CellPlan { strategy: 0, eviction: 0, capacity };
    let simulation = tune::simulation(scenario, &plan, trace, tune::replication_seed(scenario.seed, 0));
    let simulation = simulation.unwrap_or_else(|fault| panic!("{}", fault.what));
    let seen = simulation.run_by_events(tune::bucket_for(trace.span()), &()).expect("nobody stops it");
    let outcomes = &seen.totals.outcomes;
    outcomes.of(OutcomeKind::FreshHit) as f64 / outcomes.total() as f64
}

const LIMITED: &str = "[cache]\neviction = \"lru\"\nreclaim = \"lazy\"\nmemory = \"payload\"\n";

#[test]
fn what_a_run_finds_beside_its_cells_is_what_cells_there_would_give() {
    let with = |ttl: &str| {
        let text = format!(
            "repeat = 100\n{WORKLOAD}[origin]\nlatency = {{ model = \"constant\", value = \"0s\" }}\n{LIMITED}\
             capacity = [{{ objects = 500 }}, {{ objects = 2_000 }}]\n{}",
            FIXED.replace("5m", ttl)
        );
        Scenario::parse(&text, "beside.toml").unwrap_or_else(|error| panic!("{error}"))
    };
    let mut scenario = with("5m");
    let trace = requests(&scenario);
    let (found, _) = beside(&mut scenario, &trace);
    let found = found.expect("limits have a meaning");
    let curve = found.curve.found.expect("it is cheap beside 200 runs");
    assert_eq!((curve.method, curve.capacities.len()), (Method::Cells, 33));
    let limits: Vec<u64> = curve.capacities.iter().map(objects).collect();
    assert!(limits.is_sorted() && limits.contains(&500) && limits.contains(&2_000), "{limits:?}");
    assert_eq!((limits[0], limits[32]), (125, 8_000));
    for (point, capacity) in curve.points.iter().zip(&curve.capacities).step_by(4) {
        let want = fresh_hit(&scenario, *capacity, &trace);
        assert_eq!(point.fresh_hit.error, None);
        assert!(
            (point.fresh_hit.value.expect("it has requests") - want).abs() < 1e-12,
            "{capacity:?}: {want}"
        );
    }
    let map = found.map.expect("its TTL can be varied").found.expect("it is cheap");
    assert_eq!((map.method, map.capacities.len(), map.ttls.len()), (Method::Passes, 5, 7));
    assert!(map.ttls.contains(&SimDuration::from_secs(300)), "{:?}", map.ttls);
    for (nth, capacity) in map.capacities.iter().enumerate().step_by(2) {
        for (point, ttl) in map.row(nth).iter().zip(&map.ttls).step_by(3) {
            let want = fresh_hit(&with(&ttl.to_string()), *capacity, &trace);
            assert!(
                (point.fresh_hit.value.expect("it has requests") - want).abs() < 1e-12,
                "{capacity:?}, {ttl}"
            );
        }
    }
}

fn objects(capacity: &Capacity) -> u64 {
    let Capacity::Objects(objects) = capacity else { panic!("{capacity:?} is in objects") };
    *objects
}

#[test]
fn what_is_found_beside_cells_takes_a_part_of_them_and_does_not_depend_on_threads() {
    // A queue is not sampled, so the engine plays all keys.
    let rest = format!(
        "[origin]\nlatency = {{ model = \"constant\", value = \"80ms\" }}\ncapacity = {{ model = \"servers\", servers = 4 }}\n\
         {LIMITED}capacity = [{{ objects = 500 }}, {{ objects = 2_000 }}]\n{FIXED}guard = \"single-flight\"\n"
    );
    let with = |repeat: u32| {
        let text = format!("repeat = {repeat}\n{WORKLOAD}{rest}");
        Scenario::parse(&text, "beside.toml").unwrap_or_else(|error| panic!("{error}"))
    };
    let trace = requests(&with(1));
    let played = |repeat: u64| 2 * repeat * trace.len() as u64;
    let find = |threads: usize| {
        let mut scenario = with(12);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        pool.install(|| beside(&mut scenario, &trace))
    };
    let (found, simulated) = find(1);
    let curve =
        found.as_ref().and_then(|found| found.curve.found.as_ref().ok()).expect("a quarter is six runs");
    assert_eq!((curve.method, curve.capacities.len()), (Method::Engine, 6));
    assert!(curve.because.as_deref().is_some_and(|why| why.contains("fetches take time")), "{curve:?}");
    assert!(simulated > 0 && simulated <= played(12) / 4, "{simulated} beside {}", played(12));
    for own in [500, 2_000].map(Capacity::Objects) {
        let place =
            curve.capacities.iter().position(|limit| *limit == own).expect("own limits are among them");
        let want = fresh_hit(&with(12), own, &trace);
        assert!((curve.points[place].fresh_hit.value.expect("it has requests") - want).abs() < 1e-12);
    }
    let map = found.as_ref().and_then(|found| found.map.as_ref()).expect("its TTL can be varied");
    let why = map.found.as_ref().expect_err("nothing is left for it");
    assert!(
        why.contains("35 limits and TTLs") && why.contains("would take too long beside the cells"),
        "{why}"
    );
    assert_eq!(format!("{:?}", find(3).0), format!("{found:?}"));
    let (found, simulated) = beside(&mut with(1), &trace);
    let why = found.expect("limits have a meaning").curve.found.expect_err("two runs pay for no five");
    assert!(why.starts_with("5 limits (the engine, for each cell)") && simulated == 0, "{why}");
}

#[test]
fn many_limits_of_a_scenario_are_thinned_to_what_is_paid_for() {
    let limits: Vec<String> = (1..=24).map(|nth| format!("{{ objects = {} }}", 100 * nth)).collect();
    let text = format!(
        "{WORKLOAD}[origin]\nlatency = {{ model = \"constant\", value = \"80ms\" }}\n\
         capacity = {{ model = \"servers\", servers = 4 }}\n{LIMITED}capacity = [{}]\n{FIXED}guard = \"single-flight\"\n",
        limits.join(", ")
    );
    let mut scenario = Scenario::parse(&text, "beside.toml").unwrap_or_else(|error| panic!("{error}"));
    let trace = requests(&scenario);
    let (found, simulated) = beside(&mut scenario, &trace);
    let curve = found.expect("limits have a meaning").curve.found.expect("a quarter is six runs");
    assert_eq!(curve.capacities.len(), 6, "{:?}", curve.capacities);
    for own in [100, 2_400].map(Capacity::Objects) {
        assert!(curve.capacities.contains(&own), "{:?}", curve.capacities);
    }
    assert!(simulated > 0 && simulated <= 24 * trace.len() as u64 / 4, "{simulated}");
}

#[test]
fn large_traces_are_sampled_beside_their_cells() {
    let text = format!(
        "{WORKLOAD}[origin]\nlatency = {{ model = \"constant\", value = \"80ms\" }}\n{LIMITED}\
         capacity = {{ objects = 2_000 }}\n{FIXED}guard = \"single-flight\"\n"
    );
    let text = text.replace("rate = \"40/s\"", "rate = \"300/s\"").replacen("name", "repeat = 20\nname", 1);
    let mut scenario = Scenario::parse(&text, "beside.toml").unwrap_or_else(|error| panic!("{error}"));
    let trace = requests(&scenario);
    let (found, simulated) = beside(&mut scenario, &trace);
    let curve = found.expect("limits have a meaning").curve.found.expect("samples are cheap");
    assert!(matches!(curve.method, Method::Samples { .. }), "{:?}", curve.method);
    assert!(simulated < 20 * trace.len() as u64 / 4, "{simulated}");
    for (point, capacity) in curve.points.iter().zip(&curve.capacities).step_by(8) {
        let (hit, error) =
            (point.fresh_hit.value.expect("it has requests"), point.fresh_hit.error.expect("it is told"));
        let off = (hit - fresh_hit(&scenario, *capacity, &trace)).abs();
        // The interval is one of 95 %; twice as far is a mistake.
        assert!(off <= 2.0 * error && error < 0.1, "{capacity:?}: off by {off}, told {error}");
    }
}

#[test]
fn where_nothing_can_be_found_beside_the_cells_a_reason_is_told() {
    let with = |rest: &str| {
        let mut scenario = scenario(rest);
        let trace = requests(&scenario);
        beside(&mut scenario, &trace).0
    };
    let unlimited = with(&format!("{LIMITED}{FIXED}")).expect("a limit would have a meaning");
    assert_eq!(unlimited.curve.found.expect_err("there is none"), "the scenario gives the cache no limit");
    assert!(unlimited.map.is_none());
    let infinite = LIMITED.replace("\"lru\"", "\"infinite\"");
    assert!(with(&format!("{infinite}capacity = {{ objects = 500 }}\n{FIXED}")).is_none());
    let none = "[[strategy]]\nname = \"it\"\nttl = \"none\"\n";
    let found = with(&format!("{LIMITED}capacity = {{ objects = 500 }}\n{none}"));
    assert!(found.expect("limits have a meaning").map.is_none(), "there is no TTL to vary");
}

#[test]
fn a_run_feeds_its_report_from_the_surface_and_the_report_is_made_again_from_the_record() {
    let folder = tempfile::tempdir().expect("there is room for temporary files");
    let text = format!(
        "repeat = 100\n{}[origin]\nlatency = {{ model = \"constant\", value = \"0s\" }}\n{LIMITED}\
         capacity = {{ objects = 500 }}\n{FIXED}",
        WORKLOAD.replace("40/s", "4/s")
    );
    std::fs::write(folder.path().join("s.toml"), text).expect("it can be written");
    let run = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ttlab"));
        let output = command.current_dir(folder.path()).args(args).output().expect("the program starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    let read = |name: &str| std::fs::read(folder.path().join(name)).expect("it is written");
    run(&["run", "s.toml", "--out", "one", "--threads", "1"]);
    run(&["run", "s.toml", "--out", "three", "--threads", "3"]);
    let record = read("one/record.json");
    assert!(record == read("three/record.json"), "the threads decide nothing");
    let text = String::from_utf8(record).expect("it is text");
    let surface = Record::from_json(&text).expect("it is a record").surface.expect("it has one");
    assert_eq!((surface.curve.absent.as_deref(), surface.curve.limits.len()), (None, 33));
    let page = read("one/index.html");
    std::fs::remove_file(folder.path().join("one/index.html")).expect("it was written");
    run(&["report", "one/record.json"]);
    assert!(page == read("one/index.html"), "the page is that of the record");
    let page = String::from_utf8(page).expect("it is text");
    for told in [
        "id=\"curve-table\"",
        "id=\"map-figure\"",
        "id=\"map-table\"",
        "The thin line is it under lru at 33 limits",
    ] {
        assert!(page.contains(told), "{told}");
    }
    // One limit of one strategy is no map of its own, and the surface is.
    assert!(!page.contains("compares no two memory limits"));
}

#[test]
fn samples_that_large_values_make_larger_count_for_memory() {
    // Those of 1000 MiB hold seven tenths of the requests together, those of 100 MiB nearly all of them.
    for (capacity, status) in [("1000MiB", 0), ("100MiB", 2)] {
        let args = ["--threads", "1", "--memory-limit", "7900KiB", "--capacities", capacity];
        let output = ttlab_on(LARGE, &args);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(status), "{capacity}: {said}");
        assert!(status == 0 || said.contains("288000 requests need at least 8.49 MiB"), "{said}");
    }
}

/// Runs the command on a scenario of the usual workload in a folder of its own.
fn ttlab(scenario: &str, args: &[&str]) -> Output {
    ttlab_on(&format!("{WORKLOAD}{scenario}"), args)
}

fn ttlab_on(scenario: &str, args: &[&str]) -> Output {
    let folder = tempfile::tempdir().expect("there is room for temporary files");
    std::fs::write(folder.path().join("s.toml"), scenario).expect("it can be written");
    let mut command = Command::new(env!("CARGO_BIN_EXE_ttlab"));
    command.current_dir(folder.path()).arg("curve").arg("s.toml").args(args);
    let output = command.output().expect("the program starts");
    if args.contains(&"--out") {
        for name in ["curve.csv", "curve.json", "index.html"] {
            assert!(folder.path().join("out").join(name).is_file(), "{name} is written");
        }
        let page = std::fs::read_to_string(folder.path().join("out/index.html")).expect("it is a page");
        assert!(page.contains("<svg") && page.contains("hit ratio"), "the page has its chart");
        assert!(page.contains("Hit ratio against capacity</title>"), "the page has its curve");
    }
    output
}

const FIXED: &str = "[[strategy]]\nname = \"it\"\nttl = { rule = \"fixed\", ttl = \"5m\" }\n";

#[test]
fn the_command_tells_the_method_and_writes_what_it_found() {
    let output =
        ttlab(FIXED, &["--instant", "--capacities", "1000,4000", "--ttls", "1m,10m", "--out", "out"]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("Method: exact: one pass for each capacity and 16 TTLs."), "{text}");
    assert!(text.contains("Error: none") && text.contains("4,000 objects"), "{text}");
    assert!(text.contains("As --instant asks, fetches take no time"), "{text}");
    let none = "[[strategy]]\nname = \"it\"\nttl = \"none\"\n";
    let output = ttlab(none, &["--instant", "--capacities", "100,800,6400"]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("Method: exact: one pass for up to 16 capacities."), "{text}");
    let output = ttlab(FIXED, &["--sample", "0.2", "--capacities", "1000", "--ttls", "1m", "--json"]);
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    assert_eq!(json["method"], "the engine over 4 samples of 20.000 % of the keys");
    assert!(json["largest_error"].as_f64().is_some_and(|error| error > 0.0), "{json}");
    assert_eq!(json["instant"], false);
    let output = ttlab(FIXED, &["--instant", "--capacities", "1000", "--ttls", "1m", "--json"]);
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    assert_eq!(json["instant"], true);
}

#[test]
fn what_cannot_be_asked_is_refused_in_words() {
    let none = "[[strategy]]\nname = \"it\"\nttl = \"none\"\n";
    for (scenario, args, says) in [
        (FIXED, ["--sample", "0"], "--sample 0 is no share of the keys"),
        (FIXED, ["--sample", "1.5"], "above 0 and at most 1"),
        (FIXED, ["--strategy", "that"], "--strategy \"that\" is not in s.toml; there are: \"it\""),
        (FIXED, ["--grid", "32"], "--grid \"32\" is no grid"),
        (FIXED, ["--capacities", "0"], "a cache without room is no cache"),
        (FIXED, ["--ttls", "0s"], "--ttls 0s: "),
        (FIXED, ["--sample", "0.0001"], "--capacities and --sample: a sample of 0.010 % of the keys"),
        (FIXED, ["--capacities", "7 bananas"], "write sizes such as 64MiB, or whole numbers of objects"),
        (
            none,
            ["--ttls", "1m"],
            "has ttl rule \"none\", and only those of \"fixed\" and \"sliding\" can be varied",
        ),
    ] {
        let output = ttlab(scenario, &args);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {said}");
        assert!(said.contains(says), "{args:?} says: {said}");
    }
}

#[test]
fn the_seed_and_not_the_threads_decides() {
    let args = ["--json", "--sample", "0.05", "--capacities", "1000,3000", "--ttls", "1m,20m", "--threads"];
    let with = |threads: &'static str| ttlab(FIXED, &[&args[..], &[threads]].concat()).stdout;
    assert!(!with("1").is_empty() && with("1") == with("3"));
}
