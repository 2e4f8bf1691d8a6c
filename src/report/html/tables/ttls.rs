//! The table below the chart of TTLs: where each that depends on time began and ended, and how far it went.

use super::{Table, Td};
use crate::cache::redis::Build;
use crate::report::chart::ttl::shown;
use crate::report::format::{bytes, count};
use crate::report::measure::Unit;
use crate::report::reading::Reading;

/// How the TTLs went that depend on time; `None` where none does.
pub(in crate::report::html) fn table(reading: &Reading) -> Option<Table> {
    let columns = [
        "strategy",
        "memory limit#",
        "TTL of",
        "class",
        "at first#",
        "at the end#",
        "least#",
        "greatest#",
        "at a limit, of the time#",
    ];
    let mut table = Table::new("ttl-table", "TTLs that depend on time", &columns);
    for cell in reading.ranked.iter().chain(&reading.bounds) {
        for trajectory in shown(cell) {
            let ttls = || trajectory.ttl_s.iter().copied();
            let time = |ttl: Option<f64>| Td::number(ttl, Unit::Seconds);
            let pinned = trajectory.pinned_share;
            let mut limit = Td::number(pinned, Unit::Share).or("no controller, whose TTL has limits");
            if pinned.is_some_and(|share| share >= 0.5) {
                (limit.more, limit.tone) = ("pinned: cannot do what it is asked".into(), "worse");
            }
            table.row(vec![
                Td::name(reading, cell),
                Td::limit(cell),
                Td::text(if pinned.is_some() { trajectory.name.as_str() } else { "what was stored" }),
                Td::text(trajectory.class.as_deref().unwrap_or("all")),
                time(ttls().next()),
                time(ttls().next_back()),
                time(ttls().reduce(f64::min)),
                time(ttls().reduce(f64::max)),
                limit,
            ]);
        }
    }
    table.notes.extend(shadows(reading));
    (!table.rows.is_empty()).then_some(table)
}

/// What the names take that a controller remembers without a value; `None` where none is remembered.
fn shadows(reading: &Reading) -> Option<String> {
    let cells = reading.ranked.iter().chain(&reading.bounds);
    let most = cells.flat_map(|cell| &cell.trajectories).flat_map(|one| &one.shadows).max()?;
    let key = Build::Distribution.entry(24, 0, true);
    Some(format!(
        "What f-ttl remembers by its name alone, up to {} names at once, lies beside the memory of the cache: as keys of a \
         Redis, of 24 bytes each, it would take {}.",
        count(*most),
        bytes((most * key) as f64)
    ))
}
