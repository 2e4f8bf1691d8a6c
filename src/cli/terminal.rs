//! The only place that prints: results to standard output, progress, warnings and errors to standard error.

#![expect(clippy::print_stderr, reason = "this is where the program speaks to its user")]

use std::ffi::OsString;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use clap::error::{ContextKind, ContextValue};
use indicatif::{HumanCount, HumanDuration, ProgressBar, ProgressState, ProgressStyle};

use super::{CliError, Output, signal};
use crate::live::{owed, stop_servers};
use crate::record::{RecordError, Trouble};
use crate::report::cleaned;
use crate::trace::export::unfinished;
use crate::tune::Progress;

/// Columns that a table may have where the width of the terminal is unknown.
const DEFAULT_WIDTH: usize = 100;

/// Writes a result to standard output. A reader that went away (a closed pipe) is no error.
pub(super) fn result(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// A variable of the environment.
#[expect(clippy::disallowed_methods, reason = "the command line may read its environment")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Writes a table to standard output, with colours where a person looks at it.
pub(super) fn table(text: &str) {
    let colours = wants_colours(
        std::io::stdout().is_terminal(),
        variable("NO_COLOR").as_deref(),
        variable("TERM").as_deref(),
    );
    let text = readable(text);
    if colours { result(&coloured(&text)) } else { result(&text) }
}

/// A text as this terminal can show it: nothing in it moves the cursor, and signs have the form that its locale knows.
fn readable(text: &str) -> String {
    let text = cleaned(text);
    let named = ["LC_ALL", "LC_CTYPE", "LANG"].map(variable);
    if is_unicode(named.each_ref().map(Option::as_deref)) { text } else { in_ascii(&text) }
}

/// Whether the locale is one of UTF-8, by the first of `LC_ALL`, `LC_CTYPE` and `LANG` that says something (POSIX,
/// "Environment Variables"). Containers and other systems often set none of them and show everything.
fn is_unicode(named: [Option<&str>; 3]) -> bool {
    let locale = named.into_iter().flatten().find(|name| !name.is_empty());
    locale.is_none_or(|name| ["utf-8", "utf8"].iter().any(|utf| name.to_ascii_lowercase().ends_with(utf)))
}

/// The signs of the tables in characters that every terminal has, each as wide as before. Where a sign follows an arrow,
/// it says all that the arrow says.
fn in_ascii(text: &str) -> String {
    const SIGNS: [(char, char); 21] = [
        ('▲', '+'),
        ('▼', '-'),
        ('≈', '~'),
        ('★', '*'),
        ('—', '-'),
        ('–', '-'),
        ('·', '|'),
        ('×', 'x'),
        ('…', '~'),
        ('µ', 'u'),
        ('±', '~'),
        ('≥', '>'),
        ('≤', '<'),
        ('▁', '_'),
        ('▂', '.'),
        ('▃', '-'),
        ('▄', '~'),
        ('▅', '+'),
        ('▆', '='),
        ('▇', '*'),
        ('█', '#'),
    ];
    let text = text.replace("▲ +", "  +").replace("▼ -", "  -").replace("±0", "+0");
    let ascii = |c: char| SIGNS.iter().find(|(sign, _)| *sign == c).map_or(c, |(_, ascii)| *ascii);
    text.chars().map(ascii).collect()
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
    let _ = writeln!(std::io::stderr(), "{}", readable(text));
}

/// Tells of an error and gives the exit status.
pub(super) fn failed(error: &CliError, output: Output) -> ExitCode {
    if output.json {
        result(&(as_json(error) + "\n"));
    } else {
        eprintln!("{}", cleaned(&error.to_string()));
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
        CliError::Other(other) => Some(match other.downcast_ref::<RecordError>() {
            Some(record) => {
                let advice = Some(other.to_string()).filter(|advice| *advice != record.to_string());
                of_record(record, advice.as_deref())
            }
            None => serde_json::json!({ "what": format!("{other:#}") }),
        }),
    };
    serde_json::json!({ "error": body }).to_string()
}

/// A record that cannot be read has a place, as a mistake in a scenario has, and may have advice.
pub(super) fn of_record(error: &RecordError, advice: Option<&str>) -> serde_json::Value {
    let Trouble { file, place, what } = error.trouble();
    serde_json::json!({
        "file": file.map(|file| file.display().to_string()),
        "line": place.map(|(line, _)| line), "column": place.map(|(_, column)| column),
        "what": what, "help": advice,
    })
}

/// How wide a table may be.
pub(super) fn width() -> usize {
    let told = variable("COLUMNS").and_then(|columns| columns.parse().ok());
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
/// at once, with a line that says what stays on a server.
pub(super) fn catch_interrupts() {
    ARE_RUNS_STOPPED.store(true, Ordering::SeqCst);
}

fn leave() {
    if let Some(left) = owed() {
        note(&left);
    }
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

/// A bar on a terminal; elsewhere a line at the start, one in every minute of runs and one at the end; silent where asked.
pub(super) struct Phase {
    bar: Option<ProgressBar>,
    /// What the last line begins with, and since when; `None` where there is none.
    lines: Option<(String, Instant)>,
    /// How many runs there are, and how many requests they have; `None` where nobody knows.
    runs: Option<(u64, u64)>,
    done: AtomicU64,
    requests: AtomicU64,
    /// Minutes of which a line has told.
    minutes: AtomicU64,
}

/// How fast it goes and what is left of it; nothing before a second of work tells.
fn pace(elapsed: Duration, per_second: f64, left: Duration) -> String {
    if elapsed < Duration::from_secs(1) || !(1.0..1e18).contains(&per_second) {
        return String::new();
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "within the numbers of a count"
    )]
    let rate = HumanCount(per_second.round() as u64);
    format!(" · {rate} requests/s · {:#} left", HumanDuration(left))
}

/// The minute of which a line is to tell: one that is over, if none has told of it.
fn due(minutes: &AtomicU64, since_start: Duration) -> Option<u64> {
    let minute = since_start.as_secs() / 60;
    // Of all threads that see the minute begin, the first tells.
    (minutes.load(Ordering::Relaxed) < minute && minutes.fetch_max(minute, Ordering::Relaxed) < minute)
        .then_some(minute)
}

/// The real time, by which a user is told how long something took.
#[expect(clippy::disallowed_methods, reason = "the command line may read a clock")]
fn now() -> Instant {
    Instant::now()
}

impl Phase {
    /// Begins a phase of `runs` runs over `requests` requests in all.
    pub(super) fn begin(title: &str, runs: u64, requests: u64, silent: bool) -> Self {
        let plural = |count: u64| if count == 1 { "" } else { "s" };
        let first = format!("{title}: {runs} run{}, {requests} request{}", plural(runs), plural(requests));
        let bar = || {
            let bar = ProgressBar::new(requests);
            let style = ProgressStyle::with_template("{prefix} {bar:30} {percent:>3} % · {msg}{pace}");
            let told = |state: &ProgressState, out: &mut dyn std::fmt::Write| {
                let _ = out.write_str(&pace(state.elapsed(), state.per_sec(), state.eta()));
            };
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).with_key("pace", told));
            bar.set_prefix(title.to_owned());
            bar.set_message(format!("0 of {runs} runs"));
            bar
        };
        Self::shown(title, &first, Some((runs, requests)), silent, bar)
    }

    /// Begins a phase of which nobody knows how much there is to do, such as reading a log.
    pub(super) fn open(title: &str, silent: bool) -> Self {
        let bar = || {
            let bar = ProgressBar::new_spinner();
            let style = ProgressStyle::with_template("{spinner} {msg}, for {elapsed}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
            bar.set_message(cleaned(title));
            bar
        };
        Self::shown(title, title, None, silent, bar)
    }

    fn shown(
        title: &str,
        first: &str,
        runs: Option<(u64, u64)>,
        silent: bool,
        bar: impl FnOnce() -> ProgressBar,
    ) -> Self {
        let on_terminal = std::io::stderr().is_terminal();
        let lines = (!on_terminal && !silent).then(|| {
            note(first);
            (title.to_owned(), now())
        });
        let bar = (on_terminal && !silent).then(bar);
        bar.iter().for_each(|bar| bar.enable_steady_tick(Duration::from_millis(250)));
        Self { bar, lines, runs, done: 0.into(), requests: 0.into(), minutes: 0.into() }
    }

    /// Ends the phase that failed, whose error is told next.
    pub(super) fn fail(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        if let Some((title, since)) = &self.lines {
            note(&format!("{title}: failed after {:.1} s", since.elapsed().as_secs_f64()));
        }
    }

    /// Ends the phase.
    pub(super) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        if let Some((title, since)) = &self.lines {
            let (done, took) = (self.done.load(Ordering::Relaxed), since.elapsed().as_secs_f64());
            let word = if interrupted() { "stopped" } else { "done" };
            // Some answers need fewer runs than were to be expected, so only those are told that were made.
            let runs = if self.runs.is_some() { format!(", runs: {done}") } else { String::new() };
            note(&format!("{title}: {word} after {took:.1} s{runs}"));
        }
    }
}

impl Progress for Phase {
    fn advanced(&self, requests: u64) {
        if let Some(bar) = &self.bar {
            bar.inc(requests);
        }
        let Some((title, since)) = &self.lines else { return };
        let seen = self.requests.fetch_add(requests, Ordering::Relaxed) + requests;
        if let Some(minute) = due(&self.minutes, since.elapsed()) {
            let done = self.done.load(Ordering::Relaxed);
            let far = self.runs.map_or_else(String::new, |(runs, all)| {
                let percent = (seen as f64 * 100.0 / all.max(1) as f64).min(100.0);
                format!(", {percent:.0} %, {done} of {runs} runs")
            });
            note(&format!("{title}: {minute} min{far}"));
        }
    }

    fn run_done(&self) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        if let (Some(bar), Some((runs, _))) = (&self.bar, self.runs) {
            bar.set_message(format!("{done} of {runs} runs"));
        }
    }

    fn stop(&self) -> bool {
        interrupted()
    }

    fn told(&self, what: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| note(what)),
            None => note(what),
        }
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
    fn the_pace_is_told_in_whole_numbers_after_a_second() {
        let told = |millis, rate, left| pace(Duration::from_millis(millis), rate, Duration::from_secs(left));
        assert_eq!(told(1_250, 6_246_009.860_7, 12), " · 6,246,010 requests/s · 12s left");
        assert_eq!(told(60_000, 99.5, 125), " · 100 requests/s · 2m left");
        assert_eq!(told(999, 6_246_009.860_7, 12), "", "too early");
        assert_eq!((told(5_000, 0.0, 0), told(5_000, f64::NAN, 0)), (String::new(), String::new()));
    }

    #[test]
    fn every_minute_is_told_of_once() {
        let minutes = AtomicU64::new(0);
        let told = [0, 59, 60, 61, 119, 125, 300, 301].map(|secs| due(&minutes, Duration::from_secs(secs)));
        assert_eq!(told, [None, None, Some(1), None, None, Some(2), Some(5), None]);
    }

    #[test]
    fn a_record_that_cannot_be_read_has_its_place_in_json() {
        let broken = || RecordError::In {
            path: "runs/a/record.json".into(),
            error: Box::new(crate::record::Record::from_json("[1]").unwrap_err()),
        };
        let told = |error: anyhow::Error| -> serde_json::Value {
            serde_json::from_str(&as_json(&error.into())).unwrap()
        };
        let plain = &told(broken().into())["error"];
        assert_eq!((&plain["file"], &plain["line"]), (&"runs/a/record.json".into(), &1.into()));
        assert!(plain["what"].as_str().unwrap().starts_with("this is no record"), "{plain}");
        assert!(plain["help"].is_null(), "{plain}");
        let advised = &told(anyhow::Error::from(broken()).context("name a record.json"))["error"];
        assert_eq!((&advised["help"], &advised["column"]), (&"name a record.json".into(), &1.into()));
        assert_eq!(told(anyhow::anyhow!("no space"))["error"]["what"], "no space");
    }

    #[test]
    fn json_is_asked_for_among_the_options() {
        let asks = |line: &str| asks_for_json(line.split(' ').map(OsString::from));
        assert!(asks("ttlab compare a b --json --fail-on x:1") && asks("ttlab compare --json"));
        assert!(!asks("ttlab compare a b") && !asks("ttlab compare -- --json b"), "a name is no option");
    }

    #[test]
    fn the_first_variable_that_says_something_names_the_locale() {
        assert!(is_unicode([None, None, None]) && is_unicode([None, None, Some("C.UTF-8")]));
        assert!(is_unicode([Some(""), Some("de_DE.utf8"), Some("C")]));
        assert!(!is_unicode([Some("C"), None, Some("C.UTF-8")]));
        assert!(
            !is_unicode([None, Some("POSIX"), None]) && !is_unicode([None, None, Some("en_US.ISO-8859-1")])
        );
    }

    #[test]
    fn signs_keep_their_width_in_ascii() {
        for (sign, ascii) in [
            (
                "1  92.1 % ▲ +3.2 pt  188 ▼ -54 %  25.5 ≈  ±0 pt  0.90 ≈ 1  —",
                "1  92.1 %   +3.2 pt  188   -54 %  25.5 ~  +0 pt  0.90 ~ 1  -",
            ),
            ("▲ ×20  strategy…  3 µs  ▁▂▃▄▅▆▇█", "+ x20  strategy~  3 us  _.-~+=*#"),
            ("ёлка", "ёлка"),
        ] {
            assert_eq!(in_ascii(sign), ascii);
        }
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
