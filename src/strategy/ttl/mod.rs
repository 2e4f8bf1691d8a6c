//! How long an entry stays fresh: `base (rule) → modifiers → resolution of the cache`.
//!
//! Rules and modifiers see what an application and its monitoring could see: the values they store
//! and what their answers told, their own reads, how requests ended, and how many of their fetches
//! are in flight. The types here carry nothing else, so none can look at the future or at the
//! origin's true version.

pub mod modifier;
pub mod rule;
mod trajectory;

pub use trajectory::Trajectory;

use super::TtlResolution;
use crate::origin::Version;
use crate::random::Seed;
use crate::trace::{ClassId, ObjectId};
use crate::units::{SimDuration, SimTime};
use trajectory::Log;

/// What is known when a TTL is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fill {
    /// The object that is stored.
    pub object: ObjectId,
    /// Its class.
    pub class: ClassId,
    /// Size of its value in bytes.
    pub size: u32,
    /// When it is stored, or touched.
    pub at: SimTime,
    /// What is drawn at random belongs to the object and this instant: `at`, or that of the store where a touch
    /// keeps to what was drawn then.
    pub drawn_at: SimTime,
    /// What the fetch told that brought the value; `None` at a touch, which brings nothing. A rule
    /// learns from what it is told, so it must not learn where this is `None`.
    pub told: Option<Told>,
}

/// What an origin's answer tells about the value, as an HTTP response does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    /// How long the application waited for it, queueing included.
    pub fetch_time: SimDuration,
    /// When the origin took up the fetch: `Date`.
    pub dated: SimTime,
    /// Which version it is, to be compared with an earlier one: `ETag`.
    pub version: Version,
    /// When that version was made: `Last-Modified`. `None` if nothing ever changes, or nobody [`Needs`] it.
    pub last_modified: Option<SimTime>,
    /// Whether it only confirms the copy at hand, a 304: no body was made or sent, so that its time says little of a fetch
    /// that brings one.
    pub confirms: bool,
}

/// What is known when a fresh entry is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Read {
    /// The object that is read.
    pub object: ObjectId,
    /// Its class.
    pub class: ClassId,
    /// Size of its value in bytes.
    pub size: u32,
    /// When.
    pub now: SimTime,
    /// When the value was stored.
    pub stored_at: SimTime,
    /// Until when it is fresh so far.
    pub fresh_until: SimTime,
}

/// A TTL set anew by a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Touch {
    /// From now on, before modifiers, but not beyond the [greatest age](TtlRule::max_age).
    pub ttl: SimDuration,
    /// Whether modifiers draw anew for this touch, or keep to what they drew at the store.
    pub redraw: bool,
}

/// A request as monitoring sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// When it was over: answered, or given up.
    pub at: SimTime,
    /// What it asked for.
    pub object: ObjectId,
    /// Its class.
    pub class: ClassId,
    /// Size of its value in bytes.
    pub size: u32,
    /// How it ended.
    pub saw: Saw,
}

/// How a request ended, as the application counts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saw {
    /// A copy within its TTL was there.
    Fresh,
    /// A copy past its TTL was served on purpose.
    Stale,
    /// It waited for somebody else's fetch.
    Joined,
    /// It fetched.
    Missed,
    /// It had no answer.
    Failed,
}

/// The application's own fetches in flight at the origin, from an instant on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Load {
    /// From when.
    pub at: SimTime,
    /// How many.
    pub in_flight: u64,
}

/// What a rule or modifier wants to be shown besides fills and reads; each costs something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each answers a question of its own")]
pub struct Needs {
    /// Every read of a fresh entry, whose TTL it may set anew or [extend](TtlModifier::extends).
    pub reads: bool,
    /// Every request as it ends.
    pub requests: bool,
    /// The number of fetches in flight, whenever it changes.
    pub load: bool,
    /// `Last-Modified` of what is fetched.
    pub last_modified: bool,
}

/// A rule that says how long an entry stays fresh.
pub trait TtlRule: Send {
    /// The TTL of a value that is stored now.
    fn fresh_for(&mut self, fill: &Fill) -> SimDuration;

    /// The one TTL that it gives to every value, if it gives one and shows itself nothing.
    fn constant(&self) -> Option<SimDuration> {
        None
    }

    /// How long after its store an entry stays fresh at most, whatever modifiers make of its TTL; `None` if there is no such
    /// limit. Always the same.
    fn max_age(&self) -> Option<SimDuration> {
        None
    }

    /// Whether a read of a fresh entry sets its TTL anew; shown if the rule [`Needs`] reads.
    fn on_read(&mut self, _read: &Read) -> Option<Touch> {
        None
    }

    /// What it wants to be shown.
    fn needs(&self) -> Needs {
        Needs::default()
    }

    /// A request has ended; shown if the rule [`Needs`] requests.
    fn on_request(&mut self, _seen: &Seen) {}

    /// Whether the TTL of one object differs from fill to fill, so that its course is worth a record.
    fn varies(&self) -> bool {
        false
    }

    /// The TTLs that the rule steers at this instant: of which class (`None`: of all), and whether it
    /// stands at a limit. Always the same in number and order.
    fn steered(&mut self, _at: SimTime) -> Vec<Steered> {
        Vec::new()
    }
}

/// A TTL that a controller steers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Steered {
    /// The controller.
    pub name: &'static str,
    /// Of which class; `None` if of all objects.
    pub class: Option<ClassId>,
    /// The TTL now.
    pub ttl: SimDuration,
    /// Whether it stands at the lower or upper limit, so that the controller cannot do what it is asked.
    pub pinned: bool,
    /// Of how many objects it remembers the name without a value; `None` where it remembers no names.
    pub shadows: Option<u64>,
}

/// Something that bends a TTL.
pub trait TtlModifier: Send {
    /// The TTL that results from `ttl`.
    fn adjust(&mut self, fill: &Fill, ttl: SimDuration) -> SimDuration;

    /// What it wants to be shown.
    fn needs(&self) -> Needs {
        Needs::default()
    }

    /// A request has ended; shown if the modifier [`Needs`] requests.
    fn on_request(&mut self, _seen: &Seen) {}

    /// Fetches in flight have become more or fewer; shown if the modifier [`Needs`] the load.
    fn on_load(&mut self, _load: &Load) {}

    /// Whether reads should at present give existing entries the TTL that a fill would get now; asked if
    /// anybody [`Needs`] reads.
    fn extends(&mut self, _now: SimTime) -> bool {
        false
    }

    /// Whether its effect depends on when an entry is stored, so that its course is worth a record.
    fn varies(&self) -> bool {
        false
    }
}

/// A rule, what bends it, and the resolution in which the cache keeps the result.
pub struct Ttl {
    rule: Box<dyn TtlRule>,
    modifiers: Vec<Box<dyn TtlModifier>>,
    resolution: TtlResolution,
    rounding: Seed,
    /// A TTL that is a whole number of steps: the latest of its kind.
    whole: SimDuration,
    /// What any of the parts needs.
    needs: Needs,
    /// How long after its store an entry stays fresh at most.
    max_age: SimDuration,
    /// Fetches in flight; counted if anybody needs it.
    in_flight: u64,
    log: Option<Log>,
}

impl Ttl {
    /// Joins the parts.
    pub fn new(
        rule: Box<dyn TtlRule>,
        modifiers: Vec<Box<dyn TtlModifier>>,
        resolution: TtlResolution,
        seed: Seed,
    ) -> Self {
        let needs = modifiers.iter().fold(rule.needs(), |all, modifier| {
            let one = modifier.needs();
            Needs {
                reads: all.reads || one.reads,
                requests: all.requests || one.requests,
                load: all.load || one.load,
                last_modified: all.last_modified || one.last_modified,
            }
        });
        let rounding = seed.of("ttl-resolution");
        let max_age = rule.max_age().unwrap_or(SimDuration::FOREVER);
        Self {
            rule,
            modifiers,
            resolution,
            rounding,
            // None yet; this one is left alone anyway.
            whole: SimDuration::FOREVER,
            needs,
            max_age,
            in_flight: 0,
            log: None,
        }
    }

    /// The one TTL of every value, if there is one that nothing bends or rounds.
    pub fn constant(&self) -> Option<SimDuration> {
        let ttl = self.rule.constant().filter(|_| self.modifiers.is_empty());
        ttl.filter(|ttl| self.resolution.keeps(*ttl))
    }

    /// Until when a value stored now stays fresh.
    pub fn fresh_until(&mut self, fill: &Fill) -> SimTime {
        let base = self.rule.fresh_for(fill);
        let ttl = self.bend(fill, base).min(self.max_age);
        if let Some(log) = &mut self.log {
            log.roll(fill.at, &mut *self.rule);
            log.filled(fill.class, ttl);
        }
        fill.at + ttl
    }

    /// Whether reads of fresh entries may set their TTL anew at all.
    #[inline]
    pub fn follows_reads(&self) -> bool {
        self.needs.reads
    }

    /// Until when a fresh entry that is read now stays fresh; `None` if the read changes nothing.
    pub fn touched(&mut self, fill: &Fill, stored_at: SimTime, fresh_until: SimTime) -> Option<SimTime> {
        let Fill { object, class, size, at: now, .. } = *fill;
        let Some(touch) = self.rule.on_read(&Read { object, class, size, now, stored_at, fresh_until })
        else {
            return self.extended(fill, stored_at).filter(|until| *until > fresh_until);
        };
        let drawn_at = if touch.redraw { now } else { stored_at };
        let ttl = self.bend(&Fill { drawn_at, ..*fill }, touch.ttl);
        Some((now + ttl).min(stored_at + self.max_age))
    }

    /// Until when an entry would stay fresh under the present load, if modifiers want it to.
    fn extended(&mut self, fill: &Fill, stored_at: SimTime) -> Option<SimTime> {
        if !self.modifiers.iter_mut().any(|modifier| modifier.extends(fill.at)) {
            return None;
        }
        let drawn_then = Fill { drawn_at: stored_at, ..*fill };
        let base = self.rule.fresh_for(&drawn_then);
        Some(stored_at + self.bend(&drawn_then, base))
    }

    /// Whether anybody wants to be shown how many fetches are in flight.
    pub fn wants_load(&self) -> bool {
        self.needs.load
    }

    /// Whether answers should be asked for their `Last-Modified`.
    pub fn wants_last_modified(&self) -> bool {
        self.needs.last_modified
    }

    /// Whether anybody wants to be shown every request.
    #[inline]
    pub fn wants_requests(&self) -> bool {
        self.needs.requests
    }

    /// A request has ended; shown to those who want that.
    pub fn on_request(&mut self, seen: &Seen) {
        if !self.needs.requests {
            return;
        }
        if let Some(log) = &mut self.log {
            log.roll(seen.at, &mut *self.rule);
        }
        self.rule.on_request(seen);
        self.modifiers.iter_mut().for_each(|modifier| modifier.on_request(seen));
    }

    /// The application has begun a fetch.
    pub fn fetch_began(&mut self, at: SimTime) {
        if self.needs.load {
            self.in_flight += 1;
            self.show_load(at);
        }
    }

    /// A fetch has ended, with a value or without.
    pub fn fetch_ended(&mut self, at: SimTime) {
        if self.needs.load {
            self.in_flight = self.in_flight.saturating_sub(1);
            self.show_load(at);
        }
    }

    fn show_load(&mut self, at: SimTime) {
        let load = Load { at, in_flight: self.in_flight };
        self.modifiers.iter_mut().for_each(|modifier| modifier.on_load(&load));
    }

    /// From now on keeps the course of TTLs, one point in every `step`, for so many classes.
    pub fn log(&mut self, step: SimDuration, classes: usize) {
        let varies = self.rule.varies() || self.modifiers.iter().any(|modifier| modifier.varies());
        self.log = varies.then(|| Log::new(step, classes));
    }

    /// How TTLs went until `end`; empty if nothing varies. Nothing is kept of what comes after.
    pub fn trajectories(&mut self, end: SimTime) -> Vec<Trajectory> {
        let Some(log) = self.log.take() else { return Vec::new() };
        log.finish(end, &mut *self.rule)
    }

    fn bend(&mut self, fill: &Fill, base: SimDuration) -> SimDuration {
        let ttl = self.modifiers.iter_mut().fold(base, |ttl, modifier| modifier.adjust(fill, ttl));
        self.rounded(fill, ttl)
    }

    /// Rounds to the cache's resolution so that the mean is kept: up or down by chance, at least one step.
    fn rounded(&mut self, fill: &Fill, ttl: SimDuration) -> SimDuration {
        let Some(step) = self.resolution.step() else { return ttl };
        // Most rules give the same TTL again and again.
        if ttl == self.whole || ttl == SimDuration::FOREVER {
            return ttl;
        }
        let (whole, rest) = self.resolution.steps_of(ttl);
        if rest == 0 && whole > 0 {
            self.whole = ttl;
            return ttl;
        }
        let up = rest > 0 && {
            let draw = self.rounding.unit(u64::from(fill.object.as_u32()), fill.drawn_at.as_nanos());
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
        Fill {
            object: ObjectId::new(1),
            class: ClassId::new(0),
            size: 1,
            at: SimTime::from_nanos(at),
            drawn_at: SimTime::from_nanos(at),
            told: None,
        }
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
        for nanos in [0, 1] {
            let rule = Box::new(Always(SimDuration::from_nanos(nanos)));
            let mut short = Ttl::new(rule, Vec::new(), TtlResolution::Milliseconds, Seed::new(5));
            assert_eq!(short.fresh_until(&fill(0)), SimTime::from_nanos(1_000_000), "at least one step");
        }
    }

    /// A schedule that doubles TTLs from eight in the morning on, and jitter.
    const BENT: [&str; 2] = [
        "{ modifier = \"schedule\", table = { \"00:00\" = 1, \"08:00\" = 2 } }",
        "{ modifier = \"jitter\", spread = 0.5 }",
    ];
    const NIGHT: SimTime = SimTime::from_nanos(3_600_000_000_000);
    const DAY: SimTime = SimTime::from_nanos(9 * 3_600_000_000_000);

    #[test]
    fn a_touch_that_draws_nothing_anew_follows_the_time_of_day_all_the_same() {
        let touched = |redraw: &str| {
            let rule = format!(
                "{{ rule = \"sliding\", idle = \"20h\", max_age = \"365d\", redraw = \"{redraw}\" }}"
            );
            let modifiers = BENT.map(rule::fixture::modifier).into();
            let mut ttl = Ttl::new(rule::fixture::rule(&rule), modifiers, TtlResolution::Exact, Seed::new(5));
            let stored = ttl.fresh_until(&fill(NIGHT.as_nanos()));
            let fill = fill(DAY.as_nanos());
            let touched = ttl.touched(&fill, NIGHT, stored).expect("reads touch");
            touched.since(DAY).as_secs_f64() / stored.since(NIGHT).as_secs_f64()
        };
        assert!((touched("fill") - 2.0).abs() < 1e-9, "{}", touched("fill"));
        assert!((touched("touch") - 2.0).abs() > 1e-3, "{}", touched("touch"));
    }

    #[test]
    fn an_entry_is_extended_to_what_a_store_would_get_now_with_its_own_draw() {
        let busy = "{ modifier = \"load-adaptive\", servers = 1, lo = 0.5, hi = 0.9, g_max = 3, extend_existing = true }";
        let modifiers = [BENT[0], busy, BENT[1]].map(rule::fixture::modifier).into();
        let rule = rule::fixture::rule("{ rule = \"fixed\", ttl = \"20h\" }");
        let mut ttl = Ttl::new(rule, modifiers, TtlResolution::Exact, Seed::new(5));
        let stored = ttl.fresh_until(&fill(NIGHT.as_nanos()));
        ttl.fetch_began(NIGHT);
        let extended = ttl.touched(&fill(DAY.as_nanos()), NIGHT, stored).expect("the load is high");
        // Twice for the time of day, three times for the load.
        let factor = extended.since(NIGHT).as_secs_f64() / stored.since(NIGHT).as_secs_f64();
        assert!((factor - 6.0).abs() < 1e-9, "{factor}");
    }
}
