//! What a run finds beside its cells: one strategy over more memory limits than it was played at, and over more TTLs.
//!
//! Nobody asked for it, so it takes a part of what the cells took, counted in requests that the engine simulates: where
//! that is enough for few limits only there are few, and where it is enough for none it says so. Requests are counted and
//! not seconds, for what is found may depend on nothing but the scenario and the trace.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::super::exact::{clock, needs_events};
use super::super::{CellPlan, Progress, grid, replications};
use super::rate::{choose, is_sampled, least_of};
use super::{Asked, Extent, LANES, Method, Question, SAMPLES, Surface, ttl_of};
use crate::cache::Capacity;
use crate::catalog::Fault;
use crate::scenario::Scenario;
use crate::trace::Trace;
use crate::tune::Runs;
use crate::units::SimDuration;

/// Lengths of TTLs in seconds that people write.
pub const ROUND_TTLS_S: [u64; 22] = [
    1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1_200, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400,
    172_800, 345_600, 604_800, 2_592_000,
];

/// The part of the cells' requests that may be simulated beside them.
const PART: f64 = 0.25;
/// So many requests take no time that anybody would notice: up to them as much as the cells took.
const UNNOTICED: f64 = 500_000.0;

/// Limits of a curve: an eighth of a doubling apart, where the scenario has one limit.
const LIMITS: usize = 33;
/// Fewer limits than this tell no more than cells do.
const FEWEST_LIMITS: usize = 5;
/// With fewer limits than this a curve reaches half as far.
const LIMITS_OF_A_FAR_REACH: usize = 9;
/// How many times the largest limit of the scenario the largest one of a curve is, and the smallest a part of its smallest.
const REACH: u64 = 4;

/// Limits and TTLs that a map shows.
const MAP: (usize, usize) = (5, 7);
/// So many limits and TTLs of the scenario's own are a map of their own.
const OWN_MAP: usize = 3;

/// What an exact pass takes beside the engine over the same requests, as benches/exact.rs shows: one limit, with bytes, and
/// the same for up to 16 TTLs or 16 limits. Rounded up.
const PASS: f64 = 0.25;
const PASS_OF_TTLS: f64 = 1.0;
/// What a cell without a clock takes in the same measure.
const WITHOUT_EVENTS: f64 = 0.5;

/// What was found beside the cells of a run.
#[derive(Debug)]
pub struct Beside {
    /// A strategy as it is written, over many limits.
    pub curve: Part,
    /// Limits and TTLs; `None` where the cells show that, and where no strategy has a TTL that can be varied.
    pub map: Option<Part>,
}

/// A surface of one strategy under one eviction policy.
#[derive(Debug)]
pub struct Part {
    /// Which of the scenario's strategies.
    pub strategy: usize,
    /// Which of its eviction policies.
    pub eviction: usize,
    /// What was found, or why nothing was, without a full stop.
    pub found: Result<Surface, String>,
    /// Whether the largest limit holds all that is asked for.
    pub holds_all: bool,
}

impl Beside {
    /// An answer where nobody can look.
    pub fn blocked(plan: &CellPlan, why: impl Into<String>) -> Self {
        let CellPlan { strategy, eviction, .. } = *plan;
        Self { curve: Part { strategy, eviction, found: Err(why.into()), holds_all: false }, map: None }
    }

    /// Whether somebody stopped it.
    pub fn is_interrupted(&self) -> bool {
        let parts = std::iter::once(&self.curve).chain(&self.map);
        parts.into_iter().any(|part| part.found.as_ref().is_err_and(|why| why == INTERRUPTED))
    }
}

/// Why nothing was found where somebody stopped it.
pub const INTERRUPTED: &str = "the run was interrupted";

/// How far a run may look beyond its cells: at one strategy, and at TTLs where it has none that could be varied, of
/// another one.
#[derive(Debug)]
pub struct Outlook {
    plan: CellPlan,
    /// The scenario's own limits, ascending and of one kind.
    own: Vec<Capacity>,
    /// Of the trace, where samples can be taken.
    extent: Option<Extent>,
}

impl Outlook {
    /// That of the strategy of `plan` over the trace of a run's first replication; `None` where no limit has a meaning.
    ///
    /// # Errors
    /// If a part of the scenario cannot be made for this trace.
    pub fn of(scenario: &Scenario, plan: &CellPlan, trace: &Arc<Trace>) -> Result<Option<Self>, Fault> {
        if scenario.cache.evictions[plan.eviction].name() == "infinite" {
            return Ok(None);
        }
        let mut outlook = Self { plan: *plan, own: own_limits(scenario), extent: None };
        if !outlook.own.is_empty() {
            for strategy in outlook.strategies(scenario) {
                if outlook.extent.is_none() && is_sampled(scenario, strategy, plan.eviction, trace)? {
                    outlook.extent = Some(Extent::of(trace));
                }
            }
        }
        Ok(Some(outlook))
    }

    /// The strategies that it looks at.
    fn strategies(&self, scenario: &Scenario) -> impl Iterator<Item = usize> + use<> {
        let varied = varied(scenario, self.plan.strategy, self.own.len());
        std::iter::once(self.plan.strategy).chain(varied.filter(|varied| *varied != self.plan.strategy))
    }

    /// Whether all that it looks at is counted in passes over a trace that is in memory, and never played by the engine.
    pub fn is_passes(&self, scenario: &Scenario, trace: &Trace) -> bool {
        let passes = |strategy| clock(scenario, strategy, self.plan.eviction).is_none();
        !trace.is_spooled() && self.strategies(scenario).all(passes)
    }

    /// Of the trace, the share that all samples hold that may be taken at once.
    ///
    /// # Errors
    /// If a part of the scenario cannot be made for this trace.
    pub fn kept(&self, scenario: &Scenario, trace: &Arc<Trace>) -> Result<f64, Fault> {
        let Some(extent) = &self.extent else { return Ok(0.0) };
        let Ok(limits) = self.limits(scenario, trace, LIMITS, REACH)? else { return Ok(0.0) };
        let mut most = 0.0_f64;
        for strategy in self.strategies(scenario) {
            let question = self.question(strategy, limits.clone(), Vec::new());
            let rate = choose(scenario, &question, trace, || extent.clone())?;
            most = most.max(rate.map_or(0.0, |rate| rate * SAMPLES as f64));
        }
        Ok(most)
    }

    /// Finds what the run can afford beside its cells, on rayon's current pool.
    pub fn find(
        &self,
        scenario: &mut Scenario,
        runs: &Runs,
        trace: &Arc<Trace>,
        progress: &dyn Progress,
    ) -> Beside {
        let varied = varied(scenario, self.plan.strategy, self.own.len());
        let left = allowed(scenario, runs, trace.len() as f64);
        let mut search = Search { outlook: self, scenario, trace, left, progress };
        let curve = search.part(self.plan.strategy, Search::curve);
        let varied = varied.filter(|_| !self.own.is_empty());
        Beside { curve, map: varied.map(|strategy| search.part(strategy, Search::map)) }
    }

    /// The scenario's own limits, or so many of them: the first, the last, that of the cell that is told most of, and others
    /// evenly between.
    fn thinned(&self, count: usize) -> Vec<u64> {
        let mut own: Vec<u64> = self.own.iter().copied().map(number).collect();
        if own.len() <= count {
            return own;
        }
        let told = own.iter().position(|limit| *limit == number(self.plan.capacity));
        let last = own.len() - 1;
        let mut kept: Vec<usize> = (0..count).map(|nth| nth * last / (count - 1)).collect();
        if let Some(told) = told.filter(|told| !kept.contains(told)) {
            let inner = 1..count - 1;
            if let Some(nearest) = inner.min_by_key(|nth| kept[*nth].abs_diff(told)) {
                kept[nearest] = told;
            }
        }
        own = kept.into_iter().map(|place| own[place]).collect();
        own
    }

    /// All that a cache can hold of a trace, in the unit of the limits; `u64::MAX` where that is not told beforehand.
    fn whole(&self, scenario: &Scenario, trace: &Trace) -> u64 {
        let in_objects = matches!(self.own.first(), Some(Capacity::Objects(_)));
        match (in_objects, scenario.cache.memory.name()) {
            (true, _) => trace.objects().len() as u64,
            (false, "payload") => trace.objects().total_bytes(),
            // What else an entry takes is not told beforehand.
            (false, _) => u64::MAX,
        }
    }

    fn question(&self, strategy: usize, capacities: Vec<Capacity>, ttls: Vec<SimDuration>) -> Question {
        Question { strategy, eviction: self.plan.eviction, capacities, ttls, sample: None }
    }

    /// So many limits in equal ratios, those of the scenario among them: from `reach` times below its smallest one, if
    /// that leaves samples a cache that is one, to as many times above its largest, if there is so much to hold.
    fn limits(
        &self,
        scenario: &Scenario,
        trace: &Trace,
        count: usize,
        reach: u64,
    ) -> Result<Result<Vec<Capacity>, String>, Fault> {
        let (Some(first), Some(last)) = (self.own.first(), self.own.last()) else {
            return Ok(Err("the scenario gives the cache no limit".to_owned()));
        };
        let in_objects = matches!(first, Capacity::Objects(_));
        let least = match &self.extent {
            Some(extent) => least_of(scenario, None, trace, extent)?,
            None => None,
        };
        let least = least.map_or(1, |least| if in_objects { least.objects } else { least.bytes });
        let whole = self.whole(scenario, trace);
        let (smallest, largest) = (number(*first), number(*last));
        let low = (smallest / reach).max(least).min(smallest).max(1);
        let high = largest.saturating_mul(reach).min(whole).max(largest);
        let ratio = high as f64 / low as f64;
        let step = |nth: usize| nth as f64 / (count - 1) as f64;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a limit is a count")]
        let mut limits: Vec<u64> =
            (0..count).map(|nth| (low as f64 * ratio.powf(step(nth))).round() as u64).collect();
        let mut free: Vec<usize> = (0..count).collect();
        for own in self.thinned(count) {
            // An own limit takes the place of the free one that lies nearest to it.
            let apart = |place: usize| (limits[place] as f64 / own as f64).ln().abs();
            let nearest = (0..free.len()).min_by(|a, b| apart(free[*a]).total_cmp(&apart(free[*b])));
            if let Some(nearest) = nearest {
                limits[free.swap_remove(nearest)] = own;
            }
        }
        limits.sort_unstable();
        limits.dedup();
        if limits.len() < 2 {
            return Ok(
                Err("no smaller limit can be sampled, and a larger one would hold no more".to_owned()),
            );
        }
        let limit = if in_objects { Capacity::Objects } else { Capacity::Bytes };
        Ok(Ok(limits.into_iter().map(limit).collect()))
    }
}

/// What was found, or why nothing was.
type Found = Result<Result<Surface, String>, Fault>;

struct Search<'a> {
    outlook: &'a Outlook,
    scenario: &'a mut Scenario,
    trace: &'a Arc<Trace>,
    /// Requests that may still be simulated.
    left: f64,
    progress: &'a dyn Progress,
}

impl Search<'_> {
    fn part(&mut self, strategy: usize, find: fn(&mut Self, usize) -> Found) -> Part {
        let written = self.scenario.strategies.len();
        // What breaks off here costs the run none of its cells.
        let found = catch_unwind(AssertUnwindSafe(|| find(self, strategy)));
        self.scenario.strategies.truncate(written);
        let found = match found {
            Ok(Ok(found)) => found,
            Ok(Err(fault)) => Err(fault.what),
            Err(_) => Err("it broke off, which is a mistake of the program".to_owned()),
        };
        let whole = self.outlook.whole(self.scenario, self.trace);
        let largest = found.as_ref().ok().and_then(|surface| surface.capacities.last());
        let holds_all = largest.is_some_and(|limit| number(*limit) >= whole);
        Part { strategy, eviction: self.outlook.plan.eviction, found, holds_all }
    }

    /// As many limits as can be afforded, for the strategy as it is written.
    fn curve(&mut self, strategy: usize) -> Found {
        let far = self.outlook.limits(self.scenario, self.trace, LIMITS, REACH)?;
        let far = match far {
            Ok(far) => far,
            Err(why) => return Ok(Err(why)),
        };
        let question = self.outlook.question(strategy, far, Vec::new());
        let (method, cost) = self.cost(&question)?;
        let each = cost / question.capacities.len() as f64;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number of limits")]
        let most = if cost <= self.left { LIMITS } else { (self.left / each) as usize };
        if most < FEWEST_LIMITS {
            return Ok(Err(too_dear(method, &format!("{FEWEST_LIMITS} limits"))));
        }
        if most == LIMITS {
            return self.pay(&question, cost);
        }
        let reach = if most < LIMITS_OF_A_FAR_REACH { REACH / 2 } else { REACH };
        match self.outlook.limits(self.scenario, self.trace, most, reach)? {
            Err(why) => Ok(Err(why)),
            Ok(fewer) => self.pay(&self.outlook.question(strategy, fewer, Vec::new()), each * most as f64),
        }
    }

    /// A few limits under a few TTLs.
    fn map(&mut self, strategy: usize) -> Found {
        let ttls = self.ttls(strategy);
        if ttls.len() < 2 {
            return Ok(Err("the trace is too short for a second TTL".to_owned()));
        }
        let limits = match self.outlook.limits(self.scenario, self.trace, MAP.0, REACH)? {
            Ok(limits) => limits,
            Err(why) => return Ok(Err(why)),
        };
        let question = self.outlook.question(strategy, limits, ttls);
        let (method, cost) = self.cost(&question)?;
        if cost > self.left {
            let fields = question.capacities.len() * question.ttls.len();
            return Ok(Err(too_dear(method, &format!("{fields} limits and TTLs"))));
        }
        self.pay(&question, cost)
    }

    /// By which way an answer would be found, and how many requests of the engine that is worth.
    fn cost(&mut self, question: &Question) -> Result<(Method, f64), Fault> {
        let written = self.scenario.strategies.len();
        let (method, _) =
            Asked::new(self.scenario, question, self.trace, self.outlook.extent.clone(), self.progress)?
                .method()?;
        self.scenario.strategies.truncate(written);
        let (rows, columns) = (question.capacities.len(), question.ttls.len().max(1));
        let cells = (rows * columns) as f64;
        let plays = match method {
            Method::Passes => (rows * columns.div_ceil(LANES)) as f64 * PASS_OF_TTLS,
            Method::Sizes => rows.div_ceil(LANES) as f64 * PASS_OF_TTLS,
            Method::Jumps | Method::Gaps => PASS_OF_TTLS,
            Method::Cells => cells * PASS,
            Method::Engine => cells,
            Method::Samples { rate, samples } => cells * rate * samples as f64,
        };
        Ok((method, plays * self.trace.len() as f64))
    }

    fn pay(&mut self, question: &Question, cost: f64) -> Found {
        self.left -= cost;
        let found =
            Asked::new(self.scenario, question, self.trace, self.outlook.extent.clone(), self.progress)?
                .find()?;
        Ok(found.ok_or_else(|| INTERRUPTED.to_owned()))
    }

    /// The TTL of a strategy, and round ones about it that the trace is long enough for.
    fn ttls(&self, strategy: usize) -> Vec<SimDuration> {
        let rule = &self.scenario.strategies[strategy].rule;
        let own = ttl_of(rule.name()).and_then(|param| rule.duration_of(param));
        let Some(own) = own.filter(|own| !own.is_zero()) else { return Vec::new() };
        let longest = rule.duration_of("max_age").unwrap_or(SimDuration::FOREVER).min(self.trace.span());
        let apart = |ttl: &SimDuration| (ttl.as_secs_f64() / own.as_secs_f64()).ln().abs();
        let mut ttls: Vec<SimDuration> = ROUND_TTLS_S.map(SimDuration::from_secs).to_vec();
        ttls.retain(|ttl| *ttl <= longest && *ttl != own);
        ttls.sort_by(|a, b| apart(a).total_cmp(&apart(b)));
        ttls.truncate(MAP.1 - 1);
        ttls.push(own);
        ttls.sort_unstable();
        ttls
    }
}

/// The strategy whose TTL is varied: this one, else the baseline, else the first that has one; `None` where none has, and
/// where the scenario itself compares as many limits and TTLs.
fn varied(scenario: &Scenario, strategy: usize, limits: usize) -> Option<usize> {
    let strategies = &scenario.strategies;
    let fixed = strategies.iter().filter(|design| design.rule.name() == "fixed");
    let mut ttls: Vec<_> = fixed.filter_map(|design| design.rule.duration_of("ttl")).collect();
    ttls.sort_unstable();
    ttls.dedup();
    if limits >= OWN_MAP && ttls.len() >= OWN_MAP {
        return None;
    }
    let varies = |nth: &usize| ttl_of(strategies[*nth].rule.name()).is_some();
    let baseline = strategies.iter().position(|design| design.baseline);
    std::iter::once(strategy).chain(baseline).chain(0..strategies.len()).find(varies)
}

/// The limits of the scenario, ascending; those in bytes where some are in objects.
fn own_limits(scenario: &Scenario) -> Vec<Capacity> {
    let of = |wanted: fn(&Capacity) -> bool| {
        let mut own: Vec<Capacity> = scenario.cache.capacities.iter().copied().filter(wanted).collect();
        own.sort_by_key(|limit| number(*limit));
        own.dedup();
        own
    };
    let in_bytes = of(|limit| matches!(limit, Capacity::Bytes(1..)));
    if in_bytes.is_empty() { of(|limit| matches!(limit, Capacity::Objects(1..))) } else { in_bytes }
}

fn number(limit: Capacity) -> u64 {
    match limit {
        Capacity::Bytes(limit) | Capacity::Objects(limit) => limit,
        Capacity::Unbounded => u64::MAX,
    }
}

/// So many requests may be simulated beside the cells of a run.
fn allowed(scenario: &Scenario, runs: &Runs, requests: f64) -> f64 {
    let plays = |plan: &CellPlan| {
        if needs_events(scenario, plan.strategy, plan.eviction) { 1.0 } else { WITHOUT_EVENTS }
    };
    let cells: f64 = grid(scenario).iter().map(plays).sum();
    let whole = cells * replications(scenario, runs) as f64 * requests * scenario.sample.unwrap_or(1.0);
    (whole * PART).max(whole.min(UNNOTICED))
}

fn too_dear(method: Method, what: &str) -> String {
    format!("{what} ({}) would take too long beside the cells", method.words())
}
