//! Serves an expired value for a while, and fetches the new one in the background (RFC 5861).
//!
//! Up to the TTL a value is fresh; for `window` beyond it, it is served stale and a fetch is asked
//! for through the guard; after that it is gone. The origin's load is that of the same TTL without a
//! window, blocking misses fall to `e^(-λ window)` per cycle (law F5). The cache keeps values for
//! TTL + window. Cold misses stay unprotected, and keys read about once per window are always one
//! version behind.
//!
//! ```toml
//! refresh = { policy = "stale-while-revalidate", window = "5m" }
//! ```

use serde::{Deserialize, Serialize};

use super::{Copy, RefreshPolicy, Wish};
use crate::catalog::{Invalid, Param, Plugin};
use crate::strategy::Setup;
use crate::units::{SimDuration, SimTime};

/// Parameters of [`StaleWhileRevalidate`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    window: SimDuration,
}

/// Stale copies are served while a fetch runs.
#[derive(Debug)]
pub struct StaleWhileRevalidate {
    window: SimDuration,
}

impl Plugin for StaleWhileRevalidate {
    const NAME: &'static str = "stale-while-revalidate";
    const SUMMARY: &'static str =
        "Serves an expired value for a while and fetches the new one in the background.";
    const PARAMS: &'static [Param] =
        &[Param::duration("window", "how long beyond its TTL a value may be served")
            .default("60s")
            .from("0s")
            .to("30d")];
    type Params = Params;
    type Setup = Setup;

    fn new(params: &Params, _: &Setup) -> Result<Self, Invalid> {
        Ok(Self { window: params.window })
    }
}

impl RefreshPolicy for StaleWhileRevalidate {
    fn keep_until(&self, _: SimTime, fresh_until: SimTime) -> SimTime {
        fresh_until + self.window
    }

    fn on_copy(&mut self, copy: &Copy) -> Wish {
        if !copy.is_stale() {
            Wish::Serve
        } else if copy.now <= copy.fresh_until + self.window {
            Wish::ServeAndRefresh
        } else {
            Wish::Fetch
        }
    }
}
