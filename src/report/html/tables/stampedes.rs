//! Stampedes and avalanches in numbers, and the keys that were hit hardest.

use super::latency::cause;
use super::{Row, Table, Td, note_the_others, told_of};
use crate::report::format;
use crate::report::measure::{PEAK_WAITERS, STAMPEDES, Unit};
use crate::report::reading::Reading;

/// Stampedes of each cell in the list of the largest.
const EACH: usize = 20;

/// The columns of the totals that a phone and paper show.
const ON_PAPER: [&str; 9] = [
    "memory limit",
    "per hour",
    "mean size",
    "largest",
    "duplicate fetches",
    "of all fetches",
    "most waiting",
    "avalanche: most fetches in 1 s",
    "peak to mean",
];

/// Stampedes and avalanches of every cell.
pub(in crate::report::html) fn stampedes(reading: &Reading) -> Table {
    let columns = [
        "strategy",
        "memory limit#",
        "stampedes#/stampedes/count",
        "per hour#/stampedes/per_hour",
        "per 1,000 regenerations#/stampedes/per_1000_regenerations",
        "mean size#/stampedes/mean_size",
        "p99 size#/stampedes/p99_size",
        "largest#/stampedes/max_size",
        "duplicate fetches#/stampedes/duplicate_fetches",
        "of all fetches#/stampedes/duplicate_ratio",
        "wasted origin time#/stampedes/wasted_origin_s",
        "most waiting#/stampedes/peak_waiters",
        "avalanche: most fetches in 1 s#/avalanche/peak_per_s",
        "peak to mean#/avalanche/peak_to_mean",
        "most expiring in 1 s#/avalanche/peak_expiring_per_s",
    ];
    let mut table =
        Table::new("stampede-totals", "Stampedes (one object) and avalanches (many objects)", &columns);
    table.stacked = &ON_PAPER;
    let told = told_of(reading);
    table.each(reading, told.iter().copied(), |cell| {
        let (one, many) = (&cell.stampedes, &cell.avalanche);
        let sampled = if reading.record.sample.is_some() {
            "a sample of the keys does not tell it"
        } else {
            "the record does not tell it"
        };
        let unknown = |why| if reading.record.sample.is_some() { sampled } else { why };
        vec![
            Td::count_if(one.count).or(sampled),
            Td::measured(reading, cell, &STAMPEDES),
            Td::number(one.per_1000_regenerations, Unit::Number).or(unknown("nothing was fetched")),
            Td::number(one.mean_size, Unit::Number).or(unknown("no stampede occurred")),
            Td::number(one.p99_size, Unit::Number).or(unknown("no stampede occurred")),
            Td::count_if(one.max_size).or(sampled),
            Td::count_if(one.duplicate_fetches).or(sampled),
            Td::number(one.duplicate_ratio, Unit::Share).or(unknown("nothing was fetched")),
            Td::number(one.wasted_origin_s, Unit::Seconds).or(sampled),
            Td::number(PEAK_WAITERS.of(cell), Unit::Number).or(unknown("no requests were scored")),
            Td::count_if(many.peak_per_s).or(sampled),
            Td::number(many.peak_to_mean, Unit::Number).or(unknown("nothing was fetched")),
            Td::count_if(many.peak_expiring_per_s).or(sampled),
        ]
    });
    if reading.replications > 1 {
        table.notes.push(
            "Counts and wasted time are sums over the replications, sizes and peaks named largest or most are the greatest; \
             rates, shares and mean sizes are means over replications."
                .into(),
        );
    }
    note_the_others(reading, &told, &mut table);
    table
}

/// The largest stampedes of the cells that the charts compare.
pub(in crate::report::html) fn worst_stampedes(reading: &Reading) -> Option<Table> {
    let columns = [
        "object",
        "strategy",
        "started after#/start_s",
        "length#/length_s",
        "fetches#/size",
        "most waiting#/waiters",
        "set off by",
    ];
    let which = if reading.replications > 1 { " in its first replication" } else { "" };
    let mut table = Table::new(
        "worst-stampedes",
        format!(
            "The largest stampedes: the top keys, up to {EACH} of each cell compared in the charts{which}"
        ),
        &columns,
    );
    for cell in reading.side_by_side(6) {
        for (place, one) in cell.stampedes.worst.iter().take(EACH).enumerate() {
            let start = Td { text: format::instant(one.start_s), ..Td::number(one.start_s, Unit::Seconds) };
            let cells = vec![
                Td::heading(format::shortened(&one.object, format::LONGEST_NAME)),
                Td::text(reading.strategy(cell)),
                start,
                Td::number(one.length_s, Unit::Seconds),
                Td::count(one.size),
                Td::count(one.waiters),
                Td::text(cause(&one.cause)),
            ];
            let at = format!("{}/stampedes/worst/{place}", reading.pointer(cell));
            table.rows.push(Row { at, cells, ..Row::default() });
        }
    }
    if reading.replications > 1 {
        let note =
            "Other replications may have had larger ones: the largest of all stands in the table above.";
        table.notes.push(note.into());
    }
    (!table.rows.is_empty()).then_some(table)
}
