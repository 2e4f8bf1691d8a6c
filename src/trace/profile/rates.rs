//! When requests come: span and silences, counts per second, minute and hour, the hours of the day.

use std::collections::BTreeMap;

use serde::Serialize;

use super::quantile::Spread;
use super::scan::Scan;
use crate::trace::import::Import;

const SECOND_NS: i64 = 1_000_000_000;

/// A silence between two requests.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Gap {
    /// The last request before it, in nanoseconds since 1970 UTC.
    pub from_unix_ns: i64,
    /// How long it lasts.
    pub seconds: f64,
}

/// The time that a trace covers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TimeProfile {
    /// The first request as recorded, in nanoseconds since 1970 UTC.
    pub first_unix_ns: i64,
    /// The last one.
    pub last_unix_ns: i64,
    /// From the first to the last.
    pub span_s: f64,
    /// The longest silences, at most five, the longest first.
    pub longest_gaps: Vec<Gap>,
    /// Silences longer than an hour and than ten times the mean.
    pub long_gaps: u64,
    /// Days of the recorder's clock with requests.
    pub days_present: u64,
    /// Days from the first to the last, both included.
    pub days_covered: u64,
}

/// Counts of requests in windows of one length, laid out from the first request on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Window {
    /// Length of the windows.
    pub seconds: u64,
    /// Requests per window over the whole span; `None` where the span is shorter than a window.
    pub mean: Option<f64>,
    /// Most requests in one window.
    pub peak: u64,
    /// Peak divided by the mean.
    pub peak_to_mean: Option<f64>,
    /// Windows with requests.
    pub busy: u64,
    /// Variance of the counts divided by their mean, over whole windows and with the empty ones; 1 for a
    /// Poisson process. `None` below two whole windows.
    pub dispersion: Option<f64>,
}

/// The course of a day on the recorder's clock.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Daily {
    /// Requests in each hour from 0 to 23, divided by the number of days that cover the hour.
    pub by_hour: Vec<f64>,
    /// (max - min) / (max + min).
    pub amplitude: f64,
    /// max / min; `None` where an hour has no requests.
    pub peak_to_trough: Option<f64>,
}

/// How many requests come when.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RateProfile {
    /// Requests per second over the whole span; `None` for an instant.
    pub mean_per_s: Option<f64>,
    /// Time between one request and the next, whatever the object.
    pub gaps_s: Spread,
    /// Windows of a second.
    pub per_second: Window,
    /// Windows of a minute.
    pub per_minute: Window,
    /// Windows of an hour.
    pub per_hour: Window,
    /// The course of the day; `None` where the trace covers less than one.
    pub daily: Option<Daily>,
    /// Points of the distribution of the time between requests: seconds, and the share that is no longer.
    pub gap_curve_s: Vec<(f64, f64)>,
}

/// Silences, gathered.
#[derive(Debug, Default)]
pub(super) struct Silences {
    longest: Vec<Gap>,
    /// Silences above an hour in nanoseconds: as many as the span has hours at most.
    above_an_hour: Vec<u64>,
}

impl Silences {
    /// Nothing came for `gap` nanoseconds from `from` on.
    pub(super) fn gap(&mut self, from: i64, gap: u64) {
        const HOUR_NS: u64 = 3_600 * SECOND_NS.unsigned_abs();
        if gap > HOUR_NS {
            self.above_an_hour.push(gap);
        }
        let gap = Gap { from_unix_ns: from, seconds: gap as f64 / SECOND_NS as f64 };
        let longest = &mut self.longest;
        if gap.seconds > 0.0
            && (longest.len() < 5 || longest.last().is_some_and(|least| gap.seconds > least.seconds))
        {
            let place = longest.partition_point(|longer| longer.seconds >= gap.seconds);
            longest.insert(place, gap);
            longest.truncate(5);
        }
    }
}

pub(super) fn time(import: &Import, scan: &Scan) -> TimeProfile {
    let mean_gap_ns = scan.span_s() * 1e9 / (scan.requests.saturating_sub(1).max(1)) as f64;
    let is_long = |gap: &&u64| **gap as f64 > 10.0 * mean_gap_ns;
    let day = |hour: &i64| hour.div_euclid(24);
    let mut days: Vec<i64> = import.local_hours.keys().map(day).collect();
    days.dedup();
    TimeProfile {
        first_unix_ns: scan.first,
        last_unix_ns: scan.last,
        span_s: scan.span_s(),
        longest_gaps: scan.silences.longest.clone(),
        long_gaps: scan.silences.above_an_hour.iter().filter(is_long).count() as u64,
        days_present: days.len() as u64,
        days_covered: days.last().zip(days.first()).map_or(0, |(last, first)| last.abs_diff(*first) + 1),
    }
}

pub(super) fn rates(import: &Import, scan: &Scan) -> RateProfile {
    let span_s = scan.span_s();
    let [per_second, per_minute, per_hour] = [0, 1, 2].map(|place: usize| scan.windows[place].window(span_s));
    RateProfile {
        mean_per_s: (span_s > 0.0).then(|| scan.requests as f64 / span_s),
        gaps_s: scan.gaps.spread(1e-9),
        per_second,
        per_minute,
        per_hour,
        daily: daily(&import.local_hours),
        gap_curve_s: scan.gaps.curve(1e-9),
    }
}

/// Counts by window, laid out from the first request on, so that the first one is whole.
#[derive(Debug)]
pub(super) struct Windows {
    length_s: u64,
    place: u64,
    count: u64,
    all: u64,
    peak: u64,
    busy: u64,
    sum: f64,
    squares: f64,
}

impl Windows {
    pub(super) fn new(length_s: u64) -> Self {
        Self { length_s, place: 0, count: 0, all: 0, peak: 0, busy: 0, sum: 0.0, squares: 0.0 }
    }

    /// A request so many nanoseconds after the first one.
    pub(super) fn request(&mut self, since_first: u64) {
        let place = since_first / (self.length_s * SECOND_NS.unsigned_abs());
        if place != self.place {
            self.sum += self.count as f64;
            self.squares += (self.count as f64).powi(2);
            (self.place, self.count) = (place, 0);
        }
        self.busy += u64::from(self.count == 0);
        self.count += 1;
        self.all += 1;
        self.peak = self.peak.max(self.count);
    }

    /// The figures. The window that the last request lies in is cut off by the end of the trace and would look
    /// like a silence, so it counts for the peak alone.
    pub(super) fn window(&self, span_s: f64) -> Window {
        let whole = self.place;
        let per_window = self.sum / whole as f64;
        let length = self.length_s as f64;
        let mean = (span_s >= length).then(|| self.all as f64 * length / span_s);
        Window {
            seconds: self.length_s,
            mean,
            peak: self.peak,
            peak_to_mean: mean.map(|mean| self.peak as f64 / mean),
            busy: self.busy,
            dispersion: (whole > 1)
                .then(|| (self.squares / whole as f64 - per_window * per_window) / per_window),
        }
    }
}

fn daily(local_hours: &BTreeMap<i64, u64>) -> Option<Daily> {
    let (first, last) = (*local_hours.keys().next()?, *local_hours.keys().next_back()?);
    if last - first < 24 {
        return None;
    }
    let hour_of_day = |hour: i64| usize::try_from(hour.rem_euclid(24)).unwrap_or(0);
    let mut by_hour = vec![0.0_f64; 24];
    for (hour, requests) in local_hours {
        by_hour[hour_of_day(*hour)] += *requests as f64;
    }
    // Whole days cover each hour once; what is left over covers the hours after the first once more.
    let (whole_days, rest) = ((last - first + 1) / 24, (last - first + 1) % 24);
    for (hour, requests) in (0..).zip(by_hour.iter_mut()) {
        let is_in_rest = (hour - first).rem_euclid(24) < rest;
        *requests /= (whole_days + i64::from(is_in_rest)) as f64;
    }
    let max = by_hour.iter().copied().fold(0.0, f64::max);
    let min = by_hour.iter().copied().fold(f64::INFINITY, f64::min);
    Some(Daily {
        by_hour,
        amplitude: (max - min) / (max + min),
        peak_to_trough: (min > 0.0).then(|| max / min),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_counts_empty_ones_too() {
        let mut windows = Windows::new(1);
        [0, 0, 0, 4].map(|s| windows.request(s * SECOND_NS.unsigned_abs()));
        let window = windows.window(4.0);
        assert_eq!((window.peak, window.busy, window.mean), (3, 2, Some(1.0)));
        // Whole windows hold 3, 0, 0, 0: mean 3/4, variance 9/4 - 9/16.
        assert!((window.dispersion.unwrap() - 2.25).abs() < 1e-12);
    }

    #[test]
    fn each_hour_of_the_day_is_divided_by_the_days_that_cover_it() {
        let mut hours = BTreeMap::new();
        hours.insert(10, 4); // the first day at 10
        hours.insert(34, 2); // the second day at 10
        hours.insert(35, 6); // the second day at 11
        let daily = daily(&hours).unwrap();
        assert!((daily.by_hour[10] - 3.0).abs() < 1e-12);
        assert!((daily.by_hour[11] - 3.0).abs() < 1e-12);
        assert_eq!(daily.peak_to_trough, None);
        hours.remove(&35);
        hours.remove(&34);
        assert_eq!(super::daily(&hours), None);
    }
}
