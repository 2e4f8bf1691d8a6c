//! One entry of a catalog put to the test: its example inside a small scenario, changed and played.

use std::fmt;
use std::sync::Arc;

use toml::{Table, Value};
use ttlab::cache::Capacity;
use ttlab::catalog::{Kind, Listed, Listing, Param};
use ttlab::random::Seed;
use ttlab::record::{About, Record, synthetic};
use ttlab::scenario::{Mistake, Scenario, ScenarioError, Source};
use ttlab::trace::synth::generate;
use ttlab::trace::{ClassId, Fact, Keys, ObjectId, Objects, Trace, import};
use ttlab::tune::{self, CellPlan, Runs};
use ttlab::units::{SimDuration, SimTime};

/// A site of four kinds of images, small enough to be played many times.
const BASE: &str = r#"
name = "probe"
seed = 7

[workload]
duration = "3m"
rate = "15/s"
class = [
    { name = "thumbnail", objects = 60, share = 0.6 },
    { name = "avatar", objects = 30, share = 0.2 },
    { name = "photo", objects = 20, share = 0.15 },
    { name = "banner", objects = 5, share = 0.05 },
]

[origin]
latency = { model = "constant", value = "200ms" }
changes = { model = "poisson", mean = "1m" }

[client]
nodes = 2

[cache]
capacity = "512KiB"

[[strategy]]
name = "probe"
ttl = { rule = "fixed", ttl = "20s" }
"#;

/// An entry, and a scenario with its example.
pub(crate) struct Probe {
    /// The axis.
    pub(crate) listing: Listing,
    /// The entry.
    pub(crate) entry: Listed,
    /// The example of its page.
    example: Table,
    /// The small scenario with the example in it.
    pub(crate) scenario: Scenario,
}

impl fmt::Display for Probe {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} \"{}\"", self.listing.axis, self.entry.name)
    }
}

impl Probe {
    pub(crate) fn of(listing: &Listing, entry: &Listed) -> Self {
        let place = format!("{} \"{}\"", listing.axis, entry.name);
        let page = entry.page();
        let example = page
            .split_once("```toml\n")
            .and_then(|(_, rest)| rest.split_once("```"))
            .unwrap_or_else(|| panic!("{place}: the page has no example in TOML"));
        let example: Table = example.0.parse().unwrap_or_else(|error| panic!("{place}: {error}"));
        let mut named = example.clone();
        let is_named = visit(&mut named, listing.tag, entry.name, &mut |_, _| ());
        assert!(is_named, "{place}: the example does not name the entry");
        let text = toml::to_string(&put(&example)).expect("a table can be written");
        let scenario =
            Scenario::parse(&text, "probe.toml").unwrap_or_else(|error| panic!("{place}: {error}"));
        Self { listing: listing.clone(), entry: *entry, example, scenario }
    }

    /// The scenario's text with the entry's own table changed; `change` gets the table and its tag.
    pub(crate) fn with(&self, change: impl Fn(&mut Table, &str)) -> String {
        let mut example = self.example.clone();
        visit(&mut example, self.listing.tag, self.entry.name, &mut |table, tag| change(table, tag));
        toml::to_string(&put(&example)).expect("a table can be written")
    }

    pub(crate) fn parse(text: &str) -> Result<Scenario, ScenarioError> {
        Scenario::parse(text, "probe.toml")
    }

    /// The first mistake of a scenario that must be refused.
    pub(crate) fn refused(&self, text: &str) -> Mistake {
        match Self::parse(text) {
            Ok(_) => panic!("{self}: this was taken:\n{text}"),
            Err(error) => error.mistakes.into_iter().next().expect("an error has a mistake"),
        }
    }

    /// The entry's own table in an effective scenario, under the key at which the example has it.
    pub(crate) fn find(&self, effective: &Table) -> Table {
        let (tag, name) = (self.listing.tag, self.entry.name);
        let holds = |value: &Value| visit_value(&mut value.clone(), tag, name, &mut |_, _| ());
        let (key, _) =
            self.example.iter().find(|(_, value)| holds(value)).expect("the example names the entry");
        let mut found = None;
        for mut value in all_at(effective, key) {
            visit_value(&mut value, tag, name, &mut |table, _| {
                found.get_or_insert(table.clone());
            });
        }
        found.unwrap_or_else(|| panic!("{self}: the effective scenario does not show it"))
    }

    /// Plays the scenario's own requests; the record as it would be written.
    pub(crate) fn record(&self, scenario: &Scenario) -> String {
        let trace = match &scenario.source {
            Source::Synthetic(workload) => {
                let trace = generate(workload, Seed::new(scenario.seed));
                let times = vec![SimDuration::from_millis(150); trace.len()];
                trace.with_origin_times(times)
            }
            Source::Recorded(recorded) => {
                let sample = sample(self.entry.name);
                let options = &recorded.options;
                let read = import::import(sample.as_slice(), "sample", options, Seed::new(scenario.seed));
                read.unwrap_or_else(|error| panic!("{self}: {error}")).trace
            }
        };
        assert!(!trace.is_empty(), "{self}: there is nothing to play");
        self.play(scenario, trace)
    }

    /// Plays a trace in a usual cache and in one that holds nothing; the record of both.
    pub(crate) fn play(&self, scenario: &Scenario, trace: Trace) -> String {
        let trace = Arc::new(trace);
        let mut cells = tune::grid(scenario);
        for capacity in [Capacity::Bytes(0), Capacity::Objects(0), Capacity::Unbounded] {
            cells.push(CellPlan { capacity, ..cells[0] });
        }
        let played = tune::run(scenario, &cells, &Runs::Recorded(Arc::clone(&trace)), &())
            .unwrap_or_else(|fault| panic!("{self}: {}", fault.what));
        for cell in &played.cells {
            for run in &cell.replications {
                if let Err(failure) = run {
                    panic!("{self} at {:?} with {} requests: {failure:?}", cell.plan.capacity, trace.len());
                }
            }
        }
        let about =
            About { scenario_sha256: String::new(), command: String::new(), trace: synthetic(&trace) };
        Record::of_run(scenario, &trace, played.cells, about).to_json()
    }
}

/// The small scenario with `example` at its place. A key of an example is a key of one section, or a section.
pub(crate) fn put(example: &Table) -> Table {
    let mut scenario: Table = BASE.parse().expect("the base is a table");
    for (key, value) in example {
        match key.as_str() {
            "ttl" | "refresh" | "guard" | "sweep" => {
                let strategies = scenario["strategy"].as_array_mut().expect("a list");
                set(&mut strategies[0], key, value);
            }
            "latency" | "capacity" | "changes" | "faults" | "fault" => {
                set(&mut scenario["origin"], key, value);
            }
            "eviction" | "reclaim" | "memory" => set(&mut scenario["cache"], key, value),
            "arrivals" | "churn" | "events" => set(&mut scenario["workload"], key, value),
            "popularity" | "size" | "one_hit" | "renditions" => {
                let classes = scenario["workload"]["class"].as_array_mut().expect("a list");
                for class in classes.iter_mut() {
                    set(class, key, value);
                }
            }
            "trace" => {
                scenario.remove("workload");
                scenario.insert(key.clone(), value.clone());
            }
            "origin" | "cache" | "client" | "time" | "workload" => {
                let section = scenario.entry(key.clone()).or_insert_with(|| Table::new().into());
                for (key, value) in value.as_table().expect("a section is a table") {
                    set(section, key, value);
                }
            }
            "strategy" => {
                let strategies = scenario["strategy"].as_array_mut().expect("a list");
                let written = value.get(0).and_then(Value::as_table).expect("an example shows one strategy");
                for (key, value) in written {
                    set(&mut strategies[0], key, value);
                }
            }
            other => panic!("say in tests/catalogs/probe.rs where \"{other}\" stands in a scenario"),
        }
    }
    scenario
}

fn set(section: &mut Value, key: &str, value: &Value) {
    section.as_table_mut().expect("a section is a table").insert(key.to_owned(), value.clone());
}

/// Calls `change` on every table that names the entry; a bare name becomes a table first. Whether there was one.
fn visit(table: &mut Table, tag: &str, name: &str, change: &mut dyn FnMut(&mut Table, &str)) -> bool {
    // `format = "clf"` stands in [trace] itself, which is not the entry's own table.
    let is_section = tag == "format" && table.contains_key("path");
    let is_own = !is_section && table.get(tag).and_then(Value::as_str) == Some(name);
    if is_own {
        change(table, tag);
        return true;
    }
    let mut found = false;
    for (_, value) in table.iter_mut() {
        found |= visit_value(value, tag, name, change);
    }
    found
}

fn visit_value(value: &mut Value, tag: &str, name: &str, change: &mut dyn FnMut(&mut Table, &str)) -> bool {
    match value {
        Value::Table(table) => visit(table, tag, name, change),
        Value::Array(items) => {
            let mut found = false;
            for item in items {
                found |= visit_value(item, tag, name, change);
            }
            found
        }
        Value::String(text) if text == name => {
            let mut table = Table::new();
            table.insert(tag.to_owned(), name.into());
            change(&mut table, tag);
            *value = table.into();
            true
        }
        _ => false,
    }
}

/// The values of `key` wherever it stands in the table.
fn all_at(table: &Table, key: &str) -> Vec<Value> {
    let mut found: Vec<Value> = table.get(key).cloned().into_iter().collect();
    for value in table.values() {
        match value {
            Value::Table(inner) => found.extend(all_at(inner, key)),
            Value::Array(items) => {
                let tables = items.iter().filter_map(Value::as_table);
                found.extend(tables.flat_map(|inner| all_at(inner, key)));
            }
            _ => {}
        }
    }
    found
}

/// The text at the place of a mistake.
pub(crate) fn at(text: &str, mistake: &Mistake, length: usize) -> String {
    let line = text.lines().nth(mistake.line - 1).unwrap_or_default();
    line.chars().skip(mistake.column - 1).take(length).collect()
}

/// A bound, as a scenario would write it.
pub(crate) fn value(param: &Param, bound: &str) -> Value {
    let plain = bound.replace('_', "");
    match param.kind {
        Kind::Integer => plain.parse::<i64>().expect("a bound of a whole number").into(),
        Kind::Number => plain.parse::<f64>().expect("a bound of a number").into(),
        _ => bound.into(),
    }
}

/// A value just beyond a bound: `outwards` is -1 below it and 1 above it.
pub(crate) fn beyond(param: &Param, bound: &str, outwards: f64) -> Value {
    let size = param.magnitude(bound).expect("a bound is a value");
    let step = |least: f64| least.max(size.abs() * 1e-6);
    match param.kind {
        Kind::Integer => match value(param, bound) {
            Value::Integer(whole) => (whole + if outwards < 0.0 { -1 } else { 1 }).into(),
            other => other,
        },
        Kind::Number => (size + outwards * step(1e-9)).into(),
        Kind::Duration => format!("{:.0}ns", (size + outwards * step(1e-9)) * 1e9).into(),
        Kind::Size => format!("{:.0}B", size + outwards * step(1.0)).into(),
        Kind::Rate => format!("{}/s", size + outwards * step(1e-9)).into(),
        _ => unreachable!("only parameters with a size have bounds"),
    }
}

/// Traces at the edge: nothing, one request, one object, many requests at one instant.
pub(crate) fn edge_cases(scenario: &Scenario) -> Vec<Trace> {
    let seconds = |number: u64| SimTime::ZERO + SimDuration::from_secs(number);
    let of = |times: Vec<SimTime>, objects: u32| {
        let span = times.last().map_or(SimDuration::ZERO, |last| last.since(SimTime::ZERO));
        let ids =
            (0..times.len()).map(|index| ObjectId::new(u32::try_from(index).expect("few") % objects.max(1)));
        let fact = Fact { size: 1_000, class: ClassId::new(0), size_is_imputed: false };
        let facts = vec![fact; objects as usize];
        let objects = Objects::new(facts, Keys::Numbered, scenario.classes.clone());
        let origin_times = vec![SimDuration::from_millis(100); times.len()];
        Trace::new(times.clone(), ids.collect(), objects, span).with_origin_times(origin_times)
    };
    vec![
        of(Vec::new(), 0),
        of(vec![SimTime::ZERO], 1),
        of((0..60).map(seconds).collect(), 1),
        of(vec![SimTime::ZERO; 60], 3),
    ]
}

/// A few requests in each format of traces.
fn sample(format: &str) -> Vec<u8> {
    let line = |second: u32, key: &str| {
        format!("h - - [01/Aug/1995:00:00:{second:02} -0400] \"GET {key} HTTP/1.0\" 200 1839")
    };
    let keys = ["/a.gif", "/b.png", "/a.gif", "/c.jpg", "/a.gif"];
    let log = |tail: &str| -> String {
        (0..).zip(keys).map(|(second, key)| line(second, key) + tail + "\n").collect()
    };
    let table = |header: &str, sign: char| {
        let rows = (0..).zip(keys).map(|(second, key)| format!("{second}{sign}{key}{sign}200{sign}1839\n"));
        header.to_owned() + &rows.collect::<String>()
    };
    let each = |row: fn(usize, &str) -> String| -> String {
        keys.iter().enumerate().map(|(second, key)| row(second, key) + "\n").collect()
    };
    let text = match format {
        "clf" => log(""),
        "combined" => log(" \"-\" \"browser\""),
        "nginx" => each(|second, key| {
            format!(
                "10.0.0.1 [2026-03-29T12:00:{second:02}+02:00] \"GET {key} HTTP/2.0\" 200 1839 0.{second}00 0.050"
            )
        }),
        "json-lines" => each(|second, key| {
            format!(
                "{{\"ts\": 1{second}000, \"request\": {{\"path\": \"{key}\"}}, \"bytes\": 1839, \"status\": 200}}"
            )
        }),
        "csv" => table("ts,path,status,bytes\n", ','),
        "tsv" => table("", '\t'),
        "oracle-general" => {
            let mut records = Vec::new();
            for (second, id) in [(0, 1), (1, 2), (2, 1), (3, 3), (4, 1)] {
                ttlab::trace::format::write_record(&mut records, second, id, 1839, None)
                    .expect("a Vec takes everything");
            }
            return records;
        }
        "twitter" => each(|second, key| format!("{second},{key},6,1839,1,get,0")),
        "wikimedia-upload" => each(|second, key| format!("{second}\t{key}\tjpeg\t1839\t0.0{second}1")),
        "redis-monitor" => each(|second, key| format!("{second}.000001 [0 10.0.0.1:5] \"GET\" \"{key}\"")),
        "valkey-trace" => each(|second, key| format!("{second}000000,{second},0,get,{key},r")),
        "webcachesim" => each(|second, key| format!("{second} {} 1839", key.len() + second % 2)),
        "lirs" => each(|second, key| (key.len() + second % 2).to_string()),
        "tencent-photo" => each(|second, key| format!("2016020112000{second} {key} 5 l 1839 0 0 37")),
        "meta-cdn" => each(|second, key| format!("{second},{key},1,1839,1839,90,-1,-1,60,0.1,1,,h,2,3")),
        other => panic!("give a sample of trace format \"{other}\" in tests/catalogs/probe.rs"),
    };
    text.into_bytes()
}
