//! A surface (capacity against TTL) as a table, as CSV, as JSON and as a page.

use std::fmt::Write;

use serde_json::json;

use super::chart::curve_surface;
use super::chart::heat_surface::{self, Measured};
use super::chart::svg::{ChartError, Svg};
use super::format;
use super::html::{self, SurfacePage, Table, Td};
use super::measure::Unit;
use super::sampled::NOMINAL;
use crate::cache::Capacity;
use crate::tune::{Figure, Point, Surface};
use crate::units::SimDuration;

/// A surface with what it is of.
pub struct Titled<'a> {
    /// The scenario's name.
    pub scenario: &'a str,
    /// The strategy's name.
    pub strategy: &'a str,
    /// The eviction policy.
    pub eviction: &'a str,
    /// Whether fetches were taken to need no time, whatever the scenario says.
    pub instant: bool,
    /// What was found.
    pub surface: &'a Surface,
}

/// How a limit is written.
pub(super) fn limit(capacity: Capacity) -> String {
    match capacity {
        Capacity::Unbounded => "no limit".to_owned(),
        Capacity::Bytes(bytes) => format::bytes(bytes as f64),
        Capacity::Objects(objects) => format!("{} objects", format::count(objects)),
    }
}

/// A measure that is drawn over limits and TTLs.
struct Measure {
    name: &'static str,
    label: &'static str,
    title: &'static str,
    shows: &'static str,
    figure: fn(&Point) -> Figure,
    text: fn(Option<f64>) -> String,
}

const MEASURES: [Measure; 3] = [
    Measure {
        name: "hit-ratio",
        label: "Chart: hit ratio by memory limit and TTL",
        title: "hit ratio, % of requests (light: many)",
        shows: "Each field is one limit under one TTL. Go along a row for a longer TTL, down a column for more memory; where \
                neighbours are alike, the setting hardly matters.",
        figure: |point| point.hit,
        text: |value| format::percent(value).replace(" %", ""),
    },
    Measure {
        name: "memory",
        label: "Chart: memory by memory limit and TTL",
        title: "bytes of live entries, mean over time (light: many)",
        shows: "What entries within their TTL take. Where it no longer grows along a row, longer TTLs ask for more memory than \
                there is.",
        figure: |point| point.live_bytes,
        text: |value| format::bytes(value),
    },
    Measure {
        name: "origin-load",
        label: "Chart: origin load by memory limit and TTL",
        title: "fetches from the origin a second (light: many)",
        shows: "What the origin has to answer on average.",
        figure: |point| point.origin_rate,
        text: |value| format::number(value),
    },
];

const RAMP: &str = "The ramp spans the least and the greatest of these fields, so small differences may look large: read the numbers.";

/// A name, and how a point tells it.
type Told = (&'static str, fn(&Point) -> Figure);

/// What the documents tell of each cell: the name, and the figure.
const FIGURES: [Told; 4] = [
    ("hit_ratio", |point| point.hit),
    ("origin_per_s", |point| point.origin_rate),
    ("resident_mean_bytes", |point| point.resident_bytes),
    ("live_mean_bytes", |point| point.live_bytes),
];

impl Titled<'_> {
    /// The names of the columns.
    pub(super) fn columns(&self) -> Vec<String> {
        if self.surface.ttls.is_empty() {
            return vec!["as written".to_owned()];
        }
        self.surface.ttls.iter().map(SimDuration::to_string).collect()
    }

    /// The rows with their limits.
    pub(super) fn rows(&self) -> impl Iterator<Item = (Capacity, &[Point])> {
        self.surface.capacities.iter().enumerate().map(|(nth, row)| (*row, self.surface.row(nth)))
    }

    /// The largest error of the hit ratio of any cell; `None` where all are exact.
    pub fn largest_error(&self) -> Option<f64> {
        self.surface.points.iter().filter_map(|point| point.hit.error).reduce(f64::max)
    }

    /// The largest error of a figure of any cell as a share of its value; `None` where all are exact or unknown.
    fn largest_relative(&self, figure: fn(&Point) -> Figure) -> Option<f64> {
        self.surface.points.iter().filter_map(|point| figure(point).relative_error()).reduce(f64::max)
    }

    /// How far off it may be.
    fn errors(&self) -> String {
        let Some(hit) = self.largest_error() else {
            return "Error: none; every request was counted.".to_owned();
        };
        let mut parts = vec![format!("{} of the hit ratio", format::points(hit).trim_start_matches('+'))];
        for (of, figure) in [
            ("the origin's load", FIGURES[1].1),
            ("resident memory", FIGURES[2].1),
            ("live memory", FIGURES[3].1),
        ] {
            parts.extend(
                self.largest_relative(figure).map(|error| format!("{} of {of}", format::percent(error))),
            );
        }
        format!(
            "Error: at most ± {} in any cell ({NOMINAL}). Bursts, queues and stampedes are not available from a sample.",
            parts.join(", ± ")
        )
    }

    /// What the surface is, how it was found and how far off it may be.
    pub fn summary(&self) -> Vec<String> {
        let Titled { scenario, strategy, eviction, instant, surface } = self;
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
        if *instant {
            told.push(
                "As --instant asks, fetches take no time and the origin serves any number of them, whatever the scenario says."
                    .to_owned(),
            );
        }
        if let Some(reason) = &surface.because {
            told.push(format!("No exact method serves here: {reason}."));
        }
        told.push(self.errors());
        if let Some(reason) = surface.memory_untold {
            told.push(format!("Memory is not available from a sample of this cache: {reason}."));
        }
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
                let _ = write!(out, "{:>each$}", (MEASURES[0].text)(points[*at].hit.value));
            }
            out.push('\n');
        }
        out
    }

    /// One row for each cell, unrounded; an empty field is not known.
    pub fn csv(&self) -> Vec<u8> {
        let mut table = csv::Writer::from_writer(Vec::new());
        let text = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
        let mut heads = vec!["capacity_bytes".to_owned(), "capacity_objects".to_owned(), "ttl_s".to_owned()];
        heads.extend(FIGURES.iter().flat_map(|(name, _)| [(*name).to_owned(), error_of(name)]));
        table.write_record(heads).expect("writing to memory does not fail");
        for (capacity, points) in self.rows() {
            let (bytes, objects) = match capacity {
                Capacity::Unbounded => (None, None),
                Capacity::Bytes(bytes) => (Some(bytes as f64), None),
                Capacity::Objects(objects) => (None, Some(objects as f64)),
            };
            for (at, point) in points.iter().enumerate() {
                let ttl = self.surface.ttls.get(at).map(|ttl| ttl.as_secs_f64());
                let figures = FIGURES.iter().map(|(_, figure)| figure(point));
                let told = figures.flat_map(|figure| [figure.value, figure.error]);
                let row = [bytes, objects, ttl].into_iter().chain(told);
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
                let mut cell = json!({
                    "capacity": capacity,
                    "ttl_s": self.surface.ttls.get(at).map(|ttl| ttl.as_secs_f64()),
                });
                for (name, figure) in FIGURES {
                    let Figure { value, error } = figure(point);
                    cell[name] = json!(value);
                    cell[error_of(name)] = json!(error);
                }
                cell
            })
        });
        let document = json!({
            "schema": 1,
            "scenario": self.scenario,
            "strategy": self.strategy,
            "eviction": self.eviction,
            "requests": self.surface.requests,
            "instant": self.instant,
            "method": self.surface.method.words(),
            "not_exact_because": self.surface.because,
            "largest_error": self.largest_error(),
            "memory_not_available_because": self.surface.memory_untold,
            "cells": cells.collect::<Vec<_>>(),
        });
        serde_json::to_string_pretty(&document).unwrap_or_default() + "\n"
    }

    /// A page of its own that needs no network.
    pub fn page(&self) -> String {
        let mut figures = vec![html::Figure {
            name: "capacity",
            label: "Chart: hit ratio against capacity",
            chart: inline(&curve_surface::draw(self)),
            shows: "The hit ratio against the memory limit, a line for some of the TTLs. A line that runs level says that memory \
                    is not what is missing.",
            caveat: "Points were found, the lines between them guide the eye; the limit's axis is logarithmic. A ribbon is the \
                     95 % interval of what was sampled.",
        }];
        figures.extend(MEASURES.iter().map(|measure| {
            let Measure { name, label, title, shows, figure, text } = measure;
            let rows = self.rows().map(|(capacity, points)| {
                let tiles = points.iter().zip(self.columns()).map(|(point, ttl)| {
                    let value = figure(point).value;
                    let short = text(value);
                    let tip = format!("{}, {ttl}: {title} {short}", limit(capacity));
                    (value, short, tip)
                });
                (limit(capacity), tiles.collect())
            });
            let measured = Measured { name, title, columns: self.columns(), rows: rows.collect() };
            let chart = inline(&heat_surface::draw(measured));
            html::Figure { name, label, chart, shows, caveat: RAMP }
        }));
        SurfacePage {
            title: format!("{}: capacity against TTL", self.scenario),
            summary: self.finding().into_iter().chain(self.summary()).collect(),
            figures,
            table: self.cells(),
        }
        .finish()
    }

    /// What memory gives under the longest TTL, in a sentence; `None` without two limits that have a hit ratio.
    fn finding(&self) -> Option<String> {
        let hits = self.rows().filter_map(|(capacity, points)| Some((capacity, points.last()?.hit.value?)));
        let mut hits: Vec<(Capacity, f64)> = hits.collect();
        hits.sort_by(|a, b| a.1.total_cmp(&b.1));
        let ((least, low), (most, high)) = (*hits.first()?, *hits.last()?);
        let under = match self.columns().last() {
            Some(ttl) if !self.surface.ttls.is_empty() => format!(" under a TTL of {ttl}"),
            _ => String::new(),
        };
        (hits.len() > 1).then(|| {
            format!(
                "{} hits at {}, {} at {}{under}.",
                format::percent(low),
                limit(least),
                format::percent(high),
                limit(most)
            )
        })
    }

    /// Every cell with its errors.
    fn cells(&self) -> Table {
        // Where every request was counted, columns of errors would hold nothing.
        let with_errors = self
            .surface
            .points
            .iter()
            .any(|point| FIGURES.iter().any(|(_, figure)| figure(point).error.is_some()));
        let mut heads = vec!["memory limit", "TTL"];
        for head in ["hit ratio#", "origin/s#", "resident#", "live#"] {
            heads.push(head);
            heads.extend(with_errors.then_some("error#"));
        }
        let mut table = Table::new("cells", "Every cell", &heads);
        let number: fn(Option<f64>) -> String = |value| format::number(value);
        let bytes: fn(Option<f64>) -> String = |value| format::bytes(value);
        let share: fn(Option<f64>) -> String = |value| format::percent(value);
        for (capacity, points) in self.rows() {
            for (point, ttl) in points.iter().zip(self.columns()) {
                let mut row = vec![Td::heading(limit(capacity)), Td::text(ttl)];
                for ((_, figure), text) in FIGURES.iter().zip([share, number, bytes, bytes]) {
                    let Figure { value, error } = figure(point);
                    for value in std::iter::once(value).chain(with_errors.then_some(error)) {
                        row.push(Td { text: text(value), ..Td::number(value, Unit::Share) });
                    }
                }
                table.row(row);
            }
        }
        table
    }
}

/// The name of a figure's error.
fn error_of(name: &str) -> String {
    format!("{name}_error")
}

fn inline(drawn: &Result<Svg, ChartError>) -> Result<String, String> {
    drawn.as_ref().map(Svg::inline).map_err(ToString::to_string)
}
