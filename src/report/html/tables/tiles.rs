//! The headline numbers of each strategy at its best limit, and how it is set up.

use super::super::grid::Td;
use super::super::provenance::written_out;
use crate::record::{Cell, Record};
use crate::report::measure::{
    BYTE_HIT, DUPLICATE_RATIO, EXPIRED_RESIDENT, FRESH_HIT, FRESH_SHARE, MEMORY, Measure, ORIGIN_BYTES,
    ORIGIN_OFFLOAD, ORIGIN_RATE, P50, P95_AGE, P99, PEAK_MEMORY, PEAK_ORIGIN_RATE, STAMPEDES,
};
use crate::report::reading::{self, Reading};
use crate::report::{design, format};

/// Strategies told of at most; the table below has them all.
const MOST: usize = 8;

/// How the scenario sets up a strategy, as text; empty where the record does not say.
#[derive(Debug, Default)]
pub(in crate::report::html) struct Settings(pub(in crate::report::html) String);

impl Settings {
    /// Looks a strategy up in the effective scenario.
    pub(in crate::report::html) fn of(record: &Record, strategy: &str) -> Self {
        Self(design::named(record, strategy).map(written_out).unwrap_or_default())
    }
}

/// The most telling numbers of one cell.
#[derive(Debug)]
pub(in crate::report::html) struct Tiles {
    /// The cell, for people.
    pub(in crate::report::html) of: String,
    /// For links.
    pub(in crate::report::html) id: String,
    /// Name, the term of the glossary that explains it (empty for none), and value.
    pub(in crate::report::html) all: Vec<(&'static str, &'static str, Td)>,
}

/// The tiles of every strategy's best cell: the one that the verdict names, the baseline, then the others by rank.
pub(in crate::report::html) fn tiles(reading: &Reading) -> Vec<Tiles> {
    reading.best_of_each().into_iter().take(MOST).map(|cell| of(reading, cell)).collect()
}

/// Where the strategies are that have no tiles; `None` where all have some.
pub(in crate::report::html) fn without_tiles(reading: &Reading) -> Option<String> {
    let what = |one: &'static str, some: &'static str, more: usize| if more == 1 { one } else { some };
    let more = reading.best_of_each().len().checked_sub(MOST).filter(|more| *more > 0)?;
    let of = if reading.names.tell_policies() {
        what("pair of strategy and policy stands", "pairs of strategy and policy stand", more)
    } else {
        what("strategy stands", "strategies stand", more)
    };
    Some(format!("{more} more {of} in the table below."))
}

fn of(reading: &Reading, cell: &Cell) -> Tiles {
    let shown: [(&Measure, &str); 15] = [
        (&FRESH_HIT, "fresh-hit"),
        (&BYTE_HIT, "byte-hit-ratio"),
        (&ORIGIN_OFFLOAD, "origin-offload"),
        (&P50, ""),
        (&P99, ""),
        (&MEMORY, ""),
        (&PEAK_MEMORY, ""),
        (&EXPIRED_RESIDENT, "expired-but-resident"),
        (&ORIGIN_RATE, ""),
        (&ORIGIN_BYTES, ""),
        (&PEAK_ORIGIN_RATE, "peak-origin-rate"),
        (&STAMPEDES, "stampede"),
        (&DUPLICATE_RATIO, "duplicate-fetch"),
        (&FRESH_SHARE, "current-answer"),
        (&P95_AGE, "staleness"),
    ];
    let tile = |(measure, term): (&'static Measure, &'static str)| {
        let of = format!("{}{}", reading.pointer(cell), measure.path);
        (measure.label, term, Td { of, ..Td::measured(reading, cell, measure) })
    };
    let mut title = reading.name(cell);
    if reading.is_recommended(cell) {
        title.push_str(", recommended");
    }
    if cell.baseline {
        let at_another = |other: &&Cell| {
            other.baseline && other.eviction == cell.eviction && other.capacity != cell.capacity
        };
        let several = reading.ranked.iter().any(at_another);
        title.push_str(if several { ", the baseline at the same limit" } else { ", the baseline" });
    }
    Tiles {
        of: format::shortened(&title, 2 * format::LONGEST_NAME),
        id: format!("tiles-{}", reading::anchor(cell)),
        all: shown.into_iter().map(tile).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    #[test]
    fn strategies_without_tiles_are_told_of() {
        let note = |record: &Record| without_tiles(&Reading::new(record));
        assert_eq!(note(&fixture::thumbnails()), None);
        let mut record = fixture::forty();
        assert_eq!(tiles(&Reading::new(&record)).len(), MOST);
        assert_eq!(note(&record).unwrap(), "32 more strategies stand in the table below.");
        record.cells.truncate(MOST + 1);
        record.scoring.winner = Some(MOST);
        assert_eq!(note(&record).unwrap(), "1 more strategy stands in the table below.");
        record.cells[1].eviction = "allkeys-lfu".into();
        assert_eq!(note(&record).unwrap(), "1 more pair of strategy and policy stands in the table below.");
        record.cells.truncate(MOST);
        record.scoring.winner = Some(0);
        assert_eq!(note(&record), None);
    }

    #[test]
    fn the_baseline_stands_at_the_limit_of_the_change_where_it_has_several() {
        let titles = |record: &Record| {
            tiles(&Reading::new(record)).into_iter().map(|tiles| tiles.of).collect::<Vec<String>>()
        };
        let mut record = fixture::thumbnails();
        // At the other limit the baseline has the better score.
        record.cells[0].score = Some(0.99);
        record.cells[0].gates.clear();
        let several = titles(&record);
        assert_eq!(several[1], "setex-3600 at 256 MiB, the baseline at the same limit");
        record.cells.remove(3);
        record.scoring.winner = Some(4);
        record.scoring.indistinguishable.clear();
        let other = titles(&record);
        assert_eq!(other[1], "setex-3600 at 64 MiB, the baseline");
        let one = titles(&fixture::forty());
        assert!(one[1].ends_with(", the baseline"), "{one:?}");
    }
}
