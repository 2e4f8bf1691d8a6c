//! Hit ratios without a clock (`engine::exact`), beside the engine over the same requests.
//!
//! 20 M requests over 1 M objects, Zipf 1.0, fetches that take no time, a cache of 10 % of the objects; then
//! eight and 32 capacities, and many TTLs, at once. Every row is a whole play, from the decoded trace to the
//! counts; equal rows count equal hits, which is checked before anything is timed. Of each cache one row plays what
//! `ttlab run` plays there, without a clock and with all that a record tells, whose measurements are the engine's.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ttlab::cache::Capacity;
use ttlab::engine::Simulation;
use ttlab::engine::exact::surface::{LANES, Passes};
use ttlab::engine::exact::{Detail, Player};
use ttlab::metrics::Measurements;
use ttlab::random::Seed;
use ttlab::scenario::{Scenario, Source};
use ttlab::trace::Trace;
use ttlab::trace::synth::generate;
use ttlab::tune;
use ttlab::units::SimDuration;

const OBJECTS: u64 = 1_000_000;
const LIMIT: u64 = OBJECTS / 10;

fn scenario(strategy: &str) -> Scenario {
    let text = format!(
        "name = \"bench\"\n[workload]\nduration = \"1000s\"\nrate = \"20000/s\"\n[[workload.class]]\nname = \"all\"\n\
         objects = {OBJECTS}\npopularity = {{ model = \"zipf\", alpha = 1.0 }}\n\
         [origin]\nlatency = {{ model = \"constant\", value = \"0s\" }}\n\
         [cache]\ncapacity = {{ objects = {LIMIT} }}\neviction = \"lru\"\nreclaim = \"lazy\"\nmemory = \"payload\"\n\
         [[strategy]]\nname = \"row\"\n{strategy}\n"
    );
    Scenario::parse(&text, "bench.toml").unwrap_or_else(|error| panic!("{error}"))
}

fn requests() -> Arc<Trace> {
    let scenario = scenario("ttl = \"none\"");
    let Source::Synthetic(workload) = &scenario.source else { panic!("the scenario is synthetic") };
    Arc::new(generate(workload, Seed::new(1)))
}

fn by_player(scenario: &Scenario, trace: &Arc<Trace>, detail: Detail, player: &mut Player) -> u64 {
    let plan = tune::grid(scenario)[0];
    let play = tune::exact(scenario, &plan, trace, Seed::new(1), detail);
    let play = play.unwrap_or_else(|fault| panic!("{}", fault.what));
    player.play(play.unwrap_or_else(|reason| panic!("{reason}"))).hits
}

fn simulation<'t>(scenario: &Scenario, trace: &'t Arc<Trace>) -> Simulation<'t> {
    let plan = tune::grid(scenario)[0];
    let simulation = tune::simulation(scenario, &plan, trace, Seed::new(1));
    simulation.unwrap_or_else(|fault| panic!("{}", fault.what))
}

fn by_engine(scenario: &Scenario, trace: &Arc<Trace>) -> Measurements {
    let bucket = tune::bucket_for(trace.span());
    simulation(scenario, trace).run_by_events(bucket, &()).expect("nobody stops it")
}

fn without_events(scenario: &Scenario, trace: &Arc<Trace>) -> Measurements {
    let bucket = tune::bucket_for(trace.span());
    let seen = simulation(scenario, trace).run(bucket, &()).expect("nobody stops it");
    assert!(seen.without_events, "it needs no clock");
    seen
}

fn rows(criterion: &mut Criterion) {
    let trace = requests();
    let window = tune::exact_window(&scenario("ttl = \"none\""), &trace);
    let mut group = criterion.benchmark_group("exact, 20 M requests");
    group.throughput(Throughput::Elements(trace.len() as u64));
    group.sample_size(10);
    let mut player = Player::default();
    for (name, ttl) in [("LRU", "ttl = \"none\""), ("LRU + TTL", "ttl = { rule = \"fixed\", ttl = \"60s\" }")]
    {
        let scenario = scenario(ttl);
        let engine = by_engine(&scenario, &trace);
        let hits = engine.totals.outcomes.hits();
        let recorded = without_events(&scenario, &trace);
        assert_eq!(
            Measurements { without_events: false, ..recorded },
            engine,
            "{name}: the same measurements"
        );
        assert_eq!(
            by_player(&scenario, &trace, Detail::Outcomes, &mut player),
            hits,
            "{name}: the same hits"
        );
        group.bench_function(format!("{name}, engine"), |bench| {
            bench.iter(|| black_box(by_engine(&scenario, &trace)));
        });
        group.bench_function(format!("{name}, exact, all that a record tells"), |bench| {
            bench.iter(|| black_box(without_events(&scenario, &trace)));
        });
        group.bench_function(format!("{name}, exact"), |bench| {
            bench.iter(|| black_box(by_player(&scenario, &trace, Detail::Outcomes, &mut player)));
        });
        group.bench_function(format!("{name}, exact, with bytes and memory"), |bench| {
            bench.iter(|| black_box(by_player(&scenario, &trace, Detail::Bytes, &mut player)));
        });
    }
    let mut passes = Passes::default();
    for count in [1, 8, 32] {
        let limits: Vec<u64> = (1..=count).map(|nth| LIMIT * nth / count).collect();
        group.bench_function(format!("LRU, capacities in one pass: {count}"), |bench| {
            bench.iter(|| black_box(passes.sizes(&trace, window, &limits)));
        });
    }
    let ttls: Vec<SimDuration> = (1..=LANES as u64).map(|nth| SimDuration::from_secs(nth * 50)).collect();
    group.bench_function("LRU + TTL, 16 TTLs in one pass, with bytes and memory", |bench| {
        bench.iter(|| black_box(passes.ttls(&trace, window, Capacity::Objects(LIMIT), &ttls)));
    });
    group.finish();
}

criterion_group!(benches, rows);
criterion_main!(benches);
