//! What was found beside the cells: one strategy over more limits and TTLs than it was played at.

use serde::{Deserialize, Serialize};

/// Surfaces of one strategy each, over the trace of the first replication.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Surface {
    /// A strategy as it is written, over many limits.
    pub curve: Lattice,
    /// Limits and TTLs; absent where the cells show that, or no strategy has a TTL that can be varied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub map: Option<Lattice>,
}

/// Figures of one strategy under one eviction policy at some limits and TTLs.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Lattice {
    /// The strategy.
    pub strategy: String,
    /// The eviction policy.
    pub eviction: String,
    /// Why nothing was found; `null` where something was.
    pub absent: Option<String>,
    /// How it was found, for people.
    pub method: String,
    /// Why no exact method served; `null` where one did.
    pub because: Option<String>,
    /// Whether limits are bytes; otherwise they are objects.
    pub in_bytes: bool,
    /// The limits, ascending.
    pub limits: Vec<u64>,
    /// Whether the largest holds all that is asked for, so that more memory changes nothing.
    #[serde(default)]
    pub holds_all: bool,
    /// The TTLs in seconds, ascending; empty for the strategy as it is written.
    pub ttl_s: Vec<f64>,
    /// Fresh hits of all scored requests, for every limit under every TTL: those of the first limit first.
    pub fresh_hit: Vec<Option<f64>>,
    /// Half of the 95 % interval of each; empty where they are exact.
    pub fresh_hit_error: Vec<Option<f64>>,
    /// Fetches from the origin a second, likewise.
    pub origin_rate: Vec<Option<f64>>,
    /// Half of the 95 % interval of each; empty where they are exact.
    pub origin_rate_error: Vec<Option<f64>>,
}

impl Lattice {
    /// The place of a limit under a TTL in the figures.
    pub fn place(&self, limit: usize, ttl: usize) -> usize {
        limit * self.ttl_s.len().max(1) + ttl
    }
}
