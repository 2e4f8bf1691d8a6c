//! `ttlab report`: rebuild the pages from a record.

use std::path::PathBuf;

use anyhow::Context;

use super::{CliError, Status, terminal};
use crate::record::Record;
use crate::report;

/// Rebuild every page from a record.json, byte for byte
///
/// Nothing is simulated: the pages are made from the record alone. Use it after an update of ttlab,
/// or to make pages from a record that somebody sent.
#[derive(Debug, clap::Args)]
#[command(before_help = "Example:\n  ttlab report reports/quickstart/record.json")]
pub(super) struct Args {
    /// The record
    record: PathBuf,
    /// Write the pages to this folder [default: the record's own]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Do not print the page's path
    #[arg(long, short)]
    pub(super) quiet: bool,
}

pub(super) fn run(args: &Args) -> Result<Status, CliError> {
    let record = Record::read(&args.record).map_err(anyhow::Error::from)?;
    let own = args.record.parent().map(PathBuf::from).unwrap_or_default();
    let out = args.out.clone().unwrap_or(own);
    report::check_folder(&out).map_err(anyhow::Error::from)?;
    // The record stays as it is, even where it holds more than this version knows.
    let text = std::fs::read_to_string(&args.record)
        .with_context(|| format!("{} cannot be read", args.record.display()))?;
    report::write(&record, &text, &out).map_err(anyhow::Error::from)?;
    if !args.quiet {
        terminal::result(&format!("{}\n", out.join("index.html").display()));
    }
    Ok(Status::Done)
}
