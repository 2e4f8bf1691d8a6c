//! Making room, as Redis does before every command while there is a limit.
//!
//! The check sees the memory before the write, the arguments of the command included; what the
//! write adds beyond that the next command removes (`redis-7.0 evict.c:performEvictions`).

use super::{Kind, Server, rank};
use crate::cache::eviction::sampled::Rank;
use crate::cache::memory::ACCESS_TIMES;
use crate::cache::{Cache, Capacity, Cause, Slot, State};
use crate::origin::Version;
use crate::trace::ObjectId;
use crate::units::{SimDuration, SimTime};

/// A call looks at its clock once in so many victims.
const VICTIMS: u64 = 16;

/// What became of an attempt to make room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cache) enum Room {
    /// There is room, or eviction goes on in the background: a command may run.
    Made,
    /// Nothing could be evicted: a write is refused.
    None,
}

impl Server {
    /// The LRU, LFU or TTL score of a key: a higher one is a better victim.
    #[inline]
    fn score(&self, key: ObjectId, rank: Rank, slots: &[Slot], now: SimTime) -> u64 {
        if rank == Rank::Ttl {
            // The nearest expiry; milliseconds, as Redis keeps them.
            u64::MAX - self.beside.end_among(key, slots).unwrap_or(SimTime::NEVER).as_nanos() / 1_000_000
        } else {
            self.score_kept(key, rank, now)
        }
    }

    /// The same of what the server keeps of a key beside its value and its end.
    #[inline]
    pub(super) fn score_kept(&self, key: ObjectId, rank: Rank, now: SimTime) -> u64 {
        match rank {
            Rank::Lru => rank::idle(&self.settings, self.lru_clock(now), self.keys[key.index()].stamp),
            Rank::Lfu => {
                let counter = rank::lfu_counter(&self.settings, now, self.keys[key.index()].stamp);
                u64::from(255 - counter)
            }
            Rank::Ttl | Rank::Random => 0,
        }
    }
}

impl Server {
    /// How many keys may be evicted.
    fn candidates(&self) -> usize {
        if self.needs.sampled.is_some_and(|sampled| sampled.volatile) {
            self.expires.len()
        } else {
            self.dict.len()
        }
    }
}

impl Cache {
    /// A command comes in that names `object` and further words of these lengths: what the clock has brought is done, then
    /// room is made for its arguments, which are freed when it runs. A command that brings a value begins with
    /// [`Self::before_set`].
    #[inline]
    pub(in crate::cache) fn before_command(
        &mut self,
        kind: Kind,
        object: ObjectId,
        more: &[u64],
        now: SimTime,
    ) -> Room {
        self.serve_clock(now);
        if self.runs_commands() {
            self.check_command(kind, self.objects.key_len(object), more, now)
        } else {
            Room::Made
        }
    }

    /// The same for a command on the application's sorted set, which takes no memory.
    pub(in crate::cache) fn before_set_command(&mut self, kind: Kind, more: &[u64], now: SimTime) {
        self.serve_clock(now);
        if self.runs_commands() {
            self.check_command(kind, ACCESS_TIMES, more, now);
        }
    }

    /// A command names a key of so many bytes.
    pub(super) fn check_command(&mut self, kind: Kind, key: u64, more: &[u64], now: SimTime) -> Room {
        let by_objects = matches!(self.capacity, Capacity::Objects(_));
        let Some(server) = &mut self.server else { return Room::Made };
        let arguments = match &mut server.overhead {
            None => 0,
            Some(overhead) => {
                let words = [kind.name().len() as u64, key];
                overhead.clients.command(words.into_iter().chain(more.iter().copied()), now)
            }
        };
        server.in_flight = if by_objects { 0 } else { arguments };
        self.note_overhead(now);
        let room = self.room(now);
        self.runs(kind, room);
        self.after_command(now);
        room
    }

    /// A command was checked: unless it is refused it runs, and the first of its kind takes memory.
    fn runs(&mut self, kind: Kind, room: Room) {
        if let Some(server) = &mut self.server
            && let Some(overhead) = &mut server.overhead
            && (room == Room::Made || !kind.takes_memory())
        {
            overhead.ran.add(kind);
            if kind == Kind::EvalSha {
                [Kind::Get, Kind::Del].into_iter().for_each(|kind| overhead.ran.add(kind));
            }
        }
    }

    /// The key of a command that reads a value is looked up: tables move on.
    #[inline]
    pub(in crate::cache) fn step_tables(&mut self, object: ObjectId, now: SimTime) {
        let slot = &self.slots[object.index()];
        let held = slot.state == State::Held && (slot.is_live(now) || !self.is_swept(object));
        let has_ttl = slot.expires_at != SimTime::NEVER;
        if let Some(server) = &mut self.server {
            server.looked_up(object, held, has_ttl);
        }
        self.note_overhead(now);
    }

    /// A command comes in that brings a value: whether it may run, the value on its way counted. [`Self::after_command`]
    /// must follow.
    pub(in crate::cache) fn before_set(
        &mut self,
        kind: Kind,
        object: ObjectId,
        version: Version,
        has_ttl: bool,
        now: SimTime,
    ) -> Room {
        if !self.runs_commands() {
            return Room::Made;
        }
        let by_objects = matches!(self.capacity, Capacity::Objects(_));
        let Self { server, objects, memory, .. } = self;
        let Some(server) = server else { return Room::Made };
        let [arguments, value] = match &mut server.overhead {
            None => [0, memory.cost(objects, object, version, has_ttl)],
            Some(overhead) => {
                let size = objects.size_of(object, version.0);
                overhead.clients.set(objects.key_len(object), size.into(), has_ttl, now)
            }
        };
        server.in_flight = if by_objects { 1 } else { arguments + value };
        self.note_overhead(now);
        let room = self.room(now);
        if let Some(server) = &mut self.server {
            // From here on the value is that of the entry.
            server.in_flight = if by_objects { 0 } else { arguments };
        }
        self.runs(kind, room);
        room
    }

    /// The arguments of the command are freed.
    pub(in crate::cache) fn after_command(&mut self, now: SimTime) {
        if let Some(server) = &mut self.server {
            server.in_flight = 0;
            if let Some(overhead) = &mut server.overhead {
                overhead.clients.done();
            }
        }
        self.note_overhead(now);
    }

    /// Whether a command that brings nothing finds room.
    #[inline]
    pub(in crate::cache) fn is_within_limit(&self) -> bool {
        let (counted, limit) = self.counted();
        counted <= limit
    }

    /// What is counted against the limit, and the limit.
    #[inline]
    pub(in crate::cache) fn counted(&self) -> (u64, u64) {
        match self.capacity {
            Capacity::Unbounded => (self.residency.in_use(), u64::MAX),
            Capacity::Bytes(limit) => (self.residency.in_use(), limit),
            Capacity::Objects(limit) => (self.residency.entries(), limit),
        }
    }

    /// By how many bytes tables may grow: only where the limit is one of bytes that counts them.
    pub(in crate::cache) fn room_for_tables(&self) -> u64 {
        match (self.capacity, self.memory.counting()) {
            (Capacity::Bytes(limit), Some(_)) => limit.saturating_sub(self.residency.in_use()),
            _ => u64::MAX,
        }
    }

    /// Evicts until what is counted, with the bytes in flight, keeps to the limit.
    pub(in crate::cache) fn room(&mut self, now: SimTime) -> Room {
        let (counted, limit) = self.counted();
        let Some(server) = &self.server else { return Room::Made };
        let used = counted.saturating_add(server.in_flight);
        if used <= limit {
            return Room::Made;
        }
        let (cost, longest) =
            (server.settings.expire_cost.as_nanos(), server.settings.eviction_limit().as_nanos());
        let (goal, mut freed, mut victims) = (used - limit, 0, 0);
        while freed < goal {
            let Some(victim) = self.sampled_victim(now) else { return Room::None };
            let (before, _) = self.counted();
            self.remove_key(victim, Cause::Evicted, now);
            freed += before - self.counted().0;
            victims += 1;
            if victims % VICTIMS == 0 && victims * cost > longest {
                if let Some(server) = &mut self.server {
                    (server.pending, server.wake) = (Some(now), SimTime::ZERO);
                }
                break;
            }
        }
        self.foresee(now);
        debug_assert!(self.keeps_to_its_limit(), "room was made, or eviction goes on in the background");
        Room::Made
    }

    /// Whether what is counted and on its way keeps to the limit, unless eviction hit its time limit.
    fn keeps_to_its_limit(&self) -> bool {
        let (counted, limit) = self.counted();
        self.server.as_ref().is_none_or(|server| {
            server.pending.is_some() || counted.saturating_add(server.in_flight) <= limit
        })
    }

    /// An eviction that hit its time limit goes on in the time that has passed since, one victim after the other: its
    /// timer fires in every turn of the event loop, whether a command comes in or not (`evict.c:evictionTimeProc`).
    pub(super) fn go_on_evicting(&mut self, now: SimTime) {
        let Some(since) = self.server.as_mut().and_then(|server| server.pending.take()) else { return };
        let Some(server) = &self.server else { return };
        let each = server.settings.span(server.settings.expire_cost).max(SimDuration::from_nanos(1));
        let mut last = since;
        while !self.is_within_limit() {
            if last + each > now {
                if let Some(server) = &mut self.server {
                    server.pending = Some(last);
                }
                return;
            }
            let Some(victim) = self.sampled_victim(last + each) else { return };
            last += each;
            self.remove_key(victim, Cause::Evicted, last);
        }
    }

    /// Who leaves next.
    fn sampled_victim(&mut self, now: SimTime) -> Option<ObjectId> {
        let Self { server, slots, eviction, .. } = self;
        let server = server.as_mut()?;
        let Some(sampled) = server.needs.sampled else { return eviction.victim() };
        let samples = server.settings.samples as usize;
        loop {
            let Server { dict, expires, random, keys, scratch, ahead, .. } = &mut **server;
            if sampled.volatile {
                let rows = expires.rows_mut()?;
                if sampled.rank == Rank::Random {
                    return rows.random_key(random, keys);
                }
                rows.sample(samples, ahead, random, keys, scratch);
            } else {
                let rows = dict.rows_mut()?;
                if sampled.rank == Rank::Random {
                    return rows.random_key(random, keys);
                }
                rows.sample(samples, ahead, random, keys, scratch);
            }
            if scratch.is_empty() && server.candidates() == 0 {
                return None;
            }
            let drawn = std::mem::take(&mut server.scratch);
            for key in &drawn {
                let score = server.score(*key, sampled.rank, slots, now);
                server.pool.offer(score, *key);
            }
            let (mut candidates, looked_up) = (0, if sampled.rank == Rank::Ttl { 0 } else { drawn.len() });
            server.scratch = drawn;
            let Server { pool, beside, .. } = &mut **server;
            // Among the keys stands who is held, and among those with a TTL who has an end too.
            let is_there = |key: ObjectId| {
                candidates += 1;
                beside.end_among(key, slots).is_some_and(|end| !sampled.volatile || end != SimTime::NEVER)
            };
            let victim = pool.take(is_there);
            if server.is_moving() {
                server.step_candidates(candidates, looked_up);
            }
            if victim.is_some() {
                return victim;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::{Kinds, Settings};
    use super::*;
    use crate::cache::eviction::EVICTIONS;
    use crate::cache::memory::MEMORIES;
    use crate::cache::reclaim::RECLAIMS;
    use crate::cache::{Entry, Residency, Setup, Stored};
    use crate::random::Seed;
    use crate::trace::{ClassId, Fact, Keys, Objects};
    use crate::units::Window;

    fn at(secs: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_secs(secs)
    }

    /// A cache of so many objects of 100 bytes under `allkeys-lru`, all of which it holds.
    fn filled(memory: &'static str, objects: usize, settings: Settings) -> Cache {
        let facts = vec![Fact { size: 100, class: ClassId::default(), size_is_imputed: false }; objects];
        let all = Arc::new(Objects::new(facts, Keys::Numbered, vec!["all".to_owned()]));
        let setup = Setup { objects, ..Setup::nothing() };
        let made = "it has no parameters";
        let cache = Cache::new(
            all,
            Capacity::Unbounded,
            EVICTIONS.default_choice("allkeys-lru").make(&setup).expect(made),
            RECLAIMS.default_choice("lazy").make(&setup).expect(made),
            MEMORIES.default_choice(memory).make(&setup).expect(made),
            Residency::new(Window { from: SimTime::ZERO, until: at(100) }, SimDuration::from_secs(10)),
        );
        let mut cache = cache.serving(settings, Seed::new(1));
        let never = SimTime::NEVER;
        let entry = Entry { stored_at: at(0), fresh_until: never, expires_at: never, version: Version(0) };
        for object in (0..objects).map(ObjectId::from_index) {
            assert_eq!(cache.set(object, entry, at(0)), Stored::Yes);
        }
        cache
    }

    #[test]
    fn a_script_that_gives_a_lock_back_runs_its_get_and_its_del() {
        let mut cache = filled("redis", 1, Settings::default());
        let ran =
            |cache: &Cache| cache.server.as_ref().and_then(|server| server.overhead.as_ref()).unwrap().ran;
        assert_eq!(ran(&cache), Kinds::named(["set"]));
        assert!(cache.asked(Kind::EvalSha, ObjectId::new(0), &[], at(1)));
        assert_eq!(ran(&cache), Kinds::named(["set", "evalsha", "get", "del"]));
    }

    #[test]
    fn every_tick_tends_the_tables_while_an_eviction_that_hit_its_time_limit_goes_on() {
        // A tick moves as many buckets as it can before it looks at the clock, and no more.
        let slow = SimDuration::from_millis(1);
        let mut cache =
            filled("payload", 4_000, Settings { expire_cost: slow, visit_cost: slow, ..Settings::default() });
        let buckets = |cache: &Cache| cache.server.as_ref().unwrap().dict.buckets();
        assert_eq!(buckets(&cache), [4_096, 0]);
        // 3700 keys leave, one a millisecond, and nobody sends anything: when fewer than a tenth of the table are left it
        // shrinks, and has shrunk some ticks later.
        cache.set_limit(Capacity::Bytes(30_000), at(0));
        assert_eq!((cache.entries(), buckets(&cache)), (4_000 - VICTIMS, [4_096, 0]));
        cache.bytes_at(at(10));
        assert_eq!((cache.entries(), buckets(&cache)), (300, [512, 0]));
        cache.check();
    }
}
