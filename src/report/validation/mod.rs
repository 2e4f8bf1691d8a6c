//! Predicted beside measured, as a page, as Markdown, as JSON and for a terminal.

use std::borrow::Cow;
use std::fmt::Write;

use super::chart::predicted::{Strip, draw};
use super::format;
use super::html::{Figure, Table, Td, ValidationPage};
use super::measure::Unit;
use super::work;
use crate::live::validate::{Course, Judgement, Kind, Row, SEEDS, ValidatedCell};
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

/// The heads of the table, the first three of which name the row.
const HEADS: [&str; 8] = [
    "strategy",
    "policy and limit",
    "figure",
    "predicted",
    "measured",
    "difference",
    "tolerance",
    "as predicted",
];

/// Those that a phone shows below the row's name: all others.
const BELOW: &[&str] = {
    const ALL: &[&str] = &HEADS;
    ALL.split_at(1).1
};

fn limit(cell: &ValidatedCell) -> String {
    match cell.capacity_bytes {
        Some(bytes) => format!("{}, {}", cell.eviction, format::bytes(bytes as f64)),
        None => "no limit".to_owned(),
    }
}

fn unit(kind: Kind) -> Unit {
    match kind {
        Kind::Share => Unit::Share,
        Kind::Count => Unit::Number,
        Kind::Bytes => Unit::Bytes,
        Kind::Rate => Unit::Rate,
        Kind::Millis => Unit::Millis,
    }
}

/// A difference in its unit, with its sign.
fn difference(row: &Row) -> String {
    let Some(difference) = row.difference else { return format::NONE.to_owned() };
    let chance = row.chance.map(|chance| format!(" ± {chance:.2}")).unwrap_or_default();
    let name = match row.kind {
        Kind::Share => "points",
        Kind::Millis => "ms",
        Kind::Count | Kind::Bytes | Kind::Rate => "%",
    };
    format!("{difference:+.2}{chance} {name}")
}

fn tolerance(row: &Row) -> String {
    let beside = row.buffers_bytes.map(|bytes| {
        let word = if bytes < 0.0 { "less" } else { "more" };
        format!(" and {} {word}", format::bytes(bytes.abs()))
    });
    match (row.tolerance, row.kind) {
        (None, _) => format::NONE.to_owned(),
        (Some(tolerance), Kind::Share) => format!("{tolerance} points"),
        (Some(tolerance), Kind::Millis) => format!("{tolerance:.1} ms"),
        (Some(tolerance), _) => format!("{tolerance} %{}", beside.unwrap_or_default()),
    }
}

/// Which part of a difference beyond the tolerance are buffers.
fn of_buffers(row: &Row) -> String {
    let told = |bytes: f64| {
        let bytes = format::bytes(bytes.abs());
        format!(", of which {bytes} are buffers of connections, which follow how replies bunch")
    };
    row.of_buffers().map(told).unwrap_or_default()
}

/// What came out, and why a row is not judged where it is not.
fn word(row: &Row) -> String {
    match row.judgement {
        Judgement::Inside => format!("yes{}", of_buffers(row)),
        Judgement::WithinChance => format!("within chance{}", of_buffers(row)),
        Judgement::Outside => format!("NO{}", of_buffers(row)),
        Judgement::NotJudged => {
            let why = row.why.map(|why| format!(": {why}"));
            format!("not judged{}", why.unwrap_or_default())
        }
    }
}

/// The same beside sentences that tell what spoils all figures of a cell, which need not be said again of each.
fn short_word(cell: &ValidatedCell, row: &Row) -> String {
    if cell.spoiled().is_some() { "not judged".to_owned() } else { word(row) }
}

fn tone(judgement: Judgement) -> &'static str {
    match judgement {
        Judgement::Inside => "better",
        Judgement::Outside => "worse",
        Judgement::WithinChance | Judgement::NotJudged => "",
    }
}

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
                 what 99 of 100 GETs took, for each question to the server, how late 99 of 100 fetches ended, for each timer, and a poll \
                 where those who wait poll; and by how far half a percentage point more or fewer requests that wait move its quantile."
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

    fn cells_of(cell: &ValidatedCell, row: &Row) -> [String; 8] {
        let print = |value: Option<f64>| unit(row.kind).print(value);
        [
            cell.strategy.clone(),
            limit(cell),
            row.what.to_owned(),
            print(row.predicted),
            print(row.measured),
            difference(row),
            tolerance(row),
            word(row),
        ]
    }

    /// What was measured and how, and the table, in Markdown.
    pub fn markdown(&self) -> String {
        let mut out = format!("{}\n\nMade by `{}`.\n\n", self.measured(), self.command);
        let _ = write!(out, "| {} |\n|{}\n", HEADS.join(" | "), " --- |".repeat(HEADS.len()));
        for cell in self.cells {
            for row in &cell.rows {
                let cells = Self::cells_of(cell, row).map(|text| text.replace('|', "\\|"));
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
                let [_, _, what, predicted, measured, difference, _, _] = Self::cells_of(cell, row);
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
                let [strategy, limit, what, _, _, difference, tolerance, _] = Self::cells_of(cell, row);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::Slowest;

    fn cell(judgement: Judgement) -> ValidatedCell {
        let row = Row {
            what: "fresh hits",
            kind: Kind::Share,
            predicted: Some(0.601),
            measured: Some(0.612),
            difference: Some(1.1),
            chance: Some(0.05),
            tolerance: Some(0.5),
            buffers_bytes: None,
            judgement,
            why: (judgement == Judgement::NotJudged).then_some("too few"),
        };
        let course = Course {
            what: "used_memory",
            kind: Kind::Bytes,
            bucket_s: 1.0,
            predicted: vec![Some(1_000.0), Some(2_000.0)],
            measured: vec![None, Some(1_900.0)],
        };
        ValidatedCell {
            strategy: "<b>|lock".to_owned(),
            capacity_bytes: Some(1 << 20),
            eviction: "allkeys-lru".to_owned(),
            server: "Redis 7.0.15".to_owned(),
            rows: vec![row],
            courses: vec![course],
            served: None,
            worked: Vec::new(),
            warnings: vec!["client-limited".to_owned()],
        }
    }

    fn report(cells: &[ValidatedCell]) -> ValidationReport<'_> {
        let command = "ttlab validate";
        ValidationReport { scenario: "s", question: "q?", command, seed: 7, speed: 2.0, cells }
    }

    #[test]
    fn what_was_measured_is_told_everywhere() {
        let cells = [cell(Judgement::Inside), cell(Judgement::Inside)];
        let report = report(&cells);
        let told = "Measured on Redis 7.0.15; the trace of seed 7 was played 2 times faster, by ttlab ";
        for text in [report.page(), report.markdown(), report.terminal()] {
            assert!(text.contains(told), "{text}");
        }
        assert!(report.json().contains("\"seed\": 7") && report.json().contains("\"speed\": 2.0"));
        assert!(report.json().contains(concat!("\"version\": \"", env!("CARGO_PKG_VERSION"), "\"")));
        let slow = ValidationReport { speed: 1.0, ..report };
        assert!(slow.measured().contains("played at its own pace"));
    }

    #[test]
    fn the_servers_own_time_is_told_everywhere_with_when_it_was_slowest() {
        let told = "the server itself worked 2 µs on a GET and 6 µs on a SET on average; at its slowest, from 1 s to 2 s, 3 µs on a GET \
                    and 7 µs on a SET; at most 9 µs on 99 of 100 GETs since its start";
        let slowest = Slowest { from_s: 1.0, until_s: 2.0, get_mean_s: 3e-6, set_mean_s: Some(7e-6) };
        let served = Served {
            get_mean_s: Some(2e-6),
            set_mean_s: Some(6e-6),
            get_p99_s: Some(9e-6),
            slowest: Some(slowest),
        };
        let stretch = |from_s, micros| Worked {
            from_s,
            until_s: from_s + 1.0,
            get: Some(Calls { calls: 100, micros }),
            set: Some(Calls { calls: 50, micros }),
            get_p99_s: Some(9e-6),
        };
        let worked = vec![stretch(0.0, 150), stretch(1.0, 300)];
        // Where the server does not tell, there is no such strip.
        let cells = [cell(Judgement::Inside)];
        let silent = report(&cells);
        assert!(!silent.page().contains(">a GET<") && !silent.terminal().contains("itself worked"));
        let cells = [ValidatedCell { served: Some(served), worked, ..cell(Judgement::Inside) }];
        let report = report(&cells);
        for text in [report.page(), report.markdown(), report.terminal()] {
            assert!(text.contains(told), "{text}");
        }
        let page = report.page();
        let figure = page.split("<svg").nth(1).unwrap().split("</svg>").next().unwrap();
        for label in ["how long the server itself worked", ">a GET<", ">a SET<", ">0 µs<", ">6 µs<"] {
            assert!(figure.contains(label), "{label} is missing in {figure}");
        }
        let json: serde_json::Value = serde_json::from_str(&report.json()).unwrap();
        let cell = &json["cells"][0];
        assert_eq!(cell["served"]["slowest"]["until_s"], 2.0);
        assert_eq!(
            (&cell["worked"][1]["get"]["micros"], &cell["worked"][1]["from_s"]),
            (&300.into(), &1.0.into())
        );
    }

    #[test]
    fn what_is_outside_is_said_first_and_everywhere() {
        let cells = [cell(Judgement::Outside)];
        let report = report(&cells);
        assert!(!report.is_as_predicted());
        assert!(report.sentences()[0].starts_with("Not as predicted: 1 of 1"));
        assert!(report.sentences()[1].contains("fresh hits differ by +1.10 ± 0.05 points"));
        assert!(report.markdown().contains("<b>\\|lock") && report.markdown().contains("| NO |"));
        assert!(report.terminal().contains("NO") && report.json().contains("\"as_predicted\": false"));
        let page = report.page();
        assert!(page.contains("client-limited") && page.contains("<svg") && page.contains("+1.10"));
        assert!(!page.contains("<b>|lock"), "names are escaped");
    }

    #[test]
    fn many_that_are_outside_are_counted_rather_than_named() {
        let cells: Vec<ValidatedCell> = (0..13).map(|_| cell(Judgement::Outside)).collect();
        let report = report(&cells);
        let sentences = report.sentences();
        assert_eq!(sentences.iter().filter(|sentence| sentence.contains("differ by")).count(), 10);
        assert!(sentences.contains(&"3 more are in the table.".to_owned()), "{sentences:?}");
    }

    #[test]
    fn what_chance_explains_is_told_apart_from_what_is_inside() {
        let cells = [cell(Judgement::Inside), cell(Judgement::WithinChance)];
        let report = report(&cells);
        assert!(report.is_as_predicted() && report.says_something());
        let first = &report.sentences()[0];
        assert!(
            first.contains("of 2 figures that are judged 1 are inside")
                && first.contains("and 1 beyond it no further than chance explains"),
            "{first}"
        );
        assert!(report.markdown().contains("| within chance |"));
        assert!(
            report.json().contains("\"within-chance\"") && report.json().contains("\"as_predicted\": true")
        );
    }

    #[test]
    fn what_buffers_of_connections_take_is_told_where_it_makes_a_difference() {
        let memory = |difference: f64, buffers_bytes: Option<f64>, judgement| {
            let mut cell = cell(judgement);
            cell.rows[0] = Row {
                what: "used_memory, mean",
                kind: Kind::Bytes,
                predicted: Some(1e6),
                measured: Some(1e6 + 1e4 * difference),
                difference: Some(difference),
                tolerance: Some(1.0),
                buffers_bytes,
                ..cell.rows[0]
            };
            cell
        };
        let told = "of which 14.6 KiB are buffers of connections, which follow how replies bunch";
        let bytes = Some(14.6 * 1024.0);
        let cells = [memory(1.15, bytes, Judgement::Inside)];
        let inside = report(&cells);
        for text in [inside.terminal(), inside.markdown(), inside.page()] {
            assert!(text.contains(&format!("yes, {told}")), "{text}");
            assert!(text.contains("(mem_clients_normal)") || text == inside.markdown(), "{text}");
        }
        assert!(inside.markdown().contains("| 1 % and 14.6 KiB more |"), "{}", inside.markdown());
        assert!(inside.json().contains("\"buffers_bytes\": 14950.4"), "{}", inside.json());
        let cells = [memory(3.5, bytes, Judgement::Outside)];
        let outside = report(&cells);
        let named = outside.sentences().iter().any(|told_of| told_of.contains(told));
        assert!(named && outside.markdown().contains(&format!("NO, {told}")), "{:?}", outside.sentences());
        for (difference, buffers) in [(0.5, bytes), (0.5, None)] {
            let cells = [memory(difference, buffers, Judgement::Inside)];
            assert!(!report(&cells).terminal().contains("of which"), "nothing has to be explained");
        }
        let cells = [memory(1.15, None, Judgement::Outside)];
        assert!(!report(&cells).page().contains("mem_clients_normal"), "the server tells nothing");
    }

    #[test]
    fn what_a_wait_may_differ_by_is_told() {
        let mut waits = cell(Judgement::Inside);
        waits.rows[0] = Row { kind: Kind::Millis, tolerance: Some(2.4567), ..waits.rows[0] };
        let cells = [waits];
        let told = report(&cells);
        assert!(told.markdown().contains("| 2.5 ms |"), "{}", told.markdown());
        for text in [told.terminal(), told.page()] {
            assert!(text.contains("A wait may differ by what harness and network add"), "{text}");
        }
        let cells = [cell(Judgement::Inside)];
        assert!(!report(&cells).page().contains("A wait may differ"));
    }

    #[test]
    fn a_cell_that_is_not_judged_is_no_prediction_that_came_true() {
        let cells = [cell(Judgement::Inside), cell(Judgement::NotJudged)];
        let report = report(&cells);
        assert!(report.is_as_predicted() && !report.says_something(), "the second cell says nothing");
        assert!(report.sentences()[0].starts_with("Nothing can be said"), "{:?}", report.sentences());
        assert!(report.sentences()[1].contains("nothing is said of its hits: no share of hits"));
        assert!(report.json().contains("\"as_predicted\": false"));
        for text in [report.terminal(), report.markdown(), report.page()] {
            assert!(text.contains("not judged: too few"), "{text}");
        }
        assert!(report.json().contains("\"why\": \"too few\""));
    }

    #[test]
    fn what_spoils_all_figures_of_a_cell_is_told_once_where_sentences_tell_it() {
        let why =
            "client-limited: the harness could not start requests in time, which says nothing of the server";
        let mut spoiled = cell(Judgement::NotJudged);
        spoiled.rows = vec![Row { why: Some(why), ..spoiled.rows[0] }; 3];
        assert_eq!(spoiled.spoiled(), Some(why));
        let cells = [spoiled];
        let report = report(&cells);
        for text in [report.terminal(), report.page()] {
            assert_eq!(text.matches("could not start requests in time").count(), 1, "{text}");
            assert_eq!(text.matches("not judged").count(), 3, "{text}");
        }
        assert_eq!(report.markdown().matches(why).count(), 3, "it has a table and no such sentences");
    }
}
