//! `used_memory` of a live server after fills of known keys and values, against the model, byte by byte.

use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

use ttlab::cache::Entry;
use ttlab::origin::Version;
use ttlab::trace::{ObjectId, Trace};
use ttlab::units::{SimDuration, SimTime};

use super::model;
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
