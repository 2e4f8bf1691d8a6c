//! How long requests waited, by kind of outcome and by class.

use super::{ClassTotals, Latencies, Outcome, OutcomeKind, Waits};

/// Records waits. Most requests do not wait at all, so these are counted apart and added at the end.
#[derive(Debug)]
pub(super) struct LatencyRecorder {
    by_kind: [Option<Box<Waits>>; OutcomeKind::ALL.len()],
    by_class: Vec<Option<Box<Waits>>>,
    no_wait: [u64; OutcomeKind::ALL.len()],
}

impl LatencyRecorder {
    pub(super) fn new(classes: usize) -> Self {
        let by_class = (0..classes).map(|_| None).collect();
        Self { by_kind: [const { None }; OutcomeKind::ALL.len()], by_class, no_wait: Default::default() }
    }

    #[inline]
    pub(super) fn observe(&mut self, outcome: &Outcome) {
        let kind = outcome.kind.index();
        if outcome.wait.is_zero() {
            self.no_wait[kind] += 1;
        } else {
            for waits in [&mut self.by_kind[kind], &mut self.by_class[outcome.class.index()]] {
                waits.get_or_insert_default().record(outcome.wait.as_nanos(), 1);
            }
        }
    }

    /// Closes the books; `classes` are the totals of the same requests.
    pub(super) fn finish(self, classes: &[ClassTotals]) -> Latencies {
        let with = |waits: Option<Box<Waits>>, no_wait: u64| {
            let mut waits = waits.map(|waits| *waits).unwrap_or_default();
            waits.record(0, no_wait);
            (!waits.is_empty()).then_some(waits)
        };
        let mut by_kind = self.by_kind;
        let kinds: [Option<Waits>; OutcomeKind::ALL.len()] =
            std::array::from_fn(|kind| with(by_kind[kind].take(), self.no_wait[kind]));
        let by_class = self.by_class.into_iter().zip(classes).map(|(waits, class)| {
            let waited = waits.as_ref().map_or(0, |waits| waits.len());
            with(waits, class.outcomes.total() - waited)
        });
        let by_class = by_class.collect();
        let mut all = Waits::default();
        kinds.iter().flatten().for_each(|waits| all.merge(waits));
        Latencies { all, by_kind: kinds, by_class }
    }
}
