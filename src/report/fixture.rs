//! Records for the tests of this folder: a plausible one, and awkward ones.

use std::collections::BTreeMap;

use serde_json::json;

use crate::record::{
    Avalanche, Bound, CacheCommands, Capacity, Cell, ClassRow, ClassSeries, Difference, Entries, Estimate,
    Expectation, Freshness, Gate, Incidents, Memory, MemoryParts, Origin, Outcomes, Percentiles, Provenance,
    Ratios, Record, SCHEMA, ScenarioInfo, Scoring, Series, ServerEvent, Stampedes, Tool, TraceInfo,
    Trajectory, WorstStampede,
};

const MIB: u64 = 1 << 20;

/// Three strategies at two capacities, five replications; `jitter + single-flight` wins.
pub(super) fn thumbnails() -> Record {
    let mut cells = Vec::new();
    for (mib, more) in [(64, 0.0), (256, 0.05)] {
        cells.push(cell("setex-3600", mib, 0.84 + more, 412.0, 14.0));
        cells.push(cell("single-flight", mib, 0.868 + more, 201.0, 0.12));
        cells.push(cell("jitter + single-flight", mib, 0.87 + more, 188.0, 0.1));
    }
    let mut record = record(cells);
    for index in [0, 3] {
        record.cells[index].baseline = true;
        record.cells[index].paired.clear();
        record.cells[index].latency_ms.p99 = Some(890.0);
        let gate = Gate { value: Some(412.0), limit: 300.0, bound: Bound::Max, pass: false };
        record.cells[index].gates.insert("peak_origin_rate_max".into(), gate);
        record.cells[index].on_pareto_front = false;
    }
    record.scoring.winner = Some(5);
    record.scoring.indistinguishable = vec![4];
    record.cells[5].trajectories =
        vec![trajectory("d-ttl", None, Some(0.03)), trajectory("fills", Some("thumbnail"), None)];
    record.cells[4].trajectories = vec![trajectory("fills", Some("thumbnail"), None)];
    record
}

/// A TTL that climbs from a minute towards an hour.
fn trajectory(name: &str, class: Option<&str>, pinned_share: Option<f64>) -> Trajectory {
    let at = |bucket: u32| f64::from(bucket) * 60.0;
    Trajectory {
        name: name.into(),
        class: class.map(Into::into),
        times_s: (1..=360).map(at).collect(),
        ttl_s: (1..=360).map(|bucket| 3_600.0 - 3_540.0 * (-at(bucket) / 3_000.0).exp()).collect(),
        pinned_share,
    }
}

/// A record of these cells, without a winner.
pub(super) fn record(cells: Vec<Cell>) -> Record {
    Record {
        schema: SCHEMA,
        tool: Tool { name: "ttlab".into(), version: "0.1.0".into() },
        events: Vec::new(),
        scenario: ScenarioInfo {
            name: "thumbnails".into(),
            question: "Does jitter or single-flight tame the hourly expiry wave, and at what memory?".into(),
            sha256: "5f".repeat(32),
            seed: 42,
            effective: json!({
                "name": "thumbnails", "seed": 42, "time": {"warmup": "30m", "bucket": "1m"},
                "strategy": [{"name": "jitter + single-flight", "ttl": {"rule": "fixed", "ttl": "1h"}}],
            }),
        },
        trace: TraceInfo {
            source: "synthetic".into(),
            recorded: false,
            requests: 10_800_000,
            objects: 50_000,
            unique_bytes: 400 * MIB,
            span_s: 21_600.0,
            sha256: "a1".repeat(32),
            skipped: BTreeMap::from([("not a GET".into(), 1_204), ("no time".into(), 2)]),
            skipped_first: BTreeMap::from([("not a GET".into(), "line 17: POST /upload".into())]),
            imputed_size_share: 0.0123,
            notes: vec!["Times are whole seconds, spread evenly within their second.".into()],
        },
        provenance: Provenance {
            command: "ttlab run scenarios/thumbnails.toml".into(),
            warmup_s: 1_800.0,
            scored_s: 19_800.0,
            warnings: vec!["The trace is shorter than ten TTLs.".into()],
            notes: vec!["Each of four processes may fetch the same object.".into()],
            limits: vec!["Cache reads take no time.".into(), "The network is not modelled.".into()],
        },
        scoring: Scoring {
            weights: BTreeMap::from([("hit".into(), 1.0), ("stampedes".into(), 0.5)]),
            formula: "sum of weight x part / sum of weights".into(),
            rule: "Of the cells that pass every gate, the one with the best score.".into(),
            winner: None,
            indistinguishable: Vec::new(),
        },
        expectations: vec![Expectation {
            strategy: "setex-3600".into(),
            cell: "setex-3600 at 64 MiB".into(),
            metric: "fresh_hit".into(),
            low: 0.8,
            high: 0.9,
            value: Some(0.84),
            met: true,
        }],
        cells,
    }
}

/// A cell with plausible numbers around the given ones.
pub(super) fn cell(strategy: &str, mib: u64, fresh: f64, peak_rate: f64, stampedes: f64) -> Cell {
    let requests = 4_950_000_u64;
    let part = |share: f64| whole(requests as f64 * share);
    let rest = 1.0 - fresh;
    let around = |mean: f64| Estimate { mean: Some(mean), low: Some(mean - 0.003), high: Some(mean + 0.003) };
    let difference = |mean: f64, within: f64| Difference {
        mean,
        low: Some(mean - within),
        high: Some(mean + within),
        indistinguishable: Some(mean.abs() <= within),
    };
    let base = if mib > 100 { 0.89 } else { 0.84 };
    let id: String = strategy.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let outcomes = Outcomes {
        fresh_hit: part(fresh),
        delayed_hit: part(rest * 0.1),
        miss_cold: part(rest * 0.1),
        miss_expired: part(rest * 0.5),
        miss_evicted: part(rest * 0.3),
        ..Outcomes::default()
    };
    Cell {
        id: format!("{id}-{mib}mib"),
        strategy: strategy.into(),
        baseline: false,
        oracle: false,
        capacity: Some(Capacity::Bytes(mib * MIB)),
        eviction: "allkeys-lru".into(),
        replications: 5,
        failed: None,
        requests,
        outcomes,
        ratios: Ratios {
            fresh_hit: around(fresh),
            hit: around(fresh),
            hit_or_joined: around(fresh + rest * 0.1),
            byte_hit: around(fresh - 0.02),
            origin_offload: around(fresh + rest * 0.1),
        },
        entries: Entries { mean: 8_000.0, peak: 9_000, at_end: 8_100.0 },
        memory: Memory {
            breakdown: None,
            rss_estimate_bytes: None,
            mean_bytes: (mib * MIB) as f64 * 0.8,
            peak_bytes: mib * MIB,
            final_bytes: (mib * MIB) as f64 * 0.9,
            expired_resident_mean_bytes: (mib * MIB) as f64 * 0.05,
            mean_low: None,
            mean_high: None,
        },
        evicted: 12_000,
        expired: 40_000,
        out_of_memory: 0,
        too_large: 3,
        commands: CacheCommands { get: requests, per_request: Some(1.08), ..CacheCommands::default() },
        origin: Origin {
            fetches: part(rest * 0.9),
            mean_rate: 500.0 * rest * 0.9,
            peak_rate,
            utilisation: Some(0.4),
            ..Origin::default()
        },
        stampedes: Stampedes {
            count: whole(stampedes * 27.5),
            per_hour: stampedes,
            max_size: 9,
            duplicate_fetches: whole(stampedes * 80.0),
            peak_waiters: 31,
            worst: vec![WorstStampede {
                object: "/thumbs/front-page.webp".into(),
                start_s: 7_201.5,
                length_s: 0.42,
                size: 9,
                waiters: 31,
                cause: "miss_expired".into(),
            }],
            ..Stampedes::default()
        },
        avalanche: Avalanche::default(),
        incidents: Incidents::default(),
        sweeps: None,
        latency_ms: percentiles(requests, 1.0),
        latency_by_kind: BTreeMap::from([("miss_expired".into(), percentiles(part(rest * 0.5), 2.0))]),
        freshness: Freshness::default(),
        classes: vec![ClassRow {
            name: "thumbnail".into(),
            objects: 40_000,
            requests,
            outcomes,
            fresh_hit: Some(fresh),
            hit: Some(fresh),
            byte_hit: Some(fresh - 0.02),
            requested_bytes: 30 << 30,
            fetches: requests / 20,
            latency_ms: percentiles(requests, 1.0),
            fresh_share: None,
            over_bound_share: None,
            mean_age_s: None,
        }],
        paired: BTreeMap::from([
            ("fresh_hit".into(), difference(fresh - base, 0.002)),
            ("memory".into(), difference(0.0, 1e6)),
            ("peak_origin_rate".into(), difference(peak_rate - 412.0, 20.0)),
            ("stampedes".into(), difference(stampedes - 14.0, 0.5)),
            ("p99".into(), difference(-580.0, 10.0)),
        ]),
        by_replication: BTreeMap::new(),
        cost: None,
        score: Some(if mib > 100 { fresh } else { fresh - 0.1 }),
        score_parts: BTreeMap::from([("hit".into(), fresh)]),
        on_pareto_front: true,
        gates: BTreeMap::from([(
            "peak_origin_rate_max".into(),
            Gate { value: Some(peak_rate), limit: 300.0, bound: Bound::Max, pass: peak_rate <= 300.0 },
        )]),
        series: series(mib, fresh, peak_rate),
        trajectories: Vec::new(),
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts of a fixture are small")]
fn whole(value: f64) -> u64 {
    value as u64
}

fn percentiles(count: u64, slower: f64) -> Percentiles {
    Percentiles {
        count,
        mean: Some(8.0 * slower),
        p50: Some(0.0),
        p90: Some(90.0 * slower),
        p95: Some(150.0 * slower),
        p99: Some(310.0 * slower),
        p999: Some(700.0 * slower),
        max: Some(2_900.0 * slower),
    }
}

fn series(mib: u64, fresh: f64, peak_rate: f64) -> Series {
    let buckets = 360;
    let wave = |bucket: usize| if bucket % 60 < 4 { 3.0 } else { 1.0 };
    let column = |value: &dyn Fn(usize) -> f64| (0..buckets).map(value).collect::<Vec<f64>>();
    let warm = |bucket: usize| (bucket as f64 / 30.0).min(1.0);
    let live = |bucket: usize| (mib * MIB) as f64 * 0.85 * warm(bucket);
    let rest = 1.0 - fresh;
    Series {
        bucket_s: 60.0,
        requests: vec![30_000.0; buckets],
        fresh_hit: column(&|bucket| 30_000.0 * (1.0 - rest * wave(bucket)) * warm(bucket)),
        stale_hit: vec![0.0; buckets],
        delayed_hit: vec![300.0; buckets],
        misses: column(&|bucket| 30_000.0 * rest * wave(bucket)),
        errors: vec![0.0; buckets],
        fetches: column(&|bucket| 30_000.0 * rest * wave(bucket)),
        peak_fetch_rate: (0..buckets).map(|bucket| whole(peak_rate * wave(bucket) / 3.0)).collect(),
        peak_in_flight: (0..buckets).map(|bucket| whole(peak_rate * wave(bucket) / 9.0)).collect(),
        duplicate_fetches: column(&|bucket| if bucket % 60 < 4 { peak_rate / 20.0 } else { 0.0 }),
        live_bytes: column(&live),
        expired_bytes: column(&|bucket| live(bucket) * 0.08 * wave(bucket) / 3.0),
        peak_bytes: (0..buckets).map(|_| mib * MIB).collect(),
        evicted: vec![2.0; buckets],
        expired: vec![10.0; buckets],
        mean_latency_ms: vec![Some(4.0); buckets],
        ..Series::default()
    }
}

/// One cell of one strategy, passing.
pub(super) fn one_cell() -> Record {
    let mut record = record(vec![cell("only", 64, 0.9, 100.0, 0.0)]);
    record.cells[0].baseline = true;
    record.scoring.winner = Some(0);
    record
}

/// Forty strategies at one capacity.
pub(super) fn forty() -> Record {
    let cells = (0..40).map(|index| {
        let name = format!("strategy number {index} with a fairly long name");
        cell(&name, 64, 0.6 + f64::from(index) / 150.0, 400.0 - f64::from(index) * 5.0, f64::from(40 - index))
    });
    let mut record = record(cells.collect());
    record.cells[0].baseline = true;
    record.scoring.winner = Some(39);
    record
}

/// A recorded trace, played once.
pub(super) fn recorded() -> Record {
    let mut record = thumbnails();
    record.trace.recorded = true;
    record.trace.source = "access.log.xz (combined)".into();
    for cell in &mut record.cells {
        cell.replications = 1;
        for difference in cell.paired.values_mut() {
            *difference =
                Difference { mean: difference.mean, low: None, high: None, indistinguishable: None };
        }
        cell.ratios.fresh_hit.low = None;
        cell.ratios.fresh_hit.high = None;
    }
    record.scoring.indistinguishable.clear();
    record
}

/// No cell passes.
pub(super) fn none_passes() -> Record {
    let mut record = thumbnails();
    record.scoring.winner = None;
    record.scoring.indistinguishable.clear();
    for cell in &mut record.cells {
        let hit = cell.ratios.hit.mean;
        let gate = Gate { value: hit, limit: 0.99, bound: Bound::Min, pass: false };
        cell.gates.insert("hit_min".into(), gate);
    }
    record
}

/// No requests, no series, nothing known.
pub(super) fn nothing_known() -> Record {
    let mut empty = cell("idle", 64, 0.5, 0.0, 0.0);
    empty.requests = 0;
    empty.outcomes = Outcomes::default();
    empty.ratios = Ratios::default();
    empty.memory = Memory::default();
    empty.origin = Origin::default();
    empty.stampedes = Stampedes::default();
    empty.latency_ms = Percentiles::default();
    empty.latency_by_kind.clear();
    empty.classes.clear();
    empty.paired.clear();
    empty.score = None;
    empty.series = Series::default();
    let gate = Gate { value: None, limit: 0.9, bound: Bound::Min, pass: false };
    empty.gates = BTreeMap::from([("hit_min".into(), gate)]);
    let mut record = record(vec![empty]);
    record.trace.requests = 0;
    record.expectations[0].value = None;
    record.expectations[0].met = false;
    record
}

/// No cells at all.
pub(super) fn no_cells() -> Record {
    record(Vec::new())
}

/// Names that try to leave their place.
pub(super) fn hostile() -> Record {
    let (long, endless) = ("x".repeat(200), "name of 10 kB ".repeat(750));
    let names = [
        "<script>alert(1)</script>",
        "=cmd|' /C calc'!A0",
        "a | b `c` *d* [e](f)",
        "\"quoted\" 'single' & ampersand",
        "ёлка 🎄 שלום\nnext line\u{1b}[31m",
        "\u{202E}txet desrever\u{2066} and \u{200F}marks",
        &long,
        &endless,
        "</style></script></svg>]]>",
    ];
    let cells = names.iter().map(|name| cell(name, 64, 0.8, 100.0, 2.0));
    let mut record = record(cells.collect());
    record.scenario.name = "<script>name</script>".into();
    record.scenario.question = "Is <img src=x onerror=alert(1)> escaped?".into();
    for cell in &mut record.cells {
        cell.id = format!("<script>\"{}", cell.id);
        cell.classes[0].name = "</td><script>".into();
        cell.trajectories = vec![trajectory("<b>", Some("</td><script>"), Some(0.9))];
        cell.stampedes.worst[0].object = "/<svg onload=x>".into();
    }
    record.scenario.effective = json!({"evil": "</pre><script>alert(1)</script>"});
    record.trace.skipped = BTreeMap::from([("<b>reason</b>".into(), 1)]);
    record.scoring.winner = Some(0);
    record
}

/// Ten strategies at fifty limits.
pub(super) fn five_hundred() -> Record {
    let mut cells = Vec::new();
    for step in 1..=50_u32 {
        for number in 0..10_u32 {
            let hit = 0.5 + 0.3 * f64::from(step).ln() / 4.0 + f64::from(number) / 100.0;
            let name = format!("strategy {number}");
            let mut one =
                cell(&name, u64::from(step) * 16, hit, 400.0 - f64::from(number), f64::from(number));
            one.series.requests.truncate(60);
            one.score_parts =
                BTreeMap::from([("hit".into(), hit), ("stampedes".into(), 1.0 / f64::from(number + 1))]);
            one.baseline = number == 0;
            cells.push(one);
        }
    }
    let mut record = record(cells);
    record.scoring.winner = Some(499);
    record
}

/// Everything that a page can hold, over a day of few buckets: bounds, events, hours, sizes, memory by part.
pub(super) fn complete() -> Record {
    let mut record = thumbnails();
    let mut bound = cell("no limit known", 64, 0.95, 90.0, 0.0);
    (bound.oracle, bound.eviction) = (true, "allkeys-lru".into());
    let mut larger = cell("no limit known", 256, 0.96, 80.0, 0.0);
    larger.oracle = true;
    record.cells.extend([bound, larger]);
    let at = |at_s: f64, kind: &str| ServerEvent {
        at_s,
        until_s: at_s,
        kind: kind.into(),
        what: format!("{kind} of everything"),
    };
    record.events = vec![at(9_000.0, "flush"), at(9_060.0, "maxmemory"), at(14_000.0, "restart")];
    for (place, cell) in record.cells.iter_mut().enumerate() {
        let less = place as f64 / 50.0;
        cell.stampedes.sizes = vec![9_000, 300, 40, 9, 0, 1, 0, 0, 0, 0, 2];
        cell.stampedes.duplicate_ratio = Some(0.02 + less);
        cell.avalanche.peak_to_mean = Some(9.0 + less);
        cell.score_parts =
            BTreeMap::from([("hit".into(), 0.8 + less), ("stampedes".into(), 0.9 - less * less)]);
        cell.memory.breakdown = Some(MemoryParts {
            values: 6_000.0 * 8_100.0,
            keys: 40.0 * 8_100.0,
            headers: 32.0 * 8_100.0,
            dict_entries: 24.0 * 8_100.0,
            expires_entries: 24.0 * 8_100.0,
            tables: 20.0 * 8_100.0,
            rounding: 300.0 * 8_100.0,
            clients: 40_000.0,
            fixed: 900_000.0,
        });
        cell.memory.rss_estimate_bytes = Some(1.1 * cell.memory.peak_bytes as f64);
        let every = |values: &[f64]| values.iter().copied().step_by(12).collect::<Vec<f64>>();
        let series = &mut cell.series;
        series.bucket_s = 720.0;
        for column in [
            &mut series.requests,
            &mut series.fresh_hit,
            &mut series.fetches,
            &mut series.duplicate_fetches,
            &mut series.live_bytes,
            &mut series.expired_bytes,
            &mut series.evicted,
            &mut series.expired,
        ] {
            *column = every(column);
        }
        series.peak_fetch_rate = series.peak_fetch_rate.iter().copied().step_by(12).collect();
        series.peak_in_flight = series.peak_in_flight.iter().copied().step_by(12).collect();
        let of_class = |name: &str, share: f64| ClassSeries {
            name: name.into(),
            requests: series.requests.iter().map(|count| count * share).collect(),
            fresh_hit: series.fresh_hit.iter().map(|count| count * share * 0.9).collect(),
            ..ClassSeries::default()
        };
        series.classes = vec![of_class("thumbnail", 0.7), of_class("photo", 0.3)];
        for trajectory in &mut cell.trajectories {
            trajectory.times_s = every(&trajectory.times_s);
            trajectory.ttl_s = every(&trajectory.ttl_s);
        }
    }
    record
}

/// Values far beyond anything sensible, and values that are no numbers.
pub(super) fn huge() -> Record {
    let mut record = thumbnails();
    let cell = &mut record.cells[5];
    cell.requests = u64::MAX;
    cell.outcomes.fresh_hit = u64::MAX;
    cell.memory.mean_bytes = 1e300;
    cell.memory.peak_bytes = u64::MAX;
    cell.origin.mean_rate = f64::INFINITY;
    cell.origin.peak_rate = f64::NAN;
    cell.stampedes.per_hour = 1e15;
    cell.series.live_bytes[3] = f64::NAN;
    cell.series.fetches[3] = 1e15;
    cell.series.bucket_s = 1e15;
    cell.trajectories[0].ttl_s[3] = f64::INFINITY;
    cell.trajectories[0].ttl_s[4] = f64::NAN;
    cell.trajectories[1].ttl_s[5] = 1.8e10;
    record
}

/// Every record of this file with its name.
pub(super) fn all() -> Vec<(&'static str, Record)> {
    vec![
        ("thumbnails", thumbnails()),
        ("one_cell", one_cell()),
        ("forty", forty()),
        ("recorded", recorded()),
        ("none_passes", none_passes()),
        ("nothing_known", nothing_known()),
        ("no_cells", no_cells()),
        ("hostile", hostile()),
        ("huge", huge()),
        ("complete", complete()),
        ("five_hundred", five_hundred()),
    ]
}
