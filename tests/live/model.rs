//! The crate's own cache, made to be compared with a server.

use std::sync::Arc;

use ttlab::cache::command::{Connection, WallClock};
use ttlab::cache::eviction::EVICTIONS;
use ttlab::cache::memory::MEMORIES;
use ttlab::cache::reclaim::RECLAIMS;
use ttlab::cache::{Cache, Capacity, Residency, Setup};
use ttlab::random::Seed;
use ttlab::scenario::Scenario;
use ttlab::trace::{ClassId, Fact, Keys, Objects, Trace};
use ttlab::tune;
use ttlab::units::{SimDuration, SimTime, Window};

/// Objects with these keys and sizes.
pub(crate) fn objects<'k>(objects: impl IntoIterator<Item = (&'k str, u32)>) -> Objects {
    let mut keys = Keys::recorded();
    let facts = objects.into_iter().map(|(key, size)| {
        keys.push(key);
        Fact { size, class: ClassId::default(), size_is_imputed: false }
    });
    let facts = facts.collect();
    Objects::new(facts, keys, vec!["all".to_owned()])
}

/// A cache without a limit that deletes dead entries only when they are looked up, which begins when
/// `clock` says.
pub(crate) fn lazy(held: Objects, clock: WallClock) -> Connection {
    let trace = Arc::new(Trace::new(Vec::new(), Vec::new(), held, SimDuration::ZERO));
    let objects = trace.shared_objects();
    let setup = Setup { objects: objects.len(), capacity: Capacity::Unbounded, trace };
    let made = "every part can be made with its defaults";
    let cache = Cache::new(
        objects,
        Capacity::Unbounded,
        EVICTIONS.default_choice("lru").make(&setup).expect(made),
        RECLAIMS.default_choice("lazy").make(&setup).expect(made),
        MEMORIES.default_choice("payload").make(&setup).expect(made),
        Residency::new(Window { from: SimTime::ZERO, until: SimTime::NEVER }, SimDuration::FOREVER),
    );
    Connection::new(cache, clock)
}

/// A cache that is a Redis server with this policy and limit in bytes, its run beginning so many
/// milliseconds after a full minute of the wall clock.
pub(crate) fn redis(trace: &Arc<Trace>, policy: &str, maxmemory: u64, phase_ms: u64, seed: u64) -> Cache {
    tracking(trace, policy, maxmemory, phase_ms, seed, false)
}

/// A Redis server with this policy, no limit in reach and one of the ways to reclaim dead entries, to which commands can
/// be sent; it begins when `clock` says.
pub(crate) fn server(held: Objects, policy: &str, reclaim: &str, clock: WallClock) -> Connection {
    let trace = Arc::new(Trace::new(Vec::new(), Vec::new(), held, SimDuration::ZERO));
    Connection::new(cache(&trace, policy, 1 << 40, 0, 0, false, reclaim), clock)
}

/// The same, which may keep a histogram of each kind of command.
pub(crate) fn tracking(
    trace: &Arc<Trace>,
    policy: &str,
    maxmemory: u64,
    phase_ms: u64,
    seed: u64,
    latency_tracking: bool,
) -> Cache {
    cache(trace, policy, maxmemory, phase_ms, seed, latency_tracking, "active")
}

fn cache(
    trace: &Arc<Trace>,
    policy: &str,
    maxmemory: u64,
    phase_ms: u64,
    seed: u64,
    latency_tracking: bool,
    reclaim: &str,
) -> Cache {
    let text = format!(
        r#"
        name = "live"
        [workload]
        duration = "1s"
        rate = "1/s"
        class = [{{ name = "all", objects = 1 }}]
        [cache]
        capacity = "{maxmemory}B"
        eviction = "{policy}"
        reclaim = "{reclaim}"
        memory = {{ model = "redis", latency_tracking = {latency_tracking} }}
        clock-phase-ms = {phase_ms}
        [origin]
        latency = {{ model = "constant", value = "1ms" }}
        [[strategy]]
        name = "no TTL"
        baseline = true
        ttl = "none"
        "#
    );
    let scenario = Scenario::parse(&text, "live.toml").unwrap_or_else(|error| panic!("{error}"));
    let plan = tune::grid(&scenario)[0];
    let simulation = tune::simulation(&scenario, &plan, trace, Seed::new(seed));
    simulation.unwrap_or_else(|fault| panic!("{fault:?}")).cache
}
