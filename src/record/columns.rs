//! The fields of `record.json` that go over time: columns with a value per bucket, and TTLs that were steered.

use serde::{Deserialize, Serialize};

/// The run over time, as columns; warm-up included.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Series {
    /// Length of a bucket in seconds.
    pub bucket_s: f64,
    /// Requests per bucket (mean over replications, as all columns unless they say otherwise).
    pub requests: Vec<f64>,
    /// Fresh hits.
    pub fresh_hit: Vec<f64>,
    /// Stale hits.
    pub stale_hit: Vec<f64>,
    /// Delayed hits.
    pub delayed_hit: Vec<f64>,
    /// Misses of any cause.
    pub misses: Vec<f64>,
    /// Of the misses, those of objects never held before.
    #[serde(default)]
    pub miss_cold: Vec<f64>,
    /// Those because a TTL ran out.
    #[serde(default)]
    pub miss_expired: Vec<f64>,
    /// Those because of an eviction.
    #[serde(default)]
    pub miss_evicted: Vec<f64>,
    /// Those because of a deletion or purge.
    #[serde(default)]
    pub miss_invalidated: Vec<f64>,
    /// Those because of a flush, a restart or a failed node.
    #[serde(default)]
    pub miss_lost: Vec<f64>,
    /// Old values served because the origin failed.
    #[serde(default)]
    pub stale_on_error: Vec<f64>,
    /// Errors.
    pub errors: Vec<f64>,
    /// Fetches asked of the origin.
    pub fetches: Vec<f64>,
    /// Most fetches in one second of the bucket, in any replication.
    pub peak_fetch_rate: Vec<u64>,
    /// Most fetches in flight at once, in any replication.
    pub peak_in_flight: Vec<u64>,
    /// Fetches that started while another of the same object was in flight.
    pub duplicate_fetches: Vec<f64>,
    /// Share of the servers' time spent on fetches; empty, as the next two, where capacity is unlimited.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub utilisation: Vec<f64>,
    /// Fetches that waited for a server, averaged over the bucket.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub queue_mean: Vec<f64>,
    /// Longest wait for a server in seconds among fetches asked for in the bucket, in any replication.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub queue_wait_max_s: Vec<f64>,
    /// Commands sent to the cache.
    #[serde(default)]
    pub commands: CommandSeries,
    /// Bytes of live entries.
    pub live_bytes: Vec<f64>,
    /// Bytes of expired entries still resident.
    pub expired_bytes: Vec<f64>,
    /// Most bytes resident, in any replication.
    pub peak_bytes: Vec<u64>,
    /// Entries evicted.
    pub evicted: Vec<f64>,
    /// Entries whose TTL ran out.
    pub expired: Vec<f64>,
    /// Mean wait in milliseconds, over the replications that have requests in the bucket; `null` where none has.
    #[serde(default)]
    pub mean_latency_ms: Vec<Option<f64>>,
    /// The wait that 99 % stay within, to one digit, averaged likewise.
    #[serde(default)]
    pub p99_latency_ms: Vec<Option<f64>>,
    /// Longest wait, in any replication.
    #[serde(default)]
    pub max_latency_ms: Vec<f64>,
    /// Answers whose object had changed at the origin; empty, as the next two, where nothing ever changes.
    #[serde(default)]
    pub outdated: Vec<f64>,
    /// Of these, answers older than the scenario's bound; empty without a bound.
    #[serde(default)]
    pub over_bound: Vec<f64>,
    /// Time since the first unseen change, averaged over all answers, in seconds.
    #[serde(default)]
    pub mean_age_s: Vec<Option<f64>>,
    /// The same by class, for the first 16 classes of the scenario; empty where there is only one.
    #[serde(default)]
    pub classes: Vec<ClassSeries>,
}

/// Commands over time: means over replications; a kind that was never sent has an empty column.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "named after the Redis commands, as the totals are")]
pub struct CommandSeries {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub get: Vec<f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub set: Vec<f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub expire: Vec<f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub del: Vec<f64>,
    /// Lock traffic.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lock: Vec<f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub zadd: Vec<f64>,
    /// Commands of sweeps.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sweep: Vec<f64>,
    /// Of deadlines kept beside values.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub deadline: Vec<f64>,
    /// Bytes written by SETs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub bytes_in: Vec<f64>,
    /// Bytes read by GETs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub bytes_out: Vec<f64>,
}

impl CommandSeries {
    /// The columns of commands, without those of bytes, each with its name.
    pub fn kinds(&self) -> [(&'static str, &[f64]); 8] {
        [
            ("get", &self.get),
            ("set", &self.set),
            ("expire", &self.expire),
            ("del", &self.del),
            ("lock", &self.lock),
            ("zadd", &self.zadd),
            ("sweep", &self.sweep),
            ("deadline", &self.deadline),
        ]
    }
}

/// One class over time: means over replications.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ClassSeries {
    /// Its name.
    pub name: String,
    /// Requests per bucket.
    pub requests: Vec<f64>,
    /// Fresh hits.
    pub fresh_hit: Vec<f64>,
    /// Stale hits.
    pub stale_hit: Vec<f64>,
    /// Delayed hits.
    pub delayed_hit: Vec<f64>,
    /// Misses of any cause.
    pub misses: Vec<f64>,
    /// Errors.
    pub errors: Vec<f64>,
    /// Fetches asked of the origin.
    pub fetches: Vec<f64>,
}

/// How long the server of a live run itself worked, from one question to the next, warm-up included; in milliseconds of real time,
/// without waits and the network.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct WorkSeries {
    /// When each question was asked, in seconds; the first stretch begins at 0.
    pub until_s: Vec<f64>,
    /// GETs between two questions; `null`, as the next three, where counters were reset meanwhile.
    pub get: Vec<Option<u64>>,
    /// Mean time of a GET; `null` where there was none as well.
    pub get_mean_ms: Vec<Option<f64>>,
    /// SETs, those of locks among them.
    pub set: Vec<Option<u64>>,
    /// Mean time of a SET.
    pub set_mean_ms: Vec<Option<f64>>,
    /// What 99 of 100 GETs since the server was started took no longer than, at each question; `null` where it keeps no histograms.
    pub get_p99_ms: Vec<Option<f64>>,
}

/// A TTL over time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trajectory {
    /// What it is the TTL of: `fills`, or what a controller steers, such as `d-ttl`.
    pub name: String,
    /// Class of objects; `null` where one TTL is for all.
    pub class: Option<String>,
    /// Instants in seconds.
    pub times_s: Vec<f64>,
    /// The TTL at each instant in seconds; of `fills`, the mean of the bucket that begins then.
    pub ttl_s: Vec<f64>,
    /// Share of the instants at which a controller stood at one of its limits: a target out of
    /// reach. `null` where nothing is steered.
    pub pinned_share: Option<f64>,
    /// Names that the controller remembered without a value at each instant; absent where it remembers none. Their memory is
    /// not among that of the cache.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shadows: Vec<u64>,
}
