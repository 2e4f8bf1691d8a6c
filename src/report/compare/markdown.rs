//! A comparison as markdown, to be read in a merge request.

use std::fmt::Write as _;

use super::{Comparison, Pair};
use crate::report::format;
use crate::report::markdown::escaped;
use crate::report::measure::Measure;

/// Rows shown at most; the JSON form has them all.
const MOST: usize = 60;

/// Renders the comparison.
pub(super) fn text(comparison: &Comparison) -> String {
    let name = |record: &crate::record::Record| escaped(&format::shortened(&record.scenario.name, 120));
    let mut out = format!("# {} against {}\n\n", name(comparison.after), name(comparison.before));
    for sentence in comparison.summary() {
        let _ = writeln!(out, "{}\n", escaped(&format::shortened(&sentence, 4 * format::LONGEST_NAME)));
    }
    let turned = comparison.turned();
    for turned in turned.iter().take(MOST) {
        let _ = writeln!(out, "- {}", escaped(&turned.words));
    }
    if turned.len() > MOST {
        let _ = writeln!(out, "- and {} more, which are in the JSON form", turned.len() - MOST);
    }
    if !turned.is_empty() {
        out.push('\n');
    }
    checks(comparison, &mut out);
    if !comparison.pairs.is_empty() {
        let measures = comparison.measures();
        out.push_str("| cell |");
        for measure in &measures {
            let _ = write!(out, " {} |", measure.label);
        }
        out.push_str("\n| --- |");
        out.push_str(&" ---: |".repeat(measures.len()));
        out.push('\n');
        for pair in comparison.pairs.iter().take(MOST) {
            let _ = write!(out, "| {} |", escaped(&comparison.names.cell(pair.after)));
            for measure in &measures {
                let _ = write!(out, " {} |", cell(pair, measure));
            }
            out.push('\n');
        }
        if comparison.pairs.len() > MOST {
            let _ = writeln!(out, "\n{} more cells are in the JSON form.", comparison.pairs.len() - MOST);
        }
    }
    for (what, cells) in [("Only before", &comparison.only_before), ("Only now", &comparison.only_after)] {
        if !cells.is_empty() {
            let names: Vec<String> =
                cells.iter().take(MOST).map(|cell| escaped(&comparison.names.cell(cell))).collect();
            let more = match cells.len().saturating_sub(MOST) {
                0 => String::new(),
                more => format!(" and {more} more, which the JSON form names"),
            };
            let _ = writeln!(out, "\n{what}: {}{more}.", names.join(", "));
        }
    }
    if !comparison.settings.is_empty() {
        out.push_str("\n| setting | before | now |\n| --- | --- | --- |\n");
        for (name, before, after) in &comparison.settings {
            let _ = writeln!(out, "| {} | {} | {} |", escaped(name), escaped(before), escaped(after));
        }
    }
    out
}

/// What was asked for by `--fail-on`, and where it failed; nothing where nothing was asked for.
fn checks(comparison: &Comparison, out: &mut String) {
    if comparison.limits.is_empty() {
        return;
    }
    let failures = &comparison.failures;
    if failures.is_empty() {
        let limits = escaped(&comparison.limits.join(", "));
        let _ = writeln!(out, "**PASS**: nothing became worse by more than is allowed ({limits}).\n");
    }
    for failure in failures.iter().take(MOST) {
        let _ = writeln!(out, "- **FAIL** {}", escaped(&failure.words));
    }
    if failures.len() > MOST {
        let _ = writeln!(out, "- and {} more, which are in the JSON form", failures.len() - MOST);
    }
    for doubt in comparison.doubts.iter().take(MOST) {
        let _ = writeln!(out, "- **UNSURE** {}", escaped(doubt));
    }
    if !failures.is_empty() || !comparison.doubts.is_empty() {
        out.push('\n');
    }
}

fn cell(pair: &Pair, measure: &Measure) -> String {
    match pair.shifts.iter().find(|shift| shift.measure.key == measure.key) {
        None => format::NONE.into(),
        Some(shift) if shift.tells() == Some(false) => {
            format!("{} (**{}**)", measure.unit.print(Some(shift.after)), shift.words())
        }
        Some(shift) => format!("{} ({})", measure.unit.print(Some(shift.after)), shift.words()),
    }
}
