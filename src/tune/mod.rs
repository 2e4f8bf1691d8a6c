//! What to run: the cells of a sweep, each over its replications, in parallel; and the search for better settings.

mod grid;
mod run;
mod study;

pub use grid::{CellPlan, grid};
pub use run::{CellRun, Failure, Played, Progress, Runs, bucket_for, replication_seed, run, simulation};
pub use study::{
    Against, Budget, Ended, Finalist, Flatness, Kept, Move, Tried, Tuned, Unfinished, Watch, sampler, tune,
};
