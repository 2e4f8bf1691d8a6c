//! What was found beside the cells, as the record has it.

use super::wire::{Lattice, Surface};
use crate::cache::Capacity;
use crate::scenario::Scenario;
use crate::tune::{Beside, Figure, Part, Point};

impl Surface {
    /// Writes down what was found beside the cells of a run.
    pub fn of_run(scenario: &Scenario, beside: &Beside) -> Self {
        Self {
            curve: lattice(scenario, &beside.curve),
            map: beside.map.as_ref().map(|part| lattice(scenario, part)),
        }
    }
}

fn lattice(scenario: &Scenario, part: &Part) -> Lattice {
    let named = Lattice {
        strategy: scenario.strategies[part.strategy].name.clone(),
        eviction: scenario.cache.evictions[part.eviction].name().to_owned(),
        ..Lattice::default()
    };
    let surface = match &part.found {
        Ok(surface) => surface,
        Err(why) => return Lattice { absent: Some(why.clone()), ..named },
    };
    let limit = |capacity: &Capacity| match capacity {
        Capacity::Bytes(limit) | Capacity::Objects(limit) => *limit,
        Capacity::Unbounded => u64::MAX,
    };
    let [fresh_hit, origin_rate]: [fn(&Point) -> Figure; 2] =
        [|point| point.fresh_hit, |point| point.origin_rate];
    let values = |of: fn(&Point) -> Figure| surface.points.iter().map(|point| of(point).value).collect();
    let errors = |of: fn(&Point) -> Figure| {
        let all: Vec<Option<f64>> = surface.points.iter().map(|point| of(point).error).collect();
        if all.iter().any(Option::is_some) { all } else { Vec::new() }
    };
    Lattice {
        method: surface.method.words(),
        because: surface.because.clone(),
        in_bytes: surface.capacities.iter().all(|capacity| matches!(capacity, Capacity::Bytes(_))),
        holds_all: part.holds_all,
        limits: surface.capacities.iter().map(limit).collect(),
        ttl_s: surface.ttls.iter().map(|ttl| ttl.as_secs_f64()).collect(),
        fresh_hit: values(fresh_hit),
        fresh_hit_error: errors(fresh_hit),
        origin_rate: values(origin_rate),
        origin_rate_error: errors(origin_rate),
        ..named
    }
}
