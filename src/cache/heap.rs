//! A heap over object ids in which a key can be changed: whoever has the least key comes first.
//!
//! Four children a node keep it shallow; every object knows its place.

use crate::trace::ObjectId;
use crate::trace::prefetch::prefetch;

/// Not in the heap.
const NOWHERE: u32 = u32::MAX;
const CHILDREN: usize = 4;

/// Objects with keys; keys should be distinct, or which of two equals comes first is not defined.
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
                // By an eighth, not by doubling: memory for each resident object is promised.
                if self.nodes.len() == self.nodes.capacity() {
                    self.nodes.reserve_exact(self.nodes.len() / 8 + 16);
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
        self.nodes.sort_unstable_by_key(|node| node.0);
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
        for (place, (key, object)) in self.nodes.iter().enumerate() {
            assert_eq!(self.places[object.index()] as usize, place, "{object:?} knows its place");
            assert!(place == 0 || self.nodes[(place - 1) / CHILDREN].0 <= *key, "no child before its parent");
        }
        let placed = self.places.iter().filter(|place| **place != NOWHERE).count();
        assert_eq!(placed, self.nodes.len(), "whoever has a place is in the heap");
    }

    fn rise(&mut self, mut place: usize) -> usize {
        let node = self.nodes[place];
        while place > 0 {
            let parent = (place - 1) / CHILDREN;
            if self.nodes[parent].0 <= node.0 {
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
            let Some(least) = children.min_by_key(|child| self.nodes[*child].0) else { break };
            if node.0 <= self.nodes[least].0 {
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
        fn the_first_is_always_the_least(
            steps in prop::collection::vec((any::<bool>(), 0..30_u32, 0..50_u32), 0..300),
        ) {
            let mut heap = Heap::new(30);
            let mut naive = BTreeMap::new();
            for (set, id, key) in steps {
                if set {
                    heap.set(ObjectId::new(id), (key, id));
                    naive.insert(id, key);
                } else {
                    heap.remove(ObjectId::new(id));
                    naive.remove(&id);
                }
                heap.check();
                prop_assert_eq!(heap.len(), naive.len() as u64);
                prop_assert_eq!(heap.key(ObjectId::new(id)), naive.get(&id).map(|key| (*key, id)));
                let least = naive.iter().map(|(id, key)| (*key, *id)).min();
                prop_assert_eq!(heap.first().map(|(key, _)| key), least);
            }
            let mut order: Vec<_> = naive.iter().map(|(id, key)| (*key, *id)).collect();
            order.sort_unstable();
            heap.rekey(|_, rank| (rank, 0));
            heap.check();
            for (rank, (_, id)) in (0..).zip(order) {
                prop_assert_eq!(heap.first(), Some(((rank, 0), ObjectId::new(id))));
                heap.remove(ObjectId::new(id));
            }
        }
    }
}
