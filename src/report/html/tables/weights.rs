//! Which cell has the best score over which weights, in numbers.

use super::super::grid::{Table, Td};
use crate::report::measure::{Unit, label_of};
use crate::report::reading::Reading;
use crate::report::weights::objectives;

/// The best cells by the share of each objective; `None` where no weight decides.
pub(in crate::report::html) fn weights(reading: &Reading) -> Option<Table> {
    let objectives = objectives(reading);
    let columns = ["objective", "its share now#", "from#", "to#", "best score"];
    let mut table = Table::new("weights-table", "Who has the best score over which weights", &columns);
    table.stacked = &["its share now", "from", "to", "best score"];
    for one in &objectives {
        for (from, to, cell) in &one.stretches {
            table.row(vec![
                Td::heading(label_of(one.name)),
                Td::number(one.now, Unit::Share),
                Td::number(*from, Unit::Share),
                Td::number(*to, Unit::Share),
                Td::text(reading.name(cell)),
            ]);
        }
    }
    (!objectives.is_empty()).then_some(table)
}
