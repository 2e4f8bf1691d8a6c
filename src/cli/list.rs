//! `ttlab list`: what can be written in a scenario, from the catalogs.

use std::fmt::Write;

use super::{CliError, Status, terminal};
use crate::catalog::{Listed, Listing, Param, nearest, one_of};
use crate::scenario::{axes, strategy_axes};

/// List what can be written in a scenario: strategies, policies and models with their parameters
///
/// Without an argument every axis is listed with one line per entry. With the name of an axis or of
/// an entry its reference page is printed: what it does, why one would want it, its parameters with
/// units and legal ranges, and an example.
#[derive(Debug, clap::Args)]
#[command(
    before_help = "Examples:\n  ttlab list\n  ttlab list \"ttl rule\"\n  ttlab list jitter\n  ttlab list --markdown > docs/strategies.md"
)]
pub(super) struct Args {
    /// An axis (such as "ttl rule" or guard) or an entry (such as jitter)
    name: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
    /// Print the reference of all strategies (or of the axis or entry that is named) in Markdown
    #[arg(long, conflicts_with = "json")]
    markdown: bool,
}

pub(super) fn run(args: &Args) -> Result<Status, CliError> {
    let axes = axes();
    let Some(wanted) = &args.name else {
        if args.markdown {
            terminal::result(&(PREFACE.to_owned() + &markdown(&strategy_axes(), |_| true)));
            return Ok(Status::Done);
        }
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
    terminal::result(&if args.json {
        json(&axes, |(axis, entry)| matches(axis, entry))
    } else if args.markdown {
        markdown(&axes, |(axis, entry)| matches(axis, entry))
    } else {
        pages
    });
    Ok(Status::Done)
}

/// What stands above the reference of all strategies.
const PREFACE: &str = "# Strategies\n\n\
    What a `[[strategy]]` can be made of. This page is made from the catalogs by\n\
    `ttlab list --markdown > docs/strategies.md`; a test fails when it is stale. Which of them fit together, and in\n\
    which order modifiers apply, the [guide](guide.md#strategy) tells.\n\n";

/// Reference pages in Markdown, axis by axis.
fn markdown(axes: &[Listing], wanted: impl Fn((&Listing, &Listed)) -> bool) -> String {
    let mut text = String::new();
    for listing in axes {
        let entries: Vec<&Listed> = listing.entries.iter().filter(|entry| wanted((listing, entry))).collect();
        if entries.is_empty() {
            continue;
        }
        let _ = writeln!(text, "## {}\n\nChosen by `{} = \"…\"`.\n", listing.axis, listing.tag);
        for entry in entries {
            let _ = writeln!(text, "### `{}`\n\n{}", entry.name, entry.page().trim_end());
            text.push_str(&parameters(entry.params));
            text.push('\n');
        }
    }
    text.truncate(text.trim_end().len());
    text + "\n"
}

/// The parameters of an entry as a table.
fn parameters(params: &[Param]) -> String {
    if params.is_empty() {
        return String::new();
    }
    let mut text = "\n| parameter | legal | default | meaning |\n| --- | --- | --- | --- |\n".to_owned();
    for param in params {
        let default = match (param.default, param.required) {
            (Some(default), _) => format!("`{default}`"),
            (None, true) => "must be written".to_owned(),
            (None, false) => "none".to_owned(),
        };
        let cells = [param.range(), default, param.about.to_owned()].map(|cell| cell.replace('|', "\\|"));
        let _ = writeln!(text, "| `{}` | {} |", param.name, cells.join(" | "));
    }
    text
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
