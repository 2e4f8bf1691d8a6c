//! The order of eviction without a list: places of the trace, of which some no longer count.

/// Places from 1 on (place `i + 1` is that of request `i`); whoever stands nearest to the tail leaves next.
#[derive(Debug, Default)]
pub(super) struct Queue {
    /// A bit for each place that does not count, or no longer.
    passed: Vec<u64>,
    tail: u32,
}

impl Queue {
    /// Forgets everything; the places of `requests` requests can be told afterwards.
    pub(super) fn reset(&mut self, requests: usize) {
        // Place 0 stands for nobody, and one word beyond the end stops the search.
        self.passed.clear();
        self.passed.resize(requests / 64 + 2, 0);
        self.tail = 1;
    }

    /// The first place that has not been left behind: who stands before it has been evicted.
    #[inline]
    pub(super) fn tail(&self) -> u32 {
        self.tail
    }

    /// The place does not count, or no longer.
    #[inline]
    pub(super) fn pass(&mut self, place: u32) {
        self.passed[place as usize / 64] |= 1 << (place % 64);
    }

    /// The first place that counts, which the tail leaves behind.
    ///
    /// There must be one.
    #[inline]
    pub(super) fn leave(&mut self) -> u32 {
        let place = self.next_from(self.tail);
        self.tail = place + 1;
        place
    }

    /// The first place from this one on that counts.
    #[inline]
    pub(super) fn next_from(&self, place: u32) -> u32 {
        let mut word = place as usize / 64;
        let mut counts = !self.passed[word] & (u64::MAX << (place % 64));
        while counts == 0 {
            word += 1;
            counts = !self.passed[word];
        }
        u32::try_from(word * 64).unwrap_or(u32::MAX) + counts.trailing_zeros()
    }

    /// A bit for each of the 64 places from `64 * word` on, set where it counts; none beyond all places.
    #[inline]
    pub(super) fn counts(&self, word: usize) -> u64 {
        self.passed.get(word).map_or(0, |passed| !passed)
    }

    /// The place behind the `count`-th that counts from this one on; at least one is counted.
    #[inline]
    pub(super) fn beyond(&self, place: u32, count: u32) -> u32 {
        let mut word = place as usize / 64;
        let mut counts = !self.passed[word] & (u64::MAX << (place % 64));
        let mut left = count;
        loop {
            let here = counts.count_ones();
            if here >= left {
                break;
            }
            left -= here;
            word += 1;
            counts = !self.passed[word];
        }
        u32::try_from(word * 64).unwrap_or(u32::MAX) + nth_one(counts, left) + 1
    }
}

/// For each byte, where its first one stands, its second, and so on.
const ONES: [[u8; 8]; 256] = {
    let mut ones = [[0; 8]; 256];
    let mut byte = 0;
    while byte < ones.len() {
        let (mut place, mut found) = (0, 0);
        while place < 8 {
            if byte >> place & 1 == 1 {
                ones[byte][found] = place;
                found += 1;
            }
            place += 1;
        }
        byte += 1;
    }
    ones
};

/// Where the `nth` one of these bits stands, counted from 1; there must be as many. Sums of ones by byte, found side by side,
/// tell its byte (S. Vigna, "Broadword Implementation of Rank/Select Queries", WEA 2008).
#[inline]
fn nth_one(bits: u64, nth: u32) -> u32 {
    const EACH: u64 = 0x0101_0101_0101_0101;
    let pairs = bits - ((bits >> 1) & (EACH * 0x55));
    let fours = (pairs & (EACH * 0x33)) + ((pairs >> 2) & (EACH * 0x33));
    // In each byte the ones in it and in all below.
    let sums = ((fours + (fours >> 4)) & (EACH * 0x0f)).wrapping_mul(EACH);
    let enough = ((sums | (EACH * 0x80)) - u64::from(nth) * EACH) & (EACH * 0x80);
    let byte = enough.trailing_zeros() / 8 * 8;
    let below = ((sums << 8) >> byte) & 0xff;
    let within = ((u64::from(nth) - 1 - below) % 8) as usize;
    byte + u32::from(ONES[((bits >> byte) % 256) as usize][within])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_tail_goes_over_places_that_do_not_count() {
        let mut queue = Queue::default();
        queue.reset(300);
        (1..=200).filter(|place| *place != 3 && *place != 130).for_each(|place| queue.pass(place));
        assert_eq!([queue.leave(), queue.leave(), queue.leave()], [3, 130, 201]);
        assert_eq!(queue.tail(), 202);
        assert_eq!([1, 2, 3].map(|count| queue.beyond(2, count)), [4, 131, 202]);
        assert_eq!(queue.beyond(131, 64), 265);
        assert_eq!((queue.counts(0) >> 4, queue.counts(3) >> 9, queue.counts(1_000)), (0, u64::MAX >> 9, 0));
        queue.reset(300);
        assert_eq!(queue.leave(), 1);
    }

    proptest! {
        #[test]
        fn the_nth_one_is_found_by_counting(bits: u64, fewer: u64, one in 0_u32..64) {
            for bits in [bits, bits & fewer, bits | fewer, 1 << one, u64::MAX, u64::MAX << one] {
                let ones = (0..64).filter(|place| bits >> place & 1 == 1);
                for (place, nth) in ones.zip(1..) {
                    prop_assert_eq!(nth_one(bits, nth), place, "{} of {:b}", nth, bits);
                }
            }
        }
    }
}
