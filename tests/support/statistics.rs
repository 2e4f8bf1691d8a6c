//! How far a measured mean may lie from theory: standard errors from independent replications.

use crate::ledger::Ledger;

/// A mean over independent replications, with its standard error.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Estimate {
    mean: f64,
    standard_error: f64,
}

/// Fewer replications than this say little about their own spread.
const REPLICATIONS_MIN: usize = 16;

impl Estimate {
    /// The mean of one value per replication.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let values: Vec<f64> = values.into_iter().collect();
        assert!(values.len() >= REPLICATIONS_MIN, "{} replications are too few", values.len());
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0);
        Self { mean, standard_error: (variance / n).sqrt() }
    }

    /// A quantity whose standard error theory knows, such as a count of independent events.
    pub(crate) fn with_error(mean: f64, standard_error: f64) -> Self {
        Self { mean, standard_error }
    }

    /// The mean.
    pub(crate) fn mean(self) -> f64 {
        self.mean
    }

    /// Its standard error.
    pub(crate) fn standard_error(self) -> f64 {
        self.standard_error
    }

    /// How many decimals show two digits of the standard error.
    pub(crate) fn decimals(self) -> usize {
        let exact = |decimals: &usize| {
            self.standard_error * 10.0_f64.powi(i32::try_from(*decimals).unwrap_or(6)) >= 9.5
        };
        if self.standard_error > 0.0 { (0..6).find(exact).unwrap_or(6) } else { 4 }
    }

    /// Holds an exact law to the measurement: at most 4 standard errors away, and the run must be
    /// long enough for 4 standard errors to lie within `tolerance`, or any law would pass.
    pub(crate) fn must_equal(self, ledger: &mut Ledger, law: f64, tolerance: f64, what: &str) {
        let Self { mean, standard_error } = self;
        // As it was written, where it was multiplied since: 0.05 and not 0.05000000000000001.
        let told = (tolerance * 1e9).round() / 1e9;
        ledger.measured(what, law, self, format!("4 s.e. ≤ {told}"));
        assert!(
            4.0 * standard_error <= tolerance,
            "{what}: the runs are too short, 4 x {standard_error:.6} is more than the tolerance {tolerance}"
        );
        let z = (mean - law) / standard_error.max(1e-12);
        assert!(z.abs() <= 4.0, "{what}: law {law:.6}, measured {mean:.6} ± {standard_error:.6}, z = {z:.1}");
    }

    /// Holds an approximation of a hit ratio to the measurement: within .002 and 4 standard errors.
    pub(crate) fn must_be_near(self, ledger: &mut Ledger, approximation: f64, what: &str) {
        assert!(
            self.standard_error <= 0.0005,
            "{what}: the runs are too short, ± {:.6}",
            self.standard_error
        );
        self.must_be_within(ledger, approximation, 0.002, what);
    }

    /// Holds an approximation, or a figure that is itself measured, to the measurement: within `slack` and 4 standard errors.
    pub(crate) fn must_be_within(self, ledger: &mut Ledger, approximation: f64, slack: f64, what: &str) {
        let Self { mean, standard_error } = self;
        ledger.measured(what, approximation, self, format!("{slack} + 4 s.e."));
        assert!(4.0 * standard_error <= 2.0 * slack, "{what}: the runs are too short, ± {standard_error:.6}");
        assert!(
            (mean - approximation).abs() <= slack + 4.0 * standard_error,
            "{what}: expected {approximation:.6}, measured {mean:.6} ± {standard_error:.6}"
        );
    }
}

/// Distance of sizes from the geometric distribution with this share of ones, and the distance that one
/// sample in ten thousand exceeds: Pearson's χ² over sizes as long as 8 are expected of each, and all beyond.
pub(crate) fn geometric_fit(sizes: &[u64], one: f64) -> (f64, f64) {
    let n = sizes.len() as f64;
    let (mut distance, mut rest, mut counted, mut size) = (0.0, 1.0, 0, 0);
    while n * rest * (1.0 - one) >= 8.0 && size < 40 {
        size += 1;
        let (here, expected) = (sizes.iter().filter(|of| **of == size).count(), n * rest * one);
        distance += (here as f64 - expected).powi(2) / expected;
        counted += here;
        rest *= 1.0 - one;
    }
    distance += ((sizes.len() - counted) as f64 - n * rest).powi(2) / (n * rest);
    // Wilson and Hilferty 1931; 3.72 is that quantile of the normal distribution.
    let freedom = size as f64;
    let part = 2.0 / (9.0 * freedom);
    (distance, freedom * (1.0 - part + 3.72 * part.sqrt()).powi(3))
}
