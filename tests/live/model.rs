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

/// A Redis server that is modelled.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Design<'a> {
    /// Its policy.
    pub(crate) policy: &'a str,
    /// Its limit in bytes.
    pub(crate) maxmemory: u64,
    /// How many milliseconds after a full minute of the wall clock the run begins.
    pub(crate) phase_ms: u64,
    pub(crate) seed: u64,
    /// Whether it keeps a histogram of each kind of command.
    pub(crate) latency_tracking: bool,
    /// How it reclaims dead entries.
    pub(crate) reclaim: &'a str,
    /// Further settings with their numbers, by Redis's names.
    pub(crate) settings: &'a [(&'a str, &'a str)],
}

impl Default for Design<'_> {
    /// A server that is never full.
    fn default() -> Self {
        Self {
            policy: "noeviction",
            maxmemory: 1 << 40,
            phase_ms: 0,
            seed: 0,
            latency_tracking: false,
            reclaim: "active",
            settings: &[],
        }
    }
}

/// A cache that is a Redis server with this policy and limit in bytes, its run beginning so many
/// milliseconds after a full minute of the wall clock.
pub(crate) fn redis(trace: &Arc<Trace>, policy: &str, maxmemory: u64, phase_ms: u64, seed: u64) -> Cache {
    cache(trace, Design { policy, maxmemory, phase_ms, seed, ..Design::default() })
}

/// A Redis server with this policy, no limit in reach and one of the ways to reclaim dead entries, to which commands can
/// be sent; it begins when `clock` says.
pub(crate) fn server(held: Objects, policy: &str, reclaim: &str, clock: WallClock) -> Connection {
    let trace = Arc::new(Trace::new(Vec::new(), Vec::new(), held, SimDuration::ZERO));
    Connection::new(cache(&trace, Design { policy, reclaim, ..Design::default() }), clock)
}

/// A cache that is this server.
pub(crate) fn cache(trace: &Arc<Trace>, design: Design<'_>) -> Cache {
    let Design { policy, maxmemory, phase_ms, latency_tracking, reclaim, settings, .. } = design;
    let settings: Vec<String> = settings.iter().map(|(name, value)| format!("{name} = {value}")).collect();
    let settings = settings.join("\n");
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
        {settings}
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
    let simulation = tune::simulation(&scenario, &plan, trace, Seed::new(design.seed));
    simulation.unwrap_or_else(|fault| panic!("{fault:?}")).cache
}
