//! The short way of fetches with which nothing can go wrong.
//!
//! Where one process with all the patience there is asks an origin that takes everything up at once and
//! never fails, a request that finds nothing usable leads a fetch, or joins the one in flight, and all of
//! them get its value. No guard need be asked, nobody gives up or tries again, and a regeneration is one
//! flight. So a flight is one record, which holds its leader too, and those who join are a list. What
//! is done is what `requests` and `fetches` would do, in the same order; the comparison with the naive
//! model covers both ways.

use super::table::Table;
use super::{Arrival, Event, Run};
use crate::cache::Cause;
use crate::client::{Client, DuplicateFill};
use crate::metrics::{Observer, OutcomeKind};
use crate::origin::{Fetch, Origin};
use crate::strategy::Strategy;
use crate::trace::ObjectId;
use crate::units::SimTime;

const NONE: u32 = u32::MAX;

/// Whether every fetch of a run takes the short way.
pub(super) fn suits(client: &Client, origin: &Origin, strategy: &Strategy) -> bool {
    // Nobody gives up, and a value that comes is stored.
    let is_patient = client.timeout.is_none()
        && client.breaker.is_none()
        && client.duplicate_fill == DuplicateFill::Overwrite;
    strategy.guard.only_joins() && is_patient && asks_plainly(client, origin, strategy)
}

/// Whether nobody but requests of one process that find nothing wants a fetch, and every fetch brings its value.
pub(super) fn asks_plainly(client: &Client, origin: &Origin, strategy: &Strategy) -> bool {
    let is_alone = client.nodes == 1 && client.crash <= 0.0;
    is_alone
        && !strategy.refresh.fetches_early()
        && strategy.fail_safe.is_none()
        && strategy.validates_at.is_none()
        && strategy.warms.is_none()
        && !strategy.ttl.wants_load()
        && origin.always_answers_at_once()
}

/// A fetch in flight; of a free place, `first` is the next free one.
#[derive(Debug, Clone, Copy)]
struct Flight {
    leader: Arrival,
    cause: Cause,
    fetch: Fetch,
    /// The request that joined first, the one that joined last, and how many did.
    first: u32,
    last: u32,
    joined: u32,
}

/// A request that has joined a flight; of a free place, `next` is the next free one.
#[derive(Debug, Clone, Copy)]
struct Joined {
    index: usize,
    at: SimTime,
    next: u32,
}

/// Fetches in flight and the requests that wait for them.
#[derive(Debug)]
pub(super) struct PlainFlights {
    of_object: Table,
    flights: Vec<Flight>,
    free_flight: u32,
    joined: Vec<Joined>,
    free_joined: u32,
    in_flight: u64,
}

impl PlainFlights {
    /// Nothing is in flight.
    pub(super) fn new() -> Self {
        Self {
            of_object: Table::new(),
            flights: Vec::new(),
            free_flight: NONE,
            joined: Vec::new(),
            free_joined: NONE,
            in_flight: 0,
        }
    }

    fn depart(&mut self, flight: Flight) -> u32 {
        self.in_flight += 1;
        let place = self.free_flight;
        let place = if place == NONE {
            self.flights.push(flight);
            u32::try_from(self.flights.len() - 1).expect("less than 2^32 fetches are in flight")
        } else {
            self.free_flight = std::mem::replace(&mut self.flights[place as usize], flight).first;
            place
        };
        self.of_object.insert(flight.leader.object, place);
        place
    }

    fn join(&mut self, place: u32, arrival: Arrival) {
        let joined = Joined { index: arrival.index, at: arrival.at, next: NONE };
        let mine = self.free_joined;
        let mine = if mine == NONE {
            self.joined.push(joined);
            u32::try_from(self.joined.len() - 1).expect("less than 2^32 requests wait")
        } else {
            self.free_joined = std::mem::replace(&mut self.joined[mine as usize], joined).next;
            mine
        };
        let flight = &mut self.flights[place as usize];
        match flight.last {
            NONE => flight.first = mine,
            last => self.joined[last as usize].next = mine,
        }
        flight.last = mine;
        flight.joined += 1;
    }

    fn land(&mut self, place: u32) -> Flight {
        self.in_flight -= 1;
        let flight = &mut self.flights[place as usize];
        let landed = *flight;
        flight.first = self.free_flight;
        self.free_flight = place;
        self.of_object.remove(landed.leader.object);
        landed
    }

    /// The request at a place, which is free from now on, and the one that joined after it.
    fn let_go(&mut self, place: u32) -> Joined {
        let joined = &mut self.joined[place as usize];
        let gone = *joined;
        joined.next = self.free_joined;
        self.free_joined = place;
        gone
    }

    fn object(&self, place: u32) -> ObjectId {
        self.flights[place as usize].leader.object
    }
}

impl<O: Observer> Run<'_, O> {
    /// A request found nothing usable: it joins the flight of its object, or leads one.
    pub(super) fn begin_plainly(&mut self, arrival: Arrival, cause: Cause) {
        if let Some(flight) = self.plain.of_object.get(arrival.object) {
            return self.plain.join(flight, arrival);
        }
        let in_flight = self.plain.in_flight + 1;
        let fetch = self.teller().ask(arrival, in_flight);
        let flight = Flight { leader: arrival, cause, fetch, first: NONE, last: NONE, joined: 0 };
        let place = self.plain.depart(flight);
        self.queue.push(fetch.done, Event::Brought(place));
    }

    /// The origin has answered: the value is stored, and all who wait for it get it.
    pub(super) fn brought_plainly(&mut self, now: SimTime, place: u32) {
        if let Some(Event::Brought(next)) = self.queue.probably_next() {
            self.prefetch(self.plain.object(next));
        }
        let Flight { leader, cause, fetch, first, joined, .. } = self.plain.land(place);
        let Arrival { object, at: start, .. } = leader;
        let trigger = OutcomeKind::Miss(cause);
        self.teller().over(leader, trigger, fetch, joined.into());
        let stored = self.store(object, start, &fetch, now);
        self.answer_waiting(leader, now, trigger, Some(fetch.version), stored);
        let mut next = first;
        while next != NONE {
            let joined = self.plain.let_go(next);
            let arrival = Arrival { index: joined.index, at: joined.at, object };
            self.answer_waiting(arrival, now, OutcomeKind::DelayedHit, Some(fetch.version), false);
            next = joined.next;
        }
    }
}
