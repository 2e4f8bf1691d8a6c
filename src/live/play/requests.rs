//! The life of a request: a GET, and all that may follow until it has its outcome.

use std::rc::Rc;
use std::time::Instant;

use tokio::sync::oneshot;
use tokio::task::spawn_local;

use super::super::link::{Fault, Written};
use super::fetches::Trip;
use super::waits::{Paused, Waited, Waiter};
use super::{Arrival, Landed, Player, note};
use crate::cache::{Cause, Entry};
use crate::engine::flights::{FlightId, Purpose};
use crate::metrics::{Command, Incident, Observer, Outcome, OutcomeKind};
use crate::origin::Version;
use crate::strategy::guard::{Decision, Permit, Wanting};
use crate::strategy::refresh::{Copy, Wish};
use crate::strategy::ttl::Seen;
use crate::trace::ObjectId;
use crate::units::{SimDuration, SimTime};

impl Player {
    /// A request starts.
    pub(super) async fn request(self: Rc<Self>, arrival: Arrival) {
        self.note_lateness(arrival.at);
        match self.look(arrival.object).await {
            Ok(Some(entry)) => self.serve(arrival, entry).await,
            Ok(None) => {
                let cause = self.state().ledger.cause(arrival.object, self.now());
                // What few requests need is not part of what every one of them takes.
                Box::pin(self.begin(arrival, cause, None)).await;
            }
            Err(fault) => self.lost(arrival, &fault),
        }
        self.under_way.set(self.under_way.get() - 1);
    }

    /// GET: the copy that the server holds.
    async fn look(&self, object: ObjectId) -> Result<Option<Entry>, Fault> {
        let began = Instant::now();
        self.unanswered.set(self.unanswered.get() + 1);
        let copy = self.copy(object).await;
        self.unanswered.set(self.unanswered.get() - 1);
        let copy = copy?;
        let took = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        note(&mut self.state().gets, took);
        Ok(copy)
    }

    /// The server gave no answer: neither does the application.
    fn lost(&self, arrival: Arrival, fault: &Fault) {
        let now = self.now();
        self.note_fault(fault, now);
        self.tell(arrival, now, OutcomeKind::Error, None);
    }

    /// A copy is there: serve it, or fetch another one, or both.
    async fn serve(self: &Rc<Self>, arrival: Arrival, entry: Entry) {
        let Arrival { object, index, .. } = arrival;
        let Entry { stored_at, fresh_until, .. } = entry;
        let has_deadline = self.state().strategy.deadlines.is_some();
        // Where the key's own end is the only deadline, the server says whether it is over.
        let now = if has_deadline { self.now() } else { self.now().min(fresh_until) };
        let copy = Copy { object, now, stored_at, fresh_until };
        if copy.is_stale() && self.is_throttled(object, now) && self.is_servable(&entry, now) {
            self.state().strategy.refresh.on_other_read(object);
            let access = self.access(object, None);
            self.tell(arrival, now, OutcomeKind::StaleOnError, Some(entry.version));
            return self.note_access(object, access).await;
        }
        let wish = self.state().strategy.refresh.on_copy(&copy);
        match wish {
            Wish::Serve => {}
            Wish::ServeAndRefresh => {
                let kind = if copy.is_stale() { OutcomeKind::StaleHit } else { OutcomeKind::FreshHit };
                let node = self.client.node(self.routing, index, object);
                let trip = Trip { object, node, purpose: Purpose::Refresh, trigger: kind, index };
                let (player, version) = (Rc::clone(self), entry.version);
                spawn_local(async move { player.refresh(trip, version).await });
            }
            Wish::Fetch => return Box::pin(self.begin(arrival, Cause::Expired, Some(entry))).await,
            Wish::RewriteAndFetch(until) => {
                let until = until.max(entry.expires_at);
                if self.set_deadline(object, fresh_until, until, now).await {
                    self.state().recorder.rewritten(self.trace.objects().size(object), now);
                }
                return Box::pin(self.begin(arrival, Cause::Expired, Some(entry))).await;
            }
        }
        // A request moves the TTL of a rule that steers it, and is itself ruled by the one before: so all is decided
        // before its outcome is told. What is sent then nobody waits for.
        if copy.is_stale() {
            let access = self.access(object, None);
            self.tell(arrival, self.now(), OutcomeKind::StaleHit, Some(entry.version));
            return self.note_access(object, access).await;
        }
        let touch = self.touch(object, &entry, now);
        let access = self.access(object, touch.is_none().then_some(false));
        self.tell(arrival, self.now(), OutcomeKind::FreshHit, Some(entry.version));
        if let Some((fresh_until, expires_at)) = touch
            && self.set_deadline(object, fresh_until, expires_at, now).await
        {
            self.state().recorder.touched(self.trace.objects().size(object), now);
        }
        self.note_access(object, access).await;
    }

    /// The new deadlines of a fresh entry that is read, if the rule sets them anew.
    fn touch(&self, object: ObjectId, entry: &Entry, now: SimTime) -> Option<(SimTime, SimTime)> {
        let mut state = self.state();
        if !state.strategy.ttl.follows_reads() {
            return None;
        }
        let fill = self.fill(object, now);
        let fresh_until = state.strategy.ttl.touched(&fill, entry.stored_at, entry.fresh_until)?;
        Some((fresh_until, state.strategy.keep_until(now, fresh_until)))
    }

    /// PEXPIRE (or PERSIST) of a key that was there; whether it still was.
    pub(super) async fn set_deadline(
        &self,
        object: ObjectId,
        fresh_until: SimTime,
        expires_at: SimTime,
        now: SimTime,
    ) -> bool {
        let ttl = (expires_at != SimTime::NEVER).then(|| self.clock.real(expires_at.since(now)));
        match self.set_ttl(&self.key(object), ttl, fresh_until).await {
            Ok(Written::Yes) => self.state().ledger.expire(object, fresh_until, expires_at),
            Ok(_) => return expires_at == SimTime::NEVER,
            Err(fault) => {
                self.note_fault(&fault, now);
                return false;
            }
        }
        true
    }

    /// A request wants a fetch.
    async fn begin(self: &Rc<Self>, arrival: Arrival, cause: Cause, copy: Option<Entry>) {
        if copy.is_none() {
            self.state().strategy.refresh.on_other_read(arrival.object);
        }
        let node = self.client.node(self.routing, arrival.index, arrival.object);
        if self.client.retries > 0 {
            self.state().budget.earn(node);
        }
        let mut waiter = Waiter::first(arrival, node, cause, copy);
        while let Some(next) = self.want(waiter).await {
            waiter = next;
        }
    }

    /// A request wants a fetch: the guard says what it may do. What it is when it looks again, or `None` when it
    /// has its outcome.
    async fn want(self: &Rc<Self>, mut waiter: Waiter) -> Option<Waiter> {
        let Waiter { arrival: Arrival { object, index, .. }, node, copy, since, .. } = waiter;
        let now = self.now();
        // A server that stalls may have taken all the patience there was: the origin is not asked for who has left.
        if self.client.gives_up(since, now) {
            return self.gave_up(waiter, now).await;
        }
        if !self.may_fetch(node, now) {
            return self.fall_back(&waiter, now).await;
        }
        let served_for = self.state().strategy.guard.serves_for();
        let has_copy = copy.is_some_and(|entry| now <= entry.fresh_until + served_for);
        let (permit, ticket) = match self.permit(object, node, has_copy, now.since(since)).await {
            Ok(permit) => permit,
            Err(fault) => {
                self.lost(waiter.arrival, &fault);
                return None;
            }
        };
        let now = self.now();
        if let Some(entry) = copy.filter(|entry| now <= entry.fresh_until)
            && !matches!(permit, Permit::Fetch | Permit::FetchAsHolder)
        {
            return self.finish(&waiter, OutcomeKind::FreshHit, Some(entry.version)).await;
        }
        let flight = match permit {
            Permit::Fetch | Permit::FetchAsHolder => {
                waiter.leads = true;
                let trigger = OutcomeKind::Miss(waiter.cause);
                let trip = Trip { object, node, purpose: Purpose::Request, trigger, index };
                let holds = permit == Permit::FetchAsHolder;
                self.depart(trip, ticket, holds, now)
            }
            Permit::Join => {
                let latest = self.state().flights.latest(object, node);
                latest.expect("a guard joins only a flight that it was told of")
            }
            Permit::ServeStale => {
                let version = copy.map(|entry| entry.version);
                return self.finish(&waiter, OutcomeKind::StaleHit, version).await;
            }
            Permit::RetryAfter(pause) => {
                self.state().flights.poll(object);
                let paused = self.pause(&waiter, now + pause).await;
                self.state().flights.end_poll(object);
                return self.after_pause(waiter, paused).await;
            }
            Permit::Fail => return self.fail(waiter, now).await,
        };
        let wait = self.join(flight);
        if waiter.leads {
            self.ask(flight, index, copy.map(|entry| entry.version), now);
        }
        match self.wait(&waiter, flight, wait).await {
            Waited::Landed(Landed::Brought(version, stored)) => {
                let kind =
                    if waiter.leads { OutcomeKind::Miss(waiter.cause) } else { OutcomeKind::DelayedHit };
                self.finish_fetched(&waiter, kind, Some(version), waiter.leads && stored).await
            }
            Waited::Landed(Landed::Failed) => {
                let now = self.now();
                if self.client.share_errors || waiter.leads {
                    self.fail(waiter, now).await
                } else {
                    Some(waiter)
                }
            }
            Waited::GaveUp(end) => self.gave_up(waiter, end).await,
            Waited::ServedOld(end, entry) => self.served_old(&waiter, end, &entry).await,
        }
    }

    /// A pause before another look has ended.
    async fn after_pause(&self, waiter: Waiter, paused: Paused) -> Option<Waiter> {
        match paused {
            Paused::Over => self.look_again(waiter).await,
            Paused::GaveUp(end) => Box::pin(self.gave_up(waiter, end)).await,
            Paused::ServedOld(end, entry) => self.served_old(&waiter, end, &entry).await,
        }
    }

    /// A request that has waited long enough is served its old copy.
    async fn served_old(&self, waiter: &Waiter, end: SimTime, entry: &Entry) -> Option<Waiter> {
        let object = waiter.arrival.object;
        let access = if self.is_over(end) { None } else { self.access(object, None) };
        self.tell(waiter.arrival, end, OutcomeKind::StaleHit, Some(entry.version));
        self.note_access(object, access).await;
        None
    }

    /// Asks the guard on behalf of a request or a refresh; with the name it is known by. A guard whose keys
    /// lie in the cache is told what the cache says to SET NX.
    pub(super) async fn permit(
        &self,
        object: ObjectId,
        node: u32,
        has_copy: bool,
        waited: SimDuration,
    ) -> Result<(Permit, u64), Fault> {
        let ticket = {
            let mut state = self.state();
            state.tickets += 1;
            state.tickets
        };
        let took = match self.guard_key {
            None => None,
            Some(guard) => {
                let lock = self.keys.lock(&self.key(object));
                let set = self.link.set_absent(lock.as_bytes(), ticket, self.clock.real(guard.ttl)).await?;
                // Whoever cannot be told no fetches, as when the server has no room for a lock.
                Some(set != Written::No)
            }
        };
        let now = self.now();
        let mut state = self.state();
        let in_flight = state.flights.latest(object, node).is_some();
        let wanting = Wanting { object, now, ticket, in_flight, has_copy, waited };
        let Decision { permit, lock_commands } = match took {
            None => state.strategy.guard.admit(&wanting),
            Some(took) => state.strategy.guard.told(&wanting, took),
        };
        if lock_commands > 0 {
            state.recorder.sent(now, Command::Lock, lock_commands);
        }
        Ok((permit, ticket))
    }

    /// A request waits for a fetch from now on.
    fn join(&self, flight: FlightId) -> oneshot::Receiver<Landed> {
        let (sender, receiver) = oneshot::channel();
        let mut state = self.state();
        state.flights.enter(flight);
        state.waiting.entry(flight).or_default().push(sender);
        receiver
    }

    /// The patience of a request is over.
    async fn gave_up(&self, waiter: Waiter, end: SimTime) -> Option<Waiter> {
        {
            let mut state = self.state();
            state.recorder.incident(end, Incident::TimedOut);
            if waiter.leads {
                state.breakers.failed(waiter.node, end);
            }
        }
        self.fail(waiter, end).await
    }

    /// Looks again: the value may be there by now.
    async fn look_again(&self, mut waiter: Waiter) -> Option<Waiter> {
        let found = match self.look(waiter.arrival.object).await {
            Ok(found) => found,
            Err(fault) => {
                self.lost(waiter.arrival, &fault);
                return None;
            }
        };
        let now = self.now();
        self.state().recorder.sent(now, Command::Poll, 1);
        if let Some(entry) = found.filter(|entry| now <= entry.fresh_until) {
            return self.finish(&waiter, OutcomeKind::DelayedHit, Some(entry.version)).await;
        }
        waiter.copy = found.or(waiter.copy);
        Some(waiter)
    }

    /// An attempt has come to nothing: try again if that is allowed.
    async fn fail(&self, mut waiter: Waiter, now: SimTime) -> Option<Waiter> {
        if waiter.attempt >= self.client.retries || !self.state().budget.spend(waiter.node) {
            return self.fall_back(&waiter, now).await;
        }
        let draw = self.chance.unit(waiter.arrival.index as u64, u64::from(waiter.attempt));
        let pause = self.client.backs_off(waiter.attempt, draw);
        self.state().recorder.incident(now, Incident::Retried);
        self.sleep_through(self.now() + pause).await;
        (waiter.attempt, waiter.leads, waiter.since) = (waiter.attempt + 1, false, self.now());
        let paused = self.pause(&waiter, waiter.since).await;
        self.after_pause(waiter, paused).await
    }

    /// There will be no new value: serve an old one if that is allowed.
    async fn fall_back(&self, waiter: &Waiter, now: SimTime) -> Option<Waiter> {
        match waiter.copy.filter(|entry| now <= entry.fresh_until || self.is_servable(entry, now)) {
            Some(entry) if now <= entry.fresh_until => {
                self.finish(waiter, OutcomeKind::FreshHit, Some(entry.version)).await
            }
            Some(entry) => {
                self.throttle(waiter.arrival.object, now);
                self.finish(waiter, OutcomeKind::StaleOnError, Some(entry.version)).await
            }
            None => {
                self.tell(waiter.arrival, now, OutcomeKind::Error, None);
                None
            }
        }
    }

    /// Whether an old value may be served because there is no new one.
    pub(super) fn is_servable(&self, entry: &Entry, now: SimTime) -> bool {
        self.state().strategy.fail_safe.is_some_and(|safe| now <= entry.fresh_until + safe.window)
    }

    fn is_throttled(&self, object: ObjectId, now: SimTime) -> bool {
        self.state().throttled.get(&object).is_some_and(|until| now <= *until)
    }

    /// A fetch has failed: for a while the old value is served without asking the origin.
    pub(super) fn throttle(&self, object: ObjectId, now: SimTime) {
        let mut state = self.state();
        if let Some(safe) = state.strategy.fail_safe.filter(|safe| !safe.throttle.is_zero()) {
            state.throttled.insert(object, now + safe.throttle);
        }
    }

    /// A request that has waited is answered.
    async fn finish(&self, waiter: &Waiter, kind: OutcomeKind, version: Option<Version>) -> Option<Waiter> {
        self.finish_fetched(waiter, kind, version, false).await
    }

    /// The same for one that may have `stored` the value itself.
    async fn finish_fetched(
        &self,
        waiter: &Waiter,
        kind: OutcomeKind,
        version: Option<Version>,
        stored: bool,
    ) -> Option<Waiter> {
        let (now, object) = (self.now(), waiter.arrival.object);
        let is_fresh = matches!(kind, OutcomeKind::Miss(_) | OutcomeKind::DelayedHit | OutcomeKind::FreshHit);
        let is_noted = version.is_some() && !self.is_over(now);
        let access = if is_noted { self.access(object, is_fresh.then_some(stored)) } else { None };
        self.tell(waiter.arrival, now, kind, version);
        self.note_access(object, access).await;
        None
    }

    /// Tells of the outcome of a request; its wait counts from the instant at which it was meant to start.
    fn tell(&self, arrival: Arrival, now: SimTime, kind: OutcomeKind, version: Option<Version>) {
        let Arrival { index, at, object } = arrival;
        let mut state = self.state();
        // Since when a version of a real origin has been out of date nobody knows.
        let known = version.filter(|_| self.http.is_none());
        let outdated = known.and_then(|version| state.origin.outdated_since(object, version, now));
        let fact = self.trace.objects().fact(object);
        #[expect(clippy::cast_possible_truncation, reason = "documented as the place modulo 2^32")]
        let request = index as u32;
        state.recorder.observe(&Outcome {
            at,
            wait: now.since(at),
            request,
            object,
            size: fact.size,
            class: fact.class,
            kind,
            stale_for: outdated.map(|since| now.since(since)),
        });
        if state.strategy.ttl.wants_requests() {
            let saw = kind.seen();
            state.strategy.ttl.on_request(&Seen { at: now, object, class: fact.class, size: fact.size, saw });
        }
    }
}
