//! `reports/index.html`: every run in a folder with its verdict.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::html::{IndexRow, IndexRun, index_page};
use super::reading::{Reading, passes};
use super::write::{ReportError, write_file};
use super::{PAGE, format, verdict};
use crate::record::{Record, RecordError};

/// Why there is no index.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// The folder of runs cannot be listed.
    #[error("cannot read {}: {reason}; name a folder whose folders hold runs, as in --index reports", path.display())]
    Unreadable {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        reason: std::io::Error,
    },
    /// The page cannot be written.
    #[error("cannot write {}: {}; make the folder writable", .0.path.display(), .0.reason)]
    Unwritable(ReportError),
}

/// What an index was written over.
#[derive(Debug, Default)]
pub struct Indexed {
    /// Runs whose verdict stands on the page.
    pub runs: usize,
    /// Records that cannot be read, in the order of their folders' names.
    pub unreadable: Vec<RecordError>,
}

/// Writes `index.html` over the runs that lie in the folders within `folder`, in the order of their names. A record that
/// cannot be read has a row that says why.
pub fn write_index(folder: &Path) -> Result<Indexed, IndexError> {
    let failed = |reason| IndexError::Unreadable { path: folder.to_owned(), reason };
    let mut names: Vec<String> = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if entry.path().join("record.json").is_file() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    let mut indexed = Indexed::default();
    let mut rows: Vec<IndexRow> = Vec::new();
    for name in &names {
        let read = Record::read(&folder.join(name).join("record.json"));
        rows.push(row(folder, name, read.as_ref()));
        match read {
            Ok(_) => indexed.runs += 1,
            Err(error) => indexed.unreadable.push(error),
        }
    }
    write_file(&folder.join(PAGE), index_page(rows).as_bytes()).map_err(IndexError::Unwritable)?;
    Ok(indexed)
}

fn row(folder: &Path, name: &str, read: Result<&Record, &RecordError>) -> IndexRow {
    let question = read.map(|record| format::shortened(record.scenario.question.trim(), 300));
    IndexRow {
        name: format::shortened(name, format::LONGEST_NAME),
        link: if folder.join(name).join(PAGE).is_file() {
            format!("{}/{PAGE}", encoded(name))
        } else {
            String::new()
        },
        question: question.unwrap_or_default(),
        run: read.map(told).map_err(ToString::to_string),
    }
}

fn told(record: &Record) -> IndexRun {
    let reading = Reading::new(record);
    let contenders = &reading.ranked;
    let passing = contenders.iter().filter(|cell| passes(cell)).count();
    let met = record.expectations.iter().filter(|claim| claim.met).count();
    let of = |some: usize, all: usize, words: &str| match all {
        0 => "none".into(),
        _ => format!("{some} of {all} {words}"),
    };
    let gated = contenders.iter().any(|cell| !cell.gates.is_empty());
    IndexRun {
        verdict: verdict::verdict(&reading).sentence,
        gates: if gated { of(passing, contenders.len(), "cells pass") } else { "none".into() },
        expectations: of(met, record.expectations.len(), "met"),
        cells: record.cells.len(),
        requests: record.trace.requests,
        requests_words: format::count(record.trace.requests),
        source: source(record),
    }
}

/// Predicted or measured, by which version, and from which part of the trace.
fn source(record: &Record) -> String {
    let how = if record.source.is_simulation() { "simulated" } else { "measured live" };
    let share =
        record.sample.as_ref().map(|sample| format!(" from {} of the keys", format::percent(sample.rate)));
    format!("{how} by {}{}", record.tool.version, share.unwrap_or_default())
}

/// A folder's name as a part of an address (RFC 3986, section 2.1).
fn encoded(name: &str) -> String {
    let mut out = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    #[test]
    fn every_run_has_its_verdict_and_a_broken_record_says_why() {
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str| {
            std::fs::create_dir(folder.path().join(name)).unwrap();
            std::fs::write(folder.path().join(name).join("record.json"), text).unwrap();
        };
        put("b <i>", &fixture::thumbnails().to_json());
        put("a", &fixture::none_passes().to_json());
        put("cut", &fixture::one_cell().to_json()[..900]);
        std::fs::write(folder.path().join("b <i>").join(PAGE), "").unwrap();
        std::fs::create_dir(folder.path().join("empty")).unwrap();
        let indexed = write_index(folder.path()).unwrap();
        assert_eq!((indexed.runs, indexed.unreadable.len()), (2, 1));
        let why = indexed.unreadable[0].to_string();
        assert!(why.contains("cut") && why.contains("the record is cut off"), "{why}");
        let page = std::fs::read_to_string(folder.path().join(PAGE)).unwrap();
        for wanted in [
            "Use jitter + single-flight (TTL rule fixed with ttl 1h) at 256 MiB: ",
            "No cell passes every gate",
            "b%20%3Ci%3E/index.html",
        ] {
            assert!(page.contains(wanted), "{wanted}");
        }
        assert!(page.contains("the record is cut off") && !page.contains("<i>"));
        assert!(page.find("none_passes").is_none() && page.find("No cell passes") < page.find("b%20"));
        assert_eq!(page.matches("/index.html").count(), 1, "a run without a page has no link");
    }

    #[test]
    fn a_folder_that_is_not_there_is_named_with_a_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let error = write_index(&folder.path().join("gone")).unwrap_err().to_string();
        assert!(
            error.contains("cannot read") && error.contains("--index reports") && !error.contains("--out"),
            "{error}"
        );
    }
}
