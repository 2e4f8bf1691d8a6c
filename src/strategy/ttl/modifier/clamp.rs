//! Keeps TTLs between two limits, whatever rule and modifiers before it say.
//!
//! As the caps of Varnish, nginx and most cache libraries. Jitter comes after it and is not clamped again.
//! What a refresh policy, a guard or an add-on keeps beyond the TTL comes on top. Where `max` is a limit of the
//! server, say `physical = true`: a scenario whose TTL, jitter and stale window together exceed it is then refused.
//!
//! ```toml
//! ttl = { rule = "size-power", gamma = 1, modifiers = [{ modifier = "clamp", min = "5m", max = "12h" }] }
//! ```

use serde::{Deserialize, Serialize};

use crate::catalog::{Invalid, Kind, Param, Plugin};
use crate::strategy::Setup;
use crate::strategy::ttl::{Fill, TtlModifier};
use crate::units::SimDuration;

/// Parameters of [`Clamp`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    min: SimDuration,
    max: SimDuration,
    physical: bool,
}

/// Two limits.
#[derive(Debug)]
pub struct Clamp {
    min: SimDuration,
    max: SimDuration,
}

impl Plugin for Clamp {
    const NAME: &'static str = "clamp";
    const SUMMARY: &'static str = "Keeps TTLs between a shortest and a longest one.";
    const PARAMS: &'static [Param] = &[
        Param::duration("min", "the shortest ttl").default("1s").from("1ms").to("365d"),
        Param::duration("max", "the longest ttl").default("30d").from("1ms").to("365d"),
        Param::new(
            "physical",
            Kind::Flag,
            "whether max bounds what the server is told, the time that stale values are kept included",
        )
        .default("false"),
    ];
    type Params = Params;
    type Setup = Setup;

    fn new(params: &Params, _: &Setup) -> Result<Self, Invalid> {
        let Params { min, max, .. } = *params;
        if min > max {
            let what = format!("min ({min}) is longer than max ({max}), so there is no ttl between them");
            return Err(Invalid::param("min", what).help("write a min of at most max"));
        }
        Ok(Self { min, max })
    }
}

impl TtlModifier for Clamp {
    fn adjust(&mut self, _: &Fill, ttl: SimDuration) -> SimDuration {
        ttl.clamp(self.min, self.max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::strategy::ttl::rule::fixture;

    #[test]
    fn ttls_are_moved_to_the_nearest_limit() {
        let mut clamp = fixture::modifier("{ modifier = \"clamp\", min = \"2s\", max = \"5s\" }");
        let after: Vec<u64> = [1, 2, 3, 5, 6]
            .map(|secs| {
                clamp.adjust(&fixture::fill(0), SimDuration::from_secs(secs)).as_nanos() / 1_000_000_000
            })
            .into();
        assert_eq!(after, [2, 2, 3, 5, 5]);
        assert_eq!(clamp.adjust(&fixture::fill(0), SimDuration::FOREVER), SimDuration::from_secs(5));
        assert!(
            fixture::refused("{ modifier = \"clamp\", min = \"5s\", max = \"2s\" }")
                .contains("longer than max")
        );
    }
}
