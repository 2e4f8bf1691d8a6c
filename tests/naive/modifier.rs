//! What bends a TTL.

use std::collections::BTreeSet;

use super::Fate;
use super::schedule::Clock;
use super::ttl::{part, seconds};

/// A modifier; the numbers in 0 to 1 that chance gives come from outside.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Modifier {
    /// The factor of the hour and the day.
    Clock(Clock),
    /// The recent rate of requests over the mean, to a power.
    Active {
        of: Activity,
        half_life: u64,
        power: f64,
        within: (f64, f64),
    },
    /// More while servers are busy, or, where those count that wait for one, while more than one wait.
    Loaded {
        servers: f64,
        queue: bool,
        from: f64,
        to: f64,
        most: f64,
        window: u64,
        hysteresis: f64,
        extends: bool,
    },
    Clamp(u64, u64),
    Spread(f64),
    /// The same at every store of an object.
    SpreadForGood(f64),
    Longer(u64),
}

impl Modifier {
    /// Whether it moves TTLs while the run goes on.
    pub(crate) fn moves(&self) -> bool {
        matches!(self, Self::Clock(..) | Self::Active { .. } | Self::Loaded { .. })
    }
}

/// Whose requests count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Activity {
    Object,
    Class,
    All,
}

/// All modifiers and all that happened so far.
pub(super) struct Bender<'a> {
    modifiers: &'a [Modifier],
    classes: &'a [usize],
    fate: &'a dyn Fate,
    /// When each request was answered, and what it asked for.
    requests: Vec<(u64, usize)>,
    /// Since when so many fetches are in flight.
    in_flight: Vec<(u64, u64)>,
    /// The load that each modifier follows, by place.
    followed: Vec<f64>,
    /// When loads were looked at last.
    looked: u64,
}

impl<'a> Bender<'a> {
    pub(super) fn new(modifiers: &'a [Modifier], classes: &'a [usize], fate: &'a dyn Fate) -> Self {
        let followed = vec![0.0; modifiers.len()];
        Self { modifiers, classes, fate, requests: Vec::new(), in_flight: vec![(0, 0)], followed, looked: 0 }
    }

    pub(super) fn seen(&mut self, object: usize, now: u64) {
        self.requests.push((now, object));
    }

    /// There is one fetch more in flight, or one less.
    pub(super) fn loaded(&mut self, now: u64, more: bool) {
        self.look(now);
        let before = self.in_flight[self.in_flight.len() - 1].1;
        self.in_flight.push((now, if more { before + 1 } else { before - 1 }));
    }

    /// Follows the load where it has moved far enough.
    fn look(&mut self, now: u64) {
        self.looked = self.looked.max(now);
        for (place, modifier) in self.modifiers.iter().enumerate() {
            if let Modifier::Loaded { servers, queue, window, hysteresis, .. } = modifier {
                let most = if *queue { f64::INFINITY } else { 1.0 };
                let average = self.average(*servers, *window, most);
                if (average - self.followed[place]).abs() >= *hysteresis {
                    self.followed[place] = average;
                }
            }
        }
    }

    /// The load at all times so far, each at most so high and weighted by how long ago it was.
    fn average(&self, servers: f64, window: u64, most: f64) -> f64 {
        let weight = |at: u64| (-(seconds(self.looked - at) / seconds(window))).exp();
        let ends = self.in_flight.iter().skip(1).map(|(at, _)| *at).chain([self.looked]);
        let stretches = self.in_flight.iter().zip(ends);
        stretches
            .map(|((from, many), to)| (*many as f64 / servers).min(most) * (weight(to) - weight(*from)))
            .sum()
    }

    /// Whether reads lengthen what is there already.
    pub(super) fn extends(&mut self, now: u64) -> bool {
        // Only who would lengthen looks at the load when a value is read.
        let asks = |modifier: &Modifier| matches!(modifier, Modifier::Loaded { extends: true, .. });
        if self.modifiers.iter().any(asks) {
            self.look(now);
        }
        self.modifiers.iter().zip(&self.followed).any(|(modifier, followed)| {
            matches!(modifier, Modifier::Loaded { extends: true, to, .. } if followed > to)
        })
    }

    /// The TTL of a value that is stored or read at `at`, with what was drawn at `drawn_at`.
    pub(super) fn bend(&mut self, object: usize, base: u64, at: u64, drawn_at: u64) -> u64 {
        self.look(at);
        let mut ttl = base;
        for (place, modifier) in self.modifiers.iter().enumerate() {
            let draw = match modifier {
                Modifier::SpreadForGood(_) => self.fate.jitter_for_good(place, object),
                _ => self.fate.jitter(place, object, drawn_at),
            };
            ttl = match modifier {
                Modifier::Clamp(least, most) => ttl.clamp(*least, *most),
                _ if ttl == u64::MAX => ttl,
                Modifier::Clock(clock) => part(ttl, clock.factor(at)),
                Modifier::Active { of, half_life, power, within } => self
                    .active(object, at, *of, *half_life)
                    .map_or(ttl, |relative| part(ttl, relative.powf(*power).clamp(within.0, within.1))),
                Modifier::Loaded { from, to, most, .. } => {
                    let share = ((self.followed[place] - from) / (to - from)).clamp(0.0, 1.0);
                    part(ttl, 1.0 + (most - 1.0) * share)
                }
                Modifier::Spread(spread) | Modifier::SpreadForGood(spread) => {
                    part(ttl, 1.0 + spread * (2.0 * draw - 1.0))
                }
                Modifier::Longer(most) => ttl.saturating_add(part(*most, draw)),
            };
        }
        ttl
    }

    /// The recent rate over the mean; none before there is anything to compare.
    fn active(&self, object: usize, at: u64, of: Activity, half_life: u64) -> Option<f64> {
        let counts = |other: usize| match of {
            Activity::Object => other == object,
            Activity::Class => self.classes[other] == self.classes[object],
            Activity::All => true,
        };
        let own: Vec<u64> =
            self.requests.iter().filter(|(_, other)| counts(*other)).map(|(at, _)| *at).collect();
        let objects: BTreeSet<usize> = self.requests.iter().map(|(_, object)| *object).collect();
        let many = match of {
            Activity::Object => self.requests.len() as f64 / objects.len().max(1) as f64,
            Activity::Class | Activity::All => own.len() as f64,
        };
        if at == 0 || many <= 0.0 {
            return None;
        }
        let left = |ago: u64| 0.5_f64.powf(seconds(ago) / seconds(half_life));
        let latest = own.last().map_or(at, |last| at.max(*last));
        // An empty sum of floats is -0, whose negative powers lie at the wrong end.
        let weight = own.iter().fold(0.0, |weight, request| weight + left(latest - request));
        // What a steady stream of one request a second would have by now.
        let steady = seconds(half_life) / std::f64::consts::LN_2 * (1.0 - left(at));
        Some(weight / steady / (many / seconds(at)))
    }
}
