//! `ttlab validate`: the same scenario simulated and played live, side by side.

use std::collections::BTreeMap;

use super::play::{PlayArgs, Prepared, is_tidy, left_behind, nothing_measured, partly_measured, play};
use super::terminal;
use super::{CliError, Status};
use crate::live::validate::validate;
use crate::live::{LiveError, Target, named};
use crate::report::{self, PAGE, ValidationReport};

/// Play a scenario live and through the model, and put both side by side: predicted and measured
///
/// Every cell is played as by `ttlab live`, and then through the model with the same requests, at the same phase of the
/// server's clock and with several seeds. Each figure is told with its difference and whether that is inside its
/// tolerance: 0.5 percentage points of a hit ratio, 3 % of evictions and expirations, 1 % of the memory in use beside the buffers
/// of connections, and of waits what the harness and the network were measured to add, each widened by what chance alone brings
/// about. The output folder holds index.html, validation.md and validation.json. The exit status
/// is 1 if a figure is outside, and 3 if keys or settings of the run stayed behind.
#[derive(Debug, clap::Args)]
#[command(before_help = "Examples:
  ttlab validate scenarios/live.toml --spawn
  ttlab validate scenarios/live.toml --spawn --strategy lock --json")]
pub(super) struct Args {
    #[command(flatten)]
    pub(super) play: PlayArgs,
}

pub(super) fn run(args: &Args) -> Result<Status, CliError> {
    let Prepared { file, out, trace, options, .. } = args.play.prepare("validate", "validation")?;
    let output = args.play.output;
    if matches!(options.target, Target::Cluster(_)) {
        return Err(anyhow::anyhow!(
            "the model that ttlab validate compares with is of one server; name one with --redis or use --spawn, and play the \
             cluster with ttlab live"
        )
        .into());
    }
    let cells = args.play.cells(&file.scenario)?;
    let live = play(&file, &cells, &trace, &options, output.quiet)?;
    let trace = named(&trace, &options);
    let mut validated = Vec::new();
    for cell in &live {
        let compared =
            validate(&file.scenario, &trace, cell, options.speed).map_err(|error| match error {
                LiveError::Scenario(fault) => CliError::from(file.mistake(fault)),
                other => anyhow::Error::from(other).into(),
            })?;
        validated.extend(compared);
    }
    if validated.is_empty() {
        return Ok(nothing_measured(&live, output));
    }
    let command = args.play.command("validate");
    let report = ValidationReport {
        scenario: &file.scenario.name,
        question: &file.scenario.question,
        command: &command,
        seed: file.scenario.seed,
        speed: options.speed,
        cells: &validated,
    };
    let files = BTreeMap::from([
        (PAGE.to_owned(), report.page().into_bytes()),
        ("validation.md".to_owned(), report.markdown().into_bytes()),
        ("validation.json".to_owned(), report.json().into_bytes()),
    ]);
    report::write_all(files, &out).map_err(anyhow::Error::from)?;
    if output.json {
        terminal::result(&report.json());
    } else if !output.quiet {
        for cell in &validated {
            cell.warnings
                .iter()
                .for_each(|warning| terminal::note(&format!("warning: {}: {warning}", cell.strategy)));
        }
        terminal::table(&report.terminal());
        terminal::result(&format!("{}\n", out.join(PAGE).display()));
    }
    let is_tidy = is_tidy(&live, output);
    if validated.len() < live.len() {
        return Ok(partly_measured(&live));
    }
    let status = match (report.is_as_predicted(), report.says_something()) {
        (false, _) => Status::GateFailed,
        // What was played says nothing of the server, so that part of the question has no answer.
        (true, false) => Status::CellsFailed,
        (true, true) => Status::Done,
    };
    Ok(left_behind(status, is_tidy))
}
