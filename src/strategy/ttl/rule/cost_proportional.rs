//! TTL in proportion to what a fetch takes: what is slow to make is kept longer.
//!
//! `T = k D`, kept between `min` and `max`, with `D` a moving average of the object's measured fetch times. With
//! `k = 30 000` an image that takes 120 ms is kept for an hour. When the origin slows down, TTLs grow
//! and relieve it. Single fetch times are erratic, hence the average. An answer that only confirms the copy at hand (the
//! add-on `conditional`) makes no image, and its time counts for nothing: where no other has come yet, as in a warm
//! cache, the TTL is `min`.
//!
//! ```toml
//! ttl = { rule = "cost-proportional", k = 30_000, ewma = 0.2 }
//! ```

use serde::{Deserialize, Serialize};

use super::{Bounds, max_ttl, min_ttl};
use crate::catalog::{Invalid, Param, Plugin};
use crate::strategy::Setup;
use crate::strategy::ttl::{Fill, TtlRule};
use crate::units::SimDuration;

/// Parameters of [`CostProportional`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    k: f64,
    ewma: f64,
    min: SimDuration,
    max: SimDuration,
}

/// A multiple of the fetch time.
#[derive(Debug)]
pub struct CostProportional {
    k: f64,
    ewma: f64,
    bounds: Bounds,
    /// Average fetch time of each object in seconds; `None` before its first fetch.
    fetch_secs: Vec<Option<f32>>,
}

impl Plugin for CostProportional {
    const NAME: &'static str = "cost-proportional";
    const SUMMARY: &'static str = "TTL in proportion to the measured time of an object's fetches.";
    const PARAMS: &'static [Param] = &[
        Param::number("k", "how many times its fetch time an object stays fresh")
            .default("30_000")
            .from("1")
            .to("1e7"),
        Param::number(
            "ewma",
            "weight of the latest fetch time in the moving average; 1 forgets all earlier ones",
        )
        .default("0.2")
        .above("0")
        .to("1"),
        min_ttl("60s"),
        max_ttl("24h"),
    ];
    type Params = Params;
    type Setup = Setup;

    fn new(params: &Params, setup: &Setup) -> Result<Self, Invalid> {
        let bounds = Bounds::new(params.min, params.max)?;
        Ok(Self { k: params.k, ewma: params.ewma, bounds, fetch_secs: vec![None; setup.objects] })
    }
}

impl TtlRule for CostProportional {
    #[expect(clippy::cast_possible_truncation, reason = "seven digits of a fetch time are enough")]
    fn fresh_for(&mut self, fill: &Fill) -> SimDuration {
        let known = &mut self.fetch_secs[fill.object.index()];
        if let Some(told) = fill.told.filter(|told| !told.confirms) {
            let latest = told.fetch_time.as_secs_f64();
            let average = known.map_or(latest, |so_far| {
                let so_far = f64::from(so_far);
                so_far + self.ewma * (latest - so_far)
            });
            *known = Some(average as f32);
        }
        self.bounds.nearest(known.map_or(0.0, |secs| self.k * f64::from(secs)))
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
    fn the_ttl_follows_a_moving_average_of_fetch_times() {
        let mut rule =
            fixture::rule("{ rule = \"cost-proportional\", k = 10_000, ewma = 0.5, min = \"1s\" }");
        let mut after = |millis| {
            let fill = fixture::fetched(0, 0);
            let told = fill.told.map(|told| Told { fetch_time: SimDuration::from_millis(millis), ..told });
            rule.fresh_for(&Fill { told, ..fill }).as_secs_f64()
        };
        assert!((after(100) - 1_000.0).abs() < 0.01);
        assert!((after(300) - 2_000.0).abs() < 0.01);
        assert!((after(0) - 1_000.0).abs() < 0.01);
        assert!(
            (rule.fresh_for(&fixture::fill(9)).as_secs_f64() - 1_000.0).abs() < 0.01,
            "a touch teaches nothing"
        );
    }

    #[test]
    fn a_confirmation_takes_less_than_an_image_and_teaches_nothing() {
        let mut rule =
            fixture::rule("{ rule = \"cost-proportional\", k = 10_000, ewma = 0.5, min = \"7s\" }");
        let mut after = |millis, confirms| {
            let fill = fixture::fetched(0, 0);
            let told =
                fill.told.map(|told| Told { fetch_time: SimDuration::from_millis(millis), confirms, ..told });
            rule.fresh_for(&Fill { told, ..fill }).as_secs_f64()
        };
        assert!((after(10, true) - 7.0).abs() < 1e-9, "nothing is known yet");
        assert!((after(100, false) - 1_000.0).abs() < 0.01);
        assert!((after(10, true) - 1_000.0).abs() < 0.01, "the image would take as long as before");
        assert!((after(300, false) - 2_000.0).abs() < 0.01);
    }
}
