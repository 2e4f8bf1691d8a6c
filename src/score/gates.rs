//! Gates, which a cell must pass to be recommended, and what the scenario's author expects.

use super::cell::{Cell, Replications};
use super::objective::Metric;

/// Direction of a gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// The value must be at least the limit.
    Min,
    /// The value must be at most the limit.
    Max,
}

/// A limit that a cell must keep.
#[derive(Debug, Clone)]
pub struct Gate {
    /// As written, `hit_min`.
    pub name: String,
    /// On what.
    pub metric: &'static Metric,
    /// In which direction.
    pub bound: Bound,
    /// In the metric's unit.
    pub limit: f64,
}

/// A gate held against a cell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Checked {
    /// What came out; `None` without data.
    pub value: Option<f64>,
    /// Whether the limit is kept; no data does not keep it.
    pub pass: bool,
    /// In how many replications it is kept, and of how many with data.
    pub kept_in: [u32; 2],
}

impl Gate {
    /// Holds the gate against a cell's measurements. The limit itself passes. Where nothing changes at the origin no answer
    /// is out of date, although no record tells how old answers are.
    pub fn check(&self, runs: &Replications) -> Checked {
        let value = self.metric.of(runs).or_else(|| self.metric.where_nothing_changes(runs));
        let each: Vec<f64> = runs.iter().filter_map(|run| self.metric.of_run(run)).collect();
        let [kept, all] = [each.iter().filter(|value| self.keeps(**value)).count(), each.len()];
        let kept_in = [kept, all].map(|count| u32::try_from(count).unwrap_or(u32::MAX));
        Checked { value, pass: value.is_some_and(|value| self.keeps(value)), kept_in }
    }

    /// Whether a value of the metric keeps the limit.
    pub fn keeps(&self, value: f64) -> bool {
        match self.bound {
            Bound::Min => value >= self.limit,
            Bound::Max => value <= self.limit,
        }
    }
}

/// A claim about every cell of a strategy.
#[derive(Debug, Clone)]
pub struct Expectation {
    /// Which strategy.
    pub strategy: String,
    /// What is claimed about.
    pub metric: &'static Metric,
    /// Least expected value, in the metric's unit.
    pub low: f64,
    /// Greatest expected value.
    pub high: f64,
}

/// An expectation held against one cell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Held {
    /// Which of the expectations.
    pub expectation: usize,
    /// Which cell.
    pub cell: usize,
    /// What came out; `None` without data, which does not meet it.
    pub value: Option<f64>,
    /// Whether it lies within.
    pub met: bool,
}

/// Holds every expectation against every cell of its strategy.
pub(super) fn hold(expectations: &[Expectation], cells: &[Cell]) -> Vec<Held> {
    let mut all = Vec::new();
    for (expectation, claim) in expectations.iter().enumerate() {
        for (index, cell) in cells.iter().enumerate().filter(|(_, cell)| cell.strategy == claim.strategy) {
            let value = claim.metric.of(&cell.runs);
            let met = value.is_some_and(|value| claim.low <= value && value <= claim.high);
            all.push(Held { expectation, cell: index, value, met });
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::super::fixture::cell;
    use super::*;
    use crate::metrics::{Freshness, Measurements};

    fn gate(bound: Bound, limit: f64) -> Gate {
        Gate { name: "hit".into(), metric: Metric::named("hit").unwrap(), bound, limit }
    }

    #[test]
    fn the_limit_itself_passes_and_beyond_it_fails() {
        let runs = cell("any", 0.0, &[750]).runs;
        for (bound, limit, pass) in [
            (Bound::Min, 0.75, true),
            (Bound::Min, 0.7501, false),
            (Bound::Max, 0.75, true),
            (Bound::Max, 0.7499, false),
        ] {
            assert_eq!(
                gate(bound, limit).check(&runs),
                Checked { value: Some(0.75), pass, kept_in: [u32::from(pass), 1] }
            );
        }
    }

    #[test]
    fn no_data_fails_every_gate() {
        let none = Replications::default();
        for gate in [gate(Bound::Min, 0.0), gate(Bound::Max, 1.0)] {
            assert_eq!(gate.check(&none), Checked { value: None, pass: false, kept_in: [0, 0] });
        }
    }

    #[test]
    fn where_nothing_changes_answers_are_current_and_only_there() {
        let of = |name: &str, bound, limit, cell: &Cell| {
            let metric = Metric::named(name).unwrap();
            Gate { name: name.into(), metric, bound, limit }.check(&cell.runs)
        };
        let unchanging = cell("any", 0.0, &[700]);
        assert!(unchanging.runs.iter().all(|run| run.freshness.is_none()));
        let told = |checked: Checked| (checked.value, checked.pass);
        assert_eq!(told(of("stale_share", Bound::Max, 0.01, &unchanging)), (Some(0.0), true));
        assert_eq!(told(of("fresh_share", Bound::Min, 0.99, &unchanging)), (Some(1.0), true));
        assert!(of("mean_age_s", Bound::Max, 0.0, &unchanging).pass);
        assert_eq!(of("over_bound_share", Bound::Max, 1.0, &unchanging).value, None, "nobody names a bound");
        // Where something may change and nobody answered, nothing is known.
        let silent = Freshness {
            responses: 0,
            current: 0,
            hits: 0,
            current_hits: 0,
            age_sum_s: 0.0,
            p95_age: None,
            max_age: None,
            bound: None,
            over_bound: None,
        };
        let run = Measurements { freshness: Some(silent), ..Measurements::empty() };
        let changing = Cell { runs: [(0, run)].into_iter().collect(), ..cell("any", 0.0, &[700]) };
        assert_eq!(told(of("stale_share", Bound::Max, 0.01, &changing)), (None, false));
    }

    #[test]
    fn a_mean_that_keeps_a_limit_tells_in_how_many_replications_it_was_kept() {
        let runs = cell("any", 0.0, &[700, 800, 780]).runs;
        let checked = gate(Bound::Min, 0.75).check(&runs);
        assert_eq!((checked.pass, checked.kept_in), (true, [2, 3]), "0.76 on average");
        let checked = gate(Bound::Min, 0.79).check(&runs);
        assert_eq!((checked.pass, checked.kept_in), (false, [1, 3]));
    }

    #[test]
    fn an_expectation_holds_for_every_cell_of_its_strategy() {
        let cells =
            [cell("a", 0.0, &[700]), cell("b", 0.0, &[100]), cell("a", 0.0, &[900]), cell("a", 0.0, &[])];
        let metric = Metric::named("fresh_hit").unwrap();
        let claims = [Expectation { strategy: "a".into(), metric, low: 0.7, high: 0.8 }];
        let held: Vec<_> =
            hold(&claims, &cells).iter().map(|held| (held.cell, held.value, held.met)).collect();
        assert_eq!(held, [(0, Some(0.7), true), (2, Some(0.9), false), (3, None, false)]);
    }
}
