//! How long a stored value is fresh.

use std::collections::BTreeMap;

use super::learning::{Change, Filter, Goal, Gradient, Polls, Room, Slope, Steered};
use super::modifier::Bender;
use super::recorded;
use super::store::Value;
use super::{Config, Fate, Images, Kind, Request};

/// A rule.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Ttl {
    None,
    Fixed(u64),
    /// The TTL of each class; [`u64::MAX`] is none.
    ClassTable(Vec<u64>),
    /// What was recorded, and what holds where nothing was.
    Recorded(Vec<recorded::Told>, Option<u64>),
    /// `idle` after the last fresh hit or store, and at most `max_age` after the store; what is drawn by chance is drawn at
    /// the store alone, or anew at each hit.
    Sliding {
        idle: u64,
        max_age: u64,
        redraws: bool,
    },
    /// `t0` for an object of `s0` bytes, and less for larger ones by the power `gamma`; none is the size that half of the
    /// requests stay within.
    SizePower {
        t0: u64,
        s0: Option<u64>,
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
    /// As long as the rent of a value is less than a fetch, after the last fresh hit or store; or a shorter time by chance,
    /// of the density e^x / (e - 1) on 0 to 1 times that.
    BreakEven {
        randomised: bool,
        miss_cost: f64,
        price_per_gb_hour: f64,
        within: (u64, u64),
        max_age: u64,
    },
    /// Steered towards a ratio of fresh hits; whether reads touch, and whether each class has its own.
    Controlled(Goal, bool, bool),
    /// Steered towards that and so much held.
    Filtered(Goal, Room),
    /// Steered towards the least cost.
    Elastic(Gradient),
}

impl Ttl {
    /// Whether it moves while it runs, so that other things that move TTLs are refused beside it.
    pub(crate) fn steers(&self) -> bool {
        matches!(self, Self::Controlled(..) | Self::Filtered(..) | Self::Elastic(_))
    }

    /// Whether anything ever expires.
    pub(crate) fn expires(&self) -> bool {
        match self {
            Self::None => false,
            Self::ClassTable(ttls) => ttls.iter().any(|ttl| *ttl < u64::MAX),
            _ => true,
        }
    }

    /// How long after its store a value is fresh at most; nothing where reads do not keep it so.
    pub(crate) fn max_age(&mut self) -> Option<&mut u64> {
        match self {
            Self::Sliding { max_age, .. } | Self::BreakEven { max_age, .. } => Some(max_age),
            Self::Controlled(goal, true, _) | Self::Filtered(goal, _) => Some(&mut goal.max_age),
            Self::Elastic(gradient) => Some(&mut gradient.max_age),
            _ => None,
        }
    }

    /// The same, without an end where there is no such limit.
    fn greatest_age(&self) -> u64 {
        self.clone().max_age().map_or(u64::MAX, |max_age| *max_age)
    }

    /// Whether a read of a fresh value sets its TTL anew.
    pub(crate) fn touches(&self) -> bool {
        match self {
            Self::Controlled(_, touches, _) => *touches,
            Self::Sliding { .. } | Self::BreakEven { .. } | Self::Filtered(..) | Self::Elastic(_) => true,
            _ => false,
        }
    }
}

/// What a fetch told of its value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Told {
    pub(crate) took: u64,
    /// Whether it was only told that the value at hand is current, which takes less than a value.
    pub(crate) confirmed: bool,
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
    /// One for all, or one a class.
    Steered(BTreeMap<usize, Steered>),
    Filter(Filter),
    Slope(Slope),
}

/// A rule and its memory.
pub(crate) struct Rule<'a> {
    ttl: &'a Ttl,
    classes: &'a [usize],
    fate: &'a dyn Fate,
    memory: Memory,
    bender: Bender<'a>,
    /// The step of which a TTL is a whole number.
    step: Option<u64>,
    median_size: u64,
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
    pub(crate) fn new(config: &'a Config<'a>, images: &'a Images, requests: &[Request]) -> Self {
        let (ttl, classes, fate) = (&config.ttl, &images.classes[..], config.fate);
        let mut sizes: Vec<u64> = requests.iter().map(|request| images.sizes[request.object]).collect();
        sizes.sort_unstable();
        // Half of them, rounded up, are not larger.
        let median_size = sizes.len().div_ceil(2).checked_sub(1).map_or(1, |place| sizes[place].max(1));
        let memory = match ttl {
            Ttl::ChangeRate(_) => Memory::Polls(Polls::default()),
            Ttl::CostProportional { .. } => Memory::FetchTimes(BTreeMap::new()),
            Ttl::Controlled(..) => Memory::Steered(BTreeMap::new()),
            Ttl::Filtered(goal, values) => Memory::Filter(Filter::new(*goal, *values)),
            Ttl::Elastic(gradient) => Memory::Slope(Slope::new(*gradient)),
            _ => Memory::Nothing,
        };
        let bender = Bender::new(&config.modifiers, classes, fate);
        Self { ttl, classes, fate, memory, bender, step: config.ttl_step, median_size }
    }

    /// Until when a value stored at `now` is fresh; a fetch brought it if that told something.
    pub(crate) fn fresh_until(&mut self, object: usize, size: u64, now: u64, told: Option<Told>) -> u64 {
        let base = self.base(object, size, now, told);
        let ttl = self.bend(object, base, now, now);
        now.saturating_add(ttl.min(self.ttl.greatest_age()))
    }

    /// What modifiers make of a TTL, in whole steps: by chance the one below or the one above, so that the mean is kept.
    fn bend(&mut self, object: usize, base: u64, now: u64, drawn_at: u64) -> u64 {
        let ttl = self.bender.bend(object, base, now, drawn_at);
        let Some(step) = self.step.filter(|_| ttl != u64::MAX) else { return ttl };
        let up = self.fate.rounding(object, drawn_at) * (step as f64) < (ttl % step) as f64;
        (ttl / step + u64::from(up)).max(1) * step
    }

    /// Whose TTL that of an object is, where TTLs are steered.
    fn whose(&self, object: usize) -> usize {
        if let Ttl::Controlled(_, _, true) = self.ttl { self.classes[object] } else { 0 }
    }

    fn base(&mut self, object: usize, size: u64, now: u64, told: Option<Told>) -> u64 {
        let (class, whose) = (self.classes[object], self.whose(object));
        match (self.ttl, &mut self.memory) {
            (Ttl::Fixed(ttl), _) => *ttl,
            (Ttl::ClassTable(ttls), _) => ttls[class],
            (Ttl::Recorded(told, default), _) => recorded::ttl(told, *default, object, now),
            (Ttl::Sliding { idle, .. }, _) => *idle,
            (Ttl::SizePower { t0, s0, gamma, within }, _) => {
                let s0 = s0.unwrap_or(self.median_size) as f64;
                nearest(*within, seconds(*t0) * (s0 / size.max(1) as f64).powf(*gamma))
            }
            (Ttl::ChangeRate(change), Memory::Polls(polls)) => {
                if let Some(told) = &told {
                    polls.learn(object, told);
                }
                polls.ttl(object, class, change)
            }
            (Ttl::CostProportional { k, ewma, within }, Memory::FetchTimes(times)) => {
                if let Some(told) = told.filter(|told| !told.confirmed) {
                    let took = seconds(told.took);
                    let mean = times.entry(object).or_insert(took);
                    *mean += ewma * (took - *mean);
                }
                nearest(*within, k * times.get(&object).copied().unwrap_or(0.0))
            }
            (Ttl::LastModifiedFraction { f, within }, _) => told
                .and_then(|told| told.made)
                .map_or(within.0, |made| nearest(*within, f * seconds(now - made))),
            (Ttl::BreakEven { .. }, _) => self.break_even(object, size, now),
            (Ttl::Controlled(goal, ..), Memory::Steered(steered)) => {
                nanos(steered.entry(whose).or_insert_with(|| Steered::new(*goal)).ttl)
            }
            (_, Memory::Filter(filter)) => {
                filter.filled(object, size, told.map_or(now, |told| now - told.took), now)
            }
            (_, Memory::Slope(slope)) => {
                if let Some(told) = told {
                    slope.filled(object, size, now - told.took, now);
                }
                slope.ttl()
            }
            _ => u64::MAX,
        }
    }

    fn break_even(&self, object: usize, size: u64, now: u64) -> u64 {
        let Ttl::BreakEven { randomised, miss_cost, price_per_gb_hour, within, .. } = self.ttl else {
            return 0;
        };
        // The share of the density that lies below x is (e^x - 1) / (e - 1).
        let drawn = (1.0 + self.fate.timeout(object, now) * (std::f64::consts::E - 1.0)).ln();
        let whole = miss_cost / (price_per_gb_hour / (1e9 * 3_600.0) * size.max(1) as f64);
        nearest(*within, if *randomised { whole * drawn } else { whole })
    }

    /// Until when a fresh value that is read at `now` stays fresh; nothing if the read changes nothing.
    pub(crate) fn touched(&mut self, object: usize, size: u64, value: &Value, now: u64) -> Option<u64> {
        let Value { stored_at, fresh_until, .. } = *value;
        let whose = self.whose(object);
        let mut drawn_at = now;
        let ttl = match (self.ttl, &mut self.memory) {
            (Ttl::Sliding { idle, redraws, .. }, _) => {
                drawn_at = if *redraws { now } else { stored_at };
                *idle
            }
            (Ttl::BreakEven { .. }, _) => self.break_even(object, size, now),
            (Ttl::Controlled(goal, true, _), Memory::Steered(steered)) => {
                nanos(steered.entry(whose).or_insert_with(|| Steered::new(*goal)).ttl)
            }
            (Ttl::Filtered(..), Memory::Filter(filter)) => {
                filter.read(object, size, value, now);
                filter.ttl()
            }
            (Ttl::Elastic(_), Memory::Slope(slope)) => slope.ttl(),
            _ if self.bender.extends(now) => {
                // What a store would get now, from the store that was, and with what was drawn for that.
                let base = self.base(object, size, now, None);
                let until = stored_at.saturating_add(self.bend(object, base, now, stored_at));
                return Some(until).filter(|until| *until > fresh_until);
            }
            _ => return None,
        };
        let until = now.saturating_add(self.bend(object, ttl, now, drawn_at));
        Some(until.min(stored_at.saturating_add(self.ttl.greatest_age())))
    }

    /// A request has ended.
    pub(crate) fn seen(&mut self, object: usize, size: u64, kind: Kind, now: u64) {
        let whose = self.whose(object);
        match &mut self.memory {
            Memory::Steered(steered) => {
                if let Ttl::Controlled(goal, ..) = self.ttl {
                    let one = steered.entry(whose).or_insert_with(|| Steered::new(*goal));
                    one.seen(kind == Kind::FreshHit, size);
                }
            }
            Memory::Filter(filter) => filter.seen(size, kind, now),
            Memory::Slope(slope) => slope.seen(object, now),
            Memory::Nothing | Memory::FetchTimes(_) | Memory::Polls(_) => {}
        }
        self.bender.seen(object, now);
    }

    /// Until when it remembers each object that it knows by its name alone; nothing where it remembers none so.
    pub(crate) fn shadows(&self) -> Option<Vec<u64>> {
        if let Memory::Filter(filter) = &self.memory { Some(filter.shadows()) } else { None }
    }

    /// One fetch more is in flight, or one less.
    pub(crate) fn loaded(&mut self, now: u64, more: bool) {
        self.bender.loaded(now, more);
    }
}
