//! More rows than memory holds: sorted parts of them in a file, merged into the requests of a spooled trace.
//!
//! The parts are sorted by time and merged stably (external merge sort: Knuth, The Art of Computer Programming,
//! vol. 3, section 5.4), so the trace is the one that sorting in memory gives, however late a line came. On disk a row
//! takes 16 bytes and a request of the trace 12; both files have no names and go with their users.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::collect::{Collector, Kind};
use super::finish::{Between, GONE, forget_unasked, since};
use super::provenance::Provenance;
use crate::random::Seed;
use crate::trace::format::lag_ns;
use crate::trace::shape::spread::{Spread, spread};
use crate::trace::spool::{Spool, Spooling};
use crate::trace::{Happening, ObjectId, TraceError};

/// Bytes of a row on disk: time, object, and in four more what it is and by how much it began earlier.
const ROW: usize = 16;

const SECOND_NS: i64 = 1_000_000_000;

/// Rows of a part that are read at a time.
const READ: usize = 4_096;

/// When rows go to a file, and where to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spill {
    /// The folder for files without names.
    pub folder: PathBuf,
    /// Up to so many rows stay in memory, at about 40 bytes each while they are sorted.
    pub rows: usize,
}

/// How much memory requests may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// In bytes.
    pub bytes: u64,
    /// What sets this bound, in words that follow the number of bytes, such as `free`.
    pub bound: &'static str,
}

impl Room {
    /// What is free bounds it.
    pub const FREE: &'static str = "free";
    /// The command line does.
    pub const ALLOWED: &'static str = "allowed (--memory-limit)";

    /// Bytes of a row while rows are sorted.
    const SORTED: u64 = 40;

    /// Rows that can be sorted in it.
    pub(super) fn rows(self) -> usize {
        usize::try_from(self.bytes / Self::SORTED).unwrap_or(usize::MAX)
    }
}

/// Why a file could not be written or read.
pub(super) fn failed(folder: &Path, source: io::Error) -> TraceError {
    TraceError::Spill { folder: folder.display().to_string(), source }
}

/// Sorted parts in one file.
#[derive(Debug)]
pub(super) struct Parts {
    file: BufWriter<File>,
    /// How many rows each part has.
    rows: Vec<usize>,
}

impl Parts {
    pub(super) fn create(folder: &Path) -> io::Result<Self> {
        Ok(Self { file: BufWriter::with_capacity(1 << 20, tempfile::tempfile_in(folder)?), rows: Vec::new() })
    }

    /// Adds a part of `count` rows; those of equal times stay in their order.
    pub(super) fn add(&mut self, count: usize, row: impl Fn(usize) -> Row) -> io::Result<()> {
        let mut order: Vec<usize> = (0..count).collect();
        order.sort_by_key(|&index| row(index).time);
        for index in order {
            self.file.write_all(&row(index).bytes())?;
        }
        self.rows.push(count);
        Ok(())
    }

    /// Shows all rows in the order of their time to `take`; of equal times, those of earlier parts first.
    fn merged(self, mut take: impl FnMut(Row) -> io::Result<()>) -> io::Result<()> {
        let mut file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        let mut from = 0;
        let mut parts = Vec::with_capacity(self.rows.len());
        for rows in self.rows {
            parts.push(Part { next: from, end: from + rows, rows: Vec::new() });
            from += rows;
        }
        let mut first = BinaryHeap::with_capacity(parts.len());
        for (place, part) in parts.iter_mut().enumerate() {
            if let Some(row) = part.next(&mut file)? {
                first.push(Reverse((row.time, place, Held(row))));
            }
        }
        while let Some(Reverse((_, place, Held(row)))) = first.pop() {
            take(row)?;
            if let Some(row) = parts[place].next(&mut file)? {
                first.push(Reverse((row.time, place, Held(row))));
            }
        }
        Ok(())
    }
}

/// A row as it was kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) time: i64,
    pub(super) object: ObjectId,
    pub(super) kind: Kind,
    /// How long before `time` it began, below 2^30 ms.
    pub(super) lag_ms: u32,
}

impl Row {
    fn bytes(self) -> [u8; ROW] {
        let mut row = [0; ROW];
        row[..8].copy_from_slice(&self.time.to_le_bytes());
        row[8..12].copy_from_slice(&self.object.as_u32().to_le_bytes());
        row[12..].copy_from_slice(&(self.lag_ms << 2 | self.kind as u32).to_le_bytes());
        row
    }
}

/// A row that has no say in the order.
struct Held(Row);

impl PartialEq for Held {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Held {}

impl PartialOrd for Held {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Held {
    fn cmp(&self, _: &Self) -> std::cmp::Ordering {
        std::cmp::Ordering::Equal
    }
}

/// A part that is being read.
struct Part {
    /// The next row to be read, and the first beyond the part.
    next: usize,
    end: usize,
    /// Rows that have been read, the next one last.
    rows: Vec<Row>,
}

impl Part {
    fn next(&mut self, file: &mut File) -> io::Result<Option<Row>> {
        if self.rows.is_empty() && self.next < self.end {
            let count = READ.min(self.end - self.next);
            let mut bytes = vec![0; count * ROW];
            file.seek(SeekFrom::Start((self.next * ROW) as u64))?;
            file.read_exact(&mut bytes)?;
            self.rows.extend(bytes.as_chunks::<ROW>().0.iter().rev().map(row));
            self.next += count;
        }
        Ok(self.rows.pop())
    }
}

fn row(bytes: &[u8; ROW]) -> Row {
    let [t0, t1, t2, t3, t4, t5, t6, t7, o0, o1, o2, o3, r0, r1, r2, r3] = *bytes;
    let rest = u32::from_le_bytes([r0, r1, r2, r3]);
    let kind = match rest & 3 {
        0 => Kind::Request,
        1 => Kind::Changed,
        _ => Kind::Deleted,
    };
    Row {
        time: i64::from_le_bytes([t0, t1, t2, t3, t4, t5, t6, t7]),
        object: ObjectId::new(u32::from_le_bytes([o0, o1, o2, o3])),
        kind,
        lag_ms: rest >> 2,
    }
}

/// Merges all parts: the requests, what happened between them, and when the trace begins.
pub(super) fn settle(
    all: &mut Collector,
    folder: &Path,
    how: Spread,
    seed: Seed,
    provenance: &mut Provenance,
) -> Result<(Spool, Vec<Between>, i64), TraceError> {
    all.spill(folder)?;
    let parts = all.parts.take().expect("there are parts on disk");
    let new_id = forget_unasked(all);
    if all.has_origin_times {
        provenance.assumed_origin_times = provenance.kept - all.known_origin_times;
    }
    let mut settled = Settling {
        spool: Spooling::create(folder).map_err(|source| failed(folder, source))?,
        events: Vec::new(),
        first: None,
        requests: 0,
        new_id,
    };
    let merged = if all.has_lags {
        let most = all.options.spill.as_ref().map_or(usize::MAX, |spill| spill.rows);
        begun(parts, folder, most, how, seed).and_then(|parts| parts.merged(|row| settled.take(row)))
    } else {
        placed(parts, how, seed, |row| settled.take(row))
    };
    let finished = merged.and_then(|()| settled.spool.finish());
    let spool = finished.map_err(|source| failed(folder, source))?;
    Ok((spool, settled.events, settled.first.unwrap_or(0)))
}

/// Shows all rows to `take` in the order of their times, whole seconds spread.
fn placed(
    parts: Parts,
    how: Spread,
    seed: Seed,
    mut take: impl FnMut(Row) -> io::Result<()>,
) -> io::Result<()> {
    let mut same: Vec<Row> = Vec::new();
    let mut times: Vec<i64> = Vec::new();
    let mut flush = |same: &mut Vec<Row>| {
        times.clear();
        times.extend(same.iter().map(|row| row.time));
        spread(&mut times, how, seed);
        same.iter_mut().zip(&times).for_each(|(row, time)| row.time = *time);
        if !times.is_sorted() {
            same.sort_by_key(|row| row.time);
        }
        same.drain(..).try_for_each(&mut take)
    };
    let second = |row: &Row| row.time.div_euclid(SECOND_NS);
    parts.merged(|row| {
        // Rows of one second are spread together.
        if same.last().is_some_and(|last| how == Spread::None || second(last) != second(&row)) {
            flush(&mut same)?;
        }
        same.push(row);
        Ok(())
    })?;
    flush(&mut same)
}

/// All rows at the time when they began, sorted anew in parts of at most `most` rows: what takes long ends after what
/// began later.
fn begun(parts: Parts, folder: &Path, most: usize, how: Spread, seed: Seed) -> io::Result<Parts> {
    let mut again = Parts::create(folder)?;
    let mut rows: Vec<Row> = Vec::new();
    placed(parts, how, seed, |row| {
        rows.push(Row { time: row.time.saturating_sub(lag_ns(row.lag_ms)), lag_ms: 0, ..row });
        if rows.len() >= most {
            again.add(rows.len(), |place| rows[place])?;
            rows.clear();
        }
        Ok(())
    })?;
    again.add(rows.len(), |place| rows[place])?;
    Ok(again)
}

/// A trace that is being written.
struct Settling {
    spool: Spooling,
    events: Vec<Between>,
    first: Option<i64>,
    requests: usize,
    /// The new number of each object; `None` where all keep theirs.
    new_id: Option<Vec<u32>>,
}

impl Settling {
    fn take(&mut self, row: Row) -> io::Result<()> {
        let id = self.new_id.as_ref().map_or(row.object.as_u32(), |new_id| new_id[row.object.index()]);
        let object = ObjectId::new(id);
        let what = match row.kind {
            Kind::Request => {
                let first = *self.first.get_or_insert(row.time);
                self.requests += 1;
                return self.spool.push(since(first, row.time), object);
            }
            Kind::Changed => Happening::Changed,
            Kind::Deleted => Happening::Deleted,
        };
        if id != GONE {
            self.events.push((row.time, object, what, self.requests));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::format::FORMATS;
    use crate::trace::import::{Import, Options, SetRule, import};
    use proptest::prelude::*;

    fn read(text: &str, options: &Options) -> Option<Import> {
        import(text.as_bytes(), "t", options, Seed::new(7)).ok()
    }

    fn options(spread: Spread, rows: Option<usize>) -> Options {
        let folder = std::env::temp_dir();
        Options {
            format: Some(FORMATS.default_choice("csv")),
            spread,
            set: Some(SetRule::Invalidate),
            spill: rows.map(|rows| Spill { folder, rows }),
            ..Options::default()
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn a_spooled_trace_is_the_one_in_memory(
            rows in prop::collection::vec((0_u32..30, 0_u32..3, 0_u32..9, 1_u32..50), 1..120),
            part in 1_usize..50, whole in any::<bool>(), how in 0_usize..3,
        ) {
            let line = |(time, op, key, size): &(u32, u32, u32, u32)| {
                let op = ["get", "set", "delete"][*op as usize];
                let fraction = if whole { "" } else { ".25" };
                format!("{time}{fraction},{op},/{key},{size},{}\n", size % 4)
            };
            let text = format!("time_s,op,key,size,ttl_s\n{}", rows.iter().map(line).collect::<String>());
            let spread = [Spread::None, Spread::Even, Spread::Uniform][how];
            let (memory, spooled) = (read(&text, &options(spread, None)), read(&text, &options(spread, Some(part))));
            prop_assert_eq!(memory.is_some(), spooled.is_some());
            if let (Some(memory), Some(spooled)) = (memory, spooled) {
                // A write is two rows under this rule: a change, and a deletion.
                let kept: usize = rows.iter().map(|(_, op, ..)| 1 + usize::from(*op == 1)).sum();
                prop_assert_eq!(spooled.trace.is_spooled(), kept >= part);
                prop_assert_eq!(&memory.trace, &spooled.trace);
                prop_assert_eq!(memory.provenance, spooled.provenance);
                let mut all = Vec::new();
                spooled.trace.each(|at, object| all.push((at, object)));
                let want: Vec<_> = memory.trace.requests().map(|request| (request.at, request.object)).collect();
                prop_assert_eq!(all, want);
            }
        }
    }

    #[test]
    fn blocks_beyond_the_first_are_read_back_too() {
        let line = |i: u32| format!("{},get,/{},9\n", i / 3, i.wrapping_mul(2_654_435_761) >> 20);
        let text = format!("time_s,op,key,size\n{}", (0..150_000).map(line).collect::<String>());
        let memory = read(&text, &options(Spread::Uniform, None)).unwrap();
        let spooled = read(&text, &options(Spread::Uniform, Some(20_000))).unwrap();
        assert!(spooled.trace.is_spooled() && spooled.trace.len() == 150_000);
        assert_eq!(memory.trace, spooled.trace);
    }

    #[test]
    fn requests_stay_in_memory_while_they_can_be_sorted_in_the_room_there_is() {
        let line = |i: u32| format!("{},get,/{},9\n", (i / 30) ^ 5, i.wrapping_mul(2_654_435_761) >> 22);
        let text = format!("time_s,op,key,size\n{}", (0..3_000).map(line).collect::<String>());
        let within = |bytes, rows| {
            let room = Some(Room { bytes, bound: "free" });
            read(&text, &Options { room, ..options(Spread::Uniform, Some(rows)) }).unwrap().trace
        };
        let memory = read(&text, &options(Spread::Uniform, None)).unwrap().trace;
        // 3,000 rows of 40 bytes fit, and they are put on disk only once more come.
        for (bytes, rows, is_spooled) in [
            (120_040, 100, false),
            (119_960, 100, true),
            (119_960, 7_000, false),
            (0, 100, true),
            (60_000, 64, true),
        ] {
            let trace = within(bytes, rows);
            assert_eq!(
                (trace.is_spooled(), trace == memory),
                (is_spooled, true),
                "{bytes} bytes, {rows} rows"
            );
        }
    }

    #[test]
    fn a_trace_that_must_be_in_memory_is_refused_at_the_line_where_it_takes_too_much() {
        let line = |i: u32| format!("{i},/{},9,{}\n", i % 7, i % 3);
        let text = format!("time_s,key,size,origin_time_ms\n{}", (0..2_000).map(line).collect::<String>());
        let refused = |bytes| {
            let room = Some(Room { bytes, bound: "allowed (--memory-limit)" });
            let options = Options { room, ..options(Spread::None, None) };
            import(text.as_bytes(), "t.csv", &options, Seed::new(1)).map(|import| import.trace.len())
        };
        // 2,000 requests of 12 bytes with origin times of 8, and seven objects of 24.
        assert_eq!(refused(40_168).unwrap(), 2_000);
        let error = refused(40_167).unwrap_err();
        assert_eq!(error.line(), Some(2_001));
        assert_eq!(
            error.to_string(),
            "t.csv:2001: the requests up to here take 39.2 KiB of memory, but 39.2 KiB are allowed (--memory-limit)"
        );
        assert!(error.help().contains("ttlab trace sample"));
        assert_eq!(refused(20_000).unwrap_err().line(), Some(993));
        assert_eq!(refused(0).unwrap_err().line(), Some(2));
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let spill = Spill { folder: "/nowhere/at/all".into(), rows: 1 };
        let options = Options { spill: Some(spill), ..options(Spread::None, None) };
        let refused = import("time,op,key\n1,get,/a\n".as_bytes(), "t", &options, Seed::new(1)).unwrap_err();
        assert!(refused.to_string().starts_with("requests cannot be put on disk in /nowhere/at/all: "));
        assert!(refused.help().contains("TMPDIR"));
    }
}
