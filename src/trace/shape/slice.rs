//! A part of a trace by time, keys and classes.

use std::collections::BTreeMap;

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
        !self.is_ahead(item, first) && !self.is_over(item, first) && self.fits(item)
    }

    /// Whether its key and its class are kept, at whatever time.
    fn fits(&self, item: &Item) -> bool {
        let class = item.class.as_deref().unwrap_or(OTHER);
        (self.keys.is_empty() || self.keys.iter().any(|glob| glob.holds(&item.key)))
            && (self.classes.is_empty() || self.classes.iter().any(|wanted| wanted == class))
    }

    /// Whether `item` comes before the slice.
    fn is_ahead(&self, item: &Item, first: i64) -> bool {
        self.from.is_some_and(|edge| item.time_ns < edge.time(first))
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

/// Cuts a slice record by record. What a key's records before the slice told of its size and TTL holds in it, so the key's
/// first record in it tells that again; until then it is remembered, in memory for keys.
#[derive(Debug, Default)]
pub struct Slicer {
    slice: Slice,
    before: BTreeMap<String, Known>,
}

/// What was told of a key last.
#[derive(Debug, Clone, Copy, Default)]
struct Known {
    size: Option<u32>,
    ttl: Option<SimDuration>,
}

impl Slicer {
    /// A slice of a trace whose records come in the order of their times.
    pub fn new(slice: Slice) -> Self {
        Self { slice, before: BTreeMap::new() }
    }

    /// The record as it stands in the slice, if it does, in a trace whose first request is at `first`.
    pub fn take(&mut self, item: &Item, first: i64) -> Option<Item> {
        if self.slice.is_ahead(item, first) {
            if (item.size.is_some() || item.ttl.is_some()) && self.slice.fits(item) {
                let known = match self.before.get_mut(&item.key) {
                    Some(known) => known,
                    None => self.before.entry(item.key.clone()).or_default(),
                };
                known.size = item.size.or(known.size);
                known.ttl = item.ttl.or(known.ttl);
            }
            return None;
        }
        if !self.slice.keeps(item, first) {
            return None;
        }
        let known = self.before.remove(&item.key).unwrap_or_default();
        Some(Item { size: item.size.or(known.size), ttl: item.ttl.or(known.ttl), ..item.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::format::Op;

    #[test]
    fn what_was_told_before_the_slice_holds_in_it() {
        let second = |seconds: i64, op, key: &str, size, ttl: Option<u64>| Item {
            time_ns: seconds * 1_000_000_000,
            op,
            key: key.to_owned(),
            size,
            class: None,
            ttl: ttl.map(SimDuration::from_secs),
            origin_time: None,
            whole_second: true,
        };
        let items = [
            second(0, Op::Set, "a", Some(500), Some(60)),
            second(1, Op::Set, "a", Some(400), None),
            second(2, Op::Set, "b", Some(7), Some(30)),
            second(3, Op::Set, "other", Some(7), Some(30)),
            second(10, Op::Get, "a", None, None),
            second(11, Op::Get, "a", None, None),
            second(12, Op::Set, "b", Some(9), None),
            second(13, Op::Get, "other", None, None),
        ];
        let mut slicer = Slicer::new(Slice {
            from: Some(Edge::After(SimDuration::from_secs(10))),
            keys: vec![Glob::new("[ab]").unwrap()],
            ..Slice::default()
        });
        let cut: Vec<Item> = items.iter().filter_map(|item| slicer.take(item, 0)).collect();
        let want = [
            second(10, Op::Get, "a", Some(400), Some(60)),
            second(11, Op::Get, "a", None, None),
            second(12, Op::Set, "b", Some(9), Some(30)),
        ];
        assert_eq!(cut, want);
        assert!(slicer.before.is_empty(), "what is not kept is not remembered");
    }

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
