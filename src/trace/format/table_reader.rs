//! Reads a table row by row: fields become the values they are declared to be, or a named reason why not.

use std::io::{self, BufRead};

use csv::ByteRecord;

use super::asked::Asked;
use super::operation::Op;
use super::row_limit::RowLimit;
use super::table::{Column, Declared, Found, Layout, Quote, find, is_name_of_time, lay_out};
use super::timestamp::{TimeUnit, http_date};
use super::{Record, RecordReader, Row, Skip};
use crate::trace::TraceError;
use crate::units::SimDuration;

/// A table that is being read.
pub(super) struct TableReader<R> {
    rows: csv::Reader<RowLimit<R>>,
    row: ByteRecord,
    /// The column with the database of the key, and the key with it before.
    database: Option<Found>,
    key: Vec<u8>,
    layout: Layout,
    asked: Asked,
    lines_read: u64,
    is_first: bool,
    /// Whether columns are told by their numbers.
    counts: bool,
}

impl<R: BufRead> TableReader<R> {
    /// Reads the header, where there is one, and finds the declared columns.
    pub(super) fn open(
        builder: &mut csv::ReaderBuilder,
        input: R,
        declared: &Declared,
        file: &str,
    ) -> Result<Self, TraceError> {
        Self::open_databases(builder, input, declared, None, file)
    }

    /// The same of a table whose keys lie in the database that the column `database` tells.
    pub(super) fn open_databases(
        builder: &mut csv::ReaderBuilder,
        input: R,
        declared: &Declared,
        database: Option<&Column>,
        file: &str,
    ) -> Result<Self, TraceError> {
        let quote = if let Some(Quote::By(quote)) = declared.quote { quote } else { b'"' };
        let limited = RowLimit::new(input, declared.delimiter.unwrap_or(b','), quote);
        let mut rows = builder.has_headers(false).flexible(true).from_reader(limited);
        let mut row = ByteRecord::new();
        let mut header = Vec::new();
        if !declared.columns.are_numbers() {
            rows.read_byte_record(&mut row)
                .map_err(|error| TraceError::Unreadable { file: file.to_owned(), source: io_error(error) })?;
            if rows.get_ref().is_cut() {
                return Err(TraceError::Settings {
                    what: format!(
                        "the first row of {file}, which should name its columns, is longer than a MiB"
                    ),
                    help: Some("check format, delimiter and quote; \"tsv\" quotes nothing".to_owned()),
                });
            }
            header.extend(row.iter().map(|name| String::from_utf8_lossy(name).trim().to_owned()));
        }
        let layout = lay_out(declared, &header, file)?;
        let database = database.map(|column| find(column, "database", &header, file)).transpose()?;
        Ok(Self {
            lines_read: rows.position().line() - 1,
            rows,
            row,
            database,
            key: Vec::new(),
            layout,
            asked: Asked::default(),
            is_first: true,
            counts: declared.columns.are_numbers(),
        })
    }
}

impl<R: BufRead> RecordReader for TableReader<R> {
    fn next_row(&mut self) -> Option<io::Result<Row<'_>>> {
        loop {
            let begin = self.rows.position().byte();
            self.rows.get_mut().begin(begin);
            match self.rows.read_byte_record(&mut self.row) {
                Err(error) => return Some(Err(io_error(error))),
                Ok(false) => return None,
                Ok(true) => {}
            }
            // Columns that are counted leave no room for a header; one that is there all the same is no row.
            let time = self.row.get(self.layout.time.index).unwrap_or_default().trim_ascii();
            if !(self.is_first && self.counts && is_name_of_time(time)) {
                break;
            }
            self.is_first = false;
            self.lines_read = 1;
        }
        let line = self.row.position().map_or(0, csv::Position::line);
        // At the end of a text without a final line end, the reader still stands in the last line.
        let lines = (self.rows.position().line().saturating_sub(line)).max(1);
        self.lines_read = line + lines - 1;
        let is_first = std::mem::take(&mut self.is_first);
        let content = if self.rows.get_ref().is_cut() {
            Err(Skip::bad("a row must be shorter than a MiB", self.row.get(0).unwrap_or_default()))
        } else if lines > 1 {
            Err(Skip::bad(
                "a row must end on its line (a quote may be open)",
                self.row.get(0).unwrap_or_default(),
            ))
        } else {
            let content = record(&self.row, &self.layout, &mut self.asked, is_first);
            match &self.database {
                Some(column) => {
                    content.and_then(|record| in_database(record, field(&self.row, column)?, &mut self.key))
                }
                None => content,
            }
        };
        Some(Ok(Row { line, lines, content }))
    }

    fn lines_read(&self) -> u64 {
        self.lines_read
    }

    fn notes(&self) -> Vec<String> {
        self.layout.notes.clone()
    }
}

fn io_error(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

/// The value of a column, or why it has none.
fn field<'r>(row: &'r ByteRecord, column: &Found) -> Result<&'r [u8], Skip<'r>> {
    row.get(column.index)
        .ok_or_else(|| Skip::bad("a row must have all declared columns", row.get(0).unwrap_or_default()))
}

/// The record with its key as `db:key`, which is spelt into `spelt`; the first database needs no name.
fn in_database<'r>(
    record: Record<'r>,
    database: &[u8],
    spelt: &'r mut Vec<u8>,
) -> Result<Record<'r>, Skip<'r>> {
    let database = database.trim_ascii();
    if matches!(database, b"" | b"0") {
        return Ok(record);
    }
    spelt.clear();
    spelt.extend_from_slice(database);
    spelt.push(b':');
    spelt.extend_from_slice(record.key);
    Ok(Record { key: spelt, ..record })
}

fn wrong<'r>(column: &'r Found, reason: &'static str, value: &'r [u8]) -> Skip<'r> {
    Skip { field: Some(&column.name), ..Skip::bad(reason, value).at(column.index) }
}

/// The record in a row that is laid out in this way.
pub(super) fn record<'r>(
    row: &'r ByteRecord,
    layout: &'r Layout,
    asked: &mut Asked,
    is_first: bool,
) -> Result<Record<'r>, Skip<'r>> {
    let time = field(row, &layout.time)?.trim_ascii();
    let unit = layout.time_unit.unwrap_or(TimeUnit::S);
    let Some((time_ns, utc_offset_s)) = unit.parse(time) else {
        // A header with names of its own.
        let is_header = is_first && layout.time.name.parse::<usize>().is_ok();
        let skip = wrong(&layout.time, time_rule(unit), time);
        return Err(Skip { is_bad: !is_header, ..skip });
    };
    let key = field(row, &layout.key)?;
    if key.is_empty() {
        return Err(wrong(&layout.key, "the key must not be empty", key));
    }
    let method = layout.method.as_ref().map(|column| field(row, column)).transpose()?;
    let mut origin_time = origin_time(row, layout)?;
    if let (Some(column), Some(method)) = (&layout.client, method) {
        let took = asked.next(field(row, column)?, Op::of(method), key, time_ns);
        origin_time = origin_time.or(took);
    }
    Ok(Record {
        time_ns,
        utc_offset_s,
        method,
        status: status(row, layout)?,
        key,
        size: size(row, layout)?,
        class: match &layout.class {
            Some(column) => Some(field(row, column)?.trim_ascii()).filter(|class| !class.is_empty()),
            None => None,
        },
        origin_time,
        ttl: ttl(row, layout)?,
        last_modified_ns: last_modified(row, layout)?,
        lag_ms: None,
        has_extra_fields: false,
    })
}

fn time_rule(unit: TimeUnit) -> &'static str {
    match unit {
        TimeUnit::S => "the time must be a number of seconds within 292 years of 1970",
        TimeUnit::Ms => "the time must be a number of milliseconds within 292 years of 1970",
        TimeUnit::Us => "the time must be a number of microseconds within 292 years of 1970",
        TimeUnit::Ns => "the time must be a number of nanoseconds within 292 years of 1970",
        TimeUnit::Iso8601 => "the time must be a date such as 2026-03-29T12:00:00Z",
    }
}

fn size<'r>(row: &'r ByteRecord, layout: &'r Layout) -> Result<Option<u64>, Skip<'r>> {
    let Some(column) = &layout.size else { return Ok(None) };
    let text = field(row, column)?.trim_ascii();
    if text.is_empty() {
        return Ok(None);
    }
    if text[0] == b'-' && text.len() > 1 {
        return Err(wrong(column, "the size must not be negative", text));
    }
    match std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()) {
        Some(size) => Ok(Some(size)),
        None => Err(wrong(column, "the size must be a whole number of bytes", text)),
    }
}

fn status<'r>(row: &'r ByteRecord, layout: &'r Layout) -> Result<Option<u16>, Skip<'r>> {
    let Some(column) = &layout.status else { return Ok(None) };
    let text = field(row, column)?.trim_ascii();
    // Writes and deletions have no answer.
    if text.is_empty() || text == b"-" {
        return Ok(None);
    }
    match std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()) {
        Some(status @ 100..=999) => Ok(Some(status)),
        _ => Err(wrong(column, "the status must be a number of three digits", text)),
    }
}

fn origin_time<'r>(row: &'r ByteRecord, layout: &'r Layout) -> Result<Option<SimDuration>, Skip<'r>> {
    let Some(column) = &layout.origin_time else { return Ok(None) };
    let text = field(row, column)?.trim_ascii();
    // Servers write a dash where they did not ask their origin.
    if text.is_empty() || text == b"-" {
        return Ok(None);
    }
    let parsed = layout.origin_unit.unwrap_or(TimeUnit::S).parse(text);
    match parsed.and_then(|(ns, _)| u64::try_from(ns).ok()) {
        Some(ns) => Ok(Some(SimDuration::from_nanos(ns))),
        None => Err(wrong(column, "the origin time must be a number that is not negative", text)),
    }
}

/// A date as HTTP writes it, or as the time is.
fn last_modified<'r>(row: &'r ByteRecord, layout: &'r Layout) -> Result<Option<i64>, Skip<'r>> {
    let Some(column) = &layout.last_modified else { return Ok(None) };
    let text = field(row, column)?.trim_ascii();
    if text.is_empty() || text == b"-" {
        return Ok(None);
    }
    let unit = TimeUnit::carried_by(&column.name).or(layout.time_unit).unwrap_or(TimeUnit::S);
    match unit.parse(text).map(|(ns, _)| ns).or_else(|| http_date(text)) {
        Some(ns) => Ok(Some(ns)),
        None => Err(wrong(column, "the last modification must be a date of HTTP, or as the time is", text)),
    }
}

/// A TTL: empty, a dash and 0 tell none; `never`, `inf` and -1 that the key does not expire.
fn ttl<'r>(row: &'r ByteRecord, layout: &'r Layout) -> Result<Option<SimDuration>, Skip<'r>> {
    let Some(column) = &layout.ttl else { return Ok(None) };
    let text = field(row, column)?.trim_ascii();
    if text.is_empty() || text == b"-" {
        return Ok(None);
    }
    if text == b"-1" || text.eq_ignore_ascii_case(b"never") || text.eq_ignore_ascii_case(b"inf") {
        return Ok(Some(SimDuration::FOREVER));
    }
    let parsed = layout.ttl_unit.unwrap_or(TimeUnit::S).parse(text);
    match parsed.and_then(|(ns, _)| u64::try_from(ns).ok()) {
        Some(0) => Ok(None),
        Some(ns) => Ok(Some(SimDuration::from_nanos(ns))),
        None => Err(wrong(column, "the TTL must be a number that is not negative, or -1 for none", text)),
    }
}
