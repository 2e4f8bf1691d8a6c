//! What a cell costs a month.

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
