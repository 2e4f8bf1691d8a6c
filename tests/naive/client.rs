//! What a request does that was not answered at once.

use super::fetch::Purpose;
use super::guard::May;
use super::store::Value;
use super::world::{Waits, World};
use super::{Deserted, Kind};

impl World<'_> {
    /// A request wants a fetch.
    pub(super) fn want(&mut self, asker: usize, now: u64) {
        let of = &self.askers[asker];
        let (object, node, since, copy) = (of.object, of.node, of.since, of.copy);
        if self.negative.get(&object).is_some_and(|until| now <= *until) && !self.is_away(object, now) {
            self.totals.negative_served += 1;
            return self.fall_back(asker, now);
        }
        if !self.breaker_lets(node, now) {
            return self.fall_back(asker, now);
        }
        let overdue = copy.map(|copy| now.saturating_sub(copy.fresh_until));
        let servable = overdue.is_some_and(|overdue| self.config.guard.serves(overdue));
        let (may, ticket) = self.may(object, node, now, servable, now - since);
        // Who has a fresh copy in hand waits for nobody.
        if let Some(copy) = copy.filter(|copy| now <= copy.fresh_until)
            && !matches!(may, May::Fetch { .. })
        {
            return self.finish_asker(asker, now, Kind::FreshHit, Some(copy.version));
        }
        let attempt = self.askers[asker].attempt;
        match may {
            May::Fetch { holds } => {
                let fetch = self.depart(object, node, now, Purpose::Request, ticket, holds);
                self.askers[asker].leads = true;
                self.join(asker, fetch);
                self.ask(fetch, copy.map(|copy| copy.version), now);
            }
            May::Join => {
                let fetch = self.latest(object, node).expect("there is one to join");
                self.join(asker, fetch);
            }
            May::ServeStale => {
                return self.finish_asker(asker, now, Kind::StaleHit, copy.map(|copy| copy.version));
            }
            May::LookAgainIn(pause) => {
                self.askers[asker].waits = Waits::Looks;
                self.wake_at(now + pause, asker);
            }
            May::Fail => return self.fail(asker, now),
        }
        let of = &self.askers[asker];
        if of.waits != Waits::Answered && of.attempt == attempt {
            self.watch(asker, now);
        }
    }

    /// A request waits for a fetch from now on.
    fn join(&mut self, asker: usize, fetch: usize) {
        self.joined += 1;
        (self.askers[asker].waits, self.askers[asker].joined) = (Waits::For(fetch), self.joined);
    }

    /// Schedules the end of its patience, unless it is known to be answered before.
    fn watch(&mut self, asker: usize, now: u64) {
        let of = &self.askers[asker];
        let done = if let Waits::For(fetch) = of.waits { self.fetches[fetch].done } else { None };
        let in_time = |end: u64| done.is_some_and(|done| done <= end);
        let (since, has_copy) = (of.since, of.copy.is_some());
        let hard = self.config.timeout.filter(|_| !of.watched).map(|timeout| since + timeout);
        if let Some(end) = hard.filter(|end| !in_time(*end)) {
            self.askers[asker].watched = true;
            self.give_up_at(end + 1, asker);
        }
        let soft = self.config.fail_safe.and_then(|safe| safe.soft).filter(|_| has_copy);
        if let Some(end) = soft.map(|soft| now.max(since + soft)).filter(|end| !in_time(*end)) {
            self.soft_timeout_at(end + 1, asker);
        }
    }

    /// A request looks whether the value is there by now, or tries again.
    pub(super) fn look_again(&mut self, asker: usize, now: u64) {
        let object = self.askers[asker].object;
        if self.askers[asker].waits == Waits::Pauses {
            self.askers[asker].since = now;
        }
        self.askers[asker].waits = Waits::Nothing;
        self.totals.polls += 1;
        self.deadline_read(now);
        let found = if self.is_over() { self.peek(object, now) } else { self.store.get(object, now).ok() };
        if let Some(value) = found.filter(|value| now <= value.fresh_until) {
            return self.finish_asker(asker, now, Kind::DelayedHit, Some(value.version));
        }
        if found.is_some() {
            self.askers[asker].copy = found;
        }
        self.want(asker, now);
    }

    /// The patience of a request ended just before.
    pub(super) fn give_up(&mut self, asker: usize, now: u64) {
        let end = now - 1;
        self.totals.timeouts += 1;
        if self.askers[asker].leads {
            self.breakers.failed(self.askers[asker].node, end);
        }
        let deserted = self.part(asker);
        self.fail(asker, end);
        if let Some(fetch) = deserted.filter(|_| self.config.failures.deserted != Deserted::RunsOn) {
            self.desert(fetch, end);
        }
    }

    /// A request has waited long enough for a new value: it takes the old one.
    pub(super) fn serve_old(&mut self, asker: usize, now: u64) {
        let copy = self.askers[asker].copy.filter(|copy| self.is_servable(copy, now));
        if let Some(copy) = copy {
            self.part(asker);
            self.finish_asker(asker, now - 1, Kind::StaleHit, Some(copy.version));
        }
    }

    /// A request no longer waits; the fetch that nobody waits for any more.
    fn part(&mut self, asker: usize) -> Option<usize> {
        let waits = std::mem::replace(&mut self.askers[asker].waits, Waits::Nothing);
        let Waits::For(fetch) = waits else { return None };
        self.askers.iter().all(|other| other.waits != waits).then_some(fetch)
    }

    /// An attempt has come to nothing.
    pub(super) fn fail(&mut self, asker: usize, now: u64) {
        let failures = self.config.failures;
        let of = &self.askers[asker];
        let (object, node, attempt, leads, request) = (of.object, of.node, of.attempt, of.leads, of.request);
        if attempt >= failures.retries || !self.spend(node) {
            let remembered = self.negative.get(&object).is_some_and(|until| now <= *until);
            if leads && failures.negative > 0 && !remembered && !self.is_away(object, now) {
                self.negative.insert(object, now + failures.negative);
                self.totals.errors_stored += 1;
            }
            return self.fall_back(asker, now);
        }
        let (scale, most) = failures.backoff;
        let doubled = scale.saturating_mul(1 << attempt).min(most);
        let pause = super::ttl::part(doubled, self.config.fate.backoff(request, attempt)).max(1);
        let of = &mut self.askers[asker];
        (of.attempt, of.watched, of.leads, of.waits) = (attempt + 1, false, false, Waits::Pauses);
        self.totals.retries += 1;
        self.wake_at(now + pause, asker);
    }

    /// Whether a node can pay for a retry.
    fn spend(&mut self, node: usize) -> bool {
        if self.config.failures.budget.is_none() {
            return true;
        }
        let saved = self.saved.entry(node).or_insert(0.0);
        let enough = *saved >= 1.0;
        *saved -= if enough { 1.0 } else { 0.0 };
        enough
    }

    /// There is no new value.
    fn fall_back(&mut self, asker: usize, now: u64) {
        let object = self.askers[asker].object;
        match self.askers[asker].copy {
            Some(copy) if now <= copy.fresh_until => {
                self.finish_asker(asker, now, Kind::FreshHit, Some(copy.version));
            }
            Some(copy) if self.is_servable(&copy, now) => {
                self.throttle(object, now);
                self.finish_asker(asker, now, Kind::StaleOnError, Some(copy.version));
            }
            _ => self.finish_asker(asker, now, Kind::Error, None),
        }
    }

    /// Whether an old value may be served for want of a new one.
    pub(super) fn is_servable(&self, copy: &Value, now: u64) -> bool {
        self.config.fail_safe.is_some_and(|safe| now <= copy.fresh_until.saturating_add(safe.window))
    }

    pub(super) fn throttle(&mut self, object: usize, now: u64) {
        if let Some(safe) = self.config.fail_safe.filter(|safe| safe.throttle > 0) {
            self.throttled.insert(object, now + safe.throttle);
        }
    }

    /// A request that waited is answered, and has stored nothing.
    pub(super) fn finish_asker(&mut self, asker: usize, now: u64, kind: Kind, version: Option<usize>) {
        self.finish_fetched(asker, now, kind, version, false);
    }

    /// A request that waited is answered; whether it has stored the value itself.
    pub(super) fn finish_fetched(
        &mut self,
        asker: usize,
        now: u64,
        kind: Kind,
        version: Option<usize>,
        stored: bool,
    ) {
        self.askers[asker].waits = Waits::Answered;
        let of = &self.askers[asker];
        let (request, object, at) = (of.request, of.object, of.at);
        if version.is_some() && !self.is_over() {
            let fresh = matches!(kind, Kind::Miss(_) | Kind::DelayedHit | Kind::FreshHit);
            self.accessed(object, now, fresh, stored);
        }
        self.answer(request, object, at, now, kind, version);
    }
}
