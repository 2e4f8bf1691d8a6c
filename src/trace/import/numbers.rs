//! Keys that are numbers become dense ids: a table of 16 bytes a slot, asked for a batch at a time.
//!
//! Where traces call their objects by numbers, the numbers are all there is to compare, so a slot holds the
//! whole key and one look at one line of memory decides. That look misses the processor's caches for most
//! objects; while one batch is looked up the lines of the next are on their way.

use crate::trace::prefetch::{on_large_pages, prefetch};

/// No object yet.
const VACANT: u32 = u32::MAX;

/// Rows that are looked up together: enough lines to be on their way at once, few enough to stay in the
/// nearest cache.
pub(super) const BATCH: usize = 64;

/// One place of the table.
#[derive(Debug, Clone, Copy)]
struct Slot {
    number: u64,
    id: u32,
    /// The size that was last shown with this number; 0 where none was, or where somebody else may have
    /// recorded another one.
    size: u32,
}

const EMPTY: Slot = Slot { number: 0, id: VACANT, size: 0 };

/// A table from numbers to ids.
#[derive(Debug)]
pub(super) struct Numbers {
    /// A power of two of them, at most three quarters in use.
    slots: Vec<Slot>,
    /// The numbers by id.
    by_id: Vec<u64>,
    /// How far a hash is shifted to become a place.
    shift: u32,
}

/// What a row of a batch shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shown {
    /// The number by which it calls its object.
    pub(super) number: u64,
    /// The size that it shows; 0 for none.
    pub(super) size: u32,
}

impl Default for Numbers {
    fn default() -> Self {
        let mut numbers = Self { slots: Vec::new(), by_id: Vec::new(), shift: 64 };
        numbers.resize(10);
        numbers
    }
}

impl Numbers {
    /// How many numbers there are.
    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// The number with this id.
    pub(super) fn number(&self, id: u32) -> u64 {
        self.by_id[id as usize]
    }

    /// The numbers by id.
    pub(super) fn into_numbers(self) -> Vec<u64> {
        self.by_id
    }

    /// The id of `number`, the next free one if it is new; `None` where there are `limit` already.
    pub(super) fn id(&mut self, number: u64, limit: u32) -> Option<u32> {
        self.make_room(1);
        let place = self.find(number, self.place(number));
        self.slots[place].size = 0;
        self.at(place, number, limit)
    }

    /// Asks for what will be looked up soon, or the first of a batch would be waited for.
    pub(super) fn ask_for(&self, coming: impl Iterator<Item = u64>) {
        for number in coming {
            prefetch(&self.slots, self.place(number));
        }
    }

    /// The ids of a batch into `ids`. `news` is told the id and the size of every row that shows no size, or another one
    /// than the last row of the same number did; whatever else is told of other rows was told before. The place of the
    /// first row whose number has no id, where there are `limit` ids already.
    pub(super) fn batch(
        &mut self,
        rows: impl ExactSizeIterator<Item = Shown>,
        limit: u32,
        ids: &mut [u32; BATCH],
        mut news: impl FnMut(u32, u32),
    ) -> Result<(), usize> {
        self.make_room(rows.len());
        for (nth, row) in rows.enumerate() {
            let place = self.find(row.number, self.place(row.number));
            let id = self.at(place, row.number, limit).ok_or(nth)?;
            let slot = &mut self.slots[place];
            if slot.size != row.size || row.size == 0 {
                if row.size > 0 {
                    slot.size = row.size;
                }
                news(id, row.size);
            }
            ids[nth] = id;
        }
        Ok(())
    }

    /// The id in a slot that [`find`](Self::find) found, a new one if it is vacant.
    fn at(&mut self, place: usize, number: u64, limit: u32) -> Option<u32> {
        let slot = &mut self.slots[place];
        if slot.id == VACANT {
            let id = u32::try_from(self.by_id.len()).ok().filter(|id| *id < limit)?;
            *slot = Slot { number, id, size: 0 };
            self.by_id.push(number);
        }
        Some(slot.id)
    }

    /// Where `number` is, or the vacant slot where it belongs; the search begins at `place`.
    fn find(&self, number: u64, mut place: usize) -> usize {
        loop {
            let slot = &self.slots[place];
            if slot.id == VACANT || slot.number == number {
                return place;
            }
            place = (place + 1) & (self.slots.len() - 1);
        }
    }

    /// Where the search for `number` begins: both halves of a product, so that every bit has a say.
    fn place(&self, number: u64) -> usize {
        const SEED: u64 = 0x243f_6a88_85a3_08d3;
        const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
        let product = u128::from(number ^ SEED) * u128::from(ODD);
        #[expect(clippy::cast_possible_truncation, reason = "the low and the high half")]
        let hash = product as u64 ^ (product >> 64) as u64;
        #[expect(clippy::cast_possible_truncation, reason = "as many bits as there are slots")]
        let place = (hash >> self.shift) as usize;
        place
    }

    fn make_room(&mut self, more: usize) {
        while (self.by_id.len() + more) * 4 > self.slots.len() * 3 {
            self.resize(self.slots.len().ilog2() + 1);
        }
    }

    /// A table of 2^`bits` slots with all numbers.
    fn resize(&mut self, bits: u32) {
        let mut slots = on_large_pages(1 << bits);
        slots.resize(1 << bits, EMPTY);
        let old = std::mem::replace(&mut self.slots, slots);
        self.shift = 64 - bits;
        let used = old.iter().filter(|slot| slot.id != VACANT);
        // The places ahead are asked for, or each would be waited for alone.
        let mut ahead = used.clone().skip(BATCH);
        for slot in used {
            if let Some(coming) = ahead.next() {
                prefetch(&self.slots, self.place(coming.number));
            }
            let place = self.find(slot.number, self.place(slot.number));
            self.slots[place] = *slot;
        }
    }
}

/// The number that a key is, where it is one in the only spelling that [`itoa`] gives it.
pub(super) fn number(key: &str) -> Option<u64> {
    let is_canonical = match key.as_bytes() {
        [b'0'] => true,
        [b'1'..=b'9', ..] => key.len() <= 20,
        _ => false,
    };
    if !is_canonical {
        return None;
    }
    key.bytes().try_fold(0_u64, |value, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        value.checked_mul(10)?.checked_add(digit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn batched(rows: &[(u64, u32)], limit: u32) -> (Vec<u32>, Vec<(u32, u32)>, Numbers) {
        let (mut numbers, mut all, mut sizes) = (Numbers::default(), Vec::new(), Vec::new());
        for rows in rows.chunks(BATCH) {
            numbers.ask_for(rows.iter().map(|row| row.0));
            let mut ids = [0; BATCH];
            let shown = rows.iter().map(|(number, size)| Shown { number: *number, size: *size });
            let done = numbers.batch(shown, limit, &mut ids, |id, size| sizes.push((id, size)));
            let known = done.err().unwrap_or(rows.len());
            all.extend_from_slice(&ids[..known]);
            if known < rows.len() {
                break;
            }
        }
        (all, sizes, numbers)
    }

    proptest! {
        #[test]
        fn ids_are_those_of_a_map_in_order_of_first_appearance(
            rows in prop::collection::vec((0_u64..3_000, 0_u32..3), 0..6_000), shift in 0_u32..52,
        ) {
            // Numbers that differ in their high bits alone are as good as any.
            let rows: Vec<_> = rows.into_iter().map(|(number, size)| (number << shift, size)).collect();
            let (mut naive, mut last, mut want, mut sizes) =
                (BTreeMap::new(), BTreeMap::new(), Vec::new(), Vec::new());
            for (number, size) in &rows {
                let next = u32::try_from(naive.len()).unwrap();
                let id = *naive.entry(*number).or_insert(next);
                want.push(id);
                if *size == 0 || last.insert(id, *size) != Some(*size) {
                    sizes.push((id, *size));
                }
            }
            let (ids, resized, numbers) = batched(&rows, VACANT);
            prop_assert_eq!((ids, resized), (want, sizes));
            for (number, id) in naive {
                prop_assert_eq!(numbers.number(id), number);
            }
        }
    }

    #[test]
    fn the_row_that_is_one_too_many_is_named() {
        let rows: Vec<(u64, u32)> = (0..100).map(|number| (number, 1)).collect();
        let (ids, _, mut numbers) = batched(&rows, 70);
        assert_eq!(ids, (0..70).collect::<Vec<u32>>());
        assert_eq!((numbers.id(69, 70), numbers.id(70, 70)), (Some(69), None));
    }

    #[test]
    fn a_size_that_somebody_else_may_have_recorded_is_told_again() {
        let mut numbers = Numbers::default();
        let mut told = Vec::new();
        for size in [5, 5, 0, 5, 7] {
            let row = std::iter::once(Shown { number: 3, size });
            numbers.batch(row, 9, &mut [0; BATCH], |id, size| told.push((id, size))).unwrap();
        }
        assert_eq!(numbers.id(3, 9), Some(0));
        let row = std::iter::once(Shown { number: 3, size: 7 });
        numbers.batch(row, 9, &mut [0; BATCH], |id, size| told.push((id, size))).unwrap();
        assert_eq!(told, [(0, 5), (0, 0), (0, 7), (0, 7)]);
    }

    #[test]
    fn a_key_is_a_number_in_one_spelling_alone() {
        for (key, want) in [("0", Some(0)), ("18446744073709551615", Some(u64::MAX)), ("10", Some(10))] {
            assert_eq!(number(key), want);
        }
        for key in [
            "",
            "00",
            "01",
            "+1",
            "-1",
            "1 ",
            "1.0",
            "18446744073709551616",
            "100000000000000000000",
            "1e3",
            "\u{661}",
        ] {
            assert_eq!(number(key), None, "{key}");
        }
    }
}
