//! What a trace is like: the figures of `ttlab trace stat`.
//!
//! Times are looked at as they were recorded: what spreading put behind the whole second is dropped
//! again. Only the TTL preview uses the trace as it will be replayed.

use jiff::Timestamp;
use jiff::tz::Offset;
use serde::Serialize;

use super::import::{Import, Provenance};
use crate::units::SimTime;

mod fit;
mod objects;
mod popularity;
mod preview;
mod quantile;
mod rates;
mod reuse;
mod text;

pub use objects::{ClassProfile, ObjectProfile, SizeProfile};
pub use popularity::{Popularity, zipf_exponent};
pub use preview::{HotKey, TtlPreview};
pub use quantile::Spread as Quantiles;
pub use rates::{Daily, Gap, RateProfile, TimeProfile, Window};
pub use reuse::ReuseProfile;
pub use text::render;

/// What `ttlab trace stat` prints.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Profile {
    /// File, format, what was dropped and why, methods and statuses.
    pub input: Provenance,
    /// First and last request, silences, days.
    pub time: TimeProfile,
    /// Requests, objects and how they concentrate.
    pub objects: ObjectProfile,
    /// Zipf exponents; `None` below 20 objects.
    pub popularity: Option<Popularity>,
    /// Sizes of objects and of requests.
    pub sizes: SizeProfile,
    /// Requests per second, minute and hour.
    pub rates: RateProfile,
    /// Time between requests for the same object.
    pub reuse: ReuseProfile,
    /// Hit ratios of TTLs with unlimited capacity and an origin without latency.
    pub ttl_preview: Vec<TtlPreview>,
    /// The keys with the highest rates and how many requests one expiry of theirs would meet.
    pub stampede_preview: Vec<HotKey>,
    /// Each class by itself.
    pub classes: Vec<ClassProfile>,
    /// What the trace can tell and what it cannot, in plain sentences.
    pub fit: Vec<String>,
}

impl Profile {
    /// The figures of a trace.
    pub fn of(import: &Import) -> Self {
        let recorded = Recorded::of(import);
        let counts = objects::counts(&import.trace);
        let time = rates::time(import, &recorded);
        let rates = rates::rates(import, &recorded);
        let classes = objects::classes(&import.trace, &counts);
        Self {
            input: import.provenance.clone(),
            objects: objects::objects(&counts),
            popularity: popularity::popularity(&counts),
            sizes: objects::sizes(&import.trace, &counts, &import.provenance),
            reuse: reuse::reuse(&import.trace, &recorded),
            ttl_preview: preview::ttl(&import.trace, &counts),
            stampede_preview: preview::stampedes(&import.trace, &counts),
            fit: fit::sentences(import, &time, &classes),
            time,
            rates,
            classes,
        }
    }
}

/// The times of the requests as they were recorded.
struct Recorded {
    /// Nanoseconds since 1970 UTC, never decreasing.
    times: Vec<i64>,
}

impl Recorded {
    fn of(import: &Import) -> Self {
        let resolution = i64::try_from(import.provenance.resolution_ns).unwrap_or(1).max(1);
        let first = import.provenance.first_unix_ns;
        let absolute = |at: &SimTime| first.saturating_add_unsigned(at.as_nanos());
        let floor = |time: i64| time.div_euclid(resolution).saturating_mul(resolution);
        Self { times: import.trace.times().iter().map(|at| floor(absolute(at))).collect() }
    }
}

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

/// A part of a whole; `None` of nothing.
fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}
