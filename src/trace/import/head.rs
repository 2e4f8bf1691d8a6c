//! The first records of a trace as they are read, before any filter: what `ttlab trace head` shows.

use std::io::Read;

use super::source::broken;
use super::{Digesting, Input, Options, Source, TraceError, open_input};
use crate::trace::error::quoted;
use crate::trace::format::{Record, Row};

/// The first rows of a trace.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Head {
    /// The trace format.
    pub format: String,
    /// Whether the format was guessed from the content.
    pub format_was_guessed: bool,
    /// The compression.
    pub compression: String,
    /// What the columns are called.
    pub columns: Vec<&'static str>,
    /// The rows; an empty text where nothing is recorded. A row that is no record says why in its key.
    pub rows: Vec<Vec<String>>,
}

const COLUMNS: [&str; 9] = ["line", "time", "method", "status", "size", "key", "class", "origin_time", "ttl"];

/// Reads the first `count` rows of a file or of standard input.
///
/// # Errors
/// As [`open`](super::open()).
pub fn open_head(input: &Input, options: &Options, count: usize) -> Result<Head, TraceError> {
    head(open_input(input)?, &input.to_string(), options, count)
}

/// Reads the first `count` rows of `input`, which messages call `file`.
///
/// # Errors
/// As [`import`](super::import()).
pub fn head(
    input: impl Read + Send,
    file: &str,
    options: &Options,
    count: usize,
) -> Result<Head, TraceError> {
    let mut raw = Digesting::new(input);
    let source = Source::open(&mut raw, file, options)?;
    let facts = source.facts;
    let mut reader = source.reader(file)?;
    let mut rows = Vec::new();
    while rows.len() < count {
        match reader.next_row() {
            None => break,
            Some(Ok(row)) => rows.push(cells(&row)),
            Some(Err(error)) => return Err(broken(error, file, facts, reader.lines_read())),
        }
    }
    Ok(Head {
        format: facts.format.to_owned(),
        format_was_guessed: options.format.is_none(),
        compression: facts.compression.name().to_owned(),
        columns: COLUMNS.to_vec(),
        rows,
    })
}

fn cells(row: &Row<'_>) -> Vec<String> {
    let mut cells = vec![row.line.to_string()];
    match &row.content {
        Ok(record) => cells.extend(fields(record)),
        Err(skip) => {
            cells.extend(vec![String::new(); 4]);
            cells.push(format!("({}) {}", skip.reason, quoted(skip.value)));
            cells.extend(vec![String::new(); 3]);
        }
    }
    cells
}

fn fields(record: &Record<'_>) -> [String; 8] {
    let text = |bytes: Option<&[u8]>| bytes.map(quoted).unwrap_or_default();
    let time = crate::trace::profile::clock_text(record.begin_ns(), record.utc_offset_s.unwrap_or(0));
    [
        time,
        text(record.method),
        record.status.map(|status| status.to_string()).unwrap_or_default(),
        record.size.map(|size| size.to_string()).unwrap_or_default(),
        text(Some(record.key)),
        text(record.class),
        record.origin_time.map(|time| time.to_string()).unwrap_or_default(),
        record.ttl.map(|ttl| ttl.to_string()).unwrap_or_default(),
    ]
}
