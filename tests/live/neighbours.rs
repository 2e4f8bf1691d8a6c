//! Live runs on a server that holds keys of others: none of them is to be lost, and what is lost is told.

#![expect(clippy::disallowed_methods, reason = "a live run follows the wall clock")]

use std::time::{Duration, Instant};

use super::harness::{calls, folder, keys, options, played_with, run, said, scenario};
use super::resp::Client;
use super::server::Server;
use super::trouble::{in_the_middle, interrupted, setting, until};

/// Keys of others, of 2 KB each.
const OTHERS: u64 = 1_500;

fn write_others(client: &mut Client) {
    let value = "v".repeat(2_000);
    for nth in 0..OTHERS {
        client.queue(&["SET", &format!("others:{nth}"), &value]);
    }
    client.flush();
    for _ in 0..OTHERS {
        client.read();
    }
    assert_eq!(keys(client), OTHERS);
}

/// Three seconds in which 12 MB of images are read, on a server with such a limit, if it is to have one.
fn of_12_mb(capacity: Option<&str>) -> String {
    let limited = |capacity| format!("capacity = \"{capacity}\"\n        eviction = \"allkeys-lru\"");
    let limit = capacity.map(limited).unwrap_or_default();
    let text = scenario("\"none\"", "").replace(&limited("8MB"), &limit).replace("\"1s\"", "\"1h\"");
    text.replace("200/s", "2_000/s").replace("= 200,", "= 3_000,").replace("1KiB", "4KiB")
}

fn beside_others(url: &str) -> [&str; 4] {
    ["--configure", "--allow-nonempty", "--redis", url]
}

#[test]
fn a_smaller_limit_comes_back_when_the_keys_of_the_run_are_gone() {
    let own = ["--maxmemory", "6mb", "--maxmemory-policy", "allkeys-lru", "--hz", "7"];
    let Some(server) = Server::start(&own) else { return };
    let mut client = server.client();
    for capacity in [Some("30MB"), None] {
        client.must(&["FLUSHALL"]);
        write_others(&mut client);
        let folder = folder(&of_12_mb(capacity));
        let output = run(folder.path(), &beside_others(&server.url()));
        let said = said(&output);
        assert_eq!(output.status.code(), Some(0), "{said}");
        assert!(said.contains("maxmemory of the server was 6291456"), "{capacity:?}: {said}");
        assert!(client.info("used_memory_peak") > 7_000_000, "there was more than the old limit holds");
        assert_eq!(keys(&mut client), OTHERS, "{said}");
        assert!(!said.contains("of others that were on the server"), "{said}");
        let now = ["maxmemory", "maxmemory-policy", "hz"].map(|name| setting(&mut client, name));
        assert_eq!(now, ["6291456", "allkeys-lru", "7"]);
    }
}

#[test]
fn a_smaller_limit_is_not_put_back_over_keys_that_stay() {
    let own = ["--maxmemory", "6mb", "--maxmemory-policy", "allkeys-lru", "--hz", "7"];
    let Some(server) = Server::start(&own) else { return };
    let mut client = server.client();
    write_others(&mut client);
    let folder = folder(&of_12_mb(Some("30MB")));
    // At the beginning it may.
    let words = ["--configure", "--allow-nonempty"];
    let child = in_the_middle(folder.path(), &server, &words, |client| keys(client) > OTHERS);
    client.must(&["ACL", "SETUSER", "default", "-unlink"]);
    let output = child.wait_with_output().expect("it ends");
    let said = said(&output);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("may still be on the server"), "{said}");
    let by_hand = "when they are removed, do it with CONFIG SET: maxmemory 6291456 on the server";
    assert!(said.contains(by_hand), "{said}");
    assert!(keys(&mut client) > OTHERS, "nobody's keys are gone");
    let now = ["maxmemory", "hz"].map(|name| setting(&mut client, name));
    assert_eq!(now, ["30000000", "7"], "what does no harm is put back");
}

#[test]
fn a_server_that_evicts_nothing_is_not_made_to_evict_what_others_have() {
    let Some(server) = Server::start(&[]) else { return };
    let mut client = server.client();
    write_others(&mut client);
    let narrow = folder(&of_12_mb(Some("6MB")));
    let output = run(narrow.path(), &beside_others(&server.url()));
    let said = said(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    for told in ["as it does not by itself", "1500 keys of others", "--spawn", "a capacity of "] {
        assert!(said.contains(told), "{told} is missing in: {said}");
    }
    assert_eq!((keys(&mut client), setting(&mut client, "maxmemory")), (OTHERS, "0".to_owned()));
    // The capacity that it asks for is enough, but for what a server takes for itself now and then.
    let enough = said.split("a capacity of ").nth(1).and_then(|rest| rest.split(' ').next());
    let enough: u64 = enough.and_then(|bytes| bytes.parse().ok()).expect("a number follows");
    let wide = folder(&of_12_mb(Some(&format!("{}B", enough + 1_000_000))));
    let output = run(wide.path(), &beside_others(&server.url()));
    assert_eq!(output.status.code(), Some(0), "{}", super::harness::said(&output));
    assert_eq!((keys(&mut client), client.info("evicted_keys")), (OTHERS, 0));
}

#[test]
fn keys_of_others_that_are_gone_are_told() {
    let Some(server) = Server::start(&[]) else { return };
    let mut client = server.client();
    client.must(&["MSET", "others:1", "v", "others:2", "v", "others:3", "v"]);
    let mut meddler = server.client();
    let meddling = std::thread::spawn(move || {
        until("keys are written", || keys(&mut meddler) >= 20);
        meddler.must(&["DEL", "others:2"]);
    });
    let mut options = options(&server.url(), 1.0);
    options.allow_nonempty = true;
    let cell = played_with(&scenario("\"none\"", ""), &options);
    meddling.join().expect("it deletes one");
    assert_eq!(keys(&mut client), 2);
    let told: Vec<_> = cell.warnings.iter().filter(|told| told.contains("are gone (evicted")).collect();
    assert!(told.len() == 1 && told[0].starts_with("1 of the 3 keys of others"), "{:?}", cell.warnings);
    assert!(cell.is_tidy, "the run itself left nothing");
}

#[test]
fn keys_of_others_that_a_search_for_the_highest_rate_pushed_out_are_told() {
    let Some(server) = Server::start(&["--maxmemory", "6mb", "--maxmemory-policy", "allkeys-random"]) else {
        return;
    };
    let mut client = server.client();
    write_others(&mut client);
    let folder = folder(&of_12_mb(None));
    let words = ["--benchmark", "--allow-nonempty", "--step", "200ms"];
    let child = in_the_middle(folder.path(), &server, &words, |client| client.info("evicted_keys") > 0);
    let output = child.wait_with_output().expect("it ends");
    let gone = OTHERS - keys(&mut client);
    let told = format!("{gone} of the 1500 keys of others that were on the server before the run are gone");
    assert!(gone > 0 && said(&output).contains(&told), "{}", said(&output));
}

#[test]
fn names_are_asked_for_no_faster_than_is_allowed() {
    let Some(server) = Server::start(&[]) else { return };
    let mut client = server.client();
    client.must(&["SET", "others", "v"]);
    let folder = folder(&scenario("\"none\"", "").replace("= 200,", "= 1_000,"));
    let url = server.url();
    let mut watch = server.client();
    let watching = std::thread::spawn(move || {
        until("names are asked for", || calls(&mut watch, "exists") > 0);
        let begun = Instant::now();
        until("the run begins", || calls(&mut watch, "get") > 0);
        begun.elapsed()
    });
    let output = run(folder.path(), &["--redis", &url, "--allow-nonempty", "--max-rate", "300/s"]);
    let span = watching.join().expect("it sees both");
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(said(&output).contains("whether its 1000 names are free"), "{}", said(&output));
    assert!(span > Duration::from_millis(2_500), "a thousand names took {span:?}");
}

#[test]
fn ctrl_c_is_heeded_while_names_are_asked_for() {
    let Some(server) = Server::start(&[]) else { return };
    let mut client = server.client();
    client.must(&["SET", "others", "v"]);
    let folder = folder(&scenario("\"none\"", "").replace("= 200,", "= 20_000,"));
    let modes: [&[&str]; 2] = [&[], &["--benchmark"]];
    for mode in modes {
        client.must(&["CONFIG", "RESETSTAT"]);
        let words = [&["--allow-nonempty", "--max-rate", "300/s"][..], mode].concat();
        let asked = |client: &mut Client| calls(client, "exists") > 1;
        let child = in_the_middle(folder.path(), &server, &words, asked);
        let output = interrupted(child);
        assert_eq!(output.status.code(), Some(130), "{}", said(&output));
        assert_eq!((keys(&mut client), calls(&mut client, "set")), (1, 0), "nothing was written");
    }
}
