//! The life of a fetch: asked of the origin, queued or thrown out, served, answered and stored.

use super::guard::May;
use super::origin::Admitted;
use super::store::Value;
use super::ttl::{Told, part};
use super::world::{Asker, Event, Waits, World};
use super::{Deserted, Duplicate, Kind, LateFill, Regeneration, Soft};

/// Why a fetch was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Request,
    Refresh,
    Job,
}

/// A fetch, from its asking to its end.
#[expect(clippy::struct_excessive_bools, reason = "each says one thing of a fetch")]
pub(super) struct Fetch {
    pub(super) object: usize,
    pub(super) node: usize,
    pub(super) asked: u64,
    pub(super) nth: u64,
    pub(super) purpose: Purpose,
    pub(super) ticket: u64,
    pub(super) holds: bool,
    pub(super) dies: bool,
    /// The version that was at hand and is to be confirmed.
    pub(super) known: Option<usize>,
    /// When a server took it up and when it ends, once that is known.
    pub(super) dated: u64,
    pub(super) done: Option<u64>,
    pub(super) version: usize,
    pub(super) fails: bool,
    pub(super) over: bool,
}

impl World<'_> {
    /// The latest fetch in flight of an object that a node asked for.
    pub(super) fn latest(&self, object: usize, node: usize) -> Option<usize> {
        let alike = |fetch: &Fetch| !fetch.over && fetch.object == object && fetch.node == node;
        self.fetches.iter().rposition(alike)
    }

    /// Fetches while nobody waits, if the guard allows it; whether it did.
    pub(super) fn fetch_behind(
        &mut self,
        object: usize,
        node: usize,
        now: u64,
        purpose: Purpose,
        known: Option<usize>,
    ) -> bool {
        if !self.breaker_lets(node, now) {
            return false;
        }
        let (May::Fetch { holds }, ticket) = self.may(object, node, now, true, 0) else { return false };
        let fetch = self.depart(object, node, now, purpose, ticket, holds);
        self.ask(fetch, known, now);
        true
    }

    /// Whether the breaker of a node lets it fetch.
    pub(super) fn breaker_lets(&mut self, node: usize, now: u64) -> bool {
        let lets = self.breakers.lets(node, now);
        self.totals.broken += u64::from(!lets);
        lets
    }

    pub(super) fn depart(
        &mut self,
        object: usize,
        node: usize,
        now: u64,
        purpose: Purpose,
        ticket: u64,
        holds: bool,
    ) -> usize {
        let (_, size, in_flight) = self.open.entry(object).or_insert((now, 0, 0));
        (*size, *in_flight) = (*size + 1, *in_flight + 1);
        let dies = self.config.fate.dies(object, ticket);
        let (nth, known, done, version) = (0, None, None, 0);
        let (fails, over, dated) = (false, false, 0);
        self.fetches.push(Fetch {
            object,
            node,
            asked: now,
            nth,
            purpose,
            ticket,
            holds,
            dies,
            known,
            dated,
            done,
            version,
            fails,
            over,
        });
        self.fetches.len() - 1
    }

    /// Asks the origin.
    pub(super) fn ask(&mut self, number: usize, known: Option<usize>, now: u64) {
        let object = self.fetches[number].object;
        let background = self.fetches[number].purpose != Purpose::Request;
        if !self.is_over() {
            self.totals.fetches += 1;
            self.totals.refreshes += u64::from(background);
        }
        let nth = self.asked_before.entry(object).or_insert(0);
        self.fetches[number].nth = *nth;
        *nth += 1;
        self.fetches[number].known = known.filter(|_| self.config.conditional.is_some());
        self.breakers.fetches(self.fetches[number].node);
        self.rule.loaded(now, true);
        let patience = self.config.timeout.filter(|_| !background).map_or(u64::MAX, |timeout| now + timeout);
        match self.door.knock(number, patience) {
            Admitted::Served => self.serve(number, now),
            Admitted::Waits => {}
            Admitted::Shed(other) => self.shed(other, now),
        }
    }

    /// A server takes a fetch up.
    pub(super) fn serve(&mut self, number: usize, now: u64) {
        let Fetch { object, nth, known, .. } = self.fetches[number];
        let version = self.version(object, now);
        let mut latency = self.config.fate.latency(object, nth);
        if let Some(conditional) = self.config.conditional.filter(|_| known == Some(version)) {
            latency = part(latency, conditional.cost);
        }
        let (latency, fails) = self.struck(object, nth, now, latency);
        let fetch = &mut self.fetches[number];
        (fetch.version, fetch.dated, fetch.fails) = (version, now, fails);
        fetch.done = Some(now + latency);
        self.schedule(now + latency, Event::Done(number));
    }

    /// How often an object has changed.
    pub(super) fn version(&self, object: usize, at: u64) -> usize {
        self.config.fate.changes(object).iter().filter(|change| **change <= at).count()
    }

    pub(super) fn shed(&mut self, number: usize, now: u64) {
        self.totals.shed += 1;
        self.end(number, now, false);
        self.fetch_failed(number, now);
    }

    /// A server is free.
    pub(super) fn free_server(&mut self, now: u64) {
        let (next, in_vain) = self.door.next(now);
        if let Some(next) = next {
            // Where patience ran out, a server is free as of an instant ago; nothing is served before it is asked.
            self.serve(next, now.max(self.fetches[next].asked));
        }
        // The last to be thrown out learns of it first.
        in_vain.into_iter().rev().for_each(|fetch| self.shed(fetch, now));
    }

    /// A fetch is no longer in flight.
    pub(super) fn end(&mut self, number: usize, now: u64, died: bool) {
        self.rule.loaded(now, false);
        let fetch = &mut self.fetches[number];
        fetch.over = true;
        let Fetch { object, ticket, holds, asked, .. } = *fetch;
        if holds {
            self.gate.over(object, (ticket, asked), now, died);
        }
        let (start, size, in_flight) = self.open.get_mut(&object).expect("it was in flight");
        *in_flight -= 1;
        if *in_flight == 0 {
            self.regenerations.push(Regeneration { object, start: *start, end: now, size: *size });
            self.open.remove(&object);
        }
    }

    pub(super) fn fetch_done(&mut self, number: usize, now: u64) {
        if self.fetches[number].over {
            return;
        }
        let Fetch { object, asked, purpose, dies, fails, .. } = self.fetches[number];
        self.end(number, now, dies);
        self.free_server(now);
        if dies {
            self.breakers.failed(self.fetches[number].node, now);
            self.totals.crashes += 1;
            self.release(number, |world, asker| world.finish_asker(asker, now, Kind::Error, None));
            return self.after_background(number, now, false);
        }
        if fails {
            return self.fetch_failed(number, now);
        }
        self.negative.remove(&object);
        self.throttled.remove(&object);
        let late =
            purpose == Purpose::Request && self.config.timeout.is_some_and(|timeout| now - asked > timeout);
        if !late {
            self.breakers.succeeded(self.fetches[number].node);
        }
        let wrote = !(late && self.config.late_fill == LateFill::Discard) && self.fill(number, now);
        let version = self.fetches[number].version;
        self.release(number, |world, asker| {
            let Asker { leads, cause, .. } = world.askers[asker];
            let kind = if leads { Kind::Miss(cause) } else { Kind::DelayedHit };
            world.finish_fetched(asker, now, kind, Some(version), leads && wrote);
        });
        self.after_background(number, now, true);
    }

    pub(super) fn fetch_failed(&mut self, number: usize, now: u64) {
        let Fetch { object, node, asked, purpose, .. } = self.fetches[number];
        let background = purpose != Purpose::Request;
        // Of what came too late its node has given up before.
        if background || self.config.timeout.is_none_or(|timeout| now - asked <= timeout) {
            self.breakers.failed(node, now);
        }
        if background {
            self.throttle(object, now);
        }
        self.release(number, |world, asker| {
            if world.config.failures.share_errors || world.askers[asker].leads {
                world.fail(asker, now);
            } else {
                world.want(asker, now);
            }
        });
        self.after_background(number, now, false);
    }

    /// Deals with each of those that waited for a fetch, in the order in which they joined.
    pub(super) fn release(&mut self, number: usize, deal: impl Fn(&mut Self, usize)) {
        let waits = |asker: &usize| self.askers[*asker].waits == Waits::For(number);
        let mut party: Vec<usize> = (0..self.askers.len()).filter(waits).collect();
        party.sort_by_key(|asker| self.askers[*asker].joined);
        party.iter().for_each(|asker| self.askers[*asker].waits = Waits::Nothing);
        party.into_iter().for_each(|asker| deal(self, asker));
    }

    pub(super) fn after_background(&mut self, number: usize, now: u64, brought: bool) {
        let Fetch { object, purpose, .. } = self.fetches[number];
        if purpose != Purpose::Request && !brought {
            self.policy.failed(object);
        }
        if purpose == Purpose::Job && !self.is_over() {
            let held = self.store.peek(object, now).is_some();
            self.policy.job_done(object, now, held);
            self.run_jobs(now);
        }
    }

    /// Nobody waits for a fetch any more.
    pub(super) fn desert(&mut self, number: usize, now: u64) {
        if self.fetches[number].purpose != Purpose::Request || self.fetches[number].over {
            return;
        }
        let deserted = self.config.failures.deserted;
        if self.fetches[number].done.is_none() {
            if deserted == Deserted::RunsOn || !self.door.withdraw(number) {
                return;
            }
            self.end(number, now, false);
        } else {
            if deserted != Deserted::IsCut {
                return;
            }
            self.end(number, now, false);
            self.free_server(now);
        }
        self.totals.cancelled += 1;
    }

    /// Stores what a fetch brought; whether it came to that.
    pub(super) fn fill(&mut self, number: usize, now: u64) -> bool {
        let Fetch { object, asked, version, dated, .. } = self.fetches[number];
        if !self.gate.lets_store(object, asked) {
            return false;
        }
        let held = self.peek(object, now);
        let dropped = held.is_some_and(|held| match self.config.failures.duplicate {
            Duplicate::Overwrites => false,
            Duplicate::IsDropped => held.stored_at > asked,
            Duplicate::IsDroppedIfOlder => held.version > version,
        });
        if dropped {
            return false;
        }
        let made = self
            .config
            .fate
            .ever_changes()
            .then(|| version.checked_sub(1).map_or(0, |last| self.config.fate.changes(object)[last]));
        let known = self.fetches[number].known == Some(version);
        let told = Told { took: now - asked, confirmed: known, dated, version, made };
        let fresh_until = self.rule.fresh_until(object, self.images.sizes[object], now, Some(told));
        let live_until = self.keep_until(now, fresh_until);
        let value = Value { stored_at: now, fresh_until, live_until, version };
        if let Some(after_end) = &mut self.after_end {
            after_end.insert(object, value);
            return true;
        }
        // What is confirmed gets a new deadline, whichever version is there by now; unless the deadline is inside the
        // value, where only the confirmed body can be written with it.
        let own_body = self.config.soft == Soft::Inside && self.has_two_deadlines();
        let confirmed = held.filter(|_| known).filter(|held| !own_body || held.version == version);
        let written = match confirmed {
            Some(held) => self.store.confirm(object, Value { version: held.version, ..value }),
            None => self.store.set(object, value),
        };
        if written.is_some() {
            self.deadline_written();
        }
        if confirmed.is_some() {
            self.totals.touches += 1;
            self.totals.moved_bytes += self.images.sizes[object];
        }
        self.policy.stored(object, now, (!known).then_some(now - asked));
        self.schedule_job(now);
        written == Some(true)
    }

    /// The live value, if there is one.
    pub(super) fn peek(&self, object: usize, now: u64) -> Option<Value> {
        let since = self.after_end.as_ref().and_then(|since| since.get(&object));
        since.copied().or_else(|| self.store.peek(object, now)).filter(|value| now <= value.live_until)
    }
}
