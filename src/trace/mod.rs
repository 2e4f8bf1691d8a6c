//! Who asks: the requests of a run, recorded or synthetic, as columns over dense object ids.
//!
//! Keys are interned once, while a trace is read; after that nothing hashes. A [`Trace`] is scanned
//! in order and shared by all cells of a sweep; what is known of each object lies in [`Objects`].

mod error;
pub mod export;
pub mod fit;
pub mod format;
pub mod import;
mod objects;
pub mod prefetch;
pub mod profile;
mod recorded;
pub mod shape;
pub mod synth;

pub use error::TraceError;
pub use objects::{ClassId, Fact, Keys, ObjectId, Objects, write_number};
pub use recorded::{Event, Happening, Ttls};

use std::sync::Arc;

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
    at: Vec<SimTime>,
    object: Vec<ObjectId>,
    origin_time: Option<Vec<SimDuration>>,
    events: Vec<Event>,
    ttls: Option<Ttls>,
    is_timeless: bool,
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
        let last = at.last().copied().unwrap_or_default().since(SimTime::ZERO);
        Self {
            at,
            object,
            origin_time: None,
            events: Vec::new(),
            ttls: None,
            is_timeless: false,
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
        assert_eq!(origin_time.len(), self.at.len(), "columns of a trace have the same length");
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

    /// Says that the recording has an order but no times: the times of the requests are made up.
    #[must_use]
    pub fn without_times(mut self) -> Self {
        self.is_timeless = true;
        self
    }

    /// Number of requests.
    pub fn len(&self) -> usize {
        self.at.len()
    }

    /// Whether there is no request.
    pub fn is_empty(&self) -> bool {
        self.at.is_empty()
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

    /// The times of the requests, never decreasing.
    pub fn times(&self) -> &[SimTime] {
        &self.at
    }

    /// The objects of the requests.
    pub fn object_ids(&self) -> &[ObjectId] {
        &self.object
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

    /// Whether the recording has an order but no times, so that nothing can be said about TTLs.
    pub fn is_timeless(&self) -> bool {
        self.is_timeless
    }

    /// The requests in order.
    pub fn requests(&self) -> impl ExactSizeIterator<Item = Request> + '_ {
        self.at.iter().zip(&self.object).map(|(&at, &object)| Request { at, object })
    }
}
