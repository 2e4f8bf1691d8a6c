//! No clean-up by the application: what leaves the cache leaves by TTL and by the cache's own eviction.
//!
//! ```toml
//! sweep = { policy = "none" }
//! ```

use serde::{Deserialize, Serialize};

use super::Sweep;
use crate::catalog::{Invalid, Param, Plugin};
use crate::strategy::Setup;

/// It takes no parameters.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {}

/// No sweep.
#[derive(Debug)]
pub struct NoSweep;

impl Plugin for NoSweep {
    const NAME: &'static str = "none";
    const SUMMARY: &'static str = "No clean-up by the application.";
    const PARAMS: &'static [Param] = &[];
    type Params = Params;
    type Setup = Setup;

    fn new(_: &Params, _: &Setup) -> Result<Self, Invalid> {
        Ok(Self)
    }
}

impl Sweep for NoSweep {
    fn is_active(&self) -> bool {
        false
    }
}
