//! The course of a search: what every trial came to, and the best so far.

use super::palette::Ink;
use super::panel::{BELOW, EndLabel, LEFT, Panel, plain_labels};
use super::scale::Scale;
use super::svg::{ChartError, Hold, Sheet, Svg, WIDTH};
use crate::report::measure::Unit;

const HEIGHT: f64 = 320.0;
const TOP: f64 = 26.0;
const RIGHT: f64 = 130.0;
/// Points that have a tip.
const TIPS: usize = 300;

/// A trial as it is drawn.
pub(crate) struct Dot {
    /// The objective.
    pub(crate) value: f64,
    /// Whether it keeps the constraints.
    pub(crate) keeps: bool,
    /// Whether it was played on the whole trace.
    pub(crate) whole: bool,
    /// What it is, for its tip.
    pub(crate) tip: String,
}

/// Draws the chart; `objective` names the vertical axis, and `higher` says which direction is better.
pub(crate) fn draw(
    dots: &[Dot],
    baseline: Option<f64>,
    objective: &str,
    unit: Unit,
    higher: bool,
) -> Result<Svg, ChartError> {
    let values = || dots.iter().map(|dot| dot.value).chain(baseline).filter(|value| value.is_finite());
    let (low, high) = (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
    if dots.is_empty() || !low.is_finite() {
        return Err(ChartError::NoData("No trial has a value to draw"));
    }
    // A hair's breadth, so that no point lies on the frame.
    let room = if high > low { (high - low) * 0.02 } else { high.abs().max(1.0) * 0.05 };
    let x = Scale::counted(dots.len() as f64);
    let y = Scale::between(low - room, high + room, unit);
    let sheet = Sheet::new(HEIGHT);
    sheet.text(0.0, 10.0, objective, Hold::Left)?;
    sheet.text(LEFT + (WIDTH - LEFT - RIGHT) / 2.0, HEIGHT - 12.0, "trial", Hold::Middle)?;
    let area = sheet.part(0.0, TOP, WIDTH - RIGHT, HEIGHT - TOP - 26.0);
    let mut panel = Panel::new(&area, &x, &y, true)?;
    let mut labels = Vec::new();
    let end = |panel: &Panel, value: f64| panel.at(dots.len() as f64, value);
    if let Some(baseline) = baseline.filter(|value| value.is_finite()) {
        sheet.group(&[("data-k", "baseline")], |_| panel.level(baseline, Ink::Text))?;
        labels.push(EndLabel { at: end(&panel, baseline), text: "baseline".into(), ink: Ink::Text });
    }
    let mut best: Option<f64> = None;
    let mut steps: Vec<(f64, f64)> = Vec::new();
    for (index, dot) in dots.iter().enumerate().filter(|(_, dot)| dot.value.is_finite()) {
        let (at_x, at_y) = panel.at(index as f64 + 1.0, dot.value);
        let ink = if dot.keeps { Ink::S1 } else { Ink::Bound };
        let (radius, alpha) = if dot.whole { (4.0, 0.8) } else { (2.5, 0.5) };
        let mark = |sheet: &Sheet| sheet.marker(at_x, at_y, radius, ink, alpha);
        if index < TIPS {
            sheet.with_tip(&dot.tip, mark)?;
        } else {
            mark(&sheet)?;
        }
        let is_better = |best: f64| if higher { dot.value > best } else { dot.value < best };
        if dot.keeps && dot.whole && best.is_none_or(is_better) {
            if let Some(before) = best {
                steps.push((at_x, panel.at(0.0, before).1));
            }
            steps.push((at_x, at_y));
            best = Some(dot.value);
        }
    }
    if let Some(best) = best {
        steps.push(end(&panel, best));
        labels.push(EndLabel { at: end(&panel, best), text: "best so far".into(), ink: Ink::S1 });
    }
    if steps.len() > 1 {
        sheet.group(&[("data-k", "best so far")], |sheet| sheet.line(&steps, Ink::S1, 1.6))?;
    }
    plain_labels(&sheet, labels, (TOP + 8.0, HEIGHT - 26.0 - BELOW), RIGHT)?;
    let finding = format!(
        "{} trials; the best that keeps the constraints came to {}, the baseline to {}.",
        dots.len(),
        unit.print(best),
        unit.print(baseline)
    );
    Ok(sheet.finish("search", "The course of the search", finding))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dot(value: f64) -> Dot {
        Dot { value, keeps: true, whole: true, tip: format!("{value}") }
    }

    #[test]
    fn every_trial_with_a_value_is_a_point_and_the_finding_names_the_best() {
        let dots: Vec<Dot> = [3.0, f64::NAN, 2.0, 2.5].map(dot).into();
        let svg = draw(&dots, Some(4.0), "origin fetches", Unit::Number, false).unwrap().inline();
        assert!(
            svg.contains("4 trials; the best that keeps the constraints came to 2, the baseline to 4."),
            "{svg}"
        );
        for tip in ["<title>3</title>", "<title>2</title>", "<title>2.5</title>"] {
            assert!(svg.contains(tip), "{svg}");
        }
        assert!(!svg.contains("NaN"));
    }

    #[test]
    fn a_search_near_all_has_round_ticks_that_end_there() {
        let dots: Vec<Dot> = [0.613, 0.97, 0.95].map(dot).into();
        let svg = draw(&dots, Some(0.8), "hit", Unit::Share, true).unwrap().inline();
        assert!(svg.contains(">60 %<") && svg.contains(">100 %<") && !svg.contains(">110 %<"), "{svg}");
        assert!(svg.contains(">best so far<") && svg.contains(">baseline<"), "{svg}");
    }

    #[test]
    fn equal_values_and_none_at_all_do_no_harm() {
        assert!(draw(&[], None, "hit", Unit::Share, true).is_err());
        assert!(draw(&[dot(f64::INFINITY)], None, "hit", Unit::Share, true).is_err());
        let svg = draw(&[dot(0.0), dot(0.0)], Some(0.0), "hit", Unit::Share, true).unwrap().inline();
        assert!(!svg.contains("NaN") && !svg.contains("inf\""), "{svg}");
    }
}
