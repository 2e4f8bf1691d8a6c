//! Keeps an idle image until the rent for keeping it equals the cost of fetching it again (ski rental).
//!
//! `B = miss_cost / (price s)` for a value of `s` bytes, kept between `min` and `max`, and set anew by every read. Whatever
//! the requests, rent and misses together cost at most twice what an all-knowing operator would pay. With
//! `randomised = true` the timeout is drawn from the density `e^(t/B) / (B (e - 1))` on 0 to `B`: then it is
//! `e / (e - 1)`, about 1.58 times, on average. Google's Spanner sets cache sizes by the same argument (Linear Elastic
//! Caching via Ski Rental, CIDR 2025).
//!
//! It needs real prices: none are assumed. As an example, 1e-6 $ a fetch and 0.0137 $ per GB and hour
//! give an image of 20 kB 3.7 hours.
//!
//! ```toml
//! ttl = { rule = "break-even", miss_cost = 1e-6, price = 0.0137, randomised = true }
//! ```

use serde::{Deserialize, Serialize};

use super::{Bounds, GB_HOUR, MAX_AGE, MISS_COST, PRICE, max_age, max_ttl, min_ttl};
use crate::catalog::{Invalid, Kind, Param, Plugin};
use crate::random::Seed;
use crate::strategy::Setup;
use crate::strategy::ttl::{Fill, Needs, Read, Touch, TtlRule};
use crate::trace::ObjectId;
use crate::units::{SimDuration, SimTime};

/// Parameters of [`BreakEven`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    miss_cost: f64,
    price: f64,
    randomised: bool,
    min: SimDuration,
    max: SimDuration,
    max_age: String,
}

/// An idle timeout at which rent equals miss cost.
#[derive(Debug)]
pub struct BreakEven {
    /// Break-even time of one byte in seconds.
    byte_secs: f64,
    randomised: bool,
    bounds: Bounds,
    max_age: SimDuration,
    seed: Seed,
}

impl Plugin for BreakEven {
    const NAME: &'static str = "break-even";
    const SUMMARY: &'static str =
        "Keeps an idle image until its rent equals the cost of a miss, by the ski-rental rule.";
    const PARAMS: &'static [Param] = &[
        MISS_COST,
        PRICE,
        Param::new(
            "randomised",
            Kind::Flag,
            "whether the timeout is drawn at random, which lowers the worst case",
        )
        .default("false"),
        min_ttl("60s"),
        max_ttl("24h"),
        MAX_AGE,
    ];
    type Params = Params;
    type Setup = Setup;

    fn new(params: &Params, setup: &Setup) -> Result<Self, Invalid> {
        let bounds = Bounds::new(params.min, params.max)?;
        Ok(Self {
            byte_secs: params.miss_cost / params.price * GB_HOUR,
            randomised: params.randomised,
            bounds,
            max_age: max_age(&params.max_age, bounds.max, "max")?,
            seed: setup.seed.of(Self::NAME),
        })
    }
}

impl BreakEven {
    fn timeout(&self, object: ObjectId, size: u32, at: SimTime) -> SimDuration {
        let break_even = self.byte_secs / f64::from(size.max(1));
        let share = if self.randomised {
            // The inverse of the distribution (e^x - 1) / (e - 1) on 0 to 1.
            let draw = self.seed.unit(u64::from(object.as_u32()), at.as_nanos());
            (draw * (std::f64::consts::E - 1.0)).ln_1p()
        } else {
            1.0
        };
        self.bounds.nearest(break_even * share)
    }
}

impl TtlRule for BreakEven {
    fn fresh_for(&mut self, fill: &Fill) -> SimDuration {
        self.timeout(fill.object, fill.size, fill.drawn_at)
    }

    fn needs(&self) -> Needs {
        Needs { reads: true, ..Needs::default() }
    }

    fn max_age(&self) -> Option<SimDuration> {
        Some(self.max_age)
    }

    fn on_read(&mut self, read: &Read) -> Option<Touch> {
        let ttl = self.timeout(read.object, read.size, read.now);
        Some(Touch { ttl, redraw: true })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::strategy::ttl::rule::fixture;

    const PRICES: &str = "rule = \"break-even\", miss_cost = 1e-6, price = 0.0137";

    #[test]
    fn rent_until_the_timeout_equals_the_miss_cost() {
        let ttl =
            fixture::rule(&format!("{{ {PRICES} }}")).fresh_for(&Fill { size: 20_000, ..fixture::fill(0) });
        let rent = 0.0137 * 20_000.0 / 1e9 * ttl.as_secs_f64() / 3_600.0;
        assert!((rent / 1e-6 - 1.0).abs() < 1e-9, "{rent}");
        assert!((ttl.as_secs_f64() / 3_600.0 - 3.65).abs() < 0.01);
    }

    #[test]
    fn a_random_timeout_has_the_mean_of_its_density() {
        let mut rule = fixture::rule(&format!("{{ {PRICES}, randomised = true, min = \"1ms\" }}"));
        let break_even = 1e-6 / (0.0137 * 20_000.0) * GB_HOUR;
        let n = 100_000;
        let shares: Vec<f64> = (0..n)
            .map(|secs| {
                rule.fresh_for(&Fill { size: 20_000, ..fixture::fill(secs) }).as_secs_f64() / break_even
            })
            .collect();
        assert!(shares.iter().all(|share| (0.0..=1.0).contains(share)));
        // The density e^x / (e - 1) on 0 to 1 has mean 1 / (e - 1) = .5820 and variance .0793.
        let mean = shares.iter().sum::<f64>() / n as f64;
        assert!(
            (mean - 1.0 / (std::f64::consts::E - 1.0)).abs() < 4.0 * (0.0793 / n as f64).sqrt(),
            "{mean}"
        );
        // Half of the mass lies below ln(1 + (e - 1) / 2) = .6201.
        let below = shares.iter().filter(|share| **share < 0.620_115).count() as f64 / n as f64;
        assert!((below - 0.5).abs() < 4.0 * (0.25 / n as f64).sqrt(), "{below}");
    }

    #[test]
    fn prices_are_never_assumed() {
        assert!(fixture::refused("{ rule = \"break-even\", price = 0.01 }").contains("needs \"miss_cost\""));
        assert!(fixture::refused("{ rule = \"break-even\", miss_cost = 0.01 }").contains("needs \"price\""));
    }
}
