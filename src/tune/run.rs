//! Runs the cells: the only place with threads.
//!
//! Every task is one simulation of one cell in one replication. All cells of a replication share one
//! trace, which is made when the first of them needs it and dropped after the last. Results are
//! ordered by their place in the plan, so that the number of threads changes nothing.

use std::cmp::Reverse;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};

use rayon::prelude::*;

use super::CellPlan;
use super::exact::needs_events;
use super::sampled::{Extent, Portion, Source, replications};
use super::simulation::{check_scale, refuse_timeless, replication_seed, simulation};
use crate::cache::Capacity;
use crate::catalog::Fault;
use crate::engine::Pulse;
use crate::engine::exact::recorded::Workspace;
use crate::metrics::Measurements;
use crate::random::Seed;
use crate::scenario::{Scenario, replications_at_once};
use crate::trace::Trace;
use crate::trace::synth::{Workload, generate};

/// Somebody who is told how far the runs are, from any thread, and may stop them.
pub trait Progress: Sync {
    /// So many more requests have been simulated.
    fn advanced(&self, requests: u64);

    /// One more run is done.
    fn run_done(&self);

    /// Whether all runs should stop now.
    fn stop(&self) -> bool;

    /// What a run measured that needs not be made again, because an earlier sweep made it. It is asked for once.
    fn known(&self, _cell: usize, _replication: usize) -> Option<Measurements> {
        None
    }

    /// Something that the user must know at once.
    fn told(&self, _what: &str) {}

    /// A run was made and measured this.
    fn measured(&self, _cell: usize, _replication: usize, _: &Measurements) {}
}

/// Nobody watches, and nobody stops.
impl Progress for () {
    fn advanced(&self, _: u64) {}

    fn run_done(&self) {}

    fn stop(&self) -> bool {
        false
    }
}

/// Where the requests of each replication come from.
#[derive(Debug, Clone)]
pub enum Runs {
    /// A recorded trace, played once.
    Recorded(Arc<Trace>),
    /// A trace made anew for each replication.
    Synthetic(Arc<Workload>),
}

/// Why a run has no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// It was stopped.
    Stopped,
    /// It broke off: a bug, with its message.
    Broken(String),
}

/// What became of a cell, by replication.
#[derive(Debug)]
pub struct CellRun {
    /// Which cell.
    pub plan: CellPlan,
    /// The results, in the order of replications.
    pub replications: Vec<Result<Measurements, Failure>>,
}

/// The results of all cells, and the trace of the first replication.
#[derive(Debug)]
pub struct Played {
    /// The cells, in the order of the plan.
    pub cells: Vec<CellRun>,
    /// The trace of the first replication; `None` if everything was stopped before it was made.
    pub trace: Option<Arc<Trace>>,
}

/// Runs every cell in every replication on rayon's current pool.
///
/// # Errors
/// If a part of the scenario cannot be made for this trace, such as recorded origin times that the
/// trace does not have.
pub fn run(
    scenario: &Scenario,
    cells: &[CellPlan],
    runs: &Runs,
    progress: &dyn Progress,
) -> Result<Played, Fault> {
    let traces = match runs {
        Runs::Recorded(trace) => {
            // What depends on the trace is found out before anything runs: once for every strategy and policy.
            refuse_timeless(scenario, trace)?;
            scenario.check_buckets(trace.span())?;
            let mut seen = None;
            let mut is_new = |plan: &&CellPlan| {
                let pair = Some((plan.strategy, plan.eviction));
                std::mem::replace(&mut seen, pair) != pair
            };
            for plan in cells.iter().filter(|plan| is_new(plan)) {
                simulation(scenario, plan, trace, Seed::new(scenario.seed))?;
            }
            1
        }
        Runs::Synthetic(_) => scenario.repeat as usize,
    };
    let repeat = replications(scenario, runs);
    // The first trace is told of in the record.
    let first = OnceLock::new();
    let make = |number: usize| match runs {
        Runs::Recorded(trace) => Arc::clone(trace),
        Runs::Synthetic(workload) => {
            let make = || Arc::new(generate(workload, replication_seed(scenario.seed, number as u64)));
            if number == 0 { Arc::clone(first.get_or_init(make)) } else { make() }
        }
    };
    let extent = scenario.sample.filter(|_| !cells.is_empty()).map(|_| Extent::of(&make(0)));
    if let (Some(rate), Some(extent)) = (scenario.sample, &extent) {
        for plan in cells {
            check_scale(scenario, plan, extent, rate)?;
        }
    }
    let source = Source::new(scenario, traces, extent);
    let at_once = replications_at_once(rayon::current_num_threads() as u64, cells.len() as u64);
    let room = Room::of(at_once);
    let traces: Vec<Shared> = (0..repeat).map(|_| Shared::new(cells.len(), &room)).collect();
    let longest_first = longest_first(scenario, cells);
    let workspace = Workspace::default();
    let next = AtomicUsize::new(0);
    // Every thread takes the next run that is left, in this order.
    let worker = |_: usize| {
        let mut done = Vec::new();
        loop {
            let task = next.fetch_add(1, Ordering::Relaxed);
            let (replication, place) = (task / cells.len().max(1), task % cells.len().max(1));
            if task >= repeat * cells.len() {
                return done;
            }
            let cell = longest_first[place];
            let seed = replication_seed(scenario.seed, replication as u64);
            let shared = &traces[replication];
            let result = if let Some(known) = progress.known(cell, replication) {
                Ok(known)
            } else if progress.stop() {
                Err(Failure::Stopped)
            } else {
                let portion = || shared.get(|| source.portion(replication, &make));
                let made = one(scenario, &cells[cell], &portion, seed, progress, &workspace);
                if let Ok(measured) = &made {
                    progress.measured(cell, replication, measured);
                }
                made
            };
            shared.done();
            if result.is_ok() {
                progress.run_done();
            }
            done.push((replication, cell, result));
        }
    };
    let workers = 0..rayon::current_num_threads();
    let mut results: Vec<(usize, usize, Result<Measurements, Failure>)> =
        workers.into_par_iter().with_max_len(1).flat_map_iter(worker).collect();
    results.sort_by_key(|(replication, cell, _)| (*replication, *cell));
    let mut by_cell: Vec<CellRun> =
        cells.iter().map(|plan| CellRun { plan: *plan, replications: Vec::with_capacity(repeat) }).collect();
    let is_done = results.iter().any(|(_, _, result)| result.is_ok());
    for (_, cell, result) in results {
        by_cell[cell].replications.push(result);
    }
    // Where every run of the first replication was known, nobody has made its trace.
    let is_made = matches!(runs, Runs::Recorded(_)) || first.get().is_some();
    let trace = (is_made || is_done).then(|| make(0));
    Ok(Played { cells: by_cell, trace })
}

/// The places of the cells, those that take longest first, so that no thread is left with a long run at the end
/// (longest processing time first: Graham, Bounds on multiprocessing timing anomalies, 1969).
fn longest_first(scenario: &Scenario, cells: &[CellPlan]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..cells.len()).collect();
    order.sort_by_cached_key(|place| Reverse(duration(scenario, &cells[*place])));
    order
}

/// How long a cell takes beside others, roughly: what benches/strategies.rs, benches/redis.rs and benches/exact.rs show,
/// and of equal ones the smaller cache, which misses more.
fn duration(scenario: &Scenario, plan: &CellPlan) -> (u64, Reverse<u64>) {
    let design = &scenario.strategies[plan.strategy];
    let eviction = scenario.cache.evictions[plan.eviction].name();
    let tenths = [
        if design.refresh.name() == "timer" { 32 } else { 10 },
        if eviction.starts_with("allkeys-") || eviction.starts_with("volatile-") { 19 } else { 10 },
        if design.sweep.name() == "none" { 10 } else { 14 },
        if needs_events(scenario, plan.strategy, plan.eviction) { 10 } else { 5 },
        10 + 2 * design.modifiers.len() as u64,
    ];
    let room = match plan.capacity {
        Capacity::Unbounded => u64::MAX,
        Capacity::Bytes(room) | Capacity::Objects(room) => room,
    };
    (tenths.into_iter().product(), Reverse(room))
}

/// One simulation; a panic inside it is this run's failure, not the program's.
pub(super) fn one(
    scenario: &Scenario,
    plan: &CellPlan,
    portion: &dyn Fn() -> Portion,
    seed: Seed,
    progress: &dyn Progress,
    workspace: &Workspace,
) -> Result<Measurements, Failure> {
    let play = || match portion().play(scenario, plan, seed, progress, workspace) {
        // It may have to wait for the end of a long sweep.
        Ok(measured) => measured.ok_or(Failure::Stopped).map(Measurements::at_rest),
        Err(fault) => Err(Failure::Broken(fault.what)),
    };
    let attempt = catch_unwind(AssertUnwindSafe(play));
    attempt.unwrap_or_else(|panic| {
        let message = panic.downcast_ref::<String>().map(String::as_str);
        let message = message.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
        Err(Failure::Broken(message.to_owned()))
    })
}

/// Passes an engine's beats on.
pub(super) struct Beat<'p>(pub(super) &'p dyn Progress);

impl Pulse for Beat<'_> {
    fn beat(&self, requests: u64) -> ControlFlow<()> {
        self.0.advanced(requests);
        if self.0.stop() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

/// Room for the requests of so many replications, so that what memory was counted for stays true where a run takes
/// far longer than those that come after it.
struct Room {
    left: Mutex<u64>,
    freed: Condvar,
}

/// The room that one replication takes.
struct Place<'r>(&'r Room);

impl Room {
    fn of(replications: u64) -> Self {
        Self { left: Mutex::new(replications.max(1)), freed: Condvar::new() }
    }

    /// Takes room, as soon as there is any. Whoever waits holds nothing that a replication before needs to be done.
    fn take(&self) -> Place<'_> {
        let left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let left = self.freed.wait_while(left, |left| *left == 0);
        *left.unwrap_or_else(PoisonError::into_inner) -= 1;
        Place(self)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        *self.0.left.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.freed.notify_one();
    }
}

/// What one replication plays, made once and dropped after its last run.
struct Shared<'r> {
    state: Mutex<(Option<(Portion, Place<'r>)>, usize)>,
    room: &'r Room,
}

impl<'r> Shared<'r> {
    fn new(runs: usize, room: &'r Room) -> Self {
        Self { state: Mutex::new((None, runs)), room }
    }

    fn get(&self, make: impl FnOnce() -> Portion) -> Portion {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let make = || {
            let place = self.room.take();
            (make(), place)
        };
        state.0.get_or_insert_with(make).0.clone()
    }

    /// One run is done; after the last one the requests go.
    fn done(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.1 -= 1;
        if state.1 == 0 {
            state.0 = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::OutcomeKind;
    use crate::scenario::Source;
    use crate::tune::grid;
    use crate::units::SimDuration;

    /// Two classes, one of which changes; a constant origin, and clients that give up.
    const TWO_CLASSES: &str = r#"
        name = "t"
        repeat = 2
        [time]
        bucket = "10s"
        freshness_bound = "20s"
        [workload]
        duration = "10m"
        rate = "100/s"
        [[workload.class]]
        name = "still"
        objects = 300
        [[workload.class]]
        name = "news"
        objects = 200
        changes = { model = "poisson", mean = "30s" }
        [origin]
        latency = { model = "constant", value = "120ms" }
        [[strategy]]
        name = "x"
        ttl = { rule = "fixed", ttl = "45s" }
    "#;

    fn played(text: &str) -> Vec<Measurements> {
        let scenario = Scenario::parse(text, "t.toml").unwrap_or_else(|error| panic!("{error}"));
        let Source::Synthetic(workload) = &scenario.source else { panic!("it is synthetic") };
        let runs = Runs::Synthetic(Arc::clone(workload));
        let mut played = run(&scenario, &grid(&scenario), &runs, &()).unwrap();
        played.cells.remove(0).replications.into_iter().map(Result::unwrap).collect()
    }

    #[test]
    fn what_is_told_by_bucket_and_class_adds_up_to_the_whole() {
        for run in played(TWO_CLASSES) {
            let (buckets, freshness) = (&run.series.buckets, run.freshness.unwrap());
            assert_eq!(buckets.len(), 60);
            for kind in OutcomeKind::ALL {
                let by_bucket: u64 = buckets.iter().map(|bucket| bucket.outcomes.of(kind)).sum();
                let by_class: u64 = run.classes.iter().map(|class| class.outcomes.of(kind)).sum();
                assert_eq!([by_bucket, by_class], [run.totals.outcomes.of(kind); 2], "{}", kind.name());
            }
            let counts = run.series.by_class.chunks_exact(2).zip(buckets);
            for (counts, bucket) in counts {
                let requests: u32 = counts.iter().flat_map(|class| class.outcomes).sum();
                assert_eq!(u64::from(requests), bucket.outcomes.total());
                assert_eq!(counts.iter().map(|class| u64::from(class.fetches)).sum::<u64>(), bucket.fetches);
            }
            assert_eq!(run.classes.iter().map(|class| class.fetches).sum::<u64>(), run.origin.fetches);
            let outdated: u64 = buckets.iter().map(|bucket| bucket.outdated).sum();
            assert_eq!(outdated, freshness.responses - freshness.current);
            assert_eq!((run.classes[0].outdated, run.classes[1].outdated), (0, outdated));
            let over: u64 = buckets.iter().map(|bucket| bucket.over_bound).sum();
            assert_eq!(Some(over), freshness.over_bound);
            assert!((outdated / 10..outdated).contains(&over), "{over} of {outdated} are older than 20 s");
            let age: f64 = buckets.iter().map(|bucket| bucket.age_sum_s).sum();
            assert!((age - freshness.age_sum_s).abs() < 1e-6 * age);
        }
    }

    #[test]
    fn a_constant_origin_is_told_exactly() {
        for run in played(TWO_CLASSES) {
            let (all, exact) = (&run.latencies.all, 120_000_000);
            assert_eq!((all.max(), all.quantile(0.999)), (exact, exact));
            let waited: f64 = run.series.buckets.iter().map(|bucket| bucket.wait_sum_s).sum();
            assert!((waited * 1e9 / all.len() as f64 - all.mean()).abs() < 1.0);
            let of_classes: u64 =
                run.latencies.by_class.iter().flatten().map(crate::metrics::Waits::len).sum();
            assert_eq!(of_classes, all.len());
            // At the start everything is fetched: that bucket's percentile is clipped to its longest wait.
            assert_eq!(run.series.buckets[0].p99_wait, Some(SimDuration::from_millis(120)));
        }
    }

    #[test]
    fn fetches_per_window_agree_with_the_series() {
        let text = TWO_CLASSES.replace("bucket = \"10s\"", "bucket = \"1s\"");
        for run in played(&text) {
            let per_second = run.origin.per_second;
            let mut counts: Vec<u64> = run.series.buckets.iter().map(|bucket| bucket.fetches).collect();
            counts.sort_unstable();
            // 99.9 % of 600 seconds are all but none: the 600th by rank.
            assert_eq!((per_second.peak, per_second.p999), (counts[599], counts[599]));
            assert!((per_second.mean * 600.0 - run.origin.fetches as f64).abs() < 1e-6);
            let burst = run.origin.per_fetch_time.unwrap();
            assert_eq!(burst.window, SimDuration::from_millis(120));
            assert!((burst.mean * 5_000.0 - run.origin.fetches as f64).abs() < 1e-6);
            assert!(burst.peak <= per_second.peak && burst.p999 <= burst.peak && burst.p999 > 0);
        }
    }

    #[test]
    fn no_more_replications_than_counted_are_in_memory_at_once() {
        let room = Room::of(2);
        let (held, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let portion = || {
            Portion::whole(Arc::new(Trace::new(
                Vec::new(),
                Vec::new(),
                crate::trace::Objects::new(Vec::new(), crate::trace::Keys::Numbered, Vec::new()),
                SimDuration::ZERO,
            )))
        };
        let traces: Vec<Shared> = (0..12).map(|_| Shared::new(1, &room)).collect();
        std::thread::scope(|scope| {
            for shared in &traces {
                scope.spawn(|| {
                    let kept = shared.get(|| {
                        most.fetch_max(held.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        portion()
                    });
                    std::thread::yield_now();
                    drop(kept);
                    held.fetch_sub(1, Ordering::SeqCst);
                    shared.done();
                });
            }
        });
        assert_eq!((held.into_inner(), *room.left.lock().unwrap()), (0, 2), "all were played");
        assert!((1..=2).contains(&most.into_inner()), "and two at once at most");
        // What breaks off while it is made leaves its place.
        let broken = Shared::new(1, &room);
        let attempt = catch_unwind(AssertUnwindSafe(|| broken.get(|| panic!("it cannot be made"))));
        assert!(attempt.is_err() && *room.left.lock().unwrap() == 2);
    }

    #[test]
    fn cells_that_need_events_are_begun_first() {
        let text = TWO_CLASSES.replace(
            "[origin]",
            "[cache]\neviction = [\"lru\", \"sieve\"]\ncapacity = [\"1MB\", \"2MB\"]\n[origin]",
        );
        let order = |text: &str| {
            let scenario = Scenario::parse(text, "t.toml").unwrap_or_else(|error| panic!("{error}"));
            let cells = grid(&scenario);
            let order = longest_first(&scenario, &cells).into_iter().map(|place| cells[place]);
            order.map(|plan| (plan.eviction, plan.capacity)).collect::<Vec<_>>()
        };
        let [small, large] = [1_000_000, 2_000_000].map(Capacity::Bytes);
        let slow = order(&text);
        assert_eq!(slow, [(0, small), (1, small), (0, large), (1, large)], "smaller ones miss more");
        // Under LRU an origin that takes no time needs no events.
        let instant = text
            .replace("120ms", "0s")
            .replace("eviction", "memory = \"payload\"\nreclaim = \"lazy\"\neviction");
        assert_eq!(order(&instant), [(1, small), (1, large), (0, small), (0, large)]);
    }
}
