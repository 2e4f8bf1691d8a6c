//! Commands in a server that counts its memory: each is checked and charged once, whatever its kind.

use std::sync::Arc;

use ttlab::cache::Cache;
use ttlab::cache::command::{Connection, Reply, WallClock};
use ttlab::cache::redis::{Kind, Kinds, Settings};
use ttlab::random::Seed;
use ttlab::scenario::Scenario;
use ttlab::trace::{ObjectId, Trace};
use ttlab::tune;
use ttlab::units::SimDuration;

use crate::server::{Design, at, cache, entry, key, objects};

/// Bytes of the histogram of one kind of command, measured.
const HISTOGRAM: u64 = 24_688;

/// A server for values of these sizes, with this `[cache]`.
fn server(sizes: &[u32], cache: &str) -> Connection {
    let text = format!(
        "name = \"commands\"\n[workload]\nduration = \"1s\"\nrate = \"1/s\"\nclass = [{{ name = \"all\", objects = 1 }}]\n\
         [cache]\n{cache}\n[[strategy]]\nname = \"s\"\nttl = \"none\"\n"
    );
    let scenario = Scenario::parse(&text, "commands.toml").unwrap_or_else(|error| panic!("{error}"));
    let design = Design { sizes: sizes.to_vec(), ..Design::default() };
    let objects = Arc::unwrap_or_clone(objects(&design));
    let trace = Arc::new(Trace::new(Vec::new(), Vec::new(), objects, SimDuration::ZERO));
    let simulation = tune::simulation(&scenario, &tune::grid(&scenario)[0], &trace, Seed::new(1));
    let cache = simulation.unwrap_or_else(|fault| panic!("{fault:?}")).cache;
    Connection::new(cache, WallClock::starting_at(1_700_000_000_000))
}

/// Sends a command about key 0; `KEY` stands for it.
fn send(server: &mut Connection, line: &str, millis: u64) -> Reply<String> {
    let key = key(0);
    let words: Vec<&str> = line.split(' ').map(|word| if word == "KEY" { &key } else { word }).collect();
    server.send(&words, at(millis))
}

fn fixed(server: &Connection) -> u64 {
    server.cache().breakdown().expect("memory is counted as Redis does").fixed
}

#[test]
fn the_first_command_of_each_kind_takes_a_histogram() {
    let redis = "eviction = \"noeviction\"\nmemory = \"redis\"";
    let mut server = server(&[100], redis);
    let empty = fixed(&server);
    for (count, line) in (1..).zip([
        "SET KEY v",
        "GET KEY",
        "SETEX KEY 10 v",
        "PSETEX KEY 10 v",
        "GETEX KEY PERSIST",
        // One that makes no sense is run all the same.
        "EXPIRE KEY ten",
        "PEXPIRE KEY 1000",
        "EXPIREAT KEY 1800000000 GT",
        "PEXPIREAT KEY 1800000000000",
        "TTL KEY",
        "PTTL KEY",
        "EXPIRETIME KEY",
        "PEXPIRETIME KEY",
        "PERSIST KEY",
        "EXISTS KEY KEY",
        "GETDEL KEY",
        "DEL KEY",
        "UNLINK KEY",
    ]) {
        for _ in 0..2 {
            send(&mut server, line, count);
            assert_eq!(fixed(&server) - empty, count * HISTOGRAM, "{line}");
        }
    }
    // These are found out before they are run.
    for line in ["FROBNICATE KEY", "GET KEY KEY"] {
        let before = fixed(&server);
        send(&mut server, line, 100);
        assert_eq!(fixed(&server), before, "{line}");
    }
    server.cache().check();
    let mut without = self::server(&[100], "memory = { model = \"redis\", latency_tracking = false }");
    let before = fixed(&without);
    send(&mut without, "PTTL KEY", 1);
    assert_eq!(fixed(&without), before);
}

/// What an earlier user had sent has its histogram already, and that is in use from the beginning.
#[test]
fn a_histogram_from_before_the_run_is_not_taken_again() {
    let settings = Settings {
        in_use_before: (2 * HISTOGRAM).cast_signed(),
        ran_before: Kinds::named(["get", "pttl"]),
        ..Settings::default()
    };
    let design = Design { memory: "redis", settings, sizes: vec![100], ttls: vec![0], ..Design::default() };
    let mut cache = cache(&design, at(1_000));
    let fixed = |cache: &Cache| cache.breakdown().expect("the model tells the parts").fixed;
    let (object, before) = (ObjectId::new(0), fixed(&cache));
    cache.get(object, at(1));
    cache.asked(Kind::PTtl, object, &[], at(2));
    assert_eq!(fixed(&cache), before);
    cache.set(object, entry(&design, 0, at(3)), at(3));
    assert_eq!(fixed(&cache), before + HISTOGRAM);
}

#[test]
fn a_refused_command_was_never_run() {
    let mut server = server(&[500_000], "capacity = \"1MB\"\neviction = \"noeviction\"\nmemory = \"redis\"");
    let empty = fixed(&server);
    for line in ["SET KEY v", "SET KEY v FOO", "SETEX KEY ten v"] {
        assert!(matches!(send(&mut server, line, 1), Reply::Error(_)), "{line}");
        assert_eq!(fixed(&server), empty, "{line}");
    }
}

/// The histogram of a kind's first command takes a full server above its limit; the next command makes room, whichever it
/// is.
#[test]
fn room_is_made_before_a_command_of_any_kind() {
    const LIMIT: u64 = 1_200_000;
    let sizes: Vec<u32> = (0..400).map(|number| 200 + number % 7 * 900).collect();
    let design = Design { ttls: vec![0; sizes.len()], ..Design::default() };
    for line in [
        "GET KEY",
        "PTTL KEY",
        "EXISTS KEY",
        "PEXPIRE KEY 100000",
        "PERSIST KEY",
        "UNLINK KEY",
        "GETEX KEY FOO",
    ] {
        let cache = "capacity = \"1200KB\"\neviction = \"allkeys-lru\"\nmemory = \"redis\"";
        let mut server = server(&sizes, cache);
        for number in 1..sizes.len() {
            let now = at(number as u64);
            server.cache_mut().set(ObjectId::from_index(number), entry(&design, number, now), now);
        }
        send(&mut server, line, 400);
        assert!(server.cache().bytes() > LIMIT, "{line}: {} bytes", server.cache().bytes());
        let before = server.cache().stats().evicted_keys;
        send(&mut server, line, 401);
        assert!(server.cache().bytes() <= LIMIT, "{line}: {} bytes", server.cache().bytes());
        assert!(server.cache().stats().evicted_keys > before, "{line}");
    }
}

#[test]
fn a_command_of_any_kind_wakes_its_connection_up() {
    for line in ["GET KEY", "PTTL KEY", "EXISTS KEY", "PEXPIRE KEY 100", "PERSIST KEY", "DEL KEY"] {
        let mut server = server(&[100], "memory = \"redis\"");
        let clients = |server: &Connection| server.cache().breakdown().map_or(0, |parts| parts.clients);
        server.cache_mut().bytes_at(at(10_000));
        let asleep = clients(&server);
        send(&mut server, line, 10_001);
        assert!(clients(&server) >= asleep + 20_000, "{line}: {asleep} and {} bytes", clients(&server));
    }
}

/// A SET sent as a command is one command: it takes one connection and its arguments once.
#[test]
fn a_set_needs_one_connection() {
    let cache = "memory = { model = \"redis\", clients = 2 }";
    let (mut sent, mut called) = (server(&[100], cache), server(&[100], cache));
    let design = Design { ttls: vec![0], ..Design::default() };
    send(&mut sent, "SET KEY v", 1);
    called.cache_mut().set(ObjectId::new(0), entry(&design, 0, at(1)), at(1));
    let parts = |server: &Connection| server.cache().breakdown();
    assert_eq!(parts(&sent), parts(&called));
    // The connection that did not send it has no query buffer.
    let clients = parts(&sent).map_or(0, |parts| parts.clients);
    send(&mut sent, "SET KEY v", 2);
    assert_eq!(parts(&sent).map_or(0, |parts| parts.clients) - clients, 20_480 - 8);
}
