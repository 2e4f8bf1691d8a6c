//! Which strategy has the best score over which weights, for people.

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

/// In a sentence, how far the first choice by score stands when one weight changes.
pub(crate) fn words(objectives: &[Objective]) -> Option<String> {
    let best = |one: &Objective| {
        one.stretches
            .iter()
            .find(|(from, to, _)| (*from..=*to).contains(&one.now))
            .map(|(.., cell)| cell.id.clone())
    };
    let first = objectives.first().and_then(best)?;
    let holds = |one: &&Objective| one.stretches.iter().all(|(.., cell)| cell.id == first);
    let firm: Vec<&Objective> = objectives.iter().filter(holds).collect();
    Some(if firm.len() == objectives.len() {
        "Whatever single weight is changed, the same cell keeps the best score.".into()
    } else {
        format!(
            "The cell with the best score keeps it over every weight of {} of {} objectives; the others decide.",
            firm.len(),
            objectives.len()
        )
    })
}
