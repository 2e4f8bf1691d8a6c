//! What happens to the cache's server.

use std::collections::BTreeSet;

use super::guard::Guard;
use super::store::Value;
use super::ttl::part;
use super::world::{Event, World};
use super::{Capacity, Cause, Eviction};

/// Something that happens to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Upset {
    /// All keys are deleted.
    Flush,
    /// It is away for a while, and comes back with what it kept; TTLs go on meanwhile, or stand still.
    Restart { down: u64, keeps: Keeps, pauses: bool },
    /// The keys of a shard are gone, and cannot be reached for a while.
    ShardLoss { down: u64, shards: u64, shard: u64 },
    /// Its limit is another one from now on.
    Limit(Capacity),
}

/// What survives a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keeps {
    Nothing,
    /// All that is alive when it is back.
    Live,
    /// All, the dead to be buried as usual.
    All,
}

impl World<'_> {
    /// Puts every object into the cache, with a part of its TTL left.
    pub(super) fn warm_up(&mut self) {
        for object in 0..self.images.sizes.len() {
            let whole = self.rule.fresh_until(object, self.images.sizes[object], 0, None);
            let left = self.config.fate.left_at_start(object);
            let fresh_until = if whole == u64::MAX { whole } else { part(whole, left) };
            let live_until = self.keep_until(0, fresh_until);
            let version = self.version(object, 0);
            self.store.set(object, Value { stored_at: 0, fresh_until, live_until, version });
            self.policy.stored(object, 0, None);
            self.accessed(object, 0, false, false);
        }
        // Nobody counts what was refused before anybody asked.
        self.store.totals.out_of_memory = 0;
    }

    pub(super) fn schedule_upsets(&mut self) {
        for (place, (at, upset)) in self.config.upsets.iter().enumerate() {
            self.schedule(*at, Event::Upset(place));
            if let Upset::Restart { down, .. } | Upset::ShardLoss { down, .. } = upset {
                self.schedule(at + down, Event::Back(place));
            }
        }
    }

    pub(super) fn upset(&mut self, place: usize, now: u64) {
        match self.config.upsets[place].1 {
            Upset::Flush => self.lose_everything(now),
            Upset::ShardLoss { down, shards, shard } => {
                let lies_there = |object: &usize| self.config.fate.lies_in(*object, shard, shards);
                let lost: BTreeSet<usize> = (0..self.images.sizes.len()).filter(lies_there).collect();
                self.store.lose(&lost, now);
                self.gate.forget(|object| lost.contains(&object));
                self.negative.retain(|object, _| !lost.contains(object));
                (self.store.lost_until, self.store.lost) = (now + down, lost);
            }
            Upset::Restart { down, keeps, pauses } => {
                (self.store.down_until, self.store.away) = (now + down, true);
                self.store.stopped = pauses.then_some(now);
                if keeps == Keeps::Nothing {
                    self.lose_everything(now);
                }
            }
            Upset::Limit(capacity) => {
                self.store.capacity = capacity;
                if self.store.eviction != Eviction::Never {
                    self.store.shrink(now);
                }
            }
        }
    }

    pub(super) fn back(&mut self, place: usize, now: u64) {
        (self.store.away, self.store.stopped) = (false, None);
        if let Upset::Restart { down, keeps, pauses } = self.config.upsets[place].1 {
            if pauses {
                self.store.postpone(down);
            }
            if keeps == Keeps::Live {
                self.store.forget_the_dead(now);
            }
        }
    }

    /// Everything that was in the cache, locks, errors and the set of access times included.
    fn lose_everything(&mut self, now: u64) {
        self.store.lose_everything(now);
        self.gate.forget(|_| true);
        self.negative.clear();
        if let Some(broom) = &mut self.broom {
            broom.forget();
        }
    }

    pub(super) fn is_down(&self, now: u64) -> bool {
        now < self.store.down_until
    }

    /// Whether the key of an object cannot be reached.
    pub(super) fn is_away(&self, object: usize, now: u64) -> bool {
        self.store.is_away(object, now)
    }

    /// Whether a guard that keeps what it knows in the cache cannot get at what it knows of an object.
    pub(super) fn is_unguarded(&self, object: usize, now: u64) -> bool {
        self.is_away(object, now) && !matches!(self.config.guard, Guard::None | Guard::SingleFlight)
    }
}

impl super::store::Store<'_> {
    pub(super) fn lose_everything(&mut self, now: u64) {
        while !self.is_empty() {
            self.leave(0, Cause::Lost, now);
        }
    }
}
