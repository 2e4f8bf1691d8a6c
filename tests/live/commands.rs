//! Random sequences of commands: the model and a live server give the same replies and counts.
//!
//! Each command is sent between two TIMEs in one write, at the beginning of a millisecond. If both name
//! the same millisecond, that is when the server carried it out; else the sequence is played again.
//!
//! Sequences are played against a textbook cache and against the server's own policies, its memory counted. Without a limit
//! in reach all of them answer alike. With a limit below what the empty server takes replies are determined too: whoever may
//! be evicted leaves before the next command, and every write is refused. Where the expiry cycle is off, every dead key waits
//! for its lookup or its eviction; where it is on, nobody can tell from a reply.

#![expect(clippy::disallowed_methods, reason = "commands are timed by the clock that the server reads")]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{TestCaseError, TestRunner};
use ttlab::cache::Capacity;
use ttlab::cache::command::{Connection, Reply, WallClock};

use super::model;
use super::resp::{Answer, Client};
use super::server::Server;

const KEYS: [&str; 3] = ["a", "b", "c"];

/// A word of a command.
#[derive(Debug, Clone)]
enum Word {
    Text(String),
    /// Unix milliseconds, from the beginning of the sequence.
    Millis(i64),
    /// Unix seconds, from the second of the beginning.
    Seconds(i64),
}

#[derive(Debug, Clone)]
enum Step {
    Send(Vec<Word>),
    /// So many milliseconds pass.
    Wait(u64),
    /// Asks when a key expires, and reads it so many milliseconds after that.
    AtExpiry(&'static str, i64),
}

fn text(word: impl Into<String>) -> Word {
    Word::Text(word.into())
}

/// In capitals or not.
fn name(word: &'static str) -> impl Strategy<Value = Word> + Clone {
    prop_oneof![4 => Just(text(word)), 1 => Just(text(word.to_ascii_uppercase()))]
}

fn key() -> impl Strategy<Value = Word> + Clone {
    select(&KEYS[..]).prop_map(text)
}

fn value() -> impl Strategy<Value = Word> + Clone {
    select(&["v", "w", "", "17"][..]).prop_map(text)
}

/// Numbers that no command takes, or that are next to a limit.
fn odd_number() -> impl Strategy<Value = Word> + Clone {
    let odd = ["0", "-1", "-0", "010", "+5", " 5", "1.5", "", "abc", "9223372036854775808"];
    select(odd.map(text).to_vec())
}

/// A span of seconds, some of them too long.
fn seconds() -> impl Strategy<Value = Word> + Clone {
    prop_oneof![
        4 => (1..3_i64).prop_map(|span| text(span.to_string())),
        1 => (1..1_000_000_i64).prop_map(|span| text(span.to_string())),
        1 => select(&["9223372036854775807", "9223372036854775", "-9223372036854775808", "20000000000"][..]).prop_map(text),
        2 => odd_number(),
    ]
}

/// A span of milliseconds: a few, or about half a second, where TTL rounds.
fn millis() -> impl Strategy<Value = Word> + Clone {
    prop_oneof![
        6 => (1..12_i64).prop_map(|span| text(span.to_string())),
        2 => (490..530_i64).prop_map(|span| text(span.to_string())),
        1 => select(&["9223372036854775807", "100000000000000"][..]).prop_map(text),
        2 => odd_number(),
    ]
}

fn at_seconds() -> impl Strategy<Value = Word> + Clone {
    prop_oneof![
        4 => (-2..4_i64).prop_map(Word::Seconds),
        1 => select(&["9223372036854775807", "9223372036854775"][..]).prop_map(text),
        1 => odd_number(),
    ]
}

fn at_millis() -> impl Strategy<Value = Word> + Clone {
    prop_oneof![
        6 => (-5..60_i64).prop_map(Word::Millis),
        1 => select(&["9223372036854775807", "9223372036854775307", "100000000000000"][..]).prop_map(text),
        1 => odd_number(),
    ]
}

/// One of EX, PX, EXAT and PXAT with its number.
fn lifetime() -> impl Strategy<Value = Vec<Word>> + Clone {
    prop_oneof![
        1 => (name("ex"), seconds()).prop_map(pair),
        3 => (name("px"), millis()).prop_map(pair),
        1 => (name("exat"), at_seconds()).prop_map(pair),
        3 => (name("pxat"), at_millis()).prop_map(pair),
    ]
}

fn pair((option, number): (Word, Word)) -> Vec<Word> {
    vec![option, number]
}

fn flag(flags: &'static [&'static str]) -> impl Strategy<Value = Vec<Word>> + Clone {
    select(flags).prop_flat_map(name).prop_map(|flag| vec![flag])
}

fn joined(parts: Vec<Vec<Word>>) -> Vec<Word> {
    parts.into_iter().flatten().collect()
}

fn set() -> impl Strategy<Value = Vec<Word>> {
    let option = prop_oneof![
        3 => lifetime(),
        3 => flag(&["nx", "xx", "get", "keepttl"]),
        1 => flag(&["persist", "ex", "foo"]),
    ];
    let options = prop::collection::vec(option, 0..3).prop_map(joined);
    (name("set"), key(), value(), options)
        .prop_map(|(name, key, value, options)| joined(vec![vec![name, key, value], options]))
}

fn set_for() -> impl Strategy<Value = Vec<Word>> {
    prop_oneof![
        (name("setex"), key(), seconds(), value()).prop_map(|(a, b, c, d)| vec![a, b, c, d]),
        (name("psetex"), key(), millis(), value()).prop_map(|(a, b, c, d)| vec![a, b, c, d]),
    ]
}

fn get_ex() -> impl Strategy<Value = Vec<Word>> {
    let option = prop_oneof![4 => lifetime(), 2 => flag(&["persist"]), 1 => flag(&["keepttl", "px"])];
    let options = prop::collection::vec(option, 0..3).prop_map(joined);
    (name("getex"), key(), options).prop_map(|(name, key, options)| joined(vec![vec![name, key], options]))
}

fn expire() -> impl Strategy<Value = Vec<Word>> {
    let command = prop_oneof![
        (name("expire"), key(), seconds()),
        (name("pexpire"), key(), millis()),
        (name("expireat"), key(), at_seconds()),
        (name("pexpireat"), key(), at_millis()),
    ];
    let option = prop_oneof![9 => flag(&["nx", "xx", "gt", "lt"]), 1 => flag(&["foo"])];
    let options = prop_oneof![2 => Just(Vec::new()), 3 => prop::collection::vec(option, 1..3)];
    (command, options.prop_map(joined))
        .prop_map(|((name, key, time), options)| joined(vec![vec![name, key, time], options]))
}

fn of_one_key() -> impl Strategy<Value = Vec<Word>> {
    let command = select(
        &["get", "get", "getdel", "ttl", "pttl", "expiretime", "pexpiretime", "persist", "del", "exists"][..],
    );
    (command.prop_flat_map(name), key()).prop_map(|(name, key)| vec![name, key])
}

fn of_keys() -> impl Strategy<Value = Vec<Word>> {
    let command = select(&["del", "unlink", "exists"][..]).prop_flat_map(name);
    (command, prop::collection::vec(key(), 0..4)).prop_map(|(name, keys)| joined(vec![vec![name], keys]))
}

/// Any command with too few words or too many, and some that are not there.
fn malformed() -> impl Strategy<Value = Vec<Word>> {
    let command = select(
        &[
            "set",
            "setex",
            "psetex",
            "get",
            "getex",
            "getdel",
            "del",
            "exists",
            "expire",
            "pexpireat",
            "ttl",
            "pttl",
            "expiretime",
            "pexpiretime",
            "persist",
            "frobnicate",
            "GETT",
        ][..],
    );
    let rest = prop::collection::vec(key(), 0..5);
    (command, rest).prop_map(|(name, rest)| joined(vec![vec![text(name)], rest]))
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => set().prop_map(Step::Send),
        2 => set_for().prop_map(Step::Send),
        3 => get_ex().prop_map(Step::Send),
        6 => expire().prop_map(Step::Send),
        8 => of_one_key().prop_map(Step::Send),
        2 => of_keys().prop_map(Step::Send),
        1 => malformed().prop_map(Step::Send),
        3 => (1..6_u64).prop_map(Step::Wait),
        4 => (select(&KEYS[..]), -1..=1_i64).prop_map(|(key, plus)| Step::AtExpiry(key, plus)),
    ]
}

/// What is played.
#[derive(Debug, Clone, Copy)]
struct Design {
    /// The policy of the server; the model has it too, unless it is a textbook cache.
    policy: &'static str,
    is_textbook: bool,
    /// Whether the expiry cycle is on.
    active: bool,
    /// Whether more is in use than may be, from the beginning on.
    full: bool,
    cases: u32,
}

const fn design(policy: &'static str, active: bool, full: bool, cases: u32) -> Design {
    Design { policy, is_textbook: false, active, full, cases }
}

/// Where it is full, the cycle is off: a dead key counts as evicted or as expired, whoever comes first.
const DESIGNS: [Design; 8] = [
    Design { policy: "noeviction", is_textbook: true, active: false, full: false, cases: 96 },
    design("allkeys-lru", true, false, 24),
    design("allkeys-lfu", false, false, 16),
    design("volatile-lru", true, false, 24),
    design("noeviction", true, false, 16),
    design("noeviction", false, true, 24),
    design("allkeys-lru", false, true, 8),
    design("volatile-lru", false, true, 32),
];

/// What the cases have met, so that a generator that misses half of it is noticed.
#[derive(Debug, Default)]
struct Met {
    /// Commands by the beginning of their reply.
    replies: BTreeMap<String, u64>,
    /// Reads of a key 1 ms before its expiry, at it, and 1 ms after it.
    at_expiry: [u64; 3],
    expired: u64,
    /// Keys evicted by each policy.
    evicted: BTreeMap<&'static str, u64>,
    played_again: u64,
}

/// The sequence must be played again: a millisecond ended while a command was carried out.
struct Again;

/// A sequence being played against both.
struct Play<'a> {
    client: &'a mut Client,
    model: Connection,
    /// Unix milliseconds of its beginning.
    start: i64,
    design: Design,
    met: &'a mut Met,
}

pub(crate) fn micros() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later than 1970");
    i64::try_from(now.as_micros()).expect("it is not yet the year 294000")
}

/// Waits for the first quarter of a millisecond, and of `unix_ms` at the earliest.
fn align(unix_ms: i64) {
    loop {
        let now = micros();
        if now / 1_000 >= unix_ms && now % 1_000 < 250 {
            return;
        }
        if unix_ms - now / 1_000 > 2 {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

fn unix_ms(time: &Answer) -> i64 {
    let Answer::Array(parts) = time else { panic!("TIME is two numbers: {time:?}") };
    let part = |part: &Answer| match part {
        Answer::Bulk(Some(digits)) => {
            String::from_utf8_lossy(digits).parse::<i64>().expect("TIME is two numbers")
        }
        other => panic!("TIME is two numbers: {other:?}"),
    };
    part(&parts[0]) * 1_000 + part(&parts[1]) / 1_000
}

/// A reply of the model as the server would send it.
pub(crate) fn as_answer(reply: Reply<String>) -> Answer {
    match reply {
        Reply::Ok => Answer::Status("OK".to_owned()),
        Reply::Nil => Answer::Bulk(None),
        Reply::Integer(number) => Answer::Integer(number),
        Reply::Value(value) => Answer::Bulk(Some(value.into_bytes())),
        Reply::Error(error) => Answer::Error(error.to_string()),
    }
}

impl Play<'_> {
    /// Sends a command to both, not before `unix_ms`; the answer, and the millisecond of it.
    fn send(&mut self, words: &[String], from: i64) -> Result<(Answer, i64), Again> {
        align(from);
        self.client.queue(&["TIME"]);
        self.client.queue(words);
        self.client.queue(&["TIME"]);
        self.client.flush();
        let [before, answer, after] = [(); 3].map(|()| self.client.read());
        let now = unix_ms(&before);
        if now != unix_ms(&after) {
            return Err(Again);
        }
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let reply = as_answer(self.model.send(&words, self.model.clock().instant(now)));
        let (at, design) = (now - self.start, self.design);
        assert_eq!(reply, answer, "left the model, right the server: {words:?} at +{at} ms, {design:?}");
        let kind = match &answer {
            Answer::Error(error) => error.chars().take(28).collect(),
            Answer::Bulk(value) => if value.is_some() { "a value" } else { "nil" }.to_owned(),
            Answer::Integer(number) => {
                if *number < 0 {
                    number.to_string()
                } else {
                    "a number".to_owned()
                }
            }
            Answer::Status(status) => status.clone(),
            Answer::Array(_) => panic!("no command answers several things"),
        };
        *self.met.replies.entry(kind).or_default() += 1;
        Ok((answer, now))
    }

    fn step(&mut self, step: &Step) -> Result<(), Again> {
        match step {
            Step::Send(words) => {
                let written = words.iter().map(|word| match word {
                    Word::Text(text) => text.clone(),
                    Word::Millis(offset) => (self.start + offset).to_string(),
                    Word::Seconds(offset) => (self.start / 1_000 + offset).to_string(),
                });
                let written: Vec<String> = written.collect();
                self.send(&written, 0)?;
            }
            Step::Wait(millis) => std::thread::sleep(Duration::from_millis(*millis)),
            Step::AtExpiry(key, plus) => {
                let (answer, now) = self.send(&["PEXPIRETIME".to_owned(), (*key).to_owned()], 0)?;
                if let Answer::Integer(end) = answer
                    && (now..now + 80).contains(&end)
                {
                    let (_, read) = self.send(&["GET".to_owned(), (*key).to_owned()], end + plus)?;
                    let distance = usize::try_from(read - end + 1).ok();
                    if let Some(count) = distance.and_then(|place| self.met.at_expiry.get_mut(place)) {
                        *count += 1;
                    }
                }
            }
        }
        Ok(())
    }

    /// Both have counted the same, once every dead key has been looked at.
    fn compare_counts(&mut self) -> Result<(), Again> {
        align(0);
        self.client.queue(&["TIME"]);
        let words: Vec<&str> = std::iter::once("EXISTS").chain(KEYS).collect();
        self.client.queue(&words);
        self.client.queue_counts();
        self.client.queue(&["TIME"]);
        self.client.flush();
        let (now, answer) = (unix_ms(&self.client.read()), self.client.read());
        let (info, size) = self.client.read_counts();
        if now != unix_ms(&self.client.read()) {
            return Err(Again);
        }
        let reply = as_answer(self.model.send(&words, self.model.clock().instant(now)));
        assert_eq!(reply, answer, "left the model, right the server: {words:?}, {:?}", self.design);
        let stats = self.model.cache().stats();
        for (field, expected) in [
            ("expired_keys", stats.expired_keys),
            ("keyspace_hits", stats.keyspace_hits),
            ("keyspace_misses", stats.keyspace_misses),
            ("evicted_keys", stats.evicted_keys),
        ] {
            let design = self.design;
            assert_eq!(expected, info.number(field), "left the model, right the server: {field}, {design:?}");
        }
        assert_eq!(self.model.cache().entries(), size, "left the model, right the server: DBSIZE");
        self.met.expired += stats.expired_keys;
        *self.met.evicted.entry(self.design.policy).or_default() += stats.evicted_keys;
        self.model.cache().check();
        Ok(())
    }
}

/// Plays a sequence against an empty server and an empty model, or against full ones that hold some keys.
fn play(client: &mut Client, design: Design, steps: &[Step], met: &mut Met) -> Result<(), Again> {
    client.must(&["CONFIG", "SET", "maxmemory", "0"]);
    client.must(&["CONFIG", "SET", "maxmemory-policy", design.policy]);
    client.must(&["DEBUG", "SET-ACTIVE-EXPIRE", if design.active { "1" } else { "0" }]);
    client.must(&["FLUSHALL"]);
    client.must(&["CONFIG", "RESETSTAT"]);
    let start = micros() / 1_000;
    let (objects, clock) = (model::objects(KEYS.map(|key| (key, 5))), WallClock::starting_at(start - 1));
    let model = if design.is_textbook {
        model::lazy(objects, clock)
    } else {
        model::server(objects, design.policy, if design.active { "active" } else { "lazy" }, clock)
    };
    let mut play = Play { client, model, start, design, met };
    if design.full {
        for words in ["SET a v", "SET b w", "SET c 17 PX 100000"] {
            play.send(&words.split(' ').map(str::to_owned).collect::<Vec<_>>(), 0)?;
        }
        let now = play.model.clock().instant(micros() / 1_000);
        play.client.must(&["CONFIG", "SET", "maxmemory", "1"]);
        play.model.cache_mut().set_limit(Capacity::Bytes(1), now);
    }
    steps.iter().try_for_each(|step| play.step(step))?;
    play.compare_counts()
}

#[test]
fn random_commands_are_answered_and_counted_alike() {
    let Some(server) = Server::start(&[]) else { return };
    let (client, met) = (RefCell::new(server.client()), RefCell::new(Met::default()));
    for design in DESIGNS {
        let config =
            ProptestConfig { cases: design.cases, failure_persistence: None, ..ProptestConfig::default() };
        let played = TestRunner::new(config).run(&prop::collection::vec(step(), 1..60), |steps| {
            for _ in 0..20 {
                if play(&mut client.borrow_mut(), design, &steps, &mut met.borrow_mut()).is_ok() {
                    return Ok(());
                }
                met.borrow_mut().played_again += 1;
            }
            Err(TestCaseError::reject("a millisecond ended in 20 plays of it"))
        });
        if let Err(failure) = played {
            panic!("{failure}");
        }
    }
    let (client, met) = (&mut client.into_inner(), &mut met.into_inner());
    read_around_an_expiry(client, met);
    for reply in [
        "OK",
        "nil",
        "a value",
        "a number",
        "-1",
        "-2",
        "ERR syntax error",
        "ERR value is not an integer",
        "ERR invalid expire time in ",
        "ERR wrong number of arguments",
        "ERR NX and XX, GT or LT",
        "ERR GT and LT options at the",
        "ERR Unsupported option",
        "ERR unknown command",
        "OOM command not allowed",
    ] {
        let reply: String = reply.chars().take(28).collect();
        assert!(met.replies.keys().any(|kind| kind.starts_with(&reply)), "no \"{reply}\" in {met:?}");
    }
    assert!(met.expired >= 10, "{met:?}");
    // Where it is full: one key before the first command or all of them, and those that are given a TTL.
    let evicted = |policy| met.evicted.get(policy).copied().unwrap_or_default();
    assert_eq!((evicted("noeviction"), evicted("allkeys-lru")), (0, 8 * 3), "{met:?}");
    assert!(evicted("volatile-lru") > 32, "{met:?}");
}

/// Until a key has been read 1 ms before its expiry, at it, and 1 ms after it: on a busy machine the
/// random sequences may miss one of these.
fn read_around_an_expiry(client: &mut Client, met: &mut Met) {
    let stored = Step::Send(["SET", "a", "v", "PX", "6"].map(text).to_vec());
    for plus in (-1..=1).cycle().take(3_000) {
        if met.at_expiry.iter().all(|count| *count > 0) {
            return;
        }
        if play(client, DESIGNS[0], &[stored.clone(), Step::AtExpiry("a", plus)], met).is_err() {
            met.played_again += 1;
        }
    }
    panic!("no read came at the right millisecond: {met:?}");
}
