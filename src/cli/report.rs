//! `ttlab report`: rebuild the pages from a record, or the index over many.

use std::path::{Path, PathBuf};

use anyhow::Context;

use super::{CliError, Output, Status, terminal};
use crate::record::Record;
use crate::report;

/// Rebuild every page from a record.json, byte for byte; or write an index over runs
///
/// Nothing is simulated: the pages are made from the record alone. Use it after an update of ttlab,
/// or to make pages from a record that somebody sent. With --index it writes index.html into a folder
/// of runs, with the verdict of each.
#[derive(Debug, clap::Args)]
#[command(before_help = "Examples:
  ttlab report reports/quickstart/record.json
  ttlab report --index reports")]
pub(super) struct Args {
    /// The record
    #[arg(required_unless_present = "index", conflicts_with = "index")]
    record: Option<PathBuf>,
    /// Write the pages to this folder [default: the record's own]
    #[arg(long, value_name = "DIR", conflicts_with = "index")]
    out: Option<PathBuf>,
    /// Write an index.html over the runs in this folder
    #[arg(long, value_name = "DIR")]
    index: Option<PathBuf>,
    #[command(flatten)]
    pub(super) output: Output,
}

pub(super) fn run(args: &Args) -> Result<Status, CliError> {
    let page = match (&args.index, &args.record) {
        (Some(folder), _) => index(folder, args.output.json)?,
        (None, Some(record)) => pages(record, args.out.as_deref(), args.output.json)?,
        (None, None) => unreachable!("the command line has one of the two"),
    };
    if args.output.json {
        return Ok(Status::Done);
    }
    if !args.output.quiet {
        terminal::result(&format!("{}\n", page.display()));
    }
    Ok(Status::Done)
}

/// Makes the pages of one record anew.
fn pages(path: &Path, out: Option<&Path>, json: bool) -> Result<PathBuf, CliError> {
    let record = Record::read(path).map_err(anyhow::Error::from)?;
    let out = out.map_or_else(|| path.parent().map(PathBuf::from).unwrap_or_default(), PathBuf::from);
    report::check_folder(&out).map_err(anyhow::Error::from)?;
    // The record stays as it is, even where it holds more than this version knows.
    let text = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    report::write(&record, &text, &out).map_err(anyhow::Error::from)?;
    if json {
        terminal::result(&(report::brief_json(&record) + "\n"));
    }
    Ok(out.join("index.html"))
}

/// Writes the index over a folder of runs.
fn index(folder: &Path, json: bool) -> Result<PathBuf, CliError> {
    let found = report::write_index(folder).map_err(anyhow::Error::from)?;
    for error in &found.unreadable {
        terminal::note(&format!("warning: {error}; the index has no verdict of this run"));
    }
    if found.runs == 0 && found.unreadable.is_empty() {
        terminal::note(&format!("{} holds no run: no folder in it has a record.json", folder.display()));
    }
    let page = folder.join("index.html");
    if json {
        let unreadable: Vec<_> =
            found.unreadable.iter().map(|error| terminal::of_record(error, None)).collect();
        let told = serde_json::json!({
            "index": page.display().to_string(), "runs": found.runs, "unreadable": unreadable,
        });
        terminal::result(&format!("{told}\n"));
    }
    Ok(page)
}
