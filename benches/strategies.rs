//! Time per request of every strategy, and of the heaviest composition, beside `fixed` without guard.
//!
//! One trace for all rows: 1 M requests over 100 k objects, Zipf 1.0, Poisson arrivals at 10,000 a second;
//! everything fits, a fetch takes 20 ms on up to 1,000 servers, TTLs are 20 s. The ratio of a row to the
//! first one holds on any machine: rows take turns, round by round, a ratio is taken within its round, and the
//! median is shown, so that what else the machine does meanwhile meets all rows alike. The bench fails if the
//! heaviest composition takes more than three times the first row.
//!
//! ```text
//! cargo bench --bench strategies             all rows
//! cargo bench --bench strategies -- lock     the first row and those whose name has `lock` in it
//! ```

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a bench says what it found")]

mod rounds;

use std::process::ExitCode;
use std::sync::Arc;

use ttlab::random::Seed;
use ttlab::scenario::{Scenario, Source};
use ttlab::trace::synth::generate;
use ttlab::trace::{ObjectId, Trace, Ttls};
use ttlab::units::{SimDuration, SimTime};

/// What the last row may take, in times of the first.
const MOST: f64 = 3.0;
const HEAVIEST: &str = ROWS[ROWS.len() - 1].0;

const FIXED: &str = "ttl = { rule = \"fixed\", ttl = \"20s\" }";

/// Name, TTL, and what else the strategy is made of.
const ROWS: [(&str, &str, &str); 33] = [
    ("fixed, none", FIXED, ""),
    ("rule none", "ttl = \"none\"", ""),
    ("class-table", "ttl = { rule = \"class-table\", table = { all = \"20s\" } }", ""),
    ("sliding", "ttl = { rule = \"sliding\", idle = \"20s\", max_age = \"1m\" }", ""),
    ("size-power", "ttl = { rule = \"size-power\", t0 = \"20s\", min = \"1s\" }", ""),
    ("change-rate, declared", "ttl = { rule = \"change-rate\", changes_every = \"200s\", min = \"1s\" }", ""),
    (
        "change-rate, estimated",
        "ttl = { rule = \"change-rate\", mu = \"estimated\", changes_every = \"200s\", min = \"1s\" }",
        "",
    ),
    ("last-modified-fraction", "ttl = { rule = \"last-modified-fraction\", min = \"1s\" }", ""),
    ("cost-proportional", "ttl = { rule = \"cost-proportional\", k = 1000, min = \"1s\" }", ""),
    ("break-even", "ttl = { rule = \"break-even\", miss_cost = 1e-9, price = 0.01, min = \"1s\" }", ""),
    ("d-ttl", "ttl = { rule = \"d-ttl\", target = 0.8, max_ttl = \"2m\", start = \"20s\" }", ""),
    (
        "f-ttl",
        "ttl = { rule = \"f-ttl\", target = 0.8, max_ttl = \"2m\", start = \"20s\", size_target = { objects = 20_000 } }",
        "",
    ),
    ("elastic", "ttl = { rule = \"elastic\", miss_cost = 1e-9, price = 0.01, start = \"20s\" }", ""),
    ("trace", "ttl = \"trace\"", ""),
    (
        "schedule",
        "ttl = { rule = \"fixed\", ttl = \"20s\", modifiers = [{ modifier = \"schedule\", table = { \"00:00\" = 1, \"12:00\" = 2 }, interpolate = \"linear\" }] }",
        "",
    ),
    (
        "activity, key",
        "ttl = { rule = \"fixed\", ttl = \"20s\", modifiers = [{ modifier = \"activity\", scope = \"key\" }] }",
        "",
    ),
    ("load-adaptive", "ttl = { rule = \"fixed\", ttl = \"20s\", modifiers = [\"load-adaptive\"] }", ""),
    ("clamp", "ttl = { rule = \"fixed\", ttl = \"20s\", modifiers = [\"clamp\"] }", ""),
    ("jitter", "ttl = { rule = \"fixed\", ttl = \"20s\", modifiers = [\"jitter\"] }", ""),
    ("stale-while-revalidate", FIXED, "refresh = { policy = \"stale-while-revalidate\", window = \"20s\" }"),
    ("refresh-ahead", FIXED, "refresh = \"refresh-ahead\""),
    ("xfetch", FIXED, "refresh = \"xfetch\""),
    (
        "timer",
        FIXED,
        "refresh = { policy = \"timer\", period = \"15s\", physical_ttl = \"20s\", workers = 1000 }",
    ),
    ("race-ttl", FIXED, "refresh = \"race-ttl\""),
    (
        "conditional",
        FIXED,
        "refresh = { policy = \"on-demand\", addons = [{ addon = \"conditional\", keep = \"20s\" }] }",
    ),
    ("stale-if-error", FIXED, "refresh = { policy = \"on-demand\", addons = [\"stale-if-error\"] }"),
    ("warm-on-upload", FIXED, "refresh = { policy = \"on-demand\", addons = [\"warm-on-upload\"] }"),
    ("single-flight", FIXED, "guard = \"single-flight\""),
    ("lock", FIXED, "guard = \"lock\""),
    ("lock-stale", FIXED, "guard = \"lock-stale\""),
    ("lease", FIXED, "guard = \"lease\""),
    ("zset-sweep", FIXED, "sweep = { policy = \"zset-sweep\", limit_entries = 80_000, period = \"10s\" }"),
    (
        "jitter, schedule, load-adaptive, xfetch, lock-stale, zset-sweep",
        "ttl = { rule = \"fixed\", ttl = \"20s\", modifiers = [{ modifier = \"schedule\", table = { \"00:00\" = 1, \"12:00\" = 2 }, interpolate = \"linear\" }, \"load-adaptive\", \"jitter\"] }",
        "refresh = \"xfetch\"\nguard = \"lock-stale\"\nsweep = { policy = \"zset-sweep\", limit_entries = 80_000, period = \"10s\" }",
    ),
];

fn scenario(ttl: &str, more: &str) -> Scenario {
    let text = format!(
        "name = \"bench\"\n[workload]\nduration = \"100s\"\nrate = \"10000/s\"\n[[workload.class]]\nname = \"all\"\n\
         objects = 100_000\npopularity = {{ model = \"zipf\", alpha = 1.0 }}\nchanges = {{ model = \"poisson\", mean = \"200s\" }}\n\
         [origin]\nlatency = {{ model = \"constant\", value = \"20ms\" }}\ncapacity = {{ model = \"servers\", servers = 1000 }}\n\
         [[strategy]]\nname = \"row\"\n{ttl}\n{more}\n"
    );
    Scenario::parse(&text, "bench.toml").unwrap_or_else(|error| panic!("{error}"))
}

fn trace() -> Arc<Trace> {
    let scenario = scenario(FIXED, "");
    let Source::Synthetic(workload) = &scenario.source else { panic!("the scenario is synthetic") };
    let trace = generate(workload, Seed::new(1));
    // What rule "trace" is told: the TTL of the first row for every object.
    let ttl = SimDuration::from_secs(20);
    let recorded = (0..trace.objects().len()).map(|index| (ObjectId::from_index(index), SimTime::ZERO, ttl));
    let ttls = Ttls::new(trace.objects().len(), recorded.collect());
    Arc::new(trace.with_ttls(ttls))
}

/// A row's own time, and over the first row's, each the median of all rounds.
fn print(name: &str, times: &[f64], first: &[f64]) -> f64 {
    let ratio = rounds::ratio(times, first);
    println!("{:9.0} {ratio:8.2}   {name}", rounds::median(times.to_vec()));
    ratio
}

fn main() -> ExitCode {
    let (rounds, wanted) = (rounds::rounds(), rounds::wanted());
    let is_wanted = |name: &str| wanted.as_ref().is_none_or(|word| name.contains(word.as_str()));
    let rows: Vec<_> = ROWS.iter().filter(|row| row.0 == ROWS[0].0 || is_wanted(row.0)).collect();
    let scenarios: Vec<_> = rows.iter().map(|(_, ttl, more)| scenario(ttl, more)).collect();
    let trace = trace();
    let times = rounds::times(&scenarios, &trace, rounds);
    println!("{:>9} {:>8}", "ns/req", "ratio");
    let mut heaviest = None;
    for (row, own) in rows.iter().zip(&times) {
        let ratio = print(row.0, own, &times[0]);
        heaviest = (row.0 == HEAVIEST).then_some(ratio).or(heaviest);
    }
    match heaviest {
        Some(ratio) if rounds > 1 && ratio > MOST => {
            eprintln!("the heaviest composition takes {ratio:.2} times the first row, not at most {MOST}");
            ExitCode::FAILURE
        }
        _ => ExitCode::SUCCESS,
    }
}
