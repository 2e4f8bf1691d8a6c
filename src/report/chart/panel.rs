//! Axes, grid and series of one panel, and the labels at the ends of its lines.

use std::ops::Range;

use plotters::chart::{ChartBuilder, ChartContext};
use plotters::coord::Shift;
use plotters::coord::cartesian::Cartesian2d;
use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged};
use plotters::drawing::DrawingArea;
use plotters::element::{Polygon, Rectangle};
use plotters::series::LineSeries;
use plotters::style::{Color, TRANSPARENT};

use super::canvas::{Canvas, SCALE};
use super::palette::Ink;
use super::scale::Scale;
use super::svg::{ChartError, Hold, Sheet, TEXT, length, stroke, text_style};

/// Room for the labels of the vertical axis, in units of the drawing.
pub(super) const LEFT: f64 = 66.0;
/// Room for the labels of the horizontal axis.
pub(super) const BELOW: f64 = 22.0;

/// A scale as plotters sees it: places values that are between 0 and 1 of the way already.
struct Axis(Scale);

impl Ranged for Axis {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (from, to): (i32, i32)) -> i32 {
        let share = (value - self.0.low) / (self.0.high - self.0.low);
        #[expect(
            clippy::cast_possible_truncation,
            reason = "pixels of a small drawing; anything else saturates"
        )]
        let offset = (share * f64::from(to - from)).round() as i32;
        from.saturating_add(offset)
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        self.0.ticks.iter().map(|(at, _)| *at).collect()
    }

    fn range(&self) -> Range<f64> {
        self.0.low..self.0.high
    }
}

/// A panel with its axes drawn.
pub(super) struct Panel<'a> {
    chart: ChartContext<'a, Canvas, Cartesian2d<Axis, Axis>>,
    x: Scale,
    y: Scale,
}

/// What a panel over time shows, for the page's script.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shown<'a> {
    /// Its title.
    pub(super) title: &'a str,
    /// The unit of its values, as the script knows it.
    pub(super) unit: &'a str,
    /// What the upper edges of bands tell, where there are any.
    pub(super) band: Option<&'a str>,
}

/// A label that belongs to a point of a line.
#[derive(Debug, Clone)]
pub(super) struct EndLabel {
    /// Where the line ends, in units of the sheet.
    pub(super) at: (f64, f64),
    /// What it says.
    pub(super) text: String,
    /// Colour of the line.
    pub(super) ink: Ink,
}

impl<'a> Panel<'a> {
    /// Draws grid and axes into an area; `below` says whether the horizontal axis has labels.
    pub(super) fn new(
        area: &'a DrawingArea<Canvas, Shift>,
        x: &Scale,
        y: &Scale,
        below: bool,
    ) -> Result<Self, ChartError> {
        let mut chart = ChartBuilder::on(area)
            .set_left_and_bottom_label_area_size(length(LEFT))
            .x_label_area_size(length(if below { BELOW } else { 4.0 }))
            .margin_top(length(TEXT / 2.0))
            .build_cartesian_2d(Axis(x.clone()), Axis(y.clone()))?;
        let label = |scale: &Scale, at: f64| {
            let nearest = scale.ticks.iter().find(|(tick, _)| (tick - at).abs() <= (tick.abs() * 1e-9));
            nearest.map(|(_, label)| label.clone()).unwrap_or_default()
        };
        chart
            .configure_mesh()
            .disable_x_mesh()
            .bold_line_style(stroke(Ink::Grid, 1.0))
            .light_line_style(TRANSPARENT)
            .axis_style(stroke(Ink::Axis, 1.0))
            .label_style(text_style(Hold::Middle))
            .set_all_tick_mark_size(length(4.0))
            .x_label_formatter(&|at| if below { label(x, *at) } else { String::new() })
            .y_label_formatter(&|at| label(y, *at))
            .draw()?;
        Ok(Self { chart, x: x.clone(), y: y.clone() })
    }

    /// A value as the panel places it.
    fn placed(&self, x: f64, y: f64) -> (f64, f64) {
        let along = |scale: &Scale, value: f64| scale.low + scale.share(value) * (scale.high - scale.low);
        (along(&self.x, x), along(&self.y, y))
    }

    /// Where a value lies on the sheet.
    pub(super) fn at(&self, x: f64, y: f64) -> (f64, f64) {
        let (x, y) = self.chart.backend_coord(&self.placed(x, y));
        (f64::from(x) / f64::from(SCALE), f64::from(y) / f64::from(SCALE))
    }

    /// A line; where a value is missing, so is the line.
    pub(super) fn line(
        &mut self,
        points: &[(f64, Option<f64>)],
        ink: Ink,
        width: f64,
    ) -> Result<(), ChartError> {
        for piece in pieces(points) {
            let placed: Vec<(f64, f64)> = piece.iter().map(|&(x, y)| self.placed(x, y)).collect();
            self.chart.draw_series(LineSeries::new(placed, stroke(ink, width)))?;
        }
        Ok(())
    }

    /// A vertical rule across the panel.
    pub(super) fn rule(&mut self, at: f64, ink: Ink) -> Result<(), ChartError> {
        let x = self.placed(at, 0.0).0;
        let ends = vec![(x, self.y.low), (x, self.y.high)];
        self.chart.draw_series(LineSeries::new(ends, stroke(ink, 1.0)))?;
        Ok(())
    }

    /// A horizontal rule across the panel.
    pub(super) fn level(&mut self, value: f64, ink: Ink) -> Result<(), ChartError> {
        let y = self.placed(0.0, value).1;
        let ends = vec![(self.x.low, y), (self.x.high, y)];
        self.chart.draw_series(LineSeries::new(ends, stroke(ink, 1.0)))?;
        Ok(())
    }

    /// The plotting area on the sheet: left, top, right, bottom.
    pub(super) fn area(&self) -> [f64; 4] {
        let place = |(x, y): (i32, i32)| (f64::from(x) / f64::from(SCALE), f64::from(y) / f64::from(SCALE));
        let (left, bottom) = place(self.chart.backend_coord(&(self.x.low, self.y.low)));
        let (right, top) = place(self.chart.backend_coord(&(self.x.high, self.y.high)));
        [left, top, right, bottom]
    }

    /// Tells the page's script where the panel lies, how long its columns are, in seconds, and what it shows.
    pub(super) fn frame(&self, sheet: &Sheet, column_s: f64, shown: &Shown) -> Result<(), ChartError> {
        let area = self.area().map(|edge| ((edge * 10.0).round() / 10.0).to_string()).join(" ");
        let (span, column) = (format!("{} {}", self.x.low, self.x.high), column_s.to_string());
        let mut told = vec![("class", "frame"), ("data-area", &area), ("data-span", &span)];
        told.extend([
            ("data-column", column.as_str()),
            ("data-title", shown.title),
            ("data-unit", shown.unit),
        ]);
        told.extend(shown.band.map(|band| ("data-band", band)));
        sheet.group(&told, |_| Ok(()))
    }

    /// The surface between a lower and an upper line; fainter where it is grey, for grey ones on top of each other would
    /// hide what lies below.
    pub(super) fn band(
        &mut self,
        low: &[(f64, Option<f64>)],
        high: &[(f64, Option<f64>)],
        ink: Ink,
        alpha: f64,
    ) -> Result<(), ChartError> {
        let both: Vec<(f64, Option<f64>)> =
            low.iter().zip(high).map(|(low, high)| (low.0, low.1.and(high.1))).collect();
        let mut start = 0;
        for piece in both.chunk_by(|a, b| a.1.is_some() == b.1.is_some()) {
            let (from, to) = (start, start + piece.len());
            start = to;
            if piece.len() < 2 || piece[0].1.is_none() {
                continue;
            }
            let value = |(x, y): &(f64, Option<f64>)| y.map(|y| self.placed(*x, y));
            let there = high[from..to].iter().filter_map(value);
            let back = low[from..to].iter().rev().filter_map(value);
            let outline: Vec<(f64, f64)> = there.chain(back).collect();
            let alpha = if ink.is_grey() { alpha * 0.4 } else { alpha };
            self.chart.draw_series([Polygon::new(outline, ink.color().mix(alpha))])?;
        }
        Ok(())
    }

    /// Bars from zero, each `width` wide and starting at its first value.
    pub(super) fn bars(&mut self, bars: &[(f64, f64)], width: f64, ink: Ink) -> Result<(), ChartError> {
        let corners = |&(x, y): &(f64, f64)| [self.placed(x, 0.0), self.placed(x + width, y)];
        let boxes: Vec<_> = bars.iter().filter(|(_, y)| *y > 0.0).map(corners).collect();
        self.chart
            .draw_series(boxes.into_iter().map(|corners| Rectangle::new(corners, ink.color().filled())))?;
        Ok(())
    }

    /// Shades a stretch of the horizontal axis from bottom to top.
    pub(super) fn shade(&mut self, from: f64, to: f64) -> Result<(), ChartError> {
        let corners = [(self.placed(from, 0.0).0, self.y.low), (self.placed(to, 0.0).0, self.y.high)];
        let fill = Ink::Bound.color().mix(0.18).filled();
        self.chart.draw_series([Rectangle::new(corners, fill)])?;
        Ok(())
    }
}

/// The values of a line as the page's script reads them, whole numbers in full and others to nine digits:
/// `268435456,,0.970812345`.
pub(super) fn told(line: &[(f64, Option<f64>)]) -> String {
    let exact = |value: f64| {
        // Written and read again, for the shortest form of what nine digits leave.
        let nine: f64 = format!("{value:.8e}").parse().unwrap_or(value);
        if value.fract() == 0.0 { value.to_string() } else { nine.to_string() }
    };
    let value = |value: Option<f64>| value.filter(|value| value.is_finite()).map(exact).unwrap_or_default();
    line.iter().map(|(_, known)| value(*known)).collect::<Vec<_>>().join(",")
}

/// Unbroken pieces of a line.
fn pieces(points: &[(f64, Option<f64>)]) -> Vec<Vec<(f64, f64)>> {
    let known = |&(x, y): &(f64, Option<f64>)| y.filter(|y| y.is_finite()).map(|y| (x, y));
    points
        .chunk_by(|a, b| known(a).is_some() == known(b).is_some())
        .map(|piece| piece.iter().filter_map(known).collect::<Vec<_>>())
        .filter(|piece| piece.len() > 1)
        .collect()
}

/// Writes labels beside the ends of lines with markers, moved apart where they would collide; each has a sample of its
/// line with its marker.
pub(super) fn end_labels(
    sheet: &Sheet,
    labels: Vec<EndLabel>,
    within: (f64, f64),
    width: f64,
) -> Result<(), ChartError> {
    labels_beside(sheet, labels, within, width, true)
}

/// The same beside lines that have no markers.
pub(super) fn plain_labels(
    sheet: &Sheet,
    labels: Vec<EndLabel>,
    within: (f64, f64),
    width: f64,
) -> Result<(), ChartError> {
    labels_beside(sheet, labels, within, width, false)
}

fn labels_beside(
    sheet: &Sheet,
    mut labels: Vec<EndLabel>,
    (top, bottom): (f64, f64),
    width: f64,
    marked: bool,
) -> Result<(), ChartError> {
    labels.sort_by(|a, b| a.at.1.total_cmp(&b.at.1));
    let gap = TEXT + 2.0;
    let mut heights: Vec<f64> = labels.iter().map(|label| label.at.1).collect();
    for index in 1..heights.len() {
        heights[index] = heights[index].max(heights[index - 1] + gap);
    }
    if let Some(last) = heights.last_mut() {
        *last = last.min(bottom);
    }
    for index in (1..heights.len()).rev() {
        heights[index - 1] = heights[index - 1].min(heights[index] - gap);
    }
    for (label, height) in labels.iter().zip(heights) {
        let ((x, y), height) = (label.at, height.max(top));
        sheet.group(&[("data-k", &label.text)], |sheet| {
            // Long enough for the longest dash.
            sheet.line(&[(x + 1.0, y), (x + 4.0, height), (x + 28.0, height)], label.ink, 1.6)?;
            if marked {
                sheet.marker(x + 16.0, height, 3.2, label.ink, 1.0)?;
            }
            sheet.label(x + 32.0, height, &label.text, width - 32.0, Hold::Left)
        })?;
    }
    Ok(())
}
