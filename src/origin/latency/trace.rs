//! Fetch times as the log measured them: each fetch takes what the trace records at its request.
//!
//! For logs that carry an origin time (such as an upstream response time), declared as the column
//! `origin_time`. A request whose row holds none takes the median of those that do.
//!
//! ```toml
//! latency = { model = "trace" }
//! ```

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Ask, LatencyModel, Setup, Version};
use crate::catalog::{Invalid, Param, Plugin};
use crate::trace::Trace;
use crate::units::SimDuration;

/// It takes no parameters.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {}

/// Origin time as recorded.
#[derive(Debug)]
pub struct Recorded {
    trace: Arc<Trace>,
    median: SimDuration,
}

impl Plugin for Recorded {
    const NAME: &'static str = "trace";
    const SUMMARY: &'static str = "Each fetch takes the origin time that the trace records at its request.";
    const PARAMS: &'static [Param] = &[];
    type Params = Params;
    type Setup = Setup;

    fn new(_: &Params, setup: &Setup) -> Result<Self, Invalid> {
        if setup.trace.is_spooled() {
            let what = "latency model \"trace\" needs the origin time of every request in memory, and these lie on disk";
            return Err(Invalid::param("", what).help("leave --stream out, or choose another latency model"));
        }
        let Some(times) = setup.trace.origin_times() else {
            if setup.trace.is_empty() {
                return Ok(Self { trace: Arc::clone(&setup.trace), median: SimDuration::ZERO });
            }
            return Err(Invalid::param(
                "",
                "latency model \"trace\" needs a trace that records origin times",
            )
            .help("declare the column, columns = { origin_time = \"…\" }, or choose another latency model"));
        };
        let mut sorted = times.to_vec();
        let middle = sorted.len() / 2;
        let median =
            if sorted.is_empty() { SimDuration::ZERO } else { *sorted.select_nth_unstable(middle).1 };
        Ok(Self { trace: Arc::clone(&setup.trace), median })
    }
}

impl LatencyModel for Recorded {
    fn time(&mut self, ask: &Ask, _: u32, _: Version) -> SimDuration {
        self.trace.origin_times().map_or(self.median, |times| times[ask.request])
    }

    fn counts_fetches(&self) -> bool {
        false
    }

    fn median(&self) -> SimDuration {
        self.median
    }
}
