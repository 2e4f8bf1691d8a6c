//! How long requests waited: histograms of high dynamic range.

use hdrhistogram::Histogram;

use super::{Latencies, Outcome, OutcomeKind};

/// Longest wait that is told apart, a day; longer ones count as a day.
const LONGEST_NS: u64 = 86_400_000_000_000;

/// Records waits. Most requests do not wait at all, so these are counted apart and added at the end.
#[derive(Debug, Default)]
pub(super) struct LatencyRecorder {
    by_kind: [Option<Box<Histogram<u64>>>; OutcomeKind::ALL.len()],
    no_wait: [u64; OutcomeKind::ALL.len()],
}

/// An empty histogram of waits in nanoseconds, to three digits up to a day; no wait at all stays zero.
pub(super) fn waits() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LONGEST_NS, 3).expect("these bounds are legal")
}

impl LatencyRecorder {
    pub(super) fn observe(&mut self, outcome: &Outcome) {
        let kind = outcome.kind.index();
        if outcome.wait.is_zero() {
            self.no_wait[kind] += 1;
        } else {
            let histogram = self.by_kind[kind].get_or_insert_with(|| Box::new(waits()));
            histogram.saturating_record(outcome.wait.as_nanos());
        }
    }

    pub(super) fn finish(self) -> Latencies {
        let mut all = waits();
        let by_kind = self.by_kind.into_iter().zip(self.no_wait).map(|(histogram, no_wait)| {
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
