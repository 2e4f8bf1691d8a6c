//! What of a scenario a live run cannot do: refused by name, never ignored.

use crate::cache::Capacity;
use crate::scenario::Scenario;
use crate::trace::{Happening, Trace};
use crate::tune::CellPlan;

/// The eviction policies that a server has.
const POLICIES: [&str; 8] = [
    "noeviction",
    "allkeys-lru",
    "allkeys-lfu",
    "allkeys-random",
    "volatile-lru",
    "volatile-lfu",
    "volatile-random",
    "volatile-ttl",
];

/// A sentence for everything in the way of playing these cells live.
pub(super) fn refused(scenario: &Scenario, cells: &[CellPlan], trace: &Trace) -> Vec<String> {
    let mut all = Vec::new();
    of_the_cache(scenario, cells, &mut all);
    let mut strategies: Vec<usize> = cells.iter().map(|cell| cell.strategy).collect();
    strategies.dedup();
    strategies.into_iter().for_each(|strategy| of_a_strategy(scenario, strategy, &mut all));
    if trace.is_timeless() {
        all.push("the recording has an order and no times, so nothing says when a request starts; give it a rate or a time_unit".to_owned());
    }
    if trace.objects().are_resized() {
        all.push(
            "[[workload.class]] resize = true: a live run writes values of one size for each key; leave resize out"
                .to_owned(),
        );
    }
    if trace.events().iter().any(|event| event.what == Happening::MarkedStale) {
        all.push("purges with mode = \"mark-stale\": nothing marks a value inside a server; write mode = \"delete\"".to_owned());
    }
    all
}

fn of_the_cache(scenario: &Scenario, cells: &[CellPlan], all: &mut Vec<String>) {
    let cache = &scenario.cache;
    let bounded = cells.iter().any(|cell| cell.capacity != Capacity::Unbounded);
    for cell in cells {
        if matches!(cell.capacity, Capacity::Objects(_)) {
            all.push(
                "[cache] capacity in objects: a server's maxmemory is in bytes; write capacity = \"64MiB\""
                    .to_owned(),
            );
        }
        let policy = cache.evictions[cell.eviction].name();
        if cell.capacity != Capacity::Unbounded && !POLICIES.contains(&policy) {
            all.push(format!(
                "[cache] eviction = \"{policy}\": no server has it; write one of {}",
                POLICIES.join(", ")
            ));
        }
    }
    all.dedup();
    if bounded && cache.memory.name() != "redis" {
        all.push(format!(
            "[cache] memory = \"{}\" with a capacity: a server counts all of its memory; write memory = \"redis\"",
            cache.memory.name()
        ));
    }
    if cache.reclaim.name() != "active" {
        all.push(format!(
            "[cache] reclaim = \"{}\": a server sweeps what has expired; write reclaim = \"active\"",
            cache.reclaim.name()
        ));
    }
    if cache.server.is_some_and(|server| server.lru_clock != crate::cache::redis::LruClock::Seconds) {
        all.push("[cache] lru-clock = \"1ms\": no server has it; leave it out".to_owned());
    }
    if cache.ttl_resolution == crate::strategy::TtlResolution::Exact {
        all.push(
            "[cache] ttl_resolution = \"exact\": a server keeps whole milliseconds; write \"1ms\"".to_owned(),
        );
    }
    if cache.warm {
        all.push(
            "[cache] start = \"warm\": a live run begins with no keys; write start = \"cold\" and a warmup"
                .to_owned(),
        );
    }
    if !cache.events.is_empty() {
        all.push("[[cache.event]]: a live run never flushes, restarts or limits a server in its middle; leave them out".to_owned());
    }
}

fn of_a_strategy(scenario: &Scenario, strategy: usize, all: &mut Vec<String>) {
    let design = &scenario.strategies[strategy];
    let client = &design.client;
    let name = &design.name;
    let mut refuse = |what: &str| all.push(format!("strategy \"{name}\": {what}"));
    if client.crash > 0.0 {
        refuse("[client] crash: no process of a live run dies on purpose; leave it out");
    }
    if !client.negative_ttl.is_zero() {
        refuse("[client] negative_ttl: errors are not written to a live server; write negative_ttl = \"0s\"");
    }
    if client.on_timeout != crate::client::OnTimeout::Abandon {
        refuse("[client] on_timeout: a live fetch runs on; write on_timeout = \"abandon\"");
    }
    if design.sweep.is_set("atomic") {
        refuse(
            "sweep atomic: a live run sends the commands of a sweep one by one and no script; leave atomic out",
        );
    }
    if design.addons.iter().any(|addon| addon.name() == "warm-on-upload") {
        refuse("refresh add-on \"warm-on-upload\": nobody uploads to the origin of a live run; leave it out");
    }
    if scenario.cache.evictions.iter().any(|eviction| eviction.about().oracle) {
        refuse("its eviction policy knows the future, and no server does");
    }
}
