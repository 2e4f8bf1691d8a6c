//! `lirs`: one id in each line, as the traces of the LIRS paper (Jiang and Zhang, SIGMETRICS 2002).
//!
//! Lines with a star and empty ones are passed over. There is neither a time nor a size: with `rate`
//! requests come at equal distances, and TTLs mean something; without it they are a second apart, and
//! any ttl rule but `none` is refused.
//!
//! ```toml
//! [trace]
//! path = "multi1.trc"
//! format = { format = "lirs", rate = "100/s" }
//! ```

use std::io::BufRead;

use serde::{Deserialize, Serialize};

use super::line_reader::{LineParser, LineReader};
use super::timestamp::SECOND_NS;
use super::{Declared, Record, RecordReader, Skip, TraceFormat, fields};
use crate::catalog::{Invalid, Kind, Param, Plugin};
use crate::trace::TraceError;
use crate::units::Rate;

/// Parameters of [`Lirs`].
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Params {
    #[serde(skip_serializing_if = "Option::is_none")]
    rate: Option<Rate>,
}

/// Traces of ids.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lirs {
    rate: Option<Rate>,
}

impl Plugin for Lirs {
    const NAME: &'static str = "lirs";
    const SUMMARY: &'static str = "One id in each line, with neither times nor sizes";
    const PARAMS: &'static [Param] =
        &[Param::new("rate", Kind::Rate, "how many requests come in a second, at equal distances")
            .from("0.001/s")
            .to("1000000/s")];
    type Params = Params;
    type Setup = Declared;

    fn new(params: &Params, declared: &Declared) -> Result<Self, Invalid> {
        declared.only(Self::NAME, &[])?;
        Ok(Self { rate: params.rate })
    }
}

impl TraceFormat for Lirs {
    fn open<'r>(
        &self,
        input: Box<dyn BufRead + Send + 'r>,
        _: &str,
    ) -> Result<Box<dyn RecordReader + 'r>, TraceError> {
        Ok(Box::new(LineReader::new(
            input,
            Parser { per_s: self.rate.map(Rate::as_per_second), requests: 0 },
        )))
    }

    fn is_log(&self) -> bool {
        false
    }

    fn has_times(&self) -> bool {
        self.rate.is_some()
    }
}

struct Parser {
    per_s: Option<f64>,
    requests: u64,
}

impl LineParser for Parser {
    #[expect(clippy::cast_possible_truncation, reason = "a cast to an integer saturates")]
    fn record<'l>(&'l mut self, line: &'l [u8]) -> Result<Record<'l>, Skip<'l>> {
        let text = line.trim_ascii();
        if text == b"*" {
            return Err(Skip::idle("a star", line));
        }
        let key = fields::id(text)?;
        let seconds = self.requests as f64 / self.per_s.unwrap_or(1.0);
        self.requests += 1;
        Ok(Record { time_ns: (seconds * SECOND_NS as f64) as i64, key, ..Record::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_come_at_equal_distances() {
        let mut parser = Parser { per_s: Some(4.0), requests: 0 };
        let times = ["5", " 6 ", "5"].map(|line| parser.record(line.as_bytes()).unwrap().time_ns);
        assert_eq!(times, [0, 250_000_000, 500_000_000]);
        assert!(!parser.record(b"*").unwrap_err().is_bad);
        assert!(parser.record(b"5 6").unwrap_err().is_bad);
    }
}
