//! Keys drawn from a table as Redis draws them: by bucket, not uniformly.

use super::keys::Keys;
use super::rows::{Gathered, Rows};
use super::table::{Storage, Table, below};
use crate::random::Stream;
use crate::trace::ObjectId;

/// Empty buckets in a row after which a walk begins anew, where it is to find fewer keys than that.
const GAP: usize = 5;

/// Keys that a walk has met, of which it keeps no more than it wants.
struct Met<'a> {
    want: usize,
    seen: usize,
    random: &'a mut Stream,
    out: &'a mut Vec<ObjectId>,
}

impl Met<'_> {
    /// One more: those of the last bucket beyond the number wanted take the places of others by chance.
    #[inline]
    fn add(&mut self, key: ObjectId) {
        if self.seen < self.want {
            self.out.push(key);
        } else {
            let slot = below(self.random, self.seen + 1);
            if slot < self.want {
                self.out[slot] = key;
            }
        }
        self.seen += 1;
    }

    #[inline]
    fn is_enough(&self) -> bool {
        self.seen >= self.want
    }
}

impl<const SWEPT: bool> Table<Rows<SWEPT>> {
    /// A bucket drawn until one holds keys, then a key of its chain: keys that share a bucket are drawn
    /// less often (`dict.c:dictGetRandomKey`).
    pub(super) fn random_key(&mut self, random: &mut Stream, keys: &mut Keys) -> Option<ObjectId> {
        if self.len() == 0 {
            return None;
        }
        self.step(keys);
        let emptied = self.moving.unwrap_or(0);
        let [old, new] = self.buckets();
        loop {
            let place = emptied + below(random, old - emptied + new);
            let (half, place) = if place < old { (0, place) } else { (1, place - old) };
            let half = &self.halves[half];
            let first = half.first(place);
            let length = (first..=usize::MAX).take_while(|at| half.stands(*at, place)).count();
            if length > 0 {
                return Some(half.key(first + below(random, length)));
            }
        }
    }

    /// Up to `want` keys from consecutive buckets that begin at a random one; not uniform over keys, and
    /// possibly fewer (`dict.c:dictGetSomeKeys`).
    pub(super) fn sample(
        &mut self,
        want: usize,
        random: &mut Stream,
        keys: &mut Keys,
        out: &mut Vec<ObjectId>,
    ) {
        out.clear();
        let want = want.min(self.len());
        if want == 0 {
            return;
        }
        if self.is_moving() {
            (0..want).for_each(|_| self.step(keys));
        }
        let met = Met { want, seen: 0, random, out };
        match self.moving {
            None => self.walk(met),
            Some(first) => self.walk_both(first, met),
        }
    }

    /// Through the buckets of the one table.
    fn walk(&self, mut met: Met<'_>) {
        let place = below(met.random, self.buckets()[0]);
        // Twice as many places as keys, and some, as `reach` has it.
        let is_done = match met.want {
            0..=6 => self.walk_at_once::<16>(place, &mut met),
            7..=14 => self.walk_at_once::<32>(place, &mut met),
            _ => false,
        };
        if !is_done {
            self.walk_on(place, met);
        }
    }

    /// The whole walk by one look at so many places; whether they show all of it. Nobody is met where they do not: no
    /// walk ends in the middle of a bucket, or goes on after as many empty ones as make it jump.
    fn walk_at_once<const N: usize>(&self, place: usize, met: &mut Met<'_>) -> bool {
        let (want, mut found) = (met.want, [Gathered::default(); N]);
        let Some(count) = self.halves[0].gather(place, &mut found).filter(|count| *count > want) else {
            return false;
        };
        let (first, last) = (found[0].bucket, found[want - 1].bucket);
        let between =
            found[..want].windows(2).map(|pair| (pair[1].bucket - pair[0].bucket).saturating_sub(1));
        let widest = between.fold(first - place, usize::max);
        let end = (want..count).find(|at| found[*at].bucket != last);
        let Some(end) = end.filter(|_| widest < GAP.max(want + 1) && last - place < 10 * want) else {
            return false;
        };
        found[..end].iter().for_each(|standing| met.add(ObjectId::new(standing.key)));
        true
    }

    /// The same bucket by bucket, from this one on.
    fn walk_on(&self, mut place: usize, mut met: Met<'_>) {
        let row = &self.halves[0];
        let buckets = self.buckets()[0];
        let (mut at, mut gap) = (row.first(place), 0);
        for _ in 0..10 * met.want {
            let mut has_jumped = false;
            if row.stands(at, place) {
                gap = 0;
                while row.stands(at, place) {
                    met.add(row.key(at));
                    at += 1;
                }
                if met.is_enough() {
                    return;
                }
            } else {
                gap += 1;
                if gap >= GAP && gap > met.want {
                    (place, gap) = (below(met.random, buckets), 0);
                    has_jumped = true;
                }
            }
            place = (place + 1) & (buckets - 1);
            // The keys of the next bucket begin where those of this one end, or at its own home.
            at = if has_jumped || place == 0 { row.first(place) } else { at.max(row.home(place)) };
        }
    }

    /// Through the buckets of both tables while keys move, of which the old one is emptied up to `first`.
    fn walk_both(&self, first: usize, mut met: Met<'_>) {
        let larger = self.larger();
        let (mut place, mut gap) = (below(met.random, larger), 0);
        for _ in 0..10 * met.want {
            for half in 0..2 {
                if half == 0 && place < first {
                    // Beyond the new table nobody lives before the first bucket that is not emptied: it jumps there.
                    if place < self.halves[1].buckets() {
                        continue;
                    }
                    place = first;
                }
                let row = &self.halves[half];
                if place >= row.buckets() {
                    continue;
                }
                let mut at = row.first(place);
                if !row.stands(at, place) {
                    gap += 1;
                    if gap >= GAP && gap > met.want {
                        (place, gap) = (below(met.random, larger), 0);
                    }
                    continue;
                }
                gap = 0;
                while row.stands(at, place) {
                    met.add(row.key(at));
                    at += 1;
                }
                if met.is_enough() {
                    return;
                }
            }
            place = (place + 1) & (larger - 1);
        }
    }

    fn larger(&self) -> usize {
        let [old, new] = self.buckets();
        old.max(new)
    }

    /// Where the next sample of so many keys will begin, unless something else is drawn before; their places are asked for.
    pub(super) fn foresee(&self, want: usize, random: &Stream) -> usize {
        let place = below(&mut random.clone(), self.larger().max(1));
        let half = &self.halves[usize::from(self.is_moving())];
        if place < half.buckets() {
            half.ask_for_places(place, reach(want));
        }
        place
    }

    /// Asks for what is kept of those whom a sample of so many from a bucket on will probably find, and of a few more.
    #[inline]
    pub(super) fn ask_for_keys(&self, place: usize, want: usize, keys: &Keys) {
        let half = &self.halves[usize::from(self.is_moving())];
        half.ask_for_keys(place.min(half.buckets().saturating_sub(1)), reach(want), keys);
    }
}

/// Among how many places so many keys stand, about.
fn reach(keys: usize) -> usize {
    2 * keys + 2
}
