//! A doubly linked list over object ids: links are indices, 8 bytes an object, nothing is allocated per entry.

use crate::trace::ObjectId;
use crate::trace::prefetch::{on_large_pages, prefetch};

/// No object: the end of the list.
const NIL: u32 = u32::MAX;

#[derive(Debug, Clone, Copy)]
struct Links {
    /// Towards the front; of an object that is not in the list, itself.
    prev: u32,
    /// Towards the back.
    next: u32,
}

/// A list in which every object stands at most once.
#[derive(Debug)]
pub struct List {
    links: Vec<Links>,
    front: u32,
    back: u32,
    len: u64,
}

impl List {
    /// An empty list for objects `0..objects`.
    pub fn new(objects: usize) -> Self {
        let mut links = on_large_pages(objects);
        links.extend((0..objects).map(free));
        Self { links, front: NIL, back: NIL, len: 0 }
    }

    /// Number of objects in the list.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether no object is in the list.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether `object` is in the list.
    pub fn contains(&self, object: ObjectId) -> bool {
        self.links[object.index()].prev != object.as_u32()
    }

    /// Asks for the links of `object`, which will be needed soon.
    #[inline]
    pub fn prefetch(&self, object: ObjectId) {
        prefetch(&self.links, object.index());
    }

    /// Asks for the links of both neighbours of `object`, whose own links were asked for before.
    #[inline]
    pub fn prefetch_neighbours(&self, object: ObjectId) {
        let Links { prev, next } = self.links[object.index()];
        prefetch(&self.links, prev as usize);
        prefetch(&self.links, next as usize);
    }

    /// The object at the back.
    #[inline]
    pub fn back(&self) -> Option<ObjectId> {
        (self.back != NIL).then_some(ObjectId::new(self.back))
    }

    /// Makes room for objects `0..objects`, if there is less.
    pub fn grow(&mut self, objects: usize) {
        let known = self.links.len();
        if objects > known {
            self.links.extend((known..objects.next_power_of_two()).map(free));
        }
    }

    /// The objects from the back to the front.
    pub fn from_back(&self) -> impl Iterator<Item = ObjectId> + '_ {
        let towards_front = |id: &u32| Some(self.links[*id as usize].prev).filter(|prev| *prev != NIL);
        std::iter::successors((self.back != NIL).then_some(self.back), towards_front).map(ObjectId::new)
    }

    /// The objects by id.
    pub fn by_id(&self) -> impl Iterator<Item = ObjectId> + Clone + '_ {
        let ids = (0..self.links.len()).map(ObjectId::from_index);
        ids.filter(|object| self.contains(*object))
    }

    /// Who stands before an object of the list, one step towards the front.
    #[inline]
    pub fn before(&self, object: ObjectId) -> Option<ObjectId> {
        let prev = self.links[object.index()].prev;
        (prev != NIL).then_some(ObjectId::new(prev))
    }

    /// Puts an object that is not in the list at the front.
    #[inline]
    pub fn push_front(&mut self, object: ObjectId) {
        debug_assert!(!self.contains(object), "{object:?} is already in the list");
        let id = object.as_u32();
        let old = self.front;
        self.links[object.index()] = Links { prev: NIL, next: old };
        match old {
            NIL => self.back = id,
            old => self.links[old as usize].prev = id,
        }
        self.front = id;
        self.len += 1;
    }

    /// Takes an object out of the list.
    #[inline]
    pub fn remove(&mut self, object: ObjectId) {
        debug_assert!(self.contains(object), "{object:?} is not in the list");
        let Links { prev, next } = self.links[object.index()];
        match prev {
            NIL => self.front = next,
            prev => self.links[prev as usize].next = next,
        }
        match next {
            NIL => self.back = prev,
            next => self.links[next as usize].prev = prev,
        }
        self.links[object.index()] = Links { prev: object.as_u32(), next: NIL };
        self.len -= 1;
    }

    /// Moves an object of the list to its front.
    #[inline]
    pub fn move_to_front(&mut self, object: ObjectId) {
        if self.front != object.as_u32() {
            self.remove(object);
            self.push_front(object);
        }
    }

    /// Walks the list both ways and compares with the counters.
    ///
    /// # Panics
    /// If a link is wrong.
    pub fn check(&self) {
        let (mut id, mut before, mut seen) = (self.front, NIL, 0);
        while id != NIL {
            assert_eq!(self.links[id as usize].prev, before, "object {id} knows who stands before it");
            (before, id, seen) = (id, self.links[id as usize].next, seen + 1);
            assert!(seen <= self.len, "the list has no ring");
        }
        assert_eq!((before, seen), (self.back, self.len), "the list ends at its back");
    }
}

/// The links of an object that is not in the list.
fn free(index: usize) -> Links {
    Links { prev: ObjectId::from_index(index).as_u32(), next: NIL }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_list_agrees_with_a_deque(steps in prop::collection::vec((0..3_u8, 0..20_u32), 0..200)) {
            let mut list = List::new(20);
            let mut naive: VecDeque<u32> = VecDeque::new();
            for (step, id) in steps {
                let object = ObjectId::new(id);
                prop_assert_eq!(list.contains(object), naive.contains(&id));
                match (step, naive.contains(&id)) {
                    (0, false) => { list.push_front(object); naive.push_front(id); }
                    (1, true) => { list.remove(object); naive.retain(|other| *other != id); }
                    (2, true) => {
                        list.move_to_front(object);
                        naive.retain(|other| *other != id);
                        naive.push_front(id);
                    }
                    _ => {}
                }
                list.check();
                prop_assert_eq!(list.len(), naive.len() as u64);
                prop_assert_eq!(list.back().map(ObjectId::as_u32), naive.back().copied());
            }
        }
    }
}
