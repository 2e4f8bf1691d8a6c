//! The sizes of the objects of a class: a lognormal law where one fits, else a table.

/// A lognormal law is taken where its distribution differs from the measured one by no more than this,
/// or than chance makes likely (0.9 / sqrt(n), about the 5 % point of Lilliefors 1967 for estimated parameters).
const SLACK: f64 = 0.03;
/// Rows of a table.
const ROWS: usize = 64;
/// Between these the lognormal model makes sizes.
const BOUNDS: (f64, f64) = (64.0, 33_554_432.0);

/// How large objects are.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Sizes {
    /// All alike.
    Constant(u64),
    /// Median and standard deviation of the logarithm, and the greatest difference of the distributions.
    Lognormal {
        /// Half are larger.
        median: f64,
        /// Of the natural logarithm.
        sigma: f64,
        /// Kolmogorov's distance.
        distance: f64,
    },
    /// Rows of bytes and weight: as many objects each, with their mean size.
    Table(Vec<(f64, f64)>),
}

impl Sizes {
    /// Of these sizes in bytes, in any order; at least one. Size 0 counts as 1.
    pub(super) fn of(sizes: &[u32]) -> Self {
        let mut sorted: Vec<f64> = sizes.iter().map(|size| f64::from((*size).max(1))).collect();
        sorted.sort_unstable_by(f64::total_cmp);
        let n = sorted.len() as f64;
        let (least, most) = (sorted[0], sorted[sorted.len() - 1]);
        if least >= most {
            return Self::Constant(sizes.first().map_or(1, |size| u64::from((*size).max(1))));
        }
        let mean = sorted.iter().map(|size| size.ln()).sum::<f64>() / n;
        let sigma = (sorted.iter().map(|size| (size.ln() - mean).powi(2)).sum::<f64>() / n).sqrt();
        let mut distance = 0.0_f64;
        for (index, size) in (0_u32..).zip(&sorted) {
            let law = normal((size.ln() - mean) / sigma);
            let (below, with) = (f64::from(index) / n, f64::from(index + 1) / n);
            distance = distance.max((law - below).abs()).max((law - with).abs());
        }
        let median = mean.exp();
        let can_be = BOUNDS.0 <= median && median <= BOUNDS.1 && sigma <= 5.0;
        if can_be && distance <= SLACK.max(0.9 / n.sqrt()) {
            return Self::Lognormal { median, sigma, distance };
        }
        let rows = ROWS.min(sorted.len());
        let edge = |row: usize| row * sorted.len() / rows;
        let row = |row: usize| {
            let part = &sorted[edge(row)..edge(row + 1)];
            ((part.iter().sum::<f64>() / part.len() as f64).round(), part.len() as f64)
        };
        Self::Table((0..rows).map(row).collect())
    }
}

/// The distribution function of the standard normal distribution, within 1e-7 (Abramowitz and Stegun, 26.2.17).
fn normal(z: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.231_641_9 * z.abs());
    let series = t
        * (0.319_381_53
            + t * (-0.356_563_782 + t * (1.781_477_937 + t * (-1.821_255_978 + t * 1.330_274_429))));
    let tail = (-z * z / 2.0).exp() / std::f64::consts::TAU.sqrt() * series;
    if z > 0.0 { 1.0 - tail } else { tail }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Seed;
    use rand_distr::{Distribution, StandardNormal};

    #[test]
    fn lognormal_sizes_are_recognised_and_others_are_kept_as_a_table() {
        let mut stream = Seed::new(1).stream();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few hundred thousand")]
        let drawn: Vec<u32> = (0..2_000)
            .map(|_| {
                let normal: f64 = StandardNormal.sample(&mut stream);
                (20_000.0 * (0.8 * normal).exp()) as u32
            })
            .collect();
        let Sizes::Lognormal { median, sigma, .. } = Sizes::of(&drawn) else {
            panic!("{:?}", Sizes::of(&drawn))
        };
        assert!((median / 20_000.0 - 1.0).abs() < 0.08 && (sigma - 0.8).abs() < 0.05, "{median} {sigma}");
        let two: Vec<u32> = (0..1_000).map(|i| if i % 2 == 0 { 1_000 } else { 500_000 }).collect();
        let Sizes::Table(rows) = Sizes::of(&two) else { panic!("two sizes are no lognormal law") };
        let (bytes, weight) = rows.iter().fold((0.0, 0.0), |sum, row| (sum.0 + row.0 * row.1, sum.1 + row.1));
        assert!((bytes / weight - 250_500.0).abs() < 1.0 && rows.len() == ROWS);
        assert_eq!(Sizes::of(&[7; 9]), Sizes::Constant(7));
    }

    #[test]
    fn the_normal_distribution_has_its_known_values() {
        for (z, p) in [(0.0, 0.5), (1.0, 0.841_344_7), (-1.96, 0.024_997_9), (3.0, 0.998_650_1)] {
            assert!((normal(z) - p).abs() < 1e-6, "{z}");
        }
    }
}
