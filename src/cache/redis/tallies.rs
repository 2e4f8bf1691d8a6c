//! Buckets as numbers of keys: for a table that nobody draws from or sweeps, of which only its sizes are asked.
//!
//! A byte a bucket and a bit a key, where a chain takes four of each. How far a table has moved depends on which
//! buckets are empty, and that a number tells as well as a chain. Which keys a bucket holds it does not tell, so
//! keys that move are counted where they belong once the last bucket has been passed.

use super::bits::Bits;
use super::keys::Keys;
use super::table::{Storage, Table, bucket};
use crate::trace::ObjectId;
use crate::trace::prefetch::on_large_pages;

/// A bucket that ever held so many keys counts as occupied from then on; chance gives none a tenth of that.
const MANY: u8 = u8::MAX;

/// How many keys each bucket holds, and which keys stand in the table.
#[derive(Debug, Default)]
pub(super) struct Tallies {
    counts: Vec<u8>,
    /// A bit for each object; of an old table, those that have moved included.
    members: Bits,
}

impl Storage for Tallies {
    fn with(buckets: usize, _: usize) -> Self {
        let mut counts = on_large_pages(buckets);
        counts.resize(buckets, 0);
        Self { counts, members: Bits::default() }
    }

    #[inline]
    fn buckets(&self) -> usize {
        self.counts.len()
    }

    #[inline]
    fn is_vacant(&self, place: usize) -> bool {
        self.counts[place] == 0
    }

    fn add(&mut self, object: ObjectId, _: u32, keys: &mut Keys) {
        if !self.members.has_room() {
            self.members = Bits::of(keys.len());
        }
        self.count(object, keys);
        self.members.insert(object);
    }

    fn holds(&self, object: ObjectId, _: &Keys) -> bool {
        self.members.contains(object)
    }

    fn unlink(&mut self, object: ObjectId, keys: &mut Keys) -> bool {
        if !self.members.remove(object) {
            return false;
        }
        let place = bucket(keys.hash(object), self.counts.len());
        let count = &mut self.counts[place];
        // A bucket that has been passed has none left, its keys being noted still.
        if *count != MANY {
            *count = count.saturating_sub(1);
        }
        true
    }

    fn hand_over(&mut self, place: usize, _: &mut Self, keys: &mut Keys) -> usize {
        match std::mem::take(&mut self.counts[place]) {
            MANY => self
                .members
                .iter()
                .filter(|object| bucket(keys.hash(*object), self.counts.len()) == place)
                .count(),
            count => usize::from(count),
        }
    }

    fn finish(&mut self, to: &mut Self, keys: &Keys) {
        for object in self.members.iter() {
            to.count(object, keys);
        }
        to.members.merge(std::mem::take(&mut self.members));
    }
}

impl Tallies {
    #[inline]
    fn count(&mut self, object: ObjectId, keys: &Keys) {
        let place = bucket(keys.hash(object), self.counts.len());
        self.counts[place] = self.counts[place].saturating_add(1);
    }
}

impl Table<Tallies> {
    /// Counts all keys anew.
    ///
    /// # Panics
    /// If a key is noted twice or a bucket is miscounted.
    pub(super) fn check(&self, keys: &Keys) {
        let [old, new] = &self.halves;
        assert_eq!(self.is_moving(), new.buckets() > 0, "two tables exist while keys move");
        assert!(old.members.is_disjoint(&new.members), "no key stands twice");
        let passed = self.moving.unwrap_or(0);
        let mut seen = 0;
        for (half, from) in [(old, passed), (new, 0)] {
            let mut counts = vec![0_usize; half.buckets()];
            for object in half.members.iter() {
                counts[bucket(keys.hash(object), half.buckets())] += 1;
                seen += 1;
            }
            if from > 0 {
                self.check_left(counts[from..].iter().sum());
            }
            for (place, (count, told)) in counts.into_iter().zip(&half.counts).enumerate() {
                let expected = if place < from { 0 } else { count };
                assert!(usize::from(*told) == expected || *told == MANY, "bucket {place} counts its keys");
            }
        }
        assert_eq!(seen, self.len, "keys in the table");
    }
}
