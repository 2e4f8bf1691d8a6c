//! Simulations that are timed in turn, round by round, so that what else the machine does meanwhile meets all alike.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use ttlab::random::Seed;
use ttlab::scenario::Scenario;
use ttlab::trace::Trace;
use ttlab::tune;

/// How often every simulation is made: once where this is only to show that it runs, without `cargo bench`.
pub(crate) fn rounds() -> usize {
    const ROUNDS: usize = 5;
    if std::env::args().any(|word| word == "--bench") { ROUNDS } else { 1 }
}

/// What was asked for behind `--`, if anything.
pub(crate) fn wanted() -> Option<String> {
    std::env::args().skip(1).find(|word| !word.starts_with('-'))
}

/// Nanoseconds per request of the first cell of each scenario, one of every round.
pub(crate) fn times(scenarios: &[Scenario], trace: &Arc<Trace>, rounds: usize) -> Vec<Vec<f64>> {
    let mut times = vec![Vec::new(); scenarios.len()];
    for _ in 0..rounds {
        for (scenario, times) in scenarios.iter().zip(&mut times) {
            times.push(nanos_per_request(scenario, trace));
        }
    }
    times
}

/// Nanoseconds per request of one simulation with its events.
#[expect(clippy::disallowed_methods, reason = "a bench reads the clock")]
fn nanos_per_request(scenario: &Scenario, trace: &Arc<Trace>) -> f64 {
    let plan = tune::grid(scenario)[0];
    let start = Instant::now();
    let simulation = tune::simulation(scenario, &plan, trace, Seed::new(1))
        .unwrap_or_else(|fault| panic!("{}", fault.what));
    black_box(simulation.run_by_events(tune::bucket_for(trace.span()), &()));
    start.elapsed().as_secs_f64() * 1e9 / trace.len() as f64
}

/// The one in the middle.
pub(crate) fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

/// How many times as long as the other's these times are, taken within each round; the median.
pub(crate) fn ratio(times: &[f64], other: &[f64]) -> f64 {
    median(times.iter().zip(other).map(|(time, other)| time / other).collect())
}
