//! Tries many points on a short part of the trace, the better ones on a longer part, and the best on all of it.
//!
//! Each rung plays about as much as the others: `eta` times fewer points on `eta` times more of the trace (Jamieson and
//! Talwalkar, Non-stochastic Best Arm Identification and Hyperparameter Optimization, AISTATS 2016). The warm-up is played
//! before every part, so that short parts cost more than their share; as many points begin as leave enough for the whole
//! trace at the end. Where the budget does not hold one point on every part, the shortest are left out. Where time
//! decides, a few points begin, and twice as many when those are done, until the time is over. It pays where a
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

/// Points that come to the end of the first climb where time decides and no budget of runs; then twice as many, up to
/// [`MOST`].
const FIRST: usize = 1;
/// Points that come to the end of a climb at most, where time decides.
const MOST: usize = 8;

/// The sampler.
#[derive(Debug)]
pub struct SuccessiveHalving {
    setup: Setup,
    eta: f64,
    /// The shares of the trace, rising to 1.
    shares: Vec<f64>,
    /// How many points begin.
    width: usize,
    /// How many points there are.
    all: usize,
    /// How many are to come to the end where time decides.
    finalists: usize,
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
        let all = setup.points().and_then(|points| usize::try_from(points).ok()).unwrap_or(usize::MAX);
        let mut sampler = Self {
            setup: setup.clone(),
            eta,
            shares,
            width: 1,
            all,
            finalists: FIRST,
            rung: 0,
            from: 0,
            drawn: 0,
        };
        sampler.width = match setup.runs {
            Some(runs) => sampler.affordable(f64::from(runs)),
            None => sampler.wide(),
        };
        Ok(sampler)
    }
}

/// How many of so many points go on to the next rung.
fn kept(points: usize, eta: f64) -> usize {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "fewer than there are")]
    let kept = (points as f64 / eta).floor() as usize;
    kept.max(1)
}

impl SuccessiveHalving {
    /// What part of whole traces is played if so many points begin.
    fn cost(&self, width: usize) -> f64 {
        let mut points = width;
        let mut cost = 0.0;
        for share in &self.shares {
            cost += points as f64 * self.setup.cost(*share);
            points = kept(points, self.eta);
        }
        cost
    }

    /// The most points with which the whole climb stays within the budget; leaves out the shortest parts of the trace where
    /// not even one point does.
    fn affordable(&mut self, runs: f64) -> usize {
        let fits = |sampler: &Self, width| sampler.cost(width) <= runs + 1e-9;
        while self.shares.len() > 1 && !fits(self, 1) {
            self.shares.remove(0);
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number of points")]
        let most = (runs / self.setup.cost(self.shares[0])).floor() as usize;
        // More points never cost less.
        let (mut low, mut high) = (1, most.max(1).min(self.all));
        while low < high {
            let middle = high - (high - low) / 2;
            if fits(self, middle) { low = middle } else { high = middle - 1 }
        }
        low
    }

    /// As many points as leave so many finalists, where time decides.
    fn wide(&self) -> usize {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number of points")]
        let width = (self.finalists as f64 / self.shares[0]).round() as usize;
        width.clamp(1, self.all)
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
            self.finalists = (2 * self.finalists).min(MOST);
            self.width = self.wide();
        }
        let points = if self.rung == 0 {
            self.fresh()
        } else {
            let mut before: Vec<&Trial> = seen[self.from..].iter().collect();
            before.sort_by(|a, b| a.order(b));
            let kept = kept(before.len(), self.eta);
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

    fn setup(domain: Domain, runs: Option<u32>, lead: f64) -> Setup {
        Setup { domains: vec![domain], runs, lead, seed: Seed::new(1) }
    }

    #[test]
    fn the_whole_trace_comes_last_whatever_the_warm_up_takes() {
        for runs in [1, 2, 3, 6, 20, 24, 27, 100] {
            for lead in [0.0, 0.1, 0.25, 0.5, 0.9] {
                let setup = setup(Domain::Range { steps: None }, Some(runs), lead);
                let trials =
                    searched("successive-halving", &setup, f64::from(runs), |point, _| (0.0, point[0]));
                let shares: Vec<f64> = trials.iter().map(|trial| trial.proposal.share).collect();
                assert!(shares.is_sorted() && shares.last() == Some(&1.0), "{runs} {lead}: {shares:?}");
                let cost: f64 = shares.iter().map(|share| setup.cost(*share)).sum();
                // What is left would not be enough for one point more and those that go on with it.
                let spare = f64::from(runs) - cost;
                assert!((-1e-9..3.0).contains(&spare), "{runs} {lead}: {spare} left of {shares:?}");
            }
        }
    }

    #[test]
    fn where_time_decides_a_short_climb_comes_first_and_wider_ones_follow() {
        let setup = setup(Domain::Range { steps: None }, None, 0.2);
        let trials = searched("successive-halving", &setup, 40.0, |point, _| (0.0, point[0]));
        let counts: Vec<usize> = trials
            .chunk_by(|a, b| (a.proposal.share - b.proposal.share).abs() < 1e-9)
            .map(<[Trial]>::len)
            .collect();
        assert_eq!(counts[..6], [9, 3, 1, 18, 6, 2]);
    }

    #[test]
    fn every_rung_costs_the_same_and_the_best_go_on() {
        let setup = setup(Domain::Range { steps: None }, Some(27), 0.0);
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
        let setup = setup(Domain::Choice { count: 4 }, Some(27), 0.0);
        let trials = searched("successive-halving", &setup, 27.0, |point, _| (0.0, point[0]));
        assert_eq!(trials.len(), 4 + 1 + 1);
    }
}
