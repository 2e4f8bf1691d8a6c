//! Who asks: the requests of a run, recorded or synthetic, as columns over dense object ids.
//!
//! Keys are interned once, while a trace is read; after that nothing hashes. A [`Trace`] is scanned
//! in order and shared by all cells of a sweep; what is known of each object lies in [`Objects`].

mod beginning;
mod columns;
mod error;
pub mod export;
pub mod fit;
pub mod format;
pub mod import;
mod objects;
pub mod prefetch;
pub mod profile;
mod recorded;
mod resized;
mod robots;
pub mod shape;
mod spool;
pub mod synth;

pub use columns::{Block, Blocks};
pub use error::TraceError;
pub use objects::{ClassId, Fact, Keys, Kin, ObjectId, Objects, write_number};
pub use recorded::{Event, Happening, Ttls};
pub use resized::Resizing;
pub use robots::Robots;

use std::sync::Arc;

use columns::Columns;
use spool::Spool;

use crate::units::{SimDuration, SimTime};

/// One request: an object is asked for at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    /// When, since the trace began.
    pub at: SimTime,
    /// For what.
    pub object: ObjectId,
}

/// A trace: requests in the order of their time, and the objects they ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    columns: Columns,
    origin_time: Option<Vec<SimDuration>>,
    events: Vec<Event>,
    ttls: Option<Ttls>,
    robots: Option<Arc<Robots>>,
    is_timeless: bool,
    /// When it begins, in nanoseconds since 1970 UTC, where a clock was recorded.
    began: Option<i64>,
    objects: Arc<Objects>,
    span: SimDuration,
}

impl Trace {
    /// A trace of `at[i], object[i]` that lasts at least `span` (a synthetic one may end with a silence).
    ///
    /// # Panics
    /// If the columns differ in length, time runs backwards or an object does not exist: readers and
    /// generators refuse such input with an error of their own, before it gets here.
    pub fn new(at: Vec<SimTime>, object: Vec<ObjectId>, objects: Objects, span: SimDuration) -> Self {
        assert_eq!(at.len(), object.len(), "columns of a trace have the same length");
        assert!(at.is_sorted(), "time does not run backwards");
        assert!(object.iter().all(|o| o.index() < objects.len()), "every object exists");
        Self::of(Columns::Memory { at, object }, objects, span)
    }

    /// A trace whose requests lie in a file; their objects exist.
    fn spooled(spool: Spool, objects: Objects) -> Self {
        Self::of(Columns::Spooled(Arc::new(spool)), objects, SimDuration::ZERO)
    }

    fn of(columns: Columns, objects: Objects, span: SimDuration) -> Self {
        let last = columns.last().since(SimTime::ZERO);
        Self {
            columns,
            origin_time: None,
            events: Vec::new(),
            ttls: None,
            robots: None,
            is_timeless: false,
            began: None,
            objects: Arc::new(objects),
            span: span.max(last),
        }
    }

    /// Adds the column of measured origin times: how long the origin took for the fetch that
    /// followed each request, where the log tells.
    ///
    /// # Panics
    /// If the column's length differs from the others'.
    #[must_use]
    pub fn with_origin_times(mut self, origin_time: Vec<SimDuration>) -> Self {
        assert_eq!(origin_time.len(), self.len(), "columns of a trace have the same length");
        self.origin_time = Some(origin_time);
        self
    }

    /// Adds what happened between the requests.
    ///
    /// # Panics
    /// If the events are out of order or of objects that do not exist.
    #[must_use]
    pub fn with_events(mut self, events: Vec<Event>) -> Self {
        assert!(events.is_sorted_by_key(|event| (event.before, event.at)), "events are in order");
        assert!(events.iter().all(|e| e.object.index() < self.objects.len()), "every object exists");
        self.events = events;
        self
    }

    /// Adds the TTLs that the recording tells.
    #[must_use]
    pub fn with_ttls(mut self, ttls: Ttls) -> Self {
        self.ttls = Some(ttls);
        self
    }

    /// Says which requests come from robots; where none does, nothing is said.
    #[must_use]
    pub fn with_robots(mut self, robots: Robots) -> Self {
        self.robots = Some(robots).filter(|robots| !robots.is_empty()).map(Arc::new);
        self
    }

    /// Says that the recording has an order but no times: the times of the requests are made up.
    #[must_use]
    pub fn without_times(mut self) -> Self {
        self.is_timeless = true;
        self
    }

    /// Says when the trace begins by a recorded clock, in nanoseconds since 1970 UTC; `None` where there was none.
    #[must_use]
    pub fn beginning_at(mut self, unix_ns: Option<i64>) -> Self {
        self.began = unix_ns;
        self
    }

    /// The same trace, with a prefix before every key, as where several applications share a server.
    #[must_use]
    pub fn with_key_prefix(&self, prefix: &str) -> Self {
        Self { objects: Arc::new(self.objects.with_key_prefix(prefix)), ..self.clone() }
    }

    /// All requests of some objects (given in the order of their ids) and what else is told of them, at the
    /// same times; in memory.
    ///
    /// # Panics
    /// If the file of a spooled trace can no longer be read.
    #[must_use]
    pub fn only(&self, kept: &[ObjectId]) -> Self {
        const OUT: u32 = u32::MAX;
        let mut ids = vec![OUT; self.objects.len()];
        kept.iter().zip(0..).for_each(|(object, id)| ids[object.index()] = id);
        let of = |object: ObjectId| Some(ids[object.index()]).filter(|id| *id != OUT).map(ObjectId::new);
        // As much room as is needed: a vector that grows has up to twice that.
        let count = match &self.columns {
            Columns::Memory { object, .. } => object.iter().filter(|object| of(**object).is_some()).count(),
            Columns::Spooled(_) => 0,
        };
        let (mut times, mut objects) = (Vec::with_capacity(count), Vec::with_capacity(count));
        let (mut origin, mut robots) = (Vec::new(), Robots::default());
        let mut events = Vec::new();
        let mut coming = self.events.iter().peekable();
        let mut place = 0;
        let mut come = |place: usize, before: usize| {
            while let Some(event) = coming.next_if(|event| event.before <= place) {
                events.extend(of(event.object).map(|object| Event { object, before, ..*event }));
            }
        };
        self.each(|at, object| {
            come(place, times.len());
            if let Some(object) = of(object) {
                if self.is_robot(place) {
                    robots.mark(times.len());
                }
                times.push(at);
                objects.push(object);
                origin.extend(self.origin_time.as_ref().map(|times| times[place]));
            }
            place += 1;
        });
        come(usize::MAX, times.len());
        Self {
            origin_time: self.origin_time.as_ref().map(|_| origin),
            events,
            ttls: self.ttls.as_ref().map(|ttls| ttls.of_objects(kept)),
            is_timeless: self.is_timeless,
            began: self.began,
            columns: Columns::Memory { at: times, object: objects },
            objects: Arc::new(self.objects.only(kept)),
            span: self.span,
            robots: None,
        }
        .with_robots(robots)
    }

    /// Number of requests.
    pub fn len(&self) -> usize {
        self.columns.len()
    }

    /// Whether there is no request.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How long the trace lasts, from zero.
    pub fn span(&self) -> SimDuration {
        self.span
    }

    /// The objects that are asked for.
    pub fn objects(&self) -> &Objects {
        &self.objects
    }

    /// The same, to be kept by whoever outlives a borrow.
    pub fn shared_objects(&self) -> Arc<Objects> {
        Arc::clone(&self.objects)
    }

    /// The requests in order, block by block.
    pub fn blocks(&self) -> Blocks<'_> {
        Blocks::of(&self.columns)
    }

    /// Shows every request to `see`, in order.
    ///
    /// # Panics
    /// If the file of a spooled trace can no longer be read.
    pub fn each(&self, mut see: impl FnMut(SimTime, ObjectId)) {
        let mut blocks = self.blocks();
        while let Some(block) = blocks.next_block().expect("the file of a spooled trace can be read") {
            block.times.iter().zip(block.objects).for_each(|(at, object)| see(*at, *object));
        }
    }

    /// Whether the requests lie in a file, so that nobody can look at them in any order.
    pub fn is_spooled(&self) -> bool {
        matches!(self.columns, Columns::Spooled(_))
    }

    /// The times of the requests, never decreasing.
    ///
    /// # Panics
    /// If the trace is spooled: then there are [`blocks`](Self::blocks).
    pub fn times(&self) -> &[SimTime] {
        self.in_memory().0
    }

    /// The objects of the requests.
    ///
    /// # Panics
    /// If the trace is spooled: then there are [`blocks`](Self::blocks).
    pub fn object_ids(&self) -> &[ObjectId] {
        self.in_memory().1
    }

    fn in_memory(&self) -> (&[SimTime], &[ObjectId]) {
        match &self.columns {
            Columns::Memory { at, object } => (at, object),
            Columns::Spooled(_) => panic!("a spooled trace is taken block by block"),
        }
    }

    /// The measured origin time of each request, where the trace records it.
    pub fn origin_times(&self) -> Option<&[SimDuration]> {
        self.origin_time.as_deref()
    }

    /// What happened between the requests, in order.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// The TTLs that the recording tells, where it tells any.
    pub fn ttls(&self) -> Option<&Ttls> {
        self.ttls.as_ref()
    }

    /// Which requests come from robots, where any is known to.
    pub fn robots(&self) -> Option<&Arc<Robots>> {
        self.robots.as_ref()
    }

    /// Whether the request at a place is known to come from a robot.
    #[inline]
    fn is_robot(&self, place: usize) -> bool {
        self.robots.as_ref().is_some_and(|robots| robots.contains(place))
    }

    /// Bytes in memory of what is told beside the requests and their objects: origin times, TTLs, what happened between
    /// requests, and robots.
    pub fn bytes_beside(&self) -> u64 {
        let times = self.origin_time.as_ref().map_or(0, |times| size_of_val(times.as_slice()));
        let ttls = self.ttls.as_ref().map_or(0, Ttls::bytes);
        let robots = self.robots.as_ref().map_or(0, |robots| robots.bytes());
        (times + ttls + robots + size_of_val(self.events.as_slice())) as u64
    }

    /// Whether the recording has an order but no times, so that nothing can be said about TTLs.
    pub fn is_timeless(&self) -> bool {
        self.is_timeless
    }

    /// When the trace begins, in nanoseconds since 1970 UTC; `None` where no clock was recorded.
    pub fn began(&self) -> Option<i64> {
        self.began
    }

    /// The requests in order.
    ///
    /// # Panics
    /// If the trace is spooled: then there are [`blocks`](Self::blocks).
    pub fn requests(&self) -> impl ExactSizeIterator<Item = Request> + '_ {
        self.times().iter().zip(self.object_ids()).map(|(&at, &object)| Request { at, object })
    }
}
