//! How unequal the objects are: the exponent of a Zipf law, estimated in two ways.

use serde::Serialize;

/// Below this many objects an exponent says nothing.
const FEWEST_OBJECTS: usize = 20;

/// Exponents of a Zipf law. Both are given because they differ: maximum likelihood is led by the few
/// popular objects, least squares by the many unpopular ones.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Popularity {
    /// By maximum likelihood over all ranks.
    pub alpha_mle: f64,
    /// By least squares of ln(requests) on ln(rank), over objects with at least 2 requests;
    /// `None` where fewer than two such objects or no slope exist.
    pub alpha_least_squares: Option<f64>,
}

/// Points of the popularity of objects, at most about a hundred: a rank from 1, and the requests of the object
/// with that rank. Ranks are spaced evenly in their logarithm.
pub(super) fn ranks(counts: &[u64]) -> Vec<(u64, u64)> {
    let mut counts = counts.to_vec();
    counts.sort_unstable_by(|a, b| b.cmp(a));
    let mut points = Vec::new();
    let mut rank = 1_usize;
    while let Some(count) = rank.checked_sub(1).and_then(|place| counts.get(place)) {
        points.push((rank as u64, *count));
        // A sixth more each time, and the last one too.
        let next = rank + (rank / 6).max(1);
        rank = if rank < counts.len() { next.min(counts.len()) } else { next };
    }
    points
}

/// The exponents for objects with these numbers of requests.
pub(super) fn popularity(counts: &[u64]) -> Option<Popularity> {
    if counts.len() < FEWEST_OBJECTS {
        return None;
    }
    let mut counts = counts.to_vec();
    counts.sort_unstable_by(|a, b| b.cmp(a));
    let ln_ranks: Vec<f64> = (1..=counts.len()).map(|rank| (rank as f64).ln()).collect();
    Some(Popularity {
        alpha_mle: maximum_likelihood(&counts, &ln_ranks),
        alpha_least_squares: least_squares(&counts, &ln_ranks),
    })
}

/// The exponent of a Zipf law by maximum likelihood over all ranks; `counts` are requests by object, the
/// greatest first. `None` below 20 objects.
pub fn zipf_exponent(counts: &[u64]) -> Option<f64> {
    let ln_ranks: Vec<f64> = (1..=counts.len()).map(|rank| (rank as f64).ln()).collect();
    (counts.len() >= FEWEST_OBJECTS).then(|| maximum_likelihood(counts, &ln_ranks))
}

/// Maximises -a * sum(f ln r) - sum(f) * ln(sum(r^-a)): the mean of ln r under the law must be the
/// observed one. That mean falls as a grows, so Newton's steps are kept inside a bracket.
fn maximum_likelihood(counts: &[u64], ln_ranks: &[f64]) -> f64 {
    let requests: f64 = counts.iter().map(|count| *count as f64).sum();
    let observed = counts.iter().zip(ln_ranks).map(|(count, ln)| *count as f64 * ln).sum::<f64>() / requests;
    let (mut low, mut high) = (0.0_f64, 20.0_f64);
    let mut alpha = 1.0_f64;
    for _ in 0..60 {
        let (mut sum, mut first, mut second) = (0.0, 0.0, 0.0);
        for ln in ln_ranks {
            let weight = (-alpha * ln).exp();
            sum += weight;
            first += weight * ln;
            second += weight * ln * ln;
        }
        let mean = first / sum;
        let variance = second / sum - mean * mean;
        if mean > observed {
            low = alpha;
        } else {
            high = alpha;
        }
        let step = alpha + (mean - observed) / variance;
        let next = if step > low && step < high { step } else { f64::midpoint(low, high) };
        if (next - alpha).abs() < 1e-9 {
            return next;
        }
        alpha = next;
    }
    alpha
}

fn least_squares(counts: &[u64], ln_ranks: &[f64]) -> Option<f64> {
    let points: Vec<(f64, f64)> = counts
        .iter()
        .zip(ln_ranks)
        .take_while(|(count, _)| **count >= 2)
        .map(|(count, ln)| (*ln, (*count as f64).ln()))
        .collect();
    let n = points.len() as f64;
    let mean_x = points.iter().map(|(x, _)| x).sum::<f64>() / n;
    let mean_y = points.iter().map(|(_, y)| y).sum::<f64>() / n;
    let covariance: f64 = points.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
    let variance: f64 = points.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
    (points.len() >= 2 && variance > 0.0).then(|| -covariance / variance)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_estimates_return_the_exponent_of_exact_zipf_counts() {
        for alpha in [0.0, 0.6, 1.0, 1.4] {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small and positive")]
            let counts: Vec<u64> =
                (1..=500_u32).map(|rank| (1e9 * f64::from(rank).powf(-alpha)).round() as u64).collect();
            let found = popularity(&counts).unwrap();
            assert!((found.alpha_mle - alpha).abs() < 1e-4, "{alpha}: {found:?}");
            assert!((found.alpha_least_squares.unwrap() - alpha).abs() < 1e-4, "{alpha}: {found:?}");
        }
    }

    #[test]
    fn too_few_objects_have_no_exponent() {
        assert_eq!(popularity(&[5; 19]), None);
        let once = popularity(&[1; 30]).unwrap();
        assert_eq!(once.alpha_least_squares, None);
        assert!(once.alpha_mle.abs() < 1e-6);
    }
}
