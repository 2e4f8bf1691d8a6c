//! Fetches in flight, by object: who may join which, and when a regeneration begins and ends.
//!
//! A small table leads from an object to its regeneration while one is under way, and that to its
//! flights. Places are used again, so memory follows the
//! number of fetches in flight, not their total.

use std::collections::BTreeMap;

use super::table::Table;
use super::waiting::Party;
use crate::metrics::{OutcomeKind, Regeneration};
use crate::origin::{Fetch, Ticket};
use crate::trace::ObjectId;
use crate::units::{SimDuration, SimTime};

const NONE: u32 = u32::MAX;

/// A fetch in flight; its place may be another's later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FlightId {
    place: u32,
    stamp: u32,
}

impl FlightId {
    /// By which the origin knows it.
    pub(crate) fn ticket(self) -> Ticket {
        Ticket(u64::from(self.stamp) << 32 | u64::from(self.place))
    }

    /// Whom the origin means.
    pub(crate) fn of(ticket: Ticket) -> Self {
        let half = |bits: u64| u32::try_from(bits & u64::from(u32::MAX)).expect("half of 64 bits");
        Self { place: half(ticket.0), stamp: half(ticket.0 >> 32) }
    }
}

/// Why nobody waited for a fetch when it departed, or somebody did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A request waits for it.
    Request,
    /// A request was served a copy meanwhile.
    Refresh,
    /// A job of the refresh policy wanted it.
    Job,
}

/// A fetch in flight.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Flying {
    /// Of what.
    pub(crate) object: ObjectId,
    /// The process that asked for it.
    pub(crate) node: u32,
    /// When it was asked for.
    pub(crate) asked: SimTime,
    /// What for.
    pub(crate) purpose: Purpose,
    /// By which the guard knows who fetches.
    pub(crate) ticket: u64,
    /// Whether the guard is to be told of its end.
    pub(crate) holds: bool,
    /// Whether its process dies before it can store the value.
    pub(crate) dies: bool,
    /// When it was taken up and will end; none while it waits for a server.
    pub(crate) fetch: Option<Fetch>,
}

impl Flying {
    /// Whether no request waited for it when it departed.
    pub(crate) fn is_background(&self) -> bool {
        self.purpose != Purpose::Request
    }
}

#[derive(Debug, Clone, Copy)]
struct Place {
    flying: Flying,
    stamp: u32,
    /// Where its regeneration is kept.
    regeneration: u32,
    /// Requests that wait for it.
    party: Party,
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
    /// Requests that wait for one of its flights.
    waiting: u64,
    peak_waiters: u64,
    /// Origin time of all flights so far.
    origin_time: SimDuration,
    /// Origin time of the flight that landed first.
    first_landed: Option<SimDuration>,
    /// The latest flight; of a free place, the next free one.
    latest: u32,
}

/// All fetches in flight.
#[derive(Debug)]
pub(crate) struct Flights {
    of_object: Table,
    under_way: Vec<UnderWay>,
    free_under_way: u32,
    places: Vec<Place>,
    free_place: u32,
    in_flight: u64,
    /// Requests that look again and again instead of waiting for a flight.
    polling: BTreeMap<ObjectId, u64>,
}

impl Flights {
    /// Nothing is in flight.
    pub(crate) fn new() -> Self {
        Self {
            of_object: Table::new(),
            under_way: Vec::new(),
            free_under_way: NONE,
            places: Vec::new(),
            free_place: NONE,
            in_flight: 0,
            polling: BTreeMap::new(),
        }
    }

    /// Whether another fetch of the flight's object is in flight as well.
    pub(crate) fn overlaps(&self, id: FlightId) -> bool {
        self.under_way[self.places[id.place as usize].regeneration as usize].in_flight > 1
    }

    /// Fetches of all objects in flight.
    pub(crate) fn count(&self) -> u64 {
        self.in_flight
    }

    /// Whether any fetch of an object is in flight.
    pub(crate) fn any_of(&self, object: ObjectId) -> bool {
        self.of_object.get(object).is_some()
    }

    /// What was fetched last at its place.
    #[inline]
    pub(crate) fn object(&self, id: FlightId) -> ObjectId {
        self.places[id.place as usize].flying.object
    }

    /// The flight, unless it is over.
    #[inline]
    pub(crate) fn current(&self, id: FlightId) -> Option<&Flying> {
        let place = &self.places[id.place as usize];
        (place.stamp == id.stamp).then_some(&place.flying)
    }

    /// A server has taken it up.
    pub(crate) fn start(&mut self, id: FlightId, fetch: Fetch) {
        self.places[id.place as usize].flying.fetch = Some(fetch);
    }

    /// Those that wait for it.
    pub(crate) fn party(&mut self, id: FlightId) -> &mut Party {
        &mut self.places[id.place as usize].party
    }

    /// The latest flight of `object` that `node` asked for.
    pub(crate) fn latest(&self, object: ObjectId, node: u32) -> Option<FlightId> {
        let regeneration = self.of_object.get(object)?;
        let mut place = self.under_way[regeneration as usize].latest;
        while place != NONE {
            let Place { flying, stamp, earlier, .. } = &self.places[place as usize];
            if flying.node == node {
                return Some(FlightId { place, stamp: *stamp });
            }
            place = *earlier;
        }
        None
    }

    /// A request waits for a flight from now on.
    #[inline]
    pub(crate) fn enter(&mut self, id: FlightId) {
        let regeneration = self.places[id.place as usize].regeneration;
        self.under_way[regeneration as usize].waiting += 1;
        self.note_waiters(regeneration);
    }

    /// A request no longer waits for a flight.
    pub(crate) fn leave(&mut self, id: FlightId) {
        let regeneration = self.places[id.place as usize].regeneration;
        self.under_way[regeneration as usize].waiting -= 1;
    }

    /// A request will look again for `object`.
    pub(crate) fn poll(&mut self, object: ObjectId) {
        *self.polling.entry(object).or_insert(0) += 1;
        if let Some(regeneration) = self.of_object.get(object) {
            self.note_waiters(regeneration);
        }
    }

    /// It does so now, or never.
    pub(crate) fn end_poll(&mut self, object: ObjectId) {
        if let Some(polling) = self.polling.get_mut(&object) {
            *polling -= 1;
            if *polling == 0 {
                self.polling.remove(&object);
            }
        }
    }

    /// A fetch departs; if it is the object's only one, a regeneration begins.
    #[inline]
    pub(crate) fn depart(&mut self, flying: Flying, trigger: OutcomeKind) -> FlightId {
        self.in_flight += 1;
        let regeneration = self.regeneration_of(&flying, trigger);
        let under_way = &mut self.under_way[regeneration as usize];
        under_way.size += 1;
        under_way.in_flight += 1;
        let earlier = under_way.latest;
        let place = Place { flying, stamp: 0, regeneration, party: Party::EMPTY, earlier, later: NONE };
        let id = match self.free_place {
            NONE => {
                self.places.push(place);
                let place = self.places.len() - 1;
                FlightId {
                    place: u32::try_from(place).expect("less than 2^32 fetches are in flight"),
                    stamp: 0,
                }
            }
            free => {
                let stamp = self.places[free as usize].stamp;
                self.free_place = self.places[free as usize].earlier;
                self.places[free as usize] = Place { stamp, ..place };
                FlightId { place: free, stamp }
            }
        };
        if earlier != NONE {
            self.places[earlier as usize].later = id.place;
        }
        self.under_way[regeneration as usize].latest = id.place;
        id
    }

    /// A fetch is over; who waited for it, and the regeneration that ends with it, if it was the object's last.
    #[inline]
    pub(crate) fn land(&mut self, id: FlightId, now: SimTime) -> (Flying, Party, Option<Regeneration>) {
        self.in_flight -= 1;
        let Place { flying, regeneration, party, earlier, later, .. } = self.places[id.place as usize];
        self.unlink(regeneration, earlier, later);
        let place = &mut self.places[id.place as usize];
        place.stamp = place.stamp.wrapping_add(1);
        place.earlier = self.free_place;
        self.free_place = id.place;
        let under_way = &mut self.under_way[regeneration as usize];
        under_way.in_flight -= 1;
        // A fetch that never reached a server took none of its time.
        let took = flying.fetch.map_or(SimDuration::ZERO, |fetch| fetch.done.min(now).since(fetch.started));
        under_way.origin_time = under_way.origin_time + took;
        under_way.first_landed.get_or_insert(took);
        if under_way.in_flight > 0 {
            return (flying, party, None);
        }
        let over = under_way.over(now);
        under_way.latest = self.free_under_way;
        self.free_under_way = regeneration;
        self.of_object.remove(flying.object);
        (flying, party, Some(over))
    }

    /// The object's regeneration under way, begun with `flying` if there is none.
    fn regeneration_of(&mut self, flying: &Flying, trigger: OutcomeKind) -> u32 {
        if let Some(known) = self.of_object.get(flying.object) {
            return known;
        }
        let fresh = UnderWay {
            object: flying.object,
            start: flying.asked,
            trigger,
            size: 0,
            in_flight: 0,
            waiting: 0,
            peak_waiters: 0,
            origin_time: SimDuration::ZERO,
            first_landed: None,
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
        self.of_object.insert(flying.object, place);
        place
    }

    /// Compares the number of those that wait with the most so far.
    fn note_waiters(&mut self, regeneration: u32) {
        let under_way = &mut self.under_way[regeneration as usize];
        let polling = if self.polling.is_empty() {
            0
        } else {
            self.polling.get(&under_way.object).copied().unwrap_or(0)
        };
        under_way.peak_waiters = under_way.peak_waiters.max(under_way.waiting + polling);
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
    fn over(&self, end: SimTime) -> Regeneration {
        Regeneration {
            object: self.object,
            start: self.start,
            end,
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
    use crate::origin::{Answer, Version};

    fn flying(object: u32, node: u32, asked: u64, done: u64) -> Flying {
        let (asked, done) = (SimTime::from_nanos(asked), SimTime::from_nanos(done));
        let fetch = Some(Fetch { asked, started: asked, done, version: Version(0), answer: Answer::Value });
        let (object, purpose) = (ObjectId::new(object), Purpose::Request);
        Flying { object, node, asked, purpose, ticket: 0, holds: false, dies: false, fetch }
    }

    const COLD: OutcomeKind = OutcomeKind::Miss(Cause::Cold);

    #[test]
    fn a_regeneration_lasts_from_the_first_departure_to_the_last_landing() {
        let mut flights = Flights::new();
        let object = ObjectId::new(0);
        let first = flights.depart(flying(0, 0, 0, 10), COLD);
        flights.enter(first);
        let second = flights.depart(flying(0, 1, 4, 20), COLD);
        flights.enter(second);
        flights.enter(second);
        assert_eq!(flights.latest(object, 0), Some(first));
        assert_eq!(flights.latest(object, 2), None);
        assert_eq!(flights.land(first, SimTime::from_nanos(10)).2, None);
        assert_eq!(flights.latest(object, 0), None);
        assert!(flights.current(first).is_none());
        let over = flights.land(second, SimTime::from_nanos(20)).2.unwrap();
        assert_eq!((over.size, over.peak_waiters), (2, 3));
        assert_eq!((over.start, over.end), (SimTime::ZERO, SimTime::from_nanos(20)));
        assert_eq!(over.wasted, SimDuration::from_nanos(16));
        assert_eq!(flights.count(), 0);
    }

    #[test]
    fn places_are_used_again() {
        let mut flights = Flights::new();
        for start in 0..1_000 {
            let id = flights.depart(flying(0, 0, start, start + 1), COLD);
            assert_eq!(FlightId::of(id.ticket()), id);
            flights.land(id, SimTime::from_nanos(start + 1));
        }
        assert_eq!((flights.places.len(), flights.under_way.len()), (1, 1));
    }
}
