//! Greedy-Dual-Size-Frequency: small and popular entries stay, large and rarely used ones leave.
//!
//! Every entry has the priority *L* + *F* / *S*, where *F* counts its requests since it was stored, *S* is its
//! size and *L* an inflation that only grows: whenever an entry is evicted, *L* becomes its priority.
//! A hit counts and computes the priority anew with today's *L*, so what is not used any more is overtaken
//! at last. The least priority leaves first, of equals the one used longest ago, until the new entry fits. It
//! serves the most requests from few bytes, at the price of the byte hit ratio: for thumbnails beside
//! originals, compare both. Where the capacity counts objects, every size is 1.
//!
//! All misses cost the same here. L. Cherkasova, "Improving WWW Proxies Performance with
//! Greedy-Dual-Size-Frequency Caching Policy", HP Laboratories report HPL-98-69R1, 1998.
//!
//! ```toml
//! eviction = "gdsf"
//! ```

use serde::{Deserialize, Serialize};

use super::{EvictionPolicy, Setup};
use crate::cache::heap::Heap;
use crate::catalog::{Invalid, Param, Plugin};
use crate::trace::ObjectId;
use crate::trace::prefetch::prefetch;

/// It takes no parameters.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {}

/// GDSF: a heap by priority and last use.
#[derive(Debug)]
pub struct Gdsf {
    /// Priority and last use.
    priorities: Heap<(Bits, u32)>,
    /// Requests since it was stored, and size.
    facts: Vec<(u32, u32)>,
    inflation: f64,
    /// Requests and stores seen by the policy: its clock, which begins anew before it overflows.
    now: u32,
}

/// The bits of a priority, which is never negative, so that they are ordered as it is; in two words, so that a node
/// of the heap is 16 bytes.
type Bits = (u32, u32);

#[expect(clippy::cast_possible_truncation, reason = "both halves are kept")]
fn bits(priority: f64) -> Bits {
    let bits = priority.to_bits();
    ((bits >> 32) as u32, bits as u32)
}

fn priority((high, low): Bits) -> f64 {
    f64::from_bits(u64::from(high) << 32 | u64::from(low))
}

impl Plugin for Gdsf {
    const NAME: &'static str = "gdsf";
    const SUMMARY: &'static str =
        "Greedy-Dual-Size-Frequency: the entry with the fewest recent requests per byte leaves first.";
    const PARAMS: &'static [Param] = &[];
    type Params = Params;
    type Setup = Setup;

    fn new(_: &Params, setup: &Setup) -> Result<Self, Invalid> {
        let objects = setup.objects;
        Ok(Self { priorities: Heap::new(objects), facts: vec![(0, 0); objects], inflation: 0.0, now: 0 })
    }
}

impl Gdsf {
    fn used(&mut self, object: ObjectId) {
        let (count, size) = &mut self.facts[object.index()];
        *count = count.saturating_add(1);
        // An empty value weighs as if it had one byte; it is never the one to go before others.
        let priority = self.inflation + f64::from(*count) / f64::from((*size).max(1));
        if self.now == u32::MAX {
            // Only the order of times matters.
            self.priorities.rekey(|(priority, _), rank| (priority, rank));
            self.now = u32::try_from(self.priorities.len()).expect("there are fewer objects than ids");
        }
        self.now += 1;
        self.priorities.set(object, (bits(priority), self.now));
    }
}

impl EvictionPolicy for Gdsf {
    fn on_hit(&mut self, object: ObjectId) {
        self.used(object);
    }

    /// A write is no request: the one that caused it has been counted.
    fn on_overwrite(&mut self, _: ObjectId) {}

    fn on_fill(&mut self, object: ObjectId, weight: u32) {
        self.facts[object.index()] = (0, weight);
        self.used(object);
    }

    fn on_remove(&mut self, object: ObjectId) {
        self.priorities.remove(object);
    }

    fn on_evict(&mut self, object: ObjectId) {
        if let Some((bits, _)) = self.priorities.key(object) {
            self.inflation = priority(bits);
        }
        self.on_remove(object);
    }

    fn prefetch(&self, object: ObjectId) {
        self.priorities.prefetch(object);
        prefetch(&self.facts, object.index());
    }

    fn victim(&mut self) -> Option<ObjectId> {
        self.priorities.first().map(|(_, object)| object)
    }

    fn check(&self, entries: u64) {
        self.priorities.check();
        assert_eq!(self.priorities.len(), entries, "every entry has a priority");
        let least = self.priorities.first().map_or(f64::INFINITY, |((bits, _), _)| priority(bits));
        assert!(self.inflation <= least, "no entry has less than the inflation");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_begins_anew_and_the_order_stays() {
        let mut gdsf =
            Gdsf { priorities: Heap::new(4), facts: vec![(0, 0); 4], inflation: 0.0, now: u32::MAX - 3 };
        for object in [2, 0, 1, 3] {
            gdsf.on_fill(ObjectId::new(object), 10);
        }
        gdsf.on_hit(ObjectId::new(2));
        gdsf.on_hit(ObjectId::new(0));
        assert!(gdsf.now < 10);
        for object in [1, 3, 2, 0] {
            gdsf.check(gdsf.priorities.len());
            assert_eq!(gdsf.victim(), Some(ObjectId::new(object)));
            gdsf.on_evict(ObjectId::new(object));
        }
    }

    #[test]
    fn a_priority_survives_its_two_words() {
        for value in [0.0, 1.0, 1.0 / 3.0, 7.25e9, f64::INFINITY] {
            assert_eq!(priority(bits(value)).to_bits(), value.to_bits());
        }
    }
}
