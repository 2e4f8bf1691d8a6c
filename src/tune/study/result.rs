//! What a search came to, as plain data: everything that pages and files tell of it.

use serde::Serialize;
use toml::Value;

use super::finals::{Finals, gain};
use super::play::{Came, Player};
use super::search::Searched;
use crate::scenario::tune::Part;
use crate::score::{Estimate, Gate, Metric, Replications, written};
use crate::tune::{Outcome, Runs};

/// The result of a search.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Tuned {
    /// Name of the scenario.
    pub scenario: String,
    /// Its question.
    pub question: String,
    /// Name of the strategy that was tuned.
    pub strategy: String,
    /// Name of the baseline, as it was written.
    pub baseline_name: String,
    /// What was looked for, such as `minimise origin_rate`.
    pub objective: String,
    /// The constraints as targets, such as `hit >= 0.95`.
    pub constraints: Vec<String>,
    /// What varied.
    pub paths: Vec<String>,
    /// The sampler.
    pub sampler: String,
    /// Whole traces that were played for each replication of the search.
    pub runs: f64,
    /// The share of the keys that trials played; absent where they played all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sample: Option<f64>,
    /// Whether a part of the trace was a sample of its keys and not its beginning; not written where it was the beginning.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub parts_of_keys: bool,
    /// Seeds of each trial.
    pub replications: u32,
    /// Fresh seeds of the finals.
    pub fresh: u32,
    /// How often finalists were called up: again where none of those before kept every constraint.
    pub rounds: u32,
    /// Whether a recorded trace was played, so that seeds change only the origin's and the strategies' chance.
    pub recorded: bool,
    /// Settings that make no scenario together.
    pub refused: usize,
    /// Why the first of them does not.
    pub refused_why: Option<String>,
    /// Every trial, in order.
    pub tried: Vec<Tried>,
    /// The best trials on fresh seeds, in the order in which they were called up.
    pub finalists: Vec<Finalist>,
    /// The baseline on the same seeds.
    pub baseline: Finalist,
    /// Which finalist won: the best that keeps every constraint and survives every drill.
    pub winner: Option<usize>,
    /// How it ended.
    pub ended: Ended,
    /// How flat the optimum is, by parameter.
    pub flat: Vec<Flatness>,
}

/// How a search ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ended {
    /// The winner is better than the baseline, and not by chance as far as the interval can tell.
    Better,
    /// The winner keeps every constraint, which the baseline does not.
    Keeps,
    /// The winner cannot be told from the baseline.
    Indistinguishable,
    /// The baseline is better than everything that was found.
    Worse,
    /// No finalist keeps every constraint and survives every drill.
    NoneKeeps,
}

/// A trial.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Tried {
    /// The values, in the order of the paths.
    pub values: Vec<Value>,
    /// What share of the scored time, or of the keys, was played.
    pub share: f64,
    /// The objective; `None` without data.
    pub objective: Option<f64>,
    /// By how much constraints were missed, as a sum of shares of their limits.
    pub violation: f64,
    /// Bytes resident, averaged over time.
    pub memory: Option<f64>,
    /// Origin fetches per second.
    pub origin_rate: Option<f64>,
    /// Whether no other trial on the whole trace that keeps the constraints is at least as good in objective, memory and
    /// origin load, and better in one.
    pub on_pareto_front: bool,
}

/// A setting on fresh seeds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finalist {
    /// The values, in the order of the paths; empty for the baseline.
    pub values: Vec<Value>,
    /// The objective on fresh seeds; `None` without data.
    pub objective: Option<f64>,
    /// What the trials had made of it.
    pub in_trials: Option<f64>,
    /// By how much it is better than the baseline.
    pub gain: Option<Against>,
    /// Whether it cannot be told from the winner.
    pub like_winner: bool,
    /// The constraints, in their order.
    pub constraints: Vec<Kept>,
    /// By how much they were missed, as a sum of shares of their limits.
    pub violation: f64,
    /// The drills that it was put through; none where the search does not ask.
    pub drills: Vec<Drill>,
}

/// What a drill did to a finalist.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Drill {
    /// Which.
    pub drill: &'static str,
    /// Whether it survives; `None` where the drill could not be played.
    pub survives: Option<bool>,
    /// How long until all was as without it, in seconds; `None` for never.
    pub recovers_after_s: Option<f64>,
    /// Most fetches in one second from the drill on.
    pub peak_origin_rate: Option<f64>,
    /// Requests without an answer from the drill on, of requests.
    pub error: Option<f64>,
    /// Why it could not be played.
    pub not_played: Option<String>,
}

impl From<&Outcome> for Drill {
    fn from(outcome: &Outcome) -> Self {
        let seen = outcome.seen.as_ref().ok();
        Self {
            drill: outcome.kind.name(),
            survives: seen.map(|seen| seen.survives),
            recovers_after_s: seen.and_then(|seen| Some(seen.recovers_after?.as_secs_f64())),
            peak_origin_rate: seen.and_then(|seen| seen.peak_origin_rate),
            error: seen.and_then(|seen| seen.error),
            not_played: outcome.seen.as_ref().err().cloned(),
        }
    }
}

/// A paired difference, positive where this is better, with an interval that holds for all finalists together.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Against {
    /// The mean over seeds.
    pub mean: f64,
    /// Lower end of the interval.
    pub low: Option<f64>,
    /// Upper end.
    pub high: Option<f64>,
}

impl From<Estimate> for Against {
    fn from(estimate: Estimate) -> Self {
        let ends = estimate.interval;
        Self { mean: estimate.mean, low: ends.map(|ends| ends.low), high: ends.map(|ends| ends.high) }
    }
}

/// A constraint on fresh seeds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Kept {
    /// As a target.
    pub target: String,
    /// What came out.
    pub value: Option<f64>,
    /// Its 95 % interval over seeds.
    pub low: Option<f64>,
    /// The upper end.
    pub high: Option<f64>,
    /// Whether it is kept.
    pub kept: bool,
}

/// What becomes of the objective when one parameter moves and the others stay.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Flatness {
    /// The parameter.
    pub path: String,
    /// Whether every move changes the objective by less than 1 % or indistinguishably, and keeps the constraints.
    pub hardly_matters: bool,
    /// The moves.
    pub moves: Vec<Move>,
}

/// A move of one parameter away from the winner.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Move {
    /// Its value after the move.
    pub to: Value,
    /// By how much the objective is better there.
    pub gain: Option<f64>,
    /// The same as a share of the winner's objective.
    pub relative: Option<f64>,
    /// Whether a constraint is missed there.
    pub misses: bool,
    /// Whether that is nothing.
    pub is_negligible: bool,
}

pub(super) fn told(player: &Player<'_>, searched: &Searched, finals: &Finals, flat: Vec<Flatness>) -> Tuned {
    let (scenario, tuning) = (player.scenario, player.tuning);
    let better = tuning.objective.better();
    let among = finals.finalists.len();
    let against = |one: &Came, other: &Came| gain(better, &one.by_run, &other.by_run, among);
    let winner = finals.winner.map(|winner| &finals.finalists[winner].came);
    let finalists = finals.finalists.iter().map(|one| Finalist {
        values: one.values.clone(),
        objective: one.came.objective,
        in_trials: one.in_trials,
        gain: against(&one.came, &finals.baseline).map(Against::from),
        like_winner: winner.is_some_and(|winner| {
            against(&one.came, winner).is_some_and(|gain| gain.is_indistinguishable_from_zero() == Some(true))
        }),
        constraints: kept(&tuning.constraints, &one.came.runs),
        violation: one.came.violation,
        drills: one.drilled.iter().flat_map(|cell| &cell.outcomes).map(Drill::from).collect(),
    });
    let repeat = if matches!(player.runs, Runs::Recorded(_)) { 1 } else { scenario.repeat };
    Tuned {
        scenario: scenario.name.clone(),
        question: scenario.question.clone(),
        strategy: scenario.strategies[tuning.strategy].name.clone(),
        baseline_name: scenario
            .strategies
            .iter()
            .find(|design| design.baseline)
            .map(|d| d.name.clone())
            .unwrap_or_default(),
        objective: format!("{} {}", tuning.objective.word(), tuning.objective.name()),
        constraints: tuning.constraints.iter().map(written).collect(),
        paths: tuning.vary.iter().map(|vary| vary.path.to_string()).collect(),
        sampler: tuning.sampler.name().to_owned(),
        runs: searched.spent,
        sample: tuning.sample,
        parts_of_keys: tuning.part == Part::Keys,
        replications: repeat,
        fresh: tuning.fresh,
        rounds: finals.rounds,
        recorded: matches!(player.runs, Runs::Recorded(_)),
        refused: searched.refused.0,
        refused_why: searched.refused.1.clone(),
        tried: tried(player, searched),
        finalists: finalists.collect(),
        baseline: Finalist {
            values: Vec::new(),
            objective: finals.baseline.objective,
            in_trials: None,
            gain: None,
            like_winner: winner.is_some_and(|winner| {
                against(&finals.baseline, winner)
                    .is_some_and(|gain| gain.is_indistinguishable_from_zero() == Some(true))
            }),
            constraints: kept(&tuning.constraints, &finals.baseline.runs),
            violation: finals.baseline.violation,
            drills: Vec::new(),
        },
        winner: finals.winner,
        ended: ended(winner, &finals.baseline, winner.and_then(|winner| against(winner, &finals.baseline))),
        flat,
    }
}

fn ended(winner: Option<&Came>, baseline: &Came, gain: Option<Estimate>) -> Ended {
    if winner.is_none() {
        return Ended::NoneKeeps;
    }
    if baseline.violation > 0.0 || baseline.objective.is_none() {
        return Ended::Keeps;
    }
    match gain {
        Some(gain) if gain.is_indistinguishable_from_zero() == Some(false) => {
            if gain.mean > 0.0 {
                Ended::Better
            } else {
                Ended::Worse
            }
        }
        _ => Ended::Indistinguishable,
    }
}

fn kept(gates: &[Gate], runs: &Replications) -> Vec<Kept> {
    let one = |gate: &Gate| {
        let checked = gate.check(runs);
        let ends = runs.estimate(|run| gate.metric.of_run(run)).and_then(|estimate| estimate.interval);
        Kept {
            target: written(gate),
            value: checked.value,
            low: ends.map(|ends| ends.low),
            high: ends.map(|ends| ends.high),
            kept: checked.pass,
        }
    };
    gates.iter().map(one).collect()
}

fn tried(player: &Player<'_>, searched: &Searched) -> Vec<Tried> {
    let metric = |name: &str, runs: &Replications| Metric::named(name).and_then(|metric| metric.of(runs));
    let costs: Vec<Option<[f64; 3]>> = searched
        .tried
        .iter()
        .map(|attempt| {
            let runs = &attempt.came.runs;
            let sound = attempt.share >= 1.0 && attempt.came.violation <= 0.0;
            let loss = attempt.came.loss(player.tuning.objective);
            sound.then(|| Some([loss, metric("memory", runs)?, metric("origin_rate", runs)?]))?
        })
        .collect();
    let dominated = |cost: &[f64; 3]| {
        costs.iter().flatten().any(|other| {
            let pairs = || other.iter().zip(cost);
            pairs().all(|(other, own)| other <= own) && pairs().any(|(other, own)| other < own)
        })
    };
    let all = searched.tried.iter().zip(&costs).map(|(attempt, cost)| Tried {
        values: attempt.values.clone(),
        share: attempt.share,
        objective: attempt.came.objective,
        violation: attempt.came.violation,
        memory: metric("memory", &attempt.came.runs),
        origin_rate: metric("origin_rate", &attempt.came.runs),
        on_pareto_front: cost.as_ref().is_some_and(|cost| !dominated(cost)),
    });
    all.collect()
}
