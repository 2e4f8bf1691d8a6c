//! The project's own validation: its live scenarios against a real server, beside what the simulator says of them.

use std::fmt::Write;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::server::Server;

/// The scenarios, and the strategies that are played by themselves: what a busy machine disturbed is repeated alone.
const SUITE: [(&str, &[&str]); 2] = [
    ("live-policies", &["4 s", "40 s"]),
    (
        "live-steps",
        &[
            "0 setex",
            "1 class-table",
            "2 last-modified",
            "3 activity",
            "4 size-power",
            "5 zset-sweep",
            "6 lock",
            "6 stale",
            "6 stale, pttl",
            "6 stale, sidecar",
            "6 xfetch",
            "7 timer",
            "8 d-ttl",
        ],
    ),
];

/// Figures with a column of their own, and what their column is called.
const COLUMNS: [(&str, &str); 9] = [
    ("fresh hits", "fresh hits"),
    ("stale hits", "stale hits"),
    ("delayed hits", "delayed hits"),
    ("entries evicted", "evicted"),
    ("entries expired", "expired"),
    ("used_memory at the end", "`used_memory` at the end"),
    ("used_memory, mean", "mean"),
    ("origin fetches", "fetches"),
    ("stampedes", "stampedes"),
];

/// Plays one strategy of a scenario; the cells of the result, and whether all is as predicted.
fn validate(scenario: &str, strategy: &str) -> (Vec<Value>, bool) {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("scenarios/{scenario}.toml"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_ttlab"));
    command.current_dir(folder.path()).arg("validate").arg(path);
    command.args(["--spawn", "--quiet", "--out", "out", "--strategy", strategy]);
    let output = command.output().expect("ttlab can be started");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    let text = std::fs::read_to_string(folder.path().join("out/validation.json")).expect(&told);
    let json: Value = serde_json::from_str(&text).expect("it is JSON");
    let cells = json["cells"].as_array().expect("there are cells").clone();
    (cells, output.status.code() == Some(0))
}

/// A figure as measured, and how far the prediction is from it; `~` where only chance explains that, `?` where it is not
/// judged.
fn shown(row: &Value) -> String {
    let Some(measured) = row["measured"].as_f64() else { return "-".to_owned() };
    let (share, digits) = if row["kind"] == "share" { (100.0, 2) } else { (1.0, 0) };
    let unit = if row["kind"] == "share" { " %" } else { "" };
    let mut text = format!("{:.digits$}{unit}", measured * share);
    if let (Some(difference), Some(chance)) = (row["difference"].as_f64(), row["chance"].as_f64())
        && measured > 0.0
    {
        write!(text, " ({difference:+.2} ± {chance:.2})").expect("a String takes any text");
    }
    match row["judgement"].as_str() {
        Some("within-chance") => text += " ~",
        Some("not-judged") => text += " ?",
        _ => {}
    }
    text
}

/// A line of the table; with the figures that are outside their tolerance.
fn line(cell: &Value) -> String {
    let rows = cell["rows"].as_array().expect("there are figures");
    let find = |what: &str| rows.iter().find(|row| row["what"] == what);
    let figures: Vec<String> =
        COLUMNS.iter().map(|(what, _)| find(what).map_or("-".to_owned(), shown)).collect();
    let outside = rows.iter().filter(|row| row["judgement"] == "outside");
    let outside: Vec<&str> = outside.filter_map(|row| row["what"].as_str()).collect();
    let outside = if outside.is_empty() { "none".to_owned() } else { outside.join(", ") };
    let bytes = cell["capacity_bytes"].as_u64().map_or("-".to_owned(), |bytes| bytes.to_string());
    let (strategy, policy) = (cell["strategy"].as_str(), cell["eviction"].as_str());
    let (strategy, policy) = (strategy.expect("it has a name"), policy.expect("it has a policy"));
    format!("| {strategy} | {policy} | {bytes} | {} | {outside} |\n", figures.join(" | "))
}

/// Writes a table to its place in docs/validation.md, if the environment says so.
fn keep(name: &str, table: &str) {
    #[expect(clippy::disallowed_methods, reason = "whether to write the document is no part of a run")]
    let writes = std::env::var("VALIDATION").is_ok_and(|value| value == "write");
    if !writes {
        return;
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/validation.md");
    let mut text = std::fs::read_to_string(&path).expect("docs/validation.md can be read");
    let (begin, end) = (format!("<!-- {name} -->\n"), format!("<!-- end of {name} -->"));
    let from = text.find(&begin).expect("the table has a place") + begin.len();
    let until = from + text[from..].find(&end).expect("the place has an end");
    text.replace_range(from..until, table);
    std::fs::write(&path, text).expect("docs/validation.md can be written");
}

#[test]
#[ignore = "a quarter of an hour on a quiet machine; VALIDATION=write writes the tables of docs/validation.md"]
fn the_validation_suite_is_as_predicted() {
    let Some(_) = Server::start(&[]) else { return };
    let names = COLUMNS.map(|(_, name)| name).join(" | ");
    let head = format!(
        "| strategy | policy | `maxmemory` | {names} | outside |\n|{}\n",
        " --- |".repeat(COLUMNS.len() + 4)
    );
    let mut disagreements = Vec::new();
    for (scenario, strategies) in SUITE {
        let mut table = head.clone();
        for strategy in strategies {
            let (mut cells, mut as_predicted) = validate(scenario, strategy);
            if !as_predicted {
                // One live run is one draw, and the machine may have been busy: what is wrong is wrong twice.
                (cells, as_predicted) = validate(scenario, strategy);
            }
            let lines: String = cells.iter().map(line).collect();
            print!("{lines}");
            for cell in cells.iter().filter(|_| !as_predicted) {
                println!("{} {}: {}", cell["strategy"], cell["eviction"], cell["warnings"]);
            }
            table += &lines;
            if !as_predicted {
                disagreements.push(format!("{scenario}, {strategy}"));
            }
        }
        keep(scenario, &table);
    }
    assert!(disagreements.is_empty(), "not as predicted: {}", disagreements.join("; "));
}
