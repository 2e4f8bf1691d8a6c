//! Keys drawn from a table as Redis draws them: by bucket, not uniformly.

use super::keys::Keys;
use super::rows::{GATHERED, Gathered, Looked, Rows};
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
        ahead: &mut Ahead,
        random: &mut Stream,
        keys: &mut Keys,
        out: &mut Vec<ObjectId>,
    ) {
        let want = want.min(self.len());
        if self.give(want, ahead, random, out) {
            return;
        }
        out.clear();
        if want == 0 {
            return;
        }
        if self.is_moving() {
            (0..want).for_each(|_| self.step(keys));
        }
        let met = Met { want, seen: 0, random, out };
        match self.moving {
            None => _ = self.walk(met),
            Some(first) => self.walk_both(first, met),
        }
    }

    /// The sample that was drawn ahead, if it is what would be drawn now.
    #[inline]
    fn give(&self, want: usize, ahead: &mut Ahead, random: &mut Stream, out: &mut Vec<ObjectId>) -> bool {
        let drawn = &mut ahead.drawn[ahead.next];
        let holds = !self.is_moving() && self.halves[0].is_unchanged(ahead.next);
        match (holds && drawn.is_what_comes(want, random)).then(|| drawn.after.take()).flatten() {
            None => false,
            Some(after) => {
                *random = after;
                std::mem::swap(out, &mut drawn.keys);
                ahead.next = 1 - ahead.next;
                true
            }
        }
    }

    /// Through the buckets of the one table; where it looked.
    fn walk(&self, mut met: Met<'_>) -> Looked {
        let place = below(met.random, self.buckets()[0]);
        match self.walk_at_once(place, &mut met) {
            Some(count) => self.halves[0].looked(place, count),
            None => self.walk_on(place, met),
        }
    }

    /// The whole walk by one look at a few places, if it can be told from them; at how many.
    fn walk_at_once(&self, place: usize, met: &mut Met<'_>) -> Option<usize> {
        match shown(met.want) {
            24 => self.walk_within::<24>(place, met),
            32 => self.walk_within::<32>(place, met),
            _ => None,
        }
    }

    /// The same by a look at so many places. Nobody is met where they do not show all of it: no walk ends in the middle of a
    /// bucket, or goes on after as many empty ones as make it jump.
    fn walk_within<const N: usize>(&self, place: usize, met: &mut Met<'_>) -> Option<usize> {
        let (want, mut found) = (met.want, [Gathered::default(); GATHERED]);
        let count = self.halves[0].gather::<N>(place, &mut found).filter(|count| *count > want)?;
        let (first, last) = (found[0].bucket as usize, found[want - 1].bucket);
        let between =
            found[..want].windows(2).map(|pair| (pair[1].bucket - pair[0].bucket).saturating_sub(1));
        let widest = between.fold(0, u32::max) as usize;
        let end = (want..count).find(|at| found[*at].bucket != last)?;
        if widest.max(first - place) >= GAP.max(want + 1) || last as usize - place >= 10 * want {
            return None;
        }
        let key = |standing: &Gathered| ObjectId::new(standing.key);
        met.out.extend(found[..want].iter().map(key));
        met.seen = want;
        found[want..end].iter().for_each(|standing| met.add(key(standing)));
        Some(N)
    }

    /// The same bucket by bucket, from this one on.
    fn walk_on(&self, mut place: usize, mut met: Met<'_>) -> Looked {
        let row = &self.halves[0];
        let buckets = self.buckets()[0];
        let (mut begin, mut at, mut gap) = (row.home(place), row.first(place), 0);
        let mut looked = Looked::default();
        for _ in 0..10 * met.want {
            let mut has_jumped = false;
            if row.stands(at, place) {
                gap = 0;
                while row.stands(at, place) {
                    met.add(row.key(at));
                    at += 1;
                }
                if met.is_enough() {
                    break;
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
            if has_jumped || place == 0 {
                looked.add(begin, at);
                (begin, at) = (row.home(place), row.first(place));
            } else {
                at = at.max(row.home(place));
            }
        }
        looked.add(begin, at);
        looked
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

    /// Sees to it that the next two samples of so many keys are drawn, has each of their keys asked for, and asks for the
    /// places of the sample behind them.
    pub(super) fn draw_ahead(
        &mut self,
        want: usize,
        ahead: &mut Ahead,
        random: &Stream,
        ask: impl Fn(ObjectId),
    ) {
        let (want, mut after) = (want.min(self.len()), random.clone());
        if want == 0 || self.is_moving() {
            return;
        }
        for nth in [ahead.next, 1 - ahead.next] {
            let drawn = &mut ahead.drawn[nth];
            if !drawn.is_what_comes(want, &after) || !self.halves[0].is_unchanged(nth) {
                drawn.before = Some(after.clone());
                self.draw(nth, want, drawn, after);
                drawn.keys.iter().for_each(|key| ask(*key));
            }
            match &drawn.after {
                Some(left) => after = left.clone(),
                None => return,
            }
        }
        self.halves[0].ask_for_places(below(&mut after, self.buckets()[0]), shown(want).max(want));
    }

    /// Draws a sample ahead, unless it looks at more stretches than are watched.
    fn draw(&mut self, nth: usize, want: usize, drawn: &mut Drawn, mut random: Stream) {
        drawn.want = want;
        drawn.keys.clear();
        let looked = self.walk(Met { want, seen: 0, random: &mut random, out: &mut drawn.keys });
        drawn.after = self.halves[0].watch(nth, looked).then_some(random);
    }
}

/// Two samples that are drawn before they are asked for.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    drawn: [Drawn; 2],
    /// Which of them comes next.
    next: usize,
}

/// A sample that is drawn before it is asked for.
#[derive(Debug, Default)]
struct Drawn {
    want: usize,
    keys: Vec<ObjectId>,
    /// The random numbers that it was drawn with.
    before: Option<Stream>,
    /// Those that were left; `None` where it could not be drawn.
    after: Option<Stream>,
}

impl Drawn {
    /// Whether who draws so many keys with these random numbers draws the same, as long as nobody comes or goes where it
    /// looked.
    #[inline]
    fn is_what_comes(&self, want: usize, random: &Stream) -> bool {
        self.after.is_some() && self.want == want && self.before.as_ref() == Some(random)
    }
}

impl Ahead {
    /// The keys of the next sample, as far as it is drawn.
    pub(super) fn keys(&self) -> &[ObjectId] {
        let next = &self.drawn[self.next];
        if next.after.is_some() { &next.keys } else { &[] }
    }
}

/// At how many places one look for so many keys goes, which tells 96 walks of 100; 0 for more keys than that is made for.
fn shown(keys: usize) -> usize {
    match keys {
        0..=6 => 24,
        7..=14 => 32,
        _ => 0,
    }
}
