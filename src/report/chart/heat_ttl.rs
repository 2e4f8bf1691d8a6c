//! How hits and the origin's load depend on limit and TTL, of one strategy, as found beside the cells.

use super::heat::{Grid, Tile};
use super::svg::{ChartError, Sheet, Svg};
use crate::record::Lattice;
use crate::report::curves::limit_of;
use crate::report::reading::Reading;
use crate::report::{beside, format};

/// Draws the chart; the second text says how it was found.
pub(crate) fn draw(reading: &Reading) -> Result<(Svg, String), ChartError> {
    let map = reading.record.surface.as_ref().and_then(|surface| surface.map.as_ref());
    let Some(map) = map else { return Err(ChartError::NoData("Nothing was found beside the cells")) };
    if let Some(why) = &map.absent {
        let why = format::sentence(why);
        let why = why.trim_end_matches('.');
        return Err(ChartError::Untold(format!("Limits and TTLs were not computed: {why}")));
    }
    if map.fresh_hit.iter().flatten().next().is_none() {
        return Err(ChartError::NoData("No request was scored, so there is nothing to draw"));
    }
    let hits = grid(map, &map.fresh_hit, "fresh hits, % of requests (light: many)", |value| {
        format::percent(value).replace(" %", "")
    });
    let loads = grid(map, &map.origin_rate, "origin fetches a second, mean (light: many)", format::number);
    let sheet = Sheet::new(hits.height() + loads.height());
    hits.draw(&sheet, 0.0)?;
    loads.draw(&sheet, hits.height())?;
    let name = format::shortened(&map.strategy, format::LONGEST_NAME);
    let finding = format!(
        "Fresh hits and mean origin load of {name} under {} TTLs at {} limits.",
        map.ttl_s.len(),
        map.limits.len()
    );
    let note = format!("It is {name} under {}. {}", policy(map), beside::how(map));
    Ok((sheet.finish("map", "TTL against capacity", finding), note))
}

fn policy(map: &Lattice) -> String {
    format::shortened(&map.eviction, format::LONGEST_NAME)
}

fn grid(map: &Lattice, figures: &[Option<f64>], title: &str, text: fn(Option<f64>) -> String) -> Grid {
    let rows = map.ttl_s.iter().enumerate().map(|(ttl, seconds)| {
        let name = format::duration(*seconds);
        let tile = |limit: usize| {
            let value = figures.get(map.place(limit, ttl)).copied().flatten();
            let value = value.filter(|value| value.is_finite());
            let short = text(value);
            let tip = format!("TTL {name}, {}: {short}", limit_of(map, limit));
            Tile { value, text: short, tip, anchor: String::new() }
        };
        (format!("TTL {name}"), (0..map.limits.len()).map(tile).collect())
    });
    Grid {
        title: title.to_owned(),
        diverging: false,
        columns: (0..map.limits.len()).map(|limit| limit_of(map, limit)).collect(),
        rows: rows.collect(),
    }
}
