//! At equal times a part of the objects changes at once: a nightly import, a campaign, a deploy that draws images anew.
//!
//! At each multiple of `every`, each object changes with probability `share`, independently of the others and of
//! earlier batches.
//!
//! ```toml
//! changes = { model = "batch", every = "1d", share = 0.1 }
//! ```

use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::{ChangeModel, Setup};
use crate::catalog::{Invalid, Param, Plugin};
use crate::random::Seed;
use crate::trace::ObjectId;
use crate::units::SimDuration;

/// Parameters of [`Batch`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    every: SimDuration,
    share: f64,
}

/// Changes of many at once.
#[derive(Debug)]
pub struct Batch {
    every: SimDuration,
    share: f64,
    seed: Seed,
}

impl Plugin for Batch {
    const NAME: &'static str = "batch";
    const SUMMARY: &'static str = "At equal times a part of the objects changes at once.";
    const PARAMS: &'static [Param] = &[
        Param::duration("every", "time between two batches").required().from("100ms").to("36500d"),
        Param::number("share", "the share of the objects that a batch changes")
            .default("1")
            .above("0")
            .to("1"),
    ];
    type Params = Params;
    type Setup = Setup;

    fn new(params: &Params, setup: &Setup) -> Result<Self, Invalid> {
        Ok(Self { every: params.every, share: params.share, seed: setup.seed.of("changes") })
    }
}

impl ChangeModel for Batch {
    fn lifetime(&self, object: ObjectId, nth: u32) -> SimDuration {
        if self.share >= 1.0 {
            return self.every;
        }
        // How many batches it takes until one changes the object: a geometric number from 1 on.
        let drawn: f64 = 1.0 - self.seed.keyed(u64::from(object.as_u32()), u64::from(nth)).random::<f64>();
        self.every.scaled(1.0 + (drawn.ln() / (-self.share).ln_1p()).floor())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_batch_changes_its_share_and_nothing_changes_between() {
        let every = SimDuration::from_secs(10);
        let model = Batch { every, share: 0.3, seed: Seed::new(1) };
        let mut first = [0_u32; 4];
        for object in 0..10_000 {
            let nanos = model.lifetime(ObjectId::new(object), 0).as_nanos();
            assert_eq!(nanos % every.as_nanos(), 0);
            for (batch, count) in (1..).zip(&mut first) {
                *count += u32::from(nanos == batch * every.as_nanos());
            }
        }
        // 0.3, 0.7 * 0.3, ... of the objects change first in the first, second, ... batch; 4 standard deviations.
        for (number, count) in (0..).zip(first) {
            let expected = 10_000.0 * 0.3 * 0.7_f64.powi(number);
            assert!((f64::from(count) - expected).abs() < 4.0 * expected.sqrt(), "{first:?}");
        }
        let all = Batch { share: 1.0, ..model };
        assert_eq!(all.lifetime(ObjectId::new(1), 7), every);
    }
}
