//! `ttlab size`: how much memory is enough.

use std::path::PathBuf;

use anyhow::anyhow;

use super::pool::Side;
use super::source::{self, ScenarioFile};
use super::terminal::{self, Phase};
use super::{CliError, Output, Status};
use crate::cache::Happening;
use crate::report::{SizingReport, write_file};
use crate::scenario::Traces;
use crate::score::targets;
use crate::tune::{self, Runs, Sizing};
use crate::units::ByteSize;

/// Find the smallest maxmemory that meets every target, for each strategy
///
/// The capacity of the scenario is not used: limits from nothing to what a strategy holds without a limit are tried,
/// until the next smaller one misses a target. With replications the limit has an interval: the smallest limits for the
/// better and the worse ends of the measures' own intervals. The table says which target binds, and where no limit is
/// enough, what comes nearest. More memory is not always better; where that shows, limits are searched one by one, and
/// the answer says so. With [cost] in the scenario the cheapest strategy is named.
///
/// A target is a metric (docs/guide.md lists them), >= or <=, and a value. Exit status 1 if no strategy meets all.
#[derive(Debug, clap::Args)]
#[command(before_help = "Examples:
  ttlab size scenarios/quickstart.toml --target 'hit >= 0.95, p99 <= 900ms'
  ttlab size scenarios/access-log.toml --trace access.log.gz --target 'fresh_hit >= 0.8' --format markdown --out sizing.md")]
pub(super) struct Args {
    /// The scenario file
    scenario: PathBuf,
    /// What is to be met, such as 'hit >= 0.95, p99 <= 250ms'
    #[arg(long, value_name = "TARGETS")]
    target: String,
    /// Look for limits that are multiples of this [default: about 0.4 % of what a strategy holds without a limit]
    #[arg(long, value_name = "SIZE")]
    step: Option<ByteSize>,
    /// Size for this trace instead of the one that the scenario names
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

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    Text,
    Markdown,
    Json,
}

pub(super) fn run(args: &Args) -> Result<Status, CliError> {
    let targets = targets(&args.target).map_err(|error| anyhow!("--target: {error}"))?;
    let step = args.step.map(ByteSize::as_bytes);
    if step == Some(0) {
        return Err(anyhow!("--step 0B leads nowhere; write a step such as 1MiB").into());
    }
    let mut file = source::read_scenario(&args.scenario)?.of_all_keys("ttlab size")?;
    if let Some(seed) = args.seed {
        file.scenario.reseed(seed);
    }
    refuse_changing_limits(&file, "size")?;
    if file.scenario.cache.evictions.iter().all(|policy| policy.about().oracle) {
        let what = "every eviction policy of this scenario sees what no real cache could see, so there is no memory to buy; \
                    write one that a server has in [cache], such as eviction = \"allkeys-lru\"";
        return Err(anyhow!("{}: {what}", args.scenario.display()).into());
    }
    terminal::catch_interrupts();
    let silent = args.output.quiet;
    let reading = source::Reading {
        strict: args.strict,
        stream: false,
        in_memory: false,
        limit: args.memory_limit,
        purpose: source::Purpose::Figures,
    };
    let loaded = source::load(&mut file, args.trace.as_deref(), reading, silent)?;
    let Some(sizing) = search(&file, &loaded.runs, Sizing::new(&file.scenario, targets, step), args)? else {
        terminal::note("interrupted before the search was done; there is no answer");
        return Ok(Status::Interrupted);
    };
    let answers = sizing.answers();
    let report = SizingReport { scenario: &file.scenario, targets: sizing.targets(), answers: &answers };
    let form = if args.output.json { Form::Json } else { args.format };
    let text = match form {
        Form::Text => report.terminal(if args.out.is_some() { 100 } else { terminal::width() }),
        Form::Markdown => report.markdown(),
        Form::Json => report.json() + "\n",
    };
    match &args.out {
        Some(path) => write_file(path, text.as_bytes()).map_err(anyhow::Error::from)?,
        None if silent && !args.output.json => {}
        None if form == Form::Text => terminal::table(&text),
        None => terminal::result(&text),
    }
    Ok(if report.is_met() { Status::Done } else { Status::GateFailed })
}

/// A limit that changes in the middle of a run is not one that could be searched for.
pub(super) fn refuse_changing_limits(file: &ScenarioFile, command: &str) -> Result<(), CliError> {
    let changes =
        |written: &&crate::scenario::events::Written| matches!(written.event.what, Happening::Limit(_));
    let Some(event) = file.scenario.cache.events.iter().find(changes) else { return Ok(()) };
    let what = format!("this event changes maxmemory, which is what ttlab {command} looks for");
    let fault = crate::catalog::Fault::new(event.span.clone(), what).help("leave the event out");
    Err(file.mistake(fault).into())
}

/// Simulates what the search wants until it has its answers; `None` if the user interrupted.
fn search(
    file: &ScenarioFile,
    runs: &Runs,
    mut sizing: Sizing,
    args: &Args,
) -> Result<Option<Sizing>, CliError> {
    let scenario = &file.scenario;
    let side = Side {
        file,
        need: scenario.need.as_ref(),
        runs,
        // In the end a search wants one more limit of one cell.
        traces: Traces::of_sweep(1, scenario.repeat),
        most: u64::MAX,
        threads: args.threads,
        limit: args.memory_limit,
        silent: args.output.quiet,
    };
    let pool = side.pool()?;
    let requests = match runs {
        Runs::Recorded(trace) => trace.len() as u64,
        Runs::Synthetic(workload) => workload.expected_requests() * u64::from(scenario.repeat),
    };
    for round in 1.. {
        let cells = sizing.wants();
        if cells.is_empty() {
            break;
        }
        let count = cells.len() as u64;
        let phase = Phase::begin(
            &format!("sizing, round {round}"),
            count * u64::from(scenario.repeat),
            requests * count,
            args.output.quiet,
        );
        let played = pool.install(|| tune::run(scenario, &cells, runs, &phase));
        phase.end();
        let played = played.map_err(|fault| file.mistake(fault))?;
        if sizing.learn(played.cells).is_err() {
            return Ok(None);
        }
    }
    Ok(Some(sizing))
}
