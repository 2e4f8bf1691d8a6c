//! Where a trace comes from and how it was read; stands in the record and in `ttlab trace stat`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::units::SimDuration;

/// Lines that are no requests, for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// Whether such a line is broken, rather than sound but not asked for.
    pub is_bad: bool,
    /// How many lines.
    pub count: u64,
    /// The first of them, from 1.
    pub first_line: u64,
    /// What stands there, shortened.
    pub example: String,
}

/// Lines with one method and status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// Upper case; `None` where the recording has no methods.
    pub method: Option<String>,
    /// `None` where the recording has no statuses.
    pub status: Option<u16>,
    /// All lines.
    pub lines: u64,
    /// Those whose path has one of the extensions that are kept.
    pub kept_extension: u64,
}

/// Where a trace comes from and how it was read.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// As it was named.
    pub file: String,
    /// Size of the file as it is, compressed or not.
    pub bytes: u64,
    /// Digest of the file as it is, in hexadecimal digits.
    pub sha256: String,
    /// `plain`, `gzip`, `zstd` or `xz`.
    pub compression: String,
    /// The trace format.
    pub format: String,
    /// Whether the format was guessed from the content.
    pub format_was_guessed: bool,
    /// Lines (of a table: without its header).
    pub lines: u64,
    /// Requests of the trace.
    pub kept: u64,
    /// Lines that cannot be understood.
    pub bad: u64,
    /// Lines that are no requests, by reason.
    pub skipped: BTreeMap<String, Skipped>,
    /// Lines with fields behind those of the format, which were ignored.
    pub lines_with_extra_fields: u64,
    /// Lines by method and status, the most frequent first.
    pub operations: Vec<Operation>,
    /// Lines by extension as written, of those extensions that are kept.
    pub extensions: BTreeMap<String, u64>,
    /// The coarsest of 1 s, 1 ms, 1 us and 1 ns that recorded times are multiples of, in nanoseconds: 1 s where a file
    /// has whole seconds (nine of ten of its times at least), else what all times are multiples of.
    pub resolution_ns: u64,
    /// How whole seconds were spread: `none`, `even` or `uniform`.
    pub spread: String,
    /// Lines by the recorder's offset from UTC, such as `-0400`; empty where not recorded.
    pub offsets: BTreeMap<String, u64>,
    /// Lines that are earlier than the line before.
    pub backward_steps: u64,
    /// By how much a line was earlier than the latest before it, at most.
    pub max_lateness_ns: u64,
    /// When the trace begins, in nanoseconds since 1970 UTC (after spreading).
    pub first_unix_ns: i64,
    /// Objects whose size was never recorded and had to be assumed.
    pub imputed_objects: u64,
    /// Requests for such objects.
    pub imputed_requests: u64,
    /// Objects with several recorded sizes.
    pub objects_with_several_sizes: u64,
    /// Requests without a recorded origin time, where others have one.
    pub assumed_origin_times: u64,
    /// Writes that are taken as fills of the recorded cache.
    #[serde(default)]
    pub ignored_writes: u64,
    /// Changes at the origin that were recorded.
    #[serde(default)]
    pub changes: u64,
    /// Deletions of keys that were recorded.
    #[serde(default)]
    pub deletions: u64,
    /// Objects with a recorded TTL.
    #[serde(default)]
    pub objects_with_ttl: u64,
    /// Requests whose object had a recorded TTL by then.
    #[serde(default)]
    pub requests_with_ttl: u64,
    /// The TTLs that records tell, and how many tell each, the most frequent first; forever for a key that was
    /// written without one. Beyond 1,024 different ones, further ones are not counted.
    #[serde(default)]
    pub recorded_ttls: Vec<(SimDuration, u64)>,
    /// All recorded writes.
    #[serde(default)]
    pub writes: u64,
    /// All recorded deletions.
    #[serde(default)]
    pub recorded_deletions: u64,
    /// Times that a record told of a later last modification of its object than was known.
    #[serde(default)]
    pub modifications: u64,
    /// Whole responses whose size differs from the object's last one.
    #[serde(default)]
    pub size_changes: u64,
    /// Whether the recording tells how long the origin took.
    #[serde(default)]
    pub has_origin_times: bool,
    /// Class rules that no object matches.
    pub idle_class_rules: Vec<String>,
    /// What was assumed or looks odd, in plain sentences.
    pub notes: Vec<String>,
}

impl Provenance {
    /// When the trace begins by the recorder's clock, in nanoseconds since 1970 UTC; `None` where its times count from
    /// something else, as those before 1980 do.
    pub fn began(&self) -> Option<i64> {
        const EIGHTIES_NS: i64 = 315_532_800_000_000_000;
        Some(self.first_unix_ns).filter(|first| *first >= EIGHTIES_NS)
    }

    /// Share of requests for objects whose size had to be assumed; `None` without requests.
    pub fn imputed_share(&self) -> Option<f64> {
        (self.kept > 0).then(|| self.imputed_requests as f64 / self.kept as f64)
    }
}
