//! How flat the optimum is: what becomes of the objective when one parameter moves and the others stay.

use super::Unfinished;
use super::finals::gain;
use super::play::{Came, Player, Setting};
use super::result::{Flatness, Move};
use crate::search::{Domain, Point};

/// How far a range is moved, as a part of it in its own scale.
const STEP: f64 = 0.25;
/// Other choices that are looked at, at most.
const CHOICES: u32 = 4;
/// A change of the objective by less than this share of it is called none.
const NEGLIGIBLE: f64 = 0.01;

/// Moves every parameter away from `point`, one at a time, on the seeds of the search.
pub(super) fn around(player: &Player<'_>, point: &Point) -> Result<Vec<Flatness>, Unfinished> {
    let prepared = player.prepared(1.0)?;
    let mut settings = vec![player.setting(point.clone())];
    let mut axes = vec![0];
    for (axis, vary) in player.tuning.vary.iter().enumerate() {
        for moved in moves(vary.domain(), point[axis]) {
            let mut other = point.clone();
            other[axis] = moved;
            let setting = player.setting(other);
            if setting.values[axis] != settings[0].values[axis] {
                settings.push(setting);
                axes.push(axis);
            }
        }
    }
    let all: Vec<&Setting> = settings.iter().collect();
    let mut played = player.play(&all, &prepared.meetings)?.into_iter();
    let here = played.next().expect("the point itself").map_err(Unfinished::NonePlayed)?;
    let here = player.came(Some(&settings[0]), here, &prepared.baseline);
    let mut flat: Vec<Flatness> = (player.tuning.vary.iter())
        .map(|vary| Flatness { path: vary.path.to_string(), hardly_matters: true, moves: Vec::new() })
        .collect();
    for ((axis, setting), runs) in axes.iter().zip(&settings).skip(1).zip(played) {
        // A move that makes no scenario says nothing of how flat it is.
        let Ok(runs) = runs else { continue };
        let came = player.came(Some(setting), runs, &prepared.baseline);
        let one = compared(player, setting.values[*axis].clone(), &here, &came);
        flat[*axis].hardly_matters &= one.is_negligible;
        flat[*axis].moves.push(one);
    }
    Ok(flat)
}

fn compared(player: &Player<'_>, to: toml::Value, here: &Came, there: &Came) -> Move {
    let gain = gain(player.tuning.objective.better(), &there.by_run, &here.by_run, 1);
    let scale = here.objective.map(f64::abs).filter(|scale| *scale > 0.0);
    let relative = gain.zip(scale).map(|(gain, scale)| gain.mean / scale);
    let indistinguishable = gain.and_then(|gain| gain.is_indistinguishable_from_zero()).unwrap_or(false);
    let small = gain.is_some_and(|gain| gain.mean.abs() <= scale.unwrap_or(0.0) * NEGLIGIBLE);
    let misses = there.violation > 0.0;
    Move {
        to,
        gain: gain.map(|gain| gain.mean),
        relative,
        misses,
        is_negligible: !misses && (indistinguishable || small),
    }
}

/// Where a coordinate is moved to.
fn moves(domain: Domain, at: f64) -> Vec<f64> {
    match domain {
        Domain::Range { .. } => [at - STEP, at + STEP].map(|moved| domain.snapped(moved)).to_vec(),
        Domain::Choice { count } => (0..count)
            .map(f64::from)
            .filter(|other| (other - at).abs() > 0.5)
            .take(CHOICES as usize)
            .collect(),
    }
}
