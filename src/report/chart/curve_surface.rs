//! The hit ratio of one strategy against the cache's limit, a line for some of its TTLs, with the error as a band.

use super::palette::Ink;
use super::panel::{BELOW, EndLabel, LEFT, Panel, end_labels};
use super::sample::Line;
use super::scale::Scale;
use super::svg::{ChartError, Hold, Sheet, Svg, WIDTH};
use crate::cache::Capacity;
use crate::report::format;
use crate::report::surface::{Titled, limit};
use crate::tune::Figure;

const HEIGHT: f64 = 340.0;
const TOP: f64 = 22.0;
const RIGHT: f64 = 130.0;
/// The inks of TTLs, the longest first; so many are drawn.
const INKS: [Ink; 5] = [Ink::S1, Ink::S2, Ink::S3, Ink::S4, Ink::Bound];

/// A limit as a number, and whether it is one in bytes.
fn number(capacity: Capacity) -> Option<(f64, bool)> {
    match capacity {
        Capacity::Unbounded => None,
        Capacity::Bytes(bytes) => Some((bytes as f64, true)),
        Capacity::Objects(objects) => Some((objects as f64, false)),
    }
}

/// Draws the chart.
pub(crate) fn draw(titled: &Titled) -> Result<Svg, ChartError> {
    let mut limits: Vec<(f64, bool, usize)> = Vec::new();
    for (row, (capacity, _)) in titled.rows().enumerate() {
        limits.extend(number(capacity).map(|(limit, in_bytes)| (limit, in_bytes, row)));
    }
    limits.sort_by(|a, b| a.0.total_cmp(&b.0));
    let in_bytes = limits.first().is_some_and(|first| first.1);
    if limits.len() < 2 || limits.iter().any(|limit| limit.1 != in_bytes) {
        return Err(ChartError::NoData("There are no two limits of one kind, so there is no curve"));
    }
    let hit = |row: usize, column: usize| titled.surface.row(row)[column].hit;
    let columns = chosen(titled.columns().len());
    let values: Vec<f64> = limits
        .iter()
        .flat_map(|limit| columns.iter().filter_map(move |column| hit(limit.2, *column).value))
        .collect();
    if values.is_empty() {
        return Err(ChartError::NoData("No request was scored, so there is no curve"));
    }
    let print = |limit: f64| if in_bytes { format::bytes(limit) } else { format::number(limit) };
    // Limits that were chosen by themselves are odd, so ticks stand at round ones.
    let (first, last) = (limits[0].0, limits[limits.len() - 1].0);
    let x = if in_bytes {
        Scale::bytes_by_logarithm(first, last)
    } else {
        Scale::counts_by_logarithm(first, last)
    };
    let y = Scale::shares(0.0);
    let sheet = Sheet::new(HEIGHT);
    sheet.text(0.0, 10.0, "hit ratio, % of requests", Hold::Left)?;
    let area = sheet.part(0.0, TOP, WIDTH - RIGHT, HEIGHT - TOP - 26.0);
    let mut panel = Panel::new(&area, &x, &y, true)?;
    let names = titled.columns();
    let mut labels = Vec::new();
    for (column, ink) in columns.iter().zip(INKS) {
        let of = |pick: fn(Figure) -> Option<f64>| -> Line {
            limits.iter().map(|limit| (limit.0, pick(hit(limit.2, *column)))).collect()
        };
        let line = of(|hit| hit.value);
        let low = of(|hit| Some((hit.value? - hit.error?).max(0.0)));
        let high = of(|hit| Some((hit.value? + hit.error?).min(1.0)));
        sheet.group(&[("data-k", &names[*column])], |sheet| {
            panel.band(&low, &high, ink, 0.2)?;
            panel.line(&line, ink, 1.8)?;
            for (at, value) in line.iter().filter_map(|(at, value)| Some((*at, (*value)?))) {
                let (at_x, at_y) = panel.at(at, value);
                let tip = format!("{}, {}: {}", names[*column], print(at), format::percent(value));
                sheet.with_tip(&tip, |sheet| sheet.marker(at_x, at_y, 3.0, ink, 1.0))?;
            }
            Ok(())
        })?;
        if let Some((at, value)) = line.iter().rev().find_map(|(at, value)| Some((*at, (*value)?))) {
            let (at_x, at_y) = panel.at(at, value);
            labels.push(EndLabel { at: (at_x + 4.0, at_y), text: names[*column].clone(), ink });
        }
    }
    end_labels(&sheet, labels, (TOP + 8.0, HEIGHT - 26.0 - BELOW), RIGHT)?;
    let axis = if in_bytes { "memory limit (logarithmic)" } else { "limit in objects (logarithmic)" };
    sheet.text(LEFT + (WIDTH - LEFT - RIGHT) / 2.0, HEIGHT - 12.0, axis, Hold::Middle)?;
    let (least, most) = (limits[0].2, limits[limits.len() - 1].2);
    let ends = [least, most].map(|row| (row, format::percent(hit(row, columns[0]).value)));
    let told = ends.map(|(row, hit)| format!("{hit} at {}", limit(titled.surface.capacities[row])));
    let finding =
        format!("Hit ratio against the limit; with TTL {}: {}.", names[columns[0]], told.join(", "));
    Ok(sheet.finish("capacity", "Hit ratio against capacity", finding))
}

/// Columns that are drawn, the last one first: all, or as many as there are inks, evenly apart.
fn chosen(columns: usize) -> Vec<usize> {
    let most = INKS.len().min(columns);
    let last = columns.saturating_sub(1);
    (0..most).map(|nth| last - if most > 1 { nth * last / (most - 1) } else { 0 }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_and_the_last_ttl_are_drawn_and_some_between() {
        assert_eq!(chosen(1), [0]);
        assert_eq!(chosen(3), [2, 1, 0]);
        assert_eq!(chosen(16), [15, 12, 8, 4, 0]);
    }
}
