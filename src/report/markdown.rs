//! `summary.md`: the verdict and the comparison, to be read in a merge request.

use std::fmt::Write as _;

use super::measure::{BYTE_HIT, FRESH_HIT, FRESH_SHARE, MEMORY, Measure, P99, PEAK_ORIGIN_RATE, STAMPEDES};
use super::reading::{self, Reading};
use super::sampled::sample_words;
use super::verdict::{self, Verdict};
use super::{cost, format, parties};
use crate::record::Cell;

/// Renders the summary.
pub(super) fn summary(reading: &Reading, verdict: &Verdict) -> String {
    let record = reading.record;
    let mut out =
        format!("# {}\n\n", escaped(&format::shortened(&record.scenario.name, format::LONGEST_NAME)));
    if !record.scenario.question.trim().is_empty() {
        line(&mut out, &format!("> {}\n", escaped(&format::sentence(&record.scenario.question))));
    }
    line(&mut out, &format!("**{}**\n", escaped(&verdict.sentence)));
    for gate in &verdict.gates {
        line(&mut out, &format!("- {}: {}", if gate.pass { "PASS" } else { "FAIL" }, escaped(&gate.words)));
    }
    if !verdict.gates.is_empty() {
        out.push('\n');
    }
    for cost in &verdict.costs {
        line(&mut out, &format!("{}: {}\n", cost.of, escaped(&cost.words)));
    }
    if let Some(runner_up) = &verdict.runner_up {
        line(&mut out, &format!("{}\n", escaped(runner_up)));
    }
    line(&mut out, &format!("{}\n", escaped(&verdict.certainty)));
    for words in sample_words(record) {
        line(&mut out, &format!("{}\n", escaped(&words)));
    }
    comparison(reading, &mut out);
    if let Some(words) = cost::words(reading) {
        line(&mut out, &format!("{}\n", escaped(&words)));
    }
    if let Some(words) = parties::words(reading) {
        line(&mut out, &format!("{}\n", escaped(&words)));
    }
    claims(reading, &mut out);
    conditions(reading, &mut out);
    line(
        &mut out,
        "\n[Report](index.html) · [cells.csv](cells.csv) · [series.csv](series.csv) · [record.json](record.json)",
    );
    out
}

/// Cells that the table shows: a merge request is no place for more.
const ROWS: usize = 30;

/// A score; they stand below each other, all with as many decimals.
fn scored(cell: &Cell) -> String {
    cell.score.map_or_else(|| format::NONE.to_owned(), |score| format!("{score:.3}"))
}

fn comparison(reading: &Reading, out: &mut String) {
    let mut measures: Vec<&Measure> =
        vec![&FRESH_HIT, &BYTE_HIT, &MEMORY, &PEAK_ORIGIN_RATE, &STAMPEDES, &P99];
    if reading.knows_changes() {
        measures.push(&FRESH_SHARE);
    }
    if reading.ranked.is_empty() && reading.bounds.is_empty() {
        return;
    }
    out.push_str("| # | strategy | memory limit |");
    for measure in &measures {
        let _ = write!(out, " {} |", measure.label);
    }
    out.push_str(" gates | score |\n| ---: | --- | ---: |");
    out.push_str(&" ---: |".repeat(measures.len()));
    out.push_str(" --- | ---: |\n");
    let ranks = (1..).map(|rank: usize| rank.to_string());
    let contenders = reading.ranked.iter().zip(ranks).take(ROWS);
    for (cell, rank) in contenders.chain(reading.bounds.iter().map(|cell| (cell, "bound".into()))) {
        let _ = write!(out, "| {rank} | {} | {} |", label(reading, cell), reading::capacity(cell.capacity));
        for measure in &measures {
            let _ = match reading.change(cell, measure) {
                Some(change) => write!(out, " {} ({}) |", measure.text(cell), change.text(measure)),
                None => write!(out, " {} |", measure.text(cell)),
            };
        }
        let gates = reading::gates(cell);
        let near = if reading.is_near_winner(cell) { " ≈ 1" } else { "" };
        let _ = writeln!(out, " {gates} | {}{near} |", scored(cell));
    }
    if let Some(more) = reading.ranked.len().checked_sub(ROWS).filter(|more| *more > 0) {
        let _ = writeln!(out, "\n{} more are in cells.csv.", format::count(more as u64));
    }
    out.push('\n');
    let failing = reading.ranked.iter().flat_map(|cell| {
        let missed = verdict::gates(cell).into_iter().filter(|gate| !gate.pass);
        missed.map(move |gate| format!("- FAIL {}: {}\n", escaped(&reading.name(cell)), escaped(&gate.words)))
    });
    out.extend(failing);
}

fn claims(reading: &Reading, out: &mut String) {
    let unmet = reading.record.expectations.iter().filter(|claim| !claim.met);
    for claim in unmet {
        let unit = super::measure::unit_of(&claim.metric);
        let _ = writeln!(
            out,
            "- Expectation not met by {}: {} {}, expected {} to {}",
            escaped(&format::shortened(&claim.cell, 2 * format::LONGEST_NAME)),
            super::measure::label_of(&claim.metric),
            unit.print(claim.value),
            unit.print(Some(claim.low)),
            unit.print(Some(claim.high)),
        );
    }
}

fn conditions(reading: &Reading, out: &mut String) {
    let record = reading.record;
    let (trace, how) = (&record.trace, &record.provenance);
    let _ = writeln!(
        out,
        "\nTrace: {}, {}, {}, {} ({} warm-up). Seed {}. {} {}.",
        escaped(&trace.source),
        format::counted(trace.requests, "request"),
        format::counted(trace.objects, "object"),
        format::duration(trace.span_s),
        format::duration(how.warmup_s),
        record.scenario.seed,
        escaped(&record.tool.name),
        escaped(&record.tool.version),
    );
    if !record.source.is_simulation() {
        line(out, "\nSource: live, measured against a real server.");
    }
    for warning in &how.warnings {
        line(out, &format!("\nWarning: {}", escaped(&format::sentence(warning))));
    }
    for note in &how.notes {
        line(out, &format!("\nNote: {}", escaped(&format::sentence(note))));
    }
}

fn label(reading: &Reading, cell: &Cell) -> String {
    let name = escaped(&reading.names.strategy(cell, 80));
    if cell.baseline && !cell.oracle { format!("{name} (baseline)") } else { name }
}

fn line(out: &mut String, text: &str) {
    out.push_str(text);
    out.push('\n');
}

/// Text as it is written: what markdown or HTML would take for markup is escaped.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '#' | '!' => out.extend(['\\', c]),
            _ if c.is_control() || format::turns_text(c) => out.push(' '),
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    #[test]
    fn the_summary_reads_well() {
        let record = fixture::thumbnails();
        let reading = Reading::new(&record);
        insta::assert_snapshot!(summary(&reading, &verdict::verdict(&reading)));
    }

    #[test]
    fn names_stay_text() {
        let record = fixture::hostile();
        let reading = Reading::new(&record);
        let text = summary(&reading, &verdict::verdict(&reading));
        assert!(!text.contains("<script") && !text.contains("<img"), "{text}");
        for row in text.lines().filter(|line| line.starts_with("| ")) {
            let bars = row.replace("\\|", "").matches('|').count();
            assert_eq!(bars, 12, "{row}");
        }
    }
}
