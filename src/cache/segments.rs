//! Several queues over the same objects, each of which stands in at most one: what segmented policies are made of.
//!
//! Objects carry weights, and every queue knows the sum of its own. Links, weight and queue of an
//! object lie together in 16 bytes.

use crate::trace::ObjectId;
use crate::trace::prefetch::prefetch;

/// No object: the end of a queue.
const NIL: u32 = u32::MAX;
/// No queue.
const NOWHERE: u8 = u8::MAX;

#[derive(Debug, Clone, Copy)]
struct Node {
    /// Towards the front.
    prev: u32,
    /// Towards the back.
    next: u32,
    weight: u32,
    queue: u8,
}

/// A queue of [`Segments`]: its number, from 0.
pub type Queue = u8;

#[derive(Debug, Clone, Copy)]
struct Ends {
    front: u32,
    back: u32,
    len: u64,
    weight: u64,
}

/// Queues that share their objects.
#[derive(Debug)]
pub struct Segments {
    nodes: Vec<Node>,
    queues: Vec<Ends>,
}

impl Segments {
    /// So many empty `queues` for objects `0..objects`.
    pub fn new(objects: usize, queues: Queue) -> Self {
        let nodes = vec![Node { prev: NIL, next: NIL, weight: 0, queue: NOWHERE }; objects];
        Self { nodes, queues: vec![Ends { front: NIL, back: NIL, len: 0, weight: 0 }; queues.into()] }
    }

    /// The queue in which `object` stands.
    pub fn queue_of(&self, object: ObjectId) -> Option<Queue> {
        let queue = self.nodes[object.index()].queue;
        (queue != NOWHERE).then_some(queue)
    }

    /// The weight with which an object of any queue was pushed.
    pub fn weight_of(&self, object: ObjectId) -> u32 {
        self.nodes[object.index()].weight
    }

    /// Number of objects in `queue`.
    pub fn len(&self, queue: Queue) -> u64 {
        self.queues[usize::from(queue)].len
    }

    /// Sum of the weights in `queue`.
    pub fn weight(&self, queue: Queue) -> u64 {
        self.queues[usize::from(queue)].weight
    }

    /// The object at the back of `queue`.
    pub fn back(&self, queue: Queue) -> Option<ObjectId> {
        some(self.queues[usize::from(queue)].back)
    }

    /// Who stands before `object`, one step towards the front.
    pub fn before(&self, object: ObjectId) -> Option<ObjectId> {
        some(self.nodes[object.index()].prev)
    }

    /// Puts an object that stands nowhere at the front of `queue`.
    pub fn push_front(&mut self, queue: Queue, object: ObjectId, weight: u32) {
        debug_assert!(self.queue_of(object).is_none(), "{object:?} stands in a queue already");
        let ends = &mut self.queues[usize::from(queue)];
        let (id, old) = (object.as_u32(), ends.front);
        ends.front = id;
        ends.len += 1;
        ends.weight += u64::from(weight);
        match old {
            NIL => ends.back = id,
            old => self.nodes[old as usize].prev = id,
        }
        self.nodes[object.index()] = Node { prev: NIL, next: old, weight, queue };
    }

    /// Takes an object out of its queue.
    pub fn remove(&mut self, object: ObjectId) {
        let Node { prev, next, weight, queue } = self.nodes[object.index()];
        let ends = &mut self.queues[usize::from(queue)];
        ends.len -= 1;
        ends.weight -= u64::from(weight);
        match prev {
            NIL => ends.front = next,
            prev => self.nodes[prev as usize].next = next,
        }
        match next {
            NIL => ends.back = prev,
            next => self.nodes[next as usize].prev = prev,
        }
        self.nodes[object.index()].queue = NOWHERE;
    }

    /// Moves an object of any queue to the front of `queue`.
    pub fn move_to_front(&mut self, queue: Queue, object: ObjectId) {
        let weight = self.weight_of(object);
        self.remove(object);
        self.push_front(queue, object, weight);
    }

    /// Asks for what is kept about `object`, which will be needed soon.
    pub fn prefetch(&self, object: ObjectId) {
        prefetch(&self.nodes, object.index());
    }

    /// Walks all queues and compares with the counters.
    ///
    /// # Panics
    /// If a link or a counter is wrong.
    pub fn check(&self) {
        let mut standing = 0;
        for (number, ends) in self.queues.iter().enumerate() {
            let (mut id, mut before, mut seen, mut weight) = (ends.front, NIL, 0, 0);
            while id != NIL {
                let node = self.nodes[id as usize];
                assert_eq!(node.prev, before, "object {id} knows who stands before it");
                assert_eq!(usize::from(node.queue), number, "object {id} knows its queue");
                (before, id, seen) = (id, node.next, seen + 1);
                weight += u64::from(node.weight);
                assert!(seen <= ends.len, "queue {number} has no ring");
            }
            assert_eq!((before, seen, weight), (ends.back, ends.len, ends.weight), "queue {number}");
            standing += seen;
        }
        let nodes = self.nodes.iter().filter(|node| node.queue != NOWHERE).count();
        assert_eq!(standing, nodes as u64, "whoever knows a queue stands in it");
    }
}

fn some(id: u32) -> Option<ObjectId> {
    (id != NIL).then_some(ObjectId::new(id))
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_queues_agree_with_deques(
            steps in prop::collection::vec((0..3_u8, 0..3_u8, 0..12_u32), 0..200),
        ) {
            let mut segments = Segments::new(12, 3);
            let mut naive = vec![VecDeque::<u32>::new(); 3];
            for (step, queue, id) in steps {
                let object = ObjectId::new(id);
                let place = naive.iter().position(|queue| queue.contains(&id));
                prop_assert_eq!(segments.queue_of(object).map(usize::from), place);
                match (step, place) {
                    (0, None) => {
                        segments.push_front(queue, object, id + 1);
                        naive[usize::from(queue)].push_front(id);
                    }
                    (1, Some(place)) => {
                        segments.remove(object);
                        naive[place].retain(|other| *other != id);
                    }
                    (2, Some(place)) => {
                        segments.move_to_front(queue, object);
                        naive[place].retain(|other| *other != id);
                        naive[usize::from(queue)].push_front(id);
                    }
                    _ => {}
                }
                segments.check();
                for (queue, naive) in (0..).zip(&naive) {
                    prop_assert_eq!(segments.len(queue), naive.len() as u64);
                    prop_assert_eq!(segments.weight(queue), naive.iter().map(|id| u64::from(id + 1)).sum::<u64>());
                    let mut walk = Vec::new();
                    let mut at = segments.back(queue);
                    while let Some(object) = at {
                        walk.push(object.as_u32());
                        at = segments.before(object);
                    }
                    prop_assert!(walk.iter().rev().eq(naive), "{:?} against {:?}", walk, naive);
                }
            }
        }
    }
}
