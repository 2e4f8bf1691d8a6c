//! Requests that wait for their answer: for a fetch in flight, for their next look, or to try again.
//!
//! A request that is answered at once is never here. Places are used again; a stamp tells whether an
//! event that was scheduled for a place still means the same attempt of the same request.

use super::attempt;
use super::flights::FlightId;

const NONE: u32 = u32::MAX;

/// A waiting request, or rather one attempt of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct WaiterId {
    place: u32,
    stamp: u32,
}

/// What a request waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Waits {
    /// Nothing yet: it is being dealt with.
    #[default]
    Dealt,
    /// A fetch, which it leads or has joined.
    For(FlightId),
    /// Its next look at the cache.
    Polling,
    /// Its next attempt.
    BackingOff,
}

/// What is scheduled for a request that waits.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Wait {
    /// Whether the end of its patience is scheduled.
    pub(super) watched: bool,
    /// What it waits for.
    pub(super) waits: Waits,
}

/// A request that waits.
pub(super) type Waiter = attempt::Waiter<Wait>;

#[derive(Debug)]
struct Place {
    waiter: Waiter,
    stamp: u32,
    /// Neighbours among those that wait for the same fetch; of a free place, the next free one.
    earlier: u32,
    later: u32,
}

/// All requests that wait.
#[derive(Debug)]
pub(super) struct Waiting {
    places: Vec<Place>,
    free: u32,
}

/// Those that wait for one fetch, the latest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Party(u32);

impl Party {
    /// Nobody.
    pub(super) const EMPTY: Self = Self(NONE);

    /// Whether nobody waits.
    pub(super) fn is_empty(self) -> bool {
        self.0 == NONE
    }
}

impl Waiting {
    /// Nobody waits.
    pub(super) fn new() -> Self {
        Self { places: Vec::new(), free: NONE }
    }

    /// A request begins to wait.
    pub(super) fn insert(&mut self, waiter: Waiter) -> WaiterId {
        if self.free == NONE {
            let place = u32::try_from(self.places.len()).expect("less than 2^32 requests wait");
            self.places.push(Place { waiter, stamp: 0, earlier: NONE, later: NONE });
            return WaiterId { place, stamp: 0 };
        }
        let place = self.free;
        let free = &mut self.places[place as usize];
        self.free = free.earlier;
        (free.waiter, free.earlier) = (waiter, NONE);
        WaiterId { place, stamp: free.stamp }
    }

    /// The request, if its attempt is still the same.
    pub(super) fn current(&self, id: WaiterId) -> Option<Waiter> {
        let place = &self.places[id.place as usize];
        (place.stamp == id.stamp).then_some(place.waiter)
    }

    /// The request.
    pub(super) fn get(&mut self, id: WaiterId) -> &mut Waiter {
        &mut self.places[id.place as usize].waiter
    }

    /// A new attempt begins: events of the one before mean nothing any more.
    pub(super) fn next_attempt(&mut self, id: WaiterId) -> WaiterId {
        let place = &mut self.places[id.place as usize];
        place.stamp = place.stamp.wrapping_add(1);
        WaiterId { stamp: place.stamp, ..id }
    }

    /// A request is answered.
    pub(super) fn remove(&mut self, id: WaiterId) -> Waiter {
        let free = self.free;
        let place = &mut self.places[id.place as usize];
        place.stamp = place.stamp.wrapping_add(1);
        place.earlier = free;
        self.free = id.place;
        place.waiter
    }

    /// A request joins those that wait for a fetch.
    pub(super) fn join(&mut self, party: &mut Party, id: WaiterId) {
        let earlier = std::mem::replace(&mut party.0, id.place);
        let place = &mut self.places[id.place as usize];
        (place.earlier, place.later) = (earlier, NONE);
        if earlier != NONE {
            self.places[earlier as usize].later = id.place;
        }
    }

    /// A request leaves them.
    pub(super) fn leave(&mut self, party: &mut Party, id: WaiterId) {
        let place = &mut self.places[id.place as usize];
        let (earlier, later) = (place.earlier, place.later);
        (place.earlier, place.later) = (NONE, NONE);
        match later {
            NONE => party.0 = earlier,
            later => self.places[later as usize].earlier = earlier,
        }
        if earlier != NONE {
            self.places[earlier as usize].later = later;
        }
    }

    /// Who waits, if that is one request alone.
    #[inline]
    pub(super) fn only(&self, party: Party) -> Option<WaiterId> {
        let place = self.places.get(party.0 as usize)?;
        (place.earlier == NONE).then_some(WaiterId { place: party.0, stamp: place.stamp })
    }

    /// Lets those go that waited for a fetch, in the order in which they came.
    pub(super) fn dissolve(&mut self, party: Party, into: &mut Vec<WaiterId>) {
        let from = into.len();
        let mut next = party.0;
        while next != NONE {
            let place = &mut self.places[next as usize];
            into.push(WaiterId { place: next, stamp: place.stamp });
            next = place.earlier;
            (place.earlier, place.later) = (NONE, NONE);
        }
        into[from..].reverse();
    }
}

#[cfg(test)]
mod tests {
    use super::super::attempt::Arrival;
    use super::*;
    use crate::cache::Cause;
    use crate::trace::ObjectId;
    use crate::units::SimTime;

    fn waiter(index: usize) -> Waiter {
        let arrival = Arrival { index, at: SimTime::ZERO, object: ObjectId::new(0) };
        Waiter::first(arrival, 0, Cause::Cold, None)
    }

    #[test]
    fn whoever_leaves_a_party_is_not_let_go_with_it() {
        let (mut waiting, mut party) = (Waiting::new(), Party::EMPTY);
        let ids: Vec<_> = (0..5).map(|index| waiting.insert(waiter(index))).collect();
        ids.iter().for_each(|id| waiting.join(&mut party, *id));
        [4, 0, 2].into_iter().for_each(|gone: usize| waiting.leave(&mut party, ids[gone]));
        let mut left = Vec::new();
        waiting.dissolve(party, &mut left);
        assert_eq!(left, [ids[1], ids[3]]);
    }

    #[test]
    fn an_event_of_an_earlier_attempt_or_request_finds_nobody() {
        let mut waiting = Waiting::new();
        let first = waiting.insert(waiter(0));
        let second = waiting.next_attempt(first);
        assert!(waiting.current(first).is_none());
        waiting.remove(second);
        assert!(waiting.current(second).is_none());
        let other = waiting.insert(waiter(1));
        assert_eq!(waiting.current(other).map(|found| found.arrival.index), Some(1));
        assert!(waiting.current(second).is_none());
    }
}
