//! Fetches ask whether the copy at hand is still current; if so, no bytes are sent and the TTL starts anew.
//!
//! A GET with `If-None-Match` or `If-Modified-Since`, answered 304: it takes `cost_304` of the time of
//! a fetch. It needs a copy: one that a refresh policy refetches while it is there, or one that the
//! cache keeps for `keep` beyond its TTL for no other purpose. With Poisson changes of rate `μ` the
//! chance of a 304 is `e^(-μ age)`. Images are large and change seldom, so most of the origin's bytes
//! can be saved; the number of fetches stays the same.
//!
//! A copy whose deadline is in its key's TTL or in a second key gets a new deadline (EXPIRE), whichever version is there
//! by then. With `soft_expiry = "envelope"` the deadline is part of the value, so the body at hand is written again; where
//! a fetch that overtook this one has brought another, the old body replaces it. `duplicate_fill = "newest-version"` or a
//! guard that lets one fetch at a time prevents that.
//!
//! ```toml
//! refresh = { policy = "on-demand", addons = [{ addon = "conditional", cost_304 = 0.1, keep = "1h" }] }
//! ```

use serde::{Deserialize, Serialize};

use super::RefreshAddon;
use crate::catalog::{Invalid, Param, Plugin};
use crate::strategy::Setup;
use crate::units::{Fraction, SimDuration};

/// Parameters of [`Conditional`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    cost_304: Fraction,
    keep: SimDuration,
}

/// Conditional fetches.
#[derive(Debug)]
pub struct Conditional {
    cost: Fraction,
    keep: SimDuration,
}

impl Plugin for Conditional {
    const NAME: &'static str = "conditional";
    const SUMMARY: &'static str =
        "Fetches ask whether the copy at hand is still current; a 304 sends no bytes and sets the TTL anew.";
    const PARAMS: &'static [Param] = &[
        Param::number("cost_304", "the part of a fetch's time that a 304 takes")
            .default("0.1")
            .from("0")
            .to("1"),
        Param::duration("keep", "how long beyond its TTL the cache keeps a copy to ask about")
            .default("0s")
            .from("0s")
            .to("365d"),
    ];
    type Params = Params;
    type Setup = Setup;

    fn new(params: &Params, _: &Setup) -> Result<Self, Invalid> {
        Ok(Self { cost: params.cost_304, keep: params.keep })
    }
}

impl RefreshAddon for Conditional {
    fn stale_window(&self) -> SimDuration {
        self.keep
    }

    fn validates_at(&self) -> Option<Fraction> {
        Some(self.cost)
    }
}
