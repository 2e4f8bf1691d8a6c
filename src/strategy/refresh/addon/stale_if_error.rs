//! When a fetch fails, an old value is served rather than an error (RFC 5861, section 4).
//!
//! The cache keeps values for `window` beyond their TTL. If a fetch fails, is shed or comes too late,
//! the request gets the old value (`stale_on_error`), and for `throttle` after that everybody does,
//! without the origin being asked again. With a `soft_timeout` nobody who could be served an old
//! value waits longer than that: it is served stale and the fetch goes on; it must be shorter than the
//! `timeout` of `[client]`, at which a request gives up anyway. Libraries call it fail-safe. It costs
//! the memory of what is kept, and answers that may be as old as the window.
//!
//! ```toml
//! refresh = { policy = "on-demand", addons = [{ addon = "stale-if-error", window = "1d", throttle = "30s" }] }
//! ```

use serde::{Deserialize, Serialize};

use super::{FailSafe, RefreshAddon};
use crate::catalog::{Invalid, Param, Plugin};
use crate::strategy::Setup;
use crate::units::SimDuration;

/// Parameters of [`StaleIfError`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    window: SimDuration,
    throttle: SimDuration,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    soft_timeout: Option<SimDuration>,
}

/// Old values instead of errors.
#[derive(Debug)]
pub struct StaleIfError(FailSafe);

impl Plugin for StaleIfError {
    const NAME: &'static str = "stale-if-error";
    const SUMMARY: &'static str = "When a fetch fails, an old value is served rather than an error.";
    const PARAMS: &'static [Param] = &[
        Param::duration("window", "how long beyond its TTL a value may be served")
            .default("1d")
            .above("0s")
            .to("30d"),
        Param::duration("throttle", "for how long after a failure the old value is served without a fetch")
            .default("30s")
            .from("0s")
            .to("1d"),
        Param::duration(
            "soft_timeout",
            "after how long a request that waits is served the old value; never where not written",
        )
        .from("0s"),
    ];
    type Params = Params;
    type Setup = Setup;

    fn new(params: &Params, _: &Setup) -> Result<Self, Invalid> {
        let Params { window, throttle, soft_timeout } = *params;
        Ok(Self(FailSafe { window, throttle, soft_timeout }))
    }
}

impl RefreshAddon for StaleIfError {
    fn stale_window(&self) -> SimDuration {
        self.0.window
    }

    fn fail_safe(&self) -> Option<FailSafe> {
        Some(self.0)
    }
}
