//! When stampedes happen: duplicate fetches over time, one strip for each cell on one scale.

use super::palette::ink_of;
use super::panel::{BELOW, LEFT, Panel, Shown, told};
use super::sample::Sampling;
use super::scale::Scale;
use super::svg::{ChartError, Hold, Sheet, Svg, WIDTH};
use crate::record::Cell;
use crate::report::format;
use crate::report::measure::STAMPEDES;
use crate::report::reading::Reading;

const STRIP: f64 = 74.0;
const GAP: f64 = 30.0;
/// Strips drawn at most.
const MOST: usize = 6;

/// Duplicates of one replication in what is scored, as the record counts them: `3,219 scored, mean of 4`.
fn total(reading: &Reading, cell: &Cell) -> String {
    // Samples of one trace each tell of the whole, and the record has their mean.
    let averaged = reading.record.sample.as_ref().is_some_and(|sample| sample.samples_of_one_trace > 1);
    let summed = if averaged { 1 } else { cell.replications.max(1) };
    let Some(all) = cell.stampedes.duplicate_fetches else { return String::new() };
    let mean = format::number(all as f64 / f64::from(summed));
    let of = if summed > 1 { format!(", mean of {summed}") } else { String::new() };
    format!("{mean} scored{of}")
}

/// Draws the chart; the second text says how buckets were gathered.
pub(crate) fn draw(reading: &Reading) -> Result<(Svg, String), ChartError> {
    let cells: Vec<&Cell> = reading
        .side_by_side(MOST)
        .into_iter()
        .filter(|cell| !cell.series.duplicate_fetches.is_empty())
        .collect();
    let Some(first) = cells.first() else {
        if let Some(why) = reading.untold_by_sample("stampedes", STAMPEDES.key) {
            return Err(ChartError::Untold(why));
        }
        return Err(ChartError::NoData("The record holds no series, so there is nothing to draw over time"));
    };
    let buckets = cells.iter().map(|cell| cell.series.duplicate_fetches.len()).max().unwrap_or(0);
    let span = buckets as f64 * first.series.bucket_s;
    let sampling = Sampling::of(buckets, first.series.bucket_s);
    let strips: Vec<Vec<(f64, f64)>> =
        cells.iter().map(|cell| sampling.sums(&cell.series.duplicate_fetches)).collect();
    let most = strips.iter().flatten().map(|(_, sum)| *sum).fold(0.0, f64::max);
    if most <= 0.0 || !span.is_finite() {
        return Err(ChartError::NoData(
            "No stampede occurred: no two fetches of the same object overlapped in the cells compared here",
        ));
    }
    let (time, unit) = Scale::time(span);
    let mut duplicates = Scale::linear(most, format::number);
    duplicates.ticks = vec![(0.0, "0".into()), (duplicates.high, format::number(duplicates.high))];
    let warmup = reading.record.provenance.warmup_s.clamp(0.0, span);
    let height = 24.0 + cells.len() as f64 * (STRIP + GAP) + BELOW + 8.0;
    let sheet = Sheet::new(height);
    let title = format!("duplicate origin fetches per {}", format::duration(sampling.column_s()));
    sheet.text(0.0, 10.0, &title, Hold::Left)?;
    for (index, (cell, strip)) in cells.iter().zip(&strips).enumerate() {
        let top = 24.0 + index as f64 * (STRIP + GAP);
        let last = index + 1 == cells.len();
        let line = reading.strategy(cell);
        let name = if cell.baseline { format!("{line} (baseline)") } else { line.clone() };
        sheet.label(LEFT, top + 9.0, &name, WIDTH - LEFT - 210.0, Hold::Left)?;
        sheet.text(WIDTH - 8.0, top + 9.0, &total(reading, cell), Hold::Right)?;
        let area = sheet.part(0.0, top + 16.0, WIDTH - 8.0, STRIP + if last { BELOW } else { 4.0 });
        let mut panel = Panel::new(&area, &time, &duplicates, last)?;
        if warmup > 0.0 {
            panel.shade(0.0, warmup)?;
        }
        let title = format!("duplicates, {name}");
        panel.frame(&sheet, sampling.column_s(), &Shown { title: &title, unit: "number", band: None })?;
        let values: Vec<(f64, Option<f64>)> = strip.iter().map(|(at, sum)| (*at, Some(*sum))).collect();
        // Called as in the other charts over time, so that a series is hidden in all of them.
        sheet.group(&[("data-k", &line), ("data-v", &told(&values))], |_| {
            panel.bars(strip, sampling.column_s(), ink_of(reading, cell))
        })?;
    }
    let middle = LEFT + (WIDTH - LEFT) / 2.0;
    sheet.text(middle, height - 12.0, &format!("time since the first request, {unit}"), Hold::Middle)?;
    let finding = format!(
        "Duplicate fetches over time for {} cells; {} has the first strip.",
        cells.len(),
        reading.name(first)
    );
    let several = cells.iter().any(|cell| cell.replications > 1);
    let means =
        if several { "Bars are means over the replications; the table below has their sums. " } else { "" };
    let cursor = sampling.cursor_words("the sum of a column's buckets");
    let note = format!("{means}{} {cursor}", sampling.words(buckets));
    Ok((sheet.finish("stampedes", "Duplicate origin fetches over time", finding), note))
}
