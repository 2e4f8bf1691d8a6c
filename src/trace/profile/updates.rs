//! What the recording says of changes and of TTLs: writes, deletions, last modifications, sizes that differ, recorded
//! TTLs.

use serde::Serialize;

use super::share;
use crate::trace::import::Provenance;
use crate::units::SimDuration;

/// Evidence of changes. But for last modifications none of it is proof: a write may put back what was there, and a
/// smaller size may be an aborted transfer.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct UpdateProfile {
    /// Recorded writes.
    pub writes: u64,
    /// Recorded deletions.
    pub deletions: u64,
    /// Changes that a later last modification told.
    pub modifications: u64,
    /// Responses whose size differs from the object's last one.
    pub size_changes: u64,
    /// Objects with several recorded sizes.
    pub objects_with_several_sizes: u64,
    /// Writes and deletions per hour of the span; `None` where there is none, or no span.
    pub updates_per_hour: Option<f64>,
    /// Writes and deletions by request.
    pub updates_per_request: Option<f64>,
    /// Changes that a later last modification told, by request.
    pub modifications_per_request: Option<f64>,
    /// Size changes by request.
    pub size_changes_per_request: Option<f64>,
}

/// A TTL that was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct TtlShare {
    /// The TTL; forever for a key that was written without one.
    pub ttl: SimDuration,
    /// Records that tell it.
    pub records: u64,
    /// Their share of all records that tell one.
    pub share: Option<f64>,
}

/// The TTLs that were recorded.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TtlProfile {
    /// Records that tell a TTL.
    pub records: u64,
    /// Objects with one.
    pub objects: u64,
    /// Share of requests for whose object no TTL had been recorded by then.
    pub share_of_requests_without: Option<f64>,
    /// The most frequent ones, at most ten, the most frequent first.
    pub common: Vec<TtlShare>,
}

pub(super) fn updates(provenance: &Provenance, span_s: f64) -> UpdateProfile {
    let updates = provenance.writes + provenance.recorded_deletions;
    let has_any = updates > 0 && span_s > 0.0;
    UpdateProfile {
        writes: provenance.writes,
        deletions: provenance.recorded_deletions,
        modifications: provenance.modifications,
        size_changes: provenance.size_changes,
        objects_with_several_sizes: provenance.objects_with_several_sizes,
        updates_per_hour: has_any.then(|| updates as f64 * 3_600.0 / span_s),
        updates_per_request: share(updates, provenance.kept),
        modifications_per_request: share(provenance.modifications, provenance.kept),
        size_changes_per_request: share(provenance.size_changes, provenance.kept),
    }
}

/// `None` where no TTL is recorded.
pub(super) fn ttls(provenance: &Provenance) -> Option<TtlProfile> {
    let records: u64 = provenance.recorded_ttls.iter().map(|(_, records)| records).sum();
    let common = provenance.recorded_ttls.iter().take(10);
    let shown = |(ttl, count): &(SimDuration, u64)| TtlShare {
        ttl: *ttl,
        records: *count,
        share: share(*count, records),
    };
    (records > 0).then(|| TtlProfile {
        records,
        objects: provenance.objects_with_ttl,
        share_of_requests_without: share(provenance.kept - provenance.requests_with_ttl, provenance.kept),
        common: common.map(shown).collect(),
    })
}
