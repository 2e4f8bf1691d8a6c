//! `csv`: a table of requests with fields between commas and quotes as in RFC 4180.
//!
//! The first row names the columns, unless `columns` counts them from 1. `columns` says which of them
//! hold `time`, `key`, `size`, `class`, `origin_time`, `status`, `method` (or `op`), `ttl`, `last_modified` and
//! `client`; all others are ignored. Without `columns`, well-known names (`time_us`, `key`, `size` …) are taken, and the
//! report says which. `quote` is another quote than `"`, or `"none"`.
//!
//! `time_unit` is `s`, `ms`, `us`, `ns` or `iso8601`. Where it is not declared, the name of the time
//! column decides (`time_us`, `ts_ms`), and else it is seconds, and the report says so. The origin time
//! is read in the unit that its column's name carries, else in the unit of the time; the TTL likewise,
//! else in seconds. An empty size, class, origin time or TTL is unknown, and so is a TTL of 0; a TTL of
//! -1 or `never` says that the key does not expire. Anything else that is no number is a bad row, as
//! is a row above a MiB.
//!
//! A `last_modified` that is later than the object's last one is a change at the origin, for `changes = "trace"`: it
//! happened then, but not before the last request that did not know of it. It is a date as HTTP writes it
//! (`Tue, 15 Nov 1994 12:45:26 GMT`), or as the time is. With a `client` and an `op`, a `get` that is the last of its
//! client before a `set` of the same key was a miss, and the time between them is an origin time.
//!
//! `ttlab trace convert` writes the columns `time_us,op,key,size,class,ttl_ms`, which are found again
//! without a declaration; `op` is `get`, `set` or `delete`.
//!
//! ```toml
//! [trace]
//! path = "requests.csv.zst"
//! format = "csv"
//! columns = { time = "ts", key = "path", size = "bytes" }
//! time_unit = "ms"
//! ```

use std::io::BufRead;

use super::table::Dialect;
use super::table_reader::TableReader;
use super::{Declared, NoParams, RecordReader, TraceFormat};
use crate::catalog::{Invalid, Param, Plugin};
use crate::trace::TraceError;

/// A table with commas.
#[derive(Debug, Clone)]
pub(super) struct Csv(Declared);

impl Plugin for Csv {
    const NAME: &'static str = "csv";
    const SUMMARY: &'static str = "a table with a header and fields between commas, quoted as in RFC 4180";
    const PARAMS: &'static [Param] = &[];
    type Params = NoParams;
    type Setup = Declared;

    fn new(_: &NoParams, declared: &Declared) -> Result<Self, Invalid> {
        Ok(Self(declared.clone()))
    }
}

impl TraceFormat for Csv {
    fn open<'r>(
        &self,
        input: Box<dyn BufRead + Send + 'r>,
        file: &str,
    ) -> Result<Box<dyn RecordReader + 'r>, TraceError> {
        Ok(Box::new(TableReader::open(Dialect::CSV, input, &self.0, file)?))
    }

    fn is_log(&self) -> bool {
        false
    }
}
