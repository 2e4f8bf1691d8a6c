//! The search of `[tune]`: settings are tried, the best are played again on fresh seeds, and what came of it is told.
//!
//! ```text
//! sampler ─▶ settings ─▶ trials on the scenario's seeds ─▶ finalists on fresh seeds ─▶ winner, against the baseline
//! ```
//!
//! The best of many trials is also the luckiest of them. That is why the trials only choose the finalists: what is told of
//! these comes from seeds that no trial has met, and intervals are widened for the number of finalists.
//!
//! With a budget of runs the result depends on scenario and trace alone: settings are proposed in rounds of a fixed size
//! and results are ordered by their place, so that the number of threads changes nothing.

mod finals;
mod flat;
mod play;
mod result;
mod search;

pub use result::{Against, Drill, Ended, Finalist, Flatness, Kept, Move, Tried, Tuned};

use super::{Progress, Runs};
use crate::catalog::{Chosen, Fault, Item};
use crate::scenario::Scenario;
use crate::scenario::tune::Tuning;
use crate::search::{SAMPLERS, Sampler, Setup};
use play::Player;

/// Somebody who watches a search, and may say that it has taken long enough.
pub trait Watch: Progress {
    /// Whether trials should end now, and the finals begin. Without a limit of time, never.
    fn is_over(&self) -> bool {
        false
    }
}

impl Watch for () {}

/// How long trials go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Budget {
    /// So many whole traces, as the scenario says.
    Runs,
    /// Until [`Watch::is_over`]; how many trials that are depends on the machine.
    Time,
}

/// Why a search has no result.
#[derive(Debug)]
pub enum Unfinished {
    /// Something cannot be; with its place in the scenario.
    Wrong(Fault),
    /// It was stopped.
    Stopped,
    /// The time was over before one setting had been played.
    TooShort,
    /// No setting could be played; the first reason.
    NonePlayed(String),
    /// Finalists are to be drilled, and the trace is too short for that, in words.
    NoDrill(String),
}

impl From<Fault> for Unfinished {
    fn from(fault: Fault) -> Self {
        Self::Wrong(fault)
    }
}

/// Searches for the best settings of a scenario's `[tune]` on rayon's current pool.
///
/// # Errors
/// If a part of the scenario cannot be made for this trace, if the budget is not enough for a single setting, or if it
/// was stopped.
///
/// # Panics
/// If the scenario has no `[tune]`.
pub fn tune(
    scenario: &Scenario,
    runs: &Runs,
    budget: Budget,
    watch: &dyn Watch,
) -> Result<Tuned, Unfinished> {
    let tuning: &Tuning = scenario.tune.as_ref().expect("only a scenario with [tune] is searched");
    let player = Player::new(scenario, tuning, runs, watch)?;
    player.check_drills()?;
    let searched = search::search(&player, budget, watch)?;
    let finals = finals::finals(&player, &searched)?;
    let flat = match finals.winner {
        Some(winner) => flat::around(&player, &finals.finalists[winner].point)?,
        None => Vec::new(),
    };
    Ok(result::told(&player, &searched, &finals, flat))
}

/// The sampler of this name with its defaults, as the command line may ask.
///
/// # Errors
/// If there is none, with what there is.
pub fn sampler(name: &str) -> Result<Chosen<dyn Sampler, Setup>, Fault> {
    SAMPLERS.choose(Item::new(0..0, toml::de::DeValue::String(name.into())))
}
