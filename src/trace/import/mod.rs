//! From recorded lines to a [`Trace`]: filters, keys, sizes, classes, order and time.
//!
//! Nothing is dropped in silence: every line that is no request is counted by reason, with its
//! number and an example, and everything that was assumed stands in [`Provenance::notes`].

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::Path;

use super::error::quoted;
use super::format::compression::{Compression, Digesting, peek};
use super::format::{Declared, FORMATS, RecordReader, TraceFormat, guess};
use super::shape::spread::Spread;
use super::{Trace, TraceError};
use crate::catalog::{Chosen, one_of};
use crate::random::Seed;
use crate::units::Fraction;

mod class;
mod collect;
mod head;
mod intern;
mod key;
mod objects;
mod provenance;
mod sizes;
mod tally;
#[cfg(test)]
mod tests;

pub use class::{ClassRule, OTHER};
pub use head::{Head, head, open_head};
pub use key::Query;
pub use provenance::{Operation, Provenance, Skipped};
pub use sizes::SizeRule;

use collect::Collector;

/// How much of a text the guess of its format may look at, in bytes.
const HEAD: u64 = 1 << 16;

/// The extensions of images, kept where nothing else is asked for; `jpg` means `jpeg` too.
pub const IMAGE_EXTENSIONS: [&str; 6] = ["gif", "jpg", "png", "webp", "svg", "avif"];

/// How a recorded trace is to be read: what `[trace]` says.
#[derive(Debug, Clone)]
pub struct Options {
    /// The format; guessed from the content where `None`.
    pub format: Option<Chosen<dyn TraceFormat, Declared>>,
    /// Columns, unit of time and delimiter of a table.
    pub declared: Declared,
    /// Where inside their second the requests lie, if the recording has whole seconds only.
    pub spread: Spread,
    /// The methods that are requests, in any letter case; empty for all.
    pub methods: Vec<String>,
    /// The statuses that are requests; empty for all.
    pub status: Vec<u16>,
    /// The extensions that are requests; empty for all. `None` means images in logs and all in tables.
    pub extensions: Option<Vec<String>>,
    /// Which of several recorded sizes is the object's.
    pub size: SizeRule,
    /// What becomes of the query of a target. `None` drops it in logs and takes the keys of tables as they are.
    pub query: Option<Query>,
    /// Whether the host of an absolute target is part of the key.
    pub key_host: bool,
    /// Whether the first bad line is an error.
    pub strict: bool,
    /// The tolerated share of bad lines.
    pub max_bad: Fraction,
    /// Rules for classes; the first that holds decides.
    pub classes: Vec<ClassRule>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            format: None,
            declared: Declared::default(),
            spread: Spread::default(),
            methods: vec!["GET".to_owned()],
            status: vec![200, 206, 304],
            extensions: None,
            size: SizeRule::default(),
            query: None,
            key_host: false,
            strict: false,
            max_bad: Fraction::try_from(0.01).expect("one per cent is a fraction"),
            classes: Vec::new(),
        }
    }
}

/// A recorded trace, ready to be replayed, and where it comes from.
#[derive(Debug, Clone)]
pub struct Import {
    /// The requests, beginning at time zero.
    pub trace: Trace,
    /// How it was read.
    pub provenance: Provenance,
    /// Requests by hour of the recorder's own clock, hours since 1970.
    pub local_hours: BTreeMap<i64, u64>,
}

/// Reads the trace in the file at `path`.
///
/// # Errors
/// Whatever makes the file unreadable, with its name as given and what to do about it.
pub fn open(path: &Path, options: &Options, seed: Seed) -> Result<Import, TraceError> {
    let name = path.display().to_string();
    import(open_file(path)?, &name, options, seed)
}

/// Opens a file that should be a trace.
fn open_file(path: &Path) -> Result<File, TraceError> {
    let file = path.display().to_string();
    if path.is_dir() {
        return Err(TraceError::Directory { file });
    }
    File::open(path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => TraceError::Missing { file },
        _ => TraceError::Unreadable { file, source },
    })
}

/// Reads a trace from `input`; `file` is what messages call it, and `seed` spreads whole seconds.
///
/// # Errors
/// Input that is empty, no text, cut off, in no known format, too broken for `options`, or without a
/// single request.
pub fn import(input: impl Read, file: &str, options: &Options, seed: Seed) -> Result<Import, TraceError> {
    let mut raw = Digesting::new(input);
    let (source, collector) = {
        let opened = Source::open(&mut raw, file, options)?;
        opened.collect(file, options)?
    };
    let (bytes, sha256) =
        raw.finish().map_err(|source| TraceError::Unreadable { file: file.to_owned(), source })?;
    let mut import = collector.finish(seed)?;
    let provenance = &mut import.provenance;
    file.clone_into(&mut provenance.file);
    provenance.bytes = bytes;
    provenance.sha256 = sha256;
    source.format.clone_into(&mut provenance.format);
    provenance.format_was_guessed = options.format.is_none();
    source.compression.name().clone_into(&mut provenance.compression);
    Ok(import)
}

/// What was found out about an input.
#[derive(Debug, Clone, Copy)]
struct Facts {
    format: &'static str,
    compression: Compression,
}

/// An input whose compression and format are known, before its first line is read.
struct Source<'r> {
    facts: Facts,
    is_log: bool,
    text: Box<dyn BufRead + 'r>,
    format: Box<dyn TraceFormat>,
}

impl<'r> Source<'r> {
    fn open(raw: &'r mut Digesting<impl Read>, file: &str, options: &Options) -> Result<Self, TraceError> {
        let unreadable = |source| TraceError::Unreadable { file: file.to_owned(), source };
        let mut magic = Vec::new();
        peek(raw, 6, &mut magic).map_err(unreadable)?;
        let compression = Compression::of(&magic);
        let mut text = compression.open(Cursor::new(magic).chain(raw)).map_err(unreadable)?;
        let mut head = Vec::new();
        if let Err(error) = peek(&mut text, HEAD, &mut head) {
            let line = head.split(|byte| *byte == b'\n').skip(1).count() as u64;
            return Err(broken(error, file, compression, line));
        }
        if head.is_empty() {
            return Err(TraceError::Empty { file: file.to_owned() });
        }
        if let Some(looks) = guess::binary(&head) {
            return Err(TraceError::Binary { file: file.to_owned(), looks });
        }
        let chosen = match &options.format {
            Some(chosen) => chosen.clone(),
            None => match guess::format(&head) {
                Some(name) => FORMATS.default_choice(name),
                None => return Err(unknown_format(&head, file)),
            },
        };
        let format = chosen
            .make(&options.declared)
            .map_err(|fault| TraceError::Settings { what: fault.what, help: fault.help })?;
        Ok(Self {
            facts: Facts { format: chosen.name(), compression },
            is_log: format.is_log(),
            text: Box::new(BufReader::with_capacity(1 << 17, Cursor::new(head).chain(text))),
            format,
        })
    }

    /// Begins to read records.
    fn reader(self, file: &str) -> Result<Box<dyn RecordReader + 'r>, TraceError> {
        self.format.open(self.text, file)
    }

    /// Reads everything.
    fn collect(self, file: &str, options: &Options) -> Result<(Facts, Collector), TraceError> {
        let facts = self.facts;
        let mut collector = Collector::new(file, options, self.is_log);
        let mut reader = self.reader(file)?;
        loop {
            match reader.next_row() {
                None => break,
                Some(Ok(row)) => collector.take(&row)?,
                Some(Err(error)) => return Err(broken(error, file, facts.compression, reader.lines_read())),
            }
        }
        collector.note(reader.notes());
        Ok((facts, collector))
    }
}

/// Why a stream ended before its end.
fn broken(error: io::Error, file: &str, compression: Compression, line: u64) -> TraceError {
    let file = file.to_owned();
    match (compression, error.kind()) {
        (Compression::Plain, _) => TraceError::Unreadable { file, source: error },
        (_, io::ErrorKind::UnexpectedEof) => {
            TraceError::Truncated { file, compression: compression.name(), line }
        }
        _ => TraceError::Damaged { file, compression: compression.name(), line, source: error },
    }
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
