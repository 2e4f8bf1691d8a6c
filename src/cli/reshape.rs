//! `ttlab trace convert`, `sample`, `slice` and `stretch`: one trace becomes another, request by request.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use anyhow::anyhow;

use super::{CliError, source, terminal};
use crate::catalog::one_of;
use crate::random::Seed;
use crate::trace::TraceError;
use crate::trace::export::{self, ExportError, Format, WRITABLE, Writer};
use crate::trace::format::TimeUnit;
use crate::trace::import::{Glob, Item, stream};
use crate::trace::shape::sample::Sampler;
use crate::trace::shape::slice::{Edge, Slice};
use crate::trace::shape::stretch::Stretch;
use crate::units::SimDuration;

/// From where to where.
#[derive(Debug, clap::Args)]
pub(super) struct Files {
    /// The traces (files, patterns, or - for standard input), and last the file to write
    #[arg(required = true, num_args = 2.., value_names = ["TRACE", "OUT"])]
    paths: Vec<PathBuf>,
    /// Read the traces as the trace section of this scenario says, instead of by the defaults
    #[arg(long, value_name = "SCENARIO")]
    scenario: Option<PathBuf>,
    /// The format to write: csv, tsv or oracle-general; by default what the name says, or else csv
    #[arg(long, value_name = "FORMAT")]
    to: Option<String>,
    /// Add a column with the recorded origin times
    #[arg(long)]
    origin_times: bool,
    /// Refuse the traces at their first line that cannot be read
    #[arg(long)]
    strict: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct Convert {
    #[command(flatten)]
    files: Files,
}

#[derive(Debug, clap::Args)]
pub(super) struct Sample {
    #[command(flatten)]
    files: Files,
    /// The part of all keys that is kept, above 0 and up to 1
    #[arg(long)]
    rate: f64,
    /// Which keys: another seed keeps others
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[derive(Debug, clap::Args)]
pub(super) struct Cut {
    #[command(flatten)]
    files: Files,
    /// The first instant: a time since the first request (2h) or a date (2026-03-29T12:00:00Z)
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// The instant before which it ends
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// A pattern of keys, such as '/thumbs/**'; several keep what fits any
    #[arg(long, value_name = "PATTERN")]
    key: Vec<String>,
    /// A class, by the rules of the scenario or as recorded; several keep any of them
    #[arg(long, value_name = "NAME")]
    class: Vec<String>,
}

#[derive(Debug, clap::Args)]
pub(super) struct Faster {
    #[command(flatten)]
    files: Files,
    /// How many times as many requests come in a second
    #[arg(long)]
    rate: f64,
}

pub(super) fn convert(args: &Convert) -> Result<(), CliError> {
    pipe(&args.files, |item, _| Some(item)).map(drop)
}

pub(super) fn sample(args: &Sample) -> Result<(), CliError> {
    let rate = args.rate;
    if !(rate > 0.0 && rate <= 1.0) {
        return Err(anyhow!("--rate is a part of all keys, above 0 and up to 1, but is {rate}").into());
    }
    let sampler = Sampler::new(rate, Seed::new(args.seed));
    let (read, kept) = pipe(&args.files, |item, _| Some(item).filter(|item| sampler.keeps(&item.key)))?;
    let share = kept as f64 / read.max(1) as f64;
    terminal::note(&format!(
        "a cache of {rate} times the size behaves as the whole one; {share:.4} of the requests are kept, and what they \
         are more or less than {rate} is the share of hot keys"
    ));
    Ok(())
}

pub(super) fn slice(args: &Cut) -> Result<(), CliError> {
    let keys = args.key.iter().map(|text| {
        Glob::new(text).map_err(|wrong| CliError::from(anyhow!("--key {text} is no pattern: {wrong}")))
    });
    let slice = Slice {
        from: args.from.as_deref().map(|text| edge("--from", text)).transpose()?,
        until: args.until.as_deref().map(|text| edge("--until", text)).transpose()?,
        keys: keys.collect::<Result<_, _>>()?,
        classes: args.class.clone(),
    };
    if slice == Slice::default() {
        return Err(anyhow!("nothing says what to keep; add --from, --until, --key or --class").into());
    }
    pipe(&args.files, |item, first| Some(item).filter(|item| slice.keeps(item, first))).map(drop)
}

pub(super) fn stretch(args: &Faster) -> Result<(), CliError> {
    let rate = args.rate;
    if !(rate.is_finite() && rate > 0.0) {
        return Err(anyhow!("--rate is how many times as many requests come, above 0, but is {rate}").into());
    }
    let stretch = Stretch { rate };
    pipe(&args.files, |item, first| Some(Item { time_ns: stretch.time(item.time_ns, first), ..item }))
        .map(drop)
}

/// A time since the first request, or a date.
fn edge(option: &str, text: &str) -> Result<Edge, CliError> {
    if let Ok(span) = text.parse::<SimDuration>() {
        return Ok(Edge::After(span));
    }
    let date = TimeUnit::Iso8601.parse(text.as_bytes());
    date.map(|(ns, _)| Edge::At(ns)).ok_or_else(|| {
        anyhow!(
            "{option} {text} is neither a time since the first request (2h) nor a date (2026-03-29T12:00:00Z)"
        )
        .into()
    })
}

/// What can go wrong on the way.
enum Broken {
    Reading(TraceError),
    Writing(ExportError),
}

impl From<TraceError> for Broken {
    fn from(error: TraceError) -> Self {
        Self::Reading(error)
    }
}

/// Reads, changes and writes; how many records were read and written. `change` is told when the trace begins.
fn pipe(files: &Files, mut change: impl FnMut(Item, i64) -> Option<Item>) -> Result<(u64, u64), CliError> {
    let (out, traces) =
        files.paths.split_last().ok_or_else(|| anyhow!("name a trace and the file to write"))?;
    let inputs = source::inputs(traces)?;
    let (options, _) = source::trace_options(files.scenario.as_deref(), files.strict)?;
    let (packing, named) = export::by_name(out);
    let format = match &files.to {
        None => named.unwrap_or(Format::Csv),
        Some(name) => writable(name)?,
    };
    refuse_overwriting(out, traces)?;
    let unwritten = |error: ExportError| CliError::from(anyhow!("{error}"));
    let mut writer = Writer::create(out, format, packing, files.origin_times).map_err(unwritten)?;
    let (mut first, mut read) = (None, 0_u64);
    let streamed = stream(&inputs, &options, |item| {
        let first = *first.get_or_insert(item.time_ns);
        read += 1;
        match change(item.clone(), first) {
            Some(item) => writer.write(&item).map_err(Broken::Writing),
            None => Ok(()),
        }
    });
    let streamed = streamed.map_err(|broken| match broken {
        Broken::Reading(error) => source::trace_error(error),
        Broken::Writing(error) => unwritten(error),
    })?;
    let written = writer.finish().map_err(unwritten)?;
    let mut text = format!("{}: {} records of {} lines", out.display(), written.records, streamed.lines);
    if !streamed.left_out.is_empty() {
        let _ = write!(text, "\n  left out: {}", streamed.left_out);
    }
    if streamed.is_timeless {
        text += "\n  the recording has no times: those written are a second apart";
    }
    for note in streamed.notes.iter().chain(&written.notes) {
        let _ = write!(text, "\n  {note}");
    }
    terminal::note(&text);
    Ok((read, written.records))
}

pub(super) fn writable(name: &str) -> Result<Format, CliError> {
    let found = WRITABLE.iter().find(|(known, _)| *known == name);
    found.map(|(_, format)| *format).ok_or_else(|| {
        anyhow!(
            "--to {name} cannot be written; there are: {}",
            one_of(WRITABLE.iter().map(|(name, _)| *name))
        )
        .into()
    })
}

/// A trace that is read must not be written over.
fn refuse_overwriting(out: &Path, traces: &[PathBuf]) -> Result<(), CliError> {
    let same = |trace: &&PathBuf| {
        let real = |path: &Path| path.canonicalize().ok();
        real(out).is_some() && real(out) == real(trace)
    };
    match traces.iter().find(same) {
        Some(trace) => {
            Err(anyhow!("{} is read and cannot be written at once; name another file", trace.display())
                .into())
        }
        None => Ok(()),
    }
}
