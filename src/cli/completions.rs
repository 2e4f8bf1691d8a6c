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
#[command(before_help = "Example:\n  ttlab man | man -l -")]
pub(super) struct Man {
    /// The page of this command instead of the one of ttlab itself
    command: Option<String>,
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
    let page = match &args.command {
        None => clap_mangen::Man::new(all),
        Some(name) => {
            let found = all.find_subcommand(name).cloned();
            let command = found.ok_or_else(|| {
                let names: Vec<&str> = all.get_subcommands().map(clap::Command::get_name).collect();
                anyhow::anyhow!("no command is called \"{name}\"; there are {}", names.join(", "))
            })?;
            clap_mangen::Man::new(command).title(format!("ttlab-{name}"))
        }
    };
    let mut text = Vec::new();
    page.render(&mut text).map_err(anyhow::Error::from)?;
    terminal::result(&String::from_utf8_lossy(&text));
    Ok(Status::Done)
}
