//! Instructions a request, counted by valgrind: the same on a busy machine as on a quiet one.
//!
//! Every row is this program itself under `valgrind --tool=callgrind`, once over a short trace and once over a long one;
//! the difference leaves out what the start and the making of the trace cost. `cargo bench --bench instructions`; says
//! so where there is no valgrind.

#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

use std::hint::black_box;
use std::process::Command;
use std::sync::Arc;

use ttlab::engine::exact::{Detail, Player};
use ttlab::random::Seed;
use ttlab::scenario::{Scenario, Source};
use ttlab::trace::Trace;
use ttlab::trace::synth::generate;
use ttlab::tune;

/// What is counted: its name, the cache and the strategy; an empty cache is the making of the trace alone.
const ROWS: [(&str, &str, &str); 7] = [
    ("making the trace", "", "ttl = \"none\""),
    (
        "exact play: LRU + TTL",
        "eviction = \"lru\"\nreclaim = \"lazy\"",
        "ttl = { rule = \"fixed\", ttl = \"5s\" }",
    ),
    (
        "exact run: LRU + TTL, all observers",
        "eviction = \"lru\"\nreclaim = \"lazy\"",
        "ttl = { rule = \"fixed\", ttl = \"5s\" }",
    ),
    (
        "engine without latency: LRU + TTL, all observers",
        "eviction = \"lru\"\nreclaim = \"lazy\"",
        "ttl = { rule = \"fixed\", ttl = \"5s\" }",
    ),
    (
        "engine: LRU + TTL, single-flight, all observers",
        "eviction = \"lru\"\nreclaim = \"lazy\"",
        "ttl = { rule = \"fixed\", ttl = \"5s\" }\nguard = \"single-flight\"",
    ),
    (
        "engine: allkeys-lru, active expiry",
        "eviction = \"allkeys-lru\"\nreclaim = \"active\"",
        "ttl = { rule = \"fixed\", ttl = \"5s\" }\nguard = \"single-flight\"",
    ),
    (
        "engine: jitter, xfetch, lock-stale",
        "eviction = \"lru\"\nreclaim = \"lazy\"",
        "ttl = { rule = \"fixed\", ttl = \"5s\", modifiers = [\"jitter\"] }\nrefresh = \"xfetch\"\nguard = \"lock-stale\"",
    ),
];

/// Seconds of the two traces, at 20,000 requests each.
const LENGTHS: [u32; 2] = [10, 20];

fn scenario(row: usize, seconds: u32) -> Scenario {
    let (name, cache, strategy) = ROWS[row];
    let latency = if name.starts_with("engine: ") { "20ms" } else { "0s" };
    let text = format!(
        "name = \"bench\"\n[workload]\nduration = \"{seconds}s\"\nrate = \"20000/s\"\n\
         [[workload.class]]\nname = \"all\"\nobjects = 50_000\npopularity = {{ model = \"zipf\", alpha = 1.0 }}\n\
         [origin]\nlatency = {{ model = \"constant\", value = \"{latency}\" }}\n\
         [cache]\ncapacity = {{ objects = 5_000 }}\n{cache}\nmemory = \"payload\"\n[[strategy]]\nname = \"it\"\n{strategy}\n"
    );
    Scenario::parse(&text, "bench.toml").unwrap_or_else(|error| panic!("{error}"))
}

fn trace(scenario: &Scenario) -> Arc<Trace> {
    let Source::Synthetic(workload) = &scenario.source else { panic!("the scenario is synthetic") };
    Arc::new(generate(workload, Seed::new(1)))
}

/// Plays one row, which is what is counted.
fn play(row: usize, seconds: u32) {
    let scenario = scenario(row, seconds);
    let trace = trace(&scenario);
    let plan = tune::grid(&scenario)[0];
    if row == 0 {
        black_box(&trace);
    } else if ROWS[row].0.starts_with("exact play") {
        let play = tune::exact(&scenario, &plan, &trace, Seed::new(1), Detail::Outcomes);
        let play =
            play.unwrap_or_else(|fault| panic!("{}", fault.what)).unwrap_or_else(|why| panic!("{why}"));
        black_box(Player::default().play(play));
    } else {
        let simulation = tune::simulation(&scenario, &plan, &trace, Seed::new(1));
        let simulation = simulation.unwrap_or_else(|fault| panic!("{}", fault.what));
        let bucket = tune::bucket_for(trace.span());
        let needs_no_clock = ROWS[row].0.starts_with("exact run");
        let seen =
            if needs_no_clock { simulation.run(bucket, &()) } else { simulation.run_by_events(bucket, &()) };
        let seen = seen.expect("nobody stops it");
        assert_eq!(seen.without_events, needs_no_clock);
        black_box(seen);
    }
}

/// Instructions of this program when it plays a row; `None` without valgrind.
fn counted(row: usize, seconds: u32) -> Option<f64> {
    let own = std::env::current_exe().expect("a program knows its own file");
    let out = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(own)
        .args(["--play", &row.to_string(), &seconds.to_string()])
        .output()
        .ok()?;
    let told = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(out.status.success(), "{told}");
    let count = told.lines().find_map(|line| line.split("Collected :").nth(1))?.trim().parse().ok();
    Some(count.unwrap_or_else(|| panic!("valgrind tells no count: {told}")))
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, row, seconds] = &words[..]
        && flag == "--play"
    {
        let number = |text: &str| text.parse::<u32>().expect("a number");
        return play(number(row) as usize, number(seconds));
    }
    if !words.iter().any(|word| word == "--bench") {
        // Without `cargo bench` this is only to show that every row runs.
        return (0..ROWS.len()).for_each(|row| play(row, 1));
    }
    let requests = LENGTHS.map(|seconds| trace(&scenario(0, seconds)).len() as f64);
    let mut making = 0.0;
    for (row, (name, ..)) in ROWS.iter().enumerate() {
        let counts = LENGTHS.map(|seconds| counted(row, seconds));
        let [Some(short), Some(long)] = counts else {
            return println!("skipped: there is no valgrind in the PATH");
        };
        let all = (long - short) / (requests[1] - requests[0]);
        println!("{:8.0} instructions a request: {name}", all - making);
        if row == 0 {
            making = all;
        }
    }
}
