//! TTLs over time, on one scale: what a controller steered, or what fills of each class were given; a strip for each strategy.

use super::palette::Ink;
use super::panel::{BELOW, EndLabel, LEFT, Panel, Shown, plain_labels, told};
use super::sample::{COLUMNS, Line};
use super::scale::Scale;
use super::svg::{ChartError, Hold, Sheet, Svg, WIDTH};
use crate::record::{Cell, Trajectory};
use crate::report::format;
use crate::report::reading::Reading;

const STRIP: f64 = 130.0;
const GAP: f64 = 42.0;
const RIGHT: f64 = 150.0;
/// Strips drawn at most.
const MOST: usize = 6;

/// The trajectories of a cell that are drawn: those of its controller, or else those of its fills.
pub(crate) fn shown(cell: &Cell) -> Vec<&Trajectory> {
    let steered: Vec<&Trajectory> =
        cell.trajectories.iter().filter(|trajectory| trajectory.pinned_share.is_some()).collect();
    if steered.is_empty() { cell.trajectories.iter().collect() } else { steered }
}

/// Whose TTLs these are, in a word.
pub(crate) fn whose(trajectory: &Trajectory) -> String {
    match (&trajectory.class, trajectory.pinned_share) {
        (Some(class), _) => class.clone(),
        (None, Some(_)) => trajectory.name.clone(),
        (None, None) => "all".into(),
    }
}

/// Draws the chart.
pub(crate) fn draw(reading: &Reading) -> Result<Svg, ChartError> {
    let drawn = |cell: &&Cell| shown(cell).iter().any(|trajectory| !trajectory.times_s.is_empty());
    let cells: Vec<&Cell> =
        reading.side_by_side(usize::MAX).into_iter().filter(drawn).take(reading.lines(MOST)).collect();
    let values = cells.iter().flat_map(|cell| shown(cell)).flat_map(|trajectory| &trajectory.ttl_s);
    let known: Vec<f64> = values.copied().filter(|ttl| ttl.is_finite() && *ttl > 0.0).collect();
    let (least, most) = known.iter().fold((f64::MAX, 0.0_f64), |(a, b), ttl| (a.min(*ttl), b.max(*ttl)));
    let (Some(first), false) = (cells.first(), known.is_empty()) else {
        return Err(ChartError::NoData("No TTL depends on time here, so there is nothing to draw"));
    };
    let span = reading.record.trace.span_s;
    if !(span.is_finite() && span > 0.0) {
        return Err(ChartError::NoData("The trace has no length in time"));
    }
    let warmup = reading.record.provenance.warmup_s.clamp(0.0, span);
    let (time, unit) = Scale::time(span);
    let scale = Scale::durations_by_logarithm(least, most);
    let instants = cells.iter().flat_map(|cell| shown(cell)).map(|trajectory| trajectory.times_s.len());
    let columns = instants.max().unwrap_or(0).clamp(1, COLUMNS);
    let height = cells.len() as f64 * (STRIP + GAP) + BELOW + 12.0;
    let sheet = Sheet::new(height);
    for (index, cell) in cells.iter().enumerate() {
        let top = index as f64 * (STRIP + GAP);
        let last = index + 1 == cells.len();
        sheet.label(0.0, top + 10.0, &title(reading, cell), WIDTH - 8.0, Hold::Left)?;
        let below = if last { BELOW } else { 4.0 };
        let area = sheet.part(0.0, top + 25.0, WIDTH - RIGHT, STRIP + below);
        let mut panel = Panel::new(&area, &time, &scale, last)?;
        let shown_here = Shown { title: &title(reading, cell), unit: "seconds", band: None };
        panel.frame(&sheet, span / columns as f64, &shown_here)?;
        if warmup > 0.0 {
            panel.shade(0.0, warmup)?;
        }
        let mut labels = Vec::new();
        for trajectory in shown(cell).into_iter().rev() {
            let line = sampled(trajectory);
            let ink = ink_of(cell, trajectory);
            let (name, values) = (whose(trajectory), told(&by_column(trajectory, span, columns)));
            sheet.group(&[("data-k", &name), ("data-v", &values)], |_| panel.line(&line, ink, 1.8))?;
            if let Some((_, y)) = line.iter().rev().find_map(|(x, y)| Some((*x, (*y)?))) {
                let (x, y) = (panel.at(time.high, y).0, panel.at(0.0, y).1);
                labels.push(EndLabel { at: (x, y), text: whose(trajectory), ink });
            }
        }
        plain_labels(&sheet, labels, (top + 29.0, top + 23.0 + STRIP), RIGHT)?;
    }
    let middle = LEFT + (WIDTH - LEFT - RIGHT) / 2.0;
    sheet.text(middle, height - 12.0, &format!("time since the first request, {unit}"), Hold::Middle)?;
    let finding = format!(
        "TTLs of {} cells over {}, from {} to {}; {} has the first strip.",
        cells.len(),
        format::duration(span),
        format::seconds(least),
        format::seconds(most),
        reading.name(first)
    );
    Ok(sheet.finish("ttl", "TTLs over time", finding))
}

fn title(reading: &Reading, cell: &Cell) -> String {
    let shown = shown(cell);
    let what = match shown.first() {
        Some(first) if first.pinned_share.is_some() => format!("what {} steers", first.name),
        _ => "mean TTL of what was stored".into(),
    };
    let pinned = shown.iter().filter_map(|trajectory| trajectory.pinned_share).fold(0.0, f64::max);
    let pinned =
        if pinned >= 0.5 { format!(", at a limit for {}", format::percent(pinned)) } else { String::new() };
    format!("{}: {what}{pinned}", reading.names.strategy(cell, 60))
}

/// Classes have the palette's hues in their order; what is for all has that of text.
fn ink_of(cell: &Cell, trajectory: &Trajectory) -> Ink {
    let Some(class) = &trajectory.class else {
        let place = shown(cell).iter().position(|other| std::ptr::eq(*other, trajectory));
        return if place == Some(0) { Ink::Text } else { Ink::S1 };
    };
    let place = cell.classes.iter().position(|row| row.name == *class);
    place.and_then(|place| Ink::SERIES.get(place)).copied().unwrap_or(Ink::Bound)
}

/// As many points as the chart has columns: instants and TTLs are averaged by neighbours.
fn sampled(trajectory: &Trajectory) -> Line {
    let group = trajectory.times_s.len().div_ceil(COLUMNS).max(1);
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let columns = trajectory.times_s.chunks(group).zip(trajectory.ttl_s.chunks(group));
    columns
        .map(|(times, ttls)| (mean(times), Some(mean(ttls)).filter(|ttl| ttl.is_finite() && *ttl > 0.0)))
        .collect()
}

/// What the page's cursor tells of each of the columns of a span: the mean of the instants in it, or the latest before it.
fn by_column(trajectory: &Trajectory, span: f64, columns: usize) -> Line {
    let column = span / columns as f64;
    let mut points = trajectory.times_s.iter().copied().zip(trajectory.ttl_s.iter().copied()).peekable();
    let mut latest = None;
    let mut line = Line::with_capacity(columns);
    for index in 0..columns {
        let (ends, mut here) = ((index + 1) as f64 * column, Vec::new());
        while let Some((_, ttl)) = points.next_if(|(at, _)| *at < ends) {
            here.push(ttl);
        }
        if !here.is_empty() {
            let known: Vec<f64> = here.into_iter().filter(|ttl| ttl.is_finite()).collect();
            latest = (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64);
        }
        line.push(((index as f64 + 0.5) * column, latest));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cursor_tells_means_and_else_the_latest() {
        let trajectory = Trajectory {
            name: "d-ttl".into(),
            class: None,
            times_s: vec![1.5, 3.2, 3.4, 5.0, 7.5],
            ttl_s: vec![10.0, 20.0, 40.0, f64::NAN, 50.0],
            pinned_share: Some(0.0),
            shadows: Vec::new(),
        };
        let values: Vec<Option<f64>> =
            by_column(&trajectory, 20.0, 20).into_iter().map(|(_, ttl)| ttl).collect();
        let want = [None, Some(10.0), Some(10.0), Some(30.0), Some(30.0), None, None, Some(50.0), Some(50.0)];
        assert_eq!(values[..9], want);
        assert!(values.len() == 20 && values[9..].iter().all(|ttl| *ttl == Some(50.0)));
    }
}
