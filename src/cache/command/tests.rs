//! What Redis 7.0 was seen to answer, command by command. `tests/live` asks it again.

use std::sync::Arc;

use super::{Connection, WallClock};
use crate::cache::eviction::EVICTIONS;
use crate::cache::memory::MEMORIES;
use crate::cache::reclaim::RECLAIMS;
use crate::cache::{Cache, Capacity, Persistence, Residency, Restart, Setup, TtlClock};
use crate::trace::{ClassId, Fact, Keys, Objects};
use crate::units::{SimDuration, SimTime, Window};

/// A connection to an empty cache for the keys `k` and `m`; the run begins at Unix second 1000.
fn connection(capacity: Capacity, eviction: &'static str) -> Connection {
    let mut keys = Keys::recorded();
    ["k", "m"].iter().for_each(|key| keys.push(key));
    let facts = vec![Fact { size: 10, class: ClassId::default(), size_is_imputed: false }; 2];
    let objects = Arc::new(Objects::new(facts, keys, vec!["all".to_owned()]));
    let setup = Setup { objects: 2, capacity, ..Setup::nothing() };
    let made = "it has no parameters";
    let cache = Cache::new(
        objects,
        capacity,
        EVICTIONS.default_choice(eviction).make(&setup).expect(made),
        RECLAIMS.default_choice("lazy").make(&setup).expect(made),
        MEMORIES.default_choice("payload").make(&setup).expect(made),
        Residency::new(Window { from: SimTime::ZERO, until: SimTime::NEVER }, SimDuration::FOREVER),
    );
    Connection::new(cache, WallClock::starting_at(1_000_000))
}

/// Sends commands, each with the millisecond of the run and the reply that it must get.
fn converse(redis: &mut Connection, lines: &[(u64, &str, &str)]) {
    for (millis, line, reply) in lines {
        let words: Vec<&str> = line.split(' ').collect();
        let at = SimTime::ZERO + SimDuration::from_millis(*millis);
        assert_eq!(redis.send(&words, at).to_string(), *reply, "{line} at {millis} ms");
    }
    redis.cache().check();
}

fn unbounded(lines: &[(u64, &str, &str)]) -> Connection {
    let mut redis = connection(Capacity::Unbounded, "lru");
    converse(&mut redis, lines);
    redis
}

#[test]
fn ttl_is_rounded_to_the_nearest_second() {
    unbounded(&[
        (1, "TTL k", "(integer) -2"),
        (1, "SET k v", "OK"),
        (1, "TTL k", "(integer) -1"),
        (1, "SET k v PX 499", "OK"),
        (1, "TTL k", "(integer) 0"),
        (1, "PSETEX k 1499 v", "OK"),
        (1, "TTL k", "(integer) 1"),
        (1, "SET k v px 1500", "OK"),
        (1, "TTL k", "(integer) 2"),
        (1, "PTTL k", "(integer) 1500"),
        (2, "PTTL k", "(integer) 1499"),
        (2, "PEXPIRETIME k", "(integer) 1001501"),
        (2, "EXPIRETIME k", "(integer) 1002"),
    ]);
}

#[test]
fn a_key_lives_at_the_millisecond_of_its_expiry_and_not_after() {
    let redis = unbounded(&[
        (5, "SET k v PX 10", "OK"),
        (15, "GET k", "\"v\""),
        (15, "PTTL k", "(integer) 0"),
        (16, "SET k w NX", "OK"),
        (16, "GET k", "\"w\""),
    ]);
    let stats = redis.cache().stats();
    assert_eq!((stats.expired_keys, stats.keyspace_hits, stats.keyspace_misses), (1, 3, 0));
}

#[test]
fn set_clears_keeps_or_refuses() {
    let redis = unbounded(&[
        (1, "SET k v EX 10", "OK"),
        (1, "SET k w KEEPTTL", "OK"),
        (1, "TTL k", "(integer) 10"),
        (1, "SET k x NX", "(nil)"),
        (1, "TTL k", "(integer) 10"),
        (1, "SET k x GET", "\"w\""),
        (1, "TTL k", "(integer) -1"),
        (1, "SET m v XX", "(nil)"),
        (1, "SET m v XX GET", "(nil)"),
        (1, "SET k v EX 10 KEEPTTL", "(error) ERR syntax error"),
        (1, "SET k v NX XX", "(error) ERR syntax error"),
        (1, "SET k v EX", "(error) ERR syntax error"),
        (1, "SET k v EX 0", "(error) ERR invalid expire time in 'set' command"),
        (1, "SETEX k -1 v", "(error) ERR invalid expire time in 'setex' command"),
        (1, "SET k v PX 9223372036854775807", "(error) ERR invalid expire time in 'set' command"),
        (1, "SET k v EX 1.5", "(error) ERR value is not an integer or out of range"),
        (1, "GET k", "\"x\""),
        // Stored although it is dead already.
        (1, "SET k y PXAT 999999", "OK"),
        (1, "EXISTS k", "(integer) 0"),
    ]);
    assert_eq!(redis.cache().stats().expired_keys, 1);
}

#[test]
fn expire_obeys_its_conditions_and_deletes_what_is_past() {
    let redis = unbounded(&[
        (1, "EXPIRE k 10", "(integer) 0"),
        (1, "SET k v", "OK"),
        (1, "EXPIRE k 10 XX", "(integer) 0"),
        (1, "EXPIRE k 10 GT", "(integer) 0"),
        (1, "EXPIRE k 10 LT", "(integer) 1"),
        (1, "EXPIRE k 20 NX", "(integer) 0"),
        (1, "EXPIRE k 10 GT", "(integer) 0"),
        (1, "EXPIRE k 20 GT", "(integer) 1"),
        (1, "EXPIRE k 30 XX", "(integer) 1"),
        (
            1,
            "EXPIRE k 1 NX GT",
            "(error) ERR NX and XX, GT or LT options at the same time are not compatible",
        ),
        (1, "EXPIRE k 1 GT LT", "(error) ERR GT and LT options at the same time are not compatible"),
        (1, "EXPIRE k 1 foo", "(error) ERR Unsupported option foo"),
        (1, "EXPIRE k one", "(error) ERR value is not an integer or out of range"),
        (1, "EXPIRE k 9223372036854775807", "(error) ERR invalid expire time in 'expire' command"),
        (1, "PERSIST k", "(integer) 1"),
        (1, "PERSIST k", "(integer) 0"),
        (1, "PEXPIREAT k 1000001", "(integer) 1"),
        (1, "EXISTS k k", "(integer) 0"),
    ]);
    assert_eq!(redis.cache().stats().expired_keys, 0, "deleted, not expired");
}

#[test]
fn getex_moves_the_ttl_and_getdel_takes_the_value() {
    unbounded(&[
        (1, "GETEX k EX 0", "(nil)"),
        (1, "SET k v", "OK"),
        (1, "GETEX k EX 0", "(error) ERR invalid expire time in 'getex' command"),
        (1, "GETEX k PX 100", "\"v\""),
        (1, "GETEX k", "\"v\""),
        (1, "PTTL k", "(integer) 100"),
        (1, "GETEX k PERSIST", "\"v\""),
        (1, "TTL k", "(integer) -1"),
        (1, "GETEX k EXAT 1000", "\"v\""),
        (1, "GET k", "(nil)"),
        (1, "SET m w", "OK"),
        (1, "GETDEL m", "\"w\""),
        (1, "GETDEL m", "(nil)"),
        (1, "GETDEL", "(error) ERR wrong number of arguments for 'getdel' command"),
        (1, "GETALL m m", "(error) ERR unknown command 'GETALL', with args beginning with: 'm' 'm' "),
    ]);
}

#[test]
fn a_write_that_finds_no_room_is_refused() {
    let mut redis = connection(Capacity::Bytes(15), "noeviction");
    let refused = "(error) OOM command not allowed when used memory > 'maxmemory'.";
    converse(
        &mut redis,
        &[(1, "SET k v", "OK"), (1, "SET m v", refused), (1, "DEL k m", "(integer) 1"), (1, "SET m v", "OK")],
    );
}

/// Redis keeps milliseconds in 64 bits; virtual time, in nanoseconds, is over after 584 years.
#[test]
fn ends_beyond_virtual_time_are_told_to_the_millisecond() {
    let mut redis = unbounded(&[
        (1, "SET k v PXAT 9223372036854775807", "OK"),
        (1, "PEXPIRETIME k", "(integer) 9223372036854775807"),
        (1, "EXPIRETIME k", "(integer) 9223372036854776"),
        (1, "PTTL k", "(integer) 9223372036853775806"),
        (1, "TTL k", "(integer) 9223372036853776"),
        (5, "PTTL k", "(integer) 9223372036853775802"),
        (5, "PEXPIRE k 100000000000000 GT", "(integer) 0"),
        (5, "PEXPIRE k 100000000000000 LT", "(integer) 1"),
        (5, "PTTL k", "(integer) 100000000000000"),
        (5, "PEXPIREAT k 100000001000004 GT", "(integer) 0"),
        (5, "PEXPIREAT k 100000001000006 GT", "(integer) 1"),
        (5, "GETEX k EXAT 9223372036854775", "\"v\""),
        (5, "SET k w KEEPTTL", "OK"),
        (5, "EXPIRETIME k", "(integer) 9223372036854775"),
        (5, "SET m w EX 9223372036854775", "(error) ERR invalid expire time in 'set' command"),
        (5, "SETEX m 20000000000 w", "OK"),
        (5, "PTTL m", "(integer) 20000000000000"),
        (5, "SET m w EX 10", "OK"),
        (5, "PTTL m", "(integer) 10000"),
        (5, "PERSIST k", "(integer) 1"),
        (5, "TTL k", "(integer) -1"),
    ]);
    redis.cache_mut().check();
}

#[test]
fn an_end_beyond_virtual_time_moves_with_a_ttl_that_pauses() {
    let mut redis = unbounded(&[(1, "PSETEX k 100000000000000 v", "OK")]);
    let restart =
        Restart { down: SimDuration::from_secs(30), persistence: Persistence::Aof, ttl: TtlClock::Paused };
    let at = |secs| SimTime::ZERO + SimDuration::from_secs(secs);
    redis.cache_mut().shut_down(restart, at(10));
    redis.cache_mut().come_back(restart, at(40));
    converse(
        &mut redis,
        &[
            (40_001, "PTTL k", "(integer) 99999999990000"),
            (40_001, "PEXPIRETIME k", "(integer) 100000001030001"),
        ],
    );
}
