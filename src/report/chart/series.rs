//! The run over time: hit ratio, memory, origin rate and fetches in flight above one time axis.

use super::palette::{Ink, ink_of};
use super::panel::{BELOW, EndLabel, LEFT, Panel, end_labels};
use super::sample::{Line, Sampling};
use super::scale::Scale;
use super::svg::{ChartError, Hold, Sheet, Svg, WIDTH};
use crate::record::Cell;
use crate::report::format;
use crate::report::reading::{self, Reading};

const PANEL: f64 = 150.0;
const GAP: f64 = 40.0;
const RIGHT: f64 = 176.0;
/// Lines drawn at most.
const MOST: usize = 8;

/// A panel's lines, one for each cell.
struct Rows {
    title: String,
    scale: Scale,
    lines: Vec<Line>,
    /// Upper edges of bands above the lines, for cells that have one.
    bands: Vec<Option<Line>>,
}

/// Draws the chart; the second text says how buckets were gathered and where axes start.
pub(crate) fn draw(reading: &Reading) -> Result<(Svg, String), ChartError> {
    let cells: Vec<&Cell> =
        reading.side_by_side(MOST).into_iter().filter(|cell| !cell.series.requests.is_empty()).collect();
    let Some(first) = cells.first() else {
        return Err(ChartError::NoData("The record holds no series, so there is nothing to draw over time"));
    };
    let buckets = cells.iter().map(|cell| cell.series.requests.len()).max().unwrap_or(0);
    let sampling = Sampling::of(buckets, first.series.bucket_s);
    let span = buckets as f64 * first.series.bucket_s;
    if !(span.is_finite() && span > 0.0) {
        return Err(ChartError::NoData("The series have no length in time"));
    }
    let warmup = reading.record.provenance.warmup_s.clamp(0.0, span);
    let focus = reading.focus().map(|cell| &cell.id);
    let emphasised: Vec<bool> = cells.iter().map(|cell| Some(&cell.id) == focus || cell.baseline).collect();
    let (time, unit) = Scale::time(span);
    let panels = [
        hit_ratio(&cells, sampling, warmup),
        memory(&cells, sampling, &emphasised),
        origin(&cells, sampling, &emphasised),
        in_flight(&cells, sampling),
    ];
    let count = panels.len() as f64;
    let height = count * (PANEL + GAP) + BELOW + 12.0;
    let sheet = Sheet::new(height);
    for (index, rows) in panels.iter().enumerate() {
        let top = index as f64 * (PANEL + GAP);
        let last = index + 1 == panels.len();
        sheet.text(0.0, top + 10.0, &rows.title, Hold::Left)?;
        draw_panel(&sheet, reading, &cells, rows, &time, top + 25.0, last, warmup)?;
    }
    let middle = LEFT + (WIDTH - LEFT - RIGHT) / 2.0;
    sheet.text(middle, height - 12.0, &format!("time since the first request, {unit}"), Hold::Middle)?;
    let finding =
        format!("{} cells over {}, {}", cells.len(), format::duration(span), sampling.words(buckets));
    let start = format::percent(panels[0].scale.low);
    let note = format!("{} The hit ratio's axis starts at {start}.", sampling.words(buckets));
    Ok((sheet.finish("series", "The run over time", finding), note))
}

#[expect(clippy::too_many_arguments, reason = "one panel is drawn from all that the panels share")]
fn draw_panel(
    sheet: &Sheet,
    reading: &Reading,
    cells: &[&Cell],
    rows: &Rows,
    time: &Scale,
    top: f64,
    last: bool,
    warmup: f64,
) -> Result<(), ChartError> {
    let below = if last { BELOW } else { 4.0 };
    let area = sheet.part(0.0, top, WIDTH - RIGHT, PANEL + below);
    let mut panel = Panel::new(&area, time, &rows.scale, last)?;
    if warmup > 0.0 {
        panel.shade(0.0, warmup)?;
        let (from, _) = panel.at(0.0, 0.0);
        let (to, _) = panel.at(warmup, 0.0);
        if last && to - from > 60.0 {
            sheet.text(f64::midpoint(from, to), top + 18.0, "warm-up", Hold::Middle)?;
        }
    }
    // The recommended cell and the baseline come last, on top of the others.
    for (cell, (line, band)) in cells.iter().zip(rows.lines.iter().zip(&rows.bands)).rev() {
        let ink = ink_of(reading, cell);
        if let Some(high) = band {
            panel.band(line, high, ink, 0.25)?;
        }
        panel.line(line, ink, if ink == Ink::S1 { 2.2 } else { 1.6 })?;
    }
    let capacities = cells.iter().any(|cell| cell.capacity != cells[0].capacity);
    let label = |(cell, line): (&&Cell, &Line)| {
        let (x, y) = line.iter().rev().find_map(|(x, y)| Some((*x, (*y)?)))?;
        let text = if capacities { reading::name(cell) } else { cell.strategy.clone() };
        let (_, y) = panel.at(x, y);
        let (x, _) = panel.at(time.high, 0.0);
        Some(EndLabel { at: (x, y), text, ink: ink_of(reading, cell) })
    };
    let labels: Vec<EndLabel> = cells.iter().zip(&rows.lines).filter_map(label).collect();
    end_labels(sheet, labels, (top + 4.0, top + PANEL - 2.0), RIGHT)
}

fn hit_ratio(cells: &[&Cell], sampling: Sampling, warmup: f64) -> Rows {
    let ratios = |cell: &&Cell| sampling.ratios(&cell.series.fresh_hit, &cell.series.requests);
    let mut lines: Vec<Line> = cells.iter().map(ratios).collect();
    let scored = lines.iter().flatten().filter(|(at, _)| *at > warmup).filter_map(|(_, ratio)| *ratio);
    let least = scored.fold(1.0, f64::min);
    let low = if least >= 0.3 { ((least * 10.0 - 0.2).floor() / 10.0).max(0.0) } else { 0.0 };
    for (_, ratio) in lines.iter_mut().flatten() {
        *ratio = ratio.filter(|ratio| *ratio >= low);
    }
    let bands = vec![None; lines.len()];
    Rows { title: "fresh hits, % of requests".into(), scale: Scale::shares(low), lines, bands }
}

fn memory(cells: &[&Cell], sampling: Sampling, emphasised: &[bool]) -> Rows {
    let live: Vec<_> = cells.iter().map(|cell| sampling.means(&cell.series.live_bytes)).collect();
    let all: Vec<Line> = cells
        .iter()
        .zip(&live)
        .map(|(cell, live)| {
            let expired = sampling.means(&cell.series.expired_bytes);
            live.iter()
                .zip(expired)
                .map(|(live, expired)| (live.0, live.1.zip(expired.1).map(|(a, b)| a + b)))
                .collect()
        })
        .collect();
    let bands = all.iter().zip(emphasised).map(|(all, shown)| shown.then(|| all.clone())).collect();
    let scale = Scale::bytes(most(&all));
    Rows {
        title: "memory of live entries; the band above is expired but resident".into(),
        scale,
        lines: live,
        bands,
    }
}

fn origin(cells: &[&Cell], sampling: Sampling, emphasised: &[bool]) -> Rows {
    let rate = |cell: &&Cell| -> Line {
        let means = sampling.means(&cell.series.fetches);
        means
            .into_iter()
            .map(|(at, fetches)| (at, fetches.map(|fetches| fetches / cell.series.bucket_s)))
            .collect()
    };
    let lines: Vec<_> = cells.iter().map(rate).collect();
    let peaks: Vec<_> = cells.iter().map(|cell| sampling.peaks(&cell.series.peak_fetch_rate)).collect();
    let highest = most(&lines).max(most(&peaks));
    let bands = peaks.into_iter().zip(emphasised).map(|(peaks, shown)| shown.then_some(peaks)).collect();
    let title = "origin fetches per second: mean, and band up to the busiest second".into();
    Rows { title, scale: Scale::linear(0.0, highest, format::number), lines, bands }
}

fn in_flight(cells: &[&Cell], sampling: Sampling) -> Rows {
    let lines: Vec<_> = cells.iter().map(|cell| sampling.peaks(&cell.series.peak_in_flight)).collect();
    let bands = vec![None; lines.len()];
    let scale = Scale::linear(0.0, most(&lines).max(1.0), format::number);
    Rows { title: "origin fetches in flight, most at once".into(), scale, lines, bands }
}

fn most(lines: &[Line]) -> f64 {
    lines
        .iter()
        .flatten()
        .filter_map(|(_, value)| *value)
        .filter(|value| value.is_finite())
        .fold(0.0, f64::max)
}
