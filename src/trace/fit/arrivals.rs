//! When requests come: the rate over time, and how much they come in bunches.

use crate::units::SimTime;

/// Lengths of the steps in which a rate may be written, in seconds.
const STEPS_S: [u64; 8] = [1, 10, 60, 300, 900, 3_600, 14_400, 86_400];
/// At most so many steps.
const ROWS_MAX: usize = 240;
/// Fewer requests in a step tell little of its rate.
const FEWEST_IN_STEP: usize = 20;
/// A bunch lasts no longer than this: the shortest time that most logs can tell.
const SECOND_NS: u64 = 1_000_000_000;

/// When requests come.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Rates {
    /// Length of a step in seconds.
    pub(super) step_s: u64,
    /// The rate per second in each step.
    pub(super) per_second: Vec<f64>,
    /// Variance of the requests in a second around the rate of their step, over their mean; 1 of a Poisson process.
    pub(super) dispersion: f64,
}

impl Rates {
    /// Of requests at these times in a trace that lasts for `span_s` seconds, above 0.
    pub(super) fn of(times: &[SimTime], span_s: f64) -> Self {
        let steps = |step_s: u64| (span_s / step_s as f64).ceil().max(1.0);
        let fits = |step_s: &u64| {
            let count = steps(*step_s);
            count <= ROWS_MAX as f64 && times.len() as f64 / count >= FEWEST_IN_STEP as f64
        };
        let longest = STEPS_S[STEPS_S.len() - 1];
        // Beyond the longest step, as many days as it takes.
        let days = (span_s / longest as f64 / ROWS_MAX as f64).ceil().max(1.0);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few days")]
        let step_s = STEPS_S.into_iter().find(fits).unwrap_or(longest * days as u64);
        let index = |at: &SimTime| usize::try_from(at.as_nanos() / SECOND_NS / step_s).unwrap_or(usize::MAX);
        let last = times.last().map_or(0, index);
        let mut counts = vec![0_u64; last + 1];
        times.iter().for_each(|at| counts[index(at)] += 1);
        let length = |row: usize| {
            let begin = row as f64 * step_s as f64;
            // The last step ends with the trace; of less than a tenth, no rate can be told.
            (span_s - begin).clamp(step_s as f64 / 10.0, step_s as f64)
        };
        let rates: Vec<f64> =
            counts.iter().enumerate().map(|(row, count)| *count as f64 / length(row)).collect();
        let dispersion = dispersion(times, &rates, step_s);
        Self { step_s, per_second: rates, dispersion }
    }

    /// The mean of the geometric number of requests that come together: `E[k^2] / E[k] = 2 m - 1`.
    pub(super) fn bunch(&self) -> f64 {
        f64::midpoint(self.dispersion, 1.0).max(1.0)
    }
}

/// Of each second, the squared distance of its count from the rate of its step; empty seconds count with it.
fn dispersion(times: &[SimTime], rates: &[f64], step_s: u64) -> f64 {
    let second = |at: &SimTime| at.as_nanos() / SECOND_NS;
    let row = |second: u64| usize::try_from(second / step_s).unwrap_or(usize::MAX);
    // All seconds as if they were empty, and the difference for those that are not.
    let empty: f64 = rates.iter().map(|rate| rate * rate * step_s as f64).sum();
    let busy: f64 = times
        .chunk_by(|a, b| second(a) == second(b))
        .map(|same| {
            let (count, rate) = (same.len() as f64, rates[row(second(&same[0]))]);
            (count - rate).powi(2) - rate * rate
        })
        .sum();
    (empty + busy) / times.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_gaps_have_no_dispersion_and_bunches_have_theirs() {
        let at = |ms: u64| SimTime::from_nanos(ms * 1_000_000);
        let even: Vec<SimTime> = (0..36_000).map(|i| at(i * 100)).collect();
        let rates = Rates::of(&even, 3_600.0);
        assert_eq!(rates.step_s, 60);
        assert!(
            rates.per_second.iter().all(|rate| (rate - 10.0).abs() < 1e-9) && rates.dispersion < 1e-9,
            "{rates:?}"
        );
        assert!((rates.bunch() - 1.0).abs() < 1e-9);
        // Ten at once each ten seconds: a mean of 1, a variance of 9.
        let bunched: Vec<SimTime> = (0..36_000).map(|i| at(i / 10 * 10_000)).collect();
        let rates = Rates::of(&bunched, 36_000.0);
        assert!((rates.dispersion - 9.0).abs() < 1e-9 && (rates.bunch() - 5.0).abs() < 1e-9, "{rates:?}");
    }

    #[test]
    fn steps_are_as_fine_as_there_are_requests_to_tell_and_the_last_ends_with_the_trace() {
        let times: Vec<SimTime> = (0..100).map(|i| SimTime::from_nanos(i * 90_000_000_000)).collect();
        let rates = Rates::of(&times, 9_000.0);
        assert_eq!((rates.step_s, rates.per_second.len()), (3_600, 3));
        assert!((rates.per_second[2] - 20.0 / 1_800.0).abs() < 1e-9, "{rates:?}");
    }
}
