//! Takes raw rows one by one, keeps the requests and makes a trace of them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::finish::finish;
use super::intern::Interner;
use super::sieve::{Sieve, is_absence};
use super::sizes::{SizeChange, Sizes};
use super::spill::{Parts, Room, Row as Kept, failed};
use super::{Import, Options, SetRule};
use crate::random::Seed;
use crate::trace::format::{Op, Record, Row};
use crate::trace::{ObjectId, TraceError};
use crate::units::{ByteSize, SimDuration};

/// Ids end before the largest 32-bit number, which means none.
pub(super) const MAX_OBJECTS: u32 = u32::MAX - 1;
const SECOND_NS: i64 = 1_000_000_000;
const HOUR_S: i64 = 3_600;

/// Different TTLs that are counted at most.
const MOST_TTLS: usize = 1_024;

/// No recorded origin time.
pub(super) const UNKNOWN: SimDuration = SimDuration::FOREVER;

/// No recorded class.
pub(super) const UNCLASSED: u32 = u32::MAX;

/// No request yet.
const NOWHERE: usize = usize::MAX;

/// Bytes of an object in a trace: its size, class and rank.
const OBJECT_BYTES: u64 = 24;

/// Bytes that a row takes at most, its origin time, a TTL and a new object among them.
const MOST_BYTES: u64 = 80;

/// What a row is in the trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Request,
    Changed,
    Deleted,
}

/// Takes all out of a column, and gives back what it has beyond the room for `rows`.
fn emptied<T>(column: &mut Vec<T>, rows: usize) {
    column.clear();
    column.shrink_to(rows.saturating_mul(2));
}

/// A trace that is being put together.
#[derive(Debug)]
pub(super) struct Collector {
    pub(super) options: Options,
    pub(super) sieve: Sieve,
    pub(super) keys: Interner,
    pub(super) sizes: Sizes,
    pub(super) recorded_classes: Interner,
    /// Rules by status, each with the objects that had a request with such a status.
    pub(super) statuses: BTreeSet<(u32, u32)>,
    /// Objects that were never there so far, where those are requests.
    pub(super) absent: Vec<bool>,
    /// The recorded class of each object up to the last that has one, or [`UNCLASSED`].
    pub(super) class_of: Vec<u32>,
    /// All requests.
    pub(super) requests: u64,
    /// Requests of each object; once its size is known not all of them, for only of others they matter.
    pub(super) requests_of: Vec<u64>,
    pub(super) objects_with_several_classes: BTreeSet<u32>,
    pub(super) at: Vec<i64>,
    pub(super) object: Vec<ObjectId>,
    /// How long the origin took, of each row up to the last that tells, or [`UNKNOWN`].
    pub(super) origin_time: Vec<SimDuration>,
    /// What each row is; empty while all are requests.
    pub(super) kind: Vec<Kind>,
    /// How long before its time each row began, in milliseconds, up to the last that tells; see [`Record::lag_ms`].
    pub(super) lag_ms: Vec<u32>,
    /// Whether any row tells that, those on disk included.
    pub(super) has_lags: bool,
    pub(super) has_origin_times: bool,
    /// Of requests that are on disk, how many have a recorded origin time.
    pub(super) known_origin_times: u64,
    /// Rows that are on disk already, and how many they are.
    pub(super) parts: Option<Parts>,
    on_disk: usize,
    /// With so many rows in memory it is time to look whether there is room for more.
    enough: usize,
    pub(super) ttls: Vec<(ObjectId, i64, SimDuration)>,
    /// The last recorded TTL of each object, where there are any; zero for none.
    pub(super) last_ttl: Vec<SimDuration>,
    /// When each object was last modified and when that was last recorded, in nanoseconds, in recordings that tell.
    modified: Vec<Option<(i64, i64)>>,
    /// The last request of each object, in recordings that tell operations; [`NOWHERE`] for none.
    last_request: Vec<usize>,
    pub(super) absent_requests: u64,
    pub(super) ignored_writes: u64,
    pub(super) writes: u64,
    pub(super) deletions: u64,
    /// Changes that a later last modification told.
    pub(super) modifications: u64,
    pub(super) requests_with_ttl: u64,
    pub(super) ttl_records: BTreeMap<SimDuration, u64>,
    pub(super) is_timeless: bool,
    pub(super) local_hours: BTreeMap<i64, u64>,
    /// The hour of the last request, and its requests that are not noted yet.
    hour: (i64, u64),
}

/// The hour since 1970 that a clock shows which is so many seconds ahead of UTC.
pub(super) fn hour_of(time_ns: i64, offset_s: i32) -> i64 {
    (time_ns.div_euclid(SECOND_NS) + i64::from(offset_s)).div_euclid(HOUR_S)
}

impl Collector {
    pub(super) fn new(options: &Options) -> Self {
        Self {
            options: options.clone(),
            sieve: Sieve::new(options),
            keys: Interner::with_limit(MAX_OBJECTS),
            sizes: Sizes::new(options.size),
            recorded_classes: Interner::with_limit(u32::from(u16::MAX)),
            statuses: BTreeSet::new(),
            absent: Vec::new(),
            class_of: Vec::new(),
            requests: 0,
            requests_of: Vec::new(),
            objects_with_several_classes: BTreeSet::new(),
            at: Vec::new(),
            object: Vec::new(),
            origin_time: Vec::new(),
            kind: Vec::new(),
            lag_ms: Vec::new(),
            has_lags: false,
            has_origin_times: false,
            known_origin_times: 0,
            parts: None,
            on_disk: 0,
            enough: match (&options.spill, options.room) {
                (Some(spill), room) => room.map_or(0, Room::rows).max(spill.rows),
                (None, Some(_)) => 0,
                (None, None) => usize::MAX,
            },
            ttls: Vec::new(),
            last_ttl: Vec::new(),
            modified: Vec::new(),
            last_request: Vec::new(),
            absent_requests: 0,
            ignored_writes: 0,
            writes: 0,
            deletions: 0,
            modifications: 0,
            requests_with_ttl: 0,
            ttl_records: BTreeMap::new(),
            is_timeless: false,
            local_hours: BTreeMap::new(),
            hour: (0, 0),
        }
    }

    /// Rows of another file follow.
    pub(super) fn begin(&mut self, file: &str, is_log: bool, has_times: bool) -> Result<(), TraceError> {
        self.is_timeless |= !has_times;
        self.sieve.begin(file, is_log)
    }

    /// Adds sentences for the user.
    pub(super) fn note(&mut self, notes: Vec<String>) {
        self.sieve.notes.extend(notes);
    }

    /// Takes the next row of the input.
    pub(super) fn take(&mut self, row: &Row<'_>) -> Result<(), TraceError> {
        let (Some(passed), Ok(record)) = (self.sieve.sift(row)?, &row.content) else { return Ok(()) };
        let Some(id) = self.keys.id(self.sieve.key(record.key)) else {
            let file = self.sieve.file.clone();
            return Err(TraceError::TooManyObjects { file, line: row.line, limit: MAX_OBJECTS });
        };
        self.sizes.know(id);
        let is_changed = record.last_modified_ns.is_some_and(|at| self.modify(id, at, record.begin_ns()));
        if passed.shows_size
            && let Some(size) = record.size.and_then(|size| u32::try_from(size).ok())
        {
            let differs = self.sizes.record(id, size);
            if differs && !is_changed && self.options.size_change == SizeChange::NewVersion {
                self.push(id, record, Kind::Changed);
            }
        }
        self.classify(id, record.class)?;
        self.note_status(id, record.status);
        if let Some(ttl) = record.ttl {
            self.remember_ttl(id, record.begin_ns(), ttl);
        }
        match passed.op {
            Op::Get | Op::Other => self.request(id, record),
            Op::Set => self.write(id, record),
            Op::Delete => {
                self.deletions += 1;
                self.push(id, record, Kind::Deleted);
            }
            Op::Expire => self.ignored_writes += 1,
        }
        self.stay_in_room(row.line)
    }

    /// Puts the rows on disk if they are as many as may be in memory, or refuses them at `line` if they must be there.
    #[inline]
    pub(super) fn stay_in_room(&mut self, line: u64) -> Result<(), TraceError> {
        if self.at.len() < self.enough { Ok(()) } else { self.make_room(line) }
    }

    fn make_room(&mut self, line: u64) -> Result<(), TraceError> {
        if let Some(spill) = self.options.spill.clone() {
            // From now on parts are no longer than what is wanted on disk.
            self.enough = spill.rows;
            return self.spill(&spill.folder);
        }
        let Some(Room { bytes, bound }) = self.options.room else { return Ok(()) };
        let held = self.held_bytes();
        let Some(left) = bytes.checked_sub(held) else {
            let [need, have] = [held, bytes].map(ByteSize::from_bytes);
            return Err(TraceError::TooLarge { file: self.sieve.file.clone(), line, need, have, bound });
        };
        // So many more rows fit, whatever they tell.
        self.enough = self.at.len() + usize::try_from(left / MOST_BYTES).unwrap_or(usize::MAX / 2).max(1);
        Ok(())
    }

    /// Bytes that the trace so far takes in memory, at least.
    fn held_bytes(&self) -> u64 {
        let columns = size_of_val(self.at.as_slice()) + size_of_val(self.object.as_slice());
        let told = size_of_val(self.origin_time.as_slice())
            + size_of_val(self.kind.as_slice())
            + size_of_val(self.lag_ms.as_slice())
            + size_of_val(self.ttls.as_slice());
        (columns + told) as u64 + self.requests_of.len() as u64 * OBJECT_BYTES
    }

    /// Puts all rows that are in memory on disk.
    pub(super) fn spill(&mut self, folder: &Path) -> Result<(), TraceError> {
        let parts = match self.parts.take() {
            Some(parts) => Ok(parts),
            None => Parts::create(folder),
        };
        let kept = |row: usize| Kept {
            time: self.at[row],
            object: self.object[row],
            kind: self.kind.get(row).copied().unwrap_or(Kind::Request),
            lag_ms: self.lag_ms.get(row).copied().unwrap_or(0),
        };
        // Where more were kept than a part should have, they are several.
        let rows = self.options.spill.as_ref().map_or(usize::MAX, |spill| spill.rows.max(1));
        let all = self.at.len();
        let length = all.div_ceil((all / rows).max(1)).max(1);
        let added = parts.and_then(|mut parts| {
            for from in (0..all).step_by(length) {
                parts.add(length.min(all - from), |row| kept(from + row))?;
            }
            Ok(parts)
        });
        self.parts = Some(added.map_err(|source| failed(folder, source))?);
        self.known_origin_times += self.origin_time.iter().filter(|time| **time != UNKNOWN).count() as u64;
        self.on_disk += self.at.len();
        emptied(&mut self.at, rows);
        emptied(&mut self.object, rows);
        emptied(&mut self.origin_time, rows);
        emptied(&mut self.kind, rows);
        emptied(&mut self.lag_ms, rows);
        Ok(())
    }

    /// A record at `now` tells when the object was last modified; whether that is a change. It came after the last
    /// record that did not know of it.
    fn modify(&mut self, id: u32, modified: i64, now: i64) -> bool {
        if self.modified.len() <= id as usize {
            self.modified.resize(id as usize + 1, None);
        }
        let (known, seen) = *self.modified[id as usize].get_or_insert((modified, now));
        let is_changed = modified > known;
        if is_changed {
            self.modifications += 1;
            let at = modified.clamp(seen.min(now), now);
            self.push(id, &Record { time_ns: at, ..Record::default() }, Kind::Changed);
        }
        self.modified[id as usize] = Some((modified.max(known), now.max(seen)));
        is_changed
    }

    /// Remembers what classes and absence depend on.
    fn note_status(&mut self, id: u32, status: Option<u16>) {
        for (place, rule) in (0..).zip(&self.options.classes) {
            if !rule.status.is_empty() && rule.holds_status(status) {
                self.statuses.insert((place, id));
            }
        }
        if self.options.negative {
            let is_absent = status.is_some_and(is_absence);
            if self.absent.len() <= id as usize {
                self.absent.resize(id as usize + 1, is_absent);
            }
            self.absent[id as usize] &= is_absent;
            self.absent_requests += u64::from(is_absent);
        }
    }

    fn request(&mut self, id: u32, record: &Record<'_>) {
        let ttl = self.last_ttl.get(id as usize).copied().unwrap_or_default();
        self.requests += 1;
        self.requests_of[id as usize] += 1;
        self.requests_with_ttl += u64::from(!ttl.is_zero());
        // Only a write asks for it.
        if record.method.is_some() {
            if self.last_request.len() <= id as usize {
                self.last_request.resize(id as usize + 1, NOWHERE);
            }
            self.last_request[id as usize] = self.on_disk + self.at.len();
        }
        self.push(id, record, Kind::Request);
        if let Some(time) = record.origin_time {
            self.took(self.at.len() - 1, time);
        }
        self.count_hour(record.time_ns, record.utc_offset_s.unwrap_or(0), 1);
    }

    /// Notes how long the origin took for a row that is in memory.
    fn took(&mut self, row: usize, time: SimDuration) {
        if self.origin_time.len() <= row {
            self.origin_time.resize(row + 1, UNKNOWN);
        }
        self.origin_time[row] = time;
        self.has_origin_times = true;
    }

    /// Counts requests of one instant by the hour of the recorder's clock.
    pub(super) fn count_hour(&mut self, time_ns: i64, offset_s: i32, requests: u64) {
        let hour = hour_of(time_ns, offset_s);
        if hour != self.hour.0 {
            self.end_hour();
            self.hour.0 = hour;
        }
        self.hour.1 += requests;
    }

    /// Notes the requests of the hour that was counted last.
    fn end_hour(&mut self) {
        let (hour, requests) = std::mem::take(&mut self.hour);
        if requests > 0 {
            *self.local_hours.entry(hour).or_default() += requests;
        }
    }

    /// A write: the end of a fetch, a change, or both.
    fn write(&mut self, id: u32, record: &Record<'_>) {
        self.writes += 1;
        if let Some(took) = record.origin_time
            && let Some(last) = self.last_request.get_mut(id as usize).filter(|last| **last != NOWHERE)
        {
            if let Some(place) = last.checked_sub(self.on_disk) {
                self.took(place, took);
            } else {
                // On disk only their number is known.
                self.has_origin_times = true;
                self.known_origin_times += 1;
                *last = NOWHERE;
            }
        }
        match self.sieve.set_rule() {
            SetRule::Ignore => self.ignored_writes += 1,
            SetRule::Change => self.push(id, record, Kind::Changed),
            SetRule::Invalidate => {
                self.push(id, record, Kind::Changed);
                self.push(id, record, Kind::Deleted);
            }
        }
    }

    fn push(&mut self, id: u32, record: &Record<'_>, kind: Kind) {
        if kind != Kind::Request || !self.kind.is_empty() {
            self.kind.resize(self.at.len(), Kind::Request);
            self.kind.push(kind);
        }
        if let Some(lag_ms) = record.lag_ms.filter(|lag_ms| *lag_ms > 0) {
            self.lag_ms.resize(self.at.len(), 0);
            self.lag_ms.push(lag_ms);
            self.has_lags = true;
        }
        self.at.push(record.time_ns);
        self.object.push(ObjectId::new(id));
    }

    /// Keeps a TTL where it differs from the object's last.
    fn remember_ttl(&mut self, id: u32, time_ns: i64, ttl: SimDuration) {
        if self.ttl_records.len() < MOST_TTLS || self.ttl_records.contains_key(&ttl) {
            *self.ttl_records.entry(ttl).or_default() += 1;
        }
        if self.last_ttl.len() <= id as usize {
            self.last_ttl.resize(id as usize + 1, SimDuration::ZERO);
        }
        let last = &mut self.last_ttl[id as usize];
        if *last != ttl {
            *last = ttl;
            self.ttls.push((ObjectId::new(id), time_ns, ttl));
        }
    }

    /// Makes room for object `id`, the next new one.
    pub(super) fn know(&mut self, id: u32) {
        if id as usize == self.requests_of.len() {
            self.requests_of.push(0);
        }
    }

    /// Remembers the first recorded class of an object.
    fn classify(&mut self, id: u32, class: Option<&[u8]>) -> Result<(), TraceError> {
        self.know(id);
        let Some(class) = class else { return Ok(()) };
        let class = self
            .recorded_classes
            .id(&String::from_utf8_lossy(class))
            .ok_or_else(|| TraceError::TooManyClasses { file: self.sieve.file.clone() })?;
        if self.class_of.len() <= id as usize {
            self.class_of.resize(id as usize + 1, UNCLASSED);
        }
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
        self.sieve.end();
        self.end_hour();
        finish(self, seed)
    }
}
