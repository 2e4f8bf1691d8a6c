//! What happens when: requests as they come, and what is pending.

use std::collections::BTreeMap;

use super::breaker::Breakers;
use super::fetch::{Fetch, Purpose};
use super::guard::{Gate, May, Wanting};
use super::origin::Door;
use super::refresh::{Policy, Wish};
use super::store::{Store, Value};
use super::sweep::Broom;
use super::ttl::Rule;
use super::{Cause, Config, Images, Kind, Outcome, Regeneration, Request, Result, Soft, Totals};

/// Answers all requests: one outcome each, and the totals.
pub(crate) fn simulate(requests: &[Request], images: &Images, config: &Config<'_>) -> Result {
    let mut world = World {
        config,
        images,
        store: Store::new(
            &images.sizes,
            (config.capacity, config.eviction, config.reclaim),
            config.end.is_some(),
        ),
        after_end: None,
        breakers: Breakers::new(config.breaker),
        rule: Rule::new(config, images, requests),
        policy: Policy::new(config.refresh, &images.classes, config.fate),
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
        latest: 0,
        acted: 0,
        outcomes: vec![None; requests.len()],
        open: BTreeMap::new(),
        regenerations: Vec::new(),
        shadows: None,
        totals: Totals::default(),
    };
    if config.warm {
        world.warm_up();
    }
    world.schedule_upsets();
    world.schedule_uploads();
    if let Some(next) = world.broom.as_ref().map(|broom| broom.next) {
        world.schedule(next, Event::Sweep);
    }
    world.schedule_job(0);
    for (index, request) in requests.iter().enumerate() {
        world.act_until(index, request.at);
        world.happen_until(request.at);
        world.store.bury(request.at);
        world.arrive(index, request);
    }
    world.act_until(usize::MAX, config.end.unwrap_or(u64::MAX));
    world.happen_until(config.end.unwrap_or(u64::MAX));
    world.store.finish(config.end);
    world.shadows = world.rule.shadows();
    world.after_end = Some(BTreeMap::new());
    world.happen_until(u64::MAX);
    world.finish()
}

/// What is pending.
#[derive(Debug, Clone, Copy)]
pub(super) enum Event {
    Done(usize),
    Wake(usize, u32),
    GiveUp(usize, u32),
    Soft(usize, u32),
    Job,
    Sweep,
    /// Something happens to the server, and is over: the place in the list.
    Upset(usize),
    Back(usize),
    /// An object is uploaded anew.
    Upload(usize),
    /// An object is added: the place in the list.
    Addition(usize),
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
    pub(super) images: &'a Images,
    pub(super) store: Store<'a>,
    /// After the end, what would have been stored since.
    pub(super) after_end: Option<BTreeMap<usize, Value>>,
    pub(super) breakers: Breakers,
    pub(super) rule: Rule<'a>,
    pub(super) policy: Policy<'a>,
    pub(super) gate: Gate,
    pub(super) broom: Option<Broom>,
    pub(super) door: Door,
    pub(super) askers: Vec<Asker>,
    pub(super) fetches: Vec<Fetch>,
    pub(super) asked_before: BTreeMap<usize, u64>,
    /// When, in which order scheduled, and what.
    pub(super) pending: Vec<(u64, u64, Event)>,
    pub(super) scheduled: u64,
    /// Until when an error is remembered, and an old value served without a fetch.
    pub(super) negative: BTreeMap<usize, u64>,
    pub(super) throttled: BTreeMap<usize, u64>,
    /// Retries that each node has saved.
    pub(super) saved: BTreeMap<usize, f64>,
    pub(super) tickets: u64,
    pub(super) joined: u64,
    pub(super) job_at: u64,
    /// The request that came last.
    pub(super) latest: usize,
    /// How much of what was recorded beside requests has happened.
    pub(super) acted: usize,
    outcomes: Vec<Option<Outcome>>,
    /// Of objects with fetches in flight: since when, how many began, how many are in flight.
    pub(super) open: BTreeMap<usize, (u64, u64, u64)>,
    pub(super) regenerations: Vec<Regeneration>,
    shadows: Option<Vec<u64>>,
    pub(super) totals: Totals,
}

impl World<'_> {
    pub(super) fn schedule(&mut self, at: u64, event: Event) {
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
    pub(super) fn happen_until(&mut self, now: u64) {
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
                Event::Upset(place) if !self.is_over() => self.upset(place, at),
                Event::Back(place) if !self.is_over() => self.back(place, at),
                Event::Upload(object) if !self.is_over() => self.uploaded(object, at),
                Event::Addition(place) if !self.is_over() => self.added(place, at),
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
        self.latest = index;
        self.policy.asked(object);
        self.deadline_read(now);
        let copy = match self.store.get(object, now) {
            Ok(copy) => copy,
            Err(cause) => return self.begin(index, request, cause, None),
        };
        let stale = now > copy.fresh_until;
        let throttled = self.throttled.get(&object).is_some_and(|until| now <= *until);
        if stale && throttled && self.is_servable(&copy, now) {
            self.accessed(object, now, false, false);
            return self.answer(index, object, now, now, Kind::StaleOnError, Some(copy.version));
        }
        match self.policy.read(object, &copy, now) {
            Wish::Serve => {}
            Wish::ServeAndFetch => {
                let departed = self.fetch_behind(object, node, now, Purpose::Refresh, Some(copy.version));
                let comes = self.fetches.iter().any(|fetch| !fetch.over && fetch.object == object);
                if !departed && !comes {
                    self.policy.failed(object);
                }
            }
            Wish::Fetch => return self.begin(index, request, Cause::Expired, Some(copy)),
            Wish::Prolong(until) => {
                self.store.expire(object, copy.fresh_until, copy.live_until.max(until), now);
                self.totals.rewrites += 1;
                self.totals.moved_bytes += self.images.sizes[object];
                self.deadline_written();
                return self.begin(index, request, Cause::Expired, Some(copy));
            }
        }
        let mut touched = false;
        if !stale && let Some(fresh_until) = self.rule.touched(object, self.images.sizes[object], &copy, now)
        {
            touched = true;
            let live_until = self.keep_until(now, fresh_until);
            self.store.expire(object, fresh_until, live_until, now);
            self.deadline_moved(object);
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

    /// How long beyond its freshness a value is kept, but for what the refresh policy wants.
    fn kept_for(&self) -> u64 {
        let longer = [
            self.config.guard.window(),
            self.config.fail_safe.map_or(0, |safe| safe.window),
            self.config.conditional.map_or(0, |conditional| conditional.keep),
        ];
        longer.into_iter().max().unwrap_or(0)
    }

    /// Until when the cache keeps a value.
    pub(super) fn keep_until(&self, now: u64, fresh_until: u64) -> u64 {
        self.policy.keep_until(now, fresh_until).max(fresh_until.saturating_add(self.kept_for()))
    }

    /// Whether a value is kept beyond its freshness, so that it has two deadlines.
    pub(super) fn has_two_deadlines(&self) -> bool {
        self.kept_for() > 0 || self.policy.keep_until(0, 0) > 0
    }

    /// A value was asked for.
    pub(super) fn deadline_read(&mut self, now: u64) {
        let in_time = self.config.end.is_none_or(|end| now <= end);
        let more = self.config.soft != Soft::Inside && self.has_two_deadlines() && in_time;
        self.totals.deadlines += u64::from(more);
    }

    /// A value was written, or its freshness has another end.
    pub(super) fn deadline_written(&mut self) {
        let more = self.config.soft == Soft::Beside && self.has_two_deadlines() && !self.is_over();
        self.totals.deadlines += u64::from(more);
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
        if self.is_unguarded(object, now) {
            return (May::Fetch { holds: false }, ticket);
        }
        (self.gate.ask(Wanting { object, now, ticket, in_flight, has_copy, waited }), ticket)
    }

    /// The freshness of a value that stays as it is has another end.
    pub(super) fn deadline_moved(&mut self, object: usize) {
        self.totals.touches += 1;
        self.totals.moved_bytes += self.images.sizes[object];
        self.deadline_written();
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
        self.rule.seen(object, self.images.sizes[object], kind, now);
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
        let (outcomes, regenerations, shadows) = (outcomes.collect(), self.regenerations, self.shadows);
        Result { outcomes, totals, regenerations, shadows }
    }
}
