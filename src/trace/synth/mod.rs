//! Makes traces: classes of objects with a popularity and sizes, asked for at random times.
//!
//! Without further settings requests are independent of one another (the independent reference model): each draws its
//! class by the classes' shares and its object by the class's popularity. Churn, one-hit wonders, page views, repeats and
//! events break that independence on purpose. The axes are catalogs, one folder each: [`popularity`], [`size`],
//! [`arrival`], [`event`].
//!
//! Chance is drawn by purpose and class, so that a class that is added, or sizes that change, leave
//! the times and the other classes' objects as they were. Which object has which rank is a seeded
//! permutation: an object's number says nothing about its popularity or size.

mod ageing;
mod alias;
pub mod arrival;
mod catalogue;
mod curve;
pub mod event;
#[cfg(test)]
mod fit;
pub mod flow;
mod generator;
pub mod popularity;
mod resizing;
mod setup;
pub mod size;
mod source;
mod table;
#[cfg(test)]
mod tests;
mod viewers;

use std::sync::Arc;

pub use ageing::{Churn, Retire};
pub use catalogue::{Catalogue, Rendition};
pub use generator::{Block, Generator};
pub use setup::Setup;
pub use table::digest;
pub use viewers::{Pages, Repeats};

use self::arrival::ArrivalModel;
use self::event::TrafficEvent;
use self::generator::Parts;
use self::popularity::Popularity;
use self::size::SizeModel;
use super::{Event, Keys, ObjectId, Objects, Robots, Trace};
use crate::random::Seed;
use crate::units::{Rate, SimDuration, SimTime};

/// What a synthetic trace is made of.
#[derive(Debug)]
pub struct Workload {
    /// How long it lasts.
    pub duration: SimDuration,
    /// Mean rate of requests over all classes, without those that events add; above 0.
    pub rate: Rate,
    /// When requests arrive.
    pub arrivals: Box<dyn ArrivalModel>,
    /// The classes: at least one, at most 65,536, with at most 2^32 - 2 objects together.
    pub classes: Vec<Class>,
    /// Page views that ask for several images at once; `None` for single requests.
    pub pages: Option<Pages>,
    /// Requests that repeat recent ones.
    pub repeats: Option<Repeats>,
    /// What happens to the traffic.
    pub events: Vec<Box<dyn TrafficEvent>>,
}

impl Workload {
    /// How many requests a trace of this workload has on average.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "float to integer casts saturate, and no part is negative"
    )]
    pub fn expected_requests(&self) -> u64 {
        let usual = self.rate.as_per_second() * self.duration.as_secs_f64();
        let more: f64 = self.events.iter().map(|event| event.requests(self)).sum();
        (usual + more).round() as u64
    }

    /// How many objects it has on average at its end, those included that are uploaded or asked for once.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "float to integer casts saturate, and no part is negative"
    )]
    pub fn expected_objects(&self) -> u64 {
        let requests = self.rate.as_per_second() * self.duration.as_secs_f64();
        let days = self.duration.as_secs_f64() / 86_400.0;
        let of_class = |class: &Class| {
            let uploaded = class.churn.map_or(0.0, |churn| churn.new_per_day * days);
            class.total() as f64 * (1.0 + uploaded) + requests * class.share * class.one_hit
        };
        self.classes.iter().map(of_class).sum::<f64>().round() as u64
    }

    /// Whether requests are drawn independently of one another from a popularity that stays.
    pub fn is_independent(&self) -> bool {
        let steady =
            |class: &Class| class.churn.is_none() && class.one_hit <= 0.0 && class.arrivals.is_none();
        self.pages.is_none()
            && self.repeats.is_none()
            && self.events.is_empty()
            && self.classes.iter().all(steady)
    }
}

/// Objects of one kind.
#[derive(Debug)]
pub struct Class {
    /// Its name.
    pub name: String,
    /// How many (original) objects there are at the start, at least 1.
    pub objects: u32,
    /// Its share of the requests; the shares of all classes sum to 1.
    pub share: f64,
    /// How its requests spread over its objects.
    pub popularity: Box<dyn Popularity>,
    /// How large its objects are.
    pub size: Arc<dyn SizeModel>,
    /// Whether a change at the origin draws an object's size anew.
    pub resize: bool,
    /// When its requests arrive, where they do not come with those of the other classes.
    pub arrivals: Option<Box<dyn ArrivalModel>>,
    /// Share of its requests that go to objects never asked for before or after, 0 to 1.
    pub one_hit: f64,
    /// How its catalogue changes; `None` where it stays and popularity with it.
    pub churn: Option<Churn>,
    /// The sizes in which each object is offered; empty for one.
    pub renditions: Vec<Rendition>,
}

impl Class {
    /// A class whose objects and popularity stay as they are.
    pub fn steady(
        name: &str,
        objects: u32,
        share: f64,
        popularity: Box<dyn Popularity>,
        size: Box<dyn SizeModel>,
    ) -> Self {
        let (arrivals, churn, renditions) = (None, None, Vec::new());
        Self {
            name: name.to_owned(),
            objects,
            share,
            popularity,
            size: size.into(),
            resize: false,
            arrivals,
            one_hit: 0.0,
            churn,
            renditions,
        }
    }

    /// How many objects stand for one original.
    pub fn per_original(&self) -> u32 {
        u32::try_from(self.renditions.len().max(1)).expect("there are a few renditions")
    }

    /// Objects at the start, all renditions counted.
    pub fn total(&self) -> usize {
        self.objects as usize * self.per_original() as usize
    }
}

/// Makes the trace that `workload` and `seed` determine: 12 bytes a request, 8 an object.
///
/// # Panics
/// If a number is outside the range that its field states; scenarios are refused before.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number that fits in memory")]
pub fn generate(workload: &Workload, seed: Seed) -> Trace {
    let expected = workload.expected_requests() as f64;
    // Six standard deviations above the mean: growing once would double the memory.
    let room = (expected + 6.0 * expected.sqrt()) as usize + 16;
    let mut at: Vec<SimTime> = Vec::with_capacity(room);
    let mut object: Vec<ObjectId> = Vec::with_capacity(room);
    let (mut events, mut robots) = (Vec::new(), Robots::default());
    let mut generator = Generator::new(workload, seed);
    let mut block = Block::default();
    while generator.next(&mut block) {
        let before = at.len();
        at.extend_from_slice(&block.requests.at);
        object.extend_from_slice(&block.requests.object);
        block.robots.iter().for_each(|place| robots.mark(before + place));
        events.extend(block.events.iter().map(|event| Event { before: before + event.before, ..*event }));
    }
    let Parts { facts, families, uploads, resizing } = generator.into_parts();
    let classes = workload.classes.iter().map(|class| class.name.clone()).collect();
    let objects = Objects::new(facts, Keys::Numbered, classes).with_uploads(uploads);
    let objects = match families {
        None => objects,
        Some(families) => objects.with_families(families),
    };
    let objects = match resizing {
        None => objects,
        Some(law) => objects.with_resizing(Arc::new(law)),
    };
    Trace::new(at, object, objects, workload.duration).with_events(events).with_robots(robots)
}
