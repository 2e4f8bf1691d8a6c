//! What to run: the cells of a sweep, each over its replications, in parallel.

mod grid;
mod run;

pub use grid::{CellPlan, grid};
pub use run::{
    CellRun, Failure, Played, Progress, Runs, bucket_for, changes, replication_seed, run, simulation,
};
