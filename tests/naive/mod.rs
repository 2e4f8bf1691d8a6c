//! A naive simulator: the rules of a cache-aside client over a cache with TTLs, in the plainest form.
//!
//! It shares no type and no line with the crate, looks everything up by walking through lists, keeps
//! every request and every fetch for ever, and is meant to be read beside the rules rather than to be fast.
//! Times are whole numbers of any one unit, objects and nodes are numbers from 0. Numbers of chance
//! come from outside ([`Fate`]), and so does how long a fetch takes and when an object changes.
//!
//! It knows every TTL rule, modifier, refresh policy, add-on, guard and sweep, what a client and an origin may do,
//! and what may happen to the server. What it does not know:
//!
//! - Eviction other than LRU, FIFO and none. The other exact policies have plain twins of their own, in `tests/policies`;
//!   those by which Redis samples follow the order of its hash table, which is the policy itself and no simpler in other
//!   words: they are held against laws and against a real server.
//! - The reclaim `active` and the memory model `redis`: the sizes of allocator and tables are what they are about.
//!   `tests/redis` has a plain twin of its own for them.
//! - The step of a second in which a TTL can be kept: all TTLs are shorter here, and the step is a number like any other.
//! - `physical` of `clamp`, which refuses scenarios, and `warmup` and `freshness_bound`, which say what is counted: none of
//!   them changes a run.

pub(crate) mod breaker;
mod cases;
mod cases_of_events;
mod client;
mod clockwork;
pub(crate) mod fault;
mod fetch;
pub(crate) mod guard;
pub(crate) mod learning;
pub(crate) mod modifier;
pub(crate) mod origin;
pub(crate) mod recorded;
pub(crate) mod refresh;
pub(crate) mod schedule;
pub(crate) mod server;
mod store;
pub(crate) mod sweep;
pub(crate) mod ttl;
pub(crate) mod upload;
mod world;

use breaker::Breaker;
use fault::Spell;
use guard::Guard;
use modifier::Modifier;
use origin::Servers;
use recorded::Act;
use refresh::Refresh;
use server::Upset;
use sweep::Sweep;
use ttl::Ttl;
use upload::Warming;
pub(crate) use world::simulate;

/// One request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Request {
    /// When it arrives; never earlier than the request before it.
    pub(crate) at: u64,
    /// What it asks for.
    pub(crate) object: usize,
    /// The client process that asks.
    pub(crate) node: usize,
}

/// What there is to ask for, by object.
#[derive(Debug, Clone, Default)]
pub(crate) struct Images {
    pub(crate) sizes: Vec<u64>,
    /// The class of each, from 0.
    pub(crate) classes: Vec<usize>,
    /// How many other sizes of the same picture are asked for more often.
    pub(crate) ranks: Vec<usize>,
    /// Those that are added after the start, and when: in the order of time.
    pub(crate) added: Vec<(u64, usize)>,
}

/// What the cache may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Capacity {
    Unbounded,
    Bytes(u64),
    Objects(u64),
}

/// Who leaves a full cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Eviction {
    Lru,
    Fifo,
    /// Nobody: what does not fit is refused.
    Never,
}

/// When the place of a dead entry is free again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reclaim {
    /// When it is looked up or evicted.
    Lazy,
    /// As soon as it is dead.
    Eager,
}

/// What becomes of a value whose client gave up before it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LateFill {
    Keep,
    Discard,
}

/// What becomes of a fetch that nobody waits for any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deserted {
    RunsOn,
    /// It goes if no server has taken it up.
    LeavesTheQueue,
    /// It goes, and its server is free.
    IsCut,
}

/// What becomes of a value where another fetch has stored one meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Duplicate {
    Overwrites,
    /// The first stays.
    IsDropped,
    /// The newest version stays.
    IsDroppedIfOlder,
}

/// What the application does when an answer does not come.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Failures {
    pub(crate) deserted: Deserted,
    pub(crate) duplicate: Duplicate,
    /// Attempts after the first.
    pub(crate) retries: u32,
    /// Scale of the pause before the first of them, and the most that it grows to.
    pub(crate) backoff: (u64, u64),
    /// Retries that a first attempt pays for; `None`: any number.
    pub(crate) budget: Option<f64>,
    /// Whether those who joined a fetch share its error, or ask themselves.
    pub(crate) share_errors: bool,
    /// How long an error is remembered.
    pub(crate) negative: u64,
}

impl Failures {
    /// Nobody tries again.
    pub(crate) const PLAIN: Self = Self {
        deserted: Deserted::RunsOn,
        duplicate: Duplicate::Overwrites,
        retries: 0,
        backoff: (0, 0),
        budget: None,
        share_errors: true,
        negative: 0,
    };
}

/// Where the application keeps a deadline that comes before the key's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Soft {
    /// In the value.
    Inside,
    /// Nowhere: each read asks for the key's own as well.
    Asked,
    /// In a second key: read with every value, and written with every value and whenever it moves.
    Beside,
}

/// Old values instead of errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FailSafe {
    /// How long beyond its freshness a value may be served.
    pub(crate) window: u64,
    /// How long after a failure it is, without a fetch.
    pub(crate) throttle: u64,
    /// After how long a request that waits is served it.
    pub(crate) soft: Option<u64>,
}

/// Fetches that ask whether the copy at hand is still current.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Conditional {
    /// The part of a fetch's time that a confirmation takes.
    pub(crate) cost: f64,
    /// How long beyond its freshness a value is kept to be asked about.
    pub(crate) keep: u64,
}

/// What chance gives, and what goes on at the origin. Numbers are in 0 to 1.
pub(crate) trait Fate {
    /// How long the origin works on the n-th fetch (from 0) of an object.
    fn latency(&self, object: usize, nth: u64) -> u64;
    /// Whether that fetch ends in an error.
    fn fails(&self, _object: usize, _nth: u64) -> bool {
        false
    }
    /// When the object changes.
    fn changes(&self, _object: usize) -> &[u64] {
        &[]
    }
    /// Whether anything ever changes.
    fn ever_changes(&self) -> bool {
        false
    }
    /// Below which chance the n-th fetch of an object ends in an error while the origin is failing.
    fn error(&self, _object: usize, _nth: u64) -> f64 {
        0.5
    }
    /// Whether an object's key lies in this one of so many shards.
    fn lies_in(&self, object: usize, shard: u64, shards: u64) -> bool {
        object as u64 % shards == shard
    }
    /// Whether the process that has this ticket dies while it fetches.
    fn dies(&self, _object: usize, _ticket: u64) -> bool {
        false
    }
    /// How much of the pause before a retry is waited.
    fn backoff(&self, _request: usize, _attempt: u32) -> f64 {
        0.0
    }
    /// What a modifier draws at a place of the list, for a store at an instant.
    fn jitter(&self, _place: usize, _object: usize, _at: u64) -> f64 {
        0.5
    }
    /// What it draws once for each object.
    fn jitter_for_good(&self, _place: usize, _object: usize) -> f64 {
        0.5
    }
    /// How much of the density of a timeout lies below the one that is drawn for a store or a read at an instant.
    fn timeout(&self, _object: usize, _at: u64) -> f64 {
        0.5
    }
    /// Below which part of a step a TTL is rounded up, for a store at an instant.
    fn rounding(&self, _object: usize, _at: u64) -> f64 {
        0.5
    }
    /// How long after the beginning of each period the job comes to an object.
    fn place_in_period(&self, _object: usize, _period: u64) -> u64 {
        0
    }
    /// The node that would serve a request, by its number, if it asked for that object.
    fn node(&self, _request: usize, _object: usize) -> usize {
        0
    }
    /// The part of its TTL that an object has left which is in the cache at the start.
    fn left_at_start(&self, _object: usize) -> f64 {
        0.5
    }
    /// What a read at an instant draws for an early fetch, which so many reads of a fresh copy at that instant come before.
    fn early(&self, _object: usize, _at: u64, _before: u64) -> f64 {
        0.0
    }
}

impl<F: Fn(usize, u64) -> u64> Fate for F {
    fn latency(&self, object: usize, nth: u64) -> u64 {
        self(object, nth)
    }
}

/// Everything that decides a run, apart from its requests.
#[derive(Clone)]
pub(crate) struct Config<'a> {
    pub(crate) capacity: Capacity,
    pub(crate) eviction: Eviction,
    pub(crate) reclaim: Reclaim,
    /// Whether it begins with every object.
    pub(crate) warm: bool,
    /// What happens to its server, by time.
    pub(crate) upsets: Vec<(u64, Upset)>,
    pub(crate) ttl: Ttl,
    pub(crate) modifiers: Vec<Modifier>,
    /// The step of which TTLs are whole numbers.
    pub(crate) ttl_step: Option<u64>,
    pub(crate) refresh: Refresh,
    pub(crate) conditional: Option<Conditional>,
    pub(crate) fail_safe: Option<FailSafe>,
    pub(crate) warming: Option<Warming>,
    pub(crate) guard: Guard,
    pub(crate) sweep: Option<Sweep>,
    pub(crate) soft: Soft,
    /// What is done to keys beside requests, in order.
    pub(crate) acts: Vec<Act>,
    pub(crate) servers: Servers,
    /// What goes wrong there, each after the one before it has done what it does.
    pub(crate) spells: Vec<Spell>,
    /// A client that would wait longer gives up.
    pub(crate) timeout: Option<u64>,
    pub(crate) late_fill: LateFill,
    pub(crate) failures: Failures,
    pub(crate) breaker: Option<Breaker>,
    pub(crate) fate: &'a dyn Fate,
    /// Nothing is stored after this instant, and no job runs; `None`: every fetch completes.
    pub(crate) end: Option<u64>,
}

/// Why a value was not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    Cold,
    Expired,
    Evicted,
    /// The application deleted it.
    Invalidated,
    /// With all others, or it is there and cannot be reached.
    Lost,
}

/// How a request was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    FreshHit,
    StaleHit,
    DelayedHit,
    Miss(Cause),
    StaleOnError,
    Error,
}

/// How a request was answered, how long its client waited, and for how long the value was out of date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) kind: Kind,
    pub(crate) wait: u64,
    pub(crate) outdated: Option<u64>,
}

/// Sums over a run, and what the cache holds at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Totals {
    /// Fetches asked of the origin until the end, those in the background included.
    pub(crate) fetches: u64,
    /// Fetches in the background.
    pub(crate) refreshes: u64,
    /// Fetches that the origin refused or threw out of its queue.
    pub(crate) shed: u64,
    /// Attempts that ended for want of patience, attempts after the first, fetches called off, dead processes.
    pub(crate) timeouts: u64,
    pub(crate) retries: u64,
    pub(crate) cancelled: u64,
    pub(crate) crashes: u64,
    /// Fetches that a breaker did not let through.
    pub(crate) broken: u64,
    /// Requests that an error answered that was remembered.
    pub(crate) negative_served: u64,
    /// Commands: looks of those that wait, and of the job before it fetches, locks, values prolonged, errors
    /// remembered, deadlines moved, access times noted, and those of the sweep.
    pub(crate) polls: u64,
    pub(crate) looks: u64,
    pub(crate) locks: u64,
    pub(crate) rewrites: u64,
    pub(crate) errors_stored: u64,
    pub(crate) touches: u64,
    /// Bytes of the values that were prolonged, or whose deadline was moved, but for what a sweep moves.
    pub(crate) moved_bytes: u64,
    pub(crate) notes: u64,
    pub(crate) sweeps: u64,
    pub(crate) deletes: u64,
    /// Commands about deadlines that come before the key's own, until the end.
    pub(crate) deadlines: u64,
    pub(crate) evicted: u64,
    pub(crate) expired: u64,
    /// Values refused because nothing may be evicted for them.
    pub(crate) out_of_memory: u64,
    pub(crate) resident_entries: usize,
    pub(crate) resident_bytes: u64,
    pub(crate) peak_bytes: u64,
    /// Sum over all stays in the cache of their length, and of bytes times length; only where the run has an end.
    pub(crate) entry_ticks: u128,
    pub(crate) byte_ticks: u128,
}

/// A stretch of time in which an object has fetches in flight, and how many began in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Regeneration {
    pub(crate) object: usize,
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) size: u64,
}

/// What a run leaves behind.
pub(crate) struct Result {
    /// By request.
    pub(crate) outcomes: Vec<Outcome>,
    pub(crate) totals: Totals,
    pub(crate) regenerations: Vec<Regeneration>,
    /// Until when the rule remembers each object by its name alone, as of the end, where it does so.
    pub(crate) shadows: Option<Vec<u64>>,
}
