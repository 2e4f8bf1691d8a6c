//! A heap over object ids in which a key can be changed: whoever has the least key comes first, of equals the one with
//! the lower id.
//!
//! Four children a node keep it shallow; every object knows its place.

use crate::trace::ObjectId;
use crate::trace::prefetch::prefetch;

/// Not in the heap.
const NOWHERE: u32 = u32::MAX;
const CHILDREN: usize = 4;

/// A number of 64 bits, which compares as it does, in two words: beside an id it takes 12 bytes, not 16.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Halves {
    high: u32,
    low: u32,
}

impl Halves {
    /// The halves of a number.
    #[expect(clippy::cast_possible_truncation, reason = "both halves are kept")]
    pub const fn of(number: u64) -> Self {
        Self { high: (number >> 32) as u32, low: number as u32 }
    }

    /// The number that they are the halves of.
    pub const fn whole(self) -> u64 {
        (self.high as u64) << 32 | self.low as u64
    }
}

/// Objects with keys.
#[derive(Debug)]
pub struct Heap<K> {
    nodes: Vec<(K, ObjectId)>,
    places: Vec<u32>,
}

impl<K: Ord + Copy> Heap<K> {
    /// An empty heap for objects `0..objects`.
    pub fn new(objects: usize) -> Self {
        Self { nodes: Vec::new(), places: vec![NOWHERE; objects] }
    }

    /// From now on for objects `0..objects`, if those are more.
    pub fn cover(&mut self, objects: usize) {
        let more = objects.saturating_sub(self.places.len());
        self.places.reserve_exact(more);
        self.places.resize(self.places.len() + more, NOWHERE);
    }

    /// Number of objects in the heap.
    pub fn len(&self) -> u64 {
        self.nodes.len() as u64
    }

    /// Whether no object is in the heap.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The least key and whose it is.
    pub fn first(&self) -> Option<(K, ObjectId)> {
        self.nodes.first().copied()
    }

    /// The key of `object`, if it is in the heap.
    pub fn key(&self, object: ObjectId) -> Option<K> {
        let place = self.places[object.index()];
        (place != NOWHERE).then(|| self.nodes[place as usize].0)
    }

    /// Gives `object` a key, whether or not it had one.
    pub fn set(&mut self, object: ObjectId, key: K) {
        let place = match self.places[object.index()] {
            NOWHERE => {
                // By an eighth, not by doubling, and never beyond all objects: memory for each is promised.
                if self.nodes.len() == self.nodes.capacity() {
                    let (held, all) = (self.nodes.len(), self.places.len());
                    self.nodes.reserve_exact((held / 8 + 16).min(all - held));
                }
                self.nodes.push((key, object));
                self.nodes.len() - 1
            }
            place => {
                self.nodes[place as usize].0 = key;
                place as usize
            }
        };
        let place = self.rise(place);
        self.sink(place);
    }

    /// Gives every object another key, by its place in the order of keys; they must not change that order.
    pub fn rekey(&mut self, key: impl Fn(K, u32) -> K) {
        self.nodes.sort_unstable();
        for (rank, place) in (0..).zip(0..self.nodes.len()) {
            let (old, object) = self.nodes[place];
            self.put(place, (key(old, rank), object));
        }
    }

    /// Takes `object` out; nothing happens if it is not in.
    pub fn remove(&mut self, object: ObjectId) {
        let place = std::mem::replace(&mut self.places[object.index()], NOWHERE);
        if place == NOWHERE {
            return;
        }
        let place = place as usize;
        self.nodes.swap_remove(place);
        if place < self.nodes.len() {
            let place = self.rise(place);
            self.sink(place);
        }
    }

    /// Asks for the place of `object`, which will be needed soon.
    pub fn prefetch(&self, object: ObjectId) {
        prefetch(&self.places, object.index());
    }

    /// Recomputes order and places.
    ///
    /// # Panics
    /// If a child comes before its parent or a place is wrong.
    pub fn check(&self) {
        for (place, node) in self.nodes.iter().enumerate() {
            let object = node.1;
            assert_eq!(self.places[object.index()] as usize, place, "{object:?} knows its place");
            assert!(place == 0 || self.nodes[(place - 1) / CHILDREN] < *node, "no child before its parent");
        }
        let placed = self.places.iter().filter(|place| **place != NOWHERE).count();
        assert_eq!(placed, self.nodes.len(), "whoever has a place is in the heap");
    }

    fn rise(&mut self, mut place: usize) -> usize {
        let node = self.nodes[place];
        while place > 0 {
            let parent = (place - 1) / CHILDREN;
            if self.nodes[parent] <= node {
                break;
            }
            self.put(place, self.nodes[parent]);
            place = parent;
        }
        self.put(place, node);
        place
    }

    fn sink(&mut self, mut place: usize) {
        let node = self.nodes[place];
        loop {
            let from = place * CHILDREN + 1;
            let children = from..(from + CHILDREN).min(self.nodes.len());
            let Some(least) = children.min_by_key(|child| self.nodes[*child]) else { break };
            if node <= self.nodes[least] {
                break;
            }
            self.put(place, self.nodes[least]);
            place = least;
        }
        self.put(place, node);
    }

    fn put(&mut self, place: usize, node: (K, ObjectId)) {
        self.nodes[place] = node;
        self.places[node.1.index()] = u32::try_from(place).expect("there are fewer objects than ids");
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn halves_are_their_number_and_in_its_order(one in any::<u64>(), other in any::<u64>()) {
            prop_assert_eq!(Halves::of(one).whole(), one);
            prop_assert_eq!(Halves::of(one).cmp(&Halves::of(other)), one.cmp(&other));
            prop_assert_eq!(Halves::of(one).cmp(&Halves::of(one ^ 1)), one.cmp(&(one ^ 1)));
        }

        #[test]
        fn the_first_is_always_the_least(
            steps in prop::collection::vec((any::<bool>(), 0..30_u32, 0..50_u32), 0..300),
        ) {
            let mut heap = Heap::new(30);
            let mut naive = BTreeMap::new();
            for (set, id, key) in steps {
                if set {
                    heap.set(ObjectId::new(id), key);
                    naive.insert(id, key);
                } else {
                    heap.remove(ObjectId::new(id));
                    naive.remove(&id);
                }
                heap.check();
                prop_assert_eq!(heap.len(), naive.len() as u64);
                prop_assert_eq!(heap.key(ObjectId::new(id)), naive.get(&id).copied());
                let least = naive.iter().map(|(id, key)| (*key, ObjectId::new(*id))).min();
                prop_assert_eq!(heap.first(), least);
            }
            let mut order: Vec<_> = naive.iter().map(|(id, key)| (*key, *id)).collect();
            order.sort_unstable();
            heap.rekey(|_, rank| rank);
            heap.check();
            for (rank, (_, id)) in (0..).zip(order) {
                prop_assert_eq!(heap.first(), Some((rank, ObjectId::new(id))));
                heap.remove(ObjectId::new(id));
            }
        }
    }
}
