//! A hash table over object ids, as large and as full as Redis's would be.
//!
//! Buckets are a power of two, at least 4. The insert that finds as many keys as buckets doubles the
//! table; the server's cron shrinks it below a fill of 10 %. Either way the keys move bucket by
//! bucket, with every access and with every tick, and both tables exist meanwhile
//! (`redis-7.0 dict.c`, `server.c:dictExpandAllowed`, `server.c:tryResizeHashTables`).
//!
//! How the keys of a bucket are kept is the business of a [`Storage`]: as rows where keys are
//! drawn or swept, as numbers where only sizes are asked. Nothing that a server answers depends on the choice.

use std::fmt::Debug;

use rand::Rng;

use super::keys::Keys;
use crate::random::Stream;
use crate::trace::ObjectId;

/// No object: traces have fewer.
pub(super) const NIL: u32 = u32::MAX;
/// Buckets of the smallest table.
const LEAST: usize = 4;
/// A table fuller than this grows even where memory does not allow it.
const FORCED: f64 = 1.618;
/// Empty buckets passed in one move, for each bucket with keys that it may empty.
const EMPTY_VISITS: u64 = 10;

/// Buckets of keys. Within a bucket the newest key comes first.
pub(super) trait Storage: Debug + Default {
    /// So many empty buckets, for about so many keys. The default has none.
    fn with(buckets: usize, keys: usize) -> Self;

    /// Number of buckets.
    fn buckets(&self) -> usize;

    /// Whether a bucket is empty.
    fn is_vacant(&self, place: usize) -> bool;

    /// Puts a key first in its bucket. `due` tells coarsely when it expires, where that matters.
    fn add(&mut self, object: ObjectId, due: u32, keys: &mut Keys);

    /// Whether a key is in its bucket.
    fn holds(&self, object: ObjectId, keys: &Keys) -> bool;

    /// Takes a key out of its bucket, if it is there.
    fn unlink(&mut self, object: ObjectId, keys: &mut Keys) -> bool;

    /// Takes the keys out of a bucket one after the other, and adds each to another table; how many.
    fn hand_over(&mut self, place: usize, to: &mut Self, keys: &mut Keys) -> usize;

    /// The last key has been handed over, or deleted.
    fn finish(&mut self, _to: &mut Self, _keys: &Keys) {}
}

/// Buckets that can tell their keys.
pub(super) trait Listed: Storage {
    /// The keys of one bucket, newest first.
    fn each(&self, place: usize, visit: impl FnMut(ObjectId));
}

/// A table of keys: those in the server, or those with a TTL.
#[derive(Debug, Default)]
pub(super) struct Table<S> {
    /// The table, and while keys move the one they move to.
    pub(super) halves: [S; 2],
    pub(super) len: usize,
    /// The first bucket of the old table that has not been emptied; `None` while nothing moves.
    pub(super) moving: Option<usize>,
    /// Keys that the old table still holds, while keys move.
    left: usize,
}

impl<S: Storage> Table<S> {
    /// Number of keys.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Whether the key of `object` is there.
    #[inline]
    pub(super) fn contains(&self, object: ObjectId, keys: &Keys) -> bool {
        self.halves.iter().any(|half| half.buckets() > 0 && half.holds(object, keys))
    }

    /// Buckets of the table and, while keys move, of the one they move to.
    #[inline]
    pub(super) fn buckets(&self) -> [usize; 2] {
        [self.halves[0].buckets(), self.halves[1].buckets()]
    }

    /// Whether keys move to another table.
    #[inline]
    pub(super) fn is_moving(&self) -> bool {
        self.moving.is_some()
    }

    /// Adds a key that is not there, and grows if it is time to and `allowed` says so of the bytes of
    /// the new buckets.
    pub(super) fn insert(
        &mut self,
        object: ObjectId,
        due: u32,
        keys: &mut Keys,
        allowed: impl FnOnce(u64) -> bool,
    ) {
        self.advance(1, keys);
        self.grow(allowed);
        self.halves[usize::from(self.is_moving())].add(object, due, keys);
        self.len += 1;
    }

    /// Takes a key out that is there.
    pub(super) fn remove(&mut self, object: ObjectId, keys: &mut Keys) {
        self.step(keys);
        let found = self.halves.iter_mut().position(|half| half.buckets() > 0 && half.unlink(object, keys));
        debug_assert!(found.is_some(), "{object:?} stands in its bucket");
        self.len -= usize::from(found.is_some());
        if let (Some(0), Some(at)) = (found, self.moving) {
            // Where keys are only counted, one that has moved is still noted with the old table.
            let has_moved = bucket(keys.hash(object), self.halves[0].buckets()) < at;
            self.left -= usize::from(!has_moved);
        }
    }

    /// A key is looked up: while keys move, the next bucket is moved. In an empty table nobody looks.
    #[inline]
    pub(super) fn step(&mut self, keys: &mut Keys) {
        if self.moving.is_some() && self.len > 0 {
            self.advance(1, keys);
        }
    }

    /// One move of up to so many buckets that hold keys, which ends early when ten times as many empty ones have been
    /// passed; how many buckets were visited. The move to the new table is over when the old one holds no key any more,
    /// be it that they moved or that they were deleted (`dict.c:dictRehash`).
    pub(super) fn advance(&mut self, buckets: u64, keys: &mut Keys) -> u64 {
        let Some(first) = self.moving else { return 0 };
        let [old, new] = &mut self.halves;
        let (all, mut at, mut empty) = (old.buckets(), first, EMPTY_VISITS * buckets);
        'move_on: for _ in 0..buckets {
            if self.left == 0 {
                break;
            }
            while at < all && old.is_vacant(at) {
                (at, empty) = (at + 1, empty - 1);
                if empty == 0 {
                    break 'move_on;
                }
            }
            self.left -= old.hand_over(at, new, keys);
            at += 1;
        }
        if self.left == 0 {
            old.finish(new, keys);
            *old = std::mem::take(new);
            self.moving = None;
        } else {
            self.moving = Some(at);
        }
        (at - first) as u64
    }

    fn grow(&mut self, allowed: impl FnOnce(u64) -> bool) {
        let size = self.halves[0].buckets();
        if self.is_moving() || (size > 0 && self.len < size) {
            return;
        }
        let wanted = if size == 0 { LEAST } else { (self.len + 1).next_power_of_two() };
        if size == 0 || self.len as f64 > FORCED * size as f64 || allowed(8 * wanted as u64) {
            self.resize(wanted, self.len);
        }
    }

    /// Shrinks a table that is less than a tenth full; the cron asks.
    pub(super) fn shrink(&mut self) {
        if self.is_sparse() {
            self.resize(self.len.next_power_of_two().max(LEAST), self.len);
        }
    }

    /// Whether the cron would shrink it.
    #[inline]
    pub(super) fn is_sparse(&self) -> bool {
        let size = self.halves[0].buckets();
        !self.is_moving() && size > LEAST && self.len * 100 / size < 10
    }

    /// Begins to move to a table of so many buckets; a table without buckets is there at once.
    fn resize(&mut self, buckets: usize, keys: usize) {
        let fresh = S::with(buckets, keys);
        if self.halves[0].buckets() == 0 {
            self.halves[0] = fresh;
        } else {
            self.halves[1] = fresh;
            (self.moving, self.left) = (Some(0), self.len);
        }
    }

    /// A table as it is after loading so many keys from a snapshot, which tells their number first.
    pub(super) fn reserve(&mut self, keys: usize) {
        debug_assert_eq!(self.len, 0, "only an empty table is made anew");
        *self = Self::default();
        if keys > 0 {
            self.resize(keys.next_power_of_two().max(LEAST), keys);
        }
    }
}

impl<S: Listed> Table<S> {
    /// The keys of one bucket of the table or, while keys move, of the one they move to, newest first.
    pub(super) fn each(&self, half: usize, place: usize, visit: impl FnMut(ObjectId)) {
        self.halves[half].each(place, visit);
    }

    /// Walks all buckets and compares with the counters.
    ///
    /// # Panics
    /// If a key stands in a wrong bucket, twice, or is miscounted.
    pub(super) fn check(&self, keys: &Keys) {
        let mut seen = 0;
        for (half, storage) in self.halves.iter().enumerate() {
            if half == 1 && self.is_moving() {
                self.check_left(seen);
            }
            let buckets = storage.buckets();
            assert!(buckets == 0 || buckets.is_power_of_two(), "buckets are a power of two");
            for place in 0..buckets {
                let emptied = half == 0 && self.moving.is_some_and(|at| place < at);
                self.each(half, place, |object| {
                    assert!(!emptied, "a bucket that was moved is empty");
                    assert_eq!(bucket(keys.hash(object), buckets), place, "{object:?} by its hash");
                    assert!(storage.holds(object, keys), "{object:?} is found where it stands");
                    seen += 1;
                    assert!(seen <= self.len, "nobody stands twice");
                });
            }
        }
        assert_eq!(seen, self.len, "keys in the table");
        assert_eq!(self.is_moving(), self.halves[1].buckets() > 0, "two tables exist while keys move");
    }
}

impl<S> Table<S> {
    /// # Panics
    /// If the old table does not hold so many keys.
    pub(super) fn check_left(&self, held: usize) {
        assert_eq!(self.left, held, "keys that have not moved");
    }
}

/// The bucket of a hash.
#[inline]
pub(super) fn bucket(hash: u32, buckets: usize) -> usize {
    hash as usize & (buckets - 1)
}

/// A number below `bound`, uniform to within `bound / 2^64`.
#[inline]
pub(super) fn below(random: &mut Stream, bound: usize) -> usize {
    let product = u128::from(random.next_u64()) * bound as u128;
    usize::try_from(product >> 64).expect("less than the bound")
}

#[cfg(test)]
mod tests;
