//! What a bad day does to every cell, and which survive it: as text, markdown, JSON and a page.

use serde_json::{Value, json};

use super::html::{Band, Part, PlanPage, Table, Td};
use super::measure::{Unit, label_of, unit_of};
use super::plain::Plain;
use super::{format, planned};
use crate::scenario::Scenario;
use crate::scenario::drill::{Drills, Kind};
use crate::score::{Gate, written};
use crate::tune::{Drilled, DrilledCell, Outcome, Seen};

/// Longest name of a strategy in the table.
const NAME: usize = 34;

/// Drills on the cells of a scenario, ready to be shown.
#[derive(Debug)]
pub struct DrillReport<'a> {
    /// The scenario.
    pub scenario: &'a Scenario,
    /// What was drilled, and what must hold.
    pub drills: &'a Drills,
    /// What came out.
    pub drilled: &'a Drilled,
    /// The command that gives the same again.
    pub command: String,
}

impl DrillReport<'_> {
    /// Whether all is as it must be: what the scenario expects where it expects something, else that some cell survives
    /// every drill.
    pub fn is_met(&self) -> bool {
        if self.drills.expect.is_empty() {
            return self.drilled.cells.iter().any(DrilledCell::survives);
        }
        self.surprises().is_empty()
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
        let cells: Vec<Value> = self.drilled.cells.iter().map(|cell| self.cell_json(cell)).collect();
        let document = json!({
            "scenario": self.scenario.name, "command": self.command, "version": env!("CARGO_PKG_VERSION"),
            "at_s": self.drilled.at.as_secs_f64(), "lasts_s": self.drills.lasts.as_secs_f64(),
            "step_s": self.drilled.step.as_secs_f64(),
            "survive": self.drills.survive.iter().map(written).collect::<Vec<_>>(),
            "recover_within_s": self.drills.recover_within.map(crate::units::SimDuration::as_secs_f64),
            "met": self.is_met(), "unexpected": self.surprises(), "cells": cells,
        });
        serde_json::to_string_pretty(&document).unwrap_or_default()
    }

    /// As a page of its own that needs no network.
    pub fn page(&self) -> String {
        let mut sentences = self.sentences();
        let verdict = sentences.remove(0);
        let mut facts = vec![("Must hold", self.wanted())];
        facts.push(("Made by", format!("ttlab {}: {}", env!("CARGO_PKG_VERSION"), self.command)));
        PlanPage {
            title: format!("{}: on bad days", format::shortened(&self.scenario.name, format::LONGEST_NAME)),
            band: Band {
                heading: "Verdict",
                good: self.is_met(),
                sentence: verdict,
                question: self.scenario.question.clone(),
                facts,
                notes: sentences,
            },
            parts: vec![
                Part { id: "survives", heading: "Survives", figure: None, tables: vec![self.survives()] },
                Part { id: "drills", heading: "The drills", figure: None, tables: vec![self.all()] },
            ],
        }
        .finish()
    }

    fn plain(&self) -> Plain {
        let at = format::duration(self.drilled.at.as_secs_f64());
        let title = format!("Drills on {} at {at}; to survive: {}", self.scenario.name, self.wanted());
        let heads = ["strategy", "memory limit"].map(String::from).into_iter();
        let heads = heads.chain(self.drills.only.iter().map(|kind| kind.name().to_owned()));
        let mut survives = vec![heads.collect::<Vec<_>>()];
        let heads = ["strategy, drill", "survives", "recovers after", "peak origin/s", "errors", "hits"];
        let mut details = vec![heads.map(String::from).to_vec()];
        for cell in &self.drilled.cells {
            let mut row = vec![format::shortened(&self.name(cell), NAME), planned::limit(cell.plan.capacity)];
            row.extend(cell.outcomes.iter().map(|outcome| word(outcome).to_owned()));
            survives.push(row);
            for outcome in &cell.outcomes {
                let Ok(seen) = &outcome.seen else { continue };
                details.push(vec![
                    format!("{}, {}", format::shortened(&self.name(cell), NAME), outcome.kind.name()),
                    word(outcome).to_owned(),
                    recovery(seen),
                    format!(
                        "{} (usually {})",
                        format::number(seen.peak_origin_rate),
                        format::number(seen.usual_peak)
                    ),
                    format::percent(seen.error),
                    format::percent(seen.hit),
                ]);
            }
        }
        Plain { title, tables: vec![survives, details], sentences: self.sentences() }
    }

    /// What it takes to survive.
    fn wanted(&self) -> String {
        let within = self.drills.recover_within.map_or_else(
            || "recover".to_owned(),
            |within| format!("recover within {}", format::duration(within.as_secs_f64())),
        );
        std::iter::once(within).chain(self.drills.survive.iter().map(written)).collect::<Vec<_>>().join(", ")
    }

    fn name(&self, cell: &DrilledCell) -> String {
        planned::name(self.scenario, cell.plan.strategy, cell.plan.eviction)
    }

    /// The verdict first.
    fn sentences(&self) -> Vec<String> {
        let cells = &self.drilled.cells;
        let all: Vec<String> = cells
            .iter()
            .filter(|cell| cell.survives())
            .map(|cell| format!("{} at {}", self.name(cell), planned::limit(cell.plan.capacity)))
            .collect();
        let verdict = match all.as_slice() {
            [] => "No cell survives every drill.".to_owned(),
            all if all.len() == cells.len() && all.len() > 1 => "Every cell survives every drill.".to_owned(),
            all => {
                format!("{} survive{} every drill.", all.join(", "), if all.len() == 1 { "s" } else { "" })
            }
        };
        let mut sentences = vec![verdict];
        for cell in cells {
            for outcome in &cell.outcomes {
                match &outcome.seen {
                    Ok(seen) if !seen.survives => sentences.push(format!(
                        "{} does not survive {}: {}.",
                        self.name(cell),
                        outcome.kind.name(),
                        self.why(seen)
                    )),
                    _ => {}
                }
            }
        }
        let mut unplayed: Vec<(Kind, &str)> = Vec::new();
        for outcome in cells.iter().flat_map(|cell| &cell.outcomes) {
            if let Err(why) = &outcome.seen
                && !unplayed.iter().any(|(kind, _)| *kind == outcome.kind)
            {
                unplayed.push((outcome.kind, why));
            }
        }
        sentences.extend(
            unplayed.into_iter().map(|(kind, why)| format!("{} could not be played: {why}.", kind.name())),
        );
        sentences.extend(self.surprises());
        sentences.push(format!(
            "Everything is counted from the drill on and compared with the same day without it, on the same seeds; recovery \
             is that of the slowest replication, to {}.",
            format::duration(self.drilled.step.as_secs_f64())
        ));
        sentences
    }

    /// Why a drill is not survived.
    fn why(&self, seen: &Seen) -> String {
        let mut all = Vec::new();
        match (seen.recovers_after, self.drills.recover_within) {
            (None, _) => all.push("it does not recover before the trace ends".to_owned()),
            (Some(after), Some(within)) if after > within => {
                all.push(format!("it recovers after {}", format::duration(after.as_secs_f64())));
            }
            _ => {}
        }
        for ((value, met), target) in seen.targets.iter().zip(&self.drills.survive) {
            if !met {
                let unit = unit_of(target.metric.name);
                all.push(format!("{} {}", label_of(target.metric.name), unit.print(*value)));
            }
        }
        all.join(", ")
    }

    /// What came out otherwise than the scenario expects.
    fn surprises(&self) -> Vec<String> {
        let mut all = Vec::new();
        for (name, expected) in &self.drills.expect {
            let of = |cell: &&DrilledCell| self.scenario.strategies[cell.plan.strategy].name == *name;
            for cell in self.drilled.cells.iter().filter(of) {
                for outcome in &cell.outcomes {
                    let survived = outcome.seen.as_ref().is_ok_and(|seen| seen.survives);
                    if survived != expected.contains(&outcome.kind) {
                        let verb = if survived { "survives" } else { "does not survive" };
                        all.push(format!(
                            "Unexpected: {} at {} {verb} {}.",
                            self.name(cell),
                            planned::limit(cell.plan.capacity),
                            outcome.kind.name()
                        ));
                    }
                }
            }
        }
        all
    }

    fn survives(&self) -> Table {
        let heads = ["strategy", "memory limit"].map(String::from).into_iter();
        let heads = heads.chain(self.drills.only.iter().map(|kind| kind.name().to_owned()));
        let mut table =
            Table::new("survives-table", "Which cell survives which drill", &heads.collect::<Vec<_>>());
        for cell in &self.drilled.cells {
            let mut row = vec![Td::heading(self.name(cell)), Td::text(planned::limit(cell.plan.capacity))];
            row.extend(
                cell.outcomes.iter().map(|outcome| Td { tone: tone(outcome), ..Td::text(word(outcome)) }),
            );
            table.row(row);
        }
        table
    }

    fn all(&self) -> Table {
        // Errors and hits have a column in any case.
        let is_told = |target: &Gate| matches!(target.metric.name, "error" | "hit");
        let targets = self.drills.survive.iter().filter(|target| !is_told(target));
        let targets = targets.map(|target| format!("{}#", label_of(target.metric.name)));
        let heads = [
            "strategy",
            "memory limit",
            "drill",
            "survives",
            "recovers after",
            "peak origin/s#",
            "without it#",
            "errors#",
            "hits#",
        ];
        let heads = heads.map(String::from).into_iter().chain(targets).collect::<Vec<_>>();
        let mut table = Table::new("drills-table", "From the drill on", &heads);
        for cell in &self.drilled.cells {
            for outcome in &cell.outcomes {
                let Ok(seen) = &outcome.seen else { continue };
                let mut row = vec![
                    Td::heading(self.name(cell)),
                    Td::text(planned::limit(cell.plan.capacity)),
                    Td::text(outcome.kind.name()),
                    Td { tone: tone(outcome), ..Td::text(word(outcome)) },
                    Td::text(recovery(seen)),
                    Td::number(seen.peak_origin_rate, Unit::Rate),
                    Td::number(seen.usual_peak, Unit::Rate),
                    Td::number(seen.error, Unit::Share),
                    Td::number(seen.hit, Unit::Share),
                ];
                let targets = seen.targets.iter().zip(&self.drills.survive);
                for ((value, _), target) in targets.filter(|(_, target)| !is_told(target)) {
                    row.push(Td::number(*value, unit_of(target.metric.name)));
                }
                table.row(row);
            }
        }
        table
    }

    fn cell_json(&self, cell: &DrilledCell) -> Value {
        let outcomes = cell.outcomes.iter().map(|outcome| match &outcome.seen {
            Ok(seen) => {
                let targets = seen.targets.iter().zip(&self.drills.survive).map(
                    |((value, met), target)| json!({ "target": written(target), "value": value, "met": met }),
                );
                json!({
                    "drill": outcome.kind.name(), "survives": seen.survives,
                    "recovers": seen.recovers_after.is_some(),
                    "recovers_after_s": seen.recovers_after.map(crate::units::SimDuration::as_secs_f64),
                    "comes_back": seen.relapses, "peak_origin_rate": seen.peak_origin_rate,
                    "usual_peak_origin_rate": seen.usual_peak, "error": seen.error, "hit": seen.hit,
                    "targets": targets.collect::<Vec<_>>(),
                })
            }
            Err(why) => json!({ "drill": outcome.kind.name(), "survives": null, "not_played": why }),
        });
        let more = json!({ "survives": cell.survives(), "drills": outcomes.collect::<Vec<_>>() });
        planned::joined(planned::json(self.scenario, &cell.plan), more)
    }
}

fn word(outcome: &Outcome) -> &'static str {
    match &outcome.seen {
        Ok(seen) if seen.survives => "yes",
        Ok(_) => "no",
        Err(_) => format::NONE,
    }
}

fn tone(outcome: &Outcome) -> &'static str {
    match word(outcome) {
        "yes" => "better",
        "no" => "worse",
        _ => "",
    }
}

/// How long a recovery takes, no finer than it was looked at.
fn recovery(seen: &Seen) -> String {
    let Some(after) = seen.recovers_after else { return "never".into() };
    let text = if after.is_zero() { "at once".to_owned() } else { format::duration(after.as_secs_f64()) };
    if seen.relapses { text + ", trouble comes back" } else { text }
}
