//! Time to make every page and file of a report from its record, at 50 and at 200 cells with a series of 360 buckets each.
//!
//! The aim is two seconds for 50 cells. The record is that of a small simulation, played once before anything is measured.

use std::fmt::Write;
use std::hint::black_box;
use std::sync::Arc;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use ttlab::record::{About, Record, synthetic};
use ttlab::report;
use ttlab::scenario::{Scenario, Source};
use ttlab::tune::{self, Runs};

/// A record of ten strategies at so many limits.
fn record(limits: u32) -> Record {
    let capacities: Vec<String> = (1..=limits).map(|step| format!("{step}MiB")).collect();
    let mut text = format!(
        "name = \"report\"\nrepeat = 2\n[time]\nbucket = \"1m\"\n[workload]\nduration = \"6h\"\nrate = \"1/s\"\n\
         [[workload.class]]\nname = \"thumb\"\nobjects = 400\nshare = 0.7\n[[workload.class]]\nname = \"photo\"\nobjects = 100\n\
         share = 0.3\n[origin]\nlatency = {{ model = \"lognormal\", median = \"2s\", sigma = 0.8 }}\n\
         [cache]\ncapacity = {capacities:?}\neviction = \"allkeys-lru\"\nmemory = \"redis\"\n"
    );
    for (place, ttl) in ["1m", "5m", "15m", "1h", "4h"].iter().enumerate() {
        for guard in ["none", "single-flight"] {
            let _ = write!(
                text,
                "[[strategy]]\nname = \"{ttl} {guard}\"\nbaseline = {}\nttl = {{ rule = \"fixed\", ttl = \"{ttl}\" }}\n\
                 guard = \"{guard}\"\n",
                place == 0 && guard == "none"
            );
        }
    }
    let scenario = Scenario::parse(&text, "report.toml").unwrap_or_else(|error| panic!("{error}"));
    let Source::Synthetic(workload) = &scenario.source else { panic!("the scenario is synthetic") };
    let runs = Runs::Synthetic(Arc::clone(workload));
    let played = tune::run(&scenario, &tune::grid(&scenario), &runs, &()).expect("it can be played");
    let trace = played.trace.expect("nobody stopped it");
    let about = About { scenario_sha256: String::new(), command: String::new(), trace: synthetic(&trace) };
    Record::of_run(&scenario, &trace, played.cells, about)
}

fn pages(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("report");
    group.sample_size(10);
    for limits in [5, 20] {
        let record = record(limits);
        let cells = record.cells.len();
        group.bench_function(BenchmarkId::new("record.json and all pages", cells), |bench| {
            bench.iter(|| black_box((record.to_json(), report::render(&record))));
        });
    }
    group.finish();
}

criterion_group!(benches, pages);
criterion_main!(benches);
