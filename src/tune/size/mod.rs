//! How much memory is enough: for every strategy, the smallest limit of bytes that meets every target.
//!
//! Limits are multiples of a step. The most that a strategy can use is what it holds without a limit. Between nothing and
//! that, limits are tried that lie evenly on a logarithmic scale; the gap below the smallest that meets the targets is
//! then halved until the limit just below it is known to miss one. Where none meets all, but one meets what the next misses and
//! the other way round, the gap between them is halved. More memory is not always better: an object that is larger than a
//! small cache leaves it in peace, and a scan that a larger cache admits empties it. Where two limits show that, because
//! the larger has fewer hits or misses what the smaller meets, every limit below the smallest one known is tried, up to
//! 96 at a time, and the answer says so.

mod probe;
mod search;
#[cfg(test)]
mod tests;

pub(super) use probe::probe;
pub use probe::{Held, Probe};

use self::search::Search;
use super::{CellPlan, CellRun, Failure, Progress, Runs, run};
use crate::catalog::Fault;
use crate::scenario::Scenario;
use crate::score::{Gate, Prices, Replications};

/// How much memory one strategy needs.
#[derive(Debug, Clone, PartialEq)]
pub struct Sized {
    /// Which of the scenario's strategies.
    pub strategy: usize,
    /// Which of its eviction policies.
    pub eviction: usize,
    /// What was found.
    pub answer: Answer,
    /// A limit and a larger one that does worse, if any showed.
    pub not_monotone: Option<Fall>,
    /// How many limits were simulated.
    pub tried: usize,
}

/// Two limits that show that more memory is not always better.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fall {
    /// Name of the metric that is worse with more memory.
    pub metric: &'static str,
    /// The smaller limit, in bytes.
    pub smaller: u64,
    /// The larger limit, in bytes.
    pub larger: u64,
    /// The metric at the smaller limit, in its unit.
    pub before: f64,
    /// The metric at the larger limit.
    pub after: f64,
}

/// What was found for one strategy.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// Every target is met without a cache.
    NoCacheNeeded(Probe),
    /// The smallest limit that meets every target.
    Smallest {
        /// What was seen there.
        probe: Probe,
        /// The smallest limits that meet the targets if every measure lies at the better and at the worse end of its
        /// interval; the second is `None` where no limit is enough then. Equal to the limit without replications.
        interval: (u64, Option<u64>),
        /// The targets that the next smaller limit misses.
        binding: Vec<usize>,
    },
    /// No limit meets every target.
    Unmet {
        /// The limit that comes nearest: which leaves fewest targets without data, and misses the worst of the others by the
        /// smallest share.
        nearest: Probe,
        /// The targets that it misses.
        missed: Vec<usize>,
    },
    /// It could not be simulated, with the reason.
    Failed(String),
}

/// The search over all strategies of a scenario. Ask [`Sizing::wants`], run that, tell [`Sizing::learn`], until nothing
/// is wanted.
#[derive(Debug)]
pub struct Sizing {
    targets: Vec<Gate>,
    prices: Option<Prices>,
    step: Option<u64>,
    searches: Vec<Search>,
}

impl Sizing {
    /// A search for the smallest limits that meet `targets`, to the multiple of `step` bytes; without a step, to about
    /// 0.4 % of what each strategy holds without a limit. Policies that see what no real cache could see are left out: nobody
    /// can buy memory for them.
    ///
    /// # Panics
    /// For a step of 0 bytes.
    pub fn new(scenario: &Scenario, targets: Vec<Gate>, step: Option<u64>) -> Self {
        let policies = scenario.cache.evictions.iter().enumerate();
        let real: Vec<usize> =
            policies.filter(|(_, policy)| !policy.about().oracle).map(|(at, _)| at).collect();
        let pairs = (0..scenario.strategies.len())
            .flat_map(|strategy| real.iter().map(move |eviction| (strategy, *eviction)));
        Self::of(scenario, &pairs.collect::<Vec<_>>(), targets, step)
    }

    /// The same for some pairs of strategy and eviction policy alone.
    ///
    /// # Panics
    /// For a step of 0 bytes.
    pub fn of(scenario: &Scenario, pairs: &[(usize, usize)], targets: Vec<Gate>, step: Option<u64>) -> Self {
        assert!(step != Some(0), "a step of nothing leads nowhere");
        let searches = pairs.iter().map(|&(strategy, eviction)| Search::new(strategy, eviction)).collect();
        Self { targets, prices: scenario.judgement.rules.prices.clone(), step, searches }
    }

    /// The targets, in their order.
    pub fn targets(&self) -> &[Gate] {
        &self.targets
    }

    /// The cells to simulate next; none when every strategy has its answer.
    pub fn wants(&self) -> Vec<CellPlan> {
        let of = |search: &Search| {
            let (strategy, eviction) = (search.strategy, search.eviction);
            search.wants(&self.targets).into_iter().map(move |capacity| CellPlan {
                strategy,
                eviction,
                capacity,
            })
        };
        self.searches.iter().flat_map(of).collect()
    }

    /// Takes what came out of cells that were wanted.
    ///
    /// # Errors
    /// [`Failure::Stopped`] if they were stopped. A cell that broke off ends the search of its strategy alone.
    pub fn learn(&mut self, cells: Vec<CellRun>) -> Result<(), Failure> {
        for cell in cells {
            let CellPlan { strategy, eviction, capacity } = cell.plan;
            let of = |search: &&mut Search| (search.strategy, search.eviction) == (strategy, eviction);
            let Some(search) = self.searches.iter_mut().find(of) else { continue };
            let mut runs = Vec::new();
            for (number, run) in (0..).zip(cell.replications) {
                match run {
                    Ok(run) => runs.push((number, run)),
                    Err(Failure::Stopped) => return Err(Failure::Stopped),
                    Err(Failure::Broken(why)) => search.failed = Some(why),
                }
            }
            let runs: Replications = runs.into_iter().collect();
            search.learn(
                probe(capacity, &runs, &self.targets, self.prices.as_ref()),
                &runs,
                self.step,
                &self.targets,
            );
        }
        Ok(())
    }

    /// The answers, in the order of the scenario.
    ///
    /// # Panics
    /// While cells are still wanted.
    pub fn answers(&self) -> Vec<Sized> {
        self.searches.iter().map(|search| search.answer(&self.targets)).collect()
    }
}

/// Simulates what a search wants on rayon's current pool, until it has its answers; `None` if it was stopped.
pub(super) fn sized(
    scenario: &Scenario,
    runs: &Runs,
    mut sizing: Sizing,
    progress: &dyn Progress,
) -> Result<Option<Sizing>, Fault> {
    loop {
        let cells = sizing.wants();
        if cells.is_empty() {
            return Ok(Some(sizing));
        }
        let played = run(scenario, &cells, runs, progress)?;
        if sizing.learn(played.cells).is_err() {
            return Ok(None);
        }
    }
}
