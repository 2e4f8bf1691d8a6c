//! Regenerations and the stampedes among them.

use hdrhistogram::Histogram;

use super::{Regeneration, Stampede, StampedeTotals};
use crate::units::{SimDuration, Window};

/// Sizes that are told apart; larger ones share the last place.
const SIZES: usize = 64;
/// How many of the largest stampedes are kept.
const WORST: usize = 20;

/// Records regenerations that begin in the scored window.
#[derive(Debug)]
pub(super) struct StampedeRecorder {
    window: Window,
    totals: StampedeTotals,
    sizes: Histogram<u64>,
    wasted_ns: u128,
}

impl StampedeRecorder {
    pub(super) fn new(window: Window) -> Self {
        let totals = StampedeTotals { sizes: vec![0; SIZES], ..StampedeTotals::default() };
        Self { window, totals, sizes: Histogram::new(3).expect("three digits are legal"), wasted_ns: 0 }
    }

    #[inline]
    pub(super) fn regenerated(&mut self, regeneration: &Regeneration) {
        if !self.window.contains(regeneration.start) {
            return;
        }
        let Regeneration { object, start, end, size, peak_waiters, wasted, trigger } = *regeneration;
        let totals = &mut self.totals;
        totals.regenerations += 1;
        totals.peak_waiters = totals.peak_waiters.max(peak_waiters);
        let place = usize::try_from(size - 1).unwrap_or(usize::MAX).min(SIZES - 1);
        totals.sizes[place] += 1;
        if size < 2 {
            return;
        }
        totals.count += 1;
        totals.fetches += size;
        totals.duplicate_fetches += size - 1;
        totals.max_size = totals.max_size.max(size);
        self.sizes.saturating_record(size);
        self.wasted_ns += u128::from(wasted.as_nanos());
        let worst = &mut totals.worst;
        if worst.len() < WORST || worst.last().is_some_and(|least| least.size < size) {
            let stampede =
                Stampede { object, start, length: end.since(start), size, waiters: peak_waiters, trigger };
            let place = worst.partition_point(|other| (other.size, start) >= (size, other.start));
            worst.insert(place, stampede);
            worst.truncate(WORST);
        }
    }

    pub(super) fn finish(self) -> StampedeTotals {
        StampedeTotals {
            p99_size: (!self.sizes.is_empty()).then(|| self.sizes.value_at_quantile(0.99)),
            wasted: SimDuration::from_nanos(u64::try_from(self.wasted_ns).unwrap_or(u64::MAX)),
            ..self.totals
        }
    }
}
