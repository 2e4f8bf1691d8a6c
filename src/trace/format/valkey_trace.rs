//! `valkey-trace`: the table that the proposed `MONITOR TRACE` of Valkey writes.
//!
//! ```text
//! ts_us,seq,db,cmd,key,access
//! ```
//!
//! The proposal is not final (an open pull request when this was written). Time, database, command and key are found by
//! the header where there is one, and else in this order. Commands are taken as requests, writes and deletions, and keys
//! of another database than 0 are spelt `db:key`, as in `redis-monitor`; there are neither sizes nor TTLs. Recordings are
//! sampled by key: keep their rate, and scale rates and caches by it.
//!
//! ```toml
//! [trace]
//! path = "monitor.csv"
//! format = "valkey-trace"
//! ```

use std::io::BufRead;

use super::table::{Column, Dialect, is_named, named, preset};
use super::table_reader::TableReader;
use super::timestamp::TimeUnit;
use super::{Declared, NoParams, RecordReader, TraceFormat};
use crate::catalog::{Invalid, Param, Plugin};
use crate::trace::TraceError;

/// Valkey's table of commands.
#[derive(Debug, Clone, Copy)]
pub(super) struct ValkeyTrace;

impl Plugin for ValkeyTrace {
    const NAME: &'static str = "valkey-trace";
    const SUMMARY: &'static str = "Valkey's proposed MONITOR TRACE: ts_us,seq,db,cmd,key,access";
    const PARAMS: &'static [Param] = &[];
    type Params = NoParams;
    type Setup = Declared;

    fn new(_: &NoParams, declared: &Declared) -> Result<Self, Invalid> {
        declared.only(Self::NAME, &[])?;
        Ok(Self)
    }
}

impl TraceFormat for ValkeyTrace {
    fn open<'r>(
        &self,
        mut input: Box<dyn BufRead + Send + 'r>,
        file: &str,
    ) -> Result<Box<dyn RecordReader + 'r>, TraceError> {
        let unreadable = |source| TraceError::Unreadable { file: file.to_owned(), source };
        let (columns, database) = if is_named(input.fill_buf().map_err(unreadable)?, b"ts_us") {
            (named(&[("time", "ts_us"), ("op", "cmd"), ("key", "key")]), Column::Named("db".to_owned()))
        } else {
            (preset(&[("time", 1), ("op", 4), ("key", 5)]), Column::Number(3))
        };
        let declared = Declared { columns, time_unit: Some(TimeUnit::Us), ..Declared::default() };
        Ok(Box::new(TableReader::open_databases(Dialect::CSV, input, &declared, Some(&database), file)?))
    }

    fn is_log(&self) -> bool {
        false
    }
}
