//! How fresh hits changed between two runs: strategy against the cache's limit, blank where chance may explain it.

use super::heat::{Grid, Tile};
use super::svg::{ChartError, Sheet, Svg};
use crate::record::Cell;
use crate::report::format;
use crate::report::reading;

/// Rows drawn at most; the others stand in the table.
const MOST: usize = 40;

/// What changed in one cell.
pub(crate) struct Difference<'a> {
    /// The cell of the later run.
    pub(crate) cell: &'a Cell,
    /// The change of its share of fresh hits; `None` where chance may explain it.
    pub(crate) points: Option<f64>,
    /// The change in words.
    pub(crate) words: String,
}

/// Draws the chart.
pub(crate) fn draw(differences: &[Difference]) -> Result<Svg, ChartError> {
    let mut limits: Vec<_> = Vec::new();
    let mut strategies: Vec<&str> = Vec::new();
    for one in differences {
        if !limits.contains(&one.cell.capacity) {
            limits.push(one.cell.capacity);
        }
        if !strategies.contains(&one.cell.strategy.as_str()) {
            strategies.push(&one.cell.strategy);
        }
    }
    if differences.is_empty() {
        return Err(ChartError::NoData(
            "The runs have no cell with requests in common, so there is nothing to draw",
        ));
    }
    let tile = |strategy: &str, limit| {
        let of = differences.iter().find(|one| one.cell.strategy == strategy && one.cell.capacity == limit);
        let tip = of.map_or_else(
            || "not in both runs".into(),
            |one| format!("{}: {}", format::shortened(&reading::name(one.cell), 200), one.words),
        );
        let points = of.and_then(|one| one.points);
        let text = format::points(points).replace(" points", "").replace(" point", "");
        Tile { value: points, text, tip, anchor: String::new() }
    };
    let rows = strategies.iter().take(MOST).map(|strategy| {
        let tiles = limits.iter().map(|limit| tile(strategy, *limit)).collect();
        (format::shortened(strategy, format::LONGEST_NAME), tiles)
    });
    let grid = Grid {
        title: "change of fresh hits in points; a dot where chance may explain it".into(),
        columns: limits.iter().map(|limit| reading::capacity(*limit)).collect(),
        diverging: true,
        rows: rows.collect(),
    };
    let sheet = Sheet::new(grid.height());
    grid.draw(&sheet, 0.0)?;
    let finding = format!("Change of fresh hits in {} cells.", differences.len());
    Ok(sheet.finish("difference", "Change of fresh hits", finding))
}
