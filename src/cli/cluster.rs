//! `ttlab cluster`: the scenario on a Redis Cluster.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, anyhow};

use super::terminal::{self, Phase};
use super::{CliError, Output, Status, source};
use crate::report::ClusterReport;
use crate::trace::synth::generate;
use crate::tune::{self, Failure, Runs, replication_seed};

/// Play a scenario on a Redis Cluster: memory and load of every shard, the busiest, and what its loss does
///
/// Keys lie in the hash slots that Redis gives them (CRC16, hash tags), slots in shards of equal length, and every shard
/// has an equal part of the limit. A hot key makes its shard busy, whatever the number of shards; and a limit in parts
/// holds a little less than one in a piece. While the busiest shard is lost, all of its requests go to the origin.
#[derive(Debug, clap::Args)]
#[command(before_help = "Examples:
  ttlab cluster scenarios/quickstart.toml --shards 6
  ttlab cluster scenarios/access-log.toml --trace access.log.gz --shards 3 --json")]
pub(super) struct Args {
    /// The scenario file
    scenario: PathBuf,
    /// Number of shards, each a primary with its part of the slots
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    shards: u16,
    /// Play this trace instead of the one that the scenario names
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
    /// Use this seed instead of the scenario's
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Use this many threads [default: one per processor]; the results do not depend on it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
    /// Refuse the trace at its first line that cannot be read, instead of counting such lines
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    pub(super) output: Output,
}

pub(super) fn run(args: &Args) -> Result<Status, CliError> {
    let mut file = source::read_scenario(&args.scenario)?.of_all_keys("ttlab cluster")?;
    if let Some(seed) = args.seed {
        file.scenario.reseed(seed);
    }
    terminal::catch_interrupts();
    let silent = args.output.quiet;
    let reading = source::Reading {
        strict: args.strict,
        stream: false,
        in_memory: false,
        limit: None,
        purpose: source::Purpose::Figures,
    };
    let loaded = source::load(&mut file, args.trace.as_deref(), reading, silent)?;
    let scenario = &file.scenario;
    let trace = match loaded.runs {
        Runs::Recorded(trace) => trace,
        Runs::Synthetic(workload) => Arc::new(generate(&workload, replication_seed(scenario.seed, 0))),
    };
    if trace.is_spooled() {
        return Err(anyhow!("this trace does not fit into memory, and shards look at it many times; take a part of it with ttlab trace sample").into());
    }
    let cells = tune::grid(scenario);
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(args.threads.map_or(0, usize::from))
        .build()
        .context("the threads cannot be started")?;
    let runs = cells.len() as u64 * u64::from(args.shards);
    let phase = Phase::begin("simulating shards", runs, trace.len() as u64 * cells.len() as u64, silent);
    let played = pool.install(|| tune::cluster(scenario, &cells, &trace, args.shards, &phase));
    phase.end();
    let cells = played.map_err(|fault| file.mistake(fault))?;
    if cells.iter().any(|cell| matches!(cell.shards, Err(Failure::Stopped))) {
        terminal::note("interrupted before every shard was simulated; there is no answer");
        return Ok(Status::Interrupted);
    }
    let report = ClusterReport { scenario, shards: args.shards, cells: &cells };
    if args.output.json {
        terminal::result(&(report.json() + "\n"));
    } else if !silent {
        terminal::table(&report.terminal(terminal::width()));
    }
    let broken = cells.iter().any(|cell| cell.shards.is_err());
    Ok(if broken { Status::CellsFailed } else { Status::Done })
}
