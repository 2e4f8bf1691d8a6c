//! Flush and a change of `maxmemory` while running, live and in the model: how many keys are left, how many were evicted
//! and what is in use once both have come to rest.

#![expect(clippy::disallowed_methods, reason = "a live server is played against the wall clock")]

use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use ttlab::cache::{Cache, Capacity, Entry, Stored};
use ttlab::origin::Version;
use ttlab::trace::{ObjectId, Trace};
use ttlab::units::{SimDuration, SimTime};

use super::harness;
use super::model::{self, Design};
use super::resp::{Answer, Client};
use super::server::Server;

/// Bytes of a value: all are as large, so that it is no matter who is evicted.
const VALUE: u32 = 1_000;
/// A key and its value of a thousand bytes, with a TTL.
const ENTRY: u64 = 1_136;
/// Beside entries and tables something comes and goes, a reply on its way most of all.
const ELSEWHERE: u64 = 24_000;
/// A TTL in seconds that nothing outlives here.
const LONG: u64 = 10_000;

/// A server and a model to which the same happens.
struct Both {
    client: Client,
    model: Cache,
    began: Instant,
    refused: [u64; 2],
}

/// A figure of the server, and of the model.
type Pair = [u64; 2];

impl Both {
    fn new(server: &Server, policy: &str, settings: &[(&str, &str)], maxmemory: u64) -> Self {
        let names: Vec<String> = (0..20_000).map(name).collect();
        let objects = model::objects(names.iter().map(|name| (name.as_str(), VALUE)));
        let trace = Arc::new(Trace::new(Vec::new(), Vec::new(), objects, SimDuration::ZERO));
        let model = model::cache(&trace, Design { policy, maxmemory, settings, ..Design::default() });
        Self { client: server.client(), model, began: Instant::now(), refused: [0; 2] }
    }

    fn now(&self) -> SimTime {
        let nanos = u64::try_from(self.began.elapsed().as_nanos()).expect("it is seconds");
        SimTime::from_nanos(nanos)
    }

    /// Stores keys with a TTL, one after the other.
    fn fill(&mut self, numbers: std::ops::Range<usize>) {
        let value = vec![b'v'; VALUE as usize];
        let ttl = LONG.to_string();
        for number in numbers {
            let name = name(number);
            let words = [b"SET".as_slice(), name.as_bytes(), &value, b"EX", ttl.as_bytes()];
            let now = self.now();
            let until = now + SimDuration::from_secs(LONG);
            let entry = Entry { stored_at: now, fresh_until: until, expires_at: until, version: Version(0) };
            let live = match self.client.ask(&words) {
                Answer::Error(error) if error.starts_with("OOM ") => true,
                Answer::Status(_) => false,
                other => panic!("SET: {other:?}"),
            };
            let modelled = self.model.set(ObjectId::from_index(number), entry, now) == Stored::OutOfMemory;
            self.refused[0] += u64::from(live);
            self.refused[1] += u64::from(modelled);
        }
    }

    /// CONFIG SET maxmemory; keys evicted by the next command.
    fn limit(&mut self, bytes: u64) -> Pair {
        let before = self.evicted();
        self.client.queue(&["CONFIG", "SET", "maxmemory", &bytes.to_string()]);
        // No turn of the loop comes between the two.
        self.client.queue(&["INFO", "stats"]);
        self.client.flush();
        assert_eq!(self.client.read(), Answer::Status("OK".to_owned()));
        let info = self.client.read_section();
        let now = self.now();
        self.model.set_limit(Capacity::Bytes(bytes), now);
        let after = [info.number("evicted_keys"), self.model.stats().evicted_keys];
        [after[0] - before[0], after[1] - before[1]]
    }

    fn flush(&mut self) {
        self.client.must(&["FLUSHALL"]);
        let now = self.now();
        self.model.flush(now);
    }

    fn evicted(&mut self) -> Pair {
        [self.client.section("stats").number("evicted_keys"), self.model.stats().evicted_keys]
    }

    /// Lets some ticks pass, and compares.
    #[expect(clippy::print_stdout, reason = "who asks for it sees the figures")]
    fn rest(&mut self, what: &str) -> Pair {
        sleep(Duration::from_millis(400));
        // The model's eviction goes on with the next command.
        self.client.must(&["GET", "absent"]);
        let now = self.now();
        self.model.get(ObjectId::from_index(19_999), now);
        let used = self.model.bytes_at(now);
        self.model.check();
        // One after the other: a long answer that is not yet sent makes the next command evict.
        let keys = harness::keys(&mut self.client);
        let live = self.client.section("memory").number("used_memory");
        let near = |what: &str, [live, modelled]: Pair, most: u64| {
            println!("{what}: {live}, the model {modelled}");
            assert!(live.abs_diff(modelled) <= most, "{what}: {live}, the model says {modelled}");
        };
        let evicted = self.evicted();
        near(&format!("{what}: keys"), [keys, self.model.entries()], ELSEWHERE / ENTRY);
        near(&format!("{what}: evicted"), evicted, ELSEWHERE / ENTRY);
        near(&format!("{what}: refused"), self.refused, ELSEWHERE / ENTRY);
        near(&format!("{what}: used_memory"), [live, used], ELSEWHERE);
        evicted
    }
}

fn name(number: usize) -> String {
    format!("image:{number:018x}")
}

#[test]
fn a_lower_limit_a_higher_one_and_a_flush_leave_what_they_leave_in_the_model() {
    let play = |policy| {
        let settings = ["--maxmemory", "9000000", "--maxmemory-policy", policy, "--latency-tracking", "no"];
        let Some(server) = Server::start(&settings) else { return };
        let mut both = Both::new(&server, policy, &[], 9_000_000);
        both.fill(0..6_000);
        assert_eq!(both.rest("filled"), [0; 2], "{policy}");
        both.limit(5_000_000);
        let [evicted, _] = both.rest("with less memory");
        assert_eq!(evicted > 2_000, policy != "noeviction", "{policy}: {evicted} evicted");
        both.fill(6_000..6_500);
        both.rest("filled with less memory");
        both.limit(7_000_000);
        both.fill(6_500..9_500);
        both.rest("filled with more memory");
        both.flush();
        both.rest("flushed");
        both.fill(0..8_000);
        both.rest("filled again");
    };
    // Side by side, as most of the time nothing happens.
    std::thread::scope(|scope| {
        for policy in ["allkeys-lru", "allkeys-lfu", "volatile-ttl", "noeviction"] {
            scope.spawn(move || play(policy));
        }
    });
}

/// How long one command may evict, by how much the first one evicts after the limit was lowered: it looks at its time once
/// in sixteen victims.
#[test]
fn the_first_command_under_a_lower_limit_evicts_for_as_long_as_tenacity_lets_it() {
    for (tenacity, evicts) in [("0", 16..=16), ("10", 16..=3_000), ("100", 3_000..=5_000)] {
        let words =
            ["--maxmemory-eviction-tenacity", tenacity, "--maxmemory", "9000000", "--latency-tracking", "no"];
        let Some(server) = Server::start(&[&words[..], &["--maxmemory-policy", "allkeys-lru"]].concat())
        else {
            return;
        };
        let settings = [("maxmemory-eviction-tenacity", tenacity)];
        let mut both = Both::new(&server, "allkeys-lru", &settings, 9_000_000);
        both.fill(0..6_000);
        let evicted = both.limit(3_000_000);
        println!("tenacity {tenacity}: {evicted:?}");
        assert!(evicted.iter().all(|keys| evicts.contains(keys)), "tenacity {tenacity}: {evicted:?}");
    }
}
