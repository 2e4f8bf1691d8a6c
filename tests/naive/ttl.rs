//! How long a stored value is fresh.

use std::collections::BTreeMap;

use super::Kind;
use super::learning::{Change, Filter, Goal, Gradient, Polls, Slope, Steered};
use super::modifier::{Bender, Modifier};
use super::store::Value;

/// A rule.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Ttl {
    None,
    Fixed(u64),
    /// The TTL of each object, by the class it belongs to.
    ClassTable(Vec<u64>),
    /// `idle` after the last fresh hit or store, and at most `max_age` after the store.
    Sliding {
        idle: u64,
        max_age: u64,
    },
    /// `t0` for an object of `s0` bytes, and less for larger ones by the power `gamma`.
    SizePower {
        t0: u64,
        s0: u64,
        gamma: f64,
        within: (u64, u64),
    },
    /// By how often the object changes, as far as its fetches tell.
    ChangeRate(Change),
    /// So many times the time of the object's fetches, averaged with this weight of the latest.
    CostProportional {
        k: f64,
        ewma: f64,
        within: (u64, u64),
    },
    /// This part of the version's age.
    LastModifiedFraction {
        f: f64,
        within: (u64, u64),
    },
    /// As long as the rent of a value is less than a fetch, after the last fresh hit or store.
    BreakEven {
        miss_cost: f64,
        price_per_gb_hour: f64,
        within: (u64, u64),
        max_age: u64,
    },
    /// Steered towards a ratio of fresh hits; whether reads touch.
    Controlled(Goal, bool),
    /// Steered towards that and so many values.
    Filtered(Goal, u64),
    /// Steered towards the least cost.
    Elastic(Gradient),
}

impl Ttl {
    /// Whether it moves while it runs, so that other things that move TTLs are refused beside it.
    pub(crate) fn steers(&self) -> bool {
        matches!(self, Self::Controlled(..) | Self::Filtered(..) | Self::Elastic(_))
    }

    /// Whether a read of a fresh value sets its TTL anew.
    pub(crate) fn touches(&self) -> bool {
        match self {
            Self::Controlled(_, touches) => *touches,
            Self::Sliding { .. } | Self::BreakEven { .. } | Self::Filtered(..) | Self::Elastic(_) => true,
            _ => false,
        }
    }
}

/// What a fetch told of its value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Told {
    pub(crate) took: u64,
    /// When the origin took the fetch up, and what it found.
    pub(crate) dated: u64,
    pub(crate) version: usize,
    /// When the version was made; none where nothing ever changes.
    pub(crate) made: Option<u64>,
}

/// What a rule remembers.
enum Memory {
    Nothing,
    /// Mean fetch time of each object in seconds.
    FetchTimes(BTreeMap<usize, f64>),
    Polls(Polls),
    Steered(Steered),
    Filter(Filter),
    Slope(Slope),
}

/// A rule and its memory.
pub(crate) struct Rule<'a> {
    ttl: &'a Ttl,
    memory: Memory,
    bender: Bender<'a>,
}

pub(super) fn nearest((least, most): (u64, u64), seconds: f64) -> u64 {
    if seconds.is_nan() { most } else { nanos(seconds).clamp(least, most) }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
pub(super) fn nanos(seconds: f64) -> u64 {
    (seconds * 1e9).round() as u64
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
pub(crate) fn part(span: u64, factor: f64) -> u64 {
    (span as f64 * factor).round() as u64
}

pub(super) fn seconds(nanos: u64) -> f64 {
    nanos as f64 / 1e9
}

impl<'a> Rule<'a> {
    /// `draw(place of the modifier, object, instant)` is what chance gives.
    pub(crate) fn new(
        ttl: &'a Ttl,
        modifiers: &'a [Modifier],
        draw: &'a dyn Fn(usize, usize, u64) -> f64,
    ) -> Self {
        let memory = match ttl {
            Ttl::ChangeRate(_) => Memory::Polls(Polls::default()),
            Ttl::CostProportional { .. } => Memory::FetchTimes(BTreeMap::new()),
            Ttl::Controlled(goal, _) => Memory::Steered(Steered::new(*goal)),
            Ttl::Filtered(goal, values) => Memory::Filter(Filter::new(*goal, *values)),
            Ttl::Elastic(gradient) => Memory::Slope(Slope::new(*gradient)),
            _ => Memory::Nothing,
        };
        Self { ttl, memory, bender: Bender::new(modifiers, draw) }
    }

    /// Until when a value stored at `now` is fresh; a fetch brought it if that told something.
    pub(crate) fn fresh_until(&mut self, object: usize, size: u64, now: u64, told: Option<Told>) -> u64 {
        let base = self.base(object, size, now, told);
        now.saturating_add(self.bender.bend(object, base, now))
    }

    fn base(&mut self, object: usize, size: u64, now: u64, told: Option<Told>) -> u64 {
        match (self.ttl, &mut self.memory) {
            (Ttl::Fixed(ttl), _) => *ttl,
            (Ttl::ClassTable(ttls), _) => ttls[object],
            (Ttl::Sliding { idle, .. }, _) => *idle,
            (Ttl::SizePower { t0, s0, gamma, within }, _) => {
                nearest(*within, seconds(*t0) * (*s0 as f64 / size.max(1) as f64).powf(*gamma))
            }
            (Ttl::ChangeRate(change), Memory::Polls(polls)) => {
                if let Some(told) = &told {
                    polls.learn(object, told);
                }
                polls.ttl(object, change)
            }
            (Ttl::CostProportional { k, ewma, within }, Memory::FetchTimes(times)) => {
                if let Some(told) = told {
                    let took = seconds(told.took);
                    let mean = times.entry(object).or_insert(took);
                    *mean += ewma * (took - *mean);
                }
                nearest(*within, k * times.get(&object).copied().unwrap_or(0.0))
            }
            (Ttl::LastModifiedFraction { f, within }, _) => told
                .and_then(|told| told.made)
                .map_or(within.0, |made| nearest(*within, f * seconds(now - made))),
            (Ttl::BreakEven { .. }, _) => self.break_even(size),
            (_, Memory::Steered(steered)) => nanos(steered.ttl),
            (_, Memory::Filter(filter)) => {
                filter.filled(object, told.map_or(now, |told| now - told.took), now)
            }
            (_, Memory::Slope(slope)) => {
                if told.is_some() {
                    slope.filled(object, size, now);
                }
                slope.ttl()
            }
            _ => u64::MAX,
        }
    }

    fn break_even(&self, size: u64) -> u64 {
        let Ttl::BreakEven { miss_cost, price_per_gb_hour, within, .. } = self.ttl else { return 0 };
        nearest(*within, miss_cost / (price_per_gb_hour / (1e9 * 3_600.0) * size.max(1) as f64))
    }

    /// Until when a fresh value that is read at `now` stays fresh; nothing if the read changes nothing.
    pub(crate) fn touched(&mut self, object: usize, size: u64, value: &Value, now: u64) -> Option<u64> {
        let Value { stored_at, fresh_until, .. } = *value;
        let (ttl, max_age) = match (self.ttl, &mut self.memory) {
            (Ttl::Sliding { idle, max_age }, _) => (*idle, *max_age),
            (Ttl::BreakEven { max_age, .. }, _) => (self.break_even(size), *max_age),
            (Ttl::Controlled(goal, true), Memory::Steered(steered)) => (nanos(steered.ttl), goal.max_age),
            (Ttl::Filtered(goal, _), Memory::Filter(filter)) => {
                filter.read(object, stored_at, fresh_until, now);
                (filter.ttl(), goal.max_age)
            }
            (Ttl::Elastic(gradient), Memory::Slope(slope)) => (slope.ttl(), gradient.max_age),
            _ if self.bender.extends(now) => {
                let until = self.fresh_until(object, size, stored_at, None);
                return Some(until).filter(|until| *until > fresh_until);
            }
            _ => return None,
        };
        let until = now.saturating_add(self.bender.bend(object, ttl, now));
        Some(until.min(stored_at.saturating_add(max_age)))
    }

    /// A request has ended.
    pub(crate) fn seen(&mut self, object: usize, kind: Kind, now: u64) {
        match &mut self.memory {
            Memory::Steered(steered) => steered.seen(kind == Kind::FreshHit),
            Memory::Filter(filter) => filter.seen(kind, now),
            Memory::Slope(slope) => slope.seen(object, now),
            Memory::Nothing | Memory::FetchTimes(_) | Memory::Polls(_) => {}
        }
        self.bender.seen(object, now);
    }

    /// One fetch more is in flight, or one less.
    pub(crate) fn loaded(&mut self, now: u64, more: bool) {
        self.bender.loaded(now, more);
    }
}
