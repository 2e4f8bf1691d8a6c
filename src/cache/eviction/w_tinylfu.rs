//! W-TinyLFU: a small window takes everything in, and only who is asked for more often than a victim stays.
//!
//! New entries come to the window, an LRU list. When the window overflows, its last entry becomes a
//! candidate for the main part, which is a segmented LRU: entries begin on probation, a hit makes them
//! protected, and protected entries beyond four fifths of the main part go back on probation. While the
//! cache has room, candidates just go on probation. Otherwise the candidate is compared with the victim,
//! the last entry on probation (then the last protected one): if it was asked for more often, the
//! victim leaves, else the candidate itself. This is repeated, the longest waiting candidate first, until
//! the new entry fits. An entry larger than the whole window is its own candidate: it is stored, on
//! probation, only if it was asked for more often than every single entry that would have to leave for it.
//!
//! How often counts all requests of an object, whether it is held or not, up to 15; after every ten
//! requests per entry held (at most, so far), all counts are halved. Real servers keep these counts in a
//! sketch of a few bits per entry, whose collisions blur them; here they are exact, so this is the policy
//! at its best. The size of the window is fixed, it does not adapt.
//!
//! G. Einziger, R. Friedman and B. Manes, "`TinyLFU`: A Highly Efficient Cache Admission Policy", ACM
//! Transactions on Storage 13(4), 2017, sections 3 and 4.
//!
//! ```toml
//! eviction = { policy = "w-tinylfu", window = 0.01 }
//! ```

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::{EvictionPolicy, Setup};
use crate::cache::segments::{Queue, Segments};
use crate::catalog::{Invalid, Param, Plugin};
use crate::trace::ObjectId;
use crate::trace::prefetch::prefetch;
use crate::units::Fraction;

/// What share the window has.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The window's part of the capacity.
    window: Fraction,
}

const WINDOW: Queue = 0;
const PROBATION: Queue = 1;
const PROTECTED: Queue = 2;

/// W-TinyLFU: three queues, most recently used first, and counts of requests.
#[derive(Debug)]
pub struct WTinyLfu {
    queues: Segments,
    counts: Counts,
    capacity: u64,
    window_limit: u64,
    protected_limit: u64,
    /// Who has just left the window and must prove itself; all are on probation.
    candidates: VecDeque<ObjectId>,
}

impl Plugin for WTinyLfu {
    const NAME: &'static str = "w-tinylfu";
    const SUMMARY: &'static str = "W-TinyLFU: entries leaving a small window must be asked for more often than the victim they replace.";
    const PARAMS: &'static [Param] =
        &[Param::number("window", "The window's part of the capacity; at least one unit of it.")
            .default("0.01")
            .above("0")
            .below("1")];
    type Params = Params;
    type Setup = Setup;

    fn new(params: &Params, setup: &Setup) -> Result<Self, Invalid> {
        let capacity = setup.capacity.limit();
        let window_limit = setup.capacity.part(params.window).max(1).min(capacity);
        let main = capacity - window_limit;
        Ok(Self {
            queues: Segments::new(setup.objects, 3),
            counts: Counts::new(setup.objects),
            capacity,
            window_limit,
            protected_limit: main - main / 5,
            candidates: VecDeque::new(),
        })
    }
}

impl WTinyLfu {
    fn held(&self) -> u64 {
        [WINDOW, PROBATION, PROTECTED].iter().map(|queue| self.queues.weight(*queue)).sum()
    }

    /// The last entry of the main part, apart from the candidates.
    fn main_victim(&self) -> Option<ObjectId> {
        // Candidates stand at the front: if the last one is among them, there is nobody else.
        let last = self.queues.back(PROBATION).filter(|last| !self.candidates.contains(last));
        last.or(self.queues.back(PROTECTED))
    }

    /// Whether an entry larger than the window was asked for more often than each that would leave for it.
    fn beats_all_victims(&self, object: ObjectId, weight: u32) -> bool {
        let mut missing = (self.held() + u64::from(weight)).saturating_sub(self.capacity);
        let count = self.counts.of(object);
        for queue in [PROBATION, PROTECTED, WINDOW] {
            let mut next = self.queues.back(queue);
            while let Some(victim) = next.filter(|_| missing > 0) {
                if count <= self.counts.of(victim) {
                    return false;
                }
                missing = missing.saturating_sub(u64::from(self.queues.weight_of(victim)));
                next = self.queues.before(victim);
            }
        }
        true
    }
}

impl EvictionPolicy for WTinyLfu {
    fn on_hit(&mut self, object: ObjectId) {
        self.counts.add(object);
        match self.queues.queue_of(object) {
            Some(WINDOW) => self.queues.move_to_front(WINDOW, object),
            _ => self.queues.move_to_front(PROTECTED, object),
        }
        while self.queues.weight(PROTECTED) > self.protected_limit
            && let Some(last) = self.queues.back(PROTECTED)
        {
            self.queues.move_to_front(PROBATION, last);
        }
    }

    fn on_miss(&mut self, object: ObjectId) {
        self.counts.add(object);
    }

    /// A write is no request: the one that caused it has been counted.
    fn on_overwrite(&mut self, _: ObjectId) {}

    fn admit(&mut self, object: ObjectId, weight: u32) -> bool {
        self.candidates.clear();
        let size = u64::from(weight);
        if size > self.capacity {
            return true; // The cache itself will refuse it.
        }
        if size > self.window_limit {
            return self.beats_all_victims(object, weight);
        }
        while self.queues.weight(WINDOW) + size > self.window_limit
            && let Some(last) = self.queues.back(WINDOW)
        {
            self.queues.move_to_front(PROBATION, last);
            self.candidates.push_back(last);
        }
        true
    }

    fn on_fill(&mut self, object: ObjectId, weight: u32) {
        self.candidates.clear();
        let queue = if u64::from(weight) > self.window_limit { PROBATION } else { WINDOW };
        self.queues.push_front(queue, object, weight);
        let entries = [WINDOW, PROBATION, PROTECTED].iter().map(|queue| self.queues.len(*queue)).sum();
        self.counts.held(entries);
    }

    fn on_remove(&mut self, object: ObjectId) {
        if self.candidates.front() == Some(&object) {
            self.candidates.pop_front();
        }
        self.queues.remove(object);
    }

    fn prefetch(&self, object: ObjectId) {
        self.queues.prefetch(object);
        prefetch(&self.counts.packed, object.index());
    }

    fn victim(&mut self) -> Option<ObjectId> {
        match (self.candidates.front().copied(), self.main_victim()) {
            (Some(candidate), Some(victim)) if self.counts.of(candidate) > self.counts.of(victim) => {
                Some(victim)
            }
            (Some(candidate), _) => Some(candidate),
            (None, Some(victim)) => Some(victim),
            (None, None) => self.queues.back(WINDOW),
        }
    }

    fn knows_limit(&self) -> bool {
        true
    }

    fn check(&self, entries: u64) {
        self.queues.check();
        let standing: u64 = [WINDOW, PROBATION, PROTECTED].iter().map(|queue| self.queues.len(*queue)).sum();
        assert_eq!(standing, entries, "every entry stands in a queue");
        assert!(self.queues.weight(WINDOW) <= self.window_limit, "the window keeps to its limit");
        assert!(self.queues.weight(PROTECTED) <= self.protected_limit, "the protected keep to their limit");
    }
}

/// How often each object was asked for: up to 15, halved from time to time.
///
/// Halvings are not carried out, only numbered: a count remembers the last one that it has seen.
#[derive(Debug)]
struct Counts {
    /// The count in the low 4 bits, the number of the halving above.
    packed: Vec<u32>,
    halvings: u32,
    /// Requests since the last halving, and half of those before.
    requests: u64,
    /// After how many requests all counts are halved.
    period: u64,
}

impl Counts {
    const MAX: u32 = 15;
    const PER_ENTRY: u64 = 10;

    fn new(objects: usize) -> Self {
        Self { packed: vec![0; objects], halvings: 0, requests: 0, period: Self::PER_ENTRY }
    }

    fn of(&self, object: ObjectId) -> u32 {
        let packed = self.packed[object.index()];
        let missed = self.halvings - (packed >> 4);
        (packed & Self::MAX) >> missed.min(4)
    }

    fn add(&mut self, object: ObjectId) {
        let count = (self.of(object) + 1).min(Self::MAX);
        self.packed[object.index()] = self.halvings << 4 | count;
        self.requests += 1;
        if self.requests >= self.period {
            self.requests /= 2;
            self.halvings += 1;
        }
    }

    fn held(&mut self, entries: u64) {
        self.period = self.period.max(entries * Self::PER_ENTRY);
    }
}
