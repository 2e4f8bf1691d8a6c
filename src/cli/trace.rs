//! `ttlab trace`: look at recorded traces before they are played.

use std::path::PathBuf;

use anyhow::Context;
use comfy_table::{ContentArrangement, Table, presets};

use super::{CliError, Status, fit, generate, reshape, source, terminal};
use crate::random::Seed;
use crate::report;
use crate::trace::import::{self, Head, Options};
use crate::trace::profile::{Profile, render};

/// Look at a recorded trace before it is played
#[derive(Debug, clap::Args)]
#[command(before_help = "Examples:\n  ttlab trace head access.log.xz\n  ttlab trace stat access.log.xz")]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Describe a trace: requests, objects, popularity, sizes, rates, reuse, and what it is fit for
    ///
    /// Counts every line that is no request by reason, with the first example; previews the hit
    /// ratio of fixed and sliding TTLs in an unlimited cache; and says in sentences what cannot be
    /// concluded from this trace.
    #[command(before_help = "Example:\n  ttlab trace stat access.log.xz --html stat.html")]
    Stat {
        #[command(flatten)]
        input: Input,
        /// Write a page with charts into this file as well
        #[arg(long, value_name = "FILE")]
        html: Option<PathBuf>,
    },
    /// Write a trace in another format: csv, tsv or oracle-general, packed as the name says
    ///
    /// Writes the requests that a scenario would play, ordered by time, with memory for a few minutes of
    /// them. The file appears whole or not at all.
    #[command(before_help = "Example:\n  ttlab trace convert access.log.xz requests.csv.zst")]
    Convert(reshape::Convert),
    /// Keep all requests of some keys, chosen by a hash: a smaller trace with the same reuse
    ///
    /// Simulate the sample with caches of as small a part of the size. This is the spatial sampling of
    /// SHARDS.
    #[command(before_help = "Example:\n  ttlab trace sample access.log.xz sample.csv.zst --rate 0.1")]
    Sample(reshape::Sample),
    /// Keep a part of a trace by time, keys or classes
    #[command(before_help = "Example:\n  ttlab trace slice access.log.xz night.csv --from 2h --until 5h")]
    Slice(reshape::Cut),
    /// Let the same requests come at another rate
    #[command(before_help = "Example:\n  ttlab trace stretch access.log.xz doubled.csv --rate 2")]
    Stretch(reshape::Faster),
    /// Make the requests of a scenario's workload and write them: csv, tsv or oracle-general
    ///
    /// Writes what the first replication of the scenario would play, with memory for its objects alone. The
    /// same scenario and seed give the same bytes.
    #[command(before_help = "Example:\n  ttlab trace generate scenarios/quickstart.toml -o requests.csv.zst")]
    Generate(generate::Args),
    /// Measure a trace and print a scenario whose workload is like it
    ///
    /// Measures classes, popularity, sizes, the rate over time, what is asked for once, uploads and how soon
    /// requests repeat others. The scenario can be shared and scaled up without the log.
    #[command(before_help = "Example:\n  ttlab trace fit access.log.xz > fitted.toml")]
    Fit(fit::Args),
    /// Show the first records of a trace as they are read, before any filter
    #[command(before_help = "Example:\n  ttlab trace head access.log.xz -n 5")]
    Head {
        #[command(flatten)]
        input: Input,
        /// How many records to show
        #[arg(short = 'n', long, value_name = "N", default_value_t = 10)]
        lines: usize,
    },
}

/// A trace of more rows is described from disk: its figures need memory for objects alone.
const ROWS_IN_MEMORY: usize = 1 << 22;

#[derive(Debug, clap::Args)]
struct Input {
    /// The trace: an access log, a table or a recording, plain or compressed (gzip, zstd, xz); - is
    /// standard input, and several files or a pattern are one trace, merged by time
    #[arg(required = true)]
    trace: Vec<PathBuf>,
    #[command(flatten)]
    how: source::How,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Args {
    pub(super) fn json(&self) -> bool {
        match &self.command {
            Command::Stat { input, .. } | Command::Head { input, .. } => input.json,
            Command::Generate(_)
            | Command::Fit(_)
            | Command::Convert(_)
            | Command::Sample(_)
            | Command::Slice(_)
            | Command::Stretch(_) => false,
        }
    }
}

pub(super) fn run(args: &Args) -> Result<Status, CliError> {
    match &args.command {
        Command::Stat { input, html } => {
            let (options, seed) = options(input)?;
            let options = Options { spill: Some(source::spill(ROWS_IN_MEMORY)), ..options };
            let import = import::open_all(&inputs(input)?, &options, seed).map_err(source::trace_error)?;
            let profile = Profile::of(&import);
            if let Some(file) = html {
                let shown = file.display();
                let written = std::fs::write(file, report::profile_page(&profile));
                written.with_context(|| format!("the page {shown} cannot be written"))?;
            }
            terminal::result(&if input.json { as_json(&profile)? } else { render(&profile) });
        }
        Command::Generate(args) => generate::generate(args)?,
        Command::Fit(args) => fit::fit(args)?,
        Command::Convert(args) => reshape::convert(args)?,
        Command::Sample(args) => reshape::sample(args)?,
        Command::Slice(args) => reshape::slice(args)?,
        Command::Stretch(args) => reshape::stretch(args)?,
        Command::Head { input, lines } => {
            let (options, _) = options(input)?;
            for from in inputs(input)? {
                let head = import::open_head(&from, &options, *lines).map_err(source::trace_error)?;
                terminal::result(&if input.json { as_json(&head)? } else { table(&head, &from) });
            }
        }
    }
    Ok(Status::Done)
}

/// All that the arguments name.
fn inputs(input: &Input) -> Result<Vec<import::Input>, CliError> {
    source::inputs(&input.trace)
}

/// How the trace is to be read, and the seed that spreads its seconds.
fn options(input: &Input) -> Result<(Options, Seed), CliError> {
    source::trace_options(&input.how)
}

fn as_json(value: &impl serde::Serialize) -> Result<String, CliError> {
    Ok(serde_json::to_string_pretty(value).map_err(anyhow::Error::from)? + "\n")
}

fn table(head: &Head, from: &import::Input) -> String {
    let guessed = if head.format_was_guessed { " (guessed)" } else { "" };
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(head.columns.clone());
    for row in &head.rows {
        table.add_row(row);
    }
    let lines = table.lines().map(|line| line.trim_end().to_owned() + "\n").collect::<String>();
    format!("{}: {}{guessed}, {}\n{lines}", from, head.format, head.compression)
}
