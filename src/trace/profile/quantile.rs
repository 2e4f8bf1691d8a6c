//! Percentiles of whole numbers.

use serde::Serialize;

/// How numbers are spread; every figure is `None` of nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Spread {
    /// A tenth lies below.
    pub p10: Option<f64>,
    /// A quarter lies below.
    pub p25: Option<f64>,
    /// Half lies below.
    pub p50: Option<f64>,
    /// Three quarters lie below.
    pub p75: Option<f64>,
    /// Nine tenths lie below.
    pub p90: Option<f64>,
    /// All but a hundredth lies below.
    pub p99: Option<f64>,
    /// The greatest.
    pub max: Option<f64>,
    /// The arithmetic mean.
    pub mean: Option<f64>,
}

impl Spread {
    /// Of `values`, each times `unit`.
    pub(super) fn of(mut values: Vec<u64>, unit: f64) -> Self {
        values.sort_unstable();
        let at = |p: f64| percentile(&values, p).map(|value| value * unit);
        let sum: f64 = values.iter().map(|value| *value as f64).sum();
        Self {
            p10: at(0.10),
            p25: at(0.25),
            p50: at(0.50),
            p75: at(0.75),
            p90: at(0.90),
            p99: at(0.99),
            max: at(1.0),
            mean: (!values.is_empty()).then(|| sum * unit / values.len() as f64),
        }
    }
}

/// The value below which the share `p` (0 to 1) of `sorted` lies, interpolated linearly between the
/// closest ranks (definition 7 of Hyndman and Fan, 1996); `None` of nothing.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index within the slice")]
pub(super) fn percentile(sorted: &[u64], p: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let rank = p.clamp(0.0, 1.0) * last as f64;
    let below = sorted[rank.floor() as usize] as f64;
    let above = sorted[rank.ceil() as usize] as f64;
    Some(below + (above - below) * rank.fract())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_interpolate_and_nothing_has_none() {
        assert_eq!(percentile(&[], 0.5), None);
        assert_eq!(percentile(&[7], 0.99), Some(7.0));
        assert_eq!(percentile(&[1, 2], 0.5), Some(1.5));
        assert_eq!(percentile(&[10, 20, 30, 40], 0.9), Some(37.0));
        assert_eq!(Spread::of(vec![3, 1], 2.0).mean, Some(4.0));
    }
}
