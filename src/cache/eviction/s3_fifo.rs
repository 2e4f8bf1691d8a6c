//! S3-FIFO: a small queue weeds out what is asked for once, a main queue keeps the rest, a ghost remembers.
//!
//! Three first-in-first-out queues. New entries come to the small one, or to the main one if the ghost queue
//! remembers them. A hit only counts, up to 3. To evict while the small queue holds its share of the
//! capacity or more, its oldest entry is taken: counted more than once, it moves to the main queue with
//! its count back at 0, else it leaves and the ghost queue remembers it. Otherwise the main queue's
//! oldest entry is taken: if it has counts, it loses one and goes to the newest end, else it leaves. A
//! queue that is empty passes the turn to the other. This goes on until the new entry fits. The ghost
//! queue remembers as much weight as the main queue may hold, oldest forgotten first; entries that
//! expire or are deleted are not remembered. Built for traffic in which most objects are asked for once.
//!
//! J. Yang et al., "FIFO Queues are All You Need for Cache Eviction", SOSP 2023, section 4 and
//! algorithm 1.
//!
//! ```toml
//! eviction = { policy = "s3-fifo", small = 0.1 }
//! ```

use serde::{Deserialize, Serialize};

use super::{EvictionPolicy, Setup};
use crate::cache::segments::{Queue, Segments};
use crate::catalog::{Invalid, Param, Plugin};
use crate::trace::ObjectId;
use crate::trace::prefetch::prefetch;
use crate::units::Fraction;

/// What share the small queue has.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The small queue's part of the capacity.
    small: Fraction,
}

const SMALL: Queue = 0;
const MAIN: Queue = 1;
const GHOST: Queue = 2;
/// Where counting ends.
const COUNT_MAX: u8 = 3;

/// S3-FIFO: three queues, latest arrival first, and a count an entry.
#[derive(Debug)]
pub struct S3Fifo {
    queues: Segments,
    counts: Vec<u8>,
    small_limit: u64,
    ghost_limit: u64,
}

impl Plugin for S3Fifo {
    const NAME: &'static str = "s3-fifo";
    const SUMMARY: &'static str =
        "S3-FIFO: a small FIFO filters what is asked for once, a main FIFO keeps what was asked for again.";
    const PARAMS: &'static [Param] = &[Param::number("small", "The small queue's part of the capacity.")
        .default("0.1")
        .above("0")
        .below("1")];
    type Params = Params;
    type Setup = Setup;

    fn new(params: &Params, setup: &Setup) -> Result<Self, Invalid> {
        let small_limit = setup.capacity.part(params.small);
        Ok(Self {
            queues: Segments::new(setup.objects, 3),
            counts: vec![0; setup.objects],
            small_limit,
            ghost_limit: setup.capacity.limit() - small_limit,
        })
    }
}

impl S3Fifo {
    /// The small queue's oldest entry that was not asked for again; those before it move up.
    fn small_victim(&mut self) -> Option<ObjectId> {
        while let Some(oldest) = self.queues.back(SMALL) {
            let count = &mut self.counts[oldest.index()];
            if *count <= 1 {
                return Some(oldest);
            }
            *count = 0;
            self.queues.move_to_front(MAIN, oldest);
        }
        None
    }

    /// The main queue's oldest entry without counts; those before it pay with one and go round.
    fn main_victim(&mut self) -> Option<ObjectId> {
        while let Some(oldest) = self.queues.back(MAIN) {
            let count = &mut self.counts[oldest.index()];
            if *count == 0 {
                return Some(oldest);
            }
            *count -= 1;
            self.queues.move_to_front(MAIN, oldest);
        }
        None
    }
}

impl EvictionPolicy for S3Fifo {
    fn on_hit(&mut self, object: ObjectId) {
        let count = &mut self.counts[object.index()];
        *count = (*count + 1).min(COUNT_MAX);
    }

    /// A write is no request: the one that caused it has been counted.
    fn on_overwrite(&mut self, _: ObjectId) {}

    fn on_fill(&mut self, object: ObjectId, weight: u32) {
        let known = self.queues.queue_of(object) == Some(GHOST);
        if known {
            self.queues.remove(object);
        }
        self.queues.push_front(if known { MAIN } else { SMALL }, object, weight);
        self.counts[object.index()] = 0;
    }

    fn on_remove(&mut self, object: ObjectId) {
        self.queues.remove(object);
    }

    fn on_evict(&mut self, object: ObjectId) {
        if self.queues.queue_of(object) != Some(SMALL) {
            self.queues.remove(object);
            return;
        }
        self.queues.move_to_front(GHOST, object);
        while self.queues.weight(GHOST) > self.ghost_limit
            && let Some(oldest) = self.queues.back(GHOST)
        {
            self.queues.remove(oldest);
        }
    }

    fn prefetch(&self, object: ObjectId) {
        prefetch(&self.counts, object.index());
    }

    fn victim(&mut self) -> Option<ObjectId> {
        if self.queues.len(SMALL) > 0 && self.queues.weight(SMALL) >= self.small_limit {
            self.small_victim().or_else(|| self.main_victim())
        } else {
            // The small queue may give all that it holds to the main one, which then has somebody to evict.
            self.main_victim().or_else(|| self.small_victim()).or_else(|| self.main_victim())
        }
    }

    fn knows_limit(&self) -> bool {
        true
    }

    fn check(&self, entries: u64) {
        self.queues.check();
        assert_eq!(self.queues.len(SMALL) + self.queues.len(MAIN), entries, "every entry stands in a queue");
        assert!(self.queues.weight(GHOST) <= self.ghost_limit, "the ghost queue keeps to its limit");
        assert!(self.counts.iter().all(|count| *count <= COUNT_MAX), "counts end at {COUNT_MAX}");
    }
}
