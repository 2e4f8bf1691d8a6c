//! How long things took, counted by value.

use hdrhistogram::Histogram;

/// Longer times, about 73 years, count as this: the histogram tells no longer ones.
const LONGEST_NS: u64 = 1 << 61;
/// Times that agree in so many significant digits share a place.
const DIGITS: u8 = 3;

/// Times in nanoseconds, counted by value to three significant digits.
///
/// A second histogram sums up by how much the times of each place exceed its least value, so a
/// percentile is the mean of the times at its place: exact where these are equal, such as the time of
/// a constant origin or a timeout, and to three digits elsewhere. The mean and the greatest are exact.
///
/// While times are told, every place up to the longest of them is in memory. Whoever keeps finished counts lets them
/// [`rest`](Self::rest), which leaves the places that have any and changes nothing that is told.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
#[serde(into = "Kept", from = "Kept")]
pub struct Waits {
    counted: Counted,
    sum: u128,
    max: u64,
}

#[derive(Debug, Clone)]
enum Counted {
    /// A place for every time up to the longest.
    Open(Places),
    /// The places that have any times, in ascending order.
    Resting(Packed),
}

/// How many times there are at each place, and by how much these exceed it. Both grow with what they are told.
#[derive(Debug, Clone)]
struct Places {
    counts: Histogram<u64>,
    excess: Histogram<u64>,
}

/// A place: its least value, how many times there are, and by how much they exceed it.
type Place = (u64, u64, u64);

/// Places one after the other in as few bytes as their numbers need: of each by how far it lies beyond the one before, its
/// count and its excess, seven bits in a byte and the lowest first (LEB128).
#[derive(Debug, Clone, Default)]
struct Packed(Box<[u8]>);

/// The lowest seven bits.
fn low(number: u64) -> u8 {
    number.to_le_bytes()[0] & 0x7f
}

impl Packed {
    fn of(places: impl IntoIterator<Item = Place>) -> Self {
        let (mut bytes, mut before) = (Vec::new(), 0);
        for (least, count, excess) in places {
            for mut number in [least - before, count, excess] {
                while number >= 1 << 7 {
                    bytes.push(0x80 | low(number));
                    number >>= 7;
                }
                bytes.push(low(number));
            }
            before = least;
        }
        Self(bytes.into())
    }

    fn places(&self) -> impl Iterator<Item = Place> {
        let (mut bytes, mut least) = (self.0.iter(), 0);
        std::iter::from_fn(move || {
            let mut number = || -> Option<u64> {
                let (mut number, mut shift) = (0, 0);
                loop {
                    let byte = *bytes.next()?;
                    number |= u64::from(byte & 0x7f) << shift;
                    if byte < 0x80 {
                        return Some(number);
                    }
                    shift += 7;
                }
            };
            least += number()?;
            Some((least, number()?, number()?))
        })
    }
}

/// What is needed to have the same again.
#[derive(serde::Serialize, serde::Deserialize)]
struct Kept {
    places: Vec<Place>,
    sum: u128,
    max: u64,
}

impl Default for Waits {
    fn default() -> Self {
        Self { counted: Counted::Resting(Packed::default()), sum: 0, max: 0 }
    }
}

/// Equal counts are equal whether or not they rest.
impl PartialEq for Waits {
    fn eq(&self, other: &Self) -> bool {
        (self.sum, self.max) == (other.sum, other.max) && self.places() == other.places()
    }
}

impl From<Waits> for Kept {
    fn from(waits: Waits) -> Self {
        Self { places: waits.places(), sum: waits.sum, max: waits.max }
    }
}

impl From<Kept> for Waits {
    fn from(mut kept: Kept) -> Self {
        kept.places.sort_unstable();
        Self { counted: Counted::Resting(Packed::of(kept.places)), sum: kept.sum, max: kept.max }
    }
}

impl Places {
    fn of(resting: &Packed) -> Self {
        let empty = || Histogram::new(DIGITS).expect("three digits are legal");
        let mut places = Self { counts: empty(), excess: empty() };
        resting.places().for_each(|place| places.add(place));
        places
    }

    fn add(&mut self, (least, count, excess): Place) {
        self.counts.record_n(least, count).expect("a histogram that may grow takes every time");
        self.excess.record_n(least, excess).expect("a histogram that may grow takes every time");
    }

    /// Those that have any times.
    fn taken(&self) -> Vec<Place> {
        let place = |place: hdrhistogram::iterators::IterationValue<u64>| {
            let least = self.counts.lowest_equivalent(place.value_iterated_to());
            (least, place.count_at_value(), self.excess_at(least))
        };
        self.counts.iter_recorded().map(place).collect()
    }

    /// By how much the times at a place exceed it. Where nothing does, the second histogram need not reach so far.
    fn excess_at(&self, least: u64) -> u64 {
        if least <= self.excess.high() { self.excess.count_at(least) } else { 0 }
    }
}

impl Waits {
    /// Counts a time of `nanos` nanoseconds `times` times.
    ///
    /// # Panics
    /// Never on machines of 64 bits, which can address a histogram of any range.
    pub fn record(&mut self, nanos: u64, times: u64) {
        if times == 0 {
            return;
        }
        let nanos = nanos.min(LONGEST_NS);
        let places = self.open();
        let place = places.counts.lowest_equivalent(nanos);
        places.add((place, times, (nanos - place).saturating_mul(times)));
        self.sum += u128::from(nanos) * u128::from(times);
        self.max = self.max.max(nanos);
    }

    /// Adds what another has counted.
    ///
    /// # Panics
    /// As [`record`](Self::record).
    pub fn merge(&mut self, other: &Self) {
        let places = self.open();
        match &other.counted {
            Counted::Resting(resting) => resting.places().for_each(|place| places.add(place)),
            Counted::Open(others) => {
                places.counts.add(&others.counts).expect("a histogram that may grow takes every time");
                places.excess.add(&others.excess).expect("a histogram that may grow takes every time");
            }
        }
        self.sum += other.sum;
        self.max = self.max.max(other.max);
    }

    /// Keeps the places that have any times alone, because nothing more is told for now.
    pub fn rest(&mut self) {
        if let Counted::Open(places) = &self.counted {
            self.counted = Counted::Resting(Packed::of(places.taken()));
        }
    }

    /// A place for every time.
    #[inline]
    fn open(&mut self) -> &mut Places {
        if let Counted::Resting(resting) = &self.counted {
            self.counted = Counted::Open(Places::of(resting));
        }
        match &mut self.counted {
            Counted::Open(places) => places,
            Counted::Resting(_) => unreachable!("they were opened"),
        }
    }

    fn places(&self) -> Vec<Place> {
        match &self.counted {
            Counted::Open(places) => places.taken(),
            Counted::Resting(resting) => resting.places().collect(),
        }
    }

    /// The same with `factor` times as many of each, and so many more (or fewer) that waited for nothing. What
    /// rounding takes from one place the next one gets.
    pub(super) fn scaled(&self, factor: f64, none: f64) -> Self {
        let kept = self.places();
        let unwaited = |place: &Place| place.0 == 0;
        let nothing = (!kept.iter().any(unwaited)).then_some((0, 0, 0));
        let mut owed = 0.0;
        let places = nothing.into_iter().chain(kept).filter_map(|(least, count, excess)| {
            owed += count as f64 * factor + if least == 0 { none } else { 0.0 };
            let whole = owed.round().max(0.0);
            owed -= whole;
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "float to integer casts saturate, and none is negative"
            )]
            let (times, beyond) = (whole as u64, (excess as f64 * whole / (count as f64).max(1.0)) as u64);
            (times > 0).then_some((least, times, beyond))
        });
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "float to integer casts saturate, and none is negative"
        )]
        let sum = (self.sum as f64 * factor).round() as u128;
        Self::from(Kept { places: places.collect(), sum, max: self.max })
    }

    /// How many there are.
    pub fn len(&self) -> u64 {
        match &self.counted {
            Counted::Open(places) => places.counts.len(),
            Counted::Resting(resting) => resting.places().map(|(_, count, _)| count).sum(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Their mean in nanoseconds; 0 where there are none.
    pub fn mean(&self) -> f64 {
        let count = self.len();
        if count == 0 { 0.0 } else { self.sum as f64 / count as f64 }
    }

    /// The longest in nanoseconds; 0 where there are none.
    pub fn max(&self) -> u64 {
        self.max
    }

    /// The time in nanoseconds that a share `within` of them stay within; 0 where there are none.
    pub fn quantile(&self, within: f64) -> u64 {
        let (least, count, excess) = match &self.counted {
            Counted::Open(places) => {
                let least = places.counts.lowest_equivalent(places.counts.value_at_quantile(within));
                (least, places.counts.count_at(least), places.excess_at(least))
            }
            Counted::Resting(resting) => {
                // By the same rule as the histogram's: the first place up to which there are so many, and one at least.
                let wanted = (within.min(1.0) * self.len() as f64).ceil().max(1.0);
                let mut seen = 0;
                let up_to = |place: &Place| {
                    seen += place.1;
                    seen as f64 >= wanted
                };
                resting.places().find(up_to).unwrap_or_default()
            }
        };
        least + excess / count.max(1)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn equal_times_are_told_exactly_even_among_others() {
        let mut waits = Waits::default();
        waits.record(0, 900);
        waits.record(120_000_000, 90);
        waits.record(5_000_000_000, 10);
        assert_eq!([0.5, 0.95, 0.999].map(|q| waits.quantile(q)), [0, 120_000_000, 5_000_000_000]);
        assert_eq!((waits.max(), waits.len()), (5_000_000_000, 1_000));
        assert!((waits.mean() - 60_800_000.0).abs() < 1e-6);
    }

    #[test]
    fn nothing_has_no_times() {
        let waits = Waits::default();
        assert!(waits.is_empty());
        assert_eq!((waits.len(), waits.max(), waits.quantile(0.99)), (0, 0, 0));
    }

    proptest! {
        /// Beside a sorted list: to three digits, and the same whether counted at once or put together.
        #[test]
        fn quantiles_are_those_of_the_sorted_times(
            times in prop::collection::vec(prop_oneof![0_u64..3_000, 0..u64::MAX >> 2], 1..200),
            split in 0_usize..200,
            within in 0.0_f64..=1.0,
        ) {
            let of = |part: &[u64]| {
                let mut waits = Waits::default();
                part.iter().for_each(|time| waits.record(*time, 1));
                waits
            };
            let split = split.min(times.len());
            let mut together = of(&times[..split]);
            together.merge(&of(&times[split..]));
            let all = of(&times);
            let mut sorted: Vec<u64> = times.iter().map(|time| (*time).min(LONGEST_NS)).collect();
            sorted.sort_unstable();
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in a short list")]
            let rank = ((within * sorted.len() as f64).ceil() as usize).max(1) - 1;
            let (told, true_one) = (all.quantile(within), sorted[rank]);
            prop_assert!(told.abs_diff(true_one) as f64 <= true_one as f64 / 1_000.0, "{told} for {true_one}");
            prop_assert_eq!(told, together.quantile(within));
            let text = serde_json::to_string(&all).expect("it has a JSON form");
            let again: Waits = serde_json::from_str(&text).expect("it reads back");
            prop_assert_eq!(&again, &all);
            prop_assert_eq!((all.len(), all.max()), (together.len(), together.max()));
            prop_assert_eq!(all.max(), *sorted.last().expect("there is one"));
            // At rest it tells the same, and goes on.
            let mut resting = all.clone();
            resting.rest();
            prop_assert_eq!(&resting, &all);
            prop_assert_eq!((resting.len(), resting.quantile(within)), (all.len(), told));
            let (mut later, mut of_both) = (together, all.clone());
            later.rest();
            later.merge(&resting);
            of_both.merge(&all);
            prop_assert_eq!(&later, &of_both);
            prop_assert_eq!(later.quantile(within), of_both.quantile(within));
        }
    }
}
