//! `ttlab explain`: the effective scenario.

use std::path::PathBuf;

use super::{CliError, Status, source, terminal};

/// Print the effective scenario, every default filled in
///
/// What is printed is a scenario itself: it can be saved, changed and run. Use it to see which
/// defaults a short scenario rests on, and to check that it was understood as it was meant.
#[derive(Debug, clap::Args)]
#[command(before_help = "Example:\n  ttlab explain scenarios/quickstart.toml")]
pub(super) struct Args {
    /// The scenario file
    scenario: PathBuf,
    /// Print JSON instead of TOML
    #[arg(long)]
    pub(super) json: bool,
}

pub(super) fn run(args: &Args) -> Result<Status, CliError> {
    let file = source::read_scenario(&args.scenario)?;
    let effective = &file.scenario.effective;
    let text = if args.json {
        serde_json::to_string_pretty(effective).map_err(anyhow::Error::from)? + "\n"
    } else {
        toml::to_string_pretty(effective).map_err(anyhow::Error::from)?
    };
    terminal::result(&text);
    for warning in &file.scenario.warnings {
        terminal::note(&format!("warning: {warning}"));
    }
    for note in &file.scenario.notes {
        terminal::note(&format!("note: {note}"));
    }
    Ok(Status::Done)
}
