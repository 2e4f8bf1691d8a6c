//! One line of an access log: what `clf` and `combined` have in common.
//!
//! Read from the fixed delimiters (` [`, `] "`, the closing quote before a status), never by
//! splitting at blanks: a user name may hold blanks and brackets, and a request line may hold
//! blanks, escaped or bare quotes, lack its protocol, be a dash, empty or binary.

use memchr::{memchr, memchr2};

use super::timestamp::LogClock;
use super::{Record, Skip};

/// The common part of a line, and what follows it.
pub(super) struct LogLine<'l> {
    /// The request.
    pub(super) record: Record<'l>,
    /// Everything after the number of bytes.
    pub(super) rest: &'l [u8],
}

/// Reads the part of a line that both formats share.
pub(super) fn parse<'l>(line: &'l [u8], clock: &mut LogClock) -> Result<LogLine<'l>, Skip<'l>> {
    let (stamp_at, stamp) = find_stamp(line)?;
    let Some((time_ns, offset)) = clock.read(stamp) else {
        return Err(
            Skip::bad("the time stamp must be a date such as 01/Aug/1995:00:00:01 -0400", stamp).at(stamp_at)
        );
    };
    let request_at = stamp_at + LogClock::LENGTH + 3;
    let (request, status, after) = find_status(line, request_at)?;
    // The quote, a blank, three digits and a blank.
    let bytes_at = after + 6;
    let bytes = line.get(bytes_at..).unwrap_or_default();
    let end = memchr(b' ', bytes).unwrap_or(bytes.len());
    let size = size(&bytes[..end]).map_err(|skip| skip.at(bytes_at.min(line.len())))?;
    let (method, target) = split_request(request).map_err(|skip| skip.at(request_at))?;
    let record = Record {
        time_ns,
        utc_offset_s: Some(offset),
        method: Some(method),
        status: Some(status),
        key: target,
        size,
        ..Record::default()
    };
    Ok(LogLine { record, rest: &bytes[end..] })
}

/// The first `[` that a whole stamp, `] "` follows.
fn find_stamp(line: &[u8]) -> Result<(usize, &[u8; LogClock::LENGTH]), Skip<'_>> {
    let mut from = 0;
    while let Some(found) = memchr(b'[', &line[from..]) {
        let start = from + found + 1;
        let Some((stamp, after)) = line[start..].split_first_chunk() else { break };
        if after.starts_with(b"] \"") {
            return Ok((start, stamp));
        }
        from = start;
    }
    Err(Skip::bad("a line must hold a time stamp in brackets and then a request in quotes", line))
}

/// The request between its quotes, the status, and where the closing quote stands: the first bare
/// quote that a status of three digits follows.
fn find_status(line: &[u8], start: usize) -> Result<(&[u8], u16, usize), Skip<'_>> {
    let mut at = start;
    let mut closed = None;
    while let Some(found) = line.get(at..).and_then(|rest| memchr2(b'\\', b'"', rest)) {
        at += found;
        if line[at] == b'\\' {
            at += 2;
            continue;
        }
        closed = Some(at);
        if let Some([b' ', a @ b'1'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9', b' ', ..]) = line.get(at + 1..)
        {
            let digit = |byte: &u8| u16::from(byte - b'0');
            return Ok((&line[start..at], digit(a) * 100 + digit(b) * 10 + digit(c), at));
        }
        at += 1;
    }
    Err(match closed {
        None => {
            Skip::bad("the request must end with a quote (the line may be cut off)", &line[start..]).at(start)
        }
        Some(at) => Skip::bad("a status of three digits must follow the request", &line[at + 1..]).at(at + 1),
    })
}

/// The number of bytes; a dash says that there is none.
fn size(text: &[u8]) -> Result<Option<u64>, Skip<'_>> {
    let wrong = || Skip::bad("the size must be a number of bytes or a dash", text);
    if text == b"-" {
        return Ok(None);
    }
    if text.is_empty() {
        return Err(wrong());
    }
    let mut value = 0_u64;
    for byte in text {
        let digit = if byte.is_ascii_digit() { u64::from(byte - b'0') } else { return Err(wrong()) };
        value = value.checked_mul(10).and_then(|v| v.checked_add(digit)).ok_or_else(wrong)?;
    }
    Ok(Some(value))
}

/// Method and target of `METHOD target PROTOCOL`; the protocol may be missing, the target may hold blanks.
pub(super) fn split_request(request: &[u8]) -> Result<(&[u8], &[u8]), Skip<'_>> {
    if request.is_empty() || request == b"-" {
        return Err(Skip::idle("the request is empty", request));
    }
    let not_http = || Skip::idle("the request is not HTTP", request);
    let blank = request.iter().position(|byte| *byte == b' ').ok_or_else(not_http)?;
    let (method, rest) = (&request[..blank], &request[blank + 1..]);
    if method.is_empty() || !method.iter().all(u8::is_ascii_alphabetic) {
        return Err(not_http());
    }
    // The protocol is short, so it is looked for from the end.
    let target = match rest.iter().rposition(|byte| *byte == b' ') {
        Some(last) if rest[last + 1..].starts_with(b"HTTP/") => &rest[..last],
        _ => rest,
    };
    let target = target.trim_ascii();
    if target.is_empty() { Err(not_http()) } else { Ok((method, target)) }
}

/// The fields in quotes at the start of `rest`: how many there are (at most `wanted`), and what follows them.
pub(super) fn quoted_fields(mut rest: &[u8], wanted: usize) -> (usize, &[u8]) {
    for found_so_far in 0..wanted {
        let Some(text) = rest.strip_prefix(b" \"") else { return (found_so_far, rest) };
        let mut at = 0;
        loop {
            let Some(found) = text.get(at..).and_then(|rest| memchr2(b'\\', b'"', rest)) else {
                return (found_so_far, rest);
            };
            at += found;
            match text[at] {
                b'\\' => at += 2,
                // A bare quote inside a field is not its end.
                _ if matches!(text.get(at + 1), None | Some(b' ')) => break,
                _ => at += 1,
            }
        }
        rest = &text[at + 1..];
    }
    (wanted, rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAMP: &str = "[01/Aug/1995:00:00:01 -0400]";

    /// Method, target, status, bytes and the rest.
    type Parts = (String, String, u16, Option<u64>, String);

    fn read(line: &str) -> Result<Parts, (&'static str, bool)> {
        match parse(line.as_bytes(), &mut LogClock::default()) {
            Ok(LogLine { record, rest }) => {
                let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                let method = text(record.method.unwrap());
                Ok((method, text(record.key), record.status.unwrap(), record.size, text(rest)))
            }
            Err(skip) => Err((skip.reason, skip.is_bad)),
        }
    }

    fn target(request: &str) -> String {
        read(&format!("h - - {STAMP} \"{request}\" 200 5")).unwrap().1
    }

    #[test]
    fn a_plain_line_and_what_follows_it() {
        let line = format!("h - - {STAMP} \"GET /a.gif HTTP/1.0\" 304 - \"-\" \"agent\" 0.25");
        let want = ("GET".to_owned(), "/a.gif".to_owned(), 304, None, " \"-\" \"agent\" 0.25".to_owned());
        assert_eq!(read(&line), Ok(want));
    }

    #[test]
    fn a_user_may_hold_blanks_and_brackets() {
        let line = format!("h - a [b] \"c {STAMP} \"GET /a.gif HTTP/1.0\" 200 5");
        assert_eq!(read(&line).unwrap().1, "/a.gif");
    }

    #[test]
    fn a_request_may_lack_its_protocol_and_hold_blanks_and_quotes() {
        assert_eq!(target("GET /a.gif"), "/a.gif");
        assert_eq!(target("GET /a b.gif HTTP/1.0"), "/a b.gif");
        assert_eq!(target("GET /a b.gif"), "/a b.gif");
        assert_eq!(target(r#"GET /a\"b.gif HTTP/1.0"#), r#"/a\"b.gif"#);
        assert_eq!(target(r#"GET /a"b.gif HTTP/1.0"#), r#"/a"b.gif"#);
        assert_eq!(target(r"GET /a\xE9.gif HTTP/1.0"), r"/a\xE9.gif");
        assert_eq!(target("GET /a.gif  HTTP/1.0"), "/a.gif");
    }

    #[test]
    fn a_sound_line_without_an_http_request_is_not_bad() {
        for (request, reason) in [
            ("-", "the request is empty"),
            ("", "the request is empty"),
            (r"\x16\x03\x01", "the request is not HTTP"),
            ("\u{16}\u{3} x", "the request is not HTTP"),
            ("quit", "the request is not HTTP"),
            ("GET  HTTP/1.0", "the request is not HTTP"),
        ] {
            let line = format!("h - - {STAMP} \"{request}\" 400 5");
            assert_eq!(read(&line), Err((reason, false)), "{request}");
        }
    }

    #[test]
    fn a_broken_line_says_which_part_is_broken() {
        for (line, part) in [
            (format!("h - - {STAMP} \"GET /a.gif HT"), "cut off"),
            (format!("h - - {STAMP} \"GET /a.gif HTTP/1.0\""), "status"),
            (format!("h - - {STAMP} \"GET /a.gif HTTP/1.0\" 2x0 5"), "status"),
            (format!("h - - {STAMP} \"GET /a.gif HTTP/1.0\" 200 "), "number of bytes"),
            (format!("h - - {STAMP} \"GET /a.gif HTTP/1.0\" 200 -5"), "number of bytes"),
            (format!("h - - {STAMP} \"GET /a.gif HTTP/1.0\" 200 99999999999999999999"), "number of bytes"),
            ("h - - [01/Foo/1995:00:00:01 -0400] \"GET /a HTTP/1.0\" 200 5".to_owned(), "time stamp"),
            ("rest of a line\" 200 5".to_owned(), "brackets"),
        ] {
            let (reason, is_bad) = read(&line).unwrap_err();
            assert!(reason.contains(part) && is_bad, "{line}: {reason}");
        }
    }

    #[test]
    fn quoted_fields_end_where_a_blank_follows() {
        assert_eq!(quoted_fields(br#" "-" "Mozilla \"x\" y" 17"#, 2), (2, &b" 17"[..]));
        assert_eq!(quoted_fields(br#" "a"b" "c""#, 2), (2, &b""[..]));
        assert_eq!(quoted_fields(br#" "a" "cut o"#, 2).0, 1);
        assert_eq!(quoted_fields(b"", 2).0, 0);
    }
}
