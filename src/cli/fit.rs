//! `ttlab trace fit`: a scenario whose workload is like a log.

use std::path::PathBuf;

use anyhow::anyhow;

use super::{CliError, source, terminal};
use crate::trace::fit::Fit;
use crate::trace::import::{self, Options};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The traces; - is standard input, and several files or a pattern are one trace, merged by time
    #[arg(required = true)]
    trace: Vec<PathBuf>,
    #[command(flatten)]
    how: source::How,
    /// The name of the scenario that is printed
    #[arg(long, value_name = "NAME", default_value = "fitted")]
    name: String,
}

/// A trace of more rows is measured from disk: that needs memory for objects alone.
const ROWS_IN_MEMORY: usize = 1 << 22;

pub(super) fn fit(args: &Args) -> Result<(), CliError> {
    let legal = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
    if args.name.is_empty() || args.name.starts_with('.') || !args.name.chars().all(legal) {
        let name = &args.name;
        return Err(anyhow!(
            "--name \"{name}\" cannot be a scenario's name: letters, digits, '-', '_' and '.', not first"
        )
        .into());
    }
    let (options, seed) = source::trace_options(&args.how)?;
    let options = Options { spill: Some(source::spill(ROWS_IN_MEMORY)), ..options };
    let import =
        import::open_all(&source::inputs(&args.trace)?, &options, seed).map_err(source::trace_error)?;
    let fit = Fit::of(&import.trace)
        .map_err(|error| anyhow!("{} cannot be fitted: {error}", args.trace[0].display()))?;
    terminal::result(&fit.scenario(&args.name));
    Ok(())
}
