//! Judgement: from what was measured to which strategy to choose, and how sure that is.
//!
//! A [`Cell`] holds the measurements of one strategy at one point of the sweep, one per
//! replication. [`judge`] weighs all cells by the scenario's [`Rules`]: scores, differences to the
//! baseline, gates, the Pareto front, the winner and what the scenario's author expected.

mod cell;
mod composite;
mod cost;
#[cfg(test)]
pub(crate) mod fixture;
mod gates;
mod objective;
mod pareto;
pub mod rates;
mod sensitivity;
mod stats;
mod target;
mod timeouts;
mod verdict;

pub use cell::{Cell, Replications};
pub use composite::{FORMULA, Weights};
pub use cost::{HOURS_PER_MONTH, MemoryPrice, MonthlyCost, Node, Prices, Rented};
pub use gates::{Bound, Checked, Expectation, Gate, Held};
pub use objective::{Better, METRICS, Metric, Unit, Written};
pub use sensitivity::{Stretch, stretches};
pub(crate) use stats::student_95;
pub use stats::{Estimate, Interval};
pub use target::{TargetError, targets, written};
pub use timeouts::{TimeoutCosts, Weighed, timeouts};
pub use verdict::{CellVerdict, PAIRED, RULE, Rules, Verdict, judge, step_of};
