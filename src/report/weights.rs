//! Which strategy has the best score over which weights, for people.

use super::format;
use super::measure::{MEMORY, label_of};
use super::reading::{self, Reading};
use crate::record::Cell;
use crate::score::stretches;

/// The shares of one objective, and who is best over them.
#[derive(Debug)]
pub(crate) struct Objective<'a> {
    /// Name of the objective.
    pub(crate) name: &'a str,
    /// Its share of all weights, as the scenario has it.
    pub(crate) now: f64,
    /// From where to where of its share, and the best cell there.
    pub(crate) stretches: Vec<(f64, f64, &'a Cell)>,
}

/// The objectives in the order of their weight; empty where fewer than two have a weight, or one cell may win.
///
/// Only cells that pass every gate in all replications are contenders, as for the choice itself; the best score wins,
/// whatever the memory.
pub(crate) fn objectives<'a>(reading: &Reading<'a>) -> Vec<Objective<'a>> {
    let may_win = |cell: &&Cell| reading::passes(cell) && reading.is_complete(cell);
    let contenders: Vec<&Cell> = reading.ranked.iter().copied().filter(may_win).collect();
    let parts: Vec<_> = contenders.iter().map(|cell| &cell.score_parts).collect();
    let weights = &reading.record.scoring.weights;
    let known = |name: &str| parts.iter().any(|parts| parts.contains_key(name));
    let total: f64 = weights.iter().filter(|(name, _)| known(name)).map(|(_, weight)| weight.max(0.0)).sum();
    if contenders.len() < 2 {
        return Vec::new();
    }
    let mut objectives: Vec<Objective> = weights
        .iter()
        .filter_map(|(name, weight)| {
            let found = stretches(&parts, weights, name);
            let stretches: Vec<_> =
                found.iter().map(|one| (one.from, one.to, contenders[one.best])).collect();
            (!stretches.is_empty()).then(|| Objective { name, now: weight / total, stretches })
        })
        .collect();
    objectives.sort_by(|a, b| b.now.total_cmp(&a.now).then(a.name.cmp(b.name)));
    objectives
}

/// Over which weights the cell that has the best score now keeps it, one weight at a time; and, where another is
/// recommended, why that one.
pub(crate) fn words(reading: &Reading, objectives: &[Objective]) -> Option<String> {
    let (.., first) = objectives.first().and_then(now)?;
    // A hair's breadth from an end is the end: "> 99.99 %" would look like a finding.
    let end = |share: f64| match share {
        _ if share < 5e-4 => 0.0,
        _ if share > 1.0 - 5e-4 => 1.0,
        _ => share,
    };
    let ranges: Vec<(&Objective, f64, f64)> = objectives
        .iter()
        .filter_map(|one| now(one).map(|(from, to, _)| (one, end(*from), end(*to))))
        .filter(|(_, from, to)| *from > 0.0 || *to < 1.0)
        .collect();
    let (name, recommended) = (reading.name(first), recommended(reading, first));
    if ranges.is_empty() {
        return Some(format!("Whatever single weight is changed, {name} keeps the best score.{recommended}"));
    }
    let told: Vec<String> = ranges
        .iter()
        .map(|(one, from, to)| {
            let (from, to) = (format::percent(*from), format::percent(*to));
            format!("{} weighs {from} to {to} (now {})", label_of(one.name), format::percent(one.now))
        })
        .collect();
    let told = match told.as_slice() {
        [rest @ .., last] if !rest.is_empty() => format!("{}, or {last}", rest.join(", ")),
        _ => told.concat(),
    };
    let others = match objectives.len() - ranges.len() {
        0 => String::new(),
        1 => "; the weight of the other objective does not matter".into(),
        some => format!("; the weights of the other {some} objectives do not matter"),
    };
    Some(format!(
        "One weight changed at a time, {name} keeps the best score while {told} of all weights{others}.{recommended}"
    ))
}

/// Why the cell with the best score is not the recommended one; nothing where it is.
fn recommended(reading: &Reading, best: &Cell) -> &'static str {
    if !reading.is_near_winner(best) {
        return "";
    }
    let held = |cell: Option<&Cell>| cell.and_then(|cell| MEMORY.of(cell));
    match held(reading.winner()).zip(held(Some(best))) {
        Some((least, held)) if least < held => {
            " It is indistinguishable from the recommended one, which holds less memory."
        }
        _ => " It is indistinguishable from the recommended one.",
    }
}

/// The stretch in which the scenario's weight lies.
pub(crate) fn now<'o, 'a>(one: &'o Objective<'a>) -> Option<&'o (f64, f64, &'a Cell)> {
    one.stretches.iter().find(|(from, to, _)| (*from..=*to).contains(&one.now))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Record;
    use crate::report::fixture;

    #[test]
    fn the_stretch_around_today_s_weight_is_named() {
        let record = fixture::thumbnails();
        let (this, that) = (&record.cells[0], &record.cells[1]);
        let reading = Reading::new(&record);
        let of = |name, now, stretches: &[(f64, f64, &'static str)]| Objective {
            name,
            now,
            stretches: stretches
                .iter()
                .map(|(from, to, id)| (*from, *to, if *id == "this" { this } else { that }))
                .collect(),
        };
        let firm = of("hit", 0.5, &[(0.0, 1.0, "this")]);
        assert_eq!(
            words(&reading, &[firm]).unwrap(),
            "Whatever single weight is changed, setex-3600 at 64 MiB keeps the best score."
        );
        let objectives = [
            of("memory", 0.5, &[(0.0, 0.004, "that"), (0.004, 1.0, "this")]),
            of("stampedes", 0.3, &[(0.0, 0.9, "this"), (0.9, 1.0, "that")]),
            of("p99", 0.2, &[(0.0, 0.9999, "this"), (0.9999, 1.0, "that")]),
        ];
        assert_eq!(
            words(&reading, &objectives).unwrap(),
            "One weight changed at a time, setex-3600 at 64 MiB keeps the best score while mean memory weighs 0.40 % to \
             100 % (now 50.0 %), or stampedes per hour weighs 0 % to 90.0 % (now 30.0 %) of all weights; the weight of the \
             other objective does not matter."
        );
    }

    #[test]
    fn where_the_best_score_is_not_recommended_it_is_told_why() {
        let mut record = fixture::thumbnails();
        record.cells[4].memory.mean_bytes *= 1.5;
        let told = |record: &Record| {
            let best = &record.cells[4];
            let firm = Objective { name: "hit", now: 0.5, stretches: vec![(0.0, 1.0, best)] };
            words(&Reading::new(record), &[firm]).unwrap()
        };
        assert_eq!(
            told(&record),
            "Whatever single weight is changed, single-flight at 256 MiB keeps the best score. It is indistinguishable from \
             the recommended one, which holds less memory."
        );
        record.cells[4].memory.mean_bytes = record.cells[5].memory.mean_bytes;
        assert!(told(&record).ends_with(" It is indistinguishable from the recommended one."));
    }

    #[test]
    fn a_cell_that_lacks_replications_has_no_best_score() {
        let mut record = fixture::complete();
        let best = |record: &Record| {
            let reading = Reading::new(record);
            let stretches = objectives(&reading).into_iter().flat_map(|one| one.stretches);
            stretches.map(|(.., cell)| cell.id.clone()).collect::<Vec<String>>()
        };
        let id = record.cells[2].id.clone();
        record.cells[2].score_parts.values_mut().for_each(|part| *part = 1.0);
        assert!(best(&record).iter().all(|cell| *cell == id), "{:?}", best(&record));
        record.cells[2].replications -= 1;
        assert!(!best(&record).is_empty() && !best(&record).contains(&id), "{:?}", best(&record));
    }
}
