//! The same strategies, driven by the wall clock against a real server; the only sockets.
//!
//! Open loop: every request starts when the trace says (`pace.rs`), whatever the server does, and its wait counts
//! from that instant. The strategy, the client and the origin are those of a simulation; values are incompressible
//! and as long as the recorded ones. What happens is told to the observer of a simulation, so that a live run gives
//! the same measurements; what the cache held comes from INFO, asked again and again.
//!
//! A run is careful with a server that is not its own: it refuses one that holds keys unless it is told otherwise,
//! keeps to keys with its own prefix, says before it starts what it will write and keeps to limits, puts settings
//! back, removes its keys at the end and when it is interrupted, and never flushes.
//!
//! The origin may be an HTTP server as well: it answers in the place of the model, whose servers limit it (`origin/`).

#![expect(clippy::disallowed_methods, reason = "a live run follows the wall clock, on threads of its own")]

mod clock;
mod doubts;
mod ledger;
mod limits;
mod link;
pub mod load;
mod origin;
mod owed;
mod pace;
mod play;
mod questions;
mod ready;
mod refuse;
mod run;
mod server;
mod tidy;
mod tls;
pub mod validate;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use limits::Beside;
pub use limits::{Limits, Undertaking};
pub use origin::Template;
pub use owed::owed;
pub use play::{Fills, LookedAgain};
pub use server::{Calls, Served, Shown, Slowest, Worked, stop_servers};
pub use tls::Tls;

use crate::cache::redis::Kinds;
use crate::catalog::Fault;
use crate::metrics::Measurements;
use crate::scenario::Scenario;
use crate::trace::Trace;
use crate::tune::{self, CellPlan, Failure, Progress};
use crate::units::SimDuration;

/// Which server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// One of its own for each cell, from the PATH.
    Spawn,
    /// The one at this address, such as `redis://:PASSWORD@HOST:PORT/DB`, or `rediss://...` with TLS.
    Url(String),
    /// The cluster that some servers belong to, such as `redis://HOST:PORT,HOST:PORT`.
    Cluster(String),
}

impl Target {
    /// The server at an address, or the cluster if it is one or the address names several servers.
    pub fn at(url: &str, is_cluster: bool) -> Self {
        if is_cluster || link::names_several(url) {
            Self::Cluster(url.to_owned())
        } else {
            Self::Url(url.to_owned())
        }
    }
}

/// How a scenario is to be played live.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Which server.
    pub target: Target,
    /// Virtual seconds in a real one; 1 is as recorded.
    pub speed: f64,
    /// What all keys begin with, on a server that is not its own.
    pub prefix: String,
    /// Connections of each of the application's processes.
    pub connections: usize,
    /// Whether the server's settings are set as the scenario's cache says, and put back afterwards.
    pub configure: bool,
    /// Whether the server may hold keys of others.
    pub allow_nonempty: bool,
    /// What it may ask of the server.
    pub limits: Limits,
    /// Where fetches are sent; `None` lets the scenario's model answer them.
    pub origin: Option<Template>,
    /// Certificates for connections with TLS.
    pub tls: Tls,
}

impl Options {
    /// Refuses files of certificates that are of no use here.
    fn check_certificates(&self) -> Result<(), LiveError> {
        let redis = match &self.target {
            Target::Spawn => false,
            Target::Url(url) | Target::Cluster(url) => link::is_by_tls(url),
        };
        let origin = self.origin.as_ref().is_some_and(|origin| origin.as_str().starts_with("https://"));
        if self.tls.own.is_some() && !redis {
            return Err(LiveError::Other(
                "--tls-cert: it is shown to a Redis server that is reached by TLS; write --redis rediss://..."
                    .to_owned(),
            ));
        }
        if self.tls.ca.is_some() && !redis && !origin {
            return Err(LiveError::Other(
                "--tls-ca: nothing is reached by TLS; write --redis rediss://... or --origin https://..."
                    .to_owned(),
            ));
        }
        Ok(())
    }

    /// Whether the server's limit of memory is that of the scenario.
    fn sets_the_limit(&self) -> bool {
        self.configure || self.target == Target::Spawn
    }

    /// What keys begin with: nothing on a server of its own.
    pub fn prefix(&self) -> &str {
        match self.target {
            Target::Spawn => "",
            Target::Url(_) | Target::Cluster(_) => &self.prefix,
        }
    }
}

/// Why nothing was played.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    /// The scenario asks for what a live run cannot do; all of it.
    #[error("a live run cannot do this:\n  {}", .0.join("\n  "))]
    CannotDo(Vec<String>),
    /// A part of the scenario cannot be made for this trace.
    #[error("{}", .0.what)]
    Scenario(Fault),
    /// Anything else, as a sentence that names what was wrong and what to do.
    #[error("{0}")]
    Other(String),
}

/// How a live run kept its pace, in seconds of real time.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Pace {
    /// By how much requests were started late: half of them, 99 of 100, and the worst.
    pub late_s: [f64; 3],
    /// How long the server took for a GET, likewise; a slow client counts.
    pub get_s: [f64; 3],
    /// Both for 999 of 1000.
    pub p999_s: [f64; 2],
    /// By how much later than planned fetches ended: 99 of 100, and 999 of 1000. Timers have ticks of their own.
    pub overdue_s: [f64; 2],
    /// Most requests that had no answer at once.
    pub most_under_way: u64,
    /// Where in a minute of the server's clock the run began, in milliseconds.
    pub clock_phase_ms: u32,
    /// Values that were sent, and those of them that the server refused.
    pub fills: Fills,
    /// GETs of the scored part in scripts that gave a lock back: those that found it, and those that did not.
    pub lock_reads: [u64; 2],
    /// How the server counts its memory.
    pub memory_count: MemoryCount,
    /// How long the server itself worked, by its INFO; `None` where it was not asked after the beginning.
    pub served: Option<Served>,
    /// What else it told of itself; `None` where it never answered.
    pub shown: Option<Shown>,
    /// From one look at the server to the next, on average; in seconds of the trace.
    pub look_s: f64,
    /// Whether the server's clock stepped meanwhile.
    pub clock_stepped: bool,
    /// Whether somebody reset the server's counters meanwhile.
    pub counters_reset: bool,
    /// Whether fetches were answered by an HTTP server and not by the scenario's model of an origin.
    pub real_origin: bool,
    /// Virtual seconds in a real one.
    pub speed: f64,
    /// The shortest that the scenario times, in words, and how long that is; in the trace's time.
    pub shortest: Option<(&'static str, SimDuration)>,
    /// Looks of requests that had looked before.
    pub looked_again: LookedAgain,
    /// The server when the run began; `None` where it does not tell.
    pub before: Option<Before>,
}

/// How a server counts its memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MemoryCount {
    /// As the Redis 7.0 with jemalloc that is modelled, for all that is known.
    #[default]
    AsModelled,
    /// As another version, or by another allocator.
    Otherwise,
}

/// A server when a run began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Before {
    /// Bytes in use but for those of its connections.
    pub bytes: u64,
    /// Keys of others.
    pub keys: u64,
    /// Kinds of commands that it had been sent before: it keeps a histogram of each.
    pub kinds: Kinds,
    /// Whether it was started for the run.
    pub just_started: bool,
}

/// A tick of the harness's timers, in seconds.
const TICK: f64 = 1e-3;

/// What part of the shortest time of a scenario the harness may be off by: a fetch that takes a tenth longer makes a tenth
/// more delayed hits, and half a percentage point of all requests where they are one in twenty.
const COARSE: f64 = 0.1;

/// What part of the looks of those who wait `--max-rate` may hold back until they are no longer those of the strategy.
const HELD_BACK: f64 = 0.01;

impl Pace {
    /// Whether one request in a hundred was started so late that the figures tell of the harness and not of the server.
    pub fn is_client_limited(&self) -> bool {
        self.late_s[1] > run::LATE.as_secs_f64()
    }

    /// The shortest that the scenario times, and by how much the harness may be off in the trace's time, where that is too
    /// much: the higher the speed, the sooner.
    pub fn coarse(&self) -> Option<(&'static str, SimDuration, SimDuration)> {
        let (what, shortest) = self.shortest?;
        let off = SimDuration::from_secs_f64(self.late_s[1].max(TICK) * self.speed);
        (off.as_secs_f64() > COARSE * shortest.as_secs_f64()).then_some((what, shortest, off))
    }

    /// Whether the limit of reads held back those who wait, so that they waited otherwise than their strategy says.
    pub fn is_held_back(&self) -> bool {
        let LookedAgain { all, held_back, .. } = self.looked_again;
        held_back as f64 > HELD_BACK * all as f64
    }
}

/// A limit of memory that a server has by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnLimit {
    /// In bytes; `None` where it has none.
    pub bytes: Option<u64>,
    /// What it does there, by Redis's names; empty where it does not tell.
    pub policy: String,
}

/// A cell that was played live.
#[derive(Debug)]
pub struct LiveCell {
    /// Which one.
    pub plan: CellPlan,
    /// What was measured.
    pub result: Result<Measurements, Failure>,
    /// How it kept its pace; `None` if it did not come to its end.
    pub pace: Option<Pace>,
    /// What the server itself worked from one question to the next, warm-up included; empty where it does not tell.
    pub worked: Vec<Worked>,
    /// The server, for people; empty if there was none.
    pub server: String,
    /// The limit that the server kept to, where that is not the scenario's.
    pub own_limit: Option<OwnLimit>,
    /// What the reader must know.
    pub warnings: Vec<String>,
    /// Whether the server is as it was before: the keys are removed, and the settings put back. A warning says what is not.
    pub is_tidy: bool,
}

/// The trace as a live run plays it: its keys are those on the server.
pub fn named(trace: &Arc<Trace>, options: &Options) -> Arc<Trace> {
    match options.prefix() {
        "" => Arc::clone(trace),
        prefix => Arc::new(trace.with_key_prefix(prefix)),
    }
}

/// What it takes to play these cells.
///
/// # Errors
/// If a live run cannot do what the scenario asks for, a part of the scenario cannot be made for this trace, or it is more
/// than the limits allow.
pub fn undertaking(
    scenario: &Scenario,
    cells: &[CellPlan],
    trace: &Arc<Trace>,
    options: &Options,
) -> Result<Undertaking, LiveError> {
    let refused = refuse::refused(scenario, cells, trace);
    if !refused.is_empty() {
        return Err(LiveError::CannotDo(refused));
    }
    options.check_certificates()?;
    let jobs = most_jobs(scenario, cells, trace, options.speed)?;
    let mut beside = BTreeMap::new();
    for cell in cells {
        if let Entry::Vacant(place) = beside.entry(cell.strategy) {
            let seed = tune::replication_seed(scenario.seed, 0);
            let simulation = tune::simulation(scenario, cell, trace, seed).map_err(LiveError::Scenario)?;
            place.insert(Beside::of(&simulation.strategy, &simulation.client));
        }
    }
    let of = |own_limit| Undertaking { jobs, ..Undertaking::of(trace, cells, options, &beside, own_limit) };
    let mut undertaking = of(None);
    if undertaking.is_too_large(&options.limits) && !options.sets_the_limit() {
        // The server may have a limit of its own.
        let own_limit = on_this_thread(ready::own_limit(options))?;
        undertaking = of(own_limit.map_err(LiveError::Other)?);
    }
    undertaking.within(&options.limits).map_err(LiveError::Other)?;
    undertaking.doubts = doubts::foreseen(scenario, cells, trace, options)?;
    Ok(undertaking)
}

/// Most jobs of a refresh policy in a second of real time, in the cell with most of them.
fn most_jobs(
    scenario: &Scenario,
    cells: &[CellPlan],
    trace: &Arc<Trace>,
    speed: f64,
) -> Result<u64, LiveError> {
    let second = SimDuration::from_secs_f64(speed);
    let mut most = 0;
    for (nth, cell) in cells.iter().enumerate() {
        // What a strategy does by the clock no limit of memory changes.
        if cells[..nth].iter().any(|before| before.strategy == cell.strategy) {
            continue;
        }
        let seed = tune::replication_seed(scenario.seed, 0);
        let simulation = tune::simulation(scenario, cell, trace, seed).map_err(LiveError::Scenario)?;
        most = most.max(simulation.strategy.refresh.most_jobs(trace.objects().len(), second));
    }
    Ok(most)
}

/// Plays cells one after the other; `trace` is a [`named`] one. A cell that breaks off, or is stopped, ends the run:
/// its failure and those after it are in the results.
///
/// # Errors
/// If a part of the scenario cannot be made for this trace, or the server cannot be used.
pub fn run(
    scenario: &Scenario,
    cells: &[CellPlan],
    trace: &Arc<Trace>,
    options: &Options,
    progress: &dyn Progress,
) -> Result<Vec<LiveCell>, LiveError> {
    on_this_thread(run::cells(scenario, cells, trace, options, progress))?
}

/// Waits for something that speaks with servers.
fn on_this_thread<F: Future>(what: F) -> Result<F::Output, LiveError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime =
        runtime.map_err(|error| LiveError::Other(format!("no network can be used here: {error}")))?;
    Ok(runtime.block_on(what))
}
