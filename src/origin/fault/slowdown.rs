//! The origin is slow for a while: every fetch taken up meanwhile takes `factor` times as long.
//!
//! A limited number of servers then also does less: its capacity falls to `1 / factor`.
//!
//! ```toml
//! faults = [{ fault = "slowdown", at = "1m", lasts = "2m", factor = 5 }]
//! ```

use serde::{Deserialize, Serialize};

use super::{FaultModel, Service, Setup, during, window};
use crate::catalog::{Invalid, Param, Plugin};
use crate::units::{SimDuration, Window};

/// Parameters of [`Slowdown`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    at: SimDuration,
    lasts: SimDuration,
    factor: f64,
}

/// The origin is slow.
#[derive(Debug)]
pub struct Slowdown {
    window: Window,
    factor: f64,
}

impl Plugin for Slowdown {
    const NAME: &'static str = "slowdown";
    const SUMMARY: &'static str = "The origin is slow for a while: every fetch takes a multiple of its time.";
    const PARAMS: &'static [Param] = &[
        Param::duration("at", "when it begins, counted from the begin of the trace").required().from("0s"),
        Param::duration("lasts", "how long it lasts").required().above("0s"),
        Param::number("factor", "how many times as long a fetch takes; below 1 it is faster")
            .default("5")
            .from("0.001")
            .to("1000"),
    ];
    type Params = Params;
    type Setup = Setup;

    fn new(params: &Params, _: &Setup) -> Result<Self, Invalid> {
        Ok(Self { window: window(params.at, params.lasts), factor: params.factor })
    }
}

impl FaultModel for Slowdown {
    fn strike(&mut self, service: &mut Service) {
        if during(self.window, service.started) {
            service.time = service.time.scaled(self.factor);
        }
    }
}
