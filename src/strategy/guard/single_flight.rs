//! At most one fetch per object and process; whoever comes meanwhile waits for it and shares its value.
//!
//! Also known as request coalescing. Each of the `[client] nodes` processes has its own flights, so
//! `N` nodes start up to `N` fetches (law F16: `1 + (N - 1)(1 - e^(-λD/N))` on average).
//!
//! ```toml
//! guard = { policy = "single-flight" }
//! ```

use serde::{Deserialize, Serialize};

use super::{Decision, Permit, StampedeGuard, Wanting};
use crate::catalog::{Invalid, Param, Plugin};
use crate::strategy::Setup;

/// It takes no parameters.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {}

/// One flight per object and process.
#[derive(Debug)]
pub struct SingleFlight;

impl Plugin for SingleFlight {
    const NAME: &'static str = "single-flight";
    const SUMMARY: &'static str =
        "At most one fetch per object and process; others wait for it and share its value.";
    const PARAMS: &'static [Param] = &[];
    type Params = Params;
    type Setup = Setup;

    fn new(_: &Params, _: &Setup) -> Result<Self, Invalid> {
        Ok(Self)
    }
}

impl StampedeGuard for SingleFlight {
    fn only_joins(&self) -> bool {
        true
    }

    fn admit(&mut self, wanting: &Wanting) -> Decision {
        if wanting.in_flight { Permit::Join.into() } else { Permit::Fetch.into() }
    }
}
