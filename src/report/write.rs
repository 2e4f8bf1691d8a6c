//! The output folder: every file appears whole or not at all, and the page last.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::{PAGE, render};
use crate::record::Record;
use crate::trace::export::unfinished;

/// Why the output folder could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}: {reason}; make it writable, or name another folder with --out", path.display())]
pub struct ReportError {
    /// The file or folder.
    pub path: PathBuf,
    /// What the system says.
    pub reason: io::Error,
}

/// Renders a record and writes `record.json` (the text `json`), the tables, the charts and the page
/// into the folder `out`, which is made if it is not there. Gives the paths in the order of writing.
///
/// Everything is rendered before anything is written. Each file gets its name only when it is
/// complete; the page of an earlier run is taken away first, so that a page always belongs to the
/// files beside it.
pub fn write(record: &Record, json: &str, out: &Path) -> Result<Vec<PathBuf>, ReportError> {
    let mut files = render(record);
    let page = files.remove(PAGE);
    let plots = out.join("plots");
    fs::create_dir_all(&plots).map_err(failed(&plots))?;
    remove(&out.join(PAGE))?;
    remove_charts_of_earlier_runs(&plots)?;
    let first = [("record.json".to_owned(), json.as_bytes().to_vec())];
    let last = page.map(|page| (PAGE.to_owned(), page));
    let mut written = Vec::new();
    for (name, bytes) in first.into_iter().chain(files).chain(last) {
        let path = out.join(name);
        write_whole(&path, &bytes).map_err(failed(&path))?;
        written.push(path);
    }
    Ok(written)
}

/// Finds out whether a folder can be written, before anything is simulated; leaves nothing behind.
pub fn check_folder(out: &Path) -> Result<(), ReportError> {
    let exists = |path: &&Path| path.as_os_str().is_empty() || path.exists();
    let there =
        out.ancestors().find(exists).filter(|path| !path.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !there.is_dir() {
        let reason = io::Error::new(io::ErrorKind::NotADirectory, format!("{} is a file", there.display()));
        return Err(failed(out)(reason));
    }
    let plots = out.join("plots");
    if plots.exists() && !plots.is_dir() {
        let reason =
            io::Error::new(io::ErrorKind::NotADirectory, "it is a file, and the charts need a folder");
        return Err(failed(&plots)(reason));
    }
    let probe = there.join(format!(".ttlab-{}.part", std::process::id()));
    File::create(&probe).and_then(|_| fs::remove_file(&probe)).map_err(failed(out))
}

/// Writes files with these names into the folder `out`, which is made if it is not there: each whole or not at all, and
/// the page last, after that of an earlier run was taken away.
pub fn write_all(mut files: BTreeMap<String, Vec<u8>>, out: &Path) -> Result<Vec<PathBuf>, ReportError> {
    let last = files.remove(PAGE).map(|page| (PAGE.to_owned(), page));
    fs::create_dir_all(out).map_err(failed(out))?;
    remove(&out.join(PAGE))?;
    let mut written = Vec::new();
    for (name, bytes) in files.into_iter().chain(last) {
        let path = out.join(name);
        write_whole(&path, &bytes).map_err(failed(&path))?;
        written.push(path);
    }
    Ok(written)
}

/// Writes one file, which appears whole or not at all.
pub fn write_file(path: &Path, bytes: &[u8]) -> Result<(), ReportError> {
    write_whole(path, bytes).map_err(failed(path))
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> ReportError {
    let path = path.to_owned();
    move |reason| ReportError { path, reason }
}

/// Writes under a temporary name in the same folder, then renames.
fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    let part = path.with_file_name(name);
    let whole = unfinished::create(&part).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    let renamed = whole.and_then(|()| unfinished::rename(&part, path));
    if renamed.is_err() {
        // Nothing half-written stays; if it cannot go either, the first error is the one to tell.
        unfinished::remove(&part);
    }
    renamed
}

fn remove(path: &Path) -> Result<(), ReportError> {
    match fs::remove_file(path) {
        Err(reason) if reason.kind() != io::ErrorKind::NotFound => Err(failed(path)(reason)),
        _ => Ok(()),
    }
}

/// A chart that this record does not have must not be taken for one of its own.
fn remove_charts_of_earlier_runs(plots: &Path) -> Result<(), ReportError> {
    for entry in fs::read_dir(plots).map_err(failed(plots))? {
        let path = entry.map_err(failed(plots))?.path();
        if path.extension().is_some_and(|extension| extension == "svg") {
            remove(&path)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    #[test]
    fn the_folder_holds_whole_files_and_the_page_comes_last() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("reports/thumbnails");
        let written = write(&fixture::thumbnails(), "{}\n", &out).unwrap();
        assert_eq!(written.last(), Some(&out.join(PAGE)));
        for name in ["record.json", "summary.md", "cells.csv", "series.csv", "plots/series.svg", PAGE] {
            assert!(written.contains(&out.join(name)) && out.join(name).is_file(), "{name}");
        }
        let left: Vec<_> = fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert!(left.iter().all(|name| !name.to_string_lossy().ends_with(".part")), "{left:?}");
    }

    #[test]
    fn charts_of_an_earlier_run_do_not_stay() {
        let folder = tempfile::tempdir().unwrap();
        write(&fixture::thumbnails(), "{}", folder.path()).unwrap();
        write(&fixture::nothing_known(), "{}", folder.path()).unwrap();
        assert!(!folder.path().join("plots/series.svg").exists());
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_named_with_the_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("taken");
        fs::write(&file, "").unwrap();
        let error = write(&fixture::one_cell(), "{}", &file).unwrap_err().to_string();
        assert!(error.contains("taken") && error.contains("--out"), "{error}");
    }
}
