//! Growth: month by month the scenario with more traffic and a larger catalogue, on today's memory; and the memory that
//! is needed in the months in which that no longer meets every target.

use std::collections::{BTreeMap, BTreeSet};

use super::size::{probe, sized};
use super::{CellPlan, CellRun, Failure, Probe, Progress, Runs, Sized, Sizing, grid, run};
use crate::catalog::Fault;
use crate::scenario::growth::{Growth, Ungrown};
use crate::scenario::{Scenario, Source};
use crate::score::{Gate, Replications};

/// One month on today's memory.
#[derive(Debug, Clone, PartialEq)]
pub struct Month {
    /// Months from today, which is 0.
    pub month: u32,
    /// Requests, as a multiple of today's.
    pub traffic: f64,
    /// Images, as a multiple of today's.
    pub catalogue: f64,
    /// By cell of the grid; or why one could not be simulated.
    pub cells: Vec<Result<Probe, String>>,
}

/// How long a target holds in a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lasts {
    /// The first month in which it is missed; `None` where it holds to the end.
    pub fails: Option<u32>,
    /// The first month in which it would be missed if its measure lay at the worse end of its interval.
    pub may_fail: Option<u32>,
    /// The first month in which it would be missed even at the better end.
    pub surely_fails: Option<u32>,
    /// Whether a later month meets it again.
    pub returns: bool,
}

/// The memory that a strategy needs in a month.
#[derive(Debug, Clone, PartialEq)]
pub struct Needed {
    /// Which month.
    pub month: u32,
    /// The smallest limit that meets every target, or what comes nearest.
    pub sized: Sized,
}

/// What growth does to the cells of a scenario.
#[derive(Debug, Clone, PartialEq)]
pub struct Grown {
    /// The cells: today's limits.
    pub plans: Vec<CellPlan>,
    /// The months, from today on.
    pub months: Vec<Month>,
    /// By cell, and within it by target.
    pub lasts: Vec<Vec<Lasts>>,
    /// What is needed where today's memory no longer is enough: in the month in which a cell first misses a target, and
    /// in the last; by strategy and eviction policy, months in their order.
    pub needed: Vec<Needed>,
}

/// Why there is no answer.
#[derive(Debug)]
pub enum NoGrowth {
    /// The scenario cannot be grown.
    Ungrown(Ungrown),
    /// Something cannot be; with its place in the scenario.
    Wrong(Fault),
    /// It was stopped.
    Stopped,
}

impl From<Ungrown> for NoGrowth {
    fn from(ungrown: Ungrown) -> Self {
        Self::Ungrown(ungrown)
    }
}

impl From<Fault> for NoGrowth {
    fn from(fault: Fault) -> Self {
        Self::Wrong(fault)
    }
}

/// Plays every month up to `growth.months` on rayon's current pool, each on the scenario's seeds; then looks for the memory
/// that is needed where a target is missed, to the multiple of `step` bytes.
///
/// # Errors
/// If the scenario plays a recording, if there is more of it by some month than can be simulated, or if it was stopped.
pub fn growth(
    scenario: &Scenario,
    growth: &Growth,
    step: Option<u64>,
    progress: &dyn Progress,
) -> Result<Grown, NoGrowth> {
    let plans = grid(scenario);
    // What cannot be is found out before anything runs.
    scenario.grown(growth, growth.months)?;
    let mut months = Vec::new();
    for month in 0..=growth.months {
        let grown = scenario.grown(growth, month)?;
        let played = run(&grown, &plans, &runs(&grown), progress)?.cells;
        let prices = scenario.judgement.rules.prices.as_ref();
        let seen = |cell: CellRun| -> Result<Result<Probe, String>, NoGrowth> {
            Ok(match finished(cell.replications)? {
                Ok(runs) => Ok(probe(cell.plan.capacity, &runs, &growth.targets, prices)),
                Err(why) => Err(why),
            })
        };
        let (traffic, catalogue) = growth.factors(month);
        let cells = played.into_iter().map(seen).collect::<Result<_, _>>()?;
        months.push(Month { month, traffic, catalogue, cells });
    }
    let lasts: Vec<Vec<Lasts>> = (0..plans.len())
        .map(|cell| {
            let of = |(place, target): (usize, &Gate)| lasts(&months, cell, place, target);
            growth.targets.iter().enumerate().map(of).collect()
        })
        .collect();
    let needed = needed(scenario, growth, step, &wanted(&plans, &lasts, growth.months), progress)?;
    Ok(Grown { plans, months, lasts, needed })
}

/// The requests of a scenario that was grown, and so makes them itself.
fn runs(grown: &Scenario) -> Runs {
    match &grown.source {
        Source::Synthetic(workload) => Runs::Synthetic(std::sync::Arc::clone(workload)),
        Source::Recorded(_) => unreachable!("a recording is not grown"),
    }
}

/// The replications of a cell, or why one broke off.
fn finished(
    replications: Vec<Result<crate::metrics::Measurements, Failure>>,
) -> Result<Result<Replications, String>, NoGrowth> {
    let mut runs = Vec::new();
    for (number, run) in (0..).zip(replications) {
        match run {
            Ok(run) => runs.push((number, run)),
            Err(Failure::Stopped) => return Err(NoGrowth::Stopped),
            Err(Failure::Broken(why)) => return Ok(Err(why)),
        }
    }
    Ok(Ok(runs.into_iter().collect()))
}

/// How long a target holds in a cell.
fn lasts(months: &[Month], cell: usize, place: usize, target: &Gate) -> Lasts {
    let held = |month: &Month| Some(month.cells[cell].as_ref().ok()?.targets[place]);
    let first = |misses: &dyn Fn(&super::Held) -> bool| {
        months.iter().find(|month| held(month).is_some_and(|held| misses(&held))).map(|month| month.month)
    };
    let fails = first(&|held| !held.met);
    let after = months.iter().filter(|month| fails.is_some_and(|fails| month.month > fails));
    let returns = after.filter_map(held).any(|held| held.met);
    Lasts {
        fails,
        may_fail: first(&|held| !held.would_be_met(target, false)),
        surely_fails: first(&|held| !held.would_be_met(target, true)),
        returns,
    }
}

/// In which months memory is looked for, by strategy and eviction policy.
fn wanted(plans: &[CellPlan], lasts: &[Vec<Lasts>], last: u32) -> BTreeMap<u32, Vec<(usize, usize)>> {
    let mut wanted: BTreeMap<u32, BTreeSet<(usize, usize)>> = BTreeMap::new();
    for (plan, lasts) in plans.iter().zip(lasts) {
        let pair = (plan.strategy, plan.eviction);
        for month in lasts.iter().filter_map(|lasts| lasts.fails) {
            wanted.entry(month).or_default().insert(pair);
            wanted.entry(last).or_default().insert(pair);
        }
    }
    wanted.into_iter().map(|(month, pairs)| (month, pairs.into_iter().collect())).collect()
}

fn needed(
    scenario: &Scenario,
    growth: &Growth,
    step: Option<u64>,
    wanted: &BTreeMap<u32, Vec<(usize, usize)>>,
    progress: &dyn Progress,
) -> Result<Vec<Needed>, NoGrowth> {
    let mut all = Vec::new();
    for (&month, pairs) in wanted {
        let grown = scenario.grown(growth, month)?;
        let sizing = Sizing::of(&grown, pairs, growth.targets.clone(), step);
        let Some(sizing) = sized(&grown, &runs(&grown), sizing, progress)? else {
            return Err(NoGrowth::Stopped);
        };
        all.extend(sizing.answers().into_iter().map(|sized| Needed { month, sized }));
    }
    all.sort_by_key(|needed| (needed.sized.strategy, needed.sized.eviction, needed.month));
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::Capacity;
    use crate::score::targets;
    use crate::tune::Answer;

    const TEXT: &str = r#"
        name = "t"
        repeat = 2
        [time]
        warmup = "5m"
        [workload]
        duration = "15m"
        rate = "20/s"
        class = [{ name = "a", objects = 200, popularity = { model = "zipf", alpha = 0.6 }, size = { model = "constant", value = "1KiB" } }]
        [origin]
        latency = { model = "constant", value = "50ms" }
        [cache]
        capacity = "140KiB"
        [[strategy]]
        name = "s"
        ttl = "none"
        [growth]
        catalogue = 0.2
        months = 4
    "#;

    fn grown(wanted: &str) -> (Scenario, Grown) {
        let scenario = Scenario::parse(TEXT, "t.toml").unwrap_or_else(|error| panic!("{error}"));
        let mut plan = scenario.growth.clone().unwrap();
        plan.targets = targets(wanted).unwrap();
        let grown = growth(&scenario, &plan, Some(1_024), &()).unwrap();
        (scenario, grown)
    }

    /// Each month is what `run` says of the scenario with that growth written in, and the need is what `size` says.
    #[test]
    fn a_month_is_the_scenario_that_one_would_write_for_it() {
        let (scenario, grown) = grown("hit >= 0.72");
        for month in &grown.months {
            let factor = 1.2_f64.powi(i32::try_from(month.month).unwrap());
            let text = TEXT
                .replace("rate = \"20/s\"", &format!("rate = \"20/s\"\ngrow = {{ catalogue = {factor:?} }}"));
            let by_hand = Scenario::parse(&text, "t.toml").unwrap();
            let mut cells = run(&by_hand, &grid(&by_hand), &runs(&by_hand), &()).unwrap().cells;
            let seen = finished(cells.remove(0).replications).unwrap().unwrap();
            let hit = seen.mean(crate::score::rates::hit);
            assert_eq!(month.cells[0].as_ref().unwrap().hit, hit, "month {}", month.month);
        }
        let lasts = grown.lasts[0][0];
        let fails = lasts.fails.expect("the catalogue doubles");
        assert!((1..=4).contains(&fails), "{lasts:?}");
        assert!(lasts.may_fail <= Some(fails), "{lasts:?}");
        let met: Vec<bool> =
            grown.months.iter().map(|month| month.cells[0].as_ref().unwrap().passes()).collect();
        assert_eq!(met.iter().position(|met| !met), Some(fails as usize));
        let months: Vec<u32> = grown.needed.iter().map(|needed| needed.month).collect();
        assert_eq!(months, if fails == 4 { vec![4] } else { vec![fails, 4] });
        let limits: Vec<u64> = grown
            .needed
            .iter()
            .map(|needed| match &needed.sized.answer {
                Answer::Smallest { probe, .. } => match probe.capacity {
                    Capacity::Bytes(bytes) => bytes,
                    _ => panic!("a limit of bytes"),
                },
                other => panic!("{other:?}"),
            })
            .collect();
        assert!(limits[0] > 140 * 1_024 && limits.is_sorted(), "{limits:?}");
        let then = scenario.grown(scenario.growth.as_ref().unwrap(), fails).unwrap();
        let alone = Sizing::new(&then, targets("hit >= 0.72").unwrap(), Some(1_024));
        let alone = sized(&then, &runs(&then), alone, &()).unwrap().unwrap().answers();
        assert_eq!(alone[0], grown.needed[0].sized);
    }

    #[test]
    fn what_holds_to_the_end_needs_nothing_and_what_no_memory_mends_says_so() {
        let (_, held) = grown("hit >= 0.1");
        assert_eq!((held.lasts[0][0], held.needed.len()), (Lasts::default(), 0));
        // What is hit must be held.
        let (_, never) = grown("hit >= 0.5, peak_memory <= 1KiB");
        assert_eq!(never.lasts[0][1].fails, Some(0));
        assert!(never.needed.iter().all(|needed| matches!(needed.sized.answer, Answer::Unmet { .. })));
    }
}
