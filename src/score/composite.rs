//! The composite score: the weighted mean of objectives, each brought to 0 … 1.

use std::collections::BTreeMap;

use super::cell::Cell;
use super::objective::{Better, Metric};
use super::stats::mean;
use crate::metrics::Measurements;

/// How the score is made, for people; every record carries it.
pub const FORMULA: &str = "score = sum of weight x part / sum of weights, in each replication, then averaged \
over replications. The part of a share that should be high is the share itself (below 0 it counts as 0). The part \
of a quantity x that should be low is b / (b + x), where b is the mean of x over all cells and replications of the \
baseline, bounds aside: 1 for none, 0.5 for as much as the baseline, 0.667 for half as much. So that a single event does not decide, \
b is at least 10 for counts of events, and for stampedes at least one in a thousand regenerations or ten in the \
scored time, whichever is more. An objective without data in any \
cell is left out for all; a cell that lacks data for one that others have gets no score.";

/// The objectives of a scenario with their weights: none negative, some positive.
#[derive(Debug, Clone)]
pub struct Weights(Vec<(&'static Metric, f64)>);

impl Weights {
    /// These weights; `None` where one is negative, not finite or belongs to a metric of which
    /// neither direction is better, or where none is positive.
    pub fn new(weights: Vec<(&'static Metric, f64)>) -> Option<Self> {
        let legal = |(metric, weight): &(&Metric, f64)| {
            weight.is_finite() && *weight >= 0.0 && metric.better.is_some()
        };
        let some = weights.iter().any(|(_, weight)| *weight > 0.0);
        (some && weights.iter().all(legal)).then_some(Self(weights))
    }

    /// The objectives and their weights.
    pub fn iter(&self) -> impl Iterator<Item = (&'static Metric, f64)> {
        self.0.iter().copied()
    }
}

/// Hits first; memory, load on the origin and stampedes half as much each.
impl Default for Weights {
    fn default() -> Self {
        let known = [("hit", 1.0), ("memory", 0.5), ("origin_rate", 0.5), ("stampedes", 0.5)];
        let metric = |name| Metric::named(name).expect("the default objectives are in the list");
        Self(known.map(|(name, weight)| (metric(name), weight)).into())
    }
}

/// The score of one cell.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Score {
    /// By replication, for those that have all data.
    pub by_run: BTreeMap<u32, f64>,
    /// The parts by objective, averaged over the same replications.
    pub parts: BTreeMap<&'static str, f64>,
}

impl Score {
    /// Averaged over replications.
    pub(super) fn mean(&self) -> Option<f64> {
        mean(&self.by_run.values().copied().collect::<Vec<_>>())
    }
}

/// An objective with its weight and what is usual.
struct Weighed {
    metric: &'static Metric,
    weight: f64,
    /// The mean over the baseline, or what is few for this objective where that is more; `None` where the
    /// baseline has no data.
    usual: Option<f64>,
}

impl Weighed {
    fn part(&self, run: &Measurements) -> Option<f64> {
        let value = self.metric.of_run(run)?;
        match self.metric.better? {
            Better::Higher => Some(value.clamp(0.0, 1.0)),
            Better::Lower => self.usual.map(|usual| if value <= 0.0 { 1.0 } else { usual / (usual + value) }),
        }
    }
}

/// The score of every cell, in their order.
pub(super) fn scores(cells: &[Cell], weights: &Weights) -> Vec<Score> {
    // What no real cache can do is not usual.
    let baseline: Vec<&Cell> = cells.iter().filter(|cell| cell.baseline && !cell.oracle).collect();
    let known =
        |metric: &Metric| cells.iter().any(|cell| cell.runs.iter().any(|run| metric.of_run(run).is_some()));
    let weighed: Vec<Weighed> = weights
        .iter()
        .filter(|(metric, weight)| *weight > 0.0 && known(metric))
        .map(|(metric, weight)| {
            let runs = || baseline.iter().flat_map(|cell| cell.runs.iter());
            let few = mean(&runs().map(metric.usual_min).collect::<Vec<_>>()).unwrap_or(0.0);
            let usual = mean(&runs().filter_map(|run| metric.of_run(run)).collect::<Vec<_>>());
            let usual = usual.map(|usual| usual.max(few));
            Weighed { metric, weight, usual }
        })
        .collect();
    cells.iter().map(|cell| score(cell, &weighed)).collect()
}

fn score(cell: &Cell, weighed: &[Weighed]) -> Score {
    let total: f64 = weighed.iter().map(|objective| objective.weight).sum();
    let mut score = Score::default();
    let mut parts = vec![Vec::new(); weighed.len()];
    for (number, run) in cell.runs.numbered() {
        let of_run: Option<Vec<f64>> = weighed.iter().map(|objective| objective.part(run)).collect();
        let Some(of_run) = of_run.filter(|_| run.totals.outcomes.total() > 0) else { continue };
        let sum: f64 = weighed.iter().zip(&of_run).map(|(objective, part)| objective.weight * part).sum();
        if total > 0.0 {
            score.by_run.insert(number, sum / total);
        }
        parts.iter_mut().zip(of_run).for_each(|(column, part)| column.push(part));
    }
    let named = weighed.iter().zip(&parts);
    score.parts = named.filter_map(|(o, column)| Some((o.metric.name, mean(column)?))).collect();
    score
}

#[cfg(test)]
mod tests {
    use super::super::fixture::cell;
    use super::*;

    fn weights(named: &[(&str, f64)]) -> Weights {
        Weights::new(named.iter().map(|&(name, weight)| (Metric::named(name).unwrap(), weight)).collect())
            .unwrap()
    }

    fn means(cells: &[Cell], named: &[(&str, f64)]) -> Vec<Option<f64>> {
        scores(cells, &weights(named)).iter().map(Score::mean).collect()
    }

    fn close(value: Option<f64>, expected: f64) {
        let value = value.unwrap();
        assert!((value - expected).abs() < 1e-12, "{value} is not {expected}");
    }

    #[test]
    fn a_bound_changes_no_other_score() {
        let cells = [cell("baseline", 100.0, &[800]), cell("half", 50.0, &[600])];
        let alone = means(&cells, &[("hit", 3.0), ("memory", 1.0)]);
        let bound = Cell { oracle: true, ..cell("baseline", 900.0, &[990]) };
        let beside = means(&[cells[0].clone(), cells[1].clone(), bound], &[("hit", 3.0), ("memory", 1.0)]);
        assert_eq!(beside[..2], alone);
    }

    #[test]
    fn a_share_counts_as_itself_and_a_quantity_against_the_baseline() {
        let cells = [cell("baseline", 100.0, &[800]), cell("half", 50.0, &[600]), cell("none", 0.0, &[0])];
        let by_memory = means(&cells, &[("memory", 3.0)]);
        close(by_memory[0], 0.5);
        close(by_memory[1], 2.0 / 3.0);
        close(by_memory[2], 1.0);
        let both = means(&cells, &[("hit", 3.0), ("memory", 1.0)]);
        close(both[0], (3.0 * 0.8 + 0.5) / 4.0);
        close(both[1], (3.0 * 0.6 + 2.0 / 3.0) / 4.0);
    }

    #[test]
    fn a_single_stampede_costs_little_where_the_baseline_has_none() {
        let with = |strategy, stampedes: u64, regenerations| {
            let mut run = super::super::fixture::run(900, 100);
            (run.stampedes.count, run.stampedes.regenerations) = (stampedes, regenerations);
            Cell { runs: [(0, run)].into_iter().collect(), ..cell(strategy, 0.0, &[]) }
        };
        let scores = |stampedes, regenerations| {
            let cells = [with("baseline", 0, regenerations), with("other", stampedes, regenerations)];
            means(&cells, &[("stampedes", 1.0)])
        };
        // As bad as half are ten of few regenerations, and of many one in a thousand.
        close(scores(1, 20)[0], 1.0);
        close(scores(1, 20)[1], 10.0 / 11.0);
        close(scores(1, 100_000)[1], 100.0 / 101.0);
        close(scores(100, 100_000)[1], 0.5);
    }

    #[test]
    fn the_score_is_the_weighted_mean_of_the_parts() {
        let cells = [cell("baseline", 100.0, &[800, 700]), cell("other", 130.0, &[900, 850])];
        let named = [("hit", 1.0), ("memory", 0.5), ("origin_rate", 2.0), ("p99", 0.0)];
        for score in scores(&cells, &weights(&named)) {
            let sum: f64 = named.iter().filter_map(|(name, w)| Some(w * score.parts.get(name)?)).sum();
            close(score.mean(), sum / 3.5);
            assert!(!score.parts.contains_key("p99"), "what weighs nothing is no part");
        }
    }

    #[test]
    fn an_objective_that_nothing_is_known_of_is_left_out_and_a_missing_one_costs_the_score() {
        let mut cells = [cell("baseline", 100.0, &[800]), cell("other", 50.0, &[600])];
        let named = [("hit", 1.0), ("fresh_share", 1.0)];
        close(means(&cells, &named)[1], 0.6);
        let mut fresh = super::super::fixture::run(800, 200);
        fresh.freshness = Some(crate::metrics::Freshness {
            responses: 1_000,
            current: 500,
            hits: 800,
            current_hits: 300,
            age_sum_s: 1.0,
            p95_age: None,
            max_age: None,
            bound: None,
            over_bound: None,
        });
        cells[0].runs = [(0, fresh)].into_iter().collect();
        let scores = means(&cells, &named);
        close(scores[0], 0.65);
        assert_eq!(scores[1], None);
    }

    #[test]
    fn no_requests_and_no_replications_have_no_score() {
        let empty =
            Cell { runs: [(0, Measurements::empty())].into_iter().collect(), ..cell("empty", 0.0, &[]) };
        let cells = [cell("baseline", 100.0, &[800]), cell("failed", 1.0, &[]), empty];
        assert_eq!(means(&cells, &[("hit", 1.0), ("memory", 1.0)])[1..], [None, None]);
        // Without the baseline nothing says how much memory is usual.
        assert_eq!(means(&cells[1..], &[("memory", 1.0)]), [None, None]);
    }

    #[test]
    fn weights_are_not_negative_not_all_zero_and_have_a_direction() {
        let metric = |name| Metric::named(name).unwrap();
        assert!(Weights::new(vec![]).is_none());
        assert!(Weights::new(vec![(metric("hit"), 0.0)]).is_none());
        assert!(Weights::new(vec![(metric("hit"), 1.0), (metric("memory"), -1.0)]).is_none());
        assert!(Weights::new(vec![(metric("hit"), f64::NAN)]).is_none());
        assert!(Weights::new(vec![(metric("evicted"), 1.0)]).is_none());
        assert!(Weights::new(Weights::default().iter().collect()).is_some());
    }
}
