//! `ttlab trace`: look at traces.

use super::{CliError, Status};

/// Look at traces
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {}

impl Args {
    pub(super) fn json(&self) -> bool {
        false
    }
}

pub(super) fn run(args: &Args) -> Result<Status, CliError> {
    match args.command {}
}
