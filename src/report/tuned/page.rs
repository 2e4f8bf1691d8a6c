//! A plan as a page of its own.

use super::{Plan, words};
use crate::report::chart::search::{self, Dot};
use crate::report::format;
use crate::report::html::{Band, Figure, Table, Td, TunedPage};
use crate::report::measure::{Unit, label_of};
use crate::tune::{Ended, Finalist, Tuned};
use crate::units::{ByteSize, SimDuration};

/// Settings of the Pareto set that the page shows.
const FRONT: usize = 40;

pub(super) fn page(plan: &Plan) -> String {
    let tuned = &plan.tuned;
    let unit = words::unit(tuned);
    let dots: Vec<Dot> = tuned
        .tried
        .iter()
        .zip(1..)
        .map(|(tried, trial)| Dot {
            value: tried.objective.unwrap_or(f64::NAN),
            keeps: tried.violation <= 0.0,
            whole: tried.share >= 1.0,
            tip: format!(
                "trial {trial}: {}: {}",
                words::values(tuned, &tried.values),
                unit.print(tried.objective)
            ),
        })
        .collect();
    let higher = tuned.objective.starts_with("maximise");
    let axis = objective(tuned);
    let chart = search::draw(&dots, tuned.baseline.objective, &axis, unit, higher);
    TunedPage {
        title: format!("{}: a search for settings", format::shortened(&tuned.scenario, format::LONGEST_NAME)),
        band: Band {
            heading: "What to use",
            good: matches!(tuned.ended, Ended::Better | Ended::Keeps),
            sentence: plan.verdict.clone(),
            question: tuned.question.clone(),
            facts: vec![
                ("Looked for", words::looked_for(tuned)),
                ("Strategy", tuned.strategy.clone()),
                ("Made by", format!("ttlab {}: {}", plan.version, plan.command)),
            ],
            notes: plan.notes.clone(),
        },
        finals: finals(tuned, unit),
        constraints: constraints(tuned),
        drills: drills(tuned),
        figure: Figure {
            name: "search",
            label: "Chart: the course of the search",
            chart: chart.map(|svg| svg.inline()).map_err(|error| error.to_string()),
            shows: "Each point is a trial, in the order in which they were played; the line is the best so far that keeps \
                    every constraint, the level one the baseline on fresh seeds. Grey points miss a constraint, small ones \
                    were played on a part of the trace.",
            caveat: "The best of many trials is also the luckiest: the table above is what to believe. The vertical axis may \
                     start above 0.",
        },
        front: front(tuned, unit),
        flat: flat(tuned, unit),
        redis: redis(plan),
        ttls: ttls(plan),
    }
    .finish()
}

/// The objective for people: `hits, fresh or stale; more is better`.
fn objective(tuned: &Tuned) -> String {
    let (way, name) = tuned.objective.split_once(' ').unwrap_or(("", &tuned.objective));
    let better = if way == "maximise" { "more" } else { "less" };
    format!("{}; {better} is better", label_of(name))
}

/// The name of a finalist: its place, under which the first table has its settings.
fn name(tuned: &Tuned, one: &Finalist) -> String {
    let place = tuned.finalists.iter().position(|other| std::ptr::eq(other, one));
    place.map_or_else(|| format!("{} (baseline)", tuned.baseline_name), |place| (place + 1).to_string())
}

/// The finalists and the baseline.
fn all(tuned: &Tuned) -> impl Iterator<Item = &Finalist> {
    tuned.finalists.iter().chain([&tuned.baseline])
}

/// A table with a column for each setting that varied, between its first column and the others.
fn with_settings(id: &'static str, caption: &str, tuned: &Tuned, first: &str, others: &[&str]) -> Table {
    let settings = tuned.paths.iter().map(|path| words::short(path));
    let columns: Vec<&str> = std::iter::once(first).chain(settings).chain(others.iter().copied()).collect();
    Table::new(id, caption, &columns)
}

/// A column for each setting; sorted by its length or number where it has one.
fn settings(tuned: &Tuned, values: &[toml::Value]) -> Vec<Td> {
    let told = |value: &toml::Value| match value {
        toml::Value::String(text) => {
            let seconds = text.parse::<SimDuration>().map(|length| length.as_secs_f64().to_string());
            let bytes = || text.parse::<ByteSize>().map(|size| size.as_bytes().to_string());
            let value = seconds.or_else(|_| bytes()).unwrap_or_default();
            Td { value, ..Td::text(text.clone()) }
        }
        toml::Value::Integer(number) => Td { value: number.to_string(), ..Td::text(number.to_string()) },
        toml::Value::Float(number) => Td { value: number.to_string(), ..Td::text(number.to_string()) },
        other => Td::text(other.to_string()),
    };
    let mut told: Vec<Td> = values.iter().map(told).collect();
    // The baseline is another strategy, so it has none of these.
    told.resize_with(tuned.paths.len(), || Td::text(format::NONE));
    told
}

fn finals(tuned: &Tuned, unit: Unit) -> Table {
    let others = ["objective#", "in the trials#", "better than the baseline by#", "beside the best"];
    let mut table = with_settings("finalists", "The best trials, played again", tuned, "finalist", &others);
    for (index, one) in all(tuned).enumerate() {
        let beside = match (tuned.winner == Some(index), one.like_winner) {
            (true, _) => "★ best",
            (_, true) => "indistinguishable",
            _ => "",
        };
        let mut row = vec![Td::heading(name(tuned, one))];
        row.extend(settings(tuned, &one.values));
        row.extend([
            Td::number(one.objective, unit),
            Td::number(one.in_trials, unit),
            Td { numeric: true, ..Td::text(words::gain(unit, one.gain)) },
            Td::text(beside),
        ]);
        table.row(row);
    }
    table.notes.push(format!(
        "The objective is {}. What the trials made of a setting includes its luck; what it comes to on fresh seeds does not.",
        objective(tuned)
    ));
    table
}

fn constraints(tuned: &Tuned) -> Option<Table> {
    if tuned.constraints.is_empty() {
        return None;
    }
    let columns = ["finalist", "constraint", "value#", "95 % interval", "kept"];
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
    let columns = ["finalist", "drill", "survives", "recovers after#", "peak origin/s#", "errors#"];
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
    let caption = "The Pareto set: no other trial is at least as good in all three";
    let others = ["objective#", "memory#", "origin fetches#"];
    let mut table = with_settings("front", caption, tuned, "trial", &others);
    let tried = tuned.tried.iter().zip(1_u32..);
    let front: Vec<_> = tried.filter(|(tried, _)| tried.on_pareto_front).collect();
    for (tried, trial) in front.iter().take(FRONT) {
        let mut row = vec![Td { value: trial.to_string(), ..Td::heading(trial.to_string()) }];
        row.extend(settings(tuned, &tried.values));
        row.extend([
            Td::number(tried.objective, unit),
            Td::number(tried.memory, Unit::Bytes),
            Td::number(tried.origin_rate, Unit::Rate),
        ]);
        table.row(row);
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
                Td::heading(words::short(&flat.path)),
                Td::text(one.to.as_str().map_or_else(|| one.to.to_string(), str::to_owned)),
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
