//! Many sizes and many TTLs of exact LRU, in far fewer passes than there are cells.
//!
//! Where a dead entry keeps its place until it is looked up or evicted, it does not matter to the order of
//! LRU whether a request found its entry dead: either way the object stands first afterwards. So what is
//! resident does not depend on the TTL, and one pass serves many of them: an object has one place for all and
//! one store for each TTL. [`Passes::sizes`] turns this around and asks one pass without TTLs for many capacities.
//!
//! The idea that expiry and recency can be followed together in one pass is that of Sultan and others,
//! "TTLs Matter: Efficient Cache Sizing with TTL-Aware Miss Ratio Curves" (`EuroSys` 2024), where expired entries
//! leave at once; here they stay until somebody notices, as under `reclaim = "lazy"`, which makes it exact.

use super::queue::Queue;
pub use super::sizes::SizeCounts;
use super::sizes::{Sized, walk};
use super::spare::refilled;
use super::suits;
use crate::cache::Capacity;
use crate::trace::Trace;
use crate::trace::prefetch::{AHEAD, prefetch};
use crate::units::{SimDuration, SimTime, Window};

/// How many TTLs go along in one pass: as many places of 4 bytes as a cache line has.
pub const LANES: usize = 16;

/// What one cell of a surface did in the scored window.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct CellCounts {
    /// Requests that found a live entry.
    pub hits: u64,
    /// Bytes that these asked for.
    pub hit_bytes: u64,
    /// Bytes of live entries, averaged over the window.
    pub live_mean: f64,
}

/// What is the same for all TTLs of a capacity.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct RowCounts {
    /// All requests.
    pub requests: u64,
    /// Bytes that these asked for.
    pub requested: u64,
    /// Bytes resident, dead entries included, averaged over the window.
    pub resident_mean: f64,
}

/// Requests between two looks at which stores have died.
const BLOCK: usize = 64;

/// Stores of an object, one for each TTL: the place of the request that stored it.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
struct Stores([i32; LANES]);

/// Makes one pass after the other; what they need for that is allocated once, by the longest trace.
#[derive(Debug, Default)]
pub struct Passes {
    queue: Queue,
    places: Vec<u32>,
    stores: Vec<Stores>,
    sized: Vec<Sized>,
}

impl Passes {
    /// Plays exact LRU with lazy reclaim at one capacity under up to [`LANES`] TTLs, each fixed from the store.
    ///
    /// # Panics
    /// If there are more TTLs, or the trace does not [suit](suits) or has more than 2^31 - 2 requests.
    pub fn ttls(
        &mut self,
        trace: &Trace,
        window: Window,
        capacity: Capacity,
        ttls: &[SimDuration],
    ) -> (RowCounts, Vec<CellCounts>) {
        assert!(ttls.len() <= LANES && suits(trace), "at most {LANES} TTLs over a trace with places");
        assert!(i32::try_from(trace.len()).is_ok(), "places are below 2^31");
        let sized = std::mem::take(&mut self.sized);
        let mut row = Row::new(std::mem::take(self), trace, window, capacity, ttls);
        let scored = trace.times().partition_point(|at| *at < window.from);
        for index in 0..trace.len() {
            row.request(index, index >= scored);
        }
        let counts = row.finish();
        let Row { queue, places, stores, .. } = row;
        *self = Self { queue, places, stores, sized };
        counts
    }

    /// The hits of exact LRU without TTLs at many capacities in objects, in one pass.
    ///
    /// The order of LRU does not depend on the capacity, so the tails of all caches go along one queue, each by the block:
    /// where no request of a block asks for what a tail goes over in it, counting tells how far it goes.
    ///
    /// # Panics
    /// If the trace does not [suit](suits).
    pub fn sizes(&mut self, trace: &Trace, window: Window, capacities: &[u64]) -> Vec<u64> {
        let sized = walk(&mut self.queue, &mut self.places, trace, window, capacities);
        sized.cells.into_iter().map(|(hits, _)| hits).collect()
    }

    /// The same with the bytes that are resident, for which each cache looks up what comes and what leaves it.
    ///
    /// # Panics
    /// If the trace does not [suit](suits).
    pub fn sizes_with_bytes(&mut self, trace: &Trace, window: Window, capacities: &[u64]) -> SizeCounts {
        walk(&mut self.queue, &mut self.sized, trace, window, capacities)
    }
}

/// One capacity on its way.
struct Row<'t> {
    trace: &'t Trace,
    window: Window,
    capacity: Capacity,
    ttls: Vec<SimDuration>,
    queue: Queue,
    /// The latest place of each object; 0 where it was never stored.
    places: Vec<u32>,
    stores: Vec<Stores>,
    /// For each TTL, the first place whose store is alive at the end of this block of requests, and one before which
    /// none has been alive since it began; what lies between is looked up. Below all places where there is no TTL.
    surely_alive: [i32; LANES],
    maybe_alive: [i32; LANES],
    held: u64,
    bytes: u64,
    resident: f64,
    /// Hits, and their bytes, under all TTLs, and those that some TTLs have beyond these.
    hits_of_all: u64,
    hit_bytes_of_all: u64,
    hits: [u64; LANES],
    hit_bytes: [u64; LANES],
    live: [f64; LANES],
    counts: RowCounts,
}

impl<'t> Row<'t> {
    fn new(
        passes: Passes,
        trace: &'t Trace,
        window: Window,
        capacity: Capacity,
        ttls: &[SimDuration],
    ) -> Self {
        let objects = trace.objects().len();
        let Passes { mut queue, places, stores, .. } = passes;
        queue.reset(trace.len());
        let mut surely_alive = [i32::MIN; LANES];
        surely_alive[..ttls.len()].fill(1);
        Self {
            trace,
            window,
            capacity,
            ttls: ttls.to_vec(),
            queue,
            places: refilled(places, objects, 0),
            stores: refilled(stores, objects, Stores([0; LANES])),
            surely_alive,
            maybe_alive: surely_alive,
            held: 0,
            bytes: 0,
            resident: 0.0,
            hits_of_all: 0,
            hit_bytes_of_all: 0,
            hits: [0; LANES],
            hit_bytes: [0; LANES],
            live: [0.0; LANES],
            counts: RowCounts::default(),
        }
    }

    /// How much of the time between two instants is scored.
    fn scored(&self, from: SimTime, to: SimTime) -> f64 {
        self.window.overlap(from, to).as_nanos() as f64
    }

    /// A block of requests begins at `index`.
    fn begins(&mut self, index: usize) {
        let times = self.trace.times();
        let last = times[(index + BLOCK).min(times.len()) - 1];
        self.maybe_alive = self.surely_alive;
        for (first, ttl) in self.surely_alive.iter_mut().zip(&self.ttls) {
            while times[first.unsigned_abs() as usize - 1] + *ttl < last {
                *first += 1;
            }
        }
    }

    fn request(&mut self, index: usize, is_scored: bool) {
        let (times, objects, facts) =
            (self.trace.times(), self.trace.object_ids(), self.trace.objects().facts());
        if let Some(coming) = objects.get(index + AHEAD) {
            prefetch(&self.stores, coming.index());
            prefetch(&self.places, coming.index());
            prefetch(facts, coming.index());
        }
        let (now, object) = (times[index], objects[index].index());
        if index.is_multiple_of(BLOCK) {
            self.begins(index);
        }
        let size = u64::from(facts[object].size);
        if is_scored {
            self.counts.requests += 1;
            self.counts.requested += size;
        }
        let place = i32::try_from(index + 1).expect("places are below 2^31");
        let is_held = self.places[object] >= self.queue.tail();
        if is_held {
            self.queue.pass(self.places[object]);
        } else if !self.admits(size, now) {
            // Larger than the whole cache: served and not stored.
            self.queue.pass(place.unsigned_abs());
            return;
        }
        self.places[object] = place.unsigned_abs();
        let stores = &mut self.stores[object].0;
        // Without a way out in the middle the lanes are compared together.
        let dead: u32 =
            stores.iter().zip(&self.surely_alive).map(|(stored, first)| u32::from(stored < first)).sum();
        let alive = dead == 0;
        let (scored, scored_bytes) = if is_scored { (1, size) } else { (0, 0) };
        if is_held && alive {
            self.hits_of_all += scored;
            self.hit_bytes_of_all += scored_bytes;
            return;
        }
        for (lane, (stored, ttl)) in stores.iter_mut().zip(&self.ttls).enumerate() {
            let lives = *stored >= self.surely_alive[lane]
                || *stored >= self.maybe_alive[lane]
                    && times[stored.unsigned_abs() as usize - 1] + *ttl >= now;
            if is_held && lives {
                self.hits[lane] += scored;
                self.hit_bytes[lane] += scored_bytes;
            } else {
                *stored = place;
                let ahead = self.window.overlap(now, now + *ttl).as_nanos();
                self.live[lane] += size as f64 * ahead as f64;
            }
        }
    }

    /// Makes room for an object that is not held; whether it can be stored.
    fn admits(&mut self, size: u64, now: SimTime) -> bool {
        let (weight, limit, by_bytes) = match self.capacity {
            Capacity::Unbounded => (0, u64::MAX, false),
            Capacity::Objects(limit) => (1, limit, false),
            Capacity::Bytes(limit) => (size, limit, true),
        };
        if weight > limit {
            return false;
        }
        while (if by_bytes { self.bytes } else { self.held }) > limit - weight {
            self.evict(now);
        }
        self.held += 1;
        self.bytes += size;
        self.resident += size as f64 * self.scored(now, self.window.until);
        true
    }

    fn evict(&mut self, now: SimTime) {
        let place = self.queue.leave();
        if let Some(next) = self.trace.object_ids().get(place as usize + AHEAD) {
            prefetch(&self.stores, next.index());
        }
        let victim = self.trace.object_ids()[place as usize - 1].index();
        let size = u64::from(self.trace.objects().facts()[victim].size);
        self.held -= 1;
        self.bytes -= size;
        self.resident -= size as f64 * self.scored(now, self.window.until);
        self.cut_short(victim, size as f64, now);
    }

    /// What is seen no longer from `now` on was counted as alive until its deadlines.
    fn cut_short(&mut self, object: usize, size: f64, now: SimTime) {
        let times = self.trace.times();
        for (lane, ttl) in self.ttls.iter().enumerate() {
            let stored = self.stores[object].0[lane];
            // Of what has died since there is nothing left to take off.
            if stored >= self.maybe_alive[lane] {
                let deadline = times[stored.unsigned_abs() as usize - 1] + *ttl;
                self.live[lane] -= size * self.scored(now, deadline);
            }
        }
    }

    fn finish(&self) -> (RowCounts, Vec<CellCounts>) {
        let length = self.window.length().as_nanos() as f64;
        let mean = |integral: f64| if length > 0.0 { (integral / length).max(0.0) } else { 0.0 };
        let cells = (0..self.ttls.len()).map(|lane| CellCounts {
            hits: self.hits_of_all + self.hits[lane],
            hit_bytes: self.hit_bytes_of_all + self.hit_bytes[lane],
            live_mean: mean(self.live[lane]),
        });
        (RowCounts { resident_mean: mean(self.resident), ..self.counts }, cells.collect())
    }
}
