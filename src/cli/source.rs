//! Reads what a command is pointed at: scenario files and recorded traces.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, anyhow};

use super::terminal::{self, Phase};
use super::{CliError, memory};
use crate::catalog::Fault;
use crate::random::Seed;
use crate::record::{self, Clock, TraceInfo};
use crate::scenario::{Scenario, ScenarioError, Source, trace_settings};
use crate::trace::import::{self, Digest, Import, Options, Provenance, Room, Skipped, Spill};
use crate::trace::{Trace, TraceError};
use crate::tune::{self, Runs};
use crate::units::{ByteSize, SimDuration};

/// A scenario with what is known of its file.
pub(super) struct ScenarioFile {
    /// As meant.
    pub(super) scenario: Scenario,
    /// As written.
    pub(super) text: String,
    /// Where it lies, as the user named it.
    pub(super) path: PathBuf,
}

impl ScenarioFile {
    /// SHA-256 of the text, hexadecimal.
    pub(super) fn sha256(&self) -> String {
        record::sha256(self.text.as_bytes())
    }

    /// The same for a command that plays all keys; a scenario that asks for a sample of them is refused.
    pub(super) fn of_all_keys(self, command: &str) -> Result<Self, CliError> {
        let Some(rate) = self.scenario.sample else { return Ok(self) };
        let other = if command == "ttlab tune" {
            "; for the trials of a search write sample in [tune]"
        } else if command == "ttlab curve" {
            "; for a curve give --sample"
        } else {
            ""
        };
        Err(anyhow!(
            "{} says sample = {rate}, which is for ttlab run: {command} plays all keys; leave sample out{other}",
            self.path.display()
        )
        .into())
    }

    /// A path that the scenario names, relative to its own folder.
    pub(super) fn resolve(&self, written: &str) -> PathBuf {
        self.path.parent().unwrap_or(Path::new("")).join(written)
    }
}

/// Reads a scenario.
pub(super) fn read_scenario(path: &Path) -> Result<ScenarioFile, CliError> {
    let shown = path.display();
    if path.is_dir() {
        return Err(anyhow!("{shown} is a folder; name the scenario file in it").into());
    }
    let bytes = std::fs::read(path).with_context(|| format!("the scenario {shown} cannot be read"))?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        anyhow!("{shown} is not a scenario: it is not UTF-8 text (byte {at} is no character)")
    })?;
    let scenario = Scenario::parse(&text, &shown.to_string())?;
    Ok(ScenarioFile { scenario, text, path: path.to_owned() })
}

impl ScenarioFile {
    /// A mistake that shows only once the trace is known, placed in the scenario's text.
    pub(super) fn mistake(&self, fault: Fault) -> ScenarioError {
        ScenarioError::new(&self.path.display().to_string(), &self.text, vec![fault])
    }

    /// The same for one that has no place of its own in the text: there it is told at the `sample` that is too small, and where
    /// the command line asks for it, with the `option` at fault.
    pub(super) fn refused(&self, fault: Fault, option: &str) -> CliError {
        if !fault.span.is_empty() {
            return self.mistake(fault).into();
        }
        if let Some(span) = &self.scenario.sample_span {
            return self.mistake(Fault { span: span.clone(), ..fault }).into();
        }
        let part = |name: &str, text: Option<String>| text.map(|text| format!("\n = {name}: {text}"));
        let parts = [part("rule", fault.rule), part("help", fault.help)].into_iter().flatten();
        anyhow!("{option}: {}{}", fault.what, parts.collect::<String>()).into()
    }
}

/// The requests of a scenario, ready to be played.
pub(super) struct Loaded {
    /// What to play.
    pub(super) runs: Runs,
    /// What the record tells of a recorded trace, where there will be one.
    pub(super) about: Option<TraceInfo>,
}

/// How the command line wants a trace to be read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading {
    /// Whether the first bad line is an error.
    pub(super) strict: bool,
    /// Whether requests go to disk early.
    pub(super) stream: bool,
    /// Whether they must be in memory, however many they are; a trace that does not fit is refused.
    pub(super) in_memory: bool,
    /// The memory that the command line allows; otherwise what is free.
    pub(super) limit: Option<ByteSize>,
    /// What it is read for.
    pub(super) purpose: Purpose,
}

/// What a trace is read for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A record, which tells of it: its digest, and how soon images are asked for again.
    Record,
    /// Figures alone.
    Figures,
}

/// Requests beyond so many are put on disk.
const ROWS_IN_MEMORY: usize = 1 << 24;

/// The same where streaming is asked for.
const STREAMED_ROWS: usize = 1 << 20;

/// Whether a part of the scenario looks at requests in another order than that of time.
fn looks_ahead(scenario: &Scenario) -> bool {
    scenario.cache.evictions.iter().any(|eviction| eviction.name() == "belady")
        || scenario.origin.latency.name() == "trace"
}

/// Whether every cell of a scenario is played without a clock where the trace is in memory.
fn needs_no_events(scenario: &Scenario) -> bool {
    tune::grid(scenario).iter().all(|plan| !tune::needs_events(scenario, plan.strategy, plan.eviction))
}

/// The memory that there is, with so much of it free and so much allowed; `None` where nobody knows.
pub(super) fn room(limit: Option<ByteSize>, free: Option<u64>) -> Option<Room> {
    let free = free.map(|bytes| Room { bytes, bound: Room::FREE });
    let allowed = limit.map(|limit| Room { bytes: limit.as_bytes(), bound: Room::ALLOWED });
    allowed.into_iter().chain(free).min_by_key(|room| room.bytes)
}

/// Whether requests of this scenario, so many of them, could lie on disk if `--stream` asked for it.
pub(super) fn can_stream(scenario: &Scenario, requests: usize) -> bool {
    requests > STREAMED_ROWS && !looks_ahead(scenario)
}

/// Where the requests of a scenario lie, with so much memory `free`: when they go to disk, and how much memory they may
/// take.
fn whereabouts(scenario: &Scenario, reading: Reading, free: Option<u64>) -> (Option<Spill>, Option<Room>) {
    let room = room(reading.limit, free);
    if reading.stream {
        (Some(spill(STREAMED_ROWS)), None)
    } else if reading.in_memory || looks_ahead(scenario) {
        (None, room)
    } else {
        // Without events a run is twice as fast, but looks at requests in any order. Half of the room is left to it.
        let half = room.map(|room| Room { bytes: room.bytes / 2, ..room });
        (Some(spill(ROWS_IN_MEMORY)), half.filter(|_| needs_no_events(scenario)))
    }
}

/// Reads the recorded trace of a scenario (`instead` of the one it names, if given), or takes its workload.
pub(super) fn load(
    file: &mut ScenarioFile,
    instead: Option<&Path>,
    reading: Reading,
    silent: bool,
) -> Result<Loaded, CliError> {
    let recorded = match (&file.scenario.source, instead) {
        (Source::Synthetic(_), None) if file.scenario.origin.latency.name() == "trace" => {
            let span = file.scenario.origin.latency.span();
            let fault = Fault::new(span, "latency model \"trace\" needs a recorded [trace]")
                .rule("a synthetic trace records no origin times")
                .help("write latency = { model = \"lognormal\", median = \"120ms\", sigma = 0.8 }");
            return Err(file.mistake(fault).into());
        }
        (Source::Synthetic(_), None) if reading.stream => {
            let scenario = file.path.display();
            return Err(anyhow!(
                "--stream has no use: {scenario} makes its requests itself, from a [workload]; leave it out"
            )
            .into());
        }
        (Source::Synthetic(workload), None) => {
            return Ok(Loaded { runs: Runs::Synthetic(Arc::clone(workload)), about: None });
        }
        (Source::Synthetic(_), Some(path)) => {
            let (trace, scenario) = (path.display(), file.path.display());
            return Err(anyhow!(
                "--trace {trace} has no use: {scenario} makes its requests itself, from a [workload]; give it a [trace] section"
            )
            .into());
        }
        (Source::Recorded(recorded), _) => recorded,
    };
    let path = match (instead, &recorded.path) {
        (Some(path), _) => path.to_owned(),
        (None, Some(written)) if written.get_ref() == "-" => PathBuf::from("-"),
        (None, Some(written)) => file.resolve(written.get_ref()),
        (None, None) => {
            let scenario = file.path.display();
            return Err(anyhow!(
                "{scenario} names no trace; add path = \"access.log\" to its [trace], or give --trace FILE"
            )
            .into());
        }
    };
    let mut options = recorded.options.clone();
    options.strict |= reading.strict;
    options.digest = match reading.purpose {
        Purpose::Record => Digest::Taken,
        Purpose::Figures => Digest::LeftOut,
    };
    (options.spill, options.room) = whereabouts(&file.scenario, reading, memory::available());
    let seed = Seed::new(file.scenario.seed).of("spread");
    let inputs = import::inputs(&path).map_err(trace_error)?;
    let names: Vec<String> = inputs.iter().take(3).map(ToString::to_string).collect();
    let more = if inputs.len() > names.len() {
        format!(" and {} more", inputs.len() - names.len())
    } else {
        String::new()
    };
    let phase = Phase::open(&format!("reading {}{more}", names.join(", ")), silent);
    let imported = import::open_all(&inputs, &options, seed);
    let Import { trace, provenance, .. } = imported.map_err(|error| {
        phase.fail();
        trace_error(error)
    })?;
    phase.end();
    if file.scenario.warmup >= trace.span() && !file.scenario.warmup.is_zero() {
        let (warmup, span) = (file.scenario.warmup, trace.span());
        return Err(anyhow!(
            "warmup ({warmup}) leaves nothing of {} to score, which lasts {span}; shorten the warmup",
            path.display()
        )
        .into());
    }
    file.scenario.check_buckets(trace.span()).map_err(|fault| file.mistake(fault))?;
    if !silent {
        terminal::note(&read(&provenance));
    }
    file.scenario.warnings.extend(warnings(&provenance));
    let about = (reading.purpose == Purpose::Record).then(|| about(&path, &trace, &provenance));
    Ok(Loaded { runs: Runs::Recorded(Arc::new(trace)), about })
}

/// All that these paths name: files, patterns, standard input.
pub(super) fn inputs(paths: &[PathBuf]) -> Result<Vec<import::Input>, CliError> {
    import::all_inputs(paths).map_err(trace_error)
}

/// How a trace is to be read that is not played.
#[derive(Debug, clap::Args)]
pub(super) struct How {
    /// Read as the trace section of this scenario says (its class rules too), instead of by the defaults
    #[arg(long, value_name = "SCENARIO", conflicts_with_all = ["format", "set"])]
    scenario: Option<PathBuf>,
    /// The format, instead of a guess: its name, or a table with its parameters, such as
    /// `'{ format = "nginx", log_format = "$msec $request_time $uri" }'`
    #[arg(long, value_name = "FORMAT")]
    format: Option<String>,
    /// Another key of a scenario's trace section, such as 'columns = { time = "ts", key = "url" }'; may be repeated
    #[arg(long, value_name = "KEY = VALUE")]
    set: Vec<String>,
    /// Refuse the traces at their first line that cannot be read
    #[arg(long)]
    strict: bool,
}

/// How a trace is to be read (as a scenario or the command line says, else by the defaults), and the seed that spreads its
/// seconds.
pub(super) fn trace_options(how: &How) -> Result<(Options, Seed), CliError> {
    let (mut options, seed) = match &how.scenario {
        None => {
            let format = how.format.as_ref().map(|format| {
                let is_name = !format.trim_start().starts_with('{');
                let value =
                    if is_name { toml::Value::from(format.as_str()).to_string() } else { format.clone() };
                format!("format = {value}")
            });
            let lines: Vec<String> = format.into_iter().chain(how.set.iter().cloned()).collect();
            (trace_settings(&lines.join("\n"), "--format and --set")?.options, 1)
        }
        Some(path) => {
            let file = read_scenario(path)?;
            let Source::Recorded(recorded) = &file.scenario.source else {
                let shown = path.display();
                return Err(
                    anyhow!("{shown} has no [trace] section that could say how to read a trace").into()
                );
            };
            (recorded.options.clone(), file.scenario.seed)
        }
    };
    options.strict |= how.strict;
    Ok((options, Seed::new(seed).of("spread")))
}

/// Files for what is more than `rows` in the folder for temporary ones.
pub(super) fn spill(rows: usize) -> Spill {
    Spill { folder: std::env::temp_dir(), rows }
}

/// A trace that cannot be read, with what to do about it.
#[expect(clippy::needless_pass_by_value, reason = "handed to map_err, which gives it away")]
pub(super) fn trace_error(error: TraceError) -> CliError {
    let help = error.help();
    anyhow!("{error}\n = help: {help}").into()
}

/// What was read, and what was left out, in a few lines.
fn read(provenance: &Provenance) -> String {
    let Provenance { file, format, format_was_guessed, kept, lines, skipped, backward_steps, .. } =
        provenance;
    let guessed = if *format_was_guessed { " (guessed from the content)" } else { "" };
    let mut text = format!("{file}: {format}{guessed}, {kept} requests in {lines} lines");
    for (reason, skipped) in skipped {
        let _ =
            write!(text, "\n  left out {}: {reason}, first in line {}", skipped.count, skipped.first_line);
    }
    if *backward_steps > 0 {
        let late = SimDuration::from_nanos(provenance.max_lateness_ns);
        let _ = write!(
            text,
            "\n  put into the order of time: {backward_steps} earlier than the line before, late by up to {late}"
        );
    }
    text
}

/// What the user should be told at once: lines that were no sound requests.
fn warnings(provenance: &Provenance) -> Vec<String> {
    let bad = provenance.skipped.iter().filter(|(_, skipped)| skipped.is_bad);
    bad.map(|(reason, skipped)| {
        let Skipped { count, first_line, example, .. } = skipped;
        format!(
            "{count} lines of {} were left out ({reason}), first line {first_line}: {example}",
            provenance.file
        )
    })
    .collect()
}

/// When a trace began, if its times are those of a clock.
fn clock(provenance: &Provenance) -> Option<Clock> {
    let most = provenance.offsets.iter().max_by_key(|(_, lines)| **lines);
    let utc_offset_s = most.and_then(|(offset, _)| offset_s(offset)).unwrap_or(0);
    provenance.began().map(|first| Clock { first_unix_s: first as f64 / 1e9, utc_offset_s })
}

/// The seconds of an offset such as `-0400`.
fn offset_s(text: &str) -> Option<i32> {
    let (sign, digits) = match text.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let number: i32 = digits.parse().ok()?;
    Some(sign * (number / 100 * 3_600 + number % 100 * 60))
}

/// What a record tells of a recorded trace. The file is named without its folder: a record tells no one's folders.
fn about(path: &Path, trace: &Trace, provenance: &Provenance) -> TraceInfo {
    let name = path
        .file_name()
        .map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned());
    let guessed = if provenance.format_was_guessed { ", format guessed" } else { "" };
    let skipped = provenance.skipped.iter();
    TraceInfo {
        source: format!("{name} ({}, {}{guessed})", provenance.format, provenance.compression),
        recorded: true,
        requests: trace.len() as u64,
        objects: trace.objects().len() as u64,
        unique_bytes: trace.objects().total_bytes(),
        span_s: trace.span().as_secs_f64(),
        sha256: provenance.sha256.clone(),
        skipped: skipped.clone().map(|(reason, skipped)| (reason.clone(), skipped.count)).collect(),
        skipped_first: skipped
            .map(|(reason, skipped)| {
                (reason.clone(), format!("line {}: {}", skipped.first_line, skipped.example))
            })
            .collect(),
        imputed_size_share: provenance.imputed_share().unwrap_or(0.0),
        notes: provenance.notes.clone(),
        clock: clock(provenance),
        reuse: Some(record::reuse(trace)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scenario(origin: &str, more: &str) -> Scenario {
        let text = format!(
            "name = \"t\"\n[trace]\n[origin]\nlatency = {{ model = \"constant\", value = \"{origin}\" }}\n\
             [cache]\ncapacity = \"1MiB\"\nreclaim = \"lazy\"\nmemory = \"payload\"\n{more}\n\
             [[strategy]]\nname = \"x\"\nttl = \"none\"\n"
        );
        Scenario::parse(&text, "t.toml").unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn requests_lie_where_they_are_played_best_and_there_is_room() {
        let reading = Reading {
            strict: false,
            stream: false,
            in_memory: false,
            limit: None,
            purpose: Purpose::Figures,
        };
        let on_disk = |rows| Some(spill(rows));
        let room = |bytes| Some(Room { bytes, bound: "free" });
        let instant = scenario("0s", "eviction = [\"lru\", \"fifo\"]");
        // Without a clock they stay in memory while half of it holds them; else a part of them does.
        assert_eq!(whereabouts(&instant, reading, Some(1 << 40)), (on_disk(1 << 24), room(1 << 39)));
        assert_eq!(whereabouts(&instant, reading, None), (on_disk(1 << 24), None));
        for slow in [scenario("1ms", "eviction = \"lru\""), scenario("0s", "eviction = [\"lru\", \"sieve\"]")]
        {
            assert_eq!(whereabouts(&slow, reading, Some(1 << 40)), (on_disk(1 << 24), None));
        }
        let streamed = Reading { stream: true, ..reading };
        assert_eq!(whereabouts(&instant, streamed, Some(1 << 40)), (on_disk(1 << 20), None));
        // Whoever looks ahead takes all there is, and no more than is allowed.
        let ahead = scenario("1ms", "eviction = [\"lru\", \"belady\"]");
        let limited = Reading { limit: Some(ByteSize::from_bytes(1 << 20)), ..reading };
        let all = Reading { in_memory: true, ..limited };
        let allowed = Some(Room { bytes: 1 << 20, bound: "allowed (--memory-limit)" });
        assert_eq!(whereabouts(&ahead, reading, Some(1 << 30)), (None, room(1 << 30)));
        assert_eq!(whereabouts(&ahead, limited, Some(1 << 30)), (None, allowed));
        assert_eq!(whereabouts(&instant, all, Some(1 << 30)), (None, allowed));
        assert_eq!(whereabouts(&instant, all, Some(1 << 10)), (None, room(1 << 10)));
        assert_eq!(whereabouts(&instant, limited, Some(1 << 10)), (on_disk(1 << 24), room(1 << 9)));
    }
}
