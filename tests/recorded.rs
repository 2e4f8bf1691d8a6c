//! What a recording tells beside its requests is replayed: deletions, changes, TTLs; and what it does
//! not tell is refused.

use std::sync::Arc;

use ttlab::cache::Cause;
use ttlab::metrics::{Measurements, OutcomeKind};
use ttlab::random::Seed;
use ttlab::scenario::{Scenario, Source};
use ttlab::score::rates;
use ttlab::trace::import::{Spill, import};
use ttlab::tune::{self, Runs};

/// Plays a recording in the canonical table.
fn play(settings: &str, ttl: &str, rows: &[&str]) -> Result<Measurements, String> {
    let text = format!(
        "name = \"recorded\"\n[trace]\n{settings}\n[origin]\nlatency = {{ model = \"constant\", value = \"0s\" }}\n\
         changes = {{ model = \"trace\" }}\n[[strategy]]\nname = \"s\"\nttl = {ttl}\n"
    );
    let scenario = Scenario::parse(&text, "recorded.toml").unwrap_or_else(|error| panic!("{error}"));
    let Source::Recorded(recorded) = &scenario.source else { panic!("it has a [trace]") };
    let input = rows.join("\n");
    let import = import(input.as_bytes(), "recording", &recorded.options, Seed::new(1))
        .unwrap_or_else(|error| panic!("{error}"));
    let runs = Runs::Recorded(Arc::new(import.trace));
    let played = tune::run(&scenario, &tune::grid(&scenario), &runs, &()).map_err(|fault| fault.what)?;
    let cell = played.cells.into_iter().next().expect("there is a strategy");
    let run = cell.replications.into_iter().next().expect("a recording is played once");
    Ok(run.expect("nobody stopped it"))
}

const ROWS: [&str; 7] = [
    "time_s,op,key,size,ttl",
    "0,get,a,9,",
    "1,set,a,9,5",
    "4,get,a,9,",
    "5,delete,a,,",
    "5,get,a,9,",
    "6,get,a,9,",
];

/// How many of four requests had an outcome, as a whole number.
fn of_four(run: &Measurements, kind: OutcomeKind) -> String {
    (rates::share(run, kind).expect("there are requests") * 4.0).to_string()
}

#[test]
fn a_deletion_makes_the_next_request_an_invalidated_miss() {
    let run = play("spread = false", "{ rule = \"fixed\", ttl = \"1h\" }", &ROWS).unwrap();
    let counts = [
        OutcomeKind::Miss(Cause::Cold),
        OutcomeKind::FreshHit,
        OutcomeKind::Miss(Cause::Invalidated),
        OutcomeKind::Miss(Cause::Expired),
    ]
    .map(|kind| of_four(&run, kind));
    assert_eq!(counts, ["1", "2", "1", "0"]);
    let deaf =
        play("spread = false\ndelete = \"ignore\"", "{ rule = \"fixed\", ttl = \"1h\" }", &ROWS).unwrap();
    assert_eq!(of_four(&deaf, OutcomeKind::FreshHit), "3");
}

#[test]
fn a_write_is_a_change_that_a_copy_does_not_know() {
    let fixed = "{ rule = \"fixed\", ttl = \"1h\" }";
    let changed = play("spread = false\nset = \"change\"\ndelete = \"ignore\"", fixed, &ROWS).unwrap();
    // The first answer is current; the three hits are of the version before the write.
    assert_eq!(rates::fresh_share(&changed), Some(0.25));
    let invalidated =
        play("spread = false\nset = \"invalidate\"\ndelete = \"ignore\"", fixed, &ROWS).unwrap();
    assert_eq!(rates::fresh_share(&invalidated), Some(1.0));
    assert_eq!(of_four(&invalidated, OutcomeKind::Miss(Cause::Invalidated)), "1");
}

#[test]
fn the_recorded_ttl_is_honoured() {
    let rows = [
        "time_s,op,key,size,ttl",
        "0,get,a,9,",
        "1,set,a,9,5",
        "5,get,a,9,",
        "10.001,get,a,9,",
        "11,get,a,9,",
    ];
    let run = play("spread = false", "\"trace\"", &rows).unwrap();
    // Stored at 0 and live up to and including 5; stored again after 10.
    let counts = [OutcomeKind::FreshHit, OutcomeKind::Miss(Cause::Expired)].map(|kind| of_four(&run, kind));
    assert_eq!(counts, ["2", "1"]);
    let none = ["time_s,op,key,size,ttl", "0,get,a,9,"];
    let refused = play("spread = false", "\"trace\"", &none).unwrap_err();
    assert_eq!(refused, "ttl rule \"trace\" needs a trace that records TTLs, and this one records none");
}

#[test]
fn ttls_are_refused_where_the_recording_has_no_times() {
    let lirs = |format: &str, ttl| play(&format!("format = {format}"), ttl, &["1", "2", "1", "1"]);
    let refused = lirs("\"lirs\"", "{ rule = \"fixed\", ttl = \"1h\" }").unwrap_err();
    assert_eq!(refused, "ttl rule \"fixed\" needs times, and this recording has an order alone");
    let run = lirs("\"lirs\"", "\"none\"").unwrap();
    assert_eq!(of_four(&run, OutcomeKind::FreshHit), "2");
    assert!(lirs("{ format = \"lirs\", rate = \"1/s\" }", "{ rule = \"fixed\", ttl = \"1h\" }").is_ok());
    let cache =
        play("format = \"webcachesim\"", "{ rule = \"fixed\", ttl = \"1h\" }", &["1 2 3"]).unwrap_err();
    assert!(cache.contains("needs times"));
}

#[test]
fn changes_that_no_model_takes_up_are_refused() {
    let text = "name = \"x\"\n[trace]\nset = \"change\"\n[[strategy]]\nname = \"s\"\nttl = \"none\"\n";
    let refused = Scenario::parse(text, "x.toml").unwrap_err().to_string();
    assert!(
        refused.contains("set = \"change\" takes writes as changes, but no object changes as the trace says")
    );
}

/// All cells of a scenario on a recording that stays in memory, or of which `rows` rows do; or why not.
fn cells(eviction: &str, latency: &str, rows: Option<usize>) -> Result<Vec<Measurements>, String> {
    let text = format!(
        "name = \"streamed\"\n[time]\nwarmup = \"1m\"\n[trace]\n[client]\ntimeout = \"2s\"\n\
         [origin]\nlatency = {latency}\nchanges = {{ model = \"trace\" }}\n\
         [cache]\ncapacity = [\"2MB\", {{ objects = 900 }}]\neviction = [{eviction}]\n\
         [[strategy]]\nname = \"fixed\"\nbaseline = true\nttl = {{ rule = \"fixed\", ttl = \"2m\" }}\nguard = \"single-flight\"\n\
         [[strategy]]\nname = \"stale\"\nttl = {{ rule = \"trace\" }}\n\
         refresh = {{ policy = \"stale-while-revalidate\", window = \"20s\" }}\n\
         [[strategy]]\nname = \"size\"\nttl = {{ rule = \"size-power\", t0 = \"2m\", s0 = \"2kB\", gamma = 0.5, min = \"10s\", max = \"1h\" }}\n"
    );
    let scenario = Scenario::parse(&text, "streamed.toml").unwrap_or_else(|error| panic!("{error}"));
    let Source::Recorded(recorded) = &scenario.source else { panic!("it has a [trace]") };
    let mut options = recorded.options.clone();
    options.spill = rows.map(|rows| Spill { folder: std::env::temp_dir(), rows });
    let seed = Seed::new(3);
    let mut table = "time_s,op,key,size,ttl,origin_time_ms\n".to_owned();
    for row in 0..150_000_u64 {
        let place = seed.unit(row, 0);
        let key = (place * place * 4_000.0).floor();
        // Some lines are late, some by more than a part holds.
        let time = row / 90 - if row % 50 == 49 { (row / 90).min(row % 700) } else { 0 };
        let op = if row % 97 == 0 { "delete" } else { "get" };
        table += &format!("{time},{op},/{key},{},{},{}\n", 500.0 + key, 30 + row % 3 * 60, 20 + row % 7);
    }
    let import =
        import(table.as_bytes(), "t", &options, Seed::new(1)).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(import.trace.is_spooled(), rows.is_some());
    let runs = Runs::Recorded(Arc::new(import.trace));
    let played = tune::run(&scenario, &tune::grid(&scenario), &runs, &()).map_err(|fault| fault.what)?;
    let runs = played.cells.into_iter().flat_map(|cell| cell.replications);
    Ok(runs.map(|run| run.expect("nobody stopped it")).collect())
}

#[test]
fn a_run_over_requests_on_disk_is_the_run_over_those_in_memory() {
    let latency = "{ model = \"lognormal\", median = \"120ms\", sigma = 0.8 }";
    let evictions = "\"lru\", \"sieve\", \"allkeys-lru\"";
    let memory = cells(evictions, latency, None).unwrap();
    assert_eq!(memory.len(), 18);
    assert!(memory.iter().all(|run| run.totals.outcomes.total() > 100_000));
    for rows in [9_999, 70_000] {
        assert_eq!(cells(evictions, latency, Some(rows)).unwrap(), memory, "{rows} rows in memory");
    }
}

#[test]
fn what_looks_ahead_is_refused_where_requests_lie_on_disk() {
    let latency = "{ model = \"constant\", value = \"0s\" }";
    let refused = cells("\"lru\", \"belady\"", latency, Some(50_000)).unwrap_err();
    assert!(refused.contains("belady looks at all requests to come"), "{refused}");
    assert!(cells("\"belady\"", latency, None).is_ok());
    let refused = cells("\"lru\"", "{ model = \"trace\" }", Some(50_000)).unwrap_err();
    assert!(refused.contains("needs the origin time of every request in memory"), "{refused}");
}
