//! The table of combinations: each that makes no sense is refused, each that is odd is warned of or
//! noted, and every message names both settings, says why, and what to write instead.

use std::fmt::Write as _;

#[path = "combinations/idle.rs"]
mod idle;
#[path = "combinations/table.rs"]
mod table;

use idle::IDLE;
use table::TABLE;
use ttlab::scenario::Scenario;
use ttlab::trace::synth::generate;
use ttlab::{random::Seed, scenario::Source};

/// What becomes of a combination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Refused,
    Warned,
    Noted,
    /// The message comes once the trace is known.
    WarnedOnTrace,
}
use Verdict::{Noted, Refused, Warned, WarnedOnTrace};

/// A row: its number, the strategy, further sections, the verdict, and what the message must name.
type Row = (u8, &'static str, &'static str, Verdict, &'static [&'static str]);

/// Warnings, notes, and warnings once the trace is known.
type Remarks = (Vec<String>, Vec<String>, Vec<String>);

/// What is said of the combination of a row; an error is a refusal.
fn said(number: u8, strategy: &str, sections: &str) -> Result<Remarks, String> {
    let text = format!(
        "name = \"pair\"\n[workload]\nduration = \"1m\"\nrate = \"100/s\"\n[[workload.class]]\nname = \"all\"\n\
         objects = 100\n[[strategy]]\nname = \"s\"\n{strategy}\n{sections}\n"
    );
    let scenario = Scenario::parse(&text, "pair.toml").map_err(|error| {
        let mistake = &error.mistakes[0];
        let remedy = mistake.help.is_some()
            || error.to_string().contains("there are:")
            || error.to_string().contains("needs \"");
        assert!(remedy, "row {number}: nothing says what to write instead: {error}");
        error.to_string()
    })?;
    let Source::Synthetic(workload) = &scenario.source else { unreachable!("it has a [workload]") };
    let on_trace = scenario.warnings_on(&generate(workload, Seed::new(1)));
    // A minute is enough for what is said here, and shorter than most TTLs, which is always told.
    let of_length = |warning: &String| OUTLIVES.iter().any(|words| warning.contains(words));
    let warnings = scenario.warnings.into_iter().filter(|warning| !of_length(warning)).collect();
    Ok((warnings, scenario.notes, on_trace))
}

/// What is said of a TTL that is longer than a made-up run, and of one that is long for it.
const OUTLIVES: [&str; 2] = ["is longer than the run", "is long for this run"];

/// The warnings of a run with these strategies.
fn warned(time: &str, duration: &str, strategies: &[(&str, &str)]) -> Vec<String> {
    let mut text = format!(
        "name = \"n\"\n[time]\n{time}\n[workload]\nduration = \"{duration}\"\nrate = \"1/s\"\n[[workload.class]]\nname = \"all\"\n\
         objects = 10\n"
    );
    for (place, (name, ttl)) in strategies.iter().enumerate() {
        let baseline = place == 0;
        let _ = write!(text, "[[strategy]]\nname = \"{name}\"\nbaseline = {baseline}\nttl = {ttl}\n");
    }
    Scenario::parse(&text, "n.toml").unwrap_or_else(|error| panic!("{error}")).warnings
}

#[test]
fn a_ttl_that_outlives_a_made_up_run_is_warned_of() {
    let table = "{ rule = \"class-table\", table = { all = \"2h\" } }";
    for (duration, ttl, count) in [
        ("1h", "{ rule = \"fixed\", ttl = \"1h\" }", 0),
        ("59m", "{ rule = \"fixed\", ttl = \"1h\" }", 1),
        ("1h", table, 1),
        ("3h", table, 0),
        ("1m", "\"none\"", 0),
        ("1m", "{ rule = \"sliding\", idle = \"1h\" }", 1),
        ("1m", "{ rule = \"d-ttl\", target = 0.8 }", 0),
        (
            "1m",
            "{ rule = \"fixed\", ttl = \"1h\", modifiers = [{ modifier = \"clamp\", max = \"30s\" }] }",
            0,
        ),
        ("1h", "{ rule = \"fixed\", ttl = \"1h\", modifiers = [\"jitter\"] }", 1),
    ] {
        let told = warned("", duration, &[("s", ttl)]);
        let count_of = told.iter().filter(|warning| warning.contains(OUTLIVES[0])).count();
        assert_eq!(count_of, count, "{ttl} in {duration}: {told:?}");
    }
}

/// A cell can pass a gate only because nothing has expired yet.
#[test]
fn a_ttl_that_is_long_for_what_is_scored_is_warned_of() {
    let hour = "{ rule = \"fixed\", ttl = \"1h\" }";
    for (warmup, duration, words) in [
        ("20m", "80m", "of the 1h that are scored the first 40m pass before any entry is that old"),
        ("30m", "3h30m", "of the 3h that are scored the first 30m pass before any entry is that old"),
        ("0s", "9h", "of the 9h that are scored the first 1h pass before any entry is that old"),
        ("1h", "150m", "the 1h30m that are scored hold fewer than two of it"),
        ("1h", "3h", ""),
        ("50m", "3h", ""),
        ("0s", "10h", ""),
    ] {
        let told = warned(&format!("warmup = \"{warmup}\""), duration, &[("s", hour)]);
        let of_length = told.iter().filter(|warning| warning.contains(OUTLIVES[1]));
        match of_length.collect::<Vec<_>>()[..] {
            [] => assert_eq!(words, "", "{warmup} of {duration}"),
            [one] => assert!(!words.is_empty() && one.contains(words) && one.contains("; write "), "{one}"),
            _ => panic!("{told:?}"),
        }
    }
    // Strategies of which the same is to be said share a warning.
    let five = [("a", hour), ("b", hour), ("c", hour), ("d", hour), ("e", hour)];
    for (count, names) in [
        (1, "strategy \"a\": "),
        (2, "strategies \"a\" and \"b\": "),
        (5, "strategies \"a\", \"b\", \"c\" and 2 more: "),
    ] {
        let told = warned("", "2h", &five[..count]);
        assert!(told.len() == 1 && told[0].starts_with(names), "{told:?}");
    }
    // So do those whose TTLs differ, in words that hold for the longest.
    let half = "{ rule = \"fixed\", ttl = \"30m\" }";
    let sliding = "{ rule = \"sliding\", idle = \"1h\" }";
    let told = warned("", "2h", &[("a", half), ("b", sliding), ("c", "{ rule = \"fixed\", ttl = \"3h\" }")]);
    let words = [
        "strategies \"a\" and \"b\": the ttl of each (up to 1h) is long for this run: of the 2h that are scored the first 1h pass",
        "strategy \"c\": the ttl of rule \"fixed\" (up to 3h) is longer than the run",
    ];
    assert_eq!(told.len(), words.len(), "{told:?}");
    assert!(told.iter().zip(words).all(|(told, words)| told.starts_with(words)), "{told:?}");
}

#[test]
fn every_row_gets_its_verdict_and_a_message_that_helps() {
    for row in TABLE.iter().chain(IDLE) {
        let (number, strategy, sections, verdict, parts) = row;
        let messages = match (said(*number, strategy, sections), verdict) {
            (Err(error), Refused) => vec![error],
            (Ok((warnings, _, _)), Warned) => warnings,
            (Ok((warnings, notes, _)), Noted) => {
                assert_eq!(warnings, Vec::<String>::new(), "row {number}: no warning, but a note");
                notes
            }
            (Ok((_, _, on_trace)), WarnedOnTrace) => on_trace,
            (other, _) => panic!("row {number}, {strategy}: not {verdict:?} but {other:?}"),
        };
        let found = messages.iter().any(|message| parts.iter().all(|part| message.contains(part)));
        assert!(found, "row {number}, {strategy}: {parts:?} not in {messages:#?}");
    }
}

#[test]
fn what_fits_together_is_not_talked_about() {
    let silent = |strategy: &str, sections: &str| {
        assert_eq!(said(0, strategy, sections), Ok((Vec::new(), Vec::new(), Vec::new())), "{strategy}");
    };
    silent("ttl = \"fixed\"\nguard = \"single-flight\"", "");
    silent("ttl = { rule = \"d-ttl\", target = 0.8 }", "");
    // A clamp gives a TTL to what the rule gives none.
    for rule in ["rule = \"none\"", "rule = \"class-table\", table = { all = \"none\" }"] {
        let clamped = format!("ttl = {{ {rule}, modifiers = [{{ modifier = \"clamp\", max = \"1h\" }}] }}");
        silent(&clamped, "");
        silent(&clamped, "[cache]\ncapacity = \"1MiB\"\neviction = \"volatile-lru\"\nmemory = \"redis\"");
        for more in [
            "refresh = \"stale-while-revalidate\"",
            "guard = \"lock-stale\"",
            "refresh = { policy = \"on-demand\", addons = [\"stale-if-error\"] }",
        ] {
            silent(&format!("{clamped}\n{more}"), "");
        }
    }
    // Patience of any length, or an old value before it ends; a timer whose values outlast a period and a fetch.
    for (addons, client) in [
        ("addons = [{ addon = \"stale-if-error\", soft_timeout = \"9s\" }]", ""),
        ("addons = [{ addon = \"stale-if-error\", soft_timeout = \"2s\" }]", "[client]\ntimeout = \"3s\""),
    ] {
        silent(&format!("ttl = \"fixed\"\nrefresh = {{ policy = \"on-demand\", {addons} }}"), client);
    }
    // What acts, though a neighbour of it would not.
    for acts in [
        "ttl = { rule = \"none\", modifiers = [{ modifier = \"clamp\", max = \"1h\" }, \"jitter\"] }",
        "ttl = { rule = \"d-ttl\", target = 0.8, max_age = \"48h\" }",
        "ttl = \"fixed\"\nsweep = { policy = \"zset-sweep\", limit_bytes = \"1MiB\", batch = 5, round_trip = \"5ms\" }",
        "ttl = \"fixed\"\nguard = { policy = \"lock-stale\", poll = \"9ms\", wait_timeout = \"9s\" }",
        "ttl = { rule = \"fixed\", ttl = \"50m\", modifiers = [{ modifier = \"clamp\", max = \"1h\", physical = true }, \"jitter\"] }",
        // No jitter lengthens a TTL beyond the rule's greatest age.
        "ttl = { rule = \"sliding\", idle = \"1h\", max_age = \"1h\", \
         modifiers = [{ modifier = \"clamp\", max = \"1h\", physical = true }, \"jitter\"] }",
        "ttl = { rule = \"fixed\", modifiers = [{ modifier = \"load-adaptive\", servers = 4, signal = \"queue\", lo = 1, hi = 1.2 }] }",
        "ttl = { rule = \"fixed\", ttl = \"10s\" }\nrefresh = { policy = \"race-ttl\", r = \"10s\" }",
        "ttl = \"fixed\"\nrefresh = { policy = \"timer\", period = \"30m\", scope = \"top-k\", top_k = 100 }",
    ] {
        silent(acts, "");
    }
    silent("ttl = \"fixed\"", "[client]\nretries = 1\nbackoff = \"9s\"\nretry_budget = 0.5");
    for timer in ["period = \"45m\", physical_ttl = \"90m\"", "period = \"59m\", workers = 1"] {
        silent(
            &format!(
                "ttl = {{ rule = \"fixed\", ttl = \"1h\" }}\nrefresh = {{ policy = \"timer\", {timer} }}"
            ),
            "",
        );
    }
}

#[test]
fn the_notes_tell_what_a_counter_for_each_key_takes() {
    let text = |scope: &str| {
        format!(
            "name = \"n\"\n[workload]\nduration = \"1m\"\nrate = \"100/s\"\n[[workload.class]]\nname = \"all\"\nobjects = 100\n\
             [[strategy]]\nname = \"s\"\nttl = {{ rule = \"fixed\", modifiers = [{{ modifier = \"activity\", scope = \"{scope}\" }}] }}\n"
        )
    };
    let notes = |scope: &str| {
        let scenario = Scenario::parse(&text(scope), "n.toml").expect("it can be read");
        let Source::Synthetic(workload) = &scenario.source else { unreachable!("it has a [workload]") };
        scenario.notes_on(&generate(workload, Seed::new(1)))
    };
    assert_eq!(notes("site"), Vec::<String>::new());
    let [note] = &notes("key")[..] else { panic!("one note: {:?}", notes("key")) };
    assert!(
        note.contains("\"activity\"") && note.contains("16 bytes") && note.contains("1600 bytes"),
        "{note}"
    );
}

#[test]
fn what_is_fetched_by_the_clock_or_for_an_upload_needs_no_ttl() {
    let changes = "[origin]\nchanges = { model = \"poisson\", mean = \"7d\" }";
    for refresh in [
        "policy = \"on-demand\", addons = [\"warm-on-upload\"]",
        "policy = \"on-demand\", addons = [\"conditional\", \"warm-on-upload\"]",
        "policy = \"timer\", period = \"30m\", addons = [\"conditional\"]",
    ] {
        let strategy = format!("ttl = \"none\"\nrefresh = {{ {refresh} }}");
        assert!(said(4, &strategy, changes).is_ok(), "{refresh}");
    }
}
