//! A comparison as a page of its own.

use super::{Comparison, Pair};
use crate::report::chart::heat_compare::{self, Difference};
use crate::report::format;
use crate::report::html::{ComparePage, Figure, Table, Td};
use crate::report::measure::{
    BYTE_HIT, FRESH_HIT, FRESH_SHARE, MEMORY, Measure, ORIGIN_OFFLOAD, ORIGIN_RATE, OVER_BOUND, P95_AGE, P99,
    PEAK_ORIGIN_RATE, STAMPEDES,
};

/// Columns that a phone shows: all of them, one below the other.
static STACKED: [&str; 12] = [
    "memory limit",
    FRESH_HIT.label,
    BYTE_HIT.label,
    ORIGIN_OFFLOAD.label,
    MEMORY.label,
    ORIGIN_RATE.label,
    PEAK_ORIGIN_RATE.label,
    STAMPEDES.label,
    P99.label,
    FRESH_SHARE.label,
    P95_AGE.label,
    OVER_BOUND.label,
];

/// Renders the page.
pub(super) fn page(comparison: &Comparison) -> String {
    let differences: Vec<Difference> = comparison.pairs.iter().filter_map(difference).collect();
    let chart = heat_compare::draw(comparison.names, &differences);
    let name =
        |record: &crate::record::Record| format::shortened(&record.scenario.name, format::LONGEST_NAME);
    let (before, after) = (name(comparison.before), name(comparison.after));
    let title = if before == after {
        format!("{after}: two runs compared")
    } else {
        format!("{after} against {before}")
    };
    ComparePage {
        title,
        summary: comparison.summary(),
        turned: comparison.turned().into_iter().map(|turned| turned.words).collect(),
        limits: comparison.limits.join(", "),
        failures: comparison.failures.iter().map(|failure| failure.words.clone()).collect(),
        doubts: comparison.doubts.clone(),
        verdicts: comparison.verdicts(),
        figure: Figure {
            name: "difference",
            label: "Chart: change of fresh hits",
            chart: chart.map(|svg| svg.inline()).map_err(|error| error.to_string()),
            shows: "Each field is one cell: blue has more fresh hits than before, orange fewer, = as many in every \
                    replication, and a dot is a difference that chance may explain, or a cell that only one run has.",
            caveat: "The depth of a colour is relative to the largest change: read the numbers.",
        },
        table: (!comparison.pairs.is_empty()).then(|| table(comparison)),
        settings: settings(comparison),
        only: [("Only before", &comparison.only_before), ("Only now", &comparison.only_after)]
            .into_iter()
            .filter(|(_, cells)| !cells.is_empty())
            .map(|(what, cells)| {
                (what, cells.iter().map(|cell| comparison.names.cell(cell)).collect::<Vec<_>>().join(", "))
            })
            .collect(),
    }
    .finish()
}

fn difference<'a>(pair: &Pair<'a>) -> Option<Difference<'a>> {
    let shift = pair.shifts.iter().find(|shift| shift.measure.key == FRESH_HIT.key)?;
    let told = shift.is_unchanged() || shift.change.indistinguishable != Some(true);
    let points = told.then_some(shift.change.difference);
    Some(Difference { cell: pair.after, points, words: shift.words() })
}

fn table(comparison: &Comparison) -> Table {
    let measures = comparison.measures();
    let heads = measures.iter().map(|measure| format!("{}#", measure.label));
    let columns: Vec<String> =
        ["strategy".to_owned(), "memory limit#".into()].into_iter().chain(heads).collect();
    let mut table = Table::new("comparison", "Every cell that both runs have", &columns);
    table.stacked = &STACKED;
    for pair in &comparison.pairs {
        let name = Td::heading(comparison.names.strategy(pair.after, format::LONGEST_NAME));
        let named = [name, Td::limit(pair.after)];
        table.row(named.into_iter().chain(measures.iter().map(|measure| cell(pair, measure))).collect());
    }
    table
}

fn cell(pair: &Pair, measure: &Measure) -> Td {
    let Some(shift) = pair.shifts.iter().find(|shift| shift.measure.key == measure.key) else {
        return Td::number(
            measure.of(pair.after).filter(|_| measure.of(pair.before).is_some()),
            measure.unit,
        );
    };
    let within = shift.change.within(measure).map(|within| format!(" (± {within})"));
    let tone = match shift.tells() {
        Some(true) => "better",
        Some(false) => "worse",
        None => "",
    };
    let more = format!("{}{}", shift.words(), within.unwrap_or_default());
    Td { more, tone, ..Td::number(shift.after, measure.unit) }
}

fn settings(comparison: &Comparison) -> Option<Table> {
    let mut table =
        Table::new("settings", "What differs between the scenarios", &["setting", "before", "now"]);
    for (name, before, after) in &comparison.settings {
        table.row(vec![Td::heading(name.clone()), Td::text(before.clone()), Td::text(after.clone())]);
    }
    (!comparison.settings.is_empty()).then_some(table)
}
