//! The full grid: every strategy under every eviction policy at every capacity.

use crate::cache::Capacity;
use crate::scenario::Scenario;

/// One cell of the sweep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CellPlan {
    /// Which of the scenario's strategies.
    pub strategy: usize,
    /// Which of its eviction policies.
    pub eviction: usize,
    /// How much the cache holds.
    pub capacity: Capacity,
}

/// All cells, in the order of the scenario: by strategy, then eviction, then capacity.
pub fn grid(scenario: &Scenario) -> Vec<CellPlan> {
    let mut cells = Vec::new();
    for strategy in 0..scenario.strategies.len() {
        for eviction in 0..scenario.cache.evictions.len() {
            for &capacity in &scenario.cache.capacities {
                cells.push(CellPlan { strategy, eviction, capacity });
            }
        }
    }
    cells
}
