//! One measure of a surface: the cache's limit against the TTL.

use super::heat::{Grid, Tile};
use super::svg::{ChartError, Sheet, Svg};

/// A row: its name, and for every column a value, a short text and a long one.
pub(crate) type Row = (String, Vec<(Option<f64>, String, String)>);

/// What is drawn.
pub(crate) struct Measured {
    /// Name of the file and anchor.
    pub(crate) name: &'static str,
    /// Its title.
    pub(crate) title: &'static str,
    /// Names of the columns.
    pub(crate) columns: Vec<String>,
    /// The rows.
    pub(crate) rows: Vec<Row>,
}

/// Draws the chart.
pub(crate) fn draw(measured: Measured) -> Result<Svg, ChartError> {
    let Measured { name, title, columns, rows } = measured;
    if rows.iter().flat_map(|(_, tiles)| tiles).all(|(value, ..)| value.is_none()) {
        return Err(ChartError::NoData("No request was scored, so there is nothing to draw"));
    }
    let finding = format!("{title}: {} limits by {} TTLs.", rows.len(), columns.len());
    let tile = |(value, text, tip)| Tile { value, text, tip, anchor: String::new() };
    let rows = rows.into_iter().map(|(row, tiles)| (row, tiles.into_iter().map(tile).collect()));
    let grid = Grid { title: title.to_owned(), columns, diverging: false, rows: rows.collect() };
    let sheet = Sheet::new(grid.height());
    grid.draw(&sheet, 0.0)?;
    Ok(sheet.finish(name, title, finding))
}
