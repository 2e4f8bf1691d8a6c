//! The verdict: scores, differences to the baseline, gates, the front, and which cell to choose.

use std::collections::BTreeMap;

use super::cell::{Cell, paired};
use super::composite::{self, Score, Weights};
use super::cost::Prices;
use super::gates::{self, Checked, Expectation, Gate, Held};
use super::objective::Metric;
use super::pareto;
use super::rates;
use super::stats::Estimate;
use crate::metrics::Measurements;

/// The rule by which the winner is chosen, for people; every record carries it.
pub const RULE: &str = "Of the cells that pass every gate, the one with the best score; of those that are \
indistinguishable from it in score (the 95 % interval of the paired difference contains 0, and the difference is at most \
0.01), and than which none scores distinguishably higher, the one with the least memory, if that is at least 1 % less, or \
the best score within 1 % of that memory. Oracles are bounds and never win.";

/// The difference of two scores from which on they are not alike, however wide the interval: few replications tell
/// nothing apart, and that is no reason to choose what came out worse.
const ALIKE: f64 = 0.01;

/// What memory must be less by, as a share, to decide between cells that are alike.
const LEANER: f64 = 0.01;

/// The metrics for which every cell is compared with the baseline, besides `score`.
pub const PAIRED: [&str; 17] = [
    "hit",
    "fresh_hit",
    "byte_hit",
    "origin_offload",
    "memory",
    "peak_memory",
    "expired_resident",
    "origin_rate",
    "origin_bytes_rate",
    "peak_origin_rate",
    "stampedes",
    "duplicate_ratio",
    "p50",
    "p99",
    "fresh_share",
    "over_bound_share",
    "p95_age_s",
];

/// The least by which a metric of [`PAIRED`] can change in a run of which so many seconds are scored, where that is coarse:
/// counts change by one. 0 for what has as many values as there are requests.
pub fn step_of(metric: &str, scored_s: f64) -> f64 {
    match metric {
        "stampedes" if scored_s > 0.0 => 3_600.0 / scored_s,
        "peak_origin_rate" => 1.0,
        _ => 0.0,
    }
}

/// By what a scenario wants its cells to be judged.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// What the score is made of.
    pub weights: Weights,
    /// What a cell must keep to be recommended.
    pub gates: Vec<Gate>,
    /// What the author claims.
    pub expectations: Vec<Expectation>,
    /// What things cost; `None` where the scenario does not say.
    pub prices: Option<Prices>,
}

/// What is to be said of all cells.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// Of each, in their order.
    pub cells: Vec<CellVerdict>,
    /// The cell to choose; `None` where none passes every gate.
    pub winner: Option<usize>,
    /// Other cells that pass every gate and are indistinguishable from the winner in score.
    pub indistinguishable: Vec<usize>,
    /// Whether the author's claims hold.
    pub expectations: Vec<Held>,
}

/// What is to be said of one cell.
#[derive(Debug, Clone, PartialEq)]
pub struct CellVerdict {
    /// From 0 to 1; `None` without data.
    pub score: Option<f64>,
    /// The parts of the score by objective, each from 0 to 1.
    pub parts: BTreeMap<&'static str, f64>,
    /// Differences to the baseline at the same values of the sweep, by metric; none for the
    /// baseline itself, and none where either lacks data.
    pub paired: BTreeMap<&'static str, Estimate>,
    /// The score and the metrics of [`PAIRED`] in each replication, whose number is its place; `None` where a replication
    /// is missing or has no data.
    pub by_replication: BTreeMap<&'static str, Vec<Option<f64>>>,
    /// In the order of the rules' gates.
    pub gates: Vec<Checked>,
    /// Whether no contender has both less memory and less load on the origin.
    pub on_pareto_front: bool,
}

/// Judges all cells of a scenario.
pub fn judge(cells: &[Cell], rules: &Rules) -> Verdict {
    let scores = composite::scores(cells, &rules.weights);
    let points: Vec<_> = cells.iter().map(|cell| if cell.oracle { None } else { cost(cell) }).collect();
    let front = pareto::front(&points);
    let judged: Vec<CellVerdict> = cells
        .iter()
        .enumerate()
        .map(|(index, cell)| CellVerdict {
            score: scores[index].mean(),
            parts: scores[index].parts.clone(),
            paired: differences(index, cells, &scores),
            by_replication: by_replication(cell, &scores[index]),
            gates: rules.gates.iter().map(|gate| gate.check(&cell.runs)).collect(),
            on_pareto_front: front[index],
        })
        .collect();
    // A cell with fewer replications than others met other requests on average, and is no match for them.
    let complete = cells.iter().map(|cell| cell.runs.len()).max().unwrap_or(0);
    let contenders: Vec<usize> = (0..cells.len())
        .filter(|&index| cells[index].runs.len() == complete && !cells[index].oracle)
        .filter(|&index| judged[index].gates.iter().all(|gate| gate.pass))
        .collect();
    let winner = winner(&contenders, cells, &scores);
    let near = |&index: &usize| winner.is_some_and(|winner| winner != index && near(winner, index, &scores));
    let indistinguishable = contenders.iter().copied().filter(near).collect();
    let expectations = gates::hold(&rules.expectations, cells);
    Verdict { cells: judged, winner, indistinguishable, expectations }
}

/// What a cell costs: bytes held, and origin fetches per request.
fn cost(cell: &Cell) -> Option<(f64, f64)> {
    Some((memory(cell)?, cell.runs.mean(rates::fetches_per_request)?))
}

fn memory(cell: &Cell) -> Option<f64> {
    cell.runs.mean(|run| Some(run.memory.mean_bytes))
}

/// The best score, and among those not told from it the least memory, where that is clearly less; the first in the
/// scenario among equals.
fn winner(contenders: &[usize], cells: &[Cell], scores: &[Score]) -> Option<usize> {
    let best = best_of(contenders.iter().copied(), scores)?;
    // To be alike does not carry over: a cell that varies much can be alike to the best one and still be told from a third
    // that scores between the two. Whoever takes it is told that others are better.
    let is_beaten = |&index: &usize| contenders.iter().any(|&other| is_told_above(other, index, scores));
    let alike = contenders.iter().copied().filter(|&index| near(best, index, scores));
    let alike: Vec<usize> = alike.filter(|index| !is_beaten(index)).collect();
    let held = |index: usize| memory(&cells[index]).unwrap_or(f64::INFINITY);
    let least = alike.iter().map(|&index| held(index)).fold(f64::INFINITY, f64::min);
    let most = (least * (1.0 + LEANER)).min((1.0 - LEANER) * held(best));
    best_of(alike.into_iter().filter(|&index| held(index) <= most), scores).or(Some(best))
}

/// The cell with the best score of these; the first among equals.
fn best_of(cells: impl Iterator<Item = usize>, scores: &[Score]) -> Option<usize> {
    let known = |index: usize| scores[index].mean().map(|score| (index, score));
    let better = |a: (usize, f64), b: (usize, f64)| if b.1 > a.1 { b } else { a };
    cells.filter_map(known).reduce(better).map(|(index, _)| index)
}

/// Whether replications tell that one cell scores higher than another.
fn is_told_above(one: usize, other: usize, scores: &[Score]) -> bool {
    paired(&scores[one].by_run, &scores[other].by_run, 0.0).is_some_and(|difference| {
        difference.mean > 0.0 && difference.is_indistinguishable_from_zero() == Some(false)
    })
}

/// Whether the scores of two cells cannot be told apart, and are about the same. A single replication has no interval:
/// its numbers are exact for it, and only equal scores are equal.
fn near(one: usize, other: usize, scores: &[Score]) -> bool {
    paired(&scores[one].by_run, &scores[other].by_run, 0.0).is_some_and(|difference| {
        match difference.is_indistinguishable_from_zero() {
            Some(indistinguishable) => indistinguishable && difference.mean.abs() <= ALIKE,
            None => difference.mean.abs() <= 0.0,
        }
    })
}

/// What a cell's replications came to, in every metric by which cells are compared.
fn by_replication(cell: &Cell, score: &Score) -> BTreeMap<&'static str, Vec<Option<f64>>> {
    let metrics = PAIRED.iter().filter_map(|name| Metric::named(name));
    let runs: BTreeMap<u32, &Measurements> = cell.runs.numbered().collect();
    let numbers = || 0..runs.last_key_value().map_or(0, |(last, _)| last + 1);
    let values = |metric: &Metric| numbers().map(|number| metric.of_run(runs.get(&number)?)).collect();
    let mut by_run: BTreeMap<_, Vec<_>> = metrics.map(|metric| (metric.name, values(metric))).collect();
    by_run.insert("score", numbers().map(|number| score.by_run.get(&number).copied()).collect());
    by_run
}

/// The differences of a cell to the baseline.
fn differences(index: usize, cells: &[Cell], scores: &[Score]) -> BTreeMap<&'static str, Estimate> {
    let cell = &cells[index];
    let beside = cells.iter().position(|other| other.baseline && other.sweep == cell.sweep);
    let Some(base) = beside.filter(|_| !cell.baseline) else { return BTreeMap::new() };
    let by_run = |cell: &Cell, metric: &Metric| -> BTreeMap<u32, f64> {
        cell.runs.numbered().filter_map(|(number, run)| Some((number, metric.of_run(run)?))).collect()
    };
    let scored = cell.runs.iter().next().map_or(0.0, |run| run.scored.as_secs_f64());
    let step = |metric: &Metric| step_of(metric.name, scored);
    let metrics = PAIRED.iter().filter_map(|name| Metric::named(name));
    let of_metric = |metric: &'static Metric| {
        Some((metric.name, paired(&by_run(cell, metric), &by_run(&cells[base], metric), step(metric))?))
    };
    let mut differences: BTreeMap<_, _> = metrics.filter_map(of_metric).collect();
    if let Some(score) = paired(&scores[index].by_run, &scores[base].by_run, 0.0) {
        differences.insert("score", score);
    }
    differences
}

#[cfg(test)]
mod tests {
    use super::super::fixture::cell;
    use super::super::gates::Bound;
    use super::*;

    fn by_hits() -> Rules {
        let hit = Metric::named("hit").unwrap();
        Rules { weights: Weights::new(vec![(hit, 1.0)]).unwrap(), ..Rules::default() }
    }

    fn at_least(limit: f64) -> Rules {
        let metric = Metric::named("hit").unwrap();
        let gates = vec![Gate { name: "hit_min".into(), metric, bound: Bound::Min, limit }];
        Rules { gates, ..by_hits() }
    }

    #[test]
    fn the_best_score_wins_where_replications_tell_it_from_the_others() {
        let cells = [
            cell("baseline", 10.0, &[700, 710, 690]),
            cell("better", 90.0, &[800, 811, 790]),
            cell("oracle", 1.0, &[999, 999, 999]),
        ];
        let verdict = judge(&cells, &by_hits());
        assert_eq!((verdict.winner, verdict.indistinguishable.as_slice()), (Some(1), [].as_slice()));
    }

    #[test]
    fn of_those_indistinguishable_from_the_best_the_least_memory_wins() {
        let cells = [
            cell("baseline", 10.0, &[500, 510, 490]),
            cell("best", 90.0, &[800, 820, 780]),
            cell("leaner", 50.0, &[799, 821, 779]),
            cell("apart", 20.0, &[790, 810, 770]),
        ];
        let verdict = judge(&cells, &by_hits());
        assert_eq!((verdict.winner, verdict.indistinguishable), (Some(2), vec![1]));
    }

    #[test]
    fn a_wide_interval_is_no_tie_and_a_little_memory_decides_nothing() {
        // Two replications: the difference of 6.6 points is 6.6 ± 14.
        let cells = [
            cell("baseline", 10.0, &[500, 510]),
            cell("leaner and worse", 50.0, &[700, 716]),
            cell("best", 90.0, &[777, 771]),
        ];
        let verdict = judge(&cells, &by_hits());
        let difference = paired(
            &composite::scores(&cells, &by_hits().weights)[1].by_run,
            &composite::scores(&cells, &by_hits().weights)[2].by_run,
            0.0,
        );
        assert_eq!(
            difference.unwrap().is_indistinguishable_from_zero(),
            Some(true),
            "chance could explain it"
        );
        assert_eq!((verdict.winner, verdict.indistinguishable.len()), (Some(2), 0));
        let cells = |leaner: f64| {
            [
                cell("baseline", 10.0, &[500, 510, 490]),
                cell("leaner", leaner, &[799, 821, 779]),
                cell("best", 90.0, &[800, 820, 780]),
            ]
        };
        assert_eq!(judge(&cells(89.5), &by_hits()).winner, Some(2), "half a per cent of memory");
        assert_eq!(judge(&cells(89.0), &by_hits()).winner, Some(1));
    }

    #[test]
    fn none_of_which_others_are_told_to_be_better_wins_for_its_memory() {
        let cells = |between: &[u64]| {
            [
                cell("baseline", 10.0, &[500, 510, 490]),
                cell("best", 90.0, &[800, 820, 780]),
                cell("between", 95.0, between),
                // Alike to the best one, because it varies otherwise.
                cell("leaner", 50.0, &[804, 814, 774]),
            ]
        };
        assert_eq!(judge(&cells(&[790, 810, 770]), &by_hits()).winner, Some(3));
        let one_more_each_time = [805, 815, 775];
        assert_eq!(judge(&cells(&one_more_each_time), &by_hits()).winner, Some(1));
    }

    #[test]
    fn of_those_that_hold_about_as_little_the_best_score_wins() {
        let cells = [
            cell("baseline", 10.0, &[500, 510, 490]),
            cell("best", 90.0, &[800, 820, 780]),
            cell("leanest", 50.0, &[797, 817, 783]),
            cell("about as lean", 50.4, &[799, 821, 779]),
            cell("less lean", 51.0, &[800, 819, 780]),
        ];
        assert_eq!(judge(&cells, &by_hits()).winner, Some(3));
    }

    #[test]
    fn a_single_replication_has_no_interval_and_only_equal_scores_tie() {
        let cells =
            [cell("baseline", 10.0, &[799]), cell("best", 90.0, &[800]), cell("leaner", 50.0, &[800])];
        let verdict = judge(&cells, &by_hits());
        assert_eq!((verdict.winner, verdict.indistinguishable), (Some(2), vec![1]));
        let difference = verdict.cells[1].paired["hit"];
        assert_eq!((difference.interval, difference.is_indistinguishable_from_zero()), (None, None));
    }

    #[test]
    fn a_failed_gate_excludes_and_where_none_passes_none_wins() {
        let cells = [cell("baseline", 10.0, &[700]), cell("best", 90.0, &[800]), cell("failed", 1.0, &[])];
        assert_eq!(judge(&cells, &at_least(0.75)).winner, Some(1));
        let none = judge(&cells, &at_least(0.95));
        assert_eq!((none.winner, none.indistinguishable.len()), (None, 0));
        assert!(!none.cells[2].gates[0].pass);
        assert_eq!(judge(&[], &by_hits()).winner, None);
    }

    #[test]
    fn differences_are_taken_to_the_baseline_at_the_same_point_of_the_sweep() {
        let at = |cell: Cell, sweep: &str| Cell { sweep: vec![sweep.into()], ..cell };
        let cells = [
            at(cell("baseline", 10.0, &[500, 600]), "64MiB"),
            at(cell("baseline", 20.0, &[700, 800]), "128MiB"),
            at(cell("other", 15.0, &[800, 900]), "128MiB"),
            at(cell("other", 15.0, &[800, 900]), "1GiB"),
        ];
        let verdict = judge(&cells, &by_hits());
        let other = &verdict.cells[2].paired;
        assert!((other["hit"].mean - 0.1).abs() < 1e-12);
        assert!((other["memory"].mean + 5.0).abs() < 1e-12);
        assert!((other["score"].mean - 0.1).abs() < 1e-12);
        assert_eq!(other["hit"].is_indistinguishable_from_zero(), Some(false));
        assert!(!other.contains_key("fresh_share"), "no data has no difference");
        assert!(verdict.cells[0].paired.is_empty(), "the baseline differs from nothing");
        assert!(verdict.cells[3].paired.is_empty(), "no baseline at that point");
        let without: Vec<_> = PAIRED.iter().filter(|name| !other.contains_key(*name)).collect();
        assert_eq!(without, [&"fresh_share", &"over_bound_share", &"p95_age_s"], "nothing changes here");
    }

    #[test]
    fn values_stand_at_the_numbers_of_their_replications() {
        let whole = cell("baseline", 10.0, &[500, 600, 700]);
        let second_missing = Cell {
            strategy: "interrupted".into(),
            baseline: false,
            runs: whole
                .runs
                .numbered()
                .filter(|(number, _)| *number != 1)
                .map(|(n, run)| (n, run.clone()))
                .collect(),
            ..whole.clone()
        };
        let verdict = judge(&[whole, second_missing], &by_hits());
        for name in ["hit", "score"] {
            let known = |cell: usize| {
                verdict.cells[cell].by_replication[name].iter().map(Option::is_some).collect::<Vec<_>>()
            };
            assert_eq!((known(0), known(1)), (vec![true; 3], vec![true, false, true]), "{name}");
        }
        assert!(verdict.cells[1].paired["hit"].mean.abs() < 1e-12);
    }

    #[test]
    fn equal_cells_are_indistinguishable_and_on_the_front_together() {
        let cells = [
            cell("baseline", 10.0, &[500, 600]),
            cell("same", 10.0, &[500, 600]),
            cell("worse", 11.0, &[500, 600]),
            cell("oracle", 1.0, &[999, 999]),
        ];
        let verdict = judge(&cells, &by_hits());
        assert_eq!(verdict.cells[1].paired["hit"].is_indistinguishable_from_zero(), Some(true));
        assert_eq!(verdict.winner, Some(0), "the first in the scenario among equals");
        let front: Vec<_> = verdict.cells.iter().map(|cell| cell.on_pareto_front).collect();
        assert_eq!(front, [true, true, false, false]);
    }
}
