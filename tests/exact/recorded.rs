//! Whole runs without a clock, held against runs by events.

use std::fmt::{Debug, Write};
use std::process::Command as Program;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::select;
use ttlab::cache::Stored;
use ttlab::engine::Simulation;
use ttlab::engine::exact::recorded::{self, Workspace};
use ttlab::metrics::{
    Asked, Command, Incident, Measurements, Observer, Outcome, Regeneration, Served, Sweep,
};
use ttlab::random::Seed;
use ttlab::record::{self, About, Record};
use ttlab::scenario::{Scenario, Source};
use ttlab::strategy::ttl::Trajectory;
use ttlab::trace::Trace;
use ttlab::trace::synth::generate;
use ttlab::tune::{self, CellPlan, CellRun, Runs};
use ttlab::units::{SimDuration, SimTime};

/// Everything that an observer is told, in the order in which it is.
#[derive(Debug, Default, PartialEq)]
struct Diary(Vec<String>);

impl Diary {
    fn note(&mut self, told: impl Debug) {
        self.0.push(format!("{told:?}"));
    }
}

impl Observer for Diary {
    fn observe(&mut self, outcome: &Outcome) {
        self.note(outcome);
    }

    fn asked(&mut self, asked: &Asked) {
        self.note(asked);
    }

    fn served(&mut self, served: &Served) {
        self.note(served);
    }

    fn regenerated(&mut self, regeneration: &Regeneration) {
        self.note(regeneration);
    }

    fn stored(&mut self, size: u32, at: SimTime, stored: Stored) {
        self.note((size, at, stored));
    }

    fn touched(&mut self, size: u32, at: SimTime) {
        self.note(("touched", size, at));
    }

    fn rewritten(&mut self, size: u32, at: SimTime) {
        self.note(("rewritten", size, at));
    }

    fn sent(&mut self, at: SimTime, command: Command, times: u64) {
        self.note((at, command, times));
    }

    fn incident(&mut self, at: SimTime, incident: Incident) {
        self.note((at, incident));
    }

    fn swept(&mut self, sweep: &Sweep) {
        self.note(sweep);
    }

    fn steered(&mut self, trajectories: Vec<Trajectory>) {
        self.note(trajectories);
    }
}

fn parse(text: &str) -> Scenario {
    Scenario::parse(text, "exact.toml").unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn simulation<'t>(scenario: &Scenario, plan: &CellPlan, trace: &'t Arc<Trace>, seed: Seed) -> Simulation<'t> {
    tune::simulation(scenario, plan, trace, seed).unwrap_or_else(|fault| panic!("{}", fault.what))
}

/// Plays every cell both ways; how many there were.
fn both_ways(scenario: &Scenario, trace: &Arc<Trace>) -> usize {
    let (seed, bucket) = (Seed::new(scenario.seed), tune::bucket_of(scenario, trace));
    let cells = tune::grid(scenario);
    // What a play leaves behind is nothing to the next one.
    let workspace = Workspace::default();
    for plan in &cells {
        let new = || simulation(scenario, plan, trace, seed);
        assert!(recorded::suits(&new()), "it needs no clock");
        let end = new().window.until;
        let (account, told) =
            recorded::play(new(), Diary::default(), &(), &workspace).expect("nobody stops it");
        let (cache, by_engine) = new().observed_by(Diary::default(), &()).expect("nobody stops it");
        assert_eq!(account, cache.finish(end));
        assert_eq!(told, by_engine);
        let without = new().run_in(bucket, &(), &workspace).expect("nobody stops it");
        let with = new().run_by_events(bucket, &()).expect("nobody stops it");
        assert!(without.without_events && !with.without_events);
        assert_eq!(Measurements { without_events: false, ..without }, with);
    }
    cells.len()
}

/// TTLs of every kind, those that learn from what fetches tell and from how requests end among them.
fn ttls() -> impl Strategy<Value = String> {
    let learning = [
        "{ rule = \"change-rate\", mu = \"estimated\", changes_every = \"150ms\", min_polls = 1, min = \"1ms\", max = \"90ms\" }",
        "{ rule = \"last-modified-fraction\", f = 0.3, min = \"1ms\", max = \"60ms\" }",
        "{ rule = \"cost-proportional\", min = \"7ms\", max = \"1s\" }",
        "{ rule = \"d-ttl\", target = 0.5, max_ttl = \"1s\", start = \"10ms\", scope = \"class\" }",
        "{ rule = \"elastic\", miss_cost = 1e-6, price = 0.0137, step = \"100ms\", start = \"20ms\", min = \"1ms\", max = \"50ms\" }",
        "{ rule = \"break-even\", miss_cost = 1e-6, price = 0.0137, randomised = true, min = \"1ms\", max = \"30ms\" }",
        "{ rule = \"fixed\", ttl = \"20ms\", modifiers = [{ modifier = \"clamp\", min = \"1ms\", max = \"19ms\" }, \"jitter\"] }",
    ];
    prop_oneof![3 => super::ttls(), 2 => select(learning.to_vec()).prop_map(|ttl| format!("ttl = {ttl}"))]
}

/// How clients wait, give up and store: which says nothing where no fetch is late or fails.
const CLIENTS: [&str; 7] = [
    "",
    "timeout = \"1ms\"",
    "timeout = \"3ms\"\non_timeout = \"cancel\"\nlate_fill = \"discard\"\nretries = 2",
    "breaker = { errors = 1, within = \"1s\", open_for = \"1s\" }",
    "duplicate_fill = \"keep-first\"",
    "duplicate_fill = \"newest-version\"\ntimeout = \"1ms\"",
    "retries = 3\nnegative_ttl = \"5s\"\nshare_errors = false",
];

/// How objects change, by class, and from what age on an answer is too old.
fn changes() -> impl Strategy<Value = (String, String)> {
    let model = select(vec![
        "",
        "changes = { model = \"poisson\", mean = \"100ms\" }",
        "changes = { model = \"periodic\", every = \"130ms\" }",
        "changes = { model = \"batch\", every = \"100ms\", share = 0.5 }",
    ]);
    let bound = select(vec!["", "freshness_bound = \"25ms\"\n", "freshness_bound = \"1h\"\n"]);
    (model.clone(), model, bound).prop_map(|(a, b, bound)| {
        let class =
            |name, changes| format!("[[workload.class]]\nname = \"{name}\"\nobjects = 1\n{changes}\n");
        // A bound on the age of answers asks for changes.
        let bound = if a.is_empty() && b.is_empty() { "" } else { bound };
        (bound.to_owned(), class("a", a) + &class("b", b))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_run_without_a_clock_tells_and_measures_what_one_by_events_does(
        trace in super::traces(), ttl in ttls(), cache in super::caches(), (bound, classes) in changes(),
        warmup in select(vec![0, 0, 40]), bucket in select(vec!["", "bucket = \"10ms\"\n", "bucket = \"1s\"\n"]),
        resolution in select(vec!["exact", "1ms"]), guard in select(vec!["", "guard = \"none\"", "guard = \"single-flight\""]),
        client in select(CLIENTS.to_vec()),
    ) {
        prop_assume!(SimDuration::from_millis(warmup) < trace.span() || warmup == 0);
        // Rules that learn from changes ask for some.
        let learns = ["change-rate", "last-modified-fraction"].iter().any(|rule| ttl.contains(rule));
        prop_assume!(!learns || classes.contains("changes"));
        // Some of the rules name their guard themselves.
        let guard = if ttl.contains("guard") { "" } else { guard };
        let text = format!(
            "name = \"exact\"\n[time]\nwarmup = \"{warmup}ms\"\n{bucket}{bound}\
             [workload]\nduration = \"100s\"\nrate = \"1/s\"\n{classes}\
             [client]\n{client}\n\
             [origin]\nlatency = {{ model = \"constant\", value = \"0s\" }}\n\
             [cache]\nmemory = \"payload\"\nttl_resolution = \"{resolution}\"\n{cache}\n\
             [[strategy]]\nname = \"it\"\n{ttl}\n{guard}\n"
        );
        prop_assert!(both_ways(&parse(&text), &trace) > 0);
    }
}

/// Four cells, two of which have a limit that is smaller than some images.
const WHOLE: &str = r#"
    name = "whole"
    repeat = 2
    [time]
    warmup = "1m"
    freshness_bound = "20s"
    [workload]
    duration = "10m"
    rate = "100/s"
    [[workload.class]]
    name = "still"
    objects = 300
    [[workload.class]]
    name = "news"
    objects = 200
    changes = { model = "poisson", mean = "30s" }
    [origin]
    latency = { model = "constant", value = "0s" }
    [cache]
    capacity = ["20kB", "2MB"]
    eviction = "lru"
    reclaim = "lazy"
    memory = "payload"
    [[strategy]]
    name = "fixed"
    baseline = true
    ttl = { rule = "fixed", ttl = "45s" }
    [[strategy]]
    name = "sliding"
    ttl = { rule = "sliding", idle = "30s", max_age = "2m", modifiers = ["jitter"] }
"#;

#[test]
fn a_record_says_that_there_was_no_clock_and_is_else_the_same_to_the_byte() {
    let scenario = parse(WHOLE);
    let Source::Synthetic(workload) = &scenario.source else { panic!("the scenario is synthetic") };
    let seeds: Vec<Seed> = (0..2).map(|number| tune::replication_seed(scenario.seed, number)).collect();
    let traces: Vec<Arc<Trace>> = seeds.iter().map(|seed| Arc::new(generate(workload, *seed))).collect();
    let by_events = tune::grid(&scenario).into_iter().map(|plan| {
        let run = |(trace, seed): (&Arc<Trace>, &Seed)| {
            let bucket = tune::bucket_of(&scenario, trace);
            let run = simulation(&scenario, &plan, trace, *seed).run_by_events(bucket, &());
            Ok(run.expect("nobody stops it"))
        };
        CellRun { plan, replications: traces.iter().zip(&seeds).map(run).collect() }
    });
    let about = About {
        scenario_sha256: record::sha256(WHOLE.as_bytes()),
        command: "ttlab run whole.toml".to_owned(),
        trace: record::synthetic(&traces[0]),
    };
    let by_events = Record::of_run(&scenario, &traces[0], by_events.collect(), about.clone());
    let played = tune::run(&scenario, &tune::grid(&scenario), &Runs::Synthetic(Arc::clone(workload)), &())
        .unwrap_or_else(|fault| panic!("{}", fault.what));
    let mut without = Record::of_run(&scenario, &traces[0], played.cells, about);
    let told = std::mem::take(&mut without.provenance.without_events);
    assert_eq!(told, by_events.cells.iter().map(|cell| cell.id.clone()).collect::<Vec<_>>());
    assert_eq!(without.to_json(), by_events.to_json());
    assert!(!by_events.to_json().contains("without_events"), "it is not written where nothing is to be told");
    let too_large: u64 = by_events.cells.iter().map(|cell| cell.too_large).sum();
    let stale = by_events.cells.iter().filter(|cell| cell.freshness.over_bound_share > Some(0.0));
    assert!(too_large > 0 && stale.count() > 0, "the cells show what might differ");
}

#[test]
fn whoever_needs_a_clock_has_one() {
    let needs = |from: &str, to: &str| {
        assert!(WHOLE.contains(from), "{from}");
        let scenario = parse(&WHOLE.replace(from, to));
        let Source::Synthetic(workload) = &scenario.source else { panic!("the scenario is synthetic") };
        let seed = tune::replication_seed(scenario.seed, 0);
        let trace = Arc::new(generate(workload, seed));
        !recorded::suits(&simulation(&scenario, &tune::grid(&scenario)[0], &trace, seed))
    };
    assert!(!needs("repeat = 2", "repeat = 3"));
    assert!(!needs("reclaim = \"lazy\"", "reclaim = \"eager\""));
    let guarded = |guard: &str| format!("ttl = {{ rule = \"fixed\", ttl = \"45s\" }}\n{guard}");
    let strategy = |more: &str| needs("ttl = { rule = \"fixed\", ttl = \"45s\" }", &guarded(more));
    assert!(!strategy("guard = \"none\"") && !strategy("guard = \"single-flight\""));
    for (from, to) in [
        ("value = \"0s\"", "value = \"1ms\""),
        ("value = \"0s\" }", "value = \"0s\" }\ncapacity = { model = \"servers\", servers = 50 }"),
        (
            "value = \"0s\" }",
            "value = \"0s\" }\nfaults = [{ fault = \"errors\", at = \"2m\", lasts = \"1m\", share = 0.1 }]",
        ),
        ("eviction = \"lru\"", "eviction = \"sieve\""),
        ("eviction = \"lru\"", "eviction = \"allkeys-lru\""),
        ("reclaim = \"lazy\"", "reclaim = \"active\""),
        ("capacity = [\"20kB\", \"2MB\"]", "capacity = [\"20MB\", \"22MB\"]\nstart = \"warm\""),
        ("memory = \"payload\"", "memory = \"payload\"\n[[cache.event]]\nflush = { at = \"2m\" }"),
        ("repeat = 2", "repeat = 2\n[client]\nnodes = 2"),
    ] {
        assert!(needs(from, to), "{to}");
    }
    for more in [
        "guard = \"lock\"",
        "guard = \"lock-stale\"",
        "refresh = \"stale-while-revalidate\"",
        "refresh = \"refresh-ahead\"",
        "sweep = { policy = \"zset-sweep\", period = \"30s\", limit_entries = 100 }",
    ] {
        assert!(strategy(more), "{more}");
    }
    let busy = "ttl = { rule = \"fixed\", ttl = \"45s\", modifiers = [{ modifier = \"load-adaptive\", servers = 4 }] }";
    assert!(needs("ttl = { rule = \"fixed\", ttl = \"45s\" }", busy));
}

/// One rule says it before there is a trace, and another one with all parts made: they may not differ.
#[test]
fn what_a_scenario_says_of_events_is_what_its_simulation_needs() {
    let clients = CLIENTS.iter().copied().chain(["nodes = 2", "crash = 0.1"]);
    let strategies = [
        "ttl = \"none\"",
        "ttl = { rule = \"fixed\", ttl = \"45s\" }",
        "ttl = { rule = \"sliding\", idle = \"30s\", max_age = \"2m\", modifiers = [\"jitter\"] }",
        "ttl = { rule = \"d-ttl\", target = 0.5 }",
        "ttl = { rule = \"fixed\", ttl = \"45s\", modifiers = [{ modifier = \"load-adaptive\", servers = 4 }] }",
        "ttl = { rule = \"fixed\", ttl = \"45s\" }\nguard = \"none\"",
        "ttl = { rule = \"fixed\", ttl = \"45s\" }\nguard = \"lock\"",
        "ttl = { rule = \"fixed\", ttl = \"45s\" }\nguard = \"lease\"",
        "ttl = { rule = \"fixed\", ttl = \"45s\" }\nrefresh = \"refresh-ahead\"",
        "ttl = { rule = \"fixed\", ttl = \"45s\" }\nrefresh = \"xfetch\"",
        "ttl = { rule = \"fixed\", ttl = \"45s\" }\nsweep = { policy = \"zset-sweep\", period = \"30s\", limit_entries = 100 }",
    ];
    let caches = [
        "eviction = [\"lru\", \"fifo\", \"sieve\", \"allkeys-lru\"]\ncapacity = { objects = 20 }",
        "eviction = \"infinite\"\nreclaim = \"eager\"",
        "eviction = \"lru\"\nreclaim = \"active\"",
        "eviction = \"lru\"\nstart = \"warm\"\ncapacity = { objects = 200 }",
        "eviction = \"lru\"\nmemory = \"redis\"",
        "eviction = \"lru\"\n[[cache.event]]\nflush = { at = \"2m\" }",
    ];
    let origins = [
        "latency = { model = \"constant\", value = \"0s\" }",
        "latency = { model = \"constant\", value = \"1ms\" }",
        "latency = { model = \"constant\", value = \"0s\" }\ncapacity = { model = \"servers\", servers = 50 }",
        "latency = { model = \"constant\", value = \"0s\" }\n\
         faults = [{ fault = \"errors\", at = \"2m\", lasts = \"1m\", share = 0.1 }]",
    ];
    let (mut with, mut without) = (0, 0);
    let mut trace = None;
    for client in clients {
        for cache in caches {
            for origin in origins {
                let text = |strategy: &str| {
                    let payload = if cache.contains("memory") { "" } else { "memory = \"payload\"\n" };
                    let lazy = if cache.contains("reclaim") { "" } else { "reclaim = \"lazy\"\n" };
                    format!(
                        "name = \"exact\"\n[workload]\nduration = \"5m\"\nrate = \"1/s\"\n\
                         class = [{{ name = \"a\", objects = 90 }}]\n[client]\n{client}\n[origin]\n{origin}\n\
                         [cache]\n{payload}{lazy}{cache}\n[[strategy]]\nname = \"it\"\n{strategy}\n"
                    )
                };
                // What cannot be combined is nobody's question.
                for scenario in
                    strategies.iter().filter_map(|text_of| Scenario::parse(&text(text_of), "t").ok())
                {
                    let Source::Synthetic(workload) = &scenario.source else { panic!("it is synthetic") };
                    let trace = trace.get_or_insert_with(|| Arc::new(generate(workload, Seed::new(1))));
                    for plan in tune::grid(&scenario) {
                        let said = tune::needs_events(&scenario, plan.strategy, plan.eviction);
                        let suits = recorded::suits(&simulation(&scenario, &plan, trace, Seed::new(1)));
                        assert_eq!(said, !suits, "{}", toml::to_string(&scenario.effective).unwrap());
                        let counted = tune::clock(&scenario, plan.strategy, plan.eviction).is_none();
                        assert!(
                            !counted || suits,
                            "whose hits are counted without a clock plays without one"
                        );
                        if suits { without += 1 } else { with += 1 }
                    }
                }
            }
        }
    }
    assert!(with > 500 && without > 50, "{with} with, {without} without");
}

#[test]
fn the_command_line_says_that_there_was_no_clock() {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let mut told = String::new();
    for (name, text) in [("whole", WHOLE.to_owned()), ("slow", WHOLE.replace("\"0s\"", "\"50ms\""))] {
        let file = folder.path().join(format!("{name}.toml"));
        std::fs::write(&file, text).expect("the folder can be written");
        let out = Program::new(env!("CARGO_BIN_EXE_ttlab"))
            .args(["run", "--threads", "1", "--out"])
            .arg(folder.path().join(name))
            .arg(&file)
            .output()
            .expect("the program is there");
        let error = String::from_utf8_lossy(&out.stderr);
        let page =
            std::fs::read_to_string(folder.path().join(name).join("index.html")).expect("it is written");
        let record =
            std::fs::read_to_string(folder.path().join(name).join("record.json")).expect("it is written");
        let says = [&*error, &page].map(|text| text.contains("every cell simulated without events"));
        let _ = writeln!(told, "{name}: {says:?} {}", record.contains("\"without_events\""));
    }
    assert_eq!(told, "whole: [true, true] true\nslow: [false, false] false\n");
}
