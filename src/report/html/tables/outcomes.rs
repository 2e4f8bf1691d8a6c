//! How requests ended, misses by cause.

use super::{Table, Td, note_the_others, told_of};
use crate::record::Outcomes;
use crate::report::reading::Reading;

/// A kind of outcome: the column that tells its share, and how many there were.
pub(super) type Kind = (&'static str, fn(&Outcomes) -> u64);

/// Every kind of outcome.
pub(super) const KINDS: [Kind; 10] = [
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

/// The kinds that occurred, and those that did not.
pub(super) fn occurring<'k, 'o>(
    kinds: &'k [Kind],
    outcomes: impl Iterator<Item = &'o Outcomes>,
) -> (Vec<&'k Kind>, Vec<&'k Kind>) {
    let all: Vec<&Outcomes> = outcomes.collect();
    kinds.iter().partition(|(_, count)| all.iter().any(|outcomes| count(outcomes) > 0))
}

/// Says below a table which kinds have no column, since no cell or class (`of`) had any.
pub(super) fn note_absent(absent: &[&Kind], of: &str, table: &mut Table) {
    if absent.is_empty() {
        return;
    }
    let names: Vec<&str> = absent.iter().map(|(name, _)| name.split('#').next().unwrap_or(name)).collect();
    table.notes.push(format!("Did not occur in any {of}: {}.", names.join(", ")));
}

/// Outcomes of every cell, misses by cause.
pub(in crate::report::html) fn misses(reading: &Reading) -> Table {
    let (shown, absent) = occurring(&KINDS, reading.record.cells.iter().map(|cell| &cell.outcomes));
    let heads = ["strategy", "memory limit#", "requests#/requests"].into_iter();
    let columns: Vec<&str> = heads.chain(shown.iter().map(|(name, _)| *name)).collect();
    let mut table = Table::new("misses-table", "Outcomes, of scored requests", &columns);
    let told = told_of(reading);
    table.each(reading, told.iter().copied(), |cell| {
        let shares = shown
            .iter()
            .map(|(_, count)| Td::share(count(&cell.outcomes), cell.requests).or("no requests were scored"));
        std::iter::once(Td::count(cell.requests)).chain(shares).collect()
    });
    note_the_others(reading, &told, &mut table);
    note_absent(&absent, "cell", &mut table);
    table
}
