//! F5: values served stale while one fetch renews them.

use crate::ledger::Ledger;
use crate::{AT_ONCE, MISSES, OneKey, mean, share};
use ttlab::metrics::OutcomeKind::{DelayedHit, FreshHit, StaleHit};

#[test]
fn f5_stale_while_revalidate_splits_each_cycle_as_the_law_says() {
    let mut ledger = Ledger::new("F5");
    // Rate, TTL, window and fetch time in seconds.
    for (rate, ttl, window, time) in [(0.3_f64, 20.0, 6.0, 0.0), (0.3, 20.0, 6.0, 2.0), (2.0, 20.0, 3.0, 1.0)]
    {
        let strategy = format!(
            "ttl = {{ rule = \"fixed\", ttl = \"{ttl}s\" }}\nguard = \"single-flight\"\n\
             refresh = {{ policy = \"stale-while-revalidate\", window = \"{window}s\" }}"
        );
        let constant = format!("{{ model = \"constant\", value = \"{time}s\" }}");
        let latency = if time > 0.0 { constant.as_str() } else { AT_ONCE };
        let seconds = 400_000.0 / rate;
        let runs = OneKey { rate, seconds, latency, origin: "", strategy: &strategy }.run();
        // The chance that nobody asks within the window, and within what is left of it after a fetch.
        let (none, none_left) = ((-rate * window).exp(), (-rate * (window - time)).exp());
        let z = 1.0 + rate * (ttl + time);
        let refreshes = mean(&runs, |run| run.origin.refreshes as f64 / run.totals.outcomes.total() as f64);
        let at = format!("F5 at λ = {rate}, T = {ttl} s, S = {window} s, D = {time} s");
        for (what, measured, per_cycle) in [
            ("fresh", share(&runs, &[FreshHit]), rate * ttl),
            ("stale", share(&runs, &[StaleHit]), 1.0 + rate * time - none_left),
            ("delayed", share(&runs, &[DelayedHit]), none_left - none),
            ("blocking", share(&runs, &MISSES), none),
            ("background fetches", refreshes, 1.0 - none),
        ] {
            measured.must_equal(&mut ledger, per_cycle / z, 0.0012, &format!("{at}: {what}"));
        }
    }
    ledger.close();
}
