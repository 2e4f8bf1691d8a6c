//! The search for the smallest limit of one strategy.

use std::collections::{BTreeMap, BTreeSet};

use super::probe::Probe;
use super::{Answer, Fall, Sized};
use crate::cache::Capacity;
use crate::score::{Better, Bound, Gate, Interval, Metric, Replications};

/// Tries on the logarithmic scale.
const GRID: u32 = 14;
/// So many limits or fewer are all tried.
const FEW: u64 = 24;
/// So many limits below the answer are tried where memory turned out not to be what always helps.
const THOROUGH: u64 = 96;
/// About so many steps lead to the most that a strategy can use, where nobody names a step.
const STEPS: u64 = 250;
/// A share that falls by less is called chance: no policy of eviction is free of such dents.
const DENT: f64 = 0.01;
/// No step is smaller where nobody names one.
const LEAST_STEP: u64 = 4_096;

/// The search for one strategy.
#[derive(Debug)]
pub(super) struct Search {
    pub(super) strategy: usize,
    pub(super) eviction: usize,
    /// Limits are multiples of this; 0 until it is known.
    step: u64,
    /// In steps: what it holds without a limit.
    top: u64,
    unlimited: Option<Probe>,
    probes: BTreeMap<u64, Probe>,
    not_monotone: Option<Fall>,
    pub(super) failed: Option<String>,
}

/// A step that leads to `most` bytes in about [`STEPS`]: a power of two.
fn step_for(most: u64) -> u64 {
    (most / STEPS).max(LEAST_STEP).next_power_of_two()
}

impl Search {
    pub(super) fn new(strategy: usize, eviction: usize) -> Self {
        let (unlimited, probes) = (None, BTreeMap::new());
        Self { strategy, eviction, step: 0, top: 0, unlimited, probes, not_monotone: None, failed: None }
    }

    fn capacity(&self, steps: u64) -> Capacity {
        // The least that a limit can be: nothing that anyone caches fits into a byte.
        Capacity::Bytes((steps * self.step).max(1))
    }

    pub(super) fn wants(&self, targets: &[Gate]) -> Vec<Capacity> {
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
        if self.smallest(&Probe::passes).is_none() {
            let between = self.between();
            if !between.is_empty() {
                return between;
            }
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

    /// Half way between neighbours of which each meets what the other misses: `hit >= 0.5, hit <= 0.6` may be met there.
    fn between(&self) -> BTreeSet<u64> {
        let pairs = self.probes.iter().zip(self.probes.iter().skip(1));
        let meet = |(a, b): (&Probe, &Probe)| a.targets.iter().zip(&b.targets).all(|(a, b)| a.met || b.met);
        pairs
            .filter(|((low, a), (high, b))| *high - *low > 1 && meet((a, b)))
            .map(|((low, _), (high, _))| low + (high - low) / 2)
            .collect()
    }

    pub(super) fn learn(&mut self, probe: Probe, runs: &Replications, step: Option<u64>, targets: &[Gate]) {
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

    /// Two limits of which the larger is worse than the smaller, beyond doubt, in what more memory should serve: it misses
    /// a target that the smaller meets, or has fewer hits.
    fn fall(&self, targets: &[Gate]) -> Option<Fall> {
        let served = |(_, target): &(usize, &Gate)| {
            let asked = if target.bound == Bound::Min { Better::Higher } else { Better::Lower };
            target.metric.is_served_by_memory() && target.metric.better == Some(asked)
        };
        let served: Vec<(usize, &Gate)> = targets.iter().enumerate().filter(served).collect();
        let crossed = served.iter().find_map(|&(place, target)| self.crossed(place, target));
        let shares = served.iter().filter(|(_, target)| target.metric.counts_hits());
        let shares = shares.map(|&(place, target)| {
            self.dented(target.metric, |probe| (probe.targets[place].value, probe.targets[place].interval))
        });
        // Hits decide what else memory serves, so a fall of theirs counts whatever is asked for.
        let hits = (!served.is_empty()).then(|| {
            let hit = Metric::named("hit").expect("it is in the list");
            self.dented(hit, |probe| (probe.hit, probe.hit_interval))
        });
        crossed.or_else(|| shares.chain(hits).flatten().next())
    }

    /// The limits that hold anything at all, with their bytes.
    fn limits(&self) -> impl Iterator<Item = (u64, &Probe)> {
        self.probes.iter().filter(|(steps, _)| **steps > 0).map(|(steps, probe)| (steps * self.step, probe))
    }

    /// Two limits of which the larger misses, beyond doubt, a target that the smaller meets beyond doubt.
    fn crossed(&self, place: usize, target: &Gate) -> Option<Fall> {
        let value = |probe: &Probe| probe.targets[place].value;
        let (smaller, met) =
            self.limits().find(|(_, probe)| probe.targets[place].would_be_met(target, false))?;
        let missed = |(bytes, probe): &(u64, &Probe)| {
            *bytes > smaller && !probe.targets[place].would_be_met(target, true)
        };
        let (larger, missed) = self.limits().find(missed)?;
        Some(Fall { metric: target.metric.name, smaller, larger, before: value(met)?, after: value(missed)? })
    }

    /// Two limits of which the larger has less, beyond doubt, of a share that should grow with memory.
    fn dented(
        &self,
        metric: &Metric,
        of: impl Fn(&Probe) -> (Option<f64>, Option<Interval>),
    ) -> Option<Fall> {
        let mut most: Option<(u64, f64, f64)> = None;
        for (larger, probe) in self.limits() {
            let (Some(after), interval) = of(probe) else { continue };
            let (low, high) = interval.map_or((after, after), |interval| (interval.low, interval.high));
            if let Some((smaller, before, surely)) = most
                && before - after > DENT
                && surely > high
            {
                return Some(Fall { metric: metric.name, smaller, larger, before, after });
            }
            if most.is_none_or(|(_, _, surely)| low > surely) {
                most = Some((larger, after, low));
            }
        }
        None
    }

    pub(super) fn answer(&self, targets: &[Gate]) -> Sized {
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
            let nearest = all.min_by(|a, b| {
                let ((without, worst), (others, other)) = (a.worst(targets), b.worst(targets));
                without.cmp(&others).then(worst.total_cmp(&other))
            });
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
