//! Fetch times are lognormal: the usual shape of service times, with a heavy tail.
//!
//! The mean is `median * exp(sigma^2 / 2)`; at `sigma = 0.8` that is 1.38 medians, and 1 % of the
//! fetches take more than 6.4 medians.
//!
//! ```toml
//! latency = { model = "lognormal", median = "120ms", sigma = 0.8 }
//! ```

use rand_distr::{Distribution, StandardNormal};
use serde::{Deserialize, Serialize};

use super::{Ask, LatencyModel, Setup, Version};
use crate::catalog::{Invalid, Param, Plugin};
use crate::random::Seed;
use crate::units::SimDuration;

/// Parameters of [`LogNormal`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    median: SimDuration,
    sigma: f64,
}

/// Lognormal origin time.
#[derive(Debug)]
pub struct LogNormal {
    median: SimDuration,
    sigma: f64,
    seed: Seed,
}

impl Plugin for LogNormal {
    const NAME: &'static str = "lognormal";
    const SUMMARY: &'static str = "Fetch times are lognormal with the given median and shape.";
    const PARAMS: &'static [Param] = &[
        Param::duration("median", "half of the fetches take less").default("120ms").above("0s").to("1h"),
        Param::number("sigma", "standard deviation of the time's logarithm").default("0.8").from("0").to("3"),
    ];
    type Params = Params;
    type Setup = Setup;

    fn new(params: &Params, setup: &Setup) -> Result<Self, Invalid> {
        Ok(Self { median: params.median, sigma: params.sigma, seed: setup.seed.of("latency") })
    }
}

impl LatencyModel for LogNormal {
    fn time(&mut self, ask: &Ask, nth: u32, _: Version) -> SimDuration {
        let mut draw = self.seed.keyed(u64::from(ask.object.as_u32()), u64::from(nth));
        let z: f64 = StandardNormal.sample(&mut draw);
        self.median.scaled((self.sigma * z).exp())
    }

    fn median(&self) -> SimDuration {
        self.median
    }
}
