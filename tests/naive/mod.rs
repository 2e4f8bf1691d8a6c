//! A naive simulator: the rules of a cache-aside client over a cache with TTLs, in the plainest form.
//!
//! It shares no type and no line with the crate, looks everything up by walking through lists, and
//! is meant to be read beside the rules rather than to be fast. Times are whole numbers of any one
//! unit, objects and nodes are numbers from 0. Origins that fail, and values that are invalidated
//! or lost, are not modelled.

mod cases;

use std::collections::BTreeMap;

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

/// How long a stored value is fresh.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ttl {
    None,
    Fixed(u64),
    /// The TTL of each object, by the class it belongs to.
    ClassTable(Vec<u64>),
    /// `idle` after the last fresh hit or store, and at most `max_age` after the store.
    Sliding {
        idle: u64,
        max_age: u64,
    },
}

/// When a value is fetched that is still there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refresh {
    OnDemand,
    /// When it is asked for in the window after its freshness.
    StaleWhileRevalidate {
        window: u64,
    },
}

/// Who may fetch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Guard {
    None,
    SingleFlight,
}

/// What becomes of a value whose client gave up before it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LateFill {
    Keep,
    Discard,
}

/// Everything that decides a run, apart from its requests.
pub(crate) struct Config<'a> {
    pub(crate) capacity: Capacity,
    pub(crate) eviction: Eviction,
    pub(crate) reclaim: Reclaim,
    pub(crate) ttl: Ttl,
    pub(crate) refresh: Refresh,
    pub(crate) guard: Guard,
    /// How long the origin works on the n-th fetch (from 0) of an object.
    pub(crate) latency: &'a dyn Fn(usize, u64) -> u64,
    /// How many fetches the origin serves at once, in the order they were asked; `None`: all.
    pub(crate) servers: Option<usize>,
    /// A client that would wait longer gives up.
    pub(crate) timeout: Option<u64>,
    pub(crate) late_fill: LateFill,
    /// Nothing happens after this instant; `None`: every fetch completes.
    pub(crate) end: Option<u64>,
}

/// Why a value was not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    Cold,
    Expired,
    Evicted,
}

/// How a request was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    FreshHit,
    StaleHit,
    DelayedHit,
    Miss(Cause),
    Error,
}

/// How a request was answered and how long its client waited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) kind: Kind,
    pub(crate) wait: u64,
}

/// Sums over a run, and what the cache holds at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Totals {
    /// Fetches asked of the origin, those in the background included.
    pub(crate) fetches: u64,
    /// Fetches in the background.
    pub(crate) refreshes: u64,
    pub(crate) evicted: u64,
    pub(crate) expired: u64,
    /// Values refused because nothing may be evicted for them.
    pub(crate) out_of_memory: u64,
    pub(crate) resident_entries: usize,
    pub(crate) resident_bytes: u64,
    pub(crate) peak_bytes: u64,
    /// Sum over all stays in the cache of their length, and of bytes times length; only where the run has an end.
    pub(crate) entry_ticks: u64,
    pub(crate) byte_ticks: u64,
}

/// Answers all requests: one outcome each, and the totals.
pub(crate) fn simulate(requests: &[Request], sizes: &[u64], config: &Config<'_>) -> (Vec<Outcome>, Totals) {
    let mut world = World {
        config,
        sizes,
        entries: Vec::new(),
        why_gone: BTreeMap::new(),
        flights: Vec::new(),
        asked_before: BTreeMap::new(),
        server_free_at: vec![0; config.servers.unwrap_or(0)],
        totals: Totals::default(),
    };
    let mut outcomes = Vec::new();
    for request in requests {
        world.complete_until(request.at);
        world.reclaim(request.at);
        outcomes.push(world.answer(request));
    }
    world.complete_until(config.end.unwrap_or(u64::MAX));
    if let Some(end) = config.end {
        world.reclaim(end);
        for entry in std::mem::take(&mut world.entries) {
            world.totals.resident_entries += 1;
            world.totals.resident_bytes += sizes[entry.object];
            world.count_stay(&entry, end);
        }
    } else {
        world.totals.resident_entries = world.entries.len();
        world.totals.resident_bytes = world.bytes();
    }
    (outcomes, world.totals)
}

/// A value in the cache.
struct Entry {
    object: usize,
    /// When there was room made for it.
    came_at: u64,
    /// When its value was written last.
    stored_at: u64,
    /// The last instant at which it is fresh.
    fresh_until: u64,
    /// The last instant at which it is there at all.
    live_until: u64,
}

/// A fetch that has not completed.
#[derive(Clone, Copy)]
struct Flight {
    done: u64,
    /// How many fetches were asked before this one.
    sequence: u64,
    asked: u64,
    object: usize,
    node: usize,
    background: bool,
}

struct World<'a> {
    config: &'a Config<'a>,
    sizes: &'a [u64],
    /// What is in the cache; the first is the next to be evicted.
    entries: Vec<Entry>,
    /// For each object that was in the cache and left it, why it left last.
    why_gone: BTreeMap<usize, Cause>,
    flights: Vec<Flight>,
    /// How often each object was fetched so far.
    asked_before: BTreeMap<usize, u64>,
    server_free_at: Vec<u64>,
    totals: Totals,
}

impl World<'_> {
    /// Lets every fetch complete that is done at `now` or before.
    fn complete_until(&mut self, now: u64) {
        loop {
            let next = (0..self.flights.len())
                .filter(|&i| self.flights[i].done <= now)
                .min_by_key(|&i| (self.flights[i].done, self.flights[i].sequence));
            let Some(next) = next else { return };
            let flight = self.flights.remove(next);
            self.reclaim(flight.done);
            self.store(&flight);
        }
    }

    /// Under eager reclaim, removes what is dead at `now`.
    fn reclaim(&mut self, now: u64) {
        if self.config.reclaim == Reclaim::Eager {
            while let Some(dead) = self.entries.iter().position(|entry| now > entry.live_until) {
                // It left as soon as it was dead, whoever came when.
                self.expire(dead, self.entries[dead].live_until);
            }
        }
    }

    fn expire(&mut self, place: usize, when: u64) {
        let entry = self.entries.remove(place);
        self.count_stay(&entry, when);
        self.why_gone.insert(entry.object, Cause::Expired);
        self.totals.expired += 1;
    }

    fn count_stay(&mut self, entry: &Entry, until: u64) {
        if self.config.end.is_some() {
            self.totals.entry_ticks += until - entry.came_at;
            self.totals.byte_ticks += self.sizes[entry.object] * (until - entry.came_at);
        }
    }

    fn answer(&mut self, request: &Request) -> Outcome {
        let now = request.at;
        let mut place = self.place_of(request.object);
        if let Some(found) = place
            && now > self.entries[found].live_until
        {
            self.expire(found, now);
            place = None;
        }
        let Some(place) = place else { return self.answer_from_the_origin(request) };
        if now <= self.entries[place].fresh_until {
            if let Ttl::Sliding { idle, max_age } = self.config.ttl {
                let born = self.entries[place].stored_at;
                self.arm(place, now.saturating_add(idle).min(born.saturating_add(max_age)));
            }
            self.used(place);
            return Outcome { kind: Kind::FreshHit, wait: 0 };
        }
        self.used(place);
        if self.flight_to_join(request).is_none() {
            self.totals.refreshes += 1;
            self.fetch(request, true);
        }
        Outcome { kind: Kind::StaleHit, wait: 0 }
    }

    fn answer_from_the_origin(&mut self, request: &Request) -> Outcome {
        let (kind, done) = if let Some(flight) = self.flight_to_join(request) {
            (Kind::DelayedHit, flight.done)
        } else {
            let cause = self.why_gone.get(&request.object).copied().unwrap_or(Cause::Cold);
            (Kind::Miss(cause), self.fetch(request, false))
        };
        let wait = done - request.at;
        match self.config.timeout {
            Some(timeout) if wait > timeout => Outcome { kind: Kind::Error, wait: timeout },
            _ => Outcome { kind, wait },
        }
    }

    /// The fetch that the guard lets this request share.
    fn flight_to_join(&self, request: &Request) -> Option<Flight> {
        let alike = |flight: &&Flight| flight.object == request.object && flight.node == request.node;
        match self.config.guard {
            Guard::None => None,
            Guard::SingleFlight => {
                self.flights.iter().filter(alike).max_by_key(|flight| flight.sequence).copied()
            }
        }
    }

    /// Asks the origin, and says when it will be done.
    fn fetch(&mut self, request: &Request, background: bool) -> u64 {
        let nth = self.asked_before.entry(request.object).or_insert(0);
        let latency = (self.config.latency)(request.object, *nth);
        *nth += 1;
        let mut done = request.at + latency;
        if self.config.servers.is_some() {
            let free_at = self.server_free_at.iter_mut().min().expect("an origin has at least one server");
            done = request.at.max(*free_at) + latency;
            *free_at = done;
        }
        let sequence = self.totals.fetches;
        self.totals.fetches += 1;
        let (object, node) = (request.object, request.node);
        self.flights.push(Flight { done, sequence, asked: request.at, object, node, background });
        done
    }

    /// Stores what a fetch brought.
    fn store(&mut self, flight: &Flight) {
        let now = flight.done;
        let too_late = self.config.timeout.is_some_and(|timeout| now - flight.asked > timeout);
        if too_late && !flight.background && self.config.late_fill == LateFill::Discard {
            return;
        }
        let object = flight.object;
        // A write deletes a dead value first, which then leaves its place.
        if let Some(dead) = self.place_of(object)
            && now > self.entries[dead].live_until
        {
            self.expire(dead, now);
        }
        if let Some(place) = self.place_of(object) {
            self.used(place);
        } else if self.make_room(self.sizes[object], now) {
            self.entries.push(Entry { object, came_at: now, stored_at: 0, fresh_until: 0, live_until: 0 });
        } else {
            return;
        }
        let place = self.place_of(object).expect("it was there or has been added");
        self.entries[place].stored_at = now;
        let fresh_until = match &self.config.ttl {
            Ttl::None => u64::MAX,
            Ttl::Fixed(ttl) => now.saturating_add(*ttl),
            Ttl::ClassTable(ttls) => now.saturating_add(ttls[object]),
            Ttl::Sliding { idle, max_age } => now.saturating_add(*idle.min(max_age)),
        };
        self.arm(place, fresh_until);
        self.totals.peak_bytes = self.totals.peak_bytes.max(self.bytes());
    }

    /// Sets both deadlines of an entry.
    fn arm(&mut self, place: usize, fresh_until: u64) {
        let window = match self.config.refresh {
            Refresh::OnDemand => 0,
            Refresh::StaleWhileRevalidate { window } => window,
        };
        self.entries[place].fresh_until = fresh_until;
        self.entries[place].live_until = fresh_until.saturating_add(window);
    }

    /// Evicts until `size` more bytes and one more entry fit; says whether they do.
    fn make_room(&mut self, size: u64, now: u64) -> bool {
        let fits = |bytes: u64, entries: u64| match self.config.capacity {
            Capacity::Unbounded => true,
            Capacity::Bytes(most) => bytes + size <= most,
            Capacity::Objects(most) => entries < most,
        };
        if self.config.eviction == Eviction::Never {
            let fits = fits(self.bytes(), self.entries.len() as u64);
            self.totals.out_of_memory += u64::from(!fits);
            return fits;
        }
        if !fits(0, 0) {
            return false;
        }
        while !fits(self.bytes(), self.entries.len() as u64) {
            let victim = self.entries.remove(0);
            self.count_stay(&victim, now);
            self.why_gone.insert(victim.object, Cause::Evicted);
            self.totals.evicted += 1;
        }
        true
    }

    /// Notes that an entry was read or written again.
    fn used(&mut self, place: usize) {
        if self.config.eviction == Eviction::Lru {
            let entry = self.entries.remove(place);
            self.entries.push(entry);
        }
    }

    fn place_of(&self, object: usize) -> Option<usize> {
        self.entries.iter().position(|entry| entry.object == object)
    }

    fn bytes(&self) -> u64 {
        self.entries.iter().map(|entry| self.sizes[entry.object]).sum()
    }
}
