//! What the origin had to do: fetches per second, per fetch time, and how busy its servers were.

use hdrhistogram::Histogram;

use super::{Asked, OriginLoad, Served};
use crate::origin::Answer;
use crate::units::{SimDuration, SimTime, Window};

pub(super) const SECOND: SimDuration = SimDuration::from_secs(1);

/// Counts events in consecutive windows of equal length, aligned to time zero.
#[derive(Debug)]
pub(super) struct PerWindow {
    length: SimDuration,
    /// When the present window begins and ends, so that most events need no division.
    begin: u64,
    end: u64,
    count: u64,
    peak: u64,
}

impl PerWindow {
    pub(super) fn new(length: SimDuration) -> Self {
        Self { length, begin: 0, end: length.as_nanos(), count: 0, peak: 0 }
    }

    /// Counts an event; returns how many there were in the window before, once that is over.
    #[inline]
    pub(super) fn count(&mut self, at: SimTime) -> Option<u64> {
        let over = if (self.begin..self.end).contains(&at.as_nanos()) { None } else { self.turn(at) };
        self.count += 1;
        self.peak = self.peak.max(self.count);
        over
    }

    /// Events in the present window so far.
    #[inline]
    pub(super) fn so_far(&self) -> u64 {
        self.count
    }

    /// Another window begins; how many events there were in the one before, if any.
    fn turn(&mut self, at: SimTime) -> Option<u64> {
        let over = (self.count > 0).then_some(self.count);
        self.begin = at.as_nanos() / self.length.as_nanos() * self.length.as_nanos();
        self.end = self.begin.saturating_add(self.length.as_nanos());
        self.count = 0;
        over
    }
}

/// Records the load of the scored window.
#[derive(Debug)]
pub(super) struct OriginRecorder {
    window: Window,
    fetches: u64,
    refreshes: u64,
    bytes: u64,
    busy_ns: u128,
    longest_queue_wait: SimDuration,
    failures: u64,
    shed: u64,
    confirmed: u64,
    per_second: PerWindow,
    /// How many fetches busy seconds saw.
    seconds: Histogram<u64>,
    per_fetch_time: Option<PerWindow>,
    servers: Option<u32>,
}

impl OriginRecorder {
    pub(super) fn new(window: Window, median_time: SimDuration, servers: Option<u32>) -> Self {
        Self {
            window,
            fetches: 0,
            refreshes: 0,
            bytes: 0,
            busy_ns: 0,
            longest_queue_wait: SimDuration::ZERO,
            failures: 0,
            shed: 0,
            confirmed: 0,
            per_second: PerWindow::new(SECOND),
            seconds: Histogram::new(3).expect("three digits are legal"),
            per_fetch_time: (!median_time.is_zero()).then(|| PerWindow::new(median_time)),
            servers,
        }
    }

    pub(super) fn asked(&mut self, asked: &Asked) {
        if !self.window.contains(asked.at) {
            return;
        }
        self.fetches += 1;
        self.refreshes += u64::from(asked.background);
        if let Some(over) = self.per_second.count(asked.at) {
            self.seconds.saturating_record(over);
        }
        if let Some(per_fetch_time) = &mut self.per_fetch_time {
            per_fetch_time.count(asked.at);
        }
    }

    pub(super) fn served(&mut self, served: &Served) {
        let Served { bytes, fetch, .. } = *served;
        self.busy_ns += u128::from(self.window.overlap(fetch.started, fetch.done).as_nanos());
        if !self.window.contains(fetch.asked) {
            return;
        }
        self.bytes += u64::from(bytes);
        self.longest_queue_wait = self.longest_queue_wait.max(fetch.started.since(fetch.asked));
        self.failures += u64::from(fetch.answer == Answer::Failure);
        self.confirmed += u64::from(fetch.answer == Answer::Unchanged);
    }

    pub(super) fn shed(&mut self) {
        self.shed += 1;
    }

    pub(super) fn finish(mut self, peak_expiring_per_second: u64) -> OriginLoad {
        if self.per_second.count > 0 {
            self.seconds.saturating_record(self.per_second.count);
        }
        let all_seconds = self.window.length().as_nanos().div_ceil(SECOND.as_nanos());
        self.seconds.saturating_record_n(0, all_seconds.saturating_sub(self.seconds.len()));
        let server_time =
            self.servers.map(|servers| f64::from(servers) * self.window.length().as_nanos() as f64);
        OriginLoad {
            fetches: self.fetches,
            refreshes: self.refreshes,
            bytes: self.bytes,
            peak_rate: self.per_second.peak,
            p999_rate: if self.seconds.is_empty() { 0 } else { self.seconds.value_at_quantile(0.999) },
            peak_per_fetch_time: self.per_fetch_time.map(|windows| windows.peak),
            peak_expiring_per_second,
            utilisation: server_time.filter(|time| *time > 0.0).map(|time| self.busy_ns as f64 / time),
            longest_queue_wait: self.longest_queue_wait,
            failures: self.failures,
            shed: self.shed,
            confirmed: self.confirmed,
        }
    }
}
