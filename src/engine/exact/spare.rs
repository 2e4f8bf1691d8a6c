//! Buffers that are used again, for fresh pages of memory cost as much as a pass over them.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::trace::prefetch::on_large_pages;

/// As many as plays at once have needed, each lent to one play at a time.
#[derive(Debug, Default)]
pub struct Spare<T>(Mutex<Vec<T>>);

impl<T: Default> Spare<T> {
    /// Lends one to `play`, a new one where all are lent. One with which a play broke off is not lent again.
    pub fn lend<R>(&self, play: impl FnOnce(&mut T) -> R) -> R {
        let spare = self.all().pop();
        let mut lent = spare.unwrap_or_default();
        let played = play(&mut lent);
        self.all().push(lent);
        played
    }

    /// Gives up one that is not lent, for whoever plays now needs none.
    pub fn give_up(&self) {
        let spare = self.all().pop();
        drop(spare);
    }

    fn all(&self) -> MutexGuard<'_, Vec<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A column of so many equal elements, in the memory of `column` where that is large enough.
pub(super) fn refilled<T: Clone>(column: Vec<T>, length: usize, element: T) -> Vec<T> {
    let mut column = emptied(column, length);
    column.resize(length, element);
    column
}

/// An empty column with room for so many elements, in the memory of `column` where that is large enough.
pub(super) fn emptied<T>(mut column: Vec<T>, length: usize) -> Vec<T> {
    column.clear();
    if column.capacity() < length {
        column = on_large_pages(length);
    }
    column
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_back_is_lent_again_to_one_at_a_time() {
        let spare = Spare::<Vec<u8>>::default();
        let first = spare.lend(|one| {
            one.push(1);
            // The first is lent, so this is another one.
            spare.lend(|two| two.push(2));
            one.as_ptr()
        });
        assert_eq!(spare.lend(|last| (last.as_ptr(), last.clone())), (first, vec![1]));
        spare.give_up();
        assert_eq!(spare.lend(|left| left.clone()), [2]);
        spare.give_up();
        assert_eq!(spare.lend(|fresh| fresh.len()), 0);
    }

    #[test]
    fn a_column_keeps_its_memory_and_nothing_that_was_in_it() {
        let column = refilled(Vec::new(), 1_000, 7_u32);
        let place = column.as_ptr();
        let again = refilled(column, 500, 9);
        assert_eq!(
            (again.as_ptr(), again.len(), again.iter().all(|element| *element == 9)),
            (place, 500, true)
        );
        assert_eq!(refilled(again, 2_000, 3), vec![3; 2_000]);
    }
}
