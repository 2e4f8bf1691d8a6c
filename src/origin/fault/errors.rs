//! The origin fails now and then: a share of the fetches taken up in the window ends in an error.
//!
//! An error takes as long as the fetch would have taken, as when the image is fetched and its
//! rendering fails. Whether the n-th fetch of an object fails does not depend on the strategy.
//!
//! ```toml
//! faults = [{ fault = "errors", at = "1m", lasts = "2m", share = 0.2 }]
//! ```

use serde::{Deserialize, Serialize};

use super::{FaultModel, Service, Setup, during, window};
use crate::catalog::{Invalid, Param, Plugin};
use crate::random::Seed;
use crate::units::{SimDuration, Window};

/// Parameters of [`Errors`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    at: SimDuration,
    lasts: SimDuration,
    share: f64,
}

/// A share of the fetches fails.
#[derive(Debug)]
pub struct Errors {
    window: Window,
    share: f64,
    seed: Seed,
}

impl Plugin for Errors {
    const NAME: &'static str = "errors";
    const SUMMARY: &'static str = "A share of the fetches ends in an error for a while.";
    const PARAMS: &'static [Param] = &[
        Param::duration("at", "when it begins, counted from the begin of the trace").required().from("0s"),
        Param::duration("lasts", "how long it lasts").required().above("0s"),
        Param::number("share", "the share of fetches that fail").default("0.1").above("0").to("1"),
    ];
    type Params = Params;
    type Setup = Setup;

    fn new(params: &Params, setup: &Setup) -> Result<Self, Invalid> {
        let window = window(params.at, params.lasts);
        Ok(Self { window, share: params.share, seed: setup.seed.of("errors") })
    }
}

impl FaultModel for Errors {
    fn strike(&mut self, service: &mut Service) {
        let draw = self.seed.unit(u64::from(service.object.as_u32()), u64::from(service.nth));
        service.fails |= during(self.window, service.started) && draw < self.share;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::ObjectId;
    use crate::units::SimTime;

    #[test]
    fn the_share_fails_in_the_window_and_none_outside() {
        let mut errors = Errors {
            window: window(SimDuration::ZERO, SimDuration::from_secs(1)),
            share: 0.2,
            seed: Seed::new(1),
        };
        let mut failed = |started: u64| {
            let n = 20_000;
            let fails = (0..n).filter(|nth| {
                let started = SimTime::ZERO + SimDuration::from_secs(started);
                let (object, time) = (ObjectId::new(3), SimDuration::ZERO);
                let mut service = Service { object, nth: *nth, started, time, fails: false };
                errors.strike(&mut service);
                service.fails
            });
            fails.count() as f64 / f64::from(n)
        };
        assert!((failed(0) - 0.2).abs() < 4.0 * (0.16_f64 / 20_000.0).sqrt());
        assert!(failed(1) == 0.0);
    }
}
