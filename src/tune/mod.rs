//! What to run: the cells of a sweep, each over its replications, in parallel; and surfaces of one strategy.

mod exact;
mod grid;
mod run;
mod surface;

pub use exact::{exact, exact_window};
pub use grid::{CellPlan, grid};
pub use run::{CellRun, Failure, Played, Progress, Runs, bucket_for, replication_seed, run, simulation};
pub use surface::{Method, Point, Question, Surface, surface, ttl_of};
