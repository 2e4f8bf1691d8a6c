//! What a cluster's shards hold and carry, as text and JSON.

use serde_json::{Value, json};

use super::plain::Plain;
use super::{format, planned};
use crate::cache::Capacity;
use crate::metrics::Measurements;
use crate::record;
use crate::scenario::Scenario;
use crate::score::rates;
use crate::tune::{Clustered, Shard};

/// Longest name of a strategy in the table.
const NAME: usize = 34;

/// The cells of a scenario on a cluster, ready to be shown.
#[derive(Debug)]
pub struct ClusterReport<'a> {
    /// The scenario.
    pub scenario: &'a Scenario,
    /// How many shards.
    pub shards: u16,
    /// The cells.
    pub cells: &'a [Clustered],
}

/// What one cell's shards come to.
struct Sums<'a> {
    shards: &'a [Shard],
    requests: u64,
    seconds: f64,
}

impl<'a> Sums<'a> {
    fn of(shards: &'a [Shard]) -> Self {
        let requests = shards.iter().map(|shard| asked(&shard.run)).sum();
        let seconds = shards.first().map_or(0.0, |shard| shard.run.scored.as_secs_f64());
        Self { shards, requests, seconds }
    }

    /// Fresh and stale hits, of all requests.
    fn hit(&self) -> Option<f64> {
        rates::ratio(self.shards.iter().map(|shard| shard.run.totals.outcomes.hits()).sum(), self.requests)
    }

    /// The busiest shard.
    fn hottest(&self) -> Option<(usize, &'a Shard)> {
        // The first among equals.
        self.shards.iter().enumerate().rev().max_by_key(|(_, shard)| asked(&shard.run))
    }

    /// The greatest over the mean; `None` where there is nothing.
    fn imbalance(&self, of: impl Fn(&Measurements) -> f64) -> Option<f64> {
        let values: Vec<f64> = self.shards.iter().map(|shard| of(&shard.run)).collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        (mean > 0.0).then(|| values.iter().copied().fold(0.0, f64::max) / mean)
    }

    fn per_second(&self, count: u64) -> Option<f64> {
        (self.seconds > 0.0).then(|| count as f64 / self.seconds)
    }

    /// Fetches a second now, and while the busiest shard is gone and all of its requests go to the origin.
    fn loss(&self) -> Option<(f64, f64)> {
        let fetches: u64 = self.shards.iter().map(|shard| shard.run.origin.fetches).sum();
        let (_, hottest) = self.hottest()?;
        let without = fetches - hottest.run.origin.fetches + asked(&hottest.run);
        Some((self.per_second(fetches)?, self.per_second(without)?))
    }
}

fn asked(run: &Measurements) -> u64 {
    run.totals.outcomes.total()
}

fn peak(run: &Measurements) -> f64 {
    run.memory.peak_bytes as f64
}

impl ClusterReport<'_> {
    /// As text for a terminal that is `width` characters wide.
    pub fn terminal(&self, width: usize) -> String {
        let shards = format::count(u64::from(self.shards));
        let title = format!("{} on {shards} shards, each with its part of the limit", self.scenario.name);
        Plain { title, tables: vec![self.rows()], sentences: self.sentences() }.terminal(width)
    }

    fn rows(&self) -> Vec<Vec<String>> {
        let heads = [
            "strategy",
            "memory limit",
            "hits",
            "load, busiest / mean",
            "memory, fullest / mean",
            "origin/s",
            "busiest shard lost",
        ];
        let mut rows: Vec<Vec<String>> = vec![heads.map(String::from).into()];
        for cell in self.cells {
            let mut row = vec![format::shortened(&self.name(cell), NAME), Self::limit(cell)];
            match &cell.shards {
                Ok(shards) => {
                    let sums = Sums::of(shards);
                    let times = |value: Option<f64>| {
                        value.map_or_else(|| format::NONE.into(), |v| format!("× {v:.2}"))
                    };
                    let loss = sums.loss();
                    row.extend([
                        format::percent(sums.hit()),
                        times(sums.imbalance(|run| asked(run) as f64)),
                        times(sums.imbalance(peak)),
                        format::rate(loss.map(|(now, _)| now)),
                        format::rate(loss.map(|(_, without)| without)),
                    ]);
                }
                Err(_) => row.extend(std::iter::repeat_n(format::NONE.to_owned(), heads.len() - 2)),
            }
            rows.push(row);
        }
        rows
    }

    /// As one JSON document, with every shard.
    pub fn json(&self) -> String {
        let cells: Vec<Value> = self.cells.iter().map(|cell| self.cell(cell)).collect();
        let document = json!({ "scenario": self.scenario.name, "shards": self.shards, "cells": cells });
        serde_json::to_string_pretty(&document).unwrap_or_default()
    }

    fn cell(&self, cell: &Clustered) -> Value {
        let strategy = &self.scenario.strategies[cell.plan.strategy].name;
        let eviction = self.scenario.cache.evictions[cell.plan.eviction].name();
        let capacity = wire(cell.plan.capacity);
        let shards = match &cell.shards {
            Ok(shards) => shards,
            Err(failure) => {
                return json!({ "strategy": strategy, "eviction": eviction, "capacity": capacity, "failed": format!("{failure:?}") });
            }
        };
        let sums = Sums::of(shards);
        let of_shard = |shard: &Shard| {
            json!({
                "keys": shard.keys, "requests": asked(&shard.run), "hit": rates::hit(&shard.run),
                "memory_mean_bytes": shard.run.memory.mean_bytes, "memory_peak_bytes": shard.run.memory.peak_bytes,
                "evicted": shard.run.evicted, "origin_rate": rates::origin_rate(&shard.run),
            })
        };
        let loss = sums.loss();
        json!({
            "strategy": strategy, "eviction": eviction, "capacity": capacity, "hit": sums.hit(),
            "load_imbalance": sums.imbalance(|run| asked(run) as f64), "memory_imbalance": sums.imbalance(peak),
            "hottest_shard": sums.hottest().map(|(number, _)| number),
            "origin_rate": loss.map(|(now, _)| now), "origin_rate_without_hottest": loss.map(|(_, without)| without),
            "shards": shards.iter().map(of_shard).collect::<Vec<_>>(),
        })
    }

    fn name(&self, cell: &Clustered) -> String {
        planned::name(self.scenario, cell.plan.strategy, cell.plan.eviction)
    }

    fn limit(cell: &Clustered) -> String {
        planned::limit(cell.plan.capacity)
    }

    fn sentences(&self) -> Vec<String> {
        let mut all = Vec::new();
        let baseline = |cell: &&Clustered| self.scenario.strategies[cell.plan.strategy].baseline;
        let told = self.cells.iter().find(baseline).or(self.cells.first());
        if let Some((cell, shards)) = told.and_then(|cell| Some((cell, cell.shards.as_ref().ok()?))) {
            let sums = Sums::of(shards);
            if let (Some((number, hottest)), Some((now, without))) = (sums.hottest(), sums.loss()) {
                all.push(format!(
                    "{} at {}: shard {} is the busiest, with {} of {} requests and {} of memory at its peak. If it is lost, \
                     the origin gets {} instead of {}.",
                    self.name(cell),
                    Self::limit(cell),
                    number + 1,
                    format::percent(rates::ratio(asked(&hottest.run), sums.requests)),
                    format::count(sums.requests),
                    format::bytes(peak(&hottest.run)),
                    format::rate(without),
                    format::rate(now),
                ));
            }
        }
        for cell in self.cells {
            if let Err(failure) = &cell.shards {
                all.push(format!("{} could not be simulated: {failure:?}", self.name(cell)));
            }
        }
        all.push(
            "Shards are simulated one by one: a queue at the origin that they would share is not modelled. The first \
             replication is played."
                .into(),
        );
        all
    }
}

fn wire(capacity: Capacity) -> Option<record::Capacity> {
    match capacity {
        Capacity::Unbounded => None,
        Capacity::Bytes(bytes) => Some(record::Capacity::Bytes(bytes)),
        Capacity::Objects(objects) => Some(record::Capacity::Objects(objects)),
    }
}
