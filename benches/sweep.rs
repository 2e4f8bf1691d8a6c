//! A sweep of 64 cells on one thread and on two: how much of the second core it uses.
//!
//! Eight TTLs at eight capacities over one trace of 1 M requests for 100,000 objects, all observers on. The two are
//! played in turn, so that other work on the machine meets both; the aim is 1.8 times. `cargo bench --bench sweep`.

#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use ttlab::scenario::{Scenario, Source};
use ttlab::tune::{self, Runs};

const ROUNDS: usize = 5;

fn scenario() -> Scenario {
    let strategies: String = [5, 10, 20, 40, 80, 160, 320, 640]
        .map(|ttl| {
            let baseline = ttl == 5;
            format!(
                "[[strategy]]\nname = \"{ttl} s\"\nbaseline = {baseline}\nguard = \"single-flight\"\n\
                 ttl = {{ rule = \"fixed\", ttl = \"{ttl}s\" }}\n"
            )
        })
        .concat();
    let capacities =
        [1, 2, 4, 8, 16, 32, 64, 96].map(|share| format!("{{ objects = {} }}", share * 1_000)).join(", ");
    let text = format!(
        "name = \"sweep\"\n[workload]\nduration = \"100s\"\nrate = \"10000/s\"\n\
         [[workload.class]]\nname = \"all\"\nobjects = 100_000\npopularity = {{ model = \"zipf\", alpha = 1.0 }}\n\
         [origin]\nlatency = {{ model = \"constant\", value = \"20ms\" }}\n\
         [cache]\ncapacity = [{capacities}]\neviction = \"lru\"\nreclaim = \"lazy\"\nmemory = \"payload\"\n{strategies}"
    );
    Scenario::parse(&text, "sweep.toml").unwrap_or_else(|error| panic!("{error}"))
}

/// Seconds that the sweep takes on so many threads.
#[expect(clippy::disallowed_methods, reason = "a bench reads the clock")]
fn seconds(scenario: &Scenario, runs: &Runs, threads: usize) -> f64 {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads can be had");
    let cells = tune::grid(scenario);
    assert_eq!(cells.len(), 64);
    let start = Instant::now();
    let played = pool.install(|| tune::run(scenario, &cells, runs, &()));
    let played = played.unwrap_or_else(|fault| panic!("{}", fault.what));
    black_box(&played);
    start.elapsed().as_secs_f64()
}

fn main() {
    // Without `cargo bench` this is only to show that it runs.
    let rounds = if std::env::args().any(|word| word == "--bench") { ROUNDS } else { 1 };
    let scenario = scenario();
    let Source::Synthetic(workload) = &scenario.source else { panic!("the scenario is synthetic") };
    let runs = Runs::Synthetic(Arc::clone(workload));
    let mut ratios = Vec::new();
    for _ in 0..rounds {
        let (one, two) = (seconds(&scenario, &runs, 1), seconds(&scenario, &runs, 2));
        println!("{one:8.2} s on one thread, {two:8.2} s on two: {:.2} times", one / two);
        ratios.push(one / two);
    }
    ratios.sort_by(f64::total_cmp);
    println!("median: {:.2} times as fast on two threads, the aim is 1.8", ratios[ratios.len() / 2]);
}
