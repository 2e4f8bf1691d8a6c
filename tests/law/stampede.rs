//! F7: how many fetch at once if nobody prevents it.

use crate::ledger::Ledger;
use crate::{OneKey, mean, theory};

/// Mean number of fetches per regeneration, where `rate` requests arrive in the mean fetch time of 1 s.
fn mean_size(rate: f64, ttl: u32, requests: f64, latency: &str) -> crate::Estimate {
    let strategy = format!("ttl = {{ rule = \"fixed\", ttl = \"{ttl}s\" }}");
    let runs = OneKey { rate, seconds: requests / rate, latency, origin: "", strategy: &strategy }.run();
    mean(&runs, |run| {
        let of = &run.stampedes;
        (of.regenerations + of.duplicate_fetches) as f64 / of.regenerations as f64
    })
}

#[test]
fn f7_with_constant_fetch_times_everyone_who_comes_meanwhile_fetches() {
    let mut ledger = Ledger::new("F7, constant");
    let latency = "{ model = \"constant\", value = \"1s\" }";
    for (rate, seconds, tolerance) in [(10.0, 50_003.0, 0.06), (100.0, 5_003.0, 0.6), (1_000.0, 1_003.0, 4.0)]
    {
        // With a TTL of 3 s a cycle lasts little more than 5 s: these lengths end between stampedes.
        let size = mean_size(rate, 3, seconds * rate, latency);
        size.must_equal(&mut ledger, 1.0 + rate, tolerance, &format!("F7, constant, a = {rate}"));
    }
    ledger.close();
}

#[test]
fn f7_with_exponential_fetch_times_the_earliest_completion_ends_the_stampede() {
    let mut ledger = Ledger::new("F7, exponential");
    let latency = "{ model = \"exponential\", mean = \"1s\" }";
    // The TTL is so long that the fetches of one expiry have landed before the next.
    for (rate, ttl, requests, tolerance) in
        [(10.0, 15, 400_000.0, 0.08), (100.0, 10, 700_000.0, 0.4), (1_000.0, 8, 1_500_000.0, 2.4)]
    {
        let size = mean_size(rate, ttl, requests, latency);
        let law = theory::exponential_stampede(rate);
        size.must_equal(&mut ledger, law, tolerance, &format!("F7, exponential, a = {rate}"));
    }
    ledger.close();
}

#[test]
fn f7_the_wider_the_fetch_times_the_smaller_the_stampede() {
    let mut ledger = Ledger::new("F7, lognormal");
    for (rate, ttl, requests, published) in [
        (10.0, 30, 500_000.0, [8.31, 5.61, 3.89]),
        (100.0, 40, 1_000_000.0, [52.9, 25.9, 13.6]),
        (1_000.0, 20, 2_000_000.0, [382.0, 142.7, 57.9]),
    ] {
        for (sigma, published) in [0.4_f64, 0.8, 1.2].into_iter().zip(published) {
            // With the mean at 1 s.
            let median = (-sigma * sigma / 2.0).exp();
            let latency = format!("{{ model = \"lognormal\", median = \"{median:.9}s\", sigma = {sigma} }}");
            let what = format!("F7, lognormal, σ = {sigma}, a = {rate}");
            // The widest times scatter most.
            let requests = if rate > 500.0 && sigma > 1.0 { 3.5 * requests } else { requests };
            mean_size(rate, ttl, requests, &latency).must_be_within(
                &mut ledger,
                published,
                0.02 * published,
                &what,
            );
        }
    }
    ledger.close();
}

#[test]
fn the_mean_size_of_an_exponential_stampede_is_what_was_published() {
    for (a, published) in [(10.0, 4.333), (100.0, 12.88), (1_000.0, 39.97)] {
        assert!((theory::exponential_stampede(a) - published).abs() < 0.006, "a = {a}");
    }
}
