//! A plan as a page of its own.

use super::{Plan, words};
use crate::report::chart::search::{self, Dot};
use crate::report::format;
use crate::report::html::{Table, Td, TunedPage};
use crate::report::measure::Unit;
use crate::tune::{Ended, Finalist, Tuned};

/// Settings of the Pareto set that the page shows.
const FRONT: usize = 40;

pub(super) fn page(plan: &Plan) -> String {
    let tuned = &plan.tuned;
    let unit = words::unit(tuned);
    let dots: Vec<Dot> = tuned
        .tried
        .iter()
        .map(|tried| Dot {
            value: tried.objective.unwrap_or(f64::NAN),
            keeps: tried.violation <= 0.0,
            whole: tried.share >= 1.0,
            tip: format!("{}: {}", words::values(tuned, &tried.values), unit.print(tried.objective)),
        })
        .collect();
    let higher = tuned.objective.starts_with("maximise");
    let chart = search::draw(&dots, tuned.baseline.objective, &tuned.objective, unit, higher);
    TunedPage {
        title: format!("{}, tuned", format::shortened(&tuned.scenario, format::LONGEST_NAME)),
        verdict: plan.verdict.clone(),
        question: tuned.question.clone(),
        found: matches!(tuned.ended, Ended::Better | Ended::Keeps),
        facts: vec![
            ("Looked for", words::looked_for(tuned)),
            ("Strategy", tuned.strategy.clone()),
            ("Made by", format!("ttlab {}: {}", plan.version, plan.command)),
        ],
        notes: plan.notes.clone(),
        finals: finals(tuned, unit),
        constraints: constraints(tuned),
        drills: drills(tuned),
        chart: chart.map(|svg| svg.inline()).map_err(|error| error.to_string()),
        front: front(tuned, unit),
        flat: flat(tuned, unit),
        redis: redis(plan),
        ttls: ttls(plan),
    }
    .finish()
}

/// The name of a finalist.
fn name(tuned: &Tuned, one: &Finalist) -> String {
    if one.values.is_empty() {
        format!("{} (baseline)", tuned.baseline_name)
    } else {
        words::values(tuned, &one.values)
    }
}

/// The finalists and the baseline.
fn all(tuned: &Tuned) -> impl Iterator<Item = &Finalist> {
    tuned.finalists.iter().chain([&tuned.baseline])
}

fn finals(tuned: &Tuned, unit: Unit) -> Table {
    let columns =
        ["setting", "objective#", "in the trials#", "better than the baseline by", "beside the best"];
    let mut table = Table::new("finalists", "The best trials, played again", &columns);
    for (index, one) in all(tuned).enumerate() {
        let beside = match (tuned.winner == Some(index), one.like_winner) {
            (true, _) => "★ best",
            (_, true) => "indistinguishable",
            _ => "",
        };
        table.row(vec![
            Td::heading(name(tuned, one)),
            Td::number(one.objective, unit),
            Td::number(one.in_trials, unit),
            Td::text(words::gain(unit, one.gain)),
            Td::text(beside),
        ]);
    }
    table.notes.push(
        "What the trials made of a setting includes its luck; what it comes to on fresh seeds does not."
            .into(),
    );
    table
}

fn constraints(tuned: &Tuned) -> Option<Table> {
    if tuned.constraints.is_empty() {
        return None;
    }
    let columns = ["setting", "constraint", "value#", "95 % interval", "kept"];
    let mut table =
        Table::new("constraints", "Constraints on fresh seeds, in the unit of the record", &columns);
    for one in all(tuned) {
        for kept in &one.constraints {
            let ends = kept.low.zip(kept.high);
            let ends = ends.map_or_else(String::new, |(low, high)| {
                format!("{} … {}", format::number(low), format::number(high))
            });
            table.row(vec![
                Td::heading(name(tuned, one)),
                Td::text(kept.target.clone()),
                Td::number(kept.value, Unit::Number),
                Td::text(ends),
                Td {
                    tone: if kept.kept { "better" } else { "worse" },
                    ..Td::text(if kept.kept { "yes" } else { "no" })
                },
            ]);
        }
    }
    Some(table)
}

fn drills(tuned: &Tuned) -> Option<Table> {
    let columns = ["setting", "drill", "survives", "recovers after#", "peak origin/s#", "errors#"];
    let mut table = Table::new("drills", "Bad days: which finalist survives which drill", &columns);
    for one in &tuned.finalists {
        for drill in &one.drills {
            let (word, tone) = match drill.survives {
                Some(true) => ("yes", "better"),
                Some(false) => ("no", "worse"),
                None => ("not played", ""),
            };
            let recovers = match (drill.survives, drill.recovers_after_s) {
                (Some(_), None) => Td::text("never"),
                (_, after) => Td::number(after, Unit::Seconds),
            };
            table.row(vec![
                Td::heading(name(tuned, one)),
                Td::text(drill.drill),
                Td { tone, more: drill.not_played.clone().unwrap_or_default(), ..Td::text(word) },
                recovers,
                Td::number(drill.peak_origin_rate, Unit::Rate),
                Td::number(drill.error, Unit::Share),
            ]);
        }
    }
    (!table.rows.is_empty()).then_some(table)
}

fn front(tuned: &Tuned, unit: Unit) -> Table {
    let columns = ["setting", "objective#", "memory#", "origin fetches#"];
    let mut table =
        Table::new("front", "The Pareto set: no other trial is at least as good in all three", &columns);
    let front: Vec<_> = tuned.tried.iter().filter(|tried| tried.on_pareto_front).collect();
    for tried in front.iter().take(FRONT) {
        table.row(vec![
            Td::heading(words::values(tuned, &tried.values)),
            Td::number(tried.objective, unit),
            Td::number(tried.memory, Unit::Bytes),
            Td::number(tried.origin_rate, Unit::Rate),
        ]);
    }
    if front.len() > FRONT {
        table.notes.push(format!("{} more stand in tuning.json.", front.len() - FRONT));
    }
    table
}

fn flat(tuned: &Tuned, unit: Unit) -> Table {
    let columns = ["parameter", "moved to", "objective changes by", "in all", "finding"];
    let mut table = Table::new("flat", "One parameter moves, the others stay as in the best", &columns);
    for flat in &tuned.flat {
        for one in &flat.moves {
            let change = one.gain.map(|mean| crate::tune::Against { mean, low: None, high: None });
            let finding = match (one.misses, one.is_negligible) {
                (true, _) => "misses a constraint",
                (_, true) => "hardly matters",
                _ => "matters",
            };
            table.row(vec![
                Td::heading(flat.path.clone()),
                Td::text(one.to.to_string()),
                Td::text(words::gain(unit, change)),
                Td::text(format::relative(one.relative)),
                Td::text(finding),
            ]);
        }
    }
    table.notes.push(
        "Ranges move by a quarter of their length in their own scale, choices to the others; positive is better. Less than \
         1 %, or indistinguishable, hardly matters. On the seeds of the search."
            .into(),
    );
    table
}

fn redis(plan: &Plan) -> Table {
    let mut table = Table::new("redis", "Lines of redis.conf", &["line", "reason"]);
    for line in &plan.redis_conf {
        table.row(vec![Td::heading(line.setting.clone()), Td::text(line.reason.clone())]);
    }
    table
}

fn ttls(plan: &Plan) -> Table {
    let mut table =
        Table::new("ttls", "What to give each class of keys", &["class", "fresh for", "SET … EX", "and"]);
    for row in &plan.ttls {
        table.row(vec![
            Td::heading(row.class.clone()),
            Td::text(row.ttl.clone()),
            Td::text(row.expire.clone()),
            Td::text(row.more.clone()),
        ]);
    }
    table
}
