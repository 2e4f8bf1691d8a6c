//! Which format a text is in, told by its content; and whether it is a text at all.

use super::log_reader::quoted_fields_of;

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
    let header = lines.first()?;
    if header.contains(&b'\t') {
        Some("tsv")
    } else if header.contains(&b',') {
        Some("csv")
    } else {
        None
    }
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
