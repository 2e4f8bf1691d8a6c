//! Each object changes at equal times, at a moment of its own: pictures of a webcam, images made anew each night.
//!
//! The first change of an object is uniformly placed in the first period, so that over all objects changes
//! are spread evenly. (For changes of many objects at one moment, see `batch`.)
//!
//! ```toml
//! changes = { model = "periodic", every = "1d" }
//! ```

use serde::{Deserialize, Serialize};

use super::{ChangeModel, Setup};
use crate::catalog::{Invalid, Param, Plugin};
use crate::random::Seed;
use crate::trace::ObjectId;
use crate::units::SimDuration;

/// Parameters of [`Periodic`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    every: SimDuration,
}

/// Changes at equal times.
#[derive(Debug)]
pub struct Periodic {
    every: SimDuration,
    seed: Seed,
}

impl Plugin for Periodic {
    const NAME: &'static str = "periodic";
    const SUMMARY: &'static str = "Each object changes at equal times, at a moment of its own.";
    const PARAMS: &'static [Param] = &[Param::duration("every", "time between two changes of an object")
        .required()
        .from("100ms")
        .to("36500d")];
    type Params = Params;
    type Setup = Setup;

    fn new(params: &Params, setup: &Setup) -> Result<Self, Invalid> {
        Ok(Self { every: params.every, seed: setup.seed.of("changes") })
    }
}

impl ChangeModel for Periodic {
    fn lifetime(&self, object: ObjectId, nth: u32) -> SimDuration {
        if nth > 0 {
            return self.every;
        }
        self.every.scaled(self.seed.unit(u64::from(object.as_u32()), 0)).max(SimDuration::from_nanos(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_changes_are_spread_over_a_period_and_the_others_are_one_apart() {
        let model = Periodic { every: SimDuration::from_secs(10), seed: Seed::new(1) };
        let firsts: Vec<f64> =
            (0..20_000).map(|object| model.lifetime(ObjectId::new(object), 0).as_secs_f64()).collect();
        let mean = firsts.iter().sum::<f64>() / 20_000.0;
        // A uniform mean has a standard error of 10 / sqrt(12 n).
        assert!((mean - 5.0).abs() < 4.0 * 10.0 / (12.0 * 20_000_f64).sqrt(), "{mean}");
        assert!(firsts.iter().all(|first| (0.0..10.0).contains(first)));
        assert_eq!(model.lifetime(ObjectId::new(3), 1), SimDuration::from_secs(10));
    }
}
