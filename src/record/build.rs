//! From the judgement to the record: counts are summed over replications, rates and ratios averaged,
//! peaks are the greatest, histograms put together and series averaged bucket by bucket.

use std::collections::{BTreeMap, BTreeSet};

use super::wire;
use crate::cache::redis::Breakdown;
use crate::metrics::{Burst, Measurements, OutcomeKind, SweepTotals, Tally, Waits};
use crate::score::{self, CellVerdict, Estimate, Interval, Replications, Rules, Verdict, rates};
use crate::trace::Objects;
use crate::units::SimDuration;

/// What a record tells of a cell besides what was measured.
#[derive(Debug, Clone, PartialEq)]
pub struct CellContext {
    /// Limit of the cache; `None` where unbounded.
    pub capacity: Option<wire::Capacity>,
    /// Eviction policy.
    pub eviction: String,
    /// Why replications are missing, if some failed.
    pub failed: Option<String>,
    /// What the timeout costs that its rule steers, and constant ones.
    pub timeouts: Option<wire::Timeouts>,
}

/// All that a record is made of.
#[derive(Debug)]
pub struct Finished<'r> {
    /// What was asked.
    pub scenario: wire::ScenarioInfo,
    /// On which requests.
    pub trace: wire::TraceInfo,
    /// How a sample of the keys was played, if one was.
    pub sample: Option<wire::SampleInfo>,
    /// How it was simulated.
    pub provenance: wire::Provenance,
    /// What happened to the cache's server.
    pub events: Vec<wire::ServerEvent>,
    /// The objects of the first replication's trace, which the worst stampedes and the classes name.
    pub objects: &'r Objects,
    /// By what the cells were judged.
    pub rules: &'r Rules,
    /// The cells in the order of the scenario, each with what else is told of it.
    pub cells: &'r [score::Cell],
    /// As many as cells.
    pub contexts: &'r [CellContext],
    /// The judgement of these cells by these rules.
    pub verdict: &'r Verdict,
}

impl wire::Record {
    /// Writes down a finished run.
    ///
    /// # Panics
    /// If contexts or verdict are not of these cells.
    pub fn build(run: Finished<'_>) -> Self {
        assert_eq!(run.cells.len(), run.contexts.len(), "every cell has a context");
        assert_eq!(run.cells.len(), run.verdict.cells.len(), "every cell is judged");
        let ids = ids(run.cells.iter().map(|cell| std::iter::once(&cell.strategy).chain(&cell.sweep)));
        let classes = class_sizes(run.objects);
        let without_events = without_events(run.cells, &ids);
        let cells = ids
            .into_iter()
            .enumerate()
            .map(|(index, id)| {
                Source {
                    cell: &run.cells[index],
                    context: &run.contexts[index],
                    judged: &run.verdict.cells[index],
                    objects: run.objects,
                    classes: &classes,
                    rules: run.rules,
                }
                .cell(id)
            })
            .collect();
        Self {
            schema: wire::SCHEMA,
            tool: tool(),
            source: wire::RunSource::Simulation,
            scoring: scoring(run.rules, run.verdict),
            expectations: expectations(run.rules, run.verdict, run.cells),
            events: run.events,
            scenario: run.scenario,
            trace: run.trace,
            sample: run.sample,
            provenance: wire::Provenance { without_events, ..run.provenance },
            // Found when the recommended cell is known.
            surface: None,
            cells,
        }
    }
}

/// What makes records: its name, its version, and the commit where `TTLAB_COMMIT` named it to the build.
fn tool() -> wire::Tool {
    wire::Tool {
        name: "ttlab".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        commit: option_env!("TTLAB_COMMIT").filter(|commit| !commit.is_empty()).map(str::to_owned),
    }
}

/// Names for links from the words of each cell, as they are written: lower case, everything but
/// letters and digits a hyphen. The second of two equal names gets `-2`.
pub fn ids<'w>(cells: impl Iterator<Item = impl Iterator<Item = &'w String>>) -> Vec<String> {
    let mut taken = BTreeSet::new();
    cells
        .map(|words| {
            let slug =
                words.map(|word| slug(word)).filter(|word| !word.is_empty()).collect::<Vec<_>>().join("-");
            let slug = if slug.is_empty() { "cell".to_owned() } else { slug };
            let mut id = slug.clone();
            for copy in 2.. {
                if taken.insert(id.clone()) {
                    break;
                }
                id = format!("{slug}-{copy}");
            }
            id
        })
        .collect()
}

fn slug(word: &str) -> String {
    let mut slug = String::new();
    for letter in word.chars().flat_map(char::to_lowercase) {
        if letter.is_alphanumeric() {
            slug.push(letter);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.trim_end_matches('-').to_owned()
}

/// The names of the cells of which no run had a clock.
fn without_events(cells: &[score::Cell], ids: &[String]) -> Vec<String> {
    let has_none =
        |cell: &score::Cell| !cell.runs.is_empty() && cell.runs.iter().all(|run| run.without_events);
    cells.iter().zip(ids).filter(|(cell, _)| has_none(cell)).map(|(_, id)| id.clone()).collect()
}

fn class_sizes(objects: &Objects) -> Vec<u64> {
    let mut sizes = vec![0; objects.classes().len()];
    objects.facts().iter().for_each(|fact| sizes[fact.class.index()] += 1);
    sizes
}

fn scoring(rules: &Rules, verdict: &Verdict) -> wire::Scoring {
    wire::Scoring {
        weights: rules.weights.iter().map(|(metric, weight)| (metric.name.to_owned(), weight)).collect(),
        formula: score::FORMULA.to_owned(),
        rule: score::RULE.to_owned(),
        winner: verdict.winner,
        indistinguishable: verdict.indistinguishable.clone(),
        withheld: None,
    }
}

fn expectations(rules: &Rules, verdict: &Verdict, cells: &[score::Cell]) -> Vec<wire::Expectation> {
    let held = verdict.expectations.iter();
    held.map(|held| {
        let claim = &rules.expectations[held.expectation];
        wire::Expectation {
            strategy: claim.strategy.clone(),
            cell: cells[held.cell].label(),
            metric: claim.metric.name.to_owned(),
            low: claim.low,
            high: claim.high,
            value: held.value,
            met: held.met,
        }
    })
    .collect()
}

/// What one cell of the record is made of.
struct Source<'r> {
    cell: &'r score::Cell,
    context: &'r CellContext,
    judged: &'r CellVerdict,
    objects: &'r Objects,
    classes: &'r [u64],
    rules: &'r Rules,
}

impl Source<'_> {
    fn cell(&self, id: String) -> wire::Cell {
        let runs = &self.cell.runs;
        wire::Cell {
            id,
            strategy: self.cell.strategy.clone(),
            baseline: self.cell.baseline,
            oracle: self.cell.oracle,
            capacity: self.context.capacity,
            eviction: self.context.eviction.clone(),
            replications: u32::try_from(runs.len()).expect("replications are numbered by u32"),
            failed: self.context.failed.clone(),
            requests: runs.outcomes().total(),
            outcomes: outcomes(&runs.outcomes()),
            ratios: ratios(runs),
            entries: entries(runs),
            memory: memory(runs),
            evicted: runs.sum(|run| run.evicted),
            expired: runs.sum(|run| run.expired),
            out_of_memory: runs.sum(|run| run.out_of_memory),
            too_large: runs.sum(|run| run.too_large),
            commands: commands(runs),
            origin: origin(runs),
            stampedes: stampedes(runs, self.objects),
            avalanche: avalanche(runs),
            incidents: incidents(runs),
            sweeps: sweeps(runs),
            latency_ms: waits_told(runs, runs.waits()),
            latency_by_kind: latency_by_kind(runs),
            freshness: freshness(runs),
            classes: super::classes::rows(runs, self.objects.classes(), self.classes),
            parties: super::parties::rows(runs),
            cost: self.cost(),
            timeouts: self.context.timeouts,
            paired: self.paired(),
            by_replication: self.by_replication(),
            score: self.judged.score,
            score_parts: self.judged.parts.iter().map(|(&name, &part)| (name.to_owned(), part)).collect(),
            on_pareto_front: self.judged.on_pareto_front,
            gates: self.gates(),
            series: super::series::averaged(runs, self.objects.classes()),
            // Of a live run alone.
            server_work: None,
            trajectories: trajectories(runs, self.objects.classes()),
        }
    }

    fn cost(&self) -> Option<wire::Cost> {
        let prices = self.rules.prices.as_ref()?;
        let limit = match self.context.capacity {
            Some(wire::Capacity::Bytes(bytes)) => Some(bytes),
            _ => None,
        };
        let cost = prices.monthly(limit, &self.cell.runs)?;
        let (node, nodes) = cost.rented.nodes.unzip();
        Some(wire::Cost {
            currency: prices.currency.clone(),
            total: estimate(Some(cost.total)),
            memory: cost.memory,
            origin: cost.origin,
            served: cost.served,
            rented_bytes: cost.rented.bytes,
            node,
            nodes,
        })
    }

    fn paired(&self) -> BTreeMap<String, wire::Difference> {
        let difference = |estimate: &Estimate| wire::Difference {
            mean: estimate.mean,
            low: estimate.interval.map(|interval| interval.low),
            high: estimate.interval.map(|interval| interval.high),
            indistinguishable: estimate.is_indistinguishable_from_zero(),
        };
        self.judged.paired.iter().map(|(&name, estimate)| (name.to_owned(), difference(estimate))).collect()
    }

    fn by_replication(&self) -> BTreeMap<String, Vec<Option<f64>>> {
        let named = |(name, values): (&&'static str, &Vec<Option<f64>>)| ((*name).to_owned(), values.clone());
        self.judged.by_replication.iter().map(named).collect()
    }

    fn gates(&self) -> BTreeMap<String, wire::Gate> {
        let checked = self.rules.gates.iter().zip(&self.judged.gates);
        checked
            .map(|(gate, checked)| {
                let bound = match gate.bound {
                    score::Bound::Min => wire::Bound::Min,
                    score::Bound::Max => wire::Bound::Max,
                };
                let held = wire::Gate {
                    value: checked.value,
                    limit: gate.limit,
                    bound,
                    pass: checked.pass,
                    kept_in: Some(checked.kept_in),
                };
                (gate.name.clone(), held)
            })
            .collect()
    }
}

pub(super) fn outcomes(tally: &Tally) -> wire::Outcomes {
    let [
        fresh_hit,
        stale_hit,
        delayed_hit,
        miss_cold,
        miss_expired,
        miss_evicted,
        miss_invalidated,
        miss_lost,
        stale_on_error,
        error,
    ] = tally.counts();
    wire::Outcomes {
        fresh_hit,
        stale_hit,
        delayed_hit,
        miss_cold,
        miss_expired,
        miss_evicted,
        miss_invalidated,
        miss_lost,
        stale_on_error,
        error,
    }
}

fn estimate(estimate: Option<Estimate>) -> wire::Estimate {
    let interval = estimate.and_then(|estimate| estimate.interval);
    wire::Estimate {
        mean: estimate.map(|estimate| estimate.mean),
        low: interval.map(|interval| interval.low),
        high: interval.map(|interval| interval.high),
    }
}

fn ratios(runs: &Replications) -> wire::Ratios {
    let share = |rate: fn(&Measurements) -> Option<f64>| {
        let of = runs.estimate(rate);
        of.map(|of| Estimate { interval: of.interval.map(Interval::of_share), ..of })
    };
    wire::Ratios {
        fresh_hit: estimate(share(rates::fresh_hit)),
        hit: estimate(share(rates::hit)),
        hit_or_joined: estimate(share(rates::hit_or_joined).filter(|_| tells_queues(runs))),
        byte_hit: estimate(share(rates::byte_hit)),
        // More fetches than requests are less than none.
        origin_offload: estimate(runs.estimate(rates::origin_offload)),
    }
}

/// The mean of what every replication has; 0 without replications, which the cell says itself.
fn mean(runs: &Replications, value: impl Fn(&Measurements) -> f64) -> f64 {
    runs.mean(|run| Some(value(run))).unwrap_or(0.0)
}

fn entries(runs: &Replications) -> wire::Entries {
    wire::Entries {
        mean: mean(runs, |run| run.memory.mean_entries),
        peak: runs.max(|run| run.memory.peak_entries),
        at_end: mean(runs, |run| run.memory.final_entries as f64),
    }
}

fn memory(runs: &Replications) -> wire::Memory {
    let bytes = estimate(runs.estimate(|run| Some(run.memory.mean_bytes)));
    // Where the server sweeps, the means of samples agree with one another and not with the whole.
    let sweeps = runs.sampled().is_some_and(|sampled| sampled.shared.sweeps);
    let peak = runs
        .sampled()
        .is_none_or(|sampled| !sampled.shared.commands && !sweeps)
        .then(|| runs.max(|run| run.memory.peak_bytes));
    wire::Memory {
        mean_bytes: bytes.mean.unwrap_or(0.0),
        peak_bytes: peak,
        final_bytes: mean(runs, |run| run.memory.final_bytes as f64),
        expired_resident_mean_bytes: (!sweeps)
            .then(|| mean(runs, |run| run.memory.expired_resident_mean_bytes)),
        mean_low: bytes.low.filter(|_| !sweeps),
        mean_high: bytes.high.filter(|_| !sweeps),
        breakdown: breakdown(runs),
        rss_estimate_bytes: runs
            .iter()
            .find_map(|run| run.memory.rss_ratio)
            .zip(peak)
            .map(|(ratio, peak)| ratio * peak as f64),
    }
}

fn breakdown(runs: &Replications) -> Option<wire::MemoryParts> {
    let part = |of: fn(&Breakdown) -> u64| {
        runs.mean(|run| run.memory.breakdown.as_ref().map(|parts| of(parts) as f64))
    };
    Some(wire::MemoryParts {
        values: part(|parts| parts.values)?,
        keys: part(|parts| parts.keys)?,
        headers: part(|parts| parts.headers)?,
        dict_entries: part(|parts| parts.dict_entries)?,
        expires_entries: part(|parts| parts.expires_entries)?,
        tables: part(|parts| parts.tables)?,
        rounding: part(|parts| parts.rounding)?,
        sorted_set: part(|parts| parts.sorted_set)?,
        clients: part(|parts| parts.clients)?,
        fixed: part(|parts| parts.fixed)?,
    })
}

fn commands(runs: &Replications) -> wire::CacheCommands {
    wire::CacheCommands {
        get: runs.sum(|run| run.commands.get),
        set: runs.sum(|run| run.commands.set),
        expire: runs.sum(|run| run.commands.expire),
        del: runs.sum(|run| run.commands.del),
        lock: runs.sum(|run| run.commands.lock),
        zadd: runs.sum(|run| run.commands.zadd),
        sweep: runs.sum(|run| run.commands.sweep),
        deadline: runs.sum(|run| run.commands.deadline),
        bytes_in: runs.sum(|run| run.commands.bytes_in),
        bytes_out: runs.sum(|run| run.commands.bytes_out),
        per_request: runs.mean(rates::commands_per_request).filter(|_| tells_queues(runs)),
        round_trips_per_request: runs.mean(rates::round_trips_per_request).filter(|_| tells_queues(runs)),
    }
}

/// Whether these runs tell how fetches queue: a sample of the keys at few servers does not.
fn tells_queues(runs: &Replications) -> bool {
    runs.sampled().is_none_or(|sampled| !sampled.shared.queues)
}

/// A count that depends on how fetches queue, which a sample of the keys does not tell.
fn unqueued(runs: &Replications, count: fn(&Measurements) -> u64) -> Option<u64> {
    tells_queues(runs).then(|| runs.sum(count))
}

fn incidents(runs: &Replications) -> wire::Incidents {
    wire::Incidents {
        timeouts: unqueued(runs, |run| run.incidents.timeouts),
        retries: unqueued(runs, |run| run.incidents.retries),
        negative_served: unqueued(runs, |run| run.incidents.negative_served),
        crashes: unqueued(runs, |run| run.incidents.crashes),
        cancelled: unqueued(runs, |run| run.incidents.cancelled),
        broken: unqueued(runs, |run| run.incidents.broken),
    }
}

/// What the sweeps of all replications did; `None` where no replication had any.
fn sweeps(runs: &Replications) -> Option<wire::Sweeps> {
    let swept =
        |count: fn(&SweepTotals) -> u64| move |run: &Measurements| run.sweeps.as_ref().map_or(0, count);
    let mean_set_bytes = runs.mean(|run| run.sweeps.map(|totals| totals.mean_set_bytes))?;
    Some(wire::Sweeps {
        count: runs.sum(swept(|totals| totals.count)),
        removed: runs.sum(swept(|totals| totals.removed)),
        peak_members: runs.max(swept(|totals| totals.peak_members)),
        peak_ghosts: runs.max(swept(|totals| totals.peak_ghosts)),
        final_ghosts: runs.max(swept(|totals| totals.final_ghosts)),
        peak_excess_entries: runs.max(swept(|totals| totals.peak_excess_entries)),
        peak_excess_bytes: runs.max(swept(|totals| totals.peak_excess_bytes)),
        mean_set_bytes,
        peak_set_bytes: runs.max(swept(|totals| totals.peak_set_bytes)),
    })
}

fn longest(runs: &Replications, span: impl Fn(&Measurements) -> SimDuration) -> SimDuration {
    SimDuration::from_nanos(runs.max(|run| span(run).as_nanos()))
}

fn origin(runs: &Replications) -> wire::Origin {
    let sampled = runs.sampled();
    let rate = estimate(runs.estimate(rates::origin_rate));
    wire::Origin {
        fetches: runs.sum(|run| run.origin.fetches),
        refreshes: runs.sum(|run| run.origin.refreshes),
        bytes: runs.sum(|run| run.origin.bytes),
        mean_rate: rate.mean.unwrap_or(0.0),
        peak_rate: sampled.is_none().then(|| mean(runs, |run| run.origin.per_second.peak as f64)),
        mean_rate_low: rate.low,
        mean_rate_high: rate.high,
        utilisation: runs.mean(|run| run.origin.utilisation),
        longest_queue_wait_s: sampled
            .is_none_or(|sampled| !sampled.shared.queues)
            .then(|| longest(runs, |run| run.origin.longest_queue_wait).as_secs_f64()),
        failures: unqueued(runs, |run| run.origin.failures),
        shed: unqueued(runs, |run| run.origin.shed),
        confirmed: runs.sum(|run| run.origin.confirmed),
    }
}

fn stampedes(runs: &Replications, objects: &Objects) -> wire::Stampedes {
    let sampled = runs.sampled();
    if sampled.is_some_and(|sampled| sampled.shared.queues) {
        return wire::Stampedes::default();
    }
    let mut sizes = Vec::new();
    for run in runs.iter() {
        sizes.resize(run.stampedes.sizes.len().max(sizes.len()), 0);
        sizes.iter_mut().zip(&run.stampedes.sizes).for_each(|(all, more)| *all += more);
    }
    let first = runs.numbered().find(|(number, _)| *number == 0);
    let worst = first.map_or(&[][..], |(_, run)| &run.stampedes.worst);
    let all_keys = sampled.is_none();
    wire::Stampedes {
        count: Some(runs.sum(|run| run.stampedes.count)),
        per_hour: Some(runs.mean(rates::stampedes_per_hour).unwrap_or(0.0)),
        per_1000_regenerations: runs.mean(rates::stampedes_per_1000_regenerations),
        regenerations: Some(runs.sum(|run| run.stampedes.regenerations)),
        mean_size: runs.mean(rates::mean_stampede_size),
        p99_size: runs.mean(|run| run.stampedes.p99_size.map(|size| size as f64)),
        max_size: all_keys.then(|| runs.max(|run| run.stampedes.max_size)),
        duplicate_fetches: Some(runs.sum(|run| run.stampedes.duplicate_fetches)),
        duplicate_ratio: runs.mean(rates::duplicate_ratio),
        wasted_origin_s: Some(
            runs.iter().map(|run| run.stampedes.wasted.as_secs_f64()).sum::<f64>() / runs.samples() as f64,
        ),
        peak_waiters: all_keys.then(|| runs.max(|run| run.stampedes.peak_waiters)),
        sizes: sizes.into_iter().map(|count| runs.of_traces(count)).collect(),
        worst: worst
            .iter()
            .map(|stampede| wire::WorstStampede {
                object: objects.key(stampede.object),
                start_s: stampede.start.as_secs_f64(),
                length_s: stampede.length.as_secs_f64(),
                size: stampede.size,
                waiters: stampede.waiters,
                cause: stampede.trigger.name().to_owned(),
            })
            .collect(),
    }
}

fn trajectories(runs: &Replications, classes: &[String]) -> Vec<wire::Trajectory> {
    let first = runs.numbered().find(|(number, _)| *number == 0);
    let seen = first.map_or(&[][..], |(_, run)| &run.trajectories);
    seen.iter()
        .map(|trajectory| wire::Trajectory {
            name: trajectory.name.clone().into_owned(),
            class: trajectory.class.and_then(|class| classes.get(class.index()).cloned()),
            times_s: trajectory.times.iter().map(|at| at.as_secs_f64()).collect(),
            ttl_s: trajectory.ttls.iter().map(|ttl| ttl.as_secs_f64()).collect(),
            pinned_share: trajectory.pinned_share,
            shadows: trajectory.shadows.clone(),
        })
        .collect()
}

fn avalanche(runs: &Replications) -> wire::Avalanche {
    let of_burst =
        |figure: fn(&Burst) -> f64| runs.mean(|run| run.origin.per_fetch_time.as_ref().map(figure));
    let fetch_time_s = of_burst(|burst| burst.window.as_secs_f64());
    if runs.sampled().is_some() {
        return wire::Avalanche { fetch_time_s, ..wire::Avalanche::default() };
    }
    wire::Avalanche {
        peak_per_s: Some(runs.max(|run| run.origin.per_second.peak)),
        p999_per_s: Some(mean(runs, |run| run.origin.per_second.p999 as f64)),
        peak_to_mean: runs.mean(rates::peak_to_mean),
        fetch_time_s,
        peak_per_fetch_time: runs.iter().filter_map(|run| Some(run.origin.per_fetch_time?.peak)).max(),
        p999_per_fetch_time: of_burst(|burst| burst.p999 as f64),
        peak_to_mean_per_fetch_time: runs.mean(rates::peak_to_mean_per_fetch_time),
        peak_expiring_per_s: Some(runs.max(|run| run.origin.peak_expiring_per_second)),
    }
}

/// The waits that the record tells: no queues from a sample, and no longest wait.
pub(super) fn waits_told(runs: &Replications, waits: Option<Waits>) -> wire::Percentiles {
    let mut told = percentiles(waits.filter(|_| runs.sampled().is_none_or(|sampled| !sampled.shared.queues)));
    if runs.sampled().is_some() {
        told.count = runs.of_traces(told.count);
        told.max = None;
    }
    told
}

fn percentiles(waits: Option<Waits>) -> wire::Percentiles {
    let Some(waits) = waits.filter(|waits| !waits.is_empty()) else { return wire::Percentiles::default() };
    let milliseconds = |nanoseconds: u64| Some(nanoseconds as f64 / 1e6);
    wire::Percentiles {
        count: waits.len(),
        mean: Some(waits.mean() / 1e6),
        p50: milliseconds(waits.quantile(0.5)),
        p90: milliseconds(waits.quantile(0.9)),
        p95: milliseconds(waits.quantile(0.95)),
        p99: milliseconds(waits.quantile(0.99)),
        p999: milliseconds(waits.quantile(0.999)),
        max: milliseconds(waits.max()),
    }
}

fn latency_by_kind(runs: &Replications) -> BTreeMap<String, wire::Percentiles> {
    let occurred = OutcomeKind::ALL.iter().filter_map(|&kind| Some((kind, runs.waits_of(kind)?)));
    occurred.map(|(kind, waits)| (kind.name().to_owned(), waits_told(runs, Some(waits)))).collect()
}

fn freshness(runs: &Replications) -> wire::Freshness {
    wire::Freshness {
        fresh_share: runs.mean(rates::fresh_share),
        fresh_share_of_hits: runs.mean(rates::fresh_share_of_hits),
        mean_age_s: runs.mean(rates::mean_age_s),
        p95_age_s: runs.mean(rates::p95_age_s),
        max_age_s: runs
            .iter()
            .filter(|run| run.sampled.is_none())
            .filter_map(rates::max_age_s)
            .reduce(f64::max),
        bound_s: runs.iter().find_map(|run| Some(run.freshness?.bound?.as_secs_f64())),
        over_bound_share: runs.mean(rates::over_bound_share),
    }
}
