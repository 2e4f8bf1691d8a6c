//! Hit ratio against the cache's limit: where more memory stops paying.

use super::palette::{Ink, ink_of};
use super::panel::{BELOW, EndLabel, LEFT, Panel, end_labels};
use super::sample::Line;
use super::scale::Scale;
use super::svg::{ChartError, Hold, Sheet, Svg, WIDTH, fitted};
use crate::record::{Capacity, Estimate};
use crate::report::curves::{Curve, Fine, Knee, curves, fine, lines_and_points, most_held};
use crate::report::measure::FRESH_HIT;
use crate::report::reading::{self, Reading};
use crate::report::{beside, format};

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

/// Draws the chart; the second text tells of the fine curve, and of bounds.
pub(crate) fn draw(reading: &Reading) -> Result<(Svg, String), ChartError> {
    let fine = fine(reading);
    // Beside a fine curve one limit is a point to be held against it.
    let all = if fine.is_some() { lines_and_points(reading) } else { curves(reading) };
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
    let of_cells = || curves.iter().flat_map(|curve| &curve.cells);
    let finely = || fine.iter().flat_map(|fine| &fine.points);
    let hits = || of_cells().filter_map(|(_, cell)| FRESH_HIT.of(cell)).chain(finely().map(|(.., hit)| *hit));
    if hits().next().is_none() {
        return Err(ChartError::NoData("No requests were scored, so there are no hits to draw"));
    }
    let in_bytes = matches!(curves[0].cells[0].1.capacity, Some(Capacity::Bytes(_)));
    let print = |limit: f64| if in_bytes { format::bytes(limit) } else { format::number(limit) };
    let x = match &fine {
        None => Scale::of_values(&limits, 0.13, print),
        Some(fine) => around(fine, &limits, print),
    };
    let least = hits().fold(1.0, f64::min);
    let y = Scale::shares(if least >= 0.3 { ((least * 10.0 - 0.2).floor() / 10.0).max(0.0) } else { 0.0 });
    let sheet = Sheet::new(HEIGHT);
    sheet.text(0.0, 10.0, "fresh hits, % of requests", Hold::Left)?;
    let area = sheet.part(0.0, TOP, WIDTH - RIGHT, HEIGHT - TOP - 26.0);
    let mut panel = Panel::new(&area, &x, &y, true)?;
    if let Some(fine) = &fine {
        beneath(&sheet, &mut panel, fine, ink_of_fine(reading, fine))?;
    }
    // Grey ones first, the best last: what matters lies on top.
    let (grey, hued): (Vec<&&Curve>, Vec<&&Curve>) =
        curves.iter().rev().partition(|curve| ink_of(reading, curve.cells[0].1) == Ink::Bound);
    for curve in grey.into_iter().chain(hued) {
        // Ribbons of many grey curves on top of each other would tell of none.
        let ribbon = named(reading, curve, curves.len());
        one(&sheet, &mut panel, reading, curve, fine.as_ref(), ribbon)?;
    }
    let label = |curve: &&Curve| {
        let (limit, cell) = curve.cells.iter().rev().find(|(_, cell)| FRESH_HIT.of(cell).is_some())?;
        let (limit, hit) = match fine.as_ref().map(|fine| (fine, fine.points.last())) {
            // Where a fine curve goes on beyond the cells, labels stand behind it.
            Some((fine, Some((_, last, hit)))) if fine.is_of(cell) => (*last, *hit),
            Some((_, Some((_, last, _)))) => (last.max(*limit), FRESH_HIT.of(cell)?),
            _ => (*limit, FRESH_HIT.of(cell)?),
        };
        let (x, y) = panel.at(limit, hit);
        Some(EndLabel { at: (x + 4.0, y), text: curve.name.clone(), ink: ink_of(reading, cell) })
    };
    let labels = curves.iter().filter(|curve| named(reading, curve, curves.len())).filter_map(label);
    end_labels(&sheet, labels.take(NAMED).collect(), (TOP + 8.0, HEIGHT - 26.0 - BELOW), RIGHT)?;
    let axis = if in_bytes { "memory limit (logarithmic)" } else { "limit in objects (logarithmic)" };
    sheet.text(LEFT + (WIDTH - LEFT - RIGHT) / 2.0, HEIGHT - 12.0, axis, Hold::Middle)?;
    let bounds = curves.iter().any(|curve| curve.cells[0].1.oracle);
    let told = finding(reading, &curves, fine.as_ref());
    let svg = sheet.finish("capacity", "Hit ratio against capacity", told);
    let mut notes: Vec<String> = fine.iter().map(|fine| words(reading, fine)).collect();
    let bounds = match (bounds, reading.record.source.is_simulation()) {
        (true, _) => BOUNDS,
        (false, true) => NO_BOUNDS,
        (false, false) => NO_BOUNDS_MEASURED,
    };
    notes.push(bounds.to_owned());
    Ok((svg, notes.join(" ")))
}

/// From end to end of a fine curve, with ticks at limits of cells and at so many doublings of them.
fn around(fine: &Fine, limits: &[f64], print: impl Fn(f64) -> String) -> Scale {
    let all = || fine.points.iter().map(|(_, limit, _)| *limit).chain(limits.iter().copied());
    let (first, last) = (all().fold(f64::MAX, f64::min), all().fold(0.0, f64::max));
    let mut ticks = vec![first, last];
    for limit in limits.iter().filter(|limit| **limit > 0.0) {
        let doublings = (first / limit).log2().ceil();
        let within = std::iter::successors(Some(limit * doublings.exp2()), |tick| Some(tick * 2.0));
        ticks.extend(within.take_while(|tick| *tick <= last));
    }
    Scale::of_values(&ticks, 0.13, print)
}

/// The ink of the strategy of the fine curve.
fn ink_of_fine(reading: &Reading, fine: &Fine) -> Ink {
    let cell = reading.ranked.iter().find(|cell| fine.is_of(cell));
    cell.map_or(Ink::Bound, |cell| ink_of(reading, cell))
}

/// How sure the fine curve is: exact, or within so many points.
fn sure(fine: &Fine) -> String {
    beside::largest_error(fine.lattice)
        .map_or_else(String::new, |error| format!(", ± {}", format::half_points(error)))
}

/// Draws the fine curve, with its error as a band.
fn beneath(sheet: &Sheet, panel: &mut Panel, fine: &Fine, ink: Ink) -> Result<(), ChartError> {
    let of = |pick: &dyn Fn(f64, Option<f64>) -> Option<f64>| -> Line {
        fine.points.iter().map(|(place, limit, hit)| (*limit, pick(*hit, fine.error(*place)))).collect()
    };
    let told = format!("thin line: {}{}", fine.lattice.method, sure(fine));
    sheet.text(WIDTH, 10.0, &fitted(&told, WIDTH - 190.0), Hold::Right)?;
    sheet.group(&[("data-k", "thin line")], |sheet| {
        panel.band(
            &of(&|hit, error| Some((hit - error?).max(0.0))),
            &of(&|hit, error| Some((hit + error?).min(1.0))),
            ink,
            0.2,
        )?;
        panel.line(&of(&|hit, _| Some(hit)), ink, 1.0)?;
        if let Knee::Fine(knee) = fine.knee()
            && let Some((place, limit, hit)) = fine.points.iter().find(|(place, ..)| *place == knee)
        {
            let (x, y) = panel.at(*limit, *hit);
            let tip = format!(
                "{}: {} fresh hits; the knee: beyond it no doubling adds a point",
                fine.limit(*place),
                format::percent(*hit)
            );
            sheet.with_tip(&tip, |sheet| sheet.ring(x, y, 9.0, ink))?;
        }
        Ok(())
    })
}

/// What the fine curve is, how it was found and how far off it may be.
fn words(reading: &Reading, fine: &Fine) -> String {
    let lattice = fine.lattice;
    let [name, policy] =
        [&lattice.strategy, &lattice.eviction].map(|name| format::shortened(name, format::LONGEST_NAME));
    let words = format!(
        "The thin line is {name} under {policy} at {} limits. {}",
        lattice.limits.len(),
        beside::how(lattice)
    );
    let apart = fine.apart(reading).map(format::half_points);
    let apart = apart
        .map(|points| format!(" At the limits of that strategy's cells it lies within {points} of them."));
    words + &apart.unwrap_or_default()
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
    fine: Option<&Fine>,
    ribbon: bool,
) -> Result<(), ChartError> {
    // Cells on a fine curve are points: the line is its.
    let fine = fine.filter(|fine| fine.is_of(curve.cells[0].1));
    let ink = ink_of(reading, curve.cells[0].1);
    let of = |pick: fn(&Estimate) -> Option<f64>| -> Line {
        let value = |cell: &crate::record::Cell| {
            FRESH_HIT.of(cell).and_then(|_| pick(&cell.ratios.fresh_hit)).filter(|hit| hit.is_finite())
        };
        curve.cells.iter().map(|(limit, cell)| (*limit, value(cell))).collect()
    };
    let line = of(|hit| hit.mean);
    sheet.group(&[("data-k", &curve.name)], |sheet| {
        if fine.is_some() || curve.cells.len() == 1 {
            for ((limit, low), (_, high)) in of(|hit| hit.low).into_iter().zip(of(|hit| hit.high)) {
                let Some((low, high)) = low.zip(high).filter(|_| ribbon) else { continue };
                sheet.line(&[panel.at(limit, low), panel.at(limit, high)], ink, 1.6)?;
            }
        } else {
            if ribbon {
                panel.band(&of(|hit| hit.low), &of(|hit| hit.high), ink, 0.2)?;
            }
            panel.line(&line, ink, if ink == Ink::S1 { 2.2 } else { 1.6 })?;
        }
        let knee = curve.stop(fine);
        for (place, ((limit, cell), (_, hit))) in curve.cells.iter().zip(&line).enumerate() {
            let Some(hit) = hit else { continue };
            let (x, y) = panel.at(*limit, *hit);
            let is_roomy = knee == Some(Knee::Roomy) && place + 1 == curve.cells.len();
            let bend = knee == Some(Knee::At(place)) || is_roomy;
            let words = match bend {
                true if is_roomy => format!("; it holds {} at most and is never filled", most_held(cell)),
                true => "; the knee: beyond it no doubling adds a point on average".into(),
                false => String::new(),
            };
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

fn finding(reading: &Reading, curves: &[&Curve], fine: Option<&Fine>) -> String {
    let of = reading.focus().and_then(|focus| {
        curves.iter().find(|curve| curve.cells.iter().any(|(_, cell)| std::ptr::eq(*cell, focus)))
    });
    let of = of.unwrap_or(&curves[0]);
    let knee = match of.stop(fine) {
        None => format!("{} was simulated at one limit.", of.name),
        Some(Knee::Fine(place)) => {
            let limit = fine.map(|fine| fine.limit(place)).unwrap_or_default();
            format!("{} stops paying at {limit}: beyond it no doubling adds a point.", of.name)
        }
        Some(Knee::At(place)) => {
            let limit = reading::capacity(of.cells[place].1.capacity);
            format!("{} stops paying at {limit}: beyond it no doubling adds a point on average.", of.name)
        }
        Some(Knee::Roomy) => format!(
            "{} stops paying at {}: {} is never filled.",
            of.name,
            most_held(of.last()),
            reading::capacity(of.last().capacity)
        ),
        Some(Knee::Beyond) => format!("{} still gains at its largest limit.", of.name),
        Some(Knee::Unknown) => format!("{} lacks data at some limits.", of.name),
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
        let complete = note(fixture::complete());
        assert!(complete.starts_with("The thin line is") && complete.ends_with(BOUNDS), "{complete}");
        let mut many = fixture::complete();
        let own: Vec<_> = many.cells.iter().filter(|cell| !cell.oracle).cloned().collect();
        for nth in 0..MOST {
            let named = own.iter().cloned().map(|mut cell| {
                cell.strategy = format!("{}-{nth}", cell.strategy);
                cell
            });
            many.cells.extend(named);
        }
        assert!(note(many).ends_with(BOUNDS), "they are drawn beside ever so many strategies");
        let mut measured = fixture::thumbnails();
        measured.source = RunSource::Live;
        assert_eq!(note(measured.clone()), NO_BOUNDS_MEASURED);
        measured.cells.retain(|cell| cell.capacity == Some(Capacity::Bytes(64 << 20)));
        measured.scoring.winner = None;
        let why = draw(&Reading::new(&measured)).unwrap_err().to_string();
        assert!(why.starts_with("Every strategy was played at one limit only"), "{why}");
    }
}
