use super::super::fixture;
use super::*;

/// `thumbnails` with replications, and the same with other fresh hits.
pub(super) fn runs(shift: impl Fn(usize) -> f64) -> (Record, Record) {
    let mut before = fixture::thumbnails();
    for cell in &mut before.cells {
        let hit = cell.ratios.fresh_hit.mean.unwrap();
        let of = (0..5_u32).map(|n| Some(hit + f64::from(n) * 0.002)).collect();
        cell.by_replication.insert("fresh_hit".into(), of);
    }
    let mut after = before.clone();
    for cell in &mut after.cells {
        let values = cell.by_replication.get_mut("fresh_hit").unwrap();
        for (n, value) in values.iter_mut().enumerate() {
            *value = value.map(|value| value + shift(n));
        }
        let known: Vec<f64> = values.iter().flatten().copied().collect();
        cell.ratios.fresh_hit.mean = Some(known.iter().sum::<f64>() / 5.0 - 0.004);
    }
    (before, after)
}

fn fresh<'c>(comparison: &'c Comparison) -> &'c Shift {
    comparison.pairs[0].shifts.iter().find(|shift| shift.measure.key == "fresh_hit").unwrap()
}

#[test]
fn paired_runs_tell_a_small_difference_and_independent_ones_do_not() {
    let (before, mut after) = runs(|n| 0.001 + if n % 2 == 0 { 1e-5 } else { -1e-5 });
    let comparison = Comparison::of(&before, &after);
    assert!(comparison.is_paired());
    assert_eq!(fresh(&comparison).change.indistinguishable, Some(false));
    assert_eq!(fresh(&comparison).is_better(), Some(true));
    after.trace.sha256 = "other".into();
    let comparison = Comparison::of(&before, &after);
    assert_eq!(fresh(&comparison).words(), "indistinguishable");
}

/// Gives every cell these fresh hits by replication.
fn set(record: &mut Record, values: &[Option<f64>]) {
    for cell in &mut record.cells {
        cell.by_replication.insert("fresh_hit".into(), values.to_vec());
        cell.replications = u32::try_from(values.iter().flatten().count()).unwrap();
    }
}

#[test]
fn replications_are_paired_by_their_number_over_those_that_both_have() {
    let (mut before, mut after) = runs(|_| 0.0);
    // The second replication of one run and the third of the other are missing.
    set(&mut before, &[Some(0.1), None, Some(0.3), Some(0.4)]);
    set(&mut after, &[Some(0.11), Some(0.9), None, Some(0.4101)]);
    let comparison = Comparison::of(&before, &after);
    let shift = fresh(&comparison);
    assert_eq!(shift.from, Some(Source::Pairs(2)));
    assert!((shift.change.difference - 0.010_05).abs() < 1e-12, "{shift:?}");
    assert!(comparison.summary()[2].contains("paired by replication over those that both have, 2 at least;"));
    // A longer run is paired over the replications of the shorter one.
    set(&mut after, &[0.2, 0.0, 0.401, 0.5, 0.9, 0.9].map(Some));
    set(&mut before, &[0.1, 0.0, 0.3, 0.4].map(Some));
    let comparison = Comparison::of(&before, &after);
    assert_eq!((fresh(&comparison).from, comparison.is_paired()), (Some(Source::Pairs(4)), true));
}

#[test]
fn paired_is_said_only_where_it_was_done() {
    let (mut before, mut after) = runs(|_| 0.0);
    set(&mut before, &[Some(0.1), Some(0.2), None]);
    set(&mut after, &[None, Some(0.2), Some(0.3)]);
    let comparison = Comparison::of(&before, &after);
    assert_eq!(fresh(&comparison).from, Some(Source::Sets));
    let json: serde_json::Value = serde_json::from_str(&comparison.json()).unwrap();
    assert_eq!((&json["paired"], &json["cells"][0]["changes"][0]["paired"]), (&json!(false), &json!(false)));
    let words = comparison.summary()[2].clone();
    assert!(words.starts_with("The runs share fewer than two replications, so"), "{words}");
    // Where only some cells share enough of them, both is said.
    before.cells[0].by_replication.insert("fresh_hit".into(), vec![None, Some(0.1), Some(0.2)]);
    let comparison = Comparison::of(&before, &after);
    assert_eq!(fresh(&comparison).from, Some(Source::Pairs(2)));
    assert!(!comparison.is_paired());
    let words = comparison.summary()[2].clone();
    assert!(words.contains("where two cells share fewer than two, their replications are taken"), "{words}");
    // One replication against several has no interval.
    set(&mut before, &[Some(0.1)]);
    set(&mut after, &[Some(0.1), Some(0.2)]);
    let words = Comparison::of(&before, &after).summary()[2].clone();
    assert!(words.starts_with("The replications of the two runs give no interval"), "{words}");
}

#[test]
fn a_difference_lies_in_its_interval_and_gives_the_direction() {
    let (mut before, mut after) = runs(|_| 0.0);
    let waits = |values: [f64; 4]| values.map(Some).to_vec();
    for (record, values, pooled) in [
        (&mut before, waits([100.0, 110.0, 120.0, 130.0]), 120.0),
        // Every replication waits 20 ms longer, though the quantile of all waits together is the same.
        (&mut after, waits([120.0, 130.0, 140.0, 150.1]), 120.0),
    ] {
        for cell in &mut record.cells {
            cell.by_replication.insert("p99".into(), values.clone());
            cell.latency_ms.p99 = Some(pooled);
        }
    }
    let comparison = Comparison::of(&before, &after);
    let shift = comparison.pairs[0].shifts.iter().find(|shift| shift.measure.key == "p99").unwrap();
    assert_eq!((shift.words().as_str(), shift.is_better()), ("▲ +17 %, worse", Some(false)));
    let json: serde_json::Value = serde_json::from_str(&comparison.json()).unwrap();
    let changes = json["cells"][0]["changes"].as_array().unwrap();
    let p99 = changes.iter().find(|change| change["metric"] == "p99").unwrap();
    let of = |name: &str| p99[name].as_f64().unwrap();
    assert!(of("low") <= of("difference") && of("difference") <= of("high"), "{p99}");
}

#[test]
fn markdown_says_how_many_cells_it_leaves_out() {
    let (many, one) = (fixture::five_hundred(), fixture::one_cell());
    let text = Comparison::of(&many, &one).markdown();
    let only = text.lines().find(|line| line.starts_with("Only before: ")).unwrap();
    assert!(only.ends_with(" and 440 more, which the JSON form names."), "{only}");
    assert!(text.contains("\nOnly now: only at 64 MiB.\n"), "{text}");
}

#[test]
fn cells_of_several_policies_are_told_apart() {
    let before = fixture::policies();
    let mut after = before.clone();
    after.cells[3].ratios.fresh_hit.mean = Some(0.5);
    after.scoring.winner = Some(1);
    after.cells.pop();
    let comparison = Comparison::of(&before, &after);
    let choice =
        "The choice changed: one hour, allkeys-lfu at 64 MiB before, one hour, allkeys-lru at 64 MiB now.";
    assert_eq!(comparison.summary()[0], choice);
    assert!(
        comparison.terminal(100).contains("one hour, allkeys-lfu, 64 MiB"),
        "{}",
        comparison.terminal(100)
    );
    assert!(comparison.markdown().contains("| one hour, allkeys-lfu at 64 MiB | 50.0 % (**"));
    assert!(comparison.markdown().contains("Only before: one hour, allkeys-lfu at 256 MiB."));
    let page = comparison.html();
    let row = |policy: &str, tip: &str| page.contains(&format!("one hour, {policy} at 64 MiB: {tip}"));
    assert!(row("allkeys-lfu", "▼ -37.4 points, worse") && row("allkeys-lru", "unchanged"), "{page}");
    let json: serde_json::Value = serde_json::from_str(&comparison.json()).unwrap();
    assert_eq!(json["cells"][3]["eviction"], "allkeys-lfu");
}

#[test]
fn older_answers_are_a_change_for_the_worse_where_anything_changes() {
    let (mut before, mut after) = runs(|_| 0.0);
    assert!(!Comparison::of(&before, &after).markdown().contains("current answers"), "nobody knows");
    for (record, share, age) in [(&mut before, 0.995, 50.0), (&mut after, 0.981, 146.0)] {
        for cell in &mut record.cells {
            cell.replications = 1;
            (cell.freshness.fresh_share, cell.freshness.p95_age_s) = (Some(share), Some(age));
        }
    }
    let comparison = Comparison::of(&before, &after);
    assert!(comparison.summary()[1].contains(" 12 worse,"), "{:?}", comparison.summary());
    assert!(comparison.markdown().contains("| current answers | p95 staleness of outdated answers |"));
    assert!(comparison.html().contains("current answers") && comparison.terminal(200).contains("p95 age"));
    let limit = |text: &str| vec![text.parse::<FailOn>().unwrap()];
    assert_eq!(Comparison::of(&before, &after).failing_on(&limit("fresh_share:1pt")).failures().len(), 6);
    assert_eq!(Comparison::of(&before, &after).failing_on(&limit("fresh_share:2pt")).failures().len(), 0);
    assert_eq!(Comparison::of(&before, &after).failing_on(&limit("p95_age_s:60s")).failures().len(), 6);
}

#[test]
fn what_did_not_change_is_the_same_and_not_indistinguishable() {
    let (before, after) = runs(|_| 0.0);
    let words = Comparison::of(&before, &after).summary()[1].clone();
    assert!(words.contains(" 0 are better, 0 worse, 0 indistinguishable and 5"), "{words}");
    assert!(words.ends_with(" the same."), "{words}");
    let (before, after) = runs(|n| if n % 2 == 0 { 1e-3 } else { -1e-3 });
    let words = Comparison::of(&before, &after).summary()[1].clone();
    assert!(words.contains(" 6 indistinguishable and "), "{words}");
}

#[test]
fn a_gate_that_turned_is_told_in_every_form() {
    let (before, mut after) = runs(|_| 0.0);
    let forms = |before: &Record, after: &Record| {
        let comparison = Comparison::of(before, after);
        [comparison.terminal(200), comparison.markdown(), comparison.html(), comparison.json()]
    };
    for form in forms(&before, &after) {
        assert!(!form.contains("now FAILS") && !form.contains("now passes"), "{form}");
    }
    let gate = after.cells[4].gates.get_mut("peak_origin_rate_max").unwrap();
    (gate.value, gate.pass) = (Some(412.0), false);
    let told =
        "single-flight at 256 MiB: now FAILS peak origin rate 412/s, limit 300/s, 37 % over; before 201/s";
    for form in forms(&before, &after) {
        assert_eq!(form.matches(told).count(), 1, "{form}");
    }
    let back = Comparison::of(&after, &before).terminal(200);
    let told = "single-flight at 256 MiB: now passes peak origin rate 201/s, limit 300/s; before 412/s";
    assert!(back.contains(told), "{back}");
}

#[test]
fn what_rounds_to_nothing_is_neither_better_nor_worse() {
    let (before, mut after) = runs(|_| 0.0);
    after.cells[0].memory.mean_bytes *= 1.0 - 1e-5;
    let comparison = Comparison::of(&before, &after);
    let shift = comparison.pairs[0].shifts.iter().find(|shift| shift.measure.key == "memory").unwrap();
    assert_eq!((shift.words().as_str(), shift.tells(), shift.is_better()), ("±0 %", None, Some(true)));
    assert!(comparison.summary()[1].contains(" 0 are better, 0 worse"), "{:?}", comparison.summary());
}

#[test]
fn another_warm_up_is_told() {
    let (before, mut after) = runs(|_| 0.0);
    assert_eq!(Comparison::of(&before, &after).summary().len(), 3);
    (after.provenance.warmup_s, after.provenance.scored_s) = (3_600.0, 18_000.0);
    assert_eq!(
        Comparison::of(&before, &after).summary()[3],
        "They score different stretches: before 5 h 30 min after a warm-up of 30 min, now 5 h after a warm-up of 1 h."
    );
}

#[test]
fn every_form_holds_for_awkward_records() {
    let thumbnails = fixture::thumbnails();
    for (name, record) in fixture::all() {
        for (a, b) in [(&record, &thumbnails), (&thumbnails, &record), (&record, &record)] {
            let comparison = Comparison::of(a, b);
            let forms =
                [comparison.terminal(80), comparison.json(), comparison.markdown(), comparison.html()];
            for text in &forms {
                let body = text.replace("Number.isNaN", "").replace(": NaN", "");
                assert!(!body.contains("NaN") && !body.contains("Some("), "{name}");
            }
            for wrong in ["<script>alert", "<img", "<svg onload"] {
                assert!(!forms[2].contains(wrong) && !forms[3].contains(wrong), "{name}: {wrong}");
            }
        }
    }
}

#[test]
fn a_comparison_reads_well() {
    let (before, mut after) = runs(|n| 0.01 + if n == 0 { 1e-4 } else { 0.0 });
    after.cells.remove(1);
    after.scenario.seed = 42;
    after.scenario.effective["seed"] = json!(43);
    after.scoring.winner = Some(3);
    after.scoring.indistinguishable.clear();
    let comparison = Comparison::of(&before, &after);
    insta::assert_snapshot!("comparison_in_a_terminal", comparison.terminal(80));
    insta::assert_snapshot!("comparison_in_markdown", comparison.markdown());
}
