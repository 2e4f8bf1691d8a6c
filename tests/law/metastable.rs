//! The outage that outlives its cause: late fills that are thrown away keep an empty cache empty.
//!
//! The same load is stable as long as the cache is full. Once it is flushed every request must fetch, five
//! times what the origin can do, and fetches come too late for their clients. If they still fill the cache
//! all is well within a minute or so; if they are thrown away it stays as it is for ever (Bronson et al.,
//! "Metastable Failures in Distributed Systems", HotOS 2021).

use std::fmt::Write;

use crate::ledger::Ledger;
use crate::support;
use ttlab::metrics::{Measurements, OutcomeKind};

/// Replications of each variant.
const SEEDS: u32 = 3;
const FLUSH: usize = 200;

/// 1500 requests a second meet an origin of 300; one cell for each guard.
fn runs(start: &str, flush: bool, client: &str, guards: &[&str]) -> Vec<Vec<Measurements>> {
    let flush =
        if flush { format!("[[cache.event]]\nflush = {{ at = \"{FLUSH}s\" }}\n") } else { String::new() };
    let mut text = format!(
        "name = \"law\"\nseed = 1\nrepeat = {SEEDS}\n[time]\nbucket = \"1s\"\n\
         [workload]\nduration = \"600s\"\nrate = \"1500/s\"\n\
         [[workload.class]]\nname = \"image\"\nobjects = 20_000\n\
         popularity = {{ model = \"zipf\", alpha = 1.0 }}\n\
         [origin]\nlatency = {{ model = \"exponential\", mean = \"100ms\" }}\n\
         capacity = {{ model = \"servers\", servers = 30 }}\n\
         [client]\ntimeout = \"1s\"\n{client}\n[cache]\nstart = \"{start}\"\n{flush}"
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
    let buckets = &run.series.buckets[from..until];
    let hits: u64 = buckets.iter().map(|bucket| bucket.outcomes.of(OutcomeKind::FreshHit)).sum();
    hits as f64 / buckets.iter().map(|bucket| bucket.outcomes.total()).sum::<u64>() as f64
}

/// Holds the hit ratio of every replication in a stretch of seconds after the flush to a range; the mean is told.
fn check(
    ledger: &mut Ledger,
    what: &str,
    runs: &[Measurements],
    (from, until): (usize, usize),
    (low, high): (f64, f64),
) {
    let hits: Vec<f64> = runs.iter().map(|run| hit(run, FLUSH + from, FLUSH + until)).collect();
    assert!(hits.iter().all(|hit| (low..=high).contains(hit)), "{what}: {hits:?}");
    let what = format!("{what}: h {from} to {until} s after");
    let expected = if high < 0.01 { ".000".to_owned() } else { format!("{low} … {high}") };
    ledger.must_lie(&what, &expected, hits.iter().sum::<f64>() / hits.len() as f64, low..=high);
}

/// The hit ratio before the flush, of which all runs begin with the same.
fn base(run: &Measurements) -> f64 {
    hit(run, FLUSH - 100, FLUSH)
}

const GUARDS: [&str; 2] = ["none", "single-flight"];

#[test]
fn without_a_flush_the_load_is_stable_even_if_late_fills_are_thrown_away() {
    let mut ledger = Ledger::new("Metastable, no flush");
    for client in ["late_fill = \"keep\"", "late_fill = \"discard\""] {
        for (runs, guard) in runs("warm", false, client, &GUARDS).iter().zip(GUARDS) {
            let what = format!("no flush, {client}, guard {guard}");
            for stretch in [(5, 15), (100, 120), (380, 400)] {
                check(&mut ledger, &what, runs, stretch, (0.87, 0.9));
            }
        }
    }
    ledger.close();
}

#[test]
fn with_late_fills_kept_a_flushed_cache_recovers_and_sooner_with_coalescing() {
    let mut ledger = Ledger::new("Metastable, kept");
    let mut recoveries = Vec::new();
    for (runs, (guard, dip)) in runs("warm", true, "late_fill = \"keep\"", &GUARDS)
        .iter()
        .zip(GUARDS.into_iter().zip([(0.66, 0.74), (0.7, 0.78)]))
    {
        let what = format!("flush, late fills kept, guard {guard}");
        check(&mut ledger, &what, runs, (5, 15), dip);
        check(&mut ledger, &what, runs, (100, 120), (0.87, 0.91));
        check(&mut ledger, &what, runs, (380, 400), (0.87, 0.9));
        let seconds: Vec<f64> = runs
            .iter()
            .map(|run| {
                let wanted = base(run) - 0.01;
                let back = (FLUSH..590).find(|from| hit(run, *from, from + 10) >= wanted);
                (back.expect("it recovers") - FLUSH) as f64
            })
            .collect();
        assert!(seconds.iter().all(|after| *after < 90.0), "{what}: recovered after {seconds:?} s");
        let mean = seconds.iter().sum::<f64>() / seconds.len() as f64;
        ledger.must_lie(
            &format!("{what}: seconds until h is back"),
            "below 90 in every run",
            mean,
            0.0..=90.0,
        );
        recoveries.push(mean);
    }
    assert!(recoveries[1] < recoveries[0], "coalescing recovers sooner: {recoveries:?}");
    ledger.close();
}

#[test]
fn with_late_fills_thrown_away_a_flushed_or_cold_cache_never_recovers() {
    let mut ledger = Ledger::new("Metastable, discarded");
    let client = "late_fill = \"discard\"";
    for (runs, (guard, dip)) in
        runs("warm", true, client, &GUARDS).iter().zip(GUARDS.into_iter().zip([(0.43, 0.53), (0.47, 0.57)]))
    {
        let what = format!("flush, late fills discarded, guard {guard}");
        check(&mut ledger, &what, runs, (5, 15), dip);
        check(&mut ledger, &what, runs, (100, 120), (0.0, 0.009));
        check(&mut ledger, &what, runs, (380, 400), (0.0, 0.009));
    }
    for (runs, guard) in runs("cold", false, client, &GUARDS).iter().zip(GUARDS) {
        check(
            &mut ledger,
            &format!("cold start, late fills discarded, guard {guard}"),
            runs,
            (380, 400),
            (0.0, 0.009),
        );
    }
    let cancelled = format!("{client}\non_timeout = \"cancel-queued\"");
    let what = "flush, late fills discarded, cancelled while queued";
    let runs = runs("warm", true, &cancelled, &GUARDS[..1]).remove(0);
    // Where the queue is as long as the patience, a little decides much: the other program saw .42 to .47.
    check(&mut ledger, what, &runs, (100, 120), (0.33, 0.5));
    check(&mut ledger, what, &runs, (380, 400), (0.33, 0.5));
    ledger.close();
}
