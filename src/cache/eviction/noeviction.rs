//! Nothing is evicted: a value that does not fit is refused, reads go on.
//!
//! Redis's default. The check comes before the key is looked up, so that a value that is there is not written over
//! either while the new one does not fit beside it. A refused fill is counted as `out_of_memory`; its answer still
//! reaches the client, the next request of the object is a miss again.
//!
//! Source: Redis 7.0, `evict.c:performEvictions`, `server.c:processCommand`; redis.io, "Key eviction".
//!
//! ```toml
//! eviction = "noeviction"
//! ```

use serde::{Deserialize, Serialize};

use super::{EvictionPolicy, Setup};
use crate::catalog::{Invalid, Param, Plugin};
use crate::trace::ObjectId;

/// It takes no parameters.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {}

/// Evicts nothing.
#[derive(Debug)]
pub struct NoEviction;

impl Plugin for NoEviction {
    const NAME: &'static str = "noeviction";
    const SUMMARY: &'static str = "Nothing is evicted; values that do not fit are refused.";
    const PARAMS: &'static [Param] = &[];
    type Params = Params;
    type Setup = Setup;

    fn new(_: &Params, _: &Setup) -> Result<Self, Invalid> {
        Ok(Self)
    }
}

impl EvictionPolicy for NoEviction {
    fn on_hit(&mut self, _: ObjectId) {}

    fn on_fill(&mut self, _: ObjectId, _: u32) {}

    fn on_remove(&mut self, _: ObjectId) {}

    fn victim(&mut self) -> Option<ObjectId> {
        None
    }

    fn is_of_redis(&self) -> bool {
        true
    }

    fn check(&self, _: u64) {}
}
