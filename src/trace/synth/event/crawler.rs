//! A crawler asks for every image once: the classic polluter of a cache that keeps what was used last.
//!
//! It begins at `at` and asks at equal gaps, in the order of the catalogue or in a random one, for a share of the images (with
//! all their renditions) that exist at the start, or of one class. Its requests come on top of all others. They
//! are marked as those of a robot, so that a report tells people's outcomes and the robot's apart; a file that
//! `ttlab trace generate` writes has no room for the mark. The rate is an assumption.
//!
//! ```toml
//! events = [{ event = "crawler", at = "1m", rate = "20/s", order = "random" }]
//! ```

use serde::{Deserialize, Serialize};

use super::arrival::BLOCK;
use super::{
    Begun, Catalogue, Flow, Requests, Setup, Site, TrafficEvent, Workload, classes, instant, shuffle,
};
use crate::catalog::{Invalid, Kind, Param, Plugin};
use crate::trace::ObjectId;
use crate::units::{Rate, SimDuration, SimTime};

/// The event; see the page above.
#[derive(Debug)]
pub struct Crawler {
    at: SimTime,
    rate: f64,
    share: f64,
    order: Order,
    classes: Vec<usize>,
}

/// In which order the images are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// That of their numbers.
    Catalogue,
    /// Any, equally likely.
    Random,
}

/// Parameters of [`Crawler`].
#[derive(Debug, Serialize, Deserialize)]
pub struct Params {
    at: SimDuration,
    rate: Rate,
    share: f64,
    order: Order,
    class: String,
}

impl Plugin for Crawler {
    const NAME: &'static str = "crawler";
    const SUMMARY: &'static str = "A crawler asks for every image once.";
    const PARAMS: &'static [Param] = &[
        Param::duration("at", "when it begins").required().from("0s"),
        Param::new("rate", Kind::Rate, "its requests").default("20/s").above("0/s").to("1000000/s"),
        Param::number("share", "the share of the images that it asks for").default("1").above("0").to("1"),
        Param::new("order", Kind::Choice(&["catalogue", "random"]), "in which order").default("catalogue"),
        Param::new("class", Kind::Text, "the class that it asks for; all by default").default(""),
    ];
    type Params = Params;
    type Setup = Setup;

    fn new(params: &Params, setup: &Setup) -> Result<Self, Invalid> {
        Ok(Self {
            at: instant(params.at, setup)?,
            rate: params.rate.as_per_second(),
            share: params.share,
            order: params.order,
            classes: classes(&params.class, setup)?,
        })
    }
}

impl Crawler {
    /// How many images it will have asked for at the end.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a number of objects"
    )]
    fn images(&self, workload: &Workload) -> usize {
        let all: usize = self.classes.iter().map(|class| workload.classes[*class].total()).sum();
        let left = (SimTime::ZERO + workload.duration).since(self.at).as_secs_f64();
        let in_time = (left * self.rate).ceil() as usize;
        ((all as f64 * self.share).ceil() as usize).min(in_time)
    }
}

impl TrafficEvent for Crawler {
    fn begin(&self, site: &mut Site<'_, '_>) -> Begun {
        let mut objects: Vec<ObjectId> = Vec::new();
        for class in &self.classes {
            let first = site.first[*class] as usize;
            let end = first + site.workload.classes[*class].total();
            objects.extend((first..end).map(ObjectId::from_index));
        }
        if self.order == Order::Random {
            shuffle(&mut objects, &mut site.seed.stream());
        }
        objects.truncate(self.images(site.workload));
        let gap = 1e9 / self.rate;
        Begun::Requests(Box::new(Scan { objects, next: 0, begin: self.at, gap }))
    }

    fn requests(&self, workload: &Workload) -> f64 {
        self.images(workload) as f64
    }
}

/// The requests of a crawler.
struct Scan {
    objects: Vec<ObjectId>,
    next: usize,
    begin: SimTime,
    gap: f64,
}

impl Flow for Scan {
    fn is_robot(&self) -> bool {
        true
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a time before the end, which is a u64"
    )]
    fn next(&mut self, _: &mut Catalogue<'_>, out: &mut Requests) {
        let end = (self.next + BLOCK).min(self.objects.len());
        for index in self.next..end {
            let later = SimDuration::from_nanos((index as f64 * self.gap).round() as u64);
            out.push(self.begin + later, self.objects[index]);
        }
        self.next = end;
    }
}
