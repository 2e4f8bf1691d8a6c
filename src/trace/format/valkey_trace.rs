//! `valkey-trace`: the table that the proposed `MONITOR TRACE` of Valkey writes.
//!
//! ```text
//! ts_us,seq,db,cmd,key,access
//! ```
//!
//! The proposal is not final (an open pull request when this was written); these six columns are read,
//! by the header where there is one. Commands are taken as requests, writes and deletions as in
//! `redis-monitor`; there are neither sizes nor TTLs. Recordings are sampled by key: keep their rate, and
//! scale rates and caches by it.
//!
//! ```toml
//! [trace]
//! path = "monitor.csv"
//! format = "valkey-trace"
//! ```

use std::io::BufRead;

use super::table::preset;
use super::table_reader::TableReader;
use super::timestamp::TimeUnit;
use super::{Declared, NoParams, RecordReader, TraceFormat};
use crate::catalog::{Invalid, Param, Plugin};
use crate::trace::TraceError;

/// Valkey's table of commands.
#[derive(Debug, Clone)]
pub(super) struct ValkeyTrace(Declared);

impl Plugin for ValkeyTrace {
    const NAME: &'static str = "valkey-trace";
    const SUMMARY: &'static str = "Valkey's proposed MONITOR TRACE: ts_us,seq,db,cmd,key,access";
    const PARAMS: &'static [Param] = &[];
    type Params = NoParams;
    type Setup = Declared;

    fn new(_: &NoParams, declared: &Declared) -> Result<Self, Invalid> {
        declared.only(Self::NAME, &[])?;
        Ok(Self(Declared {
            columns: preset(&[("time", 1), ("op", 4), ("key", 5)]),
            time_unit: Some(TimeUnit::Us),
            ..Declared::default()
        }))
    }
}

impl TraceFormat for ValkeyTrace {
    fn open<'r>(
        &self,
        input: Box<dyn BufRead + 'r>,
        file: &str,
    ) -> Result<Box<dyn RecordReader + 'r>, TraceError> {
        Ok(Box::new(TableReader::open(&mut csv::ReaderBuilder::new(), input, &self.0, file)?))
    }

    fn is_log(&self) -> bool {
        false
    }
}
