//! `oracle-general`: the binary traces of libCacheSim.
//!
//! Records of 24 bytes, little-endian, without a header and often inside zstd: time in seconds (32
//! bits), id (64), size in bytes (32), and the place of the object's next request (64, -1 for none), which
//! is ignored. A file that is no whole number of records is refused. Keys are the ids in decimal digits;
//! messages count records where they say lines.
//!
//! `ttlab trace convert` writes this format too: times in whole seconds since the first request, keys
//! that are numbers as they are and others as a hash of 64 bits, and the places of the next requests.
//!
//! ```toml
//! [trace]
//! path = "wiki.oracleGeneral.zst"
//! format = "oracle-general"
//! ```

use std::io::{self, BufRead, Write};

use super::timestamp::SECOND_NS;
use super::{Declared, NoParams, Plain, Record, RecordReader, Row, TraceFormat};
use crate::catalog::{Invalid, Param, Plugin};
use crate::trace::TraceError;

/// Length of a record.
pub const RECORD_BYTES: usize = 24;

/// What the reader says of a file that ends inside a record.
pub(in crate::trace) const PARTIAL: &str = "a part of a record is left";

/// Binary traces of libCacheSim.
#[derive(Debug, Clone, Copy)]
pub(super) struct OracleGeneral;

impl Plugin for OracleGeneral {
    const NAME: &'static str = "oracle-general";
    const SUMMARY: &'static str = "libCacheSim's binary records of time, id, size and next request";
    const PARAMS: &'static [Param] = &[];
    type Params = NoParams;
    type Setup = Declared;

    fn new(_: &NoParams, declared: &Declared) -> Result<Self, Invalid> {
        declared.only(Self::NAME, &[])?;
        Ok(Self)
    }
}

impl TraceFormat for OracleGeneral {
    fn open<'r>(
        &self,
        input: Box<dyn BufRead + Send + 'r>,
        _: &str,
    ) -> Result<Box<dyn RecordReader + 'r>, TraceError> {
        let rows = Vec::with_capacity(AT_ONCE);
        Ok(Box::new(Reader { input, rows, next: 0, error: None, key: itoa::Buffer::new(), read: 0 }))
    }

    fn is_log(&self) -> bool {
        false
    }

    fn is_text(&self) -> bool {
        false
    }
}

struct Reader<R> {
    input: R,
    /// Records that are shown one by one, of which those before `next` have been.
    rows: Vec<Plain>,
    next: usize,
    /// What went wrong behind the last record that was shown.
    error: Option<io::Error>,
    key: itoa::Buffer,
    read: u64,
}

impl<R: BufRead> Reader<R> {
    /// Puts records that are ready into `rows`, which is empty; none at the end.
    fn fill(&mut self, rows: &mut Vec<Plain>) -> io::Result<()> {
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        let ready = loop {
            match self.input.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                ready => break ready?,
            }
        };
        let (records, rest) = ready.as_chunks();
        if records.is_empty() && !rest.is_empty() {
            return self.gather(rows);
        }
        rows.extend(records.iter().take(AT_ONCE).map(plain));
        self.input.consume(rows.len() * RECORD_BYTES);
        Ok(())
    }

    /// Puts a record into `rows` whose bytes are not ready together.
    #[cold]
    fn gather(&mut self, rows: &mut Vec<Plain>) -> io::Result<()> {
        let (mut record, mut known) = ([0; RECORD_BYTES], 0);
        while known < RECORD_BYTES {
            match self.input.read(&mut record[known..]) {
                Ok(0) => return Err(io::Error::new(io::ErrorKind::UnexpectedEof, PARTIAL)),
                Ok(count) => known += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        rows.push(plain(&record));
        Ok(())
    }
}

impl<R: BufRead + Send> RecordReader for Reader<R> {
    #[inline]
    fn next_row(&mut self) -> Option<io::Result<Row<'_>>> {
        if self.next == self.rows.len() {
            let mut rows = std::mem::take(&mut self.rows);
            rows.clear();
            let filled = self.fill(&mut rows);
            (self.rows, self.next) = (rows, 0);
            if let Err(error) = filled {
                return Some(Err(error));
            }
        }
        let Plain { time_ns, number, size } = *self.rows.get(self.next)?;
        self.next += 1;
        self.read += 1;
        let key = self.key.format(number).as_bytes();
        let content = Ok(Record { time_ns, key, size: Some(u64::from(size)), ..Record::default() });
        Some(Ok(Row { line: self.read, lines: 1, content }))
    }

    fn plain(&mut self, block: &mut Vec<Plain>) -> u64 {
        block.clear();
        if self.next < self.rows.len() {
            block.extend_from_slice(&self.rows[self.next..]);
            self.next = self.rows.len();
        } else if let Err(error) = self.fill(block) {
            // The next row tells.
            self.error = Some(error);
        }
        let first = self.read + 1;
        self.read += block.len() as u64;
        first
    }

    fn lines_read(&self) -> u64 {
        self.read
    }
}

/// Records that are shown at once: as many as stay in the nearest cache.
const AT_ONCE: usize = 1_024;

/// What a record says.
fn plain(record: &[u8; RECORD_BYTES]) -> Plain {
    let (time, number, size) = parse(record);
    Plain { time_ns: i64::from(time) * SECOND_NS, number, size }
}

/// Time, id and size of a record.
fn parse(record: &[u8; RECORD_BYTES]) -> (u32, u64, u32) {
    let [t0, t1, t2, t3, i0, i1, i2, i3, i4, i5, i6, i7, s0, s1, s2, s3, ..] = *record;
    (
        u32::from_le_bytes([t0, t1, t2, t3]),
        u64::from_le_bytes([i0, i1, i2, i3, i4, i5, i6, i7]),
        u32::from_le_bytes([s0, s1, s2, s3]),
    )
}

/// Writes one record; `next` is the place of the object's next request.
///
/// # Errors
/// As the output.
pub fn write_record(
    out: &mut impl Write,
    time_s: u32,
    id: u64,
    size: u32,
    next: Option<u64>,
) -> io::Result<()> {
    let next = next.and_then(|place| i64::try_from(place).ok()).unwrap_or(-1);
    out.write_all(&time_s.to_le_bytes())?;
    out.write_all(&id.to_le_bytes())?;
    out.write_all(&size.to_le_bytes())?;
    out.write_all(&next.to_le_bytes())
}

/// Whether the start of a file looks like such records: times that do not run backwards, sizes, and
/// next requests that lie ahead.
pub(super) fn looks_like(start: &[u8]) -> bool {
    let (records, _) = start.as_chunks::<RECORD_BYTES>();
    let mut last = 0;
    let is_sound = |(place, record): (u64, &[u8; RECORD_BYTES])| {
        let (time, _, size) = parse(record);
        let next = i64::from_le_bytes(*record.last_chunk().expect("a record is longer"));
        let is_ahead = next == -1 || next.unsigned_abs() > place && next > 0;
        let goes_on = time >= last;
        last = time;
        goes_on && is_ahead && size < 1 << 31
    };
    !records.is_empty() && (0..).zip(records).take(1_000).all(is_sound)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn file(records: &[(u32, u64, u32)]) -> Vec<u8> {
        let mut out = Vec::new();
        for (time, id, size) in records {
            write_record(&mut out, *time, *id, *size, None).unwrap();
        }
        out
    }

    /// The records read through a buffer of `block` bytes, and the error at the end.
    fn read(file: &[u8], block: usize) -> (Vec<(i64, String, u64)>, Option<io::ErrorKind>) {
        let input = io::BufReader::with_capacity(block, file);
        let mut reader = OracleGeneral.open(Box::new(input), "f").unwrap();
        let mut records = Vec::new();
        loop {
            match reader.next_row() {
                None => return (records, None),
                Some(Err(error)) => return (records, Some(error.kind())),
                Some(Ok(row)) => {
                    let record = row.content.unwrap();
                    let key = String::from_utf8(record.key.to_vec()).unwrap();
                    records.push((record.time_ns / SECOND_NS, key, record.size.unwrap()));
                }
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            records in prop::collection::vec((any::<u32>(), any::<u64>(), any::<u32>()), 0..50),
            block in 1_usize..100,
            cut in 0_usize..24,
        ) {
            let mut file = file(&records);
            let want: Vec<_> = records.iter()
                .map(|(t, id, size)| (i64::from(*t), id.to_string(), u64::from(*size))).collect();
            prop_assert_eq!(read(&file, block), (want.clone(), None));
            if cut > 0 && !records.is_empty() {
                file.truncate(file.len() - cut);
                let whole = want[..want.len() - 1].to_vec();
                prop_assert_eq!(read(&file, block), (whole, Some(io::ErrorKind::UnexpectedEof)));
            }
        }
    }

    #[test]
    fn the_layout_is_that_of_libcachesim() {
        let mut out = Vec::new();
        write_record(&mut out, 1, 2, 3, Some(4)).unwrap();
        write_record(&mut out, 0x0102_0304, 5, 6, None).unwrap();
        let want = [
            1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, //
            4, 3, 2, 1, 5, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255,
        ];
        assert_eq!(out, want);
        assert!(looks_like(&file(&[(1, 2, 3), (1, 2, 3)])));
        assert!(!looks_like(&file(&[(2, 2, 3), (1, 2, 3)])));
    }
}
