//! The pool of candidates: 16 keys with the scores they had when they were sampled.
//!
//! Kept between evictions, ascending by score; the best victim stands last. Scores are never
//! refreshed, a key may stand in it several times, and one that has left the server meanwhile is a
//! ghost, passed over when its turn comes (`redis-7.0 evict.c:evictionPoolPopulate`).

use crate::trace::ObjectId;

/// Places in the pool.
const PLACES: usize = 16;

/// Candidates for eviction, worst first.
#[derive(Debug)]
pub(super) struct Pool([Candidate; PLACES]);

/// A place in the pool.
#[derive(Debug, Clone, Copy)]
struct Candidate {
    /// The score and one; 0 at the places before all others where nobody stands.
    rank: u64,
    object: ObjectId,
}

impl Candidate {
    const NOBODY: Self = Self { rank: 0, object: ObjectId::new(0) };
}

impl Default for Pool {
    fn default() -> Self {
        Self([Candidate::NOBODY; PLACES])
    }
}

impl Pool {
    /// Offers a key with its score; a higher score is a better victim.
    #[inline]
    pub(super) fn offer(&mut self, score: u64, object: ObjectId) {
        let rank = score.saturating_add(1);
        // Most are refused by a full pool, where equality with its worst is not enough.
        if rank <= self.0[0].rank {
            return;
        }
        // Who stands first makes room, or nobody. Most of the others go in near it: shifted one by one they are there before
        // a search has found the place.
        let mut place = 0;
        while let Some(next) = self.0.get(place + 1).copied().filter(|next| next.rank < rank) {
            self.0[place] = next;
            place += 1;
        }
        self.0[place] = Candidate { rank, object };
    }

    /// Takes candidates out, the best first, until one is there.
    pub(super) fn take(&mut self, mut is_there: impl FnMut(ObjectId) -> bool) -> Option<ObjectId> {
        while let Some((_, object)) = self.best() {
            self.0.copy_within(..PLACES - 1, 1);
            self.0[0] = Candidate::NOBODY;
            if is_there(object) {
                return Some(object);
            }
        }
        None
    }

    /// The best candidate with its score; it may have left meanwhile.
    pub(super) fn best(&self) -> Option<(u64, ObjectId)> {
        let Candidate { rank, object } = self.0[PLACES - 1];
        Some((rank.checked_sub(1)?, object))
    }

    /// Forgets all candidates: the server is another one.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// # Panics
    /// If the pool is out of order.
    pub(super) fn check(&self) {
        assert!(self.0.is_sorted_by_key(|candidate| candidate.rank), "candidates stand by their score");
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
                let own = pool.0.iter();
                let own: Vec<(u64, u32)> = own
                    .filter_map(|candidate| Some((candidate.rank.checked_sub(1)?, candidate.object.as_u32())))
                    .collect();
                prop_assert_eq!(own, held);
            }
        }
    }
}
