//! The table of combinations: each that makes no sense is refused, each that is odd is warned of or
//! noted, and every message names both settings, says why, and what to write instead.

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

const TABLE: &[Row] = &[
    (
        1,
        "ttl = \"fixed\"\nrefresh = \"xfetch\"",
        "[origin]\nlatency = { model = \"constant\", value = \"0s\" }",
        Refused,
        &["\"xfetch\"", "latency \"constant\"", "write latency"],
    ),
    (
        2,
        "ttl = \"sliding\"\nrefresh = { policy = \"timer\", period = \"30m\" }",
        "",
        Refused,
        &["\"timer\"", "\"sliding\"", "nobody reads", "write ttl ="],
    ),
    (
        2,
        "ttl = { rule = \"d-ttl\", target = 0.8 }\nrefresh = { policy = \"timer\", period = \"30m\" }",
        "",
        Refused,
        &["\"timer\"", "\"d-ttl\"", "write ttl ="],
    ),
    (
        3,
        "ttl = { rule = \"sliding\", max_age = \"unbounded\" }\nrefresh = \"refresh-ahead\"",
        "",
        Refused,
        &["\"sliding\"", "\"unbounded\"", "\"refresh-ahead\"", "never be renewed", "write max_age"],
    ),
    (
        3,
        "ttl = { rule = \"break-even\", miss_cost = 1e-6, price = 0.01, max_age = \"unbounded\" }\n\
         refresh = \"stale-while-revalidate\"",
        "",
        Refused,
        &["\"break-even\"", "\"unbounded\"", "\"stale-while-revalidate\"", "write max_age"],
    ),
    (
        4,
        "ttl = \"none\"\nrefresh = \"stale-while-revalidate\"",
        "",
        Refused,
        &["\"stale-while-revalidate\"", "\"none\"", "never stale", "such as \"fixed\""],
    ),
    (
        4,
        "ttl = \"none\"\nguard = \"lock-stale\"",
        "",
        Refused,
        &["\"lock-stale\"", "\"none\"", "guard = \"lock\""],
    ),
    (4, "ttl = \"none\"\nrefresh = \"race-ttl\"", "", Refused, &["\"race-ttl\"", "\"none\"", "on-demand"]),
    (
        4,
        "ttl = \"none\"\nrefresh = { policy = \"on-demand\", addons = [\"stale-if-error\"] }",
        "",
        Refused,
        &["\"stale-if-error\"", "\"none\"", "no add-ons"],
    ),
    // A stale window without end cannot be written, so there is nothing that noeviction could keep for ever.
    (
        5,
        "ttl = \"fixed\"\nrefresh = { policy = \"stale-while-revalidate\", window = \"31d\" }",
        "[cache]\ncapacity = \"1MiB\"\neviction = \"noeviction\"",
        Refused,
        &["window", "0s to 30d", "\"31d\"", "leave it out"],
    ),
    (
        6,
        "ttl = { rule = \"fixed\", ttl = \"1h\", modifiers = [{ modifier = \"clamp\", max = \"1h\", physical = true }] }\n\
         refresh = { policy = \"stale-while-revalidate\", window = \"5m\" }",
        "",
        Refused,
        &["\"stale-while-revalidate\" (window)", "\"clamp\"", "physical = true", "max = \"1h5m\""],
    ),
    (
        7,
        "ttl = \"none\"",
        "[cache]\ncapacity = \"1MiB\"\neviction = \"volatile-lru\"\nmemory = \"redis\"",
        Warned,
        &["\"none\"", "\"volatile-lru\"", "\"noeviction\"", "write eviction = \"allkeys-lru\""],
    ),
    (
        7,
        "ttl = { rule = \"class-table\", table = { all = \"none\" } }",
        "[cache]\ncapacity = \"1MiB\"\neviction = \"volatile-lfu\"\nmemory = \"redis\"",
        Warned,
        &["\"volatile-lfu\"", "\"class-table\"", "stay for ever", "a ttl for every class"],
    ),
    (
        8,
        "ttl = { rule = \"d-ttl\", modifiers = [{ modifier = \"schedule\", table = { \"00:00\" = 2 } }] }",
        "",
        Refused,
        &["\"schedule\"", "\"d-ttl\"", "takes the other's effect", "allow_two_controllers = true"],
    ),
    (
        8,
        "ttl = { rule = \"elastic\", miss_cost = 1e-6, price = 0.01, modifiers = [\"activity\"] }\n\
         allow_two_controllers = true",
        "",
        Warned,
        &["\"activity\"", "\"elastic\"", "allow_two_controllers", "leave one of them out"],
    ),
    (
        9,
        "ttl = { rule = \"d-ttl\", target = 0.999 }",
        "",
        WarnedOnTrace,
        &["\"d-ttl\"", "target of 0.999", "first requests", "write target = "],
    ),
    (
        10,
        "ttl = { rule = \"elastic\", price = 0.01 }",
        "",
        Refused,
        &["\"elastic\"", "\"miss_cost\"", "currency"],
    ),
    (10, "ttl = { rule = \"break-even\", miss_cost = 1e-6 }", "", Refused, &["\"break-even\"", "\"price\""]),
    (
        11,
        "ttl = \"last-modified-fraction\"",
        "",
        Refused,
        &["\"last-modified-fraction\"", "changes is \"never\"", "write changes ="],
    ),
    (
        11,
        "ttl = { rule = \"change-rate\", mu = \"estimated\" }",
        "",
        Refused,
        &["\"change-rate\"", "mu = \"estimated\"", "changes is \"never\"", "write changes ="],
    ),
    (
        11,
        "ttl = \"fixed\"\nrefresh = { policy = \"on-demand\", addons = [{ addon = \"conditional\", keep = \"1h\" }] }",
        "",
        Refused,
        &["\"conditional\"", "changes is \"never\"", "304", "write changes ="],
    ),
    (
        11,
        "ttl = \"fixed\"\nrefresh = { policy = \"on-demand\", addons = [\"conditional\"] }",
        "",
        Refused,
        &["\"conditional\"", "keep = \"0s\"", "no copy", "write keep = \"1h\""],
    ),
    (
        12,
        "ttl = \"fixed\"\nguard = { policy = \"lock\", lock_ttl = \"100ms\" }",
        "",
        Warned,
        &["\"lock\"", "100ms (lock_ttl)", "latency \"lognormal\"", "write lock_ttl ="],
    ),
    (
        12,
        "ttl = \"fixed\"\nguard = { policy = \"lease\", token_interval = \"100ms\" }",
        "",
        Warned,
        &["\"lease\"", "100ms (token_interval)", "latency \"lognormal\"", "write token_interval ="],
    ),
    (
        12,
        "ttl = \"fixed\"\nguard = \"lock\"",
        "[client]\ntimeout = \"3s\"",
        Refused,
        &["\"lock\"", "wait_timeout", "timeout is 3s", "write wait_timeout = \"1s500ms\""],
    ),
    (
        13,
        "ttl = \"fixed\"\nrefresh = { policy = \"timer\", period = \"1s\", workers = 1 }",
        "",
        Refused,
        &["\"timer\"", "1 workers", "period of 1s", "write workers = "],
    ),
    (
        13,
        "ttl = \"fixed\"\nrefresh = { policy = \"timer\", period = \"1s\", workers = 1, scope = \"top-k\", top_k = 50 }",
        "",
        Refused,
        &["\"timer\"", "50 objects", "write workers = "],
    ),
    (
        13,
        "ttl = \"fixed\"\nrefresh = { policy = \"timer\", period = \"1h\", physical_ttl = \"1h\" }",
        "",
        Refused,
        &["physical_ttl (1h)", "period (1h)", "expire before", "write physical_ttl = \"2h\""],
    ),
    (
        14,
        "ttl = { rule = \"fixed\", ttl = \"10s\" }\nrefresh = { policy = \"refresh-ahead\", f = 0.99 }",
        "",
        Warned,
        &["\"refresh-ahead\" (f = 0.99)", "latency \"lognormal\"", "write a smaller f"],
    ),
    (
        15,
        "ttl = { rule = \"fixed\", modifiers = [{ modifier = \"jitter\", spread = 1 }] }",
        "",
        Refused,
        &["spread", "below 1", "leave it out for the default"],
    ),
    (
        15,
        "ttl = { rule = \"fixed\", ttl = \"10s\", modifiers = [{ modifier = \"jitter\", mode = \"additive\", most = \"11s\" }] }",
        "",
        Warned,
        &["\"jitter\"", "11s (most)", "\"fixed\" (10s)", "write most = \"1s\""],
    ),
    (
        16,
        "ttl = \"fixed\"\nsweep = { policy = \"zset-sweep\", limit_entries = 10 }",
        "[cache]\ncapacity = \"1MiB\"\neviction = \"lru\"",
        Warned,
        &["\"zset-sweep\"", "\"lru\"", "two evictors", "ghost", "write eviction = \"noeviction\""],
    ),
    (
        16,
        "ttl = \"fixed\"\nsweep = { policy = \"zset-sweep\", limit_entries = 10 }",
        "[cache]\ncapacity = \"1MiB\"\neviction = \"noeviction\"",
        Warned,
        &["\"zset-sweep\"", "\"noeviction\"", "between two sweeps", "leave room"],
    ),
    (
        17,
        "ttl = { rule = \"fixed\", ttl = \"10s\" }",
        "[client]\nnegative_ttl = \"1m\"",
        Warned,
        &["negative_ttl (1m)", "rule \"fixed\" (10s)", "write negative_ttl = \"1s\""],
    ),
    (
        18,
        "ttl = \"fixed\"",
        "[client]\ntimeout = \"1s\"\nlate_fill = \"discard\"\n[origin]\ncapacity = { model = \"servers\", servers = 2 }",
        Warned,
        &["late_fill = \"discard\"", "capacity", "metastable", "write late_fill = \"keep\""],
    ),
    (
        19,
        "ttl = \"fixed\"\nguard = \"single-flight\"",
        "[client]\nnodes = 4",
        Noted,
        &["\"single-flight\"", "nodes = 4", "routing = \"uniform\"", "up to 4 fetches"],
    ),
    (
        20,
        "ttl = { rule = \"fixed\", modifiers = [{ modifier = \"clamp\", min = \"5s\", max = \"2s\" }] }",
        "",
        Refused,
        &["min (5s)", "max (2s)", "write a min of at most max"],
    ),
    (
        20,
        "ttl = { rule = \"fixed\", ttl = \"500ms\" }",
        "[cache]\nttl_resolution = \"1s\"",
        Refused,
        &["ttl of 500ms", "ttl_resolution is 1s", "write a longer ttl"],
    ),
    (
        20,
        "ttl = { rule = \"class-table\", table = { al = \"1h\" } }",
        "",
        Refused,
        &["no class \"al\"", "there are: all", "did you mean \"all\"?"],
    ),
    (
        20,
        "ttl = { rule = \"change-rate\", table = { al = \"1d\" } }",
        "",
        Refused,
        &["no class \"al\"", "there are: all", "did you mean \"all\"?"],
    ),
    (
        20,
        "ttl = \"fixed\"\nrefresh = { policy = \"timer\", period = \"30m\", scope = \"class\", class = \"al\" }",
        "",
        Refused,
        &["no class is called \"al\"", "there are: all"],
    ),
    (
        11,
        "ttl = \"fixed\"\nrefresh = { policy = \"on-demand\", addons = [\"warm-on-upload\"] }",
        "",
        Refused,
        &["\"warm-on-upload\"", "changes is \"never\"", "write changes ="],
    ),
    (
        11,
        "ttl = \"fixed\"\nrefresh = { policy = \"on-demand\", addons = [{ addon = \"warm-on-upload\", cover = \"new\" }] }",
        "[origin]\nchanges = { model = \"poisson\", mean = \"7d\" }",
        Refused,
        &["\"warm-on-upload\"", "covers new images", "write churn ="],
    ),
    (
        0,
        "ttl = \"fixed\"\nsoft_expiry = \"pttl\"",
        "",
        Refused,
        &["soft_expiry", "\"on-demand\"", "nothing beyond its ttl", "leave it out"],
    ),
    (
        18,
        "ttl = \"fixed\"\nclient = { late_fill = \"discard\" }",
        "[client]\ntimeout = \"1s\"\n[origin]\ncapacity = { model = \"servers\", servers = 2 }",
        Warned,
        &["strategy \"s\"", "late_fill = \"discard\"", "write late_fill = \"keep\""],
    ),
    (
        0,
        "ttl = \"fixed\"\nclient = { breaker = { errors = 0 } }",
        "",
        Refused,
        &["errors, within and open_for", "above 0", "write breaker ="],
    ),
    (
        21,
        "ttl = \"fixed\"",
        "[cache]\ncapacity = \"1MiB\"\neviction = \"volatile-ttl\"\nmemory = \"redis\"",
        Noted,
        &["\"volatile-ttl\"", "rule \"fixed\"", "FIFO"],
    ),
    // A sweep undoes what would fetch anew; the issue of strategies calls the two legal.
    (
        3,
        "ttl = \"fixed\"\nrefresh = \"xfetch\"\nsweep = { policy = \"zset-sweep\", limit_entries = 10 }",
        "",
        Warned,
        &["\"zset-sweep\"", "\"xfetch\"", "never renewed", "leave the sweep out"],
    ),
    (
        4,
        "ttl = { rule = \"class-table\", table = { all = \"none\" } }\nrefresh = \"stale-while-revalidate\"",
        "",
        Refused,
        &["\"stale-while-revalidate\"", "\"class-table\" gives none to any class", "on-demand"],
    ),
    (
        20,
        "ttl = { rule = \"class-table\", table = { all = \"10ms\" } }",
        "[cache]\nttl_resolution = \"1s\"",
        Refused,
        &["table of 10ms", "ttl_resolution is 1s", "write a longer ttl"],
    ),
    (
        20,
        "ttl = { rule = \"fixed\", modifiers = [{ modifier = \"clamp\", min = \"100ms\", max = \"500ms\" }] }",
        "[cache]\nttl_resolution = \"1s\"",
        Refused,
        &["\"clamp\" has a max of 500ms", "ttl_resolution is 1s"],
    ),
    (
        0,
        "ttl = { rule = \"fixed\", modifiers = [{ modifier = \"jitter\", mode = \"additive\", most = \"5m\", spread = 0.3 }] }",
        "",
        Warned,
        &["spread", "\"jitter\"", "changes nothing", "leave spread out"],
    ),
    (
        0,
        "ttl = \"fixed\"\nguard = { policy = \"lease\", window = \"5m\" }",
        "",
        Warned,
        &["window", "\"lease\"", "stale_ok is false", "leave window out"],
    ),
    (
        0,
        "ttl = \"fixed\"\nallow_two_controllers = true",
        "",
        Warned,
        &["allow_two_controllers changes nothing", "leave it out"],
    ),
    (
        0,
        "ttl = \"fixed\"\nclient = { backoff = \"5s\", backoff_cap = \"1s\" }",
        "",
        Refused,
        &["backoff_cap (1s)", "backoff (5s)", "write backoff_cap = \"5s\""],
    ),
    // The pipeline's order, which stands in no row of its own.
    (
        0,
        "ttl = { rule = \"fixed\", modifiers = [\"jitter\", \"clamp\"] }",
        "",
        Refused,
        &[
            "\"clamp\" stands after",
            "\"jitter\"",
            "schedule, activity, load-adaptive, clamp",
            "write \"clamp\" before",
        ],
    ),
];

/// Warnings, notes, and warnings once the trace is known.
type Remarks = (Vec<String>, Vec<String>, Vec<String>);

/// What is said of a row's combination; an error is a refusal.
fn said(row: &Row) -> Result<Remarks, String> {
    let (_, strategy, sections, ..) = row;
    let text = format!(
        "name = \"pair\"\n[workload]\nduration = \"1m\"\nrate = \"100/s\"\n[[workload.class]]\nname = \"all\"\n\
         objects = 100\n[[strategy]]\nname = \"s\"\n{strategy}\n{sections}\n"
    );
    let scenario = Scenario::parse(&text, "pair.toml").map_err(|error| {
        let mistake = &error.mistakes[0];
        let remedy = mistake.help.is_some()
            || error.to_string().contains("there are:")
            || error.to_string().contains("needs \"");
        assert!(remedy, "row {}: nothing says what to write instead: {error}", row.0);
        error.to_string()
    })?;
    let Source::Synthetic(workload) = &scenario.source else { unreachable!("it has a [workload]") };
    let on_trace = scenario.warnings_on(&generate(workload, Seed::new(1)));
    Ok((scenario.warnings, scenario.notes, on_trace))
}

#[test]
fn every_row_gets_its_verdict_and_a_message_that_helps() {
    for row in TABLE {
        let (number, strategy, _, verdict, parts) = row;
        let messages = match (said(row), verdict) {
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
    let plain = (0, "ttl = \"fixed\"\nguard = \"single-flight\"", "", Noted, &[][..]);
    assert_eq!(said(&plain), Ok((Vec::new(), Vec::new(), Vec::new())));
    let reachable = (9, "ttl = { rule = \"d-ttl\", target = 0.8 }", "", Noted, &[][..]);
    assert_eq!(said(&reachable), Ok((Vec::new(), Vec::new(), Vec::new())));
}
