//! One figure that is compared, in words: what stands in its row of the table.

use crate::live::validate::{Judgement, Kind, Row, ValidatedCell};
use crate::report::format;
use crate::report::measure::Unit;

/// The heads of the table, the first three of which name the row.
pub(super) const HEADS: [&str; 8] = [
    "strategy",
    "policy and limit",
    "figure",
    "predicted",
    "measured",
    "difference",
    "tolerance",
    "as predicted",
];

/// Those that a phone shows below the row's name: all others.
pub(super) const BELOW: &[&str] = {
    const ALL: &[&str] = &HEADS;
    ALL.split_at(1).1
};

pub(super) fn limit(cell: &ValidatedCell) -> String {
    match cell.capacity_bytes {
        Some(bytes) => format!("{}, {}", cell.eviction, format::bytes(bytes as f64)),
        None => "no limit".to_owned(),
    }
}

pub(super) fn unit(kind: Kind) -> Unit {
    match kind {
        Kind::Share => Unit::Share,
        Kind::Count => Unit::Number,
        Kind::Bytes => Unit::Bytes,
        Kind::Rate => Unit::Rate,
        Kind::Millis => Unit::Millis,
    }
}

/// A difference in its unit, with its sign.
pub(super) fn difference(row: &Row) -> String {
    let Some(difference) = row.difference else { return format::NONE.to_owned() };
    let chance = row.chance.map(|chance| format!(" ± {chance:.2}")).unwrap_or_default();
    let name = match row.kind {
        Kind::Share => "points",
        Kind::Millis => "ms",
        Kind::Count | Kind::Bytes | Kind::Rate => "%",
    };
    format!("{difference:+.2}{chance} {name}")
}

fn tolerance(row: &Row) -> String {
    let beside = row.buffers_bytes.map(|bytes| {
        let word = if bytes < 0.0 { "less" } else { "more" };
        format!(" and {} {word}", format::bytes(bytes.abs()))
    });
    match (row.tolerance, row.kind) {
        (None, _) => format::NONE.to_owned(),
        (Some(tolerance), Kind::Share) => format!("{tolerance} points"),
        (Some(tolerance), Kind::Millis) => format!("{tolerance:.1} ms"),
        (Some(tolerance), _) => format!("{tolerance} %{}", beside.unwrap_or_default()),
    }
}

/// Which part of a difference beyond the tolerance are buffers.
pub(super) fn of_buffers(row: &Row) -> String {
    let told = |bytes: f64| {
        let bytes = format::bytes(bytes.abs());
        format!(", of which {bytes} are buffers of connections, which follow how replies bunch")
    };
    row.of_buffers().map(told).unwrap_or_default()
}

/// What came out, and why a row is not judged where it is not.
fn word(row: &Row) -> String {
    match row.judgement {
        Judgement::Inside => format!("yes{}", of_buffers(row)),
        Judgement::WithinChance => format!("within chance{}", of_buffers(row)),
        Judgement::Outside => format!("NO{}", of_buffers(row)),
        Judgement::NotJudged => {
            let why = row.why.map(|why| format!(": {why}"));
            format!("not judged{}", why.unwrap_or_default())
        }
    }
}

/// The same beside sentences that tell what spoils all figures of a cell, which need not be said again of each.
pub(super) fn short_word(cell: &ValidatedCell, row: &Row) -> String {
    if cell.spoiled().is_some() { "not judged".to_owned() } else { word(row) }
}

pub(super) fn tone(judgement: Judgement) -> &'static str {
    match judgement {
        Judgement::Inside => "better",
        Judgement::Outside => "worse",
        Judgement::WithinChance | Judgement::NotJudged => "",
    }
}

/// All of a row, by the heads.
pub(super) fn cells_of(cell: &ValidatedCell, row: &Row) -> [String; 8] {
    let print = |value: Option<f64>| unit(row.kind).print(value);
    [
        cell.strategy.clone(),
        limit(cell),
        row.what.to_owned(),
        print(row.predicted),
        print(row.measured),
        difference(row),
        tolerance(row),
        word(row),
    ]
}
