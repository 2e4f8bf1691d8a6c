//! What the cache held over time: exact means, peaks and a series, without an event per expiry.
//!
//! When an entry leaves, its whole stay is known: live until its deadline, dead and resident after
//! that. Each stay adds to integrals over time, split at the deadline; a series of buckets is kept
//! as differences, so that a stay of any length costs a few additions.

use super::redis::Breakdown;
use super::{Cause, Entry};
use crate::units::{SimDuration, SimTime, Window};

/// What the cache held, after the run. Counts and means cover the scored window alone.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Account {
    /// Bytes resident, live and dead, averaged over time.
    pub mean_bytes: f64,
    /// Most bytes resident at once.
    pub peak_bytes: u64,
    /// Bytes resident at the end.
    pub final_bytes: u64,
    /// Of the mean, bytes of dead entries.
    pub dead_mean_bytes: f64,
    /// Entries resident, averaged over time.
    pub mean_entries: f64,
    /// Most entries resident at once.
    pub peak_entries: u64,
    /// Entries resident at the end.
    pub final_entries: u64,
    /// Entries evicted.
    pub evicted: u64,
    /// Entries removed because their TTL had run out.
    pub expired: u64,
    /// Most objects whose freshness ended in the same second.
    pub peak_expiring_per_second: u64,
    /// Where memory went at the end; `None` where entries alone are counted.
    pub breakdown: Option<Breakdown>,
    /// Memory of the process per byte in use, an estimate; `None` where entries alone are counted.
    pub rss_ratio: Option<f64>,
    /// Over time, from zero, warm-up included.
    pub buckets: Vec<Held>,
}

/// What the cache held in one bucket of time.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Held {
    /// Bytes of live entries, averaged over the bucket.
    pub live_mean_bytes: f64,
    /// Bytes of dead entries, averaged over the bucket.
    pub dead_mean_bytes: f64,
    /// Most bytes resident at once.
    pub peak_bytes: u64,
    /// Entries evicted.
    pub evicted: u64,
    /// Entries removed because their TTL had run out.
    pub expired: u64,
}

/// Keeps the account while the cache runs.
#[derive(Debug)]
pub struct Residency {
    window: Window,
    bytes: u64,
    entries: u64,
    peak_bytes: u64,
    peak_entries: u64,
    /// Integrals over the window, in byte-nanoseconds and entry-nanoseconds.
    byte_time: u128,
    dead_byte_time: u128,
    entry_time: u128,
    evicted: u64,
    expired: u64,
    /// Bytes in use beside entries, and since when.
    overhead: (u64, SimTime),
    live: Curve,
    dead: Curve,
    buckets: Vec<Held>,
    grid: Grid,
    /// Ends of freshness by second of the run.
    expiring: Vec<u32>,
}

impl Residency {
    /// An empty account for the scored `window`, with a series of buckets of length `bucket` from time zero.
    pub fn new(window: Window, bucket: SimDuration) -> Self {
        let count = window.buckets(bucket);
        Self {
            window,
            bytes: 0,
            entries: 0,
            peak_bytes: 0,
            peak_entries: 0,
            byte_time: 0,
            dead_byte_time: 0,
            entry_time: 0,
            evicted: 0,
            expired: 0,
            overhead: (0, SimTime::ZERO),
            live: Curve::new(bucket, count),
            dead: Curve::new(bucket, count),
            buckets: vec![Held::default(); count],
            grid: Grid::new(bucket),
            expiring: Vec::new(),
        }
    }

    /// Bytes resident now.
    #[inline]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Bytes in use now: of entries, and of what is counted beside them.
    pub fn in_use(&self) -> u64 {
        self.bytes + self.overhead.0
    }

    /// So many bytes are in use beside entries from now on.
    pub(super) fn set_overhead(&mut self, bytes: u64, now: SimTime) {
        let (before, since) = self.overhead;
        if bytes == before {
            return;
        }
        self.settle_overhead(before, since, now);
        self.overhead = (bytes, now);
        self.note_peak(now);
    }

    fn settle_overhead(&mut self, bytes: u64, since: SimTime, now: SimTime) {
        self.byte_time += u128::from(self.window.overlap(since, now).as_nanos()) * u128::from(bytes);
        self.live.add(&self.grid, since, now, bytes);
    }

    /// The TTL of an entry came or went, and with it what the entry takes.
    pub(super) fn recosted(&mut self, before: u64, after: u64, now: SimTime) {
        self.bytes = self.bytes - before + after;
        self.note_peak(now);
    }

    fn note_peak(&mut self, now: SimTime) {
        let bytes = self.in_use();
        if self.window.contains(now) {
            self.peak_bytes = self.peak_bytes.max(bytes);
            self.peak_entries = self.peak_entries.max(self.entries);
        }
        let held = self.bucket_at(now);
        held.peak_bytes = held.peak_bytes.max(bytes);
    }

    /// Entries resident now.
    #[inline]
    pub fn entries(&self) -> u64 {
        self.entries
    }

    /// An entry of `cost` bytes came.
    pub(super) fn stored(&mut self, cost: u64, now: SimTime) {
        // What was resident until now may be the peak of the time before, in its own buckets.
        self.bytes += cost;
        self.entries += 1;
        self.note_peak(now);
    }

    /// A live entry was overwritten in its place; `old` is what it was.
    pub(super) fn overwritten(&mut self, old: &Entry, before: u64, after: u64, now: SimTime) {
        self.stay(old, before, now);
        self.recosted(before, after, now);
    }

    /// An entry left.
    pub(super) fn left(&mut self, entry: &Entry, cost: u64, cause: Cause, now: SimTime) {
        self.stay(entry, cost, now);
        // The level before a departure counts for the bucket of the departure.
        let bytes = self.in_use();
        let held = self.bucket_at(now);
        held.peak_bytes = held.peak_bytes.max(bytes);
        held.evicted += u64::from(cause == Cause::Evicted);
        held.expired += u64::from(cause == Cause::Expired);
        if self.window.contains(now) {
            self.peak_bytes = self.peak_bytes.max(bytes);
            self.peak_entries = self.peak_entries.max(self.entries);
            self.evicted += u64::from(cause == Cause::Evicted);
            self.expired += u64::from(cause == Cause::Expired);
        }
        self.bytes -= cost;
        self.entries -= 1;
    }

    /// The bucket of an instant; the end of the run belongs to the last one.
    fn bucket_at(&mut self, at: SimTime) -> &mut Held {
        let last = self.buckets.len() - 1;
        &mut self.buckets[self.grid.seek(at).min(last)]
    }

    /// An entry is still there at the end of the run.
    pub(super) fn still_held(&mut self, entry: &Entry, cost: u64, now: SimTime) {
        self.stay(entry, cost, now);
    }

    /// Accounts for a stay from the entry's store until `now`.
    fn stay(&mut self, entry: &Entry, cost: u64, now: SimTime) {
        let Entry { stored_at, expires_at, fresh_until, .. } = *entry;
        let death = expires_at.min(now).max(stored_at);
        let resident = u128::from(self.window.overlap(stored_at, now).as_nanos());
        let dead = u128::from(self.window.overlap(death, now).as_nanos());
        self.byte_time += resident * u128::from(cost);
        self.entry_time += resident;
        self.dead_byte_time += dead * u128::from(cost);
        self.grid.seek(now);
        self.live.add(&self.grid, stored_at, death, cost);
        if death < now {
            self.dead.add(&self.grid, death, now, cost);
        }
        if fresh_until < now && self.window.contains(fresh_until) {
            let second =
                usize::try_from(fresh_until.as_nanos() / 1_000_000_000).expect("seconds fit in memory");
            if second >= self.expiring.len() {
                self.expiring.resize(second + 1, 0);
            }
            self.expiring[second] += 1;
        }
    }

    /// The account, once everything that is still held has been accounted for.
    pub(super) fn finish(mut self) -> Account {
        let (bytes, since) = self.overhead;
        let in_use = self.in_use();
        self.settle_overhead(bytes, since, self.window.until.max(since));
        let length = self.window.length().as_nanos();
        let mean = |integral: u128| if length == 0 { 0.0 } else { integral as f64 / length as f64 };
        let mut buckets = self.buckets;
        for ((held, live), dead) in
            buckets.iter_mut().zip(self.live.means(self.window.until)).zip(self.dead.means(self.window.until))
        {
            held.live_mean_bytes = live;
            held.dead_mean_bytes = dead;
            // A bucket in which nothing came or went has had the level of its mean throughout.
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a mean of byte counts is not negative and far below 2^64"
            )]
            let level = (live + dead).round() as u64;
            held.peak_bytes = held.peak_bytes.max(level);
        }
        Account {
            mean_bytes: mean(self.byte_time),
            peak_bytes: self.peak_bytes.max(in_use),
            final_bytes: in_use,
            dead_mean_bytes: mean(self.dead_byte_time),
            mean_entries: mean(self.entry_time),
            peak_entries: self.peak_entries.max(self.entries),
            final_entries: self.entries,
            evicted: self.evicted,
            expired: self.expired,
            peak_expiring_per_second: self.expiring.iter().copied().max().unwrap_or(0).into(),
            breakdown: None,
            rss_ratio: None,
            buckets,
        }
    }
}

/// Which bucket an instant lies in. The present one is remembered, so that most questions need no division.
#[derive(Debug)]
struct Grid {
    bucket: SimDuration,
    present: usize,
    begin: SimTime,
    end: SimTime,
}

impl Grid {
    fn new(bucket: SimDuration) -> Self {
        Self { bucket, present: 0, begin: SimTime::ZERO, end: SimTime::ZERO + bucket }
    }

    #[inline]
    fn find(&self, at: SimTime) -> usize {
        if self.begin <= at && at < self.end { self.present } else { at.bucket(self.bucket) }
    }

    /// The bucket of `at`, which is the present one from now on.
    #[inline]
    fn seek(&mut self, at: SimTime) -> usize {
        if at < self.begin || at >= self.end {
            self.present = at.bucket(self.bucket);
            self.begin = SimTime::from_nanos(self.present as u64 * self.bucket.as_nanos());
            self.end = self.begin + self.bucket;
        }
        self.present
    }
}

/// A quantity over time, averaged in buckets.
#[derive(Debug)]
struct Curve {
    bucket: SimDuration,
    /// Weight times nanoseconds of stays that begin or end inside a bucket.
    partial: Vec<u128>,
    /// How the level of stays that fill whole buckets changes from one bucket to the next.
    whole: Vec<i128>,
}

impl Curve {
    fn new(bucket: SimDuration, count: usize) -> Self {
        Self { bucket, partial: vec![0; count], whole: vec![0; count + 1] }
    }

    /// Adds `weight` from `start` until `end`.
    fn add(&mut self, grid: &Grid, start: SimTime, end: SimTime, weight: u64) {
        let length = self.bucket.as_nanos();
        let count = self.partial.len();
        let (first, last) = (grid.find(start), grid.find(end));
        if first >= count {
            return;
        }
        let weight_time = |nanos: u64| u128::from(nanos) * u128::from(weight);
        if first == last {
            self.partial[first] += weight_time(end.as_nanos() - start.as_nanos());
            return;
        }
        self.partial[first] += weight_time((first as u64 + 1) * length - start.as_nanos());
        self.whole[first + 1] += i128::from(weight);
        self.whole[last.min(count)] -= i128::from(weight);
        if last < count {
            self.partial[last] += weight_time(end.as_nanos() - last as u64 * length);
        }
    }

    /// The mean level in each bucket; the last one ends at `end`.
    fn means(&self, end: SimTime) -> impl Iterator<Item = f64> + '_ {
        let length = self.bucket.as_nanos();
        let mut level = 0_i128;
        self.partial.iter().zip(&self.whole).enumerate().map(move |(index, (partial, change))| {
            level += change;
            let start = index as u64 * length;
            let span = length.min(end.as_nanos().saturating_sub(start)).max(1);
            *partial as f64 / span as f64 + level as f64
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::origin::Version;

    const fn at(secs: u64) -> SimTime {
        SimTime::from_nanos(secs * 1_000_000_000)
    }

    fn entry(stored: u64, expires: u64) -> Entry {
        Entry {
            stored_at: at(stored),
            fresh_until: at(expires),
            expires_at: at(expires),
            version: Version(0),
        }
    }

    #[test]
    fn a_stay_is_split_at_its_deadline_and_cut_to_the_window() {
        let window = Window { from: at(10), until: at(30) };
        let mut residency = Residency::new(window, SimDuration::from_secs(10));
        // 100 bytes from 5 s on, dead from 20 s, looked up (and so removed) at 25 s.
        residency.stored(100, at(5));
        residency.left(&entry(5, 20), 100, Cause::Expired, at(25));
        let account = residency.finish();
        assert!((account.mean_bytes - 100.0 * 15.0 / 20.0).abs() < 1e-9);
        assert!((account.dead_mean_bytes - 100.0 * 5.0 / 20.0).abs() < 1e-9);
        assert!((account.mean_entries - 15.0 / 20.0).abs() < 1e-9);
        assert_eq!((account.peak_bytes, account.final_bytes, account.expired), (100, 0, 1));
        let live: Vec<f64> = account.buckets.iter().map(|held| held.live_mean_bytes).collect();
        let dead: Vec<f64> = account.buckets.iter().map(|held| held.dead_mean_bytes).collect();
        assert_eq!(live[..3], [50.0, 100.0, 0.0]);
        assert_eq!(dead[..3], [0.0, 0.0, 50.0]);
        assert_eq!(account.peak_expiring_per_second, 1);
    }

    #[test]
    fn a_long_stay_fills_every_bucket_it_covers() {
        let window = Window { from: at(0), until: at(40) };
        let mut residency = Residency::new(window, SimDuration::from_secs(10));
        residency.stored(8, at(5));
        residency.still_held(&entry(5, 1_000), 8, at(40));
        let account = residency.finish();
        let live: Vec<f64> = account.buckets.iter().map(|held| held.live_mean_bytes).collect();
        assert_eq!(live[..4], [4.0, 8.0, 8.0, 8.0]);
        assert_eq!(account.final_entries, 1);
    }
}
