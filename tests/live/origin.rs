//! `ttlab live --origin`: fetches are answered over HTTP.

#![expect(clippy::disallowed_methods, reason = "a live run follows the wall clock")]

use std::time::{Duration, Instant};

use ttlab::live::LiveCell;
use ttlab::metrics::OutcomeKind;

use super::fake::Fake;
use super::harness::{QUIET, folder, measured, options, played_with, record, run, said, scenario};
use super::server::Server;
use super::web::{Script, Web};

/// Plays a scenario against a cache that holds nothing, and fetches from `url`.
fn fetched(text: &str, url: &str) -> LiveCell {
    let fake = Fake::start(Instant::now(), QUIET, "", false);
    let mut options = options(&fake.url(), 1.0);
    options.origin = Some(url.parse().unwrap_or_else(|why| panic!("{url}: {why}")));
    played_with(text, &options)
}

/// A second and a half of 40 requests a second.
fn short(more: &str) -> String {
    scenario("\"none\"", more).replace("\"3s\"", "\"1500ms\"").replace("200/s", "40/s")
}

#[test]
fn every_fetch_is_a_get_of_its_own_key_and_size() {
    let web = Web::start(Script::default());
    let cell = fetched(&short(""), &web.url("/img/{key}?w={size}"));
    assert!(
        cell.warnings.iter().all(|told| !told.contains("as long as recorded") && !told.contains("failed")),
        "{:?}",
        cell.warnings
    );
    let measured = measured(cell);
    let targets = web.targets();
    assert!(measured.origin.fetches > 20, "{} fetches", measured.origin.fetches);
    // What is asked for just after the end is no part of the run.
    assert!(
        (0..20).contains(&(targets.len() as u64 - measured.origin.fetches)),
        "{} were asked",
        targets.len()
    );
    assert_eq!(measured.origin.bytes, 1_024 * measured.origin.fetches);
    for target in targets {
        let number = target.strip_prefix("/img/thumbnail%2F").and_then(|rest| rest.strip_suffix("?w=1024"));
        assert!(number.is_some_and(|number| number.parse::<u32>().is_ok()), "{target}");
    }
}

#[test]
fn the_time_is_the_servers_and_the_scenario_limits_how_many_are_asked_at_once() {
    let web = Web::start(Script { thinks: Duration::from_millis(100), ..Script::default() });
    // The model would take 20 ms; three servers of 100 ms do 30 of the 40 fetches a second.
    let text =
        short("").replace("[origin]", "[origin]\n        capacity = { model = \"servers\", servers = 3 }");
    let cell = fetched(&text, &web.url("/{path}"));
    let other = cell.warnings.iter().any(|told| told.contains("100 bytes on average instead of 1024"));
    assert!(other, "bodies are of 100 bytes: {:?}", cell.warnings);
    let measured = measured(cell);
    assert!(measured.latencies.all.quantile(0.05) >= 95_000_000, "nobody is answered before the origin is");
    assert!(measured.origin.longest_queue_wait.as_secs_f64() > 0.05, "some wait for a server");
    assert_eq!(web.most_at_once(), 3);
    assert_eq!(measured.origin.bytes, 100 * measured.origin.fetches);
    assert!(web.targets().iter().all(|target| target.starts_with("/thumbnail/")), "{:?}", web.targets());
}

#[test]
fn patience_and_retries_are_those_of_the_scenario() {
    let web = Web::start(Script { thinks: Duration::from_millis(300), ..Script::default() });
    let text = short("[client]\n        timeout = \"50ms\"");
    let measured = measured(fetched(&text, &web.url("/{key}")));
    let errors = measured.totals.outcomes.of(OutcomeKind::Error);
    assert_eq!(errors, measured.totals.outcomes.total(), "nobody waits for 300 ms");
    assert!(measured.incidents.timeouts > 20, "{} gave up", measured.incidents.timeouts);
    assert!(measured.latencies.all.quantile(0.5) < 250_000_000, "{:?}", measured.latencies.all.quantile(0.5));
}

#[test]
fn errors_of_the_origin_are_errors_and_are_tried_again() {
    let web = Web::start(Script { status: 500, ..Script::default() });
    let retries = "[client]\n        retries = 1\n        backoff = \"1ms\"\n        retry_budget = \"none\"";
    let cell = fetched(&short(retries), &web.url("/{key}"));
    assert!(cell.warnings.iter().any(|told| told.contains("with status 500")), "{:?}", cell.warnings);
    let measured = measured(cell);
    let requests = measured.totals.outcomes.total();
    assert_eq!(measured.totals.outcomes.of(OutcomeKind::Error), requests);
    // Counted at the origin: what is tried again after the end is no part of the run.
    let asked = web.targets().len() as u64;
    assert!(asked > requests + requests / 2, "{asked} GETs of {requests} requests");
    assert_eq!(measured.origin.failures, measured.origin.fetches);
    let web = Web::start(Script { status: 404, ..Script::default() });
    let cell = fetched(&short(""), &web.url("/{key}"));
    assert!(cell.warnings.iter().any(|told| told.contains("with status 404")), "{:?}", cell.warnings);
}

#[test]
fn an_origin_that_nobody_listens_at_fails_every_fetch_and_is_told() {
    let cell = fetched(&short(""), "http://127.0.0.1:1/{key}");
    assert!(cell.warnings.iter().any(|told| told.contains("no connection")), "{:?}", cell.warnings);
    let measured = measured(cell);
    assert_eq!(measured.origin.failures, measured.origin.fetches);
    assert_eq!(measured.totals.outcomes.of(OutcomeKind::Error), measured.totals.outcomes.total());
    let Some(_) = Server::start(&[]) else { return };
    let folder = folder(&short(""));
    let output = run(folder.path(), &["--spawn", "--origin", "http://127.0.0.1:1/{key}"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let told = String::from_utf8_lossy(&output.stdout).into_owned() + &said(&output);
    assert!(told.contains("fetches were sent to the origin at") && !told.contains("were answered"), "{told}");
    assert!(told.contains("Nothing is recommended: ") && !told.contains("Use x"), "{told}");
}

#[test]
fn a_copy_that_is_still_current_is_confirmed_and_not_sent_again() {
    let Some(server) = Server::start(&[]) else { return };
    let web = Web::start(Script { etag: Some("\"v1\""), ..Script::default() });
    let text = scenario(
        "\"none\"",
        "refresh = { policy = \"on-demand\", addons = [{ addon = \"conditional\", keep = \"10s\" }] }",
    );
    // The add-on wants changes to ask about; the model's are not played.
    let text = text.replace("[origin]", "[origin]\n        changes = { model = \"poisson\", mean = \"7d\" }");
    let mut options = options(&server.url(), 1.0);
    options.origin = Some(web.url("/{key}?w={size}").parse().unwrap_or_else(|why| panic!("{why}")));
    let measured = measured(played_with(&text, &options));
    let origin = measured.origin;
    assert!(origin.confirmed > 20, "TTLs of a second end, and the tag is the same: {}", origin.confirmed);
    assert_eq!(origin.bytes, 1_024 * (origin.fetches - origin.confirmed), "a 304 brings nothing");
    assert_eq!(origin.failures, 0);
}

#[test]
fn what_is_no_template_is_refused_before_anything_runs() {
    let folder = folder(&short(""));
    for (origin, told) in [
        ("http://127.0.0.1:1/all", "has no {key}"),
        ("127.0.0.1:1/{key}", "must begin with http://"),
        ("http://127.0.0.1:1/{name}", "{name} is no place"),
    ] {
        let output = run(folder.path(), &["--redis", "redis://127.0.0.1:1/", "--origin", origin]);
        assert_eq!(output.status.code(), Some(2));
        assert!(said(&output).contains(told) && said(&output).contains("--origin"), "{}", said(&output));
        assert!(!folder.path().join("out").exists(), "nothing is written");
    }
}

#[test]
fn the_record_says_who_answered() {
    let Some(_) = Server::start(&[]) else { return };
    let web = Web::start(Script::default());
    let folder = folder(&short(""));
    let output = run(folder.path(), &["--spawn", "--origin", &web.url("/{key}?w={size}")]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(said(&output).contains("fetches are asked of http://127.0.0.1"), "{}", said(&output));
    let record = record(folder.path());
    let provenance = record["provenance"].to_string();
    assert!(provenance.contains("was not played") && provenance.contains("--origin URL"), "{provenance}");
}
