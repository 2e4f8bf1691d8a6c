//! Entries never expire; only eviction removes them.
//!
//! For immutable, content-addressed URLs, where a new version has a new name. Without a limit and an
//! eviction policy memory grows with every object ever asked for.
//!
//! ```toml
//! ttl = { rule = "none" }
//! ```

use serde::{Deserialize, Serialize};

use crate::catalog::{Invalid, Param, Plugin};
use crate::strategy::Setup;
use crate::strategy::ttl::{Fill, TtlRule};
use crate::units::SimDuration;

/// It takes no parameters.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {}

/// No TTL.
#[derive(Debug)]
pub struct NoExpiry;

impl Plugin for NoExpiry {
    const NAME: &'static str = "none";
    const SUMMARY: &'static str = "Entries never expire; only eviction removes them.";
    const PARAMS: &'static [Param] = &[];
    type Params = Params;
    type Setup = Setup;

    fn new(_: &Params, _: &Setup) -> Result<Self, Invalid> {
        Ok(Self)
    }
}

impl TtlRule for NoExpiry {
    fn constant(&self) -> Option<SimDuration> {
        Some(SimDuration::FOREVER)
    }

    fn fresh_for(&mut self, _: &Fill) -> SimDuration {
        SimDuration::FOREVER
    }
}
