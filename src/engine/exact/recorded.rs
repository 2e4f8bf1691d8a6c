//! A whole run without a clock: everything that the engine would tell an observer, in the same order.
//!
//! The engine stores what a fetch that takes no time brings just before the next request arrives, so that nothing
//! comes between a miss and its store. What it does then is done here at once, by the same code where it tells of it
//! (`teller`), asks for a TTL (`strategy::ttl`) or accounts for what the cache holds (`cache::Residency`); only who is
//! held and who leaves next is found out without slots, list and events. So the measurements are the same, to the
//! last bit.

use std::ops::ControlFlow;

use super::books::{Books, Stay};
use super::life::{Asked, Buffers, Deadline, Place};
use super::player::Cached;
use super::spare::Spare;
use super::{Lifetime, suits as has_places};
use crate::cache::{Account, Bare, Cause, Entry, Residency, Stored};
use crate::engine::teller::Teller;
use crate::engine::{Arrival, Pulse, Simulation, plain};
use crate::metrics::{Observer, OutcomeKind};
use crate::origin::{Fetch, Origin, Version};
use crate::strategy::ttl::{Told, Ttl};
use crate::trace::{ObjectId, Objects};
use crate::units::SimTime;

/// Requests between two beats of a pulse.
const BEAT: usize = 1 << 16;

/// Whether a simulation needs no clock: every fetch is answered at once, nobody but a request that finds nothing wants
/// one, nothing happens but requests, and the requests alone say what the cache does. How patient clients are, when they
/// stop asking and which of two values they store says nothing there: no fetch is late, fails or meets another one.
pub fn suits(simulation: &Simulation<'_>) -> bool {
    let Simulation { trace, client, origin, cache, strategy, window, .. } = simulation;
    let is_quiet = simulation.server_events.is_empty() && !simulation.warm && strategy.sweep.is_none();
    is_quiet
        && origin.takes_no_time()
        && plain::asks_plainly(client, origin, strategy)
        && strategy.guard.lets_the_first_fetch()
        // Nothing is kept beyond its TTL.
        && strategy.deadlines.is_none()
        && cache.is_plain()
        && has_places(trace)
        && trace.times().last().is_none_or(|last| *last <= window.until)
}

/// What plays need, used again by those that come after them.
#[derive(Debug, Default)]
pub struct Workspace(Spare<Buffers<Version>>);

impl Workspace {
    /// Gives back the memory of one play, for whoever plays now does it by events.
    pub fn give_up(&self) {
        self.0.give_up();
    }
}

/// Bytes that a [`Workspace`] keeps for each object and play at once, at most.
pub const SPARE_PER_OBJECT: u64 = size_of::<Place<Deadline, Version>>() as u64;

/// Plays a simulation that [suits]: what the cache held, and the observer; `None` if the pulse stopped it.
///
/// # Panics
/// If it does not suit.
pub fn play<O: Observer>(
    simulation: Simulation<'_>,
    observer: O,
    pulse: &dyn Pulse,
    workspace: &Workspace,
) -> Option<(Account, O)> {
    assert!(suits(&simulation), "the simulation needs no clock");
    let Simulation { trace, origin, cache, strategy, window, .. } = simulation;
    let Bare { order, capacity, reclaim, residency } = cache.bare().expect("its cache is plain");
    let lifetime = Lifetime::of(strategy.ttl);
    let cached = Cached { trace, end: window.until, order, capacity, lifetime, reclaim };
    let books = Record { objects: trace.objects(), origin, residency, observer, pulse, passed: 0 };
    let legs = (0..trace.len()).step_by(BEAT).map(|from| from..(from + BEAT).min(trace.len()));
    let played = workspace.0.lend(|buffers| cached.play(buffers, books, legs));
    let Record { residency, observer, .. } = played?;
    Some((residency.finish(), observer))
}

/// Tells the observer, and keeps the account of the cache.
struct Record<'t, O> {
    objects: &'t Objects,
    origin: Origin,
    residency: Residency,
    observer: O,
    pulse: &'t dyn Pulse,
    /// Requests that the pulse was told of.
    passed: usize,
}

impl<O: Observer> Record<'_, O> {
    #[inline]
    fn teller(&mut self) -> Teller<'_, O> {
        let Self { objects, origin, observer, .. } = self;
        Teller { observer, origin, objects }
    }
}

/// A request as the engine knows it.
#[inline]
fn arrival(asked: &Asked) -> Arrival {
    Arrival { index: asked.place as usize - 1, at: asked.at, object: asked.object }
}

/// An entry as the account knows it.
#[inline]
fn entry((_, stay): Stay) -> Entry {
    Entry {
        stored_at: stay.from,
        fresh_until: stay.until,
        expires_at: stay.until,
        version: Version::default(),
    }
}

impl<O: Observer> Books for Record<'_, O> {
    const ALL: bool = true;
    type Note = Version;
    type Fetched = Fetch;

    #[inline]
    fn entries(&self) -> u64 {
        self.residency.entries()
    }

    #[inline]
    fn bytes(&self) -> u64 {
        self.residency.bytes()
    }

    #[inline]
    fn prefetch(&self, object: ObjectId) {
        self.origin.prefetch(object);
    }

    #[inline]
    fn hit(&mut self, asked: &Asked, _: u32, version: Version, touched: bool, ttl: Option<&mut Ttl>) {
        if touched {
            self.observer.touched(self.objects.size(asked.object), asked.at);
        }
        self.teller().answered(ttl, arrival(asked), asked.at, OutcomeKind::FreshHit, Some(version));
    }

    #[inline]
    fn fetches(&mut self, asked: &Asked, _: u32, cause: Cause) -> Fetch {
        let leader = arrival(asked);
        let mut teller = self.teller();
        let fetch = teller.ask(leader, 1);
        teller.over(leader, OutcomeKind::Miss(cause), fetch, 0);
        fetch
    }

    #[inline]
    fn told(&mut self, asked: &Asked, fetch: Fetch, ttl: Option<&mut Ttl>) -> Option<Told> {
        Some(self.teller().told(ttl?, asked.object, &fetch))
    }

    #[inline]
    fn note(fetch: Fetch) -> Version {
        fetch.version
    }

    #[inline]
    fn missed(&mut self, asked: &Asked, cause: Cause, fetch: Fetch, stored: Stored, ttl: Option<&mut Ttl>) {
        self.observer.stored(self.objects.size(asked.object), asked.at, stored);
        let kind = OutcomeKind::Miss(cause);
        self.teller().answered(ttl, arrival(asked), fetch.done, kind, Some(fetch.version));
    }

    #[inline]
    fn came(&mut self, size: u32, now: SimTime) {
        self.residency.stored(size.into(), now);
    }

    #[inline]
    fn left(&mut self, cause: Cause, now: SimTime, stay: impl FnOnce() -> Stay) {
        let stay = stay();
        self.residency.left(&entry(stay), stay.0.into(), cause, now);
    }

    fn still_held(&mut self, stay: Stay, end: SimTime) {
        self.residency.still_held(&entry(stay), stay.0.into(), end);
    }

    fn passed(&mut self, requests: usize) -> ControlFlow<()> {
        let before = std::mem::replace(&mut self.passed, requests);
        self.pulse.beat((requests - before) as u64)
    }

    fn ended(&mut self, end: SimTime, ttl: Option<&mut Ttl>) {
        self.observer.steered(ttl.map_or_else(Vec::new, |ttl| ttl.trajectories(end)));
    }
}
