//! A `log_format` taken apart, and a line read by it.

use super::line_reader::LineParser;
use super::log_line::split_request;
use super::timestamp::{LogClock, SECOND_NS, TimeUnit};
use super::{Record, Skip, fields};
use crate::units::SimDuration;

/// A variable that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Variable {
    Msec,
    Iso8601,
    Local,
    RequestTime,
    Request,
    Method,
    Uri,
    Args,
    Host,
    Status,
    BodyBytes,
    Bytes,
    OriginTime,
    CacheControl,
    Ignored,
}

/// The names of the variables that are read. `$uri` and `$request_uri` come to the same: the key is spelt
/// afterwards, and `$request_uri` brings its query along.
const NAMES: [(&str, Variable); 19] = [
    ("msec", Variable::Msec),
    ("time_iso8601", Variable::Iso8601),
    ("time_local", Variable::Local),
    ("request_time", Variable::RequestTime),
    ("request", Variable::Request),
    ("request_method", Variable::Method),
    ("request_uri", Variable::Uri),
    ("uri", Variable::Uri),
    ("document_uri", Variable::Uri),
    ("args", Variable::Args),
    ("query_string", Variable::Args),
    ("host", Variable::Host),
    ("http_host", Variable::Host),
    ("server_name", Variable::Host),
    ("status", Variable::Status),
    ("body_bytes_sent", Variable::BodyBytes),
    ("bytes_sent", Variable::Bytes),
    ("upstream_response_time", Variable::OriginTime),
    ("upstream_http_cache_control", Variable::CacheControl),
];

/// No request takes longer, in milliseconds: 12 days, for which what is kept of a request has room.
const MOST_LAG_MS: u64 = (1 << 30) - 1;

const VARIABLES: usize = Variable::Ignored as usize;

/// A format: a text, then variables with a text behind each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    start: Vec<u8>,
    parts: Vec<(Variable, Vec<u8>)>,
}

impl Pattern {
    /// Takes a format apart; else what is wrong with it and what to write.
    pub(super) fn compile(written: &str) -> Result<Self, (String, &'static str)> {
        let text = unquoted(written);
        let mut pattern = Self { start: Vec::new(), parts: Vec::new() };
        let mut rest = text.as_str();
        while let Some(dollar) = rest.find('$') {
            pattern.literal().extend_from_slice(&rest.as_bytes()[..dollar]);
            let after = &rest[dollar + 1..];
            let inside = after.strip_prefix('{').unwrap_or(after);
            let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let end = inside.find(|c| !is_name(c)).unwrap_or(inside.len());
            let name = &inside[..end];
            if name.is_empty() {
                return Err((
                    "a $ begins no variable".to_owned(),
                    "write it as nginx's configuration has it",
                ));
            }
            let adjacent = pattern.parts.last().is_some_and(|(_, literal)| literal.is_empty());
            if adjacent {
                let what = format!("nothing stands between ${name} and the variable before it");
                return Err((what, "put a sign between them, in nginx's configuration too"));
            }
            let name = if name == "sent_http_cache_control" { "upstream_http_cache_control" } else { name };
            let known = NAMES.iter().find(|(known, _)| *known == name);
            let variable = known.map_or(Variable::Ignored, |(_, variable)| *variable);
            pattern.parts.push((variable, Vec::new()));
            rest = if after.len() == inside.len() {
                &inside[end..]
            } else {
                inside[end..].strip_prefix('}').unwrap_or(&inside[end..])
            };
        }
        pattern.literal().extend_from_slice(rest.as_bytes());
        pattern.check()?;
        Ok(pattern)
    }

    fn literal(&mut self) -> &mut Vec<u8> {
        match self.parts.last_mut() {
            Some((_, literal)) => literal,
            None => &mut self.start,
        }
    }

    fn has(&self, any: &[Variable]) -> bool {
        self.parts.iter().any(|(variable, _)| any.contains(variable))
    }

    fn check(&self) -> Result<(), (String, &'static str)> {
        if !self.has(&[Variable::Msec, Variable::Iso8601, Variable::Local]) {
            return Err(("it tells no time".to_owned(), "log $msec, $time_iso8601 or $time_local"));
        }
        if !self.has(&[Variable::Request, Variable::Uri]) {
            return Err((
                "it does not tell what is asked for".to_owned(),
                "log $request, $request_uri or $uri",
            ));
        }
        Ok(())
    }
}

/// The text of a format: what stands in the quotes of a directive, escapes of the configuration resolved.
fn unquoted(written: &str) -> String {
    let written = written.trim();
    let directive = written.strip_prefix("log_format").filter(|rest| rest.starts_with(char::is_whitespace));
    let body = directive.map_or(written, |rest| rest.trim_end_matches(';'));
    let is_quoted = directive.is_some() || body.starts_with('\'') && body.ends_with('\'') && body.len() > 1;
    let mut text = String::new();
    let mut quote = (!is_quoted).then_some('\0');
    let mut letters = body.chars();
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (None, '\'' | '"') => quote = Some(letter),
            (None, _) => {}
            (Some(end), _) if letter == end => quote = None,
            (Some(_), '\\') => match letters.next() {
                Some('t') => text.push('\t'),
                Some('n') => text.push('\n'),
                Some('r') => text.push('\r'),
                Some(other) => text.push(other),
                None => text.push('\\'),
            },
            (Some(_), _) => text.push(letter),
        }
    }
    text
}

/// Reads lines by a pattern.
pub(super) struct Parser {
    pattern: Pattern,
    clock: LogClock,
    target: Vec<u8>,
}

type Values<'l> = [Option<&'l [u8]>; VARIABLES];

impl Parser {
    pub(super) fn new(pattern: Pattern) -> Self {
        Self { pattern, clock: LogClock::default(), target: Vec::new() }
    }

    /// The values of the variables in a line; a dash is how nginx writes that there is none.
    fn values<'l>(&self, line: &'l [u8]) -> Result<Values<'l>, Skip<'l>> {
        let mut rest = line
            .strip_prefix(self.pattern.start.as_slice())
            .ok_or_else(|| Skip::bad("a line must begin as log_format does", line))?;
        let mut values = [None; VARIABLES];
        for (variable, literal) in &self.pattern.parts {
            let end = value_end(*variable, rest, literal)
                .ok_or_else(|| Skip::bad("a line must go on as log_format does (it may be cut off)", rest))?;
            if let Some(place) = values.get_mut(*variable as usize) {
                let value = &rest[..end];
                *place = Some(value).filter(|value| !value.is_empty() && *value != b"-");
            }
            rest = &rest[end + literal.len()..];
        }
        Ok(values)
    }

    /// When the line was written, with the zone where it names one.
    fn written<'l>(&mut self, values: &Values<'l>, line: &'l [u8]) -> Result<(i64, Option<i32>), Skip<'l>> {
        let iso = values[Variable::Iso8601 as usize];
        let zone = iso.and_then(|text| TimeUnit::Iso8601.parse(text)).and_then(|(_, zone)| zone);
        if let Some(text) = values[Variable::Msec as usize] {
            let parsed = TimeUnit::S.parse(text);
            let rule = "$msec must be a number of seconds within 292 years of 1970";
            return parsed.map(|(ns, _)| (ns, zone)).ok_or_else(|| Skip::bad(rule, text));
        }
        if let Some(text) = iso {
            let rule = "$time_iso8601 must be a date such as 2026-03-29T12:00:00+02:00";
            return TimeUnit::Iso8601.parse(text).ok_or_else(|| Skip::bad(rule, text));
        }
        let text = values[Variable::Local as usize].unwrap_or(line);
        let rule = "$time_local must be a date such as 01/Aug/1995:00:00:01 -0400";
        let stamp = text.try_into().ok().and_then(|stamp| self.clock.read(stamp));
        stamp.map(|(ns, zone)| (ns, Some(zone))).ok_or_else(|| Skip::bad(rule, text))
    }
}

/// Where the value at the start of `rest` ends: before the text that follows it.
fn value_end(variable: Variable, rest: &[u8], literal: &[u8]) -> Option<usize> {
    let Some(first) = literal.first() else { return Some(rest.len()) };
    // A stamp has a blank inside and a known length.
    let mut at = if variable == Variable::Local { LogClock::LENGTH.min(rest.len()) } else { 0 };
    loop {
        at += rest.get(at..)?.iter().position(|byte| byte == first)?;
        let is_escaped =
            *first == b'"' && at > 0 && rest[at - 1] == b'\\' && !rest[..at - 1].ends_with(b"\\");
        // Times of several attempts are written "0.1, 0.2 : 0.3".
        let is_inside = variable == Variable::OriginTime
            && *first == b' '
            && (matches!(rest.get(at.wrapping_sub(1)), Some(b',' | b':')) || rest[at..].starts_with(b" : "));
        if rest[at..].starts_with(literal) && !is_escaped && !is_inside {
            return Some(at);
        }
        at += 1;
    }
}

impl LineParser for Parser {
    fn record<'l>(&'l mut self, line: &'l [u8]) -> Result<Record<'l>, Skip<'l>> {
        let values = self.values(line)?;
        let (written_ns, utc_offset_s) = self.written(&values, line)?;
        let of = |variable: Variable| values[variable as usize];
        let seconds = |variable, rule| match of(variable) {
            None => Ok(None),
            Some(text) => fields::span(text, TimeUnit::S, rule).map(Some),
        };
        let took =
            seconds(Variable::RequestTime, "$request_time must be a number of seconds that is not negative")?;
        let status = match of(Variable::Status) {
            None => None,
            Some(text) => match fields::number(text).and_then(|status| u16::try_from(status).ok()) {
                Some(status @ 100..=999) => Some(status),
                _ => return Err(Skip::bad("$status must be a number of three digits", text)),
            },
        };
        let size = match of(Variable::BodyBytes).or(of(Variable::Bytes)) {
            None => None,
            Some(text) => Some(
                fields::number(text)
                    .ok_or_else(|| Skip::bad("$body_bytes_sent must be a number of bytes", text))?,
            ),
        };
        let origin_time = of(Variable::OriginTime).map(attempts).transpose()?.flatten();
        let ttl = of(Variable::CacheControl).and_then(max_age);
        let (method, target) = match (of(Variable::Request), of(Variable::Uri)) {
            (Some(request), _) => split_request(request).map(|(method, target)| (Some(method), target))?,
            (None, Some(uri)) => (of(Variable::Method), uri),
            (None, None) => return Err(Skip::idle("the request is empty", line)),
        };
        let key = absolute(&mut self.target, of(Variable::Host), target, of(Variable::Args));
        // $msec has milliseconds even where they are 0; the other stamps are cut to seconds.
        let is_whole = of(Variable::Msec).is_none() && written_ns % SECOND_NS == 0;
        let took_ms = took.map(|took| (took.as_nanos() / 1_000_000).min(MOST_LAG_MS));
        let lag_ms = took_ms.filter(|_| is_whole).and_then(|took| u32::try_from(took).ok());
        let took_ns = i64::try_from(took.unwrap_or_default().as_nanos()).unwrap_or(i64::MAX);
        let time_ns = if lag_ms.is_some() { written_ns } else { written_ns.saturating_sub(took_ns) };
        Ok(Record {
            time_ns,
            lag_ms,
            utc_offset_s,
            method,
            status,
            key,
            size,
            origin_time,
            ttl,
            ..Record::default()
        })
    }
}

/// The target with its host in front and its query behind, as far as they were logged apart from it.
fn absolute<'k>(
    buffer: &'k mut Vec<u8>,
    host: Option<&[u8]>,
    target: &'k [u8],
    args: Option<&[u8]>,
) -> &'k [u8] {
    let host = host.filter(|_| target.starts_with(b"/"));
    let args = args.filter(|_| !target.contains(&b'?'));
    if host.is_none() && args.is_none() {
        return target;
    }
    buffer.clear();
    if let Some(host) = host {
        buffer.extend_from_slice(b"http://");
        buffer.extend_from_slice(host);
    }
    buffer.extend_from_slice(target);
    if let Some(args) = args {
        buffer.push(b'?');
        buffer.extend_from_slice(args);
    }
    buffer
}

/// The sum of the times of all attempts; `None` where there was none.
fn attempts(text: &[u8]) -> Result<Option<SimDuration>, Skip<'_>> {
    let rule = "$upstream_response_time must be numbers of seconds";
    let times = text.split(|byte| matches!(byte, b',' | b':')).map(<[u8]>::trim_ascii);
    let mut sum = None;
    for time in times.filter(|time| !time.is_empty() && *time != b"-") {
        let time = fields::span(time, TimeUnit::S, rule)?.as_nanos();
        sum = Some(time.saturating_add(sum.unwrap_or(0)));
    }
    Ok(sum.map(SimDuration::from_nanos))
}

/// The seconds that `Cache-Control` lets a shared cache keep a response (RFC 9111, section 5.2.2).
fn max_age(text: &[u8]) -> Option<SimDuration> {
    let seconds_of = |name: &[u8]| {
        let mut directives = text.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
        directives.find_map(|directive| {
            let (given, rest) = directive.split_at_checked(name.len())?;
            let value = rest.strip_prefix(b"=")?;
            given.eq_ignore_ascii_case(name).then(|| fields::number(value))?
        })
    };
    let seconds = seconds_of(b"s-maxage").or_else(|| seconds_of(b"max-age"))?;
    Some(SimDuration::from_nanos(seconds.saturating_mul(1_000_000_000))).filter(|ttl| !ttl.is_zero())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Key, time in milliseconds, size, origin time and TTL of a line.
    type Read = (String, i64, Option<u64>, Option<u64>, Option<u64>);

    fn read(format: &str, line: &str) -> Result<Read, String> {
        let mut parser = Parser::new(Pattern::compile(format).map_err(|(what, _)| what)?);
        let record = parser.record(line.as_bytes()).map_err(|skip| skip.reason.to_owned())?;
        let millis = |span: Option<SimDuration>| span.map(|span| span.as_nanos() / 1_000_000);
        let key = String::from_utf8_lossy(record.key).into_owned();
        Ok((key, record.begin_ns() / 1_000_000, record.size, millis(record.origin_time), millis(record.ttl)))
    }

    #[test]
    fn a_request_begins_when_it_ends_less_what_it_took() {
        let format = r"log_format ttlab '$msec\t$request_time\t$request_method\t$status\t' '$body_bytes_sent\t$upstream_response_time\t$uri';";
        let line = "1700000000.250\t0.200\tGET\t200\t512\t0.120, 0.030 : 0.010\t/a.png";
        assert_eq!(read(format, line), Ok(("/a.png".into(), 1_700_000_000_050, Some(512), Some(160), None)));
        let hit = "1700000000.250\t0.000\tGET\t304\t0\t-\t/a.png";
        assert_eq!(read(format, hit), Ok(("/a.png".into(), 1_700_000_000_250, Some(0), None, None)));
    }

    #[test]
    fn blanks_between_times_of_attempts_are_no_ends() {
        let format = r#"$remote_addr - [$time_iso8601] "$request" $status $body_bytes_sent $upstream_response_time $request_time"#;
        let line = r#"10.0.0.1 - [2026-03-29T12:00:00+02:00] "GET /b.png?x=\"1 HTTP/2.0" 200 9 0.100, - : 0.200 0.500"#;
        assert_eq!(
            read(format, line),
            Ok((r#"/b.png?x=\"1"#.into(), 1_774_778_399_500, Some(9), Some(300), None))
        );
    }

    #[test]
    fn a_stamp_of_whole_seconds_stays_one_and_what_the_request_took_is_kept_apart() {
        for (format, line, want) in [
            ("$time_iso8601 $request_time $uri", "2026-03-29T12:00:00+02:00 0.500 /a", (true, Some(500))),
            ("$time_iso8601 $request_time $uri", "2026-03-29T12:00:00+02:00 0.000 /a", (true, Some(0))),
            (
                "[$time_local] $request_time $uri",
                "[01/Aug/1995:00:00:01 -0400] 2.250 /a",
                (true, Some(2_250)),
            ),
            ("[$time_local] $uri", "[01/Aug/1995:00:00:01 -0400] /a", (true, None)),
            ("$msec $request_time $uri", "1700000000.000 0.250 /a", (false, None)),
        ] {
            let mut parser = Parser::new(Pattern::compile(format).unwrap());
            let record = parser.record(line.as_bytes()).unwrap();
            assert_eq!((record.time_ns % SECOND_NS == 0, record.lag_ms), want, "{format}");
        }
    }

    #[test]
    fn local_times_hosts_arguments_and_cache_control() {
        let format = r#"$host [$time_local] $uri $args $bytes_sent "$sent_http_cache_control""#;
        let line =
            r#"cdn.example [01/Aug/1995:00:00:01 -0400] /c.png w=20 77 "public, max-age=60, s-maxage=90""#;
        let want = ("http://cdn.example/c.png?w=20".into(), 807_249_601_000, Some(77), None, Some(90_000));
        assert_eq!(read(format, line), Ok(want));
    }

    #[test]
    fn formats_and_lines_that_cannot_be_read_say_why() {
        for (format, line, what) in [
            ("$msec", "", "it does not tell what is asked for"),
            ("$uri $status", "", "it tells no time"),
            ("$msec$uri", "", "nothing stands between $uri and the variable before it"),
            ("$msec $uri $", "", "a $ begins no variable"),
            ("[$msec] $uri", "1 /a", "a line must begin as log_format does"),
            ("$msec|$uri|$status", "1|/a", "a line must go on as log_format does (it may be cut off)"),
            ("$msec $uri", "x /a", "$msec must be a number of seconds within 292 years of 1970"),
            ("$msec $uri $status", "1 /a 20", "$status must be a number of three digits"),
            (
                "$msec $uri $request_time",
                "1 /a -1",
                "$request_time must be a number of seconds that is not negative",
            ),
        ] {
            assert_eq!(read(format, line).unwrap_err(), what, "{format}");
        }
        assert_eq!(Pattern::compile("a ${msec}b $uri").unwrap().parts[0].1, b"b ");
    }
}
