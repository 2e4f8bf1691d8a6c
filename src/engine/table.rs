//! Where an object's regeneration is kept while one is under way: a small table with an entry only
//! for what is in flight.
//!
//! An index for every object would be simpler, and its cache line one more that each miss waits for.
//! Few fetches are in flight at once, so this table stays in the first-level cache. Open addressing
//! with linear probing; deletion moves later entries back (Knuth, TAOCP 3, 6.4, algorithm R), so
//! that no search is longer than it must be.

use crate::trace::ObjectId;

/// The number of no object: a trace has less than 2^32 - 1.
const FREE: u32 = u32::MAX;

/// Cells of an empty table.
const CELLS: usize = 256;

/// A table from objects to places.
#[derive(Debug)]
pub(super) struct Table {
    /// Object and place; a power of two of them, at most half in use.
    cells: Vec<(u32, u32)>,
    /// How far a hash is shifted to be the number of a cell.
    shift: u32,
    used: usize,
}

impl Table {
    /// No object has a place.
    pub(super) fn new() -> Self {
        Self { cells: vec![(FREE, 0); CELLS], shift: 32 - CELLS.trailing_zeros(), used: 0 }
    }

    /// The place of an object.
    #[inline]
    pub(super) fn get(&self, object: ObjectId) -> Option<u32> {
        let (found, place) = self.cells[self.find(object.as_u32())];
        (found != FREE).then_some(place)
    }

    /// Gives a place to an object that has none.
    pub(super) fn insert(&mut self, object: ObjectId, place: u32) {
        debug_assert!(self.get(object).is_none(), "{object:?} has a place already");
        if 2 * (self.used + 1) > self.cells.len() {
            let larger = vec![(FREE, 0); 2 * self.cells.len()];
            self.shift -= 1;
            let before = std::mem::replace(&mut self.cells, larger);
            for cell in before.into_iter().filter(|cell| cell.0 != FREE) {
                let at = self.find(cell.0);
                self.cells[at] = cell;
            }
        }
        let at = self.find(object.as_u32());
        self.cells[at] = (object.as_u32(), place);
        self.used += 1;
    }

    /// Takes an object's place away.
    pub(super) fn remove(&mut self, object: ObjectId) {
        let mut hole = self.find(object.as_u32());
        if self.cells[hole].0 == FREE {
            return;
        }
        self.used -= 1;
        let last = self.cells.len() - 1;
        let mut at = hole;
        loop {
            at = (at + 1) & last;
            let cell = self.cells[at];
            if cell.0 == FREE {
                break;
            }
            // It may go where the hole is unless its search begins after that.
            if at.wrapping_sub(self.home(cell.0)) & last >= at.wrapping_sub(hole) & last {
                self.cells[hole] = cell;
                hole = at;
            }
        }
        self.cells[hole].0 = FREE;
    }

    /// Where the search for an object begins: the high bits of a product with 2^32 by the golden ratio.
    #[inline]
    fn home(&self, object: u32) -> usize {
        (object.wrapping_mul(0x9E37_79B1) >> self.shift) as usize
    }

    /// The cell of an object, or the free one where it would be.
    #[inline]
    fn find(&self, object: u32) -> usize {
        let last = self.cells.len() - 1;
        let mut at = self.home(object);
        while self.cells[at].0 != object && self.cells[at].0 != FREE {
            at = (at + 1) & last;
        }
        at
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_table_agrees_with_a_map(steps in prop::collection::vec((any::<bool>(), 0..600_u32), 0..2_000)) {
            let mut table = Table::new();
            let mut naive = BTreeMap::new();
            for (place, (comes, id)) in (0..).zip(steps) {
                let object = ObjectId::new(id);
                if !comes {
                    table.remove(object);
                    naive.remove(&id);
                } else if naive.insert(id, place).is_none() {
                    table.insert(object, place);
                } else {
                    table.remove(object);
                    table.insert(object, place);
                }
                prop_assert_eq!(table.used, naive.len());
                prop_assert_eq!(table.get(object), naive.get(&id).copied());
            }
            for id in 0..600 {
                prop_assert_eq!(table.get(ObjectId::new(id)), naive.get(&id).copied());
            }
        }
    }
}
