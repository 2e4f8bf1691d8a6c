//! Hits against the cache's limit: one curve for each strategy and eviction policy, and where it bends.

use super::measure::FRESH_HIT;
use super::reading::Reading;
use crate::record::{Capacity, Cell};

/// A curve stops paying where no doubling of the limit adds more than this share of fresh hits.
pub(crate) const WORTH_A_DOUBLING: f64 = 0.01;

/// One strategy under one eviction policy, at several limits.
#[derive(Debug)]
pub(crate) struct Curve<'a> {
    /// The strategy, and its eviction policy where several are compared.
    pub(crate) name: String,
    /// Limits and cells, the smallest limit first; at least two.
    pub(crate) cells: Vec<(f64, &'a Cell)>,
}

/// Where a curve stops paying.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Knee {
    /// At this place of the curve: every doubling beyond adds less than a point.
    At(usize),
    /// Not within the limits that were simulated.
    Beyond,
    /// Nothing can be said: data are missing.
    Unknown,
}

/// The curves of a record, those of the best cells first; empty where no strategy has two limits.
///
/// Limits in bytes and in objects cannot share an axis; where both occur, those in bytes are told.
pub(crate) fn curves<'a>(reading: &Reading<'a>) -> Vec<Curve<'a>> {
    let all = || reading.ranked.iter().chain(&reading.bounds).copied();
    let in_bytes = all().any(|cell| matches!(cell.capacity, Some(Capacity::Bytes(_))));
    let limit = |cell: &Cell| match cell.capacity {
        Some(Capacity::Bytes(bytes)) if in_bytes => Some(bytes as f64),
        Some(Capacity::Objects(objects)) if !in_bytes => Some(objects as f64),
        _ => None,
    };
    let mut curves: Vec<Curve> = Vec::new();
    for cell in all() {
        let Some(limit) = limit(cell) else { continue };
        let same = |curve: &&mut Curve| {
            curve.cells[0].1.strategy == cell.strategy && curve.cells[0].1.eviction == cell.eviction
        };
        if let Some(curve) = curves.iter_mut().find(same) {
            curve.cells.push((limit, cell));
            continue;
        }
        curves.push(Curve { name: reading.strategy(cell), cells: vec![(limit, cell)] });
    }
    for curve in &mut curves {
        curve.cells.sort_by(|a, b| a.0.total_cmp(&b.0));
        curve.cells.dedup_by(|a, b| a.0.total_cmp(&b.0).is_eq());
    }
    curves.retain(|curve| curve.cells.len() > 1);
    curves
}

impl Curve<'_> {
    /// The least limit from which on every doubling adds less than [`WORTH_A_DOUBLING`]. A limit that is never reached
    /// counts as far as it was filled, and as one doubling at least, if it is one: all that more memory can give is there.
    pub(crate) fn knee(&self) -> Knee {
        let hits: Option<Vec<f64>> = self.cells.iter().map(|(_, cell)| FRESH_HIT.of(cell)).collect();
        let Some(hits) = hits else { return Knee::Unknown };
        let pays = |at: usize| {
            let ((smaller, _), (larger, cell)) = (self.cells[at], self.cells[at + 1]);
            let written = (larger / smaller).log2();
            let filled = filled(cell).map_or(written, |most| (most / smaller).log2());
            (hits[at + 1] - hits[at]) / filled.max(1.0).min(written) >= WORTH_A_DOUBLING
        };
        match (0..hits.len() - 1).rev().find(|at| pays(*at)) {
            None => Knee::At(0),
            Some(last) if last + 2 == hits.len() => Knee::Beyond,
            Some(last) => Knee::At(last + 1),
        }
    }
}

/// The most that a cell held, in the unit of its limit.
fn filled(cell: &Cell) -> Option<f64> {
    match cell.capacity? {
        Capacity::Bytes(_) => cell.memory.peak_bytes.map(|bytes| bytes as f64),
        Capacity::Objects(_) => Some(cell.entries.peak as f64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    fn knee_of(hits: &[(u64, f64)]) -> Knee {
        let cells = hits.iter().map(|&(mib, hit)| fixture::cell("only", mib, hit, 1.0, 0.0)).collect();
        let record = fixture::record(cells);
        curves(&Reading::new(&record))[0].knee()
    }

    #[test]
    fn the_knee_is_where_doublings_stop_paying() {
        assert_eq!(knee_of(&[(64, 0.5), (128, 0.7), (256, 0.705), (512, 0.709)]), Knee::At(1));
        assert_eq!(knee_of(&[(64, 0.5), (128, 0.7), (256, 0.8)]), Knee::Beyond);
        assert_eq!(knee_of(&[(64, 0.9), (128, 0.9)]), Knee::At(0));
        // Four times the memory for a point and a half: less than a point a doubling.
        assert_eq!(knee_of(&[(64, 0.9), (256, 0.915)]), Knee::At(0));
    }

    #[test]
    fn memory_that_is_never_filled_is_no_doubling() {
        let knee = |peak_mib: u64, hit: f64| {
            let mut cells: Vec<Cell> = [(4, 0.8), (32, 0.945), (1_024, hit)]
                .map(|(mib, hit)| fixture::cell("only", mib, hit, 1.0, 0.0))
                .into();
            cells[2].memory.peak_bytes = Some(peak_mib << 20);
            let record = fixture::record(cells);
            curves(&Reading::new(&record))[0].knee()
        };
        // From 32 MiB to 1 GiB are five doublings, and little more than half of one is used.
        assert_eq!(knee(47, 0.963), Knee::Beyond);
        assert_eq!(knee(47, 0.954), Knee::At(1));
        assert_eq!(knee(1_024, 0.963), Knee::At(1));
        assert_eq!(knee(20, 0.945), Knee::At(1));
    }

    #[test]
    fn one_limit_is_no_curve() {
        let record = fixture::one_cell();
        assert!(curves(&Reading::new(&record)).is_empty());
    }
}
