//! What was predicted and what was measured over time: a strip for each figure of each cell, on one scale of time. What no model
//! predicts, the server's own time on reads and writes, has a strip as well.

use std::borrow::Cow;

use super::palette::Ink;
use super::panel::{BELOW, EndLabel, LEFT, Panel, plain_labels};
use super::sample::{Line, Sampling};
use super::scale::Scale;
use super::svg::{ChartError, Hold, Sheet, Svg, WIDTH};
use crate::report::measure::Unit;

const STRIP: f64 = 110.0;
const GAP: f64 = 42.0;
const RIGHT: f64 = 120.0;

/// One figure of one cell over time.
pub(crate) struct Strip<'a> {
    /// What it is, and of which cell.
    pub(crate) title: String,
    /// In what it is counted.
    pub(crate) unit: Unit,
    /// Length of a bucket in seconds.
    pub(crate) bucket_s: f64,
    /// Its two lines by their names, each by bucket: the dashed one first.
    pub(crate) lines: [(&'static str, Cow<'a, [Option<f64>]>); 2],
}

impl Strip<'_> {
    fn span(&self) -> f64 {
        self.buckets() as f64 * self.bucket_s
    }

    fn buckets(&self) -> usize {
        self.lines.iter().map(|(_, values)| values.len()).max().unwrap_or(0)
    }

    fn most(&self) -> f64 {
        let known = self.lines.iter().flat_map(|(_, values)| values.iter().flatten());
        known.copied().filter(|value| value.is_finite()).fold(0.0, f64::max)
    }

    fn line(&self, of: &[Option<f64>]) -> Line {
        let values: Vec<f64> = of.iter().map(|value| value.unwrap_or(f64::NAN)).collect();
        Sampling::of(self.buckets(), self.bucket_s).means(&values)
    }
}

/// Draws the chart; a figure that stays 0 has no strip.
pub(crate) fn draw(strips: &[Strip]) -> Result<Svg, ChartError> {
    let strips: Vec<&Strip> = strips.iter().filter(|strip| strip.most() > 0.0).collect();
    let span = strips.iter().map(|strip| strip.span()).fold(0.0, f64::max);
    if strips.is_empty() || !(span.is_finite() && span > 0.0) {
        return Err(ChartError::NoData("Nothing that was measured over time was above 0"));
    }
    let (time, unit) = Scale::time(span);
    let height = strips.len() as f64 * (STRIP + GAP) + BELOW + 12.0;
    let sheet = Sheet::new(height);
    for (index, strip) in strips.iter().enumerate() {
        let top = index as f64 * (STRIP + GAP);
        let last = index + 1 == strips.len();
        sheet.label(0.0, top + 10.0, &strip.title, WIDTH - 8.0, Hold::Left)?;
        let scale = Scale::between(0.0, strip.most(), strip.unit);
        let below = if last { BELOW } else { 4.0 };
        let area = sheet.part(0.0, top + 22.0, WIDTH - RIGHT, STRIP + below);
        let mut panel = Panel::new(&area, &time, &scale, last)?;
        let mut labels = Vec::new();
        // The dashed one lies above the other, which shows through where they are the same.
        for ((name, values), ink) in strip.lines.iter().zip([Ink::S2, Ink::S1]).rev() {
            let line = strip.line(values);
            sheet.group(&[("data-k", *name)], |_| panel.line(&line, ink, 1.8))?;
            if let Some((x, y)) = line.iter().rev().find_map(|(x, y)| Some((*x, (*y)?))) {
                let at = (panel.at(time.high, y).0, panel.at(x, y).1);
                labels.push(EndLabel { at, text: (*name).into(), ink });
            }
        }
        plain_labels(&sheet, labels, (top + 30.0, top + 20.0 + STRIP), RIGHT)?;
    }
    let middle = LEFT + (WIDTH - LEFT - RIGHT) / 2.0;
    sheet.text(middle, height - 12.0, &format!("time since the first request, {unit}"), Hold::Middle)?;
    let finding = format!("{} figures over time, as predicted and as measured.", strips.len());
    Ok(sheet.finish("predicted", "Predicted beside measured, over time", finding))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_lines_are_drawn_under_round_ticks_and_what_stays_zero_is_not() {
        let strip = |values: &'static [Option<f64>], unit| Strip {
            title: "lock: used_memory".into(),
            unit,
            bucket_s: 1.0,
            lines: ["predicted", "measured"].map(|name| (name, Cow::Borrowed(values))),
        };
        let some = &[None, Some(1.5e6), Some(1.9e6)];
        let svg = draw(&[strip(some, Unit::Bytes), strip(&[Some(0.0)], Unit::Rate)]).unwrap().inline();
        assert!(svg.contains(">512 KiB<") && svg.contains(">2 MiB<"), "{svg}");
        assert_eq!(svg.matches(">measured<").count(), 1, "{svg}");
        let place = |name: &str| svg.find(&format!("data-k=\"{name}\"")).unwrap();
        assert!(place("measured") < place("predicted"), "what is dashed is drawn last: {svg}");
        assert!(svg.contains("1 figures") && !svg.contains("NaN"), "{svg}");
        assert!(draw(&[]).is_err() && draw(&[strip(&[Some(0.0)], Unit::Share)]).is_err());
    }
}
