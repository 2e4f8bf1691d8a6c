//! A TTL that moves towards a target hit ratio, request by request: stochastic approximation.
//!
//! At the l-th request, `y` = 1 for a fresh hit and else 0, `TTL <- TTL + eta(l) w (target - y)`, kept between 0 and
//! the greatest TTL, with a step `eta(l) = a0 max_ttl / l^exponent` (Basu et al., ToN 2018). A hit shortens the
//! TTL and a miss lengthens it. No parameter can turn that sign round: a TTL that grows with hits would
//! run away to 0 or to its maximum.

use serde::{Deserialize, Serialize};

use crate::catalog::{Invalid, Kind, Param};
use crate::strategy::Traffic;
use crate::strategy::ttl::{Saw, Seen};
use crate::units::SimDuration;

/// What the rules that approach a hit ratio take.
pub(super) const TARGET: Param = Param::number("target", "hit ratio to reach: fresh hits of all requests")
    .default("0.9")
    .above("0")
    .below("1");
pub(super) const A0: Param = Param::number("a0", "size of the first step, as a share of max_ttl")
    .default("0.05")
    .from("0.001")
    .to("1");
pub(super) const EXPONENT: Param = Param::number(
    "exponent",
    "how fast steps shrink: above 0.5 and below 1, or 0 for steps of floor_step for ever",
)
.default("0.6")
.from("0")
.below("1");
pub(super) const FLOOR_STEP: Param = Param::duration(
    "floor_step",
    "steps never become shorter than this, so that the ttl can follow a day's course",
)
.default("0s")
.to("1d");
pub(super) const MAX_TTL: Param =
    Param::duration("max_ttl", "the longest ttl").default("24h").from("1s").to("365d");
pub(super) const START: Param =
    Param::duration("start", "the ttl to begin with, at most max_ttl").default("60s").from("0s").to("365d");
pub(super) const WEIGHT: Param = Param::new(
    "weight",
    Kind::Choice(&["object", "byte"]),
    "whether the target is a ratio of requests or of bytes (a request counts by its size over the mean size, at most 10)",
)
.default("object");

/// What counts as a hit ratio.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Weight {
    Object,
    Byte,
}

/// Where to, and in which steps.
#[derive(Debug, Clone, Copy)]
pub(super) struct Goal {
    pub(super) target: f64,
    pub(super) a0: f64,
    pub(super) exponent: f64,
    pub(super) floor_step: SimDuration,
    pub(super) max_ttl: SimDuration,
    pub(super) start: SimDuration,
    pub(super) weight: Weight,
}

impl Goal {
    /// Refuses what cannot be together, or not with this traffic.
    pub(super) fn check(self, traffic: &Traffic) -> Result<Self, Invalid> {
        if self.weight == Weight::Byte && !traffic.knows_sizes() {
            let what = "weight = \"byte\" needs the sizes of images, but the [trace] tells none";
            return Err(Invalid::param("weight", what)
                .help("write weight = \"object\", or name the column of sizes in [trace] columns"));
        }
        if self.start > self.max_ttl {
            let what = format!("start ({}) is longer than max_ttl ({})", self.start, self.max_ttl);
            return Err(Invalid::param("start", what).help("write a start of at most max_ttl"));
        }
        if self.exponent == 0.0 && self.floor_step.is_zero() {
            return Err(Invalid::param("exponent", "exponent = 0 needs a floor_step, but floor_step is 0s")
                .help("write floor_step = \"1s\", or exponent = 0.6"));
        }
        if self.exponent > 0.0 && self.exponent <= 0.5 {
            let what = format!("exponent must be above 0.5 and below 1, or 0, but is {}", self.exponent);
            return Err(Invalid::param("exponent", what).help("leave it out for the default, 0.6"));
        }
        Ok(self)
    }
}

/// A TTL on its way to the goal.
#[derive(Debug, Clone)]
pub(super) struct Approximation {
    goal: Goal,
    ttl_secs: f64,
    requests: u64,
    /// Bytes asked for so far.
    bytes: f64,
}

impl Approximation {
    /// A TTL at its start.
    pub(super) fn new(goal: Goal) -> Self {
        Self { goal, ttl_secs: goal.start.as_secs_f64(), requests: 0, bytes: 0.0 }
    }

    /// A request has ended: moves the TTL.
    pub(super) fn on_request(&mut self, seen: &Seen) {
        self.requests += 1;
        self.bytes += f64::from(seen.size);
        let Goal { target, max_ttl, weight, .. } = self.goal;
        let (max_ttl, step) = (max_ttl.as_secs_f64(), self.step_secs());
        let weight = match weight {
            Weight::Object => 1.0,
            Weight::Byte if self.bytes > 0.0 => {
                (f64::from(seen.size) * self.requests as f64 / self.bytes).min(10.0)
            }
            Weight::Byte => 0.0,
        };
        let hit = if seen.saw == Saw::Fresh { 1.0 } else { 0.0 };
        self.ttl_secs = (self.ttl_secs + step * weight * (target - hit)).clamp(0.0, max_ttl);
    }

    /// How far the latest request could move the TTL.
    fn step_secs(&self) -> f64 {
        let Goal { a0, exponent, floor_step, max_ttl, .. } = self.goal;
        let requests = self.requests.max(1) as f64;
        let shrinking =
            if exponent > 0.0 { a0 * max_ttl.as_secs_f64() / requests.powf(exponent) } else { 0.0 };
        shrinking.max(floor_step.as_secs_f64())
    }

    /// Requests seen so far.
    pub(super) fn requests(&self) -> u64 {
        self.requests
    }

    /// The TTL now.
    pub(super) fn ttl(&self) -> SimDuration {
        SimDuration::from_secs_f64(self.ttl_secs)
    }

    /// The TTL now in seconds.
    pub(super) fn ttl_secs(&self) -> f64 {
        self.ttl_secs
    }

    /// Whether it can go no further: it stands at a limit, or one step below the upper one, as after a hit there.
    pub(super) fn is_pinned(&self) -> bool {
        self.ttl_secs <= 0.0 || self.ttl_secs > self.goal.max_ttl.as_secs_f64() - self.step_secs()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::strategy::ttl::rule::fixture;
    use crate::trace::{ClassId, ObjectId};

    fn seen(saw: Saw, size: u32) -> Seen {
        Seen { at: fixture::at(0), object: ObjectId::new(0), class: ClassId::new(0), size, saw }
    }

    fn goal() -> Goal {
        Goal {
            target: 0.8,
            a0: 0.05,
            exponent: 0.6,
            floor_step: SimDuration::ZERO,
            max_ttl: SimDuration::from_secs(1_000),
            start: SimDuration::from_secs(100),
            weight: Weight::Object,
        }
    }

    #[test]
    fn a_hit_shortens_and_a_miss_lengthens_and_only_fresh_hits_count() {
        let after = |saw| {
            let mut ttl = Approximation::new(goal());
            ttl.on_request(&seen(saw, 1));
            ttl.ttl_secs()
        };
        // The first step is a0 x max_ttl = 50 s.
        assert!((after(Saw::Fresh) - (100.0 - 50.0 * 0.2)).abs() < 1e-9);
        for saw in [Saw::Missed, Saw::Joined, Saw::Stale, Saw::Failed] {
            assert!((after(saw) - (100.0 + 50.0 * 0.8)).abs() < 1e-9, "{saw:?}");
        }
    }

    #[test]
    fn steps_shrink_to_the_floor() {
        let mut ttl = Approximation::new(Goal { floor_step: SimDuration::from_secs(10), ..goal() });
        (0..100_000).for_each(|_| ttl.on_request(&seen(Saw::Missed, 1)));
        assert!(ttl.is_pinned() && ttl.ttl() == SimDuration::from_secs(1_000));
        ttl.on_request(&seen(Saw::Fresh, 1));
        assert!((ttl.ttl_secs() - (1_000.0 - 10.0 * 0.2)).abs() < 1e-9);
    }

    #[test]
    fn a_byte_ratio_weighs_requests_by_their_size() {
        let mut ttl = Approximation::new(Goal {
            weight: Weight::Byte,
            exponent: 0.0,
            floor_step: SimDuration::from_secs(10),
            ..goal()
        });
        ttl.on_request(&seen(Saw::Missed, 100));
        assert!((ttl.ttl_secs() - 108.0).abs() < 1e-9, "the first request is as large as the mean");
        ttl.on_request(&seen(Saw::Missed, 300));
        assert!(
            (ttl.ttl_secs() - (108.0 + 8.0 * 1.5)).abs() < 1e-9,
            "300 bytes are 1.5 times the mean of 200"
        );
    }

    #[test]
    fn steps_that_never_settle_or_never_move_are_refused() {
        assert!(Goal { exponent: 0.5, ..goal() }.check(&Traffic::default()).is_err());
        assert!(Goal { exponent: 0.0, ..goal() }.check(&Traffic::default()).is_err());
        assert!(Goal { start: SimDuration::from_secs(2_000), ..goal() }.check(&Traffic::default()).is_err());
        assert!(goal().check(&Traffic::default()).is_ok());
    }
}
