//! `ttlab completions` and `ttlab man`: what a shell and a reader of manuals want, made from the same definitions.

use clap::CommandFactory;
use clap_complete::Shell;

use super::{Cli, CliError, Status, terminal};

/// Print completions for a shell
#[derive(Debug, clap::Args)]
#[command(
    before_help = "Example:\n  ttlab completions bash > ~/.local/share/bash-completion/completions/ttlab"
)]
pub(super) struct Args {
    /// The shell
    shell: Shell,
}

/// Print the manual page
#[derive(Debug, clap::Args)]
#[command(before_help = "Examples:\n  ttlab man | man -l -\n  ttlab man trace stat | man -l -")]
pub(super) struct Man {
    /// The page of this command instead of the one of ttlab itself, such as `run` or `trace stat`
    command: Vec<String>,
}

pub(super) fn run(args: &Args) -> Status {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "ttlab", &mut text);
    terminal::result(&String::from_utf8_lossy(&text));
    Status::Done
}

pub(super) fn man(args: &Man) -> Result<Status, CliError> {
    let mut all = Cli::command();
    all.build();
    let (mut command, mut title) = (&all, "ttlab".to_owned());
    // A name may come as one word in quotes.
    for name in args.command.iter().flat_map(|words| words.split_whitespace()) {
        command = command.find_subcommand(name).ok_or_else(|| {
            let names: Vec<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
            let called = title.replacen('-', " ", 1);
            match names.as_slice() {
                [] => anyhow::anyhow!("{called} has no commands of its own, so there is no \"{name}\" in it"),
                names => anyhow::anyhow!(
                    "no command of {called} is called \"{name}\"; there are {}",
                    names.join(", ")
                ),
            }
        })?;
        title = format!("{title}-{name}");
    }
    let page = clap_mangen::Man::new(command.clone()).title(title);
    let mut text = Vec::new();
    page.render(&mut text).map_err(anyhow::Error::from)?;
    terminal::result(&String::from_utf8_lossy(&text));
    Ok(Status::Done)
}
