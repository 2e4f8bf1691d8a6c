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
        let sum: f64 = values.iter().map(|value| *value as f64).sum();
        let mean = (!values.is_empty()).then(|| sum * unit / values.len() as f64);
        let counted: Vec<(u64, u64)> =
            values.chunk_by(|a, b| a == b).map(|same| (same[0], same.len() as u64)).collect();
        Self::of_counted(&counted, mean, unit)
    }

    /// Of numbers in ascending order, each with how often it came; each times `unit`.
    pub(super) fn of_counted(sorted: &[(u64, u64)], mean: Option<f64>, unit: f64) -> Self {
        let shares = [0.10, 0.25, 0.50, 0.75, 0.90, 0.99, 1.0];
        let [p10, p25, p50, p75, p90, p99, max] =
            percentiles(sorted, shares).map(|value| value.map(|value| value * unit));
        Self { p10, p25, p50, p75, p90, p99, max, mean }
    }
}

/// The values below which the shares (0 to 1, ascending) of counted numbers lie, interpolated linearly between
/// the closest ranks (definition 7 of Hyndman and Fan, 1996); `None` of nothing.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rank below the count")]
fn percentiles<const N: usize>(sorted: &[(u64, u64)], shares: [f64; N]) -> [Option<f64>; N] {
    let count: u64 = sorted.iter().map(|(_, times)| times).sum();
    let Some(last) = count.checked_sub(1) else { return [None; N] };
    let mut place = 0;
    let mut up_to = sorted[0].1;
    shares.map(|share| {
        let rank = share.clamp(0.0, 1.0) * last as f64;
        let below = rank.floor() as u64;
        while up_to <= below {
            place += 1;
            up_to += sorted[place].1;
        }
        let low = sorted[place].0;
        let high = if below + 1 < up_to || rank.fract() == 0.0 { low } else { sorted[place + 1].0 };
        Some(low as f64 + (high as f64 - low as f64) * rank.fract())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_interpolate_and_nothing_has_none() {
        let one = |values: &[(u64, u64)], share: f64| percentiles(values, [share])[0];
        assert_eq!(one(&[], 0.5), None);
        assert_eq!(one(&[(7, 1)], 0.99), Some(7.0));
        assert_eq!(one(&[(1, 1), (2, 1)], 0.5), Some(1.5));
        assert_eq!(one(&[(10, 1), (20, 1), (30, 1), (40, 1)], 0.9), Some(37.0));
        assert_eq!(one(&[(10, 2), (40, 1)], 0.75), Some(25.0));
        assert_eq!(Spread::of(vec![3, 1], 2.0).mean, Some(4.0));
    }
}
