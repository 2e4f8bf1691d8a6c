//! Adaptive replacement: one LRU list for what was asked for once, one for more, and a border that learns.
//!
//! Entries asked for once since they came stand in T1, others in T2; a hit moves to the front of T2. Evicted
//! entries are remembered in B1 or B2. When a remembered object comes back, the border *p*, the part of the
//! capacity *c* that T1 should have, moves: out of B1, it grows by max(1, |B2|/|B1|); out of B2, it
//! shrinks by max(1, |B1|/|B2|); and the object goes to T2. To make room, T1 loses its last entry if it is
//! larger than *p* (or just as large, when the new one comes out of B2), else T2 does. T1 and B1 together
//! remember at most *c*, all four lists at most 2*c*; what is too much is forgotten from the ends of B1 and B2.
//!
//! With sizes, all lists and *p* are measured in bytes, a step of *p* is multiplied by the size of the entry
//! that caused it, and entries leave until the new one fits. With sizes of 1 it is the published
//! algorithm. Entries that expire or are deleted are not remembered.
//!
//! N. Megiddo and D. S. Modha, "ARC: A Self-Tuning, Low Overhead Replacement Cache", FAST 2003, figure 4.
//!
//! ```toml
//! eviction = "arc"
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

const T1: Queue = 0;
const T2: Queue = 1;
const B1: Queue = 2;
const B2: Queue = 3;

/// ARC: four lists and a border.
#[derive(Debug)]
pub struct AdaptiveReplacement {
    lists: Segments,
    capacity: u64,
    /// The weight that T1 should have.
    border: f64,
    /// The list that remembered the entry for which room is being made.
    remembered_by: Option<Queue>,
}

impl Plugin for AdaptiveReplacement {
    const NAME: &'static str = "arc";
    const SUMMARY: &'static str = "Adaptive replacement: two LRU lists, for one request and for more, whose border learns from mistakes.";
    const PARAMS: &'static [Param] = &[];
    type Params = Params;
    type Setup = Setup;

    fn new(_: &Params, setup: &Setup) -> Result<Self, Invalid> {
        let lists = Segments::new(setup.objects, 4);
        Ok(Self { lists, capacity: setup.capacity.limit(), border: 0.0, remembered_by: None })
    }
}

impl AdaptiveReplacement {
    /// How far the border moves for an entry of `weight` that `own` remembered.
    fn step(&self, weight: u32, own: Queue, other: Queue) -> f64 {
        let (own, other) = (self.lists.weight(own), self.lists.weight(other));
        let ratio = if own == 0 { 1.0 } else { other as f64 / own as f64 };
        f64::from(weight) * ratio.max(1.0)
    }

    /// Forgets from the end of `ghost` while `lists` together weigh more than `limit`.
    fn forget(&mut self, ghost: Queue, lists: &[Queue], limit: u64) {
        while lists.iter().map(|list| self.lists.weight(*list)).sum::<u64>() > limit
            && let Some(last) = self.lists.back(ghost)
        {
            self.lists.remove(last);
        }
    }
}

impl EvictionPolicy for AdaptiveReplacement {
    fn on_hit(&mut self, object: ObjectId) {
        self.lists.move_to_front(T2, object);
    }

    /// A write is no request: the one that caused it has been counted.
    fn on_overwrite(&mut self, _: ObjectId) {}

    fn admit(&mut self, object: ObjectId, weight: u32) -> bool {
        self.remembered_by = self.lists.queue_of(object);
        match self.remembered_by {
            Some(B1) => {
                self.border = (self.border + self.step(weight, B1, B2)).min(self.capacity as f64);
            }
            Some(B2) => self.border = (self.border - self.step(weight, B2, B1)).max(0.0),
            _ => return true,
        }
        self.lists.remove(object);
        true
    }

    fn on_fill(&mut self, object: ObjectId, weight: u32) {
        let list = if self.remembered_by.take().is_some() { T2 } else { T1 };
        self.lists.push_front(list, object, weight);
        self.forget(B1, &[T1, B1], self.capacity);
        self.forget(B2, &[T1, T2, B1, B2], self.capacity.saturating_mul(2));
    }

    fn on_remove(&mut self, object: ObjectId) {
        self.lists.remove(object);
    }

    fn on_evict(&mut self, object: ObjectId) {
        let ghost = if self.lists.queue_of(object) == Some(T1) { B1 } else { B2 };
        self.lists.move_to_front(ghost, object);
    }

    fn prefetch(&self, object: ObjectId) {
        self.lists.prefetch(object);
    }

    fn victim(&mut self) -> Option<ObjectId> {
        let once = self.lists.weight(T1) as f64;
        let too_many = once > self.border || (self.remembered_by == Some(B2) && once >= self.border);
        let (first, second) = if too_many { (T1, T2) } else { (T2, T1) };
        self.lists.back(first).or(self.lists.back(second))
    }

    fn knows_limit(&self) -> bool {
        true
    }

    fn check(&self, entries: u64) {
        self.lists.check();
        assert_eq!(self.lists.len(T1) + self.lists.len(T2), entries, "every entry stands in T1 or T2");
        assert!((0.0..=self.capacity as f64).contains(&self.border), "the border lies within the capacity");
    }
}
