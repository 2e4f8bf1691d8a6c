//! Reads records that are one line each; the formats differ only in what a line says.

use std::io::{self, BufRead};

use super::lines::Lines;
use super::{Record, RecordReader, Row, Skip};

/// What one line says.
pub(super) trait LineParser: Send {
    /// The record in a line that is neither empty nor cut.
    fn record<'l>(&'l mut self, line: &'l [u8]) -> Result<Record<'l>, Skip<'l>>;

    /// What was assumed, as sentences for the user.
    fn notes(&self) -> Vec<String> {
        Vec::new()
    }
}

/// A text that is being read line by line.
pub(super) struct LineReader<R, P> {
    lines: Lines<R>,
    parser: P,
}

impl<R: BufRead, P: LineParser> LineReader<R, P> {
    pub(super) fn new(input: R, parser: P) -> Self {
        Self { lines: Lines::new(input), parser }
    }
}

impl<R: BufRead + Send, P: LineParser> RecordReader for LineReader<R, P> {
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
            self.parser.record(line.text).map_err(|skip| placed(skip, line.text))
        };
        Some(Ok(Row { line: line.number, lines: 1, content }))
    }

    fn lines_read(&self) -> u64 {
        self.lines.read()
    }

    fn notes(&self) -> Vec<String> {
        self.parser.notes()
    }
}

/// With the place of the value in its line, where it is a part of the line.
pub(super) fn placed<'l>(skip: Skip<'l>, line: &[u8]) -> Skip<'l> {
    let offset = (skip.value.as_ptr() as usize).wrapping_sub(line.as_ptr() as usize);
    match skip.column {
        None if skip.is_bad && offset > 0 && offset < line.len() => skip.at(offset),
        _ => skip,
    }
}
