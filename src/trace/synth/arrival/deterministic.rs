//! Requests arrive in equal gaps, the first at once.
//!
//! For boundary tests, where it must be known to the nanosecond when each request comes. Never for
//! an estimate: without chance in the arrivals there are hardly any stampedes.
//!
//! ```toml
//! arrivals = { model = "deterministic" }
//! ```

use super::{ArrivalModel, Arrivals, BLOCK, Traffic};
use crate::catalog::{Invalid, Param, Plugin};
use crate::random::Seed;
use crate::trace::synth::Setup;
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
    type Setup = Setup;

    fn new(_: &Params, _: &Setup) -> Result<Self, Invalid> {
        Ok(Self)
    }
}

impl ArrivalModel for Deterministic {
    fn begin(&self, traffic: Traffic, _: Seed) -> Box<dyn Arrivals> {
        let gap = 1e9 / traffic.rate.as_per_second();
        Box::new(Equal { index: 0, gap, end: traffic.duration.as_nanos() })
    }
}

/// Arrivals with equal gaps, in nanoseconds.
struct Equal {
    index: u64,
    gap: f64,
    end: u64,
}

impl Arrivals for Equal {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "rounded times before an end that is a u64"
    )]
    fn next(&mut self, times: &mut Vec<SimTime>) {
        for _ in 0..BLOCK {
            // Multiplied, not added up, so that the thousandth request is as exact as the first.
            let at = (self.index as f64 * self.gap).round() as u64;
            if at >= self.end {
                return;
            }
            self.index += 1;
            times.push(SimTime::from_nanos(at));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::SimDuration;

    #[test]
    fn the_first_request_comes_at_once_and_none_at_the_end() {
        let times = super::super::all(&Deterministic, 4.0, SimDuration::from_secs(1), 1);
        let nanos: Vec<u64> = times.iter().map(|at| at.as_nanos()).collect();
        assert_eq!(nanos, [0, 250_000_000, 500_000_000, 750_000_000]);
    }

    #[test]
    fn a_gap_that_is_no_whole_number_does_not_drift() {
        let times = super::super::all(&Deterministic, 3.0, SimDuration::from_secs(3_000), 1);
        assert_eq!(times.len(), 9_000);
        assert_eq!(times[6_000], SimTime::from_nanos(2_000_000_000_000));
    }
}
