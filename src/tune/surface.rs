//! The surface of one strategy: what every capacity gives under every TTL, by the cheapest way that is right.
//!
//! Which way that is, the surface tells itself: from exact counts in few passes to samples of keys with an
//! estimate of their error. See [`Method`].

use std::sync::Arc;

use rayon::prelude::*;

use super::exact::{exact, exact_window, is_kept};
use super::run::check_scale;
use super::sampled::{Extent, Portion, SAMPLES, Sampling};
use super::{CellPlan, Progress};
use crate::cache::Capacity;
use crate::catalog::Fault;
use crate::engine::exact::surface::{self, LANES};
use crate::engine::exact::unbounded::ByObject;
use crate::engine::exact::{Detail, Player};
use crate::random::Seed;
use crate::scenario::Scenario;
use crate::score::Estimate;
use crate::trace::Trace;
use crate::units::SimDuration;

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

/// How a surface was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Method {
    /// Exact: one pass a capacity for up to 16 TTLs.
    Passes,
    /// Exact: by object from miss to miss, for a cache without limit.
    Jumps,
    /// Exact: from the times between requests, for a cache without limit.
    Gaps,
    /// Exact: one pass a cell.
    Cells,
    /// The engine, over all requests.
    Engine,
    /// The engine, over all requests of a share of the keys in a cache of that share, several times with other keys.
    Samples {
        /// The share of one sample.
        rate: f64,
        /// How many samples.
        samples: usize,
    },
}

impl Method {
    /// In a few words.
    pub fn words(self) -> String {
        match self {
            Self::Passes => "exact: one pass for each capacity and 16 TTLs".to_owned(),
            Self::Jumps => "exact: from miss to miss of each object".to_owned(),
            Self::Gaps => "exact: from the times between requests of each object".to_owned(),
            Self::Cells => "exact: one pass for each cell".to_owned(),
            Self::Engine => "the engine, for each cell".to_owned(),
            Self::Samples { rate, samples } => {
                format!("the engine over {samples} samples of {:.3} % of the keys", rate * 100.0)
            }
        }
    }
}

/// One cell. Ratios are shares of scored requests.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Point {
    /// Requests answered from the cache; `None` without requests.
    pub hit: Option<f64>,
    /// Half of the 95 % interval of that; `None` where it is exact.
    pub error: Option<f64>,
    /// Fetches a second from the origin; `None` where no time was scored.
    pub origin_rate: Option<f64>,
    /// Bytes resident, averaged over time, dead entries included.
    pub resident_bytes: f64,
    /// Of these, bytes of entries that live.
    pub live_bytes: f64,
}

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Surface {
    /// How.
    pub method: Method,
    /// Why nothing exact serves, where that is so.
    pub because: Option<String>,
    /// The rows.
    pub capacities: Vec<Capacity>,
    /// The columns; empty where the strategy is taken as it is, which is one column.
    pub ttls: Vec<SimDuration>,
    /// Row by row.
    pub points: Vec<Point>,
    /// Requests of the trace that are scored, whether or not a sample took them.
    pub requests: u64,
}

impl Surface {
    /// The cells of one row.
    pub fn row(&self, nth: usize) -> &[Point] {
        let columns = self.ttls.len().max(1);
        &self.points[nth * columns..(nth + 1) * columns]
    }
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
    super::run::refuse_timeless(scenario, trace)?;
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
    let asked = Asked { scenario, question, trace, plans: plans.collect(), progress };
    asked.find()
}

struct Asked<'a> {
    scenario: &'a Scenario,
    question: &'a Question,
    trace: &'a Arc<Trace>,
    plans: Vec<CellPlan>,
    progress: &'a dyn Progress,
}

impl Asked<'_> {
    fn find(&self) -> Result<Option<Surface>, Fault> {
        let (method, because) = self.method()?;
        let points = match method {
            Method::Passes => self.passes(),
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
        }))
    }

    /// The cheapest way that is right, and why it is not exact.
    fn method(&self) -> Result<(Method, Option<String>), Fault> {
        let seed = self.seed();
        let first = exact(self.scenario, &self.plans[0], self.trace, seed, Detail::Bytes)?;
        let Err(reason) = first else { return Ok((self.exact_method(), None)) };
        let rate = self.question.sample.unwrap_or_else(|| self.rate_that_pays());
        if rate >= 1.0 {
            return Ok((Method::Engine, Some(reason)));
        }
        if self.trace.is_spooled() {
            return Ok((
                Method::Engine,
                Some(format!("{reason}; and requests that lie on disk are not sampled")),
            ));
        }
        let capacity = &self.scenario.origin.capacity;
        if capacity.name() != "unlimited" {
            let what = format!(
                "a sample of the keys cannot stand for an origin with a limit (\"{}\")",
                capacity.name()
            );
            return Err(Fault::new(capacity.span(), what)
                .rule("how long fetches queue depends on all of them")
                .help("simulate all keys with --sample 1, or take the limit out"));
        }
        Ok((Method::Samples { rate, samples: SAMPLES }, Some(reason)))
    }

    fn exact_method(&self) -> Method {
        let (scenario, question) = (self.scenario, self.question);
        let design = &scenario.strategies[question.strategy];
        let is_plain = design.modifiers.is_empty() && question.ttls.iter().all(|ttl| is_kept(scenario, *ttl));
        let eviction = scenario.cache.evictions[question.eviction].name();
        let has_limit = |capacity: &Capacity| *capacity != Capacity::Unbounded && eviction != "infinite";
        let lazily = scenario.cache.reclaim.name() == "lazy";
        let many = question.ttls.len() > 1;
        match design.rule.name() {
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
        let parts: Option<Vec<Vec<Point>>> = tasks
            .par_iter()
            .with_max_len(1)
            .map(|(capacity, ttls)| {
                if self.progress.stop() {
                    return None;
                }
                let (row, cells) = surface::ttls(self.trace, window, *capacity, ttls);
                self.progress.advanced(self.trace.len() as u64);
                self.progress.run_done();
                let seconds = window.length().as_secs_f64();
                Some(cells.iter().map(|cell| point(cell, &row, seconds)).collect())
            })
            .collect();
        Some(parts?.concat())
    }

    /// Every row of a cache without limit is the same.
    fn unbounded(&self, cells: impl FnOnce(&ByObject<'_>) -> Vec<surface::CellCounts>) -> Vec<Point> {
        let window = exact_window(self.scenario, self.trace);
        let by_object = ByObject::new(self.trace, window);
        let (requests, requested) = by_object.requested();
        // Nothing is evicted, so resident is all that was ever asked for: what one TTL shows is true of all.
        let resident_mean = by_object.ever_asked();
        let row = surface::RowCounts { requests, requested, resident_mean };
        let seconds = window.length().as_secs_f64();
        let points: Vec<Point> = cells(&by_object).iter().map(|cell| point(cell, &row, seconds)).collect();
        self.progress.run_done();
        points.repeat(self.question.capacities.len())
    }

    fn cells(&self) -> Result<Option<Vec<Point>>, Fault> {
        let seconds = exact_window(self.scenario, self.trace).length().as_secs_f64();
        let play = |player: &mut Player, plan: &CellPlan| -> Result<Option<Point>, Fault> {
            if self.progress.stop() {
                return Ok(None);
            }
            let play = exact(self.scenario, plan, self.trace, self.seed(), Detail::Bytes)?;
            let play = play.map_err(|reason| Fault::new(0..0, reason))?;
            let counts = player.play(play);
            self.progress.advanced(self.trace.len() as u64);
            self.progress.run_done();
            let bytes = counts.bytes.unwrap_or_default();
            let requests = counts.requests();
            Ok(Some(Point {
                hit: share(counts.hits, requests),
                error: None,
                origin_rate: rate(counts.misses() as f64, seconds),
                resident_bytes: bytes.resident.mean,
                live_bytes: bytes.resident.mean - bytes.dead_mean,
            }))
        };
        self.plans.par_iter().with_max_len(1).map_init(Player::default, play).collect()
    }

    fn engine(&self) -> Result<Option<Vec<Point>>, Fault> {
        let all = Portion::whole(Arc::clone(self.trace));
        let whole = |plan: &CellPlan| self.simulate(plan, &all);
        let found: Option<Vec<Simulated>> =
            self.plans.par_iter().with_max_len(1).map(whole).collect::<Result<_, _>>()?;
        let point = |seen: Simulated| Point {
            hit: share(seen.hits, seen.requests),
            error: None,
            origin_rate: rate(seen.fetches as f64, seen.seconds),
            resident_bytes: seen.resident_bytes,
            live_bytes: seen.live_bytes,
        };
        Ok(found.map(|found| found.into_iter().map(point).collect()))
    }

    /// A share of the keys that leaves enough requests for each simulation and far fewer than all.
    fn rate_that_pays(&self) -> f64 {
        const ENOUGH: f64 = 50_000.0;
        let rate = ENOUGH / self.trace.len().max(1) as f64;
        // Beyond this, samples together see as much as there is.
        let rate = rate.max(Extent::of(self.trace).least_rate());
        if rate * SAMPLES as f64 >= 1.0 { 1.0 } else { rate.max(0.001) }
    }

    fn samples(&self, rate: f64, samples: usize) -> Result<Option<Vec<Point>>, Fault> {
        let extent = Extent::of(self.trace);
        for plan in &self.plans {
            check_scale(self.scenario, plan, &extent, rate)?;
        }
        let sampling =
            Sampling::new(self.scenario, Arc::clone(self.trace), rate, self.seed().of("curve"), samples);
        let portions: Vec<Portion> = (0..samples).into_par_iter().map(|nth| sampling.sample(nth)).collect();
        let tasks: Vec<(usize, usize)> =
            (0..self.plans.len()).flat_map(|cell| (0..samples).map(move |nth| (cell, nth))).collect();
        let seen = |&(cell, nth): &(usize, usize)| self.simulate(&self.plans[cell], &portions[nth]);
        let found: Option<Vec<Simulated>> =
            tasks.par_iter().with_max_len(1).map(seen).collect::<Result<_, _>>()?;
        Ok(found.map(|found| found.chunks(samples).map(estimate).collect()))
    }

    fn simulate(&self, plan: &CellPlan, portion: &Portion) -> Result<Option<Simulated>, Fault> {
        if self.progress.stop() {
            return Ok(None);
        }
        let Some(seen) = portion.play(self.scenario, plan, self.seed(), self.progress)? else {
            return Ok(None);
        };
        self.progress.run_done();
        let outcomes = &seen.totals.outcomes;
        Ok(Some(Simulated {
            requests: outcomes.total(),
            hits: outcomes.hits(),
            fetches: seen.origin.fetches,
            seconds: seen.scored.as_secs_f64(),
            resident_bytes: seen.memory.mean_bytes,
            live_bytes: seen.memory.mean_bytes - seen.memory.expired_resident_mean_bytes,
        }))
    }
}

/// What a simulation shows of a cell.
#[derive(Debug, Clone, Copy)]
struct Simulated {
    requests: u64,
    hits: u64,
    fetches: u64,
    seconds: f64,
    resident_bytes: f64,
    live_bytes: f64,
}

/// What samples of the keys say together.
fn estimate(seen: &[Simulated]) -> Point {
    let ratios: Option<Vec<f64>> = seen.iter().map(|seen| share(seen.hits, seen.requests)).collect();
    let ratio = ratios.as_deref().and_then(Estimate::of);
    let interval = ratio.and_then(|ratio| ratio.interval);
    let mean = |of: fn(&Simulated) -> f64| seen.iter().map(of).sum::<f64>() / seen.len() as f64;
    Point {
        hit: ratio.map(|ratio| ratio.mean),
        error: interval.map(|interval| (interval.high - interval.low) / 2.0),
        origin_rate: rate(mean(|seen| seen.fetches as f64), seen[0].seconds),
        resident_bytes: mean(|seen| seen.resident_bytes),
        live_bytes: mean(|seen| seen.live_bytes),
    }
}

fn point(cell: &surface::CellCounts, row: &surface::RowCounts, seconds: f64) -> Point {
    Point {
        hit: share(cell.hits, row.requests),
        error: None,
        origin_rate: rate((row.requests - cell.hits) as f64, seconds),
        resident_bytes: row.resident_mean,
        live_bytes: cell.live_mean,
    }
}

fn share(of: u64, all: u64) -> Option<f64> {
    (all > 0).then(|| of as f64 / all as f64)
}

fn rate(count: f64, seconds: f64) -> Option<f64> {
    (seconds > 0.0).then(|| count / seconds)
}
