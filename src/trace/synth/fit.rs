//! Whether counts fit a distribution: the chi-square test that proves the samplers.

/// Asserts that `counts` are what `shares` (summing to 1) predict.
///
/// # Panics
/// If chi-square lies above its 0.99997 quantile: with the fixed seeds of tests this is no matter
/// of luck, and a sampler that is off by a per cent in one of the larger shares is found out.
pub(super) fn fits(counts: &[u64], shares: &[f64]) {
    assert_eq!(counts.len(), shares.len());
    assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-9, "shares sum to 1");
    let total = counts.iter().sum::<u64>() as f64;
    let (mut chi, mut cells) = (0.0, 0_u32);
    // Cells that expect fewer than 10 are pooled: the test is not valid on them alone.
    let (mut rest, mut rest_expected) = (0.0, 0.0);
    let mut add = |count: f64, expected: f64| {
        chi += (count - expected).powi(2) / expected;
        cells += 1;
    };
    for (count, share) in counts.iter().zip(shares) {
        let (count, expected) = (*count as f64, share * total);
        if expected >= 10.0 {
            add(count, expected);
        } else {
            rest += count;
            rest_expected += expected;
        }
    }
    if rest_expected >= 1.0 {
        add(rest, rest_expected);
    } else {
        assert!(rest < 8.0, "{rest} draws where {rest_expected} are expected");
    }
    if cells < 2 {
        return;
    }
    // Wilson and Hilferty (1931): the cube root of chi-square over its freedom is nearly normal.
    let freedom = f64::from(cells - 1);
    let spread = 2.0 / (9.0 * freedom);
    let limit = freedom * (1.0 - spread + 4.0 * spread.sqrt()).powi(3);
    assert!(chi < limit, "chi-square {chi:.1} with {freedom} degrees of freedom, limit {limit:.1}");
}

/// The first fifty ranks one by one, and the others in bins that grow by half.
pub(super) struct Bins {
    /// Where each bin begins; the last element is the end.
    edges: Vec<usize>,
}

impl Bins {
    /// Bins for `ranks` ranks.
    pub(super) fn ranks(ranks: usize) -> Self {
        let mut edges: Vec<usize> = (0..ranks.min(50)).collect();
        let mut edge = 50;
        while edge < ranks {
            edges.push(edge);
            edge += edge / 2;
        }
        edges.push(ranks);
        Self { edges }
    }

    /// Number of bins.
    pub(super) fn len(&self) -> usize {
        self.edges.len() - 1
    }

    /// The bin that `rank` falls into.
    pub(super) fn of(&self, rank: usize) -> usize {
        self.edges.partition_point(|edge| *edge <= rank) - 1
    }

    /// The share of each bin in the sum of the ranks' weights.
    pub(super) fn shares(&self, weights: &[f64]) -> Vec<f64> {
        let sum: f64 = weights.iter().rev().sum();
        self.edges.windows(2).map(|bin| weights[bin[0]..bin[1]].iter().sum::<f64>() / sum).collect()
    }
}

#[test]
fn a_fair_die_fits_and_a_loaded_one_does_not() {
    fits(&[1_010, 990, 1_005, 1_000, 980, 1_015], &[1.0 / 6.0; 6]);
    let loaded = std::panic::catch_unwind(|| fits(&[1_200, 960, 960, 960, 960, 960], &[1.0 / 6.0; 6]));
    assert!(loaded.is_err());
}
