//! F12: the origin with servers and a queue is M/M/c.

use std::sync::Arc;

use crate::statistics::Estimate;
use crate::theory::erlang_c;
use ttlab::metrics::{Observer, Outcome, Served};
use ttlab::random::Seed;
use ttlab::scenario::{Scenario, Source};
use ttlab::trace::synth::generate;
use ttlab::tune;
use ttlab::units::SimTime;

/// Watches how long fetches wait for a server, after a warm-up.
struct QueueWatch {
    from: SimTime,
    fetches: u64,
    waited: u64,
    wait_s: f64,
}

impl Observer for QueueWatch {
    fn observe(&mut self, _: &Outcome) {}

    fn served(&mut self, served: &Served) {
        if served.fetch.asked >= self.from {
            let wait = served.fetch.started.since(served.fetch.asked);
            self.fetches += 1;
            self.waited += u64::from(!wait.is_zero());
            self.wait_s += wait.as_secs_f64();
        }
    }
}

/// Chance to wait and mean wait, by replication. Nothing fits into the cache, so every request fetches.
fn waits(rate: u32, seconds: u32) -> Vec<(f64, f64)> {
    let text = format!(
        "name = \"law\"\nseed = 1\n[time]\nwarmup = \"240s\"\n\
         [workload]\nduration = \"{seconds}s\"\nrate = \"{rate}/s\"\n\
         [[workload.class]]\nname = \"image\"\nobjects = 1\n\
         [origin]\nlatency = {{ model = \"exponential\", mean = \"100ms\" }}\n\
         capacity = {{ model = \"servers\", servers = 30 }}\n\
         [cache]\ncapacity = {{ objects = 0 }}\n[[strategy]]\nname = \"law\"\nttl = \"fixed\"\n"
    );
    let scenario = Scenario::parse(&text, "test.toml").unwrap_or_else(|error| panic!("{error}"));
    let Source::Synthetic(workload) = &scenario.source else { panic!("the scenario is synthetic") };
    let plan = tune::grid(&scenario)[0];
    let one = |replication| {
        let seed = Seed::new(scenario.seed).nth(replication);
        let trace = Arc::new(generate(workload, seed));
        let simulation =
            tune::simulation(&scenario, &plan, &trace, seed).unwrap_or_else(|fault| panic!("{}", fault.what));
        let watch = QueueWatch { from: SimTime::ZERO + scenario.warmup, fetches: 0, waited: 0, wait_s: 0.0 };
        let (_, watch) = simulation.observed_by(watch, &()).expect("nobody stops it");
        (watch.waited as f64 / watch.fetches as f64, watch.wait_s / watch.fetches as f64)
    };
    (0..16).map(one).collect()
}

#[test]
fn f12_the_origin_with_servers_is_the_queue_of_erlang_c() {
    // Fetches a second, length, and tolerances of the chance and of the mean wait in seconds.
    for (rate, seconds, of_chance, of_wait) in
        [(250, 4_000, 0.005, 0.000_3), (280, 4_000, 0.012, 0.002), (290, 6_000, 0.012, 0.012)]
    {
        let waits = waits(rate, seconds);
        let (chance, wait) = erlang_c(f64::from(rate), 0.1, 30);
        let at = format!("F12 at {rate} fetches a second");
        let measured = Estimate::of(waits.iter().map(|run| run.0));
        measured.must_equal(chance, of_chance, &format!("{at}: chance to wait"));
        Estimate::of(waits.iter().map(|run| run.1)).must_equal(wait, of_wait, &format!("{at}: mean wait"));
    }
}

#[test]
fn the_queue_of_erlang_c_is_what_was_published() {
    for (rate, chance, wait_ms) in [(250.0, 0.2499, 5.00), (280.0, 0.6201, 31.0), (290.0, 0.7959, 79.6)] {
        let law = erlang_c(rate, 0.1, 30);
        assert!((law.0 - chance).abs() < 1e-4 && (law.1 * 1e3 - wait_ms).abs() < 0.02, "{rate}: {law:?}");
    }
}
