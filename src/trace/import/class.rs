//! Which class an object belongs to: rules over its key and size, the first that holds decides.

use super::key::extension;
use crate::units::ByteSize;

/// The class of what was never there: asked for and not found, and put into no other class.
pub const ABSENT: &str = "absent";

/// The class of objects that no rule and no column puts anywhere.
pub const OTHER: &str = "other";

/// A pattern of paths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glob(glob::Pattern);

impl Glob {
    /// Reads a pattern; else what is wrong with it.
    pub fn new(text: &str) -> Result<Self, String> {
        glob::Pattern::new(text).map(Self).map_err(|error| error.to_string())
    }

    /// As written.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Whether the path of the key fits.
    pub fn holds(&self, key: &str) -> bool {
        let options = glob::MatchOptions { require_literal_separator: true, ..glob::MatchOptions::new() };
        self.0.matches_with(path(key), options)
    }
}

/// A key without its query.
fn path(key: &str) -> &str {
    key.split_once('?').map_or(key, |(path, _)| path)
}

/// A regular expression.
#[derive(Debug, Clone)]
pub struct Regex(regex::Regex);

impl Regex {
    /// Reads an expression; else what is wrong with it.
    pub fn new(text: &str) -> Result<Self, String> {
        // The message of a syntax error ends with what is wrong, below the expression and a caret.
        let last =
            |text: String| text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
        regex::Regex::new(text).map(Self).map_err(|error| last(error.to_string()))
    }

    /// As written.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl PartialEq for Regex {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Regex {}

/// What a parameter of the query must be, such as `w <= 200`.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// The parameter.
    pub parameter: String,
    /// How its value must stand to the limit.
    relation: Relation,
    limit: f64,
}

impl Eq for Condition {}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Relation {
    Less,
    AtMost,
    Equal,
    AtLeast,
    More,
}

/// Longer signs first, or `<=` would be read as `<`.
const RELATIONS: [(&str, Relation); 6] = [
    ("<=", Relation::AtMost),
    (">=", Relation::AtLeast),
    ("==", Relation::Equal),
    ("<", Relation::Less),
    (">", Relation::More),
    ("=", Relation::Equal),
];

impl Condition {
    /// Reads `w <= 200`; else what is wrong with it.
    pub fn new(text: &str) -> Result<Self, String> {
        let found = RELATIONS.iter().find_map(|(sign, relation)| {
            let (parameter, limit) = text.split_once(sign)?;
            Some((parameter.trim(), *relation, limit.trim()))
        });
        let wrong =
            || format!("\"{text}\" is no condition: write a parameter, one of < <= = >= >, and a number");
        let (parameter, relation, limit) =
            found.filter(|(parameter, ..)| !parameter.is_empty()).ok_or_else(wrong)?;
        let limit: f64 = limit.parse().ok().filter(|limit: &f64| limit.is_finite()).ok_or_else(wrong)?;
        Ok(Self { parameter: parameter.to_owned(), relation, limit })
    }

    /// Whether the key's query has the parameter, with such a value.
    fn holds(&self, key: &str) -> bool {
        let query = key.split_once('?').map_or("", |(_, query)| query);
        let value = query.split('&').find_map(|pair| {
            let (name, value) = pair.split_once('=')?;
            (name == self.parameter).then(|| value.parse::<f64>().ok())?
        });
        value.is_some_and(|value| match self.relation {
            Relation::Less => value < self.limit,
            Relation::AtMost => value <= self.limit,
            Relation::Equal => (value - self.limit).abs() < f64::EPSILON * self.limit.abs().max(1.0),
            Relation::AtLeast => value >= self.limit,
            Relation::More => value > self.limit,
        })
    }
}

impl std::fmt::Display for Condition {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sign = match self.relation {
            Relation::Less => "<",
            Relation::AtMost => "<=",
            Relation::Equal => "=",
            Relation::AtLeast => ">=",
            Relation::More => ">",
        };
        write!(out, "{} {sign} {}", self.parameter, self.limit)
    }
}

/// A rule of `[[trace.class]]`; all that it states must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClassRule {
    /// The class that it puts objects into.
    pub name: String,
    /// What the key begins with.
    pub prefix: Option<String>,
    /// What the path ends with: the key without its query.
    pub suffix: Option<String>,
    /// What the path looks like, with `*` for anything but a slash and `**` for any folders.
    pub glob: Option<Glob>,
    /// What is found in the path.
    pub regex: Option<Regex>,
    /// What the parameters of the key's query must be.
    pub query: Vec<Condition>,
    /// The extensions of the path, in any letter case; empty for any.
    pub extensions: Vec<String>,
    /// The least size.
    pub min_size: Option<ByteSize>,
    /// The greatest size.
    pub max_size: Option<ByteSize>,
    /// The statuses of which a request for the object must have had one; empty for any.
    pub status: Vec<u16>,
}

impl ClassRule {
    /// Whether the rule holds for an object of `size` bytes, as far as its statuses let it.
    pub(super) fn holds(&self, key: &str, size: u32) -> bool {
        let size = u64::from(size);
        self.prefix.as_ref().is_none_or(|prefix| key.starts_with(prefix.as_str()))
            && self.suffix.as_ref().is_none_or(|suffix| path(key).ends_with(suffix.as_str()))
            && self.glob.as_ref().is_none_or(|glob| glob.holds(key))
            && self.regex.as_ref().is_none_or(|regex| regex.0.is_match(path(key)))
            && self.query.iter().all(|condition| condition.holds(key))
            && is_among(&self.extensions, key.as_bytes())
            && self.min_size.is_none_or(|min| size >= min.as_bytes())
            && self.max_size.is_none_or(|max| size <= max.as_bytes())
    }

    /// Whether a request with this status is one that the rule asks for.
    pub(super) fn holds_status(&self, status: Option<u16>) -> bool {
        self.status.is_empty() || status.is_some_and(|status| self.status.contains(&status))
    }

    /// Whether the rule looks at the size.
    pub(super) fn asks_for_size(&self) -> bool {
        self.min_size.is_some() || self.max_size.is_some()
    }
}

/// Whether the path of `target` has one of the `extensions`, in any letter case; `jpg` means `jpeg` too.
pub(super) fn is_among(extensions: &[String], target: &[u8]) -> bool {
    if extensions.is_empty() {
        return true;
    }
    let Some(given) = extension(target) else { return false };
    extensions.iter().any(|wanted| {
        given.eq_ignore_ascii_case(wanted.as_bytes())
            || (given.eq_ignore_ascii_case(b"jpeg") && wanted.eq_ignore_ascii_case("jpg"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_a_rule_states_must_hold() {
        let rule = ClassRule {
            name: "thumbnail".to_owned(),
            prefix: Some("/thumbs/".to_owned()),
            extensions: vec!["jpg".to_owned()],
            max_size: Some(ByteSize::from_bytes(100)),
            ..ClassRule::default()
        };
        assert!(rule.holds("/thumbs/a.JPEG", 100));
        assert!(!rule.holds("/thumbs/a.jpg", 101));
        assert!(!rule.holds("/thumbs/a.png", 100));
        assert!(!rule.holds("/a.jpg", 100));
    }

    #[test]
    fn patterns_expressions_and_parameters_of_the_query() {
        let glob = |text: &str, key: &str| Glob::new(text).unwrap().holds(key);
        assert!(glob("/media/*/thumb.{jpg}", "/media/7/thumb.{jpg}"));
        assert!(glob("/media/*/*.jpg", "/media/7/a.jpg?w=9"));
        assert!(!glob("/media/*.jpg", "/media/7/a.jpg"));
        assert!(glob("/media/**/*.jpg", "/media/7/8/a.jpg"));
        assert!(Glob::new("a[").is_err());
        let regex = ClassRule { regex: Some(Regex::new("^/u/[0-9]+$").unwrap()), ..ClassRule::default() };
        assert!(regex.holds("/u/12", 1) && !regex.holds("/u/x", 1));
        let suffix = ClassRule { suffix: Some("/small.jpg".to_owned()), ..ClassRule::default() };
        for rule in [&regex, &suffix] {
            assert!(rule.holds("/u/12", 1) == rule.holds("/u/12?w=200", 1), "{rule:?}");
            assert!(rule.holds("/7/small.jpg", 1) == rule.holds("/7/small.jpg?w=200", 1), "{rule:?}");
        }
        assert!(suffix.holds("/7/small.jpg", 1) && !suffix.holds("/7/a.jpg?of=/small.jpg", 1));
        assert!(Regex::new("(").unwrap_err().contains("unclosed group"));
        for (text, key, holds) in [
            ("w <= 200", "/a?h=1&w=200", true),
            ("w<=200", "/a?w=201", false),
            ("w < 200", "/a?w=200", false),
            ("w >= 1.5", "/a?w=1.5", true),
            ("w > 2", "/a?w=2", false),
            ("w = 2", "/a?w=2", true),
            ("w = 2", "/a?w=two", false),
            ("w <= 200", "/a", false),
        ] {
            let condition = Condition::new(text).unwrap();
            assert_eq!(condition.holds(key), holds, "{text} {key}");
            assert_eq!(Condition::new(&condition.to_string()).unwrap(), condition);
        }
        for wrong in ["w", "<= 3", "w <= x", "w <= inf"] {
            assert!(Condition::new(wrong).unwrap_err().contains("no condition"), "{wrong}");
        }
    }
}
