//! What to run: the cells of a sweep, each over its replications, in parallel; surfaces of one strategy; how much memory is
//! enough, today and as things grow; what bad days do; and the search for better settings.

mod cluster;
mod drill;
mod exact;
mod grid;
mod growth;
mod quick;
mod run;
mod sampled;
mod simulation;
mod size;
mod study;
mod surface;

pub use cluster::{Clustered, Shard, cluster, placement};
pub use drill::{Drilled, DrilledCell, NoDrill, Outcome, Seen, drill};
pub use exact::{clock, exact, exact_window, needs_events};
pub use grid::{CellPlan, grid};
pub use growth::{Grown, Lasts, Month, Needed, NoGrowth, growth};
pub use quick::quick;
pub use run::{CellRun, Failure, Played, Progress, Runs, run};
pub use sampled::{SAMPLES, replications};
pub use simulation::{bucket_for, bucket_of, changes, replication_seed, simulation};
pub use size::{Answer, Fall, Held, Probe, Sized, Sizing};
pub use study::{
    Against, Budget, Drill, Ended, Finalist, Flatness, Kept, Move, Tried, Tuned, Unfinished, Watch, sampler,
    tune,
};
pub use surface::{
    Beside, Figure, INTERRUPTED, Least, Method, Outlook, PASS_PER_OBJECT, Part, Point, Question,
    ROUND_TTLS_S, Surface, kept, kept_for, least, shared_per_request, surface, ttl_of,
};
