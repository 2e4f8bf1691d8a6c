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

    /// The place behind the `count`-th that counts from this one on; at least one is counted.
    #[inline]
    pub(super) fn beyond(&self, place: u32, count: u32) -> u32 {
        let mut word = place as usize / 64;
        let mut counts = !self.passed[word] & (u64::MAX << (place % 64));
        let mut left = count;
        while counts.count_ones() < left {
            left -= counts.count_ones();
            word += 1;
            counts = !self.passed[word];
        }
        (1..left).for_each(|_| counts &= counts - 1);
        u32::try_from(word * 64).unwrap_or(u32::MAX) + counts.trailing_zeros() + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_goes_over_places_that_do_not_count() {
        let mut queue = Queue::default();
        queue.reset(300);
        (1..=200).filter(|place| *place != 3 && *place != 130).for_each(|place| queue.pass(place));
        assert_eq!([queue.leave(), queue.leave(), queue.leave()], [3, 130, 201]);
        assert_eq!(queue.tail(), 202);
        assert_eq!([1, 2, 3].map(|count| queue.beyond(2, count)), [4, 131, 202]);
        assert_eq!(queue.beyond(131, 64), 265);
        queue.reset(300);
        assert_eq!(queue.leave(), 1);
    }
}
