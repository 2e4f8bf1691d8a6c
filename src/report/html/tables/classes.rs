//! Which class of images hurts.

use super::outcomes::{KINDS, Kind, note_absent, occurring};
use super::{Row, Table, Td, detailed, note_the_others};
use crate::report::format;
use crate::report::measure::Unit;
use crate::report::reading::Reading;

/// The columns that a phone and paper show.
const ON_PAPER: [&str; 9] = [
    "memory limit",
    "class",
    "requests",
    "fresh hits",
    "byte hits",
    "bytes asked for",
    "fetches",
    "p99 wait",
    "current answers",
];

const NO_REQUESTS: &str = "no requests of that class were scored";

/// Why waits of a class are not known.
fn why(reading: &Reading, requests: u64) -> &'static str {
    match requests {
        0 => NO_REQUESTS,
        _ if reading.record.sample.is_some() => "a sample of the keys does not tell it",
        _ => "the record does not tell it",
    }
}

/// Classes of objects in every cell; `None` where there is at most one class.
pub(in crate::report::html) fn classes(reading: &Reading) -> Option<Table> {
    // How many were fresh hits has a column of its own, with the other ratios.
    let kinds = &KINDS[1..];
    let classes = reading.record.cells.iter().flat_map(|cell| &cell.classes);
    let (shown, absent) = occurring(kinds, classes.map(|class| &class.outcomes));
    let first = [
        "strategy",
        "memory limit#",
        "class",
        "objects#/objects",
        "requests#/requests",
        "fresh hits#/fresh_hit",
        "hits#/hit",
        "byte hits#/byte_hit",
    ];
    let last = [
        "bytes asked for#/requested_bytes",
        "fetches#/fetches",
        "p99 wait#/latency_ms/p99",
        "current answers#/fresh_share",
    ];
    let between = shown.iter().map(|(name, _)| *name);
    let columns: Vec<&str> = first.into_iter().chain(between).chain(last).collect();
    let mut table = Table::new("class-table", "Classes of images", &columns);
    table.stacked = &ON_PAPER;
    let told = detailed(reading);
    for cell in told.iter().copied() {
        for (place, class) in cell.classes.iter().enumerate() {
            let current = match (class.requests, reading.knows_changes()) {
                (0, _) => NO_REQUESTS,
                (_, false) => reading.no_changes(),
                (_, true) => "no request had an answer with a value",
            };
            let mut cells = vec![
                Td::name(reading, cell),
                Td::limit(cell),
                Td::text(format::shortened(&class.name, format::LONGEST_NAME)),
                Td::count(class.objects),
                Td::count(class.requests),
                Td::number(class.fresh_hit, Unit::Share).or(NO_REQUESTS),
                Td::number(class.hit, Unit::Share).or(NO_REQUESTS),
                Td::number(class.byte_hit, Unit::Share).or(NO_REQUESTS),
            ];
            let share =
                |(_, count): &&Kind| Td::share(count(&class.outcomes), class.requests).or(NO_REQUESTS);
            cells.extend(shown.iter().map(share));
            cells.extend([
                Td::number(class.requested_bytes as f64, Unit::Bytes),
                Td::count(class.fetches),
                Td::number(class.latency_ms.p99, Unit::Millis).or(why(reading, class.requests)),
                Td::number(class.fresh_share, Unit::Share).or(current),
            ]);
            let at = format!("{}/classes/{place}", reading.pointer(cell));
            table.rows.push(Row { cells, at, chosen: reading.is_winner(cell), id: String::new() });
        }
    }
    note_the_others(reading, &told, &mut table);
    note_absent(&absent, "class", &mut table);
    (!table.rows.is_empty()).then_some(table)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    #[test]
    fn every_kind_that_occurred_has_a_column_and_the_others_a_note() {
        let mut record = fixture::thumbnails();
        record.cells[0].classes[0].outcomes.error = 49_500;
        let table = classes(&Reading::new(&record)).unwrap();
        let heads: Vec<&str> = table.heads.iter().map(|head| head.text.as_str()).collect();
        assert_eq!(
            heads[8..13],
            ["delayed hit", "cold miss", "expired miss", "evicted miss", "error"],
            "{heads:?}"
        );
        assert_eq!(table.rows.iter().map(|row| row.cells.len()).max(), Some(heads.len()));
        let row = table.rows.iter().find(|row| row.at == "/cells/0/classes/0").unwrap();
        assert_eq!((row.cells[12].text.as_str(), row.cells[12].more.as_str()), ("1.0 %", "49,500"));
        assert_eq!(
            table.notes,
            ["Did not occur in any class: stale hit, invalidated miss, lost miss, stale on error."]
        );
    }
}
