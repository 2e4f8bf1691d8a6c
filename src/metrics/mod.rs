//! What happened: one [`Outcome`] per request, the observers that watch, and the [`Measurements`] they leave.

mod measurements;
mod outcome;

pub use measurements::{
    Bucket, ClassTotals, Commands, Freshness, Latencies, Measurements, MemoryUse, OriginLoad, Series,
    Stampede, StampedeTotals, Tally,
};
pub use outcome::{Cause, Outcome, OutcomeKind};
