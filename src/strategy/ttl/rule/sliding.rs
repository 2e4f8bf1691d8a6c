//! An idle timeout: every read of a fresh entry sets its TTL anew, `GETEX` or `GET` and `EXPIRE`.
//!
//! Behaves like LRU with a characteristic time: with Poisson requests of rate `λ` the hit ratio is
//! `1 - e^(-λ idle)` (law F2). Popular objects stay for as long as they are popular, so `max_age`
//! bounds how old a value may become, also where a modifier lengthens its TTL; without it a hot key is never
//! renewed. Costs one extra command per hit.
//!
//! ```toml
//! ttl = { rule = "sliding", idle = "1h", max_age = "24h" }
//! ```

use serde::{Deserialize, Serialize};

use super::{MAX_AGE, max_age};
use crate::catalog::{Invalid, Kind, Param, Plugin};
use crate::strategy::Setup;
use crate::strategy::ttl::{Fill, Needs, Read, Touch, TtlRule};
use crate::units::SimDuration;

/// Parameters of [`Sliding`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    idle: SimDuration,
    max_age: String,
    redraw: Redraw,
}

/// When modifiers draw for an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Redraw {
    Fill,
    Touch,
}

/// A TTL that reads set anew.
#[derive(Debug)]
pub struct Sliding {
    idle: SimDuration,
    max_age: SimDuration,
    redraw: bool,
}

impl Plugin for Sliding {
    const NAME: &'static str = "sliding";
    const SUMMARY: &'static str = "An idle timeout that every read sets anew, up to a greatest age.";
    const PARAMS: &'static [Param] = &[
        Param::duration("idle", "how long an entry stays fresh after its last read")
            .default("1h")
            .from("1ms")
            .to("365d"),
        MAX_AGE,
        Param::new(
            "redraw",
            Kind::Choice(&["fill", "touch"]),
            "whether jitter is drawn once per store or at each touch",
        )
        .default("touch"),
    ];
    type Params = Params;
    type Setup = Setup;

    fn new(params: &Params, _: &Setup) -> Result<Self, Invalid> {
        let max_age = max_age(&params.max_age, params.idle, "idle")?;
        Ok(Self { idle: params.idle, max_age, redraw: params.redraw == Redraw::Touch })
    }
}

impl TtlRule for Sliding {
    fn fresh_for(&mut self, _: &Fill) -> SimDuration {
        self.idle
    }

    fn needs(&self) -> Needs {
        Needs { reads: true, ..Needs::default() }
    }

    fn max_age(&self) -> Option<SimDuration> {
        Some(self.max_age)
    }

    fn on_read(&mut self, _: &Read) -> Option<Touch> {
        Some(Touch { ttl: self.idle, redraw: self.redraw })
    }
}
