//! What the model of a Redis server costs: time per request beside exact LRU and beside lazy reclaim.
//!
//! One trace for all rows: 10 M requests over 1 M objects, Zipf 1.0, Poisson arrivals at 20,000 a second; a fetch takes
//! no time, and every row is played with its events. In the first rows the cache holds 10 % of the objects, or as many
//! bytes as Redis takes for about so many; in the others it has no limit and values live for 20 s. Each row stands beside the one that is named behind it. Rows take turns, round
//! by round, a ratio is taken within its round, and the median is shown. The bench fails if `allkeys-lru` takes more than
//! twice what exact `lru` takes, or the active expiry, where it is the default, more than 1.15 times what lazy reclaim
//! takes.
//!
//! ```text
//! cargo bench --bench redis             all rows
//! cargo bench --bench redis -- ttl      those whose name has `ttl` in it
//! ```

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a bench says what it found")]

mod rounds;

use std::process::ExitCode;
use std::sync::Arc;

use ttlab::random::Seed;
use ttlab::scenario::{Scenario, Source};
use ttlab::trace::synth::generate;

/// A row: its cache, the row that it is held against, and how many times as long it may take, if that is laid down.
struct Row {
    name: &'static str,
    cache: &'static str,
    beside: usize,
    most: Option<f64>,
}

const fn row(name: &'static str, cache: &'static str, beside: usize, most: Option<f64>) -> Row {
    Row { name, cache, beside, most }
}

const HELD: &str = "capacity = { objects = 100000 }\nreclaim = \"lazy\"\n";
/// What a server takes with about a tenth of the objects.
const BYTES: &str = "2.2GB";
const ROWS: [Row; 13] = [
    row("10 % held, lru", "eviction = \"lru\"", 0, None),
    row("10 % held, allkeys-lru", "eviction = \"allkeys-lru\"", 0, Some(2.0)),
    row("10 % held, allkeys-lfu", "eviction = \"allkeys-lfu\"", 0, None),
    row("10 % held, allkeys-random", "eviction = \"allkeys-random\"", 0, None),
    row("10 % held, allkeys-lru, 10 samples", "eviction = \"allkeys-lru\"\nmaxmemory-samples = 10", 0, None),
    row("in bytes of redis, lru", "eviction = \"lru\"\nmemory = \"redis\"", 5, None),
    row("in bytes of redis, allkeys-lru", "eviction = \"allkeys-lru\"\nmemory = \"redis\"", 5, None),
    row("ttl, lru, lazy", "reclaim = \"lazy\"", 7, None),
    row("ttl, lru, active", "reclaim = \"active\"", 7, None),
    row("ttl, allkeys-lru, lazy", "eviction = \"allkeys-lru\"\nreclaim = \"lazy\"", 9, None),
    row("ttl, allkeys-lru, active", "eviction = \"allkeys-lru\"\nreclaim = \"active\"", 9, Some(1.15)),
    row(
        "ttl, allkeys-lru, memory of redis, lazy",
        "eviction = \"allkeys-lru\"\nmemory = \"redis\"\nreclaim = \"lazy\"",
        11,
        None,
    ),
    row(
        "ttl, allkeys-lru, memory of redis, active",
        "eviction = \"allkeys-lru\"\nmemory = \"redis\"\nreclaim = \"active\"",
        11,
        Some(1.15),
    ),
];

fn scenario(row: &Row) -> Scenario {
    let (cache, ttl) = if row.name.starts_with("ttl") {
        (row.cache.to_owned(), "{ rule = \"fixed\", ttl = \"20s\" }")
    } else if row.name.starts_with("in bytes") {
        (format!("capacity = \"{BYTES}\"\nreclaim = \"lazy\"\n{}", row.cache), "\"none\"")
    } else {
        (format!("{HELD}{}", row.cache), "\"none\"")
    };
    let text = format!(
        "name = \"bench\"\n[workload]\nduration = \"500s\"\nrate = \"20000/s\"\n[[workload.class]]\nname = \"all\"\n\
         objects = 1000000\npopularity = {{ model = \"zipf\", alpha = 1.0 }}\n\
         [origin]\nlatency = {{ model = \"constant\", value = \"0s\" }}\n[cache]\n{cache}\n\
         [[strategy]]\nname = \"row\"\nttl = {ttl}\n"
    );
    Scenario::parse(&text, "bench.toml").unwrap_or_else(|error| panic!("{error}"))
}

fn main() -> ExitCode {
    let (wanted, rounds) = (rounds::wanted(), rounds::rounds());
    let is_wanted = |at: &usize| wanted.as_ref().is_none_or(|word| ROWS[*at].name.contains(word.as_str()));
    let mut shown: Vec<usize> = (0..ROWS.len()).filter(is_wanted).collect();
    shown.extend(shown.clone().into_iter().map(|at| ROWS[at].beside));
    shown.sort_unstable();
    shown.dedup();
    let scenarios: Vec<Scenario> = shown.iter().map(|at| scenario(&ROWS[*at])).collect();
    let Some(Source::Synthetic(workload)) = scenarios.first().map(|first| &first.source) else {
        eprintln!("no row has that in its name");
        return ExitCode::FAILURE;
    };
    let trace = Arc::new(generate(workload, Seed::new(1)));
    let times = rounds::times(&scenarios, &trace, rounds);
    println!("{:>9} {:>8}", "ns/req", "ratio");
    let mut is_kept = true;
    for (at, own) in shown.iter().zip(&times) {
        let Row { name, beside, most, .. } = ROWS[*at];
        let other = shown.iter().position(|at| *at == beside).expect("it is played too");
        let ratio = rounds::ratio(own, &times[other]);
        println!("{:9.0} {ratio:8.2}   {name}", rounds::median(own.clone()));
        if let Some(most) = most.filter(|most| rounds > 1 && ratio > *most) {
            eprintln!("{name} takes {ratio:.2} times what {} takes, not at most {most}", ROWS[beside].name);
            is_kept = false;
        }
    }
    if is_kept { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
