//! `ttlab live` where something goes wrong: servers that fall silent, connections that die, cells that cannot begin,
//! impatient users.

#![expect(
    clippy::disallowed_methods,
    reason = "a live run follows the wall clock, and finds servers in the PATH"
)]

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::thread::{self, sleep};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use ttlab::live::{self, Options, Target};
use ttlab::scenario::{Scenario, Source};
use ttlab::trace::synth::generate;
use ttlab::tune::{self, Failure};
use ttlab::units::ByteSize;

use super::fake::{Fake, Script};
use super::harness::{
    QUIET, calls, folder, keys, measured, options, played_with, record, run, said, scenario,
};
use super::resp::{Answer, Client};
use super::server::Server;

/// `ttlab live` or another command, with other servers in the PATH before those that are there.
fn command(folder: &Path, name: &str, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ttlab"));
    command.current_dir(folder).args([name, "small.toml"]).args(words);
    if !words.contains(&"--benchmark") {
        command.args(["--out", "out"]);
    }
    command.env("PATH", format!("{}:{}", folder.display(), std::env::var("PATH").unwrap_or_default()));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Puts a script into the folder that is found in the place of `redis-server`.
fn stand_in(folder: &Path, script: &str) {
    let path = folder.join("redis-server");
    std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("the folder is our own");
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).expect("the file is our own");
}

/// Lets a scenario be played by servers of its own whose processes are known; what came of it.
pub(crate) fn spawning(folder: &Path) -> (Output, Vec<u32>) {
    stand_in(folder, "echo $$ >> pids\nexport PATH=\"${PATH#*:}\"\nexec redis-server \"$@\"");
    let output = command(folder, "live", &["--spawn"]).output().expect("ttlab can be started");
    (output, pids(folder))
}

fn pids(folder: &Path) -> Vec<u32> {
    let text = std::fs::read_to_string(folder.join("pids")).unwrap_or_default();
    text.lines().map(|line| line.parse().expect("a shell writes its number")).collect()
}

/// Whether a process is there.
pub(crate) fn is_alive(pid: u32) -> bool {
    signal(pid, "-0")
}

pub(crate) fn signal(pid: u32, which: &str) -> bool {
    let mut kill = Command::new("kill");
    kill.args([which, &pid.to_string()]).stderr(Stdio::null()).status().expect("there is a kill").success()
}

/// Waits until something holds, for half a minute at most.
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(30), "not within half a minute: {what}");
        sleep(Duration::from_millis(20));
    }
}

/// A scenario at a server, when something holds of that.
pub(crate) fn in_the_middle(
    folder: &Path,
    server: &Server,
    words: &[&str],
    mut holds: impl FnMut(&mut Client) -> bool,
) -> Child {
    let mut client = server.client();
    let url = server.url();
    let mut all = vec!["--redis", &url];
    all.extend(words);
    let child = command(folder, "live", &all).spawn().expect("ttlab can be started");
    until("the run is in its middle", || holds(&mut client));
    child
}

/// The same, when keys are written; with a client.
fn writing(folder: &Path, server: &Server, words: &[&str]) -> (Child, Client) {
    (in_the_middle(folder, server, words, |client| keys(client) >= 20), server.client())
}

/// What a command says that is interrupted now.
pub(crate) fn interrupted(child: Child) -> Output {
    assert!(signal(child.id(), "-INT"));
    child.wait_with_output().expect("it ends")
}

fn a_minute() -> String {
    scenario("\"none\"", "").replace("\"3s\"", "\"60s\"")
}

pub(crate) fn setting(client: &mut Client, name: &str) -> String {
    match client.ask(&["CONFIG", "GET", name]) {
        Answer::Array(pair) => match &pair[1] {
            Answer::Bulk(Some(value)) => String::from_utf8_lossy(value).into_owned(),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_script_that_starts_a_server_instead_of_being_one_is_told_and_its_server_ended() {
    let Some(_) = Server::start(&[]) else { return };
    let folder = folder(&scenario("\"none\"", ""));
    let script = "export PATH=\"${PATH#*:}\"\nredis-server \"$@\" &\necho $! >> pids\nwait";
    stand_in(folder.path(), script);
    let output = command(folder.path(), "live", &["--spawn"]).output().expect("ttlab can be started");
    let (said, servers) = (said(&output), pids(folder.path()));
    assert!(!output.status.success(), "{said}");
    assert_eq!(servers.len(), 1, "another attempt would end in the same way: {said}");
    let answers = format!("process {} answers on its port", servers[0]);
    assert!(said.contains(&answers) && said.contains("exec") && said.contains("--redis"), "{said}");
    until("its server ends", || !is_alive(servers[0]));
}

#[test]
fn a_server_that_falls_silent_ends_the_run_and_is_told() {
    let Some(server) = Server::start(&[]) else { return };
    let folder = folder(&a_minute());
    let (child, mut client) = writing(folder.path(), &server, &[]);
    let process = u32::try_from(client.info("process_id")).expect("a process has a number");
    assert!(signal(process, "-STOP"));
    let output = child.wait_with_output().expect("it ends");
    assert!(signal(process, "-CONT"));
    let said = said(&output);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("the server has not answered INFO for 15 s"), "{said}");
    assert!(said.contains("keys of this run may still be on the server"), "{said}");
}

#[test]
fn ctrl_c_ends_a_run_whose_server_has_fallen_silent() {
    let Some(server) = Server::start(&[]) else { return };
    let folder = folder(&a_minute());
    let (child, mut client) = writing(folder.path(), &server, &[]);
    let process = u32::try_from(client.info("process_id")).expect("a process has a number");
    assert!(signal(process, "-STOP"));
    sleep(Duration::from_millis(300));
    let asked = Instant::now();
    assert!(signal(child.id(), "-INT"));
    let output = child.wait_with_output().expect("it ends");
    assert!(asked.elapsed() < Duration::from_secs(14), "{:?}", asked.elapsed());
    assert!(signal(process, "-CONT"));
    let said = said(&output);
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert!(said.contains("keys of this run may still be on the server"), "{said}");
    assert!(!said.contains("the keys are removed"), "{said}");
}

#[test]
fn a_harness_that_was_stopped_does_not_catch_up_faster_than_is_allowed() {
    let Some(server) = Server::start(&[]) else { return };
    let folder = folder(&a_minute());
    let (child, mut client) = writing(folder.path(), &server, &["--max-rate", "300/s"]);
    assert!(signal(child.id(), "-STOP"));
    let before = calls(&mut client, "get");
    // Six hundred requests are due meanwhile.
    sleep(Duration::from_secs(3));
    assert!(signal(child.id(), "-CONT"));
    let output = child.wait_with_output().expect("it ends");
    let said = said(&output);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("client-limited") && said.contains("300 reads in a second (--max-rate)"), "{said}");
    let after = calls(&mut client, "get") - before;
    assert!((100..=320).contains(&after), "{after} reads came at once");
    assert_eq!(keys(&mut client), 0, "its keys are removed all the same");
}

#[test]
fn a_server_that_is_silent_from_the_beginning_is_told() {
    let Some(server) = Server::start(&[]) else { return };
    let process = u32::try_from(server.client().info("process_id")).expect("a process has a number");
    assert!(signal(process, "-STOP"));
    let folder = folder(&scenario("\"none\"", ""));
    let output = run(folder.path(), &["--redis", &server.url()]);
    assert!(signal(process, "-CONT"));
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("nobody answers at redis://127.0.0.1"), "{}", said(&output));
}

#[test]
fn keys_are_removed_and_settings_put_back_though_all_connections_died() {
    let Some(server) = Server::start(&["--maxmemory", "7654321", "--hz", "7"]) else { return };
    let folder = folder(&a_minute());
    let (child, mut client) = writing(folder.path(), &server, &["--configure"]);
    assert_eq!(setting(&mut client, "maxmemory"), "8000000");
    client.must(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
    let output = child.wait_with_output().expect("it ends");
    let said = said(&output);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("the server went away") && !said.contains("may still be"), "{said}");
    assert_eq!(keys(&mut client), 0, "{said}");
    assert_eq!(
        (setting(&mut client, "maxmemory"), setting(&mut client, "hz")),
        ("7654321".into(), "7".into())
    );
}

#[test]
fn removing_goes_on_after_a_part_was_refused() {
    let fake = Fake::start(Instant::now(), QUIET, "", false);
    let text = scenario("\"none\"", "").replace("= 200,", "= 5_000,").replace("200/s", "400/s");
    let cell = played_with(&text, &options(&fake.url(), 1.0));
    let told = cell.warnings.iter().find(|warning| warning.contains("may still be on the server"));
    let told = told.unwrap_or_else(|| panic!("{:?}", cell.warnings));
    let numbers: Vec<usize> = told.split(' ').filter_map(|word| word.parse().ok()).collect();
    // Lists of 500 are refused, and a shorter one at the end is not.
    assert!(numbers[0] >= 500 && numbers[0] == numbers[1] / 500 * 500 && numbers[1] > numbers[0], "{told}");
    assert!(told.contains("too many keys for a fake") && !cell.is_tidy, "{told}");
}

#[test]
fn what_was_played_before_a_cell_that_cannot_begin_is_written() {
    let Some(server) = Server::start(&[]) else { return };
    let mut client = server.client();
    let second = "baseline = true\n[[strategy]]\nname = \"y\"\nttl = { rule = \"fixed\", ttl = \"2s\" }";
    for (name, result) in [("live", "out/record.json"), ("validate", "out/validation.json")] {
        let folder = folder(&scenario("\"none\"", second));
        let url = server.url();
        let child = command(folder.path(), name, &["--redis", &url]).spawn().expect("ttlab can be started");
        until("keys are written", || keys(&mut client) >= 5);
        client.must(&["SET", "others", "1"]);
        let output = child.wait_with_output().expect("it ends");
        client.must(&["DEL", "others"]);
        let said = said(&output) + &String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(3), "{said}");
        let text = std::fs::read_to_string(folder.path().join(result)).unwrap_or_else(|_| panic!("{said}"));
        if name == "live" {
            assert!(text.contains("broke off: the server holds 1 keys"), "{text}");
        } else {
            assert!(said.contains("the 1 of 2 cells that were played to their end are written"), "{said}");
            assert!(
                said.contains("the server holds 1 keys") && !said.contains("nothing is written"),
                "{said}"
            );
        }
        assert_eq!(keys(&mut client), 0);
    }
}

#[test]
fn a_server_whose_limit_cannot_be_set_is_not_configured_in_silence() {
    let fake = Fake::start(Instant::now(), QUIET, "", false);
    let folder = folder(&scenario("\"none\"", ""));
    let output = run(folder.path(), &["--redis", &fake.url(), "--configure"]);
    let said = said(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("does not let its maxmemory be seen and set"), "{said}");
    // What is meant to be set is said before.
    assert!(said.contains("puts back at the end: latency-tracking, maxmemory"), "{said}");
}

#[test]
fn a_limit_below_what_others_hold_is_not_set() {
    let Some(server) = Server::start(&[]) else { return };
    let mut client = server.client();
    client.must(&["SET", "others", &"v".repeat(9_000_000)]);
    let folder = folder(&scenario("\"none\"", ""));
    let output = run(folder.path(), &["--redis", &server.url(), "--configure", "--allow-nonempty"]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("it holds 1 keys of others in "), "{}", said(&output));
    assert_eq!((keys(&mut client), setting(&mut client, "maxmemory")), (1, "0".to_owned()));
}

/// What a run of five thousand keys of 1 KiB would take of this server, of which it may take 2 MB.
fn bytes(options: &Options) -> Result<u64, String> {
    let text = scenario("\"none\"", "").replace("\"8MB\"", "\"1500KB\"").replace("= 200,", "= 5_000,");
    let scenario = Scenario::parse(&text, "small.toml").unwrap_or_else(|error| panic!("{error}"));
    let Source::Synthetic(workload) = &scenario.source else { panic!("it is synthetic") };
    let trace = Arc::new(generate(workload, tune::replication_seed(scenario.seed, 0)));
    let undertaking = live::undertaking(&scenario, &tune::grid(&scenario), &trace, options);
    undertaking.map(|undertaking| undertaking.bytes).map_err(|error| error.to_string())
}

#[test]
fn the_capacity_of_a_scenario_limits_no_server_that_is_left_as_it_is() {
    let narrow = |url: &str| {
        let mut options = options(url, 1.0);
        options.limits.bytes = ByteSize::from_bytes(400_000);
        options
    };
    let spawned = Options { target: Target::Spawn, ..narrow("") };
    assert!(bytes(&spawned).unwrap_err().contains("1.43 MiB"), "{:?}", bytes(&spawned));
    let Some(server) = Server::start(&[]) else { return };
    let refused = bytes(&narrow(&server.url())).unwrap_err();
    assert!(refused.contains("--max-bytes") && !refused.contains("1.43 MiB"), "{refused}");
    server.client().must(&["CONFIG", "SET", "maxmemory", "300000"]);
    assert_eq!(bytes(&narrow(&server.url())), Ok(300_000), "the server keeps to a limit of its own");
}

#[test]
fn a_second_ctrl_c_leaves_no_server_behind() {
    let folder = folder(&scenario("\"none\"", ""));
    // It never listens, so that the first one is not heeded at once.
    stand_in(folder.path(), "echo $$ >> pids\nexec sleep 60");
    let child = command(folder.path(), "live", &["--spawn"]).spawn().expect("ttlab can be started");
    until("a server is started", || !pids(folder.path()).is_empty());
    assert!(signal(child.id(), "-INT"));
    sleep(Duration::from_millis(1_500));
    assert!(signal(child.id(), "-INT"));
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(130), "{}", said(&output));
    assert!(
        !said(&output).contains("ended at once"),
        "nothing was on a server of somebody: {}",
        said(&output)
    );
    let left: Vec<u32> = pids(folder.path()).into_iter().filter(|pid| is_alive(*pid)).collect();
    assert!(left.is_empty(), "{left:?} run on");
}

#[test]
fn a_second_ctrl_c_says_what_stays() {
    let Some(server) = Server::start(&["--hz", "7"]) else { return };
    let folder = folder(&a_minute());
    let (child, mut client) = writing(folder.path(), &server, &["--configure", "--prefix", "t:"]);
    let process = u32::try_from(client.info("process_id")).expect("a process has a number");
    // It does not answer, so that the first one takes its time.
    assert!(signal(process, "-STOP"));
    assert!(signal(child.id(), "-INT"));
    sleep(Duration::from_millis(1_500));
    assert!(signal(child.id(), "-INT"));
    let output = child.wait_with_output().expect("it ends");
    assert!(signal(process, "-CONT"));
    let said = said(&output);
    assert_eq!(output.status.code(), Some(130), "{said}");
    let last = said.lines().last().unwrap_or_default();
    for told in [
        "ended at once",
        "begin with \"t:\"",
        "CONFIG SET: ",
        "maxmemory 0 on the server",
        "hz 7 on the server",
    ] {
        assert!(last.contains(told), "{told} is missing in: {said}");
    }
}

#[test]
fn a_user_who_may_not_remove_keys_writes_none() {
    let Some(server) = Server::start(&[]) else { return };
    let mut client = server.client();
    client.must(&["ACL", "SETUSER", "default", "-unlink"]);
    let folder = folder(&scenario("\"none\"", ""));
    let modes: [&[&str]; 2] = [&[], &["--benchmark"]];
    for mode in modes {
        let url = server.url();
        let words = [&["--redis", &url][..], mode].concat();
        let output = command(folder.path(), "live", &words).output().expect("ttlab can be started");
        let said = said(&output);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(
            said.contains("nothing is written") && said.contains("'unlink'") && said.contains("ACL SETUSER"),
            "{said}"
        );
        assert_eq!((keys(&mut client), calls(&mut client, "set")), (0, 0));
    }
}

#[test]
fn a_run_that_breaks_off_or_does_not_begin_is_no_done_and_has_its_document() {
    let Some(server) = Server::start(&[]) else { return };
    let (folder, url) = (folder(&a_minute()), server.url());
    let (child, _) = writing(folder.path(), &server, &["--json"]);
    drop(server);
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    let what = document["error"]["what"].as_str().unwrap_or_default();
    assert!(what.contains("broke off") && what.contains("the server went away"), "{document}");
    assert!(said(&output).contains("playing: failed after"), "{}", said(&output));
    // Nobody is there any more.
    let output = run(folder.path(), &["--redis", &url]);
    assert_eq!(output.status.code(), Some(2));
    assert!(!said(&output).contains("done after"), "{}", said(&output));
}

#[test]
fn a_server_that_does_not_start_is_quoted() {
    let folder = folder(&scenario("\"none\"", ""));
    stand_in(
        folder.path(),
        "echo '*** FATAL CONFIG FILE ERROR (Redis 6.2.6) ***' >&2\necho 'Bad directive' >&2\nexit 1",
    );
    let output = command(folder.path(), "live", &["--spawn"]).output().expect("ttlab can be started");
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(
        said(&output).contains("FATAL CONFIG FILE ERROR (Redis 6.2.6) *** Bad directive"),
        "{}",
        said(&output)
    );
}

#[test]
fn a_server_that_does_not_tell_its_clock_in_info_is_asked_for_the_time() {
    let minute = || {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later than 1970");
        u32::try_from(now.as_millis() % 60_000).expect("a minute has fewer")
    };
    let fake = Fake::start(Instant::now(), QUIET, "", false);
    let before = minute();
    let cell = played_with(&scenario("\"none\"", "").replace("\"3s\"", "\"1s\""), &options(&fake.url(), 1.0));
    let phase = cell.pace.expect("it came to its end").clock_phase_ms;
    assert!((phase + 60_000 - before) % 60_000 < 20_000, "{phase} ms after {before} ms");
}

#[test]
fn requests_are_waited_for_as_long_as_their_fetches_take() {
    let text = scenario("\"none\"", "").replace("\"3s\"", "\"1s\"").replace("\"20ms\"", "\"33s\"");
    let Some(server) = Server::start(&[]) else { return };
    let measured = measured(played_with(&text.replace("200/s", "20/s"), &options(&server.url(), 1.0)));
    assert!(measured.latencies.all.quantile(0.5) >= 33_000_000_000);
}

#[test]
fn what_is_not_over_when_the_user_stops_waiting_is_counted_as_unfinished() {
    let text = scenario("\"none\"", "").replace("\"3s\"", "\"1s\"").replace("\"20ms\"", "\"100s\"");
    let Some(server) = Server::start(&[]) else { return };
    // Once fetched, an image would be a hit; none is within the first second.
    let folder = folder(&text);
    let mut client = server.client();
    let child =
        command(folder.path(), "live", &["--redis", &server.url()]).spawn().expect("ttlab can be started");
    // When no read comes any more the run is over, and its requests are waited for.
    let mut last = (0, Instant::now());
    until("all reads have come", || {
        let reads = client.info("keyspace_misses");
        if reads != last.0 {
            last = (reads, Instant::now());
        }
        last.0 > 0 && last.1.elapsed() > Duration::from_secs(3)
    });
    assert!(signal(child.id(), "-INT"));
    let output = child.wait_with_output().expect("it ends");
    assert!(
        said(&output).contains("requests had no outcome when waiting for them was given up"),
        "{}",
        said(&output)
    );
    assert_eq!(record(folder.path())["source"], "live");
}

#[test]
fn a_server_that_becomes_a_replica_in_the_middle_ends_the_run_with_that_reason() {
    let fake = Fake::playing(&Script { read_only_after: Some(10), ..Script::default() });
    let cell = played_with(&scenario("\"none\"", ""), &options(&fake.url(), 1.0));
    let Err(Failure::Broken(why)) = &cell.result else { panic!("it takes no writes any more") };
    assert!(why.contains("takes no writes") && why.contains("s into the run"), "{why}");
}

#[test]
fn a_clock_that_is_set_in_the_middle_is_told() {
    let (began, five) = (Instant::now(), Duration::from_secs(5));
    let fake = Fake::playing(&Script {
        began,
        clock_set_on: (Duration::from_millis(1_500), five),
        ..Script::default()
    });
    let cell = played_with(&scenario("\"none\"", ""), &options(&fake.url(), 1.0));
    let told: Vec<&String> = cell.warnings.iter().filter(|told| told.contains("clock stepped by")).collect();
    assert_eq!(told.len(), 1, "{:?}", cell.warnings);
    assert!(told[0].contains("stepped by +5.0") || told[0].contains("stepped by +4.9"), "{told:?}");
}

#[test]
fn counters_that_somebody_resets_in_the_middle_are_told_and_what_was_counted_before_stays() {
    let Some(server) = Server::start(&[]) else { return };
    let mut client = server.client();
    let meddler = thread::spawn(move || {
        until("some hundreds of reads have come", || {
            client.info("keyspace_misses") + client.info("keyspace_hits") >= 200
        });
        client.must(&["CONFIG", "RESETSTAT"]);
    });
    let cell = played_with(&scenario("\"none\"", ""), &options(&server.url(), 1.0));
    meddler.join().expect("it resets them");
    let told = cell.warnings.iter().filter(|told| told.contains("CONFIG RESETSTAT")).count();
    assert_eq!(told, 1, "{:?}", cell.warnings);
    let shown = cell.pace.as_ref().and_then(|pace| pace.shown).expect("it came to its end");
    let (reads, requests) = (shown.reads.iter().sum::<u64>(), measured(cell).totals.outcomes.total());
    // A third of the run was before the reset, and no more than the fifth of a second between two looks is lost.
    assert!(reads <= requests && reads * 10 > requests * 8, "{reads} reads by {requests} requests");
}
