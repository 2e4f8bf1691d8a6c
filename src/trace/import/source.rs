//! An input whose compression and format are found out, and its rows.

use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::thread::Scope;

use super::collect::Collector;
use super::plain_ahead::{self, WORTH_A_THREAD};
use super::{Digesting, Options};
use crate::catalog::one_of;
use crate::trace::TraceError;
use crate::trace::error::quoted;
use crate::trace::format::compression::{Bounded, Compression, Expands, peek};
use crate::trace::format::{FORMATS, RecordReader, TraceFormat, ahead, guess};

/// How much of a text the guess of its format may look at, in bytes. What is no longer is worth no thread.
const HEAD: u64 = 1 << 16;

/// What was found out about an input.
#[derive(Debug, Clone, Copy)]
pub(super) struct Facts {
    pub(super) format: &'static str,
    pub(super) compression: Compression,
    is_text: bool,
}

/// An input whose compression and format are known, before its first line is read.
pub(super) struct Source<'r> {
    pub(super) facts: Facts,
    pub(super) is_log: bool,
    /// The beginning of the text, and what follows it.
    head: Vec<u8>,
    rest: Box<dyn Read + Send + 'r>,
    format: Box<dyn TraceFormat>,
}

impl<'r> Source<'r> {
    pub(super) fn open(
        raw: &'r mut Digesting<impl Read + Send>,
        file: &str,
        options: &Options,
    ) -> Result<Self, TraceError> {
        let unreadable = |source| TraceError::Unreadable { file: file.to_owned(), source };
        let packed = raw.counter();
        let mut magic = Vec::new();
        peek(raw, 6, &mut magic).map_err(unreadable)?;
        let compression = Compression::of(&magic);
        let mut text = compression.open(Cursor::new(magic).chain(raw)).map_err(unreadable)?;
        if compression != Compression::Plain {
            text = Box::new(Bounded::new(text, packed, options.max_expansion));
        }
        let mut head = Vec::new();
        if let Err(error) = peek(&mut text, HEAD, &mut head) {
            let line = head.split(|byte| *byte == b'\n').skip(1).count() as u64;
            let facts = Facts { format: "", compression, is_text: true };
            return Err(broken(error, file, facts, line));
        }
        if head.is_empty() {
            return Err(TraceError::Empty { file: file.to_owned() });
        }
        let looks = guess::binary(&head);
        let chosen = if let Some(chosen) = &options.format {
            chosen.clone()
        } else {
            let guess = if looks.is_some() { guess::binary_format } else { guess::format };
            match (guess(&head), looks) {
                (Some(name), _) => FORMATS.default_choice(name),
                (None, Some(looks)) => return Err(TraceError::Binary { file: file.to_owned(), looks }),
                (None, None) => return Err(unknown_format(&head, file)),
            }
        };
        let format = chosen
            .make(&options.declared)
            .map_err(|fault| TraceError::Settings { what: fault.what, help: fault.help })?;
        if let Some(looks) = looks.filter(|_| format.is_text()) {
            return Err(TraceError::Binary { file: file.to_owned(), looks });
        }
        Ok(Self {
            facts: Facts { format: chosen.name(), compression, is_text: format.is_text() },
            is_log: format.is_log(),
            head,
            rest: text,
            format,
        })
    }

    /// Whether the records have times.
    pub(super) fn has_times(&self) -> bool {
        self.format.has_times()
    }

    /// Begins to read records, as many as are asked for.
    pub(super) fn reader(self, file: &str) -> Result<Box<dyn RecordReader + 'r>, TraceError> {
        let text = BufReader::with_capacity(1 << 17, Cursor::new(self.head).chain(self.rest));
        self.format.open(Box::new(text), file)
    }

    /// Begins to read records; a thread of `scope` reads ahead.
    pub(super) fn reader_ahead<'scope>(
        self,
        file: &str,
        scope: &'scope Scope<'scope, '_>,
    ) -> Result<Box<dyn RecordReader + 'r>, TraceError>
    where
        'r: 'scope,
    {
        if (self.head.len() as u64) < HEAD {
            return self.reader(file);
        }
        let text: Box<dyn BufRead + Send> = Box::new(Cursor::new(self.head).chain(ahead(scope, self.rest)));
        self.format.open(text, file)
    }

    /// Gives every row to `collector`; what the reader assumed.
    pub(super) fn collect(self, file: &str, collector: &mut Collector) -> Result<Vec<String>, TraceError> {
        let facts = self.facts;
        std::thread::scope(|scope| {
            let mut reader = self.reader_ahead(file, scope)?;
            let (mut block, mut in_turn) = (Vec::new(), 0);
            loop {
                if collector.takes_plain() {
                    let line = reader.plain(&mut block);
                    if block.is_empty() {
                        in_turn = 0;
                    } else {
                        collector.take_plain(line, &block)?;
                        in_turn += block.len();
                        if in_turn < WORTH_A_THREAD {
                            continue;
                        }
                        in_turn = 0;
                        reader = plain_ahead::collect(reader, collector)?;
                    }
                }
                match reader.next_row() {
                    None => return Ok(reader.notes()),
                    Some(Ok(row)) => collector.take(&row)?,
                    Some(Err(error)) => return Err(broken(error, file, facts, reader.lines_read())),
                }
            }
        })
    }
}

/// Why a stream ended before its end.
pub(super) fn broken(error: io::Error, file: &str, facts: Facts, line: u64) -> TraceError {
    let file = file.to_owned();
    let compression = facts.compression.name();
    if let Some(Expands(limit)) = error.get_ref().and_then(|inner| inner.downcast_ref()) {
        return TraceError::Expands { file, compression, line, limit: *limit };
    }
    match (facts.compression, error.kind()) {
        (_, io::ErrorKind::UnexpectedEof) if !facts.is_text && error.get_ref().is_some_and(is_partial) => {
            TraceError::PartialRecord { file, record: line }
        }
        (Compression::Plain, _) => TraceError::Unreadable { file, source: error },
        (_, io::ErrorKind::UnexpectedEof) => TraceError::Truncated { file, compression, line },
        _ => TraceError::Damaged { file, compression, line, source: error },
    }
}

/// Whether a reader of records says that one is not whole, rather than a decompressor.
fn is_partial(inner: &(dyn std::error::Error + Send + Sync + 'static)) -> bool {
    inner.to_string() == crate::trace::format::PARTIAL
}

fn unknown_format(head: &[u8], file: &str) -> TraceError {
    let start = head.split(|byte| *byte == b'\n').find(|line| !line.trim_ascii().is_empty());
    let Some(start) = start else { return TraceError::Empty { file: file.to_owned() } };
    TraceError::UnknownFormat {
        file: file.to_owned(),
        start: quoted(start.trim_ascii()),
        formats: one_of(FORMATS.listing().entries.iter().map(|entry| entry.name)),
    }
}
