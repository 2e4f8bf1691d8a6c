//! Reading recorded traces: one file is one format; what they share lies beside them.
//!
//! A format turns a stream of text into raw [`Record`]s, or says by line and reason why a line is none.
//! It neither filters nor interns: that is [`import`](mod@crate::trace::import), the same for all formats.

use std::io::{self, BufRead};

use super::TraceError;
use crate::units::SimDuration;

mod ahead;
mod asked;
mod clf;
mod combined;
pub(super) mod compression;
mod csv;
mod fields;
pub(super) mod guess;
mod json_lines;
mod line_reader;
mod lines;
mod lirs;
mod log_line;
mod log_reader;
mod meta_cdn;
mod nginx;
mod nginx_pattern;
mod operation;
mod oracle_general;
mod plain_rows;
mod redis_command;
mod redis_monitor;
mod row_limit;
mod table;
mod table_reader;
mod tencent_photo;
mod timestamp;
mod tsv;
mod twitter;
mod valkey_trace;
mod webcachesim;
mod wikimedia_upload;

pub use ahead::{Ahead, ahead};
pub use operation::Op;
pub(super) use oracle_general::PARTIAL;
pub use oracle_general::{RECORD_BYTES, write_record};
pub use table::{Column, Columns, Declared, FIELDS, Quote};
pub use timestamp::TimeUnit;

crate::catalog! {
    /// What a recorded trace can be written in.
    pub static FORMATS: Catalog<dyn TraceFormat, Declared> = "trace format", tag "format";
    clf::Clf,
    combined::Combined,
    nginx::Nginx,
    json_lines::JsonLines,
    csv::Csv,
    tsv::Tsv,
    oracle_general::OracleGeneral,
    twitter::Twitter,
    wikimedia_upload::WikimediaUpload,
    redis_monitor::RedisMonitor,
    valkey_trace::ValkeyTrace,
    webcachesim::Webcachesim,
    lirs::Lirs,
    tencent_photo::TencentPhoto,
    meta_cdn::MetaCdn,
}

/// The parameters of a format that has none of its own.
#[derive(Debug, Clone, Copy, Default, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoParams {}

/// How a kind of file is read.
pub trait TraceFormat {
    /// Begins to read; `file` is what messages call the input.
    fn open<'r>(
        &self,
        input: Box<dyn BufRead + Send + 'r>,
        file: &str,
    ) -> Result<Box<dyn RecordReader + 'r>, TraceError>;

    /// Whether its records are lines of a web server's log: keys are then request targets, and only
    /// images are kept unless the scenario says otherwise.
    fn is_log(&self) -> bool;

    /// Whether a file is lines of text.
    fn is_text(&self) -> bool {
        true
    }

    /// Whether its records have times; otherwise they have an order alone, and the reader makes times up.
    fn has_times(&self) -> bool {
        true
    }
}

/// A trace that is being read.
pub trait RecordReader: Send {
    /// The next row; `None` at the end.
    fn next_row(&mut self) -> Option<io::Result<Row<'_>>>;

    /// Puts the next rows into `block` as far as they are [`Plain`], a few thousand at most, and says in which line
    /// the first stands; each takes one line. Where the block stays empty, [`next_row`](Self::next_row) has the next
    /// row, the end, or the error.
    fn plain(&mut self, block: &mut Vec<Plain>) -> u64 {
        block.clear();
        0
    }

    /// How many lines have been read whole.
    fn lines_read(&self) -> u64;

    /// What the reader assumed, as sentences for the user.
    fn notes(&self) -> Vec<String> {
        Vec::new()
    }
}

/// One row of the input: a record, or why it is none.
#[derive(Debug)]
pub struct Row<'r> {
    /// Where it begins, from 1.
    pub line: u64,
    /// How many lines it covers; more than one where a quoted field holds line breaks.
    pub lines: u64,
    /// What it says.
    pub content: Result<Record<'r>, Skip<'r>>,
}

/// A row that says when, of what and how large, and nothing else: a [`Record`] whose key is a number in decimal
/// digits without zeros before them. Such rows are taken by the thousand, and their keys are never spelt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plain {
    /// Nanoseconds since 1970 UTC, or since whenever the recording counts from.
    pub time_ns: i64,
    /// The key.
    pub number: u64,
    /// Bytes of the body; 0 for none.
    pub size: u32,
}

/// A request as it was recorded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Record<'r> {
    /// Nanoseconds since 1970 UTC, or since whenever the recording counts from.
    pub time_ns: i64,
    /// How long before `time_ns` the request began, in milliseconds, in recordings that stamp its end by whole seconds:
    /// where inside its second the stamp lies is not known, and what it took is finer. `None` where `time_ns` is the
    /// beginning itself.
    pub lag_ms: Option<u32>,
    /// Seconds that the recorder's clock was ahead of UTC, where recorded.
    pub utc_offset_s: Option<i32>,
    /// Method or operation, where recorded.
    pub method: Option<&'r [u8]>,
    /// HTTP status, where recorded.
    pub status: Option<u16>,
    /// What was asked for: a request target or a key.
    pub key: &'r [u8],
    /// Bytes of the body, where recorded.
    pub size: Option<u64>,
    /// Class, where recorded.
    pub class: Option<&'r [u8]>,
    /// How long the origin took, where recorded; of a write, the fetch that it ended.
    pub origin_time: Option<SimDuration>,
    /// The TTL of the key from now on, where recorded; [`SimDuration::FOREVER`] for none.
    pub ttl: Option<SimDuration>,
    /// When the object was last modified, in nanoseconds since 1970 UTC, where recorded.
    pub last_modified_ns: Option<i64>,
    /// Whether further fields followed that the format does not know.
    pub has_extra_fields: bool,
}

impl Record<'_> {
    /// When the request began, as far as the stamp tells; nanoseconds.
    pub fn begin_ns(&self) -> i64 {
        self.time_ns.saturating_sub(lag_ns(self.lag_ms.unwrap_or(0)))
    }
}

/// The nanoseconds of [`Record::lag_ms`].
pub(super) fn lag_ns(lag_ms: u32) -> i64 {
    i64::from(lag_ms) * 1_000_000
}

/// Why a row is no record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Skip<'r> {
    /// The rule it breaks, such as `size must be a number of bytes`; the name under which it is counted.
    pub reason: &'static str,
    /// Whether the row is broken; a sound row that is no HTTP request is not.
    pub is_bad: bool,
    /// Where: character of a log line or field of a table, from 1.
    pub column: Option<u64>,
    /// The name of the column in a table.
    pub field: Option<&'r str>,
    /// What stands there.
    pub value: &'r [u8],
}

impl<'r> Skip<'r> {
    /// A broken row.
    pub(super) fn bad(reason: &'static str, value: &'r [u8]) -> Self {
        Self { reason, is_bad: true, column: None, field: None, value }
    }

    /// A sound row that holds no request.
    pub(super) fn idle(reason: &'static str, value: &'r [u8]) -> Self {
        Self { reason, is_bad: false, column: None, field: None, value }
    }

    /// At a place: a byte offset from 0, reported from 1.
    pub(super) fn at(mut self, offset: usize) -> Self {
        self.column = Some(offset as u64 + 1);
        self
    }
}
