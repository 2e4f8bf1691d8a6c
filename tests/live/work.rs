//! How long a live server itself worked, as it tells over time, and what its latency monitor saw.

#![expect(clippy::disallowed_methods, reason = "who meddles with a server has a thread of its own")]

use std::thread;
use std::time::Duration;

use ttlab::live::{Calls, LiveCell};

use super::fake::{Fake, Script};
use super::harness::{calls, folder, measured, options, played_with, record, run, said, scenario};
use super::server::Server;
use super::trouble::until;

/// What a plausible mean of a command is, in seconds.
fn is_plausible(mean_s: f64) -> bool {
    mean_s > 0.0 && mean_s < 0.01
}

fn gets(cell: &LiveCell) -> Vec<Option<u64>> {
    cell.worked.iter().map(|worked| worked.get.map(|get| get.calls)).collect()
}

#[test]
fn a_run_tells_what_the_server_worked_from_second_to_second() {
    let Some(server) = Server::start(&[]) else { return };
    let mut client = server.client();
    // What was read before the run is none of it.
    (0..50).for_each(|_| drop(client.ask(&["GET", "nothing"])));
    let before = calls(&mut client, "info");
    let cell = played_with(&scenario("\"none\"", ""), &options(&server.url(), 1.0));
    // Looks come fifty times a second where buckets are so short, and questions once a second.
    let looks = calls(&mut client, "info") - before;
    let ends: Vec<f64> = cell.worked.iter().map(|worked| worked.until_s).collect();
    assert!((2..=3).contains(&ends.len()) && ends.is_sorted(), "{ends:?} beside {looks} looks");
    let mut sums = [0; 2];
    for worked in &cell.worked {
        let did = [worked.get, worked.set].map(|did| did.expect("nobody reset anything"));
        for (sum, did) in sums.iter_mut().zip(did) {
            *sum += did.calls;
            assert!(did.mean_s().is_some_and(is_plausible), "{worked:?}");
        }
        assert!(worked.get_p99_s.is_some_and(is_plausible), "{worked:?}");
    }
    let served = cell.pace.as_ref().and_then(|pace| pace.served).expect("it was asked");
    assert!(served.get_mean_s.is_some_and(is_plausible) && served.set_mean_s.is_some_and(is_plausible));
    let slowest = served.slowest.expect("it was asked more than once");
    assert!(Some(slowest.get_mean_s) >= served.get_mean_s && slowest.until_s <= 3.0, "{served:?}");
    let run = measured(cell);
    for (sum, sent) in sums.into_iter().zip([run.totals.outcomes.total(), run.origin.fetches]) {
        assert!(sum <= sent && sum * 10 > sent * 9, "{sum} of {sent} were done within the run");
    }
}

#[test]
fn a_record_has_the_servers_own_work_of_the_scored_part_and_over_time() {
    let Some(_) = Server::start(&[]) else { return };
    let folder = folder(&(scenario("\"none\"", "") + "\n[time]\nwarmup = \"1s\"\n"));
    let output = run(folder.path(), &["--spawn"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let work = &record(folder.path())["cells"][0]["server_work"];
    let series = &work["series"];
    let column = |name: &str| -> Vec<f64> {
        let values = series[name].as_array().unwrap_or_else(|| panic!("{name} is missing in {series}"));
        values.iter().filter_map(serde_json::Value::as_f64).collect()
    };
    let ends = column("until_s");
    assert!(
        (ends.first(), ends.last(), ends.len() > 2) == (Some(&1.0), Some(&3.0), true),
        "{ends:?}: both borders are asked at"
    );
    let (calls, means) = (column("get"), column("get_mean_ms"));
    let scored: Vec<[f64; 2]> =
        calls.iter().zip(&means).skip(1).map(|(calls, mean)| [*calls, *mean]).collect();
    let mean = scored.iter().map(|[calls, mean]| calls * mean).sum::<f64>()
        / scored.iter().map(|[calls, _]| calls).sum::<f64>();
    let told = work["get_mean_ms"].as_f64().expect("there were GETs");
    assert!((told - mean).abs() < 1e-9, "{told} ms are the mean of what is scored, {mean} ms");
    let slowest = work.pointer("/slowest/get_mean_ms").and_then(serde_json::Value::as_f64);
    assert_eq!(slowest, means[1..].iter().copied().reduce(f64::max));
    assert!(said(&output).contains("at its slowest, from "), "{}", said(&output));
}

#[test]
fn a_second_in_which_somebody_reset_the_counters_has_none_and_the_others_do() {
    let Some(server) = Server::start(&["--latency-tracking", "no"]) else { return };
    let mut client = server.client();
    let meddler = thread::spawn(move || {
        until("some hundreds of reads have come", || {
            client.info("keyspace_misses") + client.info("keyspace_hits") >= 300
        });
        client.must(&["CONFIG", "RESETSTAT"]);
    });
    let cell = played_with(&scenario("\"none\"", ""), &options(&server.url(), 1.0));
    meddler.join().expect("it resets them");
    let gets = gets(&cell);
    assert_eq!(gets.iter().filter(|gets| gets.is_none()).count(), 1, "{gets:?}");
    assert!(cell.worked.iter().all(|worked| worked.get_p99_s.is_none()), "it keeps no histograms");
    let means = cell.worked.iter().filter_map(|worked| worked.get.and_then(Calls::mean_s));
    assert!(means.clone().count() >= 1 && means.clone().all(is_plausible), "{:?}", means.collect::<Vec<_>>());
    let requests = measured(cell).totals.outcomes.total();
    assert!(gets.iter().flatten().sum::<u64>() < requests, "{gets:?} of {requests}");
}

#[test]
fn a_server_that_takes_one_section_at_a_time_is_asked_for_one() {
    let fake = Fake::playing(&Script {
        by_section: true,
        info: "cmdstat_get:calls=5,usec=10\r\n".to_owned(),
        ..Script::default()
    });
    let text = scenario("\"none\"", "").replace("\"3s\"", "\"1s\"");
    let cell = played_with(&text, &options(&fake.url(), 1.0));
    // Its sums stand still, so that nothing is known of what it did.
    assert!(cell.result.is_ok() && cell.worked.is_empty());
}

#[test]
fn what_held_the_server_up_during_the_run_is_told_where_its_monitor_is_on() {
    let Some(server) = Server::start(&["--latency-monitor-threshold", "10"]) else { return };
    let mut client = server.client();
    // Worse, and before the run.
    client.must(&["DEBUG", "SLEEP", "0.9"]);
    thread::sleep(Duration::from_millis(1_500));
    let meddler = thread::spawn(move || {
        until("some reads have come", || {
            client.info("keyspace_misses") + client.info("keyspace_hits") >= 100
        });
        client.must(&["DEBUG", "SLEEP", "0.06"]);
    });
    let cell = played_with(&scenario("\"none\"", ""), &options(&server.url(), 1.0));
    meddler.join().expect("it sleeps");
    let told = cell.warnings.iter().find(|told| told.contains("itself was held up")).expect("it was");
    let worst =
        told.split("command for up to ").nth(1).and_then(|rest| rest.split(' ').next()?.parse::<u64>().ok());
    assert!(worst.is_some_and(|worst| (60..900).contains(&worst)), "{told}");
    // A monitor that is off is not asked.
    let Some(server) = Server::start(&[]) else { return };
    let text = scenario("\"none\"", "").replace("\"3s\"", "\"1s\"");
    let cell = played_with(&text, &options(&server.url(), 1.0));
    assert!(!cell.warnings.iter().any(|told| told.contains("itself was held up")), "{:?}", cell.warnings);
    assert_eq!(calls(&mut server.client(), "latency|latest"), 0);
}
