//! `ttlab trace`: look at recorded traces before they are played.

use std::path::{Path, PathBuf};

use comfy_table::{ContentArrangement, Table, presets};

use super::{CliError, Status, source, terminal};
use crate::random::Seed;
use crate::scenario::Source;
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
    #[command(before_help = "Example:\n  ttlab trace stat access.log.xz")]
    Stat(Input),
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

#[derive(Debug, clap::Args)]
struct Input {
    /// The trace: an access log or a table, plain or compressed (gzip, zstd, xz)
    trace: PathBuf,
    /// Read it as the trace section of this scenario says, instead of by the defaults
    #[arg(long, value_name = "SCENARIO")]
    scenario: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Refuse the trace at its first line that cannot be read
    #[arg(long)]
    strict: bool,
}

impl Args {
    pub(super) fn json(&self) -> bool {
        match &self.command {
            Command::Stat(input) | Command::Head { input, .. } => input.json,
        }
    }
}

pub(super) fn run(args: &Args) -> Result<Status, CliError> {
    match &args.command {
        Command::Stat(input) => {
            let (options, seed) = options(input)?;
            let import = import::open(&input.trace, &options, seed).map_err(source::trace_error)?;
            let profile = Profile::of(&import);
            terminal::result(&if input.json { as_json(&profile)? } else { render(&profile) });
        }
        Command::Head { input, lines } => {
            let (options, _) = options(input)?;
            let head = import::open_head(&input.trace, &options, *lines).map_err(source::trace_error)?;
            terminal::result(&if input.json { as_json(&head)? } else { table(&head, &input.trace) });
        }
    }
    Ok(Status::Done)
}

/// How the trace is to be read, and the seed that spreads its seconds.
fn options(input: &Input) -> Result<(Options, Seed), CliError> {
    let (mut options, seed) = match &input.scenario {
        None => (Options::default(), 1),
        Some(path) => {
            let file = source::read_scenario(path)?;
            let Source::Recorded(recorded) = &file.scenario.source else {
                let shown = path.display();
                return Err(anyhow::anyhow!(
                    "{shown} has no [trace] section that could say how to read a trace"
                )
                .into());
            };
            (recorded.options.clone(), file.scenario.seed)
        }
    };
    options.strict |= input.strict;
    Ok((options, Seed::new(seed).of("spread")))
}

fn as_json(value: &impl serde::Serialize) -> Result<String, CliError> {
    Ok(serde_json::to_string_pretty(value).map_err(anyhow::Error::from)? + "\n")
}

fn table(head: &Head, path: &Path) -> String {
    let guessed = if head.format_was_guessed { " (guessed)" } else { "" };
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(head.columns.clone());
    for row in &head.rows {
        table.add_row(row);
    }
    let lines = table.lines().map(|line| line.trim_end().to_owned() + "\n").collect::<String>();
    format!("{}: {}{guessed}, {}\n{lines}", path.display(), head.format, head.compression)
}
