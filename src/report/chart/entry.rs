//! Why memory is more than the sum of the images: the bytes of one entry as a waterfall.

use plotters::style::Color;

use super::palette::Ink;
use super::svg::{ChartError, Hold, Sheet, Svg, WIDTH};
use crate::report::entry::{Part, parts, per_entry};
use crate::report::format;
use crate::report::reading::Reading;

const NAMES: f64 = 220.0;
const VALUES: f64 = 130.0;
const ROW: f64 = 26.0;
const TOP: f64 = 26.0;

/// Draws the chart.
pub(crate) fn draw(reading: &Reading) -> Result<Svg, ChartError> {
    let Some(cell) = reading.focus() else {
        return Err(ChartError::NoData("No cell finished, so nothing was held"));
    };
    let Some(parts) = parts(cell) else {
        return Err(ChartError::NoData(if reading.record.source.is_simulation() {
            "The memory model counts the bytes of values alone, so there is nothing to take apart; memory = \"redis\" \
             breaks an entry down"
        } else {
            "A server does not tell which of its bytes are values and which come on top, so there is nothing to take apart"
        }));
    };
    let shares: Vec<(&Part, f64)> =
        parts.iter().filter_map(|part| Some((part, per_entry(part, cell)?))).collect();
    let total: f64 = shares.iter().map(|(_, bytes)| bytes).sum();
    if shares.is_empty() || total <= 0.0 {
        return Err(ChartError::NoData("The cache was empty at the end, so there is no entry to take apart"));
    }
    // Beside images of many kilobytes the rest would be slivers: the value's bar is then cut, and says so.
    let rest = total - shares[0].1;
    let cut = if shares[0].1 > rest * 3.0 { shares[0].1 - rest * 1.5 } else { 0.0 };
    let across = WIDTH - NAMES - VALUES;
    let place = |bytes: f64| NAMES + across * (bytes / (total - cut)).clamp(0.0, 1.0);
    let bottom = TOP + (shares.len() + 1) as f64 * ROW;
    let sheet = Sheet::new(bottom + 14.0);
    let title = format!("bytes of one entry, {}", format::shortened(&reading.name(cell), 70));
    sheet.text(0.0, 9.0, &title, Hold::Left)?;
    let mut before = 0.0;
    for (index, (part, bytes)) in shares.iter().enumerate() {
        let y = TOP + index as f64 * ROW;
        let shown = if index == 0 { bytes - cut } else { *bytes };
        let (from, to) = (place(before), place(before + shown));
        let ink = if index == 0 { Ink::S1 } else { Ink::S2 };
        row(&sheet, y, part.label, *bytes, total)?;
        sheet.bar(from, y + 4.0, (to - from).max(0.6), ROW - 10.0, ink.color().to_rgba())?;
        if index == 0 && cut > 0.0 {
            let middle = f64::midpoint(from, to);
            for shift in [0.0, 5.0] {
                let x = middle + shift;
                sheet.line(&[(x - 3.0, y + ROW - 5.0), (x + 3.0, y + 3.0)], Ink::Page, 2.0)?;
            }
        }
        sheet.line(&[(to, y + 4.0), (to, y + ROW + 4.0)], Ink::Axis, 0.8)?;
        before += shown;
    }
    let y = bottom - ROW;
    row(&sheet, y, "one entry in all", total, total)?;
    sheet.bar(NAMES, y + 4.0, place(before) - NAMES, ROW - 10.0, Ink::Text.color().to_rgba())?;
    let finding = format!(
        "An entry takes {} bytes, of which the image is {} and everything else {}.",
        format::number(total),
        format::percent(shares[0].1 / total),
        format::bytes(rest)
    );
    Ok(sheet.finish("entry", "Bytes of one entry", finding))
}

fn row(sheet: &Sheet, y: f64, name: &str, bytes: f64, total: f64) -> Result<(), ChartError> {
    let middle = y + ROW / 2.0 - 1.0;
    sheet.text(0.0, middle, name, Hold::Left)?;
    let value = format!("{} B, {}", format::number(bytes), format::percent(bytes / total));
    sheet.text(WIDTH, middle, &value, Hold::Right)
}
