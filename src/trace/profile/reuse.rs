//! How soon an object is asked for again: what decides which TTL is long enough.

use serde::Serialize;

use super::quantile::Spread;
use super::{Recorded, share};
use crate::trace::Trace;

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
}

/// No request yet.
const NEVER: i64 = i64::MIN;

pub(super) fn reuse(trace: &Trace, recorded: &Recorded) -> ReuseProfile {
    // The last request for each object, its second, and how many there were in it.
    let mut last = vec![(NEVER, NEVER, 0_u64); trace.objects().len()];
    let mut gaps = Vec::new();
    let (mut zeros, mut shared_seconds, mut most_in_a_second) = (0, 0, 0);
    for (&time, object) in recorded.times.iter().zip(trace.object_ids()) {
        let (before, second, count) = &mut last[object.index()];
        if *before != NEVER {
            let gap = time.abs_diff(*before);
            zeros += u64::from(gap == 0);
            gaps.push(gap);
        }
        let this_second = time.div_euclid(1_000_000_000);
        *count = if *second == this_second { *count + 1 } else { 1 };
        shared_seconds += u64::from(*count == 2);
        most_in_a_second = most_in_a_second.max(*count);
        (*before, *second) = (time, this_second);
    }
    ReuseProfile {
        zero_share: share(zeros, gaps.len() as u64),
        gaps_s: Spread::of(gaps, 1e-9),
        shared_seconds,
        most_in_a_second,
    }
}
