//! F8: how current the hits under a fixed TTL are, if objects change at random.

use crate::ledger::Ledger;
use crate::{AT_ONCE, OneKey, mean};

#[test]
fn f8_hits_under_a_fixed_ttl_are_as_stale_as_ages_uniform_within_it() {
    let mut ledger = Ledger::new("F8");
    // Rate, mean time between changes and TTL in seconds; tolerances of share and age.
    for (rate, between, ttl, of_share, of_age) in
        [(2.0, 20.0_f64, 30.0, 0.004, 0.06), (5.0, 100.0, 20.0, 0.004, 0.035)]
    {
        let strategy = format!("ttl = {{ rule = \"fixed\", ttl = \"{ttl}s\" }}");
        let origin = format!("changes = {{ model = \"poisson\", mean = \"{between}s\" }}");
        let seconds = 600_000.0 / rate;
        let runs = OneKey { rate, seconds, latency: AT_ONCE, origin: &origin, strategy: &strategy }.run();
        let freshness = |run: &ttlab::metrics::Measurements| run.freshness.expect("objects change");
        let stale = mean(&runs, |run| 1.0 - freshness(run).current_hits as f64 / freshness(run).hits as f64);
        // Without origin time a miss is answered with the current version, so all age is that of hits.
        let age = mean(&runs, |run| freshness(run).age_sum_s / freshness(run).hits as f64);
        let of_requests = mean(&runs, |run| {
            (freshness(run).responses - freshness(run).current) as f64 / freshness(run).responses as f64
        });
        let r = ttl / between;
        let fresh = (1.0 - (-r).exp()) / r;
        let at = format!("F8 at λ = {rate}, μT = {r}");
        stale.must_equal(&mut ledger, 1.0 - fresh, of_share, &format!("{at}: stale share of hits"));
        let m = rate * ttl;
        let law = m / (1.0 + m) * (1.0 - fresh);
        of_requests.must_equal(&mut ledger, law, of_share, &format!("{at}: stale share of requests"));
        age.must_equal(
            &mut ledger,
            ttl * (0.5 - 1.0 / r + fresh / r),
            of_age,
            &format!("{at}: mean age of hits"),
        );
    }
    ledger.close();
}
