//! Buckets as chains of keys, from which victims are drawn as Redis draws them.
//!
//! Four bytes a bucket and four a key: the head of each chain, and with each key who follows.

use super::keys::{ABSENT, Key, Keys};
use super::table::{Listed, NIL, Storage, Table, below, bucket};
use crate::random::Stream;
use crate::trace::ObjectId;
use crate::trace::prefetch::{on_large_pages, prefetch};

/// Heads of the chains: the newest key of each bucket.
#[derive(Debug, Default)]
pub(super) struct Chains<const LINK: usize> {
    heads: Vec<u32>,
}

impl<const LINK: usize> Storage for Chains<LINK> {
    fn with(buckets: usize, _: usize) -> Self {
        let mut heads = on_large_pages(buckets);
        heads.resize(buckets, NIL);
        Self { heads }
    }

    #[inline]
    fn buckets(&self) -> usize {
        self.heads.len()
    }

    #[inline]
    fn is_vacant(&self, place: usize) -> bool {
        self.heads[place] == NIL
    }

    fn add(&mut self, object: ObjectId, _: u32, keys: &mut Keys) {
        let key = &mut keys[object.index()];
        let place = bucket(key.hash, self.heads.len());
        key.links[LINK] = std::mem::replace(&mut self.heads[place], object.as_u32());
    }

    fn holds(&self, object: ObjectId, keys: &Keys) -> bool {
        keys[object.index()].links[LINK] != ABSENT
    }

    fn unlink(&mut self, object: ObjectId, keys: &mut Keys) -> bool {
        let (own, Key { hash, links, .. }) = (object.as_u32(), keys[object.index()]);
        let place = bucket(hash, self.heads.len());
        let mut at = self.heads[place];
        if at == own {
            self.heads[place] = links[LINK];
            keys[object.index()].links[LINK] = ABSENT;
            return true;
        }
        while at != NIL {
            let next = &mut keys[at as usize].links[LINK];
            if *next == own {
                *next = links[LINK];
                keys[object.index()].links[LINK] = ABSENT;
                return true;
            }
            at = *next;
        }
        false
    }

    fn hand_over(&mut self, place: usize, to: &mut Self, keys: &mut Keys) -> usize {
        let (mut key, mut count) = (std::mem::replace(&mut self.heads[place], NIL), 0);
        while key != NIL {
            let next = keys[key as usize].links[LINK];
            to.add(ObjectId::new(key), 0, keys);
            (key, count) = (next, count + 1);
        }
        count
    }
}

impl<const LINK: usize> Listed for Chains<LINK> {
    fn each(&self, place: usize, keys: &Keys, mut visit: impl FnMut(ObjectId)) {
        let mut key = self.heads[place];
        while key != NIL {
            debug_assert_ne!(key, ABSENT, "a chain leads to keys that are there");
            visit(ObjectId::new(key));
            key = keys[key as usize].links[LINK];
        }
    }
}

impl<const LINK: usize> Chains<LINK> {
    fn nth(&self, place: usize, n: usize, keys: &Keys) -> ObjectId {
        let next = |key: u32, _| keys[key as usize].links[LINK];
        ObjectId::new((0..n).fold(self.heads[place], next))
    }
}

impl<const LINK: usize> Table<Chains<LINK>> {
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
            let mut length = 0;
            self.each(half, place, keys, |_| length += 1);
            if length > 0 {
                return Some(self.halves[half].nth(place, below(random, length), keys));
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
        let larger = self.larger();
        let (mut place, mut gap, mut seen) = (below(random, larger), 0, 0);
        for _ in 0..10 * want {
            for half in 0..=usize::from(self.is_moving()) {
                if half == 0
                    && let Some(first) = self.moving.filter(|first| place < *first)
                {
                    // Beyond the new table nobody lives before the first bucket that is not emptied: it jumps there.
                    if place < self.halves[1].buckets() {
                        continue;
                    }
                    place = first;
                }
                if place >= self.halves[half].buckets() {
                    continue;
                }
                let mut key = self.halves[half].heads[place];
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
                    key = keys[key as usize].links[LINK];
                }
                if seen >= want {
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

    /// Where the next sample will begin, unless something else is drawn before; its heads are asked for.
    pub(super) fn foresee(&self, random: &Stream) -> usize {
        let place = below(&mut random.clone(), self.larger().max(1));
        let half = &self.halves[usize::from(self.is_moving())];
        prefetch(&half.heads, place);
        prefetch(&half.heads, place + 8);
        place
    }

    /// Asks for the keys at the heads of `buckets` chains from `place` on, or for those that follow them.
    #[inline]
    pub(super) fn ask_for(&self, place: usize, buckets: usize, followers: bool, keys: &Keys) {
        let heads = &self.halves[usize::from(self.is_moving())].heads;
        let end = heads.len().min(place + buckets);
        for head in heads.get(place..end).unwrap_or_default() {
            if followers && *head != NIL {
                keys.prefetch(keys[*head as usize].links[LINK] as usize);
            } else {
                keys.prefetch(*head as usize);
            }
        }
    }
}
