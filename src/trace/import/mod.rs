//! From recorded lines to a [`Trace`]: filters, keys, sizes, classes, order and time.
//!
//! Nothing is dropped in silence: every line that is no request is counted by reason, with its
//! number and an example, and everything that was assumed stands in [`Provenance::notes`].

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use super::format::compression::Digesting;
use super::format::{Declared, TraceFormat};
use super::shape::spread::Spread;
use super::{Trace, TraceError};
use crate::catalog::Chosen;
use crate::random::Seed;
use crate::units::{Fraction, SimDuration};

#[cfg(test)]
mod bad_input;
mod class;
mod collect;
mod finish;
mod head;
mod inputs;
mod intern;
mod key;
mod numbers;
mod objects;
mod plain;
mod plain_ahead;
mod provenance;
#[cfg(test)]
mod recordings;
#[cfg(test)]
mod seconds;
mod sieve;
mod sizes;
mod source;
mod spill;
mod stream;
mod tally;
#[cfg(test)]
mod tests;
mod verdicts;
mod writes;

pub use class::{ABSENT, ClassRule, Condition, Glob, OTHER, Regex};
pub use head::{Head, head, open_head};
pub use inputs::{Input, all_inputs, inputs};
pub(in crate::trace) use key::unescape;
pub use key::{KeyCase, Percent, Query};
pub use provenance::{Operation, Provenance, Skipped};
pub use sizes::{SizeChange, SizeRule};
pub use spill::{Room, Spill};
pub use stream::{Item, Streamed, stream};
pub use writes::{DeleteRule, SetRule};

use collect::Collector;
use inputs::open_input;
use source::Source;

/// The extensions of images, kept where nothing else is asked for; `jpg` means `jpeg` too.
pub const IMAGE_EXTENSIONS: [&str; 6] = ["gif", "jpg", "png", "webp", "svg", "avif"];

/// Whether the SHA-256 of an input is taken, which is as much work as all else about a binary trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Digest {
    /// It is, and stands in [`Provenance::sha256`].
    #[default]
    Taken,
    /// It is not, and that is empty: for what is told of no record.
    LeftOut,
}

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
    /// Whether requests for what is not there (404, 410) are requests too.
    pub negative: bool,
    /// The extensions that are requests; empty for all. `None` means images in logs and all in tables.
    pub extensions: Option<Vec<String>>,
    /// Which of several recorded sizes is the object's.
    pub size: SizeRule,
    /// What a size is that differs from the object's last one.
    pub size_change: SizeChange,
    /// How late a line may be where requests stream by; a trace that is played is sorted whole.
    pub reorder_window: SimDuration,
    /// What becomes of the query of a target. `None` drops it in logs and takes the keys of tables as they are.
    pub query: Option<Query>,
    /// Whether the host of an absolute target is part of the key. `None` takes it off in logs and takes the keys of
    /// tables as they are.
    pub key_host: Option<bool>,
    /// What becomes of the letter case of keys.
    pub key_case: KeyCase,
    /// What becomes of percent-encoding in keys. `None` spells it in one way in logs and takes the keys of tables as they
    /// are.
    pub percent: Option<Percent>,
    /// What a write is. `None` leaves writes out in logs, and takes them as fills elsewhere.
    pub set: Option<SetRule>,
    /// What a deletion is. `None` leaves deletions out in logs, and replays them elsewhere.
    pub delete: Option<DeleteRule>,
    /// How many times its own size a compressed file may unpack to, beyond 64 MiB.
    pub max_expansion: u32,
    /// Whether the first bad line is an error.
    pub strict: bool,
    /// The tolerated share of bad lines.
    pub max_bad: Fraction,
    /// Rules for classes; the first that holds decides.
    pub classes: Vec<ClassRule>,
    /// Whether the digest of the input is taken.
    pub digest: Digest,
    /// When and where to put requests into files, so that memory is needed for objects alone; `None` keeps all in
    /// memory.
    pub spill: Option<Spill>,
    /// How much memory the requests may take, where that is bounded. With a [`Spill`] none goes to disk while they can be
    /// sorted in it; without one, a trace that takes more is refused.
    pub room: Option<Room>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            format: None,
            declared: Declared::default(),
            spread: Spread::default(),
            methods: vec!["GET".to_owned()],
            status: vec![200, 206, 304],
            negative: false,
            extensions: None,
            size: SizeRule::default(),
            size_change: SizeChange::default(),
            reorder_window: SimDuration::from_secs(300),
            query: None,
            key_host: None,
            key_case: KeyCase::default(),
            percent: None,
            set: None,
            delete: None,
            max_expansion: 500,
            strict: false,
            max_bad: Fraction::try_from(0.01).expect("one per cent is a fraction"),
            classes: Vec::new(),
            digest: Digest::Taken,
            spill: None,
            room: None,
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
    open_all(&[Input::File(path.to_owned())], options, seed)
}

/// Reads several inputs as one trace, merged by time; at equal times, in the order of the inputs.
///
/// # Errors
/// As [`open`].
///
/// # Panics
/// Without inputs.
pub fn open_all(inputs: &[Input], options: &Options, seed: Seed) -> Result<Import, TraceError> {
    assert!(!inputs.is_empty(), "a trace has an input");
    let mut all = Several::new(options);
    for input in inputs {
        all.add(open_input(input)?, &input.to_string())?;
    }
    all.finish(seed)
}

/// Reads a trace from `input`; `file` is what messages call it, and `seed` spreads whole seconds.
///
/// # Errors
/// Input that is empty, no text, cut off, in no known format, too broken for `options`, or without a
/// single request.
pub fn import(
    input: impl Read + Send,
    file: &str,
    options: &Options,
    seed: Seed,
) -> Result<Import, TraceError> {
    let mut all = Several::new(options);
    all.add(input, file)?;
    all.finish(seed)
}

/// Inputs that are read one after the other.
struct Several<'o> {
    options: &'o Options,
    collector: Collector,
    files: Vec<String>,
    digests: Vec<String>,
    formats: Vec<&'static str>,
    compressions: Vec<&'static str>,
    bytes: u64,
}

impl<'o> Several<'o> {
    fn new(options: &'o Options) -> Self {
        Self {
            options,
            collector: Collector::new(options),
            files: Vec::new(),
            digests: Vec::new(),
            formats: Vec::new(),
            compressions: Vec::new(),
            bytes: 0,
        }
    }

    fn add(&mut self, input: impl Read + Send, file: &str) -> Result<(), TraceError> {
        let mut raw = match self.options.digest {
            Digest::Taken => Digesting::new(input),
            Digest::LeftOut => Digesting::counting(input),
        };
        let source = Source::open(&mut raw, file, self.options)?;
        let (facts, is_log, has_times) = (source.facts, source.is_log, source.has_times());
        self.collector.begin(file, is_log, has_times)?;
        let notes = source.collect(file, &mut self.collector)?;
        // The same assumption about ten files is one.
        let new = notes.into_iter().filter(|note| !self.collector.sieve.notes.contains(note)).collect();
        self.collector.note(new);
        let (bytes, sha256) =
            raw.finish().map_err(|source| TraceError::Unreadable { file: file.to_owned(), source })?;
        self.bytes += bytes;
        self.files.push(file.to_owned());
        self.digests.push(sha256);
        self.formats.push(facts.format);
        self.compressions.push(facts.compression.name());
        Ok(())
    }

    fn finish(mut self, seed: Seed) -> Result<Import, TraceError> {
        self.formats.dedup();
        self.compressions.dedup();
        let mut import = self.collector.finish(seed)?;
        let provenance = &mut import.provenance;
        provenance.file = self.files.join(", ");
        provenance.bytes = self.bytes;
        provenance.sha256 = match self.digests.as_slice() {
            [one] => one.clone(),
            _ if self.options.digest == Digest::LeftOut => String::new(),
            several => super::format::compression::sha256(several.join("\n").as_bytes()),
        };
        provenance.format = self.formats.join(", ");
        provenance.format_was_guessed = self.options.format.is_none();
        provenance.compression = self.compressions.join(", ");
        Ok(import)
    }
}
