//! One TTL for everything, counted from the store: `SETEX key ttl value`.
//!
//! The baseline of every comparison. With Poisson requests of rate `λ` and an origin that takes no
//! time, its hit ratio is `λT / (1 + λT)` (law F1). Keys that were written together expire
//! together, and a popular key that expires is fetched by everyone at once.
//!
//! ```toml
//! ttl = { rule = "fixed", ttl = "1h" }
//! ```

use serde::{Deserialize, Serialize};

use crate::catalog::{Invalid, Param, Plugin};
use crate::strategy::Setup;
use crate::strategy::ttl::{Fill, TtlRule};
use crate::units::SimDuration;

/// Parameters of [`Fixed`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    ttl: SimDuration,
}

/// A constant TTL that reads never extend.
#[derive(Debug)]
pub struct Fixed {
    ttl: SimDuration,
}

impl Plugin for Fixed {
    const NAME: &'static str = "fixed";
    const SUMMARY: &'static str = "One TTL for everything, counted from the store, as SETEX does.";
    const PARAMS: &'static [Param] =
        &[Param::duration("ttl", "how long a value stays fresh").default("1h").from("1ms").to("365d")];
    type Params = Params;
    type Setup = Setup;

    fn new(params: &Params, _: &Setup) -> Result<Self, Invalid> {
        Ok(Self { ttl: params.ttl })
    }
}

impl TtlRule for Fixed {
    fn constant(&self) -> Option<SimDuration> {
        Some(self.ttl)
    }

    fn fresh_for(&mut self, _: &Fill) -> SimDuration {
        self.ttl
    }
}
