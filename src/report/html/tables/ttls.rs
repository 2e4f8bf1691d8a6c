//! The table below the chart of TTLs: where each that depends on time began and ended, and how far it went.

use super::{Table, Td};
use crate::cache::redis::Build;
use crate::record::Timeouts;
use crate::report::chart::ttl::shown;
use crate::report::format::{bytes, count, number, seconds};
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
    let steered =
        || reading.ranked.iter().chain(&reading.bounds).filter_map(|cell| Some((cell, cell.timeouts?)));
    table
        .notes
        .extend(steered().take(MOST_TIMEOUTS).map(|(cell, costs)| timeouts(&reading.name(cell), &costs)));
    let more = steered().count().saturating_sub(MOST_TIMEOUTS);
    if more > 0 {
        table
            .notes
            .push(format!("The costs of the timeouts of {more} more cells are in record.json (timeouts)."));
    }
    (!table.rows.is_empty()).then_some(table)
}

/// Cells whose timeouts are held against constant ones here: the best.
const MOST_TIMEOUTS: usize = 4;

/// What a timeout costs that a rule steers, beside constant ones.
fn timeouts(name: &str, costs: &Timeouts) -> String {
    /// By how much of the best no timeout may cost more, and the timeout still means nothing.
    const ALIKE: f64 = 1.02;
    let Timeouts { own, best, best_s, none, forever } = *costs;
    let verdict = if forever <= best * ALIKE {
        ". Without a timeout it costs as good as the same, so the timeout itself means little here"
    } else {
        ""
    };
    format!(
        "{name}: the steered timeout cost {} an hour at its own prices (first replication). On the same requests the best constant one \
         that was tried, {}, costs {}, no cache at all (a timeout of 0) {}, and no timeout at all {}; these take no account of a memory \
         limit, of max_age and of the time of fetches{verdict}.",
        number(own),
        seconds(best_s),
        number(best),
        number(none),
        number(forever)
    )
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steered_timeout_stands_beside_the_best_constant_one_no_cache_and_no_timeout() {
        let costs = Timeouts { own: Some(13.2), best: 13.17, best_s: 41.4, none: 20.0, forever: 20.5 };
        let told = timeouts("elastic", &costs);
        let parts = ["cost 13.2 an hour", "41.4 s, costs 13.2", "0) 20,", "at all 20.5;"];
        assert!(parts.iter().all(|part| told.contains(part)), "{told}");
        assert!(!told.contains("means little"), "{told}");
        assert!(timeouts("elastic", &Timeouts { forever: 13.3, ..costs }).contains("means little"));
        assert!(timeouts("elastic", &Timeouts { own: None, ..costs }).contains("timeout cost —"));
    }
}
