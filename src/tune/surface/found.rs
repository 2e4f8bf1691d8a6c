//! What a surface says.

use crate::cache::Capacity;
use crate::units::SimDuration;

/// How a surface was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Method {
    /// Exact: one pass a capacity for up to 16 TTLs.
    Passes,
    /// Exact: one pass for up to 16 capacities in objects, without TTLs.
    Sizes,
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
            Self::Sizes => "exact: one pass for up to 16 capacities".to_owned(),
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

/// A number and how far it may be off.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Figure {
    /// The number; `None` where it is not known.
    pub value: Option<f64>,
    /// Half of its 95 % interval; `None` where it is exact, or not known.
    pub error: Option<f64>,
}

impl Figure {
    /// A number that is not off.
    pub fn exact(value: Option<f64>) -> Self {
        Self { value, error: None }
    }

    /// The error as a share of the value; `None` where either is not known, or there is nothing to share.
    pub fn relative_error(self) -> Option<f64> {
        Some(self.error? / self.value.filter(|value| *value > 0.0)?)
    }
}

/// One cell.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Point {
    /// Requests answered from the cache, as a share of those scored; not known without requests.
    pub hit: Figure,
    /// Of these, within their TTL; exact methods are of strategies that serve nothing else.
    pub fresh_hit: Figure,
    /// Fetches a second from the origin; not known where no time was scored.
    pub origin_rate: Figure,
    /// Bytes resident, averaged over time, dead entries included; not known where a sample does not tell them.
    pub resident_bytes: Figure,
    /// Of these, bytes of entries that live; likewise.
    pub live_bytes: Figure,
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
    /// Why nothing is told of memory, where that is so.
    pub memory_untold: Option<&'static str>,
}

impl Surface {
    /// The cells of one row.
    pub fn row(&self, nth: usize) -> &[Point] {
        let columns = self.ttls.len().max(1);
        &self.points[nth * columns..(nth + 1) * columns]
    }
}
