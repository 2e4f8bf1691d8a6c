//! F4 and F6: fetches that begin before a value expires, by its age or by chance.

use crate::{AT_ONCE, MISSES, OneKey, fetches, mean, share};
use ttlab::metrics::Measurements;
use ttlab::metrics::OutcomeKind::{DelayedHit, FreshHit, StaleHit};

#[test]
fn f4_refresh_ahead_is_stale_while_revalidate_of_a_part_of_the_ttl() {
    let (rate, ttl, f) = (0.3_f64, 20.0, 0.8);
    for time in [0.0, 1.0] {
        let strategy = format!(
            "ttl = {{ rule = \"fixed\", ttl = \"{ttl}s\" }}\nguard = \"single-flight\"\n\
             refresh = {{ policy = \"refresh-ahead\", f = {f} }}"
        );
        let constant = format!("{{ model = \"constant\", value = \"{time}s\" }}");
        let latency = if time > 0.0 { constant.as_str() } else { AT_ONCE };
        let runs = OneKey { rate, seconds: 400_000.0 / rate, latency, origin: "", strategy: &strategy }.run();
        let left = (1.0 - f) * ttl;
        let (none, none_left) = ((-rate * left).exp(), (-rate * (left - time)).exp());
        let z = 1.0 + rate * (f * ttl + time);
        let refreshes = mean(&runs, |run| run.origin.refreshes as f64 / run.totals.outcomes.total() as f64);
        let at = format!("F4 at λ = {rate}, T = {ttl} s, f = {f}, D = {time} s");
        // What is served before its renewal is fresh until the TTL is over.
        for (what, measured, per_cycle) in [
            ("fresh", share(&runs, &[FreshHit]), rate * f * ttl + 1.0 + rate * time - none_left),
            ("delayed", share(&runs, &[DelayedHit]), none_left - none),
            ("blocking", share(&runs, &MISSES), none),
            ("background fetches", refreshes, 1.0 - none),
            ("all fetches, as under the TTL f T", fetches(&runs), 1.0),
        ] {
            measured.must_equal(per_cycle / z, 0.0012, &format!("{at}: {what}"));
        }
        assert_eq!(runs.iter().map(|run| run.totals.outcomes.of(StaleHit)).sum::<u64>(), 0, "{at}");
    }
}

/// Share of the regenerations with a size in this range.
fn of_size(run: &Measurements, least: usize, most: usize) -> f64 {
    let sizes = &run.stampedes.sizes;
    sizes[least - 1..most.min(sizes.len())].iter().sum::<u64>() as f64 / run.stampedes.regenerations as f64
}

#[test]
fn f6_fetches_per_expiry_are_geometric_whatever_the_rate_and_the_fetch_time() {
    // Rate, fetch time, β, TTL (long enough for no fetch to begin right after a fill), requests of each
    // replication, tolerance of the mean.
    for (rate, time, beta, ttl, requests, tolerance) in [
        (10.0, 3, 1.0, 45, 500_000.0, 0.09),
        (10.0, 3, 2.0, 60, 400_000.0, 0.06),
        (100.0, 1, 1.0, 20, 1_500_000.0, 0.11),
    ] {
        let strategy = format!(
            "ttl = {{ rule = \"fixed\", ttl = \"{ttl}s\" }}\nrefresh = {{ policy = \"xfetch\", beta = {beta:?} }}"
        );
        let latency = format!("{{ model = \"constant\", value = \"{time}s\" }}");
        let latency = latency.as_str();
        // The very first fetch is a plain stampede of 1 + λD, which is no expiry.
        let origin = "[time]\nwarmup = \"100s\"";
        let runs = OneKey { rate, seconds: requests / rate, latency, origin, strategy: &strategy }.run();
        let at = format!("F6 at λ = {rate}, D = {time} s, β = {beta}");
        let one = (-1.0_f64 / beta).exp();
        let size = mean(&runs, |run| {
            let of = &run.stampedes;
            (of.regenerations + of.duplicate_fetches) as f64 / of.regenerations as f64
        });
        size.must_equal(1.0 / one, tolerance, &format!("{at}: mean"));
        let more = 1.0 - one;
        for (what, measured, law) in [
            ("one fetch", mean(&runs, |run| of_size(run, 1, 1)), one),
            ("two fetches", mean(&runs, |run| of_size(run, 2, 2)), one * more),
            ("at most two", mean(&runs, |run| of_size(run, 1, 2)), 1.0 - more.powi(2)),
            ("more than eight", mean(&runs, |run| of_size(run, 9, usize::MAX)), more.powi(8)),
        ] {
            measured.must_equal(law, 0.02, &format!("{at}: {what}"));
        }
    }
}

#[test]
fn f6_with_a_guard_an_expiry_costs_one_fetch() {
    let strategy =
        "ttl = { rule = \"fixed\", ttl = \"45s\" }\nguard = \"single-flight\"\nrefresh = \"xfetch\"";
    let latency = "{ model = \"constant\", value = \"3s\" }";
    for run in (OneKey { rate: 10.0, seconds: 10_000.0, latency, origin: "", strategy }).run() {
        assert_eq!(run.stampedes.max_size, 0, "no regeneration has more than one fetch");
        assert!(run.stampedes.regenerations > 200);
    }
}
