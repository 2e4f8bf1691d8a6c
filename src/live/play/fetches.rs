//! The life of a fetch: asked of the origin, queued or shed, taken up, waited for, and stored.

use std::pin::pin;
use std::rc::Rc;

use tokio::task::spawn_local;

use super::super::link::{Fault, Written};
use super::super::origin::Brought;
use super::{Landed, Player, State, note};
use crate::cache::{Entry, Stored};
use crate::client::{DuplicateFill, LateFill};
use crate::engine::flights::{FlightId, Flying, Purpose};
use crate::metrics::{Asked, Command, Incident, Observer, OutcomeKind, Served};
use crate::origin::{Answer, Ask, Fetch, Reply, Validation, Version};
use crate::strategy::SoftExpiry;
use crate::strategy::guard::{Permit, Released};
use crate::strategy::refresh::Filled;
use crate::strategy::ttl::{Fill, Told};
use crate::trace::ObjectId;
use crate::units::{SimDuration, SimTime};

/// Values that were sent to the server, and those of them that it refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Fills {
    /// SETs of values.
    pub sent: u64,
    /// Those that the server refused, as it had no room (OOM).
    pub refused: u64,
    /// Bytes of values in all of them.
    pub sent_bytes: u64,
    /// Bytes of values in those that were refused.
    pub refused_bytes: u64,
}

impl Fills {
    /// Whether the server took less than half of them: what is measured then is a cache that holds next to nothing.
    pub fn are_mostly_refused(&self) -> bool {
        2 * self.refused > self.sent
    }

    /// That some were refused, in a sentence.
    pub(in crate::live) fn remark(&self) -> Option<String> {
        let Self { sent, refused, .. } = self;
        (*refused > 0).then(|| {
            format!(
                "{refused} of {sent} fills were refused: the server was out of memory and had nothing, or nothing more, that its policy \
                 lets it evict (OOM)"
            )
        })
    }
}

/// A fetch that is wanted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Trip {
    pub(super) object: ObjectId,
    /// The process that fetches.
    pub(super) node: u32,
    pub(super) purpose: Purpose,
    /// The outcome that starts it.
    pub(super) trigger: OutcomeKind,
    /// Place of the request that causes it.
    pub(super) index: usize,
}

impl Player {
    /// Whether the breaker of a process lets it fetch; told if not.
    pub(super) fn may_fetch(&self, node: u32, now: SimTime) -> bool {
        let mut state = self.state();
        let may = state.breakers.lets_through(node, now);
        if !may {
            state.recorder.incident(now, Incident::Broken);
        }
        may
    }

    /// Fetches the successor of a version that is served meanwhile, if the guard allows it.
    pub(super) async fn refresh(self: &Rc<Self>, trip: Trip, version: Version) {
        let departed = self.fetch_behind(trip, Some(version)).await;
        let now = self.now();
        let mut state = self.state();
        // Nothing is under way that could bring it.
        if !departed && !state.flights.any_of(trip.object) {
            state.strategy.refresh.on_failure(trip.object, now);
        }
    }

    /// Fetches while nobody waits, if the guard allows it; whether it did.
    pub(super) async fn fetch_behind(self: &Rc<Self>, trip: Trip, version: Option<Version>) -> bool {
        if !self.may_fetch(trip.node, self.now()) {
            return false;
        }
        let (permit, ticket) = match self.permit(trip.object, trip.node, true, SimDuration::ZERO).await {
            Ok(permit) => permit,
            Err(fault) => {
                self.note_fault(&fault, self.now());
                return false;
            }
        };
        if !matches!(permit, Permit::Fetch | Permit::FetchAsHolder) {
            return false;
        }
        let now = self.now();
        let flight = self.depart(trip, ticket, permit == Permit::FetchAsHolder, now);
        self.ask(flight, trip.index, version, now);
        true
    }

    /// A fetch departs.
    pub(super) fn depart(&self, trip: Trip, ticket: u64, holds: bool, now: SimTime) -> FlightId {
        let Trip { object, node, purpose, trigger, .. } = trip;
        let flying = Flying { object, node, asked: now, purpose, ticket, holds, dies: false, fetch: None };
        self.state().flights.depart(flying, trigger)
    }

    /// Asks the origin for a fetch that has departed.
    pub(super) fn ask(self: &Rc<Self>, id: FlightId, request: usize, held: Option<Version>, now: SimTime) {
        let thrown = {
            let mut guard = self.state();
            let state = &mut *guard;
            let Some(flying) = state.flights.current(id) else { return };
            let (object, background, node) = (flying.object, flying.is_background(), flying.node);
            if !self.is_over(now) {
                let (overlaps, in_flight) = (state.flights.overlaps(id), state.flights.count());
                let class = self.trace.objects().fact(object).class;
                state.recorder.asked(&Asked { object, class, at: now, background, overlaps, in_flight });
            }
            state.breakers.fetches(node);
            let cost = state.strategy.validates_at;
            let validates = held.zip(cost).map(|(version, cost)| Validation { version, cost });
            if let Some(Validation { version, .. }) = validates.filter(|_| self.http.is_some()) {
                state.conditional.insert(id, version);
            }
            let patience = if background { None } else { self.client.patience(now) };
            state.strategy.ttl.fetch_began(now);
            let ask = Ask { object, at: now, request, patience, validates };
            let mut thrown = Vec::new();
            match state.origin.ask(ask, id.ticket()) {
                Reply::Started(fetch) => self.taken_up(state, id, fetch),
                Reply::Queued => {}
                Reply::Shed => thrown.push(id),
            }
            thrown.extend(std::iter::from_fn(|| state.origin.next_shed()).map(FlightId::of));
            thrown
        };
        thrown.into_iter().for_each(|id| self.shed(id, now));
    }

    /// A server of the origin has taken a fetch up.
    fn taken_up(self: &Rc<Self>, state: &mut State, id: FlightId, fetch: Fetch) {
        state.flights.start(id, fetch);
        spawn_local(Rc::clone(self).land(id, fetch));
    }

    /// The origin refuses a fetch.
    fn shed(self: &Rc<Self>, id: FlightId, now: SimTime) {
        self.state().recorder.incident(now, Incident::Shed);
        let player = Rc::clone(self);
        spawn_local(async move { player.end(id, None).await });
    }

    /// A fetch under way: waits for the origin's answer, and stores it.
    async fn land(self: Rc<Self>, id: FlightId, fetch: Fetch) {
        let Some(flying) = self.state().flights.current(id).copied() else { return };
        let (fetch, bytes) = self.holding(&flying, self.answered(id, flying.object, fetch)).await;
        let now = self.now();
        let thrown: Vec<FlightId> = {
            let mut guard = self.state();
            let state = &mut *guard;
            if let Some((ticket, next)) = state.origin.release(now) {
                self.taken_up(state, FlightId::of(ticket), next);
            }
            state.recorder.served(&Served { object: flying.object, bytes, fetch });
            std::iter::from_fn(|| state.origin.next_shed()).map(FlightId::of).collect()
        };
        thrown.into_iter().for_each(|id| self.shed(id, now));
        self.end(id, Some(fetch)).await;
    }

    /// The origin's answer when it is there, and the bytes that it brought: after the time that its model planned, or
    /// that of the HTTP server.
    async fn answered(&self, id: FlightId, object: ObjectId, fetch: Fetch) -> (Fetch, u32) {
        let size = self.trace.objects().size(object);
        let Some(http) = &self.http else {
            self.sleep_through(fetch.done).await;
            // It is there when it is there; what the model planned is a lower bound of that.
            let fetch = Fetch { done: self.now().max(fetch.done), ..fetch };
            return (fetch, if fetch.answer == Answer::Value { size } else { 0 });
        };
        let held = self.state().conditional.remove(&id);
        let key = self.key(object);
        let Brought { answer, version, bytes } =
            http.fetch(object, self.keys.at_the_origin(&key), size, held).await;
        let fetch = Fetch { done: self.now(), answer, version, ..fetch };
        (fetch, u32::try_from(bytes).unwrap_or(u32::MAX))
    }

    /// Waits for an answer; meanwhile a holder prolongs its lock, if it is one that does.
    async fn holding<T>(&self, flying: &Flying, answer: impl Future<Output = T>) -> T {
        let prolonged = self.guard_key.filter(|_| flying.holds);
        let prolonged = prolonged.and_then(|key| Some((key.ttl, key.prolonged_every()?)));
        let Some((ttl, every)) = prolonged else { return answer.await };
        let mut answer = pin!(answer);
        let lock = self.keys.lock(&self.key(flying.object));
        let mut next = flying.asked + every;
        loop {
            tokio::select! {
                biased;
                answer = &mut answer => return answer,
                () = self.sleep_until(next) => {}
            }
            if let Err(fault) = self.link.expire(lock.as_bytes(), self.clock.real(ttl)).await {
                self.note_fault(&fault, self.now());
                return answer.await;
            }
            self.state().recorder.sent(self.now(), Command::Unlock, 1);
            next += every;
        }
    }

    /// A fetch is over: its value is stored, its lock given back, and whoever waits for it is told.
    async fn end(self: &Rc<Self>, id: FlightId, fetch: Option<Fetch>) {
        let Some(flying) = self.state().flights.current(id).copied() else { return };
        let brought = fetch.filter(|fetch| fetch.answer != Answer::Failure);
        let now = self.now();
        let late = !flying.is_background() && self.client.gives_up(flying.asked, now);
        let mut stored = false;
        if let Some(fetch) = &brought {
            {
                let mut state = self.state();
                state.throttled.remove(&flying.object);
                if !late {
                    state.breakers.succeeded(flying.node);
                }
            }
            if !(late && self.client.late_fill == LateFill::Discard) {
                match self.store(&flying, fetch).await {
                    Ok(wrote) => stored = wrote,
                    Err(fault) => self.note_fault(&fault, self.now()),
                }
            }
        } else {
            if flying.is_background() || !late {
                self.state().breakers.failed(flying.node, now);
            }
            if flying.is_background() {
                self.throttle(flying.object, now);
            }
        }
        if flying.holds {
            self.give_back(&flying).await;
        }
        let now = self.now();
        let waiting = {
            let mut guard = self.state();
            let state = &mut *guard;
            state.strategy.ttl.fetch_ended(now);
            let (_, _, over) = state.flights.land(id, now);
            state.conditional.remove(&id);
            if let Some(regeneration) = over {
                state.recorder.regenerated(&regeneration);
            }
            state.waiting.remove(&id)
        };
        let landed = brought.map_or(Landed::Failed, |fetch| Landed::Brought(fetch.version, stored));
        // Whoever gave up meanwhile is not there to hear it.
        waiting.into_iter().flatten().for_each(|waiter| {
            let _ = waiter.send(landed);
        });
        self.after_background(&flying, now, brought.is_some());
    }

    /// The holder deletes its lock, if it is still its own.
    async fn give_back(&self, flying: &Flying) {
        let Flying { object, ticket, asked, .. } = *flying;
        {
            let released = Released { object, now: self.now(), ticket, since: asked, died: false };
            self.state().strategy.guard.released(&released);
        }
        if !self.guard_key.is_some_and(|key| key.given_back) {
            return;
        }
        let lock = self.keys.lock(&self.key(object));
        let given = self.link.release(lock.as_bytes(), ticket).await;
        let now = self.now();
        match given {
            Ok(found) => {
                self.state().recorder.sent(now, Command::Unlock, 1);
                self.note_release(found, now);
            }
            Err(fault) => self.note_fault(&fault, now),
        }
    }

    /// The script that deletes a lock has asked for it with a GET, which the server counts among its reads.
    fn note_release(&self, found: bool, now: SimTime) {
        if now >= self.scored_from && !self.is_over(now) {
            let [held, lost] = self.lock_reads.get();
            let own = u64::from(found);
            self.lock_reads.set([held + own, lost + 1 - own]);
        }
    }

    /// Lets the refresh policy know of the end of a fetch in the background.
    fn after_background(self: &Rc<Self>, flying: &Flying, now: SimTime, brought: bool) {
        let object = flying.object;
        let mut state = self.state();
        if flying.is_background() && !brought {
            state.strategy.refresh.on_failure(object, now);
        }
        if flying.purpose == Purpose::Job && !self.is_over(now) {
            let held = state.ledger.latest(object, now).is_some();
            state.strategy.refresh.job_done(object, now, held);
            self.job_news.notify_one();
        }
    }

    /// What an answer of the origin tells about itself, as far as the strategy reads it.
    fn told(&self, state: &mut State, object: ObjectId, fetch: &Fetch) -> Told {
        let wanted = state.strategy.ttl.wants_last_modified();
        let last_modified = match &self.http {
            _ if !wanted => None,
            None => state.origin.last_modified(object, fetch.version),
            // What was made before the run counts as made when it began, as the first version of a model.
            Some(http) => http
                .age(object, fetch.version)
                .map(|age| SimTime::ZERO + self.now().since(SimTime::ZERO + self.clock.virtual_span(age))),
        };
        Told {
            fetch_time: fetch.done.since(fetch.asked),
            dated: fetch.started,
            version: fetch.version,
            last_modified,
            confirms: fetch.answer == Answer::Unchanged,
        }
    }

    /// Stores what a fetch brought, unless the run is over; whether it did, which guard, client and server may forbid.
    async fn store(&self, flying: &Flying, fetch: &Fetch) -> Result<bool, Fault> {
        let (object, asked, now) = (flying.object, flying.asked, self.now());
        if self.is_over(now) {
            return Ok(false);
        }
        let (fill, entry, held, number) = {
            let mut guard = self.state();
            let state = &mut *guard;
            if !state.strategy.guard.lets_store(object, asked) {
                return Ok(false);
            }
            let held = state.ledger.latest(object, now);
            let is_kept = match self.client.duplicate_fill {
                DuplicateFill::Overwrite => false,
                DuplicateFill::KeepFirst => held.is_some_and(|held| held.stored_at > asked),
                DuplicateFill::NewestVersion => held.is_some_and(|held| held.version > fetch.version),
            };
            if is_kept {
                return Ok(false);
            }
            let fill = Fill { told: Some(self.told(state, object, fetch)), ..self.fill(object, now) };
            let fresh_until = state.strategy.ttl.fresh_until(&fill);
            let expires_at = state.strategy.keep_until(now, fresh_until);
            if now < fresh_until && fresh_until != SimTime::NEVER {
                note(&mut state.ttls, fresh_until.since(now).as_nanos());
            }
            let entry = Entry { stored_at: now, fresh_until, expires_at, version: fetch.version };
            (fill, entry, held, state.ledger.next_fill())
        };
        // A confirmed value that is still there needs no more than a new deadline; but who keeps deadlines in values
        // writes the body that was confirmed, also over another version.
        let writes_its_own = self.deadlines == Some(SoftExpiry::Envelope);
        let confirmed = fetch.answer == Answer::Unchanged
            && held.is_some_and(|held| !writes_its_own || held.version == fetch.version)
            && self.set_deadline(object, entry.fresh_until, entry.expires_at, now).await;
        let wrote = if confirmed {
            self.state().recorder.touched(fill.size, now);
            true
        } else {
            let stored = self.write(object, number, entry, now).await?;
            self.state().recorder.stored(fill.size, now, stored);
            stored == Stored::Yes
        };
        let filled = Filled {
            object,
            class: fill.class,
            at: now,
            fresh_until: entry.fresh_until,
            // A confirmation does not tell how long the image takes.
            took: (fetch.answer != Answer::Unchanged).then(|| now.since(asked)),
        };
        self.state().strategy.refresh.on_fill(&filled);
        self.job_news.notify_one();
        Ok(wrote)
    }

    /// SET of a value.
    async fn write(&self, object: ObjectId, fill: u64, entry: Entry, now: SimTime) -> Result<Stored, Fault> {
        let size = self.trace.objects().size(object) + self.bytes_beside;
        let value = self.values.value(fill, size as usize);
        let forever = entry.expires_at == SimTime::NEVER;
        let ttl = (!forever).then(|| self.clock.real(entry.expires_at.since(now)));
        self.note_fill(|fills| {
            fills.sent += 1;
            fills.sent_bytes += u64::from(size);
        });
        self.state().ledger.sending(object, fill, entry);
        let written = self.set_value(&self.key(object), &value, ttl, entry.fresh_until).await?;
        self.state().ledger.answered(fill, written[0] != Written::OutOfMemory);
        // A value without its deadline is of no use.
        if !written.contains(&Written::OutOfMemory) {
            return Ok(Stored::Yes);
        }
        self.note_fill(|fills| {
            fills.refused += 1;
            fills.refused_bytes += u64::from(size);
        });
        Ok(Stored::OutOfMemory)
    }

    fn note_fill(&self, change: impl FnOnce(&mut Fills)) {
        let mut fills = self.fills.get();
        change(&mut fills);
        self.fills.set(fills);
    }
}
