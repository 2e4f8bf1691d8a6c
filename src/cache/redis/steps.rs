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
            match look {
                Look::Up => server.step_lookup(is_held, has_ttl),
                Look::End => server.step_end(has_ttl),
                Look::Delete => server.step_delete(is_held, has_ttl),
                Look::NoEnd => server.step_written(false, Ends::Replaced, false),
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
    use crate::cache::eviction::EVICTIONS;
    use crate::cache::memory::MEMORIES;
    use crate::cache::reclaim::RECLAIMS;
    use crate::cache::{Capacity, Entry, Residency, Setup, Stored};
    use crate::origin::Version;
    use crate::random::Seed;
    use crate::trace::{ClassId, Fact, Keys, Objects};
    use crate::units::{SimDuration, Window};

    const KEYS: u32 = 16;

    const END: SimTime = SimTime::from_nanos(60_000_000_000);
    const LATER: SimTime = SimTime::from_nanos(90_000_000_000);

    fn objects() -> Arc<Objects> {
        let facts = vec![Fact { size: 1, class: ClassId::default(), size_is_imputed: false }; KEYS as usize];
        Arc::new(Objects::new(facts, Keys::Numbered, vec!["all".to_owned()]))
    }

    /// The keys with a TTL, bucket by bucket.
    fn in_buckets(server: &Server) -> Vec<ObjectId> {
        let mut standing = Vec::new();
        let buckets = server.expires.buckets()[0];
        (0..buckets).for_each(|place| server.expires.each(0, place, |object| standing.push(object)));
        server.expires.check(&server.keys);
        standing
    }

    /// The same after all came and the end of one was set so.
    fn standing(number: u32, ends: Ends) -> Vec<ObjectId> {
        let objects = objects();
        let needs = Needs { active: true, commands: true, ..Needs::default() };
        let mut server = Server::new(needs, Settings::default(), Seed::new(4), &objects);
        for object in (0..KEYS).map(ObjectId::new) {
            server.stored(object, END, Ends::Replaced, SimTime::ZERO, u64::MAX);
        }
        server.expires.advance(100, &mut server.keys);
        let end = if ends == Ends::Kept { END } else { LATER };
        server.armed(ObjectId::new(number), true, ends, end, u64::MAX);
        in_buckets(&server)
    }

    /// The same after a value of a cache was written again with a later end.
    fn standing_after(
        number: u32,
        write: fn(&mut Cache, ObjectId, Entry, SimTime) -> Stored,
    ) -> Vec<ObjectId> {
        let setup = Setup { objects: KEYS as usize, ..Setup::nothing() };
        let made = "it has no parameters";
        let mut cache = Cache::new(
            objects(),
            Capacity::Unbounded,
            EVICTIONS.default_choice("volatile-lru").make(&setup).expect(made),
            RECLAIMS.default_choice("lazy").make(&setup).expect(made),
            MEMORIES.default_choice("payload").make(&setup).expect(made),
            Residency::new(Window { from: SimTime::ZERO, until: LATER }, SimDuration::from_secs(10)),
        );
        let entry = |expires_at| Entry {
            stored_at: SimTime::ZERO,
            fresh_until: expires_at,
            expires_at,
            version: Version::default(),
        };
        for object in (0..KEYS).map(ObjectId::new) {
            assert_eq!(cache.set(object, entry(END), SimTime::ZERO), Stored::Yes);
        }
        let server = cache.server.as_mut().expect("a policy of Redis has one");
        server.expires.advance(100, &mut server.keys);
        assert_eq!(write(&mut cache, ObjectId::new(number), entry(LATER), SimTime::ZERO), Stored::Yes);
        cache.check();
        in_buckets(cache.server.as_ref().expect("it is still there"))
    }

    #[test]
    fn an_end_that_is_kept_or_moved_stays_where_it_stands_and_that_of_a_set_comes_first() {
        let before = standing(0, Ends::Kept);
        assert_eq!(before.len(), KEYS as usize);
        assert!((0..KEYS).all(|number| standing(number, Ends::Kept) == before));
        assert!((0..KEYS).all(|number| standing(number, Ends::Moved) == before));
        assert!((0..KEYS).any(|number| standing(number, Ends::Replaced) != before), "two share a bucket");
    }

    #[test]
    fn a_value_that_is_confirmed_keeps_the_place_of_its_end_as_under_pexpire() {
        let before = standing_after(0, |_, _, _, _| Stored::Yes);
        assert!((0..KEYS).all(|number| standing_after(number, Cache::confirm) == before));
        assert!((0..KEYS).any(|number| standing_after(number, Cache::set) != before), "two share a bucket");
    }
}
