use super::super::fixture;
use super::*;
use crate::record::{Difference, Record};

fn words(record: &Record) -> String {
    let verdict = verdict(&Reading::new(record));
    let gate = |gate: &GateLine| format!("{} {}", if gate.pass { "PASS" } else { "FAIL" }, gate.words);
    let gates: Vec<String> = verdict.gates.iter().map(gate).collect();
    let runner_up = verdict.runner_up.unwrap_or_default();
    format!("{}\n{}\n{runner_up}\n{}", verdict.sentence, gates.join("\n"), verdict.certainty)
}

#[test]
fn a_sweep_that_was_interrupted_has_no_verdict_and_says_which_cells_are_missing() {
    let mut record = fixture::thumbnails();
    assert!(verdict(&Reading::new(&record)).passes);
    record.cells[1].failed = Some("1 of 5 replications missing, interrupted".to_owned());
    let reading = Reading::new(&record);
    let (missing, told) = (reading.name(&record.cells[1]), verdict(&reading));
    assert!(!told.passes && told.gates.is_empty(), "{told:?}");
    let words = format!("No verdict yet: 1 of {} cells were interrupted ({missing})", record.cells.len());
    assert!(told.sentence.starts_with(&words), "{}", told.sentence);
    assert!(told.sentence.contains("of those that finished"), "{}", told.sentence);
    let table = crate::report::ranking(&record, 100);
    assert!(table.contains("No verdict yet") && !table.contains("\nUse "), "{table}");
    // A cell that broke off by a mistake of ttlab is told as before.
    record.cells[1].failed = Some("1 of 5 replications missing, broke off: a bug".to_owned());
    assert!(verdict(&Reading::new(&record)).passes);
}

#[test]
fn a_win_names_strategy_memory_effect_and_baseline() {
    insta::assert_snapshot!(words(&fixture::thumbnails()));
}

#[test]
fn a_win_without_rival_names_the_score() {
    let mut record = fixture::thumbnails();
    record.scoring.indistinguishable.clear();
    insta::assert_snapshot!(words(&record));
}

#[test]
fn a_tie_is_called_indistinguishable() {
    let mut record = fixture::thumbnails();
    for difference in record.cells[5].paired.values_mut() {
        difference.indistinguishable = Some(true);
    }
    insta::assert_snapshot!(words(&record));
}

#[test]
fn a_runner_up_is_told_by_pairs_and_chance_is_called_so() {
    let mut record = fixture::thumbnails();
    record.scoring.indistinguishable.clear();
    let values = |record: &mut Record, cell: usize, values: [f64; 3]| {
        record.cells[cell].by_replication.insert("fresh_hit".into(), values.map(Some).to_vec());
    };
    values(&mut record, 5, [0.92, 0.90, 0.91]);
    for (others, says) in [
        ([0.9202, 0.8997, 0.9095], "; it has an indistinguishable fresh hit ratio."),
        ([0.9099, 0.8901, 0.90], "; it has a fresh hit ratio 1.0 point lower."),
    ] {
        values(&mut record, 4, others);
        let runner_up = verdict(&Reading::new(&record)).runner_up.unwrap();
        assert!(runner_up.ends_with(says), "{runner_up}");
    }
    values(&mut record, 4, [0.9099, 0.8901, 0.90]);
    record.cells[4].by_replication.get_mut("fresh_hit").unwrap().drain(1..);
    let runner_up = verdict(&Reading::new(&record)).runner_up.unwrap();
    assert!(!runner_up.contains("fresh hit"), "nothing can be paired: {runner_up}");
}

#[test]
fn memory_is_told_where_it_differs_clearly() {
    let mut record = fixture::thumbnails();
    let says = |record: &Record| verdict(&Reading::new(record)).sentence;
    assert!(!says(&record).contains("of memory"));
    record.cells[5].memory.mean_bytes /= 4.0;
    let base = record.cells[3].memory.mean_bytes;
    let less = Difference {
        mean: -0.75 * base,
        low: Some(-0.8 * base),
        high: Some(-0.7 * base),
        indistinguishable: Some(false),
    };
    record.cells[5].paired.insert("memory".into(), less);
    assert!(
        says(&record).contains("with 51.2 MiB of memory on average instead of 205 MiB, "),
        "{}",
        says(&record)
    );
    record.cells[5].paired.get_mut("memory").unwrap().indistinguishable = Some(true);
    assert!(!says(&record).contains("of memory"));
}

#[test]
fn the_strategy_is_told_with_what_it_is_made_of() {
    let mut record = fixture::thumbnails();
    let says = |record: &Record| verdict(&Reading::new(record)).sentence;
    let start = "Use jitter + single-flight (TTL rule fixed with ttl 1h) at 256 MiB: ";
    assert!(says(&record).starts_with(start), "{}", says(&record));
    record.scenario.effective["strategy"][0]["guard"] = "lock".into();
    assert!(says(&record).contains(" with ttl 1h; guard lock) at 256 MiB: "), "{}", says(&record));
    record.scenario.effective = serde_json::Value::Null;
    assert!(says(&record).starts_with("Use jitter + single-flight at 256 MiB: "), "{}", says(&record));
}

#[test]
fn mean_load_is_told_where_it_differs_clearly_and_the_age_of_answers_wherever_it_is_known() {
    let mut record = fixture::recorded();
    let says = |record: &Record| verdict(&Reading::new(record)).sentence;
    (record.cells[3].origin.mean_rate, record.cells[5].origin.mean_rate) = (40.0, 20.0);
    (record.cells[3].freshness.fresh_share, record.cells[5].freshness.fresh_share) = (Some(0.99), Some(0.9));
    let told = says(&record);
    assert!(told.contains("with 20/s of origin fetches on average instead of 40/s, "), "{told}");
    let costs = |record: &Record| {
        verdict(&Reading::new(record)).costs.into_iter().map(|cost| cost.words).collect::<Vec<_>>()
    };
    assert_eq!(costs(&record)[0], "90.0 % of the answers are current (99.00 % with setex-3600).");
    record.cells[5].freshness.p95_age_s = Some(1_560.0);
    record.cells[3].freshness.p95_age_s = Some(480.0);
    let aged = "90.0 % of the answers are current (99.00 % with setex-3600); 95 % of the outdated ones are outdated for at most \
                26 min (8 min with setex-3600).";
    assert_eq!(costs(&record)[0], aged);
    (record.cells[5].origin.mean_rate, record.cells[5].freshness.fresh_share) = (39.0, Some(0.981));
    let told = says(&record);
    assert!(!told.contains("of origin fetches on average"), "{told}");
    let mut several = fixture::thumbnails();
    (several.cells[3].origin.mean_rate, several.cells[5].origin.mean_rate) = (40.0, 20.0);
    let apart =
        Difference { mean: -20.0, low: Some(-21.0), high: Some(-19.0), indistinguishable: Some(false) };
    several.cells[5].paired.insert("origin_rate".into(), apart);
    assert!(says(&several).contains("20/s of origin fetches"), "{}", says(&several));
    several.cells[5].paired.get_mut("origin_rate").unwrap().indistinguishable = Some(true);
    assert!(!says(&several).contains("of origin fetches on average"), "{}", says(&several));
}

#[test]
fn byte_hits_are_told_where_they_differ_by_a_point() {
    let mut record = fixture::recorded();
    let says = |record: &Record| verdict(&Reading::new(record)).sentence;
    let set = |record: &mut Record, before: f64, now: f64| {
        (record.cells[3].ratios.byte_hit.mean, record.cells[5].ratios.byte_hit.mean) =
            (Some(before), Some(now));
    };
    set(&mut record, 0.7, 0.4);
    let told = says(&record);
    assert!(told.contains("40.0 % byte hits instead of 70.0 %"), "{told}");
    set(&mut record, 0.7, 0.695);
    assert!(!says(&record).contains("byte hits"), "half a point is not much");
}

#[test]
fn memory_of_expired_entries_is_told_where_it_is_much() {
    let mut record = fixture::thumbnails();
    let held =
        |record: &Record| verdict(&Reading::new(record)).costs.into_iter().next().map(|cost| cost.words);
    assert_eq!(held(&record), None);
    record.cells[5].memory.expired_resident_mean_bytes = Some(record.cells[5].memory.mean_bytes * 0.31);
    let told = held(&record).unwrap();
    assert!(
        told.starts_with("31.0 % of the memory that it takes on average (63.5 MiB of 205 MiB)"),
        "{told}"
    );
    record.cells[5].memory.expired_resident_mean_bytes = None;
    assert_eq!(held(&record), None, "a server does not tell it");
}

#[test]
fn a_limit_that_is_never_filled_is_told() {
    let mut record = fixture::thumbnails();
    let unused =
        |record: &Record| verdict(&Reading::new(record)).costs.into_iter().next().map(|cost| cost.words);
    let cell = &mut record.cells[5];
    (cell.evicted, cell.too_large, cell.memory.peak_bytes) = (0, 0, Some(68 << 20));
    let told = unused(&record).unwrap();
    assert!(told.starts_with("It never held more than 68 MiB of its 256 MiB and evicted nothing"), "{told}");
    record.cells[5].evicted = 1;
    assert_eq!(unused(&record), None, "what was evicted had no room");
    record.cells[5].evicted = 0;
    record.cells[5].memory.peak_bytes = Some(250 << 20);
    assert_eq!(unused(&record), None, "it was nearly filled");
}

#[test]
fn a_run_without_warm_up_says_that_first_requests_are_scored() {
    let mut record = fixture::thumbnails();
    let sure = |record: &Record| verdict(&Reading::new(record)).certainty;
    assert!(!sure(&record).contains("warmed up"));
    record.provenance.warmup_s = 0.0;
    assert!(sure(&record).contains("Nothing is warmed up: "), "{}", sure(&record));
    let kinds = &mut record.cells[5].outcomes;
    (kinds.miss_expired, kinds.miss_evicted, kinds.miss_cold) = (0, 0, 799);
    let told = "all of the 799 misses of jitter + single-flight at 256 MiB are of objects that the cache had not held";
    assert!(sure(&record).contains(told), "{}", sure(&record));
}

#[test]
fn equal_scores_are_the_same_and_not_indistinguishable() {
    let mut record = fixture::recorded();
    record.scoring.indistinguishable = vec![4];
    record.cells[4].score = record.cells[5].score;
    let told = verdict(&Reading::new(&record)).runner_up.unwrap();
    assert!(told.contains(", with the same score (") && !told.contains("indistinguishable"), "{told}");
}

#[test]
fn a_baseline_that_wins_is_kept() {
    let mut record = fixture::thumbnails();
    record.scoring.winner = Some(3);
    record.scoring.indistinguishable.clear();
    record.cells[3].gates.clear();
    insta::assert_snapshot!(words(&record));
}

#[test]
fn cells_of_several_policies_are_told_apart() {
    insta::assert_snapshot!(words(&fixture::policies()));
}

#[test]
fn a_recording_has_no_interval() {
    insta::assert_snapshot!(words(&fixture::recorded()));
}

#[test]
fn where_nothing_passes_the_nearest_cell_is_named_with_what_it_misses() {
    insta::assert_snapshot!(words(&fixture::none_passes()));
}

#[test]
fn one_strategy_has_nothing_to_be_compared_with() {
    insta::assert_snapshot!(words(&fixture::one_cell()));
}

#[test]
fn a_cell_that_lacks_replications_comes_behind_the_others() {
    let mut record = fixture::thumbnails();
    record.scoring.indistinguishable.clear();
    record.cells[4].replications -= 1;
    let reading = Reading::new(&record);
    assert_eq!(reading.ranked.last().unwrap().id, record.cells[4].id);
    let second = verdict(&reading).runner_up.unwrap();
    assert!(!second.contains("single-flight at 256 MiB"), "{second}");
    record.cells.iter_mut().take(5).for_each(|cell| cell.replications = 4);
    let second = verdict(&Reading::new(&record)).runner_up.unwrap();
    assert_eq!(second, "Next comes single-flight at 256 MiB, which did not finish all replications.");
}

#[test]
fn where_only_unfinished_cells_pass_that_is_said() {
    let mut record = fixture::none_passes();
    record.cells[4].gates.clear();
    record.cells[4].replications -= 1;
    let sentence = verdict(&Reading::new(&record)).sentence;
    assert!(
        sentence.starts_with("No cell that finished all replications passes every gate. Nearest is jitter"),
        "{sentence}"
    );
}

#[test]
fn bounds_are_no_cells_to_choose_from_and_not_nothing() {
    let mut record = fixture::one_cell();
    let mut bound = record.cells[0].clone();
    (bound.id, bound.oracle, bound.baseline) = ("only-belady".into(), true, false);
    bound.eviction = "belady".into();
    record.cells.push(bound);
    let sentence = verdict(&Reading::new(&record)).sentence;
    assert!(sentence.contains(" is the only cell that can be set up and passes every gate: "), "{sentence}");
    assert!(sentence.ends_with("; beside it stand bounds, which no real cache reaches."), "{sentence}");
}

#[test]
fn a_live_run_is_measured_once_and_not_exact() {
    let certainty = verdict(&Reading::new(&fixture::live())).certainty;
    assert!(certainty.starts_with(reading::MEASURED_ONCE), "{certainty}");
    assert!(!certainty.contains("exact"), "{certainty}");
}

#[test]
fn without_data_nothing_is_recommended() {
    insta::assert_snapshot!(words(&fixture::nothing_known()));
    insta::assert_snapshot!(words(&fixture::no_cells()));
}

#[test]
fn what_is_withheld_is_told_in_the_place_of_a_recommendation() {
    let mut record = fixture::thumbnails();
    record.scoring.withheld =
        Some("Nothing is recommended: the server kept to a limit of its own.".to_owned());
    let verdict = verdict(&Reading::new(&record));
    assert!(!verdict.passes && verdict.sentence.contains("a limit of its own"), "{}", verdict.sentence);
}
