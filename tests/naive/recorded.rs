//! What the application did to keys beside its requests, as a recording tells, and the TTLs that it told.

use super::Cause;
use super::world::World;

/// Something done to a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Act {
    /// How many requests come before it.
    pub(crate) before: usize,
    pub(crate) at: u64,
    pub(crate) object: usize,
    /// Whether the key is deleted; otherwise a fresh copy is taken for stale from then on.
    pub(crate) deletes: bool,
}

/// A TTL that was recorded: of which object, when, and how long; [`u64::MAX`] is none at all.
pub(crate) type Told = (usize, u64, u64);

/// The TTL of an object at `now`: the last one recorded by then, or else the first one; or else the default.
pub(super) fn ttl(told: &[Told], default: Option<u64>, object: usize, now: u64) -> u64 {
    let own = || told.iter().filter(|(of, ..)| *of == object);
    // Of two at one time the later in the recording.
    let last = own().filter(|(_, at, _)| *at <= now).max_by_key(|(_, at, _)| *at);
    let known = last.or_else(|| own().min_by_key(|(_, at, _)| *at));
    known.map(|(.., ttl)| *ttl).or(default).expect("every object has a TTL, or there is a default")
}

impl World<'_> {
    /// Lets everything happen that was recorded before the request at `place`, `end` at the latest.
    pub(super) fn act_until(&mut self, place: usize, end: u64) {
        while let Some(act) = self.config.acts.get(self.acted).copied() {
            if act.before > place || act.at > end {
                return;
            }
            self.acted += 1;
            self.happen_until(act.at);
            self.store.bury(act.at);
            self.gate.purged(act.object, act.at);
            if self.is_away(act.object, act.at) {
                continue;
            }
            if act.deletes {
                self.store.unlink(act.object, Cause::Invalidated, act.at);
                self.totals.deletes += 1;
            } else {
                self.mark_stale(act.object, act.at);
            }
        }
    }

    /// A fresh copy ended just before `now`, and is kept as long as it would be then.
    fn mark_stale(&mut self, object: usize, now: u64) {
        let Some(copy) = self.store.peek(object, now).filter(|copy| now > 0 && now <= copy.fresh_until)
        else {
            return;
        };
        let live_until = self.keep_until(now, now - 1).min(copy.live_until);
        if live_until < now {
            self.store.unlink(object, Cause::Expired, now);
        } else {
            self.store.expire(object, now - 1, live_until, now);
        }
        self.deadline_moved(object);
    }
}
