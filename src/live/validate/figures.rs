//! The figures that are compared, and where each is found in a run.

use std::cmp::Ordering;

use super::compare::{compare, judged};
use super::judging::{Judging, Rule};
use super::{CHANCE, Judgement, Kind, Row, waits};
use crate::metrics::{Bucket, Measurements, OutcomeKind};

/// How a figure is found in a run.
type Figure = fn(&Measurements) -> Option<f64>;

/// Counts of requests of a kind, as a share.
fn share(run: &Measurements, kinds: &[OutcomeKind]) -> Option<f64> {
    let all = run.totals.outcomes.total();
    let own: u64 = kinds.iter().map(|kind| run.totals.outcomes.of(*kind)).sum();
    (all > 0).then(|| own as f64 / all as f64)
}

/// All figures but waits: what, kind, whether it is judged, and where it is.
const FIGURES: [(&str, Kind, Rule, Figure); 19] = {
    use crate::cache::Cause;
    use OutcomeKind::{DelayedHit, Error, FreshHit, Miss, StaleHit, StaleOnError};
    use Rule::{Memory, Shown, Within};
    [
        ("fresh hits", Kind::Share, Within(0.5), |run| share(run, &[FreshHit])),
        ("stale hits", Kind::Share, Within(0.5), |run| share(run, &[StaleHit])),
        (STALE_ON_ERROR, Kind::Share, Within(0.5), |run| share(run, &[StaleOnError])),
        (DELAYED, Kind::Share, Within(0.5), |run| share(run, &[DelayedHit])),
        ("misses, cold", Kind::Share, Within(0.5), |run| share(run, &[Miss(Cause::Cold)])),
        ("misses, expired or evicted", Kind::Share, Within(0.5), |run| {
            share(run, &[Miss(Cause::Expired), Miss(Cause::Evicted)])
        }),
        ("misses, expired", Kind::Share, Shown("no server tells why a key is gone"), |run| {
            share(run, &[Miss(Cause::Expired)])
        }),
        (INVALIDATED, Kind::Share, Within(0.5), |run| share(run, &[Miss(Cause::Invalidated)])),
        (LOST, Kind::Share, Within(0.5), |run| share(run, &[Miss(Cause::Lost)])),
        (ERRORS, Kind::Share, Within(0.5), |run| share(run, &[Error])),
        (EVICTED, Kind::Count, Within(3.0), |run| Some(run.evicted as f64)),
        (EXPIRED, Kind::Count, Within(3.0), |run| Some(run.expired as f64)),
        ("fills refused", Kind::Count, Within(3.0), |run| Some(run.out_of_memory as f64)),
        ("used_memory at the end", Kind::Bytes, Memory(1.0), |run| Some(final_memory(run))),
        (MEAN_MEMORY, Kind::Bytes, Memory(1.0), |run| Some(run.memory.mean_bytes)),
        ("entries, mean", Kind::Count, Shown("their bytes are judged"), |run| Some(run.memory.mean_entries)),
        (FETCHES, Kind::Count, Within(3.0), |run| Some(run.origin.fetches as f64)),
        (BUSIEST, Kind::Rate, Within(10.0), |run| Some(run.origin.per_second.peak as f64)),
        (STAMPEDED, Kind::Count, Within(10.0), |run| Some(run.stampedes.count as f64)),
    ]
};

const STALE_ON_ERROR: &str = "stale after an error";
const INVALIDATED: &str = "misses, deleted";
const LOST: &str = "misses, lost";
const MEAN_MEMORY: &str = "used_memory, mean";
const OVER_TIME: &str = "used_memory over time, most";
const DELAYED: &str = "delayed hits";
const ERRORS: &str = "errors";
pub(super) const EVICTED: &str = "entries evicted";
pub(super) const EXPIRED: &str = "entries expired";
const FETCHES: &str = "origin fetches";
const BUSIEST: &str = "origin, most in a second";
pub(super) const STAMPEDED: &str = "stampedes";

/// What most scenarios have nothing of: shown where either side has any.
const RARE: [&str; 3] = [STALE_ON_ERROR, INVALIDATED, LOST];

/// Shares of requests that say nothing of hits.
pub(super) const FAILURES: [&str; 2] = [STALE_ON_ERROR, ERRORS];

pub(super) fn rows(predicted: &[Measurements], measured: &Measurements, judging: &Judging) -> Vec<Row> {
    let buffers = buffers(predicted, measured);
    let row = |(what, kind, rule, of): (&'static str, Kind, Rule, Figure)| {
        let draws: Vec<f64> = predicted.iter().filter_map(of).collect();
        let (is_memory, rule) = (matches!(rule, Rule::Memory(_)), judging.applied(what, rule));
        let row = compare(what, kind, rule, &draws, of(measured));
        if is_memory { judged(Row { buffers_bytes: buffers, ..row }, rule) } else { row }
    };
    let has_any = |row: &Row| [row.predicted, row.measured].into_iter().flatten().any(|share| share > 0.0);
    let mut rows = Vec::with_capacity(FIGURES.len() + 1);
    for row in FIGURES.into_iter().map(row).filter(|row| !RARE.contains(&row.what) || has_any(row)) {
        let is_memory = row.what == MEAN_MEMORY;
        rows.push(row);
        if is_memory {
            rows.extend(worst_bucket(predicted, measured, judging));
        }
    }
    rows.extend(waits::rows(predicted, measured, judging));
    rows
}

/// How many bytes more the server's connections took than the model's, on average, or fewer: the model's are asked one thing
/// at a time, and how much is asked and answered together is up to the machines.
fn buffers(predicted: &[Measurements], measured: &Measurements) -> Option<f64> {
    let of = |run: &Measurements| run.memory.clients_mean_bytes;
    let model: f64 = predicted.iter().map(of).sum::<Option<f64>>()?;
    Some(of(measured)? - model / predicted.len() as f64)
}

/// Memory in the last bucket. What there is at one instant depends on how long before it the expiry came by and took much at
/// once, which it does rarely: a few seeds of which none ended so say that no chance is in it.
fn final_memory(run: &Measurements) -> f64 {
    run.series.buckets.last().map_or(run.memory.final_bytes as f64, memory_in)
}

pub(super) fn memory_in(bucket: &Bucket) -> f64 {
    bucket.live_mean_bytes + bucket.expired_mean_bytes
}

/// The bucket of the series whose memory is furthest beyond what it may differ by, after the warm-up; where none is, the one
/// that comes nearest to that.
///
/// A bucket in which much expires or is evicted at once varies more than others, so each is judged by its own chance. Seeds
/// may tell too little of that, and so it counts as no less than that of all buckets together: in any one the expiry may take
/// much at once, as it rarely does, so that the few in which some seed saw it tell what may happen in the others.
fn worst_bucket(predicted: &[Measurements], measured: &Measurements, judging: &Judging) -> Option<Row> {
    let first = judging.warmup.as_nanos().div_ceil(measured.series.bucket.as_nanos().max(1));
    let places = usize::try_from(first).unwrap_or(usize::MAX)..measured.series.buckets.len();
    let rule = if let Some(why) = judging.spoiled {
        Rule::Shown(why)
    } else if measured.sweeps.is_some() {
        Rule::Shown("a sweep removes much at once, so that a bucket depends on when in it that happened")
    } else if 2.0 * judging.look_s > measured.series.bucket.as_secs_f64() {
        Rule::Shown(
            "the server was looked at less than twice in a bucket; play it slower, or with a longer [time] bucket",
        )
    } else {
        judging.applied(OVER_TIME, Rule::Memory(1.0))
    };
    let buffers = buffers(predicted, measured);
    let of_bucket = |place: usize| {
        let draws = predicted.iter().map(|run| run.series.buckets.get(place).map(memory_in));
        let draws: Vec<f64> = draws.collect::<Option<_>>()?;
        let own = memory_in(&measured.series.buckets[place]);
        let row = compare(OVER_TIME, Kind::Bytes, rule, &draws, Some(own));
        Some(Row { buffers_bytes: buffers, ..row })
    };
    let all: Vec<Row> = places.filter_map(of_bucket).collect();
    let chances: Vec<f64> = all.iter().filter_map(|row| row.chance).collect();
    let pooled =
        (chances.iter().map(|chance| chance * chance).sum::<f64>() / chances.len().max(1) as f64).sqrt();
    let judged = |row: Row| judged(Row { chance: row.chance.map(|own| own.max(pooled)), ..row }, rule);
    all.into_iter().map(judged).max_by(by_excess)
}

/// Which of two buckets is further beyond what it may differ by: a tolerance, which is the same for all, and what chance makes
/// of it. One that says too little to be judged stands behind all others.
fn by_excess(one: &Row, other: &Row) -> Ordering {
    let judgement = |row: &Row| match row.judgement {
        Judgement::NotJudged => 0,
        Judgement::Inside => 1,
        Judgement::WithinChance => 2,
        Judgement::Outside => 3,
    };
    let excess = |row: &Row| row.size().unwrap_or(0.0) - CHANCE * row.chance.unwrap_or(0.0);
    let whole = |row: &Row| row.difference.map_or(0.0, f64::abs);
    judgement(one)
        .cmp(&judgement(other))
        .then(excess(one).total_cmp(&excess(other)))
        .then(whole(one).total_cmp(&whole(other)))
}

#[cfg(test)]
mod tests {
    use super::super::ValidatedCell;
    use super::super::judging::SPOILED;
    use super::super::waits::Added;
    use super::*;
    use crate::units::SimDuration;

    const ALL: Judging = Judging {
        counts_all: true,
        warmup: SimDuration::ZERO,
        spoiled: None,
        counters: None,
        others_hold_keys: false,
        look_s: 0.2,
        added: Added::NONE,
    };

    #[test]
    fn every_outcome_has_a_row_where_there_is_any() {
        let run = |kinds: &[OutcomeKind]| {
            let mut run = Measurements::empty();
            kinds.iter().for_each(|kind| run.totals.outcomes.add(*kind));
            run
        };
        let shares = |predicted: &Measurements, measured: &Measurements| -> Vec<(&str, Option<f64>)> {
            let rows = rows(std::slice::from_ref(predicted), measured, &ALL);
            let shares = rows.iter().filter(|row| row.kind == Kind::Share && row.what != "misses, expired");
            shares.map(|row| (row.what, row.measured)).collect()
        };
        let (usual, all) = (run(&[OutcomeKind::FreshHit]), run(&OutcomeKind::ALL));
        assert_eq!(shares(&usual, &usual).len(), 6, "what most scenarios have");
        for pair in [(&usual, &all), (&all, &usual)] {
            assert_eq!(shares(pair.0, pair.1).len(), 9, "either side has one");
        }
        let told: f64 = shares(&usual, &all).iter().filter_map(|(_, share)| *share).sum();
        assert!((told - 1.0).abs() < 1e-9, "every request is in one of the rows: {told}");
    }

    #[test]
    fn memory_of_values_alone_is_not_judged_against_a_servers() {
        let run = Measurements::empty();
        let judged = |judging: &Judging| {
            let rows = rows(std::slice::from_ref(&run), &run, judging);
            let row = rows.into_iter().find(|row| row.what == MEAN_MEMORY).unwrap();
            (row.tolerance, row.why)
        };
        assert_eq!(judged(&ALL).0, Some(1.0));
        let (tolerance, why) = judged(&Judging { counts_all: false, ..ALL });
        assert_eq!(tolerance, None);
        assert!(why.unwrap().contains("memory = \"redis\""), "{why:?}");
    }

    /// A run that held so much in its seconds.
    fn holding(bytes: &[f64]) -> Measurements {
        let mut run = Measurements::empty();
        run.series.bucket = SimDuration::from_secs(1);
        run.series.buckets =
            bytes.iter().map(|bytes| Bucket { live_mean_bytes: *bytes, ..Bucket::default() }).collect();
        run
    }

    #[test]
    fn the_bucket_whose_memory_differs_most_is_judged_after_the_warmup() {
        let predicted = vec![holding(&[100.0, 200.0, 400.0]); 3];
        let worst = |measured: &[f64], warmup: u64| {
            let judging = Judging { warmup: SimDuration::from_secs(warmup), ..ALL };
            worst_bucket(&predicted, &holding(measured), &judging)
        };
        let inside = worst(&[100.5, 200.0, 397.0], 0).unwrap();
        assert_eq!((inside.predicted, inside.judgement), (Some(400.0), Judgement::Inside), "0.75 of 100");
        assert_eq!(worst(&[100.0, 203.0, 400.0], 0).unwrap().judgement, Judgement::Outside, "1.5 of 100");
        assert_eq!(worst(&[90.0, 200.0, 400.0], 0).unwrap().judgement, Judgement::Outside);
        assert_eq!(
            worst(&[90.0, 200.0, 400.0], 1).unwrap().judgement,
            Judgement::Inside,
            "before the warm-up"
        );
        assert_eq!(worst(&[90.0, 200.0, 400.0], 3), None, "nothing is left");
        let mut swept = holding(&[90.0, 200.0, 400.0]);
        swept.sweeps = Some(crate::metrics::SweepTotals::default());
        assert_eq!(worst_bucket(&predicted, &swept, &ALL).unwrap().judgement, Judgement::NotJudged);
        // Chance is that of all buckets together.
        let spread = vec![holding(&[100.0, 197.0]), holding(&[100.0, 203.0])];
        let row = worst_bucket(&spread, &holding(&[107.0, 200.0]), &ALL).unwrap();
        assert_eq!((row.predicted, row.judgement), (Some(100.0), Judgement::WithinChance), "{row:?}");
    }

    #[test]
    fn a_bucket_that_varies_more_than_others_is_judged_by_its_own_chance_and_hides_none_of_them() {
        use Judgement::{Inside, NotJudged, Outside, WithinChance};
        // The last of four buckets varies; by so many per cent the difference does.
        let told = |chance: f64, measured: [f64; 2]| {
            let spread = 4.0 * chance / 3.0_f64.sqrt();
            let draws = [-spread, spread].map(|spread| holding(&[100.0, 100.0, 100.0, 400.0 + spread]));
            let row =
                worst_bucket(&draws, &holding(&[100.0, measured[0], 100.0, measured[1]]), &ALL).unwrap();
            (row.judgement, row.predicted.unwrap().round(), (row.chance.unwrap() * 100.0).round() / 100.0)
        };
        // All of them together vary by 1.4 %: four times that and the tolerance are 6.6 %, and of its own 12.2 %.
        assert_eq!(told(2.8, [100.0, 440.0]), (WithinChance, 400.0, 2.8), "10 %");
        assert_eq!(told(2.8, [100.0, 452.0]), (Outside, 400.0, 2.8), "13 %");
        assert_eq!(told(2.8, [106.5, 400.0]), (WithinChance, 100.0, 1.4), "few seeds tell little of one");
        assert_eq!(told(2.8, [107.0, 440.0]), (Outside, 100.0, 1.4), "the other differs more, and may");
        // One that varies too much to be judged says nothing of the others.
        assert_eq!(
            told(5.0, [100.5, 520.0]),
            (Inside, 100.0, 2.5),
            "30 %, of which 21 may be and 41 say little"
        );
        assert_eq!(told(5.0, [115.0, 520.0]), (Outside, 100.0, 2.5));
        assert_eq!(told(5.0, [100.5, 568.0]), (Outside, 400.0, 5.0), "42 %");
        assert_eq!(told(20.0, [100.5, 520.0]).0, NotJudged, "all of them vary too much together");
    }

    #[test]
    fn what_is_spoiled_is_not_judged_and_says_why() {
        use Judgement::{Inside, NotJudged, Outside};
        let mut run = Measurements::empty();
        (0..10_000).for_each(|_| run.totals.outcomes.add(OutcomeKind::FreshHit));
        (run.evicted, run.expired, run.origin.fetches, run.stampedes.count) = (5_000, 5_000, 5_000, 500);
        run.memory.mean_bytes = 1e6;
        let other = Measurements { evicted: 9_000, ..run.clone() };
        let judged = |judging: &Judging| rows(&[run.clone(), run.clone()], &other, judging);
        let word = |rows: &[Row], what: &str| rows.iter().find(|row| row.what == what).unwrap().judgement;
        let all = judged(&ALL);
        assert_eq!(word(&all, EVICTED), Outside);
        assert_eq!([FETCHES, STAMPEDED].map(|what| word(&all, what)), [Inside; 2]);
        assert_eq!(word(&all, DELAYED), NotJudged, "there are none");
        let spoiled = judged(&Judging { spoiled: Some(SPOILED[0]), ..ALL });
        assert!(
            spoiled.iter().all(|row| row.why.is_some_and(|why| why.contains("client-limited"))),
            "{spoiled:?}"
        );
        let without = judged(&Judging { counters: Some("a reason"), ..ALL });
        let words = |rows: &[Row]| {
            [EVICTED, EXPIRED, MEAN_MEMORY, FETCHES, "fresh hits"].map(|what| word(rows, what))
        };
        assert_eq!(words(&without), [NotJudged, NotJudged, Inside, Inside, Inside]);
        let others = judged(&Judging { others_hold_keys: true, ..ALL });
        assert_eq!(words(&others), [Outside, Inside, NotJudged, Inside, Inside]);
        let cell = |rows: Vec<Row>| ValidatedCell {
            strategy: String::new(),
            capacity_bytes: None,
            eviction: String::new(),
            server: String::new(),
            rows,
            courses: Vec::new(),
            served: None,
            worked: Vec::new(),
            warnings: Vec::new(),
        };
        let (all, spoiled) = (cell(all), cell(spoiled));
        assert!(all.says_something() && all.spoiled().is_none() && !all.is_as_predicted());
        assert_eq!((spoiled.says_something(), spoiled.spoiled()), (false, Some(SPOILED[0])));
        assert!(spoiled.is_as_predicted(), "nothing is outside: its verdict is that it says nothing");
        // Shares of which there is nothing say nothing: 0 against 0 is always as predicted.
        let empty = cell(rows(&[Measurements::empty(), Measurements::empty()], &Measurements::empty(), &ALL));
        assert!(!empty.says_something());
        // Where every request fails that is judged, and says nothing of hits.
        let mut failed = Measurements::empty();
        (0..10_000).for_each(|_| failed.totals.outcomes.add(OutcomeKind::Error));
        let failed = cell(rows(&[failed.clone(), failed.clone()], &failed, &ALL));
        let judged = failed.rows.iter().filter(|row| row.judgement != NotJudged);
        assert_eq!(judged.map(|row| row.what).collect::<Vec<_>>(), [ERRORS]);
        assert!(!failed.says_something());
    }

    #[test]
    fn memory_is_judged_beside_what_buffers_of_connections_take() {
        use Judgement::{Inside, Outside};
        let run = |bytes: f64, clients: Option<f64>| {
            let mut run = Measurements::empty();
            (run.memory.mean_bytes, run.memory.clients_mean_bytes) = (bytes, clients);
            run.series.bucket = SimDuration::from_secs(1);
            run.series.buckets = vec![Bucket { live_mean_bytes: bytes, ..Bucket::default() }; 3];
            run
        };
        let predicted = [22_000.0, 24_000.0].map(|clients| run(1e6, Some(clients)));
        let judged = |measured: &Measurements| {
            let rows = rows(&predicted, measured, &ALL);
            let of = |what: &str| rows.iter().find(|row| row.what == what).copied().unwrap();
            let (mean, most) = (of(MEAN_MEMORY), of(OVER_TIME));
            assert_eq!(mean.buffers_bytes, most.buffers_bytes);
            assert!(rows.iter().all(|row| row.kind == Kind::Bytes || row.buffers_bytes.is_none()));
            (mean.judgement, most.judgement, mean.buffers_bytes)
        };
        assert_eq!(judged(&run(1_015_000.0, Some(38_000.0))), (Inside, Inside, Some(15_000.0)));
        assert_eq!(judged(&run(1_015_000.0, None)), (Outside, Outside, None), "it does not tell");
        assert_eq!(judged(&run(1_035_000.0, Some(38_000.0))), (Outside, Outside, Some(15_000.0)));
        // The bucket that is worst is the one of which buffers explain least.
        let mut uneven = run(1_010_000.0, Some(38_000.0));
        uneven.series.buckets[1].live_mean_bytes = 1_024_000.0;
        uneven.series.buckets[2].live_mean_bytes = 980_000.0;
        assert_eq!(judged(&uneven), (Inside, Outside, Some(15_000.0)), "2 % less in the last one");
    }

    #[test]
    fn memory_at_the_end_is_that_of_the_last_bucket_and_not_of_an_instant() {
        let run = |last: f64, instant: u64| {
            let mut run = holding(&[9e5, last]);
            run.memory.final_bytes = instant;
            run
        };
        let predicted = vec![run(1e6, 1_000_000); 2];
        let told = |measured: &Measurements| {
            let rows = rows(&predicted, measured, &ALL);
            let row = rows.iter().find(|row| row.what == "used_memory at the end").unwrap();
            (row.measured, row.judgement)
        };
        assert_eq!(told(&run(1.005e6, 960_000)), (Some(1.005e6), Judgement::Inside));
        assert_eq!(told(&run(0.98e6, 1_000_000)), (Some(0.98e6), Judgement::Outside));
    }

    #[test]
    fn memory_over_time_is_judged_only_where_it_was_looked_at_often_enough() {
        let mut run = Measurements::empty();
        run.series.bucket = SimDuration::from_secs(1);
        run.series.buckets = vec![Bucket { live_mean_bytes: 100.0, ..Bucket::default() }; 3];
        let judged = |look_s: f64| {
            worst_bucket(&[run.clone(), run.clone()], &run, &Judging { look_s, ..ALL }).unwrap().judgement
        };
        assert_eq!((judged(0.5), judged(0.51)), (Judgement::Inside, Judgement::NotJudged));
    }
}
