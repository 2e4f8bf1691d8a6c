//! The commands that plan: how much memory is enough, and what a cluster makes of it; through the binary.

use std::path::Path;
use std::process::{Command, Output};

const SCENARIO: &str = r#"
name = "plan"
repeat = 2
[workload]
duration = "10m"
rate = "50/s"
class = [{ name = "thumbnail", objects = 500, popularity = { model = "zipf", alpha = 0.9 } }]
[origin]
latency = { model = "constant", value = "100ms" }
[cache]
capacity = "1MiB"
[[strategy]]
name = "short"
baseline = true
ttl = { rule = "fixed", ttl = "10s" }
[[strategy]]
name = "long"
ttl = { rule = "fixed", ttl = "1h" }
[cost]
currency = "EUR"
per_gib_hour = 0.02
per_million_fetches = 100
"#;

fn folder(scenario: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    std::fs::write(folder.path().join("s.toml"), scenario).expect("a file can be written");
    folder
}

fn ttlab(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ttlab"));
    command.current_dir(folder).env("COLUMNS", "120").args(arguments).output().expect("ttlab can be started")
}

fn json(output: &Output) -> serde_json::Value {
    let message = String::from_utf8_lossy(&output.stderr);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {message}"))
}

#[test]
fn the_limit_that_is_enough_passes_as_a_gate_and_the_next_smaller_does_not() {
    let folder = folder(SCENARIO);
    let sized =
        ttlab(folder.path(), &["size", "s.toml", "--target", "hit >= 0.8", "--step", "16KiB", "--json"]);
    let answer = json(&sized);
    assert_eq!((sized.status.code(), answer["best"].as_str()), (Some(0), Some("long")));
    let of = |name: &str| {
        let all = answer["strategies"].as_array().expect("a list");
        all.iter().find(|one| one["strategy"] == name).expect("it is told").clone()
    };
    // Ten seconds are too short for the tail, with any memory.
    assert_eq!(
        (of("short")["met"].as_bool(), &of("short")["missed"]),
        (Some(false), &serde_json::json!(["hit"]))
    );
    let long = of("long");
    let bytes = long["maxmemory_bytes"].as_u64().expect("it is met");
    assert!(
        long["low_bytes"].as_u64() <= Some(bytes) && Some(bytes) <= long["high_bytes"].as_u64(),
        "{long}"
    );
    assert!(long["at"]["monthly_cost"]["mean"].as_f64() > Some(0.0), "{long}");
    for (bytes, status) in [(bytes, Some(0)), (bytes - 16 * 1_024, Some(1))] {
        let run = SCENARIO
            .replace("\"1MiB\"", &format!("\"{bytes}B\""))
            .replace("name = \"short\"", "name = \"shorter\"");
        let only = run.split("[[strategy]]").enumerate().filter(|(place, _)| *place != 1);
        let only: Vec<&str> = only.map(|(_, part)| part).collect();
        let gated = only.join("[[strategy]]\nbaseline = true") + "\n[gates]\nhit_min = 0.8\n";
        std::fs::write(folder.path().join("g.toml"), gated).expect("a file can be written");
        let output = ttlab(folder.path(), &["run", "g.toml", "--quiet"]);
        assert_eq!(output.status.code(), status, "{bytes}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

/// A limit that counts images alone is no maxmemory, which whoever sizes a server must hear.
#[test]
fn a_limit_that_leaves_redis_out_says_so() {
    let (folder, words) = (folder(SCENARIO), ["size", "s.toml", "--target", "hit >= 0.7"]);
    let remark = "Redis adds those of keys and of its allocator";
    let text = ttlab(folder.path(), &words);
    let said: Vec<String> =
        String::from_utf8_lossy(&text.stdout).split_whitespace().map(str::to_owned).collect();
    assert!(said.join(" ").contains(remark), "{said:?}");
    let told = |folder: &Path| json(&ttlab(folder, &[&words[..], &["--json"]].concat()))["remark"].clone();
    assert!(told(folder.path()).as_str().is_some_and(|told| told.contains(remark)));
    let counted =
        SCENARIO.replace("[cache]\n", "[cache]\nmemory = \"redis\"\n").replace("\"1MiB\"", "\"4MiB\"");
    std::fs::write(folder.path().join("s.toml"), counted).expect("a file can be written");
    assert_eq!(told(folder.path()), serde_json::Value::Null);
}

#[test]
fn answers_do_not_depend_on_the_number_of_threads() {
    let folder = folder(SCENARIO);
    for arguments in [
        &["size", "s.toml", "--target", "hit >= 0.7", "--json"][..],
        &["cluster", "s.toml", "--shards", "3", "--json"],
    ] {
        let [one, two] =
            ["1", "2"].map(|threads| ttlab(folder.path(), &[arguments, &["--threads", threads]].concat()));
        assert!(one.status.success() && one.stdout == two.stdout, "{arguments:?}");
    }
}

#[test]
fn a_cluster_of_one_is_one_server() {
    let folder = folder(SCENARIO);
    let one = json(&ttlab(folder.path(), &["cluster", "s.toml", "--shards", "1", "--json"]));
    let text = SCENARIO.replace("repeat = 2\n", "");
    std::fs::write(folder.path().join("r.toml"), text).expect("a file can be written");
    let run = json(&ttlab(folder.path(), &["run", "r.toml", "--json"]));
    for cell in 0..2 {
        let hit = |value: &serde_json::Value| value.as_f64().expect("there are requests");
        let (whole, shard) =
            (hit(&run["cells"][cell]["ratios"]["hit"]["mean"]), hit(&one["cells"][cell]["hit"]));
        assert!((whole - shard).abs() < 1e-12, "{whole} and {shard}");
    }
    // Six shards: the busiest is busier than the mean one, and its loss is felt.
    let six = json(&ttlab(folder.path(), &["cluster", "s.toml", "--shards", "6", "--json"]));
    let cell = &six["cells"][1];
    assert!(cell["load_imbalance"].as_f64() > Some(1.05), "{cell}");
    assert!(cell["origin_rate_without_hottest"].as_f64() > cell["origin_rate"].as_f64(), "{cell}");
}

#[test]
fn a_page_tells_what_cells_cost_and_names_the_cheapest() {
    let folder = folder(SCENARIO);
    let output = ttlab(folder.path(), &["run", "s.toml"]);
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(told.contains("Cheapest: long at") && told.contains("EUR a month"), "{told}");
    let read = |name: &str| {
        std::fs::read_to_string(folder.path().join("reports/plan").join(name)).expect("it is there")
    };
    assert!(read("index.html").contains("Cost of a month in EUR"));
    assert!(read("summary.md").contains("Cheapest: long at"));
    assert!(read("cells.csv").lines().next().is_some_and(|heads| heads.contains("cost_monthly_low")));
    let record: serde_json::Value = serde_json::from_str(&read("record.json")).expect("it is JSON");
    for cell in record["cells"].as_array().expect("a list") {
        let amount = |pointer: &str| {
            cell["cost"].pointer(pointer).and_then(serde_json::Value::as_f64).expect("an amount")
        };
        let sum = amount("/memory") + amount("/origin") + amount("/served");
        assert!((sum - amount("/total/mean")).abs() < 1e-9 * sum, "{cell}");
        // 1 MiB with a quarter kept free, for 730 hours at 0.02 a GiB-hour.
        assert!((amount("/memory") - 0.02 * 730.0 / 1_024.0 / 0.75).abs() < 1e-12);
    }
}

/// The images double within four months, so a limit that is enough today no longer is then; what is said to be needed passes
/// as what `size` finds, and a page and a ticket tell the same.
#[test]
fn growth_names_the_month_in_which_memory_runs_out_and_what_is_needed_then() {
    let scenario = SCENARIO.replace("\"1MiB\"", "\"5MiB\"");
    let folder = folder(&scenario);
    let grow = ["growth", "s.toml", "--catalogue", "0.2", "--months", "4", "--step", "64KiB"];
    let with = |more: &[&str]| ttlab(folder.path(), &[&grow[..], more].concat());
    let wanted = ["--target", "hit >= 0.8"];
    // At 5 MiB and with an hour, 500 images are hit more often than that, and 1037 are not.
    let output = with(&[&wanted[..], &["--json"]].concat());
    let answer = json(&output);
    let cell = |name: &str| {
        let all = answer["cells"].as_array().expect("a list");
        all.iter().find(|one| one["strategy"] == name).expect("it is told").clone()
    };
    let long = cell("long");
    assert_eq!(cell("short")["fails_in_month"].as_u64(), Some(0), "ten seconds are too short today already");
    let fails = long["fails_in_month"].as_u64();
    if let Some(month) = fails {
        let needed = &long["needed"][0];
        assert_eq!(needed["month"].as_u64(), Some(month), "{long}");
        let grown = scenario.replace(
            "rate = \"50/s\"",
            &format!(
                "rate = \"50/s\"\ngrow = {{ catalogue = {:?} }}",
                1.2_f64.powi(month.try_into().unwrap_or(0))
            ),
        );
        std::fs::write(folder.path().join("then.toml"), grown).expect("a file can be written");
        let then = ttlab(
            folder.path(),
            &["size", "then.toml", "--target", "hit >= 0.8", "--step", "64KiB", "--json"],
        );
        let then = json(&then);
        assert_eq!(then["strategies"][1]["maxmemory_bytes"], needed["maxmemory_bytes"], "{then}");
        assert!(needed["monthly_cost"]["mean"].as_f64() > Some(0.0), "{needed}");
    }
    assert!(fails.is_some_and(|month| month > 0), "{long}");
    assert_eq!(output.status.code(), Some(1), "today's memory is not enough to the end");
    let page = folder.path().join("growth.html");
    assert_eq!(
        with(&[&wanted[..], &["--format", "html", "--out", "growth.html"]].concat()).status.code(),
        Some(1)
    );
    let page = std::fs::read_to_string(page).expect("it was written");
    assert!(
        page.contains("hit &#62;= 0.8") || page.contains("hit &gt;= 0.8"),
        "the target stands on the page"
    );
    assert!(page.contains("id=\"growth-figure\"") && page.contains("id=\"needs-table\""));
    let told = with(&wanted);
    let told = String::from_utf8_lossy(&told.stdout);
    let month = fails.unwrap_or_default();
    assert!(told.contains(&format!("hit >= 0.8 fails in month {month}")), "{told}");
    // What holds is told so, with a status of its own.
    let holds = with(&["--target", "hit >= 0.05"]);
    assert_eq!(holds.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&holds.stdout).contains("meets every target for 4 months"), "{holds:?}");
}

#[test]
fn wrong_questions_are_told_what_to_ask() {
    let folder = folder(SCENARIO);
    std::fs::write(
        folder.path().join("limit.toml"),
        SCENARIO.to_owned() + "[[cache.event]]\nmaxmemory = { at = \"5m\", capacity = \"2MiB\" }\n",
    )
    .expect("a file can be written");
    std::fs::write(
        folder.path().join("log.toml"),
        "name = \"log\"\n[trace]\npath = \"access.log\"\n[[strategy]]\nname = \"s\"\nttl = \"none\"\n",
    )
    .expect("a file can be written");
    let bound = SCENARIO.replace("[cache]", "[cache]\neviction = \"belady\"");
    std::fs::write(folder.path().join("bound.toml"), bound).expect("a file can be written");
    for (arguments, parts) in [
        (&["size", "bound.toml", "--target", "hit >= 0.9"][..], &["bound.toml", "allkeys-lru"][..]),
        (
            &["size", "s.toml", "--target", "hti >= 0.9"][..],
            &["--target", "\"hti >= 0.9\"", "did you mean \"hit\"?"][..],
        ),
        (&["size", "s.toml", "--target", "hit >= 0.9, hit <= 0.8"], &["contradict each other"]),
        (&["size", "s.toml", "--target", ""], &["no target is named"]),
        (&["size", "s.toml", "--target", "hit >= 0.9", "--step", "0B"], &["--step 0B leads nowhere"]),
        (&["size", "s.toml", "--target", "hit >= 0.9", "--step", "12"], &["the unit is missing"]),
        (
            &["size", "limit.toml", "--target", "hit >= 0.9"],
            &["changes maxmemory", "limit.toml:", "leave the event out"],
        ),
        (&["size", "nowhere.toml", "--target", "hit >= 0.9"], &["nowhere.toml cannot be read"]),
        (&["growth", "s.toml", "--target", "hit >= 0.8"], &["nothing grows", "--traffic 0.08", "s.toml"]),
        (
            &["growth", "s.toml", "--traffic", "0.1"],
            &["says nothing that must hold", "--target 'hit >= 0.9'"],
        ),
        (
            &["growth", "s.toml", "--traffic", "-1", "--target", "hit >= 0.8"],
            &["--traffic must lie between -0.9 and 9"],
        ),
        (
            &["growth", "s.toml", "--traffic", "5", "--months", "9", "--target", "hit >= 0.8"],
            &["s.toml, after 9 months", "look fewer months ahead"],
        ),
        (
            &["growth", "log.toml", "--traffic", "0.1", "--target", "hit >= 0.8"],
            &["a recording cannot be grown", "ttlab trace fit"],
        ),
        (
            &["growth", "limit.toml", "--traffic", "0.1", "--target", "hit >= 0.8"],
            &["changes maxmemory", "leave the event out"],
        ),
        (&["cluster", "s.toml", "--shards", "0"], &["--shards", "1..=1000"]),
        (&["cluster", "s.toml"], &["--shards"]),
    ] {
        let output = ttlab(folder.path(), arguments);
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {message}");
        for part in parts {
            assert!(message.contains(part), "{arguments:?}: no {part:?} in:\n{message}");
        }
    }
    // A target that nothing meets is an answer, with a status of its own.
    let unmet = ttlab(folder.path(), &["size", "s.toml", "--target", "hit >= 0.999"]);
    let told = String::from_utf8_lossy(&unmet.stdout);
    assert_eq!(unmet.status.code(), Some(1));
    assert!(told.contains("No strategy meets every target") && told.contains("comes nearest"), "{told}");
    let needless = ttlab(folder.path(), &["size", "s.toml", "--target", "error <= 0.5"]);
    assert!(String::from_utf8_lossy(&needless.stdout).contains("No cache is needed"), "{needless:?}");
}
