//! What a server keeps of every key, whether it is there or not.

use std::ops::{Index, IndexMut};

use super::beside::KeysBeside;
use crate::cache::memory::KeyBeside;
use crate::random::Seed;
use crate::trace::prefetch::{on_large_pages, prefetch};
use crate::trace::{ObjectId, Objects};

/// What is kept of a key that may be drawn: an eighth of a cache line.
#[derive(Debug, Clone, Copy)]
#[repr(align(8))]
pub(super) struct Key {
    /// The hash, fixed for the life of the process; 0 until it is needed for the first time.
    pub(super) hash: u32,
    /// LRU stamp or LFU bits.
    pub(super) stamp: u32,
}

impl Key {
    /// A key that is not there.
    pub(super) fn absent(hash: u32) -> Self {
        Self { hash, stamp: 0 }
    }
}

/// The keys by object, behind them those beside values where there are any: whole ones, or hashes alone where nobody is drawn.
#[derive(Debug, Default)]
pub(super) struct Keys {
    whole: Vec<Key>,
    hashes: Vec<u32>,
    /// A key as text.
    text: String,
}

impl Keys {
    /// Whole keys.
    #[cfg(test)]
    pub(super) fn of(whole: Vec<Key>) -> Self {
        Self { whole, ..Self::default() }
    }

    /// Whether none has been asked for yet.
    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Of how many keys; 0 as long as none has been asked for.
    pub(super) fn len(&self) -> usize {
        self.whole.len() + self.hashes.len()
    }

    /// The hash of a key; 0 as long as nobody needed it.
    #[inline]
    pub(super) fn hash(&self, object: ObjectId) -> u32 {
        match self.hashes.get(object.index()) {
            Some(hash) => *hash,
            None => self.whole.get(object.index()).map_or(0, |key| key.hash),
        }
    }

    /// Sees to it that the hash of a key is known; `drawn` is whether it may be drawn.
    #[inline]
    pub(super) fn know(
        &mut self,
        key: ObjectId,
        objects: &Objects,
        beside: &KeysBeside,
        hashing: Seed,
        drawn: bool,
    ) {
        if self.is_empty() {
            let count = beside.each() * objects.len();
            if drawn {
                self.whole = on_large_pages(count);
                self.whole.resize(count, Key::absent(0));
            } else {
                self.hashes = on_large_pages(count);
                self.hashes.resize(count, 0);
            }
        }
        if self.hash(key) == 0 {
            self.text.clear();
            let (object, which) = beside.whose(key);
            self.text.push_str(which.map_or("", KeyBeside::prefix));
            objects.write_key(object, &mut self.text);
            self.text.push_str(which.map_or("", KeyBeside::suffix));
            let hash = lower_half(hashing.hash(self.text.as_bytes()));
            match self.hashes.get_mut(key.index()) {
                Some(known) => *known = hash,
                None => self.whole[key.index()].hash = hash,
            }
        }
    }

    /// Forgets all of them: another process hashes otherwise.
    pub(super) fn clear(&mut self) {
        self.whole.clear();
        self.hashes.clear();
    }

    /// Asks for what is kept of a key.
    #[inline]
    pub(super) fn prefetch(&self, index: usize) {
        prefetch(&self.whole, index);
        prefetch(&self.hashes, index);
    }

    /// All whole keys.
    pub(super) fn whole(&self) -> &[Key] {
        &self.whole
    }
}

impl Index<usize> for Keys {
    type Output = Key;

    #[inline]
    fn index(&self, index: usize) -> &Key {
        &self.whole[index]
    }
}

impl IndexMut<usize> for Keys {
    #[inline]
    fn index_mut(&mut self, index: usize) -> &mut Key {
        &mut self.whole[index]
    }
}

/// The part of a hash that is kept, of which a table uses the lower bits.
#[expect(clippy::cast_possible_truncation, reason = "tables of a trace have fewer than 2^32 buckets")]
fn lower_half(hash: u64) -> u32 {
    hash as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_an_eighth_of_a_cache_line() {
        assert_eq!(size_of::<Key>(), 8);
    }
}
