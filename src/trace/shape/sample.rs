//! A part of a trace that keeps its reuse: all requests of some keys, none of the others.
//!
//! A key is kept where its hash lies below the rate, which is the spatial sampling of SHARDS (Waldspurger
//! and others, FAST 2015). A cache of `rate` times the size then behaves as the whole one. What remains
//! is the chance of which hot keys are kept: it shows as a number of requests that is not `rate` times
//! that of the trace, and [`Sampler::adjusted`] takes it out of a hit ratio.

use crate::random::Seed;

/// Keeps a part of all keys.
#[derive(Debug, Clone, Copy)]
pub struct Sampler {
    rate: f64,
    seed: Seed,
}

impl Sampler {
    /// Keeps about `rate` (0 to 1) of all keys; another seed keeps others.
    pub fn new(rate: f64, seed: Seed) -> Self {
        Self { rate, seed: seed.of("trace/sample") }
    }

    /// Whether the key is kept; the same for every request, file and run.
    pub fn keeps(&self, key: &str) -> bool {
        self.seed.of(key).unit(0, 0) < self.rate
    }

    /// The hit ratio of the whole trace of `requests` from that of the sample, where `hits` of `sampled`
    /// requests were hits: requests that the sample has too many or too few are those of hot keys, which
    /// are hits in any cache (the adjustment of SHARDS). `None` without requests.
    pub fn adjusted(&self, hits: u64, sampled: u64, requests: u64) -> Option<f64> {
        let expected = self.rate * requests as f64;
        (expected > 0.0).then(|| ((hits as f64 + expected - sampled as f64) / expected).clamp(0.0, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_keys_are_kept_as_the_rate_says_and_a_higher_rate_keeps_them_too() {
        let keys: Vec<String> = (0..100_000).map(|i| format!("/media/{i}.jpg")).collect();
        let few = Sampler::new(0.1, Seed::new(1));
        let many = Sampler::new(0.3, Seed::new(1));
        let kept = keys.iter().filter(|key| few.keeps(key)).count();
        // Binomial: the standard deviation is sqrt(n p q), about 95.
        assert!((kept as f64 - 10_000.0).abs() < 4.0 * 95.0, "{kept}");
        assert!(keys.iter().filter(|key| few.keeps(key)).all(|key| many.keeps(key)));
        let other = Sampler::new(0.1, Seed::new(2));
        assert!(keys.iter().any(|key| few.keeps(key) != other.keeps(key)));
    }

    #[test]
    fn missing_requests_count_as_hits() {
        let sampler = Sampler::new(0.1, Seed::new(1));
        assert_eq!(sampler.adjusted(50, 90, 1_000), Some(0.6));
        assert_eq!(sampler.adjusted(0, 0, 0), None);
    }
}
