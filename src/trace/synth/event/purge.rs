//! A deploy or an editor purges images: their keys are deleted or marked as stale, or the site asks for new ones.
//!
//! With `mode = "delete"` the application deletes the keys of all images of the class (or of all
//! classes) that were asked for so far; their next misses count as invalidated. With `mode = "mark-stale"` their copies are no longer fresh from then on, as
//! after the soft purge of a CDN: a policy that serves stale copies does so as long after the purge as it would after the
//! end of a TTL, and without one the next request is an expired miss. With `mode = "version"` the
//! site has new URLs from then on, as after a deploy that changes the names of all files: every image of
//! the class is replaced by a new one as popular, and the old ones stay in the cache until their TTL or an eviction.
//!
//! ```toml
//! events = [{ event = "purge", at = "1m", class = "thumbnail", mode = "delete" }]
//! ```

use serde::{Deserialize, Serialize};

use super::{Begun, Mode, Purge, Setup, Site, TrafficEvent, Workload, classes, instant};
use crate::catalog::{Invalid, Kind, Param, Plugin};
use crate::units::{SimDuration, SimTime};

/// The event; see the page above.
#[derive(Debug)]
pub struct PurgeEvent {
    at: SimTime,
    classes: Vec<usize>,
    mode: Mode,
}

/// Parameters of [`PurgeEvent`].
#[derive(Debug, Serialize, Deserialize)]
pub struct Params {
    at: SimDuration,
    class: String,
    mode: Mode,
}

impl Plugin for PurgeEvent {
    const NAME: &'static str = "purge";
    const SUMMARY: &'static str =
        "Images are purged: their keys are deleted or marked stale, or the site asks for new ones.";
    const PARAMS: &'static [Param] = &[
        Param::duration("at", "when it happens").required().from("0s"),
        Param::new("class", Kind::Text, "the class that is purged; all by default").default(""),
        Param::new(
            "mode",
            Kind::Choice(&["delete", "mark-stale", "version"]),
            "whether keys are deleted, marked as stale, or replaced by new ones",
        )
        .default("delete"),
    ];
    type Params = Params;
    type Setup = Setup;

    fn new(params: &Params, setup: &Setup) -> Result<Self, Invalid> {
        Ok(Self {
            at: instant(params.at, setup)?,
            classes: classes(&params.class, setup)?,
            mode: params.mode,
        })
    }
}

impl TrafficEvent for PurgeEvent {
    fn begin(&self, _: &mut Site<'_, '_>) -> Begun {
        Begun::Purge(Purge { at: self.at, classes: self.classes.clone(), mode: self.mode })
    }

    fn requests(&self, _: &Workload) -> f64 {
        0.0
    }
}
