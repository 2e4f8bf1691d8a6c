//! The pool of candidates: 16 keys with the scores they had when they were sampled.
//!
//! Kept between evictions, ascending by score; the best victim stands last. Scores are never
//! refreshed, a key may stand in it several times, and one that has left the server meanwhile is a
//! ghost, passed over when its turn comes (`redis-7.0 evict.c:evictionPoolPopulate`).

use crate::trace::ObjectId;

/// Places in the pool.
const PLACES: usize = 16;

/// Candidates for eviction, worst first. All places are compared and moved at once, whether somebody stands there or not:
/// where a candidate belongs is chance, on which no branch should wait.
#[derive(Debug, Default)]
pub(super) struct Pool {
    /// Their scores and one; 0 stands before them where there are fewer than places.
    scores: [u64; PLACES],
    objects: [Option<ObjectId>; PLACES],
}

impl Pool {
    /// Offers a key with its score; a higher score is a better victim.
    #[inline]
    pub(super) fn offer(&mut self, score: u64, object: ObjectId) {
        let score = score.saturating_add(1);
        let worse = self.scores.iter().map(|other| usize::from(*other < score)).sum::<usize>();
        // The worst makes room, or nobody; equality with it is refused too.
        let Some(place) = worse.checked_sub(1) else { return };
        for at in 0..PLACES - 1 {
            let from = at + usize::from(at < place);
            (self.scores[at], self.objects[at]) = (self.scores[from], self.objects[from]);
        }
        (self.scores[place], self.objects[place]) = (score, Some(object));
    }

    /// Takes candidates out, the best first, until one is there.
    pub(super) fn take(&mut self, mut is_there: impl FnMut(ObjectId) -> bool) -> Option<ObjectId> {
        while let Some((_, object)) = self.best() {
            self.scores.copy_within(..PLACES - 1, 1);
            self.objects.copy_within(..PLACES - 1, 1);
            (self.scores[0], self.objects[0]) = (0, None);
            if is_there(object) {
                return Some(object);
            }
        }
        None
    }

    /// The best candidate with its score; it may have left meanwhile.
    pub(super) fn best(&self) -> Option<(u64, ObjectId)> {
        let object = self.objects[PLACES - 1]?;
        Some((self.scores[PLACES - 1] - 1, object))
    }

    /// Forgets all candidates: the server is another one.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// # Panics
    /// If the pool is out of order.
    pub(super) fn check(&self) {
        assert!(self.scores.is_sorted(), "candidates stand by their score");
        let both = self.scores.iter().zip(&self.objects);
        assert!(
            both.into_iter().all(|(score, object)| (*score > 0) == object.is_some()),
            "free places have no score"
        );
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The pool as the text of the specification has it: slots that may be empty, filled from the left.
    struct Slots([Option<(u64, u32)>; 16]);

    impl Slots {
        fn offer(&mut self, score: u64, key: u32) {
            let full = self.0[15].is_some();
            let k = self.0.iter().position(|slot| slot.is_none_or(|(other, _)| other >= score)).unwrap_or(16);
            if k == 0 && full {
                return;
            }
            if k < 16 && self.0[k].is_none() {
                self.0[k] = Some((score, key));
            } else if !full {
                self.0[k..].rotate_right(1);
                self.0[k] = Some((score, key));
            } else {
                self.0[..k].rotate_left(1);
                self.0[k - 1] = Some((score, key));
            }
        }
    }

    proptest! {
        #[test]
        fn the_pool_does_what_the_slots_do(offers in prop::collection::vec((0..40_u64, 0..9_u32, 0..6_u8), 0..120)) {
            let mut pool = Pool::default();
            let mut slots = Slots([None; 16]);
            for (score, key, step) in offers {
                if step == 0 {
                    // Keys of even number are there, the others are ghosts.
                    let mut taken = None;
                    for slot in slots.0.iter_mut().rev() {
                        if let Some((_, key)) = slot.take() && key % 2 == 0 {
                            taken = Some(key);
                            break;
                        }
                    }
                    prop_assert_eq!(pool.take(|object| object.as_u32() % 2 == 0).map(ObjectId::as_u32), taken);
                } else {
                    pool.offer(score, ObjectId::new(key));
                    slots.offer(score, key);
                }
                pool.check();
                let held: Vec<(u64, u32)> = slots.0.iter().flatten().copied().collect();
                let own = pool.scores.iter().zip(&pool.objects);
                let own: Vec<(u64, u32)> = own
                    .filter_map(|(score, object)| Some((score.checked_sub(1)?, object.as_ref()?.as_u32())))
                    .collect();
                prop_assert_eq!(own, held);
            }
        }
    }
}
