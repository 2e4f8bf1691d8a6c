//! Reads an access log line by line; the formats differ only in what must follow the common part.

use std::io::{self, BufRead};

use super::lines::Lines;
use super::log_line::{self, quoted_fields};
use super::timestamp::LogClock;
use super::{Record, RecordReader, Row, Skip};

/// An access log that is being read.
pub(super) struct LogReader<R> {
    lines: Lines<R>,
    clock: LogClock,
    /// How many fields in quotes must follow the number of bytes.
    quoted: usize,
}

impl<R: BufRead> LogReader<R> {
    /// Reads lines with the common part and then `quoted` fields in quotes.
    pub(super) fn new(input: R, quoted: usize) -> Self {
        Self { lines: Lines::new(input), clock: LogClock::default(), quoted }
    }
}

impl<R: BufRead + Send> RecordReader for LogReader<R> {
    fn next_row(&mut self) -> Option<io::Result<Row<'_>>> {
        let line = match self.lines.next()? {
            Ok(line) => line,
            Err(error) => return Some(Err(error)),
        };
        let content = if line.is_cut {
            Err(Skip::bad("a line must be shorter than a MiB", line.text))
        } else if line.text.trim_ascii().is_empty() {
            Err(Skip::idle("empty line", line.text))
        } else {
            record(line.text, &mut self.clock, self.quoted)
        };
        Some(Ok(Row { line: line.number, lines: 1, content }))
    }

    fn lines_read(&self) -> u64 {
        self.lines.read()
    }
}

/// One line with `quoted` fields in quotes behind the common part.
fn record<'l>(line: &'l [u8], clock: &mut LogClock, quoted: usize) -> Result<Record<'l>, Skip<'l>> {
    let parsed = log_line::parse(line, clock)?;
    let (found, rest) = quoted_fields(parsed.rest, quoted);
    if found < quoted {
        return Err(Skip::bad(
            "referer and browser must follow in quotes (the line may be cut off)",
            parsed.rest,
        )
        .at(line.len() - parsed.rest.len()));
    }
    Ok(Record { has_extra_fields: !rest.trim_ascii().is_empty(), ..parsed.record })
}

/// How many fields in quotes follow the common part of a line, at most two; `None` for what is no log line.
pub(super) fn quoted_fields_of(line: &[u8]) -> Option<usize> {
    match log_line::parse(line, &mut LogClock::default()) {
        Ok(parsed) => Some(quoted_fields(parsed.rest, 2).0),
        Err(_) => None,
    }
}
