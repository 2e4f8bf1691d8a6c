//! What was found beside the cells: every limit of the fine curve, and limits under TTLs.

use super::{Table, Td};
use crate::report::curves::limit_of;
use crate::report::measure::Unit;
use crate::report::reading::Reading;
use crate::report::{beside, format};

const UNSCORED: &str = "no requests were scored";

/// Hits at every limit of the fine curve; `None` without one.
pub(in crate::report::html) fn curve(reading: &Reading) -> Option<Table> {
    let curve = beside::curve(reading.record)?;
    let mut heads = vec!["memory limit", "fresh hits#", "origin fetches/s#"];
    heads.extend((!curve.fresh_hit_error.is_empty()).then_some("hits within ±#"));
    let name = format::shortened(&curve.strategy, format::LONGEST_NAME);
    let mut table =
        Table::new("curve-table", format!("Fresh hits of {name} at every limit of the thin line"), &heads);
    for place in 0..curve.limits.len() {
        let mut cells = vec![
            Td::heading(limit_of(curve, place)),
            figure("curve/fresh_hit", &curve.fresh_hit, place, Unit::Share),
            figure("curve/origin_rate", &curve.origin_rate, place, Unit::Rate),
        ];
        if let Some(error) = curve.fresh_hit_error.get(place) {
            let told = figure("curve/fresh_hit_error", &curve.fresh_hit_error, place, Unit::Share);
            cells.push(Td { text: format::half_points(*error), ..told });
        }
        table.row(cells);
    }
    Some(table)
}

/// Hits, and fetches from the origin, by TTL and limit; none without a map.
pub(in crate::report::html) fn maps(reading: &Reading) -> Vec<Table> {
    let Some(map) = beside::map(reading.record) else { return Vec::new() };
    let name = format::shortened(&map.strategy, format::LONGEST_NAME);
    let of = |id, what: &str, field: &str, figures: &[Option<f64>], unit| {
        let limits = (0..map.limits.len()).map(|limit| format!("{}#", limit_of(map, limit)));
        let heads: Vec<String> = std::iter::once("TTL".to_owned()).chain(limits).collect();
        let mut table = Table::new(id, format!("{what} of {name} by TTL and memory limit"), &heads);
        for (ttl, seconds) in map.ttl_s.iter().enumerate() {
            let name = std::iter::once(Td::heading(format::duration(*seconds)));
            let value = |limit| figure(field, figures, map.place(limit, ttl), unit);
            table.row(name.chain((0..map.limits.len()).map(value)).collect());
        }
        table
    };
    vec![
        of("map-table", "Fresh hits", "map/fresh_hit", &map.fresh_hit, Unit::Share),
        of("map-origin-table", "Mean origin fetches", "map/origin_rate", &map.origin_rate, Unit::Rate),
    ]
}

fn figure(field: &str, figures: &[Option<f64>], place: usize, unit: Unit) -> Td {
    let value = figures.get(place).copied().flatten();
    Td { of: format!("/surface/{field}/{place}"), ..Td::number(value, unit).or(UNSCORED) }
}
