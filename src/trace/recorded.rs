//! What a recording tells beside its requests: what the application wrote and deleted, and TTLs.

use super::ObjectId;
use crate::units::{SimDuration, SimTime};

/// What happened to an object without being a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Happening {
    /// It changed at the origin.
    Changed,
    /// The application deleted its key from the cache.
    Deleted,
    /// The application took its copy in the cache for stale from then on.
    MarkedStale,
}

/// Something that happened between two requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// When, since the trace began.
    pub at: SimTime,
    /// To what.
    pub object: ObjectId,
    /// What.
    pub what: Happening,
    /// How many requests of the trace come before it: at equal times the recording's order holds.
    pub before: usize,
}

/// The TTLs that a recording tells, by object and time. A TTL holds from its record until the next
/// one of the object, so memory is needed for changes of TTLs alone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ttls {
    /// Where the steps of each object end.
    ends: Vec<usize>,
    steps: Vec<(SimTime, SimDuration)>,
}

impl Ttls {
    /// From what was recorded, in any order: object, time, TTL ([`SimDuration::FOREVER`] for none at all).
    pub fn new(objects: usize, mut recorded: Vec<(ObjectId, SimTime, SimDuration)>) -> Self {
        recorded.sort_by_key(|(object, at, _)| (*object, *at));
        recorded.dedup_by(|next, before| next.0 == before.0 && next.2 == before.2);
        let mut ends = vec![0; objects];
        for (object, ..) in &recorded {
            ends[object.index()] += 1;
        }
        let mut sum = 0;
        for end in &mut ends {
            sum += *end;
            *end = sum;
        }
        Self { ends, steps: recorded.into_iter().map(|(_, at, ttl)| (at, ttl)).collect() }
    }

    fn of(&self, object: ObjectId) -> &[(SimTime, SimDuration)] {
        let start = object.index().checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.steps[start..self.ends[object.index()]]
    }

    /// The TTL that was last recorded for `object` at `now` or before; before the first record, that
    /// of the first. `None` for an object without any.
    pub fn at(&self, object: ObjectId, now: SimTime) -> Option<SimDuration> {
        let steps = self.of(object);
        let known = steps.partition_point(|(at, _)| *at <= now);
        steps.get(known.saturating_sub(1)).map(|(_, ttl)| *ttl)
    }

    /// The TTLs of some objects alone, in their order.
    pub(super) fn of_objects(&self, kept: &[ObjectId]) -> Self {
        let mut ends = Vec::with_capacity(kept.len());
        let mut steps = Vec::new();
        for object in kept {
            steps.extend_from_slice(self.of(*object));
            ends.push(steps.len());
        }
        Self { ends, steps }
    }

    /// Bytes in memory.
    pub(super) fn bytes(&self) -> usize {
        size_of_val(self.ends.as_slice()) + size_of_val(self.steps.as_slice())
    }

    /// How many objects have a TTL.
    pub fn objects(&self) -> usize {
        (0..self.ends.len()).filter(|index| !self.of(ObjectId::from_index(*index)).is_empty()).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn bytes_are_those_of_objects_and_changes_of_ttls() {
        let ttl =
            |object, at, secs| (ObjectId::new(object), SimTime::from_nanos(at), SimDuration::from_secs(secs));
        // The second says what the first said.
        let ttls = Ttls::new(5, vec![ttl(1, 0, 9), ttl(1, 5, 9), ttl(1, 7, 8), ttl(4, 3, 9)]);
        assert_eq!(ttls.bytes(), 5 * 8 + 3 * 16);
    }

    #[test]
    fn what_is_told_beside_requests_counts_by_its_columns() {
        use crate::trace::{ClassId, Fact, Keys, Objects, Robots, Trace};
        let fact = Fact { size: 1, class: ClassId::default(), size_is_imputed: false };
        let objects = Objects::new(vec![fact; 3], Keys::Numbered, vec!["all".to_owned()]);
        let at = |secs: u64| SimTime::ZERO + SimDuration::from_secs(secs);
        let trace =
            Trace::new((0..100).map(at).collect(), vec![ObjectId::new(1); 100], objects, SimDuration::ZERO);
        assert_eq!(trace.bytes_beside(), 0);
        let event = Event { at: at(1), object: ObjectId::new(1), what: Happening::Changed, before: 2 };
        let ttls = Ttls::new(3, vec![(ObjectId::new(1), at(3), SimDuration::from_secs(9))]);
        let trace = trace.with_origin_times(vec![SimDuration::ZERO; 100]).with_events(vec![event; 2]);
        let trace = trace.with_ttls(ttls).with_robots(Robots::at([70]));
        assert_eq!(trace.bytes_beside(), 100 * 8 + 2 * 24 + (3 * 8 + 16) + 2 * 8);
    }

    proptest! {
        #[test]
        fn the_ttl_in_force_is_the_last_one_recorded(
            recorded in prop::collection::vec((0_u32..4, 0_u64..20, 1_u64..4), 0..40), now in 0_u64..20,
        ) {
            // At equal times the later record counts, so give each its own.
            let recorded: Vec<_> = recorded.into_iter().enumerate()
                .map(|(nth, (object, at, ttl))| (object, at * 100 + nth as u64, ttl)).collect();
            let all = recorded.iter().map(|(object, at, ttl)| {
                (ObjectId::new(*object), SimTime::from_nanos(*at), SimDuration::from_secs(*ttl))
            });
            let ttls = Ttls::new(4, all.collect());
            let now = now * 100 + 50;
            for object in 0..4 {
                let mut of: Vec<_> = recorded.iter().filter(|r| r.0 == object).collect();
                of.sort_by_key(|r| r.1);
                let want = of.iter().rfind(|r| r.1 <= now).or(of.first()).map(|r| SimDuration::from_secs(r.2));
                prop_assert_eq!(ttls.at(ObjectId::new(object), SimTime::from_nanos(now)), want);
            }
        }
    }
}
