//! Four LRU queues, one above the other: a hit lifts an entry by one, and each must earn its way up.
//!
//! A new entry comes to the front of the lowest queue. A hit moves it to the front of the next higher one
//! (in the highest, to the front of the same). Each of the three upper queues may hold a quarter of the
//! capacity; while one holds more, its last entry goes to the front of the queue below. The lowest holds
//! what the others leave. To make room, the last entry of the lowest queue that has any is evicted,
//! until the new one fits; an entry larger than a quarter cannot stay above the lowest queue. The paper gives the lowest queue
//! a quarter as well and evicts what falls out of it; that leaves memory unused as long as little was asked for twice, so
//! here it may fill what nobody else needs. At one of the largest photo services it was the best of the simple policies.
//!
//! Q. Huang et al., "An Analysis of Facebook Photo Caching", SOSP 2013, section 6.
//!
//! ```toml
//! eviction = "s4lru"
//! ```

use serde::{Deserialize, Serialize};

use super::{EvictionPolicy, Setup};
use crate::cache::segments::{Queue, Segments};
use crate::catalog::{Invalid, Param, Plugin};
use crate::trace::ObjectId;

/// It takes no parameters.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {}

const LEVELS: Queue = 4;

/// S4LRU: four queues, the lowest first.
#[derive(Debug)]
pub struct S4Lru {
    levels: Segments,
    /// A quarter of the capacity.
    limit: u64,
}

impl Plugin for S4Lru {
    const NAME: &'static str = "s4lru";
    const SUMMARY: &'static str =
        "Four LRU queues of a quarter each: a hit lifts an entry one level, the lowest level loses its last.";
    const PARAMS: &'static [Param] = &[];
    type Params = Params;
    type Setup = Setup;

    fn new(_: &Params, setup: &Setup) -> Result<Self, Invalid> {
        let levels = Segments::new(setup.objects, LEVELS);
        Ok(Self { levels, limit: setup.capacity.limit() / u64::from(LEVELS) })
    }
}

impl EvictionPolicy for S4Lru {
    fn on_hit(&mut self, object: ObjectId) {
        let Some(level) = self.levels.queue_of(object) else { return };
        let level = (level + 1).min(LEVELS - 1);
        self.levels.move_to_front(level, object);
        for level in (1..=level).rev() {
            while self.levels.weight(level) > self.limit
                && let Some(last) = self.levels.back(level)
            {
                self.levels.move_to_front(level - 1, last);
            }
        }
    }

    /// A write is no request: the one that caused it has been counted.
    fn on_overwrite(&mut self, _: ObjectId) {}

    fn on_fill(&mut self, object: ObjectId, weight: u32) {
        self.levels.push_front(0, object, weight);
    }

    fn on_remove(&mut self, object: ObjectId) {
        self.levels.remove(object);
    }

    fn prefetch(&self, object: ObjectId) {
        self.levels.prefetch(object);
    }

    fn victim(&mut self) -> Option<ObjectId> {
        (0..LEVELS).find_map(|level| self.levels.back(level))
    }

    fn knows_limit(&self) -> bool {
        true
    }

    fn check(&self, entries: u64) {
        self.levels.check();
        let standing: u64 = (0..LEVELS).map(|level| self.levels.len(level)).sum();
        assert_eq!(standing, entries, "every entry stands in a queue");
        for level in 1..LEVELS {
            assert!(self.levels.weight(level) <= self.limit, "level {level} keeps to its quarter");
        }
    }
}
