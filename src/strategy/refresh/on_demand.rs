//! Lazy loading: an object is fetched when it is asked for and not there.
//!
//! Plain cache-aside. Whoever asks first after an expiry waits for the origin.
//!
//! ```toml
//! refresh = { policy = "on-demand" }
//! ```

use serde::{Deserialize, Serialize};

use super::{Copy, RefreshPolicy, Wish};
use crate::catalog::{Invalid, Param, Plugin};
use crate::strategy::Setup;

/// It takes no parameters.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {}

/// Fetches on a miss only.
#[derive(Debug)]
pub struct OnDemand;

impl Plugin for OnDemand {
    const NAME: &'static str = "on-demand";
    const SUMMARY: &'static str = "Lazy loading: an object is fetched when it is asked for and not there.";
    const PARAMS: &'static [Param] = &[];
    type Params = Params;
    type Setup = Setup;

    fn new(_: &Params, _: &Setup) -> Result<Self, Invalid> {
        Ok(Self)
    }
}

impl RefreshPolicy for OnDemand {
    fn fetches_early(&self) -> bool {
        false
    }

    fn on_copy(&mut self, copy: &Copy) -> Wish {
        // A copy past its TTL is kept by somebody else's wish: a guard's, or in case of an error.
        if copy.is_stale() { Wish::Fetch } else { Wish::Serve }
    }
}
