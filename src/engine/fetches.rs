//! The life of a fetch: asked of the origin, queued or shed, taken up, answered, and stored.

use super::flights::{FlightId, Flying, Purpose};
use super::teller::Teller;
use super::waiting::{Party, Waiter, WaiterId, Waits};
use super::{Arrival, Event, Run};
use crate::cache::{Entry, Stored};
use crate::client::{DuplicateFill, LateFill, OnTimeout};
use crate::metrics::{Asked, Command, Incident, Observer, OutcomeKind, Served};
use crate::origin::{Answer, Ask, Fetch, Reply, Validation, Version};
use crate::strategy::SoftExpiry;
use crate::strategy::guard::{Permit, Released};
use crate::strategy::refresh::Filled;
use crate::strategy::ttl::Fill;
use crate::trace::ObjectId;
use crate::units::{SimDuration, SimTime};

impl<O: Observer> Run<'_, O> {
    /// A fetch that departs now.
    pub(super) fn flying(
        &self,
        object: ObjectId,
        node: u32,
        asked: SimTime,
        purpose: Purpose,
        ticket: u64,
        permit: Permit,
    ) -> Flying {
        let dies = self.client.crash > 0.0
            && self.chance.of("crash").unit(u64::from(object.as_u32()), ticket) < self.client.crash;
        let holds = permit == Permit::FetchAsHolder;
        Flying { object, node, asked, purpose, ticket, holds, dies, fetch: None }
    }

    /// A copy is served; its successor is fetched in the background, if the guard allows it.
    pub(super) fn refresh(&mut self, arrival: Arrival, entry: &Entry) {
        let Arrival { index, at, object } = arrival;
        let node = self.client.node(self.routing, index, object);
        let kind = if at > entry.fresh_until { OutcomeKind::StaleHit } else { OutcomeKind::FreshHit };
        let departed =
            self.fetch_behind(object, node, at, Purpose::Refresh, kind, index, Some(entry.version));
        // Nothing is under way that could bring the successor.
        if !departed && !self.flights.any_of(object) {
            self.strategy.refresh.on_failure(object, at);
        }
    }

    /// Fetches while nobody waits, if the guard allows it; whether it did.
    #[expect(clippy::too_many_arguments, reason = "each is a fact of one fetch, and there are two callers")]
    pub(super) fn fetch_behind(
        &mut self,
        object: ObjectId,
        node: u32,
        now: SimTime,
        purpose: Purpose,
        trigger: OutcomeKind,
        index: usize,
        version: Option<Version>,
    ) -> bool {
        if !self.may_fetch(node, now) {
            return false;
        }
        let (permit, ticket) = self.permit(object, node, now, true, SimDuration::ZERO);
        if !matches!(permit, Permit::Fetch | Permit::FetchAsHolder) {
            return false;
        }
        let flying = self.flying(object, node, now, purpose, ticket, permit);
        let flight = self.flights.depart(flying, trigger);
        self.ask(flight, index, version, now);
        true
    }

    /// Asks the origin for a fetch that has departed.
    pub(super) fn ask(&mut self, id: FlightId, request: usize, held: Option<Version>, now: SimTime) {
        let Some(flying) = self.flights.current(id) else { return };
        let (object, background) = (flying.object, flying.is_background());
        if !self.is_over() {
            let (overlaps, in_flight) = (self.flights.overlaps(id), self.flights.count());
            let class = self.trace.objects().fact(object).class;
            self.observer.asked(&Asked { object, class, at: now, background, overlaps, in_flight });
        }
        let (node, holds) = (flying.node, flying.holds);
        self.breakers.fetches(node);
        if holds {
            self.prolong_later(id, now);
        }
        let cost = self.strategy.validates_at;
        let validates = held.zip(cost).map(|(version, cost)| Validation { version, cost });
        let patience = if background { None } else { self.client.patience(now) };
        self.strategy.ttl.fetch_began(now);
        let reply = self.origin.ask(Ask { object, at: now, request, patience, validates }, id.ticket());
        match reply {
            Reply::Started(fetch) => self.taken_up(id, fetch),
            Reply::Queued => {}
            Reply::Shed => self.shed(id, now),
        }
        self.tell_shed(now);
    }

    /// A server has taken a fetch up.
    fn taken_up(&mut self, id: FlightId, fetch: Fetch) {
        self.flights.start(id, fetch);
        self.queue.push(fetch.done, Event::Landed(id));
    }

    /// A server is free: it takes up the next fetch.
    fn free_server(&mut self, now: SimTime) {
        if let Some((ticket, fetch)) = self.origin.release(now) {
            self.taken_up(FlightId::of(ticket), fetch);
        }
        self.tell_shed(now);
    }

    /// Lets those know that the origin threw out of its queue.
    fn tell_shed(&mut self, now: SimTime) {
        // All of them are known before the first one learns of it: what it does then may throw out others.
        let thrown: Vec<_> = std::iter::from_fn(|| self.origin.next_shed()).collect();
        thrown.into_iter().for_each(|ticket| self.shed(FlightId::of(ticket), now));
    }

    /// The origin refuses a fetch.
    fn shed(&mut self, id: FlightId, now: SimTime) {
        self.observer.incident(now, Incident::Shed);
        let (flying, party) = self.end(id, now);
        self.failed(&flying, party, now);
    }

    /// Nobody waits for a fetch any more: call it off, as far as that is possible.
    pub(super) fn call_off(&mut self, id: FlightId, now: SimTime) {
        let Some(flying) = self.flights.current(id).copied().filter(|flying| !flying.is_background()) else {
            return;
        };
        match flying.fetch {
            None if self.origin.withdraw(id.ticket()) => {
                self.end(id, now);
                self.release(&flying, now, false);
            }
            Some(fetch) if self.client.on_timeout == OnTimeout::Cancel => {
                let cut = Fetch { done: now, answer: Answer::Failure, ..fetch };
                self.observer.served(&Served { object: flying.object, bytes: 0, fetch: cut });
                self.end(id, now);
                self.release(&flying, now, false);
                self.free_server(now);
            }
            _ => return,
        }
        self.observer.incident(now, Incident::Cancelled);
    }

    /// The origin has answered.
    pub(super) fn landed(&mut self, now: SimTime, id: FlightId) {
        if let Some(Event::Landed(next)) = self.queue.probably_next() {
            self.prefetch(self.flights.object(next));
        }
        // It may have been called off.
        let Some(flying) = self.flights.current(id) else { return };
        let Some(fetch) = flying.fetch else { return };
        let (flying, party) = self.end(id, now);
        self.free_server(now);
        let size = self.trace.objects().size_of(flying.object, fetch.version.0);
        let bytes = if fetch.answer == Answer::Value { size } else { 0 };
        self.observer.served(&Served { object: flying.object, bytes, fetch });
        if flying.dies {
            self.observer.incident(now, Incident::Crashed);
            self.orphaned(&flying, party, now);
        } else if fetch.answer == Answer::Failure {
            self.failed(&flying, party, now);
        } else {
            self.brought(&flying, party, &fetch, now);
        }
    }

    /// A fetch is over: it leaves the table. Its lock is [released](Self::release) once its value is stored.
    fn end(&mut self, id: FlightId, now: SimTime) -> (Flying, Party) {
        self.strategy.ttl.fetch_ended(now);
        let (flying, party, over) = self.flights.land(id, now);
        if let Some(regeneration) = over {
            self.observer.regenerated(&regeneration);
        }
        (flying, party)
    }

    /// The guard learns that a holder is done, who gives its lock back, or dead.
    fn release(&mut self, flying: &Flying, now: SimTime, died: bool) {
        if !flying.holds {
            return;
        }
        let Flying { object, ticket, asked, .. } = *flying;
        let given_back = self.strategy.guard.released(&Released { object, now, ticket, since: asked, died });
        self.observer.sent(now, Command::Unlock, given_back.commands);
        if !died && !self.is_over() {
            self.cache.give_back(object, given_back.deleted, now);
        }
    }

    /// Schedules when the holder of a lock that is a key of the server prolongs it next, if it is one that does.
    fn prolong_later(&mut self, id: FlightId, now: SimTime) {
        let every = self.strategy.guard.key_in_cache().and_then(|key| key.prolonged_every());
        if let Some(every) = every.filter(|_| self.cache.keeps_guards()) {
            self.queue.push(now + every, Event::Prolong(id));
        }
    }

    /// The holder of a lock prolongs it, until it finds no server.
    pub(super) fn prolong(&mut self, now: SimTime, id: FlightId) {
        let Some(object) = self.flights.current(id).map(|flying| flying.object) else { return };
        let Some(key) = self.strategy.guard.key_in_cache().filter(|_| !self.is_over()) else { return };
        if self.cache.prolong(object, now + key.ttl, now) {
            self.prolong_later(id, now);
        }
    }

    /// Whether the breaker of a process lets it fetch; told if not.
    pub(super) fn may_fetch(&mut self, node: u32, now: SimTime) -> bool {
        let may = self.breakers.lets_through(node, now);
        if !may {
            self.observer.incident(now, Incident::Broken);
        }
        may
    }

    /// A fetch has brought a value: store it, and answer those that wait for it.
    fn brought(&mut self, flying: &Flying, party: Party, fetch: &Fetch, now: SimTime) {
        self.negative.remove(&flying.object);
        self.throttled.remove(&flying.object);
        let late = !flying.is_background() && self.client.gives_up(flying.asked, now);
        // Of a late one its process has given up before, and counted that.
        if !late {
            self.breakers.succeeded(flying.node);
        }
        let discarded = late && self.client.late_fill == LateFill::Discard;
        let stored = !discarded && self.store(flying.object, flying.asked, fetch, now);
        self.release(flying, now, false);
        self.let_go(party, |run, id| {
            let Waiter { leads, cause, .. } = *run.waiting.get(id);
            let kind = if leads { OutcomeKind::Miss(cause) } else { OutcomeKind::DelayedHit };
            run.finish_fetched(id, now, kind, fetch.version, leads && stored);
        });
        self.after_background(flying, now, true);
    }

    /// A fetch has failed: those that wait for it fail too, or ask themselves.
    fn failed(&mut self, flying: &Flying, party: Party, now: SimTime) {
        self.release(flying, now, false);
        if flying.is_background() || !self.client.gives_up(flying.asked, now) {
            self.breakers.failed(flying.node, now);
        }
        if flying.is_background() {
            self.throttle(flying.object, now);
        }
        let share_errors = self.client.share_errors;
        self.let_go(party, |run, id| {
            if share_errors || run.waiting.get(id).leads {
                run.fail(id, now);
            } else {
                run.want(id, now);
            }
        });
        self.after_background(flying, now, false);
    }

    /// The process that fetched has died, and with it all its requests that waited for the fetch.
    fn orphaned(&mut self, flying: &Flying, party: Party, now: SimTime) {
        self.release(flying, now, true);
        self.breakers.failed(flying.node, now);
        self.let_go(party, |run, id| run.finish(id, now, OutcomeKind::Error, None));
        self.after_background(flying, now, false);
    }

    /// Deals with each of those that waited for a fetch that is over.
    fn let_go(&mut self, party: Party, deal: impl Fn(&mut Self, WaiterId)) {
        if party.is_empty() {
            return;
        }
        if let Some(id) = self.waiting.only(party) {
            self.waiting.get(id).wait.waits = Waits::Dealt;
            return deal(self, id);
        }
        let mut ids = std::mem::take(&mut self.let_go);
        self.waiting.dissolve(party, &mut ids);
        ids.iter().for_each(|id| self.waiting.get(*id).wait.waits = Waits::Dealt);
        ids.drain(..).for_each(|id| deal(self, id));
        self.let_go = ids;
    }

    /// Lets the refresh policy know of the end of a fetch in the background.
    fn after_background(&mut self, flying: &Flying, now: SimTime, brought: bool) {
        let object = flying.object;
        if flying.is_background() && !brought {
            self.strategy.refresh.on_failure(object, now);
        }
        if flying.purpose == Purpose::Job && !self.is_over() {
            let held = self.cache.peek(object, now).is_some();
            self.strategy.refresh.job_done(object, now, held);
            self.run_jobs(now);
        }
    }

    /// Writes an error into the cache, if errors are remembered and this one is not yet.
    pub(super) fn remember_error(&mut self, object: ObjectId, now: SimTime) {
        let ttl = self.client.negative_ttl;
        if ttl.is_zero()
            || self.cache.is_out_of_reach(object, now)
            || self.negative.get(&object).is_some_and(|until| now <= *until)
        {
            return;
        }
        self.negative.insert(object, now + ttl);
        self.observer.sent(now, Command::SetError, 1);
    }

    /// Stores what a fetch brought; whether it did, which guard, client and cache may forbid.
    pub(super) fn store(&mut self, object: ObjectId, asked: SimTime, fetch: &Fetch, now: SimTime) -> bool {
        if !self.strategy.guard.lets_store(object, asked) {
            return false;
        }
        let Run { observer, origin, trace, strategy, .. } = self;
        let told = Teller { observer, origin, objects: trace.objects() }.told(&strategy.ttl, object, fetch);
        let fill = Fill { told: Some(told), ..self.fill(object, fetch.version, now) };
        let held = self.held(object, now);
        let is_kept = match self.client.duplicate_fill {
            DuplicateFill::Overwrite => false,
            DuplicateFill::KeepFirst => held.is_some_and(|held| held.stored_at > asked),
            DuplicateFill::NewestVersion => held.is_some_and(|held| held.version > fetch.version),
        };
        if is_kept {
            return false;
        }
        let fresh_until = self.strategy.ttl.fresh_until(&fill);
        let expires_at = self.strategy.keep_until(now, fresh_until);
        let entry = Entry { stored_at: now, fresh_until, expires_at, version: fetch.version };
        if let Some(after_end) = &mut self.after_end {
            after_end.insert(object, entry);
            return true;
        }
        // A confirmed value that is still there needs no more than a new deadline. An EXPIRE moves the deadline of what is
        // there, also where that is another version by now, and never brings a version back. Who keeps deadlines in values
        // has to write a body with the new one, and has only the body that was confirmed: over another one that is a fill.
        let writes_its_own = self.strategy.deadlines == Some(SoftExpiry::Envelope);
        let confirmed = held
            .filter(|_| fetch.answer == Answer::Unchanged)
            .filter(|held| !writes_its_own || held.version == fetch.version);
        let stored = match confirmed {
            Some(held) => self.cache.confirm(object, Entry { version: held.version, ..entry }, now),
            None => self.cache.set(object, entry, now),
        };
        match confirmed.filter(|_| stored == Stored::Yes) {
            Some(held) => {
                let size = self.trace.objects().size_of(object, held.version.0);
                self.observer.touched(size, now);
            }
            None => self.observer.stored(fill.size, now, stored),
        }
        // A confirmation does not tell how long the image takes.
        let took = (fetch.answer != Answer::Unchanged).then(|| now.since(asked));
        self.strategy.refresh.on_fill(&Filled { object, class: fill.class, at: now, fresh_until, took });
        self.schedule_job(now);
        stored == Stored::Yes
    }

    /// What the cache holds of a fetch's object, where that matters.
    fn held(&self, object: ObjectId, now: SimTime) -> Option<Entry> {
        let matters =
            self.client.duplicate_fill != DuplicateFill::Overwrite || self.strategy.validates_at.is_some();
        if matters { self.peek(object, now) } else { None }
    }
}
