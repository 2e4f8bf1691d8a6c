//! Which class of images hurts.

use super::{Row, Table, Td, detailed, note_the_others};
use crate::report::format;
use crate::report::measure::Unit;
use crate::report::reading::Reading;

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
    let columns = [
        "strategy",
        "memory limit#",
        "class",
        "objects#/objects",
        "requests#/requests",
        "fresh hits#/fresh_hit",
        "hits#/hit",
        "byte hits#/byte_hit",
        "expired misses#/outcomes/miss_expired:/requests",
        "evicted misses#/outcomes/miss_evicted:/requests",
        "bytes asked for#/requested_bytes",
        "fetches#/fetches",
        "p99 wait#/latency_ms/p99",
        "current answers#/fresh_share",
    ];
    let mut table = Table::new("class-table", "Classes of images", &columns);
    let told = detailed(reading);
    for cell in told.iter().copied() {
        for (place, class) in cell.classes.iter().enumerate() {
            let current = match (class.requests, reading.knows_changes()) {
                (0, _) => NO_REQUESTS,
                (_, false) => reading.no_changes(),
                (_, true) => "no request had an answer with a value",
            };
            let cells = vec![
                Td::name(reading, cell),
                Td::limit(cell),
                Td::text(format::shortened(&class.name, format::LONGEST_NAME)),
                Td::count(class.objects),
                Td::count(class.requests),
                Td::number(class.fresh_hit, Unit::Share).or(NO_REQUESTS),
                Td::number(class.hit, Unit::Share).or(NO_REQUESTS),
                Td::number(class.byte_hit, Unit::Share).or(NO_REQUESTS),
                Td::share(class.outcomes.miss_expired, class.requests).or(NO_REQUESTS),
                Td::share(class.outcomes.miss_evicted, class.requests).or(NO_REQUESTS),
                Td::number(class.requested_bytes as f64, Unit::Bytes),
                Td::count(class.fetches),
                Td::number(class.latency_ms.p99, Unit::Millis).or(why(reading, class.requests)),
                Td::number(class.fresh_share, Unit::Share).or(current),
            ];
            let at = format!("{}/classes/{place}", reading.pointer(cell));
            table.rows.push(Row { cells, at, chosen: reading.is_winner(cell), id: String::new() });
        }
    }
    note_the_others(reading, &told, &mut table);
    (!table.rows.is_empty()).then_some(table)
}
