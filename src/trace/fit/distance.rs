//! Stack distances: which requests an LRU cache of each size answers, all sizes at once.
//!
//! The distance of a request is the number of different objects asked for since the last request for the same
//! one, itself included: LRU holds the object iff the cache holds as many objects (Mattson, Gecsei, Slutz, Traiger
//! 1970, "Evaluation techniques for storage hierarchies", IBM Systems Journal 9).

use crate::trace::ObjectId;

/// The hit ratios of LRU by the number of objects it holds.
#[derive(Debug, Clone, PartialEq)]
pub struct LruCurve {
    /// `hits[n]` requests are answered by a cache of `n` objects.
    hits: Vec<u64>,
    requests: u64,
}

impl LruCurve {
    /// Of these requests for objects with numbers below `objects`.
    pub fn of(requests: &[ObjectId], objects: usize) -> Self {
        // A tree of counts (Fenwick 1994) over the requests: 1 where an object was asked for last.
        let mut tree = vec![0_u32; requests.len() + 1];
        let mut last = vec![0_usize; objects];
        let mut by_distance = vec![0_u64; objects + 1];
        for (now, object) in (1..).zip(requests) {
            let before = std::mem::replace(&mut last[object.index()], now);
            if before > 0 {
                let distance = sum(&tree, now - 1) - sum(&tree, before - 1);
                by_distance[distance as usize] += 1;
                add(&mut tree, before, u32::MAX);
            }
            add(&mut tree, now, 1);
        }
        let mut hits = by_distance;
        for size in 1..hits.len() {
            hits[size] += hits[size - 1];
        }
        Self { hits, requests: requests.len() as u64 }
    }

    /// The hit ratio of a cache of `size` objects; 0 of no requests.
    pub fn hit_ratio(&self, size: usize) -> f64 {
        let hits = self.hits.get(size.min(self.hits.len().saturating_sub(1))).copied().unwrap_or(0);
        hits as f64 / self.requests.max(1) as f64
    }

    /// The hit ratio of a cache that holds everything.
    pub fn best(&self) -> f64 {
        self.hit_ratio(usize::MAX)
    }
}

/// Adds `by` (modulo 2^32, so that `u32::MAX` takes 1 away) at `place`, from 1.
fn add(tree: &mut [u32], mut place: usize, by: u32) {
    while place < tree.len() {
        tree[place] = tree[place].wrapping_add(by);
        place += place & place.wrapping_neg();
    }
}

/// The sum up to `place`, included.
fn sum(tree: &[u32], mut place: usize) -> u32 {
    let mut sum = 0_u32;
    while place > 0 {
        sum = sum.wrapping_add(tree[place]);
        place &= place - 1;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Hits of an LRU list of `size` objects.
    fn by_hand(requests: &[ObjectId], size: usize) -> u64 {
        let mut list: Vec<ObjectId> = Vec::new();
        let mut hits = 0;
        for object in requests {
            if let Some(place) = list.iter().position(|held| held == object) {
                hits += 1;
                list.remove(place);
            }
            list.insert(0, *object);
            list.truncate(size);
        }
        hits
    }

    proptest! {
        #[test]
        fn every_size_is_answered_as_by_a_list(requests in prop::collection::vec(0_u32..20, 1..200), size in 1_usize..25) {
            let requests: Vec<ObjectId> = requests.into_iter().map(ObjectId::new).collect();
            let curve = LruCurve::of(&requests, 20);
            let expected = by_hand(&requests, size) as f64 / requests.len() as f64;
            prop_assert!((curve.hit_ratio(size) - expected).abs() < 1e-12);
        }
    }
}
