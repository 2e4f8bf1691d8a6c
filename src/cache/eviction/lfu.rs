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
use crate::cache::by_use::ByUse;
use crate::catalog::{Invalid, Param, Plugin};
use crate::trace::ObjectId;

/// It takes no parameters.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {}

/// Exact LFU: a heap by count and last use.
#[derive(Debug)]
pub struct Lfu {
    /// Requests counted.
    uses: ByUse<u32>,
}

impl Plugin for Lfu {
    const NAME: &'static str = "lfu";
    const SUMMARY: &'static str = "Exact LFU: the entry used least often since it was stored leaves first.";
    const PARAMS: &'static [Param] = &[];
    type Params = Params;
    type Setup = Setup;

    fn new(_: &Params, setup: &Setup) -> Result<Self, Invalid> {
        Ok(Self { uses: ByUse::new(setup.objects) })
    }
}

impl Lfu {
    fn used(&mut self, object: ObjectId) {
        let count = self.uses.key(object).unwrap_or(0);
        self.uses.used(object, count.saturating_add(1));
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
