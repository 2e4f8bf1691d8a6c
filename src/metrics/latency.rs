//! How long requests waited, by kind of outcome and by class.

use super::{ClassTotals, Latencies, Outcome, OutcomeKind, Tally, Waits};

/// Waits, of which one that comes again and again is counted apart: an origin of constant time, a timeout.
#[derive(Debug, Default)]
struct Row {
    waits: Waits,
    /// The wait that comes again and again, and how often it has come.
    usual: (u64, u64),
    /// The latest other one.
    other: u64,
}

impl Row {
    #[inline]
    fn record(&mut self, nanos: u64) {
        if nanos == self.usual.0 {
            self.usual.1 += 1;
        } else {
            self.record_other(nanos);
        }
    }

    fn record_other(&mut self, nanos: u64) {
        if nanos == self.other {
            let (usual, times) = std::mem::replace(&mut self.usual, (nanos, 1));
            self.waits.record(usual, times);
        } else {
            self.other = nanos;
            self.waits.record(nanos, 1);
        }
    }

    fn finish(mut self) -> Waits {
        let (usual, times) = self.usual;
        self.waits.record(usual, times);
        self.waits
    }
}

/// Records waits. Most requests do not wait at all; how many they are is known from the totals at the end.
#[derive(Debug)]
pub(super) struct LatencyRecorder {
    by_kind: [Option<Box<Row>>; OutcomeKind::ALL.len()],
    by_class: Vec<Option<Box<Row>>>,
}

impl LatencyRecorder {
    pub(super) fn new(classes: usize) -> Self {
        let by_class = (0..classes).map(|_| None).collect();
        Self { by_kind: [const { None }; OutcomeKind::ALL.len()], by_class }
    }

    /// Records an outcome that was waited for.
    #[inline]
    pub(super) fn observe(&mut self, outcome: &Outcome) {
        let kind = outcome.kind.index();
        for waits in [&mut self.by_kind[kind], &mut self.by_class[outcome.class.index()]] {
            waits.get_or_insert_default().record(outcome.wait.as_nanos());
        }
    }

    /// Closes the books; `classes` are the totals of the same requests.
    pub(super) fn finish(self, classes: &[ClassTotals]) -> Latencies {
        let closed = |row: Option<Box<Row>>, outcomes: u64| {
            let mut waits = row.map(|row| row.finish()).unwrap_or_default();
            waits.record(0, outcomes - waits.len());
            (!waits.is_empty()).then_some(waits)
        };
        let mut outcomes = Tally::default();
        classes.iter().for_each(|class| outcomes.merge(&class.outcomes));
        let mut by_kind = self.by_kind;
        let kinds: [Option<Waits>; OutcomeKind::ALL.len()] =
            std::array::from_fn(|kind| closed(by_kind[kind].take(), outcomes.counts()[kind]));
        let by_class = self.by_class.into_iter().zip(classes);
        let by_class = by_class.map(|(row, class)| closed(row, class.outcomes.total())).collect();
        let mut all = Waits::default();
        kinds.iter().flatten().for_each(|waits| all.merge(waits));
        Latencies { all, by_kind: kinds, by_class }
    }
}
