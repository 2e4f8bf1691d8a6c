//! Buckets as stretches of one row: for keys that are drawn or swept.
//!
//! An open table in which keys stand by bucket, each at its bucket's home or as near behind it as
//! others allow (linear probing in order: Amble, Knuth 1974). So who draws keys from consecutive buckets finds them side by
//! side, and a sweep reads memory in one direction, eight places at once, and looks at nothing else while nobody there is
//! dead.

use std::ops::Range;

use super::keys::Keys;
use super::table::{Listed, NIL, Storage, Table, bucket};
use crate::trace::ObjectId;
use crate::trace::prefetch::{on_large_pages, prefetch};
use crate::units::SimTime;

/// The due time of a place that is free: later than any other.
const FREE: u32 = NIL;
/// The latest time of a key; whoever is due then may be dead or not.
const LATEST: u32 = NIL - 2;
/// A row that is fuller than this, in per cent, is spread out.
const FULL: usize = 70;
/// Places that a sweep looks at together.
const STRIDE: usize = 8;
/// So many stretches are watched for each sample: a walk of 20 jumps once, hardly one twice.
const STRETCHES: usize = 2;
/// At most so many keys are gathered at once.
pub(super) const GATHERED: usize = 32;
/// Places behind the last home, before memory must be asked for again.
const BEHIND: usize = 64;

/// A coarse time counts steps of so many bits of nanoseconds.
const STEP: u32 = 20;

/// A coarse time, in steps of about a millisecond, never later than the instant itself.
#[inline]
pub(super) fn coarse(at: SimTime) -> u32 {
    u32::try_from(at.as_nanos() >> STEP).map_or(LATEST, |steps| steps.min(LATEST))
}

/// A place in a row: a key with its hash, or nobody.
#[derive(Debug, Clone, Copy)]
struct Place {
    key: u32,
    hash: u32,
}

impl Place {
    const EMPTY: Self = Self { key: NIL, hash: 0 };

    #[inline]
    fn is_free(self) -> bool {
        self.key == NIL
    }
}

/// Keys by bucket; `SWEPT` where it is known when each is due.
#[derive(Debug, Default)]
pub(super) struct Rows<const SWEPT: bool> {
    buckets: usize,
    /// Places that are homes; a few more follow.
    homes: usize,
    /// When the key of each place is due, coarsely; empty where that is not known.
    due: Vec<u32>,
    places: Vec<Place>,
    len: usize,
    /// Places at which two samples looked ahead, each until one of them changes; then none.
    watched: [[Range<usize>; STRETCHES]; 2],
}

/// The stretches of places at which a walk looked.
#[derive(Debug, Default)]
pub(super) struct Looked {
    stretches: [Range<usize>; STRETCHES],
    count: usize,
}

impl Looked {
    /// A walk looked at all places from one to another.
    #[inline]
    pub(super) fn add(&mut self, first: usize, last: usize) {
        if let Some(next) = self.stretches.get_mut(self.count) {
            *next = first..last + 1;
        }
        self.count += 1;
    }
}

/// A key with its bucket.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Gathered {
    pub(super) key: u32,
    pub(super) bucket: u32,
}

/// A bucket, as 32 bits: tables have fewer.
#[expect(clippy::cast_possible_truncation, reason = "a bucket is told by 32 bits of a hash")]
fn narrow(place: usize) -> u32 {
    place as u32
}

/// What a sweep has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Passed {
    /// Keys.
    pub(super) keys: usize,
    /// Buckets.
    pub(super) buckets: usize,
}

impl<const SWEPT: bool> Storage for Rows<SWEPT> {
    fn with(buckets: usize, keys: usize) -> Self {
        let homes = (keys * 160 / 100).max(2 * STRIDE);
        let mut places = on_large_pages(homes + STRIDE + BEHIND);
        places.resize(homes + STRIDE, Place::EMPTY);
        let due = if SWEPT { vec![FREE; places.len()] } else { Vec::new() };
        Self { buckets, homes, due, places, len: 0, watched: Default::default() }
    }

    #[inline]
    fn buckets(&self) -> usize {
        self.buckets
    }

    #[inline]
    fn is_vacant(&self, place: usize) -> bool {
        !self.stands(self.first(place), place)
    }

    fn add(&mut self, object: ObjectId, due: u32, keys: &mut Keys) {
        self.stand(Place { key: object.as_u32(), hash: keys.hash(object) }, due);
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
        while self.stands(first, place) {
            to.stand(self.places[first], if SWEPT { self.due[first] } else { 0 });
            self.take(first);
        }
        held - self.len
    }
}

impl<const SWEPT: bool> Listed for Rows<SWEPT> {
    fn each(&self, place: usize, mut visit: impl FnMut(ObjectId)) {
        let mut at = self.first(place);
        while self.stands(at, place) {
            visit(self.key(at));
            at += 1;
        }
    }
}

impl<const SWEPT: bool> Rows<SWEPT> {
    #[inline]
    pub(super) fn home(&self, place: usize) -> usize {
        (place * self.homes) >> self.buckets.trailing_zeros()
    }

    /// Puts a key first in its bucket.
    fn stand(&mut self, key: Place, due: u32) {
        if (self.len + 1) * 100 > self.homes * FULL {
            self.spread_out();
        }
        self.put(self.first(bucket(key.hash, self.buckets)), due, key);
    }

    #[inline]
    fn bucket_at(&self, at: usize) -> usize {
        bucket(self.places[at].hash, self.buckets)
    }

    /// Whether a key of that bucket stands there.
    #[inline]
    pub(super) fn stands(&self, at: usize, place: usize) -> bool {
        !self.places[at].is_free() && self.bucket_at(at) == place
    }

    /// Who stands there.
    #[inline]
    pub(super) fn key(&self, at: usize) -> ObjectId {
        ObjectId::new(self.places[at].key)
    }

    /// Where the keys of a bucket begin, or would.
    #[inline]
    pub(super) fn first(&self, place: usize) -> usize {
        let mut at = self.home(place);
        while !self.places[at].is_free() && self.bucket_at(at) < place {
            at += 1;
        }
        at
    }

    #[inline]
    fn find(&self, object: ObjectId, hash: u32) -> Option<usize> {
        let mut at = self.home(bucket(hash, self.buckets));
        while !self.places[at].is_free() {
            if self.places[at].key == object.as_u32() {
                return Some(at);
            }
            at += 1;
        }
        None
    }

    /// Puts a key at a place, and who stands there one further. Shifts are short: they end at the next free place.
    #[inline]
    fn put(&mut self, mut at: usize, mut due: u32, mut key: Place) {
        let first = at;
        while !self.places[at].is_free() {
            std::mem::swap(&mut self.places[at], &mut key);
            if SWEPT {
                std::mem::swap(&mut self.due[at], &mut due);
            }
            at += 1;
        }
        self.places[at] = key;
        if SWEPT {
            self.due[at] = due;
        }
        self.changed(first, at);
        // The last place stays free, and all searches end there.
        if at + 1 == self.places.len() {
            self.places.push(Place::EMPTY);
            if SWEPT {
                self.due.push(FREE);
            }
        }
        self.len += 1;
    }

    /// Takes the key of a place out, and those behind it back that do not stand at home.
    #[inline]
    fn take(&mut self, mut at: usize) {
        let first = at;
        while !self.places[at + 1].is_free() && self.home(self.bucket_at(at + 1)) <= at {
            self.places[at] = self.places[at + 1];
            if SWEPT {
                self.due[at] = self.due[at + 1];
            }
            at += 1;
        }
        self.places[at] = Place::EMPTY;
        if SWEPT {
            self.due[at] = FREE;
        }
        self.changed(first, at);
        self.len -= 1;
    }

    /// The places from one to another are no longer what they were.
    #[inline]
    fn changed(&mut self, first: usize, last: usize) {
        for watched in &mut self.watched {
            if watched.iter().any(|stretch| first < stretch.end && last >= stretch.start) {
                *watched = Default::default();
            }
        }
    }

    /// So many places from the home of a bucket on.
    #[inline]
    pub(super) fn looked(&self, place: usize, count: usize) -> Looked {
        let (home, mut looked) = (self.home(place), Looked::default());
        looked.add(home, home + count - 1);
        looked
    }

    /// Watches where a sample looked ahead from now on, if that is not too much; whether it does.
    #[inline]
    pub(super) fn watch(&mut self, sample: usize, looked: Looked) -> bool {
        let can_watch = looked.count <= STRETCHES;
        self.watched[sample] = if can_watch { looked.stretches } else { Default::default() };
        can_watch
    }

    /// Whether the places at which a sample looked ahead are still as they were.
    #[inline]
    pub(super) fn is_unchanged(&self, sample: usize) -> bool {
        !self.watched[sample][0].is_empty()
    }

    fn spread_out(&mut self) {
        let mut wider = Self::with(self.buckets, self.len + self.len / 8 + 1);
        let mut end = 0;
        for at in (0..self.places.len()).filter(|at| !self.places[*at].is_free()) {
            end = end.max(wider.home(self.bucket_at(at)));
            wider.put(end, if SWEPT { self.due[at] } else { 0 }, self.places[at]);
            end += 1;
        }
        *self = wider;
    }

    /// Asks for the places of so many keys from the home of a bucket on.
    #[inline]
    pub(super) fn ask_for_places(&self, place: usize, count: usize) {
        const LINE: usize = 64 / size_of::<Place>();
        let home = self.home(place);
        (home..home + count).step_by(LINE).for_each(|at| prefetch(&self.places, at));
        prefetch(&self.places, home + count - 1);
    }

    /// Those who stand in a bucket and in those behind it, in their order, as far as `N` places from its home show them;
    /// how many. They are found without a branch: where keys stand is chance. `None` at the end of the row, and for the
    /// first bucket, from whose keys free places are not told apart so.
    #[inline]
    pub(super) fn gather<const N: usize>(
        &self,
        place: usize,
        met: &mut [Gathered; GATHERED],
    ) -> Option<usize> {
        let home = self.home(place);
        let places: &[Place; N] = self.places.get(home..home + N)?.try_into().ok().filter(|_| place > 0)?;
        let (mask, place) = (narrow(self.buckets - 1), narrow(place));
        let mut count = 0;
        for standing in places {
            // The hash of a free place is that of an earlier bucket.
            let bucket = standing.hash & mask;
            met[count % GATHERED] = Gathered { key: standing.key, bucket };
            count += usize::from(bucket >= place);
        }
        Some(count)
    }
}

impl Rows<true> {
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

impl Table<Rows<true>> {
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
        (row.key(place), row.due[place])
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
}

impl<const SWEPT: bool> Table<Rows<SWEPT>> {
    /// Asks for the place of a key that may soon be stored or leave.
    #[inline]
    pub(super) fn ask_for(&self, hash: u32) {
        let half = &self.halves[usize::from(self.is_moving())];
        if half.buckets > 0 {
            let home = half.home(bucket(hash, half.buckets));
            prefetch(&half.due, home);
            prefetch(&half.places, home);
        }
    }
}
