//! Time per request of every strategy, and of the heaviest composition, beside `fixed` without guard.
//!
//! One trace for all rows: 1 M requests over 100 k objects, Zipf 1.0, Poisson arrivals at 10,000 a second;
//! everything fits, a fetch takes 20 ms on up to 1,000 servers, TTLs are 20 s. The ratio of a row to the
//! first one holds on any machine.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ttlab::random::Seed;
use ttlab::scenario::{Scenario, Source};
use ttlab::trace::Trace;
use ttlab::trace::synth::generate;
use ttlab::tune;

const FIXED: &str = "ttl = { rule = \"fixed\", ttl = \"20s\" }";

/// Name, TTL, and what else the strategy is made of.
const ROWS: [(&str, &str, &str); 32] = [
    ("fixed, none", FIXED, ""),
    ("rule none", "ttl = \"none\"", ""),
    ("class-table", "ttl = { rule = \"class-table\", table = { all = \"20s\" } }", ""),
    ("sliding", "ttl = { rule = \"sliding\", idle = \"20s\", max_age = \"1m\" }", ""),
    ("size-power", "ttl = { rule = \"size-power\", t0 = \"20s\", min = \"1s\" }", ""),
    ("change-rate, declared", "ttl = { rule = \"change-rate\", changes_every = \"200s\", min = \"1s\" }", ""),
    (
        "change-rate, estimated",
        "ttl = { rule = \"change-rate\", mu = \"estimated\", changes_every = \"200s\", min = \"1s\" }",
        "",
    ),
    ("last-modified-fraction", "ttl = { rule = \"last-modified-fraction\", min = \"1s\" }", ""),
    ("cost-proportional", "ttl = { rule = \"cost-proportional\", k = 1000, min = \"1s\" }", ""),
    ("break-even", "ttl = { rule = \"break-even\", miss_cost = 1e-9, price = 0.01, min = \"1s\" }", ""),
    ("d-ttl", "ttl = { rule = \"d-ttl\", target = 0.8, max_ttl = \"2m\", start = \"20s\" }", ""),
    (
        "f-ttl",
        "ttl = { rule = \"f-ttl\", target = 0.8, max_ttl = \"2m\", start = \"20s\", size_target = { objects = 20_000 } }",
        "",
    ),
    ("elastic", "ttl = { rule = \"elastic\", miss_cost = 1e-9, price = 0.01, start = \"20s\" }", ""),
    (
        "schedule",
        "ttl = { rule = \"fixed\", ttl = \"20s\", modifiers = [{ modifier = \"schedule\", table = { \"00:00\" = 1, \"12:00\" = 2 }, interpolate = \"linear\" }] }",
        "",
    ),
    (
        "activity, key",
        "ttl = { rule = \"fixed\", ttl = \"20s\", modifiers = [{ modifier = \"activity\", scope = \"key\" }] }",
        "",
    ),
    ("load-adaptive", "ttl = { rule = \"fixed\", ttl = \"20s\", modifiers = [\"load-adaptive\"] }", ""),
    ("clamp", "ttl = { rule = \"fixed\", ttl = \"20s\", modifiers = [\"clamp\"] }", ""),
    ("jitter", "ttl = { rule = \"fixed\", ttl = \"20s\", modifiers = [\"jitter\"] }", ""),
    ("stale-while-revalidate", FIXED, "refresh = { policy = \"stale-while-revalidate\", window = \"20s\" }"),
    ("refresh-ahead", FIXED, "refresh = \"refresh-ahead\""),
    ("xfetch", FIXED, "refresh = \"xfetch\""),
    (
        "timer",
        FIXED,
        "refresh = { policy = \"timer\", period = \"15s\", physical_ttl = \"20s\", workers = 1000 }",
    ),
    ("race-ttl", FIXED, "refresh = \"race-ttl\""),
    ("conditional", FIXED, "refresh = { policy = \"on-demand\", addons = [\"conditional\"] }"),
    ("stale-if-error", FIXED, "refresh = { policy = \"on-demand\", addons = [\"stale-if-error\"] }"),
    ("warm-on-upload", FIXED, "refresh = { policy = \"on-demand\", addons = [\"warm-on-upload\"] }"),
    ("single-flight", FIXED, "guard = \"single-flight\""),
    ("lock", FIXED, "guard = \"lock\""),
    ("lock-stale", FIXED, "guard = \"lock-stale\""),
    ("lease", FIXED, "guard = \"lease\""),
    ("zset-sweep", FIXED, "sweep = { policy = \"zset-sweep\", limit_entries = 80_000, period = \"10s\" }"),
    (
        "jitter, schedule, load-adaptive, xfetch, lock-stale, zset-sweep",
        "ttl = { rule = \"fixed\", ttl = \"20s\", modifiers = [{ modifier = \"schedule\", table = { \"00:00\" = 1, \"12:00\" = 2 }, interpolate = \"linear\" }, \"load-adaptive\", \"jitter\"] }",
        "refresh = \"xfetch\"\nguard = \"lock-stale\"\nsweep = { policy = \"zset-sweep\", limit_entries = 80_000, period = \"10s\" }",
    ),
];

fn scenario(ttl: &str, more: &str) -> Scenario {
    let text = format!(
        "name = \"bench\"\n[workload]\nduration = \"100s\"\nrate = \"10000/s\"\n[[workload.class]]\nname = \"all\"\n\
         objects = 100_000\npopularity = {{ model = \"zipf\", alpha = 1.0 }}\nchanges = {{ model = \"poisson\", mean = \"200s\" }}\n\
         [origin]\nlatency = {{ model = \"constant\", value = \"20ms\" }}\ncapacity = {{ model = \"servers\", servers = 1000 }}\n\
         [[strategy]]\nname = \"row\"\n{ttl}\n{more}\n"
    );
    Scenario::parse(&text, "bench.toml").unwrap_or_else(|error| panic!("{error}"))
}

fn trace() -> Arc<Trace> {
    let scenario = scenario(FIXED, "");
    let Source::Synthetic(workload) = &scenario.source else { panic!("the scenario is synthetic") };
    Arc::new(generate(workload, Seed::new(1)))
}

fn strategies(criterion: &mut Criterion) {
    let trace = trace();
    let mut group = criterion.benchmark_group("strategies");
    group.throughput(Throughput::Elements(trace.len() as u64));
    group.sample_size(10);
    for (name, ttl, more) in ROWS {
        let scenario = scenario(ttl, more);
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

criterion_group!(benches, strategies);
criterion_main!(benches);
