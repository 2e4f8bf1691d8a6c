//! What a recording tells beside its requests is replayed: deletions, changes, TTLs; and what it does
//! not tell is refused.

use std::sync::Arc;

use ttlab::cache::Cause;
use ttlab::metrics::{Measurements, OutcomeKind};
use ttlab::random::Seed;
use ttlab::scenario::{Scenario, Source};
use ttlab::score::rates;
use ttlab::trace::import::import;
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
