//! The tables of results: comparison, misses, stampedes, latency, memory and classes.

use super::provenance::written_out;
use super::table::{Row, Table, Td};
use crate::record::{Cell, Outcomes, Record};
use crate::report::format;
use crate::report::measure::{
    self, BYTE_HIT, DUPLICATES, EXPIRED_RESIDENT, FRESH_HIT, FRESH_SHARE, HIT, MEMORY, Measure,
    ORIGIN_OFFLOAD, ORIGIN_RATE, OVER_BOUND, P50, P95_AGE, P99, PEAK_MEMORY, PEAK_ORIGIN_RATE, PEAK_WAITERS,
    STAMPEDES, Unit,
};
use crate::report::reading::{self, Reading};

/// How the scenario sets up a strategy, as text; empty where the record does not say.
#[derive(Debug, Default)]
pub(super) struct Settings(pub(super) String);

impl Settings {
    /// Looks a strategy up in the effective scenario.
    pub(super) fn of(record: &Record, strategy: &str) -> Self {
        let effective = &record.scenario.effective;
        let lists = ["strategy", "strategies"].into_iter().filter_map(|key| effective.get(key)?.as_array());
        let named = |value: &&serde_json::Value| {
            value.get("name").and_then(serde_json::Value::as_str) == Some(strategy)
        };
        Self(lists.flatten().find(named).map(written_out).unwrap_or_default())
    }
}

/// The most telling numbers of one cell.
pub(super) fn tiles(reading: &Reading, cell: &Cell) -> Vec<Td> {
    let shown: [&Measure; 12] = [
        &FRESH_HIT,
        &BYTE_HIT,
        &ORIGIN_OFFLOAD,
        &P50,
        &P99,
        &MEMORY,
        &PEAK_MEMORY,
        &EXPIRED_RESIDENT,
        &ORIGIN_RATE,
        &PEAK_ORIGIN_RATE,
        &STAMPEDES,
        &DUPLICATES,
    ];
    let tile =
        |measure: &&Measure| Td { label: measure.label.into(), ..Td::measured(reading, cell, measure) };
    let mut tiles: Vec<Td> = shown.iter().map(tile).collect();
    if P95_AGE.of(cell).is_some() {
        tiles.push(tile(&&P95_AGE));
    }
    tiles
}

/// How the comparison table is to be read.
pub(super) fn comparison_words(reading: &Reading) -> String {
    let baseline = reading.record.cells.iter().find(|cell| cell.baseline);
    let against = baseline.map_or_else(
        || "The scenario names no baseline, so values stand alone.".into(),
        |cell| format!("The second line is the change against {} at the same memory limit.", cell.strategy),
    );
    let pairs = reading.record.cells.iter().map(|cell| cell.paired.len()).sum::<usize>();
    if reading.record.trace.recorded {
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
        against
    }
}

/// A row for every cell, contenders in their rank and then bounds, built by `cells`.
fn each(reading: &Reading, table: &mut Table, mut cells: impl FnMut(&Cell) -> Vec<Td>) {
    for cell in reading.ranked.iter().chain(&reading.bounds) {
        let named = [Td::name(reading, cell), Td::limit(cell)];
        let cells: Vec<Td> = named.into_iter().chain(cells(cell)).collect();
        table.rows.push(Row { cells, chosen: reading.is_winner(cell), id: String::new() });
    }
}

/// The comparison of all cells.
pub(super) fn ranking(reading: &Reading) -> Table {
    let mut measures: Vec<&Measure> = vec![
        &FRESH_HIT,
        &HIT,
        &BYTE_HIT,
        &ORIGIN_OFFLOAD,
        &MEMORY,
        &PEAK_MEMORY,
        &ORIGIN_RATE,
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
    columns.extend(["gates".to_owned(), "score#".into()]);
    columns.extend(measures.iter().map(|measure| format!("{}#", measure.label)));
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
    let mut table = Table::new("ranking", "Every cell, ranked", &columns);
    let ranks = (1_u64..).map(Some).zip(&reading.ranked);
    for (rank, cell) in ranks.chain(reading.bounds.iter().map(|cell| (None, cell))) {
        let place = rank.map_or_else(|| Td::text(format::NONE), Td::count);
        let mut cells = vec![Td::name(reading, cell), place, Td::limit(cell), gates(cell)];
        let near = if reading.is_near_winner(cell) { "≈ 1" } else { "" };
        cells.push(Td { more: near.into(), ..Td::number(cell.score, Unit::Number) });
        for measure in &measures {
            let mut td = Td::measured(reading, cell, measure);
            if measure.key == FRESH_HIT.key {
                td.text.push_str(&within(cell));
            }
            cells.push(td);
        }
        table.rows.push(Row { id: reading::anchor(cell), chosen: reading.is_winner(cell), cells });
    }
    notes(reading, &mut table);
    table
}

/// Half the width of the interval around the fresh hits, in points: ` ± 0.3 pt`.
fn within(cell: &Cell) -> String {
    let fresh = cell.ratios.fresh_hit;
    let half =
        fresh.low.zip(fresh.high).map(|(low, high)| (high - low) / 2.0).filter(|half| half.is_finite());
    half.map(|half| format!(" ± {} pt", format::number(half * 100.0))).unwrap_or_default()
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
    if table.rows.iter().flat_map(|row| &row.cells).any(|cell| cell.text == format::NONE) {
        let why = "A dash stands where there are no data: no scored requests, no origin changes to be stale against, or \
                   no rank, since bounds never win.";
        table.notes.push(why.into());
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
pub(super) fn claims(reading: &Reading) -> Option<Table> {
    let claims = &reading.record.expectations;
    if claims.is_empty() {
        return None;
    }
    let columns = ["cell", "measure", "expected", "came out#", ""];
    let mut table = Table::new("claims", "What was expected, and what came out", &columns);
    for claim in claims {
        let unit = measure::unit_of(&claim.metric);
        let range = format!("{} to {}", unit.print(Some(claim.low)), unit.print(Some(claim.high)));
        table.row(vec![
            Td::heading(claim.cell.clone()),
            Td::text(measure::label_of(&claim.metric)),
            Td::text(range),
            Td::number(claim.value, unit),
            Td::text(if claim.met { "met" } else { "NOT MET" }),
        ]);
    }
    Some(table)
}

/// Outcomes of every cell, misses by cause.
pub(super) fn misses(reading: &Reading) -> Table {
    type Kind = (&'static str, fn(&Outcomes) -> u64);
    const KINDS: [Kind; 10] = [
        ("fresh hit#", |kinds| kinds.fresh_hit),
        ("stale hit#", |kinds| kinds.stale_hit),
        ("delayed hit#", |kinds| kinds.delayed_hit),
        ("cold miss#", |kinds| kinds.miss_cold),
        ("expired miss#", |kinds| kinds.miss_expired),
        ("evicted miss#", |kinds| kinds.miss_evicted),
        ("invalidated miss#", |kinds| kinds.miss_invalidated),
        ("lost miss#", |kinds| kinds.miss_lost),
        ("stale on error#", |kinds| kinds.stale_on_error),
        ("error#", |kinds| kinds.error),
    ];
    let occurred = |(_, count): &&Kind| reading.record.cells.iter().any(|cell| count(&cell.outcomes) > 0);
    let (shown, absent): (Vec<&Kind>, Vec<&Kind>) = KINDS.iter().partition(occurred);
    let heads = ["strategy", "memory limit#", "requests#"].into_iter();
    let columns: Vec<&str> = heads.chain(shown.iter().map(|(name, _)| *name)).collect();
    let mut table = Table::new("misses-table", "Outcomes, of requests after warm-up", &columns);
    each(reading, &mut table, |cell| {
        let shares = shown.iter().map(|(_, count)| Td::share(count(&cell.outcomes), cell.requests));
        std::iter::once(Td::count(cell.requests)).chain(shares).collect()
    });
    if !absent.is_empty() {
        let names: Vec<&str> = absent.iter().map(|(name, _)| name.trim_end_matches('#')).collect();
        table.notes.push(format!("Did not occur in any cell: {}.", names.join(", ")));
    }
    table
}

/// Stampedes and avalanches of every cell.
pub(super) fn stampedes(reading: &Reading) -> Table {
    let columns = [
        "strategy",
        "memory limit#",
        "stampedes#",
        "per hour#",
        "per 1,000 regenerations#",
        "mean size#",
        "p99 size#",
        "largest#",
        "duplicate fetches#",
        "of all fetches#",
        "wasted origin time#",
        "most waiting#",
        "avalanche: most fetches in 1 s#",
        "peak to mean#",
        "most expiring in 1 s#",
    ];
    let mut table =
        Table::new("stampede-totals", "Stampedes (one object) and avalanches (many objects)", &columns);
    each(reading, &mut table, |cell| {
        let (one, many) = (&cell.stampedes, &cell.avalanche);
        vec![
            Td::count(one.count),
            Td::measured(reading, cell, &STAMPEDES),
            Td::number(one.per_1000_regenerations, Unit::Number),
            Td::number(one.mean_size, Unit::Number),
            Td::number(one.p99_size, Unit::Number),
            Td::count(one.max_size),
            Td::count(one.duplicate_fetches),
            Td::number(one.duplicate_ratio, Unit::Share),
            Td::number(one.wasted_origin_s, Unit::Seconds),
            Td::number(PEAK_WAITERS.of(cell), Unit::Number),
            Td::count(many.peak_per_s),
            Td::number(many.peak_to_mean, Unit::Number),
            Td::count(many.peak_expiring_per_s),
        ]
    });
    table
}

/// The largest stampedes of the cells that the charts compare.
pub(super) fn worst_stampedes(reading: &Reading) -> Option<Table> {
    let columns =
        ["object", "strategy", "started after#", "length#", "fetches#", "most waiting#", "set off by"];
    let mut table = Table::new(
        "worst-stampedes",
        "The largest stampedes, five of each cell compared in the chart",
        &columns,
    );
    for cell in reading.side_by_side(6) {
        for one in cell.stampedes.worst.iter().take(5) {
            let start = Td { text: format::instant(one.start_s), ..Td::number(one.start_s, Unit::Seconds) };
            table.row(vec![
                Td::heading(format::shortened(&one.object, 120)),
                Td::text(cell.strategy.clone()),
                start,
                Td::number(one.length_s, Unit::Seconds),
                Td::count(one.size),
                Td::count(one.waiters),
                Td::text(cause(&one.cause)),
            ]);
        }
    }
    (!table.rows.is_empty()).then_some(table)
}

/// An outcome's name in words: `miss_expired` is an expired miss.
fn cause(name: &str) -> String {
    match name.strip_prefix("miss_") {
        Some(cause) => format!("{} miss", cause.replace('_', " ")),
        None => name.replace('_', " "),
    }
}

/// Waiting times of every cell, of all requests and by kind of outcome.
pub(super) fn waits(reading: &Reading) -> Table {
    let columns = [
        "strategy",
        "memory limit#",
        "outcome",
        "requests#",
        "mean#",
        "p50#",
        "p90#",
        "p99#",
        "p99.9#",
        "max#",
    ];
    let mut table = Table::new("latency-table", "Waiting times", &columns);
    for cell in reading.ranked.iter().chain(&reading.bounds) {
        let kinds = cell.latency_by_kind.iter().map(|(kind, waits)| (cause(kind), waits));
        for (kind, waits) in std::iter::once(("all".to_owned(), &cell.latency_ms)).chain(kinds) {
            let all = kind == "all";
            let mut cells =
                vec![Td::name(reading, cell), Td::limit(cell), Td::text(kind), Td::count(waits.count)];
            let waits = [waits.mean, waits.p50, waits.p90, waits.p99, waits.p999, waits.max];
            cells.extend(waits.map(|wait| Td::number(wait, Unit::Millis)));
            table.rows.push(Row { cells, chosen: all && reading.is_winner(cell), id: String::new() });
        }
    }
    table
}

/// Memory of every cell.
pub(super) fn memory(reading: &Reading) -> Table {
    let columns = [
        "strategy",
        "memory limit#",
        "mean#",
        "peak#",
        "at the end#",
        "expired but resident#",
        "entries, mean#",
        "entries, peak#",
        "evictions#",
        "entries expired#",
        "fills refused#",
        "objects too large#",
        "commands per request#",
    ];
    let mut table = Table::new("memory-table", "What the cache held", &columns);
    each(reading, &mut table, |cell| {
        let known = |value: f64| (cell.replications > 0).then_some(value);
        vec![
            Td::measured(reading, cell, &MEMORY),
            Td::measured(reading, cell, &PEAK_MEMORY),
            Td::number(known(cell.memory.final_bytes), Unit::Bytes),
            Td::measured(reading, cell, &EXPIRED_RESIDENT),
            Td::number(known(cell.entries.mean), Unit::Number),
            Td::count(cell.entries.peak),
            Td::count(cell.evicted),
            Td::count(cell.expired),
            Td::count(cell.out_of_memory),
            Td::count(cell.too_large),
            Td::number(cell.commands.per_request, Unit::Number),
        ]
    });
    table
}

/// Classes of objects in every cell; `None` where there is at most one class.
pub(super) fn classes(reading: &Reading) -> Option<Table> {
    let columns = [
        "strategy",
        "memory limit#",
        "class",
        "objects#",
        "requests#",
        "fresh hits#",
        "hits#",
        "byte hits#",
        "expired misses#",
        "evicted misses#",
        "bytes asked for#",
        "fetches#",
        "p99 wait#",
        "current answers#",
    ];
    let mut table = Table::new("class-table", "Classes of images", &columns);
    for cell in reading.ranked.iter().chain(&reading.bounds) {
        for class in &cell.classes {
            let cells = vec![
                Td::name(reading, cell),
                Td::limit(cell),
                Td::text(class.name.clone()),
                Td::count(class.objects),
                Td::count(class.requests),
                Td::number(class.fresh_hit, Unit::Share),
                Td::number(class.hit, Unit::Share),
                Td::number(class.byte_hit, Unit::Share),
                Td::share(class.outcomes.miss_expired, class.requests),
                Td::share(class.outcomes.miss_evicted, class.requests),
                Td::number(class.requested_bytes as f64, Unit::Bytes),
                Td::count(class.fetches),
                Td::number(class.latency_ms.p99, Unit::Millis),
                Td::number(class.fresh_share, Unit::Share),
            ];
            table.rows.push(Row { cells, chosen: reading.is_winner(cell), id: String::new() });
        }
    }
    (!table.rows.is_empty()).then_some(table)
}
