//! Live runs on a server that takes few clients, and on one where something stays behind.

use std::process::{Command, Output};

use super::fake::{Fake, Script};
use super::harness::{folder, keys, run, said, scenario};
use super::server::Server;
use super::trouble::{in_the_middle, setting};

#[test]
fn too_few_clients_for_who_tidies_are_found_out_before_anything_is_written() {
    // One is our own, and eight are those of the run.
    let Some(server) = Server::start(&["--maxclients", "9", "--maxmemory", "7654321"]) else { return };
    let mut client = server.client();
    let folder = folder(&scenario("\"none\"", ""));
    for connections in ["8", "9"] {
        let words = ["--redis", &server.url(), "--configure", "--connections", connections];
        let output = run(folder.path(), &words);
        let said = said(&output);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("max number of clients") && said.contains("--connections"), "{said}");
        assert!(!said.contains("there is no server"), "{said}");
        assert_eq!((keys(&mut client), client.info("evicted_keys")), (0, 0));
        assert_eq!(setting(&mut client, "maxmemory"), "7654321");
    }
    let words = ["--redis", &server.url(), "--configure", "--connections", "7"];
    let output = run(folder.path(), &words);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!((keys(&mut client), setting(&mut client, "maxmemory")), (0, "7654321".to_owned()));
}

#[test]
fn a_run_tidies_over_its_own_connections_where_others_took_all_that_were_free() {
    let Some(server) = Server::start(&["--maxclients", "6", "--maxmemory", "7654321", "--hz", "7"]) else {
        return;
    };
    let mut client = server.client();
    let folder = folder(&scenario("\"none\"", ""));
    let words = ["--configure", "--connections", "2"];
    let child = in_the_middle(folder.path(), &server, &words, |client| keys(client) >= 20);
    let mut others: Vec<_> = (0..3).map(|_| server.client()).collect();
    others.iter_mut().for_each(|other| {
        other.must(&["PING"]);
    });
    let output = child.wait_with_output().expect("it ends");
    drop(others);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(keys(&mut client), 0, "{}", said(&output));
    let now = ["maxmemory", "hz"].map(|name| setting(&mut client, name));
    assert_eq!(now, ["7654321", "7"], "{}", said(&output));
}

/// What a command says of a server on which keys of the run stay.
fn of_one_that_keeps_keys(name: &str, words: &[&str]) -> Output {
    let fake = Fake::playing(&Script { value: Some("12345678"), keeps_keys: true, ..Script::default() });
    let folder = folder(&scenario("\"none\"", "").replace("\"3s\"", "\"1s\""));
    let mut command = Command::new(env!("CARGO_BIN_EXE_ttlab"));
    command.current_dir(folder.path()).args([name, "small.toml", "--redis", &fake.url()]).args(words);
    command.output().expect("ttlab can be started")
}

#[test]
fn a_run_that_leaves_something_behind_does_not_end_as_if_all_were_done() {
    let benchmark = ["--benchmark", "--p99", "1s", "--step", "200ms", "--max-rate", "1000/s"];
    let cases: [(&str, &[&str]); 5] = [
        ("live", &["--out", "out"]),
        ("live", &["--out", "out", "--quiet"]),
        ("live", &["--out", "out", "--json"]),
        ("validate", &["--out", "out", "--quiet"]),
        ("live", &benchmark),
    ];
    for (name, words) in cases {
        let output = of_one_that_keeps_keys(name, words);
        let said = said(&output);
        assert_eq!(output.status.code(), Some(3), "{name} {words:?}: {said}");
        assert!(said.contains("may still be on the server"), "{name} {words:?}: {said}");
    }
}
