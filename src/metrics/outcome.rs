//! How a request ended: exactly one of ten kinds.

use crate::cache::Cause;
use crate::strategy::ttl::Saw;
use crate::trace::{ClassId, ObjectId};
use crate::units::{SimDuration, SimTime};

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub enum OutcomeKind {
    /// The value was there and within its logical TTL.
    FreshHit,
    /// The value was past its logical TTL and served on purpose.
    StaleHit,
    /// The request joined a fetch of the same object already in flight, and waited for it.
    DelayedHit,
    /// The request fetched from the origin itself.
    Miss(Cause),
    /// The origin failed and an old value was served.
    StaleOnError,
    /// There was no answer: the origin failed or shed the fetch, or the client's patience ended.
    Error,
}

impl OutcomeKind {
    /// All kinds, in the order of the record's fields.
    pub const ALL: [Self; 10] = [
        Self::FreshHit,
        Self::StaleHit,
        Self::DelayedHit,
        Self::Miss(Cause::Cold),
        Self::Miss(Cause::Expired),
        Self::Miss(Cause::Evicted),
        Self::Miss(Cause::Invalidated),
        Self::Miss(Cause::Lost),
        Self::StaleOnError,
        Self::Error,
    ];

    /// The place of this kind in [`Self::ALL`].
    #[inline]
    pub const fn index(self) -> usize {
        match self {
            Self::FreshHit => 0,
            Self::StaleHit => 1,
            Self::DelayedHit => 2,
            Self::Miss(cause) => 3 + cause as usize,
            Self::StaleOnError => 8,
            Self::Error => 9,
        }
    }

    /// Whether a value was served from the cache, fresh or stale.
    #[inline]
    pub const fn is_hit(self) -> bool {
        matches!(self, Self::FreshHit | Self::StaleHit)
    }

    /// What monitoring sees of it.
    pub const fn seen(self) -> Saw {
        match self {
            Self::FreshHit => Saw::Fresh,
            Self::StaleHit | Self::StaleOnError => Saw::Stale,
            Self::DelayedHit => Saw::Joined,
            Self::Miss(_) => Saw::Missed,
            Self::Error => Saw::Failed,
        }
    }

    /// The name of this kind in records and tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::FreshHit => "fresh_hit",
            Self::StaleHit => "stale_hit",
            Self::DelayedHit => "delayed_hit",
            Self::Miss(Cause::Cold) => "miss_cold",
            Self::Miss(Cause::Expired) => "miss_expired",
            Self::Miss(Cause::Evicted) => "miss_evicted",
            Self::Miss(Cause::Invalidated) => "miss_invalidated",
            Self::Miss(Cause::Lost) => "miss_lost",
            Self::StaleOnError => "stale_on_error",
            Self::Error => "error",
        }
    }
}

/// One request and how it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// When the request arrived.
    pub at: SimTime,
    /// How long it waited for its answer; cache reads take no time.
    pub wait: SimDuration,
    /// Place of the request in the trace: outcomes are told when requests are answered.
    pub request: u32,
    /// What was asked for.
    pub object: ObjectId,
    /// Size of the object in bytes.
    pub size: u32,
    /// Class of the object.
    pub class: ClassId,
    /// How it ended.
    pub kind: OutcomeKind,
    /// How long the value had been out of date when it was served; `None` if it was current or there was none.
    pub stale_for: Option<SimDuration>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_stands_at_its_index_and_has_its_own_name() {
        for (index, kind) in OutcomeKind::ALL.into_iter().enumerate() {
            assert_eq!(kind.index(), index);
            assert!(OutcomeKind::ALL[..index].iter().all(|other| other.name() != kind.name()));
        }
    }

    #[test]
    fn an_outcome_is_small() {
        assert!(size_of::<Outcome>() <= 48);
    }
}
