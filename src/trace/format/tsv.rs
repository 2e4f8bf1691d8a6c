//! `tsv`: a table of requests with fields between tabs.
//!
//! As `csv`, but nothing is quoted unless `quote` says so: a quote is a letter like any other, as tools that write
//! tabs mean it.
//!
//! ```toml
//! [trace]
//! path = "requests.tsv"
//! format = "tsv"
//! columns = { time = 1, key = 2, size = 4 }
//! time_unit = "s"
//! ```

use std::io::BufRead;

use super::table::Dialect;
use super::table_reader::TableReader;
use super::{Declared, NoParams, RecordReader, TraceFormat};
use crate::catalog::{Invalid, Param, Plugin};
use crate::trace::TraceError;

/// A table with tabs.
#[derive(Debug, Clone)]
pub(super) struct Tsv(Declared);

impl Plugin for Tsv {
    const NAME: &'static str = "tsv";
    const SUMMARY: &'static str = "a table with a header and fields between tabs, nothing quoted";
    const PARAMS: &'static [Param] = &[];
    type Params = NoParams;
    type Setup = Declared;

    fn new(_: &NoParams, declared: &Declared) -> Result<Self, Invalid> {
        Ok(Self(declared.clone()))
    }
}

impl TraceFormat for Tsv {
    fn open<'r>(
        &self,
        input: Box<dyn BufRead + Send + 'r>,
        file: &str,
    ) -> Result<Box<dyn RecordReader + 'r>, TraceError> {
        Ok(Box::new(TableReader::open(Dialect::TSV, input, &self.0, file)?))
    }

    fn is_log(&self) -> bool {
        false
    }
}
