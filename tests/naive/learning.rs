//! Rules that learn from what their own fetches and requests showed: everything is kept and gone through again.

use std::collections::BTreeMap;

use super::Kind;
use super::ttl::{Told, nanos, nearest, part, seconds};

/// When each fetch of an object was served, and which version it found.
#[derive(Default)]
pub(super) struct Polls(BTreeMap<usize, Vec<(u64, usize)>>);

/// How a rate of change is estimated from polls, and what TTL it gives.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Change {
    /// Share of hits that shall be current.
    pub(crate) target: f64,
    /// What is said to be the time between changes.
    pub(crate) declared: u64,
    pub(crate) min_polls: usize,
    /// Changes that this counts for.
    pub(crate) prior: f64,
    pub(crate) within: (u64, u64),
}

impl Polls {
    pub(super) fn learn(&mut self, object: usize, told: &Told) {
        let polls = self.0.entry(object).or_default();
        if polls.last().is_none_or(|(at, _)| told.dated > *at) {
            polls.push((told.dated, told.version));
        }
    }

    pub(super) fn ttl(&self, object: usize, change: &Change) -> u64 {
        // (1 - e^-x) / x is the target: x = (1 - e^-x) / target, again and again.
        let x = (0..20_000).fold(1.0_f64, |x, _| (1.0 - (-x).exp()) / change.target);
        let polls = self.0.get(&object).map_or(&[][..], Vec::as_slice);
        if polls.len() < change.min_polls + 1 {
            return nearest(change.within, x * seconds(change.declared));
        }
        let mut unchanged = change.prior * seconds(change.declared);
        let (mut changes, mut changed) = (change.prior, 0.0);
        for pair in polls.windows(2) {
            let interval = seconds(pair[1].0 - pair[0].0);
            if pair[0].1 == pair[1].1 {
                unchanged += interval;
            } else {
                changed += interval;
                changes += 1.0;
            }
        }
        let rate = if changed > 0.0 {
            let mean = changed / changes;
            (1.0 + changed / (unchanged + mean / 2.0)).ln() / mean
        } else if changes > 0.0 {
            changes / unchanged
        } else {
            0.0
        };
        nearest(change.within, x / rate)
    }
}

/// A timeout that moves down the gradient of its cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Gradient {
    pub(crate) step: u64,
    pub(crate) start: u64,
    pub(crate) miss_cost: f64,
    pub(crate) price_per_gb_hour: f64,
    pub(crate) within: (u64, u64),
    pub(crate) max_age: u64,
}

/// The timeout, when each object was fetched last and the timeout it got, and the rents of those that came back.
pub(super) struct Slope {
    of: Gradient,
    timeout: f64,
    stays: BTreeMap<usize, (u64, u64)>,
    rents: Vec<f64>,
    requests: Vec<(u64, usize)>,
}

impl Slope {
    pub(super) fn new(of: Gradient) -> Self {
        let timeout = seconds(of.start);
        Self { of, timeout, stays: BTreeMap::new(), rents: Vec::new(), requests: Vec::new() }
    }

    pub(super) fn ttl(&self) -> u64 {
        nearest(self.of.within, self.timeout)
    }

    pub(super) fn seen(&mut self, object: usize, now: u64) {
        self.requests.push((now, object));
    }

    /// A value was fetched and is stored.
    pub(super) fn filled(&mut self, object: usize, size: u64, now: u64) {
        if let Some((began, ttl)) = self.stays.get(&object).copied() {
            let watched = seconds(ttl.min(now - began));
            if watched > 0.0 {
                let during = |at: u64| began < at && at <= began + ttl;
                let asked = self.requests.iter().filter(|(at, of)| *of == object && during(*at)).count();
                let rent = self.of.price_per_gb_hour / 1e9 / 3_600.0 * size.max(1) as f64;
                self.rents.push(rent);
                let n = self.rents.len() as f64;
                let mean = self.rents.iter().sum::<f64>() / n;
                let saved = asked as f64 / watched * self.of.miss_cost;
                let moved = self.timeout + seconds(self.of.step) / n.powf(0.6) * (saved - rent) / mean;
                self.timeout = moved.clamp(seconds(self.of.within.0), seconds(self.of.within.1));
            }
        }
        self.stays.insert(object, (now, self.ttl()));
    }
}

/// A TTL steered towards a ratio of hits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Goal {
    pub(crate) target: f64,
    pub(crate) a0: f64,
    pub(crate) max_ttl: u64,
    pub(crate) start: u64,
    pub(crate) max_age: u64,
}

/// The steered TTL in seconds, and the requests that steered it.
pub(super) struct Steered {
    goal: Goal,
    pub(super) ttl: f64,
    pub(super) requests: u64,
}

impl Steered {
    pub(super) fn new(goal: Goal) -> Self {
        Self { goal, ttl: seconds(goal.start), requests: 0 }
    }

    pub(super) fn seen(&mut self, fresh: bool) {
        let Goal { target, a0, max_ttl, .. } = self.goal;
        self.requests += 1;
        let step = a0 * seconds(max_ttl) / (self.requests as f64).powf(0.6);
        let off = target - if fresh { 1.0 } else { 0.0 };
        self.ttl = (self.ttl + step * off).clamp(0.0, seconds(max_ttl));
    }
}

/// A steered TTL, and a part of it for what was not asked for lately, steered towards so many values.
pub(super) struct Filter {
    pub(super) steered: Steered,
    values: f64,
    part: f64,
    /// Until when each object is remembered.
    shadows: BTreeMap<usize, u64>,
    /// When the latest request was answered.
    now: u64,
}

impl Filter {
    pub(super) fn new(goal: Goal, values: u64) -> Self {
        let steered = Steered::new(goal);
        Self { steered, values: values as f64, part: 1.0, shadows: BTreeMap::new(), now: 0 }
    }

    pub(super) fn ttl(&self) -> u64 {
        nanos(self.steered.ttl)
    }

    /// The TTL of a value that is stored at `now` for who asked at `asked`.
    pub(super) fn filled(&mut self, object: usize, asked: u64, now: u64) -> u64 {
        let whole = self.ttl();
        let known = self.shadows.get(&object).is_some_and(|until| asked <= *until);
        let ttl = if known { whole } else { part(whole, self.part) };
        self.shadows.insert(object, now.saturating_add(whole));
        self.added(ttl);
        ttl
    }

    /// A value is read that was fresh until `fresh_until`.
    pub(super) fn read(&mut self, object: usize, stored_at: u64, fresh_until: u64, now: u64) {
        let until = (now + self.ttl()).min(stored_at + self.steered.goal.max_age);
        self.shadows.insert(object, until);
        self.added(until.saturating_sub(fresh_until));
    }

    pub(super) fn seen(&mut self, kind: Kind, now: u64) {
        self.now = now;
        self.steered.seen(kind == Kind::FreshHit);
        if !matches!(kind, Kind::FreshHit | Kind::Miss(_)) {
            self.added(0);
        }
    }

    /// So much time of storage came in: more than a request may bring, and less is let through.
    fn added(&mut self, span: u64) {
        if self.now == 0 || self.steered.requests == 0 {
            return;
        }
        let requests = self.steered.requests as f64;
        let fair = self.values * seconds(self.now) / requests;
        self.part = (self.part + 0.1 / requests.powf(0.7) * (1.0 - seconds(span) / fair)).clamp(0.0, 1.0);
    }
}
