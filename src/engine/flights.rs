//! Fetches in flight, by object: who may join which, and when a regeneration begins and ends.
//!
//! Per object there is one index, looked at on misses only. It leads to the object's regeneration
//! while one is under way, and that to its flights. Places are used again, so memory follows the
//! number of fetches in flight, not their total.

use crate::metrics::{OutcomeKind, Regeneration};
use crate::origin::Fetch;
use crate::trace::ObjectId;
use crate::trace::prefetch::prefetch;
use crate::units::{SimDuration, SimTime};

const NONE: u32 = u32::MAX;

/// A place in the table of flights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct FlightId(u32);

/// A fetch in flight.
#[derive(Debug, Clone, Copy)]
pub(super) struct Flying {
    /// Of what.
    pub(super) object: ObjectId,
    /// The process that asked for it.
    pub(super) node: u32,
    /// When it started and will end.
    pub(super) fetch: Fetch,
    /// Whether no request waits for it.
    pub(super) background: bool,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    flying: Flying,
    /// Requests that wait for it.
    waiters: u64,
    /// The flight of the same object that departed before it; of a free place, the next free one.
    earlier: u32,
    /// The one that departed after it.
    later: u32,
}

#[derive(Debug, Clone, Copy)]
struct UnderWay {
    object: ObjectId,
    start: SimTime,
    trigger: OutcomeKind,
    size: u64,
    in_flight: u64,
    waiting: u64,
    peak_waiters: u64,
    /// Origin time of all flights so far.
    origin_time: SimDuration,
    /// Origin time of the flight that landed first.
    first_landed: Option<SimDuration>,
    end: SimTime,
    /// The latest flight; of a free place, the next free one.
    latest: u32,
}

/// All fetches in flight.
#[derive(Debug)]
pub(super) struct Flights {
    of_object: Vec<u32>,
    under_way: Vec<UnderWay>,
    free_under_way: u32,
    places: Vec<Place>,
    free_place: u32,
}

impl Flights {
    /// No flight of any of `objects` objects.
    pub(super) fn new(objects: usize) -> Self {
        Self {
            of_object: vec![NONE; objects],
            under_way: Vec::new(),
            free_under_way: NONE,
            places: Vec::new(),
            free_place: NONE,
        }
    }

    /// Asks for the place of `object`, which may be needed soon.
    pub(super) fn prefetch(&self, object: ObjectId) {
        prefetch(&self.of_object, object.index());
    }

    /// Whether a fetch of `object` is in flight.
    pub(super) fn any(&self, object: ObjectId) -> bool {
        self.of_object[object.index()] != NONE
    }

    /// The fetch of a flight.
    pub(super) fn fetch(&self, id: FlightId) -> Fetch {
        self.places[id.0 as usize].flying.fetch
    }

    /// The latest flight of `object` that `node` asked for.
    pub(super) fn latest(&self, object: ObjectId, node: u32) -> Option<FlightId> {
        let regeneration = self.of_object[object.index()];
        if regeneration == NONE {
            return None;
        }
        let mut place = self.under_way[regeneration as usize].latest;
        while place != NONE {
            if self.places[place as usize].flying.node == node {
                return Some(FlightId(place));
            }
            place = self.places[place as usize].earlier;
        }
        None
    }

    /// A request waits for a flight from now on.
    pub(super) fn join(&mut self, id: FlightId) -> Fetch {
        let Place { flying, waiters, .. } = &mut self.places[id.0 as usize];
        *waiters += 1;
        let fetch = flying.fetch;
        let object = flying.object;
        self.wait(object);
        fetch
    }

    /// A fetch departs; if it is the object's only one, a regeneration begins.
    pub(super) fn depart(&mut self, flying: Flying, trigger: OutcomeKind) -> FlightId {
        let object = flying.object;
        let regeneration = self.regeneration_of(&flying, trigger);
        let under_way = &mut self.under_way[regeneration as usize];
        under_way.size += 1;
        under_way.in_flight += 1;
        under_way.origin_time = under_way.origin_time + flying.fetch.done.since(flying.fetch.started);
        let waiters = u64::from(!flying.background);
        let earlier = under_way.latest;
        let place = Place { flying, waiters, earlier, later: NONE };
        let id = match self.free_place {
            NONE => {
                self.places.push(place);
                u32::try_from(self.places.len() - 1).expect("less than 2^32 fetches are in flight")
            }
            free => {
                self.free_place = std::mem::replace(&mut self.places[free as usize], place).earlier;
                free
            }
        };
        if earlier != NONE {
            self.places[earlier as usize].later = id;
        }
        self.under_way[regeneration as usize].latest = id;
        if waiters > 0 {
            self.wait(object);
        }
        FlightId(id)
    }

    /// A fetch has landed; the regeneration that ends with it, if it was the object's last.
    pub(super) fn land(&mut self, id: FlightId, now: SimTime) -> (Flying, Option<Regeneration>) {
        let Place { flying, waiters, earlier, later } = self.places[id.0 as usize];
        let regeneration = self.of_object[flying.object.index()];
        self.unlink(regeneration, earlier, later);
        self.places[id.0 as usize].earlier = self.free_place;
        self.free_place = id.0;
        let under_way = &mut self.under_way[regeneration as usize];
        under_way.in_flight -= 1;
        under_way.waiting -= waiters;
        under_way.end = now;
        under_way.first_landed.get_or_insert(flying.fetch.done.since(flying.fetch.started));
        if under_way.in_flight > 0 {
            return (flying, None);
        }
        let over = under_way.over();
        under_way.latest = self.free_under_way;
        self.free_under_way = regeneration;
        self.of_object[flying.object.index()] = NONE;
        (flying, Some(over))
    }

    /// The run is over: tells of every regeneration still under way, as if it ended with its last fetch.
    pub(super) fn drain(&self, mut tell: impl FnMut(Regeneration)) {
        for regeneration in &self.of_object {
            if *regeneration == NONE {
                continue;
            }
            let mut under_way = self.under_way[*regeneration as usize];
            let mut place = under_way.latest;
            let mut first: Option<Fetch> = None;
            while place != NONE {
                let Place { flying, earlier, .. } = self.places[place as usize];
                under_way.end = under_way.end.max(flying.fetch.done);
                if first.is_none_or(|fetch| flying.fetch.done <= fetch.done) {
                    first = Some(flying.fetch);
                }
                place = earlier;
            }
            if let Some(fetch) = first {
                under_way.first_landed.get_or_insert(fetch.done.since(fetch.started));
            }
            tell(under_way.over());
        }
    }

    /// The object's regeneration under way, begun with `flying` if there is none.
    fn regeneration_of(&mut self, flying: &Flying, trigger: OutcomeKind) -> u32 {
        let known = self.of_object[flying.object.index()];
        if known != NONE {
            return known;
        }
        let fresh = UnderWay {
            object: flying.object,
            start: flying.fetch.asked,
            trigger,
            size: 0,
            in_flight: 0,
            waiting: 0,
            peak_waiters: 0,
            origin_time: SimDuration::ZERO,
            first_landed: None,
            end: flying.fetch.done,
            latest: NONE,
        };
        let place = match self.free_under_way {
            NONE => {
                self.under_way.push(fresh);
                u32::try_from(self.under_way.len() - 1).expect("less than 2^32 fetches are in flight")
            }
            free => {
                self.free_under_way = std::mem::replace(&mut self.under_way[free as usize], fresh).latest;
                free
            }
        };
        self.of_object[flying.object.index()] = place;
        place
    }

    fn wait(&mut self, object: ObjectId) {
        let under_way = &mut self.under_way[self.of_object[object.index()] as usize];
        under_way.waiting += 1;
        under_way.peak_waiters = under_way.peak_waiters.max(under_way.waiting);
    }

    /// Takes a flight out of its regeneration's chain.
    fn unlink(&mut self, regeneration: u32, earlier: u32, later: u32) {
        match later {
            NONE => self.under_way[regeneration as usize].latest = earlier,
            later => self.places[later as usize].earlier = earlier,
        }
        if earlier != NONE {
            self.places[earlier as usize].later = later;
        }
    }
}

impl UnderWay {
    fn over(&self) -> Regeneration {
        Regeneration {
            object: self.object,
            start: self.start,
            end: self.end,
            size: self.size,
            peak_waiters: self.peak_waiters,
            wasted: self.origin_time - self.first_landed.unwrap_or_default(),
            trigger: self.trigger,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Cause;
    use crate::origin::Version;

    fn flying(object: u32, node: u32, asked: u64, done: u64) -> Flying {
        let (asked, done) = (SimTime::from_nanos(asked), SimTime::from_nanos(done));
        let fetch = Fetch { asked, started: asked, done, version: Version(0) };
        Flying { object: ObjectId::new(object), node, fetch, background: false }
    }

    const COLD: OutcomeKind = OutcomeKind::Miss(Cause::Cold);

    #[test]
    fn a_regeneration_lasts_from_the_first_departure_to_the_last_landing() {
        let mut flights = Flights::new(2);
        let first = flights.depart(flying(0, 0, 0, 10), COLD);
        let second = flights.depart(flying(0, 1, 4, 20), COLD);
        flights.join(second);
        assert_eq!(flights.latest(ObjectId::new(0), 0), Some(first));
        assert_eq!(flights.latest(ObjectId::new(0), 2), None);
        assert_eq!(flights.land(first, SimTime::from_nanos(10)).1, None);
        assert_eq!(flights.latest(ObjectId::new(0), 0), None);
        let over = flights.land(second, SimTime::from_nanos(20)).1.unwrap();
        assert_eq!((over.size, over.peak_waiters), (2, 3));
        assert_eq!((over.start, over.end), (SimTime::ZERO, SimTime::from_nanos(20)));
        assert_eq!(over.wasted, SimDuration::from_nanos(16));
        assert!(!flights.any(ObjectId::new(0)));
    }

    #[test]
    fn places_are_used_again() {
        let mut flights = Flights::new(1);
        for start in 0..1_000 {
            let id = flights.depart(flying(0, 0, start, start + 1), COLD);
            flights.land(id, SimTime::from_nanos(start + 1));
        }
        assert_eq!((flights.places.len(), flights.under_way.len()), (1, 1));
    }
}
