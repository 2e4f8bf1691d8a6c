//! Every fetch takes the same time.
//!
//! Zero is legal and common: the fill then happens at the arrival, as in a classic trace simulator.
//! Constant times make the largest stampedes of all distributions with the same mean.
//!
//! ```toml
//! latency = { model = "constant", value = "120ms" }
//! ```

use serde::{Deserialize, Serialize};

use super::{Ask, LatencyModel, Setup, Version};
use crate::catalog::{Invalid, Param, Plugin};
use crate::units::SimDuration;

/// Parameters of [`Constant`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    value: SimDuration,
}

/// Origin time without variance.
#[derive(Debug)]
pub struct Constant {
    value: SimDuration,
}

impl Plugin for Constant {
    const NAME: &'static str = "constant";
    const SUMMARY: &'static str = "Every fetch takes the same time.";
    const PARAMS: &'static [Param] =
        &[Param::duration("value", "time of every fetch").required().from("0s").to("1h")];
    type Params = Params;
    type Setup = Setup;

    fn new(params: &Params, _: &Setup) -> Result<Self, Invalid> {
        Ok(Self { value: params.value })
    }
}

impl LatencyModel for Constant {
    fn time(&mut self, _: &Ask, _: u32, _: Version) -> SimDuration {
        self.value
    }

    fn counts_fetches(&self) -> bool {
        false
    }

    fn takes_time(&self) -> bool {
        !self.value.is_zero()
    }

    fn median(&self) -> SimDuration {
        self.value
    }
}
