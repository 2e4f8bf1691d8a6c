//! How soon images are asked for again against how old they are by then: what a TTL can catch on this trace.

use super::heat::{Grid, Tile};
use super::svg::{ChartError, Sheet, Svg};
use crate::report::format;
use crate::report::reading::Reading;
use crate::report::reuse;

/// Draws the chart.
pub(crate) fn draw(reading: &Reading) -> Result<Svg, ChartError> {
    let Some(reuse) = reuse::of(reading.record) else {
        return Err(ChartError::NoData("No image was asked for twice, or the record is of an older version"));
    };
    let row = |(name, row): (&String, &Vec<f64>)| {
        let tile = |(age, share): (&String, &f64)| {
            let known = (*share > 0.0).then_some(*share);
            let tip = format!(
                "{} of requests came {name} after the one before for the same image, {age} after its first",
                format::percent(Some(*share))
            );
            Tile { value: known, text: format::percent(known).replace(" %", ""), tip, anchor: String::new() }
        };
        (name.clone(), reuse.steps.iter().zip(row).map(tile).collect())
    };
    let grid = Grid {
        title: "% of requests; down: since the request before for the image, across: its age up to".into(),
        diverging: false,
        columns: reuse.edges.clone(),
        rows: reuse.steps.iter().zip(&reuse.shares).map(row).collect(),
    };
    let sheet = Sheet::new(grid.height());
    grid.draw(&sheet, 0.0)?;
    let finding = format!("{} of requests were the first for their image.", format::percent(reuse.first));
    Ok(sheet.finish("reuse", "Age against reuse", finding))
}
