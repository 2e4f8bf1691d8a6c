//! The clock: a discrete-event loop that plays a trace against origin, cache and strategy.
//!
//! Arrivals are pulled from the trace by a cursor; the event queue holds only what is pending: ends
//! of fetches, the next look or the end of patience of requests that wait, jobs. Everything pending at
//! an instant happens before an arrival at that instant, and events of the same time happen in the
//! order in which they were scheduled. One simulation is one thread and does no input or output.
//!
//! A request that is answered at once never becomes more than a look at the cache (`requests`);
//! one that waits stands in a table (`waiting`) until it is answered, and its outcome is told
//! then. After the last instant of the run no request arrives, no job runs and nothing is stored any
//! more, but those that wait still get their answers.

pub(crate) mod attempt;
pub mod exact;
mod fetches;
pub(crate) mod flights;
mod jobs;
mod plain;
mod queue;
mod requests;
mod server;
mod table;
mod teller;
mod waiting;

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use attempt::Arrival;
use exact::recorded::Workspace;
use flights::{FlightId, Flights};
use plain::PlainFlights;
use queue::EventQueue;
use teller::Teller;
use waiting::{WaiterId, Waiting};

use crate::cache::{Cache, Cause, Entry, ServerEvent};
use crate::client::{Breakers, Client, RetryBudget};
use crate::metrics::{Command, Measurements, Observer, Recorder, Setting};
use crate::origin::{Origin, Version};
use crate::random::Seed;
use crate::strategy::Strategy;
use crate::strategy::refresh::Filled;
use crate::strategy::ttl::Fill;
use crate::trace::prefetch::{AHEAD, NEAR};
use crate::trace::{Block, Happening, ObjectId, Trace};
use crate::units::{SimDuration, SimTime, Window};

/// Somebody who wants to know that a simulation is alive, after every block of requests, and may stop it.
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
    /// Whether the cache begins with every object, each with a part of its TTL left.
    pub warm: bool,
    /// How the application uses the cache.
    pub strategy: Strategy,
    /// What happens to the cache's server, in the order of time.
    pub server_events: Vec<ServerEvent>,
    /// Which part is scored; the run ends with it.
    pub window: Window,
    /// The age from which an answer counts as too old; `None` where nobody asks.
    pub freshness_bound: Option<SimDuration>,
    /// Root of the chance that belongs to the run itself, such as routing.
    pub seed: Seed,
}

impl Simulation<'_> {
    /// Runs to the end and measures everything; the series has buckets of length `bucket`. Where that [needs no
    /// clock](exact::recorded::suits) it is done without one, which the measurements tell. `None` if the pulse stopped it.
    ///
    /// # Panics
    /// If the file of a spooled trace can no longer be read.
    pub fn run(self, bucket: SimDuration, pulse: &dyn Pulse) -> Option<Measurements> {
        self.run_in(bucket, pulse, &Workspace::default())
    }

    /// The same in memory that runs before it had.
    ///
    /// # Panics
    /// If the file of a spooled trace can no longer be read.
    pub fn run_in(
        mut self,
        bucket: SimDuration,
        pulse: &dyn Pulse,
        workspace: &Workspace,
    ) -> Option<Measurements> {
        if !exact::recorded::suits(&self) {
            workspace.give_up();
            return self.run_by_events(bucket, pulse);
        }
        let recorder = self.recorder(bucket);
        let (account, recorder) = exact::recorded::play(self, recorder, pulse, workspace)?;
        Some(Measurements { without_events: true, ..recorder.finish(&account) })
    }

    /// The same with a clock and its events, whether or not that is needed: what a play without is held against.
    ///
    /// # Panics
    /// If the file of a spooled trace can no longer be read.
    pub fn run_by_events(mut self, bucket: SimDuration, pulse: &dyn Pulse) -> Option<Measurements> {
        let recorder = self.recorder(bucket);
        let end = self.window.until;
        let (cache, recorder) = self.observed_by(recorder, pulse)?;
        Some(recorder.finish(&cache.finish(end)))
    }

    /// The observer that measures everything.
    fn recorder(&mut self, bucket: SimDuration) -> Recorder {
        let setting = Setting {
            window: self.window,
            bucket,
            classes: self.trace.objects().classes().len(),
            median_fetch_time: self.origin.median_time(),
            servers: self.origin.servers(),
            changes: self.origin.ever_changes(),
            deadlines: self.strategy.deadlines,
            freshness_bound: self.freshness_bound,
        };
        self.strategy.ttl.log(bucket, setting.classes);
        Recorder::new(&setting).of_parties(self.trace)
    }

    /// Runs to the end by events under the eyes of any observer; returns the cache as it was left and the
    /// observer, or `None` if the pulse stopped it.
    ///
    /// # Panics
    /// If the file of a spooled trace can no longer be read.
    pub fn observed_by<O: Observer>(self, observer: O, pulse: &dyn Pulse) -> Option<(Cache, O)> {
        let (end, warm) = (self.window.until, self.warm);
        let is_plain = plain::suits(&self.client, &self.origin, &self.strategy);
        let mut run = Run {
            trace: self.trace,
            client: self.client,
            origin: self.origin,
            cache: self.cache,
            strategy: self.strategy,
            server_events: self.server_events,
            routing: self.seed.of("routing"),
            chance: self.seed.of("failures"),
            budget: RetryBudget::new(&self.client),
            breakers: Breakers::new(&self.client),
            flights: Flights::new(),
            is_plain,
            plain: PlainFlights::new(),
            waiting: Waiting::new(),
            queue: EventQueue::new(),
            after_end: None,
            negative: BTreeMap::new(),
            throttled: BTreeMap::new(),
            job_at: SimTime::NEVER,
            sweep_under_way: None,
            latest: 0,
            next_event: 0,
            event_before: self.trace.events().first().map_or(usize::MAX, |event| event.before),
            tickets: 0,
            let_go: Vec::new(),
            observer,
        };
        if warm {
            run.warm_up(self.seed.of("warm"));
        }
        run.schedule_server_events();
        run.schedule_uploads();
        run.schedule_sweep();
        run.schedule_job(SimTime::ZERO);
        let mut blocks = self.trace.blocks();
        let mut before = 0;
        while let Some(block) = blocks.next_block().expect("the file of a spooled trace can be read") {
            let Block { times, objects } = block;
            for (index, (at, object)) in times.iter().zip(objects).enumerate() {
                if before + index >= run.event_before {
                    run.recorded_until(before + index, *at);
                }
                if let Some(coming) = objects.get(index + AHEAD) {
                    run.prefetch(*coming);
                }
                if let Some(near) = objects.get(index + NEAR).filter(|_| O::ASKS_AHEAD) {
                    run.cache.prefetch_more(*near);
                }
                run.happen_until(*at);
                run.arrive(before + index, *at, *object);
            }
            before += times.len();
            if pulse.beat(times.len() as u64).is_break() {
                return None;
            }
        }
        run.recorded_until(usize::MAX, end);
        run.happen_until(end);
        run.observer.steered(run.strategy.ttl.trajectories(end));
        run.after_end = Some(BTreeMap::new());
        run.happen_until(SimTime::NEVER);
        Some((run.cache, run.observer))
    }
}

/// What is pending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// A fetch is answered.
    Landed(FlightId),
    /// A fetch of the short way is answered: its place.
    Brought(u32),
    /// The holder of a lock prolongs it, if it fetches still.
    Prolong(FlightId),
    /// A request looks again, or tries again.
    Wake(WaiterId),
    /// The patience of a request ends.
    GiveUp(WaiterId),
    /// A request that could be served an old value has waited long enough for a new one.
    SoftTimeout(WaiterId),
    /// A job of the refresh policy is due.
    Job,
    /// The application's sweep is due.
    Sweep,
    /// A new version of an object is uploaded.
    Upload(ObjectId),
    /// The object at this place of the uploads is added to the catalogue.
    Addition(usize),
    /// Something happens to the cache's server: the place in the list.
    Server(usize),
    /// The server is back after the restart at that place.
    Back(usize),
}

/// A simulation under way.
struct Run<'t, O> {
    trace: &'t Trace,
    client: Client,
    origin: Origin,
    cache: Cache,
    strategy: Strategy,
    server_events: Vec<ServerEvent>,
    routing: Seed,
    /// Of back-offs and of processes that die.
    chance: Seed,
    budget: RetryBudget,
    breakers: Breakers,
    flights: Flights,
    /// Whether all fetches take the short way.
    is_plain: bool,
    plain: PlainFlights,
    waiting: Waiting,
    queue: EventQueue<Event>,
    /// After the end of the run, what would have been stored since.
    after_end: Option<BTreeMap<ObjectId, Entry>>,
    /// Errors that the cache remembers, and until when.
    negative: BTreeMap<ObjectId, SimTime>,
    /// Objects whose old value is served without a fetch after a failure, and until when.
    throttled: BTreeMap<ObjectId, SimTime>,
    /// When the refresh policy's next job is scheduled.
    job_at: SimTime,
    sweep_under_way: Option<crate::metrics::Sweep>,
    /// Place of the latest request.
    latest: usize,
    /// Place of the next recorded event, and how many requests come before it.
    next_event: usize,
    event_before: usize,
    /// Names given to those that want a fetch.
    tickets: u64,
    /// Scratch room for those whose fetch has landed.
    let_go: Vec<WaiterId>,
    observer: O,
}

impl<O: Observer> Run<'_, O> {
    /// Asks for the memory that a coming request will look up.
    #[inline]
    fn prefetch(&self, object: ObjectId) {
        if O::ASKS_AHEAD {
            self.cache.prefetch(object);
            self.origin.prefetch(object);
        }
    }

    /// Lets everything happen that is pending until `now`, that instant included.
    #[inline]
    fn happen_until(&mut self, now: SimTime) {
        while let Some((at, event)) = self.queue.pop_due(now) {
            match event {
                Event::Brought(place) => self.brought_plainly(at, place),
                Event::Landed(flight) => self.landed(at, flight),
                Event::Prolong(flight) => self.prolong(at, flight),
                Event::Wake(waiter) => self.wake(at, waiter),
                Event::GiveUp(waiter) => self.give_up(at, waiter),
                Event::SoftTimeout(waiter) => self.serve_old(at, waiter),
                Event::Job if !self.is_over() => self.run_jobs(at),
                Event::Sweep if !self.is_over() => self.sweep(at),
                Event::Server(place) if !self.is_over() => self.server_event(at, place),
                Event::Back(place) if !self.is_over() => self.server_is_back(at, place),
                Event::Upload(object) if !self.is_over() => self.uploaded(object, at),
                Event::Addition(place) if !self.is_over() => self.added(place, at),
                Event::Job
                | Event::Sweep
                | Event::Server(_)
                | Event::Back(_)
                | Event::Upload(_)
                | Event::Addition(_) => {}
            }
        }
    }

    /// Lets everything happen that was recorded before the request at `index`, no later than `end`.
    /// Changes at the origin are the change model's; what is done here is done to the cache.
    #[cold]
    fn recorded_until(&mut self, index: usize, end: SimTime) {
        while let Some(event) = self.trace.events().get(self.next_event) {
            if event.before > index || event.at > end {
                break;
            }
            self.next_event += 1;
            match event.what {
                Happening::Deleted => {
                    self.happen_until(event.at);
                    self.delete(event.object, event.at);
                }
                Happening::MarkedStale => {
                    self.happen_until(event.at);
                    self.mark_stale(event.object, event.at);
                }
                Happening::Changed => {}
            }
        }
        let next = self.trace.events().get(self.next_event);
        self.event_before = next.map_or(usize::MAX, |event| event.before);
    }

    /// The application deletes a key. A fetch that is under way stores its value all the same, unless the
    /// guard ties the two together.
    fn delete(&mut self, object: ObjectId, at: SimTime) {
        // What the application knows it knows whether or not the server can be told.
        self.strategy.guard.purged(object, at);
        if !self.cache.is_out_of_reach(object, at) {
            self.cache.delete(object, Cause::Invalidated, at);
            self.observer.sent(at, Command::Delete, 1);
        }
    }

    /// The application sets the logical end of a fresh copy to this instant. It is kept as long as the refresh policy
    /// keeps a copy whose TTL ends now, and at once deleted where it keeps none, as Redis does with a deadline in the past.
    fn mark_stale(&mut self, object: ObjectId, at: SimTime) {
        self.strategy.guard.purged(object, at);
        let Some(entry) = self.cache.peek(object, at).filter(|entry| entry.fresh_until >= at) else { return };
        let Some(fresh_until) = at.as_nanos().checked_sub(1).map(SimTime::from_nanos) else { return };
        let expires_at = self.strategy.keep_until(at, fresh_until).min(entry.expires_at);
        if expires_at < at {
            self.cache.delete(object, Cause::Expired, at);
        } else {
            self.cache.expire(object, fresh_until, expires_at, at);
        }
        self.observer.touched(self.trace.objects().size_of(object, entry.version.0), at);
    }

    /// Whether the run has ended and only those that wait are still answered.
    fn is_over(&self) -> bool {
        self.after_end.is_some()
    }

    /// The live value of an object, counting what would have been stored since the end of the run.
    fn peek(&self, object: ObjectId, now: SimTime) -> Option<Entry> {
        // What was stored since has replaced what the cache holds, even where it is the first to expire.
        match self.after_end.as_ref().and_then(|since| since.get(&object)) {
            Some(since) => Some(*since).filter(|entry| now <= entry.expires_at),
            None => self.cache.peek(object, now),
        }
    }

    fn fill(&self, object: ObjectId, version: Version, at: SimTime) -> Fill {
        let objects = self.trace.objects();
        let (class, size) = (objects.class(object), objects.size_of(object, version.0));
        Fill { object, class, size, at, drawn_at: at, told: None }
    }

    /// Those to whom fetches and outcomes are told.
    #[inline]
    fn teller(&mut self) -> Teller<'_, O> {
        Teller { observer: &mut self.observer, origin: &mut self.origin, objects: self.trace.objects() }
    }

    /// Puts every object into the cache, each with a uniformly drawn part of its TTL left.
    fn warm_up(&mut self, seed: Seed) {
        let now = SimTime::ZERO;
        for index in 0..self.trace.objects().len() {
            let object = ObjectId::from_index(index);
            let version = self.origin.version(object, now);
            let fill = self.fill(object, version, now);
            let whole = self.strategy.ttl.fresh_until(&fill);
            let fresh_until = if whole == SimTime::NEVER {
                whole
            } else {
                now + whole.since(now).scaled(seed.unit(u64::from(object.as_u32()), 0))
            };
            let expires_at = self.strategy.keep_until(now, fresh_until);
            self.cache.set(object, Entry { stored_at: now, fresh_until, expires_at, version }, now);
            let filled = Filled { object, class: fill.class, at: now, fresh_until, took: None };
            self.strategy.refresh.on_fill(&filled);
            self.accessed(object, now, None);
        }
    }
}
