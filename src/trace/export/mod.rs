//! Writing traces: tables and binary records, packed or not, whole or not at all.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::import::Item;

mod binary;
mod file;
mod table;
#[cfg(test)]
mod tests;
pub mod unfinished;

use binary::Binary;
use file::{STDOUT, Target, Whole};
use table::Table;

/// What a trace can be written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// The canonical table, with commas.
    Csv,
    /// The same with tabs.
    Tsv,
    /// Binary records of libCacheSim.
    OracleGeneral,
}

/// The formats that can be written, by name.
pub const WRITABLE: [(&str, Format); 3] =
    [("csv", Format::Csv), ("tsv", Format::Tsv), ("oracle-general", Format::OracleGeneral)];

/// How a written file is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// As it is.
    Plain,
    /// gzip.
    Gzip,
    /// zstd.
    Zstd,
    /// xz.
    Xz,
}

/// How other tools pack, which nothing here is written with.
const OTHER_PACKINGS: [&str; 8] = ["bz2", "lz4", "br", "zip", "7z", "lzma", "z", "sz"];

/// In which format and how packed the file at `path` is to be written: `asked`, or else what its name says; a name
/// without an extension says csv.
///
/// # Errors
/// If the name says something that cannot be written.
pub fn wanted(path: &Path, asked: Option<Format>) -> Result<(Packing, Format), ExportError> {
    let (packing, named) = by_name(path);
    // What packing it is says nothing of the format.
    let stem =
        if packing == Packing::Plain { path.as_os_str() } else { path.file_stem().unwrap_or_default() };
    let extension =
        Path::new(stem).extension().map(|extension| extension.to_string_lossy().to_ascii_lowercase());
    let is_other = extension.as_deref().is_some_and(|end| OTHER_PACKINGS.contains(&end));
    match asked.or(named) {
        Some(format) if !is_other => Ok((packing, format)),
        None if extension.is_none() => Ok((packing, Format::Csv)),
        _ => Err(ExportError::UnknownName { path: path.to_owned() }),
    }
}

/// What the name of a file says: how it is packed, and in which format it is, where its extension tells.
pub fn by_name(path: &Path) -> (Packing, Option<Format>) {
    let name = path.file_name().map(|name| name.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    let packings = [(".gz", Packing::Gzip), (".zst", Packing::Zstd), (".xz", Packing::Xz)];
    let packed = packings.into_iter().find_map(|(end, packing)| Some((name.strip_suffix(end)?, packing)));
    let (stem, packing) = packed.unwrap_or((&name, Packing::Plain));
    let ends = [
        (".csv", Format::Csv),
        (".tsv", Format::Tsv),
        (".oraclegeneral", Format::OracleGeneral),
        (".bin", Format::OracleGeneral),
    ];
    (packing, ends.into_iter().find(|(end, _)| stem.ends_with(end)).map(|(_, format)| format))
}

/// Why a trace cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The file cannot be written.
    #[error("{} cannot be written: {reason}", shown(path))]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        reason: io::Error,
    },
    /// A name that says nothing that can be written.
    #[error(
        "{} is named for nothing that can be written; end it in .csv, .tsv, .oracleGeneral or .bin, with .gz, .zst or .xz \
         behind where it is to be packed, or say --to csv, tsv or oracle-general",
        path.display()
    )]
    UnknownName {
        /// The file.
        path: PathBuf,
    },
    /// A time that the format has no room for.
    #[error("the trace lasts more than 2^32 seconds, for which oracle-general has no room")]
    TooLong,
}

/// What messages call a file that is written.
pub fn shown(path: &Path) -> String {
    if path == Path::new(STDOUT) { "standard output".to_owned() } else { path.display().to_string() }
}

impl ExportError {
    /// Whether a reader of standard output went away, as `head` does: it has what it wanted.
    pub fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Unwritable { path, reason }
            if path == Path::new(STDOUT) && reason.kind() == io::ErrorKind::BrokenPipe)
    }
}

/// What was lost in writing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Written {
    /// Records written.
    pub records: u64,
    /// What the format has no place for, as sentences for the user.
    pub notes: Vec<String>,
}

/// A trace that is being written. Its file appears when it is finished, whole, where links lead to; a pipe or device is
/// written as it comes, and so is standard output, which is named `-`.
pub struct Writer {
    path: PathBuf,
    sink: Sink,
}

enum Sink {
    Table(Box<Table>),
    Binary(Box<Binary>),
}

impl Writer {
    /// Begins to write the file at `path`; a table gets a column of origin times where wanted.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn create(
        path: &Path,
        format: Format,
        packing: Packing,
        origin_times: bool,
    ) -> Result<Self, ExportError> {
        let sink = match format {
            Format::Csv | Format::Tsv => {
                let delimiter = if format == Format::Csv { b',' } else { b'\t' };
                Target::of(path)
                    .and_then(|target| Whole::create(target, packing))
                    .and_then(|file| Table::new(file, delimiter, origin_times))
                    .map(|table| Sink::Table(Box::new(table)))
            }
            Format::OracleGeneral => {
                let binary = Target::of(path).and_then(|target| Binary::create(target, packing));
                binary.map(|binary| Sink::Binary(Box::new(binary)))
            }
        };
        let path = path.to_owned();
        match sink {
            Ok(sink) => Ok(Self { path, sink }),
            Err(reason) => Err(ExportError::Unwritable { path, reason }),
        }
    }

    /// Writes one record; times must not run backwards.
    ///
    /// # Errors
    /// If the file cannot be written, or the format has no room for the record.
    pub fn write(&mut self, item: &Item) -> Result<(), ExportError> {
        let written = match &mut self.sink {
            Sink::Table(table) => table.write(item),
            Sink::Binary(binary) if binary.has_room(item) => binary.write(item),
            Sink::Binary(_) => return Err(ExportError::TooLong),
        };
        written.map_err(|reason| ExportError::Unwritable { path: self.path.clone(), reason })
    }

    /// Lets the file appear under its name.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn finish(self) -> Result<Written, ExportError> {
        let finished = match self.sink {
            Sink::Table(table) => table.finish(),
            Sink::Binary(binary) => binary.finish(),
        };
        finished.map_err(|reason| ExportError::Unwritable { path: self.path, reason })
    }
}

/// A text or binary stream into a file.
type Packed = Box<dyn FinishingWrite>;

/// A stream that must be ended.
trait FinishingWrite: Write {
    /// Writes what is still held back.
    fn end(self: Box<Self>) -> io::Result<()>;
}
