//! `nginx`: a log in a `log_format` of one's own.
//!
//! `log_format` is the format as nginx's configuration has it, the whole directive or the text in its
//! quotes. Of its variables these are read; all others are passed over:
//!
//! - time: `$msec` (milliseconds), `$time_iso8601`, `$time_local`, the finest of those that are there;
//! - `$request_time`: a log is written when a request ends, so it is taken off the time;
//! - what is asked for: `$request`, or `$request_method` with `$request_uri` or `$uri` (and `$args`), and
//!   `$host`, `$http_host` or `$server_name` in front of the key with `key_host = true`;
//! - `$status`; size: `$body_bytes_sent`, else `$bytes_sent` (which counts the header too);
//! - origin time: `$upstream_response_time`, several attempts added up, for `latency = "trace"`;
//! - TTL: `max-age` (or `s-maxage`) of `$upstream_http_cache_control` or `$sent_http_cache_control`, for
//!   ttl rule `trace`.
//!
//! Values may be escaped as nginx does by default (`\xHH`) or with `escape=json`. A log that is made for
//! this, without anybody's data:
//!
//! ```text
//! log_format ttlab '$msec\t$request_time\t$request_method\t$status\t$body_bytes_sent\t$upstream_response_time\t$uri';
//! ```
//!
//! ```toml
//! [trace]
//! path = "access.log"
//! format = { format = "nginx", log_format = '$remote_addr [$time_iso8601] "$request" $status $body_bytes_sent $request_time $upstream_response_time' }
//! ```

use std::io::BufRead;

use serde::{Deserialize, Serialize};

use super::line_reader::LineReader;
use super::nginx_pattern::{Parser, Pattern};
use super::{Declared, RecordReader, TraceFormat};
use crate::catalog::{Invalid, Kind, Param, Plugin};
use crate::trace::TraceError;

/// Parameters of [`Nginx`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Params {
    log_format: String,
}

/// A log in a `log_format`.
#[derive(Debug, Clone)]
pub(super) struct Nginx(Pattern);

impl Plugin for Nginx {
    const NAME: &'static str = "nginx";
    const SUMMARY: &'static str = "an access log in an nginx log_format, with milliseconds and origin times";
    const PARAMS: &'static [Param] =
        &[Param::new("log_format", Kind::Text, "the format, as nginx's configuration has it").required()];
    type Params = Params;
    type Setup = Declared;

    fn new(params: &Params, declared: &Declared) -> Result<Self, Invalid> {
        declared.only(Self::NAME, &[])?;
        Pattern::compile(&params.log_format)
            .map(Self)
            .map_err(|(what, help)| Invalid::param("log_format", format!("log_format: {what}")).help(help))
    }
}

impl TraceFormat for Nginx {
    fn open<'r>(
        &self,
        input: Box<dyn BufRead + Send + 'r>,
        _: &str,
    ) -> Result<Box<dyn RecordReader + 'r>, TraceError> {
        Ok(Box::new(LineReader::new(input, Parser::new(self.0.clone()))))
    }

    fn is_log(&self) -> bool {
        true
    }
}
