//! What strategies ask of a live server beside reads and writes: whether a key is still there, and until when it is fresh.

#![expect(clippy::disallowed_methods, reason = "a live run follows the wall clock, on a thread of its own")]

use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use ttlab::cache::Cause;
use ttlab::live;
use ttlab::metrics::{Measurements, OutcomeKind};
use ttlab::scenario::Scenario;
use ttlab::trace::{ObjectId, Trace};
use ttlab::tune::{self, Runs};
use ttlab::units::{SimDuration, SimTime};

use super::fake::Fake;
use super::harness::{
    QUIET, calls, folder, keys, measured, names, options, played_with, run, said, scenario,
};
use super::model;
use super::resp::{Answer, Client};
use super::server::Server;

/// Everything is fetched anew every half second, as long as it is there.
fn timer() -> String {
    scenario(
        "\"none\"",
        "refresh = { policy = \"timer\", period = \"500ms\", physical_ttl = \"2s\", workers = 100 }",
    )
}

#[test]
fn a_job_fetches_what_the_server_holds_and_nothing_that_has_left_it() {
    // A server that holds nothing, as one that evicts at once, and whose writes are all acknowledged.
    let fake = Fake::start(Instant::now(), QUIET, "", false);
    let gone = measured(played_with(&timer(), &options(&fake.url(), 1.0)));
    assert!(gone.origin.fetches > 400, "every read is a miss: {}", gone.origin.fetches);
    assert_eq!(gone.origin.refreshes, 0, "the job asks whether a key is there, and none is");
    let asked = gone.commands.get - gone.totals.outcomes.total();
    assert!(asked > 100, "{asked} looks before a fetch");
    let Some(server) = Server::start(&[]) else { return };
    let held = measured(played_with(&timer(), &options(&server.url(), 1.0)));
    let asked = held.commands.get - held.totals.outcomes.total();
    assert!(held.origin.refreshes > 200, "up to five times each key: {}", held.origin.refreshes);
    assert!(asked >= held.origin.refreshes, "{asked} looks before {} fetches", held.origin.refreshes);
    assert_eq!(keys(&mut server.client()), 0);
}

#[test]
fn the_jobs_of_a_timer_count_before_anything_is_sent() {
    // Two hundred images twice a second, beside at most 300 requests.
    let folder = folder(&timer());
    let output = run(folder.path(), &["--spawn", "--max-rate", "390/s"]);
    assert_eq!(output.status.code(), Some(2));
    let said = said(&output);
    assert!(
        said.contains(" and 40") && said.contains(" jobs of a timer") && said.contains("--max-rate"),
        "{said}"
    );
}

/// Plays one image that stays fresh for a minute and is kept for another, while somebody meddles with its keys.
fn meddled(soft_expiry: &str, meddle: fn(&mut Client)) -> Option<Measurements> {
    let server = Server::start(&[])?;
    let more = "refresh = { policy = \"stale-while-revalidate\", window = \"60s\" }\n        soft_expiry = ";
    let text = scenario("\"single-flight\"", &format!("{more}\"{soft_expiry}\""));
    let text = text.replace("ttl = \"1s\"", "ttl = \"60s\"").replace("objects = 200", "objects = 1");
    let url = server.url();
    let mut client = server.client();
    let run = std::thread::spawn(move || measured(played_with(&text, &options(&url, 1.0))));
    let begun = Instant::now();
    while keys(&mut client) == 0 {
        assert!(begun.elapsed() < Duration::from_secs(30), "it writes no keys");
        sleep(Duration::from_millis(10));
    }
    // The value and what lies beside it come together, and are read before anybody meddles.
    sleep(Duration::from_millis(300));
    meddle(&mut client);
    let run = run.join().expect("it comes to its end");
    assert_eq!(keys(&mut client), 0, "all keys are removed");
    Some(run)
}

fn count(run: &Measurements, kind: OutcomeKind) -> u64 {
    run.totals.outcomes.of(kind)
}

/// Whether the image was fetched as often as its deadline was wrong, and not again and again: who was answered before
/// the new value was there, and hears of it when the fetch is over, fetches once more. On a busy machine that are
/// some; whose deadline stays wrong is fetched a hundred times.
fn few(run: &Measurements, deadlines: u64) -> bool {
    (deadlines..deadlines + 10).contains(&run.origin.fetches)
}

#[test]
fn a_deadline_that_is_the_keys_own_less_the_window_moves_with_it() {
    let alone = meddled("pttl", |client| {
        let (gets, questions) = (calls(client, "get"), calls(client, "pttl"));
        assert!(gets > 10 && questions >= gets && questions < 2 * gets, "{questions} PTTLs with {gets} GETs");
    });
    let Some(alone) = alone else { return };
    assert_eq!(count(&alone, OutcomeKind::StaleHit), 0);
    assert!(few(&alone, 1), "{} fetches", alone.origin.fetches);
    let shortened = meddled("pttl", |client| {
        let names = names(client);
        assert_eq!(names.len(), 1, "{names:?}");
        // Half a minute is less than the minute for which it is kept when it is no longer fresh.
        client.must(&["PEXPIRE", &names[0], "30000"]);
    });
    let shortened = shortened.expect("there is a server");
    assert!(count(&shortened, OutcomeKind::StaleHit) > 0, "it is past its deadline by its TTL");
    assert!(few(&shortened, 2), "and fetched anew, behind its readers' backs: {}", shortened.origin.fetches);
    let unknowing = meddled("envelope", |client| {
        let names = names(client);
        client.must(&["PEXPIRE", &names[0], "30000"]);
    });
    let unknowing = unknowing.expect("there is a server");
    assert_eq!(count(&unknowing, OutcomeKind::StaleHit), 0, "its value says that it is fresh");
    assert!(few(&unknowing, 1), "{} fetches", unknowing.origin.fetches);
}

#[test]
fn a_deadline_in_a_second_key_is_read_and_written_with_the_first() {
    let alone = meddled("sidecar", |client| {
        let (gets, sets) = (calls(client, "get"), calls(client, "set"));
        assert!(gets > 10 && (2..20).contains(&sets), "{gets} GETs and {sets} SETs");
    });
    let Some(alone) = alone else { return };
    assert_eq!(count(&alone, OutcomeKind::StaleHit), 0);
    assert!(few(&alone, 1), "{} fetches", alone.origin.fetches);
    let aged = meddled("sidecar", |client| {
        let names = names(client);
        assert!(names.len() == 2 && names[1] == format!("{}:due", names[0]), "{names:?}");
        let [own, beside] = [0, 1].map(|place| client.ask(&["PTTL", &names[place]]));
        let (Answer::Integer(own), Answer::Integer(beside)) = (own, beside) else {
            panic!("PTTL is a number")
        };
        assert!(own > 100_000 && (own - beside).abs() < 5_000, "{own} and {beside} ms");
        client.queue(&[&b"SET"[..], names[1].as_bytes(), &[0; 8]]);
        client.flush();
        assert_eq!(client.read(), Answer::Status("OK".to_owned()));
    });
    let aged = aged.expect("there is a server");
    assert!(count(&aged, OutcomeKind::StaleHit) > 0, "its deadline was at the beginning of the run");
    assert_eq!(count(&aged, OutcomeKind::Miss(Cause::Evicted)), 0);
    assert!(few(&aged, 2), "{} fetches", aged.origin.fetches);
    let lost = meddled("sidecar", |client| {
        let names = names(client);
        client.must(&["DEL", &names[1]]);
    });
    let lost = lost.expect("there is a server");
    assert!(count(&lost, OutcomeKind::Miss(Cause::Evicted)) > 0, "nobody knows whether it is fresh");
    assert_eq!(count(&lost, OutcomeKind::StaleHit), 0);
    assert!(few(&lost, 2), "{} fetches", lost.origin.fetches);
}

#[test]
fn a_read_is_ruled_by_the_ttl_before_its_own_step() {
    let Some(server) = Server::start(&[]) else { return };
    // A fresh hit moves the TTL by 100 ms down and a miss by as much up, so that it goes up and down between 0 and 200 ms.
    let rule = "{ rule = \"d-ttl\", target = 0.5, exponent = 0, floor_step = \"200ms\", start = \"0s\", max_ttl = \"1s\" }";
    let text =
        scenario("\"none\"", "").replace("{ rule = \"fixed\", ttl = \"1s\" }", rule).replace("20ms", "1ms");
    let scenario = Scenario::parse(&text, "small.toml").unwrap_or_else(|error| panic!("{error}"));
    // One image, asked for every 20 ms.
    let at = (0..150).map(|nth| SimTime::ZERO + SimDuration::from_millis(10 + 20 * nth));
    let (at, of) = (at.collect(), vec![ObjectId::new(0); 150]);
    let trace = Arc::new(Trace::new(at, of, model::objects([("image", 1_000)]), SimDuration::from_secs(3)));
    let cells = tune::grid(&scenario);
    let played = tune::run(&scenario, &cells, &Runs::Recorded(Arc::clone(&trace)), &());
    let played = played.unwrap_or_else(|fault| panic!("{}", fault.what));
    let predicted = played.cells[0].replications[0].as_ref().map(|run| count(run, OutcomeKind::FreshHit));
    let predicted = predicted.expect("it runs");
    assert_eq!(
        predicted, 90,
        "of five reads three: two misses make up for two hits, and the third finds the TTL at 0"
    );
    let options = options(&server.url(), 1.0);
    let cell = live::run(&scenario, &cells, &live::named(&trace, &options), &options, &());
    let measured = count(&measured(cell.expect("the server can be used").remove(0)), OutcomeKind::FreshHit);
    // If a read set the TTL of after its own step, one of two would be a hit.
    assert!((84..=96).contains(&measured), "{measured} fresh hits, and {predicted} predicted");
}
