//! Means with 95 % intervals over replications, and paired comparison of two cells.
//!
//! Intervals come from independent replications and never from single requests: hits cluster, so
//! requests are not independent. They are Student's, `mean ± t(n - 1) · s / √n`; two cells are
//! compared by the interval of their differences seed by seed, because both met the same requests.

/// Both ends of a 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Interval {
    /// The part of it in which a share can lie.
    #[must_use]
    pub fn of_share(self) -> Self {
        Self { low: self.low.max(0.0), high: self.high.min(1.0) }
    }
}

/// A mean over replications.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The mean.
    pub mean: f64,
    /// Its 95 % interval; `None` for a single replication, which says nothing about the spread.
    pub interval: Option<Interval>,
}

impl Estimate {
    /// The estimate from one value per replication; `None` without values.
    pub fn of(values: &[f64]) -> Option<Self> {
        Self::between(values, 0.0, 1)
    }

    /// The same of differences between figures that only take multiples of `step`, as counts do: two counts often differ by
    /// just the same in two replications, and no spread at all says no more than that it is small against the step. The
    /// variance has that of rounding, `step² / 12`, added to it, unless all differences are 0.
    ///
    /// Source: Sheppard's correction for grouping, used the other way round: Sheppard, On the calculation of the most
    /// probable values of frequency-constants, Proceedings of the London Mathematical Society 29 (1898).
    pub fn of_differences(values: &[f64], step: f64) -> Option<Self> {
        Self::between(values, step, 1)
    }

    /// The same with an interval that is wide enough for `comparisons` such estimates to hold together 95 times in 100,
    /// however they depend on each other (Bonferroni): each is a `1 - 0.05 / comparisons` interval.
    pub fn among(values: &[f64], comparisons: usize) -> Option<Self> {
        Self::between(values, 0.0, comparisons)
    }

    fn between(values: &[f64], step: f64, comparisons: usize) -> Option<Self> {
        let mean = mean(values)?;
        let interval = (values.len() > 1).then(|| {
            let freedom = values.len() - 1;
            let variance = spread(values, mean) / freedom as f64 + rounding(values, step);
            let standard_error = (variance / values.len() as f64).sqrt();
            let half = student(freedom, 1.0 - 0.05 / comparisons.max(1) as f64) * standard_error;
            Interval { low: mean - half, high: mean + half }
        });
        Some(Self { mean, interval })
    }

    /// The difference of the means of two independent sets of replications, `these - those`; `None` where either is
    /// empty. Without two values in each there is no interval. For `step` see [`Estimate::of_differences`].
    ///
    /// Source: Welch, The generalization of "Student's" problem when several different population variances are
    /// involved, Biometrika 34 (1947); degrees of freedom rounded down, which errs on the wide side.
    pub fn of_independent(these: &[f64], those: &[f64], step: f64) -> Option<Self> {
        let difference = mean(these)? - mean(those)?;
        let of_mean = |values: &[f64]| -> Option<(f64, f64)> {
            let (mean, freedom) =
                (mean(values)?, values.len().checked_sub(1).filter(|freedom| *freedom > 0)?);
            let variance = spread(values, mean) / freedom as f64 + rounding(values, step);
            Some((variance / values.len() as f64, freedom as f64))
        };
        let interval = of_mean(these).zip(of_mean(those)).map(|((a, freedom_a), (b, freedom_b))| {
            let both = a + b;
            let freedom =
                if both > 0.0 { both * both / (a * a / freedom_a + b * b / freedom_b) } else { 1.0 };
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "between 1 and the replications"
            )]
            let half = student_95((freedom.floor() as usize).max(1)) * both.sqrt();
            Interval { low: difference - half, high: difference + half }
        });
        Some(Self { mean: difference, interval })
    }

    /// Whether 0 lies in the interval, so that the replications do not tell the mean from 0;
    /// `None` without an interval.
    pub fn is_indistinguishable_from_zero(&self) -> Option<bool> {
        self.interval.map(|interval| interval.low <= 0.0 && interval.high >= 0.0)
    }
}

/// The sum of the squared distances from the mean.
fn spread(values: &[f64], mean: f64) -> f64 {
    values.iter().map(|value| (value - mean).powi(2)).sum()
}

/// The variance of what rounding to multiples of `step` took; none where all values are 0.
fn rounding(values: &[f64], step: f64) -> f64 {
    if values.iter().all(|value| *value == 0.0) { 0.0 } else { step * step / 12.0 }
}

/// The mean, summed in the order given; `None` without values.
///
/// Summing the distances from the first value makes the mean of equal values exactly that value.
pub(super) fn mean(values: &[f64]) -> Option<f64> {
    let first = *values.first()?;
    let beyond: f64 = values.iter().map(|value| value - first).sum();
    Some(first + beyond / values.len() as f64)
}

/// The half-width of a 95 % interval in standard errors: the 97.5 % quantile of Student's
/// distribution with `freedom` degrees of freedom.
///
/// # Panics
/// For 0 degrees of freedom, which have no distribution.
pub(crate) fn student_95(freedom: usize) -> f64 {
    student(freedom, 0.95)
}

/// The same for an interval of any confidence below 1.
fn student(freedom: usize, confidence: f64) -> f64 {
    assert!(freedom > 0, "Student's distribution needs a degree of freedom");
    // The quantile of one degree grows as the inverse of what is left out; the halvings leave no bit of it open.
    let (mut low, mut high) = (0.0, 1.0);
    while student_within(high, freedom) < confidence {
        (low, high) = (high, 2.0 * high);
    }
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if student_within(middle, freedom) < confidence {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}

/// The probability that Student's t lies between `-t` and `t`.
///
/// The finite sums for whole degrees of freedom: Abramowitz and Stegun, Handbook of Mathematical
/// Functions, 26.7.3 (odd) and 26.7.4 (even).
fn student_within(t: f64, freedom: usize) -> f64 {
    let angle = (t / (freedom as f64).sqrt()).atan();
    let (sin, cos) = angle.sin_cos();
    let odd = freedom % 2 == 1;
    // Each term is the one before, times cos² and the next factor of the double factorials.
    let (mut term, first) = if odd { (cos, 3) } else { (1.0, 2) };
    let mut sum = 0.0;
    for step in (first..=freedom).step_by(2) {
        sum += term;
        term *= cos * cos * (step - 1) as f64 / step as f64;
    }
    if odd { (angle + sin * sum) * std::f64::consts::FRAC_2_PI } else { sin * sum }
}

#[cfg(test)]
mod tests {
    use rand_distr::{Distribution, StandardNormal};

    use super::*;
    use crate::random::Seed;

    #[test]
    fn quantiles_are_the_published_ones() {
        // Any printed table of Student's distribution, two-sided 5 %.
        for (freedom, published) in [
            (1, 12.7062),
            (2, 4.3027),
            (3, 3.1824),
            (4, 2.7764),
            (5, 2.5706),
            (7, 2.3646),
            (10, 2.2281),
            (15, 2.1314),
            (30, 2.0423),
            (60, 2.0003),
            (120, 1.9799),
            (1_000, 1.9623),
        ] {
            let t = student_95(freedom);
            assert!((t - published).abs() < 0.000_051, "{freedom}: {t}");
        }
    }

    #[test]
    fn no_value_is_no_mean_and_one_value_is_no_interval() {
        assert_eq!(Estimate::of(&[]), None);
        assert_eq!(Estimate::of(&[0.5]), Some(Estimate { mean: 0.5, interval: None }));
        let two = Estimate::of(&[1.0, 3.0]).unwrap();
        // s = √2, so the standard error is 1 and the half-width the quantile itself.
        let Interval { low, high } = two.interval.unwrap();
        assert!((two.mean - 2.0).abs() < 1e-12);
        assert!((high - 2.0 - 12.7062).abs() < 1e-4 && (2.0 - low - 12.7062).abs() < 1e-4);
        assert_eq!(Estimate::of(&[0.5]).unwrap().is_indistinguishable_from_zero(), None);
    }

    #[test]
    fn counts_that_differ_by_the_same_in_two_runs_are_told_apart_only_where_it_is_many() {
        let apart = |values: &[f64]| {
            let estimate = Estimate::of_differences(values, 1.0).unwrap();
            estimate.is_indistinguishable_from_zero() == Some(false)
        };
        assert!(!apart(&[1.0, 1.0]) && !apart(&[-2.0, -2.0]) && !apart(&[0.0, 0.0]));
        assert!(apart(&[3.0, 3.0]) && apart(&[-40.0, -41.0]) && apart(&[1.0; 3]));
        // A figure of any fineness may differ by a constant.
        assert_eq!(Estimate::of(&[1.0, 1.0]).unwrap().is_indistinguishable_from_zero(), Some(false));
        let independent = |values: &[f64], step| {
            Estimate::of_independent(values, &[7.0, 7.0], step).unwrap().is_indistinguishable_from_zero()
        };
        assert_eq!(independent(&[8.0, 8.0], 1.0), Some(true));
        assert_eq!(independent(&[8.0, 8.0], 0.0), Some(false));
    }

    #[test]
    fn equal_values_have_exactly_that_mean_and_no_width() {
        let same = Estimate::of(&[0.1; 7]).unwrap();
        assert_eq!(same, Estimate { mean: 0.1, interval: Some(Interval { low: 0.1, high: 0.1 }) });
        let none = Estimate::of(&[0.0; 3]).unwrap();
        assert_eq!(none.is_indistinguishable_from_zero(), Some(true));
    }

    /// How often the interval of five normal values around `centre` contains 0.
    fn contains_zero(centre: f64, seed: &str) -> f64 {
        let mut stream = Seed::new(7).of(seed).stream();
        let trials = 4_000;
        let containing = (0..trials).filter(|_| {
            let values: Vec<f64> = (0..5)
                .map(|_| {
                    let noise: f64 = StandardNormal.sample(&mut stream);
                    centre + noise
                })
                .collect();
            Estimate::of(&values).unwrap().is_indistinguishable_from_zero() == Some(true)
        });
        containing.count() as f64 / f64::from(trials)
    }

    #[test]
    fn intervals_of_several_comparisons_are_wider_and_hold_together() {
        let values = [1.0, 2.0, 4.0, 3.0];
        let width = |comparisons| {
            let interval = Estimate::among(&values, comparisons).unwrap().interval.unwrap();
            interval.high - interval.low
        };
        assert_eq!(Estimate::among(&values, 1), Estimate::of(&values));
        assert!(width(1) < width(2) && width(2) < width(10));
        // Student's 99.5 % quantile for 3 degrees of freedom is 5.841, and the standard error here sqrt(5/3)/2.
        assert!((width(5) - 2.0 * 5.841 * (5.0_f64 / 3.0).sqrt() / 2.0).abs() < 1e-3, "{}", width(5));
        let mut stream = Seed::new(11).of("several").stream();
        let trials = 2_000;
        let wrong = (0..trials).filter(|_| {
            (0..5).any(|_| {
                let values: Vec<f64> = (0..6).map(|_| StandardNormal.sample(&mut stream)).collect();
                Estimate::among(&values, 5).unwrap().is_indistinguishable_from_zero() == Some(false)
            })
        });
        let share = wrong.count() as f64 / f64::from(trials);
        assert!((share - 0.05).abs() < 0.02, "one of five is wrong in {share}");
    }

    #[test]
    fn intervals_cover_the_truth_95_times_in_100() {
        // The standard error of the share is 0.0034, so the band is four of them wide.
        let covered = contains_zero(0.0, "coverage");
        assert!((covered - 0.95).abs() < 0.014, "{covered}");
        let missed = contains_zero(3.0, "power");
        assert!(missed < 0.05, "a difference of three standard deviations is seen: {missed}");
    }

    /// How often two strategies come out as different in four replications. Both meet the same requests, which shift
    /// both alike; each has a chance of its own, and the second is better by `truly`.
    fn told_apart(truly: f64, paired: bool, seed: &str) -> f64 {
        let mut stream = Seed::new(11).of(seed).stream();
        let mut noise = |scale: f64| -> f64 {
            let noise: f64 = StandardNormal.sample(&mut stream);
            noise * scale
        };
        let trials = 4_000;
        let told = (0..trials).filter(|_| {
            let (mut one, mut other) = (Vec::new(), Vec::new());
            for _ in 0..4 {
                let (common, separate) = (noise(3.0), noise(3.0));
                one.push(common + noise(1.0));
                other.push(if paired { common } else { separate } + truly + noise(1.0));
            }
            let estimate = if paired {
                Estimate::of(&other.iter().zip(&one).map(|(other, one)| other - one).collect::<Vec<_>>())
            } else {
                Estimate::of_independent(&other, &one, 0.0)
            };
            estimate.unwrap().is_indistinguishable_from_zero() == Some(false)
        });
        told.count() as f64 / f64::from(trials)
    }

    #[test]
    fn a_paired_comparison_finds_a_true_difference_and_hardly_ever_one_where_there_is_none() {
        let by_mistake = told_apart(0.0, true, "none, paired");
        assert!((0.036..0.064).contains(&by_mistake), "false positives: {by_mistake}");
        let found = told_apart(4.0, true, "true, paired");
        assert!(found > 0.9, "{found}");
        // Without pairs the requests' own spread hides the same difference.
        let unpaired = told_apart(4.0, false, "true, independent");
        assert!(unpaired < found - 0.3, "{unpaired} against {found}");
    }

    #[test]
    fn independent_replications_are_rarely_told_apart_by_mistake() {
        // Degrees of freedom are rounded down, so the share lies a little below 5 %.
        let by_mistake = told_apart(0.0, false, "none, independent");
        assert!((0.02..0.06).contains(&by_mistake), "false positives: {by_mistake}");
        assert_eq!(
            Estimate::of_independent(&[1.0], &[0.5], 0.0),
            Some(Estimate { mean: 0.5, interval: None })
        );
        assert_eq!(Estimate::of_independent(&[], &[0.5], 0.0), None);
    }
}
