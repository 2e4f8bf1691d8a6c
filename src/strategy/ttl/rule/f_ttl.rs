//! Steers a TTL towards a target hit ratio, and a second, shorter one towards a target size.
//!
//! Most images that are asked for once are never asked for again. Here an unknown object is stored for a short while only
//! (the filter), and only its name is remembered for the full TTL (a shadow). Whoever is asked for again,
//! in the filter or while its shadow lives, gets the full TTL at every request. The full TTL is steered as by `d-ttl`; the filter's,
//! a share `s` of it, by `s <- s + eta (size - added) / size` at every request: `added` is the time of storage that the request
//! added (up to the new deadline, from the old one where that is still to come), `size` the target divided by the rate of
//! requests (Little's law), and `eta = .1 / l^.7` (f-TTL: Basu et al., ToN 2018; this form of the update is ours).
//!
//! There is a least size: with the filter closed every object is stored at its second request only. A smaller
//! target leaves the filter closed, while the hit ratio is still held; the record says so (`pinned_share` of `f-ttl/filter`).
//!
//! Shadows take memory as well. Kept in the server, each is a key of its own without a value: 128 bytes of Redis 7 for a
//! name of 24 bytes, as a distribution builds it, and 104 as released, the tables left out. They are not among what the
//! cache holds, nor charged to its limit: the record tells beside it how many there were (`shadows` of `f-ttl/filter`),
//! and the report what that comes to. Neither are their commands counted, which are a SET for each value that the filter takes and an EXISTS
//! for each miss. One process alone can keep its shadows in its own memory instead, and needs no command for them.
//!
//! ```toml
//! ttl = { rule = "f-ttl", target = 0.6, size_target = { objects = 5_000 }, max_ttl = "24h" }
//! ```

use serde::{Deserialize, Serialize};

use super::approximation::{
    A0, Approximation, EXPONENT, FLOOR_STEP, Goal, MAX_TTL, START, TARGET, WEIGHT, Weight,
};
use super::{MAX_AGE, max_age};
use crate::cache::heap::Heap;
use crate::catalog::{Invalid, Kind, Param, Plugin};
use crate::strategy::Setup;
use crate::strategy::ttl::{Fill, Needs, Read, Saw, Seen, Steered, Touch, TtlRule};
use crate::trace::ObjectId;
use crate::units::{ByteSize, SimDuration, SimTime};

/// Parameters of [`FTtl`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    target: f64,
    size_target: Size,
    a0: f64,
    exponent: f64,
    floor_step: SimDuration,
    max_ttl: SimDuration,
    start: SimDuration,
    weight: Weight,
    max_age: String,
}

/// How much the cache shall hold on average.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(untagged, expecting = "size_target is a size, such as \"64MiB\", or { objects = 1000 }")]
enum Size {
    Bytes(ByteSize),
    Objects { objects: u64 },
}

/// A TTL behind a filter.
#[derive(Debug)]
pub struct FTtl {
    ttl: Approximation,
    /// The filter's TTL as a share of the other.
    share: f64,
    size: Size,
    /// Until when each object is known; before its first request the beginning of time.
    known_until: Vec<SimTime>,
    /// The deadline of each object's value, before modifiers, as it was last set; before its first store the beginning of time.
    held_until: Vec<SimTime>,
    shadows: Shadows,
    /// When the latest request was over.
    now: SimTime,
    max_age: SimDuration,
}

/// Names that are remembered without a value, each from the filter's store on until the full TTL is over or the object is
/// asked for again.
#[derive(Debug)]
struct Shadows {
    /// Until when each name is remembered so, one end an object.
    ends: Heap<SimTime>,
}

impl Shadows {
    fn new(objects: usize) -> Self {
        Self { ends: Heap::new(objects) }
    }

    fn cast(&mut self, object: ObjectId, until: SimTime) {
        self.ends.set(object, until);
    }

    fn lift(&mut self, object: ObjectId) {
        self.ends.remove(object);
    }

    /// How many there are; time must not go back.
    fn at(&mut self, now: SimTime) -> u64 {
        while let Some((until, object)) = self.ends.first()
            && until < now
        {
            self.lift(object);
        }
        self.ends.len()
    }
}

impl Plugin for FTtl {
    const NAME: &'static str = "f-ttl";
    const SUMMARY: &'static str = "Steers the TTL towards a target hit ratio and keeps objects that are asked for once out, for a target size.";
    const PARAMS: &'static [Param] = &[
        TARGET,
        Param::new(
            "size_target",
            Kind::Table("objects = number, or a size"),
            "how much the cache shall hold on average: a size, or { objects = number }",
        )
        .required(),
        A0,
        EXPONENT,
        FLOOR_STEP,
        MAX_TTL,
        START,
        WEIGHT,
        MAX_AGE,
    ];
    type Params = Params;
    type Setup = Setup;

    fn new(params: &Params, setup: &Setup) -> Result<Self, Invalid> {
        let Params { target, a0, exponent, floor_step, max_ttl, start, weight, size_target, .. } = *params;
        let goal = Goal { target, a0, exponent, floor_step, max_ttl, start, weight }.check(&setup.traffic)?;
        if matches!(size_target, Size::Objects { objects: 0 } | Size::Bytes(ByteSize::ZERO)) {
            return Err(Invalid::param(
                "size_target",
                "size_target must be above 0, because storage is measured against it",
            ));
        }
        if matches!(size_target, Size::Bytes(_)) && !setup.traffic.knows_sizes() {
            let what = "a size_target in bytes needs the sizes of images, but the [trace] tells none";
            return Err(Invalid::param("size_target", what).help(
                "write size_target = { objects = 5_000 }, or name the column of sizes in [trace] columns",
            ));
        }
        Ok(Self {
            ttl: Approximation::new(goal),
            share: 1.0,
            size: size_target,
            known_until: vec![SimTime::ZERO; setup.objects],
            held_until: vec![SimTime::ZERO; setup.objects],
            shadows: Shadows::new(setup.objects),
            now: SimTime::ZERO,
            max_age: max_age(&params.max_age, max_ttl, "max_ttl")?,
        })
    }
}

impl FTtl {
    /// How far the latest request could move the filter's share, were its target met.
    fn step(&self) -> f64 {
        0.1 / (self.ttl.requests().max(1) as f64).powf(0.7)
    }

    /// A request has added `added` to the time for which a value of `size` bytes is stored: opens or closes the filter.
    fn store(&mut self, added: SimDuration, size: u32) {
        let elapsed = self.now.as_secs_f64();
        let requests = self.ttl.requests();
        if elapsed <= 0.0 || requests == 0 {
            return;
        }
        let (size_target, unit) = match self.size {
            Size::Objects { objects } => (objects as f64, 1.0),
            Size::Bytes(bytes) => (bytes.as_bytes() as f64, f64::from(size)),
        };
        let target = size_target * elapsed / requests as f64;
        let step = self.step();
        self.share = (self.share + step * (target - added.as_secs_f64() * unit) / target).clamp(0.0, 1.0);
    }
}

impl TtlRule for FTtl {
    fn fresh_for(&mut self, fill: &Fill) -> SimDuration {
        let asked = fill.told.map_or(fill.at, |told| fill.at.before(told.fetch_time));
        let known = &mut self.known_until[fill.object.index()];
        let ttl = self.ttl.ttl();
        let is_known = *known != SimTime::ZERO && asked <= *known;
        let given = if is_known { ttl } else { ttl.scaled(self.share) };
        *known = fill.at + ttl;
        if is_known {
            self.shadows.lift(fill.object);
        } else {
            self.shadows.cast(fill.object, *known);
        }
        // Where a value takes the place of one that has time left, only what comes after that is added.
        let held_until = fill.at + given;
        let before = std::mem::replace(&mut self.held_until[fill.object.index()], held_until);
        self.store(held_until.since(before.max(fill.at)), fill.size);
        given
    }

    fn max_age(&self) -> Option<SimDuration> {
        Some(self.max_age)
    }

    fn on_read(&mut self, read: &Read) -> Option<Touch> {
        let ttl = self.ttl.ttl();
        let until = (read.now + ttl).min(read.stored_at + self.max_age);
        self.known_until[read.object.index()] = until;
        self.held_until[read.object.index()] = until;
        self.shadows.lift(read.object);
        self.store(until.since(read.fresh_until), read.size);
        Some(Touch { ttl, redraw: true })
    }

    fn needs(&self) -> Needs {
        Needs { reads: true, requests: true, ..Needs::default() }
    }

    fn on_request(&mut self, seen: &Seen) {
        self.now = seen.at;
        self.ttl.on_request(seen);
        // What reads and fills add is counted where it happens; everything else adds nothing.
        if matches!(seen.saw, Saw::Joined | Saw::Stale | Saw::Failed) {
            self.store(SimDuration::ZERO, seen.size);
        }
    }

    fn varies(&self) -> bool {
        true
    }

    fn steered(&mut self, at: SimTime) -> Vec<Steered> {
        let filter = SimDuration::from_secs_f64(self.ttl.ttl_secs() * self.share);
        vec![
            Steered {
                name: Self::NAME,
                class: None,
                ttl: self.ttl.ttl(),
                pinned: self.ttl.is_pinned(),
                shadows: None,
            },
            Steered {
                name: "f-ttl/filter",
                class: None,
                ttl: filter,
                pinned: self.share < self.step() || self.share > 1.0 - self.step(),
                shadows: Some(self.shadows.at(at)),
            },
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::strategy::ttl::rule::fixture;
    use crate::trace::ClassId;

    fn missed(secs: u64) -> Seen {
        Seen {
            at: fixture::at(secs),
            object: ObjectId::new(0),
            class: ClassId::new(0),
            size: 1,
            saw: Saw::Missed,
        }
    }

    #[test]
    fn an_object_asked_for_again_while_its_shadow_lives_gets_the_full_ttl() {
        let mut rule = fixture::rule(
            "{ rule = \"f-ttl\", size_target = { objects = 1 }, start = \"100s\", max_ttl = \"1000s\", a0 = 0.001, target = 0.5 }",
        );
        // Stored for ages by many requests, so that the filter closes.
        for secs in 1..2_000 {
            rule.on_request(&missed(secs));
            let unknown = Fill { object: ObjectId::new(1), ..fixture::fill(secs * 10_000) };
            rule.fresh_for(&unknown);
        }
        rule.on_request(&missed(30_000_000));
        let [full, filter] = rule.steered(fixture::at(30_000_000))[..] else { panic!("two ttls") };
        assert!(filter.ttl < full.ttl.scaled(0.5), "{filter:?} {full:?}");
        let first = rule.fresh_for(&fixture::fill(30_000_000));
        assert!(first < full.ttl.scaled(0.5), "{first}");
        let again = rule.fresh_for(&fixture::fill(30_000_001));
        assert_eq!(again, full.ttl);
        let later = rule.fresh_for(&fixture::fill(40_000_000));
        assert!(later < full.ttl.scaled(0.5), "its shadow is gone");
    }

    #[test]
    fn a_shadow_is_counted_from_the_filters_store_until_its_object_is_asked_for_again_or_its_time_is_over() {
        let mut rule = fixture::rule(
            "{ rule = \"f-ttl\", size_target = { objects = 1 }, start = \"100s\", max_ttl = \"1000s\" }",
        );
        let shadows = |rule: &mut dyn TtlRule, secs| {
            let [full, filter] = rule.steered(fixture::at(secs))[..] else { panic!("two ttls") };
            assert_eq!(full.shadows, None);
            filter.shadows.expect("the filter remembers names")
        };
        assert_eq!(shadows(&mut *rule, 0), 0);
        let second = |secs| Fill { object: ObjectId::new(1), ..fixture::fill(secs) };
        rule.fresh_for(&fixture::fill(10));
        rule.fresh_for(&second(20));
        assert_eq!(shadows(&mut *rule, 30), 2);
        // The first object is fetched again while its shadow lives.
        rule.fresh_for(&fixture::fill(40));
        assert_eq!(shadows(&mut *rule, 120), 1, "the second one, until the end of its time");
        assert_eq!(shadows(&mut *rule, 121), 0);
        rule.fresh_for(&second(200));
        assert_eq!(shadows(&mut *rule, 210), 1);
        let (object, class) = (ObjectId::new(1), ClassId::new(0));
        let (now, stored_at, fresh_until) = (fixture::at(220), fixture::at(200), fixture::at(300));
        rule.on_read(&Read { object, class, size: 1, now, stored_at, fresh_until });
        assert_eq!(shadows(&mut *rule, 220), 0, "it is read, and has the full TTL from now on");
    }

    #[test]
    fn a_value_that_takes_the_place_of_a_live_one_adds_the_time_after_that_ones_deadline() {
        let mut rule = fixture::rule(
            "{ rule = \"f-ttl\", size_target = { objects = 1 }, start = \"100s\", max_ttl = \"1000s\", a0 = 0.001, target = 0.5 }",
        );
        let share = |rule: &mut dyn TtlRule| {
            let [full, filter] = rule.steered(fixture::at(10))[..] else { panic!("two ttls") };
            filter.ttl.as_secs_f64() / full.ttl.as_secs_f64()
        };
        // One request in ten seconds may add ten of storage, and moves the filter by a tenth of what is missing to that.
        rule.on_request(&missed(10));
        let ttl = rule.fresh_for(&fixture::fill(10)).as_secs_f64();
        let first = 1.0 + 0.1 * (10.0 - ttl) / 10.0;
        assert!(first > 0.0 && (share(&mut *rule) - first).abs() < 1e-6, "{}", share(&mut *rule));
        // A second fetch stores it at the same instant, and another one five seconds later.
        rule.fresh_for(&fixture::fill(10));
        assert!((share(&mut *rule) - (first + 0.1)).abs() < 1e-6, "nothing is added: {}", share(&mut *rule));
        rule.fresh_for(&fixture::fill(15));
        assert!((share(&mut *rule) - (first + 0.15)).abs() < 1e-6, "five seconds are: {}", share(&mut *rule));
    }

    #[test]
    fn the_size_is_bytes_or_objects_and_above_0() {
        let text = |size: &str| format!("{{ rule = \"f-ttl\", size_target = {size} }}");
        fixture::rule(&text("\"64MiB\""));
        fixture::rule(&text("{ objects = 7 }"));
        assert!(fixture::refused(&text("\"0B\"")).contains("above 0"));
        assert!(fixture::refused(&text("{ objects = 0 }")).contains("above 0"));
        assert!(fixture::refused(&text("true")).contains("size_target is a size"));
    }
}
