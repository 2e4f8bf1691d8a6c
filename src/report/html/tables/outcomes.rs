//! How requests ended, misses by cause.

use super::{Table, Td, note_the_others, told_of};
use crate::record::Outcomes;
use crate::report::reading::Reading;

/// Outcomes of every cell, misses by cause.
pub(in crate::report::html) fn misses(reading: &Reading) -> Table {
    type Kind = (&'static str, fn(&Outcomes) -> u64);
    const KINDS: [Kind; 10] = [
        ("fresh hit#/outcomes/fresh_hit:/requests", |kinds| kinds.fresh_hit),
        ("stale hit#/outcomes/stale_hit:/requests", |kinds| kinds.stale_hit),
        ("delayed hit#/outcomes/delayed_hit:/requests", |kinds| kinds.delayed_hit),
        ("cold miss#/outcomes/miss_cold:/requests", |kinds| kinds.miss_cold),
        ("expired miss#/outcomes/miss_expired:/requests", |kinds| kinds.miss_expired),
        ("evicted miss#/outcomes/miss_evicted:/requests", |kinds| kinds.miss_evicted),
        ("invalidated miss#/outcomes/miss_invalidated:/requests", |kinds| kinds.miss_invalidated),
        ("lost miss#/outcomes/miss_lost:/requests", |kinds| kinds.miss_lost),
        ("stale on error#/outcomes/stale_on_error:/requests", |kinds| kinds.stale_on_error),
        ("error#/outcomes/error:/requests", |kinds| kinds.error),
    ];
    let occurred = |(_, count): &&Kind| reading.record.cells.iter().any(|cell| count(&cell.outcomes) > 0);
    let (shown, absent): (Vec<&Kind>, Vec<&Kind>) = KINDS.iter().partition(occurred);
    let heads = ["strategy", "memory limit#", "requests#/requests"].into_iter();
    let columns: Vec<&str> = heads.chain(shown.iter().map(|(name, _)| *name)).collect();
    let mut table = Table::new("misses-table", "Outcomes, of requests after warm-up", &columns);
    let told = told_of(reading);
    table.each(reading, told.iter().copied(), |cell| {
        let shares = shown
            .iter()
            .map(|(_, count)| Td::share(count(&cell.outcomes), cell.requests).or("no requests were scored"));
        std::iter::once(Td::count(cell.requests)).chain(shares).collect()
    });
    note_the_others(reading, &told, &mut table);
    if !absent.is_empty() {
        let names: Vec<&str> =
            absent.iter().map(|(name, _)| name.split('#').next().unwrap_or(name)).collect();
        table.notes.push(format!("Did not occur in any cell: {}.", names.join(", ")));
    }
    table
}
