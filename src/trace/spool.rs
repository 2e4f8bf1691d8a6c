//! Requests in a file instead of in memory: the columns of a trace, block after block.
//!
//! A block holds up to 65,536 requests: their times (64 bits each, nanoseconds since the trace began) and
//! then their objects (32 bits each), little-endian; 12 bytes a request. The file has no name: it goes with
//! the last who uses it, also if the program is killed. Several readers may read at once.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use super::ObjectId;
use super::columns::BLOCK;
use crate::units::SimTime;

/// Bytes of one request.
const REQUEST: usize = 12;

/// Requests that lie in a file.
#[derive(Debug)]
pub(super) struct Spool {
    file: Mutex<File>,
    len: usize,
    last: SimTime,
}

impl Spool {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The time of the last request.
    pub(super) fn last(&self) -> SimTime {
        self.last
    }

    /// Reads a block into `times` and `objects`, whose content it replaces.
    pub(super) fn read(
        &self,
        block: usize,
        times: &mut Vec<SimTime>,
        objects: &mut Vec<ObjectId>,
    ) -> io::Result<()> {
        let from = block * BLOCK;
        let count = (self.len - from).min(BLOCK);
        let mut bytes = vec![0; count * REQUEST];
        {
            let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
            file.seek(SeekFrom::Start((from * REQUEST) as u64))?;
            file.read_exact(&mut bytes)?;
        }
        let (at, object) = bytes.split_at(count * 8);
        times.clear();
        times.extend(at.as_chunks().0.iter().map(|bytes| SimTime::from_nanos(u64::from_le_bytes(*bytes))));
        objects.clear();
        objects.extend(object.as_chunks().0.iter().map(|bytes| ObjectId::new(u32::from_le_bytes(*bytes))));
        Ok(())
    }
}

/// A spool that is being written.
#[derive(Debug)]
pub(super) struct Spooling {
    file: BufWriter<File>,
    times: Vec<SimTime>,
    objects: Vec<ObjectId>,
    len: usize,
    last: SimTime,
}

impl Spooling {
    /// A new file without a name in `folder`.
    pub(super) fn create(folder: &Path) -> io::Result<Self> {
        let file = BufWriter::with_capacity(1 << 20, tempfile::tempfile_in(folder)?);
        Ok(Self { file, times: Vec::new(), objects: Vec::new(), len: 0, last: SimTime::ZERO })
    }

    /// Adds a request, which is no earlier than the one before.
    pub(super) fn push(&mut self, at: SimTime, object: ObjectId) -> io::Result<()> {
        debug_assert!(at >= self.last, "time does not run backwards");
        self.times.push(at);
        self.objects.push(object);
        (self.len, self.last) = (self.len + 1, at);
        if self.times.len() == BLOCK { self.write() } else { Ok(()) }
    }

    fn write(&mut self) -> io::Result<()> {
        for at in self.times.drain(..) {
            self.file.write_all(&at.as_nanos().to_le_bytes())?;
        }
        for object in self.objects.drain(..) {
            self.file.write_all(&object.as_u32().to_le_bytes())?;
        }
        Ok(())
    }

    /// All requests are written.
    pub(super) fn finish(mut self) -> io::Result<Spool> {
        self.write()?;
        let file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok(Spool { file: Mutex::new(file), len: self.len, last: self.last })
    }
}
