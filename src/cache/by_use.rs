//! A heap by some key, of equal keys the object that was used longest ago first.

use super::heap::Heap;
use crate::trace::ObjectId;

/// Objects with keys, each of which also knows when it was used last.
#[derive(Debug)]
pub struct ByUse<K> {
    heap: Heap<(K, u32)>,
    /// Uses so far: a clock, which begins anew before it overflows.
    now: u32,
}

impl<K: Ord + Copy> ByUse<K> {
    /// An empty heap for objects `0..objects`.
    pub fn new(objects: usize) -> Self {
        Self { heap: Heap::new(objects), now: 0 }
    }

    /// Number of objects in the heap.
    pub fn len(&self) -> u64 {
        self.heap.len()
    }

    /// Whether no object is in the heap.
    pub fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }

    /// Who has the least key, and of those the one whose last use was longest ago.
    pub fn first(&self) -> Option<(K, ObjectId)> {
        self.heap.first().map(|((key, _), object)| (key, object))
    }

    /// The key of `object`, if it is in the heap.
    pub fn key(&self, object: ObjectId) -> Option<K> {
        self.heap.key(object).map(|(key, _)| key)
    }

    /// `object` is used and has this key from now on, whether or not it had one.
    pub fn used(&mut self, object: ObjectId, key: K) {
        if self.now == u32::MAX {
            // Only the order of times matters.
            self.heap.rekey(|(key, _), rank| (key, rank));
            self.now = u32::try_from(self.heap.len()).expect("there are fewer objects than ids");
        }
        self.now += 1;
        self.heap.set(object, (key, self.now));
    }

    /// Takes `object` out; nothing happens if it is not in.
    pub fn remove(&mut self, object: ObjectId) {
        self.heap.remove(object);
    }

    /// Asks for the place of `object`, which will be needed soon.
    pub fn prefetch(&self, object: ObjectId) {
        self.heap.prefetch(object);
    }

    /// Recomputes order and places.
    ///
    /// # Panics
    /// If a child comes before its parent or a place is wrong.
    pub fn check(&self) {
        self.heap.check();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_begins_anew_and_the_order_stays() {
        let mut heap = ByUse { heap: Heap::new(4), now: u32::MAX - 3 };
        for (object, key) in [(2, 1), (0, 1), (1, 1), (3, 1), (2, 2), (0, 2)] {
            heap.used(ObjectId::new(object), key);
            heap.check();
        }
        assert!(heap.now < 10);
        // Objects 1 and 3 have the lower key, 1 before 3; then 2 before 0.
        for (object, key) in [(1, 1), (3, 1), (2, 2), (0, 2)] {
            assert_eq!(heap.first(), Some((key, ObjectId::new(object))));
            assert_eq!(heap.key(ObjectId::new(object)), Some(key));
            heap.remove(ObjectId::new(object));
        }
        assert!(heap.is_empty());
    }
}
