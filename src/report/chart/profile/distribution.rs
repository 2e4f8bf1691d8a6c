//! Distributions as curves of shares: sizes, and the time between requests.

use super::super::palette::Ink;
use super::super::panel::{LEFT, Panel};
use super::super::sample::Line;
use super::super::scale::Scale;
use super::super::svg::{ChartError, Hold, Sheet, Svg, TEXT, WIDTH, text_width};
use crate::report::format;
use crate::trace::profile::Profile;

const HEIGHT: f64 = 280.0;
/// Half the width of a label at the right end.
const RIGHT: f64 = 30.0;

/// A curve, what it counts, and its colour.
struct Curve<'c> {
    points: &'c [(f64, f64)],
    name: &'static str,
    ink: Ink,
}

/// Sizes of objects and of requests.
pub(crate) fn sizes(profile: &Profile) -> Result<Svg, ChartError> {
    let sizes = &profile.sizes;
    let curves = [
        Curve { points: &sizes.request_curve, name: "of requests", ink: Ink::S2 },
        Curve { points: &sizes.curve, name: "of objects", ink: Ink::S1 },
    ];
    let ends = least(&curves).zip(most(&curves)).filter(|_| sizes.known_objects > 0);
    let Some((least, most)) = ends else {
        return Err(ChartError::NoData("No sizes are recorded"));
    };
    let finding = format!(
        "Half of the objects have up to {}, half of the requests ask for up to {}.",
        format::bytes(sizes.per_object.p50),
        format::bytes(sizes.per_request.p50)
    );
    let x = Scale::bytes_by_logarithm(least, most);
    let sheet = draw(&curves, &x, "size")?;
    Ok(sheet.finish("sizes", "Sizes", finding))
}

/// Time between requests: one after the other, and for the same object.
pub(crate) fn gaps(profile: &Profile) -> Result<Svg, ChartError> {
    let curves = [
        Curve { points: &profile.rates.gap_curve_s, name: "any object", ink: Ink::S2 },
        Curve { points: &profile.reuse.curve_s, name: "same object", ink: Ink::S1 },
    ];
    let Some(most) = most(&curves).filter(|most| *most > 0.0) else {
        return Err(ChartError::NoData("No time passes between requests"));
    };
    let above_zero = curves.iter().flat_map(|curve| curve.points).map(|(at, _)| *at).filter(|at| *at > 0.0);
    let x = Scale::durations_by_logarithm(above_zero.fold(most, f64::min), most);
    let finding = format!(
        "Half of the repeated requests come within {} of the one before for the same object; requests as such \
         follow each other within {} half of the time.",
        format::seconds(profile.reuse.gaps_s.p50),
        format::seconds(profile.rates.gaps_s.p50)
    );
    let sheet = draw(&curves, &x, "time since the request before")?;
    Ok(sheet.finish("gaps", "Time between requests", finding))
}

fn least(curves: &[Curve]) -> Option<f64> {
    curves.iter().filter_map(|curve| curve.points.first()).map(|(at, _)| *at).reduce(f64::min)
}

fn most(curves: &[Curve]) -> Option<f64> {
    curves.iter().filter_map(|curve| curve.points.last()).map(|(at, _)| *at).reduce(f64::max)
}

fn draw(curves: &[Curve], x: &Scale, across: &str) -> Result<Sheet, ChartError> {
    let sheet = Sheet::new(HEIGHT);
    sheet.text(0.0, 10.0, "share that is no greater", Hold::Left)?;
    let area = sheet.part(0.0, 22.0, WIDTH - RIGHT, HEIGHT - 48.0);
    let mut panel = Panel::new(&area, x, &Scale::shares(0.0), true)?;
    // All curves end at 100 %, so their names stand above and not beside their ends.
    let mut right = WIDTH - RIGHT;
    for curve in curves {
        panel.line(&steps(curve.points), curve.ink, 2.0)?;
        let left = right - text_width(curve.name, TEXT);
        sheet.text(left, 10.0, curve.name, Hold::Left)?;
        sheet.line(&[(left - 32.0, 10.0), (left - 6.0, 10.0)], curve.ink, 2.0)?;
        right = left - 52.0;
    }
    let middle = LEFT + (WIDTH - LEFT - RIGHT) / 2.0;
    sheet.text(middle, HEIGHT - 8.0, across, Hold::Middle)?;
    Ok(sheet)
}

/// The curve as the steps that it is: it rises at each point and is level between.
fn steps(points: &[(f64, f64)]) -> Line {
    let mut line = Line::new();
    let mut before = 0.0;
    for (at, share) in points {
        line.extend([(*at, Some(before)), (*at, Some(*share))]);
        before = *share;
    }
    line
}
