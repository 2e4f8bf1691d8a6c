//! Steers one idle timeout for all images towards the least cost of misses and memory together.
//!
//! Each time a known image is fetched again, its last stay is weighed: with `r` requests a second during the timeout that
//! followed its store (an answer that was asked for before the last store is none), a longer timeout would have saved `r miss_cost` a second and cost `price s`. At the n-th such
//! fetch `T <- T + step n^-.6 (r miss_cost - price s) / c`, `c` the mean of `price s`, kept between `min` and
//! `max` (after Carra, Neglia and Michiardi, ToN 2020). Reads set an entry's TTL anew, up to `max_age` after its store.
//!
//! The size of the step is critical, because the cost has more than one valley and fetches become rare at long TTLs: 5 s served best
//! in our checks, above 20 s most runs ran away to `max`. The report tells beside its cost what the best constant timeout, no cache
//! and no TTL at all would have cost; where no TTL is nearly as cheap, the timeout itself means little. It needs real prices:
//! none are assumed.
//!
//! ```toml
//! ttl = { rule = "elastic", miss_cost = 1e-6, price = 0.0137, step = "5s", start = "60s" }
//! ```

use serde::{Deserialize, Serialize};

use super::{Bounds, GB_HOUR, MAX_AGE, MISS_COST, PRICE, max_age, max_ttl, min_ttl};
use crate::catalog::{Invalid, Param, Plugin};
use crate::strategy::Setup;
use crate::strategy::ttl::{Fill, Needs, Read, Seen, Steered, Touch, TtlRule};
use crate::units::{SimDuration, SimTime};

/// Parameters of [`Elastic`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    miss_cost: f64,
    price: f64,
    step: SimDuration,
    start: SimDuration,
    min: SimDuration,
    max: SimDuration,
    max_age: String,
}

/// An idle timeout that descends the cost.
#[derive(Debug)]
pub struct Elastic {
    ttl_secs: f64,
    bounds: Bounds,
    step_secs: f64,
    miss_cost: f64,
    /// Of one byte and second.
    price: f64,
    max_age: SimDuration,
    /// The latest stay of each object.
    stays: Vec<Stay>,
    /// Fetches of known objects so far.
    refetches: u64,
    /// Sum of the rents of these, per second.
    rents: f64,
}

/// The latest stay of an object in the cache.
#[derive(Debug, Clone, Copy)]
struct Stay {
    /// When it began; never, which is after everything, if there was none.
    began: SimTime,
    /// The timeout it began with.
    ttl: SimDuration,
    /// Requests within that timeout after the beginning.
    requests: u32,
}

impl Plugin for Elastic {
    const NAME: &'static str = "elastic";
    const SUMMARY: &'static str =
        "Steers one idle timeout towards the least cost of misses and memory together.";
    const PARAMS: &'static [Param] = &[
        MISS_COST,
        PRICE,
        Param::duration("step", "size of the first step; above 20s it tends to run away")
            .default("5s")
            .from("100ms")
            .to("1h"),
        Param::duration("start", "the timeout to begin with").default("60s").from("1ms").to("365d"),
        min_ttl("1s"),
        max_ttl("24h"),
        MAX_AGE,
    ];
    type Params = Params;
    type Setup = Setup;

    fn new(params: &Params, setup: &Setup) -> Result<Self, Invalid> {
        let bounds = Bounds::new(params.min, params.max)?;
        if params.start < bounds.min || params.start > bounds.max {
            let what = format!(
                "start ({}) must lie between min ({}) and max ({})",
                params.start, bounds.min, bounds.max
            );
            return Err(Invalid::param("start", what));
        }
        Ok(Self {
            ttl_secs: params.start.as_secs_f64(),
            bounds,
            step_secs: params.step.as_secs_f64(),
            miss_cost: params.miss_cost,
            price: params.price / GB_HOUR,
            max_age: max_age(&params.max_age, bounds.max, "max")?,
            stays: vec![Stay { began: SimTime::NEVER, ttl: SimDuration::ZERO, requests: 0 }; setup.objects],
            refetches: 0,
            rents: 0.0,
        })
    }
}

impl Elastic {
    fn ttl(&self) -> SimDuration {
        self.bounds.nearest(self.ttl_secs)
    }

    /// An object comes back after `stay`: moves the timeout.
    fn learn(&mut self, stay: Stay, size: u32, now: SimTime) {
        // An entry that was evicted or deleted before its timeout was watched for that long only.
        let watched = stay.ttl.min(now.since(stay.began)).as_secs_f64();
        if watched <= 0.0 {
            return;
        }
        let rent = self.price * f64::from(size.max(1));
        self.refetches += 1;
        self.rents += rent;
        let n = self.refetches as f64;
        let saved = f64::from(stay.requests) / watched * self.miss_cost;
        let gradient = (saved - rent) / (self.rents / n);
        let moved = self.ttl_secs + self.step_secs * n.powf(-0.6) * gradient;
        self.ttl_secs = moved.clamp(self.bounds.min.as_secs_f64(), self.bounds.max.as_secs_f64());
    }
}

impl TtlRule for Elastic {
    fn fresh_for(&mut self, fill: &Fill) -> SimDuration {
        if let Some(told) = fill.told {
            let stay = self.stays[fill.object.index()];
            // Whoever asked before the present stay began is no image that comes back: its fetch ran beside the other.
            if stay.began < fill.at.before(told.fetch_time) {
                self.learn(stay, fill.size, fill.at);
            }
            self.stays[fill.object.index()] = Stay { began: fill.at, ttl: self.ttl(), requests: 0 };
        }
        self.ttl()
    }

    fn max_age(&self) -> Option<SimDuration> {
        Some(self.max_age)
    }

    fn on_read(&mut self, _: &Read) -> Option<Touch> {
        Some(Touch { ttl: self.ttl(), redraw: true })
    }

    fn needs(&self) -> Needs {
        Needs { reads: true, requests: true, ..Needs::default() }
    }

    fn on_request(&mut self, seen: &Seen) {
        let stay = &mut self.stays[seen.object.index()];
        if stay.began < seen.at && seen.at <= stay.began + stay.ttl {
            stay.requests += 1;
        }
    }

    fn varies(&self) -> bool {
        true
    }

    fn steered(&mut self, _: SimTime) -> Vec<Steered> {
        let ttl = self.ttl();
        let pinned = ttl == self.bounds.min || ttl == self.bounds.max;
        vec![Steered { name: Self::NAME, class: None, ttl, pinned, shadows: None }]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::strategy::ttl::rule::fixture;
    use crate::strategy::ttl::{Saw, Told};
    use crate::trace::{ClassId, ObjectId};

    #[test]
    fn the_first_refetch_moves_by_the_step_times_the_relative_gain() {
        // The fixture's value of 1000 bytes costs 1e-6 GB x 3600 $ an hour: 1e-6 $ a second.
        let mut rule = fixture::rule(
            "{ rule = \"elastic\", miss_cost = 1e-4, price = 3600, step = \"5s\", start = \"100s\" }",
        );
        assert_eq!(rule.fresh_for(&fixture::fetched(0, 0)), SimDuration::from_secs(100));
        for secs in [10, 100, 101, 250] {
            let (object, class) = (ObjectId::new(0), ClassId::new(0));
            rule.on_request(&Seen { at: fixture::at(secs), object, class, size: 1_000, saw: Saw::Fresh });
        }
        // Two requests within 100 s: 2 / 100 x 1e-4 saved, 1e-6 paid, so a relative gain of 1.
        let ttl = rule.fresh_for(&fixture::fetched(300, 0)).as_secs_f64();
        assert!((ttl - 105.0).abs() < 1e-6, "{ttl}");
        // An answer that was asked for before the last one came says nothing of how often the image comes back.
        let beside = fixture::fetched(301, 0);
        let took = SimDuration::from_secs(2);
        let beside = Fill { told: beside.told.map(|told| Told { fetch_time: took, ..told }), ..beside };
        assert!((rule.fresh_for(&beside).as_secs_f64() - ttl).abs() < 1e-9);
        // None at all: a relative gain of -1, in a smaller step.
        let ttl = rule.fresh_for(&fixture::fetched(600, 0)).as_secs_f64();
        assert!((ttl - (105.0 - 5.0 * 2.0_f64.powf(-0.6))).abs() < 1e-6, "{ttl}");
    }
}
