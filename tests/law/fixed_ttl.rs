//! F1: a fixed TTL counted from the store, without origin time.

use crate::ledger::Ledger;
use crate::statistics::Estimate;
use crate::{AT_ONCE, OneKey, fetches, mean, share, support};
use ttlab::metrics::OutcomeKind::FreshHit;

/// Rate, TTL in seconds and tolerance; some 200,000 requests in each replication.
const POINTS: [(f64, f64, f64); 3] = [(0.1, 10.0, 0.0015), (0.5, 10.0, 0.0006), (2.0, 10.0, 0.0002)];

#[test]
fn f1_a_fixed_ttl_hits_m_in_one_plus_m_requests() {
    let mut ledger = Ledger::new("F1");
    for (rate, ttl, tolerance) in POINTS {
        let strategy = format!("ttl = {{ rule = \"fixed\", ttl = \"{ttl}s\" }}");
        let seconds = 200_000.0 / rate;
        let runs = OneKey { rate, seconds, latency: AT_ONCE, origin: "", strategy: &strategy }.run();
        let m = rate * ttl;
        let at = format!("F1 at M = {m}");
        share(&runs, &[FreshHit]).must_equal(
            &mut ledger,
            m / (1.0 + m),
            tolerance,
            &format!("{at}, hit ratio"),
        );
        fetches(&runs).must_equal(
            &mut ledger,
            1.0 / (1.0 + m),
            tolerance,
            &format!("{at}, fetches per request"),
        );
        // Poisson arrivals see time averages: the key is there for the share of time that requests hit.
        let held = mean(&runs, |run| run.memory.mean_entries);
        held.must_equal(&mut ledger, m / (1.0 + m), 3.0 * tolerance, &format!("{at}, occupancy"));
    }
    ledger.close();
}

#[test]
fn f1j_jitter_that_keeps_the_mean_ttl_keeps_the_hit_ratio() {
    let mut ledger = Ledger::new("F1j");
    for (spread, tolerance) in [(0.1, 0.0006), (0.5, 0.0008)] {
        let strategy = format!(
            "ttl = {{ rule = \"fixed\", ttl = \"10s\", modifiers = [{{ modifier = \"jitter\", spread = {spread} }}] }}"
        );
        let runs =
            OneKey { rate: 0.5, seconds: 400_000.0, latency: AT_ONCE, origin: "", strategy: &strategy }.run();
        let what = format!("F1j at spread {spread}, hit ratio");
        share(&runs, &[FreshHit]).must_equal(&mut ledger, 5.0 / 6.0, tolerance, &what);
    }
    let strategy = "ttl = { rule = \"fixed\", ttl = \"10s\", \
                    modifiers = [{ modifier = \"jitter\", mode = \"additive\", most = \"5s\" }] }";
    let runs = OneKey { rate: 0.5, seconds: 400_000.0, latency: AT_ONCE, origin: "", strategy }.run();
    let what = "F1j, up to 5 s added, hit ratio: that of the mean TTL";
    share(&runs, &[FreshHit]).must_equal(&mut ledger, 6.25 / 7.25, 0.0006, what);
    ledger.close();
}

#[test]
fn f1j_the_same_requests_hit_as_often_with_jitter_as_without_under_a_fixed_ttl_and_less_under_a_sliding_one()
{
    let mut ledger = Ledger::new("F1j and F2j, the same requests");
    for (rule, law) in [
        ("\"fixed\", ttl", 0.0),
        // F2j at λ = 0.2, T in 5 to 15 s, less F2 at 10 s.
        (
            "\"sliding\", max_age = \"unbounded\", idle",
            (-2.0_f64).exp() - ((-1.0_f64).exp() - (-3.0_f64).exp()) / 2.0,
        ),
    ] {
        let ttl = format!("rule = {rule} = \"10s\"");
        let plain = format!("ttl = {{ {ttl} }}");
        let jittered = format!("ttl = {{ {ttl}, modifiers = [{{ modifier = \"jitter\", spread = 0.5 }}] }}");
        let runs = |strategy: &str| {
            let key = OneKey { rate: 0.2, seconds: 1_000_000.0, latency: AT_ONCE, origin: "", strategy };
            key.run()
                .into_iter()
                .map(|run| run.totals.outcomes.of(FreshHit) as f64 / run.totals.outcomes.total() as f64)
        };
        let difference =
            Estimate::of(runs(&jittered).zip(runs(&plain)).map(|(with, without)| with - without));
        let rule = rule.split('"').nth(1).expect("it is quoted");
        let what = format!("jitter of ± 50 % under {rule}, λ = 0.2, T = 10 s: change of the hit ratio");
        difference.must_equal(&mut ledger, law, 0.0015, &what);
    }
    ledger.close();
}

#[test]
fn f1d_requests_in_equal_gaps_hit_as_often_as_the_gap_fits_into_the_ttl() {
    // The request at the very instant of expiry is a hit: 10 of 11 for a gap of 1 s and a TTL of 10 s.
    for (ttl, hits_per_miss) in [("10s", 10), ("9999ms", 9), ("10500ms", 10), ("999ms", 0), ("1s", 1)] {
        let cycles = 1_000;
        let requests = cycles * (hits_per_miss + 1);
        let text = format!(
            "name = \"law\"\n[workload]\nduration = \"{requests}s\"\nrate = \"1/s\"\narrivals = \"deterministic\"\n\
             [[workload.class]]\nname = \"image\"\nobjects = 1\n\
             [origin]\nlatency = {AT_ONCE}\n[cache]\nttl_resolution = \"exact\"\n\
             [[strategy]]\nname = \"law\"\nttl = {{ rule = \"fixed\", ttl = \"{ttl}\" }}\n"
        );
        let run = &support::run(&text)[0][0];
        assert_eq!(run.totals.outcomes.of(FreshHit), cycles * hits_per_miss, "ttl {ttl}");
        assert_eq!(run.origin.fetches, cycles, "ttl {ttl}");
    }
}
