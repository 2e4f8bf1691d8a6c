//! Waiting times by percentile, on an axis that gives each further nine the same room.

use super::palette::{Ink, ink_of};
use super::panel::{BELOW, EndLabel, LEFT, Panel, end_labels};
use super::sample::Line;
use super::scale::Scale;
use super::svg::{ChartError, Hold, Sheet, Svg, WIDTH};
use crate::record::Cell;
use crate::report::format;
use crate::report::reading::Reading;

const HEIGHT: f64 = 300.0;
const RIGHT: f64 = 176.0;
const MOST: usize = 8;

/// Draws the chart.
pub(crate) fn draw(reading: &Reading) -> Result<Svg, ChartError> {
    let cells: Vec<&Cell> =
        reading.side_by_side(MOST).into_iter().filter(|cell| cell.latency_ms.p50.is_some()).collect();
    if cells.is_empty() {
        return Err(ChartError::NoData("No requests were scored, so nobody waited"));
    }
    let curve = |cell: &&Cell| -> Line {
        let waits = &cell.latency_ms;
        [(0.5, waits.p50), (0.9, waits.p90), (0.99, waits.p99), (0.999, waits.p999)]
            .map(|(share, wait): (f64, Option<f64>)| {
                (-(1.0 - share).log10(), wait.filter(|wait| wait.is_finite()))
            })
            .into()
    };
    let curves: Vec<Line> = cells.iter().map(curve).collect();
    let most = curves.iter().flatten().filter_map(|(_, wait)| *wait).fold(0.0, f64::max);
    if most <= 0.0 {
        return Err(ChartError::NoData("Nobody waited: every percentile up to 99.9 % is 0"));
    }
    let mut x = Scale::linear(0.0, 3.0, format::number);
    x.low = 0.25;
    x.high = 3.05;
    x.ticks = [(0.5_f64, "50 %"), (0.9, "90 %"), (0.99, "99 %"), (0.999, "99.9 %")]
        .map(|(share, label)| (-(1.0 - share).log10(), label.into()))
        .into();
    let y = Scale::linear(0.0, most, format::millis);
    let sheet = Sheet::new(HEIGHT);
    sheet.text(0.0, 10.0, "waiting time", Hold::Left)?;
    let area = sheet.part(0.0, 22.0, WIDTH - RIGHT, HEIGHT - 48.0);
    let mut panel = Panel::new(&area, &x, &y, true)?;
    for (cell, curve) in cells.iter().zip(&curves).rev() {
        let ink = ink_of(reading, cell);
        panel.line(curve, ink, if ink == Ink::S1 { 2.2 } else { 1.6 })?;
        for (share, wait) in curve {
            let Some(wait) = wait else { continue };
            let (x, y) = panel.at(*share, *wait);
            sheet.marker(x, y, 4.0, ink, 1.0)?;
        }
    }
    let label = |(cell, curve): (&&Cell, &Line)| {
        let (share, wait) = curve.iter().rev().find_map(|(share, wait)| Some((*share, (*wait)?)))?;
        let (x, y) = panel.at(share, wait);
        Some(EndLabel { at: (x + 4.0, y), text: cell.strategy.clone(), ink: ink_of(reading, cell) })
    };
    let labels = cells.iter().zip(&curves).filter_map(label).collect();
    end_labels(&sheet, labels, (30.0, HEIGHT - 48.0 - BELOW), RIGHT)?;
    let middle = LEFT + (WIDTH - LEFT - RIGHT) / 2.0;
    sheet.text(middle, HEIGHT - 12.0, "share of requests that wait no longer", Hold::Middle)?;
    let finding = format!(
        "Waiting times of {} cells at the 50th, 90th, 99th and 99.9th percentile, at most {}.",
        cells.len(),
        format::millis(most)
    );
    Ok(sheet.finish("latency", "Waiting time by percentile", finding))
}
