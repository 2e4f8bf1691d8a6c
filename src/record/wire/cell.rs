//! One cell: which it is, and everything that was measured in it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::super::columns::{Series, Trajectory};
use super::{
    Avalanche, CacheCommands, ClassRow, Cost, Difference, Entries, Freshness, Gate, Incidents, Memory,
    Origin, Outcomes, Party, Percentiles, Ratios, ServerWork, Stampedes, Sweeps, Timeouts,
};

/// A capacity: bytes or objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Capacity {
    /// A number of bytes.
    Bytes(u64),
    /// A number of objects.
    Objects(u64),
}

/// One strategy at one capacity, over all replications.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    /// Stable name for links, made from strategy and sweep values: `jitter-256mib`.
    pub id: String,
    /// Strategy.
    pub strategy: String,
    /// Whether it is the baseline.
    pub baseline: bool,
    /// Whether it sees what no real cache could see: a bound, never a contender.
    pub oracle: bool,
    /// Limit of the cache; `null` where unbounded.
    pub capacity: Option<Capacity>,
    /// Eviction policy.
    pub eviction: String,
    /// Replications that finished.
    pub replications: u32,
    /// Why replications are missing, if some failed.
    pub failed: Option<String>,
    /// Scored requests, summed over replications.
    pub requests: u64,
    /// Outcomes, summed over replications.
    pub outcomes: Outcomes,
    /// Shares of requests (of bytes, for `byte_hit`).
    pub ratios: Ratios,
    /// Entries resident.
    pub entries: Entries,
    /// Bytes resident.
    pub memory: Memory,
    /// Entries evicted, summed over replications.
    pub evicted: u64,
    /// Entries removed because their TTL had run out.
    pub expired: u64,
    /// Fills refused because nothing could be evicted.
    pub out_of_memory: u64,
    /// Fills not stored because the object is larger than the whole cache.
    pub too_large: u64,
    /// Commands sent to the cache.
    pub commands: CacheCommands,
    /// Load on the origin.
    pub origin: Origin,
    /// Many fetches of one object at once.
    pub stampedes: Stampedes,
    /// Many objects at once.
    pub avalanche: Avalanche,
    /// What went wrong.
    #[serde(default)]
    pub incidents: Incidents,
    /// What application-side sweeps did; `null` where there was none.
    #[serde(default)]
    pub sweeps: Option<Sweeps>,
    /// Waiting time of requests in milliseconds.
    pub latency_ms: Percentiles,
    /// The same by kind of outcome, for kinds that occurred.
    pub latency_by_kind: BTreeMap<String, Percentiles>,
    /// How current the answers were.
    pub freshness: Freshness,
    /// By class of objects, in the order of the scenario.
    pub classes: Vec<ClassRow>,
    /// By who asks, people first; empty where the trace marks no request as a robot's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parties: Vec<Party>,
    /// Differences to the baseline at the same capacity, by metric; empty for the baseline itself.
    pub paired: BTreeMap<String, Difference>,
    /// The score and the metrics of `paired` in each replication, by metric; the place in the list is the replication's
    /// number, up to the last that finished. `null` where a replication is missing or has no data. Equal places of two
    /// cells of one run met the same requests.
    #[serde(default)]
    pub by_replication: BTreeMap<String, Vec<Option<f64>>>,
    /// What the cell costs a month; absent where the scenario names no prices, or no time was scored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Cost>,
    /// What the timeout costs that the ttl rule `elastic` steers, and constant ones; absent under other rules.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeouts: Option<Timeouts>,
    /// Composite score, from 0 to 1; `null` without requests.
    pub score: Option<f64>,
    /// Parts of the score by objective, each from 0 to 1.
    pub score_parts: BTreeMap<String, f64>,
    /// Whether no other cell has both less memory and less origin load.
    pub on_pareto_front: bool,
    /// Gates by name.
    pub gates: BTreeMap<String, Gate>,
    /// Over time, averaged over replications.
    pub series: Series,
    /// How long the server itself worked; absent from a simulation, and where a live server does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_work: Option<ServerWork>,
    /// How TTLs went over time in the first replication, warm-up included; empty where none depends on time.
    #[serde(default)]
    pub trajectories: Vec<Trajectory>,
}

/// How [`Cell::failed`] ends where the user stopped the sweep.
pub(in crate::record) const INTERRUPTED: &str = "interrupted";

impl Cell {
    /// Whether replications are missing because the sweep was stopped.
    pub fn is_interrupted(&self) -> bool {
        self.failed.as_deref().is_some_and(|why| why.ends_with(INTERRUPTED))
    }
}
