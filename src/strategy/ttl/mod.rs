//! How long an entry stays fresh: `base (rule) → modifiers → resolution of the cache`.

pub mod modifier;
pub mod rule;

use super::TtlResolution;
use crate::random::Seed;
use crate::trace::{ClassId, ObjectId};
use crate::units::{SimDuration, SimTime};

/// What is known when a TTL is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fill {
    /// The object that is stored.
    pub object: ObjectId,
    /// Its class.
    pub class: ClassId,
    /// Size of its value in bytes.
    pub size: u32,
    /// When it is stored (or touched); draws belong to the object and this instant.
    pub at: SimTime,
}

/// What is known when a fresh entry is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Read {
    /// When.
    pub now: SimTime,
    /// When the value was stored.
    pub stored_at: SimTime,
}

/// A TTL set anew by a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Touch {
    /// From now on, before modifiers.
    pub ttl: SimDuration,
    /// But not beyond this instant.
    pub not_after: SimTime,
    /// Whether modifiers draw anew for this touch, or keep to what they drew at the store.
    pub redraw: bool,
}

/// A rule that says how long an entry stays fresh.
pub trait TtlRule: Send {
    /// The TTL of a value that is stored now.
    fn fresh_for(&mut self, fill: &Fill) -> SimDuration;

    /// Whether a read of a fresh entry sets its TTL anew.
    fn on_read(&mut self, _read: &Read) -> Option<Touch> {
        None
    }
}

/// Something that bends a TTL.
pub trait TtlModifier: Send {
    /// The TTL that results from `ttl`.
    fn adjust(&mut self, fill: &Fill, ttl: SimDuration) -> SimDuration;
}

/// A rule, what bends it, and the resolution in which the cache keeps the result.
pub struct Ttl {
    rule: Box<dyn TtlRule>,
    modifiers: Vec<Box<dyn TtlModifier>>,
    resolution: TtlResolution,
    rounding: Seed,
}

impl Ttl {
    /// Joins the parts.
    pub fn new(
        rule: Box<dyn TtlRule>,
        modifiers: Vec<Box<dyn TtlModifier>>,
        resolution: TtlResolution,
        seed: Seed,
    ) -> Self {
        Self { rule, modifiers, resolution, rounding: seed.of("ttl-resolution") }
    }

    /// Until when a value stored now stays fresh.
    pub fn fresh_until(&mut self, fill: &Fill) -> SimTime {
        let base = self.rule.fresh_for(fill);
        fill.at + self.bend(fill, base)
    }

    /// Until when a fresh entry that is read now stays fresh; `None` if reads change nothing.
    pub fn touched(&mut self, fill: &Fill, stored_at: SimTime) -> Option<SimTime> {
        let touch = self.rule.on_read(&Read { now: fill.at, stored_at })?;
        let drawn_at = if touch.redraw { fill.at } else { stored_at };
        let ttl = self.bend(&Fill { at: drawn_at, ..*fill }, touch.ttl);
        Some((fill.at + ttl).min(touch.not_after))
    }

    fn bend(&mut self, fill: &Fill, base: SimDuration) -> SimDuration {
        let ttl = self.modifiers.iter_mut().fold(base, |ttl, modifier| modifier.adjust(fill, ttl));
        self.rounded(fill, ttl)
    }

    /// Rounds to the cache's resolution so that the mean is kept: up or down by chance, at least one step.
    fn rounded(&self, fill: &Fill, ttl: SimDuration) -> SimDuration {
        let Some(step) = self.resolution.step().filter(|_| ttl != SimDuration::FOREVER) else { return ttl };
        let (whole, rest) = (ttl.as_nanos() / step.as_nanos(), ttl.as_nanos() % step.as_nanos());
        let up = rest > 0 && {
            let draw = self.rounding.unit(u64::from(fill.object.as_u32()), fill.at.as_nanos());
            draw * (step.as_nanos() as f64) < rest as f64
        };
        SimDuration::from_nanos((whole + u64::from(up)).max(1).saturating_mul(step.as_nanos()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Always(SimDuration);
    impl TtlRule for Always {
        fn fresh_for(&mut self, _: &Fill) -> SimDuration {
            self.0
        }
    }

    fn fill(at: u64) -> Fill {
        Fill { object: ObjectId::new(1), class: ClassId::new(0), size: 1, at: SimTime::from_nanos(at) }
    }

    #[test]
    fn rounding_to_seconds_keeps_the_mean() {
        let ttl = SimDuration::from_millis(2_300);
        let mut ttl = Ttl::new(Box::new(Always(ttl)), Vec::new(), TtlResolution::Seconds, Seed::new(5));
        let n = 100_000;
        let mut sum = 0.0;
        for at in 0..n {
            let span = ttl.fresh_until(&fill(at)).since(SimTime::from_nanos(at));
            assert!(span == SimDuration::from_secs(2) || span == SimDuration::from_secs(3), "{span}");
            sum += span.as_secs_f64();
        }
        // 2 or 3 with chance .3: the standard error of the mean is sqrt(.21 / n).
        assert!((sum / n as f64 - 2.3).abs() < 4.0 * (0.21 / n as f64).sqrt());
    }

    #[test]
    fn whole_steps_and_for_ever_are_left_alone() {
        for span in [SimDuration::from_secs(10), SimDuration::FOREVER] {
            let mut ttl = Ttl::new(Box::new(Always(span)), Vec::new(), TtlResolution::Seconds, Seed::new(5));
            assert_eq!(ttl.fresh_until(&fill(7)), SimTime::from_nanos(7) + span);
        }
        let mut short = Ttl::new(
            Box::new(Always(SimDuration::from_nanos(1))),
            Vec::new(),
            TtlResolution::Milliseconds,
            Seed::new(5),
        );
        assert_eq!(short.fresh_until(&fill(0)), SimTime::from_nanos(1_000_000));
    }
}
