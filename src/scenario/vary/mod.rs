//! A scenario with parameters changed by path: what a search, a plan of growth or a drill makes of one that was written.
//!
//! A [`KeyPath`] leads through the scenario as `ttlab explain` prints it, every default filled in, so that a parameter
//! can be named that was never written. [`Scenario::varied`] puts values into what was written, so that a default which
//! depends on another value still does, and reads the result as any scenario is read: nothing gets past a check because
//! it did not come from a file.

#[cfg(test)]
mod tests;

use std::fmt::{self, Write};
use std::ops::Range;
use std::str::FromStr;

use toml::Value;

use super::Scenario;
use crate::catalog::{Fault, nearest, one_of};

/// The way to one value of a scenario, such as `cache.capacity`, `strategy."setex-3600".ttl.modifiers[0].spread` or
/// `workload.class.photo.objects`.
///
/// Keys are separated by points; a key with other characters than letters, digits, `-` and `_` may stand in quotes and
/// must where it holds a point, a bracket or a quote. An entry of a list is named by its `name`, where it has one, or by
/// its place from 0, in brackets.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyPath(Vec<Step>);

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Step {
    /// The value of a key, or the entry of a list that has this `name`.
    Key(String),
    /// The entry at a place, from 0.
    Place(usize),
}

/// Why a text is no path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{text}\" is no path: {what}; write one such as cache.capacity or strategy.\"NAME\".ttl.ttl")]
pub struct PathError {
    text: String,
    what: &'static str,
}

impl FromStr for KeyPath {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        let wrong = |what| PathError { text: text.to_owned(), what };
        let (mut steps, mut rest) = (Vec::new(), text.trim());
        loop {
            let (key, after) = key(rest).map_err(wrong)?;
            steps.push(Step::Key(key));
            rest = after;
            while let Some(after) = rest.strip_prefix('[') {
                let (place, after) = after.split_once(']').ok_or_else(|| wrong("a bracket stays open"))?;
                let place = place.trim().parse().map_err(|_| wrong("in brackets stands a place, from 0"))?;
                steps.push(Step::Place(place));
                rest = after;
            }
            match rest.strip_prefix('.') {
                Some(after) => rest = after,
                None if rest.is_empty() => return Ok(Self(steps)),
                None => return Err(wrong("keys are separated by points")),
            }
        }
    }
}

/// Takes a key from the front.
fn key(rest: &str) -> Result<(String, &str), &'static str> {
    if let Some(quoted) = rest.strip_prefix('\'') {
        let (key, after) = quoted.split_once('\'').ok_or("a quote stays open")?;
        return Ok((key.to_owned(), after));
    }
    if let Some(quoted) = rest.strip_prefix('"') {
        let mut key = String::new();
        let mut signs = quoted.char_indices();
        while let Some((at, sign)) = signs.next() {
            match sign {
                '"' => return Ok((key, &quoted[at + 1..])),
                '\\' => key.push(signs.next().ok_or("a quote stays open")?.1),
                sign => key.push(sign),
            }
        }
        return Err("a quote stays open");
    }
    let end = rest.find(['.', '[', ']', '"', '\'']).unwrap_or(rest.len());
    match rest[..end].trim() {
        "" => Err("a key is empty"),
        key => Ok((key.to_owned(), &rest[end..])),
    }
}

impl fmt::Display for KeyPath {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, step) in self.0.iter().enumerate() {
            match step {
                Step::Place(place) => write!(out, "[{place}]")?,
                Step::Key(key) => {
                    if index > 0 {
                        out.write_char('.')?;
                    }
                    let bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
                    if !key.is_empty() && key.chars().all(bare) {
                        out.write_str(key)?;
                    } else {
                        write!(out, "\"{}\"", key.replace('\\', "\\\\").replace('"', "\\\""))?;
                    }
                }
            }
        }
        Ok(())
    }
}

impl KeyPath {
    /// The steps, the outermost first.
    pub(super) fn steps(&self) -> &[Step] {
        &self.0
    }

    /// The first key: the section of the scenario.
    pub fn section(&self) -> &str {
        self.key(0).unwrap_or_default()
    }

    /// The key at a place of the path; `None` where there is none, or where an entry is named by its place.
    pub fn key(&self, place: usize) -> Option<&str> {
        match self.0.get(place)? {
            Step::Key(key) => Some(key),
            Step::Place(_) => None,
        }
    }

    /// How many steps it has.
    pub fn depth(&self) -> usize {
        self.0.len()
    }

    /// The last key of the path, which says what is changed.
    pub fn last(&self) -> &str {
        self.0
            .iter()
            .rev()
            .find_map(|step| if let Step::Key(key) = step { Some(key.as_str()) } else { None })
            .unwrap_or_default()
    }

    /// What stands there in a scenario; `None` where nothing does.
    pub fn find<'t>(&self, scenario: &'t toml::Table) -> Option<&'t Value> {
        let (first, rest) = self.0.split_first()?;
        let Step::Key(first) = first else { return None };
        rest.iter().try_fold(scenario.get(first)?, |at, step| match at {
            Value::Table(table) => table.get(word(step)?),
            Value::Array(list) => list.get(place_of(list, step)?),
            _ => None,
        })
    }

    /// The place of the entry that the second step leads to, where the first leads to a list of a scenario.
    pub(super) fn entry_of(&self, scenario: &toml::Table) -> Option<usize> {
        let list = scenario.get(self.section())?.as_array()?;
        place_of(list, self.0.get(1)?)
    }

    /// Puts `value` there. What is not written on the way has the value that `effective` knows of. The last key may be
    /// new: whether it can be written is known to whoever reads the scenario.
    fn put(&self, scenario: &mut Value, effective: &toml::Table, value: Value) -> Result<(), Unvaried> {
        let mut at = scenario;
        for (depth, step) in self.0.iter().enumerate() {
            let last = depth + 1 == self.0.len();
            at = match at {
                Value::Table(table) => {
                    let Some(key) = word(step) else { return Err(self.absent(depth, &keys(table))) };
                    if !last && !table.get(key).is_some_and(holds) {
                        let implied =
                            self.until(depth + 1).find(effective).or_else(|| table.get(key)).cloned();
                        let Some(implied) = implied else {
                            let known = self.until(depth).find(effective).and_then(Value::as_table);
                            return Err(self.absent(
                                depth,
                                &keys(known.unwrap_or(if depth == 0 { effective } else { table })),
                            ));
                        };
                        table.insert(key.to_owned(), implied);
                    }
                    table.entry(key).or_insert_with(|| false.into())
                }
                Value::Array(list) => {
                    let found = place_of(list, step);
                    let names: Vec<String> =
                        list.iter().enumerate().map(|(place, entry)| called(place, entry)).collect();
                    list.get_mut(found.unwrap_or(usize::MAX)).ok_or_else(|| self.absent(depth, &names))?
                }
                other => {
                    let what = format!(
                        "{} is of type {} and has nothing in it",
                        self.until(depth),
                        other.type_str()
                    );
                    return Err(Unvaried { path: Some(self.clone()), what, rule: None, help: None });
                }
            };
        }
        *at = value;
        Ok(())
    }

    /// The first steps alone.
    pub(super) fn until(&self, depth: usize) -> Self {
        Self(self.0[..depth].to_vec())
    }

    /// The error for a step that leads nowhere.
    fn absent(&self, depth: usize, names: &[String]) -> Unvaried {
        let place = if depth == 0 { "the scenario".to_owned() } else { self.until(depth).to_string() };
        let step = match &self.0[depth] {
            Step::Key(key) => key.clone(),
            Step::Place(place) => format!("[{place}]"),
        };
        let names = || names.iter().map(String::as_str);
        Unvaried {
            path: Some(self.clone()),
            what: format!("{place} has no \"{step}\""),
            rule: Some(if names().next().is_some() {
                format!("there are: {}", one_of(names()))
            } else {
                "it is empty".into()
            }),
            help: word(&self.0[depth]).and_then(|step| nearest(step, names())).map(|meant| {
                let mut path = self.clone();
                path.0[depth] = Step::Key(meant.to_owned());
                format!("did you mean {path}?")
            }),
        }
    }
}

/// Whether something can be inside.
fn holds(value: &Value) -> bool {
    value.is_table() || value.is_array()
}

fn keys(table: &toml::Table) -> Vec<String> {
    table.keys().cloned().collect()
}

/// The key that a step is.
fn word(step: &Step) -> Option<&str> {
    if let Step::Key(key) = step { Some(key) } else { None }
}

/// Where in a list a step leads.
fn place_of(list: &[Value], step: &Step) -> Option<usize> {
    match step {
        Step::Place(place) => (*place < list.len()).then_some(*place),
        Step::Key(name) => list.iter().position(|entry| name_of(entry) == Some(name)),
    }
}

fn name_of(entry: &Value) -> Option<&str> {
    entry.get("name")?.as_str()
}

/// What an entry of a list is called in a path.
fn called(place: usize, entry: &Value) -> String {
    name_of(entry).map_or_else(|| format!("[{place}]"), str::to_owned)
}

/// Why a scenario cannot be changed as it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unvaried {
    /// The path that leads nowhere; `None` where each leads somewhere and the values make no scenario.
    pub path: Option<KeyPath>,
    /// What is wrong.
    pub what: String,
    /// The rule that was broken.
    pub rule: Option<String>,
    /// What to write instead.
    pub help: Option<String>,
}

impl Unvaried {
    /// The same as a mistake at the place in the text where the path was written.
    pub fn at(self, span: Range<usize>) -> Fault {
        Fault { span, what: self.what, rule: self.rule, help: self.help }
    }
}

impl fmt::Display for Unvaried {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(path) = &self.path {
            write!(out, "{path}: ")?;
        }
        out.write_str(&self.what)?;
        for (word, text) in [("rule", &self.rule), ("help", &self.help)] {
            if let Some(text) = text {
                write!(out, "\n = {word}: {text}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Unvaried {}

impl Scenario {
    /// The scenario with these values at these paths, set in the order given and checked as if it had been written so.
    ///
    /// A value is written as in a scenario: `"5m"`, `0.1`, or a whole table such as `{ policy = "lock" }`. A `[tune]`
    /// section is left out: what is played is not searched again.
    ///
    /// # Errors
    /// If a path leads nowhere, with what there is and what was probably meant; or if the values make no scenario, with
    /// the reason that a scenario's text would be refused for.
    pub fn varied(&self, changes: &[(KeyPath, Value)]) -> Result<Self, Unvaried> {
        let mut written = self.written.clone();
        written.remove("tune");
        let mut written = Value::Table(written);
        for (path, value) in changes {
            path.put(&mut written, &self.effective, value.clone())?;
        }
        let text = toml::to_string(&written).expect("a table of values can be written");
        Self::parse(&text, &self.file).map_err(|error| {
            let list = changes.iter().map(|(path, value)| format!("{path} = {value}"));
            let list = list.collect::<Vec<_>>().join(", ");
            let mistake = error.mistakes.into_iter().next().expect("an error has a mistake");
            let what = format!("with {list}: {}", mistake.what);
            Unvaried { path: None, what, rule: mistake.rule, help: mistake.help }
        })
    }
}
