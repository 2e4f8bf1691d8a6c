//! Tries points drawn independently and uniformly, each range in its own scale.
//!
//! Nothing is learnt, so nothing can mislead: the yardstick for the other samplers, and the better grid, because it tries
//! as many values of each parameter as there are runs (Bergstra and Bengio, Random Search for Hyper-Parameter
//! Optimization, JMLR 13, 2012).
//!
//! ```toml
//! [tune]
//! vary = [{ path = "cache.capacity", from = "32KiB", to = "1MiB", scale = "log" }]
//! sampler = "random"
//! runs = 40
//! ```

use serde::{Deserialize, Serialize};

use super::{BATCH, Proposal, Sampler, Setup, Trial};
use crate::catalog::{Invalid, Param, Plugin};

/// The sampler.
#[derive(Debug)]
pub struct Random {
    setup: Setup,
    drawn: u64,
}

/// It has none.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Params {}

impl Plugin for Random {
    const NAME: &'static str = "random";
    const SUMMARY: &'static str = "Tries points drawn at random, each range in its own scale.";
    const PARAMS: &'static [Param] = &[];
    type Params = Params;
    type Setup = Setup;

    fn new(_: &Params, setup: &Setup) -> Result<Self, Invalid> {
        Ok(Self { setup: setup.clone(), drawn: 0 })
    }
}

impl Sampler for Random {
    fn propose(&mut self, _: &[Trial]) -> Vec<Proposal> {
        let from = self.drawn;
        self.drawn += BATCH as u64;
        (from..self.drawn).map(|nth| Proposal { point: self.setup.drawn(nth), share: 1.0 }).collect()
    }
}
