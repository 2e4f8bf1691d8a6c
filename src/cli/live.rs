//! `ttlab live`: play a scenario against a real server, and write the same report.

use std::fmt::Write;
use std::sync::Arc;

use anyhow::anyhow;

use super::play::{PlayArgs, Prepared, is_tidy, left_behind, nothing_measured, play};
use super::terminal::{self, Phase};
use super::{CliError, Status, run};
use crate::live::load::{self, Kept, LimitedBy, Load, Search};
use crate::live::{self, Options};
use crate::record::{About, Record};
use crate::report;
use crate::trace::Trace;
use crate::units::SimDuration;

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
        return Ok(nothing_measured(&played, output));
    }
    let is_tidy = is_tidy(&played, output);
    let about = About { scenario_sha256: file.sha256(), command: args.play.command("live"), trace: about };
    let record = Record::of_live(&file.scenario, &trace, played, about);
    report::write(&record, &record.to_json(), &out).map_err(anyhow::Error::from)?;
    run::tell(&record, &out, output);
    Ok(left_behind(run::status(&record), is_tidy))
}

/// Searches for the highest rate, and tells every one that was tried.
fn benchmark(args: &Args, trace: &Arc<Trace>, options: &Options) -> Result<Status, CliError> {
    let load = Load { p99: args.p99, step: args.step, first: 1_000.0 };
    let trace = live::named(trace, options);
    let writes = load::undertaking(&trace, options, &load).map_err(|error| anyhow!(error))?;
    if !args.play.output.quiet {
        terminal::note(&writes);
    }
    let phase = Phase::open("trying higher rates of reads", args.play.output.quiet);
    let search = load::benchmark(&trace, options, &load, &phase);
    if search.as_ref().is_ok_and(|search| search.broken.is_none()) || terminal::interrupted() {
        phase.end();
    } else {
        phase.fail();
    }
    let search = match search {
        Ok(search) => search,
        Err(error) if terminal::interrupted() => {
            terminal::note(&error.to_string());
            return Ok(Status::Interrupted);
        }
        Err(error) => return Err(anyhow!(error).into()),
    };
    if let Some(why) = &search.broken {
        terminal::note(&format!("the search broke off: {why}"));
    }
    search.warnings.iter().for_each(|warning| terminal::note(&format!("warning: {warning}")));
    if search.is_stopped {
        if search.is_tidy {
            terminal::note("interrupted; the keys are removed");
        }
        return Ok(Status::Interrupted);
    }
    if args.play.output.json {
        terminal::result(&format!("{:#}\n", json(&search, &load)));
    } else if !args.play.output.quiet && (search.broken.is_none() || !search.steps.is_empty()) {
        terminal::result(&table(&search, &load));
    }
    let status = match (&search.broken, search.highest()) {
        (Some(_), _) if terminal::interrupted() => Status::Interrupted,
        // What was tried is told, and the server that it went to was written to.
        (Some(_), _) => Status::CellsFailed,
        (None, Some(_)) => Status::Done,
        (None, None) => Status::GateFailed,
    };
    Ok(left_behind(status, search.is_tidy))
}

/// The search as one JSON document.
fn json(search: &Search, load: &Load) -> serde_json::Value {
    if let Some(what) = search.broken.as_ref().filter(|_| search.steps.is_empty()) {
        return serde_json::json!({ "error": { "what": what, "warnings": search.warnings } });
    }
    serde_json::json!({
        "p99_limit_s": load.p99.as_secs_f64(),
        "highest_per_s": search.highest(),
        "limited_by": search.limited_by(),
        "broken": search.broken,
        "steps": search.steps,
    })
}

/// What was tried, and what came of it.
fn table(search: &Search, load: &Load) -> String {
    let mut out = format!("{:>10} {:>10} {:>9} {:>9}\n", "reads/s", "answered/s", "p50, ms", "p99, ms");
    for step in &search.steps {
        let word = match step.kept {
            Kept::Yes => "",
            Kept::TooSlow => "  too slow",
            Kept::ClientLimited => "  client-limited",
        };
        let (p50, p99) = (step.p50_s * 1e3, step.p99_s * 1e3);
        let _ = writeln!(out, "{:>10.0} {:>10.0} {p50:>9.2} {p99:>9.2}{word}", step.offered, step.answered);
    }
    let limit = load.p99;
    if search.broken.is_some() {
        let _ = match search.highest() {
            Some(rate) => writeln!(
                out,
                "The search broke off: at least {rate:.0} reads a second with a p99 under {limit}, and nothing is known of more."
            ),
            None => writeln!(out, "The search broke off before any rate kept the p99 under {limit}."),
        };
        return out;
    }
    let _ = match (search.highest(), search.limited_by()) {
        (Some(rate), Some(LimitedBy::Harness)) => writeln!(
            out,
            "At least {rate:.0} reads a second with a p99 under {limit}; beyond that the harness is the limit."
        ),
        (Some(rate), Some(LimitedBy::MaxRate)) => writeln!(
            out,
            "At least {rate:.0} reads a second with a p99 under {limit}; --max-rate allows no more."
        ),
        (Some(rate), _) => writeln!(out, "Up to {rate:.0} reads a second with a p99 under {limit}."),
        (None, Some(LimitedBy::Harness)) => {
            writeln!(
                out,
                "At the lowest rate the harness itself was too slow; nothing is known of the server."
            )
        }
        (None, _) => writeln!(out, "No rate that was tried keeps the p99 under {limit}."),
    };
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::load::Step;

    fn told(steps: &[(f64, Kept)], most: f64) -> (String, serde_json::Value) {
        let (text, json) = told_of(steps, most, None);
        (text, json["limited_by"].clone())
    }

    fn told_of(steps: &[(f64, Kept)], most: f64, broken: Option<String>) -> (String, serde_json::Value) {
        let step = |(offered, kept): &(f64, Kept)| Step {
            offered: *offered,
            answered: *offered,
            reads: 100,
            missing: 0,
            p50_s: 1e-4,
            p99_s: 2e-3,
            late_p99_s: 0.0,
            kept: *kept,
        };
        let steps = steps.iter().map(step).collect();
        let search = Search { steps, most, is_stopped: false, broken, warnings: Vec::new(), is_tidy: true };
        let load = Load { p99: SimDuration::from_millis(5), step: SimDuration::from_secs(5), first: 1_000.0 };
        let last = table(&search, &load).lines().last().unwrap().to_owned();
        (last, json(&search, &load))
    }

    #[test]
    fn a_search_that_broke_off_tells_what_was_tried_and_concludes_nothing() {
        let gone = || Some("the server went away".to_owned());
        let (text, json) = told_of(&[(1_000.0, Kept::Yes), (1_500.0, Kept::Yes)], 1e6, gone());
        assert!(text.contains("broke off: at least 1500 reads a second"), "{text}");
        assert_eq!(
            (&json["broken"], &json["highest_per_s"]),
            (&"the server went away".into(), &1_500.0.into())
        );
        assert_eq!(json["steps"].as_array().map(Vec::len), Some(2));
        let (text, _) = told_of(&[(1_000.0, Kept::TooSlow)], 1e6, gone());
        assert!(text.contains("broke off before any rate"), "{text}");
        let (_, json) = told_of(&[], 1e6, gone());
        assert_eq!(json["error"]["what"], "the server went away");
        let (_, json) = told_of(&[(1_000.0, Kept::Yes)], 1e6, None);
        assert!(json["broken"].is_null(), "{json}");
    }

    #[test]
    fn a_rate_that_only_the_user_limits_is_told_as_at_least() {
        let held = (20_000.0, Kept::Yes);
        let (text, json) = told(&[held], 20_000.0);
        assert_eq!(text, "At least 20000 reads a second with a p99 under 5ms; --max-rate allows no more.");
        assert_eq!(json, "max-rate");
        let (text, json) = told(&[held, (21_000.0, Kept::TooSlow)], 1e6);
        assert_eq!(
            (text.as_str(), json),
            ("Up to 20000 reads a second with a p99 under 5ms.", "server".into())
        );
        let (text, json) = told(&[held, (21_000.0, Kept::ClientLimited)], 1e6);
        assert!(text.ends_with("beyond that the harness is the limit.") && json == "harness", "{text}");
        let (text, json) = told(&[(10.0, Kept::ClientLimited)], 1e6);
        assert!(text.contains("nothing is known of the server") && json == "harness", "{text}");
        let (text, json) = told(&[(10.0, Kept::TooSlow)], 1e6);
        assert!(text.starts_with("No rate") && json == "server", "{text}");
    }
}
