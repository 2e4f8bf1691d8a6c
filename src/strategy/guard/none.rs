//! Everyone who wants a fetch fetches.
//!
//! Each completion stores its value and sets the TTL anew. While a fetch takes the constant time
//! `D`, requests of rate `λ` start `1 + λD` fetches in all (law F7).
//!
//! ```toml
//! guard = { policy = "none" }
//! ```

use serde::{Deserialize, Serialize};

use super::{Decision, Permit, StampedeGuard, Wanting};
use crate::catalog::{Invalid, Param, Plugin};
use crate::strategy::Setup;

/// It takes no parameters.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {}

/// No protection.
#[derive(Debug)]
pub struct NoGuard;

impl Plugin for NoGuard {
    const NAME: &'static str = "none";
    const SUMMARY: &'static str = "No protection: everyone who finds nothing fetches.";
    const PARAMS: &'static [Param] = &[];
    type Params = Params;
    type Setup = Setup;

    fn new(_: &Params, _: &Setup) -> Result<Self, Invalid> {
        Ok(Self)
    }
}

impl StampedeGuard for NoGuard {
    fn lets_the_first_fetch(&self) -> bool {
        true
    }

    fn admit(&mut self, _: &Wanting) -> Decision {
        Permit::Fetch.into()
    }
}
