//! How long a stored value is fresh.

use std::collections::BTreeMap;

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
    /// Steered towards a ratio of fresh hits.
    Controlled {
        target: f64,
        a0: f64,
        max_ttl: u64,
        start: u64,
        touch: bool,
        max_age: u64,
    },
}

/// What bends a TTL; the numbers in 0 to 1 that chance gives come from outside.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Modifier {
    Clamp(u64, u64),
    Spread(f64),
    Longer(u64),
}

/// What a fetch told of its value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Told {
    pub(crate) took: u64,
    /// When the version was made; none where nothing ever changes.
    pub(crate) made: Option<u64>,
}

/// A rule and its memory.
pub(crate) struct Rule<'a> {
    ttl: &'a Ttl,
    modifiers: &'a [Modifier],
    draw: &'a dyn Fn(usize, usize, u64) -> f64,
    /// Mean fetch time of each object in seconds.
    fetch_time: BTreeMap<usize, f64>,
    /// The steered TTL in seconds, and the requests that steered it.
    steered: f64,
    requests: u64,
}

fn nearest((least, most): (u64, u64), seconds: f64) -> u64 {
    if seconds.is_nan() { most } else { nanos(seconds).clamp(least, most) }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
fn nanos(seconds: f64) -> u64 {
    (seconds * 1e9).round() as u64
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
pub(crate) fn part(span: u64, factor: f64) -> u64 {
    (span as f64 * factor).round() as u64
}

fn seconds(nanos: u64) -> f64 {
    nanos as f64 / 1e9
}

impl<'a> Rule<'a> {
    /// `draw(place of the modifier, object, instant)` is what chance gives.
    pub(crate) fn new(
        ttl: &'a Ttl,
        modifiers: &'a [Modifier],
        draw: &'a dyn Fn(usize, usize, u64) -> f64,
    ) -> Self {
        let steered = if let Ttl::Controlled { start, .. } = ttl { seconds(*start) } else { 0.0 };
        Self { ttl, modifiers, draw, fetch_time: BTreeMap::new(), steered, requests: 0 }
    }

    /// Until when a value stored at `now` is fresh; a fetch brought it if that told something.
    pub(crate) fn fresh_until(&mut self, object: usize, size: u64, now: u64, told: Option<Told>) -> u64 {
        let base = match self.ttl {
            Ttl::None => u64::MAX,
            Ttl::Fixed(ttl) => *ttl,
            Ttl::ClassTable(ttls) => ttls[object],
            Ttl::Sliding { idle, .. } => *idle,
            Ttl::SizePower { t0, s0, gamma, within } => {
                nearest(*within, seconds(*t0) * (*s0 as f64 / size.max(1) as f64).powf(*gamma))
            }
            Ttl::CostProportional { k, ewma, within } => {
                if let Some(told) = told {
                    let took = seconds(told.took);
                    let mean = self.fetch_time.entry(object).or_insert(took);
                    *mean += ewma * (took - *mean);
                }
                nearest(*within, k * self.fetch_time.get(&object).copied().unwrap_or(0.0))
            }
            Ttl::LastModifiedFraction { f, within } => told
                .and_then(|told| told.made)
                .map_or(within.0, |made| nearest(*within, f * seconds(now - made))),
            Ttl::BreakEven { .. } => self.break_even(size),
            Ttl::Controlled { .. } => nanos(self.steered),
        };
        now.saturating_add(self.bend(object, base, now))
    }

    fn break_even(&self, size: u64) -> u64 {
        let Ttl::BreakEven { miss_cost, price_per_gb_hour, within, .. } = self.ttl else { return 0 };
        nearest(*within, miss_cost / (price_per_gb_hour / (1e9 * 3_600.0) * size.max(1) as f64))
    }

    fn bend(&self, object: usize, base: u64, drawn_at: u64) -> u64 {
        let mut ttl = base;
        for (place, modifier) in self.modifiers.iter().enumerate() {
            let draw = (self.draw)(place, object, drawn_at);
            ttl = match modifier {
                Modifier::Clamp(least, most) => ttl.clamp(*least, *most),
                _ if ttl == u64::MAX => ttl,
                Modifier::Spread(spread) => part(ttl, 1.0 + spread * (2.0 * draw - 1.0)),
                Modifier::Longer(most) => ttl.saturating_add(part(*most, draw)),
            };
        }
        ttl
    }

    /// Until when a fresh value that is read at `now` stays fresh; nothing if reads do not matter.
    pub(crate) fn touched(&self, object: usize, size: u64, stored_at: u64, now: u64) -> Option<u64> {
        let (ttl, max_age) = match self.ttl {
            Ttl::Sliding { idle, max_age } => (*idle, *max_age),
            Ttl::BreakEven { max_age, .. } => (self.break_even(size), *max_age),
            Ttl::Controlled { touch: true, max_age, .. } => (nanos(self.steered), *max_age),
            _ => return None,
        };
        Some(now.saturating_add(self.bend(object, ttl, now)).min(stored_at.saturating_add(max_age)))
    }

    /// A request has ended, with a fresh hit or not.
    pub(crate) fn seen(&mut self, fresh: bool) {
        if let Ttl::Controlled { target, a0, max_ttl, .. } = self.ttl {
            self.requests += 1;
            let step = a0 * seconds(*max_ttl) / (self.requests as f64).powf(0.6);
            let off = target - if fresh { 1.0 } else { 0.0 };
            self.steered = (self.steered + step * off).clamp(0.0, seconds(*max_ttl));
        }
    }
}
