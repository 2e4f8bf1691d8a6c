//! The short cut past the clock: exact LRU or FIFO, or no limit, in front of an origin that takes no time.
//!
//! Where a fetch takes no time nothing is ever pending, and where the trace is known ahead it is the queue
//! itself: the place of a request in the trace is the place of its object in the order of eviction, valid as
//! long as no later request has taken it over. So neither list nor hash nor events are needed, but one
//! small record an object (the place that counts), one bit a request (whether another place counts instead)
//! and a tail that only moves forward. [`Player`] plays one cache so, [`surface`] many sizes and TTLs at once,
//! and [`unbounded`] needs no cache at all: they count outcomes, evictions and what the cache held, number for number what
//! the engine counts. [`recorded`] tells an observer all that the engine would tell it, and is what a simulation
//! takes by itself where it can (`tests/exact.rs` holds both against the engine).

mod books;
mod life;
mod player;
mod queue;
pub mod recorded;
mod sizes;
mod spare;
pub mod surface;
pub mod unbounded;

pub use player::Player;
pub use spare::Spare;

use crate::cache::Capacity;
pub use crate::cache::eviction::Order;
use crate::cache::reclaim::Reclaim;
use crate::strategy::ttl::Ttl;
use crate::trace::Trace;
use crate::units::{SimDuration, Window};

/// How long an entry lives.
pub enum Lifetime {
    /// For ever.
    Forever,
    /// For one TTL from its store, which reads do not extend.
    Fixed(SimDuration),
    /// As a rule and its modifiers say. Where hits alone are counted ([`Player`]) they are shown stores and reads of
    /// entries, and neither what fetches told nor how requests ended.
    Ruled(Box<Ttl>),
}

impl Lifetime {
    /// How long entries live by a rule and what bends it, in the simplest form.
    pub fn of(ttl: Ttl) -> Self {
        match ttl.constant() {
            Some(SimDuration::FOREVER) => Self::Forever,
            Some(ttl) => Self::Fixed(ttl),
            None => Self::Ruled(Box::new(ttl)),
        }
    }
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// How requests ended, evictions and entries: all that a hit ratio needs.
    Outcomes,
    /// Bytes too: requested, served and resident.
    Bytes,
}

/// One cache, to be played over a trace that lies in memory.
pub struct Play<'t> {
    /// The requests.
    pub trace: &'t Trace,
    /// Which part is scored.
    pub window: Window,
    /// Who leaves first.
    pub order: Order,
    /// How much it holds; bytes are those of values.
    pub capacity: Capacity,
    /// How long an entry lives.
    pub lifetime: Lifetime,
    /// Who gives dead entries back before they are looked up or evicted; `None` where nobody does.
    pub reclaim: Option<Box<dyn Reclaim>>,
    /// What is counted; a limit in bytes, or a reclaim, counts them all.
    pub detail: Detail,
}

/// What happened in the scored window.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Counts {
    /// Requests that found a live entry.
    pub hits: u64,
    /// Requests for what had never been held.
    pub cold: u64,
    /// Requests for what had expired.
    pub expired: u64,
    /// Requests for what had been evicted.
    pub evicted: u64,
    /// Entries that left to make room.
    pub evictions: u64,
    /// Entries that left because their TTL had run out.
    pub expirations: u64,
    /// Entries held.
    pub entries: Level,
    /// Bytes, where they are counted.
    pub bytes: Option<Bytes>,
}

impl Counts {
    /// All requests.
    pub fn requests(&self) -> u64 {
        self.hits + self.misses()
    }

    /// Requests that went to the origin.
    pub fn misses(&self) -> u64 {
        self.cold + self.expired + self.evicted
    }
}

/// How much there was over time.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Level {
    /// Averaged over the window.
    pub mean: f64,
    /// Most at once.
    pub peak: u64,
    /// At the end.
    pub last: u64,
}

/// Bytes of values in the scored window.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Bytes {
    /// Asked for.
    pub requested: u64,
    /// Served from the cache.
    pub hit: u64,
    /// Resident, dead entries included.
    pub resident: Level,
    /// Of the mean, those of dead entries.
    pub dead_mean: f64,
}

/// Whether the places of a trace can be counted as they are here: it lies in memory, in fewer than 2^32 - 1
/// requests, nothing but requests happens in it, and every object keeps its size.
pub fn suits(trace: &Trace) -> bool {
    !trace.is_spooled()
        && trace.len() < u32::MAX as usize - 1
        && trace.events().is_empty()
        && !trace.objects().are_resized()
}
