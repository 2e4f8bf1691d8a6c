//! How soon images are asked for again, in numbers.

use super::{Table, Td};
use crate::report::measure::Unit;
use crate::report::reading::Reading;
use crate::report::reuse;

/// Requests by the time since the one before for the same image and since its first; `None` without any.
pub(in crate::report::html) fn reuse(reading: &Reading) -> Option<Table> {
    let reuse = reuse::of(reading.record)?;
    let mut columns = vec!["since the one before".to_owned(), "so soon or sooner#".into()];
    columns.extend(
        reuse.edges.iter().map(|edge| format!("age up to {edge}#").replace("up to more", "above that")),
    );
    let caption = "Requests by the time since the one before for the same image, and since its first; % of all requests";
    let mut table = Table::new("reuse-table", caption, &columns);
    for (step, (name, shares)) in reuse.steps.iter().zip(&reuse.shares).enumerate() {
        let mut cells = vec![Td::heading(name.clone()), Td::number(reuse.within(step), Unit::Share)];
        cells.extend(shares.iter().map(|share| Td::number(*share, Unit::Share)));
        table.row(cells);
    }
    let first = Unit::Share.print(Some(reuse.first));
    table
        .notes
        .push(format!("The other {first} of requests were the first for their image: no cache has those."));
    Some(table)
}
