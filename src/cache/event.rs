//! What happens to the server itself: a flush, a restart, the loss of a shard, a new limit.
//!
//! A restart is an orderly one: the last snapshot or the append-only file holds everything. Snapshot
//! and log both store the instant of an expiry, so a TTL goes on while the server is down; that was
//! measured on Redis 7.0.15. Some documents claim the opposite, which is here as [`TtlClock::Paused`].

use serde::{Deserialize, Serialize};

use super::cluster::{shard, slot};
use super::command::END;
use super::memory::KeyBeside;
use super::{Cache, Capacity, Cause, Entry, Slot, State};
use crate::trace::ObjectId;
use crate::units::{SimDuration, SimTime};

/// Something that happens to the server at an instant of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServerEvent {
    /// When.
    pub at: SimTime,
    /// What.
    pub what: Happening,
}

/// What happens to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Happening {
    /// Every key is deleted, as FLUSHALL does.
    Flush,
    /// The server ends and comes back.
    Restart(Restart),
    /// One shard of a cluster ends, and comes back empty.
    ShardLoss(ShardLoss),
    /// The limit changes, as CONFIG SET maxmemory does.
    Limit(Capacity),
}

impl ServerEvent {
    /// Until when the server, or a part of it, cannot be reached: for a restart, when it is back.
    pub fn until(&self) -> SimTime {
        match self.what {
            Happening::Restart(restart) => self.at + restart.down,
            Happening::ShardLoss(loss) => self.at + loss.down,
            Happening::Flush | Happening::Limit(_) => self.at,
        }
    }
}

/// How a server ends and comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Restart {
    /// How long it cannot be reached.
    pub down: SimDuration,
    /// What it loads when it comes back.
    pub persistence: Persistence,
    /// What becomes of TTLs meanwhile.
    pub ttl: TtlClock,
}

/// The loss of a shard: its keys are gone, and cannot be reached until an empty node has taken its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShardLoss {
    /// How long until its slots are served again.
    pub down: SimDuration,
    /// Shards of the cluster, with equal shares of the slots.
    pub shards: u16,
    /// Which of them is lost, from 0.
    pub shard: u16,
}

/// The keys of a lost shard.
#[derive(Debug, Default)]
pub(super) struct Lost {
    /// They cannot be reached before this instant.
    pub(super) until: SimTime,
    /// By object, whether its key lies there; empty while no shard is lost.
    keys: Vec<bool>,
}

/// What a server loads when it comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Persistence {
    /// Nothing: every key is lost.
    #[default]
    None,
    /// A snapshot: keys whose TTL has run out by then are dropped while loading, uncounted.
    Rdb,
    /// The append-only file: such keys are loaded, and expire as usual, counted.
    Aof,
}

/// What becomes of the TTLs of values while the server is down; those of locks and of remembered errors go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TtlClock {
    /// They go on; what Redis does.
    #[default]
    WallClock,
    /// They stop; what some documents claim.
    Paused,
}

impl Cache {
    /// Deletes every key: later misses of what was held are `lost`.
    pub fn flush(&mut self, now: SimTime) {
        self.reclaim_due(now);
        self.settle_all();
        self.lose_everything(now);
    }

    /// The server ends at `now`, to come back at the end of `restart.down`; until then nothing is found,
    /// and nothing can be stored. What it will load again counts as resident meanwhile.
    pub fn shut_down(&mut self, restart: Restart, now: SimTime) {
        self.reclaim_due(now);
        self.settle_all();
        self.down_until = now + restart.down;
        self.stopped = (restart.ttl == TtlClock::Paused).then_some(now);
        self.trouble_until = self.down_until.max(self.lost.until);
        if restart.persistence == Persistence::None {
            self.lose_everything(now);
        }
    }

    /// The server is back at `now` and has loaded what it had kept.
    pub fn come_back(&mut self, restart: Restart, now: SimTime) {
        (self.down_until, self.stopped) = (SimTime::ZERO, None);
        self.trouble_until = self.lost.until;
        if restart.ttl == TtlClock::Paused {
            for object in (0..self.slots.len()).map(ObjectId::from_index) {
                self.postpone(object, restart.down, now);
            }
            self.postpone_deadlines(restart.down, now);
            self.far_ends.postpone(restart.down);
        }
        let mut saved = [0; 2];
        if restart.persistence == Persistence::Rdb {
            let kept = self.slots.iter().filter(|slot| slot.state == State::Held);
            let with_ttl = kept.clone().filter(|slot| slot.expires_at != SimTime::NEVER).count();
            let beside = self.all_beside();
            let dead_or_not = beside.iter().filter(|(_, end, _)| *end != SimTime::NEVER).count();
            saved = [kept.count() + beside.len(), with_ttl + dead_or_not];
            for object in self.held(|slot| !slot.is_live(now)) {
                self.drop_while_loading(object, now);
            }
            for (key, _, _) in beside.into_iter().filter(|(_, end, _)| *end < now) {
                self.remove_key_beside(key, Cause::Lost, now);
            }
        }
        if let Some(server) = &mut self.server {
            server.restarted(restart, now, &self.slots, saved);
            self.note_overhead(now);
        }
    }

    /// A shard is lost at `now`: its keys are gone, and until the end of `loss.down` nothing of it is found or stored. The
    /// limit stays that of the whole cluster. Gives the keys by object.
    ///
    /// # Panics
    /// Without shards.
    pub fn lose_shard(&mut self, loss: ShardLoss, now: SimTime) -> &[bool] {
        self.reclaim_due(now);
        self.settle_all();
        let mut key = String::new();
        let mut lies_there = |object: ObjectId| {
            key.clear();
            self.objects.write_key(object, &mut key);
            shard(slot(key.as_bytes()), loss.shards) == loss.shard
        };
        let keys: Vec<bool> =
            (0..self.slots.len()).map(|index| lies_there(ObjectId::from_index(index))).collect();
        for object in self.held(|_| true) {
            if keys[object.index()] {
                self.remove(object, Cause::Lost, now);
            }
        }
        for object in (0..keys.len()).filter(|index| keys[*index]).map(ObjectId::from_index) {
            KeyBeside::ALL.into_iter().for_each(|which| self.remove_beside(object, which, Cause::Lost, now));
        }
        self.lost = Lost { until: now + loss.down, keys };
        self.trouble_until = self.down_until.max(self.lost.until);
        &self.lost.keys
    }

    /// The slots of the lost shard are served again.
    pub fn shard_is_back(&mut self) {
        self.lost = Lost::default();
        self.trouble_until = self.down_until;
    }

    /// Whether a key cannot be reached at `now`: no server, or its shard is lost.
    #[inline]
    pub fn is_out_of_reach(&self, object: ObjectId, now: SimTime) -> bool {
        self.is_down(now) || (now < self.lost.until && self.lost.keys[object.index()])
    }

    /// The limit changes at `now`; what exceeds a lower one leaves at once. Policies that divide a limit
    /// among queues know only the one they were made for: see `EvictionPolicy::knows_limit`.
    pub fn set_limit(&mut self, capacity: Capacity, now: SimTime) {
        self.reclaim_due(now);
        self.settle_all();
        if !self.eviction.ignores_capacity() {
            self.capacity = self.read_limit(capacity);
            if self.runs_commands() {
                self.room(now);
            } else {
                self.make_room(0, 0, now);
            }
        }
    }

    /// A limit as the cache reads it: 0 is none to Redis (`maxmemory 0`).
    pub(super) fn read_limit(&self, limit: Capacity) -> Capacity {
        if self.runs_commands() && limit == Capacity::Bytes(0) { Capacity::Unbounded } else { limit }
    }

    /// Why a lookup finds nothing while the server is down: what is there to be loaded again is `lost`
    /// to the request, and all else is missing for the reason it was missing before.
    pub(super) fn unreachable(&self, object: ObjectId, now: SimTime) -> Cause {
        let slot = &self.slots[object.index()];
        // What had time left when the clock stopped will be alive when the server is back.
        let as_of = self.stopped.unwrap_or(now);
        match slot.state {
            State::Held if slot.is_live(as_of) => Cause::Lost,
            State::Held => Cause::Expired,
            State::Absent(cause) => cause,
        }
    }

    fn lose_everything(&mut self, now: SimTime) {
        for object in self.held(|_| true) {
            self.remove(object, Cause::Lost, now);
        }
        for (key, _, _) in self.all_beside() {
            self.remove_key_beside(key, Cause::Lost, now);
        }
        if let Some(server) = &mut self.server {
            server.flushed();
            self.note_overhead(now);
        }
    }

    /// What is held and is such, by id.
    fn held(&self, such: impl Fn(&Slot) -> bool) -> Vec<ObjectId> {
        let held = self.slots.iter().enumerate().filter(|(_, slot)| slot.state == State::Held && such(slot));
        held.map(|(index, _)| ObjectId::from_index(index)).collect()
    }

    /// Moves the expiry of an entry, and with it the application's deadline where that is the same.
    fn postpone(&mut self, object: ObjectId, by: SimDuration, now: SimTime) {
        let slot = &self.slots[object.index()];
        if slot.state != State::Held || slot.expires_at == SimTime::NEVER {
            return;
        }
        let Entry { fresh_until, expires_at, .. } = slot.entry();
        let later = (expires_at + by).min(END);
        self.arm(object, if fresh_until == expires_at { later } else { fresh_until }, later, now);
    }

    /// A dead entry is not loaded. It is missing because it expired, but the server does not count it.
    fn drop_while_loading(&mut self, object: ObjectId, now: SimTime) {
        self.remove_value(object, Cause::Lost, now);
        self.slots[object.index()].state = State::Absent(Cause::Expired);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::cache::eviction::EVICTIONS;
    use crate::cache::memory::MEMORIES;
    use crate::cache::reclaim::RECLAIMS;
    use crate::cache::{Lookup, Residency, Setup, Stored};
    use crate::origin::Version;
    use crate::trace::{ClassId, Fact, Keys, Objects};
    use crate::units::Window;

    fn at(secs: u64) -> SimTime {
        SimTime::from_nanos(secs * 1_000_000_000)
    }

    fn object(number: u32) -> ObjectId {
        ObjectId::new(number)
    }

    /// A cache of five objects of 100 bytes; objects 0 and 1 live until 20 s and 60 s.
    fn cache() -> Cache {
        reclaiming("lazy")
    }

    fn reclaiming(reclaim: &'static str) -> Cache {
        let facts = vec![Fact { size: 100, class: ClassId::default(), size_is_imputed: false }; 5];
        let objects = Arc::new(Objects::new(facts, Keys::Numbered, vec!["all".to_owned()]));
        let setup = Setup { objects: 5, ..Setup::nothing() };
        let made = "it has no parameters";
        let mut cache = Cache::new(
            objects,
            Capacity::Unbounded,
            EVICTIONS.default_choice("lru").make(&setup).expect(made),
            RECLAIMS.default_choice(reclaim).make(&setup).expect(made),
            MEMORIES.default_choice("payload").make(&setup).expect(made),
            Residency::new(Window { from: SimTime::ZERO, until: at(100) }, SimDuration::from_secs(10)),
        );
        for (number, end) in [(0, 20), (1, 60)] {
            assert_eq!(cache.set(object(number), entry(end), at(0)), Stored::Yes);
        }
        cache
    }

    fn entry(end: u64) -> Entry {
        Entry { stored_at: at(0), fresh_until: at(end), expires_at: at(end), version: Version(0) }
    }

    /// The server goes down at 10 s and is back at 40 s.
    fn restarted(persistence: Persistence, ttl: TtlClock) -> Cache {
        restarting(cache(), persistence, ttl)
    }

    fn restarting(mut cache: Cache, persistence: Persistence, ttl: TtlClock) -> Cache {
        let restart = Restart { down: SimDuration::from_secs(30), persistence, ttl };
        cache.shut_down(restart, at(10));
        assert_eq!(cache.get(object(0), at(20)), Lookup::Absent(Cause::Lost));
        // What dies meanwhile is missing for that reason, unless its clock stands still and it will be loaded again.
        let dies = persistence != Persistence::None && ttl == TtlClock::WallClock;
        assert_eq!(
            cache.get(object(0), at(21)),
            Lookup::Absent(if dies { Cause::Expired } else { Cause::Lost })
        );
        assert_eq!(cache.get(object(2), at(21)), Lookup::Absent(Cause::Cold));
        assert_eq!(cache.peek(object(1), at(21)), None);
        assert_eq!(cache.set(object(2), entry(90), at(21)), Stored::Unreachable);
        assert!(!cache.delete(object(1), Cause::Evicted, at(22)));
        cache.come_back(restart, at(40));
        cache
    }

    /// What is found at 40 s of the key that died at 20 s, whether the other one is there at 60 s and at 61 s,
    /// and how many keys the server counts as expired.
    fn story(mut cache: Cache) -> (Lookup, bool, bool, u64) {
        let dead = cache.get(object(0), at(40));
        let mut lives = |secs| matches!(cache.get(object(1), at(secs)), Lookup::Held(_));
        let (last, after) = (lives(60), lives(61));
        (dead, last, after, cache.finish(at(100)).expired)
    }

    #[test]
    fn a_ttl_goes_on_while_the_server_is_down_and_a_snapshot_drops_what_died_uncounted() {
        let gone = Lookup::Absent(Cause::Expired);
        assert_eq!(story(restarted(Persistence::Rdb, TtlClock::WallClock)), (gone, true, false, 1));
        assert_eq!(story(restarted(Persistence::Aof, TtlClock::WallClock)), (gone, true, false, 2));
        let lost = Lookup::Absent(Cause::Lost);
        assert_eq!(story(restarted(Persistence::None, TtlClock::WallClock)), (lost, false, false, 0));
    }

    #[test]
    fn nobody_reclaims_while_there_is_no_server() {
        for (persistence, expired) in [(Persistence::Rdb, 1), (Persistence::Aof, 2)] {
            let cache = restarting(reclaiming("eager"), persistence, TtlClock::WallClock);
            assert_eq!(story(cache), (Lookup::Absent(Cause::Expired), true, false, expired));
        }
        // The run ends while it is down.
        let mut cache = reclaiming("eager");
        let restart = Restart {
            down: SimDuration::from_secs(95),
            persistence: Persistence::Aof,
            ttl: TtlClock::WallClock,
        };
        cache.shut_down(restart, at(10));
        let account = cache.finish(at(100));
        assert_eq!((account.expired, account.final_entries), (0, 2));
    }

    #[test]
    fn a_paused_ttl_has_the_same_time_left_when_the_server_is_back() {
        let mut cache = restarted(Persistence::Rdb, TtlClock::Paused);
        for (number, end) in [(0, 50), (1, 90)] {
            assert_eq!(cache.peek(object(number), at(end)).map(|entry| entry.fresh_until), Some(at(end)));
            assert_eq!(cache.get(object(number), at(end + 1)), Lookup::Absent(Cause::Expired));
        }
    }

    #[test]
    fn a_lost_shard_takes_its_keys_alone_and_is_empty_when_it_is_back() {
        // Whichever shard each key lies in: what the placement says is lost, and nothing else.
        for lost in 0..2 {
            let mut cache = cache();
            let keys = cache
                .lose_shard(ShardLoss { down: SimDuration::from_secs(30), shards: 2, shard: lost }, at(5))
                .to_vec();
            cache.check();
            for number in 0..2 {
                let there = keys[number as usize];
                assert_eq!(cache.is_out_of_reach(object(number), at(6)), there);
                assert_eq!(cache.peek(object(number), at(6)).is_none(), there);
                assert_eq!(matches!(cache.get(object(number), at(6)), Lookup::Held(_)), !there);
                assert_eq!(cache.set(object(number), entry(60), at(7)) == Stored::Unreachable, there);
            }
            cache.shard_is_back();
            for number in 0..2 {
                assert_eq!(
                    matches!(cache.get(object(number), at(40)), Lookup::Held(_)),
                    !keys[number as usize]
                );
                assert_eq!(cache.set(object(number), entry(90), at(41)), Stored::Yes);
            }
        }
    }

    #[test]
    fn after_a_flush_everything_is_lost_and_can_be_stored_again() {
        let mut cache = cache();
        cache.flush(at(5));
        cache.check();
        assert_eq!(cache.bytes(), 0);
        assert_eq!(cache.get(object(1), at(6)), Lookup::Absent(Cause::Lost));
        assert_eq!(cache.set(object(1), entry(60), at(6)), Stored::Yes);
    }

    #[test]
    fn a_lower_limit_evicts_at_once() {
        let mut cache = cache();
        cache.set_limit(Capacity::Bytes(150), at(5));
        cache.check();
        assert_eq!(cache.get(object(0), at(6)), Lookup::Absent(Cause::Evicted));
        assert_eq!(cache.bytes(), 100);
    }
}
