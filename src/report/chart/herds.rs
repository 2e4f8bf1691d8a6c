//! One hot key against many keys at once: duplicate fetches beside the busiest second, a row for each cell.
//!
//! A lock helps against the first and not against the second, so they must not be mistaken for each other.

use plotters::style::Color;

use super::palette::ink_of;
use super::svg::{ChartError, Hold, Sheet, Svg, TEXT, WIDTH, text_width};
use crate::record::Cell;
use crate::report::format;
use crate::report::measure::{DUPLICATE_RATIO, Measure, PEAK_ORIGIN_RATE, PEAK_TO_MEAN, Unit};
use crate::report::reading::{self, Reading};

/// Rows drawn at most; the others stand in the table.
const MOST: usize = 24;
const NAMES: f64 = 280.0;
const ROW: f64 = 24.0;
const TOP: f64 = 44.0;
/// The share that a bar of full length stands for at least.
const LEAST_SCALE: f64 = 0.1;

/// Draws the chart.
pub(crate) fn draw(reading: &Reading) -> Result<Svg, ChartError> {
    let known = |cell: &&&Cell| {
        DUPLICATE_RATIO.of(cell).is_some() || PEAK_ORIGIN_RATE.of(cell).is_some_and(|rate| rate > 0.0)
    };
    let cells: Vec<&Cell> = reading.ranked.iter().filter(known).copied().take(MOST).collect();
    if cells.is_empty() {
        if let Some(why) = reading.untold_by_sample("fetches at once", DUPLICATE_RATIO.key) {
            return Err(ChartError::Untold(why));
        }
        return Err(ChartError::NoData("The origin was asked for nothing, so nothing came at once"));
    }
    let bottom = TOP + cells.len() as f64 * ROW;
    let sheet = Sheet::new(bottom + 8.0);
    let half = (WIDTH - NAMES) / 2.0;
    let sides: [(&Measure, f64, &str, &str); 2] = [
        (&DUPLICATE_RATIO, NAMES, "one hot key:", "duplicates, of all fetches"),
        (&PEAK_ORIGIN_RATE, NAMES + half, "many keys at once:", "fetches in the busiest second"),
    ];
    for (measure, left, what, unit) in sides {
        sheet.text(left, 9.0, what, Hold::Left)?;
        sheet.text(left, 27.0, unit, Hold::Left)?;
        // A share of hardly anything is drawn as hardly anything, even where it is the greatest.
        let least = if measure.unit == Unit::Share { LEAST_SCALE } else { 0.0 };
        let most = cells.iter().filter_map(|cell| measure.of(cell)).fold(least, f64::max);
        // How many times the mean it is says little where the mean is small, so that it gives no length.
        let text = |cell: &Cell| match (measure.unit, PEAK_TO_MEAN.of(cell)) {
            (Unit::Rate, Some(times)) => format!("{} ({} × mean)", measure.text(cell), format::number(times)),
            _ => measure.text(cell),
        };
        let widest = cells.iter().map(|cell| text_width(&text(cell), TEXT)).fold(0.0, f64::max);
        let room = (half - widest - 14.0).max(20.0);
        for (row, cell) in cells.iter().enumerate() {
            let y = TOP + row as f64 * ROW;
            let value = measure.of(cell);
            let long = value.filter(|_| most > 0.0).map_or(0.0, |value| value / most * room);
            let text = text(cell);
            let tip = format!("{}: {text}, {unit}", reading.name(cell));
            sheet.with_tip(&tip, |sheet| {
                sheet.bar(
                    left,
                    y + 4.0,
                    long.max(0.6),
                    ROW - 9.0,
                    ink_of(reading, cell).color().to_rgba(),
                )?;
                sheet.text(left + long + 6.0, y + ROW / 2.0, &text, Hold::Left)
            })?;
        }
        sheet.line(&[(left, TOP), (left, bottom)], super::palette::Ink::Axis, 1.0)?;
    }
    for (row, cell) in cells.iter().enumerate() {
        let y = TOP + row as f64 * ROW + ROW / 2.0;
        let limit = reading::capacity(cell.capacity);
        let room = NAMES - text_width(&limit, TEXT) - 20.0;
        let name = reading.strategy(cell);
        let name = if cell.baseline { format!("{name} (baseline)") } else { name };
        sheet.label(0.0, y, &name, room, Hold::Left)?;
        sheet.text(NAMES - 8.0, y, &limit, Hold::Right)?;
    }
    let finding =
        format!("Share of duplicate fetches, and fetches in the busiest second, of {} cells.", cells.len());
    Ok(sheet.finish("herds", "One hot key against many keys at once", finding))
}
