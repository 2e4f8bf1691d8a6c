//! The tables of results, one file for each section of the page.

mod capacity;
mod classes;
mod cost;
mod hours;
mod latency;
mod memory;
mod outcomes;
mod parties;
mod ranking;
mod reuse;
mod stampedes;
mod surface;
mod tiles;
mod ttls;
mod weights;
mod work;

pub(super) use self::capacity::{capacity, heat};
pub(super) use self::classes::classes;
pub(super) use self::cost::costs;
pub(super) use self::hours::hours;
pub(super) use self::latency::waits;
pub(super) use self::memory::{entry, memory, sweeps};
pub(super) use self::outcomes::misses;
pub(super) use self::parties::parties;
pub(super) use self::ranking::{claims, comparison_words, ranking};
pub(super) use self::reuse::reuse;
pub(super) use self::stampedes::{stampedes, worst_stampedes};
pub(super) use self::surface::{curve, maps};
pub(super) use self::tiles::{Settings, Tiles, tiles, without_tiles};
pub(super) use self::ttls::table as ttls;
pub(super) use self::weights::weights;
pub(super) use self::work::server_work;

use super::grid::{Row, Table, Td};
use crate::record::Cell;
use crate::report::reading::Reading;

/// Cells that tables of many rows a cell tell of, and of how many where there are many; the others stand in the record.
const DETAILED: usize = 24;
const DETAILED_OF_MANY: usize = 12;

/// The cells that tables of many rows a cell tell of: the best, and as many bounds as there is room for.
fn detailed<'a>(reading: &Reading<'a>) -> Vec<&'a Cell> {
    let most = if reading.has_many() { DETAILED_OF_MANY } else { DETAILED };
    reading.ranked.iter().chain(&reading.bounds).take(most).copied().collect()
}

/// The cells that tables of one row a cell tell of: every one, or the best where there are very many.
fn told_of<'a>(reading: &Reading<'a>) -> Vec<&'a Cell> {
    let most = if reading.is_large() { DETAILED } else { usize::MAX };
    reading.ranked.iter().chain(&reading.bounds).take(most).copied().collect()
}

/// Says where the other cells are, if some are left out.
fn note_the_others(reading: &Reading, told: &[&Cell], table: &mut Table) {
    let (told, all) = (told.len(), reading.ranked.len() + reading.bounds.len());
    if told < all {
        table.notes.push(format!("The best {told} of {all} cells; record.json holds them all."));
    }
}
