//! What the cache held over time: exact means, peaks and a series, without an event per expiry.
//!
//! What comes adds to every integral over time what it would add if it stayed until the end of the run,
//! and what leaves takes the rest off again; so it does not matter in which order the changes are told,
//! nor for how long anything stayed. A series of buckets is kept as differences in the same way. When
//! a dead entry leaves, its time between deadline and leaving is counted as dead too.

use super::redis::Breakdown;
use super::{Cause, Entry};
use crate::units::{SimDuration, SimTime, Window};

/// What the cache held, after the run. Counts and means cover the scored window alone. Where keys lie beside values, each of
/// them is an entry here, as the server counts it.
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
    /// Of the mean, bytes of connections with their buffers; `None` where they are not counted.
    pub clients_mean_bytes: Option<f64>,
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
    /// Keys that lie beside values.
    beside: u64,
    peak_bytes: u64,
    peak_entries: u64,
    /// Integrals over the window, in byte-nanoseconds and entry-nanoseconds.
    byte_time: i128,
    dead_byte_time: i128,
    client_byte_time: i128,
    entry_time: i128,
    evicted: u64,
    expired: u64,
    /// Bytes in use beside entries, and those of connections among them.
    overhead: u64,
    clients: u64,
    all: Curve,
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
            client_byte_time: 0,
            entry_time: 0,
            beside: 0,
            evicted: 0,
            expired: 0,
            overhead: 0,
            clients: 0,
            all: Curve::new(count),
            dead: Curve::new(count),
            buckets: vec![Held::default(); count],
            grid: Grid::new(bucket, window.until),
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
        self.bytes + self.overhead
    }

    /// So many bytes are in use beside entries from now on, so many of them by connections.
    pub(super) fn set_overhead(&mut self, bytes: u64, clients: u64, now: SimTime) {
        if clients != self.clients {
            let rest = i128::from(self.window.overlap(now, self.window.until).as_nanos());
            self.client_byte_time += rest * i128::from(signed(clients) - signed(self.clients));
            self.clients = clients;
        }
        if bytes == self.overhead {
            return;
        }
        self.changed(signed(bytes) - signed(self.overhead), 0, now);
        self.overhead = bytes;
        self.note_peak(now);
    }

    /// From now on there are so many more bytes and entries, or fewer.
    #[inline]
    fn changed(&mut self, bytes: i64, entries: i64, now: SimTime) {
        let rest = i128::from(self.window.overlap(now, self.window.until).as_nanos());
        self.byte_time += rest * i128::from(bytes);
        self.entry_time += rest * i128::from(entries);
        let cell = self.grid.seek(now);
        self.all.change(cell, now, bytes);
    }

    /// The TTL of an entry came or went, and with it what the entry takes.
    pub(super) fn recosted(&mut self, before: u64, after: u64, now: SimTime) {
        if before != after {
            self.bytes = self.bytes - before + after;
            self.changed(signed(after) - signed(before), 0, now);
        }
        self.note_peak(now);
    }

    fn note_peak(&mut self, now: SimTime) {
        let bytes = self.in_use();
        if self.window.contains(now) {
            self.peak_bytes = self.peak_bytes.max(bytes);
            self.peak_entries = self.peak_entries.max(self.entries + self.beside);
        }
        let held = self.bucket_at(now);
        held.peak_bytes = held.peak_bytes.max(bytes);
    }

    /// Entries resident now, each a value.
    #[inline]
    pub fn entries(&self) -> u64 {
        self.entries
    }

    /// An entry of `cost` bytes came.
    pub(crate) fn stored(&mut self, cost: u64, now: SimTime) {
        self.entries += 1;
        self.came(cost, now);
    }

    #[inline]
    fn came(&mut self, cost: u64, now: SimTime) {
        self.changed(signed(cost), 1, now);
        self.bytes += cost;
        self.note_peak(now);
    }

    /// A live entry was overwritten in its place; `old` is what it was.
    pub(super) fn overwritten(&mut self, old: &Entry, before: u64, after: u64, now: SimTime) {
        self.note_freshness(old, now);
        self.recosted(before, after, now);
    }

    /// An entry left.
    pub(crate) fn left(&mut self, entry: &Entry, cost: u64, cause: Cause, now: SimTime) {
        self.ended(entry, cost, now);
        self.went(cost, cause, now);
        self.entries -= 1;
    }

    #[inline]
    fn went(&mut self, cost: u64, cause: Cause, now: SimTime) {
        self.changed(-signed(cost), -1, now);
        // The level before a departure counts for the bucket of the departure.
        let bytes = self.in_use();
        let held = self.bucket_at(now);
        held.peak_bytes = held.peak_bytes.max(bytes);
        held.evicted += u64::from(cause == Cause::Evicted);
        held.expired += u64::from(cause == Cause::Expired);
        if self.window.contains(now) {
            self.peak_bytes = self.peak_bytes.max(bytes);
            self.peak_entries = self.peak_entries.max(self.entries + self.beside);
            self.evicted += u64::from(cause == Cause::Evicted);
            self.expired += u64::from(cause == Cause::Expired);
        }
        self.bytes -= cost;
    }

    /// A key beside a value came.
    pub(super) fn stored_beside(&mut self, cost: u64, now: SimTime) {
        self.beside += 1;
        self.came(cost, now);
    }

    /// One left that ended, or would have ended, at `end`.
    pub(super) fn left_beside(&mut self, end: SimTime, cost: u64, cause: Cause, now: SimTime) {
        self.ended_beside(end, cost, now);
        self.went(cost, cause, now);
        self.beside -= 1;
    }

    /// So many dead entries of so many bytes together left at once; each will be [`Self::settled`].
    pub(super) fn swept(&mut self, bytes: u64, entries: u64, now: SimTime) {
        let dead = self.window.overlap(now, self.window.until).as_nanos();
        self.dead_byte_time -= i128::from(dead) * i128::from(bytes);
        let cell = self.grid.seek(now);
        self.dead.change(cell, now, -signed(bytes));
        self.changed(-signed(bytes), -signed(entries), now);
        self.note_peak(now);
        self.bucket_at(now).expired += entries;
        if self.window.contains(now) {
            self.expired += entries;
        }
        self.bytes -= bytes;
        self.entries -= entries;
    }

    /// What [`Self::swept`] could not know of one of them: when it died, and when its freshness ended.
    pub(super) fn settled(&mut self, entry: &Entry, cost: u64) {
        let death = entry.expires_at.max(entry.stored_at);
        let dead = self.window.overlap(death, self.window.until).as_nanos();
        self.dead_byte_time += i128::from(dead) * i128::from(cost);
        self.dead.change(self.grid.find(death), death, signed(cost));
        debug_assert!(entry.fresh_until <= entry.expires_at, "nothing is fresh when it is dead");
        self.note_freshness(entry, SimTime::NEVER);
    }

    /// The bucket of an instant; the end of the run belongs to the last one.
    fn bucket_at(&mut self, at: SimTime) -> &mut Held {
        let last = self.buckets.len() - 1;
        &mut self.buckets[self.grid.seek(at).index.min(last)]
    }

    /// An entry is still there at the end of the run.
    pub(crate) fn still_held(&mut self, entry: &Entry, cost: u64, now: SimTime) {
        self.ended(entry, cost, now);
    }

    /// A stay is over, or seen no longer: what it was dead for, and whether its freshness ended in it.
    #[inline]
    fn ended(&mut self, entry: &Entry, cost: u64, now: SimTime) {
        self.ended_beside(entry.expires_at.max(entry.stored_at), cost, now);
        self.note_freshness(entry, now);
    }

    /// What a key was dead for that is gone, or seen no longer.
    #[inline]
    pub(super) fn ended_beside(&mut self, death: SimTime, cost: u64, now: SimTime) {
        if death < now {
            let dead = self.window.overlap(death, now).as_nanos();
            self.dead_byte_time += i128::from(dead) * i128::from(cost);
            self.dead.change(self.grid.find(death), death, signed(cost));
            self.dead.change(self.grid.seek(now), now, -signed(cost));
        }
    }

    /// Counts the end of an entry's freshness in its second, if that has come.
    #[inline]
    fn note_freshness(&mut self, entry: &Entry, now: SimTime) {
        let fresh_until = entry.fresh_until;
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
    pub(crate) fn finish(self) -> Account {
        let in_use = self.in_use();
        let length = self.window.length().as_nanos();
        let mean = |integral: i128| if length == 0 { 0.0 } else { integral as f64 / length as f64 };
        let mut buckets = self.buckets;
        let cells = self.all.integrals(&self.grid).zip(self.dead.integrals(&self.grid));
        for (held, ((span, all), (_, dead))) in buckets.iter_mut().zip(cells) {
            let (live, dead) = ((all - dead) as f64 / span, dead as f64 / span);
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
            // A server that counts them is never without one.
            clients_mean_bytes: (self.clients > 0).then(|| mean(self.client_byte_time)),
            mean_entries: mean(self.entry_time),
            peak_entries: self.peak_entries.max(self.entries + self.beside),
            final_entries: self.entries + self.beside,
            evicted: self.evicted,
            expired: self.expired,
            peak_expiring_per_second: self.expiring.iter().copied().max().unwrap_or(0).into(),
            breakdown: None,
            rss_ratio: None,
            buckets,
        }
    }
}

/// A byte count that is to be added or taken off.
#[inline]
fn signed(bytes: u64) -> i64 {
    bytes.cast_signed()
}

/// One bucket of a series: which, and when it ends; the last one ends with the run.
#[derive(Debug, Clone, Copy)]
struct Cell {
    index: usize,
    end: SimTime,
}

/// Which bucket an instant lies in. The present one is remembered, so that most questions need no division.
#[derive(Debug)]
struct Grid {
    bucket: SimDuration,
    until: SimTime,
    begin: SimTime,
    present: Cell,
    /// When the present bucket would end if the run did not end before.
    next: SimTime,
}

impl Grid {
    fn new(bucket: SimDuration, until: SimTime) -> Self {
        let next = SimTime::ZERO + bucket;
        let present = Cell { index: 0, end: next.min(until) };
        Self { bucket, until, begin: SimTime::ZERO, present, next }
    }

    /// When a bucket begins.
    fn begin(&self, index: usize) -> SimTime {
        SimTime::from_nanos(index as u64 * self.bucket.as_nanos())
    }

    #[inline]
    fn find(&self, at: SimTime) -> Cell {
        if self.begin <= at && at < self.next {
            return self.present;
        }
        let index = at.bucket(self.bucket);
        Cell { index, end: (self.begin(index) + self.bucket).min(self.until) }
    }

    /// The bucket of `at`, which is the present one from now on.
    #[inline]
    fn seek(&mut self, at: SimTime) -> Cell {
        if at < self.begin || at >= self.next {
            self.present = self.find(at);
            self.begin = self.begin(self.present.index);
            self.next = self.begin + self.bucket;
        }
        self.present
    }
}

/// The integral of a quantity over each bucket.
#[derive(Debug)]
struct Curve {
    /// What changes inside a bucket adds to that bucket, times nanoseconds.
    partial: Vec<i128>,
    /// How the level of whole buckets changes from one to the next.
    whole: Vec<i64>,
}

impl Curve {
    fn new(count: usize) -> Self {
        Self { partial: vec![0; count], whole: vec![0; count + 1] }
    }

    /// From `at` on, which lies in `cell`, there is so much more.
    #[inline]
    fn change(&mut self, cell: Cell, at: SimTime, delta: i64) {
        // What comes at the end of the run is in no bucket.
        if let Some(partial) = self.partial.get_mut(cell.index) {
            *partial += i128::from(cell.end.since(at).as_nanos()) * i128::from(delta);
            self.whole[cell.index + 1] += delta;
        }
    }

    /// The length of each bucket in nanoseconds, at least one, and the integral over it.
    fn integrals(&self, grid: &Grid) -> impl Iterator<Item = (f64, i128)> {
        let mut level = 0_i64;
        self.partial.iter().zip(&self.whole).enumerate().map(move |(index, (partial, change))| {
            level += change;
            let begin = grid.begin(index);
            let span = (begin + grid.bucket).min(grid.until).since(begin).as_nanos();
            (span.max(1) as f64, partial + i128::from(level) * i128::from(span))
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
    fn bytes_of_connections_are_a_mean_over_the_window() {
        let window = Window { from: at(10), until: at(30) };
        let mut residency = Residency::new(window, SimDuration::from_secs(10));
        residency.set_overhead(1_000, 100, at(0));
        // More for a quarter of the window, while tables give as much back; what came before it is not scored.
        residency.set_overhead(1_000, 900, at(5));
        residency.set_overhead(1_000, 100, at(15));
        let account = residency.finish();
        assert_eq!((account.clients_mean_bytes, account.mean_bytes), (Some(300.0), 1_000.0));
        let none = Residency::new(window, SimDuration::from_secs(10));
        assert_eq!(none.finish().clients_mean_bytes, None);
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

    #[test]
    fn a_sweep_whose_books_are_closed_late_comes_to_the_same_account() {
        let window = Window { from: at(10), until: at(60) };
        // Stored at, fresh until, dead from, bytes: dead before the window, in it, and in one second together.
        let stays = [(0, 5, 5, 100), (5, 20, 22, 70), (12, 20, 20, 40), (13, 20, 31, 9), (14, 41, 41, 1)];
        let entry_of = |(stored, fresh, dead, _): (u64, u64, u64, u64)| Entry {
            fresh_until: at(fresh),
            ..entry(stored, dead)
        };
        for swept_at in [45, 59, 70] {
            let account = |is_late: bool| {
                let mut residency = Residency::new(window, SimDuration::from_secs(7));
                stays.iter().for_each(|stay| residency.stored(stay.3, at(stay.0)));
                let now = at(swept_at);
                if is_late {
                    residency.swept(stays.iter().map(|stay| stay.3).sum(), stays.len() as u64, now);
                    // Closed in another order than they died.
                    stays.iter().rev().for_each(|stay| residency.settled(&entry_of(*stay), stay.3));
                } else {
                    for stay in stays {
                        residency.left(&entry_of(stay), stay.3, Cause::Expired, now);
                    }
                }
                residency.finish()
            };
            let at_once = account(false);
            assert!(at_once.dead_mean_bytes > 0.0 && at_once.peak_expiring_per_second == 3);
            assert_eq!(account(true), at_once, "swept at {swept_at} s");
        }
    }
}
