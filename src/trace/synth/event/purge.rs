//! A deploy or an editor purges images: their keys are deleted or marked as stale, or the site asks for new ones.
//!
//! With `mode = "delete"` the application deletes the keys of all images of the class (or of all
//! classes) that were asked for so far; their next misses count as invalidated. With `mode = "mark-stale"` their copies are no longer fresh from then on, as
//! after the soft purge of a CDN: a policy that serves stale copies does so as long after the purge as it would after the
//! end of a TTL, and without one the next request is an expired miss. With `mode = "version"` the
//! site has new URLs from then on, as after a deploy that changes the names of all files: every image of
//! the class is replaced by a new one as popular, and the old ones stay in the cache until their TTL or an eviction.
//!
//! A `prefix` says which keys instead of a `class`: made keys are `class/number`, so `prefix = "img/"` purges all classes
//! whose names begin with `img/`, and `prefix = "photo/12"` every photo whose number begins with 12. New URLs are for
//! whole classes alone.
//!
//! ```toml
//! events = [{ event = "purge", at = "1m", class = "thumbnail", mode = "delete" }]
//! ```

use serde::{Deserialize, Serialize};

use super::{Begun, Mode, Part, Purge, Setup, Site, TrafficEvent, Workload, classes, instant};
use crate::catalog::{Invalid, Kind, Param, Plugin, one_of};
use crate::units::{SimDuration, SimTime};

/// The event; see the page above.
#[derive(Debug)]
pub struct PurgeEvent {
    at: SimTime,
    parts: Vec<Part>,
    mode: Mode,
}

/// Parameters of [`PurgeEvent`].
#[derive(Debug, Serialize, Deserialize)]
pub struct Params {
    at: SimDuration,
    class: String,
    prefix: String,
    mode: Mode,
}

impl Plugin for PurgeEvent {
    const NAME: &'static str = "purge";
    const SUMMARY: &'static str =
        "Images are purged: their keys are deleted or marked stale, or the site asks for new ones.";
    const PARAMS: &'static [Param] = &[
        Param::duration("at", "when it happens").required().from("0s"),
        Param::new("class", Kind::Text, "the class that is purged; all by default").default(""),
        Param::new("prefix", Kind::Text, "what the keys that are purged begin with, instead of a class")
            .default(""),
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
        Ok(Self { at: instant(params.at, setup)?, parts: parts(params, setup)?, mode: params.mode })
    }
}

/// What is purged.
fn parts(params: &Params, setup: &Setup) -> Result<Vec<Part>, Invalid> {
    let Params { class, prefix, mode, .. } = params;
    if prefix.is_empty() {
        return Ok(classes(class, setup)?.into_iter().map(Part::whole).collect());
    }
    if !class.is_empty() {
        let what = format!("both class = \"{class}\" and prefix = \"{prefix}\" say what is purged");
        return Err(Invalid::param("prefix", what).help("leave one of them out"));
    }
    let part = |(number, name): (usize, &String)| {
        let digits = match format!("{name}/") {
            // Every key of the class begins so.
            keys if keys.starts_with(prefix.as_str()) => String::new(),
            keys => prefix.strip_prefix(&keys).filter(|digits| begins_a_number(digits))?.to_owned(),
        };
        Some(Part { class: number, digits })
    };
    let parts: Vec<Part> = setup.classes.iter().enumerate().filter_map(part).collect();
    if parts.is_empty() {
        let keys: Vec<String> = setup.classes.iter().map(|class| format!("{class}/")).collect();
        let what =
            format!("no key begins with \"{prefix}\": keys are a class, a slash and the image's number");
        let help = format!("they begin with one of these: {}", one_of(keys.iter().map(String::as_str)));
        return Err(Invalid::param("prefix", what).help(help));
    }
    if let Some(part) = parts.iter().find(|part| *mode == Mode::Version && !part.digits.is_empty()) {
        let class = &setup.classes[part.class];
        let what =
            format!("\"{prefix}\" is a part of class \"{class}\", and a whole class gets new URLs at once");
        return Err(
            Invalid::param("prefix", what).help(format!("write prefix = \"{class}/\", or mode = \"delete\""))
        );
    }
    Ok(parts)
}

/// Whether numbers of objects can begin with this: they are written without zeros before them.
fn begins_a_number(digits: &str) -> bool {
    digits.parse::<u32>().is_ok_and(|number| number.to_string() == digits)
}

impl TrafficEvent for PurgeEvent {
    fn begin(&self, _: &mut Site<'_, '_>) -> Begun {
        Begun::Purge(Purge { at: self.at, parts: self.parts.clone(), mode: self.mode })
    }

    fn requests(&self, _: &Workload) -> f64 {
        0.0
    }
}
