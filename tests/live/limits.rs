//! What a live server does at its limit of memory, and which settings it takes, beside the model.

use std::sync::Arc;
use std::time::Duration;

use ttlab::cache::command::{Connection, WallClock};
use ttlab::cache::redis::Settings;
use ttlab::scenario::Scenario;
use ttlab::trace::Trace;
use ttlab::units::SimDuration;

use super::commands::{as_answer, micros};
use super::harness::{calls, folder, keys, record, run, said, scenario};
use super::model;
use super::resp::{Answer, Client};
use super::server::Server;

#[test]
fn a_full_server_refuses_writes_and_nothing_else() {
    const SIZE: u32 = 100_000;
    const LIMIT: u64 = 1_500_000;
    let settings = ["--maxmemory", "1500000", "--latency-tracking", "no"];
    let Some(server) = Server::start(&settings) else { return };
    let mut client = server.client();
    let keys: Vec<String> = (0..8).map(|number| format!("key:{number}")).collect();
    let objects = model::objects(keys.iter().map(|key| (key.as_str(), SIZE)));
    let trace = Arc::new(Trace::new(Vec::new(), Vec::new(), objects, SimDuration::ZERO));
    let clock = WallClock::starting_at(micros() / 1_000);
    let mut model = Connection::new(model::redis(&trace, "noeviction", LIMIT, 0, 0), clock);
    let value = "v".repeat(SIZE as usize);
    let mut lines: Vec<Vec<&str>> = keys.iter().map(|key| vec!["SET", key, &value]).collect();
    lines.extend([
        // Refused before their conditions and options are looked at.
        vec!["SET", "key:0", &value, "NX"],
        vec!["SET", "key:7", &value, "XX"],
        vec!["SET", "key:0", &value, "EX", "0"],
        vec!["SET", "key:0", &value, "FOO"],
        vec!["SET", "key:0", &value, "EX", "ten"],
        vec!["SETEX", "key:0", "ten", &value],
        // Too few words are found before, and reads are not refused.
        vec!["SET", "key:0"],
        vec!["GETEX", "key:0", "FOO"],
        vec!["GET", "key:0"],
        vec!["EXPIRE", "key:0", "100"],
        vec!["TTL", "key:0"],
        vec!["GETEX", "key:0", "PERSIST"],
        vec!["GETDEL", "key:0"],
        vec!["DEL", "key:1", "key:2"],
        vec!["SET", "key:7", &value, "PX", "100000"],
    ]);
    let mut refused = 0;
    for words in lines {
        let reply = as_answer(model.send(&words, clock.instant(micros() / 1_000)));
        let answer = client.ask(&words);
        assert!(reply == answer, "{:?}: the model and the server differ", [words[0], words[1]]);
        refused += u32::from(matches!(answer, Answer::Error(_)));
    }
    assert!((9..13).contains(&refused), "{refused} writes were refused");
}

#[test]
fn settings_are_kept_in_31_bits_and_many_connections_call_the_cron_more_often() {
    const CLIENTS: usize = 402;
    let Some(server) = Server::start(&["--hz", "1"]) else { return };
    let mut client = server.client();
    for key in ["maxmemory-samples", "lfu-log-factor", "lfu-decay-time", "hz"] {
        for (value, is_kept) in [("2147483647", true), ("2147483648", false)] {
            let answer = client.ask(&["CONFIG", "SET", key, value]);
            assert_eq!(!matches!(answer, Answer::Error(_)), is_kept, "{key} {value}: {answer:?}");
            let scenario = format!(
                "name = \"t\"\n[workload]\nduration = \"1s\"\n[cache]\neviction = \"allkeys-lru\"\ncapacity = \"9MiB\"\n{key} = {value}\n\
                 [[strategy]]\nname = \"s\"\nttl = \"none\"\n"
            );
            let read = Scenario::parse(&scenario, "t.toml");
            assert_eq!(
                read.is_ok(),
                is_kept,
                "{key} {value}: {:?}",
                read.err().map(|error| error.to_string())
            );
        }
    }
    client.must(&["CONFIG", "SET", "hz", "1"]);
    let others: Vec<Client> = (1..CLIENTS).map(|_| server.client()).collect();
    let wanted = u64::from(Settings { hz: 1, ..Settings::default() }.effective_hz(CLIENTS));
    assert_eq!(wanted, 4);
    // The next call of the cron sees to it.
    for _ in 0..500 {
        if client.info("hz") == wanted {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!((client.info("hz"), client.info("configured_hz")), (wanted, 1));
    drop(others);
}

#[test]
fn a_server_with_a_limit_of_its_own_is_told_with_that_and_nothing_is_recommended() {
    let Some(server) = Server::start(&["--maxmemory", "3000000", "--maxmemory-policy", "allkeys-random"])
    else {
        return;
    };
    let second = "baseline = true\n[[strategy]]\nname = \"y\"\nttl = { rule = \"fixed\", ttl = \"2s\" }";
    let folder = folder(&scenario("\"none\"", second).replace("\"3s\"", "\"1s\""));
    for (words, is_withheld) in [(&["--redis"][..], true), (&["--configure", "--redis"], false)] {
        let url = server.url();
        let output = run(folder.path(), &[words, &[&url]].concat());
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(
            told.contains(
                "Nothing is recommended: the server kept to a limit of its own (allkeys-random at 2.86 MiB"
            ),
            is_withheld,
            "{told}"
        );
        assert_eq!(told.contains("7.63 MiB"), !is_withheld, "{told}");
        let record = record(folder.path());
        let bytes = if is_withheld { 3_000_000 } else { 8_000_000 };
        for cell in record["cells"].as_array().expect("there are cells") {
            assert_eq!(cell["capacity"]["bytes"], bytes, "{cell}");
        }
        assert_eq!(record["scoring"]["winner"].is_null(), is_withheld);
    }
}

#[test]
fn where_a_server_evicts_a_live_record_says_what_its_causes_of_misses_are_worth() {
    let Some(_) = Server::start(&[]) else { return };
    let text = scenario("\"none\"", "").replace("200/s", "2_000/s").replace("= 200,", "= 5_000,");
    for (capacity, evicts) in [("\"1500KB\"", true), ("\"40MB\"", false)] {
        let folder = folder(&text.replace("\"8MB\"", capacity));
        let output = run(folder.path(), &["--spawn"]);
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        let notes = record(folder.path())["provenance"]["notes"].to_string();
        let told =
            ["tells of none why it is gone", "miss_expired is an upper bound and miss_evicted a lower one"];
        assert!(told.iter().all(|told| notes.contains(told) == evicts), "{notes}");
        let page = std::fs::read_to_string(folder.path().join("out/index.html")).expect("there is a page");
        assert_eq!(page.contains("miss_expired is an upper bound"), evicts);
    }
}

#[test]
fn fills_that_a_server_refused_are_told_and_no_cell_is_recommended_that_holds_nothing() {
    let Some(_) = Server::start(&[]) else { return };
    let text = scenario("\"none\"", "").replace("200/s", "2_000/s").replace("= 200,", "= 5_000,");
    let text = text.replace("allkeys-lru", "noeviction").replace("\"8MB\"", "\"1300KB\"");
    let folder = folder(&text);
    let output = run(folder.path(), &["--spawn"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let told = String::from_utf8_lossy(&output.stdout).into_owned() + &said(&output);
    for words in [
        "fills were refused: the server was out of memory",
        "Nothing is recommended: of what comes out ahead (x, 1.24 MiB)",
        "of values were sent, of which ",
    ] {
        assert!(told.contains(words), "{words} is missing in: {told}");
    }
    assert!(!told.contains("Use x"), "{told}");
    let summary = std::fs::read_to_string(folder.path().join("out/summary.md")).expect("there is one");
    assert!(summary.contains("fills were refused: the server was out of memory"), "{summary}");
    let record = record(folder.path());
    assert!(
        record["scoring"]["winner"].is_null() && record["cells"][0]["out_of_memory"].as_u64() > Some(1_000)
    );
}

#[test]
fn a_server_without_room_for_a_key_is_told_before_anything_is_written() {
    let Some(server) = Server::start(&["--maxmemory", "700000"]) else { return };
    let folder =
        folder(&scenario("\"none\"", "").replace("\"3s\"", "\"500ms\"").replace("\"8MB\"", "\"700KB\""));
    let url = server.url();
    for (words, told) in
        [(&[][..], "a maxmemory of 700000: "), (&["--configure"], "would limit the server to 700000 ")]
    {
        let output = run(folder.path(), &[words, &["--redis", &url]].concat());
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        let said = said(&output);
        assert!(said.contains("there is no room for keys, and writes") && said.contains(told), "{said}");
        assert!(!folder.path().join("out").exists(), "nothing is written");
    }
    let mut client = server.client();
    assert_eq!((keys(&mut client), calls(&mut client, "set")), (0, 0));
    // A server of its own is played as the cell says, and told at once.
    let output = run(folder.path(), &["--spawn"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let said = said(&output);
    let parts =
        ["the server that was started has ", "give [cache] a larger capacity", "fills were refused: "];
    let places: Vec<_> = parts.iter().map(|part| said.find(part)).collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{said}");
}
