//! What a trace is like: the figures of `ttlab trace stat`.

use jiff::Timestamp;
use jiff::tz::Offset;

/// A time for people, `1995-08-01 00:00:01 -0400`, with as many digits of the second as it has.
///
/// `ns` counts from 1970 UTC, and the clock was `offset_s` seconds ahead of UTC.
pub fn clock_text(ns: i64, offset_s: i32) -> String {
    let stamp = Timestamp::from_nanosecond(i128::from(ns));
    match (stamp, Offset::from_seconds(offset_s)) {
        (Ok(stamp), Ok(offset)) => {
            let minutes = offset_s.abs() / 60;
            let sign = if offset_s < 0 { '-' } else { '+' };
            let clock = offset.to_datetime(stamp).to_string().replacen('T', " ", 1);
            format!("{clock} {sign}{:02}{:02}", minutes / 60, minutes % 60)
        }
        _ => format!("{ns} ns"),
    }
}
