//! The run over time, in buckets of virtual time: counted while it runs, closed at its end.

use hdrhistogram::Histogram;

use super::{Asked, Bucket, ClassBucket, ClassTotals, Commands, Outcome, Series, Tally};
use crate::cache::Account;
use crate::units::{SimDuration, SimTime, Window};

/// So many classes have counts of their own over time; what comes after them is counted together,
/// so that the books stay small. No chart shows more.
pub(super) const CLASSES_MAX: usize = 16;
/// Shorter waits share a place in the histogram of a bucket.
const SHORTEST_NS: u64 = 1_000;

const SECOND: SimDuration = SimDuration::from_secs(1);

/// Counts by bucket.
#[derive(Debug)]
pub(super) struct SeriesRecorder {
    length: SimDuration,
    bound: Option<SimDuration>,
    /// Named classes.
    classes: usize,
    /// Counts of a bucket: those of the named classes, and one for all others where there are others.
    slots: usize,
    /// `slots` for each bucket.
    by_class: Vec<ClassBucket>,
    buckets: Vec<Bucket>,
    /// Waits of a bucket to one digit; most buckets of a quiet trace have none.
    waits: Vec<Option<Box<Histogram<u32>>>>,
    /// The bucket of the latest event and when it begins and ends, so that most requests need no division.
    current: usize,
    begin: SimTime,
    end: SimTime,
    /// The latest wait in the present bucket and how often it came in a row: not in its histogram yet.
    latest_wait: (SimDuration, u32),
    /// When the second of the latest fetch begins and ends, and how many fetches it has seen.
    second: (SimTime, SimTime),
    fetches_in_second: u64,
}

impl SeriesRecorder {
    pub(super) fn new(
        window: Window,
        length: SimDuration,
        classes: usize,
        bound: Option<SimDuration>,
    ) -> Self {
        let buckets = window.buckets(length);
        let slots = classes.clamp(1, CLASSES_MAX + 1);
        Self {
            length,
            bound,
            classes: classes.min(CLASSES_MAX),
            slots,
            by_class: vec![ClassBucket::default(); slots * buckets],
            buckets: vec![Bucket::default(); buckets],
            waits: (0..buckets).map(|_| None).collect(),
            current: 0,
            begin: SimTime::ZERO,
            end: SimTime::ZERO + length,
            latest_wait: (SimDuration::ZERO, 0),
            second: (SimTime::ZERO, SimTime::ZERO),
            fetches_in_second: 0,
        }
    }

    /// Makes the bucket of an instant of the run the current one.
    #[inline]
    fn turn_to(&mut self, at: SimTime) {
        if at < self.begin || at >= self.end {
            self.note_latest_wait();
            // The end of the run belongs to the last bucket.
            self.current = at.bucket(self.length).min(self.buckets.len() - 1);
            self.begin = SimTime::from_nanos(self.current as u64 * self.length.as_nanos());
            self.end = self.begin + self.length;
        }
    }

    #[inline]
    fn of_class(&mut self, class: usize) -> &mut ClassBucket {
        &mut self.by_class[self.current * self.slots + class.min(self.slots - 1)]
    }

    /// The bucket of an instant of the run, and when it begins and ends; nothing comes after the last one.
    pub(super) fn bucket_of(&self, at: SimTime) -> (usize, SimTime, SimTime) {
        let last = self.buckets.len() - 1;
        let place = at.bucket(self.length).min(last);
        let begin = SimTime::from_nanos(place as u64 * self.length.as_nanos());
        (place, begin, if place == last { SimTime::NEVER } else { begin + self.length })
    }

    /// Counts outcomes of a class in a bucket, and the GETs that led to them.
    pub(super) fn count(&mut self, bucket: usize, class: usize, totals: &ClassTotals) {
        let ClassTotals { outcomes, hit_bytes, .. } = totals;
        let commands = &mut self.buckets[bucket].commands;
        commands.get += outcomes.total();
        commands.bytes_out += hit_bytes;
        let counts = &mut self.by_class[bucket * self.slots + class.min(self.slots - 1)];
        for (count, more) in counts.outcomes.iter_mut().zip(outcomes.counts()) {
            // No bucket of a trace has 2^32 requests.
            *count += u32::try_from(more).unwrap_or(u32::MAX);
        }
    }

    /// Counts commands in a bucket.
    pub(super) fn sent(&mut self, bucket: usize, commands: &Commands) {
        self.buckets[bucket].commands.merge(commands);
    }

    /// What beside the count there is to an outcome: its wait, and how old the answer was; whether that
    /// was older than the bound.
    #[inline]
    pub(super) fn observe(&mut self, outcome: &Outcome) -> bool {
        self.turn_to(outcome.at);
        if !outcome.wait.is_zero() {
            self.waited(outcome.wait);
        }
        let Some(age) = outcome.stale_for else { return false };
        let is_over = self.bound.is_some_and(|bound| age > bound);
        let bucket = &mut self.buckets[self.current];
        bucket.outdated += 1;
        bucket.over_bound += u64::from(is_over);
        bucket.age_sum_s += age.as_secs_f64();
        is_over
    }

    #[inline]
    fn waited(&mut self, wait: SimDuration) {
        if wait != self.latest_wait.0 {
            self.note_latest_wait();
            self.latest_wait.0 = wait;
        }
        self.latest_wait.1 += 1;
    }

    /// Puts the latest wait into the present bucket.
    fn note_latest_wait(&mut self) {
        let (wait, times) = std::mem::take(&mut self.latest_wait);
        if times == 0 {
            return;
        }
        let bucket = &mut self.buckets[self.current];
        bucket.wait_sum_s += wait.as_secs_f64() * f64::from(times);
        bucket.max_wait = bucket.max_wait.max(wait);
        let waits = self.waits[self.current].get_or_insert_with(|| {
            let mut waits = Histogram::new_with_bounds(SHORTEST_NS, 2 * SHORTEST_NS, 1);
            waits.iter_mut().for_each(|waits| waits.auto(true));
            Box::new(waits.expect("these bounds are legal"))
        });
        let nanos = wait.as_nanos().clamp(SHORTEST_NS, 1 << 61);
        waits.record_n(nanos, times).expect("a histogram that may grow takes every time");
    }

    pub(super) fn asked(&mut self, asked: &Asked) {
        if asked.at < self.second.0 || asked.at >= self.second.1 {
            let begin = SimTime::from_nanos(asked.at.as_nanos() / SECOND.as_nanos() * SECOND.as_nanos());
            (self.second, self.fetches_in_second) = ((begin, begin + SECOND), 0);
        }
        self.fetches_in_second += 1;
        self.turn_to(asked.at);
        self.of_class(asked.class.index()).fetches += 1;
        let bucket = &mut self.buckets[self.current];
        bucket.fetches += 1;
        bucket.peak_fetch_rate = bucket.peak_fetch_rate.max(self.fetches_in_second);
        bucket.peak_in_flight = bucket.peak_in_flight.max(asked.in_flight);
        bucket.duplicate_fetches += u64::from(asked.overlaps);
    }

    /// Closes the books, with what the cache held.
    pub(super) fn finish(mut self, account: &Account) -> Series {
        self.note_latest_wait();
        let Self { mut buckets, by_class, slots, classes, length, .. } = self;
        for (bucket, counts) in buckets.iter_mut().zip(by_class.chunks_exact(slots)) {
            counts.iter().for_each(|counts| bucket.outcomes.merge(&Tally::from(counts.outcomes)));
        }
        for (bucket, waits) in buckets.iter_mut().zip(&self.waits) {
            let answered = bucket.outcomes.total();
            let p99 = waits.as_ref().map_or(SimDuration::ZERO, |waits| p99(waits, answered));
            bucket.p99_wait = (answered > 0).then_some(p99.min(bucket.max_wait));
        }
        for (bucket, held) in buckets.iter_mut().zip(&account.buckets) {
            bucket.live_mean_bytes = held.live_mean_bytes;
            bucket.expired_mean_bytes = held.dead_mean_bytes;
            bucket.peak_bytes = held.peak_bytes;
            bucket.evicted = held.evicted;
            bucket.expired = held.expired;
        }
        let named = by_class.chunks_exact(slots).flat_map(|counts| &counts[..classes]);
        Series { bucket: length, classes, by_class: named.copied().collect(), buckets }
    }
}

/// The wait that 99 % of `answered` requests stay within, of which the others did not wait at all.
fn p99(waits: &Histogram<u32>, answered: u64) -> SimDuration {
    let rank = (answered * 99).div_ceil(100);
    let mut passed = answered - waits.len();
    let mut within = 0;
    for place in waits.iter_recorded() {
        if passed >= rank {
            break;
        }
        passed += place.count_since_last_iteration();
        within = place.value_iterated_to();
    }
    SimDuration::from_nanos(within)
}
