//! The ranked table that a terminal shows at the end of a run, as plain text.

use super::measure::{FRESH_HIT, Measure, P99, PEAK_ORIGIN_RATE, STAMPEDES, Unit};
use super::reading::{self, Reading};
use super::{columns, cost, format, verdict};
use crate::record::{Cell, Record};

/// Columns from left to right: rank, strategy and memory, four measures with changes, gates, score, and misses over time.
const HEADS: [&str; 10] = [
    "#",
    "strategy",
    "memory",
    "fresh hit",
    "origin/s peak",
    "stampedes/h",
    "p99",
    "gates",
    "score",
    "misses",
];
/// The last column as the words about the table say it.
const MISSES: &str = "misses over time";
/// The score's column, and that of the limit.
const SCORE: usize = 8;
const LIMIT: usize = 2;
const GATES: usize = 7;
/// The columns of measures, those that leave a narrow table first.
const LEAVING: [usize; 4] = [6, 5, 4, 3];
/// The last one, of misses over time.
const OVER_TIME: usize = 9;
/// The strategy's column, which gives way before any other leaves.
const STRATEGY: usize = 1;
const SHORTEST_NAME: usize = 24;
const LONGEST_NAME: usize = 44;

/// The ranked table with its failing gates, the bounds below, and the closing sentence.
///
/// `width` is that of the terminal in characters; no line is longer, except for those of gates and
/// sentences, which are broken between words.
pub fn ranking(record: &Record, width: usize) -> String {
    let reading = Reading::new(record);
    let mut out = String::new();
    if !reading.ranked.is_empty() || !reading.bounds.is_empty() {
        table(&reading, width, &mut out);
        out.push('\n');
    }
    let verdict = verdict::verdict(&reading);
    match reading.winner().filter(|_| verdict.passes) {
        Some(winner) => {
            let near = near(&reading);
            let set = verdict::advice(&reading, winner);
            wrap(&format!("{set} {}.{near}", printable(&reading.name(winner))), width, "", &mut out);
        }
        None => wrap(&printable(&verdict.sentence), width, "", &mut out),
    }
    if let Some(words) = cost::words(&reading) {
        wrap(&printable(&words), width, "", &mut out);
    }
    out
}

/// Which ranks have the score of the first, and which cannot be told from it.
fn near(reading: &Reading) -> String {
    let best = reading.winner().and_then(|winner| winner.score);
    let ranks = |same: bool| -> Vec<String> {
        let near = (1..).zip(&reading.ranked).filter(|(_, cell)| reading.is_near_winner(cell));
        let ranks = near.filter(|(_, cell)| (cell.score == best) == same);
        ranks.map(|(rank, _): (usize, _)| rank.to_string()).collect()
    };
    let told = |ranks: &[String], one: &str, several: &str, what: &str| match ranks {
        [] => String::new(),
        [rank] => format!(" {rank} {one} {what}."),
        [rest @ .., last] => format!(" {} and {last} {several} {what}.", rest.join(", ")),
    };
    told(&ranks(true), "has", "have", "the same score as 1")
        + &told(&ranks(false), "is", "are", "indistinguishable from 1 in score")
}

fn table(reading: &Reading, width: usize, out: &mut String) {
    let courses = Courses::of(reading);
    let row = |cell: &Cell, rank: &str| row(reading, cell, rank, &courses);
    let ranked = (1..).zip(&reading.ranked).map(|(rank, cell)| row(cell, &rank.to_string()));
    let bounds = reading.bounds.iter().map(|cell| row(cell, ""));
    let mut rows: Vec<[String; 10]> = vec![HEADS.map(String::from)];
    rows.extend(ranked);
    rows.extend(bounds);
    let shown = fit(reading, &mut rows, width);
    let widths = widths(&rows);
    let line = |row: &[String; 10], out: &mut String| {
        let cells: Vec<String> =
            shown.iter().map(|&column| pad(&row[column], column, widths[column])).collect();
        out.push_str(cells.join("  ").trim_end());
        out.push('\n');
    };
    line(&rows[0], out);
    for (row, cell) in rows[1..].iter().zip(&reading.ranked) {
        line(row, out);
        let name = reading.names.strategy(cell, LONGEST_NAME);
        if let Some(why) = &cell.failed {
            wrap(&format!("failed {name}: {}", format::sentence(why)), width, "    ", out);
        }
        for gate in verdict::gates(cell).iter().filter(|gate| !gate.pass) {
            wrap(&format!("FAIL {name}: {}", gate.words), width, "    ", out);
        }
    }
    if !reading.bounds.is_empty() {
        out.push_str("bounds, which no real cache reaches:\n");
        for row in &rows[1 + reading.ranked.len()..] {
            line(row, out);
        }
    }
    if shown.contains(&OVER_TIME) {
        let [none, .., most] = BARS;
        let most = format!("{MISSES}: from {none} for none to {most} for {}", format::percent(courses.most));
        wrap(&(most + " of requests, by parts of the run"), width, "", out);
    }
    let missing = |column: &usize| !shown.contains(column) && tells(reading, &courses, *column);
    let missing = (0..HEADS.len()).filter(missing);
    let missing: Vec<&str> =
        missing.map(|column| if column == OVER_TIME { MISSES } else { HEADS[column] }).collect();
    if !missing.is_empty() {
        wrap(&format!("a wider terminal also shows {}", missing.join(", ")), width, "", out);
    }
}

/// Whether a column differs between rows, or could.
fn tells(reading: &Reading, courses: &Courses, column: usize) -> bool {
    let some = |has: fn(&Cell) -> bool| reading.ranked.iter().chain(&reading.bounds).any(|cell| has(cell));
    match column {
        GATES => some(|cell| !cell.gates.is_empty()),
        LIMIT => some(|cell| cell.capacity.is_some()),
        OVER_TIME => courses.most > 0.0,
        _ => true,
    }
}

fn row(reading: &Reading, cell: &Cell, rank: &str, courses: &Courses) -> [String; 10] {
    let score = cell.score.map_or_else(|| format::NONE.into(), |score| format!("{score:.2}"));
    let near = if reading.is_near_winner(cell) { " ≈ 1" } else { "" };
    let gates = reading::gates(cell);
    [
        rank.into(),
        called(reading, cell, usize::MAX),
        reading::capacity(cell.capacity),
        with_change(reading, cell, &FRESH_HIT),
        with_change(reading, cell, &PEAK_ORIGIN_RATE),
        with_change(reading, cell, &STAMPEDES),
        P99.text(cell),
        gates.into(),
        format!("{score}{near}"),
        courses.sparkline(cell),
    ]
}

/// Heights of a sparkline.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Misses over time of all rows, on one scale: an expiry wave shows as a peak, and a row of more misses is higher.
struct Courses {
    warmup_s: f64,
    /// The greatest share of misses in any part of any row.
    most: f64,
}

impl Courses {
    /// Parts of the run that a row has.
    const PARTS: usize = 8;

    fn of(reading: &Reading) -> Self {
        let warmup_s = reading.record.provenance.warmup_s;
        let cells = reading.ranked.iter().chain(&reading.bounds);
        let most = cells.flat_map(|cell| Self::shares(cell, warmup_s)).fold(0.0, f64::max);
        Self { warmup_s, most }
    }

    /// The share of misses in each part of what was scored of a run.
    fn shares(cell: &Cell, warmup_s: f64) -> Vec<f64> {
        let series = &cell.series;
        let buckets = series.requests.iter().zip(&series.fresh_hit).enumerate();
        let scored: Vec<(f64, f64)> = buckets
            .filter(|(bucket, _)| *bucket as f64 * series.bucket_s >= warmup_s)
            .map(|(_, (requests, hits))| (*requests, *hits))
            .collect();
        let group = scored.len().div_ceil(Self::PARTS).max(1);
        let missed = |part: &[(f64, f64)]| {
            let sum = part.iter().fold((0.0, 0.0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
            let share = if sum.0 > 0.0 { 1.0 - sum.1 / sum.0 } else { 0.0 };
            if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 }
        };
        scored.chunks(group).map(missed).collect()
    }

    fn sparkline(&self, cell: &Cell) -> String {
        let bar = |share: f64| {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 7")]
            let place = (share / self.most * 7.0).round() as usize;
            BARS[place]
        };
        let shares = if self.most > 0.0 { Self::shares(cell, self.warmup_s) } else { Vec::new() };
        shares.into_iter().map(bar).collect()
    }
}

/// A value and its change: `92.1 % ▲ +3.2 pt`, `188 ≈` where it cannot be told from the baseline.
fn with_change(reading: &Reading, cell: &Cell, measure: &Measure) -> String {
    let value = match measure.unit {
        Unit::Rate => format::number(measure.of(cell)),
        _ => measure.text(cell),
    };
    match reading.change(cell, measure) {
        Some(change) if change.indistinguishable == Some(true) => format!("{value} ≈"),
        Some(change) => {
            let change = change.text(measure).replace(" points", " pt").replace(" point", " pt");
            format!("{value} {change}")
        }
        None => value,
    }
}

/// The columns that leave a narrow table, the first to leave first: what all rows have alike, measures that the scenario
/// does not ask for, those by how often it does, and the score, by which rows are ranked, before the last of them.
fn leaving(reading: &Reading) -> Vec<usize> {
    let cells = || reading.ranked.iter().chain(&reading.bounds);
    let mut columns = Vec::new();
    if cells().all(|cell| cell.gates.is_empty()) {
        columns.push(GATES);
    }
    if cells().all(|cell| cell.capacity.is_none()) {
        columns.push(LIMIT);
    }
    columns.push(OVER_TIME);
    let mut measures = LEAVING.map(|column| (asked(reading, column), column));
    measures.sort_by_key(|(asked, _)| *asked);
    // Where the scenario asks for none of them, or for all alike, fresh hits stay longest.
    let [leaving @ .., last] = measures.map(|(_, column)| column);
    columns.extend(leaving);
    columns.extend([SCORE, last]);
    columns
}

/// How often objectives, gates and expectations of the scenario are about the measure of a column.
fn asked(reading: &Reading, column: usize) -> usize {
    let record = reading.record;
    let gates: std::collections::BTreeSet<&String> =
        record.cells.iter().flat_map(|cell| cell.gates.keys()).collect();
    let expected: std::collections::BTreeSet<(&String, &String)> =
        record.expectations.iter().map(|claim| (&claim.strategy, &claim.metric)).collect();
    let names = record.scoring.weights.keys().chain(gates);
    let names = names.chain(expected.into_iter().map(|(_, metric)| metric));
    names.filter(|name| is_about(name, column)).count()
}

/// Whether a metric is told by the measure of a column. Duplicates are of stampedes, and load on the origin.
fn is_about(metric: &str, column: usize) -> bool {
    let has = |parts: &[&str]| parts.iter().any(|part| metric.contains(part));
    match column {
        3 => has(&["fresh_hit"]) || metric == "hit" || metric == "hit_min",
        4 => has(&["origin", "duplicate", "peak_to_mean"]),
        5 => has(&["stampede", "duplicate", "waiters"]),
        _ => {
            has(&["latency"])
                || metric.starts_with('p') && metric[1..].starts_with(|c: char| c.is_ascii_digit())
        }
    }
}

/// Shortens names, then drops columns, until a row fits; gives the columns that stay.
fn fit(reading: &Reading, rows: &mut [[String; 10]], width: usize) -> Vec<usize> {
    let cells = || reading.ranked.iter().chain(&reading.bounds).copied();
    // A policy keeps its room beside the strategy.
    let policy = cells().map(|cell| columns::width(&reading.names.policy(cell))).max().unwrap_or(0);
    let shortest = SHORTEST_NAME + policy;
    // Without a miss, or a series, there is no course.
    let has_course = rows[1..].iter().any(|row| !row[OVER_TIME].is_empty());
    let mut shown: Vec<usize> =
        (0..HEADS.len()).filter(|column| *column != OVER_TIME || has_course).collect();
    let total = |rows: &[[String; 10]], shown: &[usize]| {
        let widths = widths(rows);
        shown.iter().map(|&column| widths[column]).sum::<usize>() + 2 * shown.len().saturating_sub(1)
    };
    let shorten = |rows: &mut [[String; 10]], shown: &[usize], least: usize| {
        let excess = total(rows, shown).saturating_sub(width);
        let name = widths(rows)[STRATEGY].saturating_sub(excess).max(least);
        for (row, cell) in rows[1..].iter_mut().zip(cells()) {
            row[STRATEGY] = called(reading, cell, name);
        }
    };
    let mut gone: Vec<usize> = Vec::new();
    for leaving in leaving(reading) {
        if total(rows, &shown) <= width {
            break;
        }
        let narrow = total(rows, &shown) - width;
        if widths(rows)[STRATEGY] >= shortest + narrow {
            break;
        }
        shown.retain(|&column| column != leaving);
        gone.push(leaving);
    }
    if total(rows, &shown) <= width {
        // What left may have been wider than it had to be: the last to leave come back first.
        let telling = |column: &usize| LEAVING.contains(column) || matches!(*column, SCORE | OVER_TIME);
        for back in gone.into_iter().rev().filter(telling) {
            let with: Vec<usize> =
                (0..HEADS.len()).filter(|column| *column == back || shown.contains(column)).collect();
            if total(rows, &with) <= width {
                shown = with;
            }
        }
        return shown;
    }
    let most = if policy > 0 { width / 2 } else { width / 3 };
    shorten(rows, &shown, shortest.min(most));
    shown
}

/// A cell's name in so many columns, which keeps its policy and the word that marks the baseline.
fn called(reading: &Reading, cell: &Cell, width: usize) -> String {
    let policy = reading.names.policy(cell);
    let is_baseline = cell.baseline && !cell.oracle;
    let marked = |mark: &str| if is_baseline { format!("{policy}{mark}") } else { policy.clone() };
    let (long, short) = (marked(" (baseline)"), marked(" (base)"));
    let mark = columns::width(&long) - columns::width(&policy);
    let whole = columns::cut(&cell.strategy, LONGEST_NAME - mark) + &long;
    if columns::width(&whole) <= width {
        return whole;
    }
    let room = width.saturating_sub(columns::width(&short));
    columns::cut(&(columns::cut(&cell.strategy, room) + &short), width)
}

fn widths(rows: &[[String; 10]]) -> [usize; 10] {
    std::array::from_fn(|column| rows.iter().map(|row| columns::width(&row[column])).max().unwrap_or(0))
}

/// Names to the left, numbers to the right.
fn pad(text: &str, column: usize, width: usize) -> String {
    match column {
        1 | 3..=5 | 7..=9 => columns::to_the_left(text, width),
        _ => columns::to_the_right(text, width),
    }
}

fn printable(text: &str) -> String {
    format::shortened(text, usize::MAX)
}

/// Breaks a sentence between words; a word longer than a line stays whole.
pub(super) fn wrap(text: &str, width: usize, indent: &str, out: &mut String) {
    let mut length = 0;
    // A number is not parted from its unit.
    for word in text.replace(" %", "\u{a0}%").split(' ').filter(|word| !word.is_empty()) {
        let room = columns::width(word);
        if length > 0 && length + 1 + room > width {
            out.push('\n');
            length = 0;
        }
        let before = if length == 0 { indent } else { " " };
        out.push_str(before);
        out.push_str(&word.replace('\u{a0}', " "));
        length += before.len() + room;
    }
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    #[test]
    fn a_wide_terminal_shows_everything() {
        insta::assert_snapshot!(ranking(&fixture::thumbnails(), 160));
    }

    #[test]
    fn a_terminal_of_100_columns() {
        insta::assert_snapshot!(ranking(&fixture::thumbnails(), 100));
    }

    #[test]
    fn a_terminal_of_80_columns() {
        insta::assert_snapshot!(ranking(&fixture::thumbnails(), 80));
    }

    #[test]
    fn a_narrow_terminal_keeps_strategy_memory_and_gates() {
        insta::assert_snapshot!(ranking(&fixture::thumbnails(), 60));
    }

    #[test]
    fn a_narrow_terminal_keeps_what_the_scenario_asks_for() {
        let mut record = fixture::thumbnails();
        let heads = |record: &Record| ranking(record, 80).lines().next().unwrap().to_owned();
        assert!(!heads(&record).contains("stampedes/h"), "{}", heads(&record));
        record.scoring.weights = [("duplicate_fetches".to_owned(), 1.0)].into();
        record.expectations.clear();
        for cell in &mut record.cells {
            cell.gates.clear();
        }
        let told = heads(&record);
        assert!(told.contains("stampedes/h") && told.contains("origin/s peak"), "{told}");
        assert!(!told.contains("gates") && told.contains("memory"), "no cell has gates: {told}");
        record.cells.iter_mut().for_each(|cell| cell.capacity = None);
        assert!(!heads(&record).contains("memory"), "{}", heads(&record));
    }

    #[test]
    fn columns_that_have_no_room_are_named() {
        let mut record = fixture::thumbnails();
        let hint = |record: &Record, width: usize| {
            let text = ranking(record, width).replace('\n', " ");
            text.split_once("a wider terminal also shows ")
                .map(|(_, rest)| rest.split("  ").next().unwrap().to_owned())
        };
        assert_eq!(hint(&record, 160), None);
        let told = hint(&record, 60).unwrap();
        assert_eq!(told, "origin/s peak, stampedes/h, p99, score, misses over time");
        record.cells.iter_mut().for_each(|cell| cell.gates.clear());
        let told = hint(&record, 60).unwrap();
        assert!(!told.contains("gates"), "no cell has any: {told}");
    }

    #[test]
    fn misses_over_time_have_one_scale_and_stand_where_there_is_room() {
        let mut record = fixture::thumbnails();
        record.cells.truncate(2);
        record.scoring.winner = None;
        record.provenance.warmup_s = 0.0;
        for (cell, misses) in record.cells.iter_mut().zip([[20.0, 10.0], [10.0, 0.0]]) {
            cell.gates.clear();
            cell.capacity = None;
            cell.series.requests = vec![100.0; 16];
            cell.series.fresh_hit = [vec![100.0 - misses[0]; 8], vec![100.0 - misses[1]; 8]].concat();
        }
        let text = ranking(&record, 110);
        assert!(text.contains("████▅▅▅▅") && text.contains("▅▅▅▅▁▁▁▁"), "{text}");
        assert!(text.contains("from ▁ for none to █ for 20.0 % of requests"), "{text}");
        record.cells.iter_mut().for_each(|cell| cell.series.fresh_hit = cell.series.requests.clone());
        assert!(!ranking(&record, 160).contains(" misses"), "nothing was missed");
    }

    #[test]
    fn equal_scores_are_called_the_same() {
        let mut record = fixture::recorded();
        record.scoring.indistinguishable = vec![4];
        record.cells[4].score = record.cells[5].score;
        let text = ranking(&record, 160);
        assert!(
            text.contains(" 2 has the same score as 1.") && !text.contains("indistinguishable"),
            "{text}"
        );
    }

    #[test]
    fn rows_of_several_policies_are_told_apart_at_every_width() {
        let record = fixture::policies();
        for width in [60, 80, 100, 160] {
            let text = ranking(&record, width);
            for policy in [", allkeys-lru", ", allkeys-lfu"] {
                let rows = text.lines().filter(|line| line.contains(policy) && !line.contains("Use"));
                assert_eq!(rows.count(), 4, "{policy} at {width}:\n{text}");
            }
            assert!(text.replace('\n', " ").contains("Use one hour, allkeys-lfu at 64 MiB. "), "{text}");
        }
    }

    #[test]
    fn a_baseline_that_wins_is_kept_here_too() {
        let mut record = fixture::thumbnails();
        record.scoring.winner = Some(3);
        record.cells[3].gates.clear();
        assert!(ranking(&record, 160).contains("\nKeep setex-3600 at 256 MiB."));
    }

    #[test]
    fn columns_stand_below_each_other_whatever_the_script() {
        let mut record = fixture::thumbnails();
        record.cells[1].strategy = "一小时和锁".into();
        record.cells[4].strategy = "größe".into();
        let text = ranking(&record, 160);
        let at = |line: &str| line.find(" MiB").map(|at| columns::width(&line[..at]));
        let rows = text.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_digit()));
        let mut places: Vec<usize> = rows.filter_map(at).collect();
        assert_eq!(places.len(), 6, "{text}");
        places.dedup();
        assert_eq!(places.len(), 1, "{text}");
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        for (name, record) in fixture::all() {
            for width in [60, 80, 100, 160] {
                for line in ranking(&record, width).lines() {
                    let long_word = line.split_whitespace().any(|word| columns::width(word) > 60);
                    assert!(long_word || columns::width(line) <= width, "{name} at {width}: {line}");
                }
            }
        }
    }

    #[test]
    fn control_characters_never_reach_the_terminal() {
        let text = ranking(&fixture::hostile(), 100);
        assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
    }
}
