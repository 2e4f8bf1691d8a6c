//! F2: a TTL that every read sets anew.

use crate::ledger::Ledger;
use crate::{AT_ONCE, OneKey, mean, share};
use ttlab::metrics::OutcomeKind::FreshHit;

#[test]
fn f2_a_sliding_ttl_hits_whenever_the_gap_is_within_it() {
    let mut ledger = Ledger::new("F2");
    let strategy = "ttl = { rule = \"sliding\", idle = \"2s\", max_age = \"unbounded\" }";
    let runs = OneKey { rate: 1.0, seconds: 200_000.0, latency: AT_ONCE, origin: "", strategy }.run();
    let law = 1.0 - (-2.0_f64).exp();
    share(&runs, &[FreshHit]).must_equal(&mut ledger, law, 0.0015, "F2 at λT = 2, hit ratio");
    mean(&runs, |run| run.memory.mean_entries).must_equal(
        &mut ledger,
        law,
        0.0015,
        "F2 at λT = 2, occupancy",
    );
    ledger.close();
}

#[test]
fn f2j_jitter_drawn_at_each_touch_costs_a_sliding_ttl_hits() {
    let mut ledger = Ledger::new("F2j");
    let strategy = "ttl = { rule = \"sliding\", idle = \"10s\", max_age = \"unbounded\", redraw = \"touch\", \
                    modifiers = [{ modifier = \"jitter\", spread = 0.5 }] }";
    let runs = OneKey { rate: 0.2, seconds: 1_000_000.0, latency: AT_ONCE, origin: "", strategy }.run();
    let (rate, from, to) = (0.2_f64, 5.0, 15.0);
    let law = 1.0 - ((-rate * from).exp() - (-rate * to).exp()) / (rate * (to - from));
    share(&runs, &[FreshHit]).must_equal(
        &mut ledger,
        law,
        0.0015,
        "F2j at λ = 0.2, T in 5 to 15 s, hit ratio",
    );
    // A touch may also draw an earlier deadline than the one before.
    mean(&runs, |run| run.memory.mean_entries).must_equal(&mut ledger, law, 0.0015, "F2j, occupancy");
    ledger.close();
}
