//! Which format a text is in, told by its content; and whether it is a text at all.

use super::fields::{number, words};
use super::log_reader::quoted_fields_of;
use super::operation::Op;
use super::table::is_named;
use super::timestamp::compact;

/// How many lines the guess looks at.
const LINES: usize = 32;

/// The name of the format that the start of a text looks like.
pub(in crate::trace) fn format(start: &[u8]) -> Option<&'static str> {
    let lines: Vec<&[u8]> = start
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(start)
        .split(|byte| *byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
        .filter(|line| !line.trim_ascii().is_empty())
        .take(LINES)
        .collect();
    let quoted: Vec<usize> = lines.iter().filter_map(|line| quoted_fields_of(line)).collect();
    if !quoted.is_empty() && quoted.len() * 2 >= lines.len() {
        let combined = quoted.iter().filter(|fields| **fields == 2).count();
        return Some(if combined * 2 > quoted.len() { "combined" } else { "clf" });
    }
    let first = lines.iter().find(|line| **line != b"OK")?;
    let is = |looks: Looks| {
        let like = lines.iter().filter(|line| looks(line)).count();
        // The last line may be cut off, and the first may be a header.
        like > 0 && like + 2 >= lines.len()
    };
    let by_content: [(&str, Looks); 7] = [
        ("json-lines", |line| line.trim_ascii_start().starts_with(b"{\"")),
        ("redis-monitor", is_monitor),
        ("twitter", is_twitter),
        ("wikimedia-upload", is_wikimedia),
        ("tencent-photo", is_tencent),
        ("webcachesim", |line| words_are_numbers(line, 3..=64)),
        ("lirs", |line| line.trim_ascii() == b"*" || words_are_numbers(line, 1..=1)),
    ];
    if ["ts_us", "db", "cmd", "key"].iter().all(|name| is_named(first, name.as_bytes())) {
        return Some("valkey-trace");
    }
    if ["timestamp", "cacheKey"].iter().all(|name| is_named(first, name.as_bytes())) || is_meta(first) {
        return Some("meta-cdn");
    }
    if let Some((name, _)) = by_content.iter().find(|(_, looks)| is(*looks)) {
        return Some(name);
    }
    if first.contains(&b'\t') {
        Some("tsv")
    } else if first.contains(&b',') {
        Some("csv")
    } else {
        None
    }
}

/// Whether a line looks like one of a format.
type Looks = fn(&[u8]) -> bool;

/// `1339518083.107412 [0 127.0.0.1:60866] "GET"…`
fn is_monitor(line: &[u8]) -> bool {
    let line = line.strip_prefix(b"+").unwrap_or(line);
    let end = line.iter().position(|byte| *byte == b' ').unwrap_or(0);
    line == b"OK" || line[end..].starts_with(b" [") && is_decimal(&line[..end])
}

fn is_decimal(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.')
}

fn is_twitter(line: &[u8]) -> bool {
    let parts: Vec<&[u8]> = line.split(|byte| *byte == b',').collect();
    let [time, .., key_size, size, client, op, ttl] = parts.as_slice() else { return false };
    let numbers = [time, key_size, size, client, ttl];
    parts.len() >= 7 && numbers.into_iter().all(|part| number(part).is_some()) && Op::of(op) != Op::Other
}

fn is_meta(line: &[u8]) -> bool {
    let parts: Vec<&[u8]> = line.split(|byte| *byte == b',').collect();
    parts.len() == 15 && [0, 3, 8].into_iter().all(|part| is_decimal(parts[part]))
}

fn is_wikimedia(line: &[u8]) -> bool {
    let parts: Vec<&[u8]> = line.split(|byte| *byte == b'\t').collect();
    parts.len() == 5 && [0, 3, 4].into_iter().all(|part| is_decimal(parts[part]))
}

fn is_tencent(line: &[u8]) -> bool {
    let parts: Vec<&[u8]> = words(line).collect();
    parts.len() == 8 && compact(parts[0]).is_some() && [4, 5, 7].into_iter().all(|p| is_decimal(parts[p]))
}

fn words_are_numbers(line: &[u8], count: std::ops::RangeInclusive<usize>) -> bool {
    count.contains(&words(line).count()) && words(line).all(is_decimal)
}

/// Whether something that is no text looks like the records of libCacheSim.
pub(in crate::trace) fn binary_format(start: &[u8]) -> Option<&'static str> {
    super::oracle_general::looks_like(start).then_some("oracle-general")
}

/// What something that is no text looks like; `None` for text.
pub(in crate::trace) fn binary(start: &[u8]) -> Option<&'static str> {
    const KNOWN: [(&[u8], &str); 11] = [
        (b"BZh", "a bzip2 archive, which is not read here"),
        (b"\x04\x22\x4d\x18", "an lz4 stream, which is not read here"),
        (b"PK\x03\x04", "a zip archive"),
        (b"\x7fELF", "a program"),
        (b"\x89PNG", "a PNG image"),
        (b"\xff\xd8\xff", "a JPEG image"),
        (b"GIF8", "a GIF image"),
        (b"SQLite format 3", "an SQLite database"),
        (b"%PDF", "a PDF document"),
        (b"\xff\xfe", "text in UTF-16; save it as UTF-8"),
        (b"\xfe\xff", "text in UTF-16; save it as UTF-8"),
    ];
    // Two magic numbers are words that a log could begin with.
    let is_control = |byte: &&u8| matches!(byte, 0..=8 | 11..=12 | 14..=31 | 127);
    let controls = start.iter().filter(is_control).count();
    let is_binary = controls * 20 > start.len() || std::str::from_utf8(start).is_err();
    if is_binary && let Some((_, what)) = KNOWN.iter().find(|(magic, _)| start.starts_with(magic)) {
        return Some(what);
    }
    // Logs may hold stray bytes of attacks, but not one in twenty.
    (controls * 20 > start.len()).then_some("binary data")
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLF: &str = "h - - [01/Aug/1995:00:00:01 -0400] \"GET /a.gif HTTP/1.0\" 200 5";

    #[test]
    fn each_format_is_told_by_its_content() {
        assert_eq!(format(CLF.as_bytes()), Some("clf"));
        assert_eq!(format(format!("junk\n\n{CLF}\r\n{CLF} 0.1\n").as_bytes()), Some("clf"));
        assert_eq!(format(format!("{CLF} \"-\" \"x, y\"").as_bytes()), Some("combined"));
        assert_eq!(format(b"time,key\n1,a\n"), Some("csv"));
        assert_eq!(format(b"time\tkey\n1\ta,b\n"), Some("tsv"));
        assert_eq!(format(b"{\"ts\": 1, \"key\": \"a,b\"}\n"), Some("json-lines"));
        assert_eq!(format(b"OK\n1.5 [0 10.0.0.1:5] \"GET\" \"a,b\"\n"), Some("redis-monitor"));
        assert_eq!(format(b"5,a,b,3,100,7,set,86400\n5,k,1,0,7,get,0\n5,c"), Some("twitter"));
        assert_eq!(format(b"7\t-123\tsvg+xml\t900\t0.0625\n"), Some("wikimedia-upload"));
        assert_eq!(format(b"20160201120001 00ff 5 l 1234 0 0 37\n"), Some("tencent-photo"));
        assert_eq!(format(b"1 2 3\n4 5 6 7 8\n"), Some("webcachesim"));
        assert_eq!(format(b"1\n*\n4\n"), Some("lirs"));
        assert_eq!(format(b"ts_us,seq,db,cmd,key,access\n1,1,0,get,k,r\n"), Some("valkey-trace"));
        assert_eq!(format(b"db,key,ts_us,cmd\n0,k,1,get\n"), Some("valkey-trace"));
        assert_eq!(format(b"1,k,1,100,100,9,-1,-1,60,0.1,1,,h,2,3\n"), Some("meta-cdn"));
        assert_eq!(format(b"one two three\n"), None);
        assert_eq!(format(b"\n\n"), None);
    }

    #[test]
    fn what_is_no_text_is_called_by_its_name() {
        assert_eq!(binary(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"), Some("a PNG image"));
        assert_eq!(binary(b"\xff\xfet\0i\0m\0e\0"), Some("text in UTF-16; save it as UTF-8"));
        let noise: Vec<u8> = (0..4_096_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        assert_eq!(binary(&noise), Some("binary data"));
        assert_eq!(binary(b"BZh is a user of this server\n"), None);
        assert_eq!(binary("time,key\n1,Straße\n".as_bytes()), None);
    }
}
