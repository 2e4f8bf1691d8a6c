//! Which requests come from robots: crawlers that walk a catalogue, as told by who made the trace.

/// A mark for some requests of a trace: a bit for each request up to the last one that has it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Robots {
    bits: Vec<u64>,
    count: usize,
}

impl Robots {
    /// Marks the requests at these places.
    pub fn at(places: impl IntoIterator<Item = usize>) -> Self {
        let mut robots = Self::default();
        places.into_iter().for_each(|place| robots.mark(place));
        robots
    }

    /// Marks the request at a place.
    pub fn mark(&mut self, place: usize) {
        let word = place / 64;
        if word >= self.bits.len() {
            self.bits.resize(word + 1, 0);
        }
        let bit = 1 << (place % 64);
        self.count += usize::from(self.bits[word] & bit == 0);
        self.bits[word] |= bit;
    }

    /// Whether the request at a place is marked.
    #[inline]
    pub fn contains(&self, place: usize) -> bool {
        self.bits.get(place / 64).is_some_and(|word| word >> (place % 64) & 1 == 1)
    }

    /// How many requests are marked.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Bytes in memory.
    pub(super) fn bytes(&self) -> usize {
        size_of_val(self.bits.as_slice())
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_the_marked_places_are_marked() {
        let places = [0, 63, 64, 1_000, 64];
        let robots = Robots::at(places);
        assert_eq!((robots.len(), robots.is_empty()), (4, false));
        assert!((0..2_000).all(|place| robots.contains(place) == places.contains(&place)));
        assert!(Robots::default().is_empty() && !Robots::default().contains(0));
    }
}
