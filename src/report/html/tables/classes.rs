//! Which class of images hurts.

use super::{Row, Table, Td, detailed, note_the_others};
use crate::report::format;
use crate::report::measure::Unit;
use crate::report::reading::Reading;

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
            let cells = vec![
                Td::name(reading, cell),
                Td::limit(cell),
                Td::text(format::shortened(&class.name, format::LONGEST_NAME)),
                Td::count(class.objects),
                Td::count(class.requests),
                Td::number(class.fresh_hit, Unit::Share),
                Td::number(class.hit, Unit::Share),
                Td::number(class.byte_hit, Unit::Share),
                Td::share(class.outcomes.miss_expired, class.requests),
                Td::share(class.outcomes.miss_evicted, class.requests),
                Td::number(class.requested_bytes as f64, Unit::Bytes),
                Td::count(class.fetches),
                Td::number(class.latency_ms.p99, Unit::Millis),
                Td::number(class.fresh_share, Unit::Share),
            ];
            let at = format!("{}/classes/{place}", reading.pointer(cell));
            table.rows.push(Row { cells, at, chosen: reading.is_winner(cell), id: String::new() });
        }
    }
    note_the_others(reading, &told, &mut table);
    (!table.rows.is_empty()).then_some(table)
}
