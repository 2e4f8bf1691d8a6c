//! Fetch times are exponential: memoryless, many short ones, a few long ones.
//!
//! With several servers the origin is the M/M/c queue of textbooks (Erlang C).
//!
//! ```toml
//! latency = { model = "exponential", mean = "100ms" }
//! ```

use rand_distr::{Distribution, Exp1};
use serde::{Deserialize, Serialize};

use super::{Ask, LatencyModel, Setup, Version};
use crate::catalog::{Invalid, Param, Plugin};
use crate::random::Seed;
use crate::units::SimDuration;

/// Parameters of [`Exponential`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    mean: SimDuration,
}

/// Exponential origin time.
#[derive(Debug)]
pub struct Exponential {
    mean: SimDuration,
    seed: Seed,
}

impl Plugin for Exponential {
    const NAME: &'static str = "exponential";
    const SUMMARY: &'static str = "Fetch times are exponential with the given mean.";
    const PARAMS: &'static [Param] =
        &[Param::duration("mean", "mean time of a fetch").required().above("0s").to("1h")];
    type Params = Params;
    type Setup = Setup;

    fn new(params: &Params, setup: &Setup) -> Result<Self, Invalid> {
        Ok(Self { mean: params.mean, seed: setup.seed.of("latency") })
    }
}

impl LatencyModel for Exponential {
    fn time(&mut self, ask: &Ask, nth: u32, _: Version) -> SimDuration {
        let mut draw = self.seed.keyed(u64::from(ask.object.as_u32()), u64::from(nth));
        let x: f64 = Exp1.sample(&mut draw);
        self.mean.scaled(x)
    }

    fn median(&self) -> SimDuration {
        self.mean.scaled(std::f64::consts::LN_2)
    }
}
