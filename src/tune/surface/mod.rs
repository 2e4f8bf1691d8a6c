//! The surface of one strategy: what every capacity gives under every TTL, by the cheapest way that is right.
//!
//! Which way that is, the surface tells itself: from exact counts in few passes to samples of keys with an
//! estimate of their error. See [`Method`].

mod beside;
mod found;
mod rate;
mod simulated;

use std::sync::{Arc, OnceLock};

use rayon::prelude::*;

pub use self::beside::{Beside, INTERRUPTED, Outlook, Part, ROUND_TTLS_S};
pub use self::found::{Figure, Method, Point, Surface};
pub use self::rate::{Least, kept, kept_for, least};
use super::exact::{exact, exact_window};
use super::sampled::{Extent, SAMPLES};
use super::{CellPlan, Progress};
use crate::cache::Capacity;
use crate::catalog::Fault;
use crate::engine::exact::surface::{CellCounts, LANES, Passes, RowCounts};
use crate::engine::exact::unbounded::ByObject;
use crate::engine::exact::{Detail, Player, Spare};
use crate::random::Seed;
use crate::scenario::Scenario;
use crate::score::Metric;
use crate::trace::Trace;
use crate::units::{SimDuration, SimTime};

/// Bytes that an exact pass takes for each object: its place, and its store under each of 16 TTLs.
pub const PASS_PER_OBJECT: u64 = 68;

/// Bytes that an exact surface takes once for each request, however many runs there are: the instants by object, where
/// no capacity is a limit and a TTL varies.
pub fn shared_per_request(scenario: &Scenario, strategy: usize, eviction: usize) -> u64 {
    let design = &scenario.strategies[strategy];
    let is_sorted = scenario.cache.evictions[eviction].name() == "infinite"
        && scenario.cache.reclaim.name() == "lazy"
        && design.modifiers.is_empty()
        && ttl_of(design.rule.name()).is_some();
    if is_sorted { size_of::<SimTime>() as u64 } else { 0 }
}

/// What is asked: one strategy over capacities and TTLs.
#[derive(Debug, Clone)]
pub struct Question {
    /// Which of the scenario's strategies.
    pub strategy: usize,
    /// Which of its eviction policies.
    pub eviction: usize,
    /// The rows.
    pub capacities: Vec<Capacity>,
    /// The columns; empty for the strategy as it is.
    pub ttls: Vec<SimDuration>,
    /// The share of keys that simulations see where simulations are needed; `None` chooses it.
    pub sample: Option<f64>,
}

/// The parameter of a rule that is its TTL; `None` where it has not one that could be varied.
pub fn ttl_of(rule: &str) -> Option<&'static str> {
    match rule {
        "fixed" => Some("ttl"),
        "sliding" => Some("idle"),
        _ => None,
    }
}

/// Finds a surface over `trace`, on rayon's current pool; `None` if it was stopped.
///
/// # Errors
/// If a part of the scenario cannot be made for this trace or a TTL, or no sample of keys can stand for the whole.
pub fn surface(
    scenario: &mut Scenario,
    question: &Question,
    trace: &Arc<Trace>,
    progress: &dyn Progress,
) -> Result<Option<Surface>, Fault> {
    super::simulation::refuse_timeless(scenario, trace)?;
    Asked::new(scenario, question, trace, None, progress)?.find()
}

struct Asked<'a> {
    scenario: &'a Scenario,
    question: &'a Question,
    trace: &'a Arc<Trace>,
    plans: Vec<CellPlan>,
    /// What the trace says of its samples, once it was asked.
    extent: OnceLock<Extent>,
    progress: &'a dyn Progress,
}

impl<'a> Asked<'a> {
    fn new(
        scenario: &'a mut Scenario,
        question: &'a Question,
        trace: &'a Arc<Trace>,
        extent: Option<Extent>,
        progress: &'a dyn Progress,
    ) -> Result<Self, Fault> {
        let own = scenario.strategies[question.strategy].clone();
        // One design for each column, so that a cell is a plan like any other.
        for ttl in &question.ttls {
            let param = ttl_of(own.rule.name()).expect("who asks for TTLs asks for a rule that has one");
            let mut design = own.clone();
            design.rule = own.rule.with(param, ttl.to_string())?;
            scenario.strategies.push(design);
        }
        let columns = if question.ttls.is_empty() {
            vec![question.strategy]
        } else {
            (scenario.strategies.len() - question.ttls.len()..scenario.strategies.len()).collect()
        };
        let plans = question.capacities.iter().flat_map(|&capacity| {
            let plan = move |&strategy| CellPlan { strategy, eviction: question.eviction, capacity };
            columns.iter().map(plan)
        });
        let plans = plans.collect();
        let extent = extent.map_or_else(OnceLock::new, OnceLock::from);
        Ok(Self { scenario, question, trace, plans, extent, progress })
    }
}

impl Asked<'_> {
    fn extent(&self) -> &Extent {
        self.extent.get_or_init(|| Extent::of(self.trace))
    }

    fn find(&self) -> Result<Option<Surface>, Fault> {
        let (method, because) = self.method()?;
        let points = match method {
            Method::Passes => self.passes(),
            Method::Sizes => self.sizes(),
            Method::Jumps => Some(self.unbounded(|by_object| {
                self.question.ttls.par_iter().map(|ttl| by_object.fixed(*ttl)).collect()
            })),
            Method::Gaps => Some(self.unbounded(|by_object| by_object.sliding(&self.question.ttls))),
            Method::Cells => self.cells()?,
            Method::Engine => self.engine()?,
            Method::Samples { rate, samples } => self.samples(rate, samples)?,
        };
        let window = exact_window(self.scenario, self.trace);
        let mut requests = 0;
        self.trace.each(|at, _| requests += u64::from(window.contains(at)));
        Ok(points.map(|points| Surface {
            method,
            because,
            capacities: self.question.capacities.clone(),
            ttls: self.question.ttls.clone(),
            points,
            requests,
            memory_untold: untold(self.scenario, method),
        }))
    }

    /// The cheapest way that is right, and why it is not exact.
    fn method(&self) -> Result<(Method, Option<String>), Fault> {
        let seed = self.seed();
        let first = exact(self.scenario, &self.plans[0], self.trace, seed, Detail::Bytes)?;
        let Err(reason) = first else { return Ok((self.exact_method(), None)) };
        if let Some(rate) = self.question.sample {
            if rate >= 1.0 {
                return Ok((Method::Engine, Some(reason)));
            }
            let asked = "simulate all keys with --sample 1, or leave --sample out";
            rate::refuse(self.scenario, self.question.strategy).map_err(|fault| fault.help(asked))?;
            return Ok((Method::Samples { rate, samples: SAMPLES }, Some(reason)));
        }
        Ok(match rate::choose(self.scenario, self.question, self.trace, || self.extent().clone())? {
            Ok(rate) => (Method::Samples { rate, samples: SAMPLES }, Some(reason)),
            Err(why) => (Method::Engine, Some(format!("{reason}; no samples were taken, for {why}"))),
        })
    }

    fn exact_method(&self) -> Method {
        let (scenario, question) = (self.scenario, self.question);
        let design = &scenario.strategies[question.strategy];
        let resolution = scenario.cache.ttl_resolution;
        let is_plain = design.modifiers.is_empty() && question.ttls.iter().all(|ttl| resolution.keeps(*ttl));
        let eviction = scenario.cache.evictions[question.eviction].name();
        let has_limit = |capacity: &Capacity| *capacity != Capacity::Unbounded && eviction != "infinite";
        let lazily = scenario.cache.reclaim.name() == "lazy";
        let many = question.ttls.len() > 1;
        match design.rule.name() {
            "none" if is_plain && eviction == "lru" && self.in_objects() => Method::Sizes,
            "fixed" if is_plain && many && lazily && !question.capacities.iter().any(has_limit) => {
                Method::Jumps
            }
            "sliding"
                if is_plain
                    && many
                    && lazily
                    && !question.capacities.iter().any(has_limit)
                    && self.is_never_too_old() =>
            {
                Method::Gaps
            }
            "fixed" if is_plain && many && lazily && eviction == "lru" && self.trace.len() < 1 << 31 => {
                Method::Passes
            }
            _ => Method::Cells,
        }
    }

    /// Whether no limit is one in bytes, of which a larger one need not hold all that a smaller one does.
    fn in_objects(&self) -> bool {
        !self.question.capacities.iter().any(|capacity| matches!(capacity, Capacity::Bytes(_)))
    }

    /// Whether no column has a greatest age that a run could reach.
    fn is_never_too_old(&self) -> bool {
        let columns = &self.scenario.strategies[self.scenario.strategies.len() - self.question.ttls.len()..];
        columns.iter().all(|design| match design.rule.duration_of("max_age") {
            Some(age) => age >= self.trace.span(),
            None => design.rule.word_of("max_age") == "unbounded",
        })
    }

    fn seed(&self) -> Seed {
        super::replication_seed(self.scenario.seed, 0)
    }

    fn passes(&self) -> Option<Vec<Point>> {
        let window = exact_window(self.scenario, self.trace);
        let columns: Vec<&[SimDuration]> = self.question.ttls.chunks(LANES).collect();
        let rows = self.question.capacities.iter();
        let tasks: Vec<(Capacity, &[SimDuration])> =
            rows.flat_map(|row| columns.iter().map(move |ttls| (*row, *ttls))).collect();
        let spare = Spare::<Passes>::default();
        let parts: Option<Vec<Vec<Point>>> = tasks
            .par_iter()
            .with_max_len(1)
            .map(|(capacity, ttls)| {
                if self.progress.stop() {
                    return None;
                }
                let (row, cells) = spare.lend(|passes| passes.ttls(self.trace, window, *capacity, ttls));
                self.progress.advanced(self.trace.len() as u64);
                self.progress.run_done();
                let seconds = window.length().as_secs_f64();
                Some(cells.iter().map(|cell| point(cell, &row, seconds)).collect())
            })
            .collect();
        Some(parts?.concat())
    }

    /// Many limits in one pass; without TTLs all that is resident lives.
    fn sizes(&self) -> Option<Vec<Point>> {
        let window = exact_window(self.scenario, self.trace);
        let seconds = window.length().as_secs_f64();
        let limit = |capacity: &Capacity| match capacity {
            Capacity::Objects(objects) => *objects,
            _ => u64::MAX,
        };
        let limits: Vec<u64> = self.question.capacities.iter().map(limit).collect();
        let spare = Spare::<Passes>::default();
        let parts: Option<Vec<Vec<Point>>> = limits
            .par_chunks(LANES)
            .with_max_len(1)
            .map(|limits| {
                if self.progress.stop() {
                    return None;
                }
                let sized = spare.lend(|passes| passes.sizes_with_bytes(self.trace, window, limits));
                for _ in limits {
                    self.progress.advanced(self.trace.len() as u64);
                    self.progress.run_done();
                }
                let cell = |(hits, resident_mean)| {
                    let cell = CellCounts { hits, live_mean: resident_mean, ..CellCounts::default() };
                    let row = RowCounts { requests: sized.requests, resident_mean, ..RowCounts::default() };
                    point(&cell, &row, seconds)
                };
                Some(sized.cells.iter().copied().map(cell).collect())
            })
            .collect();
        Some(parts?.concat())
    }

    /// Every row of a cache without limit is the same.
    fn unbounded(&self, cells: impl FnOnce(&ByObject<'_>) -> Vec<CellCounts>) -> Vec<Point> {
        let window = exact_window(self.scenario, self.trace);
        let by_object = ByObject::new(self.trace, window);
        let (requests, requested) = by_object.requested();
        // Nothing is evicted, so resident is all that was ever asked for: what one TTL shows is true of all.
        let resident_mean = by_object.ever_asked();
        let row = RowCounts { requests, requested, resident_mean };
        let seconds = window.length().as_secs_f64();
        let points: Vec<Point> = cells(&by_object).iter().map(|cell| point(cell, &row, seconds)).collect();
        self.progress.run_done();
        points.repeat(self.question.capacities.len())
    }

    fn cells(&self) -> Result<Option<Vec<Point>>, Fault> {
        let seconds = exact_window(self.scenario, self.trace).length().as_secs_f64();
        let spare = Spare::<Player>::default();
        let play = |plan: &CellPlan| -> Result<Option<Point>, Fault> {
            if self.progress.stop() {
                return Ok(None);
            }
            let play = exact(self.scenario, plan, self.trace, self.seed(), Detail::Bytes)?;
            let play = play.map_err(|reason| Fault::new(0..0, reason))?;
            let counts = spare.lend(|player| player.play(play));
            self.progress.advanced(self.trace.len() as u64);
            self.progress.run_done();
            let bytes = counts.bytes.unwrap_or_default();
            let requests = counts.requests();
            let hit = Figure::exact(share(counts.hits, requests));
            Ok(Some(Point {
                hit,
                fresh_hit: hit,
                origin_rate: Figure::exact(per_second(counts.misses() as f64, seconds)),
                resident_bytes: Figure::exact(Some(bytes.resident.mean)),
                live_bytes: Figure::exact(Some(bytes.resident.mean - bytes.dead_mean)),
            }))
        };
        self.plans.par_iter().with_max_len(1).map(play).collect()
    }
}

/// Why this method tells nothing of memory, where that is so.
fn untold(scenario: &Scenario, method: Method) -> Option<&'static str> {
    let is_sampled = matches!(method, Method::Samples { .. });
    Metric::named("memory")?.missing(scenario.shared()).filter(|_| is_sampled)
}

/// What a pass counted of a cell.
fn point(cell: &CellCounts, row: &RowCounts, seconds: f64) -> Point {
    let hit = Figure::exact(share(cell.hits, row.requests));
    Point {
        hit,
        fresh_hit: hit,
        origin_rate: Figure::exact(per_second((row.requests - cell.hits) as f64, seconds)),
        resident_bytes: Figure::exact(Some(row.resident_mean)),
        live_bytes: Figure::exact(Some(cell.live_mean)),
    }
}

fn share(of: u64, all: u64) -> Option<f64> {
    (all > 0).then(|| of as f64 / all as f64)
}

fn per_second(count: f64, seconds: f64) -> Option<f64> {
    (seconds > 0.0).then(|| count / seconds)
}
