//! Requests arrive independently of one another: gaps are exponential.
//!
//! What many independent viewers amount to over minutes, and what the laws assume. Real traffic is
//! burstier (a page asks for its images at once) and follows the hours of the day.
//!
//! ```toml
//! arrivals = { model = "poisson" }
//! ```

use rand_distr::{Distribution, Exp1};

use super::{ArrivalModel, Arrivals, BLOCK, Traffic};
use crate::catalog::{Invalid, Param, Plugin};
use crate::random::{Seed, Stream};
use crate::trace::synth::Setup;
use crate::units::SimTime;

/// The model; see the page above.
#[derive(Debug)]
pub struct Poisson;

/// It has no parameters: the workload states the rate.
#[derive(Debug, serde::Deserialize, serde::Serialize)]
pub struct Params {}

impl Plugin for Poisson {
    const NAME: &'static str = "poisson";
    const SUMMARY: &'static str = "Requests arrive independently of one another, with exponential gaps.";
    const PARAMS: &'static [Param] = &[];
    type Params = Params;
    type Setup = Setup;

    fn new(_: &Params, _: &Setup) -> Result<Self, Invalid> {
        Ok(Self)
    }
}

impl ArrivalModel for Poisson {
    fn begin(&self, traffic: Traffic, seed: Seed) -> Box<dyn Arrivals> {
        Box::new(Independent {
            stream: seed.stream(),
            now: 0.0,
            mean_gap: 1e9 / traffic.rate.as_per_second(),
            end: traffic.duration.as_nanos() as f64,
        })
    }
}

/// A Poisson process.
struct Independent {
    stream: Stream,
    /// Nanoseconds, summed as a real number and cut to whole ones at the end, so that no error adds up.
    now: f64,
    mean_gap: f64,
    end: f64,
}

impl Arrivals for Independent {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "times are at least 0 and before an end that is a u64"
    )]
    fn next(&mut self, times: &mut Vec<SimTime>) {
        for _ in 0..BLOCK {
            let gap: f64 = Exp1.sample(&mut self.stream);
            self.now += gap * self.mean_gap;
            if self.now >= self.end {
                return;
            }
            times.push(SimTime::from_nanos(self.now as u64));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::synth::fit::fits;
    use crate::units::SimDuration;

    fn times(rate: f64, duration: SimDuration, seed: u64) -> Vec<SimTime> {
        super::super::all(&Poisson, rate, duration, seed)
    }

    #[test]
    fn gaps_are_exponential_and_independent() {
        let times = times(1_000.0, SimDuration::from_secs(200), 1);
        let gaps: Vec<f64> = times.windows(2).map(|pair| pair[1].since(pair[0]).as_secs_f64()).collect();
        // Of an exponential gap with mean 1 ms, exp(-g/1ms) is uniform; so are pairs of neighbours.
        let tenth = |gap: f64| (0..9).filter(|i| (-gap * 1e3).exp() >= 0.1 * f64::from(i + 1)).count();
        let mut counts = vec![0; 100];
        for pair in gaps.chunks_exact(2) {
            counts[10 * tenth(pair[0]) + tenth(pair[1])] += 1;
        }
        fits(&counts, &[0.01; 100]);
    }

    #[test]
    fn the_number_of_requests_varies_as_much_as_its_mean() {
        let counts: Vec<f64> =
            (0..400).map(|seed| times(500.0, SimDuration::from_secs(2), seed).len() as f64).collect();
        let mean = counts.iter().sum::<f64>() / 400.0;
        let variance = counts.iter().map(|n| (n - mean).powi(2)).sum::<f64>() / 399.0;
        // Standard errors: sqrt(1000 / 400) of the mean, 1000 sqrt(2 / 399) of the variance.
        assert!((mean - 1_000.0).abs() < 4.0 * 1.6, "{mean}");
        assert!((variance - 1_000.0).abs() < 4.0 * 71.0, "{variance}");
    }

    #[test]
    fn the_values_of_the_exponential_distribution_have_not_changed() {
        let times = times(1_000.0, SimDuration::from_secs(1), 42);
        let first: Vec<u64> = times[..5].iter().map(|at| at.as_nanos()).collect();
        assert_eq!(times.len(), 1_031);
        assert_eq!(first, [261_899, 492_225, 987_648, 1_170_307, 7_564_331]);
    }
}
