//! Where inside their second the requests of a log lie that has whole seconds only.
//!
//! Stampedes are decided within one origin time, mostly far below a second. Left where they are, all
//! requests of a second arrive together, and one expiry looks like a crowd. Where a request comes to
//! lie depends on the seed, its second and its place among the requests of that second alone, so
//! that cutting or joining traces does not move other requests.

use crate::random::Seed;

const SECOND_NS: i64 = 1_000_000_000;

/// How the requests of one second are spread inside it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Spread {
    /// All at its start: an upper bound for what arrives together.
    None,
    /// At equal distances: a lower bound, tamer than any real arrivals.
    Even,
    /// At sorted uniform places, in the order of the file; exact for a Poisson process.
    #[default]
    Uniform,
}

impl Spread {
    /// As written in scenarios.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Even => "even",
            Self::Uniform => "uniform",
        }
    }
}

/// Moves each whole second among `times`, which never decrease, to a place inside that second; nanoseconds. Times with a
/// fraction stay, so that those of one second may be out of order afterwards.
pub(in crate::trace) fn spread(times: &mut [i64], how: Spread, seed: Seed) {
    let seed = seed.of("trace/spread");
    let mut offsets = Vec::new();
    for same in times.chunk_by_mut(|a, b| a == b) {
        let (second, count) = (same[0], same.len());
        if second % SECOND_NS != 0 {
            continue;
        }
        offsets.clear();
        match how {
            Spread::None => return,
            Spread::Even => offsets.extend((0..count).map(|i| nanos((i as f64 + 0.5) / count as f64))),
            Spread::Uniform => {
                let key = second.div_euclid(SECOND_NS).cast_unsigned();
                offsets.extend((0..count).map(|i| nanos(seed.unit(key, i as u64))));
                offsets.sort_unstable();
            }
        }
        for (time, offset) in same.iter_mut().zip(&offsets) {
            *time += offset;
        }
    }
}

/// A part of a second, from 0 and below 1, in whole nanoseconds.
#[expect(clippy::cast_possible_truncation, reason = "below a billion")]
fn nanos(part: f64) -> i64 {
    ((part * SECOND_NS as f64) as i64).min(SECOND_NS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn spread_of(seconds: &[i64], how: Spread, seed: u64) -> Vec<i64> {
        let mut times: Vec<i64> = seconds.iter().map(|s| s * SECOND_NS).collect();
        spread(&mut times, how, Seed::new(seed));
        times
    }

    #[test]
    fn even_places_are_the_middles_of_equal_parts() {
        assert_eq!(spread_of(&[5, 5, 7], Spread::Even, 1), [5_250_000_000, 5_750_000_000, 7_500_000_000]);
        assert_eq!(spread_of(&[5, 5], Spread::None, 1), [5_000_000_000, 5_000_000_000]);
    }

    #[test]
    fn times_with_a_fraction_stay() {
        let mut times = [5_000_000_000, 5_000_000_000, 5_100_000_000, 6_000_000_000];
        spread(&mut times, Spread::Even, Seed::new(1));
        assert_eq!(times, [5_250_000_000, 5_750_000_000, 5_100_000_000, 6_500_000_000]);
    }

    #[test]
    fn uniform_places_have_the_mean_and_variance_of_uniforms() {
        let seconds: Vec<i64> = (0..40_000).map(|i| i / 2).collect();
        let places: Vec<f64> = spread_of(&seconds, Spread::Uniform, 7)
            .iter()
            .map(|t| t.rem_euclid(SECOND_NS) as f64 / SECOND_NS as f64)
            .collect();
        let n = places.len() as f64;
        let mean = places.iter().sum::<f64>() / n;
        let variance = places.iter().map(|p| (p - mean).powi(2)).sum::<f64>() / n;
        assert!((mean - 0.5).abs() < 4.0 / (12.0 * n).sqrt(), "{mean}");
        // The variance of the sample variance of uniforms is 1/(180 n).
        assert!((variance - 1.0 / 12.0).abs() < 4.0 / (180.0 * n).sqrt(), "{variance}");
    }

    proptest! {
        #[test]
        fn requests_stay_in_their_second_and_cutting_moves_no_other(
            mut seconds in prop::collection::vec(-50_i64..50, 1..200), cut in -50_i64..50, seed: u64,
        ) {
            seconds.sort_unstable();
            let whole = spread_of(&seconds, Spread::Uniform, seed);
            prop_assert!(whole.is_sorted());
            for (second, time) in seconds.iter().zip(&whole) {
                prop_assert_eq!(*second, time.div_euclid(SECOND_NS));
            }
            let kept: Vec<i64> = seconds.iter().copied().filter(|s| *s >= cut).collect();
            let want: Vec<i64> = whole.iter().copied().filter(|t| *t >= cut * SECOND_NS).collect();
            prop_assert_eq!(spread_of(&kept, Spread::Uniform, seed), want);
        }
    }
}
