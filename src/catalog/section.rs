//! A table of the scenario while it is read: every key is asked for once, and what is left over is unknown.

use std::ops::Range;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use super::{Catalog, Chosen, Fault, nearest, one_of};

/// A value with its place in the text.
pub type Item<'i> = Spanned<DeValue<'i>>;

/// Reads a value into any type, with the error at the value's own place.
pub fn read<T: DeserializeOwned>(item: Item<'_>) -> Result<T, Fault> {
    let span = item.span();
    T::deserialize(ValueDeserializer::from(item)).map_err(|error| {
        let mut fault = Fault::from(error);
        if fault.span.is_empty() {
            fault.span = span;
        }
        fault
    })
}

/// A table being read.
#[derive(Debug)]
pub struct Section<'i> {
    name: String,
    span: Range<usize>,
    table: DeTable<'i>,
    asked: Vec<&'static str>,
}

impl<'i> Section<'i> {
    /// The whole text of a scenario.
    pub fn parse(text: &'i str) -> Result<Self, Fault> {
        let table = DeTable::parse(text)?;
        let span = 0..text.lines().next().map_or(0, str::len);
        Ok(Self { name: "the scenario".to_owned(), span, table: table.into_inner(), asked: Vec::new() })
    }

    /// The table that `item` must be; `name` is what messages call it, such as `[origin]`.
    pub fn of(item: Item<'i>, name: impl Into<String>) -> Result<Self, Fault> {
        let (span, name) = (item.span(), name.into());
        match item.into_inner() {
            DeValue::Table(table) => Ok(Self { name, span, table, asked: Vec::new() }),
            other => {
                let kind = other.type_str();
                Err(Fault::new(span, format!("{name} must be a table, but is of type {kind}")))
            }
        }
    }

    /// Where the table stands.
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// Where `key` was written, if it still waits to be read.
    pub fn span_of(&self, key: &str) -> Option<Range<usize>> {
        self.table.get_key_value(key).map(|(key, _)| key.span())
    }

    /// Whether `key` is written and not yet read.
    pub fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// Every key that is not yet read, with its place.
    pub fn keys(&self) -> Vec<(String, Range<usize>)> {
        self.table.iter().map(|(key, _)| (key.get_ref().to_string(), key.span())).collect()
    }

    /// The value of `key` as it stands.
    pub fn take(&mut self, key: &'static str) -> Option<Item<'i>> {
        self.asked.push(key);
        self.table.remove(key)
    }

    /// The value of a key that only the text names, such as a class.
    pub fn take_named(&mut self, key: &str) -> Option<Item<'i>> {
        self.table.remove(key)
    }

    /// The value of `key`, if it is written.
    pub fn optional<T: DeserializeOwned>(&mut self, key: &'static str) -> Result<Option<T>, Fault> {
        self.take(key).map(read).transpose()
    }

    /// The value of `key` and its place, if it is written.
    pub fn located<T: DeserializeOwned>(&mut self, key: &'static str) -> Result<Option<Spanned<T>>, Fault> {
        self.take(key)
            .map(|item| {
                let span = item.span();
                Ok(Spanned::new(span, read(item)?))
            })
            .transpose()
    }

    /// The value of `key`, or `default` where it is not written.
    pub fn or<T: DeserializeOwned>(&mut self, key: &'static str, default: T) -> Result<T, Fault> {
        Ok(self.optional(key)?.unwrap_or(default))
    }

    /// The value of `key`, which must be written; `help` is a line that could be pasted.
    pub fn required<T: DeserializeOwned>(
        &mut self,
        key: &'static str,
        help: &str,
    ) -> Result<Spanned<T>, Fault> {
        match self.located(key)? {
            Some(value) => Ok(value),
            None => Err(self.missing(key, help)),
        }
    }

    /// The error for a `key` that must be written.
    pub fn missing(&self, key: &str, help: &str) -> Fault {
        Fault::new(self.span(), format!("{} needs \"{key}\"", self.name)).help(format!("write {help}"))
    }

    /// The sub-table `key`, if it is written.
    pub fn section(&mut self, key: &'static str) -> Result<Option<Self>, Fault> {
        self.take(key).map(|item| Section::of(item, format!("[{key}]"))).transpose()
    }

    /// The array of tables `[[key]]`; empty where none is written.
    pub fn sections(&mut self, key: &'static str, name: &str) -> Result<Vec<Self>, Fault> {
        let Some(item) = self.take(key) else { return Ok(Vec::new()) };
        let span = item.span();
        match item.into_inner() {
            DeValue::Array(items) => items.into_iter().map(|item| Section::of(item, name)).collect(),
            other => Err(Fault::new(
                span,
                format!("\"{key}\" must be an array of tables, but is of type {}", other.type_str()),
            )
            .help(format!("write {name} above each"))),
        }
    }

    /// The plugin that `key` names, or the catalog's entry `default` where the key is not written.
    pub fn plug<T: ?Sized + 'static, S: 'static>(
        &mut self,
        key: &'static str,
        catalog: &'static Catalog<T, S>,
        default: &'static str,
    ) -> Result<Chosen<T, S>, Fault> {
        match self.take(key) {
            Some(item) => catalog.choose(item),
            None => Ok(catalog.default_choice(default)),
        }
    }

    /// Refuses what nobody asked for.
    pub fn finish(self) -> Result<(), Fault> {
        self.finish_pointing(|_| None)
    }

    /// The same; `home` tells of a key that is known elsewhere where it is to be written.
    pub fn finish_pointing(self, home: impl Fn(&str) -> Option<String>) -> Result<(), Fault> {
        let Some((key, _)) = self.table.iter().min_by_key(|(key, _)| key.span().start) else { return Ok(()) };
        let mut known = self.asked;
        known.sort_unstable();
        known.dedup();
        let fault = unknown_key(&self.name, key.get_ref(), key.span(), &known);
        Err(match home(key.get_ref()) {
            Some(home) => fault.help(home),
            None => fault,
        })
    }
}

/// The error for a key that does not exist in `place`.
pub(super) fn unknown_key(place: &str, key: &str, span: Range<usize>, known: &[&str]) -> Fault {
    let fault = Fault::new(span, format!("{place} has no \"{key}\""));
    let fault = if known.is_empty() {
        fault.rule("it takes no parameters")
    } else {
        fault.rule(format!("there are: {}", one_of(known.iter().copied())))
    };
    match nearest(key, known.iter().copied()) {
        Some(meant) => fault.help(format!("did you mean \"{meant}\"?")),
        None => fault,
    }
}
