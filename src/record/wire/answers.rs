//! What requests got: outcomes, ratios, waits and how current the answers were; of all requests and by class.

use serde::{Deserialize, Serialize};

/// Outcomes by kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the kinds are documented at OutcomeKind")]
pub struct Outcomes {
    pub fresh_hit: u64,
    pub stale_hit: u64,
    pub delayed_hit: u64,
    pub miss_cold: u64,
    pub miss_expired: u64,
    pub miss_evicted: u64,
    pub miss_invalidated: u64,
    pub miss_lost: u64,
    pub stale_on_error: u64,
    pub error: u64,
}

/// A mean over replications with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Estimate {
    /// Mean; `null` without data.
    pub mean: Option<f64>,
    /// Lower end of the interval; `null` with a single replication.
    pub low: Option<f64>,
    /// Upper end of the interval.
    pub high: Option<f64>,
}

/// Shares of requests.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Ratios {
    /// Fresh hits.
    pub fresh_hit: Estimate,
    /// Fresh and stale hits.
    pub hit: Estimate,
    /// Fresh, stale and delayed hits.
    pub hit_or_joined: Estimate,
    /// Bytes of fresh and stale hits, of all bytes asked for.
    pub byte_hit: Estimate,
    /// 1 - origin fetches / requests; background fetches count.
    pub origin_offload: Estimate,
}

/// Percentiles of waiting time in milliseconds, over all replications; `null` without requests.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[expect(missing_docs, reason = "named after the percentiles")]
pub struct Percentiles {
    pub count: u64,
    pub mean: Option<f64>,
    pub p50: Option<f64>,
    pub p90: Option<f64>,
    #[serde(default)]
    pub p95: Option<f64>,
    pub p99: Option<f64>,
    pub p999: Option<f64>,
    pub max: Option<f64>,
}

/// How current the answers were; `null` where nothing ever changes.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Freshness {
    /// Answers with the version that was current at the origin, of all answers with a value.
    pub fresh_share: Option<f64>,
    /// The same over hits alone.
    pub fresh_share_of_hits: Option<f64>,
    /// Time since the first unseen change, averaged over all answers, in seconds.
    pub mean_age_s: Option<f64>,
    /// The 95th percentile over answers that were not current.
    pub p95_age_s: Option<f64>,
    /// The oldest.
    pub max_age_s: Option<f64>,
    /// The age that the scenario calls too old; `null` where it names none.
    #[serde(default)]
    pub bound_s: Option<f64>,
    /// Answers older than that, of all answers with a value.
    #[serde(default)]
    pub over_bound_share: Option<f64>,
}

/// Those who ask: people, or robots.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Party {
    /// `people` or `robots`.
    pub name: String,
    /// Scored requests, summed over replications.
    pub requests: u64,
    /// Outcomes.
    pub outcomes: Outcomes,
    /// Fresh hits of requests.
    pub fresh_hit: Option<f64>,
    /// Fresh and stale hits of requests.
    pub hit: Option<f64>,
    /// Bytes of hits of bytes asked for.
    pub byte_hit: Option<f64>,
    /// Bytes asked for.
    pub requested_bytes: u64,
}

/// One class of objects.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassRow {
    /// Name.
    pub name: String,
    /// Objects of this class.
    pub objects: u64,
    /// Scored requests, summed over replications.
    pub requests: u64,
    /// Outcomes.
    pub outcomes: Outcomes,
    /// Fresh hits of requests.
    pub fresh_hit: Option<f64>,
    /// Fresh and stale hits of requests.
    pub hit: Option<f64>,
    /// Bytes of hits of bytes asked for.
    pub byte_hit: Option<f64>,
    /// Bytes asked for.
    pub requested_bytes: u64,
    /// Origin fetches.
    #[serde(default)]
    pub fetches: u64,
    /// Waiting time of its requests.
    #[serde(default)]
    pub latency_ms: Percentiles,
    /// Answers with the version that was current, of all answers with a value; `null` where nothing changes.
    #[serde(default)]
    pub fresh_share: Option<f64>,
    /// Answers older than the scenario's bound, of the same.
    #[serde(default)]
    pub over_bound_share: Option<f64>,
    /// Time since the first unseen change, averaged over the same, in seconds.
    #[serde(default)]
    pub mean_age_s: Option<f64>,
}
