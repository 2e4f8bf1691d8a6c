//! The trace over time: requests, working set and newly seen objects, window by window.
//!
//! Windows of several lengths are counted at once, from the first request on; those that turn out to be too
//! many are given up, so that memory is bounded whatever the span. What is shown is the finest that is left.

use serde::Serialize;

const SECOND_NS: u64 = 1_000_000_000;

/// Lengths of windows in seconds: a second, a minute, ten minutes, an hour, a day, thirty days.
const LENGTHS_S: [u64; 6] = [1, 60, 600, 3_600, 86_400, 2_592_000];

/// Windows of one length that are kept at most; 292 years of thirty days are fewer.
const MOST: usize = 4_000;

/// What happened in one window.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Stretch {
    /// Requests.
    pub requests: u64,
    /// The working set: different objects that were asked for.
    pub objects: u64,
    /// Sum of their sizes.
    pub bytes: u64,
    /// Of these, objects that had never been asked for.
    pub new_objects: u64,
}

/// A trace in windows of one length; the last one may be cut off by its end.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Course {
    /// Length of a window.
    pub window_s: u64,
    /// Window by window from the first request on.
    pub windows: Vec<Stretch>,
}

/// Courses that are being counted.
#[derive(Debug)]
pub(super) struct Courses {
    kept: Vec<Course>,
}

impl Courses {
    pub(super) fn new() -> Self {
        let course = |window_s| Course { window_s, windows: Vec::new() };
        Self { kept: LENGTHS_S.map(course).into() }
    }

    /// A request so many nanoseconds after the first one, for an object of `size` bytes that was last asked for
    /// at `before`.
    pub(super) fn request(&mut self, since_first: u64, before: Option<u64>, size: u64) {
        let mut has_too_many = false;
        for course in &mut self.kept {
            let length = course.window_s * SECOND_NS;
            let start = (course.windows.len() as u64).saturating_sub(1) * length;
            if course.windows.is_empty() || since_first - start >= length {
                let place = usize::try_from(since_first / length).unwrap_or(usize::MAX);
                if place >= MOST {
                    has_too_many = true;
                    continue;
                }
                course.windows.resize(place + 1, Stretch::default());
            }
            let start = (course.windows.len() as u64 - 1) * length;
            let Some(window) = course.windows.last_mut() else { continue };
            window.requests += 1;
            if before.is_none_or(|before| before < start) {
                window.objects += 1;
                window.bytes += size;
            }
            window.new_objects += u64::from(before.is_none());
        }
        if has_too_many {
            let fits = |course: &Course| since_first / (course.window_s * SECOND_NS) < MOST as u64;
            self.kept.retain(fits);
        }
    }

    /// The finest course that is left.
    pub(super) fn finest(self) -> Course {
        let mut kept = self.kept.into_iter();
        kept.next().unwrap_or(Course { window_s: LENGTHS_S[5], windows: Vec::new() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn course(requests: &[(u64, u8)]) -> Course {
        let mut courses = Courses::new();
        let mut last = [None; 256];
        for (second, object) in requests {
            courses.request(second * SECOND_NS, last[usize::from(*object)], u64::from(*object));
            last[usize::from(*object)] = Some(second * SECOND_NS);
        }
        courses.finest()
    }

    proptest! {
        #[test]
        fn windows_hold_what_a_set_of_each_holds(
            mut requests in prop::collection::vec((0_u64..20_000_000, 0_u8..6), 1..60), by in 0_usize..8,
        ) {
            requests.iter_mut().for_each(|request| request.0 /= 10_u64.pow(u32::try_from(by).unwrap()));
            requests.sort_unstable();
            let begin = requests[0].0;
            requests.iter_mut().for_each(|request| request.0 -= begin);
            let course = course(&requests);
            let span = requests.last().unwrap().0;
            let finest = LENGTHS_S.into_iter().find(|length| span / length < MOST as u64);
            prop_assert_eq!(Some(course.window_s), finest);
            let mut ever = BTreeSet::new();
            for (place, window) in (0..).zip(&course.windows) {
                let inside = requests.iter().filter(|(second, _)| second / course.window_s == place);
                let all: Vec<u8> = inside.map(|(_, object)| *object).collect();
                let set: BTreeSet<u8> = all.iter().copied().collect();
                prop_assert_eq!(window.requests, all.len() as u64);
                prop_assert_eq!(window.objects, set.len() as u64);
                prop_assert_eq!(window.bytes, set.iter().map(|object| u64::from(*object)).sum::<u64>());
                prop_assert_eq!(window.new_objects, set.difference(&ever).count() as u64);
                ever.extend(set);
            }
        }
    }
}
