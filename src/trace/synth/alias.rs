//! Draws from any finite distribution in constant time, exactly: Walker's alias method.
//!
//! Walker (1977), "An efficient method for generating discrete random variables with general
//! distributions", ACM TOMS 3; tables built in linear time as in Vose (1991), IEEE TSE 17.

use rand::{Rng, RngExt};

use crate::random::Stream;

/// A table that draws indices with given weights.
///
/// Exact up to the rounding of the weights to doubles. A draw costs two random numbers and one
/// place in memory; the table takes 16 bytes per index.
#[derive(Debug)]
pub(super) struct Alias {
    columns: Vec<Column>,
}

/// One of as many equally likely columns as there are indices; it is shared by at most two of them.
#[derive(Debug, Clone, Copy)]
struct Column {
    /// Share of the column that belongs to its own index.
    own: f64,
    /// The index that has the rest.
    other: u32,
}

impl Alias {
    /// A table for indices with these weights, which need not sum to 1.
    ///
    /// # Panics
    /// If there is no weight, there are 2^32 or more, one is negative or not finite, or all are zero.
    pub(super) fn new(weights: &[f64]) -> Self {
        assert!(weights.iter().all(|w| w.is_finite() && *w >= 0.0), "weights are finite and not negative");
        // From the end, because popularities fall: adding the small ones first loses least.
        let sum: f64 = weights.iter().rev().sum();
        assert!(sum > 0.0, "at least one weight is above zero");
        let count = u32::try_from(weights.len()).expect("indices fit in 32 bits");
        let scale = f64::from(count) / sum;
        let mut columns: Vec<Column> =
            (0..).zip(weights).map(|(index, weight)| Column { own: weight * scale, other: index }).collect();
        let (mut poor, mut rich): (Vec<u32>, Vec<u32>) =
            (0..count).partition(|&index| columns[index as usize].own < 1.0);
        while let (Some(&giver), Some(taker)) = (rich.last(), poor.pop()) {
            columns[taker as usize].other = giver;
            let left = columns[giver as usize].own - (1.0 - columns[taker as usize].own);
            columns[giver as usize].own = left;
            if left < 1.0 {
                rich.pop();
                poor.push(giver);
            }
        }
        // What remains on either side differs from a full column by rounding alone.
        for index in poor.into_iter().chain(rich) {
            columns[index as usize] = Column { own: 1.0, other: index };
        }
        Self { columns }
    }

    /// Number of indices.
    pub(super) fn len(&self) -> u32 {
        u32::try_from(self.columns.len()).expect("indices fit in 32 bits")
    }

    /// Draws an index.
    #[inline]
    pub(super) fn draw(&self, stream: &mut Stream) -> u32 {
        let index = below(stream, self.columns.len());
        let column = self.columns[index as usize];
        // A choice by index, not by branch: which of the two it is cannot be predicted.
        [column.other, index][usize::from(stream.random::<f64>() < column.own)]
    }
}

/// Draws one of `0..count`, each equally often up to a relative error below 2^-32; `count` is at
/// least 1 and at most 2^32.
pub(super) fn below(stream: &mut Stream, count: usize) -> u32 {
    let scaled = u128::from(stream.next_u64()) * count as u128;
    u32::try_from(scaled >> 64).expect("below the count")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Seed;

    /// The probability of each index that the columns amount to.
    fn probabilities(alias: &Alias) -> Vec<f64> {
        let mut sums = vec![0.0; alias.columns.len()];
        for (index, column) in alias.columns.iter().enumerate() {
            sums[index] += column.own;
            sums[column.other as usize] += 1.0 - column.own;
        }
        sums.iter().map(|sum| sum / alias.columns.len() as f64).collect()
    }

    proptest::proptest! {
        #[test]
        fn the_columns_amount_to_the_weights(weights in proptest::collection::vec(0.0_f64..10.0, 1..200)) {
            let sum: f64 = weights.iter().sum();
            proptest::prop_assume!(sum > 0.0);
            for (got, weight) in probabilities(&Alias::new(&weights)).iter().zip(&weights) {
                proptest::prop_assert!((got - weight / sum).abs() < 1e-13, "{got} for {weight}/{sum}");
            }
        }
    }

    #[test]
    fn what_has_no_weight_is_never_drawn() {
        let alias = Alias::new(&[0.0, 3.0, 0.0, 1.0]);
        let mut stream = Seed::new(1).stream();
        let mut counts = [0; 4];
        for _ in 0..40_000 {
            counts[alias.draw(&mut stream) as usize] += 1;
        }
        assert_eq!((counts[0], counts[2]), (0, 0));
        // 4.6 standard deviations of a binomial count.
        assert!((29_600..30_400).contains(&counts[1]), "{counts:?}");
    }

    #[test]
    fn every_index_below_the_count_is_drawn_and_no_other() {
        let mut stream = Seed::new(1).stream();
        let mut seen = [0; 5];
        for _ in 0..1_000 {
            seen[below(&mut stream, 5) as usize] += 1;
        }
        assert!(seen.iter().all(|&n| n > 140), "{seen:?}");
        assert_eq!(below(&mut stream, 1), 0);
    }
}
