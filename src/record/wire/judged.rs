//! By what cells were judged, and what came of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How cells were scored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scoring {
    /// Weight of each objective.
    pub weights: BTreeMap<String, f64>,
    /// The formula of the score, in words and symbols.
    pub formula: String,
    /// The rule by which the winner was chosen, in a sentence.
    pub rule: String,
    /// Index of the recommended cell; `null` where no cell passes every gate.
    pub winner: Option<usize>,
    /// Cells that are indistinguishable from the winner in score.
    pub indistinguishable: Vec<usize>,
    /// Why nothing is recommended whatever the scores are, as a sentence; absent where nothing is in the way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withheld: Option<String>,
}

/// What the scenario's author claimed about a cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Expectation {
    /// Strategy.
    pub strategy: String,
    /// Which cell, for people.
    pub cell: String,
    /// Field of the cell.
    pub metric: String,
    /// Least expected value.
    pub low: f64,
    /// Greatest expected value.
    pub high: f64,
    /// What came out; `null` where there are no data.
    pub value: Option<f64>,
    /// Whether it lies within.
    pub met: bool,
}

/// A paired difference to the baseline.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// This cell minus the baseline, averaged over replications.
    pub mean: f64,
    /// Lower end of the 95 % interval; `null` with a single replication.
    pub low: Option<f64>,
    /// Its upper end.
    pub high: Option<f64>,
    /// Whether 0 lies in the interval; `null` with a single replication.
    pub indistinguishable: Option<bool>,
}

/// A limit the scenario sets.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Gate {
    /// What came out; `null` without data, which fails.
    pub value: Option<f64>,
    /// The limit.
    pub limit: f64,
    /// Whether the value must be at least (`min`) or at most (`max`) the limit.
    pub bound: Bound,
    /// Whether it passes.
    pub pass: bool,
    /// In how many replications it is kept, and of how many with data; `null` in records that do not say.
    #[serde(default)]
    pub kept_in: Option<[u32; 2]>,
}

/// Direction of a gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// At least.
    Min,
    /// At most.
    Max,
}
