//! The life of a request: a look at the cache, and all that may follow until it has its outcome.

use super::flights::{FlightId, Purpose};
use super::teller::Teller;
use super::waiting::{Waiter, WaiterId, Waits};
use super::{Arrival, Event, Run};
use crate::cache::redis::{Kind, SetAbsent};
use crate::cache::{Cause, Entry, Lookup};
use crate::client::OnTimeout;
use crate::metrics::{Command, Incident, Observer, OutcomeKind};
use crate::origin::Version;
use crate::strategy::SoftExpiry;
use crate::strategy::guard::{Decision, Permit, Wanting};
use crate::strategy::refresh::{Copy, Wish};
use crate::trace::ObjectId;
use crate::units::{SimDuration, SimTime};

/// The first instant at which patience that lasts until `end` is over.
fn just_after(end: SimTime) -> SimTime {
    end + SimDuration::from_nanos(1)
}

impl<O: Observer> Run<'_, O> {
    /// A request arrives.
    #[inline]
    pub(super) fn arrive(&mut self, index: usize, at: SimTime, object: ObjectId) {
        self.latest = index;
        let arrival = Arrival { index, at, object };
        match self.look(object, at) {
            Lookup::Held(entry) => self.serve(arrival, &entry),
            Lookup::Absent(cause) => self.begin(arrival, cause, None),
        }
    }

    /// GET, and PTTL where that tells the deadline.
    #[inline]
    fn look(&mut self, object: ObjectId, at: SimTime) -> Lookup {
        let found = self.cache.get(object, at);
        if self.strategy.deadlines == Some(SoftExpiry::Pttl) {
            self.cache.asked(Kind::PTtl, object, &[], at);
        }
        found
    }

    /// A copy is there: serve it, or fetch another one, or both.
    #[inline]
    fn serve(&mut self, arrival: Arrival, entry: &Entry) {
        let Arrival { at, object, .. } = arrival;
        let Entry { stored_at, fresh_until, .. } = *entry;
        let copy = Copy { object, now: at, stored_at, fresh_until };
        if copy.is_stale() && self.is_throttled(object, at) && self.is_servable(entry, at) {
            self.strategy.refresh.on_other_read(object);
            self.note_access(object, at, None);
            return self.answer(arrival, at, OutcomeKind::StaleOnError, Some(entry.version));
        }
        match self.strategy.refresh.on_copy(&copy) {
            Wish::Serve => {}
            Wish::ServeAndRefresh => self.refresh(arrival, entry),
            Wish::Fetch => return self.begin(arrival, Cause::Expired, Some(*entry)),
            Wish::RewriteAndFetch(until) => {
                self.cache.expire(object, fresh_until, until.max(entry.expires_at), at);
                let size = self.trace.objects().size_of(object, entry.version.0);
                self.observer.rewritten(size, at);
                return self.begin(arrival, Cause::Expired, Some(*entry));
            }
        }
        if copy.is_stale() {
            self.note_access(object, at, None);
            return self.answer(arrival, at, OutcomeKind::StaleHit, Some(entry.version));
        }
        // A rule that sets the TTL itself knows better than the sweep, such as a greatest age.
        let expires = !self.touch(arrival, entry);
        self.note_access(object, at, expires.then_some(false));
        // Most requests end here, so that this one outcome has its own copy of what follows.
        self.tell(arrival, at, OutcomeKind::FreshHit, Some(entry.version));
    }

    /// Sets the TTL of a fresh entry anew, if the rule wants that; whether it did.
    #[inline]
    fn touch(&mut self, arrival: Arrival, entry: &Entry) -> bool {
        if !self.strategy.ttl.follows_reads() {
            return false;
        }
        let fill = self.fill(arrival.object, entry.version, arrival.at);
        let touched = self.strategy.ttl.touched(&fill, entry.stored_at, entry.fresh_until);
        let Some(fresh_until) = touched else { return false };
        let expires_at = self.strategy.keep_until(arrival.at, fresh_until);
        self.cache.expire(arrival.object, fresh_until, expires_at, arrival.at);
        self.observer.touched(fill.size, arrival.at);
        true
    }

    /// A request begins to want a fetch.
    fn begin(&mut self, arrival: Arrival, cause: Cause, copy: Option<Entry>) {
        if self.is_plain {
            return self.begin_plainly(arrival, cause);
        }
        if copy.is_none() {
            self.strategy.refresh.on_other_read(arrival.object);
        }
        let node = self.client.node(self.routing, arrival.index, arrival.object);
        if self.client.retries > 0 {
            self.budget.earn(node);
        }
        let id = self.waiting.insert(Waiter::first(arrival, node, cause, copy));
        self.want(id, arrival.at);
    }

    /// A request wants a fetch: the guard says what it may do.
    pub(super) fn want(&mut self, id: WaiterId, now: SimTime) {
        let waiter = *self.waiting.get(id);
        let Waiter { arrival: Arrival { object, index, .. }, node, copy, since, .. } = waiter;
        if self.negative.get(&object).is_some_and(|until| now <= *until)
            && !self.cache.is_out_of_reach(object, now)
        {
            self.observer.incident(now, Incident::NegativeServed);
            return self.fall_back(id, now);
        }
        if !self.may_fetch(node, now) {
            return self.fall_back(id, now);
        }
        let has_copy = copy.is_some_and(|entry| now <= entry.fresh_until + self.strategy.guard.serves_for());
        let (permit, ticket) = self.permit(object, node, now, has_copy, now.since(since));
        // Who has a fresh copy in hand waits for nobody.
        if let Some(entry) = copy.filter(|entry| now <= entry.fresh_until)
            && !matches!(permit, Permit::Fetch | Permit::FetchAsHolder)
        {
            return self.finish(id, now, OutcomeKind::FreshHit, Some(entry.version));
        }
        match permit {
            Permit::Fetch | Permit::FetchAsHolder => {
                let flying = self.flying(object, node, now, Purpose::Request, ticket, permit);
                let flight = self.flights.depart(flying, OutcomeKind::Miss(waiter.cause));
                self.waiting.get(id).leads = true;
                self.join(id, flight);
                self.ask(flight, index, copy.map(|entry| entry.version), now);
            }
            Permit::Join => match self.flights.latest(object, node) {
                Some(flight) => self.join(id, flight),
                None => unreachable!("a guard joins only a flight that it was told of"),
            },
            Permit::ServeStale => {
                let version = copy.map(|entry| entry.version);
                return self.finish(id, now, OutcomeKind::StaleHit, version);
            }
            Permit::RetryAfter(pause) => {
                self.waiting.get(id).wait.waits = Waits::Polling;
                self.flights.poll(object);
                self.queue.push(now + pause, Event::Wake(id));
            }
            Permit::Fail => return self.fail(id, now),
        }
        self.watch(id, now);
    }

    /// Asks the guard on behalf of a request or a refresh; with the name it is known by.
    pub(super) fn permit(
        &mut self,
        object: ObjectId,
        node: u32,
        now: SimTime,
        has_copy: bool,
        waited: SimDuration,
    ) -> (Permit, u64) {
        let ticket = self.tickets;
        self.tickets += 1;
        let in_flight = self.flights.latest(object, node).is_some();
        let wanting = Wanting { object, now, ticket, in_flight, has_copy, waited };
        if self.strategy.guard.is_in_cache() && self.cache.is_out_of_reach(object, now) {
            return (Permit::Fetch, ticket);
        }
        let decision = self.ask_guard(&wanting);
        if decision.lock_commands > 0 {
            self.observer.sent(now, Command::Lock, decision.lock_commands);
        }
        (decision.permit, ticket)
    }

    /// The guard decides by its keys, which lie in the cache. It knows of them itself, but for those that the cache evicted or
    /// had no room for; after the end of the run nothing more happens there.
    fn ask_guard(&mut self, wanting: &Wanting) -> Decision {
        let Self { strategy, cache, after_end, .. } = self;
        let guard = &mut strategy.guard;
        let Some(key) = guard.key_in_cache().filter(|_| after_end.is_none()) else {
            return guard.admit(wanting);
        };
        let Wanting { object, now, .. } = *wanting;
        match cache.set_absent(object, now + key.ttl, now) {
            None => guard.admit(wanting),
            Some(SetAbsent::There) => guard.told(wanting, false),
            // Whoever cannot be told no fetches.
            Some(SetAbsent::Refused) => guard.told(wanting, true),
            Some(SetAbsent::Taken) => {
                guard.missed(object);
                guard.admit(wanting)
            }
        }
    }

    /// A request waits for a fetch from now on.
    fn join(&mut self, id: WaiterId, flight: FlightId) {
        let waiter = self.waiting.get(id);
        waiter.wait.waits = Waits::For(flight);
        self.waiting.join(self.flights.party(flight), id);
        self.flights.enter(flight);
    }

    /// Schedules the end of a request's patience, unless it is known to be answered before.
    fn watch(&mut self, id: WaiterId, now: SimTime) {
        if self.client.timeout.is_none() && self.strategy.fail_safe.is_none() {
            return;
        }
        let Some(waiter) = self.waiting.current(id) else { return };
        let done = match waiter.wait.waits {
            Waits::For(flight) => {
                self.flights.current(flight).and_then(|flying| flying.fetch).map(|fetch| fetch.done)
            }
            _ => None,
        };
        let in_time = |end: SimTime| done.is_some_and(|done| done <= end);
        if !waiter.wait.watched
            && let Some(end) = self.client.patience(waiter.since).filter(|end| !in_time(*end))
        {
            self.queue.push(just_after(end), Event::GiveUp(id));
            self.waiting.get(id).wait.watched = true;
        }
        let soft =
            self.strategy.fail_safe.and_then(|safe| safe.soft_timeout).filter(|_| waiter.copy.is_some());
        // Who found an old copy only while it waited may have waited long enough already.
        let soft = soft.map(|span| (waiter.since + span).max(now));
        if let Some(end) = soft.filter(|end| !in_time(*end)) {
            self.queue.push(just_after(end), Event::SoftTimeout(id));
        }
    }

    /// A request looks again: the value may be there by now.
    pub(super) fn wake(&mut self, now: SimTime, id: WaiterId) {
        let Some(waiter) = self.waiting.current(id) else { return };
        let object = waiter.arrival.object;
        if waiter.wait.waits == Waits::Polling {
            self.flights.end_poll(object);
        } else {
            self.waiting.get(id).since = now;
        }
        self.waiting.get(id).wait.waits = Waits::Dealt;
        self.observer.sent(now, Command::Poll, 1);
        let found = self.look_again(object, now);
        if let Some(entry) = found.filter(|entry| now <= entry.fresh_until) {
            return self.finish(id, now, OutcomeKind::DelayedHit, Some(entry.version));
        }
        if found.is_some() {
            self.waiting.get(id).copy = found;
        }
        self.want(id, now);
    }

    /// What the cache holds now, for a request that has looked before.
    fn look_again(&mut self, object: ObjectId, now: SimTime) -> Option<Entry> {
        if self.is_over() {
            return self.peek(object, now);
        }
        match self.look(object, now) {
            Lookup::Held(entry) => Some(entry),
            Lookup::Absent(_) => None,
        }
    }

    /// The patience of a request is over.
    pub(super) fn give_up(&mut self, now: SimTime, id: WaiterId) {
        let Some(waiter) = self.waiting.current(id) else { return };
        let end = self.client.patience(waiter.since).unwrap_or(now);
        self.observer.incident(end, Incident::TimedOut);
        if waiter.leads {
            self.breakers.failed(waiter.node, end);
        }
        let deserted = self.part(id, &waiter);
        self.fail(id, end);
        if let Some(flight) = deserted.filter(|_| self.client.on_timeout != OnTimeout::Abandon) {
            self.call_off(flight, end);
        }
    }

    /// A request that has waited long enough, until just before `now`, is served its old copy; its fetch goes on.
    pub(super) fn serve_old(&mut self, now: SimTime, id: WaiterId) {
        let Some(waiter) = self.waiting.current(id) else { return };
        let Some(entry) = waiter.copy.filter(|entry| self.is_servable(entry, now)) else { return };
        self.part(id, &waiter);
        let end = SimTime::from_nanos(now.as_nanos() - 1);
        self.finish(id, end, OutcomeKind::StaleHit, Some(entry.version));
    }

    /// A request no longer waits for what it waited for; the fetch that nobody waits for any more.
    fn part(&mut self, id: WaiterId, waiter: &Waiter) -> Option<FlightId> {
        let object = waiter.arrival.object;
        self.waiting.get(id).wait.waits = Waits::Dealt;
        match waiter.wait.waits {
            Waits::For(flight) => {
                self.waiting.leave(self.flights.party(flight), id);
                self.flights.leave(flight);
                self.flights.party(flight).is_empty().then_some(flight)
            }
            Waits::Polling => {
                self.flights.end_poll(object);
                None
            }
            Waits::Dealt | Waits::BackingOff => None,
        }
    }

    /// An attempt has come to nothing: try again if that is allowed.
    pub(super) fn fail(&mut self, id: WaiterId, now: SimTime) {
        let waiter = *self.waiting.get(id);
        if waiter.attempt >= self.client.retries || !self.budget.spend(waiter.node) {
            if waiter.leads {
                self.remember_error(waiter.arrival.object, now);
            }
            return self.fall_back(id, now);
        }
        let draw = self.chance.unit(waiter.arrival.index as u64, u64::from(waiter.attempt));
        // At the end of its patience a request acts just after that instant, so a pause is never nothing.
        let pause = self.client.backs_off(waiter.attempt, draw).max(SimDuration::from_nanos(1));
        let id = self.waiting.next_attempt(id);
        let waiter = self.waiting.get(id);
        (waiter.attempt, waiter.wait.watched, waiter.leads) = (waiter.attempt + 1, false, false);
        waiter.wait.waits = Waits::BackingOff;
        self.observer.incident(now, Incident::Retried);
        self.queue.push(now + pause, Event::Wake(id));
    }

    /// There will be no new value: serve an old one if that is allowed.
    pub(super) fn fall_back(&mut self, id: WaiterId, now: SimTime) {
        let waiter = *self.waiting.get(id);
        match waiter.copy.filter(|entry| now <= entry.fresh_until || self.is_servable(entry, now)) {
            // It wanted a new one early.
            Some(entry) if now <= entry.fresh_until => {
                self.finish(id, now, OutcomeKind::FreshHit, Some(entry.version));
            }
            Some(entry) => {
                self.throttle(waiter.arrival.object, now);
                self.finish(id, now, OutcomeKind::StaleOnError, Some(entry.version));
            }
            None => self.finish(id, now, OutcomeKind::Error, None),
        }
    }

    /// Whether an old value may be served because there is no new one.
    fn is_servable(&self, entry: &Entry, now: SimTime) -> bool {
        self.strategy.fail_safe.is_some_and(|safe| now <= entry.fresh_until + safe.window)
    }

    /// Whether the old value is served for a while without asking the origin.
    fn is_throttled(&self, object: ObjectId, now: SimTime) -> bool {
        !self.throttled.is_empty() && self.throttled.get(&object).is_some_and(|until| now <= *until)
    }

    /// A fetch has failed: for a while the old value is served without asking the origin.
    pub(super) fn throttle(&mut self, object: ObjectId, now: SimTime) {
        if let Some(safe) = self.strategy.fail_safe.filter(|safe| !safe.throttle.is_zero()) {
            self.throttled.insert(object, now + safe.throttle);
        }
    }

    /// A waiting request is answered, which has stored nothing.
    pub(super) fn finish(&mut self, id: WaiterId, now: SimTime, kind: OutcomeKind, version: Option<Version>) {
        let arrival = self.waiting.remove(id).arrival;
        self.answer_waiting(arrival, now, kind, version, false);
    }

    /// A waiting request gets what a fetch brought; `stored` says whether it has stored that itself.
    pub(super) fn finish_fetched(
        &mut self,
        id: WaiterId,
        now: SimTime,
        kind: OutcomeKind,
        version: Version,
        stored: bool,
    ) {
        let arrival = self.waiting.remove(id).arrival;
        self.answer_waiting(arrival, now, kind, Some(version), stored);
    }

    /// A request that has waited is answered; `stored` says whether it has stored the value itself.
    pub(super) fn answer_waiting(
        &mut self,
        arrival: Arrival,
        now: SimTime,
        kind: OutcomeKind,
        version: Option<Version>,
        stored: bool,
    ) {
        if version.is_some() && !self.is_over() {
            let is_fresh =
                matches!(kind, OutcomeKind::Miss(_) | OutcomeKind::DelayedHit | OutcomeKind::FreshHit);
            self.note_access(arrival.object, now, is_fresh.then_some(stored));
        }
        self.answer(arrival, now, kind, version);
    }

    /// An access is noted where the application keeps a sweep.
    #[inline]
    fn note_access(&mut self, object: ObjectId, now: SimTime, fresh: Option<bool>) {
        if self.strategy.sweep.is_some() {
            self.accessed(object, now, fresh);
        }
    }

    /// A request has its outcome.
    fn answer(&mut self, arrival: Arrival, now: SimTime, kind: OutcomeKind, version: Option<Version>) {
        self.tell(arrival, now, kind, version);
    }

    /// Tells of the outcome of a request.
    #[expect(clippy::inline_always, reason = "of a known kind, half of it is known when it is compiled")]
    #[inline(always)]
    fn tell(&mut self, arrival: Arrival, now: SimTime, kind: OutcomeKind, version: Option<Version>) {
        let Run { observer, origin, trace, strategy, .. } = self;
        let mut teller = Teller { observer, origin, objects: trace.objects() };
        teller.answered(Some(&mut strategy.ttl), arrival, now, kind, version);
    }
}
