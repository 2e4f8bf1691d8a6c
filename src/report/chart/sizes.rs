//! How large stampedes are: regenerations of two fetches and more by size, a row for each cell.

use plotters::style::Color;

use super::palette::ink_of;
use super::svg::{ChartError, Hold, Sheet, Svg, WIDTH};
use crate::record::Cell;
use crate::report::format;
use crate::report::reading::Reading;

const STRIP: f64 = 58.0;
const GAP: f64 = 26.0;
const TOP: f64 = 22.0;
const MOST: usize = 6;
/// Sizes that are counted together, each up to the last of its own.
const BINS: [(usize, usize, &str); 8] = [
    (2, 2, "2"),
    (3, 3, "3"),
    (4, 4, "4"),
    (5, 6, "5-6"),
    (7, 9, "7-9"),
    (10, 19, "10-19"),
    (20, 49, "20-49"),
    (50, usize::MAX, "50 and more"),
];

/// Stampedes of a cell by bin.
pub(crate) fn binned(cell: &Cell) -> [u64; BINS.len()] {
    let counted = cell.stampedes.sizes.iter().enumerate();
    BINS.map(|(from, to, _)| {
        let within = counted.clone().filter(|(index, _)| (from..=to).contains(&(index + 1)));
        within.map(|(_, count)| *count).fold(0, u64::saturating_add)
    })
}

/// Draws the chart.
pub(crate) fn draw(reading: &Reading) -> Result<Svg, ChartError> {
    let cells: Vec<(&Cell, [u64; BINS.len()])> =
        reading.side_by_side(MOST).into_iter().map(|cell| (cell, binned(cell))).collect();
    let most = cells.iter().flat_map(|(_, counts)| counts).max().copied().unwrap_or(0);
    let last = (0..BINS.len()).rev().find(|bin| cells.iter().any(|(_, counts)| counts[*bin] > 0));
    let (Some(last), true) = (last, most > 0) else {
        if let Some(why) = reading.untold_by_sample("the sizes of stampedes", "stampedes") {
            return Err(ChartError::Untold(why));
        }
        return Err(ChartError::NoData(
            "No stampede occurred: no two fetches of the same object overlapped in the cells compared here",
        ));
    };
    let bins = (last + 1).max(4);
    let width = WIDTH / bins as f64;
    let height = TOP + cells.len() as f64 * (STRIP + GAP) + 40.0;
    let sheet = Sheet::new(height);
    sheet.text(0.0, 9.0, "stampedes by number of fetches, square-root scale", Hold::Left)?;
    for (index, (cell, counts)) in cells.iter().enumerate() {
        let top = TOP + index as f64 * (STRIP + GAP);
        let floor = top + 16.0 + STRIP;
        let name = reading.strategy(cell);
        let name = if cell.baseline { format!("{name} (baseline)") } else { name };
        sheet.label(0.0, top + 8.0, &name, WIDTH - 4.0, Hold::Left)?;
        let ink = ink_of(reading, cell);
        for (bin, count) in counts.iter().take(bins).enumerate() {
            let tall = (*count as f64 / most as f64).sqrt() * (STRIP - 20.0);
            let x = bin as f64 * width;
            let tip = format!(
                "{}: {} stampedes of {} fetches",
                reading.name(cell),
                format::count(*count),
                BINS[bin].2
            );
            sheet.with_tip(&tip, |sheet| {
                sheet.bar(x + 8.0, floor - tall, width - 16.0, tall, ink.color().to_rgba())?;
                sheet.text(x + width / 2.0, floor - tall - 9.0, &format::count(*count), Hold::Middle)
            })?;
        }
        sheet.line(&[(0.0, floor), (WIDTH, floor)], super::palette::Ink::Axis, 1.0)?;
    }
    for (bin, (_, _, label)) in BINS.iter().take(bins).enumerate() {
        sheet.text((bin as f64 + 0.5) * width, height - 32.0, label, Hold::Middle)?;
    }
    sheet.text(WIDTH / 2.0, height - 12.0, "origin fetches of one object that overlapped", Hold::Middle)?;
    let largest = cells.iter().filter_map(|(cell, _)| cell.stampedes.max_size).max();
    let largest = largest.map(|size| format!("; the largest had {} fetches", format::count(size)));
    let finding = format!("Sizes of stampedes in {} cells{}.", cells.len(), largest.unwrap_or_default());
    Ok(sheet.finish("sizes", "Sizes of stampedes", finding))
}
