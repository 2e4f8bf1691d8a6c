//! The record as JSON text: the same record is always the same bytes, and reads back as itself.

use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::wire::{Record, SCHEMA};

/// Why a record could not be read.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The file cannot be read.
    #[error("{path}: {source}")]
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
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
            format!("this is no record of ttlab ({plain})")
        } else {
            format!("this is no JSON ({plain})")
        };
        Self::Text { line, column, what }
    }
}

impl Record {
    /// Reads a record from its text. Fields that are not known are ignored.
    pub fn from_json(text: &str) -> Result<Self, RecordError> {
        #[derive(Deserialize)]
        struct Layout {
            schema: u32,
        }
        let Layout { schema } = serde_json::from_str(text)?;
        if schema > SCHEMA {
            return Err(RecordError::Newer { found: schema });
        }
        Ok(serde_json::from_str(text)?)
    }

    /// Reads a record from a file.
    pub fn read(path: &Path) -> Result<Self, RecordError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| RecordError::File { path: path.to_owned(), source })?;
        Self::from_json(&text)
            .map_err(|error| RecordError::In { path: path.to_owned(), error: Box::new(error) })
    }

    /// The record's text: indented, fields in a fixed order, one line feed at the end.
    ///
    /// # Panics
    /// Never: every key is a text, and memory takes every byte.
    pub fn to_json(&self) -> String {
        let text = serde_json::to_string_pretty(self);
        text.expect("a record can be written as text") + "\n"
    }
}
