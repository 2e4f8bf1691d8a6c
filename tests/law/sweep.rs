//! F13: a periodic sweep to a limit is LRU of a larger capacity, and memory must leave room for it.

use crate::ledger::Ledger;
use crate::statistics::Estimate;
use crate::theory::{lru, zipf_rates};
use crate::{share, support};
use ttlab::metrics::OutcomeKind::FreshHit;

const RATE: f64 = 1_000.0;
const LIMIT: f64 = 200.0;

#[test]
fn f13_a_sweep_every_p_seconds_is_lru_with_half_a_period_of_inserts_more() {
    let mut ledger = Ledger::new("F13");
    let rates = zipf_rates(2_000, 0.9, RATE);
    for (period, published) in [(0.02, 0.5090), (0.1, 0.5245), (0.5, 0.5807)] {
        let text = format!(
            "name = \"law\"\nseed = 1\nrepeat = 16\n[time]\nwarmup = \"20s\"\n\
             [workload]\nduration = \"170s\"\nrate = \"{RATE}/s\"\n\
             [[workload.class]]\nname = \"image\"\nobjects = 2000\n\
             popularity = {{ model = \"zipf\", alpha = 0.9 }}\n\
             [origin]\nlatency = {{ model = \"constant\", value = \"0s\" }}\n\
             [cache]\nttl_resolution = \"exact\"\n\
             [[strategy]]\nname = \"law\"\nttl = {{ rule = \"fixed\", ttl = \"30d\" }}\n\
             sweep = {{ policy = \"zset-sweep\", period = \"{period}s\", limit_entries = 200, atomic = true }}\n"
        );
        let runs = support::run(&text).remove(0);
        // The insert rate depends on the hit ratio that it decides.
        let mut hit = lru(&rates, LIMIT);
        for _ in 0..50 {
            hit = lru(&rates, LIMIT + RATE * (1.0 - hit) * period / 2.0);
        }
        let at = format!("F13 at P = {period} s");
        assert!((hit - published).abs() < 0.0002, "{at}: {hit} is not what was published");
        share(&runs, &[FreshHit]).must_be_near(&mut ledger, hit, &format!("{at}: hit ratio"));
        let inserts = RATE * (1.0 - hit) * period;
        let entries = Estimate::of(runs.iter().map(|run| run.memory.mean_entries));
        let law = LIMIT + inserts / 2.0;
        // In long periods fewer and fewer of the requests insert, so the mean lies above the middle.
        entries.must_be_within(&mut ledger, law, 0.03 * law, &format!("{at}: entries on average"));
        // What is found too much at a sweep, as the sweep itself reports it.
        let peak =
            Estimate::of(runs.iter().map(|run| run.sweeps.expect("it swept").peak_excess_entries as f64));
        ledger.must_lie(
            &format!("{at}: most entries too many at a sweep"),
            &format!("above {inserts:.1}"),
            peak.mean(),
            inserts..=inserts + 6.0 * inserts.sqrt() + 3.0,
        );
        for run in &runs {
            let sweeps = run.sweeps.expect("it swept");
            let peak = sweeps.peak_excess_entries as f64;
            // The largest of hundreds of sweeps lies above the mean overshoot r P by its scatter.
            assert!(peak > inserts && peak < inserts + 6.0 * inserts.sqrt() + 3.0, "{at}: {peak} too many");
            assert_eq!(sweeps.peak_ghosts, 0, "{at}: nothing expires");
            assert_eq!(run.commands.zadd, run.totals.outcomes.total(), "{at}: one ZADD per request");
            assert_eq!(run.commands.expire, run.totals.outcomes.total(), "{at}: one EXPIRE per request");
        }
    }
    ledger.close();
}
