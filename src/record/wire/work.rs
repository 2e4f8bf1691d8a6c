//! How long the server of a live run itself worked, by its INFO.

use serde::{Deserialize, Serialize};

use super::super::columns::WorkSeries;

/// How long the server of a live run itself worked on reads and writes, in milliseconds of real time, without waits and the
/// network.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ServerWork {
    /// Mean time of a GET in the scored part; `null` where there was none.
    pub get_mean_ms: Option<f64>,
    /// Mean time of a SET, those of locks among them.
    pub set_mean_ms: Option<f64>,
    /// What 99 of 100 GETs since the server was started took no longer than; `null` where it keeps no histograms (before Redis
    /// 7.0, and with `latency-tracking no`).
    pub get_p99_ms: Option<f64>,
    /// The stretch of the scored part in which GETs took longest; `null` where the server was asked only once in it.
    pub slowest: Option<SlowestWork>,
    /// The same over time.
    pub series: WorkSeries,
}

/// A stretch of time between two questions.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SlowestWork {
    /// When it began, in seconds.
    pub from_s: f64,
    /// When it ended.
    pub until_s: f64,
    /// Mean time of a GET in it.
    pub get_mean_ms: f64,
    /// Mean time of a SET in it; `null` where there was none.
    pub set_mean_ms: Option<f64>,
}
