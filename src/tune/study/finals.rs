//! The finals: the best settings and the baseline on seeds that no trial has met.

use std::collections::BTreeMap;

use toml::Value;

use super::Unfinished;
use super::play::{Came, Player, Setting};
use super::search::{Attempt, Searched};
use crate::random::Seed;
use crate::score::{Better, Estimate, Replications};
use crate::search::Point;
use crate::tune::DrilledCell;
use crate::tune::sampled::Portion;

/// What the finals came to.
pub(super) struct Finals {
    pub(super) finalists: Vec<Final>,
    pub(super) baseline: Came,
    /// The best finalist that keeps every constraint and survives every drill.
    pub(super) winner: Option<usize>,
}

/// A finalist.
pub(super) struct Final {
    pub(super) point: Point,
    pub(super) values: Vec<Value>,
    pub(super) came: Came,
    /// What the trials had made of it, luck included.
    pub(super) in_trials: Option<f64>,
    /// What bad days do to it, where the search asks for that.
    pub(super) drilled: Option<DrilledCell>,
}

pub(super) fn finals(player: &Player<'_>, searched: &Searched) -> Result<Finals, Unfinished> {
    let objective = player.tuning.objective;
    // Only what was played in full can be in the finals; where nothing was, what was played longest.
    let longest = searched.tried.iter().map(|attempt| attempt.share).fold(0.0, f64::max);
    let mut ranked: Vec<&Attempt> =
        searched.tried.iter().filter(|attempt| attempt.share >= longest).collect();
    let key = |attempt: &Attempt| (attempt.came.violation, attempt.came.loss(objective));
    ranked.sort_by(|a, b| {
        let (a, b) = (key(a), key(b));
        a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1))
    });
    ranked.truncate(player.tuning.finalists as usize);
    let settings: Vec<Setting> = ranked.iter().map(|attempt| player.setting(attempt.point.clone())).collect();
    let settings: Vec<&Setting> = settings.iter().collect();
    let mut runs: Vec<Vec<(u32, crate::metrics::Measurements)>> = vec![Vec::new(); settings.len()];
    let mut baseline: Vec<(u32, crate::metrics::Measurements)> = Vec::new();
    let seeds = Seed::new(player.scenario.seed).of("finals").nth(player.tuning.seed);
    for number in 0..player.tuning.fresh {
        // One trace at a time is in memory.
        let seed = seeds.nth(u64::from(number));
        let meeting = [(seed, Portion::whole(player.trace(seed)))];
        let first = |played: Replications| played.iter().next().cloned();
        baseline.extend(first(player.baseline(&meeting)?).map(|run| (number, run)));
        for (runs, played) in runs.iter_mut().zip(player.play(&settings, &meeting)?) {
            let played = played.map_err(Unfinished::NonePlayed)?;
            runs.extend(first(played).map(|run| (number, run)));
        }
    }
    let baseline: Replications = baseline.into_iter().collect();
    let mut finalists: Vec<Final> = Vec::with_capacity(ranked.len());
    for ((runs, attempt), &setting) in runs.into_iter().zip(&ranked).zip(&settings) {
        finalists.push(Final {
            point: attempt.point.clone(),
            values: attempt.values.clone(),
            came: player.came(Some(setting), runs.into_iter().collect(), &baseline),
            in_trials: attempt.came.objective,
            drilled: player.drilled(setting)?,
        });
    }
    let eligible = finalists.iter().enumerate().filter(|(_, one)| {
        let survives = one.drilled.as_ref().is_none_or(DrilledCell::survives);
        one.came.violation <= 0.0 && one.came.objective.is_some() && survives
    });
    let winner = eligible
        .min_by(|(_, a), (_, b)| a.came.loss(objective).total_cmp(&b.came.loss(objective)))
        .map(|(index, _)| index);
    let baseline = player.came(None, baseline.clone(), &baseline);
    Ok(Finals { finalists, baseline, winner })
}

/// By how much the objective of one is better than that of another, paired by seed; positive is better. The interval is
/// widened so that `among` of them hold together 95 times in 100.
pub(super) fn gain(
    better: Better,
    this: &BTreeMap<u32, f64>,
    that: &BTreeMap<u32, f64>,
    among: usize,
) -> Option<Estimate> {
    let sign = if better == Better::Higher { 1.0 } else { -1.0 };
    let pairs =
        this.iter().filter_map(|(number, value)| that.get(number).map(|other| sign * (value - other)));
    Estimate::among(&pairs.collect::<Vec<f64>>(), among)
}
