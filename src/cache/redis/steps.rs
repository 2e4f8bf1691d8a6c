//! How often a command looks into the tables: while keys move, each look moves the next bucket.
//!
//! Beside the places that a command changes, a server looks a key up to find it, once more for its end, and once more
//! among all keys for whoever has one. Counted on Redis 7.0.15 by `DEBUG HTSTATS`, which tells how many buckets of the old
//! table still hold keys (keys / ends, where there are ends at all):
//!
//! | command | without a TTL | with one |
//! |---|---|---|
//! | GET, EXISTS that find nothing | 1 / 0 | |
//! | GET, EXISTS | 1 / 1 | 2 / 1 |
//! | TTL | 1 / 2 | 3 / 2 |
//! | SET of a new key | 3 / 1 | 4 / 2 |
//! | SET over a live one | 3 / 2 | 5 / 3 |
//! | SET of a new key with KEEPTTL | 2 / 0 | |
//! | SET over a live one with KEEPTTL | 2 / 1 | 3 / 1 |
//! | PEXPIRE | 2 / 2 | 3 / 2 |
//! | DEL | 1 / 2 | 2 / 2 |
//!
//! (`db.c:lookupKey`, `db.c:getExpire`, `db.c:setKey`, `db.c:setExpire`, `db.c:removeExpire`, `db.c:dbGenericDelete`.)

use super::{Ends, Server};
use crate::cache::{Cache, State};
use crate::trace::ObjectId;
use crate::units::SimTime;

impl Server {
    /// Whether keys move in one of the tables.
    #[inline]
    pub(super) fn is_moving(&self) -> bool {
        self.dict.is_moving() || self.expires.is_moving()
    }

    /// A key is looked up, and if it is there, whether it is dead.
    pub(super) fn step_lookup(&mut self, is_held: bool, has_ttl: bool) {
        self.dict.step(&mut self.keys);
        if is_held {
            self.step_end(has_ttl);
        }
    }

    /// It is asked when a key ends.
    fn step_end(&mut self, has_ttl: bool) {
        self.expires.step(&mut self.keys);
        if has_ttl {
            self.dict.step(&mut self.keys);
        }
    }

    /// SET has put a value where there was none, or over another; [`Self::step_arm`] follows if it sets a TTL.
    pub(super) fn step_written(&mut self, over: bool, ends: Ends, had_ttl: bool) {
        if !self.is_moving() {
            return;
        }
        if over {
            self.dict.step(&mut self.keys);
        }
        if ends == Ends::Kept {
            return;
        }
        // The TTL of the old value goes, whether there was one or not; one that was there is taken out next, and that is
        // the look.
        self.dict.step(&mut self.keys);
        if !had_ttl {
            self.expires.step(&mut self.keys);
        }
    }

    /// A key gets an end, or loses it; the place among the ends is looked for by whoever changes it.
    #[inline]
    pub(super) fn step_arm(&mut self) {
        self.dict.step(&mut self.keys);
    }

    /// So many candidates of the pool are looked for, and before that so many keys of which only the end was drawn.
    pub(super) fn step_candidates(&mut self, candidates: usize, drawn: usize) {
        let Self { dict, expires, keys, .. } = self;
        if self.needs.sampled.is_some_and(|sampled| sampled.volatile) {
            (0..drawn).for_each(|_| dict.step(keys));
            (0..candidates).for_each(|_| expires.step(keys));
        } else {
            (0..candidates).for_each(|_| dict.step(keys));
        }
    }

    /// DEL asks first whether the key is dead; what is not there it looks for all the same.
    fn step_delete(&mut self, is_held: bool, has_ttl: bool) {
        self.step_end(has_ttl);
        if !is_held {
            self.expires.step(&mut self.keys);
            self.dict.step(&mut self.keys);
        }
    }
}

/// What a command is about to do with a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cache) enum Look {
    /// It looks it up.
    Up,
    /// It asks when it ends, having looked it up.
    End,
    /// It deletes it.
    Delete,
    /// It takes its end away, and there is none.
    NoEnd,
}

impl Cache {
    /// A command looks for a key: while keys move, the tables move on.
    #[inline]
    pub(in crate::cache) fn look_in_tables(&mut self, object: ObjectId, look: Look, now: SimTime) {
        if self.server.as_ref().is_some_and(|server| server.is_moving()) {
            self.step_on(object, look, now);
        }
    }

    #[cold]
    fn step_on(&mut self, object: ObjectId, look: Look, now: SimTime) {
        let slot = &self.slots[object.index()];
        let is_held = slot.state == State::Held && (slot.is_live(now) || !self.is_swept(object));
        let has_ttl = is_held && slot.expires_at != SimTime::NEVER;
        if let Some(server) = &mut self.server {
            for _ in 0..server.keys_each() {
                match look {
                    Look::Up => server.step_lookup(is_held, has_ttl),
                    Look::End => server.step_end(has_ttl),
                    Look::Delete => server.step_delete(is_held, has_ttl),
                    Look::NoEnd => server.step_written(false, Ends::Replaced, false),
                }
            }
        }
        self.note_overhead(now);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::{Needs, Settings};
    use super::*;
    use crate::random::Seed;
    use crate::trace::{ClassId, Fact, Keys, Objects};

    const KEYS: u32 = 16;

    /// The keys with a TTL, bucket by bucket, after all came and the end of one was set so.
    fn standing(number: u32, ends: Ends) -> Vec<ObjectId> {
        let facts = vec![Fact { size: 1, class: ClassId::default(), size_is_imputed: false }; KEYS as usize];
        let objects = Arc::new(Objects::new(facts, Keys::Numbered, vec!["all".to_owned()]));
        let needs = Needs { active: true, commands: true, ..Needs::default() };
        let mut server = Server::new(needs, Settings::default(), Seed::new(4), &objects);
        let [end, later] = [60, 90].map(|secs| SimTime::from_nanos(secs * 1_000_000_000));
        for object in (0..KEYS).map(ObjectId::new) {
            server.stored(object, end, Ends::Replaced, SimTime::ZERO, u64::MAX);
        }
        server.expires.advance(100, &mut server.keys);
        let end = if ends == Ends::Kept { end } else { later };
        server.armed(ObjectId::new(number), true, ends, end, u64::MAX);
        let mut standing = Vec::new();
        let buckets = server.expires.buckets()[0];
        (0..buckets).for_each(|place| server.expires.each(0, place, |object| standing.push(object)));
        server.expires.check(&server.keys);
        standing
    }

    #[test]
    fn an_end_that_is_kept_or_moved_stays_where_it_stands_and_that_of_a_set_comes_first() {
        let before = standing(0, Ends::Kept);
        assert_eq!(before.len(), KEYS as usize);
        assert!((0..KEYS).all(|number| standing(number, Ends::Kept) == before));
        assert!((0..KEYS).all(|number| standing(number, Ends::Moved) == before));
        assert!((0..KEYS).any(|number| standing(number, Ends::Replaced) != before), "two share a bucket");
    }
}
