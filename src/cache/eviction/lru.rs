//! Exact least recently used: whoever was read or written longest ago leaves first.
//!
//! The reference for theory (Che's approximation, F9 of the laws) and for Redis's sampled
//! `allkeys-lru`, which approximates it.
//!
//! R. L. Mattson et al., "Evaluation techniques for storage hierarchies", IBM Systems Journal 9(2), 1970: a larger
//! cache holds all that a smaller one does.
//!
//! ```toml
//! eviction = "lru"
//! ```

use serde::{Deserialize, Serialize};

use super::{EvictionPolicy, Order, Setup};
use crate::cache::list::List;
use crate::catalog::{Invalid, Param, Plugin};
use crate::trace::ObjectId;

/// It takes no parameters.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {}

/// Exact LRU: a list, most recently used first.
#[derive(Debug)]
pub struct Lru {
    recency: List,
}

impl Plugin for Lru {
    const NAME: &'static str = "lru";
    const SUMMARY: &'static str = "Exact LRU: the entry used longest ago leaves first.";
    const PARAMS: &'static [Param] = &[];
    type Params = Params;
    type Setup = Setup;

    fn new(_: &Params, setup: &Setup) -> Result<Self, Invalid> {
        Ok(Self { recency: List::new(setup.objects) })
    }
}

impl EvictionPolicy for Lru {
    fn order(&self) -> Option<Order> {
        Some(Order::Lru)
    }

    fn on_hit(&mut self, object: ObjectId) {
        self.recency.move_to_front(object);
    }

    fn on_fill(&mut self, object: ObjectId, _: u32) {
        self.recency.push_front(object);
    }

    fn on_remove(&mut self, object: ObjectId) {
        self.recency.remove(object);
    }

    fn prefetch(&self, object: ObjectId) {
        self.recency.prefetch(object);
    }

    fn prefetch_more(&self, object: ObjectId) {
        self.recency.prefetch_neighbours(object);
    }

    fn victim(&mut self) -> Option<ObjectId> {
        self.recency.back()
    }

    fn likely_victim(&self) -> Option<ObjectId> {
        // The one after the next: the next has been asked for before.
        self.recency.back().and_then(|next| self.recency.before(next))
    }

    fn check(&self, entries: u64) {
        self.recency.check();
        assert_eq!(self.recency.len(), entries, "every entry stands in the list");
    }
}
