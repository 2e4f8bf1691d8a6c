//! Each object changes at random, independently of the others: exponential times between changes.
//!
//! Under a fixed TTL `T` the share of hits that are still current is `(1 - e^-r) / r` with
//! `r = T / mean` (Cho and Garcia-Molina, SIGMOD 2000).
//!
//! ```toml
//! changes = { model = "poisson", mean = "7d" }
//! ```

use rand_distr::{Distribution, Exp1};
use serde::{Deserialize, Serialize};

use super::{ChangeModel, Setup};
use crate::catalog::{Invalid, Param, Plugin};
use crate::random::Seed;
use crate::trace::ObjectId;
use crate::units::SimDuration;

/// Parameters of [`Poisson`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    mean: SimDuration,
}

/// Poisson changes.
#[derive(Debug)]
pub struct Poisson {
    mean: SimDuration,
    seed: Seed,
}

impl Plugin for Poisson {
    const NAME: &'static str = "poisson";
    const SUMMARY: &'static str = "Each object changes at random with the given mean time between changes.";
    const PARAMS: &'static [Param] = &[Param::duration("mean", "mean time between two changes of an object")
        .required()
        .from("100ms")
        .to("36500d")];
    type Params = Params;
    type Setup = Setup;

    fn new(params: &Params, setup: &Setup) -> Result<Self, Invalid> {
        Ok(Self { mean: params.mean, seed: setup.seed.of("changes") })
    }
}

impl ChangeModel for Poisson {
    fn lifetime(&self, object: ObjectId, nth: u32) -> SimDuration {
        let mut draw = self.seed.keyed(u64::from(object.as_u32()), u64::from(nth));
        let x: f64 = Exp1.sample(&mut draw);
        self.mean.scaled(x).max(SimDuration::from_nanos(1))
    }
}
