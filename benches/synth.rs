//! How fast synthetic traces are made, in requests per second.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rand::Rng;
use rand_distr::{Distribution, Exp1};
use ttlab::random::Seed;
use ttlab::scenario::{Scenario, Source};
use ttlab::trace::synth::{Block, Class, Generator, Setup, Workload, arrival, generate, popularity, size};
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

/// What one class costs at least: an exponential gap, a uniform number and a place in memory for each request.
fn bare(objects: u32) -> u64 {
    let mut stream = Seed::new(1).stream();
    let table: Vec<u32> = (0..objects).rev().collect();
    let (mut at, mut object) = (Vec::with_capacity(REQUESTS as usize), Vec::with_capacity(REQUESTS as usize));
    let mut now = 0.0;
    for _ in 0..REQUESTS {
        let gap: f64 = Exp1.sample(&mut stream);
        now += gap * 1e6;
        at.push(now.to_bits());
        let place = (u128::from(stream.next_u64()) * u128::from(objects)) >> 64;
        object.push(table[usize::try_from(place).expect("below the number of objects")]);
    }
    at[at.len() - 1] ^ u64::from(object[object.len() - 1])
}

/// The workload of a scenario's section.
fn written(section: &str) -> Arc<Workload> {
    let text = format!(
        "name = \"bench\"\n[workload]\nduration = \"20000s\"\nrate = \"1000/s\"\n{section}\n\
         [[strategy]]\nname = \"s\"\nttl = \"none\"\n"
    );
    match Scenario::parse(&text, "bench.toml").expect("the scenario is sound").source {
        Source::Synthetic(workload) => workload,
        Source::Recorded(_) => unreachable!("it has a [workload]"),
    }
}

/// Makes all requests and keeps none, as `ttlab trace generate` does.
fn stream(workload: &Workload) -> usize {
    let (mut generator, mut block, mut count) = (Generator::new(workload, Seed::new(1)), Block::default(), 0);
    while generator.next(&mut block) {
        count += black_box(&block).requests.len();
    }
    count
}

fn benches(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("generate");
    group.throughput(Throughput::Elements(u64::from(REQUESTS))).sample_size(10);
    group.bench_function("bare draws, 100 thousand", |bencher| bencher.iter(|| bare(black_box(100_000))));
    let one = workload(vec![class("photo", 100_000, 1.0)]);
    group.bench_function("one class of 100 thousand", |bencher| {
        bencher.iter(|| generate(black_box(&one), Seed::new(1)));
    });
    group.bench_function("one class of 100 thousand, streamed", |bencher| {
        bencher.iter(|| stream(black_box(&one)));
    });
    let three = {
        let (many, some, few) = (700_000, 250_000, 50_000);
        workload(vec![class("thumbnail", many, 0.6), class("avatar", some, 0.25), class("hero", few, 0.15)])
    };
    group.bench_function("three classes of 1 million", |bencher| {
        bencher.iter(|| generate(black_box(&three), Seed::new(1)));
    });
    for (name, section) in [
        ("site preset, with age decay and uploads", ""),
        ("cdn-image preset, with one-hit images", "preset = \"cdn-image\""),
        ("site preset, diurnal", "arrivals = \"diurnal\""),
        ("site preset, pages of 8", "pages = { images = 8 }"),
    ] {
        let workload = written(section);
        group.bench_function(name, |bencher| bencher.iter(|| stream(black_box(&workload))));
    }
    group.finish();
}

criterion_group!(synth, benches);
criterion_main!(synth);
