//! Hit ratio against the cache's limit: where more memory stops paying.

use super::palette::{Ink, ink_of};
use super::panel::{BELOW, EndLabel, LEFT, Panel, end_labels};
use super::sample::Line;
use super::scale::Scale;
use super::svg::{ChartError, Hold, Sheet, Svg, WIDTH};
use crate::record::{Capacity, Estimate};
use crate::report::curves::{Curve, Knee, curves};
use crate::report::format;
use crate::report::measure::FRESH_HIT;
use crate::report::reading::{self, Reading};

const HEIGHT: f64 = 380.0;
const TOP: f64 = 22.0;
const RIGHT: f64 = 176.0;
/// Curves drawn at most; all of them stand in the table.
const MOST: usize = 12;
/// Of these bounds, where there are so many.
const BOUNDS_AT_LEAST: usize = 2;
/// Curves named at their ends at most.
const NAMED: usize = 8;

/// What is said of bounds where the chart has some.
const BOUNDS: &str = "Dotted grey curves are bounds that no real cache reaches.";
/// What is said where it has none.
const NO_BOUNDS: &str = "There is no bound beside the curves: eviction = [\"lru\", \"belady\", \"infinite\"] in \
                         [cache], with your own policy first, adds one that knows the future and one without limit.";

/// What is said where it can have none.
const NO_BOUNDS_MEASURED: &str = "There is no bound beside the curves, for no server can be one; ttlab run of the same \
                                  scenario adds one with eviction = [\"lru\", \"belady\", \"infinite\"] in [cache].";

/// The curves that are drawn: those of the best cells, of the baseline, and bounds.
fn drawn<'c, 'a>(all: &'c [Curve<'a>]) -> Vec<&'c Curve<'a>> {
    let (bounds, contenders): (Vec<&Curve>, Vec<&Curve>) =
        all.iter().partition(|curve| curve.cells[0].1.oracle);
    let most = MOST - bounds.len().min(BOUNDS_AT_LEAST);
    let mut curves: Vec<&Curve> = contenders.iter().take(most).copied().collect();
    // All is told against the baseline, so it is never left out.
    if let Some(baseline) = contenders.iter().skip(most).find(|curve| curve.cells[0].1.baseline) {
        curves.pop();
        curves.push(baseline);
    }
    let left = MOST - curves.len();
    curves.extend(bounds.into_iter().take(left));
    curves
}

/// Draws the chart; the second text tells of bounds.
pub(crate) fn draw(reading: &Reading) -> Result<(Svg, String), ChartError> {
    let all = curves(reading);
    let curves = drawn(&all);
    if curves.is_empty() {
        return Err(ChartError::NoData(if reading.record.source.is_simulation() {
            "Every strategy was simulated at one limit only, so there is no curve; write several, as in \
             capacity = [\"64MiB\", \"256MiB\"]"
        } else {
            "Every strategy was played at one limit only, so there is no curve; write several, as in \
             capacity = [\"64MiB\", \"256MiB\"]"
        }));
    }
    let limits: Vec<f64> = curves.iter().flat_map(|curve| &curve.cells).map(|(limit, _)| *limit).collect();
    let hits = || curves.iter().flat_map(|curve| &curve.cells).filter_map(|(_, cell)| FRESH_HIT.of(cell));
    if hits().next().is_none() {
        return Err(ChartError::NoData("No requests were scored, so there are no hits to draw"));
    }
    let in_bytes = matches!(curves[0].cells[0].1.capacity, Some(Capacity::Bytes(_)));
    let print = |limit: f64| if in_bytes { format::bytes(limit) } else { format::number(limit) };
    let x = Scale::of_values(&limits, 0.13, print);
    let least = hits().fold(1.0, f64::min);
    let y = Scale::shares(if least >= 0.3 { ((least * 10.0 - 0.2).floor() / 10.0).max(0.0) } else { 0.0 });
    let sheet = Sheet::new(HEIGHT);
    sheet.text(0.0, 10.0, "fresh hits, % of requests", Hold::Left)?;
    let area = sheet.part(0.0, TOP, WIDTH - RIGHT, HEIGHT - TOP - 26.0);
    let mut panel = Panel::new(&area, &x, &y, true)?;
    // Grey ones first, the best last: what matters lies on top.
    let (grey, hued): (Vec<&&Curve>, Vec<&&Curve>) =
        curves.iter().rev().partition(|curve| ink_of(reading, curve.cells[0].1) == Ink::Bound);
    for curve in grey.into_iter().chain(hued) {
        // Ribbons of many grey curves on top of each other would tell of none.
        let ribbon = named(reading, curve, curves.len());
        one(&sheet, &mut panel, reading, curve, ribbon)?;
    }
    let label = |curve: &&Curve| {
        let (limit, cell) = curve.cells.iter().rev().find(|(_, cell)| FRESH_HIT.of(cell).is_some())?;
        let (x, y) = panel.at(*limit, FRESH_HIT.of(cell)?);
        Some(EndLabel { at: (x + 4.0, y), text: curve.name.clone(), ink: ink_of(reading, cell) })
    };
    let labels = curves.iter().filter(|curve| named(reading, curve, curves.len())).filter_map(label);
    end_labels(&sheet, labels.take(NAMED).collect(), (TOP + 8.0, HEIGHT - 26.0 - BELOW), RIGHT)?;
    let axis = if in_bytes { "memory limit (logarithmic)" } else { "limit in objects (logarithmic)" };
    sheet.text(LEFT + (WIDTH - LEFT - RIGHT) / 2.0, HEIGHT - 12.0, axis, Hold::Middle)?;
    let bounds = curves.iter().any(|curve| curve.cells[0].1.oracle);
    let svg = sheet.finish("capacity", "Hit ratio against capacity", finding(reading, &curves));
    let note = match (bounds, reading.record.source.is_simulation()) {
        (true, _) => BOUNDS,
        (false, true) => NO_BOUNDS,
        (false, false) => NO_BOUNDS_MEASURED,
    };
    Ok((svg, note.to_owned()))
}

/// With many curves only those that have a hue of their own are named beside the drawing.
fn named(reading: &Reading, curve: &Curve, of: usize) -> bool {
    of <= NAMED || ink_of(reading, curve.cells[0].1) != Ink::Bound
}

fn one(
    sheet: &Sheet,
    panel: &mut Panel,
    reading: &Reading,
    curve: &Curve,
    ribbon: bool,
) -> Result<(), ChartError> {
    let ink = ink_of(reading, curve.cells[0].1);
    let of = |pick: fn(&Estimate) -> Option<f64>| -> Line {
        let value = |cell: &crate::record::Cell| {
            FRESH_HIT.of(cell).and_then(|_| pick(&cell.ratios.fresh_hit)).filter(|hit| hit.is_finite())
        };
        curve.cells.iter().map(|(limit, cell)| (*limit, value(cell))).collect()
    };
    let line = of(|hit| hit.mean);
    sheet.group(&[("data-k", &curve.name)], |sheet| {
        if ribbon {
            panel.band(&of(|hit| hit.low), &of(|hit| hit.high), ink, 0.2)?;
        }
        panel.line(&line, ink, if ink == Ink::S1 { 2.2 } else { 1.6 })?;
        let knee = curve.knee();
        for (place, ((limit, cell), (_, hit))) in curve.cells.iter().zip(&line).enumerate() {
            let Some(hit) = hit else { continue };
            let (x, y) = panel.at(*limit, *hit);
            let bend = knee == Knee::At(place);
            let words = if bend { "; the knee: beyond it no doubling adds a point on average" } else { "" };
            let tip = format!("{}: {} fresh hits{words}", reading.name(cell), FRESH_HIT.text(cell));
            sheet.linked(&reading::anchor(cell), &tip, |sheet| {
                if bend {
                    sheet.ring(x, y, 9.0, ink)?;
                }
                sheet.marker(x, y, if cell.oracle { 2.5 } else { 4.0 }, ink, 1.0)
            })?;
        }
        Ok(())
    })
}

fn finding(reading: &Reading, curves: &[&Curve]) -> String {
    let of = reading.focus().and_then(|focus| {
        curves.iter().find(|curve| curve.cells.iter().any(|(_, cell)| std::ptr::eq(*cell, focus)))
    });
    let of = of.unwrap_or(&curves[0]);
    let knee = match of.knee() {
        Knee::At(place) => {
            let limit = reading::capacity(of.cells[place].1.capacity);
            format!("{} stops paying at {limit}: beyond it no doubling adds a point on average.", of.name)
        }
        Knee::Beyond => format!("{} still gains at its largest limit.", of.name),
        Knee::Unknown => format!("{} lacks data at some limits.", of.name),
    };
    format!("{} curves of fresh hits against the limit. {knee}", curves.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::RunSource;
    use crate::report::fixture;

    #[test]
    fn bounds_are_told_of_where_there_are_some_and_else_how_to_add_them() {
        let note = |record| draw(&Reading::new(&record)).unwrap().1;
        assert_eq!(note(fixture::thumbnails()), NO_BOUNDS);
        assert_eq!(note(fixture::complete()), BOUNDS);
        let mut many = fixture::complete();
        let own: Vec<_> = many.cells.iter().filter(|cell| !cell.oracle).cloned().collect();
        for nth in 0..MOST {
            let named = own.iter().cloned().map(|mut cell| {
                cell.strategy = format!("{}-{nth}", cell.strategy);
                cell
            });
            many.cells.extend(named);
        }
        assert_eq!(note(many), BOUNDS, "they are drawn beside ever so many strategies");
        let mut measured = fixture::thumbnails();
        measured.source = RunSource::Live;
        assert_eq!(note(measured.clone()), NO_BOUNDS_MEASURED);
        measured.cells.retain(|cell| cell.capacity == Some(Capacity::Bytes(64 << 20)));
        measured.scoring.winner = None;
        let why = draw(&Reading::new(&measured)).unwrap_err().to_string();
        assert!(why.starts_with("Every strategy was played at one limit only"), "{why}");
    }
}
