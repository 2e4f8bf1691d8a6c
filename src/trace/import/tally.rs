//! Counts of lines: what was skipped and why, which methods and statuses there were, from which zones.

use std::collections::BTreeMap;

use super::provenance::{Operation, Skipped};
use crate::trace::error::quoted;

/// The methods of HTTP, and of caches; others are counted together, since attackers invent them.
const METHODS: [&str; 34] = [
    "GET",
    "HEAD",
    "POST",
    "PUT",
    "DELETE",
    "OPTIONS",
    "PATCH",
    "CONNECT",
    "TRACE",
    "PROPFIND",
    "PURGE",
    "SET",
    "GETS",
    "ADD",
    "REPLACE",
    "CAS",
    "APPEND",
    "PREPEND",
    "INCR",
    "DECR",
    "SETEX",
    "PSETEX",
    "SETNX",
    "MSET",
    "MGET",
    "GETEX",
    "DEL",
    "UNLINK",
    "EXPIRE",
    "PEXPIRE",
    "EXPIREAT",
    "PEXPIREAT",
    "PERSIST",
    "TOUCH",
];

/// Why a line is no request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reason {
    Broken(&'static str),
    Idle(&'static str),
    Extension,
    Method(&'static str),
    Status(Option<u16>),
}

impl Reason {
    fn is_bad(self) -> bool {
        matches!(self, Self::Broken(_))
    }

    fn name(self) -> String {
        match self {
            Self::Broken(reason) | Self::Idle(reason) => reason.to_owned(),
            Self::Extension => "other extension".to_owned(),
            Self::Method(method) => format!("method {method}"),
            Self::Status(Some(status)) => format!("status {status}"),
            Self::Status(None) => "no status".to_owned(),
        }
    }
}

#[derive(Debug)]
struct Operated {
    method: Option<&'static str>,
    status: Option<u16>,
    lines: u64,
    kept_extension: u64,
}

/// All counts.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) lines: u64,
    pub(super) bad: u64,
    skipped: BTreeMap<Reason, Skipped>,
    operations: Vec<Operated>,
    extensions: Vec<(Vec<u8>, u64)>,
    offsets: Vec<(i32, u64)>,
    pub(super) max_lateness_ns: u64,
    /// The first bad line, and the last that could be read.
    first_bad: Option<u64>,
    last_good: u64,
}

/// The known spelling of a method.
pub(super) fn method_name(method: &[u8]) -> &'static str {
    METHODS.into_iter().find(|name| method.eq_ignore_ascii_case(name.as_bytes())).unwrap_or("other")
}

impl Tally {
    pub(super) fn skip(&mut self, reason: Reason, line: u64, lines: u64, example: &[u8]) {
        if reason.is_bad() {
            self.bad += lines;
            self.first_bad.get_or_insert(line);
        }
        let entry = self.skipped.entry(reason).or_insert_with(|| Skipped {
            is_bad: reason.is_bad(),
            count: 0,
            first_line: line,
            example: quoted(example),
        });
        entry.count += lines;
    }

    pub(super) fn operation(
        &mut self,
        method: Option<&'static str>,
        status: Option<u16>,
        kept_extension: bool,
    ) {
        self.operations_of(method, status, kept_extension, 1);
    }

    /// So many lines of one kind.
    pub(super) fn operations_of(
        &mut self,
        method: Option<&'static str>,
        status: Option<u16>,
        kept_extension: bool,
        lines: u64,
    ) {
        let found = self.operations.iter_mut().find(|o| o.status == status && o.method == method);
        let kept_extension = if kept_extension { lines } else { 0 };
        if let Some(operated) = found {
            operated.lines += lines;
            operated.kept_extension += kept_extension;
        } else {
            self.operations.push(Operated { method, status, lines, kept_extension });
        }
    }

    pub(super) fn extension(&mut self, extension: &[u8]) {
        match self.extensions.iter_mut().find(|(known, _)| known == extension) {
            Some((_, lines)) => *lines += 1,
            None => self.extensions.push((extension.to_vec(), 1)),
        }
    }

    pub(super) fn offset(&mut self, offset_s: i32) {
        match self.offsets.iter_mut().find(|(known, _)| *known == offset_s) {
            Some((_, lines)) => *lines += 1,
            None => self.offsets.push((offset_s, 1)),
        }
    }

    /// A line could be read.
    pub(super) fn good(&mut self, line: u64) {
        self.last_good = line;
    }

    /// The line from which on none could be read, where there is such a line.
    pub(super) fn bad_from(&self) -> Option<u64> {
        self.first_bad.filter(|line| *line > self.last_good && self.last_good > 0)
    }

    /// The most frequent reason for bad lines, with its first example.
    pub(super) fn worst(&self) -> String {
        let bad = self.skipped.iter().filter(|(reason, _)| reason.is_bad());
        bad.max_by_key(|(_, skipped)| skipped.count).map_or_else(String::new, |(reason, skipped)| {
            format!("{} (first in line {}: \"{}\")", reason.name(), skipped.first_line, skipped.example)
        })
    }

    /// Whether any line was skipped.
    pub(super) fn has_skipped(&self) -> bool {
        !self.skipped.is_empty()
    }

    /// What was skipped, in one line.
    pub(super) fn summary(&self) -> String {
        let parts: Vec<String> = self
            .skipped
            .iter()
            .map(|(reason, skipped)| format!("{}: {}", reason.name(), skipped.count))
            .collect();
        if parts.is_empty() { "there are no lines".to_owned() } else { parts.join(", ") }
    }

    pub(super) fn skipped(&self) -> BTreeMap<String, Skipped> {
        self.skipped.iter().map(|(reason, skipped)| (reason.name(), skipped.clone())).collect()
    }

    pub(super) fn operations(&self) -> Vec<Operation> {
        let mut operations: Vec<Operation> = self
            .operations
            .iter()
            .map(|o| Operation {
                method: o.method.map(str::to_owned),
                status: o.status,
                lines: o.lines,
                kept_extension: o.kept_extension,
            })
            .collect();
        operations.sort_by(|a, b| {
            b.lines.cmp(&a.lines).then_with(|| (&a.method, a.status).cmp(&(&b.method, b.status)))
        });
        operations
    }

    pub(super) fn extensions(&self) -> BTreeMap<String, u64> {
        self.extensions.iter().map(|(extension, lines)| (quoted(extension), *lines)).collect()
    }

    pub(super) fn offsets(&self) -> BTreeMap<String, u64> {
        let name = |offset_s: i32| {
            let minutes = offset_s.abs() / 60;
            let sign = if offset_s < 0 { '-' } else { '+' };
            format!("{sign}{:02}{:02}", minutes / 60, minutes % 60)
        };
        self.offsets.iter().map(|(offset_s, lines)| (name(*offset_s), *lines)).collect()
    }
}
