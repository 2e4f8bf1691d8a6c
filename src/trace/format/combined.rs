//! `combined`: the Common Log Format with referer and browser, the default of Apache and nginx.
//!
//! ```text
//! host ident user [dd/Mon/yyyy:HH:MM:SS ±hhmm] "METHOD target PROTOCOL" status bytes "referer" "browser"
//! ```
//!
//! As `clf`, but both fields in quotes must follow: a line without them was cut off, and its number
//! of bytes may have been cut as well. Further fields are ignored and counted.
//!
//! ```toml
//! [trace]
//! path = "access.log.gz"
//! format = "combined"
//! ```

use std::io::BufRead;

use super::log_reader::LogReader;
use super::{Declared, NoParams, RecordReader, TraceFormat};
use crate::catalog::{Invalid, Param, Plugin};
use crate::trace::TraceError;

/// The combined log format.
#[derive(Debug, Clone, Copy)]
pub(super) struct Combined;

impl Plugin for Combined {
    const NAME: &'static str = "combined";
    const SUMMARY: &'static str =
        "Common Log Format followed by referer and browser, as Apache and nginx write it";
    const PARAMS: &'static [Param] = &[];
    type Params = NoParams;
    type Setup = Declared;

    fn new(_: &NoParams, declared: &Declared) -> Result<Self, Invalid> {
        declared.only(Self::NAME, &[])?;
        Ok(Self)
    }
}

impl TraceFormat for Combined {
    fn open<'r>(
        &self,
        input: Box<dyn BufRead + Send + 'r>,
        _: &str,
    ) -> Result<Box<dyn RecordReader + 'r>, TraceError> {
        Ok(Box::new(LogReader::new(input, 2)))
    }

    fn is_log(&self) -> bool {
        true
    }
}
