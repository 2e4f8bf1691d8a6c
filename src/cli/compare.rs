//! `ttlab compare`: what changed between two runs.

use std::path::{Path, PathBuf};

use anyhow::Context;

use super::{CliError, Status, terminal};
use crate::record::Record;
use crate::report::{Comparison, FailOn, write_file};

/// Say what changed between two runs, with intervals
///
/// Cells are matched by strategy and sweep values. Where both runs met the same requests (same trace, same seed),
/// differences are paired by replication. With --fail-on the exit status is 1 if a measure became worse by more than
/// allowed, and not by chance as far as the interval can tell, or if a gate that was passed fails: for use in CI.
#[derive(Debug, clap::Args)]
#[command(before_help = "Examples:
  ttlab compare reports/monday reports/tuesday
  ttlab compare reports/main/record.json reports/branch/record.json --fail-on fresh_hit:0.5pt --fail-on memory:10% --fail-on gates
  ttlab compare reports/monday reports/tuesday --format html --out difference.html")]
pub(super) struct Args {
    /// The run before: its record.json, or the folder that holds it
    before: PathBuf,
    /// The run now
    after: PathBuf,
    /// Fail if a measure of any cell became worse by more than this, such as `fresh_hit:1pt`, `memory:10%` or `stampedes:5`; with
    /// `gates`, if a gate that a cell passed fails now
    #[arg(long, value_name = "METRIC:AMOUNT")]
    fail_on: Vec<FailOn>,
    /// How to write the comparison
    #[arg(long, value_enum, default_value_t = Form::Text)]
    format: Form,
    /// Write to this file instead of standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Print one JSON document on standard output instead of text, errors included
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    Text,
    Markdown,
    Html,
    Json,
}

pub(super) fn run(args: &Args) -> Result<Status, CliError> {
    let (before, after) = (read(&args.before)?, read(&args.after)?);
    let comparison = Comparison::of(&before, &after).failing_on(&args.fail_on);
    let form = if args.json { Form::Json } else { args.format };
    let text = match form {
        Form::Text => comparison.terminal(if args.out.is_some() { 100 } else { terminal::width() }),
        Form::Markdown => comparison.markdown(),
        Form::Html => comparison.html(),
        Form::Json => comparison.json() + "\n",
    };
    match &args.out {
        None if form == Form::Text => terminal::table(&text),
        None => terminal::result(&text),
        Some(path) => write_file(path, text.as_bytes()).map_err(anyhow::Error::from)?,
    }
    comparison.doubts().iter().for_each(|doubt| terminal::note(doubt));
    let failures = comparison.failures();
    for failure in failures {
        terminal::note(&format!("FAIL {failure}"));
    }
    Ok(if failures.is_empty() { Status::Done } else { Status::GateFailed })
}

fn read(path: &Path) -> Result<Record, CliError> {
    let file = if path.is_dir() { path.join("record.json") } else { path.to_owned() };
    let record = Record::read(&file).context("name a record.json, or a folder that holds one");
    Ok(record?)
}
