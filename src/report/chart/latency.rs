//! Waiting times by percentile: the percentile axis gives each further nine the same room, waits are logarithmic, and
//! waits of nothing have a strip of their own.

use super::palette::{Ink, ink_of};
use super::panel::{BELOW, EndLabel, LEFT, Panel, end_labels};
use super::sample::Line;
use super::scale::Scale;
use super::svg::{ChartError, Hold, Sheet, Svg, WIDTH};
use crate::record::{Cell, Percentiles};
use crate::report::format;
use crate::report::measure::P50;
use crate::report::reading::Reading;

const HEIGHT: f64 = 300.0;
const RIGHT: f64 = 176.0;
const MOST: usize = 8;

/// One line of the chart.
struct Curve {
    name: String,
    ink: Ink,
    line: Line,
}

/// Draws the chart: cells side by side above, kinds of outcome of the cell that the verdict names below.
pub(crate) fn draw(reading: &Reading) -> Result<Svg, ChartError> {
    let cells: Vec<&Cell> =
        reading.side_by_side(MOST).into_iter().filter(|cell| cell.latency_ms.p50.is_some()).collect();
    if cells.is_empty() {
        if let Some(why) = reading.untold_by_sample("waiting times", P50.key) {
            return Err(ChartError::Untold(why));
        }
        return Err(ChartError::NoData("No requests were scored, so nobody waited"));
    }
    let of_cell = |cell: &&Cell| Curve {
        name: reading.strategy(cell),
        ink: ink_of(reading, cell),
        line: line(&cell.latency_ms),
    };
    let by_cell: Vec<Curve> = cells.iter().map(of_cell).collect();
    let by_kind: Vec<Curve> = reading.focus().map(kinds).unwrap_or_default();
    let waits = || by_cell.iter().chain(&by_kind).flat_map(|curve| &curve.line).filter_map(|(_, wait)| *wait);
    let most = waits().fold(0.0, f64::max);
    if most <= 0.0 {
        return Err(ChartError::NoData("Nobody waited: every percentile up to 99.9 % is 0"));
    }
    let least = waits().filter(|wait| *wait > 0.0).fold(most, f64::min);
    let mut y = Scale::waits_by_logarithm(least, most);
    // The lowest tenth belongs to those who did not wait at all.
    let floor = y.low - (y.high - y.low) * 0.12;
    y.ticks.insert(0, (floor, "0".into()));
    y.low = floor;
    let sheet = Sheet::new(if by_kind.is_empty() { HEIGHT } else { 2.0 * HEIGHT });
    panel(&sheet, 0.0, "waiting time of all requests, by strategy", &by_cell, &y)?;
    if let (Some(cell), false) = (reading.focus(), by_kind.is_empty()) {
        let name = reading.names.strategy(cell, 50);
        panel(&sheet, HEIGHT, &format!("the same of {name}, by outcome"), &by_kind, &y)?;
    }
    let finding = format!(
        "Waiting times of {} cells at the 50th, 90th, 95th, 99th and 99.9th percentile, at most {}.",
        cells.len(),
        format::millis(most)
    );
    Ok(sheet.finish("latency", "Waiting time by percentile", finding))
}

/// The curves of one cell by kind of outcome, as far as anybody waited.
fn kinds(cell: &Cell) -> Vec<Curve> {
    const INKS: [Ink; 8] = [Ink::S2, Ink::S1, Ink::S3, Ink::S4, Ink::Text, Ink::G1, Ink::G2, Ink::G3];
    // A sample of the keys does not tell the longest wait.
    let longest = |waits: &Percentiles| waits.max.or(waits.p999);
    let waited =
        cell.latency_by_kind.iter().filter(|(_, waits)| longest(waits).is_some_and(|wait| wait > 0.0));
    let curve = |((kind, waits), ink): ((&String, &Percentiles), Ink)| {
        let name = match kind.strip_prefix("miss_") {
            Some(cause) => format!("{} miss", cause.replace('_', " ")),
            None => kind.replace('_', " "),
        };
        Curve { name, ink, line: line(waits) }
    };
    waited.zip(INKS).map(curve).collect()
}

fn line(waits: &Percentiles) -> Line {
    let places =
        [(0.5, waits.p50), (0.9, waits.p90), (0.95, waits.p95), (0.99, waits.p99), (0.999, waits.p999)];
    // Records of older versions have no p95: the line then goes on without.
    let known = places.into_iter().enumerate().filter(|(place, (_, wait))| wait.is_some() || *place != 2);
    known
        .map(|(_, (share, wait)): (usize, (f64, Option<f64>))| {
            (nines(share), wait.filter(|wait| wait.is_finite()))
        })
        .collect()
}

fn nines(share: f64) -> f64 {
    -(1.0 - share).log10()
}

fn panel(sheet: &Sheet, top: f64, title: &str, curves: &[Curve], y: &Scale) -> Result<(), ChartError> {
    let mut x = Scale::linear(3.0, format::number);
    x.low = 0.25;
    x.high = 3.05;
    x.ticks = [(0.5_f64, "50 %"), (0.9, "90 %"), (0.95, "95 %"), (0.99, "99 %"), (0.999, "99.9 %")]
        .map(|(share, label)| (nines(share), label.into()))
        .into();
    sheet.text(0.0, top + 10.0, title, Hold::Left)?;
    let area = sheet.part(0.0, top + 22.0, WIDTH - RIGHT, HEIGHT - 48.0);
    let mut panel = Panel::new(&area, &x, y, true)?;
    // Nothing is less than the floor of a logarithm; it is drawn on the strip's line.
    let shown = |wait: f64| if wait > 0.0 { wait } else { y.low.exp2() };
    for curve in curves.iter().rev() {
        let line: Line = curve.line.iter().map(|(at, wait)| (*at, wait.map(shown))).collect();
        sheet.group(&[("data-k", &curve.name)], |sheet| {
            panel.line(&line, curve.ink, if curve.ink == Ink::S1 { 2.2 } else { 1.6 })?;
            for ((share, wait), (_, real)) in line.iter().zip(&curve.line) {
                let Some(wait) = wait else { continue };
                let (x, y) = panel.at(*share, *wait);
                let tip = format!("{}: {}", curve.name, format::millis(*real));
                sheet.with_tip(&tip, |sheet| sheet.marker(x, y, 4.0, curve.ink, 1.0))?;
            }
            Ok(())
        })?;
    }
    let label = |curve: &Curve| {
        let (share, wait) = curve.line.iter().rev().find_map(|(share, wait)| Some((*share, (*wait)?)))?;
        let (x, y) = panel.at(share, shown(wait));
        Some(EndLabel { at: (x + 4.0, y), text: curve.name.clone(), ink: curve.ink })
    };
    let labels = curves.iter().filter_map(label).collect();
    end_labels(sheet, labels, (top + 30.0, top + HEIGHT - 48.0 - BELOW), RIGHT)?;
    let middle = LEFT + (WIDTH - LEFT - RIGHT) / 2.0;
    sheet.text(middle, top + HEIGHT - 12.0, "share of requests that wait no longer", Hold::Middle)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    #[test]
    fn kinds_whose_longest_wait_is_not_known_are_drawn() {
        let mut record = fixture::thumbnails();
        let kinds = record.cells.iter_mut().flat_map(|cell| cell.latency_by_kind.values_mut());
        kinds.for_each(|waits| waits.max = None);
        let svg = draw(&Reading::new(&record)).unwrap().inline();
        assert!(svg.contains("by outcome") && svg.contains("data-k=\"expired miss\""), "{svg}");
    }
}
