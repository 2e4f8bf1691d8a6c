//! LRU built by the application: a sorted set of access times, an EXPIRE per access, and a periodic clean-up.
//!
//! Every access sends `ZADD set now key` and `EXPIRE key T`, which makes any TTL rule sliding with its
//! own `T`: two more commands per request (`lean` drops the EXPIRE that follows a SETEX). Where a fetch could not write its
//! value, because `duplicate_fill`, a void token or a full server forbade it, that EXPIRE moves the deadline of the value
//! which is there. Whoever is served a stale value sends the ZADD alone, because the EXPIRE would give it a life that it no longer has. Every
//! `period` the job compares with `limit_entries` members or `limit_bytes` used, and removes the
//! least recently accessed: ZRANGE, UNLINK in chunks of 1000, ZREMRANGEBYRANK; by bytes in batches
//! of `batch`.
//!
//! Between two sweeps the cache grows beyond the limit by up to `r period` entries at the insert rate
//! `r`, half of that on average (law F13), so memory must leave room. Keys that expired stay in the
//! set as ghosts; `purge = "by-score"` removes members not accessed for `T` first, which needs the
//! same `T` for all. Unless `atomic` (a script), `round_trip` passes between the listing and the
//! removal: a key read in that time is deleted although hot, and the shifted ranks remove a member
//! whose key stays.
//!
//! The set takes 117.3 bytes per member of 24-byte keys (more where keys are longer), and 8 per place of its
//! table, which doubles like all of the server's tables (allocator of 16-byte classes). With `memory = "redis"` it
//! counts as memory of the server, against its limit too; elsewhere it is reported beside the memory of the entries, not
//! in it. The server's own LRU needs none of this. The EXPIRE at every access knows no greatest age: what is read
//! often is never fetched anew, whatever the refresh policy.
//!
//! ```toml
//! sweep = { policy = "zset-sweep", period = "60s", limit_entries = 10_000 }
//! ```

use serde::{Deserialize, Serialize};

use super::{Found, KeyLen, SetCommand, Step, Sweep, View};
use crate::cache::list::List;
use crate::cache::memory::ACCESS_TIMES;
use crate::cache::redis::Build;
use crate::catalog::{Invalid, Kind, Param, Plugin};
use crate::strategy::Setup;
use crate::strategy::per_object::PerObject;
use crate::trace::ObjectId;
use crate::units::{ByteSize, SimDuration, SimTime};

/// Keys that one UNLINK names.
const CHUNK: usize = 1_000;

/// Parameters of [`ZsetSweep`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    period: SimDuration,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    limit_entries: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    limit_bytes: Option<ByteSize>,
    batch: usize,
    lean: bool,
    purge: Purge,
    atomic: bool,
    round_trip: SimDuration,
}

/// What is done about members whose key has expired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Purge {
    None,
    ByScore,
}

/// What is not to be exceeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Limit {
    Entries(u64),
    Bytes(u64),
}

/// What the members of the set take, kept up as they come and go.
#[derive(Debug)]
struct Weight {
    build: Build,
    /// Bytes of the keys.
    keys: u64,
    /// Bytes of their blocks in a large set, less the mean node's.
    blocks: u64,
    /// Members whose key is too long for a compact list.
    long: u64,
}

impl Weight {
    /// Up to so many members, none longer than this, the set is a compact list.
    const COMPACT: (u64, u64) = (128, 64);
    /// Bytes of the set's object.
    const OBJECT: u64 = 16;

    fn nothing(build: Build) -> Self {
        Self { build, keys: 0, blocks: 0, long: 0 }
    }

    fn add(&mut self, key: u64) {
        self.keys += key;
        self.blocks += self.build.sorted_set_member(key);
        self.long += u64::from(key > Self::COMPACT.1);
    }

    fn take(&mut self, key: u64) {
        self.keys -= key;
        self.blocks -= self.build.sorted_set_member(key);
        self.long -= u64::from(key > Self::COMPACT.1);
    }

    /// Bytes of the set with all its `members`.
    fn bytes(&self, members: u64) -> u64 {
        if members == 0 {
            return 0;
        }
        // The key of the set, and the object that it hangs on.
        let own = self.build.sorted_set_member(ACCESS_TIMES) + self.build.allocated(Self::OBJECT);
        if members <= Self::COMPACT.0 && self.long == 0 {
            // Key, score and the lengths of both, and the header of the list.
            return self.build.allocated(7 + self.keys + 13 * members) + own;
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a sum of sizes")]
        let nodes = (members as f64 * self.build.sorted_set_node()).round() as u64;
        self.blocks + nodes + 8 * members.next_power_of_two() + own
    }
}

/// A sorted set of access times and its periodic clean-up.
#[derive(Debug)]
pub struct ZsetSweep {
    period: SimDuration,
    limit: Limit,
    batch: usize,
    lean: bool,
    purge: bool,
    /// Between the listing and the removal; zero where both are one step.
    round_trip: SimDuration,
    /// The members, the most recent access first: in the order of the scores, since time does not go back.
    set: List,
    weight: Weight,
    scores: PerObject<SimTime>,
    /// The TTL of the latest access.
    ttl: SimDuration,
    /// What was listed and is to be removed.
    listed: Vec<ObjectId>,
    /// When the job comes next: to begin, or to go on.
    next: SimTime,
    begins: SimTime,
}

impl Plugin for ZsetSweep {
    const NAME: &'static str = "zset-sweep";
    const SUMMARY: &'static str = "LRU built by the application: a sorted set of access times, EXPIRE per access, and a periodic clean-up.";
    const PARAMS: &'static [Param] = &[
        Param::duration("period", "how often the job runs").default("60s").from("1ms").to("1d"),
        Param::integer("limit_entries", "how many members may remain").from("1"),
        Param::new("limit_bytes", Kind::Size, "how many bytes of entries may remain"),
        Param::integer("batch", "how many are removed at a time under limit_bytes").default("100").from("1"),
        Param::new("lean", Kind::Flag, "whether an access that stored the value skips the EXPIRE").default("false"),
        Param::new(
            "purge",
            Kind::Choice(&["none", "by-score"]),
            "what is done about members whose key expired: nothing, or removal of those not accessed for a TTL",
        )
        .default("none"),
        Param::new("atomic", Kind::Flag, "whether listing and removal are one step, as in a script").default("false"),
        Param::duration("round_trip", "time between listing and removal where they are not").default("1ms").from("0s").to("10s"),
    ];
    type Params = Params;
    type Setup = Setup;

    fn new(params: &Params, _: &Setup) -> Result<Self, Invalid> {
        let limit = match (params.limit_entries, params.limit_bytes) {
            (Some(entries), None) => Limit::Entries(entries),
            (None, Some(ByteSize::ZERO)) => {
                return Err(Invalid::param(
                    "limit_bytes",
                    "limit_bytes must be above 0, or nothing may remain",
                )
                .help("write limit_bytes = \"64MiB\""));
            }
            (None, Some(bytes)) => Limit::Bytes(bytes.as_bytes()),
            (None, None) => {
                return Err(Invalid::param("", "zset-sweep needs a limit")
                    .help("write limit_entries = 10_000 or limit_bytes = \"64MiB\""));
            }
            (Some(_), Some(_)) => {
                let what = "zset-sweep has either limit_entries or limit_bytes, but this one has both";
                return Err(Invalid::param("limit_bytes", what));
            }
        };
        let begins = SimTime::ZERO + params.period;
        Ok(Self {
            period: params.period,
            limit,
            batch: params.batch,
            lean: params.lean,
            purge: params.purge == Purge::ByScore,
            round_trip: if params.atomic { SimDuration::ZERO } else { params.round_trip },
            set: List::new(0),
            weight: Weight::nothing(Build::Distribution),
            scores: PerObject::default(),
            ttl: SimDuration::FOREVER,
            listed: Vec::new(),
            next: begins,
            begins,
        })
    }
}

impl ZsetSweep {
    /// ZREMRANGEBYSCORE: members that nobody accessed for a TTL.
    fn purge(&mut self, now: SimTime, key_len: KeyLen<'_>) {
        while let Some(oldest) = self.set.back()
            && now.since(self.scores.get(oldest)) > self.ttl
        {
            self.drop_oldest(key_len);
        }
    }

    /// The member that was accessed least recently leaves.
    fn drop_oldest(&mut self, key_len: KeyLen<'_>) {
        if let Some(oldest) = self.set.back() {
            self.set.remove(oldest);
            self.weight.take(key_len(oldest));
        }
    }

    /// How many members are to go now.
    fn excess(&self, bytes: u64) -> usize {
        let many = match self.limit {
            Limit::Entries(limit) => {
                usize::try_from(self.set.len().saturating_sub(limit)).unwrap_or(usize::MAX)
            }
            Limit::Bytes(limit) if bytes > limit => self.batch,
            Limit::Bytes(_) => 0,
        };
        many.min(usize::try_from(self.set.len()).unwrap_or(usize::MAX))
    }

    fn found(&self, view: &View<'_>) -> Found {
        let members = self.set.len();
        // By id, because the cache keeps its entries in that order, too.
        let ghosts = self.set.by_id().filter(|object| !(view.holds)(*object)).count() as u64;
        let (excess_entries, excess_bytes) = match self.limit {
            Limit::Entries(limit) => (members.saturating_sub(limit), 0),
            Limit::Bytes(limit) => (0, view.bytes.saturating_sub(limit)),
        };
        Found { members, ghosts, excess_entries, excess_bytes, set_bytes: self.bytes() }
    }

    /// Removes what was listed, and as many members from the old end as were listed.
    fn remove(&mut self, step: &mut Step, key_len: KeyLen<'_>) {
        step.unlink = std::mem::take(&mut self.listed);
        (0..step.unlink.len()).for_each(|_| self.drop_oldest(key_len));
        step.commands.extend(step.unlink.chunks(CHUNK).map(|chunk| SetCommand::Unlink(chunk.len())));
        step.commands.push(SetCommand::Remove(step.unlink.len()));
    }
}

impl Sweep for ZsetSweep {
    fn is_lean(&self) -> bool {
        self.lean
    }

    fn kept_by(&mut self, build: Build) {
        self.weight = Weight::nothing(build);
    }

    fn bytes(&self) -> u64 {
        self.weight.bytes(self.set.len())
    }

    fn on_access(&mut self, object: ObjectId, now: SimTime, ttl: SimDuration, key_len: KeyLen<'_>) {
        self.set.grow(object.index() + 1);
        if self.set.contains(object) {
            self.set.move_to_front(object);
        } else {
            self.set.push_front(object);
            self.weight.add(key_len(object));
        }
        if self.purge {
            self.scores.set(object, now);
            self.ttl = ttl;
        }
    }

    fn forget(&mut self) {
        while let Some(oldest) = self.set.back() {
            self.set.remove(oldest);
        }
        self.weight = Weight::nothing(self.weight.build);
    }

    fn next(&self) -> Option<SimTime> {
        Some(self.next)
    }

    fn step(&mut self, view: &View<'_>) -> Step {
        let mut step = Step::default();
        if view.now >= self.begins {
            // What was missed while the server was down is not made up for.
            while self.begins <= view.now {
                self.begins += self.period;
            }
            step.found = Some(self.found(view));
            if self.purge {
                self.purge(view.now, view.key_len);
                step.commands.push(SetCommand::Purge(self.ttl));
            }
        }
        if self.listed.is_empty() {
            step.commands.push(SetCommand::Measure);
            let excess = self.excess(view.bytes);
            if excess > 0 {
                step.commands.push(SetCommand::List(excess));
                self.listed = self.set.from_back().take(excess).collect();
                if !self.round_trip.is_zero() {
                    self.next = view.now + self.round_trip;
                    return step;
                }
                self.remove(&mut step, view.key_len);
            }
        } else {
            self.remove(&mut step, view.key_len);
        }
        // By bytes, the next batch is decided on what this one left.
        let goes_on = matches!(self.limit, Limit::Bytes(_)) && !step.unlink.is_empty();
        self.next = if goes_on { view.now } else { self.begins };
        step.over = !goes_on;
        step
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sweep(limit: Limit, purge: bool, round_trip: u64) -> ZsetSweep {
        ZsetSweep {
            period: SimDuration::from_nanos(100),
            limit,
            batch: 2,
            lean: false,
            purge,
            round_trip: SimDuration::from_nanos(round_trip),
            set: List::new(0),
            weight: Weight::nothing(Build::Distribution),
            scores: PerObject::default(),
            ttl: SimDuration::FOREVER,
            listed: Vec::new(),
            next: SimTime::from_nanos(100),
            begins: SimTime::from_nanos(100),
        }
    }

    fn access(sweep: &mut ZsetSweep, object: u32, now: u64) {
        let ttl = SimDuration::from_nanos(50);
        sweep.on_access(ObjectId::new(object), SimTime::from_nanos(now), ttl, &|_| 24);
    }

    fn step(sweep: &mut ZsetSweep, now: u64, bytes: u64) -> (Vec<u32>, u64, bool) {
        let view = View { now: SimTime::from_nanos(now), bytes, holds: &|_| true, key_len: &|_| 24 };
        let step = sweep.step(&view);
        (step.unlink.into_iter().map(ObjectId::as_u32).collect(), step.commands.len() as u64, step.over)
    }

    #[test]
    fn the_least_recently_accessed_go_until_the_limit_is_kept() {
        let mut sweep = sweep(Limit::Entries(2), false, 0);
        [(5, 1), (6, 2), (7, 3), (5, 4)]
            .into_iter()
            .for_each(|(object, now)| access(&mut sweep, object, now));
        assert_eq!(step(&mut sweep, 100, 0), (vec![6], 4, true));
        assert_eq!(sweep.next(), Some(SimTime::from_nanos(200)));
        assert_eq!(step(&mut sweep, 200, 0), (vec![], 1, true));
    }

    #[test]
    fn a_key_read_between_listing_and_removal_is_deleted_and_another_member_with_it() {
        let mut sweep = sweep(Limit::Entries(2), false, 10);
        (0..3).for_each(|object| access(&mut sweep, object, 1));
        assert_eq!(step(&mut sweep, 100, 0), (vec![], 2, false));
        access(&mut sweep, 0, 105);
        assert_eq!(step(&mut sweep, 110, 0), (vec![0], 2, true));
        // The member of the deleted key stays, and that of key 1, which is still held, is gone.
        assert_eq!(sweep.set.from_back().map(ObjectId::as_u32).collect::<Vec<_>>(), [2, 0]);
    }

    #[test]
    fn bytes_are_freed_in_batches() {
        let mut sweep = sweep(Limit::Bytes(10), false, 0);
        (0..5).for_each(|object| access(&mut sweep, object, 1));
        assert_eq!(step(&mut sweep, 100, 12).0, [0, 1]);
        assert_eq!(sweep.next(), Some(SimTime::from_nanos(100)));
        assert_eq!(step(&mut sweep, 100, 9), (vec![], 1, true));
    }

    #[test]
    fn the_set_takes_what_its_keys_ask_for() {
        let bytes = |members: u64, key: u64| {
            let mut weight = Weight::nothing(Build::Distribution);
            (0..members).for_each(|_| weight.add(key));
            weight.bytes(members)
        };
        // What used_memory of Redis 7.0.15 grew by, scores in microseconds since 1970.
        assert_eq!([0, 1, 10, 64].map(|members| bytes(members, 24)), [0, 128, 464, 2_640]);
        // 117.3 bytes and 8 for each place of a table of 1024, the reference for keys of 24 bytes.
        assert_eq!(bytes(1_000, 24), 117_300 + 8_192 + 80);
        // A name of 180 bytes takes a block of 192 instead of 32, and a long member makes even a small set a table.
        assert_eq!(bytes(1_000, 180), 117_300 + 160_000 + 8_192 + 80);
        assert_eq!(bytes(100, 65), 16_530 + 1_024 + 80);
    }

    #[test]
    fn the_set_takes_less_as_members_leave_and_nothing_once_it_is_forgotten() {
        let mut sweep = sweep(Limit::Entries(2), false, 0);
        (0..5).for_each(|object| access(&mut sweep, object, 1));
        access(&mut sweep, 3, 2);
        assert_eq!(sweep.bytes(), 192 + 80);
        step(&mut sweep, 100, 0);
        assert_eq!(sweep.bytes(), 96 + 80);
        sweep.forget();
        assert_eq!(sweep.bytes(), 0);
    }

    #[test]
    fn periods_that_were_missed_are_not_made_up_for() {
        let mut sweep = sweep(Limit::Bytes(10), false, 0);
        assert_eq!(step(&mut sweep, 350, 0), (vec![], 1, true));
        assert_eq!(sweep.next(), Some(SimTime::from_nanos(400)));
    }

    #[test]
    fn members_not_accessed_for_a_ttl_are_purged() {
        let mut sweep = sweep(Limit::Entries(9), true, 0);
        [(0, 49), (1, 50), (2, 99)].into_iter().for_each(|(object, now)| access(&mut sweep, object, now));
        step(&mut sweep, 100, 0);
        assert_eq!(sweep.set.len(), 2);
    }
}
