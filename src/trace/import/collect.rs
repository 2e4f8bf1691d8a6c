//! Takes raw rows one by one, keeps the requests and makes a trace of them.

use std::collections::{BTreeMap, BTreeSet};

use super::class::is_among;
use super::intern::Interner;
use super::key::{Speller, TargetRules, extension};
use super::objects::{self, Raw, UNCLASSED};
use super::provenance::Provenance;
use super::sizes::{Sizes, median};
use super::tally::{Reason, Tally, method_name};
use super::{IMAGE_EXTENSIONS, Import, Options};
use crate::random::Seed;
use crate::trace::error::quoted;
use crate::trace::format::{Record, Row, Skip};
use crate::trace::shape::spread::{Spread, spread};
use crate::trace::{ObjectId, Trace, TraceError};
use crate::units::{SimDuration, SimTime};

/// Ids end before the largest 32-bit number, which means none.
const MAX_OBJECTS: u32 = u32::MAX - 1;
const SECOND_NS: i64 = 1_000_000_000;
const HOUR_S: i64 = 3_600;

/// No recorded origin time.
const UNKNOWN: SimDuration = SimDuration::FOREVER;

/// A trace that is being put together.
#[derive(Debug)]
pub(super) struct Collector {
    file: String,
    options: Options,
    extensions: Vec<String>,
    speller: Speller,
    tally: Tally,
    notes: Vec<String>,
    lines_with_extra_fields: u64,
    order: Order,
    keys: Interner,
    sizes: Sizes,
    recorded_classes: Interner,
    class_of: Vec<u32>,
    objects_with_several_classes: BTreeSet<u32>,
    at: Vec<i64>,
    object: Vec<ObjectId>,
    origin_time: Vec<SimDuration>,
    has_origin_times: bool,
    local_hours: BTreeMap<i64, u64>,
}

/// What the times of all lines say.
#[derive(Debug, Default)]
struct Order {
    latest: Option<i64>,
    last: Option<i64>,
    backward_steps: u64,
    max_lateness_ns: u64,
    resolution_ns: i64,
}

impl Order {
    fn take(&mut self, time_ns: i64) {
        let latest = self.latest.map_or(time_ns, |latest| latest.max(time_ns));
        self.backward_steps += u64::from(self.last.is_some_and(|last| time_ns < last));
        self.max_lateness_ns = self.max_lateness_ns.max(latest.abs_diff(time_ns));
        (self.latest, self.last) = (Some(latest), Some(time_ns));
        if self.resolution_ns == 0 {
            self.resolution_ns = SECOND_NS;
        }
        while time_ns % self.resolution_ns != 0 {
            self.resolution_ns /= 1_000;
        }
    }
}

impl Collector {
    pub(super) fn new(file: &str, options: &Options, is_log: bool) -> Self {
        let images = || IMAGE_EXTENSIONS.map(str::to_owned).to_vec();
        let extensions = match &options.extensions {
            Some(extensions) => extensions.clone(),
            None if is_log => images(),
            None => Vec::new(),
        };
        let rules = (is_log || options.query.is_some()).then(|| TargetRules {
            query: options.query.clone().unwrap_or_default(),
            keeps_host: options.key_host,
        });
        Self {
            file: file.to_owned(),
            options: options.clone(),
            extensions,
            speller: Speller::new(rules),
            tally: Tally::default(),
            notes: Vec::new(),
            lines_with_extra_fields: 0,
            order: Order::default(),
            keys: Interner::with_limit(MAX_OBJECTS),
            sizes: Sizes::new(options.size),
            recorded_classes: Interner::with_limit(u32::from(u16::MAX)),
            class_of: Vec::new(),
            objects_with_several_classes: BTreeSet::new(),
            at: Vec::new(),
            object: Vec::new(),
            origin_time: Vec::new(),
            has_origin_times: false,
            local_hours: BTreeMap::new(),
        }
    }

    /// Adds sentences for the user.
    pub(super) fn note(&mut self, notes: Vec<String>) {
        self.notes.extend(notes);
    }

    /// Takes the next row of the input.
    pub(super) fn take(&mut self, row: &Row<'_>) -> Result<(), TraceError> {
        self.tally.lines += row.lines;
        let record = match &row.content {
            Ok(record) if record.size.is_some_and(|size| size > u64::from(u32::MAX)) => {
                let skip = Skip::bad("the size must be below 4 GiB", record.key);
                return self.skip(row, &skip);
            }
            Ok(record) => record,
            Err(skip) => return self.skip(row, skip),
        };
        self.order.take(record.time_ns);
        self.lines_with_extra_fields += u64::from(record.has_extra_fields);
        if let Some(offset_s) = record.utc_offset_s {
            self.tally.offset(offset_s);
        }
        let method = record.method.map(method_name);
        match self.refusal(record, method) {
            Some(reason) => self.tally.skip(reason, row.line, row.lines, record.key),
            None => self.keep(record, method, row.line)?,
        }
        Ok(())
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

    /// Why a sound record is not asked for.
    fn refusal(&mut self, record: &Record<'_>, method: Option<&'static str>) -> Option<Reason> {
        let is_wanted = is_among(&self.extensions, record.key);
        self.tally.operation(method, record.status, is_wanted);
        if !is_wanted {
            return Some(Reason::Extension);
        }
        if !self.extensions.is_empty() {
            self.tally.extension(extension(record.key).unwrap_or_default());
        }
        if let (Some(name), Some(method)) = (method, record.method) {
            let methods = &self.options.methods;
            let is_asked_for = methods.iter().any(|wanted| method.eq_ignore_ascii_case(wanted.as_bytes()));
            if !methods.is_empty() && !is_asked_for {
                return Some(Reason::Method(name));
            }
        }
        let statuses = &self.options.status;
        match record.status {
            Some(status) if !statuses.is_empty() && !statuses.contains(&status) => {
                Some(Reason::Status(Some(status)))
            }
            _ => None,
        }
    }

    fn keep(
        &mut self,
        record: &Record<'_>,
        method: Option<&'static str>,
        line: u64,
    ) -> Result<(), TraceError> {
        let key = self.speller.key(record.key);
        let Some(id) = self.keys.id(key) else {
            let file = self.file.clone();
            return Err(TraceError::TooManyObjects { file, line, limit: MAX_OBJECTS });
        };
        self.sizes.know(id);
        // Only a whole response shows a size: 206 is a part, 304 and HEAD have no body, 0 was aborted.
        if let Some(size) = record.size.and_then(|size| u32::try_from(size).ok())
            && size > 0
            && record.status.is_none_or(|status| status == 200)
            && method.is_none_or(|method| method != "HEAD")
        {
            self.sizes.record(id, size);
        }
        self.classify(id, record.class)?;
        self.at.push(record.time_ns);
        self.object.push(ObjectId::new(id));
        self.origin_time.push(record.origin_time.unwrap_or(UNKNOWN));
        self.has_origin_times |= record.origin_time.is_some();
        let local_s = record.time_ns.div_euclid(SECOND_NS) + i64::from(record.utc_offset_s.unwrap_or(0));
        *self.local_hours.entry(local_s.div_euclid(HOUR_S)).or_default() += 1;
        Ok(())
    }

    /// Remembers the first recorded class of an object.
    fn classify(&mut self, id: u32, class: Option<&[u8]>) -> Result<(), TraceError> {
        if id as usize == self.class_of.len() {
            self.class_of.push(UNCLASSED);
        }
        let Some(class) = class else { return Ok(()) };
        let class = self
            .recorded_classes
            .id(&String::from_utf8_lossy(class))
            .ok_or_else(|| TraceError::TooManyClasses { file: self.file.clone() })?;
        let known = &mut self.class_of[id as usize];
        if *known == UNCLASSED {
            *known = class;
        } else if *known != class {
            self.objects_with_several_classes.insert(id);
        }
        Ok(())
    }

    /// The trace, once every row was taken.
    pub(super) fn finish(mut self, seed: Seed) -> Result<Import, TraceError> {
        self.judge()?;
        let mut provenance = Provenance {
            lines: self.tally.lines,
            kept: self.at.len() as u64,
            bad: self.tally.bad,
            skipped: self.tally.skipped(),
            lines_with_extra_fields: self.lines_with_extra_fields,
            operations: self.tally.operations(),
            extensions: self.tally.extensions(),
            resolution_ns: self.order.resolution_ns.unsigned_abs(),
            offsets: self.tally.offsets(),
            backward_steps: self.order.backward_steps,
            max_lateness_ns: self.order.max_lateness_ns,
            notes: std::mem::take(&mut self.notes),
            ..Provenance::default()
        };
        self.sort();
        self.spread(seed, &mut provenance);
        let first = self.at[0];
        provenance.first_unix_ns = first;
        let origin_times = self.origin_times(&mut provenance);
        let objects = objects::describe(
            Raw {
                keys: self.keys,
                sizes: self.sizes,
                class_of: self.class_of,
                recorded_classes: self.recorded_classes,
                objects_with_several_classes: self.objects_with_several_classes.len() as u64,
                requests: &self.object,
            },
            &self.options.classes,
            &mut provenance,
        )
        .map_err(|_| TraceError::TooManyClasses { file: self.file.clone() })?;
        let at = self.at.iter().map(|time| SimTime::from_nanos(time.abs_diff(first))).collect();
        let mut trace = Trace::new(at, self.object, objects, SimDuration::ZERO);
        if let Some(origin_times) = origin_times {
            trace = trace.with_origin_times(origin_times);
        }
        Ok(Import { trace, provenance, local_hours: self.local_hours })
    }

    /// Refuses an input that is too broken or holds no request.
    fn judge(&self) -> Result<(), TraceError> {
        let (bad, lines, limit) = (self.tally.bad, self.tally.lines, self.options.max_bad.as_f64());
        let file = self.file.clone();
        if bad as f64 > limit * lines as f64 {
            return Err(TraceError::TooManyBad {
                file,
                bad,
                lines,
                limit,
                worst: self.tally.worst(),
                help: "check format, columns and time_unit; to go on all the same, raise max_bad".to_owned(),
            });
        }
        if self.at.is_empty() {
            return Err(TraceError::NothingLeft { file, lines, why: self.tally.summary() });
        }
        Ok(())
    }

    /// Puts requests that were written late into their place; equal times keep the order of the file.
    fn sort(&mut self) {
        if self.at.is_sorted() {
            return;
        }
        let mut order: Vec<usize> = (0..self.at.len()).collect();
        order.sort_by_key(|&index| self.at[index]);
        self.at = order.iter().map(|&index| self.at[index]).collect();
        self.object = order.iter().map(|&index| self.object[index]).collect();
        self.origin_time = order.iter().map(|&index| self.origin_time[index]).collect();
    }

    fn spread(&mut self, seed: Seed, provenance: &mut Provenance) {
        let has_whole_seconds = self.order.resolution_ns == SECOND_NS;
        let how = if has_whole_seconds { self.options.spread } else { Spread::None };
        how.name().clone_into(&mut provenance.spread);
        spread(&mut self.at, how, seed);
    }

    /// The origin times, the unknown ones assumed to be the median of the others.
    fn origin_times(&mut self, provenance: &mut Provenance) -> Option<Vec<SimDuration>> {
        if !self.has_origin_times {
            return None;
        }
        let mut known: Vec<SimDuration> =
            self.origin_time.iter().copied().filter(|time| *time != UNKNOWN).collect();
        provenance.assumed_origin_times = (self.origin_time.len() - known.len()) as u64;
        let typical = median(&mut known)?;
        if provenance.assumed_origin_times > 0 {
            provenance.notes.push(format!(
                "{} of {} requests have no recorded origin time; the median of the others, {typical}, stands in",
                provenance.assumed_origin_times, provenance.kept
            ));
        }
        let times = std::mem::take(&mut self.origin_time);
        Some(times.into_iter().map(|time| if time == UNKNOWN { typical } else { time }).collect())
    }
}
