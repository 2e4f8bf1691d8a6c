//! Exact least frequently used: whoever was asked for least often since it came leaves first.
//!
//! Counts live with the entries ("in-cache" LFU): they start at 1 when a value is stored and are
//! forgotten when it leaves. Of entries with the same count, the one used longest ago leaves. Sizes play
//! no part: entries leave in this order until the new one fits. Under independent requests it is the
//! best of the simple policies; when popularity moves, old favourites stay for too long. It is the
//! reference for Redis's approximate and decaying `allkeys-lfu`.
//!
//! Described as LFU replacement in E. G. Coffman and P. J. Denning, *Operating Systems Theory*,
//! Prentice-Hall 1973, chapter 6; the in-cache form and what it loses against perfect counts in L. Breslau
//! et al., "Web Caching and Zipf-like Distributions", INFOCOM 1999.
//!
//! ```toml
//! eviction = "lfu"
//! ```

use serde::{Deserialize, Serialize};

use super::{EvictionPolicy, Setup};
use crate::cache::heap::Heap;
use crate::catalog::{Invalid, Param, Plugin};
use crate::trace::ObjectId;

/// It takes no parameters.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {}

/// Exact LFU: a heap by count and last use.
#[derive(Debug)]
pub struct Lfu {
    /// Requests counted, and when the last of them was.
    uses: Heap<(u32, u32)>,
    /// Requests and stores seen by the policy: its clock, which begins anew before it overflows.
    now: u32,
}

impl Plugin for Lfu {
    const NAME: &'static str = "lfu";
    const SUMMARY: &'static str = "Exact LFU: the entry used least often since it was stored leaves first.";
    const PARAMS: &'static [Param] = &[];
    type Params = Params;
    type Setup = Setup;

    fn new(_: &Params, setup: &Setup) -> Result<Self, Invalid> {
        Ok(Self { uses: Heap::new(setup.objects), now: 0 })
    }
}

impl Lfu {
    fn used(&mut self, object: ObjectId) {
        let count = self.uses.key(object).map_or(0, |(count, _)| count);
        if self.now == u32::MAX {
            // Only the order of times matters.
            self.uses.rekey(|(count, _), rank| (count, rank));
            self.now = u32::try_from(self.uses.len()).expect("there are fewer objects than ids");
        }
        self.now += 1;
        self.uses.set(object, (count.saturating_add(1), self.now));
    }
}

impl EvictionPolicy for Lfu {
    fn on_hit(&mut self, object: ObjectId) {
        self.used(object);
    }

    /// A write is no request: the one that caused it has been counted.
    fn on_overwrite(&mut self, _: ObjectId) {}

    fn on_fill(&mut self, object: ObjectId, _: u32) {
        self.used(object);
    }

    fn on_remove(&mut self, object: ObjectId) {
        self.uses.remove(object);
    }

    fn prefetch(&self, object: ObjectId) {
        self.uses.prefetch(object);
    }

    fn victim(&mut self) -> Option<ObjectId> {
        self.uses.first().map(|(_, object)| object)
    }

    fn check(&self, entries: u64) {
        self.uses.check();
        assert_eq!(self.uses.len(), entries, "every entry has a count");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_begins_anew_and_the_order_stays() {
        let mut lfu = Lfu { uses: Heap::new(4), now: u32::MAX - 3 };
        for object in [2, 0, 1, 3, 2, 0] {
            lfu.used(ObjectId::new(object));
        }
        assert!(lfu.now < 10);
        // Objects 1 and 3 were used once, 1 before 3; then 2 before 0.
        for object in [1, 3, 2, 0] {
            lfu.check(lfu.uses.len());
            assert_eq!(lfu.victim(), Some(ObjectId::new(object)));
            lfu.on_evict(ObjectId::new(object));
        }
    }
}
