//! `cells.csv` and `series.csv`: the record's numbers for spreadsheets and notebooks, unrounded.
//!
//! An empty field is a value that is not known. Text that a spreadsheet would take for a formula is
//! preceded by an apostrophe.

use crate::record::{Capacity, Cell, ClassSeries, Record, Series};

/// The measures of which each row has the difference to the baseline, and its 95 % interval.
const DIFFERENT: [&str; 9] = [
    "score",
    "fresh_hit",
    "byte_hit",
    "memory",
    "origin_rate",
    "origin_bytes_rate",
    "peak_origin_rate",
    "stampedes",
    "p99",
];

/// One row for each cell.
pub(super) fn cells(record: &Record) -> Vec<u8> {
    let mut table = csv::Writer::from_writer(Vec::new());
    // Costs are told where the scenario names prices.
    let priced = record.cells.iter().any(|cell| cell.cost.is_some());
    let is_marked = record.cells.iter().any(|cell| !cell.parties.is_empty());
    let columns = |cell| columns(cell, priced, is_marked);
    let template = record.cells.first().map(columns).unwrap_or_default();
    let heads = template.iter().map(|(name, _)| (*name).to_owned());
    let differences =
        DIFFERENT.map(|name| ["", "_low", "_high"].map(|end| format!("{name}_to_baseline{end}")));
    write(&mut table, heads.chain(differences.into_iter().flatten()));
    for cell in &record.cells {
        let values = columns(cell).into_iter().map(|(_, value)| value);
        write(&mut table, values.chain(DIFFERENT.into_iter().flat_map(|name| difference(cell, name))));
    }
    finish(table)
}

/// One row for each cell and bucket; columns of a class begin with its name and a colon.
pub(super) fn series(record: &Record) -> Vec<u8> {
    let mut table = csv::Writer::from_writer(Vec::new());
    let key = ["cell", "strategy", "capacity_bytes", "capacity_objects", "bucket_start_s", "bucket_s"];
    // Columns that a cell lacks, such as those of classes in one that failed, are empty there.
    let nothing = Series::default();
    let fullest = record.cells.iter().map(|cell| &cell.series).max_by_key(|series| series.classes.len());
    let classes: Vec<&str> =
        fullest.unwrap_or(&nothing).classes.iter().map(|class| class.name.as_str()).collect();
    let names = series_columns(&nothing).map(|(name, _)| name.to_owned());
    let of_classes = classes.iter().flat_map(|class| {
        class_columns(&ClassSeries::default()).map(|(name, _)| text(&format!("{class}:{name}")))
    });
    write(&mut table, key.into_iter().map(String::from).chain(names).chain(of_classes));
    let absent = ClassSeries::default();
    for cell in &record.cells {
        let of_classes = (0..classes.len()).map(|class| cell.series.classes.get(class).unwrap_or(&absent));
        let of_classes = of_classes.flat_map(class_columns);
        let columns: Vec<_> = series_columns(&cell.series).into_iter().chain(of_classes).collect();
        let buckets = columns.iter().map(|(_, column)| column.len()).max().unwrap_or(0);
        let (bytes, objects) = capacity(cell.capacity);
        for bucket in 0..buckets {
            let start = number(bucket as f64 * cell.series.bucket_s);
            let key = [text(&cell.id), text(&cell.strategy), bytes.clone(), objects.clone(), start];
            let values = columns.iter().map(|(_, column)| column.at(bucket));
            write(&mut table, key.into_iter().chain([number(cell.series.bucket_s)]).chain(values));
        }
    }
    finish(table)
}

/// A column of a series.
enum Column<'a> {
    Means(&'a [f64]),
    Known(&'a [Option<f64>]),
    Peaks(&'a [u64]),
}

impl Column<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Means(values) => values.len(),
            Self::Known(values) => values.len(),
            Self::Peaks(values) => values.len(),
        }
    }

    fn at(&self, bucket: usize) -> String {
        match self {
            Self::Means(values) => number(values.get(bucket).copied()),
            Self::Known(values) => number(values.get(bucket).copied().flatten()),
            Self::Peaks(values) => values.get(bucket).map(u64::to_string).unwrap_or_default(),
        }
    }
}

fn series_columns(series: &Series) -> [(&'static str, Column<'_>); 40] {
    use Column::{Known, Means, Peaks};
    let commands = &series.commands;
    [
        ("requests", Means(&series.requests)),
        ("fresh_hit", Means(&series.fresh_hit)),
        ("stale_hit", Means(&series.stale_hit)),
        ("delayed_hit", Means(&series.delayed_hit)),
        ("misses", Means(&series.misses)),
        ("miss_cold", Means(&series.miss_cold)),
        ("miss_expired", Means(&series.miss_expired)),
        ("miss_evicted", Means(&series.miss_evicted)),
        ("miss_invalidated", Means(&series.miss_invalidated)),
        ("miss_lost", Means(&series.miss_lost)),
        ("stale_on_error", Means(&series.stale_on_error)),
        ("errors", Means(&series.errors)),
        ("fetches", Means(&series.fetches)),
        ("peak_fetch_rate", Peaks(&series.peak_fetch_rate)),
        ("peak_in_flight", Peaks(&series.peak_in_flight)),
        ("duplicate_fetches", Means(&series.duplicate_fetches)),
        ("origin_utilisation", Means(&series.utilisation)),
        ("origin_queue_mean", Means(&series.queue_mean)),
        ("origin_queue_wait_max_s", Means(&series.queue_wait_max_s)),
        ("commands_get", Means(&commands.get)),
        ("commands_set", Means(&commands.set)),
        ("commands_expire", Means(&commands.expire)),
        ("commands_del", Means(&commands.del)),
        ("commands_lock", Means(&commands.lock)),
        ("commands_zadd", Means(&commands.zadd)),
        ("commands_sweep", Means(&commands.sweep)),
        ("commands_deadline", Means(&commands.deadline)),
        ("bytes_in", Means(&commands.bytes_in)),
        ("bytes_out", Means(&commands.bytes_out)),
        ("live_bytes", Means(&series.live_bytes)),
        ("expired_bytes", Means(&series.expired_bytes)),
        ("peak_bytes", Peaks(&series.peak_bytes)),
        ("evicted", Means(&series.evicted)),
        ("expired", Means(&series.expired)),
        ("latency_mean_ms", Known(&series.mean_latency_ms)),
        ("latency_p99_ms", Known(&series.p99_latency_ms)),
        ("latency_max_ms", Means(&series.max_latency_ms)),
        ("outdated", Means(&series.outdated)),
        ("over_bound", Means(&series.over_bound)),
        ("mean_age_s", Known(&series.mean_age_s)),
    ]
}

fn class_columns(series: &ClassSeries) -> [(&'static str, Column<'_>); 7] {
    [
        ("requests", &series.requests),
        ("fresh_hit", &series.fresh_hit),
        ("stale_hit", &series.stale_hit),
        ("delayed_hit", &series.delayed_hit),
        ("misses", &series.misses),
        ("errors", &series.errors),
        ("fetches", &series.fetches),
    ]
    .map(|(name, column)| (name, Column::Means(column.as_slice())))
}

fn columns(cell: &Cell, priced: bool, is_marked: bool) -> Vec<(&'static str, String)> {
    let (bytes, objects) = capacity(cell.capacity);
    let mut columns = vec![
        ("cell", text(&cell.id)),
        ("strategy", text(&cell.strategy)),
        ("baseline", cell.baseline.to_string()),
        ("oracle", cell.oracle.to_string()),
        ("capacity_bytes", bytes),
        ("capacity_objects", objects),
        ("eviction", text(&cell.eviction)),
        ("replications", cell.replications.to_string()),
        ("failed", text(cell.failed.as_deref().unwrap_or_default())),
        ("passes", super::reading::passes(cell).to_string()),
        ("on_pareto_front", cell.on_pareto_front.to_string()),
        ("score", number(cell.score)),
        ("requests", cell.requests.to_string()),
    ];
    columns.extend(outcomes(cell));
    columns.extend(ratios(cell));
    columns.extend(resources(cell));
    columns.extend(waits(cell));
    if priced {
        columns.extend(cost(cell));
    }
    if is_marked {
        columns.extend(parties(cell));
    }
    columns
}

/// How a cell differs from the baseline, and both ends of the interval, as far as these are known.
fn difference(cell: &Cell, name: &str) -> [String; 3] {
    let paired = cell.paired.get(name);
    let known = |value: Option<f64>| value.map(number).unwrap_or_default();
    [
        known(paired.map(|paired| paired.mean)),
        known(paired.and_then(|paired| paired.low)),
        known(paired.and_then(|paired| paired.high)),
    ]
}

/// What people and robots asked for and got.
fn parties(cell: &Cell) -> [(&'static str, String); 4] {
    let of = |name: &str| cell.parties.iter().find(|party| party.name == name);
    let count = |name| of(name).map_or(String::new(), |party| party.requests.to_string());
    let hits = |name| of(name).map_or(String::new(), |party| number(party.fresh_hit));
    [
        ("people_requests", count("people")),
        ("people_fresh_hit_ratio", hits("people")),
        ("robots_requests", count("robots")),
        ("robots_fresh_hit_ratio", hits("robots")),
    ]
}

fn outcomes(cell: &Cell) -> [(&'static str, String); 10] {
    let kinds = &cell.outcomes;
    [
        ("fresh_hit", kinds.fresh_hit),
        ("stale_hit", kinds.stale_hit),
        ("delayed_hit", kinds.delayed_hit),
        ("miss_cold", kinds.miss_cold),
        ("miss_expired", kinds.miss_expired),
        ("miss_evicted", kinds.miss_evicted),
        ("miss_invalidated", kinds.miss_invalidated),
        ("miss_lost", kinds.miss_lost),
        ("stale_on_error", kinds.stale_on_error),
        ("error", kinds.error),
    ]
    .map(|(name, count)| (name, count.to_string()))
}

fn ratios(cell: &Cell) -> [(&'static str, String); 15] {
    let ratios = &cell.ratios;
    [
        ("fresh_hit_ratio", ratios.fresh_hit.mean),
        ("fresh_hit_ratio_low", ratios.fresh_hit.low),
        ("fresh_hit_ratio_high", ratios.fresh_hit.high),
        ("hit_ratio", ratios.hit.mean),
        ("hit_ratio_low", ratios.hit.low),
        ("hit_ratio_high", ratios.hit.high),
        ("hit_or_joined_ratio", ratios.hit_or_joined.mean),
        ("hit_or_joined_ratio_low", ratios.hit_or_joined.low),
        ("hit_or_joined_ratio_high", ratios.hit_or_joined.high),
        ("byte_hit_ratio", ratios.byte_hit.mean),
        ("byte_hit_ratio_low", ratios.byte_hit.low),
        ("byte_hit_ratio_high", ratios.byte_hit.high),
        ("origin_offload", ratios.origin_offload.mean),
        ("origin_offload_low", ratios.origin_offload.low),
        ("origin_offload_high", ratios.origin_offload.high),
    ]
    .map(|(name, value)| (name, number(value)))
}

fn resources(cell: &Cell) -> Vec<(&'static str, String)> {
    let (memory, entries, origin, stampedes) = (&cell.memory, &cell.entries, &cell.origin, &cell.stampedes);
    vec![
        ("entries_mean", number(entries.mean)),
        ("entries_peak", entries.peak.to_string()),
        ("memory_mean_bytes", number(memory.mean_bytes)),
        ("memory_peak_bytes", count(memory.peak_bytes)),
        ("memory_final_bytes", number(memory.final_bytes)),
        ("expired_resident_mean_bytes", number(memory.expired_resident_mean_bytes)),
        ("evicted", cell.evicted.to_string()),
        ("expired", cell.expired.to_string()),
        ("out_of_memory", cell.out_of_memory.to_string()),
        ("too_large", cell.too_large.to_string()),
        ("commands_per_request", number(cell.commands.per_request)),
        ("origin_fetches", origin.fetches.to_string()),
        ("origin_refreshes", origin.refreshes.to_string()),
        ("origin_bytes", origin.bytes.to_string()),
        ("origin_mean_rate", number(origin.mean_rate)),
        ("origin_peak_rate", number(origin.peak_rate)),
        ("origin_utilisation", number(origin.utilisation)),
        ("origin_longest_queue_wait_s", number(origin.longest_queue_wait_s)),
        ("stampedes", count(stampedes.count)),
        ("stampedes_per_hour", number(stampedes.per_hour)),
        ("stampedes_per_1000_regenerations", number(stampedes.per_1000_regenerations)),
        ("stampede_mean_size", number(stampedes.mean_size)),
        ("stampede_max_size", count(stampedes.max_size)),
        ("duplicate_fetches", count(stampedes.duplicate_fetches)),
        ("duplicate_ratio", number(stampedes.duplicate_ratio)),
        ("wasted_origin_s", number(stampedes.wasted_origin_s)),
        ("peak_waiters", count(stampedes.peak_waiters)),
        ("avalanche_peak_per_s", count(cell.avalanche.peak_per_s)),
        ("avalanche_p999_per_s", number(cell.avalanche.p999_per_s)),
        ("avalanche_peak_to_mean", number(cell.avalanche.peak_to_mean)),
        ("avalanche_peak_per_fetch_time", count(cell.avalanche.peak_per_fetch_time)),
        ("avalanche_p999_per_fetch_time", number(cell.avalanche.p999_per_fetch_time)),
        ("avalanche_peak_to_mean_per_fetch_time", number(cell.avalanche.peak_to_mean_per_fetch_time)),
        ("avalanche_peak_expiring_per_s", count(cell.avalanche.peak_expiring_per_s)),
    ]
}

fn waits(cell: &Cell) -> Vec<(&'static str, String)> {
    let (waits, fresh) = (&cell.latency_ms, &cell.freshness);
    [
        ("latency_mean_ms", waits.mean),
        ("latency_p50_ms", waits.p50),
        ("latency_p90_ms", waits.p90),
        ("latency_p95_ms", waits.p95),
        ("latency_p99_ms", waits.p99),
        ("latency_p999_ms", waits.p999),
        ("latency_max_ms", waits.max),
        ("fresh_share", fresh.fresh_share),
        ("fresh_share_of_hits", fresh.fresh_share_of_hits),
        ("mean_age_s", fresh.mean_age_s),
        ("p95_age_s", fresh.p95_age_s),
        ("max_age_s", fresh.max_age_s),
        ("over_bound_share", fresh.over_bound_share),
    ]
    .map(|(name, value)| (name, number(value)))
    .into()
}

fn cost(cell: &Cell) -> [(&'static str, String); 7] {
    let cost = cell.cost.as_ref();
    [
        ("cost_monthly", cost.and_then(|cost| cost.total.mean)),
        ("cost_monthly_low", cost.and_then(|cost| cost.total.low)),
        ("cost_monthly_high", cost.and_then(|cost| cost.total.high)),
        ("cost_memory", cost.map(|cost| cost.memory)),
        ("cost_origin", cost.map(|cost| cost.origin)),
        ("cost_served", cost.map(|cost| cost.served)),
        ("cost_rented_bytes", cost.map(|cost| cost.rented_bytes)),
    ]
    .map(|(name, value)| (name, number(value)))
}

fn capacity(capacity: Option<Capacity>) -> (String, String) {
    match capacity {
        Some(Capacity::Bytes(bytes)) => (bytes.to_string(), String::new()),
        Some(Capacity::Objects(objects)) => (String::new(), objects.to_string()),
        None => (String::new(), String::new()),
    }
}

fn number(value: impl Into<Option<f64>>) -> String {
    value.into().filter(|value| value.is_finite()).map(|value| value.to_string()).unwrap_or_default()
}

fn count(value: Option<u64>) -> String {
    value.map(|count| count.to_string()).unwrap_or_default()
}

fn text(value: &str) -> String {
    if value.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{value}") } else { value.into() }
}

fn write(table: &mut csv::Writer<Vec<u8>>, row: impl IntoIterator<Item = String>) {
    table.write_record(row).expect("every row has as many fields as its head, and memory takes them");
}

fn finish(table: csv::Writer<Vec<u8>>) -> Vec<u8> {
    table.into_inner().expect("writing to memory does not fail")
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    fn rows(bytes: &[u8]) -> Vec<csv::StringRecord> {
        csv::Reader::from_reader(bytes).records().map(|row| row.unwrap()).collect()
    }

    #[test]
    fn every_cell_has_a_row_and_every_bucket_of_every_cell_too() {
        let record = fixture::thumbnails();
        assert_eq!(rows(&cells(&record)).len(), record.cells.len());
        let buckets: usize = record.cells.iter().map(|cell| cell.series.requests.len()).sum();
        assert_eq!(rows(&series(&record)).len(), buckets);
    }

    #[test]
    fn what_is_not_known_is_an_empty_field() {
        let record = fixture::nothing_known();
        let text = String::from_utf8(cells(&record)).unwrap();
        assert!(!text.contains("NaN") && !text.contains("null") && !text.contains("inf"), "{text}");
        let table = rows(text.as_bytes());
        let head = csv::Reader::from_reader(text.as_bytes()).headers().unwrap().clone();
        let place = head.iter().position(|name| name == "fresh_hit_ratio").unwrap();
        assert_eq!(&table[0][place], "");
    }

    #[test]
    fn names_neither_break_rows_nor_become_formulas() {
        let record = fixture::hostile();
        let table = rows(&cells(&record));
        assert_eq!(table.len(), record.cells.len());
        assert!(table.iter().any(|row| row[1].starts_with("'=")), "{table:?}");
        assert!(table.iter().all(|row| !row[1].starts_with('=')));
    }
}
