//! From a scenario and its finished runs to a record.

use std::fmt::Write;
use std::io::{self, Read};

use sha2::{Digest, Sha256};

use super::build::{CellContext, Finished};
use super::wire::{self, Provenance, Record, ScenarioInfo, TraceInfo};
use crate::cache::{Capacity, ServerEvent};
use crate::metrics::Measurements;
use crate::scenario::{Scenario, Source, events};
use crate::score::{self, METRICS, Weighed, judge};
use crate::strategy::Design;
use crate::trace::Trace;
use crate::tune::{CellPlan, CellRun, Failure};
use crate::units::{ByteSize, SimTime, Window};

/// What the model leaves out for this scenario, and which way that would move a number.
fn limits(scenario: &Scenario) -> Vec<String> {
    let reclaim = match scenario.cache.reclaim.name() {
        "active" => {
            "Dead entries are swept as by Redis 7.0, with the declared costs of a deletion and a visited bucket; on \
             a busy machine the sweep comes later."
        }
        "eager" => {
            "Dead entries are removed at the instant they expire; a real Redis gives their memory back later."
        }
        _ => {
            "Dead entries are removed when they are looked up or evicted; a real Redis also sweeps them in the \
             background and holds less."
        }
    };
    let memory = if scenario.cache.memory.name() == "redis" {
        "Memory is used_memory of Redis 7.0 with string values; replication, fragmentation and copies during a snapshot \
         come on top."
    } else {
        "Memory counts the bytes of values alone; a real Redis adds about 110 bytes a key, its tables and the \
         allocator's rounding, so the same maxmemory holds less."
    };
    let sampled =
        |name: &str| name == "noeviction" || name.starts_with("allkeys-") || name.starts_with("volatile-");
    let eviction = if scenario.cache.evictions.iter().all(|policy| sampled(policy.name())) {
        "Eviction is that of Redis 7.0; other versions draw their samples slightly differently."
    } else {
        "Eviction by a textbook policy is exact; Redis's allkeys-lru samples a few keys and comes out slightly below \
         exact LRU."
    };
    let source = match &scenario.source {
        Source::Synthetic(workload) if !workload.is_independent() => {
            "Requests come in the pages, bursts, repeats and events that the workload describes; what else ties real \
             ones together is not modelled."
        }
        Source::Synthetic(_) => {
            "Requests are drawn independently; real ones come in bursts and sessions, which makes stampedes larger."
        }
        Source::Recorded(_) => {
            "The recording is played as it is: clients that would have come back sooner or later, had the answers \
             been faster or slower, are not modelled."
        }
    };
    let retries = if scenario.client.retries == 0 {
        "Clients do not retry; retries add load exactly when the origin has none to spare."
    } else {
        "Clients retry as the scenario says; people who reload a page are not modelled."
    };
    let limits = [
        "Reads and writes of the cache take no time and never fail; a real server adds its own latency, most of all \
         under load.",
        memory,
        eviction,
        reclaim,
        retries,
        source,
    ];
    limits.into_iter().map(str::to_owned).collect()
}

/// What a record tells besides the runs.
#[derive(Debug, Clone)]
pub struct About {
    /// SHA-256 of the scenario's text.
    pub scenario_sha256: String,
    /// A command that gives the record again.
    pub command: String,
    /// The requests.
    pub trace: TraceInfo,
}

/// The SHA-256 of bytes, in hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// The SHA-256 of all that can be read, in hexadecimal digits.
///
/// # Errors
/// If it cannot be read to its end.
pub fn sha256_of(mut from: impl Read) -> io::Result<String> {
    let (mut digest, mut part) = (Sha256::new(), vec![0; 1 << 16]);
    loop {
        match from.read(&mut part)? {
            0 => return Ok(hex(&digest.finalize())),
            length => digest.update(&part[..length]),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// What is to be told of a synthetic trace.
pub fn synthetic(trace: &Trace) -> TraceInfo {
    let mut digest = Sha256::new();
    trace.each(|at, object| {
        digest.update(at.as_nanos().to_le_bytes());
        digest.update(object.as_u32().to_le_bytes());
    });
    for fact in trace.objects().facts() {
        digest.update(fact.size.to_le_bytes());
    }
    let sha256 = hex(&digest.finalize());
    TraceInfo {
        source: "synthetic".to_owned(),
        recorded: false,
        requests: trace.len() as u64,
        objects: trace.objects().len() as u64,
        unique_bytes: trace.objects().total_bytes(),
        span_s: trace.span().as_secs_f64(),
        sha256,
        skipped: std::collections::BTreeMap::new(),
        skipped_first: std::collections::BTreeMap::new(),
        imputed_size_share: 0.0,
        notes: Vec::new(),
        clock: None,
        reuse: Some(super::reuse::reuse(trace)),
    }
}

/// What a run leaves out in which nothing says when images change.
pub(super) const UNKNOWN_CHANGES: &str = "Nothing tells when images change at the origin, so how outdated answers become is unknown, \
and a longer TTL costs nothing here.";

/// [`UNKNOWN_CHANGES`] where that is so; nothing where no replication finished.
fn unknown_changes(cells: &[score::Cell]) -> Option<String> {
    let mut told =
        cells.iter().flat_map(|cell| cell.runs.iter().map(|run| run.freshness.is_some())).peekable();
    told.peek()?;
    (!told.any(|told| told)).then(|| UNKNOWN_CHANGES.to_owned())
}

/// What the samples of some cell did not store, though the whole cache stores it: of the cell where that is most.
fn unstored(cells: &[score::Cell]) -> Option<String> {
    let share = |cell: &score::Cell| {
        let seen = cell.runs.iter().filter_map(|run| run.sampled);
        let (unstored, requests) =
            seen.fold((0, 0), |sum, seen| (sum.0 + seen.unstored, sum.1 + seen.requests));
        if requests == 0 { 0.0 } else { unstored as f64 / requests as f64 }
    };
    let worst = cells.iter().map(|cell| (share(cell), cell)).max_by(|a, b| a.0.total_cmp(&b.0))?;
    (worst.0 > 0.0).then(|| {
        format!(
            "{}: of {:.2} % of the requests the value was too large for the cache of a sample, though the whole cache \
             stores it: their hits are missing, and other values had the room; take a larger sample",
            worst.1.label(),
            worst.0 * 100.0
        )
    })
}

impl Record {
    /// Writes down what became of a scenario's cells; `trace` is that of the first replication.
    pub fn of_run(scenario: &Scenario, trace: &Trace, cells: Vec<CellRun>, about: About) -> Self {
        let steered: Vec<_> =
            scenario.strategies.iter().map(|design| constant_timeouts(scenario, design, trace)).collect();
        let contexts: Vec<CellContext> = cells
            .iter()
            .map(|cell| {
                let (weighed, constant) = steered[cell.plan.strategy].unzip();
                let first = cell.replications.first().and_then(|run| run.as_ref().ok());
                let own = weighed.zip(first).and_then(|(weighed, run)| own_cost(weighed, run));
                CellContext {
                    timeouts: constant.map(|constant| wire::Timeouts { own, ..constant }),
                    ..context(scenario, cell)
                }
            })
            .collect();
        let cells: Vec<score::Cell> = cells.into_iter().map(|cell| scored(scenario, cell)).collect();
        let verdict = judge(&cells, &scenario.judgement.rules);
        let mut warnings = scenario.warnings.clone();
        warnings.extend(scenario.warnings_on(trace));
        warnings.extend(pinned(&cells));
        warnings.extend(unstored(&cells));
        let scored_s = trace.span().as_secs_f64() - scenario.warmup.as_secs_f64();
        Self::build(Finished {
            scenario: ScenarioInfo {
                name: scenario.name.clone(),
                question: scenario.question.clone(),
                sha256: about.scenario_sha256,
                seed: scenario.seed,
                effective: serde_json::to_value(&scenario.effective).expect("a TOML table has a JSON form"),
            },
            trace: about.trace,
            sample: sample(scenario, &cells),
            provenance: Provenance {
                command: about.command,
                warmup_s: scenario.warmup.as_secs_f64(),
                scored_s: scored_s.max(0.0),
                warnings,
                notes: scenario.notes.iter().cloned().chain(scenario.notes_on(trace)).collect(),
                limits: limits(scenario).into_iter().chain(unknown_changes(&cells)).collect(),
                // Told when the cells have their names.
                without_events: Vec::new(),
            },
            events: scenario.cache.events.iter().map(|written| server_event(&written.event)).collect(),
            objects: trace.objects(),
            rules: &scenario.judgement.rules,
            cells: &cells,
            contexts: &contexts,
            verdict: &verdict,
        })
    }
}

/// How a sample of the keys was played, if one was.
fn sample(scenario: &Scenario, cells: &[score::Cell]) -> Option<wire::SampleInfo> {
    let seen = || cells.iter().flat_map(|cell| cell.runs.iter().filter_map(|run| run.sampled));
    let one = seen().next()?;
    let missing = METRICS
        .iter()
        .filter_map(|metric| Some((metric.name.to_owned(), metric.missing(one.shared)?.to_owned())));
    Some(wire::SampleInfo {
        rate: one.rate,
        samples_of_one_trace: one.of_one_trace,
        requests: seen().map(|sampled| sampled.requests as f64).sum::<f64>() / seen().count() as f64,
        unavailable: missing.collect(),
        chosen: scenario.sample_chosen.clone(),
    })
}

/// Says of every controller that stood at a limit for at least half of the run that it did.
fn pinned(cells: &[score::Cell]) -> Vec<String> {
    let mut warnings = Vec::new();
    for cell in cells {
        let first = cell.runs.numbered().find(|(number, _)| *number == 0).map(|(_, run)| run);
        for trajectory in first.into_iter().flat_map(|run| &run.trajectories) {
            let Some(share) = trajectory.pinned_share.filter(|share| *share >= 0.5) else { continue };
            warnings.push(format!(
                "{}: {} stood at a limit for {:.0} % of the run (pinned), so it could not do what it is asked; write another \
                 target, or wider limits",
                cell.label(),
                trajectory.name,
                share * 100.0
            ));
        }
    }
    warnings.dedup();
    warnings
}

fn server_event(event: &ServerEvent) -> wire::ServerEvent {
    let (kind, what) = events::words(event);
    let (at_s, until_s) = (event.at.as_secs_f64(), event.until().as_secs_f64());
    wire::ServerEvent { at_s, until_s, kind: kind.to_owned(), what }
}

/// The values of the sweep at a cell, as they are written: the capacity, and the eviction policy where several are compared.
pub(super) fn sweep(scenario: &Scenario, plan: &CellPlan) -> Vec<String> {
    let capacity = match plan.capacity {
        Capacity::Unbounded => "unbounded".to_owned(),
        Capacity::Bytes(bytes) => ByteSize::from_bytes(bytes).to_string(),
        Capacity::Objects(objects) => format!("{objects} objects"),
    };
    let mut values = vec![capacity];
    if scenario.cache.evictions.len() > 1 {
        values.push(scenario.cache.evictions[plan.eviction].name().to_owned());
    }
    values
}

fn context(scenario: &Scenario, cell: &CellRun) -> CellContext {
    let total = cell.replications.len();
    let failures: Vec<&Failure> = cell.replications.iter().filter_map(|run| run.as_ref().err()).collect();
    let failed = failures.first().map(|first| {
        let why = match first {
            Failure::Stopped => wire::INTERRUPTED.to_owned(),
            Failure::Broken(message) => format!("broke off: {message}"),
        };
        format!("{} of {total} replications missing, {why}", failures.len())
    });
    let capacity = match cell.plan.capacity {
        Capacity::Unbounded => None,
        Capacity::Bytes(bytes) => Some(wire::Capacity::Bytes(bytes)),
        Capacity::Objects(objects) => Some(wire::Capacity::Objects(objects)),
    };
    CellContext {
        capacity,
        eviction: scenario.cache.evictions[cell.plan.eviction].name().to_owned(),
        failed,
        timeouts: None,
    }
}

/// What constant timeouts would have cost where the ttl rule steers one, and at which prices.
fn constant_timeouts(
    scenario: &Scenario,
    design: &Design,
    trace: &Trace,
) -> Option<(Weighed, wire::Timeouts)> {
    let rule = Some(&design.rule).filter(|rule| rule.name() == "elastic")?;
    let weighed = Weighed { miss: rule.number_of("miss_cost")?, gb_hour: rule.number_of("price")? };
    let limits = (rule.duration_of("min")?, rule.duration_of("max")?);
    let window = Window { from: SimTime::ZERO + scenario.warmup, until: SimTime::ZERO + trace.span() };
    let costs = score::timeouts(trace, window, weighed, limits)?;
    let timeouts = wire::Timeouts {
        own: None,
        best: costs.best_cost,
        best_s: costs.best.as_secs_f64(),
        none: costs.none_cost,
        forever: costs.forever_cost,
    };
    Some((weighed, timeouts))
}

/// What a run costs an hour at a rule's own prices.
fn own_cost(weighed: Weighed, run: &Measurements) -> Option<f64> {
    let hours = run.scored.as_secs_f64() / 3_600.0;
    (hours > 0.0).then(|| {
        run.origin.fetches as f64 * weighed.miss / hours + run.memory.mean_bytes / 1e9 * weighed.gb_hour
    })
}

fn scored(scenario: &Scenario, cell: CellRun) -> score::Cell {
    let design = &scenario.strategies[cell.plan.strategy];
    let runs = (0..).zip(cell.replications).filter_map(|(number, run)| Some((number, run.ok()?))).collect();
    score::Cell {
        strategy: design.name.clone(),
        baseline: design.baseline,
        oracle: scenario.cache.evictions[cell.plan.eviction].about().oracle,
        sweep: sweep(scenario, &cell.plan),
        runs,
    }
}
