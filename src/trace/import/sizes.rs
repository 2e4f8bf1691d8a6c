//! How large each object is: what its responses showed, or what had to be assumed.

use std::collections::BTreeMap;

/// Which of several recorded sizes is the object's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SizeRule {
    /// The largest: an aborted transfer is smaller than the object.
    #[default]
    Max,
    /// The last: the object has changed.
    Last,
    /// The most frequent, of equally frequent ones the largest.
    Mode,
}

impl SizeRule {
    /// As written in scenarios.
    pub fn name(self) -> &'static str {
        match self {
            Self::Max => "max",
            Self::Last => "last",
            Self::Mode => "mode",
        }
    }
}

/// What a size is that differs from the object's last one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SizeChange {
    /// Nothing in particular: an aborted transfer looks the same.
    #[default]
    Ignore,
    /// A new version of the object.
    NewVersion,
}

impl SizeChange {
    /// As written in scenarios.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ignore => "ignore",
            Self::NewVersion => "new-version",
        }
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    /// The size so far; 0 before the first, since a size of 0 is never recorded.
    size: u32,
    last: u32,
    differs: bool,
}

/// The recorded sizes of all objects.
#[derive(Debug)]
pub(super) struct Sizes {
    rule: SizeRule,
    seen: Vec<Seen>,
    counts: BTreeMap<(u32, u32), u64>,
    /// How often an object's size was another one than the time before.
    pub(super) changes: u64,
}

impl Sizes {
    pub(super) fn new(rule: SizeRule) -> Self {
        Self { rule, seen: Vec::new(), counts: BTreeMap::new(), changes: 0 }
    }

    /// Makes room for object `id`, the next new one.
    pub(super) fn know(&mut self, id: u32) {
        if id as usize == self.seen.len() {
            self.seen.push(Seen::default());
        }
    }

    /// Makes room for all of the first `objects` objects.
    pub(super) fn know_all(&mut self, objects: usize) {
        if self.seen.len() < objects {
            self.seen.resize(objects, Seen::default());
        }
    }

    /// A whole response for object `id` had `size` bytes, more than 0; whether the one before had another size.
    pub(super) fn record(&mut self, id: u32, size: u32) -> bool {
        let seen = &mut self.seen[id as usize];
        let differs = seen.last != 0 && size != seen.last;
        self.changes += u64::from(differs);
        seen.differs |= differs;
        seen.last = size;
        match self.rule {
            SizeRule::Max => seen.size = seen.size.max(size),
            SizeRule::Last => seen.size = size,
            SizeRule::Mode => *self.counts.entry((id, size)).or_default() += 1,
        }
        differs
    }

    /// Forgets the objects that `keep` does not want; the others move up.
    pub(super) fn retain(&mut self, keep: impl Fn(usize) -> bool) {
        let mut moved = BTreeMap::new();
        let mut new_id = 0;
        let counts = std::mem::take(&mut self.counts);
        for old in 0..self.seen.len() {
            if keep(old) {
                self.seen[new_id as usize] = self.seen[old];
                let old = u32::try_from(old).expect("ids are 32 bits wide");
                let sizes = counts.range((old, 0)..=(old, u32::MAX));
                moved.extend(sizes.map(|((_, size), count)| ((new_id, *size), *count)));
                new_id += 1;
            }
        }
        self.seen.truncate(new_id as usize);
        self.counts = moved;
    }

    /// The size of each object, `None` where none was recorded; and how many objects showed several.
    pub(super) fn finish(mut self) -> (Vec<Option<u32>>, u64) {
        let mut best: Option<(u32, u64)> = None;
        for ((id, size), count) in self.counts {
            // The map is ordered by object and then by size, so the largest of equals comes last.
            if best.is_none_or(|(other, most)| other != id || count >= most) {
                best = Some((id, count));
                self.seen[id as usize].size = size;
            }
        }
        let several = self.seen.iter().filter(|seen| seen.differs).count() as u64;
        (self.seen.iter().map(|seen| (seen.size > 0).then_some(seen.size)).collect(), several)
    }
}

/// The middle of `values`, of two the lower one; `None` of nothing.
pub(super) fn median<T: Ord + Copy>(values: &mut [T]) -> Option<T> {
    let middle = values.len().checked_sub(1)? / 2;
    Some(*values.select_nth_unstable(middle).1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_chooses_its_size() {
        for (rule, want) in [(SizeRule::Max, 9), (SizeRule::Last, 3), (SizeRule::Mode, 5)] {
            let mut sizes = Sizes::new(rule);
            (0..3).for_each(|id| sizes.know(id));
            let differ = [5, 9, 5, 3, 3].map(|size| sizes.record(1, size));
            assert_eq!(differ, [false, true, true, true, false]);
            sizes.record(0, 7);
            assert_eq!(sizes.finish(), (vec![Some(7), Some(want), None], 1), "{rule:?}");
        }
    }

    #[test]
    fn objects_that_are_forgotten_take_their_sizes_with_them() {
        for rule in [SizeRule::Max, SizeRule::Mode] {
            let mut sizes = Sizes::new(rule);
            (0..4).for_each(|id| sizes.know(id));
            for (id, size) in [(0, 1), (1, 2), (3, 4), (3, 4)] {
                sizes.record(id, size);
            }
            sizes.retain(|id| id % 2 == 1);
            assert_eq!(sizes.finish(), (vec![Some(2), Some(4)], 0), "{rule:?}");
        }
    }

    #[test]
    fn the_median_of_nothing_is_none() {
        assert_eq!(median::<u32>(&mut []), None);
        assert_eq!(median(&mut [3]), Some(3));
        assert_eq!(median(&mut [4, 1, 3, 2]), Some(2));
    }
}
