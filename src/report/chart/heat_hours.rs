//! When which class of images hits: hour against class, for the cell that the verdict names.

use super::heat::{Grid, Tile};
use super::svg::{ChartError, Sheet, Svg};
use crate::report::format;
use crate::report::hours;
use crate::report::reading::{self, Reading};

/// Classes drawn at most; the record's series has no more.
const MOST: usize = 17;

/// Draws the chart.
pub(crate) fn draw(reading: &Reading) -> Result<Svg, ChartError> {
    let hours =
        reading.focus().and_then(|cell| Some((cell, hours::of(cell, reading.record.provenance.warmup_s)?)));
    let Some((cell, hours)) = hours else {
        return Err(ChartError::NoData("The run is shorter than two hours, so no hours can be compared"));
    };
    let columns = hours.classes.first().map_or(0, |(_, sums)| sums.len());
    let tile = |class: &str, hour: usize, (requests, hits): (f64, f64)| {
        let share = (requests > 0.0).then(|| hits / requests);
        let tip = format!(
            "{class}, hour {}: {} fresh hits of {} requests",
            hour + 1,
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
        let tiles = sums.iter().enumerate().map(|(hour, sum)| tile(class, hour, *sum)).collect();
        (class.clone(), tiles)
    };
    let name = format::shortened(&reading::name(cell), 60);
    let of = if hours.folded {
        "hours of all days put together, from the first request"
    } else {
        "by hour of the run"
    };
    let grid = Grid {
        title: format!("fresh hits of {name}, % of requests, {of}"),
        diverging: false,
        columns: (1..=columns).map(|hour| hour.to_string()).collect(),
        rows: hours.classes.iter().take(MOST).map(row).collect(),
    };
    let sheet = Sheet::new(grid.height());
    grid.draw(&sheet, 0.0)?;
    let finding = format!("Fresh hits of {} classes over {columns} hours.", hours.classes.len());
    Ok(sheet.finish("hours", "Hits by hour and class", finding))
}
