//! An independent model of the simulator, and the engine held against it, outcome by outcome.

#[path = "oracle/case.rs"]
mod case;
#[path = "oracle/diary.rs"]
mod diary;
#[path = "oracle/generate.rs"]
mod generate;
mod naive;
#[path = "oracle/ttls.rs"]
mod ttls;
#[path = "oracle/write.rs"]
mod write;
#[path = "oracle/write_ttl.rs"]
mod write_ttl;

use case::Case;
use diary::{Diary, check_buckets, check_recorder};
use naive::{Regeneration, Totals};
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use ttlab::scenario::Scenario;

/// All times of a case are small multiples of this, so that many things happen at the same instant.
const TICK: u64 = 1_000_000;

/// The engine and the naive model agree on everything that both know.
fn agree(case: &Case) {
    let text = case.scenario();
    let scenario = Scenario::parse(&text, "case.toml").unwrap_or_else(|error| panic!("{error}\n{text}"));
    let trace = case.trace();
    let simulation = case.simulation(&scenario, &trace);
    let end = simulation.window.until;
    let naive = case.naive(&simulation);
    let (cache, diary) = simulation.observed_by(Diary::default(), &()).expect("nobody stops it");
    assert_eq!(diary.in_order(), naive.outcomes, "{text}");
    let account = cache.finish(end);
    let found = Totals {
        evicted: account.evicted,
        expired: account.expired,
        resident_entries: usize::try_from(account.final_entries).expect("few entries"),
        resident_bytes: account.final_bytes,
        peak_bytes: account.peak_bytes,
        // The recorder counts them: they are looked at there.
        deadlines: naive.totals.deadlines,
        // Means are floats, so whether they mean the same is looked at below.
        byte_ticks: naive.totals.byte_ticks,
        entry_ticks: naive.totals.entry_ticks,
        ..diary.totals
    };
    assert_eq!(found, naive.totals, "{text}");
    for (mean, integral) in
        [(account.mean_bytes, naive.totals.byte_ticks), (account.mean_entries, naive.totals.entry_ticks)]
    {
        let (mean, integral) = (mean * end.as_nanos() as f64, integral as f64);
        assert!((mean - integral).abs() <= 1.0 + 1e-6 * integral, "{mean} instead of {integral}: {text}");
    }
    let told = diary.regenerations.iter().map(|one| Regeneration {
        object: one.object.index(),
        start: one.start.as_nanos(),
        end: one.end.as_nanos(),
        size: one.size,
    });
    let mut told: Vec<_> = told.collect();
    told.sort_unstable();
    assert_eq!(told, naive.regenerations, "{text}");

    let bucket = scenario.bucket.expect("every case says it");
    let measured = case.simulation(&scenario, &trace).run(bucket, &()).expect("nobody stops it");
    check_recorder(&measured, &diary, &found, end, &text);
    // The course of a TTL ends with the last bucket in which something happened.
    let filter = measured.trajectories.iter().find(|one| !one.shadows.is_empty());
    let told = filter.and_then(|one| Some((one.times.last()?.as_nanos(), *one.shadows.last()?)));
    let known = naive.shadows.as_ref().zip(told);
    let known = known.map(|(ends, (at, _))| ends.iter().filter(|end| at <= **end).count() as u64);
    assert_eq!(told.map(|(_, shadows)| shadows), known, "{text}");
    assert_eq!(told.is_some(), naive.shadows.is_some(), "{text}");
    assert!(measured.trajectories.iter().all(|one| one.times.is_sorted()), "{text}");
    check_buckets(&measured, &diary, case.servers.count, end, &text);
}

/// How many cases, unless `PROPTEST_CASES` says another number than the one that proptest has by itself.
fn cases() -> u32 {
    let told = ProptestConfig::default().cases;
    if told == 256 { 8_192 } else { told }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: cases(),
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct("proptest-regressions/oracle.txt"))),
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_engine_and_the_naive_model_agree_on_every_outcome(case in generate::case()) {
        agree(&case);
    }

    /// The same for runs whose fetches take the engine's short way: one patient process, single-flight,
    /// an origin that never fails.
    #[test]
    fn they_agree_where_nothing_can_go_wrong_with_a_fetch(case in generate::plain_case()) {
        agree(&case);
    }
}
