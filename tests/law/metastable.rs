//! An origin that never recovers by itself: late fills that are thrown away keep an outage alive.
//!
//! The same load is stable as long as the cache is full. Once it is empty, every request must fetch,
//! which is five times what the origin can do; fetches then come too late for their clients. If they
//! still fill the cache the load falls and all is well within a minute. If they are thrown away, it
//! stays as it is for ever (Bronson et al., "Metastable Failures in Distributed Systems", HotOS 2021).

use std::fmt::Write;

use crate::support;
use ttlab::metrics::{Measurements, OutcomeKind};

/// 1500 requests a second meet an origin of 300; `faults` is what goes wrong, and each strategy a guard.
fn runs(start: &str, late_fill: &str, faults: &str, guards: &[&str]) -> Vec<Vec<Measurements>> {
    let mut text = format!(
        "name = \"metastable\"\nseed = 1\nrepeat = 5\n[time]\nbucket = \"10s\"\n\
         [workload]\nduration = \"600s\"\nrate = \"1500/s\"\n\
         [[workload.class]]\nname = \"image\"\nobjects = 20_000\n\
         popularity = {{ model = \"zipf\", alpha = 1.0 }}\n\
         [origin]\nlatency = {{ model = \"exponential\", mean = \"100ms\" }}\n\
         capacity = {{ model = \"servers\", servers = 30 }}\nfaults = {faults}\n\
         [client]\ntimeout = \"1s\"\nlate_fill = \"{late_fill}\"\n[cache]\nstart = \"{start}\"\n"
    );
    for (number, guard) in guards.iter().enumerate() {
        let baseline = number == 0;
        write!(
            text,
            "[[strategy]]\nname = \"{guard}\"\nbaseline = {baseline}\nguard = \"{guard}\"\n\
             ttl = {{ rule = \"fixed\", ttl = \"60s\" }}\n"
        )
        .expect("a String takes any text");
    }
    support::run(&text)
}

/// Hit ratio from one second of the run to another.
fn hit(run: &Measurements, from: usize, until: usize) -> f64 {
    let buckets = &run.series.buckets[from / 10..until / 10];
    let hits: u64 = buckets.iter().map(|bucket| bucket.outcomes.of(OutcomeKind::FreshHit)).sum();
    hits as f64 / buckets.iter().map(|bucket| bucket.outcomes.total()).sum::<u64>() as f64
}

/// The origin refuses everything for a little more than a TTL, so that nothing is left in the cache.
const OUTAGE: &str = "[{ fault = \"outage\", at = \"200s\", lasts = \"62s\" }]";

#[test]
fn without_a_trigger_the_load_is_stable_even_if_late_fills_are_thrown_away() {
    for runs in runs("warm", "discard", "[]", &["none", "single-flight"]) {
        for run in runs {
            for from in [100, 300, 500] {
                let hit = hit(&run, from, from + 100);
                assert!((0.87..0.90).contains(&hit), "{hit} from {from} s");
            }
        }
    }
}

#[test]
fn with_late_fills_kept_the_cache_fills_again_within_90_seconds_and_sooner_with_coalescing() {
    let recovery = runs("warm", "keep", OUTAGE, &["none", "single-flight"]).into_iter().map(|runs| {
        let seconds = runs.iter().map(|run| {
            let base = hit(run, 100, 200);
            assert!(hit(run, 250, 260) < 0.01, "the outage has emptied the cache");
            let back = (270..600).step_by(10).find(|from| hit(run, *from, from + 10) >= base - 0.01);
            let back = back.expect("it recovers") - 262;
            assert!(back < 90, "recovered after {back} s");
            assert!(hit(run, 500, 600) > base - 0.01, "and stays so");
            back as f64
        });
        seconds.sum::<f64>() / 5.0
    });
    let recovery: Vec<f64> = recovery.collect();
    assert!(recovery[1] < recovery[0], "seconds to recover: {recovery:?}");
}

#[test]
fn with_late_fills_thrown_away_it_never_recovers_coalesced_or_not() {
    let guards = ["none", "single-flight"];
    for runs in runs("warm", "discard", OUTAGE, &guards).into_iter().chain(runs("cold", "discard", "[]", &guards)) {
        for run in runs {
            let at_end = hit(&run, 580, 600);
            assert!(at_end < 0.01, "{at_end} at the end");
        }
    }
}
