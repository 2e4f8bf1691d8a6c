//! `ttlab run`: simulate every cell of a scenario and write the report.

use std::fmt::Write;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use anyhow::anyhow;
use rayon::ThreadPool;

use super::pool::{Beside as Needs, Side};
use super::source::{self, ScenarioFile};
use super::terminal::{self, Phase};
use super::{CliError, Output, Status, default_folder};
use crate::metrics::Measurements;
use crate::record::{self, ASIDE, About, Damaged, Journal, Record, Surface, Sweep};
use crate::report;
use crate::scenario::{Results, Scenario, Traces, result_bytes};
use crate::trace::Trace;
use crate::tune::{self, Beside, CellPlan, Progress, Runs};
use crate::units::ByteSize;

/// Simulate every cell of a scenario, print the ranking and write the report
///
/// A cell is one strategy at one capacity. All cells meet the same requests and the same origin;
/// synthetic scenarios are repeated with several seeds, so that differences come with intervals.
/// The output folder holds record.json (the one source of all pages), index.html, summary.md,
/// cells.csv, series.csv and the plots. The last line printed is the page's path.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
#[command(before_help = "Examples:
  ttlab run scenarios/quickstart.toml
  ttlab run scenarios/access-log.toml --trace access.log.gz --out reports/monday")]
pub(super) struct Args {
    /// The scenario file
    scenario: PathBuf,
    /// Play this trace instead of the one that the scenario names
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
    /// Write the results to this folder [default: reports/NAME]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Use this seed instead of the scenario's
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Play this share of the keys, above 0 and at most 1, instead of the scenario's sample; 1 is all of them. Counts,
    /// rates and sizes are those of the whole, estimated, with their error
    #[arg(long, value_name = "RATE")]
    sample: Option<f64>,
    /// Play as small a share of the keys as has an error of about one point of hit ratio, which a pilot finds out, and say
    /// which; all of them where the trace is small
    #[arg(long, conflicts_with = "sample")]
    quick: bool,
    /// Use this many threads [default: one per processor]; the results do not depend on it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
    /// Take no more than this much memory, such as 2GiB: fewer cells at once, or a refusal [default: what is free]
    #[arg(long, value_name = "SIZE")]
    memory_limit: Option<ByteSize>,
    /// Refuse the trace at its first line that cannot be read, instead of counting such lines
    #[arg(long)]
    strict: bool,
    /// Keep at most a million requests of the trace in memory and the others on disk (in TMPDIR, 25 bytes each); the
    /// results are the same. Without it that is done above 16 million, unless the scenario needs to look ahead
    #[arg(long)]
    stream: bool,
    /// Go on with a sweep that was broken off in the same output folder, from the runs that were done. Refused if the
    /// scenario, the seed or the trace is another one
    #[arg(long)]
    resume: bool,
    #[command(flatten)]
    pub(super) output: Output,
}

pub(super) fn run(args: &Args) -> Result<Status, CliError> {
    let mut file = source::read_scenario(&args.scenario)?;
    if let Some(seed) = args.seed {
        file.scenario.reseed(seed);
    }
    if let Some(rate) = args.sample {
        sample(&mut file, rate)?;
    }
    let out = args.out.clone().unwrap_or_else(|| default_folder(&file.scenario.name));
    report::check_folder(&out).map_err(anyhow::Error::from)?;
    terminal::catch_interrupts();
    let silent = args.output.quiet;
    let loaded = source::load(
        &mut file,
        args.trace.as_deref(),
        source::Reading {
            strict: args.strict,
            stream: args.stream,
            in_memory: false,
            limit: args.memory_limit,
            purpose: source::Purpose::Record,
        },
        silent,
    )?;
    // The notes tell the digests of tables that the scenario reads; what --quick notes is no part of what is meant.
    let meant = record::sha256(format!("{}{}", file.text, file.scenario.notes.join("\n")).as_bytes());
    if args.quick && !quick(&mut file, &loaded.runs, args)? {
        terminal::note("interrupted; nothing is written");
        return Ok(Status::Interrupted);
    }
    let journal = journal(&file, &loaded, args.resume, meant, &out)?;
    if !silent {
        tell_before(&journal);
    }
    if !journal.is_empty() && !silent {
        let runs = tune::grid(&file.scenario).len() * tune::replications(&file.scenario, &loaded.runs);
        terminal::note(&format!("resumed: {} of {runs} runs were done before", journal.len()));
    }
    let kept = Kept { journal, phase: OnceLock::new() };
    let played = simulate(&file, &loaded.runs, args, &kept)?;
    let ended = kept.journal.end().map_err(anyhow::Error::from)?;
    let finished = played.cells.iter().any(|cell| cell.replications.iter().any(Result::is_ok));
    let Some(trace) = played.trace.as_ref().filter(|_| finished).map(Arc::clone) else {
        return Ok(nothing_finished(&played.cells));
    };
    let about = About {
        scenario_sha256: file.sha256(),
        command: command(args, &file),
        trace: loaded.about.unwrap_or_else(|| record::synthetic(&trace)),
    };
    let mut record = Record::of_run(&file.scenario, &trace, played.cells, about);
    let beside = surface(&mut file, &record, &loaded.runs, &trace, args);
    record.surface = beside.as_ref().map(|beside| Surface::of_run(&file.scenario, beside));
    report::write(&record, &record.to_json(), &out).map_err(anyhow::Error::from)?;
    let is_cut = beside.is_some_and(|beside| beside.is_interrupted());
    if terminal::interrupted() && (is_cut || record.cells.iter().any(|cell| cell.failed.is_some())) {
        terminal::note("interrupted; the same command with --resume goes on from the runs that are done");
    } else {
        ended.remove().map_err(anyhow::Error::from)?;
    }
    tell(&record, &out, args.output);
    Ok(if is_cut { Status::Interrupted } else { status(&record) })
}

/// Plays a share of the keys, as the command line asks.
fn sample(file: &mut ScenarioFile, rate: f64) -> Result<(), CliError> {
    if !(rate > 0.0 && rate <= 1.0) {
        return Err(
            anyhow!("--sample {rate} is no share of the keys: write a number above 0 and at most 1").into()
        );
    }
    file.scenario.sample_keys(rate).map_err(|fault| file.mistake(fault))?;
    Ok(())
}

/// Chooses a share of the keys; false if it was interrupted.
fn quick(file: &mut ScenarioFile, runs: &Runs, args: &Args) -> Result<bool, CliError> {
    let silent = args.output.quiet;
    let cells = tune::grid(&file.scenario);
    let side = Side {
        file,
        need: file.scenario.need.as_ref(),
        runs,
        traces: Traces::kept(1),
        most: (cells.len() * tune::SAMPLES) as u64,
        threads: args.threads,
        limit: args.memory_limit,
        silent,
    };
    let threads = side.pool_with(Needs { streams: true, ..Needs::default() })?;
    let phase = Phase::open("a pilot on samples, to see which share of the keys is enough", silent);
    let chosen = threads.install(|| tune::quick(&mut file.scenario, &cells, runs, &phase));
    phase.end();
    Ok(chosen.map_err(|fault| file.mistake(fault))?)
}

/// Says why there is nothing to write.
fn nothing_finished(cells: &[tune::CellRun]) -> Status {
    let broken = cells.iter().flat_map(|cell| &cell.replications).find_map(|run| match run {
        Err(tune::Failure::Broken(message)) => Some(message),
        _ => None,
    });
    let Some(message) = broken else {
        terminal::note("interrupted before any cell was finished; nothing is written");
        return Status::Interrupted;
    };
    terminal::note(&format!("every run broke off and nothing is written; the first said: {message}"));
    Status::CellsFailed
}

/// The runs of this sweep that are done: those of one that was broken off, or none so far.
fn journal(
    file: &ScenarioFile,
    loaded: &source::Loaded,
    resume: bool,
    scenario_sha256: String,
    out: &Path,
) -> Result<Journal, CliError> {
    let sweep = Sweep {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        program: program(),
        scenario_sha256,
        settings: record::settings(&file.scenario.effective),
        tables: file.scenario.tables(),
        seed: file.scenario.seed,
        sample: file.scenario.sample.map(|rate| rate.to_string()),
        trace_sha256: loaded.about.as_ref().map(|about| about.sha256.clone()),
        requests: loaded.about.as_ref().map(|about| about.requests),
        cells: tune::grid(&file.scenario).len(),
        repeat: tune::replications(&file.scenario, &loaded.runs),
    };
    if resume {
        return Ok(Journal::resume(out, &sweep).map_err(anyhow::Error::from)?);
    }
    Ok(Journal::begin(out, &sweep))
}

/// SHA-256 of the file that this program was started from, even where another one has taken its place since; `None` where
/// it cannot be read.
fn program() -> Option<String> {
    let file = File::open("/proc/self/exe").or_else(|_| File::open(std::env::current_exe()?));
    record::sha256_of(file.ok()?).ok()
}

/// Says what of an earlier sweep lies in the output folder: what is moved aside, or cannot be read.
fn tell_before(journal: &Journal) {
    let path = journal.path().display();
    let runs = journal.left();
    if runs > 0 {
        terminal::note(&format!(
            "{runs} finished runs of a sweep that was broken off lie in {path}; --resume goes on from them, this sweep \
             begins anew and moves them to {ASIDE} beside it"
        ));
    }
    if let Some(Damaged { lines, first }) = journal.damaged() {
        terminal::note(&format!(
            "lines of {path} that cannot be read: {lines}, the first is line {first}; their runs are made again"
        ));
    }
}

/// Progress on the terminal, and the runs that are done in a file.
struct Kept {
    journal: Journal,
    phase: OnceLock<Phase>,
}

impl Progress for Kept {
    fn advanced(&self, requests: u64) {
        self.phase.get().iter().for_each(|phase| phase.advanced(requests));
    }

    fn run_done(&self) {
        self.phase.get().iter().for_each(|phase| phase.run_done());
    }

    fn stop(&self) -> bool {
        terminal::interrupted() || self.journal.has_failed()
    }

    fn known(&self, cell: usize, replication: usize) -> Option<Measurements> {
        self.journal.take(cell, replication)
    }

    fn measured(&self, cell: usize, replication: usize, measured: &Measurements) {
        self.journal.keep(cell, replication, measured);
    }
}

/// Runs all cells on as many threads as wanted and as memory allows, with progress on the terminal.
fn simulate(file: &ScenarioFile, runs: &Runs, args: &Args, kept: &Kept) -> Result<tune::Played, CliError> {
    let (scenario, silent) = (&file.scenario, args.output.quiet);
    let cells = tune::grid(scenario);
    let repeat = tune::replications(scenario, runs) as u64;
    let of_one = match runs {
        Runs::Recorded(trace) => trace.len() as u64,
        Runs::Synthetic(workload) => workload.expected_requests(),
    };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a count")]
    let requests = (of_one as f64 * repeat as f64 * scenario.sample.unwrap_or(1.0)) as u64;
    let count = cells.len() as u64 * repeat;
    let side = Side {
        file,
        need: scenario.need.as_ref(),
        runs,
        traces: Traces::of_sweep(cells.len() as u64, scenario.repeat),
        most: count,
        threads: args.threads,
        limit: args.memory_limit,
        silent,
    };
    let results = Results { runs: count, of_run: results(scenario, runs, of_one) };
    let threads = side.pool_with(Needs { results, streams: true, ..Needs::default() })?;
    // What was done before is not waited for.
    let left = count - kept.journal.len() as u64;
    let phase =
        Phase::begin("simulating", count, requests * cells.len() as u64 * left / count.max(1), silent);
    let phase = kept.phase.get_or_init(|| phase);
    let played = threads.install(|| tune::run(scenario, &cells, runs, kept));
    phase.end();
    played.map_err(|fault| file.refused(fault, "--sample"))
}

/// Finds what a run can afford beside its cells, of the strategy that is recommended, or else the baseline; `None` where no
/// limit has a meaning.
fn surface(
    file: &mut ScenarioFile,
    record: &Record,
    runs: &Runs,
    trace: &Arc<Trace>,
    args: &Args,
) -> Option<Beside> {
    let cells = tune::grid(&file.scenario);
    let is_baseline = |plan: &&CellPlan| file.scenario.strategies[plan.strategy].baseline;
    let recommended = record.scoring.winner.and_then(|winner| cells.get(winner));
    let plan = *recommended.or_else(|| cells.iter().find(is_baseline)).or_else(|| cells.first())?;
    let blocked = |why: String| Some(Beside::blocked(&plan, why));
    let outlook = match tune::Outlook::of(&file.scenario, &plan, trace) {
        Ok(outlook) => outlook?,
        Err(fault) => return blocked(fault.what),
    };
    if terminal::interrupted() {
        return blocked(tune::INTERRUPTED.to_owned());
    }
    // The cells are done, and whoever waits for them gets them, whatever keeps the rest from being played.
    let kept = match outlook.kept(&file.scenario, trace) {
        Ok(kept) => kept,
        Err(fault) => return blocked(fault.what),
    };
    let threads = match threads_of_surface(file, &outlook, kept, runs, trace, args) {
        Ok(threads) => threads,
        // How much was free is no part of a record.
        Err(error) => {
            terminal::note(&format!("no curve beyond the cells: {error}"));
            return blocked("there was not enough memory for it".to_owned());
        }
    };
    let phase = Phase::open("hits at other limits and TTLs", args.output.quiet);
    let found = threads.install(|| outlook.find(&mut file.scenario, runs, trace, &phase));
    phase.end();
    Some(found)
}

fn threads_of_surface(
    file: &ScenarioFile,
    outlook: &tune::Outlook,
    kept: f64,
    runs: &Runs,
    trace: &Arc<Trace>,
    args: &Args,
) -> Result<ThreadPool, CliError> {
    let scenario = &file.scenario;
    let beside = Needs {
        per_object: outlook.is_passes(scenario, trace).then_some(tune::PASS_PER_OBJECT),
        kept,
        streams: true,
        all_keys: true,
        ..Needs::default()
    };
    let side = Side {
        file,
        need: scenario.need.as_ref(),
        runs,
        traces: Traces::kept(1),
        most: u64::MAX,
        threads: args.threads,
        limit: args.memory_limit,
        // What it says was said of the cells.
        silent: true,
    };
    side.pool_with(beside)
}

/// Bytes that the results of a run take, over so many requests.
fn results(scenario: &Scenario, runs: &Runs, requests: u64) -> u64 {
    let (span, classes) = match runs {
        Runs::Recorded(trace) => (trace.span(), trace.objects().classes().len()),
        Runs::Synthetic(workload) => (workload.duration, workload.classes.len()),
    };
    let bucket = scenario.bucket.unwrap_or_else(|| tune::bucket_for(span));
    result_bytes(span, bucket, classes, requests)
}

/// A command that gives the same record again, whatever the threads or the output folder.
fn command(args: &Args, file: &ScenarioFile) -> String {
    // Without folders: a record tells no one's, and is the same wherever it is made.
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut command = format!("ttlab run {}", name(&args.scenario));
    if let Some(trace) = &args.trace {
        let _ = write!(command, " --trace {}", name(trace));
    }
    if args.seed.is_some() {
        let _ = write!(command, " --seed {}", file.scenario.seed);
    }
    if let Some(rate) = args.sample {
        let _ = write!(command, " --sample {rate}");
    }
    if args.quick {
        command += " --quick";
    }
    if args.strict {
        command += " --strict";
    }
    command
}

pub(super) fn tell(record: &Record, out: &Path, output: Output) {
    if output.json {
        terminal::result(&(report::brief_json(record) + "\n"));
        return;
    }
    if output.quiet {
        return;
    }
    for warning in &record.provenance.warnings {
        terminal::note(&format!("warning: {}", report::sentence(warning)));
    }
    for note in &record.provenance.notes {
        terminal::note(&format!("note: {}", report::sentence(note)));
    }
    if let Some(words) = report::clockless_words(record) {
        terminal::note(&format!("note: {words}"));
    }
    for words in report::sample_words(record) {
        terminal::note(&format!("sample: {words}"));
    }
    let width = terminal::width();
    terminal::table(&format!("{}\n{}", report::head(record, width), report::ranking(record, width)));
    terminal::result(&format!("{}\n", out.join("index.html").display()));
}

/// The exit status that a record deserves.
pub(super) fn status(record: &Record) -> Status {
    if terminal::interrupted() && record.cells.iter().any(|cell| cell.failed.is_some()) {
        return Status::Interrupted;
    }
    if record.cells.iter().any(|cell| cell.failed.is_some()) {
        return Status::CellsFailed;
    }
    let gates = record.cells.iter().all(|cell| cell.gates.values().all(|gate| gate.pass));
    let claims = record.expectations.iter().all(|claim| claim.met);
    if gates && claims { Status::Done } else { Status::GateFailed }
}
