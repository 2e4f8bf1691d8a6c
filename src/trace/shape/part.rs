//! The part of a trace that asks for some of its objects.

use std::sync::Arc;

use crate::trace::columns::Columns;
use crate::trace::{Event, ObjectId, Robots, Trace};

impl Trace {
    /// The requests and events of the objects that `keeps` says, at their own times; the objects keep their numbers, and
    /// the span is that of the whole.
    ///
    /// # Panics
    /// If the trace is spooled.
    #[must_use]
    pub fn part(&self, keeps: impl Fn(ObjectId) -> bool) -> Self {
        let (times, ids) = (self.times(), self.object_ids());
        // How many requests of the part come before each request of the whole.
        let mut before = Vec::with_capacity(ids.len() + 1);
        let (mut at, mut object, mut robots) = (Vec::new(), Vec::new(), Robots::default());
        for (place, (time, id)) in times.iter().zip(ids).enumerate() {
            before.push(object.len());
            if keeps(*id) {
                if self.is_robot(place) {
                    robots.mark(object.len());
                }
                at.push(*time);
                object.push(*id);
            }
        }
        before.push(object.len());
        let kept = |event: &&Event| keeps(event.object);
        let moved = |event: &Event| Event { before: before[event.before.min(ids.len())], ..*event };
        let events = self.events().iter().filter(kept).map(moved).collect();
        let origin_time = self.origin_times().map(|column| {
            let both = column.iter().zip(ids).filter(|(_, id)| keeps(**id));
            both.map(|(time, _)| *time).collect()
        });
        Self {
            columns: Columns::Memory { at, object },
            origin_time,
            events,
            ttls: self.ttls().cloned(),
            is_timeless: self.is_timeless(),
            began: self.began(),
            objects: Arc::clone(&self.objects),
            span: self.span(),
            robots: None,
        }
        .with_robots(robots)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::{ClassId, Fact, Happening, Keys, Objects};
    use crate::units::{SimDuration, SimTime};

    #[test]
    fn parts_hold_every_request_and_event_once_in_order() {
        let fact = Fact { size: 1, class: ClassId::default(), size_is_imputed: false };
        let objects = Objects::new(vec![fact; 5], Keys::Numbered, vec!["a".into()]);
        let ids: Vec<ObjectId> = (0..40).map(|n| ObjectId::new(n * 7 % 5)).collect();
        let second = |n: u64| SimTime::ZERO + SimDuration::from_secs(n);
        let at = (0..40).map(second).collect();
        let events = (0..10).map(|n| Event {
            at: second(4 * n),
            object: ObjectId::from_index(usize::try_from(n).unwrap() % 5),
            what: Happening::Changed,
            before: usize::try_from(4 * n).unwrap(),
        });
        let origin = (0..40).map(SimDuration::from_millis).collect();
        let whole = Trace::new(at, ids, objects, SimDuration::from_secs(100))
            .with_origin_times(origin)
            .with_events(events.collect())
            .with_robots(Robots::at([0, 1, 39]));
        let even = |id: ObjectId| id.as_u32().is_multiple_of(2);
        let (one, other) = (whole.part(even), whole.part(|id| !even(id)));
        assert_eq!((one.len() + other.len(), one.span()), (40, whole.span()));
        // Requests 0, 1 and 39 ask for objects 0, 2 and 3.
        let robots = |part: &Trace| part.robots().map(|robots| (robots.len(), robots.contains(0)));
        assert_eq!((robots(&one), robots(&other)), (Some((2, true)), Some((1, false))));
        assert!(one.object_ids().iter().all(|id| even(*id)));
        assert_eq!(one.events().len() + other.events().len(), 10);
        let mut both: Vec<_> = one.requests().chain(other.requests()).map(|r| (r.at, r.object)).collect();
        both.sort();
        assert_eq!(both, whole.requests().map(|r| (r.at, r.object)).collect::<Vec<_>>());
        for part in [&one, &other] {
            for event in part.events() {
                let earlier = part.times().iter().filter(|at| **at < event.at).count();
                assert_eq!(event.before, earlier, "as many requests come before as are earlier");
            }
            let column = part.origin_times().unwrap();
            assert!(
                column.iter().zip(part.times()).all(|(time, at)| time.as_nanos() * 1_000 == at.as_nanos())
            );
        }
    }
}
