//! What application-side sweeps did and cost.

use super::{Sweep, SweepTotals};

/// Records the sweeps of the scored window.
#[derive(Debug, Default)]
pub(super) struct SweepRecorder {
    totals: SweepTotals,
    set_bytes: u64,
}

impl SweepRecorder {
    pub(super) fn swept(&mut self, sweep: &Sweep) {
        let Sweep { members, ghosts, removed, excess_entries, excess_bytes, set_bytes, .. } = *sweep;
        let totals = &mut self.totals;
        totals.count += 1;
        totals.removed += removed;
        totals.peak_members = totals.peak_members.max(members);
        totals.peak_ghosts = totals.peak_ghosts.max(ghosts);
        totals.final_ghosts = ghosts;
        totals.peak_excess_entries = totals.peak_excess_entries.max(excess_entries);
        totals.peak_excess_bytes = totals.peak_excess_bytes.max(excess_bytes);
        totals.peak_set_bytes = totals.peak_set_bytes.max(set_bytes);
        self.set_bytes += set_bytes;
    }

    pub(super) fn finish(self) -> Option<SweepTotals> {
        let count = self.totals.count;
        (count > 0)
            .then(|| SweepTotals { mean_set_bytes: self.set_bytes as f64 / count as f64, ..self.totals })
    }
}
