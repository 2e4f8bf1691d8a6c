//! What happened: one [`Outcome`] per request, the observers that watch, and the [`Measurements`] they leave.
//!
//! Strategies do not count and neither does the engine: it tells an [`Observer`] what happens, and
//! the [`Recorder`] keeps what a record needs.

mod census;
mod freshness;
mod latency;
mod measurements;
mod observer;
mod origin_load;
mod outcome;
mod recorder;
mod robots;
mod series;
mod servers;
mod stampedes;
mod sweeps;
mod waits;
mod whole;

pub use census::{Census, Demand};
pub use measurements::{
    Bucket, Burst, ClassBucket, ClassTotals, Commands, Freshness, Incidents, Latencies, Measurements,
    MemoryUse, OriginLoad, Series, Stampede, StampedeTotals, SweepTotals, Tally,
};
pub use observer::{Asked, Command, Incident, Observer, Regeneration, Served, Sweep};
pub use outcome::{Outcome, OutcomeKind};
pub use recorder::{Recorder, Setting};
pub use robots::Portion;
pub use waits::Waits;
pub use whole::{Sampled, Scaling, Shared};

pub use crate::cache::Cause;
