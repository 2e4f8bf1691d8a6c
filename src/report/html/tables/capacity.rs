//! Hits against the limit, with the knee of each curve; and the peaks of the origin beside them.

use super::super::grid::{Table, Td};
use crate::record::Cell;
use crate::report::curves::{Curve, Knee, curves, fine, most_held};
use crate::report::format;
use crate::report::measure::{FRESH_HIT, Measure, PEAK_ORIGIN_RATE};
use crate::report::reading::{self, Reading};

/// Fresh hits of every strategy at every limit; `None` where no strategy has two limits.
pub(in crate::report::html) fn capacity(reading: &Reading) -> Option<Table> {
    let curves = curves(reading);
    let mut table = by_limit(reading, &curves, "capacity-table", "Fresh hits by memory limit", &FRESH_HIT)?;
    table.heads.push(super::super::grid::Head { text: "stops paying at".into(), ..Default::default() });
    let fine = fine(reading);
    for (row, curve) in table.rows.iter_mut().zip(&curves) {
        row.cells.push(
            Td::text(match curve.stop(fine.as_ref()).unwrap_or(Knee::Unknown) {
                Knee::Fine(place) => fine.iter().map(|fine| fine.limit(place)).collect(),
                Knee::At(place) => reading::capacity(curve.cells[place].1.capacity),
                Knee::Roomy => format!(
                    "{} ({} is never filled)",
                    most_held(curve.last()),
                    reading::capacity(curve.last().capacity)
                ),
                Knee::Beyond => "not within these limits".into(),
                Knee::Unknown => format::NONE.into(),
            })
            .or("data are missing at some limits"),
        );
    }
    Some(table)
}

/// The origin's busiest second of every strategy at every limit; `None` where no strategy has two limits.
pub(in crate::report::html) fn heat(reading: &Reading) -> Option<Table> {
    let title = "Origin fetches in the busiest second by memory limit";
    by_limit(reading, &curves(reading), "heat-table", title, &PEAK_ORIGIN_RATE)
}

fn by_limit(
    reading: &Reading,
    curves: &[Curve],
    id: &'static str,
    caption: &str,
    measure: &'static Measure,
) -> Option<Table> {
    let mut limits: Vec<(f64, &Cell)> = Vec::new();
    for (limit, cell) in curves.iter().flat_map(|curve| &curve.cells) {
        if !limits.iter().any(|(other, _)| (other - limit).abs() < 0.5) {
            limits.push((*limit, cell));
        }
    }
    limits.sort_by(|a, b| a.0.total_cmp(&b.0));
    let heads = limits.iter().map(|(_, cell)| format!("{}#", reading::capacity(cell.capacity)));
    let columns: Vec<String> = std::iter::once("strategy".to_owned()).chain(heads).collect();
    let mut table = Table::new(id, caption, &columns);
    for curve in curves {
        let cell_at = |wanted: f64| curve.cells.iter().find(|(limit, _)| (limit - wanted).abs() < 0.5);
        let value = |(wanted, _): &(f64, &Cell)| match cell_at(*wanted) {
            Some((_, cell)) => Td {
                of: format!("{}{}", reading.pointer(cell), measure.path),
                ..Td::number(measure.of(cell), measure.unit)
                    .or(reading.why_unknown(cell, measure).unwrap_or_default())
            },
            None => Td::number(None, measure.unit).or("not played at that limit"),
        };
        let name = std::iter::once(Td::heading(curve.name.clone()));
        table.row(name.chain(limits.iter().map(value)).collect());
    }
    (!curves.is_empty()).then_some(table)
}
