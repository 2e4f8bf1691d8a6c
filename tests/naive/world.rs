//! What happens when: requests, what is pending, fetches, jobs and the sweep.

use std::collections::BTreeMap;

use super::guard::{Gate, May, Wanting};
use super::origin::{Admitted, Door};
use super::refresh::{Policy, Wish};
use super::store::{Store, Value};
use super::sweep::Broom;
use super::ttl::{Rule, Told, part};
use super::{
    Cause, Config, Deserted, Duplicate, Kind, LateFill, Outcome, Regeneration, Request, Result, Totals,
};

/// Answers all requests: one outcome each, and the totals.
pub(crate) fn simulate(requests: &[Request], sizes: &[u64], config: &Config<'_>) -> Result {
    let jitter = |place, object, at| config.fate.jitter(place, object, at);
    let early = |object, at| config.fate.early(object, at);
    let mut world = World {
        config,
        sizes,
        store: Store::new(sizes, (config.capacity, config.eviction, config.reclaim), config.end.is_some()),
        after_end: None,
        rule: Rule::new(&config.ttl, &config.modifiers, &jitter),
        policy: Policy::new(config.refresh, &early),
        gate: Gate::new(config.guard),
        broom: config.sweep.map(Broom::new),
        door: Door::new(config.servers),
        askers: Vec::new(),
        fetches: Vec::new(),
        asked_before: BTreeMap::new(),
        pending: Vec::new(),
        scheduled: 0,
        negative: BTreeMap::new(),
        throttled: BTreeMap::new(),
        saved: BTreeMap::new(),
        tickets: 0,
        joined: 0,
        job_at: u64::MAX,
        outcomes: vec![None; requests.len()],
        open: BTreeMap::new(),
        regenerations: Vec::new(),
        totals: Totals::default(),
    };
    if let Some(next) = world.broom.as_ref().map(|broom| broom.next) {
        world.schedule(next, Event::Sweep);
    }
    for (index, request) in requests.iter().enumerate() {
        world.happen_until(request.at);
        world.store.bury(request.at);
        world.arrive(index, request);
    }
    world.happen_until(config.end.unwrap_or(u64::MAX));
    world.store.finish(config.end);
    world.after_end = Some(BTreeMap::new());
    world.happen_until(u64::MAX);
    world.finish()
}

/// What is pending.
#[derive(Debug, Clone, Copy)]
enum Event {
    Done(usize),
    Wake(usize, u32),
    GiveUp(usize, u32),
    Soft(usize, u32),
    Job,
    Sweep,
}

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
    nth: u64,
    purpose: Purpose,
    ticket: u64,
    holds: bool,
    dies: bool,
    /// The version that was at hand and is to be confirmed.
    known: Option<usize>,
    /// Known once a server has taken it up.
    pub(super) done: Option<u64>,
    version: usize,
    fails: bool,
    pub(super) over: bool,
}

/// What a request waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Waits {
    Nothing,
    For(usize),
    Looks,
    Pauses,
    Answered,
}

/// A request that was not answered at once.
pub(super) struct Asker {
    pub(super) request: usize,
    pub(super) at: u64,
    pub(super) object: usize,
    pub(super) node: usize,
    pub(super) cause: Cause,
    pub(super) copy: Option<Value>,
    /// When this attempt began, and how many there were before it.
    pub(super) since: u64,
    pub(super) attempt: u32,
    pub(super) watched: bool,
    pub(super) waits: Waits,
    /// Whether it started what it waits for.
    pub(super) leads: bool,
    /// How many had joined a fetch before it.
    pub(super) joined: u64,
}

pub(super) struct World<'a> {
    pub(super) config: &'a Config<'a>,
    sizes: &'a [u64],
    pub(super) store: Store<'a>,
    /// After the end, what would have been stored since.
    pub(super) after_end: Option<BTreeMap<usize, Value>>,
    rule: Rule<'a>,
    pub(super) policy: Policy<'a>,
    pub(super) gate: Gate,
    pub(super) broom: Option<Broom>,
    door: Door,
    pub(super) askers: Vec<Asker>,
    pub(super) fetches: Vec<Fetch>,
    asked_before: BTreeMap<usize, u64>,
    /// When, in which order scheduled, and what.
    pending: Vec<(u64, u64, Event)>,
    scheduled: u64,
    /// Until when an error is remembered, and an old value served without a fetch.
    pub(super) negative: BTreeMap<usize, u64>,
    pub(super) throttled: BTreeMap<usize, u64>,
    /// Retries that each node has saved.
    pub(super) saved: BTreeMap<usize, f64>,
    tickets: u64,
    pub(super) joined: u64,
    job_at: u64,
    outcomes: Vec<Option<Outcome>>,
    /// Of objects with fetches in flight: since when, how many began, how many are in flight.
    open: BTreeMap<usize, (u64, u64, u64)>,
    regenerations: Vec<Regeneration>,
    pub(super) totals: Totals,
}

impl World<'_> {
    fn schedule(&mut self, at: u64, event: Event) {
        self.pending.push((at, self.scheduled, event));
        self.scheduled += 1;
    }

    pub(super) fn wake_at(&mut self, at: u64, asker: usize) {
        let attempt = self.askers[asker].attempt;
        self.schedule(at, Event::Wake(asker, attempt));
    }

    pub(super) fn give_up_at(&mut self, at: u64, asker: usize) {
        let attempt = self.askers[asker].attempt;
        self.schedule(at, Event::GiveUp(asker, attempt));
    }

    pub(super) fn soft_timeout_at(&mut self, at: u64, asker: usize) {
        let attempt = self.askers[asker].attempt;
        self.schedule(at, Event::Soft(asker, attempt));
    }

    pub(super) fn is_over(&self) -> bool {
        self.after_end.is_some()
    }

    /// Lets everything happen that is due at `now` or before, by time and then as it was scheduled.
    fn happen_until(&mut self, now: u64) {
        loop {
            let due = (0..self.pending.len()).filter(|&i| self.pending[i].0 <= now);
            let Some(next) = due.min_by_key(|&i| (self.pending[i].0, self.pending[i].1)) else { return };
            let (at, _, event) = self.pending.remove(next);
            if !self.is_over() {
                // The end of patience comes just after its last instant, but what it does counts as of that.
                let early = matches!(event, Event::GiveUp(..) | Event::Soft(..));
                self.store.bury(at - u64::from(early));
            }
            match event {
                Event::Done(fetch) => self.fetch_done(fetch, at),
                Event::Wake(asker, attempt) if self.means(asker, attempt) => self.look_again(asker, at),
                Event::GiveUp(asker, attempt) if self.means(asker, attempt) => self.give_up(asker, at),
                Event::Soft(asker, attempt) if self.means(asker, attempt) => self.serve_old(asker, at),
                Event::Job if !self.is_over() => self.run_jobs(at),
                Event::Sweep if !self.is_over() => self.sweep(at),
                _ => {}
            }
        }
    }

    /// Whether an event still means this attempt of a request.
    fn means(&self, asker: usize, attempt: u32) -> bool {
        let asker = &self.askers[asker];
        asker.waits != Waits::Answered && asker.attempt == attempt
    }

    fn arrive(&mut self, index: usize, request: &Request) {
        let Request { at: now, object, node } = *request;
        let copy = match self.store.get(object, now) {
            Ok(copy) => copy,
            Err(cause) => return self.begin(index, request, cause, None),
        };
        let stale = now > copy.fresh_until;
        let throttled = self.throttled.get(&object).is_some_and(|until| now <= *until);
        if stale && throttled && self.is_servable(&copy, now) {
            return self.answer(index, object, now, now, Kind::StaleOnError, Some(copy.version));
        }
        match self.policy.read(object, &copy, now) {
            Wish::Serve => {}
            Wish::ServeAndFetch => {
                self.fetch_behind(object, node, now, Purpose::Refresh, copy.version);
            }
            Wish::Fetch => return self.begin(index, request, Cause::Expired, Some(copy)),
            Wish::Prolong(until) => {
                self.store.expire(object, copy.fresh_until, copy.live_until.max(until), now);
                self.totals.rewrites += 1;
                return self.begin(index, request, Cause::Expired, Some(copy));
            }
        }
        let mut touched = false;
        if !stale
            && let Some(fresh_until) = self.rule.touched(object, self.sizes[object], copy.stored_at, now)
        {
            touched = true;
            let live_until = self.keep_until(now, fresh_until);
            self.store.expire(object, fresh_until, live_until, now);
            self.totals.touches += 1;
        }
        self.accessed(object, now, !stale && !touched, false);
        let kind = if stale { Kind::StaleHit } else { Kind::FreshHit };
        self.answer(index, object, now, now, kind, Some(copy.version));
    }

    fn begin(&mut self, index: usize, request: &Request, cause: Cause, copy: Option<Value>) {
        let Request { at, object, node } = *request;
        if self.config.failures.retries > 0
            && let Some(earned) = self.config.failures.budget
        {
            let saved = self.saved.entry(node).or_insert(0.0);
            *saved = (*saved + earned).min(10.0);
        }
        let (request, since, waits) = (index, at, Waits::Nothing);
        let (attempt, watched, leads, joined) = (0, false, false, 0);
        self.askers.push(Asker {
            request,
            at,
            object,
            node,
            cause,
            copy,
            since,
            attempt,
            watched,
            waits,
            leads,
            joined,
        });
        self.want(self.askers.len() - 1, at);
    }

    /// Until when the cache keeps a value.
    fn keep_until(&self, now: u64, fresh_until: u64) -> u64 {
        let longer = [
            self.config.guard.window(),
            self.config.fail_safe.map_or(0, |safe| safe.window),
            self.config.conditional.map_or(0, |conditional| conditional.keep),
        ];
        let longest = longer.into_iter().max().unwrap_or(0);
        self.policy.keep_until(now, fresh_until).max(fresh_until.saturating_add(longest))
    }

    /// Asks the guard; with the ticket of who asks.
    pub(super) fn may(
        &mut self,
        object: usize,
        node: usize,
        now: u64,
        has_copy: bool,
        waited: u64,
    ) -> (May, u64) {
        let ticket = self.tickets;
        self.tickets += 1;
        let in_flight = self.latest(object, node).is_some();
        (self.gate.ask(Wanting { object, now, ticket, in_flight, has_copy, waited }), ticket)
    }

    /// The latest fetch in flight of an object that a node asked for.
    pub(super) fn latest(&self, object: usize, node: usize) -> Option<usize> {
        let alike = |fetch: &Fetch| !fetch.over && fetch.object == object && fetch.node == node;
        self.fetches.iter().rposition(alike)
    }

    /// Fetches while nobody waits, if the guard allows it; whether it did.
    fn fetch_behind(&mut self, object: usize, node: usize, now: u64, purpose: Purpose, known: usize) -> bool {
        let (May::Fetch { holds }, ticket) = self.may(object, node, now, true, 0) else { return false };
        let fetch = self.depart(object, node, now, purpose, ticket, holds);
        self.ask(fetch, Some(known), now);
        true
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
        let (fails, over) = (false, false);
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
        let patience = self.config.timeout.filter(|_| !background).map_or(u64::MAX, |timeout| now + timeout);
        match self.door.knock(number, patience) {
            Admitted::Served => self.serve(number, now),
            Admitted::Waits => {}
            Admitted::Shed(other) => self.shed(other, now),
        }
    }

    /// A server takes a fetch up.
    fn serve(&mut self, number: usize, now: u64) {
        let Fetch { object, nth, known, .. } = self.fetches[number];
        let version = self.version(object, now);
        let mut latency = self.config.fate.latency(object, nth);
        if let Some(conditional) = self.config.conditional.filter(|_| known == Some(version)) {
            latency = part(latency, conditional.cost);
        }
        let fetch = &mut self.fetches[number];
        fetch.version = version;
        fetch.fails = self.config.fate.fails(object, nth);
        fetch.done = Some(now + latency);
        self.schedule(now + latency, Event::Done(number));
    }

    /// How often an object has changed.
    fn version(&self, object: usize, at: u64) -> usize {
        self.config.fate.changes(object).iter().filter(|change| **change <= at).count()
    }

    fn shed(&mut self, number: usize, now: u64) {
        self.totals.shed += 1;
        self.end(number, now, false);
        self.fetch_failed(number, now);
    }

    /// A server is free.
    fn free_server(&mut self, now: u64) {
        let (next, in_vain) = self.door.next(now);
        if let Some(next) = next {
            self.serve(next, now);
        }
        // The last to be thrown out learns of it first.
        in_vain.into_iter().rev().for_each(|fetch| self.shed(fetch, now));
    }

    /// A fetch is no longer in flight.
    fn end(&mut self, number: usize, now: u64, died: bool) {
        let fetch = &mut self.fetches[number];
        fetch.over = true;
        let Fetch { object, ticket, holds, .. } = *fetch;
        if holds {
            self.gate.over(object, ticket, died);
        }
        let (start, size, in_flight) = self.open.get_mut(&object).expect("it was in flight");
        *in_flight -= 1;
        if *in_flight == 0 {
            self.regenerations.push(Regeneration { object, start: *start, end: now, size: *size });
            self.open.remove(&object);
        }
    }

    fn fetch_done(&mut self, number: usize, now: u64) {
        if self.fetches[number].over {
            return;
        }
        let Fetch { object, asked, purpose, dies, fails, .. } = self.fetches[number];
        self.end(number, now, dies);
        self.free_server(now);
        if dies {
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
        if !(late && self.config.late_fill == LateFill::Discard) {
            self.fill(number, now);
        }
        let version = self.fetches[number].version;
        self.release(number, |world, asker| {
            let Asker { leads, cause, .. } = world.askers[asker];
            world.finish_asker(
                asker,
                now,
                if leads { Kind::Miss(cause) } else { Kind::DelayedHit },
                Some(version),
            );
        });
        self.after_background(number, now, true);
    }

    fn fetch_failed(&mut self, number: usize, now: u64) {
        if self.fetches[number].purpose != Purpose::Request {
            self.throttle(self.fetches[number].object, now);
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
    fn release(&mut self, number: usize, deal: impl Fn(&mut Self, usize)) {
        let waits = |asker: &usize| self.askers[*asker].waits == Waits::For(number);
        let mut party: Vec<usize> = (0..self.askers.len()).filter(waits).collect();
        party.sort_by_key(|asker| self.askers[*asker].joined);
        party.iter().for_each(|asker| self.askers[*asker].waits = Waits::Nothing);
        party.into_iter().for_each(|asker| deal(self, asker));
    }

    fn after_background(&mut self, number: usize, now: u64, brought: bool) {
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

    /// Stores what a fetch brought.
    fn fill(&mut self, number: usize, now: u64) {
        let Fetch { object, asked, version, .. } = self.fetches[number];
        let held = self.peek(object, now);
        let dropped = held.is_some_and(|held| match self.config.failures.duplicate {
            Duplicate::Overwrites => false,
            Duplicate::IsDropped => held.stored_at > asked,
            Duplicate::IsDroppedIfOlder => held.version > version,
        });
        if dropped {
            return;
        }
        let made = self
            .config
            .fate
            .ever_changes()
            .then(|| version.checked_sub(1).map_or(0, |last| self.config.fate.changes(object)[last]));
        let told = Told { took: now - asked, made };
        let fresh_until = self.rule.fresh_until(object, self.sizes[object], now, Some(told));
        let live_until = self.keep_until(now, fresh_until);
        let value = Value { stored_at: now, fresh_until, live_until, version };
        if let Some(after_end) = &mut self.after_end {
            after_end.insert(object, value);
            return;
        }
        self.store.set(object, value);
        let confirmed = self.fetches[number].known == Some(version) && held.is_some();
        self.totals.touches += u64::from(confirmed);
        self.policy.stored(object, now, now - asked);
        self.schedule_job(now);
    }

    /// The live value, if there is one.
    pub(super) fn peek(&self, object: usize, now: u64) -> Option<Value> {
        let since = self.after_end.as_ref().and_then(|since| since.get(&object));
        since.copied().or_else(|| self.store.peek(object, now)).filter(|value| now <= value.live_until)
    }

    fn schedule_job(&mut self, now: u64) {
        if let Some(at) = self.policy.next_job().map(|at| at.max(now)).filter(|at| *at < self.job_at) {
            self.job_at = at;
            self.schedule(at, Event::Job);
        }
    }

    fn run_jobs(&mut self, now: u64) {
        if self.job_at <= now {
            self.job_at = u64::MAX;
        }
        while let Some(object) = self.policy.job(now) {
            match self.store.peek(object, now) {
                None => self.policy.job_done(object, now, false),
                Some(copy) => {
                    if !self.fetch_behind(object, 0, now, Purpose::Job, copy.version) {
                        self.policy.job_done(object, now, true);
                    }
                }
            }
        }
        self.schedule_job(now);
    }

    /// A value was read, or stored for a request: what the sweep notes of it.
    pub(super) fn accessed(&mut self, object: usize, now: u64, expires: bool, stored: bool) {
        if self.broom.is_none() {
            return;
        }
        let fresh_until = self.rule.fresh_until(object, self.sizes[object], now, None);
        let live_until = self.keep_until(now, fresh_until);
        let Some(broom) = &mut self.broom else { return };
        broom.accessed(object, now);
        self.totals.notes += 1;
        if !expires || (stored && broom.sweep.lean) {
            return;
        }
        self.totals.touches += 1;
        if !stored {
            self.store.expire(object, fresh_until, live_until, now);
        }
    }

    fn sweep(&mut self, now: u64) {
        let Some(broom) = &mut self.broom else { return };
        let gone = broom.act(now, self.store.bytes());
        let next = broom.next;
        gone.into_iter().for_each(|object| self.store.unlink(object, now));
        self.schedule(next, Event::Sweep);
    }

    /// A request has its outcome.
    pub(super) fn answer(
        &mut self,
        request: usize,
        object: usize,
        at: u64,
        now: u64,
        kind: Kind,
        version: Option<usize>,
    ) {
        let changes = self.config.fate.changes(object);
        let change = version.and_then(|version| changes.get(version)).filter(|change| **change <= now);
        let outdated = change.map(|change| now - change);
        assert!(self.outcomes[request].is_none(), "a request has one outcome");
        self.outcomes[request] = Some(Outcome { kind, wait: now - at, outdated });
        self.rule.seen(kind == Kind::FreshHit);
    }

    fn finish(mut self) -> Result {
        self.totals.locks = self.gate.commands;
        self.totals.sweeps = self.broom.as_ref().map_or(0, |broom| broom.commands);
        let Totals { evicted, expired, out_of_memory, resident_entries, .. } = self.store.totals;
        let Totals { resident_bytes, peak_bytes, entry_ticks, byte_ticks, .. } = self.store.totals;
        let totals = Totals {
            evicted,
            expired,
            out_of_memory,
            resident_entries,
            resident_bytes,
            peak_bytes,
            entry_ticks,
            byte_ticks,
            ..self.totals
        };
        self.regenerations.sort_unstable();
        let outcomes = self.outcomes.into_iter().map(|outcome| outcome.expect("every request is answered"));
        Result { outcomes: outcomes.collect(), totals, regenerations: self.regenerations }
    }
}
