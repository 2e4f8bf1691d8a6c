//! `clf`: the Common Log Format that web servers have written since NCSA httpd.
//!
//! ```text
//! host ident user [dd/Mon/yyyy:HH:MM:SS ±hhmm] "METHOD target PROTOCOL" status bytes
//! ```
//!
//! Each line is read with its own offset from UTC, so a change to summer time does not run
//! backwards. Bytes are a number or a dash. Further fields are ignored and counted. Time stamps are
//! whole seconds; `spread` says where inside their second the requests lie.
//!
//! ```toml
//! [trace]
//! path = "access.log.gz"
//! format = "clf"
//! ```

use std::io::BufRead;

use super::log_reader::LogReader;
use super::{Declared, NoParams, RecordReader, TraceFormat};
use crate::catalog::{Invalid, Param, Plugin};
use crate::trace::TraceError;

/// The Common Log Format.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clf;

impl Plugin for Clf {
    const NAME: &'static str = "clf";
    const SUMMARY: &'static str =
        "Common Log Format: host, user, time, request, status and bytes of each request";
    const PARAMS: &'static [Param] = &[];
    type Params = NoParams;
    type Setup = Declared;

    fn new(_: &NoParams, declared: &Declared) -> Result<Self, Invalid> {
        declared.only(Self::NAME, &[])?;
        Ok(Self)
    }
}

impl TraceFormat for Clf {
    fn open<'r>(
        &self,
        input: Box<dyn BufRead + Send + 'r>,
        _: &str,
    ) -> Result<Box<dyn RecordReader + 'r>, TraceError> {
        Ok(Box::new(LogReader::new(input, 0)))
    }

    fn is_log(&self) -> bool {
        true
    }
}
