//! What is pending: earliest first, and of the same instant what was scheduled first.
//!
//! Fetches that take the same time end in the order in which they began. What comes in order goes
//! to the end of a plain queue, and only what overtakes goes to a heap.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use crate::units::SimTime;

/// An event with its time and its place in the order of scheduling.
type Scheduled<E> = (SimTime, u64, E);

/// A queue of events by time.
#[derive(Debug)]
pub(super) struct EventQueue<E> {
    in_order: VecDeque<Scheduled<E>>,
    overtaking: BinaryHeap<Reverse<Scheduled<E>>>,
    scheduled: u64,
    /// When the next event is due; never if there is none.
    next: SimTime,
}

impl<E: Ord + Copy> EventQueue<E> {
    /// Nothing is pending.
    pub(super) fn new() -> Self {
        Self { in_order: VecDeque::new(), overtaking: BinaryHeap::new(), scheduled: 0, next: SimTime::NEVER }
    }

    /// Number of pending events.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.in_order.len() + self.overtaking.len()
    }

    /// Whether an event is due at `now` or before.
    pub(super) fn is_due(&self, now: SimTime) -> bool {
        self.next <= now
    }

    /// Schedules an event.
    #[inline]
    pub(super) fn push(&mut self, at: SimTime, event: E) {
        let scheduled = (at, self.scheduled, event);
        self.scheduled += 1;
        self.next = self.next.min(at);
        if self.in_order.back().is_none_or(|last| last.0 <= at) {
            self.in_order.push_back(scheduled);
        } else {
            self.overtaking.push(Reverse(scheduled));
        }
    }

    /// An event that will probably be the next, so that what it needs can be asked for ahead.
    #[inline]
    pub(super) fn probably_next(&self) -> Option<E> {
        self.in_order.front().map(|first| first.2)
    }

    /// Takes the next event, if it is due at `now` or before.
    #[inline]
    pub(super) fn pop_due(&mut self, now: SimTime) -> Option<(SimTime, E)> {
        if !self.is_due(now) {
            return None;
        }
        if self.overtaking.is_empty() {
            let (at, _, event) = self.in_order.pop_front()?;
            self.next = self.in_order.front().map_or(SimTime::NEVER, |first| first.0);
            return Some((at, event));
        }
        let overtakes = match (self.in_order.front(), self.overtaking.peek()) {
            (Some(first), Some(Reverse(other))) => (other.0, other.1) < (first.0, first.1),
            (first, _) => first.is_none(),
        };
        let (at, _, event) = if overtakes { self.overtaking.pop()?.0 } else { self.in_order.pop_front()? };
        let first = self.in_order.front().map_or(SimTime::NEVER, |first| first.0);
        self.next = self.overtaking.peek().map_or(first, |other| other.0.0.min(first));
        Some((at, event))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn events_leave_by_time_and_then_in_the_order_of_scheduling(steps in prop::collection::vec((0..9_u64, 0..9_u64), 0..80)) {
            let mut queue = EventQueue::new();
            let mut naive: Vec<(u64, usize)> = Vec::new();
            for (number, (at, now)) in steps.into_iter().enumerate() {
                queue.push(SimTime::from_nanos(at), number);
                naive.push((at, number));
                naive.sort_unstable();
                prop_assert_eq!(queue.len(), naive.len());
                while let Some((at, event)) = queue.pop_due(SimTime::from_nanos(now)) {
                    prop_assert_eq!((at.as_nanos(), event), naive.remove(0));
                }
                prop_assert!(naive.first().is_none_or(|first| first.0 > now));
            }
        }
    }
}
