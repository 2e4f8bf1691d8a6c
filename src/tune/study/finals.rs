//! The finals: the best settings and the baseline on seeds that no trial has met.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use toml::Value;

use super::Unfinished;
use super::play::{Came, Player, Setting, missed};
use super::search::{Attempt, Searched};
use crate::metrics::Measurements;
use crate::random::Seed;
use crate::scenario::tune::Objective;
use crate::score::{Better, Bound, Estimate, Gate, Replications};
use crate::search::Point;
use crate::tune::DrilledCell;
use crate::tune::sampled::Portion;

/// What the finals came to.
pub(super) struct Finals {
    /// In the order in which they were called up.
    pub(super) finalists: Vec<Final>,
    /// How often some were called up.
    pub(super) rounds: u32,
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

/// How often further finalists are called up while none of those before keeps every constraint.
const ROUNDS: u32 = 3;

/// What was measured on fresh seeds, by number.
type Runs = Vec<(u32, Measurements)>;

pub(super) fn finals(player: &Player<'_>, searched: &Searched) -> Result<Finals, Unfinished> {
    let objective = player.tuning.objective;
    // Only what was played in full can be in the finals; where nothing was, what was played longest.
    let longest = searched.tried.iter().map(|attempt| attempt.share).fold(0.0, f64::max);
    let mut left: Vec<&Attempt> = searched.tried.iter().filter(|attempt| attempt.share >= longest).collect();
    let (mut called, mut played): (Vec<&Attempt>, Vec<Final>) = (Vec::new(), Vec::new());
    let (mut baseline, mut rounds) = (None, 0);
    while rounds < ROUNDS && !played.iter().any(Final::is_eligible) {
        let margins = margins(&player.tuning.constraints, &called, &played);
        left.sort_by_cached_key(|attempt| rank(attempt, &player.tuning.constraints, &margins, objective));
        let count = left.len().min(player.tuning.finalists as usize);
        let mut next: Vec<&Attempt> = left.drain(..count).collect();
        if rounds > 0 {
            // What missed a constraint even in the trials need not be shown to miss it again.
            next.retain(|attempt| attempt.came.violation <= 0.0);
            if next.is_empty() {
                break;
            }
        }
        played.extend(on_fresh_seeds(player, &next, &mut baseline)?);
        called.extend(next);
        rounds += 1;
    }
    let baseline = baseline.expect("the first round has played it");
    let eligible = played.iter().enumerate().filter(|(_, one)| one.is_eligible());
    let winner = eligible
        .min_by(|(_, a), (_, b)| a.came.loss(objective).total_cmp(&b.came.loss(objective)))
        .map(|(index, _)| index);
    let baseline = player.came(None, baseline.clone(), &baseline);
    Ok(Finals { finalists: played, rounds, baseline, winner })
}

impl Final {
    /// Whether it may win: it keeps every constraint and survives every drill.
    fn is_eligible(&self) -> bool {
        let survives = self.drilled.as_ref().is_none_or(DrilledCell::survives);
        self.came.violation <= 0.0 && self.came.objective.is_some() && survives
    }
}

/// What a search that goes to the edge of a constraint has to stay away from it: by how much, of each constraint, those
/// that were called up came out worse on fresh seeds than in their trials. Trials play samples, parts and few seeds.
fn margins(gates: &[Gate], called: &[&Attempt], played: &[Final]) -> Vec<f64> {
    let worse = |gate: &Gate| {
        let pairs = called.iter().zip(played).filter_map(|(attempt, one)| {
            let (before, after) = (gate.check(&attempt.came.runs).value?, gate.check(&one.came.runs).value?);
            Some(if gate.bound == Bound::Min { before - after } else { after - before })
        });
        pairs.fold(0.0, f64::max)
    };
    gates.iter().map(worse).collect()
}

/// Where an attempt stands among others while constraints are this much narrower than written: the less of them it
/// misses, then the smaller its loss.
fn rank(attempt: &Attempt, gates: &[Gate], margins: &[f64], objective: Objective) -> (Ordered, Ordered) {
    let narrower = gates.iter().zip(margins).map(|(gate, margin)| {
        let inwards = if gate.bound == Bound::Min { *margin } else { -margin };
        Gate { limit: gate.limit + inwards, ..gate.clone() }
    });
    let violation = narrower.map(|gate| missed(&gate, &attempt.came.runs)).sum();
    (Ordered(violation), Ordered(attempt.came.loss(objective)))
}

/// A number that can be sorted by.
#[derive(PartialEq)]
struct Ordered(f64);

impl Eq for Ordered {}

impl PartialOrd for Ordered {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ordered {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

/// Plays attempts on the seeds of the finals, and the baseline if nobody has.
fn on_fresh_seeds(
    player: &Player<'_>,
    attempts: &[&Attempt],
    baseline: &mut Option<Replications>,
) -> Result<Vec<Final>, Unfinished> {
    let settings: Vec<Setting> =
        attempts.iter().map(|attempt| player.setting(attempt.point.clone())).collect();
    let settings: Vec<&Setting> = settings.iter().collect();
    let mut runs: Vec<Runs> = vec![Vec::new(); settings.len()];
    let mut of_baseline: Runs = Vec::new();
    let seeds = Seed::new(player.scenario.seed).of("finals").nth(player.tuning.seed);
    for number in 0..player.tuning.fresh {
        // One trace at a time is in memory.
        let seed = seeds.nth(u64::from(number));
        let meeting = [(seed, Portion::whole(player.trace(seed)))];
        let first = |played: Replications| played.iter().next().cloned();
        if baseline.is_none() {
            of_baseline.extend(first(player.baseline(&meeting)?).map(|run| (number, run)));
        }
        for (runs, played) in runs.iter_mut().zip(player.play(&settings, &meeting)?) {
            let played = played.map_err(Unfinished::NonePlayed)?;
            runs.extend(first(played).map(|run| (number, run)));
        }
    }
    let baseline = baseline.get_or_insert_with(|| of_baseline.into_iter().collect());
    let mut finalists: Vec<Final> = Vec::with_capacity(attempts.len());
    for ((runs, attempt), &setting) in runs.into_iter().zip(attempts).zip(&settings) {
        finalists.push(Final {
            point: attempt.point.clone(),
            values: attempt.values.clone(),
            came: player.came(Some(setting), runs.into_iter().collect(), baseline),
            in_trials: attempt.came.objective,
            drilled: player.drilled(setting)?,
        });
    }
    Ok(finalists)
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
