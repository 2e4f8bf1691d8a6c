//! `ttlab tune`: search for better settings of a strategy, and write the plan.

use std::fmt::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::anyhow;

use super::pool::Side;
use super::source::{self, ScenarioFile};
use super::terminal::{self, Phase};
use super::{CliError, Output, Status, default_folder};
use crate::report;
use crate::report::tuned::{Place, Plan};
use crate::scenario::Traces;
use crate::tune::{self, Budget, Ended, Progress, Runs, Unfinished, Watch};
use crate::units::{ByteSize, SimDuration};

/// Search for better settings of a strategy, and write what to use
///
/// The scenario's [tune] section says what may vary, what is looked for and what must be kept. Settings are tried until
/// the budget is spent; the best of them are played again on fresh seeds beside the baseline, so that the winner is not
/// the luckiest. The output folder holds scenario.toml (the winner, with the comments of the original), redis.conf,
/// ttls.csv, tuning.json (all of it) and index.html. The last line printed is the page's path.
///
/// With a budget of runs the result is the same on any number of threads; with --time it depends on the machine.
#[derive(Debug, clap::Args)]
#[command(before_help = "Examples:
  ttlab tune scenarios/tune-ttls.toml
  ttlab tune scenarios/tune-ttls.toml --runs 200 --sampler random
  ttlab tune scenario.toml --trace access.log.gz --time 3m")]
#[command(after_help = "Exit status:
  0    done, whether something better was found or not
  1    nothing that was found keeps every constraint; the plan is written
  2    the input was wrong; nothing is written
  130  interrupted; nothing is written")]
pub(super) struct Args {
    /// The scenario file, with a [tune] section
    scenario: PathBuf,
    /// Play this trace instead of the one that the scenario names
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
    /// Write the plan to this folder [default: reports/NAME-tuned]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Try this many settings (counted as whole traces) instead of the scenario's runs
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000), conflicts_with = "time")]
    runs: Option<u32>,
    /// Try settings for half of this time, and leave the other half to the finals
    #[arg(long, value_name = "DURATION")]
    time: Option<SimDuration>,
    /// Search with this sampler (see `ttlab list sampler`) instead of the scenario's
    #[arg(long, value_name = "NAME")]
    sampler: Option<String>,
    /// Use this seed instead of the scenario's
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Use this many threads [default: one per processor]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
    /// Take no more than this much memory, such as 2GiB: fewer runs at once, or a refusal [default: what is free]
    #[arg(long, value_name = "SIZE")]
    memory_limit: Option<ByteSize>,
    /// Refuse the trace at its first line that cannot be read, instead of counting such lines
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    pub(super) output: Output,
}

pub(super) fn run(args: &Args) -> Result<Status, CliError> {
    let mut file = source::read_scenario(&args.scenario)?.of_all_keys("ttlab tune")?;
    if let Some(seed) = args.seed {
        file.scenario.reseed(seed);
    }
    apply(args, &mut file)?;
    let out = args.out.clone().unwrap_or_else(|| default_folder(&format!("{}-tuned", file.scenario.name)));
    report::check_folder(&out).map_err(anyhow::Error::from)?;
    terminal::catch_interrupts();
    let silent = args.output.quiet;
    // Trials read the trace many times, so it stays in memory where it fits.
    let reading = source::Reading {
        strict: args.strict,
        stream: false,
        in_memory: false,
        limit: args.memory_limit,
        purpose: source::Purpose::Figures,
    };
    let loaded = source::load(&mut file, args.trace.as_deref(), reading, silent)?;
    let classes = match &loaded.runs {
        Runs::Recorded(trace) => trace.objects().classes().to_vec(),
        Runs::Synthetic(_) => file.scenario.classes.clone(),
    };
    let scenario = &file.scenario;
    // The trials' traces stay, and the finals make one more at a time; a drill of a finalist is a sweep of one cell.
    let is_drilled = scenario.tune.as_ref().is_some_and(|tuning| tuning.drills);
    let of_finals = if is_drilled { Traces::of_sweep(1, scenario.repeat) } else { Traces::kept(1) };
    let traces = of_finals.beside(scenario.repeat);
    let side = Side {
        file: &file,
        need: scenario.need.as_ref(),
        runs: &loaded.runs,
        traces,
        most: u64::MAX,
        threads: args.threads,
        limit: args.memory_limit,
        silent,
    };
    let pool = side.pool()?;
    let tuned = match searched(args, &file, &loaded.runs, &pool) {
        Ok(tuned) => tuned,
        Err(Unfinished::Stopped) => {
            terminal::note("interrupted before the search had a result; nothing is written");
            return Ok(Status::Interrupted);
        }
        Err(Unfinished::Wrong(fault)) => return Err(file.mistake(fault).into()),
        Err(Unfinished::TooShort) => {
            let time = args.time.unwrap_or_default();
            return Err(anyhow!(
                "{time} is over before a single setting was played; give more --time, or a shorter trace"
            )
            .into());
        }
        Err(Unfinished::NoDrill(why)) => {
            let shown = args.scenario.display();
            return Err(anyhow!("{shown}: [tune] says drills = true, but {why}").into());
        }
        Err(Unfinished::NonePlayed(why)) => {
            return Err(anyhow!("no setting could be played; the first reason: {why}").into());
        }
    };
    let status = if tuned.ended == Ended::NoneKeeps { Status::GateFailed } else { Status::Done };
    let place = Place { from: &args.scenario, to: &out, trace: args.trace.as_deref() };
    let plan = Plan::new(&file.scenario, &file.text, tuned, &classes, &place, command(args))
        .map_err(|error| anyhow!("the result cannot be written into {}: {error}", args.scenario.display()))?;
    report::write_all(plan.files(), &out).map_err(anyhow::Error::from)?;
    tell(&plan, &file, args.output, &out.join(report::PAGE));
    Ok(status)
}

/// Takes over what the command line says of the search.
fn apply(args: &Args, file: &mut ScenarioFile) -> Result<(), CliError> {
    let shown = args.scenario.display();
    let Some(tuning) = &mut file.scenario.tune else {
        let example = "[tune]\nvary = [{ path = \"cache.capacity\", from = \"64MiB\", to = \"1GiB\", scale = \"log\" }]";
        return Err(anyhow!(
            "{shown} has no [tune] section that says what may vary; add one, such as\n{example}"
        )
        .into());
    };
    tuning.runs = args.runs.unwrap_or(tuning.runs);
    if let Some(name) = &args.sampler {
        tuning.sampler = tune::sampler(name).map_err(|fault| {
            let rule = fault.rule.unwrap_or_default();
            let help = fault.help.map_or_else(String::new, |help| format!("; {help}"));
            anyhow!("--sampler: {} ({rule}){help}", fault.what)
        })?;
    }
    // What the sampler makes of the budget is found out before the trace is read.
    if let Err(fault) = tuning.sampler.make(&tuning.setup()) {
        let help = fault.help.map_or_else(String::new, |help| format!("; {help}"));
        return Err(anyhow!("{}{help}", fault.what).into());
    }
    Ok(())
}

/// A search that ends by the clock.
struct Timed {
    phase: Phase,
    end: Option<Instant>,
}

impl Progress for Timed {
    fn advanced(&self, requests: u64) {
        self.phase.advanced(requests);
    }

    fn run_done(&self) {
        self.phase.run_done();
    }

    fn stop(&self) -> bool {
        self.phase.stop()
    }
}

impl Watch for Timed {
    fn is_over(&self) -> bool {
        #[expect(clippy::disallowed_methods, reason = "the command line may read a clock")]
        self.end.is_some_and(|end| Instant::now() >= end)
    }
}

fn searched(
    args: &Args,
    file: &ScenarioFile,
    runs: &Runs,
    pool: &rayon::ThreadPool,
) -> Result<tune::Tuned, Unfinished> {
    let scenario = &file.scenario;
    let tuning = scenario.tune.as_ref().expect("what has no [tune] was refused");
    let (repeat, requests) = match runs {
        Runs::Recorded(trace) => (1, trace.len() as u64),
        Runs::Synthetic(workload) => (scenario.repeat, workload.expected_requests()),
    };
    let trials = u64::from(tuning.runs) * u64::from(repeat);
    let finals = u64::from(tuning.finalists.min(tuning.runs) + 1) * u64::from(tuning.fresh);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a count")]
    let of_trial = (requests as f64 * tuning.sample.unwrap_or(1.0)) as u64;
    let all = trials * of_trial + finals * requests;
    let phase = Phase::begin("tuning", trials + finals, all, args.output.quiet);
    #[expect(clippy::disallowed_methods, reason = "the command line may read a clock")]
    let end = args.time.map(|time| Instant::now() + Duration::from_nanos(time.as_nanos() / 2));
    let budget = if end.is_some() { Budget::Time } else { Budget::Runs };
    let watch = Timed { phase, end };
    let tuned = pool.install(|| tune::tune(scenario, runs, budget, &watch));
    watch.phase.end();
    tuned
}

/// A command that gives the same plan again, whatever the threads or the output folder.
fn command(args: &Args) -> String {
    let name = |path: &std::path::Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut command = format!("ttlab tune {}", name(&args.scenario));
    let mut add = |flag: &str, value: Option<String>| {
        if let Some(value) = value {
            let _ = write!(command, " {flag} {value}");
        }
    };
    add("--trace", args.trace.as_deref().map(name));
    add("--runs", args.runs.map(|runs| runs.to_string()));
    add("--time", args.time.map(|time| time.to_string()));
    add("--sampler", args.sampler.clone());
    add("--seed", args.seed.map(|seed| seed.to_string()));
    if args.strict {
        command += " --strict";
    }
    command
}

fn tell(plan: &Plan, file: &ScenarioFile, output: Output, page: &std::path::Path) {
    if output.json {
        terminal::result(&(plan.json() + "\n"));
        return;
    }
    if output.quiet {
        return;
    }
    for warning in &file.scenario.warnings {
        terminal::note(&format!("warning: {warning}"));
    }
    terminal::table(&plan.text(terminal::width()));
    terminal::result(&format!("{}\n", page.display()));
}
