//! `ttlab curve`: what every capacity gives under every TTL.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, anyhow};

use super::pool::{Beside, Side};
use super::source::{self, ScenarioFile};
use super::terminal::{self, Phase};
use super::{CliError, Output, Status};
use crate::cache::Capacity;
use crate::report::{self, Titled};
use crate::scenario::{Scenario, Traces};
use crate::trace::Trace;
use crate::trace::synth::generate;
use crate::tune::{self, Question, Runs};
use crate::units::{ByteSize, SimDuration};

/// Hit ratio, memory and origin load over capacities and TTLs, without simulating every cell
///
/// Takes one strategy of a scenario and varies the cache's limit and the TTL (of the rules fixed and
/// sliding). Where fetches take no time and eviction is exact LRU, FIFO or unnecessary, the surface is
/// exact and costs a pass or less for a whole row; otherwise the engine plays samples of the keys and the
/// error is told. The method used is part of the output.
#[derive(Debug, clap::Args)]
#[command(before_help = "Examples:
  ttlab curve scenarios/quickstart.toml
  ttlab curve scenarios/access-log.toml --trace access.log.gz --grid 32x16 --out reports/curve
  ttlab curve scenario.toml --instant --capacities 64MiB,256MiB,1GiB --ttls 1m,10m,1h")]
pub(super) struct Args {
    /// The scenario file
    scenario: PathBuf,
    /// Take the requests of this trace instead of the one that the scenario names
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
    /// The strategy to vary [default: the baseline, or the first]
    #[arg(long, value_name = "NAME")]
    strategy: Option<String>,
    /// The limits: sizes such as 64MiB, or whole numbers of objects [default: the scenario's, or parts of all bytes]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    capacities: Vec<String>,
    /// The TTLs, such as 1m,10m,1h [default: round ones up to the length of the trace]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    ttls: Vec<SimDuration>,
    /// How many limits and TTLs to choose where they are not listed
    #[arg(long, value_name = "LIMITSxTTLS", default_value = "8x8")]
    grid: String,
    /// Take fetches to need no time, at an origin without limit, so that exact methods serve
    #[arg(long)]
    instant: bool,
    /// The share of keys in a sample, above 0; 1 simulates all [default: what leaves enough requests]
    #[arg(long, value_name = "SHARE")]
    sample: Option<f64>,
    /// Write curve.csv, curve.json and index.html to this folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Use this many threads [default: one per processor]; the results do not depend on it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
    /// Take no more than this much memory, such as 2GiB: fewer cells at once, or a refusal [default: what is free]
    #[arg(long, value_name = "SIZE")]
    memory_limit: Option<ByteSize>,
    /// Refuse the trace at its first line that cannot be read, instead of counting such lines
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    pub(super) output: Output,
}

pub(super) fn run(args: &Args) -> Result<Status, CliError> {
    if let Some(share) = args.sample.filter(|share| !(*share > 0.0 && *share <= 1.0)) {
        return Err(anyhow!(
            "--sample {share} is no share of the keys: write a number above 0 and at most 1"
        )
        .into());
    }
    let grid = grid(&args.grid)?;
    let mut file = source::read_scenario(&args.scenario)?.of_all_keys("ttlab curve")?;
    if args.instant {
        file.scenario.fetch_instantly();
    }
    if let Some(out) = &args.out {
        report::check_folder(out).map_err(anyhow::Error::from)?;
    }
    let strategy = strategy(&file.scenario, args)?;
    // Whatever is wrong with a list is known before a long trace is read.
    let listed: Vec<Capacity> =
        args.capacities.iter().map(|text| capacity(text)).collect::<Result<_, _>>()?;
    check_ttls(&file.scenario, args, strategy)?;
    terminal::catch_interrupts();
    let reading = source::Reading {
        strict: args.strict,
        stream: false,
        // Where the engine plays, requests may lie on disk.
        in_memory: tune::clock(&file.scenario, strategy, 0).is_none(),
        limit: args.memory_limit,
        purpose: source::Purpose::Figures,
    };
    let loaded = source::load(&mut file, args.trace.as_deref(), reading, args.output.quiet)?;
    let is_exact = tune::clock(&file.scenario, strategy, 0).is_none();
    let kept = match (&loaded.runs, args.sample) {
        _ if is_exact => 0.0,
        (Runs::Recorded(trace), sample) => tune::kept(sample, trace.len() as u64),
        (Runs::Synthetic(workload), sample) => tune::kept(sample, workload.expected_requests()),
    };
    let side = Side {
        file: &file,
        need: file.scenario.need.as_ref(),
        runs: &loaded.runs,
        traces: Traces::kept(1),
        most: u64::MAX,
        threads: args.threads,
        limit: args.memory_limit,
        silent: args.output.quiet,
    };
    let of_passes = || Beside {
        per_object: Some(tune::PASS_PER_OBJECT),
        shared_per_request: tune::shared_per_request(&file.scenario, strategy, 0),
        kept,
        ..Beside::default()
    };
    let pool = side.pool_with(if is_exact { of_passes() } else { Beside { kept, ..Beside::default() } })?;
    let trace = match &loaded.runs {
        Runs::Recorded(trace) => Arc::clone(trace),
        Runs::Synthetic(workload) => {
            Arc::new(generate(workload, tune::replication_seed(file.scenario.seed, 0)))
        }
    };
    let question = Question {
        strategy,
        eviction: 0,
        capacities: if listed.is_empty() {
            capacities(&file, args, strategy, &trace, grid.0)?
        } else {
            listed
        },
        ttls: ttls(&file.scenario, args, strategy, &trace, grid.1),
        sample: args.sample,
    };
    // Which share samples take is known for sure where limits and sizes are.
    let taken = if is_exact {
        0.0
    } else {
        tune::kept_for(&file.scenario, &question, &trace).map_err(|fault| file.mistake(fault))?
    };
    let pool = if taken > kept { side.pool_with(Beside { kept: taken, ..Beside::default() })? } else { pool };
    let name = file.scenario.strategies[strategy].name.clone();
    let eviction = file.scenario.cache.evictions[0].name();
    let scenario = file.scenario.name.clone();
    let Some(surface) = find(&mut file, &question, &trace, &pool, args)? else {
        terminal::note("interrupted; nothing is written");
        return Ok(Status::Interrupted);
    };
    let titled =
        Titled { scenario: &scenario, strategy: &name, eviction, instant: args.instant, surface: &surface };
    if let Some(out) = &args.out {
        write(&titled, out)?;
    }
    if args.output.json {
        terminal::result(&titled.json());
    } else if !args.output.quiet {
        terminal::table(&titled.table(terminal::width()));
        if let Some(out) = &args.out {
            terminal::result(&format!("{}\n", out.join(report::PAGE).display()));
        }
    }
    Ok(Status::Done)
}

fn find(
    file: &mut ScenarioFile,
    question: &Question,
    trace: &Arc<Trace>,
    pool: &rayon::ThreadPool,
    args: &Args,
) -> Result<Option<tune::Surface>, CliError> {
    let cells = (question.capacities.len() * question.ttls.len().max(1)) as u64;
    let phase = Phase::begin("surface", cells, cells * trace.len() as u64, args.output.quiet);
    let found = pool.install(|| tune::surface(&mut file.scenario, question, trace, &phase));
    phase.end();
    found.map_err(|fault| file.refused(fault, "--capacities and --sample"))
}

fn write(titled: &Titled<'_>, out: &std::path::Path) -> Result<(), CliError> {
    let failed = |error: report::ReportError| CliError::from(anyhow::Error::from(error));
    std::fs::create_dir_all(out).with_context(|| format!("{} cannot be made", out.display()))?;
    report::write_file(&out.join("curve.csv"), &titled.csv()).map_err(failed)?;
    report::write_file(&out.join("curve.json"), titled.json().as_bytes()).map_err(failed)?;
    report::write_file(&out.join(report::PAGE), titled.page().as_bytes()).map_err(failed)
}

/// Which strategy is varied.
fn strategy(scenario: &Scenario, args: &Args) -> Result<usize, CliError> {
    let strategies = &scenario.strategies;
    let Some(name) = &args.strategy else {
        return Ok(strategies.iter().position(|design| design.baseline).unwrap_or(0));
    };
    let found = strategies.iter().position(|design| design.name == *name);
    found.ok_or_else(|| {
        let there_are: Vec<String> = strategies.iter().map(|design| format!("\"{}\"", design.name)).collect();
        let path = args.scenario.display();
        anyhow!("--strategy \"{name}\" is not in {path}; there are: {}", there_are.join(", ")).into()
    })
}

/// `32x16`: how many limits, and how many TTLs.
fn grid(text: &str) -> Result<(usize, usize), CliError> {
    let parts = text.split_once('x').and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?)));
    parts.filter(|(a, b)| (1..=1_000).contains(a) && (1..=1_000).contains(b)).ok_or_else(|| {
        anyhow!("--grid \"{text}\" is no grid: write limits and TTLs from 1 to 1000 each, such as 32x16")
            .into()
    })
}

fn capacities(
    file: &ScenarioFile,
    args: &Args,
    strategy: usize,
    trace: &Arc<Trace>,
    count: usize,
) -> Result<Vec<Capacity>, CliError> {
    let own = &file.scenario.cache.capacities;
    if own.len() > 1 {
        return Ok(own.clone());
    }
    let in_objects = matches!(own[..], [Capacity::Objects(_)]);
    let objects = trace.objects();
    let whole = if in_objects { objects.len() as u64 } else { objects.total_bytes() };
    // From a thousandth (but no less than leaves samples a cache that is one) to the whole, in equal ratios.
    let least = tune::least(&file.scenario, strategy, args.sample, trace);
    let least = least.map_err(|fault| file.mistake(fault))?;
    let least = least.map_or(0, |least| if in_objects { least.objects } else { least.bytes });
    let first = (whole as f64 / 1_000.0).max(least as f64).min(whole as f64).max(1.0);
    let part = |nth: usize| {
        let place = if count == 1 { 1.0 } else { nth as f64 / (count - 1) as f64 };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of a count is a count"
        )]
        let limit = (whole as f64 * (whole as f64 / first).powf(place - 1.0)).ceil() as u64;
        limit.max(1)
    };
    let mut limits: Vec<u64> = (0..count).map(part).collect();
    limits.dedup();
    Ok(limits.into_iter().map(if in_objects { Capacity::Objects } else { Capacity::Bytes }).collect())
}

fn capacity(text: &str) -> Result<Capacity, CliError> {
    if let Ok(objects) = text.trim().parse::<u64>() {
        return if objects > 0 {
            Ok(Capacity::Objects(objects))
        } else {
            Err(anyhow!("--capacities {text}: a cache without room is no cache; write at least 1").into())
        };
    }
    let bytes: ByteSize = text.parse().map_err(|error| {
        anyhow!("--capacities: {error}; write sizes such as 64MiB, or whole numbers of objects")
    })?;
    Ok(Capacity::Bytes(bytes.as_bytes()))
}

/// Refuses TTLs that the strategy cannot have.
fn check_ttls(scenario: &Scenario, args: &Args, strategy: usize) -> Result<(), CliError> {
    let design = &scenario.strategies[strategy];
    let (name, rule) = (&design.name, design.rule.name());
    if args.ttls.is_empty() {
        return Ok(());
    }
    let Some(param) = tune::ttl_of(rule) else {
        return Err(anyhow!(
            "--ttls has no use: strategy \"{name}\" has ttl rule \"{rule}\", and only those of \"fixed\" and \"sliding\" can be varied"
        )
        .into());
    };
    for ttl in &args.ttls {
        design
            .rule
            .with(param, ttl.to_string())
            .map_err(|fault| anyhow!("--ttls {ttl}: {}; write TTLs such as 1m,10m,1h", fault.what))?;
    }
    Ok(())
}

/// Those that are listed, or round ones.
fn ttls(scenario: &Scenario, args: &Args, strategy: usize, trace: &Trace, count: usize) -> Vec<SimDuration> {
    let design = &scenario.strategies[strategy];
    if !args.ttls.is_empty() || tune::ttl_of(design.rule.name()).is_none() {
        return args.ttls.clone();
    }
    let longest = design.rule.duration_of("max_age").unwrap_or(SimDuration::FOREVER).min(trace.span());
    let fits: Vec<SimDuration> =
        tune::ROUND_TTLS_S.into_iter().map(SimDuration::from_secs).filter(|ttl| *ttl <= longest).collect();
    if fits.is_empty() {
        return vec![SimDuration::from_secs(1)];
    }
    fits[fits.len().saturating_sub(count)..].to_vec()
}
