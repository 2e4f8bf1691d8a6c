//! The origin serves any number of fetches at once; none waits.
//!
//! ```toml
//! capacity = { model = "unlimited" }
//! ```

use serde::{Deserialize, Serialize};

use super::{Admission, CapacityModel, Job, Setup, Ticket};
use crate::catalog::{Invalid, Param, Plugin};
use crate::units::SimTime;

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
    fn arrive(&mut self, _: Job) -> Admission {
        Admission::Start
    }

    fn release(&mut self, _: SimTime, _: &mut Vec<Job>) -> Option<Job> {
        None
    }

    fn withdraw(&mut self, _: Ticket) -> bool {
        false
    }

    fn servers(&self) -> Option<u32> {
        None
    }
}
