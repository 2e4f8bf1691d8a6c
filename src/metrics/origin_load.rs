//! What the origin had to do: fetches per second, per fetch time, and how busy its servers were.

use hdrhistogram::Histogram;

use super::{Asked, Burst, OriginLoad, Served};
use crate::origin::Answer;
use crate::units::{SimDuration, SimTime, Window};

const SECOND: SimDuration = SimDuration::from_secs(1);

/// Counts events in consecutive windows of equal length, aligned to time zero.
#[derive(Debug)]
struct PerWindow {
    length: SimDuration,
    /// When the window of the latest event begins and ends, so that most events need no division, and
    /// its events so far.
    begin: u64,
    end: u64,
    count: u64,
    peak: u64,
    /// All events.
    events: u64,
    /// Windows that had any, by how many.
    busy: Histogram<u64>,
}

impl PerWindow {
    fn new(length: SimDuration) -> Self {
        let busy = Histogram::new(3).expect("three digits are legal");
        Self { length, begin: 0, end: length.as_nanos(), count: 0, peak: 0, events: 0, busy }
    }

    fn count(&mut self, at: SimTime) {
        if !(self.begin..self.end).contains(&at.as_nanos()) {
            self.close();
            self.begin = at.as_nanos() / self.length.as_nanos() * self.length.as_nanos();
            self.end = self.begin.saturating_add(self.length.as_nanos());
        }
        self.count += 1;
        self.events += 1;
    }

    /// The window of the latest event is over.
    fn close(&mut self) {
        if self.count > 0 {
            self.peak = self.peak.max(self.count);
            self.busy.record(self.count).expect("a histogram that may grow takes every count");
            self.count = 0;
        }
    }

    /// Closes the books; `scored` is how much time was watched.
    fn finish(mut self, scored: SimDuration) -> Burst {
        self.close();
        let windows = scored.as_nanos().div_ceil(self.length.as_nanos());
        let idle = windows.saturating_sub(self.busy.len());
        self.busy.record_n(0, idle).expect("a histogram that may grow takes every count");
        let length = scored.as_nanos() as f64 / self.length.as_nanos() as f64;
        Burst {
            window: self.length,
            peak: self.peak,
            p999: if self.busy.is_empty() { 0 } else { self.busy.value_at_quantile(0.999) },
            mean: if length > 0.0 { self.events as f64 / length } else { 0.0 },
        }
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
        self.per_second.count(asked.at);
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

    pub(super) fn finish(self, peak_expiring_per_second: u64) -> OriginLoad {
        let scored = self.window.length();
        let server_time = self.servers.map(|servers| f64::from(servers) * scored.as_nanos() as f64);
        OriginLoad {
            fetches: self.fetches,
            refreshes: self.refreshes,
            bytes: self.bytes,
            per_second: self.per_second.finish(scored),
            per_fetch_time: self.per_fetch_time.map(|windows| windows.finish(scored)),
            peak_expiring_per_second,
            utilisation: server_time.filter(|time| *time > 0.0).map(|time| self.busy_ns as f64 / time),
            longest_queue_wait: self.longest_queue_wait,
            failures: self.failures,
            shed: self.shed,
            confirmed: self.confirmed,
        }
    }
}
