//! The trace over time: the rate per minute, and the working set.

use super::super::palette::Ink;
use super::super::panel::{BELOW, EndLabel, LEFT, Panel, plain_labels};
use super::super::sample::{Line, Sampling};
use super::super::scale::Scale;
use super::super::svg::{ChartError, Hold, Sheet, Svg, WIDTH};
use crate::report::format;
use crate::trace::profile::{Profile, Stretch};

const HEIGHT: f64 = 260.0;
const RIGHT: f64 = 150.0;

/// The windows of a trace, and the span that they cover in seconds.
fn windows(profile: &Profile) -> Result<(&[Stretch], f64), ChartError> {
    let course = &profile.course;
    if course.windows.len() < 2 {
        return Err(ChartError::NoData("The trace is too short to be drawn over time"));
    }
    Ok((&course.windows, course.windows.len() as f64 * course.window_s as f64))
}

/// Requests per minute over time; the second text says how windows were gathered.
pub(crate) fn rate(profile: &Profile) -> Result<(Svg, String), ChartError> {
    let (windows, span) = windows(profile)?;
    let length = profile.course.window_s as f64;
    let sampling = Sampling::of(windows.len(), length);
    let per_minute: Vec<f64> = windows.iter().map(|window| window.requests as f64 * 60.0 / length).collect();
    let bars: Vec<(f64, f64)> = sampling
        .sums(&per_minute)
        .into_iter()
        .map(|(start, sum)| (start, sum / sampling.group as f64))
        .collect();
    let most = bars.iter().map(|(_, rate)| *rate).fold(0.0, f64::max);
    let (x, unit) = Scale::time(span);
    let y = Scale::linear(most, format::number);
    let sheet = Sheet::new(HEIGHT);
    sheet.text(0.0, 10.0, "requests per minute", Hold::Left)?;
    let area = sheet.part(0.0, 22.0, WIDTH - 8.0, HEIGHT - 48.0);
    let mut panel = Panel::new(&area, &x, &y, true)?;
    panel.bars(&bars, sampling.column_s(), Ink::S1)?;
    axis(&sheet, unit, WIDTH - 8.0)?;
    let finding = format!(
        "Requests per minute over {}: {} on average, at most {} in a column.",
        format::duration(span),
        format::number(profile.rates.per_minute.mean),
        format::number(most)
    );
    Ok((sheet.finish("rate", "Rate over time", finding), sampling.words(windows.len())))
}

/// Different objects per window, and all that have been seen so far.
pub(crate) fn working_set(profile: &Profile) -> Result<(Svg, String), ChartError> {
    let (windows, span) = windows(profile)?;
    let sampling = Sampling::of(windows.len(), profile.course.window_s as f64);
    let sets: Vec<u64> = windows.iter().map(|window| window.objects).collect();
    let mut so_far = 0;
    let mut seen: Vec<u64> = Vec::with_capacity(windows.len());
    for window in windows {
        so_far += window.new_objects;
        seen.push(so_far);
    }
    let (working, footprint): (Line, Line) = (sampling.peaks(&sets), sampling.peaks(&seen));
    let (x, unit) = Scale::time(span);
    let y = Scale::linear(so_far as f64, format::number);
    let sheet = Sheet::new(HEIGHT);
    sheet.text(0.0, 10.0, "different objects", Hold::Left)?;
    let area = sheet.part(0.0, 22.0, WIDTH - RIGHT, HEIGHT - 48.0);
    let mut panel = Panel::new(&area, &x, &y, true)?;
    let mut labels = Vec::new();
    let window = format::duration(profile.course.window_s as f64);
    for (line, text, ink) in
        [(footprint, "seen so far".to_owned(), Ink::S2), (working, format!("within {window}"), Ink::S1)]
    {
        panel.line(&line, ink, 2.0)?;
        if let Some((at, Some(objects))) = line.last() {
            labels.push(EndLabel { at: panel.at(*at, *objects), text, ink });
        }
    }
    plain_labels(&sheet, labels, (28.0, HEIGHT - BELOW - 30.0), RIGHT)?;
    axis(&sheet, unit, WIDTH - RIGHT)?;
    let finding = format!(
        "Within {window} at most {} different objects are asked for; {} in all.",
        format::count(sets.iter().copied().max().unwrap_or(0)),
        format::count(so_far)
    );
    Ok((sheet.finish("working-set", "Working set over time", finding), sampling.words(windows.len())))
}

fn axis(sheet: &Sheet, unit: &str, right: f64) -> Result<(), ChartError> {
    let text = format!("time since the first request, {unit}");
    sheet.text(LEFT + (right - LEFT) / 2.0, HEIGHT - 8.0, &text, Hold::Middle)
}
