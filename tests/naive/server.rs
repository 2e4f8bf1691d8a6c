//! What happens to the cache's server.

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
    /// It is away for a while, and comes back with what it kept.
    Restart { down: u64, keeps: Keeps },
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
            if let Upset::Restart { down, .. } = upset {
                self.schedule(at + down, Event::Back(place));
            }
        }
    }

    pub(super) fn upset(&mut self, place: usize, now: u64) {
        match self.config.upsets[place].1 {
            Upset::Flush => self.lose_everything(now),
            Upset::Restart { down, keeps } => {
                (self.store.down_until, self.store.away) = (now + down, true);
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
        self.store.away = false;
        if let Upset::Restart { keeps: Keeps::Live, .. } = self.config.upsets[place].1 {
            self.store.forget_the_dead(now);
        }
    }

    /// Everything that was in the cache, locks, errors and the set of access times included.
    fn lose_everything(&mut self, now: u64) {
        self.store.lose_everything(now);
        self.gate.forget();
        self.negative.clear();
        if let Some(broom) = &mut self.broom {
            broom.forget();
        }
    }

    pub(super) fn is_down(&self, now: u64) -> bool {
        now < self.store.down_until
    }

    /// Whether a guard that keeps what it knows in the cache cannot get at it.
    pub(super) fn is_unguarded(&self, now: u64) -> bool {
        self.is_down(now) && !matches!(self.config.guard, Guard::None | Guard::SingleFlight)
    }
}

impl super::store::Store<'_> {
    pub(super) fn lose_everything(&mut self, now: u64) {
        while !self.is_empty() {
            self.leave(0, Cause::Lost, now);
        }
    }
}
