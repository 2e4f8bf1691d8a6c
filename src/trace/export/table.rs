//! The canonical table: `time_us,op,key,size,class,ttl_ms`, and `origin_time_us` behind them if wanted.
//!
//! Times have microseconds, which is the finest that any recording has; what is unknown is empty. A key
//! in the table with tabs has its tabs, line ends and quotes as they are nowhere quoted: such keys are
//! percent-encoded there.

use std::fmt::Write as _;
use std::io;

use super::file::Whole;
use super::{Item, Written};
use crate::trace::import::unescape;
use crate::units::SimDuration;

const HEADER: [&str; 7] = ["time_us", "op", "key", "size", "class", "ttl_ms", "origin_time_us"];

/// A table that is being written.
pub(super) struct Table {
    out: csv::Writer<Whole>,
    is_quoted: bool,
    has_origin_times: bool,
    row: csv::ByteRecord,
    records: u64,
    respelt: u64,
    finer: u64,
}

impl Table {
    pub(super) fn new(out: Whole, delimiter: u8, has_origin_times: bool) -> io::Result<Self> {
        let is_quoted = delimiter == b',';
        let style = if is_quoted { csv::QuoteStyle::Necessary } else { csv::QuoteStyle::Never };
        let mut out = csv::WriterBuilder::new().delimiter(delimiter).quote_style(style).from_writer(out);
        out.write_record(&HEADER[..HEADER.len() - usize::from(!has_origin_times)])?;
        Ok(Self {
            out,
            is_quoted,
            has_origin_times,
            row: csv::ByteRecord::new(),
            records: 0,
            respelt: 0,
            finer: 0,
        })
    }

    pub(super) fn write(&mut self, item: &Item) -> io::Result<()> {
        let number = |value: Option<u64>| value.map(|value| value.to_string()).unwrap_or_default();
        self.row.clear();
        self.finer += u64::from(item.time_ns.rem_euclid(1_000) != 0);
        self.row.push_field(item.time_ns.div_euclid(1_000).to_string().as_bytes());
        self.row.push_field(item.op.name().as_bytes());
        // Its own bytes: whoever reads them escapes what is not UTF-8 just as it was.
        let key = self.text(&item.key);
        self.row.push_field(&unescape(&key));
        self.row.push_field(number(item.size.map(u64::from)).as_bytes());
        let class = self.text(item.class.as_deref().unwrap_or_default());
        self.row.push_field(class.as_bytes());
        match item.ttl {
            Some(SimDuration::FOREVER) => self.row.push_field(b"never"),
            // A TTL below a millisecond is one all the same; 0 would say that there is none.
            ttl => {
                self.row.push_field(number(ttl.map(|ttl| ttl.as_nanos().div_ceil(1_000_000))).as_bytes());
            }
        }
        if self.has_origin_times {
            self.row.push_field(number(item.origin_time.map(|time| time.as_nanos() / 1_000)).as_bytes());
        }
        self.records += 1;
        Ok(self.out.write_byte_record(&self.row)?)
    }

    /// A text as a table without quotes can hold it.
    fn text(&mut self, text: &str) -> String {
        let breaks = |letter: char| matches!(letter, '\t' | '\n' | '\r');
        // A quoted row must end on its line as well.
        let is_broken =
            |letter: char| if self.is_quoted { letter != '\t' && breaks(letter) } else { breaks(letter) };
        if !text.contains(is_broken) {
            return text.to_owned();
        }
        let mut spelt = String::new();
        for letter in text.chars() {
            if is_broken(letter) {
                // Writing to a String cannot fail.
                let _ = write!(spelt, "%{:02X}", u32::from(letter));
            } else {
                spelt.push(letter);
            }
        }
        self.respelt += 1;
        spelt
    }

    pub(super) fn finish(self) -> io::Result<Written> {
        let out = self.out.into_inner().map_err(csv::IntoInnerError::into_error)?;
        out.finish()?;
        let mut notes = Vec::new();
        if self.respelt > 0 {
            notes.push(format!("{} keys hold line ends or tabs, which are percent-encoded", self.respelt));
        }
        if self.finer > 0 {
            notes.push(format!("{} times are finer than a microsecond, which is cut off", self.finer));
        }
        Ok(Written { records: self.records, notes })
    }
}
