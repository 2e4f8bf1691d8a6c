//! `ttlab validate`: the same scenario simulated and played live, side by side.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;

use super::live::{self as played, Ready, ServerArgs};
use super::terminal;
use super::{CliError, Output, Status, default_folder, source};
use crate::live::validate::validate;
use crate::live::{LiveError, Target, named};
use crate::report::{self, PAGE, ValidationReport};

/// Play a scenario live and through the model, and put both side by side: predicted and measured
///
/// Every cell is played as by `ttlab live`, and then through the model with the same requests, at the same phase of the
/// server's clock and with several seeds. Each figure is told with its difference and whether that is inside its
/// tolerance: 0.5 percentage points of a hit ratio, 3 % of evictions and expirations, 1 % of the memory in use, each widened by
/// what chance alone brings about. The output folder holds index.html, validation.md and validation.json. The exit status
/// is 1 if a figure is outside.
#[derive(Debug, clap::Args)]
#[command(before_help = "Examples:
  ttlab validate scenarios/live.toml --spawn
  ttlab validate scenarios/live.toml --spawn --strategy lock --json")]
pub(super) struct Args {
    /// The scenario file
    scenario: PathBuf,
    #[command(flatten)]
    server: ServerArgs,
    /// Play this trace instead of the one that the scenario names
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
    /// Write the results to this folder [default: reports/NAME-validation]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Use this seed instead of the scenario's
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Refuse the trace at its first line that cannot be read, instead of counting such lines
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    pub(super) output: Output,
}

pub(super) fn run(args: &Args) -> Result<Status, CliError> {
    let mut file = source::read_scenario(&args.scenario)?.of_all_keys("ttlab validate")?;
    if let Some(seed) = args.seed {
        file.scenario.reseed(seed);
    }
    let out =
        args.out.clone().unwrap_or_else(|| default_folder(&format!("{}-validation", file.scenario.name)));
    report::check_folder(&out).map_err(anyhow::Error::from)?;
    terminal::catch_interrupts();
    let silent = args.output.quiet;
    let Ready { trace, .. } = played::trace(&mut file, args.trace.as_deref(), args.strict, silent)?;
    let options = args.server.options();
    if matches!(options.target, Target::Cluster(_)) {
        return Err(anyhow::anyhow!(
            "the model that ttlab validate compares with is of one server; name one with --redis or use --spawn, and play the \
             cluster with ttlab live"
        )
        .into());
    }
    let cells = args.server.cells(&file.scenario)?;
    let live = played::play(&file, &cells, &trace, &options, silent)?;
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
        return Ok(played::nothing_measured(&live));
    }
    let command = command(args);
    let report = ValidationReport {
        scenario: &file.scenario.name,
        question: &file.scenario.question,
        command: &command,
        cells: &validated,
    };
    let files = BTreeMap::from([
        (PAGE.to_owned(), report.page().into_bytes()),
        ("validation.md".to_owned(), report.markdown().into_bytes()),
        ("validation.json".to_owned(), report.json().into_bytes()),
    ]);
    report::write_all(files, &out).map_err(anyhow::Error::from)?;
    if args.output.json {
        terminal::result(&report.json());
    } else if !silent {
        for cell in &validated {
            cell.warnings
                .iter()
                .for_each(|warning| terminal::note(&format!("warning: {}: {warning}", cell.strategy)));
        }
        terminal::table(&report.terminal());
        terminal::result(&format!("{}\n", out.join(PAGE).display()));
    }
    if validated.len() < live.len() {
        played::nothing_measured(&live);
        return Ok(if terminal::interrupted() { Status::Interrupted } else { Status::CellsFailed });
    }
    Ok(if report.is_as_predicted() { Status::Done } else { Status::GateFailed })
}

fn command(args: &Args) -> String {
    let name = |path: &std::path::Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut command = format!("ttlab validate {}{}", name(&args.scenario), args.server.command());
    if let Some(trace) = &args.trace {
        let _ = write!(command, " --trace {}", name(trace));
    }
    if let Some(seed) = args.seed {
        let _ = write!(command, " --seed {seed}");
    }
    command
}
