//! Predicted beside measured: the same trace through the model and through a real server, figure by figure.
//!
//! The model is given the phase of the server's clock in the live run, and is played with several seeds: a live run is
//! one draw of chance, the prediction a mean with a spread. A difference is inside if it is not larger than its tolerance,
//! and within chance if it is not larger than that and [`CHANCE`] standard deviations of chance together. What the harness
//! itself, a clock that was set or a real origin has spoiled is not judged.

use std::sync::Arc;

use serde::Serialize;

use super::{LiveCell, LiveError, Pace};
use crate::cache::redis::Settings;
use crate::engine::Pulse;
use crate::metrics::{Bucket, Measurements, OutcomeKind};
use crate::scenario::Scenario;
use crate::strategy::{Design, SoftExpiry};
use crate::trace::Trace;
use crate::tune::{self, CellPlan};
use crate::units::SimDuration;

/// Seeds with which the model is played.
pub const SEEDS: u64 = 8;

/// By how many standard deviations of chance a difference may exceed its tolerance: of a table of sixty figures none
/// does so by chance alone in 99 of 100 runs.
pub const CHANCE: f64 = 4.0;

/// Where a standard deviation of chance is more than so many tolerances, a figure says too little to be judged.
const NOISY: f64 = 3.0;

/// Events, predicted or measured, from which a count is compared in per cent.
pub const EVENTS: f64 = 1_000.0;

/// The same for stampedes, whose tolerance is wider.
pub const STAMPEDES: f64 = 100.0;

/// Events in a second from which the most of them are compared in per cent.
pub const BUSY: f64 = 100.0;

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
    /// Whether it is as predicted.
    pub judgement: Judgement,
    /// Why it is not judged; `null` where it is.
    pub why: Option<&'static str>,
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

    /// Whether it says how well hits were predicted: a share of requests that either side has any of is judged.
    pub fn says_something(&self) -> bool {
        let has_any =
            |row: &Row| [row.predicted, row.measured].into_iter().flatten().any(|share| share > 0.0);
        let judged = self.rows.iter().filter(|row| row.judgement != Judgement::NotJudged);
        judged.into_iter().any(|row| row.kind == Kind::Share && has_any(row))
    }

    /// Why none of its figures is judged, where that has one reason for all.
    pub fn spoiled(&self) -> Option<&'static str> {
        let why = self.rows.first()?.why?;
        let all = SPOILED.contains(&why) && self.rows.iter().all(|row| row.why == Some(why));
        all.then_some(why)
    }
}

/// What spoils all figures of a run.
const SPOILED: [&str; 2] = [
    "client-limited: the harness could not start requests in time, which says nothing of the server",
    "the server's clock was set during the run, and TTLs follow it",
];

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
        rows: rows(&predicted, measured, &Judging::of(scenario, design, pace)),
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

/// Whether a figure is judged.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Rule {
    /// It is, by this tolerance.
    Within(f64),
    /// It is the server's memory, in per cent: judged where the model counts that.
    Memory(f64),
    /// It is not, and why.
    Shown(&'static str),
}

/// How the figures of a scenario are judged.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of the run that figures depend on")]
struct Judging {
    /// Whether the memory model counts all of a server's memory.
    counts_all: bool,
    /// Whether there is a second key beside every one.
    has_pairs: bool,
    /// How long the run goes before it is scored.
    warmup: SimDuration,
    /// What spoils all figures.
    spoiled: Option<&'static str>,
    /// Whether somebody reset the server's counters.
    counters_reset: bool,
    /// Whether the origin was a real one.
    real_origin: bool,
    /// From one look at the server to the next, in seconds of the trace.
    look_s: f64,
}

impl Judging {
    fn of(scenario: &Scenario, design: &Design, pace: &Pace) -> Self {
        let spoiled = [pace.is_client_limited(), pace.clock_stepped];
        Self {
            counts_all: scenario.cache.memory.name() == "redis",
            has_pairs: design.soft_expiry == SoftExpiry::Sidecar,
            warmup: scenario.warmup,
            spoiled: spoiled.into_iter().zip(SPOILED).find(|(spoils, _)| *spoils).map(|(_, why)| why),
            counters_reset: pace.counters_reset,
            real_origin: pace.real_origin,
            look_s: pace.look_s,
        }
    }

    /// The rule for a figure, where nothing has spoiled it and the model has what it is about.
    fn applied(&self, what: &str, rule: Rule) -> Rule {
        match rule {
            _ if self.spoiled.is_some() => Rule::Shown(self.spoiled.unwrap_or_default()),
            Rule::Within(_) if self.counters_reset && BY_COUNTERS.contains(&what) => {
                Rule::Shown("somebody reset the server's counters during the run")
            }
            Rule::Within(_) if self.real_origin && BY_ORIGIN.contains(&what) => {
                Rule::Shown("a real origin answered, and the prediction is of the scenario's")
            }
            Rule::Memory(tolerance) if self.counts_all => Rule::Within(tolerance),
            Rule::Memory(_) => {
                Rule::Shown("the memory model counts no server's memory; write memory = \"redis\"")
            }
            rule => rule,
        }
    }
}

/// Counts of requests of a kind, as a share.
fn share(run: &Measurements, kinds: &[OutcomeKind]) -> Option<f64> {
    let all = run.totals.outcomes.total();
    let own: u64 = kinds.iter().map(|kind| run.totals.outcomes.of(*kind)).sum();
    (all > 0).then(|| own as f64 / all as f64)
}

fn waits(run: &Measurements, quantile: f64) -> Option<f64> {
    (!run.latencies.all.is_empty()).then(|| run.latencies.all.quantile(quantile) as f64 / 1e6)
}

const WAITS: Rule = Rule::Shown("network and harness are in it, and the model has neither");

/// All figures: what, kind, whether it is judged, and where it is.
const FIGURES: [(&str, Kind, Rule, Figure); 21] = {
    use crate::cache::Cause;
    use OutcomeKind::{DelayedHit, Error, FreshHit, Miss, StaleHit, StaleOnError};
    use Rule::{Memory, Shown, Within};
    [
        ("fresh hits", Kind::Share, Within(0.5), |run| share(run, &[FreshHit])),
        ("stale hits", Kind::Share, Within(0.5), |run| share(run, &[StaleHit])),
        (STALE_ON_ERROR, Kind::Share, Within(0.5), |run| share(run, &[StaleOnError])),
        (DELAYED, Kind::Share, Within(0.5), |run| share(run, &[DelayedHit])),
        ("misses, cold", Kind::Share, Within(0.5), |run| share(run, &[Miss(Cause::Cold)])),
        ("misses, expired or evicted", Kind::Share, Within(0.5), |run| {
            share(run, &[Miss(Cause::Expired), Miss(Cause::Evicted)])
        }),
        ("misses, expired", Kind::Share, Shown("no server tells why a key is gone"), |run| {
            share(run, &[Miss(Cause::Expired)])
        }),
        (INVALIDATED, Kind::Share, Within(0.5), |run| share(run, &[Miss(Cause::Invalidated)])),
        (LOST, Kind::Share, Within(0.5), |run| share(run, &[Miss(Cause::Lost)])),
        (ERRORS, Kind::Share, Within(0.5), |run| share(run, &[Error])),
        (EVICTED, Kind::Count, Within(3.0), |run| Some(run.evicted as f64)),
        (EXPIRED, Kind::Count, Within(3.0), |run| Some(run.expired as f64)),
        ("fills refused", Kind::Count, Within(3.0), |run| Some(run.out_of_memory as f64)),
        ("used_memory at the end", Kind::Bytes, Memory(1.0), |run| Some(run.memory.final_bytes as f64)),
        (MEAN_MEMORY, Kind::Bytes, Memory(1.0), |run| Some(run.memory.mean_bytes)),
        ("entries, mean", Kind::Count, Shown("locks and a sweep's set are keys of the server too"), |run| {
            Some(run.memory.mean_entries)
        }),
        (FETCHES, Kind::Count, Within(3.0), |run| Some(run.origin.fetches as f64)),
        (BUSIEST, Kind::Rate, Within(10.0), |run| Some(run.origin.per_second.peak as f64)),
        (STAMPEDED, Kind::Count, Within(10.0), |run| Some(run.stampedes.count as f64)),
        ("wait, 90 of 100 requests", Kind::Millis, WAITS, |run| waits(run, 0.9)),
        ("wait, 99 of 100 requests", Kind::Millis, WAITS, |run| waits(run, 0.99)),
    ]
};

const STALE_ON_ERROR: &str = "stale after an error";
const INVALIDATED: &str = "misses, deleted";
const LOST: &str = "misses, lost";
const MEAN_MEMORY: &str = "used_memory, mean";
const OVER_TIME: &str = "used_memory over time, most";
const DELAYED: &str = "delayed hits";
const ERRORS: &str = "errors";
const EVICTED: &str = "entries evicted";
const EXPIRED: &str = "entries expired";
const FETCHES: &str = "origin fetches";
const BUSIEST: &str = "origin, most in a second";
const STAMPEDED: &str = "stampedes";

/// What the server's own counters tell.
const BY_COUNTERS: [&str; 2] = [EVICTED, EXPIRED];

/// What depends on how long the origin takes, and on what it answers.
const BY_ORIGIN: [&str; 6] = [DELAYED, STALE_ON_ERROR, ERRORS, FETCHES, BUSIEST, STAMPEDED];

/// What most scenarios have nothing of: shown where either side has any.
const RARE: [&str; 3] = [STALE_ON_ERROR, INVALIDATED, LOST];

fn rows(predicted: &[Measurements], measured: &Measurements, judging: &Judging) -> Vec<Row> {
    let row = |(what, kind, rule, of): (&'static str, Kind, Rule, Figure)| {
        let draws: Vec<f64> = predicted.iter().filter_map(of).collect();
        compare(what, kind, judging.applied(what, rule), &draws, of(measured))
    };
    let has_any = |row: &Row| [row.predicted, row.measured].into_iter().flatten().any(|share| share > 0.0);
    let mut rows = Vec::with_capacity(FIGURES.len() + 1);
    for row in FIGURES.into_iter().map(row).filter(|row| !RARE.contains(&row.what) || has_any(row)) {
        let is_memory = row.what == MEAN_MEMORY;
        rows.push(row);
        if is_memory {
            rows.extend(worst_bucket(predicted, measured, judging));
        }
    }
    rows
}

fn memory_in(bucket: &Bucket) -> f64 {
    bucket.live_mean_bytes + bucket.expired_mean_bytes
}

/// The bucket of the series whose memory differs most, after the warm-up. What chance makes of it is pooled over all of
/// them, as few seeds tell little of a single one.
fn worst_bucket(predicted: &[Measurements], measured: &Measurements, judging: &Judging) -> Option<Row> {
    let first = judging.warmup.as_nanos().div_ceil(measured.series.bucket.as_nanos().max(1));
    let places = usize::try_from(first).unwrap_or(usize::MAX)..measured.series.buckets.len();
    let rule = if let Some(why) = judging.spoiled {
        Rule::Shown(why)
    } else if measured.sweeps.is_some() {
        Rule::Shown("a sweep removes much at once, so that a bucket depends on when in it that happened")
    } else if judging.has_pairs {
        Rule::Shown("the model expires a value and its second key at once, and a server one by one")
    } else if 2.0 * judging.look_s > measured.series.bucket.as_secs_f64() {
        Rule::Shown(
            "the server was looked at less than twice in a bucket; play it slower, or with a longer [time] bucket",
        )
    } else {
        judging.applied(OVER_TIME, Rule::Memory(1.0))
    };
    let of_bucket = |place: usize| {
        let draws = predicted.iter().map(|run| run.series.buckets.get(place).map(memory_in));
        let draws: Vec<f64> = draws.collect::<Option<_>>()?;
        let own = memory_in(&measured.series.buckets[place]);
        Some(compare(OVER_TIME, Kind::Bytes, rule, &draws, Some(own)))
    };
    let all: Vec<Row> = places.filter_map(of_bucket).collect();
    let chances: Vec<f64> = all.iter().filter_map(|row| row.chance).collect();
    let pooled = (!chances.is_empty())
        .then(|| (chances.iter().map(|chance| chance * chance).sum::<f64>() / chances.len() as f64).sqrt());
    let size = |row: &Row| row.difference.map_or(0.0, f64::abs);
    let worst = all.into_iter().max_by(|one, other| size(one).total_cmp(&size(other)))?;
    Some(judged(Row { chance: pooled, ..worst }, rule))
}

/// Compares draws of the model with the one of the server.
fn compare(what: &'static str, kind: Kind, rule: Rule, draws: &[f64], measured: Option<f64>) -> Row {
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
    let row = Row {
        what,
        kind,
        predicted: mean,
        measured,
        difference,
        chance,
        tolerance: None,
        judgement: Judgement::NotJudged,
        why: None,
    };
    judged(row, rule)
}

/// The row with what its rule says of it.
fn judged(row: Row, rule: Rule) -> Row {
    let most = [row.predicted, row.measured].into_iter().flatten().fold(0.0, f64::max);
    let (tolerance, inside) = match rule {
        Rule::Shown(why) => (None, Err(why)),
        Rule::Within(tolerance) | Rule::Memory(tolerance) => {
            let within = |difference: f64| {
                let chance = CHANCE * row.chance.unwrap_or(0.0);
                match difference.abs() {
                    size if size <= tolerance => Judgement::Inside,
                    size if size <= tolerance + chance => Judgement::WithinChance,
                    _ => Judgement::Outside,
                }
            };
            let enough = if row.what == STAMPEDED { STAMPEDES } else { EVENTS };
            let inside = match row.difference {
                _ if row.what == STAMPEDED && most < STAMPEDES => Err("fewer than 100 on both sides"),
                _ if row.kind == Kind::Count && most < enough => Err("fewer than 1000 on both sides"),
                _ if row.kind == Kind::Rate && most < BUSY => Err("fewer than 100 a second on both sides"),
                Some(_) if row.chance.is_some_and(|chance| chance > NOISY * tolerance) => {
                    Err("chance alone is far larger than the tolerance: play it longer")
                }
                Some(difference) => Ok(within(difference)),
                // Where the model sees nothing at all, many are too many.
                None if most >= enough && row.predicted.is_some() => Ok(Judgement::Outside),
                None => Err("one side has none"),
            };
            (Some(tolerance), inside)
        }
    };
    let (judgement, why) = match inside {
        Ok(judgement) => (judgement, None),
        Err(why) => (Judgement::NotJudged, Some(why)),
    };
    Row { tolerance, judgement, why, ..row }
}

fn courses(predicted: &[Measurements], measured: &Measurements) -> Vec<Course> {
    type Point = fn(&Bucket) -> Option<f64>;
    let points: [(&'static str, Kind, Point); 3] = [
        ("used_memory", Kind::Bytes, |bucket| Some(memory_in(bucket))),
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

    fn judgement(kind: Kind, tolerance: f64, draws: &[f64], measured: f64) -> Judgement {
        compare("x", kind, Rule::Within(tolerance), draws, Some(measured)).judgement
    }

    #[test]
    fn a_difference_is_inside_its_tolerance_or_within_four_deviations_of_chance() {
        let certain = [0.6; 4];
        assert_eq!(judgement(Kind::Share, 0.5, &certain, 0.6049), Judgement::Inside);
        assert_eq!(judgement(Kind::Share, 0.5, &certain, 0.6051), Judgement::Outside);
        // Draws with a deviation of 0.1 points widen it by 0.4 points and a little.
        let spread = [0.599, 0.600, 0.601];
        assert_eq!(judgement(Kind::Share, 0.5, &spread, 0.6049), Judgement::Inside);
        assert_eq!(judgement(Kind::Share, 0.5, &spread, 0.6091), Judgement::WithinChance);
        assert_eq!(judgement(Kind::Share, 0.5, &spread, 0.6110), Judgement::Outside);
    }

    #[test]
    fn what_chance_alone_brings_beyond_the_tolerance_is_not_judged() {
        let row = |spread: f64| {
            let draws = [0.6 - spread, 0.6, 0.6 + spread];
            compare("x", Kind::Share, Rule::Within(0.5), &draws, Some(0.6))
        };
        assert_eq!(row(0.012).judgement, Judgement::Inside);
        let noisy = row(0.016);
        assert_eq!(noisy.judgement, Judgement::NotJudged, "{:?}", noisy.chance);
        assert!(noisy.why.unwrap().contains("chance"));
    }

    const ALL: Judging = Judging {
        counts_all: true,
        has_pairs: false,
        warmup: SimDuration::ZERO,
        spoiled: None,
        counters_reset: false,
        real_origin: false,
        look_s: 0.2,
    };

    #[test]
    fn every_outcome_has_a_row_where_there_is_any() {
        let run = |kinds: &[OutcomeKind]| {
            let mut run = Measurements::empty();
            kinds.iter().for_each(|kind| run.totals.outcomes.add(*kind));
            run
        };
        let shares = |predicted: &Measurements, measured: &Measurements| -> Vec<(&str, Option<f64>)> {
            let rows = rows(std::slice::from_ref(predicted), measured, &ALL);
            let shares = rows.iter().filter(|row| row.kind == Kind::Share && row.what != "misses, expired");
            shares.map(|row| (row.what, row.measured)).collect()
        };
        let (usual, all) = (run(&[OutcomeKind::FreshHit]), run(&OutcomeKind::ALL));
        assert_eq!(shares(&usual, &usual).len(), 6, "what most scenarios have");
        for pair in [(&usual, &all), (&all, &usual)] {
            assert_eq!(shares(pair.0, pair.1).len(), 9, "either side has one");
        }
        let told: f64 = shares(&usual, &all).iter().filter_map(|(_, share)| *share).sum();
        assert!((told - 1.0).abs() < 1e-9, "every request is in one of the rows: {told}");
    }

    #[test]
    fn memory_of_values_alone_is_not_judged_against_a_servers() {
        let run = Measurements::empty();
        let judged = |judging: &Judging| {
            let rows = rows(std::slice::from_ref(&run), &run, judging);
            let row = rows.into_iter().find(|row| row.what == MEAN_MEMORY).unwrap();
            (row.tolerance, row.why)
        };
        assert_eq!(judged(&ALL).0, Some(1.0));
        let (tolerance, why) = judged(&Judging { counts_all: false, ..ALL });
        assert_eq!(tolerance, None);
        assert!(why.unwrap().contains("memory = \"redis\""), "{why:?}");
    }

    #[test]
    fn the_bucket_whose_memory_differs_most_is_judged_after_the_warmup() {
        let run = |bytes: &[f64]| {
            let mut run = Measurements::empty();
            run.series.bucket = SimDuration::from_secs(1);
            run.series.buckets =
                bytes.iter().map(|bytes| Bucket { live_mean_bytes: *bytes, ..Bucket::default() }).collect();
            run
        };
        let predicted = vec![run(&[100.0, 200.0, 400.0]); 3];
        let worst = |measured: &[f64], warmup: u64| {
            let judging = Judging { warmup: SimDuration::from_secs(warmup), ..ALL };
            worst_bucket(&predicted, &run(measured), &judging)
        };
        let inside = worst(&[100.5, 200.0, 397.0], 0).unwrap();
        assert_eq!((inside.predicted, inside.judgement), (Some(400.0), Judgement::Inside), "0.75 of 100");
        assert_eq!(worst(&[100.0, 203.0, 400.0], 0).unwrap().judgement, Judgement::Outside, "1.5 of 100");
        assert_eq!(worst(&[90.0, 200.0, 400.0], 0).unwrap().judgement, Judgement::Outside);
        assert_eq!(
            worst(&[90.0, 200.0, 400.0], 1).unwrap().judgement,
            Judgement::Inside,
            "before the warm-up"
        );
        assert_eq!(worst(&[90.0, 200.0, 400.0], 3), None, "nothing is left");
        let mut swept = run(&[90.0, 200.0, 400.0]);
        swept.sweeps = Some(crate::metrics::SweepTotals::default());
        assert_eq!(worst_bucket(&predicted, &swept, &ALL).unwrap().judgement, Judgement::NotJudged);
        let pairs = worst_bucket(&predicted, &run(&[90.0; 3]), &Judging { has_pairs: true, ..ALL }).unwrap();
        assert_eq!((pairs.judgement, pairs.tolerance), (Judgement::NotJudged, None));
        // Chance is that of all buckets together.
        let spread = vec![run(&[100.0, 197.0]), run(&[100.0, 203.0])];
        let row = worst_bucket(&spread, &run(&[107.0, 200.0]), &ALL).unwrap();
        assert_eq!((row.predicted, row.judgement), (Some(100.0), Judgement::WithinChance), "{row:?}");
    }

    #[test]
    fn what_is_spoiled_is_not_judged_and_says_why() {
        use Judgement::{Inside, NotJudged, Outside};
        let mut run = Measurements::empty();
        (0..10_000).for_each(|_| run.totals.outcomes.add(OutcomeKind::FreshHit));
        (run.evicted, run.expired, run.origin.fetches, run.stampedes.count) = (5_000, 5_000, 5_000, 500);
        let other = Measurements { evicted: 9_000, ..run.clone() };
        let judged = |judging: &Judging| rows(&[run.clone(), run.clone()], &other, judging);
        let word = |rows: &[Row], what: &str| rows.iter().find(|row| row.what == what).unwrap().judgement;
        let all = judged(&ALL);
        assert_eq!(word(&all, EVICTED), Outside);
        assert_eq!([FETCHES, STAMPEDED, DELAYED].map(|what| word(&all, what)), [Inside; 3]);
        let spoiled = judged(&Judging { spoiled: Some(SPOILED[0]), ..ALL });
        assert!(
            spoiled.iter().all(|row| row.why.is_some_and(|why| why.contains("client-limited"))),
            "{spoiled:?}"
        );
        let reset = judged(&Judging { counters_reset: true, ..ALL });
        assert_eq!([EVICTED, FETCHES].map(|what| word(&reset, what)), [NotJudged, Inside]);
        let real = judged(&Judging { real_origin: true, ..ALL });
        let words = [EVICTED, FETCHES, STAMPEDED, DELAYED].map(|what| word(&real, what));
        assert_eq!(words, [Outside, NotJudged, NotJudged, NotJudged]);
        let cell = |rows: Vec<Row>| ValidatedCell {
            strategy: String::new(),
            capacity_bytes: None,
            eviction: String::new(),
            server: String::new(),
            rows,
            courses: Vec::new(),
            warnings: Vec::new(),
        };
        let (all, spoiled) = (cell(all), cell(spoiled));
        assert!(all.says_something() && all.spoiled().is_none() && !all.is_as_predicted());
        assert_eq!((spoiled.says_something(), spoiled.spoiled()), (false, Some(SPOILED[0])));
        assert!(spoiled.is_as_predicted(), "nothing is outside: its verdict is that it says nothing");
        // Shares of which there is nothing say nothing: 0 against 0 is always as predicted.
        let empty = cell(rows(&[Measurements::empty(), Measurements::empty()], &Measurements::empty(), &ALL));
        assert!(!empty.says_something());
    }

    #[test]
    fn memory_over_time_is_judged_only_where_it_was_looked_at_often_enough() {
        let mut run = Measurements::empty();
        run.series.bucket = SimDuration::from_secs(1);
        run.series.buckets = vec![Bucket { live_mean_bytes: 100.0, ..Bucket::default() }; 3];
        let judged = |look_s: f64| {
            worst_bucket(&[run.clone(), run.clone()], &run, &Judging { look_s, ..ALL }).unwrap().judgement
        };
        assert_eq!((judged(0.5), judged(0.51)), (Judgement::Inside, Judgement::NotJudged));
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
        let count = |predicted, measured| judgement(Kind::Count, 3.0, &[predicted; 3], measured);
        assert_eq!(count(2_000.0, 2_059.0), Judgement::Inside);
        assert_eq!(count(2_000.0, 1_939.0), Judgement::Outside);
        assert_eq!(count(900.0, 100.0), Judgement::NotJudged);
        assert_eq!(count(10.0, 100_000.0), Judgement::Outside, "a thousand on one side are enough");
        assert_eq!(count(0.0, 5_000.0), Judgement::Outside);
        assert_eq!(count(0.0, 5.0), Judgement::NotJudged);
        let busiest = |predicted, measured| judgement(Kind::Rate, 10.0, &[predicted; 3], measured);
        assert_eq!((busiest(30.0, 90.0), busiest(30.0, 100.0)), (Judgement::NotJudged, Judgement::Outside));
        assert_eq!(busiest(400.0, 430.0), Judgement::Inside);
        let few = compare("x", Kind::Count, Rule::Within(3.0), &[900.0], Some(100.0));
        assert_eq!(few.why, Some("fewer than 1000 on both sides"));
        let shown = compare("x", Kind::Bytes, Rule::Shown("it is not"), &[5.0; 3], Some(50.0));
        assert_eq!(
            (shown.judgement, shown.tolerance, shown.why),
            (Judgement::NotJudged, None, Some("it is not"))
        );
    }
}
