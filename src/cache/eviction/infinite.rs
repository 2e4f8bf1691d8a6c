//! No limit, an oracle: nothing is ever evicted, whatever capacity the scenario writes.
//!
//! What is still a miss here is the first request of an object (or comes from TTLs and late answers): no
//! memory and no policy can avoid it. The upper end of every capacity curve.
//!
//! M. D. Hill and A. J. Smith, "Evaluating associativity in CPU caches", IEEE Transactions on Computers 38(12), 1989: what
//! misses in a cache without limit is compulsory.
//!
//! ```toml
//! eviction = ["lru", "infinite"]
//! ```

use serde::{Deserialize, Serialize};

use super::{EvictionPolicy, Order, Setup};
use crate::catalog::{Invalid, Param, Plugin};
use crate::trace::ObjectId;

/// It takes no parameters.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {}

/// Evicts nothing, for there is room without end.
#[derive(Debug)]
pub struct Infinite;

impl Plugin for Infinite {
    const NAME: &'static str = "infinite";
    const SUMMARY: &'static str =
        "An oracle without limit: only what no cache of any size can avoid is a miss.";
    const PARAMS: &'static [Param] = &[];
    const ORACLE: bool = true;
    type Params = Params;
    type Setup = Setup;

    fn new(_: &Params, _: &Setup) -> Result<Self, Invalid> {
        Ok(Self)
    }
}

impl EvictionPolicy for Infinite {
    fn order(&self) -> Option<Order> {
        // Nobody leaves, so that it might be any.
        Some(Order::Lru)
    }

    fn on_hit(&mut self, _: ObjectId) {}

    fn on_fill(&mut self, _: ObjectId, _: u32) {}

    fn on_remove(&mut self, _: ObjectId) {}

    fn victim(&mut self) -> Option<ObjectId> {
        None
    }

    fn ignores_capacity(&self) -> bool {
        true
    }

    fn check(&self, _: u64) {}
}
