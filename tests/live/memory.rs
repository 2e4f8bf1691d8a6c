//! `used_memory` of a live server after fills of known keys and values, against the model, byte by byte.

use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

use ttlab::cache::Entry;
use ttlab::cache::command::{Connection, WallClock};
use ttlab::origin::Version;
use ttlab::trace::{ObjectId, Trace};
use ttlab::units::{SimDuration, SimTime};

use super::model::{self, Design};
use super::resp::Client;
use super::server::Server;

/// A quick cron moves tables quickly; on a busy machine the log of slow commands would count.
const SETTINGS: [&str; 6] = ["--hz", "500", "--dynamic-hz", "no", "--slowlog-log-slower-than", "-1"];

/// Keys of one length with values of one size.
#[derive(Debug, Clone, Copy)]
struct Fill {
    key: usize,
    value: u32,
    has_ttl: bool,
    count: usize,
}

/// All lengths around the steps of headers and allocator classes, and counts around a doubling of the tables.
fn fills() -> Vec<Fill> {
    let mut fills = Vec::new();
    for has_ttl in [false, true] {
        let fill = |key, value, count| Fill { key, value, has_ttl, count };
        for value in [0, 16, 44, 45, 64, 128, 1_000, 1_024, 4_096, 10_000, 20_000, 32_768, 40_000, 100_000] {
            fills.push(fill(24, value, 200));
        }
        fills.extend([7, 31, 32, 40, 120, 255, 256].map(|key| fill(key, 2_000, 200)));
        fills.extend([1, 4, 5, 1_024, 1_025, 5_000, 20_000].map(|count| fill(24, 64, count)));
    }
    fills
}

impl Fill {
    fn keys(self) -> Vec<String> {
        (0..self.count).map(|index| format!("{index:0>width$}", width = self.key)).collect()
    }
}

/// `used_memory` while no connection but that of the question is open.
fn used(server: &Server) -> u64 {
    server.client().info("used_memory")
}

/// The same, once it has come to rest: the tables have moved their keys, and connections are gone.
fn settled(server: &Server) -> u64 {
    let mut before = used(server);
    for _ in 0..500 {
        sleep(Duration::from_millis(20));
        let again = used(server);
        if again == before {
            return again;
        }
        before = again;
    }
    panic!("used_memory does not come to rest: {before}")
}

/// Bytes that the fill adds to an empty server.
fn measured(server: &Server, fill: Fill) -> u64 {
    server.client().must(&["FLUSHALL"]);
    let empty = settled(server);
    let mut client = server.client();
    // Letters, so that no value is stored as a number.
    let value = vec![b'v'; fill.value as usize];
    for keys in fill.keys().chunks(100) {
        for key in keys {
            let mut words = vec![b"SET".as_slice(), key.as_bytes(), &value];
            words.extend(fill.has_ttl.then_some([b"EX".as_slice(), b"1000"]).into_iter().flatten());
            client.queue(&words);
        }
        client.flush();
        keys.iter().for_each(|_| drop(client.read()));
    }
    drop(client);
    settled(server) - empty
}

/// Bytes that the model counts for the entries and the tables of the same fill.
fn modelled(fill: Fill) -> u64 {
    let keys = fill.keys();
    let objects = model::objects(keys.iter().map(|key| (key.as_str(), fill.value)));
    let trace = Arc::new(Trace::new(Vec::new(), Vec::new(), objects, SimDuration::ZERO));
    let mut cache = model::redis(&trace, "noeviction", 1 << 40, 0, 0);
    let second = SimTime::ZERO + SimDuration::from_secs(1);
    let until = if fill.has_ttl { second + SimDuration::from_secs(1_000) } else { SimTime::NEVER };
    for object in (0..fill.count).map(ObjectId::from_index) {
        let entry =
            Entry { stored_at: SimTime::ZERO, fresh_until: until, expires_at: until, version: Version(0) };
        cache.set(object, entry, SimTime::ZERO);
    }
    // A minute of ticks in which the tables move their keys.
    cache.get(ObjectId::new(0), SimTime::ZERO + SimDuration::from_secs(60));
    let parts = cache.breakdown().expect("the model counts as Redis does");
    parts.total() - parts.clients - parts.fixed
}

#[test]
fn used_memory_is_what_the_model_says_to_the_byte() {
    let Some(server) = Server::start(&SETTINGS) else { return };
    // The first use of each kind of command allocates its histogram.
    let mut client = server.client();
    client.must(&["SET", "a", "v"]);
    client.must(&["FLUSHALL"]);
    drop(client);
    let (mut live_sum, mut error_sum) = (0, 0);
    for fill in fills() {
        let model = modelled(fill);
        // Some hundred bytes may be in use for something else while a connection ends.
        let live = (0..3).map(|_| measured(&server, fill)).find(|live| *live == model);
        let live = live.unwrap_or_else(|| measured(&server, fill));
        let error = live.abs_diff(model);
        assert!(
            error < fill.count as u64 && error * 100 <= live,
            "{fill:?}: the server uses {live} bytes, the model says {model}"
        );
        live_sum += live;
        error_sum += error;
    }
    assert!(error_sum * 100 <= live_sum, "{error_sum} of {live_sum} bytes differ");
    println!("{} fills, {live_sum} bytes, {error_sum} of them differ", fills().len());
}

/// What is sent for each of some keys, with `KEY` for the key, and by how many bytes an entry changes by it.
type Step = (&'static str, std::ops::Range<usize>, i64);

/// A key of 24 bytes with a value of 1000, and what a TTL adds: figures of the specification.
const ENTRY: i64 = 1_104;
const TTL: i64 = 32;

const STEPS: [Step; 18] = [
    ("SET KEY VALUE", 0..300, ENTRY),
    ("TTL KEY", 0..300, 0),
    ("EXPIRE KEY 1000", 0..300, TTL),
    ("TTL KEY", 0..300, 0),
    ("EXPIRE KEY 2000", 0..300, 0),
    ("EXPIRE KEY 1000 NX", 0..300, 0),
    ("PERSIST KEY", 0..100, -TTL),
    ("PERSIST KEY", 0..100, 0),
    ("GETEX KEY EX 1000", 0..50, TTL),
    ("GETEX KEY PERSIST", 0..50, -TTL),
    ("SET KEY VALUE KEEPTTL", 100..150, 0),
    ("SET KEY VALUE", 100..150, -TTL),
    ("SETEX KEY 1000 VALUE", 100..150, TTL),
    // An end that is not in the future deletes the key.
    ("EXPIRE KEY -1", 100..150, -ENTRY - TTL),
    ("GETDEL KEY", 150..160, -ENTRY - TTL),
    ("DEL KEY", 0..100, -ENTRY),
    ("DEL KEY", 160..200, -ENTRY - TTL),
    // The sweep deletes them, and the tables shrink.
    ("PEXPIRE KEY 1", 200..300, -ENTRY - TTL),
];

#[test]
fn memory_follows_expire_ttl_persist_and_del_entry_by_entry() {
    let mut settings = SETTINGS.to_vec();
    settings.extend(["--latency-tracking", "no"]);
    let Some(server) = Server::start(&settings) else { return };
    let keys = Fill { key: 24, value: 1_000, has_ttl: false, count: 300 }.keys();
    let objects = model::objects(keys.iter().map(|key| (key.as_str(), 1_000)));
    let trace = Arc::new(Trace::new(Vec::new(), Vec::new(), objects, SimDuration::ZERO));
    let cache = model::redis(&trace, "noeviction", 1 << 40, 0, 0);
    let mut model = Connection::new(cache, WallClock::starting_at(1_700_000_000_000));
    let value = "v".repeat(1_000);
    let empty = settled(&server);
    let (mut before, mut tables_before) = (0, 0);
    for (second, (command, which, each)) in (0..).step_by(2).zip(STEPS) {
        let now = SimTime::ZERO + SimDuration::from_secs(second);
        let mut client = server.client();
        for key in &keys[which.clone()] {
            let words: Vec<&str> = command
                .split(' ')
                .map(|word| match word {
                    "KEY" => key.as_str(),
                    "VALUE" => value.as_str(),
                    word => word,
                })
                .collect();
            client.must(&words);
            model.send(&words, now);
        }
        drop(client);
        // Ticks, so that tables have moved their keys and the dead are deleted.
        sleep(Duration::from_millis(100));
        model.cache_mut().bytes_at(now + SimDuration::from_secs(1));
        let parts = model.cache().breakdown().expect("the model counts as Redis does");
        let modelled = parts.total() - parts.clients - parts.fixed;
        // Some hundred bytes may be in use for something else while a connection ends.
        let is_near = |live: u64| live.abs_diff(modelled) < which.len().min(100) as u64;
        let mut looks = (0..5).map(|_| settled(&server).saturating_sub(empty));
        let live =
            looks.find(|live| is_near(*live)).unwrap_or_else(|| settled(&server).saturating_sub(empty));
        assert!(is_near(live), "{command}: the server uses {live} bytes, the model says {modelled}");
        let entries = modelled.cast_signed() - parts.tables.cast_signed();
        let by_rule = before - tables_before + each * i64::try_from(which.len()).expect("they are few");
        assert_eq!(entries, by_rule, "{command}: entries of the model");
        (before, tables_before) = (modelled.cast_signed(), parts.tables.cast_signed());
    }
    assert_eq!(model.cache().entries(), 0);
}

/// One command of each kind, and one more of most: the histograms of the kinds that were run.
const KINDS: [&str; 22] = [
    "SET KEY v",
    "SET KEY w",
    "GET KEY",
    "SETEX KEY 1000 v",
    "PSETEX KEY 1000000 v",
    "GETEX KEY PERSIST",
    "GETEX KEY FOO",
    "EXPIRE KEY ten",
    "EXPIRE KEY 1000",
    "PEXPIRE KEY 1000000",
    "EXPIREAT KEY 4000000000",
    "PEXPIREAT KEY 4000000000000",
    "TTL KEY",
    "PTTL KEY",
    "EXPIRETIME KEY",
    "PEXPIRETIME KEY",
    "PERSIST KEY",
    "EXISTS KEY KEY",
    "GET KEY KEY",
    "GETDEL KEY",
    "DEL KEY",
    "UNLINK KEY",
];

#[test]
fn each_kind_of_command_takes_its_histogram_once() {
    let Some(server) = Server::start(&SETTINGS) else { return };
    let key = "0".repeat(24);
    let objects = model::objects([(key.as_str(), 1)]);
    let trace = Arc::new(Trace::new(Vec::new(), Vec::new(), objects, SimDuration::ZERO));
    let cache = model::cache(&trace, Design { latency_tracking: true, ..Design::default() });
    let mut model = Connection::new(cache, WallClock::starting_at(1_700_000_000_000));
    let fixed = |model: &Connection| model.cache().breakdown().expect("the model counts as Redis does").fixed;
    let (mut before, mut live_before) = (fixed(&model), settled(&server));
    for (millis, line) in (0..).zip(KINDS) {
        let words: Vec<&str> =
            line.split(' ').map(|word| if word == "KEY" { key.as_str() } else { word }).collect();
        let mut client = server.client();
        client.ask(&words);
        drop(client);
        model.send(&words, SimTime::ZERO + SimDuration::from_millis(millis));
        let (after, live) = (fixed(&model), settled(&server));
        let (told, grown) = (after - before, live.cast_signed() - live_before.cast_signed());
        // A key comes and goes, and some hundred bytes are in use for something else.
        let is_near = grown.abs_diff(told.cast_signed()) < 2_000;
        assert!(is_near, "{line}: the server takes {grown} bytes more, the model says {told}");
        (before, live_before) = (after, live);
    }
}

/// A client that has been idle for long is left with little.
#[test]
fn a_client_that_is_idle_for_long_gives_its_buffers_back() {
    let Some(server) = Server::start(&["--slowlog-log-slower-than", "-1", "--latency-tracking", "no"]) else {
        return;
    };
    let before = settled(&server);
    let mut client = server.client();
    client.must(&["GET", "image"]);
    let busy = used(&server) - before;
    sleep(Duration::from_secs(14));
    let idle = used(&server).saturating_sub(before);
    drop(client);
    let objects = model::objects([("image", 1)]);
    let trace = Arc::new(Trace::new(Vec::new(), Vec::new(), objects, SimDuration::ZERO));
    let mut cache = model::redis(&trace, "noeviction", 1 << 40, 0, 0);
    let clients =
        |cache: &ttlab::cache::Cache| cache.breakdown().expect("the model counts as Redis does").clients;
    cache.get(ObjectId::new(0), SimTime::ZERO);
    assert!(clients(&cache).abs_diff(busy) * 100 < busy, "{busy} bytes, the model says {}", clients(&cache));
    cache.bytes_at(SimTime::ZERO + SimDuration::from_secs(14));
    // What is left is less than other parts of a server come and go by.
    assert!(clients(&cache).abs_diff(idle) < 1_100, "{idle} bytes, the model says {}", clients(&cache));
}

/// What happens to a connection: so many milliseconds pass, then an image may be stored, with a TTL or without, or the
/// first one read.
type Act = (u64, Option<(usize, bool)>, bool);

/// Plays steps on a new connection and on the model, and compares what all that came of them takes. The cron of the server
/// ticks at instants of its own, so the steps are played again if a tick came between a command and the look at it.
fn follows_the_model(sizes: &[u32], steps: &[Act]) {
    let Some(server) = Server::start(&["--slowlog-log-slower-than", "-1", "--latency-tracking", "no"]) else {
        return;
    };
    let names: Vec<String> = (0..sizes.len()).map(|image| format!("image{image}")).collect();
    let objects = model::objects(names.iter().map(String::as_str).zip(sizes.iter().copied()));
    let trace = Arc::new(Trace::new(Vec::new(), Vec::new(), objects, SimDuration::ZERO));
    let mut cache = model::redis(&trace, "noeviction", 1 << 40, 0, 0);
    let (mut now, mut expected) = (SimTime::ZERO, Vec::new());
    for (millis, set, get) in steps {
        now += SimDuration::from_millis(*millis);
        cache.bytes_at(now);
        if let Some((image, has_ttl)) = *set {
            let end = if has_ttl { now + SimDuration::from_secs(10_000) } else { SimTime::NEVER };
            let entry = Entry { stored_at: now, fresh_until: end, expires_at: end, version: Version(0) };
            cache.set(ObjectId::from_index(image), entry, now);
        }
        if *get {
            cache.get(ObjectId::new(0), now);
        }
        let parts = cache.breakdown().expect("the model counts as Redis does");
        expected.push(parts.total() - parts.fixed);
    }
    let mut played = Vec::new();
    for _ in 0..8 {
        server.client().must(&["FLUSHALL"]);
        let before = settled(&server);
        let mut client = server.client();
        let mut live = Vec::new();
        for (millis, set, get) in steps {
            sleep(Duration::from_millis(*millis));
            if let Some((image, has_ttl)) = *set {
                let value = "v".repeat(sizes[image] as usize);
                let words = ["SET", &names[image], &value, "PX", "10000000"];
                client.must(if has_ttl { &words } else { &words[..3] });
            }
            if *get {
                client.must(&["GET", &names[0]]);
            }
            live.push(used(&server).saturating_sub(before));
        }
        // Some hundred bytes come and go elsewhere.
        if live.iter().zip(&expected).all(|(live, expected)| live.abs_diff(*expected) < 700) {
            return;
        }
        played.push(live);
    }
    panic!("the model says {expected:?}, the server uses {played:?}");
}

#[test]
fn the_buffers_of_a_client_are_those_of_the_model_after_single_commands() {
    let stored = Some((0, false));
    let steps = [
        // Its reply buffer is cut by the second visit of the cron.
        (400, None, false),
        // The first request makes a large buffer, which the next visit cuts, and the next request larger still.
        (0, stored, false),
        (150, None, false),
        (0, stored, false),
        (150, None, false),
        // A reply that fills its buffer doubles it.
        (0, None, true),
        (150, None, false),
        // At rest it gives the query buffer back.
        (3_200, None, false),
    ];
    follows_the_model(&[20_000], &steps);
}

/// With a TTL behind it, a large value that fits what the one before has left is copied, and the buffer stays as it is.
#[test]
fn the_buffer_of_a_client_is_as_large_as_its_largest_value_where_values_have_a_ttl() {
    let sizes = [300_000, 40_000, 60_000, 250_000, 299_980];
    let steps: Vec<Act> = (0..5).map(|image| (0, Some((image, true)), false)).collect();
    follows_the_model(&sizes, &steps);
    // Without one each takes the buffer over and leaves one of its own size; the first with one again finds no room.
    let steps = [(0, true), (1, false), (2, true), (1, true), (3, false), (2, true)];
    let steps: Vec<Act> = steps.into_iter().map(|set| (0, Some(set), false)).collect();
    follows_the_model(&sizes, &steps);
}

/// A dead value and its second key are two keys to the expiry cycle, which comes by all of them in one turn, each at its own
/// time; in the model they leave like this too (`tests/redis/active.rs`).
#[test]
fn dead_pairs_leave_key_by_key_within_one_turn_of_the_cycle() {
    const PAIRS: usize = 2_120;
    const DEAD: u64 = 120;
    // A turn of 20 keys in each hundredth of a second.
    let Some(server) = Server::start(&["--hz", "100", "--dynamic-hz", "no"]) else { return };
    let mut client = server.client();
    client.must(&["DEBUG", "SET-ACTIVE-EXPIRE", "0"]);
    for number in 0..PAIRS {
        // Few of them are dead, so that a cycle is over after its first keys, as a rule.
        let ttl = if (number as u64) < DEAD { "1" } else { "600000" };
        let (value, second) = (format!("image:{number}"), format!("image:{number}:due"));
        client.must(&["SET", &value, &"x".repeat(2_000), "PX", ttl]);
        client.must(&["SET", &second, "12345678", "PX", ttl]);
    }
    let living = 2 * (PAIRS as u64 - DEAD);
    let dead = |client: &mut Client| client.counts().1 - living;
    assert_eq!(dead(&mut client), 2 * DEAD);
    let turn = Duration::from_micros(2 * PAIRS as u64 * 1_000_000 / (20 * 100));
    client.must(&["DEBUG", "SET-ACTIVE-EXPIRE", "1"]);
    sleep(turn / 2);
    let half = dead(&mut client);
    // Ticks may come late, and some cycles go on.
    assert!(
        (2 * DEAD * 30 / 100..2 * DEAD * 80 / 100).contains(&half),
        "{half} of {} after half a turn",
        2 * DEAD
    );
    // Of pairs that left by halves a quarter would be there after a turn, and an eighth after another half.
    sleep(turn);
    assert_eq!(dead(&mut client), 0);
}
