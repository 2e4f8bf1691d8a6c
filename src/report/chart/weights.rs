//! How far the choice depends on the weights: for each objective, who has the best score over which share of it.

use plotters::style::Color;

use super::palette::{Ink, ink_of};
use super::svg::{ChartError, Hold, Sheet, Svg, TEXT, WIDTH, text_width};
use crate::record::Cell;
use crate::report::format;
use crate::report::measure::label_of;
use crate::report::reading::{self, Reading};
use crate::report::weights::{now, objectives};

const NAMES: f64 = 180.0;
const ROW: f64 = 44.0;
const TOP: f64 = 24.0;

/// Draws the chart.
pub(crate) fn draw(reading: &Reading) -> Result<Svg, ChartError> {
    let objectives = objectives(reading);
    if objectives.is_empty() {
        return Err(ChartError::NoData(
            "Fewer than two cells may win or fewer than two objectives have a weight, so no weight decides",
        ));
    }
    let bottom = TOP + objectives.len() as f64 * ROW;
    let sheet = Sheet::new(bottom + 44.0);
    let across = WIDTH - NAMES - 24.0;
    let place = |share: f64| NAMES + across * share;
    sheet.text(
        0.0,
        9.0,
        "who has the best score, by the share of one weight; the rule is the scenario's",
        Hold::Left,
    )?;
    for step in 0..=4 {
        let x = place(f64::from(step) / 4.0);
        sheet.line(&[(x, TOP), (x, bottom)], Ink::Grid, 1.0)?;
        sheet.text(x, bottom + 12.0, &format!("{} %", step * 25), Hold::Middle)?;
    }
    sheet.text(
        place(0.5),
        bottom + 32.0,
        "share of this objective in all weights, the others in proportion",
        Hold::Middle,
    )?;
    // One cell looks the same in every bar. Those of one hue, the same strategy at two limits, are told apart by their
    // strength too.
    let mut seen: Vec<&Cell> = Vec::new();
    let chosen = objectives.iter().filter_map(now);
    for (.., cell) in chosen.chain(objectives.iter().flat_map(|one| &one.stretches)) {
        if !seen.iter().any(|other| std::ptr::eq(*other, *cell)) {
            seen.push(cell);
        }
    }
    let strength = |cell: &Cell| {
        let alike = seen.iter().filter(|other| ink_of(reading, other) == ink_of(reading, cell));
        let before = alike.take_while(|other| !std::ptr::eq(**other, cell)).count();
        if before % 2 == 0 { 1.0 } else { 0.55 }
    };
    for (index, one) in objectives.iter().enumerate() {
        let y = TOP + index as f64 * ROW;
        sheet.label(0.0, y + ROW / 2.0, &label_of(one.name), NAMES - 10.0, Hold::Left)?;
        for (from, to, cell) in &one.stretches {
            let (left, right) = (place(*from), place(*to));
            let name = reading.name(cell);
            let tip = format!("{name}: best from {} to {}", format::percent(*from), format::percent(*to));
            let ink = ink_of(reading, cell);
            let width = (right - left - 1.0).max(0.6);
            sheet.linked(&reading::anchor(cell), &tip, |sheet| {
                sheet.bar(left, y + 22.0, width, 14.0, ink.color().mix(strength(cell)))
            })?;
            // Beside the link, whose name is the tip: a cut name would be no part of it.
            if text_width(&name, TEXT) < right - left - 4.0 {
                sheet.text(left + 1.0, y + 12.0, &name, Hold::Left)?;
            } else if right - left > 46.0 {
                // Short names fit where the limit does not.
                let strategy = reading.strategy(cell);
                sheet.label(left + 1.0, y + 12.0, &strategy, right - left - 6.0, Hold::Left)?;
            }
        }
        let scenario = place(one.now);
        sheet.line(&[(scenario, y + 20.0), (scenario, y + 40.0)], Ink::Page, 4.0)?;
        sheet.line(&[(scenario, y + 20.0), (scenario, y + 40.0)], Ink::Text, 2.0)?;
    }
    let finding = crate::report::weights::words(reading, &objectives).unwrap_or_default();
    Ok(sheet.finish("weights", "The best score by weights", finding))
}
