//! The fields of `record.json`. Other programs rely on these names: add, but rename none without a new [`SCHEMA`].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use super::columns::{ClassSeries, Series, Trajectory};

/// Version of the record's layout.
pub const SCHEMA: u32 = 1;

/// A finished run: what was asked, on which trace, and what came out for every cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Version of the layout, [`SCHEMA`].
    pub schema: u32,
    /// What made the record.
    pub tool: Tool,
    /// What was asked.
    pub scenario: ScenarioInfo,
    /// On which requests.
    pub trace: TraceInfo,
    /// How it was simulated.
    pub provenance: Provenance,
    /// How cells were scored.
    pub scoring: Scoring,
    /// What happened to the cache's server, in the order of time.
    #[serde(default)]
    pub events: Vec<ServerEvent>,
    /// What the scenario's author claimed, and whether it holds.
    pub expectations: Vec<Expectation>,
    /// The cells, in the order of the scenario.
    pub cells: Vec<Cell>,
}

/// What made the record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tool {
    /// `ttlab`.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// What was asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScenarioInfo {
    /// Name, also that of the output folder.
    pub name: String,
    /// The question, in the author's words.
    pub question: String,
    /// SHA-256 of the scenario's text, hexadecimal.
    pub sha256: String,
    /// Seed of all chance.
    pub seed: u64,
    /// The scenario with every default filled in.
    pub effective: serde_json::Value,
}

/// The requests that were simulated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TraceInfo {
    /// What it is, for people: `synthetic`, or the file's name and format.
    pub source: String,
    /// Whether it was recorded (and so played once, without replications).
    pub recorded: bool,
    /// Requests of one replication, warm-up included (the first replication of a synthetic trace).
    pub requests: u64,
    /// Objects.
    pub objects: u64,
    /// Sum of the sizes of all objects.
    pub unique_bytes: u64,
    /// Length in seconds.
    pub span_s: f64,
    /// SHA-256 of the file as it lies on disk, or of the generated columns; hexadecimal.
    pub sha256: String,
    /// Lines that were no requests, by reason.
    pub skipped: BTreeMap<String, u64>,
    /// Where each reason first occurred, for people.
    pub skipped_first: BTreeMap<String, String>,
    /// Share of requests whose object's size was never seen and had to be assumed.
    pub imputed_size_share: f64,
    /// What the reader should know, in sentences.
    pub notes: Vec<String>,
}

/// How it was simulated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// A command that gives this record again.
    pub command: String,
    /// Length of the warm-up, simulated and not scored, in seconds.
    pub warmup_s: f64,
    /// Length of the scored part in seconds.
    pub scored_s: f64,
    /// Warnings shown to the user.
    pub warnings: Vec<String>,
    /// What follows from settings, in sentences.
    #[serde(default)]
    pub notes: Vec<String>,
    /// What the model leaves out, in sentences.
    pub limits: Vec<String>,
}

/// Something that happened to the cache's server, in every cell and replication.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ServerEvent {
    /// When, in seconds.
    pub at_s: f64,
    /// When the server was back, in seconds; the same instant for what takes no time.
    pub until_s: f64,
    /// `flush`, `restart` or `maxmemory`.
    pub kind: String,
    /// What happened, for people.
    pub what: String,
}

/// How cells were scored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scoring {
    /// Weight of each objective.
    pub weights: BTreeMap<String, f64>,
    /// The formula of the score, in words and symbols.
    pub formula: String,
    /// The rule by which the winner was chosen, in a sentence.
    pub rule: String,
    /// Index of the recommended cell; `null` where no cell passes every gate.
    pub winner: Option<usize>,
    /// Cells that are indistinguishable from the winner in score.
    pub indistinguishable: Vec<usize>,
}

/// What the scenario's author claimed about a cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Expectation {
    /// Strategy.
    pub strategy: String,
    /// Which cell, for people.
    pub cell: String,
    /// Field of the cell.
    pub metric: String,
    /// Least expected value.
    pub low: f64,
    /// Greatest expected value.
    pub high: f64,
    /// What came out; `null` where there are no data.
    pub value: Option<f64>,
    /// Whether it lies within.
    pub met: bool,
}

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
    /// Differences to the baseline at the same capacity, by metric; empty for the baseline itself.
    pub paired: BTreeMap<String, Difference>,
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
    /// How TTLs went over time in the first replication, warm-up included; empty where none depends on time.
    #[serde(default)]
    pub trajectories: Vec<Trajectory>,
}

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
    /// Most in any replication.
    pub peak_bytes: u64,
    /// At the end, averaged over replications.
    pub final_bytes: f64,
    /// Of the mean, bytes of entries past their TTL that nothing had removed yet.
    pub expired_resident_mean_bytes: f64,
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
    /// Connections with their buffers.
    pub clients: f64,
    /// The empty server, and the histograms of the kinds of commands seen.
    pub fixed: f64,
}

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
    pub peak_rate: f64,
    /// 95 % interval of the mean rate.
    pub mean_rate_low: Option<f64>,
    /// Its upper end.
    pub mean_rate_high: Option<f64>,
    /// Share of the servers' time spent on fetches; `null` where capacity is unlimited.
    pub utilisation: Option<f64>,
    /// Longest wait for a server in seconds, over all replications.
    pub longest_queue_wait_s: f64,
    /// Fetches answered with an error.
    #[serde(default)]
    pub failures: u64,
    /// Fetches refused or thrown out of the queue.
    #[serde(default)]
    pub shed: u64,
    /// Fetches that confirmed the version the application held.
    #[serde(default)]
    pub confirmed: u64,
}

/// What went wrong on the way to an answer, and what was done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Incidents {
    /// Attempts that ended for want of patience.
    pub timeouts: u64,
    /// Attempts after the first.
    pub retries: u64,
    /// Requests answered with an error that the cache remembered.
    pub negative_served: u64,
    /// Processes that died while they fetched.
    pub crashes: u64,
    /// Fetches called off because nobody waited for them any more.
    pub cancelled: u64,
    /// Fetches not made because a breaker was open.
    #[serde(default)]
    pub broken: u64,
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

/// Many fetches of one object at once.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Stampedes {
    /// Summed over replications.
    pub count: u64,
    /// Per hour of scored virtual time.
    pub per_hour: f64,
    /// Per 1000 regenerations; `null` without regenerations.
    pub per_1000_regenerations: Option<f64>,
    /// Regenerations: stretches with at least one fetch of an object in flight.
    pub regenerations: u64,
    /// Mean size; `null` without stampedes.
    pub mean_size: Option<f64>,
    /// The size that 99 % stay within.
    pub p99_size: Option<f64>,
    /// Largest size.
    pub max_size: u64,
    /// Fetches beyond the first of their regeneration.
    pub duplicate_fetches: u64,
    /// Duplicate fetches of all fetches; `null` without fetches.
    pub duplicate_ratio: Option<f64>,
    /// Origin seconds spent on duplicates.
    pub wasted_origin_s: f64,
    /// Most requests that waited at once for the same object.
    pub peak_waiters: u64,
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

/// Many objects at once.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Avalanche {
    /// Most fetches in one second, over all replications.
    pub peak_per_s: u64,
    /// The number that 99.9 % of the seconds stay within, averaged over replications.
    pub p999_per_s: f64,
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
    pub peak_expiring_per_s: u64,
}

/// Percentiles of waiting time in milliseconds, over all replications; `null` without requests.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[expect(missing_docs, reason = "named after the percentiles")]
pub struct Percentiles {
    pub count: u64,
    pub mean: Option<f64>,
    pub p50: Option<f64>,
    pub p90: Option<f64>,
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

/// A paired difference to the baseline.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// This cell minus the baseline, averaged over replications.
    pub mean: f64,
    /// Lower end of the 95 % interval; `null` with a single replication.
    pub low: Option<f64>,
    /// Its upper end.
    pub high: Option<f64>,
    /// Whether 0 lies in the interval; `null` with a single replication.
    pub indistinguishable: Option<bool>,
}

/// A limit the scenario sets.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Gate {
    /// What came out; `null` without data, which fails.
    pub value: Option<f64>,
    /// The limit.
    pub limit: f64,
    /// Whether the value must be at least (`min`) or at most (`max`) the limit.
    pub bound: Bound,
    /// Whether it passes.
    pub pass: bool,
}

/// Direction of a gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// At least.
    Min,
    /// At most.
    Max,
}
