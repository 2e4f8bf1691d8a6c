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
    terminal::result(&script(args.shell));
    Status::Done
}

/// The completions for a shell, in its own language.
fn script(shell: Shell) -> String {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "ttlab", &mut text);
    String::from_utf8_lossy(&text).into_owned()
}

pub(super) fn man(args: &Man) -> Result<Status, CliError> {
    terminal::result(&page(&args.command)?);
    Ok(Status::Done)
}

/// The manual page of the command with these names, or of ttlab itself.
fn page(names: &[String]) -> Result<String, CliError> {
    let mut all = Cli::command();
    all.build();
    let (mut command, mut title) = (&all, "ttlab".to_owned());
    // A name may come as one word in quotes.
    for name in names.iter().flat_map(|words| words.split_whitespace()) {
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
    Ok(String::from_utf8_lossy(&text).into_owned())
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    /// The names of every command and of what it has below it, from the outermost on.
    fn commands(below: &clap::Command, names: &[String]) -> Vec<Vec<String>> {
        let each = |command: &clap::Command| {
            let path = [names, &[command.get_name().to_owned()]].concat();
            [vec![path.clone()], commands(command, &path)].concat()
        };
        below.get_subcommands().flat_map(each).collect()
    }

    #[test]
    fn every_shell_completes_every_command() {
        let all = commands(&Cli::command(), &[]);
        assert!(all.len() > 20, "{all:?}");
        for shell in Shell::value_variants() {
            let text = script(*shell);
            for path in &all {
                let name = path.last().unwrap();
                let known =
                    text.split(|c: char| !(c.is_alphanumeric() || c == '-' || c == '_')).any(|word| {
                        // Shells write the path in a word of their own: `ttlab__subcmd__trace`, `ttlab__trace`.
                        word == name || word.ends_with(&format!("__{name}"))
                    });
                assert!(known, "{shell} does not complete {}", path.join(" "));
            }
        }
    }

    #[test]
    fn the_manual_has_a_page_for_every_command_and_names_those_below() {
        let whole = Cli::command();
        for path in [vec![Vec::new()], commands(&whole, &[])].concat() {
            let text = page(&path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
            let title = [&["ttlab".to_owned()], path.as_slice()].concat().join("-");
            assert!(text.contains(&format!(".TH {title}")), "{path:?}: {}", &text[..200]);
            let below = path.iter().fold(&whole, |command, name| command.find_subcommand(name).unwrap());
            for command in below.get_subcommands() {
                // A hyphen is escaped in the language of manual pages.
                let name = command.get_name().replace('-', "\\-");
                assert!(text.contains(&format!("\\-{name}(")), "the page of {title} leaves out {name}");
            }
        }
    }
}
