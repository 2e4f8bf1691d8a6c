//! How sensitive the choice is: TTL (or strategy) against the cache's limit, for hits and for the origin's peak.

use std::collections::BTreeSet;

use super::heat::{Grid, Tile};
use super::svg::{ChartError, Sheet, Svg};
use crate::record::{Capacity, Cell, Record};
use crate::report::measure::{FRESH_HIT, Measure, PEAK_ORIGIN_RATE};
use crate::report::reading::{self, Reading};
use crate::report::{design, format};

/// Rows drawn at most; the others stand in the table of all cells.
const MOST: usize = 24;
/// The same where there are very many cells.
const MOST_OF_MANY: usize = 12;
/// Limits drawn at most.
const LIMITS: usize = 12;

/// Draws the chart; the second text says what was left out.
pub(crate) fn draw(reading: &Reading) -> Result<(Svg, String), ChartError> {
    let limits: BTreeSet<u64> = reading.ranked.iter().filter_map(|cell| limit(cell)).collect();
    let mut rows = rows(reading);
    if limits.len() < 2 || rows.is_empty() {
        return Err(ChartError::NoData(
            "The scenario compares no two memory limits, so there is nothing to set TTLs against",
        ));
    }
    let mut note = String::new();
    let most = if reading.is_large() { MOST_OF_MANY } else { MOST };
    if rows.len() > most {
        note = format!("The best {most} of {} strategies are drawn.", rows.len());
        rows.truncate(most);
    }
    // A fixed TTL is a number, and numbers stand in order.
    rows.sort_by(|a, b| a.ttl_s.partial_cmp(&b.ttl_s).unwrap_or(std::cmp::Ordering::Equal));
    let step = limits.len().div_ceil(LIMITS);
    let limits: Vec<u64> =
        limits.into_iter().rev().step_by(step).collect::<Vec<_>>().into_iter().rev().collect();
    let of = |measure: &'static Measure, title: &str| grid(reading, &rows, &limits, measure, title);
    let hits = of(&FRESH_HIT, "fresh hits, % of requests (light: many)");
    let peaks = of(&PEAK_ORIGIN_RATE, "origin fetches in the busiest second (light: many)");
    let sheet = Sheet::new(hits.height() + peaks.height());
    hits.draw(&sheet, 0.0)?;
    peaks.draw(&sheet, hits.height())?;
    let finding =
        format!("Fresh hits and peak origin rate of {} strategies at {} limits.", rows.len(), limits.len());
    Ok((sheet.finish("heat", "TTL and strategy against capacity", finding), note))
}

struct Row<'a> {
    name: String,
    ttl_s: Option<f64>,
    cells: Vec<&'a Cell>,
}

/// Strategies in the order of their best cells.
fn rows<'a>(reading: &Reading<'a>) -> Vec<Row<'a>> {
    let mut rows: Vec<Row> = Vec::new();
    for cell in reading.ranked.iter().copied().filter(|cell| limit(cell).is_some()) {
        let same =
            |row: &&mut Row| row.cells[0].strategy == cell.strategy && row.cells[0].eviction == cell.eviction;
        if let Some(row) = rows.iter_mut().find(same) {
            row.cells.push(cell);
            continue;
        }
        let ttl = fixed_ttl(reading.record, &cell.strategy);
        let mut name = format::shortened(&cell.strategy, format::LONGEST_NAME);
        // Many strategies are called after their TTL.
        if let Some((ttl, _)) = ttl.filter(|(_, written)| !name.contains(written)) {
            name = format!("TTL {}: {name}", format::duration(ttl));
        }
        name.push_str(&reading.names.policy(cell));
        rows.push(Row { name, ttl_s: ttl.map(|(ttl, _)| ttl), cells: vec![cell] });
    }
    rows
}

fn limit(cell: &Cell) -> Option<u64> {
    match cell.capacity {
        Some(Capacity::Bytes(limit) | Capacity::Objects(limit)) => Some(limit),
        None => None,
    }
}

/// How many different fixed TTLs the strategies of a record have.
pub(crate) fn fixed_ttls(reading: &Reading) -> usize {
    let ttls = reading.strategies().into_iter().filter_map(|name| Some(fixed_ttl(reading.record, name)?.1));
    ttls.collect::<BTreeSet<&str>>().len()
}

/// The TTL in seconds of a strategy whose TTL is fixed, and how the scenario writes it.
fn fixed_ttl<'r>(record: &'r Record, strategy: &str) -> Option<(f64, &'r str)> {
    let ttl = design::named(record, strategy)?.get("ttl")?;
    if ttl.get("rule")?.as_str()? != "fixed" {
        return None;
    }
    let written = ttl.get("ttl")?.as_str()?;
    let ttl = written.parse::<crate::units::SimDuration>().ok()?;
    Some((ttl.as_secs_f64(), written))
}

fn grid(reading: &Reading, rows: &[Row], limits: &[u64], measure: &'static Measure, title: &str) -> Grid {
    let tile = |row: &Row, wanted: u64| {
        let cell = row.cells.iter().find(|cell| limit(cell) == Some(wanted));
        let Some(cell) = cell else {
            return Tile {
                value: None,
                text: String::new(),
                tip: "not played".into(),
                anchor: String::new(),
            };
        };
        let tip = format!("{}: {} {}", reading.name(cell), measure.text(cell), measure.label);
        let text = measure.text(cell).replace("/s", "").replace(" %", "");
        Tile { value: measure.of(cell), text, tip, anchor: reading::anchor(cell) }
    };
    let head = |wanted: &u64| {
        let of = rows.iter().flat_map(|row| &row.cells).find(|cell| limit(cell) == Some(*wanted));
        of.map(|cell| reading::capacity(cell.capacity)).unwrap_or_default()
    };
    let tiles = |row: &Row| limits.iter().map(|wanted| tile(row, *wanted)).collect();
    Grid {
        title: title.into(),
        diverging: false,
        columns: limits.iter().map(head).collect(),
        rows: rows.iter().map(|row| (row.name.clone(), tiles(row))).collect(),
    }
}
