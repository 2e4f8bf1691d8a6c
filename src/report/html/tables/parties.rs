//! What people and robots got.

use super::{Row, Table, Td, detailed, note_the_others};
use crate::report::measure::Unit;
use crate::report::parties;
use crate::report::reading::Reading;

const NO_REQUESTS: &str = "nobody of that kind asked in the scored part";

/// People and robots in every cell; `None` where no request is marked as a robot's.
pub(in crate::report::html) fn parties(reading: &Reading) -> Option<Table> {
    let columns = [
        "strategy",
        "memory limit#",
        "who asks",
        "requests#/requests",
        "fresh hits#/fresh_hit",
        "hits#/hit",
        "byte hits#/byte_hit",
        "cold misses#/outcomes/miss_cold:/requests",
        "expired misses#/outcomes/miss_expired:/requests",
        "evicted misses#/outcomes/miss_evicted:/requests",
        "bytes asked for#/requested_bytes",
    ];
    let mut table = Table::new("party-table", "People and robots", &columns);
    let told = detailed(reading);
    for cell in told.iter().copied() {
        for (place, party) in cell.parties.iter().enumerate() {
            let misses = |count| Td::share(count, party.requests).or(NO_REQUESTS);
            let cells = vec![
                Td::name(reading, cell),
                Td::limit(cell),
                Td::text(&*party.name),
                Td::count(party.requests),
                Td::number(party.fresh_hit, Unit::Share).or(NO_REQUESTS),
                Td::number(party.hit, Unit::Share).or(NO_REQUESTS),
                Td::number(party.byte_hit, Unit::Share).or(NO_REQUESTS),
                misses(party.outcomes.miss_cold),
                misses(party.outcomes.miss_expired),
                misses(party.outcomes.miss_evicted),
                Td::number(party.requested_bytes as f64, Unit::Bytes),
            ];
            let at = format!("{}/parties/{place}", reading.pointer(cell));
            table.rows.push(Row { cells, at, chosen: reading.is_winner(cell), id: String::new() });
        }
    }
    table.notes.extend(parties::words(reading));
    note_the_others(reading, &told, &mut table);
    (!table.rows.is_empty()).then_some(table)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    #[test]
    fn each_cell_has_a_row_for_people_and_one_for_robots() {
        let mut record = fixture::thumbnails();
        assert!(parties(&Reading::new(&record)).is_none());
        for cell in &mut record.cells {
            cell.parties = fixture::parties(900, 100);
        }
        let table = parties(&Reading::new(&record)).unwrap();
        assert_eq!(table.rows.len(), 2 * record.cells.len());
        let [people, robots] = &table.rows[..2] else { panic!("there are rows") };
        assert_eq!((people.cells[3].text.as_str(), robots.cells[2].text.as_str()), ("900", "robots"));
        assert!(robots.at.ends_with("/parties/1"), "{}", robots.at);
    }
}
