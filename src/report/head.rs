//! What a run asked and what it played, as a terminal shows it above the ranked table.

use std::collections::BTreeSet;

use super::ranking::wrap;
use super::{format, reading};
use crate::record::Record;

/// The question and, on a line of its own, the trace and the number of runs; lines are broken between words at `width`
/// characters.
pub fn head(record: &Record, width: usize) -> String {
    let mut out = String::new();
    let name = format::shortened(&record.scenario.name, format::LONGEST_NAME);
    let question = format::sentence(&record.scenario.question);
    let asked = if question.is_empty() { name } else { format!("{name}: {question}") };
    wrap(&asked, width, "", &mut out);
    wrap(&format!("{} · {}", trace(record), runs(record)), width, "", &mut out);
    out
}

/// `trace synthetic, 10,800,000 requests, 50,000 objects, 6 h (30 min warm-up)`.
fn trace(record: &Record) -> String {
    let (trace, warmup) = (&record.trace, record.provenance.warmup_s);
    let warmup =
        if warmup > 0.0 { format!(" ({} warm-up)", format::duration(warmup)) } else { String::new() };
    format!(
        "trace {}, {}, {}, {}{warmup}",
        format::shortened(&trace.source, format::LONGEST_NAME),
        format::counted(trace.requests, "request"),
        format::counted(trace.objects, "object"),
        format::duration(trace.span_s),
    )
}

/// `3 strategies x 2 capacities x 5 seeds = 30 runs`; where cells are no grid of these, only how many there are.
fn runs(record: &Record) -> String {
    let cells = &record.cells;
    let several = |count: usize, one: &str, more: &str| match count {
        1 => format!("1 {one}"),
        _ => format!("{} {more}", format::count(count as u64)),
    };
    let strategies = cells.iter().map(|cell| &cell.strategy).collect::<BTreeSet<_>>().len();
    let capacities = cells.iter().map(|cell| reading::capacity(cell.capacity)).collect::<BTreeSet<_>>().len();
    let evictions = cells.iter().map(|cell| &cell.eviction).collect::<BTreeSet<_>>().len();
    let repeats = cells.iter().map(|cell| cell.replications).max().unwrap_or(0) as usize;
    let mut factors = Vec::new();
    if strategies * capacities * evictions == cells.len() {
        factors.push(several(strategies, "strategy", "strategies"));
        let more = [(capacities, "capacities"), (evictions, "eviction policies")];
        factors
            .extend(more.into_iter().filter(|(count, _)| *count > 1).map(|(n, name)| several(n, "", name)));
    } else {
        factors.push(several(cells.len(), "cell", "cells"));
    }
    if repeats > 1 {
        let of_one = record.sample.as_ref().is_some_and(|sample| sample.samples_of_one_trace > 1);
        factors.push(several(repeats, "", if of_one { "samples" } else { "seeds" }));
    }
    let all: usize = cells.iter().map(|cell| cell.replications as usize).sum();
    format!("{} = {}", factors.join(" x "), several(all, "run", "runs"))
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    #[test]
    fn two_lines_tell_what_was_asked_and_played() {
        assert_eq!(
            head(&fixture::thumbnails(), 160),
            "thumbnails: Does jitter or single-flight tame the hourly expiry wave, and at what memory?\n\
             trace synthetic, 10,800,000 requests, 50,000 objects, 6 h (30 min warm-up) · 3 strategies x 2 capacities x \
             5 seeds = 30 runs\n"
        );
        let played_once = head(&fixture::recorded(), 160);
        assert!(played_once.ends_with("3 strategies x 2 capacities = 6 runs\n"), "{played_once}");
        let mut some = fixture::thumbnails();
        some.cells.pop();
        assert!(head(&some, 160).ends_with("5 cells x 5 seeds = 25 runs\n"));
    }

    #[test]
    fn no_name_moves_the_cursor_or_fills_the_screen() {
        for (name, record) in fixture::all() {
            let text = head(&record, 80);
            assert!(text.chars().all(|c| c == '\n' || !(c.is_control() || format::turns_text(c))), "{name}");
            assert!(text.chars().count() < 2_000, "{name}: {text}");
        }
    }
}
