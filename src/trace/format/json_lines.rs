//! `json-lines`: one JSON object in each line, as log shippers and CDNs write.
//!
//! `columns` says which members hold `time`, `key`, `size`, `class`, `origin_time`, `status`, `method` (or
//! `op`), `ttl`, `last_modified` and `client`; a dot leads into an inner object, as in `http.request.path`. All others are ignored.
//! Without `columns`, well-known names of the first line's members are taken, and the report says which.
//! A member that is missing or `null` is unknown. Units are those of `csv`.
//!
//! ```toml
//! [trace]
//! path = "edge.jsonl.gz"
//! format = "json-lines"
//! columns = { time = "ts", key = "request.path", size = "bytes", status = "status" }
//! time_unit = "ms"
//! ```

use std::io::{self, BufRead, Cursor, Read};

use csv::ByteRecord;
use serde_json::Value;

use super::asked::Asked;
use super::line_reader::{LineParser, LineReader};
use super::table::{Column, Layout, lay_out};
use super::table_reader;
use super::{Declared, NoParams, Record, RecordReader, Skip, TraceFormat};
use crate::catalog::{Invalid, Param, Plugin};
use crate::trace::TraceError;

/// JSON objects, one in a line.
#[derive(Debug, Clone)]
pub(super) struct JsonLines(Declared);

impl Plugin for JsonLines {
    const NAME: &'static str = "json-lines";
    const SUMMARY: &'static str = "one JSON object in each line, with declared members";
    const PARAMS: &'static [Param] = &[];
    type Params = NoParams;
    type Setup = Declared;

    fn new(_: &NoParams, declared: &Declared) -> Result<Self, Invalid> {
        declared.only(Self::NAME, &["columns", "time_unit"])?;
        if declared.columns.declared().any(|(_, column)| matches!(column, Column::Number(_))) {
            return Err(Invalid::param("", "members of JSON objects have names, not numbers")
                .help("write columns = { time = \"ts\", key = \"path\" }"));
        }
        Ok(Self(declared.clone()))
    }
}

impl TraceFormat for JsonLines {
    fn open<'r>(
        &self,
        mut input: Box<dyn BufRead + Send + 'r>,
        file: &str,
    ) -> Result<Box<dyn RecordReader + 'r>, TraceError> {
        let unreadable = |source| TraceError::Unreadable { file: file.to_owned(), source };
        let first = first_line(&mut input).map_err(unreadable)?;
        let members = if self.0.columns.is_empty() {
            match serde_json::from_slice(&first) {
                Ok(Value::Object(members)) => members.keys().cloned().collect(),
                _ => Vec::new(),
            }
        } else {
            self.0.columns.declared().filter_map(|(_, column)| name(column)).collect()
        };
        let layout = lay_out(&self.0, &members, file)?;
        let parser = Parser { members, layout, row: ByteRecord::new(), asked: Asked::default() };
        Ok(Box::new(LineReader::new(Cursor::new(first).chain(input), parser)))
    }

    fn is_log(&self) -> bool {
        false
    }
}

fn name(column: &Column) -> Option<String> {
    match column {
        Column::Named(name) => Some(name.clone()),
        Column::Number(_) => None,
    }
}

/// The first line, a MiB of it at most.
fn first_line(input: &mut dyn BufRead) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    input.take(1 << 20).read_until(b'\n', &mut line)?;
    Ok(line)
}

struct Parser {
    members: Vec<String>,
    layout: Layout,
    row: ByteRecord,
    asked: Asked,
}

impl LineParser for Parser {
    fn record<'l>(&'l mut self, line: &'l [u8]) -> Result<Record<'l>, Skip<'l>> {
        let Ok(object @ Value::Object(_)) = serde_json::from_slice(line) else {
            return Err(Skip::bad("a line must be a JSON object", line));
        };
        self.row.clear();
        for member in &self.members {
            match find(&object, member) {
                None | Some(Value::Null) => self.row.push_field(b""),
                Some(Value::String(text)) => self.row.push_field(text.as_bytes()),
                Some(other) => self.row.push_field(other.to_string().as_bytes()),
            }
        }
        table_reader::record(&self.row, &self.layout, &mut self.asked, false)
    }

    fn notes(&self) -> Vec<String> {
        self.layout.notes.clone()
    }
}

/// The member called `path`, or the one that its dots lead to.
fn find<'v>(object: &'v Value, path: &str) -> Option<&'v Value> {
    object.get(path).or_else(|| path.split('.').try_fold(object, |inside, part| inside.get(part)))
}

#[cfg(test)]
mod tests {
    use super::super::{Columns, TimeUnit};
    use super::*;
    use crate::units::SimDuration;

    #[test]
    fn members_are_found_at_any_depth_and_missing_ones_are_unknown() {
        let mut columns = Columns::default();
        for (field, name) in
            [("time", "ts"), ("key", "req.path"), ("size", "bytes"), ("ttl", "ttl"), ("op", "op")]
        {
            columns.set(field, Column::Named(name.to_owned()));
        }
        let declared = Declared { columns, time_unit: Some(TimeUnit::Ms), ..Declared::default() };
        let text = "{\"ts\": 1500.25, \"req\": {\"path\": \"/a \\\"b\\\".gif\"}, \"bytes\": 7, \"ttl\": 60, \"op\": \"set\"}\n\
                    {\"ts\": \"1600\", \"req\": {\"path\": \"/b\"}, \"bytes\": null}\nnot json\n{\"ts\": 1}\n[1]\n";
        let mut reader = JsonLines(declared).open(Box::new(text.as_bytes()), "f").unwrap();
        let row = reader.next_row().unwrap().unwrap();
        let record = row.content.unwrap();
        assert_eq!((record.time_ns, record.key), (1_500_250_000, &b"/a \"b\".gif"[..]));
        assert_eq!((record.size, record.method), (Some(7), Some(&b"set"[..])));
        assert_eq!(record.ttl, Some(SimDuration::from_secs(60)));
        let row = reader.next_row().unwrap().unwrap();
        assert_eq!((row.line, row.content.unwrap().size), (2, None));
        let reasons =
            ["a line must be a JSON object", "the key must not be empty", "a line must be a JSON object"];
        for reason in reasons {
            assert_eq!(reader.next_row().unwrap().unwrap().content.unwrap_err().reason, reason);
        }
        assert!(reader.next_row().is_none());
    }
}
