//! What a process that was started anew knows of the keys that it has loaded.
//!
//! A snapshot keeps how long a key had been idle when it was saved, or its counter as it had decayed by then; the
//! downtime adds nothing to either (`redis-7.0 rdb.c:rdbSaveKeyValuePair`, `object.c:objectSetLRUOrLFU`).

use super::clients::Clients;
use super::drawn::Ahead;
use super::expiry::Expiry;
use super::kind::Kinds;
use super::{Ends, Server, rank};
use crate::cache::eviction::sampled::Rank;
use crate::cache::{Persistence, Restart, Slot, State};
use crate::trace::ObjectId;
use crate::units::SimTime;

impl Server {
    /// The process was started anew and has loaded what is `held`: other hashes, other tables, an empty
    /// pool. A snapshot keeps idle times and counters, the append-only file does not. It tells how many keys, and how many
    /// with a TTL, it was made of, `saved`; tables are made for so many, though those that died since are left out
    /// (`rdb.c`, `RDB_OPCODE_RESIZEDB`).
    pub(in crate::cache) fn restarted(
        &mut self,
        restart: Restart,
        now: SimTime,
        slots: &[Slot],
        saved: [usize; 2],
    ) {
        self.starts += 1;
        let held = |slot: &&(usize, &Slot)| slot.1.state == State::Held;
        let mut loaded: Vec<(ObjectId, SimTime)> = slots
            .iter()
            .enumerate()
            .filter(|slot| held(&slot))
            .map(|(index, slot)| (ObjectId::from_index(index), slot.expires_at))
            .collect();
        let end = |key: ObjectId| self.beside.end(key).map(|end| (key, end));
        loaded.extend(self.beside.all().into_iter().filter_map(end));
        // A snapshot lists the keys in the order of its own table.
        loaded.sort_by_key(|(key, _)| self.keys.hash(*key));
        let with_ttl = loaded.iter().filter(|(_, expires_at)| *expires_at != SimTime::NEVER).count();
        for (key, expires_at) in &loaded {
            self.left(*key, *expires_at != SimTime::NEVER);
        }
        let whole = self.keys.whole();
        let age = |key: ObjectId| whole.get(key.index()).map_or(0, |key| key.stamp);
        let ages: Vec<u32> = loaded.iter().map(|(key, _)| age(*key)).collect();
        self.keys.clear();
        self.hashing = self.seed.of("hash").nth(self.starts);
        self.dict.reserve(if self.runs_commands() { loaded.len().max(saved[0]) } else { 0 });
        self.expires.reserve(with_ttl.max(saved[1]));
        let saved_at = SimTime::from_nanos(now.as_nanos() - restart.down.as_nanos());
        let before = rank::lru_clock(&self.settings, saved_at);
        self.clock = rank::lru_clock(&self.settings, now);
        for ((key, expires_at), age) in loaded.into_iter().zip(ages) {
            self.stored(key, expires_at, Ends::Replaced, now, u64::MAX);
            if restart.persistence == Persistence::Rdb
                && let Some(rank) = self.needs.sampled.map(|sampled| sampled.rank)
            {
                let kept = match rank {
                    Rank::Lru => {
                        rank::aged(&self.settings, self.clock, rank::idle(&self.settings, before, age))
                    }
                    Rank::Lfu => rank::lfu_loaded(&self.settings, saved_at, now, age),
                    Rank::Random | Rank::Ttl => continue,
                };
                self.keys[key.index()].stamp = kept;
            }
        }
        self.pool.clear();
        self.pending = None;
        self.wake = SimTime::ZERO;
        self.ahead = Ahead::default();
        self.expiry = Expiry::default();
        if let Some(overhead) = &mut self.overhead {
            overhead.clients =
                Clients::new(overhead.counting.build, self.settings, overhead.counting.clients);
            overhead.ran = Kinds::default();
        }
        while self.tick < now {
            self.tick += self.settings.tick();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::{Needs, Settings};
    use super::*;
    use crate::cache::TtlClock;
    use crate::cache::eviction::sampled::Sampled;
    use crate::random::Seed;
    use crate::trace::{ClassId, Fact, Keys, Objects};
    use crate::units::SimDuration;

    fn at(secs: u64) -> SimTime {
        SimTime::from_nanos(secs * 1_000_000_000)
    }

    /// A server that kept a key at 0 s, saved this many two minutes later, and loaded the one after a downtime of ten.
    fn started_anew(rank: Rank, persistence: Persistence, saved: [usize; 2]) -> Server {
        let facts = vec![Fact { size: 1, class: ClassId::default(), size_is_imputed: false }];
        let objects = Arc::new(Objects::new(facts, Keys::Numbered, vec!["all".to_owned()]));
        let sampled = Some(Sampled { volatile: false, rank });
        let settings = Settings::default();
        let needs = Needs { sampled, commands: true, ..Needs::default() };
        let mut server = Server::new(needs, settings, Seed::new(1), &objects);
        let object = ObjectId::new(0);
        server.stored(object, SimTime::NEVER, Ends::Replaced, at(0), u64::MAX);
        let down = SimDuration::from_secs(600);
        let restart = Restart { down, persistence, ttl: TtlClock::WallClock };
        let held = Slot { state: State::Held, expires_at: SimTime::NEVER, ..Slot::EMPTY };
        server.restarted(restart, at(720), &[held], saved);
        server
    }

    /// What is kept of the key.
    fn loaded(rank: Rank, persistence: Persistence) -> (Settings, u32) {
        (Settings::default(), started_anew(rank, persistence, [1, 0]).keys[0].stamp)
    }

    #[test]
    fn tables_are_made_for_all_that_was_saved_though_most_died_since() {
        let buckets = |saved| {
            let server = started_anew(Rank::Lru, Persistence::Rdb, saved);
            [server.dict.buckets()[0], server.expires.buckets()[0]]
        };
        assert_eq!((buckets([1, 0]), buckets([100, 60])), ([4, 0], [128, 64]));
    }

    #[test]
    fn a_snapshot_keeps_idle_times_and_counters_as_they_were_when_it_was_made() {
        let idle = |persistence| {
            let (settings, stamp) = loaded(Rank::Lru, persistence);
            rank::idle(&settings, rank::lru_clock(&settings, at(720)), stamp)
        };
        assert_eq!((idle(Persistence::Rdb), idle(Persistence::Aof)), (120_000, 0));
        let counters = |persistence| {
            let (settings, bits) = loaded(Rank::Lfu, persistence);
            [720, 779, 780].map(|secs| rank::lfu_counter(&settings, at(secs), bits))
        };
        // Five less two minutes; it decays again from the minute of the load on.
        assert_eq!(counters(Persistence::Rdb), [3, 3, 2]);
        assert_eq!(counters(Persistence::Aof), [5, 5, 4]);
    }
}
