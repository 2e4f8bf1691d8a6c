//! What a cell costs a month, and what a timeout costs an hour.

use serde::{Deserialize, Serialize};

use super::Estimate;

/// Amounts for a month of 730 hours at the scenario's prices, averaged over replications.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// What the amounts are in.
    pub currency: String,
    /// All parts together.
    pub total: Estimate,
    /// Memory that is rented, replicas included.
    pub memory: f64,
    /// Fetches from the origin, and the bytes that it sends.
    pub origin: f64,
    /// Bytes that clients ask for.
    pub served: f64,
    /// Bytes that one primary needs, headroom and RSS included.
    pub rented_bytes: f64,
    /// The size of node that is cheapest for it; `null` where memory is priced by size.
    pub node: Option<String>,
    /// How many of them, replicas included.
    pub nodes: Option<u64>,
}

/// What the idle timeout costs an hour that the ttl rule steers, and what constant ones would have cost on the same requests if
/// fetches took no time and memory had no limit. At the rule's own prices, in their currency, in the first replication.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Timeouts {
    /// The rule's, as it was played; `null` where the replication is missing.
    pub own: Option<f64>,
    /// The cheapest constant timeout between the rule's limits.
    pub best: f64,
    /// How long that is, in seconds.
    pub best_s: f64,
    /// A timeout of nothing, so that every request is a fetch.
    pub none: f64,
    /// No timeout, so that everything is kept from its first request on.
    pub forever: f64,
}
