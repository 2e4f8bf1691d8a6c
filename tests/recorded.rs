//! What a recording tells beside its requests is replayed: deletions, changes, TTLs; and what it does
//! not tell is refused.

#[path = "recorded/piped.rs"]
mod piped;

use std::fmt::Write;
use std::sync::Arc;

use ttlab::cache::Cause;
use ttlab::metrics::{Measurements, OutcomeKind};
use ttlab::random::Seed;
use ttlab::scenario::{Scenario, Source};
use ttlab::score::rates;
use ttlab::trace::import::{Import, Input, Item, Options, Spill, import, stream};
use ttlab::trace::{Fact, ObjectId, TraceError};
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

#[test]
fn a_recording_is_warned_of_what_a_workload_would_be_told() {
    let text = "name = \"recorded\"\n[trace]\nspread = false\n[origin]\nlatency = { model = \"constant\", value = \"2s\" }\n\
                capacity = { model = \"servers\", servers = 1 }\n[client]\ntimeout = \"1s\"\nlate_fill = \"discard\"\n\
                [[strategy]]\nname = \"s\"\nttl = { rule = \"fixed\", ttl = \"20s\" }\n\
                refresh = { policy = \"timer\", period = \"3s\", workers = 1 }\n";
    let warned = |rows: &[&str]| {
        let scenario = Scenario::parse(text, "recorded.toml").unwrap_or_else(|error| panic!("{error}"));
        let Source::Recorded(recorded) = &scenario.source else { panic!("it has a [trace]") };
        let read = import(rows.join("\n").as_bytes(), "recording", &recorded.options, Seed::new(1));
        scenario.warnings_on(&read.unwrap_or_else(|error| panic!("{error}")).trace)
    };
    let found = warned(&["time_s,op,key,size", "0,get,a,9", "0,get,b,9", "1,get,c,9", "2,get,a,9"]);
    let says = |part: &str| found.iter().any(|warning| warning.contains(part));
    assert!(
        says("1 workers, which cannot fetch 3 objects within a period of 3s; a fetch takes 2.000 s"),
        "{found:?}"
    );
    assert!(says("2 requests a second meet an [origin] capacity of 0.5 a second"), "{found:?}");
    // One image and a request in ten seconds are no load for either.
    assert_eq!(warned(&["time_s,op,key,size", "0,get,a,9", "20,get,a,9"]), Vec::<String>::new());
}

#[test]
fn what_is_to_happen_after_the_end_of_a_recording_is_warned_of() {
    let warned = |at: &str| {
        let sections = format!(
            "ttl = {{ rule = \"fixed\", ttl = \"10s\" }}\n[[cache.event]]\nflush = {{ at = \"{at}\" }}\n[origin]\n\
             faults = [{{ fault = \"outage\", at = \"{at}\", lasts = \"1m\" }}]"
        );
        let text =
            format!("name = \"late\"\n[trace]\nspread = false\n[[strategy]]\nname = \"s\"\n{sections}\n");
        let scenario = Scenario::parse(&text, "late.toml").unwrap_or_else(|error| panic!("{error}"));
        let Source::Recorded(recorded) = &scenario.source else { panic!("it has a [trace]") };
        let rows = "time_s,op,key,size\n0,get,a,9\n20,get,a,9";
        let read = import(rows.as_bytes(), "recording", &recorded.options, Seed::new(1));
        scenario.warnings_on(&read.unwrap_or_else(|error| panic!("{error}")).trace)
    };
    let found = warned("1m");
    let [fault, event] = &found[..] else { panic!("two warnings: {found:?}") };
    assert!(fault.starts_with("fault \"outage\" of [origin] at 1m comes after the end"), "{fault}");
    assert!(event.starts_with("the [[cache.event]] at 1m comes after the end"), "{event}");
    assert_eq!(warned("10s"), Vec::<String>::new());
}

/// The scenario of a recording with a strategy, and the recording.
fn recording(strategy: &str, rows: &[&str]) -> (Scenario, Import) {
    let text = format!(
        "name = \"recorded\"\n[trace]\nspread = false\n[origin]\nlatency = {{ model = \"trace\" }}\n\
         capacity = {{ model = \"servers\", servers = 1 }}\n[client]\ntimeout = \"1m\"\nlate_fill = \"discard\"\n\
         [[strategy]]\nname = \"s\"\n{strategy}\n"
    );
    let scenario = Scenario::parse(&text, "recorded.toml").unwrap_or_else(|error| panic!("{error}"));
    let Source::Recorded(recorded) = &scenario.source else { panic!("it has a [trace]") };
    let read = import(rows.join("\n").as_bytes(), "recording", &recorded.options, Seed::new(1));
    let read = read.unwrap_or_else(|error| panic!("{error}"));
    (scenario, read)
}

#[test]
fn recorded_times_of_fetches_are_held_against_guards_refreshes_and_the_origin() {
    let warned = |strategy: &str, seconds: u32| {
        let rows = [
            "time_s,op,key,size,origin_time_ms".to_owned(),
            format!("0,get,a,9,{seconds}000"),
            format!("1,get,b,9,{seconds}000"),
        ];
        let (scenario, read) = recording(strategy, &rows.each_ref().map(String::as_str));
        scenario.warnings_on(&read.trace)
    };
    for (strategy, seconds, part) in [
        (
            "ttl = \"fixed\"\nguard = { policy = \"lock\", lock_ttl = \"5s\" }",
            8,
            "keeps others out for 5s (lock_ttl), but [origin] latency \"trace\" takes longer than 8.00 s",
        ),
        (
            "ttl = { rule = \"fixed\", ttl = \"1m\" }\nrefresh = { policy = \"refresh-ahead\", f = 0.9 }",
            8,
            "begins 6.00 s before the expiry, but [origin] latency \"trace\" takes longer than 8.00 s",
        ),
        (
            "ttl = { rule = \"fixed\", ttl = \"1h\" }\nrefresh = { policy = \"timer\", period = \"10s\", workers = 1 }",
            8,
            "1 workers, which cannot fetch 2 objects within a period of 10s",
        ),
        ("ttl = \"fixed\"", 8, "2 requests a second meet an [origin] capacity of 0.13 a second"),
    ] {
        let found = warned(strategy, seconds);
        assert!(found.iter().any(|warning| warning.contains(part)), "{strategy}: {found:?}");
        assert!(!warned(strategy, 0).iter().any(|warning| warning.contains("\"trace\"")), "{strategy}");
    }
}

#[test]
fn a_schedule_begins_when_the_recording_does() {
    let schedule = |more: &str| {
        format!(
            "ttl = {{ rule = \"fixed\", ttl = \"1s\", modifiers = [{{ modifier = \"schedule\", \
             table = {{ \"00:00\" = 1, \"14:00\" = 2 }}{more} }}] }}"
        )
    };
    let told = |strategy: &str, first: u64| {
        let rows = [
            "time_s,op,key,size,origin_time_ms".to_owned(),
            format!("{first},get,a,9,1"),
            format!("{},get,a,9,1", first + 1),
        ];
        let (scenario, read) = recording(strategy, &rows.each_ref().map(String::as_str));
        (scenario.notes_on(&read.trace), scenario.warnings_on(&read.trace))
    };
    // Friday, 24 November 2023, 14:05:30 UTC.
    let (notes, warnings) = told(&schedule(""), 1_700_834_730);
    assert!(notes.len() == 1 && notes[0].contains("start = \"Fri 14:05\" (UTC)"), "{notes:?}");
    assert_eq!(warnings, Vec::<String>::new());
    let (notes, warnings) = told(&schedule(""), 7);
    assert_eq!(notes, Vec::<String>::new());
    assert!(warnings.len() == 1 && warnings[0].contains("the recording tells no clock"), "{warnings:?}");
    for first in [7, 1_700_834_730] {
        let nothing = Vec::<String>::new();
        assert_eq!(
            told(&schedule(", start = \"Fri 14:05\""), first),
            (nothing.clone(), nothing),
            "it is written"
        );
    }
}

#[test]
fn a_ttl_that_outlives_a_recording_is_warned_of() {
    let rows = ["time_s,op,key,size,origin_time_ms", "7,get,a,9,1", "127,get,a,9,1"];
    let told = |ttl: &str| {
        let (scenario, read) = recording(&format!("ttl = {{ rule = \"fixed\", ttl = \"{ttl}\" }}"), &rows);
        scenario.warnings_on(&read.trace)
    };
    assert_eq!(told("2m"), Vec::<String>::new());
    let warnings = told("121s");
    assert!(
        warnings.len() == 1
            && warnings[0].contains("(up to 2m1s) is longer than the recording, which lasts for 2m "),
        "{warnings:?}"
    );
}

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
        let (size, ttl, origin) = (500.0 + key, 30 + row % 3 * 60, 20 + row % 7);
        writeln!(table, "{time},{op},/{key},{size},{ttl},{origin}").expect("a text takes every line");
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

/// The options that `[trace]` settings stand for; or what is wrong with them.
fn options(settings: &str) -> Result<Options, String> {
    let text = format!(
        "name = \"settings\"\n[trace]\n{settings}\n[origin]\nchanges = {{ model = \"trace\" }}\n\
         [[strategy]]\nname = \"s\"\nttl = \"none\"\n"
    );
    let scenario = Scenario::parse(&text, "settings.toml").map_err(|error| error.to_string())?;
    let Source::Recorded(recorded) = &scenario.source else { panic!("it has a [trace]") };
    Ok(recorded.options.clone())
}

/// The key, size and class of each object of a trace.
fn objects(import: &Import) -> Vec<(String, u32, String)> {
    let objects = import.trace.objects();
    let ids = (0..).take(objects.len()).map(ObjectId::new);
    let class = |fact: &Fact| objects.classes()[fact.class.index()].clone();
    ids.zip(objects.facts()).map(|(id, fact)| (objects.key(id), fact.size, class(fact))).collect()
}

const LOG: &str = "h - - [01/Aug/1995:00:00:00 -0400] \"GET /a.gif HTTP/1.0\" 404 196\n\
                   h - - [01/Aug/1995:00:00:01 -0400] \"GET /b.gif HTTP/1.0\" 206 900\n\
                   h - - [01/Aug/1995:00:00:02 -0400] \"GET /b.gif HTTP/1.0\" 200 9000\n\
                   h - - [01/Aug/1995:00:00:03 -0400] \"GET /a.gif HTTP/1.0\" 404 196\n\
                   h - - [01/Aug/1995:00:00:04 -0400] \"GET /c.gif HTTP/1.0\" 410 7\n\
                   h - - [01/Aug/1995:00:00:05 -0400] \"GET /c.gif HTTP/1.0\" 200 50\n";

fn logged(settings: &str) -> Import {
    let options = options(settings).expect("sound settings");
    import(LOG.as_bytes(), "log", &options, Seed::new(1)).expect("a sound log")
}

#[test]
fn what_is_not_there_is_requested_where_negative_says_so() {
    let object = |key: &str, size, class: &str| (key.to_owned(), size, class.to_owned());
    let found = logged("");
    assert_eq!(objects(&found), [object("/b.gif", 9000, "other"), object("/c.gif", 50, "other")]);
    assert_eq!((found.provenance.kept, found.provenance.skipped["status 404"].count), (3, 2));
    let all = logged("negative = true");
    // The body of a 404 is not the size of /a.gif, and /c.gif was there in the end.
    let want =
        [object("/a.gif", 1, "absent"), object("/b.gif", 9000, "other"), object("/c.gif", 50, "other")];
    assert_eq!(objects(&all), want);
    assert_eq!((all.provenance.kept, all.provenance.skipped.len()), (6, 0));
    let notes = all.provenance.notes.join("\n");
    assert!(notes.contains("3 requests ask for what is not there (404, 410)"), "{notes}");
    let refused = options("negative = \"yes\"").unwrap_err();
    assert!(refused.contains("negative"), "{refused}");
}

#[test]
fn a_class_rule_asks_for_the_status_of_some_request() {
    let classes = |settings: &str| -> Vec<String> {
        objects(&logged(settings)).into_iter().map(|(_, _, class)| class).collect()
    };
    let ranges = "[[trace.class]]\nname = \"ranges\"\nstatus = [206]";
    assert_eq!(classes(ranges), ["ranges", "other"]);
    let gone = "negative = true\n[[trace.class]]\nname = \"gone\"\nstatus = [410]";
    assert_eq!(classes(gone), ["absent", "other", "gone"]);
    // Objects that nobody asks for are forgotten, and the others keep their statuses.
    let table = "time_s,op,key,size,status\n0,delete,x,,\n1,get,a,9,200\n2,get,b,9,206\n3,get,a,9,200\n";
    let import = import(table.as_bytes(), "t", &options(ranges).unwrap(), Seed::new(1)).unwrap();
    let classes: Vec<_> = objects(&import).into_iter().map(|(key, _, class)| (key, class)).collect();
    assert_eq!(classes, [("a".to_owned(), "other".to_owned()), ("b".to_owned(), "ranges".to_owned())]);
    let refused = options("[[trace.class]]\nname = \"ranges\"\nstatus = [\"some\"]").unwrap_err();
    assert!(refused.contains("status"), "{refused}");
}

#[test]
fn another_size_is_a_new_version_where_the_scenario_says_so() {
    let rows = ["time_s,key,size", "0,a,9", "1,a,9", "2,a,7", "3,a,7"];
    let fixed = "{ rule = \"fixed\", ttl = \"1h\" }";
    let fresh = |settings| rates::fresh_share(&play(settings, fixed, &rows).unwrap());
    // Nothing is said of freshness where nothing changes.
    assert_eq!(fresh("spread = false"), None);
    // The last two answers are of the version before.
    assert_eq!(fresh("spread = false\nsize_change = \"new-version\""), Some(0.5));
    let refused = options("size_change = \"newversion\"").unwrap_err();
    assert!(refused.contains("no size_change is called \"newversion\""), "{refused}");
    let text =
        "name = \"x\"\n[trace]\nsize_change = \"new-version\"\n[[strategy]]\nname = \"s\"\nttl = \"none\"\n";
    let refused = Scenario::parse(text, "x.toml").unwrap_err().to_string();
    let what =
        "size_change = \"new-version\" takes other sizes as changes, but no object changes as the trace says";
    assert!(refused.contains(what), "{refused}");
}

#[test]
fn a_later_last_modified_is_a_change_from_then_on() {
    let rows = [
        "time_s,key,size,last_modified",
        "784903500,a,9,\"Tue, 15 Nov 1994 12:00:00 GMT\"",
        "784903600,a,9,\"Tue, 15 Nov 1994 12:00:00 GMT\"",
        // Modified at 784903650, after the request before; then at a time that the request before should have known of.
        "784903700,a,9,\"Tue, 15 Nov 1994 12:47:30 GMT\"",
        "784903800,a,9,784903660",
        "784903900,a,9,",
    ];
    let read =
        import(rows.join("\n").as_bytes(), "t", &options("spread = false").unwrap(), Seed::new(1)).unwrap();
    let changes: Vec<f64> = read.trace.events().iter().map(|event| event.at.as_secs_f64()).collect();
    assert_eq!(changes, [150.0, 200.0]);
    let run = play("spread = false", "{ rule = \"fixed\", ttl = \"1h\" }", &rows).unwrap();
    assert_eq!(rates::fresh_share(&run), Some(0.4));
    // A size that differs with the modification is the same change.
    let both = rows.map(|row| row.replace("00,a,9,784", "00,a,8,784")).join("\n");
    let twice = options("spread = false\nsize_change = \"new-version\"").unwrap();
    let read = import(both.as_bytes(), "t", &twice, Seed::new(1)).unwrap();
    let changes: Vec<f64> = read.trace.events().iter().map(|event| event.at.as_secs_f64()).collect();
    assert_eq!(changes, [150.0, 200.0, 400.0], "only the size of the last request is a change of its own");
    let bad = ["time_s,key,last_modified", "1,a,yesterday"].join("\n");
    let refused = import(bad.as_bytes(), "t", &options("strict = true").unwrap(), Seed::new(1)).unwrap_err();
    let what = "t:2:3: the last modification must be a date of HTTP, or as the time is, but is \"yesterday\"";
    assert!(refused.to_string().starts_with(what), "{refused}");
}

#[test]
fn a_get_and_the_set_of_its_client_measure_the_origin_in_a_table() {
    let table =
        "t_ms,op,key,who\n0,get,/a,x\n10,get,/a,y\n250,set,/a,x\n300,get,/b,y\n320,set,/a,y\n900,set,/b,y\n";
    let with = |client: &str| {
        let settings = format!("columns = {{ time = \"t_ms\", op = \"op\", key = \"key\"{client} }}");
        import(table.as_bytes(), "t", &options(&settings).unwrap(), Seed::new(1)).unwrap()
    };
    assert_eq!(with("").trace.origin_times(), None);
    let told = with(", client = \"who\"");
    let times = told.trace.origin_times().expect("clients tell them");
    // The first fetch took 250 ms and the last one 600 ms; what y stored at 320 ms it had not asked for last.
    let ms: Vec<f64> = times.iter().map(|time| time.as_secs_f64() * 1e3).collect();
    assert_eq!((ms[0], ms[2], told.provenance.assumed_origin_times), (250.0, 600.0, 1));
    let settings = "columns = { time = \"t_ms\", key = \"key\", client = \"who\" }";
    let refused = import(table.as_bytes(), "t", &options(settings).unwrap(), Seed::new(1)).unwrap_err();
    assert!(refused.to_string().contains("not said which column holds the op"), "{refused}");
}

#[test]
fn fields_are_quoted_as_the_settings_say() {
    let keys = |settings: &str, text: &str| -> Vec<String> {
        let import = import(text.as_bytes(), "t", &options(settings).unwrap(), Seed::new(1)).unwrap();
        objects(&import).into_iter().map(|(key, ..)| key).collect()
    };
    let text = "time_s,key,size\n0,'/a,b',9\n1,'/it''s',9\n2,\"/c\",9\n";
    assert_eq!(keys("format = \"csv\"\nquote = \"'\"", text), ["/a,b", "/it's", "\"/c\""]);
    assert_eq!(keys("format = \"csv\"\nquote = \"none\"", "time_s,key\n0,\"/a\n"), ["\"/a"]);
    assert_eq!(keys("format = \"tsv\"\nquote = \"'\"", "time_s\tkey\n0\t'/a\tb'\n"), ["/a\tb"]);
    for (settings, what) in [
        ("quote = \"''\"", "a quote is one ASCII character other than a line end, or \"none\""),
        ("format = \"clf\"\nquote = \"'\"", "format \"clf\" has no quote to declare"),
    ] {
        let refused = options(settings).unwrap_err();
        assert!(refused.contains(what), "{refused}");
    }
}

#[test]
fn a_stream_waits_for_late_lines_as_long_as_reorder_window_says() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("late.csv");
    std::fs::write(&path, "time_s,key\n0,/a\n400,/a\n800,/a\n1200,/a\n99,/a\n").unwrap();
    let streamed = |settings: &str| {
        let mut times = Vec::new();
        let take = |item: &Item| {
            times.push(item.time_ns / 1_000_000_000);
            Ok::<(), TraceError>(())
        };
        stream(&[Input::File(path.clone())], &options(settings).unwrap(), Seed::new(1), take).map(|_| times)
    };
    assert_eq!(streamed("reorder_window = \"20m\"").unwrap(), [0, 99, 400, 800, 1_200]);
    let late = streamed("").unwrap_err();
    assert!(late.to_string().contains("1101 s earlier than one before it"), "{late}");
    assert!(late.help().contains("raise reorder_window"), "{}", late.help());
    let refused = options("reorder_window = \"soon\"").unwrap_err();
    assert!(refused.contains("reorder_window"), "{refused}");
}
