//! A surface of 32 capacities x 16 TTLs under exact LRU, beside the engine that plays some of its cells one by one.
//!
//! 4 M requests over 200,000 objects, Zipf 1.0, on one thread; fetches take no time. The engine plays nine of the 512
//! cells, at both ends and in the middle of either axis; all 512 would take as many times their mean. Told are the
//! ratio, of which the aim is 20, and how far the hit ratios of the nine lie apart on average; more than 0.005 fails.
//! `cargo bench --bench surface`.

#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use ttlab::cache::Capacity;
use ttlab::random::Seed;
use ttlab::scenario::{Scenario, Source};
use ttlab::trace::Trace;
use ttlab::trace::synth::generate;
use ttlab::tune::{self, CellPlan, Method, Question, Surface};
use ttlab::units::SimDuration;

const OBJECTS: u64 = 200_000;
const CAPACITIES: u64 = 32;
const TTLS: u64 = 16;
const ROUNDS: usize = 3;

fn scenario(requests: u64) -> Scenario {
    let text = format!(
        "name = \"surface\"\n[workload]\nduration = \"1000s\"\nrate = \"{}/s\"\n\
         [[workload.class]]\nname = \"all\"\nobjects = {OBJECTS}\npopularity = {{ model = \"zipf\", alpha = 1.0 }}\n\
         [origin]\nlatency = {{ model = \"constant\", value = \"0s\" }}\n\
         [cache]\neviction = \"lru\"\nreclaim = \"lazy\"\nmemory = \"payload\"\n\
         [[strategy]]\nname = \"row\"\nttl = {{ rule = \"fixed\", ttl = \"60s\" }}\n",
        requests / 1_000
    );
    Scenario::parse(&text, "surface.toml").unwrap_or_else(|error| panic!("{error}"))
}

/// What was made, and the seconds that it took.
#[expect(clippy::disallowed_methods, reason = "a bench reads the clock")]
fn timed<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let start = Instant::now();
    let made = black_box(work());
    (made, start.elapsed().as_secs_f64())
}

fn surface(question: &Question, requests: u64, trace: &Arc<Trace>) -> Surface {
    let found = tune::surface(&mut scenario(requests), question, trace, &());
    found.unwrap_or_else(|fault| panic!("{}", fault.what)).expect("nobody stops it")
}

/// The hit ratio of one cell, as the engine finds it.
fn by_engine(requests: u64, capacity: Capacity, ttl: SimDuration, trace: &Arc<Trace>) -> f64 {
    let mut scenario = scenario(requests);
    let rule = scenario.strategies[0].rule.with("ttl", ttl.to_string());
    scenario.strategies[0].rule = rule.unwrap_or_else(|fault| panic!("{}", fault.what));
    let plan = CellPlan { strategy: 0, eviction: 0, capacity };
    let simulation = tune::simulation(&scenario, &plan, trace, Seed::new(1));
    let simulation = simulation.unwrap_or_else(|fault| panic!("{}", fault.what));
    let seen = simulation.run_by_events(tune::bucket_for(trace.span()), &()).expect("nobody stops it");
    let outcomes = &seen.totals.outcomes;
    outcomes.hits() as f64 / outcomes.total() as f64
}

fn main() {
    // Without `cargo bench` this is only to show that it runs.
    let is_bench = std::env::args().any(|word| word == "--bench");
    let (rounds, requests) = if is_bench { (ROUNDS, 4_000_000) } else { (1, 40_000) };
    let Source::Synthetic(workload) = &scenario(requests).source else { panic!("the scenario is synthetic") };
    let trace = Arc::new(generate(workload, Seed::new(1)));
    let question = Question {
        strategy: 0,
        eviction: 0,
        capacities: (1..=CAPACITIES).map(|nth| Capacity::Objects(OBJECTS * nth / CAPACITIES)).collect(),
        // Whole seconds, for TTLs are kept in such steps.
        ttls: (1..=TTLS).map(|nth| SimDuration::from_secs(nth * 50)).collect(),
        sample: None,
    };
    let cells = question.capacities.len() * question.ttls.len();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread can be had");
    let mut ratios = Vec::new();
    for _ in 0..rounds {
        let (found, whole) = timed(|| pool.install(|| surface(&question, requests, &trace)));
        assert_eq!(found.method, Method::Passes, "a pass carries many TTLs");
        let (mut apart, mut one, mut played) = (0.0, 0.0, 0.0);
        for row in [0, question.capacities.len() / 2, question.capacities.len() - 1] {
            for column in [0, question.ttls.len() / 2, question.ttls.len() - 1] {
                let (capacity, ttl) = (question.capacities[row], question.ttls[column]);
                let (hit, seconds) = timed(|| by_engine(requests, capacity, ttl, &trace));
                let point = &found.points[row * question.ttls.len() + column];
                apart += (point.hit.value.expect("there are requests") - hit).abs();
                one += seconds;
                played += 1.0;
            }
        }
        let (apart, one) = (apart / played, one / played);
        let ratio = one * cells as f64 / whole;
        println!(
            "{whole:8.2} s for {cells} cells, {one:6.3} s for one by the engine: {ratio:.1} times; hit ratios \
             {apart:.6} apart"
        );
        assert!(apart <= 0.005, "the surface tells other hit ratios than the engine");
        ratios.push(ratio);
    }
    ratios.sort_by(f64::total_cmp);
    println!(
        "median: {:.1} times as fast as {cells} runs of the engine, the aim is 20",
        ratios[ratios.len() / 2]
    );
}
