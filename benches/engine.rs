//! Time per request of the whole engine, beside a bare exact-LRU loop over the same dense ids.
//!
//! Two traces over 1 M objects, Zipf 1.0, Poisson arrivals at 20,000 a second: 2 M requests, where
//! making a simulation and closing its books weigh, and 20 M, as in a long sweep. The cache holds 10 %
//! of the objects, a fetch takes 20 ms, all observers are on. The bare loop knows neither time nor TTL
//! nor origin; the ratio of a row to it, on the same trace, holds on any machine. Between them stands
//! a loop that was written by hand for the duties of one row and does nothing else: what they cost at least.

#[path = "engine/by_hand.rs"]
mod by_hand;

use std::hint::black_box;
use std::sync::Arc;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ttlab::metrics::{Observer, Outcome, OutcomeKind};
use ttlab::random::Seed;
use ttlab::scenario::{Scenario, Source};
use ttlab::trace::Trace;
use ttlab::trace::synth::generate;
use ttlab::tune;
use ttlab::units::SimTime;

const OBJECTS: usize = 1_000_000;
const CAPACITY: usize = OBJECTS / 10;

/// Strategies from the barest to the one with everything on.
const ROWS: [(&str, &str); 4] = [
    ("no ttl, no guard", "ttl = \"none\""),
    ("ttl", "ttl = { rule = \"fixed\", ttl = \"60s\" }"),
    ("ttl, single-flight", "ttl = { rule = \"fixed\", ttl = \"60s\" }\nguard = \"single-flight\""),
    (
        "ttl, jitter, stale-while-revalidate, single-flight",
        "ttl = { rule = \"fixed\", ttl = \"60s\", modifiers = [\"jitter\"] }\nrefresh = \"stale-while-revalidate\"\nguard = \"single-flight\"",
    ),
];

/// The row that the long trace is played with.
const LONG: usize = 2;

fn scenario(strategy: &str, seconds: u32) -> Scenario {
    let text = format!(
        "name = \"bench\"\n[workload]\nduration = \"{seconds}s\"\nrate = \"20000/s\"\n[[workload.class]]\nname = \"all\"\n\
         objects = {OBJECTS}\npopularity = {{ model = \"zipf\", alpha = 1.0 }}\n\
         [origin]\nlatency = {{ model = \"constant\", value = \"20ms\" }}\n\
         [cache]\ncapacity = {{ objects = {CAPACITY} }}\neviction = \"lru\"\nreclaim = \"lazy\"\nmemory = \"payload\"\n\
         [[strategy]]\nname = \"row\"\n{strategy}\n"
    );
    Scenario::parse(&text, "bench.toml").unwrap_or_else(|error| panic!("{error}"))
}

fn trace(seconds: u32) -> Arc<Trace> {
    let scenario = scenario(ROWS[0].1, seconds);
    let Source::Synthetic(workload) = &scenario.source else { panic!("the scenario is synthetic") };
    Arc::new(generate(workload, Seed::new(1)))
}

/// Exact LRU as lean as it gets: two links per object, hits counted, nothing else.
struct BareLru {
    /// Previous and next; `NONE` twice for an object that is not held. Place `OBJECTS` is the ring's head.
    links: Vec<(u32, u32)>,
    held: usize,
}

const NONE: u32 = u32::MAX;

const SECOND: u64 = 1_000_000_000;

impl BareLru {
    fn new() -> Self {
        let head = u32::try_from(OBJECTS).expect("a million fits");
        let mut links = vec![(NONE, NONE); OBJECTS + 1];
        links[OBJECTS] = (head, head);
        Self { links, held: 0 }
    }

    fn unlink(&mut self, id: u32) {
        let (prev, next) = self.links[id as usize];
        self.links[prev as usize].1 = next;
        self.links[next as usize].0 = prev;
    }

    /// Asks for an object; whether it was held.
    fn get(&mut self, id: u32) -> bool {
        let hit = self.links[id as usize].0 != NONE;
        if hit {
            self.unlink(id);
        } else if self.held == CAPACITY {
            let last = self.links[OBJECTS].0;
            self.unlink(last);
            self.links[last as usize] = (NONE, NONE);
        } else {
            self.held += 1;
        }
        let head = u32::try_from(OBJECTS).expect("a million fits");
        let first = self.links[OBJECTS].1;
        self.links[id as usize] = (head, first);
        self.links[first as usize].0 = id;
        self.links[OBJECTS].1 = id;
        hit
    }
}

/// The bare loop and some strategies over a trace of so many seconds.
fn rows(criterion: &mut Criterion, group: &str, seconds: u32, strategies: &[(&str, &str)]) {
    let trace = trace(seconds);
    let mut group = criterion.benchmark_group(group);
    group.throughput(Throughput::Elements(trace.len() as u64));
    group.sample_size(10);
    group.bench_function("bare exact LRU", |bench| {
        bench.iter(|| {
            let mut lru = BareLru::new();
            black_box(trace.object_ids().iter().filter(|object| lru.get(object.as_u32())).count())
        });
    });
    let bucket = tune::bucket_for(trace.span()).as_nanos();
    let duties = by_hand::Duties { ttl: 60 * SECOND, latency: SECOND / 50, bucket, capacity: CAPACITY };
    by_hand_agrees(&trace, duties, seconds);
    group.bench_function("by hand: ttl, single-flight", |bench| {
        bench.iter(|| black_box(by_hand::play(&trace, duties)));
    });
    for (name, strategy) in strategies {
        let scenario = scenario(strategy, seconds);
        let plan = tune::grid(&scenario)[0];
        group.bench_function(BenchmarkId::from_parameter(name), |bench| {
            bench.iter(|| {
                let simulation = tune::simulation(&scenario, &plan, &trace, Seed::new(1))
                    .unwrap_or_else(|fault| panic!("{}", fault.what));
                black_box(simulation.run(tune::bucket_for(trace.span()), &()))
            });
        });
    }
    group.finish();
}

/// Counts hits and nothing else; with `AHEAD` the engine asks for memory before it needs it, as it always does elsewhere.
#[derive(Default)]
struct Hits<const AHEAD: bool>(u64);

impl<const AHEAD: bool> Observer for Hits<AHEAD> {
    const ASKS_AHEAD: bool = AHEAD;

    fn observe(&mut self, outcome: &Outcome) {
        self.0 += u64::from(outcome.kind == OutcomeKind::FreshHit);
    }
}

/// The engine under an observer that counts hits alone.
fn hits<const AHEAD: bool>(scenario: &Scenario, trace: &Arc<Trace>) -> u64 {
    let simulation = tune::simulation(scenario, &tune::grid(scenario)[0], trace, Seed::new(1));
    let simulation = simulation.unwrap_or_else(|fault| panic!("{}", fault.what));
    simulation.observed_by(Hits::<AHEAD>::default(), &()).expect("nobody stops it").1.0
}

/// What it is worth to ask for memory ahead: the same hits with and without.
fn asking_ahead(criterion: &mut Criterion) {
    for seconds in [100, 1_000] {
        let (scenario, trace) = (scenario(ROWS[LONG].1, seconds), trace(seconds));
        assert_eq!(hits::<true>(&scenario, &trace), hits::<false>(&scenario, &trace), "the same hits");
        let mut group = criterion.benchmark_group(format!("{}, {} M requests", ROWS[LONG].0, seconds / 50));
        group.throughput(Throughput::Elements(trace.len() as u64));
        group.sample_size(10);
        group.bench_function("asking ahead", |bench| {
            bench.iter(|| black_box(hits::<true>(&scenario, &trace)));
        });
        group.bench_function("not", |bench| {
            bench.iter(|| black_box(hits::<false>(&scenario, &trace)));
        });
        group.finish();
    }
}

/// The loop by hand and the engine find the same hits.
fn by_hand_agrees(trace: &Arc<Trace>, duties: by_hand::Duties, seconds: u32) {
    let scenario = scenario(ROWS[LONG].1, seconds);
    let simulation = tune::simulation(&scenario, &tune::grid(&scenario)[0], trace, Seed::new(1));
    let mut simulation = simulation.unwrap_or_else(|fault| panic!("{}", fault.what));
    // All of it is compared, warm-up included.
    simulation.window.from = SimTime::ZERO;
    let engine = simulation.run(tune::bucket_for(trace.span()), &()).expect("nobody stops it");
    let by_hand = by_hand::play(trace, duties);
    assert_eq!(engine.totals.outcomes.hits(), by_hand.hits(), "the same hits");
}

fn engine(criterion: &mut Criterion) {
    rows(criterion, "engine", 100, &ROWS);
    rows(criterion, "engine, 20 M requests", 1_000, &ROWS[LONG..=LONG]);
}

criterion_group!(benches, engine, asking_ahead);
criterion_main!(benches);
