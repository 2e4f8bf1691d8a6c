//! `ttlab live`: play a scenario against a real server, and write the same report.

use std::fmt::Write;
use std::sync::Arc;

use anyhow::anyhow;

use super::play::{PlayArgs, Prepared, nothing_measured, play};
use super::terminal::{self, Phase};
use super::{CliError, Status, run};
use crate::live::load::{self, Load};
use crate::live::{self, Options};
use crate::record::{About, Record};
use crate::report;
use crate::trace::Trace;
use crate::units::{ByteSize, SimDuration};

/// Play a scenario in real time against a real Redis or Valkey, and write the same report as a simulation
///
/// Requests start when the trace says, whatever the server does, and waits count from that instant. The strategies, the
/// clients and the origin are those of the simulation; values are incompressible and as long as the recorded ones. Each
/// cell takes as long as the trace, so choose a short one, or --speed. Whatever part of a scenario cannot be done live is
/// refused by name. With --spawn every cell gets a server of its own with the settings of its [cache]; with --redis the
/// keys of the run have a prefix of their own, and are removed at the end and on Ctrl-C.
#[derive(Debug, clap::Args)]
#[command(before_help = "Examples:
  ttlab live scenarios/live.toml --spawn
  ttlab live scenarios/live.toml --redis redis://:secret@127.0.0.1:6379/0 --configure")]
pub(super) struct Args {
    #[command(flatten)]
    pub(super) play: PlayArgs,
    /// Search for the highest rate of reads that keeps the 99th percentile under --p99, instead of playing the trace at its
    /// own pace: its objects are written once, its requests are read in their order
    #[arg(long, conflicts_with_all = ["strategy", "speed", "configure", "out", "origin"])]
    benchmark: bool,
    /// With --benchmark: what 99 of 100 reads must not take longer than
    #[arg(long, value_name = "TIME", default_value = "5ms", requires = "benchmark")]
    p99: SimDuration,
    /// With --benchmark: how long each rate is held
    #[arg(long, value_name = "TIME", default_value = "5s", requires = "benchmark")]
    step: SimDuration,
}

pub(super) fn run(args: &Args) -> Result<Status, CliError> {
    let Prepared { file, out, trace, about, options } = args.play.prepare("live", "live")?;
    let output = args.play.output;
    if args.benchmark {
        return benchmark(args, &trace, &options);
    }
    let cells = args.play.cells(&file.scenario)?;
    let played = play(&file, &cells, &trace, &options, output.quiet)?;
    if played.iter().all(|cell| cell.result.is_err()) {
        return Ok(nothing_measured(&played));
    }
    let about = About { scenario_sha256: file.sha256(), command: args.play.command("live"), trace: about };
    let record = Record::of_live(&file.scenario, &trace, played, about);
    report::write(&record, &record.to_json(), &out).map_err(anyhow::Error::from)?;
    run::tell(&record, &out, output);
    Ok(run::status(&record))
}

/// Searches for the highest rate, and tells every one that was tried.
fn benchmark(args: &Args, trace: &Arc<Trace>, options: &Options) -> Result<Status, CliError> {
    let load = Load { p99: args.p99, step: args.step, first: 1_000.0 };
    if load.p99.is_zero() || load.step < SimDuration::from_millis(100) {
        return Err(anyhow!("--p99 must be above 0s and --step at least 100ms").into());
    }
    let trace = live::named(trace, options);
    if !args.play.output.quiet {
        terminal::note(&format!(
            "will write {} keys, {}, and remove them at the end; at most {} reads in a second (--max-rate)",
            trace.objects().len(),
            ByteSize::from_bytes(trace.objects().total_bytes()),
            options.limits.rate.as_per_second()
        ));
    }
    let phase = Phase::open("trying higher rates of reads", args.play.output.quiet);
    let steps = load::benchmark(&trace, options, &load, &phase);
    phase.end();
    let steps = match steps {
        Ok(steps) => steps,
        Err(_) if terminal::interrupted() => return Ok(Status::Interrupted),
        Err(error) => return Err(anyhow!(error).into()),
    };
    let highest = load::highest(&steps);
    if args.play.output.json {
        let value = serde_json::json!({ "p99_limit_s": load.p99.as_secs_f64(), "highest_per_s": highest, "steps": steps });
        terminal::result(&format!("{value:#}\n"));
    } else if !args.play.output.quiet {
        terminal::result(&table(&steps, &load));
    }
    Ok(if highest.is_some() { Status::Done } else { Status::GateFailed })
}

/// What was tried, and what came of it.
fn table(steps: &[load::Step], load: &Load) -> String {
    let mut out = format!("{:>10} {:>10} {:>9} {:>9}\n", "reads/s", "answered/s", "p50, ms", "p99, ms");
    for step in steps {
        let word = match step.kept {
            load::Kept::Yes => "",
            load::Kept::TooSlow => "  too slow",
            load::Kept::ClientLimited => "  client-limited",
        };
        let (p50, p99) = (step.p50_s * 1e3, step.p99_s * 1e3);
        let _ = writeln!(out, "{:>10.0} {:>10.0} {p50:>9.2} {p99:>9.2}{word}", step.offered, step.answered);
    }
    let limit = load.p99;
    let limited = steps.iter().any(|step| step.kept == load::Kept::ClientLimited);
    let _ = match load::highest(steps) {
        Some(rate) if limited => writeln!(
            out,
            "At least {rate:.0} reads a second with a p99 under {limit}; beyond that the harness is the limit."
        ),
        Some(rate) => writeln!(out, "Up to {rate:.0} reads a second with a p99 under {limit}."),
        None => writeln!(out, "No rate that was tried keeps the p99 under {limit}."),
    };
    out
}
