//! What every cell costs a month.

use super::{Table, Td, note_the_others, told_of};
use crate::report::cost;
use crate::report::measure::Unit;
use crate::report::reading::Reading;

/// Monthly costs by part; `None` where the scenario names no prices.
pub(in crate::report::html) fn costs(reading: &Reading) -> Option<Table> {
    let currency = reading.record.cells.iter().find_map(|cell| Some(cell.cost.as_ref()?.currency.clone()))?;
    let columns = [
        "strategy",
        "memory limit#",
        "in all#/cost/total/mean",
        "memory#/cost/memory",
        "origin#/cost/origin",
        "to clients#/cost/served",
        "memory rented#/cost/rented_bytes",
        "nodes",
    ];
    let mut table = Table::new("cost-table", format!("Cost of a month in {currency}"), &columns);
    let told = told_of(reading);
    table.each(reading, told.iter().copied(), |cell| {
        let cost = cell.cost.as_ref();
        let money = |value: Option<f64>| Td::number(value, Unit::Number);
        let mut total = money(cost.and_then(|cost| cost.total.mean));
        if let Some((low, high)) = cost.and_then(|cost| cost.total.low.zip(cost.total.high)) {
            total.more = format!("{} to {}", Unit::Number.print(Some(low)), Unit::Number.print(Some(high)));
        }
        let nodes = cost.and_then(|cost| Some(format!("{} × {}", cost.nodes?, cost.node.as_ref()?)));
        vec![
            total,
            money(cost.map(|cost| cost.memory)),
            money(cost.map(|cost| cost.origin)),
            money(cost.map(|cost| cost.served)),
            Td::number(cost.map(|cost| cost.rented_bytes), Unit::Bytes),
            Td::text(nodes.unwrap_or_else(|| "by size".into())),
        ]
    });
    note_the_others(reading, &told, &mut table);
    table.notes.extend(cost::words(reading));
    table.notes.push(
        "A month has 730 hours. Memory is the limit (without one, the peak) with headroom, RSS and replicas; prices are \
         the scenario's."
            .into(),
    );
    Some(table)
}
