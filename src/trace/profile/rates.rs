//! When requests come: span and silences, counts per second, minute and hour, the hours of the day.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Recorded;
use crate::trace::import::Import;

const SECOND_NS: i64 = 1_000_000_000;
const HOUR_S: f64 = 3_600.0;

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
    /// Windows of a second.
    pub per_second: Window,
    /// Windows of a minute.
    pub per_minute: Window,
    /// Windows of an hour.
    pub per_hour: Window,
    /// The course of the day; `None` where the trace covers less than one.
    pub daily: Option<Daily>,
}

pub(super) fn time(import: &Import, recorded: &Recorded) -> TimeProfile {
    let times = &recorded.times;
    let (first, last) = (times.first().copied().unwrap_or(0), times.last().copied().unwrap_or(0));
    let span_s = seconds(first, last);
    let mean_gap = span_s / (times.len().saturating_sub(1).max(1)) as f64;
    let mut gaps: Vec<Gap> = Vec::new();
    let mut long_gaps = 0;
    for pair in times.windows(2) {
        let gap = Gap { from_unix_ns: pair[0], seconds: seconds(pair[0], pair[1]) };
        long_gaps += u64::from(gap.seconds > HOUR_S && gap.seconds > 10.0 * mean_gap);
        if gap.seconds > 0.0
            && (gaps.len() < 5 || gaps.last().is_some_and(|least| gap.seconds > least.seconds))
        {
            let place = gaps.partition_point(|longer| longer.seconds >= gap.seconds);
            gaps.insert(place, gap);
            gaps.truncate(5);
        }
    }
    let day = |hour: &i64| hour.div_euclid(24);
    let mut days: Vec<i64> = import.local_hours.keys().map(day).collect();
    days.dedup();
    TimeProfile {
        first_unix_ns: first,
        last_unix_ns: last,
        span_s,
        longest_gaps: gaps,
        long_gaps,
        days_present: days.len() as u64,
        days_covered: days.last().zip(days.first()).map_or(0, |(last, first)| last.abs_diff(*first) + 1),
    }
}

pub(super) fn rates(import: &Import, recorded: &Recorded) -> RateProfile {
    let times = &recorded.times;
    let span_s = times.last().zip(times.first()).map_or(0.0, |(last, first)| seconds(*first, *last));
    RateProfile {
        mean_per_s: (span_s > 0.0).then(|| times.len() as f64 / span_s),
        per_second: window(times, 1, span_s),
        per_minute: window(times, 60, span_s),
        per_hour: window(times, 3_600, span_s),
        daily: daily(&import.local_hours),
    }
}

fn seconds(from: i64, to: i64) -> f64 {
    to.abs_diff(from) as f64 / SECOND_NS as f64
}

/// Windows are laid out from the first request on, so that the first one is whole.
fn window(times: &[i64], length_s: i64, span_s: f64) -> Window {
    let (first, last) = (times.first().copied().unwrap_or(0), times.last().copied().unwrap_or(0));
    let window_ns = length_s.unsigned_abs() * SECOND_NS.unsigned_abs();
    let index = |time: &i64| time.abs_diff(first) / window_ns;
    let whole = index(&last);
    let (mut peak, mut busy, mut sum, mut squares) = (0_u64, 0_u64, 0.0_f64, 0.0_f64);
    for same in times.chunk_by(|a, b| index(a) == index(b)) {
        let count = same.len() as u64;
        peak = peak.max(count);
        busy += 1;
        // The last window is cut off by the end of the trace and would look like a silence.
        if index(&same[0]) < whole {
            sum += count as f64;
            squares += (count as f64).powi(2);
        }
    }
    let per_window = sum / whole as f64;
    let mean = (span_s >= length_s as f64).then(|| times.len() as f64 * length_s as f64 / span_s);
    Window {
        seconds: length_s.unsigned_abs(),
        mean,
        peak,
        peak_to_mean: mean.map(|mean| peak as f64 / mean),
        busy,
        dispersion: (whole > 1).then(|| (squares / whole as f64 - per_window * per_window) / per_window),
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
        let times: Vec<i64> = [0, 0, 0, 4].map(|s| s * SECOND_NS).to_vec();
        let window = window(&times, 1, 4.0);
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
