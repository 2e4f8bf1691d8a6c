//! `wikimedia-upload`: the media requests that Wikimedia published in 2019.
//!
//! ```text
//! relative_unix <tab> hashed_path_query <tab> image_type <tab> response_size <tab> time_firstbyte
//! ```
//!
//! Times are whole seconds since the recording began. The image type (`jpeg`, `png`, `webp` …) is the
//! class. `time_firstbyte`, in seconds, is the origin time: it is measured at the cache, so it is that
//! of hits as well, and a free distribution rather than one of fetches. The release of 2016 has other
//! columns and no times; its lines are refused.
//!
//! ```toml
//! [trace]
//! path = "cache-u-00.gz"
//! format = "wikimedia-upload"
//! ```

use std::io::BufRead;

use super::line_reader::{LineParser, LineReader};
use super::timestamp::TimeUnit;
use super::{Declared, NoParams, Record, RecordReader, Skip, TraceFormat, fields};
use crate::catalog::{Invalid, Param, Plugin};
use crate::trace::TraceError;

/// Media requests of Wikimedia.
#[derive(Debug, Clone, Copy)]
pub(super) struct WikimediaUpload;

impl Plugin for WikimediaUpload {
    const NAME: &'static str = "wikimedia-upload";
    const SUMMARY: &'static str =
        "Wikimedia's media requests of 2019, with sizes, types and times to first byte";
    const PARAMS: &'static [Param] = &[];
    type Params = NoParams;
    type Setup = Declared;

    fn new(_: &NoParams, declared: &Declared) -> Result<Self, Invalid> {
        declared.only(Self::NAME, &[])?;
        Ok(Self)
    }
}

impl TraceFormat for WikimediaUpload {
    fn open<'r>(
        &self,
        input: Box<dyn BufRead + Send + 'r>,
        _: &str,
    ) -> Result<Box<dyn RecordReader + 'r>, TraceError> {
        Ok(Box::new(LineReader::new(input, *self)))
    }

    fn is_log(&self) -> bool {
        false
    }
}

impl LineParser for WikimediaUpload {
    fn record<'l>(&'l mut self, line: &'l [u8]) -> Result<Record<'l>, Skip<'l>> {
        let mut parts = line.split(|byte| *byte == b'\t');
        let mut next = || parts.next().map(<[u8]>::trim_ascii);
        let (Some(time), Some(key), Some(class), Some(size), Some(first_byte), None) =
            (next(), next(), next(), next(), next(), next())
        else {
            return Err(Skip::bad("a line must have five fields between tabs", line));
        };
        if time == b"relative_unix" {
            return Err(Skip::idle("header", line));
        }
        let time_ns = fields::seconds(time).map_err(|skip| Skip {
            reason: "the time must be a number of seconds (the release of 2016 has none)",
            ..skip
        })?;
        if key.is_empty() {
            return Err(Skip::bad("the key must not be empty", line));
        }
        let rule = "the time to the first byte must be a number of seconds that is not negative";
        let origin_time = match first_byte {
            b"" | b"-" => None,
            text => Some(fields::span(text, TimeUnit::S, rule)?),
        };
        let size = fields::size(size)?;
        let class = Some(class).filter(|class| !class.is_empty());
        Ok(Record { time_ns, key, size, class, origin_time, ..Record::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::SimDuration;

    #[test]
    fn the_type_is_the_class_and_the_first_byte_the_origin_time() {
        let mut wikimedia = WikimediaUpload;
        let record = wikimedia.record(b"7\t-123\tsvg+xml\t900\t0.0625").unwrap();
        assert_eq!((record.time_ns, record.key, record.size), (7_000_000_000, &b"-123"[..], Some(900)));
        assert_eq!(record.class, Some(&b"svg+xml"[..]));
        assert_eq!(record.origin_time, Some(SimDuration::from_nanos(62_500_000)));
        let header = b"relative_unix\thashed_path_query\timage_type\tresponse_size\ttime_firstbyte";
        assert!(!wikimedia.record(header).unwrap_err().is_bad);
        let old = wikimedia.record(b"9f\t?a\timage/png\t900\thit").unwrap_err();
        assert!(old.reason.contains("2016"));
    }
}
