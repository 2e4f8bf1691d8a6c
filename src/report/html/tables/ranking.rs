//! All cells, best first, and what the scenario's author expected of them.

use super::{Row, Table, Td};
use crate::record::Cell;
use crate::report::format;
use crate::report::measure::{
    self, BYTE_HIT, FRESH_HIT, FRESH_SHARE, HIT, MEMORY, Measure, ORIGIN_BYTES, ORIGIN_OFFLOAD, ORIGIN_RATE,
    OVER_BOUND, P95_AGE, P99, PEAK_MEMORY, PEAK_ORIGIN_RATE, STAMPEDES, Unit,
};
use crate::report::reading::{self, MEASURED_ONCE, Reading};

/// The columns of the comparison that a narrow screen shows.
const ON_A_PHONE: [&str; 9] = [
    "memory limit",
    "gates",
    "score",
    FRESH_HIT.label,
    MEMORY.label,
    ORIGIN_RATE.label,
    PEAK_ORIGIN_RATE.label,
    STAMPEDES.label,
    P99.label,
];

/// How the comparison table is to be read.
pub(in crate::report::html) fn comparison_words(reading: &Reading) -> String {
    let compared = |cell: &Cell| reading.change(cell, &FRESH_HIT).is_some();
    if !reading.record.cells.iter().any(compared) && reading.record.cells.iter().any(|cell| cell.baseline) {
        return "No cell stands beside another baseline, so values stand alone.".into();
    }
    let baseline = reading.record.cells.iter().find(|cell| cell.baseline);
    let against = baseline.map_or_else(
        || "The scenario names no baseline, so values stand alone.".into(),
        |cell| {
            let policy = if reading.names.tell_policies() { " and policy" } else { "" };
            format!(
                "The second line is the change against {} at the same memory limit{policy}.",
                format::shortened(&cell.strategy, format::LONGEST_NAME)
            )
        },
    );
    let differences = reading.record.cells.iter().flat_map(|cell| cell.paired.values());
    let pairs = differences.filter(|difference| difference.indistinguishable.is_some()).count();
    if !reading.record.source.is_simulation() {
        format!("{against} {MEASURED_ONCE} Which difference matters is left to the reader.")
    } else if reading.record.trace.recorded && reading.record.sample.is_none() {
        format!(
            "{against} One recording, exact for it, no interval: which difference matters is left to the reader."
        )
    } else if pairs > 0 {
        format!(
            "{against} Differences whose 95 % interval contains 0 are called indistinguishable; {} were looked at, so \
             about one in twenty may seem real by chance.",
            format::count(pairs as u64)
        )
    } else {
        format!("{against} One replication, so no interval: differences may be chance.")
    }
}

/// The comparison of all cells.
pub(in crate::report::html) fn ranking(reading: &Reading) -> Table {
    let mut measures: Vec<&Measure> = vec![
        &FRESH_HIT,
        &HIT,
        &BYTE_HIT,
        &ORIGIN_OFFLOAD,
        &MEMORY,
        &PEAK_MEMORY,
        &ORIGIN_RATE,
        &ORIGIN_BYTES,
        &PEAK_ORIGIN_RATE,
        &STAMPEDES,
        &P99,
        &FRESH_SHARE,
        &OVER_BOUND,
        &P95_AGE,
    ];
    // How current answers are is told where objects change at all.
    let known = |measure: &Measure| reading.ranked.iter().any(|cell| measure.of(cell).is_some());
    let of_freshness = [&FRESH_SHARE, &OVER_BOUND, &P95_AGE].map(|measure| measure.key);
    measures.retain(|measure| !of_freshness.contains(&measure.key) || known(measure));
    let mut columns = vec!["strategy".to_owned(), "rank#".into(), "memory limit#".into()];
    columns.extend(["gates".to_owned(), "score#/score".into()]);
    columns.extend(measures.iter().map(|measure| format!("{}#{}", measure.label, measure.path)));
    let mut table = Table::new("ranking", "Every cell, ranked", &columns);
    table.stacked = &ON_A_PHONE;
    let ranks = (1_u64..).map(Some).zip(&reading.ranked);
    for (rank, cell) in ranks.chain(reading.bounds.iter().map(|cell| (None, cell))) {
        let place = rank.map_or_else(|| Td::text(format::NONE).or("bounds have no rank"), Td::count);
        let mut cells = vec![Td::name(reading, cell), place, Td::limit(cell), gates(cell)];
        let near = if reading.is_near_winner(cell) { "≈ 1" } else { "" };
        let mut score = Td::number(cell.score, Unit::Number).or("nothing to score");
        // Scores stand below each other: all with as many decimals.
        score.text = cell.score.map_or(score.text, |score| format!("{score:.3}"));
        cells.push(Td { more: near.into(), ..score });
        for measure in &measures {
            let mut td = Td::measured(reading, cell, measure);
            if measure.key == FRESH_HIT.key {
                td.text.push_str(&within(cell));
            }
            cells.push(td);
        }
        table.rows.push(Row {
            id: reading::anchor(cell),
            at: reading.pointer(cell),
            chosen: reading.is_winner(cell),
            cells,
        });
    }
    notes(reading, &mut table);
    table
}

/// Half the width of the interval around the fresh hits, in points: ` ± 0.3 pt`.
fn within(cell: &Cell) -> String {
    let fresh = cell.ratios.fresh_hit;
    // An end that is that of all shares tells less than the other.
    let wider = |mean: f64| Some((mean - fresh.low?).max(fresh.high? - mean));
    let half = fresh.mean.and_then(wider).filter(|half| half.is_finite());
    half.map(|half| format!(" ± {}", format::half_points(half))).unwrap_or_default()
}

fn gates(cell: &Cell) -> Td {
    let missed: Vec<String> = cell
        .gates
        .iter()
        .filter(|(_, gate)| !gate.pass)
        .map(|(name, gate)| measure::gate_words(name, gate))
        .collect();
    match (cell.gates.is_empty(), missed.is_empty()) {
        (true, _) => Td::text("none"),
        (false, true) => Td::text("PASS"),
        (false, false) => Td { more: missed.join("; "), tone: "worse", ..Td::text("FAIL") },
    }
}

fn notes(reading: &Reading, table: &mut Table) {
    if !reading.knows_changes() {
        table.notes.push(format!("How current answers were is not told: {}.", reading.no_changes()));
    }
    if !reading.record.scoring.indistinguishable.is_empty() {
        table
            .notes
            .push("≈ marks cells that are indistinguishable from the recommended one in score.".into());
    }
    if reading.record.cells.iter().any(|cell| cell.out_of_memory > 0) {
        table
            .notes
            .push("Some fills were refused because nothing could be evicted; see the memory table.".into());
    }
}

/// What the scenario's author expects.
pub(in crate::report::html) fn claims(reading: &Reading) -> Option<Table> {
    let claims = &reading.record.expectations;
    if claims.is_empty() {
        return None;
    }
    let columns = ["cell", "measure", "expected", "came out#/value", "met"];
    let mut table = Table::new("claims", "What was expected, and what came out", &columns);
    // All that a claim says is needed to judge it, on a phone too.
    table.stacked = &["measure", "expected", "came out", "met"];
    for (place, claim) in claims.iter().enumerate() {
        let unit = measure::unit_of(&claim.metric);
        let range = format!("{} to {}", unit.print(Some(claim.low)), unit.print(Some(claim.high)));
        let cells = vec![
            Td::heading(format::shortened(&claim.cell, 2 * format::LONGEST_NAME)),
            Td::text(measure::label_of(&claim.metric)),
            Td::text(range),
            Td::number(claim.value, unit).or("the cell has no data of it"),
            Td::text(if claim.met { "met" } else { "NOT MET" }),
        ];
        table.rows.push(Row { at: format!("/expectations/{place}"), cells, ..Row::default() });
    }
    Some(table)
}
