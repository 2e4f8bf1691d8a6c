//! The record as JSON text: the same record is always the same bytes, and reads back as itself.

use std::io;
use std::path::{Path, PathBuf};

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::ser::{Formatter, PrettyFormatter};

use super::wire::{Record, SCHEMA};

/// Why a record could not be read.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The file cannot be read.
    #[error("{path}: {why}")]
    File {
        /// Which file.
        path: PathBuf,
        /// Why; no source of its own, because the message says it already.
        why: io::Error,
    },
    /// The text is no JSON, or no record.
    #[error("line {line}, column {column}: {what}")]
    Text {
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What is wrong there.
        what: String,
    },
    /// The record was made by a later version of ttlab.
    #[error("this record has schema {found}, but ttlab {} reads schema {SCHEMA} and older", env!("CARGO_PKG_VERSION"))]
    Newer {
        /// The record's schema.
        found: u32,
    },
    /// One of these, in a file.
    #[error("{path}: {error}")]
    In {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        error: Box<RecordError>,
    },
}

impl From<serde_json::Error> for RecordError {
    fn from(error: serde_json::Error) -> Self {
        let (line, column) = (error.line(), error.column());
        let place = format!(" at line {line} column {column}");
        let text = error.to_string();
        let plain = text.strip_suffix(&place).unwrap_or(&text);
        let what = if error.is_eof() {
            format!("the record is cut off ({plain})")
        } else if error.is_data() {
            format!("this is no record of ttlab ({})", in_words(plain))
        } else {
            format!("this is no JSON ({plain})")
        };
        Self::Text { line, column, what }
    }
}

/// What was expected, in the words of JSON instead of those of a Rust type: `expected struct Cell with 12 elements`
/// becomes `expected an object`.
fn in_words(text: &str) -> String {
    let Some((before, expected)) = text.rsplit_once("expected ") else { return text.to_owned() };
    let kind = match expected.split(' ').next().unwrap_or_default() {
        "struct" => "an object",
        "u8" | "u16" | "u32" | "u64" | "usize" | "i64" => "a whole number",
        "f32" | "f64" => "a number",
        _ => match expected {
            "a map" => "an object",
            "a sequence" => "a list",
            "a boolean" => "true or false",
            other => other,
        },
    };
    format!("{before}expected {kind}")
}

/// Where and why a record cannot be read, each apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// Which file; `None` for a text that has none.
    pub file: Option<PathBuf>,
    /// Line and column, each from 1; `None` where the fault is the file's as a whole.
    pub place: Option<(usize, usize)>,
    /// What is wrong.
    pub what: String,
}

impl RecordError {
    /// Its parts, for programs.
    pub fn trouble(&self) -> Trouble {
        match self {
            Self::File { path, why } => {
                Trouble { file: Some(path.clone()), place: None, what: why.to_string() }
            }
            Self::Text { line, column, what } => {
                Trouble { file: None, place: Some((*line, *column)), what: what.clone() }
            }
            Self::Newer { .. } => Trouble { file: None, place: None, what: self.to_string() },
            Self::In { path, error } => Trouble { file: Some(path.clone()), ..error.trouble() },
        }
    }
}

impl Record {
    /// Reads a record from its text. Fields that are not known are ignored.
    pub fn from_json(text: &str) -> Result<Self, RecordError> {
        #[derive(Deserialize)]
        struct Layout {
            schema: u32,
        }
        // A list could be read as the fields of a record in their order, and would fail somewhere within.
        if let Some(other) = text.trim_start().chars().next().filter(|first| *first != '{') {
            serde_json::from_str::<IgnoredAny>(text)?;
            let what = if other == '[' { "a list" } else { "a single value" };
            let before = &text[..text.len() - text.trim_start().len()];
            let line_start = before.rfind('\n').map_or(0, |at| at + 1);
            return Err(RecordError::Text {
                line: before.matches('\n').count() + 1,
                column: before[line_start..].chars().count() + 1,
                what: format!("this is no record of ttlab (it holds {what}, and a record is an object)"),
            });
        }
        let Layout { schema } = serde_json::from_str(text)?;
        if schema > SCHEMA {
            return Err(RecordError::Newer { found: schema });
        }
        Ok(serde_json::from_str(text)?)
    }

    /// Reads a record from a file.
    pub fn read(path: &Path) -> Result<Self, RecordError> {
        let text =
            std::fs::read_to_string(path).map_err(|why| RecordError::File { path: path.to_owned(), why })?;
        Self::from_json(&text)
            .map_err(|error| RecordError::In { path: path.to_owned(), error: Box::new(error) })
    }

    /// The record's text: indented, but for columns of numbers, which take a line each; fields in a fixed
    /// order, one line feed at the end.
    ///
    /// # Panics
    /// Never: every key is a text, and memory takes every byte.
    pub fn to_json(&self) -> String {
        let mut text = Vec::new();
        let mut writer = serde_json::Serializer::with_formatter(&mut text, Columns::default());
        self.serialize(&mut writer).expect("a record can be written as text");
        text.push(b'\n');
        String::from_utf8(text).expect("JSON is UTF-8")
    }
}

/// Indents as usual, but writes a list of numbers on one line: a series has thousands of them.
#[derive(Default)]
struct Columns {
    pretty: PrettyFormatter<'static>,
    /// For each list that is open: what of it has been written.
    lists: Vec<List>,
}

/// How far the writing of a list has come.
#[derive(Clone, Copy, PartialEq)]
enum List {
    /// Its bracket, and the comma of the next value if it is not the first; what kind of value comes is not known.
    Between { first: bool },
    /// A number, on the line of its bracket.
    Flat,
    /// Something else, on a line of its own.
    Tall,
}

impl Columns {
    /// A value begins that has a line of its own.
    fn tall<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        if let Some(list @ List::Between { .. }) = self.lists.last_mut() {
            let first = *list == List::Between { first: true };
            *list = List::Tall;
            return self.pretty.begin_array_value(writer, first);
        }
        Ok(())
    }

    /// A number begins.
    fn flat<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        if let Some(list @ List::Between { .. }) = self.lists.last_mut() {
            let first = *list == List::Between { first: true };
            *list = List::Flat;
            return if first { Ok(()) } else { writer.write_all(b",") };
        }
        Ok(())
    }
}

/// Passes numbers on, as values that need no line of their own.
macro_rules! numbers {
    ($($method:ident: $number:ty),*) => {
        $(fn $method<W: ?Sized + io::Write>(&mut self, writer: &mut W, value: $number) -> io::Result<()> {
            self.flat(writer)?;
            self.pretty.$method(writer, value)
        })*
    };
}

impl Formatter for Columns {
    numbers!(write_i32: i32, write_i64: i64, write_u32: u32, write_u64: u64, write_f64: f64);

    fn write_null<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.flat(writer)?;
        self.pretty.write_null(writer)
    }

    fn write_bool<W: ?Sized + io::Write>(&mut self, writer: &mut W, value: bool) -> io::Result<()> {
        self.flat(writer)?;
        self.pretty.write_bool(writer, value)
    }

    fn begin_string<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.tall(writer)?;
        self.pretty.begin_string(writer)
    }

    fn begin_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.tall(writer)?;
        self.lists.push(List::Between { first: true });
        self.pretty.begin_array(writer)
    }

    fn end_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.lists.pop();
        self.pretty.end_array(writer)
    }

    fn begin_array_value<W: ?Sized + io::Write>(&mut self, _: &mut W, first: bool) -> io::Result<()> {
        if let Some(list) = self.lists.last_mut() {
            *list = List::Between { first };
        }
        Ok(())
    }

    fn end_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        if self.lists.last() == Some(&List::Tall) { self.pretty.end_array_value(writer) } else { Ok(()) }
    }

    fn begin_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.tall(writer)?;
        self.pretty.begin_object(writer)
    }

    fn end_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.pretty.end_object(writer)
    }

    fn begin_object_key<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.pretty.begin_object_key(writer, first)
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.pretty.begin_object_value(writer)
    }

    fn end_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.pretty.end_object_value(writer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: &serde_json::Value) -> String {
        let mut text = Vec::new();
        value.serialize(&mut serde_json::Serializer::with_formatter(&mut text, Columns::default())).unwrap();
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn no_message_names_a_type_of_the_program() {
        for (found, told) in [
            (
                "invalid length 1, expected struct Cell with 11 elements",
                "invalid length 1, expected an object",
            ),
            ("invalid type: integer `5`, expected a map", "invalid type: integer `5`, expected an object"),
            (
                "invalid value: integer `-1`, expected u64",
                "invalid value: integer `-1`, expected a whole number",
            ),
            ("invalid type: string \"x\", expected f64", "invalid type: string \"x\", expected a number"),
            ("missing field `schema`", "missing field `schema`"),
            ("unknown variant `x`, expected `max` or `min`", "unknown variant `x`, expected `max` or `min`"),
        ] {
            assert_eq!(in_words(found), told);
        }
    }

    #[test]
    fn columns_of_numbers_take_one_line_and_all_else_is_indented() {
        let value = serde_json::json!({
            "column": [1, 2.5, null, -3],
            "cells": [{ "one": [], "two": [[1, 2], [3]] }],
            "words": ["a", "b"],
            "none": [],
        });
        let expected = r#"{
  "cells": [
    {
      "one": [],
      "two": [
        [1,2],
        [3]
      ]
    }
  ],
  "column": [1,2.5,null,-3],
  "none": [],
  "words": [
    "a",
    "b"
  ]
}"#;
        assert_eq!(text(&value), expected);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text(&value)).unwrap(), value);
    }
}
