//! Belady's MIN, an oracle: it knows all coming requests, and whoever is needed last leaves first.
//!
//! An entry that is next asked for farther ahead than all others is evicted, and a new entry that is itself
//! needed farther ahead than an entry that would have to leave for it is not stored at all. With a
//! capacity in objects, without TTL and latency, no policy whatever has more hits: what the others lack
//! against it is all that a better policy could bring. With sizes the best choice is a hard problem, and
//! this one, which passes over sizes, is no strict bound; neither is it where TTLs or late answers decide
//! what is still there.
//!
//! L. A. Belady, "A study of replacement algorithms for a virtual-storage computer", IBM Systems Journal
//! 5(2), 1966; optimal by R. L. Mattson et al., IBM Systems Journal 9(2), 1970.
//!
//! ```toml
//! eviction = ["lru", "belady"]
//! ```

use std::cmp::Reverse;

use serde::{Deserialize, Serialize};

use super::{EvictionPolicy, Setup};
use crate::cache::heap::Heap;
use crate::catalog::{Invalid, Param, Plugin};
use crate::trace::prefetch::prefetch;
use crate::trace::{ObjectId, Trace};

/// It takes no parameters.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {}

/// No request follows.
const NEVER: u32 = u32::MAX;

/// How soon an entry leaves: the later it is needed, the sooner. Of those never needed again the heap takes the first.
type Order = Reverse<u32>;

/// MIN: a heap by next use.
#[derive(Debug)]
pub struct Belady {
    held: Heap<Order>,
    weights: Vec<u32>,
    total: u64,
    capacity: u64,
    /// For each request, the next one of the same object.
    following: Vec<u32>,
    /// For each object, its first request that has not been made.
    next: Vec<u32>,
}

impl Plugin for Belady {
    const NAME: &'static str = "belady";
    const SUMMARY: &'static str =
        "Belady's MIN, an oracle: the entry whose next request lies farthest in the future leaves first.";
    const PARAMS: &'static [Param] = &[];
    const ORACLE: bool = true;
    type Params = Params;
    type Setup = Setup;

    fn new(_: &Params, setup: &Setup) -> Result<Self, Invalid> {
        if setup.trace.is_spooled() {
            let what = "belady looks at all requests to come, and those of this trace lie on disk";
            return Err(
                Invalid::param("", what).help("leave --stream out, or leave belady out of [cache] eviction")
            );
        }
        let Some((following, next)) = future(&setup.trace) else {
            return Err(Invalid::param("", "belady looks at most 2^32 - 2 requests ahead"));
        };
        let (held, weights) = (Heap::new(setup.objects), vec![0; setup.objects]);
        Ok(Self { held, weights, total: 0, capacity: setup.capacity.limit(), following, next })
    }
}

/// For each request the next one of its object, and for each object its first; `None` if there are too many.
fn future(trace: &Trace) -> Option<(Vec<u32>, Vec<u32>)> {
    let requests = u32::try_from(trace.len()).ok().filter(|requests| *requests < NEVER)?;
    let mut following = vec![NEVER; trace.len()];
    let mut next = vec![NEVER; trace.objects().len()];
    for ((request, object), following) in (0..requests).zip(trace.object_ids()).zip(&mut following).rev() {
        *following = std::mem::replace(&mut next[object.index()], request);
    }
    Some((following, next))
}

impl Belady {
    fn order(&self, object: ObjectId) -> Order {
        Reverse(self.next[object.index()])
    }

    /// A request of `object` has been made.
    fn asked(&mut self, object: ObjectId) {
        let next = &mut self.next[object.index()];
        if *next != NEVER {
            *next = self.following[*next as usize];
        }
    }
}

impl EvictionPolicy for Belady {
    fn on_hit(&mut self, object: ObjectId) {
        self.asked(object);
        self.held.set(object, self.order(object));
    }

    fn on_miss(&mut self, object: ObjectId) {
        self.asked(object);
    }

    /// A write is no request: the next one is as far as it was.
    fn on_overwrite(&mut self, _: ObjectId) {}

    fn admit(&mut self, object: ObjectId, weight: u32) -> bool {
        let own = self.order(object);
        let mut missing = (self.total + u64::from(weight)).saturating_sub(self.capacity);
        let (mut leaving, mut worthy) = (Vec::new(), true);
        while missing > 0
            && worthy
            && let Some((order, last)) = self.held.first()
        {
            worthy = (order, last) < (own, object);
            missing = missing.saturating_sub(u64::from(self.weights[last.index()]));
            self.held.remove(last);
            leaving.push((order, last));
        }
        for (order, last) in leaving {
            self.held.set(last, order);
        }
        worthy
    }

    fn on_fill(&mut self, object: ObjectId, weight: u32) {
        self.held.set(object, self.order(object));
        self.weights[object.index()] = weight;
        self.total += u64::from(weight);
    }

    fn on_remove(&mut self, object: ObjectId) {
        self.held.remove(object);
        self.total -= u64::from(self.weights[object.index()]);
    }

    fn prefetch(&self, object: ObjectId) {
        self.held.prefetch(object);
        prefetch(&self.next, object.index());
    }

    fn victim(&mut self) -> Option<ObjectId> {
        self.held.first().map(|(_, object)| object)
    }

    fn knows_limit(&self) -> bool {
        true
    }

    fn check(&self, entries: u64) {
        self.held.check();
        assert_eq!(self.held.len(), entries, "every entry has a next use");
        let held = |object: &ObjectId| self.held.key(*object).is_some();
        let objects = (0..self.weights.len()).map(ObjectId::from_index).filter(held);
        let mut total = 0;
        for object in objects {
            assert_eq!(self.held.key(object), Some(self.order(object)), "{object:?} stands by its next use");
            total += u64::from(self.weights[object.index()]);
        }
        assert_eq!(total, self.total, "weight held");
    }
}
