//! Hits against the cache's limit: one curve for each strategy and eviction policy, and where it bends.

use super::measure::FRESH_HIT;
use super::reading::{self, Reading};
use super::{beside, format};
use crate::record::{Capacity, Cell, Lattice};

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
    /// At this place of the fine curve of the same strategy.
    Fine(usize),
    /// In the largest limit, which holds all that it is given and is never filled: at the most that its cell held.
    Roomy,
    /// Not within the limits that were simulated.
    Beyond,
    /// Nothing can be said: data are missing.
    Unknown,
}

/// The curves of a record, those of the best cells first; empty where no strategy has two limits.
///
/// Limits in bytes and in objects cannot share an axis; where both occur, those in bytes are told.
pub(crate) fn curves<'a>(reading: &Reading<'a>) -> Vec<Curve<'a>> {
    let mut curves = lines_and_points(reading);
    curves.retain(|curve| curve.cells.len() > 1);
    curves
}

/// The same, and strategies that were played at one limit only.
pub(crate) fn lines_and_points<'a>(reading: &Reading<'a>) -> Vec<Curve<'a>> {
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
    curves
}

/// A curve that was found beside the cells, at many limits.
#[derive(Debug)]
pub(crate) struct Fine<'a> {
    /// What the record has.
    pub(crate) lattice: &'a Lattice,
    /// For each limit its place, the limit and the fresh hits.
    pub(crate) points: Vec<(usize, f64, f64)>,
}

/// The curve that was found beside the cells, where its limits are of their kind.
pub(crate) fn fine<'a>(reading: &Reading<'a>) -> Option<Fine<'a>> {
    let lattice = beside::curve(reading.record)?;
    let is_of_its_kind = |cell: &&Cell| match cell.capacity {
        Some(Capacity::Bytes(_)) => lattice.in_bytes,
        Some(Capacity::Objects(_)) => !lattice.in_bytes,
        None => false,
    };
    if !reading.ranked.iter().copied().any(|cell| is_of_its_kind(&cell)) {
        return None;
    }
    let points = lattice.limits.iter().zip(&lattice.fresh_hit).enumerate();
    let points: Vec<(usize, f64, f64)> = points
        .filter(|(_, (limit, _))| **limit > 0)
        .filter_map(|(place, (limit, hit))| Some((place, *limit as f64, hit.filter(|hit| hit.is_finite())?)))
        .collect();
    (points.len() > 1).then_some(Fine { lattice, points })
}

impl Fine<'_> {
    /// Whether it is of the strategy of this cell.
    pub(crate) fn is_of(&self, cell: &Cell) -> bool {
        cell.strategy == self.lattice.strategy && cell.eviction == self.lattice.eviction
    }

    /// A limit, written.
    pub(crate) fn limit(&self, place: usize) -> String {
        limit_of(self.lattice, place)
    }

    /// Half of the interval of the fresh hits at a place; `None` where they are exact.
    pub(crate) fn error(&self, place: usize) -> Option<f64> {
        self.lattice.fresh_hit_error.get(place).copied().flatten().filter(|error| error.is_finite())
    }

    /// How far it lies from a cell of its strategy at most; `None` where none has one of its limits.
    pub(crate) fn apart(&self, reading: &Reading) -> Option<f64> {
        let cells = reading.ranked.iter().filter(|cell| self.is_of(cell));
        let apart = cells.filter_map(|cell| {
            let (Capacity::Bytes(limit) | Capacity::Objects(limit)) = cell.capacity?;
            let (.., hit) = self.points.iter().find(|(place, ..)| self.lattice.limits[*place] == limit)?;
            Some((FRESH_HIT.of(cell)? - hit).abs())
        });
        apart.reduce(f64::max)
    }

    /// The least limit from which on no doubling adds [`WORTH_A_DOUBLING`], between limits by the line that joins them; what
    /// is left of the curve counts as the part of a doubling that it is.
    pub(crate) fn knee(&self) -> Knee {
        let (_, last, most) = self.points[self.points.len() - 1];
        let hits_at = |wanted: f64| {
            let after = self.points.partition_point(|(_, limit, _)| *limit < wanted);
            let after = after.min(self.points.len() - 1);
            let [(_, low, below), (_, high, above)] =
                [after.saturating_sub(1), after].map(|at| self.points[at]);
            if high > low {
                below + (above - below) * (wanted / low).log2() / (high / low).log2()
            } else {
                above
            }
        };
        let pays = |&(_, limit, hit): &(usize, f64, f64)| {
            let doublings = (last / limit).log2().min(1.0);
            let more = if doublings < 1.0 { most } else { hits_at(2.0 * limit) } - hit;
            // Of less than half a doubling the hits of single requests tell.
            (doublings >= 0.5).then_some(more / doublings >= WORTH_A_DOUBLING)
        };
        let told: Vec<bool> = self.points.iter().map_while(pays).collect();
        match told.iter().rposition(|pays| *pays) {
            _ if told.is_empty() => Knee::Unknown,
            None => Knee::Fine(self.points[0].0),
            Some(place) if place + 1 == told.len() => {
                // A limit that holds everything is where more memory ends to pay, or one that is nearly as good.
                let is_as_good = |(.., hit): &&(usize, f64, f64)| most - hit < WORTH_A_DOUBLING;
                let first = self.points.iter().skip(place + 1).find(is_as_good);
                first
                    .filter(|_| self.lattice.holds_all)
                    .map_or(Knee::Beyond, |(place, ..)| Knee::Fine(*place))
            }
            Some(place) => Knee::Fine(self.points[place + 1].0),
        }
    }
}

/// A limit of a lattice, written.
pub(crate) fn limit_of(lattice: &Lattice, place: usize) -> String {
    let limit = lattice.limits[place];
    if lattice.in_bytes {
        format::bytes(limit as f64)
    } else {
        reading::capacity(Some(Capacity::Objects(limit)))
    }
}

impl Curve<'_> {
    /// The cell with the largest limit.
    pub(crate) fn last(&self) -> &Cell {
        self.cells[self.cells.len() - 1].1
    }

    /// Where it stops paying, by the fine curve of its strategy where there is one; nothing where it is a point.
    pub(crate) fn stop(&self, fine: Option<&Fine>) -> Option<Knee> {
        // Cells know better than samples that are further off than what a knee is told by.
        let tells = |fine: &&Fine| {
            let off = beside::largest_error(fine.lattice).unwrap_or(0.0);
            self.cells.len() == 1 || off <= WORTH_A_DOUBLING / 2.0
        };
        match fine.filter(|fine| fine.is_of(self.cells[0].1)).filter(tells) {
            Some(fine) => Some(fine.knee()),
            None => (self.cells.len() > 1).then(|| self.knee()),
        }
    }

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
            Some(last) if last + 2 == hits.len() => {
                if is_roomy(self.cells[last + 1].1) {
                    Knee::Roomy
                } else {
                    Knee::Beyond
                }
            }
            Some(last) => Knee::At(last + 1),
        }
    }
}

/// Up to which share of its limit a cell counts as not filled.
const ROOMY: f64 = 0.9;

/// Whether a cell has room for all that it is given, and to spare: more of it changes nothing.
pub(crate) fn is_roomy(cell: &Cell) -> bool {
    let (Some(Capacity::Bytes(limit) | Capacity::Objects(limit)), Some(most)) = (cell.capacity, filled(cell))
    else {
        return false;
    };
    let is_refused = [cell.evicted, cell.out_of_memory, cell.too_large].iter().any(|count| *count > 0);
    most <= ROOMY * limit as f64 && !is_refused
}

/// The most that a cell held, in words: `68 MiB`.
pub(crate) fn most_held(cell: &Cell) -> String {
    match cell.capacity {
        Some(Capacity::Objects(_)) => reading::capacity(Some(Capacity::Objects(cell.entries.peak))),
        _ => format::bytes(filled(cell)),
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
        let knee = |peak_mib: u64, hit: f64, evicted: u64| {
            let mut cells: Vec<Cell> = [(4, 0.8), (32, 0.945), (1_024, hit)]
                .map(|(mib, hit)| fixture::cell("only", mib, hit, 1.0, 0.0))
                .into();
            cells[2].memory.peak_bytes = Some(peak_mib << 20);
            (cells[2].evicted, cells[2].too_large) = (evicted, 0);
            let record = fixture::record(cells);
            curves(&Reading::new(&record))[0].knee()
        };
        // From 32 MiB to 1 GiB are five doublings, and little more than half of one is used.
        assert_eq!(knee(47, 0.963, 1), Knee::Beyond, "what was evicted had no room");
        assert_eq!(knee(47, 0.963, 0), Knee::Roomy);
        assert_eq!(knee(47, 0.954, 0), Knee::At(1));
        assert_eq!(knee(1_024, 0.963, 0), Knee::At(1));
        assert_eq!(knee(20, 0.945, 0), Knee::At(1));
    }

    #[test]
    fn one_limit_is_no_curve() {
        let record = fixture::one_cell();
        assert!(curves(&Reading::new(&record)).is_empty());
    }

    #[test]
    fn the_knee_of_a_fine_curve_is_where_no_doubling_adds_a_point() {
        let told = |hit: fn(f64) -> f64, holds_all: bool| {
            let mut record = fixture::one_cell();
            let limits = fixture::limits(32, 8);
            let curve = Lattice {
                in_bytes: true,
                holds_all,
                fresh_hit: limits.iter().map(|limit| Some(hit((*limit >> 20) as f64))).collect(),
                limits,
                ..Lattice::default()
            };
            record.surface = Some(crate::record::Surface { curve, map: None });
            let reading = Reading::new(&record);
            let fine = fine(&reading).unwrap();
            match fine.knee() {
                Knee::Fine(place) => fine.limit(place),
                other => format!("{other:?}"),
            }
        };
        let (knee, all) = (|hit| told(hit, false), |hit| told(hit, true));
        assert_eq!(knee(|_| 0.9), "16 MiB");
        assert_eq!(knee(|mib| 0.4 + mib.log2() / 20.0), "Beyond");
        assert_eq!(all(|mib| 0.4 + mib.log2() / 20.0), "235 MiB", "the last holds everything");
        assert_eq!(knee(|mib| 0.3 + mib.min(64.0).log2() / 12.0), "64 MiB");
    }

    #[test]
    fn a_fine_curve_makes_points_of_the_cells_of_its_strategy() {
        let record = fixture::complete();
        let reading = Reading::new(&record);
        let fine = fine(&reading).unwrap();
        let (of, other): (Vec<_>, Vec<_>) =
            curves(&reading).into_iter().partition(|curve| fine.is_of(curve.cells[0].1));
        assert_eq!((of.len(), other.len()), (1, 3));
        assert!(matches!(of[0].stop(Some(&fine)), Some(Knee::Fine(_))));
        assert!(other.iter().all(|curve| curve.stop(Some(&fine)) == Some(curve.knee())));
        assert!(fine.apart(&reading).is_some_and(|apart| apart < 0.001), "it meets its cells");
        let mut rough = fixture::complete();
        let errors = &mut rough.surface.as_mut().unwrap().curve.fresh_hit_error;
        errors[0] = Some(0.02);
        let reading = Reading::new(&rough);
        let fine = super::fine(&reading).unwrap();
        let of = curves(&reading).into_iter().find(|curve| fine.is_of(curve.cells[0].1)).unwrap();
        assert_eq!(of.stop(Some(&fine)), Some(of.knee()), "cells know better than a rough sample");
    }
}
