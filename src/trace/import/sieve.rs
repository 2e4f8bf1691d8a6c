//! What is a request: filters, counts and the spelling of keys, the same for whoever takes the rows.

use super::class::is_among;
use super::key::{Speller, TargetRules, extension};
use super::tally::{Reason, Tally, method_name};
use super::{DeleteRule, IMAGE_EXTENSIONS, Options, Query, SetRule, SizeChange, SizeRule};
use crate::trace::TraceError;
use crate::trace::error::quoted;
use crate::trace::format::{Op, Record, Row, Skip};

const SECOND_NS: i64 = 1_000_000_000;

/// What a row that passed says of its object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Passed {
    /// What it does; never [`Op::Other`].
    pub(super) op: Op,
    /// Whether its size is that of the whole object.
    pub(super) shows_size: bool,
}

/// Filters and counts rows.
#[derive(Debug)]
pub(super) struct Sieve {
    pub(super) file: String,
    options: Options,
    is_log: bool,
    extensions: Vec<String>,
    speller: Speller,
    pub(super) tally: Tally,
    pub(super) notes: Vec<String>,
    pub(super) lines_with_extra_fields: u64,
    pub(super) order: Order,
    pub(super) fineness: Fineness,
}

/// What the times of all lines say.
#[derive(Debug, Default)]
pub(super) struct Order {
    latest: Option<i64>,
    last: Option<i64>,
    pub(super) backward_steps: u64,
    pub(super) max_lateness_ns: u64,
    latest_line: u64,
    pub(super) max_leap_ns: u64,
    leap_line: u64,
    /// The finest unit of the times with a fraction of a second.
    finest_ns: i64,
    /// Times on a whole second and others; equal ones that follow each other are one.
    whole: u64,
    fractions: u64,
    first_fraction_line: u64,
}

/// How finely the times of all files so far are written.
#[derive(Debug, Default)]
pub(super) struct Fineness {
    /// Whether a file has whole seconds.
    pub(super) has_seconds: bool,
    /// The unit of the finest file with fractions, in nanoseconds.
    finest_ns: Option<i64>,
}

impl Fineness {
    /// The unit of times in nanoseconds: of a second where a file has whole ones, for what comes together depends on it.
    pub(super) fn resolution_ns(&self) -> i64 {
        self.finest_ns.filter(|_| !self.has_seconds).unwrap_or(SECOND_NS)
    }
}

impl Order {
    pub(super) fn take(&mut self, time_ns: i64, line: u64) {
        // What a time says it says once.
        if self.last == Some(time_ns) {
            return;
        }
        let latest = self.latest.map_or(time_ns, |latest| latest.max(time_ns));
        self.backward_steps += u64::from(self.last.is_some_and(|last| time_ns < last));
        let lateness = latest.abs_diff(time_ns);
        if lateness > self.max_lateness_ns {
            (self.max_lateness_ns, self.latest_line) = (lateness, line);
        }
        if let Some(last) = self.last.filter(|last| time_ns > *last) {
            let leap = time_ns.abs_diff(last);
            if leap > self.max_leap_ns {
                (self.max_leap_ns, self.leap_line) = (leap, line);
            }
        }
        (self.latest, self.last) = (Some(latest), Some(time_ns));
        // Nearly all logs have whole seconds, and dividing by a constant is cheap.
        if time_ns % SECOND_NS == 0 {
            self.whole += 1;
            return;
        }
        if self.fractions == 0 {
            (self.finest_ns, self.first_fraction_line) = (SECOND_NS, line);
        }
        self.fractions += 1;
        // A division by a constant is far quicker than by what is only known to be one of four.
        let is_multiple = match self.finest_ns {
            SECOND_NS => false,
            1_000_000 => time_ns % 1_000_000 == 0,
            1_000 => time_ns % 1_000 == 0,
            _ => true,
        };
        if is_multiple {
            return;
        }
        while time_ns % self.finest_ns != 0 {
            self.finest_ns /= 1_000;
        }
    }

    /// Whether the file is one of whole seconds: at least nine of ten times are, which times with fractions never come
    /// to by chance.
    pub(super) fn has_seconds(&self) -> bool {
        self.whole > 0 && self.fractions <= self.whole / 9
    }

    /// What is to be said of a file that is not all of one kind.
    fn mixture(&self, file: &str) -> Option<String> {
        let Self { whole, fractions, first_fraction_line, .. } = self;
        if *fractions == 0 {
            return None;
        }
        if self.has_seconds() {
            return Some(format!(
                "the times of {file} are whole seconds but for {fractions} with a fraction, first in line \
                 {first_fraction_line}: spread moves the others alone"
            ));
        }
        (*whole > 100 && whole > fractions).then(|| {
            format!(
                "{whole} of {} times of {file} are whole seconds and the others have fractions, so none is spread inside \
                 its second: if two kinds of recordings were joined, take them apart and name both files",
                whole + fractions
            )
        })
    }

    /// What looks like a clock that was set.
    fn doubts(&self, file: &str) -> Vec<String> {
        const HOUR_NS: u64 = 3_600 * SECOND_NS.unsigned_abs();
        let hours = |ns: u64| ns as f64 / HOUR_NS as f64;
        let mut doubts = Vec::new();
        if self.max_lateness_ns >= HOUR_NS {
            doubts.push(format!(
                "line {} of {file} is {:.1} hours earlier than one before it: its requests were sorted by time; if the \
                 clock was set back, cut the file there",
                self.latest_line,
                hours(self.max_lateness_ns)
            ));
        }
        if self.max_leap_ns >= 30 * 24 * HOUR_NS {
            doubts.push(format!(
                "line {} of {file} is {:.0} days later than the one before it: the silence is replayed as it is; if the \
                 clock was set, cut the file there",
                self.leap_line,
                hours(self.max_leap_ns) / 24.0
            ));
        }
        doubts
    }
}

impl Sieve {
    pub(super) fn new(options: &Options) -> Self {
        Self {
            file: String::new(),
            options: options.clone(),
            is_log: false,
            extensions: Vec::new(),
            speller: Speller::default(),
            tally: Tally::default(),
            notes: Vec::new(),
            lines_with_extra_fields: 0,
            order: Order::default(),
            fineness: Fineness::default(),
        }
    }

    /// Rows of another file follow, which is a web server's log or not.
    pub(super) fn begin(&mut self, file: &str, is_log: bool) -> Result<(), TraceError> {
        self.end();
        file.clone_into(&mut self.file);
        self.is_log = is_log;
        let options = &self.options;
        self.extensions = match &options.extensions {
            Some(extensions) => extensions.clone(),
            None if is_log => IMAGE_EXTENSIONS.map(str::to_owned).to_vec(),
            None => Vec::new(),
        };
        let rules = TargetRules::of(options, is_log);
        if let Some(query) = rules.as_ref().and_then(|rules| rules.query.as_ref()) {
            check_classes(options, query)?;
        }
        self.speller = Speller::new(rules);
        Ok(())
    }

    /// The rows of a file are over.
    pub(super) fn end(&mut self) {
        self.notes.extend(self.order.doubts(&self.file));
        self.notes.extend(self.order.mixture(&self.file));
        if self.order.has_seconds() {
            self.fineness.has_seconds = true;
        } else if self.order.fractions > 0 {
            let finest = self.fineness.finest_ns.unwrap_or(SECOND_NS).min(self.order.finest_ns);
            self.fineness.finest_ns = Some(finest);
        }
        let Order { backward_steps, max_lateness_ns, .. } = self.order;
        self.order = Order { backward_steps, ..Order::default() };
        self.tally.max_lateness_ns = self.tally.max_lateness_ns.max(max_lateness_ns);
    }

    /// The key of what was asked for.
    pub(super) fn key<'k>(&'k mut self, asked: &'k [u8]) -> &'k str {
        self.speller.key(asked)
    }

    /// Whether a row is to be kept, and as what.
    pub(super) fn sift(&mut self, row: &Row<'_>) -> Result<Option<Passed>, TraceError> {
        self.tally.lines += row.lines;
        let record = match &row.content {
            Ok(record) => record,
            Err(skip) => {
                self.skip(row, skip)?;
                return Ok(None);
            }
        };
        let method = record.method.map(method_name);
        let (purpose, shows_size) = (self.purpose(record, method), shows_size(record, method));
        // What is left out, or shows no object's size, may be as large as it likes.
        if purpose.is_ok() && shows_size && record.size.is_some_and(|size| size > u64::from(u32::MAX)) {
            let skip = Skip::bad("the size must be below 4 GiB", record.key);
            self.skip(row, &skip)?;
            return Ok(None);
        }
        self.tally.good(row.line);
        self.order.take(record.time_ns, row.line);
        self.lines_with_extra_fields += u64::from(record.has_extra_fields);
        if let Some(offset_s) = record.utc_offset_s {
            self.tally.offset(offset_s);
        }
        Ok(match purpose {
            Ok(op) => Some(Passed { op, shows_size }),
            Err(reason) => {
                self.tally.skip(reason, row.line, row.lines, record.key);
                None
            }
        })
    }

    /// Whether a row of time, key and size alone is a request whose key is taken as it is and which nothing but its
    /// size is remembered of.
    pub(super) fn takes_plain(&self) -> bool {
        let options = &self.options;
        self.extensions.is_empty()
            && self.speller.target.is_none()
            && !options.negative
            && options.size != SizeRule::Mode
            && options.size_change == SizeChange::Ignore
            && options.classes.iter().all(|rule| rule.status.is_empty())
    }

    /// Counts rows that follow each other and pass.
    pub(super) fn pass_plain(&mut self, first_line: u64, rows: u64) {
        self.tally.lines += rows;
        self.tally.good(first_line + rows - 1);
        self.tally.operations_of(None, None, true, rows);
    }

    fn skip(&mut self, row: &Row<'_>, skip: &Skip<'_>) -> Result<(), TraceError> {
        if skip.is_bad && self.options.strict {
            return Err(TraceError::BadLine {
                file: self.file.clone(),
                line: row.line,
                column: skip.column,
                reason: skip.reason.to_owned(),
                value: quoted(skip.value),
                field: skip.field.map(str::to_owned),
            });
        }
        let reason = if skip.is_bad { Reason::Broken(skip.reason) } else { Reason::Idle(skip.reason) };
        self.tally.skip(reason, row.line, row.lines, skip.value);
        Ok(())
    }

    /// Refuses an input that is too broken or holds no request.
    pub(super) fn judge(&self, has_requests: bool) -> Result<(), TraceError> {
        let (bad, lines, limit) = (self.tally.bad, self.tally.lines, self.options.max_bad.as_f64());
        let file = self.file.clone();
        if bad as f64 > limit * lines as f64 {
            let help = match self.tally.bad_from() {
                Some(line) => format!(
                    "no line from {line} on could be read: if the file goes on in another format there, split it; to go \
                     on all the same, raise max_bad"
                ),
                None => {
                    "check format, columns and time_unit; to go on all the same, raise max_bad".to_owned()
                }
            };
            return Err(TraceError::TooManyBad { file, bad, lines, limit, worst: self.tally.worst(), help });
        }
        if !has_requests {
            return Err(TraceError::NothingLeft { file, lines, why: self.tally.summary() });
        }
        Ok(())
    }

    /// What a sound record does, or why it is left out.
    fn purpose(&mut self, record: &Record<'_>, method: Option<&'static str>) -> Result<Op, Reason> {
        let is_wanted = is_among(&self.extensions, record.key);
        self.tally.operation(method, record.status, is_wanted);
        if !is_wanted {
            return Err(Reason::Extension);
        }
        if !self.extensions.is_empty() {
            self.tally.extension(extension(record.key).unwrap_or_default());
        }
        let op = record.method.map_or(Op::Get, Op::of);
        if let (Some(name), Some(method)) = (method, record.method)
            && !self.is_asked_for(method, op)
        {
            return self.written(op, record.status).ok_or(Reason::Method(name));
        }
        let statuses = &self.options.status;
        match record.status {
            Some(status) if !statuses.is_empty() && !statuses.contains(&status) => {
                if self.options.negative && is_absence(status) {
                    return Ok(Op::Get);
                }
                Err(Reason::Status(Some(status)))
            }
            _ => Ok(Op::Get),
        }
    }

    /// Whether records with this method are requests.
    fn is_asked_for(&self, method: &[u8], op: Op) -> bool {
        let methods = &self.options.methods;
        // A filter of all takes what is no write; `GET` stands for all that read.
        let wants = |wanted: &String| {
            method.eq_ignore_ascii_case(wanted.as_bytes())
                || op == Op::Get && wanted.eq_ignore_ascii_case("GET")
        };
        if methods.is_empty() {
            self.is_log || matches!(op, Op::Get | Op::Other)
        } else {
            methods.iter().any(wants)
        }
    }

    /// What a record that is no request does, where it does something that is replayed. In logs that is
    /// only what the settings ask for; recordings of caches are taken at their word.
    fn written(&self, op: Op, status: Option<u16>) -> Option<Op> {
        if status.is_some_and(|status| !(200..300).contains(&status)) {
            return None;
        }
        let is_replayed = match op {
            Op::Set => self.options.set.map_or(!self.is_log, |_| true),
            Op::Delete => self.options.delete.map_or(!self.is_log, |rule| rule == DeleteRule::Invalidate),
            Op::Expire => !self.is_log,
            Op::Get | Op::Other => false,
        };
        is_replayed.then_some(op)
    }

    /// What a write is taken for.
    pub(super) fn set_rule(&self) -> SetRule {
        self.options.set.unwrap_or_default()
    }
}

/// Whether a status says that there is no such thing (RFC 9110, sections 15.5.5 and 15.5.11).
pub(super) fn is_absence(status: u16) -> bool {
    matches!(status, 404 | 410)
}

/// Only a whole response shows a size: 206 is a part, 304 and HEAD have no body, 0 was aborted.
fn shows_size(record: &Record<'_>, method: Option<&'static str>) -> bool {
    record.size.is_some_and(|size| size > 0)
        && record.status.is_none_or(|status| status == 200)
        && method.is_none_or(|method| method != "HEAD")
}

/// Refuses class rules over parameters that are no part of keys.
fn check_classes(options: &Options, query: &Query) -> Result<(), TraceError> {
    for rule in &options.classes {
        for condition in &rule.query {
            let is_kept = match query {
                Query::Drop => false,
                Query::Keep | Query::Sorted => true,
                Query::Only(names) => names.contains(&condition.parameter),
            };
            if !is_kept {
                let (parameter, name) = (&condition.parameter, &rule.name);
                return Err(TraceError::Settings {
                    what: format!(
                        "class \"{name}\" goes by the parameter \"{parameter}\", which is dropped from keys"
                    ),
                    help: Some(format!(
                        "write query = [\"{parameter}\"], so that images of different {parameter} are different keys"
                    )),
                });
            }
        }
    }
    Ok(())
}
