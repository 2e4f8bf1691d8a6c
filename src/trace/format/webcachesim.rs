//! `webcachesim`: `time id size` and further features between blanks, as the `webcachesim` simulator reads.
//!
//! Many such traces count requests instead of seconds, so the time is a time only where `time_unit`
//! says in which unit. Without it there is an order alone: requests are a second apart, and any ttl rule
//! but `none` is refused.
//!
//! ```toml
//! [trace]
//! path = "wiki2018.tr"
//! format = "webcachesim"
//! time_unit = "s"
//! ```

use std::io::BufRead;

use super::line_reader::{LineParser, LineReader};
use super::timestamp::{SECOND_NS, TimeUnit};
use super::{Declared, NoParams, Record, RecordReader, Skip, TraceFormat, fields};
use crate::catalog::{Invalid, Param, Plugin};
use crate::trace::TraceError;

/// Traces of `webcachesim`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Webcachesim {
    unit: Option<TimeUnit>,
}

impl Plugin for Webcachesim {
    const NAME: &'static str = "webcachesim";
    const SUMMARY: &'static str = "time, id and size between blanks; times count only with a time_unit";
    const PARAMS: &'static [Param] = &[];
    type Params = NoParams;
    type Setup = Declared;

    fn new(_: &NoParams, declared: &Declared) -> Result<Self, Invalid> {
        declared.only(Self::NAME, &["time_unit"])?;
        Ok(Self { unit: declared.time_unit })
    }
}

impl TraceFormat for Webcachesim {
    fn open<'r>(
        &self,
        input: Box<dyn BufRead + 'r>,
        _: &str,
    ) -> Result<Box<dyn RecordReader + 'r>, TraceError> {
        Ok(Box::new(LineReader::new(input, Parser { unit: self.unit, requests: 0 })))
    }

    fn is_log(&self) -> bool {
        false
    }

    fn has_times(&self) -> bool {
        self.unit.is_some()
    }
}

struct Parser {
    unit: Option<TimeUnit>,
    requests: i64,
}

impl LineParser for Parser {
    fn record<'l>(&'l mut self, line: &'l [u8]) -> Result<Record<'l>, Skip<'l>> {
        let mut words = fields::words(line);
        let (Some(time), Some(id), Some(size)) = (words.next(), words.next(), words.next()) else {
            return Err(Skip::bad("a line must have a time, an id and a size between blanks", line));
        };
        let Some((stamp, utc_offset_s)) = self.unit.unwrap_or(TimeUnit::S).parse(time) else {
            return Err(Skip::bad("the time must be a number", time));
        };
        let key = fields::id(id)?;
        let size = fields::size(size)?;
        let order = self.requests;
        self.requests += 1;
        let time_ns = if self.unit.is_some() { stamp } else { order.saturating_mul(SECOND_NS) };
        Ok(Record { time_ns, utc_offset_s, key, size, ..Record::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_count_only_in_a_declared_unit() {
        let mut parser = Parser { unit: None, requests: 0 };
        assert_eq!(parser.record(b"900 5 10 1 2 3").unwrap().time_ns, 0);
        let second = parser.record(b"100\t5  10").unwrap();
        assert_eq!((second.time_ns, second.key, second.size), (SECOND_NS, &b"5"[..], Some(10)));
        let mut parser = Parser { unit: Some(TimeUnit::Ms), requests: 0 };
        assert_eq!(parser.record(b"900 5 10").unwrap().time_ns, 900_000_000);
        for line in ["1 2", "x 2 3", "1 99999999999999999999 3", "1 2 -3", "1 -2 3"] {
            assert!(parser.record(line.as_bytes()).unwrap_err().is_bad, "{line}");
        }
    }
}
