//! TTLs over a restart of a live server, from a snapshot and from the append-only file.

#![expect(clippy::disallowed_methods, reason = "a live server is restarted by the wall clock")]

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ttlab::cache::command::WallClock;
use ttlab::cache::{Persistence, Restart, TtlClock};

use super::commands::as_answer;
use super::model;
use super::resp::Answer;
use super::server::Server;

fn unix_ms() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later than 1970");
    i64::try_from(now.as_millis()).expect("it is not yet the year 292 million")
}

/// Three keys, one of which dies while the server is down: the server and the model tell the same of each
/// before and after, and count the same.
fn over_a_restart(settings: &[&str], persistence: Persistence) {
    let Some(mut server) = Server::start(settings) else { return };
    let clock = WallClock::starting_at(unix_ms() - 1);
    let objects = model::objects(["short", "long", "endless"].map(|key| (key, 5)));
    let mut model = model::lazy(objects, clock);
    let mut client = server.client();
    // Off before anything can die, and the model's dead wait for their lookup too.
    client.must(&["DEBUG", "SET-ACTIVE-EXPIRE", "0"]);
    let start = unix_ms();
    let (short, long) = ((start + 300).to_string(), (start + 600_000).to_string());
    let stores: [&[&str]; 3] = [
        &["SET", "short", "v", "PXAT", &short],
        &["SET", "long", "w", "PXAT", &long],
        &["SET", "endless", "x"],
    ];
    for words in stores {
        let reply = model.send(words, clock.instant(start));
        assert_eq!(as_answer(reply), client.must(words), "{words:?}");
    }
    drop(client);
    let down_at = unix_ms();
    server.restart(persistence == Persistence::Rdb, Duration::from_millis(600));
    let mut client = server.client();
    // Dead keys of an append-only file wait for their lookup, or for the cycle that is on again.
    let back_at = unix_ms();
    let at = |unix_ms: i64| clock.instant(unix_ms);
    let down = at(back_at).since(at(down_at));
    let restart = Restart { down, persistence, ttl: TtlClock::WallClock };
    model.cache_mut().shut_down(restart, at(down_at));
    model.cache_mut().come_back(restart, at(back_at));
    let before = model.cache().stats().expired_keys;
    for words in [
        ["PEXPIRETIME", "long"],
        ["PEXPIRETIME", "endless"],
        ["GET", "short"],
        ["GET", "long"],
        ["GET", "endless"],
    ] {
        let reply = as_answer(model.send(&words, at(unix_ms())));
        assert_eq!(reply, client.must(&words), "left the model, right the server: {words:?}");
    }
    assert_eq!(client.must(&["PEXPIRETIME", "long"]), Answer::Integer(start + 600_000));
    assert_eq!(model.cache().stats().expired_keys - before, client.info("expired_keys"), "expired_keys");
    let dropped = u64::from(persistence == Persistence::Rdb);
    assert_eq!(client.info("rdb_last_load_keys_expired"), dropped, "dropped while loading");
    assert_eq!(model.cache().entries(), 2);
}

#[test]
fn a_ttl_goes_on_over_a_restart_from_a_snapshot() {
    over_a_restart(&[], Persistence::Rdb);
}

#[test]
fn a_ttl_goes_on_over_a_restart_from_the_append_only_file() {
    over_a_restart(&["--appendonly", "yes", "--appendfsync", "always"], Persistence::Aof);
}

#[test]
fn without_persistence_everything_is_lost() {
    let Some(mut server) = Server::start(&[]) else { return };
    server.client().must(&["SET", "a", "v"]);
    server.restart(false, Duration::ZERO);
    assert_eq!(server.client().must(&["DBSIZE"]), Answer::Integer(0));
}
