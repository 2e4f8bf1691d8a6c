//! What the model of a Redis server costs: time per request beside exact LRU and beside lazy reclaim.
//!
//! One trace for all rows: 2 M requests over 1 M objects, Zipf 1.0, Poisson arrivals at 20,000 a
//! second; a fetch takes no time. In the first group the cache holds 10 % of the objects, in the
//! second it has no limit and values live for 20 s.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ttlab::random::Seed;
use ttlab::scenario::{Scenario, Source};
use ttlab::trace::Trace;
use ttlab::trace::synth::generate;
use ttlab::tune;

/// A cache that evicts, by each of these.
const EVICTION: [&str; 5] = [
    "eviction = \"lru\"\nreclaim = \"lazy\"",
    "eviction = \"allkeys-lru\"\nreclaim = \"lazy\"",
    "eviction = \"allkeys-lfu\"\nreclaim = \"lazy\"",
    "eviction = \"allkeys-random\"\nreclaim = \"lazy\"",
    "eviction = \"allkeys-lru\"\nreclaim = \"lazy\"\nmaxmemory-samples = 10",
];
/// A cache without a limit, whose entries die: each with lazy reclaim, then with active.
const EXPIRY: [&str; 6] = [
    "reclaim = \"lazy\"",
    "reclaim = \"active\"",
    "eviction = \"allkeys-lru\"\nreclaim = \"lazy\"",
    "eviction = \"allkeys-lru\"\nreclaim = \"active\"",
    "eviction = \"allkeys-lru\"\nmemory = \"redis\"\nreclaim = \"lazy\"",
    "eviction = \"allkeys-lru\"\nmemory = \"redis\"\nreclaim = \"active\"",
];

fn scenario(cache: &str, ttl: &str) -> Scenario {
    let text = format!(
        "name = \"bench\"\n[workload]\nduration = \"100s\"\nrate = \"20000/s\"\n[[workload.class]]\nname = \"all\"\n\
         objects = 1000000\npopularity = {{ model = \"zipf\", alpha = 1.0 }}\n\
         [origin]\nlatency = {{ model = \"constant\", value = \"0s\" }}\n[cache]\n{cache}\n\
         [[strategy]]\nname = \"row\"\nttl = {ttl}\n"
    );
    Scenario::parse(&text, "bench.toml").unwrap_or_else(|error| panic!("{error}"))
}

fn trace() -> Arc<Trace> {
    let scenario = scenario("", "\"none\"");
    let Source::Synthetic(workload) = &scenario.source else { panic!("the scenario is synthetic") };
    Arc::new(generate(workload, Seed::new(1)))
}

fn rows(criterion: &mut Criterion, group: &str, trace: &Arc<Trace>, rows: &[(String, Scenario)]) {
    let mut group = criterion.benchmark_group(group);
    group.throughput(Throughput::Elements(trace.len() as u64));
    group.sample_size(10);
    for (name, scenario) in rows {
        let plan = tune::grid(scenario)[0];
        group.bench_function(BenchmarkId::from_parameter(name), |bench| {
            bench.iter(|| {
                let simulation = tune::simulation(scenario, &plan, trace, Seed::new(1))
                    .unwrap_or_else(|fault| panic!("{}", fault.what));
                black_box(simulation.run_by_events(tune::bucket_for(trace.span()), &()))
            });
        });
    }
    group.finish();
}

fn server(criterion: &mut Criterion) {
    let trace = trace();
    let named = |row: &str| row.replace(" = ", " ").replace(['"'], "").replace('\n', ", ");
    let eviction: Vec<(String, Scenario)> = EVICTION
        .iter()
        .map(|row| (named(row), scenario(&format!("capacity = {{ objects = 100000 }}\n{row}"), "\"none\"")))
        .collect();
    rows(criterion, "redis, 10 % held", &trace, &eviction);
    let expiry: Vec<(String, Scenario)> =
        EXPIRY.iter().map(|row| (named(row), scenario(row, "{ rule = \"fixed\", ttl = \"20s\" }"))).collect();
    rows(criterion, "redis, ttl", &trace, &expiry);
}

criterion_group!(benches, server);
criterion_main!(benches);
