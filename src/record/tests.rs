//! What a record holds, and that it reads back as itself.

use std::collections::BTreeMap;

use super::*;
use crate::metrics::{Cause, ClassTotals, Freshness, Measurements, OutcomeKind, Stampede};
use crate::score::fixture::{cell, run, run_with};
use crate::score::{self, Bound, Expectation, Gate, Metric, Rules, judge};
use crate::trace::{ClassId, Fact, Keys, ObjectId, Objects};
use crate::units::{SimDuration, SimTime};

fn objects() -> Objects {
    let fact = |class| Fact { size: 100, class: ClassId::new(class), size_is_imputed: false };
    Objects::new(vec![fact(0), fact(1), fact(1)], Keys::Numbered, vec!["photo".into(), "thumb".into()])
}

fn build(cells: &[score::Cell], rules: &Rules) -> Record {
    let context = CellContext {
        capacity: Some(Capacity::Bytes(64)),
        eviction: "lru".into(),
        failed: None,
        timeouts: None,
    };
    let seed = u64::MAX;
    Record::build(Finished {
        scenario: ScenarioInfo {
            name: "fixture".into(),
            question: "\"Why\" <b>?</b>".into(),
            sha256: String::new(),
            seed,
            effective: serde_json::json!({ "seed": seed }),
        },
        trace: TraceInfo {
            source: "synthetic".into(),
            recorded: false,
            requests: 0,
            objects: 3,
            unique_bytes: 300,
            span_s: 0.1 + 0.2,
            sha256: String::new(),
            skipped: BTreeMap::new(),
            skipped_first: BTreeMap::new(),
            imputed_size_share: 0.0,
            clock: None,
            reuse: None,
            notes: vec![],
        },
        sample: None,
        provenance: Provenance {
            command: "ttlab run".into(),
            warmup_s: 0.0,
            scored_s: 3_600.0,
            warnings: vec![],
            notes: vec![],
            limits: vec![],
            without_events: vec![],
        },
        events: Vec::new(),
        objects: &objects(),
        rules,
        cells,
        contexts: &vec![context; cells.len()],
        verdict: &judge(cells, rules),
    })
}

fn one(runs: Vec<Measurements>) -> Cell {
    let cell = score::Cell { runs: (0..).zip(runs).collect(), ..cell("baseline", 0.0, &[]) };
    build(&[cell], &Rules::default()).cells.remove(0)
}

#[test]
fn a_record_reads_back_as_itself_and_prints_the_same_bytes() {
    let cells =
        [cell("baseline", 1.0 / 3.0, &[700, 601]), cell("other", 0.1, &[650, 800]), cell("none", 0.0, &[])];
    let record = build(&cells, &Rules::default());
    let text = record.to_json();
    assert!(text.ends_with("}\n") && !text.ends_with("\n\n"));
    let again = Record::from_json(&text).unwrap();
    assert_eq!(again, record);
    assert_eq!(again.to_json(), text);
}

#[test]
fn nothing_in_it_is_not_a_number() {
    // JSON has no NaN: it would be written as null and refused where a number must stand.
    let empty = |number| (number, Measurements::empty());
    let silent =
        score::Cell { runs: [empty(0), empty(1)].into_iter().collect(), ..cell("baseline", 0.0, &[]) };
    let instant = score::Cell {
        runs: [0, 1]
            .map(|number| (number, Measurements { scored: SimDuration::ZERO, ..run(3, 4) }))
            .into_iter()
            .collect(),
        ..cell("at once", 0.0, &[])
    };
    let record = build(&[silent, instant, cell("failed", 0.0, &[])], &Rules::default());
    let again = Record::from_json(&record.to_json()).unwrap();
    assert_eq!(again, record);
    assert_eq!(record.cells[0].ratios.hit, Estimate::default());
    assert_eq!(record.cells[0].latency_ms.p50, None);
    assert_eq!((record.cells[0].score, record.cells[2].score), (None, None));
    assert_eq!(record.scoring.winner, Some(1), "an instant has hits, though no rates");
}

#[test]
fn ratios_are_means_counts_are_sums_and_peaks_the_greatest() {
    let mut small = run(1, 9);
    (small.origin.per_second.peak, small.memory.peak_bytes, small.evicted) = (7, 50, 2);
    let mut large = run(900, 100);
    (large.origin.per_second.peak, large.memory.peak_bytes, large.evicted) = (5, 70, 3);
    let cell = one(vec![small, large]);
    assert_eq!((cell.requests, cell.outcomes.fresh_hit, cell.evicted), (1_010, 901, 5));
    assert!((cell.ratios.hit.mean.unwrap() - 0.5).abs() < 1e-12);
    assert!(cell.ratios.hit.low.unwrap() < 0.1, "two replications say little");
    assert!((cell.ratios.origin_offload.mean.unwrap() - 0.5).abs() < 1e-12);
    assert!((cell.origin.peak_rate.unwrap() - 6.0).abs() < 1e-12);
    assert_eq!((cell.memory.peak_bytes, cell.avalanche.peak_per_s), (Some(70), Some(7)));
    assert!((cell.origin.mean_rate - 54.5 / 3_600.0).abs() < 1e-12);
    assert_eq!(cell.latency_ms.count, 1_010);
    assert!((cell.latency_ms.p99.unwrap() - 1.0).abs() < 1e-12);
}

#[test]
fn classes_stampedes_and_freshness_are_summed_up() {
    let with = |hits: u64, object| {
        run_with(|run| {
            let mut class = ClassTotals::default();
            (0..hits).for_each(|_| class.outcomes.add(OutcomeKind::FreshHit));
            class.outcomes.add(OutcomeKind::Miss(Cause::Cold));
            (class.requested_bytes, class.hit_bytes) = (100 * (hits + 1), 100 * hits);
            run.classes = vec![ClassTotals::default(), class];
            run.stampedes.sizes = vec![1, hits];
            run.stampedes.worst = vec![Stampede {
                object: ObjectId::new(object),
                start: SimTime::from_nanos(1_500_000_000),
                length: SimDuration::from_millis(250),
                size: 2,
                waiters: 1,
                trigger: OutcomeKind::Miss(Cause::Expired),
            }];
            run.freshness = Some(Freshness {
                responses: 10,
                current: hits,
                hits,
                current_hits: 1,
                age_sum_s: 20.0,
                p95_age: None,
                max_age: Some(SimDuration::from_secs(hits)),
                bound: Some(SimDuration::from_secs(60)),
                over_bound: Some(1),
            });
        })
    };
    let cell = one(vec![with(1, 2), with(3, 0)]);
    let thumb = &cell.classes[1];
    assert_eq!((thumb.name.as_str(), thumb.objects, thumb.requests), ("thumb", 2, 6));
    assert!((thumb.hit.unwrap() - 0.625).abs() < 1e-12, "the mean of 1/2 and 3/4");
    assert!((thumb.byte_hit.unwrap() - 0.625).abs() < 1e-12);
    assert_eq!(cell.classes[0].hit, None);
    assert_eq!(cell.stampedes.sizes, [2, 4]);
    let worst = &cell.stampedes.worst;
    assert_eq!(
        (worst.len(), worst[0].object.as_str(), worst[0].cause.as_str()),
        (1, "thumb/2", "miss_expired")
    );
    assert!((worst[0].start_s - 1.5).abs() < 1e-12 && (worst[0].length_s - 0.25).abs() < 1e-12);
    assert!((cell.freshness.fresh_share.unwrap() - 0.2).abs() < 1e-12);
    assert!((cell.freshness.mean_age_s.unwrap() - 2.0).abs() < 1e-12);
    assert_eq!((cell.freshness.p95_age_s, cell.freshness.max_age_s), (None, Some(3.0)));
}

#[test]
fn gates_expectations_and_the_verdict_are_written_down() {
    let hit = Metric::named("hit").unwrap();
    let rules = Rules {
        prices: None,
        gates: vec![Gate { name: "hit_min".into(), metric: hit, bound: Bound::Min, limit: 0.75 }],
        expectations: vec![Expectation { strategy: "other".into(), metric: hit, low: 0.9, high: 1.0 }],
        ..Rules::default()
    };
    let mut cells = [cell("baseline", 9.0, &[700, 710]), cell("other", 9.0, &[800, 810])];
    for cell in &mut cells {
        cell.sweep = vec!["64MiB".into()];
    }
    let record = build(&cells, &rules);
    assert_eq!(record.scoring.winner, Some(1));
    assert_eq!(record.scoring.weights.len(), 4);
    let gate = &record.cells[0].gates["hit_min"];
    assert!(!gate.pass && record.cells[1].gates["hit_min"].pass);
    let claim = &record.expectations[0];
    assert_eq!((claim.cell.as_str(), claim.metric.as_str(), claim.met), ("other at 64MiB", "hit", false));
    let difference = &record.cells[1].paired["hit"];
    assert!((difference.mean - 0.1).abs() < 1e-12);
    assert_eq!(difference.indistinguishable, Some(false));
    let ids: Vec<_> = record.cells.iter().map(|cell| cell.id.as_str()).collect();
    assert_eq!(ids, ["baseline-64mib", "other-64mib"]);
}

#[test]
fn ids_are_made_from_what_is_written_and_a_clash_is_numbered() {
    let names = [
        ["jitter + single-flight", "8GiB"],
        ["Jitter single flight", "8 GiB"],
        ["jitter single flight", "8gib"],
        ["<>", ""],
        ["größe", "2"],
    ];
    let names: Vec<Vec<String>> = names.iter().map(|words| words.map(String::from).to_vec()).collect();
    let ids = ids(names.iter().map(|words| words.iter()));
    assert_eq!(
        ids,
        [
            "jitter-single-flight-8gib",
            "jitter-single-flight-8-gib",
            "jitter-single-flight-8gib-2",
            "cell",
            "größe-2"
        ]
    );
}

#[test]
fn a_record_that_cannot_be_read_says_where_and_why() {
    let text = build(&[cell("baseline", 1.0, &[7])], &Rules::default()).to_json();
    let message = |text: &str| Record::from_json(text).unwrap_err().to_string();
    let cut = message(&text[..text.len() / 2]);
    assert!(cut.starts_with("line ") && cut.contains("cut off"), "{cut}");
    let newer = message(&text.replacen("\"schema\": 1", "\"schema\": 7", 1));
    assert!(newer.contains("schema 7") && newer.contains("schema 1"), "{newer}");
    // A later layout is named as such even where its fields have changed.
    assert!(message("{\"schema\": 2}").contains("schema 2"));
    assert!(message("{}").contains("no record of ttlab (missing field `schema`"), "{}", message("{}"));
    assert!(message("{\"schema\": 1}").contains("no record"));
    for (list, place) in [("[1]", "line 1, column 1"), ("\n  [{\"schema\": 1}]", "line 2, column 3")] {
        let told = message(list);
        assert_eq!(
            told,
            format!("{place}: this is no record of ttlab (it holds a list, and a record is an object)")
        );
    }
    assert!(message("17").contains("no record of ttlab (it holds a single value"), "{}", message("17"));
    assert!(message("[1").contains("cut off"), "{}", message("[1"));
    assert!(message("GIF89a").contains("line 1, column 1: this is no JSON"), "{}", message("GIF89a"));
    let file = Record::read(std::path::Path::new("no-such-record.json")).unwrap_err().to_string();
    assert!(file.starts_with("no-such-record.json: "), "{file}");
    let cells = message("{\"schema\": 1, \"cells\": 3}");
    assert!(!cells.contains("struct") && !cells.contains("sequence"), "{cells}");
}

#[test]
fn a_record_that_is_cut_off_anywhere_says_so_with_its_place() {
    let text = build(&[cell("baseline", 0.5, &[700, 601])], &Rules::default()).to_json();
    let body = text.trim_end();
    for length in (1..body.len()).step_by(97).filter(|length| body.is_char_boundary(*length)) {
        let error = Record::from_json(&body[..length]).unwrap_err().to_string();
        // Cut right behind a minus sign or a decimal point, what is left is no number.
        let told = error.contains("cut off") || error.contains("invalid number");
        assert!(told && error.starts_with("line "), "{length}: {error}");
    }
    assert!(Record::from_json("").unwrap_err().to_string().contains("cut off"));
}

#[test]
fn a_record_of_a_later_version_is_refused_with_both_versions() {
    let mut record = build(&[], &Rules::default());
    record.schema = SCHEMA + 1;
    let error = Record::from_json(&record.to_json()).unwrap_err().to_string();
    assert!(
        error.contains(&format!("schema {}", SCHEMA + 1))
            && error.contains(&format!("reads schema {SCHEMA}"))
    );
}

#[test]
fn each_replication_s_values_are_kept_beside_their_differences() {
    let cells = [cell("baseline", 1.0 / 3.0, &[700, 601]), cell("other", 0.1, &[650, 800])];
    let record = build(&cells, &Rules::default());
    let [base, other] = [&record.cells[0].by_replication, &record.cells[1].by_replication];
    assert_eq!(base["fresh_hit"].len(), 2);
    let pairs = other["fresh_hit"].iter().zip(&base["fresh_hit"]);
    let differences: Vec<f64> = pairs.map(|(other, base)| other.unwrap() - base.unwrap()).collect();
    let mean = differences.iter().sum::<f64>() / 2.0;
    assert!((record.cells[1].paired["fresh_hit"].mean - mean).abs() < 1e-12);
    assert!(base.contains_key("score"));
}
