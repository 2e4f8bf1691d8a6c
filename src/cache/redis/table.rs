//! A chained hash table over object ids, as large and as full as Redis's would be.
//!
//! Buckets are a power of two, at least 4. The insert that finds as many keys as buckets doubles the
//! table; the server's cron shrinks it below a fill of 10 %. Either way the keys move bucket by
//! bucket, with every access and with every tick, and both tables exist meanwhile
//! (`redis-7.0 dict.c`, `server.c:dictExpandAllowed`, `server.c:tryResizeHashTables`).

use rand::Rng;

use crate::random::Stream;
use crate::trace::ObjectId;

/// The end of a chain.
const NIL: u32 = u32::MAX;
/// Of an object that is not in the table. Traces have fewer objects.
const ABSENT: u32 = u32::MAX - 1;
/// Buckets of the smallest table.
const LEAST: usize = 4;
/// A table fuller than this grows even where memory does not allow it.
const FORCED: f64 = 1.618;
/// Empty buckets passed in one step of moving.
const EMPTY_VISITS: u32 = 10;

/// What is kept of every key, whether it is there or not: a quarter of a cache line.
#[derive(Debug, Clone, Copy)]
#[repr(align(16))]
pub(super) struct Key {
    /// The hash, fixed for the life of the process.
    pub(super) hash: u32,
    /// LRU stamp or LFU bits.
    pub(super) stamp: u32,
    /// Who follows in the chain of each table.
    next: [u32; 2],
}

impl Key {
    /// A key that stands in no table.
    pub(super) fn absent(hash: u32) -> Self {
        Self { hash, stamp: 0, next: [ABSENT; 2] }
    }
}

/// A table of keys: those in the server, or those with a TTL.
#[derive(Debug)]
pub(super) struct Table {
    /// Which of a key's links are this table's.
    which: usize,
    /// The table, and while keys move the one they move to: the newest key of each bucket.
    halves: [Vec<u32>; 2],
    len: usize,
    /// The first bucket of the old table that has not been emptied; `None` while nothing moves.
    moving: Option<usize>,
}

impl Table {
    /// A table without keys; `which` is 0 for all keys and 1 for those with a TTL.
    pub(super) fn new(which: usize) -> Self {
        Self { which, halves: [Vec::new(), Vec::new()], len: 0, moving: None }
    }

    /// Number of keys.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Whether the key of `object` is there.
    pub(super) fn contains(&self, object: ObjectId, keys: &[Key]) -> bool {
        keys[object.index()].next[self.which] != ABSENT
    }

    /// Buckets of the table and, while keys move, of the one they move to.
    pub(super) fn buckets(&self) -> [usize; 2] {
        [self.halves[0].len(), self.halves[1].len()]
    }

    /// Whether keys move to another table.
    pub(super) fn is_moving(&self) -> bool {
        self.moving.is_some()
    }

    /// Adds a key that is not there, and grows if it is time to and `allowed` says so of the bytes of
    /// the new buckets.
    pub(super) fn insert(&mut self, object: ObjectId, keys: &mut [Key], allowed: impl FnOnce(u64) -> bool) {
        self.step(keys);
        self.grow(allowed);
        let half = usize::from(self.is_moving());
        let place = bucket(keys[object.index()].hash, self.halves[half].len());
        let head = &mut self.halves[half][place];
        keys[object.index()].next[self.which] = *head;
        *head = object.as_u32();
        self.len += 1;
    }

    /// Takes a key out.
    pub(super) fn remove(&mut self, object: ObjectId, keys: &mut [Key]) {
        self.step(keys);
        let found = (0..2).any(|half| self.unlink(half, object, keys));
        debug_assert!(found, "{object:?} stands in its chain");
        self.len -= 1;
    }

    fn unlink(&mut self, half: usize, object: ObjectId, keys: &mut [Key]) -> bool {
        if self.halves[half].is_empty() {
            return false;
        }
        let (place, which) = (bucket(keys[object.index()].hash, self.halves[half].len()), self.which);
        let own = object.as_u32();
        let follower = keys[object.index()].next[which];
        let mut at = self.halves[half][place];
        if at == own {
            self.halves[half][place] = follower;
        } else {
            while at != NIL && keys[at as usize].next[which] != own {
                at = keys[at as usize].next[which];
            }
            if at == NIL {
                return false;
            }
            keys[at as usize].next[which] = follower;
        }
        keys[object.index()].next[which] = ABSENT;
        true
    }

    /// A key is looked up: while keys move, the next bucket is moved.
    #[inline]
    pub(super) fn step(&mut self, keys: &mut [Key]) {
        if self.moving.is_some() {
            self.advance(1, keys);
        }
    }

    /// Moves up to so many buckets that hold keys; how many buckets were visited.
    pub(super) fn advance(&mut self, buckets: u64, keys: &mut [Key]) -> u64 {
        let Some(mut at) = self.moving else { return 0 };
        let mut visited = 0;
        for _ in 0..buckets {
            let mut empty = 0;
            while at < self.halves[0].len() && self.halves[0][at] == NIL && empty < EMPTY_VISITS {
                (at, empty, visited) = (at + 1, empty + 1, visited + 1);
            }
            if at < self.halves[0].len() && empty < EMPTY_VISITS {
                self.empty(at, keys);
                (at, visited) = (at + 1, visited + 1);
            }
            if at == self.halves[0].len() {
                self.halves[0] = std::mem::take(&mut self.halves[1]);
                self.moving = None;
                return visited;
            }
        }
        self.moving = Some(at);
        visited
    }

    /// Moves all keys of a bucket of the old table.
    fn empty(&mut self, place: usize, keys: &mut [Key]) {
        let mut key = std::mem::replace(&mut self.halves[0][place], NIL);
        while key != NIL {
            let Key { hash, next, .. } = &mut keys[key as usize];
            let to = bucket(*hash, self.halves[1].len());
            let follower =
                std::mem::replace(&mut next[self.which], std::mem::replace(&mut self.halves[1][to], key));
            key = follower;
        }
    }

    fn grow(&mut self, allowed: impl FnOnce(u64) -> bool) {
        let size = self.halves[0].len();
        if self.is_moving() || (size > 0 && self.len < size) {
            return;
        }
        let wanted = if size == 0 { LEAST } else { (self.len + 1).next_power_of_two() };
        if size == 0 || self.len as f64 > FORCED * size as f64 || allowed(8 * wanted as u64) {
            self.resize(wanted);
        }
    }

    /// Shrinks a table that is less than a tenth full; the cron asks.
    pub(super) fn shrink(&mut self) {
        if self.is_sparse() {
            self.resize(self.len.next_power_of_two().max(LEAST));
        }
    }

    /// Whether the cron would shrink it.
    pub(super) fn is_sparse(&self) -> bool {
        let size = self.halves[0].len();
        !self.is_moving() && size > LEAST && self.len * 100 / size < 10
    }

    /// Begins to move to a table of so many buckets; a table without buckets is there at once.
    fn resize(&mut self, buckets: usize) {
        let fresh = vec![NIL; buckets];
        if self.halves[0].is_empty() {
            self.halves[0] = fresh;
        } else {
            self.halves[1] = fresh;
            self.moving = Some(0);
        }
    }

    /// A table as it is after loading so many keys from a snapshot, which tells their number first.
    pub(super) fn reserve(&mut self, keys: usize) {
        debug_assert_eq!(self.len, 0, "only an empty table is made anew");
        self.halves = [Vec::new(), Vec::new()];
        self.moving = None;
        if keys > 0 {
            self.resize(keys.next_power_of_two().max(LEAST));
        }
    }

    /// The keys of one bucket, newest first.
    pub(super) fn chain<'k>(
        &self,
        half: usize,
        place: usize,
        keys: &'k [Key],
    ) -> impl Iterator<Item = ObjectId> + use<'k> {
        let which = self.which;
        let head = self.halves[half].get(place).copied().filter(|head| *head != NIL);
        let follow = move |key: &u32| Some(keys[*key as usize].next[which]).filter(|next| *next != NIL);
        std::iter::successors(head, follow).map(ObjectId::new)
    }

    /// A bucket drawn until one holds keys, then a key of its chain: keys that share a bucket are drawn
    /// less often (`dict.c:dictGetRandomKey`).
    pub(super) fn random_key(&mut self, random: &mut Stream, keys: &mut [Key]) -> Option<ObjectId> {
        if self.len == 0 {
            return None;
        }
        self.step(keys);
        let emptied = self.moving.unwrap_or(0);
        let old = self.halves[0].len();
        let all = old - emptied + self.halves[1].len();
        loop {
            let place = emptied + below(random, all);
            let (half, place) = if place < old { (0, place) } else { (1, place - old) };
            let length = self.chain(half, place, keys).count();
            if length > 0 {
                return self.chain(half, place, keys).nth(below(random, length));
            }
        }
    }

    /// Up to `want` keys from consecutive buckets that begin at a random one; not uniform over keys, and
    /// possibly fewer (`dict.c:dictGetSomeKeys`).
    pub(super) fn sample(
        &mut self,
        want: usize,
        random: &mut Stream,
        keys: &mut [Key],
        out: &mut Vec<ObjectId>,
    ) {
        out.clear();
        let want = want.min(self.len);
        if want == 0 {
            return;
        }
        if self.is_moving() {
            self.advance(want as u64, keys);
        }
        let larger = self.halves[0].len().max(self.halves[1].len());
        let (mut place, mut gap, mut seen) = (below(random, larger), 0, 0);
        for _ in 0..10 * want {
            for half in 0..=usize::from(self.is_moving()) {
                let emptied = half == 0 && self.moving.is_some_and(|at| place < at);
                if emptied || place >= self.halves[half].len() {
                    continue;
                }
                let mut key = self.halves[half][place];
                if key == NIL {
                    gap += 1;
                    if gap >= 5 && gap > want {
                        (place, gap) = (below(random, larger), 0);
                    }
                    continue;
                }
                gap = 0;
                while key != NIL {
                    if seen < want {
                        out.push(ObjectId::new(key));
                    } else {
                        let slot = below(random, seen + 1);
                        if slot < want {
                            out[slot] = ObjectId::new(key);
                        }
                    }
                    seen += 1;
                    key = keys[key as usize].next[self.which];
                }
                if seen >= want {
                    return;
                }
            }
            place = (place + 1) % larger;
        }
    }

    /// Walks all chains and compares with the counters.
    ///
    /// # Panics
    /// If a key stands in a wrong bucket, twice, or is miscounted.
    pub(super) fn check(&self, keys: &[Key]) {
        let mut seen = 0;
        for (half, buckets) in self.halves.iter().enumerate() {
            assert!(buckets.is_empty() || buckets.len().is_power_of_two(), "buckets are a power of two");
            for place in 0..buckets.len() {
                let emptied = half == 0 && self.moving.is_some_and(|at| place < at);
                for object in self.chain(half, place, keys) {
                    assert!(!emptied, "a bucket that was moved is empty");
                    assert_eq!(
                        bucket(keys[object.index()].hash, buckets.len()),
                        place,
                        "{object:?} by its hash"
                    );
                    seen += 1;
                    assert!(seen <= self.len, "no chain is a ring");
                }
            }
        }
        let known = keys.iter().filter(|key| key.next[self.which] != ABSENT).count();
        assert_eq!((seen, known), (self.len, self.len), "keys in the table");
        assert_eq!(self.is_moving(), !self.halves[1].is_empty(), "two tables exist while keys move");
    }
}

fn bucket(hash: u32, buckets: usize) -> usize {
    hash as usize & (buckets - 1)
}

/// A number below `bound`, uniform to within `bound / 2^64`.
pub(super) fn below(random: &mut Stream, bound: usize) -> usize {
    let product = u128::from(random.next_u64()) * bound as u128;
    usize::try_from(product >> 64).expect("less than the bound")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::random::Seed;

    fn keys(objects: usize) -> Vec<Key> {
        #[expect(clippy::cast_possible_truncation, reason = "the lower half of a hash is a hash")]
        (0..objects as u64).map(|key| Key::absent(Seed::new(5).bits(key, 0) as u32)).collect()
    }

    proptest! {
        #[test]
        fn the_table_holds_what_a_set_holds(steps in prop::collection::vec((0..4_u8, 0..200_u32), 0..600)) {
            let mut keys = keys(200);
            let mut table = Table::new(1);
            let mut naive = BTreeSet::new();
            for (step, key) in steps {
                let object = ObjectId::new(key);
                prop_assert_eq!(table.contains(object, &keys), naive.contains(&key));
                match (step, naive.contains(&key)) {
                    (0 | 1, false) => { table.insert(object, &mut keys, |_| key % 3 > 0); naive.insert(key); }
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
    }

    #[test]
    fn a_key_is_a_quarter_of_a_cache_line() {
        assert_eq!(size_of::<Key>(), 16);
    }

    #[test]
    fn key_65_537_doubles_the_table_and_the_old_one_stays_while_keys_move() {
        let mut keys = keys(65_538);
        let mut table = Table::new(0);
        for key in 0..65_536 {
            table.insert(ObjectId::new(key), &mut keys, |_| true);
        }
        table.advance(100_000, &mut keys);
        assert_eq!(table.buckets(), [65_536, 0]);
        table.insert(ObjectId::new(65_536), &mut keys, |bytes| bytes == 8 * 131_072);
        assert_eq!(table.buckets(), [65_536, 131_072]);
        table.advance(100_000, &mut keys);
        assert_eq!(table.buckets(), [131_072, 0]);
        table.check(&keys);
    }

    #[test]
    fn growth_that_memory_forbids_waits_until_the_table_is_too_full() {
        let mut keys = keys(100);
        let mut table = Table::new(0);
        let mut sizes = Vec::new();
        for key in 0..28 {
            table.insert(ObjectId::new(key), &mut keys, |bytes| bytes <= 8 * 16);
            table.advance(100, &mut keys);
            sizes.push(table.buckets()[0]);
        }
        // 1.618 x 16 = 25.9: the insert that finds 26 keys grows.
        assert_eq!((sizes[25], sizes[26]), (16, 32));
    }
}
