//! A scenario's mistakes as people read them: file, line, column, the value under a caret, the rule and a remedy.

use std::fmt::{self, Write};
use std::ops::Range;

use unicode_width::UnicodeWidthStr;

use crate::catalog::Fault;

/// At most so many mistakes are shown; the rest is counted.
const SHOWN: usize = 10;
/// Longest part of a source line that is shown.
const LINE_WIDTH: usize = 100;

/// Why a scenario cannot be run: its mistakes, the first in the file first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScenarioError {
    /// The mistakes, at least one.
    pub mistakes: Vec<Mistake>,
}

/// One mistake in a scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// File as the user named it.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// The text under the caret.
    pub value: String,
    /// What is wrong.
    pub what: String,
    /// The rule that was broken, where `what` does not say it.
    pub rule: Option<String>,
    /// What to write instead.
    pub help: Option<String>,
    source: String,
}

impl ScenarioError {
    /// Places faults in the text of `file`.
    pub fn new(file: &str, text: &str, mut faults: Vec<Fault>) -> Self {
        faults.sort_by_key(|fault| fault.span.start);
        Self { mistakes: faults.into_iter().map(|fault| Mistake::new(file, text, fault)).collect() }
    }
}

impl Mistake {
    fn new(file: &str, text: &str, fault: Fault) -> Self {
        let Range { start, end } = fault.span;
        let start = floor(text, start);
        let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
        let end = floor(text, end.clamp(start, line_end));
        Self {
            file: file.to_owned(),
            line: text[..start].matches('\n').count() + 1,
            column: text[line_start..start].chars().count() + 1,
            value: text[start..end].to_owned(),
            what: fault.what,
            rule: fault.rule,
            help: fault.help,
            source: text[line_start..line_end].trim_end_matches('\r').to_owned(),
        }
    }

    /// The source line, cut around the column, and the caret line under it, where wide letters take two columns.
    fn excerpt(&self) -> (String, String) {
        let expanded: Vec<char> = self.source.chars().map(|c| if c == '\t' { ' ' } else { c }).collect();
        let at = (self.column - 1).min(expanded.len());
        let width = self.value.chars().count().max(1);
        let first = if at + width > LINE_WIDTH { at.saturating_sub(LINE_WIDTH / 3) } else { 0 };
        let last = (first + LINE_WIDTH).min(expanded.len());
        let mut line: String = expanded[first..last].iter().collect();
        if last < expanded.len() {
            line.push('…');
        }
        let lead = if first > 0 { "…" } else { "" };
        let columns = |part: &[char]| part.iter().collect::<String>().width();
        let carets = "^".repeat(columns(&expanded[at.min(last)..(at + width).min(last)]).max(1));
        (format!("{lead}{line}"), " ".repeat(lead.width() + columns(&expanded[first..at])) + &carets)
    }
}

/// The largest character boundary that is not above `at`.
fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

impl fmt::Display for Mistake {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.line.to_string();
        let margin = " ".repeat(number.len());
        let (line, carets) = self.excerpt();
        writeln!(out, "error: {}", self.what)?;
        writeln!(out, "{margin}--> {}:{}:{}", self.file, self.line, self.column)?;
        writeln!(out, "{margin} |")?;
        writeln!(out, "{number} | {line}")?;
        write!(out, "{margin} | {carets}")?;
        if let Some(rule) = &self.rule {
            write!(out, "\n{margin} = rule: {rule}")?;
        }
        if let Some(help) = &self.help {
            write!(out, "\n{margin} = help: {help}")?;
        }
        Ok(())
    }
}

impl fmt::Display for ScenarioError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        for (index, mistake) in self.mistakes.iter().take(SHOWN).enumerate() {
            let gap = if index > 0 { "\n\n" } else { "" };
            write!(text, "{gap}{mistake}")?;
        }
        if self.mistakes.len() > SHOWN {
            write!(text, "\n\nand {} more mistakes", self.mistakes.len() - SHOWN)?;
        }
        out.write_str(&text)
    }
}

impl std::error::Error for ScenarioError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_shows_its_place_with_a_caret_under_the_value() {
        let text = "a = 1\nspread = 1.5 # much\n";
        let fault = Fault::new(15..18, "spread must be less").rule("or else").help("write 0.15");
        let error = ScenarioError::new("x.toml", text, vec![fault]);
        let shown = "error: spread must be less\n --> x.toml:2:10\n  |\n2 | spread = 1.5 # much\n  |          ^^^\n  = rule: or else\n  = help: write 0.15";
        assert_eq!(error.to_string(), shown);
    }

    #[test]
    fn the_caret_stands_under_wide_letters() {
        let text = "name = \"一小时\"\n";
        let error = ScenarioError::new("x.toml", text, vec![Fault::new(8..17, "no")]).to_string();
        assert!(error.contains("--> x.toml:1:9\n  |\n1 | name = \"一小时\"\n  |         ^^^^^^"), "{error}");
    }

    #[test]
    fn the_first_mistake_in_the_file_comes_first_and_many_are_counted() {
        let text = "x".repeat(40);
        let faults = (0..15).rev().map(|at| Fault::new(at..at + 1, format!("fault {at}"))).collect();
        let shown = ScenarioError::new("x.toml", &text, faults).to_string();
        assert!(shown.starts_with("error: fault 0\n"), "{shown}");
        assert!(shown.ends_with("and 5 more mistakes"), "{shown}");
    }

    #[test]
    fn long_lines_are_cut_around_the_caret_and_odd_spans_do_no_harm() {
        let text = format!("{}é = 7", "k".repeat(300));
        let error = ScenarioError::new(
            "x.toml",
            &text,
            vec![Fault::new(300..302, "no"), Fault::new(301..9_999, "no")],
        );
        assert!(error.to_string().lines().all(|line| line.chars().count() < 120));
        assert_eq!(error.mistakes[0].column, 301);
    }
}
