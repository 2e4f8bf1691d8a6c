//! When which class of images hits: hour against class, for the cell that the verdict names.

use super::heat::{Grid, Tile};
use super::svg::{ChartError, Sheet, Svg};
use crate::report::format;
use crate::report::hours;
use crate::report::reading::Reading;

/// Classes drawn at most; the record's series has no more.
const MOST: usize = 17;

/// Draws the chart.
pub(crate) fn draw(reading: &Reading) -> Result<Svg, ChartError> {
    let Some(cell) = reading.focus() else {
        return Err(ChartError::NoData("There is no cell, so no hours can be compared"));
    };
    let hours = hours::of(cell, reading.record).map_err(ChartError::NoData)?;
    let columns = hours.names.len();
    let colon = if hours.utc_offset_s.is_some() { ":00" } else { "" };
    let tile = |class: &str, hour: &str, (requests, hits): (f64, f64)| {
        let share = (requests > 0.0).then(|| hits / requests);
        let tip = format!(
            "{class}, hour {hour}{colon}: {} fresh hits of {} requests",
            format::percent(share),
            format::number(requests)
        );
        let text = format::percent(share).replace(" %", "");
        // Many narrow columns have room for whole percents only.
        let text =
            if columns > 12 { share.map_or(text, |share| format!("{:.0}", share * 100.0)) } else { text };
        Tile { value: share, text, tip, anchor: String::new() }
    };
    let row = |(class, sums): &(String, Vec<(f64, f64)>)| {
        let tiles = hours.names.iter().zip(sums).map(|(hour, sum)| tile(class, hour, *sum)).collect();
        (class.clone(), tiles)
    };
    let name = format::shortened(&reading.name(cell), 60);
    let of = match (hours.utc_offset_s, hours.folded) {
        (None, true) => "hours of all days put together, from the first request".to_owned(),
        (None, false) => "by hour of the run".to_owned(),
        (Some(offset), folded) => {
            let days = if folded { ", all days put together" } else { "" };
            format!("by hour of the day ({}){days}", utc(offset))
        }
    };
    let grid = Grid {
        title: format!("fresh hits of {name}, % of requests, {of}"),
        diverging: false,
        columns: hours.names.clone(),
        rows: hours.classes.iter().take(MOST).map(row).collect(),
    };
    let sheet = Sheet::new(grid.height());
    grid.draw(&sheet, 0.0)?;
    let finding = format!("Fresh hits of {} classes over {columns} hours.", hours.classes.len());
    Ok(sheet.finish("hours", "Hits by hour and class", finding))
}

/// An offset in words: `UTC-04:00`.
fn utc(offset_s: i32) -> String {
    let (sign, minutes) = (if offset_s < 0 { '-' } else { '+' }, offset_s.unsigned_abs() / 60);
    format!("UTC{sign}{:02}:{:02}", minutes / 60, minutes % 60)
}
