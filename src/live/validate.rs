//! Predicted beside measured: the same trace through the model and through a real server, figure by figure.
//!
//! The model is given the phase of the server's clock in the live run, and is played with several seeds: a live run is
//! one draw of chance, the prediction a mean with a spread. A difference is inside if it is not larger than its tolerance
//! and [`CHANCE`] standard deviations of chance together.

use std::sync::Arc;

use serde::Serialize;

use super::{LiveCell, LiveError};
use crate::cache::redis::Settings;
use crate::engine::Pulse;
use crate::metrics::{Measurements, OutcomeKind};
use crate::scenario::Scenario;
use crate::strategy::SoftExpiry;
use crate::trace::Trace;
use crate::tune::{self, CellPlan};
use crate::units::SimDuration;

/// Seeds with which the model is played.
pub const SEEDS: u64 = 8;

/// By how many standard deviations of chance a difference may exceed its tolerance: of a table of sixty figures none
/// does so by chance alone in 99 of 100 runs.
pub const CHANCE: f64 = 4.0;

/// Events from which a count is compared in per cent.
pub const EVENTS: f64 = 1_000.0;

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
    /// It did.
    Inside,
    /// It did not.
    Outside,
    /// There is no tolerance for it, or too little happened.
    NotJudged,
}

/// A figure that is compared.
#[derive(Debug, Clone, PartialEq, Serialize)]
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
    /// Whether it is as predicted.
    pub judgement: Judgement,
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
    /// What the reader must know of the live run.
    pub warnings: Vec<String>,
}

impl ValidatedCell {
    /// Whether nothing is outside its tolerance.
    pub fn is_as_predicted(&self) -> bool {
        self.rows.iter().all(|row| row.judgement != Judgement::Outside)
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
    let clock = |settings| Settings { clock_phase_ms: pace.clock_phase_ms, second, ..settings };
    let predicted = (0..SEEDS)
        .map(|seed| predict(scenario, &cell.plan, trace, seed, &clock))
        .collect::<Result<Vec<_>, _>>()?;
    let plan = &cell.plan;
    let design = &scenario.strategies[plan.strategy];
    let one_by_one = design.soft_expiry == SoftExpiry::Sidecar && measured.evicted > 0;
    Ok(Some(ValidatedCell {
        strategy: design.name.clone(),
        capacity_bytes: match plan.capacity {
            crate::cache::Capacity::Bytes(bytes) => Some(bytes),
            _ => None,
        },
        eviction: scenario.cache.evictions[plan.eviction].name().to_owned(),
        server: cell.server.clone(),
        rows: rows(&predicted, measured),
        courses: courses(&predicted, measured),
        warnings: cell.warnings.iter().cloned().chain(one_by_one.then(|| ONE_BY_ONE.to_owned())).collect(),
    }))
}

/// One draw of the model.
fn predict(
    scenario: &Scenario,
    plan: &CellPlan,
    trace: &Arc<Trace>,
    seed: u64,
    clock: &dyn Fn(Settings) -> Settings,
) -> Result<Measurements, LiveError> {
    let seed = tune::replication_seed(scenario.seed, seed);
    let mut simulation = tune::simulation(scenario, plan, trace, seed).map_err(LiveError::Scenario)?;
    let settings = clock(scenario.cache.server.unwrap_or_default());
    simulation.cache = simulation.cache.serving(settings, seed.of("server"));
    let doubles = simulation.strategy.second_key().is_some();
    let none: &dyn Pulse = &();
    let run = simulation.run(tune::bucket_of(scenario, trace), none).expect("nobody stops it");
    Ok(if doubles { with_second_keys(run) } else { run })
}

/// The model counts a value with its second key as one entry; to a server they are two keys.
fn with_second_keys(mut run: Measurements) -> Measurements {
    run.evicted *= 2;
    run.expired *= 2;
    run.memory.mean_entries *= 2.0;
    run
}

/// What is to be known of a comparison with a server that evicts where second keys are kept.
const ONE_BY_ONE: &str = "soft_expiry = \"sidecar\" with a limit: a server evicts a value and its second key one by one, and the model both at once, so \
                          that more misses are measured than predicted";

/// How a figure is found in a run.
type Figure = fn(&Measurements) -> Option<f64>;

/// Counts of requests of a kind, as a share.
fn share(run: &Measurements, kinds: &[OutcomeKind]) -> Option<f64> {
    let all = run.totals.outcomes.total();
    let own: u64 = kinds.iter().map(|kind| run.totals.outcomes.of(*kind)).sum();
    (all > 0).then(|| own as f64 / all as f64)
}

fn waits(run: &Measurements, quantile: f64) -> Option<f64> {
    (!run.latencies.all.is_empty()).then(|| run.latencies.all.quantile(quantile) as f64 / 1e6)
}

/// All figures: what, kind, tolerance, and where it is.
const FIGURES: [(&str, Kind, Option<f64>, Figure); 18] = {
    use crate::cache::Cause;
    use OutcomeKind::{DelayedHit, Error, FreshHit, Miss, StaleHit, StaleOnError};
    [
        ("fresh hits", Kind::Share, Some(0.5), |run| share(run, &[FreshHit])),
        ("stale hits", Kind::Share, Some(0.5), |run| share(run, &[StaleHit, StaleOnError])),
        ("delayed hits", Kind::Share, Some(0.5), |run| share(run, &[DelayedHit])),
        ("misses, cold", Kind::Share, Some(0.5), |run| share(run, &[Miss(Cause::Cold)])),
        ("misses, expired or evicted", Kind::Share, Some(0.5), |run| {
            share(run, &[Miss(Cause::Expired), Miss(Cause::Evicted)])
        }),
        ("misses, expired", Kind::Share, None, |run| share(run, &[Miss(Cause::Expired)])),
        ("errors", Kind::Share, Some(0.5), |run| share(run, &[Error])),
        ("entries evicted", Kind::Count, Some(3.0), |run| Some(run.evicted as f64)),
        ("entries expired", Kind::Count, Some(3.0), |run| Some(run.expired as f64)),
        ("fills refused", Kind::Count, Some(3.0), |run| Some(run.out_of_memory as f64)),
        ("used_memory at the end", Kind::Bytes, Some(1.0), |run| Some(run.memory.final_bytes as f64)),
        ("used_memory, mean", Kind::Bytes, Some(1.0), |run| Some(run.memory.mean_bytes)),
        ("entries, mean", Kind::Count, None, |run| Some(run.memory.mean_entries)),
        ("origin fetches", Kind::Count, Some(3.0), |run| Some(run.origin.fetches as f64)),
        ("origin, most in a second", Kind::Rate, None, |run| Some(run.origin.per_second.peak as f64)),
        ("stampedes", Kind::Count, None, |run| Some(run.stampedes.count as f64)),
        ("wait, 90 of 100 requests", Kind::Millis, None, |run| waits(run, 0.9)),
        ("wait, 99 of 100 requests", Kind::Millis, None, |run| waits(run, 0.99)),
    ]
};

fn rows(predicted: &[Measurements], measured: &Measurements) -> Vec<Row> {
    let row = |(what, kind, tolerance, of): (&'static str, Kind, Option<f64>, Figure)| {
        let draws: Vec<f64> = predicted.iter().filter_map(of).collect();
        compare(what, kind, tolerance, &draws, of(measured))
    };
    FIGURES.into_iter().map(row).collect()
}

/// Compares draws of the model with the one of the server.
fn compare(
    what: &'static str,
    kind: Kind,
    tolerance: Option<f64>,
    draws: &[f64],
    measured: Option<f64>,
) -> Row {
    let n = draws.len() as f64;
    let mean = (!draws.is_empty()).then(|| draws.iter().sum::<f64>() / n);
    let unit = match (kind, mean) {
        (Kind::Share, _) => Some(0.01),
        (Kind::Millis, _) => Some(1.0),
        (_, Some(mean)) if mean > 0.0 => Some(mean / 100.0),
        _ => None,
    };
    let difference = mean.zip(measured).zip(unit).map(|((mean, measured), unit)| (measured - mean) / unit);
    let chance = mean.zip(unit).filter(|_| draws.len() > 1).map(|(mean, unit)| {
        let squares: f64 = draws.iter().map(|draw| (draw - mean).powi(2)).sum();
        // The live run is one draw, the mean one of as many as there are seeds.
        (squares / (n - 1.0) * (1.0 + 1.0 / n)).sqrt() / unit
    });
    let enough = match kind {
        Kind::Count => mean.is_some_and(|mean| mean >= EVENTS),
        _ => true,
    };
    let judgement = match (tolerance, difference) {
        (Some(tolerance), Some(difference)) if enough => {
            let allowed = tolerance + CHANCE * chance.unwrap_or(0.0);
            if difference.abs() <= allowed { Judgement::Inside } else { Judgement::Outside }
        }
        // Where the model sees nothing at all, many are too many.
        (Some(_), None) if measured.is_some_and(|measured| measured >= EVENTS) => Judgement::Outside,
        _ => Judgement::NotJudged,
    };
    Row { what, kind, predicted: mean, measured, difference, chance, tolerance, judgement }
}

fn courses(predicted: &[Measurements], measured: &Measurements) -> Vec<Course> {
    type Point = fn(&crate::metrics::Bucket) -> Option<f64>;
    let points: [(&'static str, Kind, Point); 3] = [
        ("used_memory", Kind::Bytes, |bucket| Some(bucket.live_mean_bytes + bucket.expired_mean_bytes)),
        ("fresh hits", Kind::Share, |bucket| {
            let all = bucket.outcomes.total();
            (all > 0).then(|| bucket.outcomes.of(OutcomeKind::FreshHit) as f64 / all as f64)
        }),
        ("origin fetches in a bucket", Kind::Count, |bucket| Some(bucket.fetches as f64)),
    ];
    let bucket_s = measured.series.bucket.as_secs_f64();
    let course = |(what, kind, point): (&'static str, Kind, Point)| {
        let mean = |place: usize| {
            let own: Option<Vec<f64>> =
                predicted.iter().map(|run| run.series.buckets.get(place).and_then(point)).collect();
            own.map(|own| own.iter().sum::<f64>() / own.len() as f64)
        };
        Course {
            what,
            kind,
            bucket_s,
            predicted: (0..measured.series.buckets.len()).map(mean).collect(),
            measured: measured.series.buckets.iter().map(point).collect(),
        }
    };
    points.into_iter().map(course).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(kind: Kind, tolerance: Option<f64>, draws: &[f64], measured: f64) -> Judgement {
        compare("x", kind, tolerance, draws, Some(measured)).judgement
    }

    #[test]
    fn a_difference_is_inside_within_its_tolerance_and_four_deviations_of_chance() {
        let certain = [0.6; 4];
        assert_eq!(judged(Kind::Share, Some(0.5), &certain, 0.6049), Judgement::Inside);
        assert_eq!(judged(Kind::Share, Some(0.5), &certain, 0.6051), Judgement::Outside);
        // Draws with a deviation of 0.1 points widen it by 0.4 points and a little.
        let spread = [0.599, 0.600, 0.601];
        assert_eq!(judged(Kind::Share, Some(0.5), &spread, 0.6091), Judgement::Inside);
        assert_eq!(judged(Kind::Share, Some(0.5), &spread, 0.6110), Judgement::Outside);
    }

    #[test]
    fn a_second_key_is_a_key_of_the_server() {
        let mut run = Measurements::empty();
        (run.evicted, run.expired, run.memory.mean_entries) = (3, 5, 7.5);
        let run = with_second_keys(run);
        assert_eq!((run.evicted, run.expired), (6, 10));
        assert!((run.memory.mean_entries - 15.0).abs() < 1e-12);
    }

    #[test]
    fn counts_are_judged_from_a_thousand_events_on() {
        assert_eq!(judged(Kind::Count, Some(3.0), &[2_000.0; 3], 2_059.0), Judgement::Inside);
        assert_eq!(judged(Kind::Count, Some(3.0), &[2_000.0; 3], 1_939.0), Judgement::Outside);
        assert_eq!(judged(Kind::Count, Some(3.0), &[900.0; 3], 100.0), Judgement::NotJudged);
        assert_eq!(judged(Kind::Count, Some(3.0), &[0.0; 3], 5_000.0), Judgement::Outside);
        assert_eq!(judged(Kind::Count, Some(3.0), &[0.0; 3], 5.0), Judgement::NotJudged);
        assert_eq!(judged(Kind::Bytes, None, &[5.0; 3], 50.0), Judgement::NotJudged);
    }
}
