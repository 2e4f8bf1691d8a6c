//! Objects change when the recording says that they were written.
//!
//! For recordings with writes of the application: `[trace] set = "change"` takes each write as a change
//! of the object at the origin, `set = "invalidate"` also deletes the key from the cache. A trace
//! without writes has objects that never change.
//!
//! ```toml
//! changes = { model = "trace" }
//! ```

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{ChangeModel, Setup};
use crate::catalog::{Invalid, Param, Plugin};
use crate::trace::{Happening, ObjectId};
use crate::units::{SimDuration, SimTime};

/// It takes no parameters.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {}

/// Changes as recorded.
#[derive(Debug)]
pub struct Recorded {
    /// The instants at which each object changed, in order, one object after the other.
    changes: Arc<[SimTime]>,
    /// Where those of each object end.
    ends: Arc<[usize]>,
}

impl Plugin for Recorded {
    const NAME: &'static str = "trace";
    const SUMMARY: &'static str = "Objects change when the recording says that they were written.";
    const PARAMS: &'static [Param] = &[];
    type Params = Params;
    type Setup = Setup;

    fn new(_: &Params, setup: &Setup) -> Result<Self, Invalid> {
        let events = setup.trace.events().iter();
        let mut all: Vec<(ObjectId, SimTime)> =
            events.filter(|e| e.what == Happening::Changed).map(|e| (e.object, e.at)).collect();
        all.sort_unstable();
        // Writes at one instant are one change.
        all.dedup();
        let mut ends = vec![0; setup.trace.objects().len()];
        all.iter().for_each(|(object, _)| ends[object.index()] += 1);
        let mut sum = 0;
        for end in &mut ends {
            sum += *end;
            *end = sum;
        }
        Ok(Self { changes: all.into_iter().map(|(_, at)| at).collect(), ends: ends.into() })
    }
}

impl ChangeModel for Recorded {
    fn lifetime(&self, object: ObjectId, nth: u32) -> SimDuration {
        let start = object.index().checked_sub(1).map_or(0, |before| self.ends[before]);
        let changes = &self.changes[start..self.ends[object.index()]];
        let nth = nth as usize;
        let Some(end) = changes.get(nth) else { return SimDuration::FOREVER };
        end.since(nth.checked_sub(1).map_or(SimTime::ZERO, |before| changes[before]))
    }

    fn ever(&self) -> bool {
        !self.changes.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Seed;
    use crate::trace::{ClassId, Event, Fact, Keys, Objects, Trace};

    #[test]
    fn versions_last_from_write_to_write() {
        let fact = Fact { size: 1, class: ClassId::new(0), size_is_imputed: false };
        let objects = Objects::new(vec![fact; 2], Keys::Numbered, vec!["all".to_owned()]);
        let at = SimTime::from_nanos;
        let event =
            |nanos, object, what| Event { at: at(nanos), object: ObjectId::new(object), what, before: 0 };
        let trace = Trace::new(Vec::new(), Vec::new(), objects, SimDuration::ZERO).with_events(vec![
            event(5, 1, Happening::Changed),
            event(6, 0, Happening::Deleted),
            event(9, 1, Happening::Changed),
            event(9, 1, Happening::Changed),
        ]);
        let setup = Setup { trace: Arc::new(trace), seed: Seed::new(1) };
        let model = Recorded::new(&Params {}, &setup).unwrap();
        assert!(model.ever());
        let lifetimes = [0, 1, 2].map(|nth| model.lifetime(ObjectId::new(1), nth));
        assert_eq!(lifetimes, [SimDuration::from_nanos(5), SimDuration::from_nanos(4), SimDuration::FOREVER]);
        assert_eq!(model.lifetime(ObjectId::new(0), 0), SimDuration::FOREVER);
    }
}
