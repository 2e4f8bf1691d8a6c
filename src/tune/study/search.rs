//! The trials: what the sampler proposes is played until the budget is spent.

use std::collections::BTreeMap;

use toml::Value;

use super::play::{Came, Player};
use super::{Budget, Unfinished, Watch};
use crate::search::{Point, Proposal, Setup, Trial};

/// So many settings are played side by side, whatever the threads: a search looks at the clock in between.
const ROUND: usize = 8;
/// After so many rounds without anything new the space is taken to be exhausted.
const VAIN: u32 = 50;

/// What the trials left.
pub(super) struct Searched {
    /// Every setting that was played, in order; each once for each share.
    pub(super) tried: Vec<Attempt>,
    /// Whole traces that were played for each replication.
    pub(super) spent: f64,
    /// Settings that make no scenario, with the first reason.
    pub(super) refused: (usize, Option<String>),
}

/// A setting that was played.
pub(super) struct Attempt {
    pub(super) point: Point,
    pub(super) values: Vec<Value>,
    pub(super) share: f64,
    pub(super) came: Came,
}

/// What is already known of values on a share of the trace: the violation and the loss.
type Known = BTreeMap<(String, u64), (f64, f64)>;

pub(super) fn search(player: &Player<'_>, budget: Budget, watch: &dyn Watch) -> Result<Searched, Unfinished> {
    let setup = player.tuning.setup();
    let runs = setup.runs.filter(|_| budget == Budget::Runs);
    let mut sampler = player.tuning.sampler.make(&Setup { runs, lead: player.lead(), ..setup })?;
    let mut searched = Searched { tried: Vec::new(), spent: 0.0, refused: (0, None) };
    let (mut seen, mut known, mut vain) = (Vec::new(), Known::new(), 0);
    'trials: while vain < VAIN {
        let proposals = sampler.propose(&seen);
        if proposals.is_empty() {
            break;
        }
        let before = searched.spent;
        for round in proposals.chunks(ROUND) {
            let room = runs.map(|runs| f64::from(runs) - searched.spent);
            if budget == Budget::Time && watch.is_over() {
                break 'trials;
            }
            if !played(player, round, room, &mut searched, &mut seen, &mut known)? {
                break 'trials;
            }
        }
        vain = if searched.spent > before { 0 } else { vain + 1 };
    }
    if searched.tried.is_empty() {
        return Err(match searched.refused.1 {
            Some(why) => Unfinished::NonePlayed(why),
            None => Unfinished::TooShort,
        });
    }
    Ok(searched)
}

/// Plays one round; false once the room does not hold all of it.
fn played(
    player: &Player<'_>,
    round: &[Proposal],
    room: Option<f64>,
    searched: &mut Searched,
    seen: &mut Vec<Trial>,
    known: &mut Known,
) -> Result<bool, Unfinished> {
    let share = round[0].share;
    let prepared = player.prepared(share)?;
    let settings: Vec<_> = round.iter().map(|proposal| player.setting(proposal.point.clone())).collect();
    let key = |values: &[Value]| (format!("{values:?}"), share.to_bits());
    let mut fresh = Vec::new();
    for setting in &settings {
        let is_new = !known.contains_key(&key(&setting.values))
            && !fresh.iter().any(|other: &&super::play::Setting| other.values == setting.values);
        if is_new {
            fresh.push(setting);
        }
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "no more than there are")]
    let fits = room.map_or(fresh.len(), |room| ((room + 1e-9) / prepared.cost).max(0.0).floor() as usize);
    let all_fit = fits >= fresh.len();
    fresh.truncate(fits);
    let objective = player.tuning.objective;
    for (setting, runs) in fresh.iter().zip(player.play(&fresh, &prepared.meetings)?) {
        let outcome = match runs {
            Ok(runs) => {
                let came = player.came(Some(setting), runs, &prepared.baseline);
                let outcome = (came.violation, came.loss(objective));
                let (point, values) = (setting.point.clone(), setting.values.clone());
                searched.tried.push(Attempt { point, values, share, came });
                searched.spent += prepared.cost;
                outcome
            }
            Err(why) => {
                searched.refused.0 += 1;
                searched.refused.1.get_or_insert(why);
                (f64::INFINITY, f64::INFINITY)
            }
        };
        known.insert(key(&setting.values), outcome);
    }
    for (setting, proposal) in settings.iter().zip(round) {
        if let Some(&(violation, loss)) = known.get(&key(&setting.values)) {
            seen.push(Trial { proposal: proposal.clone(), violation, loss });
        }
    }
    Ok(all_fit)
}
