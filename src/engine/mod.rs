//! The clock: a discrete-event loop that plays a trace against origin, cache and strategy.
//!
//! Arrivals are pulled from the trace by a cursor; the event queue holds only fetches in flight.
//! Everything pending at an instant happens before an arrival at that instant, and events of the
//! same time happen in the order in which they were scheduled. One simulation is one thread and
//! does no input or output.

mod flights;
mod queue;

use std::ops::ControlFlow;

use flights::{FlightId, Flights, Flying};
use queue::EventQueue;

use crate::cache::{Cache, Entry, Lookup};
use crate::client::{Client, LateFill};
use crate::metrics::{Asked, Cause, Measurements, Observer, Outcome, OutcomeKind, Recorder, Setting};
use crate::origin::{Ask, Fetch, Origin};
use crate::random::Seed;
use crate::strategy::Strategy;
use crate::strategy::guard::{Flight, Permit};
use crate::strategy::refresh::{Copy, Wish};
use crate::strategy::ttl::Fill;
use crate::trace::prefetch::AHEAD;
use crate::trace::{ObjectId, Trace};
use crate::units::{SimDuration, SimTime, Window};

/// How many requests pass between two beats of a [`Pulse`].
const BEAT: usize = 1 << 16;

/// Somebody who wants to know that a simulation is alive, and may stop it.
pub trait Pulse: Sync {
    /// So many requests have passed since the last beat; a break ends the simulation without a result.
    fn beat(&self, requests: u64) -> ControlFlow<()>;
}

/// Nobody listens.
impl Pulse for () {
    fn beat(&self, _: u64) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

/// One simulation, ready to run.
pub struct Simulation<'t> {
    /// The requests.
    pub trace: &'t Trace,
    /// How they are asked.
    pub client: Client,
    /// Who answers.
    pub origin: Origin,
    /// What is remembered.
    pub cache: Cache,
    /// How the application uses the cache.
    pub strategy: Strategy,
    /// Which part is scored; the run ends with it.
    pub window: Window,
    /// Root of the chance that belongs to the run itself, such as routing.
    pub seed: Seed,
}

impl Simulation<'_> {
    /// Runs to the end and measures everything; the series has buckets of length `bucket`.
    /// `None` if the pulse stopped it.
    pub fn run(self, bucket: SimDuration, pulse: &dyn Pulse) -> Option<Measurements> {
        let setting = Setting {
            window: self.window,
            bucket,
            classes: self.trace.objects().classes().len(),
            median_fetch_time: self.origin.median_time(),
            servers: self.origin.servers(),
            changes: self.origin.ever_changes(),
        };
        let end = self.window.until;
        let (cache, recorder) = self.observed_by(Recorder::new(&setting), pulse)?;
        Some(recorder.finish(&cache.finish(end)))
    }

    /// Runs to the end under the eyes of any observer; returns the cache as it was left and the
    /// observer, or `None` if the pulse stopped it.
    pub fn observed_by<O: Observer>(self, observer: O, pulse: &dyn Pulse) -> Option<(Cache, O)> {
        let objects = self.trace.objects().len();
        let end = self.window.until;
        let mut run = Run {
            trace: self.trace,
            client: self.client,
            origin: self.origin,
            cache: self.cache,
            stale_window: self.strategy.refresh.stale_window(),
            strategy: self.strategy,
            routing: self.seed.of("routing"),
            flights: Flights::new(objects),
            queue: EventQueue::new(),
            observer,
        };
        let (times, objects) = (self.trace.times(), self.trace.object_ids());
        for (block, (times, objects)) in times.chunks(BEAT).zip(objects.chunks(BEAT)).enumerate() {
            for (index, (at, object)) in times.iter().zip(objects).enumerate() {
                if let Some(coming) = objects.get(index + AHEAD) {
                    run.prefetch(*coming);
                }
                run.complete_until(*at);
                run.arrive(block * BEAT + index, *at, *object);
            }
            if pulse.beat(times.len() as u64).is_break() {
                return None;
            }
        }
        run.complete_until(end);
        run.flights.drain(|regeneration| run.observer.regenerated(&regeneration));
        Some((run.cache, run.observer))
    }
}

/// A simulation under way.
struct Run<'t, O> {
    trace: &'t Trace,
    client: Client,
    origin: Origin,
    cache: Cache,
    strategy: Strategy,
    stale_window: SimDuration,
    routing: Seed,
    flights: Flights,
    queue: EventQueue<FlightId>,
    observer: O,
}

/// A request on its way through the cache.
#[derive(Clone, Copy)]
struct Arrival {
    index: usize,
    at: SimTime,
    object: ObjectId,
}

impl<O: Observer> Run<'_, O> {
    /// Asks for the memory that a coming request will look up.
    #[inline]
    fn prefetch(&self, object: ObjectId) {
        self.cache.prefetch(object);
        self.trace.objects().prefetch(object);
        self.flights.prefetch(object);
        self.origin.prefetch(object);
    }

    fn arrive(&mut self, index: usize, at: SimTime, object: ObjectId) {
        let arrival = Arrival { index, at, object };
        match self.cache.get(object, at) {
            Lookup::Held(entry) => self.serve(arrival, &entry),
            Lookup::Absent(cause) => self.miss(arrival, cause),
        }
    }

    /// A copy is there: serve it, and refresh it if the policy wants that.
    fn serve(&mut self, arrival: Arrival, entry: &Entry) {
        let Arrival { at, object, .. } = arrival;
        let kind = match self.strategy.refresh.on_copy(&Copy { now: at, fresh_until: entry.fresh_until }) {
            Wish::Serve => {
                self.touch(arrival, entry);
                OutcomeKind::FreshHit
            }
            Wish::ServeStaleAndRefresh => {
                let node = self.node(arrival);
                if self.permit(object, node).is_none() {
                    self.fetch(arrival, node, OutcomeKind::StaleHit);
                }
                OutcomeKind::StaleHit
            }
        };
        let outdated = self.origin.outdated_since(object, entry.version, at);
        self.tell(arrival, kind, SimDuration::ZERO, outdated.map(|since| at.since(since)));
    }

    /// Nothing usable is there: fetch, or wait for a fetch in flight.
    fn miss(&mut self, arrival: Arrival, cause: Cause) {
        let node = self.node(arrival);
        let (kind, fetch) = if let Some(flight) = self.permit(arrival.object, node) {
            (OutcomeKind::DelayedHit, self.flights.join(flight))
        } else {
            let kind = OutcomeKind::Miss(cause);
            (kind, self.fetch(arrival, node, kind))
        };
        if let Some(timeout) = self.client.timeout.filter(|_| self.client.gives_up(arrival.at, fetch.done)) {
            self.tell(arrival, OutcomeKind::Error, timeout, None);
            return;
        }
        let outdated = self.origin.outdated_since(arrival.object, fetch.version, fetch.done);
        self.tell(arrival, kind, fetch.done.since(arrival.at), outdated.map(|since| fetch.done.since(since)));
    }

    /// Asks the guard; the flight to join, or `None` if this process may fetch itself.
    fn permit(&mut self, object: ObjectId, node: u32) -> Option<FlightId> {
        let own = self.flights.latest(object, node);
        let seen = own.map(|id| Flight { done: self.flights.fetch(id).done });
        match (self.strategy.guard.admit(seen.as_ref()), own) {
            (Permit::Join, Some(flight)) => Some(flight),
            (Permit::Join, None) => unreachable!("a guard joins only a flight that it was shown"),
            (Permit::Fetch, _) => None,
        }
    }

    /// Asks the origin, on behalf of a request that will have the outcome `trigger`.
    fn fetch(&mut self, arrival: Arrival, node: u32, trigger: OutcomeKind) -> Fetch {
        let Arrival { index, at, object } = arrival;
        let fetch = self.origin.fetch(&Ask { object, at, request: index });
        let background = trigger == OutcomeKind::StaleHit;
        let overlaps = self.flights.any(object);
        let flight = self.flights.depart(Flying { object, node, fetch, background }, trigger);
        self.queue.push(fetch.done, flight);
        let size = self.trace.objects().size(object);
        let in_flight = self.queue.len() as u64;
        self.observer.asked(&Asked { object, size, fetch, background, overlaps, in_flight });
        fetch
    }

    /// Lets everything happen that is pending until `now`, that instant included.
    fn complete_until(&mut self, now: SimTime) {
        while let Some((done, flight)) = self.queue.pop_due(now) {
            self.land(done, flight);
        }
    }

    /// A fetch is done: store its value, unless it is discarded for coming too late.
    fn land(&mut self, now: SimTime, id: FlightId) {
        let (Flying { object, fetch, background, .. }, over) = self.flights.land(id, now);
        if let Some(regeneration) = over {
            self.observer.regenerated(&regeneration);
        }
        let late = !background && self.client.gives_up(fetch.asked, fetch.done);
        if late && self.client.late_fill == LateFill::Discard {
            return;
        }
        let fill = self.fill(object, now);
        let fresh_until = self.strategy.ttl.fresh_until(&fill);
        let expires_at = fresh_until + self.stale_window;
        let entry = Entry { stored_at: now, fresh_until, expires_at, version: fetch.version };
        let stored = self.cache.set(object, entry, now);
        self.observer.stored(fill.size, now, stored);
    }

    /// Sets the TTL of a fresh entry anew, if the rule wants that.
    fn touch(&mut self, arrival: Arrival, entry: &Entry) {
        let fill = self.fill(arrival.object, arrival.at);
        if let Some(fresh_until) = self.strategy.ttl.touched(&fill, entry.stored_at) {
            self.cache.expire(arrival.object, fresh_until, fresh_until + self.stale_window);
            self.observer.touched(arrival.at);
        }
    }

    fn fill(&self, object: ObjectId, at: SimTime) -> Fill {
        let fact = self.trace.objects().fact(object);
        Fill { object, class: fact.class, size: fact.size, at }
    }

    fn node(&self, arrival: Arrival) -> u32 {
        self.client.node(self.routing, arrival.index, arrival.object)
    }

    fn tell(
        &mut self,
        arrival: Arrival,
        kind: OutcomeKind,
        wait: SimDuration,
        stale_for: Option<SimDuration>,
    ) {
        let Arrival { at, object, .. } = arrival;
        let fact = self.trace.objects().fact(object);
        let outcome = Outcome { at, wait, object, size: fact.size, class: fact.class, kind, stale_for };
        self.observer.observe(&outcome);
    }
}
