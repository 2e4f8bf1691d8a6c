//! `webcachesim`: `time id size` and further features between blanks, as the `webcachesim` simulator reads.
//!
//! Many such traces count requests instead of seconds, so the time is a time only where `time_unit`
//! says in which unit. Without it any number will do and there is an order alone, that of the lines: requests are a
//! second apart, and any ttl rule but `none` is refused.
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
        input: Box<dyn BufRead + Send + 'r>,
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
        let (time_ns, utc_offset_s) = match self.unit {
            Some(unit) => unit.parse(time).ok_or_else(|| Skip::bad(rule(unit), time))?,
            // Any number does: the line tells the order, and no unit how large the number may be.
            None if is_number(time) => (self.requests.saturating_mul(SECOND_NS), None),
            None => return Err(Skip::bad("the time must be a number", time)),
        };
        let key = fields::id(id)?;
        let size = fields::size(size)?;
        self.requests += 1;
        Ok(Record { time_ns, utc_offset_s, key, size, ..Record::default() })
    }
}

/// What a time in `unit` must be.
fn rule(unit: TimeUnit) -> &'static str {
    match unit {
        TimeUnit::Iso8601 => "the time must be a date such as 2026-03-29T12:00:00Z",
        _ => "the time must be a number in the declared time_unit, within 292 years of 1970",
    }
}

/// Whether a text is a number of any size.
fn is_number(text: &[u8]) -> bool {
    std::str::from_utf8(text).is_ok_and(|text| text.parse::<f64>().is_ok_and(f64::is_finite))
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
        // Counters and stamps in microseconds are no seconds.
        for (time, nth) in [("1700000000000000", 2), ("99999999999999999999999", 3), ("1.5e12", 4), ("-1", 5)]
        {
            let line = format!("{time} 5 10");
            assert_eq!(parser.record(line.as_bytes()).unwrap().time_ns, nth * SECOND_NS, "{time}");
        }
        for time in ["x", "NaN", "inf", "1,5", "12:00"] {
            let line = format!("{time} 5 10");
            assert_eq!(parser.record(line.as_bytes()).unwrap_err().reason, "the time must be a number");
        }
        let mut parser = Parser { unit: Some(TimeUnit::S), requests: 0 };
        let beyond = parser.record(b"1700000000000000 5 10").unwrap_err();
        assert_eq!(
            beyond.reason,
            "the time must be a number in the declared time_unit, within 292 years of 1970"
        );
        let mut parser = Parser { unit: Some(TimeUnit::Ms), requests: 0 };
        assert_eq!(parser.record(b"900 5 10").unwrap().time_ns, 900_000_000);
        for line in ["1 2", "x 2 3", "1 99999999999999999999 3", "1 2 -3", "1 -2 3"] {
            assert!(parser.record(line.as_bytes()).unwrap_err().is_bad, "{line}");
        }
    }
}
