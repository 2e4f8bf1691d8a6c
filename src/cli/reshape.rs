//! `ttlab trace convert`, `sample`, `slice` and `stretch`: one trace becomes another, request by request.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use anyhow::anyhow;

use super::{CliError, source, terminal};
use crate::catalog::one_of;
use crate::random::Seed;
use crate::trace::TraceError;
use crate::trace::export::{self, ExportError, Format, WRITABLE, Writer};
use crate::trace::format::TimeUnit;
use crate::trace::import::{Glob, Item, OTHER, Options, stream};
use crate::trace::shape::sample::Sampler;
use crate::trace::shape::slice::{Edge, Slice, Slicer};
use crate::trace::shape::stretch::{Stretch, TooLong};
use crate::units::SimDuration;

/// From where to where.
#[derive(Debug, clap::Args)]
pub(super) struct Files {
    /// The traces (files, patterns, or - for standard input), and last the file to write (- is standard output)
    #[arg(required = true, num_args = 2.., value_names = ["TRACE", "OUT"])]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    how: source::How,
    /// The format to write: csv, tsv or oracle-general; by default what the name says, or else csv
    #[arg(long, value_name = "FORMAT")]
    to: Option<String>,
    /// Add a column with the recorded origin times
    #[arg(long)]
    origin_times: bool,
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
    pipe(&args.files, |_, _| Kept(|_: &Item, _| true)).map(drop)
}

pub(super) fn sample(args: &Sample) -> Result<(), CliError> {
    let rate = args.rate;
    if !(rate > 0.0 && rate <= 1.0) {
        return Err(anyhow!("--rate is a part of all keys, above 0 and up to 1, but is {rate}").into());
    }
    let sampler = Sampler::new(rate, Seed::new(args.seed));
    let Some((read, kept)) = pipe(&args.files, |_, _| Kept(|item: &Item, _| sampler.keeps(&item.key)))?
    else {
        return Ok(());
    };
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
    if slice.is_backwards() {
        let (from, until) =
            (args.from.as_deref().unwrap_or_default(), args.until.as_deref().unwrap_or_default());
        return Err(anyhow!(
            "nothing lies between --from {from} and --until {until}; write the earlier time first"
        )
        .into());
    }
    pipe(&args.files, |_, _| Slicer::new(slice)).map(drop)
}

pub(super) fn stretch(args: &Faster) -> Result<(), CliError> {
    let rate = args.rate;
    if !(rate.is_finite() && rate > 0.0) {
        return Err(anyhow!("--rate is how many times as many requests come, above 0, but is {rate}").into());
    }
    pipe(&args.files, |options, seed| Stretch::new(rate, options.spread, seed)).map(drop)
}

/// What becomes of the records of a trace.
trait Change {
    /// Takes the next one and adds what is to be written; `first` is when the trace begins, in nanoseconds.
    fn push(&mut self, item: &Item, first: i64, out: &mut Vec<Item>) -> Result<(), TooLong>;

    /// Adds what is left.
    fn end(&mut self, _: &mut Vec<Item>) -> Result<(), TooLong> {
        Ok(())
    }
}

/// Some records stay as they are, and the others go.
struct Kept<F>(F);

impl<F: FnMut(&Item, i64) -> bool> Change for Kept<F> {
    fn push(&mut self, item: &Item, first: i64, out: &mut Vec<Item>) -> Result<(), TooLong> {
        if (self.0)(item, first) {
            out.push(item.clone());
        }
        Ok(())
    }
}

impl Change for Slicer {
    fn push(&mut self, item: &Item, first: i64, out: &mut Vec<Item>) -> Result<(), TooLong> {
        out.extend(self.take(item, first));
        Ok(())
    }
}

impl Change for Stretch {
    fn push(&mut self, item: &Item, _: i64, out: &mut Vec<Item>) -> Result<(), TooLong> {
        Self::push(self, item.clone(), out)
    }

    fn end(&mut self, out: &mut Vec<Item>) -> Result<(), TooLong> {
        Self::end(self, out)
    }
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
    TooLong(TooLong),
}

impl From<ExportError> for Broken {
    fn from(error: ExportError) -> Self {
        Self::Writing(error)
    }
}

impl From<TooLong> for Broken {
    fn from(error: TooLong) -> Self {
        Self::TooLong(error)
    }
}

impl From<TraceError> for Broken {
    fn from(error: TraceError) -> Self {
        Self::Reading(error)
    }
}

/// Records that are read before some go to files, where a trace must be read twice.
const ROWS_IN_MEMORY: usize = 1 << 22;

/// At most so many classes are named where none is the one asked for.
const NAMED_CLASSES: usize = 20;

/// Reads, changes and writes; how many records were read and written, or `None` if who read the output went away.
fn pipe<C: Change>(
    files: &Files,
    change: impl FnOnce(&Options, Seed) -> C,
) -> Result<Option<(u64, u64)>, CliError> {
    let (out, traces) =
        files.paths.split_last().ok_or_else(|| anyhow!("name a trace and the file to write"))?;
    let inputs = source::inputs(traces)?;
    let (options, seed) = source::trace_options(&files.how)?;
    let options = Options { spill: Some(source::spill(ROWS_IN_MEMORY)), ..options };
    let unwritten = |error: ExportError| CliError::from(anyhow!("{error}"));
    let asked = files.to.as_deref().map(writable).transpose()?;
    refuse_overwriting(out, traces)?;
    let (packing, format) = export::wanted(out, asked).map_err(unwritten)?;
    let mut writer = Writer::create(out, format, packing, files.origin_times).map_err(unwritten)?;
    let mut change = change(&options, seed);
    let (mut begin, mut end, mut read, mut kept) = (None, 0, 0_u64, 0_u64);
    let mut classes = BTreeSet::new();
    let mut changed = Vec::new();
    let mut write = |changed: &mut Vec<Item>| -> Result<(), Broken> {
        kept += changed.len() as u64;
        changed.drain(..).try_for_each(|item| Ok(writer.write(&item)?))
    };
    let streamed = stream(&inputs, &options, seed, |item| {
        let first = *begin.get_or_insert(item.time_ns);
        end = item.time_ns;
        read += 1;
        let class = item.class.as_deref().unwrap_or(OTHER);
        if classes.len() <= NAMED_CLASSES && !classes.contains(class) {
            classes.insert(class.to_owned());
        }
        change.push(item, first, &mut changed)?;
        write(&mut changed)
    });
    let streamed = streamed.and_then(|streamed| {
        change.end(&mut changed)?;
        write(&mut changed)?;
        Ok(streamed)
    });
    let streamed = match streamed {
        Ok(streamed) => streamed,
        Err(Broken::Reading(error)) => return Err(source::trace_error(error)),
        Err(Broken::Writing(error)) if error.is_closed_pipe() => return Ok(None),
        Err(Broken::Writing(error)) => return Err(unwritten(error)),
        Err(Broken::TooLong(error)) => return Err(anyhow!("{error}; name a higher --rate").into()),
    };
    if kept == 0 {
        let span = SimDuration::from_nanos(end.abs_diff(begin.unwrap_or(end)));
        return Err(nothing_kept(out, read, span, &classes));
    }
    let written = match writer.finish() {
        Err(error) if error.is_closed_pipe() => return Ok(None),
        other => other.map_err(unwritten)?,
    };
    let mut text = format!("{}: {} records of {} lines", export::shown(out), written.records, streamed.lines);
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
    Ok(Some((read, written.records)))
}

/// An empty trace would be refused by whatever reads it.
fn nothing_kept(out: &Path, read: u64, span: SimDuration, classes: &BTreeSet<String>) -> CliError {
    let named = classes.iter().take(NAMED_CLASSES).map(|class| format!("\"{class}\"")).collect::<Vec<_>>();
    let more = if classes.len() > NAMED_CLASSES { " and others" } else { "" };
    anyhow!(
        "nothing is left to write into {}: none of {read} records is kept; they span {span}, and their classes are {}{more}",
        export::shown(out),
        named.join(", ")
    )
    .into()
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
