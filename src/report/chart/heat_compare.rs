//! How fresh hits changed between two runs: strategy and policy against the cache's limit, a dot where chance may explain it.

use super::heat::{Grid, Tile};
use super::svg::{ChartError, Sheet, Svg};
use crate::record::Cell;
use crate::report::format;
use crate::report::reading::{self, Names};

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

/// What the fields tell, with the signs that occur.
fn title(differences: &[Difference], fields: usize) -> String {
    let has = |points: Option<f64>| differences.iter().any(|one| one.points == points);
    let mut title = "change of fresh hits in points".to_owned();
    if has(Some(0.0)) {
        title.push_str("; = nothing changed");
    }
    match (has(None), differences.len() < fields) {
        (true, true) => title.push_str("; a dot where chance may explain it, or only one run has the cell"),
        (true, false) => title.push_str("; a dot where chance may explain it"),
        (false, true) => title.push_str("; a dot where only one run has the cell"),
        (false, false) => {}
    }
    title
}

/// Draws the chart.
pub(crate) fn draw(names: Names, differences: &[Difference]) -> Result<Svg, ChartError> {
    let mut limits: Vec<_> = Vec::new();
    let mut kinds: Vec<&Cell> = Vec::new();
    let same = |one: &Cell, other: &Cell| one.strategy == other.strategy && one.eviction == other.eviction;
    for one in differences {
        if !limits.contains(&one.cell.capacity) {
            limits.push(one.cell.capacity);
        }
        if !kinds.iter().any(|other| same(one.cell, other)) {
            kinds.push(one.cell);
        }
    }
    if differences.is_empty() {
        return Err(ChartError::NoData(
            "The runs have no cell with requests in common, so there is nothing to draw",
        ));
    }
    let tile = |kind: &Cell, limit| {
        let of = differences.iter().find(|one| same(one.cell, kind) && one.cell.capacity == limit);
        let tip = of.map_or_else(
            || "not in both runs".into(),
            |one| format!("{}: {}", format::shortened(&names.cell(one.cell), 200), one.words),
        );
        let points = of.and_then(|one| one.points);
        // As in the terminal: nothing changed is no change that rounds to nothing.
        let text = match points {
            Some(0.0) => "=".into(),
            _ => format::points(points).replace(" points", "").replace(" point", ""),
        };
        Tile { value: points, text, tip, anchor: String::new() }
    };
    let rows = kinds.iter().take(MOST).map(|kind| {
        let tiles = limits.iter().map(|limit| tile(kind, *limit)).collect();
        (names.strategy(kind, format::LONGEST_NAME), tiles)
    });
    let grid = Grid {
        title: title(differences, kinds.len().min(MOST) * limits.len()),
        columns: limits.iter().map(|limit| reading::capacity(*limit)).collect(),
        diverging: true,
        rows: rows.collect(),
    };
    let sheet = Sheet::new(grid.height());
    grid.draw(&sheet, 0.0)?;
    let finding = format!("Change of fresh hits in {} cells.", differences.len());
    Ok(sheet.finish("difference", "Change of fresh hits", finding))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    #[test]
    fn unchanged_has_a_sign_of_its_own() {
        let record = fixture::thumbnails();
        let drawn = |points: &[Option<f64>]| {
            let told = record.cells.iter().zip(points);
            let differences: Vec<Difference> = told
                .map(|(cell, points)| Difference { cell, points: *points, words: String::new() })
                .collect();
            draw(Names::of(&record.cells), &differences).unwrap().inline()
        };
        let svg = drawn(&[Some(0.0), None, Some(0.02), Some(-0.0), None, Some(0.01)]);
        assert_eq!((svg.matches(">=<").count(), svg.matches(">·<").count()), (2, 2), "{svg}");
        assert!(svg.contains("; = nothing changed; a dot where chance may explain it<"), "{svg}");
        let svg = drawn(&[Some(0.01), Some(0.02), Some(0.01), Some(0.01)]);
        assert!(svg.contains("in points; a dot where only one run has the cell<"), "{svg}");
    }
}
