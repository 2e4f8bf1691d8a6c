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
use crate::cache::by_use::ByUse;
use crate::cache::heap::Halves;
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
    /// By the bits of a priority: it is never negative, so they are ordered as it is.
    priorities: ByUse<Halves>,
    /// Requests since it was stored, and size.
    facts: Vec<(u32, u32)>,
    inflation: f64,
}

fn bits(priority: f64) -> Halves {
    Halves::of(priority.to_bits())
}

fn priority(bits: Halves) -> f64 {
    f64::from_bits(bits.whole())
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
        Ok(Self { priorities: ByUse::new(objects), facts: vec![(0, 0); objects], inflation: 0.0 })
    }
}

impl Gdsf {
    fn used(&mut self, object: ObjectId) {
        let (count, size) = &mut self.facts[object.index()];
        *count = count.saturating_add(1);
        // An empty value weighs as if it had one byte; it is never the one to go before others.
        let priority = self.inflation + f64::from(*count) / f64::from((*size).max(1));
        self.priorities.used(object, bits(priority));
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
        if let Some(bits) = self.priorities.key(object) {
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
        let least = self.priorities.first().map_or(f64::INFINITY, |(bits, _)| priority(bits));
        assert!(self.inflation <= least, "no entry has less than the inflation");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_priority_survives_its_two_words() {
        for value in [0.0, 1.0, 1.0 / 3.0, 7.25e9, f64::INFINITY] {
            assert_eq!(priority(bits(value)).to_bits(), value.to_bits());
        }
    }
}
