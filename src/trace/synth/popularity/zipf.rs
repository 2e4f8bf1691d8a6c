//! Popularity falls with rank as a power: the i-th most popular object has weight `i^-alpha`.
//!
//! What request logs of web and image traffic look like in the large. `alpha` is about 0.9 at the
//! edge, 0.64 to 0.83 behind web proxies, 1.2 for objects in memory caches of large sites; each
//! layer of caches flattens what reaches the next. 0 makes all objects equally popular.
//!
//! Sampling is exact for every `alpha`, 1 included: from a table up to 200,000 objects, and by
//! rejection-inversion beyond, which needs no memory (Hörmann and Derflinger 1996,
//! "Rejection-inversion to generate variates from monotone discrete distributions", ACM TOMACS 6).
//!
//! ```toml
//! popularity = { model = "zipf", alpha = 0.9 }
//! ```

use rand::RngExt;

use super::{Popularity, Ranks, alias};
use crate::catalog::{Invalid, Param, Plugin};
use crate::random::Stream;
use crate::trace::synth::Setup;

/// Above so many objects, no table is made: where it outgrows the processor's cache, calculating is
/// faster than looking up (benches/synth.rs).
const TABLE_MAX: u32 = 200_000;

/// The model; see the page above.
#[derive(Debug)]
pub struct Zipf {
    alpha: f64,
}

/// Parameters of [`Zipf`].
#[derive(Debug, serde::Deserialize, serde::Serialize)]
pub struct Params {
    /// The exponent, 0 to 20.
    pub alpha: f64,
}

impl Plugin for Zipf {
    const NAME: &'static str = "zipf";
    const SUMMARY: &'static str = "Popularity falls with rank as a power, as in most request logs.";
    const PARAMS: &'static [Param] = &[
        // Above 20 less than a millionth of the requests would go to any rank but the first.
        Param::number("alpha", "The exponent: 0 is uniform, larger concentrates requests on fewer objects.")
            .default("0.9")
            .from("0")
            .to("20"),
    ];
    type Params = Params;
    type Setup = Setup;

    fn new(params: &Params, _: &Setup) -> Result<Self, Invalid> {
        Ok(Self { alpha: params.alpha })
    }
}

impl Popularity for Zipf {
    fn weights(&self, objects: u32) -> Vec<f64> {
        (1..=objects).map(|rank| f64::from(rank).powf(-self.alpha)).collect()
    }

    fn over(&self, objects: u32) -> Box<dyn Ranks> {
        if objects <= TABLE_MAX {
            Box::new(alias::Alias::new(&self.weights(objects)))
        } else {
            Box::new(RejectionInversion::new(self.alpha, objects))
        }
    }
}

/// Hörmann and Derflinger's sampler: inverts the integral of `x^-alpha`, a hat over the weights of
/// the ranks centred in unit intervals, and rejects what lies between hat and weights.
struct RejectionInversion {
    alpha: f64,
    last: f64,
    /// The hat's integral where it begins and where it ends.
    from: f64,
    to: f64,
    /// A point that lies no further than this before its rank is accepted without calculation.
    close: f64,
}

impl RejectionInversion {
    fn new(alpha: f64, objects: u32) -> Self {
        let mut sampler = Self { alpha, last: f64::from(objects), from: 0.0, to: 0.0, close: 0.0 };
        // The first rank's share is cut to its weight, 1, so that it is never rejected.
        sampler.from = sampler.integral(1.5) - 1.0;
        sampler.to = sampler.integral(sampler.last + 0.5);
        sampler.close = 2.0 - sampler.inverse(sampler.integral(2.5) - sampler.weight(2.0));
        sampler
    }

    fn weight(&self, x: f64) -> f64 {
        x.powf(-self.alpha)
    }

    /// The integral of `t^-alpha` from 1 to `x`; a logarithm where alpha is 1, and stable near it.
    fn integral(&self, x: f64) -> f64 {
        let log = x.ln();
        let y = (1.0 - self.alpha) * log;
        if y.abs() < f64::EPSILON { log } else { y.exp_m1() / y * log }
    }

    /// Where the integral is `area`.
    fn inverse(&self, area: f64) -> f64 {
        let y = (1.0 - self.alpha) * area;
        let log = if y.abs() < f64::EPSILON { area } else { y.ln_1p() / y * area };
        log.exp()
    }
}

impl Ranks for RejectionInversion {
    fn draw(&self, stream: &mut Stream) -> u32 {
        loop {
            let area = self.to + stream.random::<f64>() * (self.from - self.to);
            let x = self.inverse(area);
            let rank = x.round().clamp(1.0, self.last);
            if rank - x <= self.close || area >= self.integral(rank + 0.5) - self.weight(rank) {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "clamped to a rank, which is a u32 of at least 1"
                )]
                return rank as u32 - 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Seed;
    use crate::trace::synth::fit::{Bins, fits};

    const ALPHAS: [f64; 9] = [0.0, 0.6, 0.9, 1.0 - 1e-10, 1.0, 1.2, 2.0, 3.0, 20.0];
    const OBJECTS: u32 = 20_000;

    fn follows_the_law(ranks: &dyn Ranks, alpha: f64) {
        let weights: Vec<f64> = (1..=OBJECTS).map(|rank| f64::from(rank).powf(-alpha)).collect();
        let bins = Bins::ranks(OBJECTS as usize);
        let mut stream = Seed::new(5).stream();
        let mut counts = vec![0; bins.len()];
        for _ in 0..1_000_000 {
            counts[bins.of(ranks.draw(&mut stream) as usize)] += 1;
        }
        fits(&counts, &bins.shares(&weights));
    }

    #[test]
    fn the_weights_sum_to_the_exact_generalised_harmonic_number() {
        // H(10, 1) = 7381/2520; H(10^6, 0.9) by Euler and Maclaurin with zeta(0.9) = -9.430114019402251;
        // H(10^6, 2) = pi^2/6 - 1e-6 + 0.5e-12.
        let close = |alpha: f64, objects: u32, exact: f64| {
            let sum: f64 = Zipf { alpha }.weights(objects).iter().rev().sum();
            assert!((sum / exact - 1.0).abs() < 1e-12, "{sum} for {exact}");
        };
        close(0.0, 1_000, 1_000.0);
        close(1.0, 10, 7_381.0 / 2_520.0);
        let n = 1e6_f64;
        close(0.9, 1_000_000, n.powf(0.1) / 0.1 - 9.430_114_019_402_25 + 0.5 * n.powf(-0.9));
        close(2.0, 1_000_000, std::f64::consts::PI.powi(2) / 6.0 - 1e-6 + 0.5e-12);
    }

    #[test]
    fn the_table_follows_the_law_at_every_alpha() {
        for alpha in ALPHAS {
            follows_the_law(&*Zipf { alpha }.over(OBJECTS), alpha);
        }
    }

    #[test]
    fn rejection_inversion_follows_the_same_law() {
        for alpha in ALPHAS {
            follows_the_law(&RejectionInversion::new(alpha, OBJECTS), alpha);
        }
    }

    #[test]
    fn beyond_the_table_every_rank_exists_and_the_head_has_its_share() {
        let objects = TABLE_MAX + 1;
        let ranks = Zipf { alpha: 1.0 }.over(objects);
        let mut stream = Seed::new(5).stream();
        let count = 200_000;
        let drawn: Vec<u32> = (0..count).map(|_| ranks.draw(&mut stream)).collect();
        assert!(drawn.iter().all(|rank| *rank < objects));
        let first = drawn.iter().filter(|rank| **rank == 0).count() as f64 / f64::from(count);
        // The harmonic number of n is ln n + 0.5772 + 1/2n, and the last term is too small to matter.
        let share = 1.0 / (f64::from(objects).ln() + 0.577_215_664_9);
        assert!((first - share).abs() < 4.0 * (share / f64::from(count)).sqrt(), "{first} for {share}");
    }

    #[test]
    fn one_object_is_always_the_first() {
        let mut stream = Seed::new(5).stream();
        for alpha in ALPHAS {
            assert_eq!(Zipf { alpha }.over(1).draw(&mut stream), 0);
            assert_eq!(RejectionInversion::new(alpha, 1).draw(&mut stream), 0);
        }
    }
}
