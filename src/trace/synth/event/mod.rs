//! What happens to the traffic: crowds, crawlers, purges.

pub mod crawler;
pub mod flash_crowd;
pub mod purge;

use super::catalogue::Catalogue;
use super::flow::{Flow, Requests};
use super::source::{Source, shuffle};
use super::{Setup, Workload, arrival, curve};
use crate::catalog;
use crate::catalog::{Invalid, nearest, one_of};
use crate::random::Seed;
use crate::trace::ObjectId;
use crate::units::{SimDuration, SimTime};

/// Something that happens once.
pub trait TrafficEvent: std::fmt::Debug + Send + Sync {
    /// How it goes on this site.
    fn begin(&self, site: &mut Site<'_, '_>) -> Begun;

    /// How many requests it adds to those of the workload, on average.
    fn requests(&self, workload: &Workload) -> f64;
}

/// What an event amounts to.
pub enum Begun {
    /// More requests.
    Requests(Box<dyn Flow>),
    /// Objects that are deleted or replaced.
    Purge(Purge),
}

/// Objects that leave the cache, or their place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purge {
    /// When.
    pub at: SimTime,
    /// Of these.
    pub parts: Vec<Part>,
    /// What becomes of them.
    pub mode: Mode,
}

/// All objects of a class, or those whose number begins with some digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Number of the class.
    pub class: usize,
    /// The digits; empty for all.
    pub digits: String,
}

impl Part {
    /// All objects of a class.
    pub fn whole(class: usize) -> Self {
        Self { class, digits: String::new() }
    }

    /// Whether an object of the class is one of them.
    pub fn has(&self, object: ObjectId) -> bool {
        self.digits.is_empty() || object.as_u32().to_string().starts_with(&self.digits)
    }
}

/// What a purge does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// The keys are deleted from the cache.
    Delete,
    /// The copies in the cache are stale from then on.
    MarkStale,
    /// The site asks for new keys instead; the old ones stay in the cache.
    Version,
}

/// A site before its first request.
pub struct Site<'s, 'w> {
    pub(super) workload: &'w Workload,
    pub(super) catalogue: &'s mut Catalogue<'w>,
    pub(super) sources: &'s [Source],
    /// The first object of each class.
    pub(super) first: &'s [u32],
    /// The chance of this event.
    pub(super) seed: Seed,
}

catalog! {
    /// All traffic events.
    pub static EVENTS: Catalog<dyn TrafficEvent, Setup> = "traffic event", tag "event";
    flash_crowd::FlashCrowd,
    crawler::Crawler,
    purge::PurgeEvent,
}

/// The instant `at`, which must lie before the end of the workload.
fn instant(at: SimDuration, setup: &Setup) -> Result<SimTime, Invalid> {
    if !setup.duration.is_zero() && at >= setup.duration {
        let what = format!("this event is at {at}, but the workload lasts for {}", setup.duration);
        return Err(Invalid::param("at", what).help("write an earlier at, or a longer duration"));
    }
    Ok(SimTime::ZERO + at)
}

/// The number of the class called `name`, or all classes where it is empty.
fn classes(name: &str, setup: &Setup) -> Result<Vec<usize>, Invalid> {
    if name.is_empty() {
        return Ok((0..setup.classes.len().max(1)).collect());
    }
    if let Some(number) = setup.classes.iter().position(|class| class == name) {
        return Ok(vec![number]);
    }
    let names = || setup.classes.iter().map(String::as_str);
    let invalid = Invalid::param("class", format!("no class is called \"{name}\""));
    Err(match nearest(name, names()) {
        Some(meant) => invalid.help(format!("did you mean \"{meant}\"?")),
        None => invalid.help(format!("there are: {}", one_of(names()))),
    })
}
