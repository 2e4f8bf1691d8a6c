//! Ends that lie beyond virtual time, which is over after 584 years: commands know them by their millisecond.

use std::collections::BTreeMap;

use super::WallClock;
use crate::trace::ObjectId;
use crate::units::{SimDuration, SimTime};

/// The end of virtual time: the last instant that is not [`SimTime::NEVER`], which would mean no TTL at all.
pub(in crate::cache) const END: SimTime = SimTime::from_nanos(u64::MAX - 1);

/// The Unix milliseconds of those keys whose life ends later than virtual time; of other keys what is kept says nothing.
#[derive(Debug, Default)]
pub(in crate::cache) struct FarEnds {
    unix_ms: BTreeMap<ObjectId, i64>,
}

impl FarEnds {
    /// A key was given this end, which virtual time knows as `expires_at`.
    pub(super) fn note(&mut self, key: ObjectId, unix_ms: i64, expires_at: SimTime) {
        if expires_at == END {
            self.unix_ms.insert(key, unix_ms);
        }
    }

    /// In which millisecond the life of a key ends that virtual time lets end at `expires_at`.
    pub(super) fn unix_ms(&self, key: ObjectId, expires_at: SimTime, clock: WallClock) -> i64 {
        let far = if expires_at == END { self.unix_ms.get(&key) } else { None };
        far.copied().unwrap_or_else(|| clock.unix_ms(expires_at))
    }

    /// All ends come so much later.
    pub(in crate::cache) fn postpone(&mut self, by: SimDuration) {
        let millis = i64::try_from(by.as_nanos() / 1_000_000).unwrap_or(i64::MAX);
        self.unix_ms.values_mut().for_each(|end| *end = end.saturating_add(millis));
    }
}
