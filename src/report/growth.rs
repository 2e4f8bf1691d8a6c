//! How long today's memory is enough, and how much is needed then: as text, markdown, JSON and a page.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::chart::growth::{Course, draw};
use super::html::{Band, Figure, Part, PlanPage, Table, Td};
use super::measure::{Unit, label_of, unit_of};
use super::needed::{self, bytes_of, enough, limit_of};
use super::plain::Plain;
use super::{cost, format, planned};
use crate::cache::Capacity;
use crate::scenario::Scenario;
use crate::scenario::growth::Growth;
use crate::score::{Bound, Gate, written};
use crate::tune::{Answer, CellPlan, Grown, Held, Lasts, Needed};

/// Longest name of a strategy in the table.
const NAME: usize = 34;

/// What growth does to the cells of a scenario, ready to be shown.
#[derive(Debug)]
pub struct GrowthReport<'a> {
    /// The scenario, as it is today.
    pub scenario: &'a Scenario,
    /// By how much it grows, and what must hold.
    pub growth: &'a Growth,
    /// What came out.
    pub grown: &'a Grown,
    /// The command that gives the same again.
    pub command: String,
}

impl GrowthReport<'_> {
    /// Whether a cell meets every target in every month on today's memory.
    pub fn is_met(&self) -> bool {
        (0..self.grown.plans.len()).any(|cell| self.holds(cell))
    }

    /// As text for a terminal that is `width` characters wide.
    pub fn terminal(&self, width: usize) -> String {
        self.plain().terminal(width)
    }

    /// As markdown, for a merge request or a ticket.
    pub fn markdown(&self) -> String {
        self.plain().markdown()
    }

    /// As one JSON document.
    pub fn json(&self) -> String {
        let cells: Vec<Value> = (0..self.grown.plans.len()).map(|cell| self.cell_json(cell)).collect();
        let document = json!({
            "scenario": self.scenario.name, "command": self.command, "version": env!("CARGO_PKG_VERSION"),
            "traffic": self.growth.traffic, "catalogue": self.growth.catalogue, "months": self.growth.months,
            "targets": self.growth.targets.iter().map(written).collect::<Vec<_>>(),
            "holds": self.is_met(), "cells": cells,
        });
        serde_json::to_string_pretty(&document).unwrap_or_default()
    }

    /// As a page of its own that needs no network.
    pub fn page(&self) -> String {
        let told = self.told();
        let courses: Vec<Course> = self
            .growth
            .targets
            .iter()
            .enumerate()
            .map(|(place, target)| Course {
                target: written(target),
                margins: (self.grown.months.iter())
                    .map(|month| margin(target, month.cells.get(told)?.as_ref().ok()?.targets[place].value))
                    .collect(),
            })
            .collect();
        let chart = draw(&courses).map(|svg| svg.inline()).map_err(|error| error.to_string());
        let mut sentences = self.sentences();
        let verdict = sentences.remove(0);
        PlanPage {
            title: format!("{}: month by month", format::shortened(&self.scenario.name, format::LONGEST_NAME)),
            band: Band {
                heading: "Verdict",
                good: self.is_met(),
                sentence: verdict,
                question: self.scenario.question.clone(),
                facts: vec![
                    ("Growth", self.rates()),
                    ("Targets", self.wanted()),
                    ("Made by", format!("ttlab {}: {}", env!("CARGO_PKG_VERSION"), self.command)),
                ],
                notes: sentences,
            },
            parts: vec![
                Part {
                    id: "fates",
                    heading: "How long today's memory is enough",
                    figure: None,
                    tables: vec![self.fates()],
                },
                Part {
                    id: "course",
                    heading: "The course",
                    figure: Some(Figure {
                        name: "growth",
                        label: "Chart: the course of every target",
                        chart,
                        shows: "Each line is one target of the cell that lasts longest, month by month: how far its measure is \
                                on the right side of the limit, as a share of the limit. Below 0 the target is missed.",
                        caveat: "What lies further than 100 % from its limit is drawn at 100 %. Points are simulated, the lines \
                                 between them guide the eye.",
                    }),
                    tables: vec![self.course(told)],
                },
                Part {
                    id: "needs",
                    heading: "The memory that is needed",
                    figure: None,
                    tables: vec![self.needs()],
                },
            ],
        }
        .finish()
    }

    fn plain(&self) -> Plain {
        let title = format!("{}; {} for {} months", self.wanted(), self.rates(), self.growth.months);
        let last = format!("needed in month {}", self.growth.months);
        let heads = ["strategy", "memory today", "fails in", "what fails", "needed then", &last];
        let mut rows = vec![heads.map(String::from).to_vec()];
        for cell in 0..self.grown.plans.len() {
            let (when, what) = self.fate(cell);
            let first = self.first(cell);
            let needed = |month| {
                self.needed(cell, month)
                    .map_or_else(|| format::NONE.to_owned(), |needed| limit_of(&needed.sized.answer))
            };
            rows.push(vec![
                format::shortened(&self.name(cell), NAME),
                self.limit(cell),
                when,
                what,
                first.map_or_else(String::new, needed),
                if first.is_some() { needed(self.growth.months) } else { String::new() },
            ]);
        }
        Plain { title, tables: vec![rows], sentences: self.sentences() }
    }

    fn rates(&self) -> String {
        let Growth { traffic, catalogue, .. } = self.growth;
        format!(
            "traffic {} and catalogue {} a month",
            format::relative(*traffic),
            format::relative(*catalogue)
        )
    }

    fn wanted(&self) -> String {
        self.growth.targets.iter().map(written).collect::<Vec<_>>().join(", ")
    }

    fn plan(&self, cell: usize) -> &CellPlan {
        &self.grown.plans[cell]
    }

    fn name(&self, cell: usize) -> String {
        planned::name(self.scenario, self.plan(cell).strategy, self.plan(cell).eviction)
    }

    fn limit(&self, cell: usize) -> String {
        planned::limit(self.plan(cell).capacity)
    }

    fn lasts(&self, cell: usize) -> &[Lasts] {
        &self.grown.lasts[cell]
    }

    /// Why a cell could not be simulated in some month.
    fn failed(&self, cell: usize) -> Option<(u32, &str)> {
        self.grown
            .months
            .iter()
            .find_map(|month| Some((month.month, month.cells[cell].as_ref().err()?.as_str())))
    }

    /// The first month in which a cell misses a target.
    fn first(&self, cell: usize) -> Option<u32> {
        self.lasts(cell).iter().filter_map(|lasts| lasts.fails).min()
    }

    fn holds(&self, cell: usize) -> bool {
        self.first(cell).is_none() && self.failed(cell).is_none()
    }

    /// The targets that are missed first.
    fn missed_first(&self, cell: usize) -> impl Iterator<Item = &Gate> {
        let first = self.first(cell);
        let pairs = self.lasts(cell).iter().zip(&self.growth.targets);
        pairs.filter(move |(lasts, _)| first.is_some() && lasts.fails == first).map(|(_, target)| target)
    }

    fn needed(&self, cell: usize, month: u32) -> Option<&Needed> {
        let CellPlan { strategy, eviction, .. } = *self.plan(cell);
        let of = |needed: &&Needed| {
            (needed.sized.strategy, needed.sized.eviction, needed.month) == (strategy, eviction, month)
        };
        self.grown.needed.iter().find(of)
    }

    /// The cell that the verdict and the chart tell of: the one that lasts longest; the smallest and first among equals.
    fn told(&self) -> usize {
        let limit = |cell: usize| match self.plan(cell).capacity {
            Capacity::Bytes(limit) | Capacity::Objects(limit) => limit,
            Capacity::Unbounded => u64::MAX,
        };
        let key = |cell: &usize| {
            let end = if self.failed(*cell).is_some() { 0 } else { self.first(*cell).unwrap_or(u32::MAX) };
            (std::cmp::Reverse(end), limit(*cell), *cell)
        };
        (0..self.grown.plans.len()).min_by_key(key).unwrap_or(0)
    }

    /// When a cell fails, and what.
    fn fate(&self, cell: usize) -> (String, String) {
        if self.failed(cell).is_some() {
            return ("broke off".into(), String::new());
        }
        let Some(first) = self.first(cell) else { return ("holds".into(), String::new()) };
        let what = self.missed_first(cell).map(|target| target.metric.name.replace('_', " "));
        (month_words(first), what.collect::<Vec<_>>().join(", "))
    }

    /// The verdict first, then a sentence for every cell.
    fn sentences(&self) -> Vec<String> {
        let told = self.told();
        let (name, limit, months) = (self.name(told), self.limit(told), self.growth.months);
        let verdict = match self.first(told) {
            None if self.failed(told).is_none() => {
                format!("{name} at {limit} meets every target for {months} months.")
            }
            None => "No cell could be simulated in every month.".to_owned(),
            Some(0) => "With today's memory no cell meets every target, today already.".to_owned(),
            Some(month) => {
                format!("Today's memory is enough until month {month}: {name} at {limit} lasts longest.")
            }
        };
        let mut all = vec![verdict];
        for cell in 0..self.grown.plans.len() {
            if let Some((month, why)) = self.failed(cell) {
                all.push(format!(
                    "{} at {} broke off in month {month}: {why}",
                    self.name(cell),
                    self.limit(cell)
                ));
            } else if let Some(first) = self.first(cell) {
                all.push(self.sentence(cell, first));
            }
        }
        if !self.grown.needed.is_empty() {
            all.extend(planned::leaves_out(self.scenario).map(format::sentence));
        }
        all
    }

    fn sentence(&self, cell: usize, first: u32) -> String {
        let fails: Vec<String> = (self.lasts(cell).iter().zip(&self.growth.targets))
            .filter_map(|(lasts, target)| {
                let fails = lasts.fails?;
                let mut text = format!(
                    "{} {}",
                    written(target),
                    if fails == 0 { "fails today".into() } else { format!("fails in month {fails}") }
                );
                if let Some(within) = within(lasts, self.growth.months) {
                    let _ = write!(text, " ({within})");
                }
                if lasts.returns {
                    text += " and holds again later";
                }
                Some(text)
            })
            .collect();
        let last = self.growth.months;
        let mut moments = vec![(first, "then".to_owned())];
        if last != first {
            moments.push((last, format!("in month {last}")));
        }
        let needs: Vec<String> = moments
            .iter()
            .filter_map(|(month, when)| Some(self.need_words(self.needed(cell, *month)?, when)))
            .collect();
        format!("{} at {}: {}; {}.", self.name(cell), self.limit(cell), fails.join(", "), needs.join(", "))
    }

    fn need_words(&self, needed: &Needed, when: &str) -> String {
        match &needed.sized.answer {
            Answer::Unmet { missed, .. } => {
                let names = missed.iter().map(|&place| label_of(self.growth.targets[place].metric.name));
                format!("no memory is enough {when} for {}", names.collect::<Vec<_>>().join(" and "))
            }
            Answer::Failed(why) => format!("what is needed {when} is not known ({why})"),
            answer => {
                let cost = enough(answer).and_then(|probe| probe.cost.as_ref());
                let prices = self.scenario.judgement.rules.prices.as_ref();
                let cost = cost.zip(prices).map_or_else(String::new, |(cost, prices)| {
                    format!(" ({} a month)", cost::amount(cost.total.mean, &prices.currency))
                });
                format!("{} needed {when}{cost}", limit_of(answer))
            }
        }
    }

    fn fates(&self) -> Table {
        let heads = ["strategy", "memory today", "target", "fails in", "with chance"];
        let mut table = Table::new("fates-table", "By cell and target", &heads);
        for cell in 0..self.grown.plans.len() {
            for (lasts, target) in self.lasts(cell).iter().zip(&self.growth.targets) {
                let fails = match (lasts.fails, self.failed(cell)) {
                    (_, Some(_)) => Td::text("broke off"),
                    (None, None) => Td { tone: "better", ..Td::text("holds") },
                    (Some(month), None) => Td { tone: "worse", ..Td::text(month_words(month)) },
                };
                table.row(vec![
                    Td::heading(self.name(cell)),
                    Td::text(self.limit(cell)),
                    Td::text(written(target)),
                    fails,
                    Td::text(within(lasts, self.growth.months).unwrap_or_default()),
                ]);
            }
        }
        table.notes.push(
            "\"With chance\" takes every measure at the worse, and at the better, end of its 95 % interval over replications."
                .into(),
        );
        table
    }

    fn course(&self, cell: usize) -> Table {
        let metrics: Vec<String> =
            self.growth.targets.iter().map(|target| format!("{}#", label_of(target.metric.name))).collect();
        let heads = ["month", "requests#", "images#"].map(String::from).into_iter().chain(metrics);
        let caption = format!("{} at {}, month by month", self.name(cell), self.limit(cell));
        let mut table = Table::new("course-table", caption, &heads.collect::<Vec<_>>());
        for month in &self.grown.months {
            let mut row =
                vec![Td::heading(month.month.to_string()), times(month.traffic), times(month.catalogue)];
            for (place, target) in self.growth.targets.iter().enumerate() {
                let held = month.cells[cell].as_ref().ok().map(|probe| probe.targets[place]);
                let td = Td::number(held.and_then(|held| held.value), unit_of(target.metric.name));
                row.push(match held {
                    Some(held) if !held.met => Td { more: "missed".into(), tone: "worse", ..td },
                    _ => td,
                });
            }
            table.row(row);
        }
        table
    }

    fn needs(&self) -> Table {
        let heads = ["strategy", "month#", "maxmemory#", "95 % interval", "a month#"];
        let mut table = Table::new("needs-table", "Smallest maxmemory that meets every target", &heads);
        for needed in &self.grown.needed {
            let of = |plan: &CellPlan| {
                (plan.strategy, plan.eviction) == (needed.sized.strategy, needed.sized.eviction)
            };
            let cell = self.grown.plans.iter().position(of).unwrap_or(0);
            let answer = &needed.sized.answer;
            let bytes = enough(answer).and_then(bytes_of).map(|bytes| bytes as f64);
            let interval = match answer {
                Answer::Smallest { interval: (low, Some(high)), .. } if high > low => {
                    format!("{} to {}", format::bytes(*low as f64), format::bytes(*high as f64))
                }
                Answer::Smallest { interval: (low, None), .. } => {
                    format!("from {}", format::bytes(*low as f64))
                }
                _ => String::new(),
            };
            let cost = enough(answer).and_then(|probe| probe.cost.as_ref());
            let prices = self.scenario.judgement.rules.prices.as_ref();
            table.row(vec![
                Td::heading(self.name(cell)),
                Td::count(u64::from(needed.month)),
                Td { text: limit_of(answer), ..Td::number(bytes, Unit::Bytes) },
                Td::text(interval),
                match cost.zip(prices) {
                    Some((cost, prices)) => Td {
                        text: cost::amount(cost.total.mean, &prices.currency),
                        ..Td::number(cost.total.mean, Unit::Number)
                    },
                    None => Td::text(""),
                },
            ]);
        }
        if self.grown.needed.is_empty() {
            table.notes.push("Today's memory is enough in every month, so none was looked for.".into());
        }
        table
    }

    fn cell_json(&self, cell: usize) -> Value {
        let plan = self.plan(cell);
        let held = |held: &Held| {
            json!({
                "value": held.value, "met": held.met,
                "low": held.interval.map(|i| i.low), "high": held.interval.map(|i| i.high),
            })
        };
        let months = self.grown.months.iter().map(|month| {
            let seen = match &month.cells[cell] {
                Ok(probe) => json!({ "targets": probe.targets.iter().map(held).collect::<Vec<_>>(), "hit": probe.hit, "origin_rate": probe.origin_rate }),
                Err(why) => json!({ "failed": why }),
            };
            let month = json!({ "month": month.month, "traffic": month.traffic, "catalogue": month.catalogue });
            planned::joined(month, seen)
        });
        let lasts = self.lasts(cell).iter().zip(&self.growth.targets).map(|(lasts, target)| {
            json!({
                "target": written(target), "fails_in_month": lasts.fails, "may_fail_in_month": lasts.may_fail,
                "surely_fails_in_month": lasts.surely_fails, "holds_again_later": lasts.returns,
            })
        });
        let needed = self.grown.needed.iter().filter(|needed| {
            (needed.sized.strategy, needed.sized.eviction) == (plan.strategy, plan.eviction)
        });
        let needed = needed.map(|needed| needed::json(needed, &self.growth.targets));
        let more = json!({
            "fails_in_month": self.first(cell), "targets": lasts.collect::<Vec<_>>(),
            "months": months.collect::<Vec<_>>(), "needed": needed.collect::<Vec<_>>(),
        });
        planned::joined(planned::json(self.scenario, plan), more)
    }
}

/// By which share of its limit a target is kept; negative where it is missed.
fn margin(target: &Gate, value: Option<f64>) -> Option<f64> {
    let beyond = match target.bound {
        Bound::Min => value? - target.limit,
        Bound::Max => target.limit - value?,
    };
    Some(beyond / target.limit.abs().max(1e-12))
}

/// From when to when chance may put the failure; `None` where the intervals say nothing more.
fn within(lasts: &Lasts, last: u32) -> Option<String> {
    match (lasts.may_fail, lasts.surely_fails) {
        (Some(may), Some(surely)) if may < surely => Some(format!("from month {may} to {surely}")),
        (Some(may), None) => Some(format!("from month {may} to after {last}")),
        _ => None,
    }
}

fn month_words(month: u32) -> String {
    if month == 0 { "today".into() } else { format!("month {month}") }
}

fn times(factor: f64) -> Td {
    Td { text: format!("× {}", format::number(factor)), ..Td::number(factor, Unit::Number) }
}
