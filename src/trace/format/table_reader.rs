//! Reads a table row by row: fields become the values they are declared to be, or a named reason why not.

use std::io::{self, BufRead};

use csv::ByteRecord;
use memchr::memchr;

use super::asked::Asked;
use super::operation::Op;
use super::plain_rows::PlainRows;
use super::row_limit::RowLimit;
use super::table::{Column, Declared, Dialect, Found, Layout, find, is_name_of_time, lay_out};
use super::timestamp::{TimeUnit, http_date};
use super::{Plain, Record, RecordReader, Row, Skip};
use crate::trace::TraceError;
use crate::units::SimDuration;

/// After so many rows in turn of which none was plain, the table is not one of plain rows.
const IN_VAIN: u32 = 64;

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
    /// Rows that are taken by the block, as long as somebody asks for them and there are some.
    plain: Option<PlainRows>,
    /// How many were.
    taken: u64,
    /// Whether the next row was asked for as a plain one, and how often in turn there was none.
    is_asked_plain: bool,
    in_vain: u32,
    /// What went wrong when the next were looked at.
    error: Option<io::Error>,
    is_first: bool,
    /// Whether columns are told by their numbers.
    counts: bool,
}

impl<R: BufRead> TableReader<R> {
    /// Reads the header, where there is one, and finds the declared columns.
    pub(super) fn open(
        dialect: Dialect,
        input: R,
        declared: &Declared,
        file: &str,
    ) -> Result<Self, TraceError> {
        Self::open_databases(dialect, input, declared, None, file)
    }

    /// The same of a table whose keys lie in the database that the column `database` tells.
    pub(super) fn open_databases(
        dialect: Dialect,
        input: R,
        declared: &Declared,
        database: Option<&Column>,
        file: &str,
    ) -> Result<Self, TraceError> {
        let dialect = dialect.unless(declared);
        let mut limited = RowLimit::new(input, dialect.delimiter, dialect.quote.unwrap_or(b'"'));
        limited.by_line(true);
        let mut rows = dialect.rows().from_reader(limited);
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
        let plain = PlainRows::of(&layout, dialect.delimiter, dialect.quote).filter(|_| database.is_none());
        rows.get_mut().by_line(plain.is_some());
        Ok(Self {
            lines_read: rows.position().line() - 1,
            plain,
            taken: 0,
            is_asked_plain: false,
            in_vain: 0,
            error: None,
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

impl<R: BufRead + Send> RecordReader for TableReader<R> {
    fn next_row(&mut self) -> Option<io::Result<Row<'_>>> {
        if let Some(error) = self.error.take() {
            return Some(Err(error));
        }
        if !std::mem::take(&mut self.is_asked_plain) || self.in_vain > IN_VAIN {
            self.plain = None;
            self.rows.get_mut().by_line(false);
        }
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
        let mut line = self.row.position().map_or(0, csv::Position::line) + self.taken;
        // At the end of a text without a final line end, the reader still stands in the last line.
        let mut lines = (self.rows.position().line() + self.taken).saturating_sub(line).max(1);
        self.lines_read = line + lines - 1;
        if lines > 1 && memchr(b'\n', self.row.as_slice()).is_none() {
            // No field goes on over a line end, so the lines before the last were blank.
            (line, lines) = (self.lines_read, 1);
        }
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
                Some(column) => content
                    .and_then(|record| Ok(in_database(record, field(&self.row, column)?, &mut self.key))),
                None => content,
            }
        };
        Some(Ok(Row { line, lines, content }))
    }

    fn plain(&mut self, block: &mut Vec<Plain>) -> u64 {
        block.clear();
        self.is_asked_plain = true;
        let at = self.rows.position().byte();
        if !self.is_first
            && let Some(plain) = &mut self.plain
            && let Some(input) = self.rows.get_mut().rest(at)
        {
            match input.fill_buf() {
                Ok(text) => {
                    let bytes = plain.take(text, block);
                    input.consume(bytes);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => self.error = Some(error),
            }
        }
        self.in_vain = if block.is_empty() { self.in_vain + 1 } else { 0 };
        let first = self.lines_read + 1;
        self.taken += block.len() as u64;
        self.lines_read += block.len() as u64;
        first
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
fn in_database<'r>(record: Record<'r>, database: &[u8], spelt: &'r mut Vec<u8>) -> Record<'r> {
    let database = database.trim_ascii();
    if matches!(database, b"" | b"0") {
        return record;
    }
    spelt.clear();
    spelt.extend_from_slice(database);
    spelt.push(b':');
    spelt.extend_from_slice(record.key);
    Record { key: spelt, ..record }
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

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use proptest::prelude::*;

    use super::*;

    /// What a row says, as far as it can be told of a plain one too.
    type Told = (u64, u64, Result<(i64, String, Option<u64>, Option<SimDuration>), String>);

    /// All rows, asked for as plain ones where `asks` says so; how many came as such.
    fn rows(
        text: &str,
        dialect: Dialect,
        buffer: usize,
        mut asks: impl FnMut() -> bool,
    ) -> (Vec<Told>, u64, usize) {
        let input = BufReader::with_capacity(buffer, text.as_bytes());
        let declared = Declared { time_unit: Some(TimeUnit::Ms), ..Declared::default() };
        let mut reader = TableReader::open(dialect, input, &declared, "f").unwrap();
        let (mut out, mut block, mut plain) = (Vec::new(), Vec::new(), 0);
        loop {
            if asks() {
                let first = reader.plain(&mut block);
                plain += block.len();
                out.extend((first..).zip(&block).map(|(line, row)| {
                    (line, 1, Ok((row.time_ns, row.number.to_string(), Some(u64::from(row.size)), None)))
                }));
                if !block.is_empty() {
                    continue;
                }
            }
            match reader.next_row() {
                None => return (out, reader.lines_read(), plain),
                Some(row) => {
                    let Row { line, lines, content } = row.unwrap();
                    let content = content.map(|it| {
                        (it.time_ns, String::from_utf8_lossy(it.key).into_owned(), it.size, it.ttl)
                    });
                    out.push((line, lines, content.map_err(|skip| skip.reason.to_owned())));
                }
            }
        }
    }

    /// A row, most of them plain.
    fn row() -> impl Strategy<Value = String> {
        let fields = (0_u32..50, 0_u32..9, 0_u32..3, prop::sample::select(vec!["\n", "\n", "\n", "\r\n"]));
        let odd = prop::sample::select(vec![
            "\n",
            "1,2\n",
            "1,\"2\",3,,\n",
            "\"1\n2\",2,3,,\n",
            "1,02,3,,\n",
            "x,2,3,,\n",
            "1,/a,3,,\n",
            "1,2,3,7,\n",
            "1,2,,,\n",
            "1,2,-3,,\n",
            "1,2,3,,\"a,b\"\n",
            "1,2,3,,a\"\n",
            "1,2,3,,\rz\n",
            " 1, 2, 3,,\n",
            "1,2,3,,x,y,z\n",
            "1.25,2,3,,\n",
            "1,99999999999999999999,3,,\n",
            "99999999999999999999,1,3,,\n",
            "1,2,3\n",
            "\r\n",
        ]);
        prop_oneof![
            12 => fields.prop_map(|(time, key, size, end)| format!("{time},{key},{size},,{end}")),
            1 => odd.prop_map(str::to_owned),
        ]
    }

    proptest! {
        #[test]
        fn rows_that_are_taken_by_the_block_are_those_that_are_read_one_by_one(
            rows_of in prop::collection::vec(row(), 0..60),
            is_whole: bool,
            buffer in prop::sample::select(vec![1, 3, 20, 64, 8_192]),
            pattern: u64,
        ) {
            let mut text = "time,key,size,ttl,other\n".to_owned() + &rows_of.concat();
            if !is_whole {
                text.pop();
            }
            let want = rows(&text, Dialect::CSV, buffer, || false);
            prop_assert_eq!(want.2, 0);
            let always = rows(&text, Dialect::CSV, buffer, || true);
            prop_assert_eq!((&always.0, always.1), (&want.0, want.1));
            // Who once takes a row without asking for plain ones has no more of them, and loses none.
            let mut nth = 0;
            let now_and_then = rows(&text, Dialect::CSV, buffer, || {
                nth += 1;
                pattern >> (nth % 64) & 1 == 1
            });
            prop_assert_eq!((&now_and_then.0, now_and_then.1), (&want.0, want.1));
            // Tabs, and nothing is quoted.
            let text = text.replace(',', "\t");
            let want = rows(&text, Dialect::TSV, buffer, || false);
            let always = rows(&text, Dialect::TSV, buffer, || true);
            prop_assert_eq!((always.0, always.1), (want.0, want.1));
        }
    }

    #[test]
    fn blank_lines_are_no_rows_and_harm_none() {
        for text in ["1,a,5\n\n2,b,6\n\n\n3,c,7\n", "1,a,5\r\n\r\n2,b,6\r\n\r\n\r\n3,c,7\r\n"] {
            let (read, lines, _) = rows(&format!("time,key,size\n{text}"), Dialect::CSV, 8_192, || false);
            let told: Vec<_> = read.iter().map(|(line, lines, row)| (*line, *lines, row.is_ok())).collect();
            assert_eq!(told, [(2, 1, true), (4, 1, true), (7, 1, true)], "{text:?}");
            assert_eq!(lines, 7);
        }
    }

    #[test]
    fn most_rows_of_numbers_come_by_the_block_and_others_do_not() {
        let numbers: Vec<String> = (0..5_000).map(|nth| format!("{nth},{},7\n", nth % 90)).collect();
        let numbers = numbers.concat();
        let taken = |text: &str| {
            let (rows, lines, plain) = rows(&format!("time,key,size\n{text}"), Dialect::CSV, 8_192, || true);
            assert_eq!((rows.len(), lines), (5_000, 5_001));
            plain
        };
        assert!(taken(&numbers) > 4_950, "all but the first and those across two blocks");
        assert!(taken(&numbers.replace('\n', "\r\n")) > 4_950);
        assert_eq!(taken(&numbers.replace(",7", ",")), 0);
    }
}
