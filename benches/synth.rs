//! How fast synthetic traces are made, in requests per second.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ttlab::random::Seed;
use ttlab::trace::synth::{Class, Setup, Workload, arrival, generate, popularity, size};
use ttlab::units::{Rate, SimDuration};

const REQUESTS: u32 = 20_000_000;

fn class(name: &str, objects: u32, share: f64) -> Class {
    let made = "entries with defaults for everything can be made";
    let popularity = popularity::POPULARITIES.default_choice("zipf").make(&Setup::default()).expect(made);
    let size = size::SIZES.default_choice("lognormal").make(&Setup::default()).expect(made);
    Class::steady(name, objects, share, popularity, size)
}

fn workload(classes: Vec<Class>) -> Workload {
    Workload {
        duration: SimDuration::from_secs(u64::from(REQUESTS) / 1_000),
        rate: Rate::per_second(1_000.0),
        arrivals: arrival::ARRIVALS
            .default_choice("poisson")
            .make(&Setup::default())
            .expect("it has no parameters"),
        classes,
        pages: None,
        repeats: None,
        events: Vec::new(),
    }
}

fn benches(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("generate");
    group.throughput(Throughput::Elements(u64::from(REQUESTS))).sample_size(10);
    for (name, workload) in [
        ("one class of 100 thousand", workload(vec![class("photo", 100_000, 1.0)])),
        ("three classes of 1 million", {
            let (many, some, few) = (700_000, 250_000, 50_000);
            workload(vec![
                class("thumbnail", many, 0.6),
                class("avatar", some, 0.25),
                class("hero", few, 0.15),
            ])
        }),
    ] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| generate(black_box(&workload), Seed::new(1)));
        });
    }
    group.finish();
}

criterion_group!(synth, benches);
criterion_main!(synth);
