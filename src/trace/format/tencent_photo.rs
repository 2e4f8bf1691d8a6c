//! `tencent-photo`: the QQ photo requests that Tencent published (Zhou and others, ICS 2018).
//!
//! ```text
//! YYYYMMDDHHMMSS photo_id format size_category bytes cache_hit terminal response_time_ms
//! ```
//!
//! Fields stand between blanks; times are whole seconds. One photo is stored in several formats and
//! sizes, so the key is `photo_id format size_category`, and the size category is the class. The response
//! time of a request that missed (`cache_hit` is 0) is the origin time. The recording is a sample of one
//! photo in a hundred: multiply rates and sizes of caches by a hundred.
//!
//! ```toml
//! [trace]
//! path = "photo-2016.txt.gz"
//! format = "tencent-photo"
//! ```

use std::io::BufRead;

use super::line_reader::{LineParser, LineReader};
use super::timestamp::{TimeUnit, compact};
use super::{Declared, NoParams, Record, RecordReader, Skip, TraceFormat, fields};
use crate::catalog::{Invalid, Param, Plugin};
use crate::trace::TraceError;

/// Photo requests of Tencent.
#[derive(Debug, Clone, Copy)]
pub(super) struct TencentPhoto;

impl Plugin for TencentPhoto {
    const NAME: &'static str = "tencent-photo";
    const SUMMARY: &'static str =
        "Tencent's photo requests, with formats, size categories and response times";
    const PARAMS: &'static [Param] = &[];
    type Params = NoParams;
    type Setup = Declared;

    fn new(_: &NoParams, declared: &Declared) -> Result<Self, Invalid> {
        declared.only(Self::NAME, &[])?;
        Ok(Self)
    }
}

impl TraceFormat for TencentPhoto {
    fn open<'r>(
        &self,
        input: Box<dyn BufRead + Send + 'r>,
        _: &str,
    ) -> Result<Box<dyn RecordReader + 'r>, TraceError> {
        Ok(Box::new(LineReader::new(input, Parser::default())))
    }

    fn is_log(&self) -> bool {
        false
    }
}

#[derive(Default)]
struct Parser {
    key: Vec<u8>,
}

impl LineParser for Parser {
    fn record<'l>(&'l mut self, line: &'l [u8]) -> Result<Record<'l>, Skip<'l>> {
        let mut words = fields::words(line);
        let mut next = || words.next();
        let (Some(time), Some(photo), Some(kind), Some(class), Some(size), Some(hit), Some(_), Some(took)) =
            (next(), next(), next(), next(), next(), next(), next(), next())
        else {
            return Err(Skip::bad("a line must have eight fields between blanks", line));
        };
        let time_ns =
            compact(time).ok_or_else(|| Skip::bad("the time must be a date such as 20160201120000", time))?;
        self.key.clear();
        for (place, part) in [photo, kind, class].into_iter().enumerate() {
            self.key.extend_from_slice(if place == 0 { b"" } else { b" " });
            self.key.extend_from_slice(part);
        }
        let rule = "the response time must be a number of milliseconds that is not negative";
        let took = fields::span(took, TimeUnit::Ms, rule)?;
        Ok(Record {
            time_ns,
            key: &self.key,
            size: fields::size(size)?,
            class: Some(class),
            origin_time: (hit == b"0").then_some(took),
            ..Record::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::SimDuration;

    #[test]
    fn the_key_is_photo_format_and_size_category() {
        let mut parser = Parser::default();
        let record = parser.record(b"20160201120001 00ff  5 l 1234 0 0 37").unwrap();
        assert_eq!(record.time_ns, 1_454_328_001_000_000_000);
        assert_eq!((record.key, record.class, record.size), (&b"00ff 5 l"[..], Some(&b"l"[..]), Some(1234)));
        assert_eq!(record.origin_time, Some(SimDuration::from_millis(37)));
        assert_eq!(parser.record(b"20160201120001 00ff 5 l 1234 1 0 2").unwrap().origin_time, None);
        for line in
            ["20161301120001 f 5 l 1 0 0 3", "20160201120001 f 5 l 1 0 0", "20160201120001 f 5 l -1 0 0 3"]
        {
            assert!(parser.record(line.as_bytes()).unwrap_err().is_bad, "{line}");
        }
    }
}
