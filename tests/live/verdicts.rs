//! What `ttlab validate` judges, and what it leaves alone: at a higher speed, on servers that others use, beside a real origin.

#![expect(clippy::disallowed_methods, reason = "a fake server begins at an instant")]

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use serde_json::Value;

use super::fake::Fake;
use super::harness::{QUIET, by_the_second_draw, far_outside, folder, said, scenario};
use super::resp::Client;
use super::server::Server;
use super::web::{Script, Web};

/// A validation: its exit status, its figures, and all that was said.
fn validated(folder: &Path, words: &[&str]) -> (Option<i32>, Vec<Value>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ttlab"));
    command.current_dir(folder).args(["validate", "small.toml", "--out", "out"]).args(words);
    let output = command.output().expect("ttlab can be started");
    let told = String::from_utf8_lossy(&output.stdout).into_owned() + &said(&output);
    let text =
        std::fs::read_to_string(folder.join("out/validation.json")).unwrap_or_else(|_| panic!("{told}"));
    let json: Value = serde_json::from_str(&text).expect("it is JSON");
    let rows = json["cells"][0]["rows"].as_array().expect("there are figures").clone();
    (output.status.code(), rows, told)
}

fn row<'r>(rows: &'r [Value], what: &str) -> &'r Value {
    rows.iter().find(|row| row["what"] == what).unwrap_or_else(|| panic!("{what} is missing"))
}

const MEMORY: [&str; 2] = ["used_memory at the end", "used_memory, mean"];

/// The figures of a validation in which all that is judged is as predicted.
fn as_predicted(text: &str, words: &[&str]) -> (Vec<Value>, String) {
    by_the_second_draw(|| {
        let folder = folder(text);
        let (status, rows, told) = validated(folder.path(), words);
        assert_eq!(far_outside(&rows), [""; 0], "{told}");
        if status == Some(0) { Ok((rows, told)) } else { Err((status, told)) }
    })
}

fn is_judged(row: &Value) -> bool {
    ["inside", "within-chance"].iter().any(|word| row["judgement"] == *word)
}

/// Times that are long beside the harness's milliseconds at a higher speed.
fn unhurried() -> String {
    let text =
        scenario("\"single-flight\"", "").replace("\"3s\"", "\"40s\"").replace("\"20ms\"", "\"400ms\"");
    text.replace("ttl = \"1s\"", "ttl = \"5s\"")
}

#[test]
fn a_trace_played_faster_is_as_predicted_where_its_times_are_long() {
    let Some(_) = Server::start(&[]) else { return };
    let (rows, told) = as_predicted(&unhurried(), &["--spawn", "--speed", "4", "--seed", "3"]);
    for what in ["fresh hits", "delayed hits", "misses, expired or evicted", "origin fetches"] {
        assert!(is_judged(row(&rows, what)), "{}", row(&rows, what));
    }
    assert!(told.contains("the trace of seed 3 was played 4 times faster, by ttlab "), "{told}");
}

/// The scenario of a server that is full of small values, shorter and under one policy.
fn crowded() -> String {
    let text = include_str!("../../scenarios/live-crowded.toml").replace("\"25s\"", "\"15s\"");
    text.replace("[\"allkeys-lru\", \"allkeys-random\", \"volatile-ttl\"]", "\"allkeys-lru\"")
}

#[test]
fn keys_beside_values_leave_a_full_server_as_they_leave_the_model() {
    let Some(_) = Server::start(&[]) else { return };
    for strategy in ["lease", "stale, sidecar"] {
        let (rows, told) = as_predicted(&crowded(), &["--spawn", "--strategy", strategy]);
        for what in ["fresh hits", "misses, expired or evicted", "entries evicted", "used_memory, mean"] {
            assert!(is_judged(row(&rows, what)), "{strategy}: {} {told}", row(&rows, what));
        }
    }
}

#[test]
fn the_harnesss_own_milliseconds_are_no_result_of_a_server() {
    let Some(_) = Server::start(&[]) else { return };
    let text = unhurried().replace("\"400ms\"", "\"20ms\"") + "\n[client]\ntimeout = \"60ms\"\n";
    let folder = folder(&text);
    let (status, rows, told) = validated(folder.path(), &["--spawn", "--speed", "20"]);
    assert_eq!(status, Some(3), "{told}");
    assert!(rows.iter().all(|row| row["judgement"] == "not-judged"), "{told}");
    assert!(
        told.contains("client-limited: at --speed 20") && told.contains("the median time of a fetch (20 ms)"),
        "{told}"
    );
}

/// Writes so many keys of two kilobytes.
fn filled(client: &mut Client, keys: usize) {
    let value = "v".repeat(2_000);
    for nth in 0..keys {
        client.queue(&["SET", &format!("others:{nth}"), &value]);
    }
    client.flush();
    (0..keys).for_each(|_| {
        client.read();
    });
}

/// Three seconds of fetches that are long beside what a busy machine is late by.
fn slow() -> String {
    scenario("\"none\"", "").replace("\"20ms\"", "\"100ms\"")
}

/// The same without a limit.
fn unlimited() -> String {
    slow().replace("capacity = \"8MB\"", "").replace("eviction = \"allkeys-lru\"", "")
}

#[test]
fn a_server_that_was_used_before_is_compared_by_what_the_run_adds() {
    let Some(server) = Server::start(&[]) else { return };
    let mut client = server.client();
    filled(&mut client, 20_000);
    client.must(&["GET", "others:1"]);
    client.must(&["FLUSHALL"]);
    for kind in
        [&["HSET", "h", "f", "v"][..], &["LPUSH", "l", "v"], &["ZADD", "z", "1", "v"], &["SADD", "s", "v"]]
    {
        client.must(kind);
    }
    client.must(&["FLUSHALL"]);
    drop(client);
    let (rows, told) = as_predicted(&unlimited(), &["--redis", &server.url()]);
    for what in MEMORY {
        assert!(is_judged(row(&rows, what)), "{}", row(&rows, what));
    }
    assert!(told.contains("more in use than one that has just been started"), "{told}");
}

#[test]
fn where_others_hold_keys_what_counts_theirs_too_is_not_judged() {
    let Some(server) = Server::start(&[]) else { return };
    filled(&mut server.client(), 200);
    let (rows, _) = as_predicted(&unlimited(), &["--redis", &server.url(), "--allow-nonempty"]);
    for what in MEMORY.into_iter().chain(["entries evicted", "entries expired"]) {
        let row = row(&rows, what);
        assert!(row["why"].as_str().is_some_and(|why| why.contains("others hold keys")), "{row}");
    }
    assert!(is_judged(row(&rows, "fresh hits")), "{}", row(&rows, "fresh hits"));
    // A limit holds for theirs as well.
    let folder = folder(&scenario("\"none\"", ""));
    let words = ["--redis", &server.url(), "--allow-nonempty", "--configure"];
    let (status, rows, told) = validated(folder.path(), &words);
    assert_eq!(status, Some(3), "{told}");
    assert!(rows.iter().all(|row| row["judgement"] == "not-judged"), "{told}");
}

#[test]
fn a_small_server_of_its_own_has_the_memory_that_is_predicted_with_its_histograms() {
    let Some(_) = Server::start(&[]) else { return };
    let text = slow().replace("\"8MB\"", "\"1500KB\"");
    let (rows, told) = as_predicted(&text, &["--spawn"]);
    for what in MEMORY {
        assert!(is_judged(row(&rows, what)), "{}", row(&rows, what));
    }
    assert!(
        !told.contains("in use than"),
        "it has just been started, and only the harness has asked it: {told}"
    );
}

#[test]
fn memory_of_a_server_that_counts_otherwise_is_shown_and_not_judged() {
    let fake = Fake::start(Instant::now(), QUIET, "mem_allocator:libc\r\n", false);
    let folder = folder(&unlimited());
    let (_, rows, told) = validated(folder.path(), &["--redis", &fake.url()]);
    assert!(
        told.contains("modelled for Redis 7.0 with jemalloc, and this is Redis 7.0.0 with libc"),
        "{told}"
    );
    for what in MEMORY {
        let row = row(&rows, what);
        assert!(row["why"].as_str().is_some_and(|why| why.contains("otherwise than Redis 7.0")), "{row}");
        // A mean over time of what is always the same, in floating point.
        let shown = row["measured"].as_f64().unwrap_or(f64::NAN);
        assert!((shown - 1_000.0).abs() < 1e-6, "it is shown: {row}");
    }
    assert!(row(&rows, "fresh hits")["judgement"] != "not-judged", "{told}");
}

#[test]
fn buffers_of_a_connection_whose_replies_bunch_are_no_error_of_the_model() {
    let Some(_) = Server::start(&[]) else { return };
    // So little memory and so many replies that the reply buffer of one connection is a hundredth of it.
    let text = unlimited().replace("= 200,", "= 40,").replace("200/s", "2_000/s").replace("\"3s\"", "\"6s\"");
    let (rows, told) = as_predicted(&(text + "\n[time]\nbucket = \"1s\"\n"), &["--spawn"]);
    for what in MEMORY.into_iter().chain(["used_memory over time, most"]) {
        let row = row(&rows, what);
        assert!(is_judged(row) && row["tolerance"] == 1.0, "{row}");
        let buffers = row["buffers_bytes"].as_f64().unwrap_or_else(|| panic!("{row}"));
        assert!((2_000.0..40_000.0).contains(&buffers), "{row}");
    }
    assert!(told.contains("(mem_clients_normal)"), "{told}");
}

#[test]
fn waits_are_as_predicted_beside_what_harness_and_network_add() {
    let Some(_) = Server::start(&[]) else { return };
    // Enough requests for 999 of 1000 of them.
    let (rows, told) = as_predicted(&slow().replace("200/s", "4_000/s"), &["--spawn"]);
    for what in ["50 of 100", "90 of 100", "99 of 100", "999 of 1000"] {
        let row = row(&rows, &format!("wait, {what} requests"));
        assert!(is_judged(row) && row["tolerance"].as_f64().is_some_and(|most| most > 1.0), "{row}");
    }
    assert!(told.contains("A wait may differ by what harness and network add"), "{told}");
}

#[test]
fn where_every_request_fails_nothing_is_said_of_hits() {
    let Some(_) = Server::start(&[]) else { return };
    let failing = slow().replace(
        "[origin]",
        "[origin]\nfaults = [{ fault = \"errors\", at = \"0s\", lasts = \"3s\", share = 1.0 }]",
    );
    let folder = folder(&failing);
    let (status, rows, told) = validated(folder.path(), &["--spawn"]);
    assert_eq!(status, Some(3), "{told}");
    assert_eq!(row(&rows, "fresh hits")["why"], "neither side has any");
    assert!(told.contains("no share of hits or misses is judged"), "{told}");
}

#[test]
fn brief_ttls_of_few_values_spoil_no_run() {
    let Some(_) = Server::start(&[]) else { return };
    let brief =
        "{ name = \"brief\", objects = 20, share = 0.03, size = { model = \"constant\", value = \"1KiB\" } }";
    let text = slow().replace("objects = 200,", "objects = 200, share = 0.97,");
    let text = text.replace("class = [", &format!("class = [{brief}, "));
    let table = "{ rule = \"class-table\", table = { thumbnail = \"1s\", brief = \"5ms\" } }";
    let (rows, _) = as_predicted(&text.replace("{ rule = \"fixed\", ttl = \"1s\" }", table), &["--spawn"]);
    assert!(is_judged(row(&rows, "fresh hits")), "{}", row(&rows, "fresh hits"));
}

#[test]
fn fetches_of_two_milliseconds_are_too_short_for_the_harness_at_any_speed() {
    let Some(_) = Server::start(&[]) else { return };
    let folder = folder(&slow().replace("\"100ms\"", "\"2ms\""));
    let (status, rows, told) = validated(folder.path(), &["--spawn"]);
    assert_eq!(status, Some(3), "{told}");
    assert!(rows.iter().all(|row| row["judgement"] == "not-judged"), "{told}");
    assert!(
        told.contains("client-limited: ") && told.contains("the median time of a fetch (2 ms)"),
        "{told}"
    );
}

#[test]
fn beside_a_real_origin_nothing_is_judged() {
    let Some(_) = Server::start(&[]) else { return };
    let web = Web::start(Script::default());
    let folder = folder(&scenario("\"none\"", ""));
    let (status, rows, told) =
        validated(folder.path(), &["--spawn", "--origin", &web.url("/img/{key}?token=s3cret")]);
    assert_eq!(status, Some(3), "{told}");
    let is_left_alone =
        |row: &Value| row["why"].as_str().is_some_and(|why| why.contains("a real origin answered"));
    assert!(rows.iter().all(is_left_alone), "{told}");
    let page = std::fs::read_to_string(folder.path().join("out/index.html")).expect("there is a page");
    assert!(!page.contains("s3cret") && !told.contains("s3cret"), "{told}");
    assert!(page.contains("--origin URL") && page.contains("Measured on Redis 7.0"), "{told}");
}
