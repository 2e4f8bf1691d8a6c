//! `ttlab growth`: how long today's memory is enough.

use std::fmt::Write;
use std::path::PathBuf;

use anyhow::anyhow;

use super::form::{Form, deliver};
use super::pool::Side;
use super::size::refuse_changing_limits;
use super::source::{self, ScenarioFile};
use super::terminal::{self, Phase};
use super::{CliError, Output, Status};
use crate::report::GrowthReport;
use crate::scenario::growth::{Growth, Ungrown};
use crate::scenario::{Source, Traces};
use crate::score::targets;
use crate::tune::{self, NoGrowth, Runs};
use crate::units::ByteSize;

/// Grow traffic and catalogue month by month: when each target fails on today's memory, and the memory needed then
///
/// Growth compounds: 0.08 is 8 % a month. The scenario's [growth] section says how much grows and what must hold; flags
/// go before it. Every month is simulated on the limits that the scenario names, on the same seeds; for the month in
/// which a target first fails, and for the last, the smallest maxmemory is looked for as `ttlab size` does. With
/// replications the month has an interval. A recorded trace cannot be grown: make a workload of it with `ttlab trace fit`.
///
/// Exit status 1 if no cell meets every target in every month on today's memory.
#[derive(Debug, clap::Args)]
#[command(before_help = "Examples:
  ttlab growth scenarios/growth.toml
  ttlab growth scenarios/quickstart.toml --traffic 0.1 --catalogue 0.05 --months 6 --target 'hit >= 0.9'
  ttlab growth scenarios/growth.toml --format html --out growth.html")]
pub(super) struct Args {
    /// The scenario file
    scenario: PathBuf,
    /// What must hold, such as 'hit >= 0.95, p99 <= 250ms' [default: what [growth] or [gates] say]
    #[arg(long, value_name = "TARGETS")]
    target: Option<String>,
    /// By which share the rate of requests grows a month, such as 0.08
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true)]
    traffic: Option<f64>,
    /// By which share the number of images grows a month
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true)]
    catalogue: Option<f64>,
    /// Look so many months ahead
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=120))]
    months: Option<u32>,
    /// Look for limits that are multiples of this [default: about 0.4 % of what a strategy holds without a limit]
    #[arg(long, value_name = "SIZE")]
    step: Option<ByteSize>,
    /// Use this seed instead of the scenario's
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Use this many threads [default: one per processor]; the results do not depend on it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
    /// Take no more than this much memory, such as 2GiB: fewer runs at once, or a refusal [default: what is free]
    #[arg(long, value_name = "SIZE")]
    memory_limit: Option<ByteSize>,
    /// How to write the answer
    #[arg(long, value_enum, default_value_t = Form::Text)]
    format: Form,
    /// Write to this file instead of standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    pub(super) output: Output,
}

pub(super) fn run(args: &Args) -> Result<Status, CliError> {
    if args.step.is_some_and(|step| step.as_bytes() == 0) {
        return Err(anyhow!("--step 0B leads nowhere; write a step such as 1MiB").into());
    }
    let mut file = source::read_scenario(&args.scenario)?.of_all_keys("ttlab growth")?;
    if let Some(seed) = args.seed {
        file.scenario.reseed(seed);
    }
    let growth = wanted(args, &file)?;
    refuse_changing_limits(&file, "growth")?;
    terminal::catch_interrupts();
    let silent = args.output.quiet;
    let scenario = &file.scenario;
    // The last month, or the first where things shrink, takes most.
    let most = [0, growth.months].into_iter().map(|month| scenario.grown(&growth, month));
    let most = most.collect::<Result<Vec<_>, _>>().map_err(|error| ungrown(args, &error))?;
    let requests = |source: &Source| match source {
        Source::Synthetic(workload) => workload.expected_requests(),
        Source::Recorded(_) => 0,
    };
    let largest = most.iter().max_by_key(|grown| requests(&grown.source)).expect("there are two");
    let Source::Synthetic(workload) = &largest.source else {
        return Err(ungrown(args, &Ungrown::Recorded));
    };
    let side = Side {
        file: &file,
        need: largest.need.as_ref(),
        runs: &Runs::Synthetic(std::sync::Arc::clone(workload)),
        // In the end a search wants one more limit of one cell.
        traces: Traces::of_sweep(1, scenario.repeat),
        most: u64::MAX,
        threads: args.threads,
        limit: args.memory_limit,
        silent,
    };
    let pool = side.pool()?;
    let runs = u64::from(growth.months + 1) * tune::grid(scenario).len() as u64 * u64::from(scenario.repeat);
    let phase = Phase::begin("growing", runs, runs * workload.expected_requests(), silent);
    let step = args.step.map(ByteSize::as_bytes);
    let grown = pool.install(|| tune::growth(scenario, &growth, step, &phase));
    phase.end();
    let grown = match grown {
        Ok(grown) => grown,
        Err(NoGrowth::Ungrown(error)) => return Err(ungrown(args, &error)),
        Err(NoGrowth::Wrong(fault)) => return Err(file.mistake(fault).into()),
        Err(NoGrowth::Stopped) => {
            terminal::note("interrupted before every month was simulated; there is no answer");
            return Ok(Status::Interrupted);
        }
    };
    let report = GrowthReport { scenario, growth: &growth, grown: &grown, command: command(args) };
    deliver(args.format, args.out.as_deref(), args.output, |form, width| match form {
        Form::Text => report.terminal(width),
        Form::Markdown => report.markdown(),
        Form::Json => report.json() + "\n",
        Form::Html => report.page(),
    })?;
    Ok(if report.is_met() { Status::Done } else { Status::GateFailed })
}

/// What grows and what must hold: as the scenario says, and as the command line says instead.
fn wanted(args: &Args, file: &ScenarioFile) -> Result<Growth, CliError> {
    let shown = args.scenario.display();
    let mut growth = file.scenario.growth.clone().unwrap_or_else(|| Growth {
        targets: file.scenario.judgement.rules.gates.clone(),
        ..Growth::default()
    });
    for (flag, given, share) in [
        ("--traffic", args.traffic, &mut growth.traffic),
        ("--catalogue", args.catalogue, &mut growth.catalogue),
    ] {
        if let Some(given) = given {
            *share = Growth::check(flag, given).map_err(|what| anyhow!("{what}; write {flag} 0.08"))?;
        }
    }
    growth.months = args.months.unwrap_or(growth.months);
    if let Some(text) = &args.target {
        growth.targets = targets(text).map_err(|error| anyhow!("--target: {error}"))?;
    }
    if growth.targets.is_empty() {
        return Err(anyhow!(
            "{shown} says nothing that must hold; give --target 'hit >= 0.9', or write targets = \"hit >= 0.9\" in [growth]"
        )
        .into());
    }
    if growth.traffic.abs() + growth.catalogue.abs() <= 0.0 {
        return Err(anyhow!(
            "nothing grows; give --traffic 0.08 or --catalogue 0.05, or write them in a [growth] section of {shown}"
        )
        .into());
    }
    Ok(growth)
}

/// Why the scenario cannot be grown, with what to do.
fn ungrown(args: &Args, error: &Ungrown) -> CliError {
    let shown = args.scenario.display();
    match error {
        Ungrown::Recorded => anyhow!(
            "{shown} plays a recorded trace, and a recording cannot be grown: it holds none of the requests to come\n \
             = help: make a workload that behaves like it with ttlab trace fit access.log > like-it.toml, and grow that"
        )
        .into(),
        Ungrown::Unvaried { .. } => anyhow!("{shown}, {error}\n = help: look fewer months ahead, or play a shorter duration").into(),
    }
}

/// A command that gives the same answer again.
fn command(args: &Args) -> String {
    let name = args.scenario.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut command = format!("ttlab growth {name}");
    let mut add = |flag: &str, value: Option<String>| {
        if let Some(value) = value {
            let _ = write!(command, " {flag} {value}");
        }
    };
    add("--target", args.target.as_ref().map(|text| format!("'{text}'")));
    add("--traffic", args.traffic.map(|share| share.to_string()));
    add("--catalogue", args.catalogue.map(|share| share.to_string()));
    add("--months", args.months.map(|months| months.to_string()));
    add("--step", args.step.map(|step| step.to_string()));
    add("--seed", args.seed.map(|seed| seed.to_string()));
    command
}
