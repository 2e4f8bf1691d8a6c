//! Predicted beside measured: the same trace through the model and through a real server, figure by figure.
//!
//! The model is given the phase of the server's clock in the live run and what the server had in use before it, and is played with several seeds: a live run is
//! one draw of chance, the prediction a mean with a spread. A difference is inside if it is not larger than its tolerance,
//! and within chance if it is not larger than that and [`CHANCE`] standard deviations of chance together. What the harness
//! itself, a clock that was set, a real origin or keys of others have spoiled is not judged.

mod compare;
mod courses;
mod figures;
mod judging;
mod waits;

use std::sync::Arc;

use serde::Serialize;

use courses::courses;
use figures::{FAILURES, rows};
use judging::{Judging, SPOILED};
use waits::Added;

use super::{Before, LiveCell, LiveError, MemoryCount, Served, Worked};
use crate::cache::memory::Counting;
use crate::cache::redis::Settings;
use crate::engine::Pulse;
use crate::metrics::Measurements;
use crate::scenario::Scenario;
use crate::trace::Trace;
use crate::tune::{self, CellPlan};
use crate::units::{ByteSize, SimDuration};

/// Seeds with which the model is played: as many as tell what happens rarely, such as that the expiry takes much at once.
pub const SEEDS: u64 = 24;

/// By how many standard deviations of chance a difference may exceed its tolerance: of a table of sixty figures none
/// does so by chance alone in 99 of 100 runs.
pub const CHANCE: f64 = 4.0;

/// Events, predicted or measured, from which a count is compared in per cent.
pub const EVENTS: f64 = 1_000.0;

/// The same for stampedes, whose tolerance is wider.
pub const STAMPEDES: f64 = 100.0;

/// Events in a second from which the most of them are compared in per cent.
pub const BUSY: f64 = 100.0;

/// Requests that must wait longer than a quantile tells, predicted and measured, for it to be compared.
pub const BEYOND: u64 = 10;

/// How a figure is told, and in what its difference is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A share of requests; differences in percentage points.
    Share,
    /// A count; differences in per cent.
    Count,
    /// Bytes; differences in per cent.
    Bytes,
    /// A rate per second; differences in per cent.
    Rate,
    /// Milliseconds; differences in milliseconds.
    Millis,
}

/// Whether a figure came out as predicted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Judgement {
    /// It did: the difference is within its tolerance.
    Inside,
    /// The difference is larger than its tolerance, and not larger than chance explains.
    WithinChance,
    /// It did not.
    Outside,
    /// There is no tolerance for it, or too little happened; the row says which.
    NotJudged,
}

/// A figure that is compared.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Row {
    /// What it is.
    pub what: &'static str,
    /// How it is told.
    pub kind: Kind,
    /// Mean over the model's seeds; `null` where the model has none.
    pub predicted: Option<f64>,
    /// The live run's.
    pub measured: Option<f64>,
    /// Measured less predicted, in the kind's unit.
    pub difference: Option<f64>,
    /// Standard deviation of the difference that chance alone brings about, in the same unit.
    pub chance: Option<f64>,
    /// How much it may be; `null` for a figure that is shown and not judged.
    pub tolerance: Option<f64>,
    /// How many bytes more the server's connections took than the model's, averaged over the run, or fewer: so much more than
    /// its tolerance a difference of memory may be, in that direction. `null` for other figures, and where nobody tells.
    pub buffers_bytes: Option<f64>,
    /// Whether it is as predicted.
    pub judgement: Judgement,
    /// Why it is not judged; `null` where it is.
    pub why: Option<&'static str>,
}

impl Row {
    /// The size of the difference, without what buffers of connections make of it.
    fn size(&self) -> Option<f64> {
        let difference = self.difference?;
        let percent = self.predicted.filter(|bytes| *bytes > 0.0).map(|bytes| bytes / 100.0);
        let of_buffers = self.buffers_bytes.zip(percent).map_or(0.0, |(bytes, percent)| bytes / percent);
        // Buffers that took more do not explain that less was in use.
        let explained = if difference * of_buffers > 0.0 { of_buffers.abs() } else { 0.0 };
        Some((difference.abs() - explained).max(0.0))
    }

    /// The bytes of buffers that make a difference of memory as large as it is, where it is beyond its tolerance.
    pub fn of_buffers(&self) -> Option<f64> {
        let difference = self.difference.filter(|difference| Some(difference.abs()) > self.tolerance)?;
        self.buffers_bytes.filter(|bytes| self.tolerance.is_some() && bytes * difference > 0.0)
    }
}

/// One quantity over time, in the buckets of the series.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Course {
    /// What it is.
    pub what: &'static str,
    /// How it is told.
    pub kind: Kind,
    /// Length of a bucket in seconds of the trace.
    pub bucket_s: f64,
    /// Mean over the model's seeds.
    pub predicted: Vec<Option<f64>>,
    /// The live run's.
    pub measured: Vec<Option<f64>>,
}

/// A cell with both sides.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ValidatedCell {
    /// The strategy.
    pub strategy: String,
    /// Limit in bytes; `null` where there is none.
    pub capacity_bytes: Option<u64>,
    /// The eviction policy.
    pub eviction: String,
    /// The server.
    pub server: String,
    /// The figures.
    pub rows: Vec<Row>,
    /// Over time.
    pub courses: Vec<Course>,
    /// How long the server itself worked, which no model predicts; `null` where it was not asked after the beginning.
    pub served: Option<Served>,
    /// The same from one question to the next, warm-up included; empty where it does not tell.
    pub worked: Vec<Worked>,
    /// What the reader must know of the live run.
    pub warnings: Vec<String>,
}

impl ValidatedCell {
    /// Whether nothing is outside its tolerance.
    pub fn is_as_predicted(&self) -> bool {
        self.rows.iter().all(|row| row.judgement != Judgement::Outside)
    }

    /// Whether it says how well hits were predicted: a share of hits or misses is judged, of which either side has any.
    pub fn says_something(&self) -> bool {
        let judged = self.rows.iter().filter(|row| row.judgement != Judgement::NotJudged);
        judged.into_iter().any(|row| row.kind == Kind::Share && !FAILURES.contains(&row.what))
    }

    /// Why none of its figures is judged, where that has one reason for all.
    pub fn spoiled(&self) -> Option<&'static str> {
        let why = self.rows.first()?.why?;
        let all = SPOILED.contains(&why) && self.rows.iter().all(|row| row.why == Some(why));
        all.then_some(why)
    }
}

/// Puts the prediction beside a live run that came to its end, `speed` times faster than recorded; `None` for one that
/// did not.
///
/// # Errors
/// If the model cannot be made for this trace.
pub fn validate(
    scenario: &Scenario,
    trace: &Arc<Trace>,
    cell: &LiveCell,
    speed: f64,
) -> Result<Option<ValidatedCell>, LiveError> {
    let (Ok(measured), Some(pace)) = (&cell.result, &cell.pace) else { return Ok(None) };
    // The server's clock goes as it always does.
    let second = SimDuration::from_secs_f64(speed);
    let seed = tune::replication_seed(scenario.seed, 0);
    let first = tune::simulation(scenario, &cell.plan, trace, seed).map_err(LiveError::Scenario)?;
    let before = first.cache.counting().zip(pace.before);
    let in_use_before = before.map_or(0, |(counting, it)| counting.beyond_start(it.bytes));
    let ran_before = pace.before.map(|before| before.kinds).unwrap_or_default();
    let added = Added::of(pace, &first);
    let lies_beside = first.strategy.has_second_key()
        || first.strategy.guard.key_in_cache().is_some_and(|key| !key.given_back);
    let clock_phase_ms = pace.clock_phase_ms;
    let server = |settings| Settings { clock_phase_ms, second, in_use_before, ran_before, ..settings };
    let predicted = (0..SEEDS)
        .map(|seed| predict(scenario, &cell.plan, trace, seed, &server))
        .collect::<Result<Vec<_>, _>>()?;
    let plan = &cell.plan;
    let design = &scenario.strategies[plan.strategy];
    let mut rows =
        rows(&predicted, measured, &Judging::of(scenario, plan.capacity, pace, added, lies_beside));
    let is_modelled = pace.memory_count == MemoryCount::AsModelled;
    if !is_modelled {
        leave_memory(&mut rows);
    }
    let before_it = before
        .filter(|_| is_modelled)
        .and_then(|(counting, before)| used_before(&predicted, in_use_before, &before, &counting));
    Ok(Some(ValidatedCell {
        strategy: design.name.clone(),
        capacity_bytes: match plan.capacity {
            crate::cache::Capacity::Bytes(bytes) => Some(bytes),
            _ => None,
        },
        eviction: scenario.cache.evictions[plan.eviction].name().to_owned(),
        server: cell.server.clone(),
        rows,
        courses: courses(&predicted, measured),
        served: pace.served,
        worked: cell.worked.clone(),
        warnings: cell.warnings.iter().cloned().chain(before_it).collect(),
    }))
}

/// Why memory is not judged where that is so.
const OTHER_MEMORY: &str =
    "the server counts its memory otherwise than Redis 7.0 with jemalloc, which is what is modelled";

/// What a server holds that counts otherwise than the model is shown and not judged.
fn leave_memory(rows: &mut [Row]) {
    for row in rows.iter_mut().filter(|row| row.kind == Kind::Bytes && row.why.is_none()) {
        (row.tolerance, row.judgement, row.why) = (None, Judgement::NotJudged, Some(OTHER_MEMORY));
    }
}

/// What is to be known of a server that had much more or less in use before the run than one that has just been started. Of
/// one that has just been started the histogram of INFO does not count: nobody but the harness has asked it, and nothing else.
fn used_before(
    predicted: &[Measurements],
    in_use_before: i64,
    before: &Before,
    counting: &Counting,
) -> Option<String> {
    /// What part of the memory that is predicted is much: the tolerance of memory.
    const MUCH: f64 = 0.01;
    let mean = predicted.iter().map(|run| run.memory.mean_bytes).sum::<f64>() / predicted.len() as f64;
    let own = if before.just_started { counting.histogram().cast_signed() } else { 0 };
    let beyond = in_use_before - own;
    let size = beyond.unsigned_abs();
    let (word, begins) = if beyond > 0 { ("more", "as much more") } else { ("less", "as much less") };
    let than = if before.just_started {
        "the server that was started had"
    } else {
        "when the run began, the server had"
    };
    let which =
        if before.just_started { "the model's when it starts" } else { "one that has just been started" };
    (size as f64 > MUCH * mean).then(|| {
        format!(
            "{than} {} {word} in use than {which}: the model's begins with {begins}, so that what is compared is what the run adds",
            ByteSize::from_bytes(size)
        )
    })
}

/// One draw of the model.
fn predict(
    scenario: &Scenario,
    plan: &CellPlan,
    trace: &Arc<Trace>,
    seed: u64,
    server: &dyn Fn(Settings) -> Settings,
) -> Result<Measurements, LiveError> {
    let seed = tune::replication_seed(scenario.seed, seed);
    let mut simulation = tune::simulation(scenario, plan, trace, seed).map_err(LiveError::Scenario)?;
    let settings = server(scenario.cache.server.unwrap_or_default());
    // When in a second of the server its cron ticks is chance, as it is in the live run.
    let cron_phase = settings.second.scaled(seed.of("cron").unit(0, 0));
    let settings = Settings { cron_phase, ..settings };
    simulation.cache = simulation.cache.serving(settings, seed.of("server"));
    let none: &dyn Pulse = &();
    let run = simulation.run(tune::bucket_of(scenario, trace), none).expect("nobody stops it");
    Ok(as_counted(run))
}

/// The model counts what a sweep of the application removes among the evicted; a server deletes that like any other key.
fn as_counted(mut run: Measurements) -> Measurements {
    run.evicted = run.evicted.saturating_sub(run.sweeps.map_or(0, |sweeps| sweeps.removed));
    run
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::redis::Build;

    #[test]
    fn what_a_server_had_in_use_before_is_told_where_it_is_much() {
        let mut run = Measurements::empty();
        run.memory.mean_bytes = 1e6;
        let counting = counting();
        let of = |bytes, just_started| {
            let before = Before { just_started, ..Before::default() };
            used_before(std::slice::from_ref(&run), bytes, &before, &counting).unwrap_or_default()
        };
        let told = |bytes| of(bytes, false);
        assert_eq!((told(10_000), told(-10_000)), (String::new(), String::new()));
        assert!(
            told(10_001).contains("more in use") && told(-10_001).contains("less in use"),
            "{}",
            told(10_001)
        );
        let histogram = counting.histogram().cast_signed();
        assert!(histogram > 20_000, "{histogram}");
        assert!(told(histogram).contains("more in use than one that has just been started"));
        let started = |bytes| of(bytes, true);
        assert_eq!((started(histogram + 10_000), started(histogram)), (String::new(), String::new()));
        let otherwise = started(histogram + 10_001);
        assert!(otherwise.contains("had 10001B more in use than the model's when it starts"), "{otherwise}");
    }

    /// A server's memory beside entries, with histograms.
    fn counting() -> Counting {
        Counting {
            build: Build::Distribution,
            clients: 1,
            latency_tracking: true,
            beside: crate::cache::memory::Beside::default(),
            rss_ratio: 1.1,
        }
    }

    #[test]
    fn memory_that_is_counted_otherwise_is_shown_and_not_judged() {
        let row = |what, kind, why: Option<&'static str>| Row {
            what,
            kind,
            predicted: Some(1.0),
            measured: Some(2.0),
            difference: Some(100.0),
            chance: Some(0.0),
            tolerance: why.is_none().then_some(1.0),
            buffers_bytes: None,
            judgement: if why.is_none() { Judgement::Outside } else { Judgement::NotJudged },
            why,
        };
        let spoiled = Some("something else");
        let mut rows =
            [row("a", Kind::Bytes, None), row("b", Kind::Share, None), row("c", Kind::Bytes, spoiled)];
        leave_memory(&mut rows);
        let told = rows.map(|row| (row.judgement, row.tolerance.is_some(), row.why));
        assert_eq!(told[0], (Judgement::NotJudged, false, Some(OTHER_MEMORY)));
        assert_eq!(told[1], (Judgement::Outside, true, None));
        assert_eq!(told[2], (Judgement::NotJudged, false, spoiled), "the first reason is told");
    }

    #[test]
    fn what_a_sweep_removes_no_server_evicts() {
        let mut run = Measurements::empty();
        (run.evicted, run.sweeps) =
            (50, Some(crate::metrics::SweepTotals { removed: 40, ..Default::default() }));
        assert_eq!(as_counted(run.clone()).evicted, 10);
        run.sweeps = None;
        assert_eq!(as_counted(run).evicted, 50);
    }
}
