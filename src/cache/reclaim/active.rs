//! Dead entries are swept in the background, as Redis's active expiry does, and removed when they are looked up.
//!
//! A cursor walks the keys with a TTL, `hz` times a second and 20 keys at a time (at
//! `active-expire-effort = 1`), and goes on while more than a tenth of what it sees is dead. So some
//! dead entries are always resident; a higher effort or `hz` leaves fewer. A cycle that would
//! take more than its share of the processor stops and goes on later: `expire-cost` and `visit-cost`
//! say what a deletion and a visited bucket cost.
//!
//! Hits do not depend on it where there is no limit. The default with Redis's own eviction policies
//! and with `memory = "redis"`. The settings named here are keys of `[cache]`.
//!
//! ```toml
//! reclaim = "active"
//! ```

use serde::{Deserialize, Serialize};

use super::{Reclaim, Setup};
use crate::catalog::{Invalid, Param, Plugin};
use crate::trace::ObjectId;
use crate::units::SimTime;

/// It takes no parameters of its own.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {}

/// The server sweeps by itself.
#[derive(Debug)]
pub struct Active;

impl Plugin for Active {
    const NAME: &'static str = "active";
    const SUMMARY: &'static str =
        "Dead entries are swept in the background, as Redis does, or leave when looked up.";
    const PARAMS: &'static [Param] = &[];
    type Params = Params;
    type Setup = Setup;

    fn new(_: &Params, _: &Setup) -> Result<Self, Invalid> {
        Ok(Self)
    }
}

impl Reclaim for Active {
    fn is_active(&self) -> bool {
        true
    }

    fn on_armed(&mut self, _: ObjectId, _: SimTime) {}

    fn due(&mut self, _: SimTime) -> Option<ObjectId> {
        None
    }
}
