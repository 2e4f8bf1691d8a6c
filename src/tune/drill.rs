//! Drills: what a bad day does to the cells of a scenario, beside the same day without it.
//!
//! Every drill is played on the seeds of the scenario, and so is the same day without it; both are looked at in windows of
//! [`WINDOW`] buckets. A window is calm where hits, errors, waits and fetches are as without the drill, within tolerances
//! that allow for chance. The cell has recovered at the first calm window after trouble that lasts beyond the drill; trouble
//! that comes back later (everything stored at once expires at once) is told as such.

use std::sync::Arc;

use super::{CellPlan, Failure, Progress, Runs, placement, replication_seed, run};
use crate::catalog::Fault;
use crate::metrics::{Bucket, Measurements, OutcomeKind};
use crate::scenario::drill::{Drills, Kind, Stage, over};
use crate::scenario::{Scenario, Source};
use crate::score::{Metric, Replications};
use crate::trace::Trace;
use crate::trace::synth::generate;
use crate::units::{SimDuration, SimTime};

/// Buckets of a window.
const WINDOW: usize = 10;
/// Requests that a bucket should have.
const REQUESTS: f64 = 50.0;
/// Lengths of buckets, in seconds.
const LENGTHS: [u64; 9] = [1, 2, 5, 10, 15, 30, 60, 120, 300];
/// Shares of requests that are called the same.
const POINTS: f64 = 0.02;
/// Errors beyond this share of the requests are trouble.
const ERRORS: f64 = 0.005;
/// Fetches and waits up to this multiple are called the same.
const TIMES: f64 = 1.5;
/// Waits that differ by less are called the same, in seconds.
const WAIT_S: f64 = 0.005;
/// Standard deviations that chance is allowed.
const SIGMAS: f64 = 4.0;

/// What a drill did to a cell.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// Which drill.
    pub kind: Kind,
    /// What was seen; or why it could not be played.
    pub seen: Result<Seen, String>,
}

/// What was seen from the drill on.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// Most fetches in one second.
    pub peak_origin_rate: Option<f64>,
    /// The same without the drill.
    pub usual_peak: Option<f64>,
    /// Requests without an answer, of requests.
    pub error: Option<f64>,
    /// Hits, of requests.
    pub hit: Option<f64>,
    /// How long after its begin all was as without it, in the slowest replication; `None` where some never recovered.
    pub recovers_after: Option<SimDuration>,
    /// Whether trouble came back after that in some replication.
    pub relapses: bool,
    /// The targets in their order: what came out, and whether it is met.
    pub targets: Vec<(Option<f64>, bool)>,
    /// Whether it recovers, soon enough, and meets every target.
    pub survives: bool,
}

/// A cell through all drills.
#[derive(Debug, Clone, PartialEq)]
pub struct DrilledCell {
    /// Which cell.
    pub plan: CellPlan,
    /// The drills, in the order of [`Kind::ALL`].
    pub outcomes: Vec<Outcome>,
}

impl DrilledCell {
    /// Whether it survives every drill that could be played, and at least one.
    pub fn survives(&self) -> bool {
        let seen = || self.outcomes.iter().filter_map(|outcome| outcome.seen.as_ref().ok());
        seen().next().is_some() && seen().all(|seen| seen.survives)
    }
}

/// What drills did to the cells of a scenario.
#[derive(Debug, Clone, PartialEq)]
pub struct Drilled {
    /// When they happened, from the begin of the trace.
    pub at: SimDuration,
    /// How finely time is looked at: the error of a time to recover.
    pub step: SimDuration,
    /// By cell, in the order of the plan.
    pub cells: Vec<DrilledCell>,
}

/// Why there is no answer.
#[derive(Debug)]
pub enum NoDrill {
    /// The trace is too short for it, in words.
    Short(String),
    /// Something cannot be; with its place in the scenario.
    Wrong(Fault),
    /// It was stopped.
    Stopped,
}

impl From<Fault> for NoDrill {
    fn from(fault: Fault) -> Self {
        Self::Wrong(fault)
    }
}

/// Plays the drills on these cells of a scenario, on rayon's current pool.
///
/// # Errors
/// If the trace is too short, if a part of the scenario cannot be made for it, or if it was stopped.
pub fn drill(
    scenario: &Scenario,
    plans: &[CellPlan],
    drills: &Drills,
    runs: &Runs,
    progress: &dyn Progress,
) -> Result<Drilled, NoDrill> {
    let first = match runs {
        Runs::Recorded(trace) => Arc::clone(trace),
        Runs::Synthetic(workload) => Arc::new(generate(workload, replication_seed(scenario.seed, 0))),
    };
    let at = drills.begin(scenario.warmup, first.span()).map_err(NoDrill::Short)?;
    let stage = Stage { at, bucket: bucket(&first), shard: busiest(&first, drills) };
    drop(first);
    let control = scenario.drilled(drills, None, stage).map_err(|why| NoDrill::Short(why.to_string()))?;
    let usual = play(&control, plans, &runs_of(&control, runs), progress)?;
    let mut cells: Vec<DrilledCell> =
        plans.iter().map(|plan| DrilledCell { plan: *plan, outcomes: Vec::new() }).collect();
    for &kind in &drills.only {
        let drilled = match scenario.drilled(drills, Some(kind), stage) {
            Ok(drilled) => drilled,
            Err(why) => {
                for cell in &mut cells {
                    cell.outcomes.push(Outcome { kind, seen: Err(why.what.clone()) });
                }
                continue;
            }
        };
        let played = play(&drilled, plans, &runs_of(&drilled, runs), progress)?;
        for ((cell, usual), played) in cells.iter_mut().zip(&usual).zip(played) {
            let seen = match (usual, played) {
                (Ok(usual), Ok(played)) => Ok(seen(drills, kind, at, usual, &played)),
                (Err(why), _) => Err(why.clone()),
                (_, Err(why)) => Err(why),
            };
            cell.outcomes.push(Outcome { kind, seen });
        }
    }
    Ok(Drilled { at, step: stage.bucket, cells })
}

/// The requests of a varied scenario: a crowd makes its own, a recording stays what it is.
fn runs_of(varied: &Scenario, runs: &Runs) -> Runs {
    match (&varied.source, runs) {
        (Source::Synthetic(workload), Runs::Synthetic(_)) => Runs::Synthetic(Arc::clone(workload)),
        _ => runs.clone(),
    }
}

/// The replications of every cell, or why one broke off.
fn play(
    scenario: &Scenario,
    plans: &[CellPlan],
    runs: &Runs,
    progress: &dyn Progress,
) -> Result<Vec<Result<Replications, String>>, NoDrill> {
    let mut all = Vec::new();
    for cell in run(scenario, plans, runs, progress)?.cells {
        let (mut done, mut broken) = (Vec::new(), None);
        for (number, run) in (0..).zip(cell.replications) {
            match run {
                Ok(run) => done.push((number, run)),
                Err(Failure::Stopped) => return Err(NoDrill::Stopped),
                Err(Failure::Broken(why)) => broken = Some(why),
            }
        }
        all.push(broken.map_or_else(|| Ok(done.into_iter().collect()), Err));
    }
    Ok(all)
}

/// A length of buckets in which a trace has requests enough to tell a bad one from chance.
fn bucket(trace: &Trace) -> SimDuration {
    let rate = trace.len() as f64 / trace.span().as_secs_f64().max(1e-9);
    let fits = |seconds: &&u64| **seconds as f64 * rate >= REQUESTS;
    let seconds = LENGTHS.iter().find(fits).or(LENGTHS.last()).copied().unwrap_or(1);
    SimDuration::from_secs(seconds)
}

/// The shard with most requests; the first among equals.
fn busiest(trace: &Trace, drills: &Drills) -> u16 {
    if !drills.only.contains(&Kind::ShardLoss) || trace.is_spooled() {
        return 0;
    }
    let of = placement(trace, drills.shards);
    let mut requests = vec![0_u64; usize::from(drills.shards)];
    trace.each(|_, object| requests[usize::from(of[object.index()])] += 1);
    let most = requests.iter().enumerate().rev().max_by_key(|(_, count)| **count);
    u16::try_from(most.map_or(0, |(shard, _)| shard)).unwrap_or(0)
}

fn seen(drills: &Drills, kind: Kind, at: SimDuration, usual: &Replications, played: &Replications) -> Seen {
    let metric = |name: &str, runs: &Replications| Metric::named(name).and_then(|metric| metric.of(runs));
    let end = over(drills, kind, at);
    let courses: Vec<Course> =
        usual.iter().zip(played.iter()).map(|(usual, played)| course(usual, played, at, end)).collect();
    let recovers_after = courses
        .iter()
        .map(|course| course.recovered)
        .try_fold(SimDuration::ZERO, |slowest, recovered| Some(slowest.max(recovered?)));
    let targets: Vec<(Option<f64>, bool)> = drills
        .survive
        .iter()
        .map(|target| {
            let checked = target.check(played);
            (checked.value, checked.pass)
        })
        .collect();
    let soon = recovers_after.is_some_and(|after| drills.recover_within.is_none_or(|within| after <= within));
    Seen {
        peak_origin_rate: metric("peak_origin_rate", played),
        usual_peak: metric("peak_origin_rate", usual),
        error: metric("error", played),
        hit: metric("hit", played),
        recovers_after,
        relapses: courses.iter().any(|course| course.relapses),
        survives: soon && targets.iter().all(|(_, met)| *met),
        targets,
    }
}

/// One replication from the drill on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Course {
    /// How long after the drill's begin; `None` if never.
    recovered: Option<SimDuration>,
    relapses: bool,
}

/// What of a window is compared.
#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    requests: f64,
    hits: f64,
    errors: f64,
    fetches: f64,
    wait_s: f64,
}

impl Sum {
    fn of(buckets: &[Bucket]) -> Self {
        let mut sum = Self::default();
        for bucket in buckets {
            sum.requests += bucket.outcomes.total() as f64;
            sum.hits += bucket.outcomes.hits() as f64;
            sum.errors += bucket.outcomes.of(OutcomeKind::Error) as f64;
            sum.fetches += bucket.fetches as f64;
            sum.wait_s += bucket.wait_sum_s;
        }
        sum
    }

    /// A part of the requests; of none, nothing.
    fn share(&self, part: f64) -> f64 {
        if self.requests > 0.0 { part / self.requests } else { 0.0 }
    }

    /// Whether this window is like `usual`, for which `whole` is the mean over the run.
    fn is_like(&self, usual: &Self, whole: &Self) -> bool {
        if self.requests <= 0.0 || usual.requests <= 0.0 {
            return true;
        }
        let noise = |share: f64| {
            SIGMAS * (share * (1.0 - share) * (1.0 / self.requests + 1.0 / usual.requests)).max(0.0).sqrt()
        };
        let hit = usual.share(usual.hits);
        let error = usual.share(usual.errors);
        let wait = usual.share(usual.wait_s).max(whole.share(whole.wait_s));
        let fetches = usual.fetches.max(usual.requests * whole.share(whole.fetches));
        self.share(self.hits) >= hit - POINTS - noise(hit)
            && self.share(self.errors) <= error + ERRORS + noise(error)
            && self.share(self.wait_s) <= TIMES * wait + WAIT_S
            && self.fetches <= TIMES * fetches + SIGMAS * (fetches + 1.0).sqrt()
    }
}

/// When a replication recovered: `usual` is the same day without the drill.
fn course(usual: &Measurements, played: &Measurements, at: SimDuration, end: SimTime) -> Course {
    let length = played.series.bucket;
    let (usual, played) = (&usual.series.buckets, &played.series.buckets);
    let count = usual.len().min(played.len());
    let from = (SimTime::ZERO + at).bucket(length);
    let after = end.bucket(length);
    let whole = Sum::of(&usual[from.min(count)..count]);
    let window = WINDOW.min(count.saturating_sub(from)).max(1);
    let starts = from..(count + 1).saturating_sub(window);
    let calm: Vec<bool> = starts
        .clone()
        .map(|start| {
            let of = |buckets: &[Bucket]| Sum::of(&buckets[start..start + window]);
            of(played).is_like(&of(usual), &whole)
        })
        .collect();
    let Some(trouble) = calm.iter().position(|calm| !calm) else {
        return Course { recovered: Some(SimDuration::ZERO), relapses: false };
    };
    // Not before it is over: a window within an outage may look calm by luck.
    let earliest = trouble.max(after.saturating_sub(from));
    let Some(back) = (earliest..calm.len()).find(|&start| calm[start]) else {
        return Course { recovered: None, relapses: false };
    };
    let recovered = SimTime::from_nanos((from + back) as u64 * length.as_nanos());
    Course {
        recovered: Some(recovered.since(SimTime::ZERO + at.min(recovered.since(SimTime::ZERO)))),
        relapses: calm[back..].iter().any(|calm| !calm),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tune::grid;

    /// A third of the traffic is what the origin can answer; a warm cache asks for far less.
    fn site(strategy: &str, more: &str) -> Scenario {
        let text = format!(
            r#"
            name = "t"
            [time]
            warmup = "2m"
            [workload]
            duration = "14m"
            rate = "100/s"
            class = [{{ name = "a", objects = 1000, popularity = {{ model = "zipf", alpha = 1.0 }} }}]
            [origin]
            latency = {{ model = "exponential", mean = "100ms" }}
            capacity = {{ model = "servers", servers = 3 }}
            [client]
            timeout = "1s"
            [cache]
            start = "warm"
            {more}
            [[strategy]]
            name = "s"
            ttl = {{ rule = "fixed", ttl = "10m" }}
            {strategy}
            [drill]
            lasts = "1m"
            "#
        );
        Scenario::parse(&text, "t.toml").unwrap_or_else(|error| panic!("{error}"))
    }

    fn runs(scenario: &Scenario) -> Runs {
        let Source::Synthetic(workload) = &scenario.source else { panic!("it is synthetic") };
        Runs::Synthetic(Arc::clone(workload))
    }

    fn drilled(scenario: &Scenario, only: &[Kind]) -> Vec<Outcome> {
        let drills = Drills { only: only.to_vec(), ..scenario.drill.clone().unwrap_or_default() };
        drill(scenario, &grid(scenario), &drills, &runs(scenario), &()).unwrap().cells.remove(0).outcomes
    }

    /// Where late answers are thrown away an empty cache stays empty (docs/validation.md, law of the metastable failure).
    #[test]
    fn what_stays_down_never_recovers_and_what_comes_back_says_when() {
        let only = [Kind::Restart, Kind::Flush];
        for outcome in drilled(&site("client = { late_fill = \"discard\" }", ""), &only) {
            let seen = outcome.seen.unwrap();
            assert_eq!((seen.recovers_after, seen.survives), (None, false), "{:?}", outcome.kind);
            assert!(seen.error > Some(0.5), "{seen:?}");
        }
        for outcome in drilled(&site("", ""), &only) {
            let seen = outcome.seen.unwrap();
            let after = seen.recovers_after.expect("it comes back");
            assert!(after > SimDuration::from_secs(5) && after < SimDuration::from_secs(300), "{after}");
            assert!(seen.survives && seen.peak_origin_rate > seen.usual_peak, "{seen:?}");
        }
    }

    #[test]
    fn an_origin_that_nobody_needs_may_be_gone_and_what_must_hold_decides() {
        let mut scenario = site("", "");
        // Copies that never end need no origin.
        scenario = scenario
            .varied(&[("strategy.s.ttl".parse().unwrap(), "none".into())])
            .unwrap_or_else(|error| panic!("{error}"));
        let only = [Kind::OriginSlowdown, Kind::OriginOutage];
        for outcome in drilled(&scenario, &only) {
            let seen = outcome.seen.unwrap();
            assert_eq!((seen.recovers_after, seen.error), (Some(SimDuration::ZERO), Some(0.0)));
            assert!(seen.survives && !seen.relapses);
        }
        let mut drills = Drills { only: vec![Kind::Flush], ..scenario.drill.clone().unwrap() };
        drills.survive = crate::score::targets("error <= 0.5, peak_origin_rate <= 5/s").unwrap();
        let all = drill(&scenario, &grid(&scenario), &drills, &runs(&scenario), &()).unwrap();
        let seen = all.cells[0].outcomes[0].seen.as_ref().unwrap();
        let met: Vec<bool> = seen.targets.iter().map(|(_, met)| *met).collect();
        assert_eq!((met, seen.survives), (vec![true, false], false));
        drills.survive.clear();
        drills.recover_within = Some(SimDuration::from_secs(1));
        let late = drill(&scenario, &grid(&scenario), &drills, &runs(&scenario), &()).unwrap();
        assert!(!late.cells[0].survives(), "an empty cache is not full within a second");
    }

    #[test]
    fn the_loss_of_the_only_shard_is_a_restart_that_kept_nothing() {
        let play = |event: &str| {
            let scenario = site("", &format!("[[cache.event]]\n{event}"));
            run(&scenario, &grid(&scenario), &runs(&scenario), &()).unwrap().cells.remove(0).replications
        };
        let restart = play("restart = { at = \"5m\", down = \"30s\" }");
        let loss = play("shard_loss = { at = \"5m\", down = \"30s\", shards = 1 }");
        assert_eq!(restart, loss);
        // A third of the keys is lost, and the others are hit meanwhile.
        let third = play("shard_loss = { at = \"5m\", down = \"30s\", shards = 3 }");
        let of = |runs: &[Result<Measurements, Failure>]| {
            let outcomes = &runs[0].as_ref().unwrap().totals.outcomes;
            (outcomes.hits(), outcomes.of(OutcomeKind::Miss(crate::metrics::Cause::Lost)))
        };
        let ((hits, lost), (fewer, _)) = (of(&third), of(&loss));
        assert!(lost > 0 && hits > fewer, "{hits} and {fewer} hits, {lost} lost");
    }

    #[test]
    fn a_recording_has_no_crowd_and_a_short_trace_no_drill() {
        let trace = Arc::new(generate(
            match &site("", "").source {
                Source::Synthetic(workload) => workload,
                Source::Recorded(_) => panic!("it is synthetic"),
            },
            replication_seed(1, 0),
        ));
        let text = "name = \"t\"\n[trace]\npath = \"x\"\nformat = \"csv\"\n[[strategy]]\nname = \"s\"\nttl = { rule = \"fixed\", ttl = \"5m\" }\n";
        let scenario = Scenario::parse(text, "t.toml").unwrap_or_else(|error| panic!("{error}"));
        let runs = Runs::Recorded(trace);
        let drills = Drills { only: vec![Kind::Flush, Kind::FlashCrowd], ..Drills::default() };
        let all = drill(&scenario, &grid(&scenario), &drills, &runs, &()).unwrap();
        let [flush, crowd] = all.cells[0].outcomes.as_slice() else { panic!("two drills") };
        assert!(flush.seen.is_ok());
        assert!(crowd.seen.as_ref().is_err_and(|why| why.contains("no more visitors")), "{crowd:?}");
        let late = Drills { at: Some(SimDuration::from_secs(800)), ..Drills::default() };
        let error = drill(&scenario, &grid(&scenario), &late, &runs, &());
        assert!(matches!(error, Err(NoDrill::Short(why)) if why.contains("not over when the trace ends")));
    }
}
