//! Requests arrive in equal gaps, the first at once.
//!
//! For boundary tests, where it must be known to the nanosecond when each request comes. Never for
//! an estimate: without chance in the arrivals there are hardly any stampedes.
//!
//! ```toml
//! arrivals = { model = "deterministic" }
//! ```

use super::{ArrivalModel, Traffic};
use crate::catalog::{Invalid, Param, Plugin};
use crate::random::Stream;
use crate::units::SimTime;

/// The model; see the page above.
#[derive(Debug)]
pub struct Deterministic;

/// It has no parameters: the workload states the rate.
#[derive(Debug, serde::Deserialize, serde::Serialize)]
pub struct Params {}

impl Plugin for Deterministic {
    const NAME: &'static str = "deterministic";
    const SUMMARY: &'static str = "Requests arrive in equal gaps, the first at once.";
    const PARAMS: &'static [Param] = &[];
    type Params = Params;
    type Setup = ();

    fn new(_: &Params, (): &()) -> Result<Self, Invalid> {
        Ok(Self)
    }
}

impl ArrivalModel for Deterministic {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "rounded times before an end that is a u64"
    )]
    fn times(&self, traffic: Traffic, _: &mut Stream) -> Vec<SimTime> {
        let gap = 1e9 / traffic.rate.as_per_second();
        // Multiplied, not added up, so that the thousandth request is as exact as the first.
        let at = |index: u64| (index as f64 * gap).round() as u64;
        let end = traffic.duration.as_nanos();
        (0..=end).map(at).take_while(|at| *at < end).map(SimTime::from_nanos).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Seed;
    use crate::units::{Rate, SimDuration};

    #[test]
    fn the_first_request_comes_at_once_and_none_at_the_end() {
        let traffic = Traffic { rate: Rate::per_second(4.0), duration: SimDuration::from_secs(1) };
        let times = Deterministic.times(traffic, &mut Seed::new(1).stream());
        let nanos: Vec<u64> = times.iter().map(|at| at.as_nanos()).collect();
        assert_eq!(nanos, [0, 250_000_000, 500_000_000, 750_000_000]);
    }

    #[test]
    fn a_gap_that_is_no_whole_number_does_not_drift() {
        let traffic = Traffic { rate: Rate::per_second(3.0), duration: SimDuration::from_secs(3_000) };
        let times = Deterministic.times(traffic, &mut Seed::new(1).stream());
        assert_eq!(times.len(), 9_000);
        assert_eq!(times[6_000], SimTime::from_nanos(2_000_000_000_000));
    }
}
