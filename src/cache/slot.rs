//! The place of one object in the cache, and what it holds.

use super::Cause;
use crate::origin::Version;
use crate::units::SimTime;

/// What the application wrote: the value's version and its two deadlines.
///
/// The cache knows only `expires_at`, the TTL of the key. `fresh_until` is the application's own,
/// kept with the value; with a stale window it comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// When the value was stored.
    pub stored_at: SimTime,
    /// Until when the application takes it for fresh.
    pub fresh_until: SimTime,
    /// Until when the cache keeps it.
    pub expires_at: SimTime,
    /// The version of the value.
    pub version: Version,
}

impl Entry {
    /// Whether it expires at all.
    pub fn has_ttl(&self) -> bool {
        self.expires_at != SimTime::NEVER
    }
}

/// The place of one object: the entry it holds, or why it holds none. Half a cache line.
#[derive(Debug, Clone, Copy)]
#[repr(align(32))]
pub(super) struct Slot {
    pub(super) stored_at: SimTime,
    pub(super) fresh_until: SimTime,
    pub(super) expires_at: SimTime,
    pub(super) version: Version,
    pub(super) state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Held,
    Absent(Cause),
}

impl Slot {
    pub(super) const EMPTY: Self = Self {
        stored_at: SimTime::ZERO,
        fresh_until: SimTime::ZERO,
        expires_at: SimTime::ZERO,
        version: Version(0),
        state: State::Absent(Cause::Cold),
    };

    #[inline]
    pub(super) fn holding(entry: Entry) -> Self {
        let Entry { stored_at, fresh_until, expires_at, version } = entry;
        Self { stored_at, fresh_until, expires_at, version, state: State::Held }
    }

    #[inline]
    pub(super) fn entry(&self) -> Entry {
        let Self { stored_at, fresh_until, expires_at, version, .. } = *self;
        Entry { stored_at, fresh_until, expires_at, version }
    }

    /// The one expiry boundary: an entry is dead if and only if `now > expires_at`.
    #[inline]
    pub(super) fn is_live(&self, now: SimTime) -> bool {
        now <= self.expires_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_half_a_cache_line() {
        assert!(size_of::<Slot>() <= 32);
    }

    fn expiring_at(nanos: u64) -> Slot {
        let at = SimTime::from_nanos(nanos);
        Slot { fresh_until: at, expires_at: at, state: State::Held, ..Slot::EMPTY }
    }

    #[test]
    fn live_one_tick_before_expiry() {
        assert!(expiring_at(10).is_live(SimTime::from_nanos(9)));
    }

    #[test]
    fn live_at_the_instant_of_expiry() {
        assert!(expiring_at(10).is_live(SimTime::from_nanos(10)));
    }

    #[test]
    fn dead_one_tick_after_expiry() {
        assert!(!expiring_at(10).is_live(SimTime::from_nanos(11)));
    }
}
