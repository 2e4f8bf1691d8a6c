//! The same requests at another rate: distances in time are divided by a factor.
//!
//! TTLs and origin times stay as they are: the same site with more visitors, as far as these ask for the
//! same images in the same order. (More visitors ask for other images too; that is what a synthetic
//! workload is for.)

use super::spread::{Spread, spread};
use crate::random::Seed;
use crate::trace::import::Item;

const SECOND_NS: i64 = 1_000_000_000;

/// The stretched trace would last beyond the times that there is room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("at this rate the trace goes on beyond the 292 years around 1970 that times have room for")]
pub struct TooLong;

/// Time made faster or slower.
///
/// Requests of whole seconds are spread inside them first, as a run would spread them: divided as they are, all those of
/// a second would come at one instant, at a time that looks exact.
#[derive(Debug)]
pub struct Stretch {
    rate: f64,
    how: Spread,
    seed: Seed,
    /// When the trace begins, in nanoseconds.
    first: Option<i64>,
    /// Requests of one second, not spread yet.
    second: Vec<Item>,
}

impl Stretch {
    /// `rate` times as many requests in a second; those of whole seconds spread in this way, with this seed.
    pub fn new(rate: f64, how: Spread, seed: Seed) -> Self {
        Self { rate, how, seed, first: None, second: Vec::new() }
    }

    /// Takes the next request, and adds those whose time is known by now to `out`.
    ///
    /// # Errors
    /// If a time lies beyond what there is room for.
    pub fn push(&mut self, item: Item, out: &mut Vec<Item>) -> Result<(), TooLong> {
        let second = |item: &Item| item.time_ns.div_euclid(SECOND_NS);
        if self.second.last().is_some_and(|last| second(last) != second(&item)) {
            self.end(out)?;
        }
        self.first.get_or_insert(item.time_ns);
        self.second.push(item);
        if self.how == Spread::None { self.end(out) } else { Ok(()) }
    }

    /// Adds all that are left to `out`.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub fn end(&mut self, out: &mut Vec<Item>) -> Result<(), TooLong> {
        let mut whole: Vec<&mut Item> = self.second.iter_mut().filter(|item| item.whole_second).collect();
        let mut times: Vec<i64> = whole.iter().map(|item| item.time_ns).collect();
        spread(&mut times, self.how, self.seed);
        whole.iter_mut().zip(times).for_each(|(item, time)| item.time_ns = time);
        self.second.sort_by_key(|item| item.time_ns);
        for item in std::mem::take(&mut self.second) {
            let time_ns = self.time(item.time_ns)?;
            out.push(Item { time_ns, whole_second: false, ..item });
        }
        Ok(())
    }

    /// The new time of what came at `time`.
    #[expect(clippy::cast_possible_truncation, reason = "what is too large is refused before")]
    fn time(&self, time: i64) -> Result<i64, TooLong> {
        let first = self.first.unwrap_or(time);
        let since = (time.saturating_sub(first) as f64 / self.rate).round();
        // The largest number below 2^63 that is a float.
        if since >= i64::MAX as f64 {
            return Err(TooLong);
        }
        first.checked_add(since as i64).ok_or(TooLong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::format::Op;

    fn item(time_ns: i64, whole_second: bool) -> Item {
        let key = time_ns.to_string();
        Item {
            time_ns,
            op: Op::Get,
            key,
            size: None,
            class: None,
            ttl: None,
            origin_time: None,
            whole_second,
        }
    }

    fn stretched(rate: f64, how: Spread, items: &[(i64, bool)]) -> Result<Vec<i64>, TooLong> {
        let mut stretch = Stretch::new(rate, how, Seed::new(1));
        let mut out = Vec::new();
        for (time, whole) in items {
            stretch.push(item(*time, *whole), &mut out)?;
        }
        stretch.end(&mut out)?;
        Ok(out.into_iter().map(|item| item.time_ns).collect())
    }

    #[test]
    fn twice_the_rate_is_half_the_distance() {
        let items = [(500, false), (1_000, false), (1_000, false)];
        assert_eq!(stretched(2.0, Spread::Uniform, &items), Ok(vec![500, 750, 750]));
        assert_eq!(stretched(0.5, Spread::Uniform, &items), Ok(vec![500, 1_500, 1_500]));
    }

    #[test]
    fn whole_seconds_are_spread_before_they_are_divided() {
        let seconds = |times: &[i64]| -> Vec<_> { times.iter().map(|s| (s * SECOND_NS, true)).collect() };
        let even = stretched(2.0, Spread::Even, &seconds(&[4, 4, 5, 5])).unwrap();
        assert_eq!(even, [4_125_000_000, 4_375_000_000, 4_625_000_000, 4_875_000_000]);
        let none = stretched(2.0, Spread::None, &seconds(&[4, 4, 5])).unwrap();
        assert_eq!(none, [4_000_000_000, 4_000_000_000, 4_500_000_000]);
        // The places are those of a run.
        let mut times = vec![7 * SECOND_NS; 20];
        let uniform = stretched(1.0, Spread::Uniform, &times.iter().map(|t| (*t, true)).collect::<Vec<_>>());
        spread(&mut times, Spread::Uniform, Seed::new(1));
        assert_eq!(uniform, Ok(times));
        // What has a fraction stays, and order is kept.
        let mixed = [(SECOND_NS, true), (SECOND_NS + 1, false)];
        assert_eq!(stretched(1.0, Spread::Even, &mixed), Ok(vec![SECOND_NS + 1, SECOND_NS * 3 / 2]));
    }

    #[test]
    fn a_time_that_there_is_no_room_for_is_refused() {
        assert_eq!(stretched(1e-8, Spread::None, &[(0, false), (99 * SECOND_NS, false)]), Err(TooLong));
    }
}
