//! A file that appears under its name only when it is whole.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::{FinishingWrite, Packed, Packing};

/// A file that is being written under another name.
pub(super) struct Whole {
    part: PathBuf,
    path: PathBuf,
    out: Option<Packed>,
}

/// The name under which the file at `path` is written, beside it.
pub(super) fn part_of(path: &Path, end: &str) -> PathBuf {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    path.with_file_name(format!(".{name}.{end}"))
}

impl Whole {
    pub(super) fn create(path: &Path, packing: Packing) -> io::Result<Self> {
        if path.is_dir() {
            return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a directory"));
        }
        let part = part_of(path, "part");
        let file = BufWriter::with_capacity(1 << 16, File::create(&part)?);
        let out: Packed = match packing {
            Packing::Plain => Box::new(file),
            Packing::Gzip => Box::new(flate2::write::GzEncoder::new(file, flate2::Compression::default())),
            Packing::Zstd => Box::new(zstd::Encoder::new(file, 3)?),
            Packing::Xz => Box::new(liblzma::write::XzEncoder::new(file, 6)),
        };
        Ok(Self { part, path: path.to_owned(), out: Some(out) })
    }

    pub(super) fn finish(mut self) -> io::Result<()> {
        if let Some(out) = self.out.take() {
            out.end()?;
        }
        fs::rename(&self.part, &self.path)
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
        // After a rename there is nothing under this name, and nobody to tell about it here.
        let _ = fs::remove_file(&self.part);
    }
}

impl FinishingWrite for BufWriter<File> {
    fn end(mut self: Box<Self>) -> io::Result<()> {
        self.flush()
    }
}

impl FinishingWrite for flate2::write::GzEncoder<BufWriter<File>> {
    fn end(self: Box<Self>) -> io::Result<()> {
        self.finish()?.flush()
    }
}

impl FinishingWrite for zstd::Encoder<'_, BufWriter<File>> {
    fn end(self: Box<Self>) -> io::Result<()> {
        self.finish()?.flush()
    }
}

impl FinishingWrite for liblzma::write::XzEncoder<BufWriter<File>> {
    fn end(self: Box<Self>) -> io::Result<()> {
        self.finish()?.flush()
    }
}
