//! Learns where good points lie, and tries more of them there: the tree-structured Parzen estimator.
//!
//! After `startup` points that cover the space evenly, the trials are parted into the best `gamma` of them and the rest.
//! Two densities are estimated from the two parts, one parameter at a time; of `candidates` points drawn from the
//! density of the good ones, the one is tried where it exceeds the density of the rest the most. Constraints come before
//! the objective: what misses them is never good while enough keeps them. Interactions of parameters are seen only as
//! far as good points lie together.
//!
//! Source: Bergstra, Bardenet, Bengio and Kégl, Algorithms for Hyper-Parameter Optimization, NIPS 2011, section 4. Each
//! kernel is as wide as the way to its farther neighbour, as there; at the ends of a range kernels are reflected instead
//! of cut off, and a uniform kernel takes the place of the prior, so that no value is ever out of reach. The points of
//! the beginning are a Latin hypercube (McKay, Beckman, Conover, *Technometrics* 21, 1979).
//!
//! ```toml
//! [tune]
//! vary = [{ path = "cache.capacity", from = "32KiB", to = "1MiB", scale = "log" }]
//! sampler = { method = "tpe", startup = 10, gamma = 0.2, candidates = 24 }
//! runs = 40
//! ```

use rand_distr::{Distribution, StandardNormal};
use serde::{Deserialize, Serialize};

use super::{BATCH, Domain, Point, Proposal, Sampler, Setup, Trial};
use crate::catalog::{Invalid, Param, Plugin};
use crate::random::Stream;

/// The sampler.
#[derive(Debug)]
pub struct Tpe {
    setup: Setup,
    params: Params,
    stream: Stream,
    /// Points of the beginning that wait to be tried.
    waiting: Vec<Point>,
}

/// Its parameters.
#[derive(Debug, Clone, Copy, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    startup: u32,
    gamma: f64,
    candidates: u32,
}

impl Plugin for Tpe {
    const NAME: &'static str = "tpe";
    const SUMMARY: &'static str =
        "Learns from what was tried where good points lie, and tries more of them there (Parzen estimator).";
    const PARAMS: &'static [Param] = &[
        Param::integer("startup", "points that cover the space evenly before anything is learnt")
            .default("10")
            .from("2")
            .to("10000"),
        Param::number("gamma", "the part of all trials that counts as good")
            .default("0.2")
            .from("0.01")
            .to("0.5"),
        Param::integer("candidates", "points among which each next one is chosen")
            .default("24")
            .from("1")
            .to("10000"),
    ];
    type Params = Params;
    type Setup = Setup;

    fn new(params: &Params, setup: &Setup) -> Result<Self, Invalid> {
        let mut stream = setup.seed.of("tpe").stream();
        // A budget that is smaller is covered evenly as a whole.
        let startup = setup.runs.map_or(params.startup, |runs| params.startup.min(runs.max(1)));
        let waiting = latin_hypercube(setup, startup, &mut stream);
        Ok(Self { setup: setup.clone(), params: *params, stream, waiting })
    }
}

/// A number from 0 to 1, the end excluded.
fn unit(stream: &mut Stream) -> f64 {
    use rand::Rng;
    (stream.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
}

/// A place below `count`.
fn below(count: usize, stream: &mut Stream) -> usize {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below the count")]
    let place = (unit(stream) * count as f64) as usize;
    place.min(count - 1)
}

/// Points whose coordinates each fall once into every one of `count` equal parts of their domain.
fn latin_hypercube(setup: &Setup, count: u32, stream: &mut Stream) -> Vec<Point> {
    let mut points = vec![Vec::new(); count as usize];
    for domain in &setup.domains {
        let mut parts: Vec<u32> = (0..count).collect();
        for last in (1..parts.len()).rev() {
            parts.swap(last, below(last + 1, stream));
        }
        for (point, part) in points.iter_mut().zip(parts) {
            point.push(domain.at((f64::from(part) + unit(stream)) / f64::from(count)));
        }
    }
    points
}

impl Sampler for Tpe {
    fn propose(&mut self, seen: &[Trial]) -> Vec<Proposal> {
        if !self.waiting.is_empty() {
            let points = self.waiting.drain(..self.waiting.len().min(BATCH));
            return points.map(|point| Proposal { point, share: 1.0 }).collect();
        }
        let mut ranked: Vec<&Trial> = seen.iter().collect();
        ranked.sort_by(|a, b| a.order(b));
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a part of what was seen"
        )]
        let good = ((ranked.len() as f64 * self.params.gamma).ceil() as usize).clamp(1, ranked.len().max(1));
        let (good, rest) = ranked.split_at(good.min(ranked.len()));
        let axes: Vec<(Density, Density)> = self
            .setup
            .domains
            .iter()
            .enumerate()
            .map(|(axis, domain)| (Density::of(*domain, axis, good), Density::of(*domain, axis, rest)))
            .collect();
        let mut chosen: Vec<Point> = Vec::new();
        for _ in 0..BATCH {
            let known = |point: &Point, chosen: &[Point]| {
                chosen.contains(point) || seen.iter().any(|trial| trial.proposal.point == *point)
            };
            let mut best: Option<(f64, Point)> = None;
            for _ in 0..self.params.candidates {
                let point: Point = axes.iter().map(|(good, _)| good.draw(&mut self.stream)).collect();
                let gain = axes
                    .iter()
                    .zip(&point)
                    .map(|((good, rest), at)| (good.at(*at) / rest.at(*at)).ln())
                    .sum();
                if !known(&point, &chosen) && best.as_ref().is_none_or(|(most, _)| gain > *most) {
                    best = Some((gain, point));
                }
            }
            // Where all that is likely was tried, chance goes on.
            let point = best.map_or_else(
                || self.setup.domains.iter().map(|domain| domain.at(unit(&mut self.stream))).collect(),
                |(_, point)| point,
            );
            chosen.push(point);
        }
        chosen.into_iter().map(|point| Proposal { point, share: 1.0 }).collect()
    }
}

/// How likely each value of one coordinate is.
enum Density {
    /// Kernels of a centre and a width, and one that is uniform.
    Kernels { domain: Domain, kernels: Vec<(f64, f64)> },
    /// A share for each choice.
    Shares(Vec<f64>),
}

impl Density {
    fn of(domain: Domain, axis: usize, trials: &[&Trial]) -> Self {
        let values = trials.iter().map(|trial| trial.proposal.point[axis]);
        match domain {
            Domain::Choice { count } => {
                let prior = 1.0 / f64::from(count);
                let mut shares = vec![prior; count as usize];
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "the place of a choice"
                )]
                values.for_each(|value| shares[value as usize] += 1.0);
                let sum: f64 = shares.iter().sum();
                Self::Shares(shares.into_iter().map(|share| share / sum).collect())
            }
            Domain::Range { steps } => {
                let mut centres: Vec<f64> = values.collect();
                centres.sort_by(f64::total_cmp);
                let least = 1.0 / (centres.len() as f64 + 1.0).min(100.0);
                let least = steps.map_or(least, |steps| least.max(0.5 / f64::from(steps)));
                let around = |place: usize| {
                    let before = place.checked_sub(1).map_or(0.0, |place| centres[place]);
                    let after = centres.get(place + 1).copied().unwrap_or(1.0);
                    (centres[place] - before).max(after - centres[place]).clamp(least * 0.5, 1.0)
                };
                let kernels = (0..centres.len()).map(|place| (centres[place], around(place))).collect();
                Self::Kernels { domain, kernels }
            }
        }
    }

    fn draw(&self, stream: &mut Stream) -> f64 {
        match self {
            Self::Shares(shares) => {
                let mut left = unit(stream);
                let found = shares.iter().position(|share| {
                    left -= share;
                    left < 0.0
                });
                found.unwrap_or(shares.len() - 1) as f64
            }
            Self::Kernels { domain, kernels } => {
                let value = match kernels.get(below(kernels.len() + 1, stream)) {
                    None => unit(stream),
                    Some((centre, width)) => {
                        let normal: f64 = StandardNormal.sample(stream);
                        let value = (centre + width * normal).abs();
                        if value > 1.0 { 2.0 - value } else { value }
                    }
                };
                domain.snapped(value)
            }
        }
    }

    fn at(&self, value: f64) -> f64 {
        match self {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "the place of a choice"
            )]
            Self::Shares(shares) => shares[value as usize],
            Self::Kernels { kernels, .. } => {
                let normal =
                    |at: f64, width: f64| (-0.5 * (at / width).powi(2)).exp() / (width * 2.506_628_274_631);
                let kernel = |&(centre, width): &(f64, f64)| {
                    [value, -value, 2.0 - value].map(|at| normal(at - centre, width)).iter().sum::<f64>()
                };
                let sum: f64 = kernels.iter().map(kernel).sum();
                (1.0 + sum) / (kernels.len() as f64 + 1.0)
            }
        }
    }
}
