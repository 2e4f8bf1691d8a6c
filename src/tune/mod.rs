//! What to run: the cells of a sweep, each over its replications, in parallel.

mod cluster;
mod grid;
mod run;
mod size;

pub use cluster::{Clustered, Shard, cluster, placement};
pub use grid::{CellPlan, grid};
pub use run::{CellRun, Failure, Played, Progress, Runs, bucket_for, replication_seed, run, simulation};
pub use size::{Answer, Held, Probe, Sized, Sizing};
