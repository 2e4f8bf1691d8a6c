//! What a scenario declares about a table: which column holds what, and in which unit.

use super::timestamp::TimeUnit;
use crate::catalog::{Invalid, nearest, one_of};
use crate::trace::TraceError;

/// What a column can hold, as written in `columns`.
pub const FIELDS: [&str; 11] = [
    "time",
    "key",
    "size",
    "class",
    "origin_time",
    "status",
    "method",
    "op",
    "ttl",
    "last_modified",
    "client",
];

/// The names under which columns are looked for where none are declared, by field.
/// A client is none but where it is declared: times of clients with whole seconds measure no origin.
const USUAL: [(&str, &[&str]); FIELDS.len()] = [
    ("time", &["time", "time_us", "time_ms", "time_ns", "time_s", "timestamp", "ts", "ts_ms", "ts_us"]),
    ("key", &["key", "path", "url", "uri", "object", "object_id", "obj_id", "id"]),
    ("size", &["size", "bytes", "object_size", "obj_size"]),
    ("class", &["class"]),
    ("origin_time", &["origin_time", "origin_time_s", "origin_time_ms", "origin_time_us"]),
    ("status", &["status"]),
    ("method", &["method"]),
    ("op", &["op", "operation", "cmd"]),
    ("ttl", &["ttl", "ttl_s", "ttl_ms"]),
    ("last_modified", &["last_modified", "last-modified"]),
    ("client", &[]),
];

/// Whether a header calls a time so.
pub(super) fn is_name_of_time(text: &[u8]) -> bool {
    USUAL[0].1.iter().any(|name| text.eq_ignore_ascii_case(name.as_bytes()))
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Column {
    /// By the name in the header.
    Named(String),
    /// By its number, from 1.
    Number(usize),
}

/// Which column holds what; by field, in the order of [`FIELDS`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Columns {
    by_field: [Option<Column>; FIELDS.len()],
}

impl Columns {
    /// Declares that `column` holds `field`.
    ///
    /// # Panics
    /// If there is no such field in [`FIELDS`].
    pub fn set(&mut self, field: &str, column: Column) {
        let index = FIELDS.iter().position(|name| *name == field).expect("a field of FIELDS");
        self.by_field[index] = Some(column);
    }

    /// The declared fields with their columns.
    pub fn declared(&self) -> impl Iterator<Item = (&'static str, &Column)> {
        FIELDS.into_iter().zip(&self.by_field).filter_map(|(field, column)| Some((field, column.as_ref()?)))
    }

    /// Whether nothing is declared.
    pub fn is_empty(&self) -> bool {
        self.by_field.iter().all(Option::is_none)
    }

    /// Whether all columns are numbers, so that the first row is a request already.
    pub(super) fn are_numbers(&self) -> bool {
        !self.is_empty() && self.declared().all(|(_, column)| matches!(column, Column::Number(_)))
    }
}

/// What a scenario declares about a table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Declared {
    /// Which column holds what.
    pub columns: Columns,
    /// The unit of the time column.
    pub time_unit: Option<TimeUnit>,
    /// What stands between fields; the format's own where not declared.
    pub delimiter: Option<u8>,
    /// What fields are quoted with; the format's own where not declared.
    pub quote: Option<Quote>,
}

/// What the fields of a table are quoted with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quote {
    /// This character, doubled where it stands for itself.
    By(u8),
    /// Nothing: every character stands for itself.
    Nothing,
}

impl Declared {
    /// Refuses what is declared beyond the settings that the format `name` understands.
    pub(super) fn only(&self, name: &str, understood: &[&str]) -> Result<(), Invalid> {
        let declared = [
            ("columns", !self.columns.is_empty()),
            ("time_unit", self.time_unit.is_some()),
            ("delimiter", self.delimiter.is_some()),
            ("quote", self.quote.is_some()),
        ];
        match declared.iter().find(|(setting, is_there)| *is_there && !understood.contains(setting)) {
            None => Ok(()),
            Some((setting, _)) => {
                Err(Invalid::param("", format!("format \"{name}\" has no {setting} to declare")).help(
                    format!(
                        "leave {setting} out, or write format = \"csv\" or \"tsv\", whose layout is yours"
                    ),
                ))
            }
        }
    }
}

/// A column that was found: its index from 0, and its name as messages show it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) index: usize,
    pub(super) name: String,
}

/// Where in each row the fields are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) time: Found,
    pub(super) time_unit: Option<TimeUnit>,
    pub(super) key: Found,
    pub(super) size: Option<Found>,
    pub(super) class: Option<Found>,
    pub(super) origin_time: Option<Found>,
    pub(super) origin_unit: Option<TimeUnit>,
    pub(super) status: Option<Found>,
    pub(super) method: Option<Found>,
    pub(super) ttl: Option<Found>,
    pub(super) ttl_unit: Option<TimeUnit>,
    pub(super) last_modified: Option<Found>,
    pub(super) client: Option<Found>,
    /// What was assumed, for the user.
    pub(super) notes: Vec<String>,
}

/// Finds the column that holds `field` in the header (empty where all columns are numbers).
pub(super) fn find(
    column: &Column,
    field: &'static str,
    header: &[String],
    file: &str,
) -> Result<Found, TraceError> {
    match column {
        Column::Number(number) => {
            let index = number - 1;
            let name = header.get(index).cloned().unwrap_or_else(|| number.to_string());
            Ok(Found { index, name })
        }
        Column::Named(name) => match header.iter().position(|existing| existing == name) {
            Some(index) => Ok(Found { index, name: name.clone() }),
            None => Err(TraceError::UnknownColumn {
                file: file.to_owned(),
                column: name.clone(),
                field,
                meant: nearest(name, header.iter().map(String::as_str)).map(str::to_owned),
                existing: one_of(header.iter().map(String::as_str)),
            }),
        },
    }
}

/// Whether the first row of a text between commas holds `name`, so that it is a header.
pub(super) fn is_named(start: &[u8], name: &[u8]) -> bool {
    let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start);
    let row = start.split(|byte| *byte == b'\n').next().unwrap_or_default();
    row.split(|byte| *byte == b',').any(|field| {
        let field = field.trim_ascii();
        field.strip_prefix(b"\"").and_then(|field| field.strip_suffix(b"\"")).unwrap_or(field) == name
    })
}

/// Columns by their names in the header, for formats whose names are known.
pub(super) fn named(names: &[(&str, &str)]) -> Columns {
    let mut columns = Columns::default();
    names.iter().for_each(|(field, name)| columns.set(field, Column::Named((*name).to_owned())));
    columns
}

/// Finds the declared columns in the header (empty where all columns are numbers).
pub(super) fn lay_out(declared: &Declared, header: &[String], file: &str) -> Result<Layout, TraceError> {
    let existing = one_of(header.iter().map(String::as_str));
    let mut layout = Layout::default();
    let mut found: [Option<Found>; FIELDS.len()] = Default::default();
    if declared.columns.is_empty() {
        for (place, (field, names)) in found.iter_mut().zip(USUAL) {
            *place = names.iter().find_map(|usual| {
                let index = header.iter().position(|name| name.eq_ignore_ascii_case(usual))?;
                Some(Found { index, name: header[index].clone() })
            });
            if let Some(column) = place {
                layout.notes.push(format!("column \"{}\" is taken as the {field}", column.name));
            }
        }
    } else {
        for (place, (field, column)) in
            found.iter_mut().zip(FIELDS.into_iter().zip(&declared.columns.by_field))
        {
            *place = column.as_ref().map(|column| find(column, field, header, file)).transpose()?;
        }
    }
    let undeclared = |field| TraceError::UndeclaredColumn {
        file: file.to_owned(),
        field,
        existing: if existing.is_empty() { "no header".to_owned() } else { existing.clone() },
    };
    let [time, key, size, class, origin_time, status, method, op, ttl, last_modified, client] = found;
    layout.time = time.ok_or_else(|| undeclared("time"))?;
    layout.key = key.ok_or_else(|| undeclared("key"))?;
    layout.settle_units(declared, origin_time.as_ref(), ttl.as_ref());
    let method = method.or(op);
    if client.is_some() && method.is_none() {
        return Err(undeclared("op"));
    }
    Ok(Layout { size, class, origin_time, status, method, ttl, last_modified, client, ..layout })
}

impl Layout {
    /// Decides the units of both times, and says what it assumed.
    fn settle_units(&mut self, declared: &Declared, origin_time: Option<&Found>, ttl: Option<&Found>) {
        let name = &self.time.name;
        self.time_unit = declared.time_unit.or_else(|| {
            let carried = TimeUnit::carried_by(name);
            self.notes.push(match carried {
                Some(unit) => format!("column \"{name}\" is read in {}, as its name says", unit.name()),
                None => format!(
                    "no time_unit is declared, so column \"{name}\" is read in seconds (others: ms, us, ns, iso8601)"
                ),
            });
            carried
        });
        if let Some(column) = origin_time {
            let numeric = self.time_unit.filter(|unit| *unit != TimeUnit::Iso8601);
            self.origin_unit = TimeUnit::carried_by(&column.name).or(numeric);
            let unit = self.origin_unit.unwrap_or(TimeUnit::S).name();
            self.notes.push(format!("column \"{}\" (origin time) is read in {unit}", column.name));
        }
        if let Some(column) = ttl {
            // TTLs are seconds wherever they come from, whatever the times are in.
            let unit = TimeUnit::carried_by(&column.name).unwrap_or(TimeUnit::S);
            self.ttl_unit = Some(unit);
            self.notes.push(format!("column \"{}\" (TTL) is read in {}", column.name, unit.name()));
        }
    }
}

/// What stands between the fields of a table, and around them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dialect {
    pub(super) delimiter: u8,
    /// `None` where nothing is quoted.
    pub(super) quote: Option<u8>,
}

impl Dialect {
    /// Commas and quotes as in RFC 4180.
    pub(super) const CSV: Self = Self { delimiter: b',', quote: Some(b'"') };
    /// Tabs, and every other character stands for itself.
    pub(super) const TSV: Self = Self { delimiter: b'\t', quote: None };

    /// This one where nothing else is declared.
    pub(super) fn unless(self, declared: &Declared) -> Self {
        let quote = match declared.quote {
            Some(Quote::By(quote)) => Some(quote),
            Some(Quote::Nothing) => None,
            None => self.quote,
        };
        Self { delimiter: declared.delimiter.unwrap_or(self.delimiter), quote }
    }

    /// How rows are told apart.
    pub(super) fn rows(self) -> csv::ReaderBuilder {
        let mut rows = csv::ReaderBuilder::new();
        rows.delimiter(self.delimiter).has_headers(false).flexible(true);
        match self.quote {
            Some(quote) => rows.quote(quote),
            None => rows.quoting(false),
        };
        rows
    }
}

/// Columns by their numbers, for formats whose layout is known.
pub(super) fn preset(numbers: &[(&str, usize)]) -> Columns {
    let mut columns = Columns::default();
    numbers.iter().for_each(|(field, number)| columns.set(field, Column::Number(*number)));
    columns
}
