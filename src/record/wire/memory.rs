//! What the cache held.

use serde::{Deserialize, Serialize};

/// Entries resident in the cache.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Entries {
    /// Averaged over time and replications.
    pub mean: f64,
    /// Most in any replication.
    pub peak: u64,
    /// At the end, averaged over replications.
    #[serde(rename = "final")]
    pub at_end: f64,
}

/// Bytes resident in the cache.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Memory {
    /// Averaged over time and replications.
    pub mean_bytes: f64,
    /// Most in any replication; `null` where a sample of the keys was played in a server's memory.
    pub peak_bytes: Option<u64>,
    /// At the end, averaged over replications.
    pub final_bytes: f64,
    /// Of the mean, bytes of entries past their TTL that nothing had removed yet; `null` where they were not told
    /// apart, as by a real server.
    pub expired_resident_mean_bytes: Option<f64>,
    /// 95 % interval of the mean; `null` with a single replication.
    pub mean_low: Option<f64>,
    /// Its upper end.
    pub mean_high: Option<f64>,
    /// Where memory went at the end, averaged over replications; `null` where entries alone are counted.
    #[serde(default)]
    pub breakdown: Option<MemoryParts>,
    /// What the process takes of the machine at its peak, an estimate: the peak times the ratio that
    /// the memory model was given. `null` where entries alone are counted.
    #[serde(default)]
    pub rss_estimate_bytes: Option<f64>,
}

/// `used_memory` by what it is used for, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct MemoryParts {
    /// Data of values.
    pub values: f64,
    /// Data of keys.
    pub keys: f64,
    /// Objects, and headers and ends of strings.
    pub headers: f64,
    /// Places in the chains of all keys.
    pub dict_entries: f64,
    /// Places in the chains of the keys with a TTL.
    pub expires_entries: f64,
    /// Buckets of both tables.
    pub tables: f64,
    /// What the allocator rounds up.
    pub rounding: f64,
    /// The sorted set of a sweep by the application; left out where there is none.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub sorted_set: f64,
    /// Connections with their buffers.
    pub clients: f64,
    /// The empty server, and the histograms of the kinds of commands seen.
    pub fixed: f64,
}

/// Whether a part is left out because there is none of it.
fn is_nothing<B: Default + PartialEq>(bytes: &B) -> bool {
    *bytes == B::default()
}
