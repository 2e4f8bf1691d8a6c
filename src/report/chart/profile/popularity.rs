//! Requests by rank, both by their logarithm: a Zipf law is a straight line there.

use super::super::palette::Ink;
use super::super::panel::{BELOW, EndLabel, LEFT, Panel, plain_labels};
use super::super::sample::Line;
use super::super::scale::Scale;
use super::super::svg::{ChartError, Hold, Sheet, Svg, WIDTH};
use crate::report::format;
use crate::trace::profile::Profile;

const HEIGHT: f64 = 300.0;
const RIGHT: f64 = 150.0;

/// Draws the chart.
pub(crate) fn popularity(profile: &Profile) -> Result<Svg, ChartError> {
    let ranks = &profile.ranks;
    let (Some((_, most)), Some((last, _))) = (ranks.first(), ranks.last()) else {
        return Err(ChartError::NoData("The trace has no requests"));
    };
    if *last < 2 {
        return Err(ChartError::NoData("The trace has one object, so there is nothing to rank"));
    }
    let seen: Line = ranks.iter().map(|(rank, requests)| (*rank as f64, Some(*requests as f64))).collect();
    let x = Scale::counts_by_logarithm(1.0, *last as f64);
    let y = Scale::counts_by_logarithm(1.0, *most as f64);
    let sheet = Sheet::new(HEIGHT);
    sheet.text(0.0, 10.0, "requests for the object", Hold::Left)?;
    let area = sheet.part(0.0, 22.0, WIDTH - RIGHT, HEIGHT - 48.0);
    let mut panel = Panel::new(&area, &x, &y, true)?;
    let mut labels = Vec::new();
    let mut law = String::new();
    if let Some(popularity) = &profile.popularity {
        let alpha = popularity.alpha_mle;
        let fitted = fitted(alpha, *last, profile.objects.requests, ranks);
        panel.line(&fitted, Ink::S2, 1.6)?;
        law = format!(" A Zipf law of exponent {alpha:.2} fits best.");
        if let Some((rank, Some(requests))) = fitted.last() {
            let at = panel.at(*rank, *requests);
            labels.push(EndLabel { at, text: format!("Zipf {alpha:.2}"), ink: Ink::S2 });
        }
    }
    panel.line(&seen, Ink::S1, 2.2)?;
    if let Some((rank, Some(requests))) = seen.last() {
        labels.push(EndLabel { at: panel.at(*rank, *requests), text: "objects".into(), ink: Ink::S1 });
    }
    plain_labels(&sheet, labels, (28.0, HEIGHT - BELOW - 30.0), RIGHT)?;
    let middle = LEFT + (WIDTH - LEFT - RIGHT) / 2.0;
    sheet.text(middle, HEIGHT - 8.0, "rank of the object, the most popular first", Hold::Middle)?;
    let finding = format!(
        "Requests by rank of {} objects: the most popular has {}, {} have one.{law}",
        format::count(profile.objects.objects),
        format::count(*most),
        format::count(profile.objects.one_hit_objects)
    );
    Ok(sheet.finish("popularity", "Popularity of the objects", finding))
}

/// What a Zipf law expects at each rank; below one request the line ends.
fn fitted(alpha: f64, objects: u64, requests: u64, ranks: &[(u64, u64)]) -> Line {
    let whole: f64 = (1..=objects).map(|rank| (rank as f64).powf(-alpha)).sum();
    let expected = |rank: u64| requests as f64 * (rank as f64).powf(-alpha) / whole;
    let points = ranks.iter().map(|(rank, _)| (*rank as f64, expected(*rank)));
    points
        .take_while(|(_, requests)| *requests >= 1.0)
        .map(|(rank, requests)| (rank, Some(requests)))
        .collect()
}
