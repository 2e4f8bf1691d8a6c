//! Rules that learn from what their own fetches and requests showed: everything is kept and gone through again.

use std::collections::{BTreeMap, BTreeSet};

use super::Kind;
use super::store::Value;
use super::ttl::{Told, nanos, nearest, part, seconds};

/// When each fetch of an object was served, and which version it found.
#[derive(Default)]
pub(super) struct Polls(BTreeMap<usize, Vec<(u64, usize)>>);

/// The TTL that a rate of change gives.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Change {
    pub(crate) curve: Curve,
    /// What is said of each class to be the time between changes; none where nothing is said.
    pub(crate) declared: Vec<Option<u64>>,
    /// How many polls must be seen before they count for more than that, and how many changes that counts for then; none
    /// where polls count for nothing.
    pub(crate) estimated: Option<(usize, f64)>,
    pub(crate) within: (u64, u64),
}

/// From a rate to a TTL.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Curve {
    /// By the share of hits that shall be current.
    Target(f64),
    /// Rates a second, and the TTL above each.
    Steps(Vec<(u64, u64)>),
}

impl Polls {
    pub(super) fn learn(&mut self, object: usize, told: &Told) {
        let polls = self.0.entry(object).or_default();
        if polls.last().is_none_or(|(at, _)| told.dated > *at) {
            polls.push((told.dated, told.version));
        }
    }

    pub(super) fn ttl(&self, object: usize, class: usize, change: &Change) -> u64 {
        let polls = self.0.get(&object).map_or(&[][..], Vec::as_slice);
        let declared = change.declared[class].map(|every| 1.0 / seconds(every));
        let rate = match change.estimated {
            Some((min_polls, prior)) if polls.len() > min_polls => {
                Some(estimate(polls, prior, declared.unwrap_or_else(|| change.quickest())))
            }
            _ => declared,
        };
        rate.map_or(change.within.0, |rate| change.ttl(rate))
    }
}

impl Change {
    fn ttl(&self, rate: f64) -> u64 {
        match &self.curve {
            Curve::Target(target) => nearest(self.within, expected(*target) / rate),
            Curve::Steps(steps) => {
                let exceeded = steps.iter().filter(|(above, _)| rate > *above as f64);
                exceeded.max_by_key(|(above, _)| *above).map_or(self.within.1, |(_, ttl)| *ttl)
            }
        }
    }

    /// The rate to which the shortest TTL belongs.
    fn quickest(&self) -> f64 {
        match &self.curve {
            Curve::Target(target) => expected(*target) / seconds(self.within.0),
            Curve::Steps(steps) => steps.iter().map(|(above, _)| *above).max().unwrap_or(0) as f64,
        }
    }
}

/// The changes to expect in a TTL after which this share of hits is current: (1 - e^-x) / x is the target, so
/// x = (1 - e^-x) / target, again and again.
fn expected(target: f64) -> f64 {
    (0..20_000).fold(1.0_f64, |x, _| (1.0 - (-x).exp()) / target)
}

/// The rate of change by polls, and by so many changes that are taken as seen at a rate of their own.
fn estimate(polls: &[(u64, usize)], prior: f64, prior_rate: f64) -> f64 {
    let (mut found, mut unchanged, mut changed) = (0.0, 0.0, 0.0);
    for pair in polls.windows(2) {
        let interval = seconds(pair[1].0 - pair[0].0);
        if pair[0].1 == pair[1].1 {
            unchanged += interval;
        } else {
            changed += interval;
            found += 1.0;
        }
    }
    // Each of the changes that are taken as seen takes as long as at its own rate, and no longer than one that was found.
    if found > 0.0 {
        let each = f64::min(1.0 / prior_rate, (changed + unchanged) / found);
        let mean = changed / (found + prior);
        (1.0 + changed / (unchanged + prior * each + mean / 2.0)).ln() / mean
    } else if prior > 0.0 {
        prior / (unchanged + prior / prior_rate)
    } else {
        0.0
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

    /// A value that was asked for at `asked` is stored; one that was asked for before the last one came brings nobody back.
    pub(super) fn filled(&mut self, object: usize, size: u64, asked: u64, now: u64) {
        if let Some((began, ttl)) = self.stays.get(&object).copied().filter(|(began, _)| *began < asked) {
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
    /// The power of the number of requests by which steps shrink, but not below the least one; 0: all are that.
    pub(crate) exponent: f64,
    pub(crate) least_step: u64,
    pub(crate) max_ttl: u64,
    pub(crate) start: u64,
    pub(crate) max_age: u64,
    /// Whether a request counts by its size over the mean size so far, for 10 at most.
    pub(crate) by_size: bool,
}

/// The steered TTL in seconds, and the sizes of the requests that steered it.
pub(super) struct Steered {
    goal: Goal,
    pub(super) ttl: f64,
    requests: Vec<u64>,
}

impl Steered {
    pub(super) fn new(goal: Goal) -> Self {
        Self { goal, ttl: seconds(goal.start), requests: Vec::new() }
    }

    pub(super) fn seen(&mut self, fresh: bool, size: u64) {
        let Goal { target, a0, exponent, least_step, max_ttl, by_size, .. } = self.goal;
        self.requests.push(size);
        let many = self.requests.len() as f64;
        let mean = self.requests.iter().sum::<u64>() as f64 / many;
        let weight = match by_size {
            false => 1.0,
            true if mean > 0.0 => (size as f64 / mean).min(10.0),
            true => 0.0,
        };
        let shrinking = if exponent > 0.0 { a0 * seconds(max_ttl) / many.powf(exponent) } else { 0.0 };
        let off = target - if fresh { 1.0 } else { 0.0 };
        let step = shrinking.max(seconds(least_step));
        self.ttl = (self.ttl + step * weight * off).clamp(0.0, seconds(max_ttl));
    }
}

/// How much shall be held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Room {
    Values(u64),
    Bytes(u64),
}

/// A steered TTL, and a part of it for what was not asked for lately, steered towards so much that is held.
pub(super) struct Filter {
    pub(super) steered: Steered,
    room: Room,
    part: f64,
    /// Until when each object is remembered.
    known: BTreeMap<usize, u64>,
    /// Until when each value is stored, as far as the rule has said.
    stored: BTreeMap<usize, u64>,
    /// Those that are remembered and were stored by the filter last, and not read since.
    by_name: BTreeSet<usize>,
    /// When the latest request was answered.
    now: u64,
}

impl Filter {
    pub(super) fn new(goal: Goal, room: Room) -> Self {
        let steered = Steered::new(goal);
        let (known, stored, by_name) = (BTreeMap::new(), BTreeMap::new(), BTreeSet::new());
        Self { steered, room, part: 1.0, known, stored, by_name, now: 0 }
    }

    pub(super) fn ttl(&self) -> u64 {
        nanos(self.steered.ttl)
    }

    /// The TTL of a value that is stored at `now` for who asked at `asked`.
    pub(super) fn filled(&mut self, object: usize, size: u64, asked: u64, now: u64) -> u64 {
        let whole = self.ttl();
        let known = self.known.get(&object).is_some_and(|until| asked <= *until);
        let ttl = if known { whole } else { part(whole, self.part) };
        self.known.insert(object, now.saturating_add(whole));
        if known {
            self.by_name.remove(&object);
        } else {
            self.by_name.insert(object);
        }
        // The time until the end of the value before it has come in already.
        let end = now.saturating_add(ttl);
        let twice = self.stored.insert(object, end).map_or(0, |before| before.min(end).saturating_sub(now));
        self.added(end - now - twice, size);
        ttl
    }

    /// Until when each object is remembered that is by its name alone.
    pub(super) fn shadows(&self) -> Vec<u64> {
        self.by_name.iter().map(|object| self.known[object]).collect()
    }

    /// A fresh value is read.
    pub(super) fn read(&mut self, object: usize, size: u64, value: &Value, now: u64) {
        let until = (now + self.ttl()).min(value.stored_at.saturating_add(self.steered.goal.max_age));
        self.known.insert(object, until);
        self.stored.insert(object, until);
        self.by_name.remove(&object);
        self.added(until.saturating_sub(value.fresh_until), size);
    }

    pub(super) fn seen(&mut self, size: u64, kind: Kind, now: u64) {
        self.now = now;
        self.steered.seen(kind == Kind::FreshHit, size);
        if !matches!(kind, Kind::FreshHit | Kind::Miss(_)) {
            self.added(0, size);
        }
    }

    /// So much time of storage came in: more than a request may bring, and less is let through.
    fn added(&mut self, span: u64, size: u64) {
        if self.now == 0 || self.steered.requests.is_empty() {
            return;
        }
        let requests = self.steered.requests.len() as f64;
        let (room, each) = match self.room {
            Room::Values(values) => (values, 1.0),
            Room::Bytes(bytes) => (bytes, size as f64),
        };
        let fair = room as f64 * seconds(self.now) / requests;
        self.part =
            (self.part + 0.1 / requests.powf(0.7) * (1.0 - seconds(span) * each / fair)).clamp(0.0, 1.0);
    }
}
