//! A plan in a terminal.

use std::fmt::Write;

use comfy_table::{ContentArrangement, Table, presets};

use super::{Plan, words};
use crate::report::format;
use crate::report::measure::Unit;
use crate::tune::{Drill, Tuned};

pub(super) fn text(plan: &Plan, width: usize) -> String {
    let tuned = &plan.tuned;
    let mut text = format!("{} · {}\n\n", tuned.scenario, words::looked_for(tuned));
    let unit = words::unit(tuned);
    let mut table = table(
        width,
        &["", "setting", "objective", "in trials", "better than the baseline by", "constraints"],
    );
    let constraints = |one: &crate::tune::Finalist| {
        let missed = words::missed(one);
        if one.constraints.is_empty() {
            format::NONE.to_owned()
        } else if missed.is_empty() {
            "pass".to_owned()
        } else {
            format!("FAIL {missed}")
        }
    };
    for (index, one) in tuned.finalists.iter().enumerate() {
        let mark = match (tuned.winner == Some(index), one.like_winner) {
            (true, _) => "★",
            (_, true) => "≈",
            _ => "",
        };
        table.add_row([
            mark.to_owned(),
            words::values(tuned, &one.values),
            unit.print(one.objective),
            unit.print(one.in_trials),
            words::gain(unit, one.gain),
            constraints(one),
        ]);
    }
    table.add_row([
        if tuned.baseline.like_winner { "≈" } else { "" }.to_owned(),
        format!("{} (baseline)", tuned.baseline_name),
        unit.print(tuned.baseline.objective),
        String::new(),
        String::new(),
        constraints(&tuned.baseline),
    ]);
    let _ = writeln!(text, "{table}\n★ best, ≈ indistinguishable from it\n");
    if let Some(survives) = survives(tuned, width) {
        let _ = writeln!(text, "{survives}\n");
    }
    let mut ttls = self::table(width, &["class", "fresh for", "SET … EX", ""]);
    for row in &plan.ttls {
        ttls.add_row([&row.class, &row.ttl, &row.expire, &row.more]);
    }
    let _ = writeln!(text, "{ttls}\n");
    for line in plan.redis_conf.iter().filter(|line| !line.setting.is_empty()) {
        let _ = writeln!(text, "{}  # {}", line.setting, line.reason);
    }
    text.push('\n');
    for note in &plan.notes {
        let _ = writeln!(text, "note: {note}");
    }
    let _ = writeln!(text, "\n{}", plan.verdict);
    text
}

/// Which finalist survives which drill, and how long that takes; `None` where none was drilled.
fn survives(tuned: &Tuned, width: usize) -> Option<Table> {
    let drills: Vec<&str> = tuned.finalists.first()?.drills.iter().map(|drill| drill.drill).collect();
    if drills.is_empty() {
        return None;
    }
    let heads: Vec<&str> = ["survives"].into_iter().chain(drills).collect();
    let mut table = table(width, &heads);
    for one in &tuned.finalists {
        let of = |drill: &Drill| match (drill.survives, drill.recovers_after_s) {
            (None, _) => "not played".to_owned(),
            (Some(survives), after) => {
                let after =
                    after.map_or_else(|| "never".to_owned(), |after| Unit::Seconds.print(Some(after)));
                format!("{}, {after}", if survives { "yes" } else { "NO" })
            }
        };
        table.add_row([words::values(tuned, &one.values)].into_iter().chain(one.drills.iter().map(of)));
    }
    Some(table)
}

fn table(width: usize, heads: &[&str]) -> Table {
    let mut table = Table::new();
    let width = u16::try_from(width).unwrap_or(u16::MAX).max(60);
    table
        .load_style(presets::UTF8_HORIZONTAL_ONLY)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(width);
    table.set_header(heads.iter().copied());
    table
}
