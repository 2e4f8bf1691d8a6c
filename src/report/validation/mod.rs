//! Predicted beside measured, as a page, as Markdown, as JSON and for a terminal.

mod row;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt::Write;

use row::{BELOW, HEADS, cells_of, difference, limit, of_buffers, short_word, tone, unit};

use super::chart::predicted::{Strip, draw};
use super::html::{Figure, Table, Td, ValidationPage};
use super::measure::Unit;
use super::work;
use crate::live::validate::{Course, Judgement, Kind, SEEDS, ValidatedCell};
use crate::live::{Calls, Served, Worked};

/// A validation with what it is of.
pub struct ValidationReport<'v> {
    /// The scenario's name.
    pub scenario: &'v str,
    /// The question it asks.
    pub question: &'v str,
    /// The command that did it.
    pub command: &'v str,
    /// The seed of the trace.
    pub seed: u64,
    /// How many times faster than recorded it was played.
    pub speed: f64,
    /// The cells.
    pub cells: &'v [ValidatedCell],
}

/// How many figures that are outside their tolerance are named before the table.
const NAMED: usize = 10;

/// One figure of a cell over time.
fn strip<'v>(cell: &'v ValidatedCell, course: &'v Course) -> Strip<'v> {
    Strip {
        title: format!("{}, {}: {}", cell.strategy, limit(cell), course.what),
        unit: unit(course.kind),
        bucket_s: course.bucket_s,
        lines: [
            ("predicted", Cow::Borrowed(&course.predicted)),
            ("measured", Cow::Borrowed(&course.measured)),
        ],
    }
}

/// How long the server itself worked in a cell over time, in buckets as long as those of its figures; `None` where it did not tell.
fn own_time(cell: &ValidatedCell) -> Option<Strip<'_>> {
    let course = cell.courses.first().filter(|_| !cell.worked.is_empty())?;
    let line = |of: fn(&Worked) -> Option<Calls>| {
        let mean_ms = |worked: &Worked| of(worked)?.mean_s().map(|seconds| seconds * 1e3);
        let stretches = cell.worked.iter().map(|worked| (worked.until_s, mean_ms(worked)));
        Cow::Owned(work::by_bucket(stretches, course.bucket_s, course.measured.len()))
    };
    Some(Strip {
        title: format!("{}, {}: how long the server itself worked", cell.strategy, limit(cell)),
        unit: Unit::Millis,
        bucket_s: course.bucket_s,
        lines: [("a SET", line(|worked| worked.set)), ("a GET", line(|worked| worked.get))],
    })
}

impl ValidationReport<'_> {
    /// Whether nothing is outside its tolerance.
    pub fn is_as_predicted(&self) -> bool {
        self.cells.iter().all(ValidatedCell::is_as_predicted)
    }

    /// Whether every cell says how well hits were predicted.
    pub fn says_something(&self) -> bool {
        self.cells.iter().all(ValidatedCell::says_something)
    }

    /// What came out, in sentences.
    pub fn sentences(&self) -> Vec<String> {
        let rows = || self.cells.iter().flat_map(|cell| &cell.rows);
        let count = |wanted: Judgement| rows().filter(|row| row.judgement == wanted).count();
        let (inside, chance) = (count(Judgement::Inside), count(Judgement::WithinChance));
        let (outside, unjudged) = (count(Judgement::Outside), count(Judgement::NotJudged));
        let mut all = vec![if outside > 0 {
            format!(
                "Not as predicted: {outside} of {} figures are outside their tolerance, beyond what chance explains.",
                inside + chance + outside
            )
        } else if self.says_something() {
            format!(
                "As predicted: of {} figures that are judged {inside} are inside their tolerance, and {chance} beyond it no further \
                 than chance explains; {unjudged} are not judged.",
                inside + chance
            )
        } else {
            "Nothing can be said: no share of hits or misses is judged.".to_owned()
        }];
        for cell in self.cells.iter().filter(|cell| !cell.says_something()) {
            let why = cell
                .spoiled()
                .unwrap_or("no share of hits or misses is judged; the table says why of each figure");
            all.push(format!("{}, {}: nothing is said of its hits: {why}.", cell.strategy, limit(cell)));
        }
        let outsiders = self.cells.iter().flat_map(|cell| cell.rows.iter().map(move |row| (cell, row)));
        let outsiders = outsiders.filter(|(_, row)| row.judgement == Judgement::Outside);
        all.extend(outsiders.take(NAMED).map(|(cell, row)| {
            let (what, beside) = (row.what, of_buffers(row));
            format!("{}, {}: {what} differ by {}{beside}.", cell.strategy, limit(cell), difference(row))
        }));
        if outside > NAMED {
            all.push(format!("{} more are in the table.", outside - NAMED));
        }
        all.push(format!(
            "The prediction is a mean over {SEEDS} seeds; ± is one standard deviation of chance. \"Within chance\" is what exceeds \
             its tolerance by up to four of them."
        ));
        if rows().any(|row| row.tolerance.is_some() && row.buffers_bytes.is_some()) {
            all.push(
                "Memory may also differ by what the server's connections took more or less than predicted (mem_clients_normal): their \
                 buffers follow how requests and replies bunch."
                    .to_owned(),
            );
        }
        if rows().any(|row| row.tolerance.is_some() && row.kind == Kind::Millis) {
            all.push(
                "A wait may differ by what harness and network add, as measured in this run: by how late 99 of 100 requests were started, \
                 what 99 of 100 GETs took, for each question to the server, and how late 99 of 100 fetches ended, for each timer; by a \
                 poll, as far as those who poll move its quantile; and by how far half a percentage point more or fewer requests that \
                 wait move it."
                    .to_owned(),
            );
        }
        all
    }

    /// What the server's own work took, a sentence for each cell whose server told it.
    fn own_work(&self) -> Vec<String> {
        let told = |cell: &ValidatedCell| {
            let words = cell.served.as_ref()?.words()?;
            Some(format!("{}, {}: {words}.", cell.strategy, limit(cell)))
        };
        self.cells.iter().filter_map(told).collect()
    }

    /// What was measured: on which server, how, and by which program.
    pub fn measured(&self) -> String {
        let mut servers: Vec<&str> = Vec::new();
        for cell in self.cells {
            if !servers.contains(&cell.server.as_str()) {
                servers.push(&cell.server);
            }
        }
        #[expect(clippy::float_cmp, reason = "one is written as one")]
        let pace = if self.speed == 1.0 {
            "at its own pace".to_owned()
        } else {
            format!("{} times faster", self.speed)
        };
        format!(
            "Measured on {}; the trace of seed {} was played {pace}, by ttlab {}.",
            servers.join(" and "),
            self.seed,
            env!("CARGO_PKG_VERSION")
        )
    }

    /// What was measured and how, and the table, in Markdown.
    pub fn markdown(&self) -> String {
        let mut out = format!("{}\n\nMade by `{}`.\n\n", self.measured(), self.command);
        let _ = write!(out, "| {} |\n|{}\n", HEADS.join(" | "), " --- |".repeat(HEADS.len()));
        for cell in self.cells {
            for row in &cell.rows {
                let cells = cells_of(cell, row).map(|text| text.replace('|', "\\|"));
                let _ = writeln!(out, "| {} |", cells.join(" | "));
            }
        }
        for sentence in self.own_work() {
            let _ = write!(out, "\n{sentence}\n");
        }
        out
    }

    /// Plain text for a terminal.
    pub fn terminal(&self) -> String {
        let mut out = String::new();
        for cell in self.cells {
            let _ = writeln!(out, "{} under {}, on {}", cell.strategy, limit(cell), cell.server);
            for row in &cell.rows {
                let [_, _, what, predicted, measured, difference, _, _] = cells_of(cell, row);
                let word = short_word(cell, row);
                let _ = writeln!(out, "  {what:28} {predicted:>12} {measured:>12}  {difference:>22}  {word}");
            }
            if let Some(words) = cell.served.as_ref().and_then(Served::words) {
                let _ = writeln!(out, "  {words}");
            }
        }
        out + &self.sentences().join("\n") + "\n" + &self.measured() + "\n"
    }

    /// One JSON document.
    pub fn json(&self) -> String {
        let value = serde_json::json!({
            "scenario": self.scenario,
            "command": self.command,
            "version": env!("CARGO_PKG_VERSION"),
            "seed": self.seed,
            "speed": self.speed,
            "as_predicted": self.is_as_predicted() && self.says_something(),
            "cells": self.cells,
        });
        serde_json::to_string_pretty(&value).unwrap_or_default() + "\n"
    }

    /// The page.
    pub fn page(&self) -> String {
        let heads = HEADS.map(|head| match head {
            "predicted" | "measured" | "difference" => format!("{head}#"),
            other => other.to_owned(),
        });
        let mut table = Table::new("validation-table", "Predicted beside measured", &heads);
        table.stacked = BELOW;
        for cell in self.cells {
            for row in &cell.rows {
                let [strategy, limit, what, _, _, difference, tolerance, _] = cells_of(cell, row);
                table.row(vec![
                    Td::heading(strategy),
                    Td::text(limit),
                    Td::text(what),
                    Td::number(row.predicted, unit(row.kind)),
                    Td::number(row.measured, unit(row.kind)),
                    Td { text: difference, ..Td::number(row.difference, Unit::Number) },
                    Td::text(tolerance),
                    Td { tone: tone(row.judgement), ..Td::text(short_word(cell, row)) },
                ]);
            }
        }
        let strips: Vec<Strip> = self
            .cells
            .iter()
            .flat_map(|cell| cell.courses.iter().map(move |course| strip(cell, course)).chain(own_time(cell)))
            .collect();
        let chart = draw(&strips).map(|svg| svg.inline()).map_err(|error| error.to_string());
        ValidationPage {
            title: format!("{}: predicted beside measured", self.scenario),
            question: self.question.trim().to_owned(),
            summary: self.sentences(),
            warnings: self
                .cells
                .iter()
                .flat_map(|cell| {
                    cell.warnings.iter().map(move |warning| format!("{}: {warning}", cell.strategy))
                })
                .collect(),
            table,
            figure: Figure {
                name: "predicted",
                label: "Chart: predicted beside measured over time",
                chart,
                shows: "Each strip is one figure of one cell over time, as the model predicts it (dashed) and as the server \
                        had it. What stayed 0 has no strip. The last strip of a cell whose server told it, which no model predicts, is \
                        how long the server itself worked on a GET and on a SET (dashed), by its INFO, in real time: where waits \
                        grew and that did not, the commands were not what was slow: it was the client, the network, or something \
                        else that the server did, such as a fork or a cycle of expiry.",
                caveat: "The table above says which differences are judged; a single second may differ by chance.",
            },
            work: self.own_work(),
            measured: self.measured(),
            command: self.command.to_owned(),
        }
        .finish()
    }
}
