//! `ttlab live`: play a scenario against a real server, and write the same report.

use std::fmt::Write;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::anyhow;

use super::terminal::{self, Phase};
use super::{CliError, Output, Status, default_folder, run, source};
use crate::live::load::{self, Load};
use crate::live::{self, Limits, LiveError, Options, Target, Template, Tls, Undertaking};
use crate::record::{self, About, Record};
use crate::report;
use crate::trace::Trace;
use crate::trace::synth::generate;
use crate::tune::{self, CellPlan, Failure, Runs, replication_seed};
use crate::units::{ByteSize, Rate, SimDuration};

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
    /// The scenario file
    scenario: PathBuf,
    #[command(flatten)]
    pub(super) server: ServerArgs,
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
    /// Play this trace instead of the one that the scenario names
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
    /// Write the results to this folder [default: reports/NAME-live]
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

/// One server or the other.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub(super) struct Which {
    /// Start redis-server (or valkey-server) from the PATH on a free port of this machine, once for each cell
    #[arg(long)]
    pub(super) spawn: bool,
    /// Use the server at this address: redis://[USER:PASSWORD@]HOST:PORT[/DB][?protocol=resp3], or rediss:// with TLS; several
    /// hosts with commas between them are nodes of one cluster
    #[arg(long, value_name = "URL")]
    pub(super) redis: Option<String>,
}

/// Which server, and how it is treated.
#[derive(Debug, clap::Args)]
pub(super) struct ServerArgs {
    #[command(flatten)]
    pub(super) which: Which,
    /// The server is a node of a cluster: use all of it
    #[arg(long, requires = "redis", conflicts_with = "spawn")]
    pub(super) cluster: bool,
    /// Trust the authorities in this file (PEM) instead of the system's, for rediss:// and for an origin at https://
    #[arg(long, value_name = "FILE")]
    pub(super) tls_ca: Option<PathBuf>,
    /// Show the server this certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_key", conflicts_with = "spawn")]
    pub(super) tls_cert: Option<PathBuf>,
    /// The private key of --tls-cert (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(super) tls_key: Option<PathBuf>,
    /// Fetch from this URL, such as `http://127.0.0.1:8080/img/{key}?w={size}`, instead of waiting as the scenario's origin
    /// does: {key} is the key percent-encoded, {path} a key that is a URL's path and query already, {size} the recorded bytes
    #[arg(long, value_name = "URL")]
    pub(super) origin: Option<Template>,
    /// Play the trace this many times faster; the server's own clocks stay as they are
    #[arg(long, value_name = "K", default_value = "1", value_parser = speed)]
    pub(super) speed: f64,
    /// Play the cells of this strategy only; may be given several times
    #[arg(long, value_name = "NAME")]
    pub(super) strategy: Vec<String>,
    /// Connections of each of the application's processes
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(super) connections: u16,
    /// Set the server's memory limit, policy and the like as the scenario's [cache] says, and put them back at the end
    #[arg(long, conflicts_with = "spawn")]
    pub(super) configure: bool,
    /// Use the server though it holds keys of others
    #[arg(long, conflicts_with = "spawn")]
    pub(super) allow_nonempty: bool,
    /// What all keys begin with on a server that is not its own [default: ttlab: and a number]
    #[arg(long, value_name = "TEXT", conflicts_with = "spawn", value_parser = prefix)]
    pub(super) prefix: Option<String>,
    /// Refuse to send more requests than this in a second
    #[arg(long, value_name = "RATE", default_value = "20000/s")]
    pub(super) max_rate: Rate,
    /// Refuse to take more of the server's memory than this
    #[arg(long, value_name = "SIZE", default_value = "1GiB")]
    pub(super) max_bytes: ByteSize,
}

fn speed(text: &str) -> Result<f64, String> {
    let speed: f64 = text.parse().map_err(|_| "write a number, such as 10".to_owned())?;
    if (0.001..=10_000.0).contains(&speed) {
        Ok(speed)
    } else {
        Err("it must lie between 0.001 and 10000".to_owned())
    }
}

fn prefix(text: &str) -> Result<String, String> {
    if text.is_empty() || text.contains(['*', '?', '[', ']', '\\', ' ', '\n']) {
        return Err("write some letters without spaces, * ? [ ] or \\, such as ttlab:test:".to_owned());
    }
    Ok(text.to_owned())
}

impl ServerArgs {
    /// As the harness wants them.
    pub(super) fn options(&self) -> Options {
        let target = match &self.which.redis {
            Some(url) => Target::at(url, self.cluster),
            None => Target::Spawn,
        };
        Options {
            target,
            speed: self.speed,
            prefix: self.prefix.clone().unwrap_or_else(|| format!("ttlab:{}:", std::process::id())),
            connections: self.connections.into(),
            configure: self.configure,
            allow_nonempty: self.allow_nonempty,
            limits: Limits { rate: self.max_rate, bytes: self.max_bytes },
            origin: self.origin.clone(),
            tls: Tls { ca: self.tls_ca.clone(), own: self.tls_cert.clone().zip(self.tls_key.clone()) },
        }
    }

    /// The cells that are played.
    pub(super) fn cells(&self, scenario: &crate::scenario::Scenario) -> Result<Vec<CellPlan>, CliError> {
        let names: Vec<&str> = scenario.strategies.iter().map(|design| design.name.as_str()).collect();
        if let Some(unknown) = self.strategy.iter().find(|name| !names.contains(&name.as_str())) {
            return Err(anyhow!(
                "--strategy {unknown}: the scenario has none of this name; there are: {}",
                names.join(", ")
            )
            .into());
        }
        let wanted = |cell: &CellPlan| {
            self.strategy.is_empty() || self.strategy.iter().any(|name| name == names[cell.strategy])
        };
        Ok(tune::grid(scenario).into_iter().filter(wanted).collect())
    }

    /// The words of a command that does the same.
    pub(super) fn command(&self) -> String {
        let mut words = if self.which.spawn { " --spawn".to_owned() } else { " --redis URL".to_owned() };
        if self.cluster {
            words += " --cluster";
        }
        if self.origin.is_some() {
            words += " --origin URL";
        }
        #[expect(clippy::float_cmp, reason = "one is written as one")]
        if self.speed != 1.0 {
            let _ = write!(words, " --speed {}", self.speed);
        }
        for name in &self.strategy {
            let _ = write!(words, " --strategy \"{name}\"");
        }
        words
    }
}

/// A trace that is in memory, ready to be played.
pub(super) struct Ready {
    pub(super) trace: Arc<Trace>,
    pub(super) about: record::TraceInfo,
}

/// Reads or makes the trace of the first replication.
pub(super) fn trace(
    file: &mut source::ScenarioFile,
    instead: Option<&std::path::Path>,
    strict: bool,
    silent: bool,
) -> Result<Ready, CliError> {
    let purpose = source::Purpose::Record;
    let reading = source::Reading { strict, stream: false, in_memory: true, purpose };
    let loaded = source::load(file, instead, reading, silent)?;
    let trace = match loaded.runs {
        Runs::Recorded(trace) => trace,
        Runs::Synthetic(workload) => Arc::new(generate(&workload, replication_seed(file.scenario.seed, 0))),
    };
    let about = loaded.about.unwrap_or_else(|| record::synthetic(&trace));
    Ok(Ready { trace, about })
}

pub(super) fn run(args: &Args) -> Result<Status, CliError> {
    let mut file = source::read_scenario(&args.scenario)?.of_all_keys("ttlab live")?;
    if let Some(seed) = args.seed {
        file.scenario.reseed(seed);
    }
    let out = args.out.clone().unwrap_or_else(|| default_folder(&format!("{}-live", file.scenario.name)));
    report::check_folder(&out).map_err(anyhow::Error::from)?;
    terminal::catch_interrupts();
    let silent = args.output.quiet;
    let Ready { trace, about } = trace(&mut file, args.trace.as_deref(), args.strict, silent)?;
    let options = args.server.options();
    if args.benchmark {
        return benchmark(args, &trace, &options);
    }
    let cells = args.server.cells(&file.scenario)?;
    let played = play(&file, &cells, &trace, &options, silent)?;
    if played.iter().all(|cell| cell.result.is_err()) {
        return Ok(nothing_measured(&played));
    }
    let about = About { scenario_sha256: file.sha256(), command: command(args), trace: about };
    let record = Record::of_live(&file.scenario, &trace, played, about);
    report::write(&record, &record.to_json(), &out).map_err(anyhow::Error::from)?;
    run::tell(&record, &out, args.output);
    Ok(run::status(&record))
}

/// Searches for the highest rate, and tells every one that was tried.
fn benchmark(args: &Args, trace: &Arc<Trace>, options: &Options) -> Result<Status, CliError> {
    let load = Load { p99: args.p99, step: args.step, first: 1_000.0 };
    if load.p99.is_zero() || load.step < SimDuration::from_millis(100) {
        return Err(anyhow!("--p99 must be above 0s and --step at least 100ms").into());
    }
    let trace = live::named(trace, options);
    if !args.output.quiet {
        terminal::note(&format!(
            "will write {} keys, {}, and remove them at the end; at most {} reads in a second (--max-rate)",
            trace.objects().len(),
            ByteSize::from_bytes(trace.objects().total_bytes()),
            options.limits.rate.as_per_second()
        ));
    }
    let phase = Phase::begin("reading", 1, 1, args.output.quiet);
    let steps = load::benchmark(&trace, options, &load, &phase);
    phase.end();
    let steps = match steps {
        Ok(steps) => steps,
        Err(_) if terminal::interrupted() => return Ok(Status::Interrupted),
        Err(error) => return Err(anyhow!(error).into()),
    };
    let highest = load::highest(&steps);
    if args.output.json {
        let value = serde_json::json!({ "p99_limit_s": load.p99.as_secs_f64(), "highest_per_s": highest, "steps": steps });
        terminal::result(&format!("{value:#}\n"));
    } else if !args.output.quiet {
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

/// Says what will be written, and plays the cells.
pub(super) fn play(
    file: &source::ScenarioFile,
    cells: &[CellPlan],
    trace: &Arc<Trace>,
    options: &Options,
    silent: bool,
) -> Result<Vec<live::LiveCell>, CliError> {
    let named = live::named(trace, options);
    let undertaking: Undertaking =
        live::undertaking(&file.scenario, cells, &named, options).map_err(|error| refused(file, error))?;
    if !silent {
        terminal::note(&undertaking.sentence());
    }
    let phase =
        Phase::begin("playing", cells.len() as u64, undertaking.requests * cells.len() as u64, silent);
    let played = live::run(&file.scenario, cells, &named, options, &phase);
    phase.end();
    played.map_err(|error| refused(file, error))
}

fn refused(file: &source::ScenarioFile, error: LiveError) -> CliError {
    match error {
        LiveError::Scenario(fault) => file.mistake(fault).into(),
        LiveError::CannotDo(_) => anyhow!("{}: {error}", file.path.display()).into(),
        LiveError::Other(what) => anyhow!(what).into(),
    }
}

/// Says why there is nothing to write.
pub(super) fn nothing_measured(played: &[live::LiveCell]) -> Status {
    for warning in played.iter().flat_map(|cell| &cell.warnings) {
        terminal::note(&format!("warning: {warning}"));
    }
    let broken = played.iter().find_map(|cell| match &cell.result {
        Err(Failure::Broken(what)) => Some(what),
        _ => None,
    });
    if let Some(what) = broken {
        terminal::note(&format!("the run broke off and nothing is written: {what}"));
        return Status::CellsFailed;
    }
    terminal::note(
        "interrupted before any cell was played to its end; nothing is written, and the keys are removed",
    );
    Status::Interrupted
}

fn command(args: &Args) -> String {
    let name = |path: &std::path::Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut command = format!("ttlab live {}{}", name(&args.scenario), args.server.command());
    if let Some(trace) = &args.trace {
        let _ = write!(command, " --trace {}", name(trace));
    }
    if let Some(seed) = args.seed {
        let _ = write!(command, " --seed {seed}");
    }
    command
}
