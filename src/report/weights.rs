//! Which strategy has the best score over which weights, for people.

use super::format;
use super::measure::label_of;
use super::reading::{self, Names, Reading};
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
/// Only cells that pass every gate are contenders, as for the choice itself; the best score wins, whatever the memory.
pub(crate) fn objectives<'a>(reading: &Reading<'a>) -> Vec<Objective<'a>> {
    let contenders: Vec<&Cell> =
        reading.ranked.iter().copied().filter(|cell| reading::passes(cell)).collect();
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

/// In a sentence, over which weights the cell that has the best score now keeps it, one weight at a time.
pub(crate) fn words(names: Names, objectives: &[Objective]) -> Option<String> {
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
    if ranges.is_empty() {
        return Some("Whatever single weight is changed, the same cell keeps the best score.".into());
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
    let name = names.cell(first);
    Some(format!(
        "One weight changed at a time, {name} keeps the best score while {told} of all weights{others}."
    ))
}

/// The stretch in which the scenario's weight lies.
pub(crate) fn now<'o, 'a>(one: &'o Objective<'a>) -> Option<&'o (f64, f64, &'a Cell)> {
    one.stretches.iter().find(|(from, to, _)| (*from..=*to).contains(&one.now))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    #[test]
    fn the_stretch_around_today_s_weight_is_named() {
        let record = fixture::thumbnails();
        let (this, that) = (&record.cells[0], &record.cells[1]);
        let names = Names::of(&record.cells);
        let of = |name, now, stretches: &[(f64, f64, &'static str)]| Objective {
            name,
            now,
            stretches: stretches
                .iter()
                .map(|(from, to, id)| (*from, *to, if *id == "this" { this } else { that }))
                .collect(),
        };
        let firm = of("hit", 0.5, &[(0.0, 1.0, "this")]);
        assert!(words(names, &[firm]).unwrap().starts_with("Whatever single weight"));
        let objectives = [
            of("memory", 0.5, &[(0.0, 0.004, "that"), (0.004, 1.0, "this")]),
            of("stampedes", 0.3, &[(0.0, 0.9, "this"), (0.9, 1.0, "that")]),
            of("p99", 0.2, &[(0.0, 0.9999, "this"), (0.9999, 1.0, "that")]),
        ];
        assert_eq!(
            words(names, &objectives).unwrap(),
            "One weight changed at a time, setex-3600 at 64 MiB keeps the best score while mean memory weighs 0.40 % to \
             100 % (now 50.0 %), or stampedes per hour weighs 0 % to 90.0 % (now 30.0 %) of all weights; the weight of the \
             other objective does not matter."
        );
    }
}
