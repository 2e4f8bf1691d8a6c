//! What the cache held, and where the bytes went.

use super::{Table, Td, note_the_others, told_of};
use crate::record::{Capacity, Cell};
use crate::report::entry;
use crate::report::measure::{EXPIRED_RESIDENT, MEMORY, PEAK_MEMORY, Unit};
use crate::report::reading::Reading;

/// The columns of the memory's table that a phone and paper show.
const ON_PAPER: [&str; 9] = [
    "memory limit",
    "mean",
    "peak",
    "at the end",
    "expired but resident",
    "entries, mean",
    "evictions",
    "entries expired",
    "room below the limit",
];

const UNFINISHED: &str = "the cell did not finish";

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
    table.stacked = &ON_PAPER;
    let told = told_of(reading);
    table.each(reading, told.iter().copied(), |cell| {
        let known = |value: f64| (cell.replications > 0).then_some(value);
        let no_process = match (cell.memory.peak_bytes, cell.memory.breakdown) {
            (None, _) => "the peak is not known",
            (_, None) if !reading.record.source.is_simulation() => "a live run does not keep it",
            (_, None) => "the scenario's memory model counts entries alone, not a process",
            _ => "the scenario names no ratio for fragmentation",
        };
        let no_commands = match (cell.requests, &reading.record.sample) {
            (0, _) => "no requests were scored",
            (_, Some(_)) => "a sample of the keys does not tell it",
            _ => "the record does not tell it",
        };
        vec![
            Td::measured(reading, cell, &MEMORY),
            Td::measured(reading, cell, &PEAK_MEMORY),
            Td::number(known(cell.memory.final_bytes), Unit::Bytes).or(UNFINISHED),
            Td::measured(reading, cell, &EXPIRED_RESIDENT),
            Td::number(known(cell.entries.mean), Unit::Number).or(UNFINISHED),
            Td::count(cell.entries.peak),
            Td::count(cell.evicted),
            Td::count(cell.expired),
            Td::count(cell.out_of_memory),
            Td::count(cell.too_large),
            Td::number(cell.memory.rss_estimate_bytes, Unit::Bytes).or(no_process),
            Td::number(headroom(cell), Unit::Bytes).or(match cell.capacity {
                None => "there is no limit",
                Some(Capacity::Objects(_)) => "the limit is one of objects",
                Some(Capacity::Bytes(_)) => "the peak is not known",
            }),
            Td::number(cell.commands.per_request, Unit::Number).or(no_commands),
        ]
    });
    note_the_others(reading, &told, &mut table);
    if told.iter().filter_map(|cell| headroom(cell)).any(|room| room < 0.0) {
        table.notes.push(
            "Room below the limit is the limit minus the peak. Below 0 a value that was stored took the cache above its \
             limit, until room was made before the next one."
                .into(),
        );
    }
    if reading.record.cells.iter().any(|cell| cell.memory.rss_estimate_bytes.is_some()) {
        table.notes.push(
            "What the process takes at most is its peak times the ratio for fragmentation that the scenario assumes; \
             measure yours."
                .into(),
        );
    }
    table
}

/// What sweeps by the application did and left; `None` where no cell has any.
pub(in crate::report::html) fn sweeps(reading: &Reading) -> Option<Table> {
    let columns = [
        "strategy",
        "memory limit#",
        "sweeps#/sweeps/count",
        "entries removed#/sweeps/removed",
        "most members of the set#/sweeps/peak_members",
        "most ghosts#/sweeps/peak_ghosts",
        "ghosts at the last sweep#/sweeps/final_ghosts",
        "set, mean#/sweeps/mean_set_bytes",
        "set, peak#/sweeps/peak_set_bytes",
        "most entries above the limit#/sweeps/peak_excess_entries",
        "most bytes above the limit#/sweeps/peak_excess_bytes",
        "commands per request#/commands/per_request",
        "the sweeps' own#/commands/sweep:/requests",
        "marks of access#/commands/zadd:/requests",
    ];
    let swept: Vec<&Cell> =
        told_of(reading).into_iter().filter(|cell| cell.sweeps.is_some() && cell.requests > 0).collect();
    let mut table = Table::new("sweep-table", "What the application's clean-up did, left and cost", &columns);
    table.each(reading, swept, |cell| {
        let did = cell.sweeps.unwrap_or_default();
        let per_request = |count: u64| Td::number(count as f64 / cell.requests as f64, Unit::Number);
        vec![
            Td::count(did.count),
            Td::count(did.removed),
            Td::count(did.peak_members),
            Td::count(did.peak_ghosts),
            Td::count(did.final_ghosts),
            Td::number(did.mean_set_bytes, Unit::Bytes),
            Td::number(did.peak_set_bytes as f64, Unit::Bytes),
            Td::count(did.peak_excess_entries),
            Td::number(did.peak_excess_bytes as f64, Unit::Bytes),
            Td::number(cell.commands.per_request, Unit::Number).or("a sample of the keys does not tell it"),
            per_request(cell.commands.sweep),
            per_request(cell.commands.zadd),
        ]
    });
    table.notes.push(
        "A ghost is a member of the set whose key is gone. Between two sweeps the cache grows above its limit: by how much \
         at most stands under above the limit. Peaks are the greatest of all replications, counts their sums; commands \
         are per request, the sweeps' own and the marks of access (ZADD) among all of them."
            .into(),
    );
    (!table.rows.is_empty()).then_some(table)
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
    let caption = format!("Where memory went at the end, {}", reading.name(cell));
    let mut table = Table::new("entry-table", caption, &["part", "in all#", "per entry#"]);
    table.sortable = false;
    for part in &parts {
        let of = format!("{}/memory/breakdown/{}", reading.pointer(cell), part.field);
        table.row(vec![
            Td::heading(part.label),
            Td { of, ..Td::number(part.bytes, Unit::Bytes) },
            Td::number(entry::per_entry(part, cell), Unit::Bytes)
                .or("the part does not grow with the entries, or there are none"),
        ]);
    }
    Some(table)
}
