//! A dead entry leaves at the instant it expires.
//!
//! No real Redis does this; it is what analytic models assume (F10 of the laws), and a bound for
//! what any active expiry could give back. While the server is down there is nobody to do it.
//!
//! ```toml
//! reclaim = "eager"
//! ```

use serde::{Deserialize, Serialize};

use super::{Reclaim, Setup};
use crate::cache::heap::{Halves, Heap};
use crate::catalog::{Invalid, Param, Plugin};
use crate::trace::ObjectId;
use crate::units::SimTime;

/// It takes no parameters.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {}

/// Deadlines, earliest first.
///
/// One deadline waits per object, the earliest since it last came up. One that was moved later is
/// found out when it comes up: the cache then arms it again.
#[derive(Debug)]
pub struct Eager {
    deadlines: Heap<Halves>,
}

impl Plugin for Eager {
    const NAME: &'static str = "eager";
    const SUMMARY: &'static str = "A dead entry leaves at the instant it expires, as analytic models assume.";
    const PARAMS: &'static [Param] = &[];
    type Params = Params;
    type Setup = Setup;

    fn new(_: &Params, setup: &Setup) -> Result<Self, Invalid> {
        Ok(Self { deadlines: Heap::new(setup.objects) })
    }
}

impl Reclaim for Eager {
    fn cover(&mut self, keys: usize) {
        self.deadlines.cover(keys);
    }

    fn on_armed(&mut self, object: ObjectId, expires_at: SimTime) {
        let deadline = Halves::of(expires_at.as_nanos());
        if expires_at != SimTime::NEVER && self.deadlines.key(object).is_none_or(|waits| deadline < waits) {
            self.deadlines.set(object, deadline);
        }
    }

    fn due(&mut self, now: SimTime) -> Option<ObjectId> {
        let (deadline, object) = self.deadlines.first()?;
        if deadline.whole() >= now.as_nanos() {
            return None;
        }
        self.deadlines.remove(object);
        Some(object)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::cache::Capacity;
    use crate::trace::{Keys, Objects, Trace};
    use crate::units::SimDuration;

    #[test]
    fn a_deadline_that_moves_earlier_takes_the_place_of_its_old_one() {
        let objects = Objects::new(Vec::new(), Keys::Numbered, Vec::new());
        let trace = Arc::new(Trace::new(Vec::new(), Vec::new(), objects, SimDuration::ZERO));
        let setup = Setup { objects: 2, capacity: Capacity::Unbounded, trace };
        let mut eager = Eager::new(&Params {}, &setup).unwrap();
        let (moved, other) = (ObjectId::new(0), ObjectId::new(1));
        let at = SimTime::from_nanos;
        eager.on_armed(moved, at(30));
        eager.on_armed(moved, at(10));
        eager.on_armed(other, at(40));
        assert_eq!(eager.due(at(10)), None);
        assert_eq!(eager.due(at(11)), Some(moved));
        assert_eq!(eager.due(at(40)), None);
        assert_eq!(eager.due(at(41)), Some(other));
    }
}
