//! `twitter`: the cache traces that Twitter published (Yang, Yue and Rashmi, OSDI 2020).
//!
//! ```text
//! time,key,key size,value size,client,operation,TTL
//! ```
//!
//! Without a header. Times and TTLs are whole seconds. `get` and `gets` are requests; `set`, `add`,
//! `replace`, `cas`, `append`, `prepend`, `incr` and `decr` are writes, which are replayed as `[trace] set`
//! says; `delete` deletes. The TTL stands on writes alone, as 0 where the key does not expire; it holds
//! for the key until its next write, and ttl rule `trace` honours it. A value size of 0 is unknown.
//! Keys keep their prefixes, so that class rules can go by them.
//!
//! ```toml
//! [trace]
//! path = "cluster052.zst"
//! format = "twitter"
//! ```

use std::io::BufRead;

use super::line_reader::{LineParser, LineReader};
use super::operation::Op;
use super::timestamp::TimeUnit;
use super::{Declared, NoParams, Record, RecordReader, Skip, TraceFormat, fields};
use crate::catalog::{Invalid, Param, Plugin};
use crate::trace::TraceError;
use crate::units::SimDuration;

/// Cache traces of Twitter.
#[derive(Debug, Clone, Copy)]
pub(super) struct Twitter;

impl Plugin for Twitter {
    const NAME: &'static str = "twitter";
    const SUMMARY: &'static str = "Twitter's cache traces: time,key,key size,value size,client,operation,TTL";
    const PARAMS: &'static [Param] = &[];
    type Params = NoParams;
    type Setup = Declared;

    fn new(_: &NoParams, declared: &Declared) -> Result<Self, Invalid> {
        declared.only(Self::NAME, &[])?;
        Ok(Self)
    }
}

impl TraceFormat for Twitter {
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

impl LineParser for Twitter {
    fn record<'l>(&'l mut self, line: &'l [u8]) -> Result<Record<'l>, Skip<'l>> {
        // Keys may hold commas, so the other fields are counted from both ends.
        let mut ends = line.rsplitn(6, |byte| *byte == b',');
        let seven = || Skip::bad("a line must have seven fields between commas", line);
        let (Some(ttl), Some(op), Some(_client), Some(size), Some(_key_size), Some(rest)) =
            (ends.next(), ends.next(), ends.next(), ends.next(), ends.next(), ends.next())
        else {
            return Err(seven());
        };
        let comma = rest.iter().position(|byte| *byte == b',').ok_or_else(seven)?;
        let (time, key) = (&rest[..comma], &rest[comma + 1..]);
        if key.is_empty() {
            return Err(Skip::bad("the key must not be empty", line));
        }
        let time_ns = fields::seconds(time)?;
        let seconds = fields::span(ttl, TimeUnit::S, "the TTL must be a number of seconds")?;
        let sets_ttl = Op::of(op) == Op::Set
            && [&b"set"[..], b"add", b"replace", b"cas"].iter().any(|name| op.eq_ignore_ascii_case(name));
        let ttl = match (seconds.is_zero(), sets_ttl) {
            (false, _) => Some(seconds),
            (true, true) => Some(SimDuration::FOREVER),
            (true, false) => None,
        };
        Ok(Record { time_ns, method: Some(op), key, size: fields::size(size)?, ttl, ..Record::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Read = (i64, String, Option<u64>, Option<SimDuration>);

    fn read(line: &str) -> Result<Read, &'static str> {
        let mut twitter = Twitter;
        let record = twitter
            .record(line.as_bytes())
            .map(|r| (r.time_ns, String::from_utf8_lossy(r.key).into_owned(), r.size, r.ttl));
        record.map_err(|skip| skip.reason)
    }

    #[test]
    fn fields_are_counted_from_both_ends() {
        let day = SimDuration::from_secs(86_400);
        assert_eq!(read("5,a,b,3,100,7,set,86400"), Ok((5_000_000_000, "a,b".into(), Some(100), Some(day))));
        assert_eq!(read("0,k,1,0,7,get,0"), Ok((0, "k".into(), None, None)));
        assert_eq!(read("0,k,1,9,7,add,0"), Ok((0, "k".into(), Some(9), Some(SimDuration::FOREVER))));
        assert_eq!(read("0,k,1,9,7,incr,0"), Ok((0, "k".into(), Some(9), None)));
        assert_eq!(read("0,k,1,-9,7,get,0"), Err("the size must not be negative"));
        assert_eq!(read("0,k,9,7,get,0"), Err("a line must have seven fields between commas"));
        assert_eq!(
            read("x,k,1,9,7,get,0"),
            Err("the time must be a number of seconds within 292 years of 1970")
        );
    }
}
