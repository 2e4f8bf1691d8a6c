//! What the cache held, and where the bytes went.

use super::{Table, Td, note_the_others, told_of};
use crate::record::{Capacity, Cell};
use crate::report::entry;
use crate::report::measure::{EXPIRED_RESIDENT, MEMORY, PEAK_MEMORY, Unit};
use crate::report::reading::{self, Reading};

/// Memory of every cell.
pub(in crate::report::html) fn memory(reading: &Reading) -> Table {
    let columns = [
        "strategy",
        "memory limit#",
        "mean#/memory/mean_bytes",
        "peak#/memory/peak_bytes",
        "at the end#/memory/final_bytes",
        "expired but resident#/memory/expired_resident_mean_bytes",
        "entries, mean#/entries/mean",
        "entries, peak#/entries/peak",
        "evictions#/evicted",
        "entries expired#/expired",
        "fills refused#/out_of_memory",
        "objects too large#/too_large",
        "process, at most#/memory/rss_estimate_bytes",
        "room below the limit#",
        "commands per request#/commands/per_request",
    ];
    let mut table = Table::new("memory-table", "What the cache held", &columns);
    let told = told_of(reading);
    table.each(reading, told.iter().copied(), |cell| {
        let known = |value: f64| (cell.replications > 0).then_some(value);
        vec![
            Td::measured(reading, cell, &MEMORY),
            Td::measured(reading, cell, &PEAK_MEMORY),
            Td::number(known(cell.memory.final_bytes), Unit::Bytes),
            Td::measured(reading, cell, &EXPIRED_RESIDENT),
            Td::number(known(cell.entries.mean), Unit::Number),
            Td::count(cell.entries.peak),
            Td::count(cell.evicted),
            Td::count(cell.expired),
            Td::count(cell.out_of_memory),
            Td::count(cell.too_large),
            Td::number(cell.memory.rss_estimate_bytes, Unit::Bytes),
            Td::number(headroom(cell), Unit::Bytes),
            Td::number(cell.commands.per_request, Unit::Number),
        ]
    });
    note_the_others(reading, &told, &mut table);
    if reading.record.cells.iter().any(|cell| cell.memory.rss_estimate_bytes.is_some()) {
        table.notes.push(
            "What the process takes at most is its peak times the ratio for fragmentation that the scenario assumes; \
             measure yours."
                .into(),
        );
    }
    table
}

/// What was left of the limit at the peak.
fn headroom(cell: &Cell) -> Option<f64> {
    match cell.capacity {
        Some(Capacity::Bytes(limit)) if cell.replications > 0 => {
            cell.memory.peak_bytes.map(|peak| limit as f64 - peak as f64)
        }
        _ => None,
    }
}

/// The bytes of one entry by part, and of the server without entries; `None` where the memory model does not say.
pub(in crate::report::html) fn entry(reading: &Reading) -> Option<Table> {
    let cell = reading.focus()?;
    let parts = entry::parts(cell)?;
    let caption = format!("Where memory went at the end, {}", reading::name(cell));
    let mut table = Table::new("entry-table", caption, &["part", "in all#", "per entry#"]);
    table.sortable = false;
    for part in &parts {
        let of = format!("{}/memory/breakdown/{}", reading.pointer(cell), part.field);
        table.row(vec![
            Td::heading(part.label),
            Td { of, ..Td::number(part.bytes, Unit::Bytes) },
            Td::number(entry::per_entry(part, cell), Unit::Bytes),
        ]);
    }
    Some(table)
}
