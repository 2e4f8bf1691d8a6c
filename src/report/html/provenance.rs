//! What was assumed and how to repeat it: the tables of provenance and of skipped lines.

use std::fmt::Write;

use super::grid::{Table, Td};
use crate::record::Record;
use crate::report::sampled::share;
use crate::report::{clockless_words, format};

/// Everything that made the numbers.
pub(super) fn table(record: &Record) -> Table {
    let mut table = Table::new("provenance-table", "How these numbers were made", &["what", "value"]);
    table.sortable = false;
    let mut row = |name: &str, value: String| table.row(vec![Td::heading(name), Td::text(value)]);
    let (scenario, trace, how) = (&record.scenario, &record.trace, &record.provenance);
    let commit = record.tool.commit.as_ref();
    let commit =
        commit.map(|commit| format!(", commit {}", format::shortened(commit, 64))).unwrap_or_default();
    row(
        "Tool",
        format!("{} {}{commit}, record schema {}", record.tool.name, record.tool.version, record.schema),
    );
    if !record.source.is_simulation() {
        row("Source", "live: measured against a real server, in real time".to_owned());
    }
    row("Command", how.command.clone());
    if let Some(words) = clockless_words(record) {
        row("Played", words);
    }
    row("Scenario", format!("{}, SHA-256 {}", scenario.name, scenario.sha256));
    row("Question", scenario.question.trim().to_owned());
    row("Seed", scenario.seed.to_string());
    row("Trace", trace.source.clone());
    row("Trace digest", format!("SHA-256 {}", trace.sha256));
    if let Some(sample) = &record.sample {
        let one = sample.samples_of_one_trace;
        let of =
            if one > 1 { format!("{one} samples") } else { "one sample for each replication".to_owned() };
        row("Sample", format!("{} of the keys, {of}", share(sample.rate)));
    }
    let kind = if trace.recorded { "recorded" } else { "synthetic" };
    row(
        "Kind of trace",
        if !record.source.is_simulation() {
            format!(
                "{kind}: played once, in real time; another run differs, and no interval tells by how much"
            )
        } else if record.sample.as_ref().is_some_and(|sample| sample.samples_of_one_trace > 1) {
            format!("{kind}: several samples of its keys were played, intervals over samples")
        } else if trace.recorded {
            "recorded: played once, numbers are exact for it, no interval".into()
        } else {
            "synthetic: one trace for each replication, intervals over replications".into()
        },
    );
    row(
        "Requests",
        format!(
            "{} over {}, of {} objects",
            format::count(trace.requests),
            format::duration(trace.span_s),
            format::count(trace.objects)
        ),
    );
    row(
        "Size of all objects",
        format!("{} ({} bytes)", format::bytes(trace.unique_bytes as f64), format::count(trace.unique_bytes)),
    );
    row("Sizes that had to be assumed", format!("{} of requests", format::percent(trace.imputed_size_share)));
    row(
        "Warm-up",
        format!(
            "{}, {} and not scored; {} scored",
            format::duration(how.warmup_s),
            if record.source.is_simulation() { "simulated" } else { "played" },
            format::duration(how.scored_s)
        ),
    );
    let replications: Vec<u32> = record.cells.iter().map(|cell| cell.replications).collect();
    if let (Some(least), Some(most)) = (replications.iter().min(), replications.iter().max()) {
        let runs = if least == most { most.to_string() } else { format!("{least} to {most}") };
        row("Replications of a cell", runs);
    }
    row("Score", record.scoring.formula.clone());
    let weights = record.scoring.weights.iter();
    let weights: Vec<String> =
        weights.map(|(name, weight)| format!("{name} {}", format::number(*weight))).collect();
    row("Weights", if weights.is_empty() { "none".into() } else { weights.join(", ") });
    table
}

/// Lines that were no requests, by reason; `None` where all were used.
pub(super) fn skipped(record: &Record) -> Option<Table> {
    let trace = &record.trace;
    if trace.skipped.values().all(|count| *count == 0) {
        return None;
    }
    let mut table = Table::new("skipped", "Skipped lines by reason", &["reason", "lines#", "first"]);
    for (reason, count) in trace.skipped.iter().filter(|(_, count)| **count > 0) {
        let first = trace.skipped_first.get(reason).map_or(format::NONE, String::as_str);
        table.row(vec![
            Td::heading(reason.clone()),
            Td::count(*count),
            Td::text(format::shortened(first, 160)).or("the record does not tell where it stands"),
        ]);
    }
    Some(table)
}

/// A part of a scenario as TOML, or as JSON where TOML cannot say it. What turns the direction of text and what controls
/// terminals is written as both escape it; texts longer than any sentence are cut, and a remark says so.
pub(super) fn written_out(value: &serde_json::Value) -> String {
    let mut strange = Strange::default();
    let known = strange.writable(value);
    let toml = if known.is_object() { toml::to_string_pretty(&known).ok() } else { None };
    let text = match toml {
        Some(toml) if strange.is_cut => format!("{CUT}{toml}"),
        Some(toml) => toml,
        None => serde_json::to_string_pretty(&known).unwrap_or_default(),
    };
    strange.put_back(text)
}

/// What stands before a scenario of which something is left out.
const CUT: &str = "# Long texts end in … here: record.json holds them whole.\n";

/// Begins and ends the stand-in of a text: a character that no alphabet has. Texts that hold it have stand-ins.
const MARK: char = '\u{F8FF}';

/// Texts that must be escaped, whatever quotes and backslashes they hold. Writers of TOML quote such texts so that nothing is
/// an escape, so a stand-in is written, and the text as a string of escapes in its place afterwards.
#[derive(Debug, Default)]
struct Strange {
    texts: Vec<String>,
    is_cut: bool,
}

impl Strange {
    /// TOML has no word for what is not known: a key that is not there.
    fn writable(&mut self, value: &serde_json::Value) -> serde_json::Value {
        use serde_json::Value;
        match value {
            Value::Object(fields) => {
                let known = fields.iter().filter(|(_, value)| !value.is_null());
                Value::Object(known.map(|(key, value)| (self.text(key), self.writable(value))).collect())
            }
            Value::Array(items) => {
                let known = items.iter().filter(|value| !value.is_null());
                Value::Array(known.map(|value| self.writable(value)).collect())
            }
            Value::String(text) => Value::String(self.text(text)),
            other => other.clone(),
        }
    }

    /// A text as it is, its beginning where nobody would read it to its end, or a stand-in.
    fn text(&mut self, text: &str) -> String {
        let is_long = text.chars().count() > format::LONGEST_SENTENCE;
        self.is_cut |= is_long;
        let text: String = if is_long {
            text.chars().take(format::LONGEST_SENTENCE - 1).chain(['…']).collect()
        } else {
            text.to_owned()
        };
        let is_strange = |c: char| c == MARK || format::turns_text(c) || (c.is_control() && c != '\n');
        if !text.contains(is_strange) {
            return text;
        }
        self.texts.push(text);
        format!("{MARK}{}{MARK}", self.texts.len() - 1)
    }

    /// The written text with the strange ones in the places of their stand-ins.
    fn put_back(&self, mut written: String) -> String {
        for (place, text) in self.texts.iter().enumerate() {
            let mut escaped = String::from("\"");
            for c in text.chars() {
                // Writing to a string does not fail.
                let _ = match c {
                    '"' | '\\' => write!(escaped, "\\{c}"),
                    c if c.is_control() || c == MARK || format::turns_text(c) => {
                        write!(escaped, "\\u{:04X}", u32::from(c))
                    }
                    c => write!(escaped, "{c}"),
                };
            }
            escaped.push('"');
            for quote in ['"', '\''] {
                written = written.replace(&format!("{quote}{MARK}{place}{MARK}{quote}"), &escaped);
            }
        }
        written
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_is_told_where_the_build_knew_it() {
        let tool = |record: &Record| table(record).rows[0].cells[1].text.clone();
        let mut record = crate::report::fixture::one_cell();
        assert_eq!(tool(&record), "ttlab 0.1.0, record schema 1");
        record.tool.commit = Some("c1e9a40".into());
        assert_eq!(tool(&record), "ttlab 0.1.0, commit c1e9a40, record schema 1");
    }

    #[test]
    fn cells_without_a_clock_have_a_row_of_their_own() {
        let mut record = crate::report::fixture::one_cell();
        let played = |record: &Record| {
            let row = table(record).rows.into_iter().find(|row| row.cells[0].text == "Played");
            row.map(|row| row.cells[1].text.clone())
        };
        assert_eq!(played(&record), None);
        record.provenance.without_events = vec![record.cells[0].id.clone()];
        assert!(played(&record).unwrap().starts_with("every cell simulated without events"));
    }

    #[test]
    fn a_scenario_is_shown_as_it_would_be_written() {
        let value = serde_json::json!({"seed": 1, "nothing": null, "cache": {"capacity": ["64MiB"]}});
        let text = written_out(&value);
        assert!(text.contains("seed = 1") && text.contains("[cache]") && !text.contains("nothing"), "{text}");
    }

    #[test]
    fn what_turns_text_is_escaped_and_what_nobody_reads_is_cut() {
        let names = [
            "a\u{202E}b",
            "a\"\u{202E}\\b\n",
            "tab\there",
            "\u{F8FF}0\u{F8FF}",
            "c1 \u{85} 'q'",
            "plain \"q\" \\d",
        ];
        let keyed: serde_json::Map<String, serde_json::Value> =
            names.iter().map(|name| ((*name).to_owned(), 1.into())).collect();
        let text =
            written_out(&serde_json::json!({ "name": names, "keys": keyed, "long": "x".repeat(10_000) }));
        assert!(text.contains("\"a\\u202Eb\"") && text.len() < 2_000, "{text}");
        assert!(!text.contains(|c: char| format::turns_text(c) || (c.is_control() && c != '\n')), "{text}");
        let read: toml::Table = toml::from_str(&text).unwrap();
        let told: Vec<&str> =
            read["name"].as_array().unwrap().iter().filter_map(toml::Value::as_str).collect();
        assert_eq!(told, names, "who copies it has what was meant");
        assert!(names.iter().all(|name| read["keys"].as_table().unwrap().contains_key(*name)), "{text}");
        assert!(read["long"].as_str().is_some_and(|long| long.ends_with('…')) && text.starts_with(CUT));
        assert!(!written_out(&serde_json::json!({ "name": "short" })).contains('#'));
    }
}
