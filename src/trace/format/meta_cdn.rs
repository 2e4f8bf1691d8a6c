//! `meta-cdn`: the CDN traces that Meta published with `CacheLib`, the only public ones with TTLs.
//!
//! ```text
//! timestamp,cacheKey,OpType,objectSize,responseSize,responseHeaderSize,rangeStart,rangeEnd,TTL,SamplingRate,
//! cache_hit,item_value,RequestHandler,cdn_content_type_id,vip_type
//! ```
//!
//! Columns are found by the header where there is one, and else in this order. Times and TTLs are
//! seconds; the size is that of the object, whatever range was asked for. Ttl rule `trace` honours the
//! TTLs. Recordings are samples: multiply rates and caches by their `SamplingRate`.
//!
//! ```toml
//! [trace]
//! path = "reag0c01.csv.zst"
//! format = "meta-cdn"
//! ```

use std::io::BufRead;

use super::table::{Dialect, is_named, named, preset};
use super::table_reader::TableReader;
use super::timestamp::TimeUnit;
use super::{Declared, NoParams, RecordReader, TraceFormat};
use crate::catalog::{Invalid, Param, Plugin};
use crate::trace::TraceError;

/// CDN traces of Meta.
#[derive(Debug, Clone, Copy)]
pub(super) struct MetaCdn;

impl Plugin for MetaCdn {
    const NAME: &'static str = "meta-cdn";
    const SUMMARY: &'static str = "Meta's CDN traces, with object sizes and TTLs";
    const PARAMS: &'static [Param] = &[];
    type Params = NoParams;
    type Setup = Declared;

    fn new(_: &NoParams, declared: &Declared) -> Result<Self, Invalid> {
        declared.only(Self::NAME, &[])?;
        Ok(Self)
    }
}

/// The columns that are read, by the name in the header.
const NAMED: [(&str, &str); 4] =
    [("time", "timestamp"), ("key", "cacheKey"), ("size", "objectSize"), ("ttl", "TTL")];

impl TraceFormat for MetaCdn {
    fn open<'r>(
        &self,
        mut input: Box<dyn BufRead + Send + 'r>,
        file: &str,
    ) -> Result<Box<dyn RecordReader + 'r>, TraceError> {
        let unreadable = |source| TraceError::Unreadable { file: file.to_owned(), source };
        let columns = if is_named(input.fill_buf().map_err(unreadable)?, b"cacheKey") {
            named(&NAMED)
        } else {
            preset(&[("time", 1), ("key", 2), ("size", 4), ("ttl", 9)])
        };
        let declared = Declared { columns, time_unit: Some(TimeUnit::S), ..Declared::default() };
        Ok(Box::new(TableReader::open(Dialect::CSV, input, &declared, file)?))
    }

    fn is_log(&self) -> bool {
        false
    }
}
