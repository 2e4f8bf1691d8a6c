//! The sizes of the objects of a class: a lognormal law where one fits and popularity has no part in it, else tables by
//! popularity.

/// A lognormal law is taken where its distribution differs from the measured one by no more than this,
/// or than chance makes likely (0.9 / sqrt(n), about the 5 % point of Lilliefors 1967 for estimated parameters).
const SLACK: f64 = 0.03;
/// And where its mean differs from the measured one by no more than this part of it, or two standard errors of a mean
/// under the law: a few huge objects hardly move the distribution, but they fill the memory.
const MEAN_SLACK: f64 = 0.02;
/// Rows of the table of a band.
const ROWS: usize = 16;
/// Sizes are independent of popularity as long as this many standard deviations of chance explain what ties them.
const TIED: f64 = 3.0;
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
    /// By popularity.
    Bands {
        /// Number of objects and the table of each band, the most popular objects first.
        bands: Vec<(f64, Rows)>,
        /// The table of those that are asked for once; empty without any.
        once: Rows,
        /// Mean bytes of a request and of an object.
        means: (f64, f64),
    },
}

/// Rows of bytes and weight: as many objects each, with their mean size.
pub(super) type Rows = Vec<(f64, f64)>;

/// The sizes of a class's objects, with their numbers of requests.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Observed {
    requests: Vec<(u64, u32)>,
}

impl Observed {
    /// An object that is asked for `requests` times, at least once. Size 0 counts as 1.
    pub(super) fn push(&mut self, requests: u64, size: u32) {
        self.requests.push((requests, size.max(1)));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.requests.is_empty()
    }

    /// Whether what is asked for more has other sizes, beyond what chance makes of independent ones: by the mean of the
    /// logarithms over requests, whose deviation under permutations is known (sampling without replacement), or by the
    /// correlation of the ranks (Spearman 1904).
    fn are_tied(&self) -> bool {
        let n = self.requests.len() as f64;
        let ln = |size: u32| f64::from(size).ln();
        let mean = self.requests.iter().map(|(_, size)| ln(*size)).sum::<f64>() / n;
        let variance =
            self.requests.iter().map(|(_, size)| (ln(*size) - mean).powi(2)).sum::<f64>() / (n - 1.0);
        let whole: f64 = self.requests.iter().map(|(count, _)| *count as f64).sum();
        let share = |count: u64| count as f64 / whole;
        let weighted: f64 = self.requests.iter().map(|(count, size)| share(*count) * ln(*size)).sum();
        let squares: f64 = self.requests.iter().map(|(count, _)| share(*count).powi(2)).sum();
        let chance = (variance * (squares - 1.0 / n).max(0.0)).sqrt();
        if (weighted - mean).abs() > TIED * chance && chance > 0.0 {
            return true;
        }
        let counts = ranks(&self.requests.iter().map(|(count, _)| *count).collect::<Vec<_>>());
        let sizes = ranks(&self.requests.iter().map(|(_, size)| u64::from(*size)).collect::<Vec<_>>());
        correlation(&counts, &sizes).abs() * (n - 1.0).sqrt() > TIED
    }

    /// Tables by popularity, in bands of 1, 1, 2, 4, 8 … objects.
    fn bands(&self) -> Sizes {
        let requests: f64 = self.requests.iter().map(|(count, _)| *count as f64).sum();
        let bytes: f64 = self.requests.iter().map(|(count, size)| *count as f64 * f64::from(*size)).sum();
        let sum: f64 = self.requests.iter().map(|(_, size)| f64::from(*size)).sum();
        let means = (bytes / requests, sum / self.requests.len() as f64);
        let mut sorted = self.requests.clone();
        sorted.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
        let again = sorted.partition_point(|(count, _)| *count > 1);
        let (mut again, mut once) = sorted.split_at(again);
        if again.is_empty() {
            (again, once) = (once, &[]);
        }
        let mut bands = Vec::new();
        let (mut from, mut length) = (0, 1);
        while from < again.len() {
            let end = (from + length).min(again.len());
            bands.push(((end - from) as f64, rows(&again[from..end])));
            length = end;
            from = end;
        }
        Sizes::Bands { bands, once: rows(once), means }
    }
}

/// The places of values in their order, equal ones at the mean of theirs.
fn ranks(values: &[u64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by_key(|place| values[*place]);
    let mut ranks = vec![0.0; values.len()];
    let mut from = 0;
    for same in order.chunk_by(|a, b| values[*a] == values[*b]) {
        let middle = from as f64 + (same.len() - 1) as f64 / 2.0;
        same.iter().for_each(|place| ranks[*place] = middle);
        from += same.len();
    }
    ranks
}

/// Pearson's correlation; 0 where one of the two does not vary.
fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (mean_a, mean_b) = (mean(a), mean(b));
    let sum =
        |of: &dyn Fn(f64, f64) -> f64| a.iter().zip(b).map(|(a, b)| of(a - mean_a, b - mean_b)).sum::<f64>();
    let spread = (sum(&|a, _| a * a) * sum(&|_, b| b * b)).sqrt();
    if spread > 0.0 { sum(&|a, b| a * b) / spread } else { 0.0 }
}

/// A table of the sizes of these objects: as many objects in each row, but for one.
fn rows(objects: &[(u64, u32)]) -> Rows {
    let mut sorted: Vec<f64> = objects.iter().map(|(_, size)| f64::from(*size)).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let rows = ROWS.min(sorted.len());
    let edge = |row: usize| row * sorted.len() / rows;
    let row = |row: usize| {
        let part = &sorted[edge(row)..edge(row + 1)];
        ((part.iter().sum::<f64>() / part.len() as f64).round(), part.len() as f64)
    };
    (0..rows).map(row).collect()
}

impl Sizes {
    /// Of the objects of a class; at least one.
    pub(super) fn of(observed: &Observed) -> Self {
        let sizes: Vec<u32> = observed.requests.iter().map(|(_, size)| *size).collect();
        let mut sorted: Vec<f64> = sizes.iter().map(|size| f64::from(*size)).collect();
        sorted.sort_unstable_by(f64::total_cmp);
        let n = sorted.len() as f64;
        let (least, most) = (sorted[0], sorted[sorted.len() - 1]);
        if least >= most {
            return Self::Constant(u64::from(sizes[0]));
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
        let measured = sorted.iter().sum::<f64>() / n;
        let mean_of_law = median * (sigma * sigma / 2.0).exp();
        let by_chance = 2.0 * ((sigma * sigma).exp_m1() / n).sqrt();
        let fills_alike = (measured / mean_of_law - 1.0).abs() <= MEAN_SLACK.max(by_chance);
        if can_be && fills_alike && distance <= SLACK.max(0.9 / n.sqrt()) && !observed.are_tied() {
            return Self::Lognormal { median, sigma, distance };
        }
        observed.bands()
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
        let Sizes::Lognormal { median, sigma, .. } = Sizes::of(&observed(&drawn)) else {
            panic!("{:?}", Sizes::of(&observed(&drawn)))
        };
        assert!((median / 20_000.0 - 1.0).abs() < 0.08 && (sigma - 0.8).abs() < 0.05, "{median} {sigma}");
        // One object in a hundred that is huge is not seen in the distribution, but it doubles the mean.
        let huge: Vec<u32> =
            (0..).zip(&drawn).map(|(i, size)| if i % 100 == 0 { 3_000_000 } else { *size }).collect();
        let measured = huge.iter().map(|size| f64::from(*size)).sum::<f64>() / huge.len() as f64;
        assert!((mean(&Sizes::of(&observed(&huge))) / measured - 1.0).abs() < 1e-4, "tables keep the mean");
        let two: Vec<u32> = (0..1_000).map(|i| if i % 2 == 0 { 1_000 } else { 500_000 }).collect();
        assert!((mean(&Sizes::of(&observed(&two))) - 250_500.0).abs() < 1.0);
        assert_eq!(Sizes::of(&observed(&[7; 9])), Sizes::Constant(7));
    }

    /// Objects of these sizes whose requests have nothing to do with them.
    fn observed(sizes: &[u32]) -> Observed {
        let mut observed = Observed::default();
        for (rank, size) in (1_u64..).zip(sizes) {
            observed.push(2 + 100_000 / (rank + 100), *size);
        }
        observed
    }

    /// The mean size of an object by the tables.
    fn mean(sizes: &Sizes) -> f64 {
        let Sizes::Bands { bands, once, .. } = sizes else { panic!("this is no law: {sizes:?}") };
        let rows = || bands.iter().flat_map(|(_, rows)| rows).chain(once);
        let (bytes, weight) = rows().fold((0.0, 0.0), |sum, row| (sum.0 + row.0 * row.1, sum.1 + row.1));
        bytes / weight
    }

    #[test]
    fn sizes_that_go_with_popularity_are_kept_by_bands() {
        // Lognormal as a whole, but the popular ones are the small ones.
        let mut stream = Seed::new(2).stream();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few hundred thousand")]
        let mut drawn: Vec<u32> = (0..1_000)
            .map(|_| {
                let normal: f64 = StandardNormal.sample(&mut stream);
                (20_000.0 * (0.8 * normal).exp()) as u32
            })
            .collect();
        assert!(matches!(Sizes::of(&observed(&drawn)), Sizes::Lognormal { .. }));
        drawn.sort_unstable();
        let mut tied = observed(&drawn);
        tied.push(1, 9_000_000);
        let Sizes::Bands { bands, once, means } = Sizes::of(&tied) else { panic!("they are tied") };
        let all: f64 = bands.iter().map(|(objects, _)| *objects).sum();
        assert!((all - 1_000.0).abs() < 1e-9, "{all}");
        assert_eq!(bands[..4].iter().map(|(objects, _)| *objects).collect::<Vec<_>>(), [1.0, 1.0, 2.0, 4.0]);
        assert_eq!(
            (bands[0].1.as_slice(), once.as_slice()),
            ([(f64::from(drawn[0]), 1.0)].as_slice(), [(9_000_000.0, 1.0)].as_slice())
        );
        assert!(means.0 < means.1, "{means:?}");
        assert!(bands.iter().all(|(_, rows)| (1..=ROWS).contains(&rows.len())));
        assert!(bands.windows(2).all(|pair| pair[0].1[0].0 < pair[1].1[0].0));
    }

    #[test]
    fn the_normal_distribution_has_its_known_values() {
        for (z, p) in [(0.0, 0.5), (1.0, 0.841_344_7), (-1.96, 0.024_997_9), (3.0, 0.998_650_1)] {
            assert!((normal(z) - p).abs() < 1e-6, "{z}");
        }
    }
}
