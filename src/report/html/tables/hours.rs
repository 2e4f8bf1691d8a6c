//! Hits by class and hour, in numbers.

use super::super::grid::{Table, Td};
use crate::report::hours;
use crate::report::measure::Unit;
use crate::report::reading::Reading;

/// Fresh hits of the cell that the verdict names, by class and hour; `None` where the run has fewer than two hours.
pub(in crate::report::html) fn hours(reading: &Reading) -> Option<Table> {
    let cell = reading.focus()?;
    let hours = hours::of(cell, reading.record).ok()?;
    let colon = if hours.utc_offset_s.is_some() { ":00" } else { "" };
    let heads = hours.names.iter().map(|name| format!("{name}{colon}#"));
    let columns: Vec<String> = std::iter::once("class, by hour".to_owned()).chain(heads).collect();
    let caption = format!("Fresh hits of {} by class and hour, % of requests", reading.name(cell));
    let mut table = Table::new("hours-table", caption, &columns);
    for (class, sums) in &hours.classes {
        let share = |(requests, hits): &(f64, f64)| {
            Td::number((*requests > 0.0).then(|| hits / requests), Unit::Share)
        };
        table.row(std::iter::once(Td::heading(class.clone())).chain(sums.iter().map(share)).collect());
    }
    table.notes.push("A dash stands for an hour without scored requests.".into());
    Some(table)
}
