//! Steers one TTL (or one a class) towards a target hit ratio while it runs.
//!
//! Every request moves the TTL by a small step: up at a miss, down at a fresh hit, in steps that shrink as
//! requests are seen (d-TTL: Basu, Sundarrajan, Ghaderi, Shakkottai, Sitaraman, ToN 2018). On steady traffic the
//! hit ratio meets the target for every `a0` from .005 to .5; the TTL itself settles best at .05. Delayed and stale hits
//! count as misses. For traffic that changes, `floor_step` keeps it moving.
//!
//! A target above what the compulsory misses leave (1 - objects / requests) cannot be reached: then the TTL stays at
//! `max_ttl`, and the record says so (`pinned_share`). By default reads set an entry's TTL anew, up to `max_age` after its store.
//!
//! ```toml
//! ttl = { rule = "d-ttl", target = 0.8, a0 = 0.05, max_ttl = "24h", scope = "class" }
//! ```

use serde::{Deserialize, Serialize};

use super::approximation::{
    A0, Approximation, EXPONENT, FLOOR_STEP, Goal, MAX_TTL, START, TARGET, WEIGHT, Weight,
};
use super::{MAX_AGE, max_age};
use crate::catalog::{Invalid, Kind, Param, Plugin};
use crate::strategy::Setup;
use crate::strategy::ttl::{Fill, Needs, Read, Seen, Steered, Touch, TtlRule};
use crate::trace::ClassId;
use crate::units::{SimDuration, SimTime};

/// Parameters of [`DTtl`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    target: f64,
    a0: f64,
    exponent: f64,
    floor_step: SimDuration,
    max_ttl: SimDuration,
    start: SimDuration,
    touch: bool,
    scope: Scope,
    weight: Weight,
    max_age: String,
}

/// What shares one TTL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Scope {
    Global,
    Class,
}

/// A TTL that follows the hit ratio.
#[derive(Debug)]
pub struct DTtl {
    /// One for all, or one a class.
    ttls: Vec<Approximation>,
    scope: Scope,
    touch: bool,
    max_age: SimDuration,
}

impl Plugin for DTtl {
    const NAME: &'static str = "d-ttl";
    const SUMMARY: &'static str = "Steers the TTL towards a target hit ratio while it runs.";
    const PARAMS: &'static [Param] = &[
        TARGET,
        A0,
        EXPONENT,
        FLOOR_STEP,
        MAX_TTL,
        START,
        Param::new("touch", Kind::Flag, "whether a read sets an entry's ttl anew").default("true"),
        Param::new(
            "scope",
            Kind::Choice(&["global", "class"]),
            "whether all objects share one ttl, or those of a class",
        )
        .default("global"),
        WEIGHT,
        MAX_AGE,
    ];
    type Params = Params;
    type Setup = Setup;

    fn new(params: &Params, setup: &Setup) -> Result<Self, Invalid> {
        let Params { target, a0, exponent, floor_step, max_ttl, start, weight, .. } = *params;
        let goal = Goal { target, a0, exponent, floor_step, max_ttl, start, weight }.check(&setup.traffic)?;
        let how_many = if params.scope == Scope::Class { setup.classes.len() } else { 1 };
        Ok(Self {
            ttls: vec![Approximation::new(goal); how_many],
            scope: params.scope,
            touch: params.touch,
            max_age: max_age(&params.max_age, max_ttl, "max_ttl")?,
        })
    }
}

impl DTtl {
    fn of(&mut self, class: ClassId) -> &mut Approximation {
        let place = if self.scope == Scope::Class { class.index() } else { 0 };
        &mut self.ttls[place]
    }
}

impl TtlRule for DTtl {
    fn fresh_for(&mut self, fill: &Fill) -> SimDuration {
        self.of(fill.class).ttl()
    }

    fn max_age(&self) -> Option<SimDuration> {
        self.touch.then_some(self.max_age)
    }

    fn on_read(&mut self, read: &Read) -> Option<Touch> {
        self.touch.then(|| Touch { ttl: self.of(read.class).ttl(), redraw: true })
    }

    fn needs(&self) -> Needs {
        Needs { reads: true, requests: true, ..Needs::default() }
    }

    fn on_request(&mut self, seen: &Seen) {
        self.of(seen.class).on_request(seen);
    }

    fn varies(&self) -> bool {
        true
    }

    fn steered(&mut self, _: SimTime) -> Vec<Steered> {
        let of_class = |place| (self.scope == Scope::Class).then(|| ClassId::from_index(place));
        let ttls = self.ttls.iter().enumerate();
        ttls.map(|(place, ttl)| Steered {
            name: Self::NAME,
            class: of_class(place),
            ttl: ttl.ttl(),
            pinned: ttl.is_pinned(),
            shadows: None,
        })
        .collect()
    }
}
