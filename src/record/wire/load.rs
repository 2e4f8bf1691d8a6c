//! What the cache and the origin had to do, and what went wrong: commands, fetches, stampedes, avalanches.

use serde::{Deserialize, Serialize};

/// Commands sent to the cache, summed over replications.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[expect(missing_docs, reason = "named after the Redis commands")]
pub struct CacheCommands {
    pub get: u64,
    pub set: u64,
    pub expire: u64,
    pub del: u64,
    /// Lock traffic: SET NX PX, compare-and-delete, PEXPIRE.
    #[serde(default)]
    pub lock: u64,
    /// One per access under a sweep.
    #[serde(default)]
    pub zadd: u64,
    /// Commands of sweeps.
    #[serde(default)]
    pub sweep: u64,
    /// Of deadlines kept beside values.
    #[serde(default)]
    pub deadline: u64,
    pub bytes_in: u64,
    pub bytes_out: u64,
    /// Commands per request; `null` without requests.
    pub per_request: Option<f64>,
    /// Times that the application waited for the cache, per request; commands sent together are one.
    #[serde(default)]
    pub round_trips_per_request: Option<f64>,
}

/// Load on the origin: counts summed, rates averaged over replications.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Origin {
    /// Fetches, in the foreground and in the background.
    pub fetches: u64,
    /// Of these, in the background while a usable copy was served.
    pub refreshes: u64,
    /// Bytes fetched.
    pub bytes: u64,
    /// Fetches per second.
    pub mean_rate: f64,
    /// Most fetches in one second, averaged over replications; the most of all is `avalanche.peak_per_s`.
    pub peak_rate: Option<f64>,
    /// 95 % interval of the mean rate.
    pub mean_rate_low: Option<f64>,
    /// Its upper end.
    pub mean_rate_high: Option<f64>,
    /// Share of the servers' time spent on fetches; `null` where capacity is unlimited.
    pub utilisation: Option<f64>,
    /// Longest wait for a server in seconds, over all replications.
    pub longest_queue_wait_s: Option<f64>,
    /// Fetches answered with an error.
    #[serde(default)]
    pub failures: Option<u64>,
    /// Fetches refused or thrown out of the queue.
    #[serde(default)]
    pub shed: Option<u64>,
    /// Fetches that confirmed the version the application held.
    #[serde(default)]
    pub confirmed: u64,
}

/// What went wrong on the way to an answer, and what was done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Incidents {
    /// Attempts that ended for want of patience.
    pub timeouts: Option<u64>,
    /// Attempts after the first.
    pub retries: Option<u64>,
    /// Requests answered with an error that the cache remembered.
    pub negative_served: Option<u64>,
    /// Processes that died while they fetched.
    pub crashes: Option<u64>,
    /// Fetches called off because nobody waited for them any more.
    pub cancelled: Option<u64>,
    /// Fetches not made because a breaker was open.
    #[serde(default)]
    pub broken: Option<u64>,
}

/// What application-side sweeps did and cost.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Sweeps {
    /// Sweeps, summed over replications.
    pub count: u64,
    /// Entries removed; these are among the evicted.
    pub removed: u64,
    /// Most members of the set at a sweep.
    pub peak_members: u64,
    /// Most members whose key was gone.
    pub peak_ghosts: u64,
    /// Such members at the last sweep.
    pub final_ghosts: u64,
    /// Most entries above the limit.
    pub peak_excess_entries: u64,
    /// Most bytes above the limit.
    pub peak_excess_bytes: u64,
    /// Bytes of the set itself.
    pub mean_set_bytes: f64,
    /// Most of them.
    pub peak_set_bytes: u64,
}

/// Many fetches of one object at once. `null` where a sample of the keys was played and does not tell.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Stampedes {
    /// Summed over replications.
    pub count: Option<u64>,
    /// Per hour of scored virtual time.
    pub per_hour: Option<f64>,
    /// Per 1000 regenerations; `null` without regenerations.
    pub per_1000_regenerations: Option<f64>,
    /// Regenerations: stretches with at least one fetch of an object in flight.
    pub regenerations: Option<u64>,
    /// Mean size; `null` without stampedes.
    pub mean_size: Option<f64>,
    /// The size that 99 % stay within.
    pub p99_size: Option<f64>,
    /// Largest size.
    pub max_size: Option<u64>,
    /// Fetches beyond the first of their regeneration.
    pub duplicate_fetches: Option<u64>,
    /// Duplicate fetches of all fetches; `null` without fetches.
    pub duplicate_ratio: Option<f64>,
    /// Origin seconds spent on duplicates.
    pub wasted_origin_s: Option<f64>,
    /// Most requests that waited at once for the same object.
    pub peak_waiters: Option<u64>,
    /// Regenerations by size: `sizes[k]` have size `k + 1`; the last place holds all larger ones.
    pub sizes: Vec<u64>,
    /// The largest of the first replication, largest first.
    pub worst: Vec<WorstStampede>,
}

/// One stampede.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WorstStampede {
    /// Key of the object.
    pub object: String,
    /// Start in seconds.
    pub start_s: f64,
    /// Length in seconds.
    pub length_s: f64,
    /// Fetches started in it.
    pub size: u64,
    /// Most requests that waited at once.
    pub waiters: u64,
    /// Outcome that set it off, such as `miss_expired`.
    pub cause: String,
}

/// Many objects at once. `null` where a sample of the keys was played, which tells nothing of that.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Avalanche {
    /// Most fetches in one second, over all replications.
    pub peak_per_s: Option<u64>,
    /// The number that 99.9 % of the seconds stay within, averaged over replications.
    pub p999_per_s: Option<f64>,
    /// Peak of the mean; `null` without fetches.
    pub peak_to_mean: Option<f64>,
    /// The median time of a fetch in seconds; `null` where fetches take no time.
    #[serde(default)]
    pub fetch_time_s: Option<f64>,
    /// Most fetches within one median fetch time, over all replications.
    pub peak_per_fetch_time: Option<u64>,
    /// The number that 99.9 % of these stretches stay within, averaged over replications.
    #[serde(default)]
    pub p999_per_fetch_time: Option<f64>,
    /// Peak of the mean of these stretches; `null` without fetches.
    #[serde(default)]
    pub peak_to_mean_per_fetch_time: Option<f64>,
    /// Most distinct objects whose TTL ran out in one second.
    pub peak_expiring_per_s: Option<u64>,
}
