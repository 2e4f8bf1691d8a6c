//! The output folder: files appear whole or not at all, and the page last.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::render;
use crate::record::Record;

/// Why results could not be written.
#[derive(Debug, thiserror::Error)]
#[error("the results cannot be written to {path}: {source}; name another folder with --out")]
pub struct FolderError {
    /// Which file or folder.
    pub path: PathBuf,
    /// Why.
    pub source: io::Error,
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> FolderError + '_ {
    move |source| FolderError { path: path.to_owned(), source }
}

/// Finds out whether results could be written to `folder`, before anything is simulated; leaves nothing behind.
///
/// # Errors
/// If the folder, or the nearest folder above it that exists, takes no files.
pub fn check_folder(folder: &Path) -> Result<(), FolderError> {
    let there = folder.ancestors().find(|path| path.exists() || path.as_os_str().is_empty());
    let there = there.filter(|path| !path.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !there.is_dir() {
        return Err(failed(there)(io::Error::new(
            io::ErrorKind::NotADirectory,
            "it is a file, not a folder",
        )));
    }
    let probe = there.join(format!(".ttlab-probe-{}", std::process::id()));
    File::create(&probe).and_then(|_| fs::remove_file(&probe)).map_err(failed(folder))
}

/// Writes every page of a record and the record itself to `folder`.
///
/// # Errors
/// If a file cannot be written; those written before it are whole.
pub fn write(record: &Record, folder: &Path) -> Result<(), FolderError> {
    let mut files: Vec<(PathBuf, Vec<u8>)> =
        render(record).into_iter().map(|(name, bytes)| (folder.join(name), bytes)).collect();
    // The page comes last, so that its presence means that everything beside it is there.
    files.sort_by_key(|(path, _)| path.ends_with("index.html"));
    for (path, bytes) in files {
        whole(&path, &bytes).map_err(failed(&path))?;
    }
    Ok(())
}

/// Writes a file under a temporary name in its folder, then gives it its own.
fn whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = folder.join(format!(".{name}.{}", std::process::id()));
    let mut file = File::create(&temporary)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    drop(file);
    written.and_then(|()| fs::rename(&temporary, path)).inspect_err(|_| drop(fs::remove_file(&temporary)))
}
