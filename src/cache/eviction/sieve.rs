//! SIEVE: first in, first out, but who was asked for since the hand last passed stays, in its place.
//!
//! Entries stand in the order of their arrival. A hit only sets a mark. To evict, a hand walks from the
//! oldest towards the newest entry, takes marks away as it passes and evicts the first entry without
//! one; the next walk goes on from there, and from the newest it returns to the oldest. New entries join at
//! the newest end, behind the hand, where only a mark saves them from its next round. Sizes play no
//! part: the hand walks on until the new entry fits. As cheap as FIFO, and good where many objects are
//! asked for once.
//!
//! Y. Zhang et al., "SIEVE is Simpler than LRU: an Efficient Turn-Key Eviction Algorithm for Web Caches",
//! NSDI 2024, section 3.
//!
//! ```toml
//! eviction = "sieve"
//! ```

use serde::{Deserialize, Serialize};

use super::{EvictionPolicy, Setup};
use crate::cache::list::List;
use crate::catalog::{Invalid, Param, Plugin};
use crate::trace::ObjectId;
use crate::trace::prefetch::prefetch;

/// It takes no parameters.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {}

/// SIEVE: a list, latest arrival first, a mark an entry, and a hand.
#[derive(Debug)]
pub struct Sieve {
    arrivals: List,
    marked: Vec<bool>,
    /// Where the next walk begins; `None`: at the oldest entry.
    hand: Option<ObjectId>,
}

impl Plugin for Sieve {
    const NAME: &'static str = "sieve";
    const SUMMARY: &'static str = "SIEVE: a hand walks from old to new and evicts the first entry that was not asked for since it passed.";
    const PARAMS: &'static [Param] = &[];
    type Params = Params;
    type Setup = Setup;

    fn new(_: &Params, setup: &Setup) -> Result<Self, Invalid> {
        let objects = setup.objects;
        Ok(Self { arrivals: List::new(objects), marked: vec![false; objects], hand: None })
    }
}

impl EvictionPolicy for Sieve {
    fn on_hit(&mut self, object: ObjectId) {
        self.marked[object.index()] = true;
    }

    /// A write is no request: the one that caused it has been counted.
    fn on_overwrite(&mut self, _: ObjectId) {}

    fn on_fill(&mut self, object: ObjectId, _: u32) {
        self.arrivals.push_front(object);
        self.marked[object.index()] = false;
    }

    fn on_remove(&mut self, object: ObjectId) {
        if self.hand == Some(object) {
            self.hand = self.arrivals.before(object);
        }
        self.arrivals.remove(object);
    }

    fn prefetch(&self, object: ObjectId) {
        prefetch(&self.marked, object.index());
    }

    fn victim(&mut self) -> Option<ObjectId> {
        let mut hand = self.hand.or(self.arrivals.back())?;
        while std::mem::take(&mut self.marked[hand.index()]) {
            hand = self.arrivals.before(hand).or(self.arrivals.back())?;
        }
        self.hand = Some(hand);
        Some(hand)
    }

    fn check(&self, entries: u64) {
        self.arrivals.check();
        assert_eq!(self.arrivals.len(), entries, "every entry stands in the list");
        assert!(self.hand.is_none_or(|hand| self.arrivals.contains(hand)), "the hand points to an entry");
    }
}
