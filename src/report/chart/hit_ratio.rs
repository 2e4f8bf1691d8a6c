//! Outcomes of requests as stacked bars: one row for each cell, misses by cause.

use plotters::style::Color;

use super::palette::Ink;
use super::svg::{ChartError, Hold, Sheet, Svg, TEXT, WIDTH, in_rows, text_width};
use crate::record::{Cell, Outcomes};
use crate::report::format;
use crate::report::reading::{self, Reading};

/// Rows drawn at most; the others stand in the table.
const MOST: usize = 48;
/// The same where there are very many cells.
const MOST_OF_MANY: usize = 24;
const NAMES: f64 = 280.0;
const VALUES: f64 = 56.0;
const ROW: f64 = 24.0;

/// A part of a bar.
struct Part {
    label: &'static str,
    ink: Ink,
    alpha: f64,
    count: fn(&Outcomes) -> u64,
}

const PARTS: [Part; 8] = [
    Part { label: "fresh hit", ink: Ink::S1, alpha: 1.0, count: |kinds| kinds.fresh_hit },
    Part {
        label: "stale hit",
        ink: Ink::S1,
        alpha: 0.5,
        count: |kinds| kinds.stale_hit + kinds.stale_on_error,
    },
    Part { label: "delayed hit", ink: Ink::S3, alpha: 1.0, count: |kinds| kinds.delayed_hit },
    Part { label: "miss: cold", ink: Ink::Bound, alpha: 0.55, count: |kinds| kinds.miss_cold },
    Part { label: "miss: expired", ink: Ink::S2, alpha: 1.0, count: |kinds| kinds.miss_expired },
    Part { label: "miss: evicted", ink: Ink::S4, alpha: 1.0, count: |kinds| kinds.miss_evicted },
    Part {
        label: "miss: invalidated or lost",
        ink: Ink::Bound,
        alpha: 1.0,
        count: |kinds| kinds.miss_invalidated + kinds.miss_lost,
    },
    Part { label: "error", ink: Ink::Text, alpha: 1.0, count: |kinds| kinds.error },
];

/// Draws the chart.
pub(crate) fn draw(reading: &Reading) -> Result<Svg, ChartError> {
    let known = |cell: &&&Cell| cell.requests > 0;
    let all: Vec<&Cell> = reading.ranked.iter().chain(&reading.bounds).filter(known).copied().collect();
    let Some(first) = all.first() else {
        return Err(ChartError::NoData("No requests were scored, so there are no outcomes to draw"));
    };
    let parts: Vec<&Part> =
        PARTS.iter().filter(|part| all.iter().any(|cell| (part.count)(&cell.outcomes) > 0)).collect();
    let places = in_rows(parts.iter().map(|part| part.label));
    let top = 14.0 + places.last().map_or(0.0, |(_, y)| *y) + 18.0;
    let most = if reading.is_large() { MOST_OF_MANY } else { MOST };
    let rows = all.len().min(most);
    let bottom = top + rows as f64 * ROW;
    let sheet = Sheet::new(bottom + 44.0);
    for (part, (x, y)) in parts.iter().zip(&places) {
        sheet.bar(*x, 8.0 + y, 12.0, 12.0, part.ink.color().mix(part.alpha))?;
        sheet.text(x + 17.0, 14.0 + y, part.label, Hold::Left)?;
    }
    axis(&sheet, top, bottom)?;
    for (row, cell) in all.iter().take(most).enumerate() {
        bar(&sheet, reading, cell, &parts, top + row as f64 * ROW)?;
    }
    let hits = format::percent(cell_share(first, first.outcomes.fresh_hit));
    let finding = format!(
        "Share of requests by outcome, in {rows} rows. {} has {hits} fresh hits.",
        reading.name(first)
    );
    Ok(sheet.finish("hit-ratio", "Outcomes of requests by strategy and memory limit", finding))
}

fn axis(sheet: &Sheet, top: f64, bottom: f64) -> Result<(), ChartError> {
    let across = WIDTH - NAMES - VALUES;
    for step in 0..=4 {
        let x = NAMES + across * f64::from(step) / 4.0;
        sheet.line(&[(x, top - 4.0), (x, bottom)], Ink::Grid, 1.0)?;
        sheet.text(x, bottom + 12.0, &format!("{} %", step * 25), Hold::Middle)?;
    }
    sheet.text(NAMES + across / 2.0, bottom + 32.0, "share of scored requests, %", Hold::Middle)
}

fn bar(sheet: &Sheet, reading: &Reading, cell: &Cell, parts: &[&Part], y: f64) -> Result<(), ChartError> {
    let across = WIDTH - NAMES - VALUES;
    let middle = y + ROW / 2.0 - 2.0;
    let limit = reading::capacity(cell.capacity);
    let limit_width = text_width(&limit, TEXT) + 12.0;
    let mark = if reading.is_winner(cell) { "★ " } else { "" };
    let name = reading.strategy(cell);
    let name = format!("{mark}{name}{}", if cell.baseline && !cell.oracle { " (baseline)" } else { "" });
    let label = |sheet: &Sheet| sheet.label(0.0, middle, &name, NAMES - limit_width - 8.0, Hold::Left);
    let tip = format!("{}: to its row in the table", reading.name(cell));
    sheet.linked(&reading::anchor(cell), &tip, label)?;
    sheet.text(NAMES - 8.0, middle, &limit, Hold::Right)?;
    let mut x = NAMES;
    for part in parts {
        let share = cell_share(cell, (part.count)(&cell.outcomes)).unwrap_or(0.0);
        let width = share * across;
        if width <= 0.0 {
            continue;
        }
        let tip = format!("{}, {}: {}", reading.name(cell), part.label, format::percent(share));
        // A sliver of the page's colour parts the pieces, so that hue is not all that tells them apart.
        let gap = if width > 2.5 { 1.0 } else { 0.0 };
        sheet.with_tip(&tip, |sheet| {
            sheet.bar(x, y + 2.0, width - gap, ROW - 8.0, part.ink.color().mix(part.alpha))
        })?;
        x += width;
    }
    let fresh = format::percent(cell_share(cell, cell.outcomes.fresh_hit));
    sheet.text(WIDTH, middle, &fresh, Hold::Right)
}

fn cell_share(cell: &Cell, count: u64) -> Option<f64> {
    (cell.requests > 0).then(|| (count as f64 / cell.requests as f64).min(1.0))
}
