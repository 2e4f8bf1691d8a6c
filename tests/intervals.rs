//! The intervals of a report hold what they say: they cover a truth that is known, 93 to 97 times in 100.

use std::sync::Arc;

use ttlab::record::{About, Record, synthetic};
use ttlab::scenario::{Scenario, Source};
use ttlab::tune::{self, Runs};

/// Requests per second for the one object, and its TTL in seconds.
const RATE: f64 = 1.0;
const TTL: f64 = 20.0;

/// A record of so many replications, with an origin that takes so long.
fn record(seed: u64, repeat: u32, latency: &str) -> Record {
    let text = format!(
        r#"
        name = "coverage"
        seed = {seed}
        repeat = {repeat}
        [time]
        warmup = "60s"
        bucket = "10m"
        [workload]
        duration = "40m"
        rate = "{RATE}/s"
        class = [{{ name = "image", objects = 1, popularity = {{ model = "uniform" }} }}]
        [origin]
        latency = {{ model = "constant", value = "{latency}" }}
        [[strategy]]
        name = "fixed"
        baseline = true
        ttl = {{ rule = "fixed", ttl = "{TTL}s" }}
        [[strategy]]
        name = "longer"
        ttl = {{ rule = "fixed", ttl = "24s" }}
        [[strategy]]
        name = "spread"
        ttl = {{ rule = "fixed", ttl = "{TTL}s", modifiers = [{{ modifier = "jitter", spread = 0.5 }}] }}
        "#
    );
    let scenario = Scenario::parse(&text, "coverage.toml").unwrap_or_else(|error| panic!("{error}"));
    let Source::Synthetic(workload) = &scenario.source else { panic!("it has a workload") };
    let runs = Runs::Synthetic(Arc::clone(workload));
    let played = tune::run(&scenario, &tune::grid(&scenario), &runs, &()).expect("it can be played");
    let trace = played.trace.expect("nobody stopped it");
    let about = About { scenario_sha256: String::new(), command: String::new(), trace: synthetic(&trace) };
    Record::of_run(&scenario, &trace, played.cells, about)
}

/// A Poisson stream of rate λ onto one object with a fixed TTL T and no fetch time hits λT / (1 + λT) of its requests:
/// every miss is followed by the λT requests of its TTL (renewal reward).
#[test]
fn ninety_five_percent_intervals_cover_the_renewal_law() {
    let truth = |ttl: f64| RATE * ttl / (1.0 + RATE * ttl);
    let trials = 1_000;
    let (mut covered, mut told_apart, mut alarms) = (0, 0, 0);
    for seed in 1..=trials {
        let record = record(seed, 5, "0s");
        let hit = record.cells[0].ratios.fresh_hit;
        let (low, high) = (hit.low.expect("five replications"), hit.high.expect("five replications"));
        covered += u32::from((low..=high).contains(&truth(TTL)));
        let differs = |cell: usize| record.cells[cell].paired["fresh_hit"].indistinguishable == Some(false);
        told_apart += u32::from(differs(1));
        alarms += u32::from(differs(2));
    }
    let share = f64::from(covered) / trials as f64;
    println!(
        "95 % intervals of five replications cover the truth in {:.1} % of {trials} runs",
        share * 100.0
    );
    assert!((0.93..=0.97).contains(&share), "{share}");
    // The other strategy truly hits 0.8 points more, which pairs make visible.
    let found = f64::from(told_apart) / trials as f64;
    println!(
        "a true difference of {:.2} points is found in {:.1} %",
        (truth(24.0) - truth(TTL)) * 100.0,
        found * 100.0
    );
    assert!(found > 0.9, "{found}");
    // Jitter around the same mean changes no hit ratio under Poisson arrivals (law F1j), only which requests hit.
    let false_alarms = f64::from(alarms) / trials as f64;
    println!("where there is no difference one is found in {:.1} %", false_alarms * 100.0);
    assert!((0.03..=0.07).contains(&false_alarms), "{false_alarms}");
}

/// Stampedes are few, so that two replications often differ by as many: with a Poisson stream as many are due with jitter as
/// without, whatever came of chance.
#[test]
fn counts_of_two_replications_are_called_different_no_oftener_than_five_times_in_a_hundred() {
    let trials = 2_000;
    let (mut alarms, mut stampedes) = (0, 0);
    for seed in 1..=trials {
        let record = record(seed, 2, "50ms");
        stampedes += record.cells[0].stampedes.count.expect("all requests are seen");
        alarms += u32::from(record.cells[2].paired["stampedes"].indistinguishable == Some(false));
    }
    let (each, share) = (stampedes as f64 / trials as f64 / 2.0, f64::from(alarms) / trials as f64);
    println!("of {each:.1} stampedes a run, two runs call {:.1} % different by chance", share * 100.0);
    assert!((2.0..10.0).contains(&each), "{each}");
    assert!((0.005..=0.05).contains(&share), "{share}");
}
