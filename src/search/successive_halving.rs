//! Tries many points on a short part of the trace, the better ones on a longer part, and the best on all of it.
//!
//! Each rung costs about as much as the others: `eta` times fewer points on `eta` times more of the trace (Jamieson and
//! Talwalkar, Non-stochastic Best Arm Identification and Hyperparameter Optimization, AISTATS 2016). It pays where a
//! short part of the trace ranks settings much as the whole does, and misleads where it does not: a TTL that is longer
//! than the part cannot show what it is worth. `least` should therefore leave the longest TTL well within the part.
//!
//! ```toml
//! [tune]
//! vary = [{ path = "cache.capacity", from = "32KiB", to = "1MiB", scale = "log" }]
//! sampler = { method = "successive-halving", eta = 3, least = 0.1 }
//! runs = 40
//! ```

use serde::{Deserialize, Serialize};

use super::{Point, Proposal, Sampler, Setup, Trial};
use crate::catalog::{Invalid, Param, Plugin};

/// Points that come to the end where time decides and no budget of runs.
const FINALISTS: f64 = 4.0;

/// The sampler.
#[derive(Debug)]
pub struct SuccessiveHalving {
    setup: Setup,
    eta: f64,
    /// The shares of the trace, rising to 1.
    shares: Vec<f64>,
    /// How many points begin.
    width: usize,
    /// The rung to be proposed next.
    rung: usize,
    /// Where the trials of the rung before begin.
    from: usize,
    drawn: u64,
}

/// Its parameters.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    eta: u32,
    least: f64,
}

impl Plugin for SuccessiveHalving {
    const NAME: &'static str = "successive-halving";
    const SUMMARY: &'static str = "Tries many points on a short part of the trace and the best of them on longer parts, up to the whole.";
    const PARAMS: &'static [Param] = &[
        Param::integer(
            "eta",
            "how many times fewer points, and how much more of the trace, from rung to rung",
        )
        .default("3")
        .from("2")
        .to("10"),
        Param::number("least", "the shortest part of the scored time that is played, as a share of it")
            .default("0.1")
            .from("0.001")
            .to("1"),
    ];
    type Params = Params;
    type Setup = Setup;

    fn new(params: &Params, setup: &Setup) -> Result<Self, Invalid> {
        let eta = f64::from(params.eta);
        let mut shares = vec![1.0];
        while shares[shares.len() - 1] / eta >= params.least {
            shares.push(shares[shares.len() - 1] / eta);
        }
        shares.reverse();
        let first = shares[0];
        let width = match setup.runs {
            Some(runs) => (f64::from(runs) / shares.len() as f64 / first).floor(),
            None => FINALISTS / first,
        };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number of points")]
        let width = width.max(1.0) as usize;
        let all = setup.points().and_then(|points| usize::try_from(points).ok()).unwrap_or(usize::MAX);
        Ok(Self { setup: setup.clone(), eta, shares, width: width.min(all), rung: 0, from: 0, drawn: 0 })
    }
}

impl SuccessiveHalving {
    /// New points to begin with, each once.
    fn fresh(&mut self) -> Vec<Point> {
        let mut points: Vec<Point> = Vec::new();
        let mut vain = 0;
        while points.len() < self.width && vain < 1_000 {
            let point = self.setup.drawn(self.drawn);
            self.drawn += 1;
            if points.contains(&point) {
                vain += 1;
            } else {
                points.push(point);
            }
        }
        points
    }
}

impl Sampler for SuccessiveHalving {
    fn propose(&mut self, seen: &[Trial]) -> Vec<Proposal> {
        if self.rung == self.shares.len() {
            if self.setup.runs.is_some() {
                return Vec::new();
            }
            self.rung = 0;
        }
        let points = if self.rung == 0 {
            self.fresh()
        } else {
            let mut before: Vec<&Trial> = seen[self.from..].iter().collect();
            before.sort_by(|a, b| a.order(b));
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "fewer than there are"
            )]
            let kept = (before.len() as f64 / self.eta).floor().max(1.0) as usize;
            before.into_iter().take(kept).map(|trial| trial.proposal.point.clone()).collect()
        };
        let share = self.shares[self.rung];
        self.rung += 1;
        self.from = seen.len();
        points.into_iter().map(|point| Proposal { point, share }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Domain;
    use super::super::tests::searched;
    use super::*;
    use crate::random::Seed;

    #[test]
    fn every_rung_costs_the_same_and_the_best_go_on() {
        let setup =
            Setup { domains: vec![Domain::Range { steps: None }], runs: Some(27), seed: Seed::new(1) };
        let trials = searched("successive-halving", &setup, 27.0, |point, _| (0.0, point[0]));
        let of = |share: f64| trials.iter().filter(move |trial| (trial.proposal.share - share).abs() < 1e-9);
        let counts = [1.0 / 9.0, 1.0 / 3.0, 1.0].map(|share| of(share).count());
        assert_eq!(counts, [81, 27, 9]);
        let mut first: Vec<f64> = of(1.0 / 9.0).map(|trial| trial.loss).collect();
        first.sort_by(f64::total_cmp);
        let mut last: Vec<f64> = of(1.0).map(|trial| trial.loss).collect();
        last.sort_by(f64::total_cmp);
        assert_eq!(last, first[..9]);
    }

    #[test]
    fn no_more_points_begin_than_there_are() {
        let setup = Setup { domains: vec![Domain::Choice { count: 4 }], runs: Some(27), seed: Seed::new(1) };
        let trials = searched("successive-halving", &setup, 27.0, |point, _| (0.0, point[0]));
        assert_eq!(trials.len(), 4 + 1 + 1);
    }
}
