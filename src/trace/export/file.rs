//! A file that appears under its name only when it is whole; pipes and devices are written as they are.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// The name of standard output.
pub(super) const STDOUT: &str = "-";

use super::{FinishingWrite, Packed, Packing, unfinished};

/// What is being written.
pub(super) struct Whole {
    /// The name under which it is written, and the one that it gets in the end; `None` for what has no whole: standard
    /// output, a pipe, a device.
    names: Option<(PathBuf, PathBuf)>,
    out: Option<Packed>,
}

/// Where bytes go.
pub(super) enum Target {
    /// Standard output.
    Stdout,
    /// A pipe or device, which keeps its kind.
    Special(PathBuf),
    /// A file, links followed.
    File(PathBuf),
}

impl Target {
    /// What the name stands for.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        if path == Path::new(STDOUT) {
            return Ok(Self::Stdout);
        }
        match fs::metadata(path) {
            Ok(about) if about.is_dir() => {
                Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a directory"))
            }
            // What the system names in these folders is open already, even where it is a file.
            Ok(about) if !about.is_file() || path.starts_with("/dev") || path.starts_with("/proc") => {
                Ok(Self::Special(path.to_owned()))
            }
            Ok(_) => fs::canonicalize(path).map(Self::File),
            Err(_) => pointed_at(path).map(Self::File),
        }
    }

    /// The folder for what is put together before it is written: that of the file, whose disk has room for it.
    pub(super) fn folder(&self) -> PathBuf {
        match self {
            Self::File(path) => match path.parent() {
                Some(parent) if parent != Path::new("") => parent.to_owned(),
                _ => PathBuf::from("."),
            },
            Self::Stdout | Self::Special(_) => std::env::temp_dir(),
        }
    }
}

/// The file that a link names which leads to none yet; links of links are followed as far as systems do.
fn pointed_at(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..40 {
        let Ok(next) = fs::read_link(&path) else { return Ok(path) };
        path = path.parent().unwrap_or(Path::new("")).join(next);
    }
    Err(io::Error::other("its links lead in a circle"))
}

/// The name under which the file at `path` is written, beside it.
fn part_of(path: &Path) -> PathBuf {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    path.with_file_name(format!(".{name}.part"))
}

/// Bytes on their way.
type Raw = BufWriter<Box<dyn Write>>;

impl Whole {
    pub(super) fn create(target: Target, packing: Packing) -> io::Result<Self> {
        let (raw, names): (Box<dyn Write>, _) = match target {
            Target::Stdout => (Box::new(io::stdout()), None),
            Target::Special(path) => (Box::new(File::options().write(true).open(path)?), None),
            Target::File(path) => {
                let part = part_of(&path);
                (Box::new(unfinished::create(&part)?), Some((part, path)))
            }
        };
        let file = BufWriter::with_capacity(1 << 16, raw);
        let out: Packed = match packing {
            Packing::Plain => Box::new(file),
            Packing::Gzip => Box::new(flate2::write::GzEncoder::new(file, flate2::Compression::default())),
            Packing::Zstd => Box::new(zstd::Encoder::new(file, 3)?),
            Packing::Xz => Box::new(liblzma::write::XzEncoder::new(file, 6)),
        };
        Ok(Self { names, out: Some(out) })
    }

    pub(super) fn finish(mut self) -> io::Result<()> {
        if let Some(out) = self.out.take() {
            out.end()?;
        }
        match &self.names {
            Some((part, path)) => unfinished::rename(part, path),
            None => Ok(()),
        }
    }
}

impl Write for Whole {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.as_mut().map_or(Ok(0), |out| out.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.as_mut().map_or(Ok(()), Write::flush)
    }
}

impl Drop for Whole {
    /// What was not finished leaves nothing behind.
    fn drop(&mut self) {
        self.out = None;
        if let Some((part, _)) = &self.names {
            unfinished::remove(part);
        }
    }
}

impl FinishingWrite for Raw {
    fn end(mut self: Box<Self>) -> io::Result<()> {
        self.flush()
    }
}

impl FinishingWrite for flate2::write::GzEncoder<Raw> {
    fn end(self: Box<Self>) -> io::Result<()> {
        self.finish()?.flush()
    }
}

impl FinishingWrite for zstd::Encoder<'_, Raw> {
    fn end(self: Box<Self>) -> io::Result<()> {
        self.finish()?.flush()
    }
}

impl FinishingWrite for liblzma::write::XzEncoder<Raw> {
    fn end(self: Box<Self>) -> io::Result<()> {
        self.finish()?.flush()
    }
}
