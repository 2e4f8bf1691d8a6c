//! `ttlab live --benchmark`: what it writes, what it says of a server, and what stays behind.

#![expect(clippy::disallowed_methods, reason = "a live run follows the wall clock")]

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use ttlab::live::load::{Kept, Load, benchmark};
use ttlab::live::{self, Limits, LiveError};
use ttlab::trace::Trace;
use ttlab::units::{Rate, SimDuration, SimTime};

use super::fake::{Fake, Script};
use super::harness::{folder, keys, names, options, said, scenario};
use super::model;
use super::server::Server;

/// A search over the site in a folder.
fn command(folder: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ttlab"));
    command.current_dir(folder).args(["live", "small.toml", "--benchmark"]).args(words);
    if words.contains(&"--redis") {
        command.args(["--prefix", "t:"]);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The small site with so many objects.
fn of_objects(objects: u64) -> String {
    scenario("\"none\"", "").replace("objects = 200", &format!("objects = {objects}"))
}

fn interrupt(child: &Child) {
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(killed.expect("there is a kill").success());
}

/// Waits until a server holds so many keys.
fn until_written(server: &Server, wanted: u64) {
    let (mut client, begun) = (server.client(), Instant::now());
    while keys(&mut client) < wanted {
        assert!(begun.elapsed() < Duration::from_secs(30), "it writes no keys");
        sleep(Duration::from_millis(10));
    }
}

#[test]
fn the_highest_rate_is_searched_and_the_keys_removed() {
    let Some(server) = Server::start(&[]) else { return };
    let folder = folder(&scenario("\"none\"", ""));
    let words =
        ["--p99", "1s", "--step", "300ms", "--max-rate", "3000/s", "--json", "--redis", &server.url()];
    let output = command(folder.path(), &words).output().expect("ttlab can be started");
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    let steps = json["steps"].as_array().expect("rates were tried");
    let kept = steps.iter().filter(|step| step["kept"] == "yes").filter_map(|step| step["offered"].as_f64());
    let highest = kept.reduce(f64::max);
    // On a busy machine the harness may be late itself, and then says so of every rate.
    assert!(highest.is_some() || steps.iter().all(|step| step["kept"] == "client-limited"), "{json}");
    assert_eq!(json["highest_per_s"].as_f64(), highest);
    assert_eq!(output.status.code(), Some(i32::from(highest.is_none())), "{}", said(&output));
    assert!(
        steps.iter().all(|step| step["offered"].as_f64() <= Some(3_000.0)),
        "that is what it is allowed: {json}"
    );
    // A second is enough for any server, but for one that a busy machine keeps from running.
    let limits: &[&str] = if highest == Some(3_000.0) { &["max-rate"] } else { &["harness", "server"] };
    assert!(json["limited_by"].as_str().is_some_and(|by| limits.contains(&by)), "{json}");
    assert!(steps.iter().any(|step| step["answered"].as_f64() > Some(0.0)), "{json}");
    assert!(steps.iter().all(|step| step["missing"] == 0), "{json}");
    assert!(said(&output).contains("will write 200 keys") && said(&output).contains("all under \"t:\""));
    assert_eq!(keys(&mut server.client()), 0);
}

/// Starts to write 5 000 keys in 50 s, and lets something happen meanwhile.
fn broken_off(server: &Server, meddle: impl FnOnce(&Child)) -> (Output, Duration) {
    let folder = folder(&of_objects(5_000));
    let words = ["--max-rate", "100/s", "--step", "1s", "--redis", &server.url()];
    let child = command(folder.path(), &words).spawn().expect("ttlab can be started");
    until_written(server, 20);
    let begun = Instant::now();
    meddle(&child);
    (child.wait_with_output().expect("it ends"), begun.elapsed())
}

#[test]
fn ctrl_c_is_heeded_while_keys_are_written_and_while_a_rate_is_held() {
    let Some(server) = Server::start(&[]) else { return };
    let (output, took) = broken_off(&server, interrupt);
    assert_eq!(output.status.code(), Some(130), "{}", said(&output));
    assert!(took < Duration::from_secs(20), "it took {took:?}");
    assert!(said(&output).contains("interrupted; the keys are removed"), "{}", said(&output));
    assert_eq!(keys(&mut server.client()), 0);
    let folder = folder(&of_objects(30));
    let child = command(folder.path(), &["--step", "5m", "--redis", &server.url()]).spawn();
    let child = child.expect("ttlab can be started");
    until_written(&server, 30);
    sleep(Duration::from_millis(300));
    let begun = Instant::now();
    interrupt(&child);
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(130), "{}", said(&output));
    assert!(begun.elapsed() < Duration::from_secs(20), "it took {:?}", begun.elapsed());
    assert_eq!(keys(&mut server.client()), 0);
}

#[test]
fn what_went_wrong_is_told_beside_keys_that_stay() {
    let Some(server) = Server::start(&[]) else { return };
    let pid = server.client().info("process_id").to_string();
    let (output, _) = broken_off(&server, |_| {
        let killed = Command::new("kill").args(["-KILL", &pid]).status();
        assert!(killed.expect("there is a kill").success(), "the server is our own");
    });
    assert_eq!(output.status.code(), Some(3), "keys may have stayed: {}", said(&output));
    let said = said(&output);
    let parts = ["the server went away", "keys of this run may still be on the server", "begin with \"t:\""];
    let places: Vec<_> = parts.iter().map(|part| said.find(part)).collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{said}");
}

#[test]
fn rates_that_were_held_are_told_where_the_search_breaks_off() {
    // A step has about 250 reads.
    let script = Script { value: Some("12345678"), gone_after: Some(350), ..Script::default() };
    let folder = folder(&of_objects(10));
    for json in [true, false] {
        let fake = Fake::playing(&script);
        let url = fake.url();
        let words = ["--p99", "1s", "--step", "250ms", "--redis", &url];
        let more: &[&str] = if json { &["--json"] } else { &[] };
        let output = command(folder.path(), &[&words, more].concat()).output().expect("ttlab can be started");
        assert_eq!(output.status.code(), Some(3), "{}", said(&output));
        assert!(said(&output).contains("the search broke off: the server went away"), "{}", said(&output));
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        if json {
            let json: serde_json::Value = serde_json::from_str(&told).expect("it is JSON");
            assert_eq!(json["steps"].as_array().map(Vec::len), Some(1), "{json}");
            assert!(json["broken"].as_str().is_some_and(|why| why.contains("went away")), "{json}");
        } else {
            assert!(told.contains("answered/s") && told.contains("The search broke off"), "{told}");
        }
    }
}

#[test]
fn keys_that_stay_after_ctrl_c_are_told() {
    let fake = Fake::playing(&Script { value: Some("12345678"), keeps_keys: true, ..Script::default() });
    let folder = folder(&of_objects(10));
    let child = command(folder.path(), &["--step", "5m", "--redis", &fake.url()]).spawn();
    let child = child.expect("ttlab can be started");
    sleep(Duration::from_secs(4));
    interrupt(&child);
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(130), "{}", said(&output));
    let said = said(&output);
    assert!(said.contains("may still be on the server") && said.contains("begin with \"t:\""), "{said}");
    assert!(!said.contains("are removed"), "{said}");
}

#[test]
fn a_rate_that_measures_nothing_is_refused_before_anything_is_sent() {
    let folder = folder(&scenario("\"none\"", ""));
    for (words, told) in [
        (["--spawn", "--max-rate", "0/s"], "--max-rate 0/s lets 0 reads begin"),
        (["--spawn", "--max-rate", "5/s"], "--max-rate 5/s lets 25 reads begin in a --step of 5s"),
        (
            ["--spawn", "--max-bytes", "10KiB"],
            " KiB of the server's memory, more than the limit of 10 KiB; raise it",
        ),
        (["--spawn", "--step", "1ms"], "--step at least 100ms"),
    ] {
        let output = command(folder.path(), &words).output().expect("ttlab can be started");
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        assert!(said(&output).contains(told), "{}", said(&output));
    }
}

/// A search by the library, over so many objects.
fn searched(script: &Script, objects: usize, most: f64) -> Result<live::load::Search, LiveError> {
    searched_by(script, objects, most, SimDuration::from_millis(250))
}

/// The same with another length of a step.
fn searched_by(
    script: &Script,
    objects: usize,
    most: f64,
    step: SimDuration,
) -> Result<live::load::Search, LiveError> {
    let fake = Fake::playing(script);
    let mut options = options(&fake.url(), 1.0);
    options.limits = Limits { rate: Rate::per_second(most), ..Limits::default() };
    let names: Vec<String> = (0..objects).map(|nth| format!("image/{nth}")).collect();
    let objects = model::objects(names.iter().map(|name| (name.as_str(), 100)));
    let at = (0..200).map(|nth| SimTime::from_nanos(nth * 1_000_000)).collect();
    let of = (0..200).map(|nth| ttlab::trace::ObjectId::from_index(nth % names.len())).collect();
    let trace = Arc::new(Trace::new(at, of, objects, SimDuration::from_secs(1)));
    let load = Load { p99: SimDuration::from_secs(1), step, first: 1_000.0 };
    benchmark(&live::named(&trace, &options), &options, &load, &())
}

#[test]
fn keys_are_written_no_faster_than_is_allowed() {
    let begun = Instant::now();
    let script = Script { value: Some("12345678"), ..Script::default() };
    searched(&script, 400, 400.0).expect("it comes to its end");
    assert!(begun.elapsed() > Duration::from_millis(1_200), "400 keys and a step: {:?}", begun.elapsed());
}

#[test]
fn a_server_that_has_lost_the_keys_says_nothing_about_its_rate() {
    let search = searched(&Script::default(), 20, 1_000.0).expect("it was begun");
    let lost = search.broken.as_deref().expect("there is no value");
    assert!(lost.contains("reads found no value") && lost.contains("maxmemory"), "{lost}");
    assert!(search.steps.is_empty(), "reads of nothing are no step: {:?}", search.steps);
}

#[test]
fn reads_that_a_step_leaves_unanswered_do_not_spoil_the_next_one() {
    let script = Script { value: Some("12345678"), deaf_after: Some(20), ..Script::default() };
    // A tenth of the first rate are a hundred reads in a second, and no step has fewer.
    let second = SimDuration::from_secs(1);
    let search = searched_by(&script, 20, 1_000.0, second).expect("it comes to its end");
    let [first, second] = [search.steps[0], search.steps[1]];
    // On a busy machine the harness may be late itself.
    assert!(first.kept != Kept::Yes && first.reads == 20, "most of its reads were not answered: {first:?}");
    assert!(second.offered < first.offered && second.reads > 5, "{second:?}");
    assert!(second.kept == Kept::Yes || second.late_p99_s > 0.005, "its own reads were: {second:?}");
    assert!(search.warnings.is_empty(), "the keys could be removed: {:?}", search.warnings);
}

/// Reads that were due while the server stalled count from when they were due, not from when they could be sent.
#[test]
fn a_stall_shows_in_the_waits_of_a_rate() {
    let stalls = (Duration::from_millis(200), Duration::from_secs(1));
    let script = Script { value: Some("12345678"), stalls, ..Script::default() };
    let search = searched(&script, 20, 1_000.0).expect("it comes to its end");
    let first = search.steps[0];
    assert!(first.p99_s > 0.1, "{first:?}");
    assert!(first.reads > 150, "all that were due are there: {first:?}");
}

#[test]
fn keys_that_others_have_under_the_prefix_are_not_read_and_removed() {
    let Some(server) = Server::start(&[]) else { return };
    let mut client = server.client();
    client.must(&["SET", "t:thumbnail/7", "theirs"]);
    let folder = folder(&of_objects(20));
    let url = server.url();
    let output = command(folder.path(), &["--redis", &url, "--allow-nonempty"]).output();
    let output = output.expect("ttlab can be started");
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(
        said(&output).contains("1 keys by names of this run are on the server already"),
        "{}",
        said(&output)
    );
    assert_eq!(names(&mut client), ["t:thumbnail/7"], "nothing was written, and nothing removed");
}
