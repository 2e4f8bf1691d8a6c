//! By how much every target is kept, month by month.

use super::palette::Ink;
use super::panel::{BELOW, EndLabel, LEFT, Panel, end_labels};
use super::scale::Scale;
use super::svg::{ChartError, Hold, Sheet, Svg, WIDTH};
use crate::report::format;

const HEIGHT: f64 = 300.0;
const TOP: f64 = 26.0;
const RIGHT: f64 = 190.0;
/// Margins beyond this are drawn at it: far is far.
const FAR: f64 = 1.0;

/// A target over the months.
pub(crate) struct Course {
    /// As it is written.
    pub(crate) target: String,
    /// By month: by which share of its limit it is kept; negative where it is missed.
    pub(crate) margins: Vec<Option<f64>>,
}

/// Draws the chart.
pub(crate) fn draw(courses: &[Course]) -> Result<Svg, ChartError> {
    let clipped = |margin: f64| margin.clamp(-FAR, FAR);
    let all = || courses.iter().flat_map(|course| &course.margins).flatten().map(|margin| clipped(*margin));
    if all().next().is_none() {
        return Err(ChartError::NoData("No month has a value to draw"));
    }
    let months = courses.iter().map(|course| course.margins.len()).max().unwrap_or(1);
    let (low, high) = (all().fold(0.0, f64::min), all().fold(0.0, f64::max));
    let x = Scale::counted(months.saturating_sub(1) as f64);
    let percent = |margin: f64| if margin == 0.0 { "0 %".into() } else { format::relative(margin) };
    let y = Scale::about_zero(low, high.max(low + 0.02), percent);
    let sheet = Sheet::new(HEIGHT);
    sheet.text(0.0, 10.0, "kept by this share of its limit; missed below 0", Hold::Left)?;
    sheet.text(LEFT + (WIDTH - LEFT - RIGHT) / 2.0, HEIGHT - 12.0, "months from today", Hold::Middle)?;
    let area = sheet.part(0.0, TOP, WIDTH - RIGHT, HEIGHT - TOP - 26.0);
    let mut panel = Panel::new(&area, &x, &y, true)?;
    panel.level(0.0, Ink::Text)?;
    let mut labels = Vec::new();
    for (course, ink) in courses.iter().zip(Ink::SERIES.into_iter().chain(std::iter::repeat(Ink::Bound))) {
        let line: Vec<(f64, Option<f64>)> = (0..)
            .map(f64::from)
            .zip(&course.margins)
            .map(|(month, margin)| (month, margin.map(clipped)))
            .collect();
        sheet.group(&[("data-k", &course.target)], |sheet| {
            panel.line(&line, ink, 1.8)?;
            for (month, margin) in line.iter().filter_map(|(month, margin)| Some((*month, (*margin)?))) {
                let (at_x, at_y) = panel.at(month, margin);
                let tip = format!("{}, month {month}: {}", course.target, format::relative(margin));
                sheet.with_tip(&tip, |sheet| sheet.marker(at_x, at_y, 3.0, ink, 1.0))?;
            }
            Ok(())
        })?;
        if let Some((month, margin)) =
            line.iter().rev().find_map(|(month, margin)| Some((*month, (*margin)?)))
        {
            let (at_x, at_y) = panel.at(month, margin);
            labels.push(EndLabel { at: (at_x + 4.0, at_y), text: course.target.clone(), ink });
        }
    }
    labels.truncate(Ink::SERIES.len());
    end_labels(&sheet, labels, (TOP + 8.0, HEIGHT - 26.0 - BELOW), RIGHT)?;
    let missed = courses.iter().filter(|course| course.margins.iter().flatten().any(|margin| *margin < 0.0));
    let finding = format!(
        "{} of {} targets are missed within {} months.",
        missed.count(),
        courses.len(),
        months.saturating_sub(1)
    );
    Ok(sheet.finish("growth", "How long the targets hold", finding))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_month_is_a_point_and_the_finding_counts_what_is_missed() {
        let course = |target: &str, margins: &[f64]| Course {
            target: target.into(),
            margins: margins.iter().copied().map(Some).collect(),
        };
        let courses = [course("hit >= 0.9", &[0.02, 0.0, -0.03]), course("p99 <= 1s", &[7.0, 5.0, 2.0])];
        let svg = draw(&courses).unwrap().inline();
        assert!(svg.contains("1 of 2 targets are missed within 2 months."), "{svg}");
        assert!(svg.contains("month 2: -3.0 %") && !svg.contains("NaN"), "{svg}");
        let low = draw(&[course("hit >= 0.9", &[0.7, -0.3, -1.2])]).unwrap().inline();
        assert!(low.contains(">-50 %<") && low.contains(">0 %<"), "ticks are round: {low}");
        let nothing = [Course { target: "hit >= 0.9".into(), margins: vec![None] }];
        assert!(draw(&nothing).is_err() && draw(&[]).is_err());
        // One month alone.
        assert!(draw(&[course("hit >= 0.9", &[0.0])]).is_ok());
    }
}
