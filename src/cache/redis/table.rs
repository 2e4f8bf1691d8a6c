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
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::super::keys::Key;
    use super::super::rows::Rows;
    use super::super::tallies::Tallies;
    use super::*;
    use crate::random::Seed;
    use crate::units::SimTime;

    fn keys(objects: usize) -> Keys {
        #[expect(clippy::cast_possible_truncation, reason = "the lower half of a hash is a hash")]
        Keys::of((0..objects as u64).map(|key| Key::absent(Seed::new(5).bits(key, 0) as u32)).collect())
    }

    /// Buckets as they are drawn on paper, the newest key first.
    #[derive(Debug, Default)]
    struct Chains(Vec<Vec<ObjectId>>);

    impl Storage for Chains {
        fn with(buckets: usize, _: usize) -> Self {
            Self(vec![Vec::new(); buckets])
        }

        fn buckets(&self) -> usize {
            self.0.len()
        }

        fn is_vacant(&self, place: usize) -> bool {
            self.0[place].is_empty()
        }

        fn add(&mut self, object: ObjectId, _: u32, keys: &mut Keys) {
            let place = bucket(keys.hash(object), self.buckets());
            self.0[place].insert(0, object);
        }

        fn holds(&self, object: ObjectId, keys: &Keys) -> bool {
            self.0[bucket(keys.hash(object), self.buckets())].contains(&object)
        }

        fn unlink(&mut self, object: ObjectId, keys: &mut Keys) -> bool {
            let (is_there, place) = (self.holds(object, keys), bucket(keys.hash(object), self.buckets()));
            self.0[place].retain(|held| *held != object);
            is_there
        }

        fn hand_over(&mut self, place: usize, to: &mut Self, keys: &mut Keys) -> usize {
            let chain = std::mem::take(&mut self.0[place]);
            chain.iter().for_each(|object| to.add(*object, 0, keys));
            chain.len()
        }
    }

    impl Listed for Chains {
        fn each(&self, place: usize, visit: impl FnMut(ObjectId)) {
            self.0[place].iter().copied().for_each(visit);
        }
    }

    fn contents<S: Listed>(table: &Table<S>) -> Vec<Vec<ObjectId>> {
        let mut all = Vec::new();
        for half in 0..2 {
            for place in 0..table.buckets()[half] {
                let mut bucket = Vec::new();
                table.each(half, place, |object| bucket.push(object));
                all.push(bucket);
            }
        }
        all
    }

    proptest! {
        #[test]
        fn the_table_holds_what_a_set_holds(steps in prop::collection::vec((0..4_u8, 0..200_u32), 0..600)) {
            let mut keys = keys(200);
            let mut table: Table<Rows<false>> = Table::default();
            let mut naive = BTreeSet::new();
            for (step, key) in steps {
                let object = ObjectId::new(key);
                prop_assert_eq!(table.contains(object, &keys), naive.contains(&key));
                match (step, naive.contains(&key)) {
                    (0 | 1, false) => { table.insert(object, 0, &mut keys, |_| key % 3 > 0); naive.insert(key); }
                    (2, true) => { table.remove(object, &mut keys); naive.remove(&key); }
                    (3, _) => { table.shrink(); table.advance(2, &mut keys); }
                    _ => table.step(&mut keys),
                }
                table.check(&keys);
                prop_assert_eq!(table.len(), naive.len());
            }
            let mut out = Vec::new();
            let mut random = Seed::new(1).stream();
            table.sample(5, &mut random, &mut keys, &mut out);
            prop_assert!(out.len() <= 5 && out.iter().all(|object| naive.contains(&object.as_u32())));
            let key = table.random_key(&mut random, &mut keys);
            prop_assert_eq!(key.is_some(), !naive.is_empty());
        }

        #[test]
        fn rows_are_chains_bucket_by_bucket_and_tallies_are_as_long(
            objects in 1..300_u32,
            steps in prop::collection::vec((0..5_u8, 0..300_u32, 0..100_u32), 0..600),
        ) {
            let (mut one, mut other) = (keys(300), keys(300));
            let (mut chains, mut rows) = (Table::<Chains>::default(), Table::<Rows<true>>::default());
            let mut tallies = Table::<Tallies>::default();
            for (step, key, due) in steps {
                let object = ObjectId::new(key % objects);
                match (step, chains.contains(object, &one)) {
                    (0 | 1, false) => {
                        chains.insert(object, due, &mut one, |_| key % 3 > 0);
                        rows.insert(object, due, &mut other, |_| key % 3 > 0);
                        tallies.insert(object, due, &mut other, |_| key % 3 > 0);
                    }
                    (1, true) => rows.rearm(object, due, &other),
                    (2 | 4, true) => {
                        chains.remove(object, &mut one);
                        rows.remove(object, &mut other);
                        tallies.remove(object, &mut other);
                    }
                    (3, _) => {
                        chains.shrink();
                        rows.shrink();
                        tallies.shrink();
                        let visited = chains.advance(2, &mut one);
                        prop_assert_eq!(visited, rows.advance(2, &mut other));
                        prop_assert_eq!(visited, tallies.advance(2, &mut other));
                    }
                    _ => { chains.step(&mut one); rows.step(&mut other); tallies.step(&mut other); }
                }
                rows.check(&other);
                tallies.check(&other);
                let state = (chains.len(), chains.buckets(), chains.is_moving());
                prop_assert_eq!(state, (rows.len(), rows.buckets(), rows.is_moving()));
                prop_assert_eq!(state, (tallies.len(), tallies.buckets(), tallies.is_moving()));
                prop_assert!((0..300).map(ObjectId::new).all(|key| tallies.contains(key, &other) == chains.contains(key, &one)));
                prop_assert_eq!(contents(&chains), contents(&rows));
            }
        }

        #[test]
        fn a_sweep_passes_whole_buckets_until_it_has_seen_enough(
            dues in prop::collection::vec(0..100_u32, 1..300),
            gone in prop::collection::vec(0..300_u32, 0..300),
            cursor in 0..10_000_usize,
            want in 1..70_usize,
            now in 0..100_u32,
        ) {
            let mut keys = keys(300);
            let mut rows = Table::<Rows<true>>::default();
            for (key, due) in (0..).zip(&dues) {
                rows.insert(ObjectId::new(key), *due, &mut keys, |_| true);
            }
            for key in gone.iter().filter(|key| **key != 0) {
                if rows.contains(ObjectId::new(*key), &keys) {
                    rows.remove(ObjectId::new(*key), &mut keys);
                }
            }
            rows.advance(1_000, &mut keys);
            let want = want.min(rows.len());
            let (mut seen, mut visited, mut dead) = (0, 0, Vec::new());
            while seen < want && visited < 20 * want {
                let place = (cursor + visited) & (rows.buckets()[0] - 1);
                rows.each(0, place, |object| {
                    seen += 1;
                    dead.extend((dues[object.index()] <= now).then_some(object));
                });
                visited += 1;
            }
            let mut out = Vec::new();
            let passed = rows.sweep(cursor, want, 20 * want, now, &mut out);
            prop_assert_eq!((passed.keys, passed.buckets), (seen, visited));
            prop_assert_eq!(&out.iter().map(|place| rows.at(*place).0).collect::<Vec<_>>(), &dead);
            let first = (0..300).map(ObjectId::new).filter(|object| rows.contains(*object, &keys)).map(|object| dues[object.index()]).min();
            prop_assert_eq!(rows.earliest(), first.map(|due| SimTime::from_nanos(u64::from(due) << 20)));
            // Taken out from behind, the places of those before stay what they are.
            out.sort_unstable();
            let mut all = contents(&rows).concat();
            for place in out.iter().rev() {
                rows.take_at(*place);
            }
            rows.check(&keys);
            all.retain(|object| !dead.contains(object));
            prop_assert_eq!(contents(&rows).concat(), all);
        }
    }

    #[test]
    fn key_65_537_doubles_the_table_and_the_old_one_stays_while_keys_move() {
        let mut keys = keys(65_538);
        let mut table: Table<Rows<false>> = Table::default();
        for key in 0..65_536 {
            table.insert(ObjectId::new(key), 0, &mut keys, |_| true);
        }
        table.advance(100_000, &mut keys);
        assert_eq!(table.buckets(), [65_536, 0]);
        table.insert(ObjectId::new(65_536), 0, &mut keys, |bytes| bytes == 8 * 131_072);
        assert_eq!(table.buckets(), [65_536, 131_072]);
        table.advance(100_000, &mut keys);
        assert_eq!(table.buckets(), [131_072, 0]);
        table.check(&keys);
    }

    /// A table that begins to shrink from so many buckets, of which these hold a key each.
    fn shrinking<S: Storage>(buckets: usize, held: &[u32]) -> (Table<S>, Keys) {
        let mut keys = Keys::of(held.iter().map(|hash| Key::absent(*hash)).collect());
        let mut table = Table::default();
        table.reserve(buckets);
        (0..held.len()).for_each(|key| table.insert(ObjectId::from_index(key), 0, &mut keys, |_| true));
        table.shrink();
        assert!(table.is_moving(), "less than a tenth is full");
        (table, keys)
    }

    fn a_move_ends_with_the_last_key<S: Storage>() {
        let (mut table, mut keys) = shrinking::<S>(1_024, &[1, 15, 900]);
        // A move of one bucket ends with it, or with the tenth empty one before it.
        let visited = [0; 4].map(|_| table.advance(1, &mut keys));
        assert_eq!((visited, table.buckets()), ([2, 10, 4, 10], [1_024, 4]));
        // 874 empty buckets are left before the last key, and none behind it is looked at.
        let moves = (1..).find(|_| {
            table.advance(1, &mut keys);
            !table.is_moving()
        });
        assert_eq!((moves, table.buckets()), (Some(88), [4, 0]));
        // Where the last key is deleted instead, the next look finds the old table empty.
        let (mut table, mut keys) = shrinking::<S>(1_024, &[1, 15, 900]);
        (0..3).for_each(|_| _ = table.advance(1, &mut keys));
        table.remove(ObjectId::new(2), &mut keys);
        assert_eq!(table.buckets(), [1_024, 4]);
        assert_eq!((table.advance(1, &mut keys), table.buckets()), (0, [4, 0]));
        // Nobody looks into a table without keys; the cron ends that move.
        let (mut table, mut keys) = shrinking::<S>(1_024, &[900]);
        table.remove(ObjectId::new(0), &mut keys);
        table.step(&mut keys);
        assert_eq!(table.buckets(), [1_024, 4]);
        assert_eq!((table.advance(100, &mut keys), table.buckets()), (0, [4, 0]));
    }

    #[test]
    fn a_move_to_another_table_is_over_when_the_old_one_holds_no_key() {
        a_move_ends_with_the_last_key::<Rows<false>>();
        a_move_ends_with_the_last_key::<Rows<true>>();
        a_move_ends_with_the_last_key::<Tallies>();
    }

    #[test]
    fn empty_buckets_are_counted_over_the_whole_of_a_move() {
        let held: Vec<u32> = (0..50).chain([3_000]).collect();
        let (mut table, mut keys) = shrinking::<Rows<false>>(4_096, &held);
        // A hundred buckets with keys, or a thousand empty ones wherever they lie.
        let visited = [0; 3].map(|_| table.advance(100, &mut keys));
        assert_eq!((visited, table.is_moving()), ([1_050, 1_000, 951], false));
    }

    #[test]
    fn growth_that_memory_forbids_waits_until_the_table_is_too_full() {
        let mut keys = keys(100);
        let mut table: Table<Rows<false>> = Table::default();
        let mut sizes = Vec::new();
        for key in 0..28 {
            table.insert(ObjectId::new(key), 0, &mut keys, |bytes| bytes <= 8 * 16);
            table.advance(100, &mut keys);
            sizes.push(table.buckets()[0]);
        }
        // 1.618 x 16 = 25.9: the insert that finds 26 keys grows.
        assert_eq!((sizes[25], sizes[26]), (16, 32));
    }
}
