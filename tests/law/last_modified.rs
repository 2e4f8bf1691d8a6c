//! X2, X3 and F8b: TTLs by how often objects change, known, estimated, or told by their age.

use crate::ledger::Ledger;
use crate::{AT_ONCE, OneKey, mean};
use ttlab::metrics::Measurements;

/// Share of the hits that are not current.
fn stale(run: &Measurements) -> f64 {
    let of = run.freshness.expect("objects change");
    1.0 - of.current_hits as f64 / of.hits as f64
}

/// Replications in which the object changes every `between` seconds and is asked for every second.
fn runs(between: f64, seconds: f64, warmup: f64, strategy: &str) -> Vec<Measurements> {
    let origin =
        format!("changes = {{ model = \"poisson\", mean = \"{between}s\" }}\n[time]\nwarmup = \"{warmup}s\"");
    OneKey { rate: 1.0, seconds, latency: AT_ONCE, origin: &origin, strategy }.run()
}

#[test]
fn x2_the_stale_share_under_a_fraction_of_the_age_falls_with_the_rate() {
    let mut ledger = Ledger::new("X2");
    // The fraction, requests per change, the published share (itself measured), requests of each replication, slack.
    for (f, per_change, published, requests, slack) in [
        (0.1, 0.2, 0.0897, 400_000.0, 0.003),
        (0.1, 5.0, 0.0746, 400_000.0, 0.002),
        (0.1, 20.0, 0.0641, 400_000.0, 0.002),
        (0.1, 100.0, 0.0547, 400_000.0, 0.002),
        (0.1, 10_000.0, 0.0494, 1_200_000.0, 0.004),
        (0.2, 0.2, 0.1625, 400_000.0, 0.003),
        (0.2, 10_000.0, 0.0960, 1_200_000.0, 0.007),
    ] {
        let strategy =
            format!("ttl = {{ rule = \"last-modified-fraction\", f = {f}, min = \"1ms\", max = \"365d\" }}");
        // The first version counts as made when the trace began.
        let runs = runs(per_change, requests, 20.0 * per_change, &strategy);
        let what = format!("X2, f = {f}, λ/μ = {per_change}: stale share of hits");
        mean(&runs, stale).must_be_within(&mut ledger, published, slack, &what);
    }
    ledger.close();
}

/// The freshness targets of the law with the changes within a TTL.
const TARGETS: [(f64, f64); 5] = [(0.99, 0.0201), (0.95, 0.1035), (0.9, 0.2146), (0.8, 0.4642), (0.5, 1.594)];

#[test]
fn f8b_the_ttl_for_a_freshness_target_gives_that_freshness() {
    let mut ledger = Ledger::new("F8b");
    for (target, changes) in TARGETS {
        let strategy = format!(
            "ttl = {{ rule = \"change-rate\", target_freshness = {target}, changes_every = \"100s\", min = \"1ms\" }}"
        );
        let runs = runs(100.0, 300_000.0, 0.0, &strategy);
        let what = format!("F8b, μT = {changes}: current share of hits");
        mean(&runs, |run| 1.0 - stale(run)).must_equal(&mut ledger, target, 0.012, &what);
    }
    ledger.close();
}

#[test]
fn x3_a_rate_estimated_from_fetches_gives_the_freshness_of_the_known_rate() {
    let mut ledger = Ledger::new("X3");
    for target in [0.95, 0.8] {
        // What is declared is wrong by a factor of ten; after the warm-up some thousand fetches say otherwise.
        let strategy = format!(
            "ttl = {{ rule = \"change-rate\", mu = \"estimated\", min_polls = 20, target_freshness = {target}, \
             changes_every = \"1000s\", min = \"1ms\" }}"
        );
        let runs = runs(100.0, 400_000.0, 100_000.0, &strategy);
        let what = format!("X3, rate estimated, target {target}: current share of hits");
        mean(&runs, |run| 1.0 - stale(run)).must_be_within(&mut ledger, target, 0.004, &what);
    }
    ledger.close();
}

#[test]
fn x3_the_target_is_met_though_the_first_fetches_find_no_change() {
    let mut ledger = Ledger::new("X3, defaults");
    // Fetched nine times as often as it changes, most objects show no change in their first five fetches.
    // What is declared far too slow costs the first five fetches, and little after them: they take a day.
    for (declared, what) in [
        ("", "nothing declared"),
        ("changes_every = \"1h\"", "the truth declared"),
        ("changes_every = \"10m\"", "six times the rate declared"),
        ("changes_every = \"2d\"", "a 48th of the rate declared"),
    ] {
        let strategy = format!("ttl = {{ rule = \"change-rate\", mu = \"estimated\", {declared} }}");
        let origin = "changes = { model = \"poisson\", mean = \"1h\" }\n[time]\nwarmup = \"50h\"";
        let runs =
            OneKey { rate: 0.1, seconds: 1_000_000.0, latency: AT_ONCE, origin, strategy: &strategy }.run();
        let what = format!("change every hour, target 0.95, {what}: current share of hits");
        mean(&runs, |run| 1.0 - stale(run)).must_be_within(&mut ledger, 0.95, 0.006, &what);
    }
    ledger.close();
}
