//! How much memory is enough: for every strategy, the smallest limit of bytes that meets every target.
//!
//! Limits are multiples of a step. The most that a strategy can use is what it holds without a limit. Between nothing and
//! that, limits are tried that lie evenly on a logarithmic scale; the gap below the smallest that meets the targets is
//! then halved until the limit just below it is known to miss one. More memory is not always better: an object that is
//! larger than a small cache leaves it in peace, and a scan that a larger cache admits empties it. Where two limits show
//! that, every limit below the smallest one known is tried, or as many as [`THOROUGH`] allows, and the answer says so.

use std::collections::{BTreeMap, BTreeSet};

use super::{CellPlan, CellRun, Failure};
use crate::cache::Capacity;
use crate::scenario::Scenario;
use crate::score::{Bound, Estimate, Gate, Interval, MonthlyCost, Prices, Replications};

/// Tries on the logarithmic scale.
const GRID: u32 = 14;
/// So many limits or fewer are all tried.
const FEW: u64 = 24;
/// So many limits below the answer are tried where memory turned out not to be what always helps.
const THOROUGH: u64 = 96;
/// About so many steps lead to the most that a strategy can use, where nobody names a step.
const STEPS: u64 = 250;
/// No step is smaller where nobody names one.
const LEAST_STEP: u64 = 4_096;

/// One target at one limit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Held {
    /// What came out; `None` without data.
    pub value: Option<f64>,
    /// Its 95 % interval over replications, where there are several.
    pub interval: Option<Interval>,
    /// Whether the target is met.
    pub met: bool,
}

/// What was seen at one limit.
#[derive(Debug, Clone, PartialEq)]
pub struct Probe {
    /// The limit.
    pub capacity: Capacity,
    /// By target.
    pub targets: Vec<Held>,
    /// Fresh and stale hits, of requests.
    pub hit: Option<f64>,
    /// Origin fetches a second.
    pub origin_rate: Option<f64>,
    /// What it costs a month, where the scenario names prices.
    pub cost: Option<MonthlyCost>,
}

impl Probe {
    /// Whether every target is met.
    pub fn passes(&self) -> bool {
        self.targets.iter().all(|held| held.met)
    }

    /// Whether every target would be met if each measure lay at one end of its interval: the better or the worse.
    fn would_pass(&self, targets: &[Gate], better: bool) -> bool {
        self.targets.iter().zip(targets).all(|(held, target)| {
            let Some(interval) = held.interval else { return held.met };
            let end = if (target.bound == Bound::Min) == better { interval.high } else { interval.low };
            match target.bound {
                Bound::Min => end >= target.limit,
                Bound::Max => end <= target.limit,
            }
        })
    }
}

/// How much memory one strategy needs.
#[derive(Debug, Clone, PartialEq)]
pub struct Sized {
    /// Which of the scenario's strategies.
    pub strategy: usize,
    /// Which of its eviction policies.
    pub eviction: usize,
    /// What was found.
    pub answer: Answer,
    /// A limit that meets the targets and a larger one that does not, if any showed.
    pub not_monotone: Option<(u64, u64)>,
    /// How many limits were simulated.
    pub tried: usize,
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
        /// The limit that comes nearest: whose worst target is missed by the smallest share.
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

/// The search for one strategy.
#[derive(Debug)]
struct Search {
    strategy: usize,
    eviction: usize,
    /// Limits are multiples of this; 0 until it is known.
    step: u64,
    /// In steps: what it holds without a limit.
    top: u64,
    unlimited: Option<Probe>,
    probes: BTreeMap<u64, Probe>,
    not_monotone: Option<(u64, u64)>,
    failed: Option<String>,
}

impl Sizing {
    /// A search for the smallest limits that meet `targets`, to the multiple of `step` bytes; without a step, to about
    /// 0.4 % of what each strategy holds without a limit.
    ///
    /// # Panics
    /// For a step of 0 bytes.
    pub fn new(scenario: &Scenario, targets: Vec<Gate>, step: Option<u64>) -> Self {
        assert!(step != Some(0), "a step of nothing leads nowhere");
        let pairs = (0..scenario.strategies.len()).flat_map(|strategy| {
            (0..scenario.cache.evictions.len()).map(move |eviction| (strategy, eviction))
        });
        let searches = pairs.map(|(strategy, eviction)| Search::new(strategy, eviction)).collect();
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

/// What the replications at a limit say of the targets.
fn probe(capacity: Capacity, runs: &Replications, targets: &[Gate], prices: Option<&Prices>) -> Probe {
    let held = |target: &Gate| {
        let checked = target.check(runs);
        let interval = target.metric.estimate(runs).and_then(|Estimate { interval, .. }| interval);
        Held { value: checked.value, interval, met: checked.pass }
    };
    let limit = match capacity {
        Capacity::Bytes(bytes) => Some(bytes),
        _ => None,
    };
    Probe {
        capacity,
        targets: targets.iter().map(held).collect(),
        hit: runs.mean(crate::score::rates::hit),
        origin_rate: runs.mean(crate::score::rates::origin_rate),
        cost: prices.and_then(|prices| prices.monthly(limit, runs)),
    }
}

/// A step that leads to `most` bytes in about [`STEPS`]: a power of two.
fn step_for(most: u64) -> u64 {
    (most / STEPS).max(LEAST_STEP).next_power_of_two()
}

impl Search {
    fn new(strategy: usize, eviction: usize) -> Self {
        let (unlimited, probes) = (None, BTreeMap::new());
        Self { strategy, eviction, step: 0, top: 0, unlimited, probes, not_monotone: None, failed: None }
    }

    fn capacity(&self, steps: u64) -> Capacity {
        // The least that a limit can be: nothing that anyone caches fits into a byte.
        Capacity::Bytes((steps * self.step).max(1))
    }

    fn wants(&self, targets: &[Gate]) -> Vec<Capacity> {
        if self.failed.is_some() {
            return Vec::new();
        }
        if self.unlimited.is_none() {
            return vec![Capacity::Unbounded];
        }
        self.open(targets).into_iter().map(|steps| self.capacity(steps)).collect()
    }

    /// The numbers of steps that are to be tried next.
    fn open(&self, targets: &[Gate]) -> BTreeSet<u64> {
        let known = |steps: &u64| self.probes.contains_key(steps);
        let first: BTreeSet<u64> = self.grid().into_iter().filter(|steps| !known(steps)).collect();
        if !first.is_empty() {
            return first;
        }
        if self.not_monotone.is_some() {
            let below = self.smallest(&Probe::passes).unwrap_or(self.top);
            let stride = below.div_ceil(THOROUGH).max(1);
            let more: BTreeSet<u64> = (1..below)
                .filter(|steps| steps.is_multiple_of(stride))
                .filter(|steps| !known(steps))
                .collect();
            if !more.is_empty() {
                return more;
            }
        }
        let better = |probe: &Probe| probe.would_pass(targets, true);
        let worse = |probe: &Probe| probe.would_pass(targets, false);
        [self.half(&Probe::passes), self.half(&better), self.half(&worse)].into_iter().flatten().collect()
    }

    /// Where the search begins: every limit if they are few, else some on a logarithmic scale; and no cache.
    fn grid(&self) -> BTreeSet<u64> {
        // A byte stands for no cache, unless limits are told apart by the byte.
        let least = u64::from(self.step == 1);
        if self.top <= FEW {
            return (least..=self.top).collect();
        }
        let top = self.top as f64;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 1 and the top")]
        let at = |place: u32| top.powf(f64::from(place) / f64::from(GRID)).round() as u64;
        (1..=GRID).map(at).chain([least, self.top, self.top * 3 / 4]).collect()
    }

    /// The smallest number of steps at which a probe passes.
    fn smallest(&self, passes: &dyn Fn(&Probe) -> bool) -> Option<u64> {
        self.probes.iter().find(|(_, probe)| passes(probe)).map(|(steps, _)| *steps)
    }

    /// Half way between the smallest that passes and the largest below it that does not; `None` where they are neighbours.
    fn half(&self, passes: &dyn Fn(&Probe) -> bool) -> Option<u64> {
        let smallest = self.smallest(passes)?;
        let below = self.probes.range(..smallest).next_back().map(|(steps, _)| *steps)?;
        (smallest - below > 1).then(|| below + (smallest - below) / 2)
    }

    fn learn(&mut self, probe: Probe, runs: &Replications, step: Option<u64>, targets: &[Gate]) {
        let Capacity::Bytes(bytes) = probe.capacity else {
            let most = runs.max(|run| run.memory.peak_bytes).max(1);
            self.step = step.unwrap_or_else(|| step_for(most));
            self.top = most.div_ceil(self.step);
            self.unlimited = Some(probe);
            return;
        };
        // A single byte stands for no steps at all.
        let steps = if bytes == 1 && self.step > 1 { 0 } else { bytes / self.step };
        self.probes.insert(steps, probe);
        self.not_monotone = self.not_monotone.or_else(|| self.fall(targets));
    }

    /// Two limits of which the larger misses, beyond doubt, a target that the smaller meets beyond doubt: one that more
    /// memory is expected to serve.
    fn fall(&self, targets: &[Gate]) -> Option<(u64, u64)> {
        let serves = |target: &&(usize, &Gate)| target.1.metric.is_served_by_memory();
        let served: Vec<(usize, &Gate)> = targets.iter().enumerate().filter(|t| serves(&t)).collect();
        let end = |held: &Held, better: bool, target: &Gate| {
            let interval = held.interval?;
            Some(if (target.bound == Bound::Min) == better { interval.high } else { interval.low })
        };
        let meets = |held: &Held, target: &Gate, better: bool| {
            let Some(value) = end(held, better, target).or(held.value) else { return false };
            if target.bound == Bound::Min { value >= target.limit } else { value <= target.limit }
        };
        for &(place, target) in &served {
            let surely_met = |probe: &Probe| meets(&probe.targets[place], target, false);
            let surely_missed = |probe: &Probe| !meets(&probe.targets[place], target, true);
            let first = self.probes.iter().find(|(steps, probe)| **steps > 0 && surely_met(probe));
            let Some((smaller, _)) = first else { continue };
            let later = self.probes.range(smaller + 1..).find(|(_, probe)| surely_missed(probe));
            if let Some((larger, _)) = later {
                return Some((smaller * self.step, larger * self.step));
            }
        }
        None
    }

    fn answer(&self, targets: &[Gate]) -> Sized {
        let tried = self.probes.len() + usize::from(self.unlimited.is_some());
        let (strategy, eviction, not_monotone) = (self.strategy, self.eviction, self.not_monotone);
        Sized { strategy, eviction, answer: self.found(targets), not_monotone, tried }
    }

    fn found(&self, targets: &[Gate]) -> Answer {
        if let Some(why) = &self.failed {
            return Answer::Failed(why.clone());
        }
        let missed = |probe: &Probe| {
            (0..targets.len()).filter(|&place| !probe.targets[place].met).collect::<Vec<usize>>()
        };
        let Some(steps) = self.smallest(&Probe::passes) else {
            let all = self.probes.values().chain(&self.unlimited);
            let nearest = all.min_by(|a, b| worst(a, targets).total_cmp(&worst(b, targets)));
            let nearest = nearest.expect("the answer is asked for after the search").clone();
            return Answer::Unmet { missed: missed(&nearest), nearest };
        };
        let probe = self.probes[&steps].clone();
        if steps == 0 {
            return Answer::NoCacheNeeded(probe);
        }
        let better = self.smallest(&|probe| probe.would_pass(targets, true)).unwrap_or(steps);
        let worse = self.smallest(&|probe| probe.would_pass(targets, false));
        let below = self.probes.range(..steps).next_back().map(|(_, probe)| missed(probe));
        Answer::Smallest {
            probe,
            interval: (better * self.step, worse.map(|steps| steps * self.step)),
            binding: below.unwrap_or_default(),
        }
    }
}

/// By which share the worst target is missed; 0 where all are met.
fn worst(probe: &Probe, targets: &[Gate]) -> f64 {
    let missed = |(held, target): (&Held, &Gate)| match held.value {
        _ if held.met => 0.0,
        None => f64::INFINITY,
        Some(value) => (value - target.limit).abs() / target.limit.abs().max(1e-12),
    };
    probe.targets.iter().zip(targets).map(missed).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::scenario::Source;
    use crate::score::targets;
    use crate::trace::{ClassId, Fact, Keys, ObjectId, Objects, Trace};
    use crate::tune::{Runs, run};
    use crate::units::{SimDuration, SimTime};

    /// Objects of these sizes, asked for in this order, a second apart, from an origin that takes no time.
    fn trace(sizes: &[u32], order: impl IntoIterator<Item = usize>) -> Runs {
        let fact = |&size: &u32| Fact { size, class: ClassId::default(), size_is_imputed: false };
        let objects = Objects::new(sizes.iter().map(fact).collect(), Keys::Numbered, vec!["other".into()]);
        let ids: Vec<ObjectId> = order.into_iter().map(ObjectId::from_index).collect();
        let at: Vec<SimTime> =
            (0..ids.len() as u64).map(|n| SimTime::ZERO + SimDuration::from_secs(n)).collect();
        let span = SimDuration::from_secs(ids.len() as u64);
        Runs::Recorded(Arc::new(Trace::new(at, ids, objects, span)))
    }

    fn recorded(eviction: &str) -> Scenario {
        let text = format!(
            "name = \"t\"\n[trace]\npath = \"x\"\nformat = \"csv\"\n[origin]\nlatency = {{ model = \"constant\", value = \"0s\" }}\n\
             [cache]\neviction = \"{eviction}\"\n[[strategy]]\nname = \"s\"\nttl = \"none\"\n"
        );
        Scenario::parse(&text, "t.toml").unwrap_or_else(|error| panic!("{error}"))
    }

    fn sized(scenario: &Scenario, runs: &Runs, wanted: &str, step: Option<u64>) -> Vec<Sized> {
        let mut sizing = Sizing::new(scenario, targets(wanted).unwrap(), step);
        loop {
            let cells = sizing.wants();
            if cells.is_empty() {
                return sizing.answers();
            }
            sizing.learn(run(scenario, &cells, runs, &()).unwrap().cells).unwrap();
        }
    }

    /// The smallest multiple of `step` that meets the targets, by trying every one.
    fn by_force(scenario: &Scenario, runs: &Runs, wanted: &str, step: u64, top: u64) -> Option<u64> {
        let targets = targets(wanted).unwrap();
        (0..=top).map(|steps| (steps * step).max(1)).find(|&bytes| {
            let plan = CellPlan { strategy: 0, eviction: 0, capacity: Capacity::Bytes(bytes) };
            let cell = run(scenario, &[plan], runs, &()).unwrap().cells.remove(0);
            let runs: Replications = (0..).zip(cell.replications.into_iter().map(Result::unwrap)).collect();
            targets.iter().all(|target| target.check(&runs).pass)
        })
    }

    fn smallest(sized: &Sized) -> Option<u64> {
        match &sized.answer {
            Answer::Smallest { probe: Probe { capacity: Capacity::Bytes(bytes), .. }, .. } => Some(*bytes),
            Answer::NoCacheNeeded(_) => Some(1),
            _ => None,
        }
    }

    /// A fixed shuffle of Zipf-like popularity over `objects`, without a generator.
    fn skewed(objects: usize, requests: usize) -> Vec<usize> {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut draw = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 11) as f64 / (1_u64 << 53) as f64
        };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "below the number of objects"
        )]
        let one = |u: f64| ((objects as f64).powf(u) - 1.0) as usize;
        (0..requests).map(|_| one(draw()).min(objects - 1)).collect()
    }

    #[test]
    fn the_smallest_limit_is_that_of_brute_force() {
        let sizes: Vec<u32> = (0..150).map(|n| 500 + 37 * (n % 40)).collect();
        let runs = trace(&sizes, skewed(150, 3_000));
        for eviction in ["lru", "fifo", "lfu"] {
            let scenario = recorded(eviction);
            for wanted in
                ["hit >= 0.3", "hit >= 0.62", "hit >= 0.9", "byte_hit >= 0.5, origin_rate <= 0.45/s"]
            {
                let step = 2_048;
                let total = sizes.iter().map(|size| u64::from(*size)).sum::<u64>();
                let exact = by_force(&scenario, &runs, wanted, step, total.div_ceil(step));
                let found = sized(&scenario, &runs, wanted, Some(step));
                assert_eq!(smallest(&found[0]), exact, "{eviction}, {wanted}: {found:?}");
                assert!(found[0].tried < 36, "{} of {} limits", found[0].tried, total.div_ceil(step));
            }
        }
    }

    #[test]
    fn the_binding_target_is_the_one_that_less_memory_misses() {
        let runs = trace(&[1_000; 60], skewed(60, 4_000));
        let found = sized(&recorded("lru"), &runs, "miss_cold <= 0.5, hit >= 0.8", Some(1_000));
        let Answer::Smallest { binding, interval, probe } = &found[0].answer else { panic!("{found:?}") };
        assert_eq!(binding, &[1]);
        // One recording has no interval.
        let Capacity::Bytes(bytes) = probe.capacity else { panic!("a limit of bytes") };
        assert_eq!(*interval, (bytes, Some(bytes)));
        assert_eq!(found[0].not_monotone, None);
    }

    /// An object of ten bytes that comes between any two requests for one of one byte: a cache of fewer than ten bytes
    /// leaves it out and always hits the small one, a cache of ten bytes holds either, one of eleven holds both.
    #[test]
    fn memory_that_does_harm_is_noticed_and_told() {
        let runs = trace(&[1, 10], (0..400).map(|n| n % 2));
        let scenario = recorded("lru");
        let found = sized(&scenario, &runs, "hit >= 0.45", Some(1));
        assert_eq!((smallest(&found[0]), found[0].not_monotone), (Some(1), Some((1, 10))), "{found:?}");
        // On a finer scale, where not every limit is tried at first; two large objects take turns, and harm is done from
        // the smaller one's size on until nearly everything fits.
        let runs = trace(&[1_000, 6_000, 5_000], (0..400).map(|n| [0, 1, 0, 2][n % 4]));
        for wanted in ["hit >= 0.45", "hit >= 0.9"] {
            let found = sized(&scenario, &runs, wanted, Some(100));
            assert_eq!(smallest(&found[0]), by_force(&scenario, &runs, wanted, 100, 120), "{wanted}");
        }
        let found = sized(&scenario, &runs, "hit >= 0.45", Some(100));
        assert!(found[0].not_monotone.is_some(), "{found:?}");
    }

    #[test]
    fn what_no_memory_reaches_names_what_comes_nearest_and_what_needs_none_says_so() {
        let runs = trace(&[1_000; 60], skewed(60, 300));
        let found = sized(&recorded("lru"), &runs, "hit >= 0.99, miss_evicted <= 0.5", Some(1_000));
        let Answer::Unmet { nearest, missed } = &found[0].answer else { panic!("{found:?}") };
        assert_eq!(missed, &[0]);
        let most = nearest.targets[0].value.unwrap();
        assert!((0.5..0.99).contains(&most), "cold misses are in the way: {most}");
        let found = sized(&recorded("lru"), &runs, "hit >= 0", Some(1_000));
        assert!(matches!(found[0].answer, Answer::NoCacheNeeded(_)), "{found:?}");
    }

    #[test]
    fn with_replications_the_limit_has_an_interval_that_holds_it() {
        let text = r#"
            name = "t"
            repeat = 4
            [workload]
            duration = "20m"
            rate = "20/s"
            class = [{ name = "a", objects = 400, popularity = { model = "zipf", alpha = 0.8 } }]
            [origin]
            latency = { model = "constant", value = "50ms" }
            [[strategy]]
            name = "s"
            ttl = { rule = "fixed", ttl = "10m" }
        "#;
        let scenario = Scenario::parse(text, "t.toml").unwrap_or_else(|error| panic!("{error}"));
        let Source::Synthetic(workload) = &scenario.source else { panic!("it is synthetic") };
        let runs = Runs::Synthetic(Arc::clone(workload));
        let found = sized(&scenario, &runs, "hit >= 0.7", None);
        let Answer::Smallest { probe, interval: (low, high), .. } = &found[0].answer else {
            panic!("{found:?}")
        };
        let Capacity::Bytes(bytes) = probe.capacity else { panic!("a limit of bytes") };
        let high = high.expect("there is enough memory for certainty");
        assert!(*low < bytes && bytes < high, "{low} < {bytes} < {high}");
        assert!(high - low < bytes / 2, "{low} to {high}");
    }
}
