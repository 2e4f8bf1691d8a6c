//! Keys become dense ids, once; after that nothing hashes.

use std::borrow::Cow;
use std::hash::{BuildHasher, Hasher};

use foldhash::fast::FixedState;

use super::numbers::{self, Numbers};
use crate::trace::Keys;

/// No entry yet.
const VACANT: u32 = u32::MAX;

/// The ids of keys: those of numbers as long as every key is one, and of texts from the first that is none.
#[derive(Debug)]
pub(super) struct Interner {
    table: Table,
    limit: u32,
}

#[derive(Debug)]
enum Table {
    Numbers(Numbers),
    Texts(Texts),
}

impl Interner {
    /// A table that holds at most `limit` keys.
    pub(super) fn with_limit(limit: u32) -> Self {
        Self { table: Table::Numbers(Numbers::default()), limit }
    }

    /// How many keys there are.
    pub(super) fn len(&self) -> usize {
        match &self.table {
            Table::Numbers(numbers) => numbers.len(),
            Table::Texts(texts) => texts.ends.len(),
        }
    }

    /// The id of `key`, the next free one if it is new; `None` where the table is full.
    pub(super) fn id(&mut self, key: &str) -> Option<u32> {
        loop {
            match &mut self.table {
                Table::Texts(texts) => return texts.id(key, self.limit),
                Table::Numbers(numbers) => match numbers::number(key) {
                    Some(number) => return numbers.id(number, self.limit),
                    None => self.table = Table::Texts(Texts::of(numbers)),
                },
            }
        }
    }

    /// The table and how many keys it may hold, as long as every key is a number.
    pub(super) fn numbers(&mut self) -> Option<(&mut Numbers, u32)> {
        match &mut self.table {
            Table::Numbers(numbers) => Some((numbers, self.limit)),
            Table::Texts(_) => None,
        }
    }

    /// The keys by id.
    pub(super) fn into_keys(self) -> Keys {
        match self.table {
            Table::Numbers(numbers) => Keys::Numbers(numbers.into_numbers()),
            Table::Texts(texts) => Keys::Recorded { text: texts.text, ends: texts.ends },
        }
    }

    /// The key with number `id`.
    pub(super) fn key(&self, id: u32) -> Cow<'_, str> {
        match &self.table {
            Table::Numbers(numbers) => Cow::Owned(itoa::Buffer::new().format(numbers.number(id)).to_owned()),
            Table::Texts(texts) => Cow::Borrowed(texts.key(id)),
        }
    }
}

/// A table from texts to ids. The keys themselves lie one after the other in the text that the trace
/// keeps anyway, so a slot is 8 bytes and a known key costs no allocation.
#[derive(Debug)]
struct Texts {
    /// Part of the hash, and the id; a power of two of them, at most half in use.
    slots: Vec<(u32, u32)>,
    text: String,
    ends: Vec<u64>,
    state: FixedState,
}

impl Texts {
    /// The numbers as texts, under the ids that they have.
    fn of(numbers: &Numbers) -> Self {
        let mut texts = Self {
            slots: vec![(0, VACANT); 1 << 10],
            text: String::new(),
            ends: Vec::new(),
            state: FixedState::with_seed(0),
        };
        let mut digits = itoa::Buffer::new();
        for id in (0..VACANT).take(numbers.len()) {
            texts.id(digits.format(numbers.number(id)), VACANT);
        }
        texts
    }

    /// The id of `key`, the next free one if it is new; `None` where there are `limit` already.
    fn id(&mut self, key: &str, limit: u32) -> Option<u32> {
        let (tag, mut at) = self.place(key);
        loop {
            match self.slots[at] {
                (_, VACANT) => break,
                (other, id) if other == tag && self.key(id) == key => return Some(id),
                _ => at = (at + 1) & (self.slots.len() - 1),
            }
        }
        let id = u32::try_from(self.ends.len()).ok().filter(|id| *id < limit)?;
        self.slots[at] = (tag, id);
        self.text.push_str(key);
        self.ends.push(self.text.len() as u64);
        if self.ends.len() * 2 > self.slots.len() {
            self.grow();
        }
        Some(id)
    }

    /// The key with number `id`.
    fn key(&self, id: u32) -> &str {
        let end = |id: u32| usize::try_from(self.ends[id as usize]).expect("the text is in memory");
        &self.text[id.checked_sub(1).map_or(0, end)..end(id)]
    }

    /// The part of the hash that a slot remembers, and where the search begins.
    #[expect(clippy::cast_possible_truncation, reason = "both are parts of the hash")]
    fn place(&self, key: &str) -> (u32, usize) {
        let mut hasher = self.state.build_hasher();
        hasher.write(key.as_bytes());
        let hash = hasher.finish();
        ((hash >> 32) as u32, hash as usize & (self.slots.len() - 1))
    }

    fn grow(&mut self) {
        self.slots = vec![(0, VACANT); self.slots.len() * 2];
        for id in 0..self.ends.len() {
            let id = u32::try_from(id).expect("ids are below the limit");
            let (tag, mut at) = self.place(self.key(id));
            while self.slots[at].1 != VACANT {
                at = (at + 1) & (self.slots.len() - 1);
            }
            self.slots[at] = (tag, id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn ids_are_those_of_a_map_in_order_of_first_appearance(
            numbers in prop::collection::vec("[0-9]{1,3}", 0..200),
            keys in prop::collection::vec("[ab]{0,9}|[0-9]{1,3}", 0..3_000),
        ) {
            // Numbers first, so that a table of numbers becomes one of texts on the way.
            let keys = [numbers, keys].concat();
            let mut interner = Interner::with_limit(VACANT);
            let mut naive = BTreeMap::new();
            for key in &keys {
                let next = u32::try_from(naive.len()).unwrap();
                let want = *naive.entry(key.clone()).or_insert(next);
                prop_assert_eq!(interner.id(key), Some(want));
            }
            for (key, id) in naive {
                prop_assert_eq!(interner.key(id), key);
            }
        }
    }

    #[test]
    fn a_full_table_refuses_new_keys_and_knows_the_old_ones() {
        let mut interner = Interner::with_limit(2);
        assert_eq!((interner.id("a"), interner.id("b"), interner.id("c")), (Some(0), Some(1), None));
        assert_eq!(interner.id("b"), Some(1));
    }
}
