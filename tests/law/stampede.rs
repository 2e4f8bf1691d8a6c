//! F7: how many fetch at once if nobody prevents it.

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
    let latency = "{ model = \"constant\", value = \"1s\" }";
    for (rate, seconds, tolerance) in [(10.0, 50_003.0, 0.06), (100.0, 5_003.0, 0.6), (1_000.0, 1_003.0, 4.0)]
    {
        // With a TTL of 3 s a cycle lasts little more than 5 s: these lengths end between stampedes.
        let size = mean_size(rate, 3, seconds * rate, latency);
        size.must_equal(1.0 + rate, tolerance, &format!("F7, constant, a = {rate}"));
    }
}

#[test]
fn f7_with_exponential_fetch_times_the_earliest_completion_ends_the_stampede() {
    let latency = "{ model = \"exponential\", mean = \"1s\" }";
    // The TTL is so long that the fetches of one expiry have landed before the next.
    for (rate, ttl, requests, tolerance) in
        [(10.0, 15, 400_000.0, 0.08), (100.0, 10, 700_000.0, 0.4), (1_000.0, 8, 1_500_000.0, 2.4)]
    {
        let size = mean_size(rate, ttl, requests, latency);
        let law = theory::exponential_stampede(rate);
        size.must_equal(law, tolerance, &format!("F7, exponential, a = {rate}"));
    }
}

#[test]
fn the_mean_size_of_an_exponential_stampede_is_what_was_published() {
    for (a, published) in [(10.0, 4.333), (100.0, 12.88), (1_000.0, 39.97)] {
        assert!((theory::exponential_stampede(a) - published).abs() < 0.006, "a = {a}");
    }
}
