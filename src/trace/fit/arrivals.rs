//! When requests come: the rate over time, and how much they come in bunches.

use crate::trace::Trace;
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
    /// Of the requests of a trace that lasts for a time above 0; taken in two passes.
    pub(super) fn of(trace: &Trace) -> Self {
        Self::measure(trace.len(), trace.span().as_secs_f64(), |see| trace.each(|at, _| see(at)))
    }

    /// Of so many requests within `span_s` seconds, above 0; `each` shows their times in order.
    fn measure(requests: usize, span_s: f64, each: impl Fn(&mut dyn FnMut(SimTime))) -> Self {
        let steps = |step_s: u64| (span_s / step_s as f64).ceil().max(1.0);
        let fits = |step_s: &u64| {
            let count = steps(*step_s);
            count <= ROWS_MAX as f64 && requests as f64 / count >= FEWEST_IN_STEP as f64
        };
        let longest = STEPS_S[STEPS_S.len() - 1];
        // Beyond the longest step, as many days as it takes.
        let days = (span_s / longest as f64 / ROWS_MAX as f64).ceil().max(1.0);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few days")]
        let step_s = STEPS_S.into_iter().find(fits).unwrap_or(longest * days as u64);
        let mut counts = Vec::new();
        each(&mut |at| {
            let row = row(at, step_s);
            if counts.len() <= row {
                counts.resize(row + 1, 0_u64);
            }
            counts[row] += 1;
        });
        let length = |row: usize| {
            let begin = row as f64 * step_s as f64;
            // The last step ends with the trace; of less than a tenth, no rate can be told.
            (span_s - begin).clamp(step_s as f64 / 10.0, step_s as f64)
        };
        let rates: Vec<f64> =
            counts.iter().enumerate().map(|(row, count)| *count as f64 / length(row)).collect();
        let dispersion = dispersion(requests, &rates, step_s, each);
        Self { step_s, per_second: rates, dispersion }
    }

    /// The mean of the geometric number of requests that come together: `E[k^2] / E[k] = 2 m - 1`.
    pub(super) fn bunch(&self) -> f64 {
        f64::midpoint(self.dispersion, 1.0).max(1.0)
    }
}

/// The step that a time lies in.
fn row(at: SimTime, step_s: u64) -> usize {
    usize::try_from(at.as_nanos() / SECOND_NS / step_s).unwrap_or(usize::MAX)
}

/// Of each second, the squared distance of its count from the rate of its step; empty seconds count with it.
fn dispersion(requests: usize, rates: &[f64], step_s: u64, each: impl Fn(&mut dyn FnMut(SimTime))) -> f64 {
    // All seconds as if they were empty, and the difference for those that are not.
    let empty: f64 = rates.iter().map(|rate| rate * rate * step_s as f64).sum();
    let (mut busy, mut second, mut count) = (0.0, SimTime::ZERO, 0_u64);
    let differ = |second: SimTime, count: u64| {
        if count == 0 {
            return 0.0;
        }
        let rate = rates[row(second, step_s)];
        (count as f64 - rate).powi(2) - rate * rate
    };
    each(&mut |at| {
        if at.as_nanos() / SECOND_NS != second.as_nanos() / SECOND_NS {
            busy += differ(second, count);
            (second, count) = (at, 0);
        }
        count += 1;
    });
    busy += differ(second, count);
    (empty + busy) / requests.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(times: &[SimTime], span_s: f64) -> Rates {
        Rates::measure(times.len(), span_s, |see| times.iter().for_each(|at| see(*at)))
    }

    #[test]
    fn equal_gaps_have_no_dispersion_and_bunches_have_theirs() {
        let at = |ms: u64| SimTime::from_nanos(ms * 1_000_000);
        let even: Vec<SimTime> = (0..36_000).map(|i| at(i * 100)).collect();
        let rates = of(&even, 3_600.0);
        assert_eq!(rates.step_s, 60);
        assert!(
            rates.per_second.iter().all(|rate| (rate - 10.0).abs() < 1e-9) && rates.dispersion < 1e-9,
            "{rates:?}"
        );
        assert!((rates.bunch() - 1.0).abs() < 1e-9);
        // Ten at once each ten seconds: a mean of 1, a variance of 9.
        let bunched: Vec<SimTime> = (0..36_000).map(|i| at(i / 10 * 10_000)).collect();
        let rates = of(&bunched, 36_000.0);
        assert!((rates.dispersion - 9.0).abs() < 1e-9 && (rates.bunch() - 5.0).abs() < 1e-9, "{rates:?}");
    }

    #[test]
    fn steps_are_as_fine_as_there_are_requests_to_tell_and_the_last_ends_with_the_trace() {
        let times: Vec<SimTime> = (0..100).map(|i| SimTime::from_nanos(i * 90_000_000_000)).collect();
        let rates = of(&times, 9_000.0);
        assert_eq!((rates.step_s, rates.per_second.len()), (3_600, 3));
        assert!((rates.per_second[2] - 20.0 / 1_800.0).abs() < 1e-9, "{rates:?}");
    }
}
