//! The origin serves any number of fetches at once; none waits.
//!
//! ```toml
//! capacity = { model = "unlimited" }
//! ```

use serde::{Deserialize, Serialize};

use super::{CapacityModel, Setup};
use crate::catalog::{Invalid, Param, Plugin};
use crate::units::{SimDuration, SimTime};

/// It takes no parameters.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {}

/// Capacity without limit.
#[derive(Debug)]
pub struct Unlimited;

impl Plugin for Unlimited {
    const NAME: &'static str = "unlimited";
    const SUMMARY: &'static str = "Any number of fetches is served at once.";
    const PARAMS: &'static [Param] = &[];
    type Params = Params;
    type Setup = Setup;

    fn new(_: &Params, _: &Setup) -> Result<Self, Invalid> {
        Ok(Self)
    }
}

impl CapacityModel for Unlimited {
    fn start(&mut self, at: SimTime, _: SimDuration) -> SimTime {
        at
    }

    fn servers(&self) -> Option<u32> {
        None
    }
}
