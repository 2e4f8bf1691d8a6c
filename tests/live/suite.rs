//! The project's own validation: its live scenarios against a real server, beside what the simulator says of them.

use std::fmt::Write;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::harness::far_outside;
use super::server::Server;

/// The scenarios, and the strategies that are played by themselves: what a busy machine disturbed is repeated alone.
const SUITE: [(&str, &[&str]); 3] = [
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
    ("live-crowded", &["lock", "lease", "stale, sidecar"]),
];

/// Figures with a column of their own, and what their column is called.
const COLUMNS: [(&str, &str); 10] = [
    ("fresh hits", "fresh hits"),
    ("stale hits", "stale hits"),
    ("delayed hits", "delayed hits"),
    ("entries evicted", "evicted"),
    ("entries expired", "expired"),
    ("used_memory at the end", "`used_memory` at the end"),
    ("used_memory, mean", "mean"),
    ("origin fetches", "fetches"),
    ("stampedes", "stampedes"),
    ("wait, 99 of 100 requests", "wait, p99"),
];

/// Plays one strategy of a scenario: the cells of the result, and the exit status.
fn validate(scenario: &str, strategy: &str) -> (Vec<Value>, Option<i32>) {
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
    (cells, output.status.code())
}

/// The draws of one strategy, each with all of its cells.
struct Draws {
    strategy: String,
    first: Vec<Value>,
    /// Where a figure of the first one was outside, though not so far that no chance explains it.
    second: Option<Vec<Value>>,
    /// Whether all is as predicted in the last one.
    as_predicted: bool,
}

/// How often a strategy is played again of which a busy machine lets nothing be said: that is no draw.
const BUSY: usize = 3;

impl Draws {
    fn of(strategy: &str, mut play: impl FnMut() -> (Vec<Value>, Option<i32>)) -> Self {
        let mut draw = || {
            let played = (0..BUSY).map(|_| play()).find(|(_, status)| *status != Some(3));
            played.unwrap_or_else(&mut play)
        };
        let (first, status) = draw();
        let is_far = first.iter().any(|cell| !far_outside(rows(cell)).is_empty());
        let again = first.iter().any(|cell| !outside(cell).is_empty()) && !is_far;
        let second = again.then(&mut draw);
        let last = second.as_ref().map_or(status, |(_, status)| *status);
        let (strategy, as_predicted) = (strategy.to_owned(), last == Some(0));
        Self { strategy, first, second: second.map(|(cells, _)| cells), as_predicted }
    }

    /// Lines of the table: all cells of the first draw, and below one of which a draw was outside that of the second.
    fn lines(&self) -> String {
        let mut lines = String::new();
        for (nth, first) in self.first.iter().enumerate() {
            lines += &line(first, "");
            let second = self.second.as_ref().and_then(|second| second.get(nth));
            if let Some(second) = second.filter(|second| !(outside(first) + &outside(second)).is_empty()) {
                lines += &line(second, ", drawn again");
            }
        }
        lines
    }
}

/// What is to be known of all draws of a scenario, below its table.
fn remark(draws: &[Draws]) -> String {
    let last = |draws: &Draws| draws.second.as_ref().unwrap_or(&draws.first).clone();
    let cells: Vec<Value> = draws.iter().flat_map(last).collect();
    let count = cells.iter().filter(|cell| !outside(cell).is_empty()).count();
    let server = cells.first().and_then(|cell| cell["server"].as_str()).unwrap_or("no server");
    let wrong = if count == 0 { "none".to_owned() } else { count.to_string() };
    let again = |draws: &&Draws| draws.second.is_some();
    let named: Vec<String> =
        draws.iter().filter(again).map(|draws| format!("\"{}\"", draws.strategy)).collect();
    let drawn = if named.is_empty() {
        format!("each of the {} strategies was drawn once", draws.len())
    } else {
        format!(
            "{} of {} strategies were drawn again, as a figure of their first draw was outside: {}",
            named.len(),
            draws.len(),
            named.join(", ")
        )
    };
    format!("\nOn {server}, {wrong} of the {} cells was outside in its last draw; {drawn}.\n", cells.len())
}

fn rows(cell: &Value) -> &[Value] {
    cell["rows"].as_array().expect("there are figures")
}

/// The figures of a cell that are outside their tolerance; empty where none is.
fn outside(cell: &Value) -> String {
    let outside = rows(cell).iter().filter(|row| row["judgement"] == "outside");
    outside.filter_map(|row| row["what"].as_str()).collect::<Vec<_>>().join(", ")
}

/// A figure as measured, and how far the prediction is from it; `~` where only chance explains that, `?` where it is not
/// judged.
fn shown(row: &Value) -> String {
    let Some(measured) = row["measured"].as_f64() else { return "-".to_owned() };
    let (scale, digits, unit) = match row["kind"].as_str() {
        Some("share") => (100.0, 2, " %"),
        Some("millis") => (1.0, 1, " ms"),
        _ => (1.0, 0, ""),
    };
    let mut text = format!("{:.digits$}{unit}", measured * scale);
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
fn line(cell: &Value, which: &str) -> String {
    let find = |what: &str| rows(cell).iter().find(|row| row["what"] == what);
    let figures: Vec<String> =
        COLUMNS.iter().map(|(what, _)| find(what).map_or("-".to_owned(), shown)).collect();
    let outside = Some(outside(cell)).filter(|outside| !outside.is_empty());
    let outside = outside.unwrap_or_else(|| "none".to_owned());
    let bytes = cell["capacity_bytes"].as_u64().map_or("-".to_owned(), |bytes| bytes.to_string());
    let (strategy, policy) = (cell["strategy"].as_str(), cell["eviction"].as_str());
    let (strategy, policy) = (strategy.expect("it has a name"), policy.expect("it has a policy"));
    format!("| {strategy}{which} | {policy} | {bytes} | {} | {outside} |\n", figures.join(" | "))
}

/// What the environment says by this name.
pub(crate) fn told(name: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "whether to write the document is no part of a run")]
    std::env::var(name).ok()
}

/// Writes a table to its place in docs/validation.md, if the environment says so.
pub(crate) fn keep(name: &str, table: &str) {
    if told("VALIDATION").as_deref() != Some("write") {
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
#[ignore = "a quarter of an hour on a quiet machine; VALIDATION=write writes the tables of docs/validation.md, and \
            STRATEGY=\"8 d-ttl\" plays that one alone and writes nothing"]
fn the_validation_suite_is_as_predicted() {
    let Some(_) = Server::start(&[]) else { return };
    let names = COLUMNS.map(|(_, name)| name).join(" | ");
    let head = format!(
        "| strategy | policy | `maxmemory` | {names} | outside |\n|{}\n",
        " --- |".repeat(COLUMNS.len() + 4)
    );
    let mut disagreements = Vec::new();
    let only = told("STRATEGY");
    for (scenario, strategies) in SUITE {
        let mut table = head.clone();
        let mut all = Vec::new();
        for strategy in strategies.iter().filter(|name| only.as_ref().is_none_or(|only| only == *name)) {
            let draws = Draws::of(strategy, || validate(scenario, strategy));
            print!("{}", draws.lines());
            for cell in
                draws.first.iter().chain(draws.second.iter().flatten()).filter(|_| !draws.as_predicted)
            {
                println!("{} {}: {}", cell["strategy"], cell["eviction"], cell["warnings"]);
            }
            table += &draws.lines();
            if !draws.as_predicted {
                disagreements.push(format!("{scenario}, {strategy}"));
            }
            all.push(draws);
        }
        if only.is_none() {
            print!("{}", remark(&all));
            keep(scenario, &(table + &remark(&all)));
        }
    }
    assert!(disagreements.is_empty(), "not as predicted: {}", disagreements.join("; "));
}

/// A cell with one figure of this difference.
fn cell(policy: &str, difference: f64) -> Value {
    let judgement = if difference.abs() > 0.5 { "outside" } else { "inside" };
    serde_json::json!({
        "strategy": "4 s", "eviction": policy, "capacity_bytes": 5_000_000, "server": "Redis 7.0.15",
        "rows": [{
            "what": "fresh hits", "kind": "share", "measured": 0.5, "difference": difference, "chance": 0.1,
            "tolerance": 0.5, "judgement": judgement,
        }],
    })
}

/// What becomes of runs with these differences of two cells and these exit statuses.
fn drawn(runs: &[([f64; 2], i32)]) -> (Draws, usize) {
    let mut left = runs.iter();
    let draws = Draws::of("4 s", || {
        let ([one, other], status) = *left.next().expect("no more runs are asked for");
        (vec![cell("noeviction", one), cell("allkeys-lru", other)], Some(status))
    });
    (draws, left.count())
}

#[test]
fn both_draws_stand_in_the_table_where_the_first_was_outside() {
    let (draws, left) = drawn(&[([0.1, 0.8], 1), ([0.2, -0.3], 0)]);
    assert!(draws.as_predicted && left == 0);
    let lines = draws.lines();
    let begins: Vec<&str> = lines.lines().map(|line| line.split(" | 5000000").next().unwrap_or("")).collect();
    assert_eq!(begins, ["| 4 s | noeviction", "| 4 s | allkeys-lru", "| 4 s, drawn again | allkeys-lru"]);
    assert!(lines.contains("(+0.80 ± 0.10)") && lines.contains("(-0.30 ± 0.10)"), "{lines}");
    assert!(lines.contains("| fresh hits |"), "what was outside is named: {lines}");
    let told = remark(&[draws]);
    assert!(
        told.contains("On Redis 7.0.15, none of the 2 cells was outside in its last draw; 1 of 1 strategies")
            && told.contains("\"4 s\""),
        "{told}"
    );
    // What is outside in the second draw alone is shown as well, and is not as predicted.
    let (draws, _) = drawn(&[([0.1, 0.8], 1), ([0.7, 0.1], 1)]);
    assert!(!draws.as_predicted && draws.lines().lines().count() == 4, "{}", draws.lines());
}

#[test]
fn a_first_draw_that_no_chance_explains_is_not_drawn_again() {
    let (draws, left) = drawn(&[([0.1, 1.2], 1), ([0.0, 0.0], 0)]);
    assert!(!draws.as_predicted && draws.second.is_none() && left == 1);
    // A run of which nothing can be said is no draw.
    let (draws, left) = drawn(&[([0.0; 2], 3), ([0.0; 2], 3), ([0.1; 2], 0)]);
    assert!(draws.as_predicted && draws.second.is_none() && left == 0);
    let (draws, _) = drawn(&[([0.0; 2], 3); 4]);
    assert!(!draws.as_predicted, "four times nothing is no prediction that came true");
    assert!(remark(&[draws]).contains("each of the 1 strategies was drawn once"));
}
