//! Tries every combination of evenly spaced values of every range and of all choices.
//!
//! Complete and easy to explain, and hopeless beyond two or three parameters: with `n` of them and `steps` values each
//! there are `steps` to the power of `n` points. They are tried in an order drawn at random, so that a search that is cut
//! short has looked everywhere.
//!
//! ```toml
//! [tune]
//! vary = [{ path = "cache.capacity", from = "32KiB", to = "1MiB", scale = "log" }]
//! sampler = { method = "grid", steps = 10 }
//! runs = 1000
//! ```

use serde::{Deserialize, Serialize};

use super::{BATCH, Domain, Point, Proposal, Sampler, Setup, Trial};
use crate::catalog::{Invalid, Param, Plugin};

/// More points than this are no grid that anyone means to try.
const POINTS_MAX: u64 = 1_000_000;
/// Values of a range where neither the scenario nor a budget of runs says how many.
const STEPS: u32 = 5;

/// The sampler.
#[derive(Debug)]
pub struct Grid {
    points: Vec<Point>,
    next: usize,
}

/// Its parameters.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    #[serde(skip_serializing_if = "Option::is_none")]
    steps: Option<u32>,
}

impl Plugin for Grid {
    const NAME: &'static str = "grid";
    const SUMMARY: &'static str = "Tries every combination of evenly spaced values and of all choices.";
    const PARAMS: &'static [Param] = &[Param::integer(
        "steps",
        "values of each range that has no steps of its own; without it as many as the budget of runs allows",
    )
    .from("2")
    .to("1000")];
    type Params = Params;
    type Setup = Setup;

    fn new(params: &Params, setup: &Setup) -> Result<Self, Invalid> {
        let steps = params.steps.unwrap_or_else(|| match setup.runs {
            None => STEPS,
            Some(runs) => {
                (3..=1_000).take_while(|steps| size(setup, *steps) <= u64::from(runs)).last().unwrap_or(2)
            }
        });
        let (size, most) = (size(setup, steps), setup.runs.map_or(POINTS_MAX, u64::from).min(POINTS_MAX));
        if size > most {
            let what = format!("a grid of {size} points needs as many runs, but the budget is {most}");
            return Err(Invalid::param("steps", what).help(format!(
                "write runs = {size}, fewer steps, or a sampler that learns, such as \"tpe\""
            )));
        }
        let mut points: Vec<Point> = vec![Vec::new()];
        for domain in &setup.domains {
            let values = values(*domain, steps);
            let extended = points.iter().flat_map(|point| {
                values.iter().map(move |value| point.iter().copied().chain([*value]).collect::<Point>())
            });
            points = extended.collect();
        }
        // Fisher and Yates.
        for last in (1..points.len()).rev() {
            let other = setup.seed.of("order").bits(last as u64, 0) % (last as u64 + 1);
            #[expect(clippy::cast_possible_truncation, reason = "a place in the list")]
            points.swap(last, other as usize);
        }
        Ok(Self { points, next: 0 })
    }
}

fn count(domain: Domain, steps: u32) -> u32 {
    match domain {
        Domain::Range { steps: own } => own.unwrap_or(steps),
        Domain::Choice { count } => count,
    }
}

fn size(setup: &Setup, steps: u32) -> u64 {
    let counts = setup.domains.iter().map(|domain| u64::from(count(*domain, steps)));
    counts.fold(1, u64::saturating_mul)
}

fn values(domain: Domain, steps: u32) -> Vec<f64> {
    let count = count(domain, steps);
    let last = f64::from(count.max(2) - 1);
    let scale = if matches!(domain, Domain::Choice { .. }) { 1.0 } else { last };
    (0..count).map(|nth| f64::from(nth) / scale).collect()
}

impl Sampler for Grid {
    fn propose(&mut self, _: &[Trial]) -> Vec<Proposal> {
        let from = self.next;
        self.next = (from + BATCH).min(self.points.len());
        self.points[from..self.next]
            .iter()
            .map(|point| Proposal { point: point.clone(), share: 1.0 })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::searched;
    use super::*;
    use crate::random::Seed;

    fn setup(runs: u32) -> Setup {
        let domains = vec![
            Domain::Range { steps: None },
            Domain::Range { steps: Some(3) },
            Domain::Choice { count: 2 },
        ];
        Setup { domains, runs: Some(runs), lead: 0.0, seed: Seed::new(1) }
    }

    #[test]
    fn every_combination_is_tried_once() {
        let trials = searched("grid", &setup(30), 30.0, |_, _| (0.0, 0.0));
        let mut points: Vec<Point> = trials.into_iter().map(|trial| trial.proposal.point).collect();
        points.sort_by(|a, b| a.iter().zip(b).map(|(a, b)| a.total_cmp(b)).find(|o| o.is_ne()).unwrap());
        // Five values of the free range fit into thirty runs.
        assert_eq!(points.len(), 30);
        assert_eq!(
            (&points[0], &points[1], &points[29]),
            (&vec![0.0, 0.0, 0.0], &vec![0.0, 0.0, 1.0], &vec![1.0, 1.0, 1.0])
        );
        points.dedup();
        assert_eq!(points.len(), 30);
    }

    #[test]
    fn a_grid_that_does_not_fit_into_the_budget_is_refused() {
        let error = Grid::new(&Params { steps: Some(10) }, &setup(30)).unwrap_err();
        assert!(error.what.contains("60 points") && error.what.contains("budget is 30"), "{error:?}");
        assert!(error.help.unwrap().contains("runs = 60"));
        assert!(Grid::new(&Params { steps: None }, &setup(11)).is_err(), "two steps are twelve points");
    }
}
