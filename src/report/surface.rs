//! A surface (capacity against TTL) as a table, as CSV, as JSON and as a page.

use std::fmt::Write;

use serde_json::json;

use super::chart::heat_surface::{self, Measured};
use super::format;
use super::html::{SurfacePage, Table, Td};
use super::measure::Unit;
use crate::cache::Capacity;
use crate::tune::{Point, Surface};
use crate::units::SimDuration;

/// A surface with what it is of.
pub struct Titled<'a> {
    /// The scenario's name.
    pub scenario: &'a str,
    /// The strategy's name.
    pub strategy: &'a str,
    /// The eviction policy.
    pub eviction: &'a str,
    /// What was found.
    pub surface: &'a Surface,
}

/// How a limit is written.
fn limit(capacity: Capacity) -> String {
    match capacity {
        Capacity::Unbounded => "no limit".to_owned(),
        Capacity::Bytes(bytes) => format::bytes(bytes as f64),
        Capacity::Objects(objects) => format!("{} objects", format::count(objects)),
    }
}

/// A measure of a surface: its name, its title, its value, and the value as text.
type Measure = (&'static str, &'static str, fn(&Point) -> Option<f64>, fn(Option<f64>) -> String);

const MEASURES: [Measure; 3] = [
    (
        "hit-ratio",
        "hit ratio, % of requests",
        |point| point.hit,
        |value| format::percent(value).replace(" %", ""),
    ),
    (
        "memory",
        "bytes of live entries, mean over time",
        |point| Some(point.live_bytes),
        |value| format::bytes(value),
    ),
    (
        "origin-load",
        "fetches from the origin a second",
        |point| point.origin_rate,
        |value| format::number(value),
    ),
];

impl Titled<'_> {
    fn columns(&self) -> Vec<String> {
        if self.surface.ttls.is_empty() {
            return vec!["as written".to_owned()];
        }
        self.surface.ttls.iter().map(SimDuration::to_string).collect()
    }

    fn rows(&self) -> impl Iterator<Item = (Capacity, &[Point])> {
        self.surface.capacities.iter().enumerate().map(|(nth, row)| (*row, self.surface.row(nth)))
    }

    /// The largest error of any cell; `None` where all are exact.
    pub fn largest_error(&self) -> Option<f64> {
        self.surface.points.iter().filter_map(|point| point.error).reduce(f64::max)
    }

    /// What the surface is, how it was found and how far off it may be.
    pub fn summary(&self) -> Vec<String> {
        let Titled { scenario, strategy, eviction, surface } = self;
        let shown = format::shortened(strategy, format::LONGEST_NAME);
        let mut told = vec![
            format!(
                "{scenario}: {shown} under {eviction}, {} limits by {} TTLs, {} requests.",
                surface.capacities.len(),
                surface.ttls.len().max(1),
                format::count(surface.requests)
            ),
            format!("Method: {}.", surface.method.words()),
        ];
        if let Some(reason) = &surface.because {
            told.push(format!("No exact method serves here: {reason}."));
        }
        told.push(match self.largest_error() {
            None => "Error: none; every request was counted.".to_owned(),
            Some(error) => format!(
                "Error: at most ± {} of the hit ratio in any cell (95 % interval over the samples). Bursts, queues and stampedes are not available from a sample.",
                format::points(error).trim_start_matches('+')
            ),
        });
        told
    }

    /// A table of hit ratios for a terminal of so many columns; columns of TTLs are thinned until it fits.
    pub fn table(&self, width: usize) -> String {
        let names = self.columns();
        let heads: Vec<String> = self.rows().map(|(capacity, _)| limit(capacity)).collect();
        let first = heads.iter().map(|head| head.chars().count()).max().unwrap_or(0).max(12);
        let each = names.iter().map(|name| name.chars().count()).max().unwrap_or(0).max(6) + 2;
        let fit = (width.saturating_sub(first) / each).max(1);
        let every = names.len().div_ceil(fit);
        let shown: Vec<usize> =
            (0..names.len()).filter(|at| (names.len() - 1 - at).is_multiple_of(every)).collect();
        let mut out = self.summary().join("\n") + "\n\n";
        let _ = write!(out, "{:first$}", "hit ratio, %");
        for at in &shown {
            let _ = write!(out, "{:>each$}", names[*at]);
        }
        out.push('\n');
        for ((_, points), head) in self.rows().zip(heads) {
            let _ = write!(out, "{head:first$}");
            for at in &shown {
                let _ = write!(out, "{:>each$}", (MEASURES[0].3)(points[*at].hit));
            }
            out.push('\n');
        }
        out
    }

    /// One row for each cell, unrounded; an empty field is not known.
    pub fn csv(&self) -> Vec<u8> {
        let mut table = csv::Writer::from_writer(Vec::new());
        let text = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
        let heads = [
            "capacity_bytes",
            "capacity_objects",
            "ttl_s",
            "hit_ratio",
            "hit_ratio_error",
            "origin_per_s",
            "resident_mean_bytes",
            "live_mean_bytes",
        ];
        table.write_record(heads).expect("writing to memory does not fail");
        for (capacity, points) in self.rows() {
            let (bytes, objects) = match capacity {
                Capacity::Unbounded => (None, None),
                Capacity::Bytes(bytes) => (Some(bytes as f64), None),
                Capacity::Objects(objects) => (None, Some(objects as f64)),
            };
            for (at, point) in points.iter().enumerate() {
                let ttl = self.surface.ttls.get(at).map(|ttl| ttl.as_secs_f64());
                let row = [
                    bytes,
                    objects,
                    ttl,
                    point.hit,
                    point.error,
                    point.origin_rate,
                    Some(point.resident_bytes),
                    Some(point.live_bytes),
                ];
                table.write_record(row.map(text)).expect("writing to memory does not fail");
            }
        }
        table.into_inner().expect("writing to memory does not fail")
    }

    /// One JSON document.
    pub fn json(&self) -> String {
        let cells = self.rows().flat_map(|(capacity, points)| {
            let capacity = match capacity {
                Capacity::Unbounded => json!(null),
                Capacity::Bytes(bytes) => json!({ "bytes": bytes }),
                Capacity::Objects(objects) => json!({ "objects": objects }),
            };
            points.iter().enumerate().map(move |(at, point)| {
                json!({
                    "capacity": capacity,
                    "ttl_s": self.surface.ttls.get(at).map(|ttl| ttl.as_secs_f64()),
                    "hit_ratio": point.hit,
                    "hit_ratio_error": point.error,
                    "origin_per_s": point.origin_rate,
                    "resident_mean_bytes": point.resident_bytes,
                    "live_mean_bytes": point.live_bytes,
                })
            })
        });
        let document = json!({
            "schema": 1,
            "scenario": self.scenario,
            "strategy": self.strategy,
            "eviction": self.eviction,
            "requests": self.surface.requests,
            "method": self.surface.method.words(),
            "not_exact_because": self.surface.because,
            "largest_error": self.largest_error(),
            "cells": cells.collect::<Vec<_>>(),
        });
        serde_json::to_string_pretty(&document).unwrap_or_default() + "\n"
    }

    /// A page of its own that needs no network.
    pub fn page(&self) -> String {
        let charts = MEASURES.iter().map(|(name, title, value, text)| {
            let rows = self.rows().map(|(capacity, points)| {
                let tiles = points.iter().zip(self.columns()).map(|(point, ttl)| {
                    let short = text(value(point));
                    let tip = format!("{}, {ttl}: {title} {short}", limit(capacity));
                    (value(point), short, tip)
                });
                (limit(capacity), tiles.collect())
            });
            let measured = Measured { name, title, columns: self.columns(), rows: rows.collect() };
            let drawn = heat_surface::draw(measured);
            (*name, drawn.map(|svg| svg.inline()).map_err(|error| error.to_string()))
        });
        let heads = ["memory limit", "TTL", "hit ratio#", "error#", "origin/s#", "resident#", "live#"];
        let mut table = Table::new("cells", "Every cell", &heads);
        for (capacity, points) in self.rows() {
            for (point, ttl) in points.iter().zip(self.columns()) {
                table.row(vec![
                    Td::heading(limit(capacity)),
                    Td::text(ttl),
                    Td::number(point.hit, Unit::Share),
                    Td::number(point.error, Unit::Share),
                    Td {
                        text: format::number(point.origin_rate),
                        ..Td::number(point.origin_rate, Unit::Share)
                    },
                    Td {
                        text: format::bytes(point.resident_bytes),
                        ..Td::number(point.resident_bytes, Unit::Share)
                    },
                    Td { text: format::bytes(point.live_bytes), ..Td::number(point.live_bytes, Unit::Share) },
                ]);
            }
        }
        SurfacePage {
            title: format!("{}: capacity against TTL", self.scenario),
            summary: self.summary(),
            charts: charts.collect(),
            table,
        }
        .finish()
    }
}
