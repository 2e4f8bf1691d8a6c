//! What a trace is like: the figures of `ttlab trace stat`.
//!
//! Found in one pass over the requests, with memory for objects (about 110 bytes each, while the trace itself
//! holds their keys, sizes and classes) and for a few thousand windows of time, not for requests.

use jiff::Timestamp;
use jiff::tz::Offset;
use serde::Serialize;

use super::import::{Import, Provenance};

mod course;
mod fit;
mod objects;
mod popularity;
mod preview;
mod quantile;
mod rates;
mod reuse;
mod scan;
mod tallied;
mod text;
mod updates;

pub use course::{Course, Stretch};
pub use objects::{ClassProfile, ObjectProfile, SizeProfile};
pub use popularity::{Popularity, zipf_exponent};
pub use preview::{HotKey, TtlPreview};
pub use quantile::Spread as Quantiles;
pub use rates::{Daily, Gap, RateProfile, TimeProfile, Window};
pub use reuse::ReuseProfile;
pub use text::render;
pub use updates::{TtlProfile, TtlShare, UpdateProfile};

use scan::Scan;

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
    /// Points of the popularity: a rank from 1, and the requests of the object with that rank.
    pub ranks: Vec<(u64, u64)>,
    /// Sizes of objects and of requests.
    pub sizes: SizeProfile,
    /// Requests per second, minute and hour.
    pub rates: RateProfile,
    /// Time between requests for the same object.
    pub reuse: ReuseProfile,
    /// Requests, working set and new objects over time.
    pub course: Course,
    /// Evidence of changes.
    pub updates: UpdateProfile,
    /// Recorded TTLs; `None` where there are none.
    pub ttls: Option<TtlProfile>,
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
        let scan = Scan::of(import);
        let counts = scan.counts();
        let time = rates::time(import, &scan);
        let rates = rates::rates(import, &scan);
        let classes = objects::classes(&import.trace, &counts);
        Self {
            input: import.provenance.clone(),
            objects: objects::objects(&counts),
            popularity: popularity::popularity(&counts),
            ranks: popularity::ranks(&counts),
            sizes: objects::sizes(&import.trace, &counts, &import.provenance),
            reuse: scan.reuse.profile(),
            updates: updates::updates(&import.provenance, time.span_s),
            ttls: updates::ttls(&import.provenance),
            ttl_preview: preview::ttl(&scan.hits, &import.trace, &counts),
            stampede_preview: preview::stampedes(&import.trace, &counts),
            fit: fit::sentences(import, &time, &classes),
            course: scan.courses.finest(),
            time,
            rates,
            classes,
        }
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
