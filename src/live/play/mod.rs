//! The application, live: the flow of a request, a fetch, a job and a sweep as the engine simulates it, between
//! real answers of a real server.
//!
//! Everything runs on one thread, each request as a task of its own. What decides is the code of `strategy`,
//! `client` and `origin`; what happened is told to the same observer as in a simulation. State is only
//! touched between two answers, never while one is waited for.

mod deadlines;
mod fetches;
mod jobs;
mod keys;
mod meter;
mod requests;
mod waits;

use std::cell::{Cell, RefCell, RefMut};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use tokio::sync::{Notify, oneshot};
use tokio::task::spawn_local;

use super::clock::Clock;
use super::ledger::Ledger;
use super::link::{Fault, Link, Values};
use super::origin::Http;
use super::pace::Due;
use crate::cache::Cause;
use crate::client::{Breakers, Client, RetryBudget};
use crate::engine::attempt::Arrival;
use crate::engine::flights::{FlightId, Flights};
use crate::metrics::{Command, Observer, Recorder};
use crate::origin::{Origin, Version};
use crate::random::Seed;
use crate::strategy::guard::KeyInCache;
use crate::strategy::ttl::Fill;
use crate::strategy::{SoftExpiry, Strategy};
use crate::trace::{Event, Happening, ObjectId, Trace};
use crate::units::{Rate, SimDuration, SimTime, Window};
pub use fetches::Fills;
pub(in crate::live) use keys::Keys;
use meter::{Meter, Turns};

/// What a fetch ended with, for those who wait for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Landed {
    /// A value of this version, and whether it was stored, which guard, client and server may forbid.
    Brought(Version, bool),
    /// Nothing.
    Failed,
}

/// All that the application knows, and who watches it.
pub(super) struct State {
    pub(super) strategy: Strategy,
    pub(super) origin: Origin,
    pub(super) recorder: Recorder,
    pub(super) ledger: Ledger,
    flights: Flights,
    /// Who waits for which fetch.
    waiting: BTreeMap<FlightId, Vec<oneshot::Sender<Landed>>>,
    budget: RetryBudget,
    breakers: Breakers,
    /// Fetches that ask an origin over HTTP whether the version that the application holds is still current.
    conditional: BTreeMap<FlightId, Version>,
    /// Objects whose old value is served without a fetch after a failure, and until when.
    throttled: BTreeMap<ObjectId, SimTime>,
    tickets: u64,
    /// By how much requests were started late.
    lateness: Histogram<u64>,
    /// How long GETs took.
    gets: Histogram<u64>,
    /// By how much later than planned fetches ended, in nanoseconds of real time.
    overdue: Histogram<u64>,
    /// How long values were fresh for that were stored, where that ends.
    ttls: Histogram<u64>,
}

/// What a player is made of.
pub(super) struct Parts {
    pub(super) trace: Arc<Trace>,
    pub(super) client: Client,
    pub(super) clock: Clock,
    pub(super) window: Window,
    pub(super) link: Link,
    pub(super) prefix: String,
    /// Most reads in a second of real time.
    pub(super) rate: Rate,
    /// Most that the trace and a timer want in one: the others are for those who look again.
    pub(super) planned_rate: f64,
    pub(super) strategy: Strategy,
    pub(super) origin: Origin,
    /// Who answers in the place of the origin's model; the model's servers limit it all the same.
    pub(super) http: Option<Http>,
    pub(super) recorder: Recorder,
    pub(super) seed: Seed,
}

/// The application at work.
pub(super) struct Player {
    trace: Arc<Trace>,
    client: Client,
    clock: Clock,
    /// When it begins to be scored.
    scored_from: SimTime,
    until: Cell<SimTime>,
    link: Link,
    keys: Keys,
    values: Values,
    bytes_beside: u32,
    /// Where deadlines are kept that come before the key's own.
    deadlines: Option<SoftExpiry>,
    guard_key: Option<KeyInCache>,
    http: Option<Http>,
    routing: Seed,
    chance: Seed,
    state: RefCell<State>,
    stopped: Cell<bool>,
    /// Told of whatever may bring the next job of the refresh policy forward.
    job_news: Notify,
    /// Requests that have no outcome yet.
    under_way: Cell<u64>,
    /// Requests whose first read has not been answered.
    unanswered: Cell<u64>,
    most_under_way: Cell<u64>,
    /// Reads that began of late.
    meter: RefCell<Meter>,
    /// When those who look again may do so.
    turns: RefCell<Turns>,
    looked_again: Cell<LookedAgain>,
    /// The latest end of a fetch, or of a pause before another attempt, that is known beforehand.
    planned: Cell<SimTime>,
    /// Fills sent so far.
    fills: Cell<Fills>,
    /// GETs in scripts that gave a lock back: those that found it, and those that did not.
    lock_reads: Cell<[u64; 2]>,
    /// The first thing that no run survives.
    broken: RefCell<Option<String>>,
}

/// Looks of requests that had looked before: polls of a lock or a lease, and retries.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct LookedAgain {
    /// All of them.
    pub all: u64,
    /// Those that had to wait for their turn, for longer than a tick of the timer.
    pub held_back: u64,
    /// For how long these waited, in seconds of real time.
    pub held_back_s: f64,
}

/// A turn that comes later than this was waited for.
const TICK: Duration = Duration::from_millis(3);

/// Notes a time in nanoseconds.
fn note(times: &mut Histogram<u64>, nanos: u64) {
    times.record(nanos).expect("a histogram that may grow takes every time");
}

impl Player {
    /// A player before its first request.
    pub(super) fn new(parts: Parts) -> Rc<Self> {
        let Parts {
            trace,
            client,
            clock,
            window,
            link,
            prefix,
            rate,
            planned_rate,
            strategy,
            origin,
            http,
            recorder,
            seed,
        } = parts;
        let histogram = || Histogram::new(3).expect("three digits are legal");
        let bytes_beside = strategy.bytes_beside();
        let longest = trace.objects().facts().iter().map(|fact| fact.size).max().unwrap_or(0) + bytes_beside;
        let seed = seed.of("live");
        Rc::new(Self {
            keys: Keys::new(prefix),
            values: Values::new(longest as usize, seed.of("values")),
            bytes_beside,
            deadlines: strategy.deadlines,
            guard_key: strategy.guard.key_in_cache(),
            http,
            routing: seed.of("routing"),
            chance: seed.of("failures"),
            state: RefCell::new(State {
                origin,
                recorder,
                ledger: Ledger::new(trace.objects().len()),
                flights: Flights::new(),
                waiting: BTreeMap::new(),
                conditional: BTreeMap::new(),
                budget: RetryBudget::new(&client),
                breakers: Breakers::new(&client),
                throttled: BTreeMap::new(),
                tickets: 0,
                lateness: histogram(),
                gets: histogram(),
                overdue: histogram(),
                ttls: histogram(),
                strategy,
            }),
            stopped: Cell::new(false),
            job_news: Notify::new(),
            under_way: Cell::new(0),
            unanswered: Cell::new(0),
            most_under_way: Cell::new(0),
            meter: RefCell::new(Meter::new(rate)),
            turns: RefCell::new(Turns::new(rate.as_per_second() - planned_rate, Instant::now())),
            looked_again: Cell::default(),
            planned: Cell::new(SimTime::ZERO),
            fills: Cell::default(),
            lock_reads: Cell::default(),
            broken: RefCell::new(None),
            trace,
            client,
            clock,
            scored_from: window.from,
            until: Cell::new(window.until),
            link,
        })
    }

    /// Lets everything that is due begin, each thing as a task of its own; not more in a second than is allowed.
    pub(super) fn begin_all(self: &Rc<Self>, due: Vec<Due>) {
        let now = Instant::now();
        for one in due {
            match one {
                Due::Request { index, at, object } => {
                    if !self.may_begin(now) {
                        return;
                    }
                    self.under_way.set(self.under_way.get() + 1);
                    self.most_under_way.set(self.most_under_way.get().max(self.under_way.get()));
                    spawn_local(Rc::clone(self).request(Arrival { index, at, object }));
                }
                Due::Recorded(event) => {
                    spawn_local(Rc::clone(self).recorded(event));
                }
            }
        }
    }

    /// Whether one more read may begin; otherwise the run gives up. What is planned is within the limit, so only who has to
    /// catch up comes to it.
    fn may_begin(&self, now: Instant) -> bool {
        let mut meter = self.meter.borrow_mut();
        let is_admitted = meter.admits(now);
        if !is_admitted {
            self.give_up(format!(
                "client-limited: the harness was kept from its work and, {:.1} s into the run, would have begun more than {:.0} reads in \
                 a second (--max-rate) to catch up; play the trace on a quieter machine, or slower",
                self.clock.at(now).as_secs_f64(),
                meter.most()
            ));
        }
        is_admitted
    }

    /// Starts what the strategy does by the clock.
    pub(super) fn begin_jobs(self: &Rc<Self>) {
        spawn_local(Rc::clone(self).jobs());
        spawn_local(Rc::clone(self).sweeps());
    }

    /// Requests that have no outcome yet.
    pub(super) fn under_way(&self) -> u64 {
        self.under_way.get()
    }

    /// Requests among these whose first read the server has not answered yet.
    pub(super) fn unanswered(&self) -> u64 {
        self.unanswered.get()
    }

    /// Most requests that had no outcome at once.
    pub(super) fn most_under_way(&self) -> u64 {
        self.most_under_way.get()
    }

    /// Until when something is known to be under way.
    pub(super) fn planned(&self) -> SimTime {
        self.planned.get()
    }

    /// A request looks again that waited so long for its turn.
    fn note_look(&self, waited: Duration) {
        let mut all = self.looked_again.get();
        all.all += 1;
        if waited > TICK {
            (all.held_back, all.held_back_s) = (all.held_back + 1, all.held_back_s + waited.as_secs_f64());
        }
        self.looked_again.set(all);
    }

    /// Looks of requests that had looked before.
    pub(super) fn looked_again(&self) -> LookedAgain {
        self.looked_again.get()
    }

    /// For how long three of four values were fresh at least. What a rule that steers its TTL gives to few, as it passes by, is
    /// too little to change the hits.
    pub(super) fn short_ttl(&self) -> Option<SimDuration> {
        let state = self.state();
        (!state.ttls.is_empty()).then(|| SimDuration::from_nanos(state.ttls.value_at_quantile(0.25)))
    }

    /// Fills sent so far, and what became of them.
    pub(super) fn fills(&self) -> Fills {
        self.fills.get()
    }

    /// GETs of the scored part in scripts that gave a lock back: those that found it, and those that did not.
    pub(super) fn lock_reads(&self) -> [u64; 2] {
        self.lock_reads.get()
    }

    /// Why the run cannot go on.
    pub(super) fn broken(&self) -> Option<String> {
        self.broken.borrow().clone()
    }

    /// Whether it was stopped before its end, or broke off.
    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.get() || self.broken.borrow().is_some()
    }

    /// The run cannot go on; the first reason is told.
    pub(super) fn give_up(&self, why: String) {
        self.broken.borrow_mut().get_or_insert(why);
    }

    /// Every key that the run may have left on the server.
    pub(super) fn written_keys(&self) -> Vec<String> {
        let state = self.state();
        let images = state.ledger.written().flat_map(|object| self.keys_of(object));
        let mut keys: Vec<String> = images.collect();
        if self.guard_key.is_some() {
            // Whoever looked for an image may have locked it.
            let all = (0..self.trace.objects().len()).map(ObjectId::from_index);
            keys.extend(all.map(|object| self.keys.lock(&self.key(object))));
        }
        if state.strategy.sweep.is_some() {
            keys.push(self.keys.access_times());
        }
        keys
    }

    /// What the reader must know of an origin that was asked over HTTP.
    pub(super) fn remarks(&self) -> Vec<String> {
        self.http.as_ref().map(Http::remarks).unwrap_or_default()
    }

    /// The connection, for those who look at the server.
    pub(super) fn link(&self) -> &Link {
        &self.link
    }

    /// The state, between two answers.
    pub(super) fn state(&self) -> RefMut<'_, State> {
        self.state.borrow_mut()
    }

    /// By how much requests were started late, and how long GETs took, both in nanoseconds of real time.
    pub(super) fn pace(&self) -> (Histogram<u64>, Histogram<u64>) {
        let state = self.state.borrow();
        (state.lateness.clone(), state.gets.clone())
    }

    /// By how much later than planned a share of the fetches ended at most, in seconds of real time.
    pub(super) fn overdue_s(&self, within: f64) -> f64 {
        self.state.borrow().overdue.value_at_quantile(within) as f64 / 1e9
    }

    /// Takes the player apart when all of its tasks are gone.
    pub(super) fn into_state(self: Rc<Self>) -> State {
        Rc::into_inner(self)
            .expect("only tasks hold it beside its owner, and they are gone")
            .state
            .into_inner()
    }

    fn now(&self) -> SimTime {
        self.clock.now()
    }

    fn is_over(&self, now: SimTime) -> bool {
        now > self.until.get()
    }

    /// Nothing more is done by the clock or stored: the run ends here.
    pub(super) fn stop(&self) {
        self.stopped.set(true);
        self.until.set(self.until.get().min(self.now()));
    }

    /// A request begins now that was due at this instant: it may have been let begin in time, and have waited its turn.
    fn note_lateness(&self, at: SimTime) {
        let nanos = self.late_by(at);
        note(&mut self.state().lateness, nanos);
    }

    /// How long ago an instant was, in nanoseconds of real time.
    fn late_by(&self, at: SimTime) -> u64 {
        let late = self.clock.real(self.now().since(at));
        u64::try_from(late.as_nanos()).unwrap_or(u64::MAX)
    }

    /// Something that no run survives; the first one is told.
    fn note_fault(&self, what: &Fault, now: SimTime) {
        let mut broken = self.broken.borrow_mut();
        broken.get_or_insert_with(|| format!("{what}, {:.1} s into the run", now.as_secs_f64()));
    }

    async fn sleep_until(&self, at: SimTime) {
        tokio::time::sleep_until(self.clock.instant(at).into()).await;
    }

    /// Sleeps until an instant that something which is under way is to end at.
    async fn sleep_through(&self, end: SimTime) {
        self.planned.set(self.planned.get().max(end));
        self.sleep_until(end).await;
        let nanos = self.late_by(end);
        note(&mut self.state().overdue, nanos);
    }

    fn fill(&self, object: ObjectId, at: SimTime) -> Fill {
        let fact = self.trace.objects().fact(object);
        Fill { object, class: fact.class, size: fact.size, at, drawn_at: at, told: None }
    }

    /// A key of an object.
    fn key(&self, object: ObjectId) -> String {
        self.trace.objects().key(object)
    }

    /// What was recorded beside requests is done to the cache; changes at the origin are the change model's.
    async fn recorded(self: Rc<Self>, event: Event) {
        if event.what == Happening::Deleted {
            // From the moment it is sent: what was asked for before must not come after it.
            self.state().strategy.guard.purged(event.object, self.now());
            match self.link.unlink(&self.keys_of(event.object)).await {
                Ok(deleted) => {
                    let mut state = self.state();
                    // What was gone before is missing for the reason it was missing for.
                    if deleted > 0 {
                        state.ledger.removed(event.object, Cause::Invalidated);
                    }
                    state.recorder.sent(event.at, Command::Delete, 1);
                }
                Err(fault) => self.note_fault(&fault, event.at),
            }
        }
    }
}
