//! How long requests waited: histograms of high dynamic range.

use hdrhistogram::Histogram;

use super::{Latencies, Outcome, OutcomeKind, Tally};

/// Longest wait that is told apart, a day; longer ones count as a day.
const LONGEST_NS: u64 = 86_400_000_000_000;

/// Records waits. Most requests do not wait at all: who did not follows at the end from how many there were.
#[derive(Debug, Default)]
pub(super) struct LatencyRecorder {
    by_kind: [Option<Box<Histogram<u64>>>; OutcomeKind::ALL.len()],
}

/// An empty histogram of waits in nanoseconds, to three digits up to a day; no wait at all stays zero.
pub(super) fn waits() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LONGEST_NS, 3).expect("these bounds are legal")
}

impl LatencyRecorder {
    #[inline]
    pub(super) fn observe(&mut self, outcome: &Outcome) {
        if !outcome.wait.is_zero() {
            let histogram = self.by_kind[outcome.kind.index()].get_or_insert_with(|| Box::new(waits()));
            histogram.saturating_record(outcome.wait.as_nanos());
        }
    }

    /// The waits of all outcomes, of which there were so many of each kind.
    pub(super) fn finish(self, outcomes: &Tally) -> Latencies {
        let mut all = waits();
        let by_kind = self.by_kind.into_iter().zip(outcomes.counts()).map(|(histogram, count)| {
            let waited = histogram.as_ref().map_or(0, |histogram| histogram.len());
            let no_wait = count - waited;
            let mut histogram = match histogram {
                Some(histogram) => *histogram,
                None if no_wait == 0 => return None,
                None => waits(),
            };
            histogram.saturating_record_n(0, no_wait);
            all.add(&histogram).expect("histograms of the same bounds add up");
            Some(histogram)
        });
        let by_kind: Vec<_> = by_kind.collect();
        Latencies { all, by_kind: by_kind.try_into().expect("one histogram per kind") }
    }
}
