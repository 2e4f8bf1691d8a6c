//! F14 and F15: which TTL a hit ratio needs, and what the origin meets once the cache is lost.

use crate::ledger::Ledger;
use crate::statistics::Estimate;
use crate::{AT_ONCE, OneKey, mean, share, support};
use ttlab::metrics::OutcomeKind::FreshHit;

const HITS: [f64; 5] = [0.5, 0.8, 0.9, 0.95, 0.99];

#[test]
fn f14_a_hit_ratio_needs_the_ttl_that_the_inverse_says() {
    let mut ledger = Ledger::new("F14");
    for hit in HITS {
        for (rule, ttl) in [("fixed", hit / (1.0 - hit)), ("sliding", -(1.0 - hit).ln())] {
            let span = if rule == "fixed" { "ttl" } else { "max_age = \"unbounded\", idle" };
            let strategy = format!("ttl = {{ rule = \"{rule}\", {span} = \"{ttl:.9}s\" }}");
            let runs =
                OneKey { rate: 1.0, seconds: 60_000.0, latency: AT_ONCE, origin: "", strategy: &strategy }
                    .run();
            let what = format!("F14, {rule}, λT = {ttl:.2}: hit ratio");
            share(&runs, &[FreshHit]).must_equal(&mut ledger, hit, 0.003, &what);
        }
    }
    ledger.close();
}

#[test]
fn f15_without_its_cache_the_origin_meets_one_in_one_minus_h_as_much() {
    let mut ledger = Ledger::new("F15");
    for hit in HITS {
        let text = format!(
            "name = \"law\"\nseed = 1\nrepeat = 16\n[workload]\nduration = \"100000s\"\nrate = \"1/s\"\n\
             [[workload.class]]\nname = \"image\"\nobjects = 1\n[origin]\nlatency = {AT_ONCE}\n\
             [cache]\ncapacity = [{{ objects = 0 }}, {{ objects = 1 }}]\nttl_resolution = \"exact\"\n\
             [[strategy]]\nname = \"law\"\nttl = {{ rule = \"fixed\", ttl = \"{:.9}s\" }}\n",
            hit / (1.0 - hit)
        );
        let cells = support::run(&text);
        let times = cells[0]
            .iter()
            .zip(&cells[1])
            .map(|(without, with)| without.origin.fetches as f64 / with.origin.fetches as f64);
        let law = 1.0 / (1.0 - hit);
        Estimate::of(times).must_equal(
            &mut ledger,
            law,
            0.01 * law,
            &format!("F15 at h = {hit}: times the load"),
        );
        assert!(mean(&cells[0], |run| run.memory.mean_entries).mean() < f64::EPSILON, "the cache is lost");
    }
    ledger.close();
}
