//! `ttlab drill`: what a bad day does, and what survives it.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use anyhow::anyhow;

use super::form::{Form, deliver};
use super::pool::Side;
use super::source;
use super::terminal::{self, Phase};
use super::{CliError, Output, Status};
use crate::report::DrillReport;
use crate::scenario::drill::{Drills, kinds};
use crate::scenario::{Source, Traces};
use crate::score::targets;
use crate::tune::{self, NoDrill, Runs};
use crate::units::{ByteSize, SimDuration};

/// Put every cell through bad days: restart, flush, loss of a shard, flash crowd, origin slow and origin down
///
/// Each drill is played on the scenario's seeds beside the same day without it. For every cell it tells the peak of the
/// origin's rate, errors, how long until all is as it was, and whether that ever comes; and whether it survives: whether it
/// recovers, soon enough, and meets what must hold meanwhile. The scenario's [drill] section says when, how hard and what
/// must hold; flags go before it.
///
/// Exit status 1 if something survives, or does not, against what [drill] expects; without an expectation, if no cell
/// survives every drill.
#[derive(Debug, clap::Args)]
#[command(before_help = "Examples:
  ttlab drill scenarios/drills.toml
  ttlab drill scenarios/quickstart.toml --only flush,origin-outage --survive 'error <= 0.01' --recover-within 10m
  ttlab drill scenarios/drills.toml --format html --out drills.html")]
pub(super) struct Args {
    /// The scenario file
    scenario: PathBuf,
    /// Play these drills only, such as flush,origin-outage
    #[arg(long, value_name = "DRILLS", value_delimiter = ',')]
    only: Vec<String>,
    /// When it happens, from the begin of the trace [default: a third of the scored time]
    #[arg(long, value_name = "TIME")]
    at: Option<SimDuration>,
    /// How long a crowd, a slow or absent origin and the loss of a shard last
    #[arg(long, value_name = "DURATION")]
    lasts: Option<SimDuration>,
    /// What must hold from the drill on, such as 'error <= 0.05, p99 <= 2s'
    #[arg(long, value_name = "TARGETS")]
    survive: Option<String>,
    /// How soon all must be as it was
    #[arg(long, value_name = "DURATION")]
    recover_within: Option<SimDuration>,
    /// Drill on this trace instead of the one that the scenario names
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
    /// Use this seed instead of the scenario's
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Use this many threads [default: one per processor]; the results do not depend on it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
    /// Take no more than this much memory, such as 2GiB: fewer runs at once, or a refusal [default: what is free]
    #[arg(long, value_name = "SIZE")]
    memory_limit: Option<ByteSize>,
    /// Refuse the trace at its first line that cannot be read, instead of counting such lines
    #[arg(long)]
    strict: bool,
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
    let mut file = source::read_scenario(&args.scenario)?.of_all_keys("ttlab drill")?;
    if let Some(seed) = args.seed {
        file.scenario.reseed(seed);
    }
    let drills = wanted(args, file.scenario.drill.clone().unwrap_or_default())?;
    if let Source::Synthetic(workload) = &file.scenario.source {
        drills
            .begin(file.scenario.warmup, workload.duration)
            .map_err(|what| anyhow!("{}: {what}", args.scenario.display()))?;
    }
    terminal::catch_interrupts();
    let silent = args.output.quiet;
    let reading = source::Reading {
        strict: args.strict,
        stream: false,
        in_memory: true,
        limit: args.memory_limit,
        purpose: source::Purpose::Figures,
    };
    let loaded = source::load(&mut file, args.trace.as_deref(), reading, silent)?;
    let scenario = &file.scenario;
    let (repeat, requests) = match &loaded.runs {
        Runs::Recorded(trace) => (1, trace.len() as u64),
        Runs::Synthetic(workload) => (scenario.repeat, workload.expected_requests()),
    };
    let plans = tune::grid(scenario);
    let cells = plans.len() as u64;
    let side = Side {
        file: &file,
        need: scenario.need.as_ref(),
        runs: &loaded.runs,
        traces: Traces::of_sweep(cells, scenario.repeat),
        most: cells * u64::from(repeat),
        threads: args.threads,
        limit: args.memory_limit,
        silent,
    };
    let pool = side.pool()?;
    let runs = (drills.only.len() as u64 + 1) * cells * u64::from(repeat);
    let phase = Phase::begin("drilling", runs, runs * requests, silent);
    let drilled = pool.install(|| tune::drill(scenario, &plans, &drills, &loaded.runs, &phase));
    phase.end();
    let drilled = match drilled {
        Ok(drilled) => drilled,
        Err(NoDrill::Short(what)) => return Err(anyhow!("{}: {what}", args.scenario.display()).into()),
        Err(NoDrill::Wrong(fault)) => return Err(file.mistake(fault).into()),
        Err(NoDrill::Stopped) => {
            terminal::note("interrupted before every drill was played; there is no answer");
            return Ok(Status::Interrupted);
        }
    };
    let report = DrillReport { scenario, drills: &drills, drilled: &drilled, command: command(args) };
    deliver(args.format, args.out.as_deref(), args.output, |form, width| match form {
        Form::Text => report.terminal(width),
        Form::Markdown => report.markdown(),
        Form::Json => report.json() + "\n",
        Form::Html => report.page(),
    })?;
    Ok(if report.is_met() { Status::Done } else { Status::GateFailed })
}

/// What is drilled: as the scenario says, and as the command line says instead.
fn wanted(args: &Args, mut drills: Drills) -> Result<Drills, CliError> {
    if !args.only.is_empty() {
        let mut only = kinds(&args.only).map_err(|what| anyhow!("--only: {what}"))?;
        only.sort_unstable();
        only.dedup();
        drills.only = only;
        // What is not played cannot be expected.
        for (_, expected) in &mut drills.expect {
            expected.retain(|kind| drills.only.contains(kind));
        }
    }
    drills.at = args.at.or(drills.at);
    if let Some(lasts) = args.lasts {
        if lasts.is_zero() {
            return Err(
                anyhow!("--lasts 0s: a drill that takes no time does nothing; write --lasts 5m").into()
            );
        }
        drills.lasts = lasts;
    }
    if let Some(text) = &args.survive {
        drills.survive = targets(text).map_err(|error| anyhow!("--survive: {error}"))?;
    }
    drills.recover_within = args.recover_within.or(drills.recover_within);
    Ok(drills)
}

/// A command that gives the same answer again.
fn command(args: &Args) -> String {
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut command = format!("ttlab drill {}", name(&args.scenario));
    let mut add = |flag: &str, value: Option<String>| {
        if let Some(value) = value {
            let _ = write!(command, " {flag} {value}");
        }
    };
    add("--only", (!args.only.is_empty()).then(|| args.only.join(",")));
    add("--at", args.at.map(|at| at.to_string()));
    add("--lasts", args.lasts.map(|lasts| lasts.to_string()));
    add("--survive", args.survive.as_ref().map(|text| format!("'{text}'")));
    add("--recover-within", args.recover_within.map(|within| within.to_string()));
    add("--trace", args.trace.as_deref().map(name));
    add("--seed", args.seed.map(|seed| seed.to_string()));
    if args.strict {
        command += " --strict";
    }
    command
}
