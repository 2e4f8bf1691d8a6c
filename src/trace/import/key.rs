//! Which requests ask for the same object: request targets in one spelling.

use std::borrow::Cow;
use std::fmt::Write;

use super::Options;

/// What becomes of the query of a request target.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Query {
    /// Dropped: requests that differ only in it ask for the same object.
    #[default]
    Drop,
    /// Kept as it is.
    Keep,
    /// Kept with its parameters sorted.
    Sorted,
    /// Only these parameters are kept, sorted; such as those of a rendition (`w`, `h`, `q`).
    Only(Vec<String>),
}

/// What becomes of the letter case of a target.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyCase {
    /// It stays: paths tell cases apart.
    #[default]
    Keep,
    /// All ASCII letters in lower case, for servers that do not tell them apart.
    Lower,
}

impl KeyCase {
    /// As written in scenarios.
    pub fn name(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Lower => "lower",
        }
    }
}

/// What becomes of percent-encoding.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Percent {
    /// One spelling (RFC 3986, section 6.2.2).
    #[default]
    Normalize,
    /// As it was asked for.
    Keep,
}

impl Percent {
    /// As written in scenarios.
    pub fn name(self) -> &'static str {
        match self {
            Self::Normalize => "normalize",
            Self::Keep => "keep",
        }
    }
}

/// Spells keys, in one reused buffer.
#[derive(Debug, Default)]
pub(super) struct Speller {
    /// How targets are spelt; `None` for keys that are taken as they are.
    pub(super) target: Option<TargetRules>,
    text: String,
    scratch: Vec<u8>,
}

/// How request targets are spelt.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct TargetRules {
    /// What becomes of the query, and that the fragment goes; `None` leaves both as they are.
    pub(super) query: Option<Query>,
    /// Whether an absolute target keeps its host; `None` leaves scheme and host as they are.
    pub(super) keeps_host: Option<bool>,
    pub(super) case: KeyCase,
    pub(super) percent: Percent,
}

impl TargetRules {
    /// What the settings make of keys: those of a log are request targets, and other keys are changed only by what is
    /// written; `None` for keys that are taken as they are.
    pub(super) fn of(options: &Options, is_log: bool) -> Option<Self> {
        let Options { query, key_host, key_case, percent, .. } = options;
        let rules = Self {
            query: query.clone().or(is_log.then_some(Query::Drop)),
            keeps_host: key_host.or(is_log.then_some(false)),
            case: *key_case,
            percent: percent.unwrap_or(if is_log { Percent::Normalize } else { Percent::Keep }),
        };
        let verbatim = Self { percent: Percent::Keep, ..Self::default() };
        (rules != verbatim).then_some(rules)
    }
}

impl Speller {
    pub(super) fn new(target: Option<TargetRules>) -> Self {
        Self { target, ..Self::default() }
    }

    /// The key of what was asked for.
    pub(super) fn key<'k>(&'k mut self, asked: &'k [u8]) -> &'k str {
        let is_plain = |byte: &u8| byte.is_ascii_graphic() && !matches!(byte, b'?' | b'#' | b'%' | b'\\');
        if let (b'/' | b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9', true) =
            (asked.first().copied().unwrap_or(b' '), asked.iter().all(is_plain))
            && (asked[0] == b'/' || self.target.is_none())
            && self.target.as_ref().is_none_or(|rules| rules.case == KeyCase::Keep)
            && let Ok(text) = std::str::from_utf8(asked)
        {
            return text;
        }
        self.text.clear();
        self.scratch.clear();
        match &self.target {
            None => escape(asked, &mut self.text),
            Some(rules) => {
                spell(asked, rules, &mut self.scratch);
                if rules.case == KeyCase::Lower {
                    self.scratch.make_ascii_lowercase();
                }
                escape(&self.scratch, &mut self.text);
            }
        }
        &self.text
    }
}

/// Bytes as text: what is not UTF-8 is written `\xHH`, and so is a backslash that could be taken for
/// the beginning of that, so that two keys never become one.
fn escape(bytes: &[u8], out: &mut String) {
    for chunk in bytes.utf8_chunks() {
        let mut rest = chunk.valid();
        while let Some(at) = rest.find("\\x") {
            out.push_str(&rest[..at]);
            out.push_str("\\x5Cx");
            rest = &rest[at + 2..];
        }
        out.push_str(rest);
        for byte in chunk.invalid() {
            // Writing to a String cannot fail.
            let _ = write!(out, "\\x{byte:02X}");
        }
    }
}

/// The bytes that [`escape`] made a key of, so that a key written to a file is read as the same key again.
pub(in crate::trace) fn unescape(key: &str) -> Cow<'_, [u8]> {
    if !key.contains("\\x") {
        return Cow::Borrowed(key.as_bytes());
    }
    let mut bytes = Vec::with_capacity(key.len());
    let mut rest = key;
    while let Some(at) = rest.find("\\x") {
        let (before, escaped) = rest.split_at(at);
        bytes.extend_from_slice(before.as_bytes());
        let byte = escaped.get(2..4).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        let taken = if let Some(byte) = byte {
            bytes.push(byte);
            4
        } else {
            bytes.extend_from_slice(b"\\x");
            2
        };
        rest = &escaped[taken..];
    }
    bytes.extend_from_slice(rest.as_bytes());
    Cow::Owned(bytes)
}

/// A target in the spelling that `rules` ask for.
fn spell(target: &[u8], rules: &TargetRules, out: &mut Vec<u8>) {
    let target = if rules.query.is_some() { split(target, b'#').0 } else { target };
    let (host, target) = if rules.keeps_host.is_some() { split_host(target) } else { (None, target) };
    if rules.keeps_host == Some(true)
        && let Some(host) = host
    {
        out.extend(host.to_ascii_lowercase());
    }
    let Some(rule) = &rules.query else {
        // No path is left, or a host was taken off that none stands behind.
        if target.is_empty() || host.is_some() && matches!(target[0], b'?' | b'#') {
            out.push(b'/');
        }
        respell(target, rules.percent, out);
        return;
    };
    let (path, query) = split(target, b'?');
    if path.is_empty() {
        out.push(b'/');
    }
    respell(path, rules.percent, out);
    let Some(query) = query.filter(|_| *rule != Query::Drop) else { return };
    // Spelt first and sorted then, or two spellings of one query could be sorted differently.
    let mut parameters: Vec<Vec<u8>> =
        query.split(|byte| *byte == b'&').map(|parameter| respelt(parameter, rules.percent)).collect();
    if let Query::Only(names) = rule {
        parameters.retain(|p| names.iter().any(|name| name.as_bytes() == split(p, b'=').0));
    }
    if *rule != Query::Keep {
        parameters.sort_unstable();
    }
    for (index, parameter) in parameters.into_iter().enumerate() {
        out.push(if index == 0 { b'?' } else { b'&' });
        out.extend(parameter);
    }
}

fn respelt(text: &[u8], percent: Percent) -> Vec<u8> {
    let mut out = Vec::new();
    respell(text, percent, &mut out);
    out
}

fn respell(text: &[u8], percent: Percent, out: &mut Vec<u8>) {
    match percent {
        Percent::Normalize => respell_percents(text, out),
        Percent::Keep => out.extend_from_slice(text),
    }
}

/// What stands before `mark`, and after it where there is one.
fn split(text: &[u8], mark: u8) -> (&[u8], Option<&[u8]>) {
    match text.iter().position(|byte| *byte == mark) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    }
}

/// The host of an absolute target such as `http://host/a.png`, and the target without it.
fn split_host(target: &[u8]) -> (Option<&[u8]>, &[u8]) {
    let Some(colon) = target.iter().position(|byte| !byte.is_ascii_alphabetic()) else {
        return (None, target);
    };
    match target[colon..].strip_prefix(b"://") {
        Some(rest) if colon > 0 => {
            let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?' | b'#')).unwrap_or(rest.len());
            (Some(&rest[..end]), &rest[end..])
        }
        _ => (None, target),
    }
}

/// Percent-encoding in one spelling (RFC 3986, section 6.2.2): unreserved characters are decoded,
/// the digits of all others are upper-case, and a percent sign that begins nothing stays.
fn respell_percents(text: &[u8], out: &mut Vec<u8>) {
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        let digit = |offset: usize| text.get(at + offset).and_then(|d| char::from(*d).to_digit(16));
        if let (b'%', Some(high), Some(low)) = (byte, digit(1), digit(2)) {
            let decoded = u8::try_from(high * 16 + low).expect("two hexadecimal digits are a byte");
            if decoded.is_ascii_alphanumeric() || matches!(decoded, b'-' | b'.' | b'_' | b'~') {
                out.push(decoded);
            } else {
                out.extend(text[at..at + 3].to_ascii_uppercase());
            }
            at += 3;
        } else {
            out.push(*byte);
            at += 1;
        }
    }
}

/// What follows the last dot of the last part of the path, without query and fragment.
pub(super) fn extension(target: &[u8]) -> Option<&[u8]> {
    let end = target.iter().position(|byte| matches!(byte, b'?' | b'#')).unwrap_or(target.len());
    let path = &target[..end];
    let dot = path.iter().rposition(|byte| matches!(byte, b'.' | b'/'))?;
    (path[dot] == b'.').then(|| &path[dot + 1..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(rules: TargetRules, target: &str) -> String {
        Speller::new(Some(rules)).key(target.as_bytes()).to_owned()
    }

    /// What a log's keys are made of where nothing is written.
    fn usual() -> TargetRules {
        TargetRules::of(&Options::default(), true).unwrap()
    }

    #[test]
    fn targets_that_mean_the_same_are_spelt_the_same() {
        for (target, want) in [
            ("/a/b.png", "/a/b.png"),
            ("http://Host:80/a.png", "/a.png"),
            ("http://host", "/"),
            ("/a.png#top", "/a.png"),
            ("/a.png?v=1", "/a.png"),
            ("/%61%2fb%c3.png", "/a%2Fb%C3.png"),
            ("/100%", "/100%"),
            ("/%7Euser/%zz.png", "/~user/%zz.png"),
            ("//A//b.PNG", "//A//b.PNG"),
            ("/redirect?to=http://x/y", "/redirect"),
        ] {
            assert_eq!(key(usual(), target), want, "{target}");
        }
    }

    #[test]
    fn a_query_is_kept_sorted_or_chosen_from() {
        let with = |query| TargetRules { query: Some(query), ..usual() };
        let target = "/a.png?w=20&h=%61&utm=x#f";
        assert_eq!(key(with(Query::Keep), target), "/a.png?w=20&h=a&utm=x");
        assert_eq!(key(with(Query::Sorted), target), "/a.png?h=a&utm=x&w=20");
        let only = Query::Only(vec!["w".to_owned(), "h".to_owned()]);
        assert_eq!(key(with(only.clone()), target), "/a.png?h=a&w=20");
        assert_eq!(key(with(only), "/a.png?utm=x"), "/a.png");
    }

    #[test]
    fn a_host_is_kept_when_asked_for() {
        let rules = TargetRules { keeps_host: Some(true), ..usual() };
        assert_eq!(key(rules.clone(), "https://CDN.example/a.png"), "cdn.example/a.png");
        assert_eq!(key(rules, "/a.png"), "/a.png");
    }

    #[test]
    fn case_and_percent_encoding_are_settings() {
        let lower = TargetRules { case: KeyCase::Lower, ..usual() };
        assert_eq!(key(lower.clone(), "/A/%4A%2f.PNG"), "/a/j%2f.png");
        assert_eq!(key(lower, "/A.PNG"), "/a.png");
        let keep = TargetRules { percent: Percent::Keep, ..usual() };
        assert_eq!(key(keep, "/A/%4A%2f.PNG?x"), "/A/%4A%2f.PNG");
    }

    #[test]
    fn a_host_without_a_path_leaves_the_root() {
        let without_host = |asked: &str| {
            let written = Options { key_host: Some(false), ..Options::default() };
            Speller::new(TargetRules::of(&written, false)).key(asked.as_bytes()).to_owned()
        };
        for (asked, want) in [
            ("http://h", "/"),
            ("http://h?w=2", "/?w=2"),
            ("http://h#top", "/#top"),
            ("http://h/a?w=2", "/a?w=2"),
            ("user:7", "user:7"),
            ("?w=2", "?w=2"),
        ] {
            assert_eq!(without_host(asked), want, "{asked}");
        }
    }

    #[test]
    fn keys_that_are_no_targets_are_changed_by_what_is_written_and_by_nothing_else() {
        let asked = "http://CDN.example/A/%4A%2f.png?w=2&a=%61#Top";
        let of = |written: Options| {
            Speller::new(TargetRules::of(&written, false)).key(asked.as_bytes()).to_owned()
        };
        let none = Options::default;
        assert_eq!(of(none()), asked);
        for (written, want) in [
            (Options { percent: Some(Percent::Keep), ..none() }, asked),
            (
                Options { percent: Some(Percent::Normalize), ..none() },
                "http://CDN.example/A/J%2F.png?w=2&a=a#Top",
            ),
            (Options { key_case: KeyCase::Lower, ..none() }, "http://cdn.example/a/%4a%2f.png?w=2&a=%61#top"),
            (Options { key_host: Some(false), ..none() }, "/A/%4A%2f.png?w=2&a=%61#Top"),
            (Options { key_host: Some(true), ..none() }, "cdn.example/A/%4A%2f.png?w=2&a=%61#Top"),
            (Options { query: Some(Query::Drop), ..none() }, "http://CDN.example/A/%4A%2f.png"),
            (Options { query: Some(Query::Sorted), ..none() }, "http://CDN.example/A/%4A%2f.png?a=%61&w=2"),
        ] {
            assert_eq!(of(written), want);
        }
    }

    #[test]
    fn the_extension_is_that_of_the_path() {
        for (target, want) in [
            ("/a.gif", Some("gif")),
            ("/a.b/c", None),
            ("/a.PNG?x=.gif", Some("PNG")),
            ("/a#.gif", None),
            ("/a.", Some("")),
            ("a.jpg", Some("jpg")),
        ] {
            assert_eq!(extension(target.as_bytes()), want.map(str::as_bytes), "{target}");
        }
    }

    proptest! {
        #[test]
        fn different_bytes_are_different_keys(
            a in prop::collection::vec(prop::sample::select(b"\\x5CE9\xe9\xc3a".to_vec()), 0..9),
            b in prop::collection::vec(prop::sample::select(b"\\x5CE9\xe9\xc3a".to_vec()), 0..9),
        ) {
            let verbatim = |bytes: &[u8]| Speller::new(None).key(bytes).to_owned();
            prop_assert_eq!(verbatim(&a) == verbatim(&b), a == b);
        }

        #[test]
        fn spelling_a_key_again_changes_nothing(target in "/([a-c/?&=]|%[0-7][0-9a-fA-F]){0,20}") {
            let rules = TargetRules { query: Some(Query::Sorted), ..usual() };
            let once = key(rules.clone(), &target);
            prop_assert_eq!(key(rules, &once), once);
        }
    }
}
