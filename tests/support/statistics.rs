//! How far a measured mean may lie from theory: standard errors from independent replications.

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

    /// The mean.
    pub(crate) fn mean(self) -> f64 {
        self.mean
    }

    /// Holds an exact law to the measurement: at most 4 standard errors away, and the run must be
    /// long enough for 4 standard errors to lie within `tolerance`, or any law would pass.
    pub(crate) fn must_equal(self, law: f64, tolerance: f64, what: &str) {
        let Self { mean, standard_error } = self;
        assert!(
            4.0 * standard_error <= tolerance,
            "{what}: the runs are too short, 4 x {standard_error:.6} is more than the tolerance {tolerance}"
        );
        let z = (mean - law) / standard_error.max(1e-12);
        assert!(z.abs() <= 4.0, "{what}: law {law:.6}, measured {mean:.6} ± {standard_error:.6}, z = {z:.1}");
    }

    /// Holds an approximation of a hit ratio to the measurement: within .002 and 4 standard errors.
    pub(crate) fn must_be_near(self, approximation: f64, what: &str) {
        let Self { mean, standard_error } = self;
        assert!(standard_error <= 0.0005, "{what}: the runs are too short, ± {standard_error:.6}");
        let limit = 0.002 + 4.0 * standard_error;
        assert!(
            (mean - approximation).abs() <= limit,
            "{what}: approximation {approximation:.6}, measured {mean:.6} ± {standard_error:.6}"
        );
    }
}
