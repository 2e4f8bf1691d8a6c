//! TTL in proportion to the age of the version: what has not changed for long will not change soon.
//!
//! `T = f (now - last_modified)`, kept between `min` and `max`: the Alex protocol, and the heuristic freshness of
//! RFC 9111, section 4.2.2, which names a tenth as typical. The stale share of hits is `f / (1 + f)` for
//! keys that are rarely asked for, and `f / ln(1 + f) - 1`, about `f / 2`, for busy ones (law X2).
//!
//! Without a `min` every change is followed by about `ln(age / min) / ln(1 + f)` quick fetches. A deploy
//! that touches every image gives all of them the shortest TTL at once: an avalanche. The first
//! version of an object counts as made when the trace began, so allow for a warm-up.
//!
//! ```toml
//! ttl = { rule = "last-modified-fraction", f = 0.1, min = "60s", max = "24h" }
//! ```

use serde::{Deserialize, Serialize};

use super::{Bounds, max_ttl, min_ttl};
use crate::catalog::{Invalid, Param, Plugin};
use crate::strategy::Setup;
use crate::strategy::ttl::{Fill, Needs, TtlRule};
use crate::units::SimDuration;

/// Parameters of [`LastModifiedFraction`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    f: f64,
    min: SimDuration,
    max: SimDuration,
}

/// A share of the version's age.
#[derive(Debug)]
pub struct LastModifiedFraction {
    f: f64,
    bounds: Bounds,
}

impl Plugin for LastModifiedFraction {
    const NAME: &'static str = "last-modified-fraction";
    const SUMMARY: &'static str =
        "TTL in proportion to the age of the fetched version, as RFC 9111 suggests.";
    const PARAMS: &'static [Param] = &[
        Param::number("f", "the share of the version's age that it stays fresh")
            .default("0.1")
            .above("0")
            .to("1"),
        min_ttl("60s"),
        max_ttl("24h"),
    ];
    type Params = Params;
    type Setup = Setup;

    fn new(params: &Params, _: &Setup) -> Result<Self, Invalid> {
        Ok(Self { f: params.f, bounds: Bounds::new(params.min, params.max)? })
    }
}

impl TtlRule for LastModifiedFraction {
    fn fresh_for(&mut self, fill: &Fill) -> SimDuration {
        // An answer that does not say when its version was made gets no credit for age.
        match fill.told.and_then(|told| told.last_modified) {
            Some(made) => self.bounds.nearest(self.f * fill.at.since(made).as_secs_f64()),
            None => self.bounds.min,
        }
    }

    fn needs(&self) -> Needs {
        Needs { last_modified: true, ..Needs::default() }
    }

    fn varies(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::strategy::ttl::Told;
    use crate::strategy::ttl::rule::fixture;

    #[test]
    fn the_ttl_is_a_share_of_the_age() {
        let mut rule = fixture::rule("{ rule = \"last-modified-fraction\", f = 0.2 }");
        let mut ttl = |made: u64, now: u64| {
            let fill = fixture::fetched(now, 0);
            let told = fill.told.map(|told| Told { last_modified: Some(fixture::at(made)), ..told });
            rule.fresh_for(&Fill { told, ..fill })
        };
        assert_eq!(ttl(1_000, 6_000), SimDuration::from_secs(1_000));
        assert_eq!(ttl(1_000, 1_001), SimDuration::from_secs(60), "not below min");
        assert_eq!(ttl(0, 10_000_000), SimDuration::from_secs(86_400), "not above max");
    }
}
