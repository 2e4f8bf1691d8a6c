//! Values as they are sent: of the recorded size, incompressible, and each with the number of its fill in front.

use rand::Rng as _;

use crate::random::Seed;

/// Bytes of the number of a fill; shorter values carry none.
const STAMP: usize = 8;

/// Random bytes from which every value is cut.
#[derive(Debug)]
pub(in crate::live) struct Values {
    pool: Vec<u8>,
    longest: usize,
}

impl Values {
    /// Values of up to `longest` bytes.
    pub(in crate::live) fn new(longest: usize, seed: Seed) -> Self {
        /// Cuts begin at so many places, so that no two values of an object are alike.
        const PLACES: usize = 1 << 16;
        let mut pool = vec![0; longest + PLACES];
        seed.stream().fill_bytes(&mut pool);
        Self { pool, longest }
    }

    /// The value of a fill.
    pub(in crate::live) fn value(&self, fill: u64, size: usize) -> Vec<u8> {
        let places = (self.pool.len() - self.longest) as u64;
        // Neighbouring fills are cut far from each other.
        let from =
            usize::try_from(fill.wrapping_mul(40_503) % places).expect("it is below the number of places");
        let mut value = self.pool[from..from + size].to_vec();
        if let Some(stamp) = value.get_mut(..STAMP) {
            stamp.copy_from_slice(&fill.to_le_bytes());
        } else if let Some(first) = value.first_mut() {
            // No number: the small ones are shared by all keys and take no memory, the others less than a string.
            *first |= 0x80;
        }
        value
    }
}

/// Which fill a value is of; none for one that is too short to tell.
pub(in crate::live) fn fill_of(value: &[u8]) -> Option<u64> {
    value.first_chunk::<STAMP>().map(|stamp| u64::from_le_bytes(*stamp))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn values_have_their_size_tell_their_fill_and_do_not_shrink() {
        let values = Values::new(50_000, Seed::new(1));
        for (fill, size) in [(0, 0), (1, 7), (2, 8), (70_000, 50_000)] {
            let value = values.value(fill, size);
            assert_eq!(value.len(), size);
            assert_eq!(fill_of(&value), (size >= 8).then_some(fill));
        }
        let short = (0..10_000).flat_map(|fill| (1..8).map(move |size| (fill, size)));
        assert!(
            short.into_iter().all(|(fill, size)| !values.value(fill, size)[0].is_ascii()),
            "none is a number"
        );
        let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        packed.write_all(&values.value(3, 50_000)).unwrap();
        assert!(packed.finish().unwrap().len() >= 50_000);
    }
}
