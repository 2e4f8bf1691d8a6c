//! Plays settings of a scenario over traces, and says what each came to.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rayon::prelude::*;
use toml::Value;

use super::{Unfinished, Watch};
use crate::cache::Capacity;
use crate::catalog::Fault;
use crate::engine::exact::recorded::Workspace;
use crate::metrics::Measurements;
use crate::random::Seed;
use crate::scenario::Scenario;
use crate::scenario::tune::{Objective, Part, Tuning};
use crate::scenario::vary::KeyPath;
use crate::score::{Better, Bound, Cell, Gate, Replications, Rules, judge};
use crate::search::Point;
use crate::trace::Trace;
use crate::trace::synth::generate;
use crate::tune::run::one;
use crate::tune::sampled::{Extent, Portion, Sampling};
use crate::tune::simulation::{refuse_timeless, replication_seed, simulation};
use crate::tune::{CellPlan, DrilledCell, Failure, NoDrill, Progress, Runs, drill, grid};
use crate::units::SimDuration;

/// What a constraint without data is missed by.
const NO_DATA: f64 = 1e6;

/// What is played with the chance of one replication.
pub(super) type Meeting = (Seed, Portion);

/// Far from the seeds that anybody writes.
const DRILL_SEEDS: u64 = 0x9e37_79b9_7f4a_7c15;

/// Passes progress and the wish to stop on to whoever watches a search.
struct Quietly<'w>(&'w dyn Watch);

impl Progress for Quietly<'_> {
    fn advanced(&self, requests: u64) {
        self.0.advanced(requests);
    }

    fn run_done(&self) {
        self.0.run_done();
    }

    fn stop(&self) -> bool {
        self.0.stop()
    }
}

/// Plays settings.
pub(super) struct Player<'p> {
    pub(super) scenario: &'p Scenario,
    pub(super) tuning: &'p Tuning,
    pub(super) runs: &'p Runs,
    watch: &'p dyn Watch,
    /// The traces of the search, and the baseline on them, by the share that is played.
    prepared: Mutex<BTreeMap<u64, Arc<Prepared>>>,
    /// The whole traces of the search.
    wholes: OnceLock<Vec<(Seed, Arc<Trace>)>>,
    /// What plays without a clock use again.
    workspace: Workspace,
}

/// Traces, with the baseline on them.
pub(super) struct Prepared {
    pub(super) meetings: Vec<Meeting>,
    pub(super) baseline: Replications,
    /// What part of the whole trace is played, the warm-up included.
    pub(super) cost: f64,
}

/// A setting: a point, and the scenario that it makes.
pub(super) struct Setting {
    pub(super) point: Point,
    pub(super) values: Vec<Value>,
    /// The scenario, or why the values make none.
    pub(super) scenario: Result<Scenario, String>,
}

/// What a setting came to.
#[derive(Debug, Clone)]
pub(super) struct Came {
    pub(super) runs: Replications,
    /// The objective in each replication that has it, by number.
    pub(super) by_run: BTreeMap<u32, f64>,
    /// The objective over all replications.
    pub(super) objective: Option<f64>,
    /// By how much constraints were missed.
    pub(super) violation: f64,
}

impl Came {
    /// What is to be made small.
    pub(super) fn loss(&self, objective: Objective) -> f64 {
        let value = self.objective.filter(|value| value.is_finite());
        value.map_or(f64::INFINITY, |value| if objective.better() == Better::Higher { -value } else { value })
    }
}

impl<'p> Player<'p> {
    pub(super) fn new(
        scenario: &'p Scenario,
        tuning: &'p Tuning,
        runs: &'p Runs,
        watch: &'p dyn Watch,
    ) -> Result<Self, Fault> {
        let player = Self {
            scenario,
            tuning,
            runs,
            watch,
            prepared: Mutex::default(),
            wholes: OnceLock::new(),
            workspace: Workspace::default(),
        };
        if let Runs::Recorded(trace) = runs {
            // What depends on the trace is found out before anything runs.
            refuse_timeless(scenario, trace)?;
            simulation(scenario, &player.baseline_plan(), trace, Seed::new(scenario.seed))?;
        }
        Ok(player)
    }

    /// The cell that everything is compared with: the baseline as it was written, in the first cache of the scenario.
    fn baseline_plan(&self) -> CellPlan {
        let baseline = self.scenario.strategies.iter().position(|design| design.baseline).unwrap_or(0);
        plan(self.scenario, baseline)
    }

    /// The setting at a point.
    pub(super) fn setting(&self, point: Point) -> Setting {
        let values: Vec<Value> = self.tuning.vary.iter().zip(&point).map(|(vary, at)| vary.at(*at)).collect();
        let paths = self.tuning.vary.iter().map(|vary| vary.path.clone());
        // What lies inside something else that varies is set after it.
        let mut changes: Vec<(KeyPath, Value)> = paths.zip(values.iter().cloned()).collect();
        changes.sort_by_key(|(path, _)| path.depth());
        let mut scenario = self.scenario.varied(&changes).map_err(|error| error.what);
        if self.samples() {
            scenario = scenario.and_then(|scenario| match scenario.refuse_unsampled(self.tuning.strategy) {
                Ok(()) => Ok(scenario),
                Err(fault) => Err(fault.what),
            });
        }
        Setting { point, values, scenario }
    }

    /// The traces of the search for a share of the scored time, and the baseline on them; made once.
    pub(super) fn prepared(&self, share: f64) -> Result<Arc<Prepared>, Unfinished> {
        let mut known = self.prepared.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(prepared) = known.get(&share.to_bits()) {
            return Ok(Arc::clone(prepared));
        }
        let whole = self.whole();
        let of_keys = self.tuning.part == Part::Keys;
        let meetings: Vec<Meeting> = (0..)
            .zip(whole)
            .map(|(nth, (seed, trace))| {
                let trace = if share >= 1.0 || of_keys {
                    Arc::clone(trace)
                } else {
                    Arc::new(trace.beginning(self.part(trace.span(), share)))
                };
                let rate = self.tuning.sample.unwrap_or(1.0) * if of_keys { share.min(1.0) } else { 1.0 };
                (*seed, self.portion(trace, rate, nth))
            })
            .collect();
        let lead = self.lead();
        let cost = lead + share.min(1.0) * (1.0 - lead);
        let baseline = self.baseline(&meetings)?;
        let prepared = Arc::new(Prepared { meetings, baseline, cost });
        known.insert(share.to_bits(), Arc::clone(&prepared));
        Ok(prepared)
    }

    /// The whole traces of the search, made once.
    fn whole(&self) -> &[(Seed, Arc<Trace>)] {
        let repeat = if matches!(self.runs, Runs::Recorded(_)) { 1 } else { u64::from(self.scenario.repeat) };
        self.wholes.get_or_init(|| {
            let seeds = (0..repeat).map(|nth| replication_seed(self.scenario.seed, nth));
            seeds.map(|seed| (seed, self.trace(seed))).collect()
        })
    }

    /// How long the traces of the search last.
    fn longest(&self) -> SimDuration {
        self.whole().iter().map(|(_, trace)| trace.span()).max().unwrap_or_default()
    }

    /// The part of a whole trace that is played before every share of it: the warm-up, where shares are parts of time.
    pub(super) fn lead(&self) -> f64 {
        let (warmup, span) = (self.scenario.warmup.as_secs_f64(), self.longest().as_secs_f64());
        match self.tuning.part {
            Part::Keys => 0.0,
            Part::Time if span <= 0.0 => 1.0,
            Part::Time => warmup.min(span) / span,
        }
    }

    /// Refuses a search whose finalists could not be drilled.
    pub(super) fn check_drills(&self) -> Result<(), Unfinished> {
        if self.tuning.drills {
            let drills = self.scenario.drill.clone().unwrap_or_default();
            drills.begin(self.scenario.warmup, self.longest()).map_err(Unfinished::NoDrill)?;
        }
        Ok(())
    }

    /// Whether trials play samples of the keys.
    fn samples(&self) -> bool {
        self.tuning.sample.is_some() || self.tuning.part == Part::Keys
    }

    /// A share `rate` of the keys of a trace, or all of it.
    fn portion(&self, trace: Arc<Trace>, rate: f64, nth: usize) -> Portion {
        if rate >= 1.0 {
            return Portion::whole(trace);
        }
        let seed = Seed::new(self.scenario.seed).of("sample").of("tune");
        let extent = Extent::of(&trace);
        Sampling::new(self.scenario, trace, &extent, rate, seed, 1).sample(nth)
    }

    /// The warm-up and a share of what follows.
    fn part(&self, span: SimDuration, share: f64) -> SimDuration {
        let (warmup, span) = (self.scenario.warmup.as_secs_f64(), span.as_secs_f64());
        SimDuration::from_secs_f64(warmup.min(span) + share.min(1.0) * (span - warmup).max(0.0))
    }

    /// The trace of one replication.
    pub(super) fn trace(&self, seed: Seed) -> Arc<Trace> {
        match self.runs {
            Runs::Recorded(trace) => Arc::clone(trace),
            Runs::Synthetic(workload) => Arc::new(generate(workload, seed)),
        }
    }

    /// The baseline on these traces.
    pub(super) fn baseline(&self, meetings: &[Meeting]) -> Result<Replications, Unfinished> {
        let cell = [(self.scenario, self.baseline_plan())];
        let runs = self.played(&cell, meetings)?.remove(0);
        runs.map_err(Unfinished::NonePlayed)
    }

    /// Plays every setting that makes a scenario on every trace; `None` in the outer place of the others.
    pub(super) fn play(
        &self,
        settings: &[&Setting],
        meetings: &[Meeting],
    ) -> Result<Vec<Result<Replications, String>>, Unfinished> {
        let sound: Vec<(&Scenario, CellPlan)> = settings
            .iter()
            .filter_map(|setting| setting.scenario.as_ref().ok())
            .map(|scenario| (scenario, plan(scenario, self.tuning.strategy)))
            .collect();
        let mut played = self.played(&sound, meetings)?.into_iter();
        let each = settings.iter().map(|setting| match &setting.scenario {
            Ok(_) => played.next().expect("every sound setting was played"),
            Err(why) => Err(why.clone()),
        });
        Ok(each.collect())
    }

    fn played(
        &self,
        cells: &[(&Scenario, CellPlan)],
        meetings: &[Meeting],
    ) -> Result<Vec<Result<Replications, String>>, Unfinished> {
        let results: Vec<Result<Measurements, Failure>> = (0..cells.len() * meetings.len())
            .into_par_iter()
            .with_max_len(1)
            .map(|task| {
                let ((scenario, plan), (seed, portion)) =
                    (cells[task / meetings.len()], &meetings[task % meetings.len()]);
                if self.watch.stop() {
                    return Err(Failure::Stopped);
                }
                let result = one(scenario, &plan, &|| portion.clone(), *seed, self.watch, &self.workspace);
                self.watch.run_done();
                result
            })
            .collect();
        let mut results = results.into_iter();
        let mut all = Vec::with_capacity(cells.len());
        for _ in cells {
            let (mut runs, mut broken) = (Vec::new(), None);
            for (number, result) in (0..).zip(results.by_ref().take(meetings.len())) {
                match result {
                    Ok(run) => runs.push((number, run)),
                    Err(Failure::Stopped) => return Err(Unfinished::Stopped),
                    Err(Failure::Broken(why)) => broken = Some(why),
                }
            }
            all.push(broken.map_or_else(|| Ok(runs.into_iter().collect()), Err));
        }
        Ok(all)
    }

    /// What the replications of a setting (`None`: the baseline) come to, beside the baseline on the same traces.
    pub(super) fn came(
        &self,
        setting: Option<&Setting>,
        runs: Replications,
        baseline: &Replications,
    ) -> Came {
        let by_run: BTreeMap<u32, f64> = match self.tuning.objective {
            Objective::Metric(metric, _) => {
                runs.numbered().filter_map(|(number, run)| Some((number, metric.of_run(run)?))).collect()
            }
            Objective::Score => self.scores(&runs, baseline),
            Objective::Cost => self.costs(setting, &runs),
        };
        let objective = match self.tuning.objective {
            Objective::Metric(metric, _) => metric.of(&runs),
            Objective::Score | Objective::Cost => mean(&by_run),
        };
        let violation = self.tuning.constraints.iter().map(|gate| missed(gate, &runs)).sum();
        Came { runs, by_run, objective, violation }
    }

    /// What bad days do to a setting, on seeds that no trial has met; `None` where the search does not ask.
    pub(super) fn drilled(&self, setting: &Setting) -> Result<Option<DrilledCell>, Unfinished> {
        if !self.tuning.drills {
            return Ok(None);
        }
        let scenario = setting.scenario.as_ref().map_err(|why| Unfinished::NonePlayed(why.clone()))?;
        let fresh = DRILL_SEEDS.wrapping_add(self.scenario.seed).wrapping_add(self.tuning.seed) >> 1;
        let seed = (
            "seed".parse::<KeyPath>().expect("it is a path"),
            Value::from(i64::try_from(fresh).unwrap_or(1)),
        );
        let scenario = scenario.varied(&[seed]).map_err(|error| Unfinished::NonePlayed(error.to_string()))?;
        let plans = [plan(&scenario, self.tuning.strategy)];
        let drills = scenario.drill.clone().unwrap_or_default();
        match drill(&scenario, &plans, &drills, self.runs, &Quietly(self.watch)) {
            Ok(mut drilled) => Ok(Some(drilled.cells.remove(0))),
            Err(NoDrill::Stopped) => Err(Unfinished::Stopped),
            Err(NoDrill::Wrong(fault)) => Err(Unfinished::Wrong(fault)),
            Err(NoDrill::Short(why)) => Err(Unfinished::NoDrill(why)),
        }
    }

    /// What a month costs by replication: a limit in bytes is what is rented, whether it is filled or not.
    fn costs(&self, setting: Option<&Setting>, runs: &Replications) -> BTreeMap<u32, f64> {
        let capacity = match setting.map(|setting| setting.scenario.as_ref()) {
            Some(Ok(scenario)) => plan(scenario, self.tuning.strategy).capacity,
            Some(Err(_)) | None => self.baseline_plan().capacity,
        };
        let limit = match capacity {
            Capacity::Bytes(bytes) => Some(bytes),
            Capacity::Unbounded | Capacity::Objects(_) => None,
        };
        let Some(prices) = &self.scenario.judgement.rules.prices else { return BTreeMap::new() };
        let cost = |run: &Measurements| {
            let alone: Replications = [(0, run.clone())].into_iter().collect();
            Some(prices.monthly(limit, &alone)?.total.mean)
        };
        runs.numbered().filter_map(|(number, run)| Some((number, cost(run)?))).collect()
    }

    /// The composite score by replication: that of the report, with the baseline as what is usual.
    fn scores(&self, runs: &Replications, baseline: &Replications) -> BTreeMap<u32, f64> {
        let cell = |strategy: &str, baseline: bool, runs: &Replications| Cell {
            strategy: strategy.to_owned(),
            baseline,
            oracle: false,
            sweep: Vec::new(),
            runs: runs.clone(),
        };
        let cells = [cell("baseline", true, baseline), cell("setting", false, runs)];
        let rules = Rules { weights: self.scenario.judgement.rules.weights.clone(), ..Rules::default() };
        let verdict = judge(&cells, &rules);
        let scores = verdict.cells[1].by_replication.get("score").into_iter().flatten();
        (0..).zip(scores).filter_map(|(number, score)| Some((number, (*score)?))).collect()
    }
}

/// The cell of a strategy in the first cache of a scenario.
fn plan(scenario: &Scenario, strategy: usize) -> CellPlan {
    let cells = grid(scenario);
    cells.into_iter().find(|cell| cell.strategy == strategy).expect("every strategy has a cell")
}

fn mean(values: &BTreeMap<u32, f64>) -> Option<f64> {
    (!values.is_empty()).then(|| values.values().sum::<f64>() / values.len() as f64)
}

/// By which share of its limit a constraint is missed; 0 where it is kept.
pub(super) fn missed(gate: &Gate, runs: &Replications) -> f64 {
    let checked = gate.check(runs);
    if checked.pass {
        return 0.0;
    }
    let Some(value) = checked.value else { return NO_DATA };
    let beyond = match gate.bound {
        Bound::Min => gate.limit - value,
        Bound::Max => value - gate.limit,
    };
    (beyond / gate.limit.abs().max(1e-9)).min(NO_DATA)
}
