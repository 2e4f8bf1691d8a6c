//! How soon an object is asked for again: what decides which TTL is long enough.

use serde::Serialize;

use super::quantile::Spread;
use super::scan::{NEVER, Seen};
use super::share;
use super::tallied::Tallied;

/// Time between requests for the same object.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReuseProfile {
    /// Gaps between neighbouring requests for one object, in seconds.
    pub gaps_s: Spread,
    /// Share of gaps without any time between.
    pub zero_share: Option<f64>,
    /// Pairs of object and second with several requests: what spreading decides.
    pub shared_seconds: u64,
    /// Most requests for one object within a second.
    pub most_in_a_second: u64,
    /// Points of the distribution of gaps: seconds, and the share of gaps that are no longer.
    pub curve_s: Vec<(f64, f64)>,
}

/// Reuse, counted.
#[derive(Debug)]
pub(super) struct Reuse {
    gaps: Tallied,
    zeros: u64,
    shared_seconds: u64,
    most_in_a_second: u64,
}

impl Reuse {
    pub(super) fn new() -> Self {
        Self { gaps: Tallied::new(), zeros: 0, shared_seconds: 0, most_in_a_second: 0 }
    }

    /// A request for an object that was seen so far as `seen`.
    pub(super) fn request(&mut self, time: i64, seen: &mut Seen) {
        let second = |time: i64| time.div_euclid(1_000_000_000);
        if seen.last == NEVER {
            seen.in_second = 1;
        } else {
            let gap = time.abs_diff(seen.last);
            self.zeros += u64::from(gap == 0);
            self.gaps.record(gap);
            let is_same = second(seen.last) == second(time);
            seen.in_second = if is_same { seen.in_second.saturating_add(1) } else { 1 };
        }
        self.shared_seconds += u64::from(seen.in_second == 2);
        self.most_in_a_second = self.most_in_a_second.max(u64::from(seen.in_second));
    }

    pub(super) fn profile(&self) -> ReuseProfile {
        ReuseProfile {
            gaps_s: self.gaps.spread(1e-9),
            zero_share: share(self.zeros, self.gaps.count()),
            shared_seconds: self.shared_seconds,
            most_in_a_second: self.most_in_a_second,
            curve_s: self.gaps.curve(1e-9),
        }
    }
}
