//! A comparison as text for a terminal.

use super::{Comparison, Pair};
use crate::report::measure::Measure;
use crate::report::ranking::wrap;
use crate::report::{columns, format, reading};

/// Narrow heads of the measures' columns, in their order.
const HEADS: [(&str, &str); 12] = [
    ("fresh_hit", "fresh hit"),
    ("byte_hit", "byte hit"),
    ("origin_offload", "offload"),
    ("memory", "memory"),
    ("origin_rate", "origin/s"),
    ("origin_bytes_rate", "from origin"),
    ("peak_origin_rate", "peak/s"),
    ("stampedes", "stampedes/h"),
    ("p99", "p99"),
    ("fresh_share", "current"),
    ("p95_age_s", "p95 age"),
    ("over_bound_share", "over age"),
];
/// Columns of a cell's name, without its policy.
const NAME: usize = 30;
/// What the signs behind a value mean.
const SIGNS: [(char, &str); 3] = [('=', "unchanged"), ('≈', "indistinguishable"), ('!', "worse")];

/// Renders the comparison; tables drop their last measures until they fit.
pub(super) fn text(comparison: &Comparison, width: usize) -> String {
    let mut out = String::new();
    for sentence in comparison.summary() {
        wrap(&format::shortened(&sentence, 4 * format::LONGEST_NAME), width, "", &mut out);
    }
    for turned in comparison.turned() {
        wrap(&turned.words, width, "", &mut out);
    }
    out.push('\n');
    table(comparison, width, &mut out);
    let names = |cells: &[&crate::record::Cell]| {
        let names: Vec<String> = cells.iter().take(12).map(|cell| comparison.names.cell(cell)).collect();
        let more = cells.len().saturating_sub(12);
        names.join(", ") + &if more > 0 { format!(" and {more} more") } else { String::new() }
    };
    for (what, cells) in [("only before", &comparison.only_before), ("only now", &comparison.only_after)] {
        if !cells.is_empty() {
            wrap(&format!("{what}: {}", names(cells)), width, "", &mut out);
        }
    }
    if !comparison.settings.is_empty() {
        out.push_str("settings that differ:\n");
        for (name, before, after) in &comparison.settings {
            let values = if before.is_empty() && after.is_empty() {
                String::new()
            } else {
                format!(": {before} → {after}")
            };
            wrap(&format!("  {name}{values}"), width, "    ", &mut out);
        }
    }
    out
}

fn table(comparison: &Comparison, width: usize, out: &mut String) {
    if comparison.pairs.is_empty() {
        return;
    }
    let measures = comparison.measures();
    let row = |pair: &Pair| -> Vec<String> {
        let limit = reading::capacity(pair.after.capacity);
        let room = NAME.saturating_sub(columns::width(&limit) + 2);
        let strategy = columns::cut(&pair.after.strategy, room);
        let name = format!("{strategy}{}, {limit}", comparison.names.policy(pair.after));
        std::iter::once(name).chain(measures.iter().map(|measure| cell(pair, measure))).collect()
    };
    let head = |measure: &&'static Measure| {
        HEADS.iter().find(|(key, _)| *key == measure.key).map_or(measure.label, |(_, head)| head).to_owned()
    };
    let mut rows =
        vec![std::iter::once("cell".to_owned()).chain(measures.iter().map(head)).collect::<Vec<_>>()];
    rows.extend(comparison.pairs.iter().map(row));
    let columns = rows[0].len();
    let widest = |column: usize| rows.iter().map(|row| columns::width(&row[column])).max().unwrap_or(0);
    let mut widths: Vec<usize> = (0..columns).map(widest).collect();
    while widths.len() > 2 && widths.iter().sum::<usize>() + 2 * (widths.len() - 1) > width {
        widths.pop();
    }
    for row in &rows {
        let cells = row.iter().zip(&widths).map(|(text, width)| columns::to_the_left(text, *width));
        let cells: Vec<String> = cells.collect();
        out.push_str(cells.join("  ").trim_end());
        out.push('\n');
    }
    let told = |sign: char| {
        let sign = format!(" {sign}");
        rows.iter().any(|row| row[1..widths.len()].iter().any(|cell| cell.ends_with(&sign)))
    };
    let signs = SIGNS.iter().filter(|(sign, _)| told(*sign)).map(|(sign, what)| format!("{sign} {what}"));
    let signs: Vec<String> = signs.collect();
    if !signs.is_empty() {
        wrap(&signs.join(", "), width, "", out);
    }
    if widths.len() < columns {
        let left: Vec<&str> = rows[0][widths.len()..].iter().map(String::as_str).collect();
        wrap(&format!("a wider terminal also shows {}", left.join(", ")), width, "", out);
    }
    out.push('\n');
}

/// `92.1 % ▲ +3.2 pt`, `188 ≈` where it cannot be told from before, `=` where nothing changed.
fn cell(pair: &Pair, measure: &Measure) -> String {
    let Some(shift) = pair.shifts.iter().find(|shift| shift.measure.key == measure.key) else {
        return format::NONE.into();
    };
    let value = measure.unit.print(Some(shift.after));
    match shift.words().as_str() {
        "unchanged" => format!("{value} ="),
        "indistinguishable" => format!("{value} ≈"),
        words => {
            let short =
                words.split(", ").next().unwrap_or(words).replace(" points", " pt").replace(" point", " pt");
            let mark = if shift.tells() == Some(false) { " !" } else { "" };
            format!("{value} {short}{mark}")
        }
    }
}
