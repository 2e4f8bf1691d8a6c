//! A dead entry leaves at the instant it expires.
//!
//! No real Redis does this; it is what analytic models assume (F10 of the laws), and a bound for
//! what any active expiry could give back. While the server is down there is nobody to do it.
//!
//! ```toml
//! reclaim = "eager"
//! ```

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use serde::{Deserialize, Serialize};

use super::{Reclaim, Setup};
use crate::catalog::{Invalid, Param, Plugin};
use crate::trace::ObjectId;
use crate::units::SimTime;

/// It takes no parameters.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {}

/// Deadlines, earliest first.
///
/// One deadline per object counts, the earliest since it last came up. One that was moved later is
/// found out when it comes up: the cache then arms it again. One that was moved earlier waits twice,
/// and its second turn is passed over.
#[derive(Debug)]
pub struct Eager {
    deadlines: BinaryHeap<Reverse<(SimTime, ObjectId)>>,
    /// The deadline that counts; never if none waits.
    waits: Vec<SimTime>,
}

impl Plugin for Eager {
    const NAME: &'static str = "eager";
    const SUMMARY: &'static str = "A dead entry leaves at the instant it expires, as analytic models assume.";
    const PARAMS: &'static [Param] = &[];
    type Params = Params;
    type Setup = Setup;

    fn new(_: &Params, setup: &Setup) -> Result<Self, Invalid> {
        Ok(Self { deadlines: BinaryHeap::new(), waits: vec![SimTime::NEVER; setup.objects] })
    }
}

impl Reclaim for Eager {
    fn on_armed(&mut self, object: ObjectId, expires_at: SimTime) {
        let waits = &mut self.waits[object.index()];
        if expires_at < *waits {
            *waits = expires_at;
            self.deadlines.push(Reverse((expires_at, object)));
        }
    }

    fn due(&mut self, now: SimTime) -> Option<ObjectId> {
        while let Some(Reverse((expires_at, object))) = self.deadlines.peek().copied() {
            if expires_at >= now {
                return None;
            }
            self.deadlines.pop();
            let waits = &mut self.waits[object.index()];
            if *waits == expires_at {
                *waits = SimTime::NEVER;
                return Some(object);
            }
        }
        None
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
    fn a_deadline_that_moves_earlier_is_kept_and_its_old_one_passed_over() {
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
