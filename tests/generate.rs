//! `ttlab trace generate` writes what a run would play, the same bytes each time; `trace fit` prints a scenario.

use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

use ttlab::metrics::Measurements;
use ttlab::random::Seed;
use ttlab::scenario::{Scenario, Source};
use ttlab::trace::import::{Options, open};
use ttlab::trace::shape::spread::Spread;
use ttlab::trace::synth::generate;
use ttlab::trace::{Happening, Trace};
use ttlab::tune::{self, Runs, replication_seed};

const SCENARIO: &str = r#"
name = "made"
seed = 5
[workload]
duration = "2m"
rate = "200/s"
arrivals = "diurnal"
pages = { images = 3 }
events = [{ event = "purge", at = "1m", class = "b" }, { event = "crawler", at = "30s", rate = "10/s" }]
[[workload.class]]
name = "a"
objects = 300
one_hit = 0.1
[[workload.class]]
name = "b"
objects = 100
churn = { new_per_day = 100 }
renditions = [{ share = 0.5, scale = 0.25 }, { share = 0.5 }]
[[strategy]]
name = "s"
ttl = "none"
"#;

fn ttlab(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ttlab"))
        .current_dir(folder)
        .args(arguments)
        .output()
        .expect("ttlab can be started")
}

fn made(folder: &Path, out: &str) -> Vec<u8> {
    let output = ttlab(folder, &["trace", "generate", "s.toml", "-o", out]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    std::fs::read(folder.join(out)).expect("the file is there")
}

fn expected() -> Trace {
    let scenario = Scenario::parse(SCENARIO, "s.toml").expect("it is sound");
    let Source::Synthetic(workload) = &scenario.source else { panic!("it is synthetic") };
    generate(workload, replication_seed(5, 0))
}

/// Microseconds, key and size of each request.
fn rows(trace: &Trace) -> Vec<(u64, String, u32)> {
    let first = trace.times().first().map_or(0, |at| at.as_nanos() / 1_000);
    let objects = trace.objects();
    let row = |request: ttlab::trace::Request| {
        let at = request.at.as_nanos() / 1_000 - first;
        (at, objects.key(request.object), objects.size(request.object))
    };
    trace.requests().map(row).collect()
}

#[test]
fn the_file_holds_what_the_first_replication_plays() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    std::fs::write(folder.path().join("s.toml"), SCENARIO).expect("it can be written");
    let bytes = made(folder.path(), "out.csv");
    assert_eq!(bytes, made(folder.path(), "again.csv"), "the same bytes each time");
    let expected = expected();
    let options = Options { spread: Spread::None, ..Options::default() };
    let read = open(&folder.path().join("out.csv"), &options, Seed::new(1)).expect("it can be read").trace;
    assert_eq!(rows(&read), rows(&expected));
    assert_eq!(read.objects().classes().iter().filter(|class| *class == "a" || *class == "b").count(), 2);
    let deleted = |trace: &Trace| {
        let events = trace.events().iter().filter(|event| event.what == Happening::Deleted);
        let mut keys: Vec<(String, usize)> =
            events.map(|event| (trace.objects().key(event.object), event.before)).collect();
        keys.sort();
        keys
    };
    assert_eq!(deleted(&read), deleted(&expected));
    assert!(deleted(&expected).len() > 100);
}

#[test]
fn what_changes_at_the_origin_is_a_record_of_a_write() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let cache = "[cache]\n[[strategy]]\nname = \"s\"\nttl = { rule = \"fixed\", ttl = \"20s\" }\n";
    let origin = "[origin]\nlatency = { model = \"constant\", value = \"0s\" }\nchanges = ";
    let workload = SCENARIO.split("[[strategy]]").next().expect("it has strategies");
    let text = format!("{workload}{origin}{{ model = \"poisson\", mean = \"30s\" }}\n{cache}");
    std::fs::write(folder.path().join("s.toml"), &text).expect("it can be written");
    made(folder.path(), "out.csv");
    let run = |text: &str, trace: Trace| {
        let scenario = Scenario::parse(text, "s.toml").unwrap_or_else(|error| panic!("{error}"));
        let runs = Runs::Recorded(Arc::new(trace));
        let played = tune::run(&scenario, &tune::grid(&scenario), &runs, &()).expect("it can be played");
        let cell = played.cells.into_iter().next().expect("there is a cell");
        cell.replications.into_iter().next().expect("it is played once").expect("nobody stops it")
    };
    // The chance of the origin is that of the scenario's seed there, and of its first replication here.
    let scenario = Scenario::parse(&text, "s.toml").expect("it is sound");
    let synthetic =
        tune::simulation(&scenario, &tune::grid(&scenario)[0], &Arc::new(expected()), replication_seed(5, 0))
            .expect("it can be made")
            .run(tune::bucket_for(expected().span()), &())
            .expect("nobody stops it");
    let replayed = format!(
        "name = \"replayed\"\n[trace]\nset = \"change\"\nspread = false\n{origin}{{ model = \"trace\" }}\n{cache}"
    );
    let read = Scenario::parse(&replayed, "r.toml").unwrap_or_else(|error| panic!("{error}"));
    let Source::Recorded(recorded) = &read.source else { panic!("it is recorded") };
    let trace =
        open(&folder.path().join("out.csv"), &recorded.options, Seed::new(1)).expect("it can be read").trace;
    assert!(trace.events().iter().filter(|event| event.what == Happening::Changed).count() > 500);
    let replayed = run(&replayed, trace);
    assert_eq!(replayed.totals.outcomes, synthetic.totals.outcomes);
    let current = |run: &Measurements| run.freshness.map(|fresh| (fresh.current, fresh.responses));
    assert!(current(&synthetic).is_some_and(|(current, all)| current > 0 && current < all));
    assert_eq!(current(&replayed), current(&synthetic));
}

/// Where a change redraws sizes, everybody sees the size of the version that is served: a cache that never holds
/// anything, the file, and the naive sum over the requests.
#[test]
fn sizes_that_change_are_those_of_the_version_that_is_current() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let origin = "[origin]\nlatency = { model = \"constant\", value = \"0s\" }\n\
                  changes = { model = \"periodic\", every = \"20s\" }\n";
    let workload = SCENARIO.split("[[strategy]]").next().expect("it has strategies");
    let workload = workload.replace("objects = 300\n", "objects = 300\nresize = true\n");
    let scenario = |cache: &str, ttl: &str| {
        let text = format!("{workload}{origin}{cache}[[strategy]]\nname = \"s\"\nttl = {ttl}\n");
        (Scenario::parse(&text, "s.toml").unwrap_or_else(|error| panic!("{error}")), text)
    };
    let run = |cache: &str, ttl: &str| {
        let (scenario, _) = scenario(cache, ttl);
        let Source::Synthetic(workload) = &scenario.source else { panic!("it is synthetic") };
        let trace = Arc::new(generate(workload, replication_seed(5, 0)));
        let simulation =
            tune::simulation(&scenario, &tune::grid(&scenario)[0], &trace, replication_seed(5, 0));
        let bucket = tune::bucket_for(trace.span());
        // The books of the cache are checked at the end of each run, where tests are built with assertions.
        simulation.expect("it can be made").run(bucket, &()).expect("nobody stops it")
    };
    // Every request is a miss.
    let short = "{ rule = \"fixed\", ttl = \"1ms\" }";
    let (read, text) = scenario("[cache]\n", short);
    let Source::Synthetic(made_of) = &read.source else { panic!("it is synthetic") };
    let trace = Arc::new(generate(made_of, replication_seed(5, 0)));
    let mut changes = tune::changes(&read, &trace, replication_seed(5, 0)).expect("they can be made");
    let mut current = |request: ttlab::trace::Request| {
        trace.objects().size_of(request.object, changes.version(request.object, request.at).0)
    };
    let sizes: Vec<u32> = trace.requests().map(&mut current).collect();
    let first: Vec<u32> = trace.requests().map(|request| trace.objects().size(request.object)).collect();
    assert_ne!(sizes, first);
    let sum = |sizes: &[u32]| sizes.iter().map(|size| u64::from(*size)).sum::<u64>();
    let asked = run("[cache]\n", short);
    assert_eq!(asked.totals.requested_bytes, sum(&sizes));
    std::fs::write(folder.path().join("s.toml"), text).expect("it can be written");
    let table = String::from_utf8(made(folder.path(), "out.csv")).expect("it is text");
    let rows = table.lines().skip(1).map(|line| line.split(',').collect::<Vec<_>>());
    let written: Vec<u32> =
        rows.filter(|row| row[1] == "get").map(|row| row[3].parse().expect("a size")).collect();
    assert_eq!(written, sizes);
    // A hit brings the version that is held: with a long TTL most are the first.
    let forever = run("[cache]\n", "\"none\"");
    assert!(forever.totals.hit_bytes > 0 && forever.totals.requested_bytes != sum(&sizes));
    for eviction in
        ["lru", "fifo", "lfu", "sieve", "s3-fifo", "w-tinylfu", "gdsf", "arc", "s4lru", "allkeys-lru"]
    {
        for memory in ["payload", "redis"] {
            let cache =
                format!("[cache]\ncapacity = \"3MB\"\neviction = \"{eviction}\"\nmemory = \"{memory}\"\n");
            let bounded = run(&cache, "{ rule = \"fixed\", ttl = \"10s\" }");
            assert!(bounded.evicted > 0 && bounded.totals.outcomes.hits() > 0, "{eviction} over {memory}");
        }
    }
}

/// What robots and people get is what a set of keys that were asked for before says.
#[test]
fn a_crawler_is_told_apart_from_people() {
    let text = "name = \"c\"\n[workload]\nduration = \"2m\"\nrate = \"200/s\"\n\
                events = [{ event = \"crawler\", at = \"20s\", rate = \"50/s\" }]\n\
                [[workload.class]]\nname = \"a\"\nobjects = 4_000\n\
                [origin]\nlatency = { model = \"constant\", value = \"0s\" }\n\
                [time]\nwarmup = \"30s\"\n[[strategy]]\nname = \"s\"\nttl = \"none\"\n";
    let scenario = Scenario::parse(text, "c.toml").unwrap_or_else(|error| panic!("{error}"));
    let Source::Synthetic(workload) = &scenario.source else { panic!("it is synthetic") };
    let trace = Arc::new(generate(workload, replication_seed(5, 0)));
    let cell = &tune::grid(&scenario)[0];
    let simulation =
        tune::simulation(&scenario, cell, &trace, replication_seed(5, 0)).expect("it can be made");
    let measured = simulation.run(tune::bucket_for(trace.span()), &()).expect("nobody stops it");
    let marked = trace.robots().expect("there is a robot");
    assert_eq!(marked.len(), 4_000);
    let mut seen = vec![false; trace.objects().len()];
    // Requests, hits, bytes asked for and bytes of hits of people and of robots.
    let mut expected = [[0_u64; 4]; 2];
    for (place, request) in trace.requests().enumerate() {
        let is_hit = std::mem::replace(&mut seen[request.object.index()], true);
        let bytes = u64::from(trace.objects().size(request.object));
        if request.at.as_secs_f64() >= 30.0 {
            let of = &mut expected[usize::from(marked.contains(place))];
            let hit = u64::from(is_hit);
            [of[0], of[1], of[2], of[3]] = [of[0] + 1, of[1] + hit, of[2] + bytes, of[3] + hit * bytes];
        }
    }
    let robots = measured.robots.expect("they are told apart");
    let told = [robots.rest_of(&measured.totals), robots]
        .map(|of| [of.outcomes.total(), of.outcomes.hits(), of.requested_bytes, of.hit_bytes]);
    assert_eq!(told, expected);
    assert!(expected[1][0] == 3_500 && expected[1][1] > 0 && expected[1][1] < 3_500);
}

#[test]
fn packed_and_binary_files_hold_the_same_requests() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    std::fs::write(folder.path().join("s.toml"), SCENARIO).expect("it can be written");
    made(folder.path(), "out.tsv.zst");
    made(folder.path(), "out.oracleGeneral");
    let options = Options { spread: Spread::None, ..Options::default() };
    let read =
        |name: &str| open(&folder.path().join(name), &options, Seed::new(1)).expect("it can be read").trace;
    let expected = rows(&expected());
    assert_eq!(rows(&read("out.tsv.zst")), expected);
    let binary: Vec<(String, u32)> =
        rows(&read("out.oracleGeneral")).into_iter().map(|(_, key, size)| (key, size)).collect();
    let numbers: Vec<(String, u32)> = expected
        .into_iter()
        .map(|(_, key, size)| (key.rsplit('/').next().unwrap_or_default().to_owned(), size))
        .collect();
    assert_eq!(binary, numbers);
}

#[test]
fn what_cannot_be_made_is_refused_with_a_remedy_and_writes_nothing() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let path = folder.path();
    std::fs::write(path.join("s.toml"), SCENARIO).expect("it can be written");
    std::fs::write(
        path.join("log.toml"),
        "name = \"l\"\n[trace]\n[[strategy]]\nname = \"s\"\nttl = \"none\"\n",
    )
    .expect("it can be written");
    std::fs::write(path.join("bad.toml"), SCENARIO.replace("images = 3", "images = 0"))
        .expect("it can be written");
    for (arguments, parts) in [
        (
            vec!["trace", "generate", "log.toml", "-o", "x.csv"],
            vec!["log.toml plays a recorded [trace]", "ttlab trace"],
        ),
        (
            vec!["trace", "generate", "s.toml", "-o", "x.csv", "--to", "parquet"],
            vec!["--to parquet", "oracle-general"],
        ),
        (vec!["trace", "generate", "s.toml", "-o", "s.toml"], vec!["s.toml is the scenario itself"]),
        (
            vec!["trace", "generate", "bad.toml", "-o", "x.csv"],
            vec!["bad.toml:8:", "images must lie between 1 and 10000, but is 0"],
        ),
        (vec!["trace", "generate", "s.toml", "-o", "no/where.csv"], vec!["no/where.csv cannot be written"]),
        (vec!["trace", "fit", "nowhere.log"], vec!["nowhere.log"]),
        (
            vec!["trace", "fit", "s.toml", "--name", "../x"],
            vec!["--name \"../x\" cannot be a scenario's name"],
        ),
    ] {
        let output = ttlab(path, &arguments);
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {message}");
        for part in parts {
            assert!(message.contains(part), "{arguments:?}: no {part:?} in {message}");
        }
        assert!(!path.join("x.csv").exists(), "{arguments:?}");
    }
}

#[test]
fn a_fit_of_what_was_made_is_a_scenario_that_runs() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    std::fs::write(folder.path().join("s.toml"), SCENARIO).expect("it can be written");
    made(folder.path(), "out.csv");
    let output = ttlab(folder.path(), &["trace", "fit", "out.csv", "--name", "like-it"]);
    let text = String::from_utf8(output.stdout).expect("a scenario is text");
    assert!(output.status.success() && text.contains("name = \"like-it\""), "{text}");
    let grown = text.replace("[workload]\n", "[workload]\ngrow = { traffic = 2.0, catalogue = 1.5 }\n");
    let requests = |text: &str| match Scenario::parse(text, "fit.toml").expect("it is sound").source {
        Source::Synthetic(workload) => workload.expected_requests() as f64,
        Source::Recorded(_) => panic!("a fit is synthetic"),
    };
    assert!((requests(&grown) / requests(&text) - 2.0).abs() < 1e-3);
    // One timestamp alone has no rate.
    std::fs::write(folder.path().join("one.csv"), "time_us,key,size\n5,a,1\n").expect("it can be written");
    let refused = ttlab(folder.path(), &["trace", "fit", "one.csv"]);
    let message = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(2), "{message}");
    assert!(message.contains("one.csv cannot be fitted") && message.contains("no times"), "{message}");
}
