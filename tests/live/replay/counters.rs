//! LFU counters as OBJECT FREQ tells them: how they grow by `lfu-log-factor`, and what is left of them by
//! `lfu-decay-time` once a minute of the wall clock has ended.

use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

use ttlab::cache::{Cache, Entry};
use ttlab::origin::Version;
use ttlab::trace::{ObjectId, Trace};
use ttlab::units::{SimDuration, SimTime};

use super::super::commands::micros;
use super::super::model::{self, Design};
use super::super::resp::{Answer, Client};
use super::super::server::Server;

const FACTORS: [&str; 4] = ["0", "1", "10", "100"];

/// How often each key is read after it was stored.
const READS: [usize; 3] = [0, 20, 300];

/// Keys that are read so often: by growth by chance, a mean of as many is told from that of another factor.
const KEYS: usize = 150;

/// What a minute is divided into.
const MINUTE: u64 = 60_000;

fn millis() -> u64 {
    u64::try_from(micros() / 1_000).expect("it is later than 1970")
}

fn key(factor: &str, number: usize) -> String {
    format!("image:{factor}:{number}")
}

/// How often the key of this number is read.
fn reads(number: usize) -> usize {
    READS[number / KEYS]
}

/// The counters of all keys of a factor, by the server.
fn counters(client: &mut Client, factor: &str) -> Vec<u32> {
    let numbers = 0..KEYS * READS.len();
    numbers.clone().for_each(|number| client.queue(&["OBJECT", "FREQ", &key(factor, number)]));
    client.flush();
    let read = |_| match client.read() {
        Answer::Integer(counter) => u32::try_from(counter).expect("it is not below 0"),
        other => panic!("OBJECT FREQ: {other:?}"),
    };
    numbers.map(read).collect()
}

/// Stores and reads all keys of a factor on the server; their counters.
fn used(client: &mut Client, factor: &str) -> Vec<u32> {
    client.must(&["CONFIG", "SET", "lfu-log-factor", factor]);
    for number in 0..KEYS * READS.len() {
        let key = key(factor, number);
        client.queue(&["SET", &key, "v"]);
        (0..reads(number)).for_each(|_| client.queue(&["GET", &key]));
        client.flush();
        (0..=reads(number)).for_each(|_| drop(client.read()));
    }
    counters(client, factor)
}

/// The same in the model, so many milliseconds after a full minute.
fn modelled(factor: &str, decay: &str, phase_ms: u64, seed: u64) -> Cache {
    let keys: Vec<String> = (0..KEYS * READS.len()).map(|number| key(factor, number)).collect();
    let objects = model::objects(keys.iter().map(|key| (key.as_str(), 1)));
    let trace = Arc::new(Trace::new(Vec::new(), Vec::new(), objects, SimDuration::ZERO));
    let settings = [("lfu-log-factor", factor), ("lfu-decay-time", decay)];
    let design = Design { policy: "allkeys-lfu", phase_ms, seed, settings: &settings, ..Design::default() };
    let mut cache = model::cache(&trace, design);
    let (now, until) = (SimTime::ZERO, SimTime::NEVER);
    let entry = Entry { stored_at: now, fresh_until: until, expires_at: until, version: Version(0) };
    for number in 0..keys.len() {
        let object = ObjectId::from_index(number);
        cache.set(object, entry, now);
        for _ in 0..reads(number) {
            cache.get(object, now);
        }
    }
    cache
}

/// The counters of all keys, by the model.
fn told(cache: &Cache, now: SimTime) -> Vec<u32> {
    let numbers = 0..KEYS * READS.len();
    numbers.map(|number| cache.frequency(ObjectId::from_index(number), now).expect("it is held")).collect()
}

/// Mean, and the standard error of it.
fn mean(counters: &[u32]) -> (f64, f64) {
    let n = counters.len() as f64;
    let mean = counters.iter().map(|counter| f64::from(*counter)).sum::<f64>() / n;
    let squares: f64 = counters.iter().map(|counter| (f64::from(*counter) - mean).powi(2)).sum();
    (mean, (squares / (n - 1.0) / n).sqrt())
}

/// Uses keys within a minute, compares their counters, and once more when that minute has ended.
#[expect(clippy::print_stdout, reason = "who asks for it sees the figures")]
pub(super) fn are_those_of_the_model() {
    let Some(server) = Server::start(&["--maxmemory-policy", "allkeys-lfu"]) else { return };
    let mut client = server.client();
    // The minute must not end meanwhile.
    if millis() % MINUTE > 50_000 {
        sleep(Duration::from_millis(MINUTE + 200 - millis() % MINUTE));
    }
    let began = millis();
    let phase_ms = began % MINUTE;
    let before = FACTORS.map(|factor| used(&mut client, factor));
    assert_eq!(millis() / MINUTE, began / MINUTE, "all counters are of one minute");
    for (factor, live) in FACTORS.iter().zip(&before) {
        let model: Vec<Vec<u32>> =
            (0..8).map(|seed| told(&modelled(factor, "1", phase_ms, seed), SimTime::ZERO)).collect();
        for (place, reads) in READS.iter().enumerate() {
            let keys = KEYS * place..KEYS * (place + 1);
            let (own, chance) = mean(&live[keys.clone()]);
            let of_model: Vec<u32> =
                model.iter().flat_map(|counters| counters[keys.clone()].to_vec()).collect();
            let (expected, more) = mean(&of_model);
            let chance = chance.hypot(more);
            println!(
                "lfu-log-factor {factor}, {reads} reads: {own:.2}, the model {expected:.2} ± {chance:.2}"
            );
            assert!(
                (own - expected).abs() <= 4.0 * chance,
                "lfu-log-factor {factor}, {reads} reads: {own} on average, the model says {expected} ± {chance}"
            );
        }
    }
    sleep(Duration::from_millis((MINUTE + 200 - phase_ms).saturating_sub(millis() - began)));
    for decay in ["0", "1", "2"] {
        client.must(&["CONFIG", "SET", "lfu-decay-time", decay]);
        for (factor, before) in FACTORS.iter().zip(&before) {
            let live = counters(&mut client, factor);
            let now = SimTime::ZERO + SimDuration::from_millis(millis() - began);
            let model = modelled(factor, decay, phase_ms, 0);
            let of_model: Vec<(u32, u32)> =
                told(&model, SimTime::ZERO).into_iter().zip(told(&model, now)).collect();
            for (number, (before, after)) in before.iter().zip(live).enumerate() {
                let lost = of_model[number].0 - of_model[number].1;
                assert_eq!(before - after, lost, "lfu-decay-time {decay}, {}", key(factor, number));
            }
        }
    }
}
