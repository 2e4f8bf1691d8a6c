//! What a live run sends to a server that is not its own, and what it leaves there.

#![expect(clippy::disallowed_methods, reason = "a live run follows the wall clock")]

use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use super::harness::{calls, command, folder, measured, names, options, played_with, said, scenario};
use super::resp::{Answer, Client};
use super::server::Server;

/// Keys of others: one that is named like an image, a lock and the sweep's set, each without the prefix of a run.
const OTHERS: [&str; 4] = ["image_access_times", "lock:thumbnail/3", "others", "thumbnail/3"];

fn write_others(client: &mut Client) {
    for name in OTHERS {
        client.must(&["SET", name, "theirs"]);
    }
}

/// The keys of others are as they were; the names of all that is there beside them.
fn beside_others(client: &mut Client) -> Vec<String> {
    for name in OTHERS {
        assert_eq!(client.ask(&["GET", name]), Answer::Bulk(Some(b"theirs".to_vec())), "{name}");
        assert_eq!(client.ask(&["TTL", name]), Answer::Integer(-1), "{name}");
    }
    let mut names = names(client);
    names.retain(|name| !OTHERS.contains(&name.as_str()));
    names
}

/// Waits until a server holds so many keys of a run, and gives their names.
fn in_the_middle(client: &mut Client, wanted: usize) -> Vec<String> {
    let begun = Instant::now();
    loop {
        let names = beside_others(client);
        if names.len() >= wanted {
            return names;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "it writes no keys");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn interrupt(child: &Child) {
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(killed.expect("there is a kill").success());
}

/// A lock around every fetch of half a second, and a sweep that keeps 60 images.
fn locked_and_swept() -> String {
    let text = scenario(
        "{ policy = \"lock\", lock_ttl = \"2s\", poll = \"20ms\" }",
        "sweep = { policy = \"zset-sweep\", period = \"500ms\", limit_entries = 60, purge = \"by-score\" }",
    );
    text.replace("\"20ms\" }\n        [cache]", "\"100ms\" }\n        [cache]")
}

/// All commands that a server was sent while something was done, as MONITOR tells them; scripts' own ones too.
fn monitored(server: &Server, work: impl FnOnce()) -> Vec<Vec<String>> {
    let mut watch = server.client();
    assert_eq!(watch.ask(&["MONITOR"]), Answer::Status("OK".to_owned()));
    work();
    server.client().must(&["ECHO", "that is all"]);
    let mut seen = Vec::new();
    loop {
        let Answer::Status(line) = watch.read() else { panic!("MONITOR tells lines") };
        if line.contains("that is all") {
            return seen;
        }
        // A time, a database with an address, and the words, each in quotes.
        let (_, words) = line.split_once("] ").expect("it tells who sent it");
        let words = words.trim_matches('"').split("\" \"").map(str::to_owned);
        seen.push(words.collect());
    }
}

#[test]
fn a_run_keeps_to_its_prefix_from_its_first_command_to_its_last() {
    let Some(server) = Server::start(&[]) else { return };
    let mut client = server.client();
    write_others(&mut client);
    let folder = folder(&locked_and_swept());
    let seen = monitored(&server, || {
        let words = ["--redis", &server.url(), "--allow-nonempty", "--prefix", "t:"];
        let child = command(folder.path(), &words).spawn().expect("ttlab can be started");
        // Images, a lock and the set.
        let names = in_the_middle(&mut client, 30);
        assert!(names.iter().all(|name| name.starts_with("t:")), "{names:?}");
        assert!(names.iter().any(|name| name == "t:image_access_times"), "{names:?}");
        let output = child.wait_with_output().expect("it ends");
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    });
    assert_eq!(beside_others(&mut client), [""; 0], "nothing of the run is left");
    let mut locked = 0;
    for words in &seen {
        let named: &[String] = match words[0].to_ascii_uppercase().as_str() {
            "GET" | "SET" if OTHERS.contains(&words[1].as_str()) => continue,
            "GET" | "SET" | "PEXPIRE" | "DEL" | "ZCARD" | "ZRANGE" | "ZREMRANGEBYSCORE"
            | "ZREMRANGEBYRANK" => &words[1..2],
            "ZADD" | "UNLINK" | "EXISTS" => &words[1..],
            "EVALSHA" | "EVAL" => &words[3..4],
            "TTL" | "KEYS" | "ECHO" | "INFO" | "CONFIG" | "CLIENT" | "SCRIPT" | "COMMAND" | "HELLO"
            | "PING" => &[],
            other => panic!("nobody expects {other}: {words:?}"),
        };
        locked += u64::from(named.first().is_some_and(|name| name.starts_with("t:lock:thumbnail/")));
        let is_own = |name: &String| name.starts_with("t:") || name.parse::<u64>().is_ok();
        assert!(named.iter().all(is_own), "{words:?}");
    }
    assert!(locked > 0, "locks are keys too");
}

#[test]
fn keys_that_others_have_under_the_prefix_are_left_alone() {
    let Some(server) = Server::start(&[]) else { return };
    let mut client = server.client();
    let folder = folder(&locked_and_swept());
    for name in ["t:thumbnail/3", "t:lock:thumbnail/199", "t:image_access_times"] {
        client.must(&["SET", name, "theirs"]);
        let url = server.url();
        let words = ["--redis", &url, "--allow-nonempty", "--prefix", "t:"];
        let output = command(folder.path(), &words).output().expect("ttlab can be started");
        assert_eq!(output.status.code(), Some(2), "{name}: {}", said(&output));
        assert!(
            said(&output).contains("1 keys by names of this run are on the server already"),
            "{}",
            said(&output)
        );
        assert_eq!(client.ask(&["GET", name]), Answer::Bulk(Some(b"theirs".to_vec())), "{name}");
        assert_eq!(names(&mut client), [name], "nothing else was written");
        client.must(&["DEL", name]);
    }
}

#[test]
fn a_lock_and_a_sweep_are_commands_to_the_server() {
    /// Requests of half a second.
    const LATE: u64 = 100;
    let Some(server) = Server::start(&[]) else { return };
    let mut counted = None;
    let seen = monitored(&server, || {
        let cell = played_with(&locked_and_swept(), &options(&server.url(), 1.0));
        counted = Some(measured(cell));
    });
    let run = counted.expect("it was played");
    let sent = |wanted: &[&str]| {
        let is_one = |words: &&Vec<String>| {
            words[0].eq_ignore_ascii_case(wanted[0])
                && wanted[1..].iter().all(|word| words.iter().any(|own| own == word))
        };
        seen.iter().filter(is_one).count() as u64
    };
    // Who takes a lock fetches, and gives it back in a script.
    let (fetches, given_back) = (run.origin.fetches, sent(&["EVALSHA"]));
    assert!(fetches > 50, "{fetches}");
    let locks = sent(&["SET", "NX", "PX"]);
    assert!(locks >= given_back && locks >= fetches, "{locks} locks for {fetches} fetches");
    // A script that the server does not know yet is sent once more, and what comes late on a busy machine, after the end,
    // is no part of the run.
    assert!(given_back.abs_diff(fetches) <= LATE, "{given_back} locks given back after {fetches} fetches");
    let requests = run.totals.outcomes.total();
    let (noted, prolonged) = (sent(&["ZADD"]), sent(&["PEXPIRE"]));
    assert!(noted.abs_diff(requests) <= LATE, "{noted} ZADDs for {requests} requests");
    assert!(prolonged > requests / 4 && prolonged <= noted, "{prolonged} PEXPIREs");
    for command in ["ZCARD", "ZRANGE", "ZREMRANGEBYRANK", "ZREMRANGEBYSCORE"] {
        assert!((1..50).contains(&sent(&[command])), "{} {command}", sent(&[command]));
        assert_eq!(calls(&mut server.client(), &command.to_lowercase()), sent(&[command]), "{command}");
    }
    let swept = run.sweeps.expect("there is a sweep");
    assert!(swept.removed > 20, "{} keys were swept", swept.removed);
}

#[test]
fn ctrl_c_gives_back_locks_and_settings_and_leaves_what_is_others() {
    let Some(server) = Server::start(&["--maxmemory-policy", "volatile-ttl"]) else { return };
    let mut client = server.client();
    write_others(&mut client);
    let text = locked_and_swept().replace("\"3s\"", "\"60s\"");
    let folder = folder(&text);
    let words = ["--redis", &server.url(), "--allow-nonempty", "--configure", "--prefix", "t:"];
    let child = command(folder.path(), &words).spawn().expect("ttlab can be started");
    let begun = Instant::now();
    // There is a lock while an image is fetched.
    while !in_the_middle(&mut client, 30).iter().any(|name| name.starts_with("t:lock:")) {
        assert!(begun.elapsed() < Duration::from_secs(30), "it takes no locks");
    }
    let setting = |client: &mut Client, name: &str| format!("{:?}", client.ask(&["CONFIG", "GET", name]));
    let is = |told: &str, value: &str| told.contains(&format!("{:?}", value.as_bytes().to_vec()));
    let [policy, limit] = ["maxmemory-policy", "maxmemory"].map(|name| setting(&mut client, name));
    assert!(is(&policy, "allkeys-lru") && is(&limit, "8000000"), "it is set for the run: {policy}, {limit}");
    interrupt(&child);
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(130), "{}", said(&output));
    assert!(
        said(&output)
            .contains("maxmemory-policy of the server was volatile-ttl, which is put back at the end"),
        "{}",
        said(&output)
    );
    assert_eq!(beside_others(&mut client), [""; 0], "locks and the set are removed as well");
    let [policy, limit] = ["maxmemory-policy", "maxmemory"].map(|name| setting(&mut client, name));
    assert!(is(&policy, "volatile-ttl") && is(&limit, "0"), "they are put back: {policy}, {limit}");
}

/// A folder with a `redis-server` in it that tells its process and what it was started with, and is the real one.
fn telling_server(folder: &Path) -> String {
    use std::os::unix::fs::PermissionsExt;
    let path = std::env::var("PATH").expect("there is a PATH");
    let script = format!(
        "#!/bin/sh\necho \"$$ $*\" > '{}'\nPATH='{path}' exec redis-server \"$@\"\n",
        folder.join("told").display()
    );
    let program = folder.join("redis-server");
    std::fs::write(&program, script).expect("it can be written");
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("it is ours");
    format!("{}:{path}", folder.display())
}

#[test]
fn ctrl_c_stops_a_server_that_was_started_and_removes_its_folder() {
    let Some(_) = Server::start(&[]) else { return };
    let folder = folder(&locked_and_swept().replace("\"3s\"", "\"60s\""));
    let bin = tempfile::tempdir().expect("a temporary folder can be made");
    let mut command = command(folder.path(), &["--spawn"]);
    let child = command.env("PATH", telling_server(bin.path())).spawn().expect("ttlab can be started");
    let begun = Instant::now();
    let told = loop {
        let told = std::fs::read_to_string(bin.path().join("told")).unwrap_or_default();
        if told.ends_with('\n') {
            break told;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "it starts no server");
        std::thread::sleep(Duration::from_millis(20));
    };
    let words: Vec<&str> = told.split_whitespace().collect();
    let after = |option: &str| {
        let place = words.iter().position(|word| *word == option).expect("it was told so");
        words[place + 1]
    };
    let port: u16 = after("--port").parse().expect("a port is a number");
    while Client::connect(port).is_err() {
        assert!(begun.elapsed() < Duration::from_secs(30), "the server does not come up: {told}");
        std::thread::sleep(Duration::from_millis(20));
    }
    std::thread::sleep(Duration::from_secs(1));
    assert!(Path::new(after("--dir")).is_dir(), "{told}");
    interrupt(&child);
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(130), "{}", said(&output));
    assert!(Client::connect(port).is_err(), "the server is stopped");
    let alive = Command::new("kill").args(["-0", words[0]]).output().expect("there is a kill");
    assert!(!alive.status.success(), "its process is gone");
    assert!(!Path::new(after("--dir")).exists(), "and so is its folder");
}
