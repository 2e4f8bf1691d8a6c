//! The only place that prints: results to standard output, progress, warnings and errors to standard error.

#![expect(clippy::print_stderr, reason = "this is where the program speaks to its user")]

use std::ffi::OsString;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clap::error::{ContextKind, ContextValue};
use indicatif::{ProgressBar, ProgressStyle};

use super::{CliError, Output, signal};
use crate::live::stop_servers;
use crate::trace::export::unfinished;
use crate::tune::Progress;

/// Columns that a table may have where the width of the terminal is unknown.
const DEFAULT_WIDTH: usize = 100;

/// Writes a result to standard output. A reader that went away (a closed pipe) is no error.
pub(super) fn result(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Writes a table to standard output, with colours where a person looks at it.
pub(super) fn table(text: &str) {
    #[expect(clippy::disallowed_methods, reason = "the command line may read its environment")]
    let variable = |name| std::env::var(name).ok();
    let colours = wants_colours(
        std::io::stdout().is_terminal(),
        variable("NO_COLOR").as_deref(),
        variable("TERM").as_deref(),
    );
    if colours { result(&coloured(text)) } else { result(text) }
}

/// Whether to use colours: on a terminal that has them, unless `NO_COLOR` is set and not empty (<https://no-color.org>).
fn wants_colours(terminal: bool, no_color: Option<&str>, term: Option<&str>) -> bool {
    terminal && no_color.is_none_or(str::is_empty) && term != Some("dumb")
}

/// The same text with its words of judgement in colour; nothing is said by colour alone.
fn coloured(text: &str) -> String {
    const GREEN: &str = "\u{1b}[32m";
    const RED: &str = "\u{1b}[31m";
    const BOLD: &str = "\u{1b}[1m";
    const PLAIN: &str = "\u{1b}[0m";
    let line = |line: &str| {
        if line.starts_with("Use ") || line.starts_with("Keep ") {
            return format!("{BOLD}{line}{PLAIN}");
        }
        let words = [("FAIL", RED), ("  pass  ", GREEN)];
        words.iter().fold(line.to_owned(), |line, (word, colour)| {
            line.replace(word, &format!("{colour}{word}{PLAIN}"))
        })
    };
    text.lines().map(|text| line(text) + "\n").collect()
}

/// Tells the user something that is not the result.
pub(super) fn note(text: &str) {
    // Of a terminal that was closed nobody reads it.
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Tells of an error and gives the exit status.
pub(super) fn failed(error: &CliError, output: Output) -> ExitCode {
    if output.json {
        result(&(as_json(error) + "\n"));
    } else {
        eprintln!("{error}");
    }
    ExitCode::from(2)
}

/// Tells of wrong usage, or prints the help that was asked for.
pub(super) fn usage(error: &clap::Error) -> ExitCode {
    // Nothing of the arguments was understood but what stands among them.
    if error.use_stderr() && asks_for_json(std::env::args_os()) {
        result(&(usage_as_json(error) + "\n"));
        return ExitCode::from(2);
    }
    // A closed pipe is no error.
    let _ = error.print();
    ExitCode::from(if error.use_stderr() { 2 } else { 0 })
}

/// Whether `--json` is among the options of a command line.
fn asks_for_json(arguments: impl Iterator<Item = OsString>) -> bool {
    arguments.take_while(|argument| argument != "--").any(|argument| argument == "--json")
}

/// The first paragraph of what the parser says is what is wrong, the others are tips and how to use the command.
fn usage_as_json(error: &clap::Error) -> String {
    let value = match error.get(ContextKind::InvalidValue) {
        Some(ContextValue::String(value)) => Some(value),
        _ => None,
    };
    let text = error.render().to_string();
    let one_line = |part: &str| part.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut parts = text.trim().split("\n\n").map(one_line);
    let what = parts.next().unwrap_or_default();
    let what = what.strip_prefix("error: ").unwrap_or(&what);
    let help = parts.collect::<Vec<_>>().join(" ");
    serde_json::json!({ "error": { "value": value, "what": what, "help": help } }).to_string()
}

fn as_json(error: &CliError) -> String {
    let body = match error {
        CliError::Scenario(scenario) => scenario.mistakes.first().map(|mistake| {
            serde_json::json!({
                "file": mistake.file, "line": mistake.line, "column": mistake.column, "value": mistake.value,
                "what": mistake.what, "rule": mistake.rule, "help": mistake.help,
            })
        }),
        CliError::Other(other) => Some(serde_json::json!({ "what": format!("{other:#}") })),
    };
    serde_json::json!({ "error": body }).to_string()
}

/// How wide a table may be.
pub(super) fn width() -> usize {
    #[expect(clippy::disallowed_methods, reason = "the command line may read its environment")]
    let told = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    told.or_else(|| terminal_size::terminal_size().map(|(width, _)| usize::from(width.0)))
        .unwrap_or(DEFAULT_WIDTH)
}

/// A closed terminal, or `timeout`, asks the program and then its group: what comes so soon is the same request.
const AT_ONCE: Duration = Duration::from_secs(1);

/// Whether the user has asked to stop.
static INTERRUPTED: AtomicBool = AtomicBool::new(false);
/// Whether a command looks whether the user has.
static ARE_RUNS_STOPPED: AtomicBool = AtomicBool::new(false);

/// From now on Ctrl-C and the other requests to end (see [`signal`]) end the program, and of a file that is being
/// written nothing stays.
pub(super) fn heed_interrupts() {
    signal::each(|| {
        static FIRST: OnceLock<Instant> = OnceLock::new();
        #[expect(clippy::disallowed_methods, reason = "requests of a user are told apart by the real clock")]
        let since = FIRST.get_or_init(Instant::now).elapsed();
        let is_first = !INTERRUPTED.swap(true, Ordering::SeqCst);
        if !ARE_RUNS_STOPPED.load(Ordering::SeqCst) || (!is_first && since > AT_ONCE) {
            leave();
        }
    });
}

/// From now on such a request stops the runs and lets the program write what is finished; another, a second later, ends it
/// at once.
pub(super) fn catch_interrupts() {
    ARE_RUNS_STOPPED.store(true, Ordering::SeqCst);
}

fn leave() {
    stop_servers();
    unfinished::remove_all();
    #[expect(
        clippy::exit,
        clippy::disallowed_methods,
        reason = "the user insists, and files are whole or absent"
    )]
    std::process::exit(130);
}

/// Whether the user has asked to stop.
pub(super) fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::SeqCst)
}

/// A bar on a terminal; silent elsewhere and where asked.
pub(super) struct Phase {
    bar: Option<ProgressBar>,
    runs: u64,
    done: std::sync::atomic::AtomicU64,
}

impl Phase {
    /// Begins a phase of `runs` runs over `requests` requests in all.
    pub(super) fn begin(title: &str, runs: u64, requests: u64, silent: bool) -> Self {
        let on_terminal = std::io::stderr().is_terminal();
        let bar = (on_terminal && !silent).then(|| {
            let bar = ProgressBar::new(requests);
            let style = ProgressStyle::with_template(
                "{prefix} {bar:30} {percent:>3} % · {msg} · {per_sec} requests · {eta} left",
            );
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.set_prefix(title.to_owned());
            bar.set_message(format!("0 of {runs} runs"));
            bar.enable_steady_tick(Duration::from_millis(250));
            bar
        });
        Self { bar, runs, done: 0.into() }
    }

    /// Ends the phase.
    pub(super) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

impl Progress for Phase {
    fn advanced(&self, requests: u64) {
        if let Some(bar) = &self.bar {
            bar.inc(requests);
        }
    }

    fn run_done(&self) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        if let Some(bar) = &self.bar {
            bar.set_message(format!("{done} of {} runs", self.runs));
        }
    }

    fn stop(&self) -> bool {
        interrupted()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_for_terminals_whose_owner_wants_them() {
        assert!(wants_colours(true, None, Some("xterm")) && wants_colours(true, Some(""), None));
        assert!(!wants_colours(false, None, Some("xterm")), "a pipe");
        assert!(!wants_colours(true, Some("1"), None) && !wants_colours(true, None, Some("dumb")));
    }

    #[test]
    fn json_is_asked_for_among_the_options() {
        let asks = |line: &str| asks_for_json(line.split(' ').map(OsString::from));
        assert!(asks("ttlab compare a b --json --fail-on x:1") && asks("ttlab compare --json"));
        assert!(!asks("ttlab compare a b") && !asks("ttlab compare -- --json b"), "a name is no option");
    }

    #[test]
    fn colour_changes_no_word() {
        let text = "1  a  pass  0.9\n    FAIL a: too much\nUse a.\nKeep a.\n";
        let shown = coloured(text);
        assert!(shown.contains("\u{1b}[31mFAIL"));
        assert!(shown.contains("\u{1b}[1mUse a.") && shown.contains("\u{1b}[1mKeep a."));
        let codes = ["\u{1b}[32m", "\u{1b}[31m", "\u{1b}[1m", "\u{1b}[0m"];
        assert_eq!(codes.iter().fold(shown, |shown, code| shown.replace(code, "")), text);
    }
}
