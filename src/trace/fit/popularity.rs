//! How the requests of a class spread over its objects: what is asked for once, and a law for the rest.

use super::Measured;
use crate::trace::profile::zipf_exponent;
use crate::trace::synth::{Churn, Retire};
use crate::units::SimDuration;

/// A Zipf law is taken where the share of the requests that go to the first ranks differs from it by no more, whatever the rank.
const ZIPF_SLACK: f64 = 0.02;
/// Below so many objects no law can be told from another.
const FEWEST_FOR_ZIPF: usize = 50;
/// Longest table that is written; longer ones have their tail summed up.
const ROWS_MAX: usize = 400;

/// The popularity of the objects that are asked for again.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Popularity {
    /// The exponent by maximum likelihood and its standard error; `None` of too few objects.
    pub(super) alpha: Option<(f64, f64)>,
    /// The greatest difference between the cumulative shares by rank and those of that Zipf law.
    pub(super) deviation: f64,
    /// Rows of weight and objects, the greatest weight first.
    pub(super) table: Vec<(f64, f64)>,
}

impl Popularity {
    /// Of objects with these numbers of requests, in any order; at least one.
    pub(super) fn of(counts: &[u64]) -> Self {
        let mut sorted = counts.to_vec();
        sorted.sort_unstable_by(|a, b| b.cmp(a));
        let mut popularity = Self { alpha: None, deviation: 1.0, table: table(&sorted) };
        if sorted.len() < FEWEST_FOR_ZIPF {
            return popularity;
        }
        let requests: f64 = sorted.iter().map(|count| *count as f64).sum();
        let Some(alpha) = zipf_exponent(&sorted) else { return popularity };
        // The information of a request on alpha is the variance of ln(rank) under the law.
        let (mut sum, mut first, mut second) = (0.0, 0.0, 0.0);
        for rank in 1..=sorted.len() {
            let ln = (rank as f64).ln();
            let weight = (-alpha * ln).exp();
            sum += weight;
            first += weight * ln;
            second += weight * ln * ln;
        }
        let variance = second / sum - (first / sum).powi(2);
        popularity.alpha = Some((alpha, 1.0 / (requests * variance).sqrt()));
        let (mut seen, mut expected) = (0.0, 0.0);
        popularity.deviation = 0.0;
        for (rank, count) in (1..).zip(&sorted) {
            seen += *count as f64 / requests;
            expected += f64::from(rank).powf(-alpha) / sum;
            popularity.deviation = popularity.deviation.max((seen - expected).abs());
        }
        popularity
    }

    /// The exponent, where a Zipf law describes the requests well enough.
    pub(super) fn zipf(&self) -> Option<f64> {
        self.alpha.map(|(alpha, _)| alpha).filter(|_| self.deviation <= ZIPF_SLACK)
    }
}

/// Equal counts are one row; the rarest are summed up where there would be too many rows.
fn table(sorted: &[u64]) -> Vec<(f64, f64)> {
    let mut rows: Vec<(f64, f64)> =
        sorted.chunk_by(|a, b| a == b).map(|same| (same[0] as f64, same.len() as f64)).collect();
    while rows.len() > ROWS_MAX {
        // Neighbours become one row of their mean: the sum of the weights stays.
        let (head, tail) = rows.split_at(ROWS_MAX / 4);
        let merged = tail.chunks(2).map(|rows| {
            let objects: f64 = rows.iter().map(|row| row.1).sum();
            (rows.iter().map(|row| row.0 * row.1).sum::<f64>() / objects, objects)
        });
        rows = head.iter().copied().chain(merged).collect();
    }
    rows
}

/// Objects at the start, one-hit share and uploads with which as many different objects are asked for as were.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Turnover {
    /// Objects at the start.
    pub(super) objects: u64,
    /// Share of the requests for objects that are asked for once.
    pub(super) one_hit: f64,
}

impl Turnover {
    /// Of a class, when a share `repeated` of its requests repeats others: those ask for no new object.
    ///
    /// With `n` independent draws, an object with a share `p` of them is asked for with probability `1 - exp(-n p)`; objects that are
    /// never asked for again make up the difference.
    pub(super) fn of(class: &Measured, repeated: f64) -> Self {
        let draws = class.requests as f64 * (1.0 - repeated);
        let again: f64 = class.again.iter().map(|count| *count as f64).sum();
        let wanted = class.objects as f64;
        let objects = (class.again.len() as u64).saturating_sub(class.uploads).max(1);
        // The share of the ranks that pass from one object to another meanwhile.
        let passed = (class.uploads as f64 / objects as f64).min(1.0);
        // The table stands for fewer ranks than it has objects, each with more requests.
        let ranks = objects as f64 / class.again.len().max(1) as f64;
        let asked = |one_hit: f64| {
            let n = draws * (1.0 - one_hit) / ranks;
            let seen = |count: &u64| {
                let x = *count as f64 / again * n;
                let whole = -(-x).exp_m1();
                // At a uniform time: the integral over both parts.
                let parts = if x > 1e-9 { 2.0 - 2.0 * whole / x } else { 0.0 };
                (1.0 - passed) * whole + passed * parts
            };
            one_hit * draws + class.again.iter().map(seen).sum::<f64>() * ranks
        };
        let (mut low, mut high) = (0.0, 1.0);
        for _ in 0..60 {
            let middle = f64::midpoint(low, high);
            if asked(middle) < wanted {
                low = middle;
            } else {
                high = middle;
            }
        }
        Self { objects, one_hit: low }
    }

    /// The uploads of a class that had so many in a trace that lasts for `span`; `None` without any.
    pub(super) fn churn(&self, uploads: u64, span: SimDuration) -> Option<Churn> {
        let days = span.as_secs_f64() / 86_400.0;
        let new_per_day = (uploads as f64 / self.objects as f64 / days).min(1_000.0);
        let young = SimDuration::from_secs(3_600);
        (uploads > 0).then_some(Churn { new_per_day, retire: Retire::Oldest, decay: 0.0, young })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_zipf_counts_give_their_exponent_and_others_a_table() {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small and positive")]
        let counts: Vec<u64> =
            (1..=500_u32).map(|rank| (1e6 * f64::from(rank).powf(-0.8)).round() as u64).collect();
        let found = Popularity::of(&counts);
        assert!((found.zipf().unwrap() - 0.8).abs() < 1e-3, "{found:?}");
        assert!(found.alpha.unwrap().1 < 1e-3);
        let hotspot: Vec<u64> = (0..500).map(|rank| if rank < 50 { 1_000 } else { 10 }).collect();
        let found = Popularity::of(&hotspot);
        assert_eq!(
            (found.zipf(), found.table.as_slice()),
            (None, [(1_000.0, 50.0), (10.0, 450.0)].as_slice())
        );
    }

    #[test]
    fn long_tables_are_shortened_and_keep_their_sums() {
        let counts: Vec<u64> = (1..=5_000).rev().collect();
        let rows = table(&counts);
        assert!(rows.len() <= ROWS_MAX && rows.is_sorted_by(|a, b| a.0 >= b.0));
        let sum: f64 = rows.iter().map(|(weight, objects)| weight * objects).sum();
        assert!((sum / (5_000.0 * 5_001.0 / 2.0) - 1.0).abs() < 1e-9);
        assert!((rows.iter().map(|row| row.1).sum::<f64>() - 5_000.0).abs() < 1e-9);
    }
}
