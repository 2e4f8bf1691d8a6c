//! Spreads TTLs at random, so that keys written together do not expire together.
//!
//! `T (1 + U[-spread, spread])`: the mean is kept. With independent requests the hit ratio under a
//! fixed TTL depends on the mean alone (law F1j); what changes is the avalanche, whose peak falls to
//! `N / (2 spread T)` fetches a second for `N` keys (law F11). A single hot key gains nothing.
//!
//! ```toml
//! ttl = { rule = "fixed", ttl = "1h", modifiers = [{ modifier = "jitter", spread = 0.1 }] }
//! ```

use serde::{Deserialize, Serialize};

use crate::catalog::{Invalid, Param, Plugin};
use crate::random::Seed;
use crate::strategy::Setup;
use crate::strategy::ttl::{Fill, TtlModifier};
use crate::units::SimDuration;

/// Parameters of [`Jitter`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    spread: f64,
}

/// Symmetric uniform jitter.
#[derive(Debug)]
pub struct Jitter {
    spread: f64,
    seed: Seed,
}

impl Plugin for Jitter {
    const NAME: &'static str = "jitter";
    const SUMMARY: &'static str =
        "Spreads TTLs at random around their mean, so that keys do not expire together.";
    const PARAMS: &'static [Param] = &[Param::number(
        "spread",
        "a TTL is drawn from ttl x (1 - spread) to ttl x (1 + spread), so a spread of 1 or more could leave no TTL",
    )
    .default("0.1")
    .from("0")
    .below("1")];
    type Params = Params;
    type Setup = Setup;

    fn new(params: &Params, setup: &Setup) -> Result<Self, Invalid> {
        Ok(Self { spread: params.spread, seed: setup.seed })
    }
}

impl TtlModifier for Jitter {
    fn adjust(&mut self, fill: &Fill, ttl: SimDuration) -> SimDuration {
        if ttl == SimDuration::FOREVER {
            return ttl;
        }
        let draw = self.seed.unit(u64::from(fill.object.as_u32()), fill.at.as_nanos());
        ttl.scaled(1.0 + self.spread * (2.0 * draw - 1.0))
    }
}
