//! What is left of keys and TTLs after a restart of a live server, from a snapshot, from the append-only file and without
//! either: for a textbook cache, and for the server's own policies with its memory counted.

#![expect(clippy::disallowed_methods, reason = "a live server is restarted by the wall clock")]

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ttlab::cache::command::{Connection, WallClock};
use ttlab::cache::{Cause, Lookup, Persistence, Restart, TtlClock};
use ttlab::trace::{ObjectId, Objects};

use super::commands::as_answer;
use super::model;
use super::resp::Answer;
use super::server::Server;

fn unix_ms() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later than 1970");
    i64::try_from(now.as_millis()).expect("it is not yet the year 292 million")
}

/// Policy and way to reclaim of a model; none for a textbook cache.
const MODELS: [Option<[&str; 2]>; 4] =
    [None, Some(["allkeys-lru", "lazy"]), Some(["allkeys-lru", "active"]), Some(["volatile-lfu", "active"])];

fn made(model: Option<[&str; 2]>, objects: Objects, clock: WallClock) -> Connection {
    match model {
        None => model::lazy(objects, clock),
        Some([policy, reclaim]) => model::server(objects, policy, reclaim, clock),
    }
}

/// Three keys, one of which dies while the server is down: the server and the model tell the same of each
/// before and after, and count the same.
fn over_a_restart(settings: &[&str], persistence: Persistence, model: Option<[&str; 2]>) {
    let policy = model.map_or("noeviction", |[policy, _]| policy);
    let settings: Vec<&str> = settings.iter().copied().chain(["--maxmemory-policy", policy]).collect();
    let Some(mut server) = Server::start(&settings) else { return };
    let clock = WallClock::starting_at(unix_ms() - 1);
    let objects = model::objects(["short", "long", "endless"].map(|key| (key, 5)));
    let mut model = made(model, objects, clock);
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
    assert_eq!((model.cache().entries(), client.counts().1), (2, 2));
    model.cache().check();
}

#[test]
fn a_ttl_goes_on_over_a_restart_from_a_snapshot() {
    MODELS.into_iter().for_each(|model| over_a_restart(&[], Persistence::Rdb, model));
}

#[test]
fn a_ttl_goes_on_over_a_restart_from_the_append_only_file() {
    let settings = ["--appendonly", "yes", "--appendfsync", "always"];
    MODELS.into_iter().for_each(|model| over_a_restart(&settings, Persistence::Aof, model));
}

#[test]
fn without_persistence_everything_is_lost() {
    for model in MODELS {
        let Some(mut server) = Server::start(&[]) else { return };
        let clock = WallClock::starting_at(unix_ms() - 1);
        let objects = model::objects(["short", "long", "endless", "other"].map(|key| (key, 5)));
        let mut model = made(model, objects, clock);
        let at = |unix_ms: i64| clock.instant(unix_ms);
        let start = unix_ms();
        let (short, long) = ((start + 300).to_string(), (start + 600_000).to_string());
        let mut client = server.client();
        for words in [
            vec!["SET", "short", "v", "PXAT", &short],
            vec!["SET", "long", "w", "PXAT", &long],
            vec!["SET", "endless", "x"],
        ] {
            let reply = model.send(&words, at(start));
            assert_eq!(as_answer(reply), client.must(&words), "{words:?}");
        }
        drop(client);
        let down_at = unix_ms();
        server.restart(false, Duration::from_millis(400));
        let back_at = unix_ms();
        let down = at(back_at).since(at(down_at));
        let restart = Restart { down, persistence: Persistence::None, ttl: TtlClock::WallClock };
        model.cache_mut().shut_down(restart, at(down_at));
        model.cache_mut().come_back(restart, at(back_at));
        let before = model.cache().stats();
        let mut client = server.client();
        assert_eq!((model.cache().entries(), client.counts().1), (0, 0));
        // Everything is missing, and a key of before can be stored anew: it has no TTL from then on.
        for words in [
            vec!["GET", "short"],
            vec!["PTTL", "long"],
            vec!["EXPIRE", "endless", "100"],
            vec!["SET", "long", "y", "XX"],
            vec!["SET", "long", "z", "KEEPTTL"],
            vec!["PTTL", "long"],
            vec!["SET", "other", "v", "EXAT", "4000000000"],
            vec!["EXPIRETIME", "other"],
            vec!["GETDEL", "long"],
            vec!["DEL", "short", "long", "endless", "other"],
        ] {
            let reply = as_answer(model.send(&words, at(unix_ms())));
            assert_eq!(reply, client.must(&words), "left the model, right the server: {words:?}");
        }
        let (info, size) = client.counts();
        let stats = model.cache().stats();
        for (field, count) in [
            ("expired_keys", stats.expired_keys - before.expired_keys),
            ("evicted_keys", stats.evicted_keys - before.evicted_keys),
            ("keyspace_hits", stats.keyspace_hits - before.keyspace_hits),
            ("keyspace_misses", stats.keyspace_misses - before.keyspace_misses),
        ] {
            assert_eq!(count, info.number(field), "left the model, right the server: {field}");
        }
        assert_eq!((model.cache().entries(), size), (0, 0));
        // The model also says why: what was there before and is not stored anew was lost.
        let lost = model.cache_mut().get(ObjectId::new(2), at(unix_ms()));
        assert_eq!(lost, Lookup::Absent(Cause::Lost));
        model.cache().check();
    }
}
