//! Surfaces by the engine: over all keys, or over samples of them.

use std::sync::Arc;

use rayon::prelude::*;

use super::super::sampled::{Portion, Sampling};
use super::super::simulation::check_scale;
use super::{Asked, Figure, Point, per_second, share};
use crate::catalog::Fault;
use crate::engine::exact::recorded::Workspace;
use crate::metrics::OutcomeKind;
use crate::score::Estimate;
use crate::tune::CellPlan;

impl Asked<'_> {
    /// Every cell over all requests.
    pub(super) fn engine(&self) -> Result<Option<Vec<Point>>, Fault> {
        let all = Portion::whole(Arc::clone(self.trace));
        let workspace = Workspace::default();
        let whole = |plan: &CellPlan| self.simulate(plan, &all, &workspace);
        let found: Option<Vec<Simulated>> =
            self.plans.par_iter().with_max_len(1).map(whole).collect::<Result<_, _>>()?;
        let point = |seen: Simulated| Point {
            hit: Figure::exact(seen.hit),
            fresh_hit: Figure::exact(seen.fresh_hit),
            origin_rate: Figure::exact(seen.origin_rate),
            resident_bytes: Figure::exact(Some(seen.resident_bytes)),
            live_bytes: Figure::exact(Some(seen.live_bytes)),
        };
        Ok(found.map(|found| found.into_iter().map(point).collect()))
    }

    /// Every cell over so many samples of a share `rate` of the keys.
    pub(super) fn samples(&self, rate: f64, samples: usize) -> Result<Option<Vec<Point>>, Fault> {
        let extent = self.extent();
        for plan in &self.plans {
            check_scale(self.scenario, plan, extent, rate)?;
        }
        let sampling = Sampling::new(
            self.scenario,
            Arc::clone(self.trace),
            extent,
            rate,
            self.seed().of("curve"),
            samples,
        );
        let portions: Vec<Portion> = (0..samples).into_par_iter().map(|nth| sampling.sample(nth)).collect();
        let tasks: Vec<(usize, usize)> =
            (0..self.plans.len()).flat_map(|cell| (0..samples).map(move |nth| (cell, nth))).collect();
        let workspace = Workspace::default();
        let seen =
            |&(cell, nth): &(usize, usize)| self.simulate(&self.plans[cell], &portions[nth], &workspace);
        let found: Option<Vec<Simulated>> =
            tasks.par_iter().with_max_len(1).map(seen).collect::<Result<_, _>>()?;
        let tells_memory = !self.scenario.shared().sweeps;
        Ok(found.map(|found| found.chunks(samples).map(|seen| estimate(seen, tells_memory)).collect()))
    }

    fn simulate(
        &self,
        plan: &CellPlan,
        portion: &Portion,
        workspace: &Workspace,
    ) -> Result<Option<Simulated>, Fault> {
        if self.progress.stop() {
            return Ok(None);
        }
        let Some(seen) = portion.play(self.scenario, plan, self.seed(), self.progress, workspace)? else {
            return Ok(None);
        };
        self.progress.run_done();
        let outcomes = &seen.totals.outcomes;
        Ok(Some(Simulated {
            hit: share(outcomes.hits(), outcomes.total()),
            fresh_hit: share(outcomes.of(OutcomeKind::FreshHit), outcomes.total()),
            origin_rate: per_second(seen.origin.fetches as f64, seen.scored.as_secs_f64()),
            resident_bytes: seen.memory.mean_bytes,
            live_bytes: seen.memory.mean_bytes - seen.memory.expired_resident_mean_bytes,
        }))
    }
}

/// What a simulation shows of a cell.
#[derive(Debug, Clone, Copy)]
struct Simulated {
    hit: Option<f64>,
    fresh_hit: Option<f64>,
    origin_rate: Option<f64>,
    resident_bytes: f64,
    live_bytes: f64,
}

/// What samples of the keys say together: of every figure the mean, and Student's interval over the samples.
fn estimate(seen: &[Simulated], tells_memory: bool) -> Point {
    let of = |figure: fn(&Simulated) -> Option<f64>| {
        let values: Option<Vec<f64>> = seen.iter().map(figure).collect();
        let Some(estimate) = values.as_deref().and_then(Estimate::of) else { return Figure::default() };
        let half = estimate.interval.map(|interval| (interval.high - interval.low) / 2.0);
        Figure { value: Some(estimate.mean), error: half }
    };
    let memory =
        |figure: fn(&Simulated) -> Option<f64>| if tells_memory { of(figure) } else { Figure::default() };
    Point {
        hit: of(|seen| seen.hit),
        fresh_hit: of(|seen| seen.fresh_hit),
        origin_rate: of(|seen| seen.origin_rate),
        resident_bytes: memory(|seen| Some(seen.resident_bytes)),
        live_bytes: memory(|seen| Some(seen.live_bytes)),
    }
}
