//! The beginning of a trace, for whoever cannot afford the whole of it.

use std::sync::Arc;

use super::columns::Columns;
use super::{ObjectId, Robots, Trace};
use crate::units::{SimDuration, SimTime};

impl Trace {
    /// The trace as it was until `span` after it began: every request and every happening up to then, of the same objects.
    ///
    /// # Panics
    /// If the file of a spooled trace can no longer be read.
    #[must_use]
    pub fn beginning(&self, span: SimDuration) -> Self {
        let end = SimTime::ZERO + span;
        let (mut at, mut object): (Vec<SimTime>, Vec<ObjectId>) = (Vec::new(), Vec::new());
        let mut blocks = self.blocks();
        while let Some(block) = blocks.next_block().expect("the file of a spooled trace can be read") {
            let within = block.times.partition_point(|at| *at <= end);
            at.extend_from_slice(&block.times[..within]);
            object.extend_from_slice(&block.objects[..within]);
            if within < block.times.len() {
                break;
            }
        }
        let kept = at.len();
        let robots = Robots::at((0..kept).filter(|place| self.is_robot(*place)));
        let events = self.events.iter().filter(|event| event.at <= end && event.before <= kept).copied();
        Self {
            columns: Columns::Memory { at, object },
            origin_time: self.origin_time.as_ref().map(|times| times[..kept].to_vec()),
            events: events.collect(),
            ttls: self.ttls.clone(),
            is_timeless: self.is_timeless,
            began: self.began,
            objects: Arc::clone(&self.objects),
            span: self.span.min(span),
            robots: None,
        }
        .with_robots(robots)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Event, Fact, Happening, Keys, Objects};
    use super::*;

    #[test]
    fn the_beginning_has_what_came_until_its_end() {
        let fact = Fact { size: 10, class: crate::trace::ClassId::new(0), size_is_imputed: false };
        let seconds = |at: u64| SimTime::ZERO + SimDuration::from_secs(at);
        let event = |at, before| Event {
            at: seconds(at),
            object: ObjectId::new(0),
            what: Happening::Deleted,
            before,
        };
        let whole = Trace::new(
            [0, 1, 2, 2, 5].map(seconds).to_vec(),
            [0, 1, 0, 1, 0].map(ObjectId::new).to_vec(),
            Objects::new(vec![fact; 2], Keys::Numbered, vec!["any".into()]),
            SimDuration::from_secs(10),
        )
        .with_events(vec![event(2, 3), event(4, 4)])
        .with_robots(Robots::at([1, 4]));
        let part = whole.beginning(SimDuration::from_secs(2));
        assert_eq!((part.len(), part.span(), part.events().len()), (4, SimDuration::from_secs(2), 1));
        assert_eq!(part.requests().collect::<Vec<_>>(), whole.requests().take(4).collect::<Vec<_>>());
        assert_eq!(part.robots().map(|robots| &**robots), Some(&Robots::at([1])));
        assert_eq!(whole.beginning(SimDuration::from_secs(99)), whole);
    }
}
