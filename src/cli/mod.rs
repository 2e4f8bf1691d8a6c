//! The command line: one file per subcommand; all printing is in `terminal`.

mod cluster;
mod compare;
mod completions;
mod curve;
mod drill;
mod error;
mod explain;
mod fit;
mod form;
mod generate;
mod growth;
mod list;
mod live;
mod memory;
mod play;
mod pool;
mod report;
mod reshape;
mod run;
mod signal;
mod size;
mod source;
mod terminal;
mod trace;
mod tune;
mod validate;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub use error::{CliError, Status};

/// Which TTL strategy, how much memory, and what happens when the popular key expires?
///
/// ttlab replays a recorded or a synthetic trace of image requests against a model of Redis with
/// TTLs, scores hit ratio, memory and stampedes for every strategy of a scenario, and writes a
/// report that can be attached to a capacity decision.
#[derive(Debug, Parser)]
#[command(name = "ttlab", version, max_term_width = 100, arg_required_else_help = true)]
#[command(before_help = "Example:\n  ttlab run scenarios/quickstart.toml")]
#[command(after_help = "\
Exit status:
  0    done
  1    a gate or an expectation of the scenario failed; results are written
  2    the input was wrong; nothing is written
  3    some cells failed; what was finished is written and marked
  130  interrupted; what was finished is written and marked")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::Args),
    Tune(tune::Args),
    Curve(curve::Args),
    Size(size::Args),
    Growth(growth::Args),
    Drill(drill::Args),
    Cluster(cluster::Args),
    Explain(explain::Args),
    Live(live::Args),
    Validate(validate::Args),
    List(list::Args),
    Trace(trace::Args),
    Report(report::Args),
    Compare(compare::Args),
    Completions(completions::Args),
    Man(completions::Man),
}

/// How much a command says.
#[derive(Debug, Clone, Copy, clap::Args)]
struct Output {
    /// Print neither progress nor results; the exit status and the files tell the rest
    #[arg(long, short)]
    quiet: bool,
    /// Print one JSON document on standard output instead of text, errors included
    #[arg(long)]
    json: bool,
}

/// Runs the command that the process's arguments name.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return terminal::usage(&error),
    };
    terminal::heed_interrupts();
    let (output, result) = match cli.command {
        Command::Run(args) => (args.output, run::run(&args)),
        Command::Tune(args) => (args.output, tune::run(&args)),
        Command::Curve(args) => (args.output, curve::run(&args)),
        Command::Size(args) => (args.output, size::run(&args)),
        Command::Growth(args) => (args.output, growth::run(&args)),
        Command::Drill(args) => (args.output, drill::run(&args)),
        Command::Cluster(args) => (args.output, cluster::run(&args)),
        Command::Explain(args) => (Output { quiet: false, json: args.json }, explain::run(&args)),
        Command::Live(args) => (args.play.output, live::run(&args)),
        Command::Validate(args) => (args.play.output, validate::run(&args)),
        Command::List(args) => (Output { quiet: false, json: args.json }, list::run(&args)),
        Command::Trace(args) => (Output { quiet: false, json: args.json() }, trace::run(&args)),
        Command::Compare(args) => (Output { quiet: false, json: args.json }, compare::run(&args)),
        Command::Completions(args) => (Output { quiet: false, json: false }, Ok(completions::run(&args))),
        Command::Man(args) => (Output { quiet: false, json: false }, completions::man(&args)),
        Command::Report(args) => (args.output, report::run(&args)),
    };
    match result {
        Ok(status) => status.into(),
        Err(error) => terminal::failed(&error, output),
    }
}

/// Where a run's files go if the command line does not say.
fn default_folder(name: &str) -> PathBuf {
    PathBuf::from("reports").join(name)
}
