//! Buckets as stretches of one row, in the order of the sweep: for keys that expire and are never sampled.
//!
//! An open table in which keys stand by bucket, each at its bucket's home or as near behind it as
//! others allow (linear probing in order: Amble, Knuth 1974). So a sweep reads memory in one
//! direction, eight places at once, and looks at nothing else while nobody there is dead.

use super::keys::Keys;
use super::table::{Listed, NIL, Storage, Table, bucket};
use crate::trace::ObjectId;
use crate::trace::prefetch::prefetch;
use crate::units::SimTime;

/// The due time of a place that is free: later than any other.
const FREE: u32 = NIL;
/// The latest time of a key; whoever is due then may be dead or not.
const LATEST: u32 = NIL - 2;
/// A row that is fuller than this, in per cent, is spread out.
const FULL: usize = 70;
/// Places that a sweep looks at together.
const STRIDE: usize = 8;

/// A coarse time counts steps of so many bits of nanoseconds.
const STEP: u32 = 20;

/// A coarse time, in steps of about a millisecond, never later than the instant itself.
#[inline]
pub(super) fn coarse(at: SimTime) -> u32 {
    u32::try_from(at.as_nanos() >> STEP).map_or(LATEST, |steps| steps.min(LATEST))
}

/// Keys by bucket.
#[derive(Debug, Default)]
pub(super) struct Rows {
    buckets: usize,
    /// Places that are homes; a few more follow.
    homes: usize,
    /// When the key of each place is due, coarsely.
    due: Vec<u32>,
    /// The key of each place and its hash.
    keys: Vec<(u32, u32)>,
    len: usize,
}

/// What a sweep has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Passed {
    /// Keys.
    pub(super) keys: usize,
    /// Buckets.
    pub(super) buckets: usize,
}

impl Storage for Rows {
    fn with(buckets: usize, keys: usize) -> Self {
        let homes = (keys * 160 / 100).max(2 * STRIDE);
        let places = homes + STRIDE;
        Self { buckets, homes, due: vec![FREE; places], keys: vec![(0, 0); places], len: 0 }
    }

    #[inline]
    fn buckets(&self) -> usize {
        self.buckets
    }

    #[inline]
    fn is_vacant(&self, place: usize) -> bool {
        let first = self.first(place);
        self.due[first] == FREE || self.bucket_at(first) != place
    }

    fn add(&mut self, object: ObjectId, due: u32, keys: &mut Keys) {
        self.stand(object, keys.hash(object), due);
    }

    fn holds(&self, object: ObjectId, keys: &Keys) -> bool {
        self.find(object, keys.hash(object)).is_some()
    }

    fn unlink(&mut self, object: ObjectId, keys: &mut Keys) -> bool {
        let at = self.find(object, keys.hash(object));
        if let Some(at) = at {
            self.take(at);
        }
        at.is_some()
    }

    fn hand_over(&mut self, place: usize, to: &mut Self, _: &mut Keys) -> usize {
        let (first, held) = (self.first(place), self.len);
        while self.due[first] != FREE && self.bucket_at(first) == place {
            let (object, hash) = self.keys[first];
            to.stand(ObjectId::new(object), hash, self.due[first]);
            self.take(first);
        }
        held - self.len
    }
}

impl Listed for Rows {
    fn each(&self, place: usize, _: &Keys, mut visit: impl FnMut(ObjectId)) {
        let mut at = self.first(place);
        while self.due[at] != FREE && self.bucket_at(at) == place {
            visit(ObjectId::new(self.keys[at].0));
            at += 1;
        }
    }
}

impl Rows {
    #[inline]
    fn home(&self, place: usize) -> usize {
        (place * self.homes) >> self.buckets.trailing_zeros()
    }

    /// Puts a key first in its bucket.
    fn stand(&mut self, object: ObjectId, hash: u32, due: u32) {
        if (self.len + 1) * 100 > self.homes * FULL {
            self.spread_out();
        }
        self.put(self.first(bucket(hash, self.buckets)), due, (object.as_u32(), hash));
    }

    #[inline]
    fn bucket_at(&self, at: usize) -> usize {
        bucket(self.keys[at].1, self.buckets)
    }

    /// Where the keys of a bucket begin, or would.
    #[inline]
    fn first(&self, place: usize) -> usize {
        let mut at = self.home(place);
        while self.due[at] != FREE && self.bucket_at(at) < place {
            at += 1;
        }
        at
    }

    #[inline]
    fn find(&self, object: ObjectId, hash: u32) -> Option<usize> {
        let mut at = self.home(bucket(hash, self.buckets));
        while self.due[at] != FREE {
            if self.keys[at].0 == object.as_u32() {
                return Some(at);
            }
            at += 1;
        }
        None
    }

    /// Puts a key at a place, and who stands there one further. Shifts are short: they end at the next free place.
    #[inline]
    fn put(&mut self, mut at: usize, mut due: u32, mut key: (u32, u32)) {
        while self.due[at] != FREE {
            std::mem::swap(&mut self.due[at], &mut due);
            std::mem::swap(&mut self.keys[at], &mut key);
            at += 1;
        }
        (self.due[at], self.keys[at]) = (due, key);
        // The last place stays free, and all searches end there.
        if at + 1 == self.due.len() {
            self.due.push(FREE);
            self.keys.push((0, 0));
        }
        self.len += 1;
    }

    /// Takes the key of a place out, and those behind it back that do not stand at home.
    #[inline]
    fn take(&mut self, mut at: usize) {
        while self.due[at + 1] != FREE && self.home(self.bucket_at(at + 1)) <= at {
            self.due[at] = self.due[at + 1];
            self.keys[at] = self.keys[at + 1];
            at += 1;
        }
        self.due[at] = FREE;
        self.len -= 1;
    }

    fn spread_out(&mut self) {
        let mut wider = Self::with(self.buckets, self.len + self.len / 8 + 1);
        let mut end = 0;
        for at in (0..self.due.len()).filter(|at| self.due[*at] != FREE) {
            end = end.max(wider.home(self.bucket_at(at)));
            wider.put(end, self.due[at], self.keys[at]);
            end += 1;
        }
        *self = wider;
    }

    /// Passes the keys of the buckets from `begin` to `end`, until at least `want` were passed and a bucket
    /// is done; the places of those due by `now` go to `dead`.
    fn pass(&self, begin: usize, end: usize, want: usize, now: u32, dead: &mut Vec<usize>) -> Passed {
        let (mut at, last) = (self.first(begin), self.first(end.min(self.buckets)));
        let last = if end >= self.buckets { self.due.len() } else { last };
        let (mut seen, mut current) = (0, usize::MAX);
        while at < last {
            if let Some(stride) = self.due.get(at..at + STRIDE)
                && at + STRIDE <= last
            {
                let taken = stride.iter().map(|due| u32::from(*due != FREE)).sum::<u32>() as usize;
                let earliest = stride.iter().copied().min().unwrap_or(FREE);
                if earliest > now && seen + taken < want {
                    (at, seen) = (at + STRIDE, seen + taken);
                    continue;
                }
            }
            for place in at..last.min(at + STRIDE) {
                if self.due[place] == FREE {
                    continue;
                }
                let bucket = self.bucket_at(place);
                if seen >= want && bucket != current {
                    return Passed { keys: seen, buckets: current + 1 - begin };
                }
                (seen, current) = (seen + 1, bucket);
                if self.due[place] <= now {
                    dead.push(place);
                }
            }
            at += STRIDE;
        }
        let buckets = if seen >= want { current + 1 } else { end } - begin;
        Passed { keys: seen, buckets }
    }
}

impl Table<Rows> {
    /// A key that is there has another deadline.
    pub(super) fn rearm(&mut self, object: ObjectId, due: u32, keys: &Keys) {
        for half in self.halves.iter_mut().filter(|half| half.buckets > 0) {
            if let Some(at) = half.find(object, keys.hash(object)) {
                half.due[at] = due;
            }
        }
    }

    /// A round of the sweep while no keys move: whole buckets from the cursor on, until `want` keys were
    /// passed or `most` buckets; the places of those who may be dead at `now` go to `dead`.
    pub(super) fn sweep(
        &self,
        cursor: usize,
        want: usize,
        most: usize,
        now: u32,
        dead: &mut Vec<usize>,
    ) -> Passed {
        debug_assert!(!self.is_moving(), "both tables are swept while keys move");
        let row = &self.halves[0];
        let mut sum = Passed { keys: 0, buckets: 0 };
        while sum.keys < want && sum.buckets < most {
            let begin = (cursor + sum.buckets) & (row.buckets - 1);
            let end = row.buckets.min(begin + most - sum.buckets);
            let passed = row.pass(begin, end, want - sum.keys, now, dead);
            sum = Passed { keys: sum.keys + passed.keys, buckets: sum.buckets + passed.buckets };
        }
        sum
    }

    /// Who stands at a place while no keys move, and when it is due.
    #[inline]
    pub(super) fn at(&self, place: usize) -> (ObjectId, u32) {
        let row = &self.halves[0];
        (ObjectId::new(row.keys[place].0), row.due[place])
    }

    /// Takes out who stands at a place while no keys move.
    #[inline]
    pub(super) fn take_at(&mut self, place: usize) {
        debug_assert!(!self.is_moving(), "a place says nothing while keys move");
        self.halves[0].take(place);
        self.len -= 1;
    }

    /// An instant at which no key is dead yet, close to the first at which one is.
    pub(super) fn earliest(&self) -> Option<SimTime> {
        let first =
            self.halves.iter().flat_map(|half| &half.due).copied().min().filter(|due| *due != FREE)?;
        Some(SimTime::from_nanos(u64::from(first) << STEP))
    }

    /// Asks for the place of a key that may soon be stored.
    #[inline]
    pub(super) fn ask_for(&self, hash: u32) {
        let half = &self.halves[usize::from(self.is_moving())];
        if half.buckets > 0 {
            let home = half.home(bucket(hash, half.buckets));
            prefetch(&half.due, home);
            prefetch(&half.keys, home);
        }
    }
}
