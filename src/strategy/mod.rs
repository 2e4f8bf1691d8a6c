//! What is tuned: how the application uses the cache.
//!
//! A strategy is a TTL (a rule and what bends it), a refresh policy that says *when* a fetch is
//! wanted, a guard that says *who* may fetch, and a sweep that cleans up. It sees what a real application could see: its
//! own clock, what it stored, what a fetch brought. It cannot see the future or the origin.

pub mod guard;
pub mod per_object;
pub mod refresh;
pub mod sweep;
mod traffic;
pub mod ttl;

pub use traffic::Traffic;

use guard::StampedeGuard;
use refresh::RefreshPolicy;
use refresh::addon::{FailSafe, RefreshAddon, Warming};
use sweep::Sweep;
use ttl::Ttl;

use crate::catalog::{Chosen, Fault};
use crate::client::Client;
use crate::random::Seed;
use crate::units::{Fraction, SimDuration, SimTime};

/// What the parts of a strategy may know of the run when they are made.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The names of the classes, by id.
    pub classes: Vec<String>,
    /// How many objects there can be.
    pub objects: usize,
    /// How many fetches the origin serves at once, as its operator knows; `None` if any number.
    pub servers: Option<u32>,
    /// What the operator knows of the traffic.
    pub traffic: Traffic,
    /// Root of the strategy's own chance.
    pub seed: Seed,
}

/// The smallest step in which the cache keeps TTLs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub enum TtlResolution {
    /// Whole milliseconds, as SET with PX.
    #[default]
    #[serde(rename = "1ms")]
    Milliseconds,
    /// Whole seconds, as SETEX and EXPIRE.
    #[serde(rename = "1s")]
    Seconds,
    /// As computed; for checks against theory.
    #[serde(rename = "exact")]
    Exact,
}

impl TtlResolution {
    /// The step; `None` where there is none.
    pub fn step(self) -> Option<SimDuration> {
        match self {
            Self::Milliseconds => Some(SimDuration::from_millis(1)),
            Self::Seconds => Some(SimDuration::from_secs(1)),
            Self::Exact => None,
        }
    }

    /// Whether the cache keeps a TTL as it is, without rounding by chance.
    pub fn keeps(self, ttl: SimDuration) -> bool {
        let (whole, rest) = self.steps_of(ttl);
        self == Self::Exact || ttl == SimDuration::FOREVER || (rest == 0 && whole > 0)
    }

    /// How many whole steps a span has, and the nanoseconds beyond them.
    fn steps_of(self, span: SimDuration) -> (u64, u64) {
        const MILLISECOND: u64 = 1_000_000;
        const SECOND: u64 = 1_000 * MILLISECOND;
        let nanos = span.as_nanos();
        // A division by a constant is a multiplication.
        match self {
            Self::Milliseconds => (nanos / MILLISECOND, nanos % MILLISECOND),
            Self::Seconds => (nanos / SECOND, nanos % SECOND),
            Self::Exact => (nanos, 0),
        }
    }
}

/// Where the application keeps the deadline after which a value that is still there is stale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SoftExpiry {
    /// Inside the value, which is 16 bytes longer, counted where memory is not that of images alone. Where it moves, the
    /// whole value is written again.
    #[default]
    Envelope,
    /// Nowhere: it is the key's own less the stale window, so that every read asks for its PTTL as well.
    Pttl,
    /// In a second key of 8 bytes: one more GET for every read, one more SET for every value that is written or given
    /// another deadline. Where memory is counted as a server counts it, it takes all that a key takes, and is evicted by
    /// itself; a value without it is not served.
    Sidecar,
}

impl SoftExpiry {
    /// Bytes that it adds to a value.
    fn bytes(self) -> u32 {
        if self == Self::Envelope { 16 } else { 0 }
    }

    /// Whether it lies in a key of its own beside that of the value.
    fn is_beside(self) -> bool {
        self == Self::Sidecar
    }
}

/// A strategy as a scenario describes it.
#[derive(Debug, Clone)]
pub struct Design {
    /// Its name in every table and chart.
    pub name: String,
    /// Whether the others are compared with it.
    pub baseline: bool,
    /// How long an entry stays fresh.
    pub rule: Chosen<dyn ttl::TtlRule, Setup>,
    /// What bends that, in order.
    pub modifiers: Vec<Chosen<dyn ttl::TtlModifier, Setup>>,
    /// When a fetch is wanted.
    pub refresh: Chosen<dyn RefreshPolicy, Setup>,
    /// What is added to that.
    pub addons: Vec<Chosen<dyn RefreshAddon, Setup>>,
    /// Who may fetch.
    pub guard: Chosen<dyn StampedeGuard, Setup>,
    /// What the application cleans up.
    pub sweep: Chosen<dyn Sweep, Setup>,
    /// How its requests are asked: as the scenario's client does, but for what the strategy says itself.
    pub client: Client,
    /// Where a deadline before the key's own is kept, if there is one.
    pub soft_expiry: SoftExpiry,
    /// Whether its author knows that two controllers move one TTL.
    pub allow_two_controllers: bool,
}

/// A strategy at work in one simulation.
pub struct Strategy {
    /// How long entries stay fresh.
    pub ttl: Ttl,
    /// When a fetch is wanted.
    pub refresh: Box<dyn RefreshPolicy>,
    /// The part of a fetch's time that it takes to learn that nothing changed, where fetches ask that.
    pub validates_at: Option<Fraction>,
    /// What to do when a fetch fails.
    pub fail_safe: Option<FailSafe>,
    /// Who may fetch.
    pub guard: Box<dyn StampedeGuard>,
    /// What the application cleans up; `None` where that is nothing.
    pub sweep: Option<Box<dyn Sweep>>,
    /// Which uploads put the new version into the cache at once; `None` where none does.
    pub warms: Option<Warming>,
    /// Where the deadline of freshness is kept; `None` where it is the key's own.
    pub deadlines: Option<SoftExpiry>,
    /// How long beyond its logical TTL a value is kept for the guard or an add-on.
    kept_for: SimDuration,
}

impl Strategy {
    /// Bytes that the application stores with every value: a deadline, or what its refresh policy must know.
    pub fn bytes_beside(&self) -> u32 {
        self.deadlines.map_or(0, SoftExpiry::bytes) + self.refresh.bytes_beside()
    }

    /// Whether the application keeps a second key with its deadline beside every value.
    pub fn has_second_key(&self) -> bool {
        self.deadlines.is_some_and(SoftExpiry::is_beside)
    }

    /// Until when the cache keeps a value stored (or touched) at `at`, which is fresh until `fresh_until`.
    pub fn keep_until(&self, at: SimTime, fresh_until: SimTime) -> SimTime {
        self.refresh.keep_until(at, fresh_until).max(fresh_until + self.kept_for)
    }
}

impl Design {
    /// What a modifier `clamp` makes of a TTL without an end; `None` without such a modifier, which leaves it without one.
    pub fn end_of_endless(&self) -> Option<SimDuration> {
        let clamps = self.modifiers.iter().filter(|modifier| modifier.name() == "clamp");
        let limits = clamps.filter_map(|clamp| clamp.duration_of("min").zip(clamp.duration_of("max")));
        limits.fold(None, |ttl: Option<SimDuration>, (min, max)| {
            // Limits the wrong way round are refused elsewhere.
            Some(ttl.map_or(max, |ttl| ttl.max(min).min(max)))
        })
    }

    /// Makes the strategy for one simulation.
    pub fn make(&self, setup: &Setup, resolution: TtlResolution) -> Result<Strategy, Fault> {
        let modifiers = self.modifiers.iter().enumerate().map(|(place, chosen)| {
            // Two modifiers of one kind draw independently.
            let seed = setup.seed.of(chosen.name()).nth(place as u64);
            chosen.make(&Setup { seed, ..setup.clone() })
        });
        let addons: Vec<_> = self.addons.iter().map(|chosen| chosen.make(setup)).collect::<Result<_, _>>()?;
        let guard = self.guard.make(setup)?;
        let kept_for = addons.iter().map(|addon| addon.stale_window()).fold(guard.stale_window(), Ord::max);
        let refresh = self.refresh.make(setup)?;
        let at = SimTime::ZERO;
        let is_kept_longer = !kept_for.is_zero() || refresh.keep_until(at, at) > at;
        Ok(Strategy {
            warms: addons.iter().find_map(|addon| addon.warms()),
            deadlines: is_kept_longer.then_some(self.soft_expiry),
            validates_at: addons.iter().find_map(|addon| addon.validates_at()),
            fail_safe: addons.iter().find_map(|addon| addon.fail_safe()),
            kept_for,
            sweep: Some(self.sweep.make(setup)?).filter(|sweep| sweep.is_active()),
            ttl: Ttl::new(
                self.rule.make(setup)?,
                modifiers.collect::<Result<_, _>>()?,
                resolution,
                setup.seed,
            ),
            refresh,
            guard,
        })
    }
}
