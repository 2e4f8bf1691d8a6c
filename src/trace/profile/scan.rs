//! One pass over the requests: memory for objects and for a few thousand windows, not for requests.

use super::course::Courses;
use super::preview::Lives;
use super::rates::{Silences, Windows};
use super::reuse::Reuse;
use super::tallied::Tallied;
use crate::trace::import::Import;

/// What is kept of each object while the requests pass.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    /// Requests so far.
    pub(super) count: u64,
    /// When it was last asked for, as recorded: nanoseconds since 1970 UTC; [`NEVER`] before the first time.
    pub(super) last: i64,
    /// Requests within the second of that one.
    pub(super) in_second: u32,
    /// What the TTLs of the preview would hold of it.
    pub(super) lives: Lives,
}

/// No request yet.
pub(super) const NEVER: i64 = i64::MIN;

/// What a pass gathers.
#[derive(Debug)]
pub(super) struct Scan {
    pub(super) seen: Vec<Seen>,
    pub(super) first: i64,
    pub(super) last: i64,
    pub(super) requests: u64,
    pub(super) silences: Silences,
    pub(super) gaps: Tallied,
    pub(super) windows: [Windows; 3],
    pub(super) reuse: Reuse,
    pub(super) hits: super::preview::Hits,
    pub(super) courses: Courses,
}

impl Scan {
    /// Looks at every request of a trace.
    ///
    /// Times are looked at as they were recorded: what spreading put behind the whole second is dropped again.
    /// Only the preview of TTLs takes them as they will be replayed.
    pub(super) fn of(import: &Import) -> Self {
        let resolution = i64::try_from(import.provenance.resolution_ns).unwrap_or(1).max(1);
        let begin = import.provenance.first_unix_ns;
        let objects = import.trace.objects();
        let unseen = Seen { count: 0, last: NEVER, in_second: 0, lives: Lives::default() };
        let mut scan = Self {
            seen: vec![unseen; objects.len()],
            first: 0,
            last: 0,
            requests: 0,
            silences: Silences::default(),
            gaps: Tallied::new(),
            windows: [1, 60, 3_600].map(Windows::new),
            reuse: Reuse::new(),
            hits: super::preview::Hits::default(),
            courses: Courses::new(),
        };
        import.trace.each(|at, object| {
            let absolute = begin.saturating_add_unsigned(at.as_nanos());
            let time = absolute.div_euclid(resolution).saturating_mul(resolution);
            if scan.requests == 0 {
                scan.first = time;
            } else {
                let gap = time.abs_diff(scan.last);
                scan.gaps.record(gap);
                scan.silences.gap(scan.last, gap);
            }
            scan.last = time;
            scan.requests += 1;
            let since_first = time.abs_diff(scan.first);
            scan.windows.iter_mut().for_each(|windows| windows.request(since_first));
            let seen = &mut scan.seen[object.index()];
            let before = (seen.last != NEVER).then(|| seen.last.abs_diff(scan.first));
            scan.courses.request(since_first, before, u64::from(objects.size(object)));
            scan.reuse.request(time, seen);
            scan.hits.request(at, &mut seen.lives);
            seen.count += 1;
            seen.last = time;
        });
        scan
    }

    /// From the first request to the last, in seconds.
    pub(super) fn span_s(&self) -> f64 {
        self.last.abs_diff(self.first) as f64 / 1e9
    }

    /// Requests by object.
    pub(super) fn counts(&self) -> Vec<u64> {
        self.seen.iter().map(|seen| seen.count).collect()
    }
}
