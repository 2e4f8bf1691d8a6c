//! Which rates are tried, whether each is kept, and what a search comes to.

use serde::Serialize;

/// From here on the harness is too slow to say anything about the server: a tick of its timer is a millisecond.
const LATE: f64 = 0.005;

/// The same as a part of what the 99th percentile must not exceed, where that is short.
const LATE_PART: f64 = 0.2;

/// Whether a rate is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kept {
    /// The percentile is within the limit.
    Yes,
    /// It is not.
    TooSlow,
    /// The harness could not send that fast, so nothing is known of the server.
    ClientLimited,
}

/// One rate that was tried.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Step {
    /// Reads a second that were meant to start.
    pub offered: f64,
    /// Reads a second that were answered.
    pub answered: f64,
    /// Reads that were answered.
    pub reads: u64,
    /// Reads among them that found no value.
    pub missing: u64,
    /// Half of the waits are not longer, in seconds.
    pub p50_s: f64,
    /// 99 of 100 are not longer.
    pub p99_s: f64,
    /// 99 of 100 reads were not started later than this.
    pub late_p99_s: f64,
    /// Whether it held.
    pub kept: Kept,
}

/// What keeps the highest rate from being higher.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LimitedBy {
    /// At a higher rate the server was too slow.
    Server,
    /// At a higher rate the harness was: the server may be faster.
    Harness,
    /// No higher rate was allowed: the server may be faster.
    MaxRate,
}

/// What a search came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Search {
    /// The rates that were tried, in their order.
    pub steps: Vec<Step>,
    /// The highest rate that was allowed, in reads a second.
    pub most: f64,
    /// Whether the user stopped it before its end.
    pub is_stopped: bool,
    /// Why it broke off before its end, if it did: the rates that were tried before are worth as much as ever.
    pub broken: Option<String>,
    /// What the reader must know.
    pub warnings: Vec<String>,
    /// Whether its keys are removed. A warning says which are not.
    pub is_tidy: bool,
}

impl Search {
    /// The highest rate among those that held, in reads a second; `None` if none did.
    pub fn highest(&self) -> Option<f64> {
        highest(&self.steps)
    }

    /// What is known of higher rates; `None` where the search was stopped before it knew.
    pub fn limited_by(&self) -> Option<LimitedBy> {
        match (self.highest(), failed(&self.steps)) {
            (_, Some(step)) if step.kept == Kept::ClientLimited => Some(LimitedBy::Harness),
            (_, Some(_)) => Some(LimitedBy::Server),
            (Some(held), None) if held >= self.most => Some(LimitedBy::MaxRate),
            (_, None) => None,
        }
    }
}

/// The highest rate among those that held; `None` if none did.
fn highest(steps: &[Step]) -> Option<f64> {
    steps.iter().filter(|step| step.kept == Kept::Yes).map(|step| step.offered).reduce(f64::max)
}

/// The step with the lowest rate among those that did not hold, not even when they were tried again.
fn failed(steps: &[Step]) -> Option<&Step> {
    let held =
        |rate: f64| steps.iter().any(|step| step.kept == Kept::Yes && step.offered.total_cmp(&rate).is_eq());
    steps
        .iter()
        .filter(|step| step.kept != Kept::Yes && !held(step.offered))
        .min_by(|one, other| one.offered.total_cmp(&other.offered))
}

/// The next rate to try, no lower than `least`; `None` when the highest one is known to a tenth.
pub(super) fn next(steps: &[Step], first: f64, [least, most]: [f64; 2]) -> Option<f64> {
    // A harness that was late once may have been kept from the processor by somebody else: a second time tells.
    if let [before @ .., last] = steps
        && last.kept == Kept::ClientLimited
        && before.iter().all(|step| step.offered.total_cmp(&last.offered).is_ne())
    {
        return Some(last.offered);
    }
    let first = first.max(least).min(most);
    match (highest(steps), failed(steps).map(|step| step.offered)) {
        (None, None) => Some(first),
        (Some(held), None) if held >= most => None,
        (Some(held), None) => Some((held * 1.5).min(most)),
        (Some(held), Some(failed)) => (failed / held > 1.1).then(|| (held * failed).sqrt()),
        // Not even the first one: a tenth of it, and a hundredth, and no more.
        (None, Some(failed)) => {
            (failed > first / 50.0).then_some(failed / 10.0).filter(|rate| *rate >= least)
        }
    }
}

/// Whether a rate is kept whose reads waited and were begun late by so much, the 99th percentile of each, in seconds; and
/// `is_lost` where the server did not answer at all.
pub(super) fn kept(is_lost: bool, p99_s: f64, late_p99_s: f64, most_s: f64) -> Kept {
    match () {
        () if late_p99_s > LATE => Kept::ClientLimited,
        () if is_lost => Kept::TooSlow,
        () if p99_s <= most_s => Kept::Yes,
        // Without what the harness was late by, the server might have kept it.
        () if late_p99_s > LATE_PART * most_s || p99_s - late_p99_s <= most_s => Kept::ClientLimited,
        () => Kept::TooSlow,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(offered: f64, kept: Kept) -> Step {
        Step {
            offered,
            answered: offered,
            reads: 1,
            missing: 0,
            p50_s: 0.0,
            p99_s: 0.0,
            late_p99_s: 0.0,
            kept,
        }
    }

    /// Tries rates on a server that keeps up to `limit`.
    fn found(limit: f64, first: f64, most: f64) -> Search {
        let mut steps = Vec::new();
        while let Some(offered) = next(&steps, first, [0.0, most]) {
            steps.push(step(offered, if offered <= limit { Kept::Yes } else { Kept::TooSlow }));
            assert!(steps.len() < 40, "it does not end");
        }
        Search { steps, most, is_stopped: false, broken: None, warnings: Vec::new(), is_tidy: true }
    }

    #[test]
    fn the_highest_rate_is_found_to_a_tenth() {
        for limit in [900.0, 1_000.0, 7_777.0, 61_234.0] {
            let search = found(limit, 1_000.0, 1e9);
            let highest = search.highest().unwrap();
            assert!(highest <= limit && highest * 1.11 > limit, "{highest} of {limit}");
            assert!(search.steps.len() < 20, "{} steps", search.steps.len());
            assert_eq!(search.limited_by(), Some(LimitedBy::Server));
        }
        let slow = found(1.0, 1_000.0, 1e9);
        assert_eq!(
            (slow.highest(), slow.limited_by()),
            (None, Some(LimitedBy::Server)),
            "too slow for anything"
        );
        assert_eq!(found(3.0, 1_000.0, 300.0).highest(), Some(3.0), "a hundredth of what is allowed");
    }

    #[test]
    fn what_the_harness_was_late_by_is_not_blamed_on_the_server() {
        for (lost, p99, late, most, want) in [
            (false, 0.004, 0.000_1, 0.005, Kept::Yes),
            (false, 0.006, 0.000_1, 0.005, Kept::TooSlow),
            (false, 0.000_9, 0.000_8, 0.001, Kept::Yes),
            // 4.5 ms, 4.3 of which before the read began; 5.1 ms, 4.9 of which likewise; 1.2 ms with 0.1 too many.
            (false, 0.004_5, 0.004_3, 0.001, Kept::ClientLimited),
            (false, 0.005_1, 0.004_9, 0.005, Kept::ClientLimited),
            (false, 0.001_2, 0.000_25, 0.001, Kept::ClientLimited),
            (false, 0.040, 0.006, 0.050, Kept::ClientLimited),
            (true, 0.001, 0.000_1, 0.005, Kept::TooSlow),
        ] {
            assert_eq!(kept(lost, p99, late, most), want, "{p99} s, {late} s late, {most} s allowed");
        }
    }

    #[test]
    fn no_rate_is_tried_whose_percentile_would_be_a_single_read() {
        let slow = step(1_000.0, Kept::TooSlow);
        assert_eq!(next(&[slow], 1_000.0, [0.0, 1e9]), Some(100.0));
        assert_eq!(next(&[slow], 1_000.0, [100.0, 1e9]), Some(100.0));
        assert_eq!(next(&[slow], 1_000.0, [101.0, 1e9]), None);
        assert_eq!(next(&[], 10.0, [20.0, 1e9]), Some(20.0), "the first one, too");
    }

    #[test]
    fn what_was_not_allowed_is_no_limit_of_the_server() {
        for most in [500.0, 1_000.0, 20_000.0] {
            let search = found(1e9, 1_000.0, most);
            assert_eq!((search.highest(), search.limited_by()), (Some(most), Some(LimitedBy::MaxRate)));
        }
        let steps =
            vec![step(1_000.0, Kept::Yes), step(1_500.0, Kept::ClientLimited), step(2_000.0, Kept::TooSlow)];
        let search = Search { steps, ..found(1.0, 1.0, 1e4) };
        assert_eq!(search.limited_by(), Some(LimitedBy::Harness), "the lowest rate that did not hold tells");
        let again = |kept| {
            let steps =
                vec![step(1_000.0, Kept::Yes), step(1_500.0, Kept::ClientLimited), step(1_500.0, kept)];
            (next(&steps, 1_000.0, [0.0, 1e9]), Search { steps, ..found(1.0, 1.0, 1e9) }.limited_by())
        };
        assert_eq!(
            next(&[step(1_000.0, Kept::ClientLimited)], 1_000.0, [0.0, 1e9]),
            Some(1_000.0),
            "once more"
        );
        assert_eq!(again(Kept::Yes), (Some(2_250.0), None), "it was chance");
        assert_eq!(again(Kept::ClientLimited).1, Some(LimitedBy::Harness));
        assert!(again(Kept::ClientLimited).0.is_some_and(|rate| rate < 1_500.0), "it goes on below");
        let stopped = Search { steps: search.steps[..1].to_vec(), ..search };
        assert_eq!(stopped.limited_by(), None, "nobody knows");
    }
}
