//! Which class an object belongs to: rules over its key and size, the first that holds decides.

use super::key::extension;
use crate::units::ByteSize;

/// The class of objects that no rule and no column puts anywhere.
pub const OTHER: &str = "other";

/// A rule of `[[trace.class]]`; all that it states must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClassRule {
    /// The class that it puts objects into.
    pub name: String,
    /// What the key begins with.
    pub prefix: Option<String>,
    /// What the key ends with.
    pub suffix: Option<String>,
    /// The extensions of the path, in any letter case; empty for any.
    pub extensions: Vec<String>,
    /// The least size.
    pub min_size: Option<ByteSize>,
    /// The greatest size.
    pub max_size: Option<ByteSize>,
}

impl ClassRule {
    /// Whether the rule holds for an object of `size` bytes.
    pub(super) fn holds(&self, key: &str, size: u32) -> bool {
        let size = u64::from(size);
        self.prefix.as_ref().is_none_or(|prefix| key.starts_with(prefix.as_str()))
            && self.suffix.as_ref().is_none_or(|suffix| key.ends_with(suffix.as_str()))
            && is_among(&self.extensions, key.as_bytes())
            && self.min_size.is_none_or(|min| size >= min.as_bytes())
            && self.max_size.is_none_or(|max| size <= max.as_bytes())
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
}
