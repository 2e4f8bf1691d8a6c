//! What is wrong with a scenario, where, which rule it broke and what to write instead.

use std::fmt::Write;
use std::ops::Range;

/// A mistake at a place in the scenario's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Byte offsets of the wrong value (or key) in the scenario's text.
    pub span: Range<usize>,
    /// What is wrong: lower case, complete without the rest, no final full stop.
    pub what: String,
    /// The rule that was broken and why it exists, where the first line does not say it.
    pub rule: Option<String>,
    /// What to write instead.
    pub help: Option<String>,
}

impl Fault {
    /// A mistake at `span`.
    pub fn new(span: Range<usize>, what: impl Into<String>) -> Self {
        Self { span, what: what.into(), rule: None, help: None }
    }

    /// Adds the rule that was broken.
    #[must_use]
    pub fn rule(mut self, rule: impl Into<String>) -> Self {
        self.rule = Some(rule.into());
        self
    }

    /// Adds what to write instead.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl From<toml::de::Error> for Fault {
    fn from(error: toml::de::Error) -> Self {
        let what = error.message().trim().replace('\n', "; ");
        Self::new(error.span().unwrap_or(0..0), what)
    }
}

/// Why a plugin refuses its parameters: which one, and in a sentence why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    /// The parameter at fault; empty where the entry as a whole cannot be.
    pub param: &'static str,
    /// What is wrong.
    pub what: String,
    /// What to write instead.
    pub help: Option<String>,
}

impl Invalid {
    /// The value of `param` cannot be.
    pub fn param(param: &'static str, what: impl Into<String>) -> Self {
        Self { param, what: what.into(), help: None }
    }

    /// Adds what to write instead.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// The candidate most like `word`, if any is alike enough to be what was meant.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, candidate)| {
            let length = candidate.len().max(word.len());
            *distance < length && *distance <= 1 + length / 4
        })
        .min()
        .map(|(_, candidate)| candidate)
}

/// A list for people: `a, b, c`.
pub fn one_of<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let mut text = String::new();
    for name in names {
        let _ = write!(text, "{}{name}", if text.is_empty() { "" } else { ", " });
    }
    text
}

/// Edits (insert, delete, replace, swap neighbours) that turn one word into the other, ignoring case.
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.to_lowercase().chars().collect();
    let b: Vec<char> = b.to_lowercase().chars().collect();
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                let mut best = replaced.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
                if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                    best = best.min(rows[i - 2][j - 2] + 1);
                }
                best
            };
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_finds_its_word_and_nonsense_finds_none() {
        let rules = ["none", "fixed", "class-table"];
        assert_eq!(nearest("fixd", rules), Some("fixed"));
        assert_eq!(nearest("fxied", rules), Some("fixed"));
        assert_eq!(nearest("Class-Tabel", rules), Some("class-table"));
        assert_eq!(nearest("exponential", rules), None);
    }
}
