//! How a space of settings is searched: which point to try next, given what came of those before.
//!
//! A point has one coordinate for each thing that varies, its [`Domain`]. A [`Sampler`] proposes points and is told the
//! rank of what came out; it knows nothing of scenarios, and whoever plays them nothing of samplers. What a sampler
//! proposes depends on its seed and on what it has seen alone, so that a search is the same on any number of threads.

pub mod grid;
pub mod random;
pub mod successive_halving;
pub mod tpe;

use std::cmp::Ordering;

use crate::random::Seed;

/// So many points are proposed at once by samplers that could propose them one by one: enough to keep a small machine
/// busy, and few enough to learn from.
const BATCH: usize = 4;

/// The values that one coordinate can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Domain {
    /// From 0 to 1: a range of values in its own scale. With `steps` only that many values of it, evenly spaced.
    Range {
        /// How many values, at least 2; `None` for any.
        steps: Option<u32>,
    },
    /// The place of one of so many choices, from 0; their order means nothing.
    Choice {
        /// How many, at least 1.
        count: u32,
    },
}

impl Domain {
    /// The coordinate at `unit` (0 to 1, the end excluded) of the way through the domain.
    pub fn at(self, unit: f64) -> f64 {
        match self {
            Self::Range { steps: None } => unit.clamp(0.0, 1.0),
            // Every step has the same share of the way.
            Self::Range { steps: Some(steps) } => {
                let last = f64::from(steps.max(2) - 1);
                (unit * f64::from(steps.max(2))).floor().clamp(0.0, last) / last
            }
            Self::Choice { count } => {
                (unit * f64::from(count)).floor().clamp(0.0, f64::from(count.max(1) - 1))
            }
        }
    }

    /// The legal coordinate nearest to one that may lie between steps.
    pub fn snapped(self, coordinate: f64) -> f64 {
        match self {
            Self::Range { steps: None } => coordinate.clamp(0.0, 1.0),
            Self::Range { steps: Some(steps) } => {
                let last = f64::from(steps.max(2) - 1);
                (coordinate.clamp(0.0, 1.0) * last).round() / last
            }
            Self::Choice { .. } => coordinate,
        }
    }

    /// How many coordinates there are; `None` where there is no end of them.
    pub fn count(self) -> Option<u32> {
        match self {
            Self::Range { steps } => steps,
            Self::Choice { count } => Some(count),
        }
    }
}

/// One coordinate for each domain.
pub type Point = Vec<f64>;

/// A point that should be tried.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposal {
    /// Where.
    pub point: Point,
    /// On what share of the trace: 1 is all of it, less is cheaper and less sure.
    pub share: f64,
}

/// What came of a proposal.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    /// What was tried.
    pub proposal: Proposal,
    /// By how much constraints were missed, as a sum of shares of their limits; 0 where all were kept.
    pub violation: f64,
    /// What is to be made small; infinite where the point could not be played.
    pub loss: f64,
}

impl Trial {
    /// Whether this came out better than the other: constraints first, then the loss.
    pub fn order(&self, other: &Self) -> Ordering {
        self.violation.total_cmp(&other.violation).then(self.loss.total_cmp(&other.loss))
    }
}

/// What a sampler may know.
#[derive(Debug, Clone)]
pub struct Setup {
    /// What varies.
    pub domains: Vec<Domain>,
    /// How many whole traces may be played; `None` where time decides.
    pub runs: Option<u32>,
    /// The part of a whole trace that is played before every share of it, the warm-up: 0 where shares cost what they say.
    pub lead: f64,
    /// Its chance.
    pub seed: Seed,
}

impl Setup {
    /// The `nth` point drawn at random.
    fn drawn(&self, nth: u64) -> Point {
        let coordinates = self.domains.iter().zip(0..);
        coordinates.map(|(domain, axis)| domain.at(self.seed.unit(nth, axis))).collect()
    }

    /// What part of a whole trace a trial on this share of it plays.
    fn cost(&self, share: f64) -> f64 {
        self.lead + share.min(1.0) * (1.0 - self.lead)
    }

    /// How many points there are; `None` where there is no end of them.
    fn points(&self) -> Option<u64> {
        self.domains.iter().try_fold(1_u64, |all, domain| all.checked_mul(u64::from(domain.count()?)))
    }
}

/// Chooses the next points.
pub trait Sampler: Send {
    /// Points to be tried next, given all that were tried so far, in order; none where nothing is left to try.
    fn propose(&mut self, seen: &[Trial]) -> Vec<Proposal>;
}

crate::catalog! {
    /// All samplers.
    pub static SAMPLERS: Catalog<dyn Sampler, Setup> = "sampler", tag "method";
    tpe::Tpe,
    successive_halving::SuccessiveHalving,
    random::Random,
    grid::Grid,
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::catalog::Item;

    /// Searches a function of points with the sampler of this name; gives all trials in order.
    pub(crate) fn searched(
        sampler: &str,
        setup: &Setup,
        runs: f64,
        of: impl Fn(&Point, f64) -> (f64, f64),
    ) -> Vec<Trial> {
        let item = Item::new(0..0, toml::de::DeValue::String(sampler.into()));
        let mut sampler =
            SAMPLERS.choose(item).unwrap().make(setup).unwrap_or_else(|fault| panic!("{}", fault.what));
        let mut seen: Vec<Trial> = Vec::new();
        let mut spent = 0.0;
        loop {
            let proposals = sampler.propose(&seen);
            if proposals.is_empty() {
                return seen;
            }
            for proposal in proposals {
                spent += setup.cost(proposal.share);
                if spent > runs + 1e-9 {
                    return seen;
                }
                let (violation, loss) = of(&proposal.point, proposal.share);
                seen.push(Trial { proposal, violation, loss });
            }
        }
    }

    fn setup(domains: Vec<Domain>, runs: u32, seed: u64) -> Setup {
        Setup { domains, runs: Some(runs), lead: 0.0, seed: Seed::new(seed) }
    }

    /// A bowl in two ranges, deeper for one of three choices; 0 at its bottom, at most about 2.
    fn bowl(point: &Point, _: f64) -> (f64, f64) {
        let of_choice = [0.5, 0.0, 0.3];
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place among three")]
        let choice = of_choice[point[2] as usize];
        (0.0, (point[0] - 0.3).powi(2) + (point[1] - 0.8).powi(2) + choice)
    }

    const SPACE: [Domain; 3] =
        [Domain::Range { steps: None }, Domain::Range { steps: Some(21) }, Domain::Choice { count: 3 }];

    fn best(trials: &[Trial]) -> f64 {
        trials
            .iter()
            .filter(|trial| trial.proposal.share >= 1.0)
            .map(|trial| trial.loss)
            .fold(f64::INFINITY, f64::min)
    }

    #[test]
    fn every_sampler_stays_in_the_space_and_repeats_itself() {
        for listed in SAMPLERS.listing().entries {
            let setup = setup(SPACE.to_vec(), 130, 3);
            let trials = searched(listed.name, &setup, 130.0, bowl);
            assert!(trials.len() >= 20, "{}: {}", listed.name, trials.len());
            for trial in &trials {
                assert!((0.0..=1.0).contains(&trial.proposal.share) && trial.proposal.share > 0.0);
                for (domain, coordinate) in SPACE.iter().zip(&trial.proposal.point) {
                    assert!((domain.snapped(*coordinate) - coordinate).abs() < 1e-12, "{}", listed.name);
                    let most =
                        if let Domain::Choice { count } = domain { f64::from(*count) - 1.0 } else { 1.0 };
                    assert!((0.0..=most).contains(coordinate), "{}", listed.name);
                }
            }
            assert_eq!(trials, searched(listed.name, &setup, 130.0, bowl), "{}", listed.name);
        }
    }

    #[test]
    fn what_learns_finds_more_than_chance_over_many_seeds() {
        let mean = |sampler| {
            let found =
                (0..20).map(|seed| best(&searched(sampler, &setup(SPACE.to_vec(), 60, seed), 60.0, bowl)));
            found.sum::<f64>() / 20.0
        };
        let (random, tpe, halving) = (mean("random"), mean("tpe"), mean("successive-halving"));
        assert!(tpe < random / 3.0, "tpe {tpe}, random {random}");
        assert!(halving < random / 2.0, "successive halving {halving}, random {random}");
    }

    #[test]
    fn a_bound_is_kept_before_anything_is_gained() {
        // The bottom of the bowl is forbidden: only points with a first coordinate above 0.6 keep the bound.
        let bounded = |point: &Point, share: f64| ((0.6 - point[0]).max(0.0), bowl(point, share).1);
        for sampler in ["tpe", "successive-halving", "random", "grid"] {
            let trials = searched(sampler, &setup(SPACE.to_vec(), 130, 5), 130.0, bounded);
            let winner = trials.iter().min_by(|a, b| a.order(b)).unwrap();
            assert!(winner.violation <= 0.0 && winner.proposal.point[0] >= 0.6, "{sampler}: {winner:?}");
        }
    }

    #[test]
    fn steps_and_choices_share_their_domain_evenly() {
        for domain in [Domain::Range { steps: Some(5) }, Domain::Choice { count: 5 }] {
            let mut counts = [0; 5];
            for nth in 0..1_000 {
                let at = domain.at(f64::from(nth) / 1_000.0);
                let place = if let Domain::Choice { .. } = domain { at } else { at * 4.0 };
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 4")]
                let place = place.round() as usize;
                counts[place] += 1;
            }
            assert_eq!(counts, [200; 5], "{domain:?}");
        }
    }
}
