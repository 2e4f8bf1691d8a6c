//! Makes the requests of a workload one block after the other, with memory for its objects alone.

use std::collections::VecDeque;

use super::alias::Alias;
use super::arrival::{BLOCK, Traffic};
use super::catalogue::Catalogue;
use super::event::{Begun, Mode, Part, Purge, Site};
use super::flow::{Flow, Requests};
use super::resizing::Redrawn;
use super::source::{Source, order, places};
use super::viewers::{History, PageViews, Renewal, Viewers};
use super::{Class, Workload};
use crate::random::Seed;
use crate::trace::{Event, Fact, Happening, Kin, ObjectId};
use crate::units::{Rate, SimTime};

/// A part of a trace.
#[derive(Debug, Default)]
pub struct Block {
    /// Its requests, in order.
    pub requests: Requests,
    /// Which of them, by place in the block, come from robots.
    pub robots: Vec<usize>,
    /// Keys that are purged, with how many of the block's requests come before.
    pub events: Vec<Event>,
}

/// The requests that a workload and a seed determine.
pub struct Generator<'w> {
    catalogue: Catalogue<'w>,
    flows: Vec<Running>,
    /// Those that do something to the cache.
    purges: VecDeque<Purge>,
    /// Which objects have been asked for; empty where nothing is ever purged.
    asked: Vec<bool>,
    /// What is added to the catalogue meanwhile, in the order of time.
    uploads: Vec<(SimTime, ObjectId)>,
}

/// What is left of a generator at the end.
pub(super) struct Parts {
    pub(super) facts: Vec<Fact>,
    pub(super) families: Option<Vec<Kin>>,
    pub(super) uploads: Vec<(SimTime, ObjectId)>,
    pub(super) resizing: Option<Redrawn>,
}

/// A flow, and those of its requests that wait for their turn.
struct Running {
    flow: Box<dyn Flow>,
    waiting: Requests,
    next: usize,
}

impl<'w> Generator<'w> {
    /// Begins a trace.
    ///
    /// # Panics
    /// If a number of the workload is outside the range that its field states; scenarios are refused before.
    pub fn new(workload: &'w Workload, seed: Seed) -> Self {
        let seed = seed.of("workload");
        let classes = &workload.classes;
        let mut catalogue = Catalogue::new(classes, seed.of("size"));
        let sources = sources(workload, &mut catalogue, seed);
        let first = firsts(classes);
        let mut flows: Vec<Box<dyn Flow>> = Vec::new();
        let mut purges = Vec::new();
        for (number, event) in (0..).zip(&workload.events) {
            let catalogue = &mut catalogue;
            let seed = seed.of("event").nth(number);
            let mut site = Site { workload, catalogue, sources: &sources, first: &first, seed };
            match event.begin(&mut site) {
                Begun::Requests(flow) => flows.push(flow),
                Begun::Purge(purge) => purges.push(purge),
            }
        }
        purges.sort_by_key(|purge| purge.at);
        let renewals = renewals(&purges, &sources, &mut catalogue);
        let uploads = uploads(&sources, &renewals);
        // Who views the site comes before crowds and crawlers that arrive at the same instant.
        flows.splice(0..0, viewers(workload, sources, &renewals, seed));
        let flows =
            flows.into_iter().map(|flow| Running { flow, waiting: Requests::default(), next: 0 }).collect();
        purges.retain(|purge| purge.mode != Mode::Version);
        Self { catalogue, flows, purges: purges.into(), asked: Vec::new(), uploads }
    }

    /// What is known of each object that has been made so far; a block's objects are among them.
    pub fn facts(&self) -> &[Fact] {
        self.catalogue.facts()
    }

    pub(super) fn into_parts(self) -> Parts {
        let (facts, families, resizing) = self.catalogue.into_parts();
        Parts { facts, families, uploads: self.uploads, resizing }
    }

    /// Replaces what is in `block` by the next part of the trace; `false` where there is no more.
    pub fn next(&mut self, block: &mut Block) -> bool {
        block.requests.clear();
        block.events.clear();
        block.robots.clear();
        if self.purges.is_empty()
            && let [only] = self.flows.as_mut_slice()
            && only.next == only.waiting.len()
            && !only.flow.is_robot()
        {
            only.flow.next(&mut self.catalogue, &mut block.requests);
        } else {
            self.merge(block);
        }
        !(block.requests.is_empty() && block.events.is_empty())
    }

    /// Takes from whichever flow is due next.
    fn merge(&mut self, block: &mut Block) {
        while block.requests.len() < BLOCK {
            for running in &mut self.flows {
                if running.next == running.waiting.len() {
                    running.waiting.clear();
                    running.next = 0;
                    running.flow.next(&mut self.catalogue, &mut running.waiting);
                }
            }
            // A flow that is over has nothing waiting.
            let due =
                |(number, running): (usize, &Running)| Some((*running.waiting.at.get(running.next)?, number));
            let due = self.flows.iter().enumerate().filter_map(due).min();
            if let Some(purge) = self.purges.front().filter(|purge| due.is_none_or(|(at, _)| purge.at <= at))
            {
                carry_out(purge, self.catalogue.facts(), &self.asked, block);
                self.purges.pop_front();
                continue;
            }
            let Some((at, number)) = due else { return };
            let running = &mut self.flows[number];
            let object = running.waiting.object[running.next];
            running.next += 1;
            if !self.purges.is_empty() {
                self.asked.resize(self.catalogue.facts().len().max(self.asked.len()), false);
                self.asked[object.index()] = true;
            }
            if running.flow.is_robot() {
                block.robots.push(block.requests.len());
            }
            block.requests.push(at, object);
        }
    }
}

/// Deletes or marks all that was asked for and is purged.
fn carry_out(purge: &Purge, facts: &[Fact], asked: &[bool], block: &mut Block) {
    let before = block.requests.len();
    let what = if purge.mode == Mode::Delete { Happening::Deleted } else { Happening::MarkedStale };
    for (index, fact) in facts.iter().enumerate() {
        let object = ObjectId::from_index(index);
        let is_meant = |part: &Part| part.class == fact.class.index() && part.has(object);
        if asked.get(index) == Some(&true) && purge.parts.iter().any(is_meant) {
            block.events.push(Event { at: purge.at, object, what, before });
        }
    }
}

/// The first object of each class.
fn firsts(classes: &[Class]) -> Vec<u32> {
    let mut first = 0_u32;
    let mut firsts = Vec::with_capacity(classes.len());
    for class in classes {
        firsts.push(first);
        let objects = u32::try_from(class.total()).ok();
        first = objects
            .and_then(|objects| first.checked_add(objects))
            .expect("there are at most 2^32 - 2 objects");
    }
    firsts
}

/// The source of each class; first all objects of the start are made, then those that are uploaded later.
pub(super) fn sources(workload: &Workload, catalogue: &mut Catalogue<'_>, seed: Seed) -> Vec<Source> {
    let classes = &workload.classes;
    let mut at_start = Vec::with_capacity(classes.len());
    for (number, class) in classes.iter().enumerate() {
        let order = order(class, seed);
        if class.size.follows_popularity() {
            catalogue.place(number, places(&order).into_iter());
        }
        at_start.push((catalogue.extend(number, class.objects), order));
    }
    let source = |(class, start)| Source::new(class, start, catalogue, workload.duration, seed);
    classes.iter().enumerate().zip(at_start).map(source).collect()
}

/// New objects for all that is replaced.
fn renewals(purges: &[Purge], sources: &[Source], catalogue: &mut Catalogue<'_>) -> Vec<Renewal> {
    let mut renewals = Vec::new();
    for purge in purges.iter().filter(|purge| purge.mode == Mode::Version) {
        // A part of a class has no new names: such a purge is refused.
        for class in purge.parts.iter().map(|part| part.class) {
            let first = catalogue.extend(class, sources[class].originals());
            renewals.push(Renewal { at: purge.at, source: class, first });
        }
    }
    renewals
}

/// Every object that is added to the catalogue while the trace lasts; what a deployment renames is not new.
fn uploads(sources: &[Source], renewals: &[Renewal]) -> Vec<(SimTime, ObjectId)> {
    let mut uploads = Vec::new();
    for (number, source) in sources.iter().enumerate() {
        let of = renewals.iter().filter(|renewal| renewal.source == number);
        uploads.extend(source.uploads(&of.collect::<Vec<_>>()));
    }
    uploads.sort_by_key(|(at, _)| *at);
    uploads
}

/// Those who view the site: all classes together, but for classes with arrivals of their own.
fn viewers(
    workload: &Workload,
    sources: Vec<Source>,
    renewals: &[Renewal],
    seed: Seed,
) -> Vec<Box<dyn Flow>> {
    let classes = &workload.classes;
    let (common, own): (Vec<Source>, Vec<Source>) =
        sources.into_iter().partition(|source| classes[source.class()].arrivals.is_none());
    let mut flows: Vec<Box<dyn Flow>> = Vec::new();
    if !common.is_empty() {
        flows.push(Box::new(group(workload, common, renewals, None, seed)));
    }
    for source in own {
        let name = &classes[source.class()].name;
        flows.push(Box::new(group(workload, vec![source], renewals, Some(name), seed)));
    }
    flows
}

/// The viewers of these classes; `own` is the name of a class with arrivals of its own.
fn group(
    workload: &Workload,
    sources: Vec<Source>,
    renewals: &[Renewal],
    own: Option<&str>,
    seed: Seed,
) -> Viewers {
    let of = |purpose: &str| own.map_or(seed.of(purpose), |name| seed.of(purpose).of(name));
    let shares: Vec<f64> = sources.iter().map(|source| workload.classes[source.class()].share).collect();
    let whole: f64 = shares.iter().sum();
    // Rounding of the shares must not change the rate where all classes are together.
    let whole = if sources.len() == workload.classes.len() { 1.0 } else { whole };
    let images = workload.pages.map_or(1.0, |pages| pages.images);
    let rate = Rate::per_second(workload.rate.as_per_second() * whole / images);
    let model = sources.first().and_then(|source| workload.classes[source.class()].arrivals.as_ref());
    let traffic = Traffic { rate, duration: workload.duration };
    let place = |class: usize| sources.iter().position(|source| source.class() == class);
    let own_renewals =
        renewals.iter().filter_map(|renewal| Some(Renewal { source: place(renewal.source)?, ..*renewal }));
    Viewers {
        // A class that nobody asks for has no arrivals.
        arrivals: if whole > 0.0 {
            model.unwrap_or(&workload.arrivals).begin(traffic, of("arrivals"))
        } else {
            Box::new(super::arrival::Nobody)
        },
        class_of: if whole > 0.0 { Alias::new(&shares) } else { Alias::new(&[1.0]) },
        class_stream: of("class").stream(),
        pages: workload.pages.map(|pages| PageViews::new(pages, of("pages"))),
        history: workload.repeats.map(|repeats| History::new(repeats, of("repeats"))),
        renewals: own_renewals.collect(),
        sources,
        end: SimTime::ZERO + workload.duration,
        times: Vec::with_capacity(BLOCK),
        places: Vec::new(),
        drawn: Vec::new(),
    }
}
