//! Where an object is asked for: a URL with places for its key and its size.

use std::str::FromStr;

use hyper::Uri;
use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};

/// All but the unreserved characters of RFC 3986, 2.3.
const KEY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What no URL may contain as it is; what has a meaning in one stays, `%` too.
const PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// A URL with places: `{key}`, the key percent-encoded; `{path}`, a key that is the path and query of a URL already;
/// `{size}`, the recorded size in bytes.
///
/// ```
/// use ttlab::live::Template;
///
/// let template: Template = "http://127.0.0.1:8080/img/{key}?w={size}".parse().unwrap();
/// assert_eq!(template.url("a b/1", 512), "http://127.0.0.1:8080/img/a%20b%2F1?w=512");
/// assert!("http://127.0.0.1:8080/all-the-same".parse::<Template>().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    text: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Key,
    Path,
    Size,
}

impl Template {
    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Scheme, host and path, for people: what follows may be a secret.
    pub fn shown(&self) -> String {
        match self.text.split_once('?') {
            Some((before, _)) => format!("{before}?..."),
            None => self.text.clone(),
        }
    }

    /// The URL of an object.
    pub fn url(&self, key: &str, size: u32) -> String {
        let mut url = String::with_capacity(self.text.len() + key.len());
        for part in &self.parts {
            match part {
                Part::Text(text) => url.push_str(text),
                Part::Key => url.extend(utf8_percent_encode(key, KEY)),
                Part::Path => {
                    // A path that begins with a slash needs no second one.
                    let path = if url.ends_with('/') { key.strip_prefix('/').unwrap_or(key) } else { key };
                    url.extend(utf8_percent_encode(path, PATH));
                }
                Part::Size => url.push_str(&size.to_string()),
            }
        }
        url
    }
}

impl FromStr for Template {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const EXAMPLE: &str = "such as http://127.0.0.1:8080/img/{key}?w={size}";
        let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
        let rest = rest.ok_or_else(|| format!("it must begin with http:// or https://, {EXAMPLE}"))?;
        let host = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
        if host.is_empty() {
            return Err(format!("it names no host, {EXAMPLE}"));
        }
        if host.contains(['{', '}']) {
            return Err(format!("no place may stand in the host \"{host}\", {EXAMPLE}"));
        }
        if host.contains('@') {
            return Err("it must name no user and no password: they are not sent".to_owned());
        }
        if rest.contains('#') {
            return Err("what follows a # is never sent; write it as %23".to_owned());
        }
        let parts = parts(text)?;
        if !parts.iter().any(|part| matches!(part, Part::Key | Part::Path)) {
            return Err(format!("it has no {{key}}, so every object would be the same, {EXAMPLE}"));
        }
        let template = Self { text: text.to_owned(), parts };
        let example = template.url("key", 1);
        let uri: Uri =
            example.parse().map_err(|error| format!("{example} is no URL ({error}), {EXAMPLE}"))?;
        match uri.host() {
            Some("") | None => Err(format!("it names no host, {EXAMPLE}")),
            Some(_) => Ok(template),
        }
    }
}

/// The text between places, and the places.
fn parts(text: &str) -> Result<Vec<Part>, String> {
    let (mut parts, mut rest) = (Vec::new(), text);
    while let Some(at) = rest.find(['{', '}']) {
        let (before, place) = rest.split_at(at);
        let end = place.find('}').filter(|_| place.starts_with('{'));
        let end = end.ok_or("a { or } stands alone; write it as %7B or %7D")?;
        parts.push(Part::Text(before.to_owned()));
        parts.push(match &place[..=end] {
            "{key}" => Part::Key,
            "{path}" => Part::Path,
            "{size}" => Part::Size,
            other => return Err(format!("{other} is no place; there are {{key}}, {{path}} and {{size}}")),
        });
        rest = &place[end + 1..];
    }
    parts.push(Part::Text(rest.to_owned()));
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(text: &str) -> Template {
        text.parse().unwrap_or_else(|why| panic!("{text}: {why}"))
    }

    #[test]
    fn a_key_is_encoded_whole_and_a_path_as_little_as_it_must_be() {
        let key = template("https://host/{key}/x?size={size}&again={key}");
        assert_eq!(key.url("a/ü?&", 7), "https://host/a%2F%C3%BC%3F%26/x?size=7&again=a%2F%C3%BC%3F%26");
        let path = template("http://host:80/{path}");
        assert_eq!(path.url("/img/1.webp?w=20&q=%2F", 7), "http://host:80/img/1.webp?w=20&q=%2F");
        assert_eq!(path.url("img/a b\"", 7), "http://host:80/img/a%20b%22");
    }

    #[test]
    fn a_query_is_not_shown() {
        let secret = template("https://host:80/img/{key}?w={size}&token=s3cret");
        assert_eq!(secret.shown(), "https://host:80/img/{key}?...");
        assert_eq!(template("http://host/{path}").shown(), "http://host/{path}");
    }

    #[test]
    fn what_is_no_template_is_refused_with_what_to_write() {
        for (text, told) in [
            ("localhost/{key}", "begin with http://"),
            ("http:///{key}", "no host"),
            ("http://{key}/", "in the host"),
            ("http://me:secret@host/{key}", "no password"),
            ("http://host/{key}#top", "%23"),
            ("http://host/all", "no {key}"),
            ("http://host/{name}", "there are {key}, {path} and {size}"),
            ("http://host/{key", "stands alone"),
            ("http://host/key}", "stands alone"),
            ("http://host/a b/{key}", "is no URL"),
        ] {
            let why = text.parse::<Template>().expect_err(text);
            assert!(why.contains(told), "{text}: {why}");
        }
    }
}
