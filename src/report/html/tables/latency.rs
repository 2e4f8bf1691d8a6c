//! Waiting times, of all requests and by kind of outcome.

use super::{Row, Table, Td, detailed, note_the_others};
use crate::report::measure::Unit;
use crate::report::reading::Reading;

/// An outcome's name in words: `miss_expired` is an expired miss.
pub(super) fn cause(name: &str) -> String {
    match name.strip_prefix("miss_") {
        Some(cause) => format!("{} miss", cause.replace('_', " ")),
        None => name.replace('_', " "),
    }
}

/// Waiting times of every cell, of all requests and by kind of outcome.
pub(in crate::report::html) fn waits(reading: &Reading) -> Table {
    let columns = [
        "strategy",
        "memory limit#",
        "outcome",
        "requests#/count",
        "mean#/mean",
        "p50#/p50",
        "p90#/p90",
        "p95#/p95",
        "p99#/p99",
        "p99.9#/p999",
        "max#/max",
    ];
    let mut table = Table::new("latency-table", "Waiting times", &columns);
    let why = if reading.record.sample.is_some() {
        "a sample of the keys does not tell it"
    } else {
        "no requests were scored"
    };
    let told = detailed(reading);
    for cell in told.iter().copied() {
        let here = reading.pointer(cell);
        let kinds = cell.latency_by_kind.iter();
        let kinds = kinds.map(|(kind, waits)| (cause(kind), waits, format!("{here}/latency_by_kind/{kind}")));
        let all = ("all".to_owned(), &cell.latency_ms, format!("{here}/latency_ms"));
        for (place, (kind, waits, at)) in std::iter::once(all).chain(kinds).enumerate() {
            let mut cells =
                vec![Td::name(reading, cell), Td::limit(cell), Td::text(kind), Td::count(waits.count)];
            let waits = [waits.mean, waits.p50, waits.p90, waits.p95, waits.p99, waits.p999, waits.max];
            cells.extend(waits.map(|wait| Td::number(wait, Unit::Millis).or(why)));
            let chosen = place == 0 && reading.is_winner(cell);
            table.rows.push(Row { cells, at, chosen, id: String::new() });
        }
    }
    note_the_others(reading, &told, &mut table);
    table
}
