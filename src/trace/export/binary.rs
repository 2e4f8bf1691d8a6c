//! Binary records of libCacheSim, whose last field needs a pass from the end: the records go into a
//! file without a name first, beside the target, and the places of the next requests are filled in backwards.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};

use foldhash::fast::FixedState;
use sha2::{Digest, Sha256};

use super::file::{Target, Whole};
use super::{Item, Packing, Written};
use crate::trace::format::{Op, RECORD_BYTES, write_record};

/// What is known by id, which is looked up and never walked through.
#[expect(clippy::disallowed_types, reason = "its state is fixed, and nothing depends on its order")]
type ById = std::collections::HashMap<u64, u64, FixedState>;

const SECOND_NS: i64 = 1_000_000_000;

/// Records that are looked at in one step of the pass from the end.
const BLOCK: u64 = 1 << 16;

/// Records that are being written.
pub(super) struct Binary {
    target: Whole,
    scratch: BufWriter<File>,
    first_s: Option<i64>,
    /// What else the key of each id hashes to, to tell keys apart that share an id.
    checks: ById,
    records: u64,
    hashed: u64,
    collisions: u64,
    without_size: u64,
    others: u64,
}

impl Binary {
    pub(super) fn create(target: Target, packing: Packing) -> io::Result<Self> {
        let scratch = tempfile::tempfile_in(target.folder())?;
        Ok(Self {
            target: Whole::create(target, packing)?,
            scratch: BufWriter::with_capacity(1 << 16, scratch),
            first_s: None,
            checks: ById::default(),
            records: 0,
            hashed: 0,
            collisions: 0,
            without_size: 0,
            others: 0,
        })
    }

    /// Whether the time of `item` fits into 32 bits of seconds since the first.
    pub(super) fn has_room(&self, item: &Item) -> bool {
        let second = item.time_ns.div_euclid(SECOND_NS);
        u32::try_from(second - self.first_s.unwrap_or(second)).is_ok()
    }

    pub(super) fn write(&mut self, item: &Item) -> io::Result<()> {
        if item.op != Op::Get {
            self.others += 1;
            return Ok(());
        }
        let second = item.time_ns.div_euclid(SECOND_NS);
        let time = second - *self.first_s.get_or_insert(second);
        let time = u32::try_from(time).map_err(io::Error::other)?;
        let id = self.id(&item.key);
        self.without_size += u64::from(item.size.is_none());
        self.records += 1;
        write_record(&mut self.scratch, time, id, item.size.unwrap_or(0), None)
    }

    /// A number that is written as numbers are is its own id; anything else is hashed.
    fn id(&mut self, key: &str) -> u64 {
        let is_plain =
            key.bytes().all(|byte| byte.is_ascii_digit()) && (key.len() == 1 || !key.starts_with('0'));
        let number = key.parse::<u64>().ok().filter(|_| is_plain);
        let (id, check) = if let Some(number) = number {
            (number, 0)
        } else {
            let digest = Sha256::digest(key.as_bytes());
            let part = |from: usize| {
                digest[from..from + 8].iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte))
            };
            (part(0), part(8) | 1)
        };
        match self.checks.insert(id, check) {
            None => self.hashed += u64::from(number.is_none()),
            Some(known) => self.collisions += u64::from(known != check),
        }
        id
    }

    pub(super) fn finish(mut self) -> io::Result<Written> {
        self.scratch.flush()?;
        // Its memory is wanted for the pass from the end.
        self.checks = ById::default();
        let file = self.scratch.get_mut();
        fill_in_next(file, self.records)?;
        file.seek(SeekFrom::Start(0))?;
        io::copy(file, &mut self.target)?;
        self.target.finish()?;
        let mut notes = vec!["times are whole seconds since the first request; classes, TTLs and origin times have no place in oracle-general".to_owned()];
        for (count, what) in [
            (self.hashed, "keys are no numbers and were hashed to 64 bits"),
            (self.collisions, "requests changed hands, because two keys hash to one id"),
            (self.without_size, "requests have no size of their own, which is written as 0"),
            (self.others, "writes and deletions were left out"),
        ] {
            if count > 0 {
                notes.push(format!("{count} {what}"));
            }
        }
        Ok(Written { records: self.records, notes })
    }
}

/// Fills in the places of the next requests, from the end.
fn fill_in_next(file: &mut File, records: u64) -> io::Result<()> {
    let mut next_of = ById::default();
    let mut block = Vec::new();
    let mut end = records;
    while end > 0 {
        let start = end.saturating_sub(BLOCK);
        let length = usize::try_from(end - start).expect("a block is small") * RECORD_BYTES;
        block.resize(length, 0);
        file.seek(SeekFrom::Start(start * RECORD_BYTES as u64))?;
        file.read_exact(&mut block)?;
        for (back, record) in (1..).zip(block.chunks_exact_mut(RECORD_BYTES).rev()) {
            let place = end - back;
            let id = u64::from_le_bytes(record[4..12].try_into().expect("eight bytes"));
            if let Some(next) = next_of.insert(id, place) {
                record[16..].copy_from_slice(&next.to_le_bytes());
            }
        }
        file.seek(SeekFrom::Start(start * RECORD_BYTES as u64))?;
        file.write_all(&block)?;
        end = start;
    }
    Ok(())
}
