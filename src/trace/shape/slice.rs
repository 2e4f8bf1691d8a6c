//! A part of a trace by time, keys and classes.

use crate::trace::import::{Glob, Item, OTHER};
use crate::units::SimDuration;

/// Where a slice begins or ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edge {
    /// So long after the first request of the trace.
    After(SimDuration),
    /// At this time, in nanoseconds since 1970 UTC.
    At(i64),
}

impl Edge {
    /// The time in nanoseconds, in a trace that begins at `first`.
    fn time(self, first: i64) -> i64 {
        match self {
            Self::After(span) => first.saturating_add_unsigned(span.as_nanos()),
            Self::At(time) => time,
        }
    }
}

/// What is kept; nothing stated keeps everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Slice {
    /// The first instant.
    pub from: Option<Edge>,
    /// The first instant that is no longer in it.
    pub until: Option<Edge>,
    /// Patterns of keys, any of which fits.
    pub keys: Vec<Glob>,
    /// Classes, any of which it is.
    pub classes: Vec<String>,
}

impl Slice {
    /// Whether `item` is kept, in a trace whose first request is at `first`.
    pub fn keeps(&self, item: &Item, first: i64) -> bool {
        let class = item.class.as_deref().unwrap_or(OTHER);
        self.from.is_none_or(|edge| item.time_ns >= edge.time(first))
            && !self.is_over(item, first)
            && (self.keys.is_empty() || self.keys.iter().any(|glob| glob.holds(&item.key)))
            && (self.classes.is_empty() || self.classes.iter().any(|wanted| wanted == class))
    }

    /// Whether it ends before it begins, whatever the trace, so that nothing can be kept.
    pub fn is_backwards(&self) -> bool {
        match (self.from, self.until) {
            (Some(Edge::After(from)), Some(Edge::After(until))) => from >= until,
            (Some(Edge::At(from)), Some(Edge::At(until))) => from >= until,
            _ => false,
        }
    }

    /// Whether nothing from `item` on is kept.
    pub fn is_over(&self, item: &Item, first: i64) -> bool {
        self.until.is_some_and(|edge| item.time_ns >= edge.time(first))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::format::Op;

    #[test]
    fn all_that_is_stated_must_hold() {
        let item = |seconds: i64, key: &str, class: Option<&str>| Item {
            time_ns: seconds * 1_000_000_000,
            op: Op::Get,
            key: key.to_owned(),
            size: None,
            class: class.map(str::to_owned),
            ttl: None,
            origin_time: None,
            whole_second: true,
        };
        let slice = Slice {
            from: Some(Edge::After(SimDuration::from_secs(10))),
            until: Some(Edge::At(130 * 1_000_000_000)),
            keys: vec![Glob::new("/a/*").unwrap()],
            classes: vec!["other".to_owned(), "x".to_owned()],
        };
        let first = 100 * 1_000_000_000;
        assert!(slice.keeps(&item(110, "/a/1", None), first));
        assert!(!slice.keeps(&item(109, "/a/1", None), first));
        assert!(!slice.keeps(&item(130, "/a/1", None), first));
        assert!(!slice.keeps(&item(120, "/b/1", None), first));
        assert!(!slice.keeps(&item(120, "/a/1", Some("y")), first));
        assert!(Slice::default().keeps(&item(0, "", None), 0));
    }
}
