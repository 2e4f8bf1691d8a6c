//! What `ttlab live` and `ttlab validate` have in common: the options of a scenario that is played, and playing it.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::anyhow;

use super::terminal::{self, Phase};
use super::{CliError, Output, Status, default_folder, source};
use crate::live::{self, Limits, LiveError, Options, Target, Template, Tls, Undertaking};
use crate::record;
use crate::report;
use crate::scenario::Scenario;
use crate::trace::Trace;
use crate::trace::synth::generate;
use crate::tune::{self, CellPlan, Failure, Runs, replication_seed};
use crate::units::{ByteSize, Rate};

/// A scenario that is played against a server, and where its results go.
#[derive(Debug, clap::Args)]
pub(super) struct PlayArgs {
    /// The scenario file
    scenario: PathBuf,
    #[command(flatten)]
    server: ServerArgs,
    /// Play this trace instead of the one that the scenario names
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
    /// Write the results to this folder [default: reports/NAME-live, and reports/NAME-validation of ttlab validate]
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

/// What is played, once all that was asked for has been found.
pub(super) struct Prepared {
    pub(super) file: source::ScenarioFile,
    /// The folder of the results.
    pub(super) out: PathBuf,
    pub(super) trace: Arc<Trace>,
    /// Where the trace is from.
    pub(super) about: record::TraceInfo,
    pub(super) options: Options,
}

impl PlayArgs {
    /// Reads the scenario and its trace for `command`, whose results go to a folder that ends with `suffix`.
    pub(super) fn prepare(&self, command: &str, suffix: &str) -> Result<Prepared, CliError> {
        let mut file = source::read_scenario(&self.scenario)?.of_all_keys(&format!("ttlab {command}"))?;
        if let Some(seed) = self.seed {
            file.scenario.reseed(seed);
        }
        let by_default = || default_folder(&format!("{}-{suffix}", file.scenario.name));
        let out = self.out.clone().unwrap_or_else(by_default);
        report::check_folder(&out).map_err(anyhow::Error::from)?;
        terminal::catch_interrupts();
        let (trace, about) = self.trace_of(&mut file)?;
        Ok(Prepared { file, out, trace, about, options: self.server.options() })
    }

    /// Reads or makes the trace of the first replication.
    fn trace_of(&self, file: &mut source::ScenarioFile) -> Result<(Arc<Trace>, record::TraceInfo), CliError> {
        let (strict, purpose) = (self.strict, source::Purpose::Record);
        let reading = source::Reading { strict, stream: false, in_memory: true, limit: None, purpose };
        let loaded = source::load(file, self.trace.as_deref(), reading, self.output.quiet)?;
        let trace = match loaded.runs {
            Runs::Recorded(trace) => trace,
            Runs::Synthetic(workload) => {
                Arc::new(generate(&workload, replication_seed(file.scenario.seed, 0)))
            }
        };
        let about = loaded.about.unwrap_or_else(|| record::synthetic(&trace));
        Ok((trace, about))
    }

    /// The cells that are played.
    pub(super) fn cells(&self, scenario: &Scenario) -> Result<Vec<CellPlan>, CliError> {
        self.server.cells(scenario)
    }

    /// A command line that does the same.
    pub(super) fn command(&self, command: &str) -> String {
        let mut line = format!("ttlab {command} {}{}", file_name(&self.scenario), self.server.command());
        if let Some(trace) = &self.trace {
            let _ = write!(line, " --trace {}", file_name(trace));
        }
        if let Some(seed) = self.seed {
            let _ = write!(line, " --seed {seed}");
        }
        line
    }
}

/// One server or the other.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Which {
    /// Start redis-server (or valkey-server) from the PATH on a free port of this machine, once for each cell
    #[arg(long)]
    spawn: bool,
    /// Use the server at this address: redis://[USER:PASSWORD@]HOST:PORT[/DB][?protocol=resp3], or rediss:// with TLS; several
    /// hosts with commas between them are nodes of one cluster
    #[arg(long, value_name = "URL")]
    redis: Option<String>,
}

/// Which server, and how it is treated.
#[derive(Debug, clap::Args)]
struct ServerArgs {
    #[command(flatten)]
    which: Which,
    /// The server is a node of a cluster: use all of it
    #[arg(long, requires = "redis", conflicts_with = "spawn")]
    cluster: bool,
    /// Trust the authorities in this file (PEM) instead of the system's, for rediss:// and for an origin at https://
    #[arg(long, value_name = "FILE")]
    tls_ca: Option<PathBuf>,
    /// Show the server this certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_key", conflicts_with = "spawn")]
    tls_cert: Option<PathBuf>,
    /// The private key of --tls-cert (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Fetch from this URL, such as `http://127.0.0.1:8080/img/{key}?w={size}`, instead of waiting as the scenario's origin
    /// does: {key} is the key percent-encoded, {path} a key that is a URL's path and query already, {size} the recorded bytes
    #[arg(long, value_name = "URL")]
    origin: Option<Template>,
    /// Play the trace this many times faster; the server's own clocks stay as they are
    #[arg(long, value_name = "K", default_value = "1", value_parser = speed)]
    speed: f64,
    /// Play the cells of this strategy only; may be given several times
    #[arg(long, value_name = "NAME")]
    strategy: Vec<String>,
    /// Connections of each of the application's processes
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u16).range(1..=1000))]
    connections: u16,
    /// Set the server's memory limit, policy and the like as the scenario's [cache] says, and put them back at the end
    #[arg(long, conflicts_with = "spawn")]
    configure: bool,
    /// Use the server though it holds keys of others
    #[arg(long, conflicts_with = "spawn")]
    allow_nonempty: bool,
    /// What all keys begin with on a server that is not its own [default: ttlab: and a number]
    #[arg(long, value_name = "TEXT", conflicts_with = "spawn", value_parser = prefix)]
    prefix: Option<String>,
    /// Refuse to send more reads than this in a second, requests and a timer's jobs alike; requests that wait for a lock, a lease
    /// or another attempt look again as far as these leave room, and later otherwise. What follows from a read (SET, a lock, ZADD)
    /// comes on top
    #[arg(long, value_name = "RATE", default_value = "20000/s")]
    max_rate: Rate,
    /// Refuse to take more of the server's memory than this
    #[arg(long, value_name = "SIZE", default_value = "1GiB")]
    max_bytes: ByteSize,
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
    fn options(&self) -> Options {
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
    fn cells(&self, scenario: &Scenario) -> Result<Vec<CellPlan>, CliError> {
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

    /// The words of a command that does the same; addresses, which may hold secrets, are left out.
    fn command(&self) -> String {
        // Writing to a text cannot fail.
        let mut words = if self.which.spawn { " --spawn".to_owned() } else { " --redis URL".to_owned() };
        let flags = [
            (" --cluster", self.cluster),
            (" --configure", self.configure),
            (" --allow-nonempty", self.allow_nonempty),
            (" --origin URL", self.origin.is_some()),
        ];
        flags.iter().filter(|(_, is_set)| *is_set).for_each(|(flag, _)| words += flag);
        for (option, path) in
            [("tls-ca", &self.tls_ca), ("tls-cert", &self.tls_cert), ("tls-key", &self.tls_key)]
        {
            if let Some(path) = path {
                let _ = write!(words, " --{option} {}", file_name(path));
            }
        }
        #[expect(clippy::float_cmp, reason = "one is written as one")]
        if self.speed != 1.0 {
            let _ = write!(words, " --speed {}", self.speed);
        }
        if self.connections != 1 {
            let _ = write!(words, " --connections {}", self.connections);
        }
        if let Some(prefix) = &self.prefix {
            let _ = write!(words, " --prefix {prefix}");
        }
        let standard = Limits::default();
        if self.max_rate != standard.rate {
            let _ = write!(words, " --max-rate {}", self.max_rate);
        }
        if self.max_bytes != standard.bytes {
            let _ = write!(words, " --max-bytes {}", self.max_bytes);
        }
        for name in &self.strategy {
            let _ = write!(words, " --strategy \"{name}\"");
        }
        words
    }
}

/// A file without the folder that it lies in, which is another one elsewhere.
fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
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
        undertaking.doubts.iter().for_each(|doubt| terminal::note(&format!("warning: {doubt}")));
    }
    let phase =
        Phase::begin("playing", cells.len() as u64, undertaking.requests * cells.len() as u64, silent);
    let played = live::run(&file.scenario, cells, &named, options, &phase);
    let broke_off = |cell: &live::LiveCell| matches!(cell.result, Err(Failure::Broken(_)));
    if played.as_ref().map_or(true, |cells| cells.iter().any(broke_off)) {
        phase.fail();
    } else {
        phase.end();
    }
    played.map_err(|error| refused(file, error))
}

fn refused(file: &source::ScenarioFile, error: LiveError) -> CliError {
    match error {
        LiveError::Scenario(fault) => file.mistake(fault).into(),
        LiveError::CannotDo(_) => anyhow!("{}: {error}", file.path.display()).into(),
        LiveError::Other(what) => anyhow!(what).into(),
    }
}

/// The status of a run that came to its end, which is no good one where a server is not as it was before.
pub(super) fn left_behind(status: Status, is_tidy: bool) -> Status {
    match status {
        Status::Done | Status::GateFailed if !is_tidy => Status::CellsFailed,
        status => status,
    }
}

/// Whether every server is as it was before; what is told of those that are not, where nobody tells the warnings.
pub(super) fn is_tidy(played: &[live::LiveCell], output: Output) -> bool {
    let untidy = || played.iter().filter(|cell| !cell.is_tidy);
    if output.json || output.quiet {
        let warnings = untidy().flat_map(|cell| &cell.warnings);
        warnings.for_each(|warning| terminal::note(&format!("warning: {warning}")));
    }
    untidy().next().is_none()
}

/// Says why there is nothing to write, as a document too where one is wanted.
pub(super) fn nothing_measured(played: &[live::LiveCell], output: Output) -> Status {
    let (broken, removed) = ended_early(played);
    let (what, status) = match broken {
        Some(what) => (format!("the run broke off and nothing is written: {what}"), Status::CellsFailed),
        None => (
            format!("interrupted before any cell was played to its end; nothing is written{removed}"),
            Status::Interrupted,
        ),
    };
    terminal::note(&what);
    if output.json {
        let warnings: Vec<&String> = played.iter().flat_map(|cell| &cell.warnings).collect();
        let document = serde_json::json!({ "error": { "what": what, "warnings": warnings } });
        terminal::result(&format!("{document}\n"));
    }
    status
}

/// Says why not all cells were played, where some were and are written.
pub(super) fn partly_measured(played: &[live::LiveCell]) -> Status {
    let (broken, removed) = ended_early(played);
    let done = played.iter().filter(|cell| cell.result.is_ok()).count();
    let written = format!("the {done} of {} cells that were played to their end are written", played.len());
    if let Some(what) = broken {
        terminal::note(&format!("the run broke off, and {written}: {what}"));
        return Status::CellsFailed;
    }
    terminal::note(&format!("interrupted; {written}{removed}"));
    Status::Interrupted
}

/// Tells the warnings of cells that did not come to their end; why one broke off, if one did, and otherwise whether
/// their keys are gone.
fn ended_early(played: &[live::LiveCell]) -> (Option<&str>, &'static str) {
    let failed = || played.iter().filter(|cell| cell.result.is_err());
    for warning in failed().flat_map(|cell| &cell.warnings) {
        terminal::note(&format!("warning: {warning}"));
    }
    let broken = failed().find_map(|cell| match &cell.result {
        Err(Failure::Broken(what)) => Some(what.as_str()),
        _ => None,
    });
    (broken, if played.iter().all(|cell| cell.is_tidy) { ", and the keys are removed" } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        play: PlayArgs,
    }

    fn made(line: &str) -> String {
        let line =
            <Line as clap::Parser>::try_parse_from(line.split(' ')).unwrap_or_else(|error| panic!("{error}"));
        line.play.command("validate")
    }

    #[test]
    fn a_command_that_does_the_same_has_every_option_and_no_address() {
        assert_eq!(made("x dir/a.toml --spawn"), "ttlab validate a.toml --spawn");
        let all = "x a.toml --redis rediss://:s3cret@host --configure --allow-nonempty --connections 4 --speed 2.5 --prefix t: \
                   --max-rate 500/s --max-bytes 2MiB --strategy lock --tls-ca dir/ca.pem --tls-cert c.pem --tls-key k.pem \
                   --origin https://host/{key}?token=s3cret --seed 7";
        let told = made(all);
        for part in [
            "--redis URL",
            "--configure",
            "--allow-nonempty",
            "--connections 4",
            "--speed 2.5",
            "--prefix t:",
            "--max-rate 500",
            "--max-bytes 2",
            "--strategy \"lock\"",
            "--tls-ca ca.pem",
            "--tls-cert c.pem",
            "--tls-key k.pem",
            "--origin URL",
            "--seed 7",
        ] {
            assert!(told.contains(part), "{part} is missing in: {told}");
        }
        assert!(!told.contains("s3cret") && !told.contains("host"), "{told}");
    }

    #[test]
    fn what_stays_behind_is_no_success() {
        for status in [Status::Done, Status::GateFailed, Status::CellsFailed] {
            assert_eq!(left_behind(status, false), Status::CellsFailed);
            assert_eq!(left_behind(status, true), status);
        }
        assert_eq!(left_behind(Status::Interrupted, false), Status::Interrupted);
    }
}
