//! `ttlab list`: what can be written in a scenario, from the catalogs.

use std::fmt::Write;

use super::{CliError, Status, terminal};
use crate::catalog::{Listed, Listing, nearest, one_of};
use crate::scenario::axes;

/// List what can be written in a scenario: strategies, policies and models with their parameters
///
/// Without an argument every axis is listed with one line per entry. With the name of an axis or of
/// an entry its reference page is printed: what it does, why one would want it, its parameters with
/// units and legal ranges, and an example.
#[derive(Debug, clap::Args)]
#[command(before_help = "Examples:\n  ttlab list\n  ttlab list \"ttl rule\"\n  ttlab list jitter")]
pub(super) struct Args {
    /// An axis (such as "ttl rule" or guard) or an entry (such as jitter)
    name: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

pub(super) fn run(args: &Args) -> Result<Status, CliError> {
    let axes = axes();
    let Some(wanted) = &args.name else {
        terminal::result(&if args.json { json(&axes, |_| true) } else { overview(&axes) });
        return Ok(Status::Done);
    };
    let wanted = wanted.to_lowercase().replace(['-', '_'], " ");
    let matches = |listing: &Listing, entry: &Listed| {
        listing.axis.to_lowercase() == wanted || entry.name.replace('-', " ") == wanted
    };
    let mut pages = String::new();
    for listing in &axes {
        for entry in listing.entries.iter().filter(|entry| matches(listing, entry)) {
            pages.push_str(&page(listing, entry));
        }
    }
    if pages.is_empty() {
        let names: Vec<&str> = axes
            .iter()
            .flat_map(|axis| std::iter::once(axis.axis).chain(axis.entries.iter().map(|e| e.name)))
            .collect();
        let guess = nearest(&wanted, names.iter().copied())
            .map_or_else(String::new, |name| format!("; did you mean \"{name}\"?"));
        let axes = one_of(axes.iter().map(|axis| axis.axis));
        return Err(
            anyhow::anyhow!("no axis and no entry is called \"{wanted}\"{guess} (axes: {axes})").into()
        );
    }
    terminal::result(&if args.json { json(&axes, |(axis, entry)| matches(axis, entry)) } else { pages });
    Ok(Status::Done)
}

fn overview(axes: &[Listing]) -> String {
    let mut text = String::new();
    for (index, listing) in axes.iter().enumerate() {
        let gap = if index > 0 { "\n" } else { "" };
        let _ = writeln!(text, "{gap}{} ({} = \"…\")", listing.axis, listing.tag);
        let width = listing.entries.iter().map(|entry| entry.name.len()).max().unwrap_or(0);
        for entry in &listing.entries {
            let _ = writeln!(text, "  {:width$}  {}", entry.name, entry.summary);
        }
    }
    text
}

fn page(listing: &Listing, entry: &Listed) -> String {
    let mut text = format!("{} ({})\n{}\n\n{}", entry.name, listing.axis, entry.summary, entry.page());
    if !entry.params.is_empty() {
        text.push_str("\nParameters:\n");
    }
    for param in entry.params {
        let range = param.range();
        let range = if range.is_empty() { String::new() } else { format!(" ({range})") };
        let default = match (param.default, param.required) {
            (Some(default), _) => format!(", default {default}"),
            (None, true) => ", must be written".to_owned(),
            (None, false) => ", optional".to_owned(),
        };
        let _ = writeln!(text, "  {}{range}{default}\n      {}", param.name, param.about);
    }
    text.push('\n');
    text
}

fn json(axes: &[Listing], wanted: impl Fn((&Listing, &Listed)) -> bool) -> String {
    let axes: Vec<serde_json::Value> = axes
        .iter()
        .map(|listing| {
            let entries = listing.entries.iter().filter(|entry| wanted((listing, entry)));
            let entries: Vec<serde_json::Value> = entries.map(entry_json).collect();
            serde_json::json!({ "axis": listing.axis, "tag": listing.tag, "entries": entries })
        })
        .filter(|axis| axis["entries"].as_array().is_some_and(|entries| !entries.is_empty()))
        .collect();
    serde_json::to_string_pretty(&axes).expect("a catalog is plain text") + "\n"
}

fn entry_json(entry: &Listed) -> serde_json::Value {
    let params: Vec<serde_json::Value> = entry
        .params
        .iter()
        .map(|param| {
            serde_json::json!({
                "name": param.name, "about": param.about, "range": param.range(),
                "default": param.default, "required": param.required,
            })
        })
        .collect();
    serde_json::json!({
        "name": entry.name, "summary": entry.summary, "oracle": entry.oracle, "params": params, "page": entry.page(),
    })
}
