//! Chance, under control: a named random stream for every purpose, and draws by key.
//!
//! A stream's seed is a hash of the scenario's seed and the path of its purpose, so that adding an
//! observer or a strategy never shifts what another one draws. Draws that must be the same in two
//! runs that differ elsewhere (the time of an object's third fetch, the place of a request inside
//! its second) are not taken from a stream at all: they are hashed from what they belong to.

use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;

/// A portable generator; the same on every platform and in every release of its crate.
pub type Stream = Xoshiro256PlusPlus;

/// The root of all chance below one purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seed(u64);

impl Seed {
    /// The seed that a scenario or the command line names.
    pub const fn new(seed: u64) -> Self {
        Self(mix(seed ^ 0x7474_6c61_6221_0001))
    }

    /// The seed of a purpose below this one, such as `"origin/latency"`.
    pub fn of(self, purpose: &str) -> Self {
        let mut state = self.0;
        for byte in purpose.bytes() {
            state = mix(state ^ u64::from(byte));
        }
        Self(mix(state ^ purpose.len() as u64))
    }

    /// The seed of the `index`-th of many alike, such as a replication or a node.
    pub const fn nth(self, index: u64) -> Self {
        Self(mix(self.0 ^ mix(index.wrapping_add(0x9e37_79b9_7f4a_7c15))))
    }

    /// A generator that draws for this purpose alone.
    pub fn stream(self) -> Stream {
        Stream::seed_from_u64(self.0)
    }

    /// 64 random bits that depend on the two keys alone, whatever was drawn before.
    pub const fn bits(self, a: u64, b: u64) -> u64 {
        mix(mix(self.0 ^ mix(a.wrapping_add(0x9e37_79b9_7f4a_7c15))) ^ b.wrapping_mul(0xd6e8_feb8_6659_fd93))
    }

    /// A number in [0, 1) that depends on the two keys alone.
    pub fn unit(self, a: u64, b: u64) -> f64 {
        (self.bits(a, b) >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
    }

    /// A hash of `bytes` that depends on this seed: eight at a time, then the rest with the length.
    pub fn hash(self, bytes: &[u8]) -> u64 {
        let mut state = mix(self.0 ^ bytes.len() as u64);
        let mut add = |word: u64| state = mix(state.wrapping_add(0x9e37_79b9_7f4a_7c15) ^ word);
        let (words, rest) = bytes.as_chunks();
        words.iter().for_each(|word| add(u64::from_le_bytes(*word)));
        if !rest.is_empty() {
            add(rest.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)));
        }
        state
    }

    /// A generator for the draws that belong to the two keys alone.
    pub fn keyed(self, a: u64, b: u64) -> Stream {
        Stream::seed_from_u64(self.bits(a, b))
    }
}

/// The finaliser of `SplitMix64` (Steele, Lea, Flood 2014, variant 13 of Stafford): every input bit
/// moves about half of the output bits.
const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_purpose_has_its_own_stream() {
        let seed = Seed::new(42);
        assert_eq!(seed.of("origin"), seed.of("origin"));
        assert_ne!(seed.of("origin"), seed.of("arrivals"));
        assert_ne!(seed.of("a").of("b"), seed.of("ab"));
        assert_ne!(seed.nth(0), seed.nth(1));
    }

    #[test]
    fn draws_by_key_are_uniform() {
        let seed = Seed::new(1);
        let n = 100_000;
        let mean = (0..n).map(|i| seed.unit(i / 7, i % 7)).sum::<f64>() / n as f64;
        // The standard error of the mean of n uniforms is 1/sqrt(12 n).
        assert!((mean - 0.5).abs() < 4.0 / (12.0 * n as f64).sqrt(), "{mean}");
        let below = (0..n).filter(|i| seed.unit(*i, 0) < 0.1).count() as f64 / n as f64;
        assert!((below - 0.1).abs() < 4.0 * (0.09 / n as f64).sqrt(), "{below}");
    }
}
