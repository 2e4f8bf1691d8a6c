//! First in, first out: whoever was stored longest ago leaves first, however often it was read.
//!
//! Under independent requests its hit ratio equals that of random eviction (F9 of the laws). A value
//! that is overwritten while it is alive keeps its place.
//!
//! E. Gelenbe, "A Unified Approach to the Evaluation of a Class of Replacement Algorithms", IEEE Transactions on
//! Computers C-22(6), 1973.
//!
//! ```toml
//! eviction = "fifo"
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

/// FIFO: a list, latest arrival first.
#[derive(Debug)]
pub struct Fifo {
    arrivals: List,
}

impl Plugin for Fifo {
    const NAME: &'static str = "fifo";
    const SUMMARY: &'static str = "First in, first out: the entry stored longest ago leaves first.";
    const PARAMS: &'static [Param] = &[];
    type Params = Params;
    type Setup = Setup;

    fn new(_: &Params, setup: &Setup) -> Result<Self, Invalid> {
        Ok(Self { arrivals: List::new(setup.objects) })
    }
}

impl EvictionPolicy for Fifo {
    fn order(&self) -> Option<Order> {
        Some(Order::Fifo)
    }

    fn on_hit(&mut self, _: ObjectId) {}

    fn on_fill(&mut self, object: ObjectId, _: u32) {
        self.arrivals.push_front(object);
    }

    fn on_remove(&mut self, object: ObjectId) {
        self.arrivals.remove(object);
    }

    fn prefetch(&self, object: ObjectId) {
        self.arrivals.prefetch(object);
    }

    fn victim(&mut self) -> Option<ObjectId> {
        self.arrivals.back()
    }

    fn likely_victim(&self) -> Option<ObjectId> {
        // The one after the next: the next has been asked for before.
        self.arrivals.back().and_then(|next| self.arrivals.before(next))
    }

    fn check(&self, entries: u64) {
        self.arrivals.check();
        assert_eq!(self.arrivals.len(), entries, "every entry stands in the list");
    }
}
