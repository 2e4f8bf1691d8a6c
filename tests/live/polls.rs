//! What a live run does at instants of its own beside requests: polls of who waits, old copies that are served after a
//! while, deletions that were recorded.

use std::sync::Arc;

use ttlab::cache::Cause;
use ttlab::live;
use ttlab::metrics::{Measurements, OutcomeKind};
use ttlab::scenario::Scenario;
use ttlab::trace::{Event, Happening, ObjectId, Trace};
use ttlab::tune::{self, Runs};
use ttlab::units::{Rate, SimDuration, SimTime};

use super::harness::{calls, folder, measured, options, played_with, run, said, scenario};
use super::model;
use super::server::Server;

fn at(millis: u64) -> SimTime {
    SimTime::ZERO + SimDuration::from_millis(millis)
}

/// One image, asked for at these milliseconds.
fn asked_at(millis: &[u64], seconds: u64) -> Trace {
    let times = millis.iter().map(|millis| at(*millis)).collect();
    let of = vec![ObjectId::new(0); millis.len()];
    Trace::new(times, of, model::objects([("image", 1_000)]), SimDuration::from_secs(seconds))
}

/// The same requests simulated and played against a server.
fn both(text: &str, trace: Trace, server: &Server) -> [Measurements; 2] {
    let scenario = Scenario::parse(text, "small.toml").unwrap_or_else(|error| panic!("{error}"));
    let (cells, trace) = (tune::grid(&scenario), Arc::new(trace));
    let played = tune::run(&scenario, &cells, &Runs::Recorded(Arc::clone(&trace)), &());
    let mut played = played.unwrap_or_else(|fault| panic!("{}", fault.what));
    let simulated =
        played.cells.remove(0).replications.remove(0).unwrap_or_else(|failure| panic!("{failure:?}"));
    let options = options(&server.url(), 1.0);
    let live = live::run(&scenario, &cells, &live::named(&trace, &options), &options, &());
    [simulated, measured(live.expect("the server can be used").remove(0))]
}

fn counts<const N: usize>(run: &Measurements, kinds: [OutcomeKind; N]) -> [u64; N] {
    kinds.map(|kind| run.totals.outcomes.of(kind))
}

#[test]
fn who_polls_is_served_its_old_copy_after_the_soft_timeout_as_in_the_simulation() {
    let Some(server) = Server::start(&[]) else { return };
    let text = scenario(
        "{ policy = \"lock\", lock_ttl = \"5s\", poll = \"100ms\" }",
        "refresh = { policy = \"on-demand\", addons = [{ addon = \"stale-if-error\", window = \"10s\", soft_timeout = \"300ms\" }] }",
    );
    // Stored at 1 s for a second. At 2.5 s one fetches again, until 3.5 s, and two wait for its lock.
    let trace = asked_at(&[0, 2_500, 2_600, 2_700], 5);
    for run in both(&text.replace("\"20ms\"", "\"1s\""), trace, &server) {
        use OutcomeKind::{DelayedHit, Miss, StaleHit};
        assert_eq!(counts(&run, [Miss(Cause::Cold), StaleHit, DelayedHit]), [1, 3, 0]);
        let waited = run.latencies.all.quantile(0.5) / 1_000_000;
        assert!((300..400).contains(&waited), "{waited} ms");
    }
}

#[test]
fn a_deletion_comes_at_the_instant_at_which_it_was_recorded() {
    let Some(server) = Server::start(&[]) else { return };
    let text = scenario("\"none\"", "")
        .replace("\"20ms\"", "\"1s\"")
        .replace("\"1s\" }\n        guard", "\"1h\" }\n        guard");
    let deleted = Event { at: at(2_000), object: ObjectId::new(0), what: Happening::Deleted, before: 1 };
    let trace = asked_at(&[0, 4_000, 6_000], 7).with_events(vec![deleted]);
    for run in both(&text, trace, &server) {
        use OutcomeKind::{FreshHit, Miss};
        let kinds = [Miss(Cause::Cold), Miss(Cause::Invalidated), FreshHit];
        assert_eq!(counts(&run, kinds), [1, 1, 1], "what is deleted while it is fetched is there again");
    }
}

#[test]
fn polls_keep_to_the_limit_of_reads() {
    let Some(server) = Server::start(&[]) else { return };
    let mut client = server.client();
    // Sixty requests a second for few images, each of which is fetched for two seconds while the others poll.
    let guard = "{ policy = \"lock\", lock_ttl = \"9s\", poll = \"1ms\" }";
    let text = scenario(guard, "")
        .replace("200/s", "60/s")
        .replace("= 200,", "= 3,")
        .replace("\"1s\" }", "\"60s\" }")
        .replace("\"20ms\"", "\"2s\"");
    let mut slow = options(&server.url(), 1.0);
    slow.limits.rate = Rate::per_second(150.0);
    let cell = played_with(&text, &slow);
    let reads = calls(&mut client, "get");
    // Three seconds, and up to three more until everybody has an answer.
    assert!((200..=150 * 6).contains(&reads), "{reads} reads");
    let told = cell.warnings.iter().find(|told| told.contains("--max-rate"));
    assert!(
        told.is_some_and(|told| told.contains("came") && told.contains("late on average")),
        "{:?}",
        cell.warnings
    );
    assert!(cell.pace.is_some_and(|pace| pace.is_held_back()));
    // With room for all of them nobody is held back.
    let cell = played_with(&text.replace("\"1ms\"", "\"100ms\""), &options(&server.url(), 1.0));
    assert!(cell.pace.is_some_and(|pace| !pace.is_held_back() && pace.looked_again.all > 100));
    let folder = folder(&text);
    let output = run(folder.path(), &["--spawn", "--max-rate", "150/s", "--quiet"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let output = run(folder.path(), &["--spawn", "--max-rate", "61/s"]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
}

#[test]
fn a_sweep_in_a_script_is_refused() {
    let sweep = "sweep = { policy = \"zset-sweep\", limit_entries = 60, atomic = true }";
    let folder = folder(&scenario("\"none\"", sweep));
    let output = run(folder.path(), &["--spawn"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        said(&output).contains("sweep atomic") && said(&output).contains("leave atomic out"),
        "{}",
        said(&output)
    );
}
