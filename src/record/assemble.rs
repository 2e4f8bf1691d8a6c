//! From a scenario and its finished runs to a record.

use std::fmt::Write;
use std::io::{self, Read};

use sha2::{Digest, Sha256};

use super::build::{CellContext, Finished};
use super::wire::{self, Provenance, Record, ScenarioInfo, TraceInfo};
use super::work::server_work;
use crate::cache::{Capacity, ServerEvent};
use crate::live::{Fills, LiveCell, OwnLimit, Pace, Served, Shown};
use crate::metrics::{Measurements, OutcomeKind};
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
const UNKNOWN_CHANGES: &str = "Nothing tells when images change at the origin, so how outdated answers become is unknown, \
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

/// What a live run leaves out, and which way that would move a number.
fn limits_of_a_live_run() -> Vec<String> {
    [
        "One run is one draw of chance: what the server evicts, and when it sweeps, differs from run to run.",
        "Memory is used_memory as INFO told it five times a second, the connections of the run included; what lies between two looks is \
         interpolated. Which of its bytes are of expired keys no server tells.",
        "A miss counts as expired if the copy's TTL was over when it was asked for, and as evicted before that: a key that was evicted \
         and asked for after its TTL counts as expired.",
        "Expirations in a second are keys that the server removed because their TTL was over (expired_keys), not TTLs that ran out.",
        "Deadlines and versions of copies are kept by the harness; the numbers of their fills lie inside the values.",
        "Waits count from the instant at which a request was meant to start, and so hold the server, the network and the harness. \
         Of how long it itself worked on a GET or a SET the server tells sums (commandstats), so that a stretch of time has a mean \
         and no percentiles.",
    ]
    .into_iter()
    .map(str::to_owned)
    .collect()
}

impl Record {
    /// Writes down what became of cells that were played live; `trace` is the one that was played.
    pub fn of_live(scenario: &Scenario, trace: &Trace, cells: Vec<LiveCell>, about: About) -> Self {
        let (mut warnings, mut notes, mut fills) = (Vec::new(), Vec::new(), Vec::new());
        for cell in &cells {
            let name = &scenario.strategies[cell.plan.strategy].name;
            let name = [vec![name.clone()], sweep(scenario, &cell.plan)].concat().join(", ");
            warnings.extend(cell.warnings.iter().map(|warning| format!("{name}: {warning}")));
            let evicted = cell.result.as_ref().map_or(0, |run| run.evicted);
            if evicted > 0 {
                notes.push(format!(
                    "{name}: the server evicted {evicted} keys, and tells of none why it is gone: a miss of a key that was evicted and asked \
                     for after its TTL counts as expired, so miss_expired is an upper bound and miss_evicted a lower one"
                ));
            }
            notes.extend(cell.pace.map(|pace| {
                let hits = cell.result.as_ref().ok().and_then(hits);
                format!("{name}: {}", told(&pace, &cell.server, hits))
            }));
            fills.push((name, cell.pace.map(|pace| pace.fills).unwrap_or_default()));
        }
        let own_limits: Vec<Option<OwnLimit>> = cells.iter().map(|cell| cell.own_limit.clone()).collect();
        let works: Vec<_> = cells.iter().map(server_work).collect();
        let dead_origin = cells.iter().find_map(without_origin);
        let runs = cells
            .into_iter()
            .map(|LiveCell { plan, result, .. }| CellRun { plan, replications: vec![result] });
        let mut record = Self::of_run(scenario, trace, runs.collect(), about);
        record.source = wire::RunSource::Live;
        record.keep_to(&own_limits);
        if let Some(why) = dead_origin {
            record.withhold(why);
        }
        record.refuse_full(&fills);
        record.provenance.warnings.extend(warnings);
        record.provenance.notes.extend(notes);
        // Unlike what the model leaves out, this holds of a live run as well.
        record.provenance.limits.retain(|limit| limit == UNKNOWN_CHANGES);
        record.provenance.limits.splice(..0, limits_of_a_live_run());
        for (cell, work) in record.cells.iter_mut().zip(works) {
            cell.server_work = work;
            cell.memory.expired_resident_mean_bytes = None;
            cell.paired.remove("expired_resident");
            cell.by_replication.remove("expired_resident");
        }
        record
    }
}

impl Record {
    /// Cells of servers that kept to limits of their own are told with those, and none of them is recommended at one that it
    /// was not played with.
    fn keep_to(&mut self, own_limits: &[Option<OwnLimit>]) {
        let mut told = Vec::new();
        for (cell, own) in self.cells.iter_mut().zip(own_limits) {
            let Some(OwnLimit { bytes, policy }) = own else { continue };
            cell.capacity = bytes.map(wire::Capacity::Bytes);
            let words = match bytes {
                Some(bytes) => format!("{policy} at {}", ByteSize::from_bytes(*bytes)),
                None => "no limit".to_owned(),
            };
            if bytes.is_some() && !policy.is_empty() {
                cell.eviction.clone_from(policy);
            }
            if !told.contains(&words) {
                told.push(words);
            }
        }
        if !told.is_empty() {
            self.withhold(format!(
                "Nothing is recommended: the server kept to a limit of its own ({}) and not to that of the scenario, so its figures \
                 are those of that limit; set the scenario's with --configure or --spawn.",
                told.join(", ")
            ));
        }
    }

    /// A cell whose server refused most of its fills is not recommended, however little memory it took. Others are: that a
    /// limit is too small for one of them says nothing against the rest.
    fn refuse_full(&mut self, fills: &[(String, Fills)]) {
        let winner = self.scoring.winner.and_then(|winner| fills.get(winner));
        let Some((name, Fills { sent, refused, .. })) =
            winner.filter(|(_, fills)| fills.are_mostly_refused())
        else {
            return;
        };
        self.withhold(format!(
            "Nothing is recommended: of what comes out ahead ({name}) the server refused {refused} of {sent} fills, as it had no room \
             (OOM), so its figures are those of a cache that holds next to nothing; give it more memory."
        ));
    }

    /// Recommends nothing, for the first of all reasons that there are.
    fn withhold(&mut self, why: String) {
        (self.scoring.winner, self.scoring.indistinguishable) = (None, Vec::new());
        self.scoring.withheld.get_or_insert(why);
    }
}

/// That most fetches of a cell failed at an HTTP origin, in a sentence: then figures are those of its errors, and cells that
/// met it at other times are not comparable either.
fn without_origin(cell: &LiveCell) -> Option<String> {
    let (run, pace) = cell.result.as_ref().ok().zip(cell.pace)?;
    let (failures, fetches) = (run.origin.failures, run.origin.fetches);
    (pace.real_origin && 2 * failures > fetches).then(|| {
        format!(
            "Nothing is recommended: {failures} of {fetches} fetches failed at the origin that was asked (--origin), so the figures \
             are those of its errors; see why in the warnings, and play it again when it answers."
        )
    })
}

/// The share of requests that found a value in the cache, fresh or not, when they asked for it first.
fn hits(run: &Measurements) -> Option<f64> {
    use OutcomeKind::{FreshHit, StaleHit, StaleOnError};
    let all = run.totals.outcomes.total();
    let found =
        [FreshHit, StaleHit, StaleOnError].map(|kind| run.totals.outcomes.of(kind)).iter().sum::<u64>();
    (all > 0).then(|| found as f64 / all as f64)
}

/// How a live run kept its pace, in a sentence; `hits` of its requests were such.
fn told(pace: &Pace, server: &str, hits: Option<f64>) -> String {
    let Pace { late_s, get_s, most_under_way, clock_phase_ms, fills, lock_reads, served, shown, .. } = pace;
    let millis = |seconds: [f64; 3]| seconds.map(|seconds| format!("{:.2}", seconds * 1e3)).join(" / ");
    format!(
        "{server}; requests were started late by {} ms and GETs took {} ms (median / p99 / most){}; at most {most_under_way} requests \
         waited at once; {}; the run began {clock_phase_ms} ms into a minute of the server's clock{}",
        millis(*late_s),
        millis(*get_s),
        served.map(|served| own_work(&served)).unwrap_or_default(),
        sent(fills),
        shown.map(|shown| own_counts(&shown, *lock_reads, hits)).unwrap_or_default()
    )
}

/// What was sent to the server.
fn sent(fills: &Fills) -> String {
    let [all, refused] = [fills.sent_bytes, fills.refused_bytes].map(ByteSize::from_bytes);
    if fills.refused == 0 {
        return format!("{all} of values were sent");
    }
    format!("{all} of values were sent, of which {refused} were refused (OOM)")
}

/// What the server counted, beside what was counted here: a script that gives a lock back reads it, and that says nothing of
/// the images.
fn own_counts(shown: &Shown, [held, lost]: [u64; 2], hits: Option<f64>) -> String {
    let Shown { reads: [found, missed], peak_bytes, rss_ratio } = *shown;
    let locks = held + lost;
    let (found, missed) = (found.saturating_sub(held), missed.saturating_sub(lost));
    let all = found + missed;
    let share = (all > 0).then(|| 100.0 * found as f64 / all as f64);
    let mut text = String::new();
    if let Some((share, hits)) = share.zip(hits) {
        let beside =
            if locks > 0 { format!(" beside the {locks} that gave locks back") } else { String::new() };
        let _ = write!(
            text,
            "; in the scored part it counted {all} reads{beside}, polls and second keys among them, of which {share:.1} % found a key \
             (keyspace_hits), and of the requests {:.1} % were served from the cache",
            hits * 100.0
        );
    }
    // Writing to a text cannot fail.
    let _ = write!(
        text,
        "; its process took {rss_ratio:.2} times what was in use (used_memory_rss), which was never more than {} since its start \
         (used_memory_peak)",
        ByteSize::from_bytes(peak_bytes)
    );
    text
}

/// The server's part in that.
fn own_work(served: &Served) -> String {
    let Served { get_mean_s, set_mean_s, get_p99_s, slowest } = served;
    let told = |what: &str, span: Option<f64>| Some(format!("{what} {:.1} us", span? * 1e6));
    let slowest = slowest.map(|slowest| {
        let means = [told("a GET", Some(slowest.get_mean_s)), told("a SET", slowest.set_mean_s)];
        let means = means.into_iter().flatten().collect::<Vec<_>>().join(", ");
        format!("at its slowest, from {:.1} s to {:.1} s, {means}", slowest.from_s, slowest.until_s)
    });
    let all = [
        told("a GET", *get_mean_s),
        told("a SET", *set_mean_s),
        told("99 of 100 GETs since its start at most", *get_p99_s),
        slowest,
    ];
    let all: Vec<String> = all.into_iter().flatten().collect();
    if all.is_empty() {
        String::new()
    } else {
        format!(", of which the server itself worked: {}", all.join(", "))
    }
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
fn sweep(scenario: &Scenario, plan: &CellPlan) -> Vec<String> {
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::random::Seed;
    use crate::trace::synth::generate;
    use crate::tune;

    const SMALL: &str = "name = \"x\"\n[workload]\nduration = \"10s\"\nrate = \"10/s\"\n[[workload.class]]\nname = \"a\"\nobjects = 9\n\
                         [cache]\ncapacity = \"1MiB\"\n[[strategy]]\nname = \"short\"\nbaseline = true\nttl = { rule = \"fixed\", ttl = \"2ms\" }\n\
                         [[strategy]]\nname = \"long\"\nttl = { rule = \"fixed\", ttl = \"1h\" }\n";

    /// The record of a run of two strategies, of which the longer TTL has more hits, that were played like this.
    fn played(live: impl Fn(&mut LiveCell)) -> Record {
        let scenario = Scenario::parse(SMALL, "x.toml").expect("it is a scenario");
        let Source::Synthetic(workload) = &scenario.source else { panic!("it is synthetic") };
        let trace = Arc::new(generate(workload, Seed::new(1)));
        let cell = |plan: &CellPlan| {
            let simulation =
                tune::simulation(&scenario, plan, &trace, Seed::new(1)).expect("it can be set up");
            let measured = simulation.run(tune::bucket_for(trace.span()), &()).expect("nobody stops it");
            let mut cell = LiveCell {
                plan: *plan,
                result: Ok(measured),
                pace: Some(Pace::default()),
                server: String::new(),
                own_limit: None,
                worked: Vec::new(),
                warnings: Vec::new(),
                is_tidy: true,
            };
            live(&mut cell);
            cell
        };
        let cells = tune::grid(&scenario).iter().map(cell).collect();
        let about =
            About { scenario_sha256: String::new(), command: String::new(), trace: synthetic(&trace) };
        Record::of_live(&scenario, &trace, cells, about)
    }

    fn fills(cell: &mut LiveCell, sent: u64, refused: u64) {
        let pace = cell.pace.as_mut().expect("it was played");
        pace.fills = Fills { sent, refused, sent_bytes: 1_000 * sent, refused_bytes: 1_000 * refused };
    }

    #[test]
    fn a_cell_most_of_whose_fills_were_refused_is_not_recommended() {
        let record = played(|cell| fills(cell, 100, 50));
        assert_eq!(
            (record.scoring.winner, record.scoring.withheld),
            (Some(1), None),
            "half of them is not most"
        );
        let notes = record.provenance.notes.join(" ");
        assert!(notes.contains("100000B of values were sent, of which 50000B were refused (OOM)"), "{notes}");
        let record = played(|cell| fills(cell, 100, if cell.plan.strategy == 0 { 99 } else { 0 }));
        assert_eq!((record.scoring.winner, record.scoring.withheld), (Some(1), None), "the other one is");
        let record = played(|cell| fills(cell, 100, if cell.plan.strategy == 1 { 51 } else { 0 }));
        assert_eq!(record.scoring.winner, None);
        let why = record.scoring.withheld.unwrap();
        assert!(why.contains("(long, 1MiB) the server refused 51 of 100 fills"), "{why}");
    }

    #[test]
    fn where_the_origin_that_was_asked_was_not_there_nothing_is_recommended() {
        let failed = |is_real, share: u64| {
            let record = played(|cell| {
                cell.pace.as_mut().expect("it was played").real_origin = is_real;
                let run = cell.result.as_mut().expect("it came to its end");
                if cell.plan.strategy == 0 {
                    run.origin.failures = run.origin.fetches * share / 100;
                }
            });
            (record.scoring.winner, record.scoring.withheld.unwrap_or_default())
        };
        assert_eq!(failed(true, 40), (Some(1), String::new()));
        assert_eq!(failed(false, 100), (Some(1), String::new()), "the scenario's own faults are meant");
        let (winner, why) = failed(true, 100);
        assert!(winner.is_none() && why.contains("fetches failed at the origin that was asked"), "{why}");
    }

    #[test]
    fn reads_that_give_locks_back_are_no_hits_of_images() {
        let shown = Shown { reads: [473, 1_367], peak_bytes: 1, rss_ratio: 1.0 };
        let told = own_counts(&shown, [473, 0], Some(0.0));
        let words = "it counted 1367 reads beside the 473 that gave locks back, polls and second keys among them, of which 0.0 % found a key";
        assert!(told.contains(words), "{told}");
        let lost = own_counts(&shown, [3, 1], Some(0.25));
        assert!(
            lost.contains("1836 reads beside the 4 that") && lost.contains("which 25.6 % found"),
            "{lost}"
        );
        let none = own_counts(&shown, [0, 0], Some(0.25));
        assert!(
            none.contains("it counted 1840 reads, polls") && none.contains("which 25.7 % found"),
            "{none}"
        );
    }
}
