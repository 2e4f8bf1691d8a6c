//! What to run: the cells of a sweep, each over its replications, in parallel; surfaces of one strategy; and the search for
//! better settings.

mod cluster;
mod exact;
mod grid;
mod run;
mod size;
mod study;
mod surface;

pub use cluster::{Clustered, Shard, cluster, placement};
pub use exact::{exact, exact_window};
pub use grid::{CellPlan, grid};
pub use run::{
    CellRun, Failure, Played, Progress, Runs, bucket_for, bucket_of, changes, replication_seed, run,
    simulation,
};
pub use size::{Answer, Held, Probe, Sized, Sizing};
pub use study::{
    Against, Budget, Ended, Finalist, Flatness, Kept, Move, Tried, Tuned, Unfinished, Watch, sampler, tune,
};
pub use surface::{Method, Point, Question, Surface, surface, ttl_of};
