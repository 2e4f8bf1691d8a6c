//! The viewers of a site: requests that arrive by a law, each for an object of a class.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rand::RngExt;

use super::alias::Alias;
use super::arrival::Arrivals;
use super::catalogue::Catalogue;
use super::flow::{Flow, Requests};
use super::source::{Drawn, Source};
use crate::random::{Seed, Stream};
use crate::trace::ObjectId;
use crate::units::{SimDuration, SimTime};

/// Page views: each asks for several images at once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pages {
    /// Images of a page on average, at least 1.
    pub images: f64,
    /// Whether their number varies (geometrically), or is the whole number `images`.
    pub varies: bool,
    /// After the first image of a page the others follow within this time.
    pub within: SimDuration,
}

/// Requests that repeat a recent one: what independent draws lack of the locality of real traffic.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Repeats {
    /// Share of the requests that do.
    pub share: f64,
    /// How many requests back they reach at most; how far is log-uniform, so that near ones are more likely.
    pub within: u32,
}

/// When the objects of a source are all replaced, and the number of the first new one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Renewal {
    pub(super) at: SimTime,
    pub(super) source: usize,
    pub(super) first: u32,
}

/// Requests of one or several classes with common arrivals.
pub(super) struct Viewers {
    pub(super) arrivals: Box<dyn Arrivals>,
    pub(super) class_of: Alias,
    pub(super) class_stream: Stream,
    pub(super) sources: Vec<Source>,
    pub(super) pages: Option<PageViews>,
    pub(super) history: Option<History>,
    /// In order of time.
    pub(super) renewals: std::collections::VecDeque<Renewal>,
    pub(super) end: SimTime,
    pub(super) times: Vec<SimTime>,
    /// What is drawn by the block: the place of each request's source, and each source's draws.
    pub(super) places: Vec<u32>,
    pub(super) drawn: Vec<Drawn>,
}

impl Viewers {
    #[inline]
    fn draw(&mut self, at: SimTime, catalogue: &mut Catalogue<'_>) -> ObjectId {
        if let Some(object) = self.history.as_mut().and_then(History::again) {
            return object;
        }
        let source =
            if self.sources.len() == 1 { 0 } else { self.class_of.draw(&mut self.class_stream) as usize };
        let (object, is_once) = self.sources[source].draw(at, catalogue);
        if let Some(history) = self.history.as_mut().filter(|_| !is_once) {
            history.push(object);
        }
        object
    }

    /// Whether objects are replaced at this time or before.
    fn renews_until(&self, at: Option<SimTime>) -> bool {
        self.renewals.front().is_some_and(|renewal| at.is_some_and(|at| renewal.at <= at))
    }

    #[cold]
    fn renew(&mut self, at: SimTime) {
        while let Some(renewal) = self.renewals.front().filter(|renewal| renewal.at <= at) {
            self.sources[renewal.source].renew(renewal.first);
            self.renewals.pop_front();
        }
    }

    /// Requests at `times` that depend on no other: source by source, which is many draws of one kind at once, and
    /// then in the order of time.
    fn draw_many(&mut self, times: &[SimTime], catalogue: &mut Catalogue<'_>, out: &mut Requests) {
        self.drawn.resize_with(self.sources.len(), Drawn::default);
        self.drawn.iter_mut().for_each(Drawn::clear);
        self.places.clear();
        if self.sources.len() == 1 {
            self.drawn[0].times.extend_from_slice(times);
        } else {
            let (class_of, stream) = (&self.class_of, &mut self.class_stream);
            self.places.extend(times.iter().map(|_| class_of.draw(stream)));
            for (at, place) in times.iter().zip(&self.places) {
                self.drawn[*place as usize].times.push(*at);
            }
        }
        self.sources.iter_mut().zip(&mut self.drawn).for_each(|(source, drawn)| source.draw_many(drawn));
        out.at.extend_from_slice(times);
        if let [only] = self.drawn.as_mut_slice() {
            if let Some(objects) = only.all() {
                out.object.extend_from_slice(objects);
            } else {
                let class = self.sources[0].class();
                out.object.extend(times.iter().map(|_| only.take(class, catalogue)));
            }
            return;
        }
        let (sources, drawn) = (&self.sources, &mut self.drawn);
        out.object.extend(self.places.iter().map(|place| {
            let place = *place as usize;
            drawn[place].take(sources[place].class(), catalogue)
        }));
    }

    /// The images of the pages that are opened at `times`.
    fn pages(&mut self, times: &[SimTime], catalogue: &mut Catalogue<'_>, out: &mut Requests) {
        let Some(mut pages) = self.pages.take() else { return };
        for &at in times {
            pages.until(at, out);
            if self.renews_until(Some(at)) {
                self.renew(at);
            }
            for image in 0..pages.images() {
                let object = self.draw(at, catalogue);
                let later = if image == 0 { SimDuration::ZERO } else { pages.later() };
                pages.push(at + later, object);
            }
        }
        if times.is_empty() {
            pages.until(self.end, out);
            pages.waiting.clear();
        }
        self.pages = Some(pages);
    }
}

impl Flow for Viewers {
    fn next(&mut self, catalogue: &mut Catalogue<'_>, out: &mut Requests) {
        let mut times = std::mem::take(&mut self.times);
        let before = out.len();
        loop {
            times.clear();
            self.arrivals.next(&mut times);
            if self.pages.is_some() {
                self.pages(&times, catalogue, out);
            } else if self.history.is_none() && !self.renews_until(times.last().copied()) {
                self.draw_many(&times, catalogue, out);
            } else {
                for &at in &times {
                    if self.renews_until(Some(at)) {
                        self.renew(at);
                    }
                    let object = self.draw(at, catalogue);
                    out.push(at, object);
                }
            }
            if times.is_empty() || out.len() > before {
                break;
            }
        }
        self.times = times;
    }
}

/// Pages whose images are still to be asked for.
pub(super) struct PageViews {
    pages: Pages,
    stream: Stream,
    waiting: BinaryHeap<Reverse<(SimTime, u64, ObjectId)>>,
    /// Of all images so far, so that those of one instant keep their order.
    count: u64,
}

impl PageViews {
    pub(super) fn new(pages: Pages, seed: Seed) -> Self {
        Self { pages, stream: seed.stream(), waiting: BinaryHeap::new(), count: 0 }
    }

    /// How many images the next page has.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "at least 1, and float to integer casts saturate"
    )]
    fn images(&mut self) -> u64 {
        if !self.pages.varies || self.pages.images <= 1.0 {
            return self.pages.images as u64;
        }
        // A geometric number from 1 on: how often a coin is thrown until it shows the end of the page.
        let on = 1.0 - 1.0 / self.pages.images;
        let drawn: f64 = 1.0 - self.stream.random::<f64>();
        1 + (drawn.ln() / on.ln()) as u64
    }

    fn later(&mut self) -> SimDuration {
        self.pages.within.scaled(self.stream.random::<f64>())
    }

    fn push(&mut self, at: SimTime, object: ObjectId) {
        self.count += 1;
        self.waiting.push(Reverse((at, self.count, object)));
    }

    /// Asks for what is due before `end`.
    fn until(&mut self, end: SimTime, out: &mut Requests) {
        while let Some(Reverse((at, _, object))) = self.waiting.peek().copied().filter(|due| due.0.0 < end) {
            self.waiting.pop();
            out.push(at, object);
        }
    }
}

/// The last requests.
pub(super) struct History {
    share: f64,
    ln_within: f64,
    stream: Stream,
    ring: Vec<ObjectId>,
    count: usize,
}

impl History {
    pub(super) fn new(repeats: Repeats, seed: Seed) -> Self {
        let length = repeats.within as usize;
        Self {
            share: repeats.share,
            ln_within: f64::from(repeats.within).ln(),
            stream: seed.stream(),
            ring: vec![ObjectId::new(0); length],
            count: 0,
        }
    }

    fn push(&mut self, object: ObjectId) {
        let place = self.count % self.ring.len();
        self.ring[place] = object;
        self.count += 1;
    }

    /// A recent object, if this request repeats one.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 1 and a u32")]
    fn again(&mut self) -> Option<ObjectId> {
        if self.stream.random::<f64>() >= self.share {
            return None;
        }
        let back = (self.stream.random::<f64>() * self.ln_within).exp() as usize;
        if back > self.count || back > self.ring.len() {
            return None;
        }
        let object = self.ring[(self.count - back) % self.ring.len()];
        self.push(object);
        Some(object)
    }
}
