//! Catalogs, their entries, and what a scenario chose from them.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::section::unknown_key;
use super::{Fault, Invalid, Item, Kind, Param, nearest, one_of};
use crate::units::SimDuration;

/// How something pluggable introduces itself.
pub trait Plugin: Sized {
    /// As written in scenarios, kebab-case; the file is called the same.
    const NAME: &'static str;
    /// One sentence that says what it does.
    const SUMMARY: &'static str;
    /// Its parameters with units, defaults and legal ranges.
    const PARAMS: &'static [Param];
    /// Whether it sees what no real cache could see (the future, the true version at the origin).
    /// Reports draw oracles as bounds, never as contenders.
    const ORACLE: bool = false;
    /// The parameters as values.
    type Params: DeserializeOwned + Serialize + Send + Sync + 'static;
    /// What it may know of the run when it is made.
    type Setup;

    /// Makes one for a single simulation. Ranges of single parameters have been checked already.
    fn new(params: &Self::Params, setup: &Self::Setup) -> Result<Self, Invalid>;
}

/// Makes the plugin for one simulation.
type Make<T, S> = Arc<dyn Fn(&S) -> Result<Box<T>, Invalid> + Send + Sync>;

/// The effective parameters of a chosen entry, defaults filled in, and how to make it.
pub type Prepared<T, S> = (toml::Table, Make<T, S>);

/// One line of a catalog.
pub struct Entry<T: ?Sized + 'static, S: 'static> {
    about: Listed,
    read: fn(Item<'_>) -> Result<Prepared<T, S>, Fault>,
}

/// What a catalog tells about an entry, whatever the entry makes.
#[derive(Debug, Clone, Copy)]
pub struct Listed {
    /// As written in scenarios.
    pub name: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// Its parameters.
    pub params: &'static [Param],
    /// Whether it sees what no real cache could see.
    pub oracle: bool,
    /// The file it lives in, without `.rs`.
    pub module: &'static str,
    source: &'static str,
}

impl Listed {
    /// The reference page: the `//!` lines at the top of the entry's file, as Markdown.
    pub fn page(&self) -> String {
        let lines = self.source.lines().map_while(|line| line.strip_prefix("//!"));
        lines.map(|line| line.strip_prefix(' ').unwrap_or(line).to_owned() + "\n").collect()
    }
}

/// An entry made from plugin `P`; [`catalog!`](crate::catalog!) calls this.
pub const fn entry<P, T, S>(
    module: &'static str,
    source: &'static str,
    read: fn(Item<'_>) -> Result<Prepared<T, S>, Fault>,
) -> Entry<T, S>
where
    P: Plugin<Setup = S>,
    T: ?Sized + 'static,
    S: 'static,
{
    let about =
        Listed { name: P::NAME, summary: P::SUMMARY, params: P::PARAMS, oracle: P::ORACLE, module, source };
    Entry { about, read }
}

/// Reads the parameters of plugin `P`; [`catalog!`](crate::catalog!) calls this.
pub fn prepare<P, T, S>(
    item: Item<'_>,
    make: fn(&P::Params, &S) -> Result<Box<T>, Invalid>,
) -> Result<Prepared<T, S>, Fault>
where
    P: Plugin<Setup = S>,
    T: ?Sized + 'static,
    S: 'static,
{
    let params: P::Params = super::read(item)?;
    let effective = toml::Table::try_from(&params).unwrap_or_else(|error| panic!("{}: {error}", P::NAME));
    Ok((effective, Arc::new(move |setup| make(&params, setup))))
}

/// The entries of one axis: all that a scenario can write there.
pub struct Catalog<T: ?Sized + 'static, S: 'static> {
    /// What messages call an entry, such as `ttl rule`.
    pub axis: &'static str,
    /// The key that names the entry in its table, such as `rule`.
    pub tag: &'static str,
    /// All entries, in the order in which `ttlab list` shows them.
    pub entries: &'static [Entry<T, S>],
}

/// A catalog as `ttlab list` and the tests that walk all catalogs see it.
#[derive(Debug, Clone)]
pub struct Listing {
    /// What messages call an entry.
    pub axis: &'static str,
    /// The key that names the entry in its table.
    pub tag: &'static str,
    /// All entries.
    pub entries: Vec<Listed>,
}

impl<T: ?Sized + 'static, S: 'static> Catalog<T, S> {
    /// What can be written on this axis.
    pub fn listing(&self) -> Listing {
        let entries = self.entries.iter().map(|entry| entry.about).collect();
        Listing { axis: self.axis, tag: self.tag, entries }
    }

    /// What `item` names: a table such as `{ rule = "fixed", ttl = "1h" }`, or just the name.
    pub fn choose(&'static self, item: Item<'_>) -> Result<Chosen<T, S>, Fault> {
        let span = item.span();
        let (name, mut table) = match item.into_inner() {
            DeValue::String(name) => (Spanned::new(span.clone(), name.to_string()), DeTable::new()),
            DeValue::Table(mut table) => {
                let Some(name) = table.remove(self.tag) else {
                    return Err(Fault::new(span, format!("this {} has no \"{}\"", self.axis, self.tag))
                        .rule(format!("there are: {}", self.names()))
                        .help(format!("write {} = \"{}\"", self.tag, self.entries[0].about.name)));
                };
                (Spanned::new(name.span(), super::read(name)?), table)
            }
            other => {
                let what =
                    format!("a {} is a name or a table, but this is of type {}", self.axis, other.type_str());
                return Err(Fault::new(span, what).rule(format!("there are: {}", self.names())));
            }
        };
        let entry = self.find(name.get_ref()).ok_or_else(|| self.unknown(&name))?;
        let known: Vec<&str> = entry.about.params.iter().map(|param| param.name).collect();
        let mut spans = BTreeMap::new();
        for (key, value) in in_order(&table) {
            let Some(param) = entry.about.params.iter().find(|param| param.name == key.get_ref()) else {
                let place = format!("{} \"{}\"", self.axis, entry.about.name);
                return Err(unknown_key(&place, key.get_ref(), key.span(), &known));
            };
            param.check(value)?;
            spans.insert(param.name, value.span());
        }
        for param in entry.about.params {
            if let Some(default) = param.default
                && !table.contains_key(param.name)
            {
                table.insert(Spanned::new(0..0, DeString::Borrowed(param.name)), implied(param, default));
            } else if param.required && !table.contains_key(param.name) {
                let what = format!("{} \"{}\" needs \"{}\"", self.axis, entry.about.name, param.name);
                return Err(Fault::new(span, what).rule(format!("{}: {}", param.name, param.about)));
            }
        }
        let (effective, make) = (entry.read)(Spanned::new(span.clone(), DeValue::Table(table)))?;
        Ok(Chosen { catalog: self, entry: &entry.about, effective, make, span, spans })
    }

    /// The entry `name` with nothing but defaults, as if a scenario had written its name.
    ///
    /// # Panics
    /// If there is no such entry or it has a parameter that must be written: a mistake in this program.
    pub fn default_choice(&'static self, name: &'static str) -> Chosen<T, S> {
        let item = Spanned::new(0..0, DeValue::String(name.into()));
        self.choose(item).unwrap_or_else(|fault| panic!("{} {name}: {}", self.axis, fault.what))
    }

    /// The entry `name` with these parameters, as if a scenario had written them.
    ///
    /// # Errors
    /// If there is no such entry, or it cannot have them.
    pub fn choice(&'static self, name: &str, mut params: toml::Table) -> Result<Chosen<T, S>, Fault> {
        params.insert(self.tag.to_owned(), name.into());
        let text = params.to_string();
        let parsed = DeTable::parse(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
        self.choose(Spanned::new(0..0, DeValue::Table(parsed.into_inner())))
    }

    fn find(&self, name: &str) -> Option<&'static Entry<T, S>> {
        self.entries.iter().find(|entry| entry.about.name == name)
    }

    fn names(&self) -> String {
        one_of(self.entries.iter().map(|entry| entry.about.name))
    }

    fn unknown(&self, name: &Spanned<String>) -> Fault {
        let fault = Fault::new(name.span(), format!("no {} is called \"{}\"", self.axis, name.get_ref()))
            .rule(format!("there are: {}", self.names()));
        match nearest(name.get_ref(), self.entries.iter().map(|entry| entry.about.name)) {
            Some(meant) => fault.help(format!("did you mean \"{meant}\"?")),
            None => fault,
        }
    }
}

/// The default of a parameter as if it had been written.
fn implied(param: &Param, default: &'static str) -> Spanned<DeValue<'static>> {
    let plain = matches!(param.kind, Kind::Number | Kind::Integer | Kind::Flag | Kind::Table(_));
    if plain {
        DeValue::parse(default).unwrap_or_else(|error| panic!("the default of {}: {error}", param.name))
    } else {
        Spanned::new(0..0, DeValue::String(default.into()))
    }
}

/// The entries of a table in the order in which they were written.
fn in_order<'t, 'i>(table: &'t DeTable<'i>) -> Vec<(&'t Spanned<DeString<'i>>, &'t Spanned<DeValue<'i>>)> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}

/// What a scenario chose from a catalog: an entry with its parameters, ready to be made for each simulation.
pub struct Chosen<T: ?Sized + 'static, S: 'static> {
    catalog: &'static Catalog<T, S>,
    entry: &'static Listed,
    effective: toml::Table,
    make: Make<T, S>,
    span: Range<usize>,
    spans: BTreeMap<&'static str, Range<usize>>,
}

impl<T: ?Sized + 'static, S: 'static> Chosen<T, S> {
    /// The entry's name.
    pub fn name(&self) -> &'static str {
        self.entry.name
    }

    /// What the catalog tells about the entry.
    pub fn about(&self) -> &'static Listed {
        self.entry
    }

    /// Where the choice stands in the scenario; empty where it is a default.
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// Where the value of `param` stands, or the whole choice where it is not written.
    pub fn span_of(&self, param: &str) -> Range<usize> {
        self.spans.get(param).cloned().unwrap_or_else(|| self.span())
    }

    /// The choice with every default filled in, as it could be written in a scenario.
    pub fn effective(&self) -> toml::Value {
        let mut table = toml::Table::new();
        table.insert(self.catalog.tag.to_owned(), self.entry.name.into());
        table.extend(self.effective.clone());
        toml::Value::Table(table)
    }

    /// Whether the scenario writes another value for `param` than its default.
    pub fn is_changed(&self, param: &str) -> bool {
        let default =
            self.entry.params.iter().find(|known| known.name == param).and_then(|known| known.default);
        let (Some(default), Some(value)) = (default, self.effective.get(param)) else {
            return self.spans.contains_key(param);
        };
        let is_default = match value.as_str() {
            Some(text) => {
                let time = |text: &str| text.parse::<SimDuration>().ok();
                text == default || (time(text).is_some() && time(text) == time(default))
            }
            None => default.parse::<toml::Value>().is_ok_and(|default| default == *value),
        };
        self.spans.contains_key(param) && !is_default
    }

    /// A parameter that is a duration, default or not; `None` where it has no value or is something else.
    pub fn duration_of(&self, param: &str) -> Option<SimDuration> {
        self.effective.get(param)?.as_str()?.parse().ok()
    }

    /// A parameter that is a number.
    pub fn number_of(&self, param: &str) -> Option<f64> {
        let value = self.effective.get(param)?;
        value.as_float().or_else(|| value.as_integer().map(|whole| whole as f64))
    }

    /// A parameter that is a word; empty where it has no value.
    pub fn word_of(&self, param: &str) -> &str {
        self.effective.get(param).and_then(toml::Value::as_str).unwrap_or_default()
    }

    /// Whether a parameter is a flag that is set.
    pub fn is_set(&self, param: &str) -> bool {
        self.effective.get(param).and_then(toml::Value::as_bool) == Some(true)
    }

    /// The durations in a parameter that is a table; empty where it is none.
    pub fn durations_of(&self, param: &str) -> Vec<SimDuration> {
        let table = self.effective.get(param).and_then(toml::Value::as_table);
        let values = table.into_iter().flat_map(|table| table.values());
        values.filter_map(|value| value.as_str()?.parse().ok()).collect()
    }

    /// The same choice with another value of one parameter, as if the scenario had written it.
    ///
    /// # Errors
    /// If the entry has no such parameter, or it cannot have this value.
    pub fn with(&self, param: &str, value: impl Into<toml::Value>) -> Result<Self, Fault> {
        let mut table = toml::Table::new();
        table.insert(self.catalog.tag.to_owned(), self.entry.name.into());
        table.extend(self.effective.clone());
        table.insert(param.to_owned(), value.into());
        let text = table.to_string();
        let parsed = DeTable::parse(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let item = Spanned::new(self.span.clone(), DeValue::Table(parsed.into_inner()));
        let chosen =
            self.catalog.choose(item).map_err(|fault| Fault { span: self.span_of(param), ..fault })?;
        Ok(Self { span: self.span.clone(), spans: self.spans.clone(), ..chosen })
    }

    /// Makes it for one simulation.
    pub fn make(&self, setup: &S) -> Result<Box<T>, Fault> {
        (self.make)(setup).map_err(|invalid| {
            let fault = Fault::new(self.span_of(invalid.param), invalid.what);
            match invalid.help {
                Some(help) => fault.help(help),
                None => fault,
            }
        })
    }
}

impl<T: ?Sized + 'static, S: 'static> Clone for Chosen<T, S> {
    fn clone(&self) -> Self {
        Self {
            catalog: self.catalog,
            entry: self.entry,
            effective: self.effective.clone(),
            make: Arc::clone(&self.make),
            span: self.span.clone(),
            spans: self.spans.clone(),
        }
    }
}

impl<T: ?Sized + 'static, S: 'static> std::fmt::Debug for Chosen<T, S> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}({})", self.entry.name, self.effective)
    }
}
