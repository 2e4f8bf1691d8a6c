//! The fields of `record.json`. Other programs rely on these names: add, but rename none without a new [`SCHEMA`].

mod answers;
mod cell;
mod cost;
mod judged;
mod load;
mod memory;
mod surface;
mod work;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use self::answers::{ClassRow, Estimate, Freshness, Outcomes, Party, Percentiles, Ratios};
pub(in crate::record) use self::cell::INTERRUPTED;
pub use self::cell::{Capacity, Cell};
pub use self::cost::{Cost, Timeouts};
pub use self::judged::{Bound, Difference, Expectation, Gate, Scoring};
pub use self::load::{Avalanche, CacheCommands, Incidents, Origin, Stampedes, Sweeps, WorstStampede};
pub use self::memory::{Entries, Memory, MemoryParts};
pub use self::surface::{Lattice, Surface};
pub use self::work::{ServerWork, SlowestWork};
pub use super::columns::{ClassSeries, CommandSeries, Series, Trajectory, WorkSeries};

/// Version of the record's layout.
pub const SCHEMA: u32 = 1;

/// A finished run: what was asked, on which trace, and what came out for every cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Version of the layout, [`SCHEMA`].
    pub schema: u32,
    /// What made the record.
    pub tool: Tool,
    /// Whether it was simulated or measured; not written, and not in older records, where it was simulated.
    #[serde(default, skip_serializing_if = "RunSource::is_simulation")]
    pub source: RunSource,
    /// What was asked.
    pub scenario: ScenarioInfo,
    /// On which requests.
    pub trace: TraceInfo,
    /// How a sample of the keys was played; absent where all keys were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample: Option<SampleInfo>,
    /// How it was simulated.
    pub provenance: Provenance,
    /// How cells were scored.
    pub scoring: Scoring,
    /// What happened to the cache's server, in the order of time.
    #[serde(default)]
    pub events: Vec<ServerEvent>,
    /// What the scenario's author claimed, and whether it holds.
    pub expectations: Vec<Expectation>,
    /// What was found beside the cells; absent from older records, and where no limit has a meaning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub surface: Option<Surface>,
    /// The cells, in the order of the scenario.
    pub cells: Vec<Cell>,
}

/// How the numbers of a record came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunSource {
    /// By a simulation.
    #[default]
    Simulation,
    /// By a run against a real server.
    Live,
}

impl RunSource {
    /// Whether nothing real was measured.
    pub fn is_simulation(&self) -> bool {
        *self == Self::Simulation
    }
}

/// What made the record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tool {
    /// `ttlab`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The commit it was built from; absent where the build was not told (`TTLAB_COMMIT`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
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
    /// When it began by the recorder's clock; `null` where no clock was recorded.
    #[serde(default)]
    pub clock: Option<Clock>,
    /// How soon objects are asked for again (in the first replication of a synthetic trace); `null` in older records.
    #[serde(default)]
    pub reuse: Option<Reuse>,
}

/// How a sample of the keys was played. Every count, rate and size of the record is that of the whole, estimated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SampleInfo {
    /// The share of the keys.
    pub rate: f64,
    /// How many samples were taken of one trace, each a replication; 1 where each replication has a trace of its own.
    pub samples_of_one_trace: u32,
    /// Scored requests that one replication simulated, on average over cells and replications.
    pub requests: f64,
    /// Metrics that a sample does not tell, `null` in this record, each with the reason.
    pub unavailable: BTreeMap<String, String>,
    /// Why this rate was taken, where `--quick` chose it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chosen: Option<String>,
}

/// When a recorded trace began.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Clock {
    /// Time of its first request, in seconds since 1970 UTC.
    pub first_unix_s: f64,
    /// By how many seconds most of the recorder's clocks were ahead of UTC.
    pub utc_offset_s: i32,
}

/// Requests by the time since the one before for the same object, and by the time since its first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reuse {
    /// Upper edges of all steps but the last, in seconds; an edge belongs to the step below it.
    pub edges_s: Vec<f64>,
    /// Requests that were the first for their object.
    pub first_requests: u64,
    /// All others: by step of the time since the one before, and within it by step of the time since the first.
    pub requests: Vec<Vec<u64>>,
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
    /// The ids of cells that were simulated without a clock and its events, because their fetches take no time: the numbers
    /// are the same. Not written where there is none, as in older records.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub without_events: Vec<String>,
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
